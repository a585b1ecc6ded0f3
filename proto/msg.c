#include "msg.h"

/* Only the first two bytes are looked at; whoever decodes the message scans it whole. */
enum mt_err mt_msg_type(struct mt_slice message, enum mt_msg_type *type) {
    if (message.n < 2)
        return MT_ETRUNCATED;
    if (message.p[0] <= 0x90 || message.p[0] > 0x9f)
        return MT_ETYPE;
    if (message.p[1] < MT_MSG_HELLO || message.p[1] > MT_MSG_BYE)
        return MT_EUNKNOWN;
    *type = (enum mt_msg_type)message.p[1];
    return MT_OK;
}

/* Opens a message of a known type with a fixed number of elements, type included. */
static enum mt_err open_fixed(struct mt_reader *r, struct mt_slice message, enum mt_msg_type type,
                              uint32_t n) {
    enum mt_err err = mt_wire_open(r, message, MT_WIRE_CANONICAL, MT_MESSAGE_MAX);
    if (err)
        return err;
    (void)mt_wire_array(r, n, n);
    uint64_t t = mt_wire_uint(r, UINT64_MAX);
    if (r->err == MT_OK && t != type)
        r->err = MT_EPROTOCOL;
    return r->err;
}

static void begin(struct mt_writer *w, enum mt_msg_type type, size_t n) {
    mt_wire_put_array(w, n);
    mt_wire_put_uint(w, type);
}

void mt_hello_put(struct mt_writer *w, const struct mt_hello *h) {
    begin(w, MT_MSG_HELLO, 6);
    mt_wire_put_array(w, 1);
    mt_wire_put_uint(w, MT_WIRE_VERSION);
    mt_wire_put_bin(w, h->governance, sizeof h->governance);
    mt_wire_put_bin(w, h->erasures, sizeof h->erasures);
    mt_wire_put_bin(w, h->heads, sizeof h->heads);
    mt_wire_put_uint(w, h->wall_ms);
}

enum mt_err mt_hello_get(struct mt_slice message, struct mt_hello *out) {
    struct mt_reader r;
    enum mt_err err = open_fixed(&r, message, MT_MSG_HELLO, 6);
    if (err)
        return err;
    *out = (struct mt_hello){0};
    uint32_t versions = mt_wire_array(&r, 1, 8);
    for (uint32_t i = 0; i < versions; i++)
        out->speaks_us |= mt_wire_uint(&r, UINT64_MAX) == MT_WIRE_VERSION;
    mt_wire_fixed(&r, out->governance, sizeof out->governance);
    mt_wire_fixed(&r, out->erasures, sizeof out->erasures);
    mt_wire_fixed(&r, out->heads, sizeof out->heads);
    out->wall_ms = mt_wire_uint(&r, MT_LAMPORT_MAX);
    return mt_reader_end(&r);
}

void mt_gov_have_begin(struct mt_writer *w, size_t n) {
    begin(w, MT_MSG_GOV_HAVE, 2);
    mt_wire_put_array(w, n);
}

void mt_gov_items_begin(struct mt_writer *w, size_t n) {
    begin(w, MT_MSG_GOV_ITEMS, 3);
    mt_wire_put_array(w, n);
}

void mt_gov_items_end(struct mt_writer *w, bool done) {
    mt_wire_put_bool(w, done);
}

void mt_have_begin(struct mt_writer *w, size_t n) {
    begin(w, MT_MSG_HAVE, 3);
    mt_wire_put_array(w, n);
}

void mt_have_row_put(struct mt_writer *w, const struct mt_have_row *row) {
    mt_wire_put_array(w, 6);
    mt_wire_put_id(w, &row->chain);
    mt_wire_put_uint(w, row->floor);
    mt_wire_put_uint(w, row->seq);
    mt_wire_put_bin(w, row->id16, sizeof row->id16);
    mt_wire_put_uint(w, row->fork);
    mt_wire_put_array(w, 0);
}

void mt_have_end(struct mt_writer *w, bool done) {
    mt_wire_put_bool(w, done);
}

void mt_mark_begin(struct mt_writer *w, uint64_t credit, size_t n) {
    begin(w, MT_MSG_MARK, 3);
    mt_wire_put_uint(w, credit);
    mt_wire_put_array(w, n);
}

void mt_mark_row_put(struct mt_writer *w, const struct mt_id *chain, uint64_t seq) {
    mt_wire_put_array(w, 2);
    mt_wire_put_id(w, chain);
    mt_wire_put_uint(w, seq);
}

enum mt_err mt_list_open(struct mt_reader *r, struct mt_slice message, enum mt_msg_type type,
                         uint64_t *credit, uint32_t *n) {
    *n = 0;
    enum mt_err err = open_fixed(r, message, type, type == MT_MSG_GOV_HAVE ? 2 : 3);
    if (err)
        return err;
    uint64_t c = type == MT_MSG_MARK ? mt_wire_uint(r, MT_WINDOW_ALL) : 0;
    if (credit)
        *credit = c;
    *n = mt_wire_array(r, 0, MT_MESSAGE_MAX);
    return r->err;
}

void mt_have_row_get(struct mt_reader *r, struct mt_have_row *out) {
    *out = (struct mt_have_row){0};
    (void)mt_wire_array(r, 6, 6);
    mt_wire_fixed(r, out->chain.b, sizeof out->chain.b);
    out->floor = mt_wire_uint(r, 0);
    out->seq = mt_wire_uint(r, MT_LAMPORT_MAX);
    mt_wire_fixed(r, out->id16, sizeof out->id16);
    out->fork = mt_wire_uint(r, MT_LAMPORT_MAX);
    uint32_t cited = mt_wire_array(r, 0, 8);
    for (uint32_t i = 0; i < cited; i++)
        (void)mt_wire_bin(r, sizeof(struct mt_id));
}

void mt_mark_row_get(struct mt_reader *r, struct mt_id *chain, uint64_t *seq) {
    (void)mt_wire_array(r, 2, 2);
    mt_wire_fixed(r, chain->b, sizeof chain->b);
    *seq = mt_wire_uint(r, MT_LAMPORT_MAX);
}

enum mt_err mt_list_end(struct mt_reader *r, enum mt_msg_type type, bool *done) {
    bool d = true;
    if (type == MT_MSG_GOV_ITEMS || type == MT_MSG_HAVE)
        d = mt_wire_bool(r);
    if (done)
        *done = d;
    return mt_reader_end(r);
}

void mt_number_put(struct mt_writer *w, enum mt_msg_type type, uint64_t number) {
    begin(w, type, 2);
    mt_wire_put_uint(w, number);
}

enum mt_err mt_number_get(struct mt_slice message, uint64_t *number) {
    struct mt_reader r;
    *number = 0;
    enum mt_err err = mt_wire_open(&r, message, MT_WIRE_CANONICAL, MT_MESSAGE_MAX);
    if (err)
        return err;
    (void)mt_wire_array(&r, 2, 2);
    (void)mt_wire_uint(&r, UINT64_MAX);
    *number = mt_wire_uint(&r, UINT64_MAX);
    return mt_reader_end(&r);
}

void mt_file_put(struct mt_writer *w, struct mt_slice join) {
    begin(w, MT_MSG_FILE, 2);
    mt_wire_put_bin(w, join.p, join.n);
}

enum mt_err mt_file_get(struct mt_slice message, struct mt_slice *join) {
    struct mt_reader r;
    enum mt_err err = open_fixed(&r, message, MT_MSG_FILE, 2);
    if (err)
        return err;
    *join = mt_wire_bin(&r, MT_ITEM_MAX);
    return mt_reader_end(&r);
}

void mt_filed_put(struct mt_writer *w) {
    begin(w, MT_MSG_FILED, 1);
}

enum mt_err mt_filed_get(struct mt_slice message) {
    struct mt_reader r;
    enum mt_err err = open_fixed(&r, message, MT_MSG_FILED, 1);
    return err ? err : mt_reader_end(&r);
}

void mt_bye_put(struct mt_writer *w, const char *reason) {
    begin(w, MT_MSG_BYE, 2);
    mt_wire_put_cstr(w, reason);
}

enum mt_err mt_bye_get(struct mt_slice message, struct mt_slice *reason) {
    struct mt_reader r;
    enum mt_err err = open_fixed(&r, message, MT_MSG_BYE, 2);
    if (err)
        return err;
    *reason = mt_wire_str(&r, 64);
    return mt_reader_end(&r);
}
