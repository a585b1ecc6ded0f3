/* caller: somebody who calls a node and means no good: what it knows, and the bytes it says. */
#ifndef MEENT_TEST_CALLER_H
#define MEENT_TEST_CALLER_H

#include "gov.h"
#include "link.h"

struct mt_node;

enum { CALLER_FIRST = 66, CALLER_THIRD_MAX = 2 + MT_HANDSHAKE_FRAME_MAX };

struct caller {
    struct mt_sign_key root, feed;
    struct mt_dh_key key;
    struct mt_id region; /* only the first half is known to who has an invitation */
    bool invited;
    uint8_t psk[32];
    uint8_t certificate[1024];
    size_t certificate_n; /* 0: a certificate is made for the region that the other side names */
    uint64_t calls;
    struct mt_link link;
};

/* Number `n`, who has keys of its own and knows nothing. */
void caller_make(struct caller *c, uint64_t n);
void caller_close(struct caller *c);

/* Takes the secret out of an invitation's code. False: no code. */
bool caller_invite(struct caller *c, const char *code);

/* Learns the key of the links between members from a node that is one. */
void caller_learn(struct caller *c, const struct mt_node *n);

/* Is the installation of that node from now on: a member that does not keep to the rules. */
void caller_be(struct caller *c, const struct mt_node *n);

/* The same from the state directory of a daemon that does not run. False: it cannot be read. */
bool caller_be_state(struct caller *c, const char *state_dir);

/* Calls anew: puts the first frame, CALLER_FIRST bytes. */
void caller_call(struct caller *c, struct mt_writer *w);

/* Takes what was answered to the first frame and puts the third message; `payload` instead of the
 * certificate when it has bytes. MT_EAGAIN: that was not all of it. */
enum mt_err caller_greet(struct caller *c, struct mt_slice in, struct mt_slice payload,
                         struct mt_writer *w);

/* Seals a message; the link is open after caller_greet. */
void caller_say(struct caller *c, struct mt_slice message, struct mt_writer *w);

/* ---- noise ---- */

/* Numbers that follow from the seed. */
struct dice {
    uint64_t state;
};
uint64_t dice_next(struct dice *d);
size_t dice_below(struct dice *d, size_t n);
void dice_bytes(struct dice *d, uint8_t *out, size_t n);

/* Spoils 1 to 4 places of `n` bytes in `buf`: flips, sets, removes, doubles; the result has at most
 * `cap`. Returns its length. */
size_t dice_spoil(struct dice *d, uint8_t *buf, size_t n, size_t cap);

#endif
