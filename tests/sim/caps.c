/* caps: no queue grows without a bound.
 *
 * After every step each queue of the node is held against the most that can be in it: what peers
 * can make grow against windows and limits, what people can make grow against the commands that wait.
 * And windows are conserved: what all sessions were given and what is left make the whole. */
#include "sim.h"

#include "node_internal.h"

enum {
    SMALL_MAX = 512 * 1024, /* bytes on a connection that no window counts: governance, marks */
    OPS_PER_COMMAND = 2 * SIM_WRITES_MAX,
    ITEMS_PER_ORG = 64, /* governance items: four to come in, some for each installation */
    WORKS_MAX = 3 + SIM_COMMANDS_MAX,
};

static void hold(struct sim *s, const struct host *h, const char *what, uint64_t n, uint64_t most) {
    if (n > most)
        sim_fail(s, "org%d: %s: %llu, at most %llu", h->index, what, (unsigned long long)n,
                 (unsigned long long)most);
}

static const struct mt_conn *find(const struct host *h, uint64_t id) {
    for (size_t i = 0; h->node && i < h->node->n_conns; i++)
        if (h->node->conns[i]->id == id)
            return h->node->conns[i];
    return NULL;
}

size_t caps_wire(const struct host *to, uint64_t conn) {
    const struct mt_conn *c = to && conn ? find(to, conn) : NULL;
    size_t window = c && c->is_open ? (size_t)c->sync.granted : 0;
    if (window < MT_WINDOW_START)
        window = MT_WINDOW_START;
    return window + MT_MESSAGE_MAX + SMALL_MAX; /* one run may overdraw the window */
}

static void check_conn(struct sim *s, const struct host *h, const struct mt_conn *c) {
    const struct mt_replica *r = &h->node->replica;
    hold(s, h, "chains queued for a peer", c->sync.n_queue, r->chains.n);
    hold(s, h, "chains that wait a moment", c->sync.n_late, r->chains.n);
    hold(s, h, "chains missed", c->sync.n_missed, MT_SYNC_MISSED_MAX);
    hold(s, h, "bytes not given to the connection", c->sync.out_n, 0);
    hold(s, h, "bytes of a message", c->sync.link.message_have, MT_MESSAGE_MAX);
    hold(s, h, "bytes of a frame", c->sync.link.frame_cap, MT_NOISE_MESSAGE_MAX + 2);
    hold(s, h, "window given to a peer", (uint64_t)c->sync.granted, MT_WINDOW_PEER);
    if (c->sync.owed > 0)
        hold(s, h, "bytes taken from a peer and not verified", (uint64_t)c->sync.owed,
             (uint64_t)c->sync.granted + MT_MESSAGE_MAX);
}

static void check_works(struct sim *s, const struct host *h) {
    const struct mt_node *n = h->node;
    uint64_t works = 0, bytes = 0, waiters = 0, commands = 0;
    const struct mt_work *more[] = {n->filling, n->away};
    for (const struct mt_work *w = n->queue; w; w = w->next) {
        works++;
        bytes += w->batch ? w->batch->bytes : 0;
        waiters += w->n_waiters;
    }
    for (size_t i = 0; i < MT_ARRAY_LEN(more); i++) {
        works += more[i] != NULL;
        bytes += more[i] && more[i]->batch ? more[i]->batch->bytes : 0;
        waiters += more[i] ? more[i]->n_waiters : 0;
    }
    for (int i = 0; i < SIM_COMMANDS_MAX; i++)
        commands += h->commands[i].request != 0;
    hold(s, h, "batches", works, WORKS_MAX);
    hold(s, h, "bytes in batches", bytes,
         MT_WINDOW_ALL + (commands + 2) * (SIM_WRITES_MAX + 1) * 32 * 1024 + SMALL_MAX);
    hold(s, h, "requests that wait for a batch", waiters, commands);
}

void caps_check(struct sim *s, struct host *h) {
    const struct mt_node *n = h->node;
    int64_t given = 0;
    uint64_t items = (uint64_t)ITEMS_PER_ORG * (uint64_t)s->plan.hosts;
    for (size_t i = 0; i < n->n_conns && !s->failed; i++) {
        check_conn(s, h, n->conns[i]);
        given += n->conns[i]->sync.granted;
    }
    if (given + n->replica.window_left != MT_WINDOW_ALL)
        sim_fail(s, "org%d: of the window %lld bytes are given and %lld left", h->index,
                 (long long)given, (long long)n->replica.window_left);
    check_works(s, h);
    hold(s, h, "connections", n->n_conns, MT_CONNS_MAX);
    hold(s, h, "peers", n->n_peers, (uint64_t)s->plan.hosts);
    hold(s, h, "invitations", n->n_invites, MT_INVITES_MAX);
    hold(s, h, "governance items", mt_gov_count(n->replica.gov), items);
    hold(s, h, "governance items not saved", n->n_unsaved, items);
    hold(s, h, "governance items looked at last", n->replica.n_added, items);
    hold(s, h, "governance items out of order", n->n_early, items);
    hold(s, h, "tips of chains", n->n_tips, n->replica.chains.n);
}
