/* What the copies of test_corrupt are made of: the file of one organisation out of three that made
 * a region with offers, sign-ups and placements. */
#ifndef MEENT_TEST_CORRUPT_SAMPLE_H
#define MEENT_TEST_CORRUPT_SAMPLE_H

#include "../unit/query_world.h"

#include "key.h"

#include <fcntl.h>
#include <sys/stat.h>

#define SCHOOL  (&w->orgs[0])
#define COMPANY (&w->orgs[1])
#define THIRD   (&w->orgs[2])

enum {
    OFFERS = 24,
    IDS_MAX = 400,
    FACTS_MAX = 2000,
};

/* One thing that can be asked, and the hash of the answer. */
struct fact {
    char what[96];
    uint8_t hash[32];
    enum mt_err err;
};

struct facts {
    struct fact list[FACTS_MAX];
    size_t n;
};

struct ids {
    char kind[IDS_MAX][12];
    char id[IDS_MAX][65];
    size_t n;
};

struct bytes {
    uint8_t *p;
    size_t n;
};

/* What all copies share; made once. */
struct sample {
    char base[64];
    struct bytes now, before; /* the company's file: at the end, and half way */
    uint8_t key[32];
    struct mt_id feed;
    uint64_t mono_ms, wall_ms;
    struct ids ids;
    struct facts facts;
};

/* ---- the sample ---- */

static inline struct bytes read_file(const char *path) {
    struct bytes b = {0};
    struct stat st = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0 && fstat(fd, &st) == 0);
    b.n = (size_t)st.st_size;
    b.p = malloc(b.n);
    assert_non_null(b.p);
    assert_int_equal(read(fd, b.p, b.n), b.n);
    close(fd);
    return b;
}

static inline struct bytes file_of(const struct org *o) {
    char path[128];
    (void)snprintf(path, sizeof path, "%s/data.mdb", o->dir);
    return read_file(path);
}

static inline void keep_id(struct ids *ids, const char *kind, const char *id) {
    assert_true(ids->n < IDS_MAX);
    (void)snprintf(ids->kind[ids->n], sizeof ids->kind[0], "%s", kind);
    (void)snprintf(ids->id[ids->n++], sizeof ids->id[0], "%s", id);
}

static inline void offer_and_sign_up(struct world *w, struct ids *ids, unsigned i) {
    char text[1500], id[65], signup[65], words[600];
    memset(words, 'a' + (int)(i % 26), sizeof words - 1);
    words[sizeof words - 1 - i * 13] = 0;
    (void)snprintf(text, sizeof text,
                   "kind=activity;fields.title=Gastles %u;fields.type=gastles;"
                   "fields.direction=offer;fields.host=%s;fields.capacity=3;fields.unit=groups;"
                   "fields.date=2027-%02u-%02u;fields.description=%s",
                   i, i % 2 ? "wavin" : "Carmel College", 1 + i % 6, 1 + i, words);
    run_id(i % 2 ? COMPANY : SCHOOL, "record.add", text, id);
    keep_id(ids, "activity", id);
    if (i % 3 == 0) {
        (void)snprintf(text, sizeof text, "kind=activity;id=%s;fields.title=Gastles %u, anders;",
                       id, i);
        run_id(i % 2 ? COMPANY : SCHOOL, "record.edit", text, id);
    }
    world_run(w, 500);
    if (i % 2) {
        (void)snprintf(text, sizeof text, "activity=%s;group=3%c;#pupils=12", id, 'A' + (int)i);
        run_id(i % 4 == 1 ? SCHOOL : THIRD, "signup.add", text, signup);
        keep_id(ids, "signup", signup);
        world_run(w, 500);
        (void)snprintf(text, sizeof text, "record=%s;decision=accepted", signup);
        run_id(COMPANY, "answer.add", text, id);
    }
}

static inline void place_pupils(struct world *w, struct ids *ids, unsigned i) {
    char text[400], place[65], id[65], answered[65];
    (void)snprintf(text, sizeof text,
                   "kind=stageplek;fields.title=Magazijn %u;fields.type=snuffelstage;"
                   "fields.capacity=2",
                   i);
    run_id(COMPANY, "record.add", text, place);
    keep_id(ids, "stageplek", place);
    world_run(w, 500);
    (void)snprintf(text, sizeof text,
                   "stageplek=%s;level=KB;route=snuffelstage;from=2027-02-01;until=2027-02-05",
                   place);
    run_id(i % 2 ? SCHOOL : THIRD, "placement.propose", text, id);
    keep_id(ids, "placement", id);
    world_run(w, 500);
    (void)snprintf(text, sizeof text, "id=%s", id);
    if (i % 3)
        run_id(COMPANY, "placement.accept", text, answered);
    world_run(w, 500);
}

static inline void make_region(struct sample *s) {
    static struct world world;
    struct world *w = &world;
    struct mt_node_info info;
    world_open(w, WORLD_ORGS);
    world_found(w);
    for (unsigned i = 0; i < OFFERS; i++) {
        offer_and_sign_up(w, &s->ids, i);
        if (i % 3 == 0)
            place_pupils(w, &s->ids, i);
        if (i == OFFERS / 2)
            s->before = file_of(COMPANY);
    }
    world_run(w, 2000);
    s->now = file_of(COMPANY);
    mt_node_info(COMPANY->node, &info);
    s->feed = info.feed;
    s->mono_ms = w->mono_ms;
    s->wall_ms = w->wall_ms;
    built_bytes(s->key, "store key", 1);
    world_close(w);
}

#endif
