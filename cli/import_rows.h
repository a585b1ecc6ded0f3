/* import_rows: rows of a checked file as parameters of a call, and its problems in words. */
#ifndef MEENT_IMPORT_ROWS_H
#define MEENT_IMPORT_ROWS_H

#include "cli.h"
#include "csv_import.h"

/* One row as {field: text}; empty cells say nothing and are left out. Owns: the caller. */
json_t *mt_import_row(const struct csv_file *file, const struct csv_row *row);

/* Bytes that row takes in a message, rounded up. */
size_t mt_import_size(const struct csv_file *file, const struct csv_row *row);

/* The stable code and the sentence of a problem. The sentence is owned by the caller. */
const char *mt_import_code(const struct csv_problem *problem);
char *mt_import_sentence(const struct mt_cli *cli, const struct csv_problem *problem);

/* Ends an import with its problems: nothing was applied. */
enum mt_exit mt_import_problems(struct mt_cli *cli, const struct csv_file *file);

/* Prints the problems of rows that are left out. */
void mt_import_warn(struct mt_cli *cli, const struct csv_file *file);

#endif
