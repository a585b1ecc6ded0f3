/* calls: the system calls in which something is made to go wrong. */
#ifndef MEENT_FAULTS_CALLS_H
#define MEENT_FAULTS_CALLS_H

#include <stdbool.h>
#include <stddef.h>

enum { CALL_ERRORS = 6 };

struct call {
    const char *name;
    int nr;
    bool seen;   /* others see its effect: being killed at it and at the next one differ */
    bool halves; /* it may do less than was asked for */
    bool files;  /* it is about files: when it goes on failing, only on ours */
    int errors[CALL_ERRORS]; /* ends with 0 */
};

extern const struct call calls[];
extern const size_t n_calls;

/* NULL when it is not in the table. */
const struct call *call_named(const char *name);
const struct call *call_numbered(int nr);

/* "EIO" → EIO; 0 when unknown, and back. */
int error_named(const char *name);
const char *error_name(int error);

#endif
