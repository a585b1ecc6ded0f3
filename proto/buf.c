#include "buf.h"

uint8_t *mt_writer_take(struct mt_writer *w, size_t n) {
    if (w->err != MT_OK)
        return NULL;
    if (n > w->cap - w->n) {
        w->err = MT_ETOOLONG;
        return NULL;
    }
    uint8_t *p = w->n > 0 ? w->p + w->n : w->p; /* NULL + 0 is not defined */
    w->n += n;
    return p;
}

void mt_writer_put(struct mt_writer *w, const void *p, size_t n) {
    uint8_t *to = mt_writer_take(w, n);
    if (to && n)
        memcpy(to, p, n);
}

void mt_writer_u8(struct mt_writer *w, uint8_t v) {
    mt_writer_put(w, &v, 1);
}

void mt_writer_u16(struct mt_writer *w, uint16_t v) {
    uint8_t b[2];
    mt_be16(b, v);
    mt_writer_put(w, b, sizeof b);
}

void mt_writer_u32(struct mt_writer *w, uint32_t v) {
    uint8_t b[4];
    mt_be32(b, v);
    mt_writer_put(w, b, sizeof b);
}

void mt_writer_u64(struct mt_writer *w, uint64_t v) {
    uint8_t b[8];
    mt_be64(b, v);
    mt_writer_put(w, b, sizeof b);
}

const uint8_t *mt_reader_take(struct mt_reader *r, size_t n) {
    if (r->err != MT_OK)
        return NULL;
    if (n > r->n - r->at) {
        r->err = MT_ETRUNCATED;
        return NULL;
    }
    const uint8_t *p = r->at > 0 ? r->p + r->at : r->p;
    r->at += n;
    return p;
}

void mt_reader_get(struct mt_reader *r, void *out, size_t n) {
    const uint8_t *p = mt_reader_take(r, n);
    if (p)
        memcpy(out, p, n);
    else
        memset(out, 0, n);
}

uint8_t mt_reader_u8(struct mt_reader *r) {
    uint8_t b[1];
    mt_reader_get(r, b, sizeof b);
    return b[0];
}

uint16_t mt_reader_u16(struct mt_reader *r) {
    uint8_t b[2];
    mt_reader_get(r, b, sizeof b);
    return mt_load16(b);
}

uint32_t mt_reader_u32(struct mt_reader *r) {
    uint8_t b[4];
    mt_reader_get(r, b, sizeof b);
    return mt_load32(b);
}

uint64_t mt_reader_u64(struct mt_reader *r) {
    uint8_t b[8];
    mt_reader_get(r, b, sizeof b);
    return mt_load64(b);
}

enum mt_err mt_reader_end(struct mt_reader *r) {
    if (r->err == MT_OK && r->at != r->n)
        r->err = MT_ETRAILING;
    return r->err;
}
