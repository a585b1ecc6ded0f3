/* A store in a directory of its own, a ring of keys, and batches of one line. */
#ifndef MEENT_TEST_STORE_FIXTURE_H
#define MEENT_TEST_STORE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "builder.h"
#include "schema.h"
#include "store.h"

enum { REGION = 1, TEST_MAP = 1024 * 1024, TITLE = 0 };

struct place {
    char base[64], dir[80];
    uint8_t key[32];
    uint32_t recent_min;
};

static inline void place_make(struct place *p) {
    (void)snprintf(p->base, sizeof p->base, "/tmp/meent-store-XXXXXX");
    assert_non_null(mkdtemp(p->base));
    (void)snprintf(p->dir, sizeof p->dir, "%s/store", p->base);
    built_bytes(p->key, "store key", 1);
}

static inline void place_remove(struct place *p) {
    static const char *const names[] = {"store/data.mdb", "store/lock.mdb", "store/other",
                                        "store.new/data.mdb", "store.new/lock.mdb"};
    char path[128];
    for (size_t i = 0; i < MT_ARRAY_LEN(names); i++) {
        (void)snprintf(path, sizeof path, "%s/%s", p->base, names[i]);
        (void)unlink(path);
    }
    (void)snprintf(path, sizeof path, "%s.new", p->dir);
    (void)rmdir(path);
    (void)rmdir(p->dir);
    assert_int_equal(rmdir(p->base), 0);
}

static inline enum mt_err place_open(const struct place *p, struct mt_store **s, char *why,
                                     size_t why_size) {
    struct mt_store_config config = {.dir = p->dir,
                                     .store_key = p->key,
                                     .map_bytes = TEST_MAP,
                                     .no_sync = true,
                                     .recent_min = p->recent_min,
                                     .why = why,
                                     .why_size = why_size};
    return mt_store_open(s, &config);
}

/* A store with the keys of organisation 1: epoch 1 and its channels with organisations 1 to 4. */
struct fixture {
    struct place place;
    struct mt_store *s;
    struct mt_keyring *ring;
    struct mt_id region;
};

static inline void fixture_open_recent(struct fixture *f, uint32_t recent_min) {
    assert_int_equal(mt_key_init(), MT_OK);
    place_make(&f->place);
    f->place.recent_min = recent_min;
    assert_int_equal(place_open(&f->place, &f->s, NULL, 0), MT_OK);
    f->ring = built_ring(REGION, 1, 1, 4);
    f->region = built_id("region", REGION);
}

static inline void fixture_open(struct fixture *f) {
    fixture_open_recent(f, 0);
}

static inline void fixture_reopen(struct fixture *f) {
    mt_store_close(f->s);
    assert_int_equal(place_open(&f->place, &f->s, NULL, 0), MT_OK);
}

static inline void fixture_close(struct fixture *f) {
    mt_store_close(f->s);
    mt_keyring_unref(f->ring);
    place_remove(&f->place);
}

static inline struct mt_batch *fixture_batch(struct fixture *f) {
    struct mt_batch *b = mt_batch_new();
    assert_non_null(b);
    b->region = f->region;
    b->own_org = built_org(1).root.pub;
    b->keys = f->ring ? mt_keyring_ref(f->ring) : NULL;
    return b;
}

/* Applies a batch of one run or local operation and returns the operation's result. */
static inline struct mt_op fixture_put(struct fixture *f, const struct builder *b, uint64_t first,
                                       uint32_t n, bool is_local) {
    struct mt_batch *batch = fixture_batch(f);
    struct mt_op *op =
        is_local ? builder_op_local(b, first, n, batch) : builder_op_run(b, first, n, batch);
    assert_non_null(op);
    mt_apply(f->s, batch);
    struct mt_op result = *op;
    if (result.err == MT_OK)
        result.err = batch->err;
    mt_batch_free(batch);
    return result;
}

static inline struct mt_op fixture_run(struct fixture *f, const struct builder *b, uint64_t first,
                                       uint32_t n) {
    return fixture_put(f, b, first, n, false);
}

static inline struct mt_read fixture_read(struct fixture *f) {
    struct mt_read r;
    assert_int_equal(mt_read_begin(f->s, &f->region, f->ring, &r), MT_OK);
    return r;
}

static inline uint64_t fixture_count(struct fixture *f, uint16_t kind) {
    struct mt_read r = fixture_read(f);
    uint64_t n;
    assert_int_equal(mt_read_count(&r, kind, &n), MT_OK);
    mt_read_end(&r);
    return n;
}

static inline uint64_t fixture_waiting(struct fixture *f) {
    struct mt_read r = fixture_read(f);
    uint64_t n;
    assert_int_equal(mt_read_waiting(&r, &n), MT_OK);
    mt_read_end(&r);
    return n;
}

/* The view digest, which must be that of the fold. */
static inline void fixture_digest(struct fixture *f, uint8_t out[static 32]) {
    struct mt_read r = fixture_read(f);
    uint8_t fold[32];
    assert_int_equal(mt_read_digest(&r, out), MT_OK);
    assert_int_equal(mt_read_digest_fold(&r, fold), MT_OK);
    assert_memory_equal(out, fold, 32);
    mt_read_end(&r);
}

/* The text in a field of a record; "" when there is no such record or field. */
static inline void fixture_text(struct fixture *f, const struct mt_id *audience, uint64_t writer,
                                uint16_t kind, uint64_t rid, uint8_t field, char *out,
                                size_t size) {
    static uint8_t memory[MT_BOX_MAX];
    struct mt_read r = fixture_read(f);
    struct mt_id owner = built_org(writer).root.pub;
    struct mt_rid id = built_rid(rid);
    struct mt_writer w = mt_writer(memory, sizeof memory);
    struct mt_view view;
    struct mt_slice value, text;
    struct mt_reader reader;
    uint64_t row;
    out[0] = 0;
    enum mt_err err = mt_read_find(&r, audience, &owner, kind, &id, &row);
    if (err == MT_OK) {
        assert_int_equal(mt_read_row(&r, row, &w, &view), MT_OK);
        assert_true(mt_id_eq(&view.owner, &owner));
        assert_int_equal(view.kind, kind);
        if (mt_fields_find(view.fields, field, &value) == MT_OK) {
            reader = mt_reader(value);
            text = mt_wire_str(&reader, size - 1);
            assert_int_equal(reader.err, MT_OK);
            memcpy(out, text.p, text.n);
            out[text.n] = 0;
        }
    } else {
        assert_int_equal(err, MT_ENOTFOUND);
    }
    mt_read_end(&r);
}

static inline int fixture_setup(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    fixture_open(f);
    *state = f;
    return 0;
}

/* Keys of every batch are kept together first: nothing that is read may differ. */
static inline int fixture_setup_recent(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    fixture_open_recent(f, 1);
    *state = f;
    return 0;
}

static inline int fixture_teardown(void **state) {
    fixture_close(*state);
    free(*state);
    return 0;
}

#endif
