#include "wire.h"

#include "wire_scan.h"

#include <msgpack.h>

enum mt_err mt_wire_open(struct mt_reader *r, struct mt_slice in, enum mt_wire_mode mode,
                         size_t max) {
    size_t len;
    *r = mt_reader(in);
    r->err = mt_wire_scan(in, mode, max, &len);
    if (r->err == MT_EAGAIN)
        r->err = MT_ETRUNCATED;
    else if (r->err == MT_OK && len != in.n)
        r->err = MT_ETRAILING;
    return r->err;
}

/* The head the reader stands at; MT_WIRE_END when there is none. The bytes passed a scan, but the
 * bounds are checked again, so that a reader misused is an error and not a wild read. */
static struct mt_wire_head peek(const struct mt_reader *r) {
    static const uint8_t nothing = 0xc1;
    size_t left = mt_reader_left(r);
    struct mt_wire_head h = left ? mt_wire_head(r->p + r->at, left) : mt_wire_head(&nothing, 1);
    if (!h.ok || (left && mt_wire_payload(&h) > left - h.size))
        h.type = MT_WIRE_END;
    return h;
}

enum mt_wire_type mt_wire_peek(const struct mt_reader *r) {
    return peek(r).type;
}

static void stick(struct mt_reader *r, enum mt_err err) {
    if (r->err == MT_OK)
        r->err = err;
}

/* Consumes a head of `type`; false with MT_ETYPE stuck when another one is there. */
static bool take_head(struct mt_reader *r, enum mt_wire_type type, struct mt_wire_head *h) {
    *h = peek(r);
    if (r->err != MT_OK || h->type != type) {
        stick(r, MT_ETYPE);
        return false;
    }
    r->at += h->size;
    return true;
}

/* Consumes nil, a boolean or a number through msgpack-c, which allocates nothing for these.
 * (For strings it would, so their heads are read here.) */
static msgpack_object take_scalar(struct mt_reader *r) {
    msgpack_unpacked u;
    msgpack_unpacked_init(&u);
    struct mt_wire_head h = peek(r);
    switch (h.type) {
    case MT_WIRE_NIL:
    case MT_WIRE_BOOL:
    case MT_WIRE_UINT:
    case MT_WIRE_NEGATIVE:
    case MT_WIRE_FLOAT:
        if (msgpack_unpack_next(&u, (const char *)r->p, r->at + h.size, &r->at) ==
            MSGPACK_UNPACK_SUCCESS)
            return u.data;
        break;
    default:
        break;
    }
    stick(r, MT_ETYPE);
    return (msgpack_object){.type = MSGPACK_OBJECT_EXT};
}

/* The head of a number is the number. These are by far the most frequent, so no library call. */
uint64_t mt_wire_uint(struct mt_reader *r, uint64_t max) {
    struct mt_wire_head h;
    if (!take_head(r, MT_WIRE_UINT, &h))
        return 0;
    if (h.n > max) {
        stick(r, MT_EVALUE);
        return 0;
    }
    return h.n;
}

int64_t mt_wire_int(struct mt_reader *r) {
    msgpack_object o = take_scalar(r);
    if (o.type == MSGPACK_OBJECT_NEGATIVE_INTEGER)
        return o.via.i64;
    if (o.type != MSGPACK_OBJECT_POSITIVE_INTEGER)
        stick(r, MT_ETYPE);
    else if (o.via.u64 <= INT64_MAX)
        return (int64_t)o.via.u64;
    else
        stick(r, MT_EVALUE);
    return 0;
}

double mt_wire_float(struct mt_reader *r) {
    msgpack_object o = take_scalar(r);
    if (o.type == MSGPACK_OBJECT_FLOAT32 || o.type == MSGPACK_OBJECT_FLOAT64)
        return o.via.f64;
    if (o.type == MSGPACK_OBJECT_POSITIVE_INTEGER)
        return (double)o.via.u64;
    if (o.type == MSGPACK_OBJECT_NEGATIVE_INTEGER)
        return (double)o.via.i64;
    stick(r, MT_ETYPE);
    return 0;
}

bool mt_wire_bool(struct mt_reader *r) {
    msgpack_object o = take_scalar(r);
    if (o.type == MSGPACK_OBJECT_BOOLEAN)
        return o.via.boolean;
    stick(r, MT_ETYPE);
    return false;
}

void mt_wire_nil(struct mt_reader *r) {
    if (take_scalar(r).type != MSGPACK_OBJECT_NIL)
        stick(r, MT_ETYPE);
}

static struct mt_slice take_bytes(struct mt_reader *r, enum mt_wire_type type, size_t max) {
    struct mt_wire_head h;
    if (!take_head(r, type, &h))
        return mt_slice(NULL, 0);
    if (h.n > max) {
        stick(r, MT_ETOOLONG);
        return mt_slice(NULL, 0);
    }
    r->at += h.n;
    return mt_slice(r->p + r->at - h.n, h.n);
}

struct mt_slice mt_wire_str(struct mt_reader *r, size_t max) {
    return take_bytes(r, MT_WIRE_STR, max);
}

struct mt_slice mt_wire_bin(struct mt_reader *r, size_t max) {
    return take_bytes(r, MT_WIRE_BIN, max);
}

struct mt_slice mt_wire_ext(struct mt_reader *r, size_t max, int8_t *type) {
    struct mt_slice s = take_bytes(r, MT_WIRE_EXT, max);
    *type = s.p ? (int8_t)s.p[-1] : 0;
    return s;
}

void mt_wire_fixed(struct mt_reader *r, void *out, size_t n) {
    struct mt_slice s = take_bytes(r, MT_WIRE_BIN, SIZE_MAX);
    if (r->err == MT_OK && s.n != n)
        stick(r, MT_EVALUE);
    if (r->err != MT_OK)
        memset(out, 0, n);
    else if (n > 0)
        memcpy(out, s.p, n);
}

static uint32_t take_count(struct mt_reader *r, enum mt_wire_type type, uint32_t min,
                           uint32_t max) {
    struct mt_wire_head h;
    if (!take_head(r, type, &h))
        return 0;
    if (h.n < min || h.n > max) {
        stick(r, h.n < min ? MT_EVALUE : MT_ETOOLONG);
        return 0;
    }
    return (uint32_t)h.n;
}

uint32_t mt_wire_array(struct mt_reader *r, uint32_t min, uint32_t max) {
    return take_count(r, MT_WIRE_ARRAY, min, max);
}

uint32_t mt_wire_map(struct mt_reader *r, uint32_t max) {
    return take_count(r, MT_WIRE_MAP, 0, max);
}

struct mt_slice mt_wire_raw(struct mt_reader *r) {
    size_t start = r->at;
    for (uint64_t owed = 1; owed > 0; owed--) {
        struct mt_wire_head h = peek(r);
        if (h.type == MT_WIRE_END) {
            stick(r, MT_ETYPE);
            return mt_slice(NULL, 0);
        }
        r->at += h.size + mt_wire_payload(&h);
        owed += mt_wire_children(&h);
    }
    return mt_slice(r->p + start, r->at - start);
}

void mt_wire_skip(struct mt_reader *r) {
    (void)mt_wire_raw(r);
}

enum mt_err mt_wire_find(struct mt_slice map, const char *key, struct mt_slice *out) {
    struct mt_reader r = mt_reader(map);
    *out = mt_slice(NULL, 0);
    uint32_t n = mt_wire_map(&r, UINT32_MAX);
    for (uint32_t i = 0; i < n && r.err == MT_OK; i++) {
        bool found = false;
        if (mt_wire_peek(&r) == MT_WIRE_STR)
            found = mt_slice_is(mt_wire_str(&r, SIZE_MAX), key);
        else
            mt_wire_skip(&r);
        struct mt_slice value = mt_wire_raw(&r);
        if (found && r.err == MT_OK) {
            *out = value;
            return MT_OK;
        }
    }
    return r.err == MT_OK ? MT_ENOTFOUND : r.err;
}

static int append(void *w, const char *p, size_t n) {
    mt_writer_put(w, p, n);
    return 0; /* errors stick in the writer */
}

static msgpack_packer packer(struct mt_writer *w) {
    return (msgpack_packer){.data = w, .callback = append};
}

/* True when a 32-bit head can count `n`; otherwise the writer is too long already. */
static bool countable(struct mt_writer *w, size_t n) {
    if (n > UINT32_MAX && w->err == MT_OK)
        w->err = MT_ETOOLONG;
    return w->err == MT_OK;
}

void mt_wire_put_nil(struct mt_writer *w) {
    msgpack_packer k = packer(w);
    msgpack_pack_nil(&k);
}

void mt_wire_put_bool(struct mt_writer *w, bool v) {
    msgpack_packer k = packer(w);
    if (v)
        msgpack_pack_true(&k);
    else
        msgpack_pack_false(&k);
}

void mt_wire_put_uint(struct mt_writer *w, uint64_t v) {
    msgpack_packer k = packer(w);
    msgpack_pack_uint64(&k, v);
}

void mt_wire_put_int(struct mt_writer *w, int64_t v) {
    msgpack_packer k = packer(w);
    msgpack_pack_int64(&k, v);
}

void mt_wire_put_float(struct mt_writer *w, double v) {
    static const uint8_t nan[] = {0xca, 0x7f, 0xc0, 0x00, 0x00};
    msgpack_packer k = packer(w);
    if (v != v)
        mt_writer_put(w, nan, sizeof nan);
    else if (mt_wire_is_whole(v) && v >= 0)
        msgpack_pack_uint64(&k, (uint64_t)v);
    else if (mt_wire_is_whole(v))
        msgpack_pack_int64(&k, (int64_t)v);
    else if (mt_wire_fits_float32(v))
        msgpack_pack_float(&k, (float)v);
    else
        msgpack_pack_double(&k, v);
}

void mt_wire_put_str(struct mt_writer *w, struct mt_slice s) {
    msgpack_packer k = packer(w);
    if (!countable(w, s.n))
        return;
    msgpack_pack_str(&k, s.n);
    mt_writer_put(w, s.p, s.n);
}

void mt_wire_put_cstr(struct mt_writer *w, const char *s) {
    mt_wire_put_str(w, mt_slice_str(s));
}

void mt_wire_put_bin(struct mt_writer *w, const void *p, size_t n) {
    msgpack_packer k = packer(w);
    if (!countable(w, n))
        return;
    msgpack_pack_bin(&k, n);
    mt_writer_put(w, p, n);
}

void mt_wire_put_id(struct mt_writer *w, const struct mt_id *id) {
    mt_wire_put_bin(w, id->b, sizeof id->b);
}

void mt_wire_put_array(struct mt_writer *w, size_t n) {
    msgpack_packer k = packer(w);
    if (countable(w, n))
        msgpack_pack_array(&k, n);
}

void mt_wire_put_map(struct mt_writer *w, size_t n) {
    msgpack_packer k = packer(w);
    if (countable(w, n))
        msgpack_pack_map(&k, n);
}

void mt_wire_put_raw(struct mt_writer *w, struct mt_slice encoded) {
    mt_writer_put(w, encoded.p, encoded.n);
}
