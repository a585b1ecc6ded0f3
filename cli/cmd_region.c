/* init, region create|show, verify, log. */
#include "commands.h"

#include "json.h"
#include "records.h"
#include "text.h"
#include "words.h"

#include <stdlib.h>

MT_COMMAND(init) {
    const struct mt_field *f = mt_schema_field(mt_schema_kind(MT_KIND_ORG), MT_ORG_KIND);
    const char *given = mt_args_get(args, "kind");
    char *asked = given ? NULL : mt_ask(cli, _("Kind (vmbo, mbo, company …)"));
    const char *text = given ? given : asked;
    const struct mt_vocab_entry *kind = text ? mt_vocab_named(f->vocab, mt_slice_str(text)) : NULL;
    if (!kind) {
        char *why = text ? mt_reason(MT_TEXT_NOT_WORD, f, text, cli->lang) : NULL;
        enum mt_exit status = mt_usage(cli, _("--kind: %s"), why ? why : _("is needed"));
        free(why);
        free(asked);
        return status;
    }
    free(asked);
    json_t *result;
    enum mt_exit status = mt_change(
        cli, "init", json_pack("{s:s, s:s}", "name", args->words[0], "kind", kind->name), &result);
    if (status)
        return status;
    return mt_done(cli, result,
                   _("%s is ready. Next: found a region with\n  meent region create NAME\n"
                     "or join one with the code you were given:\n  meent join CODE\n"),
                   args->words[0]);
}

static void put_retention(struct mt_cli *cli, const json_t *region) {
    static const struct {
        const char *name, *text;
    } kinds[] = {
        {"placements_days", N_("placements, attendance, visits")},
        {"access_log_days", N_("who looked at personal data")},
        {"backups_days", N_("backups")},
        {"contributions_days", N_("totals of contributions, without pupils")},
    };
    const json_t *retention = json_object_get(region, "retention");
    if (cli->quiet || json_object_size(retention) == 0)
        return;
    fprintf(cli->out, "%s\n",
            _("How long personal data is kept (each organisation confirms this for itself):"));
    for (size_t i = 0; i < MT_ARRAY_LEN(kinds); i++) {
        json_int_t days = mt_json_int(retention, kinds[i].name, -1);
        if (days >= 0)
            fprintf(cli->out, _("  %s: %lld days\n"), _(kinds[i].text), (long long)days);
    }
}

MT_COMMAND(region_create) {
    json_t *result, *region;
    struct mt_client_error ignored;
    enum mt_exit status =
        mt_change(cli, "region.create", json_pack("{s:s}", "name", args->words[0]), &result);
    if (status || !result || cli->json)
        return status ? status : mt_done(cli, result, "%s", "");
    mt_say(cli,
           _("Region %s is founded. Next, for each other organisation:\n"
             "  meent invite create NAME\n"),
           args->words[0]);
    if (mt_try(cli, "region.show", NULL, &region, &ignored)) {
        put_retention(cli, region);
        json_decref(region);
    }
    json_decref(result);
    return MT_EXIT_OK;
}

static void put_named(struct mt_cli *cli, const char *label, const char *value) {
    char *safe = mt_text_safe(value ? value : "-", false);
    fprintf(cli->out, "%s: %s\n", label, safe);
    free(safe);
}

MT_COMMAND(region_show) {
    (void)args;
    json_t *region;
    enum mt_exit status = mt_call(cli, "region.show", NULL, &region);
    if (status)
        return status;
    if (cli->json) {
        mt_put_json(cli, region);
        return MT_EXIT_OK;
    }
    const json_t *members = json_object_get(region, "members");
    put_named(cli, _("Region"), mt_json_str(region, "name"));
    put_named(cli, _("Founded by"), mt_json_ref(region, "founder"));
    fprintf(cli->out, "%s: %lld\n", _("Members"),
            json_is_array(members) ? (long long)json_array_size(members)
                                   : (long long)mt_json_int(region, "members", 0));
    put_named(cli, "ID", mt_json_str(region, "id"));
    put_retention(cli, region);
    json_decref(region);
    return MT_EXIT_OK;
}

MT_COMMAND(verify) {
    (void)args;
    json_t *result;
    enum mt_exit status = mt_call(cli, "verify", NULL, &result);
    if (status)
        return status;
    bool equal = json_is_true(json_object_get(result, "equal"));
    if (!equal) {
        json_decref(result);
        return mt_fail(cli, MT_EXIT_FAILED, "corrupt", _("Try: journalctl -u meentd"),
                       _("the digest recomputed from all entries differs from the stored one"));
    }
    if (cli->json) {
        mt_put_json(cli, result);
        return MT_EXIT_OK;
    }
    char *digest =
        mt_text_safe(mt_json_str(result, "digest") ? mt_json_str(result, "digest") : "-", false);
    mt_say(cli, _("All is well: %lld entries checked.\nDigest %s\n"),
           (long long)mt_json_int(result, "entries", 0), digest);
    free(digest);
    json_decref(result);
    return MT_EXIT_OK;
}

static void log_row(struct mt_cli *cli, struct mt_table *t, const json_t *r) {
    char when[MT_WORDS_MAX] = "-";
    const char *time = mt_json_str(r, "time"), *kind = mt_json_str(r, "kind"),
               *action = mt_json_str(r, "action");
    const struct mt_kind *k = kind ? mt_schema_kind_named(mt_slice_str(kind)) : NULL;
    if (time)
        mt_words_moment(cli->lang, time, when);
    bool fresh = action && strcmp(action, "new") == 0;
    const char *cells[] = {when,
                           mt_json_ref(r, "org"),
                           k ? k->label[cli->lang] : kind,
                           fresh ? _("new") : _("changed"),
                           mt_short_id(r),
                           mt_json_str(r, "title")};
    mt_table_add(t, cells);
}

MT_COMMAND(log) {
    const char *limit = mt_args_get(args, "limit");
    char *end = NULL;
    long n = limit ? strtol(limit, &end, 10) : 20;
    if (n < 1 || n > 500 || (end && (*end || end == limit)))
        return mt_usage(cli, _("--limit: \"%s\" is not a number from 1 to 500"), limit);
    json_t *result;
    enum mt_exit status = mt_call(cli, "log", json_pack("{s:i}", "limit", (int)n), &result);
    if (status)
        return status;
    json_t *rows = json_incref(json_object_get(result, "rows"));
    json_decref(result);
    const struct mt_column columns[] = {
        {_("TIME"), 0}, {_("WHO"), MT_COLUMN_FLEX | MT_COLUMN_YIELD},
        {_("WHAT"), 0}, {"", 0},
        {_("ID"), 0},   {_("TITLE"), MT_COLUMN_FLEX},
    };
    return mt_show_rows(cli, rows, columns, MT_ARRAY_LEN(columns), log_row,
                        _("Nothing has changed yet."));
}
