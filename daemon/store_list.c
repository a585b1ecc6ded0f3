/* Walks over the index and over ids. */
#include "store_recent.h"

enum { PLACE_SIZE = 1 + 4 + 2, VALUE_MAX = 16, GROUP_SIZE = 4 + 4 + 2, HEX_MAX = 32 };

/* The keys of one audience, both ends included. */
struct range {
    uint8_t low[INDEX_KEY_MAX], high[INDEX_KEY_MAX];
    size_t n;
    uint32_t ends_from; /* of days only */
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
    /* How long a thing lasts stands behind its first day; undated stays behind all days. */
    if (q->type == MT_INDEX_DATE && from.n == width &&
        mt_load32(out) < UINT32_MAX >> STORE_LASTS_BITS)
        mt_be32(out, mt_load32(out) << STORE_LASTS_BITS | (fill >> (8 - STORE_LASTS_BITS)));
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

static bool is_within(const struct range *range, struct mt_slice key) {
    return key.n == range->n && memcmp(key.p, range->low, range->n) >= 0 &&
           memcmp(key.p, range->high, range->n) <= 0;
}

/* Days beyond MT_LONG_DAYS are not counted: those things may last for ever. */
static bool has_ended(const struct range *range, struct mt_slice key) {
    if (range->ends_from == 0)
        return false;
    uint32_t value = mt_load32(key.p + PLACE_SIZE);
    uint32_t lasts = value & ((1U << STORE_LASTS_BITS) - 1);
    return lasts < MT_LONG_DAYS && (value >> STORE_LASTS_BITS) + lasts < range->ends_from;
}

/* Walks one audience. False when `fn` wants no more. */
static bool walk(struct mt_scan *s, const struct range *range, bool descending, mt_row_fn fn,
                 void *arg) {
    struct mt_slice from = mt_slice(descending ? range->high : range->low, range->n);
    for (bool more = mt_scan_seek(s, from, descending); more && is_within(range, mt_scan_key(s));
         more = mt_scan_next(s)) {
        struct mt_slice key = mt_scan_key(s);
        if (!has_ended(range, key) && !fn(arg, mt_load64(key.p + key.n - 8)))
            return false;
    }
    return true;
}

/* The next audience from `from` on that has keys of this type. False when there is none. */
static bool next_audience(struct mt_scan *s, uint8_t type, uint64_t from, uint32_t *audience_no) {
    uint8_t place[PLACE_SIZE] = {type};
    if (from > UINT32_MAX)
        return false;
    mt_be32(place + 1, (uint32_t)from);
    if (!mt_scan_seek(s, mt_slice(place, sizeof place), false))
        return false;
    struct mt_slice key = mt_scan_key(s);
    if (key.n < PLACE_SIZE || key.p[0] != type)
        return false;
    *audience_no = mt_load32(key.p + 1);
    return true;
}

enum mt_err mt_read_index(struct mt_read *r, const struct mt_index_query *q, mt_row_fn fn,
                          void *arg) {
    struct mt_txn *t = r->txn;
    uint8_t low[VALUE_MAX], high[VALUE_MAX];
    enum mt_err err = bound(r, q, q->from, 0, low);
    bool is_one = q->type == MT_INDEX_IDENTITY && mt_slice_eq(q->from, q->to) &&
                  q->from.n == mt_store_index_width(q->type);
    if (err == MT_OK && is_one) /* an import asks at every row, and the key takes a hash */
        memcpy(high, low, sizeof high);
    else if (err == MT_OK)
        err = bound(r, q, q->to, 0xff, high);
    if (err)
        return err;
    struct mt_scan s;
    mt_scan_open(&s, t, T_INDEX, mt_recent_holds(q->type));
    uint32_t audience_no = q->audience_no;
    uint64_t from = 0;
    for (;;) {
        if (q->all_audiences && !next_audience(&s, (uint8_t)q->type, from, &audience_no))
            break;
        struct range range = {.n = PLACE_SIZE + mt_store_index_width(q->type) + 8,
                              .ends_from = q->type == MT_INDEX_DATE ? q->ends_from : 0};
        end_of(range.low, q, audience_no, low, 0);
        end_of(range.high, q, audience_no, high, UINT64_MAX);
        if (!walk(&s, &range, q->descending, fn, arg) || !q->all_audiences)
            break;
        from = (uint64_t)audience_no + 1;
    }
    mt_scan_close(&s);
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

static bool is_in_group(struct mt_slice key, const uint8_t at[static ROWID_SIZE],
                        const uint8_t high[static 16]) {
    return key.n == ROWID_SIZE && memcmp(key.p, at, GROUP_SIZE) == 0 &&
           memcmp(key.p + GROUP_SIZE, high, 16) <= 0;
}

enum mt_err mt_read_prefix(struct mt_read *r, uint16_t kind, struct mt_slice hex, uint64_t *rows,
                           size_t max, size_t *n) {
    struct mt_txn *t = r->txn;
    uint8_t low[16], high[16], at[ROWID_SIZE] = {0};
    *n = 0;
    if (!parse_digits(hex, low, high))
        return MT_OK;
    struct mt_scan s;
    mt_scan_open(&s, t, T_ROWID, true);
    /* From group to group, and in each to the digits. */
    while (*n < max && mt_scan_seek(&s, mt_slice(at, sizeof at), false) &&
           mt_scan_key(&s).n == sizeof at) {
        memcpy(at, mt_scan_key(&s).p, sizeof at);
        if (kind == 0 || mt_load16(at + 8) == kind) {
            memcpy(at + GROUP_SIZE, low, sizeof low);
            for (bool more = mt_scan_seek(&s, mt_slice(at, sizeof at), false);
                 more && *n < max && is_in_group(mt_scan_key(&s), at, high);
                 more = mt_scan_next(&s))
                rows[(*n)++] = mt_scan_row(&s);
        }
        if (!next_group(at))
            break;
    }
    mt_scan_close(&s);
    return t->err;
}
