/* client: a blocking connection to the daemon's control socket. */
#ifndef MEENT_CLIENT_H
#define MEENT_CLIENT_H

#include "err.h"
#include "types.h"

#include <jansson.h>

struct mt_client {
    int fd; /* -1: closed */
    uint32_t last_id;
    int timeout_ms; /* longest silence of the daemon within one call */
};

/* Why a call did not succeed. Codes of the daemon, and of ours: "daemon-not-running",
 * "denied" (the socket may not be opened), "timeout", "closed" and "protocol". */
struct mt_client_error {
    char code[32];
    char text[1024]; /* English, for people: a detail of the code; may be empty */
};

/* Connects to the socket at `path`, however long the path is.
 * Errors: false with `error` filled in; then there is nothing to close. */
MT_MUST bool mt_client_open(struct mt_client *c, const char *path, struct mt_client_error *error);

/* Calls `method` with `params` (an object, borrowed) and waits for its answer.
 * Out: `*result`, owned by the caller.
 * Errors: false with `error` filled in; after "timeout", "closed" and "protocol" the connection
 * is closed and later calls fail at once. */
MT_MUST bool mt_client_call(struct mt_client *c, const char *method, const json_t *params,
                            json_t **result, struct mt_client_error *error);

/* Closes; harmless when closed already. */
void mt_client_close(struct mt_client *c);

#endif
