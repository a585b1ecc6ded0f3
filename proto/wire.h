/* wire: bounded MessagePack, canonical where bytes are signed (layer 1).
 *
 * A prescan of our own checks type bytes, depth, shortest form, map order and that no declared
 * count exceeds the bytes that are left. Only bytes that passed it reach msgpack-c, which packs
 * everything and unpacks every scalar; containers are walked by a cursor, so nothing is allocated.
 * Format: https://github.com/msgpack/msgpack/blob/master/spec.md */
#ifndef MEENT_WIRE_H
#define MEENT_WIRE_H

#include "buf.h"

/* How strict a scan is. */
enum mt_wire_mode {
    MT_WIRE_CANONICAL, /* shortest form only: whole numbers as integers (never as floats), float64
                        * only where float32 is not exact, one NaN, map keys strictly ascending by
                        * their bytes */
    MT_WIRE_LENIENT,   /* any valid form, for what other languages' clients send us */
};

/* Type of a value. */
enum mt_wire_type {
    MT_WIRE_NIL,
    MT_WIRE_BOOL,
    MT_WIRE_UINT,
    MT_WIRE_NEGATIVE,
    MT_WIRE_FLOAT, /* after a canonical scan never a whole number, see mt_wire_float */
    MT_WIRE_STR,   /* always valid UTF-8 after a scan */
    MT_WIRE_BIN,
    MT_WIRE_ARRAY,
    MT_WIRE_MAP,
    MT_WIRE_EXT,
    MT_WIRE_END, /* no value here: the input is exhausted or an error sticks */
};

/* Measures the first value of `in`.
 * Out: `*len` its bytes.
 * Errors: MT_EAGAIN (incomplete so far), MT_ECANONICAL, MT_ETOODEEP, MT_ETOOLONG (more than `max`
 * bytes declared or given), MT_ETYPE (the byte 0xc1), MT_EVALUE (a string that is no UTF-8).
 * `*len` is 0 on error. */
MT_MUST enum mt_err mt_wire_scan(struct mt_slice in, enum mt_wire_mode mode, size_t max,
                                 size_t *len);

/* Opens `in`, exactly one value, for reading through `r`.
 * Owns: `in` stays borrowed until `r` is done.
 * Errors: as mt_wire_scan with MT_EAGAIN as MT_ETRUNCATED; MT_ETRAILING. They stick in `r` too. */
MT_MUST enum mt_err mt_wire_open(struct mt_reader *r, struct mt_slice in, enum mt_wire_mode mode,
                                 size_t max);

/* Getters. `r` was opened by mt_wire_open. Each consumes one value (containers: only their head),
 * and on a wrong type or range sticks MT_ETYPE or MT_EVALUE or MT_ETOOLONG and returns zero. */
enum mt_wire_type mt_wire_peek(const struct mt_reader *r);
uint64_t mt_wire_uint(struct mt_reader *r, uint64_t max);
int64_t mt_wire_int(struct mt_reader *r);
double mt_wire_float(struct mt_reader *r); /* accepts integers as well */
bool mt_wire_bool(struct mt_reader *r);
void mt_wire_nil(struct mt_reader *r);
struct mt_slice mt_wire_str(struct mt_reader *r, size_t max);
struct mt_slice mt_wire_bin(struct mt_reader *r, size_t max);
struct mt_slice mt_wire_ext(struct mt_reader *r, size_t max, int8_t *type);
void mt_wire_fixed(struct mt_reader *r, void *out, size_t n); /* a byte string of exactly n bytes */
uint32_t mt_wire_array(struct mt_reader *r, uint32_t min, uint32_t max); /* number of elements */
uint32_t mt_wire_map(struct mt_reader *r, uint32_t max);                 /* number of pairs */

/* Consumes one whole value and returns its bytes in place. */
struct mt_slice mt_wire_raw(struct mt_reader *r);

/* Consumes one whole value. */
void mt_wire_skip(struct mt_reader *r);

/* Finds `key` in the map that is `map` (scanned bytes) and points `out` at its value; the first
 * one where a lenient map has it twice.
 * Errors: MT_ENOTFOUND, MT_ETYPE when `map` is no map. */
MT_MUST enum mt_err mt_wire_find(struct mt_slice map, const char *key, struct mt_slice *out);

/* Putters, canonical by construction when map keys are put in ascending order. MT_ETOOLONG sticks. */
void mt_wire_put_nil(struct mt_writer *w);
void mt_wire_put_bool(struct mt_writer *w, bool v);
void mt_wire_put_uint(struct mt_writer *w, uint64_t v);
void mt_wire_put_int(struct mt_writer *w, int64_t v);
void mt_wire_put_float(struct mt_writer *w, double v);
void mt_wire_put_str(struct mt_writer *w, struct mt_slice s);
void mt_wire_put_cstr(struct mt_writer *w, const char *s);
void mt_wire_put_bin(struct mt_writer *w, const void *p, size_t n);
void mt_wire_put_id(struct mt_writer *w, const struct mt_id *id);
void mt_wire_put_array(struct mt_writer *w, size_t n);
void mt_wire_put_map(struct mt_writer *w, size_t n);
void mt_wire_put_raw(struct mt_writer *w, struct mt_slice encoded);

/* True when `s` is well-formed UTF-8 without NUL, surrogates or overlong forms (RFC 3629). */
bool mt_utf8_valid(struct mt_slice s);

#endif
