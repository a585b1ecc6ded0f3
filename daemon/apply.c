/* Applies a batch: one transaction, the operations in order.
 *
 * A run that a peer sent is checked before anything of it is written, so refusing it leaves the
 * rest of the batch alone. One that was prepared and still continues its chain was checked already. Whatever else fails is ours (the disk, memory, a defect) and drops the
 * whole batch. A full map is no failure: it grows, and the batch is applied again from the start. */
#include "store_write.h"

enum { TRIES_MAX = 16 };

static struct mt_head head_of(const struct mt_header *h, const struct mt_id *id) {
    return (struct mt_head){.seq = h->seq, .entry = *id, .lamport = h->lamport};
}

/* ---- a run of a peer ---- */

/* The entry a run continues. MT_ECHAIN when it does not continue what is held. */
static enum mt_err find_before(struct mt_write *w, const struct mt_chain_row *row, uint64_t first,
                               const uint8_t previous16[static 16], struct mt_head *before) {
    *before = (struct mt_head){0};
    if (first - 1 > row->head.seq)
        return MT_ECHAIN;
    if (first > 1 && !mt_write_entry_head(w, row, first - 1, before)) {
        mt_write_fail(w, MT_ECORRUPT, "an entry of a chain is missing");
        return MT_ECORRUPT;
    }
    return memcmp(before->entry.b, previous16, 16) == 0 ? MT_OK : MT_ECHAIN;
}

/* The lowest seq at which a checked run differs from what is held; 0 when it does not. Ids chain,
 * so an equal one proves all before it equal. */
static uint64_t find_fork(struct mt_write *w, const struct mt_chain_row *row,
                          const struct mt_run *run) {
    uint64_t last = run->first + run->n - 1;
    uint64_t seq = last < row->head.seq ? last : row->head.seq;
    uint64_t fork = 0;
    for (; seq >= run->first; seq--) {
        struct mt_head held;
        if (!mt_write_entry_head(w, row, seq, &held)) {
            mt_write_fail(w, MT_ECORRUPT, "an entry of a chain is missing");
            return 0;
        }
        if (mt_id_eq(&held.entry, &run->entries[seq - run->first].id))
            break;
        fork = seq;
    }
    return fork;
}

/* Appends what the run has beyond the head. */
static uint32_t append_run(struct mt_write *w, struct mt_chain_row *row, const struct mt_run *run) {
    uint32_t added = 0;
    uint64_t held = row->head.seq;
    for (uint32_t i = 0; i < run->n; i++) {
        const struct mt_run_entry *e = &run->entries[i];
        if (e->h.seq <= held)
            continue;
        struct mt_new_entry new_entry = {.head = head_of(&e->h, &e->id),
                                         .header = e->header,
                                         .box = e->box,
                                         .signature = i + 1 == run->n ? run->signature : NULL};
        mt_write_entry(w, row, &new_entry);
        mt_write_read(w, row, &e->h, &e->id, e->box);
        added++;
    }
    return added;
}

/* Checks a run and finds out whether it forks the chain. Nothing is written. */
static enum mt_err check_run(struct mt_write *w, const struct mt_batch *b, struct mt_op *op,
                             const struct mt_chain_row *row, struct mt_run *run) {
    struct mt_id chain;
    struct mt_head before;
    uint64_t first;
    uint8_t previous16[16];
    uint32_t n;
    enum mt_err err = mt_run_peek(op->run.message, &chain, &first, previous16, &n);
    if (err)
        return err;
    if (!mt_id_eq(&chain, &row->info.id))
        return MT_ECHAIN;
    if (row->fork) {
        op->fork = row->fork;
        return MT_EFORK;
    }
    err = find_before(w, row, first, previous16, &before);
    if (err)
        return err;
    return mt_run_check(op->run.message, &b->region, &op->run.chain.feed, &before,
                        mt_write_run_entries(w), mt_write_run_arena(w), run);
}

static void apply_run(struct mt_write *w, const struct mt_batch *b, struct mt_op *op) {
    struct mt_run run;
    struct mt_chain_row *row = mt_write_chain(w, &op->run.chain);
    if (!row)
        return;
    uint64_t held = row->head.seq;
    if (op->run.job && b->settle_job)
        b->settle_job(b->settle_arg, op->run.job);
    if (op->run.job && mt_write_prepared(w, row, op->run.job)) {
        op->added = (uint32_t)(row->head.seq - held);
        op->head = row->head;
        return;
    }
    op->err = check_run(w, b, op, row, &run);
    if (op->err == MT_OK) {
        op->fork = find_fork(w, row, &run);
        if (op->fork) {
            row->fork = op->fork;
            row->is_dirty = true;
            op->err = MT_EFORK;
        } else {
            op->added = append_run(w, row, &run);
        }
    }
    op->head = row->head;
}

/* ---- entries of our own ---- */

static void apply_local(struct mt_write *w, struct mt_op *op) {
    struct mt_chain_row *row = mt_write_chain(w, &op->local.chain);
    if (!row)
        return;
    if (row->fork)
        mt_write_fail(w, MT_EBUG, "a forked chain is written to");
    for (uint32_t i = 0; i < op->local.n && mt_write_error(w) == MT_OK; i++) {
        const struct mt_local_entry *e = &op->local.entries[i];
        if (e->h.seq != row->head.seq + 1 || !mt_id_eq(&e->h.previous, &row->head.entry) ||
            !mt_id_eq(&e->h.chain, &row->info.id) || e->h.lamport <= row->head.lamport) {
            mt_write_fail(w, MT_EBUG, "an entry of our own does not continue its chain");
            return;
        }
        struct mt_new_entry new_entry = {.head = head_of(&e->h, &e->id),
                                         .header = e->header,
                                         .box = e->box,
                                         .signature = e->is_signed ? e->signature : NULL};
        mt_write_entry(w, row, &new_entry);
        mt_write_content(w, row, &e->h, &e->id, e->content);
        op->added++;
    }
    op->head = row->head;
}

/* ---- the batch ---- */

static void apply_op(struct mt_write *w, const struct mt_batch *b, struct mt_op *op) {
    op->err = MT_OK;
    op->fork = 0;
    op->added = 0;
    op->head = (struct mt_head){0};
    switch (op->type) {
    case MT_OP_BLOB:
        mt_write_blob(w, op->blob.name, op->blob.bytes);
        break;
    case MT_OP_ITEM:
        mt_write_item(w, &op->item.id, op->item.bytes);
        break;
    case MT_OP_LOCAL:
        apply_local(w, op);
        break;
    case MT_OP_RUN:
        apply_run(w, b, op);
        break;
    case MT_OP_RETRY:
        mt_write_retry(w);
        break;
    default:
        mt_write_fail(w, MT_EBUG, "a batch has an operation of no known type");
    }
}

static enum mt_err apply_once(struct mt_store *s, struct mt_batch *b) {
    struct mt_write *w;
    enum mt_err err = mt_write_begin(s, b, &w);
    if (err)
        return err;
    for (uint32_t i = 0; i < b->n && mt_write_error(w) == MT_OK; i++)
        apply_op(w, b, &b->ops[i]);
    return mt_write_end(w);
}

void mt_apply(struct mt_store *s, struct mt_batch *b) {
    enum mt_err err = MT_EAGAIN;
    for (int tries = 0; tries < TRIES_MAX && err == MT_EAGAIN; tries++)
        err = apply_once(s, b);
    b->err = err == MT_EAGAIN ? MT_ENOSPACE : err;
}
