/* Imports on the command line: what is sent, and what is told of the rest. */
#include "cli_fake.h"

#include "text.h"

/* Writes `text` into a new file and returns its path, which lives until the next call. */
static const char *file_with(const char *text) {
    static char path[64];
    snprintf(path, sizeof path, "/tmp/meent-cli-csv-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    return path;
}

static const struct fake_answer IMPORTED[] = {
    {"import", "{\"new\":2,\"changed\":1,\"unchanged\":3,\"orgs_new\":1,\"ids\":[]}"},
    {NULL, NULL},
};

static void wrong_rows_are_listed_and_nothing_is_sent(void **state) {
    (void)state;
    const char *path = file_with("Titel;Soort;Vraag/Aanbod;Organisatie;Capaciteit\n"
                                 "Goed;Gastles;aanbod;Wavin;3\n"
                                 "Fout;Gastlezzen;aanbod;Wavin;-3\n"
                                 "\x1b[31mRood;Gastles;aanbod;Wavin;\x1b[2Jx\n");
    struct ran r = RUN("/no/daemon", "activity", "import", path, "--json");
    assert_int_equal(r.status, 1);
    json_t *v = error_of(&r), *e = json_object_get(v, "error"), *rows = json_object_get(e, "rows");
    assert_string_equal(mt_json_str(e, "code"), "invalid");
    assert_true(json_array_size(rows) >= 3);
    json_t *first = json_array_get(rows, 0);
    assert_int_equal(mt_json_int(first, "row", 0), 3);
    assert_int_equal(mt_json_int(first, "line", 0), 3);
    assert_string_equal(mt_json_str(first, "column"), "Soort");
    assert_string_equal(mt_json_str(first, "code"), "not-word");
    json_decref(v);
    ran_free(&r);
    r = RUN("/no/daemon", "activity", "import", path, "--lang", "nl");
    assert_int_equal(r.status, 1);
    assert_string_equal(r.out, "");
    assert_null(strchr(r.err, 0x1b));
    for (char *p = r.err, *line; (line = strsep(&p, "\n"));)
        assert_true(mt_text_width(line) <= 80);
    ran_free(&r);
    struct fake f;
    fake_start(&f, IMPORTED);
    r = RUN(f.path, "activity", "import", path, "--partial", "--json");
    assert_int_equal(r.status, 0);
    assert_string_equal(r.err, "");
    v = json_loads(r.out, 0, NULL);
    rows = json_object_get(v, "rows");
    assert_int_equal(mt_json_int(v, "skipped", 0), 2);
    assert_true(json_array_size(rows) >= 3);
    assert_int_equal(mt_json_int(json_array_get(rows, 0), "row", 0), 3);
    assert_string_equal(mt_json_str(json_array_get(rows, 0), "code"), "not-word");
    json_decref(v);
    ran_free(&r);
    assert_called(
        &f, "\"rows\":[{\"capacity\":\"3\",\"direction\":\"aanbod\",\"host\":\"Wavin\",\"title\":"
            "\"Goed\",\"type\":\"Gastles\"}]");
    fake_stop(&f);
    unlink(path);
}

/* Columns of no field are told beside a result, and in an error that one of them may explain; an error
 * stays one line. */
static void unused_columns_are_told(void **state) {
    (void)state;
    const char *path = file_with("naam,soort,kleur\nX,company,ja\n");
    struct fake f;
    fake_start(&f, IMPORTED);
    struct ran r = RUN(f.path, "org", "import", path, "--json");
    assert_string_equal(r.out, "{\"new\":2,\"changed\":1,\"unchanged\":3}\n");
    assert_string_equal(r.err,
                        "{\"warning\":{\"code\":\"unused-columns\",\"columns\":[\"kleur\"]}}\n");
    ran_free(&r);
    r = RUN(f.path, "org", "import", path);
    assert_string_equal(r.err, "Columns that are not used: kleur\n");
    ran_free(&r);
    r = RUN(f.path, "org", "import", path, "--quiet");
    assert_ran(&r, "");
    fake_stop(&f);
    r = RUN("/no/daemon", "org", "import", path, "--json");
    json_decref(error_of(&r)); /* one line */
    assert_int_equal(r.status, 5);
    ran_free(&r);
    unlink(path);
    path = file_with("naaam,soort\nX,company\n");
    r = RUN("/no/daemon", "org", "import", path, "--json");
    json_t *v = error_of(&r);
    assert_non_null(strstr(mt_json_str(json_object_get(v, "error"), "hint"), ": naaam"));
    json_decref(v);
    ran_free(&r);
    unlink(path);
}

static void large_files_go_in_pieces(void **state) {
    (void)state;
    char *text = NULL;
    size_t n;
    FILE *m = open_memstream(&text, &n);
    fprintf(m, "naam,soort,plaats\n");
    for (int i = 0; i < 2500; i++)
        fprintf(m, "Organisatie %d,company,\n", i);
    fclose(m);
    const char *path = file_with(text);
    struct fake f;
    fake_start(&f, IMPORTED);
    struct ran r = RUN(f.path, "org", "import", path, "--json");
    assert_ran(&r, "{\"new\":6,\"changed\":3,\"unchanged\":9}\n");
    char *log = calls(&f);
    int lines = 0;
    for (char *p = log; *p; p++)
        lines += *p == '\n';
    assert_int_equal(lines, 3);
    free(log);
    r = RUN(f.path, "org", "import", path, "--dry-run", "--lang=en");
    assert_ran(&r, "Dry run, nothing was changed. It would be: 6 new, 3 changed, 9 unchanged\n"
                   "3 organisations were not known yet and were entered too: meent org list\n");
    assert_called(
        &f, "import {\"dry_run\":true,\"kind\":\"org\",\"rows\":[{\"kind\":\"company\",\"name\":"
            "\"Organisatie 0\"}");
    fake_stop(&f);
    free(text);
    unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_rows_are_listed_and_nothing_is_sent),
        cmocka_unit_test(unused_columns_are_told),
        cmocka_unit_test(large_files_go_in_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
