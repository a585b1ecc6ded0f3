/* A history of a store: batches of every kind, and what the store holds after each of them. */
#ifndef MEENT_TEST_POWER_WORLD_H
#define MEENT_TEST_POWER_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "builder.h"
#include "schema.h"
#include "store.h"

enum {
    BATCHES = 40,
    KEY_AT = 30, /* the batch with which the key of the second epoch comes */
    PARTS_MAX = 4,
    RECENT_MIN = 20, /* so that what large batches leave for later is there */
    OWN = 0,
    OWN_PAIR,
    SECOND,
    THIRD,
    SECOND_PAIR,
    FORK_A,
    FORK_B,
    BUILDERS,
};

/* Entries of one chain that a batch carries. */
struct part {
    struct builder *chain;
    uint64_t first;
    uint32_t n;
    bool is_local;
};

struct world {
    char base[64], dir[80], cut[80]; /* where it lives; where it is tried */
    uint8_t key[32];
    struct mt_id region;
    struct mt_keyring *before_key, *after_key;
    struct builder chains[BUILDERS];
    struct part parts[BATCHES + 1][PARTS_MAX];
    uint8_t prints[BATCHES + 1][32]; /* of the store after so many batches */
};

/* ---- batches ---- */

static inline void world_part(struct world *w, int batch, int chain, uint32_t n, bool is_local) {
    struct part *p = w->parts[batch];
    while (p->n)
        p++;
    *p = (struct part){&w->chains[chain], w->chains[chain].n + 1, n, is_local};
}

/* `n` entries that set the titles of records, some of which were there before. */
static inline void world_texts(struct world *w, int batch, int chain, uint32_t n, bool is_local) {
    static const uint16_t kinds[] = {MT_KIND_ACTIVITY, MT_KIND_PLACEMENT, MT_KIND_ACTIVITY,
                                     MT_KIND_ACTIVITY, MT_KIND_PLACEMENT, MT_KIND_ACTIVITY,
                                     MT_KIND_ACTIVITY};
    struct builder *b = &w->chains[chain];
    world_part(w, batch, chain, n, is_local);
    for (uint32_t i = 0; i < n; i++) {
        char text[64];
        (void)snprintf(text, sizeof text, "batch %d, chain %d", batch, chain);
        builder_add_text(b, kinds[chain], (b->n * 7) % 23, 0, text);
    }
}

/* One entry of many changes: its box fills pages of its own. */
static inline void world_many(struct world *w, int batch, int chain, uint32_t changes,
                              bool is_local) {
    static uint8_t memory[64 * 1024];
    struct mt_writer out = mt_writer(memory, sizeof memory);
    world_part(w, batch, chain, 1, is_local);
    mt_changes_begin(&out, changes);
    for (uint32_t i = 0; i < changes; i++) {
        struct mt_rid rid = built_rid(1000 + i);
        mt_change_begin(&out, MT_KIND_ACTIVITY, 1, 0, &rid, 1);
        mt_wire_put_uint(&out, 0);
        mt_wire_put_cstr(&out, "Open dag van de vakschool: een middag om alles te zien en te doen");
    }
    assert_int_equal(out.err, MT_OK);
    builder_add(&w->chains[chain], mt_writer_slice(&out));
}

static inline void world_plan(struct world *w) {
    static const uint32_t changes[] = {60, 300, 9, 150};
    for (int i = 1; i <= BATCHES; i++) {
        if (i % 2)
            world_texts(w, i, OWN, 1 + (uint32_t)i % 3, true);
        if (i % 3 == 0)
            world_texts(w, i, SECOND, 1 + (uint32_t)i % 5, false);
        if (i % 5 == 0)
            world_texts(w, i, SECOND_PAIR, 2, false);
        if (i % 7 == 0)
            world_texts(w, i, OWN_PAIR, 1, true);
        if (i % 8 == 0)
            world_many(w, i, OWN, changes[i / 8 % 4], true);
        if (i % 9 == 0)
            world_many(w, i, SECOND, changes[i / 9 % 4], false);
        if (i == KEY_AT - 10)
            builder_set_epoch(&w->chains[THIRD], 2);
        if (i % 4 == 2)
            world_texts(w, i, THIRD, i == 22 ? 40 : 2, false);
        if (i == 11)
            world_texts(w, i, FORK_A, 5, false);
        if (i == 13)
            world_texts(w, i, FORK_B, 5, false);
    }
}

static inline struct mt_keyring *world_ring(const struct world *w, int batch) {
    return batch < KEY_AT ? w->before_key : w->after_key;
}

static inline void world_blob(struct mt_batch *b, const char *name, const void *p, size_t n) {
    struct mt_op *op = mt_batch_add(b, MT_OP_BLOB);
    assert_non_null(op);
    op->blob.name = name;
    op->blob.bytes = mt_batch_copy(b, mt_slice(p, n));
}

/* Batch number `i`, from 1. A piece of the node's state that changes its size, so that pages are
 * freed and used again, and its number; then entries. */
static inline struct mt_batch *world_batch(const struct world *w, int i) {
    static const uint8_t zeros[16 * 1024];
    struct mt_batch *b = mt_batch_new();
    uint8_t number[1] = {(uint8_t)i};
    assert_non_null(b);
    b->region = w->region;
    b->own_org = built_org(1).root.pub;
    b->keys = mt_keyring_ref(world_ring(w, i));
    world_blob(b, "number", number, sizeof number);
    world_blob(b, "state", zeros, (size_t)(i * 5003) % sizeof zeros);
    if (i % 4 == 1) {
        struct mt_op *op = mt_batch_add(b, MT_OP_ITEM);
        assert_non_null(op);
        op->item.id = built_id("item", (uint64_t)i);
        op->item.bytes = mt_batch_copy(b, mt_slice(zeros, 300));
    }
    for (const struct part *p = w->parts[i]; p < w->parts[i] + PARTS_MAX && p->n; p++)
        (void)(p->is_local ? builder_op_local : builder_op_run)(p->chain, p->first, p->n, b);
    if (i == KEY_AT)
        assert_non_null(mt_batch_add(b, MT_OP_RETRY));
    return b;
}

static inline enum mt_err world_apply(const struct world *w, struct mt_store *s, int i) {
    struct mt_batch *b = world_batch(w, i);
    mt_apply(s, b);
    enum mt_err err = b->err;
    mt_batch_free(b);
    return err;
}

/* Does what batches left for later; at most `steps` of it. */
static inline enum mt_err world_tidy(struct mt_store *s, int steps) {
    enum mt_err err = MT_OK;
    for (bool more = true; more && !err && steps > 0; steps--)
        err = mt_store_tidy(s, &more);
    return err;
}

static inline enum mt_err world_open(const struct world *w, const char *dir, bool no_sync,
                                     struct mt_store **out, char *why, size_t why_size) {
    struct mt_store_config config = {.dir = dir,
                                     .store_key = w->key,
                                     .map_bytes = 1024 * 1024,
                                     .recent_min = RECENT_MIN,
                                     .no_sync = no_sync,
                                     .why = why,
                                     .why_size = why_size};
    return mt_store_open(out, &config);
}

/* ---- what a store holds ---- */

struct look {
    struct mt_hash h;
    struct mt_store *s;
    int number;
    uint64_t rows;
};

static inline enum mt_err look_blob(void *arg, const char *name, struct mt_slice bytes) {
    struct look *l = arg;
    mt_hash_add(&l->h, name, strlen(name) + 1);
    mt_hash_add_u64(&l->h, bytes.n);
    mt_hash_add(&l->h, bytes.p, bytes.n);
    if (strcmp(name, "number") == 0 && bytes.n == 1)
        l->number = bytes.p[0];
    return MT_OK;
}

static inline enum mt_err look_item(void *arg, const struct mt_id *id, struct mt_slice bytes) {
    struct look *l = arg;
    mt_hash_add(&l->h, id->b, sizeof id->b);
    mt_hash_add(&l->h, bytes.p, bytes.n);
    return MT_OK;
}

/* A chain, with every entry of it as a peer would get it. */
static inline enum mt_err look_chain(void *arg, const struct mt_chain_info *chain,
                                     const struct mt_head *head, uint64_t fork) {
    static uint8_t run[MT_MESSAGE_MAX];
    struct look *l = arg;
    mt_hash_add_u64(&l->h, chain->no);
    mt_hash_add_u64(&l->h, head->seq);
    mt_hash_add_u64(&l->h, fork);
    mt_hash_add(&l->h, head->entry.b, sizeof head->entry.b);
    for (uint64_t next = 1, last; next <= head->seq; next = last + 1) {
        struct mt_writer out = mt_writer(run, sizeof run);
        struct mt_run_wanted want = {
            .chain_no = chain->no, .first = next, .max_bytes = sizeof run, .check = true};
        enum mt_err err = mt_store_read_run(l->s, &want, &out, &last);
        if (err)
            return err;
        mt_hash_add(&l->h, run, out.n);
    }
    return MT_OK;
}

static inline bool look_row(void *arg, uint64_t row) {
    struct look *l = arg;
    mt_hash_add_u64(&l->h, row);
    l->rows++;
    return true;
}

static inline bool look_log(void *arg, const struct mt_log_row *row) {
    struct look *l = arg;
    mt_hash_add_u64(&l->h, row->seq);
    mt_hash_add(&l->h, row->content.p, row->content.n);
    return true;
}

/* The view: its digest, which must be that of the fold, and lists over it. */
static inline enum mt_err look_view(struct look *l, struct mt_read *r) {
    static const uint16_t kinds[] = {MT_KIND_ACTIVITY, MT_KIND_PLACEMENT};
    uint8_t digest[32], fold[32];
    uint64_t n;
    enum mt_err err = mt_read_digest(r, digest);
    if (!err)
        err = mt_read_digest_fold(r, fold);
    if (!err && memcmp(digest, fold, sizeof fold) != 0)
        err = MT_ECORRUPT;
    mt_hash_add(&l->h, digest, sizeof digest);
    for (size_t i = 0; !err && i < MT_ARRAY_LEN(kinds); i++) {
        l->rows = 0;
        err = mt_read_count(r, kinds[i], &n);
        for (int type = MT_INDEX_KIND; !err && type <= MT_INDEX_DATE; type++) {
            struct mt_index_query q = {
                .type = (enum mt_index_type)type, .all_audiences = true, .kind = kinds[i]};
            err = mt_read_index(r, &q, look_row, l);
        }
        if (!err && n != l->rows)
            err = MT_ECORRUPT;
    }
    if (!err)
        err = mt_read_waiting(r, &n);
    mt_hash_add_u64(&l->h, n);
    return err ? err : mt_read_log(r, 1000, look_log, l);
}

/* Everything in the store as one number, and how many batches that is. */
static inline enum mt_err world_look(const struct world *w, struct mt_store *s, int *number,
                                     uint8_t print[static 32]) {
    struct look l = {.s = s};
    struct mt_read r;
    mt_hash_init(&l.h, "print", NULL);
    enum mt_err err = mt_store_load_blobs(s, look_blob, &l);
    if (!err)
        err = mt_store_load_items(s, look_item, &l);
    if (!err)
        err = mt_store_load_chains(s, look_chain, &l);
    if (!err)
        err = mt_read_begin(s, &w->region, world_ring(w, l.number), &r);
    if (!err) {
        err = look_view(&l, &r);
        mt_read_end(&r);
    }
    mt_hash_end(&l.h, print);
    *number = l.number;
    return err;
}

/* ---- the world ---- */

static inline struct world *world_new(void) {
    struct world *w = calloc(1, sizeof *w);
    const char *root = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    assert_non_null(w);
    assert_int_equal(mt_key_init(), MT_OK);
    (void)snprintf(w->base, sizeof w->base, "%s/meent-power-XXXXXX", root);
    assert_non_null(mkdtemp(w->base));
    (void)snprintf(w->dir, sizeof w->dir, "%s/life", w->base);
    (void)snprintf(w->cut, sizeof w->cut, "%s/cut", w->base);
    assert_int_equal(mkdir(w->dir, 0700), 0);
    assert_int_equal(mkdir(w->cut, 0700), 0);
    (void)snprintf(w->dir, sizeof w->dir, "%s/life/store", w->base);
    (void)snprintf(w->cut, sizeof w->cut, "%s/cut/store", w->base);
    built_bytes(w->key, "store key", 1);
    w->region = built_id("region", 1);
    w->before_key = built_ring(1, 1, 1, 4);
    w->after_key = built_ring(1, 2, 1, 4);
    builder_region(&w->chains[OWN], 1, 1, 1);
    builder_pair(&w->chains[OWN_PAIR], 1, 1, 2, 1, 2);
    builder_region(&w->chains[SECOND], 1, 2, 3);
    builder_region(&w->chains[THIRD], 1, 3, 4);
    builder_pair(&w->chains[SECOND_PAIR], 1, 2, 1, 1, 5);
    builder_region(&w->chains[FORK_A], 1, 4, 6);
    builder_region(&w->chains[FORK_B], 1, 4, 6);
    world_plan(w);
    return w;
}

static inline void world_free(struct world *w) {
    for (int i = 0; i < BUILDERS; i++)
        builder_close(&w->chains[i]);
    mt_keyring_unref(w->before_key);
    mt_keyring_unref(w->after_key);
    *strrchr(w->dir, '/') = 0;
    *strrchr(w->cut, '/') = 0;
    assert_int_equal(rmdir(w->dir), 0);
    assert_int_equal(rmdir(w->cut), 0);
    assert_int_equal(rmdir(w->base), 0);
    free(w);
}

#endif
