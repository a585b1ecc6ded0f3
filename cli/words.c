#include "words.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const DAYS[MT_LANG_COUNT][7] = {
    [MT_LANG_EN] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"},
    [MT_LANG_NL] = {"ma", "di", "wo", "do", "vr", "za", "zo"},
};
static const char *const MONTHS[MT_LANG_COUNT][12] = {
    [MT_LANG_EN] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov",
                    "Dec"},
    [MT_LANG_NL] = {"jan", "feb", "mrt", "apr", "mei", "jun", "jul", "aug", "sep", "okt", "nov",
                    "dec"},
};

enum { FAR_DAYS = 300 }; /* from here on a day and month alone could be taken for another year's */

/* Reads `n` digits at `p`; -1 when they are not digits. */
static int digits(const char *p, int n) {
    int v = 0;
    for (int i = 0; i < n; i++) {
        if (p[i] < '0' || p[i] > '9')
            return -1;
        v = v * 10 + (p[i] - '0');
    }
    return v;
}

/* Takes "2027-01-15" off the front of `text`; 0 when there is no such day. */
static uint32_t take_date(const char *text) {
    if (strnlen(text, 10) < 10 || text[4] != '-' || text[7] != '-')
        return 0;
    int y = digits(text, 4), m = digits(text + 5, 2), d = digits(text + 8, 2);
    return y < 1970 || m < 1 || m > 12 || d < 1 || d > 31 ? 0 : mt_day_from_ymd(y, m, d);
}

/* Minutes since midnight in an RFC 3339 time; -1 when it has no time. */
static int take_clock(const char *text) {
    if (strnlen(text, 16) < 16 || (text[10] != 'T' && text[10] != ' ') || text[13] != ':')
        return -1;
    int h = digits(text + 11, 2), m = digits(text + 14, 2);
    return h < 0 || h > 23 || m < 0 || m > 59 ? -1 : h * 60 + m;
}

static void week_words(enum mt_lang lang, const char *week, char *out) {
    int year = strlen(week) == 8 && week[5] == 'W' ? digits(week, 4) : -1;
    int no = year < 0 ? -1 : digits(week + 6, 2);
    uint32_t monday = year < 0 || no < 0 ? 0 : mt_week_to_day((uint32_t)(year * 100 + no));
    if (!monday) {
        snprintf(out, MT_WORDS_MAX, "%s", week);
        return;
    }
    int y, m, d;
    mt_day_to_ymd(monday, &y, &m, &d);
    snprintf(out, MT_WORDS_MAX, "wk %d (%d %s)", no, d, MONTHS[lang][m - 1]);
}

void mt_words_activity(enum mt_lang lang, uint32_t today, const char *start, const char *week,
                       char out[static MT_WORDS_MAX]) {
    uint32_t day = start ? take_date(start) : 0;
    if (!day) {
        if (week && *week)
            week_words(lang, week, out);
        else
            snprintf(out, MT_WORDS_MAX, "%s", start ? start : "-");
        return;
    }
    int y, m, d, clock = take_clock(start);
    mt_day_to_ymd(day, &y, &m, &d);
    int n = snprintf(out, MT_WORDS_MAX, "%s %d %s", DAYS[lang][mt_day_of_week(day) - 1], d,
                     MONTHS[lang][m - 1]);
    bool far = day > today ? day - today > FAR_DAYS : today - day > FAR_DAYS;
    if (far)
        n += snprintf(out + n, MT_WORDS_MAX - (size_t)n, " %d", y);
    if (clock > 0)
        n += snprintf(out + n, MT_WORDS_MAX - (size_t)n, " %02d:%02d", clock / 60, clock % 60);
    if (!far)
        snprintf(out + n, MT_WORDS_MAX - (size_t)n, " wk %u",
                 (unsigned)(mt_day_to_week(day) % 100));
}

void mt_words_date(enum mt_lang lang, const char *date, char out[static MT_WORDS_MAX]) {
    uint32_t day = take_date(date);
    int y, m, d;
    if (!day) {
        snprintf(out, MT_WORDS_MAX, "%s", date);
        return;
    }
    mt_day_to_ymd(day, &y, &m, &d);
    snprintf(out, MT_WORDS_MAX, "%d %s %d", d, MONTHS[lang][m - 1], y);
}

void mt_words_month(enum mt_lang lang, uint32_t day, char out[static MT_WORDS_MAX]) {
    static const char *const names[MT_LANG_COUNT][12] = {
        [MT_LANG_EN] = {"January", "February", "March", "April", "May", "June", "July", "August",
                        "September", "October", "November", "December"},
        [MT_LANG_NL] = {"januari", "februari", "maart", "april", "mei", "juni", "juli", "augustus",
                        "september", "oktober", "november", "december"},
    };
    int y, m, d;
    mt_day_to_ymd(day, &y, &m, &d);
    snprintf(out, MT_WORDS_MAX, "%s %d", names[lang][m - 1], y);
}

bool mt_words_parse(const char *text, uint64_t *out) {
    uint32_t day = take_date(text);
    int clock = take_clock(text);
    if (!day || clock < 0)
        return false;
    int64_t s = (int64_t)day * 86400 + clock * 60;
    const char *p = text + 16;
    if (*p == ':') {
        if (digits(p + 1, 2) < 0)
            return false;
        s += digits(p + 1, 2);
        p += 3;
    }
    if (*p == '.')
        for (p++; *p >= '0' && *p <= '9'; p++)
            ;
    if (*p == '+' || *p == '-') {
        if (strnlen(p, 6) < 6 || digits(p + 1, 2) < 0 || digits(p + 4, 2) < 0)
            return false;
        int offset = digits(p + 1, 2) * 3600 + digits(p + 4, 2) * 60;
        s -= *p == '+' ? offset : -offset;
    } else if (*p != 'Z' && *p != 'z') {
        return false;
    }
    *out = s < 0 ? 0 : (uint64_t)s;
    return true;
}

void mt_words_moment(enum mt_lang lang, const char *rfc3339, char out[static MT_WORDS_MAX]) {
    uint64_t at;
    int y, m, d;
    if (!mt_words_parse(rfc3339, &at)) {
        snprintf(out, MT_WORDS_MAX, "%s", rfc3339);
        return;
    }
    uint64_t local = at + (uint64_t)mt_amsterdam_offset(at);
    mt_day_to_ymd((uint32_t)(local / 86400), &y, &m, &d);
    snprintf(out, MT_WORDS_MAX, "%d %s %02u:%02u", d, MONTHS[lang][m - 1],
             (unsigned)(local % 86400 / 3600), (unsigned)(local % 3600 / 60));
}

void mt_words_span(enum mt_lang lang, uint64_t seconds, char out[static MT_WORDS_MAX]) {
    const char *unit = "s";
    uint64_t n = seconds;
    if (seconds >= 2 * 86400)
        n = seconds / 86400, unit = "d";
    else if (seconds >= 2 * 3600)
        n = seconds / 3600, unit = lang == MT_LANG_NL ? "u" : "h";
    else if (seconds >= 120)
        n = seconds / 60, unit = "min";
    snprintf(out, MT_WORDS_MAX, "%llu %s", (unsigned long long)n, unit);
}

uint32_t mt_words_today(uint64_t now) {
    return (uint32_t)((now + (uint64_t)mt_amsterdam_offset(now)) / 86400);
}
