/* Cells written for spreadsheets, and what columns make of cells. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "csv_import.h"
#include "csv_write.h"

static void written_as(const char *text, char delimiter, const char *want) {
    char *out = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&out, &n);
    assert_non_null(f);
    csv_write_cell(f, mt_slice_str(text), delimiter);
    csv_write_end(f);
    fclose(f);
    assert_int_equal(n, strlen(want) + 2);
    assert_memory_equal(out, want, n - 2);
    assert_memory_equal(out + n - 2, "\r\n", 2);
    free(out);
}

static void cells_are_quoted_and_guarded(void **state) {
    (void)state;
    written_as("", ';', "");
    written_as("a,b", ';', "a,b");
    written_as("a,b", ',', "\"a,b\"");
    written_as("a \"b\"", ';', "\"a \"\"b\"\"\"");
    written_as("a\nb", ';', "\"a\nb\"");
    written_as(" a", ';', "\" a\"");
    written_as("=1+1", ';', "'=1+1");
    written_as("+31 6", ';', "'+31 6");
    written_as("-3", ';', "'-3");
    written_as("@x;y", ';', "\"'@x;y\"");
    written_as("'t Haantje", ';', "'t Haantje");
    written_as("'=x", ';', "''=x");
}

static void what_is_written_is_read_back(void **state) {
    (void)state;
    static const char *const names[] = {"=HYPERLINK(\"x\";\"y\")",
                                        "'t Haantje",
                                        "'=x",
                                        "@a",
                                        "-a",
                                        "+a",
                                        "a;b",
                                        "\"a\"",
                                        "a|b, c",
                                        "Caf\xc3\xa9",
                                        "''-"};
    char *out = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&out, &n);
    assert_non_null(f);
    fputs("name;kind\r\n", f);
    for (size_t i = 0; i < MT_ARRAY_LEN(names); i++) {
        csv_write_cell(f, mt_slice_str(names[i]), ';');
        fputs(";pro", f);
        csv_write_end(f);
    }
    fclose(f);
    struct csv_file file;
    struct mt_text_context ctx = {.today = 0};
    assert_int_equal(csv_load(&file, mt_schema_kind(MT_KIND_ORG), mt_slice(out, n), &ctx), MT_OK);
    free(out);
    assert_int_equal(file.n_problems, 0);
    assert_int_equal(file.n_rows, MT_ARRAY_LEN(names));
    for (size_t i = 0; i < MT_ARRAY_LEN(names); i++) {
        const struct csv_cell *c = &file.cells[file.rows[i].first_cell];
        assert_int_equal(c->field, MT_ORG_NAME);
        assert_true(mt_slice_is(mt_slice(c->p, c->n), names[i]));
    }
    csv_close(&file);
}

static void towns_in_capitals_are_written_as_names(void **state) {
    (void)state;
    static const struct {
        const char *in, *out;
    } towns[] = {
        {"ASSEN", "Assen"},
        {"'T HAANTJE", "'t Haantje"},
        {"'S-GRAVENHAGE", "'s-Gravenhage"},
        {"IJSSELMUIDEN", "IJsselmuiden"},
        {"AA EN HUNZE", "Aa en Hunze"},
        {"DE WIJK", "De Wijk"},
        {"BERGEN OP ZOOM", "Bergen op Zoom"},
        {"Nieuw-Balinge", "Nieuw-Balinge"},
        {"S\xc3\x9a"
         "DWEST",
         "S\xc3\xba"
         "dwest"},
        {"COEVORDEN/DALEN", "Coevorden/Dalen"},
    };
    for (size_t i = 0; i < MT_ARRAY_LEN(towns); i++) {
        uint8_t buf[64];
        struct mt_writer w = mt_writer(buf, sizeof buf);
        struct csv_source town = {.rule = CSV_TOWN};
        csv_column_put(&town, mt_slice_str(towns[i].in), &w);
        if (!mt_slice_is(mt_writer_slice(&w), towns[i].out))
            fail_msg("%.*s", (int)w.n, (const char *)buf);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_are_quoted_and_guarded),
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(towns_in_capitals_are_written_as_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
