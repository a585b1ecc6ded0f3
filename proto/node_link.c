/* node_link: connections from the first byte to the open session, dialling, timers.
 *
 * Accepted: the first frame hints at a key; we look for it among the link keys of the epochs and the
 * open invitations, answer with our certificate, and check theirs. Dialled: the same from the other
 * end. A certificate must be signed by its organisation and name the key the handshake proved.
 * Whatever fails closes the connection; a dialler tries again later, and later. */
#include "node_internal.h"

#include <stdlib.h>

static const uint64_t OWN_CONN = UINT64_C(1) << 63;

/* ---- conns ---- */

struct mt_conn *mt_node_conn(struct mt_node *n, uint64_t id) {
    for (size_t i = 0; id && i < n->n_conns; i++)
        if (n->conns[i]->id == id)
            return n->conns[i];
    return NULL;
}

static struct mt_conn *add_conn(struct mt_node *n, uint64_t id) {
    struct mt_conn *c = n->n_conns < MT_CONNS_MAX ? calloc(1, sizeof *c) : NULL;
    if (!c || !mt_node_owe(n)) {
        free(c);
        return NULL;
    }
    c->id = id;
    c->invite = -1;
    c->late_ms = c->challenged_ms = UINT64_MAX;
    c->serial = ++n->next_serial;
    c->heard_ms = c->sent_ms = n->now.mono_ms;
    c->sync.scratch = n->scratch;
    n->conns[n->n_conns++] = c;
    return c;
}

static void remove_conn(struct mt_node *n, struct mt_conn *c) {
    n->n_owed -= !c->closing; /* it closed before we had to */
    for (size_t i = 0; i < n->n_conns; i++)
        if (n->conns[i] == c)
            n->conns[i] = n->conns[--n->n_conns];
    mt_sync_close(&c->sync, &n->replica);
    free(c);
}

void mt_node_close(struct mt_node *n, struct mt_conn *c, enum mt_err err) {
    if (c->closing)
        return;
    if (c->is_open && mt_sync_send_bye(&c->sync, mt_err_code(err)) == MT_OK)
        mt_node_flush(n, c);
    c->closing = true;
    struct mt_effect *fx = mt_node_pay(n, MT_FX_CLOSE);
    fx->conn = c->id;
    fx->err = err;
    struct mt_peer *p = mt_node_peer(n, &c->dialed, false);
    if (p && p->dialing == c->id)
        p->last_err = err;
    if (c->applying)
        n->joining.err = err;
    if (err == MT_ECERTIFICATE && !c->is_open)
        n->refused_certificate++;
    mt_node_log_link(n, c, "link_closing", 0, err);
}

/* ---- handshake ---- */

static void put_out(struct mt_node *n, struct mt_conn *c, const struct mt_writer *w) {
    struct mt_effect *fx = mt_node_emit(n, MT_FX_SEND);
    uint8_t *p = fx ? malloc(w->n) : NULL;
    if (!p) {
        n->oom = true;
        if (fx)
            n->n_effects--;
        return;
    }
    memcpy(p, w->p, w->n);
    fx->conn = c->id;
    fx->bytes.p = p;
    fx->bytes.n = w->n;
    c->sent_ms = n->now.mono_ms;
}

static void refuse(struct mt_node *n, uint64_t conn, enum mt_err err) {
    n->n_owed++; /* what each event may owe */
    struct mt_effect *fx = mt_node_pay(n, MT_FX_CLOSE);
    fx->conn = conn;
    fx->err = err;
}

void mt_node_accepted(struct mt_node *n, const struct mt_event *ev) {
    struct mt_conn *c = mt_node_is_member(n) ? add_conn(n, ev->conn) : NULL;
    if (!c) {
        refuse(n, ev->conn, MT_EFULL);
        return;
    }
    c->deadline_ms = n->now.mono_ms + MT_HANDSHAKE_MS_MAX;
    mt_node_spend(n, MT_ACCEPT_US);
    mt_link_listen(&c->sync.link);
    mt_node_source(n, c, ev->source);
    if (!mt_node_may_wait(n, c))
        mt_node_close(n, c, MT_EFULL);
}

void mt_node_connected(struct mt_node *n, const struct mt_event *ev) {
    struct mt_conn *c = mt_node_conn(n, ev->conn);
    uint8_t buf[256], e[32];
    struct mt_writer w = mt_writer(buf, sizeof buf);
    if (!c || c->closing)
        return;
    const struct mt_epoch *epoch = mt_node_epoch(n);
    enum mt_err err = MT_ENOKEY;
    c->deadline_ms = n->now.mono_ms + MT_HANDSHAKE_MS_MAX;
    mt_rng_draw(&n->rng, e, sizeof e);
    if (c->applying)
        err = mt_link_dial(&c->sync.link, n->joining.region16, NULL, n->joining.psk,
                           &n->secret->link, e, &w);
    else if (epoch)
        err = mt_link_dial(&c->sync.link, n->replica.region.b, &n->replica.region, epoch->link,
                           &n->secret->link, e, &w);
    mt_wipe(e, sizeof e);
    if (err)
        mt_node_close(n, c, err);
    else
        put_out(n, c, &w);
}

/* The key the dialler hints at, or NULL. */
static const uint8_t *find_psk(struct mt_node *n, struct mt_conn *c) {
    for (size_t i = 0; i < n->n_epochs && i < MT_LINK_KEYS_MAX; i++)
        if (mt_link_try(&c->sync.link, &n->replica.region, n->epochs[i].link))
            return n->epochs[i].link;
    for (size_t i = 0; i < n->n_invites; i++)
        if (mt_node_invite_usable(n, &n->invites[i]) &&
            mt_link_try(&c->sync.link, NULL, n->invites[i].psk)) {
            c->invite = (int)i;
            c->sync.applied = true;
            return n->invites[i].psk;
        }
    return NULL;
}

static enum mt_err answer(struct mt_node *n, struct mt_conn *c) {
    uint8_t cert[1024], buf[MT_HANDSHAKE_FRAME_MAX], e[32];
    struct mt_writer cw = mt_writer(cert, sizeof cert), w = mt_writer(buf, sizeof buf);
    const uint8_t *psk = find_psk(n, c);
    enum mt_err err = !psk ? MT_EPSK : !mt_node_may_answer(n, c) ? MT_EFULL : mt_node_show(n, &cw);
    if (!err) {
        mt_node_spend(n, MT_ANSWER_US);
        mt_rng_draw(&n->rng, e, sizeof e);
        err = mt_link_answer(&c->sync.link, n->replica.region.b, psk, &n->secret->link, e,
                             mt_writer_slice(&cw), &w);
        mt_wipe(e, sizeof e);
    }
    if (err == MT_EPSK)
        n->refused_psk++;
    if (!err)
        put_out(n, c, &w);
    return err;
}

/* The region a certificate speaks of, before its signature can be checked. */
static enum mt_err region_of(struct mt_slice bytes, struct mt_id *region) {
    static const struct mt_id zeros;
    struct mt_item item;
    struct mt_reader r;
    enum mt_err err = mt_item_get(bytes, &zeros, &item);
    if (!err)
        err = mt_wire_open(&r, item.body, MT_WIRE_CANONICAL, MT_ITEM_MAX);
    if (err)
        return err;
    (void)mt_wire_array(&r, 1, 16);
    mt_wire_fixed(&r, region->b, sizeof region->b);
    return r.err;
}

static enum mt_err check_certificate(struct mt_node *n, struct mt_conn *c, struct mt_slice bytes) {
    struct mt_id region = n->replica.region;
    struct mt_item item;
    struct mt_certificate cert;
    enum mt_err err = MT_OK;
    if (bytes.n > sizeof c->certificate)
        return MT_ECERTIFICATE;
    if (c->applying)
        err = region_of(bytes, &region);
    if (!err)
        err = mt_item_get(bytes, &region, &item);
    if (!c->initiator)
        mt_node_spend(n, MT_ANSWER_US);
    if (!err)
        err = mt_certificate_check(&item, &region, &cert);
    if (err || memcmp(cert.link, mt_link_remote(&c->sync.link), sizeof cert.link) != 0)
        return MT_ECERTIFICATE;
    if (mt_id_eq(&cert.feed, &n->secret->feed.pub))
        return MT_ECONFLICT; /* that is us */
    if (c->initiator && !c->applying && !mt_id_eq(&cert.org, &c->dialed))
        return MT_ECERTIFICATE;
    if (c->applying)
        err = mt_node_greet_inviter(n, &cert);
    c->sync.org = cert.org;
    c->sync.feed = cert.feed;
    memcpy(c->certificate, bytes.p, bytes.n);
    c->certificate_n = bytes.n;
    return err;
}

/* An invitation belongs to the first certificate that used it. */
static enum mt_err check_invite(const struct mt_node *n, const struct mt_conn *c) {
    if (c->invite < 0)
        return MT_OK;
    const struct mt_invite *v = &n->invites[c->invite];
    if (!v->certificate_n || mt_slice_eq(mt_slice(v->certificate, v->certificate_n),
                                         mt_slice(c->certificate, c->certificate_n)))
        return MT_OK;
    return MT_EMEMBER;
}

static enum mt_err greeted(struct mt_node *n, struct mt_conn *c, struct mt_slice payload) {
    uint8_t cert[1024], buf[MT_HANDSHAKE_FRAME_MAX];
    struct mt_writer cw = mt_writer(cert, sizeof cert), w = mt_writer(buf, sizeof buf);
    enum mt_err err = check_certificate(n, c, payload);
    if (err)
        return err;
    if (c->initiator) {
        err = mt_node_show(n, &cw);
        if (!err)
            err = mt_link_finish(&c->sync.link, mt_writer_slice(&cw), &w);
        if (err)
            return err;
        put_out(n, c, &w);
    }
    c->is_open = true;
    c->opened_ms = n->now.mono_ms;
    err = check_invite(n, c);
    if (!err)
        err = mt_node_make_room(n, c);
    if (!err)
        mt_node_opened(n, c);
    return err;
}

void mt_node_bytes(struct mt_node *n, const struct mt_event *ev) {
    struct mt_conn *c = mt_node_conn(n, ev->conn);
    struct mt_link_out out;
    size_t at = 0;
    if (!c)
        return;
    c->heard_ms = n->now.mono_ms;
    c->ping_ms = 0;
    c->challenged_ms = UINT64_MAX;
    while (!c->closing) {
        size_t used;
        enum mt_err err =
            mt_link_feed(&c->sync.link, mt_slice(ev->bytes.p + at, ev->bytes.n - at), &used, &out);
        at += used;
        if (!err && out.got == MT_LINK_NOTHING)
            return;
        if (!err && out.got == MT_LINK_HINT)
            err = answer(n, c);
        else if (!err && out.got == MT_LINK_PAYLOAD)
            err = greeted(n, c, mt_slice(out.payload, out.n));
        else if (!err)
            mt_node_message(n, c, out.message, out.n);
        if (err)
            mt_node_close(n, c, err);
    }
}

/* ---- the end of a connection, and the next attempt ---- */

static uint64_t next_backoff(uint64_t backoff) {
    if (!backoff)
        return MT_DIAL_MS_MIN;
    return backoff * 2 < MT_DIAL_MS_MAX ? backoff * 2 : MT_DIAL_MS_MAX;
}

/* Whether they took our call and ended it: among many callers there may have been no room. */
static bool was_cut_off(const struct mt_conn *c) {
    return c->initiator && !c->closing && c->sync.link.state != MT_LINK_IDLE &&
           c->sync.state != MT_SYNC_LIVE;
}

static void peer_closed(struct mt_node *n, struct mt_peer *p, const struct mt_conn *c,
                        enum mt_err err) {
    if (p->conn == c->id) {
        p->lag = mt_sync_lag(&c->sync, &n->replica);
        p->behind = mt_sync_behind(&c->sync, &n->replica);
        p->conn = 0;
        if (c->sync.state == MT_SYNC_LIVE)
            p->backoff_ms = 0;
        mt_node_adopt(n, p, c);
    }
    if (p->dialing == c->id) {
        p->dialing = 0;
        if (!c->is_open)
            p->last_err = err;
    }
    if (p->conn || p->dialing || !p->address[0])
        return;
    p->cut_off = was_cut_off(c) ? p->cut_off + 1 : 0;
    if (!p->cut_off || p->cut_off > MT_CUT_OFF_MAX)
        p->backoff_ms = next_backoff(p->backoff_ms);
    else
        p->backoff_ms = MT_DIAL_MS_MIN;
    p->dial_at = n->now.mono_ms + mt_node_jitter(n, p->backoff_ms);
    if (p->asked && c->closing && n->now.mono_ms >= c->challenged_ms)
        p->dial_at = n->now.mono_ms; /* somebody waits to hear how it goes */
}

void mt_node_closed(struct mt_node *n, const struct mt_event *ev) {
    struct mt_conn *c = mt_node_conn(n, ev->conn);
    if (!c)
        return;
    enum mt_err err = ev->err;
    /* Closed on after message 1, before message 2: our key is not one of theirs. */
    if (c->initiator && c->sync.link.state == MT_LINK_DIALED && !c->closing)
        err = MT_EPSK;
    if (c->is_open)
        mt_node_log_link(n, c, "link_down", 0, err);
    struct mt_peer *p = mt_node_peer(n, c->initiator ? &c->dialed : &c->sync.org, false);
    if (p && (!c->closing || p->conn == c->id || p->dialing == c->id))
        peer_closed(n, p, c, c->closing && p->last_err ? p->last_err : err);
    if (c->applying) {
        if (!c->closing && !c->is_open)
            n->joining.err = err;
        n->join_conn = 0;
        n->join_backoff_ms = next_backoff(n->join_backoff_ms);
        if (n->join_backoff_ms > MT_POLL_MS)
            n->join_backoff_ms = MT_POLL_MS;
        if (n->joining.active && n->joining.state != MT_JOIN_REFUSED)
            n->join_dial_at = n->now.mono_ms + mt_node_jitter(n, n->join_backoff_ms);
    }
    remove_conn(n, c);
}

static struct mt_conn *dial(struct mt_node *n, const char *address) {
    struct mt_conn *c = add_conn(n, OWN_CONN | ++n->next_conn);
    struct mt_effect *fx = c ? mt_node_emit(n, MT_FX_CONNECT) : NULL;
    if (!fx) {
        if (c)
            remove_conn(n, c);
        return NULL;
    }
    c->initiator = true;
    c->deadline_ms = n->now.mono_ms + 2 * MT_HANDSHAKE_MS_MAX;
    fx->conn = c->id;
    memcpy(fx->address, address, strlen(address));
    return c;
}

/* Whether a peer is to be dialled once its time comes. */
static bool is_dialable(const struct mt_node *n, const struct mt_peer *p) {
    return !p->conn && !p->dialing && mt_gov_member(n->replica.gov, &p->org);
}

/* How many more may be dialled now. */
static size_t dials_left(const struct mt_node *n) {
    size_t dials = 0;
    if (!mt_node_is_member(n) || !mt_node_epoch(n))
        return 0;
    for (size_t i = 0; i < n->n_conns; i++)
        dials += n->conns[i]->initiator && !n->conns[i]->is_open;
    return dials < MT_DIALS_MAX ? MT_DIALS_MAX - dials : 0;
}

void mt_node_dial_due(struct mt_node *n) {
    uint64_t now = n->now.mono_ms;
    if (n->joining.active && !n->join_conn && now >= n->join_dial_at) {
        struct mt_conn *c = dial(n, n->joining.address);
        n->join_dial_at = c ? UINT64_MAX : now + MT_DIAL_MS_MIN;
        if (c) {
            c->applying = true;
            n->join_conn = c->id;
        }
    }
    size_t left = dials_left(n);
    for (size_t i = 0; i < n->n_peers && left; i++) {
        struct mt_peer *p = &n->peers[i];
        if (now < p->dial_at || !is_dialable(n, p))
            continue;
        struct mt_conn *c = dial(n, p->address);
        p->dial_at = c ? UINT64_MAX : now + MT_DIAL_MS_MIN;
        if (!c)
            return;
        c->dialed = p->org;
        p->dialing = c->id;
        left--;
    }
}

enum mt_err mt_node_ping(struct mt_node *n, const struct mt_id *org) {
    struct mt_peer *p = mt_node_peer(n, org, false);
    if (!p || !mt_gov_member(n->replica.gov, org))
        return MT_ENOTFOUND;
    struct mt_conn *c = p->conn ? mt_node_conn(n, p->conn) : NULL;
    p->rtt_ms = 0;
    p->asked = true;
    if (!c) {
        p->dial_at = p->address[0] ? n->now.mono_ms : UINT64_MAX; /* else when its time comes */
        p->backoff_ms = 0;
        p->cut_off = 0;
        return MT_OK;
    }
    /* A pong waits behind what is on its way: one entry may take a slow line seconds. */
    bool is_level = mt_sync_lag(&c->sync, &n->replica) == 0;
    return mt_node_challenge(n, c, is_level ? MT_PING_MS : MT_PING_IDLE_MS);
}

/* ---- timers ---- */

static void conn_timers(struct mt_node *n, struct mt_conn *c) {
    uint64_t now = n->now.mono_ms;
    if (!c->is_open) {
        if (now < c->deadline_ms)
            return;
        n->refused_timeout += !c->initiator;
        mt_node_close(n, c, MT_ETIMEOUT);
        return;
    }
    if (now >= c->heard_ms + MT_LINK_DEAD_MS || now >= c->challenged_ms ||
        (now >= c->deadline_ms && mt_node_is_guest(n, c))) {
        struct mt_peer *p = mt_node_peer(n, &c->sync.org, false);
        if (p && p->conn == c->id)
            p->last_err = MT_ETIMEOUT;
        mt_node_close(n, c, MT_ETIMEOUT);
        return;
    }
    enum mt_err err = MT_OK;
    if (now >= c->heard_ms + MT_PING_IDLE_MS && !c->ping_ms) {
        c->ping_ms = now ? now : 1;
        err = mt_sync_send_number(&c->sync, MT_MSG_PING, now);
    }
    if (!err && c->sync.n_late && c->late_ms == UINT64_MAX)
        c->late_ms = now + MT_LATE_MS;
    if (!err && now >= c->late_ms) {
        c->late_ms = UINT64_MAX;
        err = mt_sync_late(&c->sync, &n->replica);
    }
    if (err)
        mt_node_close(n, c, err);
}

void mt_node_timers(struct mt_node *n) {
    mt_node_log_skipped(n);
    for (size_t i = 0; i < n->n_conns; i++)
        if (!n->conns[i]->closing)
            conn_timers(n, n->conns[i]);
}

static uint64_t conn_deadline(const struct mt_node *n, const struct mt_conn *c) {
    if (c->closing)
        return UINT64_MAX;
    if (!c->is_open)
        return c->deadline_ms;
    uint64_t at = c->heard_ms + (c->ping_ms ? MT_LINK_DEAD_MS : MT_PING_IDLE_MS);
    at = c->late_ms < at ? c->late_ms : at;
    at = c->challenged_ms < at ? c->challenged_ms : at;
    return mt_node_is_guest(n, c) && c->deadline_ms < at ? c->deadline_ms : at;
}

uint64_t mt_node_link_deadline(const struct mt_node *n) {
    uint64_t at = n->joining.active && !n->join_conn ? n->join_dial_at : UINT64_MAX;
    at = mt_node_log_deadline(n) < at ? mt_node_log_deadline(n) : at;
    for (size_t i = 0; i < n->n_conns; i++) {
        uint64_t d = conn_deadline(n, n->conns[i]);
        at = d < at ? d : at;
    }
    size_t left = dials_left(n);
    for (size_t i = 0; i < n->n_peers && left; i++) {
        const struct mt_peer *p = &n->peers[i];
        if (p->dial_at < at && is_dialable(n, p))
            at = p->dial_at;
    }
    return at;
}
