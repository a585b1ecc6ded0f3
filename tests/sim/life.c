/* life: what people do with the daemon's commands: activities, sign-ups and answers to them, places
 * and placements.
 *
 * Somebody acts on what the ledger says exists somewhere; whether it is known here yet is for the
 * command to say. Nobody looks at how many places are left: that is the command's rule too. */
#include "sim.h"

#include "schema.h"

#include <stdarg.h>

enum {
    REGION = -1,
    PARAMS_MAX = 1000,
    TEXT_MAX = 160,
    ROOM_MAX = 12,
    PUPILS_MAX = 8,
};

/* Parameters of a command: one map, and the map of fields within it. */
struct params {
    struct mt_writer w;
    uint8_t memory[PARAMS_MAX];
};

static struct mt_slice begin(struct params *p, size_t n) {
    p->w = mt_writer(p->memory, sizeof p->memory);
    mt_wire_put_map(&p->w, n);
    return mt_writer_slice(&p->w);
}

static void put(struct params *p, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void put(struct params *p, const char *key, const char *format, ...) {
    char text[TEXT_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    mt_wire_put_cstr(&p->w, key);
    mt_wire_put_cstr(&p->w, text);
}

static void put_id(struct params *p, const char *key, const struct record *r) {
    char hex[33];
    mt_hex(hex, r->id.b, sizeof r->id.b);
    put(p, key, "%s", hex);
}

static void ask(struct sim *s, struct host *h, const char *method, const struct params *p,
                uint64_t value, desk_fn said) {
    if (p->w.err)
        sim_fail(s, "the parameters of %s do not fit", method);
    else
        desk_ask(s, h, method, mt_slice(p->w.p, p->w.n), value, said);
}

/* ---- what a value says besides ---- */

static uint32_t meaning(uint16_t kind, uint64_t number) {
    return (uint32_t)kind << 24 | (uint32_t)(number + 1);
}

uint32_t life_meaning(uint16_t kind, struct mt_slice fields) {
    switch (kind) {
    case MT_KIND_ACTIVITY:
        return meaning(kind, mt_field_uint(fields, MT_ACTIVITY_CAPACITY));
    case MT_KIND_SIGNUP:
        return meaning(kind, mt_field_uint(fields, MT_SIGNUP_PUPILS));
    case MT_KIND_ANSWER:
        return meaning(kind, mt_field_uint(fields, MT_ANSWER_DECISION));
    case MT_KIND_STAGEPLEK:
        return meaning(kind, mt_field_uint(fields, MT_STAGEPLEK_CAPACITY));
    case MT_KIND_PLACEMENT:
        return meaning(kind, mt_field_uint(fields, MT_PLACEMENT_HOURS));
    default:
        return 0;
    }
}

/* ---- finding something to act on ---- */

typedef bool (*fits_fn)(struct sim *s, const struct host *h, const struct record *r);

/* One of the records of a kind that fit; NULL: there is none. */
static struct record *some(struct sim *s, const struct host *h, uint16_t kind, fits_fn fits) {
    struct record *found = NULL;
    uint64_t n = 0;
    for (uint32_t i = 0; i < s->n_records; i++) {
        struct record *r = &s->records[i];
        if (r->is_life && r->kind == kind && r->n_open < SIM_OPEN_MAX / 2 && fits(s, h, r) &&
            chance_below(&s->chance, ++n) == 0)
            found = r;
    }
    return found;
}

static bool is_any(struct sim *s, const struct host *h, const struct record *r) {
    (void)s;
    (void)h;
    return r->acknowledged || r->n_open;
}

static bool is_own(struct sim *s, const struct host *h, const struct record *r) {
    (void)s;
    return r->author == h->index;
}

/* A sign-up to an activity of ours, or now and then of somebody else's. */
static bool is_to_us(struct sim *s, const struct host *h, const struct record *r) {
    const struct record *activity = ledger_find(s, MT_KIND_ACTIVITY, &r->about);
    return activity && (activity->author == h->index || chance_hits(&s->chance, 50));
}

static bool is_here(struct sim *s, const struct host *h, const struct record *r) {
    (void)s;
    return r->other == h->index;
}

static void put_host(struct params *p, int i) {
    if (i)
        put(p, "host", "Organisatie %d", i);
    else
        put(p, "host", "Stad & Esch");
}

/* ---- activities and sign-ups ---- */

/* Mostly our own, sometimes what an intermediary enters for another member, who may answer too. */
static void offer(struct sim *s, struct host *h) {
    uint64_t room = chance_between(&s->chance, 0, ROOM_MAX);
    uint64_t value = ledger_value(s, meaning(MT_KIND_ACTIVITY, room));
    int host = chance_hits(&s->chance, 700)
                   ? h->index
                   : (int)chance_below(&s->chance, (uint64_t)s->plan.members);
    struct params p;
    begin(&p, 2);
    put(&p, "kind", "activity");
    mt_wire_put_cstr(&p.w, "fields");
    mt_wire_put_map(&p.w, 6);
    put(&p, "title", "%llu Rondleiding", (unsigned long long)value);
    put(&p, "type", "rondleiding");
    put(&p, "direction", "offer");
    put_host(&p, host);
    put(&p, "capacity", "%llu", (unsigned long long)room);
    put(&p, "unit", chance_hits(&s->chance, 800) ? "pupils" : "groups");
    sim_note(s, h->index, "offers activity %llu with %llu places", (unsigned long long)value,
             (unsigned long long)room);
    ask(s, h, "record.add", &p, value, NULL);
}

static void change_room(struct sim *s, struct host *h) {
    const struct record *r = some(s, h, MT_KIND_ACTIVITY, is_own);
    uint64_t room = chance_between(&s->chance, 0, ROOM_MAX);
    struct params p;
    if (!r)
        return;
    uint64_t value = ledger_value(s, meaning(MT_KIND_ACTIVITY, room));
    begin(&p, 3);
    put(&p, "kind", "activity");
    put_id(&p, "id", r);
    mt_wire_put_cstr(&p.w, "fields");
    mt_wire_put_map(&p.w, 2);
    put(&p, "title", "%llu Rondleiding", (unsigned long long)value);
    put(&p, "capacity", "%llu", (unsigned long long)room);
    sim_note(s, h->index, "now has %llu places (%llu)", (unsigned long long)room,
             (unsigned long long)value);
    ask(s, h, "record.edit", &p, value, NULL);
}

static void sign_up(struct sim *s, struct host *h) {
    const struct record *r = some(s, h, MT_KIND_ACTIVITY, is_any);
    uint64_t pupils = chance_between(&s->chance, 1, PUPILS_MAX);
    struct params p;
    if (!r)
        return;
    uint64_t value = ledger_value(s, meaning(MT_KIND_SIGNUP, pupils));
    begin(&p, 3);
    put_id(&p, "activity", r);
    put(&p, "pupils", "%llu", (unsigned long long)pupils);
    put(&p, "text", "%llu met de klas", (unsigned long long)value);
    sim_note(s, h->index, "signs up %llu pupils with org%d (%llu)", (unsigned long long)pupils,
             r->author, (unsigned long long)value);
    ask(s, h, "signup.add", &p, value, NULL);
}

/* The version that was answered is then another. */
static void change_pupils(struct sim *s, struct host *h) {
    const struct record *r = some(s, h, MT_KIND_SIGNUP, is_own);
    uint64_t pupils = chance_between(&s->chance, 1, PUPILS_MAX);
    struct params p;
    if (!r)
        return;
    uint64_t value = ledger_value(s, meaning(MT_KIND_SIGNUP, pupils));
    begin(&p, 3);
    put(&p, "kind", "signup");
    put_id(&p, "id", r);
    mt_wire_put_cstr(&p.w, "fields");
    mt_wire_put_map(&p.w, 2);
    put(&p, "pupils", "%llu", (unsigned long long)pupils);
    put(&p, "text", "%llu toch anders", (unsigned long long)value);
    sim_note(s, h->index, "comes with %llu pupils (%llu)", (unsigned long long)pupils,
             (unsigned long long)value);
    ask(s, h, "record.edit", &p, value, NULL);
}

static void withdrawn(struct sim *s, struct host *h, uint64_t record, enum mt_err err) {
    (void)h;
    s->records[record].is_withdrawn |= !err;
}

static void withdraw(struct sim *s, struct host *h) {
    const struct record *r = some(s, h, MT_KIND_SIGNUP, is_own);
    struct params p;
    if (!r)
        return;
    begin(&p, 1);
    put_id(&p, "id", r);
    sim_note(s, h->index, "withdraws a sign-up");
    ask(s, h, "signup.withdraw", &p, (uint64_t)(r - s->records), withdrawn);
}

/* Who did not make the activity is refused, unless it is the host of it. */
static void answer(struct sim *s, struct host *h, const struct record *r) {
    static const char *const words[] = {"accepted", "declined", "waiting"};
    unsigned decision =
        chance_hits(&s->chance, 750)
            ? MT_DECISION_ACCEPTED
            : (unsigned)chance_between(&s->chance, MT_DECISION_DECLINED, MT_DECISION_WAITING);
    struct params p;
    uint64_t value = ledger_value(s, meaning(MT_KIND_ANSWER, decision));
    begin(&p, 3);
    put_id(&p, "record", r);
    put(&p, "decision", "%s", words[decision - 1]);
    put(&p, "reason", "%llu want", (unsigned long long)value);
    sim_note(s, h->index, "answers org%d: %s (%llu)", r->author, words[decision - 1],
             (unsigned long long)value);
    ask(s, h, "answer.add", &p, value, NULL);
}

static void answer_signup(struct sim *s, struct host *h) {
    const struct record *r = some(s, h, MT_KIND_SIGNUP, is_to_us);
    if (r)
        answer(s, h, r);
}

/* ---- places and placements ---- */

static void open_place(struct sim *s, struct host *h) {
    uint64_t room = chance_between(&s->chance, 1, 3);
    uint64_t value = ledger_value(s, meaning(MT_KIND_STAGEPLEK, room));
    struct params p;
    begin(&p, 2);
    put(&p, "kind", "stageplek");
    mt_wire_put_cstr(&p.w, "fields");
    mt_wire_put_map(&p.w, 4);
    put(&p, "title", "%llu Werkplaats", (unsigned long long)value);
    put(&p, "type", "snuffelstage");
    put_host(&p, h->index);
    put(&p, "capacity", "%llu", (unsigned long long)room);
    sim_note(s, h->index, "opens place %llu for %llu", (unsigned long long)value,
             (unsigned long long)room);
    ask(s, h, "record.add", &p, value, NULL);
}

static void propose(struct sim *s, struct host *h) {
    const struct record *r = some(s, h, MT_KIND_STAGEPLEK, is_any);
    uint64_t hours = chance_between(&s->chance, 1, 40);
    struct params p;
    if (!r)
        return;
    uint64_t value = ledger_value(s, meaning(MT_KIND_PLACEMENT, hours));
    begin(&p, 7);
    put_id(&p, "stageplek", r);
    put(&p, "level", "BB");
    put(&p, "route", "snuffelstage");
    put(&p, "from", "2026-11-23");
    put(&p, "until", "2026-12-18");
    put(&p, "hours", "%llu", (unsigned long long)hours);
    put(&p, "text", "%llu " SIM_SECRET, (unsigned long long)value);
    sim_note(s, h->index, "proposes a pupil to org%d (%llu)", r->author, (unsigned long long)value);
    ask(s, h, "placement.propose", &p, value, NULL);
}

/* The school goes on with it: it gives the name, or says that it runs. */
static void go_on(struct sim *s, struct host *h) {
    const struct record *r = some(s, h, MT_KIND_PLACEMENT, is_own);
    uint64_t hours = chance_between(&s->chance, 1, 40);
    static const char *const steps[][2] = {
        {"first_name", SIM_SECRET}, {"status", "running"}, {"status", "finished"}};
    struct params p;
    if (!r)
        return;
    uint64_t value = ledger_value(s, meaning(MT_KIND_PLACEMENT, hours));
    size_t step = chance_below(&s->chance, MT_ARRAY_LEN(steps));
    begin(&p, 3);
    put(&p, "kind", "placement");
    put_id(&p, "id", r);
    mt_wire_put_cstr(&p.w, "fields");
    mt_wire_put_map(&p.w, 3);
    put(&p, steps[step][0], "%s", steps[step][1]);
    put(&p, "hours", "%llu", (unsigned long long)hours);
    put(&p, "text", "%llu " SIM_SECRET, (unsigned long long)value);
    sim_note(s, h->index, "goes on with a placement at org%d: %s (%llu)", r->other, steps[step][0],
             (unsigned long long)value);
    ask(s, h, "record.edit", &p, value, NULL);
}

static void answer_placement(struct sim *s, struct host *h) {
    const struct record *r = some(s, h, MT_KIND_PLACEMENT, is_here);
    if (r)
        answer(s, h, r);
}

/* More is asked than there is, so that there is something to refuse. */
void life_look(struct sim *s, struct host *h) {
    static const struct {
        unsigned share;
        void (*act)(struct sim *s, struct host *h);
    } acts[] = {{6, offer},       {26, sign_up},      {30, answer_signup},
                {8, change_room}, {5, change_pupils}, {3, withdraw},
                {3, open_place},  {8, propose},       {8, answer_placement},
                {3, go_on}};
    uint64_t what = chance_below(&s->chance, 100);
    for (size_t i = 0; i < MT_ARRAY_LEN(acts); i++) {
        if (what < acts[i].share) {
            acts[i].act(s, h);
            return;
        }
        what -= acts[i].share;
    }
}
