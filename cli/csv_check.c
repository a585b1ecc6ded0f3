#include "csv_internal.h"
#include "csv_write.h"

#include <stdlib.h>

struct mt_slice csv_record_cell(const struct csv_record *rec, size_t column) {
    if (column >= rec->n || column > CSV_COLUMNS_MAX)
        return mt_slice(NULL, 0);
    if (!rec->bytes)
        return mt_slice(NULL, 0); /* a row of empty cells */
    size_t from = column ? rec->end[column - 1] : 0;
    return mt_text_trim(mt_slice(rec->bytes + from, rec->end[column] - from));
}

enum mt_err csv_grow(void **array, size_t n, size_t *cap, size_t size) {
    if (n < *cap)
        return MT_OK;
    size_t more = *cap ? *cap * 2 : 64;
    void *grown = realloc(*array, more * size);
    if (!grown)
        return MT_ENOMEM;
    *array = grown;
    *cap = more;
    return MT_OK;
}

/* Shortens a value at a letter. */
static struct mt_slice quoted_part(struct mt_slice value) {
    if (value.n > CSV_VALUE_MAX) {
        value.n = CSV_VALUE_MAX;
        while (value.n > 0 && (value.p[value.n] & 0xc0) == 0x80)
            value.n--;
    }
    return value;
}

enum mt_err csv_note(struct csv_file *file, const struct csv_problem *problem) {
    file->n_problems_seen++;
    if (file->n_problems == CSV_PROBLEMS_MAX)
        return MT_OK;
    void *array = file->problems;
    if (csv_grow(&array, file->n_problems, &file->problems_cap, sizeof *problem) != MT_OK)
        return MT_ENOMEM;
    file->problems = array;
    struct csv_problem *p = &file->problems[file->n_problems];
    *p = *problem;
    if (!csv_pool_copy(&file->pool, quoted_part(problem->value), &p->value))
        return MT_ENOMEM;
    file->n_problems++;
    return MT_OK;
}

/* ---- headings ---- */

static enum mt_err check_required(struct csv_file *file, const struct csv_record *rec) {
    for (size_t i = 0; i < file->kind->n_fields; i++) {
        const struct mt_field *f = &file->kind->fields[i];
        /* A file with an id column may change some fields of records that are there. */
        if (!(f->flags & MT_FIELD_REQUIRED) || (file->columns.filled >> f->no & 1) ||
            file->columns.id >= 0)
            continue;
        struct csv_problem p = {
            .row = rec->row, .line = rec->line, .code = CSV_NO_COLUMN, .field = f};
        if (csv_note(file, &p) != MT_OK)
            return MT_ENOMEM;
    }
    return MT_OK;
}

enum mt_err csv_check_headings(struct csv_checker *c, const struct csv_record *rec) {
    struct csv_file *file = c->file;
    struct csv_problem p = {.row = rec->row, .line = rec->line, .code = CSV_TOO_MANY_COLUMNS};
    if (rec->n > CSV_COLUMNS_MAX)
        return csv_note(file, &p);
    file->headings = calloc(rec->n, sizeof *file->headings);
    file->ignored = calloc(rec->n, sizeof *file->ignored);
    if (!file->headings || !file->ignored)
        return MT_ENOMEM;
    for (size_t i = 0; i < rec->n; i++) {
        struct mt_slice *heading = &file->headings[i];
        if (!csv_pool_copy(&file->pool, csv_record_cell(rec, i), heading))
            return MT_ENOMEM;
        switch (csv_columns_add(&file->columns, file->kind, *heading)) {
        case CSV_HEADING_USED:
            break;
        case CSV_HEADING_UNKNOWN:
            if (heading->n)
                file->ignored[file->n_ignored++] = *heading;
            break;
        case CSV_HEADING_TWICE:
            p.code = CSV_TWICE;
            p.column = *heading;
            p.field = mt_schema_field_named(file->kind, *heading);
            if (csv_note(file, &p) != MT_OK)
                return MT_ENOMEM;
            break;
        }
    }
    return check_required(file, rec);
}

/* ---- rows ---- */

/* Takes off the apostrophe that csv_write_cell put before what looks like a formula. */
static struct mt_slice unguarded(struct mt_slice cell) {
    size_t i = 0;
    while (i < cell.n && cell.p[i] == '\'')
        i++;
    return i > 0 && csv_is_formula(mt_slice(cell.p + i, cell.n - i))
               ? mt_slice(cell.p + 1, cell.n - 1)
               : cell;
}

/* The text of a field from its columns. One column that needs no rule is taken as it lies. What is
 * longer than the scratch is longer than any field: the longest part then stands for it. */
static struct mt_slice join(struct csv_checker *c, const struct csv_target *t,
                            const struct csv_record *rec) {
    struct mt_writer w = mt_writer(c->joined, c->scratch);
    struct mt_slice longest = mt_slice(NULL, 0);
    if (t->n == 1 && t->sources[0].rule == CSV_AS_IT_IS)
        return unguarded(csv_record_cell(rec, t->sources[0].column));
    for (size_t i = 0; i < t->n; i++) {
        struct mt_slice cell = unguarded(csv_record_cell(rec, t->sources[i].column));
        const char *glue = csv_column_glue(t->field);
        if (cell.n == 0)
            continue;
        if (cell.n > longest.n)
            longest = cell;
        if (w.n)
            mt_writer_put(&w, glue, strlen(glue));
        csv_column_put(&t->sources[i], cell, &w);
    }
    return w.err ? longest : mt_writer_slice(&w);
}

/* Checks a field's text; names of records are only checked as text. Adds number and value to
 * `values` when it is a moment, as moments are what is checked together. */
static enum mt_text_err check_text(struct csv_checker *c, const struct mt_field *f,
                                   struct mt_slice text, struct mt_writer *values) {
    static const struct mt_field name = {.type = MT_FIELD_STR, .max = 4096};
    uint8_t ignored[4096 + 8];
    if (text.n == 0)
        return f->flags & MT_FIELD_REQUIRED ? MT_TEXT_MISSING : MT_TEXT_OK;
    if (f->type == MT_FIELD_REF || f->type == MT_FIELD_REFS) {
        struct mt_writer w = mt_writer(ignored, sizeof ignored);
        return mt_schema_parse(&name, text, c->ctx, &w);
    }
    bool moment = f->type == MT_FIELD_DATE || f->type == MT_FIELD_CLOCK || f->type == MT_FIELD_WEEK;
    size_t before = values->n;
    mt_wire_put_uint(values, f->no);
    enum mt_text_err err = mt_schema_parse(f, text, c->ctx, values);
    if (err != MT_TEXT_OK || !moment)
        values->n = before;
    return err;
}

/* The column at fault among those of a field: the first that is wrong by itself. */
static size_t column_at_fault(struct csv_checker *c, const struct csv_target *t,
                              const struct csv_record *rec) {
    uint8_t ignored[1024];
    for (size_t i = 0; t->n > 1 && i < t->n; i++) {
        struct csv_target one = {.field = t->field, .n = 1, .sources = {t->sources[i]}};
        struct mt_writer w = mt_writer(ignored, sizeof ignored);
        struct mt_slice text = join(c, &one, rec);
        if (text.n && mt_schema_parse(t->field, text, c->ctx, &w) != MT_TEXT_OK)
            return t->sources[i].column;
    }
    return t->sources[0].column;
}

static enum mt_err note_cell(struct csv_checker *c, const struct csv_target *t,
                             const struct csv_record *rec, enum mt_text_err code) {
    size_t column = column_at_fault(c, t, rec);
    struct csv_problem p = {.row = rec->row,
                            .line = rec->line,
                            .code = (int)code,
                            .column = c->file->headings[column],
                            .field = t->field,
                            .value = csv_record_cell(rec, column)};
    return csv_note(c->file, &p);
}

static enum mt_err add_cell(struct csv_file *file, struct csv_row *row, const struct mt_field *f,
                            struct mt_slice text) {
    void *array = file->cells;
    struct mt_slice kept;
    if (csv_grow(&array, file->n_cells, &file->cells_cap, sizeof *file->cells) != MT_OK)
        return MT_ENOMEM;
    file->cells = array;
    if (!csv_pool_copy(&file->pool, text, &kept))
        return MT_ENOMEM;
    file->cells[file->n_cells++] =
        (struct csv_cell){.p = kept.p, .n = (uint32_t)kept.n, .field = f->no};
    row->n_cells++;
    return MT_OK;
}

/* What holds between the fields of a row: an end has a start and is not before it. `pairs` are `n` of
 * number and value, with room for a map's head before them. */
enum { MAP_HEAD_MAX = 5 };

static enum mt_err check_together(struct csv_checker *c, const struct csv_record *rec, size_t n,
                                  struct mt_slice pairs, bool *bad) {
    uint8_t head[MAP_HEAD_MAX];
    const struct mt_field *at_fault;
    struct mt_writer w = mt_writer(head, sizeof head);
    mt_wire_put_map(&w, n);
    uint8_t *map = c->values + MAP_HEAD_MAX - w.n;
    memcpy(map, head, w.n);
    struct mt_slice fields = mt_slice(map, w.n + pairs.n);
    enum mt_text_err err = mt_schema_check_fields(c->file->kind, fields, false, &at_fault);
    /* Where rows name records by their id, the start may be there already. */
    if (err == MT_TEXT_OK && c->file->columns.id < 0 &&
        (at_fault = mt_schema_no_start(c->file->kind, fields)))
        err = MT_TEXT_NO_START;
    *bad = err != MT_TEXT_OK;
    for (size_t i = 0; *bad && at_fault && i < c->file->columns.n_targets; i++)
        if (c->file->columns.targets[i].field == at_fault)
            return note_cell(c, &c->file->columns.targets[i], rec, err);
    return MT_OK;
}

static enum mt_err check_cells(struct csv_checker *c, const struct csv_record *rec,
                               struct csv_row *row) {
    struct mt_writer values = mt_writer(c->values + MAP_HEAD_MAX, c->scratch - MAP_HEAD_MAX);
    size_t n = 0;
    for (size_t i = 0; i < c->file->columns.n_targets; i++) {
        const struct csv_target *t = &c->file->columns.targets[i];
        struct mt_slice text = join(c, t, rec);
        size_t before = values.n;
        enum mt_text_err code = check_text(c, t->field, text, &values);
        enum mt_err err = MT_OK;
        n += values.n > before;
        if (code != MT_TEXT_OK) {
            row->bad = true;
            err = note_cell(c, t, rec, code);
        } else if (text.n) {
            err = add_cell(c->file, row, t->field, text);
        }
        if (err != MT_OK)
            return err;
    }
    if (row->bad)
        return MT_OK;
    return check_together(c, rec, n, mt_writer_slice(&values), &row->bad);
}

/* The first cell that is too much and not empty, or the first column that is not there. */
static bool has_width(const struct csv_file *file, const struct csv_record *rec,
                      struct csv_problem *p) {
    if (rec->n < file->columns.n) {
        p->code = CSV_SHORT_ROW;
        p->column = file->headings[rec->n];
        p->field = mt_schema_field_named(file->kind, p->column);
        return false;
    }
    for (size_t i = file->columns.n; i < rec->n; i++) {
        p->value = csv_record_cell(rec, i);
        if (p->value.n || i > CSV_COLUMNS_MAX) {
            p->code = CSV_LONG_ROW;
            return false;
        }
    }
    return true;
}

static bool is_empty(const struct csv_record *rec) {
    for (size_t i = 0; i < rec->n && i <= CSV_COLUMNS_MAX; i++)
        if (csv_record_cell(rec, i).n)
            return false;
    return true;
}

enum mt_err csv_check_row(struct csv_checker *c, const struct csv_record *rec) {
    struct csv_file *file = c->file;
    struct csv_row row = {
        .row = rec->row, .line = rec->line, .first_cell = (uint32_t)file->n_cells};
    struct csv_problem p = {.row = rec->row, .line = rec->line};
    enum mt_err err;
    if (is_empty(rec))
        return MT_OK;
    if (file->columns.id >= 0 &&
        !csv_pool_copy(&file->pool, csv_record_cell(rec, (size_t)file->columns.id), &row.id))
        return MT_ENOMEM;
    if (has_width(file, rec, &p)) {
        err = check_cells(c, rec, &row);
    } else {
        row.bad = true;
        err = csv_note(file, &p);
    }
    if (err != MT_OK)
        return err;
    void *array = file->rows;
    err = csv_grow(&array, file->n_rows, &file->rows_cap, sizeof row);
    if (err != MT_OK)
        return err;
    file->rows = array;
    file->rows[file->n_rows++] = row;
    file->n_bad += row.bad;
    return MT_OK;
}
