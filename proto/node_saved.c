/* node_saved: a batch comes back from the store.
 *
 * When the store refuses a batch (disk full) nothing of it counts. Entries of our own in it and after
 * it are chained on what was not kept, so all requests that wait fail, links whose runs were in it
 * are closed (they send again later), and governance items and blobs are put into a later batch. */
#include "node_internal.h"

#include <stdlib.h>

static void fail_work(struct mt_node *n, struct mt_work *w, struct mt_batch *b, enum mt_err err) {
    for (size_t i = 0; i < w->n_waiters; i++)
        mt_node_reply(n, w->waiters[i].request, err, NULL, NULL);
    for (size_t i = 0; i < w->n_items; i++)
        if (n->n_unsaved < n->cap_unsaved)
            n->unsaved[n->n_unsaved++] = w->items[i];
    for (uint32_t i = 0; i < b->n; i++) {
        struct mt_conn *c = b->ops[i].type == MT_OP_RUN ? mt_node_conn(n, b->ops[i].tag) : NULL;
        if (c)
            mt_node_close(n, c, err);
        n->retry_waiting |= b->ops[i].type == MT_OP_RETRY;
    }
}

void mt_node_fail_waiting(struct mt_node *n, enum mt_err err) {
    while (n->queue || n->filling) {
        struct mt_work *w = n->queue ? n->queue : n->filling;
        if (n->queue)
            n->queue = w->next;
        else
            n->filling = NULL;
        fail_work(n, w, w->batch, err);
        mt_node_work_free(w);
    }
    n->n_tips = 0;
    n->dirty_identity = n->secret != NULL;
    n->dirty_invites = n->n_invites > 0;
    n->dirty_joining = true;
}

static void fail_all(struct mt_node *n, struct mt_batch *b) {
    fail_work(n, n->away, b, b->err);
    mt_node_fail_waiting(n, b->err);
    n->retry_at = n->now.mono_ms + MT_RETRY_MS;
    mt_node_log(n, "not_saved", NULL, 0, b->n, b->err);
}

/* What a run led to, told to the peer it came from. */
static enum mt_err answer_run(struct mt_node *n, struct mt_conn *c, const struct mt_op *op,
                              uint32_t chain) {
    enum mt_err err;
    switch (op->err) {
    case MT_OK:
        return mt_sync_mark(&c->sync, &n->replica, chain, op->run.message.n, true);
    case MT_ECHAIN:
        err = mt_sync_mark(&c->sync, &n->replica, chain, op->run.message.n, false);
        return err ? err : mt_sync_resync(&c->sync, &n->replica, chain);
    case MT_EFORK:
        err = mt_sync_mark(&c->sync, &n->replica, chain, op->run.message.n, false);
        return err ? err : mt_sync_prove(&c->sync, &n->replica, chain);
    default:
        return op->err;
    }
}

static bool came_back_run(struct mt_node *n, const struct mt_op *op) {
    uint32_t at = mt_chains_find(&n->replica.chains, &op->run.chain.id);
    struct mt_chain *chain = &n->replica.chains.v[at];
    bool ours = mt_id_eq(&chain->info.feed, &n->secret->feed.pub);
    if (op->err == MT_OK && op->added)
        chain->head = op->head;
    if (op->err == MT_EFORK && !chain->fork) {
        chain->fork = op->fork;
        mt_node_log(n, "fork", &chain->info.org, op->tag, op->fork, MT_EFORK);
    }
    /* Somebody holds more of our chain than we do, or another branch of it: this is an older copy. */
    n->retire_due |= ours && (op->err == MT_EFORK || (op->err == MT_OK && op->added));
    struct mt_conn *c = mt_node_conn(n, op->tag);
    if (c && !c->closing) {
        enum mt_err err = answer_run(n, c, op, at);
        if (err)
            mt_node_close(n, c, err);
    }
    if (op->err || !op->added)
        return false;
    for (size_t i = 0; i < n->n_conns; i++) {
        struct mt_conn *o = n->conns[i];
        if (o != c && o->is_open && !o->closing &&
            mt_sync_mark(&o->sync, &n->replica, at, 0, false) != MT_OK)
            mt_node_close(n, o, MT_ENOMEM);
    }
    mt_node_grew(n, at, !mt_id_eq(&chain->info.org, &n->replica.own_org));
    return true;
}

static void came_back_local(struct mt_node *n, const struct mt_op *op) {
    uint32_t at = mt_chains_find(&n->replica.chains, &op->local.chain.id);
    n->replica.chains.v[at].head = op->head;
    for (size_t i = 0; i < n->n_tips; i++)
        if (n->tips[i].chain == at && n->tips[i].head.seq == op->head.seq)
            n->tips[i] = n->tips[--n->n_tips];
    mt_node_grew(n, at, false);
}

static void tell_items(struct mt_node *n, const struct mt_work *w) {
    for (size_t i = 0; i < n->n_conns && w->n_items; i++) {
        struct mt_conn *c = n->conns[i];
        if (!c->is_open || c->closing)
            continue;
        enum mt_err err = mt_sync_items(&c->sync, &n->replica, w->items, w->n_items);
        if (err)
            mt_node_close(n, c, err);
    }
}

void mt_node_persisted(struct mt_node *n, struct mt_batch *b) {
    struct mt_work *w = n->away;
    bool changed = false;
    if (b->err) {
        fail_all(n, b);
    } else {
        tell_items(n, w);
        for (uint32_t i = 0; i < b->n; i++) {
            const struct mt_op *op = &b->ops[i];
            if (op->type == MT_OP_RUN)
                changed |= came_back_run(n, op);
            else if (op->type == MT_OP_LOCAL)
                came_back_local(n, op);
            changed |= op->type == MT_OP_LOCAL || op->type == MT_OP_RETRY;
        }
        for (size_t i = 0; i < w->n_waiters; i++)
            mt_node_reply(n, w->waiters[i].request, MT_OK, &w->waiters[i].reply, NULL);
    }
    n->away = NULL;
    mt_batch_free(b);
    mt_node_work_free(w);
    if (changed)
        (void)mt_node_emit(n, MT_FX_CHANGED);
}
