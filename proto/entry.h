/* entry: the signed header of one transaction in a chain (layer 2). */
#ifndef MEENT_ENTRY_H
#define MEENT_ENTRY_H

#include "key.h"
#include "limits.h"
#include "wire.h"

enum { MT_HEADER_VERSION = 1 };

/* A header, protocol.md 3.1. Encoded as a canonical array of exactly ten elements in this order. */
struct mt_header {
    uint64_t version;
    struct mt_id chain;
    uint64_t seq;            /* first 1 */
    struct mt_id previous;   /* entry id; zeros for the first */
    uint64_t lamport;        /* greater than the previous one's, <= MT_LAMPORT_MAX */
    struct mt_id governance; /* head the writer knew: a hint */
    uint64_t wall_ms;        /* display only */
    struct mt_id epoch;      /* statement id; zeros in pair chains */
    struct mt_id box_hash;
    uint32_t box_len;
};

/* Encodes. `w` needs MT_HEADER_MAX bytes at most. Errors: MT_ETOOLONG in `w`. */
void mt_header_put(struct mt_writer *w, const struct mt_header *h);

/* Decodes canonical bytes of at most MT_HEADER_MAX. Errors: peer class. */
MT_MUST enum mt_err mt_header_get(struct mt_slice in, struct mt_header *out);

/* Entry id = BLAKE2b-256("entry", header bytes). */
void mt_entry_id(const struct mt_id *region, struct mt_slice header, struct mt_id *out);

/* Signs and verifies a head: ("head", chain id, seq, entry id), by the feed key. */
void mt_head_sign(const struct mt_sign_key *feed, const struct mt_id *region,
                  const struct mt_id *chain, uint64_t seq, const struct mt_id *entry,
                  uint8_t sig[static MT_SIGNATURE_SIZE]);
MT_MUST enum mt_err mt_head_verify(const struct mt_id *feed, const struct mt_id *region,
                                   const struct mt_id *chain, uint64_t seq,
                                   const struct mt_id *entry,
                                   const uint8_t sig[static MT_SIGNATURE_SIZE]);

#endif
