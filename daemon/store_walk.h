/* store_walk: goes through the file of an environment page by page, without LMDB (layer 1).
 *
 * What it reads is the data format of LMDB 0.9, which has been the same since 2013 and names its
 * version on the first pages. Nothing the file says is believed before it was compared with its
 * bounds, so a damaged one ends in an error and not in a crash; the walk visits no page twice. */
#ifndef MEENT_STORE_WALK_H
#define MEENT_STORE_WALK_H

#include "err.h"
#include "types.h"

#include <stddef.h>
#include <stdint.h>

enum { MT_WALK_WHY_MAX = 128, MT_WALK_TABLES_MAX = 16 };

struct mt_walk {
    const uint8_t *file; /* borrowed */
    size_t size;
    const char *const *tables; /* the names of all tables there are */
    size_t n_tables;           /* at most MT_WALK_TABLES_MAX */
    uint8_t *seen;             /* zeroed memory for a bit per page: mt_store_walk_memory bytes */
    /* Called with every row of a table, in the order of its keys. NULL: all is well, else what is
     * wrong with it, a text that stays. */
    const char *(*row)(void *arg, size_t table, struct mt_slice key, struct mt_slice value);
    void *arg;
    uint64_t txn;              /* out: the number of the last transaction */
    char why[MT_WALK_WHY_MAX]; /* out: what was found where */
};

/* Visits everything that the newest meta page leads to, and the list of free pages.
 * Errors: MT_ECORRUPT, MT_EVERSION. */
MT_MUST enum mt_err mt_store_walk(struct mt_walk *w);

/* Bytes of memory that the walk of a file of `size` bytes needs. */
size_t mt_store_walk_memory(size_t size);

#endif
