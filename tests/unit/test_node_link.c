/* Places for who calls, and which of two links stays. */
#include "caller_fixture.h"

static void region_of_three(struct table *t) {
    found(t);
    bring_in(t, 1);
    bring_in(t, 2);
    meet(t);
}

/* ---- who has shown nothing ---- */

static void silent_callers_are_limited_and_timed_out(void **state) {
    struct table *t = *state;
    struct door d;
    uint64_t first_conn = 0;
    found(t);
    for (unsigned i = 0; i < MT_SILENT_MAX; i++) {
        uint64_t conn = knock(t, &d, "198.51.100.7");
        first_conn = first_conn ? first_conn : conn;
    }
    assert_true(is_there(t, first_conn));
    uint64_t last = knock(t, &d, "198.51.100.7");
    assert_false(is_there(t, first_conn)); /* the oldest gives way */
    assert_true(is_there(t, first_conn + 1) && is_there(t, last));
    assert_int_equal(the_host(t)->n_conns, MT_SILENT_MAX);
    uint8_t noise[CALLER_FIRST] = {0, 64, 1, 2, 3};
    speak(t, &d, last, mt_slice(noise, sizeof noise));
    assert_int_equal(d.n, 0);
    assert_int_equal(info_of(t, 0).refused_psk, 1);
    pass(t, MT_HANDSHAKE_MS_MAX - 1);
    assert_int_equal(info_of(t, 0).refused_timeout, 0);
    pass(t, 1);
    assert_int_equal(info_of(t, 0).refused_timeout, MT_SILENT_MAX - 1);
    assert_int_equal(the_host(t)->n_conns, 0);
}

/* However many come from one host, they take places from each other. */
static void one_host_takes_no_place_of_another(void **state) {
    struct table *t = *state;
    struct door d;
    uint64_t others[8];
    found(t);
    for (unsigned i = 0; i < MT_ARRAY_LEN(others); i++)
        others[i] = knock_from(t, &d, i);
    for (unsigned i = 0; i < 5 * MT_SILENT_MAX; i++)
        assert_true(is_there(t, knock(t, &d, "203.0.113.1")));
    for (unsigned i = 0; i < MT_ARRAY_LEN(others); i++)
        assert_true(is_there(t, others[i]));
    uint64_t late = knock_from(t, &d, 99);
    for (unsigned i = 0; i < 5 * MT_SILENT_MAX; i++)
        (void)knock(t, &d, "203.0.113.1");
    assert_true(is_there(t, late));
}

/* Trickled bytes buy no time, and who has shown a key loses nothing to who has not. */
static void silence_takes_nothing_from_who_showed_a_key(void **state) {
    struct table *t = *state;
    struct door d, greeting;
    struct caller c;
    found(t);
    caller_make(&c, 1);
    caller_learn(&c, the_host(t));
    uint64_t conn = knock(t, &d, "203.0.113.9");
    first(t, &greeting, &c, conn);
    uint64_t slow = knock(t, &d, "203.0.113.10");
    for (unsigned i = 0; i < 4 * MT_SILENT_MAX; i++)
        (void)knock_from(t, &d, i);
    assert_false(is_there(t, slow));
    assert_true(is_there(t, conn));
    third(t, &greeting, &c, conn, mt_slice(NULL, 0));
    assert_true(is_open(t, conn));
    slow = knock(t, &d, "203.0.113.10");
    for (unsigned i = 0; i + 1 < MT_HANDSHAKE_MS_MAX / 250; i++) {
        pass(t, 250);
        speak(t, &d, slow, mt_slice("\0@12345678901234567" + i, 1));
    }
    assert_true(is_there(t, slow));
    pass(t, 250);
    assert_false(is_there(t, slow));
    caller_close(&c);
}

static void who_shows_a_key_and_goes_no_further_is_limited(void **state) {
    struct table *t = *state;
    struct door d, greeting;
    struct caller honest, bad;
    found(t);
    caller_make(&honest, 1);
    caller_make(&bad, 2);
    caller_learn(&honest, the_host(t));
    caller_learn(&bad, the_host(t));
    for (unsigned i = 0; i < MT_ANSWERED_MAX - 1; i++)
        first(t, &d, &bad, knock(t, &d, "203.0.113.1"));
    uint64_t conn = knock(t, &d, "203.0.113.9");
    first(t, &greeting, &honest, conn);
    for (unsigned i = 0; i < 3 * MT_ANSWERED_MAX; i++) {
        first(t, &d, &bad, knock(t, &d, "203.0.113.1"));
        assert_true(d.n > 0); /* answered, in the place of another */
        assert_true(the_host(t)->n_conns <= MT_ANSWERED_MAX);
    }
    assert_true(is_there(t, conn));
    third(t, &greeting, &honest, conn, mt_slice(NULL, 0));
    assert_true(is_open(t, conn));
    caller_close(&honest);
    caller_close(&bad);
}

/* Strangers on many hosts have as many claims as there are hosts; a member's host keeps its places. */
static void a_host_members_called_from_keeps_places(void **state) {
    struct table *t = *state;
    struct door d;
    struct caller member;
    uint64_t theirs[MT_RESERVED];
    region_of_three(t);
    caller_make(&member, 1);
    caller_be(&member, t->h[1].node);
    stop(t, 1);
    uint64_t conn = call(t, &d, &member, "203.0.113.9");
    assert_true(is_open(t, conn));
    for (unsigned i = 0; i < MT_RESERVED; i++)
        theirs[i] = knock(t, &d, "203.0.113.9");
    uint64_t stranger = knock_from(t, &d, 999);
    for (unsigned i = 0; i < 4 * MT_SILENT_MAX; i++)
        (void)knock_from(t, &d, i);
    assert_false(is_there(t, stranger));
    for (unsigned i = 0; i < MT_RESERVED; i++)
        assert_true(is_there(t, theirs[i]));
    caller_close(&member);
}

/* So does the host of a member's address, from the start: nobody has called from there yet. */
static void a_host_a_member_lives_at_keeps_places(void **state) {
    struct table *t = *state;
    struct door d;
    uint64_t theirs[MT_RESERVED];
    found(t);
    bring_in(t, 1);
    const struct mt_id org = info_of(t, 1).org;
    restart(t, 0);
    assert_int_equal(mt_node_address(the_host(t), &org, mt_slice_str("203.0.113.9:7473")), MT_OK);
    for (unsigned i = 0; i < MT_RESERVED; i++)
        theirs[i] = knock(t, &d, "203.0.113.9");
    uint64_t stranger = knock(t, &d, "203.0.113.8");
    for (unsigned i = 0; i < 4 * MT_SILENT_MAX; i++)
        (void)knock_from(t, &d, i);
    assert_false(is_there(t, stranger));
    for (unsigned i = 0; i < MT_RESERVED; i++)
        assert_true(is_there(t, theirs[i]));
}

/* ---- time ---- */

static uint64_t accept_in(struct table *t) {
    return mt_node_accept_in_ms(the_host(t), t->now.mono_ms);
}

/* However many call, in two seconds they get their part of them; then the next come in again. */
static void callers_get_their_part_of_the_time(void **state) {
    struct table *t = *state;
    struct door d;
    struct caller c;
    unsigned silent = 0, answered = 0;
    found(t);
    caller_make(&c, 1);
    caller_learn(&c, the_host(t));
    pass(t, 10000);
    for (unsigned ms = 0; ms < 2000; ms++, t->now.mono_ms++)
        while (accept_in(t) == 0) {
            uint64_t conn = knock_from(t, &d, answered + silent);
            assert_true(silent + answered < 20000);
            if (ms < 1000) {
                silent++;
                continue;
            }
            first(t, &d, &c, conn);
            assert_true(d.n > 0);
            answered++;
        }
    unsigned ahead = MT_AHEAD_US / MT_ACCEPT_US;
    assert_in_range(silent, 1000000 / MT_ACCEPT_US, 1000000 / MT_ACCEPT_US + 2 * ahead);
    assert_in_range(answered, 1000000 / (MT_ACCEPT_US + MT_ANSWER_US) - 1,
                    1000000 / (MT_ACCEPT_US + MT_ANSWER_US) + 1);
    t->now.mono_ms += MT_AHEAD_US / 1000;
    assert_int_equal(accept_in(t), 0);
    caller_close(&c);
}

/* A certificate takes as long to check as a first frame to answer. */
static void a_certificate_counts(void **state) {
    struct table *t = *state;
    struct door d;
    struct caller c;
    found(t);
    caller_make(&c, 1);
    caller_learn(&c, the_host(t));
    pass(t, 10000);
    uint64_t conn = knock(t, &d, "203.0.113.9");
    first(t, &d, &c, conn);
    uint64_t before = the_host(t)->spent_us;
    third(t, &d, &c, conn, mt_slice(NULL, 0));
    assert_int_equal(the_host(t)->spent_us - before, MT_ANSWER_US);
    caller_close(&c);
}

/* ---- lines ---- */

static void lines_about_strangers_are_few(void **state) {
    struct table *t = *state;
    struct door d;
    uint8_t noise[CALLER_FIRST] = {0, 64, 1, 2, 3};
    found(t);
    t->h[0].n_logs = 0;
    for (unsigned i = 0; i < 3 * MT_LINES_STRANGERS_MAX; i++)
        speak(t, &d, knock_from(t, &d, i), mt_slice(noise, sizeof noise));
    assert_int_equal(logged(&t->h[0], "link_closing"), MT_LINES_STRANGERS_MAX);
    assert_int_equal(info_of(t, 0).refused_psk, 3 * MT_LINES_STRANGERS_MAX);
    pass(t, MT_LINES_MS);
    assert_int_equal(logged(&t->h[0], "link_lines_skipped"), 1);
    assert_int_equal(t->h[0].logs[t->h[0].n_logs - 1].number, 2 * MT_LINES_STRANGERS_MAX);
    speak(t, &d, knock_from(t, &d, 1), mt_slice(noise, sizeof noise));
    assert_int_equal(logged(&t->h[0], "link_closing"), MT_LINES_STRANGERS_MAX + 1);
    pass(t, 3 * MT_LINES_MS); /* nothing more to tell */
    assert_int_equal(logged(&t->h[0], "link_lines_skipped"), 1);
}

/* ---- own calls ---- */

static void own_calls_are_limited(void **state) {
    struct table *t = *state;
    struct door d;
    enum { MEMBERS = MT_DIALS_MAX + 3 };
    struct mt_id org[MEMBERS];
    found(t);
    for (unsigned i = 0; i < MEMBERS; i++) {
        char name[8];
        struct caller c;
        snprintf(name, sizeof name, "m%u", i);
        struct mt_reply r = invite(t, name);
        caller_make(&c, i + 1);
        assert_true(caller_invite(&c, r.code));
        uint64_t conn = call(t, &d, &c, "203.0.113.9");
        file(t, &d, &c, conn);
        const struct mt_invite *v = &the_host(t)->invites[the_host(t)->n_invites - 1];
        uint64_t number = mt_node_invite_number(v->secret, &the_host(t)->replica.own_org,
                                                mt_slice(c.certificate, c.certificate_n));
        assert_int_equal(approve(t, name, number, NULL), MT_OK);
        org[i] = c.root.pub;
        struct mt_event ev = {.type = MT_EV_CLOSED, .conn = conn};
        at_door(t, &d, &ev);
        caller_close(&c);
    }
    for (unsigned i = 0; i < MEMBERS; i++)
        assert_int_equal(mt_node_address(the_host(t), &org[i], mt_slice_str("far:1")), MT_OK);
    struct mt_event ev = {.type = MT_EV_TICK, .now = t->now};
    size_t n, dials = 0;
    mt_node_step(the_host(t), &ev);
    struct mt_effect *fx = mt_node_effects(the_host(t), &n);
    uint64_t one = 0;
    for (size_t i = 0; i < n; i++) {
        dials += fx[i].type == MT_FX_CONNECT;
        one = fx[i].type == MT_FX_CONNECT ? fx[i].conn : one;
    }
    assert_int_equal(dials, MT_DIALS_MAX);
    assert_true(mt_node_deadline(the_host(t)) > t->now.mono_ms); /* the rest waits quietly */
    ev = (struct mt_event){.type = MT_EV_CLOSED, .conn = one, .now = t->now, .err = MT_ETIMEOUT};
    mt_node_step(the_host(t), &ev);
    fx = mt_node_effects(the_host(t), &n);
    for (size_t i = 0; i < n; i++)
        dials += fx[i].type == MT_FX_CONNECT;
    assert_int_equal(dials, MT_DIALS_MAX + 1);
}

/* ---- two links with one installation ---- */

struct pair {
    struct door door;
    struct caller member;
    uint64_t old;
};

/* Host 0 has a link of which the other end knows nothing any more, and which it would keep if both
 * had dialled at once: it dialled it, and its feed key is the lower. */
static void lost_link(struct table *t, struct pair *p) {
    region_of_three(t);
    const struct mt_sign_key root = t->h[1].node->secret->root;
    stop(t, 1);
    uint64_t number = 0;
    do
        caller_make(&p->member, ++number);
    while (mt_id_cmp(&p->member.feed.pub, &the_host(t)->secret->feed.pub) < 0);
    caller_learn(&p->member, the_host(t));
    p->member.root = root;
    p->old = call(t, &p->door, &p->member, "203.0.113.9");
    assert_true(is_open(t, p->old));
    mt_node_conn(the_host(t), p->old)->initiator = true;
}

static void a_link_dead_at_the_other_end_gives_way_at_once(void **state) {
    struct table *t = *state;
    struct pair p;
    lost_link(t, &p);
    pass(t, MT_CALLED_MS_MAX); /* so it was open when the other end began to call */
    uint64_t conn = call(t, &p.door, &p.member, "203.0.113.9");
    assert_true(is_open(t, conn));
    assert_false(is_there(t, p.old));
    struct mt_peer *peer = mt_node_peer(the_host(t), &p.member.root.pub, false);
    assert_true(peer && peer->conn == conn);
    caller_close(&p.member);
}

static void a_young_link_has_to_answer_when_a_newer_is_refused(void **state) {
    struct table *t = *state;
    struct pair p;
    lost_link(t, &p);
    size_t sent = t->h[0].bytes_sent;
    uint64_t conn = call(t, &p.door, &p.member, "203.0.113.9");
    assert_false(is_there(t, conn)); /* it may be that both called at once */
    assert_true(is_there(t, p.old) && t->h[0].bytes_sent > sent);
    pass(t, MT_CHALLENGE_MS - 1);
    assert_true(is_there(t, p.old));
    pass(t, 1);
    assert_false(is_there(t, p.old));
    conn = call(t, &p.door, &p.member, "203.0.113.9");
    assert_true(is_open(t, conn));
    caller_close(&p.member);
}

static void a_young_link_that_answers_stays(void **state) {
    struct table *t = *state;
    struct pair p;
    uint8_t buf[16];
    struct mt_writer pong = mt_writer(buf, sizeof buf);
    lost_link(t, &p);
    struct caller was = p.member; /* the end of the old link, which is still there */
    p.member.link = (struct mt_link){0};
    mt_number_put(&pong, MT_MSG_PONG, 1);
    for (int i = 0; i < 4; i++) {
        assert_false(is_there(t, call(t, &p.door, &p.member, "203.0.113.9")));
        pass(t, MT_CHALLENGE_MS / 2);
        say(t, &p.door, &was, p.old, mt_writer_slice(&pong));
        pass(t, MT_CHALLENGE_MS);
        assert_true(is_there(t, p.old));
    }
    caller_close(&was);
    caller_close(&p.member);
}

/* Two real ends that dial at the same moment keep one link, and the same. */
static void of_two_dialled_at_once_both_ends_keep_the_same(void **state) {
    struct table *t = *state;
    region_of_three(t);
    for (int round = 0; round < 4; round++) {
        for (size_t i = 0; i < t->n_wires; i++)
            if (t->wires[i].open)
                hang_up(t, t->wires[i].host[0], t->wires[i].conn[0], MT_EUNREACHABLE);
        run(t);
        for (int i = 0; i < HOSTS; i++)
            for (size_t k = 0; k < t->h[i].node->n_peers; k++)
                if (t->h[i].node->peers[k].address[0])
                    t->h[i].node->peers[k].dial_at = t->now.mono_ms;
        t->n_wires = 0;
        pass(t, 10);
        for (int i = 0; i < HOSTS; i++) {
            size_t open = 0;
            for (size_t k = 0; k < t->h[i].node->n_conns; k++)
                open += t->h[i].node->conns[k]->is_open;
            assert_int_equal(open, HOSTS - 1);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        NODE_TEST(silent_callers_are_limited_and_timed_out),
        NODE_TEST(one_host_takes_no_place_of_another),
        NODE_TEST(silence_takes_nothing_from_who_showed_a_key),
        NODE_TEST(who_shows_a_key_and_goes_no_further_is_limited),
        NODE_TEST(a_host_members_called_from_keeps_places),
        NODE_TEST(a_host_a_member_lives_at_keeps_places),
        NODE_TEST(callers_get_their_part_of_the_time),
        NODE_TEST(a_certificate_counts),
        NODE_TEST(lines_about_strangers_are_few),
        NODE_TEST(own_calls_are_limited),
        NODE_TEST(a_link_dead_at_the_other_end_gives_way_at_once),
        NODE_TEST(a_young_link_has_to_answer_when_a_newer_is_refused),
        NODE_TEST(a_young_link_that_answers_stays),
        NODE_TEST(of_two_dialled_at_once_both_ends_keep_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
