/* Two sessions back to back: what each side learns, what it costs, and what ends it. */
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

static void shake(struct side *a, struct side *b) {
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

static void open_side(struct side *x, uint64_t own, uint64_t peer) {
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

static void close_side(struct side *x) {
    mt_sync_close(&x->s, &x->r);
    assert_int_equal(x->r.window_left, MT_WINDOW_ALL);
    mt_gov_free(x->r.gov);
    mt_chains_free(&x->r.chains);
    free(x->r.added);
    free(x->scratch);
}

static void admit_two(struct mt_gov *g) {
    gov_admit(g, 2);
    assert_int_equal(gov_add(g, made_certificate(2, 2, 0)), MT_OK);
}

static int open_session(void **state) {
    struct session *t = calloc(1, sizeof *t);
    assert_non_null(t);
    open_side(&t->a, 1, 2);
    open_side(&t->b, 2, 1);
    admit_two(t->a.r.gov);
    shake(&t->a, &t->b);
    *state = t;
    return 0;
}

static int close_session(void **state) {
    struct session *t = *state;
    close_side(&t->a);
    close_side(&t->b);
    free(t);
    return 0;
}

/* A chain of organisation `org` that holds `seq` entries here. */
static uint32_t chain(struct side *x, uint64_t org, uint64_t other, uint64_t seq) {
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

static void take_message(struct side *x, struct mt_slice m) {
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
static bool move(struct side *from, struct side *to) {
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

static int settle(struct session *t) {
    int turns = 0;
    while ((int)move(&t->a, &t->b) + (int)move(&t->b, &t->a) > 0)
        assert_true(++turns < 50);
    return turns;
}

static void hello(struct session *t) {
    assert_int_equal(mt_sync_open(&t->a.s, &t->a.r, mt_slice(NULL, 0), WALL), MT_OK);
    assert_int_equal(mt_sync_open(&t->b.s, &t->b.r, mt_slice(NULL, 0), WALL), MT_OK);
}

static void both(struct session *t, enum mt_sync_state state) {
    assert_int_equal(t->a.err, MT_OK);
    assert_int_equal(t->b.err, MT_OK);
    assert_int_equal(t->a.s.state, state);
    assert_int_equal(t->b.s.state, state);
}

static void go_live(struct session *t) {
    admit_two(t->b.r.gov);
    hello(t);
    settle(t);
    both(t, MT_SYNC_LIVE);
}

static bool next(struct side *x, uint32_t *at, uint64_t *first) {
    size_t max;
    return mt_sync_next(&x->s, &x->r, at, first, &max);
}

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
    enum { N = 1000000 };
    uint8_t *p = malloc(N + 16);
    assert_non_null(p);
    hello(t);
    t->a.s.state = MT_SYNC_GOVERNANCE;
    struct mt_writer w = mt_writer(p, N + 16);
    mt_gov_have_begin(&w, N);
    memset(mt_writer_take(&w, N), 0xc0, N);
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

/* ---- credit ---- */

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

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_session, close_session)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(equal_replicas_are_done_in_one_round_trip),
        TEST(governance_is_levelled_both_ways_first),
        TEST(what_one_lacks_is_queued_from_there),
        TEST(what_grows_while_the_hellos_cross_is_sent),
        TEST(a_stranger_gets_the_proof_of_our_admission_only),
        TEST(an_applicant_files_and_is_taken_up_on_the_same_link),
        TEST(an_applicant_takes_no_other_region),
        TEST(messages_out_of_order_end_the_session),
        TEST(other_versions_end_the_session),
        TEST(many_small_elements_take_no_memory),
        TEST(bad_items_end_the_session_and_later_kinds_do_not),
        TEST(a_sender_overdraws_by_one_run_at_most),
        TEST(who_sends_beyond_the_credit_is_cut_off),
        TEST(credit_beyond_all_reason_ends_the_session),
        TEST(a_run_of_a_channel_that_is_not_theirs_ends_the_session),
        TEST(a_row_that_comes_again_steps_back_and_ends),
        TEST(late_chains_wait_and_go_only_where_they_lack),
        TEST(pings_are_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
