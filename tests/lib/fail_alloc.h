/* fail_alloc: makes chosen allocations of the code under test fail.
 *
 * A program whose name begins with test_alloc is linked with --wrap, so that malloc, calloc,
 * realloc, strdup and strndup of everything linked into it count here; what shared libraries
 * allocate does not. The test's own code takes memory that never fails: this header, included
 * before the fixtures, hands their calls to the real functions. One thread only. */
#ifndef MEENT_TEST_FAIL_ALLOC_H
#define MEENT_TEST_FAIL_ALLOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);

/* From now on, allocation number `nth` (1 is the next) fails, and with `for_ever` all after it. */
void fail_alloc_begin(unsigned long nth, bool for_ever);

/* Ends it. Returns true when an allocation was refused. */
bool fail_alloc_end(void);

/* Allocations asked for since fail_alloc_begin. */
unsigned long fail_alloc_count(void);

#ifndef FAIL_ALLOC_SELF
#define malloc(n)       __real_malloc(n)
#define calloc(n, size) __real_calloc(n, size)
#define realloc(p, n)   __real_realloc(p, n)
#endif

#endif
