/* plan: what kind of story a seed tells, as numbers that can be given and made smaller. */
#include "sim.h"

#include <stdlib.h>

enum { STORY_MS_MIN = 60000, STORY_MS_MAX = 150000, HURRIES = 12, RUN_MEMBERS_MAX = 12 };

struct field {
    const char *name;
    size_t at;
    int least, most; /* the least is also what is tried first when a plan is made smaller */
};

#define FIELD(name, least, most)                                                                   \
    { #name, offsetof(struct plan, name), least, most }

/* The first ones are tried first: a trouble that plays no part goes before the story is cut. */
static const struct field FIELDS[] = {
    FIELD(stranger, 0, 1000),
    FIELD(skew, 0, 1000),
    FIELD(slow, 0, SIM_HOSTS_MAX),
    FIELD(slow_on, 0, 1),
    FIELD(stuck, 0, 2),
    FIELD(second, 0, 1),
    FIELD(io_error, 0, 1000),
    FIELD(full_disk, 0, 1000),
    FIELD(big, 0, 1000),
    FIELD(fork, 0, 1),
    FIELD(rollback, 0, 1),
    FIELD(cut, 0, 1000),
    FIELD(one_way, 0, 1000),
    FIELD(silent_cut, 0, 1000),
    FIELD(crash, 0, 1000),
    FIELD(hurries, 0, 100),
    FIELD(spies, 0, 1),
    FIELD(life, 0, 1000),
    FIELD(members, 2, RUN_MEMBERS_MAX),
    FIELD(story_ms, 2000, 10000000),
    FIELD(write, 1, 1000),
    FIELD(rollback_host, 0, SIM_HOSTS_MAX - 1),
    FIELD(salt, 0, 1000000),
};

static int *field_of(struct plan *p, const struct field *f) {
    return (int *)(void *)((char *)p + f->at);
}

size_t plan_fields(void) {
    return MT_ARRAY_LEN(FIELDS) - 1; /* all but the salt */
}

const char *plan_field(struct plan *p, size_t i, int **value, int *least) {
    *value = field_of(p, &FIELDS[i]);
    *least = FIELDS[i].least;
    return FIELDS[i].name;
}

static int between(struct chance *c, uint64_t a, uint64_t b) {
    return (int)chance_between(c, a, b);
}

/* Some stories are calm, so that plain faults are easy to see. */
void plan_make(struct plan *p, uint64_t seed) {
    struct chance chance = {.state = seed * UINT64_C(0xd1342543de82ef95) + 7}, *c = &chance;
    *p = (struct plan){.members = between(c, 2, 5), .hurries = HURRIES};
    if (chance_hits(c, 400))
        p->members = between(c, 3, RUN_MEMBERS_MAX);
    p->spies = chance_hits(c, 300);
    p->story_ms = between(c, STORY_MS_MIN, STORY_MS_MAX);
    p->write = between(c, 5, 400 / (unsigned)p->members);
    p->big = chance_hits(c, 200) ? 120 : 5;
    p->full_disk = chance_hits(c, 300) ? 15 : 0;
    p->io_error = chance_hits(c, 200) ? 10 : 0;
    p->crash = chance_hits(c, 500) ? between(c, 5, 60) : 0;
    p->cut = chance_hits(c, 600) ? between(c, 10, 80) : 0;
    p->silent_cut = between(c, 0, 1000);
    p->one_way = chance_hits(c, 500) ? between(c, 0, 1000) : 0;
    p->slow = chance_hits(c, 250) ? between(c, 1, 2) : 0;
    p->skew = chance_hits(c, 400) ? between(c, 100, 1000) : 0;
    p->stranger = chance_hits(c, 500) ? between(c, 10, 200) : 0;
    p->rollback = chance_hits(c, 250);
    p->fork = p->rollback && chance_hits(c, 250);
    p->rollback_host = between(c, 0, (uint64_t)p->members - 1);
    p->life = chance_hits(c, 800) ? between(c, 30, 900 / (unsigned)p->members) : 0;
    p->slow_on = p->slow && chance_hits(c, 300);
    p->stuck = p->members > 2 && chance_hits(c, 150) ? between(c, 1, 2) : 0;
    p->second = p->members > 2 && chance_hits(c, 250);
    plan_settle(p);
}

void plan_settle(struct plan *p) {
    if (p->rollback_host >= p->members)
        p->rollback_host = p->members - 1;
    p->fork = p->fork && p->rollback;
    if (p->members < 2 || p->rollback_host == p->members - 1)
        p->stuck = p->stuck && !p->rollback ? p->stuck : 0;
    p->hosts = p->members + p->spies;
}

bool plan_read(struct plan *p, const char *text) {
    while (*text) {
        const char *equals = strchr(text, '=');
        const struct field *f = NULL;
        for (size_t i = 0; equals && i < MT_ARRAY_LEN(FIELDS); i++)
            if (strlen(FIELDS[i].name) == (size_t)(equals - text) &&
                memcmp(FIELDS[i].name, text, (size_t)(equals - text)) == 0)
                f = &FIELDS[i];
        if (!f)
            return false;
        char *end;
        long value = strtol(equals + 1, &end, 10);
        if (end == equals + 1 || value < f->least || value > f->most || (*end && *end != ','))
            return false;
        *field_of(p, f) = (int)value;
        text = *end ? end + 1 : end;
    }
    plan_settle(p);
    return true;
}

void plan_print(const struct plan *p, char *text) {
    struct plan copy = *p;
    size_t n = 0;
    text[0] = 0;
    for (size_t i = 0; i < MT_ARRAY_LEN(FIELDS) && n < SIM_PLAN_TEXT_MAX; i++)
        n += (size_t)snprintf(text + n, SIM_PLAN_TEXT_MAX - n, "%s%s=%d", i ? "," : "",
                              FIELDS[i].name, *field_of(&copy, &FIELDS[i]));
}
