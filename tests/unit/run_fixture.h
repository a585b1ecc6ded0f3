/* run_fixture: a chain and what it takes to build and check runs of it. */
#ifndef MEENT_TEST_RUN_FIXTURE_H
#define MEENT_TEST_RUN_FIXTURE_H

#include "vectors.h"

#include "builder.h"
#include "feed.h"

#include <stdlib.h>

enum { KIND = 3, FIELD = 1, MESSAGE_CAP = 2 * MT_MESSAGE_MAX };

/* What a check needs, and what it found. */
struct fixture {
    struct builder b;
    struct mt_run_entry *entries;
    uint8_t *arena;
    uint8_t *message; /* MESSAGE_CAP bytes to build in */
    struct mt_run run;
};

static inline int open_fixture(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->entries = calloc(MT_RUN_ENTRIES_MAX, sizeof *f->entries);
    f->arena = malloc(MT_RUN_ARENA);
    f->message = malloc(MESSAGE_CAP);
    assert_true(f->entries && f->arena && f->message);
    builder_region(&f->b, 1, 1, 1);
    *state = f;
    return 0;
}

static inline int close_fixture(void **state) {
    struct fixture *f = *state;
    builder_close(&f->b);
    free(f->entries);
    free(f->arena);
    free(f->message);
    free(f);
    return 0;
}

static inline void add_entries(struct fixture *f, uint32_t n) {
    for (uint32_t i = 0; i < n; i++)
        builder_add_text(&f->b, KIND, f->b.n, FIELD, "Metaal proeven");
}

static inline enum mt_err check_after(struct fixture *f, struct mt_slice message,
                                      const struct mt_head *before) {
    return mt_run_check(message, &f->b.region, &f->b.info.feed, before, f->entries, f->arena,
                        &f->run);
}

/* Checks a message against the chain up to `before`. The message is copied to memory of its exact
 * size, so that a read past its end shows. */
static inline enum mt_err check(struct fixture *f, struct mt_slice message, uint64_t before) {
    struct mt_head head = builder_head(&f->b, before);
    uint8_t *exact = malloc(message.n ? message.n : 1);
    assert_non_null(exact);
    memcpy(exact, message.p, message.n);
    enum mt_err err = check_after(f, mt_slice(exact, message.n), &head);
    if (err)
        assert_int_equal(f->run.n, 0);
    free(exact);
    return err;
}

static inline struct mt_slice build(struct fixture *f, uint64_t first, uint32_t n) {
    struct mt_writer w = mt_writer(f->message, MESSAGE_CAP);
    builder_run(&f->b, first, n, &w);
    assert_int_equal(w.err, MT_OK);
    return mt_writer_slice(&w);
}

/* A run of the fixture's chain as a careless or malicious writer would make it. */
static inline struct mt_run_writer begin(struct fixture *f, struct mt_writer *w, uint64_t first) {
    const struct built_entry *e = &f->b.entries[first - 1];
    struct mt_run_writer rw;
    *w = mt_writer(f->message, MESSAGE_CAP);
    mt_run_begin(&rw, w, &f->b.info.id, first, &e->h.previous, &e->h.governance, &e->h.epoch);
    return rw;
}

static inline void add(struct mt_run_writer *rw, const struct fixture *f, uint64_t seq) {
    const struct built_entry *e = &f->b.entries[seq - 1];
    mt_run_add(rw, &e->h, e->box);
}

static inline struct mt_slice end(struct mt_run_writer *rw, const struct fixture *f, uint64_t seq) {
    const struct built_entry *e = &f->b.entries[seq - 1];
    uint8_t sig[MT_SIGNATURE_SIZE];
    mt_head_sign(&f->b.writer.feed, &f->b.region, &f->b.info.id, seq, &e->id, sig);
    mt_run_end(rw, sig);
    assert_int_equal(rw->w->err, MT_OK);
    return mt_writer_slice(rw->w);
}

#define RUN_TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)

#endif
