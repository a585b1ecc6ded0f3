/* A dial resolves its name (on libuv's threads; numbers need none), then tries one address after
 * another until one connects. One timer bounds the whole; each address gets an equal share of what
 * is left, so that a dead first address does not use up the time of the next.
 *
 * A dial is over when it has connected, failed or been given up. Its memory stays until the timer is
 * closed, the resolver has answered and the last attempt is gone: `holds` counts those three. */
#include "dialer.h"

#include "config.h"

#include <netdb.h>
#include <stdlib.h>
#include <string.h>

struct mt_dial {
    struct mt_dialer *dialer;
    struct mt_dial *next, **link; /* in the dialer's list until it is over */
    uint64_t id;
    bool over, resolving;
    unsigned holds;
    enum mt_err err; /* of the last attempt */
    uint64_t deadline;
    uv_timer_t timer;
    uv_getaddrinfo_t resolve;
    struct addrinfo *found, *untried;
    unsigned n_untried;
    bool libuv_found;     /* which library frees `found` */
    struct mt_conn *conn; /* the attempt */
};

void mt_dialer_init(struct mt_dialer *d, struct mt_conn_pool *pool, const struct mt_dialer_ops *ops,
                    void *arg) {
    *d = (struct mt_dialer){.pool = pool, .ops = ops, .arg = arg};
}

static void release(struct mt_dial *dial) {
    if (--dial->holds > 0)
        return;
    if (dial->libuv_found)
        uv_freeaddrinfo(dial->found);
    else if (dial->found)
        freeaddrinfo(dial->found);
    free(dial);
}

static void on_timer_closed(uv_handle_t *handle) {
    release(handle->data);
}

/* Ends it: out of the list, timer and resolver on their way out. */
static void end_dial(struct mt_dial *dial) {
    dial->over = true;
    *dial->link = dial->next;
    if (dial->next)
        dial->next->link = dial->link;
    if (dial->resolving)
        (void)uv_cancel((uv_req_t *)&dial->resolve); /* busy: then it answers when it is done */
    if (dial->conn)
        mt_conn_close(dial->conn, MT_EUNREACHABLE, false);
    uv_close((uv_handle_t *)&dial->timer, on_timer_closed);
}

static void fail(struct mt_dial *dial, enum mt_err err) {
    struct mt_dialer *d = dial->dialer;
    uint64_t id = dial->id;
    end_dial(dial);
    d->ops->on_failed(d->arg, id, err);
}

static void on_open(void *arg, struct mt_conn *c) {
    struct mt_dial *dial = arg;
    struct mt_dialer *d = dial->dialer;
    uint64_t id = dial->id;
    dial->conn = NULL;
    mt_conn_give(c, NULL, NULL);
    end_dial(dial);
    release(dial);
    d->ops->on_connected(d->arg, id, c);
}

static void try_next(struct mt_dial *dial);

static void on_closed(void *arg, struct mt_conn *c, enum mt_err err) {
    struct mt_dial *dial = arg;
    (void)c;
    dial->conn = NULL;
    dial->err = err;
    if (!dial->over)
        try_next(dial);
    release(dial);
}

static void on_timer(uv_timer_t *timer) {
    struct mt_dial *dial = timer->data;
    if (dial->over)
        return;
    if (dial->conn && dial->untried) /* its share of the time is over; on_closed tries the next */
        mt_conn_close(dial->conn, MT_ENOANSWER, false);
    else
        fail(dial, dial->resolving ? MT_ENOTFOUND : MT_ENOANSWER);
}

static const struct mt_conn_ops attempt_ops = {.on_open = on_open, .on_closed = on_closed};

static void try_next(struct mt_dial *dial) {
    uv_loop_t *loop = dial->dialer->pool->loop;
    uint64_t now = uv_now(loop);
    if (!dial->untried || now >= dial->deadline) {
        fail(dial, dial->untried ? MT_ENOANSWER : dial->err);
        return;
    }
    uv_timer_start(&dial->timer, on_timer, (dial->deadline - now) / dial->n_untried, 0);
    struct addrinfo *ai = dial->untried;
    dial->untried = --dial->n_untried > 0 ? ai->ai_next : NULL;
    enum mt_err err = mt_conn_new(dial->dialer->pool, &attempt_ops, dial, &dial->conn);
    if (err != MT_OK) {
        fail(dial, err);
        return;
    }
    dial->holds++;
    if (mt_conn_connect(dial->conn, ai->ai_addr) != MT_OK)
        mt_conn_close(dial->conn, MT_EUNREACHABLE, false); /* on_closed tries the next */
}

static void take_addresses(struct mt_dial *dial, struct addrinfo *list) {
    dial->found = dial->untried = list;
    for (const struct addrinfo *ai = list; ai && dial->n_untried < MT_DIAL_ADDRESSES_MAX;
         ai = ai->ai_next)
        dial->n_untried++;
}

static void on_resolved(uv_getaddrinfo_t *req, int status, struct addrinfo *list) {
    struct mt_dial *dial = req->data;
    dial->resolving = false;
    dial->libuv_found = true;
    dial->found = list;
    if (!dial->over && status == 0) {
        take_addresses(dial, list);
        try_next(dial);
    } else if (!dial->over) {
        fail(dial, MT_ENOTFOUND);
    }
    release(dial);
}

static bool begin(struct mt_dial *dial, const struct mt_hostport *hp) {
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo *list;
    if (getaddrinfo(hp->host, hp->port, &hints, &list) == 0) {
        take_addresses(dial, list);
        /* Even a number that fails at once answers on a later turn. */
        uv_timer_start(&dial->timer, on_timer, MT_DIAL_MS, 0);
        try_next(dial);
        return true;
    }
    hints.ai_flags = AI_NUMERICSERV | AI_ADDRCONFIG;
    dial->resolve.data = dial;
    if (uv_getaddrinfo(dial->dialer->pool->loop, &dial->resolve, on_resolved, hp->host, hp->port,
                       &hints) != 0)
        return false;
    dial->resolving = true;
    dial->holds++;
    uv_timer_start(&dial->timer, on_timer, MT_DIAL_MS, 0);
    return true;
}

enum mt_err mt_dialer_dial(struct mt_dialer *d, uint64_t id, const char *address) {
    struct mt_hostport hp;
    if (mt_config_hostport(address, false, &hp) != MT_OK)
        return MT_EUNREACHABLE;
    struct mt_dial *dial = calloc(1, sizeof *dial);
    if (!dial)
        return MT_ENOMEM;
    uv_timer_init(d->pool->loop, &dial->timer);
    dial->timer.data = dial;
    dial->dialer = d;
    dial->id = id;
    dial->holds = 1;
    dial->err = MT_EUNREACHABLE;
    uv_update_time(d->pool->loop);
    dial->deadline = uv_now(d->pool->loop) + MT_DIAL_MS;
    dial->next = d->dials;
    dial->link = &d->dials;
    if (dial->next)
        dial->next->link = &dial->next;
    d->dials = dial;
    if (begin(dial, &hp))
        return MT_OK;
    end_dial(dial);
    return MT_ENOMEM;
}

bool mt_dialer_cancel(struct mt_dialer *d, uint64_t id, enum mt_err err) {
    struct mt_dial *dial = d->dials;
    while (dial && dial->id != id)
        dial = dial->next;
    if (dial)
        fail(dial, err);
    return dial != NULL;
}

void mt_dialer_close(struct mt_dialer *d) {
    while (d->dials)
        end_dial(d->dials);
}
