/* sync: one peer session.
 *
 * Happy path: HELLO both ways; equal digests end it there. Otherwise, when governance differs, both
 * send the ids they have and then the items the other lacks; when that is done or not needed, both
 * send HAVE and from then on runs, and the session is live: what is committed is pushed.
 *
 * A peer that is no member in force here is told nothing but the proof of our own admission, and
 * its governance is taken: if that shows it to be a member, the session goes on with HAVE. Until
 * then it rests in PROOF. An applicant files its request and waits for the inviter's HELLO.
 *
 * A run that does not continue what the receiver holds is answered with the receiver's row. If the
 * same row comes again the sender steps back, 1, 2, 4 ... entries, so that two branches of a chain
 * meet at an entry both hold and the fork is found. */
#include "sync_internal.h"

#include <stdlib.h>

enum { HAVE_ROWS_MAX = 8192 };

/* ---- sending ---- */

enum mt_err mt_sync_send(struct mt_sync *s, struct mt_slice message) {
    size_t need = s->out_n + mt_link_size(message.n);
    if (need > s->out_cap) {
        size_t cap = need + need / 2;
        uint8_t *p = realloc(s->out, cap);
        if (!p)
            return MT_ENOMEM;
        s->out = p;
        s->out_cap = cap;
    }
    struct mt_writer w = mt_writer(s->out + s->out_n, s->out_cap - s->out_n);
    enum mt_err err = mt_link_seal(&s->link, message, &w);
    s->out_n += w.n;
    return err;
}

struct mt_writer mt_sync_scratch(struct mt_sync *s) {
    return mt_writer(s->scratch, MT_MESSAGE_MAX);
}

enum mt_err mt_sync_send_written(struct mt_sync *s, const struct mt_writer *w) {
    return w->err ? MT_EBUG : mt_sync_send(s, mt_writer_slice(w));
}

enum mt_err mt_sync_send_number(struct mt_sync *s, enum mt_msg_type type, uint64_t number) {
    struct mt_writer w = mt_sync_scratch(s);
    mt_number_put(&w, type, number);
    return mt_sync_send_written(s, &w);
}

enum mt_err mt_sync_send_filed(struct mt_sync *s) {
    struct mt_writer w = mt_sync_scratch(s);
    mt_filed_put(&w);
    return mt_sync_send_written(s, &w);
}

enum mt_err mt_sync_send_bye(struct mt_sync *s, const char *reason) {
    struct mt_writer w = mt_sync_scratch(s);
    mt_bye_put(&w, reason);
    return mt_sync_send_written(s, &w);
}

/* ---- phases ---- */

/* Notes what our HELLO speaks of: what comes later is to be pushed. */
static enum mt_err note_hello(struct mt_sync *s, const struct mt_replica *r) {
    enum mt_err err = mt_sync_reserve_marks(s, r);
    for (uint32_t i = 0; i < r->chains.n && !err; i++)
        s->marks[i] = (struct mt_mark){.asked = r->chains.v[i].head.seq};
    s->hello_generation = mt_gov_generation(r->gov);
    return err;
}

static enum mt_err say_hello(struct mt_sync *s, struct mt_replica *r, uint64_t wall_ms) {
    s->hello = (struct mt_hello){.wall_ms = wall_ms};
    if (mt_sync_is_full(s, r)) {
        enum mt_err err = mt_gov_digest(r->gov, s->hello.governance);
        if (err)
            return err;
        mt_hash_of(s->hello.erasures, "erasures", &r->region, "", 0);
        mt_chains_digest(&r->chains, &r->region, &r->own_org, &s->org, s->hello.heads);
        err = note_hello(s, r);
        if (err)
            return err;
    }
    s->gov_sent = s->gov_got = s->sent_have = s->got_have = false;
    s->state = MT_SYNC_HELLO;
    struct mt_writer w = mt_sync_scratch(s);
    mt_hello_put(&w, &s->hello);
    return mt_sync_send_written(s, &w);
}

enum mt_err mt_sync_open(struct mt_sync *s, struct mt_replica *r, struct mt_slice join,
                         uint64_t wall_ms) {
    s->credit = s->granted = MT_WINDOW_START;
    r->window_left -= MT_WINDOW_START;
    if (join.n) {
        struct mt_writer w = mt_sync_scratch(s);
        mt_file_put(&w, join);
        s->state = MT_SYNC_FILING;
        return mt_sync_send_written(s, &w);
    }
    if (s->applied && !mt_gov_member(r->gov, &s->org)) {
        s->state = MT_SYNC_APPLICANT;
        return MT_OK;
    }
    return say_hello(s, r, wall_ms);
}

void mt_sync_close(struct mt_sync *s, struct mt_replica *r) {
    r->window_left += s->granted;
    mt_link_close(&s->link);
    free(s->marks);
    free(s->queue);
    free(s->out);
    *s = (struct mt_sync){0};
}

/* Sends HAVE, in as many messages as it takes. */
enum mt_err mt_sync_send_have(struct mt_sync *s, struct mt_replica *r) {
    const struct mt_chains *c = &r->chains;
    enum mt_err err = mt_sync_reserve_marks(s, r);
    uint32_t left = 0;
    for (uint32_t i = 0; i < c->n; i++)
        left += c->v[i].head.seq && mt_chain_is_for(&c->v[i], &r->own_org, &s->org);
    uint32_t i = 0;
    do {
        struct mt_writer w = mt_sync_scratch(s);
        uint32_t n = left < HAVE_ROWS_MAX ? left : HAVE_ROWS_MAX;
        mt_have_begin(&w, n);
        left -= n;
        for (; n; i++) {
            struct mt_have_row row;
            const struct mt_chain *chain = &c->v[i];
            if (!chain->head.seq || !mt_chain_is_for(chain, &r->own_org, &s->org))
                continue;
            mt_chain_row(chain, &row);
            mt_have_row_put(&w, &row);
            n--;
        }
        mt_have_end(&w, left == 0);
        if (!err)
            err = mt_sync_send_written(s, &w);
    } while (!err && left);
    s->sent_have = true;
    s->state = s->got_have ? MT_SYNC_LIVE : MT_SYNC_HAVE;
    return err || !s->got_have ? err : mt_sync_queue_all(s, r);
}

/* Both HELLOs were equal: they hold what we held then. */
static enum mt_err all_equal(struct mt_sync *s, struct mt_replica *r) {
    for (uint32_t i = 0; i < r->chains.n && i < s->n_marks; i++) {
        struct mt_mark *m = mt_sync_mark_of(s, r, i);
        if (m)
            m->theirs = m->asked;
    }
    s->sent_have = s->got_have = true;
    s->state = MT_SYNC_LIVE;
    return mt_sync_queue_all(s, r);
}

static enum mt_err on_hello(struct mt_sync *s, struct mt_replica *r, struct mt_slice message,
                            uint64_t wall_ms, struct mt_sync_out *out) {
    struct mt_hello theirs;
    enum mt_err err = mt_hello_get(message, &theirs);
    if (err)
        return err;
    if (!theirs.speaks_us)
        return MT_EVERSION;
    if (s->state == MT_SYNC_FILING) /* the inviter takes us up */
        err = say_hello(s, r, wall_ms);
    if (err || s->state != MT_SYNC_HELLO)
        return err ? err : MT_EPROTOCOL;
    out->want = MT_SYNC_SKEW;
    out->number = theirs.wall_ms;
    static const uint8_t zeros[32];
    bool known = memcmp(s->hello.governance, zeros, sizeof zeros) != 0;
    if (!known || memcmp(s->hello.governance, theirs.governance, sizeof zeros) != 0)
        return mt_sync_send_gov_have(s, r);
    bool equal = memcmp(s->hello.heads, theirs.heads, sizeof zeros) == 0;
    err = equal ? all_equal(s, r) : mt_sync_send_have(s, r);
    return err ? err : mt_sync_send_newer(s, r);
}

enum mt_err mt_sync_members(struct mt_sync *s, struct mt_replica *r, uint64_t wall_ms) {
    if (!mt_sync_is_full(s, r))
        return MT_OK;
    if (s->state == MT_SYNC_APPLICANT)
        return say_hello(s, r, wall_ms);
    enum mt_err err = mt_sync_ask_missed(s, r);
    return err ? err : mt_sync_governance_done(s, r);
}

/* ---- rows, runs, marks ---- */

/* A row of the peer: what it holds of a chain we know. */
static enum mt_err take_row(struct mt_sync *s, struct mt_replica *r,
                            const struct mt_have_row *row) {
    uint32_t at = mt_chains_find(&r->chains, &row->chain);
    struct mt_mark *m = at == MT_CHAIN_NONE ? NULL : mt_sync_mark_of(s, r, at);
    if (!m)
        return MT_OK; /* its certificate is not here yet, or it is none of theirs */
    const struct mt_chain *c = &r->chains.v[at];
    bool again = m->asked == row->seq && m->again > 0;
    bool differs = row->seq == c->head.seq && row->seq &&
                   memcmp(row->id16, c->head.entry.b, sizeof row->id16) != 0;
    m->theirs = row->seq;
    m->sent = row->seq;
    if (again || differs) {
        uint64_t back = m->again < 63 ? UINT64_C(1) << m->again : UINT64_MAX;
        if (back > row->seq && m->again > 1 && back / 2 > row->seq)
            return MT_OK; /* we went back to the start and they still cannot use it */
        m->theirs = m->sent = row->seq > back ? row->seq - back : 0;
    }
    m->again = (uint8_t)(m->asked == row->seq || !m->again ? m->again + 1 : 1);
    m->asked = row->seq;
    return c->head.seq > mt_sync_reached(m) && !c->fork && s->got_have ? mt_sync_enqueue(s, at)
                                                                       : MT_OK;
}

/* An answer costs more than asking, so whoever asks without end is cut off. */
static enum mt_err on_ping(struct mt_sync *s, struct mt_slice message, uint64_t wall_ms,
                           struct mt_sync_out *out) {
    enum mt_err err = mt_number_get(message, &out->number);
    if (s->ping_second != wall_ms / 1000)
        s->pings = 0;
    s->ping_second = wall_ms / 1000;
    if (!err && ++s->pings > MT_PINGS_MAX)
        err = MT_EPROTOCOL;
    return err ? err : mt_sync_send_number(s, MT_MSG_PONG, out->number);
}

static enum mt_err on_have(struct mt_sync *s, struct mt_replica *r, struct mt_slice message) {
    struct mt_reader rd;
    uint32_t n;
    bool done = false;
    if (s->state <= MT_SYNC_HELLO)
        return MT_EPROTOCOL;
    enum mt_err err = mt_sync_reserve_marks(s, r);
    if (!err)
        err = mt_list_open(&rd, message, MT_MSG_HAVE, NULL, &n);
    for (uint32_t i = 0; !err && i < n; i++) {
        struct mt_have_row row;
        mt_have_row_get(&rd, &row);
        err = rd.err ? rd.err : take_row(s, r, &row);
    }
    if (!err)
        err = mt_list_end(&rd, MT_MSG_HAVE, &done);
    if (err || !done || s->got_have)
        return err;
    s->got_have = true;
    if (!s->sent_have)
        return MT_OK;
    s->state = MT_SYNC_LIVE;
    return mt_sync_queue_all(s, r);
}

static enum mt_err on_run(struct mt_sync *s, struct mt_replica *r, struct mt_slice message,
                          struct mt_sync_out *out) {
    struct mt_id id;
    uint64_t first;
    uint8_t previous16[16];
    uint32_t n;
    if (!s->sent_have || !s->got_have)
        return MT_EPROTOCOL;
    enum mt_err err = mt_run_peek(message, &id, &first, previous16, &n);
    if (err)
        return err;
    s->owed += (int64_t)message.n;
    if (s->owed > s->granted + MT_MESSAGE_MAX)
        return MT_EPROTOCOL; /* more than we gave credit for */
    err = mt_sync_reserve_marks(s, r);
    if (err)
        return err;
    out->chain = mt_chains_find(&r->chains, &id);
    out->want = MT_SYNC_RUN;
    /* A chain we cannot place yet: the node gives the credit back and the run is asked for later. */
    if (out->chain != MT_CHAIN_NONE && !mt_sync_mark_of(s, r, out->chain))
        return MT_EPROTOCOL;
    return MT_OK;
}

static enum mt_err on_mark(struct mt_sync *s, struct mt_replica *r, struct mt_slice message) {
    struct mt_reader rd;
    uint64_t credit;
    uint32_t n;
    if (!s->got_have)
        return MT_EPROTOCOL;
    enum mt_err err = mt_sync_reserve_marks(s, r);
    if (!err)
        err = mt_list_open(&rd, message, MT_MSG_MARK, &credit, &n);
    for (uint32_t i = 0; !err && i < n; i++) {
        struct mt_id chain;
        uint64_t seq;
        mt_mark_row_get(&rd, &chain, &seq);
        err = rd.err;
        uint32_t at = err ? MT_CHAIN_NONE : mt_chains_find(&r->chains, &chain);
        struct mt_mark *m = at == MT_CHAIN_NONE ? NULL : mt_sync_mark_of(s, r, at);
        if (m && seq > m->asked)
            m->again = 0; /* they came further than where they were stuck */
        if (m && m->theirs < seq)
            m->theirs = seq;
    }
    if (!err)
        err = mt_list_end(&rd, MT_MSG_MARK, NULL);
    if (err)
        return err;
    s->credit += (int64_t)credit;
    return s->credit > MT_WINDOW_ALL ? MT_EPROTOCOL : MT_OK;
}

enum mt_err mt_sync_message(struct mt_sync *s, struct mt_replica *r, struct mt_slice message,
                            uint64_t wall_ms, struct mt_sync_out *out) {
    enum mt_msg_type type;
    *out = (struct mt_sync_out){.want = MT_SYNC_NOTHING};
    enum mt_err err = mt_msg_type(message, &type);
    if (err)
        return err;
    if (s->state == MT_SYNC_APPLICANT && type != MT_MSG_FILE && type != MT_MSG_PING &&
        type != MT_MSG_PONG && type != MT_MSG_BYE)
        return MT_EPROTOCOL;
    switch (type) {
    case MT_MSG_HELLO:
        return on_hello(s, r, message, wall_ms, out);
    case MT_MSG_GOV_HAVE:
        return mt_sync_on_gov_have(s, r, message);
    case MT_MSG_GOV_ITEMS:
        return mt_sync_on_gov_items(s, r, message);
    case MT_MSG_HAVE:
        return on_have(s, r, message);
    case MT_MSG_RUN:
        return on_run(s, r, message, out);
    case MT_MSG_MARK:
        return on_mark(s, r, message);
    case MT_MSG_PING:
        return on_ping(s, message, wall_ms, out);
    case MT_MSG_PONG:
        out->want = MT_SYNC_PONG;
        return mt_number_get(message, &out->number);
    case MT_MSG_FILE:
        out->want = MT_SYNC_FILE;
        return s->applied ? mt_file_get(message, &out->join) : MT_EPROTOCOL;
    case MT_MSG_FILED:
        /* May come behind their HELLO: an applicant that was admitted while it was away files again. */
        out->want = MT_SYNC_FILED;
        return mt_filed_get(message);
    case MT_MSG_BYE:
        out->want = MT_SYNC_BYE;
        return mt_bye_get(message, &out->reason);
    }
    return MT_EPROTOCOL;
}
