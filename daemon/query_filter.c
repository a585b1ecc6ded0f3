#include "query.h"

/* ---- text ---- */

/* One letter without case: ASCII, and Latin-1's letters in UTF-8. Returns its bytes. */
static size_t fold(const uint8_t *p, size_t n, unsigned *letter) {
    unsigned c = p[0];
    if (c == 0xc3 && n > 1) {
        unsigned d = p[1];
        bool is_capital = d >= 0x80 && d <= 0x9e && d != 0x97;
        *letter = 0xc300U | (is_capital ? d + 0x20 : d);
        return 2;
    }
    *letter = c >= 'A' && c <= 'Z' ? c + 'a' - 'A' : c;
    return 1;
}

static bool starts_with(struct mt_slice text, struct mt_slice part) {
    size_t i = 0, k = 0;
    while (k < part.n) {
        unsigned a, b;
        if (i >= text.n)
            return false;
        i += fold(text.p + i, text.n - i, &a);
        k += fold(part.p + k, part.n - k, &b);
        if (a != b)
            return false;
    }
    return true;
}

bool mt_text_contains(struct mt_slice text, struct mt_slice part) {
    if (part.n == 0)
        return true;
    for (size_t i = 0; i + part.n <= text.n + 1 && i < text.n; i++)
        if (starts_with(mt_slice(text.p + i, text.n - i), part))
            return true;
    return false;
}

/* Only what no spelling changes counts: letters a to z without case, and digits. */
uint32_t mt_text_hash(struct mt_slice s) {
    uint32_t h = UINT32_C(2166136261);
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = s.p[i];
        c = c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
            h = (h ^ c) * UINT32_C(16777619);
    }
    return h;
}

/* ---- one field ---- */

static bool has_code(struct mt_slice list, struct mt_slice wanted) {
    struct mt_reader r = mt_reader(list), x = mt_reader(wanted);
    uint32_t n = mt_wire_peek(&x) == MT_WIRE_ARRAY ? mt_wire_array(&x, 0, MT_LIST_MAX) : 1;
    if (mt_wire_peek(&r) != MT_WIRE_ARRAY)
        return false;
    uint32_t held = mt_wire_array(&r, 0, MT_LIST_MAX);
    for (; n > 0 && x.err == MT_OK; n--) {
        uint64_t code = mt_wire_uint(&x, UINT64_MAX);
        struct mt_reader at = r;
        bool found = false;
        for (uint32_t i = 0; i < held && !found; i++)
            found = mt_wire_uint(&at, UINT64_MAX) == code && at.err == MT_OK;
        if (!found)
            return false;
    }
    return x.err == MT_OK;
}

static bool is_ref_to(struct mt_query *q, struct mt_reader *r, const struct mt_filter *f) {
    struct mt_ref ref, wanted;
    if (mt_ref_get(r, &ref))
        return false;
    if (f->org) {
        const struct mt_org *org = mt_org_find(q->book, &ref.owner, &ref.id);
        return ref.kind == MT_KIND_ORG && org && mt_org_shown(q->book, org) == f->org;
    }
    struct mt_reader x = mt_reader(f->value);
    return mt_ref_get(&x, &wanted) == MT_OK && ref.audience == wanted.audience &&
           ref.kind == wanted.kind && mt_id_eq(&ref.owner, &wanted.owner) &&
           mt_rid_eq(&ref.id, &wanted.id);
}

static bool has_ref(struct mt_query *q, struct mt_slice value, const struct mt_filter *f) {
    struct mt_reader r = mt_reader(value);
    if (f->field->type == MT_FIELD_REF)
        return is_ref_to(q, &r, f);
    for (uint32_t n = mt_wire_array(&r, 0, MT_LIST_MAX); n > 0 && r.err == MT_OK; n--)
        if (is_ref_to(q, &r, f))
            return true;
    return false;
}

static bool has_text(struct mt_slice value, struct mt_slice text) {
    struct mt_reader r = mt_reader(value);
    if (mt_wire_peek(&r) == MT_WIRE_STR)
        return mt_text_contains(mt_wire_str(&r, MT_STRING_MAX), text);
    if (mt_wire_peek(&r) != MT_WIRE_ARRAY)
        return false;
    for (uint32_t n = mt_wire_array(&r, 0, MT_LIST_MAX); n > 0 && r.err == MT_OK; n--)
        if (mt_text_contains(mt_wire_str(&r, MT_STRING_MAX), text))
            return true;
    return false;
}

/* A week means every thing that takes place in it, however its day is written down. */
static bool in_week(const struct mt_view *v, struct mt_slice wanted) {
    struct mt_reader r = mt_reader(wanted);
    uint32_t monday = mt_week_to_day((uint32_t)mt_wire_uint(&r, UINT32_MAX));
    uint32_t first, last;
    return monday && mt_query_days(v, &first, &last) && first <= monday + 6 && last >= monday;
}

static bool has_ident(struct mt_slice value, struct mt_slice wanted) {
    return mt_ident_same(value, wanted);
}

/* The status that stands where a record says nothing is the first of its vocabulary. */
static bool is_default(const struct mt_filter *f) {
    struct mt_reader r = mt_reader(f->value);
    return f->field->no == MT_COMMON_STATUS && f->field->vocab &&
           mt_wire_uint(&r, UINT64_MAX) == f->field->vocab->entries[0].code;
}

static bool matches_field(struct mt_query *q, const struct mt_filter *f, const struct mt_view *v) {
    struct mt_slice value;
    if (f->field->type == MT_FIELD_WEEK)
        return in_week(v, f->value);
    if (mt_fields_find(v->fields, f->field->no, &value) || mt_value_is_nil(value))
        return is_default(f);
    switch (f->field->type) {
    case MT_FIELD_STR:
    case MT_FIELD_TEXT:
    case MT_FIELD_STRS:
        return has_text(value, f->text);
    case MT_FIELD_ENUMS:
        return has_code(value, f->value);
    case MT_FIELD_REF:
    case MT_FIELD_REFS:
        return has_ref(q, value, f);
    case MT_FIELD_IDENTS:
        return has_ident(value, f->value);
    default:
        return mt_slice_eq(value, f->value);
    }
}

/* A placement's status is not a field but what both sides make of it. */
static bool matches_status(struct mt_query *q, const struct mt_filter *f, const struct mt_view *v) {
    struct mt_answer answer;
    return mt_text_same(mt_slice_str(mt_query_placement_status(q, v, &answer)), f->text);
}

/* ---- the whole record ---- */

static bool text_anywhere(struct mt_query *q, const struct mt_view *v, struct mt_slice text) {
    const struct mt_kind *kind = mt_schema_kind(v->kind);
    struct mt_fields it;
    uint8_t no;
    struct mt_slice value;
    if (!kind || mt_fields_open(&it, v->fields))
        return false;
    while (mt_fields_next(&it, &no, &value)) {
        const struct mt_field *f = mt_schema_field(kind, no);
        struct mt_reader r = mt_reader(value);
        struct mt_ref ref;
        if (!f)
            continue;
        if ((f->type == MT_FIELD_STR || f->type == MT_FIELD_TEXT || f->type == MT_FIELD_STRS) &&
            has_text(value, text))
            return true;
        if (f->type != MT_FIELD_REF || f->ref_kind != MT_KIND_ORG || mt_ref_get(&r, &ref) ||
            mt_query_book(q))
            continue;
        const struct mt_org *org = mt_org_find(q->book, &ref.owner, &ref.id);
        if (org && mt_text_contains(mt_org_name(q->book, mt_org_shown(q->book, org)), text))
            return true;
    }
    return false;
}

static bool in_days(const struct mt_list *list, const struct mt_view *v) {
    uint32_t first, last;
    if (!list->from && !list->until)
        return true;
    return mt_query_days(v, &first, &last) && (!list->from || last >= list->from) &&
           (!list->until || first <= list->until);
}

/* Free means that one can still sign up: places left, or none counted, and not called off. */
static bool is_free(struct mt_query *q, const struct mt_view *v) {
    uint64_t status = mt_field_uint(v->fields, MT_COMMON_STATUS);
    uint64_t places;
    if (v->kind == MT_KIND_ACTIVITY && status != 0 && status != MT_ACTIVITY_OPEN)
        return false;
    if (v->kind == MT_KIND_STAGEPLEK && status == MT_STATUS_ENDED)
        return false;
    return !mt_query_free(q, v, &places) || places > 0;
}

bool mt_query_matches(struct mt_query *q, const struct mt_list *list, const struct mt_view *v) {
    if (list->only_mine && !mt_id_eq(&v->owner, &q->config.org))
        return false;
    if (!in_days(list, v))
        return false;
    for (size_t i = 0; i < list->n_filters; i++) {
        const struct mt_filter *f = &list->filters[i];
        bool derived = v->kind == MT_KIND_PLACEMENT && f->field->no == MT_COMMON_STATUS;
        if (derived ? !matches_status(q, f, v) : !matches_field(q, f, v))
            return false;
    }
    if (list->text.n && !text_anywhere(q, v, list->text))
        return false;
    return !list->only_free || is_free(q, v);
}
