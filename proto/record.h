/* record: changes as they stand in boxes, and the merge that makes records of them (layer 2).
 *
 * An entry's plaintext is [[change, ...], ...]: a change is
 *   [kind, major, minor, id bin16, {field number: value or nil}]
 * and anything after the list of changes is kept for later versions and ignored.
 * A record is (audience, owner, kind, id). Its fields merge one by one: the highest stamp
 * (lamport, chain id, entry id) wins. A merged record is therefore a short list of groups, each a
 * stamp and the set of fields it won. Groups point at entries and hold no content. */
#ifndef MEENT_RECORD_H
#define MEENT_RECORD_H

#include "key.h"
#include "limits.h"
#include "wire.h"

/* A reference to a record as it stands in a change. */
struct mt_ref {
    uint8_t audience; /* 0 the region, 1 this channel */
    struct mt_id owner;
    uint16_t kind;
    struct mt_rid id;
};

/* One change of an entry, borrowed from its plaintext. */
struct mt_change {
    uint16_t kind;
    uint8_t major, minor;
    struct mt_rid id;
    struct mt_slice fields; /* canonical map {number: value} */
    uint64_t mask;          /* bit n: field n is there */
};

/* Walks the changes of one entry. */
struct mt_changes {
    struct mt_reader r;
    uint32_t left;
};

/* Checks the whole grammar of `msgpack` (an entry's unpadded plaintext): shapes, caps, one change
 * per record. Errors: any peer class; then the entry applies nothing, for everyone. */
MT_MUST enum mt_err mt_changes_check(struct mt_slice msgpack);

/* The same in one go with reading: `fn` gets each change and its place. What it got does not count
 * when there is an error in the end. */
typedef void (*mt_change_fn)(void *arg, uint16_t index, const struct mt_change *change);
MT_MUST enum mt_err mt_changes_read(struct mt_slice msgpack, mt_change_fn fn, void *arg);

/* Opens checked bytes for walking. Errors: as mt_changes_check for the outer shape. */
MT_MUST enum mt_err mt_changes_open(struct mt_changes *it, struct mt_slice msgpack);

/* Takes the next change. Returns false at the end. */
bool mt_changes_next(struct mt_changes *it, struct mt_change *out);

/* Starts a plaintext of `n` changes in `w`; then put each change and its `n_fields` pairs, field
 * numbers ascending. */
void mt_changes_begin(struct mt_writer *w, size_t n);
void mt_change_begin(struct mt_writer *w, uint16_t kind, uint8_t major, uint8_t minor,
                     const struct mt_rid *id, size_t n_fields);

/* Walks a canonical map {number: value}: the next number and value. False at the end. */
struct mt_fields {
    struct mt_reader r;
    uint32_t left;
};
MT_MUST enum mt_err mt_fields_open(struct mt_fields *it, struct mt_slice map);
bool mt_fields_next(struct mt_fields *it, uint8_t *no, struct mt_slice *value);

/* Finds one field. Errors: MT_ENOTFOUND. */
MT_MUST enum mt_err mt_fields_find(struct mt_slice map, uint8_t no, struct mt_slice *value);

/* References. */
void mt_ref_put(struct mt_writer *w, const struct mt_ref *ref);
MT_MUST enum mt_err mt_ref_get(struct mt_reader *r, struct mt_ref *out);

/* Where fields of a record come from. chain_no and seq are local row numbers of the store;
 * (lamport, chain id, entry id) is the order all replicas share. */
struct mt_stamp {
    uint64_t lamport;
    struct mt_id chain;
    struct mt_id entry;
    uint32_t chain_no;
    uint64_t seq;
    uint16_t index; /* of the change within its entry */
};

struct mt_group {
    struct mt_stamp stamp;
    uint64_t mask; /* fields this change won; never 0 */
};

/* A merged record: at most one group per field. Groups are sorted by stamp, highest first. */
struct mt_merged {
    uint32_t n;
    struct mt_group groups[MT_FIELDS_MAX];
};

/* Orders stamps by (lamport, chain id, entry id). */
int mt_stamp_cmp(const struct mt_stamp *a, const struct mt_stamp *b);

/* Merges the change that `stamp` and `mask` describe. Returns true when it won any field. The same
 * set of changes gives the same record in every order. */
bool mt_record_merge(struct mt_merged *rec, const struct mt_stamp *stamp, uint64_t mask);

/* A sum mod 2^512 of BLAKE2b-512 values: a digest of a set that is kept by adding and taking. */
struct mt_sum {
    uint8_t b[64]; /* little-endian */
};

/* The summand of one region record: BLAKE2b-512("record", owner, kind, id, then each group's
 * lamport, chain id, entry id, index and mask). An entry id commits to the content, so the
 * content itself is not hashed again. */
void mt_record_digest(struct mt_sum *out, const struct mt_id *region, const struct mt_id *owner,
                      uint16_t kind, const struct mt_rid *id, const struct mt_merged *rec);
void mt_sum_add(struct mt_sum *sum, const struct mt_sum *x);
void mt_sum_take(struct mt_sum *sum, const struct mt_sum *x);

/* The view digest shown to people: BLAKE2b-256 of the sum. */
void mt_sum_digest(const struct mt_id *region, const struct mt_sum *sum, uint8_t out[static 32]);

/* version = BLAKE2b(domain, owner, kind, id, fields in number order, unknown ones included). */
void mt_record_version(uint8_t out[static 32], const struct mt_id *region,
                       const struct mt_id *owner, uint16_t kind, const struct mt_rid *id,
                       struct mt_slice fields);

#endif
