#include "keyfile.h"

#include "key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEY_SIZE = 32, HEX = 64, MACHINE_ID_MAX = 256 };

static enum mt_err from_errno(int e) {
    switch (e) {
    case ENOENT:
    case ENOTDIR:
        return MT_ENOTFOUND;
    case EACCES:
    case EPERM:
    case EROFS:
    case ELOOP:
        return MT_EDENIED;
    case EEXIST:
        return MT_ECONFLICT;
    case ENOSPC:
    case EDQUOT:
        return MT_ENOSPACE;
    case ENOMEM:
        return MT_ENOMEM;
    default:
        return MT_EIO;
    }
}

/* Reads up to `cap` bytes; one more than expected shows that a file is too long. */
static enum mt_err read_all(int fd, uint8_t *p, size_t cap, size_t *n) {
    *n = 0;
    while (*n < cap) {
        ssize_t got = read(fd, p + *n, cap - *n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return MT_EIO;
        if (got == 0)
            break;
        *n += (size_t)got;
    }
    return MT_OK;
}

static enum mt_err check_private(int fd, bool handed) {
    struct stat st;
    if (fstat(fd, &st) != 0)
        return MT_EIO;
    if (!S_ISREG(st.st_mode))
        return MT_EVALUE;
    if (handed)
        return MT_OK;
    return (st.st_mode & 077) != 0 || (st.st_uid != geteuid() && st.st_uid != 0) ? MT_EDENIED
                                                                                 : MT_OK;
}

enum mt_err mt_keyfile_read(const char *path, bool handed, uint8_t out[static 32]) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return from_errno(errno);
    uint8_t b[KEY_SIZE + 1];
    size_t n = 0;
    enum mt_err err = check_private(fd, handed);
    if (err == MT_OK)
        err = read_all(fd, b, sizeof b, &n);
    if (err == MT_OK && n != KEY_SIZE)
        err = MT_EVALUE;
    if (err == MT_OK)
        memcpy(out, b, KEY_SIZE);
    mt_wipe(b, sizeof b);
    close(fd);
    return err;
}

static enum mt_err write_all(int fd, const uint8_t *p, size_t n) {
    while (n > 0) {
        ssize_t put = write(fd, p, n);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return from_errno(errno);
        p += put;
        n -= (size_t)put;
    }
    return fsync(fd) == 0 ? MT_OK : from_errno(errno);
}

static enum mt_err sync_parent(const char *path) {
    char *copy = strdup(path);
    if (!copy)
        return MT_ENOMEM;
    char *slash = strrchr(copy, '/');
    const char *dir = copy;
    if (!slash)
        dir = ".";
    else if (slash == copy)
        dir = "/";
    else
        *slash = 0;
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum mt_err err = fd >= 0 && fsync(fd) == 0 ? MT_OK : MT_EIO;
    if (fd >= 0)
        close(fd);
    free(copy);
    return err;
}

/* Writes the file under another name and gives it its own once it is whole. */
static enum mt_err put_file(const char *path, const uint8_t *p, size_t n, bool replace) {
    size_t len = strlen(path) + sizeof ".new";
    char *temporary = malloc(len);
    if (!temporary)
        return MT_ENOMEM;
    snprintf(temporary, len, "%s.new", path);
    (void)unlink(temporary); /* of a start that was cut short */
    enum mt_err err = MT_OK;
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        err = from_errno(errno);
        goto out;
    }
    err = write_all(fd, p, n);
    if (close(fd) != 0 && err == MT_OK)
        err = MT_EIO;
    /* Unlike rename, link never replaces what is there. */
    if (err == MT_OK && (replace ? rename(temporary, path) : link(temporary, path)) != 0)
        err = from_errno(errno);
    if (err != MT_OK || !replace)
        (void)unlink(temporary);
    if (err == MT_OK)
        err = sync_parent(path);
out:
    free(temporary);
    return err;
}

enum mt_err mt_keyfile_create(const char *path, const uint8_t key[static 32]) {
    return put_file(path, key, KEY_SIZE, false);
}

/* Hash of the machine id, which itself must not be shown to others (machine-id(5)). A machine
 * without one counts as one that is called nothing. That it cannot be read just now says nothing
 * about the machine: taken for another one, the replica would give up its installation. */
static enum mt_err hash_machine(const char *machine_id_path, char hex[static HEX + 1]) {
    uint8_t b[MACHINE_ID_MAX], h[32];
    size_t n = 0;
    enum mt_err err = MT_OK;
    int fd = open(machine_id_path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        err = read_all(fd, b, sizeof b, &n);
        close(fd);
    } else if (errno != ENOENT && errno != ENOTDIR && errno != EACCES) {
        err = from_errno(errno);
    }
    if (err != MT_OK)
        return err;
    while (n > 0 && (b[n - 1] == '\n' || b[n - 1] == ' '))
        n--;
    mt_hash_of(h, "machine", NULL, b, n);
    mt_hex(hex, h, sizeof h);
    return MT_OK;
}

enum mt_err mt_installation_read(const char *path, const char *machine_id_path, bool *known,
                                 struct mt_id *feed) {
    *known = false;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return errno == ENOENT ? MT_OK : MT_EIO;
    char b[512];
    size_t n;
    struct stat st;
    enum mt_err err = read_all(fd, (uint8_t *)b, sizeof b - 1, &n);
    if (err == MT_OK && fstat(fd, &st) != 0)
        err = from_errno(errno);
    close(fd);
    b[n] = 0;
    char feed_hex[HEX + 1], machine[HEX + 1], ours[HEX + 1];
    unsigned long long inode = 0;
    if (err == MT_OK)
        err = hash_machine(machine_id_path, ours);
    if (err != MT_OK)
        return err;
    *known = sscanf(b, "feed %64[0-9a-f]\nmachine %64[0-9a-f]\ninode %llu\n", feed_hex, machine,
                    &inode) == 3 &&
             inode == st.st_ino && strcmp(machine, ours) == 0 && strlen(feed_hex) == HEX &&
             mt_unhex(feed->b, sizeof feed->b, mt_slice_str(feed_hex)) == MT_OK;
    return MT_OK;
}

/* A copy has another inode, however it was made. Until the line is there the file names nobody. */
static enum mt_err add_inode(const char *path) {
    struct stat st;
    enum mt_err err = MT_OK;
    int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (fd < 0)
        return from_errno(errno);
    if (fstat(fd, &st) != 0 || dprintf(fd, "inode %llu\n", (unsigned long long)st.st_ino) < 0 ||
        fsync(fd) != 0)
        err = from_errno(errno);
    close(fd);
    return err;
}

enum mt_err mt_installation_write(const char *path, const char *machine_id_path,
                                  const struct mt_id *feed) {
    char b[512], feed_hex[HEX + 1], machine[HEX + 1];
    mt_hex(feed_hex, feed->b, sizeof feed->b);
    enum mt_err err = hash_machine(machine_id_path, machine);
    if (err != MT_OK)
        return err;
    int n = snprintf(b, sizeof b, "feed %s\nmachine %s\n", feed_hex, machine);
    err = put_file(path, (const uint8_t *)b, (size_t)n, true);
    return err ? err : add_inode(path);
}

enum mt_err mt_private_dir(const char *path) {
    struct stat st;
    if (mkdir(path, 0700) == 0)
        return sync_parent(path);
    if (errno != EEXIST)
        return from_errno(errno);
    if (stat(path, &st) != 0)
        return from_errno(errno);
    return S_ISDIR(st.st_mode) ? MT_OK : MT_ECONFLICT;
}

enum mt_err mt_lock_file(const char *path, int *fd) {
    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (*fd < 0)
        return from_errno(errno);
    if (flock(*fd, LOCK_EX | LOCK_NB) == 0)
        return MT_OK;
    enum mt_err err = errno == EWOULDBLOCK ? MT_ECONFLICT : from_errno(errno);
    close(*fd);
    *fd = -1;
    return err;
}
