#include "vectors.h"

#include "key.h"

#include <stdio.h>

#ifndef MEENT_TEST_VECTORS
#define MEENT_TEST_VECTORS "tests/vectors"
#endif

json_t *vectors_load(const char *path) {
    char full[256];
    json_error_t error;
    int n = snprintf(full, sizeof full, "%s/%s", MEENT_TEST_VECTORS, path);
    assert_in_range(n, 1, sizeof full - 1);
    json_t *root = json_load_file(full, 0, &error);
    if (!root)
        fail_msg("%s:%d: %s", error.source, error.line, error.text);
    return root;
}

json_t *vectors_get(const json_t *object, const char *key) {
    json_t *v = json_object_get(object, key);
    if (!v)
        fail_msg("no member %s", key);
    return v;
}

const char *vectors_text(const json_t *object, const char *key) {
    json_t *v = vectors_get(object, key);
    assert_true(json_is_string(v));
    return json_string_value(v);
}

uint64_t vectors_uint(const json_t *object, const char *key) {
    json_t *v = vectors_get(object, key);
    assert_true(json_is_integer(v));
    return (uint64_t)json_integer_value(v);
}

struct mt_slice vectors_unhex(const json_t *string, uint8_t *buf, size_t cap) {
    assert_true(json_is_string(string));
    const char *p = json_string_value(string);
    const char *end = p + json_string_length(string);
    size_t n = 0;
    while (p < end) {
        assert_true(end - p >= 2 && n < cap);
        assert_int_equal(mt_unhex(buf + n, 1, mt_slice(p, 2)), MT_OK);
        n++;
        p += p[2] == '-' ? 3 : 2;
    }
    return mt_slice(buf, n);
}

struct mt_slice vectors_bytes(const json_t *object, const char *key, uint8_t *buf, size_t cap) {
    return vectors_unhex(vectors_get(object, key), buf, cap);
}

void vectors_fixed(const json_t *object, const char *key, void *out, size_t n) {
    assert_int_equal(vectors_bytes(object, key, out, n).n, n);
}

struct mt_id vectors_id(const json_t *object, const char *key) {
    struct mt_id id;
    vectors_fixed(object, key, id.b, sizeof id.b);
    return id;
}

void assert_bytes(struct mt_slice got, struct mt_slice want) {
    assert_int_equal(got.n, want.n);
    if (want.n > 0)
        assert_memory_equal(got.p, want.p, want.n);
}
