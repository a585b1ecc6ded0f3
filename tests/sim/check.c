/* check: what must hold when all is quiet. */
#include "sim.h"

#include "schema.h"

#include <inttypes.h>
#include <stdlib.h>

enum { REGION = -1, NAME_MAX_ = 24 };

/* ---- is it quiet? ---- */

bool check_is_level(const struct sim *s, const struct host *h) {
    struct mt_peer_info peers[SIM_HOSTS_MAX];
    size_t n = mt_node_peers(h->node, peers, SIM_HOSTS_MAX);
    if (n != (size_t)s->plan.members - 1)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!peers[i].connected || (!peers[i].synced && !s->plan.fork))
            return false;
    return true;
}

bool check_is_quiet(struct sim *s) {
    if (!s->is_calm || !people_are_done(s))
        return false;
    for (int i = 0; i < s->plan.hosts; i++) {
        const struct host *h = &s->hosts[i];
        if (!h->up || h->away)
            return false;
        for (int k = 0; k < SIM_COMMANDS_MAX; k++)
            if (h->commands[k].request && h->commands[k].type == MT_CMD_WRITE)
                return false;
        if (i < s->plan.members && !check_is_level(s, h))
            return false;
    }
    return true;
}

/* What was answered with ok before a crash is so after it. */
void check_promises(struct sim *s, const struct host *h) {
    struct mt_node_info info = host_info(h);
    if ((h->said_init && info.state == MT_NODE_EMPTY) ||
        (h->said_found && info.state != MT_NODE_MEMBER) ||
        (h->said_join && info.state != MT_NODE_MEMBER && info.state != MT_NODE_JOINING))
        sim_fail(s, "org%d: forgot what it answered ok to", h->index);
    for (int i = 0; i < s->plan.hosts; i++)
        if (h->said_approve & 1U << i && !mt_gov_member(mt_node_gov(h->node), &s->hosts[i].org))
            sim_fail(s, "org%d: forgot that it approved org%d", h->index, i);
}

/* ---- chains ---- */

struct chain_walk {
    struct sim *s;
    const struct host *h;
    const struct mt_id *feed, *other;
    uint64_t end;
    uint32_t pairs;
};

static enum mt_err find_end(void *arg, const struct mt_chain_info *chain,
                            const struct mt_head *head, uint64_t fork) {
    struct chain_walk *w = arg;
    if (mt_id_eq(&chain->feed, w->feed) && mt_id_eq(&chain->other, w->other))
        w->end = head->seq;
    (void)fork;
    return MT_OK;
}

uint64_t check_chain_end(struct mt_store *store, const struct mt_id *feed,
                         const struct mt_id *other) {
    struct chain_walk w = {.feed = feed, .other = other};
    if (mt_store_load_chains(store, find_end, &w) != MT_OK)
        return 0;
    return w.end;
}

static int index_of(const struct sim *s, const struct mt_id *org) {
    for (int i = 0; i < s->plan.hosts; i++)
        if (mt_id_eq(&s->hosts[i].org, org))
            return i;
    return -1;
}

static bool wrote_to(const struct sim *s, int author, int other) {
    for (uint32_t i = 0; i < s->n_records; i++)
        if (s->records[i].author == author && s->records[i].other == other)
            return true;
    return false;
}

/* Only chains that somebody wrote for us are here. */
static enum mt_err check_chain(void *arg, const struct mt_chain_info *chain,
                               const struct mt_head *head, uint64_t fork) {
    struct chain_walk *w = arg;
    struct sim *s = w->s;
    int author = index_of(s, &chain->org), other = index_of(s, &chain->other), me = w->h->index;
    if (!head->seq)
        return MT_OK;
    if (fork && !s->plan.fork)
        sim_fail(s, "org%d: a chain of org%d forks at %" PRIu64, me, author, fork);
    if (mt_id_is_zero(&chain->other)) {
        if (!wrote_to(s, author, REGION))
            sim_fail(s, "org%d holds region entries of org%d, which wrote none", me, author);
        return MT_OK;
    }
    w->pairs++;
    int reader = author == me ? other : me;
    if ((author != me && other != author) || !wrote_to(s, author, reader))
        sim_fail(s, "org%d holds a pair chain of org%d that is none of its business", me, author);
    return MT_OK;
}

static void check_chains(struct sim *s, const struct host *h) {
    struct chain_walk w = {.s = s, .h = h};
    uint32_t region, pair;
    if (mt_store_load_chains(h->store, check_chain, &w) != MT_OK)
        sim_fail(s, "org%d: chains cannot be read", h->index);
    mt_node_chain_counts(h->node, &region, &pair);
    if (pair != w.pairs)
        sim_fail(s, "org%d: the node knows %u pair chains, the store %u", h->index, pair, w.pairs);
    if (h->index >= s->plan.members && (region || pair || mt_node_entries(h->node)))
        sim_fail(s, "org%d is no member and holds entries", h->index);
}

/* ---- records ---- */

/* The number a record's text begins with; 0: there is no such record. */
static uint64_t value_of(struct sim *s, const struct host *h, struct mt_read *read,
                         const struct record *r) {
    static uint8_t memory[MT_BOX_MAX];
    bool region = r->other == REGION;
    const struct mt_id *audience = NULL;
    if (!region)
        audience = &s->hosts[h->index == r->author ? r->other : r->author].org;
    struct mt_writer w = mt_writer(memory, sizeof memory);
    struct mt_view view;
    struct mt_slice field;
    uint64_t row;
    enum mt_err err = mt_read_find(read, audience, &s->hosts[r->author].org,
                                   region ? MT_KIND_ACTIVITY : MT_KIND_PLACEMENT, &r->id, &row);
    if (err == MT_ENOTFOUND)
        return 0;
    if (!err)
        err = mt_read_row(read, row, &w, &view);
    if (!err)
        err = mt_fields_find(view.fields, region ? 0 : 2, &field);
    if (err) {
        sim_fail(s, "org%d: a record of org%d cannot be read: %s", h->index, r->author,
                 mt_err_code(err));
        return 0;
    }
    struct mt_reader reader = mt_reader(field);
    struct mt_slice text = mt_wire_str(&reader, MT_STRING_MAX);
    char number[NAME_MAX_] = "";
    memcpy(number, text.p, text.n < sizeof number - 1 ? text.n : sizeof number - 1);
    return strtoull(number, NULL, 10);
}

static void check_record(struct sim *s, const struct host *h, struct mt_read *read,
                         const struct record *r) {
    uint64_t value = value_of(s, h, read, r);
    bool fits = value == r->acknowledged || r->may_be_lost ||
                (s->plan.fork && r->author == s->plan.rollback_host);
    for (unsigned i = 0; i < r->n_open; i++)
        fits |= r->open[i] == value && value > r->acknowledged;
    if (!fits)
        sim_fail(s,
                 "org%d: record of org%d for %d holds value %" PRIu64 ", acknowledged was %" PRIu64,
                 h->index, r->author, r->other, value, r->acknowledged);
}

static void check_view(struct sim *s, const struct host *h, uint8_t digest[static 32]) {
    struct mt_node_info info = host_info(h);
    struct mt_read read;
    uint8_t fold[32];
    uint64_t waiting;
    if (mt_read_begin(h->store, &info.region, mt_node_keys(h->node), &read) != MT_OK) {
        sim_fail(s, "org%d: the store cannot be read", h->index);
        return;
    }
    if (mt_read_digest(&read, digest) != MT_OK || mt_read_digest_fold(&read, fold) != MT_OK)
        sim_fail(s, "org%d: no digest", h->index);
    else if (memcmp(digest, fold, 32) != 0)
        sim_fail(s, "org%d: the view is not the fold of its entries", h->index);
    if (mt_read_waiting(&read, &waiting) != MT_OK || waiting)
        sim_fail(s, "org%d: entries wait for a key", h->index);
    for (uint32_t i = 0; i < s->n_records && !s->failed; i++) {
        const struct record *r = &s->records[i];
        if (r->other == REGION || r->author == h->index || r->other == h->index)
            check_record(s, h, &read, r);
    }
    mt_read_end(&read);
}

void check_agreement(struct sim *s) {
    uint8_t first[32], digest[32];
    for (int i = 0; i < s->plan.members && !s->plan.fork; i++) {
        struct host *h = &s->hosts[i];
        struct mt_node_info info = host_info(h);
        struct mt_read read;
        if (mt_read_begin(h->store, &info.region, mt_node_keys(h->node), &read) != MT_OK)
            return;
        if (mt_read_digest(&read, i ? digest : first) != MT_OK)
            sim_fail(s, "org%d: no digest", i);
        mt_read_end(&read);
        if (i && memcmp(first, digest, 32) != 0)
            sim_fail(s, "org%d: says it is level with all, and is not", i);
    }
}

/* ---- all of it ---- */

static void check_peers(struct sim *s, const struct host *h) {
    struct mt_peer_info peers[SIM_HOSTS_MAX];
    size_t n = mt_node_peers(h->node, peers, SIM_HOSTS_MAX);
    for (size_t i = 0; i < n && !s->plan.fork; i++)
        if (peers[i].connected && (peers[i].lag || peers[i].behind))
            sim_fail(s, "org%d: lags by %" PRIu64 " and %" PRIu64, h->index, peers[i].lag,
                     peers[i].behind);
}

/* A copy that was put back and met a longer chain of its own must have opened a new installation. */
static void check_copy(struct sim *s, const struct host *h) {
    struct mt_id feed, none = {{0}};
    memcpy(feed.b, h->copy_feed, sizeof feed.b);
    if (!h->rollbacks || s->plan.fork || memcmp(host_info(h).feed.b, feed.b, sizeof feed.b) != 0)
        return;
    if (check_chain_end(h->store, &feed, &none) > h->copy_end && !s->is_hurried)
        sim_fail(s, "org%d: an older copy goes on with the chain of the newer", h->index);
}

static void check_governance(struct sim *s, const struct host *h, uint8_t first[static 32]) {
    uint8_t digest[32];
    if (mt_gov_digest(mt_node_gov(h->node), digest) != MT_OK)
        return;
    if (h->index == 0)
        memcpy(first, digest, sizeof digest);
    else if (memcmp(first, digest, sizeof digest) != 0)
        sim_fail(s, "org%d: its governance set is not that of org0", h->index);
    if (mt_gov_members(mt_node_gov(h->node)) != (size_t)s->plan.members)
        sim_fail(s, "org%d: counts %zu members", h->index, mt_gov_members(mt_node_gov(h->node)));
}

void check_all(struct sim *s) {
    uint8_t first[32], digest[32], governance[32];
    uint32_t forks = 0;
    for (int i = 0; i < s->plan.hosts && !s->failed; i++) {
        const struct host *h = &s->hosts[i];
        check_chains(s, h);
        if (i >= s->plan.members)
            continue;
        check_governance(s, h, governance);
        check_peers(s, h);
        check_copy(s, h);
        check_view(s, h, i ? digest : first);
        forks += host_info(h).forks;
        sim_mix(s, i ? digest : first, 32);
        if (i && !s->plan.fork && memcmp(first, digest, 32) != 0)
            sim_fail(s, "org%d: its view digest is not that of org0", i);
    }
    if (forks && !s->plan.fork)
        sim_fail(s, "a chain forked though no copy was put back");
}
