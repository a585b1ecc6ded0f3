#include "ctl.h"

enum { ERROR_TEXT_MAX = 4096 }; /* bytes of "code: message"; longer ones are cut */

/* Parameters are an array of one map; leaving it out means no parameters. */
static void get_params(struct mt_reader *r, struct mt_slice *out) {
    static const uint8_t empty_map[] = {0x80};
    *out = mt_slice(empty_map, sizeof empty_map);
    if (mt_wire_array(r, 0, 1) == 0 || r->err != MT_OK)
        return;
    if (mt_wire_peek(r) != MT_WIRE_MAP)
        r->err = MT_ETYPE;
    *out = mt_wire_raw(r);
}

static void get_response(struct mt_reader *r, struct mt_ctl *out) {
    if (mt_wire_peek(r) == MT_WIRE_NIL) {
        mt_wire_nil(r);
    } else {
        out->error = mt_wire_str(r, MT_MESSAGE_MAX);
        if (r->err == MT_OK && out->error.n == 0)
            r->err = MT_EVALUE; /* an empty text would read as success */
    }
    out->result = mt_wire_raw(r);
}

static void get_body(struct mt_reader *r, struct mt_ctl *out) {
    uint32_t n = mt_wire_array(r, 3, 4);
    out->type = (enum mt_ctl_type)mt_wire_uint(r, MT_CTL_NOTIFICATION);
    if (r->err == MT_OK && (n == 3) != (out->type == MT_CTL_NOTIFICATION))
        r->err = MT_ETYPE;
    if (out->type != MT_CTL_NOTIFICATION)
        out->id = (uint32_t)mt_wire_uint(r, UINT32_MAX);
    if (out->type == MT_CTL_RESPONSE) {
        get_response(r, out);
        return;
    }
    out->method = mt_wire_str(r, MT_CTL_METHOD_MAX);
    get_params(r, &out->params);
}

enum mt_err mt_ctl_get(struct mt_slice in, struct mt_ctl *out, size_t *used) {
    *out = (struct mt_ctl){.type = MT_CTL_REQUEST};
    *used = 0;
    size_t n;
    enum mt_err err = mt_wire_scan(in, MT_WIRE_LENIENT, MT_MESSAGE_MAX, &n);
    if (err != MT_OK)
        return err;
    struct mt_reader r = mt_reader(mt_slice(in.p, n));
    get_body(&r, out);
    err = mt_reader_end(&r);
    if (err == MT_OK)
        *used = n;
    else
        *out = (struct mt_ctl){.type = MT_CTL_REQUEST};
    return err;
}

void mt_ctl_request_begin(struct mt_writer *w, uint32_t id, const char *method) {
    mt_wire_put_array(w, 4);
    mt_wire_put_uint(w, MT_CTL_REQUEST);
    mt_wire_put_uint(w, id);
    mt_wire_put_cstr(w, method);
    mt_wire_put_array(w, 1);
}

void mt_ctl_result_begin(struct mt_writer *w, uint32_t id) {
    mt_wire_put_array(w, 4);
    mt_wire_put_uint(w, MT_CTL_RESPONSE);
    mt_wire_put_uint(w, id);
    mt_wire_put_nil(w);
}

void mt_ctl_notification_begin(struct mt_writer *w, const char *method) {
    mt_wire_put_array(w, 3);
    mt_wire_put_uint(w, MT_CTL_NOTIFICATION);
    mt_wire_put_cstr(w, method);
    mt_wire_put_array(w, 1);
}

void mt_ctl_error_put(struct mt_writer *w, uint32_t id, const char *code, const char *message) {
    char text[ERROR_TEXT_MAX];
    struct mt_writer t = mt_writer(text, sizeof text);
    mt_writer_put(&t, code, strlen(code));
    mt_writer_put(&t, ": ", 2);
    struct mt_slice m = mt_slice_str(message);
    /* The other side refuses text that is not UTF-8, and with it the whole answer. */
    if (!mt_utf8_valid(m))
        m.n = 0;
    if (m.n > t.cap - t.n) {
        m.n = t.cap - t.n;
        while (m.n > 0 && (m.p[m.n] & 0xc0) == 0x80)
            m.n--;
    }
    mt_writer_put(&t, m.p, m.n);
    mt_wire_put_array(w, 4);
    mt_wire_put_uint(w, MT_CTL_RESPONSE);
    mt_wire_put_uint(w, id);
    mt_wire_put_str(w, mt_writer_slice(&t));
    mt_wire_put_nil(w);
}
