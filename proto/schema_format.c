#include "limits.h"
#include "record.h"
#include "schema.h"
#include "schema_check.h"
#include "schema_ident.h"
#include "schema_when.h"

static void put(struct mt_writer *out, const char *s) {
    mt_writer_put(out, s, strlen(s));
}

/* Writes `v` with at least `width` digits. */
static void put_number(struct mt_writer *out, uint64_t v, int width) {
    uint8_t digits[20];
    int n = 0;
    do {
        digits[n++] = (uint8_t)('0' + v % 10);
        v /= 10;
    } while (v);
    while (width-- > n)
        mt_writer_u8(out, '0');
    while (n)
        mt_writer_u8(out, digits[--n]);
}

static void put_hex(struct mt_writer *out, const uint8_t *p, size_t n) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        mt_writer_u8(out, (uint8_t)digits[p[i] >> 4]);
        mt_writer_u8(out, (uint8_t)digits[p[i] & 15]);
    }
}

static void put_date(struct mt_writer *out, uint32_t day) {
    int year, month, dom;
    mt_day_to_ymd(day, &year, &month, &dom);
    put_number(out, (uint64_t)year, 4);
    put(out, "-");
    put_number(out, (uint64_t)month, 2);
    put(out, "-");
    put_number(out, (uint64_t)dom, 2);
}

static void put_clock(struct mt_writer *out, uint64_t minutes) {
    put_number(out, minutes / 60, 2);
    put(out, ":");
    put_number(out, minutes % 60, 2);
}

static void put_instant(struct mt_writer *out, uint64_t ms) {
    put_date(out, (uint32_t)(ms / 86400000));
    put(out, "T");
    put_clock(out, ms / 60000 % 1440);
    put(out, ":");
    put_number(out, ms / 1000 % 60, 2);
    put(out, ".");
    put_number(out, ms % 1000, 3);
    put(out, "Z");
}

static void put_cents(struct mt_writer *out, uint64_t cents, int lang) {
    put_number(out, cents / 100, 1);
    put(out, lang == MT_LANG_NL ? "," : ".");
    put_number(out, cents % 100, 2);
}

static void put_word(struct mt_writer *out, const struct mt_field *f, uint64_t code, int lang) {
    const struct mt_vocab_entry *e = mt_vocab_code(f->vocab, code);
    if (e)
        put(out, lang >= 0 && lang < MT_LANG_COUNT ? e->label[lang] : e->name);
}

static void put_bool(struct mt_writer *out, bool v, int lang) {
    static const char *const words[][2] = {{"no", "yes"}, {"nee", "ja"}};
    put(out, lang >= 0 && lang < MT_LANG_COUNT ? words[lang][v] : v ? "true" : "false");
}

static void put_ref(struct mt_writer *out, struct mt_reader *r) {
    struct mt_ref ref;
    if (mt_ref_get(r, &ref) != MT_OK)
        return;
    const struct mt_kind *kind = mt_schema_kind(ref.kind);
    put(out, kind ? kind->name : "?");
    put(out, ":");
    put_hex(out, ref.id.b, sizeof ref.id.b);
}

static void put_ident(struct mt_writer *out, const struct mt_field *f, struct mt_reader *r) {
    struct mt_ident id;
    if (!mt_ident_get(r, &id))
        return;
    put_word(out, f, id.scheme, -1); /* a label would not be read back */
    put(out, ":");
    mt_writer_put(out, id.value, id.n);
}

/* One value, or one element of a list. The bytes were checked. */
static void put_one(struct mt_writer *out, const struct mt_field *f, struct mt_reader *r,
                    int lang) {
    struct mt_slice s;
    uint64_t v;
    switch (f->type) {
    case MT_FIELD_STR:
    case MT_FIELD_TEXT:
    case MT_FIELD_STRS:
        s = mt_wire_str(r, SIZE_MAX);
        mt_writer_put(out, s.p, s.n);
        return;
    case MT_FIELD_BIN:
        s = mt_wire_bin(r, SIZE_MAX);
        put_hex(out, s.p, s.n);
        return;
    case MT_FIELD_BOOL:
        put_bool(out, mt_wire_bool(r), lang);
        return;
    case MT_FIELD_REF:
    case MT_FIELD_REFS:
        put_ref(out, r);
        return;
    case MT_FIELD_IDENTS:
        put_ident(out, f, r);
        return;
    default:
        break;
    }
    v = mt_wire_uint(r, UINT64_MAX);
    if (f->type == MT_FIELD_UINT)
        put_number(out, v, 1);
    else if (f->type == MT_FIELD_CENTS)
        put_cents(out, v, lang);
    else if (f->type == MT_FIELD_DATE)
        put_date(out, (uint32_t)v);
    else if (f->type == MT_FIELD_CLOCK)
        put_clock(out, v);
    else if (f->type == MT_FIELD_INSTANT)
        put_instant(out, v);
    else if (f->type == MT_FIELD_WEEK) {
        put_number(out, v / 100, 4);
        put(out, "-W");
        put_number(out, v % 100, 2);
    } else {
        put_word(out, f, v, lang);
    }
}

void mt_schema_format(const struct mt_field *f, struct mt_slice value, int lang,
                      struct mt_writer *out) {
    struct mt_reader r;
    enum mt_text_err checked = mt_schema_check(f, value);
    if (mt_wire_open(&r, value, MT_WIRE_CANONICAL, MT_BOX_MAX) != MT_OK) {
        put(out, "?");
        return;
    }
    if (mt_wire_peek(&r) == MT_WIRE_NIL)
        return;
    /* What another version allows more of is still shown. */
    if (checked != MT_TEXT_OK && checked != MT_TEXT_TOO_LONG && checked != MT_TEXT_TOO_LARGE) {
        put(out, "?");
        return;
    }
    uint32_t n = 1;
    if (f->type == MT_FIELD_STRS || f->type == MT_FIELD_ENUMS || f->type == MT_FIELD_REFS ||
        f->type == MT_FIELD_IDENTS)
        n = mt_wire_array(&r, 0, MT_LIST_MAX);
    for (uint32_t i = 0; i < n; i++) {
        if (i)
            put(out, "|");
        put_one(out, f, &r, lang);
    }
}
