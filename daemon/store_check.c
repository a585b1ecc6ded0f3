/* Looks for damage in a child process.
 *
 * LMDB believes what its pages say: a damaged one can send it outside the map or in circles. The
 * child opens the environment read-only, walks every table from its first key to its last, and
 * tells through a pipe what it found. Ending in any other way is a finding too. The walk is bounded:
 * keys must ascend and no table has more of them than it says. */
#include "store_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { REPORT_MAX = 128 };

struct report {
    uint8_t err; /* enum mt_err */
    char text[REPORT_MAX];
};

static struct report finding(enum mt_err err, const char *what, const char *why) {
    struct report r = {.err = (uint8_t)err};
    (void)snprintf(r.text, sizeof r.text, "%s: %s", what, why);
    return r;
}

static struct report from_rc(int rc, const char *what) {
    if (rc == 0)
        return (struct report){.err = MT_OK};
    enum mt_err err = MT_ECORRUPT;
    switch (rc) {
    case MDB_VERSION_MISMATCH:
        err = MT_EVERSION;
        break;
    case ENOMEM:
        err = MT_ENOMEM;
        break;
    case EIO:
    case EACCES:
    case EPERM:
    case EMFILE:
    case ENFILE:
    case EAGAIN:
    case ENOSPC:
        err = MT_EIO; /* it could not be looked at: that is no damage */
        break;
    default:
        break;
    }
    return finding(err, what, mdb_strerror(rc));
}

static bool ascends(const uint8_t *last, size_t last_n, const MDB_val *key) {
    size_t n = last_n < key->mv_size ? last_n : key->mv_size;
    int order = n ? memcmp(last, key->mv_data, n) : 0;
    return order < 0 || (order == 0 && last_n < key->mv_size);
}

/* Reads both ends of a value, which brings in the pages it lies on. */
static void touch(const MDB_val *v) {
    const volatile uint8_t *p = v->mv_data;
    if (v->mv_size > 0)
        (void)(p[0] + p[v->mv_size - 1]);
}

static struct report walk_table(MDB_txn *txn, MDB_dbi dbi, const char *name) {
    MDB_stat stat;
    MDB_cursor *c;
    int rc = mdb_stat(txn, dbi, &stat);
    if (rc == 0)
        rc = mdb_cursor_open(txn, dbi, &c);
    if (rc)
        return from_rc(rc, name);
    uint8_t last[STORE_KEY_MAX];
    size_t last_n = 0;
    uint64_t n = 0;
    MDB_val key, value;
    for (rc = mdb_cursor_get(c, &key, &value, MDB_FIRST); rc == 0;
         rc = mdb_cursor_get(c, &key, &value, MDB_NEXT)) {
        if (key.mv_size == 0 || key.mv_size > STORE_KEY_MAX || !ascends(last, last_n, &key))
            return finding(MT_ECORRUPT, name, "the keys are out of order");
        if (++n > stat.ms_entries)
            return finding(MT_ECORRUPT, name, "more rows than counted");
        memcpy(last, key.mv_data, key.mv_size);
        last_n = key.mv_size;
        touch(&value);
    }
    mdb_cursor_close(c);
    if (rc != MDB_NOTFOUND)
        return from_rc(rc, name);
    if (n != stat.ms_entries)
        return finding(MT_ECORRUPT, name, "fewer rows than counted");
    return (struct report){.err = MT_OK};
}

/* Pages that the list of free ones names are written over, so it must make sense: each row holds a
 * count and as many page numbers, falling, all within the file. */
static bool is_free_row(const MDB_val *v, uint64_t pages) {
    size_t id, last = SIZE_MAX, n = v->mv_size / sizeof id;
    if (n == 0 || v->mv_size % sizeof id)
        return false;
    memcpy(&id, v->mv_data, sizeof id);
    if (id != n - 1)
        return false;
    for (size_t i = 1; i < n; i++, last = id) {
        memcpy(&id, (const uint8_t *)v->mv_data + i * sizeof id, sizeof id);
        if (id >= last || id >= pages || id < 2)
            return false;
    }
    return true;
}

static struct report walk_free(MDB_txn *txn, uint64_t pages) {
    enum { FREE_TABLE = 0 };
    MDB_stat stat;
    MDB_cursor *c;
    int rc = mdb_stat(txn, FREE_TABLE, &stat);
    if (rc == 0)
        rc = mdb_cursor_open(txn, FREE_TABLE, &c);
    if (rc)
        return from_rc(rc, "free pages");
    uint64_t n = 0;
    MDB_val key, value;
    for (rc = mdb_cursor_get(c, &key, &value, MDB_FIRST); rc == 0;
         rc = mdb_cursor_get(c, &key, &value, MDB_NEXT))
        if (++n > stat.ms_entries || key.mv_size != sizeof(size_t) || !is_free_row(&value, pages))
            return finding(MT_ECORRUPT, "free pages", "the list makes no sense");
    mdb_cursor_close(c);
    if (rc != MDB_NOTFOUND)
        return from_rc(rc, "free pages");
    return (struct report){.err = MT_OK};
}

static struct report check_size(MDB_env *env) {
    MDB_envinfo info;
    MDB_stat stat;
    struct stat file;
    int fd, rc = mdb_env_info(env, &info);
    if (rc == 0)
        rc = mdb_env_stat(env, &stat);
    if (rc == 0)
        rc = mdb_env_get_fd(env, &fd);
    if (rc == 0 && fstat(fd, &file))
        rc = errno;
    if (rc)
        return from_rc(rc, "data.mdb");
    if ((uint64_t)file.st_size / stat.ms_psize <= info.me_last_pgno)
        return finding(MT_ECORRUPT, "data.mdb", "the file is shorter than its pages");
    return (struct report){.err = MT_OK};
}

static struct report walk_tables(MDB_env *env) {
    MDB_txn *txn;
    int rc = mdb_txn_begin(env, NULL, MDB_RDONLY, &txn);
    if (rc)
        return from_rc(rc, "data.mdb");
    for (int i = 0; i < T_COUNT; i++) {
        MDB_dbi dbi;
        rc = mdb_dbi_open(txn, mt_store_table_names[i], 0, &dbi);
        if (rc)
            return from_rc(rc, mt_store_table_names[i]);
        struct report r = walk_table(txn, dbi, mt_store_table_names[i]);
        if (r.err)
            return r;
    }
    MDB_envinfo info;
    rc = mdb_env_info(env, &info);
    struct report r = rc ? from_rc(rc, "data.mdb") : walk_free(txn, info.me_last_pgno + 1);
    mdb_txn_abort(txn);
    return r;
}

static struct report walk(const char *dir) {
    MDB_env *env;
    int rc = mdb_env_create(&env);
    if (rc == 0)
        rc = mdb_env_set_maxdbs(env, T_COUNT);
    if (rc == 0)
        rc = mdb_env_open(env, dir, MDB_RDONLY | MDB_NOLOCK | MDB_NOTLS, 0);
    if (rc)
        return from_rc(rc, "data.mdb");
    struct report r = check_size(env);
    return r.err ? r : walk_tables(env);
}

/* Runs in the child, which never returns. A crash here is expected: it leaves no core and no text. */
static _Noreturn void child(const char *dir, int out) {
    static const int fatal[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL};
    struct rlimit no_core = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &no_core);
    for (size_t i = 0; i < MT_ARRAY_LEN(fatal); i++)
        (void)signal(fatal[i], SIG_DFL);
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (null >= 0)
        (void)dup2(null, STDERR_FILENO);
    struct report r = walk(dir);
    ssize_t n = write(out, &r, sizeof r);
    _exit(n == (ssize_t)sizeof r ? 0 : 1);
}

static enum mt_err wait_for(struct mt_store *s, pid_t pid, int in) {
    struct report r = {.err = MT_OK};
    size_t n = 0;
    int failed = 0;
    while (n < sizeof r) {
        ssize_t got = read(in, (char *)&r + n, sizeof r - n);
        if (got < 0 && errno == EINTR)
            continue;
        failed = got < 0 ? errno : 0;
        if (got <= 0)
            break;
        n += (size_t)got;
    }
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (n == sizeof r && r.err < MT_ERR_COUNT && memchr(r.text, 0, sizeof r.text))
        return r.err ? mt_store_say(s, (enum mt_err)r.err, r.text) : MT_OK;
    if (failed)
        return mt_store_fault(s, failed, "checking data.mdb");
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        return mt_store_say(s, MT_EIO, "the check of data.mdb was killed: is there enough memory?");
    char text[STORE_DETAIL_MAX];
    (void)snprintf(text, sizeof text, "data.mdb is damaged: its check ended with %s %d",
                   WIFSIGNALED(status) ? "signal" : "status",
                   WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    return mt_store_say(s, MT_ECORRUPT, text);
}

enum mt_err mt_store_check(struct mt_store *s) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC))
        return mt_store_fault(s, errno, "checking data.mdb");
    pid_t pid = fork();
    if (pid == 0)
        child(s->dir, ends[1]);
    int failed = errno;
    (void)close(ends[1]);
    enum mt_err err =
        pid < 0 ? mt_store_fault(s, failed, "checking data.mdb") : wait_for(s, pid, ends[0]);
    (void)close(ends[0]);
    return err;
}
