/* The socket: a path longer than a socket address holds is reached through its directory's descriptor
 * (a daemon with threads must not change its directory). A socket file that nobody answers on was left
 * by a daemon that was killed and is removed; two daemons that start at once are kept apart by the
 * lock on the state directory, which is taken before. */
#include "ctl_server_internal.h"

#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 64 };

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

static void on_connection(uv_stream_t *stream, int status) {
    struct mt_ctl_server *s = stream->data;
    if (s->stopped || status < 0)
        return;
    s->waiting = mt_ctl_client_accept(s) == MT_ENOMEM;
}

void mt_ctl_server_on_client_gone(struct mt_ctl_server *s) {
    if (s->waiting && !s->stopped)
        s->waiting = mt_ctl_client_accept(s) == MT_ENOMEM;
}

static enum mt_err listen_at(struct mt_ctl_server *s) {
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    enum mt_err err = shorten(s, s->config.path, &at);
    if (err == MT_OK)
        err = remove_stale(&at);
    if (err != MT_OK)
        return err;
    mode_t mask = umask(0177);
    int failed = uv_pipe_bind(&s->pipe, at.sun_path);
    umask(mask);
    if (failed)
        return failed == UV_EADDRINUSE ? MT_ECONFLICT : from_errno(-failed);
    err = set_mode(at.sun_path);
    if (err == MT_OK && uv_listen((uv_stream_t *)&s->pipe, BACKLOG, on_connection) != 0)
        err = MT_EIO;
    return err;
}

static void on_open_failed(uv_handle_t *handle) {
    struct mt_ctl_server *s = handle->data;
    mt_ctl_server_free(s);
}

enum mt_err mt_ctl_server_open(struct mt_ctl_server **out,
                               const struct mt_ctl_server_config *config) {
    *out = NULL;
    struct mt_ctl_server *s = calloc(1, sizeof *s);
    if (!s)
        return MT_ENOMEM;
    s->config = *config;
    s->dir_fd = -1;
    uv_pipe_init(config->loop, &s->pipe, 0);
    s->pipe.data = s;
    enum mt_err err = listen_at(s);
    if (err == MT_OK)
        *out = s;
    else
        uv_close((uv_handle_t *)&s->pipe, on_open_failed);
    return err;
}

void mt_ctl_server_stop(struct mt_ctl_server *s) {
    s->stopped = true;
    struct mt_ctl_client *next;
    for (struct mt_ctl_client *c = s->clients; c; c = next) {
        next = c->next;
        if (c->state == MT_CTL_OPEN)
            mt_ctl_client_update(c);
    }
}

void mt_ctl_server_close(struct mt_ctl_server *s) {
    if (s->closed)
        return;
    s->stopped = s->closed = true;
    for (struct mt_ctl_client *c = s->clients; c; c = c->next)
        mt_ctl_client_close(c); /* leaves the list on a later turn */
    uv_close((uv_handle_t *)&s->pipe, NULL);
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
