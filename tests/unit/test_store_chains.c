/* What is read along chains: the log, and runs to send. */
#include "store_fixture.h"

#include <fcntl.h>
#include <sys/stat.h>

struct log {
    uint64_t wall_ms[8];
    size_t content[8], n;
};

static bool see_log(void *arg, const struct mt_log_row *row) {
    struct log *log = arg;
    log->wall_ms[log->n] = row->wall_ms;
    log->content[log->n++] = row->content.n;
    return true;
}

static void the_log_is_newest_first(void **state) {
    struct fixture *f = *state;
    struct builder b, c;
    builder_region(&b, REGION, 2, 1);
    builder_region(&c, REGION, 3, 2);
    for (uint64_t i = 0; i < 4; i++) {
        b.wall_ms = 1000 + i * 100;
        c.wall_ms = 1050 + i * 100;
        if (i == 3)
            builder_set_epoch(&c, 2);
        builder_add_text(&b, MT_KIND_ACTIVITY, i, TITLE, "a");
        builder_add_text(&c, MT_KIND_ACTIVITY, i, TITLE, "a");
    }
    assert_int_equal(fixture_run(f, &b, 1, 4).err, MT_OK);
    assert_int_equal(fixture_run(f, &c, 1, 4).err, MT_OK);
    struct mt_read r = fixture_read(f);
    struct log log = {.n = 0};
    assert_int_equal(mt_read_log(&r, 5, see_log, &log), MT_OK);
    mt_read_end(&r);
    assert_int_equal(log.n, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(log.wall_ms[i], 1350 - i * 50);
        assert_int_equal(log.content[i] == 0, i == 0);
    }
    builder_close(&b);
    builder_close(&c);
}

/* Turns a bit of the byte at `place` of `bytes` wherever the file of the open store has them. */
static void damage_at(const struct fixture *f, struct mt_slice bytes, size_t place, uint8_t bit) {
    char path[128];
    struct stat st;
    (void)snprintf(path, sizeof path, "%s/data.mdb", f->place.dir);
    int fd = open(path, O_RDWR), found = 0;
    assert_int_equal(fstat(fd, &st), 0);
    uint8_t *whole = malloc((size_t)st.st_size), *end = whole + st.st_size, *at = whole;
    assert_int_equal(pread(fd, whole, (size_t)st.st_size, 0), st.st_size);
    for (; (at = memmem(at, (size_t)(end - at), bytes.p, bytes.n)); at += bytes.n, found++) {
        uint8_t turned = at[place] ^ bit;
        assert_int_equal(pwrite(fd, &turned, 1, at + place - whole), 1);
    }
    assert_true(found > 0);
    free(whole);
    (void)close(fd);
}

static void damage(const struct fixture *f, struct mt_slice bytes) {
    damage_at(f, bytes, bytes.n - 1, 1);
}

/* Turns it back. */
static void restore(const struct fixture *f, struct mt_slice bytes) {
    uint8_t turned[MT_BOX_MAX];
    memcpy(turned, bytes.p, bytes.n);
    turned[bytes.n - 1] ^= 1;
    damage(f, mt_slice(turned, bytes.n));
}

static void expect_log(struct fixture *f, enum mt_err want, size_t n, size_t readable) {
    struct mt_read r = fixture_read(f);
    struct log log = {.n = 0};
    assert_int_equal(mt_read_log(&r, 8, see_log, &log), want);
    mt_read_end(&r);
    if (want != MT_OK)
        return;
    assert_int_equal(log.n, n);
    for (size_t i = 0; i < n; i++)
        readable -= log.content[i] > 0;
    assert_int_equal(readable, 0);
}

/* An entry that is damaged while the store is open does not just drop out. One whose writer sealed it
 * wrongly is there for everyone alike, and shows nothing. */
static void the_log_names_a_damaged_entry(void **state) {
    struct fixture *f = *state;
    struct builder b;
    builder_region(&b, REGION, 2, 1);
    for (uint64_t i = 0; i < 5; i++) {
        b.box_key[0] ^= i == 3; /* that one does not open */
        builder_add_text(&b, MT_KIND_ACTIVITY, i, TITLE, "a");
        b.box_key[0] ^= i == 3;
    }
    assert_int_equal(fixture_run(f, &b, 1, 5).err, MT_OK);
    expect_log(f, MT_OK, 5, 4);
    for (uint32_t i = 0; i < b.n; i++) {
        struct mt_slice parts[] = {b.entries[i].header, b.entries[i].box};
        for (size_t k = 0; k < MT_ARRAY_LEN(parts); k++) {
            damage(f, parts[k]);
            expect_log(f, MT_ECORRUPT, 0, 0);
            uint8_t *last = (uint8_t *)parts[k].p + parts[k].n - 1;
            *last ^= 1;
            damage(f, parts[k]);
            *last ^= 1;
            expect_log(f, MT_OK, 5, 4);
        }
    }
    builder_close(&b);
}

/* ---- runs to send ---- */

static enum mt_err read_run(struct fixture *f, uint32_t chain_no, uint64_t first, size_t max_bytes,
                            struct mt_writer *w, uint64_t *last) {
    struct mt_run_wanted want = {.chain_no = chain_no, .first = first, .max_bytes = max_bytes};
    return mt_store_read_run(f->s, &want, w, last);
}

/* The most that may be taken in as one run can be sent on as one. */
static void the_largest_run_taken_in_is_sent_on(void **state) {
    struct fixture *f = *state;
    struct builder b;
    static char text[871];
    static uint8_t memory[MT_MESSAGE_MAX];
    memset(text, 'x', sizeof text - 1);
    builder_region(&b, REGION, 1, 1);
    for (uint64_t i = 0; i < MT_RUN_ENTRIES_MAX; i++)
        builder_add_text(&b, MT_KIND_ACTIVITY, i, TITLE, text);
    struct mt_op op = fixture_run(f, &b, 1, MT_RUN_ENTRIES_MAX);
    assert_int_equal(op.err, MT_OK);
    assert_int_equal(op.added, MT_RUN_ENTRIES_MAX);
    struct mt_writer w = mt_writer(memory, sizeof memory);
    uint64_t last;
    assert_int_equal(read_run(f, 1, 1, MT_RUN_BYTES_MAX, &w, &last), MT_OK);
    assert_int_equal(last, MT_RUN_ENTRIES_MAX);
    assert_true(w.n <= MT_RUN_BYTES_MAX);
    builder_close(&b);
}

static void runs_end_on_signed_heads_and_respect_the_cap(void **state) {
    struct fixture *f = *state;
    struct fixture other;
    static uint8_t memory[MT_MESSAGE_MAX];
    struct builder b;
    enum { ENTRIES = 2500 };
    builder_region(&b, REGION, 2, 1);
    for (uint64_t i = 0; i < ENTRIES; i++)
        builder_add_text(&b, MT_KIND_ACTIVITY, i, TITLE, "a");
    for (uint64_t at = 1; at < ENTRIES; at += 50)
        assert_int_equal(fixture_run(f, &b, at, 50).err, MT_OK);
    uint64_t last;
    struct mt_writer w = mt_writer(memory, sizeof memory);
    assert_int_equal(read_run(f, 1, 1, 100, &w, &last), MT_OK);
    assert_int_equal(last, 50); /* one signed run is given however small the cap */
    w = mt_writer(memory, sizeof memory);
    assert_int_equal(read_run(f, 1, 20, 40000, &w, &last), MT_OK);
    assert_int_equal(last % 50, 0);
    assert_true(last >= 100 && w.n <= 40000);
    fixture_open(&other);
    for (uint64_t first = 1; first <= ENTRIES; first = last + 1) {
        w = mt_writer(memory, sizeof memory);
        assert_int_equal(read_run(f, 1, first, MT_RUN_BYTES_MAX, &w, &last), MT_OK);
        assert_true(last - first < MT_RUN_ENTRIES_MAX);
        struct mt_batch *batch = fixture_batch(&other);
        struct mt_op *op = mt_batch_add(batch, MT_OP_RUN);
        op->run.chain = b.info;
        op->run.message = mt_writer_slice(&w);
        mt_apply(other.s, batch);
        assert_int_equal(op->err, MT_OK);
        assert_int_equal(op->head.seq, last);
        mt_batch_free(batch);
    }
    w = mt_writer(memory, sizeof memory);
    assert_int_equal(read_run(f, 1, ENTRIES + 1, 1000, &w, &last), MT_ENOTFOUND);
    assert_int_equal(read_run(f, 2, 1, 1000, &w, &last), MT_ENOTFOUND);
    w = mt_writer(memory, 100);
    assert_int_equal(read_run(f, 1, 1, 1000, &w, &last), MT_ETOOLONG);
    uint8_t d1[32], d2[32];
    fixture_digest(f, d1);
    fixture_digest(&other, d2);
    assert_memory_equal(d1, d2, 32);
    fixture_close(&other);
    builder_close(&b);
}

/* What is damaged is named when runs are checked, and otherwise refused by every reader with an error
 * that is not taken for a gap. */
static void a_damaged_run_is_not_believed(void **state) {
    struct fixture *f = *state;
    struct builder b;
    static uint8_t memory[MT_MESSAGE_MAX], arena[MT_RUN_ARENA];
    static struct mt_run_entry entries[MT_RUN_ENTRIES_MAX];
    uint8_t signature[MT_SIGNATURE_SIZE];
    builder_region(&b, REGION, 2, 1);
    for (uint64_t i = 0; i < 6; i++)
        builder_add_text(&b, MT_KIND_ACTIVITY, i, TITLE, "a");
    assert_int_equal(fixture_run(f, &b, 1, 6).err, MT_OK);
    const struct mt_run_wanted some = {.chain_no = 1, .first = 3, .max_bytes = MT_RUN_BYTES_MAX};
    struct mt_run_wanted all = some;
    all.check = true;
    const struct mt_head before = {
        .seq = 2, .entry = b.entries[1].id, .lamport = b.entries[1].h.lamport};
    struct mt_slice parts[] = {
        b.entries[2].header,
        b.entries[4].header,
        b.entries[3].box,
        mt_slice(b.entries[2].h.previous.b, 32),
        mt_slice(signature, sizeof signature),
    };
    struct mt_slice sound = builder_run_new(&b, 3, 4);
    memcpy(signature, sound.p + sound.n - sizeof signature, sizeof signature);
    size_t refused = 0;
    for (size_t i = 0; i <= MT_ARRAY_LEN(parts); i++) {
        struct mt_writer w = mt_writer(memory, sizeof memory);
        struct mt_run run;
        uint64_t last;
        bool is_damaged = i < MT_ARRAY_LEN(parts);
        if (is_damaged)
            damage(f, parts[i]);
        enum mt_err checked = mt_store_read_run(f->s, &all, &w, &last);
        assert_int_equal(checked, is_damaged ? MT_ECORRUPT : MT_OK);
        w = mt_writer(memory, sizeof memory);
        enum mt_err err = mt_store_read_run(f->s, &some, &w, &last);
        if (!err)
            err = mt_run_check(mt_writer_slice(&w), &f->region, &b.info.feed, &before, entries,
                               arena, &run);
        assert_int_not_equal(err, MT_ECHAIN);
        if (!err) /* what is not sent may be damaged: the length of a box stands before it */
            assert_true(w.n == sound.n && memcmp(w.p, sound.p, sound.n) == 0);
        refused += err != MT_OK;
        if (is_damaged)
            restore(f, parts[i]);
    }
    assert_int_equal(refused, MT_ARRAY_LEN(parts) - 2); /* both headers end on such a length */
    free((void *)sound.p);
    builder_close(&b);
}

/* Damage to the entry before a run does not keep the run from being sent. */
static void sends_behind(struct fixture *f, bool is_unreadable) {
    struct builder b;
    static uint8_t memory[MT_MESSAGE_MAX];
    uint64_t last;
    builder_region(&b, REGION, 2, 1);
    for (uint64_t i = 0; i < 4; i++)
        builder_add_text(&b, MT_KIND_ACTIVITY, i, TITLE, "a");
    assert_int_equal(fixture_run(f, &b, 1, 4).err, MT_OK);
    uint8_t row[512] = {0}; /* unsigned, as entries within a run are */
    struct mt_slice header = b.entries[1].header, start = mt_slice(row, 3 + header.n);
    mt_be16(row + 1, (uint16_t)header.n);
    memcpy(row + 3, header.p, header.n);
    damage_at(f, start, is_unreadable ? 0 : start.n - 1, is_unreadable ? 0x80 : 1);
    struct mt_writer w = mt_writer(memory, sizeof memory);
    assert_int_equal(read_run(f, 1, 3, MT_RUN_BYTES_MAX, &w, &last), MT_OK);
    assert_int_equal(last, 4);
    builder_close(&b);
}

static void a_run_behind_a_damaged_entry_is_sent(void **state) {
    sends_behind(*state, false);
}

static void a_run_behind_an_unreadable_entry_is_sent(void **state) {
    sends_behind(*state, true);
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(the_log_is_newest_first),
        TEST(the_log_names_a_damaged_entry),
        TEST(a_damaged_run_is_not_believed),
        TEST(a_run_behind_a_damaged_entry_is_sent),
        TEST(a_run_behind_an_unreadable_entry_is_sent),
        TEST(runs_end_on_signed_heads_and_respect_the_cap),
        TEST(the_largest_run_taken_in_is_sent_on),
    };
#define RECENT(f) cmocka_unit_test_setup_teardown(f, fixture_setup_recent, fixture_teardown)
    const struct CMUnitTest recent[] = {
        RECENT(runs_end_on_signed_heads_and_respect_the_cap),
    };
    return cmocka_run_group_tests_name("store chains", tests, NULL, NULL) +
           cmocka_run_group_tests_name("store chains, recent keys", recent, NULL, NULL);
}
