/* ledger: what was written, what was said to be durable, and what it meant.
 *
 * Every text that people write begins with a number of its own, the value. Of each record the ledger
 * knows the last value that was acknowledged, and those whose outcome nobody was told. A value may
 * say something besides, such as a decision: that must then be found beside it. */
#include "sim.h"

#include "record.h"
#include "schema.h"

#include <stdlib.h>

enum { REGION = -1, DIGITS_MAX = 24 };

uint8_t ledger_field(uint16_t kind) {
    switch (kind) {
    case MT_KIND_ACTIVITY:
        return MT_ACTIVITY_TITLE;
    case MT_KIND_STAGEPLEK:
        return MT_STAGEPLEK_TITLE;
    case MT_KIND_ANSWER:
        return MT_COMMON_REASON;
    default:
        return MT_COMMON_TEXT;
    }
}

struct record *ledger_add(struct sim *s, int author, int other, uint16_t kind) {
    if (s->n_records == s->cap_records) {
        s->cap_records = s->cap_records ? s->cap_records * 2 : 64;
        s->records = realloc(s->records, s->cap_records * sizeof *s->records);
        if (!s->records)
            abort();
    }
    struct record *r = &s->records[s->n_records++];
    *r = (struct record){.author = author, .other = other, .kind = kind};
    return r;
}

struct record *ledger_find(struct sim *s, uint16_t kind, const struct mt_rid *id) {
    for (uint32_t i = 0; i < s->n_records; i++)
        if (s->records[i].kind == kind && mt_rid_eq(&s->records[i].id, id))
            return &s->records[i];
    return NULL;
}

bool ledger_open(struct sim *s, struct record *r, uint64_t value) {
    if (r->n_open == SIM_OPEN_MAX)
        return false;
    r->open[r->n_open++] = value;
    (void)s;
    return true;
}

uint64_t ledger_value(struct sim *s, uint32_t meaning) {
    uint64_t value = ++s->values;
    if (value >= s->cap_meant) {
        size_t cap = s->cap_meant ? s->cap_meant * 2 : 1024;
        while (cap <= value)
            cap *= 2;
        s->meant = realloc(s->meant, cap * sizeof *s->meant);
        if (!s->meant)
            abort();
        memset(s->meant + s->cap_meant, 0, (cap - s->cap_meant) * sizeof *s->meant);
        s->cap_meant = cap;
    }
    s->meant[value] = meaning;
    return value;
}

uint32_t ledger_meant(const struct sim *s, uint64_t value) {
    return value < s->cap_meant ? s->meant[value] : 0;
}

/* ---- what a command is about to write ---- */

/* The number a change's text begins with; 0 when it has none. */
static uint64_t value_of(const struct mt_change *c) {
    struct mt_slice field;
    char digits[DIGITS_MAX] = "";
    if (mt_fields_find(c->fields, ledger_field(c->kind), &field) != MT_OK)
        return 0;
    struct mt_reader r = mt_reader(field);
    if (mt_wire_peek(&r) != MT_WIRE_STR)
        return 0;
    struct mt_slice text = mt_wire_str(&r, MT_STRING_MAX);
    memcpy(digits, text.p, text.n < sizeof digits - 1 ? text.n : sizeof digits - 1);
    return strtoull(digits, NULL, 10);
}

static int host_of(const struct sim *s, const struct mt_id *org) {
    for (int i = 0; i < s->plan.hosts; i++)
        if (mt_id_eq(&s->hosts[i].org, org))
            return i;
    return REGION;
}

static void note_change(struct sim *s, const struct host *h, int other, const struct mt_change *c,
                        struct command *keep) {
    static const uint8_t about[] = {[MT_KIND_SIGNUP] = MT_SIGNUP_ACTIVITY,
                                    [MT_KIND_PLACEMENT] = MT_PLACEMENT_STAGEPLEK,
                                    [MT_KIND_ANSWER] = MT_ANSWER_SUBJECT};
    struct mt_slice field;
    struct mt_ref ref;
    uint64_t value = value_of(c);
    if (!value || keep->n == SIM_WRITES_MAX)
        return;
    struct record *r = ledger_find(s, c->kind, &c->id);
    if (!r) {
        r = ledger_add(s, h->index, other, c->kind);
        r->is_life = true;
        r->id = c->id;
    }
    bool refers =
        c->kind == MT_KIND_SIGNUP || c->kind == MT_KIND_PLACEMENT || c->kind == MT_KIND_ANSWER;
    if (refers && mt_fields_find(c->fields, about[c->kind], &field) == MT_OK) {
        struct mt_reader reader = mt_reader(field);
        if (mt_ref_get(&reader, &ref) == MT_OK)
            r->about = ref.id;
    }
    if (!ledger_open(s, r, value))
        sim_fail(s, "org%d: too many writes of one record without an answer", h->index);
    if (!keep->n)
        keep->value = value;
    keep->records[keep->n++] = (uint32_t)(r - s->records);
}

void ledger_note(struct sim *s, struct host *h, const struct mt_command *c, struct command *keep) {
    int other = mt_id_is_zero(&c->audience) ? REGION : host_of(s, &c->audience);
    for (uint32_t i = 0; i < c->n_contents; i++) {
        struct mt_changes it;
        struct mt_change change;
        if (mt_changes_check(c->contents[i]) || mt_changes_open(&it, c->contents[i])) {
            sim_fail(s, "org%d: a command writes what is no change", h->index);
            return;
        }
        while (mt_changes_next(&it, &change))
            note_change(s, h, other, &change, keep);
    }
}

/* ---- what came of it ---- */

static void forget(struct record *r, uint64_t value, bool and_earlier) {
    unsigned keep = 0;
    for (unsigned i = 0; i < r->n_open; i++)
        if (r->open[i] != value && !(and_earlier && r->open[i] < value))
            r->open[keep++] = r->open[i];
    r->n_open = keep;
}

void ledger_answered(struct sim *s, const struct command *c, enum mt_err err) {
    for (unsigned i = 0; i < c->n; i++) {
        struct record *r = &s->records[c->records[i]];
        uint64_t value = c->value + i;
        if (!err) {
            r->acknowledged = value > r->acknowledged ? value : r->acknowledged;
            r->may_be_lost = false;
            s->n_acknowledged++;
        }
        /* What was refused must not be there; only a copy that is found out to be an old one may
         * have made part of it durable, and a disk that failed and lost its power then. */
        if (!err || (!s->plan.rollback && err != MT_EIO))
            forget(r, value, !err);
        s->n_refused += err != MT_OK;
    }
}
