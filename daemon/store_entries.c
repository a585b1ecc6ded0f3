#include "store_internal.h"

#include "box.h"

enum {
    CHAIN_KEY_SIZE = 4,
    CHAIN_ROW_SIZE = 5 * 32 + 8 + 32 + 8 + 8,
    ENTRY_FRONT = 1 + 2, /* flags, length of the header */
    ENTRY_SIGNED = 1,
    ORG_KEY_SIZE = 4,
};

/* ---- entries ---- */

void mt_store_entry_key(uint8_t out[static ENTRY_KEY_SIZE], uint32_t chain_no, uint64_t seq) {
    mt_be32(out, chain_no);
    mt_be64(out + 4, seq);
}

void mt_store_entry_put(struct mt_txn *t, uint32_t chain_no, uint64_t seq,
                        const struct entry_row *e, bool append) {
    uint8_t key[ENTRY_KEY_SIZE];
    mt_store_entry_key(key, chain_no, seq);
    size_t signature = e->signature ? MT_SIGNATURE_SIZE : 0;
    size_t n = ENTRY_FRONT + e->header.n + signature + e->box.n;
    uint8_t *p = mt_txn_reserve(t, T_ENTRIES, mt_slice(key, sizeof key), n, append);
    if (!p)
        return;
    struct mt_writer w = mt_writer(p, n);
    mt_writer_u8(&w, e->signature ? ENTRY_SIGNED : 0);
    mt_writer_u16(&w, (uint16_t)e->header.n);
    mt_writer_put(&w, e->header.p, e->header.n);
    mt_writer_put(&w, e->signature, signature);
    mt_writer_put(&w, e->box.p, e->box.n);
}

bool mt_store_entry_parse(struct mt_txn *t, struct mt_slice value, struct entry_row *out) {
    struct mt_reader r = mt_reader(value);
    uint8_t flags = mt_reader_u8(&r);
    uint16_t header_n = mt_reader_u16(&r);
    out->header = mt_slice(mt_reader_take(&r, header_n), header_n);
    out->signature = flags & ENTRY_SIGNED ? mt_reader_take(&r, MT_SIGNATURE_SIZE) : NULL;
    size_t left = mt_reader_left(&r);
    out->box = mt_slice(mt_reader_take(&r, left), left);
    if (r.err == MT_OK && flags <= ENTRY_SIGNED)
        return true;
    mt_txn_fail(t, MT_ECORRUPT, "an entry is damaged");
    return false;
}

bool mt_store_entry_get(struct mt_txn *t, uint32_t chain_no, uint64_t seq, struct entry_row *out) {
    uint8_t key[ENTRY_KEY_SIZE];
    struct mt_slice value;
    mt_store_entry_key(key, chain_no, seq);
    return mt_txn_get(t, T_ENTRIES, mt_slice(key, sizeof key), &value) &&
           mt_store_entry_parse(t, value, out);
}

bool mt_store_entry_header(struct mt_txn *t, const struct entry_row *e, const struct mt_id *chain,
                           uint64_t seq, struct mt_header *h) {
    if (t->err)
        return false;
    if (mt_header_get(e->header, h) == MT_OK && mt_id_eq(&h->chain, chain) && h->seq == seq)
        return true;
    mt_txn_fail(t, MT_ECORRUPT, "the header of an entry is damaged");
    return false;
}

/* ---- chains ---- */

bool mt_store_chain_parse(struct mt_txn *t, struct mt_slice value, uint32_t no,
                          struct mt_chain_row *out) {
    struct mt_reader r = mt_reader(value);
    *out = (struct mt_chain_row){.info.no = no, .is_stored = true};
    mt_reader_get(&r, out->info.id.b, 32);
    mt_reader_get(&r, out->info.org.b, 32);
    mt_reader_get(&r, out->info.feed.b, 32);
    mt_reader_get(&r, out->info.other.b, 32);
    mt_reader_get(&r, out->region.b, 32);
    out->head.seq = mt_reader_u64(&r);
    mt_reader_get(&r, out->head.entry.b, 32);
    out->head.lamport = mt_reader_u64(&r);
    out->fork = mt_reader_u64(&r);
    if (mt_reader_end(&r) == MT_OK)
        return true;
    mt_txn_fail(t, MT_ECORRUPT, "the row of a chain is damaged");
    return false;
}

bool mt_store_chain_get(struct mt_txn *t, uint32_t no, struct mt_chain_row *out) {
    uint8_t key[CHAIN_KEY_SIZE];
    struct mt_slice value;
    mt_be32(key, no);
    return mt_txn_get_row(t, T_CHAINS, mt_slice(key, sizeof key), &value) &&
           mt_store_chain_parse(t, value, no, out);
}

void mt_store_chain_put(struct mt_txn *t, const struct mt_chain_row *row) {
    uint8_t key[CHAIN_KEY_SIZE], value[CHAIN_ROW_SIZE];
    mt_be32(key, row->info.no);
    struct mt_writer w = mt_writer(value, sizeof value);
    mt_writer_put(&w, row->info.id.b, 32);
    mt_writer_put(&w, row->info.org.b, 32);
    mt_writer_put(&w, row->info.feed.b, 32);
    mt_writer_put(&w, row->info.other.b, 32);
    mt_writer_put(&w, row->region.b, 32);
    mt_writer_u64(&w, row->head.seq);
    mt_writer_put(&w, row->head.entry.b, 32);
    mt_writer_u64(&w, row->head.lamport);
    mt_writer_u64(&w, row->fork);
    mt_txn_put_row(t, T_CHAINS, mt_slice(key, sizeof key), mt_writer_slice(&w), false);
}

/* ---- organisations: number -> id, and id -> number in the same table ---- */

uint32_t mt_store_org_no(struct mt_txn *t, const struct mt_id *org) {
    struct mt_slice value;
    if (!mt_txn_get_row(t, T_ORGS, mt_slice(org->b, sizeof org->b), &value))
        return 0;
    if (value.n == ORG_KEY_SIZE)
        return mt_load32(value.p);
    mt_txn_fail(t, MT_ECORRUPT, "a row of table orgs is damaged");
    return 0;
}

bool mt_store_org_get(struct mt_txn *t, uint32_t no, struct mt_id *out) {
    uint8_t key[ORG_KEY_SIZE];
    struct mt_slice value;
    mt_be32(key, no);
    if (!mt_txn_get_row(t, T_ORGS, mt_slice(key, sizeof key), &value))
        return false;
    if (value.n != sizeof out->b) {
        mt_txn_fail(t, MT_ECORRUPT, "a row of table orgs is damaged");
        return false;
    }
    memcpy(out->b, value.p, sizeof out->b);
    return true;
}

uint32_t mt_store_org_add(struct mt_txn *t, const struct mt_id *org) {
    uint32_t no = mt_store_org_no(t, org);
    if (no || t->err)
        return no;
    uint8_t key[ORG_KEY_SIZE];
    struct mt_slice id = mt_slice(org->b, sizeof org->b);
    no = (uint32_t)mt_txn_number(t, "orgs") + 1;
    mt_be32(key, no);
    mt_txn_put_row(t, T_ORGS, mt_slice(key, sizeof key), id, false);
    mt_txn_put_row(t, T_ORGS, id, mt_slice(key, sizeof key), false);
    mt_txn_put_number(t, "orgs", no);
    return no;
}

/* ---- boxes ---- */

const uint8_t *mt_store_box_key(const struct mt_keyring *keys, const struct mt_chain_info *chain,
                                const struct mt_id *epoch) {
    if (!keys)
        return NULL;
    return mt_id_is_zero(&chain->other) ? mt_keyring_epoch(keys, epoch)
                                        : mt_keyring_channel(keys, &chain->other);
}

/* The row of a chain, which a reader keeps until it reads another's. */
static const struct mt_chain_row *chain_of(struct mt_txn *t, uint32_t no,
                                           struct mt_chain_row *memory) {
    if (t->is_write)
        return mt_store_chain_get(t, no, memory) ? memory : NULL;
    if (t->chain.info.no == no && no)
        return &t->chain;
    t->chain.info.no = 0;
    if (!mt_store_chain_get(t, no, memory))
        return NULL;
    t->chain = *memory;
    return &t->chain;
}

/* Opens `e` into o->plain. */
static enum mt_err open_box(struct mt_txn *t, const struct mt_id *region,
                            const struct mt_keyring *keys, const struct mt_chain_info *chain,
                            const struct entry_row *e, const struct mt_header *h,
                            struct opened *o) {
    const uint8_t *key = mt_store_box_key(keys, chain, &h->epoch);
    if (!key)
        return MT_ENOKEY;
    struct mt_box_place place = {
        .region = *region, .chain = h->chain, .seq = h->seq, .epoch = h->epoch};
    struct mt_writer plain = mt_writer(o->plain, MT_BOX_MAX);
    if (mt_box_open(key, &place, e->box, &plain, &o->content))
        return mt_store_say(t->store, MT_ECORRUPT, "the box of an entry is damaged");
    return MT_OK;
}

enum mt_err mt_store_open_entry(struct mt_txn *t, const struct mt_id *region,
                                const struct mt_keyring *keys, const struct mt_stamp *stamp,
                                struct opened *o) {
    if (o->chain_no == stamp->chain_no && o->seq == stamp->seq && mt_id_eq(&o->id, &stamp->entry))
        return MT_OK;
    struct mt_chain_row memory;
    struct entry_row e;
    struct mt_header h;
    o->chain_no = 0;
    o->seq = 0;
    o->n_starts = 0;
    const struct mt_chain_row *chain = chain_of(t, stamp->chain_no, &memory);
    if (!chain || !mt_store_entry_get(t, stamp->chain_no, stamp->seq, &e) ||
        !mt_store_entry_header(t, &e, &chain->info.id, stamp->seq, &h))
        return t->err ? t->err
                      : mt_store_say(t->store, MT_ECORRUPT, "an entry of a record is missing");
    mt_entry_id(region, e.header, &o->id);
    if (!mt_id_eq(&o->id, &stamp->entry))
        return mt_store_say(t->store, MT_ECORRUPT, "an entry is not the one a record was made of");
    enum mt_err err = open_box(t, region, keys, &chain->info, &e, &h, o);
    if (err)
        return err;
    o->chain_no = stamp->chain_no;
    o->seq = stamp->seq;
    o->wall_ms = h.wall_ms;
    return MT_OK;
}
