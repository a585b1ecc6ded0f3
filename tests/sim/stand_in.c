/* stand_in: what would be done for every host, and says the same each time.
 *
 * Curve arithmetic is half of all time: a signature is checked by every organisation it reaches and
 * at every start, the same certificate is signed for every link, and both ends of a link compute one
 * shared secret. What a function of libsodium said once for the same bytes is not computed again; a
 * shared secret is known by the two public keys. And the walk through a store before it is opened,
 * in a child process, guards against damage that is not made here. */
#include "store_internal.h"

#include <dlfcn.h>
#include <sodium.h>

enum { VERIFIED = 16384, SIGNED = 1024, PUBLIC = 4096, SHARED = 16384, DIGEST = 32 };

static void *real(const char *name) {
    return dlsym(RTLD_NEXT, name);
}

static uint32_t slot_of(const uint8_t *random, uint32_t n) {
    uint32_t at;
    memcpy(&at, random, sizeof at);
    return at % n;
}

/* ---- signatures ---- */

typedef int (*verify_fn)(const unsigned char *, const unsigned char *, unsigned long long,
                         const unsigned char *);

struct verified {
    uint8_t signature[crypto_sign_BYTES], key[crypto_sign_PUBLICKEYBYTES], digest[DIGEST];
};

int crypto_sign_verify_detached(const unsigned char *signature, const unsigned char *m,
                                unsigned long long n, const unsigned char *key) {
    static struct verified table[VERIFIED];
    static verify_fn verify;
    struct verified h;
    if (!verify) {
        void *found = real("crypto_sign_verify_detached");
        memcpy(&verify, &found, sizeof verify);
    }
    memcpy(h.signature, signature, sizeof h.signature);
    memcpy(h.key, key, sizeof h.key);
    (void)crypto_generichash(h.digest, sizeof h.digest, m, n, NULL, 0);
    struct verified *at = &table[slot_of(h.digest, VERIFIED)];
    if (memcmp(at, &h, sizeof h) == 0)
        return 0;
    int rc = verify(signature, m, n, key);
    if (rc == 0)
        *at = h;
    return rc;
}

typedef int (*sign_fn)(unsigned char *, unsigned long long *, const unsigned char *,
                       unsigned long long, const unsigned char *);

struct made {
    uint8_t digest[DIGEST], signature[crypto_sign_BYTES];
};

int crypto_sign_detached(unsigned char *signature, unsigned long long *signature_n,
                         const unsigned char *m, unsigned long long n, const unsigned char *key) {
    static struct made table[SIGNED];
    static sign_fn sign;
    uint8_t digest[DIGEST];
    crypto_generichash_state state;
    if (!sign) {
        void *found = real("crypto_sign_detached");
        memcpy(&sign, &found, sizeof sign);
    }
    (void)crypto_generichash_init(&state, key, crypto_sign_SEEDBYTES, sizeof digest);
    (void)crypto_generichash_update(&state, m, n);
    (void)crypto_generichash_final(&state, digest, sizeof digest);
    struct made *at = &table[slot_of(digest, SIGNED)];
    if (memcmp(at->digest, digest, sizeof digest) != 0) {
        memcpy(at->digest, digest, sizeof digest);
        (void)sign(at->signature, NULL, m, n, key);
    }
    memcpy(signature, at->signature, sizeof at->signature);
    if (signature_n)
        *signature_n = sizeof at->signature;
    return 0;
}

/* ---- shared secrets ---- */

typedef int (*base_fn)(unsigned char *, const unsigned char *);
typedef int (*mult_fn)(unsigned char *, const unsigned char *, const unsigned char *);

struct pair {
    uint8_t secret[32], public[32];
};

static struct pair *public_of(const unsigned char *secret) {
    static struct pair table[PUBLIC];
    return &table[slot_of(secret + 8, PUBLIC)];
}

int crypto_scalarmult_base(unsigned char *q, const unsigned char *n) {
    static base_fn base;
    struct pair *at = public_of(n);
    if (!base) {
        void *found = real("crypto_scalarmult_base");
        memcpy(&base, &found, sizeof base);
    }
    if (memcmp(at->secret, n, sizeof at->secret) != 0) {
        (void)base(at->public, n);
        memcpy(at->secret, n, sizeof at->secret);
    }
    memcpy(q, at->public, sizeof at->public);
    return 0;
}

struct shared {
    uint8_t low[32], high[32], secret[32];
};

int crypto_scalarmult(unsigned char *q, const unsigned char *n, const unsigned char *p) {
    static struct shared table[SHARED];
    static mult_fn mult;
    const struct pair *own = public_of(n);
    if (!mult) {
        void *found = real("crypto_scalarmult");
        memcpy(&mult, &found, sizeof mult);
    }
    if (memcmp(own->secret, n, sizeof own->secret) != 0)
        return mult(q, n, p);
    bool is_low = memcmp(own->public, p, sizeof own->public) < 0;
    const uint8_t *low = is_low ? own->public : p, *high = is_low ? p : own->public;
    struct shared *at = &table[(slot_of(low + 8, SHARED) ^ slot_of(high + 8, SHARED)) % SHARED];
    if (memcmp(at->low, low, 32) != 0 || memcmp(at->high, high, 32) != 0) {
        int rc = mult(q, n, p);
        if (rc)
            return rc;
        memcpy(at->low, low, sizeof at->low);
        memcpy(at->high, high, sizeof at->high);
        memcpy(at->secret, q, sizeof at->secret);
    }
    memcpy(q, at->secret, sizeof at->secret);
    return 0;
}

enum mt_err mt_store_check(struct mt_store *s) {
    (void)s;
    return MT_OK;
}
