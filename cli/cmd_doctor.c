/* doctor: goes through what can be wrong and says of each what it means and what to try.
 *
 * What is outside comes first, since it explains what follows: without a socket there is no daemon
 * to ask, and without a daemon nothing else to look at. Remarks that ask for nothing do not make
 * the whole fail. */
#include "commands.h"

#include "doctor.h"
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

#define DAMAGED_WHY                                                                                \
    N_("Something damaged the files of the daemon: a disk, or a copy made while it ran. Keep a "   \
       "copy of its folder before anything else; other members hold what is shared.")

enum {
    DISK_FREE_MIN_MB = 256, /* a first sync of a large region needs about so much */
    FILES_FREE_MIN = 100,
    DESCRIPTORS_FREE_MIN = 16,
    PING_MS = 5000,          /* a daemon that works answers within a fraction of it */
    MEMORY_FREE_MIN_MB = 64, /* a first sync needs about half of it */
    BUILT_YEAR = 2026,       /* a clock before it is not set */
};

void mt_doctor_note(struct mt_doctor *d, const char *code, bool ok, char *take_text,
                    const char *hint, const char *why) {
    d->bad += !ok;
    json_array_append_new(d->checks,
                          json_pack("{s:s, s:b, s:s, s:s?, s:s?}", "code", code, "ok", ok, "text",
                                    take_text, "hint", hint && *hint ? hint : NULL, "why", why));
    free(take_text);
}

static void check_clock(struct mt_doctor *d) {
    int year, month, day;
    mt_day_to_ymd(d->cli->today, &year, &month, &day);
    if (year < BUILT_YEAR)
        mt_doctor_note(
            d, "time-unset", false,
            mt_text_format(_("the clock says %d-%02d-%02d"), year, month, day), "timedatectl",
            _("Certificates and deadlines go by the clock; with a wrong one nobody can be reached."));
    else
        mt_doctor_note(d, "time", true,
                       mt_text_format(_("the clock says %d-%02d-%02d"), year, month, day), NULL,
                       NULL);
}

/* Out: `*gone` when it is not there, so that there is no daemon. */
static bool check_socket(struct mt_doctor *d, bool *gone) {
    struct stat st;
    char *safe = mt_text_safe(d->cli->socket, false);
    bool ok = false;
    *gone = false;
    int why = stat(d->cli->socket, &st) != 0 ? errno : 0;
    if (why == ENOENT || why == ENOTDIR) {
        *gone = true;
        mt_doctor_note(
            d, "socket", false, mt_text_format(_("the socket %s is not there"), safe),
            "systemctl status meentd",
            _("The daemon makes it when it starts. Under another path, name it with --socket or "
              "MEENT_SOCKET."));
    } else if (why)
        mt_doctor_note(
            d, "socket", false,
            mt_text_format(_("the socket %s cannot be looked at: %s"), safe, strerror(why)),
            "sudo meent doctor", _("This user may not enter one of the folders above it."));
    else if (!S_ISSOCK(st.st_mode))
        mt_doctor_note(d, "socket", false, mt_text_format(_("%s is not a socket"), safe), NULL,
                       _("Name the daemon's with --socket or MEENT_SOCKET."));
    else if (access(d->cli->socket, R_OK | W_OK) != 0)
        mt_doctor_note(d, "socket", false,
                       mt_text_format(_("this user may not use the socket %s"), safe),
                       "sudo usermod -aG meent $USER",
                       _("It is for the group meent. A new group counts after logging in again."));
    else
        ok = true;
    if (ok)
        mt_doctor_note(d, "socket", true, mt_text_format(_("the socket %s may be used"), safe),
                       NULL, NULL);
    free(safe);
    return ok;
}

/* The daemon answers, but cannot do what it is asked. */
static void say_unable(struct mt_doctor *d, const char *check, const char *code) {
    static const struct {
        const char *code, *as, *hint, *why;
    } known[] = {
        {"no-memory", "memory", "free -m",
         N_("Without memory changes are refused, and the system may end the daemon; what was "
            "confirmed is safe.")},
        {"corrupt", "damaged", "journalctl -u meentd", DAMAGED_WHY},
    };
    for (size_t i = 0; i < MT_ARRAY_LEN(known); i++)
        if (strcmp(known[i].code, code) == 0) {
            mt_doctor_note(d, known[i].as, false, mt_text_copy(mt_code_text(code)), known[i].hint,
                           _(known[i].why));
            return;
        }
    mt_doctor_note(d, check, false, mt_text_copy(mt_code_text(code)), "journalctl -u meentd", NULL);
}

/* The socket is there, and yet the daemon does not answer. */
static void say_silent(struct mt_doctor *d, const char *code, bool gone) {
    const char *why = NULL;
    if (gone)
        why = _("The socket is there, but nobody listens: the daemon was stopped or crashed. Why "
                "stands in: journalctl -u meentd");
    else if (strcmp(code, "closed") == 0)
        why = _("It hangs up at once: most likely it can open no more files, because too many "
                "connections are open. LimitNOFILE in its systemd unit says how many.");
    else if (strcmp(code, "timeout") == 0)
        why = _("The process is there but does nothing: it may be stopped, or wait for a disk that "
                "does not answer.");
    mt_doctor_note(d, "daemon", false, mt_text_copy(mt_code_text(code)),
                   gone ? "systemctl start meentd" : "journalctl -u meentd", why);
}

/* Out: `*gone` when nobody listens. */
static bool check_daemon(struct mt_doctor *d, bool *gone) {
    json_t *pong;
    struct mt_client_error error;
    *gone = false;
    bool ok = mt_connect(d->cli, &error);
    int patience = d->cli->client.timeout_ms;
    d->cli->client.timeout_ms = PING_MS;
    ok = ok && mt_try(d->cli, "ping", NULL, &pong, &error);
    d->cli->client.timeout_ms = patience;
    if (!ok) {
        *gone = strcmp(error.code, "daemon-not-running") == 0;
        bool answers = strcmp(error.code, "no-memory") == 0 || strcmp(error.code, "corrupt") == 0;
        if (answers)
            say_unable(d, "daemon", error.code);
        else
            say_silent(d, error.code, *gone);
        return false;
    }
    const char *version = mt_json_str(pong, "version");
    char *safe = mt_text_safe(version ? version : "?", false);
    mt_doctor_note(d, "daemon", true,
                   mt_text_format(_("the daemon meentd %s answers (process %lld)"), safe,
                                  (long long)mt_json_int(pong, "pid", 0)),
                   NULL, NULL);
    if (version && strcmp(version, MEENT_VERSION) != 0)
        mt_doctor_note(d, "version", false,
                       mt_text_format(_("meent is %s, meentd is %s"), MEENT_VERSION, safe),
                       "sudo systemctl restart meentd",
                       _("After an update the old daemon runs on until it is started again."));
    free(safe);
    json_decref(pong);
    return true;
}

static void say_disk_gone(struct mt_doctor *d, const char *path) {
    char *safe = mt_text_safe(path, false), *hint = mt_text_format("ls -ld %s", safe);
    mt_doctor_note(d, "disk-gone", false,
                   mt_text_format(_("the folder of the daemon is not there any more: %s"), safe),
                   hint,
                   _("It was removed, or its disk was taken away while the daemon runs. Stop the "
                     "daemon before anything else."));
    free(hint);
    free(safe);
}

static void check_disk(struct mt_doctor *d, const json_t *disk) {
    json_int_t free_mb = mt_json_int(disk, "free", -1) / 1000000,
               total = mt_json_int(disk, "files_total", 0),
               files = mt_json_int(disk, "files_free", 0);
    const char *path = mt_json_str(disk, "path");
    if (!json_is_object(disk) || !path)
        return;
    if (json_is_true(json_object_get(disk, "gone"))) {
        say_disk_gone(d, path);
        return;
    }
    bool writable = !json_is_true(json_object_get(disk, "read_only"));
    char *safe = mt_text_safe(path, false), *hint = mt_text_format("df -h %s", safe);
    bool files_ok = total == 0 || files >= FILES_FREE_MIN;
    bool ok = free_mb >= DISK_FREE_MIN_MB;
    mt_doctor_note(
        d, "disk", ok,
        mt_text_format(_("free where the data is, %s: %lld MB"), safe, (long long)free_mb),
        ok ? NULL : hint,
        ok ? NULL
           : _("When it is full, changes are refused until there is space; nothing is lost."));
    if (!writable) {
        char *mount = mt_text_format("findmnt -T %s", safe);
        mt_doctor_note(
            d, "disk-read-only", false,
            mt_text_format(_("the file system of %s can only be read"), safe), mount,
            _("Systems do this by themselves when a disk makes errors: see journalctl -k "
              "-p err. Reading goes on; changes are refused until it can be written."));
        free(mount);
    }
    if (!files_ok)
        mt_doctor_note(d, "disk-files", false,
                       mt_text_format(_("the disk has room for %lld more files"), (long long)files),
                       "df -i", _("A disk can have space left and still take no more files."));
    free(hint);
    free(safe);
}

static void check_rights(struct mt_doctor *d, const json_t *rights) {
    bool admin = json_is_true(json_object_get(rights, "admin")),
         write = json_is_true(json_object_get(rights, "write")),
         personal = json_is_true(json_object_get(rights, "personal"));
    if (!json_is_object(rights))
        return;
    mt_doctor_note(
        d, "rights", true,
        mt_text_format(_("this user may look%s%s%s"), write ? _(", enter and change") : "",
                       personal ? _(", see placements") : "", admin ? _(", administer") : ""),
        NULL, write ? NULL : _("Who may do what is set under [access] in meentd.conf."));
}

static void check_descriptors(struct mt_doctor *d, const json_t *descriptors) {
    json_int_t open = mt_json_int(descriptors, "open", 0), max = mt_json_int(descriptors, "max", 0);
    if (!json_is_object(descriptors) || max <= 0)
        return;
    bool ok = max - open >= DESCRIPTORS_FREE_MIN;
    mt_doctor_note(d, "files", ok,
                   mt_text_format(_("the daemon has %lld of at most %lld files open"),
                                  (long long)open, (long long)max),
                   ok ? NULL : "sudo systemctl edit meentd",
                   ok ? NULL
                      : _("Every connection takes one. When none is left, newcomers wait, also "
                          "members and meent itself. Raise LimitNOFILE."));
}

static void check_memory(struct mt_doctor *d, const json_t *memory) {
    json_int_t free_mb = mt_json_int(memory, "available", -1) / 1000000;
    if (mt_json_int(memory, "available", -1) < 0)
        return;
    bool ok = free_mb >= MEMORY_FREE_MIN_MB;
    mt_doctor_note(d, "memory-free", ok,
                   mt_text_format(_("memory that is free: %lld MB"), (long long)free_mb),
                   ok ? NULL : "free -m",
                   ok ? NULL
                      : _("Without memory changes are refused, and the system may end the daemon; "
                          "what was confirmed is safe."));
}

/* What only the daemon sees; one of an earlier version does not tell. */
static void check_machine(struct mt_doctor *d) {
    json_t *seen;
    struct mt_client_error error;
    if (!mt_try(d->cli, "doctor", NULL, &seen, &error))
        return;
    check_disk(d, json_object_get(seen, "disk"));
    check_descriptors(d, json_object_get(seen, "descriptors"));
    check_memory(d, json_object_get(seen, "memory"));
    check_rights(d, json_object_get(seen, "access"));
    json_decref(seen);
}

static void check_store(struct mt_doctor *d) {
    json_t *result;
    struct mt_client_error error;
    if (!mt_try(d->cli, "verify", NULL, &result, &error)) {
        if (strcmp(error.code, "state") == 0)
            return; /* nothing is stored yet */
        mt_doctor_note(
            d, "store", false,
            mt_text_format(_("the data could not be checked: %s"), mt_code_text(error.code)),
            "journalctl -u meentd", strcmp(error.code, "corrupt") == 0 ? _(DAMAGED_WHY) : NULL);
        return;
    }
    bool equal = json_is_true(json_object_get(result, "equal"));
    if (equal)
        mt_doctor_note(d, "store", true,
                       mt_text_format(_("the data is sound; entries checked: %lld"),
                                      (long long)mt_json_int(result, "entries", 0)),
                       NULL, NULL);
    else
        mt_doctor_note(
            d, "store", false,
            mt_text_copy(_("the digest recomputed from all entries differs from the stored one")),
            "journalctl -u meentd", _(DAMAGED_WHY));
    json_decref(result);
}

static void check_peers(struct mt_doctor *d, const json_t *status) {
    const json_t *peers = json_object_get(status, "peers"), *peer;
    size_t i, there = 0, n = json_array_size(peers);
    json_array_foreach((json_t *)peers, i, peer) {
        there += json_is_true(json_object_get(peer, "connected"));
    }
    if (n > 0)
        mt_doctor_note(d, "peers", true,
                       mt_text_format(_("connected with %zu of %zu other members"), there, n), NULL,
                       there < n ? _("Who cannot be reached is named below; just after a start it "
                                     "takes a moment.")
                                 : NULL);
}

/* True when there is data to check. */
static bool check_health(struct mt_doctor *d) {
    json_t *status, *h;
    struct mt_client_error error;
    size_t i;
    if (!mt_try(d->cli, "status", NULL, &status, &error)) {
        say_unable(d, "status", error.code);
        return true;
    }
    check_peers(d, status);
    json_array_foreach(json_object_get(status, "health"), i, h) {
        const char *level = mt_json_str(h, "level"), *code = mt_json_str(h, "code");
        char *hint = mt_health_hint(h);
        mt_doctor_note(d, code ? code : "?", level && strcmp(level, "info") == 0, mt_health_text(h),
                       hint, mt_health_why(h));
        free(hint);
    }
    bool has_data = json_is_object(json_object_get(status, "region"));
    json_decref(status);
    return has_data;
}

static void put_check(struct mt_cli *cli, const json_t *check) {
    bool ok = json_is_true(json_object_get(check, "ok"));
    const char *hint = mt_json_str(check, "hint"), *why = mt_json_str(check, "why");
    const char *mark = !ok ? "✗" : hint || why ? "·" : "✓";
    fprintf(cli->out, "%s%s%s ", cli->color && !ok ? "\033[31m" : "", mark,
            cli->color && !ok ? "\033[0m" : "");
    mt_put_wrapped(cli, 2, mt_json_str(check, "text"));
    if (why) {
        fputs("    ", cli->out);
        mt_put_wrapped(cli, 4, why);
    }
    if (hint) {
        char *try = mt_text_format(_("Try: %s"), hint);
        fputs("    ", cli->out);
        mt_put_wrapped(cli, 4, try);
        free(try);
    }
}

static void put_checks(struct mt_doctor *d) {
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
    struct mt_doctor d = {.cli = cli, .checks = json_array()};
    bool gone;
    check_clock(&d);
    if (check_socket(&d, &gone) && check_daemon(&d, &gone)) {
        check_machine(&d);
        if (check_health(&d))
            check_store(&d);
    } else if (gone) {
        mt_doctor_start(&d, mt_args_get(args, "config"));
    }
    if (cli->json) {
        mt_put_json(cli, json_pack("{s:O, s:b}", "checks", d.checks, "ok", d.bad == 0));
    } else {
        put_checks(&d);
    }
    json_decref(d.checks);
    return d.bad ? MT_EXIT_FAILED : MT_EXIT_OK;
}
