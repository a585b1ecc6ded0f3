/* Runs: what a writer makes is accepted, and only where it belongs. */
#include "run_fixture.h"

/* True when the last check found exactly entries `first` to `first + n - 1` of the chain. */
static void assert_found(const struct fixture *f, uint64_t first, uint32_t n) {
    assert_int_equal(f->run.n, n);
    assert_int_equal(f->run.first, first);
    assert_true(mt_id_eq(&f->run.chain, &f->b.info.id));
    assert_ptr_equal(f->run.entries, f->entries);
    for (uint32_t i = 0; i < n; i++) {
        const struct built_entry *want = &f->b.entries[first - 1 + i];
        const struct mt_run_entry *got = &f->entries[i];
        struct mt_header h;
        assert_true(mt_id_eq(&got->id, &want->id));
        assert_bytes(got->header, want->header);
        assert_int_equal(mt_header_get(got->header, &h), MT_OK);
        assert_int_equal(got->h.seq, h.seq);
        assert_int_equal(got->h.lamport, h.lamport);
        assert_int_equal(got->h.wall_ms, h.wall_ms);
        assert_int_equal(got->h.box_len, got->box.n);
        assert_true(mt_id_eq(&got->h.governance, &h.governance));
        assert_true(mt_id_eq(&got->h.epoch, &h.epoch));
        assert_true(mt_id_eq(&got->h.previous, &h.previous));
        assert_true(mt_id_eq(&got->h.box_hash, &h.box_hash));
    }
}

/* ---- what is accepted ---- */

static void runs_of_every_length_come_back_as_they_were(void **state) {
    struct fixture *f = *state;
    static const uint32_t lengths[] = {1, 2, 15, 16, 17, 255, 256, 1023, MT_RUN_ENTRIES_MAX};
    uint64_t first = 1;
    add_entries(f, 1 + 2 + 15 + 16 + 17 + 255 + 256 + 1023 + MT_RUN_ENTRIES_MAX);
    for (unsigned i = 0; i < MT_ARRAY_LEN(lengths); i++) {
        struct mt_slice m = build(f, first, lengths[i]);
        struct mt_head before = builder_head(&f->b, first - 1);
        assert_int_equal(check_after(f, m, &before), MT_OK);
        assert_found(f, first, lengths[i]);
        for (uint32_t k = 0; k < lengths[i]; k++)
            assert_bytes(f->entries[k].box, f->b.entries[first - 1 + k].box);
        assert_ptr_equal(f->run.signature + MT_SIGNATURE_SIZE, m.p + m.n);
        first += lengths[i];
    }
}

static void governance_and_epoch_may_change_in_a_run(void **state) {
    struct fixture *f = *state;
    add_entries(f, 2);
    builder_set_epoch(&f->b, 2);
    add_entries(f, 2);
    f->b.governance = built_id("governance", 2);
    add_entries(f, 1);
    builder_set_epoch(&f->b, 1);
    f->b.governance = built_id("governance", 1);
    add_entries(f, 2);
    for (uint64_t first = 1; first <= f->b.n; first++) {
        for (uint32_t n = 1; first + n - 1 <= f->b.n; n++) {
            assert_int_equal(check(f, build(f, first, n), first - 1), MT_OK);
            assert_found(f, first, n);
        }
    }
}

static void pair_chains_run_without_epochs(void **state) {
    struct fixture *f = *state;
    builder_close(&f->b);
    builder_pair(&f->b, 1, 1, 2, 2, 5);
    assert_true(mt_id_eq(&f->b.info.other, &f->b.writer.root.pub));
    add_entries(f, 3);
    assert_int_equal(check(f, build(f, 1, 3), 0), MT_OK);
    assert_found(f, 1, 3);
    assert_true(mt_id_is_zero(&f->entries[2].h.epoch));
}

static void a_run_names_its_place_before_it_is_checked(void **state) {
    struct fixture *f = *state;
    struct mt_id chain;
    uint64_t first;
    uint8_t previous16[16];
    uint32_t n;
    add_entries(f, 20);
    struct mt_slice m = build(f, 3, 17);
    assert_int_equal(mt_run_peek(m, &chain, &first, previous16, &n), MT_OK);
    assert_true(mt_id_eq(&chain, &f->b.info.id));
    assert_int_equal(first, 3);
    assert_int_equal(n, 17);
    assert_memory_equal(previous16, f->b.entries[1].id.b, 16);
    for (size_t len = 0; len < m.n; len++) {
        assert_int_equal(mt_run_peek(mt_slice(m.p, len), &chain, &first, previous16, &n),
                         MT_ETRUNCATED);
        assert_int_equal(first, 0);
        assert_int_equal(n, 0);
    }
}

/* ---- what is refused ---- */

static void a_run_fits_only_where_its_chain_ends(void **state) {
    struct fixture *f = *state;
    add_entries(f, 6);
    struct mt_slice m = build(f, 3, 2);
    assert_int_equal(check(f, m, 2), MT_OK);
    assert_int_equal(check(f, m, 0), MT_ECHAIN);
    assert_int_equal(check(f, m, 1), MT_ECHAIN);
    assert_int_equal(check(f, m, 3), MT_ECHAIN);

    struct mt_head before = builder_head(&f->b, 2);
    before.entry.b[15] ^= 1; /* the last byte that the message states */
    assert_int_equal(check_after(f, m, &before), MT_ECHAIN);
    before.entry.b[15] ^= 1;
    before.entry.b[16] ^= 1; /* the first one it does not: the signature knows */
    assert_int_equal(check_after(f, m, &before), MT_ESIGNATURE);
    before = (struct mt_head){.entry = before.entry};
    assert_int_equal(check_after(f, build(f, 1, 1), &before), MT_ECHAIN);
}

static void reordered_and_dropped_entries_are_refused(void **state) {
    struct fixture *f = *state;
    struct mt_writer w;
    add_entries(f, 5);
    struct mt_run_writer rw = begin(f, &w, 1);
    static const uint64_t swapped[] = {1, 3, 2, 4, 5}, dropped[] = {1, 2, 4, 5};
    for (unsigned i = 0; i < MT_ARRAY_LEN(swapped); i++)
        add(&rw, f, swapped[i]);
    assert_int_equal(check(f, end(&rw, f, 5), 0), MT_EVALUE); /* lamport goes back */
    rw = begin(f, &w, 1);
    for (unsigned i = 0; i < MT_ARRAY_LEN(dropped); i++)
        add(&rw, f, dropped[i]);
    assert_int_equal(check(f, end(&rw, f, 5), 0), MT_ESIGNATURE);
    rw = begin(f, &w, 1); /* boxes swapped, everything else in place */
    mt_run_add(&rw, &f->b.entries[0].h, f->b.entries[1].box);
    mt_run_add(&rw, &f->b.entries[1].h, f->b.entries[0].box);
    assert_int_equal(check(f, end(&rw, f, 2), 0), MT_ESIGNATURE);
    rw = begin(f, &w, 1); /* the signature of an earlier head */
    add(&rw, f, 1);
    add(&rw, f, 2);
    assert_int_equal(check(f, end(&rw, f, 1), 0), MT_ESIGNATURE);
}

static void only_the_chains_own_feed_signs(void **state) {
    struct fixture *f = *state;
    struct mt_writer w;
    uint8_t sig[MT_SIGNATURE_SIZE];
    struct built_org other = built_org(2);
    struct mt_id region = built_id("region", 2);
    static const struct mt_head none;
    add_entries(f, 1);
    struct mt_run_writer rw = begin(f, &w, 1);
    add(&rw, f, 1);
    mt_head_sign(&other.feed, &f->b.region, &f->b.info.id, 1, &f->b.entries[0].id, sig);
    mt_run_end(&rw, sig);
    assert_int_equal(check(f, mt_writer_slice(&w), 0), MT_ESIGNATURE);
    struct mt_slice m = build(f, 1, 1);
    assert_int_equal(
        mt_run_check(m, &f->b.region, &other.feed.pub, &none, f->entries, f->arena, &f->run),
        MT_ESIGNATURE);
    assert_int_equal(
        mt_run_check(m, &region, &f->b.info.feed, &none, f->entries, f->arena, &f->run),
        MT_ESIGNATURE);
}

static void lamport_grows_up_to_its_limit(void **state) {
    struct fixture *f = *state;
    add_entries(f, 1);
    f->b.lamport = 1; /* not greater than the first */
    add_entries(f, 1);
    assert_int_equal(check(f, build(f, 1, 1), 0), MT_OK);
    assert_int_equal(check(f, build(f, 1, 2), 0), MT_EVALUE);
    assert_int_equal(check(f, build(f, 2, 1), 1), MT_EVALUE);
    builder_close(&f->b);
    builder_region(&f->b, 1, 1, 1);
    f->b.lamport = 0; /* nothing is held, and that counts as 0 */
    add_entries(f, 1);
    assert_int_equal(check(f, build(f, 1, 1), 0), MT_EVALUE);
    builder_close(&f->b);
    builder_region(&f->b, 1, 1, 1);
    f->b.lamport = MT_LAMPORT_MAX;
    add_entries(f, 2);
    assert_int_equal(check(f, build(f, 1, 1), 0), MT_OK);
    assert_int_equal(check(f, build(f, 2, 1), 1), MT_EVALUE);
}

static void a_writer_without_room_says_so(void **state) {
    struct fixture *f = *state;
    add_entries(f, 17);
    struct mt_slice m = build(f, 1, 17);
    size_t whole = m.n;
    uint8_t *p = malloc(whole);
    assert_non_null(p);
    for (size_t cap = 0; cap <= whole; cap++) {
        struct mt_writer w = mt_writer(p, cap);
        builder_run(&f->b, 1, 17, &w);
        assert_int_equal(w.err, cap < whole ? MT_ETOOLONG : MT_OK);
    }
    assert_memory_equal(p, m.p, whole);
    free(p);
}

/* ---- frozen bytes ---- */

static void check_frozen(struct fixture *f, const json_t *row, const struct mt_id *region,
                         const struct mt_sign_key *feed) {
    static uint8_t want[16384], boxes[16384], made[16384], buf[MT_HEADER_MAX];
    struct mt_slice m = vectors_bytes(row, "message", want, sizeof want);
    const json_t *list = vectors_get(row, "entries"), *each;
    struct mt_id chain = vectors_id(row, "chain"), previous = vectors_id(row, "before");
    uint64_t first = vectors_uint(row, "first");
    struct mt_head before = {
        .seq = first - 1, .entry = previous, .lamport = vectors_uint(row, "before_lamport")};
    assert_int_equal(mt_run_check(m, region, &feed->pub, &before, f->entries, f->arena, &f->run),
                     MT_OK);
    assert_int_equal(f->run.n, json_array_size(list));

    struct mt_writer w = mt_writer(made, sizeof made);
    struct mt_run_writer rw;
    uint8_t sig[MT_SIGNATURE_SIZE];
    size_t i;
    json_array_foreach(list, i, each) {
        const struct mt_run_entry *e = &f->entries[i];
        struct mt_header h;
        struct mt_id id = vectors_id(each, "id");
        assert_true(mt_id_eq(&e->id, &id));
        assert_bytes(e->header, vectors_bytes(each, "header", buf, sizeof buf));
        assert_bytes(e->box, vectors_bytes(each, "box", boxes, sizeof boxes));
        assert_int_equal(e->h.wall_ms, vectors_uint(each, "wall_ms"));
        assert_int_equal(mt_header_get(e->header, &h), MT_OK);
        if (i == 0)
            mt_run_begin(&rw, &w, &chain, first, &previous, &h.governance, &h.epoch);
        mt_run_add(&rw, &h, e->box);
        mt_head_sign(feed, region, &chain, h.seq, &id, sig);
    }
    mt_run_end(&rw, sig);
    assert_int_equal(w.err, MT_OK);
    assert_bytes(mt_writer_slice(&w), m);
}

static void bytes_are_the_frozen_ones(void **state) {
    json_t *root = vectors_load("meent/run.json"), *row;
    struct mt_id region = vectors_id(root, "region");
    struct mt_sign_key feed;
    uint8_t seed[32];
    vectors_fixed(vectors_get(root, "feed"), "seed", seed, sizeof seed);
    mt_sign_key_make(seed, &feed);
    size_t i;
    assert_int_equal(json_array_size(vectors_get(root, "runs")), 3);
    json_array_foreach(vectors_get(root, "runs"), i, row) check_frozen(*state, row, &region, &feed);
    json_decref(root);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        RUN_TEST(runs_of_every_length_come_back_as_they_were),
        RUN_TEST(governance_and_epoch_may_change_in_a_run),
        RUN_TEST(pair_chains_run_without_epochs),
        RUN_TEST(a_run_names_its_place_before_it_is_checked),
        RUN_TEST(a_run_fits_only_where_its_chain_ends),
        RUN_TEST(reordered_and_dropped_entries_are_refused),
        RUN_TEST(only_the_chains_own_feed_signs),
        RUN_TEST(lamport_grows_up_to_its_limit),
        RUN_TEST(a_writer_without_room_says_so),
        RUN_TEST(bytes_are_the_frozen_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
