#include "caller.h"

#include "builder.h"
#include "code.h"
#include "keyfile.h"
#include "node_internal.h"
#include "store.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

void caller_make(struct caller *c, uint64_t n) {
    uint8_t secret[32];
    *c = (struct caller){.calls = n << 32};
    built_bytes(secret, "caller root", n);
    mt_sign_key_make(secret, &c->root);
    built_bytes(secret, "caller feed", n);
    mt_sign_key_make(secret, &c->feed);
    built_bytes(secret, "caller link", n);
    mt_dh_key_make(secret, &c->key);
}

void caller_close(struct caller *c) {
    mt_link_close(&c->link);
}

bool caller_invite(struct caller *c, const char *code) {
    uint8_t data[MT_CODE_DATA_MAX];
    struct mt_writer w = mt_writer(data, sizeof data);
    if (mt_code_get(mt_slice_str(code), &w) != MT_OK || w.n < 1 || w.n != 1u + data[0] + 4 * 16)
        return false;
    memcpy(c->region.b, data + 1 + data[0], 16);
    mt_hash_of(c->psk, "invite", NULL, data + w.n - 16, 16);
    c->invited = true;
    return true;
}

void caller_learn(struct caller *c, const struct mt_node *n) {
    const struct mt_epoch *epoch = mt_node_epoch(n);
    assert(epoch);
    c->region = n->replica.region;
    memcpy(c->psk, epoch->link, sizeof c->psk);
    c->invited = false;
}

void caller_be(struct caller *c, const struct mt_node *n) {
    struct mt_writer w = mt_writer(c->certificate, sizeof c->certificate);
    caller_learn(c, n);
    c->root = n->secret->root;
    c->feed = n->secret->feed;
    c->key = n->secret->link;
    if (mt_node_certificate(n, &c->region, &w) != MT_OK)
        abort();
    c->certificate_n = w.n;
}

/* ---- out of a state directory ---- */

static enum mt_err load_blob(void *arg, const char *name, struct mt_slice bytes) {
    return mt_node_load_blob(arg, name, bytes);
}

static enum mt_err load_item(void *arg, const struct mt_id *id, struct mt_slice bytes) {
    return mt_node_load_item(arg, id, bytes);
}

static enum mt_err load_node(struct mt_node *n, const char *dir) {
    char path[512];
    uint8_t key[32], entropy[32] = {1};
    struct mt_store *store;
    snprintf(path, sizeof path, "%s/store.key", dir);
    enum mt_err err = mt_keyfile_read(path, false, key);
    if (err)
        return err;
    snprintf(path, sizeof path, "%s/store", dir);
    struct mt_store_config config = {.dir = path, .store_key = key};
    err = mt_store_open(&store, &config);
    if (err)
        return err;
    err = mt_store_load_blobs(store, load_blob, n);
    if (!err)
        err = mt_store_load_items(store, load_item, n);
    if (!err && n->secret) { /* as if the file outside backups named this copy */
        memcpy(n->installation, n->secret->feed.pub.b, sizeof n->installation);
        n->has_installation = true;
        err = mt_node_start(n, &(struct mt_time){.mono_ms = 1, .wall_ms = 1}, entropy);
    }
    mt_store_close(store);
    return err;
}

bool caller_be_state(struct caller *c, const char *state_dir) {
    struct mt_node_config config = {.announce = ""};
    struct mt_node *n;
    if (mt_node_new(&n, &config) != MT_OK)
        return false;
    bool ok = load_node(n, state_dir) == MT_OK && mt_node_is_member(n) && mt_node_epoch(n);
    if (ok)
        caller_be(c, n);
    mt_node_free(n);
    return ok;
}

/* ---- what it says ---- */

void caller_call(struct caller *c, struct mt_writer *w) {
    uint8_t e[32];
    mt_link_close(&c->link);
    built_bytes(e, "caller ephemeral", ++c->calls);
    if (mt_link_dial(&c->link, c->region.b, c->invited ? NULL : &c->region, c->psk, &c->key, e,
                     w) != MT_OK)
        abort();
}

/* The region in full, as the listener's certificate names it, and our certificate for it. */
static enum mt_err certify(struct caller *c, struct mt_slice theirs) {
    static const struct mt_id zeros;
    struct mt_item item;
    struct mt_reader r;
    enum mt_err err = mt_item_get(theirs, &zeros, &item);
    if (!err)
        err = mt_wire_open(&r, item.body, MT_WIRE_CANONICAL, MT_ITEM_MAX);
    if (err)
        return err;
    (void)mt_wire_array(&r, 1, 16);
    mt_wire_fixed(&r, c->region.b, sizeof c->region.b);
    struct mt_certificate cert = {
        .region = c->region, .org = c->root.pub, .feed = c->feed.pub, .number = 0};
    memcpy(cert.link, c->key.pub, sizeof cert.link);
    struct mt_writer w = mt_writer(c->certificate, sizeof c->certificate);
    mt_certificate_put(&w, &cert, &c->root, &c->feed);
    c->certificate_n = w.n;
    return r.err ? r.err : w.err;
}

enum mt_err caller_greet(struct caller *c, struct mt_slice in, struct mt_slice payload,
                         struct mt_writer *w) {
    struct mt_link_out out;
    size_t used;
    enum mt_err err = mt_link_feed(&c->link, in, &used, &out);
    if (err)
        return err;
    if (out.got != MT_LINK_PAYLOAD)
        return MT_EAGAIN;
    if (!c->certificate_n)
        err = certify(c, mt_slice(out.payload, out.n));
    if (!payload.n)
        payload = mt_slice(c->certificate, c->certificate_n);
    return err ? err : mt_link_finish(&c->link, payload, w);
}

void caller_say(struct caller *c, struct mt_slice message, struct mt_writer *w) {
    if (mt_link_seal(&c->link, message, w) != MT_OK)
        abort();
}

/* ---- noise ---- */

uint64_t dice_next(struct dice *d) {
    d->state = d->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return d->state >> 16;
}

size_t dice_below(struct dice *d, size_t n) {
    return n ? (size_t)(dice_next(d) >> 8) % n : 0;
}

void dice_bytes(struct dice *d, uint8_t *out, size_t n) {
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)(dice_next(d) >> 16);
}

size_t dice_spoil(struct dice *d, uint8_t *buf, size_t n, size_t cap) {
    for (size_t times = 1 + dice_below(d, 4); times && n; times--) {
        size_t at = dice_below(d, n), len = 1 + dice_below(d, n - at < 16 ? n - at : 16);
        switch (dice_below(d, 5)) {
        case 0:
            buf[at] ^= (uint8_t)(1u << dice_below(d, 8));
            break;
        case 1:
            buf[at] = (uint8_t)(dice_next(d) >> 16);
            break;
        case 2:
            memset(buf + at, dice_below(d, 2) ? 0xff : 0, len);
            break;
        case 3:
            memmove(buf + at, buf + at + len, n - at - len);
            n -= len;
            break;
        default:
            if (n + len > cap)
                break;
            memmove(buf + at + len, buf + at, n - at);
            n += len;
        }
    }
    return n;
}
