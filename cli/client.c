#include "client.h"

#include "ctl.h"
#include "json.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { TIMEOUT_MS = 60000 };

__attribute__((format(printf, 3, 4))) static bool fail(struct mt_client_error *error,
                                                       const char *code, const char *fmt, ...) {
    va_list ap;
    snprintf(error->code, sizeof error->code, "%s", code);
    va_start(ap, fmt);
    vsnprintf(error->text, sizeof error->text, fmt, ap);
    va_end(ap);
    return false;
}

/* sun_path holds 107 bytes; a longer path is reached through a descriptor of its folder. */
static bool address_of(const char *path, struct sockaddr_un *addr, int *dir) {
    *addr = (struct sockaddr_un){.sun_family = AF_UNIX};
    *dir = -1;
    if (strlen(path) < sizeof addr->sun_path) {
        memcpy(addr->sun_path, path, strlen(path) + 1);
        return true;
    }
    const char *slash = strrchr(path, '/');
    char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : NULL;
    if (!folder) {
        errno = ENAMETOOLONG;
        return false;
    }
    *dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    free(folder);
    if (*dir < 0)
        return false;
    int n = snprintf(addr->sun_path, sizeof addr->sun_path, "/proc/self/fd/%d/%s", *dir, slash + 1);
    if (n > 0 && (size_t)n < sizeof addr->sun_path)
        return true;
    close(*dir);
    *dir = -1;
    errno = ENAMETOOLONG;
    return false;
}

bool mt_client_open(struct mt_client *c, const char *path, struct mt_client_error *error) {
    struct sockaddr_un addr;
    int dir;
    *c = (struct mt_client){.fd = -1, .timeout_ms = TIMEOUT_MS};
    bool ok = address_of(path, &addr, &dir);
    if (ok) {
        c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ok = c->fd >= 0 && connect(c->fd, (struct sockaddr *)&addr, sizeof addr) == 0;
    }
    int why = errno;
    if (dir >= 0)
        close(dir);
    if (ok)
        return true;
    mt_client_close(c);
    if (why == ENOENT || why == ECONNREFUSED || why == ENOTDIR)
        return fail(error, "daemon-not-running", "%s", path);
    if (why == EACCES || why == EPERM)
        return fail(error, "denied", "%s", path);
    return fail(error, "io", "%s: %s", path, strerror(why));
}

void mt_client_close(struct mt_client *c) {
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    free(c->in);
    c->in = NULL;
    c->in_n = 0;
}

static uint64_t now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static bool wait_for(struct mt_client *c, short events, uint64_t deadline,
                     struct mt_client_error *error) {
    for (;;) {
        uint64_t now = now_ms();
        struct pollfd p = {.fd = c->fd, .events = events};
        int n = now >= deadline ? 0 : poll(&p, 1, (int)(deadline - now));
        if (n > 0)
            return true;
        if (n == 0)
            return fail(error, "timeout", "%s", "");
        if (errno != EINTR)
            return fail(error, "io", "%s", strerror(errno));
    }
}

static bool send_all(struct mt_client *c, struct mt_slice bytes, struct mt_client_error *error) {
    uint64_t deadline = now_ms() + (uint64_t)c->timeout_ms;
    while (bytes.n > 0) {
        ssize_t n = send(c->fd, bytes.p, bytes.n, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n > 0) {
            bytes = mt_slice(bytes.p + n, bytes.n - (size_t)n);
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            if (!wait_for(c, POLLOUT, deadline, error))
                return false;
        } else if (errno == EPIPE || errno == ECONNRESET) {
            return fail(error, "closed", "%s", "");
        } else if (errno != EINTR) {
            return fail(error, "io", "%s", strerror(errno));
        }
    }
    return true;
}

static void drop(struct mt_client *c, size_t n) {
    c->in_n -= n;
    memmove(c->in, c->in + n, c->in_n);
}

/* Reads until an answer is complete at the start of `c->in`; notifications are passed over.
 * Out: `*used` its bytes. */
static bool receive(struct mt_client *c, struct mt_ctl *message, size_t *used,
                    struct mt_client_error *error) {
    uint64_t deadline = now_ms() + (uint64_t)c->timeout_ms;
    for (;;) {
        enum mt_err err = mt_ctl_get(mt_slice(c->in, c->in_n), message, used);
        if (!err && message->type == MT_CTL_RESPONSE)
            return true;
        if (!err && message->type == MT_CTL_NOTIFICATION) {
            drop(c, *used);
            deadline = now_ms() + (uint64_t)c->timeout_ms;
            continue;
        }
        if (err != MT_EAGAIN || c->in_n == MT_MESSAGE_MAX)
            return fail(error, "protocol", "%s", mt_err_text(err ? err : MT_EPROTOCOL));
        if (!wait_for(c, POLLIN, deadline, error))
            return false;
        ssize_t n = recv(c->fd, c->in + c->in_n, MT_MESSAGE_MAX - c->in_n, 0);
        if (n > 0)
            c->in_n += (size_t)n;
        else if (n == 0 || errno == ECONNRESET)
            return fail(error, "closed", "%s", "");
        else if (errno != EINTR)
            return fail(error, "io", "%s", strerror(errno));
    }
}

/* Takes "code: message" apart. */
static bool refused(struct mt_slice text, struct mt_client_error *error) {
    size_t n = 0;
    while (n < text.n && ((text.p[n] >= 'a' && text.p[n] <= 'z') || text.p[n] == '-'))
        n++;
    if (n == 0 || n >= sizeof error->code || n >= text.n || text.p[n] != ':')
        return fail(error, "failed", "%.*s", (int)text.n, (const char *)text.p);
    snprintf(error->code, sizeof error->code, "%.*s", (int)n, (const char *)text.p);
    n++;
    while (n < text.n && text.p[n] == ' ')
        n++;
    snprintf(error->text, sizeof error->text, "%.*s", (int)(text.n - n), (const char *)text.p + n);
    return false;
}

bool mt_client_send(struct mt_client *c, const char *method, struct mt_slice params, uint32_t *id,
                    struct mt_client_error *error) {
    uint8_t head[MT_CTL_METHOD_MAX + 32];
    struct mt_writer w = mt_writer(head, sizeof head);
    *id = 0;
    if (c->fd < 0)
        return fail(error, "closed", "%s", "");
    mt_ctl_request_begin(&w, ++c->last_id, method);
    if (w.err || w.n + params.n > MT_MESSAGE_MAX)
        return fail(error, "too-long", "%s", "");
    if (!send_all(c, mt_writer_slice(&w), error) || !send_all(c, params, error)) {
        mt_client_close(c);
        return false;
    }
    *id = c->last_id;
    return true;
}

bool mt_client_receive(struct mt_client *c, uint32_t *id, json_t **result,
                       struct mt_client_error *error) {
    struct mt_ctl message;
    size_t used;
    *id = 0;
    *result = NULL;
    if (c->fd < 0)
        return fail(error, "closed", "%s", "");
    if (!c->in)
        c->in = malloc(MT_MESSAGE_MAX);
    if (!c->in)
        return fail(error, "no-memory", "%s", "");
    if (!receive(c, &message, &used, error)) {
        mt_client_close(c);
        return false;
    }
    bool ok = message.error.n == 0 || refused(message.error, error);
    enum mt_err err = ok ? mt_json_read(message.result, result) : MT_OK;
    if (err) {
        mt_client_close(c);
        return fail(error, "protocol", "%s", mt_err_text(err));
    }
    *id = message.id;
    drop(c, used);
    return ok;
}

static bool call(struct mt_client *c, const char *method, const json_t *params, uint8_t *buf,
                 json_t **result, struct mt_client_error *error) {
    struct mt_writer w = mt_writer(buf, MT_MESSAGE_MAX);
    uint32_t id, answered;
    mt_json_write(params, &w);
    if (w.err)
        return fail(error, "too-long", "%s", "");
    if (!mt_client_send(c, method, mt_writer_slice(&w), &id, error))
        return false;
    bool ok = mt_client_receive(c, &answered, result, error);
    if (answered == id || answered == 0)
        return ok;
    json_decref(*result);
    *result = NULL;
    mt_client_close(c);
    return fail(error, "protocol", "%s", mt_err_text(MT_EPROTOCOL));
}

bool mt_client_call(struct mt_client *c, const char *method, const json_t *params, json_t **result,
                    struct mt_client_error *error) {
    *result = NULL;
    if (c->fd < 0)
        return fail(error, "closed", "%s", "");
    uint8_t *buf = malloc(MT_MESSAGE_MAX);
    if (!buf)
        return fail(error, "no-memory", "%s", "");
    bool ok = call(c, method, params, buf, result, error);
    free(buf);
    return ok;
}
