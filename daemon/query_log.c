#include "query.h"

#include <stdlib.h>

enum { LOG_TITLE_MAX = 80, LOG_ENTRIES_MAX = 10000 };

/* A change as kept while the log is walked: its content is gone with the next entry. */
struct line {
    uint64_t wall_ms;
    struct mt_id owner;
    struct mt_id audience;
    uint16_t kind;
    struct mt_rid id;
};

struct lines {
    struct line *p;
    size_t n, max;
    bool personal;
};

static bool keep_entry(void *arg, const struct mt_log_row *row) {
    struct lines *l = arg;
    struct mt_changes it;
    struct mt_change change;
    if (row->content.n == 0 || (!l->personal && !mt_id_is_zero(&row->chain.other)))
        return l->n < l->max;
    if (mt_changes_open(&it, row->content))
        return l->n < l->max;
    while (l->n < l->max && mt_changes_next(&it, &change))
        l->p[l->n++] = (struct line){.wall_ms = row->wall_ms,
                                     .owner = row->chain.org,
                                     .audience = row->chain.other,
                                     .kind = change.kind,
                                     .id = change.id};
    return l->n < l->max;
}

static void put_line(struct mt_query *q, const struct line *line, struct mt_writer *w) {
    struct mt_put p;
    struct mt_view v;
    char hex[33];
    const struct mt_kind *kind = mt_schema_kind(line->kind);
    const struct mt_ref ref = {.audience = !mt_id_is_zero(&line->audience),
                               .owner = line->owner,
                               .kind = line->kind,
                               .id = line->id};
    bool found = mt_query_ref(q, &line->audience, &ref, &v) == MT_OK;
    mt_hex(hex, line->id.b, sizeof line->id.b);
    mt_put_map(&p, w);
    mt_put_instant(&p, "time", line->wall_ms);
    if (found) {
        struct mt_slice title = mt_query_title(&v);
        mt_put_slice(&p, "title", mt_slice(title.p, mt_text_fit(title, LOG_TITLE_MAX)));
        mt_put_str(&p, "action", v.created_ms == line->wall_ms ? "new" : "changed");
    } else {
        mt_put_str(&p, "title", "");
        mt_put_str(&p, "action", "changed");
    }
    mt_query_put_member(q, &line->owner, mt_put_key(&p, "org"));
    mt_put_str(&p, "kind", kind ? kind->name : "?");
    mt_put_str(&p, "id", hex);
    mt_put_slice(&p, "short", mt_slice(hex, mt_query_short(q, line->kind, &line->id)));
    mt_put_map_end(&p);
}

enum mt_err mt_query_log(struct mt_query *q, size_t limit, struct mt_writer *w) {
    struct lines l = {.max = limit && limit < MT_QUERY_PAGE_MAX ? limit : MT_QUERY_PAGE_MAX,
                      .personal = q->config.personal};
    l.p = calloc(l.max, sizeof *l.p);
    if (!l.p)
        return MT_ENOMEM;
    enum mt_err err = mt_read_log(&q->read, LOG_ENTRIES_MAX, keep_entry, &l);
    if (!err) {
        struct mt_put p, rows;
        mt_put_map(&p, w);
        mt_put_array(&rows, mt_put_key(&p, "rows"));
        for (size_t i = 0; i < l.n; i++, rows.n++)
            put_line(q, &l.p[i], w);
        mt_put_array_end(&rows);
        mt_put_map_end(&p);
        err = w->err;
    }
    free(l.p);
    return err;
}
