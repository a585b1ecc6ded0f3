/* What the loop reads for people: single records and numbers. */
#include "store_recent.h"

#include <stdlib.h>

enum { NIL = 0xc0 };

enum mt_err mt_read_begin(struct mt_store *s, const struct mt_id *region,
                          const struct mt_keyring *keys, struct mt_read *out) {
    *out = (struct mt_read){.store = s, .region = region, .keys = keys};
    struct mt_txn *t = malloc(sizeof *t);
    if (!t)
        return MT_ENOMEM;
    mt_txn_begin(t, s, false);
    if (t->err) {
        enum mt_err err = mt_txn_end(t, false);
        free(t);
        return err;
    }
    out->txn = t;
    return MT_OK;
}

void mt_read_end(struct mt_read *r) {
    struct mt_txn *t = r->txn;
    if (!t)
        return;
    /* What failed was returned by the call that failed. */
    enum mt_err err = mt_txn_end(t, false);
    (void)err;
    free(t);
    r->txn = NULL;
}

/* ---- a record ---- */

/* Gathers the values of all groups. Those of the last entry opened stay where they are; those of
 * earlier ones are copied before its memory is used again. */
static enum mt_err gather(struct mt_read *r, const struct record *rec, struct values *values) {
    struct mt_txn *t = r->txn;
    struct mt_store *s = r->store;
    struct mt_writer copies = mt_writer(s->values, MT_BOX_MAX);
    for (uint32_t i = 0; i < rec->merged.n; i++) {
        const struct mt_group *g = &rec->merged.groups[i];
        struct mt_change c;
        enum mt_err err = mt_store_open_entry(t, r->region, r->keys, &g->stamp, &s->opened);
        if (err)
            return err;
        if (mt_store_change_at(&s->opened, g->stamp.index, &c))
            return mt_store_say(s, MT_ECORRUPT, "a change of a record is missing");
        mt_store_values_add(values, c.fields, g->mask);
        for (unsigned no = 0; no < MT_FIELDS_MAX && rec->merged.n > 1; no++) {
            if (!(g->mask >> no & 1) || values->v[no].n == 0)
                continue;
            const uint8_t *from = values->v[no].p;
            uint8_t *to = mt_writer_take(&copies, values->v[no].n);
            if (!to)
                return MT_ETOOLONG;
            memcpy(to, from, values->v[no].n);
            values->v[no].p = to;
        }
    }
    return MT_OK;
}

static struct mt_slice put_fields(struct mt_writer *w, const struct values *values) {
    size_t start = w->n, n = 0;
    for (unsigned no = 0; no < MT_FIELDS_MAX; no++)
        n += values->v[no].n > 0 && values->v[no].p[0] != NIL;
    mt_wire_put_map(w, n);
    for (unsigned no = 0; no < MT_FIELDS_MAX; no++) {
        if (values->v[no].n == 0 || values->v[no].p[0] == NIL)
            continue;
        mt_wire_put_uint(w, no);
        mt_wire_put_raw(w, values->v[no]);
    }
    return w->err ? mt_slice(NULL, 0) : mt_slice(w->p + start, w->n - start);
}

enum mt_err mt_read_row(struct mt_read *r, uint64_t row, struct mt_writer *w, struct mt_view *out) {
    struct mt_txn *t = r->txn;
    struct record rec;
    struct values values = {0};
    *out = (struct mt_view){.row = row};
    if (!mt_store_record_get(t, row, &rec))
        return t->err ? t->err : MT_ENOTFOUND;
    out->audience_no = rec.audience_no;
    out->kind = rec.kind;
    out->id = rec.id;
    out->created_ms = rec.created_ms;
    out->changed_ms = rec.changed_ms;
    out->major = rec.major;
    enum mt_err err = mt_read_org(r, rec.owner_no, &out->owner);
    if (err == MT_OK && rec.audience_no)
        err = mt_read_org(r, rec.audience_no, &out->audience);
    if (err == MT_OK)
        err = gather(r, &rec, &values);
    if (err)
        return err == MT_ENOTFOUND ? MT_ECORRUPT : err;
    out->fields = put_fields(w, &values);
    return w->err;
}

enum mt_err mt_read_stamp(struct mt_read *r, uint64_t row, uint8_t field, struct mt_stamp *out) {
    struct mt_txn *t = r->txn;
    struct record rec;
    struct mt_chain_row chain;
    *out = (struct mt_stamp){0};
    if (field >= MT_FIELDS_MAX || !mt_store_record_get(t, row, &rec))
        return t->err ? t->err : MT_ENOTFOUND;
    for (uint32_t i = 0; i < rec.merged.n; i++) {
        if (!(rec.merged.groups[i].mask >> field & 1))
            continue;
        *out = rec.merged.groups[i].stamp;
        if (!mt_store_chain_get(t, out->chain_no, &chain))
            return t->err ? t->err
                          : mt_store_say(r->store, MT_ECORRUPT, "the row of a chain is missing");
        out->chain = chain.info.id;
        return MT_OK;
    }
    return MT_ENOTFOUND;
}

enum mt_err mt_read_find(struct mt_read *r, const struct mt_id *audience, const struct mt_id *owner,
                         uint16_t kind, const struct mt_rid *id, uint64_t *row) {
    struct mt_txn *t = r->txn;
    bool in_region = !audience || mt_id_is_zero(audience);
    uint32_t audience_no = in_region ? 0 : mt_read_org_no(r, audience);
    uint32_t owner_no = mt_read_org_no(r, owner);
    uint8_t key[ROWID_SIZE];
    struct mt_slice value;
    *row = 0;
    if (t->err)
        return t->err;
    if (owner_no == 0 || (!in_region && audience_no == 0))
        return MT_ENOTFOUND;
    mt_store_rowid_key(key, audience_no, owner_no, kind, id);
    if (!mt_txn_get(t, T_ROWID, mt_slice(key, sizeof key), &value)) {
        struct recent recent;
        mt_recent_load(t, &recent);
        bool is_found = t->err == MT_OK && mt_recent_find(&recent, key, row);
        return is_found ? MT_OK : t->err ? t->err : MT_ENOTFOUND;
    }
    if (value.n != sizeof *row)
        return mt_store_say(r->store, MT_ECORRUPT, "a row of table rowid is damaged");
    *row = mt_load64(value.p);
    return MT_OK;
}

/* ---- numbers ---- */

uint32_t mt_read_org_no(struct mt_read *r, const struct mt_id *org) {
    return mt_store_org_no(r->txn, org);
}

enum mt_err mt_read_org(struct mt_read *r, uint32_t no, struct mt_id *out) {
    struct mt_txn *t = r->txn;
    *out = t->org;
    if (no && no == t->org_no)
        return t->err;
    t->org_no = 0;
    if (mt_store_org_get(t, no, out)) {
        t->org = *out;
        t->org_no = no;
        return MT_OK;
    }
    *out = (struct mt_id){0};
    return t->err ? t->err : MT_ENOTFOUND;
}

enum mt_err mt_read_count(struct mt_read *r, uint16_t kind, uint64_t *out) {
    struct mt_txn *t = r->txn;
    *out = mt_txn_kind_count(t, kind);
    return t->err;
}

enum mt_err mt_read_orgs_version(struct mt_read *r, uint64_t *out) {
    struct mt_txn *t = r->txn;
    *out = mt_txn_number(t, STORE_ORGS_VERSION);
    return t->err;
}

enum mt_err mt_read_waiting(struct mt_read *r, uint64_t *out) {
    struct mt_txn *t = r->txn;
    *out = mt_txn_count(t, T_WAITING);
    return t->err;
}

enum mt_err mt_read_digest(struct mt_read *r, uint8_t out[static 32]) {
    struct mt_txn *t = r->txn;
    struct mt_sum sum = {{0}};
    struct mt_slice value;
    memset(out, 0, 32);
    if (mt_txn_get_row(t, T_META, mt_slice_str("sum"), &value)) {
        if (value.n != sizeof sum.b)
            return mt_store_say(r->store, MT_ECORRUPT, "the view sum is damaged");
        memcpy(sum.b, value.p, sizeof sum.b);
    }
    if (t->err)
        return t->err;
    mt_sum_digest(r->region, &sum, out);
    return MT_OK;
}
