#include "power_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

uint64_t power_draw(uint64_t *state) {
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static bool flip(uint64_t *state) {
    return power_draw(state) & 1;
}

void power_need(bool ok, const char *what) {
    if (ok)
        return;
    (void)fprintf(stderr, "power: %s\n", what);
    abort();
}

/* ---- images ---- */

static void image_size(struct image *i, size_t n) {
    if (n > i->cap) {
        i->cap = n + n / 2 + 65536;
        i->p = realloc(i->p, i->cap);
        power_need(i->p != NULL, "out of memory");
    }
    if (n > i->n)
        memset(i->p + i->n, 0, n - i->n);
    i->n = n;
}

static void image_write(struct image *i, uint64_t at, const void *p, size_t n) {
    if (at + n > i->n)
        image_size(i, at + n);
    memcpy(i->p + at, p, n);
}

static void image_copy(struct image *to, const struct image *from) {
    image_size(to, from->n);
    if (from->n)
        memcpy(to->p, from->p, from->n);
}

static bool image_read(struct image *i, const char *path) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    bool ok = fd >= 0 && fstat(fd, &st) == 0;
    if (ok) {
        image_size(i, (size_t)st.st_size);
        ok = pread(fd, i->p, i->n, 0) == (ssize_t)i->n;
    }
    if (fd >= 0)
        (void)close(fd);
    return ok;
}

/* ---- steps ---- */

static struct step *add(struct power *p, enum kind kind) {
    if (p->n == p->cap) {
        p->cap = p->cap ? p->cap * 2 : 256;
        p->steps = realloc(p->steps, p->cap * sizeof *p->steps);
        power_need(p->steps != NULL, "out of memory");
    }
    p->steps[p->n] = (struct step){.kind = kind};
    return &p->steps[p->n++];
}

void power_add_write(struct power *p, uint64_t at, const void *bytes, size_t n, bool is_synced) {
    image_write(&p->live, at, bytes, n);
    uint64_t from = at - at % SECTOR, to = (at + n + SECTOR - 1) / SECTOR * SECTOR;
    if (to > p->live.n)
        to = p->live.n;
    struct step *s = add(p, K_WRITE);
    s->is_synced = is_synced;
    s->at = from;
    s->size = p->live.n;
    s->n = (size_t)(to - from);
    s->bytes = malloc(s->n);
    power_need(s->bytes != NULL, "out of memory");
    memcpy(s->bytes, p->live.p + from, s->n);
}

static void name_step(struct names *names, enum kind kind) {
    switch (kind) {
    case K_MKDIR:
        *names = (struct names){.live = TEMPORARY};
        break;
    case K_BORN:
        names->born = true;
        names->entry = false;
        break;
    case K_RENAME:
        names->live = FINAL;
        break;
    case K_DIR:
        names->entry = names->born;
        break;
    case K_PARENT:
        names->durable = names->live;
        break;
    default:
        break;
    }
}

void power_add_name(struct power *p, enum kind kind) {
    (void)add(p, kind);
    name_step(&p->live_names, kind);
}

void power_add_sync(struct power *p, bool has_failed) {
    struct step *s = add(p, has_failed ? K_FAILED_SYNC : K_SYNC);
    s->value = has_failed ? power_draw(&p->chance) : 0;
}

void power_add_file(struct power *p, dev_t device, ino_t inode) {
    p->is_known = true;
    p->device = device;
    p->inode = inode;
    image_size(&p->live, 0);
    power_add_name(p, K_BORN);
}

/* ---- what is left ---- */

/* How a cut chooses among the writes that are open. */
enum way { NOTHING, EVERYTHING, IN_ORDER, WHOLE, SCATTERED, TORN, WAYS };

struct dice {
    uint64_t chance;
    enum way way;
    uint64_t of_1000;
    size_t which; /* IN_ORDER: the last one that was begun; TORN: the torn one */
    bool others;
    size_t from, to; /* sectors of that one */
};

static struct dice roll(uint64_t seed, size_t n_open) {
    static const uint64_t often[] = {30, 200, 500, 800, 970};
    struct dice d = {.chance = seed};
    d.way = (enum way)(power_draw(&d.chance) % WAYS);
    d.of_1000 = often[power_draw(&d.chance) % (sizeof often / sizeof often[0])];
    d.which = n_open ? power_draw(&d.chance) % n_open : 0;
    d.others = flip(&d.chance);
    return d;
}

static bool hits(struct dice *d) {
    return power_draw(&d->chance) % 1000 < d->of_1000;
}

/* Prepares for open write number `k` of `n` sectors. Returns whether all of it goes one way, which
 * is then in `*keep`. */
static bool decide(struct dice *d, size_t k, size_t n, bool *keep) {
    switch (d->way) {
    case NOTHING:
    case EVERYTHING:
        *keep = d->way == EVERYTHING;
        return true;
    case WHOLE:
        *keep = hits(d);
        return true;
    case IN_ORDER:
        d->from = 0;
        d->to = power_draw(&d->chance) % (n + 1);
        *keep = k < d->which;
        return k != d->which;
    case TORN:
        d->from = power_draw(&d->chance) % n;
        d->to = d->from + 1 + power_draw(&d->chance) % (n - d->from);
        *keep = d->others;
        return k != d->which;
    default:
        return false;
    }
}

static bool keeps_sector(struct dice *d, size_t i) {
    bool within = i >= d->from && i < d->to;
    if (d->way == SCATTERED)
        return hits(d);
    return d->way == TORN ? within != d->others : within;
}

static void put_open(struct image *to, const struct step *s, struct dice *d, size_t k,
                     struct power_state *out) {
    size_t n = (s->n + SECTOR - 1) / SECTOR;
    bool keep = false, whole = decide(d, k, n, &keep);
    for (size_t i = 0; i < n; i++) {
        size_t at = i * SECTOR, len = s->n - at < SECTOR ? s->n - at : SECTOR;
        out->open++;
        if (whole ? !keep : !keeps_sector(d, i))
            continue;
        out->kept++;
        image_write(to, s->at + at, s->bytes + at, len);
    }
}

/* Whether a cut while step `at` is under way can still take the write `i`. */
static bool is_open(const struct power *p, size_t i, size_t at) {
    return p->steps[i].kind == K_WRITE && (i == at || !p->steps[i].is_synced);
}

/* Puts the writes from `from` to `to` (not included) into an image, by the dice where they are
 * open. */
static void put_writes(const struct power *p, struct image *image, size_t from, size_t to,
                       size_t at, uint64_t seed, struct power_state *out) {
    size_t n_open = 0, k = 0;
    for (size_t i = from; i < to; i++)
        n_open += is_open(p, i, at);
    struct dice d = roll(seed, n_open);
    for (size_t i = from; i < to; i++) {
        const struct step *s = &p->steps[i];
        if (is_open(p, i, at))
            put_open(image, s, &d, k++, out);
        else if (s->kind == K_WRITE)
            image_write(image, s->at, s->bytes, s->n);
    }
    if (n_open && power_draw(&d.chance) % 4 == 0) /* longer already, and nothing in it yet */
        for (size_t i = from; i < to; i++)
            if (p->steps[i].kind == K_WRITE && p->steps[i].size > image->n)
                image_size(image, p->steps[i].size);
}

static void settle_step(struct power *p, size_t i) {
    const struct step *s = &p->steps[i];
    struct power_state unused = {0};
    name_step(&p->base_names, s->kind);
    if (s->kind == K_BORN)
        image_size(&p->base, 0);
    if (s->kind == K_FAILED_SYNC)
        put_writes(p, &p->base, p->settled, i, SIZE_MAX, s->value, &unused);
    for (size_t k = p->settled; s->kind == K_SYNC && k < i; k++)
        if (p->steps[k].kind == K_WRITE)
            image_write(&p->base, p->steps[k].at, p->steps[k].bytes, p->steps[k].n);
}

static bool ends_doubt(enum kind kind) {
    return kind == K_SYNC || kind == K_FAILED_SYNC || kind == K_BORN;
}

/* Brings `base` to the last sync before step `at`. */
static void settle(struct power *p, size_t at) {
    if (at < p->settled) {
        image_copy(&p->base, &p->first);
        p->base_names = p->first_names;
        p->settled = 0;
    }
    size_t end = at;
    while (end > p->settled && !ends_doubt(p->steps[end - 1].kind))
        end--;
    for (size_t i = p->settled; i < end; i++) {
        settle_step(p, i);
        if (ends_doubt(p->steps[i].kind))
            p->settled = i + 1;
    }
}

static void choose_names(const struct power *p, size_t at, uint64_t *chance,
                         struct power_state *out) {
    struct names names = p->base_names;
    for (size_t i = p->settled; i < at; i++)
        name_step(&names, p->steps[i].kind);
    if (at < p->n && p->steps[at].kind != K_DIR && p->steps[at].kind != K_PARENT)
        name_step(&names, p->steps[at].kind);
    enum level level = names.durable;
    while (level < names.live && flip(chance))
        level++;
    out->has_dir = level == FINAL;
    out->has_new = level == TEMPORARY;
    out->has_file = level != ABSENT && names.born && (names.entry || flip(chance));
}

void power_cut(struct power *p, size_t at, uint64_t seed, struct power_state *out) {
    uint64_t chance = seed;
    *out = (struct power_state){.promise = p->first_promise};
    settle(p, at);
    image_copy(&p->out, &p->base);
    for (size_t i = 0; i < at; i++)
        if (p->steps[i].kind == K_MARK)
            out->promise = p->steps[i].value;
    put_writes(p, &p->out, p->settled, at < p->n ? at + 1 : at, at, power_draw(&chance), out);
    choose_names(p, at, &chance, out);
    out->bytes = p->out.p;
    out->n = p->out.n;
}

static void remove_dir(const char *dir) {
    char path[PATH_SIZE + 16];
    (void)snprintf(path, sizeof path, "%s/data.mdb", dir);
    (void)unlink(path);
    (void)snprintf(path, sizeof path, "%s/lock.mdb", dir);
    (void)unlink(path);
    (void)rmdir(dir);
}

static bool put_file(const char *path, const void *p, size_t n) {
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    bool ok =
        fd >= 0 && power_real()->pwrite(fd, p, n, 0) == (ssize_t)n && ftruncate(fd, (off_t)n) == 0;
    if (fd >= 0)
        (void)close(fd);
    return ok;
}

/* The lock file is not synced by anyone: it holds anything. */
bool power_build(const struct power_state *state, const char *dir) {
    char fresh[PATH_SIZE + 8], path[PATH_SIZE + 24], lock[LOCK_SIZE];
    const char *to = state->has_dir ? dir : fresh;
    (void)snprintf(fresh, sizeof fresh, "%s%s", dir, POWER_FRESH);
    remove_dir(state->has_dir ? fresh : dir);
    if (!state->has_dir && !state->has_new)
        remove_dir(fresh);
    if (!state->has_dir && !state->has_new)
        return true;
    (void)snprintf(path, sizeof path, "%s/data.mdb", to);
    if (power_real()->mkdir(to, 0700) && errno != EEXIST)
        return false;
    if (!state->has_file)
        return unlink(path) == 0 || errno == ENOENT;
    bool ok = put_file(path, state->bytes, state->n);
    memset(lock, 0xa5, sizeof lock);
    (void)snprintf(path, sizeof path, "%s/lock.mdb", to);
    return put_file(path, lock, sizeof lock) && ok;
}

/* ---- the life of a disk ---- */

static void forget(struct power *p) {
    for (size_t i = 0; i < p->n; i++)
        free(p->steps[i].bytes);
    p->n = p->settled = 0;
}

/* What the file holds now is durable. */
static void begin(struct power *p) {
    char path[PATH_SIZE + 16];
    struct stat st;
    forget(p);
    (void)snprintf(path, sizeof path, "%s/data.mdb", p->dir);
    p->is_known = stat(path, &st) == 0;
    image_size(&p->live, 0);
    p->live_names = (struct names){0};
    if (p->is_known) {
        power_need(image_read(&p->live, path), "the data file cannot be read");
        p->device = st.st_dev;
        p->inode = st.st_ino;
        p->live_names = (struct names){FINAL, FINAL, true, true};
    }
    image_copy(&p->first, &p->live);
    image_copy(&p->base, &p->live);
    p->first_names = p->base_names = p->live_names;
}

struct power *power_new(const char *dir, uint64_t seed) {
    struct power *p = calloc(1, sizeof *p);
    power_need(p && dir[0] == '/' && strlen(dir) + sizeof POWER_FRESH <= sizeof p->dir,
               "no such directory");
    p->chance = seed;
    (void)snprintf(p->dir, sizeof p->dir, "%s", dir);
    (void)snprintf(p->fresh, sizeof p->fresh, "%.*s%s", (int)(PATH_SIZE - sizeof POWER_FRESH), dir,
                   POWER_FRESH);
    (void)snprintf(p->parent, sizeof p->parent, "%.*s", (int)(strrchr(dir, '/') - dir), dir);
    begin(p);
    power_join(p);
    return p;
}

void power_free(struct power *p) {
    if (!p)
        return;
    power_leave(p);
    forget(p);
    free(p->steps);
    free(p->live.p);
    free(p->first.p);
    free(p->base.p);
    free(p->out.p);
    free(p);
}

void power_arm(struct power *p, uint64_t nth, enum power_fault fault) {
    p->left = nth;
    p->fault = fault;
    p->is_armed = true;
    p->has_struck = false;
}

bool power_struck(struct power *p) {
    p->is_armed = p->is_dead = false;
    return p->has_struck;
}

void power_full(struct power *p, bool is_full) {
    p->is_full = is_full;
}

uint64_t power_calls(const struct power *p) {
    return p->calls;
}

void power_mark(struct power *p, uint64_t promise) {
    add(p, K_MARK)->value = promise;
}

size_t power_steps(const struct power *p) {
    return p->n;
}

void power_trim(struct power *p) {
    settle(p, p->n);
    size_t gone = p->settled;
    for (size_t i = 0; i < gone; i++) {
        if (p->steps[i].kind == K_MARK)
            p->first_promise = p->steps[i].value;
        free(p->steps[i].bytes);
    }
    p->n -= gone;
    p->settled = 0;
    memmove(p->steps, p->steps + gone, p->n * sizeof *p->steps);
    image_copy(&p->first, &p->base);
    p->first_names = p->base_names;
}

bool power_lose(struct power *p, uint64_t seed) {
    struct power_state state;
    power_cut(p, p->is_under_way ? p->n - 1 : p->n, seed, &state);
    bool ok = power_build(&state, p->dir);
    p->is_under_way = p->is_dead = p->is_armed = false;
    begin(p);
    return ok;
}

bool power_agrees(const struct power *p) {
    char path[PATH_SIZE + 16];
    struct image file = {0};
    (void)snprintf(path, sizeof path, "%s/data.mdb", p->dir);
    bool same = image_read(&file, path) && file.n == p->live.n &&
                (!file.n || memcmp(file.p, p->live.p, file.n) == 0);
    free(file.p);
    return same;
}
