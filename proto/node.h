/* node: one organisation's installation, whole: identity, governance, chains, links (layer 5).
 *
 * The caller feeds one event at a time to mt_node_step and then carries out the effects in order.
 * The node never calls back, never looks at a clock and never waits: time and 32 unpredictable
 * bytes come with each event, and whatever must touch the world leaves as an effect. */
#ifndef MEENT_NODE_H
#define MEENT_NODE_H

#include "batch.h"
#include "gov.h"

struct mt_node;

/* ---- events ---- */

enum mt_event_type {
    MT_EV_TICK,      /* the deadline was reached, or any other moment */
    MT_EV_ACCEPTED,  /* a stranger connected: conn, source */
    MT_EV_CONNECTED, /* an MT_FX_CONNECT succeeded: conn */
    MT_EV_BYTES,     /* conn, bytes */
    MT_EV_CLOSED,    /* a connection ended or could not be made: conn, err */
    MT_EV_PERSISTED, /* a batch came back: batch */
    MT_EV_FETCHED,   /* answer to MT_FX_FETCH: conn, chain_no, last, bytes (a run message), err */
    MT_EV_COMMAND,   /* a person or script asks: command */
};

enum mt_command_type {
    MT_CMD_INIT,          /* name, kind (code of the org kind vocabulary) */
    MT_CMD_REGION_CREATE, /* name */
    MT_CMD_INVITE_CREATE, /* name (label of the invitation) -> invite */
    MT_CMD_INVITE_REVOKE, /* name */
    MT_CMD_JOIN,          /* code (text) -> join state */
    MT_CMD_JOIN_CANCEL,   /* joining is given up */
    MT_CMD_APPROVE,       /* name, number -> id of the organisation admitted */
    MT_CMD_WRITE,         /* audience, contents */
    MT_CMD_PING,          /* audience (another member): ask for an answer now, or dial it now */
};

struct mt_command {
    enum mt_command_type type;
    uint64_t request; /* comes back in MT_FX_REPLY; 0: no reply wanted */
    struct mt_slice name;
    struct mt_slice code;
    uint16_t kind;
    uint64_t number;                 /* 12 digits, 0..10^12-1 */
    struct mt_id audience;           /* WRITE: zeros the region, else the other organisation */
    const struct mt_slice *contents; /* WRITE: plaintexts of entries (changes), one entry each */
    uint32_t n_contents;
};

struct mt_event {
    enum mt_event_type type;
    struct mt_time now;
    uint8_t entropy[32]; /* fresh for every event */
    uint64_t conn;       /* given by the caller for ACCEPTED, by the node for CONNECT; never reused.
                            The node's ids have the top bit set. */
    struct mt_slice source; /* ACCEPTED: the peer's host as text, without port */
    struct mt_slice bytes;  /* BYTES, FETCHED; borrowed during the call */
    enum mt_err err;        /* CLOSED, FETCHED */
    uint32_t chain_no;      /* FETCHED */
    uint64_t last;          /* FETCHED */
    struct mt_batch *batch; /* PERSISTED: given back, the node owns it again */
    struct mt_command command;
};

/* ---- effects ---- */

enum mt_effect_type {
    MT_FX_SEND,    /* conn, bytes: write them; the caller takes the memory */
    MT_FX_CLOSE,   /* conn, err: flush what was sent, then close; an MT_EV_CLOSED still follows */
    MT_FX_CONNECT, /* conn, address: open a connection and answer CONNECTED or CLOSED */
    MT_FX_PERSIST, /* batch: make it durable, then MT_EV_PERSISTED. At most one is away at a time */
    MT_FX_PREPARE, /* job: a run whose batch comes later may be prepared; the caller takes the
                      reference, or leaves it */
    MT_FX_FETCH,   /* conn, want: read a run, then MT_EV_FETCHED */
    MT_FX_REPLY,   /* request, err, reply */
    MT_FX_LOG,     /* log: something worth a line; no secrets, no personal data */
    MT_FX_CHANGED, /* records changed here (ours or a peer's): wake watchers */
};

struct mt_reply {
    struct mt_id id;     /* INIT, REGION_CREATE, APPROVE: organisation or region */
    char code[256];      /* INVITE_CREATE: the code, NUL-terminated */
    uint64_t expires_ms; /* INVITE_CREATE: wall time */
    bool deferred;       /* WRITE: unused at present */
    const char *hint; /* why, when err is set; a static stable word such as "name-taken", or NULL */
};

struct mt_log_line {
    const char *event; /* stable name, as in "link_up" */
    struct mt_id org;  /* zeros: none */
    uint64_t conn;
    uint64_t number; /* a count that goes with it */
    enum mt_err err;
};

struct mt_effect {
    enum mt_effect_type type;
    uint64_t conn;
    struct {
        uint8_t *p; /* from malloc; the caller sets it to NULL when it takes it */
        size_t n;
    } bytes;
    char address[MT_ADDRESS_MAX + 1];
    struct mt_batch *batch; /* the caller sets it to NULL when it takes it */
    struct mt_run_job *job; /* as batch */
    struct mt_run_wanted want;
    uint64_t request;
    enum mt_err err;
    struct mt_reply reply;
    struct mt_log_line log;
};

/* ---- life ---- */

struct mt_node_config {
    const char *announce; /* address put into codes and records; "" while unknown; copied */
    const uint8_t
        *installation; /* 32 bytes that name this machine's copy (feed key as the file outside
                                    backups has it); NULL: no such file */
    uint64_t seed;     /* jitter of back-off; any number */
};

/* Makes a node without state. Errors: MT_ENOMEM. */
MT_MUST enum mt_err mt_node_new(struct mt_node **out, const struct mt_node_config *config);
void mt_node_free(struct mt_node *n); /* NULL is fine; wipes secrets */

/* Start-up: give back what the store has, in this order: blobs, items, chains; then mt_node_start.
 * Errors: MT_ECORRUPT, MT_EVERSION, MT_ENOMEM. */
MT_MUST enum mt_err mt_node_load_blob(struct mt_node *n, const char *name, struct mt_slice bytes);
MT_MUST enum mt_err mt_node_load_item(struct mt_node *n, const struct mt_id *id,
                                      struct mt_slice bytes);
MT_MUST enum mt_err mt_node_load_chain(struct mt_node *n, const struct mt_chain_info *chain,
                                       const struct mt_head *head, uint64_t fork);
MT_MUST enum mt_err mt_node_start(struct mt_node *n, const struct mt_time *now,
                                  const uint8_t entropy[static 32]);

/* Takes one event. Never fails: what goes wrong shows in effects. */
void mt_node_step(struct mt_node *n, const struct mt_event *event);

/* Effects of the last step (or of start), valid until the next. The caller may take bytes and
 * batches out by setting them to NULL; what is left is freed. */
struct mt_effect *mt_node_effects(struct mt_node *n, size_t *count);

/* When the node wants an MT_EV_TICK at the latest, in mono_ms; UINT64_MAX: not at all. */
uint64_t mt_node_deadline(const struct mt_node *n);

/* For how long nobody more is to be accepted at `mono_ms`, because callers have taken their part of the
 * time; 0: go on. Who waits outside comes in when it is their turn. */
uint64_t mt_node_accept_in_ms(const struct mt_node *n, uint64_t mono_ms);

/* ---- looking at it: everything borrowed, valid until the next step ---- */

enum mt_node_state {
    MT_NODE_EMPTY,   /* no organisation yet */
    MT_NODE_ALONE,   /* organisation, no region */
    MT_NODE_JOINING, /* a code was given; not a member yet */
    MT_NODE_MEMBER,
};

enum mt_join_state {
    MT_JOIN_NONE,
    MT_JOIN_CALLING, /* the inviter was not reached yet; no number */
    MT_JOIN_FILED,   /* the inviter has our request; the number can be read out */
    MT_JOIN_DONE,
    MT_JOIN_REFUSED, /* code used by another, revoked or expired */
};

struct mt_node_info {
    enum mt_node_state state;
    struct mt_id org;
    char name[MT_NAME_MAX + 1];
    uint16_t kind;
    struct mt_id region;
    char region_name[MT_NAME_MAX + 1];
    struct mt_id governance; /* head */
    struct mt_id feed;
    enum mt_join_state join;
    enum mt_err join_err; /* why the last call did not succeed */
    uint64_t join_number; /* when FILED */
    bool is_seat;
    bool has_key; /* a usable epoch key is at hand */
    uint32_t n_installations;
    uint64_t refused_psk, refused_certificate, refused_timeout; /* links refused since start */
    uint64_t skew_ms_max; /* largest clock difference with a peer that is connected */
    bool retired;         /* this start opened a new installation (copy, restore or rollback) */
    bool level;           /* nobody else is a member, or one told since the start what it holds */
    bool behind;          /* after that: nothing is written until one peer was reached */
    uint32_t forks;       /* chains that stopped on a fork */
};
/* Who and where we are. */
void mt_node_info(const struct mt_node *n, struct mt_node_info *out);

/* The governance set, and the keys that open boxes. */
const struct mt_gov *mt_node_gov(const struct mt_node *n);
const struct mt_keyring *mt_node_keys(const struct mt_node *n);

struct mt_peer_info {
    struct mt_id org;
    struct mt_id feed; /* zeros while never connected */
    bool connected;
    bool dialing;          /* an attempt to connect is under way */
    bool synced;           /* connected and neither side lacks anything known */
    uint64_t lag;          /* entries we hold that it has not confirmed */
    uint64_t behind;       /* entries it is known to hold that we do not */
    uint64_t last_seen_ms; /* wall time; 0 never since start */
    uint64_t rtt_ms;       /* last ping, rounded up; 0 unknown */
    enum mt_err last_err;  /* of the last failed attempt */
    char address[MT_ADDRESS_MAX + 1];
};
/* Peers: every other member organisation. Writes at most `max`; returns how many there are. */
size_t mt_node_peers(const struct mt_node *n, struct mt_peer_info *out, size_t max);

struct mt_invite_info {
    char name[MT_NAME_MAX + 1];
    uint64_t created_ms, expires_ms;
    enum {
        MT_INVITE_OPEN,
        MT_INVITE_FILED,
        MT_INVITE_USED,
        MT_INVITE_REVOKED,
        MT_INVITE_EXPIRED
    } state;
    char applicant[MT_NAME_MAX + 1]; /* name in the join request, once filed */
    struct mt_id org;                /* its root key, once filed */
};
/* Invitations, oldest first. Writes at most `max`; returns how many there are. */
size_t mt_node_invites(const struct mt_node *n, struct mt_invite_info *out, size_t max);

/* Chains that hold entries: of the region, and of pair channels. */
void mt_node_chain_counts(const struct mt_node *n, uint32_t *region, uint32_t *pair);

/* Entries held of an organisation over all chains readable by us. */
uint64_t mt_node_entries(const struct mt_node *n);

/* Tells the node an address at which an organisation's installation listens (from its endpoint
 * record, or typed by a person). Copied. Errors: MT_ENOMEM, MT_ETOOLONG. */
MT_MUST enum mt_err mt_node_address(struct mt_node *n, const struct mt_id *org,
                                    struct mt_slice address);

/* The id of a joined organisation's own `org` record, and of an installation's endpoint record. */
void mt_node_org_rid(const struct mt_id *org, struct mt_rid *out);
void mt_node_endpoint_rid(const struct mt_id *feed, struct mt_rid *out);

#endif
