#include "log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>
#include <cmocka.h>

static char text[4096];
static int ends[2];

static const char *logged(void) {
    memset(text, 0, sizeof text);
    ssize_t n = read(ends[0], text, sizeof text - 1);
    assert_true(n >= 0 || n == -1);
    return text;
}

static int open_pipe(void **state) {
    (void)state;
    return pipe2(ends, 04000); /* not blocking, so that silence can be seen */
}

static int close_pipe(void **state) {
    (void)state;
    mt_log_init(STDERR_FILENO, MT_LOG_INFO, false);
    return close(ends[0]) + close(ends[1]);
}

static void journal_lines_begin_with_the_level(void **state) {
    (void)state;
    mt_log_init(ends[1], MT_LOG_INFO, true);
    mt_log(MT_LOG_WARNING, "store_full", "used=%d", 7);
    assert_string_equal(logged(), "<4>store_full used=7\n");
    mt_log(MT_LOG_INFO, "ready", "%s", "");
    assert_string_equal(logged(), "<6>ready \n");
}

static void other_lines_begin_with_the_time(void **state) {
    (void)state;
    mt_log_init(ends[1], MT_LOG_INFO, false);
    mt_log(MT_LOG_ERROR, "stop", "err=%s", "io");
    const char *line = logged();
    assert_int_equal(line[10], 'T');
    assert_int_equal(line[23], 'Z');
    assert_string_equal(line + 24, " error stop err=io\n");
}

static void less_important_lines_are_left_out(void **state) {
    (void)state;
    mt_log_init(ends[1], MT_LOG_INFO, true);
    mt_log(MT_LOG_DEBUG, "detail", "a=%d", 1);
    assert_string_equal(logged(), "");
}

static void text_from_outside_cannot_forge_a_line(void **state) {
    (void)state;
    mt_log_init(ends[1], MT_LOG_INFO, true);
    mt_log(MT_LOG_INFO, "peer", "name=%s", "x\n<2>root login\x1b[2J");
    assert_string_equal(logged(), "<6>peer name=x?<2>root login?[2J\n");
}

static void long_lines_are_cut_whole(void **state) {
    (void)state;
    mt_log_init(ends[1], MT_LOG_INFO, true);
    char *big = calloc(1, 5001);
    memset(big, 'a', 5000);
    mt_log(MT_LOG_INFO, big, "b=%s", big);
    const char *line = logged();
    assert_in_range(strlen(line), 1000, 1024);
    assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
    free(big);
}

static void the_journal_is_recognised_by_its_socket_alone(void **state) {
    (void)state;
    unsetenv("JOURNAL_STREAM");
    assert_false(mt_log_is_journal());
    setenv("JOURNAL_STREAM", "1:2", 1);
    assert_false(mt_log_is_journal());
    setenv("JOURNAL_STREAM", "nonsense", 1);
    assert_false(mt_log_is_journal());
    unsetenv("JOURNAL_STREAM");
}

#define T(f) cmocka_unit_test_setup_teardown(f, open_pipe, close_pipe)
int main(void) {
    const struct CMUnitTest tests[] = {
        T(journal_lines_begin_with_the_level), T(other_lines_begin_with_the_time),
        T(less_important_lines_are_left_out),  T(text_from_outside_cannot_forge_a_line),
        T(long_lines_are_cut_whole),           T(the_journal_is_recognised_by_its_socket_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
