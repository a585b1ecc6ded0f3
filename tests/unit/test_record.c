/* The grammar of changes at every cap. */
#include "vectors.h"

#include "record.h"

#include <stdlib.h>

enum { ROOM = MT_BOX_MAX + 1024 };

/* A plaintext under construction on the heap, so that the sanitizers see its ends. */
struct text {
    uint8_t *p;
    struct mt_writer w;
};

static struct text text_new(void) {
    struct text t = {.p = malloc(ROOM)};
    assert_non_null(t.p);
    t.w = mt_writer(t.p, ROOM);
    return t;
}

static enum mt_err text_check(struct text *t) {
    assert_int_equal(t->w.err, MT_OK);
    uint8_t *exact = malloc(t->w.n ? t->w.n : 1);
    assert_non_null(exact);
    memcpy(exact, t->p, t->w.n);
    enum mt_err err = mt_changes_check(mt_slice(exact, t->w.n));
    free(exact);
    free(t->p);
    return err;
}

static struct mt_rid rid(uint32_t n) {
    struct mt_rid id = {{0}};
    mt_be32(id.b + 12, n);
    return id;
}

static uint64_t next_random(uint64_t *s) {
    *s ^= *s << 13;
    *s ^= *s >> 7;
    *s ^= *s << 17;
    return *s;
}

static void begin_one(struct mt_writer *w, size_t n_fields) {
    struct mt_rid id = rid(1);
    mt_changes_begin(w, 1);
    mt_change_begin(w, 3, 1, 0, &id, n_fields);
}

/* One change whose field 0 has the value `encoded`. */
static enum mt_err check_field(const void *encoded, size_t n) {
    struct text t = text_new();
    begin_one(&t.w, 1);
    mt_wire_put_uint(&t.w, 0);
    mt_wire_put_raw(&t.w, mt_slice(encoded, n));
    return text_check(&t);
}

static void every_allowed_value_passes(void **state) {
    (void)state;
    struct text t = text_new();
    begin_one(&t.w, 8);
    mt_wire_put_uint(&t.w, 0);
    mt_wire_put_nil(&t.w);
    mt_wire_put_uint(&t.w, 1);
    mt_wire_put_bool(&t.w, true);
    mt_wire_put_uint(&t.w, 2);
    mt_wire_put_uint(&t.w, UINT64_MAX);
    mt_wire_put_uint(&t.w, 3);
    mt_wire_put_int(&t.w, INT64_MIN);
    mt_wire_put_uint(&t.w, 4);
    mt_wire_put_cstr(&t.w, "tekst");
    mt_wire_put_uint(&t.w, 5);
    mt_wire_put_bin(&t.w, "\0\1", 2);
    mt_wire_put_uint(&t.w, 6);
    mt_wire_put_array(&t.w, 0);
    mt_wire_put_uint(&t.w, 63);
    mt_wire_put_array(&t.w, 2);
    mt_wire_put_array(&t.w, 1);
    mt_wire_put_nil(&t.w);
    mt_wire_put_cstr(&t.w, "x");
    assert_int_equal(text_check(&t), MT_OK);
}

static void other_values_are_refused(void **state) {
    (void)state;
    assert_int_equal(check_field("\xca\x3f\xc0\x00\x00", 5), MT_ETYPE); /* 1.5 */
    assert_int_equal(check_field("\xd4\x01\x02", 3), MT_ETYPE);         /* extension */
    assert_int_equal(check_field("\x80", 1), MT_ETYPE);                 /* map */
    assert_int_equal(check_field("\x91\x81\x00\x00", 4), MT_ETYPE);     /* map in a list */
    assert_int_equal(check_field("\xc1", 1), MT_ETYPE);
    assert_int_equal(check_field("\xcc\x01", 2), MT_ECANONICAL);
    assert_int_equal(check_field("\xa1\xff", 2), MT_EVALUE); /* not UTF-8 */
    assert_int_equal(check_field("\xa1", 1), MT_ETRUNCATED);
    assert_int_equal(check_field("\x00\x00", 2), MT_ETRAILING);
}

static void lists_nest_as_deep_as_the_limit(void **state) {
    (void)state;
    /* outer, changes, change and fields are four of the eight levels */
    assert_int_equal(check_field("\x91\x91\x91\x91\xc0", 5), MT_OK);
    assert_int_equal(check_field("\x91\x91\x91\x91\x91\xc0", 6), MT_ETOODEEP);
}

static enum mt_err check_string(size_t n, bool binary) {
    struct text t = text_new();
    uint8_t *p = calloc(1, n);
    assert_non_null(p);
    memset(p, 'x', n);
    begin_one(&t.w, 1);
    mt_wire_put_uint(&t.w, 0);
    if (binary)
        mt_wire_put_bin(&t.w, p, n);
    else
        mt_wire_put_str(&t.w, mt_slice(p, n));
    free(p);
    return text_check(&t);
}

static enum mt_err check_list(uint32_t n) {
    struct text t = text_new();
    begin_one(&t.w, 1);
    mt_wire_put_uint(&t.w, 0);
    mt_wire_put_array(&t.w, n);
    for (uint32_t i = 0; i < n; i++)
        mt_wire_put_uint(&t.w, i);
    return text_check(&t);
}

static enum mt_err check_changes(uint32_t n) {
    struct text t = text_new();
    mt_changes_begin(&t.w, n);
    for (uint32_t i = 0; i < n; i++) {
        struct mt_rid id = rid(i);
        mt_change_begin(&t.w, 3, 1, 0, &id, 0);
    }
    return text_check(&t);
}

static enum mt_err check_fields(uint32_t n) {
    struct text t = text_new();
    begin_one(&t.w, n);
    for (uint32_t i = 0; i < n; i++) {
        mt_wire_put_uint(&t.w, i);
        mt_wire_put_nil(&t.w);
    }
    return text_check(&t);
}

static void every_cap_holds_at_its_edge(void **state) {
    (void)state;
    assert_int_equal(check_string(MT_STRING_MAX, false), MT_OK);
    assert_int_equal(check_string(MT_STRING_MAX + 1, false), MT_ETOOLONG);
    assert_int_equal(check_string(MT_STRING_MAX, true), MT_OK);
    assert_int_equal(check_string(MT_STRING_MAX + 1, true), MT_ETOOLONG);
    assert_int_equal(check_list(MT_LIST_MAX), MT_OK);
    assert_int_equal(check_list(MT_LIST_MAX + 1), MT_ETOOLONG);
    assert_int_equal(check_changes(0), MT_OK);
    assert_int_equal(check_changes(MT_CHANGES_MAX), MT_OK);
    assert_int_equal(check_changes(MT_CHANGES_MAX + 1), MT_ETOOLONG);
    assert_int_equal(check_fields(0), MT_OK);
    assert_int_equal(check_fields(MT_FIELDS_MAX), MT_OK);
    assert_int_equal(check_fields(MT_FIELDS_MAX + 1), MT_ETOOLONG);
}

/* One change with these numbers and one nil field `no`. */
static enum mt_err check_numbers(uint64_t kind, uint64_t major, uint64_t minor, size_t id_len,
                                 uint64_t no) {
    static const uint8_t id[32];
    struct text t = text_new();
    mt_changes_begin(&t.w, 1);
    mt_wire_put_array(&t.w, 5);
    mt_wire_put_uint(&t.w, kind);
    mt_wire_put_uint(&t.w, major);
    mt_wire_put_uint(&t.w, minor);
    mt_wire_put_bin(&t.w, id, id_len);
    mt_wire_put_map(&t.w, 1);
    mt_wire_put_uint(&t.w, no);
    mt_wire_put_nil(&t.w);
    return text_check(&t);
}

static void numbers_are_held_to_their_ranges(void **state) {
    (void)state;
    assert_int_equal(check_numbers(1, 0, 0, 16, 0), MT_OK);
    assert_int_equal(check_numbers(65535, 255, 255, 16, 63), MT_OK);
    assert_int_equal(check_numbers(0, 0, 0, 16, 0), MT_EVALUE);
    assert_int_equal(check_numbers(65536, 0, 0, 16, 0), MT_EVALUE);
    assert_int_equal(check_numbers(1, 256, 0, 16, 0), MT_EVALUE);
    assert_int_equal(check_numbers(1, 0, 256, 16, 0), MT_EVALUE);
    assert_int_equal(check_numbers(1, 0, 0, 15, 0), MT_EVALUE);
    assert_int_equal(check_numbers(1, 0, 0, 17, 0), MT_EVALUE);
    assert_int_equal(check_numbers(1, 0, 0, 16, 64), MT_EVALUE);
    assert_int_equal(check_numbers(1, 0, 0, 16, 127), MT_EVALUE);
    assert_int_equal(check_numbers(1, 0, 0, 16, 128), MT_ETYPE);
    assert_int_equal(check_numbers(1, 0, 0, 16, UINT64_MAX), MT_ETYPE);
}

static void field_numbers_ascend(void **state) {
    (void)state;
    static const uint8_t orders[][2] = {{1, 0}, {1, 1}, {0, 1}};
    for (size_t i = 0; i < MT_ARRAY_LEN(orders); i++) {
        struct text t = text_new();
        begin_one(&t.w, 2);
        for (int k = 0; k < 2; k++) {
            mt_wire_put_uint(&t.w, orders[i][k]);
            mt_wire_put_nil(&t.w);
        }
        assert_int_equal(text_check(&t), i == 2 ? MT_OK : MT_ECANONICAL);
    }
}

static void shapes_are_fixed_and_extensions_ignored(void **state) {
    (void)state;
#define CHECK(bytes) mt_changes_check(mt_slice(bytes, sizeof bytes - 1))
#define ID                                                                                         \
    "\xc4\x10"                                                                                     \
    "0123456789abcdef"
    assert_int_equal(CHECK("\x91\x91\x95\x03\x01\x00" ID "\x80"), MT_OK);
    assert_int_equal(CHECK("\x91\x91\x94\x03\x01\x00" ID), MT_EVALUE);
    assert_int_equal(CHECK("\x91\x91\x96\x03\x01\x00" ID "\x80\xc0"), MT_ETOOLONG);
    assert_int_equal(CHECK("\x91\x91\x95\x03\x01\x00" ID "\x90"), MT_ETYPE);
    assert_int_equal(CHECK("\x91\x91\x95\xa1x\x01\x00" ID "\x80"), MT_ETYPE);
    assert_int_equal(CHECK("\x91\x91\x95\xff\x01\x00" ID "\x80"), MT_ETYPE);
    assert_int_equal(CHECK("\x91\x91\x95\x03\x01\x00" ID "\x81\xa1x\xc0"), MT_ETYPE);
    assert_int_equal(CHECK("\x91\x91\xc0"), MT_ETYPE);
    assert_int_equal(CHECK("\x91\xc0"), MT_ETYPE);
    assert_int_equal(CHECK("\x90"), MT_EVALUE);
    assert_int_equal(CHECK("\x80"), MT_ETYPE);
    assert_int_equal(CHECK(""), MT_ETRUNCATED);
    assert_int_equal(CHECK("\x93\x90\x81\xa1k\xca\x3f\xc0\x00\x00\xd4\x01\x02"), MT_OK);
    assert_int_equal(CHECK("\x92\x90\xcc\x01"), MT_ECANONICAL); /* but canonical all the same */
    assert_int_equal(CHECK("\x91\xdd\xff\xff\xff\xff"), MT_ETOOLONG);
#undef ID
#undef CHECK
}

static void a_record_changes_once_in_an_entry(void **state) {
    (void)state;
    static const uint32_t pairs[][2] = {{0, 255}, {254, 255}, {0, 1}, {100, 200}};
    for (size_t k = 0; k < MT_ARRAY_LEN(pairs); k++) {
        for (int same_kind = 0; same_kind < 2; same_kind++) {
            struct text t = text_new();
            mt_changes_begin(&t.w, MT_CHANGES_MAX);
            for (uint32_t i = 0; i < MT_CHANGES_MAX; i++) {
                bool second = i == pairs[k][1];
                struct mt_rid id = rid(second ? pairs[k][0] : i);
                mt_change_begin(&t.w, second && !same_kind ? 4 : 3, 1, 0, &id, 0);
            }
            assert_int_equal(text_check(&t), same_kind ? MT_EVALUE : MT_OK);
        }
    }
}

static void changes_and_fields_are_walked_in_order(void **state) {
    (void)state;
    uint8_t buf[256];
    struct mt_writer w = mt_writer(buf, sizeof buf);
    struct mt_rid a = rid(7), b = rid(8);
    mt_changes_begin(&w, 2);
    mt_change_begin(&w, 3, 1, 2, &a, 2);
    mt_wire_put_uint(&w, 5);
    mt_wire_put_cstr(&w, "vijf");
    mt_wire_put_uint(&w, 63);
    mt_wire_put_nil(&w);
    mt_change_begin(&w, 9, 4, 5, &b, 0);
    struct mt_changes it;
    struct mt_change c;
    assert_int_equal(mt_changes_check(mt_writer_slice(&w)), MT_OK);
    assert_int_equal(mt_changes_open(&it, mt_writer_slice(&w)), MT_OK);
    assert_true(mt_changes_next(&it, &c));
    assert_true(c.kind == 3 && c.major == 1 && c.minor == 2 && mt_rid_eq(&c.id, &a));
    assert_true(c.mask == (UINT64_C(1) << 63 | 1 << 5));

    struct mt_fields f;
    struct mt_slice v;
    uint8_t no;
    assert_int_equal(mt_fields_open(&f, c.fields), MT_OK);
    assert_true(mt_fields_next(&f, &no, &v));
    assert_int_equal(no, 5);
    assert_bytes(v, mt_slice_str("\xa4vijf"));
    assert_true(mt_fields_next(&f, &no, &v));
    assert_int_equal(no, 63);
    assert_bytes(v, mt_slice_str("\xc0"));
    assert_false(mt_fields_next(&f, &no, &v));
    assert_int_equal(mt_fields_find(c.fields, 63, &v), MT_OK);
    assert_bytes(v, mt_slice_str("\xc0"));
    assert_int_equal(mt_fields_find(c.fields, 6, &v), MT_ENOTFOUND);
    assert_int_equal(mt_fields_find(c.fields, 0, &v), MT_ENOTFOUND);
    assert_int_equal(mt_fields_find(mt_slice_str("\x90"), 0, &v), MT_ETYPE);
    assert_int_equal(mt_fields_find(mt_slice_str("\x82\x01\xc0"), 9, &v), MT_ETRUNCATED);

    assert_true(mt_changes_next(&it, &c));
    assert_true(c.kind == 9 && c.mask == 0 && mt_rid_eq(&c.id, &b));
    assert_false(mt_changes_next(&it, &c));
}

/* Walks all of it; false when the walk stops before its end. */
static bool walk(struct mt_slice text) {
    struct mt_changes it;
    struct mt_change c;
    if (mt_changes_open(&it, text) != MT_OK)
        return false;
    while (mt_changes_next(&it, &c)) {
        struct mt_fields f;
        struct mt_slice v;
        uint8_t no;
        uint64_t mask = 0;
        if (mt_fields_open(&f, c.fields) != MT_OK)
            return false;
        while (mt_fields_next(&f, &no, &v))
            mask |= UINT64_C(1) << no;
        if (f.r.err != MT_OK || f.r.at != f.r.n || mask != c.mask)
            return false;
    }
    return it.r.err == MT_OK && it.left == 0;
}

static void what_passes_the_check_can_be_walked(void **state) {
    (void)state;
    uint8_t good[128], *bad = malloc(sizeof good);
    assert_non_null(bad);
    struct mt_writer w = mt_writer(good, sizeof good);
    struct mt_rid a = rid(7), b = rid(8);
    mt_changes_begin(&w, 2);
    mt_change_begin(&w, 3, 1, 2, &a, 3);
    mt_wire_put_uint(&w, 1);
    mt_wire_put_cstr(&w, "text");
    mt_wire_put_uint(&w, 5);
    mt_wire_put_array(&w, 2);
    mt_wire_put_int(&w, -7);
    mt_wire_put_bin(&w, "bin", 3);
    mt_wire_put_uint(&w, 63);
    mt_wire_put_nil(&w);
    mt_change_begin(&w, 300, 4, 5, &b, 0);
    uint64_t random = 1234567;
    unsigned passed = 0;
    for (int round = 0; round < 100000; round++) {
        uint64_t r = next_random(&random);
        size_t n = r >> 60 ? w.n : r % w.n;
        memcpy(bad, good, w.n);
        for (uint64_t k = 0; k <= (r >> 8 & 3); k++) {
            uint64_t where = next_random(&random);
            bad[where % w.n] = (uint8_t)(where >> 32);
        }
        bool fits = mt_changes_check(mt_slice(bad, n)) == MT_OK;
        bool walked = walk(mt_slice(bad, n)); /* must be safe in any case */
        assert_true(walked || !fits);
        passed += fits;
    }
    assert_true(passed > 1000 && passed < 99000);
    free(bad);
}

static void references_come_back_and_are_checked(void **state) {
    (void)state;
    const struct mt_ref ref = {.audience = 1, .owner = {{5}}, .kind = 65535, .id = {{6}}};
    for (int wrong = 0; wrong < 3; wrong++) {
        uint8_t buf[128];
        struct mt_writer w = mt_writer(buf, sizeof buf);
        struct mt_ref in = ref, out;
        in.audience = wrong == 1 ? 2 : 1;
        in.kind = wrong == 2 ? 0 : 65535;
        mt_ref_put(&w, &in);
        struct mt_reader r;
        assert_int_equal(mt_wire_open(&r, mt_writer_slice(&w), MT_WIRE_CANONICAL, 128), MT_OK);
        assert_int_equal(mt_ref_get(&r, &out), wrong ? MT_EVALUE : MT_OK);
        if (!wrong)
            assert_true(out.audience == 1 && mt_id_eq(&out.owner, &ref.owner) &&
                        out.kind == 65535 && mt_rid_eq(&out.id, &ref.id));
    }
}

static void the_frozen_plaintexts_pass(void **state) {
    (void)state;
    json_t *root = vectors_load("meent/entry.json"), *v;
    size_t i;
    json_array_foreach(json_object_get(root, "entries"), i, v) {
        uint8_t buf[4096];
        struct mt_slice content = vectors_bytes(v, "content", buf, sizeof buf);
        assert_int_equal(mt_changes_check(content), content.n ? MT_OK : MT_ETRUNCATED);
    }
    assert_true(i >= 4);
    json_decref(root);
}

int main(void) {
    if (mt_key_init() != MT_OK)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_allowed_value_passes),
        cmocka_unit_test(other_values_are_refused),
        cmocka_unit_test(lists_nest_as_deep_as_the_limit),
        cmocka_unit_test(every_cap_holds_at_its_edge),
        cmocka_unit_test(numbers_are_held_to_their_ranges),
        cmocka_unit_test(field_numbers_ascend),
        cmocka_unit_test(shapes_are_fixed_and_extensions_ignored),
        cmocka_unit_test(a_record_changes_once_in_an_entry),
        cmocka_unit_test(changes_and_fields_are_walked_in_order),
        cmocka_unit_test(what_passes_the_check_can_be_walked),
        cmocka_unit_test(references_come_back_and_are_checked),
        cmocka_unit_test(the_frozen_plaintexts_pass),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
