/* power: a disk that fails and a plug that is pulled, under the real store.
 *
 * A program linked with this object calls it for pwrite, write, writev, fsync, fdatasync, mkdir and
 * rename, and so do the libraries it uses. What is not about a watched store goes through as it is.
 *
 * A disk here is the data file of one store, its directory, and every change to them in order. Live
 * is what a process sees; durable is what a power cut cannot take. Writes are durable once a sync
 * after them has come back, or when they were made through a descriptor that syncs (LMDB writes its
 * meta page so). Of the others any part may be there after a cut, in units of a sector, whatever
 * the order. A sync that failed leaves what it should have written to chance for good, as the
 * kernel does. Every choice follows from a seed. One thread only. */
#ifndef MEENT_TEST_POWER_H
#define MEENT_TEST_POWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct power;

enum power_fault {
    POWER_EIO,    /* that call fails; a write may or may not have got to the file */
    POWER_ENOSPC, /* that call fails; a sync is let through */
    POWER_SHORT,  /* a part is written and the call says so; others fail */
    POWER_KILL,   /* the process ends there: nothing it does later counts, what is live stays */
    POWER_OFF,    /* the power goes: power_lose says what is left */
    POWER_FAULTS
};

/* Watches `dir`/data.mdb and `dir`.new/data.mdb. What is there already is durable. `dir` is an
 * absolute path without links and exists or will be made. Ends the program when out of memory. */
struct power *power_new(const char *dir, uint64_t seed);
void power_free(struct power *p); /* NULL is fine */

/* Call number `nth` from now on (1 is the next) that writes or syncs the data file, makes or renames
 * its directory, or syncs a directory of it, meets `fault`. */
void power_arm(struct power *p, uint64_t nth, enum power_fault fault);

/* Whether it did, since power_arm. Disarms. After KILL and OFF every call fails until this. */
bool power_struck(struct power *p);

/* While full, what would make the file longer fails with ENOSPC. */
void power_full(struct power *p, bool is_full);

/* Such calls so far. */
uint64_t power_calls(const struct power *p);

/* Notes that the program promised something here. Numbers grow. */
void power_mark(struct power *p, uint64_t promise);

/* Steps recorded so far: one for each write, sync, mark and change of a name. */
size_t power_steps(const struct power *p);

/* Forgets the past: what is live is what power_cut can give, with what is not synced yet open. */
void power_trim(struct power *p);

/* The disk as a power cut may leave it. */
struct power_state {
    bool has_dir, has_new,
        has_file;   /* `dir` is there, else `dir`.new, else neither; data.mdb in it */
    uint8_t *bytes; /* of data.mdb. Owned by the disk, until the next call */
    size_t n;
    uint64_t promise; /* the last mark before the cut */
    size_t open;      /* sectors of the file that the cut could decide about */
    size_t kept;      /* and those of them that it kept */
};

/* A cut while step `at` is under way: all steps before it are done, none after it has begun.
 * `at` == power_steps: nothing was under way. Quick when `at` does not fall from call to call. */
void power_cut(struct power *p, size_t at, uint64_t seed, struct power_state *out);

/* Builds that state in `dir` (and `dir`.new), in place of what was there. */
bool power_build(const struct power_state *state, const char *dir);

/* The cut happens to the watched store itself, at the last step of all, or in it when POWER_OFF
 * struck: the file is written anew, and is what is durable from now on. */
bool power_lose(struct power *p, uint64_t seed);

/* Whether the file is, byte for byte, what was recorded as live: nothing wrote past us. */
bool power_agrees(const struct power *p);

/* The next number of a chance that follows from its state. */
uint64_t power_draw(uint64_t *state);

#endif
