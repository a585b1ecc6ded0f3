#include "ctl_cmd_internal.h"

#include <stdlib.h>

#ifndef MEENT_VERSION
#define MEENT_VERSION "0"
#endif

enum { LOG_LIMIT = 50 };

/* ---- peers ---- */

struct mt_peer_info *cmd_peers(const struct cmd *c, size_t *n) {
    *n = mt_node_peers(c->node, NULL, 0);
    struct mt_peer_info *peers = *n ? calloc(*n, sizeof *peers) : NULL;
    if (!peers) {
        *n = 0;
        return NULL;
    }
    size_t there = mt_node_peers(c->node, peers, *n);
    *n = there < *n ? there : *n;
    return peers;
}

static const char *member_name(const struct cmd *c, const struct mt_id *org) {
    const struct mt_gov *gov = mt_node_gov(c->node);
    const struct mt_member *m = gov ? mt_gov_member(gov, org) : NULL;
    return m ? m->name : "";
}

void cmd_put_peer(struct cmd *c, const struct mt_peer_info *peer, struct mt_writer *w) {
    struct mt_put p;
    mt_put_map(&p, w);
    mt_put_hex(&p, "id", peer->org.b, sizeof peer->org.b);
    mt_put_str(&p, "name", member_name(c, &peer->org));
    mt_put_bool(&p, "connected", peer->connected);
    mt_put_uint(&p, "lag", peer->lag);
    mt_put_uint(&p, "behind", peer->behind);
    mt_put_bool(&p, "synced", peer->synced);
    mt_put_instant(&p, "last_seen", peer->last_seen_ms);
    mt_put_str(&p, "address", peer->address[0] ? peer->address : NULL);
    mt_put_str(&p, "error",
               !peer->connected && peer->last_err ? mt_err_code(peer->last_err) : NULL);
    if (peer->rtt_ms)
        mt_put_uint(&p, "rtt_ms", peer->rtt_ms);
    else
        mt_put_nil(&p, "rtt_ms");
    mt_put_map_end(&p);
}

static void put_peers(struct cmd *c, struct mt_put *p) {
    struct mt_put list;
    size_t n;
    struct mt_peer_info *peers = cmd_peers(c, &n);
    mt_put_array(&list, mt_put_key(p, "peers"));
    for (size_t i = 0; i < n; i++, list.n++)
        cmd_put_peer(c, &peers[i], list.w);
    mt_put_array_end(&list);
    free(peers);
}

enum mt_err cmd_peer_list(struct cmd *c) {
    struct mt_put p;
    mt_put_map(&p, &c->out);
    put_peers(c, &p);
    mt_put_map_end(&p);
    return MT_OK;
}

/* How far a connection gets: the step at which the last attempt failed. */
enum step { STEP_ADDRESS, STEP_CONNECT, STEP_KEY, STEP_CERTIFICATE, STEP_MEMBERSHIP, STEP_DONE };

static enum step reached(const struct mt_peer_info *peer) {
    if (peer->connected)
        return STEP_DONE;
    if (peer->last_err == MT_EMEMBER)
        return STEP_MEMBERSHIP;
    if (peer->address[0] == '\0')
        return STEP_ADDRESS;
    switch (peer->last_err) {
    case MT_ENOTFOUND:
        return STEP_ADDRESS;
    case MT_ECERTIFICATE:
    case MT_ESIGNATURE:
        return STEP_CERTIFICATE;
    default: /* who sends something, or nothing in time, was connected with */
        return mt_err_class(peer->last_err) == MT_CLASS_PEER ? STEP_KEY : STEP_CONNECT;
    }
}

/* As find_applicant makes it: nothing was tried. */
static bool is_applicant(const struct mt_peer_info *peer) {
    return peer->last_err == MT_EMEMBER && peer->address[0] == '\0' && !peer->connected;
}

static void put_steps(const struct mt_peer_info *peer, struct mt_put *p) {
    static const char *const names[] = {"address", "connect", "key", "certificate", "membership"};
    enum step failed = reached(peer);
    struct mt_put list;
    mt_put_array(&list, mt_put_key(p, "steps"));
    for (size_t i = is_applicant(peer) ? STEP_MEMBERSHIP : STEP_ADDRESS;
         i < MT_ARRAY_LEN(names) && i <= (size_t)failed; i++, list.n++) {
        struct mt_put one;
        bool ok = i < (size_t)failed, unknown = i == STEP_ADDRESS && peer->address[0] == '\0';
        mt_put_map(&one, list.w);
        mt_put_str(&one, "step", names[i]);
        mt_put_bool(&one, "ok", ok);
        const char *why = unknown             ? "no address is known"
                          : i == STEP_ADDRESS ? peer->address
                          : peer->last_err    ? mt_err_text(peer->last_err)
                                              : "not tried yet";
        mt_put_str(&one, "text", !ok ? why : i == STEP_ADDRESS ? peer->address : "ok");
        mt_put_str(&one, "code",
                   ok || unknown || !peer->last_err ? NULL : mt_err_code(peer->last_err));
        mt_put_map_end(&one);
    }
    mt_put_array_end(&list);
}

static bool is_named(const struct cmd *c, const struct mt_peer_info *peer, struct mt_slice name) {
    char hex[65];
    mt_hex(hex, peer->org.b, sizeof peer->org.b);
    return mt_text_same(mt_slice_str(member_name(c, &peer->org)), name) ||
           (name.n >= MT_QUERY_SHORT_MIN && name.n <= 64 && memcmp(hex, name.p, name.n) == 0);
}

/* Who asks to join is no member yet, and that is as far as a connection with it gets. */
static bool find_applicant(struct cmd *c, struct mt_slice name, struct mt_peer_info *out) {
    size_t n = mt_node_invites(c->node, NULL, 0);
    struct mt_invite_info *infos = calloc(n + 1, sizeof *infos);
    size_t there = infos ? mt_node_invites(c->node, infos, n) : 0;
    bool found = false;
    for (size_t i = 0; i < there && i < n && !found; i++) {
        found = infos[i].state == MT_INVITE_FILED &&
                (mt_text_same(mt_slice_str(infos[i].applicant), name) ||
                 mt_text_same(mt_slice_str(infos[i].name), name));
        if (found)
            *out = (struct mt_peer_info){.org = infos[i].org, .last_err = MT_EMEMBER};
    }
    free(infos);
    return found;
}

/* A whole name or the start of an id stands before part of a name. */
static enum mt_err find_peer(struct cmd *c, struct mt_slice name, struct mt_peer_info *out) {
    size_t n, found = 0, part = 0;
    struct mt_peer_info *peers = cmd_peers(c, &n);
    *out = (struct mt_peer_info){0};
    if (!peers && mt_node_peers(c->node, NULL, 0) > 0)
        return MT_ENOMEM;
    for (size_t i = 0; i < n; i++)
        if (is_named(c, &peers[i], name) && ++found == 1)
            *out = peers[i];
    for (size_t i = 0; i < n && !found; i++)
        if (mt_text_contains(mt_slice_str(member_name(c, &peers[i].org)), name) && ++part == 1)
            *out = peers[i];
    free(peers);
    if (found > 1 || part > 1)
        return cmd_say(c, MT_EAMBIGUOUS, "several organisations are called that");
    if (!found && !part && find_applicant(c, name, out))
        return MT_OK;
    if (!found && !part)
        return cmd_say(c, MT_ENOTFOUND, "no other member is called %.*s",
                       (int)mt_text_fit(name, 100), (const char *)name.p);
    return MT_OK;
}

/* `trying`: there is no outcome yet, ask again. */
static void put_ping(struct cmd *c, const struct mt_peer_info *peer) {
    struct mt_put p;
    mt_put_map(&p, &c->out);
    mt_put_hex(&p, "id", peer->org.b, sizeof peer->org.b);
    mt_put_str(&p, "name", member_name(c, &peer->org));
    put_steps(peer, &p);
    mt_put_bool(&p, "trying", peer->connected ? peer->rtt_ms == 0 : peer->dialing);
    if (peer->connected && peer->rtt_ms)
        mt_put_uint(&p, "rtt_ms", peer->rtt_ms);
    else
        mt_put_nil(&p, "rtt_ms");
    mt_put_map_end(&p);
}

static enum mt_err finish_ping(struct cmd *c, const struct mt_reply *reply) {
    struct mt_slice name;
    struct mt_peer_info peer;
    enum mt_err err = cmd_need(c, "name", &name);
    (void)reply;
    err = err ? err : find_peer(c, name, &peer);
    if (!err)
        put_ping(c, &peer);
    return err;
}

/* With `probe` the peer is asked for an answer, or dialled, at once; without, it is told how that
 * went. */
enum mt_err cmd_peer_ping(struct cmd *c) {
    struct mt_slice name;
    struct mt_peer_info peer;
    bool probe;
    enum mt_err err = cmd_need(c, "name", &name);
    err = err ? err : cmd_bool(c, "probe", &probe);
    err = err ? err : find_peer(c, name, &peer);
    if (err)
        return err;
    if (probe && !is_applicant(&peer)) {
        struct mt_command command = {.type = MT_CMD_PING, .audience = peer.org};
        return cmd_submit(c, &command, finish_ping);
    }
    put_ping(c, &peer);
    return MT_OK;
}

/* ---- status ---- */

static void put_named(struct mt_put *p, const char *key, const struct mt_id *id, const char *name) {
    struct mt_put one;
    if (mt_id_is_zero(id)) {
        mt_put_nil(p, key);
        return;
    }
    mt_put_map(&one, mt_put_key(p, key));
    mt_put_hex(&one, "id", id->b, sizeof id->b);
    mt_put_str(&one, "name", name);
    mt_put_map_end(&one);
}

static const char *state_word(enum mt_node_state state) {
    switch (state) {
    case MT_NODE_EMPTY:
        return "empty";
    case MT_NODE_ALONE:
        return "alone";
    case MT_NODE_JOINING:
        return "joining";
    case MT_NODE_MEMBER:
        return "member";
    }
    return "";
}

static void put_identity(struct cmd *c, struct mt_put *p) {
    static const struct mt_id none;
    bool member = c->info.state == MT_NODE_MEMBER;
    put_named(p, "organisation", c->info.state == MT_NODE_EMPTY ? &none : &c->info.org,
              c->info.name);
    put_named(p, "region", member ? &c->info.region : &none, c->info.region_name);
    mt_put_str(p, "state", state_word(c->info.state));
    cmd_put_join(&c->info, mt_put_key(p, "join"));
    if (member)
        mt_put_hex(p, "governance", c->info.governance.b, sizeof c->info.governance.b);
    else
        mt_put_nil(p, "governance");
}

static void put_members(struct cmd *c, struct mt_put *p) {
    const struct mt_gov *gov = mt_node_gov(c->node);
    struct mt_put list;
    uint64_t seats = 0;
    mt_put_array(&list, mt_put_key(p, "members"));
    for (size_t i = 0; gov && i < mt_gov_members(gov); i++, list.n++) {
        const struct mt_member *m = mt_gov_member_at(gov, i);
        struct mt_put one;
        mt_put_map(&one, list.w);
        mt_put_hex(&one, "id", m->org.b, sizeof m->org.b);
        mt_put_str(&one, "name", m->name);
        mt_put_str(&one, "role", m->role == MT_ROLE_RELAY ? "relay" : "member");
        mt_put_map_end(&one);
        seats += m->is_seat;
    }
    mt_put_array_end(&list);
    mt_put_uint(p, "seats", seats);
}

/* Counts of every kind, zeros while there is no region. */
static enum mt_err put_records(struct cmd *c, bool readable, struct mt_put *p) {
    struct mt_put counts;
    uint8_t digest[32];
    uint64_t n = 0, waiting = 0;
    enum mt_err err = MT_OK;
    size_t n_kinds;
    const struct mt_kind *kinds = mt_schema_kinds(&n_kinds);
    mt_put_map(&counts, mt_put_key(p, "records"));
    for (size_t i = 0; i < n_kinds && !err; i++) {
        if (readable)
            err = mt_read_count(&c->q.read, kinds[i].no, &n);
        mt_put_uint(&counts, kinds[i].name, n);
    }
    mt_put_map_end(&counts);
    if (!err && readable)
        err = mt_read_waiting(&c->q.read, &waiting);
    mt_put_uint(p, "waiting", waiting);
    if (!err && readable) {
        err = mt_read_digest(&c->q.read, digest);
        mt_put_hex(p, "digest", digest, sizeof digest);
    } else {
        mt_put_nil(p, "digest");
    }
    return err;
}

static void put_traffic(struct cmd *c, struct mt_put *p) {
    struct mt_put one, refused;
    uint32_t region, pair;
    uint64_t used, map;
    mt_node_chain_counts(c->node, &region, &pair);
    mt_put_map(&one, mt_put_key(p, "chains"));
    mt_put_uint(&one, "region", region);
    mt_put_uint(&one, "pair", pair);
    mt_put_map_end(&one);
    mt_put_uint(p, "entries", mt_node_entries(c->node));
    mt_put_map(&one, mt_put_key(p, "links"));
    mt_put_map(&refused, mt_put_key(&one, "refused"));
    mt_put_uint(&refused, "psk", c->info.refused_psk);
    mt_put_uint(&refused, "certificate", c->info.refused_certificate);
    mt_put_uint(&refused, "timeout", c->info.refused_timeout);
    mt_put_map_end(&refused);
    mt_put_map_end(&one);
    mt_store_size(c->env->store, &used, &map);
    mt_put_map(&one, mt_put_key(p, "storage"));
    mt_put_uint(&one, "used", used);
    mt_put_uint(&one, "map", map);
    mt_put_map_end(&one);
}

enum mt_err cmd_status(struct cmd *c) {
    struct mt_put p;
    bool readable = c->info.state != MT_NODE_EMPTY && !mt_id_is_zero(&c->info.region);
    enum mt_err err = readable ? cmd_open(c) : MT_OK;
    if (err)
        return err;
    mt_put_map(&p, &c->out);
    put_identity(c, &p);
    put_members(c, &p);
    put_peers(c, &p);
    err = put_records(c, readable, &p);
    if (err)
        return err;
    put_traffic(c, &p);
    cmd_put_health(c, mt_put_key(&p, "health"));
    mt_put_str(&p, "listen", c->env->listen);
    mt_put_uint(&p, "uptime_s", c->env->uptime_ms / 1000);
    mt_put_str(&p, "version", MEENT_VERSION);
    mt_put_map_end(&p);
    return MT_OK;
}

/* ---- what happened, and whether it adds up ---- */

enum mt_err cmd_log(struct cmd *c) {
    uint64_t limit;
    enum mt_err err = cmd_uint(c, "limit", UINT32_MAX, &limit);
    err = err ? err : cmd_open(c);
    return err ? err : mt_query_log(&c->q, limit ? (size_t)limit : LOG_LIMIT, &c->out);
}

enum mt_err cmd_verify(struct cmd *c) {
    uint8_t digest[32], fold[32];
    struct mt_put p;
    enum mt_err err = cmd_open(c);
    err = err ? err : mt_read_digest(&c->q.read, digest);
    err = err ? err : mt_read_digest_fold(&c->q.read, fold);
    if (err)
        return err;
    mt_put_map(&p, &c->out);
    mt_put_hex(&p, "digest", digest, sizeof digest);
    mt_put_hex(&p, "fold", fold, sizeof fold);
    mt_put_bool(&p, "equal", memcmp(digest, fold, sizeof fold) == 0);
    mt_put_uint(&p, "entries", mt_node_entries(c->node));
    mt_put_map_end(&p);
    return MT_OK;
}
