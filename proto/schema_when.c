#include "schema_when.h"

/* A text is cut into numbers, words and signs, and the forms are matched on these. */
enum token_type { TOKEN_END, TOKEN_NUMBER, TOKEN_WORD, TOKEN_SIGN };

struct token {
    enum token_type type;
    struct mt_slice text;
    uint32_t number;
    uint8_t sign;
};

enum { TOKENS_MAX = 8, DIGITS_MAX = 6 };

struct tokens {
    size_t n;
    struct token t[TOKENS_MAX + 1]; /* the last one is always TOKEN_END */
};

static bool is_digit(uint8_t c) {
    return c >= '0' && c <= '9';
}

static bool is_letter(uint8_t c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_one_of(uint8_t c, const char *any) {
    return c != 0 && strchr(any, c) != NULL;
}

/* Cuts one token off `s`. False when it is no date's token. */
static bool take_token(struct mt_slice *s, struct token *out) {
    size_t n = 0;
    *out = (struct token){.type = TOKEN_SIGN, .sign = s->p[0]};
    if (is_digit(s->p[0])) {
        out->type = TOKEN_NUMBER;
        for (; n < s->n && is_digit(s->p[n]); n++) {
            if (n == DIGITS_MAX)
                return false;
            out->number = out->number * 10 + (uint32_t)(s->p[n] - '0');
        }
    } else if (is_letter(s->p[0])) {
        out->type = TOKEN_WORD;
        while (n < s->n && is_letter(s->p[n]))
            n++;
    } else if (is_one_of(s->p[0], "+-/.:")) {
        n = 1;
    } else {
        return false;
    }
    out->text = mt_slice(s->p, n);
    s->p += n;
    s->n -= n;
    return true;
}

static bool tokenize(struct mt_slice s, struct tokens *out) {
    *out = (struct tokens){.n = 0};
    for (;;) {
        s = mt_text_trim(s);
        if (s.n == 0)
            return out->n > 0;
        if (out->n == TOKENS_MAX || !take_token(&s, &out->t[out->n]))
            return false;
        out->n++;
    }
}

/* Matches token types written as letters: n number, w word, s sign. */
static bool shaped(const struct token *t, const char *shape) {
    for (; *shape; shape++, t++) {
        enum token_type type = *shape == 'n'   ? TOKEN_NUMBER
                               : *shape == 'w' ? TOKEN_WORD
                                               : TOKEN_SIGN;
        if (t->type != type)
            return false;
    }
    return t->type == TOKEN_END;
}

/* The place of a word in a list of rows of equal words, counted from 1; 0 when it is in none. */
static int row_of(struct mt_slice word, const char *const *rows, size_t n) {
    for (size_t i = 0; i < n; i++) {
        struct mt_slice rest = mt_slice_str(rows[i]);
        while (rest.p)
            if (mt_text_same(word, mt_text_cut(&rest, '|')))
                return (int)i + 1;
    }
    return 0;
}

static int weekday_of(struct mt_slice word) {
    static const char *const rows[] = {
        "ma|maandag|mon|monday",     "di|dinsdag|tue|tuesday", "wo|woensdag|wed|wednesday",
        "do|donderdag|thu|thursday", "vr|vrijdag|fri|friday",  "za|zaterdag|sat|saturday",
        "zo|zondag|sun|sunday",
    };
    return row_of(word, rows, MT_ARRAY_LEN(rows));
}

static int month_of(struct mt_slice word) {
    static const char *const rows[] = {
        "jan|januari|january",
        "feb|februari|february",
        "mrt|maart|mar|march",
        "apr|april",
        "mei|may",
        "jun|juni|june",
        "jul|juli|july",
        "aug|augustus|august",
        "sep|sept|september",
        "okt|oktober|oct|october",
        "nov|november",
        "dec|december",
    };
    return row_of(word, rows, MT_ARRAY_LEN(rows));
}

static bool is_week_word(struct mt_slice word) {
    static const char *const row[] = {"w|wk|week"};
    return row_of(word, row, 1) != 0;
}

/* Two digits mean this century. */
static int full_year(const struct token *t) {
    return t->text.n == 2 ? 2000 + (int)t->number : t->text.n == 4 ? (int)t->number : 0;
}

/* The first such day and month from today on. */
static uint32_t next_day_month(int day, int month, uint32_t today) {
    int year, m, d;
    if (today == 0)
        return 0;
    mt_day_to_ymd(today, &year, &m, &d);
    for (int y = year; y <= year + 8; y++) { /* 29 February can be eight years off */
        uint32_t at = mt_day_from_ymd(y, month, day);
        if (at >= today && at != 0)
            return at;
    }
    return 0;
}

/* Days with three numbers, two numbers, or the name of a month. */
static uint32_t written_day(const struct token *t, uint32_t today) {
    if (shaped(t, "nsnsn") && t[1].sign == t[3].sign && is_one_of(t[1].sign, "-/.")) {
        if (t[0].text.n == 4)
            return mt_day_from_ymd((int)t[0].number, (int)t[2].number, (int)t[4].number);
        return mt_day_from_ymd(full_year(&t[4]), (int)t[2].number, (int)t[0].number);
    }
    if (shaped(t, "nsn") && is_one_of(t[1].sign, "-/") && t[0].text.n <= 2 && t[2].text.n <= 2)
        return next_day_month((int)t[0].number, (int)t[2].number, today);
    if (shaped(t, "nwn") || shaped(t, "nwsn")) {
        const struct token *year = t[2].type == TOKEN_NUMBER ? &t[2] : &t[3];
        bool joined = year == &t[2] || t[2].sign == '.' || t[2].sign == '-';
        return joined ? mt_day_from_ymd(full_year(year), month_of(t[1].text), (int)t[0].number) : 0;
    }
    if (shaped(t, "nw") || (shaped(t, "nws") && t[2].sign == '.'))
        return next_day_month((int)t[0].number, month_of(t[1].text), today);
    return 0;
}

/* +2w, -3d, +1 maand */
static uint32_t counted_day(const struct token *t, uint32_t today) {
    static const char *const units[] = {"d|dag|dagen|day|days", "w|wk|week|weken|weeks",
                                        "m|maand|maanden|month|months"};
    if (!(shaped(t, "snw") || shaped(t, "sn")) || (t[0].sign != '+' && t[0].sign != '-'))
        return 0;
    int unit = t[2].type == TOKEN_WORD ? row_of(t[2].text, units, MT_ARRAY_LEN(units)) : 1;
    int sign = t[0].sign == '-' ? -1 : 1;
    if (unit == 0 || t[1].number > 9999)
        return 0;
    if (unit == 3)
        return mt_day_add_months(today, sign * (int)t[1].number);
    int64_t at = (int64_t)today + (int64_t)sign * (int64_t)t[1].number * (unit == 2 ? 7 : 1);
    return at > 0 && at <= MT_DAY_MAX ? (uint32_t)at : 0;
}

static uint32_t relative_day(const struct token *t, uint32_t today) {
    static const char *const words[] = {"vandaag|today|nu|now", "morgen|tomorrow", "overmorgen",
                                        "gisteren|yesterday"};
    if (today == 0)
        return 0;
    if (!shaped(t, "w"))
        return counted_day(t, today);
    int row = row_of(t[0].text, words, MT_ARRAY_LEN(words));
    int weekday = row ? 0 : weekday_of(t[0].text);
    uint32_t at = 0;
    if (row)
        at = row == 4 ? today - 1 : today + (uint32_t)row - 1;
    else if (weekday)
        at = today + (uint32_t)((weekday + 7 - mt_day_of_week(today)) % 7);
    return at <= MT_DAY_MAX ? at : 0;
}

/* The first week with this number from the current one on. */
static uint32_t next_week(uint32_t no, uint32_t today) {
    if (today == 0 || no < 1 || no > 53)
        return 0;
    uint32_t now = mt_day_to_week(today);
    for (uint32_t year = now / 100; year <= now / 100 + 7; year++) /* week 53 is rare */
        if (year * 100 + no >= now && mt_week_to_day(year * 100 + no))
            return year * 100 + no;
    return 0;
}

/* 2026-W48, 2026W48, wk 48, week 48 2026; 0 when it is none of these. */
static uint32_t written_week(const struct token *t, uint32_t today) {
    if (shaped(t, "nwn") || (shaped(t, "nswn") && t[1].sign == '-')) {
        const struct token *word = t[1].type == TOKEN_WORD ? &t[1] : &t[2];
        bool fits = is_week_word(word->text) && t[0].text.n == 4 && word[1].text.n <= 2;
        return fits ? t[0].number * 100 + word[1].number : 0;
    }
    if (shaped(t, "wn"))
        return is_week_word(t[0].text) ? next_week(t[1].number, today) : 0;
    if (shaped(t, "wnn") || (shaped(t, "wnsn") && is_one_of(t[2].sign, "-/"))) {
        const struct token *year = t[2].type == TOKEN_NUMBER ? &t[2] : &t[3];
        bool fits = is_week_word(t[0].text) && year->text.n == 4 && t[1].text.n <= 2;
        return fits ? year->number * 100 + t[1].number : 0;
    }
    return 0;
}

enum mt_text_err mt_when_date(struct mt_slice text, uint32_t today, uint32_t *day) {
    struct tokens tokens;
    *day = 0;
    if (!tokenize(text, &tokens))
        return MT_TEXT_NOT_DATE;
    const struct token *t = tokens.t;
    int weekday = t[0].type == TOKEN_WORD && t[1].type == TOKEN_NUMBER ? weekday_of(t[0].text) : 0;
    if (weekday)
        t++; /* "vr 15 jan": the name must agree with the day */
    uint32_t week = weekday ? 0 : written_week(t, today);
    uint32_t at = week ? mt_week_to_day(week) : written_day(t, today);
    if (at == 0 && !weekday)
        at = relative_day(t, today);
    if (at == 0 || (weekday && mt_day_of_week(at) != weekday))
        return MT_TEXT_NOT_DATE;
    *day = at;
    return MT_TEXT_OK;
}

enum mt_text_err mt_when_week(struct mt_slice text, uint32_t today, uint32_t *week) {
    struct tokens tokens;
    *week = 0;
    if (!tokenize(text, &tokens))
        return MT_TEXT_NOT_WEEK;
    const struct token *t = tokens.t;
    uint32_t at =
        shaped(t, "n") && t[0].text.n <= 2 ? next_week(t[0].number, today) : written_week(t, today);
    uint32_t day = at ? 0 : relative_day(t, today);
    if (day)
        at = mt_day_to_week(day);
    if (at == 0 || mt_week_to_day(at) == 0)
        return MT_TEXT_NOT_WEEK;
    *week = at;
    return MT_TEXT_OK;
}

enum mt_text_err mt_when_clock(struct mt_slice text, uint32_t *minutes) {
    static const char *const hour_word[] = {"u|h|uur"};
    struct tokens tokens;
    *minutes = 0;
    if (!tokenize(text, &tokens))
        return MT_TEXT_NOT_CLOCK;
    const struct token *t = tokens.t;
    uint32_t hour = t[0].number, minute = 0;
    bool ok;
    if (shaped(t, "n")) {
        ok = t[0].text.n <= 2 || t[0].text.n == 4;
        if (t[0].text.n == 4) {
            minute = hour % 100;
            hour /= 100;
        }
    } else if (shaped(t, "nw")) {
        ok = row_of(t[1].text, hour_word, 1) != 0;
    } else if (shaped(t, "nwn")) {
        ok = row_of(t[1].text, hour_word, 1) != 0 && t[2].text.n == 2;
        minute = t[2].number;
    } else {
        bool seconds =
            shaped(t, "nsnsn") && t[3].sign == ':' && t[4].text.n == 2 && t[4].number < 60;
        ok = (shaped(t, "nsn") || seconds ||
              (shaped(t, "nsnw") && row_of(t[3].text, hour_word, 1))) &&
             (t[1].sign == ':' || t[1].sign == '.') && t[2].text.n == 2;
        minute = t[2].number;
    }
    if (!ok || t[0].type != TOKEN_NUMBER || hour > 23 || minute > 59)
        return MT_TEXT_NOT_CLOCK;
    *minutes = hour * 60 + minute;
    return MT_TEXT_OK;
}

/* Takes exactly `n` digits off `s`. */
static bool take_digits(struct mt_slice *s, size_t n, uint32_t *out) {
    *out = 0;
    if (s->n < n)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!is_digit(s->p[i]))
            return false;
        *out = *out * 10 + (uint32_t)(s->p[i] - '0');
    }
    s->p += n;
    s->n -= n;
    return true;
}

static bool take_sign(struct mt_slice *s, const char *any) {
    if (s->n == 0 || !is_one_of(s->p[0], any))
        return false;
    s->p++;
    s->n--;
    return true;
}

/* Takes "Z" or "+01:00"; out: minutes east. */
static bool take_zone(struct mt_slice *s, int64_t *minutes) {
    uint32_t h, m;
    *minutes = 0;
    if (take_sign(s, "Zz"))
        return true;
    int sign = s->n && s->p[0] == '-' ? -1 : 1;
    if (!take_sign(s, "+-") || !take_digits(s, 2, &h) || !take_sign(s, ":") ||
        !take_digits(s, 2, &m) || h > 23 || m > 59)
        return false;
    *minutes = sign * (int64_t)(h * 60 + m);
    return true;
}

enum mt_text_err mt_when_instant(struct mt_slice s, uint64_t *wall_ms) {
    uint32_t y, mo, d, h, mi, sec = 0, ms = 0;
    int64_t zone;
    *wall_ms = 0;
    if (!take_digits(&s, 4, &y) || !take_sign(&s, "-") || !take_digits(&s, 2, &mo) ||
        !take_sign(&s, "-") || !take_digits(&s, 2, &d) || !take_sign(&s, "Tt ") ||
        !take_digits(&s, 2, &h) || !take_sign(&s, ":") || !take_digits(&s, 2, &mi) ||
        (take_sign(&s, ":") && !take_digits(&s, 2, &sec)) ||
        (take_sign(&s, ".") && !take_digits(&s, 3, &ms)) || !take_zone(&s, &zone) || s.n != 0)
        return MT_TEXT_NOT_DATE;
    uint32_t day = mt_day_from_ymd((int)y, (int)mo, (int)d);
    if (day == 0 || h > 23 || mi > 59 || sec > 59)
        return MT_TEXT_NOT_DATE;
    int64_t at = ((int64_t)day * 1440 + (int64_t)h * 60 + (int64_t)mi - zone) * 60 + (int64_t)sec;
    *wall_ms = (uint64_t)at * 1000 + ms;
    return *wall_ms <= MT_INSTANT_MAX ? MT_TEXT_OK : MT_TEXT_NOT_DATE;
}
