/* buf: sticky reader and writer over caller memory (layer 1). Nothing here allocates. */
#ifndef MEENT_BUF_H
#define MEENT_BUF_H

#include "err.h"
#include "types.h"

/* Appends to caller memory. The first error sticks: later puts do nothing, so callers check once. */
struct mt_writer {
    uint8_t *p; /* borrowed, `cap` bytes */
    size_t n;   /* bytes written */
    size_t cap;
    enum mt_err err; /* MT_OK or MT_ETOOLONG */
};

/* Consumes caller memory. The first error sticks: later gets return zeros. */
struct mt_reader {
    const uint8_t *p; /* borrowed */
    size_t n;         /* bytes in all */
    size_t at;        /* bytes consumed */
    enum mt_err err;
};

/* Starts writing at the front of `p`, which holds `cap` bytes and outlives the writer. */
static inline struct mt_writer mt_writer(void *p, size_t cap) {
    return (struct mt_writer){.p = p, .cap = cap, .err = MT_OK};
}

/* What has been written so far, borrowed from the writer's memory. */
static inline struct mt_slice mt_writer_slice(const struct mt_writer *w) {
    return mt_slice(w->p, w->n);
}

/* Reserves `n` bytes and returns them, or NULL with MT_ETOOLONG stuck in `w`. */
uint8_t *mt_writer_take(struct mt_writer *w, size_t n);

/* Appends `n` bytes. Errors: MT_ETOOLONG in `w`. */
void mt_writer_put(struct mt_writer *w, const void *p, size_t n);

/* Appends big-endian integers. Errors: MT_ETOOLONG in `w`. */
void mt_writer_u8(struct mt_writer *w, uint8_t v);
void mt_writer_u16(struct mt_writer *w, uint16_t v);
void mt_writer_u32(struct mt_writer *w, uint32_t v);
void mt_writer_u64(struct mt_writer *w, uint64_t v);

/* Starts reading at the front of `in`, which outlives the reader. */
static inline struct mt_reader mt_reader(struct mt_slice in) {
    return (struct mt_reader){.p = in.p, .n = in.n, .err = MT_OK};
}

/* Bytes not yet consumed; 0 after an error. */
static inline size_t mt_reader_left(const struct mt_reader *r) {
    return r->err == MT_OK ? r->n - r->at : 0;
}

/* Consumes `n` bytes and returns them in place, or NULL with MT_ETRUNCATED stuck in `r`. */
const uint8_t *mt_reader_take(struct mt_reader *r, size_t n);

/* Consumes `n` bytes into `out`, which is zeroed on error. Errors: MT_ETRUNCATED in `r`. */
void mt_reader_get(struct mt_reader *r, void *out, size_t n);

/* Consumes big-endian integers. Errors: MT_ETRUNCATED in `r`, result 0. */
uint8_t mt_reader_u8(struct mt_reader *r);
uint16_t mt_reader_u16(struct mt_reader *r);
uint32_t mt_reader_u32(struct mt_reader *r);
uint64_t mt_reader_u64(struct mt_reader *r);

/* Sticks MT_ETRAILING when bytes are left, and returns the reader's error. */
MT_MUST enum mt_err mt_reader_end(struct mt_reader *r);

#endif
