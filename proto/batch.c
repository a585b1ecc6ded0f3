#include "batch.h"

#include <stdlib.h>

enum { CHUNK_SIZE = 64 * 1024, OPS_FIRST = 16, ALIGN = 16 };

/* A piece of a batch's memory: bytes to hand out, or something that came from elsewhere. */
struct mt_batch_chunk {
    struct mt_batch_chunk *next;
    void *adopted; /* owned; NULL when the bytes are its own */
    size_t used, cap;
    _Alignas(ALIGN) uint8_t bytes[];
};

struct mt_batch *mt_batch_new(void) {
    return calloc(1, sizeof(struct mt_batch));
}

void mt_batch_free(struct mt_batch *b) {
    if (!b)
        return;
    for (uint32_t i = 0; i < b->n; i++)
        if (b->ops[i].type == MT_OP_RUN)
            mt_run_job_unref(b->ops[i].run.job);
    for (struct mt_batch_chunk *c = b->memory, *next; c; c = next) {
        next = c->next;
        /* What we write is plain here before it is sealed. */
        mt_wipe(c->bytes, c->used);
        free(c->adopted);
        free(c);
    }
    mt_keyring_unref(b->keys);
    free(b->ops);
    free(b);
}

/* Puts `c` behind the chunk in front, which stays the one that is being filled. */
static void link_behind(struct mt_batch *b, struct mt_batch_chunk *c) {
    c->next = b->memory ? b->memory->next : NULL;
    if (b->memory)
        b->memory->next = c;
    else
        b->memory = c;
}

static struct mt_batch_chunk *chunk_new(size_t cap) {
    struct mt_batch_chunk *c = malloc(sizeof *c + cap);
    if (c)
        *c = (struct mt_batch_chunk){.cap = cap};
    return c;
}

void *mt_batch_alloc(struct mt_batch *b, size_t n) {
    if (n > MT_BATCH_BYTES_MAX)
        return NULL;
    n = (n + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    struct mt_batch_chunk *c = b->memory;
    if (!c || n > c->cap - c->used) {
        c = chunk_new(n > CHUNK_SIZE ? n : CHUNK_SIZE);
        if (!c)
            return NULL;
        if (n > CHUNK_SIZE) {
            link_behind(b, c);
        } else {
            c->next = b->memory;
            b->memory = c;
        }
    }
    void *p = c->bytes + c->used;
    c->used += n;
    return p;
}

struct mt_slice mt_batch_copy(struct mt_batch *b, struct mt_slice s) {
    uint8_t *p = mt_batch_alloc(b, s.n);
    if (!p)
        return mt_slice(NULL, 0);
    if (s.n > 0)
        memcpy(p, s.p, s.n);
    return mt_slice(p, s.n);
}

enum mt_err mt_batch_adopt(struct mt_batch *b, void *take_p) {
    struct mt_batch_chunk *c = chunk_new(0);
    if (!c)
        return MT_ENOMEM;
    c->adopted = take_p;
    link_behind(b, c);
    return MT_OK;
}

struct mt_op *mt_batch_add(struct mt_batch *b, enum mt_op_type type) {
    if (b->n == MT_BATCH_OPS_MAX)
        return NULL;
    if (b->n == b->cap) {
        uint32_t cap = b->cap ? b->cap * 2 : OPS_FIRST;
        struct mt_op *ops = realloc(b->ops, cap * sizeof *ops);
        if (!ops)
            return NULL;
        b->ops = ops;
        b->cap = cap;
    }
    struct mt_op *op = &b->ops[b->n++];
    memset(op, 0, sizeof *op);
    op->type = type;
    return op;
}
