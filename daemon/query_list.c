/* query_list: pages of records in order.
 *
 * The rows of an index are walked in its order. Without filters only the records shown are opened,
 * and the total is the number of records. With filters, rows are looked at in windows: within one
 * they are opened in the order they came in, as records that came together lie together, and shown
 * in the order of the index. Beyond ROWS_COUNTED_MAX rows the walk ends with the page; then the total
 * is what was found so far and `more` says that there may be others. The page also ends when the
 * answer would not fit a message. */
#include "query.h"

#include <stdlib.h>

enum {
    RECORD_ROOM = 64 * 1024, /* room left in the answer before another record is begun */
    LONGEST_DAYS = 400,      /* things that began earlier are not looked for with `from` */
    ROWS_COUNTED_MAX = 2048, /* rows that are looked at only to know the total */
    WINDOW_FIRST = 64,
    WINDOW_MAX = 16384,
};

static bool has_days(const struct mt_kind *kind) {
    static const char *const names[] = {"date", "from", "week"};
    for (size_t i = 0; i < MT_ARRAY_LEN(names); i++) {
        const struct mt_field *f = mt_schema_field_named(kind, mt_slice_str(names[i]));
        if (f && strcmp(f->name, names[i]) == 0 &&
            (f->type == MT_FIELD_DATE || f->type == MT_FIELD_WEEK))
            return true;
    }
    return false;
}

/* A filter by one record is answered by the index of references. */
static const struct mt_filter *ref_filter(const struct mt_list *list) {
    for (size_t i = 0; i < list->n_filters; i++)
        if (list->filters[i].field->type == MT_FIELD_REF && !list->filters[i].org)
            return &list->filters[i];
    return NULL;
}

static enum mt_err list_rows(struct mt_query *q, const struct mt_list *list, size_t max,
                             struct mt_rows *rows) {
    const struct mt_filter *by_ref = ref_filter(list);
    struct mt_ref ref;
    if (by_ref) {
        struct mt_reader r = mt_reader(by_ref->value);
        if (mt_ref_get(&r, &ref) == MT_OK)
            return mt_query_refs(q, list->kind->no, &ref.id, rows);
    }
    uint8_t from[4], until[4];
    struct mt_index_query index = {.type = has_days(list->kind) ? MT_INDEX_DATE : MT_INDEX_KIND,
                                   .all_audiences = list->kind->pair,
                                   .kind = list->kind->no,
                                   .descending = list->newest_first};
    if (index.type == MT_INDEX_DATE && list->from > LONGEST_DAYS) {
        mt_be32(from, list->from - LONGEST_DAYS);
        index.from = mt_slice(from, sizeof from);
    }
    if (index.type == MT_INDEX_DATE && list->until) {
        mt_be32(until, list->until);
        index.to = mt_slice(until, sizeof until);
    }
    return mt_query_rows_max(q, &index, max, rows);
}

/* ---- organisations come by name, one row for all records about one ---- */

struct named_row {
    struct mt_slice name;
    uint64_t row;
};

static int name_cmp(const void *a, const void *b) {
    const struct named_row *x = a, *y = b;
    for (size_t i = 0; i < x->name.n && i < y->name.n; i++) {
        int c = x->name.p[i], d = y->name.p[i];
        c = c >= 'A' && c <= 'Z' ? c + 'a' - 'A' : c;
        d = d >= 'A' && d <= 'Z' ? d + 'a' - 'A' : d;
        if (c != d)
            return c - d;
    }
    if (x->name.n != y->name.n)
        return x->name.n < y->name.n ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

static enum mt_err org_rows(struct mt_query *q, struct mt_rows *rows) {
    *rows = (struct mt_rows){0};
    enum mt_err err = mt_query_book(q);
    if (err)
        return err;
    const struct mt_org_book *b = q->book;
    struct named_row *named = malloc((b->n + 1) * sizeof *named);
    rows->p = malloc((b->n + 1) * sizeof *rows->p);
    if (!named || !rows->p) {
        free(named);
        return MT_ENOMEM;
    }
    for (size_t i = 0; i < b->n; i++)
        if (mt_org_shown(b, &b->orgs[i]) == &b->orgs[i])
            named[rows->n++] =
                (struct named_row){.name = mt_org_name(b, &b->orgs[i]), .row = b->orgs[i].row};
    qsort(named, rows->n, sizeof *named, name_cmp);
    for (size_t i = 0; i < rows->n; i++)
        rows->p[i] = named[i].row;
    free(named);
    return MT_OK;
}

/* ---- pages ---- */

static bool needs_reading(const struct mt_list *list) {
    return list->n_filters || list->text.n || list->only_free || list->only_mine || list->from ||
           list->until;
}

struct page {
    struct mt_put records;
    size_t room, total;
    bool full; /* nothing more fits: rows are only counted */
};

/* Shows one record, or leaves it out and ends the page when it does not fit. */
static void show(struct mt_query *q, uint64_t row, struct page *page) {
    struct mt_view v;
    struct mt_writer *w = page->records.w;
    size_t at = w->n;
    if (at + RECORD_ROOM > w->cap) {
        page->full = true;
        return;
    }
    if (mt_query_show(q, row, &v))
        return;
    mt_query_put_record(q, &v, false, w);
    if (w->err) {
        w->n = at;
        w->err = MT_OK;
        page->full = true;
        return;
    }
    page->records.n++;
    page->full = --page->room == 0;
}

/* ---- windows ---- */

struct seat {
    uint64_t row;
    size_t at; /* place in the order of the index */
    bool wanted;
};

static int row_cmp(const void *a, const void *b) {
    const struct seat *x = a, *y = b;
    return x->row < y->row ? -1 : x->row > y->row;
}

static int place_cmp(const void *a, const void *b) {
    const struct seat *x = a, *y = b;
    return x->at < y->at ? -1 : x->at > y->at;
}

static void take_window(struct mt_query *q, const struct mt_list *list, const uint64_t *rows,
                        size_t n, struct seat *seats, struct page *page) {
    for (size_t i = 0; i < n; i++)
        seats[i] = (struct seat){.row = rows[i], .at = i};
    qsort(seats, n, sizeof *seats, row_cmp);
    for (size_t i = 0; i < n; i++) {
        struct mt_view v;
        seats[i].wanted =
            mt_query_show(q, seats[i].row, &v) == MT_OK && mt_query_matches(q, list, &v);
    }
    qsort(seats, n, sizeof *seats, place_cmp);
    for (size_t i = 0; i < n; i++) {
        if (!seats[i].wanted)
            continue;
        if (page->total++ >= list->offset && !page->full)
            show(q, seats[i].row, page);
    }
}

/* Walks the rows from `at` on. Returns where it stopped. */
static size_t take_rows(struct mt_query *q, const struct mt_list *list, const struct mt_rows *rows,
                        size_t at, struct seat *seats, struct page *page) {
    size_t window = WINDOW_FIRST;
    while (at < rows->n && !(page->full && rows->n > ROWS_COUNTED_MAX)) {
        size_t n = rows->n - at < window ? rows->n - at : window;
        take_window(q, list, rows->p + at, n, seats, page);
        at += n;
        window = window < WINDOW_MAX ? 4 * window : WINDOW_MAX;
    }
    return at;
}

static enum mt_err filtered(struct mt_query *q, const struct mt_list *list, struct page *page,
                            bool *more) {
    struct mt_rows rows;
    bool by_name = list->kind->no == MT_KIND_ORG;
    size_t at = 0;
    struct seat *seats = malloc(WINDOW_MAX * sizeof *seats);
    if (!seats)
        return MT_ENOMEM;
    enum mt_err err = list->n_filters ? mt_query_book(q) : MT_OK;
    /* Most pages are full before all rows were even named. */
    for (size_t max = ROWS_COUNTED_MAX + 1; !err; max = SIZE_MAX) {
        err = by_name ? org_rows(q, &rows) : list_rows(q, list, max, &rows);
        if (!err)
            at = take_rows(q, list, &rows, at, seats, page);
        bool all = by_name || rows.n < max;
        *more = at < rows.n || !all;
        mt_rows_free(&rows);
        if (all || page->full)
            break;
    }
    free(seats);
    return err;
}

static enum mt_err unfiltered(struct mt_query *q, const struct mt_list *list, struct page *page) {
    struct mt_rows rows;
    uint64_t total;
    bool by_name = list->kind->no == MT_KIND_ORG;
    size_t end = list->offset + page->room;
    enum mt_err err = by_name ? org_rows(q, &rows) : list_rows(q, list, end, &rows);
    if (!err && !by_name)
        err = mt_read_count(&q->read, list->kind->no, &total);
    if (!err)
        page->total = by_name ? rows.n : (size_t)total;
    for (size_t i = list->offset; !err && i < rows.n && !page->full; i++)
        show(q, rows.p[i], page);
    mt_rows_free(&rows);
    return err;
}

enum mt_err mt_query_list(struct mt_query *q, const struct mt_list *list, struct mt_writer *w) {
    struct mt_put p;
    bool more = false, limited = list->limit && list->limit < MT_QUERY_PAGE_MAX;
    struct page page = {.room = limited ? list->limit : MT_QUERY_PAGE_MAX};
    mt_put_map(&p, w);
    mt_put_array(&page.records, mt_put_key(&p, "records"));
    enum mt_err err =
        needs_reading(list) ? filtered(q, list, &page, &more) : unfiltered(q, list, &page);
    mt_put_array_end(&page.records);
    mt_put_uint(&p, "total", page.total);
    mt_put_bool(&p, "more", more);
    mt_put_map_end(&p);
    return err ? err : w->err;
}
