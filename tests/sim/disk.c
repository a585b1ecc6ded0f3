/* disk: a directory for each store, in memory where the machine has such a file system. */
#include "sim.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const FILES[] = {"data.mdb", "lock.mdb"};

bool disk_prepare(struct sim *s) {
    const char *root = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    (void)snprintf(s->base, sizeof s->base, "%s/meent-sim-XXXXXX", root);
    return mkdtemp(s->base) != NULL;
}

void disk_path(const struct sim *s, const struct host *h, char *out, size_t size) {
    (void)snprintf(out, size, "%s/org%d", s->base, h->index);
}

static void beside(const struct sim *s, const struct host *h, const char *what, char *out,
                   size_t size) {
    (void)snprintf(out, size, "%s/%s%d", s->base, what, h->index);
}

static void remove_dir(const char *dir) {
    char path[192];
    for (size_t i = 0; i < MT_ARRAY_LEN(FILES); i++) {
        (void)snprintf(path, sizeof path, "%s/%s", dir, FILES[i]);
        (void)unlink(path);
    }
    (void)rmdir(dir);
}

void disk_clean(struct sim *s) {
    char path[128];
    for (int i = 0; i < SIM_HOSTS_MAX && !s->keep; i++) {
        disk_path(s, &(struct host){.index = i}, path, sizeof path);
        remove_dir(path);
        beside(s, &(struct host){.index = i}, "copy", path, sizeof path);
        remove_dir(path);
        beside(s, &(struct host){.index = i}, "saved", path, sizeof path);
        remove_dir(path);
    }
    if (s->keep)
        printf("# stores are in %s\n", s->base);
    else
        (void)rmdir(s->base);
}

static bool copy_file(const char *from, const char *to) {
    static char buffer[64 * 1024];
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ssize_t n = in < 0 || out < 0 ? -1 : 1;
    while (n > 0) {
        n = read(in, buffer, sizeof buffer);
        if (n > 0 && write(out, buffer, (size_t)n) != n)
            n = -1;
    }
    if (in >= 0)
        (void)close(in);
    if (out >= 0 && close(out))
        n = -1;
    return n == 0;
}

static bool copy_data(const char *from, const char *to) {
    char a[192], b[192];
    (void)mkdir(to, 0700);
    (void)snprintf(a, sizeof a, "%s/%s", from, FILES[0]);
    (void)snprintf(b, sizeof b, "%s/%s", to, FILES[0]);
    return copy_file(a, b);
}

static bool keep(const struct sim *s, const struct host *h, const char *what, bool back) {
    char dir[128], other[128];
    disk_path(s, h, dir, sizeof dir);
    beside(s, h, what, other, sizeof other);
    return back ? copy_data(other, dir) : copy_data(dir, other);
}

bool disk_copy(const struct sim *s, const struct host *h) {
    return keep(s, h, "copy", false);
}

bool disk_restore(const struct sim *s, const struct host *h) {
    return keep(s, h, "copy", true);
}

bool disk_save(const struct sim *s, const struct host *h) {
    return keep(s, h, "saved", false);
}

bool disk_undo(const struct sim *s, const struct host *h) {
    return keep(s, h, "saved", true);
}
