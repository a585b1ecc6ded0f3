/* malformed: bytes for each parser that others can reach over a link, wrong in some way. */
#ifndef MEENT_TEST_MALFORMED_H
#define MEENT_TEST_MALFORMED_H

#include "caller.h"

enum { MALFORMED_MAX = 8 * 1024 };

/* A first frame: noise, lengths that lie, and that of `c` spoiled. Returns its bytes. */
size_t malformed_first(struct dice *d, struct caller *c, uint8_t out[static MALFORMED_MAX]);

/* The third message after what was answered: a spoiled certificate in a message that is in order, or
 * a spoiled message. MT_EAGAIN as caller_greet. */
enum mt_err malformed_third(struct dice *d, struct caller *c, struct mt_slice in,
                            struct mt_writer *w);

/* Spoils the certificate of `c` into `out`; it is another one afterwards. Returns its bytes. */
size_t malformed_certificate(struct dice *d, const struct caller *c,
                             uint8_t out[static MALFORMED_MAX]);

/* Transport frames on an open link: spoiled, empty, noise, lengths of messages that lie. */
void malformed_frame(struct dice *d, struct caller *c, struct mt_writer *w);

/* A spoiled message of any type in frames that are in order; after half of them, before which the
 * session is made live, it is a run of the caller's own chain. A message that is none follows. */
void malformed_message(struct dice *d, struct caller *c, struct mt_writer *w);

#endif
