/* Opening the environment.
 *
 * A new one is made in "<dir>.new" beside its place, synced, and renamed, so that a place either
 * holds a whole environment or none. An existing one is walked by a child process before this
 * process maps it: LMDB trusts its pages, and damage would end the daemon instead of the child. The
 * directory stays locked while the store is open, since LMDB does not survive being opened twice in
 * one process and the chains inside would not survive two writers. */
#include "store_internal.h"

#include "box.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char KEY_NAME[] = "key";
static const char KEY_TEXT[] = "meent store";
enum { KEY_TEXT_SIZE = sizeof KEY_TEXT - 1, DIR_MODE = 0700, FILE_MODE = 0600 };

const char *const mt_store_table_names[T_COUNT] = {
    "meta",    "state",   "gov",   "orgs",  "chains", "entries",
    "waiting", "records", "rowid", "index", "recent",
};

static enum mt_err say_errno(struct mt_store *s, const char *what) {
    return mt_store_fault(s, errno, what);
}

static enum mt_err path_of(struct mt_store *s, const char *suffix, char **out) {
    size_t n = strlen(s->dir) + strlen(suffix) + 1;
    *out = malloc(n);
    if (!*out)
        return MT_ENOMEM;
    (void)snprintf(*out, n, "%s%s", s->dir, suffix);
    return MT_OK;
}

static enum mt_err env_new(struct mt_store *s, uint64_t map_bytes) {
    int rc = mdb_env_create(&s->env);
    if (rc == 0)
        rc = mdb_env_set_maxdbs(s->env, T_COUNT);
    if (rc == 0)
        rc = mdb_env_set_maxreaders(s->env, STORE_READERS_MAX);
    if (rc == 0)
        rc = mdb_env_set_mapsize(s->env, map_bytes ? (size_t)map_bytes : STORE_MAP_DEFAULT);
    return mt_store_fault(s, rc, "preparing the environment");
}

static void env_close(struct mt_store *s) {
    if (s->env)
        mdb_env_close(s->env);
    s->env = NULL;
}

static enum mt_err open_tables(struct mt_store *s, bool create) {
    MDB_txn *txn;
    int rc = mdb_txn_begin(s->env, NULL, create ? 0 : MDB_RDONLY, &txn);
    if (rc)
        return mt_store_fault(s, rc, "opening the tables");
    for (int i = 0; i < T_COUNT && rc == 0; i++)
        rc = mdb_dbi_open(txn, mt_store_table_names[i], create ? MDB_CREATE : 0, &s->tables[i]);
    if (rc) {
        mdb_txn_abort(txn);
        return mt_store_fault(s, rc, "opening the tables");
    }
    return mt_store_fault(s, mdb_txn_commit(txn), "opening the tables");
}

static enum mt_err sync_dir(struct mt_store *s, const char *path) {
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return say_errno(s, "opening a directory");
    int rc = fsync(fd) ? errno : 0;
    (void)close(fd);
    return mt_store_fault(s, rc, "syncing a directory");
}

static enum mt_err sync_parent(struct mt_store *s) {
    char *parent;
    enum mt_err err = path_of(s, "/..", &parent);
    if (err)
        return err;
    err = sync_dir(s, parent);
    free(parent);
    return err;
}

/* Writes what every environment begins with. */
static enum mt_err write_marks(struct mt_store *s) {
    struct mt_txn t;
    uint8_t sealed[KEY_TEXT_SIZE + MT_REST_OVERHEAD];
    struct mt_writer w = mt_writer(sealed, sizeof sealed);
    enum mt_err err = mt_rest_seal(s->secrets->store, "meta", mt_slice_str(KEY_NAME),
                                   mt_slice(KEY_TEXT, KEY_TEXT_SIZE), &w);
    if (err)
        return err;
    mt_txn_begin(&t, s, true);
    mt_txn_put(&t, T_META, mt_slice_str(KEY_NAME), mt_writer_slice(&w));
    mt_txn_put_number(&t, "format", STORE_FORMAT);
    return mt_txn_end(&t, true);
}

/* Removes what a creation that was cut short left behind. */
static void remove_remains(const char *temporary) {
    int fd = open(temporary, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    (void)unlinkat(fd, "data.mdb", 0);
    (void)unlinkat(fd, "lock.mdb", 0);
    (void)close(fd);
    (void)rmdir(temporary);
}

static enum mt_err fill_new(struct mt_store *s, const char *temporary) {
    enum mt_err err = env_new(s, 0);
    if (err)
        return err;
    err = mt_store_fault(s, mdb_env_open(s->env, temporary, MDB_NOTLS, FILE_MODE),
                         "creating the environment");
    if (err == MT_OK)
        err = open_tables(s, true);
    if (err == MT_OK)
        err = write_marks(s);
    if (err == MT_OK)
        err = mt_store_fault(s, mdb_env_sync(s->env, 1), "syncing the environment");
    env_close(s);
    return err ? err : sync_dir(s, temporary);
}

static enum mt_err create(struct mt_store *s) {
    char *temporary;
    enum mt_err err = path_of(s, ".new", &temporary);
    if (err)
        return err;
    remove_remains(temporary);
    if (mkdir(temporary, DIR_MODE))
        err = say_errno(s, "creating the directory of the store");
    else
        err = fill_new(s, temporary);
    if (err == MT_OK && rename(temporary, s->dir))
        err = errno == ENOTEMPTY || errno == EEXIST
                  ? mt_store_say(s, MT_ECORRUPT, "the directory holds files but no data.mdb")
                  : say_errno(s, "renaming the new store");
    if (err == MT_OK)
        err = sync_parent(s);
    if (err)
        remove_remains(temporary);
    free(temporary);
    return err;
}

static enum mt_err create_when_absent(struct mt_store *s) {
    char *data;
    struct stat st;
    enum mt_err err = path_of(s, "/data.mdb", &data);
    if (err)
        return err;
    int missing = stat(data, &st) ? errno : 0;
    free(data);
    if (missing == ENOENT)
        return create(s);
    return mt_store_fault(s, missing, "looking for the store");
}

static enum mt_err lock_dir(struct mt_store *s) {
    s->dir_fd = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (s->dir_fd < 0)
        return say_errno(s, "opening the directory of the store");
    if (flock(s->dir_fd, LOCK_EX | LOCK_NB) == 0)
        return MT_OK;
    if (errno == EWOULDBLOCK)
        return mt_store_say(s, MT_ESTATE, "another process has the store open");
    return say_errno(s, "locking the directory of the store");
}

static enum mt_err check_marks(struct mt_store *s) {
    struct mt_txn t;
    struct mt_slice sealed;
    uint8_t plain[KEY_TEXT_SIZE];
    struct mt_writer w = mt_writer(plain, sizeof plain);
    mt_txn_begin(&t, s, false);
    if (!mt_txn_get(&t, T_META, mt_slice_str(KEY_NAME), &sealed))
        mt_txn_fail(&t, MT_ECORRUPT, "the store does not know its key");
    if (t.err == MT_OK &&
        mt_rest_open(s->secrets->store, "meta", mt_slice_str(KEY_NAME), sealed, &w))
        mt_txn_fail(&t, MT_ENOKEY, "the store was made with another store key");
    uint64_t format = mt_txn_number(&t, "format");
    if (t.err == MT_OK && format != STORE_FORMAT)
        mt_txn_fail(&t, MT_EVERSION, "the store has a format of another version");
    return mt_txn_end(&t, false);
}

/* A process that ended in the middle may have left a commit, or the store's name, where processes see
 * it and a power cut takes it. What is read from here on is told to others, so it is synced first. */
static enum mt_err sync_all(struct mt_store *s) {
    if (s->no_sync)
        return MT_OK;
    enum mt_err err = mt_store_fault(s, mdb_env_sync(s->env, 1), "syncing the store");
    return err ? err : sync_parent(s);
}

static enum mt_err env_open(struct mt_store *s, uint64_t map_bytes) {
    int dead = 0;
    enum mt_err err = env_new(s, map_bytes);
    if (err)
        return err;
    unsigned flags = MDB_NOTLS | (s->no_sync ? MDB_NOSYNC : 0);
    err = mt_store_fault(s, mdb_env_open(s->env, s->dir, flags, FILE_MODE), "opening the store");
    if (err == MT_OK)
        err = mt_store_fault(s, mdb_reader_check(s->env, &dead), "clearing dead readers");
    if (err == MT_OK)
        err = open_tables(s, false);
    return err ? err : sync_all(s);
}

enum mt_err mt_store_renew(struct mt_store *s) {
    uint64_t used, map;
    mt_store_size(s, &used, &map);
    pthread_rwlock_wrlock(&s->map_lock);
    env_close(s);
    enum mt_err err = env_open(s, map);
    if (err)
        env_close(s);
    pthread_rwlock_unlock(&s->map_lock);
    return err;
}

static enum mt_err open_env(struct mt_store *s, const struct mt_store_config *config) {
    enum mt_err err = mt_store_check(s);
    if (err == MT_OK)
        err = env_open(s, config->map_bytes);
    return err ? err : check_marks(s);
}

static enum mt_err store_init(struct mt_store *s, const struct mt_store_config *config) {
    s->dir_fd = -1;
    s->no_sync = config->no_sync;
    mt_store_kinds_init(s->kinds);
    s->recent_min = config->recent_min ? config->recent_min : STORE_RECENT_MIN;
    if (pthread_rwlock_init(&s->map_lock, NULL))
        return MT_ENOMEM;
    s->detail = calloc(1, sizeof *s->detail);
    if (!s->detail || pthread_mutex_init(&s->detail->lock, NULL))
        return MT_ENOMEM;
    s->secrets = mt_secret_new(sizeof *s->secrets);
    s->opened.plain = malloc(MT_BOX_MAX);
    s->values = malloc(MT_BOX_MAX);
    s->work = mt_scratch_new();
    s->dir = strdup(config->dir);
    if (!s->secrets || !s->opened.plain || !s->values || !s->work || !s->dir)
        return MT_ENOMEM;
    memcpy(s->secrets->store, config->store_key, sizeof s->secrets->store);
    uint8_t check[32];
    mt_kdf(check, config->store_key, "store-check", NULL, NULL, 0);
    memcpy(s->secrets->check, check, sizeof s->secrets->check);
    mt_wipe(check, sizeof check);
    mt_kdf(s->secrets->index, config->store_key, "store-index", NULL, NULL, 0);
    return MT_OK;
}

enum mt_err mt_store_open(struct mt_store **out, const struct mt_store_config *config) {
    *out = NULL;
    struct mt_store *s = calloc(1, sizeof *s);
    if (!s)
        return MT_ENOMEM;
    enum mt_err err = store_init(s, config);
    if (err == MT_OK)
        err = create_when_absent(s);
    if (err == MT_OK)
        err = lock_dir(s);
    if (err == MT_OK)
        err = open_env(s, config);
    if (err) {
        if (config->why && config->why_size > 0)
            (void)snprintf(config->why, config->why_size, "%s",
                           s->detail ? mt_store_detail(s) : mt_err_text(err));
        mt_store_close(s);
        return err;
    }
    *out = s;
    return MT_OK;
}

static void free_plain(uint8_t *p) {
    if (p)
        mt_wipe(p, MT_BOX_MAX);
    free(p);
}

void mt_store_close(struct mt_store *s) {
    if (!s)
        return;
    env_close(s);
    if (s->dir_fd >= 0)
        (void)close(s->dir_fd);
    mt_scratch_free(s->work);
    free_plain(s->opened.plain);
    free_plain(s->values);
    mt_secret_free(s->secrets);
    if (s->detail)
        pthread_mutex_destroy(&s->detail->lock);
    pthread_rwlock_destroy(&s->map_lock);
    free(s->detail);
    free(s->dir);
    free(s);
}
