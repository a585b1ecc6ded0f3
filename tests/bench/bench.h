/* bench: what the benchmark of whole daemons is made of.
 *
 * report.c rows of the table · limit.c what this machine can do at best · fill.c a store with many
 * changes · org.c daemons, their control sockets and what /proc says of them · proxy.c a loopback
 * proxy that counts, cuts and delays. */
#ifndef MEENT_BENCH_H
#define MEENT_BENCH_H

#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "client.h"
#include "limits.h"
#include "types.h"

enum { BENCH_CONTENT = 256 }; /* bytes of msgpack of one change */

/* Ends the program with `what` on stderr unless `ok`: daemons are ended and files removed first. */
void bench_need(bool ok, const char *what);

/* Called once by bench_need before it ends the program. */
void bench_on_failure(void (*fn)(void));

double bench_now(void); /* seconds, monotonic */
void bench_sleep(double seconds);
double bench_median(double *values, size_t n); /* sorts them */

/* ---- report ---- */

#define BENCH_NONE (-1.0) /* no limit, no target */

/* How a value compares: a ratio of 1 is what the machine can do at best. */
enum bench_better { BENCH_MORE, BENCH_LESS };

/* Prints a row, and appends it as a line of JSON to the file that MEENT_BENCH_ROWS names. */
void bench_report(const char *name, double value, const char *unit, double limit,
                  enum bench_better better, double target);

/* ---- limits of the machine ---- */

struct bench_limits {
    double read_per_s;  /* received: open frames and boxes, hash, one signature per run, append */
    double write_per_s; /* own: seal, hash, one signature per run, append */
    double rtt_ms;      /* there and back on loopback between two processes */
    double dh_ms;       /* one X25519 */
    double sign_ms;     /* one Ed25519 verification */
};

/* Measures on `n` changes, in files in `dir` that it removes; those received come over again up to
 * `total`, since what a machine writes down later takes it longer. */
void bench_limits(const char *dir, uint32_t n, uint32_t total, struct bench_limits *out);

/* One small durable LMDB transaction; asked again beside each figure that waits for one, because
 * what else the disk does changes it. */
double bench_commit_ms(const char *dir);

/* ---- contents ---- */

/* Writes change `i` of exactly BENCH_CONTENT bytes: an activity hosted by `org`. Returns bytes. */
size_t bench_content(const struct mt_id *org, uint64_t i, uint8_t out[static BENCH_CONTENT]);

/* Writes `n` entries of one change into the state directory of a daemon that does not run.
 * Returns the seconds that took. */
double bench_fill(const char *state_dir, const char *announce, uint64_t n);

/* ---- daemons ---- */

struct bench_org {
    char dir[96];
    char socket[128];
    int port;   /* announced */
    int listen; /* where the daemon listens: `port`, or behind a proxy */
    pid_t pid;  /* 0: not running */
    struct mt_client client;
};

/* Makes directory and keys for a daemon; a free port. */
void org_make(struct bench_org *o, const char *base, const char *name);
void org_start(struct bench_org *o); /* writes the configuration, waits until it answers */
void org_spawn(struct bench_org *o); /* the same without waiting */
bool org_answers(struct bench_org *o);
void org_stop(struct bench_org *o);
void org_kill(struct bench_org *o); /* safe at any time */

/* Calls and returns the result; `format` and arguments as json_pack. Ends the program on error. */
json_t *org_call(struct bench_org *o, const char *method, const char *format, ...);
json_int_t org_entries(struct bench_org *o);

struct bench_peer {
    bool connected, synced;
    json_int_t lag, behind;
};
struct bench_peer org_peer(struct bench_org *o); /* the only other member */

/* Runs build/meent with these arguments (NULL-terminated), its output thrown away. Returns seconds;
 * ends the program when it fails. */
double org_run(struct bench_org *o, const char *const *argv);
double bench_run(const char *program, const char *socket, const char *const *argv);
const char *bench_build(void); /* directory of the programs */

double proc_anon_mb(pid_t pid);
double proc_cpu_s(pid_t pid);
int bench_free_port(void);

/* Bytes that accepted connections on `port` got and gave so far. */
uint64_t bench_port_bytes(int port);

/* ---- proxy ---- */

enum { PROXY_CONNS = 8, PROXY_HEAD = 4096 };

struct proxy_way {
    uint64_t bytes;
    uint8_t head[PROXY_HEAD]; /* what came first, for the length of the handshake */
};

/* One proxy before one daemon. What is counted is of the connections since the last proxy_open. */
struct proxy {
    int listen_fd, port, to;
    pthread_t thread;
    atomic_bool open, end;
    atomic_int delay_ms; /* one way */
    _Atomic double accepted_at;
    pthread_mutex_t lock;
    struct proxy_way up, down; /* from and to who connected */
};

void proxy_start(struct proxy *p, int port, int to);
void proxy_stop(struct proxy *p);
void proxy_cut(struct proxy *p);                /* ends connections, lets nobody in */
void proxy_open(struct proxy *p, int delay_ms); /* counts from zero */

/* Bytes each way, and how many of them were the handshake. */
void proxy_count(struct proxy *p, uint64_t *up, uint64_t *down, uint64_t *up_hello,
                 uint64_t *down_hello);

#endif
