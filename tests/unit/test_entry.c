/* Headers: one encoding each, every cap, and the frozen bytes. */
#include "vectors.h"

#include "entry.h"

static struct mt_id id_of(uint8_t first) {
    struct mt_id id;
    for (unsigned i = 0; i < sizeof id.b; i++)
        id.b[i] = (uint8_t)(first + i);
    return id;
}

static struct mt_header sample(void) {
    return (struct mt_header){
        .version = MT_HEADER_VERSION,
        .chain = id_of(1),
        .seq = 300,
        .previous = id_of(2),
        .lamport = 70000,
        .governance = id_of(3),
        .wall_ms = UINT64_C(1795000000000),
        .epoch = id_of(4),
        .box_hash = id_of(5),
        .box_len = 304,
    };
}

static enum mt_err decode(const struct mt_header *h, struct mt_header *out) {
    uint8_t buf[MT_HEADER_MAX];
    struct mt_writer w = mt_writer(buf, sizeof buf);
    mt_header_put(&w, h);
    assert_int_equal(w.err, MT_OK);
    return mt_header_get(mt_writer_slice(&w), out);
}

static void every_field_survives(void **state) {
    (void)state;
    struct mt_header h = sample(), got;
    assert_int_equal(decode(&h, &got), MT_OK);
    assert_int_equal(got.version, h.version);
    assert_int_equal(got.seq, h.seq);
    assert_int_equal(got.lamport, h.lamport);
    assert_int_equal(got.wall_ms, h.wall_ms);
    assert_int_equal(got.box_len, h.box_len);
    assert_true(mt_id_eq(&got.chain, &h.chain));
    assert_true(mt_id_eq(&got.previous, &h.previous));
    assert_true(mt_id_eq(&got.governance, &h.governance));
    assert_true(mt_id_eq(&got.epoch, &h.epoch));
    assert_true(mt_id_eq(&got.box_hash, &h.box_hash));
}

static void values_are_held_to_their_ranges(void **state) {
    (void)state;
    struct mt_header h = sample(), got;
    h.seq = UINT64_MAX;
    h.lamport = MT_LAMPORT_MAX;
    h.wall_ms = UINT64_MAX;
    h.box_len = MT_BOX_MAX;
    assert_int_equal(decode(&h, &got), MT_OK);
    assert_int_equal(got.lamport, MT_LAMPORT_MAX);
    h.lamport = MT_LAMPORT_MAX + 1;
    assert_int_equal(decode(&h, &got), MT_EVALUE);
    assert_int_equal(got.seq, 0); /* nothing is handed out on error */

    h = sample();
    h.box_len = MT_BOX_MAX + 1;
    assert_int_equal(decode(&h, &got), MT_EVALUE);
    h = sample();
    h.version = 2;
    assert_int_equal(decode(&h, &got), MT_EVERSION);
    h.version = 0;
    assert_int_equal(decode(&h, &got), MT_EVERSION);
}

static void exactly_the_first_entry_has_no_previous(void **state) {
    (void)state;
    static const struct mt_id zeros;
    struct mt_header h = sample(), got;
    h.previous = zeros;
    assert_int_equal(decode(&h, &got), MT_EVALUE);
    h.seq = 1;
    assert_int_equal(decode(&h, &got), MT_OK);
    h.previous = id_of(9);
    assert_int_equal(decode(&h, &got), MT_EVALUE);
    h.seq = 0;
    assert_int_equal(decode(&h, &got), MT_EVALUE);
    h.previous = zeros;
    assert_int_equal(decode(&h, &got), MT_EVALUE);
}

static void a_writer_that_is_too_small_says_so(void **state) {
    (void)state;
    struct mt_header h = sample();
    uint8_t buf[MT_HEADER_MAX];
    struct mt_writer w = mt_writer(buf, sizeof buf);
    mt_header_put(&w, &h);
    size_t size = w.n;
    w = mt_writer(buf, size);
    mt_header_put(&w, &h);
    assert_int_equal(w.err, MT_OK);
    w = mt_writer(buf, size - 1);
    mt_header_put(&w, &h);
    assert_int_equal(w.err, MT_ETOOLONG);
}

static void truncated_and_extended_bytes_are_refused(void **state) {
    (void)state;
    struct mt_header h = sample(), got;
    uint8_t buf[MT_HEADER_MAX + 1];
    struct mt_writer w = mt_writer(buf, sizeof buf);
    mt_header_put(&w, &h);
    for (size_t n = 0; n < w.n; n++)
        assert_int_equal(mt_header_get(mt_slice(buf, n), &got), MT_ETRUNCATED);
    buf[w.n] = 0;
    assert_int_equal(mt_header_get(mt_slice(buf, w.n + 1), &got), MT_ETRAILING);
}

/* An array of `n` elements: the sample's, then nil. */
static enum mt_err decode_elements(uint8_t n) {
    struct mt_header h = sample(), got;
    uint8_t buf[MT_HEADER_MAX];
    struct mt_writer w = mt_writer(buf, sizeof buf);
    mt_header_put(&w, &h);
    buf[0] = 0x90 | n;
    if (n > 10)
        mt_wire_put_nil(&w);
    else if (n < 10)
        w.n -= 3; /* the box length: 0xcd and two bytes */
    return mt_header_get(mt_writer_slice(&w), &got);
}

static void there_are_exactly_ten_elements(void **state) {
    (void)state;
    assert_int_equal(decode_elements(10), MT_OK);
    assert_int_not_equal(decode_elements(9), MT_OK);
    assert_int_not_equal(decode_elements(11), MT_OK);
}

static void each_element_has_its_type(void **state) {
    (void)state;
    struct mt_header h = sample(), got;
    uint8_t good[MT_HEADER_MAX], bad[MT_HEADER_MAX];
    struct mt_writer w = mt_writer(good, sizeof good);
    mt_header_put(&w, &h);
    for (int element = 0; element < 10; element++) {
        struct mt_reader r = mt_reader(mt_writer_slice(&w));
        struct mt_writer b = mt_writer(bad, sizeof bad);
        mt_wire_put_array(&b, mt_wire_array(&r, 10, 10));
        for (int i = 0; i < 10; i++) {
            struct mt_slice value = mt_wire_raw(&r);
            if (i == element)
                mt_wire_put_cstr(&b, "text");
            else
                mt_wire_put_raw(&b, value);
        }
        assert_int_equal(mt_header_get(mt_writer_slice(&b), &got), MT_ETYPE);
    }
    /* an id one byte short */
    w = mt_writer(bad, sizeof bad);
    mt_wire_put_array(&w, 10);
    mt_wire_put_uint(&w, 1);
    mt_wire_put_bin(&w, h.chain.b, 31);
    for (int i = 2; i < 10; i++)
        mt_wire_put_uint(&w, 1);
    assert_int_equal(mt_header_get(mt_writer_slice(&w), &got), MT_EVALUE);
}

static void longer_forms_are_refused(void **state) {
    (void)state;
    struct mt_header h = sample(), got;
    uint8_t good[MT_HEADER_MAX], bad[MT_HEADER_MAX];
    struct mt_writer w = mt_writer(good, sizeof good);
    mt_header_put(&w, &h);
    /* version 1 in two bytes */
    memcpy(bad, good, w.n);
    memmove(bad + 2, bad + 1, w.n - 1);
    bad[1] = 0xcc;
    assert_int_equal(mt_header_get(mt_slice(bad, w.n + 1), &got), MT_ECANONICAL);
    /* ten elements counted in two bytes */
    memcpy(bad + 3, good + 1, w.n - 1);
    memcpy(bad, "\xdc\x00\x0a", 3);
    assert_int_equal(mt_header_get(mt_slice(bad, w.n + 2), &got), MT_ECANONICAL);
    /* the chain id's length in two bytes */
    memcpy(bad, good, 2);
    memcpy(bad + 2, "\xc5\x00\x20", 3);
    memcpy(bad + 5, good + 4, w.n - 4);
    assert_int_equal(mt_header_get(mt_slice(bad, w.n + 1), &got), MT_ECANONICAL);
}

static void more_than_the_cap_is_refused_unread(void **state) {
    (void)state;
    uint8_t buf[MT_HEADER_MAX + 1]; /* an array of one byte string */
    static const uint8_t zeros[MT_HEADER_MAX];
    struct mt_header got;
    for (size_t n = MT_HEADER_MAX; n <= MT_HEADER_MAX + 1; n++) {
        struct mt_writer w = mt_writer(buf, n);
        mt_wire_put_array(&w, 1);
        mt_wire_put_bin(&w, zeros, n - 4);
        assert_int_equal(w.n, n);
        assert_int_equal(mt_header_get(mt_writer_slice(&w), &got),
                         n > MT_HEADER_MAX ? MT_ETOOLONG : MT_EVALUE);
    }
}

static void a_head_binds_all_it_names(void **state) {
    (void)state;
    uint8_t seed[32] = {7}, sig[MT_SIGNATURE_SIZE];
    struct mt_sign_key feed;
    mt_sign_key_make(seed, &feed);
    struct mt_id region = id_of(1), chain = id_of(2), entry = id_of(3), other = id_of(4);
    mt_head_sign(&feed, &region, &chain, 5, &entry, sig);
    assert_int_equal(mt_head_verify(&feed.pub, &region, &chain, 5, &entry, sig), MT_OK);
    assert_int_equal(mt_head_verify(&feed.pub, &other, &chain, 5, &entry, sig), MT_ESIGNATURE);
    assert_int_equal(mt_head_verify(&feed.pub, &region, &other, 5, &entry, sig), MT_ESIGNATURE);
    assert_int_equal(mt_head_verify(&feed.pub, &region, &chain, 6, &entry, sig), MT_ESIGNATURE);
    assert_int_equal(mt_head_verify(&feed.pub, &region, &chain, 5, &other, sig), MT_ESIGNATURE);
    assert_int_equal(mt_head_verify(&other, &region, &chain, 5, &entry, sig), MT_ESIGNATURE);
    for (unsigned i = 0; i < sizeof sig; i++) {
        sig[i] ^= 1;
        assert_int_equal(mt_head_verify(&feed.pub, &region, &chain, 5, &entry, sig), MT_ESIGNATURE);
        sig[i] ^= 1;
    }
}

static void check_vector(const json_t *v, const struct mt_id *region, const struct mt_id *chain,
                         const struct mt_sign_key *feed) {
    uint8_t buf[MT_HEADER_MAX], want_buf[MT_HEADER_MAX], sig[MT_SIGNATURE_SIZE];
    uint8_t want_sig[MT_SIGNATURE_SIZE];
    static uint8_t box[4096];
    struct mt_header got, h = {
                              .version = MT_HEADER_VERSION,
                              .chain = *chain,
                              .seq = vectors_uint(v, "seq"),
                              .previous = vectors_id(v, "previous"),
                              .lamport = vectors_uint(v, "lamport"),
                              .governance = vectors_id(v, "governance"),
                              .wall_ms = vectors_uint(v, "wall_ms"),
                              .epoch = vectors_id(v, "epoch"),
                              .box_hash = vectors_id(v, "box_hash"),
                              .box_len = (uint32_t)vectors_bytes(v, "box", box, sizeof box).n,
                          };
    struct mt_writer w = mt_writer(buf, sizeof buf);
    mt_header_put(&w, &h);
    assert_int_equal(w.err, MT_OK);
    assert_bytes(mt_writer_slice(&w), vectors_bytes(v, "header", want_buf, sizeof want_buf));
    assert_int_equal(mt_header_get(mt_writer_slice(&w), &got), MT_OK);
    struct mt_id id, want_id = vectors_id(v, "id");
    mt_entry_id(region, mt_writer_slice(&w), &id);
    assert_true(mt_id_eq(&id, &want_id));
    vectors_fixed(v, "signature", want_sig, sizeof want_sig);
    mt_head_sign(feed, region, chain, h.seq, &id, sig);
    assert_memory_equal(sig, want_sig, sizeof sig);
    assert_int_equal(mt_head_verify(&feed->pub, region, chain, h.seq, &id, want_sig), MT_OK);
}

static void the_frozen_bytes_are_what_we_make(void **state) {
    (void)state;
    json_t *root = vectors_load("meent/entry.json"), *entries = json_object_get(root, "entries"),
           *v;
    struct mt_id region = vectors_id(root, "region"), chain = vectors_id(root, "chain");
    json_t *key = json_object_get(root, "feed");
    struct mt_id seed = vectors_id(key, "seed"), pub = vectors_id(key, "public");
    struct mt_sign_key feed;
    mt_sign_key_make(seed.b, &feed);
    assert_true(mt_id_eq(&feed.pub, &pub));
    assert_true(json_array_size(entries) >= 4);
    size_t i;
    json_array_foreach(entries, i, v) check_vector(v, &region, &chain, &feed);
    json_decref(root);
}

int main(void) {
    if (mt_key_init() != MT_OK)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_survives),
        cmocka_unit_test(values_are_held_to_their_ranges),
        cmocka_unit_test(exactly_the_first_entry_has_no_previous),
        cmocka_unit_test(a_writer_that_is_too_small_says_so),
        cmocka_unit_test(truncated_and_extended_bytes_are_refused),
        cmocka_unit_test(there_are_exactly_ten_elements),
        cmocka_unit_test(each_element_has_its_type),
        cmocka_unit_test(longer_forms_are_refused),
        cmocka_unit_test(more_than_the_cap_is_refused_unread),
        cmocka_unit_test(a_head_binds_all_it_names),
        cmocka_unit_test(the_frozen_bytes_are_what_we_make),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
