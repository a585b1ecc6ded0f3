/* A client's bytes gather in `in`; each whole message becomes a call. While a client has many calls
 * open or does not read its answers, it is not read either, so it can make us hold no more than that.
 *
 * A client may end its half of the stream and still gets its answers. One that leaves early takes
 * nothing with it: its calls go on and their answers are dropped. Bytes that are no message end it,
 * with an error first. A client beyond the limit pushes out the one that has been silent longest
 * among those of the account with the most clients, so that nobody can lock the others out. */
#include "ctl_server_internal.h"

#include "clock.h"
#include "log.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/socket.h>

enum { READ_MIN = 4096, IN_MAX = MT_MESSAGE_MAX + READ_MIN, KEEP_MAX = 64 * 1024, HEAD_MAX = 16 };

struct output {
    uv_write_t req;
    struct mt_ctl_client *client;
    uint8_t bytes[];
};

/* ---- output ---- */

static void on_written(uv_write_t *req, int status) {
    struct output *o = req->data;
    struct mt_ctl_client *c = o->client;
    free(o);
    if (status != 0 && c->state == MT_CTL_OPEN)
        mt_ctl_client_close(c);
    else if (c->state == MT_CTL_OPEN)
        mt_ctl_client_update(c);
}

static struct output *new_output(struct mt_ctl_client *c, size_t cap, struct mt_writer *w) {
    struct output *o = malloc(sizeof *o + cap);
    if (!o)
        return NULL;
    o->client = c;
    o->req.data = o;
    *w = mt_writer(o->bytes, cap);
    return o;
}

static void put_output(struct mt_ctl_client *c, struct output *take_o, size_t n) {
    uv_buf_t buf = uv_buf_init((char *)take_o->bytes, (unsigned)n);
    if (c->state == MT_CTL_OPEN &&
        uv_write(&take_o->req, (uv_stream_t *)&c->pipe, &buf, 1, on_written) == 0)
        return;
    free(take_o);
    mt_ctl_client_close(c);
}

static void put_error(struct mt_ctl_client *c, uint32_t id, const char *code, const char *message) {
    struct mt_writer w;
    struct output *o = new_output(c, 8 * 1024, &w); /* the text is cut at half of that */
    if (!o) {
        mt_ctl_client_close(c);
        return;
    }
    mt_ctl_error_put(&w, id, code, message);
    put_output(c, o, w.n);
}

/* ---- calls ---- */

static void end_call(struct mt_ctl_call *call) {
    struct mt_ctl_client *c = call->client;
    *call->link = call->next;
    if (call->next)
        call->next->link = call->link;
    free(call);
    if (!c)
        return;
    c->n_calls--;
    if (c->state == MT_CTL_OPEN)
        mt_ctl_client_update(c);
}

void mt_ctl_call_error(struct mt_ctl_call *call, const char *code, const char *message) {
    if (call->client && call->client->state == MT_CTL_OPEN)
        put_error(call->client, call->id, code, message);
    end_call(call);
}

void mt_ctl_call_result(struct mt_ctl_call *call, struct mt_slice result) {
    struct mt_ctl_client *c = call->client;
    if (!c || c->state != MT_CTL_OPEN) {
        end_call(call);
        return;
    }
    if (result.n > MT_MESSAGE_MAX - HEAD_MAX) {
        mt_ctl_call_error(call, mt_err_code(MT_ETOOLONG), "the answer does not fit one message");
        return;
    }
    struct mt_writer w;
    struct output *o = new_output(c, result.n + HEAD_MAX, &w);
    if (!o) {
        mt_ctl_client_close(c);
    } else {
        mt_ctl_result_begin(&w, call->id);
        mt_wire_put_raw(&w, result);
        put_output(c, o, w.n);
    }
    end_call(call);
}

/* False when the client must end. */
static bool begin_call(struct mt_ctl_client *c, const struct mt_ctl *m) {
    struct mt_ctl_server *s = c->server;
    if (m->type != MT_CTL_REQUEST) {
        put_error(c, 0, mt_err_code(MT_EINVALID), "only requests are expected here");
        return false;
    }
    struct mt_ctl_call *call = calloc(1, sizeof *call + m->method.n + m->params.n);
    if (!call) {
        put_error(c, m->id, mt_err_code(MT_ENOMEM), mt_err_text(MT_ENOMEM));
        return true;
    }
    memcpy(call->bytes, m->method.p, m->method.n);
    memcpy(call->bytes + m->method.n, m->params.p, m->params.n);
    call->method = mt_slice(call->bytes, m->method.n);
    call->params = mt_slice(call->bytes + m->method.n, m->params.n);
    call->context = s->config.context;
    call->id = m->id;
    call->access = c->access;
    call->uid = c->who.uid;
    call->gid = c->who.gid;
    call->pid = c->who.pid;
    call->server = s;
    call->client = c;
    call->next = s->calls;
    call->link = &s->calls;
    if (call->next)
        call->next->link = &call->next;
    s->calls = call;
    c->n_calls++;
    s->config.dispatch(call);
    return true;
}

/* ---- input ---- */

static bool is_held_up(const struct mt_ctl_client *c) {
    return c->server->stopped || c->n_calls >= MT_CTL_CALLS_MAX ||
           uv_stream_get_write_queue_size((const uv_stream_t *)&c->pipe) > MT_CTL_OUTPUT_MAX;
}

/* Takes one message off. False: wait for more, or it has ended. */
static bool take_message(struct mt_ctl_client *c, size_t *at) {
    struct mt_ctl m;
    size_t used;
    enum mt_err err = mt_ctl_get(mt_slice(c->in + *at, c->n - *at), &m, &used);
    if (err == MT_EAGAIN) {
        c->scanned += c->n - *at;
        if (c->scanned <= MT_CTL_SCAN_MAX)
            return false;
        err = MT_ETIMEOUT;
    }
    if (err != MT_OK) {
        put_error(c, 0, mt_err_code(MT_EINVALID), mt_err_text(err));
        mt_ctl_client_close(c);
        return false;
    }
    *at += used;
    c->scanned = 0;
    if (!begin_call(c, &m))
        mt_ctl_client_close(c);
    return c->state == MT_CTL_OPEN;
}

static void take_messages(struct mt_ctl_client *c) {
    size_t at = 0;
    c->processing = true; /* a call that is answered at once must not come back here */
    while (c->state == MT_CTL_OPEN && !is_held_up(c) && at < c->n && take_message(c, &at))
        ;
    c->processing = false;
    c->n -= at;
    if (at > 0 && c->n > 0)
        memmove(c->in, c->in + at, c->n);
    if (c->n == 0 && c->cap > KEEP_MAX) {
        free(c->in);
        c->in = NULL;
        c->cap = 0;
    }
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
    (void)suggested;
    struct mt_ctl_client *c = handle->data;
    if (c->cap - c->n < READ_MIN && c->cap < IN_MAX) {
        size_t cap = c->cap < READ_MIN ? 2 * READ_MIN : 2 * c->cap;
        cap = cap < IN_MAX ? cap : IN_MAX;
        uint8_t *in = realloc(c->in, cap);
        if (in) {
            c->in = in;
            c->cap = cap;
        }
    }
    *buf = uv_buf_init(c->in ? (char *)c->in + c->n : NULL, (unsigned)(c->cap - c->n));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
    (void)buf;
    struct mt_ctl_client *c = stream->data;
    if (c->state != MT_CTL_OPEN)
        return;
    if (n < 0 && n != UV_EOF) {
        mt_ctl_client_close(c);
        return;
    }
    if (n > 0) {
        c->n += (size_t)n;
        c->active_ms = mt_clock_mono_ms();
    }
    c->ended = n == UV_EOF;
    mt_ctl_client_update(c);
}

void mt_ctl_client_update(struct mt_ctl_client *c) {
    if (c->processing)
        return;
    take_messages(c);
    if (c->state != MT_CTL_OPEN)
        return;
    bool held_up = is_held_up(c);
    if (c->ended && !held_up && c->n_calls == 0 &&
        uv_stream_get_write_queue_size((uv_stream_t *)&c->pipe) == 0) {
        mt_ctl_client_close(c);
        return;
    }
    bool read = !held_up && !c->ended;
    if (read == c->reading)
        return;
    c->reading = read;
    if (!read)
        uv_read_stop((uv_stream_t *)&c->pipe);
    else if (uv_read_start((uv_stream_t *)&c->pipe, on_alloc, on_read) != 0)
        mt_ctl_client_close(c);
}

/* ---- life ---- */

static void on_handle_closed(uv_handle_t *handle) {
    struct mt_ctl_client *c = handle->data;
    if (--c->open_handles > 0)
        return;
    *c->link = c->next;
    if (c->next)
        c->next->link = c->link;
    free(c->in);
    free(c);
}

static void close_handles(struct mt_ctl_client *c) {
    c->state = MT_CTL_CLOSING;
    uv_close((uv_handle_t *)&c->pipe, on_handle_closed);
    uv_close((uv_handle_t *)&c->timer, on_handle_closed);
}

static void on_flush_timeout(uv_timer_t *timer) {
    struct mt_ctl_client *c = timer->data;
    if (c->state == MT_CTL_FLUSHING)
        close_handles(c);
}

static void on_shutdown(uv_shutdown_t *req, int status) {
    (void)status;
    struct mt_ctl_client *c = req->data;
    if (c->state == MT_CTL_FLUSHING)
        close_handles(c);
}

void mt_ctl_client_close(struct mt_ctl_client *c) {
    if (c->state != MT_CTL_OPEN)
        return;
    c->state = MT_CTL_FLUSHING;
    c->server->n_clients--;
    for (struct mt_ctl_call *call = c->server->calls; call; call = call->next)
        if (call->client == c)
            call->client = NULL;
    uv_read_stop((uv_stream_t *)&c->pipe);
    c->shutdown.data = c;
    if (uv_shutdown(&c->shutdown, (uv_stream_t *)&c->pipe, on_shutdown) != 0)
        close_handles(c);
    else
        uv_timer_start(&c->timer, on_flush_timeout, MT_CTL_FLUSH_MS, 0);
}

static unsigned clients_of(const struct mt_ctl_server *s, uid_t uid) {
    unsigned n = 0;
    for (const struct mt_ctl_client *c = s->clients; c; c = c->next)
        n += c->state == MT_CTL_OPEN && c->who.uid == uid;
    return n;
}

/* True when `a` should leave rather than `b`. */
static bool leaves_before(const struct mt_ctl_client *a, const struct mt_ctl_client *b) {
    unsigned of_a = clients_of(a->server, a->who.uid), of_b = clients_of(b->server, b->who.uid);
    if (of_a != of_b)
        return of_a > of_b;
    return a->active_ms < b->active_ms;
}

static void push_one_out(struct mt_ctl_server *s, struct mt_ctl_client *newcomer) {
    struct mt_ctl_client *out = newcomer;
    for (struct mt_ctl_client *c = s->clients; c; c = c->next)
        if (c != newcomer && c->state == MT_CTL_OPEN && c->n_calls == 0 && leaves_before(c, out))
            out = c;
    mt_log(MT_LOG_WARNING, "ctl_full", "uid=%u pid=%d", (unsigned)out->who.uid, (int)out->who.pid);
    put_error(out, 0, mt_err_code(MT_EFULL), "too many clients");
    mt_ctl_client_close(out);
}

enum mt_err mt_ctl_client_new(struct mt_ctl_server *s, int take_fd) {
    struct ucred who;
    socklen_t n = sizeof who;
    if (getsockopt(take_fd, SOL_SOCKET, SO_PEERCRED, &who, &n) != 0)
        return MT_EIO;
    struct mt_ctl_client *c = calloc(1, sizeof *c);
    if (!c)
        return MT_ENOMEM;
    c->server = s;
    c->who = who;
    c->access = s->config.access(s->config.context->config, who.uid, who.gid);
    uv_pipe_init(s->config.loop, &c->pipe, 0);
    uv_timer_init(s->config.loop, &c->timer);
    c->pipe.data = c->timer.data = c;
    c->open_handles = 2;
    c->active_ms = mt_clock_mono_ms();
    c->next = s->clients;
    c->link = &s->clients;
    if (c->next)
        c->next->link = &c->next;
    s->clients = c;
    s->n_clients++;
    if (uv_pipe_open(&c->pipe, take_fd) != 0) {
        mt_ctl_client_close(c);
        return MT_EIO;
    }
    if (s->n_clients > MT_CTL_CLIENTS_MAX)
        push_one_out(s, c);
    if (c->state == MT_CTL_OPEN)
        mt_ctl_client_update(c);
    return MT_OK;
}
