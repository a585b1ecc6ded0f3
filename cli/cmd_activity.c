/* activity list|show|add|edit|cancel, menukaart, vragen. */
#include "commands.h"

#include "json.h"
#include "records.h"
#include "text.h"
#include "words.h"

#include <stdlib.h>

static void when_of(const struct mt_cli *cli, const json_t *r, char out[static MT_WORDS_MAX]) {
    char day[16];
    const char *start = mt_json_str(r, "start");
    if (start && json_is_false(json_object_get(r, "timed"))) { /* midnight stands for the day */
        snprintf(day, sizeof day, "%.10s", start);
        start = day;
    }
    mt_words_activity(cli->lang, cli->today, start, mt_json_str(r, "week"), out);
}

static void places_of(const json_t *r, char *out, size_t cap) {
    json_int_t capacity = mt_json_int(r, "capacity", -1), free_places = mt_json_int(r, "free", -1);
    if (capacity < 0)
        snprintf(out, cap, "-");
    else if (free_places < 0)
        snprintf(out, cap, "?/%lld", (long long)capacity);
    else
        snprintf(out, cap, "%lld/%lld", (long long)free_places, (long long)capacity);
}

static void row(struct mt_cli *cli, struct mt_table *t, const json_t *r) {
    char when[MT_WORDS_MAX], places[48];
    const char *title = mt_json_str(r, "title"), *status = mt_json_str(r, "status");
    const struct mt_kind *kind = mt_schema_kind(MT_KIND_ACTIVITY);
    when_of(cli, r, when);
    places_of(r, places, sizeof places);
    bool open = !status || strcmp(status, "open") == 0;
    char *marked = open ? NULL
                        : mt_text_format("(%s) %s", mt_label(cli, kind, MT_COMMON_STATUS, r),
                                         title ? title : "");
    const char *cells[] = {mt_short_id(r), when, marked ? marked : title, mt_json_ref(r, "host"),
                           places};
    mt_table_add(t, cells);
    free(marked);
}

static enum mt_exit list(struct mt_cli *cli, const struct mt_args *args, const char *direction) {
    json_t *params, *records;
    enum mt_exit status = mt_list_params(cli, args, "activity", &params);
    if (status)
        return status;
    if (direction)
        json_object_set_new(json_object_get(params, "filters"), "direction",
                            json_string(direction));
    status = mt_list(cli, params, &records);
    if (status)
        return status;
    const struct mt_column columns[] = {
        {_("ID"), 0},
        {_("WHEN"), 0},
        {_("ACTIVITY"), MT_COLUMN_FLEX},
        {_("AT"), MT_COLUMN_FLEX | MT_COLUMN_YIELD},
        {_("FREE"), MT_COLUMN_RIGHT},
    };
    return mt_show_rows(cli, records, columns, MT_ARRAY_LEN(columns), row,
                        _("Nothing found. To enter something: meent activity add --help"));
}

MT_COMMAND(activity_list) {
    return list(cli, args, NULL);
}

MT_COMMAND(menukaart) {
    return list(cli, args, "offer");
}

MT_COMMAND(vragen) {
    return list(cli, args, "request");
}

static void signup_row(struct mt_cli *cli, struct mt_table *t, const json_t *r) {
    char pupils[24] = "-";
    json_int_t n = mt_json_int(r, "pupils", -1);
    if (n >= 0)
        snprintf(pupils, sizeof pupils, "%lld", (long long)n);
    const char *who = mt_json_ref(r, "on_behalf_of");
    who = who ? who : mt_json_ref(r, "org");
    const char *cells[] = {
        mt_short_id(r), who ? who : mt_json_ref(r, "owner"), mt_json_str(r, "group"),
        pupils,         mt_decision_label(cli, r),           mt_json_str(r, "reason")};
    mt_table_add(t, cells);
}

MT_COMMAND(activity_show) {
    json_t *record;
    enum mt_exit status = mt_record(cli, "activity", args->words[0], &record);
    if (status)
        return status;
    if (cli->json) {
        mt_put_json(cli, record);
        return MT_EXIT_OK;
    }
    if (json_is_false(json_object_get(record, "timed")))
        json_object_del(record, "start"); /* midnight stands for the day */
    mt_show_record(cli, mt_schema_kind(MT_KIND_ACTIVITY), record);
    char places[48];
    places_of(record, places, sizeof places);
    if (strcmp(places, "-") != 0)
        fprintf(cli->out, "%s: %s\n", _("Free"), places);
    json_t *signups = json_object_get(record, "signups");
    if (json_array_size(signups) > 0) {
        const struct mt_column columns[] = {
            {_("SIGN-UP"), 0},
            {_("WHO"), MT_COLUMN_FLEX},
            {_("GROUP"), MT_COLUMN_FLEX},
            {_("PUPILS"), MT_COLUMN_RIGHT},
            {_("ANSWER"), 0},
            {_("REASON"), MT_COLUMN_FLEX},
        };
        fputc('\n', cli->out);
        mt_show_rows(cli, json_incref(signups), columns, MT_ARRAY_LEN(columns), signup_row, "");
    }
    json_decref(record);
    return MT_EXIT_OK;
}

MT_COMMAND(activity_add) {
    return mt_add(cli, args, MT_KIND_ACTIVITY,
                  _("Activity %s added. See: meent activity show %s\n"));
}

MT_COMMAND(activity_edit) {
    return mt_edit(cli, args, MT_KIND_ACTIVITY, args->words[0], _("Activity %s changed.\n"));
}

MT_COMMAND(activity_cancel) {
    json_t *result, *params = json_pack("{s:s}", "id", args->words[0]);
    const char *reason = mt_args_get(args, "reason");
    if (reason)
        json_object_set_new(params, "reason", json_string(reason));
    enum mt_exit status = mt_change(cli, "activity.cancel", params, &result);
    if (status)
        return status;
    return mt_done(cli, result, _("Activity %s is cancelled; all members see it.\n"),
                   mt_short_id(result));
}
