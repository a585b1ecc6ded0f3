/* The control socket where it cannot be: descriptors used up, names too long, places one may not use,
 * and one that somebody else took away meanwhile. */
#include "ctl_server.h"
#include "log.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

enum { NOBODY = 65534, TAKEN_MAX = 256, LOG_MAX = 4096 };

struct world {
    uv_loop_t loop;
    struct mt_config config;
    struct mt_ctl_context context;
    struct mt_ctl_server_config server_config;
    char dir[64], path[96];
    int log[2]; /* a pipe */
};

static void dispatch(struct mt_ctl_call *call) {
    mt_ctl_call_error(call, "not-found", "nothing is here");
}

static unsigned no_access(const struct mt_config *config, uid_t uid, gid_t gid) {
    (void)config;
    (void)uid;
    (void)gid;
    return 0;
}

static int begin(void **state) {
    struct world *w = calloc(1, sizeof *w);
    *state = w;
    if (pipe2(w->log, O_CLOEXEC | O_NONBLOCK) != 0)
        return -1;
    mt_log_init(w->log[1], MT_LOG_WARNING, false);
    (void)snprintf(w->dir, sizeof w->dir, "/tmp/meent-ctl-XXXXXX");
    if (!mkdtemp(w->dir))
        return -1;
    (void)snprintf(w->path, sizeof w->path, "%s/ctl.sock", w->dir);
    uv_loop_init(&w->loop);
    w->context.config = &w->config;
    w->server_config = (struct mt_ctl_server_config){.loop = &w->loop,
                                                     .path = w->path,
                                                     .context = &w->context,
                                                     .dispatch = dispatch,
                                                     .access = no_access};
    return 0;
}

static int end(void **state) {
    struct world *w = *state;
    int left = uv_loop_close(&w->loop) + rmdir(w->dir);
    mt_log_init(STDERR_FILENO, MT_LOG_ERROR, false);
    (void)close(w->log[0]);
    (void)close(w->log[1]);
    free(w);
    return left;
}

static enum mt_err open_at(struct world *w, const char *path, struct mt_ctl_server **s) {
    struct mt_ctl_server_config config = w->server_config;
    config.path = path;
    return mt_ctl_server_open(s, &config);
}

static void shut(struct world *w, struct mt_ctl_server *s) {
    mt_ctl_server_close(s);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    mt_ctl_server_free(s);
}

static int dial(const char *path) {
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    (void)snprintf(to.sun_path, sizeof to.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

static void on_tick(uv_timer_t *t) {
    (void)t;
}

/* Runs the loop until there are `n` clients, or for `ms`. */
static size_t clients_after(struct world *w, const struct mt_ctl_server *s, size_t n, uint64_t ms) {
    uv_timer_t tick;
    uv_timer_init(&w->loop, &tick);
    uv_timer_start(&tick, on_tick, 5, 5);
    uv_update_time(&w->loop);
    for (uint64_t until = uv_now(&w->loop) + ms;
         mt_ctl_server_clients(s) < n && uv_now(&w->loop) < until;)
        uv_run(&w->loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&tick, NULL);
    uv_run(&w->loop, UV_RUN_NOWAIT);
    return mt_ctl_server_clients(s);
}

/* Takes every descriptor there is. Returns how many. */
static int take_all(int *taken, const struct world *w, struct rlimit *was) {
    struct rlimit few;
    int n = 0, low = dup(w->log[0]);
    assert_true(low >= 0 && getrlimit(RLIMIT_NOFILE, was) == 0);
    taken[n++] = low;
    few = *was;
    few.rlim_cur = (rlim_t)low + 32;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    while (n < TAKEN_MAX && (taken[n] = dup(low)) >= 0)
        n++;
    return n;
}

/* They wait, which is told once, and are let in when there is room. */
static void clients_wait_while_there_are_no_descriptors(void **state) {
    struct world *w = *state;
    struct mt_ctl_server *s;
    struct rlimit was;
    int taken[TAKEN_MAX], fds[2];
    char log[LOG_MAX];
    const char *under = getenv("UNDER"); /* valgrind lets accept go beyond the limit it shows us */
    if (under && *under)
        skip();
    assert_int_equal(open_at(w, w->path, &s), MT_OK);
    for (size_t i = 0; i < 2; i++)
        fds[i] = dial(w->path);
    int n = take_all(taken, w, &was);
    size_t meanwhile = clients_after(w, s, 1, 500);
    while (n > 0)
        (void)close(taken[--n]);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
    assert_int_equal(meanwhile, 0);
    assert_int_equal(clients_after(w, s, 2, 5000), 2);
    ssize_t said = read(w->log[0], log, sizeof log - 1);
    assert_true(said > 0);
    log[said] = 0;
    const char *line = strstr(log, "ctl_accept_paused reason=EMFILE");
    assert_non_null(line);
    assert_null(strstr(line + 1, "ctl_accept_paused"));
    for (size_t i = 0; i < 2; i++)
        (void)close(fds[i]);
    shut(w, s);
}

static void without_descriptors_it_does_not_open(void **state) {
    struct world *w = *state;
    struct mt_ctl_server *s;
    struct rlimit was;
    int taken[TAKEN_MAX], n = take_all(taken, w, &was);
    enum mt_err none = open_at(w, w->path, &s);
    (void)close(taken[--n]); /* one: enough for the directory, not for the socket in it */
    enum mt_err one = open_at(w, w->path, &s);
    while (n > 0)
        (void)close(taken[--n]);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
    assert_int_equal(none, MT_EIO);
    assert_int_equal(one, MT_EIO);
    assert_int_not_equal(access(w->path, F_OK), 0);
    assert_int_equal(open_at(w, w->path, &s), MT_OK);
    shut(w, s);
}

static void a_name_has_a_longest_length(void **state) {
    struct world *w = *state;
    struct mt_ctl_server *s;
    char path[256];
    int n = snprintf(path, sizeof path, "%s/", w->dir);
    memset(path + n, 'n', 200);
    path[n + 200] = 0;
    assert_int_equal(open_at(w, path, &s), MT_ETOOLONG);
    assert_null(s);
}

static void a_name_alone_is_in_the_working_directory(void **state) {
    struct world *w = *state;
    struct mt_ctl_server *s;
    int back = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    assert_true(back >= 0 && chdir(w->dir) == 0);
    enum mt_err err = open_at(w, "ctl.sock", &s);
    size_t clients = 0;
    if (!err) {
        int fd = dial(w->path);
        clients = clients_after(w, s, 1, 5000);
        (void)close(fd);
        shut(w, s);
    }
    assert_int_equal(fchdir(back), 0);
    (void)close(back);
    assert_int_equal(err, MT_OK);
    assert_int_equal(clients, 1);
    assert_int_not_equal(access(w->path, F_OK), 0);
}

/* What stands there at the end is removed only when it is its own. */
static void what_somebody_else_put_there_stays(void **state) {
    struct world *w = *state;
    struct mt_ctl_server *first, *second;
    assert_int_equal(open_at(w, w->path, &first), MT_OK);
    assert_int_equal(unlink(w->path), 0);
    assert_int_equal(open_at(w, w->path, &second), MT_OK);
    mt_ctl_server_close(first);
    for (int i = 0; i < 20; i++)
        uv_run(&w->loop, UV_RUN_NOWAIT);
    mt_ctl_server_free(first);
    assert_int_equal(access(w->path, F_OK), 0);
    int fd = dial(w->path);
    assert_int_equal(clients_after(w, second, 1, 5000), 1);
    (void)close(fd);
    assert_int_equal(unlink(w->path), 0);
    shut(w, second); /* and nothing there is no trouble */
}

static void where_one_may_not_it_says_so(void **state) {
    struct world *w = *state;
    struct mt_ctl_server *s;
    char path[128];
    if (geteuid() != 0)
        skip();
    (void)snprintf(path, sizeof path, "%s/open", w->dir);
    assert_int_equal(mkdir(path, 0755), 0);
    (void)snprintf(path, sizeof path, "%s/open/ctl.sock", w->dir);
    assert_int_equal(setresuid((uid_t)-1, NOBODY, 0), 0);
    enum mt_err shut_dir = open_at(w, path, &s); /* its directory cannot be looked up */
    assert_int_equal(setresuid((uid_t)-1, 0, 0), 0);
    assert_int_equal(chmod(w->dir, 0755), 0);
    assert_int_equal(setresuid((uid_t)-1, NOBODY, 0), 0);
    enum mt_err read_only = open_at(w, path, &s);
    assert_int_equal(setresuid((uid_t)-1, 0, 0), 0);
    (void)snprintf(path, sizeof path, "%s/open", w->dir);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(shut_dir, MT_EDENIED);
    assert_int_equal(read_only, MT_EDENIED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(clients_wait_while_there_are_no_descriptors, begin, end),
        cmocka_unit_test_setup_teardown(without_descriptors_it_does_not_open, begin, end),
        cmocka_unit_test_setup_teardown(a_name_has_a_longest_length, begin, end),
        cmocka_unit_test_setup_teardown(a_name_alone_is_in_the_working_directory, begin, end),
        cmocka_unit_test_setup_teardown(what_somebody_else_put_there_stays, begin, end),
        cmocka_unit_test_setup_teardown(where_one_may_not_it_says_so, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
