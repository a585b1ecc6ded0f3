/* Recent entries. Each chain is walked back from its head; the newest of what stands at the fronts
 * comes next. Every entry must be the one that its successor names and have the box that its header
 * names: one that is missing or damaged ends the walk with that error, since what is left would look
 * like all there is. */
#include "store_internal.h"

#include "box.h"

#include <stdlib.h>

struct front {
    struct mt_chain_row chain;
    uint64_t seq, wall_ms; /* of the entry that is next; seq 0: the chain is done */
    struct mt_id entry, previous;
};

struct fronts {
    struct front *list;
    size_t n, cap;
};

/* Moves a front to the entry `id` at `seq`. */
static void front_move(struct mt_read *r, struct front *f, uint64_t seq, const struct mt_id *id) {
    struct entry_row e;
    struct mt_header h;
    struct mt_id found, box;
    f->seq = 0;
    if (seq == 0)
        return;
    if (!mt_store_entry_get(r->txn, f->chain.info.no, seq, &e)) {
        mt_txn_fail(r->txn, MT_ECORRUPT, "an entry of a chain is missing");
        return;
    }
    if (!mt_store_entry_header(r->txn, &e, &f->chain.info.id, seq, &h))
        return;
    mt_entry_id(r->region, e.header, &found);
    mt_box_hash(r->region, e.box, &box);
    if (!mt_id_eq(&found, id) || !mt_id_eq(&box, &h.box_hash)) {
        mt_txn_fail(r->txn, MT_ECORRUPT, "an entry of a chain is damaged");
        return;
    }
    f->seq = seq;
    f->wall_ms = h.wall_ms;
    f->entry = found;
    f->previous = h.previous;
}

static void fronts_load(struct mt_read *r, struct fronts *fronts) {
    struct mt_txn *t = r->txn;
    struct mt_slice key = {0}, value;
    MDB_cursor *c = mt_txn_cursor(t, T_CHAINS);
    for (bool more = mt_txn_move(t, c, MDB_FIRST, &key, &value); more;
         more = mt_txn_move(t, c, MDB_NEXT, &key, &value)) {
        if (fronts->n == fronts->cap) {
            size_t cap = fronts->cap ? fronts->cap * 2 : 64;
            struct front *list = realloc(fronts->list, cap * sizeof *list);
            if (!list) {
                mt_txn_fail(t, MT_ENOMEM, "reading the log");
                return;
            }
            fronts->list = list;
            fronts->cap = cap;
        }
        struct front *f = &fronts->list[fronts->n++];
        *f = (struct front){.seq = 0};
        if (!mt_txn_open_row(t, T_CHAINS, key, &value) ||
            !mt_store_chain_parse(t, value, mt_load32(key.p), &f->chain))
            return;
    }
}

static struct front *newest(struct fronts *fronts) {
    struct front *best = NULL;
    for (size_t i = 0; i < fronts->n; i++) {
        struct front *f = &fronts->list[i];
        if (f->seq != 0 && (!best || f->wall_ms > best->wall_ms))
            best = f;
    }
    return best;
}

/* Reads the entry a front stands at; without content when it cannot be read here. */
static struct mt_log_row log_row(struct mt_read *r, const struct front *f) {
    struct mt_txn *t = r->txn;
    struct opened *o = &r->store->opened;
    struct mt_log_row row = {.chain = f->chain.info, .seq = f->seq, .wall_ms = f->wall_ms};
    struct mt_stamp stamp = {.chain_no = f->chain.info.no, .seq = f->seq, .entry = f->entry};
    if (mt_store_open_entry(t, r->region, r->keys, &stamp, o) == MT_OK &&
        mt_changes_check(o->content) == MT_OK)
        row.content = o->content;
    return row;
}

enum mt_err mt_read_log(struct mt_read *r, size_t max, mt_log_fn fn, void *arg) {
    struct mt_txn *t = r->txn;
    struct fronts fronts = {0};
    fronts_load(r, &fronts);
    for (size_t i = 0; i < fronts.n && t->err == MT_OK; i++)
        front_move(r, &fronts.list[i], fronts.list[i].chain.head.seq,
                   &fronts.list[i].chain.head.entry);
    struct front *f;
    for (size_t n = 0; n < max && t->err == MT_OK && (f = newest(&fronts)); n++) {
        struct mt_log_row row = log_row(r, f);
        if (!fn(arg, &row))
            break;
        const struct mt_id previous = f->previous;
        front_move(r, f, f->seq - 1, &previous);
    }
    free(fronts.list);
    return t->err;
}
