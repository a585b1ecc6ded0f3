#include "org.h"

#include "json.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CALL_MS = 4000 };

_Noreturn void give_up(const char *format, ...) {
    va_list ap;
    va_start(ap, format);
    fputs("not ok - ", stdout);
    vprintf(format, ap);
    putchar('\n');
    va_end(ap);
    exit(1);
}

uint64_t now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

void nap_ms(unsigned ms) {
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    nanosleep(&t, NULL);
}

/* ---- files ---- */

__attribute__((format(printf, 2, 3))) static void put_path(char *out, const char *format, ...) {
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(out, PATH_SIZE, format, ap);
    va_end(ap);
    if (n < 0 || n >= PATH_SIZE)
        give_up("a path is too long: %s", out);
}

static void copy_file(const char *from, const char *to, mode_t mode) {
    char b[65536];
    int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, mode);
    ssize_t n;
    if (in < 0 || out < 0)
        give_up("copying %s: %s", from, strerror(errno));
    while ((n = read(in, b, sizeof b)) > 0)
        if (write(out, b, (size_t)n) != n)
            give_up("copying %s: %s", from, strerror(errno));
    close(in);
    close(out);
}

void copy_tree(const char *from, const char *to) {
    DIR *dir = opendir(from);
    if (!dir || (mkdir(to, 0700) != 0 && errno != EEXIST))
        give_up("copying %s: %s", from, strerror(errno));
    for (struct dirent *e; (e = readdir(dir));) {
        char source[PATH_SIZE], target[PATH_SIZE];
        struct stat st;
        put_path(source, "%s/%s", from, e->d_name);
        put_path(target, "%s/%s", to, e->d_name);
        if (e->d_name[0] == '.' || lstat(source, &st) != 0 || S_ISSOCK(st.st_mode))
            continue;
        if (S_ISDIR(st.st_mode))
            copy_tree(source, target);
        else if (strcmp(e->d_name, "lock.mdb") != 0)
            copy_file(source, target, st.st_mode & 0777);
    }
    closedir(dir);
}

void remove_tree(const char *path) {
    DIR *dir = opendir(path);
    if (!dir)
        return;
    for (struct dirent *e; (e = readdir(dir));) {
        char inside[PATH_SIZE];
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        put_path(inside, "%s/%s", path, e->d_name);
        if (unlink(inside) != 0)
            remove_tree(inside);
    }
    closedir(dir);
    rmdir(path);
}

void same_installation(const struct org *o) {
    char path[PATH_SIZE], text[512];
    struct stat st;
    put_path(path, "%s/installation", o->state);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (n < 0)
        return; /* it had none */
    text[n] = 0;
    char *line = strstr(text, "inode ");
    if (!line || fstat(fd, &st) != 0 || ftruncate(fd, line - text) != 0 ||
        lseek(fd, 0, SEEK_END) < 0 ||
        dprintf(fd, "inode %llu\n", (unsigned long long)st.st_ino) < 0)
        give_up("%s is not as expected", path);
    close(fd);
}

/* ---- daemons ---- */

void org_init(struct org *o, const struct tools *tools, const char *dir, const char *name,
              const char *kind) {
    *o = (struct org){.tools = tools, .name = name, .kind = kind};
    put_path(o->dir, "%s", dir);
    put_path(o->state, "%s/state", dir);
    put_path(o->conf, "%s/meentd.conf", dir);
    put_path(o->log, "%s/meentd.log", dir);
    put_path(o->socket, "%s/ctl.sock", dir);
}

void org_make(const struct org *o, const char *listen) {
    if (mkdir(o->dir, 0700) != 0 && errno != EEXIST)
        give_up("%s: %s", o->dir, strerror(errno));
    FILE *f = fopen(o->conf, "w");
    if (!f)
        give_up("%s: %s", o->conf, strerror(errno));
    fprintf(f, "[node]\nstate_dir = %s\nsocket = %s\nlisten = %s\n", o->state, o->socket, listen);
    fclose(f);
}

_Noreturn static void become_daemon(const struct org *o, const char *control) {
    int log = open(o->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setenv("UV_THREADPOOL_SIZE", "1", 1); /* the calls of one commit in one order */
    if (control) {
        setenv("LD_PRELOAD", o->tools->preload, 1);
        setenv("MEENT_FAULT", control, 1);
    }
    if (dup2(in, 0) == 0 && dup2(log, 1) == 1 && dup2(log, 2) == 2)
        execl(o->tools->meentd, "meentd", "--config", o->conf, (char *)NULL);
    _exit(98);
}

void org_start(struct org *o, const char *control) {
    o->ended = 0;
    o->pid = fork();
    if (o->pid == 0)
        become_daemon(o, control);
    if (o->pid < 0)
        give_up("fork: %s", strerror(errno));
}

static void hang_up(struct org *o) {
    if (o->connected)
        mt_client_close(&o->client);
    o->connected = false;
}

bool org_lives(struct org *o) {
    int status;
    if (o->pid == 0)
        return false;
    if (waitpid(o->pid, &status, WNOHANG) != o->pid)
        return true;
    o->ended = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    o->pid = 0;
    hang_up(o);
    return false;
}

int org_end(struct org *o, int signum, unsigned ms) {
    uint64_t deadline = now_ms() + ms;
    hang_up(o);
    if (o->pid > 0)
        kill(o->pid, signum);
    while (org_lives(o) && now_ms() < deadline)
        nap_ms(2);
    if (o->pid > 0) {
        kill(o->pid, SIGKILL);
        while (org_lives(o))
            nap_ms(1);
        o->ended = ENDED_ODDLY;
    }
    return o->ended;
}

bool org_call(struct org *o, const char *method, json_t *take_params, json_t **result,
              struct mt_client_error *error) {
    json_t *answer = NULL, *params = take_params ? take_params : json_object();
    if (!o->connected)
        o->connected = mt_client_open(&o->client, o->socket, error);
    bool ok = o->connected;
    if (ok) {
        o->client.timeout_ms = CALL_MS;
        ok = mt_client_call(&o->client, method, params, &answer, error);
        if (o->client.fd < 0)
            hang_up(o);
    }
    json_decref(params);
    if (result)
        *result = answer;
    else
        json_decref(answer);
    return ok;
}

bool org_answers(struct org *o, unsigned ms) {
    uint64_t deadline = now_ms() + ms;
    struct mt_client_error error;
    while (org_lives(o) && now_ms() < deadline) {
        if (org_call(o, "status", NULL, NULL, &error))
            return true;
        nap_ms(3);
    }
    return false;
}

void org_status(struct org *o, const char *path, char *out, size_t room) {
    struct mt_client_error error;
    json_t *status = NULL;
    char key[32];
    out[0] = 0;
    if (!org_call(o, "status", NULL, &status, &error))
        return;
    const json_t *at = status;
    while (*path && at) {
        size_t n = strcspn(path, ".");
        snprintf(key, sizeof key, "%.*s", (int)n, path);
        at = json_object_get(at, key);
        path += n + (path[n] == '.');
    }
    if (json_is_string(at))
        snprintf(out, room, "%s", json_string_value(at));
    else if (json_is_integer(at))
        snprintf(out, room, "%lld", (long long)json_integer_value(at));
    else if (at && !json_is_null(at)) {
        char *text = json_dumps(at, JSON_COMPACT | JSON_ENCODE_ANY);
        snprintf(out, room, "%s", text ? text : "");
        free(text);
    }
    json_decref(status);
}

unsigned org_log_lines(const struct org *o, const char *part) {
    char line[2048];
    unsigned n = 0;
    FILE *f = fopen(o->log, "r");
    while (f && fgets(line, sizeof line, f))
        n += strstr(line, part) != NULL;
    if (f)
        fclose(f);
    return n;
}
