/* A handshake message is a list of tokens: `e` and `s` send a public key, `ee` `es` `se` `ss` mix a
 * Diffie-Hellman result into the keys, `psk` mixes the pre-shared key. Both sides walk the same
 * list, one writing and one reading, and keep a hash `h` of all that went over the line and a
 * chaining key `ck` of all secrets. Whatever goes wrong sticks: a handshake is never resumed.
 *
 * The hash of these names is BLAKE2b with 64 bytes, without the domain of key.h, and HMAC is the
 * real one (RFC 2104), not keyed BLAKE2b. */
#include "noise.h"

#include <sodium.h>

enum { KEY = 32, TAG = MT_NOISE_TAG, HASH = MT_NOISE_HASH_SIZE, HASH_BLOCK = 128, NONCE = 12 };

_Static_assert(crypto_aead_chacha20poly1305_ietf_ABYTES == TAG, "ChaChaPoly");
_Static_assert(crypto_aead_chacha20poly1305_ietf_NPUBBYTES == NONCE, "ChaChaPoly");
_Static_assert(crypto_generichash_BYTES_MAX == HASH, "BLAKE2b-512");

enum token { END, E, S, EE, ES, SE, SS, PSK };

enum { MESSAGES_MAX = 3, TOKENS_MAX = 5 }; /* with the END that closes each list */

struct mt_noise_pattern {
    const char *name;
    bool statics;  /* both sides have a static key */
    bool known_rs; /* the initiator knows the responder's beforehand */
    bool psk;
    unsigned n_messages;
    uint8_t tokens[MESSAGES_MAX][TOKENS_MAX];
};

static const struct mt_noise_pattern PATTERNS[] = {
    {"XX", true, false, false, 3, {{E}, {E, EE, S, ES}, {S, SE}}},
    {"XXpsk0", true, false, true, 3, {{PSK, E}, {E, EE, S, ES}, {S, SE}}},
    {"XXpsk3", true, false, true, 3, {{E}, {E, EE, S, ES}, {S, SE, PSK}}},
    {"IK", true, true, false, 2, {{E, ES, S, SS}, {E, EE, SE}}},
    {"IKpsk2", true, true, true, 2, {{E, ES, S, SS}, {E, EE, SE, PSK}}},
    {"NNpsk0", false, false, true, 2, {{PSK, E}, {E, EE}}},
};

static void hash(uint8_t out[static HASH], const void *a, size_t a_len, const void *b,
                 size_t b_len) {
    crypto_generichash_state st;
    crypto_generichash_init(&st, NULL, 0, HASH);
    crypto_generichash_update(&st, a, a_len);
    crypto_generichash_update(&st, b, b_len);
    crypto_generichash_final(&st, out, HASH);
    mt_wipe(&st, sizeof st);
}

static void hmac(uint8_t out[static HASH], const uint8_t key[static HASH], const void *data,
                 size_t n) {
    uint8_t pad[HASH_BLOCK];
    uint8_t inner[HASH];
    for (size_t i = 0; i < HASH_BLOCK; i++)
        pad[i] = (i < HASH ? key[i] : 0) ^ 0x36;
    hash(inner, pad, sizeof pad, data, n);
    for (size_t i = 0; i < HASH_BLOCK; i++)
        pad[i] ^= 0x36 ^ 0x5c;
    hash(out, pad, sizeof pad, inner, sizeof inner);
    mt_wipe(pad, sizeof pad);
    mt_wipe(inner, sizeof inner);
}

/* HKDF of the chaining key and `n` bytes: `count` outputs of HASH bytes each, one after another. */
static void hkdf(const uint8_t ck[static HASH], const uint8_t *input, size_t n, uint8_t *out,
                 unsigned count) {
    uint8_t key[HASH];
    uint8_t text[HASH + 1];
    size_t len = 0;
    hmac(key, ck, input, n);
    for (unsigned i = 1; i <= count; i++) {
        text[len++] = (uint8_t)i;
        hmac(out, key, text, len);
        memcpy(text, out, HASH);
        len = HASH;
        out += HASH;
    }
    mt_wipe(key, sizeof key);
    mt_wipe(text, sizeof text);
}

static void make_nonce(uint8_t out[static NONCE], uint64_t n) {
    memset(out, 0, 4);
    for (unsigned i = 0; i < 8; i++)
        out[4 + i] = (uint8_t)(n >> (8 * i));
}

/* Lengths and the last nonce are the callers' to check. */
static void encrypt(struct mt_noise_cipher *c, struct mt_slice ad, struct mt_slice plain,
                    uint8_t *out) {
    uint8_t nonce[NONCE];
    make_nonce(nonce, c->n++);
    crypto_aead_chacha20poly1305_ietf_encrypt(out, NULL, plain.p, plain.n, ad.p, ad.n, NULL, nonce,
                                              c->key);
}

static enum mt_err decrypt(struct mt_noise_cipher *c, struct mt_slice ad, struct mt_slice sealed,
                           uint8_t *out) {
    uint8_t nonce[NONCE];
    make_nonce(nonce, c->n);
    if (crypto_aead_chacha20poly1305_ietf_decrypt(out, NULL, NULL, sealed.p, sealed.n, ad.p, ad.n,
                                                  nonce, c->key) != 0)
        return MT_EDECRYPT;
    c->n++;
    return MT_OK;
}

static void mix_hash(struct mt_noise *n, const void *p, size_t len) {
    hash(n->h, n->h, HASH, p, len);
}

static void set_key(struct mt_noise *n, const uint8_t key[static KEY]) {
    memcpy(n->cipher.key, key, KEY);
    n->cipher.n = 0;
    n->has_key = true;
}

static void mix_key(struct mt_noise *n, const uint8_t input[static 32]) {
    uint8_t out[2 * HASH];
    hkdf(n->ck, input, 32, out, 2);
    memcpy(n->ck, out, HASH);
    set_key(n, out + HASH);
    mt_wipe(out, sizeof out);
}

static enum mt_err mix_psk(struct mt_noise *n) {
    uint8_t out[3 * HASH];
    if (!n->has_psk)
        return MT_EBUG;
    hkdf(n->ck, n->psk, sizeof n->psk, out, 3);
    memcpy(n->ck, out, HASH);
    mix_hash(n, out + HASH, HASH);
    set_key(n, out + 2 * HASH);
    mt_wipe(out, sizeof out);
    return MT_OK;
}

static enum mt_err mix_dh(struct mt_noise *n, const struct mt_dh_key *ours,
                          const uint8_t theirs[static 32]) {
    uint8_t shared[32];
    enum mt_err err = mt_dh(ours->secret, theirs, shared);
    if (err == MT_OK)
        mix_key(n, shared);
    mt_wipe(shared, sizeof shared);
    return err;
}

/* The tokens that both sides treat alike. */
static enum mt_err mix_token(struct mt_noise *n, enum token token) {
    switch (token) {
    case EE:
        return mix_dh(n, &n->e, n->re);
    case ES:
        return n->initiator ? mix_dh(n, &n->e, n->rs) : mix_dh(n, &n->s, n->re);
    case SE:
        return n->initiator ? mix_dh(n, &n->s, n->re) : mix_dh(n, &n->e, n->rs);
    case SS:
        return mix_dh(n, &n->s, n->rs);
    default:
        return mix_psk(n);
    }
}

static enum mt_err put_and_hash(struct mt_noise *n, struct mt_slice plain, struct mt_writer *out) {
    size_t size = plain.n + (n->has_key ? TAG : 0);
    uint8_t *to = mt_writer_take(out, size);
    if (out->err != MT_OK)
        return out->err;
    if (n->has_key)
        encrypt(&n->cipher, mt_slice(n->h, HASH), plain, to);
    else if (size > 0)
        memcpy(to, plain.p, size);
    mix_hash(n, to, size);
    return MT_OK;
}

static enum mt_err get_and_hash(struct mt_noise *n, struct mt_slice in, uint8_t *out) {
    if (n->has_key) {
        enum mt_err err = decrypt(&n->cipher, mt_slice(n->h, HASH), in, out);
        if (err != MT_OK)
            return err;
    } else if (in.n > 0) {
        memcpy(out, in.p, in.n);
    }
    mix_hash(n, in.p, in.n);
    return MT_OK;
}

/* With a psk in the pattern, ephemeral keys go into the chaining key too. */
static void mix_ephemeral(struct mt_noise *n, const uint8_t pub[static 32]) {
    mix_hash(n, pub, 32);
    if (n->pattern->psk)
        mix_key(n, pub);
}

static enum mt_err write_token(struct mt_noise *n, enum token token, struct mt_writer *out) {
    switch (token) {
    case E: {
        uint8_t secret[32];
        memcpy(secret, n->e.secret, sizeof secret);
        mt_dh_key_make(secret, &n->e);
        mt_wipe(secret, sizeof secret);
        mt_writer_put(out, n->e.pub, sizeof n->e.pub);
        mix_ephemeral(n, n->e.pub);
        return out->err;
    }
    case S:
        return put_and_hash(n, mt_slice(n->s.pub, sizeof n->s.pub), out);
    default:
        return mix_token(n, token);
    }
}

static enum mt_err read_token(struct mt_noise *n, enum token token, struct mt_reader *in) {
    size_t size = 32 + (n->has_key ? TAG : 0);
    const uint8_t *p;
    switch (token) {
    case E:
        mt_reader_get(in, n->re, sizeof n->re);
        mix_ephemeral(n, n->re);
        return in->err;
    case S:
        p = mt_reader_take(in, size);
        if (!p)
            return in->err;
        n->has_rs = true; /* counts only when the whole message is good: errors stick */
        return get_and_hash(n, mt_slice(p, size), n->rs);
    default:
        return mix_token(n, token);
    }
}

const struct mt_noise_pattern *mt_noise_pattern(const char *name) {
    for (size_t i = 0; i < MT_ARRAY_LEN(PATTERNS); i++)
        if (strcmp(PATTERNS[i].name, name) == 0)
            return &PATTERNS[i];
    return NULL;
}

/* h = ck = the protocol's name, which is never longer than a hash. */
static void start_hash(struct mt_noise *n) {
    struct mt_writer w = mt_writer(n->h, HASH);
    mt_writer_put(&w, "Noise_", 6);
    mt_writer_put(&w, n->pattern->name, strlen(n->pattern->name));
    mt_writer_put(&w, "_25519_ChaChaPoly_BLAKE2b", 25);
    memcpy(n->ck, n->h, HASH);
}

enum mt_err mt_noise_init(struct mt_noise *n, const struct mt_noise_pattern *pattern,
                          bool initiator, struct mt_slice prologue, const struct mt_dh_key *s,
                          const uint8_t e_secret[static 32], const uint8_t *rs) {
    memset(n, 0, sizeof *n);
    if (!pattern || (pattern->statics && !s) || (pattern->known_rs && initiator && !rs))
        return MT_EBUG;
    n->pattern = pattern;
    n->initiator = initiator;
    if (pattern->statics)
        n->s = *s;
    memcpy(n->e.secret, e_secret, sizeof n->e.secret);
    start_hash(n);
    mix_hash(n, prologue.p, prologue.n);
    if (pattern->known_rs && initiator) {
        memcpy(n->rs, rs, sizeof n->rs);
        n->has_rs = true;
    }
    if (pattern->known_rs)
        mix_hash(n, initiator ? n->rs : n->s.pub, 32);
    return MT_OK;
}

void mt_noise_set_psk(struct mt_noise *n, const uint8_t psk[static 32]) {
    memcpy(n->psk, psk, sizeof n->psk);
    n->has_psk = true;
}

/* Whether it is our turn to write, or theirs. */
static bool is_turn(const struct mt_noise *n, bool write) {
    return n->pattern && n->message < n->pattern->n_messages &&
           (n->message % 2 == 0) == (n->initiator == write);
}

enum mt_err mt_noise_write(struct mt_noise *n, struct mt_slice payload, struct mt_writer *out) {
    if (n->err == MT_OK && !is_turn(n, true))
        n->err = MT_EBUG;
    if (n->err != MT_OK)
        return n->err;
    size_t start = out->n;
    const uint8_t *tokens = n->pattern->tokens[n->message];
    for (; *tokens != END && n->err == MT_OK; tokens++)
        n->err = write_token(n, (enum token) * tokens, out);
    if (n->err == MT_OK)
        n->err = put_and_hash(n, payload, out);
    if (n->err == MT_OK && out->n - start > MT_NOISE_MESSAGE_MAX)
        n->err = MT_ETOOLONG;
    if (n->err == MT_OK)
        n->message++;
    else
        out->n = start;
    return n->err;
}

static enum mt_err read_message(struct mt_noise *n, struct mt_slice msg,
                                struct mt_writer *payload) {
    if (msg.n > MT_NOISE_MESSAGE_MAX)
        return MT_ETOOLONG;
    struct mt_reader in = mt_reader(msg);
    const uint8_t *tokens = n->pattern->tokens[n->message];
    for (; *tokens != END; tokens++) {
        enum mt_err err = read_token(n, (enum token) * tokens, &in);
        if (err != MT_OK)
            return err;
    }
    size_t left = mt_reader_left(&in);
    size_t tag = n->has_key ? TAG : 0;
    if (left < tag)
        return MT_ETRUNCATED;
    uint8_t *to = mt_writer_take(payload, left - tag);
    if (payload->err != MT_OK)
        return payload->err;
    return get_and_hash(n, mt_slice(msg.p + in.at, left), to);
}

enum mt_err mt_noise_read(struct mt_noise *n, struct mt_slice msg, struct mt_writer *payload) {
    if (n->err == MT_OK && !is_turn(n, false))
        n->err = MT_EBUG;
    if (n->err != MT_OK)
        return n->err;
    size_t start = payload->n;
    n->err = read_message(n, msg, payload);
    if (n->err == MT_OK)
        n->message++;
    else
        payload->n = start;
    return n->err;
}

bool mt_noise_done(const struct mt_noise *n) {
    return n->pattern && n->err == MT_OK && n->message == n->pattern->n_messages;
}

const uint8_t *mt_noise_remote_static(const struct mt_noise *n) {
    return n->has_rs && n->err == MT_OK ? n->rs : NULL;
}

void mt_noise_hash(const struct mt_noise *n, uint8_t out[static MT_NOISE_HASH_SIZE]) {
    memcpy(out, n->h, HASH);
}

enum mt_err mt_noise_split(struct mt_noise *n, struct mt_noise_cipher *tx,
                           struct mt_noise_cipher *rx) {
    memset(tx, 0, sizeof *tx);
    memset(rx, 0, sizeof *rx);
    bool done = mt_noise_done(n);
    if (done) {
        uint8_t out[2 * HASH];
        hkdf(n->ck, NULL, 0, out, 2);
        memcpy(n->initiator ? tx->key : rx->key, out, KEY);
        memcpy(n->initiator ? rx->key : tx->key, out + HASH, KEY);
        mt_wipe(out, sizeof out);
    }
    mt_noise_wipe(n);
    return done ? MT_OK : MT_EBUG;
}

/* Rekey() of the specification, every so many messages. */
static void after_message(struct mt_noise_cipher *c) {
    static const uint8_t zeros[KEY];
    uint8_t nonce[NONCE];
    uint8_t out[KEY + TAG];
    if (c->n % MT_NOISE_REKEY_AFTER != 0)
        return;
    make_nonce(nonce, UINT64_MAX);
    crypto_aead_chacha20poly1305_ietf_encrypt(out, NULL, zeros, KEY, NULL, 0, NULL, nonce, c->key);
    memcpy(c->key, out, KEY);
    mt_wipe(out, sizeof out);
}

enum mt_err mt_noise_seal(struct mt_noise_cipher *c, struct mt_slice plain, uint8_t *out) {
    if (plain.n > MT_NOISE_MESSAGE_MAX - TAG)
        return MT_ETOOLONG;
    if (c->n == UINT64_MAX)
        return MT_EBUG;
    encrypt(c, mt_slice(NULL, 0), plain, out);
    after_message(c);
    return MT_OK;
}

enum mt_err mt_noise_open(struct mt_noise_cipher *c, struct mt_slice sealed, uint8_t *out) {
    if (sealed.n < TAG)
        return MT_ETRUNCATED;
    if (sealed.n > MT_NOISE_MESSAGE_MAX)
        return MT_ETOOLONG;
    if (c->n == UINT64_MAX)
        return MT_EBUG;
    enum mt_err err = decrypt(c, mt_slice(NULL, 0), sealed, out);
    if (err == MT_OK)
        after_message(c);
    return err;
}

void mt_noise_wipe(struct mt_noise *n) {
    mt_wipe(n, sizeof *n);
}
