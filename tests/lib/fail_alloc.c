#define FAIL_ALLOC_SELF
#include "fail_alloc.h"

void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
char *__wrap_strdup(const char *s);
char *__wrap_strndup(const char *s, size_t n);

static struct {
    bool on, for_ever, refused;
    unsigned long nth, count;
} plan;

void fail_alloc_begin(unsigned long nth, bool for_ever) {
    plan.count = 0;
    plan.nth = nth;
    plan.for_ever = for_ever;
    plan.refused = false;
    plan.on = true;
}

bool fail_alloc_end(void) {
    plan.on = false;
    return plan.refused;
}

unsigned long fail_alloc_count(void) {
    return plan.count;
}

static bool refuse(void) {
    if (!plan.on)
        return false;
    plan.count++;
    bool no = plan.for_ever ? plan.count >= plan.nth : plan.count == plan.nth;
    plan.refused |= no;
    return no;
}

void *__wrap_malloc(size_t n) {
    return refuse() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size) {
    return refuse() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n) {
    return refuse() ? NULL : __real_realloc(p, n);
}

static char *copy_of(const char *s, size_t n) {
    char *p = refuse() ? NULL : __real_malloc(n + 1);
    if (p) {
        memcpy(p, s, n);
        p[n] = 0;
    }
    return p;
}

char *__wrap_strdup(const char *s) {
    return copy_of(s, strlen(s));
}

char *__wrap_strndup(const char *s, size_t n) {
    return copy_of(s, strnlen(s, n));
}
