#include "builder.h"

#include <stdio.h>
#include <stdlib.h>

/* A test that cannot set itself up ends at once. */
static void need(bool ok, const char *what) {
    if (ok)
        return;
    fprintf(stderr, "builder: %s\n", what);
    abort();
}

static void *need_memory(size_t n) {
    void *p = malloc(n ? n : 1);
    need(p != NULL, "out of memory");
    return p;
}

void built_bytes(uint8_t out[static 32], const char *use, uint64_t n) {
    struct mt_hash h;
    need(mt_key_init() == MT_OK, "no crypto library");
    mt_hash_init(&h, "test", NULL);
    mt_hash_add(&h, use, strlen(use) + 1);
    mt_hash_add_u64(&h, n);
    mt_hash_end(&h, out);
}

struct mt_id built_id(const char *use, uint64_t n) {
    struct mt_id id;
    built_bytes(id.b, use, n);
    return id;
}

struct mt_rid built_rid(uint64_t n) {
    struct mt_rid rid = {{0}};
    mt_be64(rid.b + 8, n);
    return rid;
}

struct built_org built_org(uint64_t n) {
    struct built_org o;
    uint8_t key[32];
    built_bytes(o.seed, "organisation", n);
    mt_key_derive(o.seed, 1, key);
    mt_sign_key_make(key, &o.root);
    mt_key_derive(o.seed, 2, key);
    mt_dh_key_make(key, &o.grant);
    built_bytes(key, "feed", n);
    mt_sign_key_make(key, &o.feed);
    return o;
}

/* ---- chains ---- */

static void open_chain(struct builder *b, uint64_t region, uint64_t writer, uint32_t chain_no) {
    *b = (struct builder){.region = built_id("region", region), .wall_ms = 1000000, .lamport = 1};
    b->writer = built_org(writer);
    b->governance = built_id("governance", 1);
    b->info.no = chain_no;
    b->info.org = b->writer.root.pub;
    b->info.feed = b->writer.feed.pub;
}

void builder_region(struct builder *b, uint64_t region, uint64_t writer, uint32_t chain_no) {
    open_chain(b, region, writer, chain_no);
    b->info.id = b->info.feed;
    builder_set_epoch(b, 1);
}

static void channel_key(uint8_t out[static 32], const struct mt_id *region,
                        const struct built_org *own, const struct built_org *other) {
    enum mt_err err = mt_channel_key(region, &own->root.pub, &own->grant, &other->root.pub,
                                     other->grant.pub, out);
    need(err == MT_OK, "channel key");
}

void builder_pair(struct builder *b, uint64_t region, uint64_t writer, uint64_t other,
                  uint64_t reader, uint32_t chain_no) {
    open_chain(b, region, writer, chain_no);
    need(reader == writer || reader == other, "the reader is one of both");
    struct built_org second = built_org(other);
    uint8_t key[32];
    channel_key(key, &b->region, &b->writer, &second);
    mt_channel_chain(&b->region, key, &b->info.feed, &b->info.id);
    mt_box_key(b->box_key, key, &b->region);
    b->info.other = reader == other ? b->writer.root.pub : second.root.pub;
}

void builder_close(struct builder *b) {
    for (uint32_t i = 0; i < b->n; i++)
        free((void *)(uintptr_t)b->entries[i].header.p);
    free(b->entries);
    *b = (struct builder){0};
}

void builder_set_epoch(struct builder *b, uint64_t n) {
    uint8_t key[32];
    b->epoch = built_id("statement", n);
    built_bytes(key, "epoch key", n);
    mt_box_key(b->box_key, key, &b->region);
}

static struct built_entry *next_entry(struct builder *b) {
    if (b->n == b->cap) {
        b->cap = b->cap ? b->cap * 2 : 64;
        b->entries = realloc(b->entries, b->cap * sizeof *b->entries);
        need(b->entries != NULL, "out of memory");
    }
    return &b->entries[b->n++];
}

void builder_add(struct builder *b, struct mt_slice plaintext) {
    size_t size = mt_box_size(plaintext.n);
    need(size > 0, "plaintext too long");
    uint8_t *p = need_memory(MT_HEADER_MAX + size + plaintext.n);
    struct mt_writer header = mt_writer(p, MT_HEADER_MAX);
    struct mt_writer box = mt_writer(p + MT_HEADER_MAX, size);
    uint8_t random[32];
    uint64_t seq = b->head.seq + 1;
    struct mt_box_place place = {
        .region = b->region, .chain = b->info.id, .seq = seq, .epoch = b->epoch};
    built_bytes(random, "box", seq);
    need(mt_box_seal(b->box_key, &place, random, plaintext, &box) == MT_OK, "seal");

    struct built_entry *e = next_entry(b);
    *e = (struct built_entry){.h = {.version = MT_HEADER_VERSION,
                                    .chain = b->info.id,
                                    .seq = seq,
                                    .previous = b->head.entry,
                                    .lamport = b->lamport++,
                                    .governance = b->governance,
                                    .wall_ms = b->wall_ms++,
                                    .epoch = b->epoch,
                                    .box_len = (uint32_t)size}};
    e->box = mt_writer_slice(&box);
    mt_box_hash(&b->region, e->box, &e->h.box_hash);
    mt_header_put(&header, &e->h);
    need(header.err == MT_OK, "header");
    e->header = mt_writer_slice(&header);
    mt_entry_id(&b->region, e->header, &e->id);
    if (plaintext.n)
        memcpy(p + MT_HEADER_MAX + size, plaintext.p, plaintext.n);
    e->content = mt_slice(p + MT_HEADER_MAX + size, plaintext.n);
    b->head = (struct mt_head){.seq = seq, .entry = e->id, .lamport = e->h.lamport};
}

void builder_add_text(struct builder *b, uint16_t kind, uint64_t rid, uint8_t field,
                      const char *text) {
    size_t cap = strlen(text) + 64;
    uint8_t *p = need_memory(cap);
    struct mt_writer w = mt_writer(p, cap);
    struct mt_rid id = built_rid(rid);
    mt_changes_begin(&w, 1);
    mt_change_begin(&w, kind, 1, 0, &id, 1);
    mt_wire_put_uint(&w, field);
    mt_wire_put_cstr(&w, text);
    need(w.err == MT_OK, "change");
    builder_add(b, mt_writer_slice(&w));
    free(p);
}

struct mt_head builder_head(const struct builder *b, uint64_t seq) {
    need(seq <= b->n, "no such entry");
    if (seq == 0)
        return (struct mt_head){0};
    const struct built_entry *e = &b->entries[seq - 1];
    return (struct mt_head){.seq = seq, .entry = e->id, .lamport = e->h.lamport};
}

/* ---- runs and batches ---- */

static void sign_end(const struct builder *b, const struct built_entry *e,
                     uint8_t sig[static MT_SIGNATURE_SIZE]) {
    mt_head_sign(&b->writer.feed, &b->region, &b->info.id, e->h.seq, &e->id, sig);
}

void builder_run(const struct builder *b, uint64_t first, uint32_t n, struct mt_writer *w) {
    need(first >= 1 && n >= 1 && first + n - 1 <= b->n, "no such entries");
    const struct built_entry *e = &b->entries[first - 1];
    struct mt_run_writer rw;
    uint8_t sig[MT_SIGNATURE_SIZE];
    mt_run_begin(&rw, w, &b->info.id, first, &e->h.previous, &e->h.governance, &e->h.epoch);
    for (uint32_t i = 0; i < n; i++)
        mt_run_add(&rw, &e[i].h, e[i].box);
    sign_end(b, &e[n - 1], sig);
    mt_run_end(&rw, sig);
}

struct mt_slice builder_run_new(const struct builder *b, uint64_t first, uint32_t n) {
    size_t cap = 512;
    need(first >= 1 && n >= 1 && first + n - 1 <= b->n, "no such entries");
    for (uint32_t i = 0; i < n; i++)
        cap += b->entries[first - 1 + i].box.n + 128;
    struct mt_writer w = mt_writer(need_memory(cap), cap);
    builder_run(b, first, n, &w);
    need(w.err == MT_OK, "run too long");
    return mt_writer_slice(&w);
}

static struct mt_op *need_op(struct mt_batch *batch, enum mt_op_type type) {
    struct mt_op *op = mt_batch_add(batch, type);
    need(op != NULL, "batch is full");
    return op;
}

struct mt_op *builder_op_run(const struct builder *b, uint64_t first, uint32_t n,
                             struct mt_batch *batch) {
    struct mt_slice message = builder_run_new(b, first, n);
    struct mt_op *op = need_op(batch, MT_OP_RUN);
    need(mt_batch_adopt(batch, (void *)(uintptr_t)message.p) == MT_OK, "out of memory");
    op->run.chain = b->info;
    op->run.message = message;
    batch->bytes += message.n;
    return op;
}

static struct mt_slice need_copy(struct mt_batch *batch, struct mt_slice s) {
    struct mt_slice copy = mt_batch_copy(batch, s);
    need(copy.p != NULL, "out of memory");
    return copy;
}

struct mt_op *builder_op_local(const struct builder *b, uint64_t first, uint32_t n,
                               struct mt_batch *batch) {
    need(first >= 1 && n >= 1 && first + n - 1 <= b->n, "no such entries");
    struct mt_op *op = need_op(batch, MT_OP_LOCAL);
    struct mt_local_entry *to = mt_batch_alloc(batch, n * sizeof *to);
    need(to != NULL, "out of memory");
    memset(to, 0, n * sizeof *to);
    for (uint32_t i = 0; i < n; i++) {
        const struct built_entry *e = &b->entries[first - 1 + i];
        to[i] = (struct mt_local_entry){.h = e->h, .id = e->id};
        to[i].header = need_copy(batch, e->header);
        to[i].box = need_copy(batch, e->box);
        to[i].content = need_copy(batch, e->content);
        batch->bytes += e->header.n + e->box.n + e->content.n;
    }
    to[n - 1].is_signed = true;
    sign_end(b, &b->entries[first + n - 2], to[n - 1].signature);
    op->local.chain = b->info;
    op->local.entries = to;
    op->local.n = n;
    return op;
}

/* ---- keys ---- */

static int by_org(const void *a, const void *b) {
    const struct mt_ring_channel *x = a, *y = b;
    return mt_id_cmp(&x->org, &y->org);
}

struct mt_keyring *built_ring(uint64_t region, uint32_t epochs, uint64_t own, uint32_t orgs) {
    struct mt_id region_id = built_id("region", region);
    struct built_org self = built_org(own);
    struct mt_keyring *ring = mt_keyring_new(orgs);
    uint8_t key[32];
    need(ring != NULL && epochs <= MT_ARRAY_LEN(ring->epochs), "keyring");
    for (uint32_t i = 0; i < epochs; i++) {
        ring->epochs[i].epoch = built_id("statement", i + 1);
        built_bytes(key, "epoch key", i + 1);
        mt_box_key(ring->epochs[i].box_key, key, &region_id);
    }
    ring->n_epochs = epochs;
    for (uint32_t i = 0; i < orgs; i++) {
        struct built_org other = built_org(i + 1);
        channel_key(key, &region_id, &self, &other);
        ring->channels[i].org = other.root.pub;
        mt_box_key(ring->channels[i].box_key, key, &region_id);
    }
    ring->n_channels = orgs;
    qsort(ring->channels, orgs, sizeof ring->channels[0], by_org);
    return ring;
}
