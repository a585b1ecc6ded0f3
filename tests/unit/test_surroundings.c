/* What is seen of the places that a start needs, and that looking makes nothing. What a user may not do
 * is tried as one who may little; only root can become another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "surroundings.h"

enum { NOBODY = 65534, LONG_NAME = 100 };

static char base[64], path_memory[8][400];

/* A path in the test's directory. The last eight are valid. */
static const char *at(const char *name) {
    static unsigned turn;
    char *p = path_memory[turn++ % 8];
    (void)snprintf(p, sizeof path_memory[0], "%s/%s", base, name);
    return p;
}

static void make_file(const char *name, mode_t mode) {
    int fd = open(at(name), O_CREAT | O_WRONLY | O_CLOEXEC, mode);
    assert_true(fd >= 0);
    assert_int_equal(close(fd), 0);
}

static int set_up(void **state) {
    (void)state;
    (void)snprintf(base, sizeof base, "/tmp/meent-seen-XXXXXX");
    return mkdtemp(base) && chmod(base, 0755) == 0 ? 0 : -1;
}

static int tear_down(void **state) {
    char command[128];
    (void)state;
    (void)snprintf(command, sizeof command, "rm -rf '%s'", base);
    return system(command);
}

static enum mt_err see_dir(const char *path, bool *there) {
    const char *why = NULL;
    enum mt_err err = mt_see_dir(path, there, &why);
    assert_int_equal(why != NULL, err != MT_OK);
    return err;
}

static enum mt_err see_store(const char *path) {
    const char *why = NULL;
    enum mt_err err = mt_see_store(path, &why);
    assert_int_equal(why != NULL, err != MT_OK);
    return err;
}

static enum mt_err see_socket(const char *path, bool own_dir) {
    const char *why = NULL;
    enum mt_err err = mt_see_socket(path, own_dir, &why);
    assert_int_equal(why != NULL, err != MT_OK);
    return err;
}

static void a_directory_is_there_or_can_be_made(void **state) {
    bool there = false;
    (void)state;
    assert_int_equal(see_dir(base, &there), MT_OK);
    assert_true(there);
    assert_int_equal(see_dir(at("new"), &there), MT_OK);
    assert_false(there);
    assert_int_equal(access(at("new"), F_OK), -1);
    assert_int_equal(see_dir(at("no/new"), &there), MT_ENOTFOUND);
    make_file("file", 0600);
    assert_int_equal(see_dir(at("file"), &there), MT_ECONFLICT);
    assert_int_equal(see_dir(at("file/new"), &there), MT_EDENIED);
    assert_int_equal(symlink(base, at("link")), 0);
    assert_int_equal(see_dir(at("link"), &there), MT_OK);
    assert_true(there);
    assert_int_equal(symlink(at("no"), at("nowhere")), 0);
    assert_int_equal(see_dir(at("nowhere"), &there), MT_ENOTFOUND);
    assert_int_equal(symlink(at("round"), at("round")), 0);
    assert_int_equal(see_dir(at("round"), &there), MT_EDENIED);
}

static void names_without_a_slash_are_in_the_working_directory(void **state) {
    int back = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    bool there = true;
    (void)state;
    assert_true(back >= 0 && chdir(base) == 0);
    enum mt_err dir = see_dir("new", &there), taken, free_name = see_socket("ctl.sock", true);
    make_file("taken", 0600);
    taken = see_socket("taken", true);
    assert_int_equal(fchdir(back), 0);
    (void)close(back);
    assert_true(dir == MT_OK && !there && free_name == MT_OK);
    assert_int_equal(taken, MT_ECONFLICT);
}

static void a_store_is_a_directory_with_its_files_or_nothing_yet(void **state) {
    (void)state;
    assert_int_equal(see_store(at("store")), MT_OK);
    assert_int_equal(mkdir(at("store"), 0700), 0);
    assert_int_equal(see_store(at("store")), MT_OK);
    make_file("store/data.mdb", 0600);
    assert_int_equal(see_store(at("store")), MT_OK);
    assert_int_equal(see_store(at("store/data.mdb")), MT_ECONFLICT);
    assert_int_equal(see_store(at("store/data.mdb/more")), MT_EDENIED);
}

/* Listens at a socket in the test's directory. */
static int listen_at(const char *name) {
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    (void)snprintf(a.sun_path, sizeof a.sun_path, "%s", at(name));
    assert_int_equal(bind(fd, (const struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(fd, 1), 0);
    return fd;
}

static void a_socket_can_be_made_unless_somebody_answers(void **state) {
    char name[LONG_NAME + 1];
    (void)state;
    assert_int_equal(see_socket(at("ctl.sock"), true), MT_OK);
    int fd = listen_at("ctl.sock");
    assert_int_equal(see_socket(at("ctl.sock"), true), MT_ECONFLICT);
    assert_int_equal(see_socket(at("ctl.sock"), false), MT_ECONFLICT);
    (void)close(fd); /* as after a kill: the name stays */
    assert_int_equal(access(at("ctl.sock"), F_OK), 0);
    assert_int_equal(see_socket(at("ctl.sock"), true), MT_OK);
    make_file("file", 0600);
    assert_int_equal(see_socket(at("file"), true), MT_ECONFLICT);
    assert_int_equal(see_socket(at("file/ctl.sock"), true), MT_EDENIED);
    assert_int_equal(see_socket(at("no/ctl.sock"), true), MT_ENOTFOUND);
    assert_int_equal(see_socket(at("no/ctl.sock"), false), MT_OK);
    /* A directory whose name alone is longer than a socket address. */
    memset(name, 'd', LONG_NAME);
    name[LONG_NAME] = 0;
    assert_int_equal(mkdir(at(name), 0700), 0);
    assert_int_equal(symlink(at(name), at("short")), 0);
    fd = listen_at("short/s");
    char inside[LONG_NAME + 8];
    (void)snprintf(inside, sizeof inside, "%s/s", name);
    assert_int_equal(see_socket(at(inside), true), MT_ECONFLICT);
    (void)close(fd);
    assert_int_equal(see_socket(at(inside), true), MT_OK);
}

/* All of it as one who is nobody here. Looks first, and asserts as oneself. */
static void what_is_not_allowed_is_said(void **state) {
    enum mt_err seen[10];
    const enum mt_err want[] = {MT_EDENIED, MT_EDENIED, MT_EDENIED,   MT_EDENIED, MT_EDENIED,
                                MT_EDENIED, MT_EDENIED, MT_ECONFLICT, MT_OK,      MT_OK};
    bool there;
    (void)state;
    if (geteuid() != 0)
        skip();
    assert_int_equal(mkdir(at("shut"), 0700), 0);
    assert_int_equal(mkdir(at("shut/in"), 0700), 0);
    assert_int_equal(mkdir(at("open"), 0777), 0);
    assert_int_equal(chmod(at("open"), 0777), 0);
    make_file("open/data.mdb", 0600);
    assert_int_equal(mkdir(at("fine"), 0777), 0);
    assert_int_equal(chmod(at("fine"), 0777), 0);
    int fd = listen_at("fine/ctl.sock");
    assert_int_equal(chmod(at("fine/ctl.sock"), 0600), 0);
    assert_int_equal(setresuid(NOBODY, NOBODY, 0), 0);
    seen[0] = see_dir(at("shut"), &there);        /* may not be read */
    seen[1] = see_dir(at("new"), &there);         /* nothing may be made beside it */
    seen[2] = see_dir(at("shut/in/new"), &there); /* cannot be looked up */
    seen[3] = see_store(at("shut"));
    seen[4] = see_store(at("open")); /* its file may not be read */
    seen[5] = see_socket(at("shut/ctl.sock"), true);
    seen[6] = see_socket(at("ctl.sock"), true);
    seen[7] = see_socket(at("fine/ctl.sock"), true); /* may not be called: who knows who answers */
    seen[8] = see_dir(at("fine/new"), &there);
    seen[9] = see_store(at("fine"));
    assert_int_equal(setresuid(0, 0, 0), 0);
    (void)close(fd);
    for (size_t i = 0; i < MT_ARRAY_LEN(want); i++)
        if (seen[i] != want[i])
            fail_msg("look %zu: %s", i, mt_err_code(seen[i]));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_directory_is_there_or_can_be_made, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_without_a_slash_are_in_the_working_directory, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_store_is_a_directory_with_its_files_or_nothing_yet,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_socket_can_be_made_unless_somebody_answers, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_is_not_allowed_is_said, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
