/* Any bytes: the scan never reads past them; what it accepts is walked to its end, and written again
 * through the putters it is the same bytes. Getters asked for the wrong thing err and stay in. */
#include "fuzz.h"
#include "wire.h"

#include <stdlib.h>

static void copy(struct mt_reader *r, struct mt_writer *w, int depth);

static void copy_many(struct mt_reader *r, struct mt_writer *w, uint64_t n, int depth) {
    NEED(depth < 8);
    for (uint64_t i = 0; i < n; i++)
        copy(r, w, depth + 1);
}

static void copy(struct mt_reader *r, struct mt_writer *w, int depth) {
    struct mt_slice s;
    uint32_t n;
    switch (mt_wire_peek(r)) {
    case MT_WIRE_NIL:
        mt_wire_nil(r);
        mt_wire_put_nil(w);
        break;
    case MT_WIRE_BOOL:
        mt_wire_put_bool(w, mt_wire_bool(r));
        break;
    case MT_WIRE_UINT:
        mt_wire_put_uint(w, mt_wire_uint(r, UINT64_MAX));
        break;
    case MT_WIRE_NEGATIVE:
        mt_wire_put_int(w, mt_wire_int(r));
        break;
    case MT_WIRE_FLOAT:
        mt_wire_put_float(w, mt_wire_float(r));
        break;
    case MT_WIRE_STR:
        s = mt_wire_str(r, SIZE_MAX);
        NEED(mt_utf8_valid(s));
        mt_wire_put_str(w, s);
        break;
    case MT_WIRE_BIN:
        s = mt_wire_bin(r, SIZE_MAX);
        mt_wire_put_bin(w, s.p, s.n);
        break;
    case MT_WIRE_ARRAY:
        n = mt_wire_array(r, 0, UINT32_MAX);
        mt_wire_put_array(w, n);
        copy_many(r, w, n, depth);
        break;
    case MT_WIRE_MAP:
        n = mt_wire_map(r, UINT32_MAX);
        mt_wire_put_map(w, n);
        copy_many(r, w, 2 * (uint64_t)n, depth);
        break;
    case MT_WIRE_EXT:
        mt_wire_put_raw(w, mt_wire_raw(r));
        break;
    case MT_WIRE_END:
        NEED(!"a scanned value ends early");
    }
    NEED(r->err == MT_OK);
}

/* Asks for what the bytes themselves say, from the last one on: seldom what is there. */
static void misuse(struct mt_slice in) {
    struct mt_reader r = mt_reader(in);
    uint8_t fixed[32];
    int8_t type;
    for (size_t i = in.n; i-- > 0 && r.err == MT_OK;) {
        size_t before = r.at, max = in.p[i] & 0xf0;
        switch (in.p[i] % 12) {
        case 0:
            (void)mt_wire_uint(&r, max);
            break;
        case 1:
            (void)mt_wire_int(&r);
            break;
        case 2:
            (void)mt_wire_float(&r);
            break;
        case 3:
            (void)mt_wire_bool(&r);
            break;
        case 4:
            mt_wire_nil(&r);
            break;
        case 5:
            NEED(mt_wire_str(&r, max).n <= max);
            break;
        case 6:
            NEED(mt_wire_bin(&r, max).n <= max);
            break;
        case 7:
            NEED(mt_wire_ext(&r, max, &type).n <= max);
            break;
        case 8:
            mt_wire_fixed(&r, fixed, sizeof fixed);
            NEED(r.err == MT_OK || fuzz_is_zero(fixed, sizeof fixed));
            break;
        case 9:
            NEED(mt_wire_array(&r, 1, (uint32_t)max) <= max);
            break;
        case 10:
            NEED(mt_wire_map(&r, (uint32_t)max) <= max);
            break;
        default:
            (void)mt_wire_raw(&r);
        }
        NEED(r.at >= before && r.at <= in.n && (r.err != MT_OK || r.at > before));
    }
}

static void find_all(struct mt_slice map) {
    struct mt_reader r = mt_reader(map);
    struct mt_slice value;
    char key[64];
    for (uint32_t n = mt_wire_map(&r, UINT32_MAX); n > 0 && !r.err; n--) {
        if (mt_wire_peek(&r) != MT_WIRE_STR) {
            mt_wire_skip(&r);
        } else {
            struct mt_slice s = mt_wire_str(&r, SIZE_MAX);
            if (s.n < sizeof key) {
                memcpy(key, s.p, s.n);
                key[s.n] = 0;
                NEED(mt_wire_find(map, key, &value) == MT_OK);
                NEED(value.p >= map.p && value.p + value.n <= map.p + map.n && value.n);
            }
        }
        mt_wire_skip(&r);
    }
    NEED(mt_wire_find(map, "there is no such key", &value) != MT_OK || map.n > 20);
}

static void scanned(struct mt_slice in, enum mt_wire_mode mode) {
    struct mt_reader r;
    size_t cap = 2 * in.n + 16, len; /* a float of 5 bytes may be a whole number of 9 */
    uint8_t *p = fuzz_memory(cap);
    struct mt_writer w = mt_writer(p, cap);
    NEED(mt_wire_open(&r, in, mode, in.n) == MT_OK);
    copy(&r, &w, 0);
    NEED(r.at == in.n && w.err == MT_OK);
    struct mt_slice again = mt_writer_slice(&w);
    if (mode == MT_WIRE_CANONICAL)
        NEED(mt_slice_eq(again, in));
    NEED(mt_wire_scan(again, MT_WIRE_LENIENT, cap, &len) == MT_OK && len == again.n);
    free(p);
    r = mt_reader(in);
    if (mt_wire_peek(&r) == MT_WIRE_MAP)
        find_all(in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    size_t len[2];
    for (int mode = MT_WIRE_CANONICAL; mode <= MT_WIRE_LENIENT; mode++) {
        enum mt_err err =
            mt_wire_scan(mt_slice(data, size), (enum mt_wire_mode)mode, size, &len[mode]);
        NEED((err == MT_OK) == (len[mode] > 0) && len[mode] <= size);
        if (err == MT_OK)
            scanned(mt_slice(data, len[mode]), (enum mt_wire_mode)mode);
    }
    NEED(!len[MT_WIRE_CANONICAL] || len[MT_WIRE_CANONICAL] == len[MT_WIRE_LENIENT]);
    misuse(mt_slice(data, size));
    return 0;
}
