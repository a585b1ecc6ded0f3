/* store: the LMDB environment, its transactions, and typed access to what is in it (daemon layer 1).
 *
 * Tables. Keys are big-endian so that they sort; every value is either sealed under the store key,
 * or an entry as it travels (its box stays sealed), or numbers that say nothing about anybody.
 *   meta     name -> number: format version, next row, counts per kind, view sum,
 *            sum of the rows without a check, last commit, how far recent keys are moved
 *   state    name -> sealed blob of the node
 *   gov      item id -> sealed governance item
 *   orgs     org no (u32) -> organisation id, and back    local numbers from 1, first seen first
 *   chains   chain no (u32) -> struct mt_chain_info and head
 *   entries  chain no (u32), seq (u64) -> flags, header, [signature], box     appended in order
 *   waiting  chain no, seq -> nothing                     entries whose key is not at hand yet
 *   records  row (u64) -> audience no, owner no, kind, id, groups of stamps and masks
 *   rowid    audience no, owner no, kind, id -> row       the only random-key table
 *   index    type (u8), audience no, kind, value, row -> nothing    see enum mt_index_type
 *   recent   set no (u64) -> keys of rowid and index, sorted, that are on their way there
 * Rows of meta, orgs, chains, records and recent end in a keyed check; those of rowid, index and
 * waiting are summed up (store_sum.h); an entry is what its record's stamp, its box hash and its
 * chain's next entry say it is. So damage is an error and never shown.
 */
#ifndef MEENT_STORE_H
#define MEENT_STORE_H

#include "batch.h"
#include "record.h"
#include "schema.h"

struct mt_store;

struct mt_store_config {
    const char *dir;          /* the environment's own directory, created when absent */
    const uint8_t *store_key; /* 32 bytes, copied into secret memory */
    uint64_t map_bytes;       /* first map size; it grows by itself. 0: the default */
    bool no_sync;             /* for tests only */
    uint32_t recent_min;      /* keys from which a batch keeps them together. 0: the default */
    char *why;                /* when set: filled with the reason when opening fails, for the log */
    size_t why_size;
};

/* Opens or creates the environment (created in a temporary directory, synced, renamed).
 * Damage is looked for in a child process first; a process has one store of a directory at a time.
 * Errors: MT_EIO, MT_ENOSPACE, MT_ECORRUPT, MT_ENOKEY (another store key), MT_EVERSION, MT_ENOMEM,
 * MT_ESTATE (it is open already, here or in another process). */
MT_MUST enum mt_err mt_store_open(struct mt_store **out, const struct mt_store_config *config);
void mt_store_close(struct mt_store *s); /* NULL is fine */

/* What an MDB error text was, for the log; "" when none. Valid until the next call. */
const char *mt_store_detail(const struct mt_store *s);

/* Start-up: hand everything the node needs to the callback, in key order. A callback error stops
 * and is returned. Slices live only during the call. */
typedef enum mt_err (*mt_blob_fn)(void *arg, const char *name, struct mt_slice bytes);
typedef enum mt_err (*mt_item_fn)(void *arg, const struct mt_id *id, struct mt_slice bytes);
typedef enum mt_err (*mt_chain_fn)(void *arg, const struct mt_chain_info *chain,
                                   const struct mt_head *head, uint64_t fork);
MT_MUST enum mt_err mt_store_load_blobs(struct mt_store *s, mt_blob_fn fn, void *arg);
MT_MUST enum mt_err mt_store_load_items(struct mt_store *s, mt_item_fn fn, void *arg);
MT_MUST enum mt_err mt_store_load_chains(struct mt_store *s, mt_chain_fn fn, void *arg);

/* Makes a batch durable in one write transaction and one sync (daemon/apply.c, layer 2; runs on the
 * worker thread, or inline in the simulator, never while its own thread is within a read). Never
 * fails half: sets b->err and every op's result; those of a batch that failed mean nothing. */
void mt_apply(struct mt_store *s, struct mt_batch *b);

/* Does some of what large batches left to do: moves keys to where they belong, in a transaction of its
 * own, and lets go of memory when that is done. For when there is nothing else to do, on the thread
 * that applies batches. Out: whether more is left. Errors: local class. */
MT_MUST enum mt_err mt_store_tidy(struct mt_store *s, bool *more);

/* Reads a run to send. Out: message in `w`; `*last` the seq it ends on.
 * Errors: MT_ENOTFOUND (nothing from `first` on), MT_ECORRUPT, MT_EIO. */
MT_MUST enum mt_err mt_store_read_run(struct mt_store *s, const struct mt_run_wanted *want,
                                      struct mt_writer *w, uint64_t *last);

/* The id of one entry held. Errors: MT_ENOTFOUND. */
MT_MUST enum mt_err mt_store_entry_id(struct mt_store *s, const struct mt_id *region,
                                      uint32_t chain_no, uint64_t seq, struct mt_id *out);

/* A short read transaction on the loop thread; never kept over a loop turn. */
struct mt_read {
    struct mt_store *store;
    void *txn;
    const struct mt_id *region;
    const struct mt_keyring *keys; /* borrowed */
};
MT_MUST enum mt_err mt_read_begin(struct mt_store *s, const struct mt_id *region,
                                  const struct mt_keyring *keys, struct mt_read *out);
void mt_read_end(struct mt_read *r);

/* A record as people can see it. */
struct mt_view {
    uint64_t row;
    uint32_t audience_no;  /* 0 the region */
    struct mt_id audience; /* zeros the region, else the other organisation of the channel */
    struct mt_id owner;
    uint16_t kind;
    struct mt_rid id;
    uint64_t created_ms, changed_ms; /* wall times stated by the writer: display only */
    uint8_t major;
    struct mt_slice fields; /* canonical map {number: value}, nil left out; in the caller's `w` */
};

/* Reads one record, opening the boxes it points at into `w` (at most MT_BOX_MAX needed).
 * Errors: MT_ENOTFOUND, MT_ENOKEY (not readable here), MT_ECORRUPT, MT_ETOOLONG in `w`. */
MT_MUST enum mt_err mt_read_row(struct mt_read *r, uint64_t row, struct mt_writer *w,
                                struct mt_view *out);
/* Where a field of a record comes from, for the order that all replicas share.
 * Errors: MT_ENOTFOUND (no such record, or nobody set the field), MT_ECORRUPT. */
MT_MUST enum mt_err mt_read_stamp(struct mt_read *r, uint64_t row, uint8_t field,
                                  struct mt_stamp *out);

/* `audience`: NULL or zeros for the region, else the other organisation. */
MT_MUST enum mt_err mt_read_find(struct mt_read *r, const struct mt_id *audience,
                                 const struct mt_id *owner, uint16_t kind, const struct mt_rid *id,
                                 uint64_t *row);

/* Indexes: rows by something, within an audience and kind, ascending by (value, row). */
enum mt_index_type {
    MT_INDEX_KIND = 1, /* value empty: every record of a kind that has no such field as DATE's */
    MT_INDEX_DATE = 2, /* value u32: first day of the thing (date, from; week's Monday);
                              undated: 0xffffffff. Kinds without such a field are not in it */
    MT_INDEX_REF = 3,  /* value 16 bytes: id of a record this one refers to, any reference field */
    MT_INDEX_IDENTITY = 4, /* value 16 bytes: mt_store_identity; `from` and `to` are equal. Only of
                              this organisation's own records: nobody else's are imported */
    MT_INDEX_OWNER = 5,    /* value u32 org no: records by owner: those in channels, and this
                              organisation's own */
    MT_INDEX_LONG = 6, /* value u32: last day of a thing that lasts more than MT_LONG_DAYS; others
                          are not in it */
};

enum {
    MT_LONG_DAYS = 7,
    MT_INDEX_DAY_MAX = (1 << 29) - 2, /* what begins later is undated */
};

struct mt_index_query {
    enum mt_index_type type;
    bool all_audiences;   /* one audience after the other, each in order */
    uint32_t audience_no; /* ignored when all_audiences */
    uint16_t kind;
    struct mt_slice from, to; /* inclusive bounds of the value; empty: open. Values here are as
                                 above, u32 big-endian */
    uint32_t ends_from;       /* MT_INDEX_DATE: without what ended before this day */
    bool descending;
};

/* Calls `fn` with each row until it returns false. */
typedef bool (*mt_row_fn)(void *arg, uint64_t row);
MT_MUST enum mt_err mt_read_index(struct mt_read *r, const struct mt_index_query *q, mt_row_fn fn,
                                  void *arg);

/* Rows whose record id starts with the given hex digits, over all audiences and owners; `kind` 0:
 * any kind. At most `max`; `*n` tells how many there are up to max. */
MT_MUST enum mt_err mt_read_prefix(struct mt_read *r, uint16_t kind, struct mt_slice hex,
                                   uint64_t *rows, size_t max, size_t *n);

/* Hash for MT_INDEX_IDENTITY of a set of fields: of owner, kind and the `external` field when it is
 * set, else the fields marked MT_FIELD_IDENTITY. Zeros when none of them is set. */
void mt_store_identity(const struct mt_store *s, const struct mt_id *region,
                       const struct mt_id *owner, const struct mt_kind *kind,
                       struct mt_slice fields, uint8_t out[static 16]);

/* Local number of an organisation; 0 when never seen. */
uint32_t mt_read_org_no(struct mt_read *r, const struct mt_id *org);

/* The organisation of a local number. Errors: MT_ENOTFOUND, MT_ECORRUPT. */
MT_MUST enum mt_err mt_read_org(struct mt_read *r, uint32_t no, struct mt_id *out);

/* Records of a kind that are readable here, over all audiences. */
MT_MUST enum mt_err mt_read_count(struct mt_read *r, uint16_t kind, uint64_t *out);

/* A number that grows with every batch that makes or changes records of organisations. */
MT_MUST enum mt_err mt_read_orgs_version(struct mt_read *r, uint64_t *out);

/* Entries waiting for a key. */
MT_MUST enum mt_err mt_read_waiting(struct mt_read *r, uint64_t *out);

/* View digest of the region's records (protocol.md 9.5). */
MT_MUST enum mt_err mt_read_digest(struct mt_read *r, uint8_t out[static 32]);

/* The digest computed by folding all counted entries from empty; for `verify` and tests. */
MT_MUST enum mt_err mt_read_digest_fold(struct mt_read *r, uint8_t out[static 32]);

/* Recent entries of all chains readable here, newest first by the writer's wall time, for `log`. */
struct mt_log_row {
    struct mt_chain_info chain;
    uint64_t seq, wall_ms;
    struct mt_slice content; /* changes; empty when not readable here */
};
typedef bool (*mt_log_fn)(void *arg, const struct mt_log_row *row);
MT_MUST enum mt_err mt_read_log(struct mt_read *r, size_t max, mt_log_fn fn, void *arg);

/* Bytes the environment uses and its map size. */
void mt_store_size(struct mt_store *s, uint64_t *used, uint64_t *map);

#endif
