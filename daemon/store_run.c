/* Runs to send. Whoever takes one in checks all of it, so it is checked here only when asked, or when
 * it does not seem to continue the entry before it: a reader would take that for a gap, and ask again
 * and again. */
#include "store_internal.h"

#include "box.h"

enum {
    SIGNATURE_BYTES = 2 + MT_SIGNATURE_SIZE, /* of a run message, as a byte string */
    SHORT_LIST_MAX = 15,                     /* entries whose list has a head of one byte */
};

struct sending {
    const struct mt_chain_row *chain;
    bool check;
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

/* Whether the entry at `first` names the one before it. */
static bool is_continued(struct mt_txn *t, const struct sending *x, uint64_t first) {
    struct entry_row e;
    struct mt_header h;
    struct mt_id previous = {0};
    if (!mt_store_entry_get(t, x->chain->info.no, first, &e) ||
        !mt_store_entry_header(t, &e, &x->chain->info.id, first, &h))
        return false;
    if (first > 1 && mt_store_entry_get(t, x->chain->info.no, first - 1, &e))
        mt_entry_id(&x->chain->region, e.header, &previous);
    if (t->err == MT_ECORRUPT)
        t->err = MT_OK; /* that one is not sent */
    return mt_id_eq(&h.previous, &previous);
}

/* Bytes the message has once it is ended here. */
static size_t ended_size(const struct sending *x) {
    return x->w->n + (x->rw.n > SHORT_LIST_MAX ? 3 : 1) + SIGNATURE_BYTES;
}

/* Adds the entry at `seq`. Out: its signature, NULL when it has none. False when there is none or
 * after an error. */
static bool send_entry(struct mt_txn *t, struct sending *x, uint64_t seq,
                       const uint8_t **signature) {
    struct entry_row e;
    struct mt_header h;
    if (!mt_store_entry_get(t, x->chain->info.no, seq, &e) ||
        !mt_store_entry_header(t, &e, &x->chain->info.id, seq, &h))
        return false;
    if (x->check && !is_sound(x, &e, &h)) {
        mt_txn_fail(t, MT_ECORRUPT, "an entry is damaged");
        return false;
    }
    if (x->rw.n == 0)
        mt_run_begin(&x->rw, x->w, &x->chain->info.id, seq, &h.previous, &h.governance, &h.epoch);
    mt_run_add(&x->rw, &h, e.box);
    if (x->check)
        mt_entry_id(&x->chain->region, e.header, &x->previous);
    x->has_previous = true;
    *signature = e.signature;
    return x->w->err == MT_OK;
}

/* Adds entries up to the last signed head that fits, and at least to the first one: whatever was
 * taken in as a run can be sent on as one. Returns the seq it ends on. */
static uint64_t send_run(struct mt_txn *t, struct sending *x, uint64_t first, size_t max_bytes) {
    uint64_t end = 0;
    const uint8_t *signature = NULL, *last_signature = NULL;
    struct sending good = *x;
    struct mt_writer good_w = *x->w;
    x->check = x->check || !is_continued(t, x, first);
    for (uint64_t seq = first; seq < first + MT_RUN_ENTRIES_MAX; seq++) {
        if (!send_entry(t, x, seq, &signature))
            break;
        size_t size = ended_size(x);
        if (size > MT_RUN_BYTES_MAX || (size > max_bytes && end != 0))
            break;
        if (!signature)
            continue;
        end = seq;
        last_signature = signature;
        good = *x;
        good_w = *x->w;
    }
    if (end == 0 && x->w->err)
        mt_txn_fail(t, x->w->err, "a run does not fit its message");
    if (t->err || end == 0)
        return 0;
    *x->w = good_w;
    x->rw = good.rw;
    if (x->check && mt_head_verify(&x->chain->info.feed, &x->chain->region, &x->chain->info.id, end,
                                   &good.previous, last_signature))
        mt_txn_fail(t, MT_ECORRUPT, "the signature of an entry is damaged");
    else
        mt_run_end(&x->rw, last_signature);
    if (x->w->err)
        mt_txn_fail(t, x->w->err, "a run does not fit its message");
    return end;
}

enum mt_err mt_store_read_run(struct mt_store *s, const struct mt_run_wanted *want,
                              struct mt_writer *w, uint64_t *last) {
    struct mt_txn t;
    struct mt_chain_row chain;
    *last = 0;
    mt_txn_begin(&t, s, false);
    bool is_held = mt_store_chain_get(&t, want->chain_no, &chain);
    bool has_more = is_held && want->first <= chain.head.seq;
    struct sending x = {.chain = &chain, .check = want->check, .w = w};
    uint64_t end = has_more ? send_run(&t, &x, want->first, want->max_bytes) : 0;
    if (has_more && end == 0)
        mt_txn_fail(&t, MT_ECORRUPT, "a chain does not end on a signed entry");
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
