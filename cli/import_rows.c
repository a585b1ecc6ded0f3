#include "import_rows.h"

#include "records.h"
#include "text.h"

#include <stdlib.h>

enum { SHOWN_MAX = 100 }; /* problems printed for people */

static size_t size_of(const struct csv_file *file, const struct csv_row *row) {
    size_t n = 8;
    for (size_t i = 0; i < row->n_cells; i++) {
        const struct csv_cell *c = &file->cells[row->first_cell + i];
        n += strlen(mt_schema_field(file->kind, c->field)->name) + c->n + 8;
    }
    return n;
}

struct mt_import_chunk mt_import_next(const struct csv_file *file, size_t first, size_t max,
                                      size_t max_bytes) {
    struct mt_import_chunk chunk = {.first = first, .end = first};
    size_t bytes = 0;
    for (; chunk.end < file->n_rows && chunk.n < max; chunk.end++) {
        const struct csv_row *row = &file->rows[chunk.end];
        if (row->bad)
            continue;
        bytes += size_of(file, row);
        if (chunk.n > 0 && bytes > max_bytes)
            break;
        chunk.n++;
    }
    return chunk;
}

void mt_import_put(const struct csv_file *file, const struct mt_import_chunk *chunk,
                   struct mt_writer *w) {
    mt_wire_put_array(w, chunk->n);
    for (size_t at = chunk->first; at < chunk->end; at++) {
        const struct csv_row *row = &file->rows[at];
        if (row->bad)
            continue;
        mt_wire_put_map(w, row->n_cells);
        for (size_t i = 0; i < row->n_cells; i++) {
            const struct csv_cell *c = &file->cells[row->first_cell + i];
            mt_wire_put_cstr(w, mt_schema_field(file->kind, c->field)->name);
            mt_wire_put_str(w, mt_slice(c->p, c->n));
        }
    }
}

uint32_t mt_import_row(const struct csv_file *file, const struct mt_import_chunk *chunk, size_t n) {
    for (size_t at = chunk->first; at < chunk->end && n > 0; at++)
        if (!file->rows[at].bad && --n == 0)
            return file->rows[at].row;
    return 0;
}

const char *mt_import_code(const struct csv_problem *problem) {
    static const char *const whole[] = {
        [0] = "short-row",
        [CSV_LONG_ROW - CSV_SHORT_ROW] = "long-row",
        [CSV_BAD_QUOTE - CSV_SHORT_ROW] = "bad-quote",
        [CSV_NO_COLUMN - CSV_SHORT_ROW] = "no-column",
        [CSV_TWICE - CSV_SHORT_ROW] = "column-twice",
        [CSV_EMPTY - CSV_SHORT_ROW] = "empty",
        [CSV_TOO_MANY_ROWS - CSV_SHORT_ROW] = "too-many-rows",
        [CSV_TOO_MANY_COLUMNS - CSV_SHORT_ROW] = "too-many-columns",
    };
    int k = problem->code - CSV_SHORT_ROW;
    if (k >= 0 && k < (int)MT_ARRAY_LEN(whole))
        return whole[k];
    return mt_reason_code((enum mt_text_err)problem->code);
}

char *mt_import_sentence(const struct mt_cli *cli, const struct csv_problem *problem) {
    switch (problem->code) {
    case CSV_SHORT_ROW:
        return mt_text_copy(_("the row ends before this column"));
    case CSV_LONG_ROW:
        return mt_text_copy(_("the row has more cells than there are headings"));
    case CSV_BAD_QUOTE:
        return mt_text_copy(_("a quotation mark (\") is missing or one too many"));
    case CSV_NO_COLUMN:
        return mt_text_copy(_("the file has no such column, and it is needed"));
    case CSV_TWICE:
        return mt_text_copy(_("two columns mean the same"));
    case CSV_EMPTY:
        return mt_text_copy(_("the file has no rows"));
    case CSV_TOO_MANY_ROWS:
        return mt_text_copy(_("the file has too many rows"));
    case CSV_TOO_MANY_COLUMNS:
        return mt_text_copy(_("the file has too many columns"));
    default:
        break;
    }
    char *value = mt_text_format("%.*s", (int)problem->value.n, (const char *)problem->value.p);
    char *out = mt_reason((enum mt_text_err)problem->code, problem->field, value, cli->lang);
    free(value);
    return out;
}

/* Rows {row, line, column, code, message}. Owns: the caller. */
static json_t *rows_of(const struct mt_cli *cli, const struct csv_file *file, size_t max) {
    json_t *rows = json_array();
    for (size_t i = 0; i < file->n_problems && i < max; i++) {
        const struct csv_problem *p = &file->problems[i];
        char *message = mt_import_sentence(cli, p);
        char *heading = mt_text_format("%.*s", (int)p->column.n, (const char *)p->column.p);
        char *column = mt_text_safe(heading, false);
        if (!*column && p->field) {
            free(column);
            column = mt_text_copy(p->field->label[cli->lang]);
        }
        json_t *row = json_pack("{s:I, s:I, s:s, s:s, s:s}", "row", (json_int_t)p->row, "line",
                                (json_int_t)p->line, "column", column, "code", mt_import_code(p),
                                "message", message);
        if (row)
            json_array_append_new(rows, row);
        free(column);
        free(heading);
        free(message);
    }
    return rows;
}

/* Headings that no field has, as many as fit some lines. Owns: the caller. */
static char *unused(const struct mt_cli *cli, const struct csv_file *file) {
    char *list = mt_text_copy("");
    for (size_t i = 0; i < file->n_ignored; i++) {
        char *longer = mt_text_format("%s%s%.*s", list, i ? ", " : "", (int)file->ignored[i].n,
                                      (const char *)file->ignored[i].p);
        free(list);
        list = longer;
    }
    char *safe = mt_text_safe(list, false), *fit = mt_text_shorten(safe, 3 * cli->width);
    char *out = mt_text_format(_("Columns that are not used: %s"), fit);
    free(fit);
    free(safe);
    free(list);
    return out;
}

/* What to do about the problems; a column that is missed is probably one of those not used. */
static char *advice(const struct mt_cli *cli, const struct csv_file *file) {
    bool some = file->n_rows > file->n_bad, misses = false;
    for (size_t i = 0; i < file->n_problems; i++)
        misses = misses || file->problems[i].code == CSV_NO_COLUMN;
    const char *text = some ? _("Correct the file, or take only the good rows with --partial.")
                            : _("Correct the file and try again.");
    if (!misses || !file->n_ignored)
        return mt_text_copy(text);
    char *names = unused(cli, file), *out = mt_text_format("%s %s", text, names);
    free(names);
    return out;
}

enum mt_exit mt_import_problems(struct mt_cli *cli, const struct csv_file *file) {
    json_t *rows = rows_of(cli, file, cli->json ? file->n_problems : SHOWN_MAX);
    char *message, *hint = advice(cli, file);
    if (file->n_rows == 0)
        message = mt_text_copy(_("the file cannot be read; nothing of it was applied"));
    else
        message = mt_text_format(
            ngettext("%zu of %zu rows is wrong; nothing of the file was applied",
                     "%zu of %zu rows are wrong; nothing of the file was applied", file->n_bad),
            file->n_bad, file->n_rows);
    if (!cli->json && file->n_problems_seen > SHOWN_MAX) {
        char *longer = mt_text_format(_("%s (the first %d of %zu errors are shown)"), message,
                                      SHOWN_MAX, file->n_problems_seen);
        free(message);
        message = longer;
    }
    enum mt_exit status = mt_fail_rows(cli, "invalid", message, hint, rows);
    json_decref(rows);
    free(hint);
    free(message);
    return status;
}

/* Headings that no field has are probably remarks of the file's owner; say so once. */
void mt_import_warn(struct mt_cli *cli, const struct csv_file *file) {
    if (file->n_problems_seen > 0) {
        json_t *rows = rows_of(cli, file, SHOWN_MAX);
        mt_put_rows(cli, rows);
        json_decref(rows);
    }
    if (file->n_ignored > 0 && !cli->quiet) {
        char *names = unused(cli, file);
        fprintf(cli->err, "%s\n", names);
        free(names);
    }
}

void mt_import_left_out(struct mt_cli *cli, const struct csv_file *file, json_t *result) {
    if (file->n_bad > 0) {
        json_object_set_new(result, "skipped", json_integer((json_int_t)file->n_bad));
        json_object_set_new(result, "rows", rows_of(cli, file, file->n_problems));
    }
    if (file->n_ignored == 0 || cli->quiet)
        return;
    json_t *columns = json_array();
    for (size_t i = 0; i < file->n_ignored; i++)
        json_array_append_new(columns,
                              json_stringn((const char *)file->ignored[i].p, file->ignored[i].n));
    json_t *v =
        json_pack("{s:{s:s, s:o}}", "warning", "code", "unused-columns", "columns", columns);
    char *line = json_dumps(v, JSON_COMPACT);
    fprintf(cli->err, "%s\n", line ? line : "{}");
    free(line);
    json_decref(v);
}
