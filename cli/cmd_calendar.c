/* calendar show (jaarkalender): activities and periods, month by month.
 *
 * The daemon finds what is in the days asked for; here both kinds are put in one order. What began
 * before the first of these days stands in its month, so that a long period is not lost. */
#include "commands.h"

#include "json.h"
#include "records.h"
#include "text.h"
#include "words.h"

#include <stdlib.h>

enum { SCHOOL_YEAR_MONTH = 8, DATE_LEN = 10 };

struct span {
    uint32_t first, last; /* days; both included */
};

struct item {
    uint32_t day; /* it is listed under */
    size_t at;    /* order of arrival */
    bool is_period;
    json_t *record;
};

struct calendar {
    struct span span;
    struct item *items;
    size_t n;
};

static struct span school_year(int year) {
    return (struct span){mt_day_from_ymd(year, SCHOOL_YEAR_MONTH, 1),
                         mt_day_from_ymd(year + 1, SCHOOL_YEAR_MONTH, 1) - 1};
}

/* "2026": the calendar year. "2026-2027", also with a slash: the school year. */
static bool read_year(const char *text, struct span *out) {
    int year, next, end = 0;
    if (sscanf(text, "%4d%*1[-/]%4d%n", &year, &next, &end) == 2 && end && !text[end]) {
        if (year < 1970 || year > 9998 || next != year + 1)
            return false;
        *out = school_year(year);
        return true;
    }
    end = 0;
    if (sscanf(text, "%4d%n", &year, &end) != 1 || !end || text[end] || year < 1970 || year > 9998)
        return false;
    *out = (struct span){mt_day_from_ymd(year, 1, 1), mt_day_from_ymd(year, 12, 31)};
    return true;
}

static enum mt_exit read_span(struct mt_cli *cli, const struct mt_args *args, struct span *out) {
    const char *year = mt_args_get(args, "year");
    int y, m, d;
    mt_day_to_ymd(cli->today, &y, &m, &d);
    *out = school_year(m < SCHOOL_YEAR_MONTH ? y - 1 : y);
    if (year && !read_year(year, out))
        return mt_usage(cli, _("--year: \"%s\" is no year such as 2026 or 2026-2027"), year);
    enum mt_exit status = mt_day_given(cli, args, "from", &out->first);
    if (!status)
        status = mt_day_given(cli, args, "until", &out->last);
    /* one day alone moves the other end along */
    if (!status && out->last < out->first && !mt_args_has(args, "until"))
        out->last = out->first + 365;
    if (!status && out->last < out->first && !mt_args_has(args, "from") && !year)
        out->first = out->last > 365 ? out->last - 365 : 0;
    if (!status && out->last < out->first)
        return mt_usage(cli, _("the calendar would end before it begins"));
    return status;
}

static uint32_t day_of(const json_t *r, const char *key) {
    uint32_t day = 0;
    char text[DATE_LEN + 1];
    const char *value = mt_json_str(r, key);
    int y, m, d;
    if (!value || strlen(value) < DATE_LEN)
        return 0;
    snprintf(text, sizeof text, "%s", value);
    if (sscanf(text, "%4d-%2d-%2d", &y, &m, &d) == 3)
        day = mt_day_from_ymd(y, m, d);
    return day;
}

/* First day of an activity or a period; 0 when it has none. */
static uint32_t first_day(const json_t *r, bool is_period) {
    unsigned year, week;
    uint32_t day = day_of(r, is_period ? "from" : "start");
    const char *text = mt_json_str(r, "week");
    if (!day && !is_period && text && sscanf(text, "%4u-W%2u", &year, &week) == 2)
        day = mt_week_to_day(year * 100 + week);
    return day;
}

static void date_text(uint32_t day, char out[static DATE_LEN + 1]) {
    int y, m, d;
    mt_day_to_ymd(day, &y, &m, &d);
    snprintf(out, DATE_LEN + 1, "%04u-%02u-%02u", (unsigned)y % 10000, (unsigned)m % 100,
             (unsigned)d % 100);
}

static enum mt_exit gather(struct mt_cli *cli, const struct mt_args *args, bool is_period,
                           struct calendar *c) {
    char from[DATE_LEN + 1], until[DATE_LEN + 1];
    const char *kind = is_period ? "period" : "activity";
    json_t *records, *r;
    size_t i;
    date_text(c->span.first, from);
    date_text(c->span.last, until);
    json_t *params =
        json_pack("{s:s, s:{}, s:s, s:s}", "kind", kind, "filters", "from", from, "until", until);
    if (mt_args_has(args, "mine"))
        json_object_set_new(params, "mine", json_true());
    enum mt_exit status = mt_list(cli, params, &records);
    if (status)
        return status;
    c->items = mt_must(realloc(c->items, (c->n + json_array_size(records) + 1) * sizeof *c->items));
    json_array_foreach(records, i, r) {
        uint32_t day = first_day(r, is_period);
        if (!day)
            continue;
        json_object_set_new(r, "kind", json_string(kind));
        c->items[c->n] = (struct item){.day = day < c->span.first ? c->span.first : day,
                                       .at = c->n,
                                       .is_period = is_period,
                                       .record = json_incref(r)};
        c->n++;
    }
    json_decref(records);
    return MT_EXIT_OK;
}

/* By day, on one day by the time; what has none comes first. */
static int item_cmp(const void *a, const void *b) {
    const struct item *x = a, *y = b;
    if (x->day != y->day)
        return x->day < y->day ? -1 : 1;
    const char *s = x->is_period ? NULL : mt_json_str(x->record, "start"),
               *t = y->is_period ? NULL : mt_json_str(y->record, "start");
    int by_time = strcmp(s ? s : "", t ? t : "");
    return by_time ? by_time : x->at < y->at ? -1 : x->at > y->at;
}

/* ---- for people ---- */

/* Owns: the caller. */
static char *when_of(const struct mt_cli *cli, const struct item *item) {
    char out[MT_WORDS_MAX], day[DATE_LEN + 1];
    const json_t *r = item->record;
    const char *start = mt_json_str(r, "start");
    if (item->is_period)
        return mt_period_text(cli, r);
    if (start && json_is_false(json_object_get(r, "timed"))) {
        snprintf(day, sizeof day, "%s", start);
        start = day;
    }
    mt_words_activity(cli->lang, cli->today, start, mt_json_str(r, "week"), out);
    return mt_text_copy(out);
}

/* "Bliksemstage · Salland Zorg (Cancelled)". Owns: the caller. */
static char *what_of(const struct mt_cli *cli, const struct item *item) {
    const json_t *r = item->record;
    const struct mt_kind *kind =
        mt_schema_kind(item->is_period ? MT_KIND_PERIOD : MT_KIND_ACTIVITY);
    const char *title = mt_json_str(r, "title"), *host = mt_json_ref(r, "host"),
               *status = mt_json_str(r, "status");
    const char *type = item->is_period ? mt_label(cli, kind, MT_PERIOD_TYPE, r)
                       : status && strcmp(status, "open") != 0
                           ? mt_label(cli, kind, MT_COMMON_STATUS, r)
                           : NULL;
    host = host ? host : mt_json_ref(r, "owner");
    char *whole =
        mt_text_format("%s%s%s%s%s%s", title ? title : "", host ? " · " : "", host ? host : "",
                       type ? " (" : "", type ? type : "", type ? ")" : "");
    char *safe = mt_text_safe(whole, false);
    free(whole);
    return safe;
}

static void put_padded(struct mt_cli *cli, const char *text, int width) {
    int pad = width - mt_text_width(text);
    fprintf(cli->out, "%s%*s", text, pad > 0 ? pad : 0, "");
}

static void put_item(struct mt_cli *cli, const struct item *item, const char *when, int when_width,
                     int id_width) {
    char *what = what_of(cli, item);
    int room = cli->width - 2 - when_width - 2 - id_width - 2;
    char *fit = mt_text_shorten(what, room > 10 ? room : 10);
    fputs("  ", cli->out);
    put_padded(cli, when, when_width + 2);
    put_padded(cli, mt_short_id(item->record), id_width + 2);
    fprintf(cli->out, "%s\n", fit);
    free(fit);
    free(what);
}

static void put_month(struct mt_cli *cli, uint32_t day, bool is_first) {
    char name[MT_WORDS_MAX];
    mt_words_month(cli->lang, day, name);
    fprintf(cli->out, "%s%s%s%s\n", is_first ? "" : "\n", cli->color ? "\033[1m" : "", name,
            cli->color ? "\033[0m" : "");
}

static void put_calendar(struct mt_cli *cli, const struct calendar *c) {
    char **when = mt_must(calloc(c->n + 1, sizeof *when));
    int when_width = 0, id_width = 0, before = -1;
    for (size_t i = 0; i < c->n; i++) {
        when[i] = when_of(cli, &c->items[i]);
        int w = mt_text_width(when[i]), id = mt_text_width(mt_short_id(c->items[i].record));
        when_width = w > when_width ? w : when_width;
        id_width = id > id_width ? id : id_width;
    }
    for (size_t i = 0; i < c->n; i++) {
        int y, m, d;
        mt_day_to_ymd(c->items[i].day, &y, &m, &d);
        if (y * 12 + m != before)
            put_month(cli, c->items[i].day, i == 0);
        before = y * 12 + m;
        put_item(cli, &c->items[i], when[i], when_width, id_width);
        free(when[i]);
    }
    free(when);
    if (c->n == 0)
        mt_say(
            cli, "%s\n",
            _("Nothing with a date in that time. To enter something: meent activity add --help"));
}

static void put_json(struct mt_cli *cli, const struct calendar *c) {
    json_t *list = json_array();
    for (size_t i = 0; i < c->n; i++)
        json_array_append(list, c->items[i].record);
    mt_put_json(cli, list);
}

MT_COMMAND(calendar_show) {
    struct calendar c = {.n = 0};
    enum mt_exit status = read_span(cli, args, &c.span);
    if (!status)
        status = gather(cli, args, true, &c);
    if (!status)
        status = gather(cli, args, false, &c);
    if (c.n > 0)
        qsort(c.items, c.n, sizeof *c.items, item_cmp);
    if (!status && cli->json)
        put_json(cli, &c);
    else if (!status)
        put_calendar(cli, &c);
    for (size_t i = 0; i < c.n; i++)
        json_decref(c.items[i].record);
    free(c.items);
    return status;
}
