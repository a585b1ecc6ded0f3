/* sync_gov: bringing two governance sets level. */
#include "sync_internal.h"

#include <stdlib.h>

enum { GOV_IDS_MAX = 30000, GOV_BYTES = 512 * 1024, ID_SIZE = 34 };

enum mt_err mt_sync_send_gov_have(struct mt_sync *s, struct mt_replica *r) {
    struct mt_writer w = mt_sync_scratch(s);
    size_t n = mt_sync_is_full(s, r) ? mt_gov_count(r->gov) : 0;
    n = n < GOV_IDS_MAX ? n : GOV_IDS_MAX;
    mt_gov_have_begin(&w, n);
    for (size_t i = 0; i < n; i++)
        mt_wire_put_id(&w, mt_gov_item_id(r->gov, i));
    s->state = MT_SYNC_GOVERNANCE;
    return mt_sync_send_written(s, &w);
}

static int by_id(const void *a, const void *b) {
    return mt_id_cmp(a, b);
}

/* Sends the items for which `wanted` is set, in order, in messages of bounded size. */
static enum mt_err send_items(struct mt_sync *s, struct mt_replica *r, const bool *wanted,
                              bool done) {
    size_t n = mt_gov_count(r->gov), i = 0;
    do {
        size_t from = i, count = 0, bytes = 0;
        for (; i < n && (bytes == 0 || bytes + mt_gov_item(r->gov, i).n < GOV_BYTES); i++) {
            bytes += wanted[i] ? mt_gov_item(r->gov, i).n + 8 : 0;
            count += wanted[i];
        }
        struct mt_writer w = mt_sync_scratch(s);
        mt_gov_items_begin(&w, count);
        for (size_t k = from; k < i; k++)
            if (wanted[k]) {
                struct mt_slice item = mt_gov_item(r->gov, k);
                mt_wire_put_bin(&w, item.p, item.n);
            }
        mt_gov_items_end(&w, done && i == n);
        enum mt_err err = mt_sync_send_written(s, &w);
        if (err)
            return err;
    } while (i < n);
    return MT_OK;
}

/* What we kept back while we did not know them as a member. */
static enum mt_err send_rest(struct mt_sync *s, struct mt_replica *r) {
    if (!s->proof_only)
        return MT_OK;
    size_t count = mt_gov_count(r->gov);
    bool *wanted = calloc(count + 1, sizeof *wanted);
    if (!wanted)
        return MT_ENOMEM;
    for (size_t i = 0; i < count; i++)
        wanted[i] = !mt_gov_is_proof(r->gov, i, &r->own_org);
    enum mt_err err = send_items(s, r, wanted, false);
    s->proof_only = false;
    free(wanted);
    return err;
}

enum mt_err mt_sync_governance_done(struct mt_sync *s, struct mt_replica *r) {
    bool done =
        s->state == MT_SYNC_PROOF || (s->state == MT_SYNC_GOVERNANCE && s->gov_sent && s->gov_got);
    if (!done)
        return MT_OK;
    if (!mt_sync_is_full(s, r)) {
        s->state = MT_SYNC_PROOF;
        return MT_OK;
    }
    enum mt_err err = send_rest(s, r);
    return err ? err : mt_sync_send_have(s, r);
}

enum mt_err mt_sync_on_gov_have(struct mt_sync *s, struct mt_replica *r, struct mt_slice message) {
    struct mt_reader rd;
    uint32_t n;
    if (s->state != MT_SYNC_GOVERNANCE || s->gov_sent)
        return MT_EPROTOCOL;
    enum mt_err err = mt_list_open(&rd, message, MT_MSG_GOV_HAVE, NULL, &n);
    if (err)
        return err;
    if (n > message.n / ID_SIZE)
        return MT_ETYPE; /* shorter elements than ids: no memory for those */
    size_t count = mt_gov_count(r->gov);
    struct mt_id *ids = malloc((n + 1) * sizeof *ids);
    bool *wanted = calloc(count + 1, sizeof *wanted);
    if (!ids || !wanted) {
        err = MT_ENOMEM;
        goto out;
    }
    for (uint32_t i = 0; i < n; i++)
        mt_wire_fixed(&rd, ids[i].b, sizeof ids[i].b);
    err = mt_list_end(&rd, MT_MSG_GOV_HAVE, NULL);
    if (err)
        goto out;
    qsort(ids, n, sizeof *ids, by_id);
    bool full = mt_sync_is_full(s, r);
    for (size_t i = 0; i < count; i++)
        wanted[i] = !bsearch(mt_gov_item_id(r->gov, i), ids, n, sizeof *ids, by_id) &&
                    (full || mt_gov_is_proof(r->gov, i, &r->own_org));
    s->gov_sent = true;
    s->proof_only = !full;
    err = send_items(s, r, wanted, true);
    if (!err)
        err = mt_sync_governance_done(s, r);
out:
    free(ids);
    free(wanted);
    return err;
}

/* Room to remember one more item; taken before it is added, or it would never be saved. */
static enum mt_err reserve_added(struct mt_replica *r) {
    if (r->n_added == r->cap_added) {
        size_t cap = r->cap_added ? r->cap_added * 2 : 64;
        struct mt_id *p = realloc(r->added, cap * sizeof *p);
        if (!p)
            return MT_ENOMEM;
        r->added = p;
        r->cap_added = cap;
    }
    return MT_OK;
}

/* Adds one item a peer brought. What does not verify is the peer's fault; what refers to something
 * we do not hold is left for the next exchange. */
static enum mt_err add_item(struct mt_replica *r, struct mt_slice bytes) {
    struct mt_item item;
    struct mt_id id;
    enum mt_err err = mt_item_get(bytes, mt_gov_region(r->gov), &item);
    if (err == MT_EVERSION)
        return MT_OK; /* a kind of item of a later version */
    if (err)
        return err;
    if (item.type == MT_ITEM_FOUND && !mt_id_eq(&item.id, &r->region))
        return MT_EVALUE;
    err = reserve_added(r);
    if (!err)
        err = mt_gov_add(r->gov, bytes, &id);
    if (err == MT_OK)
        r->added[r->n_added++] = id;
    if (err == MT_EDUPLICATE || err == MT_EUNKNOWN || err == MT_EFULL)
        return MT_OK;
    return err;
}

enum mt_err mt_sync_on_gov_items(struct mt_sync *s, struct mt_replica *r, struct mt_slice message) {
    struct mt_reader rd;
    uint32_t n;
    bool done;
    if (s->state < MT_SYNC_GOVERNANCE)
        return MT_EPROTOCOL;
    enum mt_err err = mt_list_open(&rd, message, MT_MSG_GOV_ITEMS, NULL, &n);
    for (uint32_t i = 0; i < n && !err; i++) {
        struct mt_slice item = mt_wire_bin(&rd, MT_ITEM_MAX);
        err = rd.err ? rd.err : add_item(r, item);
    }
    if (!err)
        err = mt_list_end(&rd, MT_MSG_GOV_ITEMS, &done);
    if (err)
        return err;
    s->gov_got |= done;
    return mt_sync_governance_done(s, r);
}

enum mt_err mt_sync_items(struct mt_sync *s, struct mt_replica *r, const struct mt_id *ids,
                          size_t n) {
    if (s->state < MT_SYNC_GOVERNANCE || !mt_sync_is_full(s, r) || !n)
        return MT_OK;
    size_t count = mt_gov_count(r->gov);
    bool *wanted = calloc(count + 1, sizeof *wanted);
    if (!wanted)
        return MT_ENOMEM;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < n && !wanted[i]; k++)
            wanted[i] = mt_id_eq(mt_gov_item_id(r->gov, i), &ids[k]);
    enum mt_err err = send_items(s, r, wanted, false);
    free(wanted);
    return err;
}

enum mt_err mt_sync_send_newer(struct mt_sync *s, struct mt_replica *r) {
    size_t count = mt_gov_count(r->gov);
    uint64_t added = mt_gov_generation(r->gov) - s->hello_generation;
    if (!added)
        return MT_OK;
    bool *wanted = calloc(count + 1, sizeof *wanted);
    if (!wanted)
        return MT_ENOMEM;
    for (size_t i = added < count ? count - (size_t)added : 0; i < count; i++)
        wanted[i] = true;
    enum mt_err err = send_items(s, r, wanted, false);
    free(wanted);
    return err;
}
