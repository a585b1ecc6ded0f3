/* story: one run from beginning to end: trouble, then calm, then all that must hold, then restarts. */
#include "sim.h"

#include <stdlib.h>

enum { CALM_MS = 600000, AFTER_MS = 45000 };

static void begin(struct sim *s) {
    s->chance.state = s->seed * UINT64_C(0x2545f4914f6cdd1d) + 1 + (uint64_t)s->plan.salt;
    s->hash = UINT64_C(0xcbf29ce484222325);
    sim_note(s, -1, "seed %llu: %d members, %d hosts", (unsigned long long)s->seed, s->plan.members,
             s->plan.hosts);
    for (int i = 0; i < s->plan.hosts; i++) {
        struct host *h = &s->hosts[i];
        h->index = i;
        h->chance.state = chance_next(&s->chance);
        h->is_spy = i >= s->plan.members;
        h->is_slow = i < s->plan.slow;
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
    check_quiet(s, "it was quiet, and then it was not");
}

/* A replica that is read back from its disk is the same replica, and what is written while all
 * links come up at once reaches everybody. */
static void restart_all(struct sim *s) {
    for (int i = 0; i < s->plan.hosts && !s->failed; i++) {
        if (check_is_out(s, i))
            continue;
        host_crash(s, &s->hosts[i]);
        host_start(s, &s->hosts[i]);
    }
    s->is_hurried = true;
    for (int i = 0; i < s->plan.hurries && !s->failed; i++) {
        sim_run(s, s->now_ms + chance_between(&s->chance, 1, 400), NULL);
        people_hurry(s);
        sim_run(s, s->now_ms + CALM_MS, check_is_quiet);
        check_quiet(s, "after a restart it does not become quiet");
        check_agreement(s);
        if (s->failed)
            return;
        struct host *h = &s->hosts[chance_below(&s->chance, (uint64_t)s->plan.hosts)];
        if (check_is_out(s, h->index))
            continue;
        host_crash(s, h);
        host_start(s, h);
    }
    sim_run(s, s->now_ms + CALM_MS, check_is_quiet);
    check_quiet(s, "after a restart of all it does not become quiet");
}

static void tell_story(struct sim *s) {
    begin(s);
    sim_run(s, (uint64_t)s->plan.story_ms, NULL);
    if (s->failed)
        return;
    trouble_ends(s);
    sim_run(s, s->now_ms + CALM_MS, check_is_quiet);
    check_quiet(s, "it does not become quiet");
    if (!s->failed)
        sim_note(s, -1, "quiet");
    if (!s->failed)
        stay_quiet(s);
    if (!s->failed)
        check_all(s);
    if (!s->failed)
        agree_check(s);
    if (!s->failed)
        restart_all(s);
    if (!s->failed)
        check_all(s);
}

/* The first and the last lines, with what was left out between them. */
static void print_story(const struct sim *s, FILE *to) {
    uint64_t n = s->n_lines, max = SIM_LINES_MAX, from = n > 2 * max ? n - max : max;
    for (uint64_t i = 0; i < n; i++) {
        if (i == max && from > max) {
            (void)fprintf(to, "#   ... %llu lines ...\n", (unsigned long long)(from - max));
            i = from;
        }
        (void)fprintf(to, "# %s\n", s->lines[i < max ? i : max + i % max]);
    }
}

static void summarise(const struct sim *s, struct run *run) {
    run->ok = !s->failed;
    run->hash = s->hash;
    run->planted = s->n_planted;
    memcpy(run->why, s->why, sizeof run->why);
    (void)snprintf(run->line, sizeof run->line,
                   "%s %llu - %016llx %2d orgs, %llu events, %llu s, %llu writes (%llu refused), "
                   "%llu crashes, %llu cuts, %llu rollbacks, %llu waited for a key, %llu over "
                   "capacity%s%s",
                   run->ok ? "ok" : "not ok", (unsigned long long)s->seed,
                   (unsigned long long)s->hash, s->plan.hosts, (unsigned long long)s->events,
                   (unsigned long long)(s->now_ms / 1000), (unsigned long long)s->n_acknowledged,
                   (unsigned long long)s->n_refused, (unsigned long long)s->n_crashes,
                   (unsigned long long)s->n_cuts, (unsigned long long)s->n_rollbacks,
                   (unsigned long long)s->n_waited, (unsigned long long)s->n_over,
                   run->ok ? "" : " # ", s->why);
}

void story_run(struct run *run) {
    struct sim *s = calloc(1, sizeof *s);
    if (!s)
        abort();
    if (run->story && !(s->lines = calloc(2 * (size_t)SIM_LINES_MAX, sizeof *s->lines)))
        abort();
    s->seed = run->seed;
    s->trace = run->trace;
    s->keep = run->keep;
    s->plan = run->plan;
    s->plant = run->plant;
    if (!disk_prepare(s))
        sim_fail(s, "no directory for the stores");
    if (!s->failed)
        tell_story(s);
    for (int i = 0; i < s->plan.hosts; i++)
        host_stop(&s->hosts[i]);
    for (int i = 0; i < s->plan.hosts; i++)
        disk_stop(&s->hosts[i]);
    net_free(s);
    second_free(s);
    disk_clean(s);
    summarise(s, run);
    if (run->story)
        print_story(s, run->story);
    free(s->lines);
    free(s->heap);
    free(s->records);
    free(s->meant);
    free(s);
}
