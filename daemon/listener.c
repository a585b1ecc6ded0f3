/* The socket is polled and accepted here instead of by libuv. When the process has few file
 * descriptors left (the last ones are kept for the control socket and for dialling), or as many
 * connections as we want, a newcomer gets the place of one that has not got far. When there is none
 * either, accepting pauses, for a moment, by timer, or until one closes, and newcomers wait in the
 * kernel's queue. That queue is long: who finds it full tries again only after a second. It pauses too
 * while the node has had enough of callers for the moment. At most a few are accepted per turn, so that
 * a storm of strangers does not starve the others.
 *
 * A dialler speaks first, so the kernel keeps a connection to itself until there is something to read,
 * for a second at most: who is accepted then shows at once who they are, and needs no place to wait
 * in. Those who come in late or never are fewer. */
#include "listener.h"

#include "clock.h"
#include "config.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    BACKLOG = 1024,
    PER_TURN = 16,
    PAUSE_MS = 200,
    LINE_MS = 10000, /* at most one line about pauses in this time */
    KEPT_MAX = 16,   /* descriptors for other use, */
    KEPT_PART = 8,   /* or this part of all that the process may have */
    SPEAK_S = 1,     /* within which a caller says something */
};

static enum mt_err from_errno(int e) {
    return e == EADDRINUSE             ? MT_ECONFLICT
           : e == EACCES || e == EPERM ? MT_EDENIED
           : e == EADDRNOTAVAIL        ? MT_EVALUE
                                       : MT_EIO;
}

static enum mt_err bind_one(const struct addrinfo *ai, int *out) {
    int one = 1, zero = 0, speak_s = SPEAK_S;
    int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return MT_EIO;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &speak_s, sizeof speak_s);
    if (ai->ai_family == AF_INET6) /* [::] is every address of both families */
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof zero);
    if (bind(fd, ai->ai_addr, ai->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0) {
        enum mt_err err = from_errno(errno);
        close(fd);
        return err;
    }
    *out = fd;
    return MT_OK;
}

static enum mt_err bind_host(const char *host, const char *port, int *fd) {
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *list;
    if (getaddrinfo(strcmp(host, "*") == 0 ? NULL : host, port, &hints, &list) != 0)
        return MT_EVALUE;
    enum mt_err err = MT_EVALUE;
    for (struct addrinfo *ai = list; ai && err != MT_OK; ai = ai->ai_next)
        err = bind_one(ai, fd);
    freeaddrinfo(list);
    return err;
}

static uint16_t bound_port(int fd) {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } at = {.v6 = {.sin6_family = AF_UNSPEC}};
    socklen_t n = sizeof at;
    if (getsockname(fd, &at.any, &n) != 0)
        return 0;
    return ntohs(at.any.sa_family == AF_INET6 ? at.v6.sin6_port : at.v4.sin_port);
}

enum mt_err mt_listener_open(struct mt_listener *l, struct mt_conn_pool *pool,
                             const char *address) {
    *l = (struct mt_listener){.pool = pool, .fd = -1};
    struct mt_hostport hp;
    enum mt_err err = mt_config_hostport(address, true, &hp);
    if (err != MT_OK)
        return err;
    err = bind_host(hp.host, hp.port, &l->fd);
    if (err != MT_OK && err != MT_ECONFLICT && strcmp(hp.host, "::") == 0)
        err = bind_host("0.0.0.0", hp.port, &l->fd); /* a machine without IPv6 */
    if (err != MT_OK)
        return err;
    bool v6 = strchr(hp.host, ':');
    int n = snprintf(l->address, sizeof l->address, "%s%s%s:%u", v6 ? "[" : "", hp.host,
                     v6 ? "]" : "", bound_port(l->fd));
    if (n >= 0 && (size_t)n < sizeof l->address)
        return MT_OK;
    mt_listener_close(l);
    return MT_EVALUE;
}

static void name_source(const struct sockaddr_storage *ss, char *out, size_t room) {
    char text[INET6_ADDRSTRLEN] = "?";
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)ss;
    if (ss->ss_family != AF_INET6) {
        uv_ip4_name((const struct sockaddr_in *)ss, text, sizeof text);
        snprintf(out, room, "%s", text);
    } else if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
        uv_inet_ntop(AF_INET, v6->sin6_addr.s6_addr + 12, text, sizeof text);
        snprintf(out, room, "%s", text);
    } else {
        struct sockaddr_in6 network = *v6;
        memset(network.sin6_addr.s6_addr + 8, 0, 8);
        uv_ip6_name(&network, text, sizeof text);
        snprintf(out, room, "%s/64", text);
    }
}

static void on_readable(uv_poll_t *poll, int status, int events);

static void resume(struct mt_listener *l) {
    bool full = l->pool->sockets >= MT_CONN_OPEN_MAX && !mt_conn_spare(l->pool);
    if (l->fd < 0 || l->accepting || full || uv_is_active((uv_handle_t *)&l->timer))
        return;
    l->accepting = uv_poll_start(&l->poll, UV_READABLE, on_readable) == 0;
}

static void on_timer(uv_timer_t *timer) {
    struct mt_listener *l = timer->data;
    if (l->fd < 0)
        return;
    uv_timer_stop(timer);
    resume(l);
}

static void on_room(void *arg) {
    resume(arg);
}

static void rest(struct mt_listener *l, uint64_t ms) {
    uv_poll_stop(&l->poll);
    l->accepting = false;
    if (ms > 0)
        uv_timer_start(&l->timer, on_timer, ms, 0);
}

static void pause_accepting(struct mt_listener *l, const char *why, uint64_t ms) {
    uint64_t now = mt_clock_mono_ms();
    l->pauses++;
    if (!l->line_ms || now >= l->line_ms + LINE_MS) {
        mt_log(MT_LOG_WARNING, "accept_paused", "reason=%s open=%zu times=%" PRIu64, why,
               l->pool->sockets, l->pauses);
        l->line_ms = now;
        l->pauses = 0;
    }
    *(ms > 0 ? &l->starved_ms : &l->full_ms) = now;
    rest(l, ms);
}

/* The lowest number that is free tells how many descriptors are in use. */
static bool has_descriptors(void) {
    struct rlimit limit;
    int fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
    if (fd < 0)
        return errno != EMFILE;
    close(fd);
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return true;
    rlim_t kept = limit.rlim_cur / KEPT_PART < KEPT_MAX ? limit.rlim_cur / KEPT_PART : KEPT_MAX;
    return (rlim_t)fd < limit.rlim_cur - kept;
}

static bool has_somebody_waiting(const struct mt_listener *l) {
    struct pollfd p = {.fd = l->fd, .events = POLLIN};
    return poll(&p, 1, 0) > 0;
}

/* Ends the connection that got least far. False: none can be spared. */
static bool end_spare(struct mt_listener *l) {
    struct mt_conn *spare = mt_conn_spare(l->pool);
    if (spare)
        mt_conn_close(spare, MT_EFULL, false);
    return spare != NULL;
}

/* False when there is nobody left to accept, or accepting has to pause. */
static bool accept_one(struct mt_listener *l) {
    struct sockaddr_storage ss = {.ss_family = AF_UNSPEC};
    socklen_t n = sizeof ss;
    int fd = accept4(l->fd, (struct sockaddr *)&ss, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        int e = errno;
        if (e != EMFILE && e != ENFILE && e != ENOBUFS && e != ENOMEM)
            return e == ECONNABORTED || e == EINTR;
        if (end_spare(l))
            return true;
        pause_accepting(l, uv_err_name(uv_translate_sys_error(e)), PAUSE_MS);
        return false;
    }
    struct mt_conn *c;
    enum mt_err err = mt_conn_new(l->pool, NULL, NULL, &c);
    if (err != MT_OK) {
        close(fd);
        pause_accepting(l, mt_err_code(err), PAUSE_MS);
        return false;
    }
    char source[INET6_ADDRSTRLEN + 4];
    name_source(&ss, source, sizeof source);
    if (mt_conn_accept(c, fd) == MT_OK)
        l->on_accept(l->arg, c, source);
    else
        mt_conn_close(c, MT_EIO, false);
    return true;
}

static void on_readable(uv_poll_t *poll, int status, int events) {
    struct mt_listener *l = poll->data;
    (void)events;
    if (l->fd < 0)
        return;
    if (status < 0) {
        pause_accepting(l, uv_err_name(status), PAUSE_MS);
        return;
    }
    uint64_t wait = l->wait_ms ? l->wait_ms(l->arg) : 0;
    if (wait > 0) {
        rest(l, wait);
        return;
    }
    for (int i = 0; i < PER_TURN && l->fd >= 0; i++) {
        bool full = l->pool->sockets >= MT_CONN_OPEN_MAX, starved = !has_descriptors();
        if (full || starved) {
            if (!has_somebody_waiting(l))
                return;
            if (starved)
                l->starved_ms = mt_clock_mono_ms();
            if (!end_spare(l)) {
                pause_accepting(l, full ? "full" : "EMFILE", full ? 0 : PAUSE_MS);
                return;
            }
        }
        if (!accept_one(l))
            return;
    }
}

enum mt_err mt_listener_start(struct mt_listener *l, mt_accept_fn on_accept, void *arg) {
    l->on_accept = on_accept;
    l->arg = arg;
    if (uv_poll_init(l->pool->loop, &l->poll, l->fd) != 0)
        return MT_EIO;
    uv_timer_init(l->pool->loop, &l->timer);
    l->poll.data = l->timer.data = l;
    l->watched = true;
    l->pool->on_room = on_room;
    l->pool->room_arg = l;
    resume(l);
    return l->accepting ? MT_OK : MT_EIO;
}

void mt_listener_close(struct mt_listener *l) {
    if (l->fd < 0)
        return;
    if (l->watched) {
        l->pool->on_room = NULL;
        uv_close((uv_handle_t *)&l->poll, NULL);
        uv_close((uv_handle_t *)&l->timer, NULL);
    }
    close(l->fd);
    l->fd = -1;
    l->accepting = false;
}
