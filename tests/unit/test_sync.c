/* Two sessions back to back: what each side learns, what it costs, and what ends it. */
#include "sync_fixture.h"

/* ---- levelling ---- */

static void equal_replicas_are_done_in_one_round_trip(void **state) {
    struct session *t = *state;
    uint32_t at;
    uint64_t first;
    admit_two(t->b.r.gov);
    for (int i = 0; i < 2; i++) {
        struct side *x = i ? &t->b : &t->a;
        chain(x, 1, 0, 70);
        chain(x, 2, 0, 3);
        chain(x, 1, i ? 1 : 2, 9);
    }
    hello(t);
    assert_int_equal(settle(t), 1);
    both(t, MT_SYNC_LIVE);
    assert_true(t->a.messages == 1 && t->b.messages == 1);
    assert_in_range(t->a.sent, 100, 299);
    assert_in_range(t->b.sent, 100, 299);
    assert_int_equal(mt_sync_lag(&t->a.s, &t->a.r) + mt_sync_lag(&t->b.s, &t->b.r), 0);
    assert_false(next(&t->a, &at, &first) || next(&t->b, &at, &first));
}

static void governance_is_levelled_both_ways_first(void **state) {
    struct session *t = *state;
    uint8_t x[32], y[32];
    admit_two(t->b.r.gov);
    gov_admit(t->a.r.gov, 3);
    assert_int_equal(gov_add(t->b.r.gov, made_statement(1, 1)), MT_OK);
    chain(&t->a, 1, 0, 4);
    size_t before = t->b.r.n_added;
    hello(t);
    settle(t);
    both(t, MT_SYNC_LIVE);
    assert_int_equal(mt_gov_digest(t->a.r.gov, x), MT_OK);
    assert_int_equal(mt_gov_digest(t->b.r.gov, y), MT_OK);
    assert_memory_equal(x, y, 32);
    assert_non_null(gov_member(t->b.r.gov, 3));
    assert_int_equal(t->b.r.n_added - before, 2);
    assert_int_equal(t->a.r.n_added, 1);
}

static void what_one_lacks_is_queued_from_there(void **state) {
    struct session *t = *state;
    uint32_t at;
    uint64_t first;
    admit_two(t->b.r.gov);
    uint32_t one = chain(&t->a, 1, 0, 10);
    chain(&t->b, 1, 0, 4);
    chain(&t->a, 2, 0, 0);
    uint32_t two = chain(&t->b, 2, 0, 6);
    hello(t);
    settle(t);
    both(t, MT_SYNC_LIVE);
    assert_int_equal(mt_sync_lag(&t->a.s, &t->a.r), 6);
    assert_int_equal(mt_sync_behind(&t->a.s, &t->a.r), 6);
    assert_true(next(&t->a, &at, &first) && at == one && first == 5);
    assert_false(next(&t->a, &at, &first)); /* one at a time */
    assert_true(next(&t->b, &at, &first) && at == two && first == 1);
}

/* What is committed while the HELLOs cross is in neither digest. */
static void what_grows_while_the_hellos_cross_is_sent(void **state) {
    struct session *t = *state;
    uint32_t at;
    uint64_t first;
    admit_two(t->b.r.gov);
    uint32_t one = chain(&t->a, 1, 0, 10);
    chain(&t->b, 1, 0, 10);
    hello(t);
    t->a.r.chains.v[one].head.seq = 12;
    assert_int_equal(mt_sync_grew(&t->a.s, &t->a.r, one, false), MT_OK);
    gov_admit(t->a.r.gov, 3);
    struct made admit = made_admit(3);
    assert_int_equal(mt_sync_items(&t->a.s, &t->a.r, &admit.id, 1), MT_OK);
    settle(t);
    both(t, MT_SYNC_LIVE);
    assert_non_null(gov_member(t->b.r.gov, 3));
    assert_int_equal(mt_sync_lag(&t->a.s, &t->a.r), 2);
    assert_true(next(&t->a, &at, &first) && at == one && first == 11);
}

static void a_stranger_gets_the_proof_of_our_admission_only(void **state) {
    struct session *t = *state;
    uint32_t at;
    uint64_t first;
    /* Side b is organisation 3, which nobody admitted; side a is organisation 1. */
    struct built_org three = built_org(3);
    t->a.s.org = t->b.r.own_org = three.root.pub;
    assert_int_equal(gov_add(t->a.r.gov, made_statement(1, 1)), MT_OK);
    uint32_t one = chain(&t->a, 1, 0, 10);
    uint32_t mine = chain(&t->b, 3, 0, 5);
    hello(t);
    settle(t);
    both(t, MT_SYNC_PROOF);
    assert_int_equal(t->a.messages, 3); /* HELLO, no ids, no items */
    assert_true(gov_member(t->b.r.gov, 1) && !gov_member(t->b.r.gov, 2));
    assert_int_equal(mt_gov_statements(t->b.r.gov), 0);
    t->a.r.chains.v[one].head.seq++;
    assert_int_equal(mt_sync_grew(&t->a.s, &t->a.r, one, false), MT_OK);
    struct made admit = made_admit(2);
    assert_int_equal(mt_sync_items(&t->a.s, &t->a.r, &admit.id, 1), MT_OK);
    assert_int_equal(mt_sync_mark(&t->a.s, &t->a.r, one, 0, false), MT_OK);
    assert_false(next(&t->a, &at, &first) || next(&t->b, &at, &first));
    assert_int_equal(t->a.s.out_n + t->b.s.out_n, 0);
    /* Admitted after all, the session goes on where it waited. */
    gov_admit(t->a.r.gov, 3);
    gov_admit(t->b.r.gov, 3);
    assert_int_equal(mt_sync_members(&t->a.s, &t->a.r, WALL), MT_OK);
    settle(t);
    assert_int_equal(mt_sync_members(&t->b.s, &t->b.r, WALL), MT_OK);
    settle(t);
    both(t, MT_SYNC_LIVE);
    assert_true(next(&t->a, &at, &first) && at == one && first == 1);
    assert_true(next(&t->b, &at, &first) && at == mine && first == 1);
}

static void an_applicant_files_and_is_taken_up_on_the_same_link(void **state) {
    struct session *t = *state;
    struct made join = made_join(3);
    struct built_org three = built_org(3);
    t->a.s.org = t->b.r.own_org = three.root.pub;
    t->a.s.applied = true;
    mt_gov_free(t->b.r.gov);
    t->b.r.gov = mt_gov_new();
    assert_int_equal(mt_sync_open(&t->a.s, &t->a.r, mt_slice(NULL, 0), WALL), MT_OK);
    assert_int_equal(mt_sync_open(&t->b.s, &t->b.r, made_slice(&join), WALL), MT_OK);
    assert_true(t->a.s.state == MT_SYNC_APPLICANT && t->b.s.state == MT_SYNC_FILING);
    settle(t);
    assert_true(t->a.n_outs == 1 && t->a.outs[0].want == MT_SYNC_FILE);
    assert_int_equal(mt_sync_send_filed(&t->a.s), MT_OK);
    settle(t);
    assert_true(t->b.n_outs == 1 && t->b.outs[0].want == MT_SYNC_FILED);
    assert_int_equal(mt_gov_count(t->b.r.gov), 0);
    gov_admit(t->a.r.gov, 3);
    assert_int_equal(mt_sync_members(&t->a.s, &t->a.r, WALL), MT_OK);
    settle(t);
    both(t, MT_SYNC_LIVE);
    assert_true(gov_member(t->b.r.gov, 3) && gov_member(t->b.r.gov, 2));
}

static void an_applicant_takes_no_other_region(void **state) {
    struct session *t = *state;
    struct mt_found f = found_body();
    struct built_org o = built_org(1);
    struct made m;
    uint8_t buf[2048];
    mt_gov_free(t->b.r.gov);
    t->b.r.gov = mt_gov_new();
    hello(t);
    f.random[0] ^= 1;
    struct mt_writer w = mt_writer(m.b, sizeof m.b);
    mt_found_put(&w, &f, &o.root);
    m = made_end(&m, &w, NULL);
    t->b.s.state = MT_SYNC_GOVERNANCE;
    w = mt_writer(buf, sizeof buf);
    mt_gov_items_begin(&w, 1);
    mt_wire_put_bin(&w, m.b, m.n);
    mt_gov_items_end(&w, true);
    take_message(&t->b, mt_writer_slice(&w));
    assert_int_equal(t->b.err, MT_EVALUE);
    assert_false(mt_gov_is_founded(t->b.r.gov));
}

/* ---- order ---- */

static struct mt_slice message(enum mt_msg_type type, uint8_t *buf, size_t cap) {
    struct mt_writer w = mt_writer(buf, cap);
    struct mt_hello h = {0};
    struct mt_run_writer rw;
    struct mt_id zeros = {{0}};
    struct mt_header header = {.lamport = 1};
    uint8_t sig[64] = {0};
    switch (type) {
    case MT_MSG_HELLO:
        mt_hello_put(&w, &h);
        break;
    case MT_MSG_GOV_HAVE:
        mt_gov_have_begin(&w, 0);
        break;
    case MT_MSG_GOV_ITEMS:
        mt_gov_items_begin(&w, 0);
        mt_gov_items_end(&w, false);
        break;
    case MT_MSG_HAVE:
        mt_have_begin(&w, 0);
        mt_have_end(&w, true);
        break;
    case MT_MSG_RUN:
        mt_run_begin(&rw, &w, &zeros, 1, &zeros, &zeros, &zeros);
        mt_run_add(&rw, &header, mt_slice(sig, sizeof sig));
        mt_run_end(&rw, sig);
        break;
    case MT_MSG_MARK:
        mt_mark_begin(&w, 0, 0);
        break;
    case MT_MSG_FILE:
        mt_file_put(&w, mt_slice_str("x"));
        break;
    case MT_MSG_FILED:
        mt_filed_put(&w);
        break;
    case MT_MSG_BYE:
        mt_bye_put(&w, "x");
        break;
    default:
        mt_number_put(&w, type, 5);
    }
    assert_int_equal(w.err, MT_OK);
    return mt_writer_slice(&w);
}

/* In each state, which messages may come; anything else is MT_EPROTOCOL. */
static void messages_out_of_order_end_the_session(void **state) {
    struct session *t = *state;
    enum {
        FEW = 1 << MT_MSG_PING | 1 << MT_MSG_PONG | 1 << MT_MSG_BYE,
        ANY = FEW | 1 << MT_MSG_FILED, /* may cross what takes the applicant up */
    };
    static const struct {
        enum mt_sync_state state;
        bool have;
        unsigned allowed;
    } CASES[] = {
        {MT_SYNC_FILING, false, ANY | 1 << MT_MSG_HELLO},
        {MT_SYNC_APPLICANT, false, FEW},
        {MT_SYNC_HELLO, false, ANY | 1 << MT_MSG_HELLO},
        {MT_SYNC_GOVERNANCE, false,
         ANY | 1 << MT_MSG_GOV_HAVE | 1 << MT_MSG_GOV_ITEMS | 1 << MT_MSG_HAVE},
        {MT_SYNC_PROOF, false, ANY | 1 << MT_MSG_GOV_ITEMS | 1 << MT_MSG_HAVE},
        {MT_SYNC_HAVE, false, ANY | 1 << MT_MSG_GOV_ITEMS | 1 << MT_MSG_HAVE},
        {MT_SYNC_LIVE, true,
         ANY | 1 << MT_MSG_GOV_ITEMS | 1 << MT_MSG_HAVE | 1 << MT_MSG_RUN | 1 << MT_MSG_MARK},
    };
    admit_two(t->b.r.gov);
    for (size_t i = 0; i < MT_ARRAY_LEN(CASES); i++)
        for (int type = MT_MSG_HELLO; type <= MT_MSG_BYE; type++) {
            uint8_t buf[512];
            struct mt_sync_out out;
            hello(t);
            t->a.s.state = CASES[i].state;
            t->a.s.sent_have = CASES[i].state >= MT_SYNC_HAVE;
            t->a.s.got_have = CASES[i].have;
            enum mt_err err = mt_sync_message(
                &t->a.s, &t->a.r, message((enum mt_msg_type)type, buf, sizeof buf), WALL, &out);
            bool allowed = CASES[i].allowed >> type & 1;
            if (allowed)
                assert_int_not_equal(err, MT_EPROTOCOL);
            else
                assert_int_equal(err, MT_EPROTOCOL);
            mt_sync_close(&t->a.s, &t->a.r);
            mt_sync_close(&t->b.s, &t->b.r);
            t->a.s = (struct mt_sync){.scratch = t->a.scratch, .org = t->b.r.own_org};
            t->b.s = (struct mt_sync){.scratch = t->b.scratch, .org = t->a.r.own_org};
            shake(&t->a, &t->b);
        }
}

static void other_versions_end_the_session(void **state) {
    struct session *t = *state;
    uint8_t buf[512];
    hello(t);
    struct mt_slice m = message(MT_MSG_HELLO, buf, sizeof buf);
    assert_int_equal(buf[3], MT_WIRE_VERSION);
    buf[3] = 9;
    take_message(&t->a, m);
    assert_int_equal(t->a.err, MT_EVERSION);
}

static void many_small_elements_take_no_memory(void **state) {
    struct session *t = *state;
    enum { N = 500000 };
    uint8_t *p = malloc(2 * N + 16);
    assert_non_null(p);
    hello(t);
    t->a.s.state = MT_SYNC_GOVERNANCE;
    struct mt_writer w = mt_writer(p, 2 * N + 16);
    mt_gov_have_begin(&w, N);
    for (size_t i = 0; i < N; i++) /* elements of two bytes: empty byte strings */
        mt_wire_put_bin(&w, NULL, 0);
    take_message(&t->a, mt_writer_slice(&w));
    assert_int_equal(t->a.err, MT_ETYPE);
    free(p);
}

static void bad_items_end_the_session_and_later_kinds_do_not(void **state) {
    struct session *t = *state;
    uint8_t buf[2048];
    go_live(t);
    for (int i = 0; i < 2; i++) {
        struct made m = made_certificate(2, 22, 7);
        m.b[i ? m.n - 1 : 1] = i ? m.b[m.n - 1] ^ 1 : 99;
        struct mt_writer w = mt_writer(buf, sizeof buf);
        mt_gov_items_begin(&w, 1);
        mt_wire_put_bin(&w, m.b, m.n);
        mt_gov_items_end(&w, false);
        take_message(&t->a, mt_writer_slice(&w));
        assert_int_equal(t->a.err, i ? MT_ESIGNATURE : MT_OK);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        SYNC_TEST(equal_replicas_are_done_in_one_round_trip),
        SYNC_TEST(governance_is_levelled_both_ways_first),
        SYNC_TEST(what_one_lacks_is_queued_from_there),
        SYNC_TEST(what_grows_while_the_hellos_cross_is_sent),
        SYNC_TEST(a_stranger_gets_the_proof_of_our_admission_only),
        SYNC_TEST(an_applicant_files_and_is_taken_up_on_the_same_link),
        SYNC_TEST(an_applicant_takes_no_other_region),
        SYNC_TEST(messages_out_of_order_end_the_session),
        SYNC_TEST(other_versions_end_the_session),
        SYNC_TEST(many_small_elements_take_no_memory),
        SYNC_TEST(bad_items_end_the_session_and_later_kinds_do_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
