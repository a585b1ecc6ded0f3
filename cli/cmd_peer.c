/* peer list|ping. */
#include "commands.h"

#include "json.h"
#include "records.h"
#include "said.h"
#include "text.h"
#include "words.h"

#include <stdlib.h>
#include <time.h>

enum { PING_WAIT_MS = 6000, PING_POLL_MS = 20 };

static const char *why(const char *code) {
    if (strcmp(code, "psk") == 0)
        return _("the other side does not accept the key of the region");
    return mt_link_text(code);
}

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
                           : error   ? why(error)
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
        {_("CONNECTION"), MT_COLUMN_WRAP},
        {_("LAG"), MT_COLUMN_RIGHT},
        {_("TO GET"), MT_COLUMN_RIGHT},
        {_("SEEN"), 0},
        {_("ADDRESS"), MT_COLUMN_FLEX},
    };
    return mt_show_rows(cli, rows, columns, MT_ARRAY_LEN(columns), row,
                        _("No other members yet. To invite one: meent invite create NAME"));
}

/* What to do about a step that failed for a reason; the first that fits counts. */
struct step {
    const char *name, *code; /* code NULL: any */
    const char *text, *hint;
};

static const struct step STEPS[] = {
    {"address", "not-found", N_("address"),
     N_("Is the name they announce spelled right, and does this machine have a name server? Try: "
        "getent hosts NAME")},
    {"address", NULL, N_("address"),
     N_("They have to set `announce` in meentd.conf and be connected to someone once.")},
    {"connect", "refused", N_("connection"),
     N_("Their machine answers, but their daemon does not run or listens elsewhere: ask them for "
        "meent doctor.")},
    {"connect", "no-answer", N_("connection"),
     N_("Their machine is off, or a firewall drops what we send. Is port 7473 open on their side?")},
    {"connect", NULL, N_("connection"),
     N_("Is their daemon running, and is its port open in both firewalls?")},
    {"key", "timeout", N_("key of the region"),
     N_("Something takes connections there, but does not answer as meentd does: it hangs, or is "
        "another program.")},
    {"key", NULL, N_("key of the region"),
     N_("Another program or another region answers there, or they may not have the region's newest "
        "key yet.")},
    {"certificate", NULL, N_("certificate"),
     N_("Another organisation uses their address now, or a clock is wrong. Try: timedatectl")},
    {"membership", NULL, N_("membership"),
     N_("See: meent member list, and for who asks to join: meent invite list")},
};

static const struct step *step_named(const char *name, const char *code) {
    for (size_t i = 0; name && i < MT_ARRAY_LEN(STEPS); i++)
        if (strcmp(STEPS[i].name, name) == 0 &&
            (!STEPS[i].code || (code && strcmp(STEPS[i].code, code) == 0)))
            return &STEPS[i];
    return NULL;
}

/* What stands behind a step: the address, or why it failed in the user's language. Owns: the
 * caller. */
static char *detail_of(const struct mt_cli *cli, const json_t *step) {
    const char *text = mt_json_str(step, "text"), *code = mt_json_str(step, "code");
    bool known;
    if (code) /* with the address, where that stands in the way */
        return text && strchr(text, ':') ? mt_text_format("%s: %s", text, why(code))
                                         : mt_text_copy(why(code));
    return mt_said(text && strcmp(text, "ok") != 0 ? text : "", cli->lang, &known);
}

static void put_step(struct mt_cli *cli, const json_t *step) {
    const char *name = mt_json_str(step, "step");
    const struct step *known = step_named(name, NULL);
    bool ok = json_is_true(json_object_get(step, "ok"));
    char *detail = detail_of(cli, step), *safe = mt_text_safe(detail, false);
    char *safe_name = mt_text_safe(known ? _(known->text) : name ? name : "?", false);
    fprintf(cli->out, "%s %s%s%s\n", ok ? "✓" : "✗", safe_name, *safe ? ": " : "", safe);
    free(safe_name);
    free(detail);
    free(safe);
}

/* Has the daemon try now and waits for the outcome, PING_WAIT_MS at most. */
static enum mt_exit probe(struct mt_cli *cli, const char *name, json_t **result) {
    const struct timespec pause = {.tv_nsec = PING_POLL_MS * 1000 * 1000};
    enum mt_exit status =
        mt_call(cli, "peer.ping", json_pack("{s:s, s:b}", "name", name, "probe", 1), result);
    for (int ms = 0; !status && ms < PING_WAIT_MS; ms += PING_POLL_MS) {
        if (!json_is_true(json_object_get(*result, "trying")))
            return MT_EXIT_OK;
        nanosleep(&pause, NULL);
        json_decref(*result);
        status = mt_call(cli, "peer.ping", json_pack("{s:s}", "name", name), result);
    }
    return status;
}

/* Prints the steps. Out: the first that failed, NULL when none did. */
static bool put_steps(struct mt_cli *cli, const json_t *result, const struct step **failed) {
    json_t *step;
    size_t i;
    bool all = true;
    *failed = NULL;
    json_array_foreach(json_object_get(result, "steps"), i, step) {
        bool ok = json_is_true(json_object_get(step, "ok"));
        if (!ok && all)
            *failed = step_named(mt_json_str(step, "step"), mt_json_str(step, "code"));
        all = all && ok;
        if (!cli->json)
            put_step(cli, step);
    }
    return all;
}

MT_COMMAND(peer_ping) {
    json_t *result;
    const struct step *failed;
    enum mt_exit status = probe(cli, args->words[0], &result);
    if (status)
        return status;
    bool all = put_steps(cli, result, &failed);
    json_int_t rtt = mt_json_int(result, "rtt_ms", -1);
    if (all && rtt >= 0)
        mt_say(cli, _("Answer within %lld ms.\n"), (long long)rtt);
    else if (all)
        mt_say(cli, _("No answer within %d seconds, though the connection is there.\n"),
               PING_WAIT_MS / 1000);
    if (failed && !cli->quiet && !cli->json)
        mt_put_wrapped(cli, 0, _(failed->hint));
    if (cli->json) {
        json_object_del(result, "trying");
        mt_put_json(cli, json_incref(result));
    }
    json_decref(result);
    return all && rtt >= 0 ? MT_EXIT_OK : MT_EXIT_FAILED;
}
