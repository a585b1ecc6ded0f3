/* The command with a fault in it, against a daemon without: it ends by itself, says what is wrong in
 * one place only, and what it says was done was done. */
#include "json.h"
#include "story.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RUNS_MAX = 200, END_MS = 10000, ARGS_MAX = 24, EXIT_MAX = 7 };

_Noreturn static void become_client(const struct place *p, const struct scene *scene,
                                    const char *out, const char *err) {
    const char *argv[ARGS_MAX] = {"meent", "--socket", p->esch.socket};
    size_t n = 3;
    for (const char *const *arg = scene->argv; *arg && n + 1 < ARGS_MAX; arg++)
        argv[n++] = strcmp(*arg, "FILE") == 0 ? p->csv : *arg;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setenv("MEENT_LANG", "en", 1);
    setenv("LD_PRELOAD", p->tools->preload, 1);
    setenv("MEENT_FAULT", p->control, 1);
    int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int o = open(out, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int e = open(err, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (dup2(in, 0) == 0 && dup2(o, 1) == 1 && dup2(e, 2) == 2)
        execv(p->tools->meent, (char *const *)argv);
    _exit(98);
}

static int wait_for_end(pid_t pid) {
    uint64_t deadline = now_ms() + END_MS;
    int status;
    while (waitpid(pid, &status, WNOHANG) != pid) {
        if (now_ms() > deadline) {
            kill(pid, SIGKILL);
            (void)waitpid(pid, &status, 0);
            return ENDED_ODDLY;
        }
        nap_ms(1);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static size_t read_text(const char *path, char *out) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, out, TEXT_SIZE - 1);
    if (fd >= 0)
        close(fd);
    out[n > 0 ? n : 0] = 0;
    return n > 0 ? (size_t)n : 0;
}

/* An activity that was confirmed is there. */
static void check_added(struct place *p, const char *out) {
    struct mt_client_error error;
    json_t *line = json_loads(out, 0, NULL);
    const char *id = line ? mt_json_str(line, "id") : NULL;
    if (!id)
        complain(p, "no id in %s", out);
    else if (!org_call(&p->esch, "record.show",
                       json_pack("{s:s,s:s}", "kind", "activity", "id", id), NULL, &error))
        complain(p, "%s is confirmed and not there: %s", id, error.code);
    json_decref(line);
}

/* The same words, whatever the columns look like: those are libsmartcols' business. */
static bool same_words(const char *a, const char *b) {
    for (;;) {
        a += strspn(a, " ");
        b += strspn(b, " ");
        if (*a != *b)
            return false;
        if (!*a)
            return true;
        a++, b++;
    }
}

static void judge(struct place *p, const struct scene *scene, const char *out, const char *err) {
    bool mute = strcmp(p->fault->what, "log") == 0; /* what it would have said is what failed */
    if (p->ended > EXIT_MAX)
        complain(p, p->ended > 128 ? "it ended by signal %d" : "it ended with %d",
                 p->ended > 128 ? p->ended - 128 : p->ended);
    else if (p->ended != 0 && !err[0] && !out[0] && !mute)
        complain(p, "%d without a word", p->ended);
    else if (p->ended == 0 && strcmp(scene->name, "cli-add") == 0)
        check_added(p, out);
    else if (p->ended == 0 && !out[0])
        complain(p, "0 without a word");
    if (p->ended == 0 && scene->same_answer && !same_words(p->answer, out))
        complain(p, "another answer: %.80s", out);
}

static void ready(struct place *p) {
    if (org_lives(&p->esch) && p->client_runs++ % RUNS_MAX != RUNS_MAX - 1)
        return;
    p->client_runs = 1;
    put_back(p, true);
    org_start(&p->esch, NULL);
    if (!org_answers(&p->esch, END_MS))
        give_up("the daemon starts");
}

static void run(struct place *p, const struct scene *scene, const struct fault_plan *plan,
                char *out, char *err) {
    char out_path[PATH_SIZE + 8], err_path[PATH_SIZE + 8];
    snprintf(out_path, sizeof out_path, "%s/out", p->dir);
    snprintf(err_path, sizeof err_path, "%s/err", p->dir);
    story_reset(p, plan, "");
    pid_t pid = fork();
    if (pid == 0)
        become_client(p, scene, out_path, err_path);
    p->ended = wait_for_end(pid);
    (void)read_text(out_path, out);
    (void)read_text(err_path, err);
}

void client_run(struct place *p, const struct scene *scene, const struct fault_plan *plan) {
    static char out[TEXT_SIZE], err[TEXT_SIZE];
    const struct fault_plan none = {.kind = FAULT_NONE};
    ready(p);
    p->hit = &p->esch;
    if (scene->same_answer && !p->answer[0]) {
        run(p, scene, &none, out, err);
        memcpy(p->answer, out, sizeof p->answer);
    }
    run(p, scene, plan, out, err);
    if (!atomic_load(&p->fault->loaded))
        complain(p, "the fault was not loaded");
    if (p->ended != 128 + SIGKILL || plan->kind != FAULT_KILL)
        judge(p, scene, out, err);
    if (!org_lives(&p->esch))
        complain(p, "the daemon ended");
}
