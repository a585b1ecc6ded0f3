#include "query.h"

#include <stdlib.h>

/* The last day a record may state: what others write is not checked when it comes in. */
#define DAY_MAX UINT32_C(2932896) /* 31 December 9999 */

/* ---- sets of fields ---- */

void mt_fieldset_load(struct mt_fieldset *set, struct mt_slice map) {
    struct mt_fields it;
    uint8_t no;
    struct mt_slice value;
    set->mask = 0;
    if (mt_fields_open(&it, map))
        return;
    while (mt_fields_next(&it, &no, &value))
        mt_fieldset_set(set, no, value);
}

void mt_fieldset_set(struct mt_fieldset *set, uint8_t no, struct mt_slice value) {
    set->v[no] = value;
    set->mask |= UINT64_C(1) << no;
}

void mt_fieldset_drop(struct mt_fieldset *set, uint8_t no) {
    set->mask &= ~(UINT64_C(1) << no);
}

size_t mt_fieldset_count(const struct mt_fieldset *set) {
    size_t n = 0;
    for (uint64_t mask = set->mask; mask; mask &= mask - 1)
        n++;
    return n;
}

void mt_fieldset_put(const struct mt_fieldset *set, struct mt_writer *w) {
    mt_wire_put_map(w, mt_fieldset_count(set));
    for (unsigned no = 0; no < MT_FIELDS_MAX; no++)
        if (set->mask >> no & 1) {
            mt_wire_put_uint(w, no);
            mt_wire_put_raw(w, set->v[no]);
        }
}

bool mt_value_is_nil(struct mt_slice value) {
    return value.n == 1 && value.p[0] == 0xc0;
}

/* ---- single fields ---- */

static bool open_field(struct mt_slice fields, uint8_t no, enum mt_wire_type type,
                       struct mt_reader *r) {
    struct mt_slice value;
    if (mt_fields_find(fields, no, &value))
        return false;
    *r = mt_reader(value);
    return mt_wire_peek(r) == type;
}

uint64_t mt_field_uint(struct mt_slice fields, uint8_t no) {
    struct mt_reader r;
    return open_field(fields, no, MT_WIRE_UINT, &r) ? mt_wire_uint(&r, UINT64_MAX) : 0;
}

bool mt_field_has(struct mt_slice fields, uint8_t no) {
    struct mt_slice value;
    return mt_fields_find(fields, no, &value) == MT_OK && !mt_value_is_nil(value);
}

struct mt_slice mt_field_str(struct mt_slice fields, uint8_t no) {
    struct mt_reader r;
    if (!open_field(fields, no, MT_WIRE_STR, &r))
        return mt_slice("", 0);
    return mt_wire_str(&r, MT_STRING_MAX);
}

bool mt_field_ref(struct mt_slice fields, uint8_t no, struct mt_ref *out) {
    struct mt_reader r;
    return open_field(fields, no, MT_WIRE_ARRAY, &r) && mt_ref_get(&r, out) == MT_OK;
}

/* ---- what follows from fields ---- */

static bool is_set_later(const struct mt_view *v, uint8_t no) {
    return v->kind == MT_KIND_PLACEMENT &&
           (no == MT_PLACEMENT_FIRST_NAME || no == MT_COMMON_STATUS || no == MT_COMMON_REASON);
}

void mt_query_version(const struct mt_query *q, const struct mt_view *v, uint8_t out[static 32]) {
    if (v->kind != MT_KIND_PLACEMENT) {
        mt_record_version(out, &q->config.region, &v->owner, v->kind, &v->id, v->fields);
        return;
    }
    struct mt_fieldset set;
    uint8_t *memory = malloc(v->fields.n);
    mt_fieldset_load(&set, v->fields);
    for (unsigned no = 0; no < MT_FIELDS_MAX; no++)
        if (is_set_later(v, no))
            mt_fieldset_drop(&set, no);
    struct mt_writer w = mt_writer(memory, memory ? v->fields.n : 0);
    mt_fieldset_put(&set, &w);
    struct mt_slice fields = w.err ? v->fields : mt_writer_slice(&w);
    mt_record_version(out, &q->config.region, &v->owner, v->kind, &v->id, fields);
    free(memory);
}

static const struct mt_field *day_field(const struct mt_kind *kind, const char *name,
                                        enum mt_field_type type) {
    for (size_t i = 0; i < kind->n_fields; i++)
        if (kind->fields[i].type == type && strcmp(kind->fields[i].name, name) == 0)
            return &kind->fields[i];
    return NULL;
}

static uint32_t day_of(const struct mt_view *v, const struct mt_kind *kind, const char *name) {
    const struct mt_field *f = day_field(kind, name, MT_FIELD_DATE);
    uint64_t day = f ? mt_field_uint(v->fields, f->no) : 0;
    return day <= DAY_MAX ? (uint32_t)day : 0;
}

static uint32_t week_of(const struct mt_view *v, const struct mt_kind *kind, const char *name) {
    const struct mt_field *f = day_field(kind, name, MT_FIELD_WEEK);
    uint64_t week = f ? mt_field_uint(v->fields, f->no) : 0;
    return week <= UINT32_MAX ? mt_week_to_day((uint32_t)week) : 0;
}

bool mt_query_days(const struct mt_view *v, uint32_t *first, uint32_t *last) {
    const struct mt_kind *kind = mt_schema_kind(v->kind);
    *first = *last = 0;
    if (!kind)
        return false;
    uint32_t day = day_of(v, kind, "date");
    if (!day)
        day = day_of(v, kind, "from");
    if (day) {
        uint32_t end = day_of(v, kind, "end_date");
        if (!end)
            end = day_of(v, kind, "until");
        *first = day;
        *last = end > day ? end : day;
        return true;
    }
    day = week_of(v, kind, "week");
    if (!day)
        return false;
    uint32_t end = week_of(v, kind, "end_week");
    *first = day;
    *last = (end > day ? end : day) + 6;
    return true;
}
