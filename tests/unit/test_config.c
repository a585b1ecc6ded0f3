#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

/* Reads `text` as a file in a fresh directory. `errors` receives what was told. */
static enum mt_err read_text(const char *text, struct mt_config *c, char *errors, size_t room,
                             char *dir) {
    strcpy(dir, "/tmp/meent-config-XXXXXX");
    assert_non_null(mkdtemp(dir));
    char path[64];
    snprintf(path, sizeof path, "%s/meentd.conf", dir);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    fclose(f);
    memset(errors, 0, room);
    FILE *out = fmemopen(errors, room, "w");
    enum mt_err err = mt_config_read(c, path, out);
    fclose(out);
    unlink(path);
    rmdir(dir);
    return err;
}

static void refused(const char *text, const char *complaint) {
    struct mt_config c;
    char errors[4096], dir[64];
    assert_int_equal(read_text(text, &c, errors, sizeof errors, dir), MT_EINVALID);
    if (!strstr(errors, complaint))
        fail_msg("'%s' does not say '%s'", errors, complaint);
    mt_config_close(&c);
}

static void defaults_without_a_file(void **state) {
    (void)state;
    struct mt_config c;
    assert_int_equal(mt_config_read(&c, NULL, stderr), MT_OK);
    assert_string_equal(c.state_dir, "/var/lib/meent");
    assert_string_equal(c.socket, "/run/meent/ctl.sock");
    assert_string_equal(c.listen, "[::]:7473");
    assert_null(c.announce);
    assert_null(c.store_key);
    assert_int_equal(c.admin.n, 1);
    assert_string_equal(c.write.names[0], "@meent");
    assert_int_equal(c.personal.n, 0);
    mt_config_close(&c);
}

static void every_key_is_read(void **state) {
    (void)state;
    struct mt_config c;
    char errors[1024], dir[64], expected[128];
    assert_int_equal(read_text("; a comment\n"
                               "[node]\n"
                               "state_dir = state\n"
                               "socket=/run/x.sock ; beside\n"
                               "listen = 127.0.0.1:0\n"
                               "announce = [2001:db8::1]:7473\n"
                               "store_key = keys/store.key\n"
                               "[access]\n"
                               "admin = root, anna\n"
                               "write = @staff,bert\n"
                               "    @pupils carla\n"
                               "personal =\n",
                               &c, errors, sizeof errors, dir),
                     MT_OK);
    assert_string_equal(errors, "");
    snprintf(expected, sizeof expected, "%s/state", dir);
    assert_string_equal(c.state_dir, expected);
    assert_string_equal(c.socket, "/run/x.sock");
    snprintf(expected, sizeof expected, "%s/keys/store.key", dir);
    assert_string_equal(c.store_key, expected);
    assert_string_equal(c.announce, "[2001:db8::1]:7473");
    assert_int_equal(c.admin.n, 2);
    assert_string_equal(c.admin.names[1], "anna");
    assert_int_equal(c.write.n, 4);
    assert_string_equal(c.write.names[0], "@staff");
    assert_string_equal(c.write.names[3], "carla");
    assert_int_equal(c.personal.n, 0);
    mt_config_close(&c);
}

static void mistakes_name_line_and_remedy(void **state) {
    (void)state;
    refused("[node]\nstatedir = x\n", "conf:2: unknown key 'statedir' (did you mean 'state_dir'?)");
    refused("[node]\n\nzzz = x\n", "conf:3: unknown key 'zzz'\n");
    refused("[acess]\nadmin = x\n", "unknown section 'acess' (did you mean 'access'?)");
    refused("admin = x\n", "conf:1: no section stands before 'admin'");
    refused("[node]\nsocket = a\nsocket = b\n", "conf:3: given twice: 'socket'");
    refused("[access]\nadmin = a\nadmin = b\n", "conf:3: given twice: 'admin'");
    refused("[node]\nsocket =\n", "conf:2: no value for 'socket'");
    refused("[node]\nsocket = a\n  b\n", "conf:3: this value takes one line: 'socket'");
    refused("[node]\nnonsense\n", "conf:2: neither [section] nor key = value");
    refused("[node]\nlisten = here\n", "conf:2: not an address with a port");
    refused("[node]\nannounce = 0.0.0.0:1\n", "conf:2: others cannot connect");
    refused("[node]\nannounce = x:0\n", "conf:2: not an address with a port");
    refused("[access]\nwrite = @\n", "conf:2: not an account or @group");
}

static void all_mistakes_are_told_at_once(void **state) {
    (void)state;
    refused("[node]\nlissen = a:1\nport = 3\n", "meentd.conf:3: unknown key 'port'");
    refused("[node]\nlissen = a:1\nport = 3\n", "(did you mean 'listen'?)");
}

static void long_lines_are_a_mistake_of_their_line(void **state) {
    (void)state;
    char text[5000] = "[node]\nsocket = /";
    memset(text + strlen(text), 'x', 4000);
    strcat(text, "\nlisten = 127.0.0.1:0\n");
    refused(text, "conf:2: the line is too long");
}

static void unreadable_files_are_told(void **state) {
    (void)state;
    struct mt_config c;
    char errors[256] = "";
    FILE *out = fmemopen(errors, sizeof errors, "w");
    assert_int_equal(mt_config_read(&c, "/nonexistent/meentd.conf", out), MT_ENOTFOUND);
    fclose(out);
    assert_non_null(strstr(errors, "/nonexistent/meentd.conf: No such file"));
    mt_config_close(&c);
}

static void hostports(void **state) {
    (void)state;
    struct mt_hostport hp;
    assert_int_equal(mt_config_hostport("[::1]:80", false, &hp), MT_OK);
    assert_string_equal(hp.host, "::1");
    assert_string_equal(hp.port, "80");
    assert_int_equal(mt_config_hostport("a.example:65535", false, &hp), MT_OK);
    assert_int_equal(mt_config_hostport("a:0", true, &hp), MT_OK);
    static const char *const bad[] = {"",     "a",      ":1",    "a:",      "a:65536", "a:0",
                                      "a:1x", "::1:80", "[]:80", "a b:80",  "[a:80",   "a]:80",
                                      "a:-1", "a: 1",   "[]]:1", "a:000001"};
    for (size_t i = 0; i < MT_ARRAY_LEN(bad); i++)
        if (mt_config_hostport(bad[i], false, &hp) == MT_OK)
            fail_msg("'%s' was taken", bad[i]);
    assert_true(mt_config_is_wildcard("::"));
    assert_false(mt_config_is_wildcard("127.0.0.1"));
}

static void random_files_never_crash(void **state) {
    (void)state;
    static const char *const parts[] = {"[node]",   "[access]", "\n", "listen", "=",
                                        "a:1",      "  ",       ";",  "admin",  "@x,",
                                        "\xff\x01", "]",        "[",  "socket"};
    uint32_t x = 7;
    for (int i = 0; i < 300; i++) {
        char text[256] = "";
        for (int k = 0; k < 24; k++) {
            x = x * 1664525u + 1013904223u;
            strcat(text, parts[(x >> 16) % MT_ARRAY_LEN(parts)]);
        }
        struct mt_config c;
        char errors[8192], dir[64];
        enum mt_err err = read_text(text, &c, errors, sizeof errors, dir);
        assert_true(err == MT_OK || err == MT_EINVALID);
        assert_int_equal(err == MT_OK, errors[0] == 0);
        mt_config_close(&c);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_without_a_file),
        cmocka_unit_test(every_key_is_read),
        cmocka_unit_test(mistakes_name_line_and_remedy),
        cmocka_unit_test(all_mistakes_are_told_at_once),
        cmocka_unit_test(long_lines_are_a_mistake_of_their_line),
        cmocka_unit_test(unreadable_files_are_told),
        cmocka_unit_test(hostports),
        cmocka_unit_test(random_files_never_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
