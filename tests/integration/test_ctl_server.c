/* The control socket with real clients and commands made up here. */
#include "ctl.h"
#include "ctl_server.h"
#include "log.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

enum { LATER_MAX = 64 };

struct world {
    uv_loop_t loop;
    struct mt_config config;
    struct mt_ctl_context context;
    struct mt_ctl_server_config server_config;
    struct mt_ctl_server *server;
    char dir[64], path[96];
};

/* Calls of the method "later" wait here. The tests run one server at a time. */
static struct {
    struct mt_ctl_call *calls[LATER_MAX];
    unsigned n, dispatched;
    unsigned access;
} seen;

static const uint8_t pong[] = {0xa4, 'p', 'o', 'n', 'g'};

static void answer_big(struct mt_ctl_call *call, size_t n) {
    uint8_t *b = malloc(n + 8);
    struct mt_writer w = mt_writer(b, n + 8);
    uint8_t *text = calloc(1, n);
    mt_wire_put_bin(&w, text, n);
    mt_ctl_call_result(call, mt_writer_slice(&w));
    free(text);
    free(b);
}

static void dispatch(struct mt_ctl_call *call) {
    seen.dispatched++;
    seen.access = call->access;
    if (mt_slice_is(call->method, "ping"))
        mt_ctl_call_result(call, mt_slice(pong, sizeof pong));
    else if (mt_slice_is(call->method, "echo"))
        mt_ctl_call_result(call, call->params);
    else if (mt_slice_is(call->method, "big"))
        answer_big(call, 512 * 1024);
    else if (mt_slice_is(call->method, "too-big"))
        answer_big(call, MT_MESSAGE_MAX);
    else if (mt_slice_is(call->method, "later") && seen.n < LATER_MAX)
        seen.calls[seen.n++] = call;
    else
        mt_ctl_call_error(call, "not-found", "no such method");
}

static unsigned all_access(const struct mt_config *config, uid_t uid, gid_t gid) {
    assert_non_null(config);
    assert_int_equal(uid, geteuid());
    assert_int_equal(gid, getegid());
    return MT_ACCESS_WRITE;
}

static int begin(void **state) {
    struct world *w = calloc(1, sizeof *w);
    *state = w;
    signal(SIGPIPE, SIG_IGN); /* as the daemon does */
    memset(&seen, 0, sizeof seen);
    mt_log_init(STDERR_FILENO, MT_LOG_ERROR, false);
    strcpy(w->dir, "/tmp/meent-ctl-XXXXXX");
    if (!mkdtemp(w->dir))
        return -1;
    snprintf(w->path, sizeof w->path, "%s/ctl.sock", w->dir);
    uv_loop_init(&w->loop);
    w->context.config = &w->config;
    w->server_config = (struct mt_ctl_server_config){.loop = &w->loop,
                                                     .path = w->path,
                                                     .context = &w->context,
                                                     .dispatch = dispatch,
                                                     .access = all_access};
    return mt_ctl_server_open(&w->server, &w->server_config) == MT_OK ? 0 : -1;
}

static int end(void **state) {
    struct world *w = *state;
    if (w->server)
        mt_ctl_server_close(w->server);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    mt_ctl_server_free(w->server);
    int left = uv_loop_close(&w->loop);
    unlink(w->path);
    left += rmdir(w->dir);
    free(w);
    return left;
}

static void turns(struct world *w, int n) {
    for (int i = 0; i < n; i++)
        uv_run(&w->loop, UV_RUN_NOWAIT);
}

static int dial(const char *path) {
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    strcpy(to.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

static size_t request(uint8_t *b, size_t cap, uint32_t id, const char *method) {
    struct mt_writer w = mt_writer(b, cap);
    mt_ctl_request_begin(&w, id, method);
    mt_wire_put_map(&w, 0);
    assert_int_equal(w.err, MT_OK);
    return w.n;
}

static void ask(int fd, uint32_t id, const char *method) {
    uint8_t b[128];
    size_t n = request(b, sizeof b, id, method);
    assert_int_equal(send(fd, b, n, MSG_NOSIGNAL), n);
}

/* What a client has received. */
struct inbox {
    uint8_t b[2 * MT_MESSAGE_MAX];
    size_t n;
    bool ended;
};

static void receive(struct inbox *in, int fd) {
    ssize_t n;
    while ((n = recv(fd, in->b + in->n, sizeof in->b - in->n, 0)) > 0)
        in->n += (size_t)n;
    if (n == 0 || (n < 0 && errno != EAGAIN))
        in->ended = true;
}

/* Runs the server until an answer is there and takes it off. */
static bool next_answer(struct world *w, struct inbox *in, int fd, struct mt_ctl *m) {
    static uint8_t message[MT_MESSAGE_MAX];
    for (int i = 0; i < 3000; i++) {
        size_t used;
        if (mt_ctl_get(mt_slice(in->b, in->n), m, &used) == MT_OK) {
            memcpy(message, in->b, used);
            memmove(in->b, in->b + used, in->n - used);
            in->n -= used;
            return mt_ctl_get(mt_slice(message, used), m, &used) == MT_OK;
        }
        if (in->ended)
            return false;
        turns(w, 1);
        receive(in, fd);
    }
    return false;
}

static struct inbox inbox; /* too large for the stack */

static void answers(struct world *w, int fd, uint32_t id, const char *error) {
    struct mt_ctl m;
    assert_true(next_answer(w, &inbox, fd, &m));
    assert_int_equal(m.type, MT_CTL_RESPONSE);
    assert_int_equal(m.id, id);
    if (error && !mt_slice_is(m.error, error))
        fail_msg("'%.*s'", (int)m.error.n, (const char *)m.error.p);
    if (!error)
        assert_int_equal(m.error.n, 0);
}

static int new_client(const struct world *w) {
    inbox.n = 0;
    inbox.ended = false;
    return dial(w->path);
}

static void one_request_is_answered(void **state) {
    struct world *w = *state;
    int fd = new_client(w);
    ask(fd, 7, "ping");
    answers(w, fd, 7, NULL);
    assert_int_equal(seen.access, MT_ACCESS_WRITE);
    ask(fd, 8, "nonsense");
    answers(w, fd, 8, "not-found: no such method");
    close(fd);
}

static void socket_is_for_owner_and_group(void **state) {
    struct world *w = *state;
    struct stat st;
    assert_int_equal(stat(w->path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0660);
}

static void requests_may_come_in_crumbs_and_in_heaps(void **state) {
    struct world *w = *state;
    int fd = new_client(w);
    uint8_t b[4096];
    size_t n = 0;
    for (uint32_t i = 0; i < 100; i++)
        n += request(b + n, sizeof b - n, i, "ping");
    size_t at = 0, piece = 1;
    while (at < n) {
        size_t now = piece < n - at ? piece : n - at;
        assert_int_equal(send(fd, b + at, now, MSG_NOSIGNAL), now);
        at += now;
        piece = piece % 300 + 7;
        turns(w, 1);
    }
    for (uint32_t i = 0; i < 100; i++)
        answers(w, fd, i, NULL);
    close(fd);
}

static void answers_may_come_in_another_order(void **state) {
    struct world *w = *state;
    int fd = new_client(w);
    ask(fd, 1, "later");
    ask(fd, 2, "later");
    ask(fd, 3, "ping");
    answers(w, fd, 3, NULL);
    assert_int_equal(seen.n, 2);
    mt_ctl_call_result(seen.calls[1], mt_slice(pong, sizeof pong));
    mt_ctl_call_error(seen.calls[0], "conflict", "so it is");
    answers(w, fd, 2, NULL);
    answers(w, fd, 1, "conflict: so it is");
    close(fd);
}

static void open_calls_hold_a_client_up(void **state) {
    struct world *w = *state;
    int fd = new_client(w), other;
    for (uint32_t i = 0; i < 40; i++)
        ask(fd, i, "later");
    turns(w, 20);
    assert_int_equal(seen.n, MT_CTL_CALLS_MAX);
    other = dial(w->path); /* which does not concern anybody else */
    ask(other, 5, "ping");
    answers(w, other, 5, NULL);
    for (unsigned i = 0; i < 40; i++) {
        turns(w, 2);
        assert_true(i < seen.n);
        mt_ctl_call_result(seen.calls[i], mt_slice(pong, sizeof pong));
    }
    inbox.n = 0;
    for (uint32_t i = 0; i < 40; i++)
        answers(w, fd, i, NULL);
    close(fd);
    close(other);
}

/* A client that closed with an answer unread is seen at once, one that just closed when its answer
 * is written. */
static void client_that_has_gone_loses_only_its_answers(void **state) {
    struct world *w = *state;
    for (unsigned unread = 0; unread < 2; unread++) {
        int fd = new_client(w);
        seen.n = 0;
        ask(fd, 1, "later");
        ask(fd, 2, "later");
        if (unread)
            ask(fd, 3, "ping");
        turns(w, 5);
        assert_int_equal(seen.n, 2);
        close(fd);
        turns(w, 10);
        assert_int_equal(mt_ctl_server_clients(w->server), 1 - unread);
        mt_ctl_call_result(seen.calls[0], mt_slice(pong, sizeof pong));
        mt_ctl_call_error(seen.calls[1], "io", "nobody hears this");
        turns(w, 10);
        assert_int_equal(mt_ctl_server_clients(w->server), 0);
    }
}

static void client_that_ended_its_half_gets_its_answers(void **state) {
    struct world *w = *state;
    int fd = new_client(w);
    ask(fd, 1, "later");
    ask(fd, 2, "ping");
    shutdown(fd, SHUT_WR);
    answers(w, fd, 2, NULL);
    turns(w, 10);
    mt_ctl_call_result(seen.calls[0], mt_slice(pong, sizeof pong));
    answers(w, fd, 1, NULL);
    for (int i = 0; i < 50 && !inbox.ended; i++) {
        turns(w, 1);
        receive(&inbox, fd);
    }
    assert_true(inbox.ended);
    close(fd);
}

static void garbage(struct world *w, const void *p, size_t n, const char *error) {
    int fd = new_client(w);
    ask(fd, 1, "ping");
    assert_int_equal(send(fd, p, n, MSG_NOSIGNAL), n);
    answers(w, fd, 1, NULL);
    answers(w, fd, 0, error);
    struct mt_ctl m;
    assert_false(next_answer(w, &inbox, fd, &m));
    assert_true(inbox.ended);
    close(fd);
    turns(w, 5);
    assert_int_equal(mt_ctl_server_clients(w->server), 0);
}

static void garbage_ends_its_client_alone(void **state) {
    struct world *w = *state;
    garbage(w, "\xc1", 1, "invalid: a value has the wrong type");
    garbage(w, "GET / HTTP/1.1\r\n", 16, "invalid: a value has the wrong type");
    garbage(w, "\x94\x00\x01\xdb\xff\xff\xff\xff", 8,
            "invalid: something is longer than its limit");
    garbage(w, "\x94\x01\x01\xc0\xc0", 5, "invalid: only requests are expected here");
    garbage(w, "\x93\x02\xa1x\x90", 5, "invalid: only requests are expected here");
    int fd = new_client(w);
    ask(fd, 9, "ping");
    answers(w, fd, 9, NULL);
    close(fd);
}

static void large_requests_pass_and_larger_ones_do_not(void **state) {
    struct world *w = *state;
    for (int over = 0; over < 2; over++) {
        int fd = new_client(w);
        size_t text = MT_MESSAGE_MAX - 64 + (over ? 64u : 0), cap = text + 64, at = 0;
        uint8_t *b = malloc(cap), *filler = calloc(1, text);
        struct mt_writer out = mt_writer(b, cap);
        mt_ctl_request_begin(&out, 1, "later");
        mt_wire_put_map(&out, 1);
        mt_wire_put_cstr(&out, "x");
        mt_wire_put_bin(&out, filler, text);
        assert_int_equal(out.err, MT_OK);
        for (int i = 0; i < 20000 && at < out.n; i++) {
            ssize_t n = send(fd, b + at, out.n - at, MSG_NOSIGNAL);
            at += n > 0 ? (size_t)n : 0;
            if (n < 0 && errno != EAGAIN)
                break; /* refused already */
            turns(w, 1);
        }
        turns(w, 20);
        assert_int_equal(seen.n, 1);
        if (over)
            answers(w, fd, 0, "invalid: something is longer than its limit");
        else
            mt_ctl_call_result(seen.calls[0], mt_slice(pong, sizeof pong));
        if (!over)
            answers(w, fd, 1, NULL);
        free(b);
        free(filler);
        close(fd);
    }
}

static void answer_that_is_too_large_becomes_an_error(void **state) {
    struct world *w = *state;
    int fd = new_client(w);
    ask(fd, 1, "too-big");
    answers(w, fd, 1, "too-long: the answer does not fit one message");
    ask(fd, 2, "ping");
    answers(w, fd, 2, NULL);
    close(fd);
}

static void client_that_does_not_read_is_not_read(void **state) {
    struct world *w = *state;
    int slow = new_client(w), fd;
    for (uint32_t i = 0; i < 100; i++)
        ask(slow, i, "big");
    turns(w, 200);
    /* 4 MiB of queue, plus one answer and what the kernel took. */
    assert_in_range(seen.dispatched, 8, 12);
    fd = dial(w->path);
    ask(fd, 5, "ping");
    answers(w, fd, 5, NULL);
    inbox.n = 0;
    for (uint32_t i = 0; i < 100; i++) /* and goes on when it does */
        answers(w, slow, i, NULL);
    close(slow);
    close(fd);
}

static void too_many_clients_push_out_the_silent_one(void **state) {
    struct world *w = *state;
    int fds[MT_CTL_CLIENTS_MAX + 8];
    for (size_t i = 0; i < MT_ARRAY_LEN(fds); i++) {
        fds[i] = new_client(w);
        turns(w, 2);
        usleep(1000);
    }
    turns(w, 10);
    assert_int_equal(mt_ctl_server_clients(w->server), MT_CTL_CLIENTS_MAX);
    answers(w, fds[0], 0, "full: too many clients");
    inbox.n = 0;
    inbox.ended = false;
    size_t last = MT_ARRAY_LEN(fds) - 1;
    ask(fds[last], 3, "ping");
    answers(w, fds[last], 3, NULL);
    for (size_t i = 0; i < MT_ARRAY_LEN(fds); i++)
        close(fds[i]);
    turns(w, 20);
    assert_int_equal(mt_ctl_server_clients(w->server), 0);
}

static void stopping_takes_no_more_but_still_answers(void **state) {
    struct world *w = *state;
    int fd = new_client(w);
    ask(fd, 1, "later");
    turns(w, 5);
    mt_ctl_server_stop(w->server);
    ask(fd, 2, "ping");
    turns(w, 10);
    assert_int_equal(seen.dispatched, 1);
    mt_ctl_call_result(seen.calls[0], mt_slice(pong, sizeof pong));
    mt_ctl_server_close(w->server);
    answers(w, fd, 1, NULL);
    struct mt_ctl m;
    assert_false(next_answer(w, &inbox, fd, &m));
    close(fd);
}

static void closing_after_any_number_of_turns_leaves_nothing(void **state) {
    (void)state;
    for (int n = 0; n < 25; n++) {
        void *s;
        assert_int_equal(begin(&s), 0);
        struct world *w = s;
        int a = new_client(w), b = dial(w->path), c = dial(w->path);
        ask(a, 1, "later");                /* never answered */
        ask(b, 1, n % 8 ? "ping" : "big"); /* too much to leave at once */
        assert_int_equal(send(c, "\x94\x00", 2, MSG_NOSIGNAL), 2);
        turns(w, n);
        close(c);
        assert_int_equal(end(&s), 0);
        close(a);
        close(b);
    }
}

#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
int main(void) {
    const struct CMUnitTest tests[] = {
        T(one_request_is_answered),
        T(socket_is_for_owner_and_group),
        T(requests_may_come_in_crumbs_and_in_heaps),
        T(answers_may_come_in_another_order),
        T(open_calls_hold_a_client_up),
        T(client_that_has_gone_loses_only_its_answers),
        T(client_that_ended_its_half_gets_its_answers),
        T(garbage_ends_its_client_alone),
        T(large_requests_pass_and_larger_ones_do_not),
        T(answer_that_is_too_large_becomes_an_error),
        T(client_that_does_not_read_is_not_read),
        T(too_many_clients_push_out_the_silent_one),
        T(stopping_takes_no_more_but_still_answers),
        cmocka_unit_test(closing_after_any_number_of_turns_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
