/* Whom a connection is counted for: an address of IPv4, however it came in, and a network of IPv6, since
 * one caller has all its addresses. */
#include "conn.h"
#include "listener.h"
#include "log.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

struct world {
    uv_loop_t loop;
    struct mt_conn_pool pool;
    struct mt_listener listener;
    struct mt_conn *conn;
    char source[64];
    unsigned n_accepted;
};

static void on_bytes(void *arg, struct mt_conn *c, struct mt_slice bytes) {
    (void)arg;
    (void)c;
    (void)bytes;
}

static void on_closed(void *arg, struct mt_conn *c, enum mt_err err) {
    struct world *w = arg;
    (void)c;
    (void)err;
    w->conn = NULL;
}

static const struct mt_conn_ops ops = {.on_bytes = on_bytes, .on_closed = on_closed};

static void on_accept(void *arg, struct mt_conn *c, const char *source) {
    struct world *w = arg;
    w->n_accepted++;
    (void)snprintf(w->source, sizeof w->source, "%s", source);
    w->conn = c;
    mt_conn_give(c, &ops, w);
    mt_conn_start(c);
}

static void on_tick(uv_timer_t *t) {
    (void)t;
}

/* The source that is given for a caller of `family`; "" when nobody came in. */
static void called_from(struct world *w, int family, char source[static 64]) {
    uint16_t port = htons((uint16_t)atoi(strrchr(w->listener.address, ':') + 1));
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = port};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = port};
    uv_timer_t tick;
    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    v6.sin6_addr = in6addr_loopback;
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), rc;
    assert_true(fd >= 0);
    if (family == AF_INET)
        rc = connect(fd, (struct sockaddr *)&v4, sizeof v4);
    else
        rc = connect(fd, (struct sockaddr *)&v6, sizeof v6);
    assert_int_equal(rc, 0);
    assert_int_equal(send(fd, "x", 1, MSG_NOSIGNAL), 1); /* who says nothing may have to wait */
    w->source[0] = 0;
    uv_timer_init(&w->loop, &tick);
    uv_timer_start(&tick, on_tick, 5, 5);
    for (int i = 0; i < 1000 && !w->source[0]; i++)
        uv_run(&w->loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&tick, NULL);
    if (w->conn)
        mt_conn_close(w->conn, MT_OK, false);
    for (int i = 0; i < 10; i++)
        uv_run(&w->loop, UV_RUN_NOWAIT);
    (void)close(fd);
    memcpy(source, w->source, sizeof w->source);
}

static void open_at(struct world *w, const char *address) {
    uv_loop_init(&w->loop);
    w->pool.loop = &w->loop;
    assert_int_equal(mt_listener_open(&w->listener, &w->pool, address), MT_OK);
    assert_int_equal(mt_listener_start(&w->listener, on_accept, w), MT_OK);
}

static void shut(struct world *w) {
    mt_listener_close(&w->listener);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    assert_int_equal(w->pool.open, 0);
    assert_int_equal(uv_loop_close(&w->loop), 0);
}

static bool has_ipv6(void) {
    struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool has = fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof at) == 0;
    if (fd >= 0)
        (void)close(fd);
    return has;
}

static void an_address_of_ipv4_is_itself(void **state) {
    struct world w = {0};
    char source[64];
    (void)state;
    open_at(&w, "127.0.0.1:0");
    called_from(&w, AF_INET, source);
    shut(&w);
    assert_string_equal(source, "127.0.0.1");
}

static void at_every_address_both_families_come_in(void **state) {
    struct world w = {0};
    char v4[64], v6[64] = "";
    (void)state;
    if (!has_ipv6())
        skip();
    open_at(&w, "[::]:0");
    called_from(&w, AF_INET, v4);
    called_from(&w, AF_INET6, v6);
    shut(&w);
    assert_string_equal(v4, "127.0.0.1"); /* not ::ffff:127.0.0.1, which would be another caller */
    assert_string_equal(v6, "::/64");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_of_ipv4_is_itself),
        cmocka_unit_test(at_every_address_both_families_come_in),
    };
    (void)signal(SIGPIPE, SIG_IGN);
    mt_log_init(STDERR_FILENO, MT_LOG_ERROR, false);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
