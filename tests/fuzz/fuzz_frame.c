/* Bytes of one connection. A listener fed anything never opens without the key and keeps no more
 * than a frame; an open link fed anything gives no message; of a stream sealed as it should be come
 * out exactly the messages that stand in it, however it is cut into frames and pieces; and of sealed
 * messages with one byte changed come out those before it. */
#include "fuzz.h"
#include "link.h"

#include <stdlib.h>

enum { PIECES_MAX = 64, PLAIN_MAX = 16 * 1024, WIRE_MAX = 2 * PLAIN_MAX + 8192 };

static const struct mt_noise_cipher CIPHER = {.key = {7}};

/* An end of a link whose handshake is done; `n`: messages sealed so far. */
static void open_link(struct mt_link *l, uint64_t n) {
    *l = (struct mt_link){.state = MT_LINK_OPEN, .tx = CIPHER, .rx = CIPHER};
    l->tx.n = l->rx.n = n;
}

/* Feeds up to `n` bytes and returns what it told. */
static enum mt_err feed(struct mt_link *l, struct mt_slice *in, size_t n, struct mt_link_out *out) {
    size_t used, piece = n < in->n ? n : in->n;
    uint8_t *exact = fuzz_copy(mt_slice(in->p, piece));
    enum mt_err err = mt_link_feed(l, mt_slice(exact, piece), &used, out);
    free(exact);
    NEED(used <= piece && (err != MT_OK) == (l->state == MT_LINK_FAILED));
    NEED(l->frame_cap <= MT_NOISE_MESSAGE_MAX + 2);
    NEED(!l->message || (l->message_len <= MT_MESSAGE_MAX && l->message_have < l->message_len));
    in->p += used;
    in->n -= used;
    return err;
}

static void listener(struct fuzz *f) {
    static const uint8_t psk[32] = {3}, region16[16] = {4}, secret[32] = {5};
    struct mt_link l = {0};
    struct mt_link_out out = {0};
    struct mt_dh_key own;
    size_t piece = 1 + fuzz_u16(f);
    struct mt_slice in = fuzz_rest(f);
    mt_dh_key_make(secret, &own);
    mt_link_listen(&l);
    while (feed(&l, &in, piece, &out) == MT_OK && in.n && out.got == MT_LINK_NOTHING)
        ;
    if (l.state == MT_LINK_HINTED) {
        uint8_t buf[MT_HANDSHAKE_FRAME_MAX];
        struct mt_writer w = mt_writer(buf, sizeof buf);
        NEED(!mt_link_try(&l, NULL, psk));
        NEED(mt_link_answer(&l, region16, psk, &own, secret, mt_slice("c", 1), &w) != MT_OK);
        NEED(w.n == 0 && l.state == MT_LINK_FAILED);
    }
    NEED(l.state == MT_LINK_LISTENS || l.state == MT_LINK_FAILED);
    mt_link_close(&l);
}

static void stranger(struct fuzz *f) {
    struct mt_link l;
    struct mt_link_out out;
    open_link(&l, fuzz_number(f) >> 1);
    size_t piece = 1 + fuzz_u16(f);
    struct mt_slice in = fuzz_rest(f);
    do
        NEED(feed(&l, &in, piece, &out) != MT_OK || out.got == MT_LINK_NOTHING);
    while (l.state == MT_LINK_OPEN && in.n);
    mt_link_close(&l);
}

/* Seals `stream` in frames of the sizes that `f` gives. */
static void seal_stream(struct fuzz *f, struct mt_link *l, struct mt_slice stream,
                        struct mt_writer *w) {
    for (unsigned i = 0; i < PIECES_MAX && stream.n; i++) {
        size_t n = i + 1 == PIECES_MAX ? stream.n : fuzz_u16(f) % (stream.n + 1);
        uint8_t *p = mt_writer_take(w, 2 + n + MT_NOISE_TAG);
        NEED(p != NULL);
        mt_be16(p, (uint16_t)(n + MT_NOISE_TAG));
        NEED(mt_noise_seal(&l->tx, mt_slice(stream.p, n), p + 2) == MT_OK);
        stream = mt_slice(stream.p + n, stream.n - n);
    }
}

/* Takes from the stream itself what the link must tell next. False: nothing more. */
static bool expect(struct mt_slice *stream, struct mt_slice *message, bool *bad) {
    size_t n = stream->n < 4 ? 0 : mt_load32(stream->p);
    *bad = stream->n >= 4 && (n == 0 || n > MT_MESSAGE_MAX);
    if (stream->n < 4 || *bad || stream->n - 4 < n)
        return false;
    *message = mt_slice(stream->p + 4, n);
    *stream = mt_slice(stream->p + 4 + n, stream->n - 4 - n);
    return true;
}

static void stream(struct fuzz *f) {
    static uint8_t wire[WIRE_MAX];
    struct mt_link a, b;
    struct mt_link_out out;
    struct mt_slice message = {0};
    struct mt_writer w = mt_writer(wire, sizeof wire);
    bool bad = false;
    uint64_t n = MT_NOISE_REKEY_AFTER - fuzz_u8(f) % 8;
    size_t piece = 1 + fuzz_u16(f);
    struct fuzz cuts = fuzz_of(f->p, f->n);
    struct mt_slice plain = fuzz_take(f, PLAIN_MAX);
    open_link(&a, n);
    open_link(&b, n);
    seal_stream(&cuts, &a, plain, &w);
    struct mt_slice in = mt_writer_slice(&w);
    for (;;) {
        enum mt_err err = feed(&b, &in, piece, &out);
        if (err || (out.got == MT_LINK_NOTHING && !in.n)) {
            NEED(!expect(&plain, &message, &bad) && bad == (err == MT_ETOOLONG));
            NEED(!err || bad);
            break;
        }
        if (out.got == MT_LINK_NOTHING)
            continue;
        NEED(out.got == MT_LINK_MESSAGE && expect(&plain, &message, &bad));
        NEED(mt_slice_eq(mt_slice(out.message, out.n), message));
        free(out.message);
    }
    mt_link_close(&a);
    mt_link_close(&b);
}

static void damaged(struct fuzz *f) {
    static uint8_t wire[WIRE_MAX + 1];
    struct mt_link a, b;
    struct mt_link_out out;
    struct mt_slice sent[8], in;
    size_t n_sent = 0, end[8], came = 0;
    struct mt_writer w = mt_writer(wire, WIRE_MAX);
    struct fuzz harm = fuzz_part(f, 4);
    open_link(&a, 0);
    open_link(&b, 0);
    for (uint8_t n; n_sent < MT_ARRAY_LEN(sent) && f->n > 1; n_sent++) {
        n = fuzz_u8(f);
        sent[n_sent] = fuzz_take(f, n ? n * 16u : 1);
        NEED(mt_link_seal(&a, sent[n_sent], &w) == MT_OK);
        end[n_sent] = w.n;
    }
    uint8_t *before = fuzz_copy(mt_writer_slice(&w));
    size_t total = w.n, same = 0;
    bool harmed = fuzz_damage(&harm, wire, &w.n);
    while (same < total && same < w.n && before[same] == wire[same])
        same++;
    free(before);
    in = mt_writer_slice(&w);
    while (feed(&b, &in, SIZE_MAX, &out) == MT_OK && out.got == MT_LINK_MESSAGE) {
        NEED(came < n_sent && mt_slice_eq(mt_slice(out.message, out.n), sent[came]));
        free(out.message);
        NEED(!harmed || end[came] <= same);
        came++;
    }
    NEED(harmed || came == n_sent);
    mt_link_close(&a);
    mt_link_close(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz f = fuzz_of(data, size);
    switch (fuzz_u8(&f) % 4) {
    case 0:
        listener(&f);
        break;
    case 1:
        stranger(&f);
        break;
    case 2:
        stream(&f);
        break;
    default:
        damaged(&f);
    }
    return 0;
}
