/* engine_reply: commands that were given and what the node answered (part of engine). */
#ifndef MEENT_ENGINE_REPLY_H
#define MEENT_ENGINE_REPLY_H

#include "engine.h"

struct mt_request;

struct mt_requests {
    uint64_t last; /* number of the latest */
    struct mt_request *asked, *answered, **answered_end;
};

void mt_requests_init(struct mt_requests *q);

/* Notes a command. Out: `*id` for it. Errors: MT_ENOMEM. */
MT_MUST enum mt_err mt_requests_add(struct mt_requests *q, mt_reply_fn fn, void *arg, uint64_t *id);

/* Keeps the answer to `id` until mt_requests_answer. Nothing when nobody asked. */
void mt_requests_keep(struct mt_requests *q, uint64_t id, enum mt_err err,
                      const struct mt_reply *reply);

/* Calls back for all that are answered, in the order of the answers. */
void mt_requests_answer(struct mt_requests *q);

/* Answers all that are left with `err`. */
void mt_requests_fail(struct mt_requests *q, enum mt_err err);

/* Forgets all without calls. */
void mt_requests_close(struct mt_requests *q);

#endif
