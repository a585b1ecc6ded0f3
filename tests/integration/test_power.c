/* The real store on a disk that fails and loses power: whatever a disk may keep of what was not
 * synced yet, the store opens, holds all that was promised and nothing by halves, and goes on.
 *
 * POWER_STATES says how many states of the disk are tried (400), POWER_SEED which. */
#include "power_world.h"

#include "power.h"

#include <malloc.h>

enum { STATES = 400, NTH_MAX = 200 };

struct totals {
    uint64_t states, open, kept, cut_again;
};

/* One life of a store that was recorded from its first moment. */
struct record {
    struct power *power;
    size_t steps[BATCHES + 1]; /* recorded when so many batches were durable */
};

static struct power_state nothing_of(size_t promise) {
    return (struct power_state){.promise = promise};
}

static void remove_store(const char *dir) {
    struct power_state none = nothing_of(0);
    assert_true(power_build(&none, dir));
}

/* Promise 1 is that there is a store, 1 + i that it holds i batches. */
static void record_life(struct world *w, struct record *r, bool no_sync) {
    struct mt_store *s;
    char why[256] = "";
    int number;
    r->power = power_new(w->dir, 1);
    if (world_open(w, w->dir, no_sync, &s, why, sizeof why))
        fail_msg("%s", why);
    for (int i = 0; i <= BATCHES; i++) {
        if (i > 0)
            assert_int_equal(world_apply(w, s, i), MT_OK);
        power_mark(r->power, 1 + (uint64_t)i);
        r->steps[i] = power_steps(r->power);
        if (i % 3 == 0)
            assert_int_equal(world_tidy(s, i % 2 ? 1 : 100), MT_OK);
        assert_int_equal(world_look(w, s, &number, w->prints[i]), MT_OK);
        assert_int_equal(number, i);
        assert_true(power_agrees(r->power));
    }
    mt_store_close(s);
}

static int setup(void **state) {
    *state = world_new();
    return 0;
}

static int teardown(void **state) {
    struct world *w = *state;
    remove_store(w->dir);
    remove_store(w->cut);
    world_free(w);
    return 0;
}

static uint64_t number_of(const char *name, uint64_t otherwise) {
    const char *text = getenv(name);
    return text && *text ? strtoull(text, NULL, 10) : otherwise;
}

/* ---- one state of the disk ---- */

static bool holds(const struct world *w, struct mt_store *s, int *number) {
    uint8_t print[32];
    return world_look(w, s, number, print) == MT_OK && *number <= BATCHES &&
           memcmp(print, w->prints[*number], sizeof print) == 0;
}

static const char *reopen(const struct world *w, struct mt_store **s) {
    static char why[300];
    char text[256] = "";
    mt_store_close(*s);
    enum mt_err err = world_open(w, w->cut, false, s, text, sizeof text);
    (void)snprintf(why, sizeof why, "it does not open: %s", text);
    return err ? why : NULL;
}

/* Opens what a cut left, looks at it, writes on and looks again. What is wrong, or NULL. */
static const char *try_store(const struct world *w, uint64_t promise, bool again) {
    struct mt_store *s = NULL;
    int number = 0, next = 0;
    const char *wrong = reopen(w, &s);
    if (!wrong && !holds(w, s, &number))
        wrong = "it holds something by halves";
    if (!wrong && (uint64_t)number + 1 < promise)
        wrong = "something promised is lost";
    if (!wrong && (uint64_t)number > promise)
        wrong = "it holds what was not written yet";
    if (!wrong && number < BATCHES && world_apply(w, s, number + 1))
        wrong = "it cannot be written to";
    if (!wrong && again)
        wrong = reopen(w, &s);
    if (!wrong && world_tidy(s, again ? 100 : 1))
        wrong = "it cannot be tidied up";
    if (!wrong && (!holds(w, s, &next) || (number < BATCHES && next != number + 1)))
        wrong = "what was written then is not there";
    mt_store_close(s);
    return wrong;
}

/* After one cut the store writes on, and the power goes again. */
static const char *cut_again(const struct world *w, uint64_t promise, uint64_t *chance) {
    struct mt_store *s = NULL;
    struct power_state state;
    int number = 0;
    struct power *p = power_new(w->cut, 1);
    const char *wrong = reopen(w, &s);
    if (!wrong && (!holds(w, s, &number) || (uint64_t)number + 1 < promise))
        wrong = "something is lost before the second cut";
    power_mark(p, 1 + (uint64_t)number);
    for (int i = 0; !wrong && i < 2 && ++number <= BATCHES; i++) {
        if (world_apply(w, s, number))
            wrong = "it cannot be written to before the second cut";
        power_mark(p, 1 + (uint64_t)number);
        if (!wrong && world_tidy(s, 1))
            wrong = "it cannot be tidied up before the second cut";
    }
    mt_store_close(s);
    power_cut(p, power_draw(chance) % (power_steps(p) + 1), power_draw(chance), &state);
    state.promise = state.promise > promise ? state.promise : promise;
    bool ok = power_build(&state, w->cut);
    power_free(p);
    if (wrong || !ok)
        return wrong ? wrong : "the state cannot be built";
    return try_store(w, state.promise, true);
}

/* Tries `n` states, spread over all moments of the recorded life. Returns how many are wrong, and
 * says where the first was. */
static uint64_t try_states(const struct world *w, struct record *r, uint64_t n, uint64_t seed,
                           struct totals *t, bool tell) {
    uint64_t chance = seed, wrong = 0;
    for (uint64_t i = 0; i < n; i++) {
        struct power_state state;
        size_t at = (size_t)(i * (power_steps(r->power) + 1) / n);
        uint64_t dice = power_draw(&chance);
        power_cut(r->power, at, dice, &state);
        t->open += state.open;
        t->kept += state.kept;
        assert_true(power_build(&state, w->cut));
        bool twice = power_draw(&chance) % 4 == 0;
        const char *what =
            twice ? cut_again(w, state.promise, &chance) : try_store(w, state.promise, i % 8 == 0);
        t->states++;
        t->cut_again += twice;
        if (what && wrong++ == 0 && tell)
            print_error("state %llu of seed %llu, step %zu: %s\n", (unsigned long long)i,
                        (unsigned long long)seed, at, what);
    }
    return wrong;
}

static void no_power_cut_loses_what_was_promised(void **state) {
    struct world *w = *state;
    struct record r;
    struct totals t = {0};
    uint64_t n = number_of("POWER_STATES", STATES);
    record_life(w, &r, false);
    uint64_t wrong = try_states(w, &r, n, number_of("POWER_SEED", 1), &t, true);
    print_message("%llu states of %zu steps (%llu of them cut twice); %llu of %llu open sectors "
                  "kept; %llu wrong\n",
                  (unsigned long long)t.states, power_steps(r.power),
                  (unsigned long long)t.cut_again, (unsigned long long)t.kept,
                  (unsigned long long)t.open, (unsigned long long)wrong);
    power_free(r.power);
    assert_int_equal(wrong, 0);
}

/* The same with a store that promises before it syncs: or the test above would see nothing. */
static void a_store_that_does_not_sync_is_found_out(void **state) {
    struct world *w = *state;
    struct record r;
    struct totals t = {0};
    record_life(w, &r, true);
    uint64_t wrong = try_states(w, &r, 100, 1, &t, false);
    power_free(r.power);
    assert_true(wrong > 10 && wrong < 100);
}

/* ---- one call that fails ---- */

/* Batches that create, make many pages, free some, fork a chain and read what waited. */
static const int AFTER[] = {0, 7, 12, 23, KEY_AT - 1};

/* The store as it was after so many batches, on a disk of its own. */
static struct power *store_after(const struct world *w, struct record *r, int batches,
                                 uint64_t seed) {
    struct power_state state;
    power_cut(r->power, r->steps[batches] - 1, seed, &state);
    assert_int_equal(state.open, 0);
    assert_true(power_build(&state, w->cut));
    return power_new(w->cut, seed);
}

/* What a short write comes of nobody knows. */
static bool is_said_right(enum power_fault fault, enum mt_err err) {
    return fault == POWER_SHORT ? err == MT_EIO || err == MT_ENOSPACE
                                : err == (fault == POWER_ENOSPC ? MT_ENOSPACE : MT_EIO);
}

/* Lets call `nth` of a batch fail. The store says so and is as before, or nothing is wrong; it goes
 * on without being opened again; and then the power goes. False when there is no such call. */
static bool try_fault(const struct world *w, struct record *r, int after, uint64_t nth,
                      enum power_fault fault, uint64_t seed) {
    struct mt_store *s = NULL;
    struct power_state state;
    int number;
    struct power *p = store_after(w, r, after, seed);
    const char *wrong = reopen(w, &s);
    assert_null(wrong);
    power_arm(p, nth, fault);
    enum mt_err err = world_apply(w, s, after + 1);
    bool struck = power_struck(p);
    if (err && !is_said_right(fault, err))
        wrong = "it calls it something else";
    if (err && !struck)
        wrong = "it fails though nothing was wrong";
    power_mark(p, 1 + (uint64_t)after + !err);
    if (!wrong && err && (!holds(w, s, &number) || number != after))
        wrong = "it is not as before";
    if (!wrong && err && world_apply(w, s, after + 1))
        wrong = "it does not go on";
    power_mark(p, 2 + (uint64_t)after);
    if (!wrong && (!holds(w, s, &number) || number != after + 1))
        wrong = "what it holds is not what was written";
    mt_store_close(s);
    power_cut(p, power_draw(&seed) % (power_steps(p) + 1), seed, &state);
    state.promise = state.promise ? state.promise : 1 + (uint64_t)after;
    assert_true(power_build(&state, w->cut));
    power_free(p);
    if (!wrong)
        wrong = try_store(w, state.promise, true);
    if (wrong)
        fail_msg("batch %d, call %llu, fault %d, seed %llu: %s", after + 1, (unsigned long long)nth,
                 (int)fault, (unsigned long long)seed, wrong);
    return struck;
}

static void a_call_that_fails_does_no_harm(void **state) {
    struct world *w = *state;
    struct record r;
    uint64_t n = 0;
    record_life(w, &r, false);
    for (size_t i = 0; i < MT_ARRAY_LEN(AFTER); i++)
        for (int fault = POWER_EIO; fault <= POWER_SHORT; fault++)
            for (uint64_t seed = 0; seed < 2; seed++) {
                uint64_t nth = 1;
                while (try_fault(w, &r, AFTER[i], nth, (enum power_fault)fault, seed))
                    assert_true(++nth < NTH_MAX);
                assert_true(nth > 3); /* pages, sync, meta page */
                n += nth - 1;
            }
    print_message("%llu calls failed\n", (unsigned long long)n);
    power_free(r.power);
}

/* The process ends at any call and another one reads what is there: from then on others may know it,
 * so a power cut does not take it. */
static void what_was_read_after_a_crash_stays(void **state) {
    struct world *w = *state;
    struct record r;
    uint64_t nth = 1, seed = 1;
    record_life(w, &r, false);
    for (bool struck = true; struck; nth += power_draw(&seed) % 16 == 0) {
        struct mt_store *s = NULL;
        struct power_state cut;
        int number;
        struct power *p = store_after(w, &r, 7, seed);
        assert_null(reopen(w, &s));
        power_arm(p, nth, POWER_KILL);
        (void)world_apply(w, s, 8);
        struck = power_struck(p);
        assert_null(reopen(w, &s));
        assert_true(holds(w, s, &number));
        mt_store_close(s);
        power_cut(p, power_steps(p), seed, &cut);
        assert_true(power_build(&cut, w->cut));
        power_free(p);
        const char *wrong = try_store(w, 1 + (uint64_t)number, true);
        if (wrong)
            fail_msg("call %llu, %d batches: %s", (unsigned long long)nth, number, wrong);
        assert_true(nth < NTH_MAX);
    }
    assert_true(nth > 3);
    power_free(r.power);
}

/* The same while the store is made. */
static void a_name_that_was_seen_after_a_crash_stays(void **state) {
    struct world *w = *state;
    char why[256];
    uint64_t seed = 1;
    struct record r;
    record_life(w, &r, false);
    power_free(r.power);
    remove_store(w->dir);
    for (uint64_t nth = 1; nth; nth += nth && power_draw(&seed) % 8 == 0) {
        struct mt_store *s;
        struct power_state cut;
        struct power *p = power_new(w->dir, seed);
        power_arm(p, nth, POWER_KILL);
        if (world_open(w, w->dir, false, &s, why, sizeof why) == MT_OK)
            mt_store_close(s);
        if (!power_struck(p)) {
            assert_true(nth > 8);
            nth = 0;
        }
        assert_int_equal(world_open(w, w->dir, false, &s, why, sizeof why), MT_OK);
        assert_int_equal(world_apply(w, s, 1), MT_OK);
        mt_store_close(s);
        power_cut(p, power_steps(p), seed, &cut);
        assert_true(power_build(&cut, w->cut));
        power_free(p);
        const char *wrong = try_store(w, 2, false);
        if (wrong)
            fail_msg("call %llu: %s", (unsigned long long)nth, wrong);
        remove_store(w->dir);
        assert_true(nth < NTH_MAX);
    }
}

/* A store is made or it is not; when not, the next try makes it. */
static void a_creation_that_fails_can_be_tried_again(void **state) {
    struct world *w = *state;
    char why[256];
    bool struck = true;
    for (uint64_t nth = 1; struck; nth++)
        for (int fault = POWER_EIO; fault <= POWER_SHORT; fault++) {
            struct mt_store *s;
            struct power *p = power_new(w->dir, nth);
            power_arm(p, nth, (enum power_fault)fault);
            enum mt_err err = world_open(w, w->dir, false, &s, why, sizeof why);
            struck = power_struck(p);
            if (err) {
                assert_true(struck);
                assert_true(is_said_right((enum power_fault)fault, err));
                assert_int_equal(world_open(w, w->dir, false, &s, why, sizeof why), MT_OK);
            }
            assert_int_equal(world_apply(w, s, 1), MT_OK);
            assert_true(power_agrees(p));
            mt_store_close(s);
            power_free(p);
            remove_store(w->dir);
            assert_true(nth < NTH_MAX);
        }
}

int main(void) {
    /* A store opened takes large pieces of memory: they are kept for the next one. */
    (void)mallopt(M_MMAP_THRESHOLD, 32 * 1024 * 1024);
    (void)mallopt(M_TRIM_THRESHOLD, 256 * 1024 * 1024);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_call_that_fails_does_no_harm, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_read_after_a_crash_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(a_name_that_was_seen_after_a_crash_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(a_creation_that_fails_can_be_tried_again, setup, teardown),
        cmocka_unit_test_setup_teardown(no_power_cut_loses_what_was_promised, setup, teardown),
        cmocka_unit_test_setup_teardown(a_store_that_does_not_sync_is_found_out, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
