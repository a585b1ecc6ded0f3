/* Runs whose bytes are not what a run looks like, and the caps. */
#include "run_fixture.h"

static void every_flipped_bit_is_found(void **state) {
    struct fixture *f = *state;
    add_entries(f, 1);
    builder_set_epoch(&f->b, 2);
    add_entries(f, 2);
    struct mt_slice m = build(f, 1, 3);
    for (size_t bit = 0; bit < m.n * 8; bit++) {
        f->message[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (check(f, m, 0) == MT_OK)
            fail_msg("bit %zu does not matter", bit);
        f->message[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_int_equal(check(f, m, 0), MT_OK);
}

static void every_cut_is_refused(void **state) {
    struct fixture *f = *state;
    add_entries(f, 2);
    struct mt_slice m = build(f, 1, 2);
    for (size_t n = 0; n < m.n; n++)
        assert_int_equal(check(f, mt_slice(m.p, n), 0), MT_ETRUNCATED);
    f->message[m.n] = 0xc0;
    assert_int_equal(check(f, mt_slice(m.p, m.n + 1), 0), MT_ETRAILING);
}

static void one_entry_more_than_the_cap_is_refused(void **state) {
    struct fixture *f = *state;
    struct mt_writer w;
    uint8_t sig[MT_SIGNATURE_SIZE] = {0};
    add_entries(f, MT_RUN_ENTRIES_MAX + 1);
    struct mt_run_writer rw = begin(f, &w, 1);
    for (uint64_t seq = 1; seq <= MT_RUN_ENTRIES_MAX + 1; seq++)
        add(&rw, f, seq);
    mt_run_end(&rw, sig);
    assert_int_equal(w.err, MT_ETOOLONG);

    /* The same by hand: a run of the cap whose count is raised by one, with an entry more. */
    rw = begin(f, &w, 1);
    size_t head = rw.entries_at;
    for (uint64_t seq = 1; seq <= MT_RUN_ENTRIES_MAX; seq++)
        add(&rw, f, seq);
    mt_run_end(&rw, sig);
    w.n -= 2 + MT_SIGNATURE_SIZE;
    add(&rw, f, MT_RUN_ENTRIES_MAX + 1);
    mt_wire_put_bin(&w, sig, sizeof sig);
    mt_be16(f->message + head + 1, MT_RUN_ENTRIES_MAX + 1);
    assert_int_equal(check(f, mt_writer_slice(&w), 0), MT_ETOOLONG);
}

static void an_empty_run_is_refused(void **state) {
    struct fixture *f = *state;
    struct mt_writer w;
    uint8_t sig[MT_SIGNATURE_SIZE] = {0};
    add_entries(f, 1);
    (void)begin(f, &w, 1);
    mt_wire_put_array(&w, 0);
    mt_wire_put_bin(&w, sig, sizeof sig);
    assert_int_equal(check(f, mt_writer_slice(&w), 0), MT_EVALUE);
}

/* Adds an entry whose box is `n` bytes that nobody could open, which is no reason to refuse it. */
static enum mt_err check_box(struct fixture *f, size_t n) {
    static uint8_t box[MT_BOX_MAX + 1];
    struct mt_writer w;
    struct built_entry *e = &f->b.entries[0];
    uint8_t header[MT_HEADER_MAX];
    struct mt_writer hw = mt_writer(header, sizeof header);
    e->box = mt_slice(box, n);
    e->h.box_len = (uint32_t)n;
    mt_box_hash(&f->b.region, e->box, &e->h.box_hash);
    mt_header_put(&hw, &e->h);
    mt_entry_id(&f->b.region, mt_writer_slice(&hw), &e->id);
    struct mt_run_writer rw = begin(f, &w, 1);
    add(&rw, f, 1);
    return check(f, end(&rw, f, 1), 0);
}

static void boxes_are_held_to_their_sizes(void **state) {
    struct fixture *f = *state;
    enum { BOX_MIN = MT_BOX_MIN_PADDED + MT_BOX_OVERHEAD };
    add_entries(f, 1);
    assert_int_equal(check_box(f, BOX_MIN - 1), MT_ETRUNCATED);
    assert_int_equal(check_box(f, BOX_MIN), MT_OK);
    assert_int_equal(check_box(f, MT_BOX_MAX), MT_OK);
    assert_int_equal(check_box(f, MT_BOX_MAX + 1), MT_ETOOLONG);
}

static void a_missing_box_is_read_and_refused(void **state) {
    struct fixture *f = *state;
    struct mt_writer w;
    add_entries(f, 2);
    struct mt_run_writer rw = begin(f, &w, 1);
    mt_run_add(&rw, &f->b.entries[0].h, mt_slice(NULL, 0));
    add(&rw, f, 2);
    assert_int_equal(check(f, end(&rw, f, 2), 0), MT_EVALUE);
    rw = begin(f, &w, 1); /* nor in another shape */
    mt_wire_put_array(&w, 3);
    mt_wire_put_uint(&w, 1);
    mt_wire_put_uint(&w, 1);
    mt_wire_put_array(&w, 1);
    mt_wire_put_nil(&w);
    rw.n = 1;
    assert_int_equal(check(f, end(&rw, f, 1), 0), MT_EVALUE);
}

static void what_did_not_change_is_not_stated(void **state) {
    struct fixture *f = *state;
    struct mt_writer w;
    add_entries(f, 2);
    for (uint64_t at = 1; at <= 2; at++) { /* the entry that states it again */
        struct mt_run_writer rw = begin(f, &w, 1);
        for (uint64_t seq = 1; seq <= 2; seq++) {
            const struct built_entry *e = &f->b.entries[seq - 1];
            if (seq != at) {
                add(&rw, f, seq);
                continue;
            }
            mt_wire_put_array(&w, 5);
            mt_wire_put_uint(&w, e->h.lamport);
            mt_wire_put_uint(&w, e->h.wall_ms);
            mt_wire_put_bin(&w, e->box.p, e->box.n);
            mt_wire_put_id(&w, &e->h.governance);
            mt_wire_put_id(&w, &e->h.epoch);
            rw.n++;
        }
        assert_int_equal(check(f, end(&rw, f, 2), 0), MT_ECANONICAL);
    }
}

static void entries_and_messages_of_other_shapes_are_refused(void **state) {
    struct fixture *f = *state;
    struct mt_writer w;
    add_entries(f, 1);
    for (uint8_t elements = 2; elements <= 6; elements++) {
        if (elements == 3 || elements == 5)
            continue;
        struct mt_run_writer rw = begin(f, &w, 1);
        mt_wire_put_array(&w, elements);
        for (uint8_t i = 0; i < elements; i++)
            mt_wire_put_uint(&w, i);
        rw.n = 1;
        assert_int_equal(check(f, end(&rw, f, 1), 0), elements == 6 ? MT_ETOOLONG : MT_EVALUE);
    }
    struct mt_slice m = build(f, 1, 1);
    f->message[1] = 6; /* another message */
    assert_int_equal(check(f, m, 0), MT_EVALUE);
    f->message[1] = 5;
    f->message[2 + 34] = 0; /* there is no entry 0 */
    assert_int_equal(check(f, m, 0), MT_EVALUE);
}

/* A run of one entry as bytes, to be changed in place. */
static struct mt_slice one_run(struct fixture *f) {
    struct mt_writer w;
    struct mt_run_writer rw = begin(f, &w, 1);
    add(&rw, f, 1);
    return end(&rw, f, 1);
}

static void fronts_and_signatures_of_other_shapes_are_refused(void **state) {
    struct fixture *f = *state;
    uint8_t memory[32];
    struct mt_writer w = mt_writer(memory, sizeof memory);
    add_entries(f, 1);
    mt_wire_put_uint(&w, 5);
    assert_int_equal(check(f, mt_writer_slice(&w), 0), MT_ETYPE);
    w = mt_writer(memory, sizeof memory);
    mt_wire_put_array(&w, 8); /* as many as a run has, with none of what it has */
    mt_wire_put_uint(&w, 5);
    for (unsigned i = 1; i < 8; i++)
        mt_wire_put_nil(&w);
    assert_int_equal(check(f, mt_writer_slice(&w), 0), MT_ETYPE);
    struct mt_slice m = one_run(f);
    assert_int_equal(check(f, m, 0), MT_OK);
    uint8_t *length = f->message + m.n - MT_SIGNATURE_SIZE - 1;
    assert_int_equal(*length, MT_SIGNATURE_SIZE);
    --*length;
    assert_int_equal(check(f, mt_slice(m.p, m.n - 1), 0), MT_EVALUE);
    *length += 2;
    f->message[m.n] = 0;
    assert_int_equal(check(f, mt_slice(m.p, m.n + 1), 0), MT_ETOOLONG);
}

static void what_an_entry_states_must_be_two_ids(void **state) {
    struct fixture *f = *state;
    struct mt_writer w;
    add_entries(f, 1);
    struct mt_run_writer rw = begin(f, &w, 1);
    const struct built_entry *e = &f->b.entries[0];
    mt_wire_put_array(&w, 5);
    mt_wire_put_uint(&w, e->h.lamport);
    mt_wire_put_uint(&w, e->h.wall_ms);
    mt_wire_put_bin(&w, e->box.p, e->box.n);
    mt_wire_put_id(&w, &e->h.governance);
    mt_wire_put_nil(&w);
    rw.n = 1;
    assert_int_equal(check(f, end(&rw, f, 1), 0), MT_ETYPE);
}

static void a_writer_that_failed_stays_failed(void **state) {
    struct fixture *f = *state;
    struct mt_writer w;
    uint8_t signature[MT_SIGNATURE_SIZE] = {0};
    add_entries(f, 1);
    struct mt_run_writer rw = begin(f, &w, 1);
    rw.n = MT_RUN_ENTRIES_MAX + 1;
    w.err = MT_ENOMEM;
    mt_run_end(&rw, signature);
    assert_int_equal(w.err, MT_ENOMEM);
}

static void a_message_above_its_cap_is_refused(void **state) {
    struct fixture *f = *state;
    static uint8_t text[MT_BOX_MAX / 2];
    for (unsigned i = 0; i < 9; i++)
        builder_add(&f->b, mt_slice(text, sizeof text));
    struct mt_slice m = build(f, 1, 9);
    assert_true(m.n > MT_MESSAGE_MAX);
    assert_int_equal(check(f, m, 0), MT_ETOOLONG);
    assert_int_equal(check(f, build(f, 1, 7), 0), MT_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        RUN_TEST(every_flipped_bit_is_found),
        RUN_TEST(every_cut_is_refused),
        RUN_TEST(one_entry_more_than_the_cap_is_refused),
        RUN_TEST(an_empty_run_is_refused),
        RUN_TEST(boxes_are_held_to_their_sizes),
        RUN_TEST(a_missing_box_is_read_and_refused),
        RUN_TEST(what_did_not_change_is_not_stated),
        RUN_TEST(entries_and_messages_of_other_shapes_are_refused),
        RUN_TEST(fronts_and_signatures_of_other_shapes_are_refused),
        RUN_TEST(what_an_entry_states_must_be_two_ids),
        RUN_TEST(a_writer_that_failed_stays_failed),
        RUN_TEST(a_message_above_its_cap_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
