/* schema_when: days, weeks, times and instants as people write them (layer 2). */
#ifndef MEENT_SCHEMA_WHEN_H
#define MEENT_SCHEMA_WHEN_H

#include "schema.h"

#define MT_DAY_MAX     UINT32_C(2932896) /* 9999-12-31 */
#define MT_INSTANT_MAX ((uint64_t)(MT_DAY_MAX + 1) * 86400000 - 1)

/* Reads trimmed `text`, relative forms only when `today` is not 0. Errors: MT_TEXT_NOT_DATE,
 * MT_TEXT_NOT_WEEK, MT_TEXT_NOT_CLOCK. */
enum mt_text_err mt_when_date(struct mt_slice text, uint32_t today, uint32_t *day);
enum mt_text_err mt_when_week(struct mt_slice text, uint32_t today, uint32_t *week);
enum mt_text_err mt_when_clock(struct mt_slice text, uint32_t *minutes);

/* Reads an RFC 3339 moment into Unix milliseconds. Errors: MT_TEXT_NOT_DATE. */
enum mt_text_err mt_when_instant(struct mt_slice text, uint64_t *wall_ms);

/* The same day of the month `months` later or earlier, or that month's last; 0 outside 1970-9999. */
uint32_t mt_day_add_months(uint32_t day, int months);

#endif
