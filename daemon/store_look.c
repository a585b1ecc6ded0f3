/* What stands in the rows, as far as it can be told without a key of the region: rows of numbers are
 * as their keyed checks say, entries follow one another by their hashes from the first of a chain to
 * its head, and the tables of keys add up. */
#include "store_look.h"

#include "store_sum.h"
#include "store_walk.h"

#include "box.h"

#include <stdio.h>
#include <sys/mman.h>

enum { CHAIN_BYTES_MIN = 160 }; /* of a chain's row, in the file */

/* A number that the table meta holds. */
struct stated {
    bool is_there;
    uint64_t n;
};

struct look {
    struct mt_store *store;
    struct mt_txn t;  /* for what parses rows; never begun */
    bool knows_key;   /* the mark in the table meta opens under our store key */
    bool has_checked; /* so does the keyed check of some row */
    int damaged;      /* table with a row whose check fails; -1: none */
    struct mt_chain_row *chains;
    size_t n_chains, chains_max, at; /* `at`: the chain whose entries come */
    uint64_t seq;                    /* of the entry that came last */
    struct mt_id entry;              /* its id */
    uint64_t sum;                    /* of the rows without a check */
    struct stated rows, commit;
};

static const char *look_at_mark(struct look *l, struct mt_slice key, struct mt_slice value) {
    uint8_t plain[64];
    struct mt_writer w = mt_writer(plain, sizeof plain);
    l->knows_key = mt_rest_open(l->store->secrets->store, "meta", key, value, &w) == MT_OK;
    return NULL;
}

static const char *keep_chain(struct look *l, struct mt_slice key, struct mt_slice value) {
    l->t.err = MT_OK;
    if (key.n != 4 || l->n_chains == l->chains_max ||
        !mt_store_chain_parse(&l->t, value, mt_load32(key.p), &l->chains[l->n_chains++]))
        return "the row of a chain is damaged";
    return NULL;
}

/* A row that ends in a keyed check. With another store key none of them fits; that is no damage. */
static const char *look_at_row(struct look *l, size_t table, struct mt_slice key,
                               struct mt_slice value) {
    l->t.err = MT_OK;
    if (mt_txn_open_row(&l->t, (enum table)table, key, &value))
        l->has_checked = true;
    else if (l->damaged < 0)
        l->damaged = (int)table;
    if (table == T_META && value.n == 8) {
        struct stated number = {true, mt_load64(value.p)};
        if (mt_slice_is(key, STORE_ROWS_SUM))
            l->rows = number;
        if (mt_slice_is(key, STORE_COMMIT))
            l->commit = number;
    }
    return table == T_CHAINS && l->t.err == MT_OK ? keep_chain(l, key, value) : NULL;
}

/* Whether the chain whose entries have come ends where its row says. Goes on to the next. */
static bool chain_ends(struct look *l) {
    const struct mt_head *head = &l->chains[l->at].head;
    bool ends = l->seq == head->seq && (l->seq == 0 || mt_id_eq(&l->entry, &head->entry));
    l->at++;
    l->seq = 0;
    l->entry = (struct mt_id){{0}};
    return ends;
}

static const char *look_at_entry(struct look *l, struct mt_slice key, struct mt_slice value) {
    static const char broken[] = "a chain has a gap, or another end than it should";
    l->t.err = MT_OK;
    struct entry_row e;
    struct mt_header h;
    struct mt_id box;
    if (l->damaged >= 0 || !l->has_checked)
        return NULL; /* said in the end */
    if (key.n != ENTRY_KEY_SIZE)
        return "a key has the wrong length";
    while (l->at < l->n_chains && l->chains[l->at].info.no != mt_load32(key.p))
        if (!chain_ends(l))
            return broken;
    if (l->at == l->n_chains || mt_load64(key.p + 4) != l->seq + 1)
        return broken;
    const struct mt_chain_row *chain = &l->chains[l->at];
    if (!mt_store_entry_parse(&l->t, value, &e) ||
        !mt_store_entry_header(&l->t, &e, &chain->info.id, ++l->seq, &h) ||
        !mt_id_eq(&h.previous, &l->entry))
        return "an entry is damaged";
    mt_box_hash(&chain->region, e.box, &box);
    if (!mt_id_eq(&box, &h.box_hash) || h.box_len != e.box.n)
        return "an entry is damaged";
    mt_entry_id(&chain->region, e.header, &l->entry);
    return NULL;
}

/* A row of a table whose rows are only summed up. */
static const char *look_at_key(struct look *l, size_t table, struct mt_slice key,
                               struct mt_slice value) {
    bool fits = table == T_ROWID     ? key.n == ROWID_SIZE && value.n == 8
                : table == T_WAITING ? key.n == ENTRY_KEY_SIZE && value.n == 0
                                     : key.n <= INDEX_KEY_MAX && value.n == 0;
    l->sum += mt_store_row_sum(l->store, (enum table)table, key, value);
    return fits ? NULL : "a row has the wrong length";
}

static const char *look_at(void *arg, size_t table, struct mt_slice key, struct mt_slice value) {
    struct look *l = arg;
    switch ((enum table)table) {
    case T_META:
        if (mt_slice_is(key, "key"))
            return look_at_mark(l, key, value);
        return look_at_row(l, table, key, value);
    case T_ORGS:
    case T_CHAINS:
    case T_RECORDS:
    case T_RECENT:
        return look_at_row(l, table, key, value);
    case T_ENTRIES:
        return look_at_entry(l, key, value);
    case T_ROWID:
    case T_WAITING:
    case T_INDEX:
        return look_at_key(l, table, key, value);
    default: /* sealed: opened when it is read */
        return NULL;
    }
}

static enum mt_err say(char why[static MT_WALK_WHY_MAX], enum mt_err err, const char *text) {
    (void)snprintf(why, MT_WALK_WHY_MAX, "%s", text);
    return err;
}

/* What was found when every row had been looked at. */
static enum mt_err conclude(struct look *l, uint64_t txn, char why[static MT_WALK_WHY_MAX]) {
    if (!l->has_checked) /* another store key: who opens it will tell */
        return l->knows_key ? say(why, MT_EVERSION, "data.mdb: made by another version of meentd")
                            : MT_OK;
    if (l->damaged >= 0) {
        (void)snprintf(why, MT_WALK_WHY_MAX, "%s: a row is damaged",
                       mt_store_table_names[l->damaged]);
        return MT_ECORRUPT;
    }
    if (!l->knows_key)
        return say(why, MT_ECORRUPT, "meta: the mark of the store key is damaged");
    while (l->at < l->n_chains)
        if (!chain_ends(l))
            return say(why, MT_ECORRUPT, "entries: a chain has another end than it should");
    if (l->commit.is_there && l->commit.n != txn)
        return say(why, MT_ECORRUPT, "meta: this is not the state that was written last");
    if (l->rows.is_there && l->sum != l->rows.n)
        return say(why, MT_ECORRUPT, "index: rows are missing or damaged");
    return MT_OK;
}

/* Only what is written to counts as used. */
static void *take_memory(size_t n) {
    void *p =
        mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

static void give_memory(void *p, size_t n) {
    if (p)
        (void)munmap(p, n);
}

enum mt_err mt_store_look(struct mt_store *s, const uint8_t *file, size_t size,
                          char why[static MT_WALK_WHY_MAX]) {
    struct look l = {
        .store = s, .t = {.store = s}, .damaged = -1, .chains_max = size / CHAIN_BYTES_MIN + 1};
    struct mt_walk w = {.file = file,
                        .size = size,
                        .tables = mt_store_table_names,
                        .n_tables = T_COUNT,
                        .seen = take_memory(mt_store_walk_memory(size)),
                        .row = look_at,
                        .arg = &l};
    why[0] = 0;
    l.chains = take_memory(l.chains_max * sizeof *l.chains);
    enum mt_err err = MT_ENOMEM;
    if (w.seen && l.chains) {
        err = mt_store_walk(&w);
        err = err ? say(why, err, w.why) : conclude(&l, w.txn, why);
    } else {
        (void)say(why, err, "data.mdb: there is not enough memory to check it");
    }
    give_memory(w.seen, mt_store_walk_memory(size));
    give_memory(l.chains, l.chains_max * sizeof *l.chains);
    return err;
}
