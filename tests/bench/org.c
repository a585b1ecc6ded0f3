#include "bench.h"

#include "json.h"
#include "wire.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { START_S = 30, STOP_S = 20 };

const char *bench_build(void) {
    const char *build = getenv("MEENT_BUILD");
    return build ? build : "build";
}

/* ---- processes ---- */

int bench_free_port(void) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bench_need(fd >= 0 && bind(fd, (struct sockaddr *)&at, n) == 0 &&
                   getsockname(fd, (struct sockaddr *)&at, &n) == 0,
               "no free port");
    close(fd);
    return ntohs(at.sin_port);
}

void org_make(struct bench_org *o, const char *base, const char *name) {
    *o = (struct bench_org){.client.fd = -1};
    snprintf(o->dir, sizeof o->dir, "%s/%s", base, name);
    snprintf(o->socket, sizeof o->socket, "%s/ctl.sock", o->dir);
    o->port = o->listen = bench_free_port();
    bench_need(mkdir(o->dir, 0700) == 0, "a directory for a daemon");
}

static void write_config(const struct bench_org *o, char path[160]) {
    snprintf(path, 160, "%s/meentd.conf", o->dir);
    FILE *f = fopen(path, "w");
    bench_need(f, "a configuration");
    fprintf(f,
            "[node]\nstate_dir = %s/state\nsocket = %s\nlisten = 127.0.0.1:%d\n"
            "announce = 127.0.0.1:%d\n",
            o->dir, o->socket, o->listen, o->port);
    bench_need(fclose(f) == 0, "a configuration");
}

/* Becomes `path`; output of it goes to `log`. Not to return from. */
static void become(const char *path, const char *const *argv, const char *log) {
    int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int out = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (in >= 0 && out >= 0 && dup2(in, 0) == 0 && dup2(out, 1) == 1 && dup2(out, 2) == 2)
        execv(path, (char *const *)(uintptr_t)argv);
    _exit(127);
}

void org_spawn(struct bench_org *o) {
    char config[160], log[160], program[512];
    write_config(o, config);
    snprintf(log, sizeof log, "%s/meentd.log", o->dir);
    snprintf(program, sizeof program, "%s/meentd", bench_build());
    const char *const argv[] = {program, "--config", config, NULL};
    o->pid = fork();
    bench_need(o->pid >= 0, "fork");
    if (o->pid == 0)
        become(program, argv, log);
}

bool org_answers(struct bench_org *o) {
    struct mt_client_error error;
    if (waitpid(o->pid, NULL, WNOHANG) == o->pid) {
        o->pid = 0;
        bench_need(false, "a daemon ended while it was started");
    }
    return o->client.fd >= 0 || mt_client_open(&o->client, o->socket, &error);
}

void org_start(struct bench_org *o) {
    org_spawn(o);
    for (double end = bench_now() + START_S; !org_answers(o); bench_sleep(0.002))
        bench_need(bench_now() < end, "a daemon does not start");
}

void org_stop(struct bench_org *o) {
    int status = 0;
    pid_t gone = 0;
    mt_client_close(&o->client);
    if (o->pid <= 0)
        return;
    kill(o->pid, SIGTERM);
    for (double end = bench_now() + STOP_S; gone == 0 && bench_now() < end;) {
        gone = waitpid(o->pid, &status, WNOHANG);
        bench_sleep(0.005);
    }
    bench_need(gone == o->pid, "a daemon does not end");
    o->pid = 0;
    bench_need(WIFEXITED(status) && WEXITSTATUS(status) == 0, "a daemon ended badly");
}

void org_kill(struct bench_org *o) {
    if (o->pid <= 0)
        return;
    kill(o->pid, SIGKILL);
    waitpid(o->pid, NULL, 0);
    o->pid = 0;
}

/* posix_spawn, because a fork would copy what this program has mapped and be measured as well. */
double bench_run(const char *program, const char *socket, const char *const *argv) {
    char variable[160];
    char locale[] = "LC_ALL=C.UTF-8";
    char *const env[] = {variable, locale, NULL};
    posix_spawn_file_actions_t files;
    int status = 0;
    pid_t pid;
    snprintf(variable, sizeof variable, "MEENT_SOCKET=%s", socket ? socket : "");
    bench_need(posix_spawn_file_actions_init(&files) == 0 &&
                   posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0) == 0,
               "spawn");
    double start = bench_now();
    bench_need(posix_spawn(&pid, program, &files, NULL, (char *const *)(uintptr_t)argv, env) == 0 &&
                   waitpid(pid, &status, 0) == pid,
               program);
    double seconds = bench_now() - start;
    posix_spawn_file_actions_destroy(&files);
    bench_need(WIFEXITED(status) && WEXITSTATUS(status) == 0, program);
    return seconds;
}

double org_run(struct bench_org *o, const char *const *argv) {
    char program[512];
    snprintf(program, sizeof program, "%s/meent", bench_build());
    return bench_run(program, o->socket, argv);
}

/* ---- what /proc says ---- */

double proc_anon_mb(pid_t pid) {
    char path[64], line[128];
    unsigned long kb = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "RssAnon: %lu", &kb) == 1)
            break;
    bench_need(f && kb > 0, "memory of a daemon");
    fclose(f);
    return (double)kb / 1024;
}

double proc_cpu_s(pid_t pid) {
    clockid_t clock;
    struct timespec t;
    bench_need(clock_getcpuclockid(pid, &clock) == 0 && clock_gettime(clock, &t) == 0,
               "time of a daemon");
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- bytes of established connections, as the kernel counts them ---- */

static uint64_t diag_bytes(const struct nlmsghdr *h, int port) {
    const struct inet_diag_msg *m = NLMSG_DATA(h);
    size_t left = h->nlmsg_len - NLMSG_LENGTH(sizeof *m);
    if (ntohs(m->id.idiag_sport) != port)
        return 0;
    const struct nlattr *a = (const void *)(m + 1);
    while (left >= sizeof *a && a->nla_len >= sizeof *a && a->nla_len <= left) {
        if (a->nla_type == INET_DIAG_INFO) {
            struct tcp_info info = {0};
            size_t n = a->nla_len - sizeof *a;
            memcpy(&info, a + 1, n < sizeof info ? n : sizeof info);
            return info.tcpi_bytes_acked + info.tcpi_bytes_received;
        }
        size_t step = (a->nla_len + 3U) & ~3U;
        if (step > left)
            break;
        left -= step;
        a = (const void *)((const uint8_t *)a + step);
    }
    return 0;
}

static uint64_t diag_family(int fd, uint8_t family, int port) {
    struct {
        struct nlmsghdr h;
        struct inet_diag_req_v2 r;
    } ask = {.h = {.nlmsg_len = sizeof ask,
                   .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
             .r = {.sdiag_family = family,
                   .sdiag_protocol = IPPROTO_TCP,
                   .idiag_ext = 1 << (INET_DIAG_INFO - 1),
                   .idiag_states = 1 << 1 /* established */}};
    static _Alignas(struct nlmsghdr) uint8_t memory[1 << 16];
    uint64_t sum = 0;
    bench_need(send(fd, &ask, sizeof ask, 0) == (ssize_t)sizeof ask, "the kernel's counts");
    for (;;) {
        ssize_t n = recv(fd, memory, sizeof memory, 0);
        bench_need(n > 0, "the kernel's counts");
        size_t left = (size_t)n;
        for (const struct nlmsghdr *h = (const void *)memory; NLMSG_OK(h, left);
             h = NLMSG_NEXT(h, left)) {
            bench_need(h->nlmsg_type != NLMSG_ERROR, "the kernel's counts");
            if (h->nlmsg_type == NLMSG_DONE)
                return sum;
            sum += diag_bytes(h, port);
        }
    }
}

uint64_t bench_port_bytes(int port) {
    int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    bench_need(fd >= 0, "the kernel's counts");
    uint64_t sum = diag_family(fd, AF_INET, port) + diag_family(fd, AF_INET6, port);
    close(fd);
    return sum;
}

/* ---- control socket ---- */

json_t *org_call(struct bench_org *o, const char *method, const char *format, ...) {
    struct mt_client_error error;
    json_t *params, *result;
    va_list ap;
    va_start(ap, format);
    params = json_vpack_ex(NULL, 0, format, ap);
    va_end(ap);
    bench_need(params, "parameters");
    if (!mt_client_call(&o->client, method, params, &result, &error)) {
        fprintf(stderr, "bench: %s: %s: %s\n", method, error.code, error.text);
        bench_need(false, "a call to a daemon failed");
    }
    json_decref(params);
    return result;
}

json_int_t org_entries(struct bench_org *o) {
    json_t *status = org_call(o, "status", "{}");
    json_int_t n = mt_json_int(status, "entries", 0);
    json_decref(status);
    return n;
}

struct bench_peer org_peer(struct bench_org *o) {
    json_t *list = org_call(o, "peer.list", "{}");
    const json_t *p = json_array_get(json_object_get(list, "peers"), 0);
    struct bench_peer peer = {.connected = json_is_true(json_object_get(p, "connected")),
                              .synced = json_is_true(json_object_get(p, "synced")),
                              .lag = mt_json_int(p, "lag", 0),
                              .behind = mt_json_int(p, "behind", 0)};
    json_decref(list);
    return peer;
}
