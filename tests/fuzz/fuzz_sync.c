/* A whole session with a node, after a handshake that is right: as another member or as somebody
 * with an invitation. Messages are made as `f` decides (greetings, items, rows, runs, marks, requests,
 * any bytes), sealed and sent. Whatever comes, the node stays a member of its region, holds no more
 * than its limits allow, and a message it cannot use ends this link and nothing else. */
#include "host.h"

#include <stdlib.h>

#include "feed.h"
#include "msg.h"

enum { MESSAGES_MAX = 12, LISTENER = 1, MESSAGE_CAP = 64 * 1024 };

struct talk {
    struct host h;
    struct mt_link l;
    struct builder chain; /* what the other member writes */
    unsigned as;
    struct mt_id known[MESSAGES_MAX];
    size_t n_known;
};

static void open_talk(struct talk *t, bool invited, unsigned as) {
    struct mt_link_out out;
    uint8_t psk[32], e[32] = {7}, buf[MT_HANDSHAKE_FRAME_MAX], cert[1024];
    struct mt_writer w = mt_writer(buf, sizeof buf), c = mt_writer(cert, sizeof cert);
    const struct mt_id *hint = invited ? NULL : region_id();
    if (invited)
        host_invite_key(psk);
    else
        region_link_key(psk);
    t->as = as;
    if (!t->h.node)
        host_open(&t->h, LISTENER);
    host_begin(&t->h, 100);
    host_accept(&t->h);
    NEED(!mt_link_dial(&t->l, region_id()->b, hint, psk, region_link(as), e, &w));
    host_bytes(&t->h, mt_writer_slice(&w));
    NEED(host_feed(&t->h, &t->l, &out) == MT_OK && out.got == MT_LINK_PAYLOAD);
    region_good_certificate(as, &c);
    w.n = 0;
    NEED(mt_link_finish(&t->l, mt_writer_slice(&c), &w) == MT_OK);
    host_bytes(&t->h, mt_writer_slice(&w));
    NEED(t->h.conn && !t->h.closed);
}

/* The chain of the member we play, with entries nobody can read: the node does not look inside. */
static void open_chain(struct talk *t) {
    builder_region(&t->chain, 1, t->as, 1);
    t->chain.region = *region_id();
    t->chain.governance = *region_id();
}

/* A node that learned nothing is the same for the next input. */
static void close_talk(struct talk *t) {
    builder_close(&t->chain);
    mt_link_close(&t->l);
    t->n_known = 0;
    if (t->h.saved)
        host_close(&t->h);
}

/* ---- messages ---- */

static void put_hello(struct fuzz *f, struct mt_writer *w) {
    struct mt_hello h = {.wall_ms = fuzz_number(f) & MT_LAMPORT_MAX};
    h.governance[0] = fuzz_u8(f);
    h.heads[0] = fuzz_u8(f);
    mt_hello_put(w, &h);
}

static void put_items(struct talk *t, struct fuzz *f, struct mt_writer *w) {
    static uint8_t buf[REGION_ITEM_CAP];
    uint8_t n = fuzz_u8(f) % 4;
    mt_gov_items_begin(w, n);
    for (uint8_t i = 0; i < n; i++) {
        struct mt_writer item = mt_writer(buf, sizeof buf);
        struct mt_item taken;
        (void)region_item(f, t->known, t->n_known, &item);
        if (t->n_known < MESSAGES_MAX &&
            mt_item_get(mt_writer_slice(&item), region_id(), &taken) == MT_OK)
            t->known[t->n_known++] = taken.id;
        if (fuzz_u8(f) < 240)
            mt_wire_put_bin(w, buf, item.n);
        else
            mt_wire_put_raw(w, mt_writer_slice(&item));
    }
    mt_gov_items_end(w, fuzz_u8(f) & 1);
}

static struct mt_id some_chain(struct fuzz *f) {
    uint8_t i = fuzz_u8(f);
    return i < 240 ? region_org(1 + i % REGION_ORGS)->feed.pub : (struct mt_id){{i}};
}

static void put_ids(struct fuzz *f, struct mt_writer *w) {
    uint8_t n = fuzz_u8(f) % 8;
    mt_gov_have_begin(w, n);
    for (uint8_t i = 0; i < n; i++) {
        struct mt_id id = fuzz_u8(f) < 128 ? *region_id() : some_chain(f);
        mt_wire_put_id(w, &id);
    }
}

static void put_rows(struct fuzz *f, struct mt_writer *w) {
    uint8_t n = fuzz_u8(f) % 5;
    mt_have_begin(w, n);
    for (uint8_t i = 0; i < n; i++) {
        struct mt_have_row row = {.chain = some_chain(f),
                                  .seq = fuzz_number(f) & (MT_LAMPORT_MAX - 1),
                                  .fork = fuzz_u8(f) > 250};
        row.id16[0] = fuzz_u8(f) & 1;
        mt_have_row_put(w, &row);
    }
    mt_have_end(w, fuzz_u8(f) & 1);
}

static void put_marks(struct fuzz *f, struct mt_writer *w) {
    uint8_t n = fuzz_u8(f) % 5;
    mt_mark_begin(w, fuzz_number(f) % (MT_WINDOW_ALL + 1), n);
    for (uint8_t i = 0; i < n; i++) {
        struct mt_id chain = some_chain(f);
        mt_mark_row_put(w, &chain, fuzz_number(f) & (MT_LAMPORT_MAX - 1));
    }
}

static void put_run(struct talk *t, struct fuzz *f, struct mt_writer *w) {
    uint32_t more = fuzz_u8(f) % 4;
    for (uint32_t i = 0; i < more; i++)
        builder_add(&t->chain, fuzz_take(f, fuzz_u8(f)));
    if (!t->chain.n)
        builder_add(&t->chain, mt_slice("x", 1));
    uint64_t first = 1 + fuzz_u8(f) % t->chain.n;
    builder_run(&t->chain, first, 1 + fuzz_u8(f) % (uint32_t)(t->chain.n - first + 1), w);
}

static void put_request(struct talk *t, struct fuzz *f, struct mt_writer *w) {
    uint8_t buf[1024];
    struct mt_writer join = mt_writer(buf, sizeof buf - 1);
    region_join(fuzz_u8(f) < 200 ? t->as : 1 + fuzz_u8(f) % REGION_ORGS, &join);
    if (fuzz_u8(f) & 1)
        (void)fuzz_damage(f, buf, &join.n);
    mt_file_put(w, mt_writer_slice(&join));
}

static void put_message(struct talk *t, struct fuzz *f, struct mt_writer *w) {
    uint8_t how = fuzz_u8(f);
    switch (how % 11) {
    case 0:
        put_hello(f, w);
        break;
    case 1:
    case 2:
        put_items(t, f, w);
        break;
    case 3:
        put_ids(f, w);
        break;
    case 4:
        put_rows(f, w);
        break;
    case 5:
        put_marks(f, w);
        break;
    case 6:
        put_run(t, f, w);
        break;
    case 7:
        put_request(t, f, w);
        break;
    case 8:
        mt_number_put(w, how & 0x80 ? MT_MSG_PING : MT_MSG_PONG, fuzz_number(f));
        break;
    case 9:
        if (how & 0x80)
            mt_filed_put(w);
        else
            mt_bye_put(w, how & 0x40 ? "member" : "x");
        break;
    default: {
        struct mt_slice any = fuzz_take(f, 1 + fuzz_u16(f) % 4096);
        mt_writer_put(w, any.p, any.n);
    }
    }
    struct fuzz harm = fuzz_part(f, how > 230 ? 4 : 0);
    if (how > 230 && w->n < w->cap)
        (void)fuzz_damage(&harm, w->p, &w->n);
}

/* ---- what must hold ---- */

/* Takes what the node answered: it is well formed as well. */
static void read_answers(struct talk *t) {
    struct mt_link_out out;
    while (t->h.n_sent) {
        enum mt_msg_type type;
        NEED(host_feed(&t->h, &t->l, &out) == MT_OK);
        if (out.got != MT_LINK_MESSAGE)
            return;
        NEED(mt_msg_type(mt_slice(out.message, out.n), &type) == MT_OK);
        free(out.message);
    }
}

static void still_itself(const struct talk *t) {
    struct mt_node_info info;
    mt_node_info(t->h.node, &info);
    NEED(info.state == MT_NODE_MEMBER && mt_id_eq(&info.region, region_id()));
    NEED(mt_id_eq(&info.org, &region_org(LISTENER)->root.pub) && info.is_seat);
    NEED(mt_gov_members(mt_node_gov(t->h.node)) <= REGION_ORGS);
    struct mt_invite_info invites[4];
    NEED(mt_node_invites(t->h.node, invites, 4) == 1);
    NEED(invites[0].state <= MT_INVITE_FILED);
    NEED(invites[0].state == MT_INVITE_OPEN ||
         (t->as == REGION_ORGS && mt_id_eq(&invites[0].org, &region_org(t->as)->root.pub)));
    NEED(mt_node_deadline(t->h.node) > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static uint8_t message[MESSAGE_CAP], wire[MESSAGE_CAP + 1024];
    static struct talk t;
    struct fuzz f = fuzz_of(data, size);
    uint8_t how = fuzz_u8(&f);
    open_talk(&t, how & 1, how & 1 ? REGION_ORGS : 2 + (how >> 1 & 1));
    open_chain(&t);
    read_answers(&t);
    for (unsigned i = 0; i < MESSAGES_MAX && f.n && t.h.conn; i++) {
        struct mt_writer m = mt_writer(message, sizeof message - 1),
                         w = mt_writer(wire, sizeof wire);
        put_message(&t, &f, &m);
        if (m.err || !m.n)
            continue;
        NEED(mt_link_seal(&t.l, mt_writer_slice(&m), &w) == MT_OK);
        host_bytes(&t.h, mt_writer_slice(&w));
        read_answers(&t);
        if (how & 0x80 && t.h.conn) {
            t.h.now.mono_ms += 300;
            host_step(&t.h, &(struct mt_event){.type = MT_EV_TICK});
            read_answers(&t);
        }
    }
    still_itself(&t);
    host_hang_up(&t.h);
    close_talk(&t);
    return 0;
}
