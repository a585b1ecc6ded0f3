#include "store_recent.h"

#include <stdlib.h>

/* A set: the number of its items, the items, and a filter of 64 bits for every FILTER_ITEMS of them. A
 * record turns on up to four bits in one of these words. */
enum { SET_KEY = 8, SET_COUNT = 4, FILTER_ITEMS = 16, FILTER_WORD = 8, ID_SIZE = 16 };
enum { FOLD_ROW = 8 + RECENT_KEY };

#define FOLD_NAME "fold" /* row of meta: last set of the move, and the key it is at */

void mt_recent_item(struct recent_item *out, bool is_rowid, struct mt_slice key) {
    memset(out, 0, sizeof *out);
    out->tag = (uint8_t)(key.n + is_rowid);
    memcpy(out->key + is_rowid, key.p, key.n);
}

static int cmp_item(const struct recent_item *a, const struct recent_item *b) {
    return memcmp(a->key, b->key, RECENT_KEY);
}

/* ---- sets ---- */

static size_t filter_size(uint32_t n_items) {
    return (n_items / FILTER_ITEMS + 1) * (size_t)FILTER_WORD;
}

/* What a filter knows a record by: the bits it turns on, and `where`, of which the word follows. */
struct filter_key {
    uint64_t where, bits;
};

/* Ids may be chosen by anybody: at worst the filter is of no use. */
static struct filter_key filter_key(const uint8_t rowid[static ROWID_SIZE]) {
    const uint64_t mix = UINT64_C(0x9e3779b97f4a7c15);
    const uint8_t *id = rowid + ROWID_SIZE - ID_SIZE;
    uint64_t x = (mt_load64(id) ^ mt_load64(id + 8) * mix) * mix;
    x = (x ^ x >> 32) * mix;
    struct filter_key key = {.where = x >> 32};
    for (unsigned i = 0; i < 4; i++)
        key.bits |= UINT64_C(1) << (x >> (6 * i) & 63);
    return key;
}

/* The word of a filter of `size` bytes where a record has its bits. */
static size_t filter_word(const struct filter_key *key, size_t size) {
    return (size_t)(key->where * (size / FILTER_WORD) >> 32) * FILTER_WORD;
}

static bool read_set(struct recent *out, uint64_t no, struct mt_slice value) {
    uint32_t n = value.n >= SET_COUNT ? mt_load32(value.p) : 0;
    size_t items = (size_t)n * sizeof(struct recent_item);
    if (value.n != SET_COUNT + items + filter_size(n) + STORE_CHECK_SIZE)
        return false;
    out->sets[out->n].no = no;
    out->sets[out->n].items = (const void *)(value.p + SET_COUNT);
    out->sets[out->n].filter = value.p + SET_COUNT + items;
    out->sets[out->n].n = n;
    out->sets[out->n].at = 0;
    out->total += n;
    out->n++;
    return true;
}

void mt_recent_load(struct mt_txn *t, struct recent *out) {
    struct mt_slice key = {0}, value;
    out->n = 0;
    out->total = 0;
    if (mt_txn_count(t, T_RECENT) == 0)
        return;
    MDB_cursor *c = mt_txn_cursor(t, T_RECENT);
    for (bool more = mt_txn_move(t, c, MDB_FIRST, &key, &value); more;
         more = mt_txn_move(t, c, MDB_NEXT, &key, &value)) {
        if (key.n != SET_KEY || out->n == RECENT_SETS_MAX ||
            !read_set(out, mt_load64(key.p), value)) {
            mt_txn_fail(t, MT_ECORRUPT, "a row of table recent is damaged");
            return;
        }
    }
}

/* The first place from `at` on whose key is not below `key`: steps that double, then halves. */
static uint32_t lower_bound(const struct recent_item *items, uint32_t n, uint32_t at,
                            const uint8_t *key) {
    uint32_t low = at, step = 1;
    while (low + step <= n && memcmp(items[low + step - 1].key, key, RECENT_KEY) < 0) {
        low += step;
        step *= 2;
    }
    uint32_t high = low + step <= n ? low + step - 1 : n;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (memcmp(items[middle].key, key, RECENT_KEY) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool mt_recent_find(struct recent *r, const uint8_t key[static ROWID_SIZE], uint64_t *row) {
    struct recent_item want;
    mt_recent_item(&want, true, mt_slice(key, ROWID_SIZE));
    const struct filter_key filter = filter_key(key);
    for (uint32_t i = r->n; i-- > 0;) {
        const struct recent_item *items = r->sets[i].items;
        size_t word = filter_word(&filter, filter_size(r->sets[i].n));
        if ((mt_load64(r->sets[i].filter + word) & filter.bits) != filter.bits)
            continue;
        uint32_t at = lower_bound(items, r->sets[i].n, r->sets[i].at, want.key);
        r->sets[i].at = at;
        if (at < r->sets[i].n && cmp_item(&items[at], &want) == 0) {
            *row = mt_load64(items[at].row);
            return true;
        }
    }
    return false;
}

static void fill_filter(uint8_t *filter, const struct recent_item *items, uint32_t n) {
    memset(filter, 0, filter_size(n));
    for (uint32_t i = 0; i < n && items[i].key[0] == 0; i++) { /* those of rowid stand first */
        struct filter_key key = filter_key(items[i].key + 1);
        uint8_t *word = filter + filter_word(&key, filter_size(n));
        mt_be64(word, mt_load64(word) | key.bits);
    }
}

void mt_recent_put(struct mt_txn *t, const struct recent_item *items, uint32_t n) {
    uint8_t key[SET_KEY];
    size_t size = SET_COUNT + n * sizeof *items + filter_size(n);
    uint8_t *set = malloc(size);
    if (!set) {
        mt_txn_fail(t, MT_ENOMEM, "merging");
        return;
    }
    mt_be32(set, n);
    memcpy(set + SET_COUNT, items, n * sizeof *items);
    fill_filter(set + SET_COUNT + n * sizeof *items, items, n);
    struct mt_slice last = {0}, value;
    uint64_t no = 1;
    if (mt_txn_move(t, mt_txn_cursor(t, T_RECENT), MDB_LAST, &last, &value) && last.n == SET_KEY)
        no = mt_load64(last.p) + 1;
    mt_be64(key, no);
    mt_txn_put_row(t, T_RECENT, mt_slice(key, sizeof key), mt_slice(set, size), true);
    free(set);
    t->store->last_set = n;
}

/* ---- folding ---- */

struct fold {
    struct recent *recent;
    uint64_t last; /* set */
    uint8_t at[RECENT_KEY];
    uint32_t n;                     /* sets with items left, as a heap: */
    uint32_t heap[RECENT_SETS_MAX]; /* the lowest key first, of equal ones the newest set's */
};

static const struct recent_item *item_of(const struct fold *f, uint32_t set) {
    return &f->recent->sets[set].items[f->recent->sets[set].at];
}

static bool is_lower(const struct fold *f, uint32_t a, uint32_t b) {
    int order = cmp_item(item_of(f, a), item_of(f, b));
    return order ? order < 0 : a > b;
}

/* Brings the heap in order below `at`, whose set moved on. */
static void sift_down(struct fold *f, uint32_t at) {
    uint32_t set = f->heap[at];
    for (uint32_t below; (below = 2 * at + 1) < f->n; at = below) {
        if (below + 1 < f->n && is_lower(f, f->heap[below + 1], f->heap[below]))
            below++;
        if (!is_lower(f, f->heap[below], set))
            break;
        f->heap[at] = f->heap[below];
    }
    f->heap[at] = set;
}

/* Goes on with a move or begins one, with the sets there are. */
static void fold_begin(struct mt_txn *t, struct fold *f) {
    struct mt_slice row;
    mt_recent_load(t, f->recent);
    struct recent *r = f->recent;
    if (t->err || r->n == 0)
        return;
    f->last = r->sets[r->n - 1].no;
    memset(f->at, 0, sizeof f->at);
    if (mt_txn_get_row(t, T_META, mt_slice_str(FOLD_NAME), &row)) {
        if (row.n != FOLD_ROW) {
            mt_txn_fail(t, MT_ECORRUPT, "the mark of a move is damaged");
            return;
        }
        f->last = mt_load64(row.p);
        memcpy(f->at, row.p + 8, sizeof f->at);
    }
    while (r->n > 0 && r->sets[r->n - 1].no > f->last)
        r->n--;
    for (uint32_t i = 0; i < r->n; i++) {
        r->sets[i].at = lower_bound(r->sets[i].items, r->sets[i].n, 0, f->at);
        if (r->sets[i].at < r->sets[i].n)
            f->heap[f->n++] = i;
    }
    for (uint32_t i = f->n / 2; i-- > 0;)
        sift_down(f, i);
}

static void step_set(struct fold *f) {
    uint32_t set = f->heap[0];
    if (++f->recent->sets[set].at == f->recent->sets[set].n)
        f->heap[0] = f->heap[--f->n];
    if (f->n > 0)
        sift_down(f, 0);
}

/* The next key over all sets as the newest of them has it, and steps over it. NULL at the end. */
static const struct recent_item *fold_next(struct fold *f) {
    if (f->n == 0)
        return NULL;
    const struct recent_item *first = item_of(f, f->heap[0]);
    do
        step_set(f);
    while (f->n > 0 && cmp_item(item_of(f, f->heap[0]), first) == 0);
    return first;
}

static void fold_one(struct mt_txn *t, const struct recent_item *x) {
    size_t n = x->tag & RECENT_LENGTH;
    struct mt_slice held;
    if (x->key[0] == 0)
        (void)mt_txn_add_summed(t, T_ROWID, mt_slice(x->key + 1, n - 1),
                                mt_slice(x->row, sizeof x->row), &held);
    else if (x->tag & RECENT_GOES)
        mt_txn_del_summed(t, T_INDEX, mt_slice(x->key, n));
    else
        (void)mt_txn_add_summed(t, T_INDEX, mt_slice(x->key, n), mt_slice(NULL, 0), &held);
}

static void fold_end(struct mt_txn *t, const struct fold *f) {
    for (uint32_t i = 0; i < f->recent->n; i++) {
        uint8_t key[SET_KEY];
        mt_be64(key, f->recent->sets[i].no);
        mt_txn_del(t, T_RECENT, mt_slice(key, sizeof key));
    }
    mt_txn_del(t, T_META, mt_slice_str(FOLD_NAME));
}

static void fold_mark(struct mt_txn *t, const struct fold *f, const struct recent_item *next) {
    uint8_t row[FOLD_ROW];
    mt_be64(row, f->last);
    memcpy(row + 8, next->key, RECENT_KEY);
    mt_txn_put_row(t, T_META, mt_slice_str(FOLD_NAME), mt_slice(row, sizeof row), false);
}

/* The sets that move were committed earlier, so that what they point at stays while this writes. */
bool mt_recent_fold(struct mt_txn *t, uint64_t max) {
    struct fold f = {.recent = malloc(sizeof *f.recent)};
    if (!f.recent) {
        mt_txn_fail(t, MT_ENOMEM, "folding");
        return false;
    }
    fold_begin(t, &f);
    if (t->err == MT_OK && max < f.recent->total / RECENT_MOVES)
        max = f.recent->total / RECENT_MOVES;
    const struct recent_item *x = NULL;
    for (uint64_t i = 0; t->err == MT_OK && f.recent->n > 0 && (x = fold_next(&f)); i++) {
        if (i == max)
            break;
        fold_one(t, x);
    }
    if (t->err == MT_OK && x)
        fold_mark(t, &f, x);
    else if (t->err == MT_OK && f.recent->n > 0)
        fold_end(t, &f);
    free(f.recent);
    return mt_txn_count(t, T_RECENT) > 0;
}

bool mt_recent_is_moving(struct mt_txn *t) {
    struct mt_slice row;
    return mt_txn_get(t, T_META, mt_slice_str(FOLD_NAME), &row);
}

/* ---- walks ---- */

void mt_scan_open(struct mt_scan *s, struct mt_txn *t, enum table table, bool with_recent) {
    *s = (struct mt_scan){.t = t, .table = table, .is_rowid = table == T_ROWID};
    s->c = mt_txn_cursor_new(t, table);
    if (!with_recent || mt_txn_count(t, T_RECENT) == 0)
        return;
    s->recent = malloc(sizeof *s->recent);
    if (s->recent)
        mt_recent_load(t, s->recent);
    else
        mt_txn_fail(t, MT_ENOMEM, "reading");
}

void mt_scan_close(struct mt_scan *s) {
    if (s->c)
        mdb_cursor_close(s->c);
    free(s->recent);
    s->c = NULL;
    s->recent = NULL;
}

static void move_in_table(struct mt_scan *s, MDB_cursor_op op, struct mt_slice key) {
    struct mt_slice value;
    s->in_table = mt_txn_move(s->t, s->c, op, &key, &value);
    if (!s->in_table)
        return;
    if (key.n + s->is_rowid > RECENT_KEY || (s->is_rowid && value.n != sizeof s->item.row)) {
        mt_txn_fail(s->t, MT_ECORRUPT, "a key has the wrong length");
        s->in_table = false;
        return;
    }
    mt_recent_item(&s->table_item, s->is_rowid, key);
    if (s->is_rowid)
        memcpy(s->table_item.row, value.p, sizeof s->table_item.row);
}

static bool seek_table(struct mt_scan *s, struct mt_slice key) {
    move_in_table(s, MDB_SET_RANGE, key);
    if (!s->descending)
        return s->in_table;
    struct recent_item want;
    mt_recent_item(&want, s->is_rowid, key);
    if (!s->in_table)
        move_in_table(s, MDB_LAST, key);
    else if (cmp_item(&s->table_item, &want) > 0)
        move_in_table(s, MDB_PREV, key);
    return s->in_table;
}

/* Sets stand at `at`; going down, one behind the item that comes. */
static const struct recent_item *set_item(const struct mt_scan *s, uint32_t i) {
    const struct recent *r = s->recent;
    if (s->descending ? r->sets[i].at == 0 : r->sets[i].at == r->sets[i].n)
        return NULL;
    const struct recent_item *x = &r->sets[i].items[r->sets[i].at - s->descending];
    return (x->key[0] == 0) == s->is_rowid ? x : NULL;
}

static bool comes_before(const struct mt_scan *s, const struct recent_item *a,
                         const struct recent_item *b) {
    int order = cmp_item(a, b);
    return s->descending ? order > 0 : order < 0;
}

static void step_over(struct mt_scan *s, const struct recent_item *x) {
    for (uint32_t i = 0; s->recent && i < s->recent->n; i++) {
        const struct recent_item *at = set_item(s, i);
        if (at && cmp_item(at, x) == 0)
            s->recent->sets[i].at += s->descending ? UINT32_MAX : 1;
    }
    if (s->in_table && cmp_item(&s->table_item, x) == 0)
        move_in_table(s, s->descending ? MDB_PREV : MDB_NEXT, mt_slice(NULL, 0));
}

/* Takes the key that comes first; the newest set that has it says whether it is there. */
static bool settle_scan(struct mt_scan *s) {
    while (s->t->err == MT_OK) {
        const struct recent_item *first = NULL;
        for (uint32_t i = s->recent ? s->recent->n : 0; i-- > 0;) {
            const struct recent_item *x = set_item(s, i);
            if (x && (!first || comes_before(s, x, first)))
                first = x;
        }
        if (s->in_table && (!first || comes_before(s, &s->table_item, first)))
            first = &s->table_item;
        if (!first)
            return false;
        s->item = *first;
        if (!(s->item.tag & RECENT_GOES))
            return true;
        step_over(s, &s->item);
    }
    return false;
}

bool mt_scan_seek(struct mt_scan *s, struct mt_slice key, bool descending) {
    if (s->t->err || key.n + s->is_rowid > RECENT_KEY)
        return false;
    s->descending = descending;
    (void)seek_table(s, key);
    struct recent_item want;
    mt_recent_item(&want, s->is_rowid, key);
    for (uint32_t i = 0; s->recent && i < s->recent->n; i++) {
        const struct recent_item *items = s->recent->sets[i].items;
        uint32_t n = s->recent->sets[i].n, at = lower_bound(items, n, 0, want.key);
        if (descending && at < n && cmp_item(&items[at], &want) == 0)
            at++;
        s->recent->sets[i].at = at;
    }
    return settle_scan(s);
}

bool mt_scan_next(struct mt_scan *s) {
    if (s->t->err)
        return false;
    if (!s->recent) {
        move_in_table(s, s->descending ? MDB_PREV : MDB_NEXT, mt_slice(NULL, 0));
        s->item = s->table_item;
        return s->in_table;
    }
    step_over(s, &s->item);
    return settle_scan(s);
}

struct mt_slice mt_scan_key(const struct mt_scan *s) {
    return mt_slice(s->item.key + s->is_rowid, (s->item.tag & RECENT_LENGTH) - s->is_rowid);
}

uint64_t mt_scan_row(const struct mt_scan *s) {
    return mt_load64(s->item.row);
}
