/* csv_pool: memory that is given out in pieces and freed all at once. */
#ifndef MEENT_CSV_POOL_H
#define MEENT_CSV_POOL_H

#include "types.h"

struct csv_pool_block;

/* Zeroed storage is an empty pool. */
struct csv_pool {
    struct csv_pool_block *blocks; /* owned; the newest first */
    size_t left;                   /* bytes not given out of the newest */
};

/* Gives out `n` bytes, unaligned; they live until csv_pool_close. NULL when memory is short. */
uint8_t *csv_pool_take(struct csv_pool *pool, size_t n);

/* Copies `s`. False when memory is short. */
bool csv_pool_copy(struct csv_pool *pool, struct mt_slice s, struct mt_slice *out);

void csv_pool_close(struct csv_pool *pool);

#endif
