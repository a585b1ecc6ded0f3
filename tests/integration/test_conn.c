/* Real sockets on the loopback: connections, accepting, dialling and the worker. */
#include "conn.h"
#include "dialer.h"
#include "listener.h"
#include "log.h"
#include "persist.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

enum { CONNS_MAX = 400 };

struct world {
    uv_loop_t loop;
    struct mt_conn_pool pool;
    struct mt_listener listener;
    struct mt_dialer dialer;
    struct mt_conn *accepted[CONNS_MAX], *dialled;
    unsigned n_accepted, n_closed, n_failed;
    enum mt_err closed_err, failed_err;
    size_t received;
    bool echo;
    char source[64];
};

static void on_bytes(void *arg, struct mt_conn *c, struct mt_slice bytes) {
    struct world *w = arg;
    w->received += bytes.n;
    if (!w->echo)
        return;
    uint8_t *copy = malloc(bytes.n);
    memcpy(copy, bytes.p, bytes.n);
    mt_conn_send(c, copy, bytes.n);
}

static void on_closed(void *arg, struct mt_conn *c, enum mt_err err) {
    struct world *w = arg;
    w->n_closed++;
    w->closed_err = err;
    if (w->dialled == c)
        w->dialled = NULL;
    for (unsigned i = 0; i < w->n_accepted; i++)
        if (w->accepted[i] == c)
            w->accepted[i] = NULL;
}

static const struct mt_conn_ops ops = {.on_bytes = on_bytes, .on_closed = on_closed};

static void on_accept(void *arg, struct mt_conn *c, const char *source) {
    struct world *w = arg;
    assert_true(w->n_accepted < CONNS_MAX);
    snprintf(w->source, sizeof w->source, "%s", source);
    w->accepted[w->n_accepted++] = c;
    mt_conn_give(c, &ops, w);
    mt_conn_start(c);
}

static void send_text(struct mt_conn *c, const char *text) {
    mt_conn_send(c, (uint8_t *)strdup(text), strlen(text));
}

static void on_connected(void *arg, uint64_t id, struct mt_conn *c) {
    struct world *w = arg;
    assert_int_equal(id, 77);
    w->dialled = c;
    mt_conn_give(c, &ops, w);
    mt_conn_start(c);
    send_text(c, "x");
}

static void on_failed(void *arg, uint64_t id, enum mt_err err) {
    struct world *w = arg;
    assert_int_equal(id, 77);
    w->n_failed++;
    w->failed_err = err;
}

static const struct mt_dialer_ops dialer_ops = {on_connected, on_failed};

static int begin(void **state) {
    struct world *w = calloc(1, sizeof *w);
    *state = w;
    signal(SIGPIPE, SIG_IGN); /* as the daemon does */
    mt_log_init(STDERR_FILENO, MT_LOG_ERROR, false);
    uv_loop_init(&w->loop);
    w->pool.loop = &w->loop;
    mt_dialer_init(&w->dialer, &w->pool, &dialer_ops, w);
    if (mt_listener_open(&w->listener, &w->pool, "127.0.0.1:0") != MT_OK)
        return -1;
    return mt_listener_start(&w->listener, on_accept, w) == MT_OK ? 0 : -1;
}

static void close_all(struct world *w) {
    mt_listener_close(&w->listener);
    mt_listener_close(&w->listener);
    mt_dialer_close(&w->dialer);
    for (unsigned i = 0; i < w->n_accepted; i++)
        if (w->accepted[i])
            mt_conn_close(w->accepted[i], MT_OK, false);
    if (w->dialled)
        mt_conn_close(w->dialled, MT_OK, false);
}

/* Fails on a handle that is still alive. */
static int end(void **state) {
    struct world *w = *state;
    close_all(w);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    int left = w->pool.open != 0 || uv_loop_close(&w->loop) != 0;
    free(w);
    return left ? -1 : 0;
}

static void on_tick(uv_timer_t *t) {
    (void)t;
}

/* Runs the loop until `*counter` >= `n`, or for `ms`. */
static bool run_until(struct world *w, const unsigned *counter, unsigned n, uint64_t ms) {
    uv_timer_t tick;
    uv_timer_init(&w->loop, &tick);
    uv_timer_start(&tick, on_tick, 5, 5);
    uv_update_time(&w->loop);
    for (uint64_t until = uv_now(&w->loop) + ms; *counter < n && uv_now(&w->loop) < until;)
        uv_run(&w->loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&tick, NULL);
    uv_run(&w->loop, UV_RUN_NOWAIT);
    return *counter >= n;
}

static int port_of(const struct world *w) {
    return atoi(strrchr(w->listener.address, ':') + 1);
}

/* Who has said nothing is accepted a second later. */
static int raw_connect(const struct world *w, const char *says) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port_of(w))};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    assert_int_equal(send(fd, says, strlen(says), 0), strlen(says));
    return fd;
}

static void pair(struct world *w) {
    assert_int_equal(mt_dialer_dial(&w->dialer, 77, w->listener.address), MT_OK);
    assert_true(run_until(w, &w->n_accepted, 1, 2000));
    for (int i = 0; i < 100 && !w->dialled; i++)
        uv_run(&w->loop, UV_RUN_NOWAIT);
    assert_non_null(w->dialled);
}

static void bytes_go_both_ways(void **state) {
    struct world *w = *state;
    pair(w);
    assert_string_equal(w->source, "127.0.0.1");
    w->echo = true;
    send_text(w->dialled, "ab");
    unsigned turns = 0;
    for (; turns < 1000 && w->received < 40; turns++)
        uv_run(&w->loop, UV_RUN_NOWAIT); /* both echo, for ever */
    assert_true(w->received >= 40);
}

static void closing_after_any_number_of_turns_leaves_nothing(void **state) {
    struct world *first = *state;
    (void)first;
    for (int turns = 0; turns < 40; turns++) {
        for (int flush = 0; flush < 2; flush++) {
            void *s;
            assert_int_equal(begin(&s), 0);
            struct world *w = s;
            w->echo = true;
            char name[64];
            snprintf(name, sizeof name, turns % 2 ? "localhost:%d" : "127.0.0.1:%d", port_of(w));
            assert_int_equal(mt_dialer_dial(&w->dialer, 77, name), MT_OK);
            int raw = raw_connect(w, "hello");
            for (int i = 0; i < turns; i++)
                uv_run(&w->loop, UV_RUN_NOWAIT);
            if (w->dialled)
                send_text(w->dialled, "more");
            close(raw);
            if (w->dialled && flush)
                mt_conn_close(w->dialled, MT_EMEMBER, true);
            close_all(w);
            assert_int_equal(end(&s), 0);
        }
    }
}

static void closing_twice_keeps_the_first_reason(void **state) {
    struct world *w = *state;
    pair(w);
    struct mt_conn *c = w->accepted[0];
    mt_conn_close(c, MT_EMEMBER, false);
    mt_conn_close(c, MT_EBUG, false);
    mt_conn_close(c, MT_EBUG, true);
    send_text(c, "too late"); /* freed, not sent */
    assert_true(run_until(w, &w->n_closed, 1, 1000));
    assert_int_equal(w->closed_err, MT_EMEMBER);
}

static void peer_that_resets_is_closed(void **state) {
    struct world *w = *state;
    int fd = raw_connect(w, "x");
    assert_true(run_until(w, &w->n_accepted, 1, 1000));
    struct linger now = {.l_onoff = 1};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(fd);
    assert_true(run_until(w, &w->n_closed, 1, 1000));
    assert_int_equal(w->closed_err, MT_EUNREACHABLE);
}

static void peer_that_ends_its_half_is_closed(void **state) {
    struct world *w = *state;
    int fd = raw_connect(w, "bye");
    shutdown(fd, SHUT_WR);
    assert_true(run_until(w, &w->n_closed, 1, 1000));
    assert_int_equal(w->received, 3);
    assert_int_equal(w->closed_err, MT_OK);
    close(fd);
}

static void silent_peer_harms_nobody(void **state) {
    struct world *w = *state;
    int fd = raw_connect(w, "");
    assert_false(run_until(w, &w->n_accepted, 1, 100));
    assert_true(run_until(w, &w->n_accepted, 1, 5000));
    assert_false(run_until(w, &w->n_closed, 1, 100));
    close(fd);
    assert_true(run_until(w, &w->n_closed, 1, 1000));
}

static void flush_delivers_everything_first(void **state) {
    struct world *w = *state;
    enum { SIZE = 8 * 1024 * 1024 };
    int fd = raw_connect(w, "never read by us");
    assert_true(run_until(w, &w->n_accepted, 1, 1000));
    struct mt_conn *c = w->accepted[0];
    mt_conn_send(c, calloc(1, SIZE), SIZE);
    mt_conn_close(c, MT_EPSK, true);
    static uint8_t b[256 * 1024];
    size_t got = 0;
    ssize_t n = 1;
    for (int i = 0; i < 20000 && n != 0; i++) {
        uv_run(&w->loop, UV_RUN_NOWAIT);
        n = recv(fd, b, sizeof b, MSG_DONTWAIT);
        if (n > 0)
            got += (size_t)n;
        else
            assert_true(n == 0 || errno == EAGAIN);
    }
    assert_int_equal(got, SIZE);
    close(fd);
    assert_true(run_until(w, &w->n_closed, 1, 1000));
    assert_int_equal(w->closed_err, MT_EPSK);
    assert_int_equal(w->received, 16);
}

static void flush_to_a_peer_that_does_not_read_is_bounded(void **state) {
    struct world *w = *state;
    int fd = raw_connect(w, "x");
    assert_true(run_until(w, &w->n_accepted, 1, 1000));
    mt_conn_send(w->accepted[0], calloc(1, 16 << 20), 16 << 20);
    mt_conn_close(w->accepted[0], MT_EPSK, true);
    assert_true(run_until(w, &w->n_closed, 1, MT_CONN_FLUSH_MS + 1000));
    close(fd);
}

static void queue_for_a_peer_that_does_not_read_is_capped(void **state) {
    struct world *w = *state;
    int fd = raw_connect(w, "x");
    assert_true(run_until(w, &w->n_accepted, 1, 1000));
    for (int i = 0; i < 200 && w->accepted[0] && w->n_closed == 0; i++) {
        mt_conn_send(w->accepted[0], calloc(1, 1 << 20), 1 << 20);
        uv_run(&w->loop, UV_RUN_NOWAIT);
    }
    assert_int_equal(w->n_closed, 1);
    assert_int_equal(w->closed_err, MT_ETIMEOUT);
    close(fd);
}

static void storm_of_connections(void **state) {
    struct world *w = *state;
    int fds[200];
    for (size_t i = 0; i < MT_ARRAY_LEN(fds); i++) {
        fds[i] = raw_connect(w, "x");
        uv_run(&w->loop, UV_RUN_NOWAIT);
    }
    assert_true(run_until(w, &w->n_accepted, MT_ARRAY_LEN(fds), 3000));
    for (size_t i = 0; i < MT_ARRAY_LEN(fds); i++)
        close(fds[i]);
    assert_true(run_until(w, &w->n_closed, MT_ARRAY_LEN(fds), 3000));
    assert_int_equal(w->pool.open, 0);
}

static void accepting_pauses_without_file_descriptors(void **state) {
    struct world *w = *state;
    struct rlimit was, few;
    int a = raw_connect(w, "x"), b = raw_connect(w, "x");
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
    few = was;
    few.rlim_cur = (rlim_t)b + 1;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    int taken[64], n = 0; /* numbers below the limit that happen to be free */
    while (n < 64 && (taken[n] = dup(b)) >= 0)
        n++;
    bool accepted = run_until(w, &w->n_accepted, 1, 300);
    struct rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    run_until(w, &w->n_accepted, 1, 500);
    getrusage(RUSAGE_SELF, &after);
    setrlimit(RLIMIT_NOFILE, &was);
    while (n > 0)
        close(taken[--n]);
    assert_false(accepted);
    long busy_us = (after.ru_utime.tv_sec - before.ru_utime.tv_sec) * 1000000 +
                   after.ru_utime.tv_usec - before.ru_utime.tv_usec;
    assert_in_range(busy_us, 0, 200000); /* it waits; it does not spin */
    assert_true(run_until(w, &w->n_accepted, 2, 2000));
    close(a);
    close(b);
}

static void dial_to_nobody_fails(void **state) {
    struct world *w = *state;
    char address[MT_ADDRESS_MAX + 1];
    snprintf(address, sizeof address, "%s", w->listener.address);
    mt_listener_close(&w->listener);
    assert_int_equal(mt_dialer_dial(&w->dialer, 77, address), MT_OK);
    assert_int_equal(w->n_failed, 0); /* answers come on a later turn */
    assert_true(run_until(w, &w->n_failed, 1, 2000));
    assert_int_equal(w->failed_err, MT_EREFUSED);
    assert_int_equal(w->n_closed, 0);
}

static void dial_to_nonsense_fails_at_once(void **state) {
    struct world *w = *state;
    static const char *const bad[] = {"", "x", "x:0", ":1", "x:99999", "[::1]"};
    for (size_t i = 0; i < MT_ARRAY_LEN(bad); i++)
        assert_int_equal(mt_dialer_dial(&w->dialer, 77, bad[i]), MT_EUNREACHABLE);
    assert_int_equal(w->n_failed, 0);
}

static void dial_to_an_unknown_name_fails(void **state) {
    struct world *w = *state;
    assert_int_equal(mt_dialer_dial(&w->dialer, 77, "no-such-host.invalid:7473"), MT_OK);
    assert_true(run_until(w, &w->n_failed, 1, MT_DIAL_MS + 2000));
    assert_true(w->failed_err == MT_ENOTFOUND || w->failed_err == MT_ENOANSWER ||
                w->failed_err == MT_EUNREACHABLE);
}

static void dial_by_name_tries_each_address(void **state) {
    struct world *w = *state;
    char address[64]; /* may be ::1 first, where nobody listens */
    snprintf(address, sizeof address, "localhost:%d", port_of(w));
    assert_int_equal(mt_dialer_dial(&w->dialer, 77, address), MT_OK);
    assert_true(run_until(w, &w->n_accepted, 1, 6000));
}

static void dial_given_up_is_told_once(void **state) {
    struct world *w = *state;
    static const char *const hosts[] = {"127.0.0.1", "localhost", "no-such-host.invalid"};
    for (unsigned i = 0; i < MT_ARRAY_LEN(hosts); i++) {
        char address[64];
        snprintf(address, sizeof address, "%s:%d", hosts[i], port_of(w));
        assert_int_equal(mt_dialer_dial(&w->dialer, 77, address), MT_OK);
        assert_true(mt_dialer_cancel(&w->dialer, 77, MT_EMEMBER));
        assert_false(mt_dialer_cancel(&w->dialer, 77, MT_EMEMBER));
        assert_int_equal(w->n_failed, i + 1);
        assert_int_equal(w->failed_err, MT_EMEMBER);
    }
    run_until(w, &w->n_failed, 4, 100);
    assert_int_equal(w->n_failed, 3);
}

static void listener_tells_why_it_cannot(void **state) {
    struct world *w = *state;
    struct mt_listener l;
    assert_int_equal(mt_listener_open(&l, &w->pool, w->listener.address), MT_ECONFLICT);
    assert_int_equal(mt_listener_open(&l, &w->pool, "nonsense"), MT_EVALUE);
    assert_int_equal(mt_listener_open(&l, &w->pool, "192.0.2.1:0"), MT_EVALUE);
    assert_int_equal(mt_listener_open(&l, &w->pool, "[::]:0"), MT_OK);
    assert_memory_equal(l.address, "[::]:", 5);
    assert_int_not_equal(atoi(l.address + 5), 0);
    mt_listener_close(&l);
}

/* ---- the worker, with a store that only counts ---- */

static unsigned applied;

void mt_apply(struct mt_store *s, struct mt_batch *b) {
    (void)s;
    b->err = b->n == 13 ? MT_ENOSPACE : MT_OK;
    b->wall_ms = ++applied;
    usleep(1000);
}

enum mt_err mt_store_tidy(struct mt_store *s, bool *more) {
    (void)s;
    *more = false;
    return MT_OK;
}

struct order {
    struct mt_persist persist;
    struct mt_batch batches[20];
    unsigned done;
};

static void on_persisted(void *arg, struct mt_batch *batch) {
    struct order *o = arg;
    assert_ptr_equal(batch, &o->batches[o->done]);
    assert_int_equal(batch->wall_ms, o->done + 1);
    assert_int_equal(batch->err, o->done == 13 ? MT_ENOSPACE : MT_OK);
    assert_false(mt_persist_is_busy(&o->persist));
    if (++o->done < MT_ARRAY_LEN(o->batches))
        mt_persist_start(&o->persist, &o->batches[o->done]);
}

static void batches_are_applied_in_order(void **state) {
    struct world *w = *state;
    struct order o = {.done = 0};
    for (uint32_t i = 0; i < MT_ARRAY_LEN(o.batches); i++)
        o.batches[i].n = i;
    applied = 0;
    assert_int_equal(mt_persist_open(&o.persist, &w->loop, NULL, on_persisted, &o), MT_OK);
    mt_persist_start(&o.persist, &o.batches[0]);
    assert_true(mt_persist_is_busy(&o.persist));
    assert_true(run_until(w, &o.done, MT_ARRAY_LEN(o.batches), 3000));
    mt_persist_close(&o.persist);
    uv_run(&w->loop, UV_RUN_NOWAIT); /* its handle is on this stack */
}

#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
int main(void) {
    const struct CMUnitTest tests[] = {
        T(bytes_go_both_ways),
        T(closing_after_any_number_of_turns_leaves_nothing),
        T(closing_twice_keeps_the_first_reason),
        T(peer_that_resets_is_closed),
        T(peer_that_ends_its_half_is_closed),
        T(silent_peer_harms_nobody),
        T(flush_delivers_everything_first),
        T(flush_to_a_peer_that_does_not_read_is_bounded),
        T(queue_for_a_peer_that_does_not_read_is_capped),
        T(storm_of_connections),
        T(accepting_pauses_without_file_descriptors),
        T(dial_to_nobody_fails),
        T(dial_to_nonsense_fails_at_once),
        T(dial_to_an_unknown_name_fails),
        T(dial_by_name_tries_each_address),
        T(dial_given_up_is_told_once),
        T(listener_tells_why_it_cannot),
        T(batches_are_applied_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
