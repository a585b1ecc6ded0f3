/* builder: chains of sealed and signed entries from plaintext changes, for tests.
 *
 * Everything is derived from small numbers, so that two builders with the same numbers make the
 * same bytes: a fork is two builders that are given the same entries first and others then. */
#ifndef MEENT_TEST_BUILDER_H
#define MEENT_TEST_BUILDER_H

#include "batch.h"
#include "box.h"
#include "record.h"

/* Organisation number `n`: keys as the seed gives them, and one installation. */
struct built_org {
    uint8_t seed[32];
    struct mt_sign_key root; /* root.pub is the organisation's id */
    struct mt_dh_key grant;
    struct mt_sign_key feed;
};

struct built_entry {
    struct mt_header h;
    struct mt_id id;
    struct mt_slice header, box, content; /* owned by the builder */
};

/* One chain that grows. Set `governance` and `epoch` (with builder_set_epoch) to change what the
 * next entries state, `wall_ms` and `lamport` for their times. */
struct builder {
    struct mt_id region;
    struct built_org writer;
    struct mt_chain_info info;
    struct mt_id governance, epoch;
    uint8_t box_key[32];
    uint64_t wall_ms, lamport;   /* of the next entry */
    struct mt_head head;         /* of the last entry */
    struct built_entry *entries; /* entry of seq s is entries[s - 1] */
    uint32_t n, cap;
};

/* 32 bytes that follow from `use` and `n`. */
void built_bytes(uint8_t out[static 32], const char *use, uint64_t n);
struct mt_id built_id(const char *use, uint64_t n);
struct built_org built_org(uint64_t n);

/* Opens the region chain of organisation `writer` in region `region`; epoch number 1. */
void builder_region(struct builder *b, uint64_t region, uint64_t writer, uint32_t chain_no);

/* Opens the pair chain that `writer` writes in its channel with `other` (itself is fine).
 * `info.other` is the one of both that is not `reader`. */
void builder_pair(struct builder *b, uint64_t region, uint64_t writer, uint64_t other,
                  uint64_t reader, uint32_t chain_no);
void builder_close(struct builder *b);

/* Changes to epoch number `n`, whose key is built_bytes("epoch key", n) and whose statement id is
 * built_id("statement", n). */
void builder_set_epoch(struct builder *b, uint64_t n);

/* Appends an entry with this plaintext. */
void builder_add(struct builder *b, struct mt_slice plaintext);

/* Appends an entry whose one change sets text field `field` of record (kind, record `rid`). */
void builder_add_text(struct builder *b, uint16_t kind, uint64_t rid, uint8_t field,
                      const char *text);

/* Record id number `n`: big-endian in the last 8 of its 16 bytes. */
struct mt_rid built_rid(uint64_t n);

/* Writes the run message of `n` entries from seq `first`, signed at its end. */
void builder_run(const struct builder *b, uint64_t first, uint32_t n, struct mt_writer *w);

/* As builder_run in memory from malloc. Owns: the caller. */
struct mt_slice builder_run_new(const struct builder *b, uint64_t first, uint32_t n);

/* Appends an operation to `batch`: the same entries as a peer's run, or as our own (one signature,
 * at the end). */
struct mt_op *builder_op_run(const struct builder *b, uint64_t first, uint32_t n,
                             struct mt_batch *batch);
struct mt_op *builder_op_local(const struct builder *b, uint64_t first, uint32_t n,
                               struct mt_batch *batch);

/* The end of the chain at entry `seq`; zeros for 0. */
struct mt_head builder_head(const struct builder *b, uint64_t seq);

/* A ring with epochs 1 to `epochs` and the channels of organisation `own` with organisations
 * 1 to `orgs`, in region number `region`. Owns: the caller, one reference. */
struct mt_keyring *built_ring(uint64_t region, uint32_t epochs, uint64_t own, uint32_t orgs);

#endif
