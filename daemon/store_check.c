/* Looks for damage in a child process.
 *
 * LMDB believes what its pages say: a damaged one can send it outside the map or in circles. So
 * before it opens the file, a child maps it and looks at every page and row (store_walk.c,
 * store_look.c), and tells through a pipe what it found. Ending in any other way, as when the disk
 * cannot be read, is a finding too. */
#include "store_look.h"

#include "store_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct report {
    uint8_t err; /* enum mt_err */
    char text[MT_WALK_WHY_MAX];
};

static struct report finding(enum mt_err err, const char *why) {
    struct report r = {.err = (uint8_t)err};
    (void)snprintf(r.text, sizeof r.text, "data.mdb: %s", why);
    return r;
}

static struct report look(struct mt_store *s) {
    struct stat st;
    int dir = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int fd = dir < 0 ? -1 : openat(dir, "data.mdb", O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st))
        return finding(MT_EIO, strerror(errno));
    if (st.st_size == 0)
        return finding(MT_ECORRUPT, "the file is empty");
    void *file = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
    if (file == MAP_FAILED)
        return finding(MT_EIO, strerror(errno));
    (void)madvise(file, (size_t)st.st_size, MADV_WILLNEED);
    struct report r = {.err = MT_OK};
    r.err = (uint8_t)mt_store_look(s, file, (size_t)st.st_size, r.text);
    return r;
}

/* Runs in the child, which never returns. A crash here is expected: it leaves no core and no text. */
static _Noreturn void child(struct mt_store *s, int out) {
    static const int fatal[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL};
    struct rlimit no_core = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &no_core);
    for (size_t i = 0; i < MT_ARRAY_LEN(fatal); i++)
        (void)signal(fatal[i], SIG_DFL);
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (null >= 0)
        (void)dup2(null, STDERR_FILENO);
    struct report r = look(s);
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
    /* not fork: libuv's handler for it makes a pipe in the child, and aborts when there is none */
    pid_t pid = _Fork();
    if (pid == 0)
        child(s, ends[1]);
    int failed = errno;
    (void)close(ends[1]);
    enum mt_err err =
        pid < 0 ? mt_store_fault(s, failed, "checking data.mdb") : wait_for(s, pid, ends[0]);
    (void)close(ends[0]);
    return err;
}
