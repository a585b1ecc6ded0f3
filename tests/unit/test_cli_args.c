/* Command lines: flags by every name they have, words, and what was probably meant. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "args.h"
#include "commands.h"

static const struct mt_flag FLAGS[] = {
    {"json", NULL, NULL, "", NULL},
    {"no_input", "geen-invoer", NULL, "", NULL},
    {"from", "van|vanaf", "DATE", "", NULL},
    {"limit", "aantal", "N", "", NULL},
};

struct parsed {
    struct mt_flags flags;
    struct mt_args args;
    struct mt_args_fault fault;
    int used;
    enum mt_args_err err;
};

static void parse(struct parsed *p, size_t max_words, const char *const *argv) {
    int argc = 0;
    while (argv[argc])
        argc++;
    *p = (struct parsed){.used = 0};
    mt_flags_add(&p->flags, FLAGS, MT_ARRAY_LEN(FLAGS));
    mt_flags_add_fields(&p->flags, mt_schema_kind(MT_KIND_ACTIVITY), "reason");
    p->err = mt_args_parse(&p->args, &p->flags, argc, (char *const *)argv, max_words, &p->used,
                           &p->fault);
}
#define PARSE(p, ...) parse(p, MT_ARGS_WORDS_MAX + 1, (const char *const[]){__VA_ARGS__, NULL})

static void values_follow_or_stand_after_an_equals_sign(void **state) {
    (void)state;
    struct parsed p;
    PARSE(&p, "a7f3", "--from", "morgen", "--limit=3", "--json", "b");
    assert_int_equal(p.err, MT_ARGS_OK);
    assert_int_equal(p.args.n_words, 2);
    assert_string_equal(p.args.words[1], "b");
    assert_string_equal(mt_args_get(&p.args, "from"), "morgen");
    assert_string_equal(mt_args_get(&p.args, "limit"), "3");
    assert_true(mt_args_has(&p.args, "json"));
    assert_false(mt_args_has(&p.args, "no_input"));
}

static void the_last_value_counts_and_may_be_empty_or_negative(void **state) {
    (void)state;
    struct parsed p;
    PARSE(&p, "--limit=3", "--limit", "-4", "--from=", "--text", "a=b");
    assert_int_equal(p.err, MT_ARGS_OK);
    assert_string_equal(mt_args_get(&p.args, "limit"), "-4");
    assert_string_equal(mt_args_get(&p.args, "from"), "");
    assert_string_equal(mt_args_get(&p.args, "text"), "a=b");
}

static void dutch_names_and_labels_are_the_same_flags(void **state) {
    (void)state;
    static const char *const pairs[][2] = {
        {"vanaf", "from"},
        {"van", "from"},
        {"geen-invoer", "no_input"},
        {"no-input", "no_input"},
        {"no_input", "no_input"},
        {"titel", "title"},
        {"soort", "type"},
        {"vraag-aanbod", "direction"},
        {"Gastheer", "host"},
        {"group-size", "group_size"},
        {"groepsgrootte", "group_size"},
        {"themas", "themes"},
        {"thema", "themes"},
        {"world", "worlds"},
        {"toelichting", "text"},
        {"einddatum", "end_date"},
    };
    struct parsed p;
    PARSE(&p, "x");
    for (size_t i = 0; i < MT_ARRAY_LEN(pairs); i++) {
        const struct mt_flag *f = mt_flags_find(&p.flags, pairs[i][0]);
        assert_non_null(f);
        assert_string_equal(f->name, pairs[i][1]);
    }
    assert_null(mt_flags_find(&p.flags, ""));
    assert_null(mt_flags_find(&p.flags, "reason")); /* skipped */
    assert_null(mt_flags_find(&p.flags, "desk"));   /* set by the daemon */
    assert_null(mt_flags_find(&p.flags, "witnesses"));
}

static void faults_name_the_argument_and_the_nearest_flag(void **state) {
    (void)state;
    static const struct {
        const char *argv[3];
        enum mt_args_err err;
        const char *at, *nearest;
    } cases[] = {
        {{"--jsno"}, MT_ARGS_UNKNOWN, "--jsno", "json"},
        {{"--tietel", "x"}, MT_ARGS_UNKNOWN, "--tietel", "title"},
        {{"--zzzzzzzz"}, MT_ARGS_UNKNOWN, "--zzzzzzzz", NULL},
        {{"-x"}, MT_ARGS_UNKNOWN, "-x", NULL},
        {{"--from"}, MT_ARGS_NO_VALUE, "--from", NULL},
        {{"--from", "--json"}, MT_ARGS_NO_VALUE, "--from", NULL},
        {{"--json=yes"}, MT_ARGS_HAS_VALUE, "--json=yes", NULL},
        {{"\xff"}, MT_ARGS_NOT_TEXT, "\xff", NULL},
        {{"--from", "\xc3"}, MT_ARGS_NOT_TEXT, "--from", NULL},
        {{"--from=\xc3"}, MT_ARGS_NOT_TEXT, "--from=\xc3", NULL},
    };
    for (size_t i = 0; i < MT_ARRAY_LEN(cases); i++) {
        struct parsed p;
        parse(&p, 9, cases[i].argv);
        assert_int_equal(p.err, cases[i].err);
        assert_int_equal(p.fault.what, cases[i].err);
        assert_string_equal(p.fault.at, cases[i].at);
        if (cases[i].nearest)
            assert_string_equal(p.fault.nearest->name, cases[i].nearest);
        else
            assert_null(p.fault.nearest);
    }
}

static void two_dashes_end_the_flags_and_one_is_a_word(void **state) {
    (void)state;
    struct parsed p;
    PARSE(&p, "-", "--", "--json", "-x");
    assert_int_equal(p.err, MT_ARGS_OK);
    assert_int_equal(p.args.n_words, 3);
    assert_string_equal(p.args.words[0], "-");
    assert_string_equal(p.args.words[1], "--json");
    assert_false(mt_args_has(&p.args, "json"));
}

static void reading_stops_after_the_words_asked_for(void **state) {
    (void)state;
    struct parsed p;
    parse(&p, 1, (const char *const[]){"--json", "activity", "list", "--bad", NULL});
    assert_int_equal(p.err, MT_ARGS_OK);
    assert_int_equal(p.used, 2);
    assert_string_equal(p.args.words[0], "activity");
}

static void more_than_the_caps_is_refused(void **state) {
    (void)state;
    const char *argv[MT_ARGS_OPTIONS_MAX + 2] = {NULL};
    struct parsed p;
    for (int i = 0; i < MT_ARGS_OPTIONS_MAX; i++)
        argv[i] = "--json";
    parse(&p, 9, argv);
    assert_int_equal(p.err, MT_ARGS_OK);
    argv[MT_ARGS_OPTIONS_MAX] = "--json";
    parse(&p, 9, argv);
    assert_int_equal(p.err, MT_ARGS_TOO_MANY);
    for (int i = 0; i < MT_ARGS_OPTIONS_MAX; i++)
        argv[i] = "w";
    parse(&p, MT_ARGS_WORDS_MAX + 1, argv);
    assert_int_equal(p.err, MT_ARGS_TOO_MANY);
}

static void commands_are_found_by_dutch_words(void **state) {
    (void)state;
    static const char *const found[][3] = {
        {"activity", "list", "activity list"},       {"activiteiten", "lijst", "activity list"},
        {"leden", "toelaten", "member approve"},     {"uitnodigen", "intrekken", "invite revoke"},
        {"stage", "accepteren", "placement accept"}, {"org", "importeer", "org import"},
    };
    for (size_t i = 0; i < MT_ARRAY_LEN(found); i++) {
        const struct mt_noun *noun = mt_noun_named(found[i][0]);
        assert_non_null(noun);
        const struct mt_command *c = mt_command_of(noun, found[i][1]);
        assert_non_null(c);
        assert_string_equal(c->name, found[i][2]);
    }
    assert_null(mt_noun_named("activit"));
    assert_null(mt_command_of(mt_noun_named("region"), "import"));
    static const char *const alone[][2] = {
        {"menukaart", "menukaart"},  {"vragen", "vragen"},     {"intekenen", "signup add"},
        {"stage", "placement list"}, {"leden", "member list"}, {"uitnodigen", "invite create"},
        {"aansluiten", "join"},      {"antwoord", "answer"},
    };
    for (size_t i = 0; i < MT_ARRAY_LEN(alone); i++)
        assert_string_equal(mt_noun_named(alone[i][0])->fallback, alone[i][1]);
}

static void a_typo_leads_to_the_nearest_command(void **state) {
    (void)state;
    static const char *const typos[][3] = {
        {NULL, "stauts", "status"},           {NULL, "menukart", "menukaart"},
        {NULL, "activty", "activity"},        {NULL, "aansluitn", "join"},
        {"activity", "lst", "activity list"}, {"activity", "ad", "activity add"},
        {"peer", "pign", "peer ping"},        {"leden", "goedkeurn", "member approve"},
    };
    for (size_t i = 0; i < MT_ARRAY_LEN(typos); i++) {
        const struct mt_noun *noun = typos[i][0] ? mt_noun_named(typos[i][0]) : NULL;
        char *near = mt_command_nearest(noun, typos[i][1]);
        assert_non_null(near);
        assert_string_equal(near, typos[i][2]);
        free(near);
    }
    assert_null(mt_command_nearest(NULL, "xyzzy"));
    assert_null(mt_command_nearest(NULL, ""));
}

static void the_table_is_whole(void **state) {
    (void)state;
    size_t n_commands, n_nouns;
    const struct mt_command *commands = mt_commands(&n_commands);
    const struct mt_noun *nouns = mt_nouns(&n_nouns);
    for (size_t i = 0; i < n_nouns; i++) {
        const struct mt_command *c = mt_command_named(nouns[i].fallback);
        assert_non_null(c);
        assert_true(!nouns[i].takes_words || c->max_words > 0 || !strchr(c->name, ' '));
    }
    for (size_t i = 0; i < n_commands; i++) {
        const struct mt_command *c = &commands[i];
        assert_true(c->run && c->summary && c->examples);
        assert_true(c->min_words <= c->max_words && (c->max_words == 0 || c->words));
        char noun[32] = "";
        sscanf(c->name, "%31s", noun);
        assert_non_null(mt_noun_named(noun));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_follow_or_stand_after_an_equals_sign),
        cmocka_unit_test(the_last_value_counts_and_may_be_empty_or_negative),
        cmocka_unit_test(dutch_names_and_labels_are_the_same_flags),
        cmocka_unit_test(faults_name_the_argument_and_the_nearest_flag),
        cmocka_unit_test(two_dashes_end_the_flags_and_one_is_a_word),
        cmocka_unit_test(reading_stops_after_the_words_asked_for),
        cmocka_unit_test(more_than_the_caps_is_refused),
        cmocka_unit_test(commands_are_found_by_dutch_words),
        cmocka_unit_test(a_typo_leads_to_the_nearest_command),
        cmocka_unit_test(the_table_is_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
