/* The first message of a handshake, at a node that listens: any bytes, a frame made with the right
 * key or another, for this region or another, with one byte changed, or with something in its
 * payload. The node answers what was made with a key it holds and nothing else. */
#include "host.h"

#include <stdlib.h>

static struct host *listener(void) {
    static struct host h;
    if (!h.node)
        host_open(&h, 1);
    return &h;
}

struct made {
    uint8_t frame[512];
    size_t n;
    bool good;
};

static void choose_key(struct fuzz *f, uint8_t psk[static 32], const struct mt_id **hint,
                       bool *good) {
    switch (fuzz_u8(f) % 4) {
    case 0:
        region_link_key(psk);
        *hint = region_id();
        break;
    case 1:
        host_invite_key(psk);
        *hint = NULL;
        break;
    case 2:
        region_link_key(psk);
        *hint = NULL; /* hinted at as if it were an invitation's */
        *good = false;
        break;
    default:
        memset(psk, fuzz_u8(f), 32);
        *hint = region_id();
        *good = false;
    }
}

static void make(struct fuzz *f, struct made *m) {
    struct mt_link l = {0};
    const struct mt_id *hint;
    struct mt_id region = *region_id();
    uint8_t psk[32], e[32] = {1};
    struct mt_writer w = mt_writer(m->frame, sizeof m->frame - 1);
    m->good = true;
    choose_key(f, psk, &hint, &m->good);
    if (fuzz_u8(f) > 200) {
        region.b[fuzz_u8(f) % 32] ^= 1;
        /* The prologue has the first half of it. */
        m->good = m->good && memcmp(region.b, region_id()->b, 16) == 0;
    }
    e[1] = fuzz_u8(f) % 8;
    NEED(mt_link_dial(&l, region.b, hint, psk, region_link(2), e, &w) == MT_OK);
    mt_link_close(&l);
    m->n = w.n;
    struct fuzz harm = fuzz_part(f, 4);
    if (fuzz_u8(f) & 1 && fuzz_damage_stream(&harm, m->frame, &m->n))
        m->good = false;
}

/* Message 1 by the engine itself, with a payload; the frame around it has no room for one. */
static void payload(struct fuzz *f) {
    struct mt_noise i, r;
    uint8_t psk[32] = {3}, e[32] = {4}, message[4096], got[4096];
    struct mt_slice in = fuzz_take(f, 2048);
    struct mt_writer w = mt_writer(message, sizeof message - 1), p = mt_writer(got, in.n);
    const struct mt_noise_pattern *pattern = mt_noise_pattern("XXpsk0");
    bool harmed = fuzz_u8(f) & 1;
    NEED(!mt_noise_init(&i, pattern, true, mt_slice("p", 1), region_link(2), e, NULL));
    NEED(!mt_noise_init(&r, pattern, false, mt_slice("p", 1), region_link(1), e, NULL));
    mt_noise_set_psk(&i, psk);
    mt_noise_set_psk(&r, psk);
    NEED(mt_noise_write(&i, in, &w) == MT_OK && w.n == 32 + in.n + MT_NOISE_TAG);
    harmed = harmed && fuzz_damage(f, message, &w.n);
    enum mt_err err = mt_noise_read(&r, mt_writer_slice(&w), &p);
    NEED((err == MT_OK) == !harmed);
    NEED(harmed ? p.n == 0 : mt_slice_eq(mt_writer_slice(&p), in));
    mt_noise_wipe(&i);
    mt_noise_wipe(&r);
}

/* Gives it to the node in pieces. */
static void give(struct fuzz *f, struct mt_slice in, bool good) {
    struct host *h = listener();
    size_t piece = 1 + fuzz_u8(f);
    host_begin(h, 100);
    host_accept(h);
    NEED(h->conn);
    while (in.n && h->conn && !h->n_sent) {
        size_t n = piece < in.n ? piece : in.n;
        host_bytes(h, mt_slice(in.p, n));
        in = mt_slice(in.p + n, in.n - n);
    }
    NEED((h->n_sent > 0) == good);
    NEED(!good || !h->closed || in.n > 0);
    NEED(!h->saved);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz f = fuzz_of(data, size);
    struct made m;
    switch (fuzz_u8(&f) % 3) {
    case 0:
        m.frame[0] = fuzz_u8(&f);
        give(&f, fuzz_rest(&f), false);
        break;
    case 1:
        make(&f, &m);
        give(&f, mt_slice(m.frame, m.n), m.good);
        break;
    default:
        payload(&f);
    }
    return 0;
}
