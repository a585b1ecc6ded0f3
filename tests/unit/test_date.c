/* The calendar and days as people write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "schema_when.h"

static uint32_t day(int y, int m, int d) {
    uint32_t at = mt_day_from_ymd(y, m, d);
    assert_int_not_equal(at, 0);
    return at;
}

static void days_count_from_1970(void **state) {
    (void)state;
    assert_int_equal(mt_day_from_ymd(1970, 1, 2), 1);
    assert_int_equal(mt_day_from_ymd(2000, 3, 1), 11017);
    assert_int_equal(mt_day_from_ymd(2026, 11, 23), 20780);
    assert_int_equal(mt_day_from_ymd(9999, 12, 31), MT_DAY_MAX);
}

static void days_that_do_not_exist_are_zero(void **state) {
    (void)state;
    static const int none[][3] = {{2027, 2, 29},  {2027, 2, 31}, {2100, 2, 29}, {2026, 4, 31},
                                  {2026, 13, 1},  {2026, 0, 1},  {2026, 1, 0},  {2026, 1, 32},
                                  {1969, 12, 31}, {10000, 1, 1}, {0, 1, 1},     {-1, 1, 1}};
    for (size_t i = 0; i < MT_ARRAY_LEN(none); i++)
        assert_int_equal(mt_day_from_ymd(none[i][0], none[i][1], none[i][2]), 0);
    assert_int_not_equal(mt_day_from_ymd(2028, 2, 29), 0);
    assert_int_not_equal(mt_day_from_ymd(2000, 2, 29), 0);
}

static void every_day_round_trips_and_follows_the_one_before(void **state) {
    (void)state;
    int y, m, d, last_y = 1970, last_m = 1, last_d = 1;
    for (uint32_t at = 1; at <= MT_DAY_MAX; at++) {
        mt_day_to_ymd(at, &y, &m, &d);
        bool next_day = y == last_y && m == last_m && d == last_d + 1;
        bool next_month = d == 1 && ((y == last_y && m == last_m + 1) ||
                                     (y == last_y + 1 && m == 1 && last_m == 12));
        if (mt_day_from_ymd(y, m, d) != at || !(next_day || next_month))
            fail_msg("day %u is %d-%d-%d", at, y, m, d);
        last_y = y, last_m = m, last_d = d;
    }
}

static void weeks_follow_iso_8601(void **state) {
    (void)state;
    static const struct {
        int y, m, d;
        uint32_t week;
        int weekday;
    } known[] = {
        {2026, 11, 23, 202648, 1}, {2026, 12, 31, 202653, 4}, {2027, 1, 3, 202653, 7},
        {2027, 1, 4, 202701, 1},   {2020, 12, 31, 202053, 4}, {2021, 1, 4, 202101, 1},
        {2024, 12, 30, 202501, 1}, {2023, 1, 1, 202252, 7},   {1970, 1, 4, 197001, 7},
        {1970, 1, 5, 197002, 1},   {1971, 1, 3, 197053, 7},
    };
    for (size_t i = 0; i < MT_ARRAY_LEN(known); i++) {
        uint32_t at = day(known[i].y, known[i].m, known[i].d);
        assert_int_equal(mt_day_to_week(at), known[i].week);
        assert_int_equal(mt_day_of_week(at), known[i].weekday);
    }
    assert_int_equal(mt_week_to_day(202653), day(2026, 12, 28));
    assert_int_equal(mt_week_to_day(202753), 0);
    assert_int_equal(mt_week_to_day(202600), 0);
    assert_int_equal(mt_week_to_day(202654), 0);
    assert_int_equal(mt_week_to_day(48), 0);
    assert_int_equal(mt_week_to_day(UINT32_MAX), 0);
}

static void every_monday_is_the_monday_of_its_week(void **state) {
    (void)state;
    for (uint32_t at = mt_week_to_day(197101); at < day(2200, 1, 1); at += 7) {
        uint32_t week = mt_day_to_week(at);
        if (mt_week_to_day(week) != at || mt_day_to_week(at + 6) != week ||
            mt_day_to_week(at + 7) == week || mt_day_of_week(at) != 1)
            fail_msg("week %u", week);
    }
}

static void months_are_added_within_the_shorter_month(void **state) {
    (void)state;
    assert_int_equal(mt_day_add_months(day(2027, 1, 31), 1), day(2027, 2, 28));
    assert_int_equal(mt_day_add_months(day(2028, 1, 31), 1), day(2028, 2, 29));
    assert_int_equal(mt_day_add_months(day(2026, 12, 15), 1), day(2027, 1, 15));
    assert_int_equal(mt_day_add_months(day(2027, 1, 15), -1), day(2026, 12, 15));
    assert_int_equal(mt_day_add_months(day(1970, 2, 1), -2), 0);
    assert_int_equal(mt_day_add_months(MT_DAY_MAX, 1), 0);
}

static void summer_time_changes_at_one_utc(void **state) {
    (void)state;
    uint64_t march = (uint64_t)day(2027, 3, 28) * 86400 + 3600;
    uint64_t october = (uint64_t)day(2027, 10, 31) * 86400 + 3600;
    assert_int_equal(mt_amsterdam_offset(march - 1), 3600);
    assert_int_equal(mt_amsterdam_offset(march), 7200);
    assert_int_equal(mt_amsterdam_offset(october - 1), 7200);
    assert_int_equal(mt_amsterdam_offset(october), 3600);
    assert_int_equal(mt_amsterdam_offset((uint64_t)day(2026, 3, 29) * 86400 + 3600), 7200);
    assert_int_equal(mt_amsterdam_offset((uint64_t)day(2026, 10, 25) * 86400 + 3600), 3600);
    assert_int_equal(mt_amsterdam_offset(UINT64_MAX), 3600);
}

static void local_times_become_instants(void **state) {
    (void)state;
    uint32_t spring = day(2027, 3, 28), autumn = day(2027, 10, 31), winter = day(2027, 1, 15);
    uint64_t s = (uint64_t)spring * 86400, a = (uint64_t)autumn * 86400;
    assert_int_equal(mt_amsterdam_instant(winter, 13 * 60), (uint64_t)winter * 86400 + 12 * 3600);
    assert_int_equal(mt_amsterdam_instant(spring, 60), s);            /* 01:00 is still winter */
    assert_int_equal(mt_amsterdam_instant(spring, 119), s + 59 * 60); /* 01:59 */
    assert_int_equal(mt_amsterdam_instant(spring, 180), s + 3600);    /* 03:00 comes next */
    assert_int_equal(mt_amsterdam_instant(spring, 150), s + 5400);    /* 02:30 is not: 03:30 */
    assert_int_equal(mt_amsterdam_instant(autumn, 119), a - 60);      /* 01:59 summer */
    assert_int_equal(mt_amsterdam_instant(autumn, 150), a + 1800);    /* 02:30 comes twice: first */
    assert_int_equal(mt_amsterdam_instant(autumn, 180), a + 7200);    /* 03:00 winter */
    for (uint32_t m = 0; m < 1440; m += 15) {
        uint64_t at = mt_amsterdam_instant(winter, m);
        assert_int_equal(at + (uint64_t)mt_amsterdam_offset(at),
                         (uint64_t)winter * 86400 + (uint64_t)m * 60);
    }
}

static uint32_t date_of(const char *text, uint32_t today) {
    uint32_t at;
    enum mt_text_err err = mt_when_date(mt_slice_str(text), today, &at);
    assert_int_equal(err, at ? MT_TEXT_OK : MT_TEXT_NOT_DATE);
    return at;
}

static void written_dates_are_read(void **state) {
    (void)state;
    static const char *const same[] = {
        "23-11-2026",
        "2026-11-23",
        "23/11/2026",
        "23.11.2026",
        "23-11-26",
        "23 nov 2026",
        "23 november 2026",
        "23 NOV. 2026",
        "ma 23-11-2026",
        "2026/11/23",
        "maandag 23 november 2026",
        "2026-W48",
        "2026W48",
        "wk 48 2026",
        "week 48-2026",
    };
    for (size_t i = 0; i < MT_ARRAY_LEN(same); i++) {
        if (date_of(same[i], 0) != day(2026, 11, 23))
            fail_msg("%s", same[i]);
    }
    assert_int_equal(date_of("1-3-2027", 0), day(2027, 3, 1));
}

static void what_is_no_date_is_refused(void **state) {
    (void)state;
    static const char *const none[] = {
        "31-02-2027",
        "29-02-2027",
        "2027-13-01",
        "0-1-2027",
        "1-0-2027",
        "1-1-0",
        "1-1-999",
        "1-1-20277",
        "23-11/2026",
        "di 23-11-2026",
        "morgen",
        "vr",
        "+2w",
        "wk 48",
        "23-11",
        "23 nov",
        "",
        "x",
        "2026-W54",
        "2027-W53",
        "2026-W0",
        "9999999999",
        "1-2-3-4",
        "23 foo 2026",
        "nov 2026",
        "23--11-2026",
        "2026-11-23 extra words here for all",
        "\xff",
    };
    for (size_t i = 0; i < MT_ARRAY_LEN(none); i++)
        if (date_of(none[i], 0) != 0)
            fail_msg("%s", none[i]);
    assert_int_equal(date_of("31-02", day(2026, 11, 23)), 0);
    assert_int_equal(date_of("+10000d", day(2026, 11, 23)), 0);
    assert_int_equal(date_of("-9999w", day(1980, 1, 1)), 0);
    assert_int_equal(date_of("morgen", MT_DAY_MAX), 0);
    assert_int_equal(date_of("zo", MT_DAY_MAX), 0); /* it is a Friday */
    assert_int_equal(date_of("di 23-11", day(2026, 11, 1)), 0);
}

static void relative_dates_count_from_today(void **state) {
    (void)state;
    uint32_t friday = day(2026, 11, 20);
    static const struct {
        const char *text;
        int after;
    } known[] = {
        {"vandaag", 0},   {"Today", 0},     {"morgen", 1},  {"tomorrow", 1}, {"overmorgen", 2},
        {"gisteren", -1}, {"vr", 0},        {"za", 1},      {"mon", 3},      {"donderdag", 6},
        {"+2w", 14},      {"+2 weken", 14}, {"+3d", 3},     {"+3", 3},       {"-1d", -1},
        {"+1m", 30},      {"wk 48", 3},     {"w48", 3},     {"23-11", 3},    {"23 nov", 3},
        {"23 nov.", 3},   {"ma 23-11", 3},  {"19-11", 364},
    };
    for (size_t i = 0; i < MT_ARRAY_LEN(known); i++)
        if (date_of(known[i].text, friday) != friday + (uint32_t)known[i].after)
            fail_msg("%s", known[i].text);
    assert_int_equal(date_of("29-2", friday), day(2028, 2, 29));
}

static uint32_t week_of(const char *text, uint32_t today) {
    uint32_t at;
    enum mt_text_err err = mt_when_week(mt_slice_str(text), today, &at);
    assert_int_equal(err, at ? MT_TEXT_OK : MT_TEXT_NOT_WEEK);
    return at;
}

static void weeks_are_read(void **state) {
    (void)state;
    uint32_t today = day(2026, 11, 20); /* in week 47 */
    assert_int_equal(week_of("2026-W48", 0), 202648);
    assert_int_equal(week_of("2027-w9", 0), 202709);
    assert_int_equal(week_of("2026-W53", 0), 202653);
    assert_int_equal(week_of("wk 48", today), 202648);
    assert_int_equal(week_of("48", today), 202648);
    assert_int_equal(week_of("47", today), 202647);
    assert_int_equal(week_of("week 3", today), 202703);
    assert_int_equal(week_of("wk 53", today), 202653);
    assert_int_equal(week_of("+2w", today), 202649);
    assert_int_equal(week_of("vandaag", today), 202647);
    static const char *const none[] = {"wk 48",    "48",      "+2w",        "2027-W53",
                                       "2026-W54", "2026-48", "w",          "2026-W",
                                       "202648",   "wk 54",   "23-11-2026", ""};
    for (size_t i = 0; i < MT_ARRAY_LEN(none); i++)
        if (week_of(none[i], 0) != 0)
            fail_msg("%s", none[i]);
    assert_int_equal(week_of("wk 54", today), 0);
    assert_int_equal(week_of("0", today), 0);
}

static void times_of_day_are_read(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int minutes; /* -1: none */
    } known[] = {
        {"09:00", 540},  {"9:00", 540},  {"9.00", 540},    {"0900", 540},     {"9", 540},
        {"9u", 540},     {"9 uur", 540}, {"9u30", 570},    {"09:30:00", 570}, {"9.30 uur", 570},
        {"23:59", 1439}, {"00:00", 0},   {"0", 0},         {"25:61", -1},     {"24:00", -1},
        {"9:5", -1},     {"9:60", -1},   {"09:00:60", -1}, {"9-00", -1},      {"900", -1},
        {"uur", -1},     {"", -1},       {"9:00 pm", -1},  {"-9", -1},        {"09000", -1},
    };
    for (size_t i = 0; i < MT_ARRAY_LEN(known); i++) {
        uint32_t minutes;
        enum mt_text_err err = mt_when_clock(mt_slice_str(known[i].text), &minutes);
        bool ok = known[i].minutes >= 0;
        if ((err == MT_TEXT_OK) != ok || (ok && minutes != (uint32_t)known[i].minutes))
            fail_msg("%s", known[i].text);
    }
}

static void instants_are_read(void **state) {
    (void)state;
    uint64_t at, want = (uint64_t)day(2026, 11, 23) * 86400000 + 8 * 3600000;
    static const char *const same[] = {"2026-11-23T08:00:00.000Z", "2026-11-23T09:00+01:00",
                                       "2026-11-23 08:00:00Z", "2026-11-23T03:30:00-04:30"};
    for (size_t i = 0; i < MT_ARRAY_LEN(same); i++) {
        assert_int_equal(mt_when_instant(mt_slice_str(same[i]), &at), MT_TEXT_OK);
        assert_int_equal(at, want);
    }
    static const char *const none[] = {"2026-11-23",         "2026-11-23T08:00",
                                       "2026-11-31T08:00Z",  "2026-11-23T24:00Z",
                                       "2026-11-23T08:00Zx", "",
                                       "1970-01-01T00:00Z",  "9999-12-31T23:59:59-01:00"};
    for (size_t i = 0; i < MT_ARRAY_LEN(none); i++)
        if (mt_when_instant(mt_slice_str(none[i]), &at) != MT_TEXT_NOT_DATE)
            fail_msg("%s", none[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_count_from_1970),
        cmocka_unit_test(days_that_do_not_exist_are_zero),
        cmocka_unit_test(every_day_round_trips_and_follows_the_one_before),
        cmocka_unit_test(weeks_follow_iso_8601),
        cmocka_unit_test(every_monday_is_the_monday_of_its_week),
        cmocka_unit_test(months_are_added_within_the_shorter_month),
        cmocka_unit_test(summer_time_changes_at_one_utc),
        cmocka_unit_test(local_times_become_instants),
        cmocka_unit_test(written_dates_are_read),
        cmocka_unit_test(what_is_no_date_is_refused),
        cmocka_unit_test(relative_dates_count_from_today),
        cmocka_unit_test(weeks_are_read),
        cmocka_unit_test(times_of_day_are_read),
        cmocka_unit_test(instants_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
