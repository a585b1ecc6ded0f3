/* Runs seeds.
 *
 *   sim --seeds N [--from S] [--jobs J]   N seeds from S (1) on, J processes side by side
 *   sim --seed N [--plan P] [--trace]     one, as a story with --trace; P sets fields of its plan
 *   sim --seed N --shrink                 the smallest plan with which it still fails, as a story
 *   sim --plant K --seeds N               N seeds at most with defect K put in: it must be found
 *   sim --plants                          the same with every defect there is
 *   sim --soak DIR [--from S] [--seconds T]   seeds until stopped; of those that fail DIR keeps
 *                                             seed-N.txt, a story, and seed-N.trace, all of it
 *
 * --twice runs each seed again and compares; --keep leaves the stores behind. */
#include "sim.h"

#include "key.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PLANT_SEEDS = 40, JOBS_MAX = 64, SEED_SECONDS_MAX = 300 };

struct options {
    uint64_t first, count, jobs, seconds, plant;
    const char *plan, *soak;
    bool trace, keep, twice, shrink, plants;
};

/* Who is asked to end finishes the seed it is at, so that no store is left behind. */
static void hold_signals(sigset_t *set) {
    (void)sigemptyset(set);
    (void)sigaddset(set, SIGINT);
    (void)sigaddset(set, SIGTERM);
    (void)sigaddset(set, SIGHUP);
    (void)sigprocmask(SIG_BLOCK, set, NULL);
}

static bool is_stopped(void) {
    sigset_t pending;
    return sigpending(&pending) == 0 &&
           (sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1 ||
            sigismember(&pending, SIGHUP) == 1);
}

static struct run run_of(const struct options *o, uint64_t seed) {
    struct run run = {
        .seed = seed, .plant = (enum plant)o->plant, .keep = o->keep, .is_stopped = is_stopped};
    if (o->trace)
        run.trace = stdout;
    plan_make(&run.plan, seed);
    plant_plan(&run.plan, run.plant);
    if (o->plan && !plan_read(&run.plan, o->plan))
        run.seed = 0;
    return run;
}

static void say(const char *line) {
    printf("%s\n", line);
    (void)fflush(stdout);
}

static bool run_seed(const struct options *o, uint64_t seed) {
    struct run run = run_of(o, seed);
    if (!run.seed) {
        say("not ok - no such plan");
        return false;
    }
    story_run(&run);
    say(run.line);
    if (!o->twice)
        return run.ok;
    struct run again = run_of(o, seed);
    story_run(&again);
    if (again.hash != run.hash)
        printf("not ok %llu - it told two stories\n", (unsigned long long)seed);
    return run.ok && again.ok && again.hash == run.hash;
}

static bool run_seeds(const struct options *o, uint64_t offset) {
    bool ok = true;
    for (uint64_t i = offset; i < o->count; i += o->jobs) {
        if (is_stopped())
            return false;
        ok &= run_seed(o, o->first + i);
    }
    return ok;
}

/* A process per job; every one takes each n-th seed. */
static bool run_jobs(const struct options *o) {
    pid_t pids[JOBS_MAX];
    bool ok = true;
    (void)fflush(stdout);
    for (uint64_t i = 0; i < o->jobs; i++) {
        pids[i] = fork();
        if (pids[i] == 0)
            _exit(run_seeds(o, i) ? 0 : 1);
    }
    for (uint64_t i = 0; i < o->jobs; i++) {
        int status = 1;
        while (pids[i] > 0 && waitpid(pids[i], &status, 0) < 0 && errno == EINTR) {
        }
        if (status)
            printf("# job %llu ended with %x\n", (unsigned long long)i, (unsigned)status);
        ok &= status == 0;
    }
    return ok;
}

static void tell_smallest(const struct options *o, struct run *run, FILE *to) {
    char text[SIM_PLAN_TEXT_MAX];
    unsigned runs = shrink(run);
    run->story = to;
    plan_print(&run->plan, text);
    (void)fprintf(to, "# the smallest plan that fails, after %u runs; again with\n", runs);
    (void)fprintf(to, "#   sim --seed %llu --trace --plan %s", (unsigned long long)run->seed, text);
    if (o->plant)
        (void)fprintf(to, " --plant %llu", (unsigned long long)o->plant);
    (void)fprintf(to, "\n");
    story_run(run);
    (void)fprintf(to, "%s\n", run->line);
}

static bool run_shrink(const struct options *o) {
    struct run run = run_of(o, o->first);
    story_run(&run);
    say(run.line);
    if (!run.ok)
        tell_smallest(o, &run, stdout);
    return run.ok;
}

/* ---- planted defects ---- */

static bool run_plant(const struct options *o, enum plant plant) {
    struct options with = *o;
    uint64_t struck = 0, count = o->count ? o->count : PLANT_SEEDS;
    with.plant = plant;
    for (uint64_t i = 0; i < count; i++) {
        struct run run = run_of(&with, o->first + i);
        story_run(&run);
        struck += run.planted;
        if (run.ok)
            continue;
        printf(
            "ok %d - planted: %s. Found in seed %llu, after %llu tries, planted %llu times: %s\n",
            (int)plant, plant_name(plant), (unsigned long long)run.seed, (unsigned long long)i + 1,
            (unsigned long long)struck, run.why);
        (void)fflush(stdout);
        return true;
    }
    printf("not ok %d - planted %llu times in %llu seeds, never found: %s\n", (int)plant,
           (unsigned long long)struck, (unsigned long long)count, plant_name(plant));
    return false;
}

static bool run_plants(const struct options *o) {
    bool ok = true;
    for (int plant = PLANT_NONE + 1; plant < PLANT_COUNT; plant++)
        ok &= run_plant(o, (enum plant)plant);
    return ok;
}

/* ---- soak ---- */

static FILE *create(const struct options *o, uint64_t seed, const char *ending) {
    char path[512];
    (void)snprintf(path, sizeof path, "%s/seed-%llu.%s", o->soak, (unsigned long long)seed, ending);
    FILE *f = fopen(path, "w");
    printf("# %s: %s\n", path, f ? "kept" : strerror(errno));
    (void)fflush(stdout);
    return f;
}

static void keep_failure(const struct options *o, uint64_t seed, int status) {
    struct run run = run_of(o, seed);
    FILE *story = create(o, seed, "txt");
    if (story && WIFSIGNALED(status)) {
        (void)fprintf(story, "seed %llu ends with signal %d\n", (unsigned long long)seed,
                      WTERMSIG(status));
    } else if (story) {
        run.trace = create(o, seed, "trace");
        tell_smallest(o, &run, story);
    }
    if (run.trace)
        (void)fclose(run.trace);
    if (story)
        (void)fclose(story);
}

/* Each seed in a process of its own, so that a crash or a loop is one more failing seed. */
static bool run_soak(const struct options *o) {
    time_t end = time(NULL) + (time_t)o->seconds;
    bool ok = true;
    for (uint64_t seed = o->first; !is_stopped() && (!o->seconds || time(NULL) < end); seed++) {
        int status = 1;
        (void)fflush(stdout);
        pid_t pid = fork();
        if (pid == 0) {
            (void)alarm(SEED_SECONDS_MAX);
            _exit(run_seed(o, seed) ? 0 : 1);
        }
        while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR) {
        }
        if (status == 0)
            continue;
        ok = false;
        keep_failure(o, seed, status);
    }
    return ok;
}

/* ---- options ---- */

static int usage(void) {
    (void)fprintf(stderr, "usage: sim --seeds N [--from S] [--jobs J] [--twice] [--plant K]\n"
                          "       sim --seed N [--plan P] [--trace] [--twice] [--keep] [--shrink]\n"
                          "       sim --plants | --soak DIR [--from S] [--seconds T]\n");
    return 2;
}

static bool read_flag(const char *name, struct options *o) {
    const struct {
        const char *name;
        bool *flag;
    } flags[] = {{"--trace", &o->trace},
                 {"--twice", &o->twice},
                 {"--keep", &o->keep},
                 {"--shrink", &o->shrink},
                 {"--plants", &o->plants}};
    for (size_t i = 0; i < MT_ARRAY_LEN(flags); i++)
        if (strcmp(name, flags[i].name) == 0)
            return *flags[i].flag = true;
    return false;
}

static bool read_value(const char *name, const char *value, struct options *o) {
    const struct {
        const char *name;
        uint64_t *number;
    } numbers[] = {{"--seeds", &o->count},     {"--from", &o->first},  {"--jobs", &o->jobs},
                   {"--seconds", &o->seconds}, {"--plant", &o->plant}, {"--seed", &o->first}};
    if (strcmp(name, "--plan") == 0)
        return (o->plan = value) != NULL;
    if (strcmp(name, "--soak") == 0)
        return (o->soak = value) != NULL;
    for (size_t i = 0; i < MT_ARRAY_LEN(numbers); i++) {
        char *end;
        if (strcmp(name, numbers[i].name) != 0)
            continue;
        *numbers[i].number = strtoull(value, &end, 10);
        if (strcmp(name, "--seed") == 0)
            o->count = 1;
        return *value && !*end;
    }
    return false;
}

static bool read_options(int argc, char **argv, struct options *o) {
    for (int i = 1; i < argc; i++) {
        if (read_flag(argv[i], o))
            continue;
        if (i + 1 == argc || !read_value(argv[i], argv[i + 1], o))
            return false;
        i++;
    }
    return o->first && o->jobs && o->jobs <= JOBS_MAX && o->plant < PLANT_COUNT &&
           (o->count || o->plants || o->soak);
}

int main(int argc, char **argv) {
    struct options o = {.first = 1, .jobs = 1};
    sigset_t held;
    bool ok;
    if (!read_options(argc, argv, &o))
        return usage();
    if (mt_key_init() != MT_OK)
        return 1;
    hold_signals(&held);
    if (o.soak)
        ok = run_soak(&o);
    else if (o.plants)
        ok = run_plants(&o);
    else if (o.shrink)
        ok = run_shrink(&o);
    else if (o.plant && o.count > 1)
        ok = run_plant(&o, (enum plant)o.plant);
    else if (o.jobs > 1)
        ok = run_jobs(&o);
    else
        ok = run_seeds(&o, 0);
    return ok ? 0 : 1;
}
