#include "schema_ident.h"

#include "limits.h"
#include "schema_vocab.h"

/* What a number looks like: 9 a digit, A a capital or digit, NULL anything printable. */
static const char *shape_of(uint16_t scheme) {
    switch ((enum mt_scheme)scheme) {
    case MT_SCHEME_BRIN:
        return "99AA";
    case MT_SCHEME_BRIN_LOCATION:
        return "99AA99";
    case MT_SCHEME_KVK:
        return "99999999";
    case MT_SCHEME_KVK_LOCATION:
        return "999999999999";
    case MT_SCHEME_RSIN:
        return "999999999";
    case MT_SCHEME_OIN:
        return "99999999999999999999";
    case MT_SCHEME_LEERBEDRIJF:
    case MT_SCHEME_RIO:
        break;
    }
    return NULL;
}

static bool has_shape(struct mt_slice value, const char *shape) {
    if (value.n != strlen(shape))
        return false;
    for (size_t i = 0; i < value.n; i++) {
        uint8_t c = value.p[i];
        if (!(c >= '0' && c <= '9') && !(shape[i] == 'A' && c >= 'A' && c <= 'Z'))
            return false;
    }
    return true;
}

bool mt_ident_valid(uint16_t scheme, struct mt_slice value) {
    if (!mt_vocab_code(&mt_vocab_schemes, scheme) || value.n == 0 || value.n > MT_IDENT_MAX)
        return false;
    const char *shape = shape_of(scheme);
    if (shape)
        return has_shape(value, shape);
    for (size_t i = 0; i < value.n; i++) {
        uint8_t c = value.p[i];
        if (c <= ' ' || c >= 0x7f || c == '|' || (c >= 'a' && c <= 'z'))
            return false;
    }
    return true;
}

/* Copies without spaces and with capitals. */
static bool normalise(struct mt_slice text, struct mt_ident *out) {
    out->n = 0;
    for (size_t i = 0; i < text.n; i++) {
        uint8_t c = text.p[i];
        if (c == ' ')
            continue;
        if (out->n == MT_IDENT_MAX)
            return false;
        out->value[out->n++] = c >= 'a' && c <= 'z' ? (uint8_t)(c - 'a' + 'A') : c;
    }
    return true;
}

static bool guess(struct mt_ident *id) {
    static const uint16_t schemes[] = {MT_SCHEME_BRIN, MT_SCHEME_BRIN_LOCATION, MT_SCHEME_KVK,
                                       MT_SCHEME_KVK_LOCATION, MT_SCHEME_OIN};
    for (size_t i = 0; i < MT_ARRAY_LEN(schemes); i++) {
        id->scheme = schemes[i];
        if (mt_ident_valid(id->scheme, mt_slice(id->value, id->n)))
            return true;
    }
    return false;
}

enum mt_text_err mt_ident_parse(struct mt_slice text, struct mt_ident *out) {
    struct mt_slice rest = text;
    struct mt_slice scheme = mt_text_cut(&rest, ':');
    *out = (struct mt_ident){.scheme = 0};
    if (!rest.p)
        return normalise(text, out) && guess(out) ? MT_TEXT_OK : MT_TEXT_NOT_IDENT;
    const struct mt_vocab_entry *e = mt_vocab_named(&mt_vocab_schemes, scheme);
    if (!e || !normalise(rest, out))
        return MT_TEXT_NOT_IDENT;
    out->scheme = e->code;
    /* People call the number of a location BRIN as well. */
    if (out->scheme == MT_SCHEME_BRIN && out->n == 6)
        out->scheme = MT_SCHEME_BRIN_LOCATION;
    return mt_ident_valid(out->scheme, mt_slice(out->value, out->n)) ? MT_TEXT_OK
                                                                     : MT_TEXT_NOT_IDENT;
}

int mt_ident_cmp(const struct mt_ident *a, const struct mt_ident *b) {
    if (a->scheme != b->scheme)
        return a->scheme < b->scheme ? -1 : 1;
    int order = memcmp(a->value, b->value, a->n < b->n ? a->n : b->n);
    return order ? order : (int)a->n - (int)b->n;
}

bool mt_ident_get(struct mt_reader *r, struct mt_ident *out) {
    *out = (struct mt_ident){.scheme = 0};
    (void)mt_wire_array(r, 2, 2);
    out->scheme = (uint16_t)mt_wire_uint(r, UINT16_MAX);
    struct mt_slice value = mt_wire_str(r, MT_IDENT_MAX);
    if (r->err == MT_OK && !mt_ident_valid(out->scheme, value))
        r->err = MT_EVALUE;
    if (r->err != MT_OK)
        return false;
    out->n = (uint8_t)value.n;
    memcpy(out->value, value.p, value.n);
    return true;
}

/* The scheme of the locations of what `scheme` names, 0 when it has none. */
static uint16_t location_of(uint16_t scheme) {
    return scheme == MT_SCHEME_BRIN  ? MT_SCHEME_BRIN_LOCATION
           : scheme == MT_SCHEME_KVK ? MT_SCHEME_KVK_LOCATION
                                     : 0;
}

enum { IDENTS_COMPARED_MAX = 16 };

static size_t read_all(struct mt_slice value, struct mt_ident out[static IDENTS_COMPARED_MAX]) {
    struct mt_reader r;
    if (mt_wire_open(&r, value, MT_WIRE_CANONICAL, MT_STRING_MAX) != MT_OK)
        return 0;
    size_t n = 0, left = mt_wire_array(&r, 0, MT_LIST_MAX);
    while (left-- && n < IDENTS_COMPARED_MAX && mt_ident_get(&r, &out[n]))
        n++;
    return n;
}

static bool has_scheme(const struct mt_ident *ids, size_t n, uint16_t scheme) {
    for (size_t i = 0; i < n; i++)
        if (ids[i].scheme == scheme)
            return true;
    return false;
}

bool mt_ident_same(struct mt_slice a, struct mt_slice b) {
    struct mt_ident x[IDENTS_COMPARED_MAX], y[IDENTS_COMPARED_MAX];
    size_t n = read_all(a, x), m = read_all(b, y);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < m; j++) {
            if (mt_ident_cmp(&x[i], &y[j]) != 0)
                continue;
            uint16_t location = location_of(x[i].scheme);
            if (location == 0 || !has_scheme(x, n, location) || !has_scheme(y, m, location))
                return true;
        }
    }
    return false;
}
