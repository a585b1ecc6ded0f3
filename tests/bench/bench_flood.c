/* A member among floods: how soon it is connected and how long its writes take, beside the same
 * without a flood.
 *
 * Three organisations form a region. One listens and is flooded; it cannot call the second, which so
 * has to come in as the strangers do. The third is stopped, and some of the floods are its: they
 * have the key of the region, or are a member. Nothing is asserted about time. */
#include "bench.h"

#include "flood.h"
#include "json.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum { STARTS = 5, WRITES = 200, FLOODS_MAX = 2, WIDE_S = 60, FEW_DESCRIPTORS = 64 };

enum knows { NOTHING, INVITATION, MEMBER };

struct part {
    enum flood_mode mode;
    enum knows knows;
    unsigned conns, hosts;
};

static const struct scenario {
    const char *name;
    bool few_descriptors;
    struct part part[FLOODS_MAX]; /* without conns: none */
} scenarios[] = {
    {.name = "none"},
    {.name = "1,000 silent, one host", .part = {{FLOOD_SILENT, NOTHING, 1000, 0}}},
    {.name = "1,000 silent, 1,000 hosts", .part = {{FLOOD_SILENT, NOTHING, 1000, 1000}}},
    {.name = "slow senders", .part = {{FLOOD_TRICKLE, NOTHING, 500, 100}}},
    {.name = "come and go", .part = {{FLOOD_CHURN, NOTHING, 64, 10}}},
    {.name = "malformed first frames", .part = {{FLOOD_NOISE, NOTHING, 64, 10}}},
    {.name = "with an invitation's key", .part = {{FLOOD_KEYED, INVITATION, 200, 10}}},
    {.name = "with the region's key", .part = {{FLOOD_KEYED, MEMBER, 200, 0}}},
    {.name = "the same, 1,000 hosts", .part = {{FLOOD_KEYED, MEMBER, 1000, 1000}}},
    {.name = "guests", .part = {{FLOOD_GUEST, MEMBER, 64, 10}}},
    {.name = "malformed messages of a member", .part = {{FLOOD_MESSAGE, MEMBER, 4, 0}}},
    {.name = "a member's endless pings, which end its link", .part = {{FLOOD_DEAF, MEMBER, 2, 0}}},
    {.name = "64 descriptors, 400 silent",
     .few_descriptors = true,
     .part = {{FLOOD_SILENT, NOTHING, 300, 100}, {FLOOD_TRICKLE, NOTHING, 100, 10}}},
};

struct figures {
    double connect_s, here_ms, there_ms; /* the slowest; 99 of 100 */
};

struct flooder {
    struct flood_config config;
    struct flood_counts counts;
    pthread_t thread;
};

struct bench {
    char base[64];
    struct bench_org a, b, c;
    struct caller known[MEMBER + 1];
    struct flooder flooder[FLOODS_MAX];
    atomic_bool stop;
    struct figures calm;
    unsigned serial;
};

static struct bench *the_bench(void) {
    static struct bench b;
    return &b;
}

static void clean(void) {
    struct bench *b = the_bench();
    const char *const argv[] = {"rm", "-rf", b->base, NULL};
    org_kill(&b->a);
    org_kill(&b->b);
    org_kill(&b->c);
    if (b->base[0])
        (void)bench_run("/bin/rm", NULL, argv);
    b->base[0] = '\0';
}

/* ---- the region ---- */

static bool is_linked(struct bench_org *o, const char *name) {
    json_t *list = org_call(o, "peer.list", "{}");
    const json_t *peer;
    size_t i;
    bool linked = false;
    json_array_foreach(json_object_get(list, "peers"), i, peer) {
        const char *is = mt_json_str(peer, "name");
        linked |= is && strcmp(is, name) == 0 && json_is_true(json_object_get(peer, "connected"));
    }
    json_decref(list);
    return linked;
}

static void await_linked(struct bench_org *o, const char *name, bool linked) {
    for (double end = bench_now() + WIDE_S; is_linked(o, name) != linked; bench_sleep(0.001))
        bench_need(bench_now() < end, linked ? "a member is not connected" : "a link stays");
}

static void call(struct bench_org *o, const char *method, const char *key, const char *value,
                 const char *key2, const char *value2) {
    json_decref(org_call(o, method, key2 ? "{s:s s:s}" : "{s:s}", key, value, key2, value2));
}

static void join(struct bench *b, struct bench_org *o, const char *label, const char *name) {
    org_start(o);
    call(o, "init", "name", name, "kind", "company");
    json_t *invite = org_call(&b->a, "invite.create", "{s:s}", "name", label);
    call(o, "join", "code", mt_json_str(invite, "code"), NULL, NULL);
    json_decref(invite);
    json_t *state = org_call(o, "join.state", "{}");
    for (double end = bench_now() + WIDE_S; !mt_json_str(state, "number"); bench_sleep(0.02)) {
        bench_need(bench_now() < end, "no number to read out");
        json_decref(state);
        state = org_call(o, "join.state", "{}");
    }
    call(&b->a, "member.approve", "name", label, "number", mt_json_str(state, "number"));
    json_decref(state);
    await_linked(o, "Bench A", true);
}

static void found_region(struct bench *b) {
    char state[160];
    org_make(&b->a, b->base, "a");
    org_make(&b->b, b->base, "b");
    org_make(&b->c, b->base, "c");
    b->b.listen = bench_free_port(); /* not where others are told it is */
    org_start(&b->a);
    call(&b->a, "init", "name", "Bench A", "kind", "vmbo");
    call(&b->a, "region.create", "name", "Bench", NULL, NULL);
    bench_sleep(0.5);
    join(b, &b->b, "b", "Bench B");
    join(b, &b->c, "c", "Bench C");
    bench_sleep(1);
    org_stop(&b->c);
    org_stop(&b->b);
    for (int i = 0; i <= MEMBER; i++)
        caller_make(&b->known[i], (uint64_t)i + 1);
    json_t *invite = org_call(&b->a, "invite.create", "{s:s}", "name", "nobody");
    bench_need(caller_invite(&b->known[INVITATION], mt_json_str(invite, "code")), "an invitation");
    json_decref(invite);
    snprintf(state, sizeof state, "%s/state", b->c.dir);
    bench_need(caller_be_state(&b->known[MEMBER], state), "the state of a member");
}

/* ---- what a member meets ---- */

static bool is_there(struct bench_org *o, const char *id) {
    struct mt_client_error error;
    json_t *result = NULL, *params = json_pack("{s:s s:s}", "kind", "activity", "id", id);
    bool ok = mt_client_call(&o->client, "record.show", params, &result, &error);
    bench_need(ok || strcmp(error.code, "not-found") == 0, "record.show");
    json_decref(params);
    json_decref(result);
    return ok;
}

/* Writes at `o`; ends when it is durable, or visible at `reader`. Returns milliseconds. */
static double write_ms(struct bench *b, struct bench_org *o, const char *host,
                       struct bench_org *reader) {
    char title[48];
    snprintf(title, sizeof title, "Storm %u", ++b->serial);
    double start = bench_now(), end = start + WIDE_S;
    json_t *added =
        org_call(o, "record.add", "{s:s s:{s:s s:s s:s s:s}}", "kind", "activity", "fields",
                 "title", title, "type", "gastles", "direction", "offer", "host", host);
    const char *id = mt_json_str(added, "id");
    for (bench_need(id != NULL, "an id"); reader && !is_there(reader, id); bench_sleep(0.0002))
        bench_need(bench_now() < end, "a write does not arrive");
    json_decref(added);
    return (bench_now() - start) * 1e3;
}

static double p99(double *v) {
    (void)bench_median(v, WRITES);
    return v[WRITES * 99 / 100];
}

static void meet(struct bench *b, struct figures *f) {
    double connect[STARTS], here[WRITES], there[WRITES];
    for (unsigned i = 0; i < STARTS; i++) {
        double start = bench_now();
        org_start(&b->b);
        await_linked(&b->b, "Bench A", true);
        connect[i] = bench_now() - start;
        if (i + 1 < STARTS)
            org_stop(&b->b);
    }
    for (unsigned i = 0; i < WRITES; i++) {
        here[i] = write_ms(b, &b->a, "Bench A", NULL);
        there[i] = write_ms(b, &b->b, "Bench B", &b->a);
        bench_sleep(0.005);
    }
    (void)bench_median(connect, STARTS);
    f->connect_s = connect[STARTS - 1]; /* the slowest */
    f->here_ms = p99(here);
    f->there_ms = p99(there);
    org_stop(&b->b);
    await_linked(&b->a, "Bench B", false);
}

/* ---- floods ---- */

static void *run_flood(void *arg) {
    struct flooder *f = arg;
    flood_run(&f->config, &the_bench()->stop, &f->counts);
    return NULL;
}

static void start_floods(struct bench *b, const struct scenario *s) {
    atomic_store(&b->stop, false);
    for (int i = 0; i < FLOODS_MAX; i++) {
        const struct part *p = &s->part[i];
        struct flooder *f = &b->flooder[i];
        memset(f, 0, sizeof *f);
        f->config = (struct flood_config){.mode = p->mode,
                                          .port = b->a.listen,
                                          .conns = p->conns,
                                          .hosts = p->hosts,
                                          .as = b->known[p->knows]};
        if (p->conns)
            bench_need(pthread_create(&f->thread, NULL, run_flood, f) == 0, "a thread");
    }
    bench_sleep(1);
}

/* Returns the connections made. */
static double stop_floods(struct bench *b) {
    unsigned long connected = 0;
    atomic_store(&b->stop, true);
    for (int i = 0; i < FLOODS_MAX; i++) {
        if (!b->flooder[i].config.conns)
            continue;
        pthread_join(b->flooder[i].thread, NULL);
        connected += atomic_load(&b->flooder[i].counts.connected);
        bench_need(atomic_load(&b->flooder[i].counts.connected) > 0, "a flood that is none");
    }
    return (double)connected;
}

static void start_a_with_few_descriptors(struct bench *b) {
    struct rlimit was, few;
    bench_need(getrlimit(RLIMIT_NOFILE, &was) == 0, "limits");
    few = was;
    few.rlim_cur = FEW_DESCRIPTORS;
    org_stop(&b->a);
    bench_need(setrlimit(RLIMIT_NOFILE, &few) == 0, "limits");
    org_spawn(&b->a);
    bench_need(setrlimit(RLIMIT_NOFILE, &was) == 0, "limits");
    for (double end = bench_now() + WIDE_S; !org_answers(&b->a); bench_sleep(0.002))
        bench_need(bench_now() < end, "a daemon with few descriptors does not start");
}

static void report(const struct scenario *s, const char *what, double value, const char *unit,
                   double limit, double target) {
    char name[96];
    snprintf(name, sizeof name, "flood: %s: %s", s->name, what);
    bench_report(name, value, unit, limit, BENCH_LESS, target);
}

static void one(struct bench *b, const struct scenario *s) {
    struct figures f;
    bool calm = s == scenarios;
    if (s->few_descriptors)
        start_a_with_few_descriptors(b);
    double memory = proc_anon_mb(b->a.pid), start = bench_now();
    start_floods(b, s);
    meet(b, &f);
    double growth = proc_anon_mb(b->a.pid) - memory, seconds = bench_now() - start;
    double rate = stop_floods(b) / seconds;
    if (calm)
        b->calm = f;
    report(s, "a member connects", f.connect_s, "s", calm ? BENCH_NONE : b->calm.connect_s, 2);
    report(s, "its write arrives, p99", f.there_ms, "ms", calm ? BENCH_NONE : b->calm.there_ms,
           100);
    report(s, "own write, p99", f.here_ms, "ms", calm ? BENCH_NONE : b->calm.here_ms, 100);
    report(s, "memory it takes", growth > 0 ? growth : 0, "MB", BENCH_NONE, BENCH_NONE);
    if (!calm)
        report(s, "connections", rate, "/s", BENCH_NONE, BENCH_NONE);
    bench_sleep(1.5);
}

int main(void) {
    struct bench *b = the_bench();
    const char *tmp = getenv("TMPDIR"), *only = getenv("BENCH_FLOOD");
    snprintf(b->base, sizeof b->base, "%s/meent-bench-XXXXXX",
             tmp && strlen(tmp) < 40 ? tmp : "/tmp");
    bench_need(mt_key_init() == MT_OK && mkdtemp(b->base), "a directory for the daemons");
    bench_on_failure(clean);
    printf("a member among floods, on loopback (BENCH_FLOOD=text: only those)\n");
    found_region(b);
    for (size_t i = 0; i < MT_ARRAY_LEN(scenarios); i++)
        if (i == 0 || !only || strstr(scenarios[i].name, only))
            one(b, &scenarios[i]);
    org_stop(&b->a);
    clean();
    return 0;
}
