#include "limits.h"
#include "record.h"
#include "schema.h"
#include "schema_check.h"
#include "schema_ident.h"
#include "schema_when.h"

static bool is_digit(uint8_t c) {
    return c >= '0' && c <= '9';
}

/* Line breaks become LF where a text may have lines, else one space, as in a cell that was broken
 * by hand. */
static enum mt_text_err parse_str(const struct mt_field *f, struct mt_slice s,
                                  struct mt_writer *out) {
    uint8_t line[MT_STRING_MAX];
    size_t n = 0;
    bool lines = f->type == MT_FIELD_TEXT;
    if (s.n && memchr(s.p, lines ? '\r' : '\n', s.n)) {
        if (s.n > sizeof line)
            return MT_TEXT_TOO_LONG;
        for (size_t i = 0; i < s.n; i++) {
            bool crlf = s.p[i] == '\r' && i + 1 < s.n && s.p[i + 1] == '\n';
            if (crlf)
                continue;
            bool broken = s.p[i] == '\r' || s.p[i] == '\n';
            line[n++] = !broken ? s.p[i] : lines ? '\n' : ' ';
        }
        s = mt_slice(line, n);
    }
    enum mt_text_err err = mt_text_check(f, s);
    if (err == MT_TEXT_OK)
        mt_wire_put_str(out, s);
    return err;
}

static enum mt_text_err parse_uint(const struct mt_field *f, struct mt_slice s,
                                   struct mt_writer *out) {
    uint64_t v = 0;
    bool negative = s.n > 1 && s.p[0] == '-';
    for (size_t i = negative; i < s.n; i++) {
        if (!is_digit(s.p[i]))
            return MT_TEXT_NOT_NUMBER;
        if (v <= MT_SCHEMA_NUMBER_MAX)
            v = v * 10 + (uint64_t)(s.p[i] - '0');
    }
    if (negative && v > 0)
        return MT_TEXT_TOO_SMALL;
    enum mt_text_err err = mt_number_check(f, v);
    if (err == MT_TEXT_OK)
        mt_wire_put_uint(out, v);
    return err;
}

/* Takes the sign of the euro off the front. */
static struct mt_slice without_currency(struct mt_slice s) {
    static const char *const signs[] = {"\xe2\x82\xac", "EUR", "eur"};
    for (size_t i = 0; i < MT_ARRAY_LEN(signs); i++) {
        size_t n = strlen(signs[i]);
        if (s.n > n && memcmp(s.p, signs[i], n) == 0)
            return mt_text_trim(mt_slice(s.p + n, s.n - n));
    }
    return s;
}

/* Where the cents begin: behind the last point or comma when one or two digits follow it. */
static size_t decimals_at(struct mt_slice s) {
    for (size_t back = 1; back <= 2 && back < s.n; back++) {
        uint8_t c = s.p[s.n - 1 - back];
        if (c == ',' || c == '.')
            return s.n - 1 - back;
    }
    return s.n;
}

/* "1.250.000,50", "12.50", "12": a separator before the decimals stands before three digits. */
static enum mt_text_err parse_cents(const struct mt_field *f, struct mt_slice s,
                                    struct mt_writer *out) {
    s = without_currency(s);
    if (s.n > 1 && s.p[0] == '-')
        return MT_TEXT_TOO_SMALL;
    size_t point = decimals_at(s);
    uint64_t v = 0;
    for (size_t i = 0; i < point; i++) {
        bool separator = s.p[i] == '.' || s.p[i] == ',';
        if (separator ? i == 0 || (point - i) % 4 != 0 : !is_digit(s.p[i]))
            return MT_TEXT_NOT_NUMBER;
        if (!separator && v <= MT_SCHEMA_NUMBER_MAX)
            v = v * 10 + (uint64_t)(s.p[i] - '0');
    }
    uint64_t cents = 0;
    for (size_t i = point + 1; i < s.n; i++) {
        if (!is_digit(s.p[i]))
            return MT_TEXT_NOT_NUMBER;
        cents = cents * 10 + (uint64_t)(s.p[i] - '0') * (s.n - point == 2 ? 10 : 1);
    }
    if (point == 0)
        return MT_TEXT_NOT_NUMBER;
    v = v > MT_SCHEMA_NUMBER_MAX ? v : v * 100 + cents;
    enum mt_text_err err = mt_number_check(f, v);
    if (err == MT_TEXT_OK)
        mt_wire_put_uint(out, v);
    return err;
}

static enum mt_text_err parse_bool(struct mt_slice s, struct mt_writer *out) {
    static const char *const words[2] = {"nee|no|n|false|onwaar|0", "ja|yes|j|y|true|waar|x|1"};
    for (size_t v = 0; v < 2; v++) {
        struct mt_slice rest = mt_slice_str(words[v]);
        while (rest.p) {
            if (!mt_text_same(s, mt_text_cut(&rest, '|')))
                continue;
            mt_wire_put_bool(out, v == 1);
            return MT_TEXT_OK;
        }
    }
    return MT_TEXT_NOT_BOOL;
}

static int hex_digit(uint8_t c) {
    return is_digit(c)            ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* Reads 2 * `n` hexadecimal digits. */
static bool read_hex(struct mt_slice s, uint8_t *out, size_t n) {
    if (s.n != n * 2)
        return false;
    for (size_t i = 0; i < n; i++) {
        int high = hex_digit(s.p[2 * i]), low = hex_digit(s.p[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static enum mt_text_err parse_bin(const struct mt_field *f, struct mt_slice s,
                                  struct mt_writer *out) {
    uint8_t bin[MT_STRING_MAX];
    size_t n = s.n / 2;
    if (n > (f->max ? f->max : sizeof bin))
        return MT_TEXT_TOO_LONG;
    if (n < f->min || !read_hex(s, bin, n))
        return MT_TEXT_NOT_TEXT;
    mt_wire_put_bin(out, bin, n);
    return MT_TEXT_OK;
}

/* kind:idhex@ownerhex, with /channel behind it for a record of this channel */
static enum mt_text_err parse_ref(const struct mt_field *f, struct mt_slice s,
                                  struct mt_writer *out) {
    struct mt_ref ref = {.audience = 0};
    struct mt_slice channel = s;
    struct mt_slice owner = mt_text_cut(&channel, '/');
    struct mt_slice id = mt_text_cut(&owner, '@');
    if (channel.p && !mt_slice_is(channel, "channel"))
        return MT_TEXT_NOT_REF;
    ref.audience = channel.p ? 1 : 0;
    struct mt_slice name = mt_text_cut(&id, ':');
    const struct mt_kind *kind = id.p ? mt_schema_kind_named(name) : NULL;
    if (!kind || (f->ref_kind && kind->no != f->ref_kind) ||
        !read_hex(id, ref.id.b, sizeof ref.id.b) ||
        !read_hex(owner, ref.owner.b, sizeof ref.owner.b))
        return MT_TEXT_NOT_REF;
    ref.kind = kind->no;
    mt_ref_put(out, &ref);
    return MT_TEXT_OK;
}

static enum mt_text_err parse_word(const struct mt_field *f, struct mt_slice s,
                                   struct mt_writer *out) {
    const struct mt_vocab_entry *e = mt_vocab_named(f->vocab, s);
    if (!e)
        return MT_TEXT_NOT_WORD;
    mt_wire_put_uint(out, e->code);
    return MT_TEXT_OK;
}

static enum mt_text_err parse_when(const struct mt_field *f, struct mt_slice s, uint32_t today,
                                   struct mt_writer *out) {
    uint32_t v = 0;
    uint64_t ms = 0;
    enum mt_text_err err = f->type == MT_FIELD_DATE    ? mt_when_date(s, today, &v)
                           : f->type == MT_FIELD_CLOCK ? mt_when_clock(s, &v)
                           : f->type == MT_FIELD_WEEK  ? mt_when_week(s, today, &v)
                                                       : mt_when_instant(s, &ms);
    if (err == MT_TEXT_OK)
        mt_wire_put_uint(out, f->type == MT_FIELD_INSTANT ? ms : v);
    return err;
}

/* One value, or one element of a list of strings or references. */
static enum mt_text_err parse_one(const struct mt_field *f, struct mt_slice s, uint32_t today,
                                  struct mt_writer *out) {
    switch (f->type) {
    case MT_FIELD_STR:
    case MT_FIELD_TEXT:
    case MT_FIELD_STRS:
        return parse_str(f, s, out);
    case MT_FIELD_UINT:
        return parse_uint(f, s, out);
    case MT_FIELD_CENTS:
        return parse_cents(f, s, out);
    case MT_FIELD_BOOL:
        return parse_bool(s, out);
    case MT_FIELD_DATE:
    case MT_FIELD_CLOCK:
    case MT_FIELD_WEEK:
    case MT_FIELD_INSTANT:
        return parse_when(f, s, today, out);
    case MT_FIELD_REF:
    case MT_FIELD_REFS:
        return parse_ref(f, s, out);
    case MT_FIELD_BIN:
        return parse_bin(f, s, out);
    default:
        return parse_word(f, s, out);
    }
}

/* Lists that keep their order. The number of elements is known only after a first walk. */
static enum mt_text_err parse_list(const struct mt_field *f, struct mt_slice s,
                                   struct mt_writer *out) {
    size_t n = 0;
    for (struct mt_slice rest = s; rest.p;)
        n += mt_text_trim(mt_text_cut(&rest, '|')).n > 0;
    if (n > MT_LIST_MAX)
        return MT_TEXT_TOO_MANY;
    if (n == 0)
        mt_wire_put_nil(out);
    else
        mt_wire_put_array(out, n);
    enum mt_text_err err = MT_TEXT_OK;
    for (struct mt_slice rest = s; rest.p && err == MT_TEXT_OK;) {
        struct mt_slice part = mt_text_trim(mt_text_cut(&rest, '|'));
        if (part.n > 0)
            err = parse_one(f, part, 0, out);
    }
    return err;
}

/* Codes of words, ascending; 64 is more than any vocabulary has. */
struct codes {
    uint64_t mask; /* bit n: code n */
};

/* Adds the words of `s`. A label may itself hold a comma, so the whole is tried first. */
static enum mt_text_err add_words(const struct mt_vocab *vocab, struct mt_slice s,
                                  const char *separators, struct codes *codes) {
    s = mt_text_trim(s);
    const struct mt_vocab_entry *e = mt_vocab_named(vocab, s);
    if (s.n == 0)
        return MT_TEXT_OK;
    if (e) {
        codes->mask |= UINT64_C(1) << e->code;
        return MT_TEXT_OK;
    }
    while (*separators && !memchr(s.p, *separators, s.n))
        separators++;
    if (!*separators)
        return MT_TEXT_NOT_WORD;
    enum mt_text_err err = MT_TEXT_OK;
    for (struct mt_slice rest = s; rest.p && err == MT_TEXT_OK;) {
        struct mt_slice part = mt_text_trim(mt_text_cut(&rest, *separators));
        e = mt_vocab_named(vocab, part);
        if (e)
            codes->mask |= UINT64_C(1) << e->code;
        else if (part.n > 0)
            err = MT_TEXT_NOT_WORD;
    }
    return err;
}

static enum mt_text_err parse_words(const struct mt_field *f, struct mt_slice s,
                                    struct mt_writer *out) {
    struct codes codes = {0};
    for (struct mt_slice rest = s; rest.p;) {
        enum mt_text_err err = add_words(f->vocab, mt_text_cut(&rest, '|'), ",;/", &codes);
        if (err != MT_TEXT_OK)
            return err;
    }
    size_t n = 0;
    for (uint64_t left = codes.mask; left; left &= left - 1)
        n++;
    if (n == 0)
        mt_wire_put_nil(out);
    else
        mt_wire_put_array(out, n);
    for (unsigned code = 0; code < 64; code++)
        if (codes.mask >> code & 1)
            mt_wire_put_uint(out, code);
    return MT_TEXT_OK;
}

enum { IDENTS_MAX = 16 };

/* Puts `id` in its place; one that is there already is not put twice. */
static enum mt_text_err add_ident(struct mt_ident ids[static IDENTS_MAX], size_t *n,
                                  const struct mt_ident *id) {
    size_t at = *n;
    while (at > 0 && mt_ident_cmp(&ids[at - 1], id) > 0)
        at--;
    if (at > 0 && mt_ident_cmp(&ids[at - 1], id) == 0)
        return MT_TEXT_OK;
    if (*n == IDENTS_MAX)
        return MT_TEXT_TOO_MANY;
    memmove(&ids[at + 1], &ids[at], (*n - at) * sizeof ids[0]);
    ids[at] = *id;
    (*n)++;
    return MT_TEXT_OK;
}

static enum mt_text_err parse_idents(struct mt_slice s, struct mt_writer *out) {
    struct mt_ident ids[IDENTS_MAX], id;
    size_t n = 0;
    for (struct mt_slice rest = s; rest.p;) {
        struct mt_slice part = mt_text_trim(mt_text_cut(&rest, '|'));
        if (part.n == 0)
            continue;
        enum mt_text_err err = mt_ident_parse(part, &id);
        if (err == MT_TEXT_OK)
            err = add_ident(ids, &n, &id);
        if (err != MT_TEXT_OK)
            return err;
    }
    if (n == 0)
        mt_wire_put_nil(out);
    else
        mt_wire_put_array(out, n);
    for (size_t i = 0; i < n; i++) {
        mt_wire_put_array(out, 2);
        mt_wire_put_uint(out, ids[i].scheme);
        mt_wire_put_str(out, mt_slice(ids[i].value, ids[i].n));
    }
    return MT_TEXT_OK;
}

enum mt_text_err mt_schema_parse(const struct mt_field *f, struct mt_slice text,
                                 const struct mt_text_context *ctx, struct mt_writer *out) {
    size_t before = out->n;
    uint32_t today = ctx ? ctx->today : 0;
    enum mt_text_err err = MT_TEXT_OK;
    text = mt_text_trim(text);
    if (text.n == 0)
        mt_wire_put_nil(out);
    else if (f->type == MT_FIELD_ENUMS)
        err = parse_words(f, text, out);
    else if (f->type == MT_FIELD_IDENTS)
        err = parse_idents(text, out);
    else if (f->type == MT_FIELD_STRS || f->type == MT_FIELD_REFS)
        err = parse_list(f, text, out);
    else
        err = parse_one(f, text, today, out);
    if (err == MT_TEXT_OK && out->err != MT_OK)
        err = MT_TEXT_TOO_LONG;
    if (err != MT_TEXT_OK)
        out->n = before;
    return err;
}
