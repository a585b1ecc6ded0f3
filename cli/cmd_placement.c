/* placement propose|accept|decline|list|show|edit (stage): only the two parties see them. */
#include "commands.h"

#include "json.h"
#include "records.h"
#include "text.h"

#include <stdlib.h>

MT_COMMAND(placement_propose) {
    json_t *params, *result;
    enum mt_exit status =
        mt_fields_given(cli, args, mt_schema_kind(MT_KIND_PLACEMENT), true, &params);
    if (status)
        return status;
    json_object_set_new(params, "stageplek", json_string(args->words[0]));
    status = mt_change(cli, "placement.propose", params, &result);
    if (status)
        return status;
    return mt_done(cli, result,
                   _("Placement %s proposed. Only the other party can see it and agrees with:\n"
                     "  meent placement accept %s\n"),
                   mt_short_id(result), mt_short_id(result));
}

MT_COMMAND(placement_accept) {
    json_t *result;
    enum mt_exit status =
        mt_change(cli, "placement.accept", json_pack("{s:s}", "id", args->words[0]), &result);
    if (status)
        return status;
    return mt_done(cli, result, _("Placement %s accepted.\n"), args->words[0]);
}

MT_COMMAND(placement_decline) {
    json_t *result, *params = json_pack("{s:s}", "id", args->words[0]);
    const char *reason = mt_args_get(args, "reason");
    if (reason)
        json_object_set_new(params, "reason", json_string(reason));
    enum mt_exit status = mt_change(cli, "placement.decline", params, &result);
    if (status)
        return status;
    return mt_done(cli, result, _("Placement %s declined.\n"), args->words[0]);
}

/* The status that follows from the answers: a word of placements, or of answers. */
static const char *status_label(const struct mt_cli *cli, const json_t *r) {
    const char *name = mt_json_str(r, "status");
    const struct mt_field *own =
        mt_schema_field(mt_schema_kind(MT_KIND_PLACEMENT), MT_COMMON_STATUS);
    const struct mt_field *answer =
        mt_schema_field(mt_schema_kind(MT_KIND_ANSWER), MT_ANSWER_DECISION);
    const struct mt_vocab_entry *e = name ? mt_vocab_named(own->vocab, mt_slice_str(name)) : NULL;
    if (name && !e)
        e = mt_vocab_named(answer->vocab, mt_slice_str(name));
    return e ? e->label[cli->lang] : name;
}

static void row(struct mt_cli *cli, struct mt_table *t, const json_t *r) {
    const struct mt_kind *kind = mt_schema_kind(MT_KIND_PLACEMENT);
    char *period = mt_period_text(cli, r);
    const char *with = mt_json_ref(r, "with"), *name = mt_json_str(r, "first_name");
    const char *cells[] = {mt_short_id(r),
                           name ? name : mt_json_str(r, "pseudonym"),
                           mt_json_ref(r, "stageplek"),
                           with ? with : mt_json_ref(r, "owner"),
                           mt_label(cli, kind, MT_PLACEMENT_ROUTE, r),
                           period,
                           status_label(cli, r)};
    mt_table_add(t, cells);
    free(period);
}

MT_COMMAND(placement_list) {
    json_t *records;
    enum mt_exit status = mt_list_given(cli, args, "placement", &records);
    if (status)
        return status;
    const struct mt_column columns[] = {
        {_("ID"), 0},
        {_("PUPIL"), MT_COLUMN_FLEX},
        {_("PLACE"), MT_COLUMN_FLEX},
        {_("WITH"), MT_COLUMN_FLEX | MT_COLUMN_YIELD},
        {_("ROUTE"), MT_COLUMN_FLEX | MT_COLUMN_YIELD},
        {_("PERIOD"), 0},
        {_("STATUS"), 0},
    };
    return mt_show_rows(cli, records, columns, MT_ARRAY_LEN(columns), row,
                        _("No placements. Open places: meent stageplek list"));
}

MT_COMMAND(placement_show) {
    json_t *record;
    enum mt_exit status = mt_record(cli, "placement", args->words[0], &record);
    if (status)
        return status;
    if (cli->json) {
        mt_put_json(cli, record);
        return MT_EXIT_OK;
    }
    const char *label = status_label(cli, record);
    if (label) /* "accepted" is no word of the schema: it follows from the answers */
        json_object_set_new(record, "status", json_string(label));
    mt_show_record(cli, mt_schema_kind(MT_KIND_PLACEMENT), record);
    json_decref(record);
    return MT_EXIT_OK;
}

MT_COMMAND(placement_edit) {
    return mt_edit(cli, args, MT_KIND_PLACEMENT, args->words[0], _("Placement %s changed.\n"));
}
