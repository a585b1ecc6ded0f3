/* ctl_server: the control socket and its clients (daemon layer 4).
 *
 * A client sends requests, as many as it likes without waiting; each becomes a struct mt_ctl_call and
 * is given to `dispatch`, which answers it at once or on a later turn of the loop, in any order. */
#ifndef MEENT_CTL_SERVER_H
#define MEENT_CTL_SERVER_H

#include "config.h"
#include "engine.h"

#include <sys/types.h>

enum {
    MT_CTL_CALLS_MAX = 16,               /* unanswered calls of one client */
    MT_CTL_OUTPUT_MAX = 4 * 1024 * 1024, /* queued bytes above which a client is not read */
    MT_CTL_SCAN_MAX = 256 * 1024 * 1024, /* bytes looked at for one message that comes in crumbs */
    MT_CTL_SOCKET_NAME_MAX = 80,         /* bytes of the last part of the socket's path */
    MT_CTL_FLUSH_MS = 1000,              /* a closing client takes no longer */
};

/* What a user may do besides reading; root and the daemon's own account may do everything, and who
 * may administer may do the rest. */
enum mt_access { MT_ACCESS_ADMIN = 1, MT_ACCESS_WRITE = 2, MT_ACCESS_PERSONAL = 4 };

/* Something that is being written because something changed, and who waits for it.
 * (ctl_cmd_dispatch.c) */
struct mt_ctl_late;
struct mt_ctl_following {
    bool busy;
    bool again; /* there was another change meanwhile: look again */
    const struct mt_ctl_context *context;
    struct mt_ctl_late *waiting;
};

struct mt_cmd_shared;
struct mt_listener;

/* What commands work on. */
struct mt_ctl_context {
    struct mt_engine *engine;
    const struct mt_config *config;
    const char *listen;                  /* "host:port" with the port in use */
    const char *announce;                /* "" when others cannot be told an address */
    const struct mt_listener *listener;  /* NULL: none */
    uint64_t start_ms;                   /* mono_ms at start */
    void (*random)(void *out, size_t n); /* unpredictable bytes, for new record ids */
    struct mt_ctl_following *counting;   /* of places taken */
    struct mt_ctl_following *publishing; /* of our own records */
    struct mt_cmd_shared *shared;        /* what commands keep between calls */
};

struct mt_ctl_server;

/* One request. Exists until it is answered with exactly one of the two functions below, also when the
 * client has gone meanwhile. */
struct mt_ctl_call {
    const struct mt_ctl_context *context;
    uint32_t id;            /* the client's number for it */
    struct mt_slice method; /* lives as long as the call */
    struct mt_slice params; /* one encoded map; lives as long as the call */
    unsigned access;        /* of enum mt_access */
    uid_t uid;
    gid_t gid;
    pid_t pid;
    void *data;                   /* the command's own, for a call that is answered later */
    struct mt_ctl_server *server; /* the server's, as is the rest */
    struct mt_ctl_client *client; /* NULL: gone */
    struct mt_ctl_call *next, **link;
    uint8_t bytes[];
};

/* Answers with one encoded value, which is copied; ends the call. A value that does not fit a message
 * becomes an error. */
void mt_ctl_call_result(struct mt_ctl_call *call, struct mt_slice result);

/* Answers with "code: message"; ends the call. */
void mt_ctl_call_error(struct mt_ctl_call *call, const char *code, const char *message);

/* Carries out a call (ctl_dispatch.c). */
void mt_ctl_dispatch(struct mt_ctl_call *call);

/* To be called at start and after records changed (ctl_dispatch.c): tells the engine the addresses
 * that the region's endpoint records state, and writes our own records where they are missing.
 * `arg`: the struct mt_ctl_context. */
void mt_ctl_changed(void *arg);

struct mt_ctl_server_config {
    uv_loop_t *loop;
    const char *path; /* of the socket */
    const struct mt_ctl_context *context;
    void (*dispatch)(struct mt_ctl_call *call);
    unsigned (*access)(const struct mt_config *config, uid_t uid, gid_t gid);
};

/* Listens on the socket: mode 0660, group `meent` where that exists and we may set it. A socket that
 * a dead daemon left is replaced. Borrows what `config` points at.
 * Errors: MT_ECONFLICT (a daemon answers there, or it is no socket), MT_ENOTFOUND (no such directory),
 * MT_EDENIED, MT_ETOOLONG, MT_ENOMEM, MT_EIO. */
MT_MUST enum mt_err mt_ctl_server_open(struct mt_ctl_server **out,
                                       const struct mt_ctl_server_config *config);

/* Takes no more clients and requests; answers still go out. */
void mt_ctl_server_stop(struct mt_ctl_server *s);

/* Closes the clients, after their answers have left or MT_CTL_FLUSH_MS; run the loop to its end
 * afterwards. */
void mt_ctl_server_close(struct mt_ctl_server *s);

/* After the loop has ended; calls that were never answered end here. NULL is fine. */
void mt_ctl_server_free(struct mt_ctl_server *s);

/* Clients at present. */
unsigned mt_ctl_server_clients(const struct mt_ctl_server *s);

/* What the section [access] and the account database allow. Runs as one user's id. */
unsigned mt_ctl_access(const struct mt_config *config, uid_t uid, gid_t gid);

#endif
