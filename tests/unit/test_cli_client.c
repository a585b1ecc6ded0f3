/* The connection to the daemon: answers, errors, and a daemon that misbehaves. */
#include "cli_fake.h"

static const struct fake_answer ECHO[] = {
    {"ping", "{\"version\":\"0.1.0\",\"pid\":7}"},
    {"no", "!not-found: host: Wavin"},
    {"odd", "!No Such Thing: x"},
    {NULL, NULL},
};

/* Accepts once, writes `bytes` after the request came, and closes or waits. */
static pid_t rude_daemon(const char *path, const void *bytes, size_t n, bool stays) {
    int fd = fake_listen(path);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        char in[4096];
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        alarm(20);
        int c = accept(fd, NULL, NULL);
        if (c < 0 || read(c, in, sizeof in) <= 0 || write(c, bytes, n) != (ssize_t)n)
            _exit(1);
        while (stays)
            pause();
        _exit(0);
    }
    close(fd);
    return pid;
}

static void an_answer_comes_back(void **state) {
    (void)state;
    struct fake f;
    struct mt_client c;
    struct mt_client_error e;
    json_t *result, *params = json_object();
    fake_start(&f, ECHO);
    assert_true(mt_client_open(&c, f.path, &e));
    for (int i = 0; i < 3; i++) {
        assert_true(mt_client_call(&c, "ping", params, &result, &e));
        assert_int_equal(mt_json_int(result, "pid", 0), 7);
        json_decref(result);
    }
    assert_false(mt_client_call(&c, "no", params, &result, &e));
    assert_null(result);
    assert_string_equal(e.code, "not-found");
    assert_string_equal(e.text, "host: Wavin");
    assert_false(mt_client_call(&c, "odd", params, &result, &e));
    assert_string_equal(e.code, "failed");
    assert_string_equal(e.text, "No Such Thing: x");
    assert_true(mt_client_call(&c, "ping", params, &result, &e)); /* still usable */
    json_decref(result);
    json_decref(params);
    mt_client_close(&c);
    mt_client_close(&c);
    fake_stop(&f);
}

static void a_socket_path_may_be_longer_than_an_address(void **state) {
    (void)state;
    struct fake f;
    struct mt_client c;
    struct mt_client_error e;
    json_t *result, *params = json_object();
    char deep[600], link[700];
    fake_start(&f, ECHO);
    snprintf(deep, sizeof deep, "%s/%0*d", f.dir, 200, 1);
    assert_int_equal(mkdir(deep, 0700), 0);
    snprintf(link, sizeof link, "%s/ctl.sock", deep);
    assert_int_equal(symlink(f.path, link), 0);
    assert_true(strlen(link) > 108);
    assert_true(mt_client_open(&c, link, &e));
    assert_true(mt_client_call(&c, "ping", params, &result, &e));
    json_decref(result);
    json_decref(params);
    mt_client_close(&c);
    unlink(link);
    rmdir(deep);
    assert_false(mt_client_open(&c, link, &e)); /* the folder is gone */
    assert_string_equal(e.code, "daemon-not-running");
    fake_stop(&f);
}

static void without_a_daemon_the_error_says_so(void **state) {
    (void)state;
    struct mt_client c;
    struct mt_client_error e;
    assert_false(mt_client_open(&c, "/tmp/meent-cli-no-such/ctl.sock", &e));
    assert_string_equal(e.code, "daemon-not-running");
    assert_int_equal(c.fd, -1);
    char name[300];
    memset(name, 'n', sizeof name - 1);
    name[0] = '/';
    name[sizeof name - 1] = '\0';
    assert_false(mt_client_open(&c, name, &e)); /* no folder makes it short enough */
    assert_string_equal(e.code, "io");
    json_t *result, *params = json_object();
    assert_false(mt_client_call(&c, "ping", params, &result, &e));
    assert_string_equal(e.code, "closed");
    json_decref(params);
}

static void rude_daemons_are_told_apart(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
        bool stays;
        const char *code;
    } cases[] = {
        {"", 0, false, "closed"},
        {"", 0, true, "timeout"},
        {"\x94\x01\x01\xc0", 4, false, "closed"}, /* ends within an answer */
        {"\x94\x01\x01\xc0", 4, true, "timeout"},
        {"GET / HTTP/1.0\r\n\r\n", 18, true, "protocol"},
        {"\xc1", 1, true, "protocol"},
        {"\x94\x01\x02\xc0\x80", 5, true, "protocol"},                 /* another call's answer */
        {"\x94\x00\x01\xa1x\x90", 6, true, "protocol"},                /* a request */
        {"\x94\x01\x01\xc0\xdd\xff\xff\xff\xff", 9, true, "protocol"}, /* four thousand million */
        {"\x94\x01\x01\xc0\xa2\xff\xff", 7, true, "protocol"},         /* no UTF-8 */
    };
    for (size_t i = 0; i < MT_ARRAY_LEN(cases); i++) {
        char dir[] = "/tmp/meent-cli-XXXXXX", path[64];
        struct mt_client c;
        struct mt_client_error e;
        json_t *result, *params = json_object();
        assert_non_null(mkdtemp(dir));
        snprintf(path, sizeof path, "%s/s", dir);
        pid_t pid = rude_daemon(path, cases[i].bytes, cases[i].n, cases[i].stays);
        assert_true(mt_client_open(&c, path, &e));
        c.timeout_ms = 150;
        assert_false(mt_client_call(&c, "ping", params, &result, &e));
        assert_string_equal(e.code, cases[i].code);
        assert_int_equal(c.fd, -1);
        assert_false(mt_client_call(&c, "ping", params, &result, &e));
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        json_decref(params);
        unlink(path);
        rmdir(dir);
    }
}

static void an_answer_may_come_byte_by_byte_behind_notifications(void **state) {
    (void)state;
    static const char bytes[] = "\x93\x02\xa4tick\x91\x80"
                                "\x94\x01\x01\xc0\x81\xa1n\x05";
    char dir[] = "/tmp/meent-cli-XXXXXX", path[64];
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/s", dir);
    int fd = fake_listen(path);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        char in[4096];
        alarm(20);
        int c = accept(fd, NULL, NULL);
        if (c < 0 || read(c, in, sizeof in) <= 0)
            _exit(1);
        for (size_t i = 0; i < sizeof bytes - 1; i++) {
            if (write(c, bytes + i, 1) != 1)
                _exit(1);
            usleep(2000);
        }
        _exit(0);
    }
    close(fd);
    struct mt_client c;
    struct mt_client_error e;
    json_t *result, *params = json_object();
    assert_true(mt_client_open(&c, path, &e));
    assert_true(mt_client_call(&c, "ping", params, &result, &e));
    assert_int_equal(mt_json_int(result, "n", 0), 5);
    json_decref(result);
    json_decref(params);
    mt_client_close(&c);
    waitpid(pid, NULL, 0);
    unlink(path);
    rmdir(dir);
}

static void a_request_beyond_the_cap_is_not_sent(void **state) {
    (void)state;
    struct fake f;
    struct mt_client c;
    struct mt_client_error e;
    json_t *result, *params = json_object();
    char *big = malloc(MT_MESSAGE_MAX + 1);
    assert_non_null(big);
    memset(big, 'x', MT_MESSAGE_MAX);
    big[MT_MESSAGE_MAX] = '\0';
    json_object_set_new(params, "text", json_string(big));
    fake_start(&f, ECHO);
    assert_true(mt_client_open(&c, f.path, &e));
    assert_false(mt_client_call(&c, "ping", params, &result, &e));
    assert_string_equal(e.code, "too-long");
    json_object_clear(params);
    assert_true(mt_client_call(&c, "ping", params, &result, &e));
    json_decref(result);
    json_decref(params);
    free(big);
    mt_client_close(&c);
    fake_stop(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_comes_back),
        cmocka_unit_test(a_socket_path_may_be_longer_than_an_address),
        cmocka_unit_test(without_a_daemon_the_error_says_so),
        cmocka_unit_test(rude_daemons_are_told_apart),
        cmocka_unit_test(an_answer_may_come_byte_by_byte_behind_notifications),
        cmocka_unit_test(a_request_beyond_the_cap_is_not_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
