/* Runs on a session: credit, rows that come again, chains that wait. */
#include "sync_fixture.h"

static struct mt_slice run_of(uint64_t org, size_t bytes, uint8_t *p) {
    struct mt_run_writer rw;
    struct built_org o = built_org(org);
    struct mt_id zeros = {{0}};
    struct mt_header h = {.lamport = 1};
    uint8_t sig[64] = {0};
    struct mt_writer w = mt_writer(p, MT_MESSAGE_MAX);
    uint8_t *box = calloc(1, bytes);
    assert_non_null(box);
    mt_run_begin(&rw, &w, &o.feed.pub, 1, &zeros, &zeros, &zeros);
    mt_run_add(&rw, &h, mt_slice(box, bytes));
    mt_run_end(&rw, sig);
    free(box);
    assert_int_equal(w.err, MT_OK);
    return mt_writer_slice(&w);
}

static void a_sender_overdraws_by_one_run_at_most(void **state) {
    struct session *t = *state;
    uint32_t at, one;
    uint64_t first;
    size_t max, sent = 0;
    uint8_t *p = malloc(MT_MESSAGE_MAX);
    assert_non_null(p);
    one = chain(&t->a, 1, 0, 0);
    chain(&t->b, 1, 0, 0);
    go_live(t);
    t->a.r.chains.v[one].head.seq = 1000;
    assert_int_equal(mt_sync_grew(&t->a.s, &t->a.r, one, false), MT_OK);
    for (uint64_t k = 1; mt_sync_next(&t->a.s, &t->a.r, &at, &first, &max); k++) {
        assert_true(at == one && first == k && max <= MT_WINDOW_START - sent);
        struct mt_slice run = run_of(1, 100000, p);
        sent += run.n;
        assert_int_equal(mt_sync_fetched(&t->a.s, &t->a.r, at, run, k), MT_OK);
    }
    assert_in_range(sent, MT_WINDOW_START, MT_WINDOW_START + 100500);
    settle(t);
    both(t, MT_SYNC_LIVE);
    assert_int_equal(t->b.runs, 3);
    assert_int_equal(t->b.s.owed, sent);
    /* Verified, the credit comes back, and the window grows to its size. */
    t->b.r.chains.v[t->b.run_chain].head.seq = 3;
    for (int i = 0; i < 3; i++)
        assert_int_equal(mt_sync_mark(&t->b.s, &t->b.r, t->b.run_chain, t->b.run_bytes, true),
                         MT_OK);
    settle(t);
    assert_int_equal(t->b.s.owed, 0);
    assert_int_equal(t->a.s.credit, MT_WINDOW_PEER);
    assert_int_equal(t->a.s.marks[one].theirs, 3);
    assert_int_equal(t->b.r.window_left, MT_WINDOW_ALL - MT_WINDOW_PEER);
    assert_true(mt_sync_next(&t->a.s, &t->a.r, &at, &first, &max) && first == 4);
    free(p);
}

static void who_sends_beyond_the_credit_is_cut_off(void **state) {
    struct session *t = *state;
    uint8_t *p = malloc(MT_MESSAGE_MAX);
    size_t sent = 0;
    assert_non_null(p);
    chain(&t->a, 2, 0, 0);
    chain(&t->b, 2, 0, 0);
    go_live(t);
    struct mt_slice run = run_of(2, 200000, p);
    for (; !t->a.err; sent += run.n)
        take_message(&t->a, run);
    assert_int_equal(t->a.err, MT_EPROTOCOL);
    assert_in_range(sent, MT_WINDOW_START + MT_MESSAGE_MAX,
                    MT_WINDOW_START + MT_MESSAGE_MAX + 2 * run.n);
    free(p);
}

static void credit_beyond_all_reason_ends_the_session(void **state) {
    struct session *t = *state;
    uint8_t buf[64];
    struct mt_writer w = mt_writer(buf, sizeof buf);
    go_live(t);
    mt_mark_begin(&w, MT_WINDOW_ALL - MT_WINDOW_START, 0);
    take_message(&t->a, mt_writer_slice(&w));
    assert_int_equal(t->a.err, MT_OK);
    w.n = 0;
    mt_mark_begin(&w, 1, 0);
    take_message(&t->a, mt_writer_slice(&w));
    assert_int_equal(t->a.err, MT_EPROTOCOL);
}

static void a_run_of_a_channel_that_is_not_theirs_ends_the_session(void **state) {
    struct session *t = *state;
    uint8_t *p = malloc(MT_MESSAGE_MAX);
    assert_non_null(p);
    uint32_t at = chain(&t->a, 2, 0, 0);
    t->a.r.chains.v[at].info.other = built_id("org", 3);
    go_live(t);
    take_message(&t->a, run_of(2, 128, p));
    assert_int_equal(t->a.err, MT_EPROTOCOL);
    free(p);
}

/* ---- rows that come again ---- */

static void row(struct side *x, const struct mt_chain *c, uint64_t seq, uint64_t mark) {
    uint8_t buf[256];
    struct mt_have_row r = {.chain = c->info.id, .seq = seq};
    struct mt_writer w = mt_writer(buf, sizeof buf);
    /* As the node answers a run that does not fit: a mark that gives credit back, and the row. */
    mt_mark_begin(&w, 0, 1);
    mt_mark_row_put(&w, &c->info.id, mark);
    take_message(x, mt_writer_slice(&w));
    w.n = 0;
    mt_have_begin(&w, 1);
    mt_have_row_put(&w, &r);
    mt_have_end(&w, true);
    take_message(x, mt_writer_slice(&w));
    assert_int_equal(x->err, MT_OK);
}

static void a_row_that_comes_again_steps_back_and_ends(void **state) {
    struct session *t = *state;
    uint32_t at, one = chain(&t->a, 1, 0, 20);
    uint64_t first, last = 99, asked = 0;
    chain(&t->b, 1, 0, 20);
    go_live(t);
    t->a.r.chains.v[one].head.seq = 30;
    for (int i = 0; i < 100; i++) {
        row(&t->a, &t->a.r.chains.v[one], 20, 20);
        if (!next(&t->a, &at, &first))
            continue;
        asked++;
        assert_true(first < last);
        last = first;
        uint8_t run[1] = {0};
        assert_int_equal(mt_sync_fetched(&t->a.s, &t->a.r, at, mt_slice(run, 1), 30), MT_OK);
    }
    assert_int_equal(last, 1);
    assert_in_range(asked, 3, 8);
    /* Once they come further, all is as before. */
    row(&t->a, &t->a.r.chains.v[one], 25, 25);
    assert_true(next(&t->a, &at, &first) && first == 26);
}

static void late_chains_wait_and_go_only_where_they_lack(void **state) {
    struct session *t = *state;
    uint32_t at, one = chain(&t->a, 1, 0, 5);
    uint64_t first;
    chain(&t->b, 1, 0, 5);
    go_live(t);
    t->a.r.chains.v[one].head.seq = 6;
    assert_int_equal(mt_sync_grew(&t->a.s, &t->a.r, one, true), MT_OK);
    assert_int_equal(mt_sync_grew(&t->a.s, &t->a.r, one, true), MT_OK);
    assert_int_equal(t->a.s.n_late, 1);
    assert_false(next(&t->a, &at, &first));
    assert_int_equal(mt_sync_late(&t->a.s, &t->a.r), MT_OK);
    assert_true(t->a.s.n_late == 0 && next(&t->a, &at, &first) && first == 6);
    assert_int_equal(mt_sync_fetched(&t->a.s, &t->a.r, at, mt_slice(NULL, 0), 0), MT_OK);
    assert_int_equal(mt_sync_grew(&t->a.s, &t->a.r, one, true), MT_OK);
    t->a.s.marks[one].theirs = 6; /* somebody else was faster */
    assert_int_equal(mt_sync_late(&t->a.s, &t->a.r), MT_OK);
    assert_false(next(&t->a, &at, &first));
}

static void pings_are_answered(void **state) {
    struct session *t = *state;
    go_live(t);
    assert_int_equal(mt_sync_send_number(&t->a.s, MT_MSG_PING, 77), MT_OK);
    assert_int_equal(mt_sync_send_bye(&t->b.s, "full"), MT_OK);
    settle(t);
    assert_true(t->a.n_outs == 2 && t->a.outs[0].want == MT_SYNC_BYE);
    assert_true(t->a.outs[1].want == MT_SYNC_PONG && t->a.outs[1].number == 77);
}

static void filed_says_nothing_else(void **state) {
    struct session *t = *state;
    uint8_t memory[32];
    struct mt_sync_out out;
    struct mt_writer w = mt_writer(memory, sizeof memory);
    mt_filed_put(&w);
    go_live(t);
    assert_int_equal(mt_sync_message(&t->a.s, &t->a.r, mt_writer_slice(&w), 1000, &out), MT_OK);
    assert_int_equal(out.want, MT_SYNC_FILED);
    mt_wire_put_uint(&w, 1);
    assert_int_equal(mt_sync_message(&t->a.s, &t->a.r, mt_writer_slice(&w), 1000, &out),
                     MT_ETRAILING);
}

static void who_pings_without_end_is_cut_off(void **state) {
    struct session *t = *state;
    uint8_t memory[32];
    struct mt_sync_out out;
    struct mt_writer w = mt_writer(memory, sizeof memory);
    mt_number_put(&w, MT_MSG_PING, 1);
    go_live(t);
    for (uint64_t second = 1; second <= 2; second++)
        for (int i = 0; i < MT_PINGS_MAX; i++)
            assert_int_equal(mt_sync_message(&t->a.s, &t->a.r, mt_writer_slice(&w),
                                             second * 1000 + (uint64_t)i, &out),
                             MT_OK);
    assert_int_equal(mt_sync_message(&t->a.s, &t->a.r, mt_writer_slice(&w), 2999, &out),
                     MT_EPROTOCOL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        SYNC_TEST(a_sender_overdraws_by_one_run_at_most),
        SYNC_TEST(who_sends_beyond_the_credit_is_cut_off),
        SYNC_TEST(credit_beyond_all_reason_ends_the_session),
        SYNC_TEST(a_run_of_a_channel_that_is_not_theirs_ends_the_session),
        SYNC_TEST(a_row_that_comes_again_steps_back_and_ends),
        SYNC_TEST(late_chains_wait_and_go_only_where_they_lack),
        SYNC_TEST(pings_are_answered),
        SYNC_TEST(filed_says_nothing_else),
        SYNC_TEST(who_pings_without_end_is_cut_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
