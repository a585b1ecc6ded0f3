/* sync: the state machine of one peer session, from the open link to live exchange (layer 4).
 *
 * A session says HELLO, brings governance level, tells what it has, and then sends runs both ways.
 * It reads the replica, adds governance items to it, and leaves everything else (making runs
 * durable, reading runs to send) to the node. What it wants sent collects in `out`. */
#ifndef MEENT_SYNC_H
#define MEENT_SYNC_H

#include "gov.h"
#include "link.h"
#include "vector.h"

enum {
    MT_WINDOW_START = 256 * 1024, /* credit both sides have when a session opens */
    MT_SYNC_MISSED_MAX = 8,
};

/* What all sessions of a node look at. */
struct mt_replica {
    struct mt_id own_org;
    struct mt_id region; /* known before act 0 is held: an applicant takes no other */
    struct mt_gov *gov;
    struct mt_chains chains;
    int64_t window_left; /* of MT_WINDOW_ALL */
    struct mt_id *added; /* governance items added since the node last looked */
    size_t n_added, cap_added;
};

enum mt_sync_state {
    MT_SYNC_CLOSED,
    MT_SYNC_FILING,     /* we apply: our request is sent */
    MT_SYNC_APPLICANT,  /* they apply: nothing but a request is taken */
    MT_SYNC_HELLO,      /* our HELLO is sent */
    MT_SYNC_GOVERNANCE, /* items go both ways */
    MT_SYNC_PROOF,      /* one side does not know the other as a member: nothing more for now */
    MT_SYNC_HAVE,       /* our HAVE is sent */
    MT_SYNC_LIVE,
};

/* What is known about one chain on this link. */
struct mt_mark {
    uint64_t theirs; /* they confirmed to hold up to here, or said so */
    uint64_t sent;   /* we sent up to here */
    uint64_t asked;  /* seq of their last row, and how often it came again; before the first: what
                        our HELLO said of it */
    uint8_t again;
    bool queued, late;
    bool proof; /* the chain is the peer's own and forked: it is sent our branch once */
};

struct mt_sync {
    enum mt_sync_state state;
    struct mt_link link;
    struct mt_id org, feed; /* of the peer */
    bool applied;           /* the link was opened with an invitation */
    bool sent_have, got_have;
    bool gov_sent, gov_got;
    bool proof_only;           /* of governance they got no more than the proof of our admission */
    struct mt_hello hello;     /* as we sent it */
    uint64_t hello_generation; /* of the governance set then */
    struct mt_mark *marks;     /* by chain index */
    uint32_t n_marks;
    uint32_t *queue; /* chain indexes with something to send */
    uint32_t n_queue, cap_queue;
    uint32_t n_late;      /* chains that wait for others to send them first */
    int64_t credit;       /* bytes of runs we may still send; one run may overdraw it */
    int64_t granted;      /* window we gave them in all */
    int64_t owed;         /* bytes of runs they sent that are not verified yet */
    uint64_t ping_second; /* wall clock */
    uint32_t pings;       /* they sent in it */
    bool fetching;
    struct mt_id missed[MT_SYNC_MISSED_MAX]; /* chains of runs that came before their certificate */
    uint32_t n_missed;
    uint8_t *out; /* sealed frames to send; from malloc, the node takes it */
    size_t out_n, out_cap;
    uint8_t *scratch; /* MT_MESSAGE_MAX bytes for building messages; the node's */
};

enum mt_sync_want {
    MT_SYNC_NOTHING,
    MT_SYNC_RUN,   /* make this run durable */
    MT_SYNC_FILE,  /* an applicant's request: `join`, in the message */
    MT_SYNC_FILED, /* the inviter holds our request */
    MT_SYNC_PONG,  /* `number` came back */
    MT_SYNC_BYE,   /* they close: `reason`, in the message */
    MT_SYNC_SKEW,  /* their HELLO: `number` is their wall clock */
};

struct mt_sync_out {
    enum mt_sync_want want;
    uint32_t chain; /* RUN: index */
    uint64_t number;
    struct mt_slice join, reason;
};

/* Starts on an open link: says HELLO, or files `join` when we apply (else empty).
 * Errors: MT_ENOMEM. */
MT_MUST enum mt_err mt_sync_open(struct mt_sync *s, struct mt_replica *r, struct mt_slice join,
                                 uint64_t wall_ms);

/* Ends: frees everything, link included, and gives its window back. */
void mt_sync_close(struct mt_sync *s, struct mt_replica *r);

/* Takes one message. Errors: peer class (close the link), MT_ENOMEM. */
MT_MUST enum mt_err mt_sync_message(struct mt_sync *s, struct mt_replica *r,
                                    struct mt_slice message, uint64_t wall_ms,
                                    struct mt_sync_out *out);

/* Membership may have changed: goes on where the session waited for that. */
MT_MUST enum mt_err mt_sync_members(struct mt_sync *s, struct mt_replica *r, uint64_t wall_ms);

/* Tells the peer of items that others brought or we made. `ids` are held. */
MT_MUST enum mt_err mt_sync_items(struct mt_sync *s, struct mt_replica *r, const struct mt_id *ids,
                                  size_t n);

/* A chain grew here. `late`: others are likely to send it, wait a moment. */
MT_MUST enum mt_err mt_sync_grew(struct mt_sync *s, const struct mt_replica *r, uint32_t chain,
                                 bool late);

/* The moment is over: chains that the peer still lacks are queued. */
MT_MUST enum mt_err mt_sync_late(struct mt_sync *s, const struct mt_replica *r);

/* Tells the peer how far a chain is durable here, and returns credit for a run of `bytes` (0: the run
 * was not theirs). `held`: their run fitted, so they hold at least that much. */
MT_MUST enum mt_err mt_sync_mark(struct mt_sync *s, struct mt_replica *r, uint32_t chain,
                                 size_t bytes, bool held);

/* A run of a chain that is not known here yet: returns its credit, and asks for it again when
 * mt_sync_members finds the chain known. Errors: MT_EUNKNOWN (too many), as mt_sync_mark. */
MT_MUST enum mt_err mt_sync_miss(struct mt_sync *s, struct mt_slice run);

/* A chain of the peer's own feed has another branch here: sends the run at the fork point, so that its
 * writer sees its own signature under it and gives the feed up. */
MT_MUST enum mt_err mt_sync_prove(struct mt_sync *s, const struct mt_replica *r, uint32_t chain);

/* Asks the peer to continue a chain from where we are. */
MT_MUST enum mt_err mt_sync_resync(struct mt_sync *s, const struct mt_replica *r, uint32_t chain);

/* Picks what to read next for this peer. Returns false when there is nothing or no credit. */
bool mt_sync_next(struct mt_sync *s, const struct mt_replica *r, uint32_t *chain, uint64_t *first,
                  size_t *max_bytes);

/* Sends a run that was read. `last` is the seq it ends on; empty: there was nothing. */
MT_MUST enum mt_err mt_sync_fetched(struct mt_sync *s, const struct mt_replica *r, uint32_t chain,
                                    struct mt_slice run, uint64_t last);

/* Sends small messages. */
MT_MUST enum mt_err mt_sync_send_number(struct mt_sync *s, enum mt_msg_type type, uint64_t number);
MT_MUST enum mt_err mt_sync_send_filed(struct mt_sync *s);
MT_MUST enum mt_err mt_sync_send_bye(struct mt_sync *s, const char *reason);

/* True when both organisations are members in force. */
bool mt_sync_is_full(const struct mt_sync *s, const struct mt_replica *r);

/* Entries we hold that the peer has not confirmed, and the other way round. Chains that stopped on a
 * fork do not count. */
uint64_t mt_sync_lag(const struct mt_sync *s, const struct mt_replica *r);
uint64_t mt_sync_behind(const struct mt_sync *s, const struct mt_replica *r);

#endif
