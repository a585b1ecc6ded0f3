/* node_store: the store of one node, in memory. It checks what a node hands it. */
#ifndef MEENT_TEST_NODE_STORE_H
#define MEENT_TEST_NODE_STORE_H

#include "vectors.h"

#include "builder.h"
#include "gov.h"
#include "node.h"

#include <stdio.h>
#include <stdlib.h>

enum { HOSTS = 3, KEPT = 128, QUEUE = 256, REPLIES = 32, LOGS = 256, RUN_CAP = 64 };

struct kept { /* a piece of bytes in a store */
    char name[16];
    struct mt_id id;
    uint8_t *p;
    size_t n;
};

struct kept_entry {
    struct mt_header h;
    struct mt_id id;
    uint8_t *box;
    size_t box_n;
    bool is_signed;
    uint8_t signature[MT_SIGNATURE_SIZE];
};

struct kept_chain {
    struct mt_chain_info info;
    struct mt_head head;
    struct kept_entry e[KEPT];
};

struct host {
    struct mt_node *node;
    char address[32];
    struct kept blobs[4], items[KEPT];
    size_t n_blobs, n_items;
    struct kept_chain *chains;
    size_t n_chains;
    enum mt_err store_err; /* what every batch fails with */
    bool hold;             /* batches stay away until released */
    bool dark;             /* nobody reaches it */
    uint64_t ahead_ms;     /* its wall clock before the others' */
    struct mt_batch *held;
    struct {
        uint64_t request;
        enum mt_err err;
        struct mt_reply reply;
    } replies[REPLIES];
    size_t n_replies;
    struct mt_log_line logs[LOGS];
    size_t n_logs;
    size_t bytes_sent;
    bool checks; /* the last run it wanted to send was to be checked */
    int changed;
};

static inline void keep(struct kept *k, struct mt_slice s) {
    free(k->p);
    k->p = malloc(s.n ? s.n : 1);
    assert_non_null(k->p);
    if (s.n)
        memcpy(k->p, s.p, s.n);
    k->n = s.n;
}

static inline struct kept_chain *store_chain(struct host *h, const struct mt_chain_info *info) {
    for (size_t i = 0; i < h->n_chains; i++)
        if (mt_id_eq(&h->chains[i].info.id, &info->id)) {
            assert_int_equal(h->chains[i].info.no, info->no);
            return &h->chains[i];
        }
    assert_true(info->no > 0);
    h->chains = realloc(h->chains, (h->n_chains + 1) * sizeof *h->chains);
    assert_non_null(h->chains);
    h->chains[h->n_chains] = (struct kept_chain){.info = *info};
    return &h->chains[h->n_chains++];
}

static inline void store_append(struct kept_chain *c, const struct mt_header *hd,
                                const struct mt_id *id, struct mt_slice box,
                                const uint8_t *signature) {
    assert_true(hd->seq == c->head.seq + 1 && hd->seq <= KEPT);
    struct kept_entry *e = &c->e[c->head.seq];
    *e = (struct kept_entry){.h = *hd, .id = *id, .box_n = box.n, .is_signed = signature != NULL};
    e->box = malloc(box.n);
    assert_non_null(e->box);
    memcpy(e->box, box.p, box.n);
    if (signature)
        memcpy(e->signature, signature, MT_SIGNATURE_SIZE);
    c->head = (struct mt_head){.seq = hd->seq, .entry = *id, .lamport = hd->lamport};
}

static inline void store_run(struct host *h, const struct mt_batch *b, struct mt_op *op) {
    static struct mt_run_entry entries[MT_RUN_ENTRIES_MAX];
    uint8_t *arena = malloc(MT_RUN_ARENA);
    struct kept_chain *c = store_chain(h, &op->run.chain);
    struct mt_run run;
    assert_non_null(arena);
    op->err =
        mt_run_check(op->run.message, &b->region, &c->info.feed, &c->head, entries, arena, &run);
    for (uint32_t i = 0; !op->err && i < run.n; i++)
        store_append(c, &entries[i].h, &entries[i].id, entries[i].box,
                     i + 1 == run.n ? run.signature : NULL);
    op->added = op->err ? 0 : run.n;
    op->head = c->head;
    free(arena);
}

static inline void store_op(struct host *h, const struct mt_batch *b, struct mt_op *op) {
    if (op->type == MT_OP_BLOB) {
        size_t i = 0;
        while (i < h->n_blobs && strcmp(h->blobs[i].name, op->blob.name) != 0)
            i++;
        assert_true(i < MT_ARRAY_LEN(h->blobs) && strlen(op->blob.name) < 16);
        h->n_blobs += i == h->n_blobs;
        memcpy(h->blobs[i].name, op->blob.name, strlen(op->blob.name) + 1);
        keep(&h->blobs[i], op->blob.bytes);
    } else if (op->type == MT_OP_ITEM) {
        size_t i = 0;
        while (i < h->n_items && !mt_id_eq(&h->items[i].id, &op->item.id))
            i++;
        assert_true(i < KEPT);
        h->n_items += i == h->n_items;
        h->items[i].id = op->item.id;
        keep(&h->items[i], op->item.bytes);
    } else if (op->type == MT_OP_LOCAL) {
        struct kept_chain *c = store_chain(h, &op->local.chain);
        assert_true(op->local.entries[op->local.n - 1].is_signed);
        for (uint32_t i = 0; i < op->local.n; i++) {
            const struct mt_local_entry *e = &op->local.entries[i];
            assert_true(mt_id_eq(&e->h.previous, &c->head.entry));
            store_append(c, &e->h, &e->id, e->box, e->is_signed ? e->signature : NULL);
        }
        op->head = c->head;
        op->added = op->local.n;
    } else if (op->type == MT_OP_RUN) {
        store_run(h, b, op);
    }
}

static inline struct mt_slice store_fetch(struct host *h, uint32_t no, uint64_t first, uint8_t *buf,
                                          uint64_t *last) {
    for (size_t i = 0; i < h->n_chains; i++) {
        struct kept_chain *c = &h->chains[i];
        struct mt_run_writer rw;
        struct mt_writer w = mt_writer(buf, MT_MESSAGE_MAX);
        if (c->info.no != no || first > c->head.seq)
            continue;
        const struct kept_entry *e = &c->e[first - 1];
        mt_run_begin(&rw, &w, &c->info.id, first, &e->h.previous, &e->h.governance, &e->h.epoch);
        do
            mt_run_add(&rw, &e->h, mt_slice(e->box, e->box_n));
        while (!e++->is_signed);
        mt_run_end(&rw, e[-1].signature);
        assert_int_equal(w.err, MT_OK);
        *last = e[-1].h.seq;
        return mt_writer_slice(&w);
    }
    return mt_slice(NULL, 0);
}

#endif
