/* A small daemon with canned answers, and the command run against it in a child process. */
#ifndef CLI_FAKE_H
#define CLI_FAKE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "cli.h"
#include "ctl.h"
#include "json.h"
#include "limits.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* What is answered to a method: JSON, or "!code: message" for an error. */
struct fake_answer {
    const char *method, *answer;
};

struct fake {
    pid_t pid;
    char dir[64], path[96], log[96]; /* `log` gets one line of JSON per call */
};

/* In a child cmocka's handlers would go on with the next test. */
static inline void fake_signals(void) {
    static const int caught[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
    for (size_t i = 0; i < MT_ARRAY_LEN(caught); i++)
        signal(caught[i], SIG_DFL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static inline void fake_reply(int fd, const struct mt_ctl *m, const char *answer) {
    static uint8_t buf[MT_MESSAGE_MAX];
    struct mt_writer w = mt_writer(buf, sizeof buf);
    if (!answer || answer[0] == '!') {
        char code[64] = "not-found", message[256] = "no such method";
        if (answer)
            sscanf(answer, "!%63[^:]: %255[^\n]", code, message);
        mt_ctl_error_put(&w, m->id, code, message);
    } else {
        json_t *v = json_loads(answer, JSON_DECODE_ANY, NULL);
        if (!v)
            _exit(5);
        mt_ctl_result_begin(&w, m->id);
        mt_json_write(v, &w);
        json_decref(v);
    }
    if (write(fd, buf, w.n) != (ssize_t)w.n)
        _exit(3);
}

static const char *fake_find(const struct fake_answer *answers, struct mt_slice method,
                             unsigned *turns) {
    /* several answers to one method are given in turn, the last one again and again */
    const char *found = NULL;
    unsigned seen = 0;
    for (size_t i = 0; answers[i].method; i++) {
        if (!mt_slice_is(method, answers[i].method))
            continue;
        found = answers[i].answer;
        if (seen++ == turns[i])
            break;
    }
    for (size_t i = 0; answers[i].method; i++)
        if (mt_slice_is(method, answers[i].method))
            turns[i]++;
    return found;
}

static inline void fake_talk(int fd, const struct fake *f, const struct fake_answer *answers,
                             unsigned *turns) {
    static uint8_t in[MT_MESSAGE_MAX];
    size_t have = 0, used;
    for (;;) {
        struct mt_ctl m;
        enum mt_err err = mt_ctl_get(mt_slice(in, have), &m, &used);
        if (!err) {
            json_t *params;
            if (mt_json_read(m.params, &params) != MT_OK)
                _exit(4);
            FILE *log = fopen(f->log, "a");
            fprintf(log, "%.*s ", (int)m.method.n, (const char *)m.method.p);
            json_dumpf(params, log, JSON_COMPACT | JSON_SORT_KEYS);
            fputc('\n', log);
            fclose(log);
            json_decref(params);
            fake_reply(fd, &m, fake_find(answers, m.method, turns));
            have -= used;
            memmove(in, in + used, have);
            continue;
        }
        ssize_t n = read(fd, in + have, sizeof in - have);
        if (err != MT_EAGAIN || n <= 0)
            return;
        have += (size_t)n;
    }
}

static int fake_listen(const char *path) {
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(fd, 8), 0);
    return fd;
}

/* Starts answering; it ends with fake_stop, and by itself with the test. */
static inline void fake_start(struct fake *f, const struct fake_answer *answers) {
    snprintf(f->dir, sizeof f->dir, "/tmp/meent-cli-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->path, sizeof f->path, "%s/ctl.sock", f->dir);
    snprintf(f->log, sizeof f->log, "%s/calls", f->dir);
    int fd = fake_listen(f->path);
    f->pid = fork();
    assert_true(f->pid >= 0);
    if (f->pid == 0) {
        unsigned turns[64] = {0};
        fake_signals();
        alarm(60);
        for (;;) {
            int c = accept(fd, NULL, NULL);
            if (c < 0)
                _exit(0);
            fake_talk(c, f, answers, turns);
            close(c);
        }
    }
    close(fd);
}

static inline void fake_stop(struct fake *f) {
    kill(f->pid, SIGKILL);
    waitpid(f->pid, NULL, 0);
    unlink(f->path);
    unlink(f->log);
    assert_int_equal(rmdir(f->dir), 0);
}

/* What a run of the command left. */
struct ran {
    int status;
    char *out, *err; /* owned */
};

static char *fake_slurp(int fd) {
    size_t n = 0, cap = 1 << 16;
    char *text = malloc(cap);
    assert_non_null(text);
    lseek(fd, 0, SEEK_SET);
    for (ssize_t k; (k = read(fd, text + n, cap - n - 1)) > 0;) {
        n += (size_t)k;
        if (n + 1 == cap)
            text = realloc(text, cap *= 2);
    }
    text[n] = '\0';
    close(fd);
    return text;
}

static int fake_file(void) {
    char path[] = "/tmp/meent-cli-out-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    unlink(path);
    return fd;
}

static inline void fake_environment(void) {
    static const char *const unset[] = {"MEENT_LANG", "LC_ALL",   "LC_MESSAGES", "LANG",
                                        "COLUMNS",    "NO_COLOR", "MEENT_SOCKET"};
    for (size_t i = 0; i < MT_ARRAY_LEN(unset); i++)
        unsetenv(unset[i]);
    char dir[512];
    const char *build = getenv("MEENT_BUILD");
    snprintf(dir, sizeof dir, "%s/locale", build ? build : "build");
    setenv("MEENT_LOCALEDIR", dir, 1);
    setenv("MEENT_NOW", "1795294800", 1); /* 2026-11-21 21:00 UTC */
    setenv("TERM", "dumb", 1);
}

/* Runs `meent ARGS…` (NULL at the end) with the socket at `path`. */
static inline struct ran run_meent(const char *path, const char *const *args) {
    int out = fake_file(), err = fake_file(), argc = 1, status;
    char *argv[64] = {(char *)"meent"};
    for (; args[argc - 1]; argc++)
        argv[argc] = (char *)args[argc - 1];
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int null = open("/dev/null", O_RDONLY);
        fake_signals();
        fake_environment();
        setenv("MEENT_SOCKET", path, 1);
        dup2(null, 0);
        dup2(out, 1);
        dup2(err, 2);
        alarm(30);
        int code = mt_cli_main(argc, argv);
        fflush(NULL);
        exit(code); /* so that leaks are found */
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return (struct ran){WEXITSTATUS(status), fake_slurp(out), fake_slurp(err)};
}
#define RUN(path, ...) run_meent(path, (const char *const[]){__VA_ARGS__, NULL})

static inline void ran_free(struct ran *r) {
    free(r->out);
    free(r->err);
}

/* Frees `r` after it ended as expected with nothing on standard error. */
static inline void assert_ran(struct ran *r, const char *out) {
    assert_string_equal(r->err, "");
    assert_int_equal(r->status, 0);
    assert_string_equal(r->out, out);
    ran_free(r);
}

static inline char *calls(const struct fake *f) {
    int fd = open(f->log, O_RDONLY);
    assert_true(fd >= 0);
    return fake_slurp(fd);
}

static inline void assert_called(const struct fake *f, const char *line) {
    char *text = calls(f);
    if (!strstr(text, line))
        fail_msg("not called: %s\nbut:\n%s", line, text);
    free(text);
}

/* The one line of a JSON error, checked for its shape. */
static inline json_t *error_of(const struct ran *r) {
    assert_string_equal(r->out, "");
    const char *end = strchr(r->err, '\n');
    assert_true(end && end[1] == '\0');
    json_t *v = json_loads(r->err, 0, NULL), *e = json_object_get(v, "error");
    assert_non_null(mt_json_str(e, "code"));
    assert_non_null(mt_json_str(e, "message"));
    assert_non_null(json_object_get(e, "hint"));
    return v;
}

#endif
