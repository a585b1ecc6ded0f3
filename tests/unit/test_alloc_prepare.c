/* Every allocation failing, once and for ever, while runs are prepared: what was not found out
 * beforehand is found out by who applies them, and the store is the same. */
#include "fail_alloc.h"

#include "store_fixture.h"

#include "job.h"
#include "store_prepare.h"

enum { ATTEMPTS_MAX = 1000, RUNS = 2, RUN_ENTRIES = 40 };

struct attempt {
    unsigned long nth;
    bool for_ever, refused;
    unsigned prepared; /* runs that were */
    uint8_t digest[32];
};

static struct mt_run_job *job_of(const struct fixture *f, const struct builder *b, uint64_t first) {
    struct mt_run_job *job;
    struct mt_slice m = builder_run_new(b, first, RUN_ENTRIES);
    assert_int_equal(mt_run_job_new(&job, (uint8_t *)(uintptr_t)m.p, m.n), MT_OK);
    job->region = b->region;
    job->chain = b->info;
    job->own_org = built_org(1).root.pub;
    job->keys = mt_keyring_ref(f->ring);
    return job;
}

static void apply(struct fixture *f, struct mt_run_job *take_job) {
    struct mt_batch *batch = fixture_batch(f);
    struct mt_op *op = mt_batch_add(batch, MT_OP_RUN);
    assert_non_null(op);
    op->run.chain = take_job->chain;
    op->run.message = take_job->message;
    op->run.job = take_job;
    mt_apply(f->s, batch);
    assert_int_equal(batch->err, MT_OK);
    assert_int_equal(op->err, MT_OK);
    assert_int_equal(op->added, RUN_ENTRIES);
    mt_batch_free(batch);
}

/* Two runs, one behind the other, prepared as memory allows and then applied. */
static void take_in(const struct builder *b, struct attempt *a) {
    struct fixture f;
    struct mt_run_job *jobs[RUNS];
    struct mt_prepare *p = NULL;
    fixture_open(&f);
    for (uint64_t i = 0; i < RUNS; i++)
        jobs[i] = job_of(&f, b, i * RUN_ENTRIES + 1);
    fail_alloc_begin(a->nth, a->for_ever);
    enum mt_err err = mt_prepare_new(&p, f.s);
    for (int i = 0; i < RUNS && !err; i++)
        mt_prepare_run(p, jobs[i]);
    a->refused = fail_alloc_end();
    if (err) {
        assert_int_equal(err, MT_ENOMEM);
        assert_true(a->refused && !p);
    }
    a->prepared = 0;
    for (int i = 0; i < RUNS; i++) {
        a->prepared += jobs[i]->prepared != NULL;
        apply(&f, jobs[i]);
    }
    assert_int_equal(fixture_count(&f, MT_KIND_ACTIVITY), RUNS * RUN_ENTRIES);
    fixture_digest(&f, a->digest);
    mt_prepare_free(p);
    fixture_close(&f);
}

static void runs_come_in_whether_prepared_or_not(void **state) {
    struct attempt want = {.nth = ATTEMPTS_MAX};
    struct builder b;
    (void)state;
    assert_int_equal(mt_key_init(), MT_OK);
    builder_region(&b, REGION, 2, 1);
    for (uint64_t i = 1; i <= (uint64_t)RUNS * RUN_ENTRIES; i++)
        builder_add_text(&b, MT_KIND_ACTIVITY, i, TITLE, "Metaal proeven");
    take_in(&b, &want);
    assert_true(!want.refused && want.prepared == RUNS);
    for (int for_ever = 0; for_ever < 2; for_ever++) {
        struct attempt a = {.nth = 0, .for_ever = for_ever};
        unsigned fewer = 0;
        do {
            a.nth++;
            take_in(&b, &a);
            assert_memory_equal(a.digest, want.digest, 32);
            fewer += a.prepared < RUNS;
            assert_true(a.nth < ATTEMPTS_MAX);
        } while (a.refused);
        assert_int_equal(a.prepared, RUNS);
        assert_true(fewer >= 5); /* or nothing was refused that matters */
    }
    builder_close(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_come_in_whether_prepared_or_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
