/* csv_write: cells of a file that spreadsheets open. */
#ifndef MEENT_CSV_WRITE_H
#define MEENT_CSV_WRITE_H

#include "types.h"

#include <stdio.h>

/* Writes one cell, quoted where it must be. A cell that a spreadsheet would run as a formula (it
 * starts with = + - @, tab or CR) gets an apostrophe in front, which the import takes off again. */
void csv_write_cell(FILE *out, struct mt_slice text, char delimiter);

/* Ends a row with CRLF, as spreadsheets do. */
void csv_write_end(FILE *out);

/* True when `text` needs that apostrophe. */
bool csv_is_formula(struct mt_slice text);

#endif
