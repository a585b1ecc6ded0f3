/* check: what must hold when all is quiet. */
#include "sim.h"

#include "schema.h"

#include <inttypes.h>
#include <stdlib.h>

enum { REGION = -1, NAME_MAX_ = 24 };

/* ---- is it quiet? ---- */

static int index_of(const struct sim *s, const struct mt_id *org) {
    for (int i = 0; i < s->plan.hosts; i++)
        if (mt_id_eq(&s->hosts[i].org, org))
            return i;
    return -1;
}

bool check_is_out(const struct sim *s, int host) {
    return host >= 0 && s->hosts[host].health != WELL;
}

/* Why a host is not level with all others; NULL: it is. */
static const char *why_not_level(const struct sim *s, const struct host *h, int *other) {
    struct mt_peer_info peers[SIM_HOSTS_MAX];
    size_t n = mt_node_peers(h->node, peers, SIM_HOSTS_MAX);
    *other = -1;
    if (n != (size_t)s->plan.members - 1)
        return "does not know all";
    for (size_t i = 0; i < n; i++) {
        *other = index_of(s, &peers[i].org);
        if (check_is_out(s, *other))
            continue;
        if (!peers[i].connected)
            return "has no link";
        if (!peers[i].synced && !s->plan.fork)
            return "is not level";
    }
    return NULL;
}

bool check_is_level(const struct sim *s, const struct host *h) {
    int other;
    return !why_not_level(s, h, &other);
}

static const char *why_not_quiet_at(struct sim *s, int i, int *other) {
    const struct host *h = &s->hosts[i];
    *other = -1;
    if (!h->up)
        return "is down";
    if (h->away || h->follows)
        return "still writes";
    for (int k = 0; k < SIM_COMMANDS_MAX; k++)
        if (h->commands[k].request && h->commands[k].type == MT_CMD_WRITE)
            return "waits for an answer";
    if (i >= s->plan.members)
        return NULL;
    if (!host_is_member(h) || !host_info(h).has_key)
        return "is not in";
    return why_not_level(s, h, other);
}

/* NULL: all is quiet. */
static const char *why_not_quiet(struct sim *s, int *who, int *other) {
    *who = *other = -1;
    if (!s->is_calm)
        return "there is trouble";
    for (int i = 0; i < s->plan.hosts; i++) {
        const char *why = check_is_out(s, i) ? NULL : why_not_quiet_at(s, i, other);
        *who = i;
        if (why)
            return why;
    }
    *who = -1;
    return second_is_done(s) ? NULL : "somebody lacks a key";
}

bool check_is_quiet(struct sim *s) {
    int who, other;
    return !why_not_quiet(s, &who, &other);
}

void check_quiet(struct sim *s, const char *when) {
    int who, other;
    const char *why = s->failed ? NULL : why_not_quiet(s, &who, &other);
    if (why && other >= 0)
        sim_fail(s, "%s: org%d %s with org%d", when, who, why, other);
    else if (why && who >= 0)
        sim_fail(s, "%s: org%d %s", when, who, why);
    else if (why)
        sim_fail(s, "%s: %s", when, why);
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
        if (author < 0 || author >= s->plan.members)
            sim_fail(s, "org%d holds region entries of org%d, which is no member", me, author);
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

/* The number a record's text begins with; 0: there is no such record. The rest of what it says must
 * be what was meant with that number. */
static uint64_t value_of(struct sim *s, const struct host *h, struct mt_read *read,
                         const struct record *r, bool *fits) {
    static uint8_t memory[MT_BOX_MAX];
    const struct mt_id *audience = NULL;
    if (r->other != REGION)
        audience = &s->hosts[h->index == r->author ? r->other : r->author].org;
    struct mt_writer w = mt_writer(memory, sizeof memory);
    struct mt_view view;
    struct mt_slice field;
    uint64_t row;
    enum mt_err err = mt_read_find(read, audience, &s->hosts[r->author].org, r->kind, &r->id, &row);
    if (err == MT_ENOTFOUND)
        return 0;
    if (!err)
        err = mt_read_row(read, row, &w, &view);
    if (!err)
        err = mt_fields_find(view.fields, ledger_field(r->kind), &field);
    if (err) {
        sim_fail(s, "org%d: a record of org%d cannot be read: %s", h->index, r->author,
                 mt_err_code(err));
        return 0;
    }
    struct mt_reader reader = mt_reader(field);
    struct mt_slice text = mt_wire_str(&reader, MT_STRING_MAX);
    char number[NAME_MAX_] = "";
    memcpy(number, text.p, text.n < sizeof number - 1 ? text.n : sizeof number - 1);
    uint64_t value = strtoull(number, NULL, 10);
    uint32_t meant = ledger_meant(s, value);
    bool is_withdrawn = mt_field_uint(view.fields, MT_COMMON_STATUS) == MT_SIGNUP_WITHDRAWN;
    *fits = (!meant || meant == life_meaning(r->kind, view.fields)) &&
            (r->kind != MT_KIND_SIGNUP || !r->is_withdrawn || is_withdrawn);
    return value;
}

static void check_record(struct sim *s, const struct host *h, struct mt_read *read,
                         const struct record *r) {
    bool means = true;
    uint64_t value = value_of(s, h, read, r, &means);
    bool is_free = r->may_be_lost || (s->plan.fork && r->author == s->plan.rollback_host);
    /* An older copy gets back what a peer holds; here the only one that holds it tells nobody. */
    is_free |= s->hosts[r->author].rollbacks > 0 && check_is_out(s, r->other);
    bool fits = value == r->acknowledged;
    for (unsigned i = 0; i < r->n_open; i++)
        fits |= r->open[i] == value && value > r->acknowledged;
    if (!fits && !is_free)
        sim_fail(s,
                 "org%d: record of org%d for %d holds value %" PRIu64 ", acknowledged was %" PRIu64,
                 h->index, r->author, r->other, value, r->acknowledged);
    else if (!means && !is_free)
        sim_fail(s,
                 "org%d: record of org%d for %d holds value %" PRIu64 ", and not what goes with it",
                 h->index, r->author, r->other, value);
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
        if (check_is_out(s, r->author))
            continue; /* what it wrote last may not have left it */
        if (r->other == REGION || r->author == h->index || r->other == h->index)
            check_record(s, h, &read, r);
    }
    mt_read_end(&read);
}

/* What waited for a key and does so no more is in the view as if it had never waited. */
void check_waiting(struct sim *s, struct host *h) {
    struct mt_node_info info = host_info(h);
    struct mt_read read;
    uint8_t digest[32], fold[32];
    uint64_t waiting = 0;
    if (!s->plan.second || info.state != MT_NODE_MEMBER ||
        mt_read_begin(h->store, &info.region, mt_node_keys(h->node), &read) != MT_OK)
        return;
    if (mt_read_waiting(&read, &waiting) != MT_OK)
        sim_fail(s, "org%d: nobody knows what waits for a key", h->index);
    if (waiting && !h->waits)
        sim_note(s, h->index, "holds entries it has no key for yet");
    if (!waiting && h->waits) {
        s->n_waited += h->waits;
        sim_note(s, h->index, "opens %" PRIu64 " entries that waited for a key", h->waits);
        if (mt_read_digest(&read, digest) || mt_read_digest_fold(&read, fold) ||
            memcmp(digest, fold, 32) != 0)
            sim_fail(s, "org%d: what waited for a key is not in the view", h->index);
    }
    h->waits = waiting;
    mt_read_end(&read);
}

void check_agreement(struct sim *s) {
    uint8_t first[32], digest[32];
    for (int i = 0; i < s->plan.members && !s->plan.fork; i++) {
        struct host *h = &s->hosts[i];
        struct mt_node_info info = host_info(h);
        struct mt_read read;
        if (check_is_out(s, i))
            continue;
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
        if (!check_is_out(s, index_of(s, &peers[i].org)) && peers[i].connected &&
            (peers[i].lag || peers[i].behind))
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
        if (check_is_out(s, i))
            continue;
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
