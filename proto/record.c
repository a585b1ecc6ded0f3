#include "record.h"

enum { CHANGE_ELEMENTS = 5, REF_ELEMENTS = 4 };

/* ---- changes ---- */

/* Takes a field number. In canonical form it is the byte itself. */
static uint8_t take_number(struct mt_reader *r) {
    uint8_t no = mt_reader_u8(r);
    if (r->err == MT_OK && no >= MT_FIELDS_MAX) {
        r->err = no < 0x80 ? MT_EVALUE : MT_ETYPE;
        return 0;
    }
    return no;
}

/* Takes one value a field may have; lists count what they hold instead of nesting calls. */
static void check_value(struct mt_reader *r) {
    for (uint64_t owed = 1; owed > 0 && r->err == MT_OK; owed--) {
        switch (mt_wire_peek(r)) {
        case MT_WIRE_NIL:
        case MT_WIRE_BOOL:
        case MT_WIRE_UINT:
        case MT_WIRE_NEGATIVE:
            mt_wire_skip(r);
            break;
        case MT_WIRE_STR:
            (void)mt_wire_str(r, MT_STRING_MAX);
            break;
        case MT_WIRE_BIN:
            (void)mt_wire_bin(r, MT_STRING_MAX);
            break;
        case MT_WIRE_ARRAY:
            owed += mt_wire_array(r, 0, MT_LIST_MAX);
            break;
        default:
            r->err = MT_ETYPE;
        }
    }
}

/* Takes one change; `take_value` consumes each value. */
static void take_change(struct mt_reader *r, void (*take_value)(struct mt_reader *),
                        struct mt_change *out) {
    (void)mt_wire_array(r, CHANGE_ELEMENTS, CHANGE_ELEMENTS);
    out->kind = (uint16_t)mt_wire_uint(r, UINT16_MAX);
    if (r->err == MT_OK && out->kind == 0)
        r->err = MT_EVALUE;
    out->major = (uint8_t)mt_wire_uint(r, UINT8_MAX);
    out->minor = (uint8_t)mt_wire_uint(r, UINT8_MAX);
    mt_wire_fixed(r, out->id.b, sizeof out->id.b);
    size_t start = r->at;
    out->mask = 0;
    for (uint32_t left = mt_wire_map(r, MT_FIELDS_MAX); left > 0 && r->err == MT_OK; left--) {
        out->mask |= UINT64_C(1) << take_number(r);
        take_value(r);
    }
    out->fields = r->err == MT_OK ? mt_slice(r->p + start, r->at - start) : mt_slice(NULL, 0);
}

/* Opens the list of changes. */
static uint32_t take_list(struct mt_reader *r) {
    (void)mt_wire_array(r, 1, UINT32_MAX);
    return mt_wire_array(r, 0, MT_CHANGES_MAX);
}

/* What a record is known by within an entry; the owner is the entry's. */
struct name {
    uint64_t id[2];
    uint64_t kind;
};

static bool is_known(const struct name *names, uint32_t n, const struct name *x) {
    for (uint32_t i = 0; i < n; i++)
        if (names[i].id[0] == x->id[0] && names[i].id[1] == x->id[1] && names[i].kind == x->kind)
            return true;
    return false;
}

enum mt_err mt_changes_read(struct mt_slice msgpack, mt_change_fn fn, void *arg) {
    struct mt_reader r;
    enum mt_err err = mt_wire_open(&r, msgpack, MT_WIRE_CANONICAL, MT_BOX_MAX);
    if (err)
        return err;
    struct name names[MT_CHANGES_MAX];
    uint32_t n = take_list(&r);
    for (uint32_t i = 0; i < n && r.err == MT_OK; i++) {
        struct mt_change change;
        take_change(&r, check_value, &change);
        names[i] = (struct name){.kind = change.kind};
        memcpy(names[i].id, change.id.b, sizeof names[i].id);
        if (r.err == MT_OK && is_known(names, i, &names[i]))
            return MT_EVALUE;
        if (r.err == MT_OK && fn)
            fn(arg, (uint16_t)i, &change);
    }
    return r.err;
}

enum mt_err mt_changes_check(struct mt_slice msgpack) {
    return mt_changes_read(msgpack, NULL, NULL);
}

enum mt_err mt_changes_open(struct mt_changes *it, struct mt_slice msgpack) {
    it->r = mt_reader(msgpack);
    it->left = take_list(&it->r);
    return it->r.err;
}

bool mt_changes_next(struct mt_changes *it, struct mt_change *out) {
    if (it->left == 0 || it->r.err != MT_OK)
        return false;
    it->left--;
    take_change(&it->r, mt_wire_skip, out);
    return it->r.err == MT_OK;
}

void mt_changes_begin(struct mt_writer *w, size_t n) {
    mt_wire_put_array(w, 1);
    mt_wire_put_array(w, n);
}

void mt_change_begin(struct mt_writer *w, uint16_t kind, uint8_t major, uint8_t minor,
                     const struct mt_rid *id, size_t n_fields) {
    mt_wire_put_array(w, CHANGE_ELEMENTS);
    mt_wire_put_uint(w, kind);
    mt_wire_put_uint(w, major);
    mt_wire_put_uint(w, minor);
    mt_wire_put_bin(w, id->b, sizeof id->b);
    mt_wire_put_map(w, n_fields);
}

/* ---- fields ---- */

enum mt_err mt_fields_open(struct mt_fields *it, struct mt_slice map) {
    it->r = mt_reader(map);
    it->left = mt_wire_map(&it->r, MT_FIELDS_MAX);
    return it->r.err;
}

bool mt_fields_next(struct mt_fields *it, uint8_t *no, struct mt_slice *value) {
    if (it->left == 0 || it->r.err != MT_OK)
        return false;
    it->left--;
    *no = take_number(&it->r);
    *value = mt_wire_raw(&it->r);
    return it->r.err == MT_OK;
}

enum mt_err mt_fields_find(struct mt_slice map, uint8_t no, struct mt_slice *value) {
    struct mt_fields it;
    uint8_t at;
    struct mt_slice v;
    *value = mt_slice(NULL, 0);
    enum mt_err err = mt_fields_open(&it, map);
    if (err)
        return err;
    while (mt_fields_next(&it, &at, &v)) {
        if (at > no)
            return MT_ENOTFOUND;
        if (at == no) {
            *value = v;
            return MT_OK;
        }
    }
    return it.r.err ? it.r.err : MT_ENOTFOUND;
}

/* ---- references ---- */

void mt_ref_put(struct mt_writer *w, const struct mt_ref *ref) {
    mt_wire_put_array(w, REF_ELEMENTS);
    mt_wire_put_uint(w, ref->audience);
    mt_wire_put_id(w, &ref->owner);
    mt_wire_put_uint(w, ref->kind);
    mt_wire_put_bin(w, ref->id.b, sizeof ref->id.b);
}

enum mt_err mt_ref_get(struct mt_reader *r, struct mt_ref *out) {
    (void)mt_wire_array(r, REF_ELEMENTS, REF_ELEMENTS);
    out->audience = (uint8_t)mt_wire_uint(r, 1);
    mt_wire_fixed(r, out->owner.b, sizeof out->owner.b);
    out->kind = (uint16_t)mt_wire_uint(r, UINT16_MAX);
    if (r->err == MT_OK && out->kind == 0)
        r->err = MT_EVALUE;
    mt_wire_fixed(r, out->id.b, sizeof out->id.b);
    return r->err;
}

/* ---- merge ---- */

int mt_stamp_cmp(const struct mt_stamp *a, const struct mt_stamp *b) {
    if (a->lamport != b->lamport)
        return a->lamport < b->lamport ? -1 : 1;
    int order = mt_id_cmp(&a->chain, &b->chain);
    return order ? order : mt_id_cmp(&a->entry, &b->entry);
}

/* Takes the fields of `mask` from the groups from `from` on and closes the gaps. */
static void take_fields(struct mt_merged *rec, uint32_t from, uint64_t mask) {
    uint32_t to = from;
    for (uint32_t i = from; i < rec->n; i++) {
        rec->groups[i].mask &= ~mask;
        if (rec->groups[i].mask == 0)
            continue;
        if (to != i)
            rec->groups[to] = rec->groups[i];
        to++;
    }
    rec->n = to;
}

bool mt_record_merge(struct mt_merged *rec, const struct mt_stamp *stamp, uint64_t mask) {
    uint32_t at = 0;
    int order = -1;
    for (; at < rec->n && mask; at++) {
        order = mt_stamp_cmp(&rec->groups[at].stamp, stamp);
        if (order <= 0)
            break;
        mask &= ~rec->groups[at].mask;
    }
    bool same = at < rec->n && order == 0;
    if (same)
        mask &= ~rec->groups[at].mask;
    if (mask == 0)
        return false;
    take_fields(rec, same ? at + 1 : at, mask);
    if (same) {
        rec->groups[at].mask |= mask;
        return true;
    }
    /* There is room: were all groups taken, each would hold one field and one just lost its. */
    memmove(&rec->groups[at + 1], &rec->groups[at], (rec->n - at) * sizeof rec->groups[0]);
    rec->groups[at] = (struct mt_group){.stamp = *stamp, .mask = mask};
    rec->n++;
    return true;
}

/* ---- digests ---- */

static void add_name(struct mt_hash *h, const struct mt_id *owner, uint16_t kind,
                     const struct mt_rid *id) {
    mt_hash_add_id(h, owner);
    mt_hash_add_u64(h, kind);
    mt_hash_add(h, id->b, sizeof id->b);
}

void mt_record_digest(struct mt_sum *out, const struct mt_id *region, const struct mt_id *owner,
                      uint16_t kind, const struct mt_rid *id, const struct mt_merged *rec) {
    struct mt_hash h;
    mt_hash512_init(&h, "record", region);
    add_name(&h, owner, kind, id);
    for (uint32_t i = 0; i < rec->n; i++) {
        const struct mt_group *g = &rec->groups[i];
        mt_hash_add_u64(&h, g->stamp.lamport);
        mt_hash_add_id(&h, &g->stamp.chain);
        mt_hash_add_id(&h, &g->stamp.entry);
        mt_hash_add_u64(&h, g->stamp.index);
        mt_hash_add_u64(&h, g->mask);
    }
    mt_hash512_end(&h, out->b);
}

static uint64_t load_le(const uint8_t *p) {
    uint64_t v = 0;
    for (unsigned i = 0; i < 8; i++)
        v |= (uint64_t)p[i] << (8 * i);
    return v;
}

static void store_le(uint8_t *p, uint64_t v) {
    for (unsigned i = 0; i < 8; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

void mt_sum_add(struct mt_sum *sum, const struct mt_sum *x) {
    uint64_t carry = 0;
    for (size_t i = 0; i < sizeof sum->b; i += 8) {
        uint64_t a = load_le(sum->b + i);
        uint64_t partial = a + load_le(x->b + i);
        uint64_t total = partial + carry;
        carry = (uint64_t)(partial < a) | (uint64_t)(total < partial);
        store_le(sum->b + i, total);
    }
}

void mt_sum_take(struct mt_sum *sum, const struct mt_sum *x) {
    uint64_t borrow = 0;
    for (size_t i = 0; i < sizeof sum->b; i += 8) {
        uint64_t a = load_le(sum->b + i);
        uint64_t b = load_le(x->b + i);
        uint64_t partial = a - b;
        uint64_t total = partial - borrow;
        borrow = (uint64_t)(a < b) | (uint64_t)(partial < borrow);
        store_le(sum->b + i, total);
    }
}

void mt_sum_digest(const struct mt_id *region, const struct mt_sum *sum, uint8_t out[static 32]) {
    mt_hash_of(out, "view", region, sum->b, sizeof sum->b);
}

void mt_record_version(uint8_t out[static 32], const struct mt_id *region,
                       const struct mt_id *owner, uint16_t kind, const struct mt_rid *id,
                       struct mt_slice fields) {
    struct mt_hash h;
    mt_hash_init(&h, "version", region);
    add_name(&h, owner, kind, id);
    mt_hash_add(&h, fields.p, fields.n);
    mt_hash_end(&h, out);
}
