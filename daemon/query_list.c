/* query_list: pages of records in order.
 *
 * The rows of an index are walked in its order; a record's box is opened only when a filter needs
 * it or it is shown. The page ends early when the answer would not fit a message: the total tells
 * that there is more. Without filters the total is the number of rows. */
#include "query.h"

#include <stdlib.h>

enum {
    RECORD_ROOM = 64 * 1024, /* room left in the answer before another record is begun */
    LONGEST_DAYS = 400,      /* things that began earlier are not looked for with `from` */
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

static enum mt_err list_rows(struct mt_query *q, const struct mt_list *list, struct mt_rows *rows) {
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
    return mt_query_rows(q, &index, rows);
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
static void show(struct mt_query *q, const struct mt_view *v, struct page *page) {
    struct mt_writer *w = page->records.w;
    size_t at = w->n;
    if (page->room == 0 || at + RECORD_ROOM > w->cap) {
        page->full = true;
        return;
    }
    mt_query_put_record(q, v, false, w);
    if (w->err) {
        w->n = at;
        w->err = MT_OK;
        page->full = true;
        return;
    }
    page->records.n++;
    page->room--;
}

static void take_row(struct mt_query *q, const struct mt_list *list, uint64_t row,
                     struct page *page) {
    struct mt_view v;
    bool wanted = !page->full && page->total >= list->offset;
    if (!needs_reading(list) && !wanted) {
        page->total++;
        return;
    }
    if (mt_query_show(q, row, &v) || !mt_query_matches(q, list, &v))
        return;
    page->total++;
    if (wanted)
        show(q, &v, page);
}

enum mt_err mt_query_list(struct mt_query *q, const struct mt_list *list, struct mt_writer *w) {
    struct mt_rows rows;
    struct mt_put p;
    struct page page = {.room = list->limit && list->limit < MT_QUERY_PAGE_MAX ? list->limit
                                                                               : MT_QUERY_PAGE_MAX};
    enum mt_err err =
        list->kind->no == MT_KIND_ORG ? org_rows(q, &rows) : list_rows(q, list, &rows);
    if (!err && list->n_filters)
        err = mt_query_book(q);
    if (err) {
        mt_rows_free(&rows);
        return err;
    }
    mt_put_map(&p, w);
    mt_put_array(&page.records, mt_put_key(&p, "records"));
    for (size_t i = 0; i < rows.n; i++)
        take_row(q, list, rows.p[i], &page);
    mt_put_array_end(&page.records);
    mt_put_uint(&p, "total", page.total);
    mt_put_map_end(&p);
    mt_rows_free(&rows);
    return w->err;
}
