#include "clock.h"

#include <time.h>

static uint64_t now_ms(clockid_t id) {
    struct timespec t;
    clock_gettime(id, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

uint64_t mt_clock_mono_ms(void) {
    return now_ms(CLOCK_MONOTONIC);
}

void mt_clock_now(struct mt_time *out) {
    out->mono_ms = now_ms(CLOCK_MONOTONIC);
    out->wall_ms = now_ms(CLOCK_REALTIME);
}
