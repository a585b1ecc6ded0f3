/* Completion, the calendar, contact persons and periods against a daemon with canned answers. */
#include "cli_fake.h"

#include "commands.h"
#include "text.h"

/* ---- completion ---- */

static const struct fake_answer KNOWN[] = {
    {"record.list",
     "{\"total\":2,\"records\":["
     "{\"id\":\"a7f30000000000000000000000000001\",\"short\":\"a7f3\",\"name\":"
     "\"Wavin BV\",\"title\":\"Les\\tuur\",\"host\":{\"name\":\"Wavin\"}},"
     "{\"id\":\"c0190000000000000000000000000002\",\"short\":\"c019\",\"name\":\"Aa\","
     "\"activity\":{\"name\":\"Excursie\"}}]}"},
    {"invite.list",
     "{\"invites\":[{\"name\":\"wavin\",\"state\":\"filed\",\"applicant\":\"Wavin\"},"
     "{\"name\":\"deltion\",\"state\":\"open\"}]}"},
    {"peer.list", "{\"peers\":[{\"name\":\"Wavin\",\"address\":\"10.0.0.1:7473\"}]}"},
    {NULL, NULL},
};

static void a_line_is_completed_by_what_may_follow(void **state) {
    (void)state;
    static const struct {
        const char *words[8], *first; /* line that comes first; NULL: nothing is offered */
    } cases[] = {
        {{"jaar"}, "jaarkalender\tthe year, month by month: show\n"},
        {{"activity", "sh"}, "show\tone activity and its sign-ups\n"},
        {{"activity", "list", "--fre"}, "--free\tonly with free places\n"},
        {{"activity", "list", "--type", "gast"}, "gastles\tGuest lesson\n"},
        {{"menukaart", "--type", "=", "gast"}, "gastles\tGuest lesson\n"},
        {{"menukaart", "--wereld", "="}, "health\t"},
        {{"init", "X", "--kind", "vm"}, "vmbo\t"},
        {{"activity", "show", ""}, "a7f3\tLes uur · Wavin\n"},
        {{"activity", "toon", "c0190"}, "c0190000000000000000000000000002\tAa\n"},
        {{"activity", "show", "ffff"}, NULL},
        {{"activity", "show", "a7f3", ""}, NULL},
        {{"intekenen", "c"}, "c019\tAa\n"},
        {{"answer", "a"}, "a7f3\tLes uur · Wavin\n"},
        {{"answer", "a7f3", "d"}, "declined\t\n"},
        {{"org", "show", "\"wav"}, "Wavin BV\t\n"},
        {{"activity", "add", "--host", "Wav"}, "Wavin BV\t\n"},
        {{"member", "approve", ""}, "wavin\tWavin\n"},
        {{"invite", "revoke", ""}, "deltion\t\n"},
        {{"peer", "ping", "w"}, "Wavin\t10.0.0.1:7473\n"},
        {{"status", "--lang", "n"}, "nl\t\n"},
        {{"completion", "z"}, "zsh\t\n"},
        {{"help", "stat"}, "status\toverview and health\n"},
        {{"nothing", "s"}, NULL},
        {{"__"}, NULL},
        {{"activity", "import", ""}, NULL},
    };
    struct fake f;
    fake_start(&f, KNOWN);
    for (size_t i = 0; i < MT_ARRAY_LEN(cases); i++) {
        const char *args[12] = {"__complete", "--"};
        for (size_t k = 0; cases[i].words[k]; k++)
            args[2 + k] = cases[i].words[k];
        struct ran r = run_meent(f.path, args);
        assert_int_equal(r.status, 0);
        assert_string_equal(r.err, "");
        const char *first = cases[i].first;
        if (first ? strncmp(r.out, first, strlen(first)) != 0 : *r.out != '\0')
            fail_msg("case %zu: %s", i, r.out);
        ran_free(&r);
    }
    fake_stop(&f);
    struct ran r = RUN("/no/daemon", "__complete", "--", "activity", "show", "");
    assert_ran(&r, ""); /* who types is not told that the daemon is away */
}

static void all_commands_are_offered_but_hidden_ones(void **state) {
    (void)state;
    size_t n;
    const struct mt_noun *nouns = mt_nouns(&n);
    struct ran r = RUN("/", "__complete", "--", "");
    for (size_t i = 0; i < n; i++) {
        char *line = mt_text_format("%s\t", nouns[i].name);
        assert_int_equal(strstr(r.out, line) != NULL, nouns[i].name[0] != '_');
        free(line);
    }
    ran_free(&r);
    r = RUN("/", "help");
    assert_null(strstr(r.out, "__complete"));
    ran_free(&r);
    r = RUN("/", "complet");
    assert_non_null(strstr(r.err, "did you mean: meent completion"));
    ran_free(&r);
}

static void every_shell_has_a_script(void **state) {
    (void)state;
    static const char *const shells[] = {"bash", "zsh", "fish"};
    for (size_t i = 0; i < MT_ARRAY_LEN(shells); i++) {
        struct ran r = RUN("/", "completion", shells[i]);
        assert_int_equal(r.status, 0);
        assert_non_null(strstr(r.out, " __complete -- "));
        assert_non_null(strstr(r.out, "completion of meent; made by: meent completion "));
        ran_free(&r);
    }
    struct ran r = RUN("/", "completion", "csh");
    assert_int_equal(r.status, 2);
    assert_non_null(strstr(r.err, "\"csh\" is not one of: bash, zsh, fish"));
    ran_free(&r);
}

/* ---- calendar ---- */

static const struct fake_answer YEAR[] = {
    {"record.list",
     "{\"total\":2,\"records\":[{\"id\":\"01\",\"short\":\"01\",\"title\":\"Stageperiode klas 3\",\"type\":"
     "\"stageperiode\",\"from\":\"2026-07-20\",\"until\":\"2026-08-07\",\"host\":{\"name\":\"Carmel\"}},"
     "{\"id\":\"02\",\"short\":\"02\",\"title\":\"Toetsen\",\"type\":\"toetsweek\",\"from\":\"2027-01-11\","
     "\"until\":\"2027-01-15\",\"owner\":{\"name\":\"Carmel\"}}]}"},
    {"record.list",
     "{\"total\":4,\"records\":[{\"id\":\"03\",\"short\":\"03\",\"title\":\"Later\",\"start\":"
     "\"2027-01-11T13:00:00+01:00\",\"timed\":true,\"host\":{\"name\":\"Wavin\"}},"
     "{\"id\":\"04\",\"short\":\"04\",\"title\":\"Eerder\",\"start\":\"2027-01-11T00:00:00+01:00\","
     "\"timed\":false,\"status\":\"cancelled\",\"host\":{\"name\":\"Wavin\"}},"
     "{\"id\":\"05\",\"short\":\"05\",\"title\":\"Week\",\"start\":null,\"week\":\"2027-W01\"},"
     "{\"id\":\"06\",\"short\":\"06\",\"title\":\"Ooit\",\"start\":null,\"week\":null}]}"},
    {NULL, NULL},
};

static void the_calendar_goes_month_by_month(void **state) {
    (void)state;
    struct fake f;
    fake_start(&f, YEAR);
    struct ran r = RUN(f.path, "calendar", "show");
    assert_ran(&r, "August 2026\n"
                   "  20 Jul – 7 Aug 2026    01  Stageperiode klas 3 · Carmel (Placement period)\n"
                   "\n"
                   "January 2027\n"
                   "  wk 1 (4 Jan)           05  Week\n"
                   "  11–15 Jan 2027         02  Toetsen · Carmel (Test week)\n"
                   "  Mon 11 Jan wk 2        04  Eerder · Wavin (Cancelled)\n"
                   "  Mon 11 Jan 13:00 wk 2  03  Later · Wavin\n");
    fake_stop(&f);
    fake_start(&f, YEAR);
    r = RUN(f.path, "jaarkalender", "--jaar", "2027", "--eigen", "--json");
    json_t *v = json_loads(r.out, 0, NULL);
    assert_int_equal(json_array_size(v), 5); /* what has no day is in no month */
    assert_string_equal(mt_json_str(json_array_get(v, 0), "kind"), "period");
    assert_string_equal(mt_json_str(json_array_get(v, 1), "kind"), "activity");
    json_decref(v);
    ran_free(&r);
    assert_called(
        &f,
        "record.list {\"filters\":{},\"from\":\"2027-01-01\",\"kind\":\"period\","
        "\"limit\":500,\"mine\":true,\"offset\":0,\"uncounted\":true,\"until\":\"2027-12-31\"}");
    fake_stop(&f);
}

static void the_days_of_the_calendar_can_be_chosen(void **state) {
    (void)state;
    static const struct fake_answer none[] = {{"record.list", "{\"total\":0,\"records\":[]}"},
                                              {NULL, NULL}};
    static const struct {
        const char *args[6], *from, *until; /* `from` NULL: wrong use, and `until` is said */
    } cases[] = {
        {{"calendar"}, "2026-08-01", "2027-07-31"},
        {{"calendar", "--year=2027-2028"}, "2027-08-01", "2028-07-31"},
        {{"calendar", "--year=2027/2028"}, "2027-08-01", "2028-07-31"},
        {{"calendar", "--from=morgen"}, "2026-11-22", "2027-07-31"},
        {{"calendar", "--from=2028-01-01"}, "2028-01-01", "2028-12-31"},
        {{"calendar", "--until=2025-12-31"}, "2024-12-31", "2025-12-31"},
        {{"calendar", "--year=2027-2029"}, NULL, "is no year such as 2026"},
        {{"calendar", "--year=27"}, NULL, "is no year such as 2026"},
        {{"calendar", "--from=2026-02-30"}, NULL, "--from: \"2026-02-30\" is not a day"},
        {{"calendar", "--from=2027-02-01", "--until=2027-01-01"}, NULL, "end before it begins"},
    };
    for (size_t i = 0; i < MT_ARRAY_LEN(cases); i++) {
        struct fake f;
        fake_start(&f, none);
        struct ran r = run_meent(f.path, cases[i].args);
        if (cases[i].from) {
            char *line = mt_text_format("\"from\":\"%s\",\"kind\":\"activity\",\"limit\":500,"
                                        "\"offset\":0,\"uncounted\":true,\"until\":\"%s\"}",
                                        cases[i].from, cases[i].until);
            assert_int_equal(r.status, 0);
            assert_called(&f, line);
            assert_non_null(strstr(r.out, "Nothing with a date in that time."));
            free(line);
        } else {
            assert_int_equal(r.status, 2);
            if (!strstr(r.err, cases[i].until))
                fail_msg("case %zu: %s", i, r.err);
        }
        ran_free(&r);
        fake_stop(&f);
    }
}

/* ---- contact persons and periods ---- */

static const struct fake_answer PEOPLE[] = {
    {"record.list",
     "{\"total\":2,\"records\":[{\"id\":\"01\",\"short\":\"01\",\"name\":\"Jan\",\"roles\":["
     "\"mentor\",\"gastdocent\"],\"org\":{\"name\":\"Wavin\"},\"phone\":\"1\"},"
     "{\"id\":\"02\",\"short\":\"02\",\"name\":\"An\",\"function\":\"chef\",\"roles\":[],"
     "\"owner\":{\"name\":\"Carmel\"},\"mail\":\"a@c.nl\"}]}"},
    {"record.add", "{\"id\":\"01\",\"short\":\"01\"}"},
    {"record.edit", "{\"id\":\"01\",\"short\":\"01\"}"},
    {"record.show",
     "{\"record\":{\"id\":\"01\",\"name\":\"Jan\",\"owner\":{\"name\":\"Carmel\"}}}"},
    {NULL, NULL},
};

static void contact_persons_are_listed_and_entered(void **state) {
    (void)state;
    struct fake f;
    fake_start(&f, PEOPLE);
    struct ran r = RUN(f.path, "contactpersoon");
    assert_ran(&r, "ID  NAME  ROLE                   AT      PHONE  MAIL\n"
                   "01  Jan   Mentor; Guest teacher  Wavin   1      -\n"
                   "02  An    chef                   Carmel  -      a@c.nl\n");
    r = RUN(f.path, "contact", "add", "--naam=Jan", "--organisatie=Wavin", "--rol", "mentor");
    assert_ran(&r, "Contact person 01 added; all members see these details.\n");
    assert_called(
        &f, "record.add {\"fields\":{\"name\":\"Jan\",\"org\":\"Wavin\",\"roles\":\"mentor\"},"
            "\"kind\":\"contact\"}");
    r = RUN(f.path, "contact", "edit", "01", "--phone", "2");
    assert_ran(&r, "Contact person 01 changed.\n");
    r = RUN(f.path, "contact", "show", "01");
    assert_ran(&r, "ID          01\nName        Jan\nEntered by  Carmel\n");
    r = RUN(f.path, "contact", "add");
    assert_int_equal(r.status, 2);
    ran_free(&r);
    fake_stop(&f);
}

static void periods_are_listed_and_entered(void **state) {
    (void)state;
    struct fake f;
    fake_start(&f, YEAR);
    struct ran r = RUN(f.path, "period", "list");
    assert_int_equal(r.status, 0);
    assert_non_null(strstr(r.out, "02  11–15 Jan 2027       Toetsen"));
    ran_free(&r);
    fake_stop(&f);
    fake_start(&f, PEOPLE);
    r = RUN(f.path, "period", "add", "--titel=Toetsen", "--soort=toetsweek", "--van=2027-01-11",
            "--tot=2027-01-15");
    assert_ran(&r, "Period 01 added; it is in the calendar.\n");
    assert_called(&f,
                  "record.add {\"fields\":{\"from\":\"2027-01-11\",\"title\":\"Toetsen\",\"type\":"
                  "\"toetsweek\",\"until\":\"2027-01-15\"},\"kind\":\"period\"}");
    r = RUN(f.path, "period", "edit", "01", "--tot=2027-01-22");
    assert_ran(&r, "Period 01 changed.\n");
    r = RUN(f.path, "period", "show", "01", "--json");
    assert_int_equal(r.status, 0);
    ran_free(&r);
    fake_stop(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_completed_by_what_may_follow),
        cmocka_unit_test(all_commands_are_offered_but_hidden_ones),
        cmocka_unit_test(every_shell_has_a_script),
        cmocka_unit_test(the_calendar_goes_month_by_month),
        cmocka_unit_test(the_days_of_the_calendar_can_be_chosen),
        cmocka_unit_test(contact_persons_are_listed_and_entered),
        cmocka_unit_test(periods_are_listed_and_entered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
