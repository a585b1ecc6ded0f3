/* csv_internal: what reading records and checking rows share. */
#ifndef MEENT_CSV_INTERNAL_H
#define MEENT_CSV_INTERNAL_H

#include "csv_import.h"

enum { CSV_SCRATCH_MAX = 512 * 1024 };

/* One record as libcsv gave it: cells lie one after another in `bytes`. */
struct csv_record {
    uint32_t row, line;
    size_t n; /* cells; more than CSV_COLUMNS_MAX + 1 are counted, not kept */
    uint32_t end[CSV_COLUMNS_MAX + 1];
    uint8_t *bytes; /* owned */
    size_t used, cap;
};

struct csv_checker {
    struct csv_file *file;
    const struct mt_text_context *ctx;
    size_t scratch;  /* bytes of each of the next two, owned */
    uint8_t *joined; /* a field's text from its columns */
    uint8_t *values; /* a row's values */
};

struct mt_slice csv_record_cell(const struct csv_record *rec, size_t column);

/* Notes what is wrong. Errors: MT_ENOMEM. */
MT_MUST enum mt_err csv_note(struct csv_file *file, const struct csv_problem *problem);

/* Makes room for one more element of `size` bytes. Errors: MT_ENOMEM. */
MT_MUST enum mt_err csv_grow(void **array, size_t n, size_t *cap, size_t size);

/* Takes the heading row. Errors: MT_ENOMEM. */
MT_MUST enum mt_err csv_check_headings(struct csv_checker *c, const struct csv_record *rec);

/* Checks a row and adds it to the file. Errors: MT_ENOMEM. */
MT_MUST enum mt_err csv_check_row(struct csv_checker *c, const struct csv_record *rec);

#endif
