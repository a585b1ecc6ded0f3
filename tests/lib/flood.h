/* flood: many callers at once on real sockets of the loopback, none of them meaning well. */
#ifndef MEENT_TEST_FLOOD_H
#define MEENT_TEST_FLOOD_H

#include "caller.h"

#include <stdatomic.h>

enum flood_mode {
    FLOOD_SILENT,  /* connects and says nothing */
    FLOOD_TRICKLE, /* a first frame, one byte a second */
    FLOOD_CHURN,   /* connects and leaves */
    FLOOD_NOISE,   /* malformed first frames */
    FLOOD_KEYED,   /* first frames with the key, over and over; no third message */
    FLOOD_GUEST,   /* the whole handshake as nobody's member, then silence */
    FLOOD_DEAF,    /* the same as a member; asks on and on and never reads an answer */
    FLOOD_THIRD,   /* malformed third messages */
    FLOOD_FRAME,   /* malformed frames as a member */
    FLOOD_MESSAGE, /* malformed messages as a member */
};
enum { FLOOD_MODES = FLOOD_MESSAGE + 1 };

extern const char *const flood_mode_name[FLOOD_MODES];

struct flood_config {
    enum flood_mode mode;
    int port;         /* on 127.0.0.1 */
    unsigned conns;   /* at a time */
    unsigned hosts;   /* addresses to call from; 0: 127.0.0.1 alone */
    uint64_t count;   /* connections after which it ends; 0: until `stop` */
    double seconds;   /* after which it ends; 0: until `stop` */
    struct caller as; /* who calls; FLOOD_GUEST takes the key of it only */
};

struct flood_counts {
    atomic_ulong connected, failed, closed, answered, opened;
};

/* Returns when it is over; `stop` may be NULL. What went on is counted meanwhile. */
void flood_run(const struct flood_config *config, const atomic_bool *stop,
               struct flood_counts *counts);

#endif
