/* host: one node of the region, and the other end of one connection, played by a fuzz target.
 *
 * Whatever the node asks for is done at once: what it sends is collected, batches are durable, and a
 * connection it closes is closed. */
#ifndef MEENT_FUZZ_HOST_H
#define MEENT_FUZZ_HOST_H

#include "link.h"
#include "node.h"
#include "region.h"

enum { HOST_CHAINS = 32 };

struct host {
    struct mt_node *node;
    unsigned org;
    struct mt_time now;
    uint64_t steps;     /* since host_begin: the entropy of each follows from it */
    uint64_t conn;      /* the connection; 0 none */
    uint64_t asked;     /* a connection the node wants made; 0 none */
    bool closed;        /* by the node */
    enum mt_err why;    /* it closed */
    enum mt_err answer; /* of the last command; MT_EAGAIN none */
    struct mt_reply reply;
    uint8_t *sent; /* by the node, not taken yet */
    size_t n_sent, cap_sent;
    struct {
        uint32_t no;
        struct mt_head head;
    } chains[HOST_CHAINS];
    size_t n_chains;
    bool saved; /* something was made durable since host_begin */
};

/* The secret of the invitation that organisation 1 has open, and what it is for. */
extern const uint8_t HOST_SECRET[16];
void host_invite_key(uint8_t psk[static 32]);

/* Starts the node of `org`: a member up to REGION_MEMBERS, else one that calls organisation 1 with
 * the invitation. */
void host_open(struct host *h, unsigned org);
void host_close(struct host *h);

/* Goes `ms` on and forgets what came of the connection before. */
void host_begin(struct host *h, uint64_t ms);

/* Gives one event; fills in time and entropy. */
void host_step(struct host *h, struct mt_event *event);

/* The steps of a connection. */
void host_accept(struct host *h);
void host_connected(struct host *h); /* the one that was asked for */
void host_bytes(struct host *h, struct mt_slice bytes);
void host_hang_up(struct host *h);

/* Feeds what the node sent to the other end. Returns what came of it last. */
enum mt_err host_feed(struct host *h, struct mt_link *other, struct mt_link_out *out);

#endif
