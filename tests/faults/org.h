/* org: a real daemon and its directory, driven over its control socket. */
#ifndef MEENT_FAULTS_ORG_H
#define MEENT_FAULTS_ORG_H

#include "client.h"
#include "faults.h"

#include <stdbool.h>
#include <sys/types.h>

enum { PATH_SIZE = 192, ENDED_ODDLY = 255 };

/* Where the programs are and how to make one of them faulty. */
struct tools {
    const char *meentd, *meent, *preload;
};

struct org {
    const struct tools *tools;
    const char *name, *kind;
    char dir[PATH_SIZE], state[PATH_SIZE], conf[PATH_SIZE], log[PATH_SIZE], socket[PATH_SIZE];
    char control[PATH_SIZE]; /* of the fault, when it has one */
    pid_t pid;               /* 0: not running */
    int ended;               /* exit status, or 128 + signal */
    bool connected;
    struct mt_client client;
};

/* Names its files below `dir`; the address it listens on is its own. */
void org_init(struct org *o, const struct tools *tools, const char *dir, const char *name,
              const char *kind);

/* Makes its directory and configuration. */
void org_make(const struct org *o, const char *listen);

/* Starts the daemon, faulty when `control` names a mapped fault. Does not wait. */
void org_start(struct org *o, const char *control);

/* Whether the process is there. When it is not, `ended` says how it ended. */
bool org_lives(struct org *o);

/* Sends a signal and waits up to `ms` for the end, then kills it. Returns `ended`. */
int org_end(struct org *o, int signum, unsigned ms);

/* One call. `params` as json_pack makes it, taken over. Out: `*result` owned by the caller (NULL
 * result: dropped). Errors: false with `error`. */
bool org_call(struct org *o, const char *method, json_t *take_params, json_t **result,
              struct mt_client_error *error);

/* Waits until it answers `status`, or has ended, or `ms` are over. True when it answers. */
bool org_answers(struct org *o, unsigned ms);

/* A member of the answer to `status`, as text; "" when there is none. `path`: "a.b". */
void org_status(struct org *o, const char *path, char *out, size_t room);

/* Lines of the log that contain `part`. */
unsigned org_log_lines(const struct org *o, const char *part);

/* ---- files ---- */

void copy_tree(const char *from, const char *to);
void remove_tree(const char *dir);

/* Tells a copied replica that it is the original: its file names its own inode. */
void same_installation(const struct org *o);

/* ---- time ---- */

uint64_t now_ms(void);
void nap_ms(unsigned ms);

_Noreturn void give_up(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
