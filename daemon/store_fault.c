#include "store_internal.h"

#include <errno.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

enum { NEARLY_FULL = 1024 * 1024 };

/* LMDB reports a write that the file system cut short as EIO. Where there is no room left for one
 * more piece, that is what it was. */
static bool is_full(const struct mt_store *s) {
    struct statvfs fs;
    struct stat file;
    struct rlimit limit;
    int fd;
    if (!s->env || mdb_env_get_fd(s->env, &fd) || fstat(fd, &file))
        return false;
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
        (uint64_t)file.st_size + NEARLY_FULL > limit.rlim_cur)
        return true;
    return fstatvfs(fd, &fs) == 0 && (uint64_t)fs.f_bavail * fs.f_frsize < NEARLY_FULL;
}

enum mt_err mt_store_say(struct mt_store *s, enum mt_err err, const char *text) {
    pthread_mutex_lock(&s->detail->lock);
    (void)snprintf(s->detail->text, sizeof s->detail->text, "%s", text);
    pthread_mutex_unlock(&s->detail->lock);
    return err;
}

enum mt_err mt_store_fault(struct mt_store *s, int rc, const char *what) {
    char text[STORE_DETAIL_MAX];
    (void)snprintf(text, sizeof text, "%s: %s", what, mdb_strerror(rc));
    switch (rc) {
    case 0:
        return MT_OK;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case MDB_MAP_FULL:
        return mt_store_say(s, MT_ENOSPACE, text);
    case ENOMEM:
        return mt_store_say(s, MT_ENOMEM, text);
    case EIO:
        return mt_store_say(s, is_full(s) ? MT_ENOSPACE : MT_EIO, text);
    case MDB_VERSION_MISMATCH:
        return mt_store_say(s, MT_EVERSION, text);
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
    case MDB_INCOMPATIBLE:
    case MDB_CURSOR_FULL:
    case MDB_NOTFOUND:
        return mt_store_say(s, MT_ECORRUPT, text);
    case MDB_BAD_TXN:
    case MDB_BAD_DBI:
    case MDB_BAD_VALSIZE:
    case MDB_KEYEXIST:
    case EINVAL:
        return mt_store_say(s, MT_EBUG, text);
    default:
        return mt_store_say(s, MT_EIO, text);
    }
}

const char *mt_store_detail(const struct mt_store *s) {
    pthread_mutex_lock(&s->detail->lock);
    memcpy(s->detail->shown, s->detail->text, sizeof s->detail->shown);
    pthread_mutex_unlock(&s->detail->lock);
    return s->detail->shown;
}

static void measure(const struct mt_store *s, uint64_t *used, uint64_t *map) {
    MDB_envinfo info;
    MDB_stat stat;
    *used = *map = 0;
    if (!s->env || mdb_env_info(s->env, &info) || mdb_env_stat(s->env, &stat))
        return;
    *used = (info.me_last_pgno + 1) * (uint64_t)stat.ms_psize;
    *map = info.me_mapsize;
}

void mt_store_size(struct mt_store *s, uint64_t *used, uint64_t *map) {
    pthread_rwlock_rdlock(&s->map_lock);
    measure(s, used, map);
    pthread_rwlock_unlock(&s->map_lock);
}

enum mt_err mt_store_grow(struct mt_store *s, uint64_t need) {
    uint64_t used, map;
    measure(s, &used, &map);
    if (!s->env || map - used >= need)
        return MT_OK;
    uint64_t size = map;
    while (size - used < need) {
        if (size > SIZE_MAX / 2)
            return mt_store_say(s, MT_ENOSPACE, "the map cannot grow any more");
        size *= 2;
    }
    pthread_rwlock_wrlock(&s->map_lock);
    int rc = mdb_env_set_mapsize(s->env, (size_t)size);
    pthread_rwlock_unlock(&s->map_lock);
    if (rc == ENOMEM)
        return mt_store_say(s, MT_ENOSPACE, "no address space for a larger map");
    return mt_store_fault(s, rc, "growing the map");
}

enum mt_err mt_store_after(struct mt_store *s, enum mt_err err, bool map_full) {
    uint64_t used, map;
    if (err == MT_OK || !map_full)
        return err;
    measure(s, &used, &map);
    err = mt_store_grow(s, map - used + 1);
    return err ? err : MT_EAGAIN;
}
