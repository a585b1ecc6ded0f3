/* MessagePack: what the scan lets through, and what the cursor makes of it. */
#include "wire.h"

#include "limits.h"
#include "wire_sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <msgpack.h>
#include <stdlib.h>

enum { MAX = 1024 * 1024 };

static enum mt_err scan(struct mt_slice in, enum mt_wire_mode mode, size_t max, size_t *len) {
    /* A copy of exactly these bytes on the heap, so that a sanitizer sees the first one too many. */
    uint8_t *copy = malloc(in.n > 0 ? in.n : 1);
    if (!copy)
        abort();
    memcpy(copy, in.p, in.n);
    enum mt_err err = mt_wire_scan(mt_slice(copy, in.n), mode, max, len);
    free(copy);
    if (err != MT_OK)
        assert_int_equal(*len, 0);
    return err;
}

static void assert_scan(struct mt_slice in, enum mt_err canonical, enum mt_err lenient) {
    size_t len;
    assert_int_equal(scan(in, MT_WIRE_CANONICAL, MAX, &len), canonical);
    if (canonical == MT_OK)
        assert_int_equal(len, in.n);
    assert_int_equal(scan(in, MT_WIRE_LENIENT, MAX, &len), lenient);
    if (lenient == MT_OK)
        assert_int_equal(len, in.n);
}

static void every_cut_of_a_message_is_incomplete(void **state) {
    uint8_t buf[512];
    size_t n = wire_sample(buf, sizeof buf), len;
    struct mt_reader r;
    (void)state;
    assert_scan(mt_slice(buf, n), MT_OK, MT_OK);
    for (size_t cut = 0; cut < n; cut++) {
        assert_scan(mt_slice(buf, cut), MT_EAGAIN, MT_EAGAIN);
        assert_int_equal(mt_wire_open(&r, mt_slice(buf, cut), MT_WIRE_CANONICAL, MAX),
                         MT_ETRUNCATED);
        assert_int_equal(r.err, MT_ETRUNCATED);
        assert_int_equal(mt_wire_peek(&r), MT_WIRE_END);
    }
    buf[n] = 0x05; /* in a stream another value may follow, in a message not */
    assert_int_equal(scan(mt_slice(buf, n + 1), MT_WIRE_CANONICAL, MAX, &len), MT_OK);
    assert_int_equal(len, n);
    assert_int_equal(mt_wire_open(&r, mt_slice(buf, n + 1), MT_WIRE_CANONICAL, MAX), MT_ETRAILING);
}

static void length_is_held_to_its_cap(void **state) {
    uint8_t buf[512];
    size_t n = wire_sample(buf, sizeof buf), len;
    (void)state;
    assert_int_equal(scan(mt_slice(buf, n), MT_WIRE_CANONICAL, n, &len), MT_OK);
    for (size_t max = 0; max < n; max++)
        assert_int_equal(scan(mt_slice(buf, n), MT_WIRE_CANONICAL, max, &len), MT_ETOOLONG);
    assert_int_equal(scan(BYTES("\x93\x01\x02"), MT_WIRE_LENIENT, 4, &len), MT_EAGAIN);
    assert_int_equal(scan(BYTES("\x93\x01\x02"), MT_WIRE_LENIENT, 3, &len), MT_ETOOLONG);
    assert_int_equal(scan(BYTES("\xcf\x01"), MT_WIRE_LENIENT, 9, &len), MT_EAGAIN);
    assert_int_equal(scan(BYTES("\xcf\x01"), MT_WIRE_LENIENT, 8, &len), MT_ETOOLONG);
    assert_int_equal(scan(BYTES("\xa5"), MT_WIRE_LENIENT, 6, &len), MT_EAGAIN);
    assert_int_equal(scan(BYTES("\xa5"), MT_WIRE_LENIENT, 5, &len), MT_ETOOLONG);
}

static void five_bytes_cannot_ask_for_gigabytes(void **state) {
    static const uint8_t heads[] = {0xc6, 0xc9, 0xdb, 0xdd, 0xdf};
    size_t len;
    (void)state;
    for (size_t i = 0; i < sizeof heads; i++) {
        uint8_t b[6] = {heads[i], 0xff, 0xff, 0xff, 0xff, 0x00};
        assert_int_equal(scan(mt_slice(b, 6), MT_WIRE_LENIENT, MAX, &len), MT_ETOOLONG);
        assert_int_equal(scan(mt_slice(b, 6), MT_WIRE_CANONICAL, MAX, &len), MT_ETOOLONG);
        assert_int_equal(scan(mt_slice(b, 6), MT_WIRE_LENIENT, SIZE_MAX / 2, &len), MT_EAGAIN);
        /* Inside another value too, where what is owed outside counts as well. */
        uint8_t in[7] = {0x92, heads[i], 0x00, 0x0f, 0xff, 0xff, 0x00};
        assert_int_equal(scan(mt_slice(in, 7), MT_WIRE_LENIENT, MAX, &len), MT_ETOOLONG);
    }
    /* 2^31 pairs are 2^32 values: no arithmetic wraps. */
    assert_int_equal(scan(BYTES("\xdf\x80\x00\x00\x00\x01\x01"), MT_WIRE_LENIENT, MAX, &len),
                     MT_ETOOLONG);
}

static void nesting_is_held_to_its_cap(void **state) {
    uint8_t buf[2 * MT_WIRE_DEPTH_MAX + 4];
    (void)state;
    for (int map = 0; map < 2; map++)
        for (int empty = 0; empty < 2; empty++)
            for (size_t depth = MT_WIRE_DEPTH_MAX; depth <= MT_WIRE_DEPTH_MAX + 1; depth++) {
                size_t n = 0;
                for (size_t i = 1; i <= depth; i++) {
                    if (map && i % 2 == 0)
                        buf[n++] = 0x01; /* key of the map that is open */
                    uint8_t head = map && i % 2 == 1 ? 0x80 : 0x90;
                    buf[n++] = (uint8_t)(head | !(empty && i == depth));
                }
                if (!empty) {
                    if (map && depth % 2 == 1)
                        buf[n++] = 0x01;
                    buf[n++] = 0xc0;
                }
                enum mt_err want = depth <= MT_WIRE_DEPTH_MAX ? MT_OK : MT_ETOODEEP;
                assert_scan(mt_slice(buf, n), want, want);
            }
    /* Side by side is not deep, and closing a level gives it back. */
    assert_scan(BYTES("\x93\x91\x91\xc0\x91\x91\xc0\x91\x91\x91\x91\x91\x91\x91\xc0"), MT_OK,
                MT_OK);
}

static void longer_forms_are_lenient_only(void **state) {
    static const struct {
        const char *p;
        size_t n;
    } forms[] = {
#define FORM(s) {s, sizeof(s) - 1}
        FORM("\xcc\x7f"),
        FORM("\xcd\x00\xff"),
        FORM("\xce\x00\x00\xff\xff"),
        FORM("\xcf\x00\x00\x00\x00\xff\xff\xff\xff"),
        FORM("\xd0\x05"),
        FORM("\xd0\xe0"),
        FORM("\xd1\x01\x00"),
        FORM("\xd1\xff\x80"),
        FORM("\xd2\x00\x01\x00\x00"),
        FORM("\xd2\xff\xff\x80\x00"),
        FORM("\xd3\x7f\xff\xff\xff\xff\xff\xff\xff"),
        FORM("\xd3\xff\xff\xff\xff\x80\x00\x00\x00"),
        FORM("\xd9\x01x"),
        FORM("\xda\x00\x01x"),
        FORM("\xdb\x00\x00\x00\x01x"),
        FORM("\xc5\x00\x01x"),
        FORM("\xc6\x00\x00\x00\x01x"),
        FORM("\xdc\x00\x01\x01"),
        FORM("\xdd\x00\x00\x00\x01\x01"),
        FORM("\xde\x00\x01\x01\x01"),
        FORM("\xdf\x00\x00\x00\x01\x01\x01"),
        FORM("\xc7\x01\x05x"),
        FORM("\xc7\x04\x05wxyz"),
        FORM("\xc8\x00\x03\x05xyz"),
        FORM("\xc9\x00\x00\x00\x03\x05xyz"),
        FORM("\xca\x3f\x80\x00\x00"),                 /* 1.0 is the integer 1 */
        FORM("\xca\x80\x00\x00\x00"),                 /* -0.0 is the integer 0 */
        FORM("\xcb\x3f\xe0\x00\x00\x00\x00\x00\x00"), /* 0.5 is a float32 */
        FORM("\xcb\x43\xdf\xff\xff\xff\xff\xff\xff"), /* a whole number that is no float32 */
        FORM("\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00"), /* infinity is a float32 */
        FORM("\xca\x7f\xc0\x00\x01"),                 /* another NaN */
        FORM("\xca\xff\xc0\x00\x00"),
        FORM("\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00"), /* NaN as a float64 */
        FORM("\x82\x01\x00\x01\x00"),                 /* the same key twice */
        FORM("\x82\x02\x00\x01\x00"),
        FORM("\x82\xa1y\x00\xa1x\x00"),
        FORM("\x82\xa2xx\x00\xa1y\x00"), /* by bytes of the encoding: short strings first */
        FORM("\x82\x91\x02\x00\x91\x01\x00"),
        FORM("\x91\x82\x01\x80\x01\x80"),
        FORM("\x82\x01\x82\x02\x00\x01\x00\x03\x00"), /* wrong inside, right outside */
#undef FORM
    };
    (void)state;
    for (size_t i = 0; i < MT_ARRAY_LEN(forms); i++)
        assert_scan(mt_slice(forms[i].p, forms[i].n), MT_ECANONICAL, MT_OK);
    assert_scan(BYTES("\x82\x01\x82\x01\x00\x02\x00\x03\x00"), MT_OK, MT_OK);
    assert_scan(BYTES("\x82\xa1y\x00\xa2xx\x00"), MT_OK, MT_OK);
    assert_scan(BYTES("\xca\x7f\xc0\x00\x00"), MT_OK, MT_OK);
    assert_scan(BYTES("\xca\x7f\x80\x00\x00"), MT_OK, MT_OK);
    assert_scan(BYTES("\xc7\x03\x05xyz"), MT_OK, MT_OK);
    assert_scan(BYTES("\xc1"), MT_ETYPE, MT_ETYPE);
    assert_scan(BYTES("\x92\x01\xc1"), MT_ETYPE, MT_ETYPE);
}

static void strings_are_utf8_in_both_modes(void **state) {
    static const char *const good[] = {"",
                                       "a",
                                       "\x7f",
                                       "\xc2\x80",
                                       "\xdf\xbf",
                                       "\xe0\xa0\x80",
                                       "\xed\x9f\xbf",
                                       "\xee\x80\x80",
                                       "\xef\xbf\xbf",
                                       "\xf0\x90\x80\x80",
                                       "\xf4\x8f\xbf\xbf",
                                       "abcdefgh\xc3\xa9ijklmnop"};
    static const char *const bad[] = {"\x80",
                                      "\xbf",
                                      "\xc0\x80",
                                      "\xc1\xbf",
                                      "\xc2",
                                      "\xc2\x7f",
                                      "\xc2\xc0",
                                      "\xe0\x9f\xbf",
                                      "\xe0\xa0",
                                      "\xe1\x80",
                                      "\xe1\x80\x7f",
                                      "\xe1\x80\xc0",
                                      "\xed\xa0\x80",
                                      "\xed\xbf\xbf",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xf0\x90\x80",
                                      "\xf1\x80\x80\x7f",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xff",
                                      "abcdefg\x80",
                                      "abcdefgh\xc3",
                                      "\xc3\xa9\xc3"};
    uint8_t buf[64];
    (void)state;
    for (size_t i = 0; i < MT_ARRAY_LEN(good) + MT_ARRAY_LEN(bad); i++) {
        bool ok = i < MT_ARRAY_LEN(good);
        struct mt_slice s = mt_slice_str(ok ? good[i] : bad[i - MT_ARRAY_LEN(good)]);
        struct mt_writer w = mt_writer(buf, sizeof buf);
        assert_int_equal(mt_utf8_valid(s), ok);
        mt_wire_put_str(&w, s);
        enum mt_err want = ok ? MT_OK : MT_EVALUE;
        assert_scan(mt_writer_slice(&w), want, want);
    }
    /* NUL, at every place in and behind the eight-byte steps. */
    for (size_t i = 0; i < 20; i++) {
        memset(buf, 'a', 20);
        assert_true(mt_utf8_valid(mt_slice(buf, 20)));
        buf[i] = 0;
        assert_false(mt_utf8_valid(mt_slice(buf, 20)));
        buf[i] = 0x80;
        assert_false(mt_utf8_valid(mt_slice(buf, 20)));
    }
}

static uint64_t next_random(uint64_t *x) {
    *x ^= *x << 13;
    *x ^= *x >> 7;
    *x ^= *x << 17;
    return *x;
}

/* Whatever we accept msgpack-c accepts at the same length; and what is canonical it writes back
 * byte for byte. */
static void check_against_msgpack_c(struct mt_slice in, size_t counts[2]) {
    size_t len, at = 0;
    struct mt_reader r;
    if (scan(in, MT_WIRE_LENIENT, MAX, &len) != MT_OK) {
        assert_int_not_equal(scan(in, MT_WIRE_CANONICAL, MAX, &len), MT_OK);
        return;
    }
    counts[0]++;
    msgpack_unpacked u;
    msgpack_unpacked_init(&u);
    assert_int_equal(msgpack_unpack_next(&u, (const char *)in.p, in.n, &at),
                     MSGPACK_UNPACK_SUCCESS);
    assert_int_equal(at, len);
    r = mt_reader(mt_slice(in.p, len));
    assert_int_equal(mt_wire_raw(&r).n, len);
    if (scan(in, MT_WIRE_CANONICAL, MAX, &len) == MT_OK) {
        msgpack_sbuffer out;
        msgpack_packer pk;
        counts[1]++;
        msgpack_sbuffer_init(&out);
        msgpack_packer_init(&pk, &out, msgpack_sbuffer_write);
        msgpack_pack_object(&pk, u.data);
        assert_int_equal(out.size, len);
        assert_memory_equal(out.data, in.p, len);
        msgpack_sbuffer_destroy(&out);
    }
    msgpack_unpacked_destroy(&u);
}

static void random_bytes_mean_the_same_to_msgpack_c(void **state) {
    uint8_t buf[512], sample[512];
    uint64_t x = 0x9e3779b97f4a7c15;
    size_t n = wire_sample(sample, sizeof sample), counts[2] = {0, 0};
    (void)state;
    for (int round = 0; round < 40000; round++) {
        size_t len = 1 + next_random(&x) % 40;
        if (round % 2 == 0) {
            for (size_t i = 0; i < len; i++)
                buf[i] = (uint8_t)(next_random(&x) >> 32);
            buf[0] = (uint8_t)(0x80 | next_random(&x) % 0x60);
        } else {
            len = n;
            memcpy(buf, sample, n);
            for (int i = 0; i < 1 + round % 3; i++)
                buf[next_random(&x) % n] = (uint8_t)(next_random(&x) >> 32);
        }
        check_against_msgpack_c(mt_slice(buf, len), counts);
    }
    assert_true(counts[0] > 2000 && counts[1] > 500 && counts[1] < counts[0]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cut_of_a_message_is_incomplete),
        cmocka_unit_test(length_is_held_to_its_cap),
        cmocka_unit_test(five_bytes_cannot_ask_for_gigabytes),
        cmocka_unit_test(nesting_is_held_to_its_cap),
        cmocka_unit_test(longer_forms_are_lenient_only),
        cmocka_unit_test(strings_are_utf8_in_both_modes),
        cmocka_unit_test(random_bytes_mean_the_same_to_msgpack_c),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
