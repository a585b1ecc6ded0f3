#include "persist.h"

#include <assert.h>

void mt_persist_init(struct mt_persist *p, uv_loop_t *loop, struct mt_store *store,
                     mt_persist_fn on_done, void *arg) {
    *p = (struct mt_persist){.loop = loop, .store = store, .on_done = on_done, .arg = arg};
    p->work.data = p;
}

/* On a worker thread: touches nothing but the store and the batch. */
static void work(uv_work_t *req) {
    struct mt_persist *p = req->data;
    mt_apply(p->store, p->batch);
}

static void worked(uv_work_t *req, int status) {
    struct mt_persist *p = req->data;
    struct mt_batch *batch = p->batch;
    p->batch = NULL;
    if (status != 0) /* never cancelled by us; then nothing was applied */
        batch->err = MT_EIO;
    p->on_done(p->arg, batch);
}

void mt_persist_start(struct mt_persist *p, struct mt_batch *take_batch) {
    assert(!p->batch);
    p->batch = take_batch;
    int failed = uv_queue_work(p->loop, &p->work, work, worked);
    assert(failed == 0); /* only for a missing function */
    (void)failed;
}
