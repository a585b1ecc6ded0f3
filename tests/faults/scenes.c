/* The scenes: the same few commands in the same order, each time. */
#include "json.h"
#include "story.h"

#include <stdio.h>
#include <string.h>

enum { START_MS = 10000, SYNC_MS = 2500 };

static bool do_call(struct place *p, struct org *o, const char *method, json_t *take_params,
                    json_t **result) {
    bool ok = org_call(o, method, take_params, result, &p->error);
    if (!ok && org_lives(o))
        p->refused++;
    return ok;
}

static bool import(struct place *p, struct org *o) {
    json_t *rows = json_array();
    for (int i = 0; i < IMPORTED; i++) {
        char title[32];
        snprintf(title, sizeof title, "Invoer %d", i);
        json_array_append_new(rows, json_pack("{s:s,s:s,s:s,s:s}", "title", title, "type",
                                              "workshop", "direction", "request", "host", "Esch"));
    }
    return do_call(p, o, "import",
                   json_pack("{s:s,s:b,s:o}", "kind", "activity", "dry_run", 0, "rows", rows),
                   NULL);
}

static bool starts(struct place *p) {
    phase(p, 0);
    org_start(p->hit, p->control);
    return org_answers(p->hit, START_MS);
}

/* ---- a member: start, write, import, sync ---- */

static void tell_member(struct place *p) {
    if (!starts(p))
        return;
    phase(p, 1);
    add(p, p->hit, "Les");
    phase(p, 2);
    p->imported = org_lives(p->hit) && import(p, p->hit);
    phase(p, 3);
    org_start(p->other, NULL);
    if (org_answers(p->other, START_MS))
        agree(p, SYNC_MS);
}

static void nothing_more(struct place *p) {
    (void)p;
}

/* ---- the one that receives ---- */

static void tell_receiver(struct place *p) {
    org_start(p->other, NULL);
    if (!org_answers(p->other, START_MS))
        return;
    add(p, p->other, "Les");
    p->imported = import(p, p->other);
    if (!starts(p))
        return;
    phase(p, 1);
    if (!agree(p, SYNC_MS) && !org_lives(p->hit))
        return;
    add(p, p->other, "Rechtstreeks");
    agree(p, SYNC_MS);
}

/* ---- the first keys and a region ---- */

static void tell_founder(struct place *p) {
    remove_tree(p->hit->state);
    if (!starts(p))
        return;
    phase(p, 1);
    json_t *params = json_pack("{s:s,s:s}", "name", "Esch", "kind", "vmbo");
    p->initialised = do_call(p, p->hit, "init", params, NULL);
    phase(p, 2);
    params = json_pack("{s:s}", "name", "Meppel");
    p->founded = org_lives(p->hit) && do_call(p, p->hit, "region.create", params, NULL);
    char n[16] = "";
    for (unsigned i = 0; i < 60 && p->founded && org_lives(p->hit) && n[0] < '1'; i++, nap_ms(5))
        org_status(p->hit, "records.endpoint", n, sizeof n);
}

static void sound_founder(struct place *p) {
    struct mt_client_error error;
    char state[16];
    org_status(p->hit, "state", state, sizeof state);
    if (p->founded && strcmp(state, "member") != 0)
        complain(p, "the region is lost: %s", state);
    if (p->initialised && strcmp(state, "empty") == 0)
        complain(p, "the organisation is lost");
    if (strcmp(state, "empty") == 0 &&
        !org_call(p->hit, "init", json_pack("{s:s,s:s}", "name", "Esch", "kind", "vmbo"), NULL,
                  &error))
        complain(p, "init: %s %s", error.code, error.text);
    /* a founding that stopped half way is finished by the next attempt */
    if (!p->founded &&
        !org_call(p->hit, "region.create", json_pack("{s:s}", "name", "Meppel"), NULL, &error) &&
        strcmp(error.code, "conflict") != 0)
        complain(p, "region.create: %s %s", error.code, error.text);
    uint64_t deadline = now_ms() + START_MS; /* its own record, which this one names, comes first */
    bool written = add(p, p->hit, "Les");
    while (!written && now_ms() < deadline) {
        nap_ms(10);
        written = add(p, p->hit, "Les");
    }
    if (!written)
        complain(p, "it cannot write: %s %s", p->error.code, p->error.text);
}

/* ---- joining; the fault is with the one that joins, or with the one that approves ---- */

static bool waits_for_number(struct place *p, unsigned ms) {
    uint64_t deadline = now_ms() + ms;
    do {
        org_status(&p->ding, "join.number", p->number, sizeof p->number);
        if (p->number[0])
            return true;
        nap_ms(8);
    } while (org_lives(&p->esch) && org_lives(&p->ding) && now_ms() < deadline);
    return false;
}

static bool invite(struct place *p, const char *name) {
    json_t *result = NULL;
    bool ok = do_call(p, &p->esch, "invite.create", json_pack("{s:s}", "name", name), &result);
    if (ok)
        ok = do_call(p, &p->ding, "join",
                     json_pack("{s:O}", "code", json_object_get(result, "code")), NULL);
    json_decref(result);
    return ok;
}

/* After a restart the application may have to come in again first. */
static bool approve(struct place *p, const char *name, unsigned ms) {
    uint64_t deadline = now_ms() + ms;
    for (;;) {
        if (do_call(p, &p->esch, "member.approve",
                    json_pack("{s:s,s:s}", "name", name, "number", p->number), NULL))
            return true;
        if (!org_lives(&p->esch) || now_ms() >= deadline)
            return false;
        nap_ms(20);
    }
}

static void tell_joining(struct place *p) {
    org_start(p->other, NULL);
    if (!org_answers(p->other, START_MS) || !starts(p))
        return;
    phase(p, 1);
    if (!invite(p, "ding") || !waits_for_number(p, SYNC_MS))
        return;
    phase(p, 2);
    p->approved = approve(p, "ding", 0);
    if (p->approved && is_member(&p->ding, SYNC_MS))
        agree(p, SYNC_MS);
}

/* Whatever came of it: it can be completed, with another invitation at most. */
static void sound_joining(struct place *p) {
    char state[16];
    org_status(&p->ding, "state", state, sizeof state);
    bool joining = strcmp(state, "joining") == 0;
    if (p->approved && !joining && strcmp(state, "member") != 0)
        complain(p, "approved, and %s", state);
    if (p->approved && is_member(&p->ding, START_MS))
        return;
    if (strcmp(state, "alone") == 0 && !invite(p, "again"))
        complain(p, "not invited again: %s %s", p->error.code, p->error.text);
    const char *name = joining ? "ding" : "again";
    /* an approval that stopped half way is finished by the next attempt */
    if (!p->approved && p->number[0])
        (void)approve(p, "ding", 0);
    if (is_member(&p->ding, 0))
        return;
    if (!waits_for_number(p, START_MS))
        complain(p, "no number");
    else if (!approve(p, name, START_MS) && !is_member(&p->ding, START_MS))
        complain(p, "no approval: %s %s", p->error.code, p->error.text);
    if (!is_member(&p->ding, START_MS))
        complain(p, "no member");
}

static const char *const cli_status[] = {"status", NULL};
static const char *const cli_doctor[] = {"doctor", "--json", NULL};
static const char *const cli_list[] = {"activity", "list", "--text", "Vooraf", NULL};
static const char *const cli_add[] = {"--json", "activity", "add",     "--direction",
                                      "offer",  "--type",   "gastles", "--title",
                                      "Les",    "--host",   "Esch",    NULL};
static const char *const cli_import[] = {"activity", "import", "FILE", NULL};

const struct scene scenes[] = {
    {.name = "member",
     .phases = {"start", "write", "import", "sync", "stop"},
     .both = true,
     .tell = tell_member,
     .sound = nothing_more},
    {.name = "receiver",
     .phases = {"start", "sync", "stop"},
     .second_is_hit = true,
     .both = true,
     .tell = tell_receiver,
     .sound = nothing_more},
    {.name = "founder",
     .phases = {"start", "init", "region", "stop"},
     .tell = tell_founder,
     .sound = sound_founder},
    {.name = "applicant",
     .phases = {"start", "join", "approve", "stop"},
     .second_is_hit = true,
     .tell = tell_joining,
     .sound = sound_joining},
    {.name = "seat",
     .phases = {"start", "join", "approve", "stop"},
     .tell = tell_joining,
     .sound = sound_joining},
    {.name = "cli-status", .phases = {"run"}, .argv = cli_status},
    {.name = "cli-doctor", .phases = {"run"}, .argv = cli_doctor},
    {.name = "cli-list", .phases = {"run"}, .argv = cli_list, .same_answer = true},
    {.name = "cli-add", .phases = {"run"}, .argv = cli_add},
    {.name = "cli-import", .phases = {"run"}, .argv = cli_import},
};

const unsigned n_scenes = sizeof scenes / sizeof scenes[0];
