/* Speed of the core's inner loop on one core, beside the bare cryptography in the same run.
 *
 * One change of 256 bytes per box. The limit for a box is what cannot be left out: one
 * ChaCha20-Poly1305 over the padded text and one BLAKE2b over the box. */
#include "bench.h"
#include "box.h"
#include "entry.h"
#include "record.h"

#include <sodium.h>
#include <stdio.h>
#include <time.h>

enum { CONTENT = 256, BOX = 512, BATCH = 512 };

static const double ROUND_S = 0.35; /* seconds each figure is measured for */

struct bench {
    uint8_t key[32], random[32];
    struct mt_box_place place;
    uint8_t content[CONTENT], plain[BOX];
    uint8_t boxes[BATCH][BOX]; /* more than a first-level cache holds, as in a real batch */
    size_t box_len;
    struct mt_header header;
    uint8_t header_bytes[MT_HEADER_MAX];
    size_t header_len;
    struct mt_sign_key feed;
    struct mt_id entry;
    uint8_t sig[MT_SIGNATURE_SIZE];
    unsigned failures;
};

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void seal(struct bench *b, unsigned i) {
    struct mt_writer w = mt_writer(b->boxes[i], BOX);
    struct mt_id hash;
    b->place.seq = i + 1;
    b->failures += mt_box_seal(b->key, &b->place, b->random, mt_slice(b->content, CONTENT), &w);
    mt_box_hash(&b->place.region, mt_writer_slice(&w), &hash);
    b->box_len = w.n;
}

static void open(struct bench *b, unsigned i) {
    struct mt_writer w = mt_writer(b->plain, BOX);
    struct mt_slice content, box = mt_slice(b->boxes[i], b->box_len);
    struct mt_id hash;
    b->place.seq = i + 1;
    mt_box_hash(&b->place.region, box, &hash);
    b->failures += mt_box_open(b->key, &b->place, box, &w, &content);
}

/* What sealing or opening cannot do without. */
static void limit(struct bench *b, unsigned i) {
    static const uint8_t nonce[12];
    uint8_t hash[32];
    size_t padded = b->box_len - MT_BOX_OVERHEAD;
    crypto_aead_chacha20poly1305_ietf_encrypt(b->plain, NULL, b->boxes[i], padded, b->key, 32, NULL,
                                              nonce, b->key);
    crypto_generichash(hash, sizeof hash, b->boxes[i], b->box_len, NULL, 0);
}

static void header(struct bench *b, unsigned i) {
    struct mt_writer w = mt_writer(b->header_bytes, sizeof b->header_bytes);
    b->header.seq = i + 2;
    b->header.previous = b->entry;
    mt_header_put(&w, &b->header);
    b->failures += w.err;
    b->header_len = w.n;
    mt_entry_id(&b->place.region, mt_writer_slice(&w), &b->entry);
}

static void header_limit(struct bench *b, unsigned i) {
    (void)i;
    crypto_generichash(b->entry.b, 32, b->header_bytes, b->header_len, NULL, 0);
}

static void check(struct bench *b, unsigned i) {
    (void)i;
    struct mt_slice content = mt_slice(b->content, CONTENT);
    struct mt_changes it;
    struct mt_change change;
    b->failures += mt_changes_check(content);
    b->failures += mt_changes_open(&it, content);
    while (mt_changes_next(&it, &change))
        b->failures += change.kind != 3;
}

static void merge(struct bench *b, unsigned i) {
    struct mt_merged rec;
    struct mt_stamp stamp = {.lamport = i + 1, .chain = b->place.chain, .entry = b->entry};
    struct mt_rid id = {{1}};
    struct mt_sum sum = {{0}}, x;
    rec.n = 0;
    b->failures += !mt_record_merge(&rec, &stamp, 0x3ff);
    mt_record_digest(&x, &b->place.region, &b->place.chain, 3, &id, &rec);
    mt_sum_add(&sum, &x);
}

static void verify(struct bench *b, unsigned i) {
    (void)i;
    b->failures +=
        mt_head_verify(&b->feed.pub, &b->place.region, &b->place.chain, 9, &b->entry, b->sig);
}

/* Operations per second. */
static double rate(struct bench *b, void (*one)(struct bench *, unsigned)) {
    unsigned long done = 0;
    double start = now(), spent;
    do {
        for (unsigned i = 0; i < BATCH; i++)
            one(b, i);
        done += BATCH;
        spent = now() - start;
    } while (spent < ROUND_S);
    return (double)done / spent;
}

/* A change of exactly CONTENT bytes: ten fields, as an activity has. */
static void make_content(struct bench *b) {
    struct mt_writer w = mt_writer(b->content, CONTENT);
    struct mt_rid id = {{1, 2, 3}};
    mt_changes_begin(&w, 1);
    mt_change_begin(&w, 3, 1, 0, &id, 10);
    for (uint8_t i = 0; i < 9; i++) {
        mt_wire_put_uint(&w, i);
        if (i % 2)
            mt_wire_put_uint(&w, 20000U + i);
        else
            mt_wire_put_cstr(&w, "gastles techniek");
    }
    mt_wire_put_uint(&w, 9);
    uint8_t rest[CONTENT];
    memset(rest, 'x', sizeof rest);
    mt_wire_put_str(&w, mt_slice(rest, CONTENT - w.n - 2));
    b->failures += w.err || w.n != CONTENT;
}

static void report(const char *name, double per_s, double limit) {
    bench_report(name, per_s, "/s", limit, BENCH_MORE, BENCH_NONE);
}

int main(void) {
    static struct bench b;
    uint8_t seed[32] = {1};
    if (mt_key_init() != MT_OK)
        return 1;
    make_content(&b);
    mt_sign_key_make(seed, &b.feed);
    b.header = (struct mt_header){
        .version = MT_HEADER_VERSION, .lamport = 70000, .wall_ms = 1795000000000, .box_len = 304};
    double sealed = rate(&b, seal), bare = rate(&b, limit), opened = rate(&b, open);
    double headers = rate(&b, header), bare_id = rate(&b, header_limit);
    double checked = rate(&b, check), merged = rate(&b, merge);
    mt_head_sign(&b.feed, &b.place.region, &b.place.chain, 9, &b.entry, b.sig);
    double verified = rate(&b, verify);
    double entry_us = 1e6 / opened + 1e6 / headers + 1e6 / checked + 1e6 / merged;
    printf("core, one change of %d bytes per box, one thread\n", CONTENT);
    report("core: seal a box and hash it", sealed, bare);
    report("core: hash a box and open it", opened, bare);
    report("core: encode a header and its entry id", headers, bare_id);
    report("core: check and walk a change", checked, BENCH_NONE);
    report("core: merge a change and digest it", merged, BENCH_NONE);
    report("core: verify a head's signature", verified, BENCH_NONE);
    report("core: all of it for a received entry", 1e6 / entry_us, bare);
    if (b.failures)
        fprintf(stderr, "bench_core: %u operations failed\n", b.failures);
    return b.failures != 0;
}
