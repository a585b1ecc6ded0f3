#include "job.h"

#include <stdlib.h>

enum mt_err mt_run_job_new(struct mt_run_job **out, uint8_t *take_message, size_t len) {
    struct mt_run_job *job = calloc(1, sizeof *job);
    *out = job;
    if (!job)
        return MT_ENOMEM;
    job->refs = 1;
    job->message = mt_slice(take_message, len);
    return MT_OK;
}

struct mt_run_job *mt_run_job_ref(struct mt_run_job *job) {
    job->refs++;
    return job;
}

void mt_run_job_unref(struct mt_run_job *job) {
    if (!job || --job->refs > 0)
        return;
    if (job->prepared)
        job->prepared_free(job->prepared);
    mt_keyring_unref(job->keys);
    free((void *)(uintptr_t)job->message.p);
    free(job);
}
