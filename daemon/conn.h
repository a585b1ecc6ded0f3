/* conn: one TCP connection from open to closed; bytes only (daemon layer 2). */
#ifndef MEENT_CONN_H
#define MEENT_CONN_H

#include "err.h"
#include "types.h"

#include <uv.h>

enum {
    MT_CONN_READ_SIZE = 64 * 1024,         /* bytes of one read */
    MT_CONN_QUEUE_MAX = 32 * 1024 * 1024,  /* bytes that wait for a peer that does not read */
    MT_CONN_QUEUES_MAX = 64 * 1024 * 1024, /* bytes that wait for all of them */
    MT_CONN_OPEN_MAX = 256,                /* sockets above which nobody more is accepted */
    MT_CONN_FLUSH_MS = 1000,               /* a closing connection takes no longer */
    MT_CONN_FLUSHING_MAX = 32,             /* and these are no more */
};

struct mt_conn;

/* What all connections of a loop share. */
struct mt_conn_pool {
    uv_loop_t *loop;
    size_t open;            /* connections whose handles are not all closed */
    size_t sockets;         /* of which still hold one */
    struct mt_conn *newest; /* of all that are open */
    size_t flushing;
    void (*on_room)(void *arg); /* one fewer is open; may be NULL */
    void *room_arg;
    uint8_t buffer[MT_CONN_READ_SIZE]; /* a read is consumed before the next begins */
};

struct mt_conn_ops {
    void (*on_open)(void *arg, struct mt_conn *c); /* after mt_conn_connect only */
    void (*on_bytes)(void *arg, struct mt_conn *c, struct mt_slice bytes);
    /* The last call; `c` is freed when it returns. */
    void (*on_closed)(void *arg, struct mt_conn *c, enum mt_err err);
};

enum mt_conn_state {
    MT_CONN_NEW,
    MT_CONN_CONNECTING,
    MT_CONN_OPEN,
    MT_CONN_FLUSHING, /* what was sent is on its way; nothing is handed up any more */
    MT_CONN_CLOSING,  /* the handles are closing */
};

struct mt_conn {
    uint64_t id;          /* the owner's */
    struct mt_conn *next; /* the owner's */
    struct mt_conn_pool *pool;
    struct mt_conn *older, **link; /* in the pool */
    const struct mt_conn_ops *ops;
    void *arg;
    enum mt_conn_state state;
    enum mt_err reason;
    unsigned open_handles;
    bool accepted;
    unsigned sends;    /* times it was told something */
    uint64_t flush_ms; /* when flushing began, by the loop's clock */
    uv_tcp_t tcp;
    uv_timer_t timer;
    uv_connect_t connecting;
    uv_shutdown_t shutdown;
};

/* Makes a connection without a peer. Owns: itself; it goes away after mt_conn_close, which must be
 * called. Errors: MT_ENOMEM. */
MT_MUST enum mt_err mt_conn_new(struct mt_conn_pool *pool, const struct mt_conn_ops *ops, void *arg,
                                struct mt_conn **out);

/* Takes an accepted socket; it is open then. On error `take_fd` is closed and the connection must be
 * closed. Errors: MT_EIO. */
MT_MUST enum mt_err mt_conn_accept(struct mt_conn *c, int take_fd);

/* Connects; on_open or on_closed follows. On error the connection must be closed.
 * Errors: MT_EUNREACHABLE. */
MT_MUST enum mt_err mt_conn_connect(struct mt_conn *c, const struct sockaddr *to);

/* Changes who hears of it. */
void mt_conn_give(struct mt_conn *c, const struct mt_conn_ops *ops, void *arg);

/* Begins to read. */
void mt_conn_start(struct mt_conn *c);

/* Sends bytes from malloc, which are freed when written, or at once when it is not open. */
void mt_conn_send(struct mt_conn *c, uint8_t *take_p, size_t n);

/* Who can best be done without: of those that were accepted and have come no further than half a
 * handshake the one that got least far, the oldest of these. NULL: nobody. */
struct mt_conn *mt_conn_spare(const struct mt_conn_pool *pool);

/* Closes it; the first call decides the reason. With `flush` what was sent reaches the peer first,
 * as far as that takes no longer than MT_CONN_FLUSH_MS. on_closed follows on a later turn. */
void mt_conn_close(struct mt_conn *c, enum mt_err reason, bool flush);

#endif
