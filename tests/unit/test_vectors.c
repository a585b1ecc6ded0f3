/* Public test vectors: what others computed must come out of our code too. */
#include "../lib/vectors.h"

#include "key.h"
#include "noise.h"
#include "wire.h"

#include <msgpack.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- Noise ---- */

enum { BUF = 1024 };

struct peer {
    struct mt_noise noise;
    struct mt_noise_cipher tx, rx;
};

/* One side of a vector; `side` is "init" or "resp". */
static void start_peer(struct peer *p, const json_t *v, const struct mt_noise_pattern *pattern,
                       bool initiator) {
    const char *side = initiator ? "init" : "resp";
    char key[32];
    uint8_t prologue[BUF], secret[32], e[32], rs[32], psk[32];
    struct mt_dh_key s;
    snprintf(key, sizeof key, "%s_static", side);
    bool has_s = json_object_get(v, key) != NULL;
    if (has_s) {
        vectors_fixed(v, key, secret, sizeof secret);
        mt_dh_key_make(secret, &s);
    }
    bool has_rs = initiator && json_object_get(v, "init_remote_static") != NULL;
    if (has_rs)
        vectors_fixed(v, "init_remote_static", rs, sizeof rs);
    snprintf(key, sizeof key, "%s_ephemeral", side);
    vectors_fixed(v, key, e, sizeof e);
    snprintf(key, sizeof key, "%s_prologue", side);
    struct mt_slice pro = vectors_bytes(v, key, prologue, sizeof prologue);
    assert_int_equal(
        mt_noise_init(&p->noise, pattern, initiator, pro, has_s ? &s : NULL, e, has_rs ? rs : NULL),
        MT_OK);
    snprintf(key, sizeof key, "%s_psks", side);
    const json_t *psks = json_object_get(v, key);
    if (json_array_size(psks) > 0) {
        assert_int_equal(json_array_size(psks), 1);
        assert_int_equal(vectors_unhex(json_array_get(psks, 0), psk, sizeof psk).n, sizeof psk);
        mt_noise_set_psk(&p->noise, psk);
    }
}

static void handshake_message(struct peer *from, struct peer *to, struct mt_slice payload,
                              struct mt_slice ciphertext) {
    uint8_t sent[BUF], got[BUF];
    struct mt_writer w = mt_writer(sent, sizeof sent);
    assert_int_equal(mt_noise_write(&from->noise, payload, &w), MT_OK);
    assert_bytes(mt_writer_slice(&w), ciphertext);
    w = mt_writer(got, sizeof got);
    assert_int_equal(mt_noise_read(&to->noise, ciphertext, &w), MT_OK);
    assert_bytes(mt_writer_slice(&w), payload);
}

static void transport_message(struct peer *from, struct peer *to, struct mt_slice payload,
                              struct mt_slice ciphertext) {
    uint8_t buf[BUF];
    assert_int_equal(mt_noise_seal(&from->tx, payload, buf), MT_OK);
    assert_bytes(mt_slice(buf, payload.n + MT_NOISE_TAG), ciphertext);
    assert_int_equal(mt_noise_open(&to->rx, ciphertext, buf), MT_OK);
    assert_bytes(mt_slice(buf, payload.n), payload);
}

/* Both agree, on the vector's value where it has one; each knows the other; then they split. */
static void finish(struct peer side[2], const json_t *v) {
    uint8_t want[64], got[64];
    mt_noise_hash(&side[0].noise, want);
    mt_noise_hash(&side[1].noise, got);
    assert_memory_equal(got, want, sizeof got);
    if (json_object_get(v, "handshake_hash")) {
        vectors_fixed(v, "handshake_hash", want, sizeof want);
        assert_memory_equal(got, want, sizeof got);
    }
    for (int i = 0; i < 2; i++) {
        const uint8_t *rs = mt_noise_remote_static(&side[i].noise);
        if (json_object_get(v, "resp_static"))
            assert_memory_equal(rs, side[!i].noise.s.pub, 32);
        else
            assert_null(rs);
    }
    for (int i = 0; i < 2; i++)
        assert_int_equal(mt_noise_split(&side[i].noise, &side[i].tx, &side[i].rx), MT_OK);
}

static void play(const json_t *v) {
    static const char prefix[] = "Noise_", suffix[] = "_25519_ChaChaPoly_BLAKE2b";
    const char *full = vectors_text(v, json_object_get(v, "name") ? "name" : "protocol_name");
    char name[16] = "";
    assert_memory_equal(full, prefix, sizeof prefix - 1);
    const char *tail = strstr(full, suffix);
    assert_true(tail && tail[sizeof suffix - 1] == '\0');
    size_t len = (size_t)(tail - full) - (sizeof prefix - 1);
    assert_true(len < sizeof name);
    memcpy(name, full + sizeof prefix - 1, len);
    const struct mt_noise_pattern *pattern = mt_noise_pattern(name);
    assert_non_null(pattern);

    struct peer side[2];
    start_peer(&side[0], v, pattern, true);
    start_peer(&side[1], v, pattern, false);
    const json_t *messages = vectors_get(v, "messages"), *m;
    size_t i, transported = 0;
    bool done = false;
    json_array_foreach(messages, i, m) {
        uint8_t a[BUF], b[BUF];
        struct mt_slice payload = vectors_bytes(m, "payload", a, sizeof a);
        struct mt_slice ciphertext = vectors_bytes(m, "ciphertext", b, sizeof b);
        size_t from = i % 2;
        if (json_object_get(m, "from"))
            from = vectors_text(m, "from")[0] == 'i' ? 0 : 1;
        if (!done)
            handshake_message(&side[from], &side[!from], payload, ciphertext);
        else
            transport_message(&side[from], &side[!from], payload, ciphertext);
        transported += done;
        assert_true(done || mt_noise_done(&side[0].noise) == mt_noise_done(&side[1].noise));
        if (!done && mt_noise_done(&side[0].noise)) {
            finish(side, v);
            done = true;
        }
    }
    assert_true(done && transported > 0);
}

static void noise_vectors(void **state) {
    static const char *const files[] = {"noise/cacophony.json", "noise/snow.json",
                                        "noise/noise-c-basic.json",
                                        "noise/noise-handshake-xxpsk0.json"};
    size_t played = 0;
    (void)state;
    for (size_t f = 0; f < MT_ARRAY_LEN(files); f++) {
        json_t *root = vectors_load(files[f]);
        const json_t *v;
        size_t i;
        json_array_foreach(vectors_get(root, "vectors"), i, v) {
            play(v);
            played++;
        }
        json_decref(root);
    }
    assert_int_equal(played, 11);
}

/* ---- MessagePack ---- */

static void check_value(struct mt_reader *r, const json_t *want);

static void check_map(struct mt_reader *r, const json_t *want) {
    const char *key;
    const json_t *value;
    assert_int_equal(mt_wire_map(r, 100), json_object_size(want));
    json_object_foreach((json_t *)(uintptr_t)want, key, value) {
        assert_true(mt_slice_is(mt_wire_str(r, 100), key));
        check_value(r, value);
    }
}

static void check_value(struct mt_reader *r, const json_t *want) {
    size_t i;
    const json_t *element;
    switch (json_typeof(want)) {
    case JSON_ARRAY:
        assert_int_equal(mt_wire_array(r, 0, 100), json_array_size(want));
        json_array_foreach(want, i, element) check_value(r, element);
        break;
    case JSON_OBJECT:
        check_map(r, want);
        break;
    case JSON_STRING:
        assert_true(mt_slice_is(mt_wire_str(r, 100), json_string_value(want)));
        break;
    case JSON_INTEGER:
        if (mt_wire_peek(r) == MT_WIRE_FLOAT)
            assert_true(mt_wire_float(r) == (double)json_integer_value(want));
        else
            assert_true(mt_wire_int(r) == json_integer_value(want));
        break;
    case JSON_REAL:
        assert_true(mt_wire_float(r) == json_real_value(want));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        assert_true(mt_wire_bool(r) == json_is_true(want));
        break;
    case JSON_NULL:
        mt_wire_nil(r);
        break;
    }
}

static void check_bignum(struct mt_reader *r, const char *want) {
    if (mt_wire_peek(r) == MT_WIRE_FLOAT)
        assert_true(mt_wire_float(r) == strtod(want, NULL));
    else if (want[0] == '-')
        assert_true(mt_wire_int(r) == strtoll(want, NULL, 10));
    else
        assert_true(mt_wire_uint(r, UINT64_MAX) == strtoull(want, NULL, 10));
}

static void check_timestamp(struct mt_slice s, const json_t *want) {
    int64_t seconds = 0;
    uint32_t nano = 0;
    if (s.n == 4) {
        seconds = mt_load32(s.p);
    } else if (s.n == 8) {
        nano = (uint32_t)(mt_load64(s.p) >> 34);
        seconds = (int64_t)(mt_load64(s.p) & 0x3ffffffff);
    } else {
        assert_int_equal(s.n, 12);
        nano = mt_load32(s.p);
        seconds = (int64_t)mt_load64(s.p + 4);
    }
    assert_true(seconds == json_integer_value(json_array_get(want, 0)));
    assert_true(nano == json_integer_value(json_array_get(want, 1)));
}

static void check_case(struct mt_reader *r, const json_t *c) {
    uint8_t buf[BUF];
    int8_t type;
    const json_t *v;
    if (json_object_get(c, "bignum")) {
        check_bignum(r, vectors_text(c, "bignum"));
    } else if (json_object_get(c, "binary")) {
        assert_bytes(mt_wire_bin(r, BUF), vectors_bytes(c, "binary", buf, sizeof buf));
    } else if ((v = json_object_get(c, "ext"))) {
        struct mt_slice got = mt_wire_ext(r, BUF, &type);
        assert_int_equal(type, json_integer_value(json_array_get(v, 0)));
        assert_bytes(got, vectors_unhex(json_array_get(v, 1), buf, sizeof buf));
    } else if ((v = json_object_get(c, "timestamp"))) {
        struct mt_slice got = mt_wire_ext(r, BUF, &type);
        assert_int_equal(type, -1);
        check_timestamp(got, v);
    } else {
        static const char *const kinds[] = {"nil", "bool", "number", "string", "array", "map"};
        for (size_t i = 0; i < MT_ARRAY_LEN(kinds); i++)
            if ((v = json_object_get(c, kinds[i]))) {
                check_value(r, v);
                return;
            }
        fail_msg("a case of no known kind");
    }
}

/* What msgpack-c makes of an encoding and writes again is one more witness: of what we accept as
 * canonical it keeps every byte. */
static void check_round_trip(struct mt_slice in) {
    msgpack_unpacked u;
    msgpack_sbuffer out;
    msgpack_packer pk;
    size_t at = 0;
    msgpack_unpacked_init(&u);
    assert_int_equal(msgpack_unpack_next(&u, (const char *)in.p, in.n, &at),
                     MSGPACK_UNPACK_SUCCESS);
    assert_int_equal(at, in.n);
    msgpack_sbuffer_init(&out);
    msgpack_packer_init(&pk, &out, msgpack_sbuffer_write);
    assert_int_equal(msgpack_pack_object(&pk, u.data), 0);
    assert_bytes(mt_slice(out.data, out.size), in);
    msgpack_sbuffer_destroy(&out);
    msgpack_unpacked_destroy(&u);
}

/* 2^63 - 1: the suite lists the signed form first. Both have nine bytes; ours is the unsigned one,
 * as for every number that is not negative. */
static size_t canonical_index(const json_t *c) {
    const json_t *big = json_object_get(c, "bignum");
    return big && strcmp(json_string_value(big), "9223372036854775807") == 0 ? 1 : 0;
}

static void msgpack_suite(void **state) {
    json_t *root = vectors_load("msgpack/msgpack-test-suite.json");
    const char *name;
    json_t *group, *c, *e;
    size_t i, j, cases = 0, encodings = 0;
    (void)state;
    json_object_foreach(root, name, group) json_array_foreach(group, i, c) {
        cases++;
        json_array_foreach(vectors_get(c, "msgpack"), j, e) {
            uint8_t buf[BUF];
            struct mt_slice in = vectors_unhex(e, buf, sizeof buf);
            struct mt_reader r;
            encodings++;
            assert_int_equal(mt_wire_open(&r, in, MT_WIRE_LENIENT, BUF), MT_OK);
            check_case(&r, c);
            assert_int_equal(mt_reader_end(&r), MT_OK);
            bool first = j == canonical_index(c);
            if (mt_wire_open(&r, in, MT_WIRE_CANONICAL, BUF) != (first ? MT_OK : MT_ECANONICAL))
                fail_msg("%s: %s", name, json_string_value(e));
            if (first)
                check_round_trip(in);
        }
    }
    assert_int_equal(cases, 85);
    assert_int_equal(encodings, 233);
    json_decref(root);
}

/* ---- Wycheproof and speccheck ---- */

typedef bool accepts(const json_t *group, const json_t *test);

/* Runs every test of a file; returns how many were accepted. */
static size_t run_file(const char *path, size_t expected_tests, accepts *run) {
    json_t *root = vectors_load(path);
    const json_t *g, *t;
    size_t i, j, tests = 0, accepted = 0;
    json_array_foreach(vectors_get(root, "testGroups"), i, g) {
        json_array_foreach(vectors_get(g, "tests"), j, t) {
            const char *result = vectors_text(t, "result");
            bool ok = run(g, t);
            tests++;
            accepted += ok;
            if (strcmp(result, "acceptable") != 0 && ok != (strcmp(result, "valid") == 0))
                fail_msg("%s: test %d", path, (int)vectors_uint(t, "tcId"));
        }
    }
    assert_int_equal(tests, expected_tests);
    json_decref(root);
    return accepted;
}

static bool has_flag(const json_t *t, const char *flag) {
    const json_t *f;
    size_t i;
    json_array_foreach(vectors_get(t, "flags"), i,
                       f) if (strcmp(json_string_value(f), flag) == 0) return true;
    return false;
}

static bool run_x25519(const json_t *g, const json_t *t) {
    uint8_t pub[32], secret[32], want[32], got[32];
    (void)g;
    vectors_fixed(t, "public", pub, 32);
    vectors_fixed(t, "private", secret, 32);
    vectors_fixed(t, "shared", want, 32);
    enum mt_err err = mt_dh(secret, pub, got);
    assert_memory_equal(got, want, 32);
    assert_int_equal(err, has_flag(t, "ZeroSharedSecret") ? MT_EVALUE : MT_OK);
    return err == MT_OK;
}

static void wycheproof_x25519(void **state) {
    (void)state;
    assert_int_equal(run_file("wycheproof/x25519_test.json", 518, run_x25519), 487);
}

/* Their messages have no domain in front, so this looks at the library below mt_verify. */
static bool run_ed25519(const json_t *g, const json_t *t) {
    uint8_t pub[32], msg[4096], sig[128];
    vectors_fixed(vectors_get(g, "publicKey"), "pk", pub, 32);
    struct mt_slice m = vectors_bytes(t, "msg", msg, sizeof msg);
    struct mt_slice s = vectors_bytes(t, "sig", sig, sizeof sig);
    return s.n == MT_SIGNATURE_SIZE && crypto_sign_verify_detached(sig, m.p, m.n, pub) == 0;
}

static void wycheproof_ed25519(void **state) {
    (void)state;
    assert_int_equal(run_file("wycheproof/ed25519_test.json", 151, run_ed25519), 88);
}

struct aead {
    uint8_t key[32], iv[64], aad[BUF], plain[BUF], sealed[BUF];
    struct mt_slice iv_s, aad_s, plain_s, sealed_s;
};

static void load_aead(struct aead *a, const json_t *t) {
    vectors_fixed(t, "key", a->key, sizeof a->key);
    a->iv_s = vectors_bytes(t, "iv", a->iv, sizeof a->iv);
    a->aad_s = vectors_bytes(t, "aad", a->aad, sizeof a->aad);
    a->plain_s = vectors_bytes(t, "msg", a->plain, sizeof a->plain);
    struct mt_slice ct = vectors_bytes(t, "ct", a->sealed, sizeof a->sealed);
    struct mt_slice tag = vectors_bytes(t, "tag", a->sealed + ct.n, sizeof a->sealed - ct.n);
    a->sealed_s = mt_slice(a->sealed, ct.n + tag.n);
}

static bool run_chacha(const json_t *g, const json_t *t) {
    struct aead a;
    uint8_t out[BUF];
    unsigned long long n;
    (void)g;
    load_aead(&a, t);
    if (a.iv_s.n != crypto_aead_chacha20poly1305_ietf_NPUBBYTES)
        return false;
    if (crypto_aead_chacha20poly1305_ietf_decrypt(out, &n, NULL, a.sealed, a.sealed_s.n, a.aad,
                                                  a.aad_s.n, a.iv, a.key) != 0)
        return false;
    assert_bytes(mt_slice(out, n), a.plain_s);
    crypto_aead_chacha20poly1305_ietf_encrypt(out, &n, a.plain, a.plain_s.n, a.aad, a.aad_s.n, NULL,
                                              a.iv, a.key);
    assert_bytes(mt_slice(out, n), a.sealed_s);
    return true;
}

static bool run_xchacha(const json_t *g, const json_t *t) {
    struct aead a;
    uint8_t out[BUF];
    unsigned long long n;
    (void)g;
    load_aead(&a, t);
    if (a.iv_s.n != crypto_aead_xchacha20poly1305_ietf_NPUBBYTES)
        return false;
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(out, &n, NULL, a.sealed, a.sealed_s.n, a.aad,
                                                   a.aad_s.n, a.iv, a.key) != 0)
        return false;
    assert_bytes(mt_slice(out, n), a.plain_s);
    crypto_aead_xchacha20poly1305_ietf_encrypt(out, &n, a.plain, a.plain_s.n, a.aad, a.aad_s.n,
                                               NULL, a.iv, a.key);
    assert_bytes(mt_slice(out, n), a.sealed_s);
    return true;
}

static void wycheproof_chacha20_poly1305(void **state) {
    (void)state;
    assert_int_equal(run_file("wycheproof/chacha20_poly1305_test.json", 325, run_chacha), 256);
    assert_int_equal(run_file("wycheproof/xchacha20_poly1305_test.json", 315, run_xchacha), 246);
}

/* Everybody must agree on which signatures count, so only the strict reading will do: of the twelve
 * border cases libsodium takes number 3 alone. */
static void ed25519_speccheck(void **state) {
    json_t *root = vectors_load("ed25519-speccheck/cases.json");
    const json_t *c;
    size_t i;
    (void)state;
    assert_int_equal(json_array_size(root), 12);
    json_array_foreach(root, i, c) {
        uint8_t pub[32], sig[64], msg[BUF];
        struct mt_slice m = vectors_bytes(c, "message", msg, sizeof msg);
        vectors_fixed(c, "pub_key", pub, sizeof pub);
        vectors_fixed(c, "signature", sig, sizeof sig);
        int rc = crypto_sign_verify_detached(sig, m.p, m.n, pub);
        assert_int_equal(rc, i == 3 ? 0 : -1);
    }
    json_decref(root);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(noise_vectors),
        cmocka_unit_test(msgpack_suite),
        cmocka_unit_test(wycheproof_x25519),
        cmocka_unit_test(wycheproof_ed25519),
        cmocka_unit_test(wycheproof_chacha20_poly1305),
        cmocka_unit_test(ed25519_speccheck),
    };
    if (mt_key_init() != MT_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
