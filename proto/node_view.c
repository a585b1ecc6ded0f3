/* node_view: looking at a node. */
#include "node_internal.h"

#include <stdlib.h>

static enum mt_node_state state_of(const struct mt_node *n) {
    if (!n->secret)
        return MT_NODE_EMPTY;
    if (mt_node_is_member(n))
        return MT_NODE_MEMBER;
    return n->joining.active ? MT_NODE_JOINING : MT_NODE_ALONE;
}

static uint64_t skew_max(const struct mt_node *n) {
    uint64_t max = 0;
    for (size_t i = 0; i < n->n_conns; i++) {
        const struct mt_conn *c = n->conns[i];
        if (!c->is_open || !c->has_clock)
            continue;
        int64_t ahead = (int64_t)n->now.mono_ms + c->clock_ahead_ms - (int64_t)n->now.wall_ms;
        uint64_t skew = (uint64_t)(ahead < 0 ? -ahead : ahead);
        max = skew > max ? skew : max;
    }
    return max;
}

void mt_node_info(const struct mt_node *n, struct mt_node_info *out) {
    const struct mt_gov *g = n->replica.gov;
    *out = (struct mt_node_info){.state = state_of(n), .org = n->replica.own_org, .kind = n->kind};
    memcpy(out->name, n->name, sizeof out->name);
    if (mt_gov_is_founded(g)) {
        out->region = *mt_gov_region(g);
        out->governance = *mt_gov_head(g);
        memcpy(out->region_name, mt_gov_region_name(g), strlen(mt_gov_region_name(g)));
    }
    if (n->secret)
        out->feed = n->secret->feed.pub;
    out->join = n->joining.state;
    out->join_err = n->joining.err;
    out->join_number = n->joining.number;
    const struct mt_member *own = mt_gov_member(g, &n->replica.own_org);
    out->is_seat = own && own->is_seat;
    out->has_key = mt_node_epoch(n) != NULL;
    for (size_t i = 0; i < mt_gov_installations(g); i++)
        out->n_installations += mt_id_eq(&mt_gov_installation_at(g, i)->org, &n->replica.own_org);
    out->refused_psk = n->refused_psk;
    out->refused_certificate = n->refused_certificate;
    out->refused_timeout = n->refused_timeout;
    out->skew_ms_max = skew_max(n);
    out->retired = n->retired;
    out->behind = n->behind;
    out->level = n->level || mt_gov_members(g) <= 1;
    for (uint32_t i = 0; i < n->replica.chains.n; i++)
        out->forks += n->replica.chains.v[i].fork != 0;
}

const struct mt_gov *mt_node_gov(const struct mt_node *n) {
    return n->replica.gov;
}

const struct mt_keyring *mt_node_keys(const struct mt_node *n) {
    return n->ring;
}

static const struct mt_conn *conn_of(const struct mt_node *n, uint64_t id) {
    for (size_t i = 0; id && i < n->n_conns; i++)
        if (n->conns[i]->id == id)
            return n->conns[i];
    return NULL;
}

/* Everything we hold that this organisation should have: the lag while it was never met. */
static uint64_t whole_lag(const struct mt_node *n, const struct mt_id *org) {
    uint64_t lag = 0;
    for (uint32_t i = 0; i < n->replica.chains.n; i++)
        if (mt_chain_is_for(&n->replica.chains.v[i], &n->replica.own_org, org))
            lag += n->replica.chains.v[i].head.seq;
    return lag;
}

static void peer_info(const struct mt_node *n, const struct mt_peer *p, struct mt_peer_info *out) {
    const struct mt_conn *c = conn_of(n, p->conn);
    *out = (struct mt_peer_info){.org = p->org,
                                 .feed = p->feed,
                                 .connected = c && c->is_open && !c->closing,
                                 .dialing = p->dialing != 0,
                                 .lag = p->met ? p->lag : whole_lag(n, &p->org),
                                 .behind = p->behind,
                                 .last_seen_ms = p->last_seen_ms,
                                 .rtt_ms = p->rtt_ms,
                                 .last_err = p->last_err};
    memcpy(out->address, p->address, sizeof out->address);
    if (!c || !out->connected)
        return;
    out->lag = mt_sync_lag(&c->sync, &n->replica);
    out->behind = mt_sync_behind(&c->sync, &n->replica);
    out->synced = c->sync.state == MT_SYNC_LIVE && !out->lag && !out->behind;
}

size_t mt_node_peers(const struct mt_node *n, struct mt_peer_info *out, size_t max) {
    size_t count = 0;
    for (size_t i = 0; i < n->n_peers; i++) {
        if (!mt_gov_member(n->replica.gov, &n->peers[i].org))
            continue;
        if (count < max)
            peer_info(n, &n->peers[i], &out[count]);
        count++;
    }
    return count;
}

size_t mt_node_invites(const struct mt_node *n, struct mt_invite_info *out, size_t max) {
    for (size_t i = 0; i < n->n_invites && i < max; i++)
        out[i] = n->invites[i].info;
    return n->n_invites;
}

void mt_node_chain_counts(const struct mt_node *n, uint32_t *region, uint32_t *pair) {
    *region = *pair = 0;
    for (uint32_t i = 0; i < n->replica.chains.n; i++) {
        const struct mt_chain *c = &n->replica.chains.v[i];
        if (!c->head.seq)
            continue;
        if (mt_id_is_zero(&c->info.other))
            ++*region;
        else
            ++*pair;
    }
}

uint64_t mt_node_entries(const struct mt_node *n) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < n->replica.chains.n; i++)
        sum += n->replica.chains.v[i].head.seq;
    return sum;
}

static void derived_rid(const char *use, const struct mt_id *id, struct mt_rid *out) {
    uint8_t hash[32];
    mt_hash_of(hash, use, NULL, id->b, sizeof id->b);
    memcpy(out->b, hash, sizeof out->b);
}

void mt_node_org_rid(const struct mt_id *org, struct mt_rid *out) {
    derived_rid("org-record", org, out);
}

void mt_node_endpoint_rid(const struct mt_id *feed, struct mt_rid *out) {
    derived_rid("endpoint-record", feed, out);
}
