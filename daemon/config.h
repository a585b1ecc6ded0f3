/* config: the configuration file of meentd (daemon layer 0, the only user of inih).
 *
 * Relative paths are relative to the directory of the file. A list may go on in the next line when
 * that is indented. A key that is not known, or given twice, is an error. */
#ifndef MEENT_CONFIG_H
#define MEENT_CONFIG_H

#include "err.h"
#include "types.h"

#include <stdio.h>

#define MT_CONFIG_STATE_DIR "/var/lib/meent"
#define MT_CONFIG_SOCKET    "/run/meent/ctl.sock"
#define MT_CONFIG_LISTEN    "[::]:7473"

/* Names of accounts, and of groups as "@group". */
struct mt_config_list {
    char **names;
    size_t n;
};

struct mt_config {
    char *state_dir;
    char *socket;
    char *listen;    /* "host:port", port 0: the kernel picks one */
    char *announce;  /* "host:port", or NULL */
    char *store_key; /* NULL: a systemd credential, or state_dir/store.key */
    struct mt_config_list admin, write, personal;
};

/* A host and port taken apart: "host:port", "[v6]:port". */
struct mt_hostport {
    char host[256];
    char port[6];
};

/* Reads `path`; NULL gives the defaults. Every mistake is told to `errors` as "file:line: text".
 * Owns: the caller, until mt_config_close, also after an error.
 * Errors: MT_ENOTFOUND or MT_EIO (not readable), MT_EINVALID (mistakes), MT_ENOMEM. */
MT_MUST enum mt_err mt_config_read(struct mt_config *c, const char *path, FILE *errors);
void mt_config_close(struct mt_config *c);

/* Takes "host:port" apart. `zero_ok`: the port may be 0. Errors: MT_EVALUE. */
MT_MUST enum mt_err mt_config_hostport(const char *text, bool zero_ok, struct mt_hostport *out);

/* True for the addresses that mean "every address": nobody can be told to connect there. */
bool mt_config_is_wildcard(const char *host);

#endif
