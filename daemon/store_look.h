/* store_look: tells a sound environment from a damaged one by the bytes of its file (layer 1). */
#ifndef MEENT_STORE_LOOK_H
#define MEENT_STORE_LOOK_H

#include "store.h"
#include "store_walk.h"

/* Looks at every page and row of the `size` bytes of data.mdb at `file`. Nothing in them can make it
 * crash; a file that cannot be read can, when it is mapped.
 * Out: what was found, in `why`; "" when all is well. A file of another store key is not judged.
 * Errors: MT_ECORRUPT, MT_EVERSION, MT_ENOMEM. */
MT_MUST enum mt_err mt_store_look(struct mt_store *s, const uint8_t *file, size_t size,
                                  char why[static MT_WALK_WHY_MAX]);

#endif
