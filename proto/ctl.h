/* ctl: the control protocol between meentd and its clients, MessagePack-RPC (layer 2).
 * Request [0, id, method, params], response [1, id, error, result], notification [2, method, params].
 * https://github.com/msgpack-rpc/msgpack-rpc/blob/master/spec.md */
#ifndef MEENT_CTL_H
#define MEENT_CTL_H

#include "limits.h"
#include "wire.h"

enum { MT_CTL_METHOD_MAX = 64 }; /* bytes of a method name */

enum mt_ctl_type { MT_CTL_REQUEST = 0, MT_CTL_RESPONSE = 1, MT_CTL_NOTIFICATION = 2 };

/* A message taken apart; slices borrow its bytes. */
struct mt_ctl {
    enum mt_ctl_type type;
    uint32_t id;
    struct mt_slice method; /* request, notification */
    struct mt_slice params; /* request, notification: one encoded map (an empty array of parameters
                               reads as the empty map) */
    struct mt_slice error;  /* response: text "code: message"; empty when it succeeded */
    struct mt_slice result; /* response: encoded value */
};

/* Takes the first message off a stream. Out: `*used` its bytes.
 * Errors: MT_EAGAIN (incomplete), peer class. */
MT_MUST enum mt_err mt_ctl_get(struct mt_slice in, struct mt_ctl *out, size_t *used);

/* Begin a message; the caller then puts exactly one value (params map or result). */
void mt_ctl_request_begin(struct mt_writer *w, uint32_t id, const char *method);
void mt_ctl_result_begin(struct mt_writer *w, uint32_t id);
void mt_ctl_notification_begin(struct mt_writer *w, const char *method);

/* A whole error response, "code: message". */
void mt_ctl_error_put(struct mt_writer *w, uint32_t id, const char *code, const char *message);

#endif
