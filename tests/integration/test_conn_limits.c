/* What callers on real sockets can take up at most: descriptors, closing connections, memory, lines. */
#include "conn.h"
#include "listener.h"
#include "log.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

enum { CONNS_MAX = 512, LOG_MAX = 16 * 1024 };

struct world {
    uv_loop_t loop;
    struct mt_conn_pool pool;
    struct mt_listener listener;
    struct mt_conn *accepted[CONNS_MAX];
    unsigned n_accepted, n_closed;
    enum mt_err closed_err;
    unsigned greetings; /* told to who is accepted */
    uint64_t wait_ms;
    int log[2]; /* a pipe */
};

static void on_bytes(void *arg, struct mt_conn *c, struct mt_slice bytes) {
    (void)arg;
    (void)c;
    (void)bytes;
}

static void on_closed(void *arg, struct mt_conn *c, enum mt_err err) {
    struct world *w = arg;
    w->n_closed++;
    w->closed_err = err;
    for (unsigned i = 0; i < w->n_accepted; i++)
        if (w->accepted[i] == c)
            w->accepted[i] = NULL;
}

static const struct mt_conn_ops ops = {.on_bytes = on_bytes, .on_closed = on_closed};

static void on_accept(void *arg, struct mt_conn *c, const char *source) {
    struct world *w = arg;
    (void)source;
    assert_true(w->n_accepted < CONNS_MAX);
    w->accepted[w->n_accepted++] = c;
    mt_conn_give(c, &ops, w);
    for (unsigned i = 0; i < w->greetings; i++)
        mt_conn_send(c, (uint8_t *)strdup("x"), 1);
    mt_conn_start(c);
}

static int begin(void **state) {
    struct world *w = calloc(1, sizeof *w);
    *state = w;
    signal(SIGPIPE, SIG_IGN);
    if (pipe2(w->log, O_CLOEXEC | O_NONBLOCK) != 0)
        return -1;
    mt_log_init(w->log[1], MT_LOG_WARNING, false);
    uv_loop_init(&w->loop);
    w->pool.loop = &w->loop;
    if (mt_listener_open(&w->listener, &w->pool, "127.0.0.1:0") != MT_OK)
        return -1;
    return mt_listener_start(&w->listener, on_accept, w) == MT_OK ? 0 : -1;
}

/* Fails on a handle that is still alive. */
static int end(void **state) {
    struct world *w = *state;
    mt_listener_close(&w->listener);
    for (unsigned i = 0; i < w->n_accepted; i++)
        if (w->accepted[i])
            mt_conn_close(w->accepted[i], MT_OK, false);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    int left = w->pool.open != 0 || w->pool.sockets != 0 || w->pool.flushing != 0 ||
               w->pool.newest != NULL || uv_loop_close(&w->loop) != 0;
    mt_log_init(STDERR_FILENO, MT_LOG_ERROR, false);
    close(w->log[0]);
    close(w->log[1]);
    free(w);
    return left ? -1 : 0;
}

static void on_tick(uv_timer_t *t) {
    (void)t;
}

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

/* It says something, so that it is accepted at once. */
static int raw_connect(const struct world *w) {
    struct sockaddr_in to = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)atoi(strrchr(w->listener.address, ':') + 1)),
    };
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    assert_int_equal(send(fd, "x", 1, 0), 1);
    return fd;
}

static unsigned lines(struct world *w) {
    static char text[LOG_MAX];
    ssize_t n = read(w->log[0], text, sizeof text);
    unsigned count = 0;
    for (ssize_t i = 0; i < n; i++)
        count += text[i] == '\n';
    return count;
}

static void send_zeros(struct mt_conn *c, size_t n) {
    mt_conn_send(c, calloc(1, n), n);
}

/* All of them are told `sends` things as they are accepted. */
static void many_callers(struct world *w, int *fds, unsigned n, unsigned sends) {
    unsigned before = w->n_accepted;
    w->greetings = sends;
    for (unsigned i = 0; i < n; i++) {
        fds[i] = raw_connect(w);
        run_until(w, &w->n_accepted, before + i + 1, before + i < MT_CONN_OPEN_MAX ? 2000 : 0);
    }
}

static void too_many_wait_until_one_leaves(void **state) {
    struct world *w = *state;
    enum { MORE = 20 };
    int fds[MT_CONN_OPEN_MAX + MORE];
    many_callers(w, fds, MT_ARRAY_LEN(fds), 2); /* all got somewhere */
    assert_false(run_until(w, &w->n_accepted, MT_CONN_OPEN_MAX + 1, 200));
    for (size_t i = 0; i < MORE; i++)
        close(fds[i]);
    assert_true(run_until(w, &w->n_accepted, MT_ARRAY_LEN(fds), 2000));
    for (size_t i = MORE; i < MT_ARRAY_LEN(fds); i++)
        close(fds[i]);
    assert_true(run_until(w, &w->n_closed, MT_ARRAY_LEN(fds), 2000));
}

/* Who was told nothing, or one thing only, has the place of the next. */
static void too_many_who_got_nowhere_give_way(void **state) {
    struct world *w = *state;
    enum { MORE = 20 };
    int fds[MT_CONN_OPEN_MAX + MORE];
    many_callers(w, fds, MT_CONN_OPEN_MAX / 2, 2);
    many_callers(w, fds + MT_CONN_OPEN_MAX / 2, MT_CONN_OPEN_MAX / 4, 1);
    many_callers(w, fds + MT_CONN_OPEN_MAX * 3 / 4, MT_CONN_OPEN_MAX / 4, 0);
    many_callers(w, fds + MT_CONN_OPEN_MAX, MORE, 1);
    assert_true(run_until(w, &w->n_accepted, MT_ARRAY_LEN(fds), 2000));
    assert_true(run_until(w, &w->n_closed, MORE, 1000));
    assert_int_equal(w->n_closed, MORE);
    assert_int_equal(w->closed_err, MT_EFULL);
    assert_int_equal(w->pool.sockets, MT_CONN_OPEN_MAX);
    for (unsigned i = 0; i < w->n_accepted; i++) { /* the oldest of the silent */
        bool silent = i >= MT_CONN_OPEN_MAX * 3 / 4 && i < MT_CONN_OPEN_MAX * 3 / 4 + MORE;
        assert_int_equal(w->accepted[i] == NULL, silent);
    }
    for (size_t i = 0; i < MT_ARRAY_LEN(fds); i++)
        close(fds[i]);
}

/* Few descriptors: newcomers come in one after another, some are left for other use, and it is told
 * in few lines. */
static void without_descriptors_the_silent_give_way(void **state) {
    struct world *w = *state;
    enum { CALLERS = 60, LEFT = 12 };
    struct rlimit was, few;
    int fds[CALLERS], low = dup(w->log[0]);
    for (size_t i = 0; i < CALLERS; i++)
        fds[i] = raw_connect(w);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
    few = was;
    few.rlim_cur = (rlim_t)fds[CALLERS - 1] + 1 + LEFT;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    bool all = run_until(w, &w->n_accepted, CALLERS, 3000);
    int left[CALLERS], n = 0;
    while (n < CALLERS && (left[n] = dup(low)) >= 0)
        n++;
    setrlimit(RLIMIT_NOFILE, &was);
    for (int i = 0; i < n; i++)
        close(left[i]);
    assert_true(all);
    assert_in_range(n, few.rlim_cur / 8, CALLERS - 1);
    assert_true(w->listener.starved_ms > 0);
    assert_non_null(w->accepted[CALLERS - 1]);
    assert_null(w->accepted[0]);
    for (size_t i = 0; i < CALLERS; i++)
        close(fds[i]);
    close(low);
    assert_int_equal(lines(w), 0);
}

/* Nobody can give way: the line is not repeated with each pause. */
static void pauses_are_told_in_few_lines(void **state) {
    struct world *w = *state;
    enum { CALLERS = 4 };
    struct rlimit was, few;
    int fds[CALLERS], taken[64], n = 0, low = dup(w->log[0]);
    for (size_t i = 0; i < CALLERS; i++)
        fds[i] = raw_connect(w);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
    few = was;
    few.rlim_cur = (rlim_t)fds[CALLERS - 1] + 1;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    while (n < 64 && (taken[n] = dup(low)) >= 0)
        n++;
    bool accepted = run_until(w, &w->n_accepted, 1, 700);
    setrlimit(RLIMIT_NOFILE, &was);
    while (n > 0)
        close(taken[--n]);
    assert_false(accepted);
    assert_true(w->listener.pauses >= 2);
    assert_int_equal(lines(w), 1);
    assert_true(run_until(w, &w->n_accepted, CALLERS, 2000));
    for (size_t i = 0; i < CALLERS; i++)
        close(fds[i]);
    close(low);
}

static uint64_t wait_ms(void *arg) {
    const struct world *w = arg;
    return w->wait_ms;
}

/* Who is to wait stays outside, without a word in the log, and comes in when the wait is over. */
static void nobody_is_accepted_while_the_owner_says_wait(void **state) {
    struct world *w = *state;
    w->listener.wait_ms = wait_ms;
    w->wait_ms = 20;
    int fd = raw_connect(w);
    assert_false(run_until(w, &w->n_accepted, 1, 300));
    w->wait_ms = 0;
    assert_true(run_until(w, &w->n_accepted, 1, 2000));
    assert_int_equal(w->listener.starved_ms, 0);
    assert_int_equal(w->listener.full_ms, 0);
    assert_int_equal(lines(w), 0);
    close(fd);
}

static void few_are_flushed_at_a_time(void **state) {
    struct world *w = *state;
    enum { CALLERS = MT_CONN_FLUSHING_MAX + 8 };
    int fds[CALLERS];
    for (unsigned i = 0; i < CALLERS; i++) {
        fds[i] = raw_connect(w);
        assert_true(run_until(w, &w->n_accepted, i + 1, 1000));
    }
    struct mt_conn *all[CALLERS];
    memcpy(all, w->accepted, sizeof all);
    for (unsigned i = 0; i < CALLERS; i++) {
        send_zeros(all[i], 1);
        mt_conn_close(all[i], MT_EMEMBER, true);
    }
    assert_int_equal(w->pool.flushing, MT_CONN_FLUSHING_MAX);
    assert_int_equal(w->pool.sockets, MT_CONN_FLUSHING_MAX);
    assert_int_equal(all[CALLERS - 1]->state, MT_CONN_FLUSHING);
    assert_true(run_until(w, &w->n_closed, CALLERS - MT_CONN_FLUSHING_MAX, MT_CONN_FLUSH_MS / 2));
    assert_int_equal(w->n_closed, CALLERS - MT_CONN_FLUSHING_MAX);
    assert_true(run_until(w, &w->n_closed, CALLERS, MT_CONN_FLUSH_MS + 1000));
    for (unsigned i = 0; i < CALLERS; i++)
        close(fds[i]);
}

/* Who is furthest behind goes first; the others keep what waits for them. */
static void queues_together_are_capped(void **state) {
    struct world *w = *state;
    enum { CALLERS = 6, EACH = MT_CONN_QUEUES_MAX / CALLERS, PIECE = 1 << 20 };
    int fds[CALLERS];
    for (unsigned i = 0; i < CALLERS; i++) {
        fds[i] = raw_connect(w);
        assert_true(run_until(w, &w->n_accepted, i + 1, 1000));
    }
    struct mt_conn *worst = w->accepted[2];
    for (unsigned k = 0; k < EACH / PIECE + 8 && w->accepted[2]; k++)
        send_zeros(worst, PIECE);
    assert_int_equal(worst->state, MT_CONN_OPEN);
    size_t queued = 0;
    for (unsigned i = 0; i < CALLERS; i++)
        for (unsigned k = 0; i != 2 && k < EACH / PIECE + 4; k++) {
            send_zeros(w->accepted[i], PIECE);
            queued = 0;
            for (unsigned c = 0; c < CALLERS; c++)
                if (w->accepted[c]->state == MT_CONN_OPEN)
                    queued += uv_stream_get_write_queue_size((uv_stream_t *)&w->accepted[c]->tcp);
            assert_true(queued <= MT_CONN_QUEUES_MAX);
        }
    assert_true(queued > MT_CONN_QUEUES_MAX / 2);
    assert_int_equal(worst->state, MT_CONN_CLOSING);
    for (unsigned i = 0; i < CALLERS; i++)
        assert_true(i == 2 || w->accepted[i]->state == MT_CONN_OPEN);
    for (unsigned i = 0; i < CALLERS; i++)
        close(fds[i]);
}

#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
int main(void) {
    const struct CMUnitTest tests[] = {
        T(too_many_wait_until_one_leaves),
        T(too_many_who_got_nowhere_give_way),
        T(without_descriptors_the_silent_give_way),
        T(pauses_are_told_in_few_lines),
        T(nobody_is_accepted_while_the_owner_says_wait),
        T(few_are_flushed_at_a_time),
        T(queues_together_are_capped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
