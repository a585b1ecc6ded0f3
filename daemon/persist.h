/* persist: makes one batch after another durable on a worker thread (daemon layer 2). */
#ifndef MEENT_PERSIST_H
#define MEENT_PERSIST_H

#include "store.h"

#include <uv.h>

/* Called on the loop when the batch is back; the callee owns it again. */
typedef void (*mt_persist_fn)(void *arg, struct mt_batch *take_batch);

struct mt_persist {
    uv_loop_t *loop;
    struct mt_store *store;
    mt_persist_fn on_done;
    void *arg;
    uv_work_t work;
    struct mt_batch *batch; /* away; NULL: idle */
};

void mt_persist_init(struct mt_persist *p, uv_loop_t *loop, struct mt_store *store,
                     mt_persist_fn on_done, void *arg);

/* Gives a batch away. At most one is away at a time. */
void mt_persist_start(struct mt_persist *p, struct mt_batch *take_batch);

static inline bool mt_persist_is_busy(const struct mt_persist *p) {
    return p->batch != NULL;
}

#endif
