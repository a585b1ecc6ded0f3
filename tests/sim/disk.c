/* disk: a directory for each store, in memory where the machine has such a file system, on a disk
 * that is made up.
 *
 * Every store writes and syncs as it does on a real one, and tests/lib/power keeps track. Any call
 * of a commit may fail, be cut short, find the disk full, or be the last one: the process ends there,
 * or the power goes with it. Whenever a host is down the power may have been gone too; then what was
 * not synced is there in part, in any order, or not at all. */
#include "sim.h"

#include "power.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    CALLS = 10,         /* of most commits */
    FULL_MS_MAX = 3000, /* how long a disk is full */
    DOWN_MS_MAX = 10000,
    POWER_GOES = 400, /* per mille of the times that a host is down */
    CRASHES_IN = 3,   /* one in so many looks at which a host may crash is during a commit */
};

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

bool disk_restore(const struct sim *s, struct host *h) {
    disk_stop(h);
    return keep(s, h, "copy", true);
}

bool disk_save(const struct sim *s, const struct host *h) {
    return keep(s, h, "saved", false);
}

bool disk_undo(const struct sim *s, struct host *h) {
    disk_stop(h);
    return keep(s, h, "saved", true);
}

/* ---- what goes wrong with it ---- */

void disk_start(struct sim *s, struct host *h) {
    char dir[128];
    if (h->power)
        return;
    disk_path(s, h, dir, sizeof dir);
    h->power = power_new(dir, chance_next(&s->chance));
}

void disk_stop(struct host *h) {
    power_free(h->power);
    h->power = NULL;
}

bool disk_is_lazy(const struct sim *s) {
    return s->plant == PLANT_EAGER;
}

/* What is going to happen to a commit; none: POWER_FAULTS. */
static enum power_fault draw_fault(struct sim *s, struct host *h) {
    if (chance_hits(&s->chance, (unsigned)s->plan.full_disk))
        h->full_until_ms = s->now_ms + chance_below(&s->chance, FULL_MS_MAX);
    power_full(h->power, s->now_ms < h->full_until_ms);
    if (chance_hits(&s->chance, (unsigned)s->plan.io_error))
        return (enum power_fault)chance_between(&s->chance, POWER_EIO, POWER_SHORT);
    if (chance_hits(&s->chance, (unsigned)s->plan.crash) &&
        chance_below(&s->chance, CRASHES_IN) == 0)
        return (enum power_fault)chance_between(&s->chance, POWER_KILL, POWER_OFF);
    return POWER_FAULTS;
}

static void end_in_commit(struct sim *s, struct host *h, bool power_goes) {
    sim_note(s, h->index, "ends in the middle of a commit");
    host_crash(s, h);
    if (power_goes)
        disk_lose(s, h);
    sim_at(s, chance_between(&s->chance, 200, DOWN_MS_MAX),
           (struct event){.what = AT_RESTART, .host = h->index});
}

bool disk_apply(struct sim *s, struct host *h) {
    enum power_fault fault = s->is_calm ? POWER_FAULTS : draw_fault(s, h);
    if (s->is_calm)
        power_full(h->power, false);
    if (fault != POWER_FAULTS)
        power_arm(h->power, chance_between(&s->chance, 1, CALLS), fault);
    plant_apply(s, h);
    bool struck = fault != POWER_FAULTS && power_struck(h->power);
    if (struck && fault >= POWER_KILL) {
        end_in_commit(s, h, fault == POWER_OFF);
        return false;
    }
    enum mt_err err = h->away->err;
    if (err && !struck && s->now_ms >= h->full_until_ms)
        sim_fail(s, "org%d: a batch was not applied: %s (%s)", h->index, mt_err_code(err),
                 mt_store_detail(h->store));
    if (err)
        sim_note(s, h->index, "disk: %s", mt_err_code(err));
    power_trim(h->power);
    return true;
}

void disk_lose(struct sim *s, struct host *h) {
    sim_note(s, h->index, "the power is gone");
    if (!power_lose(h->power, chance_next(&s->chance)))
        sim_fail(s, "org%d: its disk cannot be written anew", h->index);
}

void disk_crash(struct sim *s, struct host *h) {
    if (chance_hits(&s->chance, POWER_GOES))
        disk_lose(s, h);
}
