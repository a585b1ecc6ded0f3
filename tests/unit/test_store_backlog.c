/* Sets of recent keys in numbers that only millions of changes bring, made here by hand. */
#include "store_fixture.h"

#include "store_recent.h"

enum { OWNER = 77 };

static uint64_t next_random(uint64_t *x) {
    *x ^= *x << 13;
    *x ^= *x >> 7;
    *x ^= *x << 17;
    return *x;
}

static int cmp_keys(const void *a, const void *b) {
    return memcmp(a, b, RECENT_KEY);
}

/* A set of rows of some owner, as a large batch leaves it. */
static void put_set(struct fixture *f, uint32_t n, uint64_t *random) {
    struct mt_txn t;
    struct recent_item *items = malloc(n * sizeof *items);
    assert_non_null(items);
    for (uint32_t i = 0; i < n; i++) {
        uint8_t key[ROWID_SIZE] = {0};
        mt_be32(key + 4, OWNER);
        mt_be16(key + 8, MT_KIND_ACTIVITY);
        mt_be64(key + 10, next_random(random));
        mt_recent_item(&items[i], true, mt_slice(key, sizeof key));
        mt_be64(items[i].row, 1000000 + i);
    }
    qsort(items, n, sizeof *items, cmp_keys);
    assert_int_equal(mt_store_grow(f->s, 32U << 20), MT_OK);
    mt_txn_begin(&t, f->s, true);
    mt_recent_put(&t, items, n);
    assert_int_equal(mt_txn_end(&t, true), MT_OK);
    free(items);
}

static int setup(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    fixture_open(f);
    *state = f;
    return 0;
}

static int teardown(void **state) {
    fixture_close(*state);
    free(*state);
    return 0;
}

/* Each small batch adds a set. However many keys wait, they are moved before there are too many sets. */
static void small_batches_behind_large_ones_go_on(void **state) {
    struct fixture *f = *state;
    struct builder b;
    uint64_t random = 88172645463325252U;
    builder_region(&b, REGION, 1, 1);
    for (int i = 0; i < 47; i++)
        put_set(f, 60000, &random);
    for (uint64_t i = 0; i < 300; i++) {
        builder_add_text(&b, MT_KIND_ACTIVITY, i, TITLE, "a");
        assert_int_equal(fixture_run(f, &b, b.n, 1).err, MT_OK);
    }
    builder_close(&b);
}

/* Uses the map up but for what a batch finds free at least. */
static void fill_map(struct fixture *f) {
    static const uint8_t bytes[1500];
    uint64_t used, map;
    mt_store_size(f->s, &used, &map);
    for (uint32_t i = 0; map - used >= 17U << 20; i++) {
        struct mt_txn t;
        mt_txn_begin(&t, f->s, true);
        for (unsigned k = 0; k < 250; k++) {
            char name[24];
            (void)snprintf(name, sizeof name, "pad%06u-%03u", (unsigned)i, k);
            mt_txn_put(&t, T_STATE, mt_slice_str(name), mt_slice(bytes, sizeof bytes));
        }
        assert_int_equal(mt_txn_end(&t, true), MT_OK);
        mt_store_size(f->s, &used, &map);
    }
}

/* A few keys all over a large table dirty more pages than a batch of that size needs otherwise. */
static void a_map_that_is_full_while_keys_move_grows(void **state) {
    struct fixture *f = *state;
    uint64_t random = 88172645463325252U;
    for (int i = 0; i < 4; i++) {
        struct mt_txn t;
        put_set(f, 400000, &random);
        assert_int_equal(mt_store_grow(f->s, 200U << 20), MT_OK);
        mt_txn_begin(&t, f->s, true);
        assert_false(mt_recent_fold(&t, UINT64_MAX));
        assert_int_equal(mt_txn_end(&t, true), MT_OK);
    }
    for (int i = 0; i < 48; i++)
        put_set(f, 600, &random);
    fill_map(f);
    struct mt_batch *batch = fixture_batch(f);
    struct mt_op *op = mt_batch_add(batch, MT_OP_BLOB);
    op->blob.name = "x";
    op->blob.bytes = mt_slice_str("y");
    mt_apply(f->s, batch);
    assert_int_equal(batch->err, MT_OK);
    mt_batch_free(batch);
    for (bool more = true; more;)
        assert_int_equal(mt_store_tidy(f->s, &more), MT_OK);
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(small_batches_behind_large_ones_go_on),
        TEST(a_map_that_is_full_while_keys_move_grows),
    };
    return cmocka_run_group_tests_name("store backlog", tests, NULL, NULL);
}
