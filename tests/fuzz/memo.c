/* memo: remembers what slow functions of key.h gave for the same arguments.
 *
 * Linked into every fuzz target with --wrap. All of them are pure, so a target behaves as without
 * it, only 20 to 100 times faster where it uses the same keys over and over. */
#include "fuzz.h"
#include "key.h"

enum { SLOTS = 4096, ARGUMENT_MAX = 32 + 32 + 32 + MT_SIGNED_MAX + MT_SIGNATURE_SIZE };

enum what { DH = 1, DH_MAKE, SIGN_MAKE, SIGN, VERIFY };

/* One call that was made. Static: it outlives inputs, and what it remembers is always true. */
struct slot {
    enum what what;
    uint32_t n;
    uint8_t argument[ARGUMENT_MAX];
    uint8_t result[sizeof(struct mt_sign_key)];
    enum mt_err err;
};

static struct slot slots[SLOTS];

enum mt_err __real_mt_dh(const uint8_t secret[static 32], const uint8_t pub[static 32],
                         uint8_t out[static 32]);
void __real_mt_dh_key_make(const uint8_t secret[static 32], struct mt_dh_key *out);
void __real_mt_sign_key_make(const uint8_t seed[static 32], struct mt_sign_key *out);
void __real_mt_sign(const struct mt_sign_key *key, const char *use, const struct mt_id *region,
                    const void *p, size_t n, uint8_t sig[static MT_SIGNATURE_SIZE]);
enum mt_err __real_mt_verify(const struct mt_id *pub, const char *use, const struct mt_id *region,
                             const void *p, size_t n, const uint8_t sig[static MT_SIGNATURE_SIZE]);
enum mt_err __wrap_mt_dh(const uint8_t secret[static 32], const uint8_t pub[static 32],
                         uint8_t out[static 32]);
void __wrap_mt_dh_key_make(const uint8_t secret[static 32], struct mt_dh_key *out);
void __wrap_mt_sign_key_make(const uint8_t seed[static 32], struct mt_sign_key *out);
void __wrap_mt_sign(const struct mt_sign_key *key, const char *use, const struct mt_id *region,
                    const void *p, size_t n, uint8_t sig[static MT_SIGNATURE_SIZE]);
enum mt_err __wrap_mt_verify(const struct mt_id *pub, const char *use, const struct mt_id *region,
                             const void *p, size_t n, const uint8_t sig[static MT_SIGNATURE_SIZE]);

/* What goes on in here says nothing about the input. */
#define UNSEEN __attribute__((no_sanitize("coverage")))

/* The slot of a call; false in `*known` when it held another, which is then forgotten. */
UNSEEN static struct slot *find(enum what what, const uint8_t *argument, size_t n, bool *known) {
    uint64_t sum = UINT64_C(14695981039346656037) + what;
    for (size_t i = 0; i < n; i++)
        sum = (sum ^ argument[i]) * UINT64_C(1099511628211);
    struct slot *s = &slots[(sum ^ sum >> 29) % SLOTS];
    *known = s->what == what && s->n == n && memcmp(s->argument, argument, n) == 0;
    if (!*known) {
        s->what = what;
        s->n = (uint32_t)n;
        memcpy(s->argument, argument, n);
    }
    return s;
}

enum mt_err __wrap_mt_dh(const uint8_t secret[static 32], const uint8_t pub[static 32],
                         uint8_t out[static 32]) {
    uint8_t argument[64];
    bool known;
    memcpy(argument, secret, 32);
    memcpy(argument + 32, pub, 32);
    struct slot *s = find(DH, argument, sizeof argument, &known);
    if (!known)
        s->err = __real_mt_dh(secret, pub, s->result);
    memcpy(out, s->result, 32);
    return s->err;
}

void __wrap_mt_dh_key_make(const uint8_t secret[static 32], struct mt_dh_key *out) {
    bool known;
    struct slot *s = find(DH_MAKE, secret, 32, &known);
    if (!known) {
        __real_mt_dh_key_make(secret, out);
        memcpy(s->result, out, sizeof *out);
    }
    memcpy(out, s->result, sizeof *out);
}

void __wrap_mt_sign_key_make(const uint8_t seed[static 32], struct mt_sign_key *out) {
    bool known;
    struct slot *s = find(SIGN_MAKE, seed, 32, &known);
    if (!known) {
        __real_mt_sign_key_make(seed, out);
        memcpy(s->result, out, sizeof *out);
    }
    memcpy(out, s->result, sizeof *out);
}

/* Arguments of signing and verifying, `key` of 32 bytes first; 0 when they are too many. */
static size_t put_signed(uint8_t argument[static ARGUMENT_MAX], const uint8_t *key, const char *use,
                         const struct mt_id *region, const void *p, size_t n, const uint8_t *sig) {
    static const struct mt_id zeros;
    struct mt_writer w = mt_writer(argument, ARGUMENT_MAX);
    size_t len = strlen(use) + 1;
    if (len > 32 || n > MT_SIGNED_MAX)
        return 0;
    mt_writer_put(&w, key, 32);
    mt_writer_put(&w, use, len);
    mt_writer_put(&w, (region ? region : &zeros)->b, 32);
    mt_writer_put(&w, p, n);
    if (sig)
        mt_writer_put(&w, sig, MT_SIGNATURE_SIZE);
    return w.err ? 0 : w.n;
}

void __wrap_mt_sign(const struct mt_sign_key *key, const char *use, const struct mt_id *region,
                    const void *p, size_t n, uint8_t sig[static MT_SIGNATURE_SIZE]) {
    uint8_t argument[ARGUMENT_MAX];
    bool known;
    size_t len = put_signed(argument, key->secret, use, region, p, n, NULL);
    if (!len) {
        __real_mt_sign(key, use, region, p, n, sig);
        return;
    }
    struct slot *s = find(SIGN, argument, len, &known);
    if (!known)
        __real_mt_sign(key, use, region, p, n, s->result);
    memcpy(sig, s->result, MT_SIGNATURE_SIZE);
}

enum mt_err __wrap_mt_verify(const struct mt_id *pub, const char *use, const struct mt_id *region,
                             const void *p, size_t n, const uint8_t sig[static MT_SIGNATURE_SIZE]) {
    uint8_t argument[ARGUMENT_MAX];
    bool known;
    size_t len = put_signed(argument, pub->b, use, region, p, n, sig);
    if (!len)
        return __real_mt_verify(pub, use, region, p, n, sig);
    struct slot *s = find(VERIFY, argument, len, &known);
    if (!known)
        s->err = __real_mt_verify(pub, use, region, p, n, sig);
    return s->err;
}
