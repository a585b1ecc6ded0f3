#include "csv_pool.h"

#include <stdlib.h>

enum { BLOCK_MIN = 16 * 1024, BLOCK_MAX = 256 * 1024 };

struct csv_pool_block {
    struct csv_pool_block *next;
    size_t n;
    uint8_t bytes[];
};

uint8_t *csv_pool_take(struct csv_pool *pool, size_t n) {
    if (!pool->blocks || n > pool->left) {
        size_t size = pool->blocks ? 2 * pool->blocks->n : BLOCK_MIN;
        size = size < BLOCK_MAX ? size : BLOCK_MAX;
        size = n > size ? n : size;
        struct csv_pool_block *b = malloc(sizeof *b + size);
        if (!b)
            return NULL;
        b->next = pool->blocks;
        b->n = size;
        pool->blocks = b;
        pool->left = size;
    }
    struct csv_pool_block *b = pool->blocks;
    uint8_t *p = b->bytes + (b->n - pool->left);
    pool->left -= n;
    return p;
}

bool csv_pool_copy(struct csv_pool *pool, struct mt_slice s, struct mt_slice *out) {
    *out = mt_slice(NULL, 0);
    uint8_t *p = csv_pool_take(pool, s.n);
    if (!p)
        return false;
    if (s.n)
        memcpy(p, s.p, s.n);
    *out = mt_slice(p, s.n);
    return true;
}

void csv_pool_close(struct csv_pool *pool) {
    while (pool->blocks) {
        struct csv_pool_block *b = pool->blocks;
        pool->blocks = b->next;
        free(b);
    }
    *pool = (struct csv_pool){.blocks = NULL};
}
