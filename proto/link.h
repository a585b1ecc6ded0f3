/* link: one connection as bytes: key choice, handshake, frames, the stream of messages (layer 3).
 *
 * A frame is a u16 length and that many bytes. The first frame of the dialler is a 16-byte hint of
 * the key it holds and Noise message 1; then messages 2 and 3, each with a certificate; then Noise
 * transport messages that carry a stream of messages, each preceded by its u32 length. */
#ifndef MEENT_LINK_H
#define MEENT_LINK_H

#include "noise.h"

enum mt_link_state {
    MT_LINK_IDLE,
    MT_LINK_DIALED,   /* message 1 is sent */
    MT_LINK_LISTENS,  /* nothing has come yet */
    MT_LINK_HINTED,   /* message 1 is here, the key is to be chosen */
    MT_LINK_ANSWERED, /* message 2 is sent */
    MT_LINK_GREETED,  /* message 2 is read, message 3 is to be sent */
    MT_LINK_OPEN,
    MT_LINK_FAILED,
};

enum { MT_HINT_SIZE = 16, MT_HANDSHAKE_FRAME_MAX = 2048 };

struct mt_link {
    enum mt_link_state state;
    struct mt_noise noise;
    struct mt_noise_cipher tx, rx;
    uint8_t *frame; /* a frame being collected; from malloc */
    size_t frame_cap;
    size_t frame_have; /* length bytes included */
    uint8_t *message;  /* a message being collected; from malloc */
    size_t message_len, message_have;
    uint8_t length[4];
    size_t length_have;
    const uint8_t *plain; /* decrypted bytes of the frame not yet handed on, within `frame` */
    size_t plain_n;
};

enum mt_link_got {
    MT_LINK_NOTHING, /* more bytes are needed */
    MT_LINK_HINT,    /* call mt_link_try for each key, then mt_link_answer */
    MT_LINK_PAYLOAD, /* a certificate: `out`; the dialler then calls mt_link_finish */
    MT_LINK_MESSAGE, /* a message: `out` came from malloc and is the caller's */
};

struct mt_link_out {
    enum mt_link_got got;
    uint8_t *message; /* MT_LINK_MESSAGE: the caller frees or hands it on */
    size_t n;
    uint8_t payload[MT_HANDSHAKE_FRAME_MAX]; /* MT_LINK_PAYLOAD: `n` bytes */
};

/* How a key is hinted at: first 16 bytes of KDF(psk, "hint", e); `region` NULL for invitations. */
void mt_link_hint(const uint8_t psk[static 32], const struct mt_id *region,
                  const uint8_t e[static 32], uint8_t out[static MT_HINT_SIZE]);

/* Frees and wipes what the link holds; it is idle afterwards. */
void mt_link_close(struct mt_link *l);

/* Starts as the dialler; puts the first frame into `w`. `region16`: first half of the region id, for
 * the prologue. `hint_region` as in mt_link_hint. Errors: MT_ENOMEM, MT_EBUG. */
MT_MUST enum mt_err mt_link_dial(struct mt_link *l, const uint8_t region16[static 16],
                                 const struct mt_id *hint_region, const uint8_t psk[static 32],
                                 const struct mt_dh_key *own, const uint8_t e_secret[static 32],
                                 struct mt_writer *w);

/* Starts as the listener. */
void mt_link_listen(struct mt_link *l);

/* True when `psk` is the key hinted at. */
bool mt_link_try(const struct mt_link *l, const struct mt_id *hint_region,
                 const uint8_t psk[static 32]);

/* After MT_LINK_HINT: takes message 1 with this key and puts message 2 with `payload` into `w`.
 * Errors: MT_EPSK, peer class. The link has failed then. */
MT_MUST enum mt_err mt_link_answer(struct mt_link *l, const uint8_t region16[static 16],
                                   const uint8_t psk[static 32], const struct mt_dh_key *own,
                                   const uint8_t e_secret[static 32], struct mt_slice payload,
                                   struct mt_writer *w);

/* After the dialler's MT_LINK_PAYLOAD: puts message 3 with `payload` into `w`; the link is open. */
MT_MUST enum mt_err mt_link_finish(struct mt_link *l, struct mt_slice payload, struct mt_writer *w);

/* Feeds bytes from the connection. Consumes up to the first thing worth telling; call again with
 * the rest until it tells MT_LINK_NOTHING. Out: `*used`, `out`.
 * Errors: MT_ETOOLONG, MT_EDECRYPT, MT_EPROTOCOL, MT_ENOMEM. The link has failed then. */
MT_MUST enum mt_err mt_link_feed(struct mt_link *l, struct mt_slice in, size_t *used,
                                 struct mt_link_out *out);

/* The other side's static key once a payload was told. */
const uint8_t *mt_link_remote(const struct mt_link *l);

/* Bytes that mt_link_seal needs for a message of `n` bytes. */
size_t mt_link_size(size_t n);

/* Seals one message of 1 to MT_MESSAGE_MAX bytes into frames. Errors: MT_ETOOLONG (message or what
 * `w` has left; nothing is written), MT_ESTATE (not open), MT_EBUG. */
MT_MUST enum mt_err mt_link_seal(struct mt_link *l, struct mt_slice message, struct mt_writer *w);

#endif
