#include "notify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

static int listen_at(const struct sockaddr_un *at, size_t name) {
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)at,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + name)),
                     0);
    return fd;
}

static void hears(int fd, const char *state) {
    char b[256] = "";
    assert_int_equal(mt_notify(state), MT_OK);
    assert_int_equal(recv(fd, b, sizeof b, MSG_DONTWAIT), strlen(state));
    assert_string_equal(b, state);
    close(fd);
}

static void nobody_asked(void **state) {
    (void)state;
    unsetenv("NOTIFY_SOCKET");
    assert_int_equal(mt_notify("READY=1"), MT_OK);
    setenv("NOTIFY_SOCKET", "", 1);
    assert_int_equal(mt_notify("READY=1"), MT_OK);
}

static void socket_with_a_path(void **state) {
    (void)state;
    char dir[] = "/tmp/meent-notify-XXXXXX";
    assert_non_null(mkdtemp(dir));
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    snprintf(at.sun_path, sizeof at.sun_path, "%s/n", dir);
    setenv("NOTIFY_SOCKET", at.sun_path, 1);
    hears(listen_at(&at, strlen(at.sun_path)), "READY=1\nSTATUS=all is well");
    unlink(at.sun_path);
    rmdir(dir);
}

static void abstract_socket(void **state) {
    (void)state;
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int n = snprintf(at.sun_path + 1, sizeof at.sun_path - 1, "meent-test-%d", (int)getpid());
    char name[160];
    snprintf(name, sizeof name, "@%s", at.sun_path + 1);
    setenv("NOTIFY_SOCKET", name, 1);
    hears(listen_at(&at, (size_t)n + 1), "STOPPING=1");
}

static void nobody_listens_or_path_too_long(void **state) {
    (void)state;
    setenv("NOTIFY_SOCKET", "/nonexistent/socket", 1);
    assert_int_equal(mt_notify("READY=1"), MT_EIO);
    char path[200] = "/";
    memset(path + 1, 'x', 150);
    setenv("NOTIFY_SOCKET", path, 1);
    assert_int_equal(mt_notify("READY=1"), MT_ETOOLONG);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_asked),
        cmocka_unit_test(socket_with_a_path),
        cmocka_unit_test(abstract_socket),
        cmocka_unit_test(nobody_listens_or_path_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
