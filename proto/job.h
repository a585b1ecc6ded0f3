/* job: a peer's run on its way into a batch (layer 3). */
#ifndef MEENT_JOB_H
#define MEENT_JOB_H

#include "epoch.h"
#include "feed.h"

/* A chain as the store needs to know it. */
struct mt_chain_info {
    uint32_t no; /* local number, given by the node, never reused */
    struct mt_id id;
    struct mt_id org;   /* organisation of the writer: owner of its records */
    struct mt_id feed;  /* the writer's feed key, which signs heads */
    struct mt_id other; /* pair chains: the organisation that is not us (us: channel with itself);
                           zeros for a region chain */
};

/* Batch and preparing worker share a run, each with a reference.
 *
 * Checking a run and opening its boxes needs no transaction. A run that has to wait for the batch
 * before its own may be prepared meanwhile by a worker of its own (MT_FX_PREPARE); whoever applies
 * the batch uses what was found when it still fits and does all of it itself when not. So preparing
 * only ever saves time. */
struct mt_run_job {
    _Atomic uint32_t refs;
    struct mt_id region;
    struct mt_chain_info chain;
    struct mt_id own_org;
    struct mt_slice message;      /* the whole MT_MSG_RUN message; owned */
    struct mt_head head;          /* the durable end of the chain when the run came */
    struct mt_keyring *keys;      /* one reference; what could be opened then */
    struct mt_prepared *prepared; /* the store's own; NULL: nothing was found out */
    void (*prepared_free)(struct mt_prepared *); /* set with it */
    struct mt_run_job *next;                     /* these two are the workers' own */
    bool is_queued;
};

/* Makes a job of one reference. Owns: takes `take_message` unless it fails. Errors: MT_ENOMEM. */
MT_MUST enum mt_err mt_run_job_new(struct mt_run_job **out, uint8_t *take_message, size_t len);
struct mt_run_job *mt_run_job_ref(struct mt_run_job *job);
void mt_run_job_unref(struct mt_run_job *job); /* NULL is fine */

#endif
