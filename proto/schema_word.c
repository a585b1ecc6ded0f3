#include "schema.h"

static bool is_blank(uint8_t c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_nbsp(const uint8_t *p, size_t n) {
    return n >= 2 && p[0] == 0xc2 && p[1] == 0xa0;
}

struct mt_slice mt_text_trim(struct mt_slice s) {
    for (;;) {
        size_t cut = s.n == 0 ? 0 : is_blank(s.p[0]) ? 1 : is_nbsp(s.p, s.n) ? 2 : 0;
        if (cut == 0)
            break;
        s.p += cut;
        s.n -= cut;
    }
    for (;;) {
        if (s.n > 0 && is_blank(s.p[s.n - 1]))
            s.n -= 1;
        else if (s.n > 1 && is_nbsp(s.p + s.n - 2, 2))
            s.n -= 2;
        else
            return s;
    }
}

struct mt_slice mt_text_cut(struct mt_slice *rest, char sep) {
    struct mt_slice part = *rest;
    const uint8_t *at = part.n ? memchr(part.p, sep, part.n) : NULL;
    if (!at) {
        *rest = mt_slice(NULL, 0);
        return part;
    }
    part.n = (size_t)(at - part.p);
    *rest = mt_slice(at + 1, rest->n - part.n - 1);
    return part;
}

/* Bytes of a separator at the front of `s`, 0 when there is none. */
static size_t separator(struct mt_slice s) {
    if (s.n && (s.p[0] == ' ' || s.p[0] == '-' || s.p[0] == '_' || s.p[0] == '\t'))
        return 1;
    return is_nbsp(s.p, s.n) ? 2 : 0;
}

/* Takes the next letter in the form words are compared in; 0 at the end. Letters of two bytes are
 * folded when they are in Latin-1, others are compared as they stand. */
static uint32_t next_folded(struct mt_slice *s) {
    if (s->n == 0)
        return 0;
    size_t blank = separator(*s);
    if (blank) {
        for (; blank; blank = separator(*s)) {
            s->p += blank;
            s->n -= blank;
        }
        return ' ';
    }
    uint32_t c = s->p[0];
    size_t take = 1;
    if (c >= 'A' && c <= 'Z') {
        c += 'a' - 'A';
    } else if (c == 0xc3 && s->n >= 2) {
        uint32_t low = s->p[1];
        if (low >= 0x80 && low <= 0x9e && low != 0x97)
            low += 0x20;
        c = c << 8 | low;
        take = 2;
    } else if (s->n >= 3 && memcmp(s->p, "\xe2\x80\x99", 3) == 0) {
        c = '\''; /* the apostrophe that word processors put */
        take = 3;
    }
    s->p += take;
    s->n -= take;
    return c;
}

bool mt_text_same(struct mt_slice a, struct mt_slice b) {
    for (;;) {
        uint32_t x = next_folded(&a), y = next_folded(&b);
        if (x != y)
            return false;
        if (x == 0)
            return a.n == b.n;
    }
}

/* Most words differ in their first letter; that is seen without folding. */
static bool may_be_same(struct mt_slice text, uint8_t first) {
    if (text.n == 0)
        return first == 0;
    uint8_t a = text.p[0] | 0x20, b = first | 0x20;
    bool letters = a >= 'a' && a <= 'z' && b >= 'a' && b <= 'z';
    return !letters || a == b;
}

static bool same(struct mt_slice text, const char *word) {
    return may_be_same(text, (uint8_t)word[0]) && mt_text_same(text, mt_slice_str(word));
}

static bool among(struct mt_slice text, const char *words) {
    struct mt_slice rest = words ? mt_slice_str(words) : mt_slice(NULL, 0);
    while (rest.p) {
        struct mt_slice word = mt_text_cut(&rest, '|');
        if (may_be_same(text, word.p[0]) && mt_text_same(text, word))
            return true;
    }
    return false;
}

/* True when `text` is the name, a label or one of the further spellings. */
static bool is_called(struct mt_slice text, const char *name, const char *const *label,
                      const char *further) {
    return same(text, name) || same(text, label[MT_LANG_EN]) || same(text, label[MT_LANG_NL]) ||
           among(text, further);
}

const struct mt_kind *mt_schema_kind_named(struct mt_slice name) {
    size_t n;
    const struct mt_kind *kinds = mt_schema_kinds(&n);
    name = mt_text_trim(name);
    for (size_t i = 0; i < n; i++)
        if (is_called(name, kinds[i].name, kinds[i].label, NULL))
            return &kinds[i];
    return NULL;
}

const struct mt_field *mt_schema_field(const struct mt_kind *kind, uint8_t no) {
    for (size_t i = 0; i < kind->n_fields && kind->fields[i].no <= no; i++)
        if (kind->fields[i].no == no)
            return &kind->fields[i];
    return NULL;
}

const struct mt_field *mt_schema_field_named(const struct mt_kind *kind, struct mt_slice name) {
    name = mt_text_trim(name);
    for (size_t i = 0; i < kind->n_fields; i++) {
        const struct mt_field *f = &kind->fields[i];
        if (is_called(name, f->name, f->label, f->csv))
            return f;
    }
    return NULL;
}

const struct mt_vocab_entry *mt_vocab_code(const struct mt_vocab *vocab, uint64_t code) {
    for (size_t i = 0; i < vocab->n; i++)
        if (vocab->entries[i].code == code)
            return &vocab->entries[i];
    return NULL;
}

const struct mt_vocab_entry *mt_vocab_named(const struct mt_vocab *vocab, struct mt_slice text) {
    text = mt_text_trim(text);
    for (size_t i = 0; i < vocab->n; i++) {
        const struct mt_vocab_entry *e = &vocab->entries[i];
        if (is_called(text, e->name, e->label, e->aliases))
            return e;
    }
    return NULL;
}
