/* Reader and writer over caller memory: exact at the edge, and the first error sticks. */
#include "buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void writer_fills_its_memory_to_the_last_byte(void **state) {
    uint8_t mem[5] = {0, 0, 0, 0, 0xee};
    struct mt_writer w = mt_writer(mem, 4);
    (void)state;
    mt_writer_put(&w, "abc", 3);
    mt_writer_u8(&w, 'd');
    assert_int_equal(w.err, MT_OK);
    assert_true(mt_slice_is(mt_writer_slice(&w), "abcd"));
    mt_writer_u8(&w, 'e');
    assert_int_equal(w.err, MT_ETOOLONG);
    assert_int_equal(mem[4], 0xee);
}

static void writer_puts_all_of_a_piece_or_nothing(void **state) {
    uint8_t mem[4] = {0};
    struct mt_writer w = mt_writer(mem, sizeof mem);
    (void)state;
    mt_writer_put(&w, "ab", 2);
    mt_writer_put(&w, "cde", 3);
    assert_int_equal(w.err, MT_ETOOLONG);
    mt_writer_put(&w, "f", 1); /* would fit, but the error sticks */
    assert_null(mt_writer_take(&w, 1));
    assert_true(mt_slice_is(mt_writer_slice(&w), "ab"));
    assert_int_equal(mem[2], 0);
}

static void writer_refuses_lengths_that_wrap(void **state) {
    uint8_t mem[4];
    struct mt_writer w = mt_writer(mem, sizeof mem);
    (void)state;
    mt_writer_u16(&w, 1);
    assert_null(mt_writer_take(&w, SIZE_MAX));
    assert_int_equal(w.err, MT_ETOOLONG);
    assert_int_equal(w.n, 2);
}

static void integers_are_big_endian_both_ways(void **state) {
    static const uint8_t want[15] = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08,
                                     0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f};
    uint8_t mem[15];
    struct mt_writer w = mt_writer(mem, sizeof mem);
    (void)state;
    mt_writer_u8(&w, 0x01);
    mt_writer_u16(&w, 0x0203);
    mt_writer_u32(&w, 0x04050607);
    mt_writer_u64(&w, UINT64_C(0x08090a0b0c0d0e0f));
    assert_int_equal(w.err, MT_OK);
    assert_memory_equal(mem, want, sizeof want);
    struct mt_reader r = mt_reader(mt_writer_slice(&w));
    assert_int_equal(mt_reader_u8(&r), 0x01);
    assert_int_equal(mt_reader_u16(&r), 0x0203);
    assert_int_equal(mt_reader_u32(&r), 0x04050607);
    assert_true(mt_reader_u64(&r) == UINT64_C(0x08090a0b0c0d0e0f));
    assert_int_equal(mt_reader_end(&r), MT_OK);
}

static void reader_stops_where_the_bytes_stop(void **state) {
    struct mt_reader r = mt_reader(mt_slice_str("abcd"));
    uint8_t out[3] = {1, 2, 3};
    (void)state;
    assert_int_equal(mt_reader_left(&r), 4);
    assert_memory_equal(mt_reader_take(&r, 2), "ab", 2);
    assert_int_equal(mt_reader_left(&r), 2);
    mt_reader_get(&r, out, 3);
    assert_int_equal(r.err, MT_ETRUNCATED);
    assert_memory_equal(out, "\0\0\0", 3);
    assert_int_equal(mt_reader_left(&r), 0);
    assert_null(mt_reader_take(&r, 1));
    assert_int_equal(mt_reader_u64(&r), 0);
    assert_int_equal(mt_reader_end(&r), MT_ETRUNCATED);
}

static void reader_refuses_lengths_that_wrap(void **state) {
    struct mt_reader r = mt_reader(mt_slice_str("abcd"));
    (void)state;
    assert_int_equal(mt_reader_u8(&r), 'a');
    assert_null(mt_reader_take(&r, SIZE_MAX));
    assert_int_equal(r.err, MT_ETRUNCATED);
}

static void bytes_left_over_are_an_error_at_the_end(void **state) {
    struct mt_reader r = mt_reader(mt_slice_str("abc"));
    (void)state;
    assert_int_equal(mt_reader_u16(&r), 0x6162);
    assert_int_equal(mt_reader_end(&r), MT_ETRAILING);
    assert_int_equal(mt_reader_u8(&r), 0); /* and that sticks as well */
}

static void every_error_has_a_class_a_code_and_a_text(void **state) {
    (void)state;
    for (int i = 0; i < MT_ERR_COUNT; i++) {
        assert_true(mt_err_code((enum mt_err)i)[0] != '\0');
        assert_true(mt_err_text((enum mt_err)i)[0] != '\0');
        for (int j = 0; j < i; j++)
            assert_string_not_equal(mt_err_code((enum mt_err)i), mt_err_code((enum mt_err)j));
    }
    assert_int_equal(mt_err_class(MT_OK), MT_CLASS_NONE);
    assert_int_equal(mt_err_class(MT_ECANONICAL), MT_CLASS_PEER);
    assert_int_equal(mt_err_class(MT_ENOSPACE), MT_CLASS_LOCAL);
    assert_int_equal(mt_err_class(MT_ERR_COUNT), MT_CLASS_BUG);
    assert_string_equal(mt_err_code(MT_ENOSPACE), "no-space");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writer_fills_its_memory_to_the_last_byte),
        cmocka_unit_test(writer_puts_all_of_a_piece_or_nothing),
        cmocka_unit_test(writer_refuses_lengths_that_wrap),
        cmocka_unit_test(integers_are_big_endian_both_ways),
        cmocka_unit_test(reader_stops_where_the_bytes_stop),
        cmocka_unit_test(reader_refuses_lengths_that_wrap),
        cmocka_unit_test(bytes_left_over_are_an_error_at_the_end),
        cmocka_unit_test(every_error_has_a_class_a_code_and_a_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
