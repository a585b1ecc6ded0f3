/* Runs seeds: `sim --seeds N` the first N, `sim --seed N` one, with --trace as a story. --twice runs
 * each seed again and compares; --keep leaves the stores behind. */
#include "sim.h"

#include "key.h"

#include <stdlib.h>

enum {
    STORY_MS_MIN = 60000,
    STORY_MS_MAX = 150000,
    CALM_MS = 600000,
    AFTER_MS = 45000,
    HURRIES = 12
};

struct options {
    uint64_t first, last;
    bool trace, keep, twice;
};

/* What kind of story a seed tells. Some are calm, so that plain faults are easy to see. */
static void make_plan(struct sim *s) {
    struct chance *c = &s->chance;
    struct plan *p = &s->plan;
    p->members = (int)chance_between(c, 2, 5);
    if (chance_hits(c, 400))
        p->members = (int)chance_between(c, 3, SIM_HOSTS_MAX - 1);
    p->hosts = p->members + (int)chance_hits(c, 300);
    p->quiet_at_ms = chance_between(c, STORY_MS_MIN, STORY_MS_MAX);
    p->write = (unsigned)chance_between(c, 5, 400 / (unsigned)p->members);
    p->big = chance_hits(c, 200) ? 120 : 5;
    p->full_disk = chance_hits(c, 300) ? 15 : 0;
    p->crash = chance_hits(c, 500) ? (unsigned)chance_between(c, 5, 60) : 0;
    p->cut = chance_hits(c, 600) ? (unsigned)chance_between(c, 10, 80) : 0;
    p->silent_cut = (unsigned)chance_below(c, 1001);
    p->stranger = chance_hits(c, 500) ? (unsigned)chance_between(c, 10, 200) : 0;
    p->rollback = chance_hits(c, 250);
    p->fork = p->rollback && chance_hits(c, 250);
    p->rollback_host = (int)chance_below(c, (uint64_t)p->members);
}

static void begin(struct sim *s) {
    s->chance.state = s->seed * UINT64_C(0x2545f4914f6cdd1d) + 1;
    s->hash = UINT64_C(0xcbf29ce484222325);
    make_plan(s);
    sim_note(s, -1, "seed %llu: %d members, %d hosts", (unsigned long long)s->seed, s->plan.members,
             s->plan.hosts);
    for (int i = 0; i < s->plan.hosts; i++) {
        struct host *h = &s->hosts[i];
        h->index = i;
        h->chance.state = chance_next(&s->chance);
        h->wall_base = UINT64_C(1790000000000) + chance_below(&s->chance, 600000);
        h->is_spy = i >= s->plan.members;
        host_start(s, h);
    }
    sim_at(s, 1, (struct event){.what = AT_PEOPLE});
    sim_at(s, 1, (struct event){.what = AT_TROUBLE});
}

static uint64_t host_events(const struct sim *s) {
    uint64_t sum = 0;
    for (int i = 0; i < s->plan.hosts; i++)
        sum += s->hosts[i].events;
    return sum;
}

/* When all is quiet it stays quiet: pings, and nothing that goes round. */
static void stay_quiet(struct sim *s) {
    uint64_t before = host_events(s);
    sim_run(s, s->now_ms + AFTER_MS, NULL);
    uint64_t n = host_events(s) - before;
    uint64_t pairs = (uint64_t)s->plan.hosts * (uint64_t)s->plan.hosts;
    if (n > 100 * pairs)
        sim_fail(s, "%llu events while nothing is to be done", (unsigned long long)n);
    if (!s->failed && !check_is_quiet(s))
        sim_fail(s, "it was quiet, and then it was not");
}

/* A replica that is read back from its disk is the same replica, and what is written while all
 * links come up at once reaches everybody. */
static void restart_all(struct sim *s) {
    for (int i = 0; i < s->plan.hosts && !s->failed; i++) {
        host_crash(s, &s->hosts[i]);
        host_start(s, &s->hosts[i]);
    }
    s->is_hurried = true;
    for (int i = 0; i < HURRIES && !s->failed; i++) {
        sim_run(s, s->now_ms + chance_between(&s->chance, 1, 400), NULL);
        people_hurry(s);
        sim_run(s, s->now_ms + CALM_MS, check_is_quiet);
        if (!s->failed && !check_is_quiet(s))
            sim_fail(s, "after a restart it does not become quiet");
        check_agreement(s);
        if (s->failed)
            return;
        struct host *h = &s->hosts[chance_below(&s->chance, (uint64_t)s->plan.hosts)];
        host_crash(s, h);
        host_start(s, h);
    }
    sim_run(s, s->now_ms + CALM_MS, check_is_quiet);
    if (!s->failed && !check_is_quiet(s))
        sim_fail(s, "after a restart of all it does not become quiet");
}

static void tell_story(struct sim *s) {
    begin(s);
    sim_run(s, s->plan.quiet_at_ms, NULL);
    if (s->failed)
        return;
    trouble_ends(s);
    sim_run(s, s->now_ms + CALM_MS, check_is_quiet);
    if (!s->failed && !check_is_quiet(s))
        sim_fail(s, "it does not become quiet");
    if (!s->failed)
        sim_note(s, -1, "quiet");
    if (!s->failed)
        stay_quiet(s);
    if (!s->failed)
        check_all(s);
    if (!s->failed)
        restart_all(s);
    if (!s->failed)
        check_all(s);
}

static uint64_t run_seed(uint64_t seed, const struct options *o, bool *ok) {
    struct sim *s = calloc(1, sizeof *s);
    if (!s)
        abort();
    s->seed = seed;
    s->trace = o->trace;
    s->keep = o->keep;
    if (!disk_prepare(s))
        sim_fail(s, "no directory for the stores");
    if (!s->failed)
        tell_story(s);
    for (int i = 0; i < s->plan.hosts; i++)
        host_stop(&s->hosts[i]);
    net_free(s);
    disk_clean(s);
    uint64_t hash = s->hash;
    *ok = !s->failed;
    printf("%s %llu - %016llx %2d orgs, %llu events, %llu s, %llu writes (%llu refused), "
           "%llu crashes, %llu cuts, %llu rollbacks%s%s\n",
           s->failed ? "not ok" : "ok", (unsigned long long)seed, (unsigned long long)hash,
           s->plan.hosts, (unsigned long long)s->events, (unsigned long long)(s->now_ms / 1000),
           (unsigned long long)s->n_acknowledged, (unsigned long long)s->n_refused,
           (unsigned long long)s->n_crashes, (unsigned long long)s->n_cuts,
           (unsigned long long)s->n_rollbacks, s->failed ? " # " : "", s->why);
    (void)fflush(stdout);
    free(s->heap);
    free(s->records);
    free(s);
    return hash;
}

static int usage(void) {
    (void)fprintf(stderr, "usage: sim --seeds N | --seed N [--trace] [--twice] [--keep]\n");
    return 2;
}

static bool read_options(int argc, char **argv, struct options *o) {
    for (int i = 1; i < argc; i++) {
        bool more = i + 1 < argc;
        if (strcmp(argv[i], "--seeds") == 0 && more) {
            o->first = 1;
            o->last = strtoull(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--seed") == 0 && more) {
            o->first = o->last = strtoull(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--trace") == 0) {
            o->trace = true;
        } else if (strcmp(argv[i], "--twice") == 0) {
            o->twice = true;
        } else if (strcmp(argv[i], "--keep") == 0) {
            o->keep = true;
        } else {
            return false;
        }
    }
    return o->last >= o->first && o->last > 0;
}

int main(int argc, char **argv) {
    struct options o = {0};
    bool all_ok = true;
    if (!read_options(argc, argv, &o))
        return usage();
    if (mt_key_init() != MT_OK)
        return 1;
    for (uint64_t seed = o.first; seed <= o.last; seed++) {
        bool ok, again;
        uint64_t hash = run_seed(seed, &o, &ok);
        all_ok &= ok;
        if (o.twice && run_seed(seed, &o, &again) != hash) {
            printf("not ok %llu - it told two stories\n", (unsigned long long)seed);
            all_ok = false;
        }
    }
    return all_ok ? 0 : 1;
}
