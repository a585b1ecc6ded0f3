#include "query.h"

#include <stdio.h>

enum { MAP_HEAD = 3, ARRAY_HEAD = 3 };

/* ---- maps and arrays of a size known later ---- */

/* The head takes its longer form, which clients must accept, so that it can be filled in at the
 * end. */
static void put_head(struct mt_put *p, struct mt_writer *w, uint8_t type) {
    *p = (struct mt_put){.w = w, .at = w->n};
    mt_writer_u8(w, type);
    mt_writer_u16(w, 0);
}

static void put_head_end(struct mt_put *p) {
    if (p->n > UINT16_MAX)
        p->w->err = MT_ETOOLONG;
    if (p->w->err == MT_OK)
        mt_be16(p->w->p + p->at + 1, (uint16_t)p->n);
}

void mt_put_map(struct mt_put *p, struct mt_writer *w) {
    put_head(p, w, 0xde);
}

void mt_put_map_end(struct mt_put *p) {
    put_head_end(p);
}

void mt_put_array(struct mt_put *p, struct mt_writer *w) {
    put_head(p, w, 0xdc);
}

void mt_put_array_end(struct mt_put *p) {
    put_head_end(p);
}

struct mt_writer *mt_put_key(struct mt_put *p, const char *key) {
    p->n++;
    mt_wire_put_cstr(p->w, key);
    return p->w;
}

void mt_put_str(struct mt_put *p, const char *key, const char *value) {
    if (value)
        mt_wire_put_cstr(mt_put_key(p, key), value);
    else
        mt_put_nil(p, key);
}

void mt_put_slice(struct mt_put *p, const char *key, struct mt_slice value) {
    mt_wire_put_str(mt_put_key(p, key), value);
}

void mt_put_uint(struct mt_put *p, const char *key, uint64_t value) {
    mt_wire_put_uint(mt_put_key(p, key), value);
}

void mt_put_bool(struct mt_put *p, const char *key, bool value) {
    mt_wire_put_bool(mt_put_key(p, key), value);
}

void mt_put_nil(struct mt_put *p, const char *key) {
    mt_wire_put_nil(mt_put_key(p, key));
}

static void put_hex(struct mt_writer *w, const void *bytes, size_t n) {
    char hex[2 * 64 + 1];
    if (n > 64)
        n = 64;
    mt_hex(hex, bytes, n);
    mt_wire_put_cstr(w, hex);
}

void mt_put_hex(struct mt_put *p, const char *key, const void *bytes, size_t n) {
    put_hex(mt_put_key(p, key), bytes, n);
}

/* ---- moments ---- */

static void format_instant(char out[static MT_INSTANT_SIZE], uint64_t local_s, int offset) {
    int year, month, dom;
    uint64_t day = local_s / 86400, s = local_s % 86400;
    mt_day_to_ymd(day <= UINT32_MAX ? (uint32_t)day : UINT32_MAX, &year, &month, &dom);
    int n = snprintf(out, MT_INSTANT_SIZE, "%04d-%02d-%02dT%02u:%02u:%02u", year, month, dom,
                     (unsigned)(s / 3600), (unsigned)(s / 60 % 60), (unsigned)(s % 60));
    if (n < 0 || n >= MT_INSTANT_SIZE)
        return;
    size_t room = MT_INSTANT_SIZE - (size_t)n;
    if (offset < 0)
        (void)snprintf(out + n, room, "Z");
    else
        (void)snprintf(out + n, room, "+%02d:%02d", offset / 3600 % 24, offset / 60 % 60);
}

void mt_instant_local(uint32_t day, uint32_t minutes, char out[static MT_INSTANT_SIZE]) {
    uint64_t at = mt_amsterdam_instant(day, minutes);
    int offset = mt_amsterdam_offset(at);
    format_instant(out, at + (uint64_t)offset, offset);
}

void mt_instant_utc(uint64_t wall_ms, char out[static MT_INSTANT_SIZE]) {
    format_instant(out, wall_ms / 1000, -1);
}

void mt_put_instant(struct mt_put *p, const char *key, uint64_t wall_ms) {
    char text[MT_INSTANT_SIZE];
    mt_instant_utc(wall_ms, text);
    mt_put_str(p, key, wall_ms ? text : NULL);
}

/* ---- names ---- */

struct mt_slice mt_query_title(const struct mt_view *v) {
    static const char *const names[] = {"title", "name", "group", "pseudonym"};
    const struct mt_kind *kind = mt_schema_kind(v->kind);
    for (size_t i = 0; kind && i < MT_ARRAY_LEN(names); i++) {
        const struct mt_field *f = mt_schema_field_named(kind, mt_slice_str(names[i]));
        if (f && f->type == MT_FIELD_STR && strcmp(f->name, names[i]) == 0 &&
            mt_field_has(v->fields, f->no))
            return mt_field_str(v->fields, f->no);
    }
    return mt_slice("", 0);
}

void mt_query_put_member(struct mt_query *q, const struct mt_id *org, struct mt_writer *w) {
    struct mt_put p;
    mt_put_map(&p, w);
    mt_put_hex(&p, "id", org->b, sizeof org->b);
    mt_put_slice(&p, "name", mt_query_member_name(q, org));
    mt_put_map_end(&p);
}

static void put_named(struct mt_writer *w, const struct mt_rid *id, struct mt_slice name) {
    struct mt_put p;
    mt_put_map(&p, w);
    mt_put_hex(&p, "id", id->b, sizeof id->b);
    mt_put_slice(&p, "name", name);
    mt_put_map_end(&p);
}

void mt_query_put_ref(struct mt_query *q, const struct mt_id *audience, const struct mt_ref *ref,
                      struct mt_writer *w) {
    if (ref->kind == MT_KIND_ORG && mt_query_book(q) == MT_OK) {
        const struct mt_org *org = mt_org_find(q->book, &ref->owner, &ref->id);
        if (org) {
            org = mt_org_shown(q->book, org);
            put_named(w, &org->id, mt_org_name(q->book, org));
            return;
        }
    }
    struct mt_view v;
    bool found = mt_query_ref(q, audience, ref, &v) == MT_OK;
    put_named(w, &ref->id, found ? mt_query_title(&v) : mt_slice("", 0));
}

/* ---- values ---- */

static void put_words(const struct mt_field *f, struct mt_reader *r, struct mt_writer *w) {
    uint32_t n = mt_wire_array(r, 0, MT_LIST_MAX);
    mt_wire_put_array(w, n);
    for (uint32_t i = 0; i < n; i++) {
        const struct mt_vocab_entry *e = mt_vocab_code(f->vocab, mt_wire_uint(r, UINT64_MAX));
        mt_wire_put_cstr(w, e ? e->name : "?");
    }
}

static void put_idents(struct mt_reader *r, struct mt_writer *w) {
    const struct mt_field *f = mt_schema_field(mt_schema_kind(MT_KIND_ORG), MT_ORG_IDENTIFIERS);
    uint32_t n = mt_wire_array(r, 0, MT_LIST_MAX);
    mt_wire_put_array(w, n);
    for (uint32_t i = 0; i < n; i++) {
        char text[128];
        (void)mt_wire_array(r, 2, 2);
        const struct mt_vocab_entry *e = mt_vocab_code(f->vocab, mt_wire_uint(r, UINT64_MAX));
        struct mt_slice value = mt_wire_str(r, 64);
        (void)snprintf(text, sizeof text, "%s:%.*s", e ? e->name : "?", (int)value.n,
                       (const char *)value.p);
        mt_wire_put_cstr(w, text);
    }
}

static void put_refs(struct mt_query *q, const struct mt_view *v, struct mt_reader *r,
                     struct mt_writer *w) {
    uint32_t n = mt_wire_array(r, 0, MT_LIST_MAX);
    mt_wire_put_array(w, n);
    for (uint32_t i = 0; i < n; i++) {
        struct mt_ref ref = {0};
        if (mt_ref_get(r, &ref))
            mt_wire_put_nil(w);
        else
            mt_query_put_ref(q, &v->audience, &ref, w);
    }
}

static void put_text(const struct mt_field *f, struct mt_slice value, struct mt_writer *w) {
    char text[64];
    struct mt_writer t = mt_writer(text, sizeof text);
    mt_schema_format(f, value, -1, &t);
    mt_wire_put_str(w, mt_writer_slice(&t));
}

/* Writes a value that was checked against its field. */
static void put_value(struct mt_query *q, const struct mt_view *v, const struct mt_field *f,
                      struct mt_slice value, struct mt_writer *w) {
    struct mt_reader r = mt_reader(value);
    struct mt_ref ref;
    struct mt_slice bin;
    switch (f->type) {
    case MT_FIELD_STR:
    case MT_FIELD_TEXT:
    case MT_FIELD_STRS:
    case MT_FIELD_UINT:
    case MT_FIELD_CENTS:
    case MT_FIELD_BOOL:
        mt_wire_put_raw(w, value);
        break;
    case MT_FIELD_DATE:
    case MT_FIELD_CLOCK:
    case MT_FIELD_WEEK:
    case MT_FIELD_ENUM:
    case MT_FIELD_INSTANT:
        put_text(f, value, w);
        break;
    case MT_FIELD_ENUMS:
        put_words(f, &r, w);
        break;
    case MT_FIELD_IDENTS:
        put_idents(&r, w);
        break;
    case MT_FIELD_REF:
        if (mt_ref_get(&r, &ref) == MT_OK)
            mt_query_put_ref(q, &v->audience, &ref, w);
        else
            mt_wire_put_nil(w);
        break;
    case MT_FIELD_REFS:
        put_refs(q, v, &r, w);
        break;
    case MT_FIELD_BIN:
        bin = mt_wire_bin(&r, MT_STRING_MAX);
        put_hex(w, bin.p, bin.n);
        break;
    }
}

/* ---- records ---- */

/* Words that stand where a record says nothing. */
static const char *default_word(const struct mt_kind *kind, uint8_t no) {
    if (no == MT_COMMON_STATUS && kind->no != MT_KIND_PLACEMENT) {
        const struct mt_field *f = mt_schema_field(kind, no);
        return f && f->vocab && f->vocab->n ? f->vocab->entries[0].name : NULL;
    }
    return NULL;
}

static const char *word_of(const struct mt_kind *kind, struct mt_slice fields, uint8_t no) {
    const struct mt_field *f = mt_schema_field(kind, no);
    const struct mt_vocab_entry *e =
        f && f->vocab ? mt_vocab_code(f->vocab, mt_field_uint(fields, no)) : NULL;
    return e ? e->name : default_word(kind, no);
}

static void put_free(struct mt_query *q, const struct mt_view *v, struct mt_put *p) {
    uint64_t places;
    if (mt_query_free(q, v, &places))
        mt_put_uint(p, "free", places);
    else
        mt_put_nil(p, "free");
}

/* Fields of an activity that every client can count on, computed ones included. */
static uint64_t put_activity(struct mt_query *q, const struct mt_view *v,
                             const struct mt_kind *kind, struct mt_put *p) {
    uint32_t day = (uint32_t)mt_field_uint(v->fields, MT_ACTIVITY_DATE);
    uint64_t week = mt_field_uint(v->fields, MT_ACTIVITY_WEEK);
    char text[MT_INSTANT_SIZE];
    uint32_t first, last;
    bool dated = mt_query_days(v, &first, &last) && day == first;
    bool timed = mt_field_has(v->fields, MT_ACTIVITY_START);
    if (dated)
        mt_instant_local(day, (uint32_t)(mt_field_uint(v->fields, MT_ACTIVITY_START) % 1440), text);
    mt_put_str(p, "start", dated ? text : NULL);
    mt_put_bool(p, "timed", dated && timed);
    if (dated)
        week = mt_day_to_week(day);
    if (week) {
        (void)snprintf(text, sizeof text, "%04u-W%02u", (unsigned)(week / 100 % 10000),
                       (unsigned)(week % 100));
        mt_put_str(p, "week", text);
    } else {
        mt_put_nil(p, "week");
    }
    if (!mt_field_has(v->fields, MT_ACTIVITY_CAPACITY))
        mt_put_nil(p, "capacity");
    put_free(q, v, p);
    mt_put_str(p, "unit",
               mt_field_has(v->fields, MT_ACTIVITY_UNIT)
                   ? word_of(kind, v->fields, MT_ACTIVITY_UNIT)
                   : "pupils");
    return UINT64_C(1) << MT_ACTIVITY_START | UINT64_C(1) << MT_ACTIVITY_WEEK |
           UINT64_C(1) << MT_ACTIVITY_UNIT;
}

static const char *decision_word(unsigned decision) {
    const struct mt_field *f = mt_schema_field(mt_schema_kind(MT_KIND_ANSWER), MT_ANSWER_DECISION);
    const struct mt_vocab_entry *e = mt_vocab_code(f->vocab, decision);
    return e ? e->name : NULL;
}

/* The reason that goes with an answer; uses the memory for looking up. */
static void put_reason(struct mt_query *q, const struct mt_answer *a, struct mt_put *p) {
    struct mt_view v;
    if (a->found && mt_query_look(q, a->row, &v) == MT_OK &&
        mt_field_has(v.fields, MT_COMMON_REASON))
        mt_put_slice(p, "reason", mt_field_str(v.fields, MT_COMMON_REASON));
    else
        mt_put_nil(p, "reason");
}

static void put_signup_of(struct mt_query *q, const struct mt_signup *s, struct mt_writer *w) {
    struct mt_put p;
    struct mt_view v;
    struct mt_ref ref;
    mt_put_map(&p, w);
    mt_put_hex(&p, "id", s->subject.id.b, sizeof s->subject.id.b);
    char hex[33];
    mt_hex(hex, s->subject.id.b, sizeof s->subject.id.b);
    mt_put_slice(&p, "short", mt_slice(hex, mt_query_short(q, MT_KIND_SIGNUP, &s->subject.id)));
    if (mt_query_look(q, s->row, &v) == MT_OK) {
        mt_put_slice(&p, "group", mt_field_str(v.fields, MT_SIGNUP_GROUP));
        if (mt_field_has(v.fields, MT_SIGNUP_PUPILS))
            mt_put_uint(&p, "pupils", mt_field_uint(v.fields, MT_SIGNUP_PUPILS));
        else
            mt_put_nil(&p, "pupils");
        if (mt_field_ref(v.fields, MT_SIGNUP_ON_BEHALF_OF, &ref))
            mt_query_put_ref(q, NULL, &ref, mt_put_key(&p, "org"));
        else
            mt_query_put_member(q, &v.owner, mt_put_key(&p, "org"));
    }
    mt_put_str(&p, "status", s->withdrawn ? "withdrawn" : "active");
    mt_put_str(&p, "decision", decision_word(s->decision));
    mt_put_bool(&p, "current", s->answer.found && s->answer.current);
    put_reason(q, &s->answer, &p);
    mt_put_map_end(&p);
}

static void put_signups(struct mt_query *q, const struct mt_view *v, struct mt_put *p) {
    struct mt_signups s;
    struct mt_put list;
    bool ok = mt_query_signups(q, v, &s) == MT_OK;
    mt_put_array(&list, mt_put_key(p, "signups"));
    for (size_t i = 0; ok && i < s.n; i++, list.n++)
        put_signup_of(q, &s.p[i], list.w);
    mt_put_array_end(&list);
    mt_signups_free(&s);
}

/* The decision on a sign-up, which depends on the others of the same activity. */
static void put_decision(struct mt_query *q, const struct mt_view *v, struct mt_put *p) {
    struct mt_ref ref;
    struct mt_view activity;
    struct mt_signups s = {0};
    const struct mt_signup *found = NULL;
    if (mt_field_ref(v->fields, MT_SIGNUP_ACTIVITY, &ref) &&
        mt_query_ref(q, NULL, &ref, &activity) == MT_OK &&
        mt_query_signups(q, &activity, &s) == MT_OK)
        for (size_t i = 0; i < s.n && !found; i++)
            if (mt_rid_eq(&s.p[i].subject.id, &v->id) && mt_id_eq(&s.p[i].subject.owner, &v->owner))
                found = &s.p[i];
    mt_put_str(p, "decision", found ? decision_word(found->decision) : NULL);
    if (found)
        put_reason(q, &found->answer, p);
    mt_signups_free(&s);
}

static uint64_t put_derived(struct mt_query *q, const struct mt_view *v, const struct mt_kind *kind,
                            bool detail, struct mt_put *p) {
    struct mt_answer answer;
    switch (v->kind) {
    case MT_KIND_ACTIVITY:
        if (detail)
            put_signups(q, v, p);
        return put_activity(q, v, kind, p);
    case MT_KIND_STAGEPLEK:
        put_free(q, v, p);
        return 0;
    case MT_KIND_SIGNUP:
        put_decision(q, v, p);
        return UINT64_C(1) << MT_COMMON_REASON;
    case MT_KIND_PLACEMENT:
        mt_put_str(p, "status", mt_query_placement_status(q, v, &answer));
        mt_query_put_member(q, &v->audience, mt_put_key(p, "with"));
        if (!answer.found)
            return UINT64_C(1) << MT_COMMON_STATUS;
        put_reason(q, &answer, p);
        return UINT64_C(1) << MT_COMMON_STATUS | UINT64_C(1) << MT_COMMON_REASON;
    default:
        return 0;
    }
}

static void put_org(struct mt_query *q, const struct mt_view *v, struct mt_put *p) {
    if (mt_query_book(q))
        return;
    const struct mt_org *org = mt_org_find(q->book, &v->owner, &v->id);
    mt_put_bool(p, "joined", org && org->joined);
}

static void put_fields(struct mt_query *q, const struct mt_view *v, const struct mt_kind *kind,
                       uint64_t done, struct mt_put *p) {
    struct mt_fields it;
    uint8_t no;
    struct mt_slice value;
    bool has_status = done >> MT_COMMON_STATUS & 1;
    if (mt_fields_open(&it, v->fields))
        return;
    while (mt_fields_next(&it, &no, &value)) {
        const struct mt_field *f = mt_schema_field(kind, no);
        if (!f || done >> no & 1 || mt_value_is_nil(value) || mt_schema_check(f, value))
            continue;
        put_value(q, v, f, value, mt_put_key(p, f->name));
        has_status = has_status || no == MT_COMMON_STATUS;
    }
    const char *status = default_word(kind, MT_COMMON_STATUS);
    if (!has_status && status)
        mt_put_str(p, "status", status);
}

void mt_query_put_record(struct mt_query *q, const struct mt_view *v, bool detail,
                         struct mt_writer *w) {
    const struct mt_kind *kind = mt_schema_kind(v->kind);
    struct mt_put p;
    char hex[33];
    mt_hex(hex, v->id.b, sizeof v->id.b);
    mt_put_map(&p, w);
    mt_put_str(&p, "id", hex);
    mt_put_slice(&p, "short", mt_slice(hex, mt_query_short(q, v->kind, &v->id)));
    mt_query_put_member(q, &v->owner, mt_put_key(&p, "owner"));
    mt_put_bool(&p, "mine", mt_id_eq(&v->owner, &q->config.org));
    mt_put_instant(&p, "created", v->created_ms);
    mt_put_instant(&p, "changed", v->changed_ms);
    if (!kind || v->major != kind->major) {
        mt_put_bool(&p, "unreadable", true); /* written by a version that we do not know */
        mt_put_map_end(&p);
        return;
    }
    if (detail)
        mt_put_str(&p, "record", kind->name);
    if (v->kind == MT_KIND_ORG)
        put_org(q, v, &p);
    put_fields(q, v, kind, put_derived(q, v, kind, detail, &p), &p);
    mt_put_map_end(&p);
}
