/* plant: defects put in on purpose, at the edge between a node, its worker and its disk. The product
 * stays as it is; a simulator that does not notice one of them checks too little. */
#include "sim.h"

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
    if (plant == PLANT_SKIP)
        p->crash = 30;
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

void plant_apply(struct sim *s, struct host *h) {
    if (s->plant == PLANT_STRAY)
        stray(s, h);
    if (host_is_member(h) && has_local(h->away) && strikes(s, PLANT_LOSE, OFTEN))
        h->forgets = disk_save(s, h);
    if (s->plant == PLANT_SKIP)
        skip(s, h);
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
