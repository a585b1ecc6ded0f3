/* The control protocol, from both ends. A stream of any bytes is taken apart into messages that lie
 * within it, and cut short it is never taken for another one; a request or answer that is put
 * together comes apart the same; and an answer becomes a JSON value that survives the way back. */
#include "ctl.h"
#include "fuzz.h"
#include "json.h"

#include <stdlib.h>

static bool within(struct mt_slice part, struct mt_slice whole) {
    return part.n == 0 || (part.p >= whole.p && part.p + part.n <= whole.p + whole.n);
}

static bool is_one_value(struct mt_slice s) {
    size_t len;
    return mt_wire_scan(s, MT_WIRE_LENIENT, MT_MESSAGE_MAX, &len) == MT_OK && len == s.n;
}

/* Back and forth: the second time nothing changes any more (1.0 has become 1, bytes are text). */
static void json(struct mt_slice value) {
    json_t *first, *second, *third;
    if (mt_json_read(value, &first) != MT_OK) {
        NEED(first == NULL);
        return;
    }
    size_t cap = 4 * value.n + 64;
    uint8_t *p = fuzz_memory(cap);
    struct mt_writer w = mt_writer(p, cap);
    mt_json_write(first, &w);
    NEED(w.err == MT_OK && mt_json_read(mt_writer_slice(&w), &second) == MT_OK);
    w.n = 0;
    mt_json_write(second, &w);
    NEED(w.err == MT_OK && mt_json_read(mt_writer_slice(&w), &third) == MT_OK);
    NEED(json_equal(second, third));
    (void)mt_json_str(first, "name");
    (void)mt_json_int(first, "n", 0);
    (void)mt_json_ref(first, "host");
    json_decref(first);
    json_decref(second);
    json_decref(third);
    free(p);
}

static void one(const struct mt_ctl *m, struct mt_slice whole) {
    if (m->type == MT_CTL_RESPONSE) {
        NEED(within(m->error, whole) && within(m->result, whole) && is_one_value(m->result));
        json(m->result);
        return;
    }
    NEED(within(m->method, whole) && m->method.n <= MT_CTL_METHOD_MAX && is_one_value(m->params));
    struct mt_reader r = mt_reader(m->params);
    NEED(mt_wire_peek(&r) == MT_WIRE_MAP);
    json(m->params);
}

static void stream(struct fuzz *f) {
    size_t cut = fuzz_u16(f), used;
    struct mt_slice in = fuzz_rest(f);
    struct mt_ctl m;
    while (in.n) {
        enum mt_err err = mt_ctl_get(in, &m, &used);
        if (err) {
            NEED(used == 0 && m.method.n == 0 && m.result.n == 0);
            return;
        }
        NEED(used > 0 && used <= in.n);
        one(&m, mt_slice(in.p, used));
        struct mt_ctl part;
        size_t n = cut % used, part_used;
        NEED(mt_ctl_get(mt_slice(in.p, n), &part, &part_used) == MT_EAGAIN);
        in = mt_slice(in.p + used, in.n - used);
    }
}

/* Puts a value of some shape that `f` gives. */
static void put_value(struct fuzz *f, struct mt_writer *w, bool map) {
    uint8_t n = fuzz_u8(f) % 8;
    if (map)
        mt_wire_put_map(w, n);
    else
        mt_wire_put_array(w, n);
    for (uint8_t i = 0; i < n; i++) {
        char key[3] = {'k', (char)('a' + i), 0};
        if (map)
            mt_wire_put_cstr(w, key);
        switch (fuzz_u8(f) % 6) {
        case 0:
            mt_wire_put_uint(w, fuzz_number(f));
            break;
        case 1:
            mt_wire_put_int(w, -(int64_t)(fuzz_number(f) >> 1));
            break;
        case 2:
            mt_wire_put_bin(w, key, fuzz_u8(f) % 3);
            break;
        case 3:
            mt_wire_put_nil(w);
            break;
        case 4: {
            uint64_t bits = fuzz_u64(f);
            double d;
            memcpy(&d, &bits, sizeof d);
            mt_wire_put_float(w, d);
            break;
        }
        default:
            mt_wire_put_cstr(w, key + fuzz_u8(f) % 3);
        }
    }
}

static void text_of(struct fuzz *f, char *out, size_t cap) {
    struct mt_slice s = fuzz_take(f, fuzz_u8(f) % cap);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i])
            out[n++] = (char)s.p[i];
    out[n] = 0;
}

static void made(struct fuzz *f) {
    static uint8_t buf[16 * 1024];
    char text[256];
    struct mt_writer w = mt_writer(buf, sizeof buf - 1);
    struct mt_ctl m;
    size_t used;
    uint8_t how = fuzz_u8(f);
    uint32_t id = (uint32_t)fuzz_number(f);
    text_of(f, text, sizeof text);
    bool utf8 = mt_utf8_valid(mt_slice_str(text));
    if (how % 4 == 0)
        mt_ctl_request_begin(&w, id, text);
    else if (how % 4 == 1)
        mt_ctl_result_begin(&w, id);
    else if (how % 4 == 2)
        mt_ctl_notification_begin(&w, text);
    else
        mt_ctl_error_put(&w, id, "denied", text);
    size_t head = w.n;
    if (how % 4 != 3)
        put_value(f, &w, how % 4 != 1 || how & 64);
    NEED(w.err == MT_OK);
    enum mt_err err = mt_ctl_get(mt_writer_slice(&w), &m, &used);
    bool named = how % 4 == 0 || how % 4 == 2;
    NEED((err == MT_OK) == (!named || (utf8 && strlen(text) <= MT_CTL_METHOD_MAX)));
    if (err)
        return;
    NEED(used == w.n && (m.id == id || m.type == MT_CTL_NOTIFICATION));
    NEED(!named || mt_slice_is(m.method, text));
    NEED(m.type != MT_CTL_RESPONSE || (m.error.n > 0) == (how % 4 == 3));
    NEED(m.type == MT_CTL_RESPONSE ? m.error.n || m.result.p == buf + head
                                   : m.params.p == buf + head);
    one(&m, mt_writer_slice(&w));
    struct fuzz harm = fuzz_part(f, 4);
    (void)fuzz_damage(&harm, buf, &w.n);
    struct fuzz again = fuzz_of(buf, w.n);
    stream(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz f = fuzz_of(data, size);
    switch (fuzz_u8(&f) % 3) {
    case 0:
        stream(&f);
        break;
    case 1:
        made(&f);
        break;
    default:
        json(fuzz_rest(&f));
    }
    return 0;
}
