/* Calls to the daemon and what becomes of their answers; see cli.h. */
#include "cli.h"

#include "json.h"
#include "records.h"
#include "said.h"
#include "text.h"

#include <stdarg.h>
#include <stdlib.h>

struct meaning {
    const char *code;
    enum mt_exit status;
    const char *text; /* what it means, before the daemon's detail */
    const char *hint;
};

static const struct meaning MEANINGS[] = {
    {"daemon-not-running", MT_EXIT_NO_DAEMON, N_("the daemon meentd is not running"),
     N_("Try: systemctl start meentd")},
    {"usage", MT_EXIT_USAGE, N_("wrong use"), NULL},
    {"ambiguous", MT_EXIT_USAGE, N_("this fits several; give more of the id"), NULL},
    {"not-found", MT_EXIT_NOT_FOUND, N_("not found"), NULL},
    {"unknown", MT_EXIT_NOT_FOUND, N_("unknown"), NULL},
    {"denied", MT_EXIT_DENIED, N_("not allowed"),
     N_("Who may do what is set under [access] in meentd.conf.")},
    {"conflict", MT_EXIT_CONFLICT, N_("it contradicts what is there"), NULL},
    {"duplicate", MT_EXIT_CONFLICT, N_("it is there already"), NULL},
    {"invalid", MT_EXIT_FAILED, N_("not valid"), NULL},
    {"state", MT_EXIT_FAILED, N_("not possible now"), N_("Try: meent status")},
    {"timeout", MT_EXIT_FAILED, N_("the daemon does not answer"), N_("Try: meent status")},
    {"closed", MT_EXIT_FAILED, N_("the daemon closed the connection"),
     N_("Try: journalctl -u meentd")},
    {"protocol", MT_EXIT_FAILED, N_("the daemon gave an answer that is not understood"),
     N_("Are meent and meentd of the same version? Try: meent --version")},
    {"full", MT_EXIT_FAILED, N_("a limit is reached"), NULL},
    {"too-long", MT_EXIT_FAILED, N_("something is too long"), NULL},
    {"no-key", MT_EXIT_FAILED, N_("the key to read or write this is not here"), NULL},
    {"no-space", MT_EXIT_FAILED, N_("the disk is full"), NULL},
    {"read-only", MT_EXIT_FAILED, N_("changes are refused until there is space again"),
     N_("Make space on the disk; the daemon resumes by itself.")},
    {"no-memory", MT_EXIT_FAILED, N_("out of memory"), NULL},
    {"io", MT_EXIT_FAILED, N_("reading or writing failed"), NULL},
    {"corrupt", MT_EXIT_FAILED, N_("stored data is damaged"), NULL},
    {"unreachable", MT_EXIT_FAILED, N_("no connection to that address"), NULL},
    {"refused", MT_EXIT_FAILED, N_("nobody listens at that address"), NULL},
    {"no-answer", MT_EXIT_FAILED, N_("nothing comes back from that address"), NULL},
    {"psk", MT_EXIT_FAILED, N_("the code is not accepted by the other side"), NULL},
    {"certificate", MT_EXIT_FAILED, N_("the certificate of the other side is not valid"), NULL},
    {"member", MT_EXIT_FAILED, N_("that organisation is not a member"), NULL},
    {"decrypt", MT_EXIT_FAILED, N_("the other side uses another key"), NULL},
    {"signature", MT_EXIT_FAILED, N_("a signature is not right"), NULL},
    {"version", MT_EXIT_FAILED, N_("the other side speaks no version in common"), NULL},
    {"bug", MT_EXIT_FAILED, N_("a defect in meent itself"), N_("Try: journalctl -u meentd")},
};

/* Leaving the week out of a change keeps it. */
static bool keeps_week(const struct mt_cli *cli, const struct mt_client_error *error) {
    return strstr(error->text, "code=outside-week") && cli->command &&
           strcmp(cli->command->name, "activity edit") == 0;
}

static const char *hint_for(const struct mt_cli *cli, const struct mt_client_error *error,
                            const struct meaning *m) {
    if (keeps_week(cli, error))
        return _("To take the week away: --week \"\"");
    if (strcmp(error->code, "state") == 0 && strstr(error->text, "no organisation"))
        return _("Try: meent init NAME --kind KIND");
    if (strcmp(error->code, "state") == 0 && strstr(error->text, "no region"))
        return _("Try: meent region create NAME, or meent join CODE");
    if (strcmp(error->code, "not-found") == 0 && strstr(error->text, "no organisation is called"))
        return _("A whole name, number or id is needed. Try: meent org list --text PART");
    if (strcmp(error->code, "conflict") == 0 && strstr(error->text, "is joining"))
        return _("Try: meent join, or give that up with meent join --cancel");
    if (strcmp(error->code, "denied") == 0 && error->text[0] == '/')
        return _("The socket is for the group meent. Try: sudo usermod -aG meent $USER");
    if (strcmp(error->code, "denied") == 0 && !strstr(error->text, "right"))
        return NULL; /* not for want of a right on this machine */
    return m->hint ? _(m->hint) : NULL;
}

static const struct meaning *meaning_of(const char *code) {
    for (size_t i = 0; i < MT_ARRAY_LEN(MEANINGS); i++)
        if (strcmp(MEANINGS[i].code, code) == 0)
            return &MEANINGS[i];
    return NULL;
}

const char *mt_code_text(const char *code) {
    const struct meaning *m = meaning_of(code);
    return m ? _(m->text) : code;
}

const char *mt_link_text(const char *code) {
    if (strcmp(code, "timeout") == 0)
        return _("no answer from the other side");
    if (strcmp(code, "closed") == 0)
        return _("the other side closed the connection");
    if (strcmp(code, "not-found") == 0)
        return _("no address belongs to that name");
    return mt_code_text(code);
}

char *mt_calling_text(const char *error) {
    if (error && strcmp(error, "psk") == 0)
        return mt_text_copy(
            _("The other side does not accept the code: it was used, revoked or has "
              "expired.\nAsk for a new one, or give up with: meent join --cancel"));
    char *safe = mt_text_safe(error ? mt_link_text(error) : "", false);
    char *text =
        mt_text_format(_("The other side has not answered yet%s%s%s. The daemon keeps trying.\n"
                         "Wait for it with: meent join --wait 600"),
                       *safe ? " (" : "", safe, *safe ? ")" : "");
    free(safe);
    return text;
}

/* "row=3 field=capacity code=too-large": a value that the daemon refused. Owns: the caller; NULL
 * when it is another text. */
static char *field_text(const struct mt_cli *cli, const char *text) {
    char name[64] = "", code[32] = "";
    unsigned row = 0;
    if (sscanf(text, "row=%u", &row) == 1)
        text += strcspn(text, " ") + (strchr(text, ' ') != NULL);
    if (sscanf(text, "field=%63[^ ] code=%31s", name, code) != 2)
        return NULL;
    const struct mt_field *f = NULL;
    size_t n;
    const struct mt_kind *kinds = mt_schema_kinds(&n);
    for (size_t i = 0; i < n && !f; i++)
        f = mt_schema_field_named(&kinds[i], mt_slice_str(name));
    enum mt_text_err err = mt_reason_named(code);
    char *why = err ? mt_reason(err, f, NULL, cli->lang) : mt_text_copy(mt_code_text(code));
    const char *label = f ? f->label[cli->lang] : name;
    char *out = row ? mt_text_format(_("row %u: %s %s"), row, label, why)
                    : mt_text_format("%s %s", label, why);
    free(why);
    return out;
}

/* Of these a sentence of the daemon says more than the code does. */
static bool is_told_by_detail(const char *code) {
    static const char *const codes[] = {"conflict", "duplicate", "state", "invalid"};
    for (size_t i = 0; i < MT_ARRAY_LEN(codes); i++)
        if (strcmp(codes[i], code) == 0)
            return true;
    return false;
}

static const struct meaning *meaning_or_other(const char *code) {
    static const struct meaning other = {"failed", MT_EXIT_FAILED, N_("failed"), NULL};
    const struct meaning *m = meaning_of(code);
    return m ? m : &other;
}

char *mt_call_text(const struct mt_cli *cli, const struct mt_client_error *error) {
    const struct meaning *m = meaning_or_other(error->code);
    bool known = true;
    char *detail = field_text(cli, error->text);
    if (!detail)
        detail = mt_said(error->text, cli->lang, &known);
    bool same = strcmp(detail, m->text) == 0 || strcmp(detail, _(m->text)) == 0;
    bool alone = known && *detail && !same && is_told_by_detail(error->code);
    bool both = *detail && !alone && !same;
    char *out = mt_text_format("%s%s%s", alone ? "" : _(m->text), both ? ": " : "",
                               alone || both ? detail : "");
    free(detail);
    return out;
}

enum mt_exit mt_fail_call(struct mt_cli *cli, const struct mt_client_error *error) {
    const struct meaning *m = meaning_or_other(error->code);
    char *text = mt_call_text(cli, error);
    enum mt_exit status = mt_fail(cli, m->status, error->code, hint_for(cli, error, m), "%s", text);
    free(text);
    return status;
}

bool mt_connect(struct mt_cli *cli, struct mt_client_error *error) {
    cli->connected = cli->connected || mt_client_open(&cli->client, cli->socket, error);
    return cli->connected;
}

bool mt_try(struct mt_cli *cli, const char *method, json_t *take_params, json_t **result,
            struct mt_client_error *error) {
    json_t *params = take_params ? take_params : json_object();
    *result = NULL;
    bool ok = mt_connect(cli, error) && mt_client_call(&cli->client, method, params, result, error);
    json_decref(params);
    return ok;
}

enum mt_exit mt_call(struct mt_cli *cli, const char *method, json_t *take_params, json_t **result) {
    struct mt_client_error error;
    return mt_try(cli, method, take_params, result, &error) ? MT_EXIT_OK
                                                            : mt_fail_call(cli, &error);
}

static void print_plan(struct mt_cli *cli, const char *method, const json_t *params) {
    const char *key;
    json_t *value;
    fprintf(cli->out, _("Dry run of %s: nothing was changed.\n"), method);
    json_object_foreach((json_t *)params, key, value) {
        char *text = json_is_string(value) ? mt_text_copy(json_string_value(value))
                                           : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
        char *safe = mt_text_safe(text ? text : "", false);
        fprintf(cli->out, "  %s: %s\n", key, safe);
        free(safe);
        free(text);
    }
}

enum mt_exit mt_change(struct mt_cli *cli, const char *method, json_t *take_params,
                       json_t **result) {
    if (!cli->dry_run)
        return mt_call(cli, method, take_params, result);
    *result = NULL;
    json_t *params = take_params ? take_params : json_object();
    if (cli->json)
        mt_put_json(cli,
                    json_pack("{s:b, s:s, s:O}", "dry_run", 1, "method", method, "params", params));
    else
        print_plan(cli, method, params);
    json_decref(params);
    return MT_EXIT_OK;
}

enum mt_exit mt_done(struct mt_cli *cli, json_t *take_result, const char *fmt, ...) {
    va_list ap;
    if (!take_result)
        return MT_EXIT_OK;
    if (cli->json) {
        json_object_del(take_result, "short");
        mt_put_json(cli, take_result);
        return MT_EXIT_OK;
    }
    if (!cli->quiet) {
        va_start(ap, fmt);
        vfprintf(cli->out, fmt, ap);
        va_end(ap);
    }
    json_decref(take_result);
    return MT_EXIT_OK;
}

static bool plain(const char *id) {
    return id && *id && strlen(id) <= 64 && strspn(id, "0123456789abcdef") == strlen(id);
}

const char *mt_short_id(const json_t *result) {
    const char *id = mt_json_str(result, "short");
    if (!plain(id))
        id = mt_json_str(result, "id");
    return plain(id) ? id : "?";
}

char *mt_ask(struct mt_cli *cli, const char *question) {
    if (cli->no_input || cli->json || !cli->in_terminal || !cli->err_terminal)
        return NULL;
    char *line = NULL;
    size_t cap = 0;
    fprintf(cli->err, "%s: ", question);
    fflush(cli->err);
    ssize_t n = getline(&line, &cap, stdin);
    while (n > 0 && (line[n - 1] == '\n' || line[n - 1] == '\r'))
        line[--n] = '\0';
    if (n > 0)
        return line;
    free(line);
    return NULL;
}
