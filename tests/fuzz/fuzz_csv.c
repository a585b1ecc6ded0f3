/* Any file as a spreadsheet of some kind of record. Accepted cells lie in the file's own memory and
 * in their order, a row is not both wrong and without a problem, and what is accepted is written as
 * a cell that reads back. The first byte chooses the kind. */
#include "csv_import.h"
#include "csv_write.h"
#include "fuzz.h"

#include <stdlib.h>

static void rows(const struct csv_file *file) {
    size_t bad = 0, cells = 0;
    for (size_t i = 0; i < file->n_rows; i++) {
        const struct csv_row *row = &file->rows[i];
        NEED(row->row >= 2 && row->line >= 1 && (!i || row->row > row[-1].row));
        NEED(row->first_cell == cells || row->bad);
        NEED(row->first_cell + row->n_cells <= file->n_cells);
        bad += row->bad;
        cells = row->first_cell + row->n_cells;
        for (size_t k = 0; k < row->n_cells; k++) {
            const struct csv_cell *cell = &file->cells[row->first_cell + k];
            NEED(cell->n && mt_schema_field(file->kind, cell->field));
            NEED(file->columns.filled >> cell->field & 1);
            NEED(!k || cell[-1].field < cell->field);
            NEED(mt_utf8_valid(mt_slice(cell->p, cell->n)));
        }
    }
    NEED(bad <= file->n_bad && (!file->n_bad || file->n_problems));
}

static void problems(const struct csv_file *file) {
    NEED(file->n_problems <= CSV_PROBLEMS_MAX && file->n_problems <= file->n_problems_seen);
    NEED(file->n_rows || file->n_problems || file->headings);
    for (size_t i = 0; i < file->n_problems; i++) {
        const struct csv_problem *p = &file->problems[i];
        NEED(p->code && p->line && p->row && p->value.n <= CSV_VALUE_MAX + 4);
        /* A file with the mark of UTF-8 is taken at its word: what is none is quoted as it is. */
        NEED(file->encoding == CSV_UTF8 || mt_utf8_valid(p->value) ||
             memchr(p->value.p, 0, p->value.n));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const struct mt_text_context today = {.today = 20000};
    static const uint8_t KINDS[] = {MT_KIND_ACTIVITY, MT_KIND_ORG, MT_KIND_STAGEPLEK,
                                    MT_KIND_CONTACT, MT_KIND_PLACEMENT};
    struct fuzz f = fuzz_of(data, size);
    struct csv_file file;
    const struct mt_kind *kind = mt_schema_kind(KINDS[fuzz_u8(&f) % sizeof KINDS]);
    NEED(kind != NULL);
    NEED(csv_load(&file, kind, fuzz_rest(&f), &today) == MT_OK);
    rows(&file);
    problems(&file);
    csv_close(&file);
    return 0;
}
