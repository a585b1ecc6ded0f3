/* store_recent: keys of rowid and index that came lately. Only store*.c include it.
 *
 * Keys in random order are what makes LMDB slow: each dirties a page of its own. So the keys of a
 * large batch are kept together, sorted, as one value of the table recent, and are moved into their
 * tables in large sorted pieces ("folded") by later batches and when there is nothing to do. Until
 * then whoever looks for a key looks in both: the newest value that has it decides. */
#ifndef MEENT_STORE_RECENT_H
#define MEENT_STORE_RECENT_H

#include "store_internal.h"

enum {
    RECENT_KEY = INDEX_KEY_MAX,
    RECENT_SETS_MAX = 192,   /* values of the table at one time */
    RECENT_FOLD_KEYS = 8192, /* keys that are moved at a time */
    RECENT_MOVES = 32,       /* in so many pieces a move is done, however much there is */
};

/* One key. A set of them sorts by memcmp: the keys of one type have one length. */
struct recent_item {
    uint8_t key[RECENT_KEY]; /* of rowid behind a zero byte, else of index; zeros behind it */
    uint8_t tag;             /* its length; RECENT_GOES: the key is gone */
    uint8_t row[8];          /* of rowid */
};
enum { RECENT_GOES = 0x80, RECENT_LENGTH = 0x7f };
_Static_assert(sizeof(struct recent_item) == RECENT_KEY + 1 + 8, "no gaps");
_Static_assert((int)RECENT_KEY >= (int)ROWID_SIZE + 1, "the keys of rowid fit");

/* The sets at one moment, the newest last. Lives until the table is written to. */
struct recent {
    uint32_t n;
    uint64_t total; /* items */
    struct {
        uint64_t no;
        const struct recent_item *items;
        const uint8_t *filter; /* says of most records that are not in the set that they are not */
        uint32_t n, at;
    } sets[RECENT_SETS_MAX];
};

/* Whether keys of this index type are kept together. Identities are not: an import looks for one at
 * every row, and every set would have to be searched each time. */
static inline bool mt_recent_holds(uint64_t index_type) {
    return index_type != MT_INDEX_IDENTITY;
}

void mt_recent_item(struct recent_item *out, bool is_rowid, struct mt_slice key);

/* Reads the sets. Sticks MT_ECORRUPT. */
void mt_recent_load(struct mt_txn *t, struct recent *out);

/* Finds a row by its key of rowid. Keys asked for one after another may only grow. */
bool mt_recent_find(struct recent *r, const uint8_t key[static ROWID_SIZE], uint64_t *row);

/* Adds a sorted set. */
void mt_recent_put(struct mt_txn *t, const struct recent_item *items, uint32_t n);

/* Moves about `max` keys on into their tables, from the sets there were when the move began.
 * Returns whether keys are left to move. */
bool mt_recent_fold(struct mt_txn *t, uint64_t max);

/* Whether a move has begun and not ended. */
bool mt_recent_is_moving(struct mt_txn *t);

/* ---- a walk over the keys of rowid or index, as they are with the recent ones ---- */

struct mt_scan {
    struct mt_txn *t;
    MDB_cursor *c;
    struct recent *recent; /* NULL when there are none; owned */
    enum table table;
    bool is_rowid, descending, in_table; /* in_table: the cursor stands on a key */
    struct recent_item table_item, item; /* where the cursor is; where the walk is */
};

/* `with_recent`: false when nothing that is looked for can be among the recent ones. Errors stick. End
 * with mt_scan_close in any case. */
void mt_scan_open(struct mt_scan *s, struct mt_txn *t, enum table table, bool with_recent);
void mt_scan_close(struct mt_scan *s);

/* Moves to the first key from `key` on, or the last up to it. False when there is none. */
bool mt_scan_seek(struct mt_scan *s, struct mt_slice key, bool descending);
bool mt_scan_next(struct mt_scan *s);

/* The key the walk stands at, and the row of a key of rowid. */
struct mt_slice mt_scan_key(const struct mt_scan *s);
uint64_t mt_scan_row(const struct mt_scan *s);

#endif
