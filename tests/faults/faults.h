/* faults: what the driver and the library in the faulty process share.
 *
 * The driver maps a file with a struct fault and names it in MEENT_FAULT; preload.c, loaded into the
 * program with LD_PRELOAD, maps the same file, counts the system calls and allocations that the
 * program makes and lets one of them go wrong. A story has phases, and calls are counted from the
 * start of each, so that the nth call of a run is nearly the nth of the next. */
#ifndef MEENT_FAULTS_H
#define MEENT_FAULTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { FAULT_CALLS = 512, FAULT_PHASES = 6, FAULT_SITES = 1 << 17, FAULT_PATH = 192 };

enum fault_kind {
    FAULT_NONE,
    FAULT_KILL,  /* SIGKILL instead of the call */
    FAULT_ERROR, /* the call fails */
    FAULT_SHORT, /* a read or write does half of what it was asked for */
    FAULT_ALLOC, /* an allocation fails */
    FAULT_DISK,  /* what writes to our files fails, whichever call it is */
    FAULT_KINDS
};

/* What is to happen. */
struct fault_plan {
    enum fault_kind kind;
    int call;  /* system call number; not for FAULT_ALLOC and FAULT_DISK */
    int error; /* errno */
    unsigned phase;
    uint32_t nth; /* 1 is the first of its phase */
    bool lasting; /* and all after it, in every phase */
    bool own;     /* only calls about files below `dir` */
    bool trace;   /* note the call site of each allocation */
};

struct fault {
    struct fault_plan plan;
    char dir[FAULT_PATH];  /* the state directory */
    _Atomic unsigned now;  /* the phase the driver is in */
    _Atomic bool over;     /* the fault has gone */
    _Atomic bool in_force; /* lasting: the nth came */
    /* what happened */
    _Atomic bool loaded;
    _Atomic uint32_t count[FAULT_PHASES][FAULT_CALLS], own_count[FAULT_PHASES][FAULT_CALLS];
    _Atomic uint32_t allocations[FAULT_PHASES], disk[FAULT_PHASES];
    _Atomic uint32_t struck;
    char what[FAULT_PATH]; /* the path of the first call that was struck, if it has one */
    uint32_t site[FAULT_PHASES][FAULT_SITES];
};

#endif
