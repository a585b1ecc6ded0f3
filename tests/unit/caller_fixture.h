/* caller_fixture: callers at the door of host 0 of the table. What is said to them is caught here. */
#ifndef MEENT_TEST_CALLER_FIXTURE_H
#define MEENT_TEST_CALLER_FIXTURE_H

#include "caller.h"
#include "msg.h"
#include "node_fixture.h"
#include "node_internal.h"

enum { GOT_MAX = 256 * 1024 };

struct door {
    uint8_t got[GOT_MAX]; /* what the connection of the last event was sent */
    size_t n;
};

static inline struct mt_node *the_host(struct table *t) {
    return t->h[0].node;
}

/* One event at host 0, and everything that follows from it. */
static inline void at_door(struct table *t, struct door *d, struct mt_event *ev) {
    size_t n;
    d->n = 0;
    ev->now = t->now;
    built_bytes(ev->entropy, "entropy", ++t->entropy);
    mt_node_step(the_host(t), ev);
    struct mt_effect *fx = mt_node_effects(the_host(t), &n);
    for (size_t i = 0; i < n; i++) {
        if (fx[i].type != MT_FX_SEND || fx[i].conn != ev->conn)
            continue;
        assert_true(d->n + fx[i].bytes.n <= GOT_MAX);
        memcpy(d->got + d->n, fx[i].bytes.p, fx[i].bytes.n);
        d->n += fx[i].bytes.n;
    }
    carry_out(t, 0);
    run(t);
}

static inline uint64_t knock(struct table *t, struct door *d, const char *source) {
    struct mt_event ev = {.type = MT_EV_ACCEPTED, .source = mt_slice_str(source)};
    uint64_t conn = ev.conn = ++t->next_conn;
    at_door(t, d, &ev);
    return conn;
}

/* From host number `n` of many. */
static inline uint64_t knock_from(struct table *t, struct door *d, unsigned n) {
    char source[32];
    snprintf(source, sizeof source, "198.51.%u.%u", n / 256, n % 256);
    return knock(t, d, source);
}

static inline void speak(struct table *t, struct door *d, uint64_t conn, struct mt_slice bytes) {
    struct mt_event ev = {.type = MT_EV_BYTES, .conn = conn, .bytes = bytes};
    at_door(t, d, &ev);
}

static inline bool is_there(struct table *t, uint64_t conn) {
    const struct mt_conn *c = mt_node_conn(the_host(t), conn);
    return c && !c->closing;
}

static inline bool is_open(struct table *t, uint64_t conn) {
    return is_there(t, conn) && mt_node_conn(the_host(t), conn)->is_open;
}

static inline void first(struct table *t, struct door *d, struct caller *c, uint64_t conn) {
    uint8_t buf[CALLER_FIRST];
    struct mt_writer w = mt_writer(buf, sizeof buf);
    caller_call(c, &w);
    speak(t, d, conn, mt_writer_slice(&w));
}

/* The third message after `first`; with `payload` instead of the certificate. */
static inline void third(struct table *t, struct door *d, struct caller *c, uint64_t conn,
                         struct mt_slice payload) {
    uint8_t buf[CALLER_THIRD_MAX];
    struct mt_writer w = mt_writer(buf, sizeof buf);
    assert_int_equal(caller_greet(c, mt_slice(d->got, d->n), payload, &w), MT_OK);
    speak(t, d, conn, mt_writer_slice(&w));
}

/* A whole handshake; whether it leads to an open link is the host's decision. */
static inline uint64_t call(struct table *t, struct door *d, struct caller *c, const char *source) {
    uint64_t conn = knock(t, d, source);
    first(t, d, c, conn);
    third(t, d, c, conn, mt_slice(NULL, 0));
    return conn;
}

static inline void say(struct table *t, struct door *d, struct caller *c, uint64_t conn,
                       struct mt_slice message) {
    static uint8_t buf[2 * MT_MESSAGE_MAX];
    struct mt_writer w = mt_writer(buf, sizeof buf);
    caller_say(c, message, &w);
    speak(t, d, conn, mt_writer_slice(&w));
}

static inline void ping(struct table *t, struct door *d, struct caller *c, uint64_t conn) {
    uint8_t buf[16];
    struct mt_writer w = mt_writer(buf, sizeof buf);
    mt_number_put(&w, MT_MSG_PING, 1);
    say(t, d, c, conn, mt_writer_slice(&w));
}

/* Files a request to join as "Beller". */
static inline void file(struct table *t, struct door *d, struct caller *c, uint64_t conn) {
    uint8_t join[512], buf[1024];
    struct mt_writer j = mt_writer(join, sizeof join), w = mt_writer(buf, sizeof buf);
    struct mt_join request = {
        .region = c->region, .org = c->root.pub, .name = mt_slice_str("Beller")};
    memcpy(request.grant, c->key.pub, sizeof request.grant);
    mt_join_put(&j, &request, &c->root);
    mt_file_put(&w, mt_writer_slice(&j));
    say(t, d, c, conn, mt_writer_slice(&w));
}

#endif
