#include "limits.h"
#include "record.h"
#include "schema.h"
#include "schema_check.h"
#include "schema_ident.h"
#include "schema_when.h"

static bool is_continuation_in(struct mt_slice s, size_t at, uint8_t from, uint8_t to) {
    return at < s.n && s.p[at] >= from && s.p[at] <= to;
}

/* Control characters hide what a text says: C0, DEL, C1, and the marks that turn the direction of
 * writing (U+202A-202E, U+2066-2069). */
static bool is_control(struct mt_slice s, size_t at) {
    uint8_t c = s.p[at];
    if (c < 0x20 || c == 0x7f)
        return true;
    if (c == 0xc2)
        return is_continuation_in(s, at + 1, 0x80, 0x9f);
    if (c != 0xe2 || at + 2 >= s.n)
        return false;
    return (s.p[at + 1] == 0x80 && is_continuation_in(s, at + 2, 0xaa, 0xae)) ||
           (s.p[at + 1] == 0x81 && is_continuation_in(s, at + 2, 0xa6, 0xa9));
}

/* True when the eight bytes at `p` are printable ASCII: most text, taken in one step. */
static bool is_plain8(const uint8_t *p) {
    const uint64_t each = UINT64_C(0x0101010101010101), high = each * 0x80;
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return ((v | (v - each * 0x20) | (v + each)) & high) == 0;
}

enum mt_text_err mt_text_check(const struct mt_field *f, struct mt_slice s) {
    if (s.n > (f->max ? f->max : MT_STRING_MAX))
        return MT_TEXT_TOO_LONG;
    if (!mt_utf8_valid(s))
        return MT_TEXT_NOT_TEXT;
    for (size_t i = 0; i < s.n; i++) {
        if (f->type != MT_FIELD_STRS && s.n - i >= 8 && is_plain8(s.p + i)) {
            i += 7;
            continue;
        }
        bool layout = f->type == MT_FIELD_TEXT && (s.p[i] == '\n' || s.p[i] == '\t');
        if ((!layout && is_control(s, i)) || (f->type == MT_FIELD_STRS && s.p[i] == '|'))
            return MT_TEXT_NOT_TEXT;
    }
    return MT_TEXT_OK;
}

enum mt_text_err mt_number_check(const struct mt_field *f, uint64_t v) {
    if (v < f->min)
        return MT_TEXT_TOO_SMALL;
    return v > (f->max ? f->max : MT_SCHEMA_NUMBER_MAX) ? MT_TEXT_TOO_LARGE : MT_TEXT_OK;
}

enum mt_text_err mt_type_err(enum mt_field_type type) {
    static const uint8_t err[] = {
        [MT_FIELD_STR] = MT_TEXT_NOT_TEXT,     [MT_FIELD_TEXT] = MT_TEXT_NOT_TEXT,
        [MT_FIELD_STRS] = MT_TEXT_NOT_TEXT,    [MT_FIELD_UINT] = MT_TEXT_NOT_NUMBER,
        [MT_FIELD_CENTS] = MT_TEXT_NOT_NUMBER, [MT_FIELD_BOOL] = MT_TEXT_NOT_BOOL,
        [MT_FIELD_DATE] = MT_TEXT_NOT_DATE,    [MT_FIELD_CLOCK] = MT_TEXT_NOT_CLOCK,
        [MT_FIELD_WEEK] = MT_TEXT_NOT_WEEK,    [MT_FIELD_ENUM] = MT_TEXT_NOT_WORD,
        [MT_FIELD_ENUMS] = MT_TEXT_NOT_WORD,   [MT_FIELD_REF] = MT_TEXT_NOT_REF,
        [MT_FIELD_REFS] = MT_TEXT_NOT_REF,     [MT_FIELD_IDENTS] = MT_TEXT_NOT_IDENT,
        [MT_FIELD_BIN] = MT_TEXT_NOT_TEXT,     [MT_FIELD_INSTANT] = MT_TEXT_NOT_DATE,
    };
    return (enum mt_text_err)err[type];
}

static bool is_list(enum mt_field_type type) {
    return type == MT_FIELD_STRS || type == MT_FIELD_ENUMS || type == MT_FIELD_REFS ||
           type == MT_FIELD_IDENTS;
}

/* One number that is no plain UINT. */
static bool number_fits(const struct mt_field *f, uint64_t v) {
    switch (f->type) {
    case MT_FIELD_DATE:
        return v >= 1 && v <= MT_DAY_MAX;
    case MT_FIELD_CLOCK:
        return v < 24 * 60;
    case MT_FIELD_WEEK:
        return v <= UINT32_MAX && mt_week_to_day((uint32_t)v) != 0;
    case MT_FIELD_INSTANT:
        return v <= MT_INSTANT_MAX;
    default:
        return mt_vocab_code(f->vocab, v) != NULL;
    }
}

/* Checks the next value, or the next element of a list. A wrong type sticks in `r`. */
static enum mt_text_err check_one(const struct mt_field *f, struct mt_reader *r) {
    struct mt_ref ref;
    switch (f->type) {
    case MT_FIELD_STR:
    case MT_FIELD_TEXT:
    case MT_FIELD_STRS:
        return mt_text_check(f, mt_wire_str(r, SIZE_MAX));
    case MT_FIELD_UINT:
    case MT_FIELD_CENTS:
        if (mt_wire_peek(r) == MT_WIRE_NEGATIVE)
            return MT_TEXT_TOO_SMALL;
        return mt_number_check(f, mt_wire_uint(r, UINT64_MAX));
    case MT_FIELD_BOOL:
        (void)mt_wire_bool(r);
        return MT_TEXT_OK;
    case MT_FIELD_REF:
    case MT_FIELD_REFS:
        if (mt_ref_get(r, &ref) != MT_OK || (f->ref_kind && ref.kind != f->ref_kind))
            return MT_TEXT_NOT_REF;
        return MT_TEXT_OK;
    case MT_FIELD_BIN: {
        struct mt_slice bin = mt_wire_bin(r, SIZE_MAX);
        bool fits = bin.n >= f->min && bin.n <= (f->max ? f->max : MT_STRING_MAX);
        return fits ? MT_TEXT_OK : MT_TEXT_NOT_TEXT;
    }
    default:
        return number_fits(f, mt_wire_uint(r, UINT64_MAX)) ? MT_TEXT_OK : mt_type_err(f->type);
    }
}

/* Elements that have an order are there once. */
static enum mt_text_err check_list(const struct mt_field *f, struct mt_reader *r) {
    enum mt_text_err err = MT_TEXT_OK;
    struct mt_ident id, last = {.scheme = 0};
    uint64_t code = 0;
    uint32_t n = mt_wire_array(r, 0, UINT32_MAX);
    if (r->err == MT_OK && n > MT_LIST_MAX)
        return MT_TEXT_TOO_MANY;
    if (n == 0)
        return mt_type_err(f->type); /* an empty list is nil */
    for (uint32_t i = 0; i < n && err == MT_TEXT_OK && r->err == MT_OK; i++) {
        if (f->type == MT_FIELD_IDENTS) {
            if (!mt_ident_get(r, &id) || mt_ident_cmp(&last, &id) >= 0)
                return MT_TEXT_NOT_IDENT;
            last = id;
        } else if (f->type == MT_FIELD_ENUMS) {
            uint64_t next = mt_wire_uint(r, UINT16_MAX);
            err = next > code && number_fits(f, next) ? MT_TEXT_OK : MT_TEXT_NOT_WORD;
            code = next;
        } else {
            err = check_one(f, r);
        }
    }
    return err;
}

enum mt_text_err mt_schema_check(const struct mt_field *f, struct mt_slice value) {
    struct mt_reader r;
    if (mt_wire_open(&r, value, MT_WIRE_CANONICAL, MT_BOX_MAX) != MT_OK)
        return mt_type_err(f->type);
    if (mt_wire_peek(&r) == MT_WIRE_NIL)
        return f->flags & MT_FIELD_REQUIRED ? MT_TEXT_MISSING : MT_TEXT_OK;
    enum mt_text_err err = is_list(f->type) ? check_list(f, &r) : check_one(f, &r);
    return r.err != MT_OK && err != MT_TEXT_TOO_MANY ? mt_type_err(f->type) : err;
}

/* ---- whole records ---- */

/* Values of the known fields by number; an absent one and nil have a NULL `p`. */
struct values {
    struct mt_slice of[MT_FIELDS_MAX];
};

static uint64_t number_of(const struct values *v, uint8_t no) {
    struct mt_reader r = mt_reader(v->of[no]);
    return mt_wire_uint(&r, UINT64_MAX);
}

/* Pairs of which the second must not be before the first. `bound`: nor stand without it, since it
 * says nothing alone. */
static const struct {
    uint16_t kind;
    uint8_t first, last;
    bool bound;
} spans[] = {
    {MT_KIND_ACTIVITY, MT_ACTIVITY_DATE, MT_ACTIVITY_END_DATE, true},
    {MT_KIND_ACTIVITY, MT_ACTIVITY_WEEK, MT_ACTIVITY_END_WEEK, true},
    {MT_KIND_SIGNUP, MT_SIGNUP_DATE, MT_SIGNUP_END_DATE, true},
    {MT_KIND_STAGEPLEK, MT_STAGEPLEK_FROM, MT_STAGEPLEK_UNTIL, false},
    {MT_KIND_PLACEMENT, MT_PLACEMENT_FROM, MT_PLACEMENT_UNTIL, false},
    {MT_KIND_REPRESENTS, MT_REPRESENTS_FROM, MT_REPRESENTS_UNTIL, false},
    {MT_KIND_SERIES, MT_SERIES_FROM, MT_SERIES_UNTIL, false},
    {MT_KIND_PERIOD, MT_PERIOD_FROM, MT_PERIOD_UNTIL, false},
    {MT_KIND_ASSET, MT_ASSET_FROM, MT_ASSET_UNTIL, false},
    {MT_KIND_AGREEMENT, MT_AGREEMENT_FROM, MT_AGREEMENT_UNTIL, false},
    {MT_KIND_MEETING, MT_MEETING_START, MT_MEETING_END, false},
};

static bool backwards(const struct values *v, uint8_t first, uint8_t last) {
    return v->of[first].p && v->of[last].p && number_of(v, last) < number_of(v, first);
}

/* Times of the day are in order when start and end are on one day. */
static bool clock_backwards(const struct values *v, uint8_t date, uint8_t end_date, uint8_t start,
                            uint8_t end) {
    bool longer =
        v->of[end_date].p && (!v->of[date].p || number_of(v, end_date) > number_of(v, date));
    return !longer && backwards(v, start, end);
}

/* A week and a day that does not lie in it contradict each other. */
static bool is_outside_week(const struct values *v) {
    if (!v->of[MT_ACTIVITY_DATE].p || !v->of[MT_ACTIVITY_WEEK].p)
        return false;
    uint8_t last_no = v->of[MT_ACTIVITY_END_WEEK].p ? MT_ACTIVITY_END_WEEK : MT_ACTIVITY_WEEK;
    uint64_t date = number_of(v, MT_ACTIVITY_DATE);
    uint32_t monday = mt_week_to_day((uint32_t)number_of(v, MT_ACTIVITY_WEEK));
    uint32_t last = mt_week_to_day((uint32_t)number_of(v, last_no));
    return date < monday || date > last + 6;
}

static const struct mt_field *check_order(const struct mt_kind *kind, const struct values *v) {
    for (size_t i = 0; i < MT_ARRAY_LEN(spans); i++)
        if (spans[i].kind == kind->no && backwards(v, spans[i].first, spans[i].last))
            return mt_schema_field(kind, spans[i].last);
    if (kind->no == MT_KIND_ACTIVITY && clock_backwards(v, MT_ACTIVITY_DATE, MT_ACTIVITY_END_DATE,
                                                        MT_ACTIVITY_START, MT_ACTIVITY_END))
        return mt_schema_field(kind, MT_ACTIVITY_END);
    if (kind->no == MT_KIND_SIGNUP &&
        clock_backwards(v, MT_SIGNUP_DATE, MT_SIGNUP_END_DATE, MT_SIGNUP_START, MT_SIGNUP_END))
        return mt_schema_field(kind, MT_SIGNUP_END);
    return NULL;
}

static const struct mt_field *check_missing(const struct mt_kind *kind, const struct values *v) {
    for (size_t i = 0; i < kind->n_fields; i++)
        if ((kind->fields[i].flags & MT_FIELD_REQUIRED) && !v->of[kind->fields[i].no].p)
            return &kind->fields[i];
    /* A sign-up is for an activity or books an asset. */
    if (kind->no == MT_KIND_SIGNUP && !v->of[MT_SIGNUP_ACTIVITY].p && !v->of[MT_SIGNUP_ASSET].p)
        return mt_schema_field(kind, MT_SIGNUP_ACTIVITY);
    return NULL;
}

static bool is_set(struct mt_slice fields, uint8_t no) {
    struct mt_slice value;
    if (mt_fields_find(fields, no, &value) != MT_OK)
        return false;
    struct mt_reader r = mt_reader(value);
    return mt_wire_peek(&r) != MT_WIRE_NIL;
}

const struct mt_field *mt_schema_no_start(const struct mt_kind *kind, struct mt_slice fields) {
    for (size_t i = 0; i < MT_ARRAY_LEN(spans); i++)
        if (spans[i].kind == kind->no && spans[i].bound && is_set(fields, spans[i].last) &&
            !is_set(fields, spans[i].first))
            return mt_schema_field(kind, spans[i].last);
    return NULL;
}

enum mt_text_err mt_schema_check_fields(const struct mt_kind *kind, struct mt_slice fields,
                                        bool complete, const struct mt_field **bad) {
    struct values values = {0};
    struct mt_fields it;
    struct mt_slice value;
    uint8_t no;
    *bad = NULL;
    if (mt_fields_open(&it, fields) != MT_OK)
        return MT_TEXT_NOT_TEXT;
    while (mt_fields_next(&it, &no, &value)) {
        const struct mt_field *f = mt_schema_field(kind, no);
        if (!f)
            continue; /* of a later minor version */
        enum mt_text_err err = mt_schema_check(f, value);
        if (err != MT_TEXT_OK) {
            *bad = f;
            return err;
        }
        struct mt_reader r = mt_reader(value);
        if (mt_wire_peek(&r) != MT_WIRE_NIL)
            values.of[no] = value;
    }
    *bad = complete ? check_missing(kind, &values) : NULL;
    if (*bad)
        return MT_TEXT_MISSING;
    *bad = complete ? mt_schema_no_start(kind, fields) : NULL;
    if (*bad)
        return MT_TEXT_NO_START;
    *bad = check_order(kind, &values);
    if (*bad)
        return MT_TEXT_ORDER;
    if (kind->no != MT_KIND_ACTIVITY || !is_outside_week(&values))
        return MT_TEXT_OK;
    *bad = mt_schema_field(kind, MT_ACTIVITY_DATE);
    return MT_TEXT_OUTSIDE;
}
