#include "store_internal.h"

enum {
    ROW_KEY_SIZE = 8,
    ROW_FRONT = 4 + 4 + 2 + 16 + 8 + 8 + 1 + 1,
    GROUP_SIZE = 8 + 4 + 8 + 2 + 8 + 32,
};

void mt_store_rowid_key(uint8_t out[static ROWID_SIZE], uint32_t audience_no, uint32_t owner_no,
                        uint16_t kind, const struct mt_rid *id) {
    mt_be32(out, audience_no);
    mt_be32(out + 4, owner_no);
    mt_be16(out + 8, kind);
    memcpy(out + 10, id->b, sizeof id->b);
}

static void get_group(struct mt_reader *r, struct mt_group *g) {
    g->stamp.lamport = mt_reader_u64(r);
    g->stamp.chain_no = mt_reader_u32(r);
    g->stamp.seq = mt_reader_u64(r);
    g->stamp.index = mt_reader_u16(r);
    g->mask = mt_reader_u64(r);
    mt_reader_get(r, g->stamp.entry.b, sizeof g->stamp.entry.b);
    memset(&g->stamp.chain, 0, sizeof g->stamp.chain);
}

bool mt_store_record_get(struct mt_txn *t, uint64_t row, struct record *out) {
    uint8_t key[ROW_KEY_SIZE];
    struct mt_slice value;
    mt_be64(key, row);
    if (!mt_txn_get_row(t, T_RECORDS, mt_slice(key, sizeof key), &value))
        return false;
    struct mt_reader r = mt_reader(value);
    out->audience_no = mt_reader_u32(&r);
    out->owner_no = mt_reader_u32(&r);
    out->kind = mt_reader_u16(&r);
    mt_reader_get(&r, out->id.b, sizeof out->id.b);
    out->created_ms = mt_reader_u64(&r);
    out->changed_ms = mt_reader_u64(&r);
    out->major = mt_reader_u8(&r);
    out->merged.n = mt_reader_u8(&r);
    if (out->merged.n <= MT_FIELDS_MAX)
        for (uint32_t i = 0; i < out->merged.n; i++)
            get_group(&r, &out->merged.groups[i]);
    if (mt_reader_end(&r) == MT_OK && out->merged.n > 0)
        return true;
    mt_txn_fail(t, MT_ECORRUPT, "the row of a record is damaged");
    return false;
}

void mt_store_record_put(struct mt_txn *t, uint64_t row, const struct record *rec, bool append) {
    uint8_t key[ROW_KEY_SIZE], value[ROW_FRONT + MT_FIELDS_MAX * GROUP_SIZE];
    struct mt_writer w = mt_writer(value, sizeof value);
    mt_be64(key, row);
    mt_writer_u32(&w, rec->audience_no);
    mt_writer_u32(&w, rec->owner_no);
    mt_writer_u16(&w, rec->kind);
    mt_writer_put(&w, rec->id.b, sizeof rec->id.b);
    mt_writer_u64(&w, rec->created_ms);
    mt_writer_u64(&w, rec->changed_ms);
    mt_writer_u8(&w, rec->major);
    mt_writer_u8(&w, (uint8_t)rec->merged.n);
    for (uint32_t i = 0; i < rec->merged.n; i++) {
        const struct mt_group *g = &rec->merged.groups[i];
        mt_writer_u64(&w, g->stamp.lamport);
        mt_writer_u32(&w, g->stamp.chain_no);
        mt_writer_u64(&w, g->stamp.seq);
        mt_writer_u16(&w, g->stamp.index);
        mt_writer_u64(&w, g->mask);
        mt_writer_put(&w, g->stamp.entry.b, sizeof g->stamp.entry.b);
    }
    mt_txn_put_row(t, T_RECORDS, mt_slice(key, sizeof key), mt_writer_slice(&w), append);
}

enum mt_err mt_store_change_at(struct opened *o, uint16_t index, struct mt_change *out) {
    struct mt_changes it;
    if (mt_changes_open(&it, o->content) || index >= it.left)
        return MT_ECORRUPT;
    if (o->n_starts == 0)
        o->starts[o->n_starts++] = (uint32_t)it.r.at;
    uint32_t from = index < o->n_starts ? index : o->n_starts - 1;
    it.left -= from;
    it.r.at = o->starts[from];
    for (uint32_t i = from; mt_changes_next(&it, out); i++) {
        if (i + 1 == o->n_starts)
            o->starts[o->n_starts++] = (uint32_t)it.r.at;
        if (i == index)
            return MT_OK;
    }
    return MT_ECORRUPT;
}

void mt_store_values_add(struct values *values, struct mt_slice fields, uint64_t mask) {
    struct mt_fields it;
    uint8_t no;
    struct mt_slice value;
    if (mt_fields_open(&it, fields))
        return;
    while (mt_fields_next(&it, &no, &value))
        if (mask >> no & 1)
            values->v[no] = value;
}
