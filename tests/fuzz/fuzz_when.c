/* Days, weeks, times and moments as people write them: whatever reads is in its range, and what is
 * written of it reads back as the same. Relative forms need a today, others do not look at it. */
#include "fuzz.h"
#include "schema_when.h"

static void format(enum mt_field_type type, uint64_t value, struct mt_writer *out) {
    struct mt_field f = {.type = type};
    uint8_t buf[16];
    struct mt_writer w = mt_writer(buf, sizeof buf);
    mt_wire_put_uint(&w, value);
    NEED(mt_schema_check(&f, mt_writer_slice(&w)) == MT_TEXT_OK);
    mt_schema_format(&f, mt_writer_slice(&w), -1, out);
    NEED(out->err == MT_OK && out->n > 0);
}

static void date(struct mt_slice text, uint32_t today) {
    char again[64];
    uint32_t day, other, absolute;
    struct mt_writer w = mt_writer(again, sizeof again);
    bool fixed = mt_when_date(text, 0, &absolute) == MT_TEXT_OK;
    NEED(fixed || absolute == 0);
    if (mt_when_date(text, today, &day) != MT_TEXT_OK) {
        NEED(!fixed && day == 0);
        return;
    }
    NEED(day >= 1 && day <= MT_DAY_MAX && (!fixed || day == absolute));
    format(MT_FIELD_DATE, day, &w);
    NEED(mt_when_date(mt_writer_slice(&w), 0, &other) == MT_TEXT_OK && other == day);
}

static void week(struct mt_slice text, uint32_t today) {
    char again[64];
    uint32_t at, other;
    struct mt_writer w = mt_writer(again, sizeof again);
    if (mt_when_week(text, today, &at) != MT_TEXT_OK) {
        NEED(at == 0);
        return;
    }
    uint32_t monday = mt_week_to_day(at);
    NEED(monday && mt_day_of_week(monday) == 1 && mt_day_to_week(monday) == at);
    format(MT_FIELD_WEEK, at, &w);
    NEED(mt_when_week(mt_writer_slice(&w), 0, &other) == MT_TEXT_OK && other == at);
}

static void clock_and_instant(struct mt_slice text) {
    char again[64];
    uint32_t minutes, other;
    uint64_t ms, other_ms;
    struct mt_writer w = mt_writer(again, sizeof again);
    if (mt_when_clock(text, &minutes) == MT_TEXT_OK) {
        NEED(minutes < 24 * 60);
        format(MT_FIELD_CLOCK, minutes, &w);
        NEED(mt_when_clock(mt_writer_slice(&w), &other) == MT_TEXT_OK && other == minutes);
    } else {
        NEED(minutes == 0);
    }
    w = mt_writer(again, sizeof again);
    if (mt_when_instant(text, &ms) != MT_TEXT_OK)
        return;
    NEED(ms <= MT_INSTANT_MAX);
    format(MT_FIELD_INSTANT, ms, &w);
    /* The first day of all is no date, so that 0 can stand for none. */
    NEED(ms < 86400000 ||
         (mt_when_instant(mt_writer_slice(&w), &other_ms) == MT_TEXT_OK && other_ms == ms));
}

static void arithmetic(struct fuzz *f) {
    uint32_t day = fuzz_u16(f) << 6 | 1;
    int months = (int16_t)fuzz_u16(f), y, m, d, y2, m2, d2;
    mt_day_to_ymd(day, &y, &m, &d);
    NEED(day > MT_DAY_MAX || mt_day_from_ymd(y, m, d) == day);
    uint32_t later = mt_day_add_months(day, months);
    if (!later)
        return;
    mt_day_to_ymd(later, &y2, &m2, &d2);
    NEED(y2 * 12 + m2 - (y * 12 + m) == months && d2 <= d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz f = fuzz_of(data, size);
    static const uint32_t DAYS[] = {20000, 1, MT_DAY_MAX, 20452, 11015, 0, 365 * 30, 2932890};
    uint32_t today = DAYS[fuzz_u8(&f) % MT_ARRAY_LEN(DAYS)];
    struct mt_slice text = mt_slice(f.p, f.n);
    date(text, today);
    week(text, today);
    clock_and_instant(text);
    arithmetic(&f);
    return 0;
}
