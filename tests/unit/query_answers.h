/* Looking into the answers of commands. Included by query_world.h alone. */
#ifndef MEENT_TEST_QUERY_ANSWERS_H
#define MEENT_TEST_QUERY_ANSWERS_H

/* A value by a path such as "records.0.host.name". False when it is not there. */
static inline bool find(struct mt_slice value, const char *path, struct mt_slice *out) {
    struct mt_slice rest = mt_slice_str(path);
    *out = value;
    while (rest.p && rest.n) {
        struct mt_slice part = mt_text_cut(&rest, '.');
        char key[64];
        (void)snprintf(key, sizeof key, "%.*s", (int)part.n, (const char *)part.p);
        struct mt_reader r = mt_reader(*out);
        if (mt_wire_peek(&r) == MT_WIRE_ARRAY) {
            uint32_t n = mt_wire_array(&r, 0, UINT32_MAX), at = (uint32_t)atoi(key);
            if (at >= n)
                return false;
            for (uint32_t i = 0; i < at; i++)
                mt_wire_skip(&r);
            *out = mt_wire_raw(&r);
        } else if (mt_wire_find(*out, key, out)) {
            return false;
        }
    }
    return true;
}

static inline void expect_text(const struct answer *a, const char *path, const char *text) {
    struct mt_slice v;
    if (a->err)
        fail_msg("%s: %s", mt_err_code(a->err), a->message);
    if (!find(a->result, path, &v))
        fail_msg("%s is not there", path);
    struct mt_reader r = mt_reader(v);
    if (!text) {
        assert_int_equal(mt_wire_peek(&r), MT_WIRE_NIL);
        return;
    }
    struct mt_slice s = mt_wire_str(&r, 4096);
    assert_int_equal(r.err, MT_OK);
    if (!mt_slice_is(s, text))
        fail_msg("%s is \"%.*s\", not \"%s\"", path, (int)s.n, (const char *)s.p, text);
}

static inline uint64_t number(const struct answer *a, const char *path) {
    struct mt_slice v;
    if (a->err)
        fail_msg("%s: %s", mt_err_code(a->err), a->message);
    if (!find(a->result, path, &v))
        fail_msg("%s is not there", path);
    struct mt_reader r = mt_reader(v);
    uint64_t n = mt_wire_uint(&r, UINT64_MAX);
    assert_int_equal(r.err, MT_OK);
    return n;
}

static inline bool is_true(const struct answer *a, const char *path) {
    struct mt_slice v;
    assert_true(find(a->result, path, &v));
    struct mt_reader r = mt_reader(v);
    return mt_wire_bool(&r);
}

static inline void copy_text(const struct answer *a, const char *path, char *out, size_t size) {
    struct mt_slice v;
    if (a->err)
        fail_msg("%s: %s", mt_err_code(a->err), a->message);
    assert_true(find(a->result, path, &v));
    struct mt_reader r = mt_reader(v);
    struct mt_slice s = mt_wire_str(&r, size - 1);
    assert_int_equal(r.err, MT_OK);
    (void)snprintf(out, size, "%.*s", (int)s.n, (const char *)s.p);
}

/* Runs a command that must succeed and gives back its "id". */
static inline void run_id(struct org *o, const char *method, const char *params, char id[65]) {
    struct answer *a = run(o, method, params);
    copy_text(a, "id", id, 65);
    answer_free(a);
}

/* Runs a command that must fail so. `part`: in its message, or NULL. */
static inline void run_fails(struct org *o, const char *method, const char *params, enum mt_err err,
                             const char *part) {
    struct answer *a = run(o, method, params);
    if (a->err != err || (part && !strstr(a->message, part)))
        fail_msg("%s %s: %s: %s", method, params, mt_err_code(a->err), a->message);
    answer_free(a);
}

#endif
