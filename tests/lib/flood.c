/* One thread and one epoll for all lines. A line connects, says what its mode has it say, and is
 * replaced by a new one when the other side closes it. Sockets are reset when they are given up, so
 * that no port stays behind. */
#include "flood.h"

#include "malformed.h"
#include "msg.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

const char *const flood_mode_name[FLOOD_MODES] = {"silent", "trickle", "churn", "noise", "keyed",
                                                  "guest",  "deaf",    "third", "frame", "message"};

enum { IN_MAX = 4096, OUT_MAX = 64 * 1024, FRAMES = 256, EVENTS = 256, WAIT_MS = 20 };

enum step { CONNECTING, WAITING, GREETED };

struct line {
    int fd; /* -1: to be opened */
    enum step step;
    unsigned host;
    double due;
    struct caller c;
    uint8_t in[IN_MAX];
    size_t n, said;
};

struct flood {
    const struct flood_config *config;
    struct flood_counts *counts;
    struct dice dice;
    int epoll;
    struct line *lines;
    uint64_t opened, over;
    uint8_t frames[FRAMES][CALLER_FIRST]; /* made before, so that repeating them costs nothing */
    uint8_t out[OUT_MAX];
};

static double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool has_handshake(enum flood_mode mode) {
    return mode >= FLOOD_GUEST;
}

static void let_go(struct flood *f, struct line *l) {
    struct linger reset = {.l_onoff = 1};
    setsockopt(l->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    /* A child of another thread that was just forked may hold it open for a moment longer. */
    (void)epoll_ctl(f->epoll, EPOLL_CTL_DEL, l->fd, NULL);
    close(l->fd);
    l->fd = -1;
    if (has_handshake(f->config->mode))
        mt_link_close(&l->c.link);
    f->over++;
}

static void say(struct flood *f, struct line *l, const uint8_t *p, size_t n) {
    if (n && send(l->fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno != EAGAIN) {
        atomic_fetch_add(&f->counts->closed, 1);
        let_go(f, l);
    }
}

static void watch(struct flood *f, struct line *l, int op, uint32_t events) {
    struct epoll_event ev = {.events = events, .data.ptr = l};
    if (epoll_ctl(f->epoll, op, l->fd, &ev) != 0)
        abort();
}

static void open_line(struct flood *f, struct line *l) {
    const struct flood_config *c = f->config;
    struct sockaddr_in from = {.sin_family = AF_INET}, to = {.sin_family = AF_INET};
    int one = 1;
    l->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (l->fd < 0)
        return; /* tried again */
    l->n = l->said = 0;
    l->step = CONNECTING;
    l->host = c->hosts ? (unsigned)(f->opened % c->hosts) : 0;
    /* 127.0.1.0 and on */
    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + (c->hosts ? 255 + l->host : 0));
    setsockopt(l->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons((uint16_t)c->port);
    if (bind(l->fd, (struct sockaddr *)&from, sizeof from) != 0 ||
        (connect(l->fd, (struct sockaddr *)&to, sizeof to) != 0 && errno != EINPROGRESS)) {
        atomic_fetch_add(&f->counts->failed, 1);
        close(l->fd);
        l->fd = -1;
        return;
    }
    f->opened++;
    watch(f, l, EPOLL_CTL_ADD, EPOLLOUT);
}

static void who_calls(struct flood *f, struct line *l) {
    if (f->config->mode != FLOOD_GUEST) {
        uint64_t calls = f->config->as.calls + (f->opened << 8);
        size_t certificate_n = l->c.certificate_n; /* a nobody keeps what it learned */
        if (!certificate_n)
            l->c = f->config->as;
        l->c.calls = calls;
        return;
    }
    caller_make(&l->c, f->opened);
    l->c.region = f->config->as.region;
    l->c.invited = f->config->as.invited;
    memcpy(l->c.psk, f->config->as.psk, sizeof l->c.psk);
}

static void connected(struct flood *f, struct line *l) {
    struct mt_writer w = mt_writer(f->out, CALLER_FIRST);
    size_t n;
    l->step = WAITING;
    atomic_fetch_add(&f->counts->connected, 1);
    watch(f, l, EPOLL_CTL_MOD, EPOLLIN);
    switch (f->config->mode) {
    case FLOOD_SILENT:
        return;
    case FLOOD_TRICKLE:
        l->due = now_s() + 1;
        say(f, l, f->frames[0], 1);
        l->said = 1;
        return;
    case FLOOD_CHURN:
        let_go(f, l);
        return;
    case FLOOD_NOISE:
        who_calls(f, l);
        n = malformed_first(&f->dice, &l->c, f->out);
        say(f, l, f->out, n);
        mt_link_close(&l->c.link);
        if (l->fd >= 0)
            shutdown(l->fd, SHUT_WR); /* what is only the beginning of a frame ends here */
        return;
    case FLOOD_KEYED:
        say(f, l, f->frames[f->opened % FRAMES], CALLER_FIRST);
        return;
    default:
        who_calls(f, l);
        caller_call(&l->c, &w);
        say(f, l, f->out, w.n);
    }
}

/* The other side has answered to our first frame, maybe in part. */
static void answered(struct flood *f, struct line *l) {
    struct mt_writer w = mt_writer(f->out, OUT_MAX);
    struct mt_slice in = mt_slice(l->in, l->n);
    enum mt_err err = f->config->mode == FLOOD_THIRD
                          ? malformed_third(&f->dice, &l->c, in, &w)
                          : caller_greet(&l->c, in, mt_slice(NULL, 0), &w);
    l->n = 0; /* the link has it */
    if (err == MT_EAGAIN)
        return;
    if (err) {
        let_go(f, l);
        return;
    }
    l->step = GREETED;
    atomic_fetch_add(&f->counts->opened, 1);
    if (f->config->mode == FLOOD_FRAME)
        malformed_frame(&f->dice, &l->c, &w);
    else if (f->config->mode == FLOOD_MESSAGE)
        malformed_message(&f->dice, &l->c, &w);
    say(f, l, f->out, w.n);
    if (l->fd < 0)
        return;
    if (f->config->mode == FLOOD_FRAME)
        shutdown(l->fd, SHUT_WR);
    if (f->config->mode == FLOOD_DEAF)
        watch(f, l, EPOLL_CTL_MOD, EPOLLOUT);
}

/* What is waiting to be sent stands in `in`, since nothing is read. */
static void ask_on(struct flood *f, struct line *l) {
    uint8_t buf[16];
    struct mt_writer w = mt_writer(l->in, IN_MAX), m = mt_writer(buf, sizeof buf);
    mt_number_put(&m, MT_MSG_PING, 1);
    if (l->said == l->n) {
        while (w.n + 64 < IN_MAX)
            caller_say(&l->c, mt_writer_slice(&m), &w);
        l->n = w.n;
        l->said = 0;
    }
    ssize_t n = send(l->fd, l->in + l->said, l->n - l->said, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n > 0)
        l->said += (size_t)n;
    else if (n < 0 && errno != EAGAIN) {
        atomic_fetch_add(&f->counts->closed, 1);
        let_go(f, l);
    }
}

static void on_event(struct flood *f, struct line *l, uint32_t events) {
    if (l->fd < 0)
        return;
    if (l->step == CONNECTING) {
        int err = 0;
        socklen_t n = sizeof err;
        if (getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &err, &n) != 0 || err) {
            atomic_fetch_add(&f->counts->failed, 1);
            let_go(f, l);
        } else {
            connected(f, l);
        }
        return;
    }
    if (events & (EPOLLERR | EPOLLHUP)) {
        atomic_fetch_add(&f->counts->closed, 1);
        let_go(f, l);
        return;
    }
    if (events & EPOLLOUT) {
        ask_on(f, l);
        return;
    }
    ssize_t n = recv(l->fd, l->in + l->n, IN_MAX - l->n, MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0) {
        atomic_fetch_add(&f->counts->closed, 1);
        let_go(f, l);
        return;
    }
    if (l->step == WAITING)
        atomic_fetch_add(&f->counts->answered, 1);
    l->n = has_handshake(f->config->mode) && l->step == WAITING ? (size_t)n : 0;
    if (l->n)
        answered(f, l);
}

static void keep_up(struct flood *f) {
    const struct flood_config *c = f->config;
    double now = c->mode == FLOOD_TRICKLE ? now_s() : 0;
    for (unsigned i = 0; i < c->conns; i++) {
        struct line *l = &f->lines[i];
        if (l->fd < 0 && (!c->count || f->opened < c->count))
            open_line(f, l);
        if (c->mode != FLOOD_TRICKLE || l->fd < 0 || l->step != WAITING || now < l->due)
            continue;
        l->due = now + 1;
        if (l->said < CALLER_FIRST)
            say(f, l, f->frames[0] + l->said++, 1);
    }
}

static void prepare(struct flood *f) {
    struct caller c = f->config->as;
    for (unsigned i = 0; i < f->config->conns; i++)
        f->lines[i].fd = -1;
    if (f->config->mode != FLOOD_KEYED && f->config->mode != FLOOD_TRICKLE)
        return;
    for (unsigned i = 0; i < FRAMES; i++) {
        struct mt_writer w = mt_writer(f->frames[i], CALLER_FIRST);
        caller_call(&c, &w);
    }
    caller_close(&c);
}

void flood_run(const struct flood_config *config, const atomic_bool *stop,
               struct flood_counts *counts) {
    struct flood *f = calloc(1, sizeof *f);
    struct epoll_event events[EVENTS];
    double end = config->seconds > 0 ? now_s() + config->seconds : 0;
    if (!f || !(f->lines = calloc(config->conns, sizeof *f->lines)))
        abort();
    f->config = config;
    f->counts = counts;
    f->dice.state = 1;
    f->epoll = epoll_create1(EPOLL_CLOEXEC);
    prepare(f);
    while (!(stop && atomic_load(stop)) && (!end || now_s() < end) &&
           (!config->count || f->over < config->count)) {
        keep_up(f);
        int n = epoll_wait(f->epoll, events, EVENTS, WAIT_MS);
        for (int i = 0; i < n; i++)
            on_event(f, events[i].data.ptr, events[i].events);
    }
    for (unsigned i = 0; i < config->conns; i++)
        if (f->lines[i].fd >= 0)
            let_go(f, &f->lines[i]);
    close(f->epoll);
    free(f->lines);
    free(f);
}
