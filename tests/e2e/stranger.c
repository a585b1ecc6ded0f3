/* stranger: calls a daemon on the loopback in one of the ways of flood.h, or talks nonsense to its
 * control socket, and tells in numbers what came of it.
 *
 *   stranger MODE PORT [--conns N] [--hosts N] [--count N] [--seconds N] [--code CODE | --state DIR]
 *   stranger ctl SOCKET COUNT          malformed requests, a connection each
 *   stranger params SOCKET COUNT       requests with malformed parameters, on one connection
 *   stranger code SOCKET COUNT CODE    malformed invitations */
#include "client.h"
#include "code.h"
#include "ctl.h"
#include "flood.h"

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { REQUEST_MAX = 4096, PATIENCE_MS = 5000 };

static int fail(const char *what) {
    fprintf(stderr, "stranger: %s\n", what);
    return 1;
}

/* ---- links ---- */

static bool read_option(struct flood_config *c, int option, const char *text) {
    double n = strtod(text, NULL);
    switch (option) {
    case 'n':
        c->conns = (unsigned)n;
        return c->conns > 0 && c->conns <= 10000;
    case 'h':
        c->hosts = (unsigned)n;
        return c->hosts < 60000;
    case 'c':
        c->count = (uint64_t)n;
        return true;
    case 's':
        c->seconds = n;
        return true;
    case 'i':
        return caller_invite(&c->as, text);
    case 'd':
        return caller_be_state(&c->as, text);
    default:
        return false;
    }
}

static int call(enum flood_mode mode, int argc, char **argv) {
    static const struct option options[] = {
        {"conns", required_argument, NULL, 'n'},
        {"hosts", required_argument, NULL, 'h'},
        {"count", required_argument, NULL, 'c'},
        {"seconds", required_argument, NULL, 's'},
        {"code", required_argument, NULL, 'i'},
        {"state", required_argument, NULL, 'd'},
        {NULL, 0, NULL, 0},
    };
    static struct flood_config config = {.conns = 32};
    static struct flood_counts counts;
    int option;
    config.mode = mode;
    config.port = argc > 2 ? atoi(argv[2]) : 0;
    caller_make(&config.as, 1);
    optind = 3;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
        if (!read_option(&config, option, optarg ? optarg : ""))
            return fail("wrong option");
    if (config.port <= 0 || (!config.count && config.seconds <= 0))
        return fail("needs a port, and a count or seconds");
    flood_run(&config, NULL, &counts);
    printf("{\"connected\":%lu,\"failed\":%lu,\"closed\":%lu,\"answered\":%lu,\"opened\":%lu}\n",
           atomic_load(&counts.connected), atomic_load(&counts.failed), atomic_load(&counts.closed),
           atomic_load(&counts.answered), atomic_load(&counts.opened));
    return 0;
}

/* ---- the control socket ---- */

static void put_request(struct dice *d, struct mt_writer *w) {
    static const char *const methods[] = {"status", "record.list", "record.show", "peer.ping",
                                          "nothing"};
    mt_ctl_request_begin(w, (uint32_t)dice_next(d), methods[dice_below(d, MT_ARRAY_LEN(methods))]);
    mt_wire_put_map(w, 3);
    mt_wire_put_cstr(w, "kind");
    mt_wire_put_cstr(w, "activity");
    mt_wire_put_cstr(w, "limit");
    mt_wire_put_uint(w, dice_next(d));
    mt_wire_put_cstr(w, "name");
    mt_wire_put_cstr(w, "nobody");
}

/* Reads until the other side closes. */
static bool is_closed_by_them(int fd) {
    uint8_t buf[4096];
    struct pollfd p = {.fd = fd, .events = POLLIN};
    for (;;) {
        if (poll(&p, 1, PATIENCE_MS) != 1)
            return false;
        ssize_t n = read(fd, buf, sizeof buf);
        if (n <= 0)
            return n == 0 || errno == ECONNRESET;
    }
}

static int ctl(const char *path, unsigned long count) {
    struct dice d = {1};
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    uint8_t buf[REQUEST_MAX];
    if (strlen(path) >= sizeof at.sun_path)
        return fail("the path is too long");
    memcpy(at.sun_path, path, strlen(path) + 1);
    for (unsigned long i = 0; i < count; i++) {
        struct mt_writer w = mt_writer(buf, REQUEST_MAX / 2);
        put_request(&d, &w);
        size_t n = dice_spoil(&d, buf, w.n, sizeof buf);
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof at) != 0)
            return fail("the control socket cannot be reached");
        if (n && send(fd, buf, n, MSG_NOSIGNAL) < 0 && errno != EPIPE)
            return fail("the control socket takes nothing");
        shutdown(fd, SHUT_WR);
        if (!is_closed_by_them(fd))
            return fail("a malformed request is not answered");
        close(fd);
    }
    printf("{\"requests\":%lu}\n", count);
    return 0;
}

/* One call; what it answers does not matter, but it must. */
static bool is_answered(struct mt_client *c, const char *method, struct mt_slice params,
                        bool *succeeded) {
    struct mt_client_error error;
    json_t *result = NULL;
    uint32_t id;
    if (!mt_client_send(c, method, params, &id, &error))
        return false;
    *succeeded = mt_client_receive(c, &id, &result, &error);
    json_decref(result);
    return c->fd >= 0;
}

static int params(struct mt_client *c, unsigned long count) {
    static const char *const methods[] = {"status", "record.list", "record.show", "peer.ping"};
    struct dice d = {1};
    uint8_t buf[REQUEST_MAX];
    bool succeeded;
    for (unsigned long i = 0; i < count; i++) {
        struct mt_writer w = mt_writer(buf, sizeof buf);
        size_t n = 1 + dice_below(&d, 8);
        mt_wire_put_map(&w, 1); /* the envelope stays in order, so the daemon reads what is in it */
        mt_wire_put_cstr(&w, dice_below(&d, 2) ? "kind" : "filter");
        mt_wire_put_array(&w, n);
        for (size_t k = 0; k < n; k++) {
            if (dice_below(&d, 2))
                mt_wire_put_uint(&w, dice_next(&d));
            else
                mt_wire_put_bin(&w, buf, dice_below(&d, w.n));
        }
        if (!is_answered(c, methods[dice_below(&d, MT_ARRAY_LEN(methods))], mt_writer_slice(&w),
                         &succeeded))
            return fail("a request with malformed parameters is not answered");
    }
    printf("{\"requests\":%lu}\n", count);
    return 0;
}

/* A code that is not quite `code`: of its text, or of what it says, which then has another length. */
static size_t spoil_code(struct dice *d, const char *code, char *out, size_t room) {
    uint8_t data[MT_CODE_DATA_MAX];
    struct mt_writer w = mt_writer(data, sizeof data), t = mt_writer(out, room);
    size_t n = strlen(code);
    if (dice_below(d, 8)) {
        memcpy(out, code, n + 1);
        out[dice_below(d, n - 8) + 8] ^= (uint8_t)(1 + dice_below(d, 15));
        return dice_spoil(d, (uint8_t *)out + 8, n - 8, room - 8) + 8;
    }
    if (mt_code_get(mt_slice(code, n), &w) != MT_OK)
        return 0;
    n = dice_below(d, 2) ? dice_below(d, w.n) : w.n + 1 + dice_below(d, 4);
    for (size_t i = w.n; i < n && i < sizeof data; i++)
        data[i] = (uint8_t)dice_next(d);
    return mt_code_put(&t, mt_slice(data, n)) == MT_OK ? t.n : 0;
}

static int codes(struct mt_client *c, unsigned long count, const char *code) {
    struct dice d = {1};
    char text[1024];
    uint8_t buf[REQUEST_MAX];
    unsigned long accepted = 0;
    for (unsigned long i = 0; i < count; i++) {
        struct mt_writer w = mt_writer(buf, sizeof buf);
        size_t n;
        bool succeeded;
        do
            n = spoil_code(&d, code, text, sizeof text - 1);
        while (n == strlen(code) && strncasecmp(text, code, n) == 0);
        mt_wire_put_map(&w, 1);
        mt_wire_put_cstr(&w, "code");
        for (size_t k = 0; k < n; k++) /* a text, since others never reach the parser of codes */
            text[k] = (char)(text[k] & 0x7f ? text[k] & 0x7f : 'Q');
        mt_wire_put_str(&w, mt_slice(text, n));
        if (!is_answered(c, "join", mt_writer_slice(&w), &succeeded))
            return fail("a malformed code is not answered");
        accepted += succeeded;
    }
    printf("{\"codes\":%lu,\"accepted\":%lu}\n", count, accepted);
    return 0;
}

int main(int argc, char **argv) {
    struct mt_client client = {.fd = -1, .timeout_ms = PATIENCE_MS};
    struct mt_client_error error;
    if (argc < 3 || mt_key_init() != MT_OK)
        return fail("MODE PORT, or ctl, params or code and SOCKET");
    for (int mode = 0; mode < FLOOD_MODES; mode++)
        if (strcmp(argv[1], flood_mode_name[mode]) == 0)
            return call((enum flood_mode)mode, argc, argv);
    unsigned long count = argc > 3 ? strtoul(argv[3], NULL, 10) : 0;
    if (strcmp(argv[1], "ctl") == 0)
        return ctl(argv[2], count);
    if (!mt_client_open(&client, argv[2], &error))
        return fail(error.text);
    int status = 1;
    if (strcmp(argv[1], "params") == 0)
        status = params(&client, count);
    else if (strcmp(argv[1], "code") == 0 && argc > 4)
        status = codes(&client, count, argv[4]);
    mt_client_close(&client);
    return status;
}
