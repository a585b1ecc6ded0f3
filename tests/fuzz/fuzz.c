#include "fuzz.h"

#include "key.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);

/* Every target uses the crypto library, directly or not. */
int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc;
    (void)argv;
    NEED(mt_key_init() == MT_OK);
    return 0;
}

_Noreturn void fuzz_failed(const char *file, int line, const char *what) {
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
    abort();
}

uint8_t fuzz_u8(struct fuzz *f) {
    if (!f->n)
        return 0;
    f->n--;
    return *f->p++;
}

uint16_t fuzz_u16(struct fuzz *f) {
    uint8_t high = fuzz_u8(f);
    return (uint16_t)(high << 8 | fuzz_u8(f));
}

void fuzz_bytes(struct fuzz *f, void *out, size_t n) {
    struct mt_slice s = fuzz_take(f, n);
    memset(out, 0, n);
    if (s.n)
        memcpy(out, s.p, s.n);
}

uint64_t fuzz_u64(struct fuzz *f) {
    uint8_t b[8];
    fuzz_bytes(f, b, sizeof b);
    return mt_load64(b);
}

uint64_t fuzz_number(struct fuzz *f) {
    unsigned bits = fuzz_u8(f) % 65;
    uint64_t mask = bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
    /* The highest and the lowest of a length are the borders of ranges. */
    switch (fuzz_u8(f) % 4) {
    case 0:
        return mask;
    case 1:
        return mask + 1;
    default:
        return bits <= 8 ? fuzz_u8(f) & mask : fuzz_u64(f) & mask;
    }
}

struct mt_slice fuzz_take(struct fuzz *f, size_t n) {
    struct mt_slice s = mt_slice(f->p, n < f->n ? n : f->n);
    f->p += s.n;
    f->n -= s.n;
    return s;
}

struct mt_slice fuzz_rest(struct fuzz *f) {
    return fuzz_take(f, f->n);
}

void *fuzz_memory(size_t n) {
    void *p = calloc(1, n ? n : 1);
    NEED(p != NULL);
    return p;
}

uint8_t *fuzz_copy(struct mt_slice s) {
    uint8_t *p = malloc(s.n ? s.n : 1);
    NEED(p != NULL);
    if (s.n)
        memcpy(p, s.p, s.n);
    return p;
}

bool fuzz_damage(struct fuzz *f, uint8_t *p, size_t *n) {
    uint8_t how = fuzz_u8(f);
    size_t at = *n ? fuzz_u16(f) % *n : 0;
    uint8_t value = fuzz_u8(f), before = *n ? p[at] : 0;
    if (!*n || how % 8 == 7) {
        p[(*n)++] = value;
        return true;
    }
    switch (how % 8) {
    case 0:
    case 1:
    case 2:
        p[at] ^= (uint8_t)(1 << value % 8);
        return true;
    case 3:
    case 4:
        p[at] = value;
        return value != before;
    case 5:
        *n = at;
        return true;
    default:
        memmove(p + at, p + at + 1, *n - at - 1);
        --*n;
        return true;
    }
}

bool fuzz_damage_stream(struct fuzz *f, uint8_t *p, size_t *n) {
    size_t before_n = *n;
    uint8_t *before = fuzz_copy(mt_slice(p, before_n));
    (void)fuzz_damage(f, p, n);
    bool whole = *n >= before_n && memcmp(before, p, before_n) == 0;
    free(before);
    return !whole;
}

bool fuzz_is_zero(const void *p, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (((const uint8_t *)p)[i])
            return false;
    return true;
}
