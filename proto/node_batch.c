/* node_batch: what is to become durable, in order, one batch away at a time.
 *
 * Happy path: writes, runs from peers, governance items and blobs collect in the batch being filled.
 * When no batch is away the oldest goes; when it comes back durable, requests are answered and runs
 * are pushed. While it is away the next one fills: that is the group commit. */
#include "node_internal.h"
#include "record.h"

#include <stdlib.h>

/* A longer run is the first of many, each of which can be prepared only when the one before it was;
 * a shorter one is applied before another thread has begun with it. */
enum { PREPARE_BYTES = 16 * 1024 };

void mt_node_work_free(struct mt_work *w) {
    if (!w)
        return;
    for (size_t i = 0; i < w->n_locals; i++)
        free(w->locals[i].entries);
    mt_batch_free(w->batch);
    free(w->waiters);
    free(w->locals);
    free(w->items);
    free(w);
}

/* ---- entries of our own ---- */

static void sign_last(const struct mt_node *n, struct mt_local *l) {
    struct mt_local_entry *e = &l->entries[l->n - 1];
    if (!e->is_signed)
        mt_head_sign(&n->secret->feed, &n->replica.region, &e->h.chain, e->h.seq, &e->id,
                     e->signature);
    e->is_signed = true;
    l->unsigned_n = 0;
    l->unsigned_bytes = 0;
}

/* Closes a batch: signs every chain's last entry and turns the lists into operations. */
static enum mt_err close_work(struct mt_node *n, struct mt_work *w) {
    for (size_t i = 0; i < w->n_locals; i++) {
        struct mt_local *l = &w->locals[i];
        if (!l->n) {
            free(l->entries); /* none could be made, or an attempt before took them over */
            l->entries = NULL;
            continue;
        }
        sign_last(n, l);
        struct mt_op *op = mt_batch_add(w->batch, MT_OP_LOCAL);
        if (!op)
            return MT_ENOMEM;
        enum mt_err err = mt_batch_adopt(w->batch, l->entries);
        if (err) {
            w->batch->n--;
            return err;
        }
        op->local.chain = n->replica.chains.v[l->chain].info;
        op->local.entries = l->entries;
        op->local.n = l->n;
        l->entries = NULL;
        l->n = 0;
    }
    w->n_locals = 0;
    w->batch->region = n->replica.region;
    w->batch->own_org = n->replica.own_org;
    w->batch->keys = mt_keyring_ref(n->ring);
    w->batch->wall_ms = n->now.wall_ms;
    return MT_OK;
}

static void append_queue(struct mt_node *n, struct mt_work *w) {
    if (n->queue)
        n->queue_end->next = w;
    else
        n->queue = w;
    n->queue_end = w;
}

/* Closes the batch being filled; what comes next goes into another. */
static enum mt_err close_filling(struct mt_node *n) {
    enum mt_err err = close_work(n, n->filling);
    if (err)
        return err;
    append_queue(n, n->filling);
    n->filling = NULL;
    return MT_OK;
}

struct mt_work *mt_node_work(struct mt_node *n) {
    struct mt_work *w = n->filling;
    bool full = w && (w->batch->bytes >= MT_BATCH_BYTES_MAX ||
                      w->batch->n + w->n_locals >= MT_BATCH_OPS_MAX - 8);
    if (full && close_filling(n) != MT_OK)
        return NULL;
    if (n->filling)
        return n->filling;
    w = calloc(1, sizeof *w);
    if (w)
        w->batch = mt_batch_new();
    if (w && !w->batch) {
        free(w);
        w = NULL;
    }
    n->filling = w;
    return w;
}

static struct mt_tip *tip_of(struct mt_node *n, uint32_t chain) {
    for (size_t i = 0; i < n->n_tips; i++)
        if (n->tips[i].chain == chain)
            return &n->tips[i];
    if (!mt_node_grow((void **)&n->tips, &n->cap_tips, n->n_tips, sizeof *n->tips))
        return NULL;
    n->tips[n->n_tips] = (struct mt_tip){.chain = chain, .head = n->replica.chains.v[chain].head};
    return &n->tips[n->n_tips++];
}

static struct mt_local *local_of(struct mt_work *w, uint32_t chain) {
    for (size_t i = 0; i < w->n_locals; i++)
        if (w->locals[i].chain == chain)
            return &w->locals[i];
    if (!mt_node_grow((void **)&w->locals, &w->cap_locals, w->n_locals, sizeof *w->locals))
        return NULL;
    w->locals[w->n_locals] = (struct mt_local){.chain = chain};
    return &w->locals[w->n_locals++];
}

/* 1 + the highest lamport of our organisation's entries for the same audience. */
static uint64_t next_lamport(const struct mt_node *n, uint32_t chain) {
    const struct mt_chains *c = &n->replica.chains;
    uint64_t top = 0;
    for (uint32_t i = 0; i < c->n; i++)
        if (mt_id_eq(&c->v[i].info.org, &n->replica.own_org) &&
            mt_id_eq(&c->v[i].info.other, &c->v[chain].info.other) && c->v[i].head.lamport > top)
            top = c->v[i].head.lamport;
    for (size_t i = 0; i < n->n_tips; i++)
        if (mt_id_eq(&c->v[n->tips[i].chain].info.other, &c->v[chain].info.other) &&
            n->tips[i].head.lamport > top)
            top = n->tips[i].head.lamport;
    return top + 1;
}

/* Where a write goes: which chain, under which key. */
struct place {
    uint32_t chain;
    struct mt_id epoch;
    const uint8_t *box_key;
};

static enum mt_err find_place(struct mt_node *n, const struct mt_id *audience, struct place *out) {
    const struct mt_chains *c = &n->replica.chains;
    const struct mt_id *feed = &n->secret->feed.pub;
    *out = (struct place){0};
    if (mt_id_is_zero(audience)) {
        const struct mt_epoch *e = mt_node_epoch(n);
        if (!e)
            return MT_ENOKEY;
        out->epoch = e->statement;
        out->box_key = mt_keyring_epoch(n->ring, &e->statement);
        out->chain = mt_chains_find(c, feed);
    } else {
        const struct mt_channel *ch = mt_node_channel(n, audience);
        struct mt_id id;
        if (!ch)
            return MT_EMEMBER;
        mt_channel_chain(&n->replica.region, ch->key, feed, &id);
        out->box_key = ch->box_key;
        out->chain = mt_chains_find(c, &id);
    }
    return out->chain == MT_CHAIN_NONE || !out->box_key ? MT_EBUG : MT_OK;
}

/* Seals one plaintext and chains it behind the tip. */
static enum mt_err make_entry(struct mt_node *n, struct mt_work *w, const struct place *at,
                              struct mt_slice content, struct mt_head *tip,
                              struct mt_local_entry *e) {
    size_t size = mt_box_size(content.n);
    uint8_t random[32];
    if (!size)
        return MT_ETOOLONG;
    uint8_t *box = mt_batch_alloc(w->batch, size);
    uint8_t *header = mt_batch_alloc(w->batch, MT_HEADER_MAX);
    e->content = mt_batch_copy(w->batch, content);
    if (!box || !header || !e->content.p)
        return MT_ENOMEM;
    struct mt_box_place place = {.region = n->replica.region,
                                 .chain = n->replica.chains.v[at->chain].info.id,
                                 .seq = tip->seq + 1,
                                 .epoch = at->epoch};
    struct mt_writer bw = mt_writer(box, size), hw = mt_writer(header, MT_HEADER_MAX);
    mt_rng_draw(&n->rng, random, sizeof random);
    enum mt_err err = mt_box_seal(at->box_key, &place, random, content, &bw);
    if (err)
        return err;
    e->box = mt_writer_slice(&bw);
    e->h = (struct mt_header){.version = MT_HEADER_VERSION,
                              .chain = place.chain,
                              .seq = place.seq,
                              .previous = tip->entry,
                              .lamport = next_lamport(n, at->chain),
                              .governance = *mt_gov_head(n->replica.gov),
                              .wall_ms = n->now.wall_ms,
                              .epoch = at->epoch,
                              .box_len = (uint32_t)e->box.n};
    mt_box_hash(&n->replica.region, e->box, &e->h.box_hash);
    mt_header_put(&hw, &e->h);
    e->header = mt_writer_slice(&hw);
    mt_entry_id(&n->replica.region, e->header, &e->id);
    *tip = (struct mt_head){.seq = place.seq, .entry = e->id, .lamport = e->h.lamport};
    w->batch->bytes += size + content.n + MT_HEADER_MAX;
    return hw.err;
}

static enum mt_err add_entry(struct mt_node *n, const struct place *at, struct mt_slice content) {
    if (n->filling && n->filling->own_run && close_filling(n) != MT_OK)
        return MT_ENOMEM;
    struct mt_work *w = mt_node_work(n);
    struct mt_local *l = w ? local_of(w, at->chain) : NULL;
    struct mt_tip *tip = l ? tip_of(n, at->chain) : NULL;
    if (!tip)
        return MT_ENOMEM;
    if (l->n == l->cap) {
        uint32_t cap = l->cap ? l->cap * 2 : 8;
        struct mt_local_entry *p = realloc(l->entries, cap * sizeof *p);
        if (!p)
            return MT_ENOMEM;
        l->entries = p;
        l->cap = cap;
    }
    struct mt_local_entry *e = &l->entries[l->n];
    *e = (struct mt_local_entry){0};
    enum mt_err err = make_entry(n, w, at, content, &tip->head, e);
    if (err)
        return err;
    l->n++;
    l->unsigned_n++;
    l->unsigned_bytes += e->box.n;
    if (l->unsigned_n >= MT_SIGN_ENTRIES_MAX || l->unsigned_bytes + MT_BOX_MAX > MT_SIGN_BYTES_MAX)
        sign_last(n, l);
    return MT_OK;
}

enum mt_err mt_node_write(struct mt_node *n, const struct mt_command *cmd, const char **hint) {
    struct place at;
    if (!mt_node_is_member(n)) {
        *hint = "no-region";
        return MT_ESTATE;
    }
    if (n->behind) {
        *hint = "restored";
        return MT_ESTATE;
    }
    enum mt_err err = find_place(n, &cmd->audience, &at);
    /* Everything is checked before anything is chained, so that a refused write leaves no trace. */
    for (uint32_t i = 0; i < cmd->n_contents && !err; i++) {
        err = mt_changes_check(cmd->contents[i]);
        if (!err && !mt_box_size(cmd->contents[i].n))
            err = MT_ETOOLONG;
    }
    if (err)
        return err;
    mt_chains_number(&n->replica.chains, at.chain);
    for (uint32_t i = 0; i < cmd->n_contents && !err; i++)
        err = add_entry(n, &at, cmd->contents[i]);
    return err;
}

enum mt_err mt_node_wait(struct mt_node *n, uint64_t request, const struct mt_reply *reply) {
    struct mt_work *w = mt_node_work(n);
    if (!w ||
        !mt_node_grow((void **)&w->waiters, &w->cap_waiters, w->n_waiters, sizeof *w->waiters))
        return MT_ENOMEM;
    /* The room of this event's effect becomes the waiter's: the next event needs one too. */
    if (request && !mt_node_owe(n))
        return MT_ENOMEM;
    n->n_owed -= request != 0;
    w->waiters[w->n_waiters++] = (struct mt_waiter){.request = request, .reply = *reply};
    return MT_OK;
}

/* ---- runs of peers, items, blobs ---- */

/* Gives a run to the worker that prepares, before its batch goes to the one that applies. */
static void prepare_meanwhile(struct mt_node *n, struct mt_run_job *job, uint32_t chain) {
    struct mt_effect *fx = mt_node_emit(n, MT_FX_PREPARE);
    if (!fx)
        return;
    job->region = n->replica.region;
    job->chain = n->replica.chains.v[chain].info;
    job->own_org = n->replica.own_org;
    job->head = n->replica.chains.v[chain].head;
    job->keys = mt_keyring_ref(n->ring);
    fx->job = mt_run_job_ref(job);
}

/* Runs that wait to be durable. Those of a link that closed are among them, though its window was given
 * back. */
static size_t runs_held(const struct mt_node *n) {
    size_t bytes = n->away ? n->away->run_bytes : 0;
    for (const struct mt_work *w = n->queue; w; w = w->next)
        bytes += w->run_bytes;
    return bytes + (n->filling ? n->filling->run_bytes : 0);
}

enum mt_err mt_node_take_run(struct mt_node *n, uint64_t conn, uint32_t chain,
                             uint8_t *take_message, size_t len) {
    bool ours = mt_id_eq(&n->replica.chains.v[chain].info.feed, &n->secret->feed.pub);
    if (runs_held(n) + len > MT_RUNS_HELD_MAX)
        return MT_EFULL;
    if (ours && n->filling && n->filling->n_locals && close_filling(n) != MT_OK)
        return MT_ENOMEM;
    if (n->filling && n->filling->run_bytes >= MT_BATCH_RUNS && close_filling(n) != MT_OK)
        return MT_ENOMEM;
    struct mt_work *w = mt_node_work(n);
    struct mt_op *op = w ? mt_batch_add(w->batch, MT_OP_RUN) : NULL;
    if (!op)
        return MT_ENOMEM;
    enum mt_err err = mt_run_job_new(&op->run.job, take_message, len);
    if (err) {
        w->batch->n--;
        return err;
    }
    mt_chains_number(&n->replica.chains, chain);
    w->own_run |= ours;
    op->tag = conn;
    op->run.chain = n->replica.chains.v[chain].info;
    op->run.message = op->run.job->message;
    w->batch->bytes += len;
    w->run_bytes += len;
    if (n->away || len > PREPARE_BYTES)
        prepare_meanwhile(n, op->run.job, chain);
    return MT_OK;
}

static const struct mt_slice *find_item(const struct mt_node *n, const struct mt_id *id,
                                        struct mt_slice *out) {
    for (size_t i = mt_gov_count(n->replica.gov); i-- > 0;)
        if (mt_id_eq(mt_gov_item_id(n->replica.gov, i), id)) {
            *out = mt_gov_item(n->replica.gov, i);
            return out;
        }
    return NULL;
}

static enum mt_err save_item(struct mt_node *n, struct mt_work *w, const struct mt_id *id) {
    struct mt_slice bytes;
    if (!find_item(n, id, &bytes))
        return MT_OK; /* a lower one took its place meanwhile */
    if (!mt_node_grow((void **)&w->items, &w->cap_items, w->n_items, sizeof *w->items))
        return MT_ENOMEM;
    struct mt_slice copy = mt_batch_copy(w->batch, bytes);
    struct mt_op *op = copy.p ? mt_batch_add(w->batch, MT_OP_ITEM) : NULL;
    if (!op)
        return MT_ENOMEM;
    op->item.id = *id;
    op->item.bytes = copy;
    w->batch->bytes += copy.n;
    w->items[w->n_items++] = *id;
    return MT_OK;
}

static bool is_due(const struct mt_node *n) {
    return n->dirty_identity || n->dirty_invites || n->dirty_joining || n->n_unsaved ||
           n->retry_waiting;
}

static enum mt_err save_blobs(struct mt_node *n, struct mt_work *w) {
    enum mt_err err = MT_OK;
    if (n->dirty_identity)
        err = mt_node_save_identity(n, w);
    n->dirty_identity = err != MT_OK;
    if (!err && n->dirty_invites)
        err = mt_node_save_invites(n, w);
    n->dirty_invites &= err != MT_OK;
    if (!err && n->dirty_joining)
        err = mt_node_save_joining(n, w);
    n->dirty_joining &= err != MT_OK;
    return err;
}

enum mt_err mt_node_save_due(struct mt_node *n) {
    if (!is_due(n) || n->now.mono_ms < n->retry_at)
        return MT_OK;
    struct mt_work *w = mt_node_work(n);
    enum mt_err err = w ? save_blobs(n, w) : MT_ENOMEM;
    while (!err && n->n_unsaved) {
        w = mt_node_work(n);
        err = w ? save_item(n, w, &n->unsaved[n->n_unsaved - 1]) : MT_ENOMEM;
        n->n_unsaved -= !err;
    }
    if (!err && n->retry_waiting) {
        if (mt_batch_add(w->batch, MT_OP_RETRY))
            n->retry_waiting = false;
        else
            err = MT_ENOMEM;
    }
    if (err)
        n->retry_at = n->now.mono_ms + MT_RETRY_MS;
    return err;
}

uint64_t mt_node_save_deadline(const struct mt_node *n) {
    /* A batch that waits while none is away could not leave: no memory. */
    bool stuck =
        !n->away && (n->queue || (n->filling && (n->filling->n_waiters || n->filling->n_locals)));
    if (stuck)
        return n->now.mono_ms + MT_RETRY_MS;
    return is_due(n) ? n->retry_at : UINT64_MAX;
}

void mt_node_submit(struct mt_node *n) {
    if (n->away || (!n->queue && !n->filling))
        return;
    struct mt_work *w = n->queue;
    if (w) {
        n->queue = w->next;
        w->next = NULL;
    } else {
        w = n->filling;
        if (!w->batch->n && !w->n_locals && !w->n_waiters)
            return;
        if (close_work(n, w) != MT_OK)
            return; /* no memory: tried again at the next step */
        n->filling = NULL;
    }
    struct mt_effect *fx = mt_node_emit(n, MT_FX_PERSIST);
    if (!fx) {
        w->next = n->queue;
        n->queue = w;
        if (!w->next)
            n->queue_end = w;
        return;
    }
    fx->batch = w->batch;
    w->batch = NULL;
    n->away = w;
}
