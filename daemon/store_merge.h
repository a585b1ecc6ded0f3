/* store_merge: the changes a batch brings, and how they become records. Only store*.c include it. */
#ifndef MEENT_STORE_MERGE_H
#define MEENT_STORE_MERGE_H

#include "store_internal.h"

enum {
    ARENA_CHUNK = 1024 * 1024,
    QUEUE_CHANGES_MAX = 65536,          /* merged when there are this many, or */
    QUEUE_BYTES_MAX = 16 * 1024 * 1024, /* this much content */
};

_Static_assert((int)MT_BOX_MAX < (int)ARENA_CHUNK, "a box fits a chunk");

struct arena_chunk {
    struct arena_chunk *next;
    size_t used;
    _Alignas(16) uint8_t bytes[ARENA_CHUNK];
};

/* Where queued changes come from. */
struct origin {
    const struct mt_chain_row *chain;
    struct mt_id entry;
    uint64_t lamport, seq, wall_ms;
};

enum { EARLY_KEYS_MAX = 4 };

/* What a change of the region brings when its record is new and nothing else touches it. */
struct early {
    struct mt_sum share; /* of the view sum */
    uint32_t n_keys;     /* of the index, still without their row; above the room: not known */
    struct index_key keys[EARLY_KEYS_MAX];
};

/* A change that is not merged yet. */
struct queued {
    const struct origin *origin;
    const struct early *early; /* NULL: not worked out */
    struct mt_slice fields;
    uint64_t mask; /* never 0 */
    struct mt_rid id;
    uint16_t kind, index;
    uint8_t major;
};

/* Memory of the writing thread. What a batch needs is freed at its end; the first chunk stays. */
struct mt_scratch {
    struct arena_chunk *arena; /* the one being filled; never NULL */
    size_t arena_bytes;
    struct queued *queue;
    uint32_t n, cap;
    struct opened opened;
    struct mt_run_entry *entries;
    uint8_t *run_arena;
};

struct mt_write {
    struct mt_txn t;
    const struct mt_batch *batch;
    struct mt_scratch *k;
    struct mt_chain_row **chains; /* open addressing by number */
    uint32_t n_chains, cap_chains;
    uint32_t last_chain; /* highest number in the table of entries */
    struct mt_sum sum;
    bool has_sum;
};

static inline struct queued mt_queued(const struct origin *o, const struct mt_change *c,
                                      uint16_t index) {
    return (struct queued){.origin = o,
                           .fields = c->fields,
                           .mask = c->mask,
                           .id = c->id,
                           .kind = c->kind,
                           .index = index,
                           .major = c->major};
}

/* Queues a change. False when out of memory, which sticks. */
bool mt_write_queue(struct mt_write *w, const struct queued *change);

/* Merges the queue when it has grown large. What the changes point at must then be in the arena or
 * outlive the batch. */
void mt_write_merge_when_large(struct mt_write *w);

/* Finds or gives the local numbers of a chain's owner and audience. */
void mt_write_number(struct mt_write *w, struct mt_chain_row *row);

/* Takes memory that lives until the queue is merged. NULL sticks MT_ENOMEM. */
void *mt_arena_take(struct mt_write *w, size_t n);

/* A chain by its number, from the batch or the table. NULL sticks MT_ECORRUPT. */
struct mt_chain_row *mt_write_chain_no(struct mt_write *w, uint32_t no);

/* Merges everything queued into records, indexes, counts and the view sum, and empties the queue. */
void mt_write_merge(struct mt_write *w);

#endif
