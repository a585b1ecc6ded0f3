/* Two stores take the same batches. One puts every key where it belongs at once; the other keeps
 * them together and moves them on in pieces of all sizes. Whoever reads must not see which is which. */
#include "store_fixture.h"

#include "store_recent.h"

enum { RECORDS = 60, ROUNDS = 120, BATCH_MAX = 12, ROWS_MAX = 4 * RECORDS, HEX = 4 };

struct pair {
    struct fixture plain, recent;
    struct builder b;
    uint64_t random;
};

static uint64_t draw(struct pair *x, uint64_t below) {
    x->random = x->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (x->random >> 33) % below;
}

static int setup(void **state) {
    struct pair *x = calloc(1, sizeof *x);
    fixture_open_recent(&x->plain, UINT32_MAX);
    fixture_open_recent(&x->recent, 1);
    builder_region(&x->b, REGION, 1, 1);
    *state = x;
    return 0;
}

static int teardown(void **state) {
    struct pair *x = *state;
    builder_close(&x->b);
    fixture_close(&x->plain);
    fixture_close(&x->recent);
    free(x);
    return 0;
}

/* Sets one to three fields of one of a few records: new ones come, days and hosts move. */
static void add_change(struct pair *x) {
    uint8_t memory[256];
    struct mt_rid id = built_rid(draw(x, RECORDS));
    struct mt_writer w = mt_writer(memory, sizeof memory);
    struct mt_ref ref = {.owner = x->b.info.org, .kind = MT_KIND_ORG, .id = built_rid(draw(x, 4))};
    bool dated = draw(x, 2), hosted = draw(x, 2);
    char title[16];
    (void)snprintf(title, sizeof title, "t%u", (unsigned)draw(x, 9));
    mt_changes_begin(&w, 1);
    mt_change_begin(&w, MT_KIND_ACTIVITY, mt_schema_kind(MT_KIND_ACTIVITY)->major, 0, &id,
                    1U + dated + hosted);
    mt_wire_put_uint(&w, TITLE);
    mt_wire_put_cstr(&w, title);
    if (hosted) {
        mt_wire_put_uint(&w, 3);
        mt_ref_put(&w, &ref);
    }
    if (dated) {
        mt_wire_put_uint(&w, 11);
        mt_wire_put_uint(&w, 20000 + draw(x, 20));
    }
    assert_int_equal(w.err, MT_OK);
    builder_add(&x->b, mt_writer_slice(&w));
}

static void grow(struct pair *x) {
    uint64_t first = x->b.n + 1;
    uint32_t n = 1 + (uint32_t)draw(x, BATCH_MAX);
    for (uint32_t i = 0; i < n; i++)
        add_change(x);
    assert_int_equal(fixture_run(&x->plain, &x->b, first, n).err, MT_OK);
    assert_int_equal(fixture_run(&x->recent, &x->b, first, n).err, MT_OK);
}

/* Moves some keys on. Returns whether keys are left. */
static bool fold(struct pair *x, uint64_t max) {
    struct mt_txn t;
    mt_txn_begin(&t, x->recent.s, true);
    bool left = mt_recent_fold(&t, max);
    assert_int_equal(mt_txn_end(&t, true), MT_OK);
    return left;
}

struct rows {
    uint64_t row[ROWS_MAX];
    size_t n, max;
};

static bool see(void *arg, uint64_t row) {
    struct rows *rows = arg;
    assert_true(rows->n < ROWS_MAX);
    rows->row[rows->n++] = row;
    return rows->n < rows->max;
}

static void ask(struct fixture *f, const struct mt_index_query *q, struct rows *out) {
    struct mt_read r = fixture_read(f);
    *out = (struct rows){.max = out->max};
    assert_int_equal(mt_read_index(&r, q, see, out), MT_OK);
    mt_read_end(&r);
}

static void same_rows(struct pair *x, const struct mt_index_query *q, size_t max) {
    struct rows a = {.max = max}, b = {.max = max};
    ask(&x->plain, q, &a);
    ask(&x->recent, q, &b);
    assert_int_equal(a.n, b.n);
    assert_memory_equal(a.row, b.row, a.n * sizeof a.row[0]);
}

static void same_index(struct pair *x) {
    uint8_t from[4], to[4];
    struct mt_index_query q = {.type = MT_INDEX_DATE, .kind = MT_KIND_ACTIVITY};
    for (int i = 0; i < 2; i++, q.descending = true) {
        same_rows(x, &q, ROWS_MAX);
        same_rows(x, &q, 5);
    }
    mt_be32(from, 20000 + (uint32_t)draw(x, 20));
    mt_be32(to, 20000 + (uint32_t)draw(x, 20));
    q.from = mt_slice(from, sizeof from);
    q.to = mt_slice(to, sizeof to);
    for (int i = 0; i < 2; i++, q.descending = !q.descending)
        same_rows(x, &q, ROWS_MAX);
    for (uint64_t i = 0; i < 4; i++) {
        struct mt_rid host = built_rid(i);
        q = (struct mt_index_query){.type = MT_INDEX_REF, .kind = MT_KIND_ACTIVITY};
        q.all_audiences = i % 2;
        q.from = q.to = mt_slice(host.b, sizeof host.b);
        same_rows(x, &q, ROWS_MAX);
    }
}

static void same_ids(struct pair *x) {
    struct mt_read p = fixture_read(&x->plain), r = fixture_read(&x->recent);
    for (uint64_t i = 0; i < RECORDS; i++) {
        struct mt_rid id = built_rid(i);
        uint64_t a, b;
        enum mt_err err = mt_read_find(&p, NULL, &x->b.info.org, MT_KIND_ACTIVITY, &id, &a);
        assert_int_equal(mt_read_find(&r, NULL, &x->b.info.org, MT_KIND_ACTIVITY, &id, &b), err);
        assert_true(err == MT_ENOTFOUND || (err == MT_OK && a == b));
    }
    char hex[HEX + 1];
    (void)snprintf(hex, sizeof hex, "%02x", (unsigned)draw(x, 256));
    for (size_t n = 0; n <= 2; n++) {
        uint64_t a[ROWS_MAX], b[ROWS_MAX];
        size_t n_a, n_b;
        struct mt_slice digits = mt_slice((const uint8_t *)hex, n);
        assert_int_equal(mt_read_prefix(&p, 0, digits, a, ROWS_MAX, &n_a), MT_OK);
        assert_int_equal(mt_read_prefix(&r, 0, digits, b, ROWS_MAX, &n_b), MT_OK);
        assert_int_equal(n_a, n_b);
        assert_memory_equal(a, b, n_a * sizeof a[0]);
    }
    mt_read_end(&p);
    mt_read_end(&r);
}

static void same_all(struct pair *x) {
    uint8_t a[32], b[32];
    same_index(x);
    same_ids(x);
    fixture_digest(&x->plain, a);
    fixture_digest(&x->recent, b);
    assert_memory_equal(a, b, sizeof a);
}

static uint64_t sets(struct pair *x) {
    struct mt_txn t;
    mt_txn_begin(&t, x->recent.s, false);
    uint64_t n = mt_txn_count(&t, T_RECENT);
    assert_int_equal(mt_txn_end(&t, false), MT_OK);
    return n;
}

static void reading_sees_no_difference(void **state) {
    struct pair *x = *state;
    uint64_t most = 0;
    for (int i = 0; i < ROUNDS; i++) {
        grow(x);
        most = sets(x) > most ? sets(x) : most;
        if (draw(x, 3) == 0)
            (void)fold(x, draw(x, 40));
        if (draw(x, 20) == 0)
            while (fold(x, 1 + draw(x, 200)))
                ;
        if (draw(x, 10) == 0)
            fixture_reopen(&x->recent);
        same_all(x);
    }
    assert_true(most > 4); /* there was something to see */
}

/* Nothing but batches: the sets are moved on by these alone. */
static void the_sets_do_not_pile_up(void **state) {
    struct pair *x = *state;
    for (int i = 0; i < 3 * ROUNDS; i++) {
        grow(x);
        assert_true(sets(x) <= RECENT_SETS_MAX / 2);
    }
    same_all(x);
    for (bool more = true; more;)
        assert_int_equal(mt_store_tidy(x->recent.s, &more), MT_OK);
    assert_int_equal(sets(x), 0);
    same_all(x);
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(reading_sees_no_difference),
        TEST(the_sets_do_not_pile_up),
    };
    return cmocka_run_group_tests_name("store recent", tests, NULL, NULL);
}
