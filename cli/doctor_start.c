/* doctor_start: why a daemon that is not there does not start.
 *
 * The daemon itself knows best: `meentd --check-start` goes through its start and ends. It says
 * nothing when all is well, names mistakes in the configuration one a line ("FILE:3: unknown key
 * 'x'"), and else logs the step that failed with what was wrong. It gets TIME_MS_MAX; a store takes
 * a while to check. */
#include "doctor.h"

#include "said.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { OUTPUT_MAX = 8192, TIME_MS_MAX = 60000, MISTAKES_MAX = 5 };

/* What the start needs, and what to do when it fails there. The first line that fits counts. */
struct reason {
    const char *step, *err; /* err NULL: any */
    const char *code;
    const char
        *text; /* with %s for the path or address, and perhaps one for what the daemon says */
    const char *hint; /* with %s or without; NULL: none */
    const char *why;
};

static const struct reason REASONS[] = {
    {"state_dir", NULL, "state-dir", N_("the folder of the daemon cannot be used: %s"),
     "ls -ld \"%s\"",
     N_("It must belong to the account that meentd runs as (meent) and be closed to all others. As "
        "another user this cannot be seen: try sudo meent doctor.")},
    {"store_key", "denied", "key-permissions",
     N_("the key file must be readable by the daemon alone: %s"),
     "sudo chown meent: \"%s\" && sudo chmod 600 \"%s\"",
     N_("With this key everything that is stored can be read, so a key that others may read is not "
        "used.")},
    {"store_key", "value", "key-damaged", N_("the key file does not hold a key: %s"),
     "ls -l \"%s\"",
     N_("It is 32 bytes. Put back the copy that was made with the folder; without it the stored "
        "data cannot be read.")},
    {"store_key", "no-key", "key-missing", N_("the key file is missing: %s"), "ls -l \"%s\"",
     N_("The stored data cannot be read without it. Put it back, or name it with store_key in "
        "meentd.conf.")},
    {"store_key", NULL, "key", N_("the key file cannot be read: %s"), "ls -l \"%s\"",
     N_("The stored data cannot be read without it. Put it back, or name it with store_key in "
        "meentd.conf.")},
    {"lock", "conflict", "other-daemon", N_("a daemon already uses this data: %s"),
     "pgrep -a meentd",
     N_("Two processes with one identity would contradict each other, so the second does not start. "
        "Ask the running one: meent --socket PATH status.")},
    {"lock", NULL, "state-dir", N_("the folder of the daemon cannot be used: %s"),
     "findmnt -T \"%s\"",
     N_("Nothing can be written there: it belongs to somebody else, or its file system can only be "
        "read.")},
    {"listen", "conflict", "port", N_("another program uses the port: %s"), "sudo ss -ltnp",
     N_("Stop that program, or give meentd another port under `listen`.")},
    {"listen", "denied", "port", N_("the daemon may not use this port: %s"), NULL,
     N_("Ports below 1024 are for root only; the usual one is 7473.")},
    {"listen", NULL, "port", N_("this is no address of this machine: %s"), "ip address",
     N_("Set `listen` to [::]:7473 to use every address.")},
    {"store", "corrupt", "damaged", N_("the stored data is damaged: %s"),
     "sudo cp -a \"%s\" \"%s.damaged\"",
     N_("Copy it before anything else, have the disk checked, then put back the last copy of the "
        "daemon's folder. What is shared since then comes from the other members.")},
    {"store", "version", "store-version", N_("a later version of meentd made this data: %s"),
     "meentd --version", N_("Install that version again, or a later one.")},
    {"store", "no-space", "disk-full", N_("the disk is full: %s"), "df -h \"%s\"",
     N_("Remove or move files, then start the daemon.")},
    {"store", "no-memory", "memory", N_("too little memory to open the data: %s"), "free -m",
     N_("End other programs, or give the machine more.")},
    {"store", "no-key", "key-other", N_("this is not the key of the stored data: %s"),
     "ls -l \"%s/../store.key\"",
     N_("The stored data was made with another key. Put back the key that was made with it, or name "
        "it with store_key in meentd.conf.")},
    {"store", "denied", "data-permissions", N_("the daemon may not use the stored data: %s"),
     "sudo chown -R meent: \"%s\"",
     N_("The files belong to somebody else than the account that meentd runs as (meent), or are "
        "closed to it.")},
    {"store", "conflict", "data-place", N_("this must be a folder: %s"), "ls -ld \"%s\"",
     N_("The daemon keeps its data in a folder of that name. Move away what stands there, then put "
        "back the last copy of the daemon's folder.")},
    {"store", NULL, "disk-error", N_("the stored data cannot be read: %s: %s"),
     "journalctl -k -p err",
     N_("The disk may be failing. Copy the folder of the daemon elsewhere before anything else.")},
    {"descriptors", NULL, "descriptors", N_("the daemon may open too few files"), "ulimit -n",
     N_("It needs some hundreds: LimitNOFILE in its systemd unit.")},
    {"load", "no-memory", "memory", N_("too little memory to open the data: %s"), "free -m",
     N_("End other programs, or give the machine more.")},
    {"load", "corrupt", "damaged", N_("the stored data is damaged: %s"),
     "sudo cp -a \"%s\" \"%s.damaged\"",
     N_("Copy it before anything else, have the disk checked, then put back the last copy of the "
        "daemon's folder. What is shared since then comes from the other members.")},
    {"load", NULL, "data-permissions", N_("the daemon may not use the stored data: %s"),
     "sudo chown meent: \"%s\"",
     N_("The files belong to somebody else than the account that meentd runs as (meent), or are "
        "closed to it.")},
    {"socket", "not-found", "socket-place", N_("the folder of the control socket is missing: %s"),
     "sudo systemctl restart meentd",
     N_("Make it, or name another place under `socket` in meentd.conf.")},
    {"socket", NULL, "socket-place", N_("the control socket cannot be made: %s: %s"),
     "ls -ld \"%s\"",
     N_("Another daemon or another file has its place, or meentd may not write there. Give each "
        "daemon a `socket` of its own in meentd.conf.")},
};

/* ---- running it ---- */

/* The daemon beside this program, else the one on the path. */
static const char *program(char path[static PATH_MAX]) {
    ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - sizeof "meentd");
    while (n > 0 && path[n - 1] != '/')
        n--;
    if (n > 0) {
        memcpy(path + n, "meentd", sizeof "meentd");
        if (access(path, X_OK) == 0)
            return path;
    }
    return "meentd";
}

static pid_t start(const char *config, int out) {
    char path[PATH_MAX], command[] = "meentd", option[] = "--check-start", with[] = "--config";
    char *argv[] = {command, option, config ? with : NULL, (char *)(uintptr_t)config, NULL};
    posix_spawn_file_actions_t files;
    pid_t pid = -1;
    if (posix_spawn_file_actions_init(&files) != 0)
        return -1;
    bool ok = posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0) == 0 &&
              posix_spawn_file_actions_adddup2(&files, out, 1) == 0 &&
              posix_spawn_file_actions_adddup2(&files, out, 2) == 0;
    if (!ok || posix_spawnp(&pid, program(path), &files, NULL, argv, environ) != 0)
        pid = -1;
    posix_spawn_file_actions_destroy(&files);
    return pid;
}

static int64_t now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Reads what it prints until it ends. False when that takes too long. */
static bool read_output(int fd, char text[static OUTPUT_MAX]) {
    int64_t end = now_ms() + TIME_MS_MAX;
    size_t n = 0;
    for (;;) {
        int64_t left = end - now_ms();
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int ready = left > 0 ? poll(&p, 1, (int)left) : 0;
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0)
            return false;
        char rest[512]; /* what does not fit is passed over, so that it never waits for us */
        bool fits = n + 1 < OUTPUT_MAX;
        ssize_t got = fits ? read(fd, text + n, OUTPUT_MAX - 1 - n) : read(fd, rest, sizeof rest);
        if (got <= 0)
            return got == 0;
        n += fits ? (size_t)got : 0;
        text[n] = '\0';
    }
}

/* Out: what it printed. Returns its exit status; -1 when it could not be run or did not end. */
static int check_start(const char *config, char text[static OUTPUT_MAX]) {
    int ends[2], status;
    text[0] = '\0';
    if (pipe2(ends, O_CLOEXEC) != 0)
        return -1;
    pid_t pid = start(config, ends[1]);
    close(ends[1]);
    bool ended = pid > 0 && read_output(ends[0], text);
    close(ends[0]);
    if (pid <= 0)
        return -1;
    if (!ended)
        kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return ended && WIFEXITED(status) && WEXITSTATUS(status) != 127 ? WEXITSTATUS(status) : -1;
}

/* ---- what it says ---- */

/* The value of "key=value" or "key=\"value\"" in a line of the log. Owns: the caller; NULL: none. */
static char *value_of(const char *line, const char *key) {
    char *wanted = mt_text_format(" %s=", key);
    const char *at = strstr(line, wanted);
    at = at ? at + strlen(wanted) : NULL;
    free(wanted);
    if (!at)
        return NULL;
    size_t n = *at == '"' ? strcspn(++at, "\"") : strcspn(at, " \n");
    return mt_text_format("%.*s", (int)n, at);
}

/* `text` with `first` where %s stands first, and `next` at the others. Owns: the caller. */
static char *filled(const char *text, const char *first, const char *next) {
    char *out = mt_text_copy("");
    const char *value = first;
    for (const char *at; *text; text = at) {
        at = strstr(text, "%s");
        size_t n = at ? (size_t)(at - text) : strlen(text);
        char *longer = mt_text_format("%s%.*s%s", out, (int)n, text, at ? value : "");
        free(out);
        out = longer;
        value = next;
        at = at ? at + strlen("%s") : text + n;
    }
    return out;
}

static const struct reason *reason_of(const char *step, const char *err) {
    for (size_t i = 0; step && i < MT_ARRAY_LEN(REASONS); i++)
        if (strcmp(REASONS[i].step, step) == 0 &&
            (!REASONS[i].err || (err && strcmp(REASONS[i].err, err) == 0)))
            return &REASONS[i];
    return NULL;
}

static void explain(struct mt_doctor *d, const char *line) {
    char *step = value_of(line, "step"), *err = value_of(line, "err"),
         *path = value_of(line, "path"), *said = value_of(line, "text");
    const struct reason *r = reason_of(step, err);
    char *safe = mt_text_safe(path ? path : "", false);
    char *safe_text = mt_text_safe(said ? said : line, false);
    if (r) {
        char *hint = r->hint ? filled(r->hint, safe, safe) : NULL;
        mt_doctor_note(d, r->code, false, filled(_(r->text), safe, safe_text), hint,
                       r->why ? _(r->why) : NULL);
        free(hint);
    } else {
        mt_doctor_note(d, "start", false,
                       mt_text_format(_("the daemon does not start: %s"), safe_text),
                       "journalctl -u meentd", NULL);
    }
    free(safe_text);
    free(safe);
    free(step);
    free(err);
    free(path);
    free(said);
}

/* "FILE:3: unknown key 'x'" with the sentence in the user's language. Owns: the caller. */
static char *mistake_text(const struct mt_cli *cli, const char *file, const char *line) {
    const char *said = line;
    bool known;
    if (strncmp(line, file, strlen(file)) == 0) {
        said += strlen(file);
        said += *said == ':' ? 1 + strspn(said + 1, "0123456789") : 0;
        said += strspn(said, ": ");
    }
    char *front = mt_text_format("%.*s", (int)(said - line), line);
    char *translated = mt_said(said, cli->lang, &known);
    char *whole = mt_text_format("%s%s", front, translated), *safe = mt_text_safe(whole, false);
    free(front);
    free(translated);
    free(whole);
    return safe;
}

/* Everything but the last line names a mistake. */
static void explain_config(struct mt_doctor *d, const char *config, char *output) {
    const char *file = config ? config : MEENT_SYSCONFDIR "/meent/meentd.conf";
    char *safe = mt_text_safe(file, false), *save = NULL;
    bool unreadable = access(file, R_OK) != 0;
    char *hint = mt_text_format(unreadable ? "ls -l \"%s\"" : "sudo editor \"%s\"", safe);
    const char *why =
        unreadable ? _("The configuration must be readable by the account that meentd runs as "
                       "(meent).")
                   : _("The daemon starts only with a configuration without mistakes.");
    size_t n = 0;
    for (char *line = strtok_r(output, "\n", &save); line && n < MISTAKES_MAX;
         line = strtok_r(NULL, "\n", &save)) {
        if (strncmp(line, "meentd: ", strlen("meentd: ")) == 0)
            continue;
        mt_doctor_note(d, "config", false, mistake_text(d->cli, file, line), n ? NULL : hint,
                       n ? NULL : why);
        n++;
    }
    free(hint);
    free(safe);
}

/* The configuration that belongs to the socket. Owns: the caller; NULL: the one of the system.
 * False when none can be told. */
static bool find_config(const struct mt_cli *cli, const char *given, char **config) {
    const char *slash = strrchr(cli->socket, '/');
    *config = given ? mt_text_copy(given)
                    : mt_text_format("%.*smeentd.conf", slash ? (int)(slash - cli->socket) + 1 : 0,
                                     cli->socket);
    if (given || access(*config, F_OK) == 0)
        return true;
    free(*config);
    *config = NULL;
    return strcmp(cli->socket, MT_CLI_SOCKET) == 0;
}

void mt_doctor_start(struct mt_doctor *d, const char *config) {
    char output[OUTPUT_MAX], *own;
    if (!find_config(d->cli, config, &own))
        return;
    int status = check_start(own, output);
    const char *failed = strstr(output, " start_failed ");
    if (status == 0)
        mt_doctor_note(d, "start", true, mt_text_copy(_("nothing keeps the daemon from starting")),
                       "sudo systemctl start meentd", NULL);
    else if (status > 0 && failed)
        explain(d, failed);
    else if (status > 0 && output[0])
        explain_config(d, own, output);
    free(own);
}
