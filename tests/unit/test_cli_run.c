/* Whole commands against a daemon with canned answers: what they ask, print and return. */
#include "cli_fake.h"

#include "commands.h"
#include "said.h"
#include "text.h"

#define ID1 "a7f30000000000000000000000000001"
#define ID2 "c0190000000000000000000000000002"

static const struct fake_answer ANSWERS[] = {
    {"record.list",
     "{\"total\":2,\"records\":["
     "{\"id\":\"" ID1 "\",\"short\":\"a7f3\",\"title\":\"Bliksemstage \\u001b[31mZorg\",\"type\":"
     "\"excursie\",\"direction\":\"offer\",\"host\":{\"id\":\"" ID2 "\",\"name\":\"Salland Zorg\"},"
     "\"start\":\"2027-01-15T13:00:00+01:00\",\"week\":\"2027-W02\",\"capacity\":12,\"free\":4,"
     "\"status\":\"open\"},"
     "{\"id\":\"" ID2 "\",\"short\":\"c019\",\"title\":\"Een gastles over installatietechniek met "
     "heel veel woorden in de titel\",\"type\":\"gastles\",\"direction\":\"offer\",\"host\":{\"id\":"
     "\"" ID2 "\",\"name\":\"Metaal & Constructie Meppel en Omstreken BV\"},\"start\":null,"
     "\"week\":\"2027-W03\",\"capacity\":null,\"free\":null,\"status\":\"cancelled\"}]}"},
    {"record.add", "{\"id\":\"" ID1 "\",\"short\":\"a7f3\"}"},
    {"record.edit", "{\"id\":\"" ID1 "\",\"short\":\"a7f3\"}"},
    {"record.show", "!ambiguous: a7f3 Gastles, a7f4 Excursie"},
    {"signup.add", "{\"id\":\"" ID2 "\",\"short\":\"c019\"}"},
    {"answer.add", "{\"id\":\"" ID2 "\"}"},
    {"activity.cancel", "!denied: not ours"},
    {"signup.withdraw", "!invalid: field=pupils code=too-large"},
    {"placement.propose", "{\"id\":\"" ID2 "\"}"},
    {"placement.accept", "{\"id\":\"" ID2 "\"}"},
    {"member.approve", "!conflict: the number differs"},
    {"invite.create", "{\"code\":\"MEENT1QQQ\",\"expires\":\"2026-11-28T20:00:00Z\"}"},
    {"region.create", "!state: no organisation yet"},
    {"init", "{\"id\":\"" ID1 "\"}"},
    {"peer.ping", "{\"name\":\"Deltion\",\"steps\":[{\"step\":\"address\",\"ok\":true,\"text\":"
                  "\"10.0.0.1:7473\"},{\"step\":\"connect\",\"ok\":false,\"text\":\"refused\"}],"
                  "\"rtt_ms\":null}"},
    {"verify", "{\"digest\":\"00\",\"fold\":\"01\",\"equal\":false,\"entries\":9}"},
    {"status",
     "{\"organisation\":{\"id\":\"01\",\"name\":\"Carmel College\"},\"region\":{\"id\":\"02\",\"name\":"
     "\"Salland\"},\"members\":[{},{},{}],\"peers\":[{\"name\":\"Wavin\",\"connected\":true,\"lag\":38},"
     "{\"name\":\"Deltion\",\"connected\":false,\"lag\":0,\"last_seen\":\"2026-11-18T20:00:00Z\"}],"
     "\"records\":{\"activity\":60,\"org\":1},\"storage\":{\"used\":41000000,\"map\":1025000000},"
     "\"uptime_s\":1036800,\"state\":\"member\",\"health\":[{\"level\":\"warn\",\"code\":"
     "\"peer-unreachable\",\"name\":\"Deltion\",\"text\":\"Deltion is unreachable\",\"hint\":"
     "\"meent peer ping deltion\"}]}"},
    {NULL, NULL},
};

static bool has_dutch(void) {
    char path[600];
    const char *build = getenv("MEENT_BUILD");
    snprintf(path, sizeof path, "%s/locale/nl/LC_MESSAGES/meent.mo", build ? build : "build");
    return access(path, R_OK) == 0;
}

static void every_command_helps_in_both_languages(void **state) {
    (void)state;
    size_t n;
    const struct mt_command *all = mt_commands(&n);
    for (size_t i = 0; i < n; i++) {
        char noun[32] = "", verb[32] = "";
        sscanf(all[i].name, "%31s %31s", noun, verb);
        struct ran en = *verb ? RUN("/", noun, verb, "--help") : RUN("/", noun, "--help");
        struct ran nl = *verb ? RUN("/", noun, verb, "--help", "--lang", "nl")
                              : RUN("/", noun, "--hulp", "--taal=nl");
        struct ran *both[] = {&en, &nl};
        for (size_t k = 0; k < 2; k++) {
            assert_int_equal(both[k]->status, 0);
            assert_string_equal(both[k]->err, "");
            assert_non_null(strstr(both[k]->out, all[i].name));
            for (char *p = both[k]->out, *line; (line = strsep(&p, "\n"));)
                assert_true(mt_text_width(line) <= 80);
        }
        if (has_dutch())
            assert_string_not_equal(en.out, nl.out);
        ran_free(&en);
        ran_free(&nl);
    }
    struct ran r = RUN("/", "help");
    struct ran bare = RUN("/", NULL);
    assert_string_equal(bare.out, r.out);
    ran_free(&r);
    assert_ran(&bare, bare.out);
    r = RUN("/", "--version");
    assert_int_equal(strncmp(r.out, "meent ", 6), 0);
    ran_free(&r);
}

static void wrong_use_exits_2_with_the_nearest_word(void **state) {
    (void)state;
    static const struct {
        const char *args[5], *says;
    } cases[] = {
        {{"stauts"}, "did you mean: meent status"},
        {{"activity", "lst"}, "did you mean: meent activity list"},
        {{"menukaart", "--vrj"}, "did you mean --free?"},
        {{"signup", "add"}, "too few arguments: meent signup add ACTIVITY"},
        {{"status", "now"}, "unexpected argument \"now\""},
        {{"status", "--lang", "fr"}, "\"fr\" is not a language"},
        {{"activity", "add", "--title=x"}, "still needed: --type, --direction, --host"},
        {{"activity", "add", "--date=31-02-2027"}, "--date: \"31-02-2027\" is not a day"},
        {{"activity", "add", "--type=gastlezzen"}, "did you mean \"gastles\"?"},
        {{"init", "X", "--kind=circus"}, "\"circus\" is not one of: vmbo, "},
        {{"answer", "a7f3", "maybe"}, "\"maybe\" is not one of: accepted, declined, waiting"},
        {{"member", "approve", "x", "--number=12"}, "is not two groups of six digits"},
        {{"activity", "edit", "a7f3"}, "nothing to change"},
        {{"join", "X", "--wait=soon"}, "is not a number of seconds"},
        {{"join", "X", "--cancel"}, "--cancel goes with nothing else"},
        {{"join", "--cancel", "--wait=2"}, "--cancel goes with nothing else"},
        {{"menukaart", "--world=digtal"}, "--world: \"digtal\" is not one of the words"},
        {{"menukaart", "--profile=x"}, "--profile: \"x\" is not one of: BWI, "},
        {{"placement", "propose", "9b1e"}, "still needed: --level, --route, --from, --until"},
        {{"log", "--limit=0"}, "is not a number from 1 to 500"},
        {{"help", "xyzzy"}, "no command \"xyzzy\""},
    };
    for (size_t i = 0; i < MT_ARRAY_LEN(cases); i++) {
        struct ran r = run_meent("/", cases[i].args);
        assert_string_equal(r.out, "");
        assert_int_equal(r.status, 2);
        if (!strstr(r.err, cases[i].says))
            fail_msg("\"%s\" is not in: %s", cases[i].says, r.err);
        ran_free(&r);
    }
}

/* Flags are named as people of that language write them. */
static void wrong_flags_are_named_in_the_language(void **state) {
    (void)state;
    static const struct {
        const char *args[8], *says;
    } cases[] = {
        {{"activity", "add", "--titel=x"}, "--soort, --richting, --gastheer"},
        {{"activity", "add", "--einddatum=x"}, "--einddatum: "},
        {{"menukaart", "--van=foo"}, "--van: "},
        {{"menukaart", "--wereld=foo"}, "--wereld: "},
    };
    for (size_t i = 0; i < MT_ARRAY_LEN(cases); i++) {
        const char *args[10] = {"--lang=nl"};
        for (size_t k = 0; cases[i].args[k]; k++)
            args[k + 1] = cases[i].args[k];
        struct ran r = run_meent("/", args);
        assert_int_equal(r.status, 2);
        if (!strstr(r.err, cases[i].says))
            fail_msg("\"%s\" is not in: %s", cases[i].says, r.err);
        ran_free(&r);
    }
}

/* What the daemon refuses is said with what helps in that command. */
static void refusals_come_with_what_to_do(void **state) {
    (void)state;
    static const struct fake_answer refusals[] = {
        {"record.edit", "!invalid: field=date code=outside-week"},
        {"record.add", "!invalid: field=date code=outside-week"},
        {"region.create", "!conflict: this organisation is joining a region"},
        {"record.show", "!not-found: no organisation is called Stad"},
        {NULL, NULL},
    };
    static const struct {
        const char *args[9], *says;
    } cases[] = {
        {{"activity", "edit", "a7f3", "--date=2027-01-15"},
         "leave one of them out\n  To take the week"},
        {{"region", "create", "X"}, "meent join --cancel"},
        {{"org", "show", "Stad"}, "meent org list --text"},
    };
    struct fake f;
    fake_start(&f, refusals);
    for (size_t i = 0; i < MT_ARRAY_LEN(cases); i++) {
        struct ran r = run_meent(f.path, cases[i].args);
        if (!strstr(r.err, cases[i].says))
            fail_msg("\"%s\" is not in: %s", cases[i].says, r.err);
        ran_free(&r);
    }
    struct ran r = RUN(f.path, "activity", "add", "--direction=offer", "--type=gastles",
                       "--title=x", "--host=y", "--date=2027-01-15", "--week=2027-W09");
    assert_string_equal(r.err,
                        "meent: Date is not in the week that is given; leave one of them out\n");
    ran_free(&r);
    fake_stop(&f);
}

/* Midnight stands for a day without a time. */
static void a_day_without_a_time_shows_none(void **state) {
    (void)state;
    static const struct fake_answer shown[] = {
        {"record.show", "{\"record\":{\"id\":\"" ID1 "\",\"title\":\"T\",\"start\":"
                        "\"2027-01-15T00:00:00+01:00\",\"timed\":false}}"},
        {"record.show", "{\"record\":{\"id\":\"" ID1 "\",\"title\":\"T\",\"start\":"
                        "\"2027-01-15T09:00:00+01:00\",\"timed\":true}}"},
        {NULL, NULL},
    };
    struct fake f;
    fake_start(&f, shown);
    struct ran r = RUN(f.path, "activity", "show", "a7f3");
    assert_null(strstr(r.out, "00:00"));
    ran_free(&r);
    r = RUN(f.path, "activity", "show", "a7f3");
    assert_non_null(strstr(r.out, "09:00"));
    ran_free(&r);
    fake_stop(&f);
}

static void what_the_daemon_says_is_translated(void **state) {
    (void)state;
    static const struct {
        const char *english, *dutch;
        bool known;
    } cases[] = {
        {"no organisation yet", "hier is nog geen organisatie", true},
        {"no other member is called Wavin BV", "geen ander lid heet Wavin BV", true},
        {"places asked: 3, free: 1", "gevraagde plaatsen: 3, vrij: 1", true},
        {"this place takes 2 and has them", "deze stageplek is vol (capaciteit 2)", true},
        {"host: no organisation is called X", "Gastheer: geen organisatie heet X", true},
        {"host is missing", "host ontbreekt", true},
        {"places asked: 3", "places asked: 3", false},
        {"this needs the right 'admin", "this needs the right 'admin", false},
        {"a7f3 Gastles, a7f4 Excursie", "a7f3 Gastles, a7f4 Excursie", false},
        {"%s", "%s", false},
        {"", "", false},
    };
    if (!has_dutch())
        skip();
    fake_environment();
    mt_lang_use(MT_LANG_NL);
    for (size_t i = 0; i < MT_ARRAY_LEN(cases); i++) {
        bool known;
        char *said = mt_said(cases[i].english, MT_LANG_NL, &known);
        assert_string_equal(said, cases[i].dutch);
        assert_int_equal(known, cases[i].known);
        free(said);
    }
    mt_lang_use(MT_LANG_EN);
}

static void errors_are_one_line_of_json(void **state) {
    (void)state;
    static const struct {
        const char *args[6];
        int status;
        const char *code, *message;
    } cases[] = {
        {{"--json", "stauts"}, 2, "usage", "unknown command"},
        {{"activity", "show", "a7f", "--json"}, 2, "ambiguous", "a7f3 Gastles, a7f4 Excursie"},
        {{"activity", "cancel", "a7f3", "--json"}, 4, "denied", "not ours"},
        {{"member", "approve", "x", "--number=412906-735118", "--json"}, 7, "conflict", "number"},
        {{"region", "create", "Salland", "--json"}, 1, "state", "no organisation yet"},
        {{"signup", "withdraw", "x", "--json"}, 1, "invalid", "Pupils is too large"},
        {{"region", "show", "--json"}, 3, "not-found", "no such method"},
        {{"verify", "--json"}, 1, "corrupt", "digest"},
        {{"org", "import", "/no/such/file", "--json"}, 3, "not-found", "/no/such/file"},
    };
    struct fake f;
    fake_start(&f, ANSWERS);
    for (size_t i = 0; i < MT_ARRAY_LEN(cases); i++) {
        struct ran r = run_meent(f.path, cases[i].args);
        json_t *v = error_of(&r), *e = json_object_get(v, "error");
        assert_string_equal(mt_json_str(e, "code"), cases[i].code);
        assert_non_null(strstr(mt_json_str(e, "message"), cases[i].message));
        assert_int_equal(r.status, cases[i].status);
        json_decref(v);
        ran_free(&r);
    }
    fake_stop(&f);
    struct ran r = RUN("/tmp/meent-cli-no-such/s", "status", "--json");
    json_t *v = error_of(&r);
    assert_string_equal(mt_json_str(json_object_get(v, "error"), "code"), "daemon-not-running");
    assert_non_null(
        strstr(mt_json_str(json_object_get(v, "error"), "hint"), "systemctl start meentd"));
    assert_int_equal(r.status, 5);
    json_decref(v);
    ran_free(&r);
}

static void lists_are_arrays_in_json_and_fit_80_columns_for_people(void **state) {
    (void)state;
    struct fake f;
    fake_start(&f, ANSWERS);
    struct ran r = RUN(f.path, "activity", "list", "--json");
    json_t *v = json_loads(r.out, 0, NULL);
    assert_int_equal(json_array_size(v), 2);
    assert_string_equal(mt_json_str(json_array_get(v, 0), "id"), ID1);
    assert_true(json_is_null(json_object_get(json_array_get(v, 1), "start")));
    json_decref(v);
    ran_free(&r);
    r = RUN(f.path, "menukaart", "--vrij", "--van", "morgen", "--profiel", "PIE",
            "--soort=gastles");
    assert_int_equal(r.status, 0);
    assert_null(strchr(r.out, 0x1b));
    assert_non_null(strstr(r.out, "a7f3  Fri 15 Jan 13:00 wk 2  Bliksemstage \\x1b["));
    assert_non_null(strstr(r.out, " 4/12\n"));
    assert_non_null(strstr(r.out, "(Cancelled)"));
    for (char *p = r.out, *line; (line = strsep(&p, "\n"));)
        assert_true(mt_text_width(line) <= 80);
    ran_free(&r);
    assert_called(
        &f, "record.list {\"filters\":{\"direction\":\"offer\",\"profiles\":\"PIE\",\"type\":"
            "\"gastles\"},\"free\":true,\"from\":\"morgen\",\"kind\":\"activity\",\"limit\":500,"
            "\"offset\":0,\"uncounted\":true}");
    fake_stop(&f);
}

static void long_lists_come_page_by_page(void **state) {
    (void)state;
    static const struct fake_answer pages[] = {
        {"record.list", "{\"total\":3,\"records\":[{\"id\":\"01\"},{\"id\":\"02\"}]}"},
        {"record.list", "{\"total\":3,\"records\":[{\"id\":\"03\"}]}"},
        {"record.list", "{\"total\":9,\"records\":[]}"},
        {NULL, NULL},
    };
    struct fake f;
    fake_start(&f, pages);
    struct ran r = RUN(f.path, "org", "list", "--json");
    assert_ran(&r, "[{\"id\":\"01\"},{\"id\":\"02\"},{\"id\":\"03\"}]\n");
    assert_called(&f, "\"offset\":2");
    r = RUN(f.path, "org", "list", "--json"); /* a total that is never reached ends all the same */
    assert_ran(&r, "[]\n");
    fake_stop(&f);
}

static void changes_print_their_id(void **state) {
    (void)state;
    struct fake f;
    fake_start(&f, ANSWERS);
    struct ran r =
        RUN(f.path, "activity", "add", "--richting", "aanbod", "--soort", "gastles", "--titel",
            "Gastles", "--gastheer", "Wavin", "--wereld", "digital", "--wereld", "food", "--json");
    assert_ran(&r, "{\"id\":\"" ID1 "\"}\n");
    assert_called(&f,
                  "record.add {\"fields\":{\"direction\":\"aanbod\",\"host\":\"Wavin\",\"title\":"
                  "\"Gastles\",\"type\":\"gastles\",\"worlds\":\"digital|food\"},\"kind\":"
                  "\"activity\"}");
    r = RUN(f.path, "intekenen", "a7f3", "--groep", "3B", "--leerlingen=24", "--json");
    assert_ran(&r, "{\"id\":\"" ID2 "\"}\n");
    assert_called(&f, "signup.add {\"activity\":\"a7f3\",\"group\":\"3B\",\"pupils\":\"24\"}");
    r = RUN(f.path, "antwoord", "c019", "akkoord", "--json");
    assert_ran(&r, "{\"id\":\"" ID2 "\"}\n");
    assert_called(&f, "answer.add {\"decision\":\"accepted\",\"record\":\"c019\"}");
    r = RUN(f.path, "placement", "propose", "9b1e", "--level", "KB", "--route", "snuffelstage",
            "--from", "2027-01-11", "--until", "2027-01-15", "--json");
    assert_ran(&r, "{\"id\":\"" ID2 "\"}\n");
    assert_called(&f, "placement.propose {\"from\":\"2027-01-11\",\"level\":\"KB\",\"route\":"
                      "\"snuffelstage\",\"stageplek\":\"9b1e\",\"until\":\"2027-01-15\"}");
    r = RUN(f.path, "init", "Carmel College", "--kind", "VMBO-school");
    assert_int_equal(r.status, 0);
    assert_called(&f, "init {\"kind\":\"vmbo\",\"name\":\"Carmel College\"}");
    ran_free(&r);
    r = RUN(f.path, "activity", "edit", "a7f3", "--capacity", "5");
    assert_ran(&r, "Activity a7f3 changed.\n");
    r = RUN(f.path, "activity", "edit", "a7f3", "--capacity", "5", "--quiet");
    assert_ran(&r, "");
    fake_stop(&f);
}

static void a_dry_run_changes_nothing(void **state) {
    (void)state;
    struct ran r = RUN("/no/daemon", "signup", "add", "a7f3", "--pupils=3", "--dry-run", "--json");
    assert_ran(&r, "{\"dry_run\":true,\"method\":\"signup.add\",\"params\":{\"pupils\":\"3\","
                   "\"activity\":\"a7f3\"}}\n");
}

static void status_reads_as_designed(void **state) {
    (void)state;
    struct fake f;
    if (!has_dutch())
        skip();
    fake_start(&f, ANSWERS);
    struct ran r = RUN(f.path, "status", "--lang", "nl");
    assert_ran(&r, "Carmel College · regio Salland · al 12 d actief\n"
                   "Leden 3: 1 bij, 1 loopt achter (Wavin, 38), 1 onbereikbaar (Deltion, 3 d)\n"
                   "60 activiteiten · 1 organisatie · opslag 41 MB (4% van maximum)\n"
                   "! Deltion onbereikbaar. Probeer: meent peer ping deltion\n");
    r = RUN(f.path, "peer", "ping", "deltion", "--lang", "nl");
    assert_int_equal(r.status, 1);
    assert_non_null(strstr(r.out, "✗ verbinding: refused\n"));
    ran_free(&r);
    r = RUN(f.path, "region", "create", "Salland", "--taal", "nl");
    assert_int_equal(r.status, 1);
    assert_string_equal(r.err, "meent: hier is nog geen organisatie\n"
                               "  Probeer: meent init NAAM --soort SOORT\n");
    ran_free(&r);
    fake_stop(&f);
}

static void a_code_is_shown_with_what_comes_next(void **state) {
    (void)state;
    struct fake f;
    fake_start(&f, ANSWERS);
    struct ran r = RUN(f.path, "invite", "create", "wavin", "--json");
    assert_ran(&r, "{\"code\":\"MEENT1QQQ\",\"expires\":\"2026-11-28T20:00:00Z\"}\n");
    r = RUN(f.path, "uitnodigen", "wavin", "--qr");
    assert_int_equal(strncmp(r.out, "MEENT1QQQ\n", 10), 0);
    assert_non_null(strstr(r.out, "█▄"));
    assert_non_null(strstr(r.out, "until 28 Nov 21:00"));
    assert_non_null(strstr(r.out, "meent member approve \"wavin\" --number NUMBER"));
    ran_free(&r);
    fake_stop(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_command_helps_in_both_languages),
        cmocka_unit_test(wrong_use_exits_2_with_the_nearest_word),
        cmocka_unit_test(wrong_flags_are_named_in_the_language),
        cmocka_unit_test(refusals_come_with_what_to_do),
        cmocka_unit_test(a_day_without_a_time_shows_none),
        cmocka_unit_test(what_the_daemon_says_is_translated),
        cmocka_unit_test(errors_are_one_line_of_json),
        cmocka_unit_test(lists_are_arrays_in_json_and_fit_80_columns_for_people),
        cmocka_unit_test(long_lists_come_page_by_page),
        cmocka_unit_test(changes_print_their_id),
        cmocka_unit_test(a_dry_run_changes_nothing),
        cmocka_unit_test(status_reads_as_designed),
        cmocka_unit_test(a_code_is_shown_with_what_comes_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
