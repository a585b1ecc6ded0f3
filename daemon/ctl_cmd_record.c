#include "ctl_cmd_internal.h"

/* ---- lists ---- */

/* Filter values live in memory of their own while the list is made. */
struct list_memory {
    struct mt_list list;
    struct values values;
};

static enum mt_err add_filter(struct cmd *c, struct list_memory *m, struct mt_slice name,
                              struct mt_slice text) {
    struct mt_list *list = &m->list;
    const struct mt_field *f = mt_schema_field_named(list->kind, name);
    if (!f)
        return cmd_say(c, MT_EINVALID, "%.*s is no field of %s", (int)mt_text_fit(name, 60),
                       (const char *)name.p, list->kind->name);
    if (list->n_filters == MT_ARRAY_LEN(list->filters))
        return cmd_say(c, MT_EINVALID, "too many filters");
    struct mt_filter *filter = &list->filters[list->n_filters];
    *filter = (struct mt_filter){.field = f, .text = text};
    bool is_ref = f->type == MT_FIELD_REF || f->type == MT_FIELD_REFS;
    enum mt_err err = MT_OK;
    if (is_ref && f->ref_kind == MT_KIND_ORG) {
        err = mt_query_org(&c->q, text, &filter->org);
    } else if (f->type != MT_FIELD_STR && f->type != MT_FIELD_TEXT && f->type != MT_FIELD_STRS &&
               !(list->kind->no == MT_KIND_PLACEMENT && f->no == MT_COMMON_STATUS)) {
        struct mt_field single = *f;
        size_t at = m->values.w.n;
        if (is_ref)
            single.type = MT_FIELD_REF;
        err = mt_query_value(&c->q, &single, text, NULL, &m->values.w);
        filter->value = mt_slice(m->values.w.p + at, m->values.w.n - at);
    }
    if (!err)
        list->n_filters++;
    return err;
}

static enum mt_err read_filters(struct cmd *c, struct list_memory *m) {
    struct mt_slice map;
    enum mt_err err = cmd_raw(c, "filters", MT_WIRE_MAP, &map);
    if (err || map.n == 0)
        return err;
    struct mt_reader r = mt_reader(map);
    for (uint32_t left = mt_wire_map(&r, MT_LIST_MAX); !err && left > 0 && !r.err; left--) {
        struct mt_slice name = mt_wire_str(&r, 100);
        struct mt_slice text = mt_text_trim(mt_wire_str(&r, MT_STRING_MAX));
        if (!r.err && text.n)
            err = add_filter(c, m, name, text);
    }
    return err     ? err
           : r.err ? cmd_say(c, MT_EINVALID, "filters are a map of names and texts")
                   : MT_OK;
}

static enum mt_err read_day(struct cmd *c, const char *key, uint32_t *out) {
    struct mt_slice text;
    uint8_t memory[16];
    struct mt_writer w = mt_writer(memory, sizeof memory);
    const struct mt_field field = {.type = MT_FIELD_DATE, .name = key};
    enum mt_err err = cmd_text(c, key, &text);
    *out = 0;
    if (err || text.n == 0)
        return err;
    err = mt_query_value(&c->q, &field, text, NULL, &w);
    struct mt_reader r = mt_reader(mt_writer_slice(&w));
    if (!err)
        *out = (uint32_t)mt_wire_uint(&r, UINT32_MAX);
    return err;
}

static enum mt_err read_list(struct cmd *c, struct list_memory *m) {
    struct mt_list *list = &m->list;
    struct mt_slice sort;
    uint64_t limit = 0, offset = 0, at = 0;
    enum mt_err err = read_filters(c, m);
    err = err ? err : read_day(c, "from", &list->from);
    err = err ? err : read_day(c, "until", &list->until);
    err = err ? err : cmd_bool(c, "free", &list->only_free);
    err = err ? err : cmd_bool(c, "mine", &list->only_mine);
    err = err ? err : cmd_bool(c, "uncounted", &list->page_only);
    err = err ? err : cmd_text(c, "text", &list->text);
    err = err ? err : cmd_text(c, "prefix", &list->prefix);
    err = err ? err : cmd_text(c, "sort", &sort);
    err = err ? err : cmd_uint(c, "limit", UINT32_MAX, &limit);
    err = err ? err : cmd_uint(c, "offset", UINT32_MAX, &offset);
    err = err ? err : cmd_uint(c, "at", UINT32_MAX, &at);
    if (err)
        return err;
    list->newest_first = mt_slice_is(sort, "newest");
    list->limit = (size_t)limit;
    list->offset = (size_t)offset;
    list->at = (size_t)at;
    return MT_OK;
}

enum mt_err cmd_record_list(struct cmd *c) {
    struct list_memory m = {0};
    enum mt_err err = cmd_kind(c, false, &m.list.kind);
    if (err)
        return err;
    if (m.list.kind->pair && !(c->access & MT_ACCESS_PERSONAL))
        return cmd_say(c, MT_EDENIED, "this needs the right 'personal'");
    err = cmd_open(c);
    if (err)
        return err;
    err = values_init(&m.values);
    err = err ? err : read_list(c, &m);
    err = err ? err : mt_query_list(&c->q, &m.list, &c->out);
    values_free(&m.values);
    return err;
}

/* ---- one record ---- */

static enum mt_err find_record(struct cmd *c, bool kind_optional, struct mt_view *v) {
    const struct mt_kind *kind;
    struct mt_slice id;
    enum mt_err err = cmd_kind(c, kind_optional, &kind);
    err = err ? err : cmd_need(c, "id", &id);
    err = err ? err : cmd_open(c);
    if (err)
        return err;
    /* Organisations go by their name and numbers as well. */
    if (kind && kind->no == MT_KIND_ORG) {
        const struct mt_org *org;
        err = mt_query_org(&c->q, id, &org);
        return err ? err : mt_query_show(&c->q, org->row, v);
    }
    return mt_query_prefix(&c->q, kind ? kind->no : 0, id, v);
}

enum mt_err cmd_record_show(struct cmd *c) {
    struct mt_view v;
    struct mt_put p;
    enum mt_err err = find_record(c, true, &v);
    if (err)
        return err;
    mt_put_map(&p, &c->out);
    mt_query_put_record(&c->q, &v, true, mt_put_key(&p, "record"));
    mt_put_map_end(&p);
    return MT_OK;
}

/* An id that the caller gives, or a random one. */
static enum mt_err new_id(struct cmd *c, const struct mt_kind *kind, struct mt_rid *out) {
    struct mt_slice text;
    uint64_t row;
    enum mt_err err = cmd_text(c, "id", &text);
    if (err)
        return err;
    if (text.n == 0) {
        c->env->random(out->b, sizeof out->b);
        return MT_OK;
    }
    if (mt_unhex(out->b, sizeof out->b, text))
        return cmd_say(c, MT_EINVALID, "an id of a new record has 32 hexadecimal digits");
    if (mt_read_find(&c->q.read, NULL, &c->info.org, kind->no, out, &row) == MT_OK)
        return cmd_say(c, MT_ECONFLICT, "there is a record with this id already");
    return MT_OK;
}

/* Kinds with rules of their own have methods of their own. */
enum mt_err cmd_check_addable(struct cmd *c, const struct mt_kind *kind) {
    switch (kind->no) {
    case MT_KIND_ANSWER:
    case MT_KIND_SIGNUP:
    case MT_KIND_PLACEMENT:
    case MT_KIND_ENDPOINT:
    case MT_KIND_DRAW:
        return cmd_say(c, MT_EINVALID, "a %s is not added by hand", kind->name);
    default:
        return kind->pair ? cmd_say(c, MT_EINVALID, "a %s is not added by hand", kind->name)
                          : MT_OK;
    }
}

enum mt_err cmd_record_add(struct cmd *c) {
    const struct mt_kind *kind;
    struct mt_slice fields;
    struct mt_rid id;
    struct values v = {.memory = NULL};
    enum mt_err err = cmd_kind(c, false, &kind);
    err = err ? err : cmd_check_addable(c, kind);
    err = err ? err : cmd_raw(c, "fields", MT_WIRE_MAP, &fields);
    if (!err && fields.n == 0)
        err = cmd_say(c, MT_EINVALID, "fields is missing");
    err = err ? err : cmd_open(c);
    err = err ? err : new_id(c, kind, &id);
    err = err ? err : values_init(&v);
    err = err ? err : values_fields(c, &v, kind, fields, true, NULL);
    err = err ? err : values_check(c, &v, kind, mt_slice(NULL, 0));
    if (!err) {
        struct draft d;
        cmd_put_id(c, kind->no, &id);
        draft_init(&d, NULL);
        draft_add(&d, kind, &id, &v.set);
        err = draft_submit(&d, c);
    }
    values_free(&v);
    return err;
}

enum mt_err cmd_change(struct cmd *c, const struct mt_view *v, struct values *values) {
    const struct mt_kind *kind = mt_schema_kind(v->kind);
    if (!kind || v->major != kind->major)
        return cmd_say(c, MT_ESTATE, "a newer version of meent made this record");
    if (!mt_id_eq(&v->owner, &c->info.org))
        return cmd_say(c, MT_EDENIED, "only the organisation that made a record can change it");
    values_changed(values, v->fields);
    enum mt_err err = values_check(c, values, kind, v->fields);
    if (err)
        return err;
    cmd_put_id(c, v->kind, &v->id);
    struct draft d;
    draft_init(&d, v->audience_no ? &v->audience : NULL);
    if (values->set.mask)
        draft_add(&d, kind, &v->id, &values->set);
    return draft_submit(&d, c);
}

/* The name of a pupil reaches the company only after it accepted. */
static enum mt_err check_release(struct cmd *c, const struct mt_view *v,
                                 const struct values *values) {
    struct mt_answer answer;
    if (v->kind != MT_KIND_PLACEMENT || !(values->set.mask >> MT_PLACEMENT_FIRST_NAME & 1) ||
        mt_value_is_nil(values->set.v[MT_PLACEMENT_FIRST_NAME]))
        return MT_OK;
    const char *status = mt_query_placement_status(&c->q, v, &answer);
    if (strcmp(status, "accepted") == 0 || strcmp(status, "running") == 0)
        return MT_OK;
    return cmd_say(c, MT_ECONFLICT, "a first name is given once the placement is accepted");
}

enum mt_err cmd_record_edit(struct cmd *c) {
    struct mt_view v;
    struct mt_slice fields;
    struct values values = {.memory = NULL};
    enum mt_err err = cmd_raw(c, "fields", MT_WIRE_MAP, &fields);
    if (!err && fields.n == 0)
        err = cmd_say(c, MT_EINVALID, "fields is missing");
    err = err ? err : find_record(c, true, &v);
    if (err)
        return err;
    /* Said before the fields are looked at: they would not help. */
    if (!mt_id_eq(&v.owner, &c->info.org))
        return cmd_say(c, MT_EDENIED, "only the organisation that made a record can change it");
    const struct mt_kind *kind = mt_schema_kind(v.kind);
    if (!kind)
        return cmd_say(c, MT_ESTATE, "a newer version of meent made this record");
    if (v.kind == MT_KIND_ANSWER)
        return cmd_say(c, MT_EINVALID, "an answer is changed by answering again");
    uint64_t row = v.row;
    err = values_init(&values);
    err = err ? err
              : values_fields(c, &values, kind, fields, false, v.audience_no ? &v.audience : NULL);
    /* Resolving names reads other records into the memory this one stood in. */
    err = err ? err : mt_query_show(&c->q, row, &v);
    err = err ? err : check_release(c, &v, &values);
    err = err ? err : cmd_change(c, &v, &values);
    values_free(&values);
    return err;
}

enum mt_err cmd_activity_cancel(struct cmd *c) {
    struct mt_slice id, reason;
    struct mt_view v;
    struct values values = {.memory = NULL};
    enum mt_err err = cmd_need(c, "id", &id);
    err = err ? err : cmd_text(c, "reason", &reason);
    err = err ? err : cmd_open(c);
    err = err ? err : mt_query_prefix(&c->q, MT_KIND_ACTIVITY, id, &v);
    err = err ? err : values_init(&values);
    if (!err) {
        const struct mt_field *f = mt_schema_field(mt_schema_kind(v.kind), MT_COMMON_REASON);
        values_uint(&values, MT_COMMON_STATUS, MT_ACTIVITY_CANCELLED);
        err = reason.n ? values_text(c, &values, f, reason, NULL) : MT_OK;
    }
    err = err ? err : cmd_change(c, &v, &values);
    values_free(&values);
    return err;
}
