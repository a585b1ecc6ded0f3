/* words: days, times and spans in Dutch or English words. The C library's names depend on locales
 * that may not be there, so ours come from a table. */
#ifndef MEENT_WORDS_H
#define MEENT_WORDS_H

#include "schema.h"

enum { MT_WORDS_MAX = 48 }; /* bytes every function here fits in, the final NUL included */

/* "vr 15 jan 13:00 wk 2": `start` is RFC 3339 or a date, `week` is "2026-W48"; either may be NULL.
 * Midnight is shown as a whole day. Far from `today` the year stands in place of the week. */
void mt_words_activity(enum mt_lang lang, uint32_t today, const char *start, const char *week,
                       char out[static MT_WORDS_MAX]);

/* "15 jan 2027" of a date "2027-01-15"; other text is kept as it is. */
void mt_words_date(enum mt_lang lang, const char *date, char out[static MT_WORDS_MAX]);

/* "January 2027": the month a day is in. */
void mt_words_month(enum mt_lang lang, uint32_t day, char out[static MT_WORDS_MAX]);

/* "21 nov 13:05" of an RFC 3339 time as written there; other text is kept as it is. */
void mt_words_moment(enum mt_lang lang, const char *rfc3339, char out[static MT_WORDS_MAX]);

/* "3 d", "4 h", "12 min": how long ago or how long, in its largest unit. */
void mt_words_span(enum mt_lang lang, uint64_t seconds, char out[static MT_WORDS_MAX]);

/* Seconds since 1970 of an RFC 3339 time. Returns false when `text` is none. */
bool mt_words_parse(const char *text, uint64_t *out);

/* Today in Europe/Amsterdam, as days since 1970, at the Unix time `now`. */
uint32_t mt_words_today(uint64_t now);

#endif
