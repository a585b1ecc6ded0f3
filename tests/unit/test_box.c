/* Boxes, seals and rows at rest: they open where they belong and nowhere else. */
#include "vectors.h"

#include "box.h"
#include "buf.h"

#include <sodium.h>
#include <stdlib.h>

static const uint8_t KEY[32] = {1, 2, 3};
static const uint8_t RANDOM[32] = {4, 5, 6};
static const struct mt_box_place PLACE = {
    .region = {{1}}, .chain = {{2}}, .seq = 3, .epoch = {{4}}};

enum { LARGEST = 258044 }; /* content of the largest box */

static struct mt_slice seal(uint8_t *buf, size_t cap, struct mt_slice content) {
    struct mt_writer w = mt_writer(buf, cap);
    assert_int_equal(mt_box_seal(KEY, &PLACE, RANDOM, content, &w), MT_OK);
    assert_int_equal(w.n, mt_box_size(content.n));
    return mt_writer_slice(&w);
}

static enum mt_err open_at(const struct mt_box_place *place, struct mt_slice box,
                           struct mt_slice *content, uint8_t *buf, size_t cap) {
    struct mt_writer w = mt_writer(buf, cap);
    enum mt_err err = mt_box_open(KEY, place, box, &w, content);
    if (err) { /* nothing is handed out on error */
        assert_int_equal(w.n, 0);
        assert_int_equal(content->n, 0);
    }
    return err;
}

static void content_of_every_size_comes_back(void **state) {
    (void)state;
    static uint8_t text[600], box[1024], plain[1024];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (uint8_t)(i * 7 + 1);
    for (size_t n = 0; n <= sizeof text; n++) {
        struct mt_slice content, b = seal(box, sizeof box, mt_slice(text, n));
        assert_int_equal(open_at(&PLACE, b, &content, plain, sizeof plain), MT_OK);
        assert_bytes(content, mt_slice(text, n));
    }
}

static void sizes_follow_padme(void **state) {
    (void)state;
    json_t *root = vectors_load("meent/entry.json"), *pair;
    size_t i;
    json_array_foreach(json_object_get(root, "box_sizes"), i, pair) {
        size_t n = (size_t)json_integer_value(json_array_get(pair, 0));
        assert_int_equal(mt_box_size(n), json_integer_value(json_array_get(pair, 1)));
    }
    assert_true(i > 10);
    json_decref(root);
    size_t last = 0;
    for (size_t n = 0; n <= LARGEST; n++) {
        size_t size = mt_box_size(n);
        assert_true(size >= last && size >= n + 4 + MT_BOX_OVERHEAD);
        assert_true(size <= MT_BOX_MAX);
        assert_true(n < 124 || (size - MT_BOX_OVERHEAD) * 100 <= (n + 4) * 112);
        last = size;
    }
    assert_int_equal(mt_box_size(LARGEST + 1), 0);
    assert_int_equal(mt_box_size(SIZE_MAX), 0);
    assert_int_equal(mt_box_size(SIZE_MAX - 3), 0);
}

static void the_largest_box_is_sealed_and_one_byte_more_is_not(void **state) {
    (void)state;
    uint8_t *text = calloc(1, LARGEST + 1), *box = malloc(MT_BOX_MAX + 1);
    uint8_t *plain = malloc(MT_BOX_MAX);
    assert_true(text && box && plain);
    memset(text, 'x', LARGEST + 1);
    struct mt_slice content, b = seal(box, MT_BOX_MAX, mt_slice(text, LARGEST));
    assert_int_equal(open_at(&PLACE, b, &content, plain, MT_BOX_MAX), MT_OK);
    assert_bytes(content, mt_slice(text, LARGEST));

    struct mt_writer w = mt_writer(box, MT_BOX_MAX);
    assert_int_equal(mt_box_seal(KEY, &PLACE, RANDOM, mt_slice(text, LARGEST + 1), &w),
                     MT_ETOOLONG);
    assert_int_equal(w.n, 0);
    w = mt_writer(box, mt_box_size(LARGEST) - 1);
    assert_int_equal(mt_box_seal(KEY, &PLACE, RANDOM, mt_slice(text, LARGEST), &w), MT_ETOOLONG);

    memset(box, 0, MT_BOX_MAX + 1);
    assert_int_equal(open_at(&PLACE, mt_slice(box, MT_BOX_MAX), &content, plain, MT_BOX_MAX),
                     MT_EDECRYPT);
    assert_int_equal(open_at(&PLACE, mt_slice(box, MT_BOX_MAX + 1), &content, plain, MT_BOX_MAX),
                     MT_ETOOLONG);
    free(text);
    free(box);
    free(plain);
}

static void a_change_of_any_byte_is_noticed(void **state) {
    (void)state;
    uint8_t box[512], plain[512];
    struct mt_slice content, b = seal(box, sizeof box, mt_slice_str("a placement"));
    for (size_t i = 0; i < b.n; i++) {
        box[i] ^= (uint8_t)(1 << i % 8);
        assert_int_equal(open_at(&PLACE, b, &content, plain, sizeof plain), MT_EDECRYPT);
        box[i] ^= (uint8_t)(1 << i % 8);
    }
    assert_int_equal(open_at(&PLACE, b, &content, plain, sizeof plain), MT_OK);
}

static void a_shorter_or_longer_box_does_not_open(void **state) {
    (void)state;
    uint8_t box[512] = {0}, plain[512];
    struct mt_slice content, b = seal(box, sizeof box, mt_slice_str("text"));
    assert_int_equal(b.n, 160);
    for (size_t n = 0; n < b.n; n++)
        assert_int_equal(open_at(&PLACE, mt_slice(box, n), &content, plain, sizeof plain),
                         MT_ETRUNCATED);
    assert_int_equal(open_at(&PLACE, mt_slice(box, b.n + 1), &content, plain, sizeof plain),
                     MT_EDECRYPT);
    assert_int_equal(open_at(&PLACE, b, &content, plain, 127), MT_ETOOLONG);
    assert_int_equal(open_at(&PLACE, b, &content, plain, 128), MT_OK);
}

static void a_box_opens_only_in_its_place(void **state) {
    (void)state;
    uint8_t box[512], plain[512];
    struct mt_slice content, b = seal(box, sizeof box, mt_slice_str("text"));
    struct mt_box_place other = PLACE;
    other.region.b[31] ^= 1;
    assert_int_equal(open_at(&other, b, &content, plain, sizeof plain), MT_EDECRYPT);
    other = PLACE;
    other.chain.b[31] ^= 1;
    assert_int_equal(open_at(&other, b, &content, plain, sizeof plain), MT_EDECRYPT);
    other = PLACE;
    other.seq++;
    assert_int_equal(open_at(&other, b, &content, plain, sizeof plain), MT_EDECRYPT);
    other = PLACE;
    other.epoch.b[31] ^= 1;
    assert_int_equal(open_at(&other, b, &content, plain, sizeof plain), MT_EDECRYPT);
    other = PLACE; /* two fields exchanged */
    other.chain = PLACE.region;
    other.region = PLACE.chain;
    assert_int_equal(open_at(&other, b, &content, plain, sizeof plain), MT_EDECRYPT);

    struct mt_writer w = mt_writer(plain, sizeof plain);
    assert_int_equal(mt_box_open(RANDOM, &PLACE, b, &w, &content), MT_EDECRYPT);
}

static void one_random_state_never_gives_two_texts_one_salt(void **state) {
    (void)state;
    uint8_t a[512], b[512], again[512];
    struct mt_slice first = seal(a, sizeof a, mt_slice_str("one"));
    (void)seal(b, sizeof b, mt_slice_str("two"));
    (void)seal(again, sizeof again, mt_slice_str("one"));
    assert_memory_not_equal(a, b, 16);
    assert_memory_equal(a, again, first.n);
    /* trailing zeros are content, not padding */
    (void)seal(b, sizeof b, mt_slice("one\0", 4));
    assert_memory_not_equal(a, b, 16);
}

/* Seals `padded` bytes of `text` as they are, the way only a faulty writer would. */
static struct mt_slice seal_raw(uint8_t *box, const uint8_t *text, size_t padded) {
    uint8_t key[32], ad[104] = {0}, salt[16] = {9};
    static const uint8_t nonce[12];
    struct mt_hash h;
    memcpy(ad, PLACE.region.b, 32);
    memcpy(ad + 32, PLACE.chain.b, 32);
    mt_be64(ad + 64, PLACE.seq);
    memcpy(ad + 72, PLACE.epoch.b, 32);
    mt_kdf_init(&h, KEY, "data", &PLACE.region);
    mt_hash_add(&h, ad + 32, 72);
    mt_hash_add(&h, salt, sizeof salt);
    mt_hash_end(&h, key);
    memcpy(box, salt, sizeof salt);
    crypto_aead_chacha20poly1305_ietf_encrypt(box + 16, NULL, text, padded, ad, sizeof ad, NULL,
                                              nonce, key);
    return mt_slice(box, padded + 32);
}

static enum mt_err open_raw(const uint8_t *text, size_t padded) {
    uint8_t box[1024], plain[1024];
    struct mt_slice content;
    return open_at(&PLACE, seal_raw(box, text, padded), &content, plain, sizeof plain);
}

static void padding_has_one_form(void **state) {
    (void)state;
    uint8_t text[512] = {0};
    mt_be32(text, 100);
    assert_int_equal(open_raw(text, 128), MT_OK);
    assert_int_equal(open_raw(text, 129), MT_ECANONICAL); /* no size of Padme */
    assert_int_equal(open_raw(text, 144), MT_ECANONICAL); /* one, but not of this content */
    for (size_t i = 104; i < 128; i++) {
        text[i] = 1;
        assert_int_equal(open_raw(text, 128), MT_ECANONICAL);
        text[i] = 0;
    }
    mt_be32(text, 124);
    assert_int_equal(open_raw(text, 128), MT_OK);
    mt_be32(text, 125);
    assert_int_equal(open_raw(text, 128), MT_ECANONICAL);
    assert_int_equal(open_raw(text, 144), MT_OK);
    mt_be32(text, UINT32_MAX);
    assert_int_equal(open_raw(text, 128), MT_ECANONICAL);
    mt_be32(text, UINT32_MAX - 3);
    assert_int_equal(open_raw(text, 128), MT_ECANONICAL);
}

static void a_seal_opens_for_its_recipient_only(void **state) {
    (void)state;
    const struct mt_id region = {{1}}, elsewhere = {{2}};
    const uint8_t secret[32] = {24}, other_secret[32] = {32}, ephemeral[32] = {40};
    struct mt_dh_key to, other;
    uint8_t sealed[MT_SEAL_SIZE], key[32];
    mt_dh_key_make(secret, &to);
    mt_dh_key_make(other_secret, &other);
    assert_int_equal(mt_seal_key(&region, to.pub, ephemeral, KEY, sealed), MT_OK);
    assert_int_equal(mt_seal_open(&region, &to, sealed, key), MT_OK);
    assert_memory_equal(key, KEY, 32);

    static const uint8_t zeros[32];
    assert_int_equal(mt_seal_open(&region, &other, sealed, key), MT_EDECRYPT);
    assert_memory_equal(key, zeros, 32);
    assert_int_equal(mt_seal_open(&elsewhere, &to, sealed, key), MT_EDECRYPT);
    assert_int_equal(mt_seal_open(NULL, &to, sealed, key), MT_EDECRYPT);
    for (size_t i = 0; i < sizeof sealed; i++) {
        sealed[i] ^= 1;
        assert_int_equal(mt_seal_open(&region, &to, sealed, key), MT_EDECRYPT);
        sealed[i] ^= 1;
    }
    sealed[31] ^= 0x80; /* the bit X25519 ignores */
    assert_int_equal(mt_seal_open(&region, &to, sealed, key), MT_EDECRYPT);
    assert_int_equal(mt_seal_key(&region, zeros, ephemeral, KEY, sealed), MT_EVALUE);
    memset(sealed, 0, 32);
    assert_int_equal(mt_seal_open(&region, &to, sealed, key), MT_EVALUE);
}

static enum mt_err rest_open(const char *label, struct mt_slice name, struct mt_slice sealed) {
    uint8_t buf[512];
    struct mt_writer w = mt_writer(buf, sizeof buf);
    enum mt_err err = mt_rest_open(KEY, label, name, sealed, &w);
    if (err)
        assert_int_equal(w.n, 0);
    return err;
}

static void a_row_at_rest_opens_only_in_its_place(void **state) {
    (void)state;
    uint8_t buf[512], plain[512];
    struct mt_slice name = mt_slice_str("row"), text = mt_slice_str("content of a row");
    struct mt_writer w = mt_writer(buf, sizeof buf), p = mt_writer(plain, sizeof plain);
    assert_int_equal(mt_rest_seal(KEY, "table", name, text, &w), MT_OK);
    struct mt_slice sealed = mt_writer_slice(&w);
    assert_int_equal(sealed.n, text.n + MT_REST_OVERHEAD);
    assert_int_equal(mt_rest_open(KEY, "table", name, sealed, &p), MT_OK);
    assert_bytes(mt_writer_slice(&p), text);
    assert_int_equal(rest_open("other", name, sealed), MT_EDECRYPT);
    assert_int_equal(rest_open("table", mt_slice_str("roe"), sealed), MT_EDECRYPT);
    assert_int_equal(rest_open("tabler", mt_slice_str("ow"), sealed), MT_EDECRYPT);
    p = mt_writer(plain, sizeof plain);
    assert_int_equal(mt_rest_open(RANDOM, "table", name, sealed, &p), MT_EDECRYPT);
    for (size_t i = 0; i < sealed.n; i++) {
        buf[i] ^= 1;
        assert_int_equal(rest_open("table", name, sealed), MT_EDECRYPT);
        buf[i] ^= 1;
    }
    for (size_t n = 0; n < sealed.n; n++)
        assert_int_equal(rest_open("table", name, mt_slice(buf, n)),
                         n < MT_REST_OVERHEAD ? MT_ETRUNCATED : MT_EDECRYPT);
}

static void names_at_rest_are_capped(void **state) {
    (void)state;
    uint8_t name[MT_REST_NAMES_MAX] = {0}, buf[128];
    for (size_t n = MT_REST_NAMES_MAX - 5; n <= MT_REST_NAMES_MAX - 4; n++) {
        enum mt_err want = n + 5 > MT_REST_NAMES_MAX ? MT_ETOOLONG : MT_OK;
        struct mt_writer w = mt_writer(buf, sizeof buf);
        assert_int_equal(mt_rest_seal(KEY, "table", mt_slice(name, n), mt_slice("x", 1), &w), want);
        if (want == MT_OK)
            assert_int_equal(rest_open("table", mt_slice(name, n), mt_writer_slice(&w)), MT_OK);
        else
            assert_int_equal(rest_open("table", mt_slice(name, n), mt_slice(buf, 41)), want);
    }
    struct mt_writer small = mt_writer(buf, MT_REST_OVERHEAD);
    assert_int_equal(mt_rest_seal(KEY, "t", mt_slice("", 0), mt_slice("", 0), &small), MT_OK);
    small = mt_writer(buf, MT_REST_OVERHEAD);
    assert_int_equal(mt_rest_seal(KEY, "t", mt_slice("", 0), mt_slice("x", 1), &small),
                     MT_ETOOLONG);
}

static void check_box_vector(const json_t *v, const struct mt_id *region,
                             const struct mt_id *chain) {
    static uint8_t text[4096], want[4096], got[4096];
    struct mt_id key = vectors_id(v, "key"), random = vectors_id(v, "random");
    struct mt_id box_key = vectors_id(v, "box_key"), hash = vectors_id(v, "box_hash"), h;
    struct mt_box_place place = {.region = *region,
                                 .chain = *chain,
                                 .seq = vectors_uint(v, "seq"),
                                 .epoch = vectors_id(v, "epoch")};
    mt_box_key(h.b, key.b, region);
    assert_true(mt_id_eq(&h, &box_key));
    struct mt_slice content = vectors_bytes(v, "content", text, sizeof text);
    struct mt_slice box = vectors_bytes(v, "box", want, sizeof want), back;
    struct mt_writer w = mt_writer(got, sizeof got);
    assert_int_equal(mt_box_seal(box_key.b, &place, random.b, content, &w), MT_OK);
    assert_bytes(mt_writer_slice(&w), box);
    mt_box_hash(region, box, &h);
    assert_true(mt_id_eq(&h, &hash));
    w = mt_writer(got, sizeof got);
    assert_int_equal(mt_box_open(box_key.b, &place, box, &w, &back), MT_OK);
    assert_bytes(back, content);
}

static void check_seal_vector(const json_t *v) {
    struct mt_id region, secret = vectors_id(v, "recipient_secret");
    struct mt_id pub = vectors_id(v, "recipient"), ephemeral = vectors_id(v, "ephemeral");
    struct mt_id key = vectors_id(v, "key"), back;
    const struct mt_id *in = NULL;
    if (json_is_string(json_object_get(v, "region"))) {
        region = vectors_id(v, "region");
        in = &region;
    }
    struct mt_dh_key to;
    uint8_t sealed[MT_SEAL_SIZE], want[MT_SEAL_SIZE];
    vectors_fixed(v, "seal", want, sizeof want);
    mt_dh_key_make(secret.b, &to);
    assert_memory_equal(to.pub, pub.b, 32);
    assert_int_equal(mt_seal_key(in, pub.b, ephemeral.b, key.b, sealed), MT_OK);
    assert_memory_equal(sealed, want, sizeof want);
    assert_int_equal(mt_seal_open(in, &to, want, back.b), MT_OK);
    assert_true(mt_id_eq(&back, &key));
}

static void check_rest_vector(const json_t *v) {
    uint8_t name_buf[512], plain_buf[512], want_buf[512], got[512];
    struct mt_id store_key = vectors_id(v, "store_key");
    const char *label = json_string_value(json_object_get(v, "label"));
    struct mt_slice name = vectors_bytes(v, "name", name_buf, sizeof name_buf);
    struct mt_slice plain = vectors_bytes(v, "plain", plain_buf, sizeof plain_buf);
    struct mt_slice want = vectors_bytes(v, "sealed", want_buf, sizeof want_buf);
    struct mt_writer w = mt_writer(got, sizeof got);
    assert_int_equal(mt_rest_seal(store_key.b, label, name, plain, &w), MT_OK);
    assert_bytes(mt_writer_slice(&w), want);
    w = mt_writer(got, sizeof got);
    assert_int_equal(mt_rest_open(store_key.b, label, name, want, &w), MT_OK);
    assert_bytes(mt_writer_slice(&w), plain);
}

static void the_frozen_bytes_are_what_we_make(void **state) {
    (void)state;
    json_t *root = vectors_load("meent/entry.json"), *v;
    struct mt_id region = vectors_id(root, "region"), chain = vectors_id(root, "chain");
    size_t boxes, seals, rests;
    json_array_foreach(json_object_get(root, "entries"), boxes, v) {
        check_box_vector(v, &region, &chain);
    }
    json_array_foreach(json_object_get(root, "seals"), seals, v) {
        check_seal_vector(v);
    }
    json_array_foreach(json_object_get(root, "rests"), rests, v) {
        check_rest_vector(v);
    }
    assert_true(boxes >= 4 && seals >= 2 && rests >= 3);
    json_decref(root);
}

int main(void) {
    if (mt_key_init() != MT_OK)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(content_of_every_size_comes_back),
        cmocka_unit_test(sizes_follow_padme),
        cmocka_unit_test(the_largest_box_is_sealed_and_one_byte_more_is_not),
        cmocka_unit_test(a_change_of_any_byte_is_noticed),
        cmocka_unit_test(a_shorter_or_longer_box_does_not_open),
        cmocka_unit_test(a_box_opens_only_in_its_place),
        cmocka_unit_test(one_random_state_never_gives_two_texts_one_salt),
        cmocka_unit_test(padding_has_one_form),
        cmocka_unit_test(a_seal_opens_for_its_recipient_only),
        cmocka_unit_test(a_row_at_rest_opens_only_in_its_place),
        cmocka_unit_test(names_at_rest_are_capped),
        cmocka_unit_test(the_frozen_bytes_are_what_we_make),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
