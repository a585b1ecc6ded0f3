/* store_internal: what the files of the store share. Only store*.c include it.
 *
 * Threads: one thread writes (a worker), one reads (the loop). LMDB keeps their transactions apart;
 * map_lock keeps the map in place while a reader looks at it; each has scratch memory of its own. */
#ifndef MEENT_STORE_INTERNAL_H
#define MEENT_STORE_INTERNAL_H

#include <lmdb.h>
#include <pthread.h>

#include "store.h"
#include "store_write.h"

#define STORE_ORGS_VERSION "orgs" /* number in the table meta */

enum table {
    T_META,
    T_STATE,
    T_GOV,
    T_ORGS,
    T_CHAINS,
    T_ENTRIES,
    T_WAITING,
    T_RECORDS,
    T_ROWID,
    T_INDEX,
    T_RECENT,
    T_COUNT
};

enum {
    STORE_FORMAT = 3,
    STORE_KEY_MAX = 511, /* of LMDB as Debian builds it */
    STORE_CHECK_SIZE = 8,
    STORE_ROOM =
        16 * 1024 * 1024, /* bytes of map a transaction finds free, besides what it carries */
    STORE_MAP_DEFAULT = 256 * 1024 * 1024,
    STORE_READERS_MAX = 16, /* few, so that the reader table fits the page that opening touches */
    STORE_LASTS_BITS = 3,   /* of a key by day: how many days longer than its first a thing lasts */
    STORE_DETAIL_MAX = 256,
    STORE_RECENT_MIN = 512,
    ROWID_SIZE = 4 + 4 + 2 + 16,
    ENTRY_KEY_SIZE = 4 + 8,
};

/* What the schema says about a kind, as masks. */
struct kind_info {
    const struct mt_kind *kind; /* NULL: unknown */
    uint64_t refs, identity;    /* fields of type REF and REFS; fields marked IDENTITY */
    int8_t external;            /* field numbers, -1 when there is none */
    int8_t date, from, week;
    int8_t end_date, until, end_week;
};

/* The entry that was opened last. Imports put many changes in one entry. */
struct opened {
    uint32_t chain_no;
    uint64_t seq;
    uint64_t wall_ms;
    struct mt_id id;
    struct mt_slice content;
    uint8_t *plain;    /* MT_BOX_MAX bytes */
    uint32_t n_starts; /* changes whose place is known */
    uint32_t starts[MT_CHANGES_MAX + 1];
};

struct store_secrets {
    uint8_t store[32];
    uint8_t check[16]; /* keys the check that closes rows of numbers */
    uint8_t index[32]; /* keys what an index holds of an identity */
};

struct store_detail {
    pthread_mutex_t lock;
    char text[STORE_DETAIL_MAX];
    char shown[STORE_DETAIL_MAX];
};

struct mt_store {
    MDB_env *env; /* NULL when it could not be opened again */
    MDB_dbi tables[T_COUNT];
    pthread_rwlock_t map_lock; /* shared: a read transaction; exclusive: the map moves */
    struct store_detail *detail;
    struct store_secrets *secrets;
    struct kind_info kinds[MT_KIND_END];
    struct opened opened;    /* the reader's */
    uint8_t *values;         /* the reader's: MT_BOX_MAX bytes */
    struct mt_scratch *work; /* the writer's */
    uint32_t recent_min;
    uint32_t last_set;      /* keys that the last batch kept together */
    uint64_t bytes_written; /* since memory was let go of */
    char *dir;
    int dir_fd; /* locked while the store is open */
    bool no_sync;
};

/* ---- store_env.c ---- */

/* Keeps what went wrong where, for mt_store_detail, and says which of our errors it is: the only
 * place that translates LMDB's codes and errno. */
enum mt_err mt_store_fault(struct mt_store *s, int rc, const char *what);

/* Keeps a text for mt_store_detail and returns `err`. */
enum mt_err mt_store_say(struct mt_store *s, enum mt_err err, const char *text);

/* Makes the map larger until `need` bytes are free in it. No transaction may be open.
 * Errors: MT_ENOSPACE. */
MT_MUST enum mt_err mt_store_grow(struct mt_store *s, uint64_t need);

/* What a transaction that ended with `err` means: MT_EAGAIN when the map was full and has grown. */
MT_MUST enum mt_err mt_store_after(struct mt_store *s, enum mt_err err, bool map_full);

/* Closes the environment and opens it again: after a failed write of its meta page LMDB lets nobody
 * in any more. By the writer, without a transaction. Errors: local class; then it may be tried
 * again. */
MT_MUST enum mt_err mt_store_renew(struct mt_store *s);

extern const char *const mt_store_table_names[T_COUNT];

struct mt_scratch *mt_scratch_new(void); /* store_write.c */
void mt_scratch_free(struct mt_scratch *k);

/* ---- store_check.c ---- */

/* Walks the environment in a child process. Errors: MT_ECORRUPT, MT_EVERSION, MT_EIO. */
MT_MUST enum mt_err mt_store_check(struct mt_store *s);

/* ---- store_txn.c: a transaction whose first error sticks ---- */

struct mt_txn {
    struct mt_store *store;
    MDB_txn *txn;
    MDB_cursor *cursors[T_COUNT]; /* opened when first used */
    enum mt_err err;
    bool is_write, is_dirty, map_full;
    uint64_t sum_change; /* of the rows without a check */
    /* What a reader found last: most records that are read together share both. */
    struct mt_chain_row chain; /* info.no 0: none */
    struct mt_id org;
    uint32_t org_no; /* 0: none */
};

void mt_txn_begin(struct mt_txn *t, struct mt_store *s, bool write);

/* Commits when `commit` and nothing failed, else drops everything. MT_OK or what failed. */
MT_MUST enum mt_err mt_txn_end(struct mt_txn *t, bool commit);

/* Sticks the first error. */
void mt_txn_fail(struct mt_txn *t, enum mt_err err, const char *what);

/* The cursor of a table, which moves with every call below. NULL after an error. */
MDB_cursor *mt_txn_cursor(struct mt_txn *t, enum table table);

/* A cursor of its own. NULL after an error. Owns: the caller, mdb_cursor_close. */
MDB_cursor *mt_txn_cursor_new(struct mt_txn *t, enum table table);

/* Moves a cursor. False at the end or on an error, which sticks. */
bool mt_txn_move(struct mt_txn *t, MDB_cursor *c, MDB_cursor_op op, struct mt_slice *key,
                 struct mt_slice *value);

/* Reads a value, valid until the next put. False when there is none or after an error. */
bool mt_txn_get(struct mt_txn *t, enum table table, struct mt_slice key, struct mt_slice *value);

/* Makes room for a value of `n` bytes to be filled in at once. NULL after an error. `append`: the
 * key sorts behind all others of the table. */
uint8_t *mt_txn_reserve(struct mt_txn *t, enum table table, struct mt_slice key, size_t n,
                        bool append);
void mt_txn_put(struct mt_txn *t, enum table table, struct mt_slice key, struct mt_slice value);

/* Puts a value where there is none. False when there is one, which is given in `held`. */
bool mt_txn_add(struct mt_txn *t, enum table table, struct mt_slice key, struct mt_slice value,
                struct mt_slice *held);
void mt_txn_del(struct mt_txn *t, enum table table, struct mt_slice key);

/* The same for the tables whose rows have no check of their own, which are summed up instead
 * (store_sum.h). A row that is put is one that is not there, or the same. */
bool mt_txn_add_summed(struct mt_txn *t, enum table table, struct mt_slice key,
                       struct mt_slice value, struct mt_slice *held);
void mt_txn_del_summed(struct mt_txn *t, enum table table, struct mt_slice key);

/* The same for rows of numbers, which end in a keyed check over table, key and value. A row whose
 * check fails sticks MT_ECORRUPT. */
bool mt_txn_get_row(struct mt_txn *t, enum table table, struct mt_slice key,
                    struct mt_slice *value);
bool mt_txn_open_row(struct mt_txn *t, enum table table, struct mt_slice key,
                     struct mt_slice *value);
void mt_txn_put_row(struct mt_txn *t, enum table table, struct mt_slice key, struct mt_slice value,
                    bool append);

/* Numbers in the meta table; 0 when absent. */
uint64_t mt_txn_number(struct mt_txn *t, const char *name);
void mt_txn_put_number(struct mt_txn *t, const char *name, uint64_t v);
uint64_t mt_txn_kind_count(struct mt_txn *t, uint16_t kind);
void mt_txn_put_kind_count(struct mt_txn *t, uint16_t kind, uint64_t n);

/* Entries of a table. */
uint64_t mt_txn_count(struct mt_txn *t, enum table table);

/* ---- store_entries.c ---- */

/* An entry as it stands in the table. */
struct entry_row {
    struct mt_slice header, box;
    const uint8_t *signature; /* NULL when it is not signed */
};

void mt_store_entry_key(uint8_t out[static ENTRY_KEY_SIZE], uint32_t chain_no, uint64_t seq);
void mt_store_entry_put(struct mt_txn *t, uint32_t chain_no, uint64_t seq,
                        const struct entry_row *e, bool append);

/* Reads one. False when it is not held; sticks MT_ECORRUPT. */
bool mt_store_entry_get(struct mt_txn *t, uint32_t chain_no, uint64_t seq, struct entry_row *out);
bool mt_store_entry_parse(struct mt_txn *t, struct mt_slice value, struct entry_row *out);

/* Parses the header of the entry at (chain, seq). Sticks MT_ECORRUPT when it is another's. */
bool mt_store_entry_header(struct mt_txn *t, const struct entry_row *e, const struct mt_id *chain,
                           uint64_t seq, struct mt_header *h);

bool mt_store_chain_get(struct mt_txn *t, uint32_t no, struct mt_chain_row *out);
bool mt_store_chain_parse(struct mt_txn *t, struct mt_slice value, uint32_t no,
                          struct mt_chain_row *out);
void mt_store_chain_put(struct mt_txn *t, const struct mt_chain_row *row);

uint32_t mt_store_org_no(struct mt_txn *t, const struct mt_id *org);
bool mt_store_org_get(struct mt_txn *t, uint32_t no, struct mt_id *out);

/* Finds the number of an organisation or gives it one. */
uint32_t mt_store_org_add(struct mt_txn *t, const struct mt_id *org);

/* The key that opens an entry of a chain; NULL when it is not at hand. */
const uint8_t *mt_store_box_key(const struct mt_keyring *keys, const struct mt_chain_info *chain,
                                const struct mt_id *epoch);

/* Opens the entry a stamp points at into `o`, unless it is there already. The stamp's entry id must
 * be its own. Errors, not sticking: MT_ENOKEY, MT_ECORRUPT. */
MT_MUST enum mt_err mt_store_open_entry(struct mt_txn *t, const struct mt_id *region,
                                        const struct mt_keyring *keys, const struct mt_stamp *stamp,
                                        struct opened *o);

/* ---- store_records.c ---- */

struct record {
    uint32_t audience_no, owner_no;
    uint16_t kind;
    struct mt_rid id;
    uint64_t created_ms, changed_ms;
    uint8_t major;
    struct mt_merged merged; /* stamps without chain id, which the chain's row holds */
};

/* The values of a record's fields, by number; those that nobody set are empty. */
struct values {
    struct mt_slice v[MT_FIELDS_MAX];
};

void mt_store_rowid_key(uint8_t out[static ROWID_SIZE], uint32_t audience_no, uint32_t owner_no,
                        uint16_t kind, const struct mt_rid *id);
bool mt_store_record_get(struct mt_txn *t, uint64_t row, struct record *out);
void mt_store_record_put(struct mt_txn *t, uint64_t row, const struct record *rec, bool append);

/* The change of a checked plaintext at `index`. Errors: MT_ECORRUPT. */
MT_MUST enum mt_err mt_store_change_at(struct opened *o, uint16_t index, struct mt_change *out);

/* Adds the fields of `mask` to `values`, borrowed. */
void mt_store_values_add(struct values *values, struct mt_slice fields, uint64_t mask);

/* ---- store_index.c ---- */

/* One key of the index as numbers, which sort as the key's bytes do. */
struct index_key {
    uint64_t place;    /* type, audience, kind: 7 bytes */
    uint64_t value[2]; /* left-aligned */
    uint64_t row;
};

typedef void (*mt_index_fn)(void *arg, const struct index_key *key);

void mt_store_kinds_init(struct kind_info kinds[static MT_KIND_END]);

/* What the index needs to know of a record besides its values. */
struct subject {
    const struct mt_id *region, *owner;
    uint64_t row;
    uint32_t audience_no, owner_no;
    uint16_t kind;
    uint8_t major;
    bool is_own; /* the owner is this organisation */
};

/* Gives every key that a record has in the index. */
void mt_store_index_keys(const struct mt_store *s, const struct subject *of,
                         const struct values *values, mt_index_fn fn, void *arg);

enum { INDEX_KEY_MAX = 1 + 4 + 2 + 16 + 8 };

/* Bytes of the value of an index type; SIZE_MAX when there is no such type. */
size_t mt_store_index_width(unsigned type);
size_t mt_store_index_encode(const struct index_key *key, uint8_t out[static INDEX_KEY_MAX]);

/* What the index holds of an identity. */
void mt_store_identity_key(const struct mt_store *s, const uint8_t identity[static 16],
                           uint8_t out[static 16]);

#endif
