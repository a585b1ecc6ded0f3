/* ctl_server_internal: what the files of ctl_server share. */
#ifndef MEENT_CTL_SERVER_INTERNAL_H
#define MEENT_CTL_SERVER_INTERNAL_H

#include "ctl.h"
#include "ctl_server.h"

#include <sys/un.h>

enum mt_ctl_client_state { MT_CTL_OPEN, MT_CTL_FLUSHING, MT_CTL_CLOSING };

struct mt_ctl_client {
    struct mt_ctl_server *server;
    struct mt_ctl_client *next, **link; /* in the server's list until it is freed */
    enum mt_ctl_client_state state;
    unsigned open_handles;
    uv_pipe_t pipe;
    uv_timer_t timer;
    uv_shutdown_t shutdown;
    struct ucred who;
    unsigned access, n_calls;
    uint64_t active_ms; /* when it last sent something */
    bool reading, ended, processing;
    uint8_t *in; /* what came and is not a whole message yet */
    size_t n, cap;
    size_t scanned; /* bytes looked at for the message that is coming in */
};

struct mt_ctl_server {
    struct mt_ctl_server_config config;
    int fd;     /* -1, or the socket that is listened on */
    int dir_fd; /* -1, or the directory it is reached through */
    struct sockaddr_un at;
    uv_poll_t poll;
    uv_timer_t timer; /* while accepting pauses */
    uint64_t line_ms; /* when the log last told of it */
    dev_t device;     /* of the socket's file */
    ino_t inode;
    bool stopped, closed;
    struct mt_ctl_client *clients;
    struct mt_ctl_call *calls;
    unsigned n_clients;
};

/* Takes a client that was accepted; on errors the caller still has the descriptor.
 * Errors: MT_ENOMEM, MT_EIO. */
MT_MUST enum mt_err mt_ctl_client_new(struct mt_ctl_server *s, int take_fd);

/* Stops or starts to read, and handles what was read, as calls and output allow. */
void mt_ctl_client_update(struct mt_ctl_client *c);

/* Ends it, after its output has left. Idempotent. */
void mt_ctl_client_close(struct mt_ctl_client *c);

#endif
