#include "surroundings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static enum mt_err say(enum mt_err err, const char *text, const char **why) {
    *why = text;
    return err;
}

/* The directory that `path` is in, as a descriptor to look up names in; -1 with errno. */
static int open_parent(const char *path) {
    const char *slash = strrchr(path, '/');
    char *dir = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
    int fd = dir ? open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
    int saved = errno;
    free(dir);
    errno = saved;
    return fd;
}

static enum mt_err may_make_in(int dir, const char **why) {
    if (faccessat(dir, ".", W_OK | X_OK, 0) == 0)
        return MT_OK;
    return say(errno == EROFS ? MT_EREADONLY : MT_EDENIED, strerror(errno), why);
}

enum mt_err mt_see_dir(const char *path, bool *there, const char **why) {
    struct stat st;
    *there = lstat(path, &st) == 0;
    if (!*there && errno != ENOENT)
        return say(MT_EDENIED, strerror(errno), why);
    if (!*there) {
        int parent = open_parent(path);
        if (parent < 0)
            return say(errno == ENOENT ? MT_ENOTFOUND : MT_EDENIED,
                       "the directory it is to be made in cannot be used", why);
        enum mt_err err = may_make_in(parent, why);
        (void)close(parent);
        return err;
    }
    if (stat(path, &st) != 0)
        return say(errno == ENOENT ? MT_ENOTFOUND : MT_EDENIED, "a link that leads nowhere", why);
    if (!S_ISDIR(st.st_mode))
        return say(MT_ECONFLICT, "it is no directory", why);
    if (access(path, R_OK | W_OK | X_OK) != 0)
        return say(errno == EROFS ? MT_EREADONLY : MT_EDENIED, strerror(errno), why);
    return MT_OK;
}

enum mt_err mt_see_store(const char *dir, const char **why) {
    static const char *const names[] = {"data.mdb", "lock.mdb"};
    struct stat st;
    if (stat(dir, &st) != 0)
        return errno == ENOENT ? MT_OK : say(MT_EDENIED, strerror(errno), why);
    if (!S_ISDIR(st.st_mode))
        return say(MT_ECONFLICT, "it is no directory", why);
    if (access(dir, R_OK | W_OK | X_OK) != 0)
        return say(MT_EDENIED, strerror(errno), why);
    int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    bool denied = fd < 0;
    for (size_t i = 0; !denied && i < MT_ARRAY_LEN(names); i++)
        denied = faccessat(fd, names[i], R_OK | W_OK, 0) != 0 && errno != ENOENT;
    if (denied)
        (void)say(MT_EDENIED, strerror(errno), why);
    if (fd >= 0)
        (void)close(fd);
    return denied ? MT_EDENIED : MT_OK;
}

/* Whether nobody answers at a socket, which is then removed at a start. The name in its directory may
 * be longer than a socket address holds with the directory's. */
static bool is_stale(int dir, const char *name) {
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int n = snprintf(at.sun_path, sizeof at.sun_path, "/proc/self/fd/%d/%s", dir, name);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool stale = n > 0 && (size_t)n < sizeof at.sun_path && fd >= 0 &&
                 connect(fd, (const struct sockaddr *)&at, sizeof at) != 0 && errno == ECONNREFUSED;
    if (fd >= 0)
        (void)close(fd);
    return stale;
}

enum mt_err mt_see_socket(const char *path, bool own_dir, const char **why) {
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    struct stat st;
    int dir = open_parent(path);
    if (dir < 0 && errno == ENOENT)
        return own_dir ? say(MT_ENOTFOUND, "its directory does not exist", why) : MT_OK;
    if (dir < 0)
        return say(MT_EDENIED, strerror(errno), why);
    enum mt_err err = own_dir ? may_make_in(dir, why) : MT_OK;
    if (err == MT_OK && fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
        if (!S_ISSOCK(st.st_mode))
            err = say(MT_ECONFLICT, "something that is no socket stands there", why);
        else if (!is_stale(dir, name))
            err = say(MT_ECONFLICT, "another daemon answers there", why);
    }
    (void)close(dir);
    return err;
}
