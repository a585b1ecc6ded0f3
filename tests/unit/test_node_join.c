/* How an organisation comes in: codes, requests, numbers, and everything that may go wrong. */
#include "node_fixture.h"

static void three_organisations_become_a_region(void **state) {
    struct table *t = *state;
    uint8_t a[32], b[32];
    found(t);
    assert_true(info_of(t, 0).is_seat && info_of(t, 0).has_key);
    bring_in(t, 1);
    bring_in(t, 2);
    meet(t);
    for (int i = 0; i < HOSTS; i++) {
        struct mt_node_info x = info_of(t, i), y = info_of(t, 0);
        assert_int_equal(x.state, MT_NODE_MEMBER);
        assert_true(x.has_key && mt_id_eq(&x.region, &y.region));
        assert_string_equal(x.region_name, "Meppel");
        assert_int_equal(mt_gov_members(mt_node_gov(t->h[i].node)), 3);
        assert_int_equal(mt_gov_digest(mt_node_gov(t->h[i].node), a), MT_OK);
        assert_int_equal(mt_gov_digest(mt_node_gov(t->h[0].node), b), MT_OK);
        assert_memory_equal(a, b, 32);
    }
    assert_true(!info_of(t, 1).is_seat && !info_of(t, 2).is_seat);
    assert_int_equal(info_of(t, 1).join, MT_JOIN_DONE);
}

static void only_seats_invite(void **state) {
    struct table *t = *state;
    assert_int_equal(named(t, 0, MT_CMD_INVITE_CREATE, "early", NULL), MT_ESTATE);
    found(t);
    bring_in(t, 1);
    assert_int_equal(named(t, 1, MT_CMD_INVITE_CREATE, "mine", NULL), MT_EDENIED);
    assert_int_equal(named(t, 0, MT_CMD_INVITE_CREATE, "two\nlines", NULL), MT_EINVALID);
    assert_int_equal(named(t, 0, MT_CMD_INVITE_CREATE, "", NULL), MT_EINVALID);
}

static void an_open_name_is_taken_and_codes_differ(void **state) {
    struct table *t = *state;
    found(t);
    struct mt_reply one = invite(t, "one"), two = invite(t, "two");
    assert_string_not_equal(one.code, two.code);
    assert_int_equal(one.expires_ms, t->now.wall_ms + MT_INVITE_LIFE_MS);
    assert_int_equal(named(t, 0, MT_CMD_INVITE_CREATE, "one", NULL), MT_ECONFLICT);
    assert_int_equal(named(t, 0, MT_CMD_INVITE_REVOKE, "three", NULL), MT_ENOTFOUND);
    assert_int_equal(named(t, 0, MT_CMD_INVITE_REVOKE, "one", NULL), MT_OK);
    assert_int_equal(named(t, 0, MT_CMD_INVITE_REVOKE, "one", NULL), MT_ESTATE);
    assert_string_not_equal(invite(t, "one").code, one.code);
}

static void invitations_stop_at_their_cap(void **state) {
    struct table *t = *state;
    char name[16];
    found(t);
    for (int i = 0; i < MT_INVITES_MAX; i++) {
        snprintf(name, sizeof name, "n%d", i);
        (void)invite(t, name);
    }
    assert_int_equal(named(t, 0, MT_CMD_INVITE_CREATE, "more", NULL), MT_EFULL);
    assert_int_equal(named(t, 0, MT_CMD_INVITE_REVOKE, "n3", NULL), MT_OK);
    (void)invite(t, "more");
    restart(t, 0);
    struct mt_invite_info info[MT_INVITES_MAX + 1];
    assert_int_equal(mt_node_invites(t->h[0].node, info, MT_INVITES_MAX + 1), MT_INVITES_MAX);
}

static void a_wrong_number_admits_nobody(void **state) {
    struct table *t = *state;
    found(t);
    struct mt_reply r = invite(t, "x");
    assert_int_equal(approve(t, "x", 0, NULL), MT_ESTATE); /* nobody filed yet */
    assert_int_equal(approve(t, "y", 0, NULL), MT_ENOTFOUND);
    assert_int_equal(join(t, 1, r.code), MT_OK);
    uint64_t number = info_of(t, 1).join_number;
    assert_true(number < 1000000000000);
    assert_int_equal(approve(t, "x", number + 1, NULL), MT_EINVALID);
    assert_int_equal(approve(t, "x", number ^ (UINT64_C(1) << 40), NULL), MT_EINVALID);
    assert_int_equal(approve(t, "x", number + 1000000000000, NULL), MT_EINVALID);
    assert_int_equal(mt_gov_members(mt_node_gov(t->h[0].node)), 1);
    assert_int_equal(approve(t, "x", number, &r), MT_OK);
    struct mt_id org = info_of(t, 1).org;
    assert_true(mt_id_eq(&r.id, &org));
    assert_int_equal(approve(t, "x", number, NULL), MT_ECONFLICT);
}

static void a_code_belongs_to_who_files_first(void **state) {
    struct table *t = *state;
    found(t);
    struct mt_reply r = invite(t, "x");
    assert_int_equal(join(t, 1, r.code), MT_OK);
    assert_int_equal(join(t, 2, r.code), MT_OK);
    pass(t, 30000);
    assert_int_equal(info_of(t, 1).join, MT_JOIN_FILED);
    assert_int_equal(info_of(t, 2).join, MT_JOIN_REFUSED);
    assert_int_equal(info_of(t, 2).join_err, MT_EMEMBER);
    struct mt_invite_info info;
    assert_int_equal(mt_node_invites(t->h[0].node, &info, 1), 1);
    assert_int_equal(info.state, MT_INVITE_FILED);
    assert_string_equal(info.applicant, "Stad & Esch");
    /* Refused stays refused, after a restart too, until another code is given. */
    size_t wires = t->n_wires;
    restart(t, 2);
    pass(t, 60000);
    assert_int_equal(info_of(t, 2).join, MT_JOIN_REFUSED);
    for (size_t i = wires; i < t->n_wires; i++)
        assert_int_not_equal(t->wires[i].host[0], 2);
    assert_int_equal(join(t, 2, invite(t, "y").code), MT_OK);
    assert_int_equal(info_of(t, 2).join, MT_JOIN_FILED);
    assert_int_equal(approve(t, "x", info_of(t, 1).join_number, NULL), MT_OK);
    assert_int_equal(info_of(t, 1).state, MT_NODE_MEMBER);
}

static bool four_under_way_to(const struct table *t, int host) {
    size_t n = 0;
    for (size_t i = t->q_head; i < t->q_tail; i++)
        n += t->q[i % QUEUE].host == host && t->q[i % QUEUE].ev.type == MT_EV_BYTES;
    assert_true(t->q_head < t->q_tail);
    return n == 4 && t->q_tail - t->q_head == 4;
}

/* Both are connected before either has filed: only the first may. */
static void of_two_links_with_one_code_only_the_first_files(void **state) {
    struct table *t = *state;
    found(t);
    struct mt_reply r = invite(t, "x");
    struct mt_command cmd = {.type = MT_CMD_JOIN, .code = mt_slice_str(r.code)};
    (void)ask(t, 1, cmd);
    (void)ask(t, 2, cmd);
    /* Their certificates and their requests are under way, in this order: both certificates go
     * first. */
    while (!four_under_way_to(t, 0))
        run_one(t);
    struct queued *second = &t->q[(t->q_head + 1) % QUEUE], *third = &t->q[(t->q_head + 2) % QUEUE];
    struct queued swap = *second;
    *second = *third;
    *third = swap;
    run(t);
    pass(t, 5000); /* whose link gave way to the other's calls again, and is told */
    bool first = info_of(t, 1).join == MT_JOIN_FILED;
    assert_int_equal(info_of(t, first ? 2 : 1).join, MT_JOIN_REFUSED);
    assert_int_equal(info_of(t, first ? 1 : 2).join, MT_JOIN_FILED);
}

static void a_revoked_code_ends_the_application(void **state) {
    struct table *t = *state;
    found(t);
    struct mt_reply r = invite(t, "x");
    assert_int_equal(join(t, 1, r.code), MT_OK);
    uint64_t number = info_of(t, 1).join_number;
    assert_int_equal(named(t, 0, MT_CMD_INVITE_REVOKE, "x", NULL), MT_OK);
    assert_int_equal(info_of(t, 1).join, MT_JOIN_REFUSED);
    assert_int_equal(approve(t, "x", number, NULL), MT_ECONFLICT);
    assert_int_equal(join(t, 2, r.code), MT_OK);
    pass(t, 5000);
    assert_int_equal(info_of(t, 2).join, MT_JOIN_CALLING);
    assert_true(info_of(t, 0).refused_psk > 0);
}

/* Who was refused is free: to found a region, or to use another code. */
static void a_refused_applicant_founds_a_region(void **state) {
    struct table *t = *state;
    found(t);
    struct mt_reply r = invite(t, "x");
    assert_int_equal(join(t, 1, r.code), MT_OK);
    assert_int_equal(named(t, 1, MT_CMD_REGION_CREATE, "Assen", NULL), MT_ECONFLICT);
    assert_int_equal(named(t, 0, MT_CMD_INVITE_REVOKE, "x", NULL), MT_OK);
    assert_int_equal(info_of(t, 1).join, MT_JOIN_REFUSED);
    restart(t, 1);
    assert_int_equal(info_of(t, 1).join, MT_JOIN_REFUSED);
    assert_int_equal(named(t, 1, MT_CMD_REGION_CREATE, "Assen", NULL), MT_OK);
    for (int i = 0; i < 2; i++) {
        struct mt_node_info info = info_of(t, 1);
        assert_int_equal(info.state, MT_NODE_MEMBER);
        assert_int_equal(info.join, MT_JOIN_NONE);
        assert_string_equal(info.region_name, "Assen");
        assert_true(info.is_seat && info.has_key);
        pass(t, 60000);
        restart(t, 1);
    }
}

static enum mt_err cancel(struct table *t, int host) {
    struct mt_command cmd = {.type = MT_CMD_JOIN_CANCEL};
    return command(t, host, cmd, NULL);
}

/* Joining can be given up at any time before the admission, and leaves nothing behind. */
static void joining_is_given_up(void **state) {
    struct table *t = *state;
    found(t);
    struct mt_reply r = invite(t, "x"), s = invite(t, "y");
    assert_int_equal(cancel(t, 1), MT_ESTATE); /* there is nothing to give up */
    t->h[0].dark = true;
    assert_int_equal(join(t, 1, r.code), MT_OK);
    pass(t, 3000);
    assert_int_equal(info_of(t, 1).join, MT_JOIN_CALLING);
    assert_int_equal(cancel(t, 1), MT_OK);
    assert_int_equal(info_of(t, 1).state, MT_NODE_ALONE);
    t->h[0].dark = false;
    pass(t, 60000);
    assert_int_equal(info_of(t, 1).state, MT_NODE_ALONE);
    assert_int_equal(join(t, 1, r.code), MT_OK);
    assert_int_equal(info_of(t, 1).join, MT_JOIN_FILED);
    uint64_t number = info_of(t, 1).join_number;
    assert_int_equal(cancel(t, 1), MT_OK);
    for (int i = 0; i < 2; i++) {
        struct mt_node_info info = info_of(t, 1);
        assert_int_equal(info.state, MT_NODE_ALONE);
        assert_true(info.join == MT_JOIN_NONE && info.join_err == MT_OK && !info.join_number);
        pass(t, 60000);
        restart(t, 1);
    }
    /* Approved all the same, nothing comes of it; and another code works. */
    assert_int_equal(join(t, 2, s.code), MT_OK);
    assert_int_equal(approve(t, "y", info_of(t, 2).join_number, NULL), MT_OK);
    assert_int_equal(approve(t, "x", number, NULL), MT_OK);
    pass(t, 60000);
    assert_int_equal(info_of(t, 1).state, MT_NODE_ALONE);
    assert_int_equal(cancel(t, 2), MT_ESTATE);
    assert_int_equal(named(t, 1, MT_CMD_REGION_CREATE, "Assen", NULL), MT_OK);
    assert_int_equal(info_of(t, 1).state, MT_NODE_MEMBER);
}

/* The last call of an old code says nothing about the new one. */
static void another_code_replaces_the_first(void **state) {
    struct table *t = *state;
    found(t);
    struct mt_reply r = invite(t, "x"), s = invite(t, "y");
    assert_int_equal(join(t, 1, r.code), MT_OK);
    struct mt_command cmd = {.type = MT_CMD_JOIN, .code = mt_slice_str(s.code)};
    (void)ask(t, 1, cmd);
    assert_int_equal(info_of(t, 1).join, MT_JOIN_CALLING);
    assert_int_equal(info_of(t, 1).join_err, MT_OK);
    run(t);
    pass(t, 5000);
    assert_int_equal(info_of(t, 1).join, MT_JOIN_FILED);
    assert_int_equal(approve(t, "y", info_of(t, 1).join_number, NULL), MT_OK);
    pass(t, 5000);
    assert_int_equal(info_of(t, 1).state, MT_NODE_MEMBER);
}

static void codes_expire(void **state) {
    struct table *t = *state;
    found(t);
    struct mt_reply r = invite(t, "x"), s = invite(t, "y");
    assert_int_equal(join(t, 1, s.code), MT_OK);
    uint64_t number = info_of(t, 1).join_number;
    t->now.wall_ms += MT_INVITE_LIFE_MS;
    assert_int_equal(join(t, 2, r.code), MT_OK);
    pass(t, 3000);
    assert_int_equal(info_of(t, 2).join, MT_JOIN_CALLING);
    assert_int_equal(approve(t, "y", number, NULL), MT_ECONFLICT);
    struct mt_invite_info info[2];
    assert_int_equal(mt_node_invites(t->h[0].node, info, 2), 2);
    assert_true(info[0].state == MT_INVITE_EXPIRED && info[1].state == MT_INVITE_EXPIRED);
}

static void codes_of_nobody_are_refused_at_once(void **state) {
    struct table *t = *state;
    found(t);
    struct mt_reply r = invite(t, "x");
    for (size_t cut = 0; cut < strlen(r.code); cut += 7) {
        char code[256];
        memcpy(code, r.code, sizeof code);
        code[cut] = code[cut] == 'Q' ? 'P' : 'Q';
        assert_int_equal(join(t, 1, code), MT_EINVALID);
        code[cut] = 0;
        assert_int_equal(join(t, 1, code), MT_EINVALID);
    }
    assert_int_equal(info_of(t, 1).state, MT_NODE_ALONE);
    assert_int_equal(join(t, 0, r.code), MT_ECONFLICT);
}

/* A code is well-formed, but who answers is not who made it. */
static void another_inviter_is_not_believed(void **state) {
    struct table *t = *state;
    found(t);
    struct mt_reply r = invite(t, "x");
    assert_int_equal(named(t, 2, MT_CMD_REGION_CREATE, "Assen", NULL), MT_OK);
    memcpy(t->h[2].address, t->h[0].address, sizeof t->h[2].address);
    t->h[0].dark = true;
    assert_int_equal(join(t, 1, r.code), MT_OK);
    pass(t, 3000);
    assert_int_equal(info_of(t, 1).join, MT_JOIN_CALLING);
    assert_int_equal(info_of(t, 1).join_err, MT_EPSK);
    assert_true(info_of(t, 2).refused_psk > 0);
}

static void an_unreachable_inviter_is_called_again(void **state) {
    struct table *t = *state;
    found(t);
    struct mt_reply r = invite(t, "x");
    t->h[0].dark = true;
    assert_int_equal(join(t, 1, r.code), MT_OK);
    pass(t, 40000);
    assert_int_equal(info_of(t, 1).join, MT_JOIN_CALLING);
    assert_int_equal(info_of(t, 1).join_err, MT_EUNREACHABLE);
    t->h[0].dark = false;
    pass(t, 20000);
    assert_int_equal(info_of(t, 1).join, MT_JOIN_FILED);
}

static void an_application_outlives_restarts_of_both(void **state) {
    struct table *t = *state;
    found(t);
    struct mt_reply r = invite(t, "x");
    assert_int_equal(join(t, 1, r.code), MT_OK);
    uint64_t number = info_of(t, 1).join_number;
    restart(t, 0);
    restart(t, 1);
    assert_int_equal(info_of(t, 1).state, MT_NODE_JOINING);
    stop(t, 2);
    assert_int_equal(approve(t, "x", number, NULL), MT_OK);
    pass(t, 30000);
    assert_int_equal(info_of(t, 1).state, MT_NODE_MEMBER);
    restart(t, 1);
    assert_int_equal(info_of(t, 1).state, MT_NODE_MEMBER);
    start_as(t, 2, NULL);
}

static void the_applicant_comes_back_after_the_approval(void **state) {
    struct table *t = *state;
    found(t);
    struct mt_reply r = invite(t, "x");
    assert_int_equal(join(t, 1, r.code), MT_OK);
    struct mt_node_info was = info_of(t, 1);
    stop(t, 1);
    assert_int_equal(approve(t, "x", was.join_number, NULL), MT_OK);
    start_as(t, 1, was.feed.b);
    pass(t, 30000);
    assert_int_equal(info_of(t, 1).state, MT_NODE_MEMBER);
    assert_true(info_of(t, 1).has_key);
}

static void an_address_too_long_for_a_code_leaves_no_invitation(void **state) {
    struct table *t = *state;
    char address[MT_ADDRESS_MAX + 1];
    uint8_t entropy[32] = {1};
    struct mt_invite_info info;
    memset(address, 'a', sizeof address);
    address[MT_ADDRESS_MAX] = 0;
    stop(t, 2);
    struct mt_node_config config = {.announce = address};
    assert_int_equal(mt_node_new(&t->h[2].node, &config), MT_OK);
    assert_int_equal(mt_node_start(t->h[2].node, &t->now, entropy), MT_OK);
    assert_int_equal(named(t, 2, MT_CMD_INIT, "Long", NULL), MT_OK);
    assert_int_equal(named(t, 2, MT_CMD_REGION_CREATE, "Long", NULL), MT_OK);
    assert_int_equal(named(t, 2, MT_CMD_INVITE_CREATE, "x", NULL), MT_EINVALID);
    assert_int_equal(mt_node_invites(t->h[2].node, &info, 1), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        NODE_TEST(three_organisations_become_a_region),
        NODE_TEST(only_seats_invite),
        NODE_TEST(an_open_name_is_taken_and_codes_differ),
        NODE_TEST(invitations_stop_at_their_cap),
        NODE_TEST(a_wrong_number_admits_nobody),
        NODE_TEST(a_code_belongs_to_who_files_first),
        NODE_TEST(of_two_links_with_one_code_only_the_first_files),
        NODE_TEST(a_revoked_code_ends_the_application),
        NODE_TEST(a_refused_applicant_founds_a_region),
        NODE_TEST(joining_is_given_up),
        NODE_TEST(another_code_replaces_the_first),
        NODE_TEST(codes_expire),
        NODE_TEST(codes_of_nobody_are_refused_at_once),
        NODE_TEST(another_inviter_is_not_believed),
        NODE_TEST(an_unreachable_inviter_is_called_again),
        NODE_TEST(an_application_outlives_restarts_of_both),
        NODE_TEST(the_applicant_comes_back_after_the_approval),
        NODE_TEST(an_address_too_long_for_a_code_leaves_no_invitation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
