/* power_internal: what the recorder and the calls share. */
#ifndef MEENT_TEST_POWER_INTERNAL_H
#define MEENT_TEST_POWER_INTERNAL_H

#include "power.h"

#include <sys/types.h>
#include <sys/uio.h>

enum { SECTOR = 512, PATH_SIZE = 256, LOCK_SIZE = 8192 };

#define POWER_FRESH ".new"

enum kind { K_WRITE, K_SYNC, K_FAILED_SYNC, K_MKDIR, K_RENAME, K_BORN, K_DIR, K_PARENT, K_MARK };

/* One step. A write holds whole sectors, as they stood in the page cache after it. */
struct step {
    enum kind kind;
    bool is_synced; /* through a descriptor that syncs */
    uint64_t at;    /* WRITE: offset, a multiple of SECTOR */
    uint64_t size;  /* WRITE: of the file afterwards */
    uint64_t value; /* MARK: the promise; FAILED_SYNC: seed of what it wrote all the same */
    size_t n;
    uint8_t *bytes;
};

struct image {
    uint8_t *p;
    size_t n, cap;
};

enum level { ABSENT, TEMPORARY, FINAL };

/* Which names there are. The directory's names change in this order and no other. */
struct names {
    enum level live, durable;
    bool born, entry; /* data.mdb is in it; durably */
};

struct power {
    struct power *next;
    char dir[PATH_SIZE], fresh[PATH_SIZE], parent[PATH_SIZE];
    bool is_known; /* the data file: */
    dev_t device;
    ino_t inode;
    struct image live, first, base, out; /* first: before step 0; base: durable at `settled` */
    struct names live_names, first_names, base_names;
    uint64_t first_promise;
    struct step *steps;
    size_t n, cap, settled;
    uint64_t chance, calls, left;
    enum power_fault fault;
    bool is_armed, has_struck, is_dead, is_under_way, is_full;
};

/* ---- power_calls.c ---- */

/* What the C library does. */
struct power_real {
    bool is_set;
    ssize_t (*pwrite)(int, const void *, size_t, off_t);
    ssize_t (*write)(int, const void *, size_t);
    ssize_t (*writev)(int, const struct iovec *, int);
    int (*fsync)(int), (*fdatasync)(int);
    int (*mkdir)(const char *, mode_t);
    int (*rename)(const char *, const char *);
};
const struct power_real *power_real(void);

void power_join(struct power *p); /* from now on the calls know it */
void power_leave(struct power *p);

/* ---- power.c ---- */

void power_need(bool ok, const char *what); /* or the program ends */
void power_add_write(struct power *p, uint64_t at, const void *bytes, size_t n, bool is_synced);
void power_add_sync(struct power *p, bool has_failed);
void power_add_name(struct power *p, enum kind kind);

/* Another file stands where the data file was. */
void power_add_file(struct power *p, dev_t device, ino_t inode);

#endif
