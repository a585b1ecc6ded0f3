/* The environment: creation, keys, damage, crashes, and running full. */
#include "store_fixture.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

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

/* ---- blobs and items ---- */

static void put_blob(struct mt_batch *b, const char *name, const char *text) {
    struct mt_op *op = mt_batch_add(b, MT_OP_BLOB);
    op->blob.name = name;
    op->blob.bytes = mt_slice_str(text);
}

struct seen {
    char names[4][16], texts[4][32];
    uint32_t n, stop_at;
};

static enum mt_err see_blob(void *arg, const char *name, struct mt_slice bytes) {
    struct seen *seen = arg;
    assert_true(seen->n < 4 && bytes.n < 32);
    (void)snprintf(seen->names[seen->n], sizeof seen->names[0], "%s", name);
    memcpy(seen->texts[seen->n], bytes.p, bytes.n);
    seen->texts[seen->n++][bytes.n] = 0;
    return seen->n == seen->stop_at ? MT_EVALUE : MT_OK;
}

static enum mt_err see_item(void *arg, const struct mt_id *id, struct mt_slice bytes) {
    struct seen *seen = arg;
    struct mt_id want = built_id("item", 1);
    assert_true(mt_id_eq(id, &want));
    assert_true(mt_slice_is(bytes, "an item"));
    seen->n++;
    return MT_OK;
}

static void blobs_and_items_come_back(void **state) {
    struct fixture *f = *state;
    struct mt_batch *b = fixture_batch(f);
    put_blob(b, "seed", "one");
    put_blob(b, "feed", "two");
    put_blob(b, "gone", "three");
    struct mt_op *item = mt_batch_add(b, MT_OP_ITEM);
    item->item.id = built_id("item", 1);
    item->item.bytes = mt_slice_str("an item");
    mt_apply(f->s, b);
    assert_int_equal(b->err, MT_OK);
    mt_batch_free(b);
    b = fixture_batch(f);
    put_blob(b, "gone", "");
    put_blob(b, "seed", "changed");
    mt_apply(f->s, b);
    assert_int_equal(b->err, MT_OK);
    mt_batch_free(b);
    fixture_reopen(f);
    struct seen seen = {.n = 0};
    assert_int_equal(mt_store_load_blobs(f->s, see_blob, &seen), MT_OK);
    assert_int_equal(seen.n, 2);
    assert_string_equal(seen.names[0], "feed");
    assert_string_equal(seen.texts[0], "two");
    assert_string_equal(seen.names[1], "seed");
    assert_string_equal(seen.texts[1], "changed");
    seen = (struct seen){.stop_at = 1};
    assert_int_equal(mt_store_load_blobs(f->s, see_blob, &seen), MT_EVALUE);
    assert_int_equal(seen.n, 1);
    seen.n = 0;
    assert_int_equal(mt_store_load_items(f->s, see_item, &seen), MT_OK);
    assert_int_equal(seen.n, 1);
}

static enum mt_err see_chain(void *arg, const struct mt_chain_info *chain,
                             const struct mt_head *head, uint64_t fork) {
    const struct builder *b = arg;
    assert_int_equal(chain->no, b->info.no);
    assert_true(mt_id_eq(&chain->id, &b->info.id) && mt_id_eq(&chain->org, &b->info.org) &&
                mt_id_eq(&chain->feed, &b->info.feed) && mt_id_eq(&chain->other, &b->info.other));
    assert_int_equal(head->seq, b->head.seq);
    assert_int_equal(head->lamport, b->head.lamport);
    assert_true(mt_id_eq(&head->entry, &b->head.entry));
    assert_int_equal(fork, 0);
    return MT_EDUPLICATE;
}

static void chains_come_back(void **state) {
    struct fixture *f = *state;
    struct builder b;
    builder_pair(&b, REGION, 2, 1, 1, 9);
    for (uint64_t i = 0; i < 3; i++)
        builder_add_text(&b, MT_KIND_PLACEMENT, i, TITLE, "text");
    assert_int_equal(fixture_run(f, &b, 1, 3).err, MT_OK);
    fixture_reopen(f);
    assert_int_equal(mt_store_load_chains(f->s, see_chain, &b), MT_EDUPLICATE);
    struct mt_id id;
    assert_int_equal(mt_store_entry_id(f->s, &f->region, 9, 2, &id), MT_OK);
    assert_true(mt_id_eq(&id, &b.entries[1].id));
    assert_int_equal(mt_store_entry_id(f->s, &f->region, 9, 4, &id), MT_ENOTFOUND);
    builder_close(&b);
}

/* ---- opening ---- */

static void another_key_does_not_open(void **state) {
    struct fixture *f = *state;
    struct place other = f->place;
    struct mt_store *s;
    char why[128];
    mt_store_close(f->s);
    other.key[31] ^= 1;
    assert_int_equal(place_open(&other, &s, why, sizeof why), MT_ENOKEY);
    assert_null(s);
    assert_string_equal(why, "the store was made with another store key");
    assert_int_equal(place_open(&f->place, &f->s, NULL, 0), MT_OK);
}

static void it_opens_once(void **state) {
    struct fixture *f = *state;
    struct mt_store *s;
    assert_int_equal(place_open(&f->place, &s, NULL, 0), MT_ESTATE);
    fixture_reopen(f);
}

static void what_a_creation_left_behind_is_no_hindrance(void **state) {
    (void)state;
    struct place p;
    struct mt_store *s;
    char path[128];
    place_make(&p);
    (void)snprintf(path, sizeof path, "%s.new", p.dir);
    assert_int_equal(mkdir(path, 0700), 0);
    (void)snprintf(path, sizeof path, "%s.new/data.mdb", p.dir);
    assert_int_equal(close(open(path, O_CREAT | O_WRONLY, 0600)), 0);
    assert_int_equal(mkdir(p.dir, 0700), 0); /* as an empty state directory is given to us */
    assert_int_equal(place_open(&p, &s, NULL, 0), MT_OK);
    mt_store_close(s);
    place_remove(&p);
}

static void files_that_are_no_store_are_left_alone(void **state) {
    (void)state;
    struct place p;
    struct mt_store *s;
    char path[128];
    place_make(&p);
    assert_int_equal(mkdir(p.dir, 0700), 0);
    (void)snprintf(path, sizeof path, "%s/other", p.dir);
    assert_int_equal(close(open(path, O_CREAT | O_WRONLY, 0600)), 0);
    assert_int_equal(place_open(&p, &s, NULL, 0), MT_ECORRUPT);
    assert_int_equal(access(path, F_OK), 0);
    place_remove(&p);
}

/* ---- damage ---- */

static void fill(struct fixture *f, struct builder *b, uint32_t n) {
    char text[400];
    memset(text, 'm', sizeof text);
    memcpy(text, "MARKERTEXT", 10);
    text[sizeof text - 1] = 0;
    for (uint32_t i = 0; i < n; i++)
        builder_add_text(b, MT_KIND_ACTIVITY, i, TITLE, text);
    for (uint64_t at = 1; at <= n; at += 50)
        assert_int_equal(fixture_run(f, b, at, n - at < 50 ? (uint32_t)(n - at + 1) : 50).err,
                         MT_OK);
}

/* Opens and reads everything; whatever happens must be an error of ours, never a crash. */
static enum mt_err read_all(struct fixture *f) {
    static uint8_t memory[MT_MESSAGE_MAX];
    struct mt_store *s;
    enum mt_err err = place_open(&f->place, &s, NULL, 0);
    if (err)
        return err;
    struct mt_read r;
    struct mt_view view;
    err = mt_read_begin(s, &f->region, f->ring, &r);
    for (uint64_t row = 1; err == MT_OK && row <= 200; row++) {
        struct mt_writer w = mt_writer(memory, sizeof memory);
        err = mt_read_row(&r, row, &w, &view);
        if (err == MT_OK)
            assert_non_null(memmem(view.fields.p, view.fields.n, "MARKERTEXT", 10));
    }
    mt_read_end(&r);
    uint64_t last = 0;
    while (err == MT_OK) {
        struct mt_writer w = mt_writer(memory, sizeof memory);
        struct mt_run_wanted want = {
            .chain_no = 1, .first = last + 1, .max_bytes = MT_RUN_BYTES_MAX, .check = true};
        err = mt_store_read_run(s, &want, &w, &last);
    }
    mt_store_close(s);
    return err == MT_ENOTFOUND && last == 0 ? MT_OK : err;
}

static void damage_is_found(void **state) {
    struct fixture *f = *state;
    struct builder b;
    char path[128];
    enum { ROUNDS = 60, DAMAGE = 512 };
    builder_region(&b, REGION, 2, 1);
    fill(f, &b, 200);
    mt_store_close(f->s);
    f->s = NULL;
    assert_int_equal(read_all(f), MT_OK);
    (void)snprintf(path, sizeof path, "%s/data.mdb", f->place.dir);
    int fd = open(path, O_RDWR), found = 0;
    struct stat st;
    assert_int_equal(fstat(fd, &st), 0);
    srand(3);
    for (int i = 0; i < ROUNDS; i++) {
        uint8_t whole[DAMAGE], bad[DAMAGE];
        off_t at = (off_t)((size_t)rand() % (size_t)(st.st_size / DAMAGE)) * DAMAGE;
        assert_int_equal(pread(fd, whole, DAMAGE, at), DAMAGE);
        for (size_t k = 0; k < DAMAGE; k++)
            bad[k] = i % 3 ? (uint8_t)rand() : 0;
        assert_int_equal(pwrite(fd, bad, DAMAGE, at), DAMAGE);
        enum mt_err err = read_all(f);
        assert_true(err == MT_OK || err == MT_ECORRUPT || err == MT_ENOTFOUND || err == MT_ENOKEY ||
                    err == MT_EVERSION);
        found += err != MT_OK;
        assert_int_equal(pwrite(fd, whole, DAMAGE, at), DAMAGE);
    }
    assert_true(found > ROUNDS / 4); /* the rest hit pages that hold nothing */
    assert_int_equal(ftruncate(fd, st.st_size / 2), 0);
    char why[128];
    assert_int_equal(place_open(&f->place, &f->s, why, sizeof why), MT_ECORRUPT);
    assert_string_equal(why, "data.mdb: the file is shorter than its pages");
    (void)close(fd);
    builder_close(&b);
}

static void nothing_readable_is_on_disk(void **state) {
    struct fixture *f = *state;
    struct builder b;
    char path[128];
    builder_region(&b, REGION, 1, 1);
    for (uint64_t i = 0; i < 20; i++)
        builder_add_text(&b, MT_KIND_ACTIVITY, i % 7, TITLE, "MARKERTEXT");
    assert_int_equal(fixture_put(f, &b, 1, 20, true).err, MT_OK);
    struct mt_batch *batch = fixture_batch(f);
    put_blob(batch, "seed", "MARKERTEXT");
    struct mt_op *item = mt_batch_add(batch, MT_OP_ITEM);
    item->item.bytes = mt_slice_str("MARKERTEXT");
    mt_apply(f->s, batch);
    assert_int_equal(batch->err, MT_OK);
    mt_batch_free(batch);
    (void)snprintf(path, sizeof path, "%s/data.mdb", f->place.dir);
    FILE *file = fopen(path, "rb");
    struct stat st;
    assert_int_equal(fstat(fileno(file), &st), 0);
    uint8_t *bytes = malloc((size_t)st.st_size);
    assert_int_equal(fread(bytes, 1, (size_t)st.st_size, file), st.st_size);
    assert_null(memmem(bytes, (size_t)st.st_size, "MARKERTEXT", 10));
    assert_non_null(memmem(bytes, (size_t)st.st_size, b.info.id.b, 32));
    free(bytes);
    (void)fclose(file);
    builder_close(&b);
}

/* ---- crash ---- */

/* Applies run after run and tells the parent after each how far it is. */
static void write_until_killed(const struct place *p, const struct builder *b, uint64_t seq,
                               int out) {
    struct fixture f = {.place = *p, .region = b->region, .ring = built_ring(REGION, 1, 1, 1)};
    if (place_open(p, &f.s, NULL, 0))
        _exit(2);
    while (seq < b->n) {
        uint32_t n = 1 + (uint32_t)(seq % 5);
        if (n > b->n - seq)
            n = (uint32_t)(b->n - seq);
        if (fixture_run(&f, b, seq + 1, n).err)
            _exit(3);
        seq += n;
        if (write(out, &seq, sizeof seq) != sizeof seq)
            _exit(4);
    }
    _exit(0);
}

static void what_was_reported_survives_a_kill(void **state) {
    struct fixture *f = *state;
    struct builder b;
    enum { ROUNDS = 20, ENTRIES = 3000 };
    uint64_t held = 0;
    builder_region(&b, REGION, 2, 1);
    for (uint64_t i = 0; i < ENTRIES; i++)
        builder_add_text(&b, MT_KIND_ACTIVITY, i % 500, (uint8_t)(i % 3), "text");
    for (int round = 0; round < ROUNDS && held < ENTRIES; round++) {
        int ends[2];
        mt_store_close(f->s);
        assert_int_equal(pipe(ends), 0);
        pid_t pid = fork();
        if (pid == 0) {
            (void)close(ends[0]);
            write_until_killed(&f->place, &b, held, ends[1]);
        }
        (void)close(ends[1]);
        uint64_t reported = held, seq;
        int left = 2 + round * 2;
        while (left-- > 0 && read(ends[0], &seq, sizeof seq) == sizeof seq)
            reported = seq;
        (void)usleep((useconds_t)(round * 137));
        assert_int_equal(kill(pid, SIGKILL), 0);
        while (read(ends[0], &seq, sizeof seq) == sizeof seq)
            reported = seq;
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        (void)close(ends[0]);
        assert_int_equal(place_open(&f->place, &f->s, NULL, 0), MT_OK);
        struct mt_op op = fixture_run(f, &b, 1, 1);
        assert_int_equal(op.err, MT_OK);
        assert_true(op.head.seq >= reported);
        held = op.head.seq;
        uint8_t digest[32];
        fixture_digest(f, digest);
    }
    builder_close(&b);
}

/* ---- full ---- */

static void the_map_grows(void **state) {
    struct fixture *f = *state;
    static uint8_t big[MT_ITEM_MAX];
    uint64_t used, map, first_map;
    mt_store_size(f->s, &used, &first_map);
    assert_true(used < first_map);
    for (uint64_t i = 0; i < 80; i++) {
        struct mt_batch *b = fixture_batch(f);
        struct mt_op *op = mt_batch_add(b, MT_OP_ITEM);
        op->item.id = built_id("item", i);
        op->item.bytes = mt_slice(big, sizeof big);
        mt_apply(f->s, b);
        assert_int_equal(b->err, MT_OK);
        mt_batch_free(b);
    }
    mt_store_size(f->s, &used, &map);
    assert_true(used > 80 * (uint64_t)sizeof big);
    assert_true(map > first_map && map > used);
    fixture_reopen(f);
    mt_store_size(f->s, &used, &map);
    assert_true(map >= used);
}

/* A batch that dirties far more than it carries meets the end of the map within the transaction. */
static void a_full_map_is_met_by_growing_again(void **state) {
    struct fixture *f = *state;
    static uint8_t memory[MT_BOX_MAX];
    struct builder b;
    builder_region(&b, REGION, 2, 1);
    for (uint64_t e = 0; e < 16; e++) {
        struct mt_writer w = mt_writer(memory, sizeof memory);
        mt_changes_begin(&w, MT_CHANGES_MAX);
        for (uint64_t i = 0; i < MT_CHANGES_MAX; i++) {
            struct mt_rid id = built_rid(e * MT_CHANGES_MAX + i);
            mt_change_begin(&w, 99, 1, 0, &id, 1);
            mt_wire_put_uint(&w, 1);
            mt_wire_put_nil(&w);
        }
        builder_add(&b, mt_writer_slice(&w));
        builder_set_epoch(&b, 2);
    }
    for (uint64_t at = 1; at <= 16; at++)
        assert_int_equal(fixture_run(f, &b, at, 1).err, MT_OK);
    assert_int_equal(fixture_waiting(f), 15);
    mt_keyring_unref(f->ring);
    f->ring = built_ring(REGION, 2, 1, 1);
    struct mt_batch *batch = fixture_batch(f);
    (void)mt_batch_add(batch, MT_OP_RETRY);
    mt_apply(f->s, batch);
    assert_int_equal(batch->err, MT_OK);
    mt_batch_free(batch);
    assert_int_equal(fixture_count(f, 99), 16 * MT_CHANGES_MAX);
    builder_close(&b);
}

static void a_full_disk_fails_the_batch_whole_and_passes(void **state) {
    struct fixture *f = *state;
    struct builder b;
    struct rlimit before, tight;
    struct stat st;
    char path[128], text[2000];
    uint8_t d1[32], d2[32];
    builder_region(&b, REGION, 2, 1);
    memset(text, 'm', sizeof text);
    text[sizeof text - 1] = 0;
    for (uint64_t i = 0; i < 600; i++)
        builder_add_text(&b, MT_KIND_ACTIVITY, i, TITLE, text);
    assert_int_equal(fixture_run(f, &b, 1, 10).err, MT_OK);
    fixture_digest(f, d1);
    (void)snprintf(path, sizeof path, "%s/data.mdb", f->place.dir);
    assert_int_equal(stat(path, &st), 0);
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    tight = before;
    tight.rlim_cur = (rlim_t)st.st_size + 64 * 1024 + 100;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
    struct mt_op op = fixture_run(f, &b, 11, 300);
    enum mt_err again = fixture_run(f, &b, 11, 300).err;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    (void)signal(SIGXFSZ, handler);
    assert_int_equal(op.err, MT_ENOSPACE);
    assert_int_equal(again, MT_ENOSPACE);
    assert_true(mt_store_detail(f->s)[0] != 0);
    fixture_digest(f, d2);
    assert_memory_equal(d1, d2, 32);
    assert_int_equal(fixture_count(f, MT_KIND_ACTIVITY), 10);
    op = fixture_run(f, &b, 11, 300);
    assert_int_equal(op.err, MT_OK);
    assert_int_equal(op.head.seq, 310);
    fixture_reopen(f);
    assert_int_equal(fixture_count(f, MT_KIND_ACTIVITY), 310);
    builder_close(&b);
}

/* ---- two threads ---- */

struct writer {
    struct fixture *f;
    const struct builder *b;
    enum mt_err err;
};

static void *write_all(void *arg) {
    struct writer *w = arg;
    for (uint64_t at = 1; at <= w->b->n && w->err == MT_OK; at += 20)
        w->err = fixture_run(w->f, w->b, at, 20).err;
    return NULL;
}

static void one_thread_reads_while_another_writes_and_the_map_grows(void **state) {
    struct fixture *f = *state;
    struct builder b;
    char text[8000];
    uint64_t used, first_map, map, seen = 0;
    pthread_t thread;
    memset(text, 'm', sizeof text);
    text[sizeof text - 1] = 0;
    builder_region(&b, REGION, 2, 1);
    for (uint64_t i = 0; i < 4000; i++)
        builder_add_text(&b, MT_KIND_ACTIVITY, i, TITLE, text);
    mt_store_size(f->s, &used, &first_map);
    struct writer w = {.f = f, .b = &b, .err = MT_OK};
    assert_int_equal(pthread_create(&thread, NULL, write_all, &w), 0);
    for (int i = 0; i < 100000 && seen < 4000; i++) {
        uint64_t n = fixture_count(f, MT_KIND_ACTIVITY);
        char got[8000];
        assert_true(n >= seen && n % 20 == 0);
        seen = n;
        if (n > 0) {
            fixture_text(f, NULL, 2, MT_KIND_ACTIVITY, n - 1, TITLE, got, sizeof got);
            assert_string_equal(got, text);
        }
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(w.err, MT_OK);
    mt_store_size(f->s, &used, &map);
    assert_true(map > first_map);
    assert_int_equal(fixture_count(f, MT_KIND_ACTIVITY), 4000);
    builder_close(&b);
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(blobs_and_items_come_back),
        TEST(chains_come_back),
        TEST(another_key_does_not_open),
        TEST(it_opens_once),
        cmocka_unit_test(what_a_creation_left_behind_is_no_hindrance),
        cmocka_unit_test(files_that_are_no_store_are_left_alone),
        TEST(damage_is_found),
        TEST(nothing_readable_is_on_disk),
        TEST(what_was_reported_survives_a_kill),
        TEST(the_map_grows),
        TEST(one_thread_reads_while_another_writes_and_the_map_grows),
        TEST(a_full_map_is_met_by_growing_again),
        TEST(a_full_disk_fails_the_batch_whole_and_passes),
    };
    return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
