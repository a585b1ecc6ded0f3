/* doctor: goes through what can be wrong and says of each what it means and what to try.
 *
 * What is outside comes first, since it explains what follows: without a socket there is no daemon
 * to ask, and without a daemon nothing else to look at. Remarks that ask for nothing do not make
 * the whole fail. */
#include "commands.h"

#include "health.h"
#include "json.h"
#include "text.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef MEENT_VERSION
#define MEENT_VERSION "0"
#endif

enum {
    DISK_FREE_MIN_MB = 256, /* a first sync of a large region needs about so much */
    FILES_FREE_MIN = 100,
    BUILT_YEAR = 2026, /* a clock before it is not set */
};

struct doctor {
    struct mt_cli *cli;
    json_t *checks;
    size_t bad;
};

/* One line; takes over `take_text`. `hint` and `why` may be NULL. */
static void note(struct doctor *d, const char *code, bool ok, char *take_text, const char *hint,
                 const char *why) {
    d->bad += !ok;
    json_array_append_new(d->checks,
                          json_pack("{s:s, s:b, s:s, s:s?, s:s?}", "code", code, "ok", ok, "text",
                                    take_text, "hint", hint && *hint ? hint : NULL, "why", why));
    free(take_text);
}

static void check_clock(struct doctor *d) {
    int year, month, day;
    mt_day_to_ymd(d->cli->today, &year, &month, &day);
    if (year < BUILT_YEAR)
        note(
            d, "clock-unset", false,
            mt_text_format(_("the clock says %d-%02d-%02d"), year, month, day), "timedatectl",
            _("Certificates and deadlines go by the clock; with a wrong one nobody can be reached."));
    else
        note(d, "clock", true, mt_text_format(_("the clock says %d-%02d-%02d"), year, month, day),
             NULL, NULL);
}

static bool check_socket(struct doctor *d) {
    struct stat st;
    char *safe = mt_text_safe(d->cli->socket, false);
    bool ok = false;
    if (stat(d->cli->socket, &st) != 0)
        note(d, "socket", false,
             mt_text_format(_("the socket %s cannot be found: %s"), safe, strerror(errno)),
             "systemctl status meentd",
             _("The daemon makes it when it starts. Under another path, name it with --socket or "
               "MEENT_SOCKET."));
    else if (!S_ISSOCK(st.st_mode))
        note(d, "socket", false, mt_text_format(_("%s is not a socket"), safe), NULL,
             _("Name the daemon's with --socket or MEENT_SOCKET."));
    else if (access(d->cli->socket, R_OK | W_OK) != 0)
        note(d, "socket", false, mt_text_format(_("this user may not use the socket %s"), safe),
             "sudo usermod -aG meent $USER",
             _("It is for the group meent. A new group counts after logging in again."));
    else
        ok = true;
    if (ok)
        note(d, "socket", true, mt_text_format(_("the socket %s may be used"), safe), NULL, NULL);
    free(safe);
    return ok;
}

static bool check_daemon(struct doctor *d) {
    json_t *pong;
    struct mt_client_error error;
    if (!mt_try(d->cli, "ping", NULL, &pong, &error)) {
        bool gone = strcmp(error.code, "daemon-not-running") == 0;
        note(d, "daemon", false, mt_text_copy(mt_code_text(error.code)),
             gone ? "systemctl start meentd" : "journalctl -u meentd",
             gone ? _("The socket is there, but nobody listens: the daemon was stopped or crashed. "
                      "Why stands in: journalctl -u meentd")
                  : NULL);
        return false;
    }
    const char *version = mt_json_str(pong, "version");
    char *safe = mt_text_safe(version ? version : "?", false);
    note(d, "daemon", true,
         mt_text_format(_("the daemon meentd %s answers (process %lld)"), safe,
                        (long long)mt_json_int(pong, "pid", 0)),
         NULL, NULL);
    if (version && strcmp(version, MEENT_VERSION) != 0)
        note(d, "version", false,
             mt_text_format(_("meent is %s, meentd is %s"), MEENT_VERSION, safe),
             "sudo systemctl restart meentd",
             _("After an update the old daemon runs on until it is started again."));
    free(safe);
    json_decref(pong);
    return true;
}

static void check_disk(struct doctor *d, const json_t *disk) {
    json_int_t free_mb = mt_json_int(disk, "free", -1) / 1000000,
               total = mt_json_int(disk, "files_total", 0),
               files = mt_json_int(disk, "files_free", 0);
    const char *path = mt_json_str(disk, "path");
    if (!json_is_object(disk) || !path)
        return;
    char *safe = mt_text_safe(path, false), *hint = mt_text_format("df -h %s", safe);
    bool files_ok = total == 0 || files >= FILES_FREE_MIN;
    bool ok = free_mb >= DISK_FREE_MIN_MB;
    note(d, "disk", ok,
         mt_text_format(_("free where the data is, %s: %lld MB"), safe, (long long)free_mb),
         ok ? NULL : hint,
         ok ? NULL
            : _("When it is full, changes are refused until there is space; nothing is lost."));
    if (!files_ok)
        note(d, "disk-files", false,
             mt_text_format(_("the disk has room for %lld more files"), (long long)files), "df -i",
             _("A disk can have space left and still take no more files."));
    free(hint);
    free(safe);
}

static void check_rights(struct doctor *d, const json_t *rights) {
    bool admin = json_is_true(json_object_get(rights, "admin")),
         write = json_is_true(json_object_get(rights, "write")),
         personal = json_is_true(json_object_get(rights, "personal"));
    if (!json_is_object(rights))
        return;
    note(d, "rights", true,
         mt_text_format(_("this user may look%s%s%s"), write ? _(", enter and change") : "",
                        personal ? _(", see placements") : "", admin ? _(", administer") : ""),
         NULL, write ? NULL : _("Who may do what is set under [access] in meentd.conf."));
}

/* What only the daemon sees; one of an earlier version does not tell. */
static void check_machine(struct doctor *d) {
    json_t *seen;
    struct mt_client_error error;
    if (!mt_try(d->cli, "doctor", NULL, &seen, &error))
        return;
    check_disk(d, json_object_get(seen, "disk"));
    check_rights(d, json_object_get(seen, "access"));
    json_decref(seen);
}

static void check_store(struct doctor *d) {
    json_t *result;
    struct mt_client_error error;
    if (!mt_try(d->cli, "verify", NULL, &result, &error)) {
        if (strcmp(error.code, "state") == 0)
            return; /* nothing is stored yet */
        note(d, "store", false,
             mt_text_format(_("the data could not be checked: %s"), mt_code_text(error.code)),
             "journalctl -u meentd", NULL);
        return;
    }
    bool equal = json_is_true(json_object_get(result, "equal"));
    if (equal)
        note(d, "store", true,
             mt_text_format(_("the data is sound; entries checked: %lld"),
                            (long long)mt_json_int(result, "entries", 0)),
             NULL, NULL);
    else
        note(d, "store", false,
             mt_text_copy(_("the digest recomputed from all entries differs from the stored one")),
             "journalctl -u meentd",
             _("Something damaged the files of the daemon: a disk, or a copy made while it ran. "
               "Keep a copy of its folder before anything else; other members hold what is "
               "shared."));
    json_decref(result);
}

static void check_peers(struct doctor *d, const json_t *status) {
    const json_t *peers = json_object_get(status, "peers"), *peer;
    size_t i, there = 0, n = json_array_size(peers);
    json_array_foreach((json_t *)peers, i, peer) {
        there += json_is_true(json_object_get(peer, "connected"));
    }
    if (n > 0)
        note(d, "peers", true,
             mt_text_format(_("connected with %zu of %zu other members"), there, n), NULL, NULL);
}

/* True when there is data to check. */
static bool check_health(struct doctor *d) {
    json_t *status, *h;
    struct mt_client_error error;
    size_t i;
    if (!mt_try(d->cli, "status", NULL, &status, &error)) {
        note(d, "status", false, mt_text_copy(mt_code_text(error.code)), "journalctl -u meentd",
             NULL);
        return true;
    }
    check_peers(d, status);
    json_array_foreach(json_object_get(status, "health"), i, h) {
        const char *level = mt_json_str(h, "level"), *code = mt_json_str(h, "code");
        char *hint = mt_health_hint(h);
        note(d, code ? code : "?", level && strcmp(level, "info") == 0, mt_health_text(h), hint,
             mt_health_why(h));
        free(hint);
    }
    bool has_data = json_is_object(json_object_get(status, "region"));
    json_decref(status);
    return has_data;
}

/* Prints words of `text` behind the column, in lines that end before the right margin. */
static void put_wrapped(struct mt_cli *cli, int column, int at, const char *text) {
    while (*text) {
        size_t n = strcspn(text, " ");
        char *word = mt_text_format("%.*s", (int)n, text);
        int w = mt_text_width(word);
        if (at > column && at + 1 + w > cli->width) {
            fprintf(cli->out, "\n%*s", column, "");
            at = column;
        }
        fprintf(cli->out, "%s%s", at > column ? " " : "", word);
        at += w + (at > column);
        free(word);
        text += n + (text[n] == ' ');
    }
    fputc('\n', cli->out);
}

static void put_check(struct mt_cli *cli, const json_t *check) {
    bool ok = json_is_true(json_object_get(check, "ok"));
    const char *hint = mt_json_str(check, "hint"), *why = mt_json_str(check, "why");
    const char *mark = !ok ? "✗" : hint || why ? "·" : "✓";
    fprintf(cli->out, "%s%s%s ", cli->color && !ok ? "\033[31m" : "", mark,
            cli->color && !ok ? "\033[0m" : "");
    put_wrapped(cli, 2, 2, mt_json_str(check, "text"));
    if (why) {
        fputs("    ", cli->out);
        put_wrapped(cli, 4, 4, why);
    }
    if (hint) {
        char *try = mt_text_format(_("Try: %s"), hint);
        fputs("    ", cli->out);
        put_wrapped(cli, 4, 4, try);
        free(try);
    }
}

static void put_checks(struct doctor *d) {
    size_t i;
    json_t *check;
    json_array_foreach(d->checks, i, check) {
        put_check(d->cli, check);
    }
    mt_say(d->cli, "\n");
    if (d->bad)
        mt_say(d->cli,
               ngettext("%zu thing needs attention.\n", "%zu things need attention.\n", d->bad),
               d->bad);
    else
        mt_say(d->cli, "%s\n", _("All is well."));
}

MT_COMMAND(doctor) {
    (void)args;
    struct doctor d = {.cli = cli, .checks = json_array()};
    check_clock(&d);
    if (check_socket(&d) && check_daemon(&d)) {
        check_machine(&d);
        if (check_health(&d))
            check_store(&d);
    }
    if (cli->json) {
        mt_put_json(cli, json_pack("{s:O}", "checks", d.checks));
    } else {
        put_checks(&d);
    }
    json_decref(d.checks);
    return d.bad ? MT_EXIT_FAILED : MT_EXIT_OK;
}
