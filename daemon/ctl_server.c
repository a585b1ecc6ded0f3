/* The socket: a path longer than a socket address holds is reached through its directory's descriptor
 * (a daemon with threads must not change its directory). A socket file that nobody answers on was left
 * by a daemon that was killed and is removed; two daemons that start at once are kept apart by the
 * lock on the state directory, which is taken before. As in listener.c it is polled and accepted here
 * instead of by libuv, which would try again at once, for ever, while the system has no memory or
 * descriptor for another client. */
#include "ctl_server_internal.h"

#include "clock.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BACKLOG = 64, PER_TURN = 16, PAUSE_MS = 100, LINE_MS = 10000 };

static const char group_name[] = "meent";

static enum mt_err from_errno(int e) {
    switch (e) {
    case ENOENT:
    case ENOTDIR:
        return MT_ENOTFOUND;
    case EACCES:
    case EPERM:
    case EROFS:
        return MT_EDENIED;
    case EADDRINUSE:
        return MT_ECONFLICT;
    case ENOMEM:
        return MT_ENOMEM;
    default:
        return MT_EIO;
    }
}

/* Opens the socket's directory, and puts a name for `path` that fits a socket address into `at`. */
static enum mt_err shorten(struct mt_ctl_server *s, const char *path, struct sockaddr_un *at) {
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    char *dir = slash ? strndup(path, (size_t)(name - path)) : strdup(".");
    if (!dir)
        return MT_ENOMEM;
    s->dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    enum mt_err err = s->dir_fd < 0 ? from_errno(errno) : MT_OK;
    free(dir);
    if (err != MT_OK)
        return err;
    size_t n = strlen(path);
    if (n < sizeof at->sun_path)
        memcpy(at->sun_path, path, n + 1);
    else if (strlen(name) <= MT_CTL_SOCKET_NAME_MAX)
        snprintf(at->sun_path, sizeof at->sun_path, "/proc/self/fd/%d/%.*s", s->dir_fd,
                 (int)MT_CTL_SOCKET_NAME_MAX, name);
    else
        err = MT_ETOOLONG;
    return err;
}

static enum mt_err remove_stale(const struct sockaddr_un *at) {
    struct stat st;
    if (lstat(at->sun_path, &st) != 0)
        return errno == ENOENT ? MT_OK : from_errno(errno);
    if (!S_ISSOCK(st.st_mode))
        return MT_ECONFLICT;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return MT_EIO;
    int refused =
        connect(fd, (const struct sockaddr *)at, sizeof *at) != 0 && errno == ECONNREFUSED;
    close(fd);
    if (!refused)
        return MT_ECONFLICT;
    mt_log(MT_LOG_INFO, "socket_left_behind", "removed=\"%s\"", at->sun_path);
    return unlink(at->sun_path) == 0 || errno == ENOENT ? MT_OK : from_errno(errno);
}

/* Lets the group in. The socket was made for its owner alone, so nobody slips in before. */
static enum mt_err set_mode(const char *path) {
    char b[16 * 1024];
    struct group group, *found = NULL;
    if (getgrnam_r(group_name, &group, b, sizeof b, &found) == 0 && found &&
        lchown(path, (uid_t)-1, found->gr_gid) != 0)
        mt_log(MT_LOG_WARNING, "socket_group", "group=%s err=%s", group_name,
               uv_err_name(uv_translate_sys_error(errno)));
    return chmod(path, 0660) == 0 ? MT_OK : from_errno(errno);
}

/* False when there is nobody left to accept, or accepting has to pause. */
static bool accept_one(struct mt_ctl_server *s) {
    int fd = accept4(s->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return errno == ECONNABORTED || errno == EINTR;
    enum mt_err err = mt_ctl_client_new(s, fd);
    if (err == MT_OK)
        return true;
    mt_log(MT_LOG_WARNING, "ctl_not_accepted", "err=%s", mt_err_code(err));
    close(fd);
    return true;
}

static void on_readable(uv_poll_t *poll, int status, int events);

static void on_timer(uv_timer_t *timer) {
    struct mt_ctl_server *s = timer->data;
    if (!s->stopped && uv_poll_start(&s->poll, UV_READABLE, on_readable) != 0)
        uv_timer_start(timer, on_timer, PAUSE_MS, 0);
}

/* Clients wait in the kernel's queue meanwhile. */
static void pause_accepting(struct mt_ctl_server *s, int err) {
    uint64_t now = mt_clock_mono_ms();
    if (!s->line_ms || now >= s->line_ms + LINE_MS) {
        mt_log(MT_LOG_WARNING, "ctl_accept_paused", "reason=%s", uv_err_name(err));
        s->line_ms = now;
    }
    uv_poll_stop(&s->poll);
    uv_timer_start(&s->timer, on_timer, PAUSE_MS, 0);
}

static void on_readable(uv_poll_t *poll, int status, int events) {
    struct mt_ctl_server *s = poll->data;
    (void)events;
    for (int i = 0; i < PER_TURN && !s->stopped && status == 0; i++) {
        errno = 0;
        if (accept_one(s))
            continue;
        if (errno == EAGAIN || errno == EWOULDBLOCK)
            return;
        status = uv_translate_sys_error(errno);
    }
    if (status != 0 && !s->stopped)
        pause_accepting(s, status);
}

static enum mt_err bind_at(struct mt_ctl_server *s) {
    s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (s->fd < 0)
        return from_errno(errno);
    mode_t mask = umask(0177);
    int rc = bind(s->fd, (const struct sockaddr *)&s->at, sizeof s->at);
    umask(mask);
    enum mt_err err = rc == 0 ? set_mode(s->at.sun_path) : from_errno(errno);
    if (err == MT_OK && listen(s->fd, BACKLOG) != 0)
        err = from_errno(errno);
    struct stat st;
    if (err == MT_OK && lstat(s->at.sun_path, &st) != 0)
        err = from_errno(errno);
    if (err == MT_OK) {
        s->device = st.st_dev;
        s->inode = st.st_ino;
    }
    if (err != MT_OK && rc == 0)
        (void)unlink(s->at.sun_path);
    return err;
}

static enum mt_err listen_at(struct mt_ctl_server *s) {
    s->at.sun_family = AF_UNIX;
    enum mt_err err = shorten(s, s->config.path, &s->at);
    if (err == MT_OK)
        err = remove_stale(&s->at);
    if (err == MT_OK)
        err = bind_at(s);
    if (err != MT_OK)
        return err;
    if (uv_poll_init(s->config.loop, &s->poll, s->fd) != 0) {
        (void)unlink(s->at.sun_path);
        return MT_EIO;
    }
    uv_timer_init(s->config.loop, &s->timer);
    s->poll.data = s->timer.data = s;
    on_timer(&s->timer);
    return MT_OK;
}

enum mt_err mt_ctl_server_open(struct mt_ctl_server **out,
                               const struct mt_ctl_server_config *config) {
    *out = NULL;
    struct mt_ctl_server *s = calloc(1, sizeof *s);
    if (!s)
        return MT_ENOMEM;
    s->config = *config;
    s->fd = s->dir_fd = -1;
    enum mt_err err = listen_at(s);
    if (err == MT_OK) {
        *out = s;
        return MT_OK;
    }
    if (s->fd >= 0)
        close(s->fd);
    mt_ctl_server_free(s);
    return err;
}

void mt_ctl_server_stop(struct mt_ctl_server *s) {
    s->stopped = true;
    uv_poll_stop(&s->poll);
    uv_timer_stop(&s->timer);
    struct mt_ctl_client *next;
    for (struct mt_ctl_client *c = s->clients; c; c = next) {
        next = c->next;
        if (c->state == MT_CTL_OPEN)
            mt_ctl_client_update(c);
    }
}

static bool is_ours(const struct mt_ctl_server *s) {
    struct stat st;
    return lstat(s->at.sun_path, &st) == 0 && st.st_dev == s->device && st.st_ino == s->inode;
}

void mt_ctl_server_close(struct mt_ctl_server *s) {
    if (s->closed)
        return;
    s->stopped = s->closed = true;
    for (struct mt_ctl_client *c = s->clients; c; c = c->next)
        mt_ctl_client_close(c); /* leaves the list on a later turn */
    uv_close((uv_handle_t *)&s->poll, NULL);
    uv_close((uv_handle_t *)&s->timer, NULL);
    if (is_ours(s)) /* somebody else may have put another one there */
        (void)unlink(s->at.sun_path);
    close(s->fd);
}

void mt_ctl_server_free(struct mt_ctl_server *s) {
    if (!s)
        return;
    while (s->calls) {
        struct mt_ctl_call *call = s->calls;
        s->calls = call->next;
        free(call);
    }
    if (s->dir_fd >= 0)
        close(s->dir_fd);
    free(s);
}

unsigned mt_ctl_server_clients(const struct mt_ctl_server *s) {
    return s->n_clients;
}
