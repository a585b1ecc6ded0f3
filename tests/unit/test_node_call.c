/* Calling others: how soon again, what a ping does, and what who calls is shown. */
#include "caller_fixture.h"

enum { CALLS = MT_CUT_OFF_MAX + 4 };

static const uint64_t SOON_MS = MT_DIAL_MS_MIN + MT_DIAL_MS_MIN / 2; /* with jitter */

static void region_of_three(struct table *t) {
    found(t);
    bring_in(t, 1);
    bring_in(t, 2);
    meet(t);
}

static struct mt_peer *peer_of(struct table *t, int host) {
    for (size_t i = 0; i < the_host(t)->n_peers; i++)
        if (strcmp(the_host(t)->peers[i].address, t->h[host].address) == 0)
            return &the_host(t)->peers[i];
    fail_msg("not a peer");
    return NULL;
}

/* ---- how soon again ---- */

/* One event at host 0, of which nothing is carried out. Returns the connection it asks for, or 0. */
static uint64_t step_alone(struct table *t, struct mt_event *ev) {
    uint64_t conn = 0;
    size_t n;
    ev->now = t->now;
    built_bytes(ev->entropy, "entropy", ++t->entropy);
    mt_node_step(the_host(t), ev);
    struct mt_effect *fx = mt_node_effects(the_host(t), &n);
    for (size_t i = 0; i < n; i++)
        conn = fx[i].type == MT_FX_CONNECT ? fx[i].conn : conn;
    return conn;
}

/* How long host 0 waits before it calls; the call is in `conn`. */
static uint64_t wait_for_call(struct table *t, uint64_t *conn) {
    uint64_t start = t->now.mono_ms;
    for (*conn = 0; !*conn;) {
        struct mt_event tick = {.type = MT_EV_TICK};
        uint64_t at = mt_node_deadline(the_host(t));
        assert_true(at < UINT64_MAX);
        t->now.mono_ms = at > t->now.mono_ms ? at : t->now.mono_ms;
        *conn = step_alone(t, &tick);
    }
    return t->now.mono_ms - start;
}

/* Host 1 is gone; `wait` gets how long host 0 waits before each call. Who is cut off sent its first
 * frame, so the other side was there. */
static void keep_calling(struct table *t, bool cut_off, uint64_t wait[static CALLS]) {
    found(t);
    bring_in(t, 1);
    meet(t);
    stop(t, 1);
    for (int i = 0; i < CALLS; i++) {
        struct mt_event ev = {.type = MT_EV_CONNECTED};
        wait[i] = wait_for_call(t, &ev.conn);
        if (cut_off)
            (void)step_alone(t, &ev);
        ev.type = MT_EV_CLOSED;
        ev.err = cut_off ? MT_OK : MT_EREFUSED;
        (void)step_alone(t, &ev);
    }
}

static void who_is_cut_off_calls_again_soon(void **state) {
    struct table *t = *state;
    uint64_t wait[CALLS];
    keep_calling(t, true, wait);
    for (int i = 1; i <= MT_CUT_OFF_MAX; i++)
        assert_in_range(wait[i], 1, SOON_MS);
    assert_true(wait[CALLS - 1] > SOON_MS); /* but not for ever */
}

static void who_meets_nobody_calls_less_and_less(void **state) {
    struct table *t = *state;
    uint64_t wait[CALLS];
    keep_calling(t, false, wait);
    assert_true(wait[4] > SOON_MS);
    for (int i = 8; i < CALLS; i++)
        assert_in_range(wait[i], MT_DIAL_MS_MAX / 2, MT_DIAL_MS_MAX + MT_DIAL_MS_MAX / 2);
}

/* ---- pings ---- */

static void ask_for(struct table *t, const struct mt_id *org) {
    struct mt_command cmd = {.type = MT_CMD_PING, .audience = *org};
    assert_int_equal(command(t, 0, cmd, NULL), MT_OK);
}

/* A region of three in which a caller stands in for node 1, whose organisation is returned. */
static struct mt_id in_place_of_one(struct table *t, struct caller *c) {
    region_of_three(t);
    struct mt_id org = info_of(t, 1).org;
    caller_make(c, 1);
    caller_learn(c, the_host(t));
    c->root = t->h[1].node->secret->root;
    stop(t, 1);
    return org;
}

/* The other end is held by a caller who says nothing, as after a cable was pulled. */
static void a_ping_ends_a_link_that_is_dead(void **state) {
    struct table *t = *state;
    struct door d;
    struct caller c;
    const struct mt_id org = in_place_of_one(t, &c);
    uint64_t conn = call(t, &d, &c, "203.0.113.9");
    assert_int_equal(peer_of(t, 1)->conn, conn);
    ask_for(t, &org);
    pass(t, MT_PING_MS / 2);
    ask_for(t, &org); /* it gets no more time */
    pass(t, MT_PING_MS / 2 - 1);
    assert_true(is_open(t, conn));
    t->now.mono_ms++;
    struct mt_event ev = {.type = MT_EV_TICK};
    (void)step_alone(t, &ev);
    assert_false(is_there(t, conn));
    assert_int_equal(peer_of(t, 1)->last_err, MT_ETIMEOUT);
    ev = (struct mt_event){.type = MT_EV_CLOSED, .conn = conn};
    assert_true(step_alone(t, &ev) != 0); /* and is called at once */
    caller_close(&c);
}

/* A slow link that is sending gets more time. */
static void a_ping_waits_for_what_is_on_its_way(void **state) {
    struct table *t = *state;
    struct door d;
    struct caller c;
    const struct mt_id org = in_place_of_one(t, &c);
    assert_int_equal(write_to(t, 0, NULL), MT_OK);
    uint64_t conn = call(t, &d, &c, "203.0.113.9");
    assert_int_equal(mt_sync_lag(&mt_node_conn(the_host(t), conn)->sync, &the_host(t)->replica), 1);
    ask_for(t, &org);
    pass(t, MT_PING_IDLE_MS - 1);
    assert_true(is_open(t, conn));
    pass(t, 1);
    assert_false(is_there(t, conn));
    caller_close(&c);
}

static void a_ping_leaves_a_link_that_lives(void **state) {
    struct table *t = *state;
    region_of_three(t);
    uint64_t conn = peer_of(t, 1)->conn;
    const struct mt_id org = info_of(t, 1).org;
    assert_true(is_open(t, conn));
    ask_for(t, &org);
    assert_true(peer_of(t, 1)->rtt_ms > 0);
    pass(t, 2 * MT_PING_MS);
    assert_int_equal(peer_of(t, 1)->conn, conn);
}

/* Who asks about a member that is not connected hears of it once it is. */
static void a_ping_calls_and_is_answered(void **state) {
    struct table *t = *state;
    region_of_three(t);
    const struct mt_id org = info_of(t, 1).org;
    struct mt_id feed = info_of(t, 1).feed;
    stop(t, 1);
    pass(t, MT_DIAL_MS_MAX); /* it is called seldom by now, */
    t->h[0].dark = true;
    start_as(t, 1, feed.b);
    for (size_t i = 0; i < t->h[1].node->n_peers; i++)
        t->h[1].node->peers[i].dial_at = UINT64_MAX; /* and does not call */
    assert_int_equal(peer_of(t, 1)->conn, 0);
    ask_for(t, &org);
    pass(t, 10);
    assert_true(peer_of(t, 1)->conn != 0);
    assert_true(peer_of(t, 1)->rtt_ms > 0);
}

/* ---- the certificate ---- */

static struct mt_slice shown(struct table *t, uint8_t *buf, size_t cap) {
    struct mt_writer w = mt_writer(buf, cap);
    assert_int_equal(mt_node_show(the_host(t), &w), MT_OK);
    return mt_writer_slice(&w);
}

static struct mt_slice made_now(struct table *t, uint8_t *buf, size_t cap) {
    struct mt_writer w = mt_writer(buf, cap);
    assert_int_equal(mt_node_certificate(the_host(t), &the_host(t)->replica.region, &w), MT_OK);
    return mt_writer_slice(&w);
}

static void the_certificate_is_signed_once(void **state) {
    struct table *t = *state;
    uint8_t a[MT_CERTIFICATE_MAX], b[MT_CERTIFICATE_MAX];
    found(t);
    assert_true(mt_slice_eq(shown(t, a, sizeof a), made_now(t, b, sizeof b)));
    the_host(t)->shown.item[0] ^= 1; /* signing it again would set it right */
    assert_false(mt_slice_eq(shown(t, a, sizeof a), made_now(t, b, sizeof b)));
}

static void a_new_installation_shows_its_own(void **state) {
    struct table *t = *state;
    uint8_t a[MT_CERTIFICATE_MAX], b[MT_CERTIFICATE_MAX], c[MT_CERTIFICATE_MAX];
    found(t);
    struct mt_slice before = shown(t, a, sizeof a);
    assert_int_equal(mt_node_retire(the_host(t)), MT_OK);
    struct mt_slice after = shown(t, b, sizeof b);
    assert_false(mt_slice_eq(before, after));
    assert_true(mt_slice_eq(after, made_now(t, c, sizeof c)));
    the_host(t)->number++; /* the one thing that is different */
    assert_true(mt_slice_eq(shown(t, a, sizeof a), made_now(t, c, sizeof c)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        NODE_TEST(who_is_cut_off_calls_again_soon), NODE_TEST(who_meets_nobody_calls_less_and_less),
        NODE_TEST(a_ping_ends_a_link_that_is_dead), NODE_TEST(a_ping_waits_for_what_is_on_its_way),
        NODE_TEST(a_ping_leaves_a_link_that_lives), NODE_TEST(a_ping_calls_and_is_answered),
        NODE_TEST(the_certificate_is_signed_once),  NODE_TEST(a_new_installation_shows_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
