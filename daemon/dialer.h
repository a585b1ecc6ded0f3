/* dialer: makes the connections that the node asks for; when to try again is the node's
 * decision (daemon layer 2). */
#ifndef MEENT_DIALER_H
#define MEENT_DIALER_H

#include "conn.h"

enum { MT_DIAL_MS = 5000, MT_DIAL_ADDRESSES_MAX = 4 };

struct mt_dial;

struct mt_dialer_ops {
    /* Connected, not reading yet. The callee owns the connection from here. */
    void (*on_connected)(void *arg, uint64_t id, struct mt_conn *take_c);
    /* MT_ENOTFOUND (no address belongs to the name), MT_EREFUSED, MT_ENOANSWER (in time),
     * MT_EUNREACHABLE, MT_ENOMEM. */
    void (*on_failed)(void *arg, uint64_t id, enum mt_err err);
};

struct mt_dialer {
    struct mt_conn_pool *pool;
    const struct mt_dialer_ops *ops;
    void *arg;
    struct mt_dial *dials;
};

void mt_dialer_init(struct mt_dialer *d, struct mt_conn_pool *pool, const struct mt_dialer_ops *ops,
                    void *arg);

/* Dials "host:port", names included: each of the first addresses of a name in turn, within
 * MT_DIAL_MS. Then one of the callbacks, on a later turn. None after an error.
 * Errors: MT_EUNREACHABLE (the address makes no sense), MT_ENOMEM. */
MT_MUST enum mt_err mt_dialer_dial(struct mt_dialer *d, uint64_t id, const char *address);

/* Gives a dial up; on_failed with `err` is called at once. False when there is no such dial. */
bool mt_dialer_cancel(struct mt_dialer *d, uint64_t id, enum mt_err err);

/* Gives all dials up, without calls. */
void mt_dialer_close(struct mt_dialer *d);

#endif
