/* types: identifiers, byte slices and moments that every module shares (layer 0). */
#ifndef MEENT_TYPES_H
#define MEENT_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A function whose result must not be ignored. */
#define MT_MUST __attribute__((warn_unused_result))

#define MT_ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* 32 bytes that name something: region, organisation (its Ed25519 root key), feed (an Ed25519 key),
 * chain, entry, act, statement. */
struct mt_id {
    uint8_t b[32];
};

/* 16 random bytes that name a record within (audience, owner, kind). */
struct mt_rid {
    uint8_t b[16];
};

/* Borrowed bytes. */
struct mt_slice {
    const uint8_t *p;
    size_t n;
};

/* A moment as the caller of the core gives it. */
struct mt_time {
    uint64_t mono_ms; /* never goes back within one run; deadlines and back-off */
    uint64_t wall_ms; /* Unix time; only for display and end dates, never for what counts */
};

static inline struct mt_slice mt_slice(const void *p, size_t n) {
    return (struct mt_slice){.p = p, .n = n};
}

static inline struct mt_slice mt_slice_str(const char *s) {
    return mt_slice(s, strlen(s));
}

static inline bool mt_slice_eq(struct mt_slice a, struct mt_slice b) {
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool mt_slice_is(struct mt_slice a, const char *s) {
    return mt_slice_eq(a, mt_slice_str(s));
}

static inline int mt_id_cmp(const struct mt_id *a, const struct mt_id *b) {
    return memcmp(a->b, b->b, sizeof a->b);
}

static inline bool mt_id_eq(const struct mt_id *a, const struct mt_id *b) {
    return mt_id_cmp(a, b) == 0;
}

static inline bool mt_id_is_zero(const struct mt_id *a) {
    static const struct mt_id zero;
    return mt_id_eq(a, &zero);
}

static inline bool mt_rid_eq(const struct mt_rid *a, const struct mt_rid *b) {
    return memcmp(a->b, b->b, sizeof a->b) == 0;
}

/* Big-endian integers in hash inputs, headers and store keys. */
static inline void mt_be16(uint8_t *p, uint16_t v) {
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static inline void mt_be32(uint8_t *p, uint32_t v) {
    mt_be16(p, (uint16_t)(v >> 16));
    mt_be16(p + 2, (uint16_t)v);
}

static inline void mt_be64(uint8_t *p, uint64_t v) {
    mt_be32(p, (uint32_t)(v >> 32));
    mt_be32(p + 4, (uint32_t)v);
}

static inline uint16_t mt_load16(const uint8_t *p) {
    return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t mt_load32(const uint8_t *p) {
    return (uint32_t)mt_load16(p) << 16 | mt_load16(p + 2);
}

static inline uint64_t mt_load64(const uint8_t *p) {
    return (uint64_t)mt_load32(p) << 32 | mt_load32(p + 4);
}

#endif
