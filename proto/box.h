/* box: sealing of content, of keys to a recipient, and of what lies on disk (layer 2). */
#ifndef MEENT_BOX_H
#define MEENT_BOX_H

#include "buf.h"
#include "key.h"
#include "limits.h"

/* Where a box stands; all of it is authenticated. */
struct mt_box_place {
    struct mt_id region;
    struct mt_id chain;
    uint64_t seq;
    struct mt_id epoch; /* zeros in pair chains */
};

/* The box key of an epoch key or channel key: KDF(key, "box"). Derive once, use for many boxes. */
void mt_box_key(uint8_t out[static 32], const uint8_t key[static 32], const struct mt_id *region);

/* Bytes of the box that holds `n` bytes of content (Padme padding, protocol.md 3.2); 0 when it
 * would be larger than MT_BOX_MAX. */
size_t mt_box_size(size_t n);

/* Seals `content` into `out` (capacity for mt_box_size(content.n)). `random` makes the salt
 * together with the content. Errors: MT_ETOOLONG. */
MT_MUST enum mt_err mt_box_seal(const uint8_t box_key[static 32], const struct mt_box_place *place,
                                const uint8_t random[static 32], struct mt_slice content,
                                struct mt_writer *out);

/* Opens `box` into `plain` (capacity box.n) and points `content` into it.
 * Errors: MT_EDECRYPT, MT_ECANONICAL (wrong padding), MT_ETRUNCATED, MT_ETOOLONG. */
MT_MUST enum mt_err mt_box_open(const uint8_t box_key[static 32], const struct mt_box_place *place,
                                struct mt_slice box, struct mt_writer *plain,
                                struct mt_slice *content);

/* Box hash = BLAKE2b-256("box", box bytes). */
void mt_box_hash(const struct mt_id *region, struct mt_slice box, struct mt_id *out);

enum { MT_SEAL_SIZE = 80 };

/* Seals 32 bytes to a grant key: ephemeral public key || ciphertext and tag. `ephemeral` is the
 * ephemeral secret, drawn from an event. Errors: MT_EVALUE (low-order recipient). */
MT_MUST enum mt_err mt_seal_key(const struct mt_id *region, const uint8_t recipient[static 32],
                                const uint8_t ephemeral[static 32], const uint8_t key[static 32],
                                uint8_t out[static MT_SEAL_SIZE]);
MT_MUST enum mt_err mt_seal_open(const struct mt_id *region, const struct mt_dh_key *recipient,
                                 const uint8_t seal[static MT_SEAL_SIZE], uint8_t key[static 32]);

enum {
    MT_REST_OVERHEAD = 40,
    MT_REST_NAMES_MAX = 639, /* bytes of label and name together: LMDB keys end at 511 */
};

/* Seals bytes for this disk only: 24-byte synthetic nonce (keyed hash of table, name and text) ||
 * XChaCha20-Poly1305. `label` (such as the table) and `name` (such as the row's key) are
 * authenticated, so that rows cannot be swapped.
 * Errors: MT_ETOOLONG, MT_ETRUNCATED, MT_EDECRYPT. */
MT_MUST enum mt_err mt_rest_seal(const uint8_t store_key[static 32], const char *label,
                                 struct mt_slice name, struct mt_slice plain,
                                 struct mt_writer *out);
MT_MUST enum mt_err mt_rest_open(const uint8_t store_key[static 32], const char *label,
                                 struct mt_slice name, struct mt_slice sealed,
                                 struct mt_writer *plain);

#endif
