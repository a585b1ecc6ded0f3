/* The calls that stand in for those of the C library. What LMDB writes comes through here because a
 * library's calls go to the program first, when the program has one of that name. */
#include "power_internal.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINK_MAX_ = PATH_SIZE + 16 };

static struct power *all;
static struct power_real real;

static void look_up(const char *name, void *fn, size_t size) {
    void *found = dlsym(RTLD_NEXT, name);
    power_need(found != NULL, name);
    memcpy(fn, &found, size);
}

#define LOOK_UP(name) look_up(#name, &real.name, sizeof real.name)

const struct power_real *power_real(void) {
    if (real.is_set)
        return &real;
    LOOK_UP(pwrite);
    LOOK_UP(write);
    LOOK_UP(writev);
    LOOK_UP(fsync);
    LOOK_UP(fdatasync);
    LOOK_UP(mkdir);
    LOOK_UP(rename);
    real.is_set = true;
    return &real;
}

void power_join(struct power *p) {
    p->next = all;
    all = p;
}

void power_leave(struct power *p) {
    struct power **at = &all;
    while (*at != p)
        at = &(*at)->next;
    *at = p->next;
}

/* ---- whose call is it? ---- */

static bool path_of(int fd, char *out) {
    char link[32];
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, out, LINK_MAX_ - 1);
    if (n <= 0)
        return false;
    out[n] = 0;
    return true;
}

static bool is_data_of(const char *path, const char *dir) {
    size_t n = strlen(dir);
    return strncmp(path, dir, n) == 0 && strcmp(path + n, "/data.mdb") == 0;
}

/* The disk whose data file this is. */
static struct power *find_file(int fd) {
    struct stat st;
    char path[LINK_MAX_];
    if (!all || fstat(fd, &st) || !S_ISREG(st.st_mode))
        return NULL;
    for (struct power *p = all; p; p = p->next)
        if (p->is_known && p->device == st.st_dev && p->inode == st.st_ino)
            return p;
    for (struct power *p = path_of(fd, path) ? all : NULL; p; p = p->next) {
        if (!is_data_of(path, p->dir) && !is_data_of(path, p->fresh))
            continue;
        if (!p->is_dead)
            power_add_file(p, st.st_dev, st.st_ino);
        return p;
    }
    return NULL;
}

/* The disk that a directory belongs to, and what a sync of it makes durable. */
static struct power *find_dir(int fd, enum kind *kind) {
    struct stat st;
    char path[LINK_MAX_];
    if (!all || fstat(fd, &st) || !S_ISDIR(st.st_mode) || !path_of(fd, path))
        return NULL;
    for (struct power *p = all; p; p = p->next) {
        bool within = strcmp(path, p->dir) == 0 || strcmp(path, p->fresh) == 0;
        *kind = within ? K_DIR : K_PARENT;
        if (within || strcmp(path, p->parent) == 0)
            return p;
    }
    return NULL;
}

/* ---- what becomes of it ---- */

enum call { WRITE, SYNC, NAME };

struct verdict {
    bool happens;      /* the live file changes */
    bool is_open;      /* but nobody may rely on it */
    bool is_under_way; /* the power goes during it */
    bool is_short;     /* in part */
    int error;         /* 0: the call says it did */
};

/* `grows`: it makes the file longer. */
static struct verdict judge(struct power *p, enum call call, bool grows) {
    struct verdict v = {.error = EIO};
    p->calls++;
    if (p->is_dead)
        return v;
    if (grows && p->is_full)
        return (struct verdict){.error = ENOSPC};
    if (!p->is_armed || --p->left > 0)
        return (struct verdict){.happens = true};
    p->is_armed = false;
    p->has_struck = true;
    v.is_open = true;
    switch (p->fault) {
    case POWER_ENOSPC:
        return (struct verdict){.happens = call == SYNC, .error = call == SYNC ? 0 : ENOSPC};
    case POWER_SHORT:
        v.is_short = call == WRITE;
        v.happens = call != NAME;
        v.error = call == WRITE ? 0 : EIO;
        return v;
    case POWER_OFF:
        p->is_dead = p->is_under_way = v.is_under_way = true;
        return v;
    case POWER_KILL:
        p->is_dead = true;
        v.happens = power_draw(&p->chance) & 1;
        return v;
    default: /* a sync that fails has done something to what it was to write */
        v.happens = call == SYNC || (call == WRITE && power_draw(&p->chance) & 1);
        return v;
    }
}

static ssize_t refuse(int error) {
    errno = error;
    return -1;
}

static ssize_t write_to(struct power *p, int fd, const void *bytes, size_t n, off_t at) {
    bool is_synced = fcntl(fd, F_GETFL) & O_DSYNC;
    struct verdict v = judge(p, WRITE, (uint64_t)at + n > p->live.n);
    if (v.is_short && n < 2)
        v = (struct verdict){.error = EIO};
    if (v.is_short)
        n = 1 + power_draw(&p->chance) % (n - 1);
    if (v.happens && power_real()->pwrite(fd, bytes, n, at) != (ssize_t)n)
        return -1; /* the machine's own disk fails */
    if (v.happens || v.is_under_way)
        power_add_write(p, (uint64_t)at, bytes, n, is_synced && !v.is_open);
    return v.error ? refuse(v.error) : (ssize_t)n;
}

/* A write where the file stands. */
static ssize_t write_here(struct power *p, int fd, const void *bytes, size_t n) {
    off_t at = lseek(fd, 0, SEEK_CUR);
    ssize_t done = at < 0 ? -1 : write_to(p, fd, bytes, n, at);
    if (done > 0)
        (void)lseek(fd, at + done, SEEK_SET);
    return done;
}

static int sync_file(struct power *p) {
    struct verdict v = judge(p, SYNC, false);
    if (v.happens || v.is_under_way)
        power_add_sync(p, v.error && !p->is_dead);
    return v.error ? (int)refuse(v.error) : 0;
}

static int change_name(struct power *p, enum kind kind, struct verdict v, int rc) {
    if (v.happens && rc)
        return rc;
    if (v.happens || v.is_under_way)
        power_add_name(p, kind);
    return v.error ? (int)refuse(v.error) : 0;
}

/* One that fails may still have done it: choosing names leaves that open. */
static int sync_name(struct power *p, enum kind kind) {
    struct verdict v = judge(p, SYNC, false);
    v.happens = v.happens && !v.error;
    return change_name(p, kind, v, 0);
}

static int sync_any(int fd, int (*otherwise)(int)) {
    enum kind kind;
    struct power *p = find_file(fd);
    if (p)
        return sync_file(p);
    p = find_dir(fd, &kind);
    return p ? sync_name(p, kind) : otherwise(fd);
}

/* ---- the calls ---- */

ssize_t pwrite(int fd, const void *bytes, size_t n, off_t at) {
    struct power *p = find_file(fd);
    return p ? write_to(p, fd, bytes, n, at) : power_real()->pwrite(fd, bytes, n, at);
}

ssize_t write(int fd, const void *bytes, size_t n) {
    struct power *p = find_file(fd);
    return p ? write_here(p, fd, bytes, n) : power_real()->write(fd, bytes, n);
}

ssize_t writev(int fd, const struct iovec *pieces, int count) {
    struct power *p = find_file(fd);
    if (!p)
        return power_real()->writev(fd, pieces, count);
    size_t n = 0;
    for (int i = 0; i < count; i++)
        n += pieces[i].iov_len;
    char *bytes = malloc(n ? n : 1);
    power_need(bytes != NULL, "out of memory");
    n = 0;
    for (int i = 0; i < count; i++) {
        memcpy(bytes + n, pieces[i].iov_base, pieces[i].iov_len);
        n += pieces[i].iov_len;
    }
    ssize_t done = write_here(p, fd, bytes, n);
    free(bytes);
    return done;
}

int fsync(int fd) {
    return sync_any(fd, power_real()->fsync);
}

int fdatasync(int fd) {
    return sync_any(fd, power_real()->fdatasync);
}

int mkdir(const char *path, mode_t mode) {
    for (struct power *p = all; p; p = p->next) {
        if (strcmp(path, p->fresh) != 0)
            continue;
        struct verdict v = judge(p, NAME, true);
        return change_name(p, K_MKDIR, v, v.happens ? power_real()->mkdir(path, mode) : 0);
    }
    return power_real()->mkdir(path, mode);
}

int rename(const char *from, const char *to) {
    for (struct power *p = all; p; p = p->next) {
        if (strcmp(from, p->fresh) != 0 || strcmp(to, p->dir) != 0)
            continue;
        struct verdict v = judge(p, NAME, false);
        return change_name(p, K_RENAME, v, v.happens ? power_real()->rename(from, to) : 0);
    }
    return power_real()->rename(from, to);
}
