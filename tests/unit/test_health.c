/* The lines of health: which of them are said when, and that each has a code and a text. */
#include "query_world.h"

#include "engine_load.h"
#include "limits.h"

#define SCHOOL  (&world->orgs[0])
#define COMPANY (&world->orgs[1])

enum { HOUR_MS = 3600000 };

/* Runs status in the environment that `change` makes of the usual one. */
static struct answer *status_when(struct org *o, void (*change)(struct mt_cmd_env *env)) {
    uint8_t memory[8];
    struct mt_writer w = mt_writer(memory, sizeof memory);
    struct answer *a = calloc(1, sizeof *a);
    assert_non_null(a);
    struct mt_cmd_env env = env_of(o);
    if (change)
        change(&env);
    mt_wire_put_map(&w, 0);
    mt_cmd_run(&env, EVERYTHING, mt_slice_str("status"), mt_writer_slice(&w), on_done, a);
    assert_true(a->done && !a->err);
    return a;
}

/* The line of health with this code, its text in `text`. False when it is not said. */
static bool says(const struct answer *a, const char *code, char text[static 300]) {
    for (unsigned i = 0;; i++) {
        char path[40];
        struct mt_slice v;
        (void)snprintf(path, sizeof path, "health.%u.code", i);
        if (!find(a->result, path, &v))
            return false;
        struct mt_reader r = mt_reader(v);
        if (!mt_slice_is(mt_wire_str(&r, 60), code))
            continue;
        (void)snprintf(path, sizeof path, "health.%u.text", i);
        copy_text(a, path, text, 300);
        assert_true(text[0]);
        return true;
    }
}

static void expect_said(struct org *o, void (*change)(struct mt_cmd_env *env), const char *code) {
    char text[300];
    struct answer *a = status_when(o, change);
    if (!says(a, code, text))
        fail_msg("%s is not said", code);
    answer_free(a);
}

static void expect_silence(struct org *o, void (*change)(struct mt_cmd_env *env),
                           const char *code) {
    char text[300];
    struct answer *a = status_when(o, change);
    if (says(a, code, text))
        fail_msg("%s is said: %s", code, text);
    answer_free(a);
}

static int setup(void **state) {
    struct world *world = calloc(1, sizeof *world);
    assert_non_null(world);
    world_open(world, WORLD_ORGS);
    world_found(world);
    *state = world;
    return 0;
}

static int teardown(void **state) {
    world_close(*state);
    free(*state);
    return 0;
}

/* ---- the machine ---- */

static void full(struct mt_cmd_env *env) {
    env->degraded = MT_ENOSPACE;
}
static void no_memory(struct mt_cmd_env *env) {
    env->degraded = MT_ENOMEM;
}
static void failing(struct mt_cmd_env *env) {
    env->degraded = MT_EIO;
}
static void damaged(struct mt_cmd_env *env) {
    env->degraded = MT_ECORRUPT;
}
static void other(struct mt_cmd_env *env) {
    env->degraded = MT_EBUG;
}
static void why_nothing_can_be_written_is_said(void **state) {
    struct world *world = *state;
    expect_said(SCHOOL, full, "disk-full");
    expect_said(SCHOOL, no_memory, "memory");
    expect_said(SCHOOL, failing, "disk-error");
    expect_said(SCHOOL, other, "read-only");
    expect_said(SCHOOL, damaged, "damaged");
    static const char *const all[] = {"disk-full", "memory", "disk-error", "read-only", "damaged"};
    for (size_t i = 0; i < MT_ARRAY_LEN(all); i++)
        expect_silence(SCHOOL, NULL, all[i]);
}

static void starved(struct mt_cmd_env *env) {
    env->starved_ago_ms = 1;
    env->full_ago_ms = 1;
}
static void starved_long_ago(struct mt_cmd_env *env) {
    env->starved_ago_ms = env->full_ago_ms = HOUR_MS;
}
static void unannounced(struct mt_cmd_env *env) {
    env->announce = "";
}

static void who_knocks_is_said_while_it_lasts(void **state) {
    struct world *world = *state;
    expect_said(SCHOOL, starved, "descriptors");
    expect_said(SCHOOL, starved, "connections");
    expect_silence(SCHOOL, starved_long_ago, "descriptors");
    expect_silence(SCHOOL, starved_long_ago, "connections");
    expect_silence(SCHOOL, NULL, "descriptors");
    expect_said(SCHOOL, unannounced, "no-address");
    expect_silence(SCHOOL, NULL, "no-address");
}

/* ---- the others ---- */

static void part_all(struct world *world) {
    for (unsigned i = 0; i < world->n_wires; i++)
        hang_up(world, &world->wires[i], MT_EUNREACHABLE);
}

static void later(struct mt_cmd_env *env) {
    env->wall_ms += 30 * (uint64_t)HOUR_MS;
    env->uptime_ms += 30 * (uint64_t)HOUR_MS;
}

static void members_that_are_away_are_named(void **state) {
    struct world *world = *state;
    char text[300], address[WORLD_ORGS][16];
    expect_said(SCHOOL, NULL, "board");
    expect_said(SCHOOL, NULL, "one-installation");
    expect_silence(SCHOOL, NULL, "peer-unreachable");
    /* One of them: it is not reached, nor reaches us. */
    for (unsigned i = 0; i < WORLD_ORGS; i++)
        memcpy(address[i], world->orgs[i].address, 16);
    (void)snprintf(world->orgs[0].address, 16, "away:0");
    (void)snprintf(world->orgs[1].address, 16, "away:1");
    part_all(world);
    world_run(world, 20000);
    struct answer *a = status_when(SCHOOL, NULL);
    assert_true(says(a, "peer-unreachable", text));
    assert_non_null(strstr(text, "Wavin"));
    assert_false(says(a, "offline", text));
    answer_free(a);
    a = status_when(SCHOOL, later);
    assert_true(says(a, "peer-away", text));
    assert_non_null(strstr(text, "hours"));
    answer_free(a);
    /* All of them: then it is here. */
    (void)snprintf(world->orgs[2].address, 16, "away:2");
    part_all(world);
    world_run(world, 20000);
    a = status_when(SCHOOL, NULL);
    assert_true(says(a, "offline", text));
    assert_false(says(a, "peer-unreachable", text));
    answer_free(a);
    expect_said(SCHOOL, later, "offline-long");
    for (unsigned i = 0; i < WORLD_ORGS; i++)
        memcpy(world->orgs[i].address, address[i], 16);
    world_run(world, 600000);
    expect_silence(SCHOOL, NULL, "offline");
    expect_silence(SCHOOL, NULL, "peer-unreachable");
}

static void just_started(struct mt_cmd_env *env) {
    env->uptime_ms = MT_SETTLE_MS - 1;
}
static void settled(struct mt_cmd_env *env) {
    env->uptime_ms = MT_SETTLE_MS;
}

/* A node as it starts from what the organisation stored, with nobody called yet. */
static struct mt_node *started_node(struct org *o) {
    struct mt_engine_config config = {.store = o->store,
                                      .announce = o->address,
                                      .installation = "/nowhere/installation",
                                      .random = world_random};
    struct mt_time now = {.mono_ms = o->world->mono_ms, .wall_ms = o->world->wall_ms};
    struct mt_node *node;
    struct mt_id feed;
    uint8_t entropy[32] = {1};
    assert_int_equal(mt_engine_load(&config, "machine", &node, &feed), MT_OK);
    assert_int_equal(mt_node_start(node, &now, entropy), MT_OK);
    for (unsigned i = 0; i < WORLD_ORGS; i++) {
        struct mt_node_info other;
        if (i == o->no)
            continue;
        mt_node_info(o->world->orgs[i].node, &other);
        assert_int_equal(mt_node_address(node, &other.org, mt_slice_str("away:1")), MT_OK);
    }
    return node;
}

static void step_alone(struct mt_node *node, const struct world *world, struct mt_event event) {
    event.now = (struct mt_time){.mono_ms = world->mono_ms + 60000, .wall_ms = world->wall_ms};
    mt_node_step(node, &event);
}

/* Just after the start others were not called yet, or start too: only what they answered counts. */
static void nobody_is_called_away_in_the_first_moments(void **state) {
    struct world *world = *state;
    struct mt_node *was = SCHOOL->node, *node = started_node(SCHOOL);
    uint64_t called[WORLD_ORGS] = {0};
    size_t n_effects, n = 0;
    SCHOOL->node = node;
    expect_silence(SCHOOL, just_started, "offline");
    expect_said(SCHOOL, settled, "offline");
    step_alone(node, world, (struct mt_event){.type = MT_EV_TICK});
    const struct mt_effect *fx = mt_node_effects(node, &n_effects);
    for (size_t i = 0; i < n_effects; i++)
        if (fx[i].type == MT_FX_CONNECT && n < WORLD_ORGS)
            called[n++] = fx[i].conn;
    assert_int_equal(n, WORLD_ORGS - 1);
    static const enum mt_err ends[] = {MT_EUNREACHABLE, MT_EPSK};
    for (size_t i = 0; i < n; i++)
        step_alone(node, world,
                   (struct mt_event){.type = MT_EV_CLOSED, .conn = called[i], .err = ends[i]});
    expect_silence(SCHOOL, just_started, "peer-unreachable");
    expect_said(SCHOOL, just_started, "peer-key");
    expect_said(SCHOOL, settled, "peer-unreachable");
    SCHOOL->node = was;
    mt_node_free(node);
}

static void invitations_are_mentioned(void **state) {
    struct world *world = *state;
    char id[65];
    expect_silence(SCHOOL, NULL, "invite-open");
    answer_free(run(SCHOOL, "invite.create", "name=nog een"));
    expect_said(SCHOOL, NULL, "invite-open");
    run_id(SCHOOL, "invite.revoke", "name=nog een", id);
    expect_silence(SCHOOL, NULL, "invite-open");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(why_nothing_can_be_written_is_said),
        cmocka_unit_test(who_knocks_is_said_while_it_lasts),
        cmocka_unit_test(members_that_are_away_are_named),
        cmocka_unit_test(nobody_is_called_away_in_the_first_moments),
        cmocka_unit_test(invitations_are_mentioned),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
