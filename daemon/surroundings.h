/* surroundings: what can be seen of the places a start needs, without making anything (daemon layer
 * 0). Out of each: `*why`, a text for the log when it fails. */
#ifndef MEENT_SURROUNDINGS_H
#define MEENT_SURROUNDINGS_H

#include "err.h"
#include "types.h"

/* Can this directory be used, or made? Out: `*there`. Errors: MT_ENOTFOUND (a link to nothing, or in
 * a directory that does not exist), MT_ECONFLICT (no directory), MT_EREADONLY, MT_EDENIED. */
MT_MUST enum mt_err mt_see_dir(const char *path, bool *there, const char **why);

/* May the store in `dir` be read and written? Errors: MT_ECONFLICT (no directory), MT_EDENIED. */
MT_MUST enum mt_err mt_see_store(const char *dir, const char **why);

/* Can a socket be made at `path`? `own_dir`: its directory must be there and writable; else somebody
 * makes it just before the start. Errors: MT_ENOTFOUND (no directory), MT_EDENIED, MT_ECONFLICT (no
 * socket, or somebody answers). */
MT_MUST enum mt_err mt_see_socket(const char *path, bool own_dir, const char **why);

#endif
