/* sync_fixture: two sessions back to back, of organisations 1 and 2. */
#ifndef MEENT_TEST_SYNC_FIXTURE_H
#define MEENT_TEST_SYNC_FIXTURE_H

#include "gov_fixture.h"

#include "feed.h"
#include "sync.h"

enum { WALL = 1000, OUTS = 64 };

struct side {
    struct mt_replica r;
    struct mt_sync s;
    uint8_t *scratch;
    size_t sent;  /* bytes since the handshake */
    int messages; /* taken */
    enum mt_err err;
    struct mt_sync_out outs[OUTS]; /* what messages wanted, RUN and SKEW aside */
    int n_outs, runs;
    uint32_t run_chain;
    size_t run_bytes;
};

struct session {
    struct side a, b; /* organisations 1 and 2 */
};

static inline void shake(struct side *a, struct side *b) {
    uint8_t psk[32] = {1}, buf[4096];
    struct mt_id region = the_region();
    struct mt_dh_key key[2];
    struct mt_link_out out;
    size_t used;
    for (uint8_t i = 0; i < 2; i++)
        mt_dh_key_make((uint8_t[32]){(uint8_t)(3 + i)}, &key[i]);
    struct mt_writer w = mt_writer(buf, sizeof buf);
    uint8_t e[32] = {9}, f[32] = {10};
    assert_int_equal(mt_link_dial(&a->s.link, region.b, &region, psk, &key[0], e, &w), MT_OK);
    mt_link_listen(&b->s.link);
    assert_int_equal(mt_link_feed(&b->s.link, mt_writer_slice(&w), &used, &out), MT_OK);
    w.n = 0;
    assert_int_equal(mt_link_answer(&b->s.link, region.b, psk, &key[1], f, mt_slice_str("b"), &w),
                     MT_OK);
    assert_int_equal(mt_link_feed(&a->s.link, mt_writer_slice(&w), &used, &out), MT_OK);
    w.n = 0;
    assert_int_equal(mt_link_finish(&a->s.link, mt_slice_str("a"), &w), MT_OK);
    assert_int_equal(mt_link_feed(&b->s.link, mt_writer_slice(&w), &used, &out), MT_OK);
}

static inline void open_side(struct side *x, uint64_t own, uint64_t peer) {
    struct built_org o = built_org(own), p = built_org(peer);
    *x = (struct side){.r.window_left = MT_WINDOW_ALL};
    x->r.own_org = o.root.pub;
    x->r.region = the_region();
    x->r.gov = gov_founded();
    x->scratch = malloc(MT_MESSAGE_MAX);
    assert_non_null(x->scratch);
    x->s.scratch = x->scratch;
    x->s.org = p.root.pub;
    x->s.feed = p.feed.pub;
}

static inline void close_side(struct side *x) {
    mt_sync_close(&x->s, &x->r);
    assert_int_equal(x->r.window_left, MT_WINDOW_ALL);
    mt_gov_free(x->r.gov);
    mt_chains_free(&x->r.chains);
    free(x->r.added);
    free(x->scratch);
}

static inline void admit_two(struct mt_gov *g) {
    gov_admit(g, 2);
    assert_int_equal(gov_add(g, made_certificate(2, 2, 0)), MT_OK);
}

static inline int open_session(void **state) {
    struct session *t = calloc(1, sizeof *t);
    assert_non_null(t);
    open_side(&t->a, 1, 2);
    open_side(&t->b, 2, 1);
    admit_two(t->a.r.gov);
    shake(&t->a, &t->b);
    *state = t;
    return 0;
}

static inline int close_session(void **state) {
    struct session *t = *state;
    close_side(&t->a);
    close_side(&t->b);
    free(t);
    return 0;
}

/* A chain of organisation `org` that holds `seq` entries here. */
static inline uint32_t chain(struct side *x, uint64_t org, uint64_t other, uint64_t seq) {
    struct built_org o = built_org(org);
    struct mt_chain_info info = {.org = o.root.pub, .feed = o.feed.pub};
    info.id = other ? built_id("pair chain", org) : o.feed.pub;
    if (other)
        info.other = built_org(other).root.pub;
    uint32_t at;
    assert_int_equal(mt_chains_add(&x->r.chains, &info, &at), MT_OK);
    x->r.chains.v[at].head =
        (struct mt_head){.seq = seq, .entry = built_id("entry", 1000 * org + seq), .lamport = seq};
    return at;
}

static inline void take_message(struct side *x, struct mt_slice m) {
    struct mt_sync_out out;
    x->messages++;
    x->err = mt_sync_message(&x->s, &x->r, m, WALL, &out);
    if (x->err || out.want == MT_SYNC_NOTHING || out.want == MT_SYNC_SKEW)
        return;
    if (out.want == MT_SYNC_RUN) {
        x->runs++;
        x->run_chain = out.chain;
        x->run_bytes = m.n;
        return;
    }
    assert_true(x->n_outs < OUTS);
    x->outs[x->n_outs++] = out;
}

/* Moves what `from` has to send. Returns false when there is nothing. */
static inline bool move(struct side *from, struct side *to) {
    size_t n = from->s.out_n, at = 0;
    uint8_t *p = from->s.out;
    if (!n)
        return false;
    from->s.out = NULL;
    from->s.out_n = from->s.out_cap = 0;
    from->sent += n;
    while (!to->err) {
        struct mt_link_out out;
        size_t used;
        assert_int_equal(mt_link_feed(&to->s.link, mt_slice(p + at, n - at), &used, &out), MT_OK);
        at += used;
        if (out.got == MT_LINK_NOTHING)
            break;
        assert_int_equal(out.got, MT_LINK_MESSAGE);
        take_message(to, mt_slice(out.message, out.n));
        free(out.message);
    }
    free(p);
    return true;
}

static inline int settle(struct session *t) {
    int turns = 0;
    while ((int)move(&t->a, &t->b) + (int)move(&t->b, &t->a) > 0)
        assert_true(++turns < 50);
    return turns;
}

static inline void hello(struct session *t) {
    assert_int_equal(mt_sync_open(&t->a.s, &t->a.r, mt_slice(NULL, 0), WALL), MT_OK);
    assert_int_equal(mt_sync_open(&t->b.s, &t->b.r, mt_slice(NULL, 0), WALL), MT_OK);
}

static inline void both(struct session *t, enum mt_sync_state state) {
    assert_int_equal(t->a.err, MT_OK);
    assert_int_equal(t->b.err, MT_OK);
    assert_int_equal(t->a.s.state, state);
    assert_int_equal(t->b.s.state, state);
}

static inline void go_live(struct session *t) {
    admit_two(t->b.r.gov);
    hello(t);
    settle(t);
    both(t, MT_SYNC_LIVE);
}

static inline bool next(struct side *x, uint32_t *at, uint64_t *first) {
    size_t max;
    return mt_sync_next(&x->s, &x->r, at, first, &max);
}

#define SYNC_TEST(name) cmocka_unit_test_setup_teardown(name, open_session, close_session)

#endif
