#include "bench.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static void (*failure_fn(void (*fn)(void)))(void) {
    static void (*kept)(void);
    void (*was)(void) = kept;
    kept = fn;
    return was;
}

void bench_on_failure(void (*fn)(void)) {
    (void)failure_fn(fn);
}

void bench_need(bool ok, const char *what) {
    if (ok)
        return;
    fprintf(stderr, "bench: %s\n", what);
    void (*fn)(void) = failure_fn(NULL);
    if (fn)
        fn();
    exit(1);
}

double bench_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void bench_sleep(double seconds) {
    struct timespec t = {.tv_sec = (time_t)seconds,
                         .tv_nsec = (long)((seconds - floor(seconds)) * 1e9)};
    nanosleep(&t, NULL);
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

double bench_median(double *values, size_t n) {
    qsort(values, n, sizeof *values, compare);
    return n ? values[n / 2] : 0;
}

static const char *number(char out[24], double v) {
    snprintf(out, 24, v == BENCH_NONE ? "-" : v >= 1000 ? "%.0f" : v >= 10 ? "%.1f" : "%.3f", v);
    return out;
}

static json_t *known(double v) {
    return v == BENCH_NONE ? json_null() : json_real(v);
}

static void append_row(const char *name, double value, const char *unit, double limit, double ratio,
                       double target) {
    const char *path = getenv("MEENT_BENCH_ROWS");
    FILE *f = path ? fopen(path, "a") : NULL;
    if (!path)
        return;
    bench_need(f, "the file of rows cannot be written");
    json_t *row = json_pack("{s:s s:f s:s s:o s:o s:o}", "name", name, "value", value, "unit", unit,
                            "limit", known(limit), "ratio", known(ratio), "target", known(target));
    bench_need(row && json_dumpf(row, f, JSON_REAL_PRECISION(6)) == 0, "a row of JSON");
    json_decref(row);
    fputc('\n', f);
    bench_need(fclose(f) == 0, "the file of rows cannot be written");
}

void bench_report(const char *name, double value, const char *unit, double limit,
                  enum bench_better better, double target) {
    char v[24], l[24], r[24], t[24];
    double ratio = limit == BENCH_NONE || value <= 0 ? BENCH_NONE
                   : better == BENCH_MORE            ? value / limit
                                                     : limit / value;
    const char *sign = target == BENCH_NONE ? "  " : better == BENCH_MORE ? ">=" : "<=";
    bool met = better == BENCH_MORE ? value >= target : value <= target;
    printf("  %-46s %10s %-10s limit %10s  ratio %6s  target %s %-8s %s\n", name, number(v, value),
           unit, number(l, limit), number(r, ratio), sign, number(t, target),
           target == BENCH_NONE ? ""
           : met                ? "met"
                                : "missed");
    fflush(stdout);
    append_row(name, value, unit, limit, ratio, target);
}
