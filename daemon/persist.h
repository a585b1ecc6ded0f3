/* persist: makes one batch after another durable on a thread of its own, and prepares the runs that
 * wait for the next on another (daemon layer 2). */
#ifndef MEENT_PERSIST_H
#define MEENT_PERSIST_H

#include "store.h"
#include "store_prepare.h"

#include <uv.h>

/* Called on the loop when the batch is back; the callee owns it again. */
typedef void (*mt_persist_fn)(void *arg, struct mt_batch *take_batch);

struct mt_persist {
    struct mt_store *store;
    mt_persist_fn on_done;
    void *arg;
    bool is_busy; /* a batch is away; the loop's own */
    uv_async_t done;
    uv_thread_t committer, preparer;
    uv_mutex_t lock;                          /* for all below */
    uv_cond_t batch_came, job_came, job_done; /* one waits for each */
    bool stopping;
    struct mt_batch *batch, *finished;       /* to commit; to be given back */
    struct mt_run_job *first_job, **end_job; /* to prepare, one reference each */
    struct mt_prepare *prepare;              /* the preparer's */
};

/* Starts the threads. Borrows loop and store. Errors: MT_ENOMEM (no thread or descriptor left). */
MT_MUST enum mt_err mt_persist_open(struct mt_persist *p, uv_loop_t *loop, struct mt_store *store,
                                    mt_persist_fn on_done, void *arg);

/* Gives a batch away. At most one is away at a time. */
void mt_persist_start(struct mt_persist *p, struct mt_batch *take_batch);

/* Has the run of a job prepared; its batch is given later. Owns: takes the reference. */
void mt_persist_prepare(struct mt_persist *p, struct mt_run_job *take_job);

/* Waits for a batch that is away, which is freed, and ends the threads. The loop has to run once
 * more for the handle. Idempotent. */
void mt_persist_close(struct mt_persist *p);

static inline bool mt_persist_is_busy(const struct mt_persist *p) {
    return p->is_busy;
}

#endif
