#include "ctl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#define GET(bytes, m, used) mt_ctl_get(mt_slice(bytes, sizeof bytes - 1), m, used)

static void request_round_trip(void **state) {
    (void)state;
    uint8_t b[256];
    struct mt_writer w = mt_writer(b, sizeof b);
    mt_ctl_request_begin(&w, 4294967295u, "record.list");
    mt_wire_put_map(&w, 1);
    mt_wire_put_cstr(&w, "kind");
    mt_wire_put_cstr(&w, "activity");
    assert_int_equal(w.err, MT_OK);
    mt_writer_put(&w, "\x94", 1); /* the next message has begun */
    struct mt_ctl m;
    size_t used;
    assert_int_equal(mt_ctl_get(mt_writer_slice(&w), &m, &used), MT_OK);
    assert_int_equal(used, w.n - 1);
    assert_int_equal(m.type, MT_CTL_REQUEST);
    assert_int_equal(m.id, 4294967295u);
    assert_true(mt_slice_is(m.method, "record.list"));
    struct mt_slice kind;
    assert_int_equal(mt_wire_find(m.params, "kind", &kind), MT_OK);
    struct mt_reader r = mt_reader(kind);
    assert_true(mt_slice_is(mt_wire_str(&r, 64), "activity"));
}

static void every_proper_prefix_is_incomplete(void **state) {
    (void)state;
    uint8_t b[256];
    struct mt_writer w = mt_writer(b, sizeof b);
    mt_ctl_result_begin(&w, 7);
    mt_wire_put_cstr(&w, "pong");
    struct mt_ctl m;
    size_t used;
    for (size_t n = 0; n < w.n; n++) {
        assert_int_equal(mt_ctl_get(mt_slice(b, n), &m, &used), MT_EAGAIN);
        assert_int_equal(used, 0);
    }
    assert_int_equal(mt_ctl_get(mt_slice(b, w.n), &m, &used), MT_OK);
    assert_int_equal(m.type, MT_CTL_RESPONSE);
    assert_int_equal(m.id, 7);
    assert_int_equal(m.error.n, 0);
    assert_int_equal(m.result.n, 5);
}

static void error_round_trip(void **state) {
    (void)state;
    uint8_t b[8192];
    struct mt_writer w = mt_writer(b, sizeof b);
    mt_ctl_error_put(&w, 3, "not-found", "host: caf\xc3\xa9");
    struct mt_ctl m;
    size_t used;
    assert_int_equal(mt_ctl_get(mt_writer_slice(&w), &m, &used), MT_OK);
    assert_true(mt_slice_is(m.error, "not-found: host: caf\xc3\xa9"));
    assert_int_equal(m.id, 3);
}

static void long_or_broken_error_text_still_arrives(void **state) {
    (void)state;
    uint8_t b[8192];
    char *text = malloc(9001);
    for (size_t i = 0; i < 9000; i += 2)
        memcpy(text + i, "\xc3\xa9", 2);
    text[9000] = 0;
    for (size_t shift = 0; shift < 2; shift++) {
        struct mt_writer w = mt_writer(b, sizeof b);
        mt_ctl_error_put(&w, 1, shift ? "full" : "denied", text);
        struct mt_ctl m;
        size_t used;
        assert_int_equal(mt_ctl_get(mt_writer_slice(&w), &m, &used), MT_OK);
        assert_in_range(m.error.n, 4000, 4096);
    }
    struct mt_writer w = mt_writer(b, sizeof b);
    mt_ctl_error_put(&w, 1, "io", "\xff\xfe");
    struct mt_ctl m;
    size_t used;
    assert_int_equal(mt_ctl_get(mt_writer_slice(&w), &m, &used), MT_OK);
    assert_true(mt_slice_is(m.error, "io: "));
    free(text);
}

static void notification_round_trip(void **state) {
    (void)state;
    uint8_t b[64];
    struct mt_writer w = mt_writer(b, sizeof b);
    mt_ctl_notification_begin(&w, "progress");
    mt_wire_put_map(&w, 0);
    struct mt_ctl m;
    size_t used;
    assert_int_equal(mt_ctl_get(mt_writer_slice(&w), &m, &used), MT_OK);
    assert_int_equal(m.type, MT_CTL_NOTIFICATION);
    assert_true(mt_slice_is(m.method, "progress"));
}

static void no_parameters_read_as_an_empty_map(void **state) {
    (void)state;
    struct mt_ctl m;
    size_t used;
    assert_int_equal(GET("\x94\x00\x01\xa4ping\x90", &m, &used), MT_OK);
    struct mt_reader r = mt_reader(m.params);
    assert_int_equal(mt_wire_map(&r, 0), 0);
    assert_int_equal(mt_reader_end(&r), MT_OK);
}

static void other_clients_may_use_longer_forms(void **state) {
    (void)state;
    struct mt_ctl m;
    size_t used;
    assert_int_equal(
        GET("\xdc\x00\x04\xcc\x00\xce\x00\x00\x00\x05\xd9\x04ping\xdc\x00\x01\xde\x00\x00", &m,
            &used),
        MT_OK);
    assert_int_equal(m.id, 5);
}

static void wrong_shapes_are_refused(void **state) {
    (void)state;
    struct mt_ctl m;
    size_t used;
    assert_int_equal(GET("\xc0", &m, &used), MT_ETYPE);
    assert_int_equal(GET("\xc1", &m, &used), MT_ETYPE);
    assert_int_not_equal(GET("\x90", &m, &used), MT_OK);
    assert_int_not_equal(GET("\x95\x00\x01\xa1x\x90\xc0", &m, &used), MT_OK);
    assert_int_not_equal(GET("\x93\x00\x01\xa1x", &m, &used), MT_OK);     /* short request */
    assert_int_not_equal(GET("\x94\x02\xa1x\x90\xc0", &m, &used), MT_OK); /* long notification */
    assert_int_not_equal(GET("\x94\x03\x01\xa1x\x90", &m, &used), MT_OK); /* unknown type */
    assert_int_not_equal(GET("\x94\x00\xff\xa1x\x90", &m, &used), MT_OK); /* negative id */
    assert_int_not_equal(GET("\x94\x00\x01\x02\x90", &m, &used), MT_OK);  /* method no text */
    assert_int_not_equal(GET("\x94\x00\x01\xa1x\x91\x01", &m, &used), MT_OK); /* params no map */
    assert_int_not_equal(GET("\x94\x00\x01\xa1x\x92\x80\x80", &m, &used), MT_OK);
    assert_int_not_equal(GET("\x94\x00\x01\xa1x\x80", &m, &used), MT_OK);
    assert_int_not_equal(GET("\x94\x01\x01\xa0\xc0", &m, &used), MT_OK); /* empty error text */
    assert_int_not_equal(GET("\x94\x01\x01\x05\xc0", &m, &used), MT_OK);
    assert_int_equal(used, 0);
}

static void method_length_is_capped(void **state) {
    (void)state;
    for (size_t n = MT_CTL_METHOD_MAX; n <= MT_CTL_METHOD_MAX + 1; n++) {
        uint8_t b[256];
        char name[MT_CTL_METHOD_MAX + 2] = {0};
        memset(name, 'm', n);
        struct mt_writer w = mt_writer(b, sizeof b);
        mt_ctl_request_begin(&w, 1, name);
        mt_wire_put_map(&w, 0);
        struct mt_ctl m;
        size_t used;
        enum mt_err err = mt_ctl_get(mt_writer_slice(&w), &m, &used);
        if (n == MT_CTL_METHOD_MAX)
            assert_int_equal(err, MT_OK);
        else
            assert_int_not_equal(err, MT_OK);
    }
}

static void message_length_is_capped_before_it_arrives(void **state) {
    (void)state;
    struct mt_ctl m;
    size_t used;
    /* A text of 2 GiB is announced in ten bytes. */
    assert_int_equal(GET("\x94\x00\x01\xdb\x7f\xff\xff\xff\x61\x61", &m, &used), MT_ETOOLONG);
    assert_int_equal(GET("\x91\x91\x91\x91\x91\x91\x91\x91\x91\xc0", &m, &used), MT_ETOODEEP);
}

static void random_bytes_never_pass_the_end(void **state) {
    (void)state;
    uint32_t x = 12345;
    for (int i = 0; i < 100000; i++) {
        uint8_t b[24];
        for (size_t k = 0; k < sizeof b; k++) {
            x = x * 1664525u + 1013904223u;
            b[k] = (uint8_t)(x >> 24);
        }
        b[0] = i % 2 ? 0x94 : 0x93;
        b[1] = (uint8_t)(i % 4);
        struct mt_ctl m;
        size_t used;
        uint8_t *exact = malloc(sizeof b); /* so that a sanitizer sees a read beyond it */
        memcpy(exact, b, sizeof b);
        if (mt_ctl_get(mt_slice(exact, sizeof b), &m, &used) == MT_OK)
            assert_in_range(used, 3, sizeof b);
        free(exact);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_round_trip),
        cmocka_unit_test(every_proper_prefix_is_incomplete),
        cmocka_unit_test(error_round_trip),
        cmocka_unit_test(long_or_broken_error_text_still_arrives),
        cmocka_unit_test(notification_round_trip),
        cmocka_unit_test(no_parameters_read_as_an_empty_map),
        cmocka_unit_test(other_clients_may_use_longer_forms),
        cmocka_unit_test(wrong_shapes_are_refused),
        cmocka_unit_test(method_length_is_capped),
        cmocka_unit_test(message_length_is_capped_before_it_arrives),
        cmocka_unit_test(random_bytes_never_pass_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
