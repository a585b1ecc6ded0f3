/* org list|show|edit. */
#include "commands.h"

#include "json.h"
#include "records.h"

static void row(struct mt_cli *cli, struct mt_table *t, const json_t *r) {
    const struct mt_kind *kind = mt_schema_kind(MT_KIND_ORG);
    const json_t *ids = json_object_get(r, "identifiers");
    /* the last is the most precise, a location; the register shows in its form */
    const char *number = json_string_value(json_array_get(ids, json_array_size(ids) - 1));
    const char *colon = number ? strchr(number, ':') : NULL;
    const char *cells[] = {mt_short_id(r),
                           mt_json_str(r, "name"),
                           mt_label(cli, kind, MT_ORG_KIND, r),
                           mt_json_str(r, "place"),
                           colon ? colon + 1 : number,
                           json_is_true(json_object_get(r, "joined")) ? _("yes") : ""};
    mt_table_add(t, cells);
}

MT_COMMAND(org_list) {
    json_t *records;
    enum mt_exit status = mt_list_given(cli, args, "org", &records);
    if (status)
        return status;
    const struct mt_column columns[] = {
        {_("ID"), 0},
        {_("NAME"), MT_COLUMN_FLEX},
        {_("KIND"), MT_COLUMN_FLEX | MT_COLUMN_YIELD},
        {_("TOWN"), MT_COLUMN_FLEX},
        {_("NUMBER"), MT_COLUMN_FLEX},
        {_("MEMBER"), 0},
    };
    return mt_show_rows(cli, records, columns, MT_ARRAY_LEN(columns), row,
                        _("No organisations found. To read a list of them: meent org import FILE"));
}

/* Without a name it is about our own organisation; the daemon knows its name.
 * Out: `*id` borrowed from `args` or `*holder`, which the caller frees. */
static enum mt_exit which(struct mt_cli *cli, const struct mt_args *args, const char **id,
                          json_t **holder) {
    *holder = NULL;
    if (args->n_words > 0) {
        *id = args->words[0];
        return MT_EXIT_OK;
    }
    enum mt_exit status = mt_call(cli, "status", NULL, holder);
    if (status)
        return status;
    *id = mt_json_str(json_object_get(*holder, "organisation"), "name");
    if (*id)
        return MT_EXIT_OK;
    json_decref(*holder);
    *holder = NULL;
    return mt_fail(cli, MT_EXIT_FAILED, "state", _("Try: meent init NAME --kind KIND"),
                   _("there is no organisation here yet"));
}

MT_COMMAND(org_show) {
    const char *id;
    json_t *holder;
    enum mt_exit status = which(cli, args, &id, &holder);
    if (status)
        return status;
    status = mt_show_one(cli, MT_KIND_ORG, id);
    json_decref(holder);
    return status;
}

MT_COMMAND(org_edit) {
    const char *id;
    json_t *holder;
    enum mt_exit status = which(cli, args, &id, &holder);
    if (status)
        return status;
    status = mt_edit(cli, args, MT_KIND_ORG, id, _("Organisation %s changed.\n"));
    json_decref(holder);
    return status;
}
