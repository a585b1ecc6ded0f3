#include "box.h"

#include <sodium.h>

enum {
    SALT_SIZE = 16,
    TAG_SIZE = crypto_aead_chacha20poly1305_ietf_ABYTES,
    LENGTH_SIZE = 4, /* the content's length in front of it, big-endian */
    PLACE_SIZE = 32 + 32 + 8 + 32,
    REST_NONCE_SIZE = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
    REST_TAG_SIZE = crypto_aead_xchacha20poly1305_ietf_ABYTES,
};

_Static_assert(SALT_SIZE + TAG_SIZE == MT_BOX_OVERHEAD, "a box is salt, text and tag");
_Static_assert(MT_BOX_MIN_PADDED == 1 << 7, "padded_size counts from there");
_Static_assert(32 + 32 + TAG_SIZE == MT_SEAL_SIZE, "a seal is public key, key and tag");
_Static_assert(REST_NONCE_SIZE + REST_TAG_SIZE == MT_REST_OVERHEAD, "at rest: nonce, text, tag");

/* Every key made here seals one text only, which is why the nonce may be fixed. */
static const uint8_t ZERO_NONCE[crypto_aead_chacha20poly1305_ietf_NPUBBYTES];

/* ---- boxes ---- */

void mt_box_key(uint8_t out[static 32], const uint8_t key[static 32], const struct mt_id *region) {
    mt_kdf(out, key, "box", region, NULL, 0);
}

/* Padme: the length keeps as many significant bits as its exponent has, so that sizes leak
 * O(log log n) bits at a cost of 12 % at most. https://lbarman.ch/blog/padme/ */
static size_t padded_size(size_t n) {
    size_t length = LENGTH_SIZE + n;
    if (length <= MT_BOX_MIN_PADDED)
        return MT_BOX_MIN_PADDED;
    unsigned exponent = 7, kept = 3; /* floor(log2 length), and the bits that number takes */
    while (length >> exponent > 1)
        exponent++;
    while (exponent >> kept > 0)
        kept++;
    size_t mask = ((size_t)1 << (exponent - kept)) - 1;
    return (length + mask) & ~mask;
}

size_t mt_box_size(size_t n) {
    if (n > MT_BOX_MAX)
        return 0;
    size_t size = padded_size(n) + MT_BOX_OVERHEAD;
    return size <= MT_BOX_MAX ? size : 0;
}

static void place_bytes(uint8_t out[static PLACE_SIZE], const struct mt_box_place *place) {
    memcpy(out, place->region.b, 32);
    memcpy(out + 32, place->chain.b, 32);
    mt_be64(out + 64, place->seq);
    memcpy(out + 72, place->epoch.b, 32);
}

static void data_key(uint8_t out[static 32], const uint8_t box_key[static 32],
                     const struct mt_box_place *place, const uint8_t ad[static PLACE_SIZE],
                     const uint8_t salt[static SALT_SIZE]) {
    struct mt_hash h;
    mt_kdf_init(&h, box_key, "data", &place->region);
    mt_hash_add(&h, ad + 32, PLACE_SIZE - 32);
    mt_hash_add(&h, salt, SALT_SIZE);
    mt_hash_end(&h, out);
}

enum mt_err mt_box_seal(const uint8_t box_key[static 32], const struct mt_box_place *place,
                        const uint8_t random[static 32], struct mt_slice content,
                        struct mt_writer *out) {
    size_t size = mt_box_size(content.n);
    uint8_t *salt = size ? mt_writer_take(out, size) : NULL;
    if (!salt)
        return MT_ETOOLONG;
    uint8_t *text = salt + SALT_SIZE;
    size_t padded = size - MT_BOX_OVERHEAD;
    mt_be32(text, (uint32_t)content.n);
    if (content.n)
        memcpy(text + LENGTH_SIZE, content.p, content.n);
    memset(text + LENGTH_SIZE + content.n, 0, padded - LENGTH_SIZE - content.n);

    uint8_t hash[32], key[32], ad[PLACE_SIZE];
    mt_kdf(hash, random, "salt", &place->region, text, padded);
    memcpy(salt, hash, SALT_SIZE);
    place_bytes(ad, place);
    data_key(key, box_key, place, ad, salt);
    (void)crypto_aead_chacha20poly1305_ietf_encrypt(text, NULL, text, padded, ad, sizeof ad, NULL,
                                                    ZERO_NONCE, key);
    mt_wipe(hash, sizeof hash);
    mt_wipe(key, sizeof key);
    return MT_OK;
}

/* Finds the content in an opened text, which has exactly one form for each content. */
static enum mt_err unpad(const uint8_t *text, size_t padded, struct mt_slice *content) {
    size_t n = mt_load32(text);
    if (n > padded - LENGTH_SIZE || padded_size(n) != padded)
        return MT_ECANONICAL;
    if (!sodium_is_zero(text + LENGTH_SIZE + n, padded - LENGTH_SIZE - n))
        return MT_ECANONICAL;
    *content = mt_slice(text + LENGTH_SIZE, n);
    return MT_OK;
}

enum mt_err mt_box_open(const uint8_t box_key[static 32], const struct mt_box_place *place,
                        struct mt_slice box, struct mt_writer *plain, struct mt_slice *content) {
    *content = mt_slice(NULL, 0);
    if (box.n < MT_BOX_OVERHEAD + MT_BOX_MIN_PADDED)
        return MT_ETRUNCATED;
    if (box.n > MT_BOX_MAX)
        return MT_ETOOLONG;
    size_t padded = box.n - MT_BOX_OVERHEAD;
    size_t before = plain->n;
    uint8_t *text = mt_writer_take(plain, padded);
    if (!text)
        return MT_ETOOLONG;

    uint8_t key[32], ad[PLACE_SIZE];
    place_bytes(ad, place);
    data_key(key, box_key, place, ad, box.p);
    int failed = crypto_aead_chacha20poly1305_ietf_decrypt(
        text, NULL, NULL, box.p + SALT_SIZE, box.n - SALT_SIZE, ad, sizeof ad, ZERO_NONCE, key);
    mt_wipe(key, sizeof key);
    enum mt_err err = failed ? MT_EDECRYPT : unpad(text, padded, content);
    if (err)
        plain->n = before;
    return err;
}

void mt_box_hash(const struct mt_id *region, struct mt_slice box, struct mt_id *out) {
    mt_hash_of(out->b, "box-hash", region, box.p, box.n);
}

/* ---- keys for a recipient ---- */

static const struct mt_id *region_or_zeros(const struct mt_id *region) {
    static const struct mt_id zeros;
    return region ? region : &zeros;
}

static void seal_kdf(uint8_t out[static 32], const uint8_t shared[static 32],
                     const struct mt_id *region, const uint8_t ephemeral_pub[static 32],
                     const uint8_t recipient_pub[static 32]) {
    struct mt_hash h;
    mt_kdf_init(&h, shared, "seal", region);
    mt_hash_add(&h, ephemeral_pub, 32);
    mt_hash_add(&h, recipient_pub, 32);
    mt_hash_end(&h, out);
}

enum mt_err mt_seal_key(const struct mt_id *region, const uint8_t recipient[static 32],
                        const uint8_t ephemeral[static 32], const uint8_t key[static 32],
                        uint8_t out[static MT_SEAL_SIZE]) {
    struct mt_dh_key e;
    uint8_t shared[32], seal_key[32];
    mt_dh_key_make(ephemeral, &e);
    enum mt_err err = mt_dh(e.secret, recipient, shared);
    if (err)
        goto wipe;
    seal_kdf(seal_key, shared, region, e.pub, recipient);
    memcpy(out, e.pub, 32);
    (void)crypto_aead_chacha20poly1305_ietf_encrypt(
        out + 32, NULL, key, 32, region_or_zeros(region)->b, 32, NULL, ZERO_NONCE, seal_key);
    mt_wipe(seal_key, sizeof seal_key);
wipe:
    mt_wipe(shared, sizeof shared);
    mt_wipe(&e, sizeof e);
    return err;
}

enum mt_err mt_seal_open(const struct mt_id *region, const struct mt_dh_key *recipient,
                         const uint8_t seal[static MT_SEAL_SIZE], uint8_t key[static 32]) {
    uint8_t shared[32], seal_key[32];
    enum mt_err err = mt_dh(recipient->secret, seal, shared);
    if (err) {
        memset(key, 0, 32);
        return err;
    }
    seal_kdf(seal_key, shared, region, seal, recipient->pub);
    int failed = crypto_aead_chacha20poly1305_ietf_decrypt(
        key, NULL, NULL, seal + 32, MT_SEAL_SIZE - 32, region_or_zeros(region)->b, 32, ZERO_NONCE,
        seal_key);
    mt_wipe(shared, sizeof shared);
    mt_wipe(seal_key, sizeof seal_key);
    if (failed)
        memset(key, 0, 32);
    return failed ? MT_EDECRYPT : MT_OK;
}

/* ---- at rest ---- */

/* What a row at rest is bound to: label || 0 || name. */
struct rest_ad {
    uint8_t b[MT_REST_NAMES_MAX + 1];
    size_t n;
};

static enum mt_err rest_ad_make(struct rest_ad *ad, const char *label, struct mt_slice name) {
    struct mt_writer w = mt_writer(ad->b, sizeof ad->b);
    mt_writer_put(&w, label, strlen(label) + 1);
    mt_writer_put(&w, name.p, name.n);
    ad->n = w.n;
    return w.err;
}

static void rest_key(uint8_t out[static 32], const uint8_t store_key[static 32],
                     const char *label) {
    mt_kdf(out, store_key, "rest-key", NULL, label, strlen(label));
}

static void rest_nonce(uint8_t out[static 32], const uint8_t store_key[static 32],
                       const char *label, struct mt_slice name, struct mt_slice plain) {
    struct mt_hash h;
    size_t label_len = strlen(label);
    mt_kdf_init(&h, store_key, "rest-nonce", NULL);
    mt_hash_add_u64(&h, label_len);
    mt_hash_add(&h, label, label_len);
    mt_hash_add_u64(&h, name.n);
    mt_hash_add(&h, name.p, name.n);
    mt_hash_add(&h, plain.p, plain.n);
    mt_hash_end(&h, out);
}

enum mt_err mt_rest_seal(const uint8_t store_key[static 32], const char *label,
                         struct mt_slice name, struct mt_slice plain, struct mt_writer *out) {
    struct rest_ad ad;
    enum mt_err err = rest_ad_make(&ad, label, name);
    if (err)
        return err;
    if (plain.n > SIZE_MAX - MT_REST_OVERHEAD)
        return MT_ETOOLONG;
    uint8_t *p = mt_writer_take(out, plain.n + MT_REST_OVERHEAD);
    if (!p)
        return MT_ETOOLONG;
    uint8_t key[32], nonce[32];
    rest_key(key, store_key, label);
    rest_nonce(nonce, store_key, label, name, plain);
    memcpy(p, nonce, REST_NONCE_SIZE);
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt(p + REST_NONCE_SIZE, NULL, plain.p, plain.n,
                                                     ad.b, ad.n, NULL, nonce, key);
    mt_wipe(key, sizeof key);
    mt_wipe(nonce, sizeof nonce);
    return MT_OK;
}

enum mt_err mt_rest_open(const uint8_t store_key[static 32], const char *label,
                         struct mt_slice name, struct mt_slice sealed, struct mt_writer *plain) {
    struct rest_ad ad;
    enum mt_err err = rest_ad_make(&ad, label, name);
    if (err)
        return err;
    if (sealed.n < MT_REST_OVERHEAD)
        return MT_ETRUNCATED;
    size_t before = plain->n;
    uint8_t *p = mt_writer_take(plain, sealed.n - MT_REST_OVERHEAD);
    if (!p)
        return MT_ETOOLONG;
    uint8_t key[32];
    rest_key(key, store_key, label);
    int failed = crypto_aead_xchacha20poly1305_ietf_decrypt(
        p, NULL, NULL, sealed.p + REST_NONCE_SIZE, sealed.n - REST_NONCE_SIZE, ad.b, ad.n, sealed.p,
        key);
    mt_wipe(key, sizeof key);
    if (failed)
        plain->n = before;
    return failed ? MT_EDECRYPT : MT_OK;
}
