/* What people see: safe text, widths, tables, days in words, the choice of language. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "json.h"
#include "lang.h"
#include "table.h"
#include "text.h"
#include "words.h"

#include <stdio.h>
#include <stdlib.h>

static void nothing_in_text_steers_the_terminal(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"Gastles Techniek", "Gastles Techniek"},
        {"Höfte 中 👍🏽", "Höfte 中 👍🏽"},
        {"\x1b[2Jweg", "\\x1b[2Jweg"},
        {"a\rb\b", "a\\x0db\\x08"},
        {"a\r\nb\tc\nd", "a b c d"},
        {"\xc2\x9b"
         "31m",
         "\\x9b31m"}, /* C1 control */
        {"cod\xe2\x80\xae"
         "exe",
         "cod\\u202eexe"},                                /* right-to-left override */
        {"\xe2\x81\xa6x\xe2\x81\xa9", "\\u2066x\\u2069"}, /* isolates */
        {"\xe2\x80\xa8", "\\u2028"},
        {"a\xff"
         "b\xc3",
         "a\\xffb\\xc3"},
        {"", ""},
    };
    for (size_t i = 0; i < MT_ARRAY_LEN(cases); i++) {
        char *safe = mt_text_safe(cases[i][0], false);
        assert_string_equal(safe, cases[i][1]);
        free(safe);
    }
    char *lines = mt_text_safe("a\r\nb\x07\n", true);
    assert_string_equal(lines, "a\nb\\x07\n");
    free(lines);
}

static void no_byte_breaks_the_making_safe(void **state) {
    (void)state;
    for (int c = 1; c < 256; c++) {
        char in[8] = {(char)c, (char)c, (char)c, (char)c, 0};
        char *safe = mt_text_safe(in, false), *fold = mt_text_fold(in),
             *fit = mt_text_shorten(safe, 3);
        assert_true(mt_utf8_valid(mt_slice_str(safe)));
        assert_true(mt_text_width(fit) <= 3);
        free(fit);
        free(fold);
        free(safe);
    }
}

static void text_is_cut_between_letters_and_not_within(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int width;
        const char *fit;
    } cases[] = {
        {"Bliksemstage Zorg", 17, "Bliksemstage Zorg"},
        {"Bliksemstage Zorg", 14, "Bliksemstage…"},
        {"Bliksemstage Zorg", 5, "Blik…"},
        {"Bliksem", 1, "…"},
        {"Bliksem", 0, ""},
        {"中文课程", 8, "中文课程"},
        {"中文课程", 6, "中文…"},
        {"e\xcc\x81"
         "e\xcc\x81"
         "e\xcc\x81"
         "x",
         3,
         "e\xcc\x81"
         "e\xcc\x81…"},
        {"👩‍🔧👩‍🔧👩‍🔧", 5, "👩‍🔧👩‍🔧…"},
    };
    for (size_t i = 0; i < MT_ARRAY_LEN(cases); i++) {
        char *fit = mt_text_shorten(cases[i].text, cases[i].width);
        assert_string_equal(fit, cases[i].fit);
        free(fit);
    }
    assert_int_equal(mt_text_width("e\xcc\x81"
                                   "中x"),
                     4);
}

static void names_fold_to_what_flags_are_called(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"Vraag/Aanbod", "vraag-aanbod"},
        {"Thema's", "themas"},
        {"Één keer", "een-keer"},
        {"  Straal (km) ", "straal-km"},
        {"E-mail", "e-mail"},
        {"", ""},
        {"\xff", ""},
    };
    for (size_t i = 0; i < MT_ARRAY_LEN(cases); i++) {
        char *fold = mt_text_fold(cases[i][0]);
        assert_string_equal(fold, cases[i][1]);
        free(fold);
    }
}

static void distance_counts_edits_and_swaps(void **state) {
    (void)state;
    assert_int_equal(mt_text_distance("status", "status"), 0);
    assert_int_equal(mt_text_distance("stauts", "status"), 1);
    assert_int_equal(mt_text_distance("list", "lst"), 1);
    assert_int_equal(mt_text_distance("", "abc"), 3);
    char long_word[200];
    memset(long_word, 'a', sizeof long_word - 1);
    long_word[sizeof long_word - 1] = '\0';
    assert_true(mt_text_distance(long_word, "aaa") >= 40);
    assert_false(mt_text_close("x", 1));
    assert_true(mt_text_close("stauts", 1));
}

static char *print(struct mt_table *t, int width, bool color) {
    char *text = NULL;
    size_t n;
    FILE *f = open_memstream(&text, &n);
    mt_table_print(t, f, width, color);
    fclose(f);
    mt_table_free(t);
    return text;
}

static const struct mt_column MENU[] = {
    {"ID", 0},
    {"WANNEER", 0},
    {"ACTIVITEIT", MT_COLUMN_FLEX},
    {"BIJ", MT_COLUMN_FLEX},
    {"VRIJ", MT_COLUMN_RIGHT},
};

static void a_table_lines_up_wide_letters(void **state) {
    (void)state;
    mt_lang_use(MT_LANG_EN);
    struct mt_table *t = mt_table_new(MENU, MT_ARRAY_LEN(MENU));
    mt_table_add(t, (const char *const[]){"a7f3", "vr 15 jan 13:00 wk 2", "中文", "Höfte", "4/12"});
    mt_table_add(t, (const char *const[]){"c019", "-", "Gastles", NULL, "1/1"});
    char *text = print(t, 80, false);
    assert_string_equal(text, "ID    WANNEER               ACTIVITEIT  BIJ    VRIJ\n"
                              "a7f3  vr 15 jan 13:00 wk 2  中文        Höfte  4/12\n"
                              "c019  -                     Gastles     -       1/1\n");
    free(text);
}

static void a_table_never_exceeds_its_width(void **state) {
    (void)state;
    mt_lang_use(MT_LANG_NL);
    for (int width = 40; width <= 120; width++) {
        struct mt_table *t = mt_table_new(MENU, MT_ARRAY_LEN(MENU));
        mt_table_add(
            t, (const char *const[]){
                   "a7f3", "vr 15 jan 13:00 wk 2",
                   "Een heel lange titel met 中文字 en e\xcc\x81\xcc\x82 en nog veel meer woorden",
                   "Metaal & Constructie Meppel en Omstreken", "1234/5678"});
        mt_table_add(t, (const char *const[]){"b", "c", "\x1b[31mrood", "d\ne", ""});
        char *text = print(t, width, false);
        int lines = 0;
        for (char *p = text, *line; (line = strsep(&p, "\n")) && p; lines++) {
            assert_true(mt_text_width(line) <= width);
            assert_true(*line == '\0' || line[strlen(line) - 1] != ' ');
        }
        assert_int_equal(lines, 3);
        assert_null(strchr(text, 0x1b));
        free(text);
    }
}

static void wrapping_columns_lose_nothing(void **state) {
    (void)state;
    static const struct mt_column columns[] = {{"RIJ", MT_COLUMN_RIGHT}, {"WAT", MT_COLUMN_WRAP}};
    struct mt_table *t = mt_table_new(columns, 2);
    mt_table_add(t, (const char *const[]){"3", "een twee drie vier vijf zes zeven acht"});
    mt_table_add(t, (const char *const[]){"14", "onafscheidelijkewoordenzonderspaties"});
    char *text = print(t, 20, false);
    assert_string_equal(text, "RIJ  WAT\n"
                              "  3  een twee drie\n"
                              "     vier vijf zes\n"
                              "     zeven acht\n"
                              " 14  onafscheidelijk\n"
                              "     ewoordenzonders\n"
                              "     paties\n");
    free(text);
}

static void titles_are_bold_only_in_colour(void **state) {
    (void)state;
    static const struct mt_column columns[] = {{"A", 0}};
    struct mt_table *t = mt_table_new(columns, 1);
    mt_table_add(t, (const char *const[]){"x"});
    char *text = print(t, 80, true);
    assert_string_equal(text, "\033[1mA\033[0m\nx\n");
    free(text);
}

static void days_have_dutch_and_english_names(void **state) {
    (void)state;
    uint32_t today = mt_day_from_ymd(2026, 11, 21);
    static const struct {
        const char *start, *week, *nl, *en;
    } cases[] = {
        {"2027-01-15T13:00:00+01:00", NULL, "vr 15 jan 13:00 wk 2", "Fri 15 Jan 13:00 wk 2"},
        {"2027-01-20T09:00:00+01:00", "2027-W03", "wo 20 jan 09:00 wk 3", "Wed 20 Jan 09:00 wk 3"},
        {"2027-03-01T00:00:00+01:00", NULL, "ma 1 mrt wk 9", "Mon 1 Mar wk 9"},
        {"2026-10-31", NULL, "za 31 okt wk 44", "Sat 31 Oct wk 44"},
        {"2028-05-02T10:30:00+02:00", NULL, "di 2 mei 2028 10:30", "Tue 2 May 2028 10:30"},
        {NULL, "2026-W48", "wk 48 (23 nov)", "wk 48 (23 Nov)"},
        {NULL, "2026-W60", "2026-W60", "2026-W60"},
        {NULL, NULL, "-", "-"},
        {"onzin", NULL, "onzin", "onzin"},
        {"2027-02-31T10:00:00Z", NULL, "2027-02-31T10:00:00Z", "2027-02-31T10:00:00Z"},
    };
    char out[MT_WORDS_MAX];
    for (size_t i = 0; i < MT_ARRAY_LEN(cases); i++) {
        mt_words_activity(MT_LANG_NL, today, cases[i].start, cases[i].week, out);
        assert_string_equal(out, cases[i].nl);
        mt_words_activity(MT_LANG_EN, today, cases[i].start, cases[i].week, out);
        assert_string_equal(out, cases[i].en);
    }
    mt_words_date(MT_LANG_NL, "2026-08-01", out);
    assert_string_equal(out, "1 aug 2026");
    mt_words_moment(MT_LANG_NL, "2026-11-21T21:05:00Z", out);
    assert_string_equal(out, "21 nov 22:05");
    mt_words_span(MT_LANG_NL, 3 * 86400 + 5, out);
    assert_string_equal(out, "3 d");
    mt_words_span(MT_LANG_NL, 7300, out);
    assert_string_equal(out, "2 u");
    mt_words_span(MT_LANG_EN, 59, out);
    assert_string_equal(out, "59 s");
}

static void moments_are_read_with_their_offset(void **state) {
    (void)state;
    uint64_t at;
    assert_true(mt_words_parse("1970-01-02T00:00:01Z", &at));
    assert_int_equal(at, 86401);
    assert_true(mt_words_parse("2026-11-21T22:00:00.123+01:00", &at));
    assert_int_equal(at, 1795294800);
    static const char *const wrong[] = {"",
                                        "2026-11-21",
                                        "2026-11-21T22:00",
                                        "2026-11-21T25:00:00Z",
                                        "2026-11-21T22:00:00+1",
                                        "2026-11-21T22:00:xxZ"};
    for (size_t i = 0; i < MT_ARRAY_LEN(wrong); i++)
        assert_false(mt_words_parse(wrong[i], &at));
    assert_int_equal(mt_words_today(1795294800), mt_day_from_ymd(2026, 11, 21));
    assert_int_equal(mt_words_today(1795294800 + 2 * 3600), mt_day_from_ymd(2026, 11, 22));
}

static void the_first_variable_that_is_set_decides_the_language(void **state) {
    (void)state;
    static const char *const names[] = {"MEENT_LANG", "LC_ALL", "LC_MESSAGES", "LANG"};
    static const struct {
        const char *flag, *values[4];
        bool ok;
        enum mt_lang lang;
    } cases[] = {
        {NULL, {NULL, NULL, NULL, NULL}, true, MT_LANG_EN},
        {NULL, {NULL, NULL, NULL, "nl_NL.UTF-8"}, true, MT_LANG_NL},
        {NULL, {NULL, NULL, "C", "nl_NL.UTF-8"}, true, MT_LANG_EN},
        {NULL, {NULL, "nl_BE", "en_GB", "de_DE"}, true, MT_LANG_NL},
        {NULL, {NULL, "", "", "nl"}, true, MT_LANG_NL},
        {NULL, {"nl", "en_US.UTF-8", "C", "C"}, true, MT_LANG_NL},
        {NULL, {NULL, "nlx", NULL, NULL}, true, MT_LANG_EN},
        {"en", {"nl", NULL, NULL, NULL}, true, MT_LANG_EN},
        {"nl-NL", {NULL, NULL, NULL, "en"}, true, MT_LANG_NL},
        {"fr", {"nl", NULL, NULL, NULL}, false, MT_LANG_EN},
        {"", {"nl", NULL, NULL, NULL}, false, MT_LANG_EN},
    };
    for (size_t i = 0; i < MT_ARRAY_LEN(cases); i++) {
        for (size_t k = 0; k < 4; k++) {
            if (cases[i].values[k])
                setenv(names[k], cases[i].values[k], 1);
            else
                unsetenv(names[k]);
        }
        enum mt_lang lang;
        assert_int_equal(mt_lang_choose(cases[i].flag, &lang), cases[i].ok);
        assert_int_equal(lang, cases[i].lang);
    }
}

static void values_come_back_from_the_wire(void **state) {
    (void)state;
    static const char *const texts[] = {
        "{\"a\":[1,-2,3.5,true,false,null,\"x\",{}],\"b\":{\"c\":[[]]}}", "[]", "\"é\"", "-1",
        "9223372036854775807"};
    uint8_t buf[256];
    for (size_t i = 0; i < MT_ARRAY_LEN(texts); i++) {
        json_t *before = json_loads(texts[i], JSON_DECODE_ANY, NULL), *after;
        struct mt_writer w = mt_writer(buf, sizeof buf);
        mt_json_write(before, &w);
        assert_int_equal(w.err, MT_OK);
        assert_int_equal(mt_json_read(mt_writer_slice(&w), &after), MT_OK);
        assert_true(json_equal(before, after));
        json_decref(before);
        json_decref(after);
    }
    static const struct {
        const char *bytes;
        size_t n;
        const char *json; /* NULL: refused */
    } wire[] = {
        {"\xc4\x02\x0a\xff", 4, "\"0aff\""},
        {"\xa1", 1, NULL},
        {"\x81\x01\x02", 3, NULL},
        {"\xd4\x01\x02", 3, NULL},
        {"\xcb\x7f\xf0\0\0\0\0\0\0", 9, NULL},
        {"\xc0\xc0", 2, NULL},
        {"\x91\x91\x91\x91\x91\x91\x91\x91\x91\xc0", 10, NULL},
        {"\xdd\xff\xff\xff\xff", 5, NULL},
    };
    for (size_t i = 0; i < MT_ARRAY_LEN(wire); i++) {
        json_t *v;
        enum mt_err err = mt_json_read(mt_slice(wire[i].bytes, wire[i].n), &v);
        assert_int_equal(err == MT_OK, wire[i].json != NULL);
        char *text = wire[i].json ? json_dumps(v, JSON_ENCODE_ANY) : NULL;
        if (text)
            assert_string_equal(text, wire[i].json);
        free(text);
        json_decref(v);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_in_text_steers_the_terminal),
        cmocka_unit_test(no_byte_breaks_the_making_safe),
        cmocka_unit_test(text_is_cut_between_letters_and_not_within),
        cmocka_unit_test(names_fold_to_what_flags_are_called),
        cmocka_unit_test(distance_counts_edits_and_swaps),
        cmocka_unit_test(a_table_lines_up_wide_letters),
        cmocka_unit_test(a_table_never_exceeds_its_width),
        cmocka_unit_test(wrapping_columns_lose_nothing),
        cmocka_unit_test(titles_are_bold_only_in_colour),
        cmocka_unit_test(days_have_dutch_and_english_names),
        cmocka_unit_test(moments_are_read_with_their_offset),
        cmocka_unit_test(the_first_variable_that_is_set_decides_the_language),
        cmocka_unit_test(values_come_back_from_the_wire),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
