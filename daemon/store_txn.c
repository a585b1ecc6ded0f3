#include "store_sum.h"

#include <stdio.h>

enum { NAME_SIZE = 32, NUMBER_SIZE = 8 };

void mt_txn_fail(struct mt_txn *t, enum mt_err err, const char *what) {
    if (t->err == MT_OK)
        t->err = mt_store_say(t->store, err, what);
}

static void fail_rc(struct mt_txn *t, int rc, const char *what) {
    if (t->err == MT_OK && rc) {
        t->map_full = rc == MDB_MAP_FULL;
        t->err = mt_store_fault(t->store, rc, what);
    }
}

static int begin(struct mt_store *s, bool write, MDB_txn **txn) {
    return s->env ? mdb_txn_begin(s->env, NULL, write ? 0 : MDB_RDONLY, txn) : MDB_PANIC;
}

void mt_txn_begin(struct mt_txn *t, struct mt_store *s, bool write) {
    *t = (struct mt_txn){.store = s, .is_write = write};
    if (!write)
        pthread_rwlock_rdlock(&s->map_lock);
    int rc = begin(s, write, &t->txn);
    if (rc == MDB_PANIC && write && mt_store_renew(s) == MT_OK)
        rc = begin(s, write, &t->txn);
    fail_rc(t, rc, "beginning");
    if (t->err == MT_OK)
        return;
    t->txn = NULL;
    if (!write)
        pthread_rwlock_unlock(&s->map_lock);
}

/* After a failed write of its first pages LMDB lets nobody in. When opening it anew fails as well, the
 * next write tries again. */
static void let_in(struct mt_store *s) {
    MDB_txn *txn;
    int rc = begin(s, false, &txn);
    if (rc == 0)
        mdb_txn_abort(txn);
    enum mt_err err = rc == MDB_PANIC ? mt_store_renew(s) : MT_OK;
    (void)err;
}

enum mt_err mt_txn_end(struct mt_txn *t, bool commit) {
    if (!t->txn)
        return t->err;
    if (commit && t->sum_change)
        mt_txn_put_number(t, STORE_ROWS_SUM, mt_txn_number(t, STORE_ROWS_SUM) + t->sum_change);
    if (commit && t->is_dirty) /* what changes nothing is not written */
        mt_txn_put_number(t, STORE_COMMIT, mdb_txn_id(t->txn));
    for (int i = 0; i < T_COUNT; i++)
        if (t->cursors[i])
            mdb_cursor_close(t->cursors[i]);
    if (commit && t->err == MT_OK)
        fail_rc(t, mdb_txn_commit(t->txn), "committing");
    else
        mdb_txn_abort(t->txn);
    t->txn = NULL;
    if (!t->is_write)
        pthread_rwlock_unlock(&t->store->map_lock);
    else if (commit && t->err)
        let_in(t->store);
    return t->err;
}

/* ---- cursors ---- */

MDB_cursor *mt_txn_cursor_new(struct mt_txn *t, enum table table) {
    MDB_cursor *c = NULL;
    if (t->err == MT_OK)
        fail_rc(t, mdb_cursor_open(t->txn, t->store->tables[table], &c),
                mt_store_table_names[table]);
    return t->err ? NULL : c;
}

MDB_cursor *mt_txn_cursor(struct mt_txn *t, enum table table) {
    if (t->err)
        return NULL;
    if (!t->cursors[table])
        t->cursors[table] = mt_txn_cursor_new(t, table);
    return t->cursors[table];
}

static MDB_val to_val(struct mt_slice s) {
    return (MDB_val){.mv_size = s.n, .mv_data = (void *)s.p};
}

bool mt_txn_move(struct mt_txn *t, MDB_cursor *c, MDB_cursor_op op, struct mt_slice *key,
                 struct mt_slice *value) {
    MDB_val k = to_val(*key), v = {0};
    if (t->err || !c)
        return false;
    int rc = mdb_cursor_get(c, &k, &v, op);
    if (rc) {
        if (rc != MDB_NOTFOUND)
            fail_rc(t, rc, "moving a cursor");
        return false;
    }
    *key = mt_slice(k.mv_data, k.mv_size);
    *value = mt_slice(v.mv_data, v.mv_size);
    return true;
}

/* ---- values ---- */

bool mt_txn_get(struct mt_txn *t, enum table table, struct mt_slice key, struct mt_slice *value) {
    return mt_txn_move(t, mt_txn_cursor(t, table), MDB_SET_KEY, &key, value);
}

uint8_t *mt_txn_reserve(struct mt_txn *t, enum table table, struct mt_slice key, size_t n,
                        bool append) {
    MDB_cursor *c = mt_txn_cursor(t, table);
    if (!c)
        return NULL;
    MDB_val k = to_val(key), v = {.mv_size = n};
    t->is_dirty = true;
    fail_rc(t, mdb_cursor_put(c, &k, &v, MDB_RESERVE | (append ? MDB_APPEND : 0)),
            mt_store_table_names[table]);
    return t->err ? NULL : v.mv_data;
}

void mt_txn_put(struct mt_txn *t, enum table table, struct mt_slice key, struct mt_slice value) {
    uint8_t *p = mt_txn_reserve(t, table, key, value.n, false);
    if (p && value.n > 0)
        memcpy(p, value.p, value.n);
}

bool mt_txn_add(struct mt_txn *t, enum table table, struct mt_slice key, struct mt_slice value,
                struct mt_slice *held) {
    MDB_cursor *c = mt_txn_cursor(t, table);
    *held = mt_slice(NULL, 0);
    if (!c)
        return false;
    MDB_val k = to_val(key), v = to_val(value);
    int rc = mdb_cursor_put(c, &k, &v, MDB_NOOVERWRITE);
    t->is_dirty = t->is_dirty || rc == 0;
    if (rc == MDB_KEYEXIST)
        *held = mt_slice(v.mv_data, v.mv_size);
    else
        fail_rc(t, rc, mt_store_table_names[table]);
    return rc == 0;
}

void mt_txn_del(struct mt_txn *t, enum table table, struct mt_slice key) {
    struct mt_slice value;
    if (!mt_txn_get(t, table, key, &value))
        return;
    t->is_dirty = true;
    fail_rc(t, mdb_cursor_del(mt_txn_cursor(t, table), 0), mt_store_table_names[table]);
}

bool mt_txn_add_summed(struct mt_txn *t, enum table table, struct mt_slice key,
                       struct mt_slice value, struct mt_slice *held) {
    bool is_new = mt_txn_add(t, table, key, value, held);
    if (is_new)
        t->sum_change += mt_store_row_sum(t->store, table, key, value);
    return is_new;
}

void mt_txn_del_summed(struct mt_txn *t, enum table table, struct mt_slice key) {
    struct mt_slice value;
    if (!mt_txn_get(t, table, key, &value))
        return;
    t->sum_change -= mt_store_row_sum(t->store, table, key, value);
    t->is_dirty = true;
    fail_rc(t, mdb_cursor_del(mt_txn_cursor(t, table), 0), mt_store_table_names[table]);
}

uint64_t mt_txn_count(struct mt_txn *t, enum table table) {
    MDB_stat stat = {0};
    if (t->err == MT_OK)
        fail_rc(t, mdb_stat(t->txn, t->store->tables[table], &stat), mt_store_table_names[table]);
    return t->err ? 0 : stat.ms_entries;
}

/* ---- rows of numbers ---- */

/* Over the table, the key and what the check of the value alone is, so that nothing long is copied. */
static void row_check(const struct mt_txn *t, enum table table, struct mt_slice key,
                      struct mt_slice value, uint8_t out[static STORE_CHECK_SIZE]) {
    const uint8_t *secret = t->store->secrets->check;
    uint8_t text[1 + STORE_KEY_MAX + STORE_CHECK_SIZE] = {(uint8_t)table};
    size_t n = key.n < STORE_KEY_MAX ? key.n : STORE_KEY_MAX;
    memcpy(text + 1, key.p, n);
    mt_short_mac(text + 1 + n, secret, value.p, value.n);
    mt_short_mac(out, secret, text, 1 + n + STORE_CHECK_SIZE);
}

bool mt_txn_open_row(struct mt_txn *t, enum table table, struct mt_slice key,
                     struct mt_slice *value) {
    uint8_t check[STORE_CHECK_SIZE];
    if (t->err)
        return false;
    if (value->n >= STORE_CHECK_SIZE) {
        value->n -= STORE_CHECK_SIZE;
        row_check(t, table, key, *value, check);
        if (memcmp(value->p + value->n, check, sizeof check) == 0)
            return true;
    }
    char text[STORE_DETAIL_MAX];
    (void)snprintf(text, sizeof text, "a row of table %s is damaged", mt_store_table_names[table]);
    mt_txn_fail(t, MT_ECORRUPT, text);
    return false;
}

bool mt_txn_get_row(struct mt_txn *t, enum table table, struct mt_slice key,
                    struct mt_slice *value) {
    return mt_txn_get(t, table, key, value) && mt_txn_open_row(t, table, key, value);
}

void mt_txn_put_row(struct mt_txn *t, enum table table, struct mt_slice key, struct mt_slice value,
                    bool append) {
    uint8_t *p = mt_txn_reserve(t, table, key, value.n + STORE_CHECK_SIZE, append);
    if (!p)
        return;
    memcpy(p, value.p, value.n);
    row_check(t, table, key, value, p + value.n);
}

/* ---- numbers ---- */

uint64_t mt_txn_number(struct mt_txn *t, const char *name) {
    struct mt_slice value;
    if (!mt_txn_get_row(t, T_META, mt_slice_str(name), &value))
        return 0;
    if (value.n == NUMBER_SIZE)
        return mt_load64(value.p);
    mt_txn_fail(t, MT_ECORRUPT, "a number of table meta is damaged");
    return 0;
}

void mt_txn_put_number(struct mt_txn *t, const char *name, uint64_t v) {
    uint8_t bytes[NUMBER_SIZE];
    mt_be64(bytes, v);
    mt_txn_put_row(t, T_META, mt_slice_str(name), mt_slice(bytes, sizeof bytes), false);
}

uint64_t mt_txn_kind_count(struct mt_txn *t, uint16_t kind) {
    char name[NAME_SIZE];
    (void)snprintf(name, sizeof name, "kind.%u", (unsigned)kind);
    return mt_txn_number(t, name);
}

void mt_txn_put_kind_count(struct mt_txn *t, uint16_t kind, uint64_t n) {
    char name[NAME_SIZE];
    (void)snprintf(name, sizeof name, "kind.%u", (unsigned)kind);
    mt_txn_put_number(t, name, n);
}
