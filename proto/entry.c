#include "entry.h"

enum { HEADER_ELEMENTS = 10, HEAD_SIZE = 32 + 8 + 32 };

void mt_header_put(struct mt_writer *w, const struct mt_header *h) {
    mt_wire_put_array(w, HEADER_ELEMENTS);
    mt_wire_put_uint(w, h->version);
    mt_wire_put_id(w, &h->chain);
    mt_wire_put_uint(w, h->seq);
    mt_wire_put_id(w, &h->previous);
    mt_wire_put_uint(w, h->lamport);
    mt_wire_put_id(w, &h->governance);
    mt_wire_put_uint(w, h->wall_ms);
    mt_wire_put_id(w, &h->epoch);
    mt_wire_put_id(w, &h->box_hash);
    mt_wire_put_uint(w, h->box_len);
}

static void get_id(struct mt_reader *r, struct mt_id *id) {
    mt_wire_fixed(r, id->b, sizeof id->b);
}

enum mt_err mt_header_get(struct mt_slice in, struct mt_header *out) {
    struct mt_reader r;
    struct mt_header h = {0};
    *out = h;
    enum mt_err err = mt_wire_open(&r, in, MT_WIRE_CANONICAL, MT_HEADER_MAX);
    if (err)
        return err;
    (void)mt_wire_array(&r, HEADER_ELEMENTS, HEADER_ELEMENTS);
    h.version = mt_wire_uint(&r, UINT64_MAX);
    if (r.err == MT_OK && h.version != MT_HEADER_VERSION)
        return MT_EVERSION;
    get_id(&r, &h.chain);
    h.seq = mt_wire_uint(&r, UINT64_MAX);
    get_id(&r, &h.previous);
    h.lamport = mt_wire_uint(&r, MT_LAMPORT_MAX);
    get_id(&r, &h.governance);
    h.wall_ms = mt_wire_uint(&r, UINT64_MAX);
    get_id(&r, &h.epoch);
    get_id(&r, &h.box_hash);
    h.box_len = (uint32_t)mt_wire_uint(&r, MT_BOX_MAX);
    err = mt_reader_end(&r);
    if (err)
        return err;
    /* Exactly the first entry has no previous one. */
    if (h.seq == 0 || (h.seq == 1) != mt_id_is_zero(&h.previous))
        return MT_EVALUE;
    *out = h;
    return MT_OK;
}

void mt_entry_id(const struct mt_id *region, struct mt_slice header, struct mt_id *out) {
    mt_hash_of(out->b, "entry", region, header.p, header.n);
}

static void head_bytes(uint8_t out[static HEAD_SIZE], const struct mt_id *chain, uint64_t seq,
                       const struct mt_id *entry) {
    memcpy(out, chain->b, 32);
    mt_be64(out + 32, seq);
    memcpy(out + 40, entry->b, 32);
}

void mt_head_sign(const struct mt_sign_key *feed, const struct mt_id *region,
                  const struct mt_id *chain, uint64_t seq, const struct mt_id *entry,
                  uint8_t sig[static MT_SIGNATURE_SIZE]) {
    uint8_t head[HEAD_SIZE];
    head_bytes(head, chain, seq, entry);
    mt_sign(feed, "head", region, head, sizeof head, sig);
}

enum mt_err mt_head_verify(const struct mt_id *feed, const struct mt_id *region,
                           const struct mt_id *chain, uint64_t seq, const struct mt_id *entry,
                           const uint8_t sig[static MT_SIGNATURE_SIZE]) {
    uint8_t head[HEAD_SIZE];
    head_bytes(head, chain, seq, entry);
    return mt_verify(feed, "head", region, head, sizeof head, sig);
}
