/* plant: defects put in on purpose, at the edge between a node, its worker and its disk. The product
 * stays as it is; a simulator that does not notice one of them checks too little. */
#include "sim.h"

#include "node_internal.h"

enum { OFTEN = 50, SOMETIMES = 10, TRIES_MAX = 3 };

const char *plant_name(enum plant plant) {
    static const char *const names[PLANT_COUNT] = {
        "nothing",
        "the answer that a batch is durable never comes",
        "a durable batch is gone after a crash",
        "a private run lands in the store of a third",
        "a piece of a node's own state is not stored",
        "a restored copy goes on with its old chain",
        "a refused write is answered with ok",
        "one organisation counts more acceptances than there are places",
        "the key of a pair is known to a third",
        "what is sent to a peer is not charged to its window",
        "what waited for a key is not read when it comes",
        "a batch is called durable before it is synced",
    };
    return names[plant];
}

void plant_plan(struct plan *p, enum plant plant) {
    if (plant == PLANT_TWIN) {
        p->rollback = 1;
        p->fork = 0;
    }
    if (plant == PLANT_LIE)
        p->full_disk = 30;
    if (plant == PLANT_STRAY && p->members < 3)
        p->members = 3;
    if (plant == PLANT_STRAY)
        p->write = 100;
    if (plant == PLANT_SKIP || plant == PLANT_EAGER)
        p->crash = 30;
    if (plant == PLANT_ROOM)
        p->life = 150;
    if (plant == PLANT_LEAK) {
        p->second = 0;
        p->members = p->members > 2 ? p->members : 3;
    }
    if (plant == PLANT_SEALED) {
        p->second = 1;
        p->write = 60;
        p->members = p->members > 2 ? p->members : 3;
    }
    if (plant == PLANT_FLOOD) {
        p->stuck = 1;
        p->big = 400;
        p->write = 300;
        p->members = p->members < 4 ? p->members : 4;
    }
    plan_settle(p);
}

static bool strikes(struct sim *s, enum plant plant, unsigned per_mille) {
    if (s->plant != plant || s->is_calm || s->n_planted >= TRIES_MAX ||
        !chance_hits(&s->chance, per_mille))
        return false;
    s->n_planted++;
    return true;
}

bool plant_drops(struct sim *s, struct host *h) {
    if (!host_is_member(h) || !strikes(s, PLANT_DROP, SOMETIMES))
        return false;
    sim_note(s, h->index, "planted: is not told that its batch is durable");
    mt_batch_free(h->away);
    h->away = NULL;
    return true;
}

bool plant_lies(struct sim *s, const struct command *c, enum mt_err err) {
    return err && c->type == MT_CMD_WRITE && strikes(s, PLANT_LIE, 1000);
}

static bool has_local(const struct mt_batch *b) {
    for (uint32_t i = 0; i < b->n; i++)
        if (b->ops[i].type == MT_OP_LOCAL)
            return true;
    return false;
}

/* A run of a pair chain also goes to somebody it is none of the business of. */
static void stray(struct sim *s, struct host *h) {
    for (uint32_t i = 0; i < h->away->n; i++) {
        const struct mt_op *op = &h->away->ops[i];
        if (op->type != MT_OP_RUN || mt_id_is_zero(&op->run.chain.other))
            continue;
        for (int k = 0; k < s->plan.members; k++) {
            struct host *third = &s->hosts[k];
            if (!third->up || third == h || mt_id_eq(&third->org, &op->run.chain.org) ||
                !strikes(s, PLANT_STRAY, 1000))
                continue;
            struct mt_op copy = *op;
            struct mt_batch b = *h->away;
            copy.run.chain.no += 10000;
            b.ops = &copy;
            b.n = 1;
            b.own_org = third->org;
            mt_apply(third->store, &b);
            sim_note(s, k, "planted: is given a run of a pair it is not of: %s",
                     mt_err_code(b.err ? b.err : copy.err));
            return;
        }
    }
}

/* Leaves out a piece of the node's own state, which the batch ends with. */
static void skip(struct sim *s, struct host *h) {
    struct mt_batch *b = h->away;
    uint32_t n = b->n;
    if (n > 0 && b->ops[n - 1].type == MT_OP_BLOB && strikes(s, PLANT_SKIP, OFTEN)) {
        sim_note(s, h->index, "planted: does not store its \"%s\"", b->ops[n - 1].blob.name);
        b->n--;
    }
    mt_apply(h->store, b);
    b->n = n;
}

/* Leaves out that what waited is to be read. */
static void keep_sealed(struct sim *s, struct host *h) {
    struct mt_batch *b = h->away;
    uint32_t n = b->n;
    if (n > 0 && b->ops[n - 1].type == MT_OP_RETRY && h->waits && strikes(s, PLANT_SEALED, 1000)) {
        sim_note(s, h->index, "planted: does not read what waited for a key");
        b->n--;
    }
    mt_apply(h->store, b);
    b->n = n;
}

void plant_apply(struct sim *s, struct host *h) {
    if (s->plant == PLANT_STRAY)
        stray(s, h);
    if (host_is_member(h) && has_local(h->away) && strikes(s, PLANT_LOSE, OFTEN))
        h->forgets = disk_save(s, h);
    if (s->plant == PLANT_SKIP)
        skip(s, h);
    else if (s->plant == PLANT_SEALED)
        keep_sealed(s, h);
    else
        mt_apply(h->store, h->away);
}

void plant_persisted(struct sim *s, struct host *h) {
    if (!h->forgets)
        return;
    h->forgets = false;
    sim_note(s, h->index, "planted: its disk forgets what it said was durable");
    host_crash(s, h);
    if (!disk_undo(s, h))
        sim_fail(s, "a saved copy cannot be put back");
    sim_at(s, 3000, (struct event){.what = AT_RESTART, .host = h->index});
}

/* A third learns the key of a channel. */
static void leak(struct sim *s, struct host *h) {
    struct mt_keyring *ring = h->node->ring;
    int a = (h->index + 1) % s->plan.members, b = (h->index + 2) % s->plan.members;
    const struct host *one = &s->hosts[a];
    const uint8_t *key = one->up && a != h->index && b != h->index && a != b
                             ? mt_keyring_channel(mt_node_keys(one->node), &s->hosts[b].org)
                             : NULL;
    if (!key || !ring || ring->n_epochs == MT_PSKS_MAX || !strikes(s, PLANT_LEAK, SOMETIMES))
        return;
    chance_fill(&s->chance, ring->epochs[ring->n_epochs].epoch.b, sizeof(struct mt_id));
    ring->epochs[ring->n_epochs].epoch.b[0] = 0xff; /* nobody writes under it */
    memcpy(ring->epochs[ring->n_epochs].box_key, key, 32);
    ring->n_epochs++;
    h->node->epochs[h->node->n_epochs] = h->node->epochs[0];
    h->node->epochs[h->node->n_epochs].statement = ring->epochs[ring->n_epochs - 1].epoch;
    h->node->n_epochs++;
    sim_note(s, h->index, "planted: learns the key of org%d and org%d", a, b);
}

/* The credit that a peer gave never ends. */
static void flood(struct sim *s, struct host *h) {
    for (size_t i = 0; i < h->node->n_conns; i++) {
        struct mt_sync *y = &h->node->conns[i]->sync;
        if (y->state == MT_SYNC_LIVE && y->credit < MT_WINDOW_START) {
            y->credit = MT_WINDOW_START;
            s->n_planted++;
        }
    }
}

void plant_stepped(struct sim *s, struct host *h) {
    if (s->plant == PLANT_LEAK && host_is_member(h) && h->node->n_epochs)
        leak(s, h);
    if (s->plant == PLANT_FLOOD && !s->is_calm)
        flood(s, h);
}

/* One organisation does not look at the capacity. */
uint64_t plant_overbooks(struct sim *s, const struct host *h, const struct mt_signups *signups) {
    uint64_t accepted = 0;
    if (s->plant != PLANT_ROOM || h->index != 1)
        return signups->accepted;
    for (size_t i = 0; i < signups->n; i++)
        if (!signups->p[i].withdrawn && signups->p[i].answer.decision == MT_DECISION_ACCEPTED)
            accepted += signups->p[i].need;
    s->n_planted += accepted != signups->accepted;
    return accepted;
}
