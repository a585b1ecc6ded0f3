/* import_rows: rows of a checked file as parameters of a call, and its problems in words. */
#ifndef MEENT_IMPORT_ROWS_H
#define MEENT_IMPORT_ROWS_H

#include "cli.h"
#include "csv_import.h"

/* Rows of one call: the good ones from place `first` to `end` of the file. */
struct mt_import_chunk {
    size_t first, end, n;
};

/* The next chunk: at most `max` rows in `max_bytes` bytes, but at least one. n 0: there is none. */
struct mt_import_chunk mt_import_next(const struct csv_file *file, size_t first, size_t max,
                                      size_t max_bytes);

/* Puts the rows as {field: text}; empty cells say nothing and are left out. */
void mt_import_put(const struct csv_file *file, const struct mt_import_chunk *chunk,
                   struct mt_writer *w);

/* Row of the file, as a spreadsheet counts, of row `n` (from 1) of a chunk; 0 when it has none. */
uint32_t mt_import_row(const struct csv_file *file, const struct mt_import_chunk *chunk, size_t n);

/* The stable code and the sentence of a problem. The sentence is owned by the caller. */
const char *mt_import_code(const struct csv_problem *problem);
char *mt_import_sentence(const struct mt_cli *cli, const struct csv_problem *problem);

/* Ends an import with its problems: nothing was applied. */
enum mt_exit mt_import_problems(struct mt_cli *cli, const struct csv_file *file);

/* Tells people of the rows and columns that are left out. */
void mt_import_warn(struct mt_cli *cli, const struct csv_file *file);

/* The same for --json, when nothing failed: rows are added to the result, as "skipped" and "rows" when
 * there are any; columns are one line on standard error, for the shape of the result is fixed. */
void mt_import_left_out(struct mt_cli *cli, const struct csv_file *file, json_t *result);

#endif
