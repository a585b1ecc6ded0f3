/* The view digest from nothing but the entries: every change of every entry that opens is listed,
 * sorted by record and by the order all replicas share, and laid over one another field by field.
 * Shares no code with the merge that keeps the digest up to date, which it is there to check. */
#include "store_internal.h"

#include "box.h"

#include <stdlib.h>

struct listed {
    struct mt_id owner, chain, entry;
    struct mt_rid id;
    uint64_t lamport, mask;
    uint16_t kind, index;
};

struct fold {
    struct mt_read *r;
    struct listed *list;
    size_t n, cap;
    uint8_t *plain;
    struct mt_chain_row chain;
};

static struct listed *list_add(struct fold *f) {
    if (f->n == f->cap) {
        size_t cap = f->cap ? f->cap * 2 : 1024;
        struct listed *list = realloc(f->list, cap * sizeof *list);
        if (!list) {
            mt_txn_fail(f->r->txn, MT_ENOMEM, "folding");
            return NULL;
        }
        f->list = list;
        f->cap = cap;
    }
    return &f->list[f->n++];
}

static void list_changes(struct fold *f, const struct mt_header *h, const struct mt_id *entry,
                         struct mt_slice content) {
    struct mt_changes it;
    struct mt_change c;
    if (mt_changes_check(content) || mt_changes_open(&it, content))
        return;
    for (uint16_t i = 0; mt_changes_next(&it, &c); i++) {
        struct listed *x = list_add(f);
        if (!x)
            return;
        *x = (struct listed){.owner = f->chain.info.org,
                             .chain = h->chain,
                             .entry = *entry,
                             .id = c.id,
                             .lamport = h->lamport,
                             .mask = c.mask,
                             .kind = c.kind,
                             .index = i};
    }
}

static void list_entry(struct fold *f, struct mt_slice key, struct mt_slice value) {
    struct mt_txn *t = f->r->txn;
    struct entry_row e;
    struct mt_header h;
    struct mt_id entry;
    struct mt_slice content;
    uint32_t chain_no = mt_load32(key.p);
    if (f->chain.info.no != chain_no && !mt_store_chain_get(t, chain_no, &f->chain)) {
        mt_txn_fail(t, MT_ECORRUPT, "the row of a chain is missing");
        return;
    }
    if (!mt_id_is_zero(&f->chain.info.other) || !mt_store_entry_parse(t, value, &e) ||
        !mt_store_entry_header(t, &e, &f->chain.info.id, mt_load64(key.p + 4), &h))
        return;
    const uint8_t *box_key = f->r->keys ? mt_keyring_epoch(f->r->keys, &h.epoch) : NULL;
    struct mt_box_place place = {
        .region = *f->r->region, .chain = h.chain, .seq = h.seq, .epoch = h.epoch};
    struct mt_writer plain = mt_writer(f->plain, MT_BOX_MAX);
    if (!box_key || mt_box_open(box_key, &place, e.box, &plain, &content))
        return;
    mt_entry_id(f->r->region, e.header, &entry);
    list_changes(f, &h, &entry, content);
}

static int cmp_record(const struct listed *a, const struct listed *b) {
    int order = mt_id_cmp(&a->owner, &b->owner);
    if (order == 0)
        order = (a->kind > b->kind) - (a->kind < b->kind);
    return order ? order : memcmp(a->id.b, b->id.b, sizeof a->id.b);
}

static int cmp_listed(const void *pa, const void *pb) {
    const struct listed *a = pa, *b = pb;
    int order = cmp_record(a, b);
    if (order == 0)
        order = (a->lamport > b->lamport) - (a->lamport < b->lamport);
    if (order == 0)
        order = mt_id_cmp(&a->chain, &b->chain);
    return order ? order : mt_id_cmp(&a->entry, &b->entry);
}

/* Folds the changes of one record, lowest first: each takes its fields from those before it. */
static void fold_record(const struct fold *f, size_t from, size_t to, struct mt_sum *sum) {
    const struct listed *winner[MT_FIELDS_MAX] = {0};
    struct mt_merged rec = {.n = 0};
    struct mt_sum share;
    for (size_t i = from; i < to; i++)
        for (unsigned no = 0; no < MT_FIELDS_MAX; no++)
            if (f->list[i].mask >> no & 1)
                winner[no] = &f->list[i];
    for (size_t i = to; i-- > from;) {
        const struct listed *x = &f->list[i];
        uint64_t won = 0;
        for (unsigned no = 0; no < MT_FIELDS_MAX; no++)
            if (winner[no] == x)
                won |= UINT64_C(1) << no;
        if (won == 0)
            continue;
        rec.groups[rec.n++] = (struct mt_group){
            .mask = won,
            .stamp = {
                .lamport = x->lamport, .chain = x->chain, .entry = x->entry, .index = x->index}};
    }
    if (rec.n == 0)
        return;
    const struct listed *x = &f->list[from];
    mt_record_digest(&share, f->r->region, &x->owner, x->kind, &x->id, &rec);
    mt_sum_add(sum, &share);
}

enum mt_err mt_read_digest_fold(struct mt_read *r, uint8_t out[static 32]) {
    struct mt_txn *t = r->txn;
    struct fold f = {.r = r, .plain = malloc(MT_BOX_MAX)};
    struct mt_sum sum = {{0}};
    memset(out, 0, 32);
    if (!f.plain)
        return MT_ENOMEM;
    MDB_cursor *c = mt_txn_cursor_new(t, T_ENTRIES);
    struct mt_slice key = {0}, value;
    for (bool more = mt_txn_move(t, c, MDB_FIRST, &key, &value); more;
         more = mt_txn_move(t, c, MDB_NEXT, &key, &value))
        list_entry(&f, key, value);
    if (c)
        mdb_cursor_close(c);
    if (f.n > 0)
        qsort(f.list, f.n, sizeof *f.list, cmp_listed);
    for (size_t from = 0, to; from < f.n; from = to) {
        for (to = from + 1; to < f.n && cmp_record(&f.list[from], &f.list[to]) == 0;)
            to++;
        fold_record(&f, from, to, &sum);
    }
    free(f.list);
    mt_wipe(f.plain, MT_BOX_MAX);
    free(f.plain);
    if (t->err == MT_OK)
        mt_sum_digest(r->region, &sum, out);
    return t->err;
}
