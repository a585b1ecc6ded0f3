/* Joining on the command line: the number, waiting, giving up. */
#include "cli_fake.h"

static void joining_says_the_number_and_waits(void **state) {
    (void)state;
    static const struct fake_answer join[] = {
        {"join", "{\"state\":\"calling\",\"number\":null}"},
        {"join.state", "{\"state\":\"none\",\"number\":null}"}, /* before */
        {"join.state", "{\"state\":\"calling\",\"number\":null}"},
        {"join.state", "{\"state\":\"filed\",\"number\":\"412906 735118\"}"},
        {"join.state", "{\"state\":\"filed\",\"number\":\"412906 735118\"}"},
        {"join.state", "{\"state\":\"member\",\"number\":\"412906 735118\"}"},
        {NULL, NULL},
    };
    struct fake f;
    fake_start(&f, join);
    struct ran r = RUN(f.path, "join", "MEENT1QQQ", "--wait", "20", "--json");
    assert_ran(&r, "{\"state\":\"pending\",\"number\":\"412906 735118\"}\n");
    r = RUN(f.path, "join", "--wait", "20", "--json"); /* known by now: waits for the approval */
    assert_ran(&r, "{\"state\":\"member\",\"number\":\"412906 735118\"}\n");
    fake_stop(&f);
    fake_start(&f, join);
    r = RUN(f.path, "aansluiten", "MEENT1QQQ", "--wacht", "20");
    assert_int_equal(r.status, 0);
    assert_non_null(strstr(r.out, "\n    412906 735118\n"));
    assert_non_null(strstr(r.out, "Admitted."));
    ran_free(&r);
    fake_stop(&f);
    static const struct fake_answer refused[] = {
        {"join", "{\"state\":\"refused\",\"number\":null,\"error\":\"member\"}"},
        {"join.state", "{\"state\":\"none\",\"number\":null}"},
        {NULL, NULL},
    };
    fake_start(&f, refused);
    r = RUN(f.path, "join", "MEENT1QQQ", "--json");
    assert_int_equal(r.status, 4);
    json_t *v = error_of(&r);
    assert_non_null(
        strstr(mt_json_str(json_object_get(v, "error"), "message"), "invitation was used"));
    json_decref(v);
    ran_free(&r);
    r = RUN(f.path, "join", "--json");
    assert_int_equal(r.status, 2);
    ran_free(&r);
    fake_stop(&f);
}

static void joining_is_given_up(void **state) {
    (void)state;
    static const struct fake_answer unaccepted[] = {
        {"join.state", "{\"state\":\"calling\",\"number\":null,\"error\":\"psk\"}"},
        {NULL, NULL},
    };
    static const struct fake_answer answers[] = {
        {"join.cancel", "{\"state\":\"none\",\"number\":null}"},
        {"join.state", "{\"state\":\"calling\",\"number\":null}"},
        {"join.state", "{\"state\":\"filed\",\"number\":\"412906 735118\"}"},
        {NULL, NULL},
    };
    struct fake f;
    fake_start(&f, unaccepted);
    struct ran r = RUN(f.path, "join", "--wait", "1");
    assert_int_equal(r.status, 0);
    assert_non_null(strstr(r.out, "does not accept the code"));
    assert_non_null(strstr(r.out, "meent join --cancel"));
    ran_free(&r);
    fake_stop(&f);
    fake_start(&f, answers);
    r = RUN(f.path, "join", "--cancel");
    assert_ran(&r, "Joining is given up.\n");
    r = RUN(f.path, "aansluiten", "--annuleer");
    assert_int_equal(r.status, 0);
    assert_non_null(strstr(r.out, "meent invite revoke NAME"));
    ran_free(&r);
    fake_stop(&f);
    r = RUN("/no/daemon", "join", "MEENT1QQQ", "--cancel", "--json");
    assert_int_equal(r.status, 2);
    ran_free(&r);
}

static void a_member_hears_that_it_needs_no_code(void **state) {
    (void)state;
    static const struct fake_answer member[] = {
        {"join", "{\"state\":\"member\",\"number\":null}"},
        {"join.state", "{\"state\":\"member\",\"number\":null}"},
        {NULL, NULL},
    };
    struct fake f;
    fake_start(&f, member);
    struct ran r = RUN(f.path, "join", "MEENT1QQQ", "--wait", "20");
    assert_ran(&r, "This organisation is a member already; the code was not used.\n");
    r = RUN(f.path, "join");
    assert_ran(&r, "This organisation is a member. See: meent status\n");
    r = RUN(f.path, "join", "MEENT1QQQ", "--json");
    assert_ran(&r, "{\"state\":\"member\",\"number\":null}\n");
    fake_stop(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(joining_says_the_number_and_waits),
        cmocka_unit_test(joining_is_given_up),
        cmocka_unit_test(a_member_hears_that_it_needs_no_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
