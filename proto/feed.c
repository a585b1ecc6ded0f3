#include "feed.h"

#include "box.h"
#include "msg.h"

#include <assert.h>

enum {
    MSG_ELEMENTS = 8,
    ENTRY_ELEMENTS = 3,        /* lamport, wall time, box */
    ENTRY_ELEMENTS_STATED = 5, /* and governance head, epoch */
    BOX_MIN = MT_BOX_MIN_PADDED + MT_BOX_OVERHEAD,
    SHORT_ARRAY_MAX = 15, /* elements that a head of one byte can count */
};

/* What stands before the entries of a run; the reader is left at the first of them. */
struct run_front {
    struct mt_id chain;
    uint64_t first;
    uint8_t previous16[16];
    struct mt_id governance, epoch;
    uint32_t n;
};

static enum mt_err read_front(struct mt_reader *r, struct mt_slice message,
                              struct run_front *front) {
    *front = (struct run_front){0};
    enum mt_err err = mt_wire_open(r, message, MT_WIRE_CANONICAL, MT_RUN_BYTES_MAX);
    if (err)
        return err;
    (void)mt_wire_array(r, MSG_ELEMENTS, MSG_ELEMENTS);
    uint64_t type = mt_wire_uint(r, UINT64_MAX);
    if (r->err == MT_OK && type != MT_MSG_RUN)
        return r->err = MT_EVALUE;
    mt_wire_fixed(r, front->chain.b, sizeof front->chain.b);
    /* Such a bound that the last seq of the run is a number as well. */
    front->first = mt_wire_uint(r, UINT64_MAX - MT_RUN_ENTRIES_MAX);
    if (r->err == MT_OK && front->first == 0)
        return r->err = MT_EVALUE;
    mt_wire_fixed(r, front->previous16, sizeof front->previous16);
    mt_wire_fixed(r, front->governance.b, sizeof front->governance.b);
    mt_wire_fixed(r, front->epoch.b, sizeof front->epoch.b);
    front->n = mt_wire_array(r, 1, MT_RUN_ENTRIES_MAX);
    return r->err;
}

enum mt_err mt_run_peek(struct mt_slice message, struct mt_id *chain, uint64_t *first,
                        uint8_t previous16[static 16], uint32_t *n) {
    struct mt_reader r;
    struct run_front front;
    enum mt_err err = read_front(&r, message, &front);
    if (err)
        front = (struct run_front){0};
    *chain = front.chain;
    *first = front.first;
    memcpy(previous16, front.previous16, sizeof front.previous16);
    *n = front.n;
    return err;
}

/* Reads a box, or the hash and length of a missing one into `h`. A box may be missing only where
 * an erasure names its entry. Nothing can name one in this version, so it is always refused. */
static enum mt_err read_box(struct mt_reader *r, struct mt_header *h, struct mt_slice *box) {
    if (mt_wire_peek(r) == MT_WIRE_ARRAY) {
        *box = mt_slice(NULL, 0);
        (void)mt_wire_array(r, 2, 2);
        mt_wire_fixed(r, h->box_hash.b, sizeof h->box_hash.b);
        h->box_len = (uint32_t)mt_wire_uint(r, MT_BOX_MAX);
        return r->err ? r->err : MT_EVALUE;
    }
    *box = mt_wire_bin(r, MT_BOX_MAX);
    if (r->err)
        return r->err;
    return box->n < BOX_MIN ? MT_ETRUNCATED : MT_OK;
}

/* Reads the governance head and epoch of an entry that states them. It does so exactly when they
 * are not those of the entry before it, so that a run has one form. */
static enum mt_err read_stated(struct mt_reader *r, struct mt_header *h, bool is_first) {
    struct mt_id governance = {{0}}, epoch = {{0}};
    mt_wire_fixed(r, governance.b, sizeof governance.b);
    mt_wire_fixed(r, epoch.b, sizeof epoch.b);
    if (r->err)
        return r->err;
    if (is_first || (mt_id_eq(&governance, &h->governance) && mt_id_eq(&epoch, &h->epoch)))
        return MT_ECANONICAL;
    h->governance = governance;
    h->epoch = epoch;
    return MT_OK;
}

/* Reads one entry into `h`, in which everything that follows from the entry before it stands, and
 * the previous lamport. */
static enum mt_err read_entry(struct mt_reader *r, struct mt_header *h, struct mt_slice *box,
                              bool is_first) {
    uint32_t elements = mt_wire_array(r, ENTRY_ELEMENTS, ENTRY_ELEMENTS_STATED);
    if (r->err == MT_OK && elements != ENTRY_ELEMENTS && elements != ENTRY_ELEMENTS_STATED)
        return MT_EVALUE;
    uint64_t lamport = mt_wire_uint(r, MT_LAMPORT_MAX);
    h->wall_ms = mt_wire_uint(r, UINT64_MAX);
    if (r->err)
        return r->err;
    if (lamport <= h->lamport)
        return MT_EVALUE;
    h->lamport = lamport;
    enum mt_err err = read_box(r, h, box);
    if (err == MT_OK && elements == ENTRY_ELEMENTS_STATED)
        err = read_stated(r, h, is_first);
    return err;
}

/* Reads and rebuilds all entries. `h` is the header before the first, as far as it matters. */
static enum mt_err read_entries(struct mt_reader *r, const struct mt_id *region,
                                struct mt_header *h, struct mt_run *run, uint8_t *arena) {
    struct mt_writer w = mt_writer(arena, MT_RUN_ARENA);
    for (uint32_t i = 0; i < run->n; i++) {
        struct mt_run_entry *e = &run->entries[i];
        enum mt_err err = read_entry(r, h, &e->box, i == 0);
        if (err)
            return err;
        mt_box_hash(region, e->box, &h->box_hash);
        h->box_len = (uint32_t)e->box.n;
        h->seq = run->first + i;
        size_t start = w.n;
        mt_header_put(&w, h);
        if (w.err)
            return w.err;
        e->header = mt_slice(arena + start, w.n - start);
        mt_entry_id(region, e->header, &e->id);
        e->h = *h;
        h->previous = e->id;
    }
    return MT_OK;
}

enum mt_err mt_run_check(struct mt_slice message, const struct mt_id *region,
                         const struct mt_id *feed, const struct mt_head *before,
                         struct mt_run_entry *entries, uint8_t *arena, struct mt_run *run) {
    struct mt_reader r;
    struct run_front front;
    *run = (struct mt_run){0};
    enum mt_err err = read_front(&r, message, &front);
    if (err)
        return err;
    /* front.first is at least 1. */
    if (front.first - 1 != before->seq ||
        memcmp(front.previous16, before->entry.b, sizeof front.previous16) != 0)
        return MT_ECHAIN;

    struct mt_run checked = {
        .chain = front.chain, .first = front.first, .n = front.n, .entries = entries};
    memcpy(checked.previous16, front.previous16, sizeof checked.previous16);
    struct mt_header h = {.version = MT_HEADER_VERSION,
                          .chain = front.chain,
                          .previous = before->entry,
                          .lamport = before->lamport,
                          .governance = front.governance,
                          .epoch = front.epoch};
    err = read_entries(&r, region, &h, &checked, arena);
    if (err)
        return err;
    struct mt_slice signature = mt_wire_bin(&r, MT_SIGNATURE_SIZE);
    err = mt_reader_end(&r);
    if (err)
        return err;
    if (signature.n != MT_SIGNATURE_SIZE)
        return MT_EVALUE;
    err = mt_head_verify(feed, region, &front.chain, h.seq, &h.previous, signature.p);
    if (err)
        return err;
    checked.signature = signature.p;
    *run = checked;
    return MT_OK;
}

void mt_run_begin(struct mt_run_writer *rw, struct mt_writer *w, const struct mt_id *chain,
                  uint64_t first, const struct mt_id *previous, const struct mt_id *governance,
                  const struct mt_id *epoch) {
    mt_wire_put_array(w, MSG_ELEMENTS);
    mt_wire_put_uint(w, MT_MSG_RUN);
    mt_wire_put_id(w, chain);
    mt_wire_put_uint(w, first);
    mt_wire_put_bin(w, previous->b, sizeof((struct mt_run *)0)->previous16);
    mt_wire_put_id(w, governance);
    mt_wire_put_id(w, epoch);
    *rw = (struct mt_run_writer){
        .w = w, .entries_at = w->n, .governance = *governance, .epoch = *epoch};
}

void mt_run_add(struct mt_run_writer *rw, const struct mt_header *h, struct mt_slice box) {
    bool same = mt_id_eq(&h->governance, &rw->governance) && mt_id_eq(&h->epoch, &rw->epoch);
    assert(same || rw->n > 0);
    mt_wire_put_array(rw->w, same ? ENTRY_ELEMENTS : ENTRY_ELEMENTS_STATED);
    mt_wire_put_uint(rw->w, h->lamport);
    mt_wire_put_uint(rw->w, h->wall_ms);
    if (box.n > 0) {
        mt_wire_put_bin(rw->w, box.p, box.n);
    } else {
        mt_wire_put_array(rw->w, 2);
        mt_wire_put_id(rw->w, &h->box_hash);
        mt_wire_put_uint(rw->w, h->box_len);
    }
    if (!same) {
        mt_wire_put_id(rw->w, &h->governance);
        mt_wire_put_id(rw->w, &h->epoch);
        rw->governance = h->governance;
        rw->epoch = h->epoch;
    }
    rw->n++;
}

void mt_run_end(struct mt_run_writer *rw, const uint8_t signature[static MT_SIGNATURE_SIZE]) {
    struct mt_writer *w = rw->w;
    assert(rw->n > 0);
    if (rw->n > MT_RUN_ENTRIES_MAX && w->err == MT_OK)
        w->err = MT_ETOOLONG;
    /* The head of the entries counts them, so it is known only now, and they make room for it. */
    size_t head = rw->n > SHORT_ARRAY_MAX ? 3 : 1;
    size_t entries = w->n - rw->entries_at;
    if (!mt_writer_take(w, head))
        return;
    memmove(w->p + rw->entries_at + head, w->p + rw->entries_at, entries);
    struct mt_writer front = mt_writer(w->p + rw->entries_at, head);
    mt_wire_put_array(&front, rw->n);
    assert(front.err == MT_OK && front.n == head);
    mt_wire_put_bin(w, signature, MT_SIGNATURE_SIZE);
}
