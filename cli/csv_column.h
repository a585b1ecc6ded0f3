/* csv_column: which column of a file fills which field, and how. */
#ifndef MEENT_CSV_COLUMN_H
#define MEENT_CSV_COLUMN_H

#include "schema.h"

enum { CSV_COLUMNS_MAX = 256, CSV_SOURCES_MAX = 8 };

/* What is done with a cell before it is a value of the field. */
enum csv_rule {
    CSV_AS_IT_IS,
    CSV_IDENTIFIER, /* the heading says the register of the number */
    CSV_TOWN,       /* ASSEN becomes Assen */
    CSV_STRUCTURE,  /* kinds of education at a school location, as DUO lists them */
};

struct csv_source {
    uint16_t column;
    enum csv_rule rule;
    const char *scheme; /* of CSV_IDENTIFIER */
};

/* A field and the columns that fill it, in their order in the file. */
struct csv_target {
    const struct mt_field *field;
    size_t n;
    struct csv_source sources[CSV_SOURCES_MAX];
};

struct csv_columns {
    size_t n; /* columns of the file */
    int id;   /* the column of record ids, -1 when there is none */
    size_t n_targets;
    struct csv_target targets[64]; /* by field number */
    uint64_t filled;               /* bit n: a column fills field n */
};

/* What a heading turned out to be. */
enum csv_heading { CSV_HEADING_USED, CSV_HEADING_UNKNOWN, CSV_HEADING_TWICE };

/* Starts without columns. */
void csv_columns_init(struct csv_columns *c);

/* Adds the next column of the file by its heading. Several columns fill one field only where a
 * rule says so (identifiers, street and number); else the second is CSV_HEADING_TWICE. */
enum csv_heading csv_columns_add(struct csv_columns *c, const struct mt_kind *kind,
                                 struct mt_slice heading);

/* Writes what `rule` makes of one trimmed cell, which is not empty. Errors: MT_ETOOLONG in `out`. */
void csv_column_put(const struct csv_source *source, struct mt_slice cell, struct mt_writer *out);

/* What stands between the parts of a field that several columns fill. */
const char *csv_column_glue(const struct mt_field *field);

#endif
