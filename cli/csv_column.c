#include "csv_column.h"

#include "schema_vocab.h"

/* Headings of the open data of DUO that are more than another name of a field. */
static const struct {
    const char *heading;
    uint8_t field;
    enum csv_rule rule;
} org_rules[] = {
    {"PLAATSNAAM", MT_ORG_PLACE, CSV_TOWN},
    {"GEMEENTENAAM", MT_ORG_MUNICIPALITY, CSV_TOWN},
    {"STRAATNAAM", MT_ORG_ADDRESS, CSV_AS_IT_IS},
    {"STRAAT", MT_ORG_ADDRESS, CSV_AS_IT_IS},
    {"HUISNUMMER-TOEVOEGING", MT_ORG_ADDRESS, CSV_AS_IT_IS},
    {"HUISNUMMER", MT_ORG_ADDRESS, CSV_AS_IT_IS},
    {"ONDERWIJSSTRUCTUUR", MT_ORG_KIND, CSV_STRUCTURE},
};

void csv_columns_init(struct csv_columns *c) {
    *c = (struct csv_columns){.id = -1};
}

/* The target of `field`, made in its place when it is new. */
static struct csv_target *target_of(struct csv_columns *c, const struct mt_field *field) {
    size_t at = 0;
    while (at < c->n_targets && c->targets[at].field->no < field->no)
        at++;
    struct csv_target *t = &c->targets[at];
    if (at == c->n_targets || t->field != field) {
        memmove(t + 1, t, (c->n_targets - at) * sizeof *t);
        *t = (struct csv_target){.field = field};
        c->n_targets++;
        c->filled |= UINT64_C(1) << field->no;
    }
    return t;
}

/* Finds what a heading names. False when it names nothing. */
static bool find(const struct mt_kind *kind, struct mt_slice heading, const struct mt_field **field,
                 struct csv_source *source, bool *shared) {
    for (size_t i = 0; kind->no == MT_KIND_ORG && i < MT_ARRAY_LEN(org_rules); i++) {
        if (!mt_text_same(heading, mt_slice_str(org_rules[i].heading)))
            continue;
        *field = mt_schema_field(kind, org_rules[i].field);
        source->rule = org_rules[i].rule;
        *shared = org_rules[i].field == MT_ORG_ADDRESS;
        return true;
    }
    *field = mt_schema_field_named(kind, heading);
    if (*field) {
        *shared = (*field)->type == MT_FIELD_IDENTS;
        return true;
    }
    const struct mt_vocab_entry *scheme = mt_vocab_named(&mt_vocab_schemes, heading);
    if (kind->no != MT_KIND_ORG || !scheme)
        return false;
    *field = mt_schema_field(kind, MT_ORG_IDENTIFIERS);
    source->rule = CSV_IDENTIFIER;
    source->scheme = scheme->name;
    *shared = true;
    return true;
}

enum csv_heading csv_columns_add(struct csv_columns *c, const struct mt_kind *kind,
                                 struct mt_slice heading) {
    struct csv_source source = {.column = (uint16_t)c->n, .rule = CSV_AS_IT_IS};
    const struct mt_field *field;
    bool shared = false;
    c->n++;
    heading = mt_text_trim(heading);
    if (mt_text_same(heading, mt_slice_str("id"))) {
        if (c->id >= 0)
            return CSV_HEADING_TWICE;
        c->id = source.column;
        return CSV_HEADING_USED;
    }
    if (heading.n == 0 || !find(kind, heading, &field, &source, &shared) ||
        (field->flags & MT_FIELD_PREPARED))
        return CSV_HEADING_UNKNOWN;
    struct csv_target *t = target_of(c, field);
    if (t->n == CSV_SOURCES_MAX || (t->n > 0 && !shared))
        return CSV_HEADING_TWICE;
    t->sources[t->n++] = source;
    return CSV_HEADING_USED;
}

const char *csv_column_glue(const struct mt_field *field) {
    return field->type == MT_FIELD_IDENTS ? "|" : " ";
}

/* ---- rules ---- */

static bool is_upper(uint8_t c) {
    return c >= 'A' && c <= 'Z';
}

static bool is_lower(uint8_t c) {
    return c >= 'a' && c <= 'z';
}

static void put_lower(struct mt_slice s, struct mt_writer *out) {
    for (size_t i = 0; i < s.n; i++) {
        bool accented =
            i > 0 && s.p[i - 1] == 0xc3 && s.p[i] >= 0x80 && s.p[i] <= 0x9e && s.p[i] != 0x97;
        mt_writer_u8(out, is_upper(s.p[i]) || accented ? (uint8_t)(s.p[i] + 32) : s.p[i]);
    }
}

static bool is_small_word(struct mt_slice s) {
    static const char *const words[] = {"EN",  "AAN", "DE",  "DEN", "DER", "OP", "BIJ",
                                        "VAN", "HET", "TER", "TEN", "'T",  "'S", "IN"};
    for (size_t i = 0; i < MT_ARRAY_LEN(words); i++)
        if (mt_slice_is(s, words[i]))
            return true;
    return false;
}

/* One word of the name of a place. "'T" and "'S" stay small in front too, as in 't Haantje. */
static void put_place_word(struct mt_slice word, bool first, struct mt_writer *out) {
    if (word.n == 0)
        return;
    if (is_small_word(word) && (!first || word.p[0] == '\'')) {
        put_lower(word, out);
        return;
    }
    size_t capitals = word.n >= 2 && memcmp(word.p, "IJ", 2) == 0 ? 2
                      : word.n >= 2 && word.p[0] == 0xc3          ? 2
                                                                  : 1;
    mt_writer_put(out, word.p, capitals);
    put_lower(mt_slice(word.p + capitals, word.n - capitals), out);
}

/* Only a name that is in capitals throughout is rewritten. */
static void put_town(struct mt_slice s, struct mt_writer *out) {
    bool upper = false, lower = false;
    for (size_t i = 0; i < s.n; i++) {
        upper = upper || is_upper(s.p[i]);
        lower = lower || is_lower(s.p[i]);
    }
    if (!upper || lower) {
        mt_writer_put(out, s.p, s.n);
        return;
    }
    size_t from = 0;
    for (size_t i = 0; i <= s.n; i++) {
        if (i < s.n && s.p[i] != ' ' && s.p[i] != '-' && s.p[i] != '/')
            continue;
        put_place_word(mt_slice(s.p + from, i - from), from == 0, out);
        if (i < s.n)
            mt_writer_u8(out, s.p[i]);
        from = i + 1;
    }
}

/* "VBO/MAVO/HAVO": VBO or MAVO make a vmbo school, PRO alone a pro school, anything else vo. */
static void put_structure(struct mt_slice s, struct mt_writer *out) {
    bool vmbo = false;
    bool pro = mt_text_same(s, mt_slice_str("PRO"));
    for (struct mt_slice rest = s; rest.p;) {
        struct mt_slice part = mt_text_trim(mt_text_cut(&rest, '/'));
        vmbo = vmbo || mt_text_same(part, mt_slice_str("VBO")) ||
               mt_text_same(part, mt_slice_str("MAVO")) || mt_text_same(part, mt_slice_str("VMBO"));
    }
    struct mt_slice kind = mt_slice_str(vmbo ? "vmbo" : pro ? "pro" : "vo");
    mt_writer_put(out, kind.p, kind.n);
}

void csv_column_put(const struct csv_source *source, struct mt_slice cell, struct mt_writer *out) {
    switch (source->rule) {
    case CSV_IDENTIFIER:
        mt_writer_put(out, source->scheme, strlen(source->scheme));
        mt_writer_u8(out, ':');
        mt_writer_put(out, cell.p, cell.n);
        return;
    case CSV_TOWN:
        put_town(cell, out);
        return;
    case CSV_STRUCTURE:
        put_structure(cell, out);
        return;
    case CSV_AS_IT_IS:
        mt_writer_put(out, cell.p, cell.n);
        return;
    }
}
