/* link: bytes of one connection in, messages out, and back.
 *
 * Happy path, dialler: dial -> feed tells PAYLOAD (message 2) -> finish -> open. Listener: listen ->
 * feed tells HINT -> try keys -> answer -> feed tells PAYLOAD (message 3) -> open. Then feed tells
 * one MESSAGE after another. Any error leaves the link failed: nothing more comes out of it. */
#include "link.h"

#include <stdlib.h>

enum {
    LENGTH_SIZE = 2,
    CHUNK_MAX = MT_NOISE_MESSAGE_MAX - MT_NOISE_TAG,
    FIRST_FRAME = MT_HINT_SIZE + 32 + MT_NOISE_TAG,
};

static const char PROLOGUE[] = "meent/noise/1";

static enum mt_err fail(struct mt_link *l, enum mt_err err) {
    l->state = MT_LINK_FAILED;
    return err;
}

void mt_link_hint(const uint8_t psk[static 32], const struct mt_id *region,
                  const uint8_t e[static 32], uint8_t out[static MT_HINT_SIZE]) {
    uint8_t full[32];
    mt_kdf(full, psk, "hint", region, e, 32);
    memcpy(out, full, MT_HINT_SIZE);
}

void mt_link_close(struct mt_link *l) {
    if (l->message)
        mt_wipe(l->message, l->message_have);
    free(l->message);
    free(l->frame);
    mt_wipe(l, sizeof *l);
}

static enum mt_err start(struct mt_link *l, bool initiator, const uint8_t region16[static 16],
                         const uint8_t psk[static 32], const struct mt_dh_key *own,
                         const uint8_t e_secret[static 32]) {
    uint8_t prologue[sizeof PROLOGUE - 1 + 16];
    memcpy(prologue, PROLOGUE, sizeof PROLOGUE - 1);
    memcpy(prologue + sizeof PROLOGUE - 1, region16, 16);
    enum mt_err err = mt_noise_init(&l->noise, mt_noise_pattern("XXpsk0"), initiator,
                                    mt_slice(prologue, sizeof prologue), own, e_secret, NULL);
    if (!err)
        mt_noise_set_psk(&l->noise, psk);
    return err;
}

/* Puts one handshake frame: a length, `front` bytes as they are, a Noise message. */
static enum mt_err put_handshake(struct mt_link *l, struct mt_slice front, struct mt_slice payload,
                                 struct mt_writer *w) {
    uint8_t *length = mt_writer_take(w, LENGTH_SIZE);
    size_t from = w->n;
    mt_writer_put(w, front.p, front.n);
    if (w->err)
        return fail(l, w->err);
    enum mt_err err = mt_noise_write(&l->noise, payload, w);
    if (err)
        return fail(l, err);
    mt_be16(length, (uint16_t)(w->n - from));
    return MT_OK;
}

enum mt_err mt_link_dial(struct mt_link *l, const uint8_t region16[static 16],
                         const struct mt_id *hint_region, const uint8_t psk[static 32],
                         const struct mt_dh_key *own, const uint8_t e_secret[static 32],
                         struct mt_writer *w) {
    struct mt_dh_key e;
    uint8_t hint[MT_HINT_SIZE];
    enum mt_err err = start(l, true, region16, psk, own, e_secret);
    if (err)
        return fail(l, err);
    mt_dh_key_make(e_secret, &e);
    mt_link_hint(psk, hint_region, e.pub, hint);
    mt_wipe(&e, sizeof e);
    l->state = MT_LINK_DIALED;
    return put_handshake(l, mt_slice(hint, sizeof hint), mt_slice(NULL, 0), w);
}

void mt_link_listen(struct mt_link *l) {
    l->state = MT_LINK_LISTENS;
}

bool mt_link_try(const struct mt_link *l, const struct mt_id *hint_region,
                 const uint8_t psk[static 32]) {
    uint8_t hint[MT_HINT_SIZE];
    const uint8_t *first = l->frame + LENGTH_SIZE;
    mt_link_hint(psk, hint_region, first + MT_HINT_SIZE, hint);
    return mt_equal_secret(hint, first, sizeof hint);
}

enum mt_err mt_link_answer(struct mt_link *l, const uint8_t region16[static 16],
                           const uint8_t psk[static 32], const struct mt_dh_key *own,
                           const uint8_t e_secret[static 32], struct mt_slice payload,
                           struct mt_writer *w) {
    uint8_t none[1];
    struct mt_writer empty = mt_writer(none, 0);
    enum mt_err err = start(l, false, region16, psk, own, e_secret);
    if (err)
        return fail(l, err);
    struct mt_slice first =
        mt_slice(l->frame + LENGTH_SIZE + MT_HINT_SIZE, FIRST_FRAME - MT_HINT_SIZE);
    err = mt_noise_read(&l->noise, first, &empty);
    if (err)
        return fail(l, err == MT_EDECRYPT ? MT_EPSK : err);
    l->frame_have = 0;
    err = put_handshake(l, mt_slice(NULL, 0), payload, w);
    if (!err)
        l->state = MT_LINK_ANSWERED;
    return err;
}

static enum mt_err open_transport(struct mt_link *l) {
    enum mt_err err = mt_noise_split(&l->noise, &l->tx, &l->rx);
    if (err)
        return fail(l, err);
    l->state = MT_LINK_OPEN;
    return MT_OK;
}

enum mt_err mt_link_finish(struct mt_link *l, struct mt_slice payload, struct mt_writer *w) {
    enum mt_err err = put_handshake(l, mt_slice(NULL, 0), payload, w);
    return err ? err : open_transport(l);
}

const uint8_t *mt_link_remote(const struct mt_link *l) {
    return mt_noise_remote_static(&l->noise);
}

/* ---- receiving ---- */

/* The longest frame that is allowed in this state. */
static size_t frame_max(const struct mt_link *l) {
    if (l->state == MT_LINK_OPEN)
        return MT_NOISE_MESSAGE_MAX;
    return l->state == MT_LINK_LISTENS ? FIRST_FRAME : MT_HANDSHAKE_FRAME_MAX;
}

static enum mt_err reserve_frame(struct mt_link *l, size_t n) {
    if (n <= l->frame_cap)
        return MT_OK;
    uint8_t *p = realloc(l->frame, n);
    if (!p)
        return MT_ENOMEM;
    l->frame = p;
    l->frame_cap = n;
    return MT_OK;
}

/* Collects bytes until a whole frame is in l->frame. Tells through `whole`. */
static enum mt_err collect(struct mt_link *l, struct mt_slice in, size_t *used, bool *whole) {
    *whole = false;
    enum mt_err err = reserve_frame(l, 256);
    while (!err && l->frame_have < LENGTH_SIZE && *used < in.n)
        l->frame[l->frame_have++] = in.p[(*used)++];
    if (err || l->frame_have < LENGTH_SIZE)
        return err;
    size_t len = mt_load16(l->frame);
    if (len > frame_max(l) || len < MT_NOISE_TAG ||
        (l->state == MT_LINK_LISTENS && len != FIRST_FRAME))
        return MT_ETOOLONG;
    err = reserve_frame(l, LENGTH_SIZE + len);
    if (err)
        return err;
    size_t want = LENGTH_SIZE + len - l->frame_have;
    size_t take = want < in.n - *used ? want : in.n - *used;
    memcpy(l->frame + l->frame_have, in.p + *used, take);
    l->frame_have += take;
    *used += take;
    *whole = take == want;
    return MT_OK;
}

static enum mt_err read_handshake(struct mt_link *l, struct mt_link_out *out) {
    struct mt_writer payload = mt_writer(out->payload, sizeof out->payload);
    struct mt_slice frame = mt_slice(l->frame + LENGTH_SIZE, l->frame_have - LENGTH_SIZE);
    bool dialer = l->state == MT_LINK_DIALED;
    enum mt_err err = mt_noise_read(&l->noise, frame, &payload);
    if (err)
        return err;
    l->frame_have = 0;
    out->n = payload.n;
    out->got = MT_LINK_PAYLOAD;
    if (dialer)
        l->state = MT_LINK_GREETED;
    return MT_OK;
}

/* Cuts messages out of the decrypted bytes. */
static enum mt_err cut(struct mt_link *l, struct mt_link_out *out) {
    while (l->plain_n && !l->message) {
        l->length[l->length_have++] = *l->plain++;
        l->plain_n--;
        if (l->length_have < sizeof l->length)
            continue;
        l->message_len = mt_load32(l->length);
        if (l->message_len == 0 || l->message_len > MT_MESSAGE_MAX)
            return MT_ETOOLONG;
        l->message = malloc(l->message_len);
        if (!l->message)
            return MT_ENOMEM;
        l->message_have = 0;
    }
    if (!l->message)
        return MT_OK;
    size_t want = l->message_len - l->message_have;
    size_t take = want < l->plain_n ? want : l->plain_n;
    memcpy(l->message + l->message_have, l->plain, take);
    l->message_have += take;
    l->plain += take;
    l->plain_n -= take;
    if (take < want)
        return MT_OK;
    out->got = MT_LINK_MESSAGE;
    out->message = l->message;
    out->n = l->message_len;
    l->message = NULL;
    l->length_have = 0;
    return MT_OK;
}

static enum mt_err open_frame(struct mt_link *l) {
    uint8_t *sealed = l->frame + LENGTH_SIZE;
    size_t n = l->frame_have - LENGTH_SIZE;
    enum mt_err err = mt_noise_open(&l->rx, mt_slice(sealed, n), sealed);
    if (err)
        return err;
    l->plain = sealed;
    l->plain_n = n - MT_NOISE_TAG;
    l->frame_have = 0;
    return MT_OK;
}

static enum mt_err take_frame(struct mt_link *l, struct mt_link_out *out) {
    switch (l->state) {
    case MT_LINK_LISTENS:
        l->state = MT_LINK_HINTED;
        out->got = MT_LINK_HINT;
        return MT_OK;
    case MT_LINK_DIALED:
    case MT_LINK_ANSWERED:
        return read_handshake(l, out);
    case MT_LINK_OPEN:
        return open_frame(l);
    default:
        return MT_EPROTOCOL;
    }
}

enum mt_err mt_link_feed(struct mt_link *l, struct mt_slice in, size_t *used,
                         struct mt_link_out *out) {
    enum mt_err err = MT_OK;
    *used = 0;
    out->got = MT_LINK_NOTHING;
    if (l->state == MT_LINK_ANSWERED && mt_noise_done(&l->noise))
        err = open_transport(l); /* message 3 was read; its payload was told before */
    while (!err && out->got == MT_LINK_NOTHING) {
        if (l->plain_n) {
            err = cut(l, out);
            continue;
        }
        bool whole;
        if (l->state == MT_LINK_HINTED || l->state == MT_LINK_GREETED)
            break; /* the caller has to act first */
        err = collect(l, in, used, &whole);
        if (err || !whole)
            break;
        err = take_frame(l, out);
    }
    return err ? fail(l, err) : MT_OK;
}

/* ---- sending ---- */

size_t mt_link_size(size_t n) {
    size_t plain = n + 4;
    size_t frames = (plain + CHUNK_MAX - 1) / CHUNK_MAX;
    return plain + frames * (LENGTH_SIZE + MT_NOISE_TAG);
}

enum mt_err mt_link_seal(struct mt_link *l, struct mt_slice message, struct mt_writer *w) {
    if (l->state == MT_LINK_ANSWERED && mt_noise_done(&l->noise)) {
        enum mt_err err = open_transport(l);
        if (err)
            return err;
    }
    if (l->state != MT_LINK_OPEN)
        return MT_ESTATE;
    if (message.n == 0)
        return MT_EBUG;
    if (message.n > MT_MESSAGE_MAX || w->err || mt_link_size(message.n) > w->cap - w->n)
        return MT_ETOOLONG;
    size_t done = 0, front = 4;
    while (front || done < message.n) {
        size_t room = CHUNK_MAX - front;
        size_t take = message.n - done < room ? message.n - done : room;
        size_t plain = front + take;
        uint8_t *p = mt_writer_take(w, LENGTH_SIZE + plain + MT_NOISE_TAG);
        if (!p)
            return fail(l, MT_EBUG);
        mt_be16(p, (uint16_t)(plain + MT_NOISE_TAG));
        if (front)
            mt_be32(p + LENGTH_SIZE, (uint32_t)message.n);
        memcpy(p + LENGTH_SIZE + front, message.p + done, take);
        enum mt_err err = mt_noise_seal(&l->tx, mt_slice(p + LENGTH_SIZE, plain), p + LENGTH_SIZE);
        if (err)
            return fail(l, err);
        done += take;
        front = 0;
    }
    return MT_OK;
}
