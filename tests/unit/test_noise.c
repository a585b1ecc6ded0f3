/* Handshake and transport: who lacks a key or changes a byte gets nothing. */
#include "noise.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium.h>

enum { I, R, BUF = 512 };

struct session {
    struct mt_noise n[2];
    struct mt_noise_cipher tx[2], rx[2];
    struct mt_dh_key s[2];
    uint8_t buf[BUF]; /* the message under way */
    size_t len;
};

static const uint8_t PSK[32] = {42}, OTHER_PSK[32] = {43};
static const char *const NAMES[] = {"XX", "XXpsk0", "XXpsk3", "IK", "IKpsk2", "NNpsk0"};

static void start(struct session *x, const char *name) {
    const struct mt_noise_pattern *pattern = mt_noise_pattern(name);
    assert_non_null(pattern);
    for (int i = 0; i < 2; i++) {
        uint8_t secret[32] = {(uint8_t)(1 + i)};
        mt_dh_key_make(secret, &x->s[i]);
    }
    for (int i = 0; i < 2; i++) {
        uint8_t e[32] = {(uint8_t)(11 + i)};
        assert_int_equal(mt_noise_init(&x->n[i], pattern, i == I, mt_slice_str("prologue"),
                                       &x->s[i], e, i == I ? x->s[R].pub : NULL),
                         MT_OK);
        mt_noise_set_psk(&x->n[i], PSK);
    }
}

static void write_next(struct session *x, const char *payload) {
    struct mt_writer w = mt_writer(x->buf, BUF);
    int from = x->n[I].message % 2 == 0 ? I : R;
    assert_int_equal(mt_noise_write(&x->n[from], mt_slice_str(payload), &w), MT_OK);
    x->len = w.n;
}

static enum mt_err read_into(struct mt_noise *n, const uint8_t *p, size_t len, const char *want) {
    uint8_t got[BUF];
    struct mt_writer w = mt_writer(got, sizeof got);
    enum mt_err err = mt_noise_read(n, mt_slice(p, len), &w);
    if (err == MT_OK)
        assert_true(mt_slice_is(mt_writer_slice(&w), want));
    else
        assert_int_equal(w.n, 0);
    return err;
}

/* Message number `n->message` of the one who has it still to read. */
static struct mt_noise *reader_of(struct session *x) {
    return x->n[I].message < x->n[R].message ? &x->n[I] : &x->n[R];
}

static void exchange(struct session *x) {
    write_next(x, "hello");
    assert_int_equal(read_into(reader_of(x), x->buf, x->len, "hello"), MT_OK);
}

static void establish(struct session *x, const char *name) {
    start(x, name);
    while (!mt_noise_done(&x->n[I]))
        exchange(x);
    assert_true(mt_noise_done(&x->n[R]));
    for (int i = 0; i < 2; i++)
        assert_int_equal(mt_noise_split(&x->n[i], &x->tx[i], &x->rx[i]), MT_OK);
}

static void every_pattern_ends_in_one_session(void **state) {
    (void)state;
    for (size_t p = 0; p < MT_ARRAY_LEN(NAMES); p++) {
        struct session x;
        establish(&x, NAMES[p]);
        for (int from = 0; from < 2; from++) {
            uint8_t buf[32] = "one way";
            assert_int_equal(mt_noise_seal(&x.tx[from], mt_slice(buf, 7), buf), MT_OK);
            assert_memory_not_equal(buf, "one way", 7);
            assert_int_equal(mt_noise_open(&x.rx[!from], mt_slice(buf, 23), buf), MT_OK);
            assert_memory_equal(buf, "one way", 7);
        }
        assert_memory_not_equal(x.tx[I].key, x.tx[R].key, 32);
    }
    assert_null(mt_noise_pattern("XXpsk1"));
    assert_null(mt_noise_pattern(""));
}

static void static_keys_show_when_their_message_is_read(void **state) {
    struct session x;
    (void)state;
    start(&x, "XXpsk0");
    exchange(&x);
    assert_null(mt_noise_remote_static(&x.n[R]));
    exchange(&x);
    assert_memory_equal(mt_noise_remote_static(&x.n[I]), x.s[R].pub, 32);
    assert_null(mt_noise_remote_static(&x.n[R]));
    exchange(&x);
    assert_memory_equal(mt_noise_remote_static(&x.n[R]), x.s[I].pub, 32);
    start(&x, "IK");
    assert_memory_equal(mt_noise_remote_static(&x.n[I]), x.s[R].pub, 32);
    start(&x, "NNpsk0");
    exchange(&x);
    exchange(&x);
    assert_true(mt_noise_done(&x.n[I]));
    assert_null(mt_noise_remote_static(&x.n[I]));
    assert_null(mt_noise_remote_static(&x.n[R]));
}

static void a_stranger_fails_at_the_first_message(void **state) {
    struct session x;
    (void)state;
    start(&x, "XXpsk0");
    mt_noise_set_psk(&x.n[I], OTHER_PSK);
    write_next(&x, "");
    assert_int_equal(read_into(&x.n[R], x.buf, x.len, ""), MT_EDECRYPT);
    start(&x, "XXpsk0");
    write_next(&x, "");
    /* Were a Diffie-Hellman done before the psk is checked, this low-order key would say so. */
    memset(x.buf, 0, 32);
    assert_int_equal(read_into(&x.n[R], x.buf, x.len, ""), MT_EDECRYPT);
}

static void a_wrong_psk_or_prologue_fails_in_every_pattern(void **state) {
    (void)state;
    for (size_t p = 0; p < MT_ARRAY_LEN(NAMES); p++)
        for (int prologue = 0; prologue < 2; prologue++) {
            struct session x;
            enum mt_err err = MT_OK;
            start(&x, NAMES[p]);
            if (!prologue && !strstr(NAMES[p], "psk"))
                continue;
            if (prologue) {
                uint8_t e[32] = {12};
                assert_int_equal(mt_noise_init(&x.n[R], mt_noise_pattern(NAMES[p]), false,
                                               mt_slice_str("Prologue"), &x.s[R], e, NULL),
                                 MT_OK);
                mt_noise_set_psk(&x.n[R], PSK);
            } else {
                mt_noise_set_psk(&x.n[R], OTHER_PSK);
            }
            while (err == MT_OK && !mt_noise_done(&x.n[R])) {
                write_next(&x, "hello");
                err = read_into(reader_of(&x), x.buf, x.len, "hello");
            }
            assert_int_equal(err, MT_EDECRYPT);
        }
}

/* The payload in clear of the first messages of XX and XXpsk3 can be changed unseen, but then the
 * next message does not open. */
static void each_changed_byte_ends_the_handshake(void **state) {
    (void)state;
    for (size_t p = 0; p < MT_ARRAY_LEN(NAMES); p++) {
        struct session x;
        start(&x, NAMES[p]);
        while (!mt_noise_done(&x.n[I])) {
            write_next(&x, "hello");
            struct mt_noise *to = reader_of(&x);
            bool clear = x.n[I].message + x.n[R].message == 1 && NAMES[p][0] == 'X' &&
                         strcmp(NAMES[p], "XXpsk0") != 0;
            for (size_t i = 0; i < x.len && !clear; i++) {
                struct mt_noise copy = *to;
                x.buf[i] ^= 0x01;
                assert_int_equal(read_into(&copy, x.buf, x.len, "hello"), MT_EDECRYPT);
                x.buf[i] ^= 0x01;
                /* It sticks: even the right bytes come too late. */
                assert_int_equal(read_into(&copy, x.buf, x.len, "hello"), MT_EDECRYPT);
                assert_false(mt_noise_done(&copy));
                assert_null(mt_noise_remote_static(&copy));
            }
            assert_int_equal(read_into(to, x.buf, x.len, "hello"), MT_OK);
        }
    }
    struct session x;
    start(&x, "XX");
    write_next(&x, "hello");
    x.buf[x.len - 1] = 'O';
    assert_int_equal(read_into(&x.n[R], x.buf, x.len, "hellO"), MT_OK);
    write_next(&x, "");
    assert_int_equal(read_into(&x.n[I], x.buf, x.len, ""), MT_EDECRYPT);
}

static void each_shorter_or_longer_message_is_refused(void **state) {
    (void)state;
    for (size_t p = 0; p < MT_ARRAY_LEN(NAMES); p++) {
        struct session x;
        start(&x, NAMES[p]);
        while (!mt_noise_done(&x.n[I])) {
            write_next(&x, "");
            struct mt_noise *to = reader_of(&x);
            for (size_t len = 0; len < x.len; len++) {
                struct mt_noise copy = *to;
                enum mt_err err = read_into(&copy, x.buf, len, "");
                assert_true(err == MT_ETRUNCATED || err == MT_EDECRYPT);
                assert_true(len >= 32 || err == MT_ETRUNCATED);
            }
            if (to->has_key || x.len > 32) {
                struct mt_noise copy = *to;
                x.buf[x.len] = 0;
                assert_int_equal(read_into(&copy, x.buf, x.len + 1, ""), MT_EDECRYPT);
            }
            assert_int_equal(read_into(to, x.buf, x.len, ""), MT_OK);
        }
    }
}

static void low_order_keys_are_refused(void **state) {
    static const uint8_t zero[32];
    struct session x;
    (void)state;
    start(&x, "XX");
    assert_int_equal(read_into(&x.n[R], zero, sizeof zero, ""), MT_OK);
    struct mt_writer w = mt_writer(x.buf, BUF);
    assert_int_equal(mt_noise_write(&x.n[R], mt_slice_str(""), &w), MT_EVALUE);
    assert_int_equal(w.n, 0);
    assert_int_equal(mt_noise_write(&x.n[R], mt_slice_str(""), &w), MT_EVALUE);
    start(&x, "IK");
    memset(x.buf, 0, 96);
    assert_int_equal(read_into(&x.n[R], x.buf, 96, ""), MT_EVALUE);
}

static void misuse_is_our_bug(void **state) {
    struct session x;
    uint8_t e[32] = {1}, buf[BUF], hash[64];
    struct mt_writer w = mt_writer(buf, sizeof buf);
    const struct mt_noise_pattern *xx = mt_noise_pattern("XX"), *ik = mt_noise_pattern("IK");
    struct mt_slice none = mt_slice(NULL, 0);
    (void)state;
    start(&x, "XX");
    assert_int_equal(mt_noise_write(&x.n[R], none, &w), MT_EBUG); /* not its turn */
    assert_int_equal(read_into(&x.n[I], buf, 32, ""), MT_EBUG);
    start(&x, "XX");
    assert_int_equal(mt_noise_split(&x.n[I], &x.tx[I], &x.rx[I]), MT_EBUG); /* too early */
    assert_int_equal(mt_noise_write(&x.n[I], none, &w), MT_EBUG);           /* and wiped */
    mt_noise_hash(&x.n[I], hash);
    assert_memory_equal(hash, (uint8_t[64]){0}, 64);
    assert_false(mt_noise_done(&x.n[I]));
    assert_int_equal(mt_noise_init(&x.n[I], xx, true, none, NULL, e, NULL), MT_EBUG);
    assert_int_equal(mt_noise_init(&x.n[I], ik, true, none, &x.s[I], e, NULL), MT_EBUG);
    assert_int_equal(mt_noise_init(&x.n[I], NULL, true, none, &x.s[I], e, NULL), MT_EBUG);
    assert_int_equal(mt_noise_init(&x.n[I], mt_noise_pattern("NNpsk0"), true, none, NULL, e, NULL),
                     MT_OK);
    assert_int_equal(mt_noise_write(&x.n[I], none, &w), MT_EBUG); /* no psk */
    start(&x, "NNpsk0");
    exchange(&x);
    exchange(&x);
    assert_int_equal(mt_noise_write(&x.n[I], none, &w), MT_EBUG); /* done */
}

static void messages_are_held_to_their_caps(void **state) {
    static uint8_t big[MT_NOISE_MESSAGE_MAX + 1], out[MT_NOISE_MESSAGE_MAX + 64];
    struct session x;
    (void)state;
    for (size_t over = 0; over < 2; over++) {
        enum mt_err want = over ? MT_ETOOLONG : MT_OK;
        struct mt_writer w = mt_writer(out, sizeof out);
        start(&x, "XX");
        assert_int_equal(
            mt_noise_write(&x.n[I], mt_slice(big, MT_NOISE_MESSAGE_MAX - 32 + over), &w), want);
        assert_int_equal(w.n, over ? 0 : MT_NOISE_MESSAGE_MAX);
        start(&x, "XX");
        w = mt_writer(out, sizeof out);
        assert_int_equal(mt_noise_read(&x.n[R], mt_slice(big, MT_NOISE_MESSAGE_MAX + over), &w),
                         want);
        start(&x, "XX");
        w = mt_writer(out, 32 + 5 - over); /* what does not fit is not begun */
        assert_int_equal(mt_noise_write(&x.n[I], mt_slice_str("hello"), &w), want);
        establish(&x, "XX");
        assert_int_equal(
            mt_noise_seal(&x.tx[I], mt_slice(big, MT_NOISE_MESSAGE_MAX - MT_NOISE_TAG + over), out),
            want);
        if (!over)
            assert_int_equal(mt_noise_open(&x.rx[R], mt_slice(out, MT_NOISE_MESSAGE_MAX), out),
                             MT_OK);
    }
    for (size_t over = 0; over < 2; over++) { /* the same for what is read */
        start(&x, "XXpsk0");
        write_next(&x, "hello");
        struct mt_writer w = mt_writer(out, 5 - over);
        assert_int_equal(mt_noise_read(&x.n[R], mt_slice(x.buf, x.len), &w),
                         over ? MT_ETOOLONG : MT_OK);
        assert_int_equal(w.n, over ? 0 : 5);
    }
    establish(&x, "XX");
    assert_int_equal(mt_noise_open(&x.rx[R], mt_slice(big, sizeof big), out), MT_ETOOLONG);
    assert_int_equal(mt_noise_open(&x.rx[R], mt_slice(big, MT_NOISE_TAG - 1), out), MT_ETRUNCATED);
    assert_int_equal(mt_noise_seal(&x.tx[I], mt_slice(NULL, 0), out), MT_OK);
    assert_int_equal(mt_noise_open(&x.rx[R], mt_slice(out, MT_NOISE_TAG), out), MT_OK);
}

/* A message without payload is still proof of the keys: nothing may pass it by for lack of a
 * place to put nothing. */
static void empty_payloads_are_checked_too(void **state) {
    struct session x;
    (void)state;
    start(&x, "XXpsk0");
    write_next(&x, "");
    x.buf[x.len - 1] ^= 1;
    struct mt_writer nowhere = mt_writer(NULL, 0);
    assert_int_equal(mt_noise_read(&x.n[R], mt_slice(x.buf, x.len), &nowhere), MT_EDECRYPT);
    start(&x, "XXpsk0");
    write_next(&x, "");
    nowhere = mt_writer(NULL, 0);
    assert_int_equal(mt_noise_read(&x.n[R], mt_slice(x.buf, x.len), &nowhere), MT_OK);
    assert_int_equal(x.n[R].message, 1);
}

static void transport_takes_no_changed_repeated_or_reordered_message(void **state) {
    struct session x;
    uint8_t a[23], b[23], out[23], zero[7] = {0};
    (void)state;
    establish(&x, "XXpsk0");
    assert_int_equal(mt_noise_seal(&x.tx[I], mt_slice("message", 7), a), MT_OK);
    assert_int_equal(mt_noise_seal(&x.tx[I], mt_slice("another", 7), b), MT_OK);
    for (size_t i = 0; i < sizeof a; i++) {
        a[i] ^= 0x10;
        assert_int_equal(mt_noise_open(&x.rx[R], mt_slice(a, sizeof a), out), MT_EDECRYPT);
        assert_memory_equal(out, zero, 7);
        a[i] ^= 0x10;
    }
    assert_int_equal(mt_noise_open(&x.rx[R], mt_slice(a, sizeof a - 1), out), MT_EDECRYPT);
    assert_int_equal(mt_noise_open(&x.rx[R], mt_slice(b, sizeof b), out), MT_EDECRYPT);
    assert_int_equal(mt_noise_open(&x.rx[I], mt_slice(a, sizeof a), out), MT_EDECRYPT);
    assert_int_equal(mt_noise_open(&x.rx[R], mt_slice(a, sizeof a), out), MT_OK);
    assert_memory_equal(out, "message", 7);
    assert_int_equal(mt_noise_open(&x.rx[R], mt_slice(a, sizeof a), out), MT_EDECRYPT);
    assert_int_equal(mt_noise_open(&x.rx[R], mt_slice(b, sizeof b), out), MT_OK);
    assert_memory_equal(out, "another", 7);
}

/* Rekey() as the specification words it, done here by hand. */
static void rekeyed(uint8_t out[32], const uint8_t key[32]) {
    static const uint8_t nonce[12] = {0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255};
    uint8_t zero[32] = {0}, sealed[48];
    crypto_aead_chacha20poly1305_ietf_encrypt(sealed, NULL, zero, 32, NULL, 0, NULL, nonce, key);
    memcpy(out, sealed, 32);
}

static void keys_change_after_65536_messages_in_each_direction(void **state) {
    struct session x;
    uint8_t first[2][32], second[2][32], third[2][32], buf[17], nonce[12] = {0};
    (void)state;
    establish(&x, "XXpsk0");
    for (int d = 0; d < 2; d++) {
        memcpy(first[d], x.tx[d].key, 32);
        rekeyed(second[d], first[d]);
        rekeyed(third[d], second[d]);
    }
    for (uint64_t i = 0; i < 2 * MT_NOISE_REKEY_AFTER + 2; i++)
        for (int d = 0; d < 2; d++) {
            const uint8_t *key = i < 65536 ? first[d] : i < 131072 ? second[d] : third[d];
            assert_true(x.tx[d].n == i);
            if (i % 65536 < 2 || i % 65536 > 65533)
                assert_memory_equal(x.tx[d].key, key, 32);
            buf[0] = (uint8_t)i;
            assert_int_equal(mt_noise_seal(&x.tx[d], mt_slice(buf, 1), buf), MT_OK);
            if (i == 65536) { /* the first one after: new key, and the nonce goes on */
                uint8_t plain[1];
                nonce[6] = 1;
                assert_int_equal(crypto_aead_chacha20poly1305_ietf_decrypt(
                                     plain, NULL, NULL, buf, 17, NULL, 0, nonce, second[d]),
                                 0);
            }
            assert_int_equal(mt_noise_open(&x.rx[!d], mt_slice(buf, 17), buf), MT_OK);
            assert_int_equal(buf[0], (uint8_t)i);
        }
    x.tx[I].n = x.rx[R].n = UINT64_MAX; /* kept for Rekey() */
    assert_int_equal(mt_noise_seal(&x.tx[I], mt_slice(buf, 1), buf), MT_EBUG);
    assert_int_equal(mt_noise_open(&x.rx[R], mt_slice(buf, 17), buf), MT_EBUG);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pattern_ends_in_one_session),
        cmocka_unit_test(static_keys_show_when_their_message_is_read),
        cmocka_unit_test(a_stranger_fails_at_the_first_message),
        cmocka_unit_test(a_wrong_psk_or_prologue_fails_in_every_pattern),
        cmocka_unit_test(each_changed_byte_ends_the_handshake),
        cmocka_unit_test(each_shorter_or_longer_message_is_refused),
        cmocka_unit_test(low_order_keys_are_refused),
        cmocka_unit_test(misuse_is_our_bug),
        cmocka_unit_test(messages_are_held_to_their_caps),
        cmocka_unit_test(empty_payloads_are_checked_too),
        cmocka_unit_test(transport_takes_no_changed_repeated_or_reordered_message),
        cmocka_unit_test(keys_change_after_65536_messages_in_each_direction),
    };
    if (mt_key_init() != MT_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
