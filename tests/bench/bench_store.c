/* Applying 100,000 changes of 256 bytes as a peer's runs, durable, beside the bare limit: the same
 * bytes hashed, opened and appended to LMDB with one signature per run and nothing else. */
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"
#include "builder.h"
#include "schema.h"
#include "store.h"

enum { CHANGES = 100000, CONTENT = 256, LIMIT_COMMIT = 10000, RUNS_MAX = 2000 };

struct runs {
    struct mt_slice m[RUNS_MAX];
    uint64_t first[RUNS_MAX];
    uint32_t n;
};

static double now(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void need(bool ok, const char *what) {
    if (ok)
        return;
    (void)fprintf(stderr, "bench_store: %s\n", what);
    exit(1);
}

/* One activity: title, type, direction, host, date and as much text as makes CONTENT bytes. */
static void add_change(struct builder *b, uint64_t i) {
    uint8_t memory[CONTENT + 64];
    char title[32];
    struct mt_rid id;
    uint8_t random[32];
    built_bytes(random, "bench id", i);
    memcpy(id.b, random, sizeof id.b);
    struct mt_writer w = mt_writer(memory, sizeof memory);
    struct mt_ref host = {.owner = b->info.org, .kind = MT_KIND_ORG};
    memcpy(host.id.b, random + 16, 1);
    (void)snprintf(title, sizeof title, "Gastles %llu", (unsigned long long)i);
    mt_changes_begin(&w, 1);
    mt_change_begin(&w, MT_KIND_ACTIVITY, 1, 0, &id, 6);
    mt_wire_put_uint(&w, 0);
    mt_wire_put_cstr(&w, title);
    mt_wire_put_uint(&w, 1);
    mt_wire_put_uint(&w, 1);
    mt_wire_put_uint(&w, 2);
    mt_wire_put_uint(&w, 1);
    mt_wire_put_uint(&w, 3);
    mt_ref_put(&w, &host);
    mt_wire_put_uint(&w, 11);
    mt_wire_put_uint(&w, 20000 + i % 500);
    mt_wire_put_uint(&w, 19);
    char text[CONTENT];
    memset(text, 'x', sizeof text);
    mt_wire_put_str(&w, mt_slice(text, CONTENT - 2 - w.n));
    need(w.err == MT_OK && w.n == CONTENT, "content");
    builder_add(b, mt_writer_slice(&w));
}

static void make_runs(const struct builder *b, struct runs *runs) {
    static const uint32_t sizes[] = {64, 256, 1024, 512, 128};
    runs->n = 0;
    for (uint64_t at = 1; at <= b->n;) {
        uint32_t n = sizes[runs->n % MT_ARRAY_LEN(sizes)];
        if (n > b->n - at + 1)
            n = (uint32_t)(b->n - at + 1);
        runs->first[runs->n] = at;
        runs->m[runs->n++] = builder_run_new(b, at, n);
        at += n;
    }
}

static double bench_apply(const char *base, const struct builder *b, const struct runs *runs,
                          size_t batch_bytes, struct mt_keyring *ring) {
    char dir[128], path[160];
    uint8_t key[32];
    struct mt_store *s;
    built_bytes(key, "store key", 1);
    (void)snprintf(dir, sizeof dir, "%s/store", base);
    struct mt_store_config config = {.dir = dir, .store_key = key};
    need(mt_store_open(&s, &config) == MT_OK, "open");
    double start = now();
    for (uint32_t i = 0; i < runs->n;) {
        struct mt_batch *batch = mt_batch_new();
        batch->region = b->region;
        batch->keys = mt_keyring_ref(ring);
        for (; i < runs->n && batch->bytes < batch_bytes; i++) {
            struct mt_op *op = mt_batch_add(batch, MT_OP_RUN);
            op->run.chain = b->info;
            op->run.message = runs->m[i];
            batch->bytes += runs->m[i].n;
        }
        mt_apply(s, batch);
        need(batch->err == MT_OK && batch->ops[batch->n - 1].err == MT_OK, "apply");
        mt_batch_free(batch);
    }
    double seconds = now() - start;
    mt_store_close(s);
    (void)snprintf(path, sizeof path, "%s/data.mdb", dir);
    (void)unlink(path);
    (void)snprintf(path, sizeof path, "%s/lock.mdb", dir);
    (void)unlink(path);
    (void)rmdir(dir);
    return seconds;
}

struct limit {
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;
    uint32_t pending;
};

static void limit_commit(struct limit *l, bool more) {
    need(mdb_txn_commit(l->txn) == 0, "commit");
    need(!more || mdb_txn_begin(l->env, NULL, 0, &l->txn) == 0, "begin");
    l->pending = 0;
}

static void limit_entry(struct limit *l, const struct builder *b, const struct mt_run_entry *e) {
    static uint8_t memory[MT_BOX_MAX];
    struct mt_writer plain = mt_writer(memory, sizeof memory);
    struct mt_slice content;
    struct mt_box_place place = {
        .region = b->region, .chain = e->h.chain, .seq = e->h.seq, .epoch = e->h.epoch};
    need(mt_box_open(b->box_key, &place, e->box, &plain, &content) == MT_OK, "box");
    uint8_t key[8];
    mt_be64(key, e->h.seq);
    MDB_val k = {sizeof key, key}, v = {.mv_size = e->header.n + e->box.n};
    need(mdb_put(l->txn, l->dbi, &k, &v, MDB_RESERVE | MDB_APPEND) == 0, "put");
    memcpy(v.mv_data, e->header.p, e->header.n);
    memcpy((uint8_t *)v.mv_data + e->header.n, e->box.p, e->box.n);
    if (++l->pending == LIMIT_COMMIT)
        limit_commit(l, true);
}

static double bench_limit(const char *base, const struct builder *b, const struct runs *runs) {
    char path[128], lock[160];
    struct limit l = {0};
    struct mt_run_entry *entries = malloc(MT_RUN_ENTRIES_MAX * sizeof *entries);
    uint8_t *arena = malloc(MT_RUN_ARENA);
    need(entries && arena, "memory");
    (void)snprintf(path, sizeof path, "%s/limit", base);
    (void)snprintf(lock, sizeof lock, "%s/limit-lock", base);
    need(mdb_env_create(&l.env) == 0 && mdb_env_set_mapsize(l.env, (size_t)1 << 30) == 0 &&
             mdb_env_open(l.env, path, MDB_NOSUBDIR, 0600) == 0 &&
             mdb_txn_begin(l.env, NULL, 0, &l.txn) == 0 &&
             mdb_dbi_open(l.txn, NULL, 0, &l.dbi) == 0,
         "limit");
    double start = now();
    for (uint32_t i = 0; i < runs->n; i++) {
        struct mt_head before = builder_head(b, runs->first[i] - 1);
        struct mt_run run;
        need(mt_run_check(runs->m[i], &b->region, &b->info.feed, &before, entries, arena, &run) ==
                 MT_OK,
             "run");
        for (uint32_t k = 0; k < run.n; k++)
            limit_entry(&l, b, &entries[k]);
    }
    limit_commit(&l, false);
    double seconds = now() - start;
    mdb_env_close(l.env);
    (void)unlink(path);
    (void)unlink(lock);
    free(entries);
    free(arena);
    return seconds;
}

int main(void) {
    static struct runs runs;
    struct builder b;
    char base[] = "/tmp/meent-bench-XXXXXX";
    need(mt_key_init() == MT_OK && mkdtemp(base), "setup");
    struct mt_keyring *ring = built_ring(1, 1, 1, 1);
    builder_region(&b, 1, 2, 1);
    for (uint64_t i = 0; i < CHANGES; i++)
        add_change(&b, i);
    make_runs(&b, &runs);
    double limit = bench_limit(base, &b, &runs);
    double large = bench_apply(base, &b, &runs, MT_BATCH_BYTES_MAX, ring);
    double small = bench_apply(base, &b, &runs, MT_BATCH_BYTES_MAX / 8, ring);
    double bare = CHANGES / limit;
    (void)printf("store, runs of a peer applied in one thread, limit without transport frames\n");
    bench_report("store: applied, 4 MiB a batch", CHANGES / large, "changes/s", bare, BENCH_MORE,
                 BENCH_NONE);
    bench_report("store: applied, 512 KiB a batch", CHANGES / small, "changes/s", bare, BENCH_MORE,
                 BENCH_NONE);
    for (uint32_t i = 0; i < runs.n; i++)
        free((void *)(uintptr_t)runs.m[i].p);
    builder_close(&b);
    mt_keyring_unref(ring);
    (void)rmdir(base);
    return 0;
}
