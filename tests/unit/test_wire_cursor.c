/* MessagePack: values written and read back through the cursor. */
#include "wire.h"

#include "wire_sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <float.h>
#include <math.h>

enum { MAX = 1024 * 1024 };

/* At the edge of each head: n there must be in the short form, n + 1 in the next. */
static void heads_grow_exactly_at_their_edges(void **state) {
    static const size_t edges[] = {0, 15, 16, 31, 32, 255, 256, 65535, 65536};
    static uint8_t buf[70000], text[70000];
    (void)state;
    memset(text, 'x', sizeof text);
    for (size_t i = 0; i < MT_ARRAY_LEN(edges); i++) {
        size_t n = edges[i];
        struct mt_reader r;
        struct mt_writer w = mt_writer(buf, sizeof buf);
        mt_wire_put_str(&w, mt_slice(text, n));
        assert_int_equal(w.n, n + (n < 32 ? 1 : n < 256 ? 2 : n < 65536 ? 3 : 5));
        assert_int_equal(mt_wire_open(&r, mt_writer_slice(&w), MT_WIRE_CANONICAL, MAX), MT_OK);
        assert_int_equal(mt_wire_str(&r, n).n, n);
        assert_int_equal(mt_reader_end(&r), MT_OK);
        w = mt_writer(buf, sizeof buf);
        mt_wire_put_bin(&w, text, n);
        assert_int_equal(w.n, n + (n < 256 ? 2 : n < 65536 ? 3 : 5));
        assert_int_equal(mt_wire_open(&r, mt_writer_slice(&w), MT_WIRE_CANONICAL, MAX), MT_OK);
        assert_int_equal(mt_wire_bin(&r, n).n, n);
        w = mt_writer(buf, sizeof buf);
        mt_wire_put_array(&w, n);
        assert_int_equal(w.n, n < 16 ? 1 : n < 65536 ? 3 : 5);
        mt_wire_put_raw(&w, mt_slice(text, n)); /* 'x' is the number 120 */
        assert_int_equal(mt_wire_open(&r, mt_writer_slice(&w), MT_WIRE_CANONICAL, MAX), MT_OK);
        assert_int_equal(mt_wire_array(&r, (uint32_t)n, (uint32_t)n), n);
        w = mt_writer(buf, sizeof buf);
        mt_wire_put_map(&w, n);
        assert_int_equal(w.n, n < 16 ? 1 : n < 65536 ? 3 : 5);
    }
}

static void check_int(int64_t v) {
    uint8_t buf[9];
    struct mt_reader r;
    struct mt_writer w = mt_writer(buf, sizeof buf);
    mt_wire_put_int(&w, v);
    assert_int_equal(mt_wire_open(&r, mt_writer_slice(&w), MT_WIRE_CANONICAL, MAX), MT_OK);
    assert_int_equal(mt_wire_peek(&r), v < 0 ? MT_WIRE_NEGATIVE : MT_WIRE_UINT);
    assert_true(mt_wire_int(&r) == v);
    assert_int_equal(mt_reader_end(&r), MT_OK);
    r = mt_reader(mt_writer_slice(&w));
    assert_true(mt_wire_float(&r) == (double)v);
}

static void check_uint(uint64_t v) {
    uint8_t buf[9];
    struct mt_reader r;
    struct mt_writer w = mt_writer(buf, sizeof buf);
    mt_wire_put_uint(&w, v);
    assert_int_equal(mt_wire_open(&r, mt_writer_slice(&w), MT_WIRE_CANONICAL, MAX), MT_OK);
    assert_true(mt_wire_uint(&r, v) == v);
    assert_int_equal(mt_reader_end(&r), MT_OK);
    if (v > 0) {
        r = mt_reader(mt_writer_slice(&w));
        assert_true(mt_wire_uint(&r, v - 1) == 0);
        assert_int_equal(r.err, MT_EVALUE);
    }
    r = mt_reader(mt_writer_slice(&w));
    (void)mt_wire_int(&r);
    assert_int_equal(r.err, v <= INT64_MAX ? MT_OK : MT_EVALUE);
}

static void integers_survive_around_every_edge(void **state) {
    (void)state;
    for (unsigned bit = 0; bit < 64; bit++)
        for (int d = -1; d <= 1; d++) {
            uint64_t v = (UINT64_C(1) << bit) + (uint64_t)(int64_t)d;
            check_uint(v);
            check_int((int64_t)v);
            check_int((int64_t)(0 - v));
        }
    check_uint(UINT64_MAX);
}

static void floats_survive_in_one_form(void **state) {
    static const double values[] = {
        0.5,     -0.5,    0.1, 1e300,    -1e300,    FLT_MAX, FLT_MAX * 2.0, FLT_MIN,
        DBL_MIN, DBL_MAX, 1.5, 1e-45,    1e20,      0x1p63,  0x1p64,        0x1p65,
        -0x1p63, -0x1p64, 0.0, INFINITY, -INFINITY, 3,       -70000.0,      0x1.fffffffffffffp63};
    uint8_t buf[9];
    struct mt_reader r;
    (void)state;
    for (size_t i = 0; i < MT_ARRAY_LEN(values); i++) {
        struct mt_writer w = mt_writer(buf, sizeof buf);
        mt_wire_put_float(&w, values[i]);
        assert_int_equal(mt_wire_open(&r, mt_writer_slice(&w), MT_WIRE_CANONICAL, MAX), MT_OK);
        assert_true(mt_wire_float(&r) == values[i]);
        assert_int_equal(mt_reader_end(&r), MT_OK);
    }
    struct mt_writer w = mt_writer(buf, sizeof buf);
    mt_wire_put_float(&w, -(double)NAN);
    assert_int_equal(mt_wire_open(&r, mt_writer_slice(&w), MT_WIRE_CANONICAL, MAX), MT_OK);
    assert_true(isnan(mt_wire_float(&r)));
    w = mt_writer(buf, sizeof buf);
    mt_wire_put_float(&w, -0.0);
    assert_int_equal(w.n, 1);
    assert_int_equal(buf[0], 0);
}

static void get_uint(struct mt_reader *r) {
    assert_true(mt_wire_uint(r, UINT64_MAX) == 0);
}
static void get_int(struct mt_reader *r) {
    assert_true(mt_wire_int(r) == 0);
}
static void get_float(struct mt_reader *r) {
    assert_true(mt_wire_float(r) == 0);
}
static void get_bool(struct mt_reader *r) {
    assert_false(mt_wire_bool(r));
}
static void get_nil(struct mt_reader *r) {
    mt_wire_nil(r);
}
static void get_str(struct mt_reader *r) {
    assert_null(mt_wire_str(r, MAX).p);
}
static void get_bin(struct mt_reader *r) {
    assert_null(mt_wire_bin(r, MAX).p);
}
static void get_fixed(struct mt_reader *r) {
    uint8_t out[2] = {1, 1};
    mt_wire_fixed(r, out, 2);
    assert_memory_equal(out, "\0\0", 2);
}
static void get_ext(struct mt_reader *r) {
    int8_t type = 1;
    assert_null(mt_wire_ext(r, MAX, &type).p);
    assert_int_equal(type, 0);
}
static void get_array(struct mt_reader *r) {
    assert_int_equal(mt_wire_array(r, 0, 100), 0);
}
static void get_map(struct mt_reader *r) {
    assert_int_equal(mt_wire_map(r, 100), 0);
}

typedef void getter(struct mt_reader *r);
static getter *const GETTERS[] = {get_uint, get_int,   get_float, get_bool,  get_nil, get_str,
                                  get_bin,  get_fixed, get_ext,   get_array, get_map};

static void a_wrong_type_sticks(void **state) {
    /* One value of each type and the getters, by place in the table, that take it. */
    static const struct {
        const char *p;
        size_t n;
        unsigned takes;
    } values[] = {
        {"\x01", 1, 1 << 0 | 1 << 1 | 1 << 2},
        {"\xff", 1, 1 << 1 | 1 << 2},
        {"\xca\x3f\x00\x00\x00", 5, 1 << 2},
        {"\xc3", 1, 1 << 3},
        {"\xc0", 1, 1 << 4},
        {"\xa2xy", 3, 1 << 5},
        {"\xc4\x02xy", 4, 1 << 6 | 1 << 7},
        {"\xd4\x05x", 3, 1 << 8},
        {"\x91\x01", 2, 1 << 9},
        {"\x81\x01\x01", 3, 1 << 10},
    };
    (void)state;
    for (size_t v = 0; v < MT_ARRAY_LEN(values); v++)
        for (size_t g = 0; g < MT_ARRAY_LEN(GETTERS); g++) {
            struct mt_reader r;
            if (values[v].takes & 1u << g)
                continue;
            assert_int_equal(
                mt_wire_open(&r, mt_slice(values[v].p, values[v].n), MT_WIRE_CANONICAL, MAX),
                MT_OK);
            GETTERS[g](&r);
            assert_int_equal(r.err, MT_ETYPE);
            assert_int_equal(mt_wire_peek(&r), MT_WIRE_END);
            for (size_t again = 0; again < MT_ARRAY_LEN(GETTERS); again++)
                GETTERS[again](&r); /* each asserts that it gives nothing */
            assert_null(mt_wire_raw(&r).p);
            assert_int_equal(mt_reader_end(&r), MT_ETYPE);
        }
}

static void nothing_is_read_behind_the_end(void **state) {
    (void)state;
    for (size_t g = 0; g < MT_ARRAY_LEN(GETTERS); g++) {
        struct mt_reader r;
        assert_int_equal(mt_wire_open(&r, BYTES("\xc0"), MT_WIRE_CANONICAL, MAX), MT_OK);
        mt_wire_nil(&r);
        assert_int_equal(mt_wire_peek(&r), MT_WIRE_END);
        assert_int_equal(r.err, MT_OK);
        GETTERS[g](&r);
        assert_int_equal(r.err, MT_ETYPE);
        /* Bytes that never passed a scan cannot lead outside either. */
        r = mt_reader(BYTES("\xdb\xff\xff\xff\xff"));
        GETTERS[g](&r);
        assert_int_equal(r.err, MT_ETYPE);
        r = mt_reader(BYTES("\xcf\x01"));
        GETTERS[g](&r);
        assert_int_equal(r.err, MT_ETYPE);
    }
    struct mt_reader r = mt_reader(BYTES("\x92\x01"));
    mt_wire_skip(&r);
    assert_int_equal(r.err, MT_ETYPE);
}

static void sizes_are_held_to_the_callers_caps(void **state) {
    uint8_t three[3];
    int8_t type;
    struct mt_reader r;
    (void)state;
#define TRY(bytes, call, want)                                                                     \
    do {                                                                                           \
        r = mt_reader(BYTES(bytes));                                                               \
        (void)(call, 0);                                                                           \
        assert_int_equal(r.err, want);                                                             \
    } while (0)
    TRY("\xa3xyz", mt_wire_str(&r, 3), MT_OK);
    TRY("\xa3xyz", mt_wire_str(&r, 2), MT_ETOOLONG);
    TRY("\xc4\x03xyz", mt_wire_bin(&r, 3), MT_OK);
    TRY("\xc4\x03xyz", mt_wire_bin(&r, 2), MT_ETOOLONG);
    TRY("\xc7\x03\x01xyz", mt_wire_ext(&r, 3, &type), MT_OK);
    TRY("\xc7\x03\x01xyz", mt_wire_ext(&r, 2, &type), MT_ETOOLONG);
    TRY("\xc4\x03xyz", mt_wire_fixed(&r, three, 3), MT_OK);
    TRY("\xc4\x03xyz", mt_wire_fixed(&r, three, 2), MT_EVALUE);
    TRY("\xc4\x02xy", mt_wire_fixed(&r, three, 3), MT_EVALUE);
    TRY("\xc4\x00", mt_wire_fixed(&r, three, 0), MT_OK);
    TRY("\x93\x01\x02\x03", mt_wire_array(&r, 3, 3), MT_OK);
    TRY("\x93\x01\x02\x03", mt_wire_array(&r, 0, 2), MT_ETOOLONG);
    TRY("\x93\x01\x02\x03", mt_wire_array(&r, 4, 9), MT_EVALUE);
    TRY("\x82\x01\x02\x03\x04", mt_wire_map(&r, 2), MT_OK);
    TRY("\x82\x01\x02\x03\x04", mt_wire_map(&r, 1), MT_ETOOLONG);
#undef TRY
}

static void the_cursor_walks_a_message(void **state) {
    uint8_t buf[512], id[32];
    size_t n = wire_sample(buf, sizeof buf);
    struct mt_reader r;
    int8_t type;
    (void)state;
    assert_int_equal(mt_wire_open(&r, mt_slice(buf, n), MT_WIRE_CANONICAL, MAX), MT_OK);
    assert_int_equal(mt_wire_array(&r, 17, 17), 17);
    mt_wire_nil(&r);
    assert_true(mt_wire_bool(&r));
    assert_int_equal(mt_wire_uint(&r, 5), 5);
    assert_int_equal(mt_wire_uint(&r, 1000), 200);
    mt_wire_skip(&r);
    mt_wire_skip(&r);
    assert_true(mt_wire_uint(&r, UINT64_MAX) == UINT64_MAX);
    assert_int_equal(mt_wire_int(&r), -1);
    assert_true(mt_wire_int(&r) == INT64_MIN);
    assert_true(mt_wire_float(&r) == 0.5);
    assert_true(mt_wire_float(&r) == 0.1);
    assert_true(mt_slice_is(mt_wire_str(&r, 100), "caf\xc3\xa9"));
    assert_int_equal(mt_wire_str(&r, 100).n, 43);
    mt_wire_fixed(&r, id, sizeof id);
    assert_memory_equal(id, "\1\2\3\0", 4);
    assert_true(mt_slice_is(mt_wire_ext(&r, 100, &type), "wxyz"));
    assert_int_equal(type, 5);
    struct mt_slice map = mt_wire_raw(&r), v;
    assert_true(mt_slice_eq(map, BYTES("\x83\xa1"
                                       "a\x90\xa1"
                                       "b\x91\xc2\xa1"
                                       "c\x92\xc2\xc2")));
    assert_int_equal(mt_wire_array(&r, 0, 0), 0);
    assert_int_equal(mt_reader_end(&r), MT_OK);

    assert_int_equal(mt_wire_find(map, "c", &v), MT_OK);
    assert_true(mt_slice_eq(v, BYTES("\x92\xc2\xc2")));
    assert_int_equal(mt_wire_find(map, "d", &v), MT_ENOTFOUND);
    assert_null(v.p);
    assert_int_equal(mt_wire_find(BYTES("\x90"), "d", &v), MT_ETYPE);
    assert_int_equal(mt_wire_find(BYTES("\x82\xa1x"), "z", &v), MT_ETYPE);
    assert_int_equal(mt_wire_find(BYTES("\x82\x01\xa1x\x91\x01\xa1x"), "x", &v), MT_ENOTFOUND);
    assert_int_equal(mt_wire_find(BYTES("\x82\xa1x\x01\xa1x\x02"), "x", &v), MT_OK);
    assert_true(mt_slice_eq(v, BYTES("\x01")));
    assert_int_equal(mt_wire_find(BYTES("\x82\xa1x\x01\xa1y"), "y", &v), MT_ETYPE);
}

static void a_full_writer_is_too_long_and_stays_so(void **state) {
    uint8_t buf[512], other[512];
    size_t n = wire_sample(buf, sizeof buf);
    (void)state;
    for (size_t cap = 0; cap < 60; cap++) {
        struct mt_writer w = mt_writer(other, cap);
        for (int i = 0; i < 10; i++) {
            mt_wire_put_uint(&w, 70000);
            mt_wire_put_cstr(&w, "x");
        }
        mt_wire_put_nil(&w);
        assert_int_equal(w.err, MT_ETOOLONG);
        assert_true(w.n <= cap);
    }
    struct mt_writer w = mt_writer(other, n);
    mt_wire_put_raw(&w, mt_slice(buf, n));
    assert_int_equal(w.err, MT_OK);
    w = mt_writer(other, sizeof other);
    mt_wire_put_str(&w, mt_slice(buf, (size_t)UINT32_MAX + 1));
    assert_int_equal(w.err, MT_ETOOLONG);
    mt_wire_put_map(&w, (size_t)UINT32_MAX + 1);
    mt_wire_put_bin(&w, buf, (size_t)UINT32_MAX + 1);
    mt_wire_put_array(&w, 1);
    assert_int_equal(w.n, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_grow_exactly_at_their_edges),
        cmocka_unit_test(integers_survive_around_every_edge),
        cmocka_unit_test(floats_survive_in_one_form),
        cmocka_unit_test(a_wrong_type_sticks),
        cmocka_unit_test(nothing_is_read_behind_the_end),
        cmocka_unit_test(sizes_are_held_to_the_callers_caps),
        cmocka_unit_test(the_cursor_walks_a_message),
        cmocka_unit_test(a_full_writer_is_too_long_and_stays_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
