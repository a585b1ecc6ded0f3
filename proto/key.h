/* key: hashes, key derivation, signatures and secret memory (layer 1).
 *
 * Every hash and signature input starts with "meent/v1/<use>" 0x00 and the region id (zeros where
 * none is known yet), so that bytes made for one use are never valid for another. */
#ifndef MEENT_KEY_H
#define MEENT_KEY_H

#include "err.h"
#include "types.h"

enum { MT_SIGNATURE_SIZE = 64, MT_SIGNED_MAX = 128 };

/* An incremental BLAKE2b (RFC 7693). Large enough for libsodium's state, which stays private. */
struct mt_hash {
    _Alignas(64) uint8_t opaque[384];
};

/* An Ed25519 key pair; the secret half in libsodium's form (seed and public key). */
struct mt_sign_key {
    struct mt_id pub;
    uint8_t secret[64];
};

/* An X25519 key pair. */
struct mt_dh_key {
    uint8_t pub[32];
    uint8_t secret[32];
};

/* A stretch of unpredictable bytes drawn from the 32 bytes an event brought along. */
struct mt_rng {
    uint8_t key[32];
    uint64_t drawn;
};

/* Starts BLAKE2b-256 for `use` (ASCII, without prefix) in `region` (NULL: zeros). */
void mt_hash_init(struct mt_hash *h, const char *use, const struct mt_id *region);

/* Starts BLAKE2b-512, as mt_hash_init. */
void mt_hash512_init(struct mt_hash *h, const char *use, const struct mt_id *region);

/* Starts KDF(key, use, ...): BLAKE2b-256 keyed with `key`. */
void mt_kdf_init(struct mt_hash *h, const uint8_t key[static 32], const char *use,
                 const struct mt_id *region);

/* Adds bytes; integers are u64 big-endian. */
void mt_hash_add(struct mt_hash *h, const void *p, size_t n);
void mt_hash_add_id(struct mt_hash *h, const struct mt_id *id);
void mt_hash_add_u64(struct mt_hash *h, uint64_t v);

/* Ends the hash and wipes its state. `out` has the length the hash was started with. */
void mt_hash_end(struct mt_hash *h, uint8_t out[static 32]);
void mt_hash512_end(struct mt_hash *h, uint8_t out[static 64]);

/* Hashes one piece: BLAKE2b-256(prefix of use and region, p). */
void mt_hash_of(uint8_t out[static 32], const char *use, const struct mt_id *region, const void *p,
                size_t n);

/* KDF of one piece. */
void mt_kdf(uint8_t out[static 32], const uint8_t key[static 32], const char *use,
            const struct mt_id *region, const void *p, size_t n);

/* SipHash-2-4 with `key`: tells damage, and whoever lacks the key cannot make it. For short rows,
 * where BLAKE2b would cost more than the row. */
void mt_short_mac(uint8_t out[static 8], const uint8_t key[static 16], const void *p, size_t n);

/* Derives subkey `id` of a seed with crypto_kdf, context "meentkdf". */
void mt_key_derive(const uint8_t seed[static 32], uint64_t id, uint8_t out[static 32]);

/* Makes the Ed25519 pair of a seed. */
void mt_sign_key_make(const uint8_t seed[static 32], struct mt_sign_key *out);

/* Makes the X25519 pair of a secret. */
void mt_dh_key_make(const uint8_t secret[static 32], struct mt_dh_key *out);

/* X25519. Errors: MT_EVALUE when the result is all zeros (low-order `pub`). */
MT_MUST enum mt_err mt_dh(const uint8_t secret[static 32], const uint8_t pub[static 32],
                          uint8_t out[static 32]);

/* Signs `n` <= MT_SIGNED_MAX bytes for `use` in `region`. */
void mt_sign(const struct mt_sign_key *key, const char *use, const struct mt_id *region,
             const void *p, size_t n, uint8_t sig[static MT_SIGNATURE_SIZE]);

/* Verifies such a signature. Errors: MT_ESIGNATURE. */
MT_MUST enum mt_err mt_verify(const struct mt_id *pub, const char *use, const struct mt_id *region,
                              const void *p, size_t n, const uint8_t sig[static MT_SIGNATURE_SIZE]);

/* Compares in constant time. */
bool mt_equal_secret(const void *a, const void *b, size_t n);

/* Overwrites memory in a way the compiler keeps. */
void mt_wipe(void *p, size_t n);

/* Seeds `rng` from the entropy of an event. */
void mt_rng_init(struct mt_rng *rng, const uint8_t entropy[static 32]);

/* Draws `n` bytes. */
void mt_rng_draw(struct mt_rng *rng, void *out, size_t n);

/* Allocates zeroed memory for secrets: guarded, locked, excluded from dumps. NULL when there is
 * none. Owns: the caller, until mt_secret_free, which wipes it. */
void *mt_secret_new(size_t n);
void mt_secret_free(void *p);

/* Prepares the crypto library. Call once per process. Errors: MT_EBUG. */
MT_MUST enum mt_err mt_key_init(void);

/* Lower-case hex of `n` bytes with a closing NUL; `out` holds 2 * n + 1. */
void mt_hex(char *out, const void *p, size_t n);

/* Reads exactly 2 * n hex digits. Errors: MT_EVALUE. */
MT_MUST enum mt_err mt_unhex(void *out, size_t n, struct mt_slice text);

#endif
