/* schema_check: the checks that reading text and checking bytes share (layer 2). */
#ifndef MEENT_SCHEMA_CHECK_H
#define MEENT_SCHEMA_CHECK_H

#include "schema.h"

/* Checks one string of STR, TEXT or STRS. */
enum mt_text_err mt_text_check(const struct mt_field *field, struct mt_slice s);

/* Checks one number of UINT or CENTS. */
enum mt_text_err mt_number_check(const struct mt_field *field, uint64_t v);

/* What it is called when a value does not have the field's type at all. */
enum mt_text_err mt_type_err(enum mt_field_type type);

#endif
