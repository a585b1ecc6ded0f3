/* world: time, chance, what is to happen, and the trace. */
#include "sim.h"

#include <stdarg.h>
#include <stdlib.h>

enum { EVENTS_MAX = 6000000 };

uint64_t chance_next(struct chance *c) {
    uint64_t z = c->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

uint64_t chance_below(struct chance *c, uint64_t n) {
    return chance_next(c) % n;
}

uint64_t chance_between(struct chance *c, uint64_t a, uint64_t b) {
    return a + chance_below(c, b - a + 1);
}

bool chance_hits(struct chance *c, unsigned per_mille) {
    return chance_below(c, 1000) < per_mille;
}

void chance_fill(struct chance *c, void *p, size_t n) {
    uint8_t *at = p;
    while (n > 0) {
        uint64_t v = chance_next(c);
        size_t take = n < sizeof v ? n : sizeof v;
        memcpy(at, &v, take);
        at += take;
        n -= take;
    }
}

void sim_mix(struct sim *s, const void *p, size_t n) {
    const uint8_t *b = p;
    for (size_t i = 0; i < n; i++)
        s->hash = (s->hash ^ b[i]) * UINT64_C(0x100000001b3);
}

static void tell(struct sim *s, int host, bool is_story, const char *text) {
    if (s->lines && is_story) {
        uint64_t i = s->n_lines++;
        char *line = s->lines[i < SIM_LINES_MAX ? i : SIM_LINES_MAX + i % SIM_LINES_MAX];
        char who[16] = "";
        if (host >= 0)
            (void)snprintf(who, sizeof who, "org%d ", host);
        (void)snprintf(line, SIM_LINE_MAX, "%6llu.%03llu s  %s%.72s",
                       (unsigned long long)(s->now_ms / 1000),
                       (unsigned long long)(s->now_ms % 1000), who, text);
    }
    if (!s->trace)
        return;
    (void)fprintf(s->trace, "%6llu.%03llu s  ", (unsigned long long)(s->now_ms / 1000),
                  (unsigned long long)(s->now_ms % 1000));
    if (host >= 0)
        (void)fprintf(s->trace, "org%-2d  %s\n", host, text);
    else
        (void)fprintf(s->trace, "       %s\n", text);
}

static void note(struct sim *s, int host, bool is_story, const char *format, va_list args) {
    char text[256];
    (void)vsnprintf(text, sizeof text, format, args);
    sim_mix(s, &s->now_ms, sizeof s->now_ms);
    sim_mix(s, text, strlen(text));
    tell(s, host, is_story, text);
}

void sim_note(struct sim *s, int host, const char *format, ...) {
    va_list args;
    va_start(args, format);
    note(s, host, true, format, args);
    va_end(args);
}

void sim_detail(struct sim *s, int host, const char *format, ...) {
    va_list args;
    va_start(args, format);
    note(s, host, false, format, args);
    va_end(args);
}

void sim_fail(struct sim *s, const char *format, ...) {
    va_list args;
    if (s->failed)
        return;
    s->failed = true;
    va_start(args, format);
    (void)vsnprintf(s->why, sizeof s->why, format, args);
    va_end(args);
    tell(s, -1, true, s->why);
}

/* ---- the queue: a binary heap by time, then by the order in which things were planned ---- */

static bool is_before(const struct event *a, const struct event *b) {
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->serial < b->serial;
}

void sim_at(struct sim *s, uint64_t delay_ms, struct event e) {
    if (s->n_heap == s->cap_heap) {
        s->cap_heap = s->cap_heap ? s->cap_heap * 2 : 1024;
        s->heap = realloc(s->heap, s->cap_heap * sizeof *s->heap);
        if (!s->heap)
            abort();
    }
    e.at_ms = s->now_ms + delay_ms;
    e.serial = ++s->serial;
    size_t i = s->n_heap++;
    while (i > 0 && is_before(&e, &s->heap[(i - 1) / 2])) {
        s->heap[i] = s->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    s->heap[i] = e;
}

static struct event take_first(struct sim *s) {
    struct event first = s->heap[0], last = s->heap[--s->n_heap];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= s->n_heap)
            break;
        if (child + 1 < s->n_heap && is_before(&s->heap[child + 1], &s->heap[child]))
            child++;
        if (!is_before(&s->heap[child], &last))
            break;
        s->heap[i] = s->heap[child];
        i = child;
    }
    s->heap[i] = last;
    return first;
}

static void happen(struct sim *s, const struct event *e) {
    switch (e->what) {
    case AT_PEOPLE:
        people_look(s);
        break;
    case AT_TROUBLE:
        trouble_look(s);
        break;
    case AT_ARRIVE:
        net_arrive(s, e);
        break;
    case AT_CONNECTED:
        net_connected(s, e);
        break;
    case AT_PUMP:
        net_pump(s, e);
        break;
    default:
        host_happens(s, e);
    }
}

void sim_run(struct sim *s, uint64_t until_ms, bool (*quiet)(struct sim *s)) {
    uint64_t look_ms = s->now_ms;
    while (s->n_heap > 0 && !s->failed && s->heap[0].at_ms <= until_ms) {
        struct event e = take_first(s);
        s->now_ms = e.at_ms;
        if (++s->events > EVENTS_MAX) {
            sim_fail(s, "too many events: something goes round in circles");
            return;
        }
        happen(s, &e);
        if (quiet && s->now_ms >= look_ms + 500) {
            look_ms = s->now_ms;
            if (quiet(s))
                return;
        }
    }
    if (!s->failed && s->now_ms < until_ms)
        s->now_ms = until_ms;
}
