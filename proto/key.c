#include "key.h"

#include "buf.h"

#include <assert.h>
#include <sodium.h>

_Static_assert(sizeof(crypto_generichash_state) <= sizeof(struct mt_hash), "the state fits");
_Static_assert(_Alignof(crypto_generichash_state) <= _Alignof(struct mt_hash), "and is aligned");
_Static_assert(crypto_sign_SECRETKEYBYTES == sizeof((struct mt_sign_key *)0)->secret, "Ed25519");
_Static_assert(crypto_sign_BYTES == MT_SIGNATURE_SIZE, "Ed25519");
_Static_assert(crypto_shorthash_BYTES == 8 && crypto_shorthash_KEYBYTES == 16, "SipHash");
_Static_assert(crypto_kdf_CONTEXTBYTES == 8 && crypto_kdf_KEYBYTES == 32, "crypto_kdf");

static const char PREFIX[] = "meent/v1/"; /* its NUL is not used */
static const struct mt_id NO_REGION;

enum { PREFIX_SIZE = sizeof PREFIX - 1, USE_MAX = 32, BLOCK = 32 };

static crypto_generichash_state *state(struct mt_hash *h) {
    return (crypto_generichash_state *)(void *)h->opaque;
}

/* A hash of `size` bytes, keyed when `key` is not NULL, that has taken in its domain. */
static void init(struct mt_hash *h, const uint8_t *key, size_t size, const char *use,
                 const struct mt_id *region) {
    crypto_generichash_init(state(h), key, key ? 32 : 0, size);
    mt_hash_add(h, PREFIX, PREFIX_SIZE);
    mt_hash_add(h, use, strlen(use) + 1);
    mt_hash_add_id(h, region ? region : &NO_REGION);
}

void mt_hash_init(struct mt_hash *h, const char *use, const struct mt_id *region) {
    init(h, NULL, 32, use, region);
}

void mt_hash512_init(struct mt_hash *h, const char *use, const struct mt_id *region) {
    init(h, NULL, 64, use, region);
}

void mt_kdf_init(struct mt_hash *h, const uint8_t key[static 32], const char *use,
                 const struct mt_id *region) {
    init(h, key, 32, use, region);
}

void mt_hash_add(struct mt_hash *h, const void *p, size_t n) {
    crypto_generichash_update(state(h), p, n);
}

void mt_hash_add_id(struct mt_hash *h, const struct mt_id *id) {
    mt_hash_add(h, id->b, sizeof id->b);
}

void mt_hash_add_u64(struct mt_hash *h, uint64_t v) {
    uint8_t b[8];
    mt_be64(b, v);
    mt_hash_add(h, b, sizeof b);
}

void mt_hash_end(struct mt_hash *h, uint8_t out[static 32]) {
    crypto_generichash_final(state(h), out, 32);
    mt_wipe(h, sizeof *h);
}

void mt_hash512_end(struct mt_hash *h, uint8_t out[static 64]) {
    crypto_generichash_final(state(h), out, 64);
    mt_wipe(h, sizeof *h);
}

void mt_hash_of(uint8_t out[static 32], const char *use, const struct mt_id *region, const void *p,
                size_t n) {
    struct mt_hash h;
    mt_hash_init(&h, use, region);
    mt_hash_add(&h, p, n);
    mt_hash_end(&h, out);
}

void mt_kdf(uint8_t out[static 32], const uint8_t key[static 32], const char *use,
            const struct mt_id *region, const void *p, size_t n) {
    struct mt_hash h;
    mt_kdf_init(&h, key, use, region);
    mt_hash_add(&h, p, n);
    mt_hash_end(&h, out);
}

void mt_short_mac(uint8_t out[static 8], const uint8_t key[static 16], const void *p, size_t n) {
    crypto_shorthash(out, p, n, key);
}

void mt_key_derive(const uint8_t seed[static 32], uint64_t id, uint8_t out[static 32]) {
    crypto_kdf_derive_from_key(out, 32, id, "meentkdf", seed);
}

void mt_sign_key_make(const uint8_t seed[static 32], struct mt_sign_key *out) {
    crypto_sign_seed_keypair(out->pub.b, out->secret, seed);
}

void mt_dh_key_make(const uint8_t secret[static 32], struct mt_dh_key *out) {
    memmove(out->secret, secret, sizeof out->secret);
    crypto_scalarmult_base(out->pub, out->secret);
}

enum mt_err mt_dh(const uint8_t secret[static 32], const uint8_t pub[static 32],
                  uint8_t out[static 32]) {
    uint8_t shared[32]; /* libsodium does not allow `out` to be one of the inputs */
    bool bad = crypto_scalarmult(shared, secret, pub) != 0;
    if (bad)
        memset(out, 0, sizeof shared);
    else
        memcpy(out, shared, sizeof shared);
    mt_wipe(shared, sizeof shared);
    return bad ? MT_EVALUE : MT_OK;
}

/* What a signature is over: the domain, then the caller's bytes. Returns its length. */
static size_t signed_text(uint8_t out[static PREFIX_SIZE + USE_MAX + 32 + MT_SIGNED_MAX],
                          const char *use, const struct mt_id *region, const void *p, size_t n) {
    size_t use_size = strlen(use) + 1;
    assert(use_size <= USE_MAX && n <= MT_SIGNED_MAX);
    struct mt_writer w = mt_writer(out, PREFIX_SIZE + USE_MAX + 32 + MT_SIGNED_MAX);
    mt_writer_put(&w, PREFIX, PREFIX_SIZE);
    mt_writer_put(&w, use, use_size);
    mt_writer_put(&w, region ? region->b : NO_REGION.b, 32);
    mt_writer_put(&w, p, n);
    return w.n;
}

void mt_sign(const struct mt_sign_key *key, const char *use, const struct mt_id *region,
             const void *p, size_t n, uint8_t sig[static MT_SIGNATURE_SIZE]) {
    uint8_t text[PREFIX_SIZE + USE_MAX + 32 + MT_SIGNED_MAX];
    size_t size = signed_text(text, use, region, p, n);
    crypto_sign_detached(sig, NULL, text, size, key->secret);
}

enum mt_err mt_verify(const struct mt_id *pub, const char *use, const struct mt_id *region,
                      const void *p, size_t n, const uint8_t sig[static MT_SIGNATURE_SIZE]) {
    uint8_t text[PREFIX_SIZE + USE_MAX + 32 + MT_SIGNED_MAX];
    size_t size = signed_text(text, use, region, p, n);
    return crypto_sign_verify_detached(sig, text, size, pub->b) == 0 ? MT_OK : MT_ESIGNATURE;
}

bool mt_equal_secret(const void *a, const void *b, size_t n) {
    return sodium_memcmp(a, b, n) == 0;
}

void mt_wipe(void *p, size_t n) {
    sodium_memzero(p, n);
}

void mt_rng_init(struct mt_rng *rng, const uint8_t entropy[static 32]) {
    memcpy(rng->key, entropy, sizeof rng->key);
    rng->drawn = 0;
}

/* One stream of blocks KDF(key, "rng", number of the block); a draw goes on where the last ended. */
void mt_rng_draw(struct mt_rng *rng, void *out, size_t n) {
    uint8_t block[BLOCK];
    uint8_t number[8];
    uint8_t *to = out;
    while (n > 0) {
        mt_be64(number, rng->drawn / BLOCK);
        mt_kdf(block, rng->key, "rng", NULL, number, sizeof number);
        size_t skip = rng->drawn % BLOCK;
        size_t take = n < BLOCK - skip ? n : BLOCK - skip;
        memcpy(to, block + skip, take);
        to += take;
        n -= take;
        rng->drawn += take;
    }
    mt_wipe(block, sizeof block);
}

void *mt_secret_new(size_t n) {
    void *p = sodium_malloc(n);
    if (p)
        memset(p, 0, n);
    return p;
}

void mt_secret_free(void *p) {
    sodium_free(p);
}

enum mt_err mt_key_init(void) {
    return sodium_init() < 0 ? MT_EBUG : MT_OK;
}

void mt_hex(char *out, const void *p, size_t n) {
    sodium_bin2hex(out, 2 * n + 1, p, n);
}

enum mt_err mt_unhex(void *out, size_t n, struct mt_slice text) {
    size_t got = 0;
    if (text.n % 2 != 0 || text.n / 2 != n)
        return MT_EVALUE;
    int rc = sodium_hex2bin(out, n, (const char *)text.p, text.n, NULL, &got, NULL);
    return rc == 0 && got == n ? MT_OK : MT_EVALUE;
}
