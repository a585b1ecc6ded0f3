/* The way of a connection: NEW, (CONNECTING when we call,) OPEN, CLOSING, gone. Closing with flush
 * goes through FLUSHING: we send our end of stream and go on reading, to throw away what comes, until
 * the peer ends too or the time is over. Closing at once with unread bytes would make the kernel send
 * a reset, and a reset may take the last message away from the peer.
 *
 * What can fail: connecting, reading, writing, memory for a write, a peer that does not read. Each
 * ends in mt_conn_close, the only way out. It may be called from any callback and any number of
 * times; the object is freed when its last handle reports that it is closed. libuv answers writes
 * that are still queued before that, so their memory is freed in their callback. */
#include "conn.h"

#include "log.h"

#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

struct write {
    uv_write_t req;
    struct mt_conn *conn;
    uint8_t *p;
};

static void set_state(struct mt_conn *c, enum mt_conn_state to) {
    static const uint8_t legal[] = {
        [MT_CONN_NEW] = 1 << MT_CONN_CONNECTING | 1 << MT_CONN_OPEN | 1 << MT_CONN_CLOSING,
        [MT_CONN_CONNECTING] = 1 << MT_CONN_OPEN | 1 << MT_CONN_CLOSING,
        [MT_CONN_OPEN] = 1 << MT_CONN_FLUSHING | 1 << MT_CONN_CLOSING,
        [MT_CONN_FLUSHING] = 1 << MT_CONN_CLOSING,
        [MT_CONN_CLOSING] = 0,
    };
    assert(legal[c->state] & 1 << to);
    mt_log(MT_LOG_DEBUG, "conn_state", "conn=%llx from=%d to=%d", (unsigned long long)c->id,
           (int)c->state, (int)to);
    c->state = to;
}

enum mt_err mt_conn_new(struct mt_conn_pool *pool, const struct mt_conn_ops *ops, void *arg,
                        struct mt_conn **out) {
    struct mt_conn *c = calloc(1, sizeof *c);
    *out = c;
    if (!c)
        return MT_ENOMEM;
    c->pool = pool;
    c->ops = ops;
    c->arg = arg;
    uv_tcp_init(pool->loop, &c->tcp); /* without flags they cannot fail */
    uv_timer_init(pool->loop, &c->timer);
    c->tcp.data = c->timer.data = c;
    c->open_handles = 2;
    c->older = pool->newest;
    c->link = &pool->newest;
    if (c->older)
        c->older->link = &c->older;
    pool->newest = c;
    pool->open++;
    pool->sockets++;
    return MT_OK;
}

static void opened(struct mt_conn *c) {
    /* Advice to the kernel: a connection works without it. */
    (void)uv_tcp_nodelay(&c->tcp, 1);
    (void)uv_tcp_keepalive(&c->tcp, 1, 60);
    set_state(c, MT_CONN_OPEN);
}

enum mt_err mt_conn_accept(struct mt_conn *c, int take_fd) {
    if (uv_tcp_open(&c->tcp, take_fd) != 0) {
        close(take_fd);
        return MT_EIO;
    }
    c->accepted = true;
    opened(c);
    return MT_OK;
}

static void on_connect(uv_connect_t *req, int status) {
    struct mt_conn *c = req->data;
    if (c->state >= MT_CONN_FLUSHING)
        return;
    if (status != 0) {
        mt_conn_close(c, status == UV_ECONNREFUSED ? MT_EREFUSED : MT_EUNREACHABLE, false);
        return;
    }
    opened(c);
    c->ops->on_open(c->arg, c);
}

enum mt_err mt_conn_connect(struct mt_conn *c, const struct sockaddr *to) {
    c->connecting.data = c;
    if (uv_tcp_connect(&c->connecting, &c->tcp, to, on_connect) != 0)
        return MT_EUNREACHABLE;
    set_state(c, MT_CONN_CONNECTING);
    return MT_OK;
}

void mt_conn_give(struct mt_conn *c, const struct mt_conn_ops *ops, void *arg) {
    c->ops = ops;
    c->arg = arg;
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
    (void)suggested;
    struct mt_conn *c = handle->data;
    *buf = uv_buf_init((char *)c->pool->buffer, sizeof c->pool->buffer);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
    struct mt_conn *c = stream->data;
    if (c->state == MT_CONN_CLOSING)
        return;
    if (n < 0)
        mt_conn_close(c, n == UV_EOF ? MT_OK : MT_EUNREACHABLE, false);
    else if (n > 0 && c->state == MT_CONN_OPEN)
        c->ops->on_bytes(c->arg, c, mt_slice(buf->base, (size_t)n));
}

void mt_conn_start(struct mt_conn *c) {
    if (c->state == MT_CONN_OPEN && uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read) != 0)
        mt_conn_close(c, MT_EUNREACHABLE, false);
}

static void on_written(uv_write_t *req, int status) {
    struct write *w = req->data;
    struct mt_conn *c = w->conn;
    free(w->p);
    free(w);
    if (status != 0 && c->state != MT_CONN_CLOSING)
        mt_conn_close(c, MT_EUNREACHABLE, false);
}

/* Those who do not read must not fill the memory together either: who is furthest behind goes. */
static void limit_queues(struct mt_conn_pool *pool) {
    struct mt_conn *worst = NULL;
    size_t all = 0, most = 0;
    for (struct mt_conn *c = pool->newest; c; c = c->older) {
        size_t n = c->state == MT_CONN_CLOSING
                       ? 0
                       : uv_stream_get_write_queue_size((uv_stream_t *)&c->tcp);
        all += n;
        if (n > most) {
            most = n;
            worst = c;
        }
    }
    if (all > MT_CONN_QUEUES_MAX)
        mt_conn_close(worst, MT_ETIMEOUT, false);
}

void mt_conn_send(struct mt_conn *c, uint8_t *take_p, size_t n) {
    if (c->state != MT_CONN_OPEN || n == 0) {
        free(take_p);
        return;
    }
    bool full = n > MT_CONN_QUEUE_MAX ||
                uv_stream_get_write_queue_size((uv_stream_t *)&c->tcp) > MT_CONN_QUEUE_MAX - n;
    struct write *w = full ? NULL : malloc(sizeof *w);
    if (!w) {
        free(take_p);
        mt_conn_close(c, full ? MT_ETIMEOUT : MT_ENOMEM, false);
        return;
    }
    *w = (struct write){.conn = c, .p = take_p};
    w->req.data = w;
    c->sends++;
    uv_buf_t buf = uv_buf_init((char *)take_p, (unsigned)n);
    if (uv_write(&w->req, (uv_stream_t *)&c->tcp, &buf, 1, on_written) != 0) {
        free(take_p);
        free(w);
        mt_conn_close(c, MT_EUNREACHABLE, false);
    } else if (uv_stream_get_write_queue_size((uv_stream_t *)&c->tcp) > 0) {
        limit_queues(c->pool);
    }
}

static void on_handle_closed(uv_handle_t *handle) {
    struct mt_conn *c = handle->data;
    if (--c->open_handles > 0)
        return;
    struct mt_conn_pool *pool = c->pool;
    if (c->ops)
        c->ops->on_closed(c->arg, c, c->reason);
    *c->link = c->older;
    if (c->older)
        c->older->link = c->link;
    free(c);
    pool->open--;
    if (pool->on_room)
        pool->on_room(pool->room_arg);
}

static void close_handles(struct mt_conn *c) {
    c->pool->flushing -= c->state == MT_CONN_FLUSHING;
    c->pool->sockets--; /* libuv closes it at once */
    set_state(c, MT_CONN_CLOSING);
    uv_close((uv_handle_t *)&c->tcp, on_handle_closed);
    uv_close((uv_handle_t *)&c->timer, on_handle_closed);
}

static void on_flush_timeout(uv_timer_t *timer) {
    struct mt_conn *c = timer->data;
    if (c->state == MT_CONN_FLUSHING)
        close_handles(c);
}

static void on_shutdown(uv_shutdown_t *req, int status) {
    struct mt_conn *c = req->data;
    if (c->state == MT_CONN_FLUSHING && status != 0)
        close_handles(c);
}

/* Whoever is refused may take its time to hear it, but not at everybody's cost. */
static void limit_flushing(struct mt_conn_pool *pool) {
    struct mt_conn *oldest = NULL;
    for (struct mt_conn *c = pool->newest; c; c = c->older)
        if (c->state == MT_CONN_FLUSHING && (!oldest || c->flush_ms <= oldest->flush_ms))
            oldest = c;
    if (pool->flushing > MT_CONN_FLUSHING_MAX && oldest)
        close_handles(oldest);
}

static bool begin_flush(struct mt_conn *c) {
    c->shutdown.data = c;
    if (uv_shutdown(&c->shutdown, (uv_stream_t *)&c->tcp, on_shutdown) != 0)
        return false;
    set_state(c, MT_CONN_FLUSHING);
    c->flush_ms = uv_now(c->pool->loop);
    c->pool->flushing++;
    uv_timer_start(&c->timer, on_flush_timeout, MT_CONN_FLUSH_MS, 0);
    int err = uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read);
    if (err != 0 && err != UV_EALREADY)
        close_handles(c);
    else
        limit_flushing(c->pool);
    return true;
}

struct mt_conn *mt_conn_spare(const struct mt_conn_pool *pool) {
    struct mt_conn *out = NULL;
    unsigned least = 3;
    for (struct mt_conn *c = pool->newest; c; c = c->older) {
        if (!c->accepted || c->state == MT_CONN_CLOSING)
            continue;
        /* One thing is the second message of a handshake; members are told more at once. */
        unsigned far = c->state == MT_CONN_FLUSHING ? 1 : c->sends == 0 ? 0 : c->sends + 1;
        if (far > least || far == 3)
            continue;
        least = far;
        out = c;
    }
    return out;
}

void mt_conn_close(struct mt_conn *c, enum mt_err reason, bool flush) {
    if (c->state == MT_CONN_CLOSING)
        return;
    if (c->state == MT_CONN_FLUSHING) {
        if (!flush)
            close_handles(c);
        return;
    }
    c->reason = reason;
    /* Who was never told anything has nothing to wait for. */
    if (flush && c->state == MT_CONN_OPEN && c->sends && begin_flush(c))
        return;
    close_handles(c);
}
