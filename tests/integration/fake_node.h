/* A node and a store that are made up, for tests of the engine alone. Included by one test program;
 * with these definitions the real ones are not linked. */
#ifndef MEENT_FAKE_NODE_H
#define MEENT_FAKE_NODE_H

#include "node.h"
#include "store.h"
#include "store_prepare.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

enum { EFFECTS_MAX = 2100, EVENTS_MAX = 4096, JOBS = 5 };

/* The made-up node: notes every event and answers with the effects that `react` puts. */
struct mt_node {
    struct mt_effect fx[EFFECTS_MAX];
    size_t n_fx;
    enum mt_event_type events[EVENTS_MAX];
    enum mt_err errs[EVENTS_MAX];
    unsigned n_events;
    unsigned stepping;
    void (*react)(struct mt_node *n, const struct mt_event *event);
    uint64_t deadline;
    uint64_t last_conn;
    bool had_installation;
    struct mt_id feed;
    unsigned n_loaded;
    char address[64];
};

/* The tests run one engine at a time; the made-up functions below have no other way to it. */
static struct mt_node *the_node;
static enum mt_err apply_err;
static unsigned n_batches_freed;
static uint64_t n_prepared, n_settled;
static _Atomic unsigned n_tidied; /* by the thread that commits; the first attempt fails */
static unsigned char last_entropy;

enum mt_err mt_node_new(struct mt_node **out, const struct mt_node_config *config) {
    struct mt_node *n = the_node;
    n->had_installation = config->installation != NULL;
    n->deadline = UINT64_MAX;
    *out = n;
    return MT_OK;
}

static void drop_effects(struct mt_node *n) {
    for (size_t i = 0; i < n->n_fx; i++)
        free(n->fx[i].bytes.p);
    n->n_fx = 0;
}

void mt_node_free(struct mt_node *n) {
    if (n)
        drop_effects(n);
}

enum mt_err mt_node_load_blob(struct mt_node *n, const char *name, struct mt_slice bytes) {
    assert_string_equal(name, "self");
    assert_int_equal(bytes.n, 3);
    assert_int_equal(n->n_loaded++, 0);
    return MT_OK;
}

enum mt_err mt_node_load_item(struct mt_node *n, const struct mt_id *id, struct mt_slice bytes) {
    (void)id;
    (void)bytes;
    assert_int_equal(n->n_loaded++, 1);
    return MT_OK;
}

enum mt_err mt_node_load_chain(struct mt_node *n, const struct mt_chain_info *chain,
                               const struct mt_head *head, uint64_t fork) {
    (void)chain;
    (void)head;
    assert_int_equal(fork, 5);
    assert_int_equal(n->n_loaded++, 2);
    return MT_OK;
}

static struct mt_effect *put(struct mt_node *n, enum mt_effect_type type) {
    assert_true(n->n_fx < EFFECTS_MAX);
    struct mt_effect *fx = &n->fx[n->n_fx++];
    *fx = (struct mt_effect){.type = type};
    return fx;
}

enum mt_err mt_node_start(struct mt_node *n, const struct mt_time *now,
                          const uint8_t entropy[static 32]) {
    assert_true(now->mono_ms > 0 && now->wall_ms > 1500000000000);
    assert_int_equal(n->n_loaded, 3);
    last_entropy = entropy[0];
    if (n->react)
        put(n, MT_FX_LOG)->log.event = "started";
    return MT_OK;
}

void mt_node_step(struct mt_node *n, const struct mt_event *event) {
    assert_int_equal(n->stepping++, 0);
    assert_int_not_equal(event->entropy[0], last_entropy); /* fresh each time */
    last_entropy = event->entropy[0];
    drop_effects(n);
    assert_true(n->n_events < EVENTS_MAX);
    n->events[n->n_events] = event->type;
    n->errs[n->n_events++] = event->err;
    n->last_conn = event->conn;
    if (event->type == MT_EV_PERSISTED)
        mt_batch_free(event->batch);
    if (n->react)
        n->react(n, event);
    n->stepping--;
}

struct mt_effect *mt_node_effects(struct mt_node *n, size_t *count) {
    *count = n->n_fx;
    return n->fx;
}

uint64_t mt_node_deadline(const struct mt_node *n) {
    return n->deadline;
}

void mt_node_info(const struct mt_node *n, struct mt_node_info *out) {
    *out = (struct mt_node_info){.feed = n->feed};
}

enum mt_err mt_node_address(struct mt_node *n, const struct mt_id *org, struct mt_slice address) {
    (void)org;
    assert_int_equal(n->stepping, 0);
    memcpy(n->address, address.p, address.n);
    n->deadline = 0;
    return MT_OK;
}

struct mt_op *mt_batch_add(struct mt_batch *b, enum mt_op_type type) {
    struct mt_op *ops = realloc(b->ops, (b->n + 1) * sizeof *ops);
    assert_non_null(ops);
    b->ops = ops;
    ops[b->n] = (struct mt_op){.type = type};
    return &ops[b->n++];
}

void mt_batch_free(struct mt_batch *b) {
    n_batches_freed += b != NULL;
    for (uint32_t i = 0; b && i < b->n; i++)
        mt_run_job_unref(b->ops[i].run.job);
    if (b)
        free(b->ops);
    free(b);
}

/* Counts the runs that were prepared, each in its turn, before it looked at them. */
void mt_apply(struct mt_store *s, struct mt_batch *b) {
    (void)s;
    usleep(2000);
    for (uint32_t i = 0; i < b->n; i++) {
        b->settle_job(b->settle_arg, b->ops[i].run.job);
        n_settled += b->ops[i].run.job->head.seq == i + 1;
    }
    b->err = apply_err;
}

enum mt_err mt_store_tidy(struct mt_store *s, bool *more) {
    (void)s;
    *more = false;
    return ++n_tidied == 1 ? MT_EIO : MT_OK;
}

enum mt_err mt_prepare_new(struct mt_prepare **out, const struct mt_store *s) {
    (void)s;
    *out = NULL;
    return MT_OK;
}

void mt_prepare_free(struct mt_prepare *p) {
    (void)p;
}

/* Notes which run came first, second and so on. */
void mt_prepare_run(struct mt_prepare *p, struct mt_run_job *job) {
    (void)p;
    usleep(1000);
    job->head.seq = ++n_prepared;
}

const char *mt_store_detail(const struct mt_store *s) {
    (void)s;
    return "";
}

enum mt_err mt_store_load_blobs(struct mt_store *s, mt_blob_fn fn, void *arg) {
    (void)s;
    return fn(arg, "self", mt_slice("abc", 3));
}

enum mt_err mt_store_load_items(struct mt_store *s, mt_item_fn fn, void *arg) {
    (void)s;
    struct mt_id id = {{1}};
    return fn(arg, &id, mt_slice("abc", 3));
}

enum mt_err mt_store_load_chains(struct mt_store *s, mt_chain_fn fn, void *arg) {
    (void)s;
    struct mt_chain_info chain = {.no = 1};
    struct mt_head head = {.seq = 1};
    return fn(arg, &chain, &head, 5);
}

enum mt_err mt_store_read_run(struct mt_store *s, const struct mt_run_wanted *want,
                              struct mt_writer *w, uint64_t *last) {
    (void)s;
    assert_int_equal(the_node->stepping, 0);
    if (want->chain_no == 404)
        return MT_ENOTFOUND;
    mt_writer_put(w, "run", 3);
    *last = want->first + want->max_bytes;
    return MT_OK;
}

#endif
