/* fuzz: what the fuzz targets share: taking decisions from the input, damaging what was made well,
 * and stating what must hold.
 *
 * A target either takes the input as the bytes under test, or as decisions by which something valid
 * is made (signed, chained, sealed), so that what stands behind the signature is reached as well. */
#ifndef MEENT_FUZZ_H
#define MEENT_FUZZ_H

#include "buf.h"
#include "types.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the run where a property does not hold. */
#define NEED(what) ((what) ? (void)0 : fuzz_failed(__FILE__, __LINE__, #what))
_Noreturn void fuzz_failed(const char *file, int line, const char *what);

/* The input as decisions. Zeros once it is used up. */
struct fuzz {
    const uint8_t *p;
    size_t n;
};
static inline struct fuzz fuzz_of(const uint8_t *data, size_t size) {
    return (struct fuzz){.p = data, .n = size};
}
uint8_t fuzz_u8(struct fuzz *f);
uint16_t fuzz_u16(struct fuzz *f);
uint64_t fuzz_u64(struct fuzz *f);
void fuzz_bytes(struct fuzz *f, void *out, size_t n);

/* A number of which every length is as likely. */
uint64_t fuzz_number(struct fuzz *f);

/* The next bytes, `n` of them or what is left. Borrowed. */
struct mt_slice fuzz_take(struct fuzz *f, size_t n);
struct mt_slice fuzz_rest(struct fuzz *f);

/* The next `n` bytes as decisions of their own, so that those behind them keep their meaning. */
static inline struct fuzz fuzz_part(struct fuzz *f, size_t n) {
    struct mt_slice s = fuzz_take(f, n);
    return fuzz_of(s.p, s.n);
}

/* A copy in memory of exactly that size, so that a byte read too far is seen. Owns: the caller. */
uint8_t *fuzz_copy(struct mt_slice s);
void *fuzz_memory(size_t n); /* zeroed; never NULL */

/* Changes one thing of `*n` bytes at `p`, which holds one more: a bit, a byte, the end, one byte
 * more or less. Returns true when the bytes are others now. */
bool fuzz_damage(struct fuzz *f, uint8_t *p, size_t *n);

/* The same for bytes of a stream, where one more behind them is no harm. */
bool fuzz_damage_stream(struct fuzz *f, uint8_t *p, size_t *n);

/* Whether all bytes are zero: what a refused input leaves in its output. */
bool fuzz_is_zero(const void *p, size_t n);

#endif
