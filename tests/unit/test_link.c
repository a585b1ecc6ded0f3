/* Links: the handshake, frames and the stream of messages, however the bytes are cut. */
#include "vectors.h"

#include "builder.h"
#include "link.h"

#include <sodium.h>
#include <stdlib.h>

enum { D, L, WIRE = 2 * MT_MESSAGE_MAX };

static const char *const PAYLOAD[2] = {"certificate of the initiator",
                                       "certificate of the responder"};

/* Two ends, and the bytes under way from each. */
struct two {
    struct mt_link l[2];
    struct mt_dh_key key[2];
    uint8_t psk[32], e[2][32];
    struct mt_id region;
    uint8_t *wire;
    size_t n;
};

static int open_two(void **state) {
    struct two *t = calloc(1, sizeof *t);
    uint8_t secret[32];
    assert_non_null(t);
    t->wire = malloc(WIRE);
    assert_non_null(t->wire);
    t->region = built_id("region", 1);
    built_bytes(t->psk, "psk", 1);
    built_bytes(secret, "static initiator", 1);
    mt_dh_key_make(secret, &t->key[D]);
    built_bytes(secret, "static responder", 1);
    mt_dh_key_make(secret, &t->key[L]);
    built_bytes(t->e[D], "ephemeral initiator", 1);
    built_bytes(t->e[L], "ephemeral responder", 1);
    *state = t;
    return 0;
}

static int close_two(void **state) {
    struct two *t = *state;
    mt_link_close(&t->l[D]);
    mt_link_close(&t->l[L]);
    free(t->wire);
    free(t);
    return 0;
}

static void again(struct two *t) {
    mt_link_close(&t->l[D]);
    mt_link_close(&t->l[L]);
    mt_link_listen(&t->l[L]);
    struct mt_writer w = mt_writer(t->wire, WIRE);
    assert_int_equal(
        mt_link_dial(&t->l[D], t->region.b, &t->region, t->psk, &t->key[D], t->e[D], &w), MT_OK);
    t->n = w.n;
}

/* Feeds the wire to one end in pieces of `chunk`; returns what it told last. */
static enum mt_err feed(struct two *t, int to, size_t chunk, struct mt_link_out *out) {
    size_t at = 0;
    out->got = MT_LINK_NOTHING;
    while (at < t->n && out->got == MT_LINK_NOTHING) {
        size_t piece = t->n - at < chunk ? t->n - at : chunk, used;
        uint8_t *exact = malloc(piece);
        assert_non_null(exact);
        memcpy(exact, t->wire + at, piece);
        enum mt_err err = mt_link_feed(&t->l[to], mt_slice(exact, piece), &used, out);
        free(exact);
        if (err) {
            assert_int_equal(t->l[to].state, MT_LINK_FAILED);
            return err;
        }
        assert_true(used <= piece && (used > 0 || out->got != MT_LINK_NOTHING));
        at += used;
    }
    memmove(t->wire, t->wire + at, t->n - at);
    t->n -= at;
    return MT_OK;
}

static enum mt_err answer(struct two *t, const uint8_t psk[static 32]) {
    struct mt_writer w = mt_writer(t->wire, WIRE);
    enum mt_err err = mt_link_answer(&t->l[L], t->region.b, psk, &t->key[L], t->e[L],
                                     mt_slice_str(PAYLOAD[L]), &w);
    t->n = err ? 0 : w.n;
    return err;
}

static enum mt_err finish(struct two *t) {
    struct mt_writer w = mt_writer(t->wire, WIRE);
    enum mt_err err = mt_link_finish(&t->l[D], mt_slice_str(PAYLOAD[D]), &w);
    t->n = err ? 0 : w.n;
    return err;
}

static void assert_payload(const struct mt_link_out *out, const char *want) {
    assert_int_equal(out->got, MT_LINK_PAYLOAD);
    assert_true(mt_slice_is(mt_slice(out->payload, out->n), want));
}

static void handshake(struct two *t, size_t chunk) {
    struct mt_link_out out;
    again(t);
    assert_int_equal(feed(t, L, chunk, &out), MT_OK);
    assert_int_equal(out.got, MT_LINK_HINT);
    assert_true(mt_link_try(&t->l[L], &t->region, t->psk));
    assert_int_equal(answer(t, t->psk), MT_OK);
    assert_int_equal(feed(t, D, chunk, &out), MT_OK);
    assert_payload(&out, PAYLOAD[L]);
    assert_memory_equal(mt_link_remote(&t->l[D]), t->key[L].pub, 32);
    assert_int_equal(finish(t), MT_OK);
    assert_int_equal(feed(t, L, chunk, &out), MT_OK);
    assert_payload(&out, PAYLOAD[D]);
    assert_memory_equal(mt_link_remote(&t->l[L]), t->key[D].pub, 32);
    assert_int_equal(t->n, 0);
}

static void put(struct two *t, int from, struct mt_slice message) {
    struct mt_writer w = mt_writer(t->wire + t->n, WIRE - t->n);
    assert_int_equal(mt_link_seal(&t->l[from], message, &w), MT_OK);
    assert_int_equal(w.n, mt_link_size(message.n));
    t->n += w.n;
}

static void take(struct two *t, int to, size_t chunk, struct mt_slice want) {
    struct mt_link_out out;
    assert_int_equal(feed(t, to, chunk, &out), MT_OK);
    assert_int_equal(out.got, MT_LINK_MESSAGE);
    assert_bytes(mt_slice(out.message, out.n), want);
    free(out.message);
}

static void bytes_may_come_in_any_pieces(void **state) {
    struct two *t = *state;
    (void)state;
    for (size_t chunk = 1; chunk <= 260; chunk += chunk < 70 ? 1 : 19) {
        handshake(t, chunk);
        for (int from = 0; from < 2; from++) {
            put(t, from, mt_slice_str("one"));
            put(t, from, mt_slice_str("and two"));
            put(t, from, mt_slice_str("x"));
            take(t, !from, chunk, mt_slice_str("one"));
            take(t, !from, chunk, mt_slice_str("and two"));
            take(t, !from, chunk, mt_slice_str("x"));
            assert_int_equal(t->n, 0);
        }
    }
}

/* The listener may speak first: its transport opens with the first message either way. */
static void whoever_speaks_first_opens_the_link(void **state) {
    struct two *t = *state;
    handshake(t, WIRE);
    assert_int_equal(t->l[L].state, MT_LINK_ANSWERED);
    put(t, L, mt_slice_str("first"));
    assert_int_equal(t->l[L].state, MT_LINK_OPEN);
    take(t, D, WIRE, mt_slice_str("first"));
}

static void lengths_around_every_border_come_through(void **state) {
    struct two *t = *state;
    enum { CHUNK = MT_NOISE_MESSAGE_MAX - MT_NOISE_TAG };
    static const size_t SIZES[] = {1,
                                   CHUNK - 5,
                                   CHUNK - 4,
                                   CHUNK - 3,
                                   CHUNK,
                                   65535,
                                   65536,
                                   65537,
                                   2 * CHUNK - 5,
                                   2 * CHUNK - 4,
                                   2 * CHUNK - 3,
                                   MT_MESSAGE_MAX - 1,
                                   MT_MESSAGE_MAX};
    uint8_t *m = malloc(MT_MESSAGE_MAX + 1);
    assert_non_null(m);
    for (size_t i = 0; i <= MT_MESSAGE_MAX; i++)
        m[i] = (uint8_t)(i * 7 + i / 251);
    handshake(t, WIRE);
    for (size_t i = 0; i < MT_ARRAY_LEN(SIZES); i++) {
        put(t, D, mt_slice(m, SIZES[i]));
        put(t, D, mt_slice_str("behind it"));
        take(t, L, i % 2 ? 4099 : WIRE, mt_slice(m, SIZES[i]));
        take(t, L, 100, mt_slice_str("behind it"));
        assert_int_equal(t->n, 0);
    }
    struct mt_writer w = mt_writer(t->wire, WIRE);
    assert_int_equal(mt_link_seal(&t->l[D], mt_slice(m, MT_MESSAGE_MAX + 1), &w), MT_ETOOLONG);
    assert_int_equal(mt_link_seal(&t->l[D], mt_slice(m, 0), &w), MT_EBUG);
    assert_int_equal(w.n, 0);
    w = mt_writer(t->wire, mt_link_size(100000) - 1);
    assert_int_equal(mt_link_seal(&t->l[D], mt_slice(m, 100000), &w), MT_ETOOLONG);
    assert_int_equal(w.n, 0);
    put(t, D, mt_slice_str("still in step"));
    take(t, L, WIRE, mt_slice_str("still in step"));
    free(m);
}

/* Seals bytes of a stream as they are, past mt_link_seal. */
static void put_stream(struct two *t, const void *p, size_t n) {
    uint8_t *frame = t->wire + t->n;
    mt_be16(frame, (uint16_t)(n + MT_NOISE_TAG));
    assert_int_equal(mt_noise_seal(&t->l[D].tx, mt_slice(p, n), frame + 2), MT_OK);
    t->n += 2 + n + MT_NOISE_TAG;
}

static enum mt_err stream(struct two *t, const void *p, size_t n) {
    struct mt_link_out out;
    handshake(t, WIRE);
    put_stream(t, p, n);
    enum mt_err err = feed(t, L, WIRE, &out);
    if (!err)
        assert_int_equal(out.got, MT_LINK_NOTHING);
    return err;
}

static void declared_lengths_stop_at_the_cap(void **state) {
    struct two *t = *state;
    uint8_t len[4];
    mt_be32(len, MT_MESSAGE_MAX);
    assert_int_equal(stream(t, len, 4), MT_OK);
    mt_be32(len, MT_MESSAGE_MAX + 1);
    assert_int_equal(stream(t, len, 4), MT_ETOOLONG);
    mt_be32(len, UINT32_MAX);
    assert_int_equal(stream(t, len, 4), MT_ETOOLONG);
    mt_be32(len, 0);
    assert_int_equal(stream(t, len, 4), MT_ETOOLONG);
    assert_int_equal(stream(t, len, 0), MT_OK); /* an empty frame says nothing */
}

static void a_length_may_be_cut_anywhere(void **state) {
    struct two *t = *state;
    static const uint8_t TWO[] = {0, 0, 0, 2, 'a', 'b', 0, 0, 0, 1, 'c'};
    for (size_t cut = 0; cut <= sizeof TWO; cut++) {
        handshake(t, WIRE);
        put_stream(t, TWO, cut);
        put_stream(t, TWO + cut, sizeof TWO - cut);
        take(t, L, WIRE, mt_slice_str("ab"));
        size_t used;
        struct mt_link_out out;
        if (t->n) {
            take(t, L, WIRE, mt_slice_str("c"));
        } else {
            assert_int_equal(mt_link_feed(&t->l[L], mt_slice("", 0), &used, &out), MT_OK);
            assert_int_equal(out.got, MT_LINK_MESSAGE);
            assert_true(out.n == 1 && out.message[0] == 'c');
            free(out.message);
        }
    }
}

static void half_a_message_is_freed_with_the_link(void **state) {
    struct two *t = *state;
    struct mt_link_out out;
    uint8_t *m = calloc(1, 200000);
    assert_non_null(m);
    handshake(t, WIRE);
    put(t, D, mt_slice(m, 200000));
    t->n -= 10;
    assert_int_equal(feed(t, L, WIRE, &out), MT_OK);
    assert_int_equal(out.got, MT_LINK_NOTHING);
    assert_non_null(t->l[L].message);
    mt_link_close(&t->l[L]);
    mt_link_close(&t->l[L]);
    assert_int_equal(t->l[L].state, MT_LINK_IDLE);
    free(m);
}

static void a_stranger_fails_at_the_first_message(void **state) {
    struct two *t = *state;
    struct mt_link_out out;
    uint8_t other[32] = {1};
    again(t);
    assert_int_equal(feed(t, L, WIRE, &out), MT_OK);
    assert_int_equal(out.got, MT_LINK_HINT);
    assert_false(mt_link_try(&t->l[L], &t->region, other));
    assert_false(mt_link_try(&t->l[L], NULL, t->psk)); /* an invitation's hint is another */
    assert_int_equal(answer(t, other), MT_EPSK);
    assert_int_equal(t->l[L].state, MT_LINK_FAILED);
    assert_int_equal(t->n, 0);
    /* A low-order key in message 1 is not even multiplied with. */
    again(t);
    memset(t->wire + 2 + MT_HINT_SIZE, 0, 32);
    assert_int_equal(feed(t, L, WIRE, &out), MT_OK);
    assert_false(mt_link_try(&t->l[L], &t->region, t->psk));
    assert_int_equal(answer(t, t->psk), MT_EPSK);
    /* Another region's prologue. */
    again(t);
    assert_int_equal(feed(t, L, WIRE, &out), MT_OK);
    t->region.b[0] ^= 1;
    assert_int_equal(answer(t, t->psk), MT_EPSK);
}

static void each_changed_byte_ends_the_handshake(void **state) {
    struct two *t = *state;
    struct mt_link_out out;
    size_t size[3] = {0};
    for (int message = 0; message < 3; message++)
        for (size_t i = 0; i == 0 || i < size[message]; i++) {
            again(t);
            size[0] = t->n;
            if (message == 0)
                t->wire[i] ^= 1;
            enum mt_err err = feed(t, L, WIRE, &out);
            bool hinted =
                !err && out.got == MT_LINK_HINT && mt_link_try(&t->l[L], &t->region, t->psk);
            if (message == 0) {
                assert_false(hinted && i < 2 + MT_HINT_SIZE);
                if (!err && out.got == MT_LINK_HINT)
                    assert_int_equal(answer(t, t->psk), i < 18 ? MT_OK : MT_EPSK);
                continue;
            }
            assert_true(hinted);
            assert_int_equal(answer(t, t->psk), MT_OK);
            size[1] = t->n;
            if (message == 1)
                t->wire[i] ^= 1;
            err = feed(t, D, WIRE, &out);
            if (message == 1) {
                assert_true(err || out.got == MT_LINK_NOTHING);
                continue;
            }
            assert_int_equal(err, MT_OK);
            assert_int_equal(finish(t), MT_OK);
            size[2] = t->n;
            t->wire[i] ^= 1;
            err = feed(t, L, WIRE, &out);
            assert_true(err || out.got == MT_LINK_NOTHING);
        }
    assert_int_equal(size[0], 2 + 16 + 32 + 16);
}

static void each_changed_byte_ends_the_stream(void **state) {
    struct two *t = *state;
    struct mt_link_out out;
    size_t size = 1;
    for (size_t i = 0; i < size; i++) {
        handshake(t, WIRE);
        put(t, D, mt_slice_str("a message"));
        size = t->n;
        t->wire[i] ^= 1;
        enum mt_err err = feed(t, L, WIRE, &out);
        assert_true(err || out.got == MT_LINK_NOTHING);
        size_t used;
        if (err) /* it sticks */
            assert_int_equal(mt_link_feed(&t->l[L], mt_slice(t->wire, 40), &used, &out),
                             MT_EPROTOCOL);
    }
}

static enum mt_err feed_length(struct two *t, int to, size_t n) {
    struct mt_link_out out;
    mt_be16(t->wire, (uint16_t)n);
    t->n = 2;
    return feed(t, to, WIRE, &out);
}

static void frames_stop_at_the_cap_of_their_state(void **state) {
    struct two *t = *state;
    static const size_t BAD[] = {0, 15, 16, 63, 65, 2048, 65535};
    struct mt_link_out out;
    for (size_t i = 0; i < MT_ARRAY_LEN(BAD); i++) {
        again(t);
        assert_int_equal(feed_length(t, L, BAD[i]), MT_ETOOLONG);
    }
    again(t);
    assert_int_equal(feed_length(t, L, 64), MT_OK);
    again(t);
    assert_int_equal(feed_length(t, D, MT_HANDSHAKE_FRAME_MAX), MT_OK);
    again(t);
    assert_int_equal(feed_length(t, D, MT_HANDSHAKE_FRAME_MAX + 1), MT_ETOOLONG);
    again(t);
    assert_int_equal(feed_length(t, D, MT_NOISE_TAG - 1), MT_ETOOLONG);
    handshake(t, WIRE);
    assert_int_equal(feed_length(t, L, MT_NOISE_MESSAGE_MAX), MT_OK);
    handshake(t, WIRE);
    assert_int_equal(feed_length(t, L, MT_NOISE_TAG - 1), MT_ETOOLONG);
    again(t); /* bytes beyond message 1 wait for the answer */
    memcpy(t->wire + t->n, "more", 4);
    t->n += 4;
    assert_int_equal(feed(t, L, WIRE, &out), MT_OK);
    assert_true(out.got == MT_LINK_HINT && t->n == 4);
    size_t used;
    assert_int_equal(mt_link_feed(&t->l[L], mt_slice(t->wire, 4), &used, &out), MT_OK);
    assert_true(used == 0 && out.got == MT_LINK_NOTHING);
}

static void nothing_is_sealed_before_the_link_is_open(void **state) {
    struct two *t = *state;
    uint8_t buf[64], more[64];
    struct mt_link_out out;
    size_t used;
    struct mt_writer w = mt_writer(buf, sizeof buf);
    assert_int_equal(mt_link_seal(&t->l[D], mt_slice_str("x"), &w), MT_ESTATE);
    assert_int_equal(mt_link_feed(&t->l[D], mt_slice(memset(more, 0, 64), 64), &used, &out),
                     MT_ETOOLONG);
    again(t);
    assert_int_equal(mt_link_seal(&t->l[D], mt_slice_str("x"), &w), MT_ESTATE);
    assert_int_equal(mt_link_seal(&t->l[L], mt_slice_str("x"), &w), MT_ESTATE);
    assert_int_equal(w.n, 0);
    w = mt_writer(buf, 10);
    assert_int_equal(mt_link_dial(&t->l[L], t->region.b, NULL, t->psk, &t->key[D], t->e[D], &w),
                     MT_ETOOLONG);
}

/* Both ends change keys after 65,536 messages and stay in step. */
static void keys_change_in_step(void **state) {
    struct two *t = *state;
    handshake(t, WIRE);
    for (uint32_t i = 0; i < MT_NOISE_REKEY_AFTER + 3; i++) {
        put(t, D, mt_slice(&i, sizeof i));
        take(t, L, WIRE, mt_slice(&i, sizeof i));
    }
}

static void frozen_handshake(void **state) {
    struct two *t = *state;
    uint8_t want[512], hint[16], hash[32];
    struct mt_link_out out;
    struct mt_dh_key e;
    json_t *root = vectors_load("meent/handshake.json");
    assert_bytes(mt_slice_str(PAYLOAD[D]),
                 vectors_bytes(root, "payload_initiator", want, sizeof want));
    assert_bytes(mt_slice_str(PAYLOAD[L]),
                 vectors_bytes(root, "payload_responder", want, sizeof want));
    mt_dh_key_make(t->e[D], &e);
    mt_link_hint(t->psk, &t->region, e.pub, hint);
    assert_bytes(mt_slice(hint, 16), vectors_bytes(root, "hint", want, sizeof want));
    mt_link_hint(t->psk, NULL, e.pub, hint);
    assert_bytes(mt_slice(hint, 16),
                 vectors_bytes(root, "hint_of_an_invitation", want, sizeof want));
    again(t);
    assert_bytes(mt_slice(t->wire, t->n), vectors_bytes(root, "frame1", want, sizeof want));
    assert_int_equal(feed(t, L, WIRE, &out), MT_OK);
    assert_int_equal(answer(t, t->psk), MT_OK);
    assert_bytes(mt_slice(t->wire, t->n), vectors_bytes(root, "frame2", want, sizeof want));
    assert_int_equal(feed(t, D, WIRE, &out), MT_OK);
    assert_int_equal(finish(t), MT_OK);
    assert_bytes(mt_slice(t->wire, t->n), vectors_bytes(root, "frame3", want, sizeof want));
    assert_int_equal(feed(t, L, WIRE, &out), MT_OK);
    struct mt_slice message = vectors_bytes(root, "message", want, sizeof want);
    put(t, D, message);
    assert_bytes(mt_slice(t->wire, t->n), vectors_bytes(root, "message_frame", want, sizeof want));
    uint8_t *m = malloc(70000);
    assert_non_null(m);
    for (size_t i = 0; i < 70000; i++)
        m[i] = (uint8_t)(i * 31);
    t->n = 0;
    put(t, L, mt_slice(m, 70000));
    crypto_generichash(hash, 32, t->wire, t->n, NULL, 0);
    assert_bytes(mt_slice(hash, 32), vectors_bytes(root, "long_frames_hash", want, sizeof want));
    free(m);
    json_decref(root);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_two, close_two)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(bytes_may_come_in_any_pieces),
        TEST(whoever_speaks_first_opens_the_link),
        TEST(lengths_around_every_border_come_through),
        TEST(declared_lengths_stop_at_the_cap),
        TEST(a_length_may_be_cut_anywhere),
        TEST(half_a_message_is_freed_with_the_link),
        TEST(a_stranger_fails_at_the_first_message),
        TEST(each_changed_byte_ends_the_handshake),
        TEST(each_changed_byte_ends_the_stream),
        TEST(frames_stop_at_the_cap_of_their_state),
        TEST(nothing_is_sealed_before_the_link_is_open),
        TEST(keys_change_in_step),
        TEST(frozen_handshake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
