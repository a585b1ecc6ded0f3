/* noise: handshake and transport of the Noise Protocol Framework, revision 34 (layer 2).
 *
 * A small engine over a table of patterns, all with 25519, ChaChaPoly and BLAKE2b; pure: secrets
 * and randomness come in as arguments, bytes leave through writers.
 * Specification: https://noiseprotocol.org/noise.html */
#ifndef MEENT_NOISE_H
#define MEENT_NOISE_H

#include "buf.h"
#include "key.h"
#include "limits.h"

enum { MT_NOISE_HASH_SIZE = 64 };

struct mt_noise_pattern;

/* One direction of transport. Both ends change its key after every MT_NOISE_REKEY_AFTER messages;
 * `n` goes on. Wipe with mt_wipe when the link ends. */
struct mt_noise_cipher {
    uint8_t key[32];
    uint64_t n; /* messages sealed or opened so far: the next nonce */
};

/* A handshake on the caller's storage; nothing in it is for the caller. */
struct mt_noise {
    const struct mt_noise_pattern *pattern; /* NULL once wiped */
    enum mt_err err;                        /* the first error sticks */
    unsigned message;                       /* messages written and read so far */
    bool initiator;
    bool has_key, has_rs, has_psk;
    struct mt_noise_cipher cipher;
    uint8_t ck[MT_NOISE_HASH_SIZE];
    uint8_t h[MT_NOISE_HASH_SIZE];
    struct mt_dh_key s, e;
    uint8_t rs[32], re[32];
    uint8_t psk[32];
};

/* Finds a pattern: "XX", "XXpsk0", "XXpsk3", "IK", "IKpsk2", "NNpsk0". NULL when there is none. */
const struct mt_noise_pattern *mt_noise_pattern(const char *name);

/* Starts a handshake. `s` is our static key (NULL where the pattern has none), `e_secret` 32 fresh
 * random bytes for this handshake alone, `rs` the responder's static key where the initiator must
 * know it beforehand (IK), else NULL. Keys are copied.
 * Errors: MT_EBUG when the pattern needs a key that is not given. */
MT_MUST enum mt_err mt_noise_init(struct mt_noise *n, const struct mt_noise_pattern *pattern,
                                  bool initiator, struct mt_slice prologue,
                                  const struct mt_dh_key *s, const uint8_t e_secret[static 32],
                                  const uint8_t *rs);

/* Sets the pre-shared key; before the message that uses it. */
void mt_noise_set_psk(struct mt_noise *n, const uint8_t psk[static 32]);

/* Appends the next handshake message, which carries `payload`, to `out`.
 * Errors (they stick): MT_EVALUE (low-order remote key), MT_ETOOLONG (message or `out`), MT_EBUG
 * (not our turn, no psk). */
MT_MUST enum mt_err mt_noise_write(struct mt_noise *n, struct mt_slice payload,
                                   struct mt_writer *out);

/* Reads the next handshake message and appends what it carries to `payload`, which must not
 * overlap `msg`. With psk0 a wrong psk is found before any Diffie-Hellman work.
 * Errors (they stick; nothing is appended): MT_EDECRYPT, MT_ETRUNCATED, MT_ETOOLONG, MT_EVALUE
 * (low-order remote key), MT_EBUG (not their turn, no psk). */
MT_MUST enum mt_err mt_noise_read(struct mt_noise *n, struct mt_slice msg,
                                  struct mt_writer *payload);

/* True when every message of the pattern went through. */
bool mt_noise_done(const struct mt_noise *n);

/* The other side's static key; NULL while it is unknown and after an error. */
const uint8_t *mt_noise_remote_static(const struct mt_noise *n);

/* The handshake hash: names this session once the handshake is done. Ask before the split. */
void mt_noise_hash(const struct mt_noise *n, uint8_t out[static MT_NOISE_HASH_SIZE]);

/* Ends a handshake that is done: makes the transport keys and wipes `n`.
 * Errors: MT_EBUG when it is not done; `n` is wiped all the same. */
MT_MUST enum mt_err mt_noise_split(struct mt_noise *n, struct mt_noise_cipher *tx,
                                   struct mt_noise_cipher *rx);

/* Seals one transport message into `out`, plain.n + MT_NOISE_TAG bytes; `out` may be plain.p.
 * Errors: MT_ETOOLONG (more than MT_NOISE_MESSAGE_MAX), MT_EBUG (nonces are used up). */
MT_MUST enum mt_err mt_noise_seal(struct mt_noise_cipher *c, struct mt_slice plain, uint8_t *out);

/* Opens one transport message into `out`, sealed.n - MT_NOISE_TAG bytes; `out` may be sealed.p.
 * Errors: MT_ETRUNCATED, MT_ETOOLONG, MT_EDECRYPT (`out` is zeroed and `c` as before), MT_EBUG. */
MT_MUST enum mt_err mt_noise_open(struct mt_noise_cipher *c, struct mt_slice sealed, uint8_t *out);

/* Overwrites a handshake, done or not. */
void mt_noise_wipe(struct mt_noise *n);

#endif
