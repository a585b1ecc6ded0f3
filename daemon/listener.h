/* listener: accepts connections; pauses when there are too many (daemon layer 2). */
#ifndef MEENT_LISTENER_H
#define MEENT_LISTENER_H

#include "conn.h"
#include "limits.h"

/* An accepted connection, not reading yet. `source`: the peer's IPv4 address, or its IPv6 network of
 * 64 bits, which is the smallest that one party is given. The callee owns the connection: it gives it
 * its own callbacks and starts it. */
typedef void (*mt_accept_fn)(void *arg, struct mt_conn *take_c, const char *source);

struct mt_listener {
    struct mt_conn_pool *pool;
    mt_accept_fn on_accept;
    uint64_t (*wait_ms)(void *arg); /* for how long to accept nobody; NULL: never any time */
    void *arg;
    int fd; /* -1: closed */
    bool accepting;
    bool watched; /* the handles below exist */
    /* When accepting had to pause last, in mt_clock_mono_ms; 0: never. */
    uint64_t starved_ms; /* too few file descriptors or too little memory were left */
    uint64_t full_ms;    /* there were as many connections as we want */
    uint64_t pauses;     /* since a line told of them */
    uint64_t line_ms;    /* when that was; 0: never */
    uv_poll_t poll;
    uv_timer_t timer;
    char address[MT_ADDRESS_MAX + 1]; /* "host:port" as configured, with the port in use */
};

/* Binds and listens; connections wait in the kernel until mt_listener_start. `address`: "host:port",
 * port 0: the kernel picks one. Owns: the caller, until mt_listener_close.
 * Errors: MT_EVALUE (no such address), MT_ECONFLICT (in use), MT_EDENIED (a low port), MT_EIO. */
MT_MUST enum mt_err mt_listener_open(struct mt_listener *l, struct mt_conn_pool *pool,
                                     const char *address);

/* Begins to accept. Takes the pool's on_room callback. Errors: MT_EIO. */
MT_MUST enum mt_err mt_listener_start(struct mt_listener *l, mt_accept_fn on_accept, void *arg);

/* Idempotent. Its handles are closed on a later turn of the loop. */
void mt_listener_close(struct mt_listener *l);

#endif
