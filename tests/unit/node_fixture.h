/* node_fixture: a few nodes on one table, with stores in memory and a network that loses nothing.
 * Events are carried out one after another; every effect is taken or freed. */
#ifndef MEENT_TEST_NODE_FIXTURE_H
#define MEENT_TEST_NODE_FIXTURE_H

#include "node_store.h"

struct wire {
    int host[2];
    uint64_t conn[2];
    bool open;
};

struct queued {
    int host;
    struct mt_event ev;
    uint8_t *bytes;
};

struct table {
    struct host h[HOSTS];
    struct wire wires[QUEUE];
    size_t n_wires;
    struct queued q[QUEUE];
    size_t q_head, q_tail;
    struct mt_time now;
    uint64_t entropy, next_conn, next_request;
};

/* ---- carrying out ---- */

static inline struct queued *enqueue(struct table *t, int host, enum mt_event_type type) {
    struct queued *q = &t->q[t->q_tail++ % QUEUE];
    assert_true(t->q_tail - t->q_head < QUEUE);
    *q = (struct queued){.host = host, .ev = {.type = type}};
    return q;
}

static inline struct wire *wire_of(struct table *t, int host, uint64_t conn, int *end) {
    for (size_t i = 0; i < t->n_wires; i++)
        for (*end = 0; *end < 2; ++*end)
            if (t->wires[i].open && t->wires[i].host[*end] == host &&
                t->wires[i].conn[*end] == conn)
                return &t->wires[i];
    return NULL;
}

static inline void connect_to(struct table *t, int from, const struct mt_effect *fx) {
    for (int i = 0; i < HOSTS; i++) {
        if (strcmp(t->h[i].address, fx->address) != 0 || !t->h[i].node || t->h[i].dark)
            continue;
        assert_true(t->n_wires < QUEUE);
        struct wire *w = &t->wires[t->n_wires++];
        *w = (struct wire){.host = {from, i}, .conn = {fx->conn, ++t->next_conn}, .open = true};
        struct queued *q = enqueue(t, i, MT_EV_ACCEPTED);
        q->ev.conn = w->conn[1];
        q->ev.source = mt_slice_str("192.0.2.1");
        enqueue(t, from, MT_EV_CONNECTED)->ev.conn = fx->conn;
        return;
    }
    struct queued *q = enqueue(t, from, MT_EV_CLOSED);
    q->ev.conn = fx->conn;
    q->ev.err = MT_EUNREACHABLE;
}

static inline void hang_up(struct table *t, int host, uint64_t conn, enum mt_err err) {
    int end;
    struct wire *w = wire_of(t, host, conn, &end);
    struct queued *q = enqueue(t, host, MT_EV_CLOSED);
    q->ev.conn = conn;
    q->ev.err = err;
    if (!w)
        return;
    w->open = false;
    q = enqueue(t, w->host[!end], MT_EV_CLOSED);
    q->ev.conn = w->conn[!end];
    q->ev.err = MT_EUNREACHABLE;
}

static inline void apply(struct table *t, int host, struct mt_batch *b) {
    struct host *h = &t->h[host];
    b->err = h->store_err;
    for (uint32_t i = 0; i < b->n && !b->err; i++)
        store_op(h, b, &b->ops[i]);
    enqueue(t, host, MT_EV_PERSISTED)->ev.batch = b;
}

static inline void persist(struct table *t, int host, struct mt_batch *b) {
    if (!t->h[host].hold) {
        apply(t, host, b);
        return;
    }
    assert_null(t->h[host].held); /* one away at a time */
    t->h[host].held = b;
}

static inline void release(struct table *t, int host) {
    struct mt_batch *b = t->h[host].held;
    t->h[host].held = NULL;
    t->h[host].hold = false;
    if (b)
        apply(t, host, b);
}

static inline void fetch(struct table *t, int host, const struct mt_effect *fx) {
    struct queued *q = enqueue(t, host, MT_EV_FETCHED);
    q->bytes = malloc(MT_MESSAGE_MAX);
    assert_non_null(q->bytes);
    q->ev.conn = fx->conn;
    t->h[host].checks = fx->want.check;
    q->ev.chain_no = fx->want.chain_no;
    q->ev.bytes =
        store_fetch(&t->h[host], fx->want.chain_no, fx->want.first, q->bytes, &q->ev.last);
    q->ev.err = q->ev.bytes.n ? MT_OK : MT_ENOTFOUND;
}

static inline void send_bytes(struct table *t, int host, struct mt_effect *fx) {
    int end;
    struct wire *w = wire_of(t, host, fx->conn, &end);
    t->h[host].bytes_sent += fx->bytes.n;
    if (!w)
        return;
    struct queued *q = enqueue(t, w->host[!end], MT_EV_BYTES);
    q->ev.conn = w->conn[!end];
    q->bytes = fx->bytes.p;
    q->ev.bytes = mt_slice(fx->bytes.p, fx->bytes.n);
    fx->bytes.p = NULL;
}

static inline void carry_out(struct table *t, int host) {
    struct host *h = &t->h[host];
    size_t n;
    struct mt_effect *fx = mt_node_effects(h->node, &n);
    for (size_t i = 0; i < n; i++, fx++) {
        switch (fx->type) {
        case MT_FX_SEND:
            send_bytes(t, host, fx);
            break;
        case MT_FX_CLOSE:
            hang_up(t, host, fx->conn, fx->err);
            break;
        case MT_FX_CONNECT:
            connect_to(t, host, fx);
            break;
        case MT_FX_PERSIST:
            persist(t, host, fx->batch);
            fx->batch = NULL;
            break;
        case MT_FX_PREPARE: /* what is not prepared is found out while it is applied */
            break;
        case MT_FX_FETCH:
            fetch(t, host, fx);
            break;
        case MT_FX_REPLY:
            assert_true(h->n_replies < REPLIES);
            h->replies[h->n_replies].request = fx->request;
            h->replies[h->n_replies].err = fx->err;
            h->replies[h->n_replies++].reply = fx->reply;
            break;
        case MT_FX_LOG:
            if (h->n_logs < LOGS)
                h->logs[h->n_logs++] = fx->log;
            break;
        case MT_FX_CHANGED:
            h->changed++;
            break;
        }
    }
}

static inline void step(struct table *t, int host, struct mt_event *ev) {
    ev->now = t->now;
    ev->now.wall_ms += t->h[host].ahead_ms;
    built_bytes(ev->entropy, "entropy", ++t->entropy);
    mt_node_step(t->h[host].node, ev);
    carry_out(t, host);
}

static inline void run_one(struct table *t) {
    struct queued q = t->q[t->q_head++ % QUEUE];
    if (t->h[q.host].node)
        step(t, q.host, &q.ev);
    else
        mt_batch_free(q.ev.batch);
    free(q.bytes);
}

/* Carries out what is under way until nothing is. */
static inline void run(struct table *t) {
    for (int steps = 0; t->q_head < t->q_tail; steps++) {
        assert_true(steps < 5000);
        run_one(t);
    }
}

/* Lets time pass, in steps no longer than what the nodes ask for. */
static inline void pass(struct table *t, uint64_t ms) {
    uint64_t end = t->now.mono_ms + ms;
    for (int rounds = 0; rounds < 2000; rounds++) {
        uint64_t at = end;
        for (int i = 0; i < HOSTS; i++) {
            uint64_t d = t->h[i].node ? mt_node_deadline(t->h[i].node) : UINT64_MAX;
            at = d < at ? d : at;
        }
        at = at > t->now.mono_ms ? at : t->now.mono_ms + 1;
        t->now.wall_ms += at - t->now.mono_ms;
        t->now.mono_ms = at;
        for (int i = 0; i < HOSTS; i++) {
            struct mt_event ev = {.type = MT_EV_TICK};
            if (t->h[i].node)
                step(t, i, &ev);
        }
        run(t);
        if (t->now.mono_ms >= end)
            return;
    }
    fail_msg("the nodes never rest");
}

/* ---- commands ---- */

static inline enum mt_err reply_of(struct table *t, int host, uint64_t request,
                                   struct mt_reply *out) {
    struct host *h = &t->h[host];
    for (size_t i = 0; i < h->n_replies; i++)
        if (h->replies[i].request == request) {
            enum mt_err err = h->replies[i].err;
            if (out)
                *out = h->replies[i].reply;
            h->replies[i] = h->replies[--h->n_replies];
            return err;
        }
    return MT_EAGAIN;
}

static inline uint64_t ask(struct table *t, int host, struct mt_command cmd) {
    struct mt_event ev = {.type = MT_EV_COMMAND, .command = cmd};
    ev.command.request = ++t->next_request;
    step(t, host, &ev);
    return t->next_request;
}

static inline enum mt_err command(struct table *t, int host, struct mt_command cmd,
                                  struct mt_reply *out) {
    uint64_t request = ask(t, host, cmd);
    run(t);
    enum mt_err err = reply_of(t, host, request, out);
    assert_int_not_equal(err, MT_EAGAIN);
    return err;
}

static inline enum mt_err named(struct table *t, int host, enum mt_command_type type,
                                const char *name, struct mt_reply *out) {
    struct mt_command cmd = {.type = type, .name = mt_slice_str(name), .kind = 1};
    return command(t, host, cmd, out);
}

static inline struct mt_command write_command(const struct mt_id *audience, struct mt_slice *text,
                                              uint8_t *buf, size_t cap) {
    static uint64_t rid;
    struct mt_rid id = built_rid(++rid);
    struct mt_writer w = mt_writer(buf, cap);
    mt_changes_begin(&w, 1);
    mt_change_begin(&w, 3, 1, 0, &id, 1);
    mt_wire_put_uint(&w, 1);
    mt_wire_put_cstr(&w, "Metaal proeven");
    *text = mt_writer_slice(&w);
    struct mt_command cmd = {.type = MT_CMD_WRITE, .contents = text, .n_contents = 1};
    if (audience)
        cmd.audience = *audience;
    return cmd;
}

static inline enum mt_err write_to(struct table *t, int host, const struct mt_id *audience) {
    uint8_t buf[256];
    struct mt_slice text;
    return command(t, host, write_command(audience, &text, buf, sizeof buf), NULL);
}

static inline struct mt_node_info info_of(struct table *t, int host) {
    struct mt_node_info i;
    mt_node_info(t->h[host].node, &i);
    return i;
}

/* ---- life ---- */

/* Starts a node on what its store holds. `installation`: as the file outside backups has it. */
static inline void start_as(struct table *t, int host, const uint8_t *installation) {
    struct host *h = &t->h[host];
    struct mt_node_config config = {
        .announce = h->address, .installation = installation, .seed = (uint64_t)host};
    uint8_t entropy[32];
    assert_int_equal(mt_node_new(&h->node, &config), MT_OK);
    for (size_t i = 0; i < h->n_blobs; i++)
        if (h->blobs[i].n)
            assert_int_equal(mt_node_load_blob(h->node, h->blobs[i].name,
                                               mt_slice(h->blobs[i].p, h->blobs[i].n)),
                             MT_OK);
    for (size_t i = h->n_items; i-- > 0;)
        assert_int_equal(
            mt_node_load_item(h->node, &h->items[i].id, mt_slice(h->items[i].p, h->items[i].n)),
            MT_OK);
    for (size_t i = 0; i < h->n_chains; i++)
        assert_int_equal(mt_node_load_chain(h->node, &h->chains[i].info, &h->chains[i].head, 0),
                         MT_OK);
    built_bytes(entropy, "start", ++t->entropy);
    assert_int_equal(mt_node_start(h->node, &t->now, entropy), MT_OK);
    carry_out(t, host);
    run(t);
}

static inline void stop(struct table *t, int host) {
    struct host *h = &t->h[host];
    for (size_t i = 0; i < t->n_wires; i++)
        for (int end = 0; end < 2; end++)
            if (t->wires[i].open && t->wires[i].host[end] == host) {
                t->wires[i].open = false;
                struct queued *q = enqueue(t, t->wires[i].host[!end], MT_EV_CLOSED);
                q->ev.conn = t->wires[i].conn[!end];
                q->ev.err = MT_EUNREACHABLE;
            }
    mt_node_free(h->node);
    h->node = NULL;
    mt_batch_free(h->held);
    h->held = NULL;
    run(t);
}

static inline void restart(struct table *t, int host) {
    struct mt_id feed = info_of(t, host).feed;
    stop(t, host);
    start_as(t, host, feed.b);
}

static inline int open_table(void **state) {
    static const char *const NAMES[HOSTS] = {"Terra", "Stad & Esch", "Metaal BV"};
    struct table *t = calloc(1, sizeof *t);
    assert_non_null(t);
    assert_int_equal(mt_key_init(), MT_OK);
    t->now = (struct mt_time){.mono_ms = 1000, .wall_ms = 1790000000000};
    *state = t;
    for (int i = 0; i < HOSTS; i++) {
        snprintf(t->h[i].address, sizeof t->h[i].address, "node%d:7420", i);
        start_as(t, i, NULL);
        assert_int_equal(named(t, i, MT_CMD_INIT, NAMES[i], NULL), MT_OK);
    }
    return 0;
}

static inline int close_table(void **state) {
    struct table *t = *state;
    for (int i = 0; i < HOSTS; i++) {
        struct host *h = &t->h[i];
        if (h->node)
            stop(t, i);
        for (size_t k = 0; k < h->n_blobs; k++)
            free(h->blobs[k].p);
        for (size_t k = 0; k < h->n_items; k++)
            free(h->items[k].p);
        for (size_t k = 0; k < h->n_chains; k++)
            for (uint64_t s = 0; s < h->chains[k].head.seq; s++)
                free(h->chains[k].e[s].box);
        free(h->chains);
    }
    free(t);
    return 0;
}

static inline void found(struct table *t) {
    assert_int_equal(named(t, 0, MT_CMD_REGION_CREATE, "Meppel", NULL), MT_OK);
}

static inline struct mt_reply invite(struct table *t, const char *name) {
    struct mt_reply reply;
    assert_int_equal(named(t, 0, MT_CMD_INVITE_CREATE, name, &reply), MT_OK);
    return reply;
}

static inline enum mt_err join(struct table *t, int host, const char *code) {
    struct mt_command cmd = {.type = MT_CMD_JOIN, .code = mt_slice_str(code)};
    return command(t, host, cmd, NULL);
}

static inline enum mt_err approve(struct table *t, const char *name, uint64_t number,
                                  struct mt_reply *reply) {
    struct mt_command cmd = {.type = MT_CMD_APPROVE, .name = mt_slice_str(name), .number = number};
    return command(t, 0, cmd, reply);
}

/* Host `host` joins the region of host 0. */
static inline void bring_in(struct table *t, int host) {
    char name[8] = {'i', (char)('0' + host), 0};
    struct mt_reply r = invite(t, name);
    assert_int_equal(join(t, host, r.code), MT_OK);
    assert_int_equal(info_of(t, host).join, MT_JOIN_FILED);
    assert_int_equal(approve(t, name, info_of(t, host).join_number, NULL), MT_OK);
    assert_int_equal(info_of(t, host).state, MT_NODE_MEMBER);
}

/* Tells every node where the others listen, and lets them find each other. */
static inline void meet(struct table *t) {
    for (int i = 0; i < HOSTS; i++)
        for (int k = 0; k < HOSTS; k++) {
            struct mt_id org = info_of(t, k).org;
            if (i != k && info_of(t, i).state == MT_NODE_MEMBER &&
                mt_gov_member(mt_node_gov(t->h[i].node), &org))
                assert_int_equal(mt_node_address(t->h[i].node, &org, mt_slice_str(t->h[k].address)),
                                 MT_OK);
        }
    pass(t, 20000);
}

static inline size_t logged(const struct host *h, const char *event) {
    size_t n = 0;
    for (size_t i = 0; i < h->n_logs; i++)
        n += strcmp(h->logs[i].event, event) == 0;
    return n;
}

#define NODE_TEST(name) cmocka_unit_test_setup_teardown(name, open_table, close_table)

#endif
