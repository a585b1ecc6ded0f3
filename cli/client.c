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

/* Reads until the answer to `c->last_id` is complete in `buf`; notifications are passed over. */
static bool receive(struct mt_client *c, uint8_t *buf, struct mt_ctl *message,
                    struct mt_client_error *error) {
    size_t have = 0, used;
    uint64_t deadline = now_ms() + (uint64_t)c->timeout_ms;
    for (;;) {
        enum mt_err err = mt_ctl_get(mt_slice(buf, have), message, &used);
        if (!err && message->type == MT_CTL_RESPONSE && message->id == c->last_id)
            return true;
        if (!err && message->type == MT_CTL_NOTIFICATION) {
            have -= used;
            memmove(buf, buf + used, have);
            deadline = now_ms() + (uint64_t)c->timeout_ms;
            continue;
        }
        if (err != MT_EAGAIN || have == MT_MESSAGE_MAX)
            return fail(error, "protocol", "%s", mt_err_text(err ? err : MT_EPROTOCOL));
        if (!wait_for(c, POLLIN, deadline, error))
            return false;
        ssize_t n = recv(c->fd, buf + have, MT_MESSAGE_MAX - have, 0);
        if (n > 0)
            have += (size_t)n;
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

static bool call(struct mt_client *c, const char *method, const json_t *params, uint8_t *buf,
                 json_t **result, struct mt_client_error *error) {
    struct mt_writer w = mt_writer(buf, MT_MESSAGE_MAX);
    struct mt_ctl message;
    mt_ctl_request_begin(&w, ++c->last_id, method);
    mt_json_write(params, &w);
    if (w.err)
        return fail(error, "too-long", "%s", "");
    bool ok = send_all(c, mt_writer_slice(&w), error) && receive(c, buf, &message, error);
    enum mt_err err = MT_OK;
    if (ok && message.error.n == 0)
        err = mt_json_read(message.result, result);
    if (err)
        ok = fail(error, "protocol", "%s", mt_err_text(err));
    if (!ok) {
        mt_client_close(c);
        return false;
    }
    return message.error.n == 0 || refused(message.error, error);
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
