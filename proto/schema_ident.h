/* schema_ident: numbers of organisations in public registers (layer 2). */
#ifndef MEENT_SCHEMA_IDENT_H
#define MEENT_SCHEMA_IDENT_H

#include "schema.h"

enum { MT_IDENT_MAX = 40 }; /* bytes of one number */

/* One identifier in its normal form: letters in capitals, no spaces. */
struct mt_ident {
    uint16_t scheme;
    uint8_t n;
    uint8_t value[MT_IDENT_MAX];
};

/* Reads "kvk:01234567", or a number whose form tells its register. Errors: MT_TEXT_NOT_IDENT. */
enum mt_text_err mt_ident_parse(struct mt_slice text, struct mt_ident *out);

/* True when `value` is a number of `scheme` in its normal form. */
bool mt_ident_valid(uint16_t scheme, struct mt_slice value);

/* Orders by scheme, then by number. */
int mt_ident_cmp(const struct mt_ident *a, const struct mt_ident *b);

/* Takes the next [scheme, number] off `r`; false with an error stuck when there is none that is
 * valid. */
bool mt_ident_get(struct mt_reader *r, struct mt_ident *out);

#endif
