/* A state directory with many changes, quickly: the node and the store without a daemon around them.
 * The node is asked to write; what it wants durable is applied at once; it reaches nobody. */
#include "bench.h"

#include "clock.h"
#include "keyfile.h"
#include "node.h"
#include "record.h"
#include "schema.h"
#include "store.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

enum { PER_COMMAND = 4096 }; /* one batch is made of about as many */

struct fill {
    struct mt_node *node;
    struct mt_store *store;
    struct mt_id org;
    uint8_t contents[PER_COMMAND][BENCH_CONTENT];
};

size_t bench_content(const struct mt_id *org, uint64_t i, uint8_t out[static BENCH_CONTENT]) {
    struct mt_writer w = mt_writer(out, BENCH_CONTENT);
    struct mt_rid id;
    struct mt_ref host = {.owner = *org, .kind = MT_KIND_ORG};
    char title[32], text[BENCH_CONTENT];
    randombytes_buf(id.b, sizeof id.b);
    mt_node_org_rid(org, &host.id);
    snprintf(title, sizeof title, "Gastles %llu", (unsigned long long)i);
    mt_changes_begin(&w, 1);
    mt_change_begin(&w, MT_KIND_ACTIVITY, 1, 0, &id, 6);
    mt_wire_put_uint(&w, MT_ACTIVITY_TITLE);
    mt_wire_put_cstr(&w, title);
    mt_wire_put_uint(&w, MT_ACTIVITY_TYPE);
    mt_wire_put_uint(&w, 1 + i % 3);
    mt_wire_put_uint(&w, MT_ACTIVITY_DIRECTION);
    mt_wire_put_uint(&w, 1);
    mt_wire_put_uint(&w, MT_ACTIVITY_HOST);
    mt_ref_put(&w, &host);
    mt_wire_put_uint(&w, MT_ACTIVITY_DATE);
    mt_wire_put_uint(&w, 20700 + i % 500);
    mt_wire_put_uint(&w, MT_ACTIVITY_ADDRESS);
    memset(text, 'x', sizeof text);
    mt_wire_put_str(&w, mt_slice(text, BENCH_CONTENT - 2 - w.n));
    bench_need(w.err == MT_OK && w.n == BENCH_CONTENT, "fill: content");
    return w.n;
}

static struct mt_event new_event(enum mt_event_type type) {
    struct mt_event ev = {.type = type};
    mt_clock_now(&ev.now);
    randombytes_buf(ev.entropy, sizeof ev.entropy);
    return ev;
}

/* Applies what the node wants durable until it wants nothing more. */
static void settle(struct fill *f) {
    for (;;) {
        struct mt_batch *batch = NULL;
        size_t n;
        struct mt_effect *fx = mt_node_effects(f->node, &n);
        for (size_t i = 0; i < n; i++) {
            bench_need(fx[i].type != MT_FX_REPLY || fx[i].err == MT_OK, "fill: write");
            if (fx[i].type == MT_FX_PERSIST) {
                batch = fx[i].batch;
                fx[i].batch = NULL;
            }
        }
        if (!batch)
            return;
        mt_apply(f->store, batch);
        bench_need(batch->err == MT_OK, "fill: apply");
        struct mt_event ev = new_event(MT_EV_PERSISTED);
        ev.batch = batch;
        mt_node_step(f->node, &ev);
    }
}

static enum mt_err load_blob(void *arg, const char *name, struct mt_slice bytes) {
    return mt_node_load_blob(((struct fill *)arg)->node, name, bytes);
}

static enum mt_err load_item(void *arg, const struct mt_id *id, struct mt_slice bytes) {
    return mt_node_load_item(((struct fill *)arg)->node, id, bytes);
}

static enum mt_err load_chain(void *arg, const struct mt_chain_info *chain,
                              const struct mt_head *head, uint64_t fork) {
    return mt_node_load_chain(((struct fill *)arg)->node, chain, head, fork);
}

static void open_all(struct fill *f, const char *state_dir, const char *announce) {
    char path[192], dir[192];
    uint8_t key[32];
    bool known = false;
    struct mt_id feed;
    snprintf(path, sizeof path, "%s/store.key", state_dir);
    bench_need(mt_keyfile_read(path, false, key) == MT_OK, "fill: store key");
    snprintf(path, sizeof path, "%s/installation", state_dir);
    bench_need(mt_installation_read(path, "/etc/machine-id", &known, &feed) == MT_OK && known,
               "fill: installation");
    snprintf(dir, sizeof dir, "%s/store", state_dir);
    struct mt_store_config store = {.dir = dir, .store_key = key};
    struct mt_node_config node = {.announce = announce, .installation = feed.b, .seed = 1};
    bench_need(mt_key_init() == MT_OK, "fill: keys");
    bench_need(mt_store_open(&f->store, &store) == MT_OK, "fill: store");
    enum mt_err err = mt_node_new(&f->node, &node);
    err = err ? err : mt_store_load_blobs(f->store, load_blob, f);
    err = err ? err : mt_store_load_items(f->store, load_item, f);
    err = err ? err : mt_store_load_chains(f->store, load_chain, f);
    bench_need(err == MT_OK, mt_err_code(err));
    struct mt_event start = new_event(MT_EV_TICK);
    bench_need(mt_node_start(f->node, &start.now, start.entropy) == MT_OK, "fill: start");
    settle(f);
    struct mt_node_info info;
    mt_node_info(f->node, &info);
    bench_need(info.state == MT_NODE_MEMBER && !info.retired, "fill: not a member");
    f->org = info.org;
}

double bench_fill(const char *state_dir, const char *announce, uint64_t n) {
    static struct fill f;
    struct mt_slice contents[PER_COMMAND];
    open_all(&f, state_dir, announce);
    double start = bench_now();
    for (uint64_t done = 0; done < n;) {
        struct mt_event ev = new_event(MT_EV_COMMAND);
        uint32_t k = 0;
        for (; k < PER_COMMAND && done < n; k++, done++)
            contents[k] = mt_slice(f.contents[k], bench_content(&f.org, done, f.contents[k]));
        ev.command =
            (struct mt_command){.type = MT_CMD_WRITE, .contents = contents, .n_contents = k};
        ev.command.request = 1;
        mt_node_step(f.node, &ev);
        settle(&f);
    }
    double seconds = bench_now() - start;
    mt_node_free(f.node);
    mt_store_close(f.store);
    return seconds;
}
