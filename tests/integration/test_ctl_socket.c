/* Where the control socket is, and who may do what over it. */
#include "ctl_server.h"
#include "log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

struct world {
    uv_loop_t loop;
    struct mt_config config;
    struct mt_ctl_context context;
    struct mt_ctl_server_config server_config;
    struct mt_ctl_server *server;
    char dir[64], path[96];
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
                                                     .access = no_access};
    return mt_ctl_server_open(&w->server, &w->server_config) == MT_OK ? 0 : -1;
}

static int end(void **state) {
    struct world *w = *state;
    mt_ctl_server_close(w->server);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    mt_ctl_server_free(w->server);
    int left = uv_loop_close(&w->loop) + rmdir(w->dir);
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

static void second_daemon_is_refused_and_a_dead_one_replaced(void **state) {
    struct world *w = *state;
    struct mt_ctl_server *second;
    assert_int_equal(mt_ctl_server_open(&second, &w->server_config), MT_ECONFLICT);
    assert_null(second);
    char path[128];
    snprintf(path, sizeof path, "%s/dead", w->dir);
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    strcpy(at.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    close(fd); /* as after kill -9 */
    struct mt_ctl_server_config config = w->server_config;
    config.path = path;
    assert_int_equal(mt_ctl_server_open(&second, &config), MT_OK);
    close(dial(path));
    mt_ctl_server_close(second);
    uv_run(&w->loop, UV_RUN_NOWAIT);
    turns(w, 5);
    mt_ctl_server_free(second);
    assert_int_not_equal(access(path, F_OK), 0); /* and it removes its own */
}

static void what_is_no_socket_is_left_alone(void **state) {
    struct world *w = *state;
    char path[128];
    snprintf(path, sizeof path, "%s/file", w->dir);
    FILE *f = fopen(path, "w");
    fputs("precious", f);
    fclose(f);
    struct mt_ctl_server *s;
    struct mt_ctl_server_config config = w->server_config;
    config.path = path;
    assert_int_equal(mt_ctl_server_open(&s, &config), MT_ECONFLICT);
    assert_int_equal(unlink(path), 0);
    config.path = "/nonexistent/ctl.sock";
    assert_int_equal(mt_ctl_server_open(&s, &config), MT_ENOTFOUND);
}

static void long_paths_are_served_and_answered(void **state) {
    struct world *w = *state;
    char dir[256], path[320], near[128];
    snprintf(dir, sizeof dir, "%s/", w->dir);
    memset(dir + strlen(dir), 'd', 120);
    dir[strlen(w->dir) + 121] = 0;
    assert_int_equal(mkdir(dir, 0700), 0);
    snprintf(path, sizeof path, "%s/ctl.sock", dir);
    struct mt_ctl_server *s;
    struct mt_ctl_server_config config = w->server_config;
    config.path = path;
    assert_int_equal(mt_ctl_server_open(&s, &config), MT_OK);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0660);
    assert_int_equal(chdir(dir), 0);
    strcpy(near, "ctl.sock");
    int fd = dial(near);
    turns(w, 5);
    assert_int_equal(mt_ctl_server_clients(s), 1);
    close(fd);
    struct mt_ctl_server *again;
    assert_int_equal(mt_ctl_server_open(&again, &config), MT_ECONFLICT);
    mt_ctl_server_close(s);
    turns(w, 20);
    mt_ctl_server_free(s);
    assert_int_equal(chdir("/"), 0);
    assert_int_equal(rmdir(dir), 0);
}

static void access_follows_the_configuration(void **state) {
    (void)state;
    enum { NOBODY = 65534, STRANGER = 54321 };
    const unsigned all = MT_ACCESS_ADMIN | MT_ACCESS_WRITE | MT_ACCESS_PERSONAL;
    char r[] = "root", n[] = "nobody", unknown[] = "@no-such-group", g[] = "@nogroup";
    char *root[] = {r}, *nobody[] = {n}, *nogroup[] = {unknown, g};
    struct mt_config c = {.admin = {root, 1}};
    assert_int_equal(mt_ctl_access(&c, 0, 0), all);
    assert_int_equal(mt_ctl_access(&c, geteuid(), 0), all);
    if (geteuid() == NOBODY)
        skip();
    assert_int_equal(mt_ctl_access(&c, NOBODY, NOBODY), 0);
    assert_int_equal(mt_ctl_access(&c, STRANGER, STRANGER), 0);
    c.write = (struct mt_config_list){nobody, 1};
    assert_int_equal(mt_ctl_access(&c, NOBODY, NOBODY), MT_ACCESS_WRITE);
    c.write = (struct mt_config_list){NULL, 0};
    c.personal = (struct mt_config_list){nogroup, 2};
    assert_int_equal(mt_ctl_access(&c, NOBODY, NOBODY), MT_ACCESS_PERSONAL);
    assert_int_equal(mt_ctl_access(&c, STRANGER, 0), 0);
    assert_int_equal(mt_ctl_access(&c, STRANGER, 65534), MT_ACCESS_PERSONAL);
    c.admin = (struct mt_config_list){nobody, 1};
    assert_int_equal(mt_ctl_access(&c, NOBODY, NOBODY), all);
}

#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
int main(void) {
    const struct CMUnitTest tests[] = {
        T(second_daemon_is_refused_and_a_dead_one_replaced),
        T(what_is_no_socket_is_left_alone),
        T(long_paths_are_served_and_answered),
        cmocka_unit_test(access_follows_the_configuration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
