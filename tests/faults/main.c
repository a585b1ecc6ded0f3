/* faults: tells the stories of each scene with one fault in each.
 *
 *   faults [--scene NAME] [--kind NAME] [--call NAME] [--phase NAME] [--sample N] [--every]
 *          [--jobs N] [--list] [--story "SCENE KIND CALL PHASE NTH ERROR"]
 *
 * First each scene is told without a fault and its calls are counted; that gives the stories. --sample
 * tells about N of them, a share of each scene and kind. --every adds what is left out otherwise:
 * being killed at calls of which others see nothing, which leaves what the next one leaves, and
 * allocations that came from the same place in the code as others. --story tells one and keeps the
 * logs. Prints "not ok" lines for what went wrong and one "ok" line for each scene and kind. */
#include "calls.h"
#include "story.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STORIES_MAX = 200000, JOBS_MAX = 32, SCENES_MAX = 12 };

static const char *const kind_names[FAULT_KINDS] = {"none",  "kill",  "error",
                                                    "short", "alloc", "disk"};

struct story {
    unsigned scene;
    struct fault_plan plan;
};

struct options {
    const char *scene, *kind, *call, *phase, *story;
    unsigned sample, jobs;
    bool every, list;
};

/* Shared by the workers. */
struct tally {
    _Atomic unsigned next, told[SCENES_MAX][FAULT_KINDS], bad[SCENES_MAX][FAULT_KINDS];
    _Atomic unsigned struck, lived, resumed, refused, by_libuv, by_lookup;
};

struct run {
    struct options o;
    struct tools tools;
    char dir[PATH_SIZE];
    struct story *stories;
    size_t n;
    struct tally *tally;
};

static void put_name(const struct story *s, char *out, size_t room) {
    const struct call *call = call_numbered(s->plan.call);
    bool calls_it =
        s->plan.kind == FAULT_KILL || s->plan.kind == FAULT_ERROR || s->plan.kind == FAULT_SHORT;
    snprintf(out, room, "%s %s %s%s %s %u %s%s", scenes[s->scene].name, kind_names[s->plan.kind],
             calls_it && call ? call->name : "-", s->plan.own ? "/own" : "",
             scenes[s->scene].phases[s->plan.phase], (unsigned)s->plan.nth,
             error_name(s->plan.error), s->plan.lasting ? "+" : "");
}

/* ---- which stories there are ---- */

static bool is_wanted(const struct run *r, const struct story *s) {
    const struct options *o = &r->o;
    const struct call *call = call_numbered(s->plan.call);
    if (o->kind && strcmp(o->kind, kind_names[s->plan.kind]) != 0)
        return false;
    if (o->call && (s->plan.kind == FAULT_ALLOC || s->plan.kind == FAULT_DISK || !call ||
                    strcmp(o->call, call->name) != 0))
        return false;
    return !o->phase || strcmp(o->phase, scenes[s->scene].phases[s->plan.phase]) == 0;
}

static void put_story(struct run *r, const struct story *s) {
    if (!is_wanted(r, s))
        return;
    if (r->n == STORIES_MAX)
        give_up("more than %d stories", STORIES_MAX);
    r->stories[r->n++] = *s;
}

/* A call fails once at each place; from its first place on it may go on failing. */
static void list_call(struct run *r, const struct fault *f, unsigned scene, unsigned phase,
                      const struct call *call) {
    uint32_t n = f->count[phase][call->nr], own = f->own_count[phase][call->nr];
    for (uint32_t nth = 1; nth <= n; nth++) {
        struct story s = {scene, {.call = call->nr, .phase = phase, .nth = nth}};
        s.plan.kind = FAULT_KILL;
        if (call->seen || r->o.every)
            put_story(r, &s);
        s.plan.kind = FAULT_SHORT;
        if (call->halves)
            put_story(r, &s);
        s.plan.kind = FAULT_ERROR;
        for (size_t i = 0; i < CALL_ERRORS && call->errors[i]; i++) {
            s.plan.error = call->errors[i];
            put_story(r, &s);
        }
    }
    for (size_t i = 0; i < CALL_ERRORS && call->errors[i]; i++) {
        struct story s = {scene, {.kind = FAULT_ERROR, .call = call->nr, .phase = phase, .nth = 1}};
        s.plan.lasting = true;
        s.plan.own = call->files;
        s.plan.error = call->errors[i];
        if (call->errors[i] != EINTR && (call->files ? own : n) > 0)
            put_story(r, &s);
    }
}

static int by_site(const void *a, const void *b) {
    const uint64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

/* The first and the last allocation of each place in the code, once, and from the first for ever. */
static void list_allocations(struct run *r, const struct fault *f, unsigned scene, unsigned phase) {
    uint32_t n = f->allocations[phase];
    n = n < FAULT_SITES ? n : FAULT_SITES;
    uint64_t *sites = calloc(n + 1, sizeof *sites);
    if (!sites)
        give_up("no memory");
    for (uint32_t i = 0; i < n; i++)
        sites[i] = (uint64_t)f->site[phase][i] << 32 | i;
    qsort(sites, n, sizeof *sites, by_site);
    for (uint32_t i = 0; i < n; i++) {
        struct story s = {scene, {.kind = FAULT_ALLOC, .phase = phase, .error = ENOMEM}};
        bool first = i == 0 || sites[i - 1] >> 32 != sites[i] >> 32;
        bool last = i + 1 == n || sites[i + 1] >> 32 != sites[i] >> 32;
        s.plan.nth = (uint32_t)sites[i] + 1;
        if (first || last || r->o.every)
            put_story(r, &s);
        s.plan.lasting = true;
        if (first || r->o.every)
            put_story(r, &s);
    }
    free(sites);
}

static void list_scene(struct run *r, struct place *p, unsigned scene) {
    struct fault_plan plan = {.kind = FAULT_NONE, .trace = true};
    story_run(p, &scenes[scene], &plan);
    if (p->why[0] || p->refused)
        give_up("%s without a fault: %s%u refused (kept: %s)", scenes[scene].name, p->why,
                p->refused, p->dir);
    const struct fault *f = p->fault;
    for (unsigned phase = 0; phase < FAULT_PHASES && scenes[scene].phases[phase]; phase++) {
        for (size_t i = 0; i < n_calls; i++)
            list_call(r, f, scene, phase, &calls[i]);
        for (uint32_t nth = 1; nth <= f->disk[phase]; nth++)
            for (int i = 0; i < 2; i++)
                put_story(r, &(struct story){scene,
                                             {.kind = FAULT_DISK,
                                              .phase = phase,
                                              .nth = nth,
                                              .lasting = true,
                                              .error = i ? ENOSPC : EIO}});
        list_allocations(r, f, scene, phase);
    }
}

/* Every so many of each scene and kind, at least a few of each. */
static void take_sample(struct run *r) {
    size_t n = 0, seen[SCENES_MAX][FAULT_KINDS] = {{0}}, all[SCENES_MAX][FAULT_KINDS] = {{0}};
    for (size_t i = 0; i < r->n; i++)
        all[r->stories[i].scene][r->stories[i].plan.kind]++;
    size_t share = r->o.sample / (n_scenes * (FAULT_KINDS - 1)) + 1;
    for (size_t i = 0; i < r->n; i++) {
        struct story *s = &r->stories[i];
        size_t step = all[s->scene][s->plan.kind] / share + 1;
        if (seen[s->scene][s->plan.kind]++ % step == step / 2)
            r->stories[n++] = *s;
    }
    r->n = n;
}

/* ---- telling them ---- */

/* Ends that libuv brings about: it aborts when the kernel has no room for one more descriptor to
 * watch, or for its first pipe after we asked whether there was. */
static bool is_end_by_libuv(const struct story *s, int ended) {
    const struct call *call = call_numbered(s->plan.call);
    return ended == 128 + SIGABRT && s->plan.kind == FAULT_ERROR && call &&
           (strcmp(call->name, "epoll_ctl") == 0 ||
            (strcmp(call->name, "pipe2") == 0 && s->plan.nth == 2));
}

/* Where it came from, when it crashed: see preload.c. Out: whether that was in the C library's lookup
 * of users and groups, which is not made to do without memory. */
static bool read_trace(const struct org *o, char *out, size_t room) {
    char line[512];
    bool lookup = false;
    size_t n = 0;
    FILE *f = fopen(o->log, "r");
    while (f && fgets(line, sizeof line, f)) {
        if (!strstr(line, ")["))
            continue;
        lookup |= strstr(line, "(__nss_") || strstr(line, "(getgr") || strstr(line, "(getpw");
        n += (size_t)snprintf(out + n, room - n, "#   %s", line);
        n = n < room ? n : room - 1;
    }
    if (f)
        fclose(f);
    return lookup;
}

/* Takes the first complaint away: that it ended by a signal. */
static void excuse(struct place *p) {
    char *end = strstr(p->why, "; ");
    if (end)
        memmove(p->why, end + 2, strlen(end + 2) + 1);
}

static void tell_one(struct run *r, struct place *p, const struct story *s) {
    char name[128], trace[4096] = "";
    struct tally *t = r->tally;
    story_run(p, &scenes[s->scene], &s->plan);
    bool crashed = p->ended == 128 + SIGABRT || p->ended == 128 + SIGSEGV;
    bool lookup = crashed && read_trace(p->hit, trace, sizeof trace);
    if (is_end_by_libuv(s, p->ended)) {
        t->by_libuv++;
        excuse(p);
    } else if (lookup && s->plan.kind == FAULT_ALLOC) {
        t->by_lookup++;
        excuse(p);
    }
    t->told[s->scene][s->plan.kind]++;
    t->struck += atomic_load(&p->fault->struck) > 0;
    t->lived += p->ended == 0;
    t->resumed += p->resumed;
    t->refused += p->refused > 0;
    if (!p->why[0])
        return;
    t->bad[s->scene][s->plan.kind]++;
    put_name(s, name, sizeof name);
    printf("not ok - faults: %s: %s(%s)\n", name, p->why, p->fault->what);
    fputs(trace, stdout);
    fflush(stdout);
}

static void work(struct run *r, unsigned number) {
    struct place p;
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    place_open(&p, &r->tools, r->dir, number);
    for (;;) {
        unsigned i = atomic_fetch_add(&r->tally->next, 1);
        if (i >= r->n)
            break;
        tell_one(r, &p, &r->stories[i]);
        if (i % 1000 == 999)
            fprintf(stderr, "# %u of %zu\n", i + 1, r->n);
    }
    place_close(&p);
    exit(0);
}

static void work_together(struct run *r) {
    unsigned odd = 0;
    int status;
    fflush(stdout);
    for (unsigned i = 0; i < r->o.jobs; i++)
        if (fork() == 0)
            work(r, i + 1);
    while (wait(&status) > 0)
        odd += status != 0;
    if (odd)
        give_up("%u workers did not come to their end", odd);
}

static unsigned report(const struct run *r) {
    unsigned bad = 0, told = 0;
    for (unsigned s = 0; s < n_scenes; s++)
        for (unsigned k = 0; k < FAULT_KINDS; k++) {
            unsigned n = r->tally->told[s][k];
            told += n;
            bad += r->tally->bad[s][k];
            if (n > 0 && r->tally->bad[s][k] == 0)
                printf("ok - faults: %s, %s: %u stories, nothing confirmed is lost\n",
                       scenes[s].name, kind_names[k], n);
        }
    if (told > 0 && r->tally->struck * 2 < told) {
        bad++;
        printf("not ok - faults: most faults are met: %u of %u\n", r->tally->struck, told);
    }
    printf(
        "# %u of %zu stories: %u faults met, %u times the daemon lived on, %u times it wrote again "
        "by itself, %u times it refused a command, %u ends by libuv, %u in the lookup of users, %u wrong\n",
        told, r->n, r->tally->struck, r->tally->lived, r->tally->resumed, r->tally->refused,
        r->tally->by_libuv, r->tally->by_lookup, bad);
    return bad;
}

static int tell_named(struct run *r, struct place *p) {
    char scene[32], kind[32], call[32], phase[32], error[32];
    unsigned nth;
    if (sscanf(r->o.story, "%31s %31s %31s %31s %u %31s", scene, kind, call, phase, &nth, error) !=
        6)
        give_up("--story: SCENE KIND CALL PHASE NTH ERROR");
    struct story s = {.plan = {.nth = nth}};
    char *own = strstr(call, "/own"), *plus = strchr(error, '+');
    s.plan.own = own;
    s.plan.lasting = plus;
    *(own ? own : plus ? plus : error + strlen(error)) = 0;
    if (plus)
        *plus = 0;
    while (s.scene < n_scenes && strcmp(scenes[s.scene].name, scene) != 0)
        s.scene++;
    if (s.scene == n_scenes)
        give_up("no scene %s", scene);
    while (s.plan.kind < FAULT_KINDS && strcmp(kind_names[s.plan.kind], kind) != 0)
        s.plan.kind++;
    while (scenes[s.scene].phases[s.plan.phase] &&
           strcmp(scenes[s.scene].phases[s.plan.phase], phase) != 0)
        s.plan.phase++;
    s.plan.call = call_named(call) ? call_named(call)->nr : 0;
    s.plan.error = error_named(error);
    tell_one(r, p, &s);
    printf("# struck %u, ended %d, refused %u, resumed %d; kept: %s\n", p->fault->struck, p->ended,
           p->refused, p->resumed, p->dir);
    return p->why[0] != 0;
}

static void read_options(struct options *o, int argc, char **argv) {
    static const struct option options[] = {{"scene", 1, NULL, 's'},  {"kind", 1, NULL, 'k'},
                                            {"call", 1, NULL, 'c'},   {"phase", 1, NULL, 'p'},
                                            {"sample", 1, NULL, 'n'}, {"every", 0, NULL, 'e'},
                                            {"jobs", 1, NULL, 'j'},   {"list", 0, NULL, 'l'},
                                            {"story", 1, NULL, 't'},  {NULL, 0, NULL, 0}};
    int c;
    *o = (struct options){.jobs = 4};
    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        const char **text = c == 's'   ? &o->scene
                            : c == 'k' ? &o->kind
                            : c == 'c' ? &o->call
                            : c == 'p' ? &o->phase
                            : c == 't' ? &o->story
                                       : NULL;
        if (text)
            *text = optarg;
        else if (c == 'n')
            o->sample = (unsigned)atoi(optarg);
        else if (c == 'j')
            o->jobs = (unsigned)atoi(optarg);
        else if (c == 'e')
            o->every = true;
        else if (c == 'l')
            o->list = true;
        else
            exit(2);
    }
    if (o->jobs < 1 || o->jobs > JOBS_MAX)
        give_up("1 to %d jobs", JOBS_MAX);
}

static const char *tool(const char *name) {
    const char *build = getenv("MEENT_BUILD");
    char *path;
    if (asprintf(&path, "%s/%s", build ? build : "build", name) < 0 || access(path, R_OK) != 0)
        give_up("%s: %s", name, strerror(errno));
    return path;
}

int main(int argc, char **argv) {
    static struct run r;
    static struct place p;
    read_options(&r.o, argc, argv);
    signal(SIGPIPE, SIG_IGN);
    r.tools = (struct tools){tool("meentd"), tool("meent"), getenv("MEENT_FAULT_LIBRARY")};
    if (!r.tools.preload)
        give_up("MEENT_FAULT_LIBRARY names the library");
    snprintf(r.dir, sizeof r.dir, "%s/meent-faults.XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    r.stories = calloc(STORIES_MAX, sizeof *r.stories);
    r.tally =
        mmap(NULL, sizeof *r.tally, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (!r.stories || r.tally == MAP_FAILED || !mkdtemp(r.dir))
        give_up("no memory or no directory");
    place_open(&p, &r.tools, r.dir, 0);
    if (r.o.story)
        return tell_named(&r, &p);
    for (unsigned i = 0; i < n_scenes; i++)
        if (!r.o.scene || strncmp(r.o.scene, scenes[i].name, strlen(r.o.scene)) == 0)
            list_scene(&r, &p, i);
    place_close(&p);
    if (r.o.sample)
        take_sample(&r);
    char name[128];
    for (size_t i = 0; r.o.list && i < r.n; i++) {
        put_name(&r.stories[i], name, sizeof name);
        puts(name);
    }
    unsigned bad = 0;
    if (!r.o.list) {
        work_together(&r);
        bad = report(&r);
    }
    remove_tree(r.dir);
    return bad > 0;
}
