/* Invitation codes: bech32m, in one case, with blanks around. */
#include "vectors.h"

#include "code.h"

#include <ctype.h>
#include <stdlib.h>

enum { TEXT = MT_CODE_TEXT_MAX + 64 };

static size_t encode(const uint8_t *data, size_t n, char *text) {
    struct mt_writer w = mt_writer(text, TEXT);
    assert_int_equal(mt_code_put(&w, mt_slice(data, n)), MT_OK);
    return w.n;
}

/* Decodes a copy in memory of its exact size, so that a read past its end shows. */
static enum mt_err decode(const char *text, size_t n, struct mt_writer *out) {
    uint8_t *exact = malloc(n ? n : 1);
    assert_non_null(exact);
    memcpy(exact, text, n);
    enum mt_err err = mt_code_get(mt_slice(exact, n), out);
    free(exact);
    return err;
}

static enum mt_err refuses(const char *text, size_t n) {
    uint8_t out[MT_CODE_DATA_MAX + 8];
    struct mt_writer w = mt_writer(out, sizeof out);
    return decode(text, n, &w);
}

static void every_length_comes_back(void **state) {
    uint8_t data[MT_CODE_DATA_MAX], out[MT_CODE_DATA_MAX];
    char text[TEXT];
    (void)state;
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 37 + 11);
    for (size_t n = 0; n <= sizeof data; n++) {
        struct mt_writer w = mt_writer(out, sizeof out);
        size_t len = encode(data, n, text);
        assert_true(len <= MT_CODE_TEXT_MAX);
        assert_memory_equal(text, "MEENT1", 6);
        assert_int_equal(decode(text, len, &w), MT_OK);
        assert_bytes(mt_writer_slice(&w), mt_slice(data, n));
    }
}

static void one_byte_more_than_the_cap_is_refused(void **state) {
    uint8_t data[MT_CODE_DATA_MAX + 1] = {0}, out[MT_CODE_DATA_MAX + 8];
    char text[TEXT];
    (void)state;
    struct mt_writer w = mt_writer(text, sizeof text);
    assert_int_equal(mt_code_put(&w, mt_slice(data, sizeof data)), MT_ETOOLONG);
    size_t n = encode(data, MT_CODE_DATA_MAX, text);
    w = mt_writer(text, n - 1);
    assert_int_equal(mt_code_put(&w, mt_slice(data, MT_CODE_DATA_MAX)), MT_ETOOLONG);
    memset(text, 'Q', sizeof text);
    memcpy(text, "MEENT1", 6);
    w = mt_writer(out, sizeof out);
    assert_int_equal(mt_code_get(mt_slice(text, MT_CODE_TEXT_MAX), &w), MT_EVALUE);
    assert_int_equal(mt_code_get(mt_slice(text, MT_CODE_TEXT_MAX + 1), &w), MT_ETOOLONG);
    n = encode(data, 65, text);
    w = mt_writer(out, 64);
    assert_int_equal(mt_code_get(mt_slice(text, n), &w), MT_ETOOLONG);
}

static void each_shorter_code_is_refused(void **state) {
    uint8_t data[65] = {1, 2, 3};
    char text[TEXT];
    (void)state;
    size_t n = encode(data, sizeof data, text);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(refuses(text, i), MT_EVALUE);
}

static void each_other_character_is_refused(void **state) {
    uint8_t data[40] = {9, 8, 7};
    char text[TEXT];
    (void)state;
    size_t n = encode(data, sizeof data, text);
    for (size_t i = 0; i < n; i++)
        for (int c = 0; c < 256; c++) {
            char was = text[i];
            bool edge = i == 0 || i == n - 1;
            if (c == (unsigned char)was || (edge && c <= ' '))
                continue; /* a blank at the end only makes it shorter, as tested above */
            text[i] = (char)c;
            assert_int_equal(refuses(text, n), MT_EVALUE);
            text[i] = was;
        }
}

static void one_case_only_and_blanks_around(void **state) {
    uint8_t data[] = {0xde, 0xad, 0xbe, 0xef, 0x55, 0xaa}, out[16];
    char text[TEXT], around[TEXT];
    (void)state;
    size_t n = encode(data, sizeof data, text), letters = 0;
    for (size_t i = 0; i < n; i++) {
        if (!isalpha((unsigned char)text[i]))
            continue;
        letters++;
        text[i] = (char)tolower((unsigned char)text[i]);
        assert_int_equal(refuses(text, n), MT_EVALUE);
        text[i] = (char)toupper((unsigned char)text[i]);
    }
    assert_true(letters > 6);
    for (size_t i = 0; i < n; i++)
        text[i] = (char)tolower((unsigned char)text[i]);
    memcpy(around, " \t\n", 3);
    memcpy(around + 3, text, n);
    memcpy(around + 3 + n, "\r\n ", 3);
    struct mt_writer w = mt_writer(out, sizeof out);
    assert_int_equal(decode(around, n + 6, &w), MT_OK);
    assert_bytes(mt_writer_slice(&w), mt_slice(data, sizeof data));
    around[3 + 8] = ' ';
    assert_int_equal(refuses(around, n + 6), MT_EVALUE);
}

static void frozen_codes(void **state) {
    json_t *root = vectors_load("meent/code.json"), *c;
    size_t i;
    (void)state;
    assert_true(json_array_size(vectors_get(root, "codes")) >= 4);
    json_array_foreach(vectors_get(root, "codes"), i, c) {
        uint8_t data[MT_CODE_DATA_MAX], out[MT_CODE_DATA_MAX];
        char text[TEXT];
        struct mt_slice want = vectors_bytes(c, "data", data, sizeof data);
        size_t n = encode(data, want.n, text);
        assert_bytes(mt_slice(text, n), mt_slice_str(vectors_text(c, "text")));
        struct mt_writer w = mt_writer(out, sizeof out);
        assert_int_equal(decode(text, n, &w), MT_OK);
        assert_bytes(mt_writer_slice(&w), want);
    }
    json_array_foreach(vectors_get(root, "refused"), i, c) {
        assert_true(json_is_string(c));
        assert_int_equal(refuses(json_string_value(c), json_string_length(c)), MT_EVALUE);
    }
    json_decref(root);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_length_comes_back),
        cmocka_unit_test(one_byte_more_than_the_cap_is_refused),
        cmocka_unit_test(each_shorter_code_is_refused),
        cmocka_unit_test(each_other_character_is_refused),
        cmocka_unit_test(one_case_only_and_blanks_around),
        cmocka_unit_test(frozen_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
