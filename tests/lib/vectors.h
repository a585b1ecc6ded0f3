/* vectors: reads the JSON files below tests/vectors; whatever is missing there fails the test. */
#ifndef MEENT_TEST_LIB_VECTORS_H
#define MEENT_TEST_LIB_VECTORS_H

#include "types.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Loads a file, such as "noise/snow.json". Owns: the caller, until json_decref. */
json_t *vectors_load(const char *path);

/* The member `key`, which must be there. Borrowed. */
json_t *vectors_get(const json_t *object, const char *key);
const char *vectors_text(const json_t *object, const char *key);
uint64_t vectors_uint(const json_t *object, const char *key);

/* The bytes of a hex string ("-" between bytes is fine), in `buf` of `cap` bytes. */
struct mt_slice vectors_unhex(const json_t *string, uint8_t *buf, size_t cap);
struct mt_slice vectors_bytes(const json_t *object, const char *key, uint8_t *buf, size_t cap);

/* The same where exactly `n` bytes must be. */
void vectors_fixed(const json_t *object, const char *key, void *out, size_t n);
struct mt_id vectors_id(const json_t *object, const char *key);

void assert_bytes(struct mt_slice got, struct mt_slice want);

#endif
