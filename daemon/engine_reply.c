#include "engine_reply.h"

#include <stdlib.h>

/* In `asked`, then in `answered`. */
struct mt_request {
    struct mt_request *next;
    uint64_t id;
    mt_reply_fn fn;
    void *arg;
    enum mt_err err;
    struct mt_reply reply;
};

void mt_requests_init(struct mt_requests *q) {
    *q = (struct mt_requests){.last = 0};
    q->answered_end = &q->answered;
}

enum mt_err mt_requests_add(struct mt_requests *q, mt_reply_fn fn, void *arg, uint64_t *id) {
    struct mt_request *r = calloc(1, sizeof *r);
    if (!r)
        return MT_ENOMEM;
    r->id = *id = ++q->last;
    r->fn = fn;
    r->arg = arg;
    r->next = q->asked;
    q->asked = r;
    return MT_OK;
}

void mt_requests_keep(struct mt_requests *q, uint64_t id, enum mt_err err,
                      const struct mt_reply *reply) {
    struct mt_request **at = &q->asked;
    while (*at && (*at)->id != id)
        at = &(*at)->next;
    struct mt_request *r = *at;
    if (!r)
        return;
    *at = r->next;
    r->next = NULL;
    r->err = err;
    r->reply = *reply;
    *q->answered_end = r;
    q->answered_end = &r->next;
}

/* The list is taken off first: a callback may give a command, and its answer belongs to a later
 * turn. */
void mt_requests_answer(struct mt_requests *q) {
    struct mt_request *r = q->answered;
    q->answered = NULL;
    q->answered_end = &q->answered;
    while (r) {
        struct mt_request *next = r->next;
        r->fn(r->arg, r->err, &r->reply);
        free(r);
        r = next;
    }
}

void mt_requests_fail(struct mt_requests *q, enum mt_err err) {
    static const struct mt_reply none;
    while (q->asked)
        mt_requests_keep(q, q->asked->id, err, &none);
    mt_requests_answer(q);
}

void mt_requests_close(struct mt_requests *q) {
    static const struct mt_reply none;
    while (q->asked)
        mt_requests_keep(q, q->asked->id, MT_ESTATE, &none);
    while (q->answered) {
        struct mt_request *r = q->answered;
        q->answered = r->next;
        free(r);
    }
}
