/* invite create|list|revoke, join, member list|approve: how organisations come in. */
#include "commands.h"

#include "json.h"
#include "qr.h"
#include "records.h"
#include "text.h"
#include "words.h"

#include <stdlib.h>
#include <time.h>

enum { DIGITS = 12, CALL_WAIT_S = 5, WAIT_S_MAX = 86400 };

MT_COMMAND(invite_create) {
    json_t *result;
    enum mt_exit status =
        mt_change(cli, "invite.create", json_pack("{s:s}", "name", args->words[0]), &result);
    if (status || !result)
        return status;
    if (cli->json) {
        mt_put_json(cli, result);
        return MT_EXIT_OK;
    }
    const char *code = mt_json_str(result, "code"), *expires = mt_json_str(result, "expires");
    char *safe = mt_text_safe(code ? code : "", false);
    fprintf(cli->out, "%s\n", safe);
    if (mt_args_has(args, "qr"))
        mt_qr_put(cli, safe);
    char until[MT_WORDS_MAX];
    mt_words_moment(cli->lang, expires ? expires : "-", until);
    mt_say(cli,
           _("Give this code to %s, who types: meent join CODE\n"
             "It works once, for the first who uses it, until %s.\n"
             "They then read you a number by phone: meent member approve \"%s\" --number NUMBER\n"),
           args->words[0], until, args->words[0]);
    free(safe);
    json_decref(result);
    return MT_EXIT_OK;
}

static const char *invite_state(const char *state) {
    static const struct {
        const char *name, *text;
    } known[] = {
        {"open", N_("open")},       {"filed", N_("applied, not admitted")},
        {"used", N_("used")},       {"approved", N_("admitted")},
        {"member", N_("admitted")}, {"revoked", N_("revoked")},
        {"expired", N_("expired")},
    };
    for (size_t i = 0; state && i < MT_ARRAY_LEN(known); i++)
        if (strcmp(known[i].name, state) == 0)
            return _(known[i].text);
    return state;
}

static void invite_row(struct mt_cli *cli, struct mt_table *t, const json_t *r) {
    char expires[MT_WORDS_MAX] = "-";
    if (mt_json_str(r, "expires"))
        mt_words_moment(cli->lang, mt_json_str(r, "expires"), expires);
    const char *cells[] = {mt_json_str(r, "name"), invite_state(mt_json_str(r, "state")), expires,
                           mt_json_ref(r, "applicant")};
    mt_table_add(t, cells);
}

MT_COMMAND(invite_list) {
    (void)args;
    json_t *result;
    enum mt_exit status = mt_call(cli, "invite.list", NULL, &result);
    if (status)
        return status;
    json_t *rows = json_incref(json_object_get(result, "invites"));
    json_decref(result);
    const struct mt_column columns[] = {
        {_("NAME"), MT_COLUMN_FLEX},
        {_("STATUS"), 0},
        {_("UNTIL"), 0},
        {_("WHO APPLIED"), MT_COLUMN_FLEX},
    };
    return mt_show_rows(cli, rows, columns, MT_ARRAY_LEN(columns), invite_row,
                        _("No invitations. To invite someone: meent invite create NAME"));
}

MT_COMMAND(invite_revoke) {
    json_t *result;
    enum mt_exit status =
        mt_change(cli, "invite.revoke", json_pack("{s:s}", "name", args->words[0]), &result);
    if (status)
        return status;
    return mt_done(cli, result, _("The code for %s no longer works.\n"), args->words[0]);
}

/* Twelve digits, however they were grouped, as "412906 735118". False when they are not twelve. */
static bool number_of(const char *text, char out[static DIGITS + 2]) {
    size_t n = 0;
    for (const char *p = text; *p; p++) {
        if (*p == ' ' || *p == '-' || *p == '.')
            continue;
        if (*p < '0' || *p > '9' || n == DIGITS + 1)
            return false;
        if (n == 6)
            out[n++] = ' ';
        out[n++] = *p;
    }
    out[n] = '\0';
    return n == DIGITS + 1;
}

MT_COMMAND(member_approve) {
    char number[DIGITS + 2];
    const char *given = mt_args_get(args, "number");
    char *asked =
        given ? NULL : mt_ask(cli, _("The number they read out by phone (two groups of six)"));
    const char *text = given ? given : asked;
    bool ok = text && number_of(text, number);
    enum mt_exit status = MT_EXIT_OK;
    if (!text)
        status = mt_usage(cli, _("--number is needed: the two groups they read out by phone"));
    else if (!ok)
        status = mt_usage(cli, _("--number: \"%s\" is not two groups of six digits"), text);
    free(asked);
    if (status)
        return status;
    json_t *result;
    status = mt_change(cli, "member.approve",
                       json_pack("{s:s, s:s}", "name", args->words[0], "number", number), &result);
    if (status)
        return status;
    return mt_done(cli, result, _("%s is a member now. See: meent member list\n"), args->words[0]);
}

static void member_row(struct mt_cli *cli, struct mt_table *t, const json_t *r) {
    char joined[MT_WORDS_MAX] = "-";
    const char *date = mt_json_str(r, "joined");
    if (date)
        mt_words_date(cli->lang, date, joined);
    const char *role = mt_json_str(r, "role");
    if (role && strcmp(role, "member") == 0)
        role = _("member");
    const char *cells[] = {mt_short_id(r), mt_json_str(r, "name"), role,
                           json_is_true(json_object_get(r, "seat")) ? _("yes") : "", joined};
    mt_table_add(t, cells);
}

MT_COMMAND(member_list) {
    (void)args;
    json_t *result;
    enum mt_exit status = mt_call(cli, "member.list", NULL, &result);
    if (status)
        return status;
    json_t *rows = json_incref(json_object_get(result, "members"));
    json_decref(result);
    const struct mt_column columns[] = {
        {_("ID"), 0}, {_("NAME"), MT_COLUMN_FLEX}, {_("ROLE"), 0}, {_("BOARD"), 0}, {_("SINCE"), 0},
    };
    return mt_show_rows(cli, rows, columns, MT_ARRAY_LEN(columns), member_row,
                        _("No members yet. Try: meent region create NAME"));
}

/* ---- join ---- */

static bool is_state(const json_t *join, const char *state) {
    const char *s = mt_json_str(join, "state");
    return s && strcmp(s, state) == 0;
}

static bool is_settled(const json_t *join) {
    return is_state(join, "member") || is_state(join, "refused");
}

static void say_number(struct mt_cli *cli, const char *number) {
    char *safe = mt_text_safe(number, false);
    mt_say(cli,
           _("Call the organisation that gave you the code and read out these two groups:\n\n"
             "    %s\n\n"
             "They compare them with what they see, so that nobody can take your place.\n"),
           safe);
    free(safe);
}

/* Polls join.state until it is settled, until there is a number when `number_suffices`, or until
 * `seconds` passed. Replaces `*join`. */
static enum mt_exit poll_join(struct mt_cli *cli, json_t **join, long seconds,
                              bool number_suffices) {
    struct timespec start, now, pause = {.tv_nsec = 50 * 1000 * 1000};
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (;;) {
        if (is_settled(*join) || (number_suffices && mt_json_str(*join, "number")))
            return MT_EXIT_OK;
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (now.tv_sec - start.tv_sec >= seconds)
            return MT_EXIT_OK;
        nanosleep(&pause, NULL);
        pause.tv_nsec *= 2; /* quick at first, once a second later */
        if (pause.tv_nsec >= 500 * 1000 * 1000)
            pause.tv_sec = 1;
        if (pause.tv_sec)
            pause.tv_nsec = 0;
        json_t *state;
        enum mt_exit status = mt_call(cli, "join.state", NULL, &state);
        if (status)
            return status;
        json_decref(*join);
        *join = state;
    }
}

static enum mt_exit show_join(struct mt_cli *cli, const json_t *join, bool number_said) {
    const char *state = mt_json_str(join, "state"), *number = mt_json_str(join, "number"),
               *error = mt_json_str(join, "error");
    if (is_state(join, "refused"))
        return mt_fail(cli, MT_EXIT_DENIED, "denied",
                       _("Ask for a new code: they type meent invite create NAME"), "%s: %s",
                       _("the region did not admit us"),
                       _("the invitation was used, revoked or has expired"));
    bool member = is_state(join, "member");
    if (cli->json) {
        /* whether the call is under way or the request is filed shows in the number */
        bool pending = !state || strcmp(state, "calling") == 0 || strcmp(state, "filed") == 0;
        mt_put_json(
            cli, json_pack("{s:s, s:s?}", "state", pending ? "pending" : state, "number", number));
        return MT_EXIT_OK;
    }
    if (member) {
        mt_say(cli, _("Admitted. The region's data is coming in; see: meent status\n"));
        return MT_EXIT_OK;
    }
    if (number && !number_said)
        say_number(cli, number);
    if (number) {
        mt_say(cli, _("Pending until they approve. Wait for it with: meent join --wait 600\n"));
    } else {
        char *calling = mt_calling_text(error);
        mt_say(cli, "%s\n", calling);
        free(calling);
    }
    return MT_EXIT_OK;
}

/* For people --wait shows the number at once and waits on; for scripts it returns with the number,
 * so that they can pass it on, and waits for the approval when it was known before. */
static enum mt_exit wait_for(struct mt_cli *cli, json_t **join, long seconds, bool known,
                             bool *number_said) {
    bool wait = seconds > 0;
    enum mt_exit status = poll_join(cli, join, wait ? seconds : CALL_WAIT_S, !known || !wait);
    const char *number = mt_json_str(*join, "number");
    if (status || cli->json || !wait || !number || is_settled(*join))
        return status;
    if (!cli->quiet) {
        say_number(cli, number);
        *number_said = mt_flush(cli);
    }
    return poll_join(cli, join, seconds, false);
}

static enum mt_exit cancel_join(struct mt_cli *cli, bool filed) {
    json_t *result;
    enum mt_exit status = mt_change(cli, "join.cancel", NULL, &result);
    if (status)
        return status;
    return mt_done(cli, result,
                   filed ? _("Joining is given up. Tell who invited you, who can still revoke the "
                             "code:\n  meent invite revoke NAME\n")
                         : _("Joining is given up.\n"));
}

/* A code is not needed any more; it is for somebody else perhaps. */
static enum mt_exit show_member(struct mt_cli *cli, json_t *take_join, bool code_given) {
    if (cli->json)
        mt_put_json(cli, json_pack("{s:s, s:n}", "state", "member", "number"));
    else if (code_given)
        mt_say(cli, _("This organisation is a member already; the code was not used.\n"));
    else
        mt_say(cli, _("This organisation is a member. See: meent status\n"));
    json_decref(take_join);
    return MT_EXIT_OK;
}

MT_COMMAND(join) {
    const char *wait = mt_args_get(args, "wait");
    char *end = NULL;
    long seconds = wait ? strtol(wait, &end, 10) : 0;
    if (wait && (*end || end == wait || seconds < 0 || seconds > WAIT_S_MAX))
        return mt_usage(cli, _("--wait: \"%s\" is not a number of seconds"), wait);
    bool cancels = mt_args_has(args, "cancel");
    if (cancels && (wait || args->n_words))
        return mt_usage(cli, _("--cancel goes with nothing else"));
    json_t *before, *join;
    enum mt_exit status = mt_call(cli, "join.state", NULL, &before);
    if (status)
        return status;
    bool known = mt_json_str(before, "number") != NULL, said = false,
         was_member = is_state(before, "member");
    if (cancels) {
        json_decref(before);
        return cancel_join(cli, known);
    }
    if (args->n_words == 0) {
        join = before;
    } else {
        json_decref(before);
        status = mt_change(cli, "join", json_pack("{s:s}", "code", args->words[0]), &join);
        if (status || !join)
            return status;
    }
    if (was_member)
        return show_member(cli, join, args->n_words > 0);
    const char *state = mt_json_str(join, "state");
    if (args->n_words == 0 &&
        (!state || strcmp(state, "none") == 0 || strcmp(state, "idle") == 0)) {
        json_decref(join);
        return mt_usage(cli, _("a code is needed: meent join CODE"));
    }
    status = wait_for(cli, &join, seconds, known, &said);
    if (!status)
        status = show_join(cli, join, said);
    json_decref(join);
    return status;
}
