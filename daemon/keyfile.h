/* keyfile: small files that must be private, whole and durable (daemon layer 0). */
#ifndef MEENT_KEYFILE_H
#define MEENT_KEYFILE_H

#include "err.h"
#include "types.h"

/* Reads a key of exactly 32 bytes. `handed` says that the file was handed to us by systemd, whose
 * access lists show as group permissions; any other must be readable by its owner alone, and the
 * owner must be us or root.
 * Errors: MT_ENOTFOUND, MT_EDENIED (open to others, or not ours), MT_EVALUE (not 32 bytes or not a
 * file), MT_EIO. */
MT_MUST enum mt_err mt_keyfile_read(const char *path, bool handed, uint8_t out[static 32]);

/* Makes a key file, durable on return; it is never there half.
 * Errors: MT_ECONFLICT (there already), MT_ENOTFOUND (no such directory), MT_EDENIED, MT_ENOSPACE,
 * MT_EIO. */
MT_MUST enum mt_err mt_keyfile_create(const char *path, const uint8_t key[static 32]);

/* The file that ties a replica to this machine. It names the feed, this machine and its own inode: a
 * restored or copied replica finds none, one of another machine, or one that is itself a copy.
 * Out: `*known` is false when there is none, when it is not readable as such, and when it is of
 * another machine or a copy; else `*feed`. Errors: MT_EIO. */
MT_MUST enum mt_err mt_installation_read(const char *path, const char *machine_id_path, bool *known,
                                         struct mt_id *feed);

/* Replaces that file, durable on return. Errors: as mt_keyfile_create without MT_ECONFLICT. */
MT_MUST enum mt_err mt_installation_write(const char *path, const char *machine_id_path,
                                          const struct mt_id *feed);

/* Makes a directory of mode 0700 unless it is there. Errors: as mt_keyfile_create; MT_ECONFLICT
 * when something else has its name. */
MT_MUST enum mt_err mt_private_dir(const char *path);

/* Takes the lock file `path` for as long as the process lives. Out: `*fd`, kept open.
 * Errors: MT_ECONFLICT (another process holds it), as mt_keyfile_create. */
MT_MUST enum mt_err mt_lock_file(const char *path, int *fd);

#endif
