#include "table.h"

#include "text.h"

#include <libsmartcols/libsmartcols.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS_MAX = 12, GAP = 2, COLUMN_MIN = 6, YIELD = 8 };

struct mt_table {
    struct mt_column columns[COLUMNS_MAX];
    size_t n_columns;
    char **cells; /* owned, row by row */
    size_t n_rows, cap_rows;
};

struct mt_table *mt_table_new(const struct mt_column *columns, size_t n) {
    struct mt_table *t = mt_must(calloc(1, sizeof *t));
    if (n > COLUMNS_MAX)
        abort();
    memcpy(t->columns, columns, n * sizeof *columns);
    t->n_columns = n;
    return t;
}

void mt_table_add(struct mt_table *t, const char *const *cells) {
    if (t->n_rows == t->cap_rows) {
        t->cap_rows = t->cap_rows ? t->cap_rows * 2 : 32;
        t->cells = mt_must(realloc(t->cells, t->cap_rows * t->n_columns * sizeof *t->cells));
    }
    for (size_t i = 0; i < t->n_columns; i++)
        t->cells[t->n_rows * t->n_columns + i] = mt_text_safe(cells[i] ? cells[i] : "-", false);
    t->n_rows++;
}

size_t mt_table_rows(const struct mt_table *t) {
    return t->n_rows;
}

void mt_table_free(struct mt_table *t) {
    for (size_t i = 0; i < t->n_rows * t->n_columns; i++)
        free(t->cells[i]);
    free(t->cells);
    free(t);
}

static void natural_widths(const struct mt_table *t, int *widths) {
    for (size_t c = 0; c < t->n_columns; c++) {
        widths[c] = mt_text_width(t->columns[c].title);
        for (size_t r = 0; r < t->n_rows; r++) {
            int w = mt_text_width(t->cells[r * t->n_columns + c]);
            widths[c] = w > widths[c] ? w : widths[c];
        }
    }
}

/* How much a column is in the way: its width, and more when it is to yield. */
static int bulk(const struct mt_table *t, const int *widths, size_t c) {
    return widths[c] + (t->columns[c].flags & MT_COLUMN_YIELD ? YIELD : 0);
}

/* The column that gives next, or n_columns: one that may, or with `any` whichever it is. */
static size_t bulkiest(const struct mt_table *t, const int *widths, bool any) {
    size_t found = t->n_columns;
    for (size_t c = 0; c < t->n_columns; c++) {
        bool gives = any || t->columns[c].flags & (MT_COLUMN_FLEX | MT_COLUMN_WRAP);
        if (gives && widths[c] > (any ? 1 : COLUMN_MIN) &&
            (found == t->n_columns || bulk(t, widths, c) > bulk(t, widths, found)))
            found = c;
    }
    return found;
}

static void shrink(const struct mt_table *t, int *widths, int width) {
    int total = GAP * ((int)t->n_columns - 1);
    for (size_t c = 0; c < t->n_columns; c++)
        total += widths[c];
    for (; total > width; total--) {
        size_t c = bulkiest(t, widths, false);
        c = c < t->n_columns ? c : bulkiest(t, widths, true);
        if (c == t->n_columns)
            return;
        widths[c]--;
    }
}

/* Takes one line of at most `width` columns off the front of `*text`, between words if possible. */
static char *take_line(const char **text, int width) {
    const char *p = *text, *end = p, *fit = p;
    while (*p) {
        size_t n = strcspn(p + (*p == ' '), " ") + (*p == ' ');
        char *upto = mt_text_format("%.*s", (int)(p + n - *text), *text);
        int w = mt_text_width(upto);
        free(upto);
        if (w > width)
            break;
        p += n;
        end = fit = p;
    }
    if (end == *text && *p) { /* one word longer than the line */
        char *cut = mt_text_shorten(*text, width + 1);
        size_t n = strlen(cut) - strlen("…");
        end = fit = *text + (n ? n : 1);
        free(cut);
    }
    char *line = mt_text_format("%.*s", (int)(end - *text), *text);
    *text = fit + (*fit == ' ');
    return line;
}

static void set_cell(struct libscols_line *line, size_t c, char *take_text) {
    if (scols_line_refer_data(mt_must(line), c, take_text) != 0)
        mt_must(NULL);
}

/* One row may take several lines when a column wraps. */
static void add_lines(const struct mt_table *t, struct libscols_table *tb, const char *const *cells,
                      const int *widths) {
    const char *rest[COLUMNS_MAX];
    bool more = true;
    memcpy(rest, cells, t->n_columns * sizeof *cells);
    for (bool first = true; more; first = false) {
        struct libscols_line *line = scols_table_new_line(tb, NULL);
        more = false;
        for (size_t c = 0; c < t->n_columns; c++) {
            bool wraps = t->columns[c].flags & MT_COLUMN_WRAP;
            char *text = wraps   ? take_line(&rest[c], widths[c])
                         : first ? mt_text_shorten(cells[c], widths[c])
                                 : mt_text_copy("");
            more |= wraps && *rest[c];
            set_cell(line, c, text);
        }
    }
}

/* The titles are the first line; escapes around it leave the widths alone. */
static void print_lines(struct libscols_table *tb, FILE *out, bool color) {
    char *text = NULL;
    if (scols_print_table_to_string(tb, &text) != 0)
        mt_must(NULL);
    size_t n = strcspn(mt_must(text), "\n");
    if (color)
        fprintf(out, "\033[1m%.*s\033[0m%s", (int)n, text, text + n);
    else
        fputs(text, out);
    size_t len = strlen(text);
    if (len == 0 || text[len - 1] != '\n')
        fputc('\n', out);
    free(text);
}

void mt_table_print(const struct mt_table *t, FILE *out, int width, bool color) {
    int widths[COLUMNS_MAX];
    natural_widths(t, widths);
    shrink(t, widths, width);
    struct libscols_table *tb = mt_must(scols_new_table());
    scols_table_set_column_separator(tb, "  ");
    scols_table_enable_minout(tb, 1);
    scols_table_enable_noencoding(tb, 1); /* cells are safe already */
    /* the widths are ours, so that libsmartcols has nothing left to fit */
    scols_table_set_termforce(tb, SCOLS_TERMFORCE_ALWAYS);
    scols_table_set_termwidth(tb, (size_t)width * 4);
    for (size_t c = 0; c < t->n_columns; c++) {
        char *title = mt_text_shorten(t->columns[c].title, widths[c]);
        bool right = t->columns[c].flags & MT_COLUMN_RIGHT;
        mt_must(scols_table_new_column(tb, title, widths[c], right ? SCOLS_FL_RIGHT : 0));
        free(title);
    }
    for (size_t r = 0; r < t->n_rows; r++)
        add_lines(t, tb, (const char *const *)t->cells + r * t->n_columns, widths);
    print_lines(tb, out, color);
    scols_unref_table(tb);
}
