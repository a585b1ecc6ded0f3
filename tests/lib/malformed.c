#include "malformed.h"

#include "builder.h"
#include "feed.h"
#include "msg.h"

#include <assert.h>

static size_t lying_length(struct dice *d, uint8_t *out) {
    static const uint16_t lengths[] = {0, 1, 15, 16, 63, 65, 255, 2048, 2049, 32768, 65535};
    mt_be16(out, lengths[dice_below(d, MT_ARRAY_LEN(lengths))]);
    size_t n = 2 + dice_below(d, 600);
    dice_bytes(d, out + 2, n - 2);
    return n;
}

size_t malformed_first(struct dice *d, struct caller *c, uint8_t out[static MALFORMED_MAX]) {
    struct mt_writer w = mt_writer(out, MALFORMED_MAX);
    switch (dice_below(d, 4)) {
    case 0:
        return lying_length(d, out);
    case 1: /* noise */
        dice_bytes(d, out, CALLER_FIRST);
        return 1 + dice_below(d, CALLER_FIRST);
    case 2: /* the right shape */
        dice_bytes(d, out, CALLER_FIRST);
        mt_be16(out, CALLER_FIRST - 2);
        return CALLER_FIRST;
    default: /* the right key, another ephemeral or another tag */
        caller_call(c, &w);
        out[2 + dice_below(d, CALLER_FIRST - 2)] ^= (uint8_t)(1 + dice_below(d, 255));
        return CALLER_FIRST;
    }
}

size_t malformed_certificate(struct dice *d, const struct caller *c,
                             uint8_t out[static MALFORMED_MAX]) {
    size_t n;
    do {
        n = c->certificate_n;
        memcpy(out, c->certificate, n);
        switch (dice_below(d, 4)) {
        case 0:
            n = 1 + dice_below(d, 1400);
            dice_bytes(d, out, n);
            break;
        case 1:
            n = 1 + dice_below(d, n - 1);
            break;
        default:
            n = dice_spoil(d, out, n, 1400);
        }
    } while (n == 0 || (n == c->certificate_n && memcmp(out, c->certificate, n) == 0));
    return n;
}

enum mt_err malformed_third(struct dice *d, struct caller *c, struct mt_slice in,
                            struct mt_writer *w) {
    uint8_t payload[MALFORMED_MAX];
    size_t from = w->n;
    /* The first call has to learn the region. */
    if (c->certificate_n && dice_below(d, 4)) {
        size_t n = malformed_certificate(d, c, payload);
        return caller_greet(c, in, mt_slice(payload, n), w);
    }
    enum mt_err err = caller_greet(c, in, mt_slice(NULL, 0), w);
    if (!err)
        w->p[from + 2 + dice_below(d, w->n - from - 2)] ^= (uint8_t)(1 + dice_below(d, 255));
    return err;
}

/* ---- on an open link ---- */

static void seal(struct caller *c, struct mt_slice plain, struct mt_writer *w) {
    uint8_t *p = mt_writer_take(w, 2 + plain.n + MT_NOISE_TAG);
    assert(p);
    mt_be16(p, (uint16_t)(plain.n + MT_NOISE_TAG));
    memcpy(p + 2, plain.p, plain.n);
    enum mt_err err = mt_noise_seal(&c->link.tx, mt_slice(p + 2, plain.n), p + 2);
    assert(err == MT_OK);
    (void)err;
}

void malformed_frame(struct dice *d, struct caller *c, struct mt_writer *w) {
    static const uint32_t lengths[] = {0, MT_MESSAGE_MAX + 1, 0x7fffffff, 0x80000000, 0xffffffff};
    uint8_t text[1024] = {0};
    size_t n, from = w->n;
    switch (dice_below(d, 4)) {
    case 0:
        n = lying_length(d, text);
        mt_writer_put(w, text, n);
        break;
    case 1: /* spoiled after it was sealed */
        n = 1 + dice_below(d, sizeof text);
        dice_bytes(d, text, n);
        seal(c, mt_slice(text, n), w);
        w->p[from + 2 + dice_below(d, n + MT_NOISE_TAG)] ^= (uint8_t)(1 + dice_below(d, 255));
        break;
    case 2: /* sealed, with the length of a message that may not be */
        mt_be32(text, lengths[dice_below(d, MT_ARRAY_LEN(lengths))]);
        seal(c, mt_slice(text, 4 + dice_below(d, 64)), w);
        break;
    default: /* empty ones, and a message of one byte that is none */
        for (size_t times = dice_below(d, 8); times; times--)
            seal(c, mt_slice(text, 0), w);
        memcpy(text, "\0\0\0\1\xc1", 5);
        seal(c, mt_slice(text, 5), w);
    }
}

/* A run of the caller's own chain, which the other side has a place for. */
static void put_run(struct dice *d, const struct caller *c, struct mt_writer *w) {
    struct mt_run_writer rw;
    uint8_t box[160], signature[MT_SIGNATURE_SIZE];
    struct mt_id zeros = {{0}}, statement = built_id("statement", 1);
    struct mt_header h = {.chain = c->feed.pub, .epoch = statement, .lamport = 1, .wall_ms = 1};
    size_t n = 1 + dice_below(d, 4);
    mt_run_begin(&rw, w, &c->feed.pub, 1, &zeros, &zeros, &statement);
    for (size_t i = 0; i < n; i++) {
        dice_bytes(d, box, sizeof box);
        h.seq = i + 1;
        h.lamport += dice_below(d, 5);
        h.box_len = sizeof box;
        mt_run_add(&rw, &h, mt_slice(box, sizeof box));
    }
    dice_bytes(d, signature, sizeof signature);
    mt_run_end(&rw, signature);
}

static void put_any(struct dice *d, const struct caller *c, struct mt_writer *w) {
    struct mt_hello hello = {.wall_ms = 1};
    struct mt_have_row row = {.chain = c->feed.pub, .seq = 3};
    switch (1 + dice_below(d, MT_MSG_BYE)) {
    case MT_MSG_HELLO:
        mt_hello_put(w, &hello);
        break;
    case MT_MSG_GOV_HAVE:
        mt_gov_have_begin(w, 2);
        mt_wire_put_id(w, &c->feed.pub);
        mt_wire_put_id(w, &c->root.pub);
        break;
    case MT_MSG_GOV_ITEMS:
        mt_gov_items_begin(w, 1);
        mt_wire_put_bin(w, c->certificate, c->certificate_n);
        mt_gov_items_end(w, true);
        break;
    case MT_MSG_HAVE:
        mt_have_begin(w, 1);
        mt_have_row_put(w, &row);
        mt_have_end(w, true);
        break;
    case MT_MSG_MARK:
        mt_mark_begin(w, 5, 1);
        mt_mark_row_put(w, &c->feed.pub, 3);
        break;
    case MT_MSG_FILE:
        mt_file_put(w, mt_slice(c->certificate, c->certificate_n));
        break;
    case MT_MSG_BYE:
        mt_bye_put(w, "member");
        break;
    case MT_MSG_PING:
        mt_number_put(w, MT_MSG_PING, dice_next(d));
        break;
    default:
        put_run(d, c, w);
    }
}

/* What makes a session live with a peer that holds everything but tells that it holds nothing. */
static void say_prelude(struct caller *c, struct mt_writer *w) {
    uint8_t buf[512];
    struct mt_writer m = mt_writer(buf, sizeof buf);
    mt_hello_put(&m, &(struct mt_hello){.wall_ms = 1});
    caller_say(c, mt_writer_slice(&m), w);
    m.n = 0;
    mt_gov_have_begin(&m, 0);
    caller_say(c, mt_writer_slice(&m), w);
    m.n = 0;
    mt_gov_items_begin(&m, 0);
    mt_gov_items_end(&m, true);
    caller_say(c, mt_writer_slice(&m), w);
    m.n = 0;
    mt_have_begin(&m, 0);
    mt_have_end(&m, true);
    caller_say(c, mt_writer_slice(&m), w);
}

void malformed_message(struct dice *d, struct caller *c, struct mt_writer *w) {
    uint8_t buf[MALFORMED_MAX];
    struct mt_writer m = mt_writer(buf, sizeof buf / 2);
    if (dice_below(d, 2)) {
        say_prelude(c, w);
        put_run(d, c, &m);
        /* A run whose shape is in order still has a signature that is none. */
        m.n = dice_below(d, 3) ? dice_spoil(d, buf, m.n, sizeof buf) : m.n;
    } else {
        put_any(d, c, &m);
        m.n = dice_spoil(d, buf, m.n, sizeof buf);
    }
    if (m.n)
        caller_say(c, mt_writer_slice(&m), w);
    caller_say(c, mt_slice("\xc1", 1), w);
}
