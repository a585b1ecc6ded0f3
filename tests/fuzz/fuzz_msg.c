/* Sync messages. What is taken apart is in its limits, and put together again it is the same bytes;
 * a message is never two types at once. */
#include "fuzz.h"
#include "msg.h"

#include <stdlib.h>

/* Room for one message put together again. */
static struct mt_writer room(size_t n) {
    return mt_writer(fuzz_memory(n + 64), n + 64);
}

static void same(struct mt_writer *w, struct mt_slice in) {
    NEED(w->err == MT_OK && mt_slice_eq(mt_writer_slice(w), in));
    free(w->p);
}

static void element(struct mt_reader *r, enum mt_msg_type type, struct mt_writer *w) {
    struct mt_have_row row;
    struct mt_id chain;
    uint64_t seq;
    size_t from = r->at;
    switch (type) {
    case MT_MSG_HAVE:
        mt_have_row_get(r, &row);
        if (r->err)
            return;
        NEED(row.floor == 0 && row.seq <= MT_LAMPORT_MAX && row.fork <= MT_LAMPORT_MAX);
        /* Cited tips are read over: we put none. */
        if (r->p[r->at - 1] == 0x90)
            mt_have_row_put(w, &row);
        else
            mt_wire_put_raw(w, mt_slice(r->p + from, r->at - from));
        break;
    case MT_MSG_MARK:
        mt_mark_row_get(r, &chain, &seq);
        if (!r->err)
            mt_mark_row_put(w, &chain, seq);
        break;
    default:
        mt_wire_put_raw(w, mt_wire_raw(r));
    }
}

static void list(struct mt_slice in, enum mt_msg_type type) {
    struct mt_reader r;
    uint64_t credit;
    uint32_t n;
    bool done;
    if (mt_list_open(&r, in, type, &credit, &n) != MT_OK)
        return;
    struct mt_writer w = room(in.n);
    if (type == MT_MSG_MARK)
        mt_mark_begin(&w, credit, n);
    else if (type == MT_MSG_HAVE)
        mt_have_begin(&w, n);
    else if (type == MT_MSG_GOV_HAVE)
        mt_gov_have_begin(&w, n);
    else
        mt_gov_items_begin(&w, n);
    NEED(credit <= MT_WINDOW_ALL && n <= in.n);
    for (uint32_t i = 0; i < n && !r.err; i++)
        element(&r, type, &w);
    if (mt_list_end(&r, type, &done) != MT_OK) {
        free(w.p);
        return;
    }
    if (type == MT_MSG_HAVE)
        mt_have_end(&w, done);
    else if (type == MT_MSG_GOV_ITEMS)
        mt_gov_items_end(&w, done);
    same(&w, in);
}

static unsigned hello(struct mt_slice in) {
    struct mt_hello h, other;
    if (mt_hello_get(in, &h) != MT_OK)
        return 0;
    struct mt_writer w = room(256);
    mt_hello_put(&w, &h);
    NEED(mt_hello_get(mt_writer_slice(&w), &other) == MT_OK && other.speaks_us);
    NEED(memcmp(h.heads, other.heads, 32) == 0 && h.wall_ms == other.wall_ms);
    free(w.p);
    return 1;
}

static unsigned small(struct mt_slice in, enum mt_msg_type type) {
    struct mt_slice out;
    uint64_t number;
    unsigned taken = hello(in);
    if (mt_file_get(in, &out) == MT_OK) {
        struct mt_writer w = room(in.n);
        NEED(out.n <= MT_ITEM_MAX);
        mt_file_put(&w, out);
        same(&w, in);
        taken++;
    }
    if (mt_bye_get(in, &out) == MT_OK) {
        char reason[65] = "";
        struct mt_writer w = room(in.n);
        NEED(out.n <= 64);
        memcpy(reason, out.p, out.n);
        mt_bye_put(&w, reason);
        same(&w, in);
        taken++;
    }
    if ((type == MT_MSG_PING || type == MT_MSG_PONG) && mt_number_get(in, &number) == MT_OK) {
        struct mt_writer w = room(in.n);
        mt_number_put(&w, type, number);
        same(&w, in);
        taken++;
    }
    return taken;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct mt_slice in = mt_slice(data, size);
    enum mt_msg_type type = (enum mt_msg_type)0;
    bool typed = mt_msg_type(in, &type) == MT_OK;
    unsigned taken = small(in, type);
    NEED(taken <= 1 && (!taken || typed));
    list(in, MT_MSG_GOV_HAVE);
    list(in, MT_MSG_GOV_ITEMS);
    list(in, MT_MSG_HAVE);
    list(in, MT_MSG_MARK);
    return 0;
}
