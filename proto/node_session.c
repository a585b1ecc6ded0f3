/* node_session: what sessions want from the node, and what the node wants from sessions. */
#include "node_internal.h"

#include <stdlib.h>

/* Which of two links with one installation is closed. Nobody dials who has a link; so the older one
 * is dead at the other end, unless both sides dialled at about the same time. Then both ends keep
 * the one dialled by the lower feed key. */
static struct mt_conn *loser(struct mt_node *n, struct mt_conn *newer, struct mt_conn *older) {
    bool together = n->now.mono_ms < older->opened_ms + MT_CALLED_MS_MAX;
    if (newer->initiator == older->initiator || !together)
        return older;
    bool we_are_lower = mt_id_cmp(&n->secret->feed.pub, &newer->sync.feed) < 0;
    return newer->initiator == we_are_lower ? older : newer;
}

/* It has to show within `ms` that it is alive, or is closed. */
enum mt_err mt_node_challenge(struct mt_node *n, struct mt_conn *c, uint64_t ms) {
    uint64_t now = n->now.mono_ms;
    if (c->challenged_ms == UINT64_MAX) /* who is asked again gets no more time */
        c->challenged_ms = now + ms;
    c->ping_ms = now ? now : 1;
    return mt_sync_send_number(&c->sync, MT_MSG_PING, now);
}

void mt_node_opened(struct mt_node *n, struct mt_conn *c) {
    uint8_t buf[1024];
    struct mt_writer join = mt_writer(buf, sizeof buf);
    struct mt_peer *p = c->applying ? NULL : mt_node_peer(n, &c->sync.org, false);
    for (size_t i = 0; i < n->n_conns; i++) {
        struct mt_conn *o = n->conns[i];
        if (o == c || !o->is_open || o->closing || !mt_id_eq(&o->sync.feed, &c->sync.feed))
            continue;
        struct mt_conn *out = loser(n, c, o);
        mt_node_close(n, out, MT_EDUPLICATE);
        if (out != c)
            continue;
        if (mt_node_challenge(n, o, MT_CHALLENGE_MS) != MT_OK) /* the newer was refused for it */
            mt_node_close(n, o, MT_ENOMEM);
        return;
    }
    mt_node_log_link(n, c, "link_up", c->initiator, MT_OK);
    if (p) {
        p->source = c->initiator ? p->source : c->source;
        p->conn = c->id;
        p->dialing = p->dialing == c->id ? 0 : p->dialing;
        p->feed = c->sync.feed;
        p->last_err = MT_OK;
        p->last_seen_ms = n->now.wall_ms;
        p->met = true;
    }
    enum mt_err err = c->applying ? mt_node_join_item(n, &join) : MT_OK;
    if (!err)
        err = mt_sync_open(&c->sync, &n->replica, mt_writer_slice(&join), n->now.wall_ms);
    if (!err && p && p->asked)
        err = mt_node_challenge(n, c, MT_PING_MS);
    if (err)
        mt_node_close(n, c, err);
}

/* Reasons that only what was sent gives. */
static bool is_about_bytes(struct mt_slice reason) {
    for (unsigned i = 0; i < MT_ERR_COUNT; i++)
        if (mt_slice_is(reason, mt_err_code(i)))
            return mt_err_class(i) == MT_CLASS_PEER && i != MT_ETIMEOUT && i != MT_EMEMBER;
    return false;
}

/* They said why they close. An applicant learns here that the code is somebody else's. Anyone learns
 * that something sent was not in order: what is stored may be damaged, and is checked from now on
 * before it is sent. */
static void heard_bye(struct mt_node *n, struct mt_conn *c, struct mt_slice reason) {
    mt_node_log_link(n, c, "link_bye", 0, MT_OK);
    n->is_doubted = n->is_doubted || is_about_bytes(reason);
    if (c->applying && mt_slice_is(reason, mt_err_code(MT_EMEMBER))) {
        n->joining.state = MT_JOIN_REFUSED;
        n->joining.err = MT_EMEMBER;
        n->join_dial_at = UINT64_MAX;
        n->dirty_joining = true;
    }
}

/* What their clock says beside our monotonic one, which nobody sets: how far apart the clocks are is
 * worked out when it is asked for, so that it is gone once either clock was set right. */
static void heard_clock(const struct mt_node *n, struct mt_conn *c, uint64_t wall_ms) {
    uint64_t bounded = wall_ms < INT64_MAX / 2 ? wall_ms : INT64_MAX / 2;
    c->clock_ahead_ms = (int64_t)bounded - (int64_t)n->now.mono_ms;
    c->has_clock = true;
}

static enum mt_err carry_out(struct mt_node *n, struct mt_conn *c, const struct mt_sync_out *out,
                             uint8_t **take_message, size_t len) {
    struct mt_peer *p = mt_node_peer(n, &c->sync.org, false);
    enum mt_err err;
    switch (out->want) {
    case MT_SYNC_NOTHING:
        return MT_OK;
    case MT_SYNC_RUN:
        if (out->chain == MT_CHAIN_NONE)
            return mt_sync_miss(&c->sync, mt_slice(*take_message, len));
        err = mt_node_take_run(n, c->id, out->chain, *take_message, len);
        if (!err)
            *take_message = NULL;
        return err;
    case MT_SYNC_FILE:
        return mt_node_file(n, c, out->join);
    case MT_SYNC_FILED:
        mt_node_filed(n, c);
        return MT_OK;
    case MT_SYNC_PONG:
        if (p && n->now.mono_ms >= out->number) {
            p->rtt_ms = n->now.mono_ms - out->number + 1;
            p->asked = false;
        }
        return MT_OK;
    case MT_SYNC_BYE:
        heard_bye(n, c, out->reason);
        return MT_OK;
    case MT_SYNC_SKEW:
        heard_clock(n, c, out->number);
        return MT_OK;
    }
    return MT_EBUG;
}

void mt_node_message(struct mt_node *n, struct mt_conn *c, uint8_t *take_message, size_t len) {
    struct mt_sync_out out;
    enum mt_err err = MT_OK;
    /* The message before may have brought the certificate of the chain this one is about. */
    if (n->generation != mt_gov_generation(n->replica.gov))
        err = mt_node_derive(n);
    if (!err)
        err = mt_sync_message(&c->sync, &n->replica, mt_slice(take_message, len), n->now.wall_ms,
                              &out);
    if (!err)
        err = carry_out(n, c, &out, &take_message, len);
    free(take_message);
    struct mt_peer *p = mt_node_peer(n, &c->sync.org, false);
    if (p)
        p->last_seen_ms = n->now.wall_ms;
    if (err)
        mt_node_close(n, c, err);
}

void mt_node_fetched(struct mt_node *n, const struct mt_event *ev) {
    struct mt_conn *c = mt_node_conn(n, ev->conn);
    if (!c || c->closing)
        return;
    uint32_t at = 0;
    while (at < n->replica.chains.n && n->replica.chains.v[at].info.no != ev->chain_no)
        at++;
    enum mt_err err = ev->err == MT_ENOTFOUND ? MT_OK : ev->err;
    c->sync.fetching = false;
    if (!err && at < n->replica.chains.n)
        err = mt_sync_fetched(&c->sync, &n->replica, at, ev->err ? mt_slice(NULL, 0) : ev->bytes,
                              ev->last);
    if (err)
        mt_node_close(n, c, err);
}

/* One peer's session is live and it holds nothing that we do not. */
void mt_node_level(struct mt_node *n) {
    for (size_t i = 0; !n->level && i < n->n_conns; i++) {
        struct mt_conn *c = n->conns[i];
        if (c->closing || c->sync.state != MT_SYNC_LIVE || c->sync.owed ||
            mt_sync_behind(&c->sync, &n->replica))
            continue;
        n->level = true;
        n->dirty_identity |= n->behind;
        n->behind = false;
        mt_node_log(n, "level", &c->sync.org, c->id, 0, MT_OK);
        (void)mt_node_emit(n, MT_FX_CHANGED);
    }
}

void mt_node_grew(struct mt_node *n, uint32_t chain, bool late) {
    for (size_t i = 0; i < n->n_conns; i++) {
        struct mt_conn *c = n->conns[i];
        if (!c->is_open || c->closing)
            continue;
        enum mt_err err = mt_sync_grew(&c->sync, &n->replica, chain, late);
        if (err)
            mt_node_close(n, c, err);
    }
}

void mt_node_flush(struct mt_node *n, struct mt_conn *c) {
    if (!c->sync.out_n)
        return;
    struct mt_effect *fx = mt_node_emit(n, MT_FX_SEND);
    if (!fx)
        return;
    fx->conn = c->id;
    fx->bytes.p = c->sync.out;
    fx->bytes.n = c->sync.out_n;
    c->sync.out = NULL;
    c->sync.out_n = c->sync.out_cap = 0;
    c->sent_ms = n->now.mono_ms;
}

void mt_node_pump(struct mt_node *n) {
    for (size_t i = 0; i < n->n_conns; i++) {
        struct mt_conn *c = n->conns[i];
        uint32_t chain;
        uint64_t first;
        size_t max_bytes;
        if (c->closing)
            continue;
        if (c->sync.n_late && c->late_ms == UINT64_MAX)
            c->late_ms = n->now.mono_ms + MT_LATE_MS;
        mt_node_flush(n, c);
        if (!mt_sync_next(&c->sync, &n->replica, &chain, &first, &max_bytes))
            continue;
        struct mt_effect *fx = mt_node_emit(n, MT_FX_FETCH);
        if (!fx)
            continue;
        fx->conn = c->id;
        fx->want = (struct mt_run_wanted){.chain_no = n->replica.chains.v[chain].info.no,
                                          .first = first,
                                          .max_bytes = max_bytes,
                                          .check = n->is_doubted};
    }
}
