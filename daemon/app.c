/* Start: lock, store key, socket bound (its port is needed for the announced address), store, node
 * loaded, control socket, node started, accepting, READY. Stop, on a signal: accept nobody, take no
 * more commands, let the batch that is away become durable and its replies leave, close connections
 * and clients, run the loop until the last handle is closed, close the store.
 *
 * Each step of the start that fails says what and why in one line; what was started is stopped by
 * the same code as after a signal. A name server that does not answer could hold the process back at
 * the end: after STOP_MS it no longer waits for it. */
#include "app.h"

#include "clock.h"
#include "ctl_cmd.h"
#include "ctl_server.h"
#include "key.h"
#include "keyfile.h"
#include "listener.h"
#include "log.h"
#include "notify.h"
#include "surroundings.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STOP_MS = 3000, WHY_MAX = 256, DESCRIPTORS_MIN = 16, WATCHED_MAX = 4096 };

static const int signals[] = {SIGTERM, SIGINT, SIGHUP};

struct app {
    const struct mt_config *config;
    void (*random)(void *out, size_t n);
    uv_loop_t loop;
    uv_signal_t signals[MT_ARRAY_LEN(signals)];
    uv_timer_t patience;
    uv_poll_t highest; /* see make_room */
    bool stopping, impatient;
    bool only_checks; /* nothing is made that was not there */
    int lock_fd;
    char *installation, *store_dir;
    uint8_t *store_key; /* secret memory */
    struct mt_conn_pool *pool;
    struct mt_listener listener;
    struct mt_store *store;
    struct mt_engine *engine;
    struct mt_ctl_server *server;
    struct mt_ctl_context context;
    struct mt_ctl_following counting, publishing;
    struct mt_cmd_shared shared;
};

const char *mt_app_announce(const struct mt_config *config, const char *listening) {
    struct mt_hostport hp;
    if (config->announce)
        return config->announce;
    bool usable = mt_config_hostport(listening, false, &hp) == MT_OK;
    return usable && !mt_config_is_wildcard(hp.host) ? listening : "";
}

/* "DIR/NAME" from malloc; NULL when out of memory. */
static char *join_path(const char *dir, const char *name) {
    size_t n = strlen(dir) + strlen(name) + 2;
    char *path = malloc(n);
    if (path)
        snprintf(path, n, "%s/%s", dir, name);
    return path;
}

/* Says which step of the start failed. */
static enum mt_err failed(const char *step, const char *path, enum mt_err err, const char *why) {
    mt_log(MT_LOG_ERROR, "start_failed", "step=%s path=\"%s\" err=%s text=\"%s\"", step, path,
           mt_err_code(err), why ? why : mt_err_text(err));
    return err;
}

/* ---- stop ---- */

static void on_patience_over(uv_timer_t *timer) {
    struct app *a = timer->data;
    a->impatient = true;
    uv_stop(timer->loop);
}

/* May be called again. A batch that is away still comes back. */
static void close_parts(struct app *a) {
    if (!a->impatient) {
        uv_update_time(&a->loop);
        uv_timer_start(&a->patience, on_patience_over, STOP_MS, 0);
        uv_unref((uv_handle_t *)&a->patience);
    }
    if (a->engine)
        mt_engine_close(a->engine);
    if (a->server)
        mt_ctl_server_close(a->server);
    mt_listener_close(&a->listener);
    for (size_t i = 0; i < MT_ARRAY_LEN(signals); i++)
        if (!uv_is_closing((uv_handle_t *)&a->signals[i]))
            uv_close((uv_handle_t *)&a->signals[i], NULL);
}

static void on_quiet(void *arg) {
    close_parts(arg);
}

static void on_signal(uv_signal_t *handle, int signum) {
    struct app *a = handle->data;
    if (a->stopping)
        _exit(1);
    a->stopping = true;
    mt_log(MT_LOG_INFO, "stopping", "signal=%d", signum);
    (void)mt_notify("STOPPING=1");
    mt_listener_close(&a->listener);
    mt_ctl_server_stop(a->server);
    mt_engine_stop(a->engine, on_quiet, a);
}

/* Runs the loop until the last handle is closed. False when something still has not ended. */
static bool drain(struct app *a) {
    if (!a->impatient)
        uv_run(&a->loop, UV_RUN_DEFAULT);
    uv_close((uv_handle_t *)&a->patience, NULL);
    uv_run(&a->loop, UV_RUN_NOWAIT);
    return uv_loop_close(&a->loop) == 0;
}

static void free_parts(struct app *a) {
    mt_ctl_server_free(a->server);
    mt_cmd_shared_close(&a->shared);
    mt_engine_free(a->engine);
    free(a->pool);
    mt_secret_free(a->store_key);
    free(a->installation);
    free(a->store_dir);
}

/* ---- start ---- */

/* The key that was configured, else the one systemd hands us, else the one in the state directory,
 * which is made when there is neither key nor store. */
static enum mt_err read_store_key(struct app *a) {
    const char *credentials = getenv("CREDENTIALS_DIRECTORY");
    char *path = NULL;
    enum mt_err err = MT_ENOTFOUND;
    if (!a->config->store_key && credentials) {
        path = join_path(credentials, "store_key");
        err = path ? mt_keyfile_read(path, true, a->store_key) : MT_ENOMEM;
        if (err != MT_ENOTFOUND)
            goto out;
        free(path);
    }
    path = a->config->store_key ? strdup(a->config->store_key)
                                : join_path(a->config->state_dir, "store.key");
    err = path ? mt_keyfile_read(path, false, a->store_key) : MT_ENOMEM;
    if (err != MT_ENOTFOUND)
        goto out;
    if (access(a->store_dir, F_OK) == 0) {
        err = MT_ENOKEY; /* a new key would open nothing */
        goto out;
    }
    if (a->only_checks) {
        err = MT_OK;
        goto out;
    }
    a->random(a->store_key, 32);
    err = mt_keyfile_create(path, a->store_key);
    if (err == MT_OK)
        mt_log(MT_LOG_INFO, "store_key_made", "path=\"%s\"", path);
out:
    if (err != MT_OK)
        (void)failed("store_key", path ? path : "", err,
                     err == MT_EDENIED  ? "it must be readable by its owner alone, and that be us"
                     : err == MT_EVALUE ? "not a file of 32 bytes"
                     : err == MT_ENOKEY ? "the key is missing and the store cannot be read without"
                                        : NULL);
    free(path);
    return err == MT_EVALUE ? MT_ECORRUPT : err; /* no other attempt makes a key of it */
}

/* A check does not make the lock file: without one nobody holds it. */
static enum mt_err take_lock(struct app *a, const char *path) {
    struct stat st;
    if (a->only_checks && lstat(path, &st) != 0 && errno == ENOENT)
        return MT_OK;
    enum mt_err err = mt_lock_file(path, &a->lock_fd);
    if (err != MT_OK)
        (void)failed("lock", path, err,
                     err == MT_ECONFLICT ? "another meentd uses this state directory" : NULL);
    return err;
}

static enum mt_err prepare_state(struct app *a) {
    const char *dir = a->config->state_dir;
    enum mt_err err = mt_private_dir(dir);
    if (err != MT_OK)
        return failed("state_dir", dir, err, NULL);
    char *lock = join_path(dir, "lock");
    a->installation = join_path(dir, "installation");
    a->store_dir = join_path(dir, "store");
    a->store_key = mt_secret_new(32);
    a->pool = calloc(1, sizeof *a->pool);
    if (!lock || !a->installation || !a->store_dir || !a->store_key || !a->pool)
        err = failed("memory", dir, MT_ENOMEM, NULL);
    else
        err = take_lock(a, lock);
    free(lock);
    return err == MT_OK ? read_store_key(a) : err;
}

static enum mt_err open_store(struct app *a) {
    char why[WHY_MAX] = "";
    struct mt_store_config config = {
        .dir = a->store_dir, .store_key = a->store_key, .why = why, .why_size = sizeof why};
    enum mt_err err = mt_store_open(&a->store, &config);
    return err == MT_OK ? err : failed("store", a->store_dir, err, why[0] ? why : NULL);
}

static enum mt_err bind_listener(struct app *a) {
    enum mt_err err = mt_listener_open(&a->listener, a->pool, a->config->listen);
    if (err != MT_OK)
        return failed("listen", a->config->listen, err,
                      err == MT_ECONFLICT ? "another program uses this port"
                      : err == MT_EVALUE  ? "no such address on this machine"
                                          : NULL);
    return MT_OK;
}

static enum mt_err open_listener(struct app *a) {
    a->pool->loop = &a->loop;
    enum mt_err err = bind_listener(a);
    if (err != MT_OK)
        return err;
    a->context.listen = a->listener.address;
    a->context.listener = &a->listener;
    a->context.announce = mt_app_announce(a->config, a->listener.address);
    if (!a->context.announce[0])
        mt_log(MT_LOG_WARNING, "no_announce",
               "listen=%s text=\"set announce: invitations need an address that others can reach\"",
               a->listener.address);
    return MT_OK;
}

static enum mt_err open_engine(struct app *a) {
    struct mt_engine_config config = {.loop = &a->loop,
                                      .store = a->store,
                                      .pool = a->pool,
                                      .announce = a->context.announce,
                                      .installation = a->installation,
                                      .random = a->random};
    enum mt_err err = mt_engine_new(&a->engine, &config);
    const char *why = mt_store_detail(a->store);
    if (err != MT_OK)
        return failed("load", why[0] ? a->store_dir : a->installation, err, why[0] ? why : NULL);
    a->context.engine = a->engine;
    return mt_engine_on_changed(a->engine, mt_ctl_changed, &a->context);
}

static enum mt_err open_server(struct app *a) {
    struct mt_ctl_server_config config = {.loop = &a->loop,
                                          .path = a->config->socket,
                                          .context = &a->context,
                                          .dispatch = mt_ctl_dispatch,
                                          .access = mt_ctl_access};
    enum mt_err err = mt_ctl_server_open(&a->server, &config);
    return err == MT_OK ? err
                        : failed("socket", a->config->socket, err,
                                 err == MT_ECONFLICT   ? "another daemon answers there, or it is "
                                                         "no socket"
                                 : err == MT_ENOTFOUND ? "its directory does not exist"
                                                       : NULL);
}

static uint64_t accept_in_ms(void *engine) {
    return mt_node_accept_in_ms(mt_engine_node(engine), mt_clock_mono_ms());
}

static enum mt_err start(struct app *a) {
    a->context.start_ms = mt_clock_mono_ms();
    enum mt_err err = prepare_state(a);
    if (err == MT_OK)
        err = open_listener(a);
    if (err == MT_OK)
        err = open_store(a);
    if (err == MT_OK)
        err = open_engine(a);
    if (err == MT_OK)
        err = open_server(a);
    if (err != MT_OK)
        return err;
    err = mt_engine_start(a->engine);
    if (err != MT_OK)
        return failed("node", a->store_dir, err, NULL);
    a->listener.wait_ms = accept_in_ms;
    err = mt_listener_start(&a->listener, mt_engine_accept, a->engine);
    if (err != MT_OK)
        return failed("accept", a->listener.address, err, NULL);
    mt_log(MT_LOG_INFO, "ready", "version=%s pid=%d listen=%s announce=%s socket=\"%s\"",
           MEENT_VERSION, (int)getpid(), a->listener.address,
           a->context.announce[0] ? a->context.announce : "-", a->config->socket);
    if (mt_notify("READY=1") != MT_OK)
        mt_log(MT_LOG_WARNING, "notify_failed", "state=ready");
    return MT_OK;
}

/* libuv aborts when its first pipe cannot be made, so whether there is room is asked before. */
static enum mt_err check_descriptors(void) {
    int fds[DESCRIPTORS_MIN], n = 0;
    if (pipe2(fds, O_CLOEXEC) != 0)
        return failed("descriptors", "", MT_EIO, strerror(errno));
    (void)close(fds[0]);
    (void)close(fds[1]);
    while (n < DESCRIPTORS_MIN && (fds[n] = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) >= 0)
        n++;
    int rc = n < DESCRIPTORS_MIN ? errno : 0;
    while (n > 0)
        (void)close(fds[--n]);
    return rc ? failed("descriptors", "/", MT_EIO, strerror(rc)) : MT_OK;
}

/* libuv has no way to report that its table of descriptors cannot grow: it would abort. */
static void *grow_or_end(void *p, size_t n) {
    void *grown = realloc(p, n);
    if (grown || n == 0)
        return grown;
    (void)failed("memory", "", MT_ENOMEM, "no memory to watch another descriptor");
    _exit(1);
}

/* Makes that table as large as it will ever be, so that it is at the start that memory may lack and
 * not when somebody connects: libuv makes it fit the highest descriptor it was ever told of. */
static enum mt_err make_room(struct app *a) {
    struct rlimit limit;
    int highest = WATCHED_MAX - 1, low = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < WATCHED_MAX)
        highest = (int)limit.rlim_cur - 1;
    int fd = low < 0 ? -1 : fcntl(low, F_DUPFD_CLOEXEC, highest);
    int rc = fd < 0 ? uv_translate_sys_error(errno) : uv_poll_init(&a->loop, &a->highest, fd);
    if (rc == 0) {
        rc = uv_poll_start(&a->highest, UV_READABLE, NULL);
        uv_close((uv_handle_t *)&a->highest, NULL);
    }
    if (fd >= 0)
        (void)close(fd);
    if (low >= 0)
        (void)close(low);
    return rc == 0 ? MT_OK : failed("loop", "", MT_EIO, uv_strerror(rc));
}

static enum mt_err init_loop(struct app *a) {
    (void)uv_replace_allocator(malloc, grow_or_end, calloc, free);
    int rc = uv_loop_init(&a->loop);
    if (rc == 0)
        rc = uv_timer_init(&a->loop, &a->patience);
    a->patience.data = a;
    for (size_t i = 0; rc == 0 && i < MT_ARRAY_LEN(signals); i++) {
        rc = uv_signal_init(&a->loop, &a->signals[i]);
        a->signals[i].data = a;
    }
    return rc == 0 ? make_room(a) : failed("loop", "", MT_EIO, uv_strerror(rc));
}

static enum mt_err watch_signals(struct app *a) {
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < MT_ARRAY_LEN(signals); i++)
        rc = uv_signal_start(&a->signals[i], on_signal, signals[i]);
    return rc == 0 ? MT_OK : failed("signals", "", MT_EIO, uv_strerror(rc));
}

/* Another attempt may get the port or the memory that was lacking, but nothing cures data that is
 * damaged, of another version or without its key: whoever starts daemons must not try again. */
static int exit_status(enum mt_err err) {
    switch (err) {
    case MT_OK:
        return 0;
    case MT_ECORRUPT:
    case MT_EVERSION:
    case MT_ENOKEY:
        return MT_APP_HOPELESS;
    default:
        return 1;
    }
}

int mt_app_run(const struct mt_config *config, void (*random)(void *out, size_t n)) {
    struct app a = {.config = config, .random = random, .lock_fd = -1};
    a.listener.fd = -1;
    a.context.config = config;
    a.context.random = random;
    a.counting.context = a.publishing.context = &a.context;
    a.context.counting = &a.counting;
    a.context.publishing = &a.publishing;
    a.context.shared = &a.shared;
    if (check_descriptors() != MT_OK || init_loop(&a) != MT_OK)
        return 1; /* nothing else was started */
    enum mt_err err = start(&a);
    if (err == MT_OK)
        err = watch_signals(&a);
    if (err == MT_OK)
        uv_run(&a.loop, UV_RUN_DEFAULT);
    close_parts(&a);
    bool clean = drain(&a);
    if (!clean) {
        /* A resolver's thread is stuck; nothing of ours depends on it. */
        mt_store_close(a.store);
        mt_log(MT_LOG_WARNING, "stopped", "text=\"did not wait for the name server\"");
        _exit(exit_status(err));
    }
    free_parts(&a);
    mt_store_close(a.store);
    if (a.lock_fd >= 0)
        close(a.lock_fd);
    mt_log(MT_LOG_INFO, "stopped", "err=%s", mt_err_code(err));
    return exit_status(err);
}

static enum mt_err check_state(struct app *a) {
    const char *dir = a->config->state_dir, *why = NULL;
    bool there;
    enum mt_err err = mt_see_dir(dir, &there, &why);
    if (err != MT_OK)
        return failed(err == MT_EREADONLY ? "lock" : "state_dir", dir, err, why);
    /* Without a state directory there is nothing yet that could be wrong with it. */
    return there ? prepare_state(a) : MT_OK;
}

static enum mt_err check_data(struct app *a) {
    const char *why = NULL;
    struct mt_id feed;
    bool known;
    if (!a->store_dir)
        return MT_OK;
    enum mt_err err = mt_see_store(a->store_dir, &why);
    if (err != MT_OK)
        return failed("store", a->store_dir, err, why);
    if (access(a->store_dir, F_OK) == 0 && (err = open_store(a)) != MT_OK)
        return err;
    err = mt_installation_read(a->installation, "/etc/machine-id", &known, &feed);
    return err == MT_OK ? err : failed("load", a->installation, err, NULL);
}

static enum mt_err check_socket(const char *path) {
    const char *why = NULL;
    /* The directory of the usual one is made by whoever starts the daemon. */
    enum mt_err err = mt_see_socket(path, strcmp(path, MT_CONFIG_SOCKET) != 0, &why);
    return err == MT_OK ? err : failed("socket", path, err, why);
}

int mt_app_check(const struct mt_config *config, void (*random)(void *out, size_t n)) {
    struct app a = {.config = config, .random = random, .lock_fd = -1, .only_checks = true};
    a.listener.fd = -1;
    enum mt_err err = check_descriptors();
    if (err == MT_OK)
        err = check_state(&a);
    if (err == MT_OK)
        err = bind_listener(&a);
    if (err == MT_OK)
        err = check_data(&a);
    if (err == MT_OK)
        err = check_socket(config->socket);
    mt_listener_close(&a.listener);
    mt_store_close(a.store);
    free_parts(&a);
    if (a.lock_fd >= 0)
        close(a.lock_fd);
    return exit_status(err);
}
