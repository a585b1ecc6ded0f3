/* csv_import: a spreadsheet file as rows of checked field values.
 *
 * Headings are names or labels of fields, Dutch or English, in any case. Every wrong cell is
 * collected with its row as the spreadsheet counts (heading = 1) and its physical line. What cells
 * name (a host by its name or number) stays text: only the daemon can resolve it. */
#ifndef MEENT_CSV_IMPORT_H
#define MEENT_CSV_IMPORT_H

#include "csv_column.h"
#include "csv_pool.h"
#include "csv_text.h"
#include "schema.h"

#define CSV_FILE_MAX (64u * 1024 * 1024) /* bytes of a file; the caller checks before it reads */

enum {
    CSV_ROWS_MAX = 1000000,
    CSV_PROBLEMS_MAX = 10000, /* more are counted, not kept */
    CSV_VALUE_MAX = 64,       /* bytes of a wrong cell that a problem quotes */
};

/* Why a row or a file is wrong when no single cell's text is (enum mt_text_err has those). */
enum csv_problem_code {
    CSV_SHORT_ROW = 100, /* the row ends before this column */
    CSV_LONG_ROW,        /* a cell stands behind the last column */
    CSV_BAD_QUOTE,       /* a quoted cell does not end, or text follows its end */
    CSV_NO_COLUMN,       /* no column fills a required field */
    CSV_TWICE,           /* two columns fill one field */
    CSV_EMPTY,           /* there is no row at all */
    CSV_TOO_MANY_ROWS,
    CSV_TOO_MANY_COLUMNS,
};

struct csv_problem {
    uint32_t row, line;
    int code;                     /* enum mt_text_err or enum csv_problem_code */
    struct mt_slice column;       /* heading as the file has it; empty when none is at fault */
    const struct mt_field *field; /* NULL when none is at fault */
    struct mt_slice value;        /* the cell, shortened; empty when there is none */
};

struct csv_cell {
    const uint8_t *p;
    uint32_t n;
    uint8_t field; /* number */
};

struct csv_row {
    uint32_t row, line;
    struct mt_slice id;  /* of the column "id"; empty when there is none */
    uint32_t first_cell; /* in `cells`; by field number, empty cells left out */
    uint16_t n_cells;
    bool bad; /* has a problem: left out of an import that is partial */
};

/* Everything is owned by the file and lives until csv_close. */
struct csv_file {
    const struct mt_kind *kind;
    enum csv_encoding encoding;
    char delimiter;
    struct csv_columns columns; /* columns.filled: a field there and absent in a row is empty */
    struct mt_slice *headings;  /* `columns.n` of them */
    struct mt_slice *ignored;   /* headings that no field has */
    size_t n_ignored;
    struct csv_row *rows; /* bad ones too */
    size_t n_rows, n_bad;
    struct csv_cell *cells;
    size_t n_cells;
    struct csv_problem *problems;
    size_t n_problems;      /* kept */
    size_t n_problems_seen; /* in all */
    struct csv_pool pool;
    size_t rows_cap, cells_cap, problems_cap;
};

/* Reads the whole file. Problems of the heading row leave it without rows.
 * In: `ctx->today` for relative dates.
 * Owns: `out`, which csv_close frees, also after an error; `bytes` is no longer needed.
 * Errors: MT_ENOMEM. A wrong file is no error but has problems. */
MT_MUST enum mt_err csv_load(struct csv_file *out, const struct mt_kind *kind,
                             struct mt_slice bytes, const struct mt_text_context *ctx);

void csv_close(struct csv_file *file);

#endif
