/* node_internal: what the files of the node share. */
#ifndef MEENT_NODE_INTERNAL_H
#define MEENT_NODE_INTERNAL_H

#include "code.h"
#include "node.h"
#include "sync.h"

enum {
    MT_CONNS_MAX = /* as many may be on their way out as can leave in one turn of a loop */
    MT_LINKS_MAX + MT_DIALS_MAX + 2 * (MT_SILENT_MAX + MT_ANSWERED_MAX),
    MT_CERTIFICATE_MAX = 640, /* bytes of a certificate item, signature included */
    MT_JOIN_ITEM_MAX = 512,   /* bytes of a join request item */
    MT_LATE_MS = 250,         /* how long others get to send a run that is not ours */
    MT_RETRY_MS = 1000,       /* after the store refused a batch */
    MT_POLL_MS = 10000,       /* an applicant asks again this often */
};

/* Everything secret of this installation; lives in secret memory. */
struct mt_secrets {
    uint8_t seed[32];
    struct mt_sign_key root;
    struct mt_dh_key grant;
    uint8_t feed_seed[32];
    struct mt_sign_key feed;
    struct mt_dh_key link;
};

/* A channel with another organisation, or with our own. */
struct mt_channel {
    struct mt_id org;
    uint8_t key[32];
    uint8_t box_key[32];
};

struct mt_invite {
    struct mt_invite_info info;
    uint8_t secret[16];
    uint8_t psk[32];
    uint8_t certificate[MT_CERTIFICATE_MAX]; /* of the one that used it first */
    size_t certificate_n;
    uint8_t join[MT_JOIN_ITEM_MAX];
    size_t join_n;
};

/* What an applicant keeps of the code it was given. */
struct mt_joining {
    bool active;
    enum mt_join_state state;
    enum mt_err err;
    char address[MT_ADDRESS_MAX + 1];
    uint8_t region16[16], inviter16[16], governance16[16];
    uint8_t secret[16];
    uint8_t psk[32];
    struct mt_id region; /* full, once the inviter's certificate was seen */
    struct mt_id inviter;
    uint64_t number;
};

struct mt_peer {
    struct mt_id org;
    struct mt_id feed;
    char address[MT_ADDRESS_MAX + 1];
    uint64_t conn; /* open session, 0 none */
    uint64_t dialing;
    uint64_t dial_at; /* mono; UINT64_MAX while there is no address */
    uint64_t backoff_ms;
    uint64_t last_seen_ms, rtt_ms;
    uint64_t source;      /* where it last called from, as in mt_conn; 0 */
    uint64_t home;        /* the same of its address, when that is one of numbers */
    unsigned cut_off;     /* calls in a row that it took and ended before a session */
    bool asked;           /* somebody waits for a pong */
    uint64_t lag, behind; /* as of the last session */
    bool met;             /* lag and behind are from a session */
    enum mt_err last_err;
};

struct mt_conn {
    uint64_t id;
    struct mt_sync sync;
    bool initiator, applying; /* applying: we dialled with an invitation */
    bool is_open;             /* handshake done */
    bool closing;             /* MT_FX_CLOSE is out */
    struct mt_id dialed;      /* organisation we meant to reach; zeros */
    int invite;               /* index of the invitation whose key opened it; -1 */
    uint64_t source;          /* hash of the host that called */
    bool is_known;            /* a member called from there before */
    uint64_t serial;          /* lower is older */
    uint64_t deadline_ms;     /* handshake: mono */
    uint64_t opened_ms;
    uint64_t heard_ms, sent_ms;
    int64_t clock_ahead_ms; /* their wall clock before our monotonic one, at their hello */
    bool has_clock;
    uint64_t ping_ms;                        /* when the last ping left; 0 none out */
    uint64_t challenged_ms;                  /* to be heard by then, or it gives way; UINT64_MAX */
    uint64_t late_ms;                        /* when late chains are due; UINT64_MAX */
    uint8_t certificate[MT_CERTIFICATE_MAX]; /* theirs */
    size_t certificate_n;
};

/* Our certificate as callers are shown it. */
struct mt_shown {
    struct mt_certificate says;
    uint8_t item[MT_CERTIFICATE_MAX];
    size_t n; /* 0: none yet */
};

/* How many lines may still be written before `until_ms`, and how many were not. */
struct mt_lines {
    uint64_t until_ms, left, skipped;
};

/* A request that waits for a batch. */
struct mt_waiter {
    uint64_t request;
    struct mt_reply reply;
};

/* Entries of one of our chains that the batch will carry. */
struct mt_local {
    uint32_t chain;
    struct mt_local_entry *entries;
    uint32_t n, cap;
    uint32_t unsigned_n;
    size_t unsigned_bytes;
};

/* A batch being filled, waiting or away, and what hangs on it. */
struct mt_work {
    struct mt_work *next;
    struct mt_batch *batch;
    struct mt_waiter *waiters;
    size_t n_waiters, cap_waiters;
    struct mt_local *locals;
    size_t n_locals, cap_locals;
    struct mt_id *items; /* governance items it saves */
    size_t n_items, cap_items;
    bool announce; /* tell peers of the items once they are durable */
    bool own_run;  /* holds a run of a chain of ours, which a peer sent: entries of our own may not
                      stand in the same batch, since they might not continue the chain then */
    size_t run_bytes; /* of peers */
};

/* The end of a chain of ours including what is not durable yet. */
struct mt_tip {
    uint32_t chain;
    struct mt_head head;
};

struct mt_node {
    struct mt_time now;
    struct mt_rng rng;
    char announce[MT_ADDRESS_MAX + 1];
    uint8_t installation[32];
    bool has_installation;
    uint64_t jitter;

    struct mt_secrets *secret; /* NULL before init */
    struct mt_shown shown;
    char name[MT_NAME_MAX + 1];
    uint16_t kind;
    uint64_t number; /* of this installation */
    struct mt_id replaces;
    bool retired;    /* this start opened a new installation */
    bool level;      /* since the start a peer told what it holds, and we have it */
    bool behind;     /* our own older entries may be missing: nothing is written until a
                                  peer has told what it holds */
    bool retire_due; /* our chain was seen ahead of us */
    bool is_doubted; /* a peer refused something: runs are checked before they are sent */

    struct mt_replica replica;
    uint64_t generation;     /* of the governance set, as last looked at */
    struct mt_epoch *epochs; /* secret memory, MT_PSKS_MAX */
    size_t n_epochs;
    struct mt_channel *channels; /* secret memory, ascending by org */
    size_t n_channels, cap_channels;
    struct mt_keyring *ring;
    struct mt_tip *tips;
    size_t n_tips, cap_tips;

    struct mt_invite invites[MT_INVITES_MAX];
    size_t n_invites;
    struct mt_joining joining;
    uint64_t join_dial_at, join_backoff_ms, join_conn;

    struct mt_peer *peers; /* ascending by org */
    size_t n_peers, cap_peers;
    struct mt_conn *conns[MT_CONNS_MAX];
    size_t n_conns;
    uint64_t next_conn, next_serial;
    uint64_t spent_us;        /* mono; until then callers have used up what they may */
    struct mt_lines lines[2]; /* about links of strangers, of members */
    uint8_t *scratch;

    struct mt_slice *early; /* items loaded before what they refer to; from malloc */
    size_t n_early, cap_early;

    bool dirty_identity, dirty_invites, dirty_joining;
    bool retry_waiting;    /* a key came: read what waited for it */
    struct mt_id *unsaved; /* governance items not durable yet */
    size_t n_unsaved, cap_unsaved;
    uint64_t retry_at;
    struct mt_work *filling, *queue, *queue_end, *away;
    bool
        unsettled; /* what follows from new items could not be worked out: sessions were not told */
    bool oom; /* an allocation failed during this step: links are closed, nothing is half done */

    struct mt_effect *effects;
    size_t n_effects, cap_effects;
    size_t n_owed; /* effects that must leave one day, whatever memory there is then */
    uint64_t refused_psk, refused_certificate, refused_timeout;
};

/* Arrays that double. Returns false when out of memory. */
bool mt_node_grow(void **p, size_t *cap, size_t n, size_t size);

/* node.c: effects. Emit gives NULL when out of memory. A connection must be closed and a request
 * answered all the same: their room is taken with owe when they begin, and pay uses it. Each event
 * may owe one more than that. */
struct mt_effect *mt_node_emit(struct mt_node *n, enum mt_effect_type type);
bool mt_node_owe(struct mt_node *n);
struct mt_effect *mt_node_pay(struct mt_node *n, enum mt_effect_type type);
void mt_node_log(struct mt_node *n, const char *event, const struct mt_id *org, uint64_t conn,
                 uint64_t number, enum mt_err err);
void mt_node_reply(struct mt_node *n, uint64_t request, enum mt_err err,
                   const struct mt_reply *reply, const char *hint);

/* node_identity.c */
enum mt_err mt_node_init_org(struct mt_node *n, struct mt_slice name, uint16_t kind);
enum mt_err mt_node_found_region(struct mt_node *n, struct mt_slice name);
enum mt_err mt_node_retire(struct mt_node *n);
enum mt_err mt_node_ensure_certificate(struct mt_node *n);
enum mt_err mt_node_certificate(const struct mt_node *n, const struct mt_id *region,
                                struct mt_writer *w);
enum mt_err mt_node_show(struct mt_node *n, struct mt_writer *w); /* the same, signed before */
enum mt_err mt_node_derive(struct mt_node *n); /* after the governance set changed */
enum mt_err mt_node_save_identity(struct mt_node *n, struct mt_work *w);
enum mt_err mt_node_read_identity(struct mt_node *n, struct mt_slice bytes);
enum mt_err mt_node_add_own_item(struct mt_node *n, struct mt_slice item, struct mt_id *id);
bool mt_node_reserve_unsaved(struct mt_node *n); /* room for one item more than there can be */
const struct mt_epoch *mt_node_epoch(const struct mt_node *n); /* the usable one, or NULL */
const struct mt_channel *mt_node_channel(const struct mt_node *n, const struct mt_id *org);
bool mt_node_is_member(const struct mt_node *n);

/* node_invite.c, node_join.c */
uint64_t mt_node_invite_number(const uint8_t secret[static 16], const struct mt_id *inviter,
                               struct mt_slice certificate);
enum mt_err mt_node_greet_inviter(struct mt_node *n, const struct mt_certificate *cert);
enum mt_err mt_node_invite(struct mt_node *n, struct mt_slice name, struct mt_reply *reply,
                           const char **hint);
enum mt_err mt_node_revoke(struct mt_node *n, struct mt_slice name);
enum mt_err mt_node_join(struct mt_node *n, struct mt_slice code, const char **hint);
enum mt_err mt_node_join_cancel(struct mt_node *n);
void mt_node_drop_joining(struct mt_node *n); /* of a node that is in no region */
enum mt_err mt_node_approve(struct mt_node *n, struct mt_slice name, uint64_t number,
                            struct mt_reply *reply, const char **hint);
enum mt_err mt_node_file(struct mt_node *n, struct mt_conn *c, struct mt_slice join);
void mt_node_filed(struct mt_node *n, struct mt_conn *c);
enum mt_err mt_node_join_item(struct mt_node *n, struct mt_writer *w);
bool mt_node_invite_usable(struct mt_node *n, struct mt_invite *v);
enum mt_err mt_node_save_invites(struct mt_node *n, struct mt_work *w);
enum mt_err mt_node_read_invites(struct mt_node *n, struct mt_slice bytes);
enum mt_err mt_node_save_joining(struct mt_node *n, struct mt_work *w);
enum mt_err mt_node_read_joining(struct mt_node *n, struct mt_slice bytes);

/* node_link.c */
struct mt_conn *mt_node_conn(struct mt_node *n, uint64_t id);
void mt_node_accepted(struct mt_node *n, const struct mt_event *ev);
void mt_node_connected(struct mt_node *n, const struct mt_event *ev);
void mt_node_bytes(struct mt_node *n, const struct mt_event *ev);
void mt_node_closed(struct mt_node *n, const struct mt_event *ev);
void mt_node_close(struct mt_node *n, struct mt_conn *c, enum mt_err err);
void mt_node_dial_due(struct mt_node *n);
enum mt_err mt_node_ping(struct mt_node *n, const struct mt_id *org); /* MT_ENOTFOUND: no member */
void mt_node_timers(struct mt_node *n);
uint64_t mt_node_link_deadline(const struct mt_node *n);

/* node_admit.c: whether an accepted connection gets a place; another may lose it. Also the time that
 * callers take and the lines about links, of which there may be only so many. */
uint64_t mt_node_host(struct mt_slice text); /* a hash; not 0 */
void mt_node_source(struct mt_node *n, struct mt_conn *c, struct mt_slice source);
void mt_node_spend(struct mt_node *n, uint64_t us);            /* on a caller */
bool mt_node_may_wait(struct mt_node *n, struct mt_conn *c);   /* for its first frame */
bool mt_node_may_answer(struct mt_node *n, struct mt_conn *c); /* to its first frame */
enum mt_err mt_node_make_room(struct mt_node *n, struct mt_conn *c);
bool mt_node_is_guest(const struct mt_node *n, const struct mt_conn *c);
void mt_node_log_link(struct mt_node *n, const struct mt_conn *c, const char *event,
                      uint64_t number, enum mt_err err);
void mt_node_log_skipped(struct mt_node *n);
uint64_t mt_node_log_deadline(const struct mt_node *n);

/* node_peer.c */
struct mt_peer *mt_node_peer(struct mt_node *n, const struct mt_id *org, bool create);
void mt_node_adopt(const struct mt_node *n, struct mt_peer *p, const struct mt_conn *except);
uint64_t mt_node_jitter(struct mt_node *n, uint64_t ms);

/* node_session.c */
void mt_node_flush(struct mt_node *n, struct mt_conn *c);
void mt_node_message(struct mt_node *n, struct mt_conn *c, uint8_t *take_message, size_t len);
void mt_node_opened(struct mt_node *n, struct mt_conn *c);
enum mt_err mt_node_challenge(struct mt_node *n, struct mt_conn *c, uint64_t ms);
void mt_node_fetched(struct mt_node *n, const struct mt_event *ev);
void mt_node_level(struct mt_node *n);
void mt_node_grew(struct mt_node *n, uint32_t chain, bool late);
void mt_node_pump(struct mt_node *n); /* asks for runs to read, hands out bytes to send */

/* node_batch.c, node_saved.c */
struct mt_work *mt_node_work(struct mt_node *n); /* the batch being filled; NULL: out of memory */
enum mt_err mt_node_write(struct mt_node *n, const struct mt_command *cmd, const char **hint);
enum mt_err mt_node_wait(struct mt_node *n, uint64_t request, const struct mt_reply *reply);
enum mt_err mt_node_take_run(struct mt_node *n, uint64_t conn, uint32_t chain,
                             uint8_t *take_message, size_t len);
void mt_node_persisted(struct mt_node *n, struct mt_batch *batch);
enum mt_err mt_node_save_due(struct mt_node *n); /* what failed is tried again later */
void mt_node_submit(struct mt_node *n);
void mt_node_work_free(struct mt_work *w);
void mt_node_fail_waiting(struct mt_node *n, enum mt_err err); /* all works but the one away */
uint64_t mt_node_save_deadline(const struct mt_node *n);

#endif
