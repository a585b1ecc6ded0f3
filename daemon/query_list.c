/* query_list: pages of records in order.
 *
 * The rows of an index are walked in its order. Without filters only the records shown are opened,
 * and the total is the number of records. With filters, rows are looked at in windows: within one
 * they are opened in the order they came in, as records that came together lie together, and shown
 * in the order of the index. Beyond ROWS_COUNTED_MAX rows, or when the caller does not want the
 * total, the walk ends with the page; then the total is what was found so far and `more` says that
 * there may be others. The page also ends when the answer would not fit a message, and after
 * ROWS_LOOKED_MAX rows, so that the daemon does other things in between; the caller then asks for
 * what comes from `next` on.
 *
 * Between two days there is what begins between them or less than MT_LONG_DAYS before and has not
 * ended, as the index says, and what lasts longer and has not ended: an index of its own, since these
 * are few. */
#include "query.h"

#include <stdlib.h>

enum {
    RECORD_ROOM = 64 * 1024, /* room left in the answer before another record is begun */
    ROWS_COUNTED_MAX = 2048, /* rows that are looked at only to know the total */
    ROWS_LOOKED_MAX = 4096,  /* rows that one call looks at */
    WINDOW_FIRST = 64,
    WINDOW_MAX = 4096,
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

/* The days that the list asks for, by name or as a week; 0: open. */
static void list_days(const struct mt_list *list, uint32_t *from, uint32_t *until) {
    *from = list->from;
    *until = list->until;
    for (size_t i = 0; i < list->n_filters; i++) {
        if (list->filters[i].field->type != MT_FIELD_WEEK)
            continue;
        struct mt_reader r = mt_reader(list->filters[i].value);
        uint32_t monday = mt_week_to_day((uint32_t)mt_wire_uint(&r, UINT32_MAX));
        if (!monday)
            continue;
        *from = monday > *from ? monday : *from;
        *until = *until == 0 || monday + 6 < *until ? monday + 6 : *until;
    }
}

struct begun {
    uint32_t day;
    uint64_t row;
};

static int begun_cmp(const void *a, const void *b) {
    const struct begun *x = a, *y = b;
    if (x->day != y->day)
        return x->day < y->day ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

/* Adds what began before `day` and has not ended by `from`, in order of its first day. */
static enum mt_err add_long(struct mt_query *q, const struct mt_list *list, uint32_t from,
                            uint32_t day, struct mt_rows *rows) {
    uint8_t bound[4];
    mt_be32(bound, from);
    struct mt_rows ends;
    struct mt_index_query index = {.type = MT_INDEX_LONG,
                                   .all_audiences = list->kind->pair,
                                   .kind = list->kind->no,
                                   .from = mt_slice(bound, sizeof bound)};
    enum mt_err err = mt_query_rows(q, &index, &ends);
    struct begun *begun = malloc((ends.n + 1) * sizeof *begun);
    size_t n = 0;
    if (!err && !begun)
        err = MT_ENOMEM;
    for (size_t i = 0; !err && i < ends.n; i++) {
        struct mt_view v;
        uint32_t first, last;
        if (mt_query_show(q, ends.p[i], &v) == MT_OK && mt_query_days(&v, &first, &last) &&
            first < day)
            begun[n++] = (struct begun){.day = first, .row = v.row};
    }
    if (n)
        qsort(begun, n, sizeof *begun, begun_cmp);
    for (size_t i = 0; !err && i < n; i++)
        err = mt_rows_add(rows, begun[list->newest_first ? n - 1 - i : i].row);
    free(begun);
    mt_rows_free(&ends);
    return err;
}

static enum mt_err list_rows(struct mt_query *q, const struct mt_list *list, size_t max,
                             struct mt_rows *rows) {
    const struct mt_filter *by_ref = ref_filter(list);
    struct mt_ref ref;
    *rows = (struct mt_rows){.max = max};
    if (by_ref) {
        struct mt_reader r = mt_reader(by_ref->value);
        if (mt_ref_get(&r, &ref) == MT_OK)
            return mt_query_refs(q, list->kind->no, &ref.id, rows);
    }
    bool dated = has_days(list->kind);
    uint8_t low[4], high[4];
    uint32_t from, until, day = 0;
    struct mt_index_query index = {.type = dated ? MT_INDEX_DATE : MT_INDEX_KIND,
                                   .all_audiences = list->kind->pair,
                                   .kind = list->kind->no,
                                   .descending = list->newest_first};
    list_days(list, &from, &until);
    if (dated && from > MT_LONG_DAYS) {
        day = from - MT_LONG_DAYS + 1;
        mt_be32(low, day);
        index.from = mt_slice(low, sizeof low);
        index.ends_from = from;
    }
    if (dated && (until || day)) { /* what has no day stands behind the last one */
        mt_be32(high, until ? until : MT_INDEX_DAY_MAX);
        index.to = mt_slice(high, sizeof high);
    }
    enum mt_err err = MT_OK;
    if (day && !list->newest_first)
        err = add_long(q, list, from, day, rows);
    if (!err && rows->n < max)
        err = mt_query_rows_add(q, &index, rows);
    if (!err && day && list->newest_first && rows->n < max)
        err = add_long(q, list, from, day, rows);
    return err;
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
    size_t next; /* place behind the last row that was shown or passed over */
    bool full;   /* nothing more fits: rows are only counted */
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
                        size_t at, size_t n, struct seat *seats, struct page *page) {
    for (size_t i = 0; i < n; i++)
        seats[i] = (struct seat){.row = rows[at + i], .at = at + i};
    qsort(seats, n, sizeof *seats, row_cmp);
    for (size_t i = 0; i < n; i++) {
        struct mt_view v;
        seats[i].wanted =
            mt_query_show(q, seats[i].row, &v) == MT_OK && mt_query_matches(q, list, &v);
    }
    qsort(seats, n, sizeof *seats, place_cmp);
    for (size_t i = 0; i < n; i++) {
        size_t shown = page->records.n;
        bool was_full = page->full;
        if (seats[i].wanted && page->total++ >= list->offset && !was_full)
            show(q, seats[i].row, page);
        if (!was_full && (!page->full || page->records.n > shown))
            page->next = seats[i].at + 1;
    }
}

static enum mt_err filtered(struct mt_query *q, const struct mt_list *list, struct page *page,
                            bool *more) {
    struct mt_rows rows;
    bool by_name = list->kind->no == MT_KIND_ORG;
    size_t end = list->at + ROWS_LOOKED_MAX, window = WINDOW_FIRST, at = list->at;
    size_t counted_max = list->page_only ? 0 : ROWS_COUNTED_MAX;
    struct seat *seats = malloc(WINDOW_MAX * sizeof *seats);
    if (!seats)
        return MT_ENOMEM;
    enum mt_err err = mt_query_book(q);
    if (err) {
        free(seats);
        return err;
    }
    err = by_name ? org_rows(q, &rows) : list_rows(q, list, end + 1, &rows);
    end = rows.n < end ? rows.n : end;
    page->next = at;
    while (!err && at < end && !(page->full && rows.n - list->at > counted_max)) {
        size_t n = end - at < window ? end - at : window;
        take_window(q, list, rows.p, at, n, seats, page);
        at += n;
        window = window < WINDOW_MAX ? 4 * window : WINDOW_MAX;
    }
    *more = at < rows.n;
    if (page->next >= rows.n)
        page->next = 0;
    mt_rows_free(&rows);
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

/* Those whose id begins so, a page at most: for people who type an id. */
static enum mt_err prefixed(struct mt_query *q, const struct mt_list *list, struct page *page) {
    uint64_t *rows = malloc(MT_QUERY_PAGE_MAX * sizeof *rows);
    size_t n = 0;
    if (!rows)
        return MT_ENOMEM;
    enum mt_err err =
        mt_read_prefix(&q->read, list->kind->no, list->prefix, rows, MT_QUERY_PAGE_MAX, &n);
    page->total = n;
    for (size_t i = 0; !err && i < n && !page->full; i++)
        show(q, rows[i], page);
    free(rows);
    return err;
}

enum mt_err mt_query_list(struct mt_query *q, const struct mt_list *list, struct mt_writer *w) {
    struct mt_put p;
    bool more = false, limited = list->limit && list->limit < MT_QUERY_PAGE_MAX;
    struct page page = {.room = limited ? list->limit : MT_QUERY_PAGE_MAX};
    mt_put_map(&p, w);
    mt_put_array(&page.records, mt_put_key(&p, "records"));
    enum mt_err err = list->prefix.n        ? prefixed(q, list, &page)
                      : needs_reading(list) ? filtered(q, list, &page, &more)
                                            : unfiltered(q, list, &page);
    mt_put_array_end(&page.records);
    mt_put_uint(&p, "total", page.total);
    mt_put_bool(&p, "more", more);
    if (page.next)
        mt_put_uint(&p, "next", page.next);
    else
        mt_put_nil(&p, "next");
    mt_put_map_end(&p);
    return err ? err : w->err;
}
