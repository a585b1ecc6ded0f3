#include "keyfile.h"

#include "key.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

enum { NOBODY = 65534 };

static char dir[64], path[128], machine[128];

static void put(const char *file, const void *p, size_t n, mode_t mode) {
    int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, p, n), n);
    fchmod(fd, mode);
    close(fd);
}

static int make_dir(void **state) {
    (void)state;
    strcpy(dir, "/tmp/meent-keyfile-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof path, "%s/file", dir);
    snprintf(machine, sizeof machine, "%s/machine-id", dir);
    return mt_key_init() == MT_OK ? 0 : -1;
}

static int remove_dir(void **state) {
    (void)state;
    unlink(path);
    unlink(machine);
    return rmdir(dir); /* fails when something was left behind */
}

static void created_key_reads_back(void **state) {
    (void)state;
    uint8_t key[32], got[32];
    memset(key, 0x5a, sizeof key);
    assert_int_equal(mt_keyfile_read(path, false, got), MT_ENOTFOUND);
    assert_int_equal(mt_keyfile_create(path, key), MT_OK);
    assert_int_equal(mt_keyfile_read(path, false, got), MT_OK);
    assert_memory_equal(key, got, sizeof key);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
}

static void existing_key_is_never_replaced(void **state) {
    (void)state;
    uint8_t key[32] = {1}, other[32] = {2}, got[32];
    assert_int_equal(mt_keyfile_create(path, key), MT_OK);
    assert_int_equal(mt_keyfile_create(path, other), MT_ECONFLICT);
    assert_int_equal(mt_keyfile_read(path, false, got), MT_OK);
    assert_memory_equal(key, got, sizeof key);
}

static void key_left_half_by_a_crash_is_made_anew(void **state) {
    (void)state;
    char half[160];
    uint8_t key[32] = {3}, got[32];
    snprintf(half, sizeof half, "%s.new", path);
    put(half, "half", 4, 0600);
    assert_int_equal(mt_keyfile_create(path, key), MT_OK);
    assert_int_equal(mt_keyfile_read(path, false, got), MT_OK);
    assert_memory_equal(key, got, sizeof key);
}

static void keys_open_to_others_are_refused(void **state) {
    (void)state;
    uint8_t key[32] = {4}, got[32];
    static const mode_t open_modes[] = {0640, 0604, 0660, 0610, 0601};
    for (size_t i = 0; i < MT_ARRAY_LEN(open_modes); i++) {
        put(path, key, sizeof key, open_modes[i]);
        assert_int_equal(mt_keyfile_read(path, false, got), MT_EDENIED);
        assert_int_equal(mt_keyfile_read(path, true, got), MT_OK);
    }
    put(path, key, sizeof key, 0400);
    assert_int_equal(mt_keyfile_read(path, false, got), MT_OK);
}

static void keys_have_exactly_32_bytes(void **state) {
    (void)state;
    uint8_t key[33] = {5}, got[32];
    put(path, key, 31, 0600);
    assert_int_equal(mt_keyfile_read(path, false, got), MT_EVALUE);
    put(path, key, 33, 0600);
    assert_int_equal(mt_keyfile_read(path, false, got), MT_EVALUE);
    assert_int_equal(mt_keyfile_read(dir, false, got), MT_EVALUE); /* a directory */
}

static void key_cannot_be_made_where_there_is_no_directory(void **state) {
    (void)state;
    uint8_t key[32] = {6};
    assert_int_equal(mt_keyfile_create("/nonexistent/key", key), MT_ENOTFOUND);
}

static void installation_is_known_on_its_own_machine_only(void **state) {
    (void)state;
    struct mt_id feed = {{1, 2, 3}}, got = {{0}};
    bool known = true;
    put(machine, "0123456789abcdef\n", 17, 0644);
    assert_int_equal(mt_installation_read(path, machine, &known, &got), MT_OK);
    assert_false(known);
    assert_int_equal(mt_installation_write(path, machine, &feed), MT_OK);
    assert_int_equal(mt_installation_read(path, machine, &known, &got), MT_OK);
    assert_true(known);
    assert_memory_equal(feed.b, got.b, sizeof feed.b);
    feed.b[0] = 9; /* a later installation takes its place */
    assert_int_equal(mt_installation_write(path, machine, &feed), MT_OK);
    assert_int_equal(mt_installation_read(path, machine, &known, &got), MT_OK);
    assert_true(known && got.b[0] == 9);
    put(machine, "fedcba9876543210\n", 17, 0644);
    assert_int_equal(mt_installation_read(path, machine, &known, &got), MT_OK);
    assert_false(known);
}

static void machine_that_cannot_be_asked_is_no_other_machine(void **state) {
    (void)state;
    struct mt_id feed = {{4}}, got;
    bool known;
    put(machine, "0123456789abcdef\n", 17, 0644);
    assert_int_equal(mt_installation_write(path, machine, &feed), MT_OK);
    assert_int_equal(mt_installation_read(path, dir, &known, &got), MT_EIO); /* reading it fails */
    assert_int_equal(mt_installation_write(path, dir, &feed), MT_EIO);
    assert_int_equal(mt_installation_read(path, machine, &known, &got), MT_OK);
    assert_true(known);
    remove(machine); /* none at all is an answer */
    assert_int_equal(mt_installation_read(path, machine, &known, &got), MT_OK);
    assert_false(known);
}

static void the_machine_id_itself_is_not_in_the_file(void **state) {
    (void)state;
    struct mt_id feed = {{7}};
    put(machine, "0123456789abcdef0123456789abcdef\n", 33, 0644);
    assert_int_equal(mt_installation_write(path, machine, &feed), MT_OK);
    char b[512] = "";
    int fd = open(path, O_RDONLY);
    assert_true(read(fd, b, sizeof b - 1) > 0);
    close(fd);
    assert_null(strstr(b, "0123456789abcdef"));
}

static void a_copied_installation_file_is_not_known(void **state) {
    char copy[512], b[512];
    struct mt_id feed = {{7}}, got;
    bool known = true;
    (void)state;
    (void)snprintf(copy, sizeof copy, "%s.copy", path);
    assert_int_equal(mt_installation_write(path, machine, &feed), MT_OK);
    FILE *in = fopen(path, "r"), *out = fopen(copy, "w");
    assert_true(in && out);
    size_t n = fread(b, 1, sizeof b, in);
    assert_int_equal(fwrite(b, 1, n, out), n);
    fclose(in);
    fclose(out);
    assert_int_equal(mt_installation_read(path, machine, &known, &got), MT_OK);
    assert_true(known);
    assert_int_equal(mt_installation_read(copy, machine, &known, &got), MT_OK);
    assert_false(known);
    unlink(copy);
}

static void damaged_installation_file_is_not_known(void **state) {
    (void)state;
    struct mt_id got;
    bool known;
    static const char *const bad[] = {"", "feed 12\n", "feed \nmachine \n", "\xff\xff",
                                      "feed 00\nmachine 00\n"};
    for (size_t i = 0; i < MT_ARRAY_LEN(bad); i++) {
        put(path, bad[i], strlen(bad[i]), 0600);
        known = true;
        assert_int_equal(mt_installation_read(path, machine, &known, &got), MT_OK);
        assert_false(known);
    }
}

static void directory_is_private_and_may_exist(void **state) {
    (void)state;
    char sub[128];
    snprintf(sub, sizeof sub, "%s/state", dir);
    assert_int_equal(mt_private_dir(sub), MT_OK);
    assert_int_equal(mt_private_dir(sub), MT_OK);
    struct stat st;
    assert_int_equal(stat(sub, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    rmdir(sub);
    put(path, "x", 1, 0600);
    assert_int_equal(mt_private_dir(path), MT_ECONFLICT);
    assert_int_equal(mt_private_dir("/nonexistent/a"), MT_ENOTFOUND);
}

static void lock_is_taken_once(void **state) {
    (void)state;
    int a, b;
    assert_int_equal(mt_lock_file(path, &a), MT_OK);
    assert_int_equal(mt_lock_file(path, &b), MT_ECONFLICT);
    close(a);
    assert_int_equal(mt_lock_file(path, &b), MT_OK);
    close(b);
}

static void a_name_alone_is_in_the_working_directory(void **state) {
    (void)state;
    uint8_t key[32] = {7}, got[32] = {0};
    int back = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    assert_true(back >= 0 && chdir(dir) == 0);
    enum mt_err made = mt_keyfile_create("file", key), read = mt_keyfile_read("file", false, got);
    assert_int_equal(fchdir(back), 0);
    close(back);
    assert_int_equal(made, MT_OK);
    assert_int_equal(read, MT_OK);
    assert_memory_equal(key, got, sizeof key);
    assert_int_equal(access(path, F_OK), 0);
}

/* Who may write a file knows what is in it. */
static void keys_of_somebody_else_are_refused(void **state) {
    (void)state;
    uint8_t key[32] = {1}, got[32];
    if (geteuid() != 0)
        skip();
    put(path, key, sizeof key, 0600);
    assert_int_equal(chown(path, NOBODY, NOBODY), 0);
    assert_int_equal(mt_keyfile_read(path, false, got), MT_EDENIED);
    assert_int_equal(mt_keyfile_read(path, true, got), MT_OK); /* the system's hand is enough */
}

/* Where one may do nothing: each says so, and leaves nothing behind. */
static void what_is_not_allowed_is_said(void **state) {
    (void)state;
    uint8_t key[32] = {1}, got[32];
    struct mt_id feed = {{3}};
    char sub[128];
    int fd = -1;
    if (geteuid() != 0)
        skip();
    put(path, key, sizeof key, 0600);
    put(machine, "here", 4, 0644);
    assert_int_equal(chmod(dir, 0755), 0);
    snprintf(sub, sizeof sub, "%s/sub", dir);
    assert_int_equal(setresuid((uid_t)-1, NOBODY, 0), 0);
    enum mt_err read = mt_keyfile_read(path, false, got), made = mt_keyfile_create(sub, key),
                locked = mt_lock_file(path, &fd), in_dir = mt_private_dir(sub),
                written = mt_installation_write(path, machine, &feed);
    assert_int_equal(setresuid((uid_t)-1, 0, 0), 0);
    assert_int_equal(read, MT_EDENIED);
    assert_int_equal(made, MT_EDENIED);
    assert_int_equal(locked, MT_EDENIED);
    assert_int_equal(fd, -1);
    assert_int_equal(in_dir, MT_EDENIED);
    assert_int_equal(written, MT_EDENIED);
    assert_int_equal(mt_keyfile_read(path, false, got), MT_OK);
    assert_memory_equal(got, key, sizeof key);
}

#define T(f) cmocka_unit_test_setup_teardown(f, make_dir, remove_dir)
int main(void) {
    const struct CMUnitTest tests[] = {
        T(created_key_reads_back),
        T(existing_key_is_never_replaced),
        T(key_left_half_by_a_crash_is_made_anew),
        T(keys_open_to_others_are_refused),
        T(keys_have_exactly_32_bytes),
        T(key_cannot_be_made_where_there_is_no_directory),
        T(installation_is_known_on_its_own_machine_only),
        T(machine_that_cannot_be_asked_is_no_other_machine),
        T(the_machine_id_itself_is_not_in_the_file),
        T(a_copied_installation_file_is_not_known),
        T(damaged_installation_file_is_not_known),
        T(directory_is_private_and_may_exist),
        T(lock_is_taken_once),
        T(a_name_alone_is_in_the_working_directory),
        T(keys_of_somebody_else_are_refused),
        T(what_is_not_allowed_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
