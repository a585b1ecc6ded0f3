/* ctl_cmd: what the control socket can be asked, as a table of methods (daemon layer 4).
 *
 * A command reads through a query, or prepares changes and has the node write them; the caller is
 * answered once, at once or when the write is durable. Commands touch neither sockets nor the loop:
 * what they need of the daemon comes in an environment. */
#ifndef MEENT_CTL_CMD_H
#define MEENT_CTL_CMD_H

#include "ctl_server.h"
#include "query.h"

/* What commands keep between calls; zeroed at first. */
struct mt_cmd_shared {
    struct mt_org_cache orgs;
    struct cmd_import_mark *writing; /* imports on their way to the disk */
    struct cmd *waiting;             /* imports that come after them, first come first */
    bool damaged;                    /* something stored could not be read since the start */
};
void mt_cmd_shared_close(struct mt_cmd_shared *shared); /* after all calls were answered */

/* Borrowed during a call of mt_cmd_run, what it points at until `done`. `submit` gives the node a command and calls back exactly
 * once later, unless it fails; its argument must outlive that. */
struct mt_cmd_env {
    const struct mt_node *node;
    struct mt_store *store;
    struct mt_cmd_shared *shared;
    enum mt_err (*submit)(void *arg, struct mt_command *command, mt_reply_fn fn, void *fn_arg);
    void *submit_arg;
    void (*random)(void *out, size_t n);
    uint64_t wall_ms, uptime_ms;
    const char *state_dir; /* NULL: not known */
    const char *listen;    /* address we listen on */
    const char *announce;  /* address others are told; "" when there is none */
    enum mt_err degraded;  /* why nothing can be written now, or MT_OK */
    /* How long ago newcomers had to wait, for want of file descriptors and because there were too
     * many; 0: never. */
    uint64_t starved_ago_ms, full_ago_ms;
};

/* The answer. `code` is "ok" or the error's; `message` and `result` live during the call. */
typedef void (*mt_cmd_done_fn)(void *arg, enum mt_err err, const char *message,
                               struct mt_slice result);

/* Runs one method. `done` is called exactly once, now or later, with `arg`; `params` lives until
 * then. */
void mt_cmd_run(const struct mt_cmd_env *env, unsigned access, struct mt_slice method,
                struct mt_slice params, mt_cmd_done_fn done, void *arg);

/* Access that a method asks for; 0 for reading and for methods that do not exist. */
unsigned mt_cmd_needs(struct mt_slice method);

/* ---- what a daemon writes by itself (query_own.c, ctl_cmd_placement.c) ---- */

/* Writes our organisation's own record and this installation's address when they are not there or
 * differ, once we are a member. `announce` "" for none.
 * Out: `*wrote`; then `fn` (NULL: nobody) is called once they are durable or were refused, else not.
 * Errors: MT_ENOMEM, store errors. */
MT_MUST enum mt_err mt_query_own_records(const struct mt_cmd_env *env, const char *announce,
                                         mt_reply_fn fn, void *arg, bool *wrote);

/* Writes how many have each of our places, where its record states another number. Out and
 * errors: as mt_query_own_records; `fn` is not NULL. */
MT_MUST enum mt_err mt_cmd_count_places(const struct mt_cmd_env *env, mt_reply_fn fn, void *arg,
                                        bool *wrote);

/* Calls `fn` with every address that other organisations' installations have published. */
typedef enum mt_err (*mt_address_fn)(void *arg, const struct mt_id *org, struct mt_slice address);
MT_MUST enum mt_err mt_query_addresses(const struct mt_cmd_env *env, mt_address_fn fn, void *arg);

#endif
