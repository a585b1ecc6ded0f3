#include "store_internal.h"

/* What others write is not checked when it is counted: a later day than an index holds is none. */
enum { NIL = 0xc0, CENTURIES_MAX = 999999, DAY_MAX = MT_INDEX_DAY_MAX };

_Static_assert(MT_LONG_DAYS < 1 << STORE_LASTS_BITS, "all that is not long can be told apart");

#define DAY_NONE UINT32_MAX

/* ---- what the schema says ---- */

static void kind_init(struct kind_info *info, const struct mt_kind *kind) {
    info->kind = kind;
    for (size_t i = 0; i < kind->n_fields; i++) {
        const struct mt_field *f = &kind->fields[i];
        uint64_t bit = UINT64_C(1) << f->no;
        if (f->type == MT_FIELD_REF || f->type == MT_FIELD_REFS)
            info->refs |= bit;
        if (f->flags & MT_FIELD_IDENTITY)
            info->identity |= bit;
        if (strcmp(f->name, "external") == 0)
            info->external = (int8_t)f->no;
        if (strcmp(f->name, "date") == 0 && f->type == MT_FIELD_DATE)
            info->date = (int8_t)f->no;
        if (strcmp(f->name, "from") == 0 && f->type == MT_FIELD_DATE)
            info->from = (int8_t)f->no;
        if (strcmp(f->name, "week") == 0 && f->type == MT_FIELD_WEEK)
            info->week = (int8_t)f->no;
        if (strcmp(f->name, "end_date") == 0 && f->type == MT_FIELD_DATE)
            info->end_date = (int8_t)f->no;
        if (strcmp(f->name, "until") == 0 && f->type == MT_FIELD_DATE)
            info->until = (int8_t)f->no;
        if (strcmp(f->name, "end_week") == 0 && f->type == MT_FIELD_WEEK)
            info->end_week = (int8_t)f->no;
    }
}

void mt_store_kinds_init(struct kind_info kinds[static MT_KIND_END]) {
    size_t n;
    const struct mt_kind *table = mt_schema_kinds(&n);
    for (size_t i = 0; i < MT_KIND_END; i++)
        kinds[i] = (struct kind_info){.external = -1,
                                      .date = -1,
                                      .from = -1,
                                      .week = -1,
                                      .end_date = -1,
                                      .until = -1,
                                      .end_week = -1};
    for (size_t i = 0; i < n; i++)
        if (table[i].no < MT_KIND_END)
            kind_init(&kinds[table[i].no], &table[i]);
}

/* ---- values ---- */

static bool is_set(struct mt_slice v) {
    return v.n > 0 && v.p[0] != NIL;
}

static const struct mt_slice *field_of(const struct values *values, int8_t no) {
    return no >= 0 && is_set(values->v[no]) ? &values->v[no] : NULL;
}

/* Content is not checked against the schema when it is counted: what is no number is no day. */
static uint32_t day_in(const struct values *values, int8_t no, bool is_week) {
    const struct mt_slice *v = field_of(values, no);
    if (!v)
        return DAY_NONE;
    struct mt_reader r = mt_reader(*v);
    uint32_t number = (uint32_t)mt_wire_uint(&r, is_week ? CENTURIES_MAX : DAY_MAX);
    if (r.err)
        return DAY_NONE;
    uint32_t day = is_week ? mt_week_to_day(number) : number;
    return is_week && day == 0 ? DAY_NONE : day;
}

/* First and last day of a thing. A value that is no day counts as one that is not there for the last
 * day only: the first field that is set decides the first. */
static void days_of(const struct kind_info *info, const struct values *values, uint32_t *first,
                    uint32_t *last) {
    bool is_week = !field_of(values, info->date) && !field_of(values, info->from);
    int8_t no = is_week ? info->week : field_of(values, info->date) ? info->date : info->from;
    *first = *last = day_in(values, no, is_week);
    if (*first == DAY_NONE)
        return;
    uint32_t end = day_in(values, is_week ? info->end_week : info->end_date, is_week);
    if (end == DAY_NONE && !is_week)
        end = day_in(values, info->until, false);
    if (end != DAY_NONE && end > *last)
        *last = end;
    *last += is_week ? 6 : 0;
}

static void identity_of(const struct mt_id *region, const struct mt_id *owner,
                        const struct kind_info *info, const struct values *values,
                        uint8_t out[static 16]) {
    struct mt_hash h;
    uint8_t hash[32];
    bool any = false;
    uint64_t mask =
        field_of(values, info->external) ? UINT64_C(1) << info->external : info->identity;
    mt_hash_init(&h, "identity", region);
    mt_hash_add_id(&h, owner);
    mt_hash_add_u64(&h, info->kind->no);
    for (unsigned no = 0; no < MT_FIELDS_MAX; no++) {
        if (!(mask >> no & 1) || !is_set(values->v[no]))
            continue;
        any = true;
        mt_hash_add_u64(&h, no);
        mt_hash_add(&h, values->v[no].p, values->v[no].n);
    }
    mt_hash_end(&h, hash);
    memset(out, 0, 16);
    if (any)
        memcpy(out, hash, 16);
}

void mt_store_identity(const struct mt_store *s, const struct mt_id *region,
                       const struct mt_id *owner, const struct mt_kind *kind,
                       struct mt_slice fields, uint8_t out[static 16]) {
    struct values values = {0};
    mt_store_values_add(&values, fields, UINT64_MAX);
    identity_of(region, owner, &s->kinds[kind->no], &values, out);
}

void mt_store_identity_key(const struct mt_store *s, const uint8_t identity[static 16],
                           uint8_t out[static 16]) {
    uint8_t hash[32];
    mt_kdf(hash, s->secrets->index, "identity", NULL, identity, 16);
    memcpy(out, hash, 16);
}

/* ---- keys ---- */

size_t mt_store_index_width(unsigned type) {
    switch (type) {
    case MT_INDEX_KIND:
        return 0;
    case MT_INDEX_DATE:
    case MT_INDEX_OWNER:
    case MT_INDEX_LONG:
        return 4;
    case MT_INDEX_REF:
    case MT_INDEX_IDENTITY:
        return 16;
    default:
        return SIZE_MAX;
    }
}

size_t mt_store_index_encode(const struct index_key *key, uint8_t out[static INDEX_KEY_MAX]) {
    uint8_t bytes[16];
    size_t width = mt_store_index_width((unsigned)(key->place >> 48));
    mt_be64(bytes, key->place);
    memcpy(out, bytes + 1, 7);
    mt_be64(bytes, key->value[0]);
    mt_be64(bytes + 8, key->value[1]);
    memcpy(out + 7, bytes, width);
    mt_be64(out + 7 + width, key->row);
    return 7 + width + 8;
}

struct emit {
    struct index_key key; /* audience, kind and row stand */
    mt_index_fn fn;
    void *arg;
};

static void emit(struct emit *e, enum mt_index_type type, uint64_t high, uint64_t low) {
    struct index_key key = e->key;
    key.place |= (uint64_t)type << 48;
    key.value[0] = high;
    key.value[1] = low;
    e->fn(e->arg, &key);
}

static void emit_refs(struct emit *e, struct mt_slice value) {
    struct mt_reader r = mt_reader(value);
    struct mt_ref ref;
    if (mt_wire_peek(&r) != MT_WIRE_ARRAY)
        return;
    /* One reference is an array that begins with a number, a list of them with an array. */
    struct mt_reader inner = r;
    uint32_t n = mt_wire_array(&inner, 0, MT_LIST_MAX);
    if (n > 0 && mt_wire_peek(&inner) == MT_WIRE_ARRAY)
        r = inner;
    else
        n = 1;
    for (; n > 0 && mt_ref_get(&r, &ref) == MT_OK; n--)
        emit(e, MT_INDEX_REF, mt_load64(ref.id.b), mt_load64(ref.id.b + 8));
}

static void emit_identity(struct emit *e, const struct mt_store *s, const struct subject *of,
                          const struct kind_info *info, const struct values *values) {
    static const uint8_t none[16];
    uint8_t identity[16], sealed[16];
    identity_of(of->region, of->owner, info, values, identity);
    if (memcmp(identity, none, sizeof none) == 0)
        return;
    mt_store_identity_key(s, identity, sealed);
    emit(e, MT_INDEX_IDENTITY, mt_load64(sealed), mt_load64(sealed + 8));
}

void mt_store_index_keys(const struct mt_store *s, const struct subject *of,
                         const struct values *values, mt_index_fn fn, void *arg) {
    struct emit e = {.key = {.place = (uint64_t)of->audience_no << 16 | of->kind, .row = of->row},
                     .fn = fn,
                     .arg = arg};
    const struct kind_info *info = of->kind < MT_KIND_END ? &s->kinds[of->kind] : NULL;
    bool is_known = info && info->kind;
    bool is_dated = is_known && (info->date >= 0 || info->from >= 0 || info->week >= 0);
    if (of->audience_no != 0 || of->is_own)
        emit(&e, MT_INDEX_OWNER, (uint64_t)of->owner_no << 32, 0);
    if (!is_dated)
        emit(&e, MT_INDEX_KIND, 0, 0);
    /* What another major version means by its fields is not known. */
    if (!is_known || info->kind->major != of->major) {
        if (is_dated)
            emit(&e, MT_INDEX_DATE, (uint64_t)DAY_NONE << 32, 0);
        return;
    }
    if (is_dated) {
        uint32_t first, last;
        days_of(info, values, &first, &last);
        uint32_t lasts = last - first < MT_LONG_DAYS ? last - first : MT_LONG_DAYS;
        uint32_t value = first == DAY_NONE ? DAY_NONE : first << STORE_LASTS_BITS | lasts;
        emit(&e, MT_INDEX_DATE, (uint64_t)value << 32, 0);
        if (last - first >= MT_LONG_DAYS)
            emit(&e, MT_INDEX_LONG, (uint64_t)last << 32, 0);
    }
    for (unsigned no = 0; no < MT_FIELDS_MAX; no++)
        if (info->refs >> no & 1 && is_set(values->v[no]))
            emit_refs(&e, values->v[no]);
    if (of->is_own && (info->identity || info->external >= 0))
        emit_identity(&e, s, of, info, values);
}
