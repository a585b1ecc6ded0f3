/* peer list|ping. */
#include "commands.h"

#include "json.h"
#include "records.h"
#include "text.h"
#include "words.h"

#include <stdlib.h>

static void row(struct mt_cli *cli, struct mt_table *t, const json_t *r) {
    char lag[24], behind[24], seen[MT_WORDS_MAX] = "-";
    bool connected = json_is_true(json_object_get(r, "connected"));
    snprintf(lag, sizeof lag, "%lld", (long long)mt_json_int(r, "lag", 0));
    snprintf(behind, sizeof behind, "%lld", (long long)mt_json_int(r, "behind", 0));
    if (mt_json_str(r, "last_seen"))
        mt_words_moment(cli->lang, mt_json_str(r, "last_seen"), seen);
    const char *error = mt_json_str(r, "error");
    const char *cells[] = {mt_json_str(r, "name"),
                           connected ? _("connected")
                           : error   ? error
                                     : _("not connected"),
                           lag,
                           behind,
                           connected ? _("now") : seen,
                           mt_json_str(r, "address")};
    mt_table_add(t, cells);
}

MT_COMMAND(peer_list) {
    (void)args;
    json_t *result;
    enum mt_exit status = mt_call(cli, "peer.list", NULL, &result);
    if (status)
        return status;
    json_t *rows = json_incref(json_object_get(result, "peers"));
    json_decref(result);
    const struct mt_column columns[] = {
        {_("NAME"), MT_COLUMN_FLEX},
        {_("CONNECTION"), MT_COLUMN_FLEX},
        {_("LAG"), MT_COLUMN_RIGHT},
        {_("TO GET"), MT_COLUMN_RIGHT},
        {_("SEEN"), 0},
        {_("ADDRESS"), MT_COLUMN_FLEX},
    };
    return mt_show_rows(cli, rows, columns, MT_ARRAY_LEN(columns), row,
                        _("No other members yet. To invite one: meent invite create NAME"));
}

struct step {
    const char *name, *text, *hint;
};

static const struct step STEPS[] = {
    {"address", N_("address known"),
     N_("They have to set `announce` in meentd.conf and be connected to someone once.")},
    {"connect", N_("connection made"),
     N_("Is their daemon running, and is its port open in both firewalls?")},
    {"key", N_("key of the region"), N_("They may not have the region's newest key yet.")},
    {"certificate", N_("certificate"), N_("Are the clocks of both machines right?")},
    {"membership", N_("membership"), N_("See: meent member list")},
};

static const struct step *step_named(const char *name) {
    for (size_t i = 0; name && i < MT_ARRAY_LEN(STEPS); i++)
        if (strcmp(STEPS[i].name, name) == 0)
            return &STEPS[i];
    return NULL;
}

static void put_step(struct mt_cli *cli, const json_t *step) {
    const char *name = mt_json_str(step, "step"), *text = mt_json_str(step, "text");
    const struct step *known = step_named(name);
    bool ok = json_is_true(json_object_get(step, "ok"));
    char *safe = mt_text_safe(text ? text : "", false);
    char *safe_name = mt_text_safe(known ? _(known->text) : name ? name : "?", false);
    fprintf(cli->out, "%s %s%s%s\n", ok ? "✓" : "✗", safe_name, *safe ? ": " : "", safe);
    free(safe_name);
    free(safe);
}

MT_COMMAND(peer_ping) {
    json_t *result, *step;
    size_t i;
    enum mt_exit status =
        mt_call(cli, "peer.ping", json_pack("{s:s}", "name", args->words[0]), &result);
    if (status)
        return status;
    const struct step *failed = NULL;
    bool all = true;
    json_t *steps = json_object_get(result, "steps");
    json_array_foreach(steps, i, step) {
        bool ok = json_is_true(json_object_get(step, "ok"));
        if (!ok && all)
            failed = step_named(mt_json_str(step, "step"));
        all = all && ok;
        if (!cli->json)
            put_step(cli, step);
    }
    if (all && mt_json_int(result, "rtt_ms", -1) >= 0)
        mt_say(cli, _("Answer within %lld ms.\n"), (long long)mt_json_int(result, "rtt_ms", 0));
    if (failed)
        mt_say(cli, "%s\n", _(failed->hint));
    if (cli->json)
        mt_put_json(cli, json_incref(result));
    json_decref(result);
    return all ? MT_EXIT_OK : MT_EXIT_FAILED;
}
