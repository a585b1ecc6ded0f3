/* Whole daemons on loopback, each figure beside what this machine can do at best in the same run.
 *
 * Two organisations form a region; one is then given BENCH_N changes (100,000) while it does not
 * run. The other gets them over a fresh link: first sync. Then live changes, memory and processor
 * time when idle, the meent command, a link that is cut and comes back (through a proxy that counts
 * and delays), and a third organisation that imports a file of as many rows (at most 100,000).
 * BENCH_ONLY=sync or import leaves the rest out. Files stand below TMPDIR. Nothing is asserted about time; what does not work at all, or not
 * within a wide limit, ends the program with 1. */
#include "bench.h"

#include "json.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    LIMIT_N = 100000,
    LIVE = 300,
    PROCESSES = 41,
    AWAY = 100, /* changes on each side while the link is cut */
    RECONNECTS = 7,
    DELAY_MS = 40,
    WIDE_S = 300,
};

struct bench {
    uint64_t n;
    char base[64];
    struct bench_org a, b, c;
    struct proxy to_a, to_b;
    bool proxies;
    struct bench_limits limits;
    double empty_mb;
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
    if (b->base[0] && getenv("BENCH_KEEP"))
        fprintf(stderr, "bench: kept %s\n", b->base);
    else if (b->base[0])
        (void)bench_run("/bin/rm", NULL, argv);
    b->base[0] = '\0';
}

/* Waits for a condition of both or one; polls every `pause` seconds. */
static void await(bool (*is)(struct bench *), struct bench *b, double pause, const char *what) {
    for (double end = bench_now() + WIDE_S; !is(b); bench_sleep(pause))
        bench_need(bench_now() < end, what);
}

/* ---- the region ---- */

static bool is_number_there(struct bench *b) {
    json_t *state = org_call(&b->b, "join.state", "{}");
    bool there = mt_json_str(state, "number") != NULL;
    json_decref(state);
    return there;
}

static bool is_settled(struct bench *b) {
    struct bench_peer a = org_peer(&b->a), p = org_peer(&b->b);
    return a.synced && p.synced && a.lag + a.behind + p.lag + p.behind == 0;
}

static bool is_apart(struct bench *b) {
    return !org_peer(&b->a).connected && !org_peer(&b->b).connected;
}

static void call(struct bench_org *o, const char *method, const char *key, const char *value,
                 const char *key2, const char *value2) {
    json_decref(org_call(o, method, key2 ? "{s:s s:s}" : "{s:s}", key, value, key2, value2));
}

static void found_region(struct bench *b) {
    org_make(&b->a, b->base, "a");
    org_make(&b->b, b->base, "b");
    org_start(&b->a);
    bench_sleep(0.3);
    b->empty_mb = proc_anon_mb(b->a.pid);
    org_start(&b->b);
    call(&b->a, "init", "name", "Bench A", "kind", "vmbo");
    call(&b->b, "init", "name", "Bench B", "kind", "company");
    call(&b->a, "region.create", "name", "Bench", NULL, NULL);
    json_t *invite = org_call(&b->a, "invite.create", "{s:s}", "name", "b");
    call(&b->b, "join", "code", mt_json_str(invite, "code"), NULL, NULL);
    json_decref(invite);
    await(is_number_there, b, 0.02, "no number to read out");
    json_t *state = org_call(&b->b, "join.state", "{}");
    call(&b->a, "member.approve", "name", "b", "number", mt_json_str(state, "number"));
    json_decref(state);
    await(is_settled, b, 0.05, "the two do not meet");
    bench_sleep(0.5);
    await(is_settled, b, 0.05, "the two do not agree");
}

/* ---- first sync ---- */

struct sync {
    double start, end, peak_mb, peak_a_mb;
    json_int_t target;
};

static double larger(double a, double b) {
    return a > b ? a : b;
}

/* From the link to the last change durable. The start is the moment before the answer that first
 * told of the link, so the handshake counts. */
static void watch_sync(struct bench *b, struct sync *s) {
    double last = bench_now(), end = last + WIDE_S;
    json_int_t have = 0;
    while (have < s->target) {
        bench_need(bench_now() < end, "the first sync does not end");
        s->peak_mb = larger(s->peak_mb, proc_anon_mb(b->b.pid));
        s->peak_a_mb = larger(s->peak_a_mb, proc_anon_mb(b->a.pid));
        if (!org_answers(&b->b)) {
            bench_sleep(0.0005);
            continue;
        }
        double asked = bench_now();
        if (s->start == 0 && org_peer(&b->b).connected)
            s->start = last;
        last = asked;
        have = s->start > 0 ? org_entries(&b->b) : 0;
        s->end = bench_now();
        if (have < s->target)
            bench_sleep(s->start > 0 ? 0.003 : 0.0005);
    }
}

static json_t *status_of(struct bench_org *o) {
    return org_call(o, "status", "{}");
}

static void check_same(struct bench *b) {
    json_t *a = status_of(&b->a), *p = status_of(&b->b);
    json_int_t n = mt_json_int(json_object_get(p, "records"), "activity", 0);
    const char *x = mt_json_str(a, "digest"), *y = mt_json_str(p, "digest");
    bench_need(n >= (json_int_t)b->n, "records are missing after the first sync");
    bench_need(x && y && strcmp(x, y) == 0, "the two replicas differ");
    json_decref(a);
    json_decref(p);
}

static void first_sync(struct bench *b) {
    char state[128], announce[32];
    struct sync s = {0};
    org_stop(&b->b);
    org_stop(&b->a);
    snprintf(state, sizeof state, "%s/state", b->a.dir);
    snprintf(announce, sizeof announce, "127.0.0.1:%d", b->a.port);
    double filled = bench_fill(state, announce, b->n);
    org_start(&b->a);
    s.target = org_entries(&b->a);
    bench_need(s.target >= (json_int_t)b->n, "the source is not filled");
    bench_sleep(1); /* whatever it does at its start is done */
    org_spawn(&b->b);
    watch_sync(b, &s);
    await(is_settled, b, 0.02, "the first sync is not confirmed");
    uint64_t bytes = bench_port_bytes(b->a.port) + bench_port_bytes(b->b.port);
    check_same(b);
    double n = (double)b->n, seconds = s.end - s.start;
    bench_report("first sync", n / seconds, "changes/s", b->limits.read_per_s, BENCH_MORE, 150000);
    bench_report("first sync as a part of the limit", n / seconds / b->limits.read_per_s, "", 1,
                 BENCH_MORE, 0.5);
    bench_report("bytes on the wire per change", (double)bytes / n, "B", BENCH_CONTENT, BENCH_LESS,
                 350);
    bench_report("peak memory of the receiver in first sync", s.peak_mb, "MB", b->empty_mb,
                 BENCH_LESS, 32);
    bench_report("peak memory of the sender in first sync", s.peak_a_mb, "MB", b->empty_mb,
                 BENCH_LESS, 32);
    bench_report("own changes, node and store in one thread", n / filled, "changes/s",
                 b->limits.write_per_s, BENCH_MORE, BENCH_NONE);
}

/* ---- live ---- */

/* Adds one activity; returns its id in `id`. */
static void add_one(struct bench_org *o, const char *host, unsigned i, char id[33]) {
    char title[32], address[180];
    snprintf(title, sizeof title, "Live %s %u", o->dir + strlen(o->dir) - 1, i);
    memset(address, 'y', sizeof address);
    address[sizeof address - 1] = '\0';
    json_t *added = org_call(o, "record.add", "{s:s s:{s:s s:s s:s s:s s:s s:s}}", "kind",
                             "activity", "fields", "title", title, "type", "gastles", "direction",
                             "offer", "host", host, "date", "2027-03-01", "address", address);
    const char *text = mt_json_str(added, "id");
    bench_need(text && strlen(text) == 32, "an id of what was added");
    memcpy(id, text, 33);
    json_decref(added);
}

static bool is_visible(struct bench_org *o, const char *id) {
    struct mt_client_error error;
    json_t *result = NULL;
    json_t *params = json_pack("{s:s s:s}", "kind", "activity", "id", id);
    bool ok = mt_client_call(&o->client, "record.show", params, &result, &error);
    bench_need(ok || strcmp(error.code, "not-found") == 0, "record.show");
    json_decref(params);
    json_decref(result);
    return ok;
}

static void live(struct bench *b) {
    double spent[LIVE], own[LIVE], before_ms = bench_commit_ms(b->base);
    for (unsigned i = 0; i < LIVE; i++) {
        char id[33];
        double before = bench_now();
        add_one(&b->a, "Bench A", i, id);
        double durable = bench_now();
        while (!is_visible(&b->b, id))
            bench_need(bench_now() < durable + 30, "a live change does not arrive");
        spent[i] = (bench_now() - durable) * 1e3;
        own[i] = (durable - before) * 1e3;
        bench_sleep(0.005);
    }
    double commit = (before_ms + bench_commit_ms(b->base)) / 2;
    double limit = commit + b->limits.rtt_ms; /* there, and the question and answer */
    double p50 = bench_median(spent, LIVE);
    bench_report("live: durable here, visible there, p50", p50, "ms", limit, BENCH_LESS, 0.6);
    bench_report("live: durable here, visible there, p99", spent[LIVE * 99 / 100], "ms", limit,
                 BENCH_LESS, 3);
    bench_report("live: asked here, durable here, p50", bench_median(own, LIVE), "ms", limit,
                 BENCH_LESS, BENCH_NONE);
    bench_report("machine: one durable LMDB commit meanwhile", commit, "ms", BENCH_NONE, BENCH_LESS,
                 BENCH_NONE);
}

/* ---- idle ---- */

static void idle(struct bench *b, const char *which, struct bench_org *o, bool with_cpu) {
    char name[80];
    double seconds = 4, before;
    bench_sleep(1);
    before = proc_cpu_s(o->pid);
    if (with_cpu) {
        bench_sleep(seconds);
        double part = (proc_cpu_s(o->pid) - before) / seconds * 100;
        snprintf(name, sizeof name, "idle %s: processor", which);
        bench_report(name, part, "%", BENCH_NONE, BENCH_LESS, 0.05);
    }
    snprintf(name, sizeof name, "idle %s: memory", which);
    bench_report(name, proc_anon_mb(o->pid), "MB", b->empty_mb, BENCH_LESS, 8);
}

/* ---- the command ---- */

static double median_run(struct bench_org *o, const char *program, const char *const *argv) {
    double spent[PROCESSES];
    for (size_t i = 0; i < PROCESSES; i++)
        spent[i] = 1e3 * (o ? org_run(o, argv) : bench_run(program, NULL, argv));
    return bench_median(spent, PROCESSES);
}

static void command(struct bench *b) {
    static const char *const nothing[] = {"tiny", NULL};
    static const char *const status[] = {"meent", "status", NULL};
    static const char *const list[] = {"meent",  "activity",   "list",    "--type", "gastles",
                                       "--from", "2026-11-01", "--limit", "20",     NULL};
    static const char *const text[] = {"meent",     "activity", "list", "--text",
                                       "Gastles 9", "--limit",  "20",   NULL};
    char tiny[512]; /* beside this program */
    ssize_t n = readlink("/proc/self/exe", tiny, sizeof tiny - 8);
    while (n > 0 && tiny[n - 1] != '/')
        n--;
    bench_need(n > 0, "where this program is");
    memcpy(tiny + n, "tiny", 5);
    double limit = median_run(NULL, tiny, nothing);
    bench_report("meent status, whole process", median_run(&b->b, NULL, status), "ms", limit,
                 BENCH_LESS, 3);
    bench_report("meent activity list, 20 of a type and date", median_run(&b->b, NULL, list), "ms",
                 limit, BENCH_LESS, 5);
    bench_report("meent activity list, 20 with a text", median_run(&b->b, NULL, text), "ms", limit,
                 BENCH_LESS, BENCH_NONE);
}

/* ---- a link that is cut and comes back ---- */

static void restart_behind_proxies(struct bench *b) {
    org_stop(&b->b);
    org_stop(&b->a);
    b->a.listen = bench_free_port();
    b->b.listen = bench_free_port();
    proxy_start(&b->to_a, b->a.port, b->a.listen);
    proxy_start(&b->to_b, b->b.port, b->b.listen);
    b->proxies = true;
    proxy_open(&b->to_a, 0);
    proxy_open(&b->to_b, 0);
    org_start(&b->a);
    org_start(&b->b);
    await(is_settled, b, 0.02, "the two do not meet behind proxies");
}

static void cut(struct bench *b) {
    proxy_cut(&b->to_a);
    proxy_cut(&b->to_b);
    await(is_apart, b, 0.005, "the link is not cut");
}

/* Only b can reach a. Returns the moment at which the connection was made. */
static double reconnect(struct bench *b, int delay_ms) {
    proxy_open(&b->to_a, delay_ms);
    for (double end = bench_now() + WIDE_S; b->to_a.accepted_at == 0; bench_sleep(0.0002)) {
        bench_need(bench_now() < end, "the link does not come back");
        json_decref(org_call(&b->b, "peer.ping", "{s:s s:b}", "name", "Bench A", "probe", 1));
    }
    return b->to_a.accepted_at;
}

static bool is_synced(struct bench_org *o) {
    struct bench_peer p = org_peer(o);
    return p.connected && p.synced;
}

/* Who dialled has its handshake done after one round trip, the other after one and a half. */
static double round_trips(struct bench *b) {
    double rtt = 2 * DELAY_MS / 1e3, at[2] = {0};
    cut(b);
    double start = reconnect(b, DELAY_MS), end = start + WIDE_S;
    while (at[0] == 0 || at[1] == 0) {
        bench_need(bench_now() < end, "the two do not agree over a slow link");
        if (at[0] == 0 && is_synced(&b->b))
            at[0] = (bench_now() - start) / rtt - 1;
        if (at[1] == 0 && is_synced(&b->a))
            at[1] = (bench_now() - start) / rtt - 1.5;
        bench_sleep(0.0005);
    }
    return at[0] > at[1] ? at[0] : at[1];
}

static void reconnect_empty(struct bench *b) {
    uint64_t up, down, up_hello, down_hello;
    cut(b);
    (void)reconnect(b, 0);
    await(is_settled, b, 0.001, "the two do not meet again");
    bench_sleep(0.3);
    proxy_count(&b->to_a, &up, &down, &up_hello, &down_hello);
    bench_report("reconnect, nothing new: bytes up", (double)(up - up_hello), "B", BENCH_NONE,
                 BENCH_LESS, 300);
    bench_report("reconnect, nothing new: bytes down", (double)(down - down_hello), "B", BENCH_NONE,
                 BENCH_LESS, 300);
    bench_report("reconnect, nothing new: handshake, both ways", (double)(up_hello + down_hello),
                 "B", BENCH_NONE, BENCH_LESS, BENCH_NONE);
    double trips = round_trips(b);
    /* A tenth of a trip is what the polling adds. */
    bench_report("reconnect, nothing new: round trips", (double)(long)(trips * 10 + 0.5) / 10, "",
                 1, BENCH_LESS, 1.1);
}

static void reconnect_new(struct bench *b, unsigned round, double *ms, double *bytes) {
    uint64_t up, down, up_hello, down_hello;
    char id[33];
    cut(b);
    for (unsigned i = 0; i < AWAY; i++) {
        add_one(&b->a, "Bench A", 1000000 + round * AWAY + i, id);
        add_one(&b->b, "Bench B", 1000000 + round * AWAY + i, id);
    }
    bench_sleep(0.1);
    json_int_t target = org_entries(&b->a) + AWAY;
    double start = reconnect(b, 0), end = start + WIDE_S;
    while (org_entries(&b->a) < target || org_entries(&b->b) < target) {
        bench_need(bench_now() < end, "the two do not catch up");
        bench_sleep(0.0001);
    }
    *ms = (bench_now() - start) * 1e3;
    await(is_settled, b, 0.001, "the two do not settle");
    bench_sleep(0.1);
    proxy_count(&b->to_a, &up, &down, &up_hello, &down_hello);
    *bytes = (double)(up + down) / 1000;
}

static void reconnects(struct bench *b) {
    const struct bench_limits *l = &b->limits;
    double ms[RECONNECTS], kb[RECONNECTS];
    reconnect_empty(b);
    double commit = bench_commit_ms(b->base);
    for (unsigned i = 0; i < RECONNECTS; i++)
        reconnect_new(b, i, &ms[i], &kb[i]);
    /* Three round trips, ten agreements and signatures each side, the entries, one commit each. */
    double limit =
        3 * l->rtt_ms + 10 * (l->dh_ms + l->sign_ms) + AWAY / l->read_per_s * 1e3 + 2 * commit;
    bench_report("reconnect, 100 new on each side: time", bench_median(ms, RECONNECTS), "ms", limit,
                 BENCH_LESS, 10);
    bench_report("reconnect, 100 new on each side: bytes", bench_median(kb, RECONNECTS), "kB",
                 2.0 * AWAY * BENCH_CONTENT / 1000, BENCH_LESS, 85);
}

/* ---- import ---- */

static void write_csv(const char *path, uint64_t n) {
    char text[181];
    FILE *f = fopen(path, "w");
    bench_need(f, "a CSV file");
    memset(text, 'z', sizeof text);
    text[sizeof text - 1] = '\0';
    fputs("Titel;Soort;Richting;Gastheer;Datum;Adres\n", f);
    for (uint64_t i = 0; i < n; i++)
        fprintf(f, "Les %llu;gastles;aanbod;Bench C;%02d-%02d-2027;%s\n", (unsigned long long)i,
                (int)(i % 28) + 1, (int)(i / 28 % 12) + 1, text);
    bench_need(fclose(f) == 0, "a CSV file");
}

static bool is_own_there(struct bench *b) {
    json_t *status = status_of(&b->c);
    json_int_t n = mt_json_int(json_object_get(status, "records"), "endpoint", 0);
    json_decref(status);
    return n > 0;
}

static void import(struct bench *b) {
    char csv[128];
    uint64_t rows = b->n < LIMIT_N ? b->n : LIMIT_N; /* a file is at most 64 MiB */
    snprintf(csv, sizeof csv, "%s/rows.csv", b->base);
    const char *const argv[] = {"meent", "activity", "import", csv, "--quiet", NULL};
    write_csv(csv, rows);
    org_make(&b->c, b->base, "c");
    org_start(&b->c);
    call(&b->c, "init", "name", "Bench C", "kind", "vmbo");
    call(&b->c, "region.create", "name", "Bench C", NULL, NULL);
    await(is_own_there, b, 0.02, "a region alone");
    double seconds = org_run(&b->c, argv);
    json_t *status = status_of(&b->c);
    bench_need(mt_json_int(json_object_get(status, "records"), "activity", 0) == (json_int_t)rows,
               "rows are missing after the import");
    json_decref(status);
    double n = (double)rows;
    bench_report("own import", seconds, "s", n / b->limits.write_per_s, BENCH_LESS, 1.2e-5 * n);
    org_stop(&b->c);
}

/* Everything between two organisations, or only how the second gets what the first has. */
static void two_replicas(struct bench *b, bool sync_only) {
    found_region(b);
    first_sync(b);
    idle(b, "after first sync", &b->b, true);
    if (sync_only)
        return;
    live(b);
    command(b);
    restart_behind_proxies(b);
    idle(b, "after a restart", &b->a, false);
    reconnects(b);
    org_stop(&b->b);
    org_stop(&b->a);
    proxy_stop(&b->to_a);
    proxy_stop(&b->to_b);
}

int main(void) {
    struct bench *b = the_bench();
    const char *n = getenv("BENCH_N");
    b->n = n ? strtoull(n, NULL, 10) : LIMIT_N;
    bench_need(b->n > 0 && b->n <= 10000000, "BENCH_N: 1 to 10000000");
    const char *tmp = getenv("TMPDIR");
    snprintf(b->base, sizeof b->base, "%s/meent-bench-XXXXXX",
             tmp && strlen(tmp) < 40 ? tmp : "/tmp");
    bench_need(mkdtemp(b->base), "a directory for the daemons");
    bench_on_failure(clean);
    printf("daemons on loopback, %llu changes of %d bytes, one per entry\n",
           (unsigned long long)b->n, BENCH_CONTENT);
    bench_limits(b->base, b->n < LIMIT_N ? (uint32_t)b->n : LIMIT_N, (uint32_t)b->n, &b->limits);
    const char *only = getenv("BENCH_ONLY");
    if (!only || strcmp(only, "import") != 0)
        two_replicas(b, only && strcmp(only, "sync") == 0);
    if (!only || strcmp(only, "import") == 0)
        import(b);
    clean();
    return 0;
}
