/* table: rows in columns no wider than the terminal. */
#ifndef MEENT_TABLE_H
#define MEENT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum mt_column_flags {
    MT_COLUMN_RIGHT = 1, /* to the right */
    MT_COLUMN_FLEX = 2,  /* cut short when the table is too wide */
    MT_COLUMN_YIELD = 8, /* with FLEX: gives way before other columns do */
    MT_COLUMN_WRAP = 4,  /* continued on further lines when the table is too wide */
};

struct mt_column {
    const char *title; /* translated, borrowed */
    int flags;
};

struct mt_table;

/* Starts a table. Owns: the caller, with mt_table_free. */
struct mt_table *mt_table_new(const struct mt_column *columns, size_t n);

/* Adds a row of as many cells as there are columns. NULL is shown as "-". Text is copied and made
 * safe for a terminal. */
void mt_table_add(struct mt_table *t, const char *const *cells);

/* Prints the table within `width` columns, its titles bold when `color`. */
void mt_table_print(const struct mt_table *t, FILE *out, int width, bool color);

size_t mt_table_rows(const struct mt_table *t);
void mt_table_free(struct mt_table *t);

#endif
