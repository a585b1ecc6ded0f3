/* client: a blocking connection to the daemon's control socket. */
#ifndef MEENT_CLIENT_H
#define MEENT_CLIENT_H

#include "err.h"
#include "types.h"

#include <jansson.h>

struct mt_client {
    int fd; /* -1: closed */
    uint32_t last_id;
    int timeout_ms; /* longest silence of the daemon while an answer is waited for */
    uint8_t *in;    /* what was read beyond the last answer: MT_MESSAGE_MAX bytes, NULL at first */
    size_t in_n;
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

/* The same in two steps, so that several calls can be under way. `params`: one encoded map.
 * Out: `*id` of the call. Errors: as above. */
MT_MUST bool mt_client_send(struct mt_client *c, const char *method, struct mt_slice params,
                            uint32_t *id, struct mt_client_error *error);

/* Waits for the next answer. Out: `*id` of the call it is for, 0 when there is none and the
 * connection is closed; `*result` owned by the caller. Errors: as above. */
MT_MUST bool mt_client_receive(struct mt_client *c, uint32_t *id, json_t **result,
                               struct mt_client_error *error);

/* Closes; harmless when closed already. */
void mt_client_close(struct mt_client *c);

#endif
