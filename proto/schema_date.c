#include "schema.h"

#include "schema_when.h"

/* The calendar repeats every 400 years; days are counted from 1 March of year 0, so that the leap
 * day is the last of its year. */
enum { DAYS_400 = 146097, DAYS_TO_1970 = 719468, YEAR_MIN = 1970, YEAR_MAX = 9999 };

static bool is_leap(int year) {
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_in_month(int year, int month) {
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

uint32_t mt_day_from_ymd(int year, int month, int day) {
    if (year < YEAR_MIN || year > YEAR_MAX || month < 1 || month > 12 || day < 1 ||
        day > days_in_month(year, month))
        return 0;
    int y = month <= 2 ? year - 1 : year;
    int cycle = y / 400, of_cycle = y % 400;
    int of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    int days = of_cycle * 365 + of_cycle / 4 - of_cycle / 100 + of_year;
    return (uint32_t)(cycle * DAYS_400 + days - DAYS_TO_1970);
}

void mt_day_to_ymd(uint32_t day, int *year, int *month, int *dom) {
    uint64_t z = (uint64_t)day + DAYS_TO_1970;
    uint64_t cycle = z / DAYS_400, of_cycle = z % DAYS_400;
    uint64_t y = (of_cycle - of_cycle / 1460 + of_cycle / 36524 - of_cycle / (DAYS_400 - 1)) / 365;
    uint64_t of_year = of_cycle - (365 * y + y / 4 - y / 100);
    uint64_t m = (5 * of_year + 2) / 153;
    *dom = (int)(of_year - (153 * m + 2) / 5 + 1);
    *month = (int)(m < 10 ? m + 3 : m - 9);
    *year = (int)(y + cycle * 400 + (*month <= 2 ? 1 : 0));
}

int mt_day_of_week(uint32_t day) {
    return (int)(((uint64_t)day + 3) % 7) + 1; /* 1970-01-01 was a Thursday */
}

/* Week 1 holds 4 January. */
static uint32_t first_monday(int iso_year) {
    uint32_t fourth = mt_day_from_ymd(iso_year, 1, 4);
    return fourth - (uint32_t)(mt_day_of_week(fourth) - 1);
}

uint32_t mt_day_to_week(uint32_t day) {
    int year, month, dom;
    uint64_t thursday = (uint64_t)day + 4 - (uint64_t)mt_day_of_week(day);
    mt_day_to_ymd((uint32_t)thursday, &year, &month, &dom);
    if (year < YEAR_MIN || year > YEAR_MAX)
        return 0;
    uint64_t monday = thursday - 3;
    uint32_t first = year == YEAR_MIN ? 0 : first_monday(year);
    /* Week 1 of 1970 began three days before day 0. */
    uint64_t since = year == YEAR_MIN ? monday + 3 : monday - first;
    return (uint32_t)year * 100 + (uint32_t)(since / 7) + 1;
}

uint32_t mt_week_to_day(uint32_t week) {
    int year = (int)(week / 100), no = (int)(week % 100);
    if (week / 100 <= YEAR_MIN || week / 100 > YEAR_MAX || no < 1 || no > 53)
        return 0;
    uint32_t monday = first_monday(year) + (uint32_t)(no - 1) * 7;
    return mt_day_to_week(monday) == week ? monday : 0;
}

uint32_t mt_day_add_months(uint32_t day, int months) {
    int year, month, dom;
    mt_day_to_ymd(day, &year, &month, &dom);
    int at = year * 12 + month - 1 + months;
    if (at < YEAR_MIN * 12 || at > YEAR_MAX * 12 + 11)
        return 0;
    int last = days_in_month(at / 12, at % 12 + 1);
    return mt_day_from_ymd(at / 12, at % 12 + 1, dom < last ? dom : last);
}

/* The last Sunday of March or October (both have 31 days), 01:00 UTC, in Unix seconds. */
static uint64_t changeover(int year, int month) {
    uint32_t last = mt_day_from_ymd(year, month, 31);
    return (uint64_t)(last - (uint32_t)(mt_day_of_week(last) % 7)) * 86400 + 3600;
}

int mt_amsterdam_offset(uint64_t wall_s) {
    int year, month, dom;
    uint64_t day = wall_s / 86400;
    if (day > MT_DAY_MAX)
        return 3600;
    mt_day_to_ymd((uint32_t)day, &year, &month, &dom);
    return wall_s >= changeover(year, 3) && wall_s < changeover(year, 10) ? 7200 : 3600;
}

uint64_t mt_amsterdam_instant(uint32_t day, uint32_t minutes) {
    uint64_t local = (uint64_t)day * 86400 + (uint64_t)minutes * 60;
    if (local >= 7200 && mt_amsterdam_offset(local - 7200) == 7200)
        return local - 7200;
    return local >= 3600 ? local - 3600 : 0;
}
