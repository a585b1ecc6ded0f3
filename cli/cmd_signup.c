/* signup add|list|withdraw (intekenen) and answer (antwoord). */
#include "commands.h"

#include "json.h"
#include "records.h"
#include "text.h"

#include <stdlib.h>

MT_COMMAND(signup_add) {
    json_t *params, *result;
    enum mt_exit status =
        mt_fields_given(cli, args, mt_schema_kind(MT_KIND_SIGNUP), false, &params);
    if (status)
        return status;
    json_object_set_new(params, "activity", json_string(args->words[0]));
    status = mt_change(cli, "signup.add", params, &result);
    if (status)
        return status;
    return mt_done(cli, result,
                   _("Signed up (%s). The host answers; see: meent activity show %s\n"),
                   mt_short_id(result), args->words[0]);
}

static void row(struct mt_cli *cli, struct mt_table *t, const json_t *r) {
    char pupils[24] = "-";
    json_int_t n = mt_json_int(r, "pupils", -1);
    if (n >= 0)
        snprintf(pupils, sizeof pupils, "%lld", (long long)n);
    const char *who = mt_json_ref(r, "on_behalf_of");
    const char *cells[] = {mt_short_id(r),
                           mt_json_ref(r, "activity"),
                           who ? who : mt_json_ref(r, "owner"),
                           mt_json_str(r, "group"),
                           pupils,
                           mt_decision_label(cli, r)};
    mt_table_add(t, cells);
}

MT_COMMAND(signup_list) {
    json_t *params, *records;
    enum mt_exit status = mt_list_params(cli, args, "signup", &params);
    if (status)
        return status;
    if (args->n_words > 0)
        json_object_set_new(json_object_get(params, "filters"), "activity",
                            json_string(args->words[0]));
    status = mt_list(cli, params, &records);
    if (status)
        return status;
    const struct mt_column columns[] = {
        {_("ID"), 0},
        {_("ACTIVITY"), MT_COLUMN_FLEX},
        {_("WHO"), MT_COLUMN_FLEX},
        {_("GROUP"), MT_COLUMN_FLEX},
        {_("PUPILS"), MT_COLUMN_RIGHT},
        {_("ANSWER"), 0},
    };
    return mt_show_rows(
        cli, records, columns, MT_ARRAY_LEN(columns), row,
        _("No sign-ups yet. To sign up: meent signup add ACTIVITY --group 3B --pupils 24"));
}

MT_COMMAND(signup_withdraw) {
    json_t *result;
    enum mt_exit status =
        mt_change(cli, "signup.withdraw", json_pack("{s:s}", "id", args->words[0]), &result);
    if (status)
        return status;
    return mt_done(cli, result, _("Sign-up %s is withdrawn.\n"), mt_short_id(result));
}

MT_COMMAND(answer) {
    const struct mt_field *f = mt_schema_field(mt_schema_kind(MT_KIND_ANSWER), MT_ANSWER_DECISION);
    const struct mt_vocab_entry *decision = mt_vocab_named(f->vocab, mt_slice_str(args->words[1]));
    if (!decision) {
        char *why = mt_reason(MT_TEXT_NOT_WORD, f, args->words[1], cli->lang);
        enum mt_exit status = mt_usage(cli, "%s", why);
        free(why);
        return status;
    }
    json_t *result,
        *params = json_pack("{s:s, s:s}", "record", args->words[0], "decision", decision->name);
    const char *reason = mt_args_get(args, "reason");
    if (reason)
        json_object_set_new(params, "reason", json_string(reason));
    enum mt_exit status = mt_change(cli, "answer.add", params, &result);
    if (status)
        return status;
    return mt_done(cli, result, _("Answered: %s (%s).\n"), decision->label[cli->lang],
                   mt_short_id(result));
}
