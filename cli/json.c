#include "json.h"

#include "limits.h"

#include <stdlib.h>

static json_t *take(struct mt_reader *r);

static json_t *hex(struct mt_slice bytes) {
    static const char alphabet[] = "0123456789abcdef";
    char *text = malloc(bytes.n * 2 + 1);
    if (!text)
        return NULL;
    for (size_t i = 0; i < bytes.n; i++) {
        text[2 * i] = alphabet[bytes.p[i] >> 4];
        text[2 * i + 1] = alphabet[bytes.p[i] & 15];
    }
    json_t *v = json_stringn(text, bytes.n * 2);
    free(text);
    return v;
}

static json_t *take_array(struct mt_reader *r) {
    json_t *array = json_array();
    for (uint32_t left = mt_wire_array(r, 0, MT_MESSAGE_MAX); left > 0 && !r->err; left--) {
        if (json_array_append_new(array, take(r)) != 0) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

static json_t *take_map(struct mt_reader *r) {
    json_t *object = json_object();
    for (uint32_t left = mt_wire_map(r, MT_MESSAGE_MAX); left > 0 && !r->err; left--) {
        struct mt_slice key = mt_wire_str(r, MT_STRING_MAX);
        if (r->err || json_object_setn_new(object, (const char *)key.p, key.n, take(r)) != 0) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

/* The nesting was bounded by the scan. Returns NULL on error, which then sticks in `r` or is a
 * want of memory. */
static json_t *take(struct mt_reader *r) {
    struct mt_slice s;
    switch (mt_wire_peek(r)) {
    case MT_WIRE_NIL:
        mt_wire_nil(r);
        return json_null();
    case MT_WIRE_BOOL:
        return json_boolean(mt_wire_bool(r));
    case MT_WIRE_UINT: {
        uint64_t n = mt_wire_uint(r, UINT64_MAX);
        return n > INT64_MAX ? json_real((double)n) : json_integer((json_int_t)n);
    }
    case MT_WIRE_NEGATIVE:
        return json_integer(mt_wire_int(r));
    case MT_WIRE_FLOAT:
        return json_real(mt_wire_float(r)); /* NULL when it is not finite */
    case MT_WIRE_STR:
        s = mt_wire_str(r, MT_MESSAGE_MAX);
        return r->err ? NULL : json_stringn((const char *)s.p, s.n);
    case MT_WIRE_BIN:
        s = mt_wire_bin(r, MT_MESSAGE_MAX);
        return r->err ? NULL : hex(s);
    case MT_WIRE_ARRAY:
        return take_array(r);
    case MT_WIRE_MAP:
        return take_map(r);
    default:
        return NULL;
    }
}

enum mt_err mt_json_read(struct mt_slice value, json_t **out) {
    struct mt_reader r;
    *out = NULL;
    enum mt_err err = mt_wire_open(&r, value, MT_WIRE_LENIENT, MT_MESSAGE_MAX);
    if (err)
        return err;
    json_t *v = take(&r);
    if (r.err) {
        json_decref(v);
        return r.err;
    }
    if (!v)
        return MT_ETYPE;
    *out = v;
    return MT_OK;
}

void mt_json_write(const json_t *value, struct mt_writer *w) {
    const char *key;
    json_t *item;
    size_t i;
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        mt_wire_put_map(w, json_object_size(value));
        json_object_foreach((json_t *)value, key, item) {
            mt_wire_put_cstr(w, key);
            mt_json_write(item, w);
        }
        return;
    case JSON_ARRAY:
        mt_wire_put_array(w, json_array_size(value));
        json_array_foreach(value, i, item) {
            mt_json_write(item, w);
        }
        return;
    case JSON_STRING:
        mt_wire_put_str(w, mt_slice(json_string_value(value), json_string_length(value)));
        return;
    case JSON_INTEGER:
        mt_wire_put_int(w, json_integer_value(value));
        return;
    case JSON_REAL:
        mt_wire_put_float(w, json_real_value(value));
        return;
    case JSON_TRUE:
    case JSON_FALSE:
        mt_wire_put_bool(w, json_is_true(value));
        return;
    case JSON_NULL:
        mt_wire_put_nil(w);
        return;
    }
}

const char *mt_json_str(const json_t *object, const char *key) {
    return json_string_value(json_object_get(object, key));
}

json_int_t mt_json_int(const json_t *object, const char *key, json_int_t missing) {
    const json_t *v = json_object_get(object, key);
    return json_is_integer(v) ? json_integer_value(v) : missing;
}

const char *mt_json_ref(const json_t *object, const char *key) {
    const json_t *ref = json_object_get(object, key);
    if (json_is_string(ref))
        return json_string_value(ref);
    const char *name = mt_json_str(ref, "name");
    return name ? name : mt_json_str(ref, "id");
}
