/* From changes to records.
 *
 * The queue of a batch is sorted by record, so that the one table with random keys (rowid) is read
 * and written in order. A record that is new needs nothing from disk. One that is held is read with
 * the content its groups point at, because its old index keys and its share of the view sum must
 * go. Records are settled in row order: rows only grow, new ones in order of arrival. */
#include "store_merge.h"

#include "store_recent.h"

#include <stdlib.h>

/* A queued change's place in the order of records. */
struct sorted {
    uint64_t high, low; /* audience, owner; kind, first six bytes of the id */
    uint32_t at;        /* in the queue */
    const struct queued *q;
};

/* A record of this batch: the changes `first` to `first + n` of the sorted ones. */
struct touched {
    uint32_t first, n;
    uint64_t row;
    bool is_new;
};

/* In the byte of index_key.place that is free: this key goes. Sorting is faster on 32 bytes. */
#define INDEX_GOES (UINT64_C(1) << 56)

struct merge {
    struct mt_write *w;
    struct sorted *sorted;
    struct touched *touched; /* in order of records */
    struct touched **by_row;
    uint32_t n, n_touched;
    struct index_key *ops;
    uint32_t n_ops, cap_ops;
    bool is_add;           /* what the index keys being given are for */
    struct recent *recent; /* set: keys are kept together, not put into their tables */
    struct recent_item *items;
    uint32_t n_items, cap_items;
    /* The record being settled. */
    struct record rec;
    struct mt_merged old;
    struct mt_slice old_fields[MT_FIELDS_MAX]; /* of each group of `old` */
};

/* ---- order ---- */

static int cmp_u64(uint64_t a, uint64_t b) {
    return a < b ? -1 : a > b;
}

static int cmp_sorted(const void *pa, const void *pb) {
    const struct sorted *a = pa, *b = pb;
    if (a->high != b->high)
        return cmp_u64(a->high, b->high);
    if (a->low != b->low)
        return cmp_u64(a->low, b->low);
    int order = memcmp(a->q->id.b, b->q->id.b, sizeof a->q->id.b);
    return order ? order : cmp_u64(a->at, b->at);
}

static bool same_record(const struct sorted *a, const struct sorted *b) {
    return a->high == b->high && a->low == b->low && mt_rid_eq(&a->q->id, &b->q->id);
}

static void sort_queue(struct merge *m) {
    const struct queued *queue = m->w->k->queue;
    for (uint32_t i = 0; i < m->n; i++) {
        const struct mt_chain_row *chain = queue[i].origin->chain;
        m->sorted[i] =
            (struct sorted){.high = (uint64_t)chain->audience_no << 32 | chain->owner_no,
                            .low = (uint64_t)queue[i].kind << 48 | mt_load64(queue[i].id.b) >> 16,
                            .at = i,
                            .q = &queue[i]};
    }
    qsort(m->sorted, m->n, sizeof *m->sorted, cmp_sorted);
    for (uint32_t i = 0; i < m->n; i++) {
        if (i > 0 && same_record(&m->sorted[i - 1], &m->sorted[i]))
            m->touched[m->n_touched - 1].n++;
        else
            m->touched[m->n_touched++] = (struct touched){.first = i, .n = 1};
    }
}

static const struct queued *first_of(const struct merge *m, const struct touched *t) {
    return m->sorted[t->first].q;
}

static void key_of(const struct merge *m, const struct touched *t, uint8_t out[static ROWID_SIZE]) {
    const struct queued *q = first_of(m, t);
    mt_store_rowid_key(out, q->origin->chain->audience_no, q->origin->chain->owner_no, q->kind,
                       &q->id);
}

static int cmp_rows(const void *pa, const void *pb) {
    const struct touched *const *a = pa, *const *b = pb;
    return cmp_u64((*a)->row, (*b)->row);
}

static void add_item(struct merge *m, bool is_rowid, struct mt_slice key, uint64_t row,
                     uint8_t tag) {
    if (m->n_items == m->cap_items) {
        uint32_t cap = m->cap_items ? m->cap_items * 2 : m->n_touched * 3 + 16;
        struct recent_item *items = realloc(m->items, cap * sizeof *items);
        if (!items) {
            mt_txn_fail(&m->w->t, MT_ENOMEM, "merging");
            return;
        }
        m->items = items;
        m->cap_items = cap;
    }
    struct recent_item *x = &m->items[m->n_items++];
    mt_recent_item(x, is_rowid, key);
    mt_be64(x->row, row);
    x->tag |= tag;
}

/* Looks for a record's row, and enters the new one when there is none. */
static bool find_row(struct merge *m, const uint8_t key[static ROWID_SIZE], uint64_t *row) {
    struct mt_txn *t = &m->w->t;
    struct mt_slice k = mt_slice(key, ROWID_SIZE), held;
    uint8_t bytes[8];
    if (m->recent && mt_recent_find(m->recent, key, row))
        return false;
    mt_be64(bytes, *row);
    bool is_new = m->recent
                      ? !mt_txn_get(t, T_ROWID, k, &held)
                      : mt_txn_add_summed(t, T_ROWID, k, mt_slice(bytes, sizeof bytes), &held);
    if (t->err)
        return false;
    if (is_new && m->recent)
        add_item(m, true, k, *row, 0);
    else if (!is_new && held.n == sizeof bytes)
        *row = mt_load64(held.p);
    else if (!is_new)
        mt_txn_fail(t, MT_ECORRUPT, "a row of table rowid is damaged");
    return is_new;
}

/* Finds the rows of held records and enters new ones, whose rows are in order of arrival. */
static void find_rows(struct merge *m) {
    struct mt_txn *t = &m->w->t;
    uint64_t next = mt_txn_number(t, "row") + 1;
    for (uint32_t i = 0; i < m->n_touched && t->err == MT_OK; i++) {
        struct touched *x = &m->touched[i];
        uint8_t key[ROWID_SIZE];
        key_of(m, x, key);
        x->row = next + m->sorted[x->first].at;
        x->is_new = find_row(m, key, &x->row);
        m->by_row[i] = x;
    }
    if (t->err)
        return;
    qsort(m->by_row, m->n_touched, sizeof(struct touched *), cmp_rows);
    mt_txn_put_number(t, "row", next + m->n - 1);
}

/* ---- index ---- */

static void add_op(void *arg, const struct index_key *key) {
    struct merge *m = arg;
    if (m->n_ops == m->cap_ops) {
        uint32_t cap = m->cap_ops ? m->cap_ops * 2 : m->n_touched * 4 + 16;
        struct index_key *ops = realloc(m->ops, cap * sizeof *ops);
        if (!ops) {
            mt_txn_fail(&m->w->t, MT_ENOMEM, "merging");
            return;
        }
        m->ops = ops;
        m->cap_ops = cap;
    }
    m->ops[m->n_ops] = *key;
    m->ops[m->n_ops++].place |= m->is_add ? 0 : INDEX_GOES;
}

static int cmp_ops(const void *pa, const void *pb) {
    const struct index_key *a = pa, *b = pb;
    uint64_t place = a->place & ~INDEX_GOES, other = b->place & ~INDEX_GOES;
    if (place != other)
        return cmp_u64(place, other);
    if (a->value[0] != b->value[0])
        return cmp_u64(a->value[0], b->value[0]);
    if (a->value[1] != b->value[1])
        return cmp_u64(a->value[1], b->value[1]);
    return cmp_u64(a->row, b->row);
}

/* Carries out the index operations in order; a key that goes and comes stays. */
static void put_index(struct merge *m) {
    if (m->n_ops > 0)
        qsort(m->ops, m->n_ops, sizeof *m->ops, cmp_ops);
    for (uint32_t i = 0, next; i < m->n_ops && m->w->t.err == MT_OK; i = next) {
        bool comes = false, goes = false;
        for (next = i; next < m->n_ops && cmp_ops(&m->ops[i], &m->ops[next]) == 0; next++) {
            bool this_goes = m->ops[next].place & INDEX_GOES;
            goes = goes || this_goes;
            comes = comes || !this_goes;
        }
        uint8_t bytes[INDEX_KEY_MAX];
        struct index_key op = m->ops[i];
        op.place &= ~INDEX_GOES;
        struct mt_slice key = mt_slice(bytes, mt_store_index_encode(&op, bytes)), held;
        if (comes == goes)
            continue;
        if (m->recent && mt_recent_holds(op.place >> 48))
            add_item(m, false, key, 0, goes ? RECENT_GOES : 0);
        else if (comes)
            (void)mt_txn_add_summed(&m->w->t, T_INDEX, key, mt_slice(NULL, 0), &held);
        else
            mt_txn_del_summed(&m->w->t, T_INDEX, key);
    }
    if (m->n_items > 0 && m->w->t.err == MT_OK)
        mt_recent_put(&m->w->t, m->items, m->n_items);
}

/* ---- one record ---- */

/* Copies the fields of a held group's change out of its box. */
static struct mt_slice old_content(struct merge *m, const struct mt_stamp *stamp) {
    struct mt_write *w = m->w;
    struct opened *o = &w->k->opened;
    struct mt_change c;
    enum mt_err err = mt_store_open_entry(&w->t, &w->batch->region, w->batch->keys, stamp, o);
    if (err == MT_OK)
        err = mt_store_change_at(o, stamp->index, &c);
    if (err) {
        mt_txn_fail(&w->t, err, "the content of a record cannot be read");
        return mt_slice(NULL, 0);
    }
    uint8_t *p = mt_arena_take(w, c.fields.n);
    if (!p)
        return mt_slice(NULL, 0);
    memcpy(p, c.fields.p, c.fields.n);
    return mt_slice(p, c.fields.n);
}

static void load_old(struct merge *m, const struct touched *x) {
    struct mt_txn *t = &m->w->t;
    const struct queued *q = first_of(m, x);
    if (!mt_store_record_get(t, x->row, &m->rec) || m->rec.kind != q->kind ||
        !mt_rid_eq(&m->rec.id, &q->id) || m->rec.audience_no != q->origin->chain->audience_no ||
        m->rec.owner_no != q->origin->chain->owner_no) {
        mt_txn_fail(t, MT_ECORRUPT, "the row of a record is missing");
        return;
    }
    for (uint32_t i = 0; i < m->rec.merged.n && t->err == MT_OK; i++) {
        struct mt_stamp *stamp = &m->rec.merged.groups[i].stamp;
        struct mt_chain_row *chain = mt_write_chain_no(m->w, stamp->chain_no);
        if (chain)
            stamp->chain = chain->info.id;
        m->old.groups[i] = m->rec.merged.groups[i];
        m->old_fields[i] = old_content(m, stamp);
    }
    m->old.n = m->rec.merged.n;
}

static void start_new(struct merge *m, const struct touched *x) {
    const struct queued *q = first_of(m, x);
    m->old.n = 0;
    m->rec.merged.n = 0;
    m->rec.audience_no = q->origin->chain->audience_no;
    m->rec.owner_no = q->origin->chain->owner_no;
    m->rec.kind = q->kind;
    m->rec.id = q->id;
    m->rec.created_ms = UINT64_MAX;
}

static bool is_of(const struct queued *q, const struct mt_stamp *stamp) {
    return q->origin->seq == stamp->seq && q->origin->chain->info.no == stamp->chain_no;
}

static void merge_changes(struct merge *m, const struct touched *x) {
    for (uint32_t i = 0; i < x->n; i++) {
        const struct queued *q = m->sorted[x->first + i].q;
        const struct origin *o = q->origin;
        struct mt_stamp stamp = {.lamport = o->lamport,
                                 .chain = o->chain->info.id,
                                 .entry = o->entry,
                                 .chain_no = o->chain->info.no,
                                 .seq = o->seq,
                                 .index = q->index};
        (void)mt_record_merge(&m->rec.merged, &stamp, q->mask);
        if (o->wall_ms < m->rec.created_ms)
            m->rec.created_ms = o->wall_ms;
        if (is_of(q, &m->rec.merged.groups[0].stamp)) {
            m->rec.changed_ms = o->wall_ms;
            m->rec.major = q->major;
        }
    }
}

static struct mt_slice fields_of(const struct merge *m, const struct touched *x,
                                 const struct mt_stamp *stamp) {
    for (uint32_t i = 0; i < x->n; i++)
        if (is_of(m->sorted[x->first + i].q, stamp))
            return m->sorted[x->first + i].q->fields;
    for (uint32_t i = 0; i < m->old.n; i++)
        if (m->old.groups[i].stamp.seq == stamp->seq &&
            m->old.groups[i].stamp.chain_no == stamp->chain_no)
            return m->old_fields[i];
    return mt_slice(NULL, 0);
}

/* Gives the index keys of the record as it is now, and its share of the view sum. */
static void give(struct merge *m, const struct touched *x, bool is_add) {
    struct mt_write *w = m->w;
    const struct mt_id *owner = &first_of(m, x)->origin->chain->info.org;
    struct values values = {0};
    struct mt_sum share;
    for (uint32_t i = 0; i < m->rec.merged.n; i++) {
        const struct mt_group *g = &m->rec.merged.groups[i];
        mt_store_values_add(&values, fields_of(m, x, &g->stamp), g->mask);
    }
    m->is_add = is_add;
    struct subject of = {.region = &w->batch->region,
                         .owner = owner,
                         .row = x->row,
                         .audience_no = m->rec.audience_no,
                         .owner_no = m->rec.owner_no,
                         .kind = m->rec.kind,
                         .major = m->rec.major,
                         .is_own = mt_id_eq(owner, &w->batch->own_org)};
    mt_store_index_keys(w->t.store, &of, &values, add_op, m);
    if (m->rec.audience_no != 0)
        return;
    mt_record_digest(&share, &w->batch->region, owner, m->rec.kind, &m->rec.id, &m->rec.merged);
    if (is_add)
        mt_sum_add(&w->sum, &share);
    else
        mt_sum_take(&w->sum, &share);
}

/* A new record that one change makes has everything worked out beforehand but its row. */
static bool give_early(struct merge *m, const struct touched *x) {
    const struct early *early = first_of(m, x)->early;
    if (!early || x->n > 1 || early->n_keys > EARLY_KEYS_MAX)
        return false;
    m->is_add = true;
    for (uint32_t i = 0; i < early->n_keys; i++) {
        struct index_key key = early->keys[i];
        key.row = x->row;
        add_op(m, &key);
    }
    mt_sum_add(&m->w->sum, &early->share);
    return true;
}

static void settle(struct merge *m, const struct touched *x) {
    struct arena_chunk *chunk = m->w->k->arena;
    size_t used = chunk->used;
    if (x->is_new) {
        start_new(m, x);
    } else {
        load_old(m, x);
        if (m->w->t.err == MT_OK)
            give(m, x, false);
    }
    if (m->w->t.err)
        return;
    merge_changes(m, x);
    if (!x->is_new || !give_early(m, x))
        give(m, x, true);
    mt_store_record_put(&m->w->t, x->row, &m->rec, x->is_new);
    /* What was copied is needed no longer. A chunk that was begun stays, and is used on. */
    struct arena_chunk *now = m->w->k->arena;
    size_t keep = now == chunk ? used : 0;
    if (now->used > keep)
        mt_wipe(now->bytes + keep, now->used - keep);
    now->used = keep;
}

/* ---- all of them ---- */

/* Counts new records by kind, and notes that organisations changed. */
static void put_counts(struct merge *m) {
    struct mt_txn *t = &m->w->t;
    uint64_t counted = 0;
    bool orgs = false;
    for (uint32_t i = 0; i < m->n_touched && t->err == MT_OK; i++) {
        uint16_t kind = first_of(m, &m->touched[i])->kind;
        counted += m->touched[i].is_new;
        orgs = orgs || kind == MT_KIND_ORG;
        bool is_last = i + 1 == m->n_touched || first_of(m, &m->touched[i + 1])->kind != kind;
        if (is_last && counted > 0) {
            mt_txn_put_kind_count(t, kind, mt_txn_kind_count(t, kind) + counted);
            counted = 0;
        }
    }
    if (orgs)
        mt_txn_put_number(t, STORE_ORGS_VERSION, mt_txn_number(t, STORE_ORGS_VERSION) + 1);
}

static void load_sum(struct mt_write *w) {
    struct mt_slice value;
    if (w->has_sum || !mt_txn_get_row(&w->t, T_META, mt_slice_str("sum"), &value))
        return;
    if (value.n == sizeof w->sum.b)
        memcpy(w->sum.b, value.p, sizeof w->sum.b);
    else
        mt_txn_fail(&w->t, MT_ECORRUPT, "the view sum is damaged");
}

/* A batch of many keys keeps them together, and so does any other while there are such. */
static void choose_recent(struct merge *m) {
    struct mt_txn *t = &m->w->t;
    if (m->n < t->store->recent_min && mt_txn_count(t, T_RECENT) == 0)
        return;
    m->recent = malloc(sizeof *m->recent);
    if (m->recent)
        mt_recent_load(t, m->recent);
    else
        mt_txn_fail(t, MT_ENOMEM, "merging");
}

static void merge_all(struct merge *m) {
    struct mt_write *w = m->w;
    load_sum(w);
    choose_recent(m);
    sort_queue(m);
    find_rows(m);
    for (uint32_t i = 0; i < m->n_touched && w->t.err == MT_OK; i++)
        settle(m, m->by_row[i]);
    put_counts(m);
    put_index(m);
    mt_txn_put_row(&w->t, T_META, mt_slice_str("sum"), mt_slice(w->sum.b, sizeof w->sum.b), false);
    w->has_sum = true;
}

void mt_write_merge(struct mt_write *w) {
    if (w->k->n == 0 || w->t.err)
        return;
    struct merge *m = calloc(1, sizeof *m);
    if (m) {
        m->w = w;
        m->n = w->k->n;
        m->sorted = malloc(m->n * sizeof *m->sorted);
        m->touched = malloc(m->n * sizeof *m->touched);
        m->by_row = malloc(m->n * sizeof *m->by_row);
    }
    if (m && m->sorted && m->touched && m->by_row)
        merge_all(m);
    else
        mt_txn_fail(&w->t, MT_ENOMEM, "merging");
    w->k->n = 0;
    if (m) {
        free(m->recent);
        free(m->items);
        free(m->ops);
        free(m->by_row);
        free(m->touched);
        free(m->sorted);
    }
    free(m);
}
