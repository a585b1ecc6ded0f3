/* notify: tells systemd how the service is doing (daemon layer 0).
 * The protocol of sd_notify(3): datagrams to the socket that $NOTIFY_SOCKET names. */
#ifndef MEENT_NOTIFY_H
#define MEENT_NOTIFY_H

#include "err.h"
#include "types.h"

/* Sends `state`, as in "READY=1\nSTATUS=...". Does nothing when nobody asked to be told.
 * Errors: MT_EIO, MT_ETOOLONG (of the socket's path). */
enum mt_err mt_notify(const char *state);

#endif
