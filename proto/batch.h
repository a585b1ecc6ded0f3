/* batch: what the node asks the store to make durable in one transaction (layer 3).
 *
 * The node fills a batch on its thread and gives it away; a worker applies it in order and fills
 * in each operation's result; the node gets it back, reads the results and frees it. While it is
 * away nobody else touches it. Either the whole batch is durable (err MT_OK) or none of it is. A
 * run that a peer sent and that does not verify is refused alone: its own result says why. */
#ifndef MEENT_BATCH_H
#define MEENT_BATCH_H

#include "job.h"

enum mt_op_type {
    MT_OP_BLOB,  /* put (or with no bytes: delete) a named piece of the node's own state */
    MT_OP_ITEM,  /* put a governance item under its id */
    MT_OP_LOCAL, /* append entries of our own, already sealed and signed */
    MT_OP_RUN,   /* verify and append a run that a peer sent */
    MT_OP_RETRY, /* a key came: read the entries that were waiting for one */
};

/* An entry of our own. Slices borrow the batch's memory. */
struct mt_local_entry {
    struct mt_header h;
    struct mt_id id;
    struct mt_slice header, box;
    struct mt_slice content; /* unpadded plaintext, so that it need not be opened again */
    bool is_signed;          /* the last of a run: `signature` holds */
    uint8_t signature[MT_SIGNATURE_SIZE];
};

struct mt_op {
    enum mt_op_type type;
    uint64_t tag; /* the node's own: which link or request this came from */
    union {
        struct {
            const char *name; /* static or in the batch's memory */
            struct mt_slice bytes;
        } blob;
        struct {
            struct mt_id id;
            struct mt_slice bytes;
        } item;
        struct {
            struct mt_chain_info chain;
            struct mt_local_entry *entries;
            uint32_t n;
        } local;
        struct {
            struct mt_chain_info chain;
            struct mt_slice message; /* a whole MT_MSG_RUN message */
            struct mt_run_job *job;  /* one reference; owns the message. NULL: the message is
                                        somebody else's, and nothing is prepared */
        } run;
    };
    /* Results, filled in by the worker. */
    enum mt_err err;     /* of this operation alone */
    struct mt_head head; /* LOCAL, RUN: end of the chain afterwards */
    uint64_t fork;       /* RUN with MT_EFORK: the lowest seq with two different entries */
    uint32_t added;      /* entries appended: 0 when all were held already */
};

struct mt_batch {
    struct mt_op *ops;
    uint32_t n, cap;
    struct mt_id region; /* zeros before there is one */
    struct mt_id own_org;
    struct mt_keyring *keys;       /* one reference */
    size_t bytes;                  /* content carried, for the cap */
    enum mt_err err;               /* of the whole: MT_OK once durable */
    struct mt_batch_chunk *memory; /* what the slices point into */
    /* The workers' own: makes sure that nobody prepares the job any more. NULL: nobody ever did. */
    void (*settle_job)(void *arg, struct mt_run_job *job);
    void *settle_arg;
    uint64_t wall_ms; /* when the node closed it; `changed` of records for display only */
};

enum { MT_BATCH_BYTES_MAX = 4 * 1024 * 1024, MT_BATCH_OPS_MAX = 4096 };

/* Makes an empty batch; NULL when out of memory. Freed with mt_batch_free (NULL is fine), which
 * lets go of `keys` as well. */
struct mt_batch *mt_batch_new(void);
void mt_batch_free(struct mt_batch *b);

/* Allocates `n` bytes, aligned to 16, that live as long as the batch and are wiped with it. `bytes`
 * is not changed: whoever adds operations counts. NULL when out of memory or when `n` is above
 * MT_BATCH_BYTES_MAX. */
void *mt_batch_alloc(struct mt_batch *b, size_t n);

/* Copies bytes into the batch. The copy's `p` is NULL exactly when mt_batch_alloc gives NULL. */
struct mt_slice mt_batch_copy(struct mt_batch *b, struct mt_slice s);

/* Makes the batch own `take_p`, which came from malloc. It is freed with the batch, not wiped.
 * Errors: MT_ENOMEM, then the caller still owns it. */
MT_MUST enum mt_err mt_batch_adopt(struct mt_batch *b, void *take_p);

/* Appends a zeroed operation, which may move the earlier ones: no pointer to an operation outlives
 * the next call. NULL when out of memory or at MT_BATCH_OPS_MAX. */
struct mt_op *mt_batch_add(struct mt_batch *b, enum mt_op_type type);

/* Which run is to be read and sent: entries of the chain from `first` on, at most `max_bytes` of message and
 * MT_RUN_ENTRIES_MAX entries, ending on the last signed head that fits (at least one signed run is
 * given even when it alone exceeds max_bytes; it never exceeds MT_MESSAGE_MAX). */
struct mt_run_wanted {
    uint32_t chain_no;
    uint64_t first;
    size_t max_bytes;
    bool
        check; /* all of it beforehand; otherwise the peer alone does, and refuses what is damaged */
};

#endif
