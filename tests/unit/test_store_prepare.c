/* Runs that were prepared, beside the same runs applied without: the store must come out the same. */
#include "store_fixture.h"

#include "store_internal.h"
#include "store_prepare.h"

#include "job.h"

struct pair {
    struct fixture plain, ahead;
    struct mt_prepare *prepare;
};

static int setup(void **state) {
    struct pair *x = calloc(1, sizeof *x);
    fixture_open_recent(&x->plain, 1);
    fixture_open_recent(&x->ahead, 1);
    assert_int_equal(mt_prepare_new(&x->prepare, x->ahead.s), MT_OK);
    *state = x;
    return 0;
}

static int teardown(void **state) {
    struct pair *x = *state;
    mt_prepare_free(x->prepare);
    fixture_close(&x->plain);
    fixture_close(&x->ahead);
    free(x);
    return 0;
}

/* A run that was prepared when the chain ended at `held`. */
static struct mt_run_job *prepared(struct pair *x, const struct builder *b, uint64_t first,
                                   uint32_t n, uint64_t held, struct mt_keyring *keys) {
    struct mt_run_job *job;
    struct mt_slice m = builder_run_new(b, first, n);
    assert_int_equal(mt_run_job_new(&job, (uint8_t *)(uintptr_t)m.p, m.n), MT_OK);
    job->region = b->region;
    job->chain = b->info;
    job->own_org = built_org(1).root.pub;
    job->head = builder_head(b, held);
    job->keys = mt_keyring_ref(keys);
    mt_prepare_run(x->prepare, job);
    return job;
}

static struct mt_op apply_job(struct fixture *f, struct mt_run_job *take_job) {
    struct mt_batch *batch = fixture_batch(f);
    struct mt_op *op = mt_batch_add(batch, MT_OP_RUN);
    op->run.chain = take_job->chain;
    op->run.message = take_job->message;
    op->run.job = take_job;
    mt_apply(f->s, batch);
    struct mt_op result = *op;
    assert_int_equal(batch->err, MT_OK);
    mt_batch_free(batch);
    return result;
}

static struct mt_op apply_prepared(struct pair *x, struct mt_run_job *take_job) {
    assert_non_null(take_job->prepared);
    return apply_job(&x->ahead, take_job);
}

/* Every table, key by key, but the sealed ones. */
static void dump(struct fixture *f, FILE *out) {
    struct mt_txn t;
    mt_txn_begin(&t, f->s, false);
    for (int table = 0; table < T_COUNT; table++) {
        struct mt_slice key = {0}, value;
        MDB_cursor *c = mt_txn_cursor(&t, (enum table)table);
        for (bool more = mt_txn_move(&t, c, MDB_FIRST, &key, &value); more;
             more = mt_txn_move(&t, c, MDB_NEXT, &key, &value)) {
            if (table == T_META && mt_slice_is(key, "key"))
                continue;
            (void)fprintf(out, "%s ", mt_store_table_names[table]);
            for (size_t i = 0; i < key.n; i++)
                (void)fprintf(out, "%02x", key.p[i]);
            (void)fprintf(out, " ");
            for (size_t i = 0; i < value.n; i++)
                (void)fprintf(out, "%02x", value.p[i]);
            (void)fprintf(out, "\n");
        }
    }
    assert_int_equal(mt_txn_end(&t, false), MT_OK);
}

static char *dumped(struct fixture *f) {
    char *text;
    size_t n;
    FILE *out = open_memstream(&text, &n);
    assert_non_null(out);
    dump(f, out);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void same_tables(struct pair *x) {
    char *a = dumped(&x->plain), *b = dumped(&x->ahead);
    assert_true(strlen(a) > 0);
    assert_string_equal(a, b);
    free(a);
    free(b);
}

static void same_stores(struct pair *x) {
    uint8_t digest[32];
    same_tables(x);
    fixture_digest(&x->ahead, digest);
}

/* New records, records that change again in the run and later, one with two fields. */
static void grow(struct builder *b, uint64_t from) {
    for (uint64_t i = 0; i < 6; i++)
        builder_add_text(b, MT_KIND_ACTIVITY, from + i % 4, TITLE, i % 2 ? "a" : "b");
    builder_add_text(b, MT_KIND_STAGEPLEK, from, TITLE, "c");
    builder_add(b, mt_slice_str("no changes at all"));
}

static void what_was_prepared_comes_out_the_same(void **state) {
    struct pair *x = *state;
    struct builder b[3];
    builder_region(&b[0], REGION, 2, 1); /* another's */
    builder_region(&b[1], REGION, 1, 2); /* our own: identities are kept */
    builder_pair(&b[2], REGION, 3, 1, 1, 3);
    for (uint64_t round = 0; round < 4; round++) {
        for (int i = 0; i < 3; i++) {
            uint64_t first = b[i].n + 1;
            grow(&b[i], round * 2);
            uint32_t n = b[i].n - (uint32_t)first + 1;
            struct mt_op plain = fixture_run(&x->plain, &b[i], first, n);
            struct mt_run_job *job = prepared(x, &b[i], first, n, first - 1, x->ahead.ring);
            struct mt_op ahead = apply_prepared(x, job);
            assert_int_equal(plain.err, MT_OK);
            assert_int_equal(ahead.err, MT_OK);
            assert_int_equal(ahead.added, n);
            assert_memory_equal(&plain.head, &ahead.head, sizeof plain.head);
        }
        same_stores(x);
    }
    for (int i = 0; i < 3; i++)
        builder_close(&b[i]);
}

/* While the first waits, what comes behind it is prepared on what it ends with. */
static void runs_are_prepared_one_behind_the_other(void **state) {
    struct pair *x = *state;
    struct builder b;
    struct mt_run_job *jobs[3];
    builder_region(&b, REGION, 2, 1);
    for (int i = 0; i < 3; i++)
        grow(&b, 1);
    for (uint64_t i = 0; i < 3; i++)
        jobs[i] = prepared(x, &b, i * 8 + 1, 8, 0, x->ahead.ring);
    for (uint64_t i = 0; i < 3; i++) {
        assert_int_equal(fixture_run(&x->plain, &b, i * 8 + 1, 8).err, MT_OK);
        assert_int_equal(apply_prepared(x, jobs[i]).err, MT_OK);
    }
    same_stores(x);
    builder_close(&b);
}

static void a_key_that_comes_meanwhile_opens(void **state) {
    struct pair *x = *state;
    struct builder b;
    struct mt_keyring *none = mt_keyring_new(0);
    builder_region(&b, REGION, 2, 1);
    grow(&b, 1);
    struct mt_run_job *job = prepared(x, &b, 1, 8, 0, none);
    assert_int_equal(fixture_run(&x->plain, &b, 1, 8).err, MT_OK);
    assert_int_equal(apply_prepared(x, job).err, MT_OK);
    assert_int_equal(fixture_waiting(&x->ahead), 0);
    same_stores(x);
    mt_keyring_unref(none);
    builder_close(&b);
}

static void without_a_key_entries_wait(void **state) {
    struct pair *x = *state;
    struct builder b;
    struct mt_keyring *none = mt_keyring_new(0), *plain = x->plain.ring, *ahead = x->ahead.ring;
    builder_region(&b, REGION, 2, 1);
    grow(&b, 1);
    struct mt_run_job *job = prepared(x, &b, 1, 8, 0, none);
    x->plain.ring = x->ahead.ring = none;
    assert_int_equal(fixture_run(&x->plain, &b, 1, 8).err, MT_OK);
    assert_int_equal(apply_prepared(x, job).err, MT_OK);
    assert_int_equal(fixture_waiting(&x->ahead), 8);
    x->plain.ring = plain;
    x->ahead.ring = ahead;
    same_tables(x);
    builder_close(&b);
    mt_keyring_unref(none);
}

/* The run fits what was known when it was prepared, but not the chain as it is when it is applied. */
static void what_does_not_fit_any_more_is_found_out_anew(void **state) {
    struct pair *x = *state;
    struct builder b, other;
    builder_region(&b, REGION, 2, 1);
    builder_region(&other, REGION, 2, 1);
    grow(&b, 1);
    grow(&other, 50);
    struct mt_run_job *twice = prepared(x, &b, 1, 4, 0, x->ahead.ring);
    struct mt_run_job *forks = prepared(x, &other, 1, 8, 0, x->ahead.ring);
    struct mt_run_job *beside = prepared(x, &other, 5, 4, 4, x->ahead.ring);
    assert_int_equal(fixture_run(&x->ahead, &b, 1, 4).err, MT_OK);
    assert_int_equal(apply_prepared(x, beside).err, MT_ECHAIN);
    assert_int_equal(fixture_run(&x->ahead, &b, 5, 4).err, MT_OK);
    struct mt_op op = apply_prepared(x, twice);
    assert_int_equal(op.err, MT_OK);
    assert_int_equal(op.added, 0);
    op = apply_prepared(x, forks);
    assert_int_equal(op.err, MT_EFORK);
    assert_int_equal(op.fork, 1);
    builder_close(&b);
    builder_close(&other);
}

static void what_cannot_be_prepared_is_not(void **state) {
    struct pair *x = *state;
    struct builder b;
    builder_region(&b, REGION, 2, 1);
    grow(&b, 1);
    struct mt_run_job *job = prepared(x, &b, 5, 4, 0, x->ahead.ring); /* a gap */
    assert_null(job->prepared);
    assert_int_equal(apply_job(&x->ahead, job).err, MT_ECHAIN);
    struct mt_slice m = builder_run_new(&b, 1, 8);
    uint8_t *bytes = (uint8_t *)(uintptr_t)m.p;
    bytes[m.n - 1] ^= 1; /* of the signature */
    assert_int_equal(mt_run_job_new(&job, bytes, m.n), MT_OK);
    job->region = b.region;
    job->chain = b.info;
    job->keys = mt_keyring_ref(x->ahead.ring);
    mt_prepare_run(x->prepare, job);
    assert_null(job->prepared);
    assert_int_equal(apply_job(&x->ahead, job).err, MT_ESIGNATURE);
    builder_close(&b);
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(what_was_prepared_comes_out_the_same),
        TEST(runs_are_prepared_one_behind_the_other),
        TEST(a_key_that_comes_meanwhile_opens),
        TEST(without_a_key_entries_wait),
        TEST(what_does_not_fit_any_more_is_found_out_anew),
        TEST(what_cannot_be_prepared_is_not),
    };
    return cmocka_run_group_tests_name("store prepare", tests, NULL, NULL);
}
