/* doctor against a daemon with canned answers, and without one. */
#include "cli_fake.h"

#include "commands.h"
#include "text.h"

#define MB(n) #n "000000"
#define DISK(free, files)                                                                          \
    "{\"disk\":{\"path\":\"/srv/meent\",\"free\":" free                                            \
    ",\"total\":" MB(90000) ",\"files_free\":" files ",\"files_total\":5000},"                     \
                            "\"access\":{\"admin\":false,\"write\":true,\"personal\":false}}"
#define STATUS(health)                                                                             \
    "{\"organisation\":{\"name\":\"Carmel\"},\"region\":{\"name\":\"Salland\"},"                   \
    "\"peers\":[{\"connected\":true},{\"connected\":false}],\"health\":[" health "]}"
#define PONG  "{\"version\":\"" MEENT_VERSION "\",\"pid\":7}"
#define SOUND "{\"digest\":\"00\",\"fold\":\"00\",\"equal\":true,\"entries\":9}"

static json_t *check_named(const json_t *all, const char *code) {
    size_t i;
    json_t *c;
    json_array_foreach(json_object_get(all, "checks"), i, c) {
        if (strcmp(mt_json_str(c, "code"), code) == 0)
            return c;
    }
    return NULL;
}

/* Runs doctor --json and returns what it printed. */
static json_t *examined(const char *path, int status) {
    struct ran r = RUN(path, "doctor", "--json");
    assert_string_equal(r.err, "");
    assert_int_equal(r.status, status);
    json_t *v = json_loads(r.out, 0, NULL), *c;
    size_t i;
    assert_non_null(v);
    json_array_foreach(json_object_get(v, "checks"), i, c) {
        assert_non_null(mt_json_str(c, "code"));
        assert_non_null(mt_json_str(c, "text"));
        assert_true(json_is_boolean(json_object_get(c, "ok")));
        assert_non_null(json_object_get(c, "hint"));
    }
    ran_free(&r);
    return v;
}

static void assert_check(const json_t *all, const char *code, bool ok, const char *hint) {
    json_t *c = check_named(all, code);
    if (!c)
        fail_msg("no check %s", code);
    assert_int_equal(json_is_true(json_object_get(c, "ok")), ok);
    if (hint)
        assert_string_equal(mt_json_str(c, "hint"), hint);
    else
        assert_true(json_is_null(json_object_get(c, "hint")));
}

static void a_healthy_daemon_passes_every_check(void **state) {
    (void)state;
    static const struct fake_answer fine[] = {
        {"ping", PONG},
        {"doctor", DISK(MB(40000), "4000")},
        {"status", STATUS("{\"level\":\"info\",\"code\":\"board\",\"hint\":null,\"n\":1}")},
        {"verify", SOUND},
        {NULL, NULL},
    };
    static const char *const codes[] = {"time",   "socket", "daemon", "disk",
                                        "rights", "peers",  "store",  "board"};
    struct fake f;
    fake_start(&f, fine);
    json_t *v = examined(f.path, 0);
    assert_int_equal(json_array_size(json_object_get(v, "checks")), MT_ARRAY_LEN(codes));
    for (size_t i = 0; i < MT_ARRAY_LEN(codes); i++)
        assert_check(v, codes[i], true, NULL);
    json_decref(v);
    struct ran r = RUN(f.path, "doctor");
    assert_int_equal(r.status, 0);
    assert_non_null(strstr(r.out, "· connected with 1 of 2 other members\n    Who cannot"));
    assert_non_null(strstr(r.out, "✓ this user may look, enter and change\n"));
    assert_non_null(strstr(r.out, "· fewer than three seats on the board"));
    assert_non_null(strstr(r.out, "\nAll is well.\n"));
    for (char *p = r.out, *line; (line = strsep(&p, "\n"));)
        assert_true(mt_text_width(line) <= 80);
    ran_free(&r);
    fake_stop(&f);
}

static void each_fault_has_an_explanation_and_something_to_try(void **state) {
    (void)state;
    static const struct fake_answer ill[] = {
        {"ping", "{\"version\":\"0.0.0\",\"pid\":7}"},
        {"doctor", DISK(MB(20), "3")},
        {"status",
         STATUS(
             "{\"level\":\"warn\",\"code\":\"peer-unreachable\",\"name\":\"Wavin\",\"text\":\"x\","
             "\"hint\":\"meent peer ping Wavin\"},{\"level\":\"error\",\"code\":\"from-later\","
             "\"text\":\"the \\u001b[31mmoon\",\"hint\":\"wait\"}")},
        {"verify", "{\"digest\":\"00\",\"fold\":\"01\",\"equal\":false,\"entries\":9}"},
        {NULL, NULL},
    };
    struct fake f;
    fake_start(&f, ill);
    json_t *v = examined(f.path, 1);
    assert_check(v, "version", false, "sudo systemctl restart meentd");
    assert_check(v, "disk", false, "df -h /srv/meent");
    assert_check(v, "disk-files", false, "df -i");
    assert_check(v, "peer-unreachable", false, "meent peer ping Wavin");
    assert_check(v, "from-later", false, "wait");
    assert_check(v, "store", false, "journalctl -u meentd");
    json_decref(v);
    struct ran r = RUN(f.path, "doctor");
    assert_int_equal(r.status, 1);
    assert_non_null(strstr(r.out, "✗ Wavin is unreachable\n    Their machine or daemon"));
    assert_non_null(strstr(r.out, "\n    Try: meent peer ping Wavin\n"));
    assert_non_null(strstr(r.out, "\n6 things need attention.\n"));
    assert_null(strchr(r.out, 0x1b));
    ran_free(&r);
    fake_stop(&f);
}

static void what_stands_before_the_daemon_is_examined_without_it(void **state) {
    (void)state;
    char dir[] = "/tmp/meent-cli-XXXXXX", path[64];
    json_t *v = examined("/tmp/meent-cli-no-such/s", 1);
    assert_check(v, "socket", false, "systemctl status meentd");
    assert_null(check_named(v, "daemon"));
    json_decref(v);
    v = examined("/tmp", 1);
    assert_check(v, "socket", false, NULL);
    json_decref(v);
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/s", dir);
    close(fake_listen(path)); /* the daemon that made it is gone */
    v = examined(path, 1);
    assert_check(v, "socket", true, NULL);
    assert_check(v, "daemon", false, "systemctl start meentd");
    json_decref(v);
    unlink(path);
    rmdir(dir);
}

static void a_daemon_that_answers_little_is_told_as_it_is(void **state) {
    (void)state;
    static const struct fake_answer bare[] = {
        {"ping", PONG},        {"doctor", "{\"disk\":null,\"access\":null}"},
        {"status", "!io: no"}, {"verify", "!corrupt: no"},
        {NULL, NULL},
    };
    static const struct fake_answer fresh[] = {
        {"ping", PONG},
        {"status", "{\"organisation\":null,\"region\":null,\"peers\":[],\"health\":[{\"level\":"
                   "\"info\",\"code\":\"no-organisation\",\"hint\":\"meent init NAME\"}]}"},
        {NULL, NULL},
    };
    struct fake f;
    fake_start(&f, bare);
    json_t *v = examined(f.path, 1);
    assert_check(v, "status", false, "journalctl -u meentd");
    assert_check(v, "store", false, "journalctl -u meentd");
    assert_null(check_named(v, "disk"));
    json_decref(v);
    fake_stop(&f);
    fake_start(&f, fresh); /* nothing is stored yet: that is no fault */
    v = examined(f.path, 0);
    assert_check(v, "no-organisation", true, "meent init NAME");
    assert_null(check_named(v, "store"));
    json_decref(v);
    fake_stop(&f);
}

/* Every code of the daemon: its sentence and what is behind it, in both languages. */
static void each_code_of_the_daemon_is_explained_in_both_languages(void **state) {
    (void)state;
    static const char *const codes[] = {
        "peer-unreachable",
        "peer-away",
        "peer-key",
        "peer-certificate",
        "peer-member",
        "peer-version",
        "offline",
        "offline-long",
        "no-key",
        "waiting",
        "restored",
        "no-address",
        "disk-full",
        "disk-read-only",
        "disk-error",
        "memory",
        "damaged",
        "read-only",
        "descriptors",
        "connections",
        "strangers",
        "clock",
        "fork",
        "new-installation",
        "invite-filed",
        "join-calling",
        "join-filed",
        "join-refused",
        "board",
        "one-installation",
    };
    char status[8192], *at = status, *end = status + sizeof status;
    at += snprintf(at, (size_t)(end - at),
                   "{\"organisation\":{\"name\":\"C\"},\"region\":{\"name\":\"S\"},\"peers\":[],"
                   "\"health\":[");
    for (size_t i = 0; i < MT_ARRAY_LEN(codes); i++)
        at += snprintf(
            at, (size_t)(end - at),
            "%s{\"level\":\"warn\",\"code\":\"%s\",\"text\":\"the daemon's\",\"hint\":\"do "
            "it\",\"name\":\"Wavin\",\"n\":31}",
            i ? "," : "", codes[i]);
    snprintf(at, (size_t)(end - at), "]}");
    const struct fake_answer answers[] = {
        {"ping", PONG}, {"doctor", "{}"}, {"status", status}, {"verify", SOUND}, {NULL, NULL}};
    struct fake f;
    fake_start(&f, answers);
    struct ran en = RUN(f.path, "doctor", "--json"),
               nl = RUN(f.path, "--lang", "nl", "doctor", "--json");
    json_t *english = json_loads(en.out, 0, NULL), *dutch = json_loads(nl.out, 0, NULL);
    for (size_t i = 0; i < MT_ARRAY_LEN(codes); i++) {
        json_t *e = check_named(english, codes[i]), *d = check_named(dutch, codes[i]);
        if (!e || !d || !mt_json_str(e, "why") || !mt_json_str(d, "why") ||
            strcmp(mt_json_str(e, "text"), "the daemon's") == 0 ||
            strcmp(mt_json_str(e, "text"), mt_json_str(d, "text")) == 0 ||
            strcmp(mt_json_str(e, "why"), mt_json_str(d, "why")) == 0 || !mt_json_str(e, "hint") ||
            strchr(mt_json_str(e, "text"), '%'))
            fail_msg("%s", codes[i]);
    }
    assert_string_equal(mt_json_str(check_named(english, "peer-away"), "text"),
                        "Wavin has not been reached for 31 hours");
    json_decref(english);
    json_decref(dutch);
    ran_free(&en);
    ran_free(&nl);
    fake_stop(&f);
}

/* Runs doctor with a meentd on the path that prints `line` and fails. */
static json_t *examined_start(const char *dir, const char *lang, const char *line) {
    char program[96], config[96], socket[96], command[256];
    snprintf(program, sizeof program, "%s/meentd", dir);
    snprintf(config, sizeof config, "%s/c", dir);
    snprintf(socket, sizeof socket, "%s/none", dir);
    FILE *f = fopen(program, "w");
    assert_non_null(f);
    fprintf(f, "#!/bin/sh\necho '%s' >&2\nexit 1\n", line);
    fclose(f);
    assert_int_equal(chmod(program, 0700), 0);
    snprintf(command, sizeof command, "%s:%s", dir, "/usr/bin:/bin");
    setenv("PATH", command, 1);
    struct ran r = RUN(socket, "--lang", lang, "doctor", "--json", "--config", config);
    assert_int_equal(r.status, 1);
    json_t *v = json_loads(r.out, 0, NULL);
    assert_non_null(v);
    ran_free(&r);
    unlink(program);
    return v;
}

static void each_step_of_a_start_that_fails_is_explained(void **state) {
    (void)state;
    static const struct {
        const char *step, *err, *code;
    } starts[] = {
        {"state_dir", "denied", "state-dir"},
        {"store_key", "denied", "key-permissions"},
        {"store_key", "value", "key-damaged"},
        {"store_key", "no-key", "key-missing"},
        {"store_key", "io", "key"},
        {"lock", "conflict", "other-daemon"},
        {"lock", "denied", "state-dir"},
        {"listen", "conflict", "port"},
        {"listen", "denied", "port"},
        {"listen", "value", "port"},
        {"store", "corrupt", "damaged"},
        {"store", "version", "store-version"},
        {"store", "no-space", "disk-full"},
        {"store", "no-memory", "memory"},
        {"store", "io", "disk-error"},
        {"descriptors", "io", "descriptors"},
        {"load", "no-memory", "memory"},
        {"load", "corrupt", "damaged"},
    };
    char dir[] = "/tmp/meent-cli-XXXXXX", line[256], *path = getenv("PATH");
    path = mt_text_copy(path ? path : "");
    assert_non_null(mkdtemp(dir));
    for (size_t i = 0; i < MT_ARRAY_LEN(starts); i++) {
        snprintf(
            line, sizeof line,
            "2026-11-21T21:00:00.000Z error start_failed step=%s path=\"/a b\" err=%s text=\"x\"",
            starts[i].step, starts[i].err);
        json_t *en = examined_start(dir, "en", line), *nl = examined_start(dir, "nl", line);
        json_t *e = check_named(en, starts[i].code), *d = check_named(nl, starts[i].code);
        if (!e || !d || !mt_json_str(e, "why") ||
            strcmp(mt_json_str(e, "why"), mt_json_str(d, "why")) == 0 ||
            strcmp(mt_json_str(e, "text"), mt_json_str(d, "text")) == 0 ||
            strchr(mt_json_str(e, "text"), '%'))
            fail_msg("%s %s", starts[i].step, starts[i].err);
        json_decref(en);
        json_decref(nl);
    }
    /* A step of a later version is told in the daemon's words. */
    json_t *v = examined_start(dir, "en", "x error start_failed step=moon err=io text=\"too far\"");
    assert_string_equal(mt_json_str(check_named(v, "start"), "text"),
                        "the daemon does not start: too far");
    json_decref(v);
    setenv("PATH", path, 1);
    free(path);
    rmdir(dir);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_healthy_daemon_passes_every_check),
        cmocka_unit_test(each_code_of_the_daemon_is_explained_in_both_languages),
        cmocka_unit_test(each_step_of_a_start_that_fails_is_explained),
        cmocka_unit_test(each_fault_has_an_explanation_and_something_to_try),
        cmocka_unit_test(what_stands_before_the_daemon_is_examined_without_it),
        cmocka_unit_test(a_daemon_that_answers_little_is_told_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
