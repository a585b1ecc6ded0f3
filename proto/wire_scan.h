/* wire_scan: heads of MessagePack values, shared by the scan and the cursor of wire (layer 1). */
#ifndef MEENT_WIRE_SCAN_H
#define MEENT_WIRE_SCAN_H

#include "wire.h"

/* The first bytes of a value: what it is and what belongs to it. */
struct mt_wire_head {
    uint64_t n; /* payload bytes; elements of an array, pairs of a map; bits of the number itself */
    enum mt_wire_type type; /* MT_WIRE_END: the byte 0xc1 */
    uint8_t size;           /* bytes of the head; a number's head is the whole number */
    bool ok;                /* false while the head is not complete */
};
/* So that it travels in registers: heads are read more often than anything else. */
_Static_assert(sizeof(struct mt_wire_head) <= 16, "a head fits two registers");

/* Reads the head at `p`, where `left` >= 1 bytes are. */
struct mt_wire_head mt_wire_head(const uint8_t *p, size_t left);

/* Bytes of payload that follow the head. */
static inline uint64_t mt_wire_payload(const struct mt_wire_head *h) {
    return h->type == MT_WIRE_STR || h->type == MT_WIRE_BIN || h->type == MT_WIRE_EXT ? h->n : 0;
}

/* Values that follow the head before its own value is complete. */
static inline uint64_t mt_wire_children(const struct mt_wire_head *h) {
    return h->type == MT_WIRE_ARRAY ? h->n : h->type == MT_WIRE_MAP ? 2 * h->n : 0;
}

/* True when `d` is a whole number that an integer form can hold; -0.0 is such a one. */
bool mt_wire_is_whole(double d);

/* True when `d` is exactly a float32, or not a finite number. */
bool mt_wire_fits_float32(double d);

#endif
