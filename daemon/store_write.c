/* The write transaction of a batch: chains, entries and the queue of changes. Keys of big tables
 * only grow or are sorted first (store_merge.c), because keys in random order are what makes LMDB
 * slow. */
#include "store_merge.h"

#include "box.h"
#include "store_recent.h"

#include <stdlib.h>

enum {
    CHAINS_FIRST = 16,
    ROOM_FACTOR = 4, /* this many times what it carries */
    FOLD_SETS = 48,  /* sets of recent keys from which they are moved on */
};

/* ---- memory ---- */

static struct arena_chunk *chunk_new(struct arena_chunk *next) {
    struct arena_chunk *c = malloc(sizeof *c);
    if (c) {
        c->next = next;
        c->used = 0;
    }
    return c;
}

struct mt_scratch *mt_scratch_new(void) {
    struct mt_scratch *k = calloc(1, sizeof *k);
    if (!k)
        return NULL;
    k->arena = chunk_new(NULL);
    k->opened.plain = malloc(MT_BOX_MAX);
    k->entries = malloc(MT_RUN_ENTRIES_MAX * sizeof *k->entries);
    k->run_arena = malloc(MT_RUN_ARENA);
    if (k->arena && k->opened.plain && k->entries && k->run_arena)
        return k;
    mt_scratch_free(k);
    return NULL;
}

/* Empties the arena down to its first chunk. */
static void arena_clear(struct mt_scratch *k) {
    for (struct arena_chunk *c; (c = k->arena->next);) {
        mt_wipe(k->arena->bytes, k->arena->used);
        free(k->arena);
        k->arena = c;
    }
    mt_wipe(k->arena->bytes, k->arena->used);
    k->arena->used = 0;
    k->arena_bytes = 0;
}

void mt_scratch_free(struct mt_scratch *k) {
    if (!k)
        return;
    if (k->arena)
        arena_clear(k);
    if (k->opened.plain)
        mt_wipe(k->opened.plain, MT_BOX_MAX);
    free(k->arena);
    free(k->opened.plain);
    free(k->entries);
    free(k->run_arena);
    free(k->queue);
    free(k);
}

void *mt_arena_take(struct mt_write *w, size_t n) {
    struct mt_scratch *k = w->k;
    n = (n + 15) & ~(size_t)15;
    if (n > ARENA_CHUNK - k->arena->used) {
        struct arena_chunk *c = chunk_new(k->arena);
        if (!c) {
            mt_txn_fail(&w->t, MT_ENOMEM, "merging");
            return NULL;
        }
        k->arena = c;
    }
    void *p = k->arena->bytes + k->arena->used;
    k->arena->used += n;
    k->arena_bytes += n;
    return p;
}

/* ---- begin and end ---- */

static uint64_t batch_bytes(const struct mt_batch *b) {
    uint64_t n = 0;
    for (uint32_t i = 0; i < b->n; i++) {
        const struct mt_op *op = &b->ops[i];
        if (op->type == MT_OP_BLOB)
            n += op->blob.bytes.n;
        else if (op->type == MT_OP_ITEM)
            n += op->item.bytes.n;
        else if (op->type == MT_OP_RUN)
            n += op->run.message.n;
        else if (op->type == MT_OP_LOCAL)
            for (uint32_t j = 0; j < op->local.n; j++)
                n += MT_HEADER_MAX + op->local.entries[j].box.n;
    }
    return n;
}

static void find_last_chain(struct mt_write *w) {
    struct mt_slice key = {0}, value;
    if (mt_txn_move(&w->t, mt_txn_cursor(&w->t, T_ENTRIES), MDB_LAST, &key, &value) &&
        key.n == ENTRY_KEY_SIZE)
        w->last_chain = mt_load32(key.p);
}

/* Moves recent keys on when there are many, or a move is under way: more than batches bring, so that
 * it comes to an end. What moves was committed earlier. */
static void fold_some(struct mt_write *w) {
    uint64_t sets = mt_txn_count(&w->t, T_RECENT);
    uint64_t keys = RECENT_FOLD_KEYS + 2 * w->t.store->last_set;
    if (sets >= FOLD_SETS || (sets > 0 && mt_recent_is_moving(&w->t)))
        (void)mt_recent_fold(&w->t, sets < 3 * FOLD_SETS ? keys : UINT64_MAX);
}

enum mt_err mt_write_begin(struct mt_store *s, const struct mt_batch *b, struct mt_write **out) {
    *out = NULL;
    uint64_t bytes = batch_bytes(b);
    enum mt_err err = mt_store_grow(s, STORE_ROOM + ROOM_FACTOR * bytes);
    if (err)
        return err;
    struct mt_write *w = calloc(1, sizeof *w);
    if (!w)
        return MT_ENOMEM;
    s->bytes_written += bytes;
    w->batch = b;
    w->k = s->work;
    /* Rows in the scratch may be newer than the table when the last batch failed. */
    w->k->opened.chain_no = 0;
    mt_txn_begin(&w->t, s, true);
    find_last_chain(w);
    fold_some(w);
    if (w->t.err) {
        err = mt_txn_end(&w->t, false);
        err = mt_store_after(s, err, w->t.map_full);
        free(w);
        return err;
    }
    *out = w;
    return MT_OK;
}

static void put_chains(struct mt_write *w) {
    for (uint32_t i = 0; i < w->cap_chains; i++)
        if (w->chains[i] && w->chains[i]->is_dirty)
            mt_store_chain_put(&w->t, w->chains[i]);
}

enum mt_err mt_write_end(struct mt_write *take_w) {
    struct mt_write *w = take_w;
    struct mt_store *s = w->t.store;
    if (w->t.err == MT_OK) {
        mt_write_merge(w);
        put_chains(w);
    }
    enum mt_err err = mt_txn_end(&w->t, true);
    bool map_full = w->t.map_full;
    for (uint32_t i = 0; i < w->cap_chains; i++)
        free(w->chains[i]);
    free(w->chains);
    arena_clear(w->k);
    free(w->k->queue);
    w->k->queue = NULL;
    w->k->n = w->k->cap = 0;
    free(w);
    return mt_store_after(s, err, map_full);
}

enum mt_err mt_write_error(const struct mt_write *w) {
    return w->t.err;
}

void mt_write_fail(struct mt_write *w, enum mt_err err, const char *what) {
    mt_txn_fail(&w->t, err, what);
}

/* ---- the node's own ---- */

static void put_sealed(struct mt_write *w, enum table table, struct mt_slice name,
                       struct mt_slice bytes) {
    uint8_t *p = mt_txn_reserve(&w->t, table, name, bytes.n + MT_REST_OVERHEAD, false);
    if (!p)
        return;
    struct mt_writer out = mt_writer(p, bytes.n + MT_REST_OVERHEAD);
    enum mt_err err =
        mt_rest_seal(w->t.store->secrets->store, mt_store_table_names[table], name, bytes, &out);
    if (err)
        mt_txn_fail(&w->t, err, "sealing");
}

void mt_write_blob(struct mt_write *w, const char *name, struct mt_slice bytes) {
    struct mt_slice key = mt_slice_str(name);
    if (key.n == 0 || key.n > STORE_KEY_MAX)
        mt_txn_fail(&w->t, MT_EBUG, "the name of a blob is empty or too long");
    else if (bytes.n == 0)
        mt_txn_del(&w->t, T_STATE, key);
    else
        put_sealed(w, T_STATE, key, bytes);
}

void mt_write_item(struct mt_write *w, const struct mt_id *id, struct mt_slice bytes) {
    put_sealed(w, T_GOV, mt_slice(id->b, sizeof id->b), bytes);
}

/* ---- chains ---- */

static struct mt_chain_row **chain_slot(struct mt_chain_row **slots, uint32_t cap, uint32_t no) {
    uint32_t at = (no * UINT32_C(2654435761)) & (cap - 1);
    while (slots[at] && slots[at]->info.no != no)
        at = (at + 1) & (cap - 1);
    return &slots[at];
}

static bool make_room(struct mt_write *w) {
    if (w->n_chains * 2 < w->cap_chains)
        return true;
    uint32_t cap = w->cap_chains ? w->cap_chains * 2 : CHAINS_FIRST;
    struct mt_chain_row **slots = calloc(cap, sizeof *slots);
    if (!slots) {
        mt_txn_fail(&w->t, MT_ENOMEM, "reading chains");
        return false;
    }
    for (uint32_t i = 0; i < w->cap_chains; i++)
        if (w->chains[i])
            *chain_slot(slots, cap, w->chains[i]->info.no) = w->chains[i];
    free(w->chains);
    w->chains = slots;
    w->cap_chains = cap;
    return true;
}

/* The cached row, read from the table when it is not cached. One that is nowhere has no id. */
static struct mt_chain_row *cached(struct mt_write *w, uint32_t no) {
    if (w->t.err || !make_room(w))
        return NULL;
    struct mt_chain_row **slot = chain_slot(w->chains, w->cap_chains, no);
    struct mt_chain_row *row = *slot;
    if (row)
        return row;
    row = malloc(sizeof *row);
    if (!row) {
        mt_txn_fail(&w->t, MT_ENOMEM, "reading chains");
        return NULL;
    }
    if (!mt_store_chain_get(&w->t, no, row))
        *row = (struct mt_chain_row){.info.no = no};
    *slot = row;
    w->n_chains++;
    return mt_write_error(w) ? NULL : row;
}

struct mt_chain_row *mt_write_chain(struct mt_write *w, const struct mt_chain_info *info) {
    struct mt_chain_row *row = cached(w, info->no);
    if (!row)
        return NULL;
    if (!row->is_stored && mt_id_is_zero(&row->info.id)) {
        row->info = *info;
        row->region = w->batch->region;
    }
    if (mt_id_eq(&row->info.id, &info->id) && mt_id_eq(&row->info.other, &info->other))
        return row;
    mt_txn_fail(&w->t, MT_EBUG, "the number of a chain belongs to another");
    return NULL;
}

struct mt_chain_row *mt_write_chain_no(struct mt_write *w, uint32_t no) {
    struct mt_chain_row *row = cached(w, no);
    if (row && !mt_id_is_zero(&row->info.id))
        return row;
    mt_txn_fail(&w->t, MT_ECORRUPT, "the row of a chain is missing");
    return NULL;
}

bool mt_write_entry_head(struct mt_write *w, const struct mt_chain_row *row, uint64_t seq,
                         struct mt_head *out) {
    struct entry_row e;
    struct mt_header h;
    if (seq == row->head.seq) {
        *out = row->head;
        return true;
    }
    if (!mt_store_entry_get(&w->t, row->info.no, seq, &e) ||
        !mt_store_entry_header(&w->t, &e, &row->info.id, seq, &h))
        return false;
    *out = (struct mt_head){.seq = seq, .lamport = h.lamport};
    mt_entry_id(&w->batch->region, e.header, &out->entry);
    return true;
}

void mt_write_entry(struct mt_write *w, struct mt_chain_row *row, const struct mt_new_entry *e) {
    struct entry_row stored = {.header = e->header, .box = e->box, .signature = e->signature};
    mt_store_entry_put(&w->t, row->info.no, e->head.seq, &stored, row->info.no >= w->last_chain);
    if (row->info.no > w->last_chain)
        w->last_chain = row->info.no;
    row->head = e->head;
    row->is_dirty = true;
}

/* ---- changes ---- */

bool mt_write_queue(struct mt_write *w, const struct queued *change) {
    struct mt_scratch *k = w->k;
    if (k->n == k->cap) {
        uint32_t cap = k->cap ? k->cap * 2 : MT_CHANGES_MAX;
        struct queued *queue = realloc(k->queue, cap * sizeof *queue);
        if (!queue) {
            mt_txn_fail(&w->t, MT_ENOMEM, "merging");
            return false;
        }
        k->queue = queue;
        k->cap = cap;
    }
    k->queue[k->n++] = *change;
    return true;
}

void mt_write_number(struct mt_write *w, struct mt_chain_row *row) {
    if (row->owner_no)
        return;
    row->owner_no = mt_store_org_add(&w->t, &row->info.org);
    if (!mt_id_is_zero(&row->info.other))
        row->audience_no = mt_store_org_add(&w->t, &row->info.other);
}

void mt_write_content(struct mt_write *w, struct mt_chain_row *row, const struct mt_header *h,
                      const struct mt_id *id, struct mt_slice content) {
    struct mt_changes it;
    struct mt_change c;
    if (w->t.err || mt_changes_check(content) || mt_changes_open(&it, content))
        return;
    mt_write_number(w, row);
    struct origin *o = mt_arena_take(w, sizeof *o);
    if (!o)
        return;
    *o = (struct origin){
        .chain = row, .entry = *id, .lamport = h->lamport, .seq = h->seq, .wall_ms = h->wall_ms};
    for (uint16_t i = 0; mt_changes_next(&it, &c); i++) {
        struct queued q = mt_queued(o, &c, i);
        if (c.mask && !mt_write_queue(w, &q))
            return;
    }
}

void mt_write_merge_when_large(struct mt_write *w) {
    if (w->k->n < QUEUE_CHANGES_MAX && w->k->arena_bytes < QUEUE_BYTES_MAX)
        return;
    mt_write_merge(w);
    arena_clear(w->k);
}

/* Opens a box whose key is at hand. One that does not open applies nothing, for everyone. */
static void open_and_queue(struct mt_write *w, struct mt_chain_row *row, const uint8_t *key,
                           const struct mt_header *h, const struct mt_id *id, struct mt_slice box) {
    uint8_t *p = mt_arena_take(w, box.n);
    if (!p)
        return;
    struct mt_writer plain = mt_writer(p, box.n);
    struct mt_box_place place = {
        .region = w->batch->region, .chain = h->chain, .seq = h->seq, .epoch = h->epoch};
    struct mt_slice content;
    if (mt_box_open(key, &place, box, &plain, &content) == MT_OK)
        mt_write_content(w, row, h, id, content);
}

void mt_write_read(struct mt_write *w, struct mt_chain_row *row, const struct mt_header *h,
                   const struct mt_id *id, struct mt_slice box) {
    if (w->t.err)
        return;
    const uint8_t *key = mt_store_box_key(w->batch->keys, &row->info, &h->epoch);
    if (key) {
        mt_write_merge_when_large(w);
        open_and_queue(w, row, key, h, id, box);
        return;
    }
    uint8_t waiting[ENTRY_KEY_SIZE];
    mt_store_entry_key(waiting, row->info.no, h->seq);
    struct mt_slice held;
    (void)mt_txn_add_summed(&w->t, T_WAITING, mt_slice(waiting, sizeof waiting), mt_slice(NULL, 0),
                            &held);
}

/* Reads the waiting entry at `key`. True when it needs not wait any longer. */
static bool retry_one(struct mt_write *w, const uint8_t key[static ENTRY_KEY_SIZE]) {
    struct mt_chain_row *row = mt_write_chain_no(w, mt_load32(key));
    uint64_t seq = mt_load64(key + 4);
    struct entry_row e;
    struct mt_header h;
    struct mt_id id;
    if (!row)
        return false;
    if (!mt_store_entry_get(&w->t, row->info.no, seq, &e) ||
        !mt_store_entry_header(&w->t, &e, &row->info.id, seq, &h)) {
        mt_txn_fail(&w->t, MT_ECORRUPT, "a waiting entry is missing");
        return false;
    }
    const uint8_t *box_key = mt_store_box_key(w->batch->keys, &row->info, &h.epoch);
    if (!box_key)
        return false;
    mt_entry_id(&w->batch->region, e.header, &id);
    open_and_queue(w, row, box_key, &h, &id, e.box);
    return true;
}

void mt_write_retry(struct mt_write *w) {
    struct mt_slice key = {0}, value;
    MDB_cursor *c = mt_txn_cursor(&w->t, T_WAITING);
    for (bool more = mt_txn_move(&w->t, c, MDB_FIRST, &key, &value); more;
         more = mt_txn_move(&w->t, c, MDB_NEXT, &key, &value)) {
        uint8_t at[ENTRY_KEY_SIZE];
        if (key.n != sizeof at) {
            mt_txn_fail(&w->t, MT_ECORRUPT, "a row of table waiting is damaged");
            return;
        }
        memcpy(at, key.p, sizeof at);
        mt_write_merge_when_large(w);
        if (retry_one(w, at))
            mt_txn_del_summed(&w->t, T_WAITING, mt_slice(at, sizeof at));
    }
}

struct mt_run_entry *mt_write_run_entries(struct mt_write *w) {
    return w->k->entries;
}

uint8_t *mt_write_run_arena(struct mt_write *w) {
    return w->k->run_arena;
}
