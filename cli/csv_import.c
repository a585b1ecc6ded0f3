/* How a file is read: it is decoded as a whole, and handed to libcsv line by line, so that the
 * physical line of every record is known. A record is complete when libcsv ends a row; the first
 * is the heading, the others are checked and added at once.
 *
 * What goes wrong: a quote that does not end, or text behind a quoted cell. Then the record is
 * reported, libcsv starts afresh, and reading goes on at the line after the one the record began
 * on, so that one slip of a quote does not hide the rows below it. */
#include "csv_internal.h"

#include <csv.h>
#include <stdlib.h>

enum { STRICT = CSV_STRICT | CSV_STRICT_FINI };

struct loader {
    struct csv_checker check;
    struct csv_parser parser;
    struct csv_record rec;
    bool ended; /* libcsv has ended a row on this line */
    bool heading_done;
    enum mt_err err; /* the first one sticks */
};

static void on_cell(void *cell, size_t n, void *arg) {
    struct loader *l = arg;
    struct csv_record *rec = &l->rec;
    if (l->err != MT_OK || rec->n > CSV_COLUMNS_MAX) {
        rec->n += l->err == MT_OK;
        return;
    }
    while (rec->used + n > rec->cap) {
        void *bytes = rec->bytes;
        l->err = csv_grow(&bytes, rec->cap, &rec->cap, 1);
        if (l->err != MT_OK)
            return;
        rec->bytes = bytes;
    }
    if (n)
        memcpy(rec->bytes + rec->used, cell, n);
    rec->used += n;
    rec->end[rec->n++] = (uint32_t)rec->used;
}

static void forget_record(struct loader *l) {
    l->rec.n = 0;
    l->rec.used = 0;
}

static void on_row(int c, void *arg) {
    struct loader *l = arg;
    (void)c;
    l->ended = true;
    if (l->err != MT_OK)
        return;
    if (l->heading_done)
        l->err = csv_check_row(&l->check, &l->rec);
    else
        l->err = csv_check_headings(&l->check, &l->rec);
    l->heading_done = true;
    forget_record(l);
}

static bool start_parser(struct loader *l) {
    if (csv_init(&l->parser, STRICT) != 0)
        return false;
    csv_set_delim(&l->parser, (unsigned char)l->check.file->delimiter);
    csv_set_blk_size(&l->parser, 4096);
    return true;
}

/* Feeds one line. False when a quote is wrong. A quote inside a cell that does not begin with one
 * is a letter like any other (4" pipe). */
static bool feed(struct loader *l, struct mt_slice line) {
    size_t at = 0;
    while (at < line.n && l->err == MT_OK) {
        at += csv_parse(&l->parser, line.p + at, line.n - at, on_cell, on_row, l);
        if (at >= line.n)
            return true;
        if (csv_error(&l->parser) != CSV_EPARSE) {
            l->err = MT_ENOMEM;
            return true;
        }
        if (l->parser.quoted)
            return false;
        csv_set_opts(&l->parser, 0);
        at += csv_parse(&l->parser, line.p + at, 1, on_cell, on_row, l);
        csv_set_opts(&l->parser, STRICT);
    }
    return true;
}

static void bad_quote(struct loader *l) {
    struct csv_file *file = l->check.file;
    struct csv_problem p = {.row = l->rec.row, .line = l->rec.line, .code = CSV_BAD_QUOTE};
    if (l->rec.n < file->columns.n)
        p.column = file->headings[l->rec.n];
    l->err = csv_note(file, &p);
    if (l->err == MT_OK && l->heading_done)
        file->n_bad++;
    l->heading_done = true;
    forget_record(l);
    csv_free(&l->parser);
    if (l->err == MT_OK && !start_parser(l))
        l->err = MT_ENOMEM;
}

static struct mt_slice next_line(struct mt_slice text, size_t at) {
    const uint8_t *end = memchr(text.p + at, '\n', text.n - at);
    return mt_slice(text.p + at, end ? (size_t)(end - text.p) + 1 - at : text.n - at);
}

static bool has_problems_in_heading(const struct loader *l) {
    return l->heading_done && l->rec.row == 1 && l->check.file->n_problems > 0;
}

/* Reads all records of `text`, whose first line is number `line`. */
static void read_records(struct loader *l, struct mt_slice text, uint32_t line) {
    bool inside = false; /* a record began on an earlier line */
    size_t after = 0;    /* where the line after its first one begins */
    size_t at = 0;
    while (l->err == MT_OK) {
        bool ok = true;
        if (at < text.n) {
            struct mt_slice s = next_line(text, at);
            if (!inside) {
                l->rec.line = line;
                l->rec.row++;
                after = at + s.n;
            }
            at += s.n;
            line++;
            if (!inside && mt_text_trim(s).n == 0)
                continue; /* an empty row of the spreadsheet */
            l->ended = false;
            ok = feed(l, s);
            inside = !l->ended;
        } else if (inside) {
            ok = csv_fini(&l->parser, on_cell, on_row, l) == 0;
            inside = false;
        } else {
            return;
        }
        if (!ok && l->err == MT_OK) {
            bad_quote(l);
            inside = false;
            at = after;
            line = l->rec.line + 1;
        }
        if (has_problems_in_heading(l) || l->rec.row > CSV_ROWS_MAX)
            return;
    }
}

static enum mt_err check_size(struct loader *l) {
    struct csv_file *file = l->check.file;
    struct csv_problem p = {.row = l->rec.row, .line = l->rec.line, .code = CSV_TOO_MANY_ROWS};
    if (l->rec.row > CSV_ROWS_MAX)
        return csv_note(file, &p);
    if (l->heading_done)
        return MT_OK;
    p = (struct csv_problem){.row = 1, .line = 1, .code = CSV_EMPTY};
    return csv_note(file, &p);
}

/* Encoded, a cell takes its text and a few bytes for each of its words; rules put a little before. */
static size_t scratch_for(size_t n) {
    return n < CSV_SCRATCH_MAX / 8 ? 4096 + 4 * n : CSV_SCRATCH_MAX;
}

enum mt_err csv_load(struct csv_file *out, const struct mt_kind *kind, struct mt_slice bytes,
                     const struct mt_text_context *ctx) {
    struct loader l = {.check = {.file = out, .ctx = ctx}};
    struct mt_slice text;
    uint32_t lines_cut;
    *out = (struct csv_file){.kind = kind};
    csv_columns_init(&out->columns);
    l.err = csv_text_decode(&out->pool, bytes, &out->encoding, &text);
    if (l.err != MT_OK)
        return l.err;
    out->delimiter = csv_text_delimiter(&text, &lines_cut);
    l.check.scratch = scratch_for(text.n);
    l.check.joined = malloc(l.check.scratch);
    l.check.values = malloc(l.check.scratch);
    if (l.check.joined && l.check.values && start_parser(&l)) {
        read_records(&l, text, 1 + lines_cut);
        csv_free(&l.parser);
        if (l.err == MT_OK)
            l.err = check_size(&l);
    } else {
        l.err = MT_ENOMEM;
    }
    free(l.check.joined);
    free(l.check.values);
    free(l.rec.bytes);
    return l.err;
}

void csv_close(struct csv_file *file) {
    free(file->headings);
    free(file->ignored);
    free(file->rows);
    free(file->cells);
    free(file->problems);
    csv_pool_close(&file->pool);
    *file = (struct csv_file){.kind = file->kind};
}
