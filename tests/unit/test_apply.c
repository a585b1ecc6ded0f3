/* Batches: what is appended, refused, waits and becomes records. */
#include "store_fixture.h"

static void expect_text(struct fixture *f, uint64_t writer, uint64_t rid, uint8_t field,
                        const char *want) {
    char text[64];
    fixture_text(f, NULL, writer, MT_KIND_ACTIVITY, rid, field, text, sizeof text);
    assert_string_equal(text, want);
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

static void add(struct builder *b, uint64_t rid, uint8_t field, const char *text) {
    builder_add_text(b, MT_KIND_ACTIVITY, rid, field, text);
}

/* ---- chains ---- */

static void local_and_run_give_the_same_records(void **state) {
    struct fixture *f = *state;
    struct fixture other;
    struct builder b;
    uint8_t d1[32], d2[32];
    fixture_open(&other);
    builder_region(&b, REGION, 1, 1);
    for (uint64_t i = 0; i < 5; i++)
        add(&b, i, TITLE, "title");
    struct mt_op op = fixture_put(f, &b, 1, 5, true);
    assert_int_equal(op.err, MT_OK);
    assert_int_equal(op.added, 5);
    assert_int_equal(op.head.seq, 5);
    assert_true(mt_id_eq(&op.head.entry, &b.head.entry));
    op = fixture_run(&other, &b, 1, 5);
    assert_int_equal(op.err, MT_OK);
    assert_int_equal(op.added, 5);
    assert_true(mt_id_eq(&op.head.entry, &b.head.entry));
    fixture_digest(f, d1);
    fixture_digest(&other, d2);
    assert_memory_equal(d1, d2, 32);
    assert_int_equal(fixture_count(f, MT_KIND_ACTIVITY), 5);
    expect_text(f, 1, 3, TITLE, "title");
    builder_close(&b);
    fixture_close(&other);
}

static void duplicates_add_nothing_and_overlap_adds_the_rest(void **state) {
    struct fixture *f = *state;
    struct builder b;
    builder_region(&b, REGION, 2, 1);
    for (uint64_t i = 0; i < 10; i++)
        add(&b, i, TITLE, "title");
    assert_int_equal(fixture_run(f, &b, 1, 6).added, 6);
    struct mt_op op = fixture_run(f, &b, 1, 6);
    assert_int_equal(op.err, MT_OK);
    assert_int_equal(op.added, 0);
    assert_int_equal(op.head.seq, 6);
    op = fixture_run(f, &b, 3, 2);
    assert_int_equal(op.err, MT_OK);
    assert_int_equal(op.added, 0);
    op = fixture_run(f, &b, 4, 7);
    assert_int_equal(op.err, MT_OK);
    assert_int_equal(op.added, 4);
    assert_int_equal(op.head.seq, 10);
    assert_int_equal(fixture_count(f, MT_KIND_ACTIVITY), 10);
    builder_close(&b);
}

static void gaps_and_other_predecessors_are_refused_alone(void **state) {
    struct fixture *f = *state;
    struct builder b, c, z;
    builder_region(&b, REGION, 2, 1);
    builder_region(&c, REGION, 2, 1);
    builder_region(&z, REGION, 3, 2);
    for (uint64_t i = 0; i < 4; i++) {
        add(&b, i, TITLE, "title");
        add(&c, i, TITLE, i < 2 ? "title" : "another");
    }
    add(&z, 1, TITLE, "of another chain");
    assert_int_equal(fixture_run(f, &b, 2, 2).err, MT_ECHAIN);
    struct mt_batch *batch = fixture_batch(f);
    struct mt_op *ops[3] = {builder_op_run(&b, 1, 3, batch)};
    (void)builder_op_run(&c, 4, 1, batch);
    (void)builder_op_run(&z, 1, 1, batch);
    for (int i = 0; i < 3; i++)
        ops[i] = &batch->ops[i];
    mt_apply(f->s, batch);
    assert_int_equal(batch->err, MT_OK);
    assert_int_equal(ops[0]->err, MT_OK);
    assert_int_equal(ops[1]->err, MT_ECHAIN);
    assert_int_equal(ops[1]->added, 0);
    assert_int_equal(ops[1]->head.seq, 3);
    assert_int_equal(ops[2]->err, MT_OK);
    mt_batch_free(batch);
    assert_int_equal(fixture_count(f, MT_KIND_ACTIVITY), 4);
    builder_close(&b);
    builder_close(&c);
    builder_close(&z);
}

static void a_bad_signature_changes_nothing(void **state) {
    struct fixture *f = *state;
    struct builder b;
    builder_region(&b, REGION, 2, 1);
    add(&b, 1, TITLE, "title");
    struct mt_batch *batch = fixture_batch(f);
    struct mt_op *op = builder_op_run(&b, 1, 1, batch);
    uint8_t *bytes = (uint8_t *)(uintptr_t)op->run.message.p;
    bytes[op->run.message.n - 1] ^= 1;
    mt_apply(f->s, batch);
    assert_int_equal(batch->err, MT_OK);
    assert_int_equal(op->err, MT_ESIGNATURE);
    assert_int_equal(op->added, 0);
    mt_batch_free(batch);
    assert_int_equal(fixture_count(f, MT_KIND_ACTIVITY), 0);
    assert_int_equal(fixture_run(f, &b, 1, 1).err, MT_OK);
    builder_close(&b);
}

static void a_fork_is_found_and_stops_only_that_chain(void **state) {
    struct fixture *f = *state;
    struct builder a, b, z;
    builder_region(&a, REGION, 2, 1);
    builder_region(&b, REGION, 2, 1);
    builder_region(&z, REGION, 3, 2);
    for (uint64_t i = 0; i < 8; i++) {
        add(&a, i, TITLE, "title");
        add(&b, i, TITLE, i < 4 ? "title" : "forked");
    }
    add(&z, 1, TITLE, "title");
    assert_int_equal(fixture_run(f, &a, 1, 7).err, MT_OK);
    uint8_t before[32], after[32];
    fixture_digest(f, before);
    struct mt_op op = fixture_run(f, &b, 3, 6);
    assert_int_equal(op.err, MT_EFORK);
    assert_int_equal(op.fork, 5);
    assert_int_equal(op.added, 0);
    assert_int_equal(op.head.seq, 7);
    fixture_digest(f, after);
    assert_memory_equal(before, after, 32);
    fixture_reopen(f);
    op = fixture_run(f, &a, 8, 1);
    assert_int_equal(op.err, MT_EFORK);
    assert_int_equal(op.fork, 5);
    assert_int_equal(fixture_run(f, &z, 1, 1).err, MT_OK);
    builder_close(&a);
    builder_close(&b);
    builder_close(&z);
}

static void own_entries_must_continue_their_chain(void **state) {
    struct fixture *f = *state;
    struct builder b;
    builder_region(&b, REGION, 1, 1);
    for (uint64_t i = 0; i < 3; i++)
        add(&b, i, TITLE, "title");
    struct mt_batch *batch = fixture_batch(f);
    struct mt_op *blob = mt_batch_add(batch, MT_OP_BLOB);
    blob->blob.name = "name";
    blob->blob.bytes = mt_slice_str("bytes");
    (void)builder_op_local(&b, 2, 2, batch);
    mt_apply(f->s, batch);
    assert_int_equal(batch->err, MT_EBUG);
    mt_batch_free(batch);
    assert_int_equal(fixture_count(f, MT_KIND_ACTIVITY), 0);
    assert_int_equal(fixture_put(f, &b, 1, 3, true).err, MT_OK);
    assert_int_equal(fixture_put(f, &b, 1, 3, true).err, MT_EBUG);
    /* The number of a chain is not given twice. */
    struct builder z;
    builder_region(&z, REGION, 2, 1);
    add(&z, 1, TITLE, "title");
    assert_int_equal(fixture_run(f, &z, 1, 1).err, MT_EBUG);
    builder_close(&z);
    builder_close(&b);
}

/* ---- keys ---- */

static void entries_wait_for_their_key(void **state) {
    struct fixture *f = *state;
    struct fixture ready;
    struct builder b;
    uint8_t d1[32], d2[32];
    fixture_open(&ready);
    builder_region(&b, REGION, 2, 1);
    add(&b, 1, TITLE, "readable");
    builder_set_epoch(&b, 2);
    for (uint64_t i = 1; i < 6; i++)
        add(&b, i, TITLE, "later");
    assert_int_equal(fixture_run(f, &b, 1, 6).err, MT_OK);
    assert_int_equal(fixture_waiting(f), 5);
    assert_int_equal(fixture_count(f, MT_KIND_ACTIVITY), 1);
    expect_text(f, 2, 1, TITLE, "readable");

    struct mt_batch *batch = fixture_batch(f);
    (void)mt_batch_add(batch, MT_OP_RETRY);
    mt_apply(f->s, batch);
    assert_int_equal(batch->err, MT_OK);
    mt_batch_free(batch);
    assert_int_equal(fixture_waiting(f), 5);

    mt_keyring_unref(f->ring);
    f->ring = built_ring(REGION, 2, 1, 4);
    batch = fixture_batch(f);
    (void)mt_batch_add(batch, MT_OP_RETRY);
    mt_apply(f->s, batch);
    assert_int_equal(batch->err, MT_OK);
    mt_batch_free(batch);
    assert_int_equal(fixture_waiting(f), 0);
    assert_int_equal(fixture_count(f, MT_KIND_ACTIVITY), 5);
    expect_text(f, 2, 1, TITLE, "later");

    mt_keyring_unref(ready.ring);
    ready.ring = built_ring(REGION, 2, 1, 4);
    assert_int_equal(fixture_run(&ready, &b, 1, 6).err, MT_OK);
    fixture_digest(f, d1);
    fixture_digest(&ready, d2);
    assert_memory_equal(d1, d2, 32);
    fixture_close(&ready);
    builder_close(&b);
}

static void what_does_not_fit_the_grammar_applies_nothing(void **state) {
    struct fixture *f = *state;
    struct builder b;
    builder_region(&b, REGION, 2, 1);
    builder_add(&b, mt_slice("\xff", 1));
    builder_add(&b, mt_slice_str("no change at all"));
    add(&b, 1, TITLE, "title");
    /* A key that is not the chain's seals a box that opens for nobody. */
    b.box_key[0] ^= 1;
    add(&b, 2, TITLE, "title");
    b.box_key[0] ^= 1;
    add(&b, 3, TITLE, "title");
    struct mt_op op = fixture_run(f, &b, 1, 5);
    assert_int_equal(op.err, MT_OK);
    assert_int_equal(op.added, 5);
    assert_int_equal(fixture_count(f, MT_KIND_ACTIVITY), 2);
    assert_int_equal(fixture_waiting(f), 0);
    uint8_t digest[32];
    fixture_digest(f, digest);
    builder_close(&b);
}

static void a_channel_has_records_of_its_own(void **state) {
    struct fixture *f = *state;
    struct builder region, pair, self;
    struct mt_id two = built_org(2).root.pub, one = built_org(1).root.pub;
    uint8_t before[32], after[32];
    char text[64];
    builder_region(&region, REGION, 2, 1);
    builder_pair(&pair, REGION, 2, 1, 1, 2);
    builder_pair(&self, REGION, 1, 1, 1, 3);
    builder_add_text(&region, MT_KIND_PLACEMENT, 1, TITLE, "in the region");
    builder_add_text(&pair, MT_KIND_PLACEMENT, 1, TITLE, "in the channel");
    builder_add_text(&self, MT_KIND_PLACEMENT, 1, TITLE, "for us alone");
    assert_int_equal(fixture_run(f, &region, 1, 1).err, MT_OK);
    fixture_digest(f, before);
    assert_int_equal(fixture_run(f, &pair, 1, 1).err, MT_OK);
    assert_int_equal(fixture_put(f, &self, 1, 1, true).err, MT_OK);
    fixture_digest(f, after);
    assert_memory_equal(before, after, 32);
    assert_int_equal(fixture_count(f, MT_KIND_PLACEMENT), 3);
    fixture_text(f, NULL, 2, MT_KIND_PLACEMENT, 1, TITLE, text, sizeof text);
    assert_string_equal(text, "in the region");
    fixture_text(f, &two, 2, MT_KIND_PLACEMENT, 1, TITLE, text, sizeof text);
    assert_string_equal(text, "in the channel");
    fixture_text(f, &one, 1, MT_KIND_PLACEMENT, 1, TITLE, text, sizeof text);
    assert_string_equal(text, "for us alone");
    builder_close(&region);
    builder_close(&pair);
    builder_close(&self);
}

/* ---- merge ---- */

/* Writes random changes to few records from three installations of two organisations, and applies
 * them in `order` cut into runs of random length. */
static void apply_shuffled(struct fixture *f, struct builder *b, uint32_t n, unsigned seed) {
    uint64_t at[3] = {0};
    srand(seed);
    while (at[0] < n || at[1] < n || at[2] < n) {
        struct mt_batch *batch = fixture_batch(f);
        for (int i = rand() % 4; i >= 0; i--) {
            int k = rand() % 3;
            uint32_t len = 1 + (uint32_t)rand() % 9;
            if (at[k] == n)
                continue;
            if (len > n - at[k])
                len = n - (uint32_t)at[k];
            (void)builder_op_run(&b[k], at[k] + 1, len, batch);
            at[k] += len;
        }
        mt_apply(f->s, batch);
        assert_int_equal(batch->err, MT_OK);
        for (uint32_t i = 0; i < batch->n; i++)
            assert_int_equal(batch->ops[i].err, MT_OK);
        mt_batch_free(batch);
    }
}

static void every_order_gives_the_same_records(void **state) {
    struct fixture *f = *state;
    struct builder b[3];
    uint8_t first[32], digest[32];
    enum { ENTRIES = 60, RECORDS = 7, FIELDS = 4 };
    builder_region(&b[0], REGION, 2, 1);
    builder_region(&b[1], REGION, 3, 2);
    builder_region(&b[2], REGION, 4, 3);
    b[2].info.org = b[1].info.org; /* a second installation of the same organisation */
    srand(7);
    for (int i = 0; i < ENTRIES; i++)
        for (int k = 0; k < 3; k++) {
            char text[32];
            (void)snprintf(text, sizeof text, "%d of %d", i, k);
            b[k].lamport += (uint64_t)rand() % 3;
            add(&b[k], (uint64_t)(rand() % RECORDS), (uint8_t)(rand() % FIELDS), text);
        }
    apply_shuffled(f, b, ENTRIES, 1);
    fixture_digest(f, first);
    assert_int_equal(fixture_count(f, MT_KIND_ACTIVITY), 2 * RECORDS);
    for (unsigned seed = 2; seed < 8; seed++) {
        struct fixture other;
        fixture_open(&other);
        apply_shuffled(&other, b, ENTRIES, seed);
        fixture_digest(&other, digest);
        assert_memory_equal(first, digest, 32);
        for (uint64_t rid = 0; rid < RECORDS; rid++)
            for (uint8_t field = 0; field < FIELDS; field++) {
                char want[64];
                fixture_text(f, NULL, 3, MT_KIND_ACTIVITY, rid, field, want, sizeof want);
                expect_text(&other, 3, rid, field, want);
            }
        fixture_close(&other);
    }
    for (int k = 0; k < 3; k++)
        builder_close(&b[k]);
}

/* One entry of `n` records, as imports make them. */
static void add_import(struct builder *b, uint64_t first, size_t n, uint8_t field,
                       const char *text) {
    static uint8_t memory[MT_BOX_MAX];
    struct mt_writer w = mt_writer(memory, sizeof memory);
    mt_changes_begin(&w, n);
    for (uint64_t i = first; i < first + n; i++) {
        struct mt_rid id = built_rid(i);
        mt_change_begin(&w, MT_KIND_ACTIVITY, 1, 0, &id, 1);
        mt_wire_put_uint(&w, field);
        mt_wire_put_cstr(&w, text);
    }
    builder_add(b, mt_writer_slice(&w));
}

static void imports_share_entries(void **state) {
    struct fixture *f = *state;
    struct builder b;
    builder_region(&b, REGION, 2, 1);
    add_import(&b, 0, 200, TITLE, "first");
    add_import(&b, 100, 200, 20, "second");
    add_import(&b, 0, 256, TITLE, "third");
    assert_int_equal(fixture_run(f, &b, 1, 1).err, MT_OK);
    assert_int_equal(fixture_run(f, &b, 2, 2).err, MT_OK);
    assert_int_equal(fixture_count(f, MT_KIND_ACTIVITY), 300);
    expect_text(f, 2, 5, TITLE, "third");
    expect_text(f, 2, 150, 20, "second");
    expect_text(f, 2, 150, TITLE, "third");
    expect_text(f, 2, 299, TITLE, "");
    expect_text(f, 2, 299, 20, "second");
    uint8_t digest[32];
    fixture_digest(f, digest);
    builder_close(&b);
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(local_and_run_give_the_same_records),
        TEST(duplicates_add_nothing_and_overlap_adds_the_rest),
        TEST(gaps_and_other_predecessors_are_refused_alone),
        TEST(a_bad_signature_changes_nothing),
        TEST(a_fork_is_found_and_stops_only_that_chain),
        TEST(own_entries_must_continue_their_chain),
        TEST(entries_wait_for_their_key),
        TEST(what_does_not_fit_the_grammar_applies_nothing),
        TEST(a_channel_has_records_of_its_own),
        TEST(every_order_gives_the_same_records),
        TEST(imports_share_entries),
    };
    return cmocka_run_group_tests_name("apply", tests, NULL, NULL);
}
