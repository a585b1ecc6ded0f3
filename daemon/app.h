/* app: the whole daemon: owns every part, starts and stops them in order (daemon layer 5). */
#ifndef MEENT_APP_H
#define MEENT_APP_H

#include "config.h"

enum { MT_APP_HOPELESS = 3 }; /* exit status; the unit file knows this number */

/* Runs until SIGTERM, SIGINT or SIGHUP; a second signal ends the process at once. Returns the exit
 * status: 0 after a clean stop, 1 when it could not start, MT_APP_HOPELESS when it never will
 * without somebody's help. */
int mt_app_run(const struct mt_config *config, void (*random)(void *out, size_t n));

/* Goes through the part of the start that can fail for reasons outside, without starting: state
 * directory, key, lock, address, store, control socket. What fails is logged as at a start. Returns the exit status. */
int mt_app_check(const struct mt_config *config, void (*random)(void *out, size_t n));

/* The address others are told: `announce`, or the listen address with the port in use, or "" when
 * that is a wildcard. */
const char *mt_app_announce(const struct mt_config *config, const char *listening);

#endif
