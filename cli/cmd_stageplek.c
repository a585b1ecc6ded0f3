/* stageplek add|list|show|edit. */
#include "commands.h"

#include "json.h"
#include "records.h"

#include <stdlib.h>

MT_COMMAND(stageplek_add) {
    return mt_add(cli, args, MT_KIND_STAGEPLEK,
                  _("Place %s added. Schools propose pupils with: meent placement propose %s\n"));
}

static void row(struct mt_cli *cli, struct mt_table *t, const json_t *r) {
    const struct mt_kind *kind = mt_schema_kind(MT_KIND_STAGEPLEK);
    char places[48] = "-", *period = mt_period_text(cli, r);
    json_int_t capacity = mt_json_int(r, "capacity", -1);
    json_int_t left = mt_json_int(r, "free", capacity - mt_json_int(r, "occupied", 0));
    if (capacity >= 0)
        snprintf(places, sizeof places, "%lld/%lld", (long long)left, (long long)capacity);
    const char *host = mt_json_ref(r, "host");
    const char *cells[] = {mt_short_id(r),
                           mt_json_str(r, "title"),
                           mt_label(cli, kind, MT_STAGEPLEK_TYPE, r),
                           host ? host : mt_json_ref(r, "owner"),
                           period,
                           places};
    mt_table_add(t, cells);
    free(period);
}

MT_COMMAND(stageplek_list) {
    json_t *records;
    enum mt_exit status = mt_list_given(cli, args, "stageplek", &records);
    if (status)
        return status;
    const struct mt_column columns[] = {
        {_("ID"), 0},
        {_("PLACE"), MT_COLUMN_FLEX},
        {_("KIND"), MT_COLUMN_FLEX},
        {_("AT"), MT_COLUMN_FLEX},
        {_("PERIOD"), MT_COLUMN_FLEX},
        {_("FREE"), MT_COLUMN_RIGHT},
    };
    return mt_show_rows(cli, records, columns, MT_ARRAY_LEN(columns), row,
                        _("No places yet. To offer one: meent stageplek add --help"));
}

MT_COMMAND(stageplek_show) {
    return mt_show_one(cli, MT_KIND_STAGEPLEK, args->words[0]);
}

MT_COMMAND(stageplek_edit) {
    return mt_edit(cli, args, MT_KIND_STAGEPLEK, args->words[0], _("Place %s changed.\n"));
}
