/* Runs to send. What is sent is checked first: a damaged entry is our fault, not the reader's. */
#include "store_internal.h"

#include "box.h"

enum {
    RUN_OVERHEAD = 256,   /* bytes of a run message besides its entries, at most */
    ENTRY_OVERHEAD = 128, /* bytes of an entry besides its box, at most */
};

/* Finds where a run from `first` ends: at the last signed head that fits, or at the first one. */
static uint64_t find_end(struct mt_txn *t, uint32_t chain_no, uint64_t first, size_t max_bytes) {
    uint64_t end = 0, seq = first;
    size_t bytes = RUN_OVERHEAD;
    struct entry_row e;
    for (uint32_t n = 0; n < MT_RUN_ENTRIES_MAX; n++, seq++) {
        if (!mt_store_entry_get(t, chain_no, seq, &e))
            break;
        bytes += ENTRY_OVERHEAD + e.box.n;
        if (bytes > MT_MESSAGE_MAX || (bytes > max_bytes && end != 0))
            break;
        if (e.signature)
            end = seq;
    }
    return end;
}

struct sending {
    const struct mt_chain_row *chain;
    struct mt_run_writer rw;
    struct mt_writer *w;
    struct mt_id previous;
    bool has_previous;
};

static bool is_sound(const struct sending *x, const struct entry_row *e,
                     const struct mt_header *h) {
    struct mt_id hash;
    mt_box_hash(&x->chain->region, e->box, &hash);
    return mt_id_eq(&hash, &h->box_hash) && h->box_len == e->box.n &&
           (!x->has_previous || mt_id_eq(&x->previous, &h->previous));
}

/* Adds the entry at `seq`. */
static const uint8_t *send_entry(struct mt_txn *t, struct sending *x, uint64_t seq) {
    struct entry_row e;
    struct mt_header h;
    if (!mt_store_entry_get(t, x->chain->info.no, seq, &e) ||
        !mt_store_entry_header(t, &e, &x->chain->info.id, seq, &h))
        return NULL;
    if (!is_sound(x, &e, &h)) {
        mt_txn_fail(t, MT_ECORRUPT, "an entry is damaged");
        return NULL;
    }
    if (!x->has_previous)
        mt_run_begin(&x->rw, x->w, &x->chain->info.id, seq, &h.previous, &h.governance, &h.epoch);
    mt_run_add(&x->rw, &h, e.box);
    mt_entry_id(&x->chain->region, e.header, &x->previous);
    x->has_previous = true;
    return e.signature;
}

static void send_run(struct mt_txn *t, struct sending *x, uint64_t first, uint64_t end) {
    const uint8_t *signature = NULL;
    for (uint64_t seq = first; seq <= end && t->err == MT_OK; seq++)
        signature = send_entry(t, x, seq);
    if (t->err)
        return;
    if (!signature || mt_head_verify(&x->chain->info.feed, &x->chain->region, &x->chain->info.id,
                                     end, &x->previous, signature)) {
        mt_txn_fail(t, MT_ECORRUPT, "the signature of an entry is damaged");
        return;
    }
    mt_run_end(&x->rw, signature);
    if (x->w->err)
        mt_txn_fail(t, x->w->err, "a run does not fit its message");
}

enum mt_err mt_store_read_run(struct mt_store *s, uint32_t chain_no, uint64_t first,
                              size_t max_bytes, struct mt_writer *w, uint64_t *last) {
    struct mt_txn t;
    struct mt_chain_row chain;
    *last = 0;
    mt_txn_begin(&t, s, false);
    bool is_held = mt_store_chain_get(&t, chain_no, &chain);
    uint64_t end = is_held ? find_end(&t, chain_no, first, max_bytes) : 0;
    if (end != 0) {
        struct sending x = {.chain = &chain, .w = w};
        send_run(&t, &x, first, end);
    }
    enum mt_err err = mt_txn_end(&t, false);
    if (err)
        return err;
    *last = end;
    return end ? MT_OK : MT_ENOTFOUND;
}

enum mt_err mt_store_entry_id(struct mt_store *s, const struct mt_id *region, uint32_t chain_no,
                              uint64_t seq, struct mt_id *out) {
    struct mt_txn t;
    struct entry_row e;
    *out = (struct mt_id){0};
    mt_txn_begin(&t, s, false);
    bool is_held = mt_store_entry_get(&t, chain_no, seq, &e);
    if (is_held)
        mt_entry_id(region, e.header, out);
    enum mt_err err = mt_txn_end(&t, false);
    if (err)
        return err;
    return is_held ? MT_OK : MT_ENOTFOUND;
}
