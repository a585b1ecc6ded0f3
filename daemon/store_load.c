#include "store_internal.h"

#include "box.h"

#include <stdlib.h>

/* Memory for one opened value, which may be a secret. */
struct plain {
    uint8_t *p;
    size_t cap;
};

static void plain_free(struct plain *plain) {
    if (plain->p)
        mt_wipe(plain->p, plain->cap);
    free(plain->p);
    *plain = (struct plain){0};
}

static bool plain_room(struct mt_txn *t, struct plain *plain, size_t n) {
    if (n <= plain->cap)
        return true;
    plain_free(plain);
    plain->p = malloc(n);
    if (!plain->p) {
        mt_txn_fail(t, MT_ENOMEM, "loading");
        return false;
    }
    plain->cap = n;
    return true;
}

typedef enum mt_err (*row_fn)(void *arg, struct mt_slice key, struct mt_slice bytes);

/* Opens every value of a sealed table. */
static enum mt_err load_sealed(struct mt_store *s, enum table table, row_fn fn, void *arg) {
    struct mt_txn t;
    struct plain plain = {0};
    struct mt_slice key = {0}, value;
    mt_txn_begin(&t, s, false);
    MDB_cursor *c = mt_txn_cursor(&t, table);
    enum mt_err stopped = MT_OK;
    for (bool more = mt_txn_move(&t, c, MDB_FIRST, &key, &value); more && stopped == MT_OK;
         more = mt_txn_move(&t, c, MDB_NEXT, &key, &value)) {
        if (!plain_room(&t, &plain, value.n))
            break;
        struct mt_writer w = mt_writer(plain.p, plain.cap);
        if (mt_rest_open(s->secrets->store, mt_store_table_names[table], key, value, &w)) {
            mt_txn_fail(&t, MT_ECORRUPT,
                        table == T_STATE ? "a value of table state is damaged"
                                         : "a value of table gov is damaged");
            break;
        }
        stopped = fn(arg, key, mt_writer_slice(&w));
    }
    plain_free(&plain);
    enum mt_err err = mt_txn_end(&t, false);
    return err ? err : stopped;
}

struct blob_call {
    mt_blob_fn fn;
    void *arg;
};

static enum mt_err give_blob(void *arg, struct mt_slice key, struct mt_slice bytes) {
    const struct blob_call *call = arg;
    char name[STORE_KEY_MAX + 1];
    if (key.n > STORE_KEY_MAX)
        return MT_ECORRUPT;
    memcpy(name, key.p, key.n);
    name[key.n] = 0;
    return call->fn(call->arg, name, bytes);
}

enum mt_err mt_store_load_blobs(struct mt_store *s, mt_blob_fn fn, void *arg) {
    struct blob_call call = {fn, arg};
    return load_sealed(s, T_STATE, give_blob, &call);
}

struct item_call {
    mt_item_fn fn;
    void *arg;
};

static enum mt_err give_item(void *arg, struct mt_slice key, struct mt_slice bytes) {
    const struct item_call *call = arg;
    struct mt_id id;
    if (key.n != sizeof id.b)
        return MT_ECORRUPT;
    memcpy(id.b, key.p, sizeof id.b);
    return call->fn(call->arg, &id, bytes);
}

enum mt_err mt_store_load_items(struct mt_store *s, mt_item_fn fn, void *arg) {
    struct item_call call = {fn, arg};
    return load_sealed(s, T_GOV, give_item, &call);
}

enum mt_err mt_store_load_chains(struct mt_store *s, mt_chain_fn fn, void *arg) {
    struct mt_txn t;
    struct mt_slice key = {0}, value;
    enum mt_err stopped = MT_OK;
    mt_txn_begin(&t, s, false);
    MDB_cursor *c = mt_txn_cursor(&t, T_CHAINS);
    for (bool more = mt_txn_move(&t, c, MDB_FIRST, &key, &value); more && stopped == MT_OK;
         more = mt_txn_move(&t, c, MDB_NEXT, &key, &value)) {
        struct mt_chain_row row;
        if (!mt_txn_open_row(&t, T_CHAINS, key, &value) ||
            !mt_store_chain_parse(&t, value, mt_load32(key.p), &row))
            break;
        stopped = fn(arg, &row.info, &row.head, row.fork);
    }
    enum mt_err err = mt_txn_end(&t, false);
    return err ? err : stopped;
}
