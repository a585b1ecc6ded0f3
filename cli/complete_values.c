/* Candidates that are words of the schema, or that only the daemon knows; see complete.h. Whoever
 * types does not want to read errors here, nor to wait: what fails gives no candidates. */
#include "complete.h"

#include "json.h"
#include "text.h"

#include <stdlib.h>
#include <strings.h>

enum { WAIT_MS = 1500, RECORDS_MAX = 500 };

void mt_complete_offer(struct mt_cli *cli, const char *typed, const char *word, const char *text) {
    if (!word || strncasecmp(word, typed, strlen(typed)) != 0)
        return;
    char *safe = mt_text_safe(word, false), *safe_text = mt_text_safe(text ? text : "", false);
    fprintf(cli->out, "%s\t%s\n", safe, safe_text);
    free(safe_text);
    free(safe);
}

void mt_complete_vocab(struct mt_cli *cli, const char *typed, const struct mt_vocab *vocab) {
    for (size_t i = 0; i < vocab->n; i++)
        mt_complete_offer(cli, typed, vocab->entries[i].name, vocab->entries[i].label[cli->lang]);
}

/* Takes over `params`. Owns: the caller; NULL when there is no answer. */
static json_t *ask(struct mt_cli *cli, const char *method, json_t *take_params) {
    struct mt_client_error error;
    json_t *result = NULL;
    if (!mt_connect(cli, &error)) {
        json_decref(take_params);
        return NULL;
    }
    cli->client.timeout_ms = WAIT_MS;
    return mt_try(cli, method, take_params, &result, &error) ? result : NULL;
}

/* What a record is called; its own title, or that of what it belongs to. Borrowed. */
static const char *called(const json_t *r) {
    static const char *const names[] = {"title", "name"};
    static const char *const refs[] = {"activity", "stageplek"};
    for (size_t i = 0; i < MT_ARRAY_LEN(names); i++)
        if (mt_json_str(r, names[i]))
            return mt_json_str(r, names[i]);
    for (size_t i = 0; i < MT_ARRAY_LEN(refs); i++)
        if (mt_json_ref(r, refs[i]))
            return mt_json_ref(r, refs[i]);
    return NULL;
}

static void offer_record(struct mt_cli *cli, const char *typed, const json_t *r, bool by_name) {
    const char *id = mt_json_str(r, "id"), *brief = mt_json_str(r, "short");
    const char *who = mt_json_ref(r, "host");
    who = who ? who : mt_json_ref(r, "owner");
    if (by_name) {
        mt_complete_offer(cli, typed, mt_json_str(r, "name"), mt_json_str(r, "place"));
        return;
    }
    const char *title = called(r);
    char *text =
        mt_text_format("%s%s%s", title ? title : "", title && who ? " · " : "", who ? who : "");
    bool longer = brief && strlen(typed) > strlen(brief);
    mt_complete_offer(cli, typed, brief && !longer ? brief : id, text);
    free(text);
}

static void offer_kind(struct mt_cli *cli, const char *typed, uint16_t kind) {
    bool by_name = kind == MT_KIND_ORG;
    json_t *r,
        *params = json_pack("{s:s, s:i}", "kind", mt_schema_kind(kind)->name, "limit", RECORDS_MAX);
    size_t i;
    if (*typed)
        json_object_set_new(params, by_name ? "text" : "prefix", json_string(typed));
    json_t *result = ask(cli, "record.list", params);
    json_array_foreach(json_object_get(result, "records"), i, r) {
        offer_record(cli, typed, r, by_name);
    }
    json_decref(result);
}

void mt_complete_records(struct mt_cli *cli, const char *typed, uint16_t kind) {
    if (kind) {
        offer_kind(cli, typed, kind);
        return;
    }
    offer_kind(cli, typed, MT_KIND_SIGNUP);
    offer_kind(cli, typed, MT_KIND_PLACEMENT);
}

void mt_complete_invites(struct mt_cli *cli, const char *typed, const char *state) {
    json_t *result = ask(cli, "invite.list", NULL), *r;
    size_t i;
    json_array_foreach(json_object_get(result, "invites"), i, r) {
        const char *is = mt_json_str(r, "state");
        if (!state || (is && strcmp(is, state) == 0))
            mt_complete_offer(cli, typed, mt_json_str(r, "name"), mt_json_str(r, "applicant"));
    }
    json_decref(result);
}

void mt_complete_peers(struct mt_cli *cli, const char *typed) {
    json_t *result = ask(cli, "peer.list", NULL), *r;
    size_t i;
    json_array_foreach(json_object_get(result, "peers"), i, r) {
        mt_complete_offer(cli, typed, mt_json_str(r, "name"), mt_json_str(r, "address"));
    }
    json_decref(result);
}
