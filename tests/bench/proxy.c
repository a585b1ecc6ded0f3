/* One thread per proxy: accepts, dials the daemon behind, and carries bytes both ways, each piece
 * not before its time when there is a delay. Cutting closes everything within a turn. */
#include "bench.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PIECE = 65536, TURN_MS = 1 };

struct piece {
    struct piece *next;
    double due;
    size_t n, sent;
    uint8_t bytes[];
};

struct way {
    int from, to;
    struct piece *first, *last;
};

struct pair {
    struct way up, down; /* from and to who connected */
    bool used;
};

static int tcp(void) {
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bench_need(fd >= 0, "proxy: socket");
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

static struct sockaddr_in address(int port) {
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                .sin_port = htons((uint16_t)port)};
}

static void drop_way(struct way *w) {
    while (w->first) {
        struct piece *next = w->first->next;
        free(w->first);
        w->first = next;
    }
    w->last = NULL;
}

static void drop_pair(struct pair *c) {
    if (!c->used)
        return;
    close(c->up.from);
    close(c->up.to);
    drop_way(&c->up);
    drop_way(&c->down);
    c->used = false;
}

static void take_in(struct proxy *p, struct pair *pairs) {
    int one = 1, in = accept(p->listen_fd, NULL, NULL);
    size_t i = 0;
    while (i < PROXY_CONNS && pairs[i].used)
        i++;
    int out = in >= 0 && p->open && i < PROXY_CONNS ? tcp() : -1;
    struct sockaddr_in to = address(p->to);
    if (out < 0 || connect(out, (struct sockaddr *)&to, sizeof to) != 0) {
        if (in >= 0)
            close(in);
        if (out >= 0)
            close(out);
        return;
    }
    setsockopt(in, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    pairs[i] =
        (struct pair){.up = {.from = in, .to = out}, .down = {.from = out, .to = in}, .used = true};
    p->accepted_at = bench_now();
}

/* False when the connection is over. */
static bool receive(struct proxy *p, struct way *w, struct proxy_way *count) {
    struct piece *piece = malloc(sizeof *piece + PIECE);
    bench_need(piece, "proxy: memory");
    ssize_t n = recv(w->from, piece->bytes, PIECE, MSG_DONTWAIT);
    if (n <= 0) {
        bool again = n < 0 && (errno == EAGAIN || errno == EINTR);
        free(piece);
        return again;
    }
    piece->next = NULL;
    piece->due = bench_now() + p->delay_ms / 1e3;
    piece->n = (size_t)n;
    piece->sent = 0;
    if (w->last)
        w->last->next = piece;
    else
        w->first = piece;
    w->last = piece;
    pthread_mutex_lock(&p->lock);
    for (size_t i = 0; i < piece->n && count->bytes + i < PROXY_HEAD; i++)
        count->head[count->bytes + i] = piece->bytes[i];
    count->bytes += piece->n;
    pthread_mutex_unlock(&p->lock);
    return true;
}

static bool deliver(struct way *w) {
    while (w->first && w->first->due <= bench_now()) {
        struct piece *piece = w->first;
        ssize_t n = send(w->to, piece->bytes + piece->sent, piece->n - piece->sent,
                         MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0)
            return errno == EAGAIN || errno == EINTR;
        piece->sent += (size_t)n;
        if (piece->sent < piece->n)
            return true;
        w->first = piece->next;
        if (!w->first)
            w->last = NULL;
        free(piece);
    }
    return true;
}

static void carry(struct proxy *p, struct pair *c, const struct pollfd *up,
                  const struct pollfd *down) {
    bool ok = true;
    if (up->revents)
        ok = receive(p, &c->up, &p->up);
    if (ok && down->revents)
        ok = receive(p, &c->down, &p->down);
    if (!ok || !deliver(&c->up) || !deliver(&c->down))
        drop_pair(c);
}

static void *run(void *arg) {
    struct proxy *p = arg;
    struct pair pairs[PROXY_CONNS] = {0};
    while (!p->end) {
        struct pollfd fds[1 + 2 * PROXY_CONNS] = {{.fd = p->listen_fd, .events = POLLIN}};
        for (size_t i = 0; i < PROXY_CONNS; i++) {
            if (!p->open)
                drop_pair(&pairs[i]);
            bool used = pairs[i].used;
            fds[1 + 2 * i] = (struct pollfd){.fd = used ? pairs[i].up.from : -1, .events = POLLIN};
            fds[2 + 2 * i] = (struct pollfd){.fd = used ? pairs[i].up.to : -1, .events = POLLIN};
        }
        if (poll(fds, 1 + 2 * PROXY_CONNS, TURN_MS) < 0)
            continue;
        for (size_t i = 0; i < PROXY_CONNS; i++)
            if (pairs[i].used)
                carry(p, &pairs[i], &fds[1 + 2 * i], &fds[2 + 2 * i]);
        if (fds[0].revents)
            take_in(p, pairs);
    }
    for (size_t i = 0; i < PROXY_CONNS; i++)
        drop_pair(&pairs[i]);
    return NULL;
}

void proxy_start(struct proxy *p, int port, int to) {
    struct sockaddr_in at = address(port);
    p->port = port;
    p->to = to;
    p->open = p->end = false;
    p->listen_fd = tcp();
    bench_need(bind(p->listen_fd, (struct sockaddr *)&at, sizeof at) == 0 &&
                   listen(p->listen_fd, 8) == 0 && pthread_mutex_init(&p->lock, NULL) == 0 &&
                   pthread_create(&p->thread, NULL, run, p) == 0,
               "proxy: start");
}

void proxy_stop(struct proxy *p) {
    p->end = true;
    pthread_join(p->thread, NULL);
    close(p->listen_fd);
    pthread_mutex_destroy(&p->lock);
}

void proxy_cut(struct proxy *p) {
    p->open = false;
}

void proxy_open(struct proxy *p, int delay_ms) {
    pthread_mutex_lock(&p->lock);
    p->up.bytes = p->down.bytes = 0;
    pthread_mutex_unlock(&p->lock);
    p->accepted_at = 0;
    p->delay_ms = delay_ms;
    p->open = true;
}

/* Bytes of the first `n` frames: a length of two bytes and that many. */
static uint64_t frames(const struct proxy_way *w, int n) {
    uint64_t at = 0;
    while (n-- > 0 && at + 2 <= w->bytes && at + 2 <= PROXY_HEAD)
        at += 2U + mt_load16(w->head + at);
    return at < w->bytes ? at : w->bytes;
}

void proxy_count(struct proxy *p, uint64_t *up, uint64_t *down, uint64_t *up_hello,
                 uint64_t *down_hello) {
    pthread_mutex_lock(&p->lock);
    *up = p->up.bytes;
    *down = p->down.bytes;
    *up_hello = frames(&p->up, 2);
    *down_hello = frames(&p->down, 1);
    pthread_mutex_unlock(&p->lock);
}
