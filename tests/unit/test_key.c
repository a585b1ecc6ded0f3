/* Hashes, derivation, signatures: one use is never valid for another. */
#include "key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium.h>

static struct mt_id filled(uint8_t b) {
    struct mt_id id;
    memset(id.b, b, sizeof id.b);
    return id;
}

static void hash_is_blake2b_of_domain_region_and_bytes(void **state) {
    struct mt_id region = filled(7);
    uint8_t text[9 + 4 + 32 + 2], got[32], want[64], got512[64];
    struct mt_hash h;
    (void)state;
    memcpy(text, "meent/v1/use", 13); /* with its NUL */
    memcpy(text + 13, region.b, 32);
    memcpy(text + 45, "xy", 2);
    mt_hash_of(got, "use", &region, "xy", 2);
    crypto_generichash(want, 32, text, sizeof text, NULL, 0);
    assert_memory_equal(got, want, 32);
    mt_hash512_init(&h, "use", &region);
    mt_hash_add(&h, "xy", 2);
    mt_hash512_end(&h, got512);
    crypto_generichash(want, 64, text, sizeof text, NULL, 0);
    assert_memory_equal(got512, want, 64);
    memset(text + 13, 0, 32); /* no region: zeros */
    mt_hash_of(got, "use", NULL, "xy", 2);
    crypto_generichash(want, 32, text, sizeof text, NULL, 0);
    assert_memory_equal(got, want, 32);
    uint8_t key[32] = {9};
    mt_kdf(got, key, "use", NULL, "xy", 2);
    crypto_generichash(want, 32, text, sizeof text, key, 32);
    assert_memory_equal(got, want, 32);
}

static void each_use_region_and_key_hashes_differently(void **state) {
    struct mt_id a = filled(1), b = filled(2);
    uint8_t h[7][32];
    (void)state;
    mt_hash_of(h[0], "entry", &a, "x", 1);
    mt_hash_of(h[1], "entry", &b, "x", 1);
    mt_hash_of(h[2], "entr", &a, "yx", 2);
    mt_hash_of(h[3], "head", &a, "x", 1);
    mt_kdf(h[4], a.b, "entry", &a, "x", 1);
    mt_kdf(h[5], b.b, "entry", &a, "x", 1);
    mt_hash_of(h[6], "entry", NULL, "x", 1);
    for (int i = 0; i < 7; i++)
        for (int j = 0; j < i; j++)
            assert_memory_not_equal(h[i], h[j], 32);
}

static void pieces_and_numbers_add_up(void **state) {
    struct mt_id id = filled(3);
    uint8_t all[40], want[32], got[32];
    struct mt_hash h;
    (void)state;
    memcpy(all, id.b, 32);
    mt_be64(all + 32, 258);
    mt_hash_of(want, "sum", NULL, all, sizeof all);
    mt_hash_init(&h, "sum", NULL);
    mt_hash_add_id(&h, &id);
    mt_hash_add(&h, NULL, 0);
    mt_hash_add_u64(&h, 258);
    mt_hash_end(&h, got);
    assert_memory_equal(got, want, 32);
    static const struct mt_hash zero;
    assert_memory_equal(&h, &zero, sizeof h); /* the state is wiped */
}

static void a_seed_gives_two_unrelated_keys(void **state) {
    uint8_t seed[32] = {1}, root[32], grant[32], want[32];
    (void)state;
    mt_key_derive(seed, 1, root);
    mt_key_derive(seed, 2, grant);
    assert_memory_not_equal(root, grant, 32);
    crypto_kdf_derive_from_key(want, 32, 1, "meentkdf", seed);
    assert_memory_equal(root, want, 32);
}

static void a_signature_holds_for_its_use_region_key_and_bytes_only(void **state) {
    uint8_t seed[32] = {5}, other_seed[32] = {6}, sig[64], msg[MT_SIGNED_MAX] = {1, 2, 3};
    struct mt_id region = filled(1), elsewhere = filled(2);
    struct mt_sign_key key, other;
    (void)state;
    mt_sign_key_make(seed, &key);
    mt_sign_key_make(other_seed, &other);
    mt_sign(&key, "head", &region, msg, sizeof msg, sig);
    assert_int_equal(mt_verify(&key.pub, "head", &region, msg, sizeof msg, sig), MT_OK);
    assert_int_equal(mt_verify(&key.pub, "heaD", &region, msg, sizeof msg, sig), MT_ESIGNATURE);
    assert_int_equal(mt_verify(&key.pub, "head", &elsewhere, msg, sizeof msg, sig), MT_ESIGNATURE);
    assert_int_equal(mt_verify(&key.pub, "head", NULL, msg, sizeof msg, sig), MT_ESIGNATURE);
    assert_int_equal(mt_verify(&other.pub, "head", &region, msg, sizeof msg, sig), MT_ESIGNATURE);
    assert_int_equal(mt_verify(&key.pub, "head", &region, msg, sizeof msg - 1, sig), MT_ESIGNATURE);
    for (size_t i = 0; i < sizeof msg; i++) {
        msg[i] ^= 1;
        assert_int_equal(mt_verify(&key.pub, "head", &region, msg, sizeof msg, sig), MT_ESIGNATURE);
        msg[i] ^= 1;
    }
    for (size_t i = 0; i < sizeof sig; i++) {
        sig[i] ^= 0x80;
        assert_int_equal(mt_verify(&key.pub, "head", &region, msg, sizeof msg, sig), MT_ESIGNATURE);
        sig[i] ^= 0x80;
    }
    assert_int_equal(mt_verify(&key.pub, "head", &region, msg, sizeof msg, sig), MT_OK);
}

static void what_is_signed_starts_with_its_domain(void **state) {
    uint8_t seed[32] = {5}, sig[64], want[64], text[9 + 5 + 32 + 2];
    struct mt_id region = filled(1);
    struct mt_sign_key key;
    (void)state;
    mt_sign_key_make(seed, &key);
    memcpy(text, "meent/v1/head", 14);
    memcpy(text + 14, region.b, 32);
    memcpy(text + 46, "xy", 2);
    crypto_sign_detached(want, NULL, text, sizeof text, key.secret);
    mt_sign(&key, "head", &region, "xy", 2, sig);
    assert_memory_equal(sig, want, 64);
}

static void both_sides_agree_on_a_secret_and_refuse_low_order_keys(void **state) {
    uint8_t a_secret[32] = {1}, b_secret[32] = {2}, ab[32], ba[32], zero[32] = {0};
    struct mt_dh_key a, b;
    (void)state;
    mt_dh_key_make(a_secret, &a);
    mt_dh_key_make(b_secret, &b);
    assert_int_equal(mt_dh(a.secret, b.pub, ab), MT_OK);
    assert_int_equal(mt_dh(b.secret, a.pub, ba), MT_OK);
    assert_memory_equal(ab, ba, 32);
    assert_memory_not_equal(ab, zero, 32);
    assert_int_equal(mt_dh(a.secret, zero, ab), MT_EVALUE);
    assert_memory_equal(ab, zero, 32);
    uint8_t one[32] = {1};
    assert_int_equal(mt_dh(a.secret, one, ab), MT_EVALUE);
    uint8_t in_place[32];
    memcpy(in_place, b.pub, 32);
    assert_int_equal(mt_dh(a.secret, in_place, in_place), MT_OK);
    assert_memory_equal(in_place, ba, 32);
}

static void random_bytes_are_one_stream_per_seed(void **state) {
    uint8_t seed[32] = {1}, other[32] = {2}, whole[100], parts[100], more[100];
    struct mt_rng rng;
    size_t at = 0;
    (void)state;
    mt_rng_init(&rng, seed);
    mt_rng_draw(&rng, whole, sizeof whole);
    mt_rng_init(&rng, seed);
    for (size_t n = 1; at < sizeof parts; n++) {
        size_t take = n < sizeof parts - at ? n : sizeof parts - at;
        mt_rng_draw(&rng, parts + at, take);
        at += take;
    }
    assert_memory_equal(parts, whole, sizeof whole);
    mt_rng_draw(&rng, more, sizeof more);
    assert_memory_not_equal(more, whole, sizeof whole);
    mt_rng_init(&rng, other);
    mt_rng_draw(&rng, more, sizeof more);
    assert_memory_not_equal(more, whole, sizeof whole);
    for (size_t i = 32; i + 32 <= sizeof whole; i += 32) /* no block comes back */
        assert_memory_not_equal(whole, whole + i, 32);
}

static void secret_memory_starts_zeroed(void **state) {
    static const uint8_t zero[100];
    (void)state;
    uint8_t *p = mt_secret_new(sizeof zero);
    assert_non_null(p);
    assert_memory_equal(p, zero, sizeof zero);
    p[99] = 1;
    assert_true(mt_equal_secret(p, zero, 99));
    assert_false(mt_equal_secret(p, zero, 100));
    mt_wipe(p, 100);
    assert_true(mt_equal_secret(p, zero, 100));
    mt_secret_free(p);
    mt_secret_free(NULL);
}

static void hex_goes_both_ways_and_is_exact(void **state) {
    uint8_t bytes[3] = {0x00, 0x9a, 0xff}, back[3];
    char text[7];
    (void)state;
    mt_hex(text, bytes, sizeof bytes);
    assert_string_equal(text, "009aff");
    assert_int_equal(mt_unhex(back, 3, mt_slice_str("009AfF")), MT_OK);
    assert_memory_equal(back, bytes, 3);
    static const char *const bad[] = {"",       "009af",  "009aff0", "009aff00",
                                      "009afg", " 09aff", "0x9aff",  "00:9af"};
    for (size_t i = 0; i < MT_ARRAY_LEN(bad); i++)
        assert_int_equal(mt_unhex(back, 3, mt_slice_str(bad[i])), MT_EVALUE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hash_is_blake2b_of_domain_region_and_bytes),
        cmocka_unit_test(each_use_region_and_key_hashes_differently),
        cmocka_unit_test(pieces_and_numbers_add_up),
        cmocka_unit_test(a_seed_gives_two_unrelated_keys),
        cmocka_unit_test(a_signature_holds_for_its_use_region_key_and_bytes_only),
        cmocka_unit_test(what_is_signed_starts_with_its_domain),
        cmocka_unit_test(both_sides_agree_on_a_secret_and_refuse_low_order_keys),
        cmocka_unit_test(random_bytes_are_one_stream_per_seed),
        cmocka_unit_test(secret_memory_starts_zeroed),
        cmocka_unit_test(hex_goes_both_ways_and_is_exact),
    };
    if (mt_key_init() != MT_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
