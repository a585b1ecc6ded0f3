/* Walks over the index and over ids. */
#include "store_internal.h"

enum { PLACE_SIZE = 1 + 4 + 2, VALUE_MAX = 16, GROUP_SIZE = 4 + 4 + 2, HEX_MAX = 32 };

/* The keys of one audience, both ends included. */
struct range {
    uint8_t low[INDEX_KEY_MAX], high[INDEX_KEY_MAX];
    size_t n;
};

/* Reads a bound of the caller's. `fill` stands where it is open or short. */
static enum mt_err bound(const struct mt_read *r, const struct mt_index_query *q,
                         struct mt_slice from, uint8_t fill, uint8_t out[static VALUE_MAX]) {
    size_t width = mt_store_index_width(q->type);
    if (width == SIZE_MAX || from.n > width)
        return MT_EBUG;
    memset(out, fill, VALUE_MAX);
    if (from.n > 0)
        memcpy(out, from.p, from.n);
    if (q->type == MT_INDEX_IDENTITY && from.n == width)
        mt_store_identity_key(r->store, from.p, out);
    return MT_OK;
}

static void end_of(uint8_t key[static INDEX_KEY_MAX], const struct mt_index_query *q,
                   uint32_t audience_no, const uint8_t value[static VALUE_MAX], uint64_t row) {
    size_t width = mt_store_index_width(q->type);
    key[0] = (uint8_t)q->type;
    mt_be32(key + 1, audience_no);
    mt_be16(key + 5, q->kind);
    memcpy(key + PLACE_SIZE, value, width);
    mt_be64(key + PLACE_SIZE + width, row);
}

/* Moves to the first key of the range in the direction asked for. */
static bool seek(struct mt_txn *t, MDB_cursor *c, const struct range *range, bool descending,
                 struct mt_slice *key) {
    struct mt_slice value;
    if (!descending) {
        *key = mt_slice(range->low, range->n);
        return mt_txn_move(t, c, MDB_SET_RANGE, key, &value);
    }
    *key = mt_slice(range->high, range->n);
    if (!mt_txn_move(t, c, MDB_SET_RANGE, key, &value))
        return mt_txn_move(t, c, MDB_LAST, key, &value);
    if (key->n == range->n && memcmp(key->p, range->high, range->n) == 0)
        return true;
    return mt_txn_move(t, c, MDB_PREV, key, &value);
}

static bool is_within(const struct range *range, struct mt_slice key) {
    return key.n == range->n && memcmp(key.p, range->low, range->n) >= 0 &&
           memcmp(key.p, range->high, range->n) <= 0;
}

/* Walks one audience. False when `fn` wants no more. */
static bool walk(struct mt_txn *t, MDB_cursor *c, const struct range *range, bool descending,
                 mt_row_fn fn, void *arg) {
    struct mt_slice key, value;
    for (bool more = seek(t, c, range, descending, &key); more && is_within(range, key);
         more = mt_txn_move(t, c, descending ? MDB_PREV : MDB_NEXT, &key, &value))
        if (!fn(arg, mt_load64(key.p + key.n - 8)))
            return false;
    return true;
}

/* The next audience from `from` on that has keys of this type. False when there is none. */
static bool next_audience(struct mt_txn *t, MDB_cursor *c, uint8_t type, uint64_t from,
                          uint32_t *audience_no) {
    uint8_t place[PLACE_SIZE] = {type};
    struct mt_slice key = mt_slice(place, sizeof place), value;
    if (from > UINT32_MAX)
        return false;
    mt_be32(place + 1, (uint32_t)from);
    if (!mt_txn_move(t, c, MDB_SET_RANGE, &key, &value) || key.n < PLACE_SIZE || key.p[0] != type)
        return false;
    *audience_no = mt_load32(key.p + 1);
    return true;
}

enum mt_err mt_read_index(struct mt_read *r, const struct mt_index_query *q, mt_row_fn fn,
                          void *arg) {
    struct mt_txn *t = r->txn;
    uint8_t low[VALUE_MAX], high[VALUE_MAX];
    enum mt_err err = bound(r, q, q->from, 0, low);
    if (err == MT_OK)
        err = bound(r, q, q->to, 0xff, high);
    if (err)
        return err;
    MDB_cursor *c = mt_txn_cursor_new(t, T_INDEX);
    if (!c)
        return t->err;
    uint32_t audience_no = q->audience_no;
    uint64_t from = 0;
    for (;;) {
        if (q->all_audiences && !next_audience(t, c, (uint8_t)q->type, from, &audience_no))
            break;
        struct range range = {.n = PLACE_SIZE + mt_store_index_width(q->type) + 8};
        end_of(range.low, q, audience_no, low, 0);
        end_of(range.high, q, audience_no, high, UINT64_MAX);
        if (!walk(t, c, &range, q->descending, fn, arg) || !q->all_audiences)
            break;
        from = (uint64_t)audience_no + 1;
    }
    mdb_cursor_close(c);
    return t->err;
}

/* ---- ids by their first digits ---- */

/* The digits as bytes, the lowest and the highest id that begin with them. False when they are not
 * the start of an id. */
static bool parse_digits(struct mt_slice hex, uint8_t low[static 16], uint8_t high[static 16]) {
    if (hex.n > HEX_MAX)
        return false;
    memset(low, 0, 16);
    memset(high, 0xff, 16);
    for (size_t i = 0; i < hex.n; i++) {
        uint8_t c = hex.p[i], v;
        if (c >= '0' && c <= '9')
            v = (uint8_t)(c - '0');
        else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            v = (uint8_t)((c | 0x20) - 'a' + 10);
        else
            return false;
        unsigned shift = i % 2 ? 0 : 4;
        low[i / 2] |= (uint8_t)(v << shift);
        high[i / 2] = (uint8_t)((high[i / 2] & ~(0xf << shift)) | v << shift);
    }
    return true;
}

/* Makes `key` the first of the next group of (audience, owner, kind). False at the last. */
static bool next_group(uint8_t key[static ROWID_SIZE]) {
    memset(key + GROUP_SIZE, 0, ROWID_SIZE - GROUP_SIZE);
    for (int i = GROUP_SIZE - 1; i >= 0; i--)
        if (++key[i] != 0)
            return true;
    return false;
}

enum mt_err mt_read_prefix(struct mt_read *r, uint16_t kind, struct mt_slice hex, uint64_t *rows,
                           size_t max, size_t *n) {
    struct mt_txn *t = r->txn;
    uint8_t low[16], high[16], at[ROWID_SIZE] = {0};
    *n = 0;
    if (!parse_digits(hex, low, high))
        return MT_OK;
    MDB_cursor *c = mt_txn_cursor(t, T_ROWID);
    struct mt_slice key = mt_slice(at, sizeof at), value;
    /* From group to group, and in each to the digits. */
    while (*n < max && mt_txn_move(t, c, MDB_SET_RANGE, &key, &value) && key.n == sizeof at) {
        memcpy(at, key.p, sizeof at);
        if (kind == 0 || mt_load16(at + 8) == kind) {
            memcpy(at + GROUP_SIZE, low, sizeof low);
            struct mt_slice k = mt_slice(at, sizeof at);
            for (bool more = mt_txn_move(t, c, MDB_SET_RANGE, &k, &value);
                 more && *n < max && k.n == sizeof at && value.n == 8 &&
                 memcmp(k.p, at, GROUP_SIZE) == 0 &&
                 memcmp(k.p + GROUP_SIZE, high, sizeof high) <= 0;
                 more = mt_txn_move(t, c, MDB_NEXT, &k, &value))
                rows[(*n)++] = mt_load64(value.p);
        }
        if (!next_group(at))
            break;
        key = mt_slice(at, sizeof at);
    }
    return t->err;
}
