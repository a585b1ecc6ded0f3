/* store_write: the write transaction of one batch, for apply (layer 1).
 *
 * The first error sticks: later calls do nothing and mt_write_end drops everything. */
#ifndef MEENT_STORE_WRITE_H
#define MEENT_STORE_WRITE_H

#include "store.h"

struct mt_write;

/* A chain as the batch sees it. */
struct mt_chain_row {
    struct mt_chain_info info;
    struct mt_id region;
    struct mt_head head;
    uint64_t fork; /* lowest seq with two different entries; 0: none */
    bool is_stored, is_dirty;
    uint32_t audience_no, owner_no; /* 0 until first needed; audience 0 is the region */
};

/* Begins, with room in the map for what the batch carries. Errors: local class. */
MT_MUST enum mt_err mt_write_begin(struct mt_store *s, const struct mt_batch *b,
                                   struct mt_write **out);

/* Merges what was queued, commits and syncs, or drops everything when something failed.
 * Owns: takes `w`. Errors: what failed; MT_EAGAIN when the map was full and has grown, so that the
 * batch may be tried again. */
MT_MUST enum mt_err mt_write_end(struct mt_write *take_w);

enum mt_err mt_write_error(const struct mt_write *w);
void mt_write_fail(struct mt_write *w, enum mt_err err, const char *what);

void mt_write_blob(struct mt_write *w, const char *name, struct mt_slice bytes);
void mt_write_item(struct mt_write *w, const struct mt_id *id, struct mt_slice bytes);

/* The row of a chain, as changed by this batch so far; lives until the end. One that is not stored
 * yet has head 0. NULL after an error; MT_EBUG sticks when the number is another chain's. */
struct mt_chain_row *mt_write_chain(struct mt_write *w, const struct mt_chain_info *info);

/* Id and lamport of an entry held. False when it is not. */
bool mt_write_entry_head(struct mt_write *w, const struct mt_chain_row *row, uint64_t seq,
                         struct mt_head *out);

/* An entry to append; `signature` NULL when it is not signed. */
struct mt_new_entry {
    struct mt_head head; /* the chain's end with it */
    struct mt_slice header, box;
    const uint8_t *signature;
};
void mt_write_entry(struct mt_write *w, struct mt_chain_row *row, const struct mt_new_entry *e);

/* Appends a run that was prepared, when it continues the chain as it is now. False when it does not,
 * or nothing was prepared: then nothing is written. */
bool mt_write_prepared(struct mt_write *w, struct mt_chain_row *row, const struct mt_run_job *job);

/* Opens a box of the chain and queues what it says. An entry whose key is not at hand waits. */
void mt_write_read(struct mt_write *w, struct mt_chain_row *row, const struct mt_header *h,
                   const struct mt_id *id, struct mt_slice box);

/* Queues the changes of a plaintext that lives until the end. One that does not fit the grammar
 * queues nothing. */
void mt_write_content(struct mt_write *w, struct mt_chain_row *row, const struct mt_header *h,
                      const struct mt_id *id, struct mt_slice content);

/* Reads every waiting entry whose key is at hand now. */
void mt_write_retry(struct mt_write *w);

/* Room to check a run in: MT_RUN_ENTRIES_MAX elements and MT_RUN_ARENA bytes. */
struct mt_run_entry *mt_write_run_entries(struct mt_write *w);
uint8_t *mt_write_run_arena(struct mt_write *w);

#endif
