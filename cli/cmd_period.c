/* period list|show|add|edit. */
#include "commands.h"

#include "records.h"

#include "json.h"

#include <stdlib.h>

static void row(struct mt_cli *cli, struct mt_table *t, const json_t *r) {
    char *when = mt_period_text(cli, r);
    const char *host = mt_json_ref(r, "host");
    const char *cells[] = {mt_short_id(r), when, mt_json_str(r, "title"),
                           mt_label(cli, mt_schema_kind(MT_KIND_PERIOD), MT_PERIOD_TYPE, r),
                           host ? host : mt_json_ref(r, "owner")};
    mt_table_add(t, cells);
    free(when);
}

MT_COMMAND(period_list) {
    json_t *records;
    enum mt_exit status = mt_list_given(cli, args, "period", &records);
    if (status)
        return status;
    const struct mt_column columns[] = {
        {_("ID"), 0},
        {_("PERIOD"), 0},
        {_("TITLE"), MT_COLUMN_FLEX},
        {_("KIND"), MT_COLUMN_FLEX},
        {_("AT"), MT_COLUMN_FLEX | MT_COLUMN_YIELD},
    };
    return mt_show_rows(cli, records, columns, MT_ARRAY_LEN(columns), row,
                        _("No periods found. To enter one: meent period add --help"));
}

MT_COMMAND(period_show) {
    return mt_show_one(cli, MT_KIND_PERIOD, args->words[0]);
}

MT_COMMAND(period_add) {
    return mt_add(cli, args, MT_KIND_PERIOD, _("Period %s added; it is in the calendar.\n"));
}

MT_COMMAND(period_edit) {
    return mt_edit(cli, args, MT_KIND_PERIOD, args->words[0], _("Period %s changed.\n"));
}
