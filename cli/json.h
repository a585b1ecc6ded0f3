/* json: results of the daemon as jansson values, and parameters back as MessagePack. */
#ifndef MEENT_JSON_H
#define MEENT_JSON_H

#include "wire.h"

#include <jansson.h>

/* Reads one encoded value; byte strings become hexadecimal text.
 * Owns: the caller, with json_decref. Errors: peer class, MT_ENOMEM. */
MT_MUST enum mt_err mt_json_read(struct mt_slice value, json_t **out);

/* Writes a value. Errors: MT_ETOOLONG sticks in `w`. */
void mt_json_write(const json_t *value, struct mt_writer *w);

/* Text of member `key`, or NULL when it is absent or no text. Borrowed from `object`. */
const char *mt_json_str(const json_t *object, const char *key);

/* Number of member `key`, or `missing`. */
json_int_t mt_json_int(const json_t *object, const char *key, json_int_t missing);

/* The "name" of a reference {"id", "name"} in member `key`, else its id, else NULL. */
const char *mt_json_ref(const json_t *object, const char *key);

#endif
