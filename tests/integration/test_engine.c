/* The engine around a node and a store that are made up here: what they are told, and when. */
#include "engine.h"
#include "fake_node.h"
#include "keyfile.h"
#include "key.h"
#include "log.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

/* ---- the world ---- */

struct world {
    uv_loop_t loop;
    struct mt_conn_pool pool;
    struct mt_node node;
    struct mt_engine *engine;
    char dir[64], installation[96];
    unsigned replies, changes, quiet;
    enum mt_err reply_err;
    uint64_t expires_ms;
    bool again;
};

static void not_random(void *out, size_t n) {
    static unsigned char next;
    next++;
    memset(out, next, n);
}

static int begin(void **state) {
    struct world *w = calloc(1, sizeof *w);
    *state = w;
    the_node = &w->node;
    apply_err = MT_OK;
    n_batches_freed = 0;
    n_tidied = 0;
    signal(SIGPIPE, SIG_IGN);
    mt_log_init(STDERR_FILENO, 0, false);
    strcpy(w->dir, "/tmp/meent-engine-XXXXXX");
    if (mt_key_init() != MT_OK || !mkdtemp(w->dir))
        return -1;
    snprintf(w->installation, sizeof w->installation, "%s/installation", w->dir);
    uv_loop_init(&w->loop);
    w->pool.loop = &w->loop;
    struct mt_engine_config config = {.loop = &w->loop,
                                      .pool = &w->pool,
                                      .announce = "",
                                      .installation = w->installation,
                                      .random = not_random};
    return mt_engine_new(&w->engine, &config) == MT_OK ? 0 : -1;
}

static int end(void **state) {
    struct world *w = *state;
    mt_engine_close(w->engine);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    int left = uv_loop_close(&w->loop) + (w->pool.open != 0);
    mt_engine_free(w->engine);
    unlink(w->installation);
    left += rmdir(w->dir);
    free(w);
    return left;
}

static void on_tick(uv_timer_t *t) {
    (void)t;
}

static bool run_until(struct world *w, const unsigned *counter, unsigned n, uint64_t ms) {
    uv_timer_t tick;
    uv_timer_init(&w->loop, &tick);
    uv_timer_start(&tick, on_tick, 1, 1);
    uv_update_time(&w->loop);
    for (uint64_t until = uv_now(&w->loop) + ms; *counter < n && uv_now(&w->loop) < until;)
        uv_run(&w->loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&tick, NULL);
    uv_run(&w->loop, UV_RUN_NOWAIT);
    return *counter >= n;
}

static void start(struct world *w, void (*react)(struct mt_node *, const struct mt_event *)) {
    w->node.react = react;
    assert_int_equal(mt_engine_start(w->engine), MT_OK);
}

static void on_reply(void *arg, enum mt_err err, const struct mt_reply *reply) {
    struct world *w = arg;
    assert_int_equal(w->node.stepping, 0);
    w->replies++;
    w->reply_err = err;
    w->expires_ms = reply->expires_ms;
    if (!w->again)
        return;
    w->again = false;
    struct mt_command next = {.type = MT_CMD_WRITE};
    assert_int_equal(mt_engine_command(w->engine, &next, on_reply, w), MT_OK);
}

static void command(struct world *w) {
    struct mt_command c = {.type = MT_CMD_WRITE};
    unsigned before = w->replies;
    assert_int_equal(mt_engine_command(w->engine, &c, on_reply, w), MT_OK);
    assert_int_equal(w->replies, before); /* never inside the call */
}

static void reply(struct mt_node *n, uint64_t request, enum mt_err err) {
    struct mt_effect *fx = put(n, MT_FX_REPLY);
    fx->request = request;
    fx->err = err;
    fx->reply.expires_ms = 42;
}

static struct mt_batch *batch(void) {
    return calloc(1, sizeof(struct mt_batch));
}

/* ---- tests ---- */

static void reply_at_once(struct mt_node *n, const struct mt_event *event) {
    if (event->type == MT_EV_COMMAND)
        reply(n, event->command.request, MT_ECONFLICT);
}

static void replies_come_later_and_may_lead_to_commands(void **state) {
    struct world *w = *state;
    start(w, reply_at_once);
    w->again = true;
    command(w);
    assert_true(run_until(w, &w->replies, 2, 1000));
    assert_int_equal(w->reply_err, MT_ECONFLICT);
    assert_int_equal(w->expires_ms, 42);
    assert_int_equal(w->node.n_events, 2);
}

static void persist_then_reply(struct mt_node *n, const struct mt_event *event) {
    static uint64_t waiting;
    if (event->type == MT_EV_COMMAND) {
        waiting = event->command.request;
        put(n, MT_FX_PERSIST)->batch = batch();
    } else if (event->type == MT_EV_PERSISTED) {
        reply(n, waiting, apply_err);
    }
}

static void writes_are_answered_when_durable(void **state) {
    struct world *w = *state;
    start(w, persist_then_reply);
    command(w);
    uv_run(&w->loop, UV_RUN_NOWAIT);
    assert_int_equal(w->replies, 0);
    assert_true(run_until(w, &w->replies, 1, 2000));
    assert_int_equal(n_batches_freed, 1);
    assert_int_equal(mt_engine_degraded(w->engine), MT_OK);
}

/* A store that was shut to let go of memory, and could not be opened again, has to be. */
static void tidying_up_is_tried_again(void **state) {
    static const unsigned never;
    struct world *w = *state;
    start(w, persist_then_reply);
    for (int i = 0; i < 600 && n_tidied < 2; i++)
        assert_false(run_until(w, &never, 1, 10));
    assert_true(n_tidied >= 2);
}

/* Runs are given to be prepared, and only then the batch that holds them. */
static void prepare_then_persist(struct mt_node *n, const struct mt_event *event) {
    if (event->type != MT_EV_COMMAND) {
        persist_then_reply(n, event);
        return;
    }
    struct mt_run_job *jobs[JOBS];
    for (int i = 0; i < JOBS; i++) {
        assert_int_equal(mt_run_job_new(&jobs[i], malloc(1), 1), MT_OK);
        put(n, MT_FX_PREPARE)->job = mt_run_job_ref(jobs[i]);
    }
    persist_then_reply(n, event);
    struct mt_batch *b = n->fx[n->n_fx - 1].batch;
    for (int i = 0; i < JOBS; i++)
        mt_batch_add(b, MT_OP_RUN)->run.job = jobs[i];
}

static void runs_are_prepared_before_they_are_applied(void **state) {
    struct world *w = *state;
    n_prepared = n_settled = 0;
    start(w, prepare_then_persist);
    command(w);
    assert_true(run_until(w, &w->replies, 1, 2000));
    assert_int_equal(n_prepared, JOBS);
    assert_int_equal(n_settled, JOBS);
}

static void full_disk_shows_until_there_is_space(void **state) {
    struct world *w = *state;
    start(w, persist_then_reply);
    apply_err = MT_ENOSPACE;
    command(w);
    assert_true(run_until(w, &w->replies, 1, 2000));
    assert_int_equal(w->reply_err, MT_ENOSPACE);
    assert_int_equal(mt_engine_degraded(w->engine), MT_ENOSPACE);
    apply_err = MT_OK;
    command(w);
    assert_true(run_until(w, &w->replies, 2, 2000));
    assert_int_equal(mt_engine_degraded(w->engine), MT_OK);
}

static void installation_file_follows_the_feed(void **state) {
    struct world *w = *state;
    assert_false(w->node.had_installation);
    start(w, persist_then_reply);
    assert_int_not_equal(access(w->installation, F_OK), 0);
    w->node.feed.b[3] = 7;
    apply_err = MT_EIO; /* not durable: the store does not hold this feed */
    command(w);
    assert_true(run_until(w, &w->replies, 1, 2000));
    assert_int_not_equal(access(w->installation, F_OK), 0);
    apply_err = MT_OK;
    command(w);
    assert_true(run_until(w, &w->replies, 2, 2000));
    bool known;
    struct mt_id feed;
    assert_int_equal(mt_installation_read(w->installation, "/etc/machine-id", &known, &feed),
                     MT_OK);
    assert_true(known && feed.b[3] == 7);
}

static void fetch_many(struct mt_node *n, const struct mt_event *event) {
    if (event->type == MT_EV_COMMAND) {
        for (uint32_t i = 0; i < 3; i++) {
            struct mt_effect *fx = put(n, MT_FX_FETCH);
            fx->want.chain_no = i == 1 ? 404 : 1;
            fx->want.first = 10;
            fx->want.max_bytes = 5;
        }
        put(n, MT_FX_CHANGED);
    } else if (event->type == MT_EV_FETCHED && event->chain_no == 1) {
        assert_int_equal(event->last, 15);
        assert_true(mt_slice_is(event->bytes, "run"));
        if (n->n_events < 10) /* one leads to the next */
            put(n, MT_FX_FETCH)->want.chain_no = 404;
    }
}

static void on_changed(void *arg) {
    struct world *w = arg;
    assert_int_equal(w->node.stepping, 0);
    w->changes++;
    struct mt_id org = {{1}};
    assert_int_equal(mt_engine_address(w->engine, &org, mt_slice_str("host:1")), MT_OK);
}

static void fetched_runs_follow_one_after_another(void **state) {
    struct world *w = *state;
    start(w, fetch_many);
    command(w);
    assert_int_equal(w->node.n_events, 6);
    assert_int_equal(w->node.errs[1], MT_OK);
    assert_int_equal(w->node.errs[2], MT_ENOTFOUND);
    assert_int_equal(w->node.errs[3], MT_OK);
    assert_int_equal(w->node.errs[5], MT_ENOTFOUND);
}

static void hooks_run_at_start_and_after_changes(void **state) {
    struct world *w = *state;
    assert_int_equal(mt_engine_on_changed(w->engine, on_changed, w), MT_OK);
    start(w, fetch_many);
    assert_int_equal(w->changes, 0);
    assert_true(run_until(w, &w->changes, 1, 1000));
    assert_string_equal(w->node.address, "host:1");
    w->node.n_events = 0; /* the new address moved the deadline: the node gets its tick */
    assert_true(run_until(w, &w->node.n_events, 1, 1000));
    assert_int_equal(w->node.events[0], MT_EV_TICK);
    w->node.deadline = UINT64_MAX;
    w->node.n_events = 20;
    command(w);
    assert_true(run_until(w, &w->changes, 2, 1000));
    w->node.deadline = UINT64_MAX;
}

static void tick_once(struct mt_node *n, const struct mt_event *event) {
    if (event->type == MT_EV_TICK) {
        assert_true(event->now.mono_ms >= n->deadline);
        n->deadline = UINT64_MAX;
    }
}

static void deadline_brings_one_tick_in_time(void **state) {
    struct world *w = *state;
    start(w, tick_once);
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    w->node.deadline = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000 + 50;
    command(w);
    assert_true(run_until(w, &w->node.n_events, 2, 1000));
    assert_int_equal(w->node.events[1], MT_EV_TICK);
    assert_false(run_until(w, &w->node.n_events, 3, 100));
}

static void dial_and_close(struct mt_node *n, const struct mt_event *event) {
    static const char *const addresses[] = {"nonsense", "127.0.0.1:1", "localhost:1"};
    if (event->type != MT_EV_COMMAND)
        return;
    for (unsigned i = 0; i < MT_ARRAY_LEN(addresses); i++) {
        struct mt_effect *fx = put(n, MT_FX_CONNECT);
        fx->conn = UINT64_C(1) << 63 | i;
        strcpy(fx->address, addresses[i]);
    }
    struct mt_effect *fx = put(n, MT_FX_CLOSE); /* while it is being dialled */
    fx->conn = UINT64_C(1) << 63 | 2;
    fx->err = MT_EMEMBER;
    put(n, MT_FX_CLOSE)->conn = 99; /* of no connection */
    put(n, MT_FX_SEND)->conn = 99;
}

static void dials_that_fail_are_told_once_each(void **state) {
    struct world *w = *state;
    start(w, dial_and_close);
    command(w);
    assert_int_equal(w->node.n_events, 3);
    assert_int_equal(w->node.errs[1], MT_EUNREACHABLE);
    assert_int_equal(w->node.errs[2], MT_EMEMBER);
    assert_true(run_until(w, &w->node.n_events, 4, 2000));
    assert_int_equal(w->node.last_conn, UINT64_C(1) << 63 | 1);
    assert_false(run_until(w, &w->node.n_events, 5, 100));
}

static void greet(struct mt_node *n, const struct mt_event *event) {
    if (event->type == MT_EV_ACCEPTED) {
        assert_true(mt_slice_is(event->source, "192.0.2.1"));
        assert_int_equal(event->conn >> 63, 0);
    }
    if (event->type != MT_EV_BYTES)
        return;
    struct mt_effect *fx = put(n, MT_FX_SEND);
    fx->conn = event->conn;
    fx->bytes.n = event->bytes.n;
    fx->bytes.p = malloc(event->bytes.n);
    memcpy(fx->bytes.p, event->bytes.p, event->bytes.n);
    put(n, MT_FX_CLOSE)->conn = event->conn;
}

static void connections_are_heard_in_order(void **state) {
    struct world *w = *state;
    int fds[2];
    char b[8] = "";
    start(w, greet);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    assert_int_equal(write(fds[1], "hello", 5), 5);
    struct mt_conn *c;
    assert_int_equal(mt_conn_new(&w->pool, NULL, NULL, &c), MT_OK);
    assert_int_equal(mt_conn_accept(c, fds[0]), MT_OK);
    mt_engine_accept(w->engine, c, "192.0.2.1");
    assert_true(run_until(w, &w->node.n_events, 2, 1000));
    assert_int_equal(w->node.events[0], MT_EV_ACCEPTED);
    assert_int_equal(w->node.events[1], MT_EV_BYTES);
    assert_int_equal(read(fds[1], b, sizeof b), 5); /* what was sent before the close arrives */
    assert_string_equal(b, "hello");
    close(fds[1]);
    assert_true(run_until(w, &w->node.n_events, 3, 2000));
    assert_int_equal(w->node.events[2], MT_EV_CLOSED);
}

static void fetch_too_many(struct mt_node *n, const struct mt_event *event) {
    if (event->type == MT_EV_COMMAND)
        for (int i = 0; i < 2000; i++)
            put(n, MT_FX_FETCH)->want.chain_no = 404;
}

static void more_fetches_than_there_is_room_for_do_no_harm(void **state) {
    struct world *w = *state;
    start(w, fetch_too_many);
    command(w);
    assert_in_range(w->node.n_events, 1000, 2000);
}

static void on_quiet(void *arg) {
    struct world *w = arg;
    w->quiet++;
}

static void stopping_waits_for_the_batch_and_answers_all(void **state) {
    struct world *w = *state;
    start(w, persist_then_reply);
    command(w);
    w->node.react = NULL;
    command(w); /* the node keeps this one */
    w->node.react = persist_then_reply;
    mt_engine_stop(w->engine, on_quiet, w);
    struct mt_command late = {.type = MT_CMD_WRITE};
    assert_int_equal(mt_engine_command(w->engine, &late, on_reply, w), MT_ESTATE);
    assert_int_equal(w->quiet, 0);
    assert_true(run_until(w, &w->quiet, 1, 2000));
    assert_int_equal(n_batches_freed, 1);
    assert_int_equal(w->replies, 2);
    assert_int_equal(w->reply_err, MT_ESTATE); /* of the second */
}

static void stopping_an_idle_engine_is_quick(void **state) {
    struct world *w = *state;
    start(w, persist_then_reply);
    mt_engine_stop(w->engine, on_quiet, w);
    assert_true(run_until(w, &w->quiet, 1, 200));
}

static void closing_with_a_batch_away_loses_nothing(void **state) {
    struct world *w = *state;
    start(w, persist_then_reply);
    command(w);
    mt_engine_close(w->engine);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    assert_int_equal(n_batches_freed, 1);
}

#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
int main(void) {
    const struct CMUnitTest tests[] = {
        T(replies_come_later_and_may_lead_to_commands),
        T(writes_are_answered_when_durable),
        T(runs_are_prepared_before_they_are_applied),
        T(tidying_up_is_tried_again),
        T(full_disk_shows_until_there_is_space),
        T(installation_file_follows_the_feed),
        T(fetched_runs_follow_one_after_another),
        T(hooks_run_at_start_and_after_changes),
        T(deadline_brings_one_tick_in_time),
        T(dials_that_fail_are_told_once_each),
        T(connections_are_heard_in_order),
        T(more_fetches_than_there_is_room_for_do_no_harm),
        T(stopping_waits_for_the_batch_and_answers_all),
        T(stopping_an_idle_engine_is_quick),
        T(closing_with_a_batch_away_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
