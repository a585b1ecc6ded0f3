#include "host.h"

#include <stdlib.h>

enum { EVENTS_MAX = 200 };

const uint8_t HOST_SECRET[16] = {42};

void host_invite_key(uint8_t psk[static 32]) {
    mt_hash_of(psk, "invite", NULL, HOST_SECRET, sizeof HOST_SECRET);
}

/* ---- what the node has on its disk ---- */

static void load(struct host *h, const char *name, const struct mt_writer *w) {
    NEED(w->err == MT_OK);
    NEED(mt_node_load_blob(h->node, name, mt_writer_slice(w)) == MT_OK);
}

static void load_identity(struct host *h) {
    uint8_t buf[512], feed[32], link[32];
    struct mt_writer w = mt_writer(buf, sizeof buf);
    built_bytes(feed, "feed", h->org);
    built_bytes(link, "link", h->org);
    mt_wire_put_array(&w, 9);
    mt_wire_put_uint(&w, 1);
    mt_wire_put_bin(&w, region_org(h->org)->seed, 32);
    mt_wire_put_cstr(&w, "Terra");
    mt_wire_put_uint(&w, 1);
    mt_wire_put_bin(&w, feed, 32);
    mt_wire_put_bin(&w, link, 32);
    mt_wire_put_uint(&w, 0);
    mt_wire_put_id(&w, &(struct mt_id){0});
    mt_wire_put_bool(&w, false);
    load(h, "identity", &w);
}

static void load_invite(struct host *h) {
    uint8_t buf[512];
    struct mt_writer w = mt_writer(buf, sizeof buf);
    mt_wire_put_array(&w, 2);
    mt_wire_put_uint(&w, 1);
    mt_wire_put_array(&w, 1);
    mt_wire_put_array(&w, 9);
    mt_wire_put_cstr(&w, "guest");
    mt_wire_put_bin(&w, HOST_SECRET, sizeof HOST_SECRET);
    mt_wire_put_uint(&w, 0);
    mt_wire_put_uint(&w, UINT64_C(1) << 60);
    mt_wire_put_uint(&w, MT_INVITE_OPEN);
    mt_wire_put_bin(&w, "", 0);
    mt_wire_put_bin(&w, "", 0);
    mt_wire_put_cstr(&w, "");
    mt_wire_put_id(&w, &(struct mt_id){0});
    load(h, "invites", &w);
}

static void load_joining(struct host *h) {
    uint8_t buf[512], inviter[32];
    struct mt_writer w = mt_writer(buf, sizeof buf);
    mt_hash_of(inviter, "inviter", NULL, region_org(1)->root.pub.b, 32);
    mt_wire_put_array(&w, 10);
    mt_wire_put_uint(&w, 1);
    mt_wire_put_cstr(&w, "inviter:1");
    mt_wire_put_bin(&w, region_id()->b, 16);
    mt_wire_put_bin(&w, inviter, 16);
    mt_wire_put_bin(&w, region_id()->b, 16);
    mt_wire_put_bin(&w, HOST_SECRET, sizeof HOST_SECRET);
    mt_wire_put_id(&w, &(struct mt_id){0});
    mt_wire_put_id(&w, &(struct mt_id){0});
    mt_wire_put_uint(&w, MT_JOIN_CALLING);
    mt_wire_put_uint(&w, 0);
    load(h, "joining", &w);
}

static void load_item(void *arg, struct mt_slice bytes) {
    struct host *h = arg;
    struct mt_item item;
    NEED(mt_item_get(bytes, region_id(), &item) == MT_OK);
    NEED(mt_node_load_item(h->node, &item.id, bytes) == MT_OK);
}

static void carry_out(struct host *h);

void host_open(struct host *h, unsigned org) {
    struct mt_node_config config = {.announce = "here:1", .seed = 1};
    uint8_t entropy[32] = {1};
    *h = (struct host){.org = org, .now = {.mono_ms = 1000, .wall_ms = UINT64_C(1793000000000)}};
    config.installation = region_org(org)->feed.pub.b;
    NEED(mt_node_new(&h->node, &config) == MT_OK);
    load_identity(h);
    if (org <= REGION_MEMBERS)
        region_items(load_item, h);
    else
        load_joining(h);
    if (org == 1)
        load_invite(h);
    NEED(mt_node_start(h->node, &h->now, entropy) == MT_OK);
    carry_out(h);
}

void host_close(struct host *h) {
    mt_node_free(h->node);
    free(h->sent);
    *h = (struct host){0};
}

void host_begin(struct host *h, uint64_t ms) {
    host_hang_up(h);
    h->now.mono_ms += ms;
    h->now.wall_ms += ms;
    h->steps = 0;
    h->asked = 0;
    h->closed = h->saved = false;
    h->why = MT_OK;
    h->n_sent = 0;
    host_step(h, &(struct mt_event){.type = MT_EV_TICK});
}

/* ---- what it asks for ---- */

static struct mt_head *head_of(struct host *h, uint32_t no) {
    for (size_t i = 0; i < h->n_chains; i++)
        if (h->chains[i].no == no)
            return &h->chains[i].head;
    NEED(h->n_chains < HOST_CHAINS);
    h->chains[h->n_chains].no = no;
    return &h->chains[h->n_chains++].head;
}

static void store_run(struct host *h, const struct mt_batch *b, struct mt_op *op) {
    static struct mt_run_entry entries[MT_RUN_ENTRIES_MAX];
    static uint8_t arena[MT_RUN_ARENA];
    struct mt_head *head = head_of(h, op->run.chain.no);
    struct mt_run run;
    op->added = 0;
    op->err =
        mt_run_check(op->run.message, &b->region, &op->run.chain.feed, head, entries, arena, &run);
    if (!op->err) {
        const struct mt_run_entry *last = &entries[run.n - 1];
        *head = (struct mt_head){last->h.seq, last->id, last->h.lamport};
        op->added = run.n;
    }
    op->head = *head;
}

static void store(struct host *h, struct mt_batch *b) {
    h->saved = true;
    b->err = MT_OK;
    for (uint32_t i = 0; i < b->n; i++) {
        struct mt_op *op = &b->ops[i];
        if (op->type == MT_OP_RUN) {
            store_run(h, b, op);
        } else if (op->type == MT_OP_LOCAL) {
            const struct mt_local_entry *last = &op->local.entries[op->local.n - 1];
            op->head = (struct mt_head){last->h.seq, last->id, last->h.lamport};
            op->added = op->local.n;
            *head_of(h, op->local.chain.no) = op->head;
        }
    }
}

static void collect(struct host *h, const struct mt_effect *fx) {
    if (fx->conn != h->conn)
        return;
    if (h->n_sent + fx->bytes.n > h->cap_sent) {
        h->cap_sent = 2 * (h->n_sent + fx->bytes.n);
        h->sent = realloc(h->sent, h->cap_sent);
        NEED(h->sent != NULL);
    }
    memcpy(h->sent + h->n_sent, fx->bytes.p, fx->bytes.n);
    h->n_sent += fx->bytes.n;
}

/* Events that effects call for, in order. */
struct events {
    struct mt_event v[EVENTS_MAX];
    size_t n;
};

static struct mt_event *add(struct events *e, enum mt_event_type type, uint64_t conn) {
    NEED(e->n < EVENTS_MAX);
    e->v[e->n] = (struct mt_event){.type = type, .conn = conn};
    return &e->v[e->n++];
}

static void effect(struct host *h, struct mt_effect *fx, struct events *next) {
    struct mt_event *ev;
    switch (fx->type) {
    case MT_FX_SEND:
        collect(h, fx);
        break;
    case MT_FX_CLOSE:
        if (fx->conn == h->conn) {
            h->conn = 0;
            h->closed = true;
            h->why = fx->err;
        }
        add(next, MT_EV_CLOSED, fx->conn)->err = fx->err;
        break;
    case MT_FX_CONNECT:
        if (h->asked) /* one at a time is enough here */
            add(next, MT_EV_CLOSED, fx->conn)->err = MT_EUNREACHABLE;
        else
            h->asked = fx->conn;
        break;
    case MT_FX_PERSIST:
        store(h, fx->batch);
        add(next, MT_EV_PERSISTED, 0)->batch = fx->batch;
        fx->batch = NULL;
        break;
    case MT_FX_FETCH:
        ev = add(next, MT_EV_FETCHED, fx->conn);
        ev->chain_no = fx->want.chain_no;
        ev->err = MT_ENOTFOUND;
        break;
    case MT_FX_REPLY:
        h->answer = fx->err;
        h->reply = fx->reply;
        break;
    default:
        break;
    }
}

static void give(struct host *h, struct mt_event *event) {
    event->now = h->now;
    memset(event->entropy, 0, sizeof event->entropy);
    mt_be64(event->entropy, ++h->steps);
    mt_node_step(h->node, event);
}

static void carry_out(struct host *h) {
    static struct events memory; /* too large to be cleared for every input */
    struct events *e = &memory;
    e->n = 0;
    for (size_t done = 0;; done++) {
        size_t n;
        struct mt_effect *fx = mt_node_effects(h->node, &n);
        for (size_t i = 0; i < n; i++)
            effect(h, &fx[i], e);
        if (done == e->n)
            break;
        give(h, &e->v[done]);
    }
}

void host_step(struct host *h, struct mt_event *event) {
    h->answer = MT_EAGAIN;
    give(h, event);
    carry_out(h);
}

void host_accept(struct host *h) {
    static const uint64_t FIRST = 1000;
    NEED(!h->conn);
    h->conn = FIRST + h->now.mono_ms;
    host_step(h, &(struct mt_event){
                     .type = MT_EV_ACCEPTED, .conn = h->conn, .source = mt_slice_str("192.0.2.1")});
}

void host_connected(struct host *h) {
    NEED(h->asked && !h->conn);
    h->conn = h->asked;
    h->asked = 0;
    host_step(h, &(struct mt_event){.type = MT_EV_CONNECTED, .conn = h->conn});
}

void host_bytes(struct host *h, struct mt_slice bytes) {
    if (!h->conn)
        return;
    uint8_t *exact = fuzz_copy(bytes);
    host_step(h, &(struct mt_event){
                     .type = MT_EV_BYTES, .conn = h->conn, .bytes = mt_slice(exact, bytes.n)});
    free(exact);
}

static void end(struct host *h, uint64_t conn) {
    host_step(h, &(struct mt_event){.type = MT_EV_CLOSED, .conn = conn, .err = MT_EUNREACHABLE});
}

void host_hang_up(struct host *h) {
    uint64_t conn = h->conn, asked = h->asked;
    h->conn = 0;
    if (conn)
        end(h, conn);
    if (asked)
        end(h, asked);
}

enum mt_err host_feed(struct host *h, struct mt_link *other, struct mt_link_out *out) {
    size_t at = 0, used;
    enum mt_err err = MT_OK;
    out->got = MT_LINK_NOTHING;
    while (!err && out->got == MT_LINK_NOTHING && at < h->n_sent) {
        err = mt_link_feed(other, mt_slice(h->sent + at, h->n_sent - at), &used, out);
        at += used;
    }
    h->n_sent -= at;
    memmove(h->sent, h->sent + at, h->n_sent);
    return err;
}
