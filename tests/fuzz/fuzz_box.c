/* Sealed bytes: boxes, keys sealed to a recipient, rows at rest. Bytes nobody sealed never open; what
 * is sealed opens to the same, in its place only and not with one byte changed; a text that is
 * sealed with any padding opens only with the right one; nothing is left behind by a refusal. */
#include "box.h"
#include "fuzz.h"

#include <sodium.h>
#include <stdlib.h>

enum { CAP = 8192 };

static const uint8_t KEY[32] = {9};

static struct mt_box_place place(struct fuzz *f) {
    struct mt_box_place p = {.region = {{1}}, .seq = fuzz_u8(f)};
    p.chain.b[0] = fuzz_u8(f);
    p.epoch.b[31] = fuzz_u8(f) & 1;
    return p;
}

/* Opens; a refusal leaves nothing. Returns the content in memory of its own in `*content`. */
static enum mt_err open_box(const struct mt_box_place *p, struct mt_slice box, uint8_t *plain,
                            struct mt_slice *content) {
    uint8_t *exact = fuzz_copy(box);
    struct mt_writer w = mt_writer(plain, box.n);
    enum mt_err err = mt_box_open(KEY, p, mt_slice(exact, box.n), &w, content);
    NEED((err == MT_OK) == (w.n > 0));
    NEED(!err || (content->n == 0 && content->p == NULL));
    NEED(err || (content->p >= plain && content->p + content->n <= plain + w.n));
    NEED(err || mt_box_size(content->n) == box.n);
    free(exact);
    return err;
}

static void raw(struct fuzz *f) {
    struct mt_box_place p = place(f);
    struct mt_slice content, in = fuzz_rest(f);
    uint8_t *plain = fuzz_memory(in.n);
    NEED(open_box(&p, in, plain, &content) != MT_OK);
    free(plain);
}

static void made(struct fuzz *f) {
    static uint8_t box[2 * CAP], plain[2 * CAP];
    struct mt_box_place p = place(f), other = p;
    struct fuzz harm = fuzz_part(f, 4);
    struct mt_slice content, in = fuzz_take(f, CAP);
    struct mt_writer w = mt_writer(box, sizeof box - 1);
    uint8_t random[32] = {2};
    NEED(mt_box_seal(KEY, &p, random, in, &w) == MT_OK && w.n == mt_box_size(in.n));
    NEED(open_box(&p, mt_writer_slice(&w), plain, &content) == MT_OK && mt_slice_eq(content, in));
    switch (fuzz_u8(f) % 4) {
    case 0:
        other.seq++;
        break;
    case 1:
        other.chain.b[31]++;
        break;
    case 2:
        other.region.b[31]++;
        break;
    default:
        other.epoch.b[0]++;
    }
    NEED(open_box(&other, mt_writer_slice(&w), plain, &content) == MT_EDECRYPT);
    if (fuzz_damage(&harm, box, &w.n))
        NEED(open_box(&p, mt_writer_slice(&w), plain, &content) != MT_OK);
}

/* The key under which one text is sealed, as PROTOCOL.md has it. */
static void data_key(uint8_t out[static 32], const struct mt_box_place *p, const uint8_t *salt) {
    struct mt_hash h;
    mt_kdf_init(&h, KEY, "data", &p->region);
    mt_hash_add_id(&h, &p->chain);
    mt_hash_add_u64(&h, p->seq);
    mt_hash_add_id(&h, &p->epoch);
    mt_hash_add(&h, salt, 16);
    mt_hash_end(&h, out);
}

/* Seals a text as it is, length and padding included. */
static void seal_text(const struct mt_box_place *p, uint8_t *box, const uint8_t *text,
                      size_t size) {
    static const uint8_t nonce[12];
    uint8_t ad[104], key[32];
    memset(box, 3, 16);
    data_key(key, p, box);
    memcpy(ad, p->region.b, 32);
    memcpy(ad + 32, p->chain.b, 32);
    mt_be64(ad + 64, p->seq);
    memcpy(ad + 72, p->epoch.b, 32);
    crypto_aead_chacha20poly1305_ietf_encrypt(box + 16, NULL, text, size, ad, sizeof ad, NULL,
                                              nonce, key);
}

static void padded(struct fuzz *f) {
    static uint8_t box[CAP + MT_BOX_OVERHEAD], plain[CAP], text[CAP];
    struct mt_box_place p = place(f);
    struct mt_slice content;
    size_t n = fuzz_u8(f) & 1 ? fuzz_u16(f) % CAP : (uint32_t)fuzz_number(f);
    size_t size = fuzz_u8(f) & 1 ? mt_box_size(n) : 4 + fuzz_u16(f) % (CAP - 4);
    size = size > MT_BOX_OVERHEAD && size <= CAP ? size - MT_BOX_OVERHEAD : MT_BOX_MIN_PADDED;
    struct mt_slice in = fuzz_take(f, size - 4);
    memset(text, 0, sizeof text);
    mt_be32(text, (uint32_t)n);
    if (in.n)
        memcpy(text + 4, in.p, in.n);
    seal_text(&p, box, text, size);
    enum mt_err err = open_box(&p, mt_slice(box, size + MT_BOX_OVERHEAD), plain, &content);
    bool right = n <= size - 4 && mt_box_size(n) == size + MT_BOX_OVERHEAD &&
                 fuzz_is_zero(text + 4 + n, size - 4 - n);
    NEED((err == MT_OK) == right);
    NEED(err || mt_slice_eq(content, mt_slice(text + 4, n)));
}

static void seal(struct fuzz *f) {
    uint8_t buf[MT_SEAL_SIZE + 1], key[32], opened[32], secret[32] = {6}, ephemeral[32] = {8};
    struct mt_id region = {{1}};
    struct mt_dh_key to;
    size_t n = MT_SEAL_SIZE;
    mt_dh_key_make(secret, &to);
    ephemeral[1] = fuzz_u8(f);
    fuzz_bytes(f, key, sizeof key);
    NEED(mt_seal_key(&region, to.pub, ephemeral, key, buf) == MT_OK);
    NEED(mt_seal_open(&region, &to, buf, opened) == MT_OK && memcmp(opened, key, 32) == 0);
    if (fuzz_u8(f) & 1)
        fuzz_bytes(f, buf, MT_SEAL_SIZE);
    else if (!fuzz_damage(f, buf, &n) || n != MT_SEAL_SIZE)
        return;
    /* The top bit of an X25519 key means nothing (RFC 7748), but the seal's key is made of it too. */
    NEED(mt_seal_open(&region, &to, buf, opened) != MT_OK && fuzz_is_zero(opened, 32));
}

static void rest(struct fuzz *f) {
    static uint8_t sealed[CAP + MT_REST_OVERHEAD + 1], plain[CAP + 1];
    struct mt_slice name = fuzz_take(f, fuzz_u8(f) * 3u);
    struct fuzz harm = fuzz_part(f, 4);
    struct mt_slice in = fuzz_take(f, CAP);
    struct mt_writer w = mt_writer(sealed, sizeof sealed - 1), o = mt_writer(plain, sizeof plain);
    enum mt_err err = mt_rest_seal(KEY, "rows", name, in, &w);
    NEED((err == MT_OK) == (name.n + 4 <= MT_REST_NAMES_MAX));
    if (err)
        return;
    NEED(mt_rest_open(KEY, "rows", name, mt_writer_slice(&w), &o) == MT_OK);
    NEED(mt_slice_eq(mt_writer_slice(&o), in));
    o.n = 0;
    NEED(mt_rest_open(KEY, "row", name, mt_writer_slice(&w), &o) == MT_EDECRYPT && o.n == 0);
    if (fuzz_damage(&harm, sealed, &w.n))
        NEED(mt_rest_open(KEY, "rows", name, mt_writer_slice(&w), &o) != MT_OK && o.n == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz f = fuzz_of(data, size);
    switch (fuzz_u8(&f) % 5) {
    case 0:
        raw(&f);
        break;
    case 1:
        made(&f);
        break;
    case 2:
        padded(&f);
        break;
    case 3:
        seal(&f);
        break;
    default:
        rest(&f);
    }
    return 0;
}
