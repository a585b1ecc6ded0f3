/* sim: many organisations in one process, under a clock, a network and a disk that we make up.
 *
 * Every organisation is a real node and a real store in a directory of its own. Everything that
 * would be chance in the world (delays, order, closes, crashes, full disks, what people do) is drawn
 * from the seed, so that a seed tells the same story every time. What each part does:
 *   world    time, the queue of what is to happen, chance, the trace and its hash
 *   net      connections as byte streams: delay, pieces, cuts, partitions
 *   host     one organisation's daemon: steps its node, carries out effects, crashes, restarts
 *   disk     directories of stores
 *   desk     what a daemon does around its node: commands, and what follows from changes
 *   people   founding, inviting, joining, writing
 *   life     activities, sign-ups, answers, places and placements, through the daemon's commands
 *   ledger   what was written, what was said to be durable, and what it meant
 *   trouble  partitions, crashes, restored copies, strangers, hosts that stop reading
 *   second   a second key of the region, which some are given later than what it opens
 *   caps     queues that must stay short, looked at after every step
 *   check    what must be true when all is quiet
 *   agree    the same for capacity, and for who holds what
 *   plan     what kind of story a seed tells, as numbers that can be given and made smaller
 *   story    one run from beginning to end
 *   shrink   the smallest plan that still fails
 *   plant    defects put in on purpose, to show that they are found
 *   stand_in two costly functions done once where the machine would do them for every host */
#ifndef MEENT_SIM_H
#define MEENT_SIM_H

#include "node.h"
#include "query.h"
#include "store_prepare.h"

#include <stdio.h>

enum {
    SIM_HOSTS_MAX = 13,
    SIM_STRANGER = -1,
    SIM_COMMANDS_MAX = 64, /* commands of one host that wait for an answer */
    SIM_WRITES_MAX = 24,   /* records one command writes */
    SIM_OPEN_MAX = 48,     /* writes of one record whose outcome is not known */
    SIM_TAPE_MAX = 256,    /* bytes of a first frame that strangers play again */
    SIM_LINES_MAX = 40,    /* lines of a story kept from its beginning, and as many from its end */
    SIM_LINE_MAX = 120,
    SIM_WHY_MAX = 256,
    SIM_PLAN_TEXT_MAX = 512,
};

/* A word that is written in pair channels only, and must never be found in a file. */
#define SIM_SECRET "vertrouwelijk"

/* Hears of the answer to a command, as in engine.h. */
typedef void (*mt_reply_fn)(void *arg, enum mt_err err, const struct mt_reply *reply);

/* ---- world ---- */

struct chance {
    uint64_t state;
};

uint64_t chance_next(struct chance *c);
uint64_t chance_below(struct chance *c, uint64_t n);               /* 0 to n - 1 */
uint64_t chance_between(struct chance *c, uint64_t a, uint64_t b); /* both included */
bool chance_hits(struct chance *c, unsigned per_mille);
void chance_fill(struct chance *c, void *p, size_t n);

enum happening {
    AT_PEOPLE,    /* a look at what people do next */
    AT_TROUBLE,   /* a look at what goes wrong next */
    AT_TICK,      /* host: the node's deadline */
    AT_APPLY,     /* host: the worker gets to the batch */
    AT_PERSISTED, /* host: the batch comes back */
    AT_FETCH,     /* host: the store is asked for a run */
    AT_CLOSED,    /* host: a connection is over */
    AT_ARRIVE,    /* wire: the dial reaches the other host */
    AT_CONNECTED, /* wire: and the answer the dialler */
    AT_PUMP,      /* wire, side: bytes are due */
    AT_FOLLOW,    /* host: what follows from a change is looked at */
    AT_ANSWER,    /* host: those who gave commands hear what came of them */
    AT_RESTART,   /* host */
};

struct event {
    uint64_t at_ms, serial;
    enum happening what;
    int host;
    uint32_t life; /* of the host: what was meant for an earlier one is void */
    uint64_t conn;
    uint32_t wire, wire_serial;
    int side;
    enum mt_err err;
    struct mt_run_wanted want; /* FETCH */
};

/* Bytes, or the end, on their way in one direction. */
struct piece {
    struct piece *next;
    uint64_t at_ms;
    bool is_end;
    size_t n;
    uint8_t bytes[];
};

/* A connection. Side 0 dialled. */
struct wire {
    bool used;
    uint32_t serial;
    int host[2]; /* or SIM_STRANGER */
    uint32_t life[2];
    uint64_t conn[2];                /* 0: not told of it yet */
    bool gone[2];                    /* that side closed it, crashed, or was told that it is over */
    bool dead;                       /* cut in silence: nothing comes through */
    struct piece *head[2], *tail[2]; /* from that side to the other */
    size_t queued[2];
    uint64_t last_ms[2];
};

/* What somebody wrote to one record. */
struct record {
    int author, other; /* other: -1 the region */
    uint16_t kind;
    bool is_life;                /* written through the daemon's commands */
    bool is_withdrawn;           /* and that was acknowledged */
    struct mt_rid id, about;     /* about: of a sign-up, an answer, a placement */
    uint64_t acknowledged;       /* value; 0 none */
    uint64_t open[SIM_OPEN_MAX]; /* values that may have become durable later than that */
    unsigned n_open;
    bool may_be_lost; /* acknowledged by a copy that was rolled back before anyone heard of it */
};

struct command {
    uint64_t request; /* 0: free */
    enum mt_command_type type;
    int subject; /* INVITE, APPROVE: the host it is about */
    uint64_t value;
    unsigned n;
    uint32_t records[SIM_WRITES_MAX];
    mt_reply_fn fn; /* who hears of the answer too, a turn later; NULL: nobody */
    void *fn_arg;
    bool answered;
    enum mt_err err;
    struct mt_reply reply;
};

/* Whether a host takes part. */
enum health {
    WELL,
    DEAF,   /* reads nothing any more; it still sends, and its timers run */
    FROZEN, /* does nothing any more, while its connections stay */
};

struct host {
    int index;
    struct mt_store *store;
    struct mt_node *node;
    struct mt_prepare *prepare;
    struct power *power; /* its disk */
    bool up;
    uint32_t life;
    struct chance chance;
    uint64_t mono_base, wall_base;
    bool is_slow; /* reads little at a time, and late */
    uint64_t next_conn, tick_at;
    struct mt_batch *away;
    bool applied;
    enum mt_err degraded; /* what came of the last batch */
    bool follows;         /* a change is going to be looked at */
    bool was_writer;
    struct desk *desk;
    enum health health; /* but for WELL, for ever */
    uint64_t waits;     /* entries that wait for a key, when last counted */
    bool forgets;       /* planted: the batch that is away will be lost though its answer was ok */
    uint8_t installation[32]; /* the file outside backups */
    bool has_installation;
    uint32_t told;       /* bit per host: its address is known here */
    unsigned idle_ticks; /* ticks in a row that asked for the next one at once */
    struct command commands[SIM_COMMANDS_MAX];
    struct mt_id org;
    char code[256]; /* the code it was given */
    bool gives_up;  /* on the code it was given */
    bool is_spy;    /* never approved */
    bool has_copy;
    uint8_t copy_feed[32];
    uint64_t copy_end; /* of its region chain */
    uint32_t rollbacks;
    uint64_t full_until_ms;                /* its disk */
    bool said_init, said_join, said_found; /* answered ok: must be true after every start */
    uint32_t said_approve;                 /* bit per host */
    bool silent; /* writes nothing: rolled back, and nobody was reached since */
    uint64_t events;
};

/* All of a story that is not chance. Every field but `hosts` has a name in plan.c. */
struct plan {
    int hosts; /* members and spies */
    int members, spies, story_ms;
    int write, big, full_disk, io_error, crash, cut, stranger; /* per mille of a look */
    int silent_cut, one_way;                                   /* per mille of the cuts */
    int slow;                                                  /* so many hosts read slowly */
    int slow_on;                                               /* even when all is well */
    int stuck;                                                 /* one stops: 1 reading, 2 at all */
    int life;    /* per mille of a look: a command of the daemon's */
    int second;  /* 1: the founder makes a second key */
    int skew;    /* per mille of the hosts and of the restarts: a clock that is far off */
    int hurries; /* restarts under way at the end */
    int rollback, fork, rollback_host;
    int salt; /* the same plan with other chances */
};

/* Defects that are not in the product: what the host does wrong when one is planted. */
enum plant {
    PLANT_NONE,
    PLANT_DROP,   /* the answer that a batch is durable never comes */
    PLANT_LOSE,   /* a batch that was said to be durable is gone after a crash */
    PLANT_STRAY,  /* what two organisations share lands in the store of a third */
    PLANT_SKIP,   /* a piece of the node's own state is not stored */
    PLANT_TWIN,   /* a copy that was put back goes on with the chain of the newer */
    PLANT_LIE,    /* a refused write is answered with ok */
    PLANT_ROOM,   /* who answers sign-ups sees no capacity, and shows what it accepted */
    PLANT_LEAK,   /* the key of a pair is known to a third */
    PLANT_FLOOD,  /* what is sent to a peer is not counted */
    PLANT_SEALED, /* a key came, and what waited for it is not read */
    PLANT_EAGER,  /* the disk is not waited for */
    PLANT_COUNT
};

struct sim {
    uint64_t seed;
    FILE *trace; /* NULL, or where every line goes */
    bool keep;
    bool failed;
    char why[SIM_WHY_MAX];
    char (*lines)[SIM_LINE_MAX]; /* 2 * SIM_LINES_MAX, or NULL when nobody reads the story */
    uint64_t n_lines;
    struct plan plan;
    enum plant plant;
    uint64_t n_planted;
    struct chance chance;
    uint64_t now_ms, serial, events, requests;
    uint64_t hash;
    struct event *heap;
    size_t n_heap, cap_heap;
    struct wire *wires;
    uint32_t n_wires, cap_wires, wire_serial;
    bool cut[SIM_HOSTS_MAX][SIM_HOSTS_MAX]; /* from, to */
    bool is_calm;                           /* no more trouble, no more writes */
    struct second *second;
    bool is_hurried; /* people wrote in spite of that */
    struct host hosts[SIM_HOSTS_MAX];
    struct record *records;
    uint32_t n_records, cap_records;
    uint64_t values; /* last value written */
    uint32_t *meant; /* by value: what it says besides, in the words of life.c; 0 nothing */
    size_t cap_meant;
    uint64_t n_commands, n_waited, n_over, n_acknowledged, n_refused, n_crashes, n_rollbacks,
        n_cuts;
    uint8_t tape[SIM_TAPE_MAX];
    size_t tape_n;
    char base[64];
};

/* Ends the run: something that must hold does not. */
void sim_fail(struct sim *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A line of the trace, and into the hash. `host` < 0: nobody's. */
void sim_note(struct sim *s, int host, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same for what a story can do without. */
void sim_detail(struct sim *s, int host, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

void sim_mix(struct sim *s, const void *p, size_t n); /* into the hash only */

void sim_at(struct sim *s, uint64_t delay_ms, struct event e);

/* Runs until `until_ms`, a failure, or a quiet moment when `quiet` is given and says so. */
void sim_run(struct sim *s, uint64_t until_ms, bool (*quiet)(struct sim *s));

/* ---- net ---- */

void net_dial(struct sim *s, struct host *from, uint64_t conn, const char *address);
void net_send(struct sim *s, struct host *from, uint64_t conn, const uint8_t *p, size_t n);
void net_close(struct sim *s, struct host *from, uint64_t conn, enum mt_err err);
void net_arrive(struct sim *s, const struct event *e);
void net_connected(struct sim *s, const struct event *e);
void net_pump(struct sim *s, const struct event *e);
void net_crash(struct sim *s, struct host *h);

/* From now on nothing gets from `a` to `b`. Silently: connections between them die of it. */
void net_cut(struct sim *s, int a, int b, bool silently);
void net_heal(struct sim *s);
void net_free(struct sim *s);

/* A stranger dials `h` and sends these bytes; then it closes, or says nothing more. */
void net_stranger(struct sim *s, struct host *h, const uint8_t *p, size_t n, bool closes);

/* ---- host ---- */

void host_start(struct sim *s, struct host *h);
void host_crash(struct sim *s, struct host *h);
void host_stop(struct host *h); /* at the end */
void host_step(struct sim *s, struct host *h, struct mt_event *event);
void host_happens(struct sim *s, const struct event *e);

/* Gives a command. Returns where its answer is kept track of, or NULL when the host is not up or has
 * too many; `keep` is copied there. */
bool host_command(struct sim *s, struct host *h, struct mt_command *command,
                  const struct command *keep);
void host_arm(struct sim *s, struct host *h);     /* its deadline may have changed */
void host_changed(struct sim *s, struct host *h); /* records did: has that looked at */
bool host_has_room(const struct host *h);         /* for one more command */
bool host_waits_for(const struct host *h, enum mt_command_type type, int subject);
struct mt_node_info host_info(const struct host *h);
bool host_is_member(const struct host *h);

/* ---- disk ---- */

bool disk_prepare(struct sim *s);
void disk_clean(struct sim *s);
void disk_path(const struct sim *s, const struct host *h, char *out, size_t size);
bool disk_copy(const struct sim *s, const struct host *h); /* keeps a copy */
bool disk_restore(const struct sim *s, struct host *h);    /* puts it back */
bool disk_save(const struct sim *s, const struct host *h); /* the same beside that copy */
bool disk_undo(const struct sim *s, struct host *h);
void disk_start(struct sim *s, struct host *h); /* before its store opens */
void disk_stop(struct host *h);                 /* what it holds then is durable */
bool disk_is_lazy(const struct sim *s);         /* planted: syncs nothing */

/* Applies the batch that is away, while the disk does what disks do. False: the host ended in it. */
bool disk_apply(struct sim *s, struct host *h);
void disk_crash(struct sim *s, struct host *h); /* a host that is down: its power may go as well */
void disk_lose(struct sim *s, struct host *h);  /* or does */

/* ---- desk ---- */

void desk_open(struct sim *s, struct host *h);
void desk_close(struct host *h); /* whoever waits for an answer gets none */
void desk_follow(struct sim *s, struct host *h);

/* Asks the daemon's command table; `params` is copied. `said`: called with the answer, unless the
 * host ends before it; may be NULL. */
typedef void (*desk_fn)(struct sim *s, struct host *h, uint64_t value, enum mt_err err);
void desk_ask(struct sim *s, struct host *h, const char *method, struct mt_slice params,
              uint64_t value, desk_fn said);

/* Opens a query as a command would. Fails the run when that fails. */
bool desk_query(struct sim *s, const struct host *h, struct mt_query *q,
                char message[static MT_QUERY_MESSAGE_MAX]);

/* ---- ledger ---- */

struct record *ledger_add(struct sim *s, int author, int other, uint16_t kind);
struct record *ledger_find(struct sim *s, uint16_t kind, const struct mt_rid *id);
uint8_t ledger_field(uint16_t kind); /* of the text that begins with the value's number */
bool ledger_open(struct sim *s, struct record *r, uint64_t value); /* false: too many are open */

/* A value that says `meaning` besides. */
uint64_t ledger_value(struct sim *s, uint32_t meaning);
uint32_t ledger_meant(const struct sim *s, uint64_t value);

/* Notes what a write is about to change. */
void ledger_note(struct sim *s, struct host *h, const struct mt_command *c, struct command *keep);
void ledger_answered(struct sim *s, const struct command *c, enum mt_err err);

/* ---- life ---- */

void life_look(struct sim *s, struct host *h);

/* What the fields of a record say besides their text, as ledger_value was told. */
uint32_t life_meaning(uint16_t kind, struct mt_slice fields);

/* ---- second ---- */

void second_look(struct sim *s);
bool second_is_done(struct sim *s); /* everybody was given it */
void second_free(struct sim *s);

/* ---- caps ---- */

void caps_check(struct sim *s, struct host *h); /* after a step */

/* Bytes that may wait on a connection to `to` (NULL: it is not up), which calls it `conn`. */
size_t caps_wire(const struct host *to, uint64_t conn);

/* ---- people, trouble ---- */

void people_look(struct sim *s);
void people_hurry(struct sim *s); /* somebody writes, whatever the time */
void people_answered(struct sim *s, struct host *h, const struct command *c, enum mt_err err,
                     const struct mt_reply *reply);
void trouble_look(struct sim *s);
void trouble_ends(struct sim *s);

/* ---- check ---- */

bool check_is_quiet(struct sim *s);
void check_quiet(struct sim *s, const char *when); /* fails, and says what is still going on */
bool check_is_level(const struct sim *s, const struct host *h); /* with every other member */
void check_agreement(struct sim *s);                            /* all views have one digest */
void check_promises(struct sim *s, const struct host *h);
void check_all(struct sim *s);
void check_waiting(struct sim *s, struct host *h); /* after a batch */
bool check_is_out(const struct sim *s, int host);  /* takes no part any more */

void agree_check(struct sim *s);

/* ---- plan, story, shrink, plant ---- */

void plan_make(struct plan *p, uint64_t seed);
void plan_settle(struct plan *p);                  /* makes its fields fit each other */
bool plan_read(struct plan *p, const char *text);  /* "name=number,..."; others stay */
void plan_print(const struct plan *p, char *text); /* SIM_PLAN_TEXT_MAX bytes */
size_t plan_fields(void);
const char *plan_field(struct plan *p, size_t i, int **value, int *least);

struct run {
    uint64_t seed;
    struct plan plan;
    enum plant plant;
    FILE *trace; /* NULL, or where every line goes */
    bool keep;
    FILE *story;              /* NULL, or where the story goes */
    bool (*is_stopped)(void); /* asked by shrink; NULL: never */
    /* Filled in: */
    bool ok;
    uint64_t hash, planted;
    char why[SIM_WHY_MAX];
    char line[SIM_WHY_MAX + 256]; /* all of it in a line */
};

void story_run(struct run *run);

/* Makes the plan of a failing run as small as it gets. Returns how many runs that took. */
unsigned shrink(struct run *run);

const char *plant_name(enum plant plant);
void plant_plan(struct plan *p, enum plant plant); /* troubles without which it does nothing */
bool plant_drops(struct sim *s, struct host *h);   /* the answer of the worker */
bool plant_lies(struct sim *s, const struct command *c, enum mt_err err);
void plant_apply(struct sim *s, struct host *h); /* mt_apply, rightly or not */
void plant_persisted(struct sim *s, struct host *h);
void plant_stepped(struct sim *s, struct host *h);
uint64_t plant_overbooks(struct sim *s, const struct host *h, const struct mt_signups *signups);

/* The number of entries a store holds of the chain of `feed` with this audience. */
uint64_t check_chain_end(struct mt_store *store, const struct mt_id *feed,
                         const struct mt_id *other);

#endif
