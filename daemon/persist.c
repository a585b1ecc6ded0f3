/* Two threads of our own instead of libuv's pool: a commit always finds its memory where the last
 * one left it, and the two never wait behind a name being looked up.
 *
 * Happy path: a batch is given, the committer applies it, the loop hears of it by `done`. Runs that
 * came meanwhile wait for the next batch, and the preparer works through them in the order in which
 * they came. With nothing to do the committer tidies up the store. It waits for the run it is at when that one is still being prepared. */
#include "persist.h"

#include <assert.h>
#include <malloc.h>

/* How long nothing comes before there is time to tidy up. */
#define IDLE_NS  UINT64_C(300000000)
#define AGAIN_NS UINT64_C(2000000000)

/* Before the committer looks at a job: waits until the preparer is done with it. */
static void settle_job(void *arg, struct mt_run_job *job) {
    struct mt_persist *p = arg;
    uv_mutex_lock(&p->lock);
    while (job->is_queued)
        uv_cond_wait(&p->job_done, &p->lock);
    uv_mutex_unlock(&p->lock);
}

/* Tidies up until nothing is left or a batch comes. False when it failed. */
static bool tidy(struct mt_persist *p) {
    enum mt_err err = MT_OK;
    for (bool more = true; more && !err && !p->batch && !p->stopping;) {
        uv_mutex_unlock(&p->lock);
        err = mt_store_tidy(p->store, &more);
#ifdef __GLIBC__
        if (!more)
            (void)malloc_trim(0);
#endif
        uv_mutex_lock(&p->lock);
    }
    return err == MT_OK;
}

/* Ends with a batch, or without one when it is time to stop. What could not be tidied up is tried
 * again, since a store that was let go of and not opened anew answers nobody. */
static void wait_for_batch(struct mt_persist *p) {
    uint64_t pause = IDLE_NS;
    bool untidy = true;
    while (!p->batch && !p->stopping) {
        if (!untidy) {
            uv_cond_wait(&p->batch_came, &p->lock);
        } else if (uv_cond_timedwait(&p->batch_came, &p->lock, pause) == UV_ETIMEDOUT) {
            untidy = !tidy(p);
            pause = AGAIN_NS;
        }
    }
}

/* Touches nothing but the store and the batch. */
static void commit(void *arg) {
    struct mt_persist *p = arg;
    uv_mutex_lock(&p->lock);
    for (;;) {
        wait_for_batch(p);
        struct mt_batch *batch = p->batch;
        if (!batch)
            break;
        uv_mutex_unlock(&p->lock);
        batch->settle_job = settle_job;
        batch->settle_arg = p;
        mt_apply(p->store, batch);
        uv_mutex_lock(&p->lock);
        p->batch = NULL;
        p->finished = batch;
        uv_mutex_unlock(&p->lock);
        (void)uv_async_send(&p->done);
        uv_mutex_lock(&p->lock);
    }
    uv_mutex_unlock(&p->lock);
}

static struct mt_run_job *take_job(struct mt_persist *p) {
    struct mt_run_job *job = p->first_job;
    p->first_job = job->next;
    if (!p->first_job)
        p->end_job = &p->first_job;
    job->next = NULL;
    return job;
}

static void prepare(void *arg) {
    struct mt_persist *p = arg;
    uv_mutex_lock(&p->lock);
    for (;;) {
        while (!p->first_job && !p->stopping)
            uv_cond_wait(&p->job_came, &p->lock);
        if (!p->first_job)
            break;
        struct mt_run_job *job = take_job(p);
        bool wanted = !p->stopping;
        uv_mutex_unlock(&p->lock);
        if (wanted)
            mt_prepare_run(p->prepare, job);
        uv_mutex_lock(&p->lock);
        job->is_queued = false;
        uv_cond_signal(&p->job_done);
        mt_run_job_unref(job);
    }
    uv_mutex_unlock(&p->lock);
}

static void on_done(uv_async_t *handle) {
    struct mt_persist *p = handle->data;
    uv_mutex_lock(&p->lock);
    struct mt_batch *batch = p->finished;
    p->finished = NULL;
    uv_mutex_unlock(&p->lock);
    if (!batch)
        return; /* wakes may come together */
    p->is_busy = false;
    p->on_done(p->arg, batch);
}

static void stop(struct mt_persist *p) {
    uv_mutex_lock(&p->lock);
    p->stopping = true;
    uv_cond_signal(&p->batch_came);
    uv_cond_signal(&p->job_came);
    uv_mutex_unlock(&p->lock);
}

enum mt_err mt_persist_open(struct mt_persist *p, uv_loop_t *loop, struct mt_store *store,
                            mt_persist_fn fn, void *arg) {
    *p = (struct mt_persist){.store = store, .on_done = fn, .arg = arg};
    p->end_job = &p->first_job;
    if (uv_mutex_init(&p->lock))
        return MT_ENOMEM;
    if (uv_cond_init(&p->batch_came))
        goto err_after_lock;
    if (uv_cond_init(&p->job_came))
        goto err_after_batch_came;
    if (uv_cond_init(&p->job_done))
        goto err_after_job_came;
    if (mt_prepare_new(&p->prepare, store) != MT_OK)
        goto err_after_job_done;
    if (uv_thread_create(&p->committer, commit, p))
        goto err_after_prepare;
    if (uv_thread_create(&p->preparer, prepare, p))
        goto err_after_committer;
    if (uv_async_init(loop, &p->done, on_done))
        goto err_after_preparer;
    p->done.data = p;
    return MT_OK;

err_after_preparer:
    stop(p);
    uv_thread_join(&p->preparer);
err_after_committer:
    stop(p);
    uv_thread_join(&p->committer);
err_after_prepare:
    mt_prepare_free(p->prepare);
err_after_job_done:
    uv_cond_destroy(&p->job_done);
err_after_job_came:
    uv_cond_destroy(&p->job_came);
err_after_batch_came:
    uv_cond_destroy(&p->batch_came);
err_after_lock:
    uv_mutex_destroy(&p->lock);
    p->stopping = true;
    return MT_ENOMEM;
}

void mt_persist_start(struct mt_persist *p, struct mt_batch *take_batch) {
    assert(!p->is_busy);
    p->is_busy = true;
    uv_mutex_lock(&p->lock);
    p->batch = take_batch;
    uv_mutex_unlock(&p->lock);
    uv_cond_signal(&p->batch_came); /* after the lock, or who wakes has to wait for it */
}

void mt_persist_prepare(struct mt_persist *p, struct mt_run_job *take_job) {
    uv_mutex_lock(&p->lock);
    take_job->is_queued = true;
    *p->end_job = take_job;
    p->end_job = &take_job->next;
    uv_mutex_unlock(&p->lock);
    uv_cond_signal(&p->job_came);
}

void mt_persist_close(struct mt_persist *p) {
    if (p->stopping)
        return;
    stop(p);
    uv_thread_join(&p->committer);
    uv_thread_join(&p->preparer);
    mt_prepare_free(p->prepare);
    mt_batch_free(p->finished);
    uv_cond_destroy(&p->job_done);
    uv_cond_destroy(&p->job_came);
    uv_cond_destroy(&p->batch_came);
    uv_mutex_destroy(&p->lock);
    uv_close((uv_handle_t *)&p->done, NULL);
}
