/* feed: runs of a chain on the wire, and the check that they continue what is held (layer 3).
 *
 * A run is the sync message
 *   [MT_MSG_RUN, chain, first seq, first 16 bytes of the previous id, governance, epoch,
 *    [entry, ...], signature]
 * with entry = [lamport, wall ms, box] or, when governance head or epoch changes,
 * [lamport, wall ms, box, governance, epoch]; an erased box is [box hash, box length].
 * Everything else of a header follows from what came before, and the one signature over the last
 * head proves all of it. */
#ifndef MEENT_FEED_H
#define MEENT_FEED_H

#include "entry.h"
#include "limits.h"

/* The end of a chain as far as it is held. Zeros: nothing is held. */
struct mt_head {
    uint64_t seq;
    struct mt_id entry;
    uint64_t lamport;
};

/* One entry of a checked run. */
struct mt_run_entry {
    struct mt_header h;
    struct mt_id id;
    struct mt_slice header; /* rebuilt bytes, in the run's arena */
    struct mt_slice box;    /* in the message; empty when missing */
};

/* A run being checked. `arena` and `entries` are the caller's and are reused run after run. */
struct mt_run {
    struct mt_id chain;
    uint64_t first;
    uint8_t previous16[16];
    uint32_t n;
    const uint8_t *signature; /* in the message */
    struct mt_run_entry *entries;
};

enum { MT_RUN_ARENA = MT_RUN_ENTRIES_MAX * MT_HEADER_MAX };

/* Reads only what a run is about: chain and first seq. Errors: peer class. */
MT_MUST enum mt_err mt_run_peek(struct mt_slice message, struct mt_id *chain, uint64_t *first,
                                uint8_t previous16[static 16], uint32_t *n);

/* Rebuilds every header of `message` (at most MT_RUN_BYTES_MAX), which continues `before` (the entry at first - 1; zeros when
 * first is 1), hashes the boxes and checks the signature of the last head by `feed`.
 * In: entries holds MT_RUN_ENTRIES_MAX elements, arena MT_RUN_ARENA bytes.
 * Out: `run`, borrowing message, entries and arena.
 * Errors: MT_ECHAIN (does not continue `before`), MT_ESIGNATURE, MT_EVALUE (lamport), other peer
 * class. Nothing in `run` may be used then. */
MT_MUST enum mt_err mt_run_check(struct mt_slice message, const struct mt_id *region,
                                 const struct mt_id *feed, const struct mt_head *before,
                                 struct mt_run_entry *entries, uint8_t *arena, struct mt_run *run);

/* Builds a run message. Begin, add each entry in order, end with the signature of the last. */
struct mt_run_writer {
    struct mt_writer *w;
    size_t entries_at; /* where the entries start; the array head is put before them at the end */
    uint32_t n;
    struct mt_id governance, epoch; /* as last stated */
};
void mt_run_begin(struct mt_run_writer *rw, struct mt_writer *w, const struct mt_id *chain,
                  uint64_t first, const struct mt_id *previous, const struct mt_id *governance,
                  const struct mt_id *epoch);
void mt_run_add(struct mt_run_writer *rw, const struct mt_header *h, struct mt_slice box);
void mt_run_end(struct mt_run_writer *rw, const uint8_t signature[static MT_SIGNATURE_SIZE]);

#endif
