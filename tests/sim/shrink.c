/* shrink: makes the plan of a failing run smaller for as long as it fails. Every field goes to its
 * least, else half way there, else down by one; since a changed plan tells another story, each of
 * these is tried with a few salts. */
#include "sim.h"

enum { RUNS_MAX = 250, ROUNDS_MAX = 8, SALTS = 4 };

static bool fails(struct run *run, const struct plan *plan, unsigned *runs) {
    struct run try = {.seed = run->seed, .plan = *plan, .plant = run->plant};
    for (int salt = 0; salt < SALTS && *runs < RUNS_MAX; salt++) {
        if (run->is_stopped && run->is_stopped())
            return false;
        try.plan.salt = plan->salt + salt;
        ++*runs;
        story_run(&try);
        if (try.ok)
            continue;
        run->plan = try.plan;
        return true;
    }
    return false;
}

static bool make_smaller(struct run *run, size_t field, unsigned *runs) {
    int *value, least;
    struct plan plan = run->plan;
    (void)plan_field(&plan, field, &value, &least);
    int now = *value;
    int tries[] = {least, least + (now - least) / 2, now - 1};
    for (size_t i = 0; i < MT_ARRAY_LEN(tries); i++) {
        if (tries[i] < least || tries[i] >= now || (i > 0 && tries[i] == tries[i - 1]))
            continue;
        plan = run->plan;
        *value = tries[i];
        plan_settle(&plan);
        if (fails(run, &plan, runs))
            return true;
    }
    return false;
}

unsigned shrink(struct run *run) {
    unsigned runs = 0;
    bool changed = true;
    for (int round = 0; changed && round < ROUNDS_MAX; round++) {
        changed = false;
        for (size_t i = 0; i < plan_fields(); i++)
            changed |= make_smaller(run, i, &runs);
    }
    return runs;
}
