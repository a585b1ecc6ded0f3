#include "wire_scan.h"

#include "limits.h"

/* An array or map that is being scanned. */
struct frame {
    uint64_t left; /* values still to come; in a map the next one is a key when this is even */
    bool map;
    size_t mark;     /* where the current key starts */
    size_t prev;     /* where the previous key starts, and */
    size_t prev_len; /* its bytes; 0 before the first key is complete */
};

struct scan {
    const uint8_t *p;
    size_t n;
    size_t max;
    size_t at;
    uint64_t owed; /* values still to come at every level; each takes a byte at least */
    enum mt_wire_mode mode;
    unsigned depth;
    struct frame frames[MT_WIRE_DEPTH_MAX];
};

static uint64_t load(const uint8_t *p, size_t n) {
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++)
        v = v << 8 | p[i];
    return v;
}

/* A head whose payload length or element count stands in `n` bytes behind the type byte;
 * `more` is what else belongs to the head. */
static struct mt_wire_head counted(enum mt_wire_type type, const uint8_t *p, size_t left, size_t n,
                                   size_t more) {
    struct mt_wire_head h = {
        .type = type, .size = (uint8_t)(1 + n + more), .ok = left >= 1 + n + more};
    if (h.ok)
        h.n = load(p + 1, n);
    return h;
}

static struct mt_wire_head signed_int(const uint8_t *p, size_t left, size_t n) {
    struct mt_wire_head h = counted(MT_WIRE_UINT, p, left, n, 0);
    if (h.ok && p[1] & 0x80) {
        h.type = MT_WIRE_NEGATIVE;
        if (n < 8)
            h.n |= UINT64_MAX << (8 * n);
    }
    return h;
}

static struct mt_wire_head fixed(enum mt_wire_type type, uint64_t n) {
    return (struct mt_wire_head){.type = type, .size = 1, .n = n, .ok = true};
}

static struct mt_wire_head fixed_ext(size_t left, uint64_t n) {
    return (struct mt_wire_head){.type = MT_WIRE_EXT, .size = 2, .n = n, .ok = left >= 2};
}

struct mt_wire_head mt_wire_head(const uint8_t *p, size_t left) {
    uint8_t b = p[0];
    if (b < 0x80)
        return fixed(MT_WIRE_UINT, b);
    if (b >= 0xe0)
        return fixed(MT_WIRE_NEGATIVE, UINT64_MAX << 8 | b);
    if (b < 0x90)
        return fixed(MT_WIRE_MAP, b & 0x0f);
    if (b < 0xa0)
        return fixed(MT_WIRE_ARRAY, b & 0x0f);
    if (b < 0xc0)
        return fixed(MT_WIRE_STR, b & 0x1f);
    switch (b) {
    case 0xc0:
        return fixed(MT_WIRE_NIL, 0);
    case 0xc2:
    case 0xc3:
        return fixed(MT_WIRE_BOOL, b & 1);
    case 0xc4:
    case 0xc5:
    case 0xc6:
        return counted(MT_WIRE_BIN, p, left, (size_t)1 << (b - 0xc4), 0);
    case 0xc7:
    case 0xc8:
    case 0xc9:
        return counted(MT_WIRE_EXT, p, left, (size_t)1 << (b - 0xc7), 1);
    case 0xca:
    case 0xcb:
        return counted(MT_WIRE_FLOAT, p, left, (size_t)4 << (b - 0xca), 0);
    case 0xcc:
    case 0xcd:
    case 0xce:
    case 0xcf:
        return counted(MT_WIRE_UINT, p, left, (size_t)1 << (b - 0xcc), 0);
    case 0xd0:
    case 0xd1:
    case 0xd2:
    case 0xd3:
        return signed_int(p, left, (size_t)1 << (b - 0xd0));
    case 0xd4:
    case 0xd5:
    case 0xd6:
    case 0xd7:
    case 0xd8:
        return fixed_ext(left, UINT64_C(1) << (b - 0xd4));
    case 0xd9:
    case 0xda:
    case 0xdb:
        return counted(MT_WIRE_STR, p, left, (size_t)1 << (b - 0xd9), 0);
    case 0xdc:
    case 0xdd:
        return counted(MT_WIRE_ARRAY, p, left, (size_t)2 << (b - 0xdc), 0);
    case 0xde:
    case 0xdf:
        return counted(MT_WIRE_MAP, p, left, (size_t)2 << (b - 0xde), 0);
    default: /* 0xc1 means nothing, for ever */
        return fixed(MT_WIRE_END, 0);
    }
}

bool mt_wire_is_whole(double d) {
    if (d >= 0)
        return d < 18446744073709551616.0 && (double)(uint64_t)d == d;
    return d >= -9223372036854775808.0 && (double)(int64_t)d == d;
}

bool mt_wire_fits_float32(double d) {
    return d >= -3.4028234663852886e38 && d <= 3.4028234663852886e38 ? (double)(float)d == d
                                                                     : d - d != 0;
}

/* One form for each number: whole numbers as integers, NaN as 7fc00000, else the shortest exact. */
static bool canonical_float(const struct mt_wire_head *h) {
    if (h->size == 5) {
        uint32_t bits = (uint32_t)h->n;
        float f;
        memcpy(&f, &bits, sizeof f);
        return f != f ? bits == 0x7fc00000 : !mt_wire_is_whole(f);
    }
    double d;
    memcpy(&d, &h->n, sizeof d);
    return d == d && !mt_wire_is_whole(d) && !mt_wire_fits_float32(d);
}

/* True when no shorter head says the same. A longer form is needed from `n` onwards only. */
static bool is_shortest(uint8_t b, const struct mt_wire_head *h) {
    switch (b) {
    case 0xca:
    case 0xcb:
        return canonical_float(h);
    case 0xcc:
        return h->n >= 0x80;
    case 0xd9:
        return h->n >= 0x20;
    case 0xdc:
    case 0xde:
        return h->n >= 0x10;
    case 0xc5:
    case 0xc8:
    case 0xcd:
    case 0xda:
        return h->n > 0xff;
    case 0xc6:
    case 0xc9:
    case 0xce:
    case 0xdb:
    case 0xdd:
    case 0xdf:
        return h->n > 0xffff;
    case 0xcf:
        return h->n > 0xffffffff;
    case 0xc7:
        return h->n == 0 || h->n > 16 || (h->n & (h->n - 1)) != 0;
    case 0xd0:
        return h->type == MT_WIRE_NEGATIVE && (int64_t)h->n < -32;
    case 0xd1:
        return h->type == MT_WIRE_NEGATIVE && (int64_t)h->n < INT8_MIN;
    case 0xd2:
        return h->type == MT_WIRE_NEGATIVE && (int64_t)h->n < INT16_MIN;
    case 0xd3:
        return h->type == MT_WIRE_NEGATIVE && (int64_t)h->n < INT32_MIN;
    default:
        return true;
    }
}

/* A value ends at s->at: counts it in the containers around it and checks the order of keys. */
static enum mt_err end_value(struct scan *s) {
    while (s->depth > 0) {
        struct frame *f = &s->frames[s->depth - 1];
        if (f->map && f->left % 2 == 0) {
            size_t len = s->at - f->mark;
            if (s->mode == MT_WIRE_CANONICAL && f->prev_len > 0) {
                size_t same = len < f->prev_len ? len : f->prev_len;
                int order = memcmp(s->p + f->prev, s->p + f->mark, same);
                if (order > 0 || (order == 0 && f->prev_len >= len))
                    return MT_ECANONICAL;
            }
            f->prev = f->mark;
            f->prev_len = len;
        } else {
            f->mark = s->at;
        }
        if (--f->left > 0)
            return MT_OK;
        s->depth--;
    }
    return MT_OK;
}

/* Can `n` bytes more and a byte for each value still owed be there? Checked before anything is
 * counted or read, so that five bytes cannot announce gigabytes. */
static enum mt_err check_room(const struct scan *s, uint64_t n) {
    uint64_t end = s->at + n + s->owed;
    if (end > s->max)
        return MT_ETOOLONG;
    return end > s->n ? MT_EAGAIN : MT_OK;
}

static enum mt_err scan_one(struct scan *s) {
    const uint8_t *p = s->p + s->at;
    struct mt_wire_head h = mt_wire_head(p, s->n - s->at);
    if (h.type == MT_WIRE_END)
        return MT_ETYPE;
    s->owed--;
    if (!h.ok)
        return check_room(s, h.size);
    if (s->mode == MT_WIRE_CANONICAL && !is_shortest(p[0], &h))
        return MT_ECANONICAL;
    bool container = h.type == MT_WIRE_ARRAY || h.type == MT_WIRE_MAP;
    if (container && s->depth == MT_WIRE_DEPTH_MAX)
        return MT_ETOODEEP;
    s->owed += mt_wire_children(&h);
    enum mt_err err = check_room(s, h.size + mt_wire_payload(&h));
    if (err != MT_OK)
        return err;
    s->at += h.size + mt_wire_payload(&h);
    if (h.type == MT_WIRE_STR && !mt_utf8_valid(mt_slice(p + h.size, h.n)))
        return MT_EVALUE;
    if (!container || mt_wire_children(&h) == 0)
        return end_value(s);
    s->frames[s->depth++] =
        (struct frame){.left = mt_wire_children(&h), .map = h.type == MT_WIRE_MAP, .mark = s->at};
    return MT_OK;
}

enum mt_err mt_wire_scan(struct mt_slice in, enum mt_wire_mode mode, size_t max, size_t *len) {
    struct scan s;
    s.p = in.p;
    s.n = in.n;
    s.max = max;
    s.at = 0;
    s.owed = 1;
    s.mode = mode;
    s.depth = 0;
    *len = 0;
    enum mt_err err = check_room(&s, 0);
    while (err == MT_OK && s.owed > 0)
        err = scan_one(&s);
    if (err == MT_OK)
        *len = s.at;
    return err;
}

/* Bytes of the character at `p`, of which `left` >= 1 are there; 0 when it is not well-formed. */
static size_t utf8_char(const uint8_t *p, size_t left) {
    uint8_t b = p[0];
    if (b >= 0x01 && b < 0x80)
        return 1;
    size_t n = b >= 0xc2 && b < 0xe0   ? 2
               : b >= 0xe0 && b < 0xf0 ? 3
               : b >= 0xf0 && b < 0xf5 ? 4
                                       : 0;
    if (n == 0 || n > left)
        return 0;
    /* The second byte is where overlong forms, surrogates and numbers above 10ffff show. */
    uint8_t low = b == 0xe0 ? 0xa0 : b == 0xf0 ? 0x90 : 0x80;
    uint8_t high = b == 0xed ? 0x9f : b == 0xf4 ? 0x8f : 0xbf;
    if (p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < n; i++)
        if (p[i] < 0x80 || p[i] > 0xbf)
            return 0;
    return n;
}

/* True when the eight bytes at `p` are ASCII without NUL: most text, taken in one step. */
static bool is_ascii8(const uint8_t *p) {
    uint64_t v;
    memcpy(&v, p, sizeof v);
    uint64_t high = UINT64_C(0x8080808080808080);
    return ((v | (v - UINT64_C(0x0101010101010101))) & high) == 0;
}

bool mt_utf8_valid(struct mt_slice s) {
    size_t i = 0;
    while (i < s.n) {
        size_t n = s.n - i >= 8 && is_ascii8(s.p + i) ? 8 : utf8_char(s.p + i, s.n - i);
        if (n == 0)
            return false;
        i += n;
    }
    return true;
}
