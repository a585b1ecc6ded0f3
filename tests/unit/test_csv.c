/* Spreadsheet files: the three real ones, and what files can get wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "csv_import.h"

static const struct mt_text_context today = {.today = 20777}; /* Friday 20 November 2026 */

static struct csv_file load(uint16_t kind, const char *bytes, size_t n) {
    struct csv_file file;
    assert_int_equal(csv_load(&file, mt_schema_kind(kind), mt_slice(bytes, n), &today), MT_OK);
    return file;
}

static struct csv_file load_text(uint16_t kind, const char *text) {
    return load(kind, text, strlen(text));
}

static struct csv_file load_data(uint16_t kind, const char *name) {
    char path[200];
    snprintf(path, sizeof path, "tests/data/%s", name);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    static char bytes[100000];
    size_t n = fread(bytes, 1, sizeof bytes, f);
    assert_true(n > 0 && n < sizeof bytes);
    fclose(f);
    return load(kind, bytes, n);
}

/* The text of one cell, or an empty one. */
static struct mt_slice cell(const struct csv_file *file, size_t row, uint8_t field) {
    assert_true(row < file->n_rows);
    const struct csv_row *r = &file->rows[row];
    for (size_t i = r->first_cell; i < r->first_cell + r->n_cells; i++)
        if (file->cells[i].field == field)
            return mt_slice(file->cells[i].p, file->cells[i].n);
    return mt_slice("", 0);
}

static void cell_is(const struct csv_file *file, size_t row, uint8_t field, const char *want) {
    struct mt_slice s = cell(file, row, field);
    if (!mt_slice_is(s, want))
        fail_msg("row %zu field %u: '%.*s', not '%s'", row, field, (int)s.n, (const char *)s.p,
                 want);
}

struct expected {
    uint32_t row, line;
    const char *column;
    int code;
    const char *value;
};

static void has_problems(const struct csv_file *file, const struct expected *want, size_t n) {
    for (size_t i = 0; i < n && i < file->n_problems; i++) {
        const struct csv_problem *p = &file->problems[i];
        if (p->row != want[i].row || p->line != want[i].line || p->code != want[i].code ||
            !mt_slice_is(p->column, want[i].column) || !mt_slice_is(p->value, want[i].value))
            fail_msg("problem %zu: row %u line %u column %.*s code %d value %.*s", i, p->row,
                     p->line, (int)p->column.n, (const char *)p->column.p, p->code, (int)p->value.n,
                     (const char *)p->value.p);
    }
    assert_int_equal(file->n_problems, n);
    assert_int_equal(file->n_problems_seen, n);
}

#define HAS_PROBLEMS(file, ...)                                                                    \
    do {                                                                                           \
        const struct expected want_[] = {__VA_ARGS__};                                             \
        has_problems(file, want_, MT_ARRAY_LEN(want_));                                            \
    } while (0)

/* ---- the real files ---- */

static void the_coordinators_file_has_60_activities(void **state) {
    (void)state;
    struct csv_file f = load_data(MT_KIND_ACTIVITY, "activiteiten-meppel-2026-2027.csv");
    has_problems(&f, NULL, 0);
    assert_int_equal(f.n_rows, 60);
    assert_int_equal(f.n_bad, 0);
    assert_int_equal(f.n_ignored, 0);
    assert_int_equal(f.encoding, CSV_WINDOWS_1252);
    assert_int_equal(f.delimiter, ';');
    assert_int_equal(f.columns.n, 20);
    assert_int_equal(f.rows[0].row, 2);
    assert_int_equal(f.rows[0].line, 2);
    assert_int_equal(f.rows[2].row, 4);
    assert_int_equal(f.rows[2].line, 5); /* a cell of row 3 has two lines */
    cell_is(&f, 0, MT_ACTIVITY_TITLE, "Werken met hout, circulair bouwen");
    cell_is(&f, 0, MT_ACTIVITY_HOST, "Metaal & Constructie Meppel");
    cell_is(&f, 0, MT_ACTIVITY_WEEK, "2027-W09");
    cell_is(&f, 0, MT_COMMON_TEXT, "Kosten \xe2\x82\xac 0,00; vervoer regelt de school");
    cell_is(&f, 1, MT_ACTIVITY_HOST,
            "Melkveehouderij H\xc3\xb6"
            "fte");
    cell_is(&f, 1, MT_ACTIVITY_DATE, "11-03-2027");
    cell_is(&f, 1, MT_ACTIVITY_CONTACT, "techniekmakelaar");
    cell_is(&f, 1, MT_COMMON_TEXT,
            "Eerste keer? Bel even vooraf.\nWe hebben plek voor \xc3\xa9\xc3\xa9n groep per keer.");
    cell_is(&f, 13, MT_COMMON_TEXT, "Neem mee: werkkleding, \"dichte schoenen\"");
    cell_is(&f, 59, MT_ACTIVITY_TITLE, "Domotica in de zorg");
    csv_close(&f);
}

static void the_schools_of_drenthe_are_organisations(void **state) {
    (void)state;
    struct csv_file f = load_data(MT_KIND_ORG, "duo-vestigingen-vo-drenthe.csv");
    has_problems(&f, NULL, 0);
    assert_int_equal(f.n_rows, 26);
    assert_int_equal(f.encoding, CSV_UTF8);
    cell_is(&f, 0, MT_ORG_NAME, "School voor Praktijkonderwijs Assen");
    cell_is(&f, 0, MT_ORG_KIND, "pro");
    cell_is(&f, 0, MT_ORG_IDENTIFIERS, "brin:18BR|brin-vestiging:18BR00");
    cell_is(&f, 0, MT_ORG_PLACE, "Assen");
    cell_is(&f, 0, MT_ORG_ADDRESS, "Zwartwatersweg 202");
    cell_is(&f, 0, MT_ORG_POSTCODE, "9406 NN");
    cell_is(&f, 0, MT_ORG_PHONE, "0592340973");
    cell_is(&f, 0, MT_ORG_WEBSITE, "www.pro-assen.nl");
    cell_is(&f, 0, MT_ORG_HOLIDAY_REGION, "Noord");
    cell_is(&f, 1, MT_ORG_KIND, "vo");
    cell_is(&f, 2, MT_ORG_KIND, "vmbo");
    cell_is(&f, 3, MT_ORG_MUNICIPALITY, "Midden-Drenthe");
    cell_is(&f, 4, MT_ORG_WEBSITE, "");
    cell_is(&f, 5, MT_ORG_MUNICIPALITY, "Aa en Hunze");
    cell_is(&f, 23, MT_ORG_KIND, "vmbo"); /* VBO/MAVO/HAVO/VWO/PRO */
    size_t kinds[3] = {0};
    for (size_t i = 0; i < f.n_rows; i++) {
        struct mt_slice kind = cell(&f, i, MT_ORG_KIND);
        kinds[0] += mt_slice_is(kind, "vmbo");
        kinds[1] += mt_slice_is(kind, "pro");
        kinds[2] += mt_slice_is(kind, "vo");
    }
    assert_int_equal(kinds[0], 22);
    assert_int_equal(kinds[1], 3);
    assert_int_equal(kinds[2], 1);
    assert_true(f.n_ignored > 10);
    csv_close(&f);
}

static void every_wrong_row_is_told_with_its_column(void **state) {
    (void)state;
    struct csv_file f = load_data(MT_KIND_ACTIVITY, "activiteiten-met-fouten.csv");
    HAS_PROBLEMS(&f, {3, 3, "Datum", MT_TEXT_NOT_DATE, "31-02-2027"},
                 {4, 5, "Capaciteit", MT_TEXT_TOO_SMALL, "-3"},
                 {5, 6, "Soort", MT_TEXT_NOT_WORD, "Gastlezzen"},
                 {6, 7, "Vraag/Aanbod", MT_TEXT_NOT_WORD, "misschien"},
                 {7, 8, "Van", MT_TEXT_NOT_CLOCK, "25:61"}, {8, 9, "Titel", MT_TEXT_MISSING, ""},
                 {9, 10, "Werelden", MT_TEXT_NOT_WORD, "Ruimtevaart"},
                 {11, 13, "Capaciteit", MT_TEXT_TOO_LARGE, "999999999999999999999"},
                 {12, 14, "Profielen", CSV_SHORT_ROW, ""});
    assert_int_equal(f.n_rows, 12);
    assert_int_equal(f.n_bad, 9);
    for (size_t i = 0; i < f.n_rows; i++) {
        uint32_t row = f.rows[i].row;
        assert_int_equal(f.rows[i].bad, row != 2 && row != 10 && row != 13);
    }
    cell_is(&f, 8, MT_ACTIVITY_TITLE, "=HYPERLINK(\"http://example.org\";\"klik\")");
    csv_close(&f);
}

/* ---- encodings and delimiters ---- */

#define ORGS "naam;soort\nCaf\xc3\xa9;company\n"

static void loads_as(const char *bytes, size_t n, enum csv_encoding encoding, char delimiter,
                     const char *name) {
    struct csv_file f = load(MT_KIND_ORG, bytes, n);
    has_problems(&f, NULL, 0);
    assert_int_equal(f.encoding, encoding);
    assert_int_equal(f.delimiter, delimiter);
    assert_int_equal(f.n_rows, 1);
    cell_is(&f, 0, MT_ORG_NAME, name);
    csv_close(&f);
}

#define LOADS_AS(bytes, encoding, delimiter, name)                                                 \
    loads_as(bytes, sizeof bytes - 1, encoding, delimiter, name)

static void encodings_and_delimiters_are_found(void **state) {
    (void)state;
    LOADS_AS(ORGS, CSV_UTF8, ';', "Caf\xc3\xa9");
    LOADS_AS("\xef\xbb\xbf" ORGS, CSV_UTF8, ';', "Caf\xc3\xa9");
    LOADS_AS("naam;soort\nCaf\xe9 \x80\x92s;company", CSV_WINDOWS_1252, ';',
             "Caf\xc3\xa9 \xe2\x82\xac\xe2\x80\x99s");
    LOADS_AS("naam,soort\r\n\"a, b;c\",company\r\n", CSV_UTF8, ',', "a, b;c");
    LOADS_AS("naam\tsoort\nX Y\tcompany\n", CSV_UTF8, '\t', "X Y");
    LOADS_AS("sep=,\nnaam,soort\nX,company\n", CSV_UTF8, ',', "X");
    LOADS_AS("naam;soort\rX;company\r", CSV_UTF8, ';', "X");
    LOADS_AS("\xff\xfen\0a\0a\0m\0;\0s\0o\0o\0r\0t\0\n\0\xe9\0=\xd8\x00\xde;\0v\0m\0b\0o\0",
             CSV_UTF16LE, ';', "\xc3\xa9\xf0\x9f\x98\x80");
    LOADS_AS("\xfe\xff\0n\0a\0a\0m\0;\0s\0o\0o\0r\0t\0\n\0X\0;\0v\0m\0b\0o", CSV_UTF16BE, ';', "X");
}

static void bytes_that_are_no_text_are_told(void **state) {
    (void)state;
    struct csv_file f = load_text(MT_KIND_ORG, "\xef\xbb\xbfnaam;soort\n\xff;pro\na\x01;pro\n");
    HAS_PROBLEMS(&f, {2, 2, "naam", MT_TEXT_NOT_TEXT, "\xff"},
                 {3, 3, "naam", MT_TEXT_NOT_TEXT, "a\x01"});
    csv_close(&f);
    f = load_text(MT_KIND_ORG, "naam;soort\n\x81\xe9;pro\n");
    HAS_PROBLEMS(&f, {2, 2, "naam", MT_TEXT_NOT_TEXT, "\xc2\x81\xc3\xa9"});
    csv_close(&f);
}

/* ---- headings ---- */

static void headings_are_names_or_labels_in_any_case(void **state) {
    (void)state;
    struct csv_file f = load_text(
        MT_KIND_ACTIVITY, "ID;TITLE;soort;Direction;gastheer;start;Leerjaar;Kleur;external\n"
                          "a7f3;T;Guest lesson;Request;02VA00;9.00;3;rood;x-1\n");
    has_problems(&f, NULL, 0);
    assert_int_equal(f.n_ignored, 1);
    assert_true(mt_slice_is(f.ignored[0], "Kleur"));
    assert_true(mt_slice_is(f.rows[0].id, "a7f3"));
    assert_int_equal(f.rows[0].n_cells, 7);
    cell_is(&f, 0, MT_ACTIVITY_START, "9.00");
    cell_is(&f, 0, MT_COMMON_EXTERNAL, "x-1");
    assert_true(f.columns.filled >> MT_ACTIVITY_YEAR & 1);
    assert_false(f.columns.filled >> MT_ACTIVITY_DATE & 1);
    csv_close(&f);
}

static void a_column_that_is_needed_or_there_twice_is_told(void **state) {
    (void)state;
    struct csv_file f = load_text(MT_KIND_ORG, "plaats;Place\nX;Y\n");
    HAS_PROBLEMS(&f, {1, 1, "Place", CSV_TWICE, ""}, {1, 1, "", CSV_NO_COLUMN, ""},
                 {1, 1, "", CSV_NO_COLUMN, ""});
    assert_int_equal(f.n_rows, 0);
    assert_string_equal(f.problems[1].field->name, "name");
    assert_string_equal(f.problems[2].field->name, "kind");
    csv_close(&f);
    f = load_text(MT_KIND_ORG, "id;plaats\nabcd;X\n"); /* changes records that are there */
    has_problems(&f, NULL, 0);
    csv_close(&f);
    f = load_text(MT_KIND_ORG,
                  "naam;soort;member\nX;pro;00\n"); /* what the daemon sets stays its */
    has_problems(&f, NULL, 0);
    assert_int_equal(f.n_ignored, 1);
    csv_close(&f);
}

static void an_empty_file_is_told(void **state) {
    (void)state;
    static const char *const empty[] = {"", "\n\n", "\xef\xbb\xbf", "  \r\n"};
    for (size_t i = 0; i < MT_ARRAY_LEN(empty); i++) {
        struct csv_file f = load_text(MT_KIND_ORG, empty[i]);
        HAS_PROBLEMS(&f, {1, 1, "", CSV_EMPTY, ""});
        csv_close(&f);
    }
    struct csv_file f = load_text(MT_KIND_ORG, "naam;soort\n");
    has_problems(&f, NULL, 0);
    assert_int_equal(f.n_rows, 0);
    csv_close(&f);
}

static void columns_have_a_cap(void **state) {
    (void)state;
    char text[2 * CSV_COLUMNS_MAX + 40];
    strcpy(text, "naam;soort");
    for (int i = 2; i < CSV_COLUMNS_MAX; i++)
        strcat(text, ";x");
    struct csv_file f = load_text(MT_KIND_ORG, text);
    has_problems(&f, NULL, 0);
    csv_close(&f);
    strcat(text, ";x");
    f = load_text(MT_KIND_ORG, text);
    HAS_PROBLEMS(&f, {1, 1, "", CSV_TOO_MANY_COLUMNS, ""});
    csv_close(&f);
}

/* ---- rows ---- */

static void identifiers_come_from_several_columns(void **state) {
    (void)state;
    struct csv_file f = load_text(MT_KIND_ORG, "naam;soort;KvK-nummer;identifiers;rsin\n"
                                               "X;bedrijf;01234567;rio:1;\n"
                                               "Y;bedrijf;123;;123456789\n");
    HAS_PROBLEMS(&f, {3, 3, "KvK-nummer", MT_TEXT_NOT_IDENT, "123"});
    cell_is(&f, 0, MT_ORG_IDENTIFIERS, "kvk:01234567|rio:1");
    csv_close(&f);
}

static void rows_are_counted_as_the_spreadsheet_does(void **state) {
    (void)state;
    struct csv_file f =
        load_text(MT_KIND_ORG, "naam;soort;tekst\n\nA;pro;\"x\ny\n\"\n;;\n  \nB;pro;\n");
    has_problems(&f, NULL, 0);
    assert_int_equal(f.n_rows, 2);
    assert_int_equal(f.rows[0].row, 3);
    assert_int_equal(f.rows[0].line, 3);
    assert_int_equal(f.rows[1].row, 6);
    assert_int_equal(f.rows[1].line, 8);
    csv_close(&f);
}

static void short_and_long_rows_are_told(void **state) {
    (void)state;
    struct csv_file f = load_text(MT_KIND_ORG, "naam;soort;plaats\nA;pro\nB;pro;;;\nC;pro;X;Y;Z\n");
    HAS_PROBLEMS(&f, {2, 2, "plaats", CSV_SHORT_ROW, ""}, {4, 4, "", CSV_LONG_ROW, "Y"});
    assert_int_equal(f.n_rows, 3);
    assert_int_equal(f.n_bad, 2);
    csv_close(&f);
}

static void all_wrong_cells_of_a_row_are_told(void **state) {
    (void)state;
    struct csv_file f = load_text(MT_KIND_PERIOD, "titel;soort;vanaf;tot\n;x;31-2-2027;\n"
                                                  "T;toetsweek;2-2-2027;1-2-2027\n");
    HAS_PROBLEMS(&f, {2, 2, "titel", MT_TEXT_MISSING, ""}, {2, 2, "soort", MT_TEXT_NOT_WORD, "x"},
                 {2, 2, "vanaf", MT_TEXT_NOT_DATE, "31-2-2027"}, {2, 2, "tot", MT_TEXT_MISSING, ""},
                 {3, 3, "tot", MT_TEXT_ORDER, "1-2-2027"});
    assert_int_equal(f.n_bad, 2);
    csv_close(&f);
}

/* Unless rows name records, which have their start perhaps. */
static void an_end_needs_its_start(void **state) {
    (void)state;
    struct csv_file f = load_text(
        MT_KIND_ACTIVITY, "titel;soort;richting;gastheer;datum;einddatum;week;eindweek\n"
                          "T;gastles;aanbod;Wavin;;2-2-2027;;\nT;gastles;aanbod;Wavin;;;;2027-W05\n"
                          "T;gastles;aanbod;Wavin;1-2-2027;2-2-2027;;\n");
    HAS_PROBLEMS(&f, {2, 2, "einddatum", MT_TEXT_NO_START, "2-2-2027"},
                 {3, 3, "eindweek", MT_TEXT_NO_START, "2027-W05"});
    csv_close(&f);
    f = load_text(MT_KIND_ACTIVITY, "id;einddatum\n00000000000000000000000000000001;2-2-2027\n");
    assert_int_equal(f.n_bad, 0);
    csv_close(&f);
}

static void quotes_inside_plain_cells_are_letters(void **state) {
    (void)state;
    struct csv_file f =
        load_text(MT_KIND_ORG, "naam;soort\n4\" pijp;pro\nA \"B\";pro\n\"C \"\"D\"\"\";pro\n");
    has_problems(&f, NULL, 0);
    cell_is(&f, 0, MT_ORG_NAME, "4\" pijp");
    cell_is(&f, 1, MT_ORG_NAME, "A \"B\"");
    cell_is(&f, 2, MT_ORG_NAME, "C \"D\"");
    csv_close(&f);
}

static void a_wrong_quote_does_not_hide_the_rows_below(void **state) {
    (void)state;
    struct csv_file f = load_text(MT_KIND_ORG, "naam;soort\nA;pro\nB;\"pro\nC;pro\nD;pro\n");
    HAS_PROBLEMS(&f, {3, 3, "soort", CSV_BAD_QUOTE, ""});
    assert_int_equal(f.n_rows, 3);
    assert_int_equal(f.rows[2].row, 5);
    assert_int_equal(f.rows[2].line, 5);
    csv_close(&f);
    f = load_text(MT_KIND_ORG, "naam;soort\n\"A\"x;pro\nB;x\n");
    HAS_PROBLEMS(&f, {2, 2, "naam", CSV_BAD_QUOTE, ""}, {3, 3, "soort", MT_TEXT_NOT_WORD, "x"});
    csv_close(&f);
    f = load_text(MT_KIND_ORG, "naam;\"soort\nA;pro\n");
    HAS_PROBLEMS(&f, {1, 1, "", CSV_BAD_QUOTE, ""});
    csv_close(&f);
}

static void problems_quote_cells_shortened_at_a_letter(void **state) {
    (void)state;
    char text[200] = "naam;soort\nA;";
    for (int i = 0; i < 40; i++)
        strcat(text, i ? "\xc3\xa9" : "x");
    struct csv_file f = load_text(MT_KIND_ORG, text);
    assert_int_equal(f.n_problems, 1);
    assert_int_equal(f.problems[0].value.n, CSV_VALUE_MAX - 1);
    csv_close(&f);
}

static void problems_beyond_the_cap_are_counted(void **state) {
    (void)state;
    size_t n = CSV_PROBLEMS_MAX + 5;
    char *text = malloc(20 + n * 4);
    assert_non_null(text);
    size_t at = (size_t)sprintf(text, "naam;soort\n");
    for (size_t i = 0; i < n; i++)
        at += (size_t)sprintf(text + at, "A;x\n");
    struct csv_file f = load(MT_KIND_ORG, text, at);
    free(text);
    assert_int_equal(f.n_problems, CSV_PROBLEMS_MAX);
    assert_int_equal(f.n_problems_seen, n);
    assert_int_equal(f.n_bad, n);
    csv_close(&f);
}

/* Street and number make one field. Together they may be longer than what they are put together in;
 * the field is too long then, not absent. */
static void parts_too_long_together_are_told(void **state) {
    (void)state;
    enum { STREET = 600000 };
    static const char HEAD[] = "naam;soort;straat;huisnummer\nTerra;vmbo;";
    char *text = malloc(sizeof HEAD + STREET + 8);
    assert_non_null(text);
    memcpy(text, HEAD, sizeof HEAD - 1);
    memset(text + sizeof HEAD - 1, 'a', STREET);
    memcpy(text + sizeof HEAD - 1 + STREET, ";12\n", 5);
    struct csv_file file = load_text(MT_KIND_ORG, text);
    free(text);
    assert_int_equal(file.n_rows, 1);
    assert_true(file.rows[0].bad);
    assert_int_equal(file.problems[0].code, MT_TEXT_TOO_LONG);
    csv_close(&file);
}

static void any_bytes_are_read_without_harm(void **state) {
    (void)state;
    static const char letters[] = "\";,\n\r=ab|\xc3\xa9\xff 1";
    uint32_t seed = 7;
    for (int round = 0; round < 3000; round++) {
        char bytes[160] = "naam;soort;datum\n";
        size_t n = 17 + seed % 140;
        for (size_t i = round % 2 ? 17 : 0; i < n; i++) {
            seed = seed * 1664525 + 1013904223;
            bytes[i] = letters[(seed >> 16) % (sizeof letters - 1)];
        }
        struct csv_file f = load(MT_KIND_ORG, bytes, n);
        assert_true(f.n_rows < n && f.n_bad <= f.n_problems_seen);
        csv_close(&f);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_coordinators_file_has_60_activities),
        cmocka_unit_test(the_schools_of_drenthe_are_organisations),
        cmocka_unit_test(every_wrong_row_is_told_with_its_column),
        cmocka_unit_test(encodings_and_delimiters_are_found),
        cmocka_unit_test(bytes_that_are_no_text_are_told),
        cmocka_unit_test(headings_are_names_or_labels_in_any_case),
        cmocka_unit_test(a_column_that_is_needed_or_there_twice_is_told),
        cmocka_unit_test(an_empty_file_is_told),
        cmocka_unit_test(columns_have_a_cap),
        cmocka_unit_test(identifiers_come_from_several_columns),
        cmocka_unit_test(rows_are_counted_as_the_spreadsheet_does),
        cmocka_unit_test(short_and_long_rows_are_told),
        cmocka_unit_test(all_wrong_cells_of_a_row_are_told),
        cmocka_unit_test(an_end_needs_its_start),
        cmocka_unit_test(quotes_inside_plain_cells_are_letters),
        cmocka_unit_test(a_wrong_quote_does_not_hide_the_rows_below),
        cmocka_unit_test(problems_quote_cells_shortened_at_a_letter),
        cmocka_unit_test(problems_beyond_the_cap_are_counted),
        cmocka_unit_test(parts_too_long_together_are_told),
        cmocka_unit_test(any_bytes_are_read_without_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
