/* node: life of a node, the step, and its effects.
 *
 * A step has four parts: take the event; settle what followed from it (new members, new keys); let
 * sessions ask for what they may send; hand out bytes and a batch. Effects collect in an array. */
#include "node_internal.h"

#include <stdlib.h>

bool mt_node_grow(void **p, size_t *cap, size_t n, size_t size) {
    if (n < *cap)
        return true;
    size_t want = *cap ? *cap * 2 : 8;
    while (want <= n)
        want *= 2;
    void *q = realloc(*p, want * size);
    if (!q)
        return false;
    *p = q;
    *cap = want;
    return true;
}

/* ---- effects ---- */

/* Room for one more effect beside what is owed and what this event may still owe. */
static bool has_room(struct mt_node *n) {
    return mt_node_grow((void **)&n->effects, &n->cap_effects, n->n_effects + n->n_owed + 1,
                        sizeof *n->effects);
}

static struct mt_effect *next_effect(struct mt_node *n, enum mt_effect_type type) {
    struct mt_effect *fx = &n->effects[n->n_effects++];
    *fx = (struct mt_effect){.type = type};
    return fx;
}

/* Without memory `oom` closes every link, and what was not told is told anew when they come back. */
struct mt_effect *mt_node_emit(struct mt_node *n, enum mt_effect_type type) {
    if (!has_room(n)) {
        n->oom = true;
        return NULL;
    }
    return next_effect(n, type);
}

bool mt_node_owe(struct mt_node *n) {
    if (!has_room(n))
        return false;
    n->n_owed++;
    return true;
}

struct mt_effect *mt_node_pay(struct mt_node *n, enum mt_effect_type type) {
    n->n_owed--;
    return next_effect(n, type);
}

void mt_node_log(struct mt_node *n, const char *event, const struct mt_id *org, uint64_t conn,
                 uint64_t number, enum mt_err err) {
    struct mt_effect *fx = mt_node_emit(n, MT_FX_LOG);
    if (!fx)
        return;
    fx->log = (struct mt_log_line){.event = event, .conn = conn, .number = number, .err = err};
    if (org)
        fx->log.org = *org;
}

void mt_node_reply(struct mt_node *n, uint64_t request, enum mt_err err,
                   const struct mt_reply *reply, const char *hint) {
    if (!request)
        return;
    struct mt_effect *fx = mt_node_pay(n, MT_FX_REPLY);
    fx->request = request;
    fx->err = err;
    if (reply)
        fx->reply = *reply;
    fx->reply.hint = hint;
}

static void drop_effects(struct mt_node *n) {
    for (size_t i = 0; i < n->n_effects; i++) {
        free(n->effects[i].bytes.p);
        mt_batch_free(n->effects[i].batch);
        mt_run_job_unref(n->effects[i].job);
    }
    n->n_effects = 0;
}

struct mt_effect *mt_node_effects(struct mt_node *n, size_t *count) {
    *count = n->n_effects;
    return n->effects;
}

/* ---- life ---- */

enum mt_err mt_node_new(struct mt_node **out, const struct mt_node_config *config) {
    struct mt_node *n = calloc(1, sizeof *n);
    *out = NULL;
    if (!n)
        return MT_ENOMEM;
    n->replica.gov = mt_gov_new();
    n->replica.window_left = MT_WINDOW_ALL;
    n->epochs = mt_secret_new(MT_PSKS_MAX * sizeof *n->epochs);
    n->scratch = malloc(MT_MESSAGE_MAX);
    n->ring = mt_keyring_new(0);
    if (!n->replica.gov || !n->epochs || !n->scratch || !n->ring || !has_room(n) ||
        strlen(config->announce) > MT_ADDRESS_MAX) {
        mt_node_free(n);
        return MT_ENOMEM;
    }
    memcpy(n->announce, config->announce, strlen(config->announce));
    if (config->installation) {
        memcpy(n->installation, config->installation, sizeof n->installation);
        n->has_installation = true;
    }
    n->jitter = config->seed;
    n->join_dial_at = UINT64_MAX;
    *out = n;
    return MT_OK;
}

static void drop_early(struct mt_node *n) {
    for (size_t i = 0; i < n->n_early; i++)
        free((void *)(uintptr_t)n->early[i].p);
    free(n->early);
    n->early = NULL;
    n->n_early = n->cap_early = 0;
}

static void free_works(struct mt_work *w) {
    while (w) {
        struct mt_work *next = w->next;
        mt_node_work_free(w);
        w = next;
    }
}

void mt_node_free(struct mt_node *n) {
    if (!n)
        return;
    drop_effects(n);
    drop_early(n);
    free(n->effects);
    for (size_t i = 0; i < n->n_conns; i++) {
        mt_sync_close(&n->conns[i]->sync, &n->replica);
        free(n->conns[i]);
    }
    free_works(n->filling);
    free_works(n->queue);
    free_works(n->away);
    mt_gov_free(n->replica.gov);
    mt_chains_free(&n->replica.chains);
    free(n->replica.added);
    mt_secret_free(n->secret);
    mt_secret_free(n->epochs);
    mt_secret_free(n->channels);
    mt_keyring_unref(n->ring);
    free(n->tips);
    free(n->peers);
    free(n->unsaved);
    free(n->scratch);
    mt_wipe(n, sizeof *n);
    free(n);
}

enum mt_err mt_node_load_blob(struct mt_node *n, const char *name, struct mt_slice bytes) {
    if (strcmp(name, "identity") == 0)
        return mt_node_read_identity(n, bytes);
    if (strcmp(name, "invites") == 0)
        return mt_node_read_invites(n, bytes);
    if (strcmp(name, "joining") == 0)
        return mt_node_read_joining(n, bytes);
    return MT_EVERSION;
}

/* The store hands items over by id, so what refers to one that comes later waits for the start. */
enum mt_err mt_node_load_item(struct mt_node *n, const struct mt_id *id, struct mt_slice bytes) {
    struct mt_id got;
    enum mt_err err = mt_gov_add(n->replica.gov, bytes, &got);
    if (err == MT_EUNKNOWN) {
        if (!mt_node_grow((void **)&n->early, &n->cap_early, n->n_early, sizeof *n->early))
            return MT_ENOMEM;
        uint8_t *copy = malloc(bytes.n);
        if (!copy)
            return MT_ENOMEM;
        memcpy(copy, bytes.p, bytes.n);
        n->early[n->n_early++] = mt_slice(copy, bytes.n);
        return MT_OK;
    }
    if (err && err != MT_EDUPLICATE)
        return err == MT_ENOMEM ? err : MT_ECORRUPT;
    return mt_id_eq(&got, id) ? MT_OK : MT_ECORRUPT;
}

/* Adds what waited, in rounds, until a round adds nothing. */
static enum mt_err add_early(struct mt_node *n) {
    for (bool added = true; added;) {
        added = false;
        for (size_t i = 0; i < n->n_early; i++) {
            struct mt_id id;
            enum mt_err err = mt_gov_add(n->replica.gov, n->early[i], &id);
            if (err == MT_ENOMEM)
                return err;
            added |= err == MT_OK;
        }
    }
    drop_early(n);
    return MT_OK;
}

enum mt_err mt_node_load_chain(struct mt_node *n, const struct mt_chain_info *chain,
                               const struct mt_head *head, uint64_t fork) {
    uint32_t at;
    enum mt_err err = mt_chains_add(&n->replica.chains, chain, &at);
    if (err)
        return err;
    n->replica.chains.v[at].info.no = chain->no;
    if (chain->no > n->replica.chains.no_max)
        n->replica.chains.no_max = chain->no;
    n->replica.chains.v[at].head = *head;
    n->replica.chains.v[at].fork = fork;
    return MT_OK;
}

enum mt_err mt_node_start(struct mt_node *n, const struct mt_time *now,
                          const uint8_t entropy[static 32]) {
    n->now = *now;
    mt_rng_init(&n->rng, entropy);
    enum mt_err err = add_early(n);
    if (err)
        return err;
    if (mt_gov_is_founded(n->replica.gov))
        n->replica.region = *mt_gov_region(n->replica.gov);
    err = mt_node_derive(n);
    if (err || !n->secret)
        return err;
    bool same = n->has_installation &&
                memcmp(n->installation, n->secret->feed.pub.b, sizeof n->installation) == 0;
    err = same ? mt_node_ensure_certificate(n) : mt_node_retire(n);
    if (!err) {
        (void)mt_node_save_due(n);
        mt_node_dial_due(n);
        mt_node_submit(n);
    }
    return err;
}

/* ---- the step ---- */

static void command(struct mt_node *n, const struct mt_command *cmd) {
    struct mt_reply reply = {0};
    const char *hint = NULL;
    enum mt_err err = MT_EINVALID;
    n->n_owed += cmd->request != 0;
    switch (cmd->type) {
    case MT_CMD_INIT:
        err = mt_node_init_org(n, cmd->name, cmd->kind);
        reply.id = n->replica.own_org;
        break;
    case MT_CMD_REGION_CREATE:
        err = mt_node_found_region(n, cmd->name);
        reply.id = n->replica.region;
        break;
    case MT_CMD_INVITE_CREATE:
        err = mt_node_invite(n, cmd->name, &reply, &hint);
        break;
    case MT_CMD_INVITE_REVOKE:
        err = mt_node_revoke(n, cmd->name);
        break;
    case MT_CMD_JOIN:
        err = mt_node_join(n, cmd->code, &hint);
        break;
    case MT_CMD_JOIN_CANCEL:
        err = mt_node_join_cancel(n);
        break;
    case MT_CMD_APPROVE:
        err = mt_node_approve(n, cmd->name, cmd->number, &reply, &hint);
        break;
    case MT_CMD_WRITE:
        err = mt_node_write(n, cmd, &hint);
        break;
    case MT_CMD_PING:
        err = mt_node_ping(n, &cmd->audience); /* nothing to make durable */
        mt_node_reply(n, cmd->request, err, &reply, NULL);
        return;
    }
    if (!err) {
        n->retry_at = 0; /* what the answer promises is in the batch the answer waits for */
        err = mt_node_save_due(n);
        if (!err)
            err = mt_node_wait(n, cmd->request, &reply);
    }
    if (err)
        mt_node_reply(n, cmd->request, err, NULL, hint);
}

/* New items: save them, tell the others, and see what follows from them. */
static void settle(struct mt_node *n) {
    struct mt_replica *r = &n->replica;
    if (n->generation == mt_gov_generation(r->gov) && !r->n_added && !n->unsettled)
        return;
    /* Another copy of ours may have taken the number: we go on with the next. */
    n->unsettled = mt_node_derive(n) != MT_OK || mt_node_ensure_certificate(n) != MT_OK;
    n->oom |= n->unsettled;
    while (r->n_added) {
        if (!mt_node_reserve_unsaved(n)) {
            n->oom = true;
            break;
        }
        n->unsaved[n->n_unsaved++] = r->added[--r->n_added];
    }
    (void)mt_node_save_due(n);
    for (size_t i = 0; i < n->n_conns; i++) {
        struct mt_conn *c = n->conns[i];
        if (!c->is_open || c->closing)
            continue;
        enum mt_err err = mt_sync_members(&c->sync, r, n->now.wall_ms);
        if (err)
            mt_node_close(n, c, err);
    }
}

static void close_all(struct mt_node *n, enum mt_err err) {
    for (size_t i = 0; i < n->n_conns; i++)
        mt_node_close(n, n->conns[i], err);
}

static void take(struct mt_node *n, const struct mt_event *ev) {
    switch (ev->type) {
    case MT_EV_TICK:
        break;
    case MT_EV_ACCEPTED:
        mt_node_accepted(n, ev);
        break;
    case MT_EV_CONNECTED:
        mt_node_connected(n, ev);
        break;
    case MT_EV_BYTES:
        mt_node_bytes(n, ev);
        break;
    case MT_EV_CLOSED:
        mt_node_closed(n, ev);
        break;
    case MT_EV_PERSISTED:
        mt_node_persisted(n, ev->batch);
        break;
    case MT_EV_FETCHED:
        mt_node_fetched(n, ev);
        break;
    case MT_EV_COMMAND:
        command(n, &ev->command);
        break;
    }
}

void mt_node_step(struct mt_node *n, const struct mt_event *ev) {
    drop_effects(n);
    n->now = ev->now;
    mt_rng_init(&n->rng, ev->entropy);
    take(n, ev);
    if (n->retire_due && mt_node_retire(n) != MT_OK)
        n->oom = true;
    settle(n);
    mt_node_level(n);
    mt_node_timers(n);
    (void)mt_node_save_due(n); /* a failure sets the time of the next attempt */
    mt_node_dial_due(n);
    if (n->oom) {
        n->oom = false;
        close_all(n, MT_ENOMEM);
    }
    mt_node_pump(n);
    mt_node_submit(n);
}

uint64_t mt_node_deadline(const struct mt_node *n) {
    uint64_t a = mt_node_link_deadline(n), b = mt_node_save_deadline(n);
    return a < b ? a : b;
}
