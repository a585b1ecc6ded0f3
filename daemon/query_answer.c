#include "node.h"
#include "query.h"

#include <stdlib.h>

/* ---- answers ---- */

void mt_query_subject(const struct mt_query *q, const struct mt_view *v, struct mt_subject *out) {
    *out = (struct mt_subject){
        .audience_no = v->audience_no, .owner = v->owner, .kind = v->kind, .id = v->id};
    mt_query_version(q, v, out->version);
}

/* True when answer `v` is about `subject`. Answers stand in their subject's audience. */
static bool is_about(const struct mt_view *v, const struct mt_subject *subject) {
    struct mt_ref ref;
    return v->audience_no == subject->audience_no &&
           mt_field_ref(v->fields, MT_ANSWER_SUBJECT, &ref) && ref.kind == subject->kind &&
           ref.audience == (subject->audience_no != 0) && mt_id_eq(&ref.owner, &subject->owner) &&
           mt_rid_eq(&ref.id, &subject->id);
}

static bool is_version(struct mt_slice fields, const uint8_t version[static 32]) {
    struct mt_slice value;
    if (mt_fields_find(fields, MT_ANSWER_VERSION, &value))
        return false;
    struct mt_reader r = mt_reader(value);
    if (mt_wire_peek(&r) != MT_WIRE_BIN)
        return false;
    return mt_slice_eq(mt_wire_bin(&r, 32), mt_slice(version, 32));
}

/* Of several answers of one organisation, which should not be, the lowest id counts everywhere. */
static bool is_better(const struct mt_answer *old, size_t old_by, const struct mt_view *v,
                      size_t by) {
    if (!old->found || by != old_by)
        return !old->found || by < old_by;
    return memcmp(v->id.b, old->id.b, sizeof v->id.b) < 0;
}

enum mt_err mt_query_answer(struct mt_query *q, const struct mt_subject *subject,
                            const struct mt_id *by, size_t n_by, struct mt_answer *out) {
    struct mt_rows rows;
    size_t best = n_by;
    *out = (struct mt_answer){0};
    enum mt_err err = mt_query_refs(q, MT_KIND_ANSWER, &subject->id, &rows);
    for (size_t i = 0; !err && i < rows.n; i++) {
        struct mt_view v;
        if (mt_query_look(q, rows.p[i], &v) || !is_about(&v, subject))
            continue;
        size_t who = 0;
        while (who < n_by && !mt_id_eq(&by[who], &v.owner))
            who++;
        if (who == n_by || !is_better(out, best, &v, who))
            continue;
        best = who;
        *out = (struct mt_answer){
            .found = true,
            .current = is_version(v.fields, subject->version),
            .decision = (unsigned)(mt_field_uint(v.fields, MT_ANSWER_DECISION) & 0xff),
            .row = v.row,
            .changed_ms = v.changed_ms,
            .id = v.id,
            .owner = v.owner};
    }
    mt_rows_free(&rows);
    if (!err && out->found) {
        err = mt_read_stamp(&q->read, out->row, MT_ANSWER_DECISION, &out->decided);
        err = err == MT_ENOTFOUND ? MT_OK : err; /* an answer that decides nothing */
    }
    return err;
}

/* True when the reference names a member's own record of itself. An unjoined record that only shares
 * an identifier with a member shows as that member, but lets nobody decide: anyone can claim a
 * public number. */
static bool is_own_record(const struct mt_query *q, const struct mt_ref *host) {
    struct mt_rid own;
    mt_node_org_rid(&host->owner, &own);
    return host->audience == 0 && host->kind == MT_KIND_ORG && mt_rid_eq(&host->id, &own) &&
           q->config.gov && mt_gov_member(q->config.gov, &host->owner);
}

size_t mt_query_deciders(struct mt_query *q, const struct mt_view *v, struct mt_id *by) {
    size_t n = 0;
    struct mt_ref host;
    uint8_t no = v->kind == MT_KIND_STAGEPLEK ? MT_STAGEPLEK_HOST : MT_ACTIVITY_HOST;
    struct mt_id owner = v->owner;
    if (mt_field_ref(v->fields, no, &host) && is_own_record(q, &host) &&
        !mt_id_eq(&host.owner, &owner))
        by[n++] = host.owner;
    by[n++] = owner;
    return n;
}

/* ---- sign-ups ---- */

/* The order in which acceptances count when there are too many: those of the version that stands
 * first, then in the order in which all replicas count changes. Clocks have no part in it. */
static int accept_cmp(const void *a, const void *b) {
    const struct mt_signup *x = *(const struct mt_signup *const *)a;
    const struct mt_signup *y = *(const struct mt_signup *const *)b;
    if (x->answer.current != y->answer.current)
        return x->answer.current ? -1 : 1;
    int order = mt_stamp_cmp(&x->answer.decided, &y->answer.decided);
    if (order)
        return order;
    if (x->answer.decided.index != y->answer.decided.index)
        return x->answer.decided.index < y->answer.decided.index ? -1 : 1;
    return memcmp(x->answer.id.b, y->answer.id.b, sizeof x->answer.id.b);
}

/* Gives each acceptance its places while there are any. */
static enum mt_err allot(struct mt_signups *s) {
    const struct mt_signup **order = malloc((s->n + 1) * sizeof(const struct mt_signup *));
    size_t n = 0;
    if (!order)
        return MT_ENOMEM;
    for (size_t i = 0; i < s->n; i++) {
        s->p[i].decision = s->p[i].withdrawn ? 0 : s->p[i].answer.decision;
        if (s->p[i].decision == MT_DECISION_ACCEPTED)
            order[n++] = &s->p[i];
    }
    qsort(order, n, sizeof(const struct mt_signup *), accept_cmp);
    for (size_t i = 0; i < n; i++) {
        struct mt_signup *x = &s->p[order[i] - s->p];
        if (s->has_capacity && x->need > s->capacity - s->accepted)
            x->decision = MT_DECISION_WAITING;
        else
            s->accepted += x->need;
    }
    free(order);
    return MT_OK;
}

static uint64_t places_needed(const struct mt_signups *s, struct mt_slice fields) {
    uint64_t pupils = mt_field_uint(fields, MT_SIGNUP_PUPILS);
    if (s->by_group || pupils == 0)
        return 1;
    return pupils < MT_SCHEMA_NUMBER_MAX ? pupils : MT_SCHEMA_NUMBER_MAX;
}

/* Reads one sign-up; false when the row is not one of this activity. */
static bool read_signup(struct mt_query *q, const struct mt_signups *s, uint64_t row,
                        const struct mt_ref *activity, struct mt_signup *out) {
    struct mt_view v;
    struct mt_ref ref;
    if (mt_query_look(q, row, &v) || v.audience_no != 0 ||
        !mt_field_ref(v.fields, MT_SIGNUP_ACTIVITY, &ref) || ref.kind != MT_KIND_ACTIVITY ||
        !mt_id_eq(&ref.owner, &activity->owner) || !mt_rid_eq(&ref.id, &activity->id))
        return false;
    *out = (struct mt_signup){.row = row,
                              .need = places_needed(s, v.fields),
                              .withdrawn =
                                  mt_field_uint(v.fields, MT_COMMON_STATUS) == MT_SIGNUP_WITHDRAWN};
    mt_query_subject(q, &v, &out->subject);
    return true;
}

enum mt_err mt_query_signups(struct mt_query *q, const struct mt_view *activity,
                             struct mt_signups *out) {
    struct mt_rows rows;
    struct mt_ref self = {.owner = activity->owner, .kind = MT_KIND_ACTIVITY, .id = activity->id};
    /* All that is needed of the activity, which may lie in the memory for looking up. */
    *out = (struct mt_signups){.has_capacity = mt_field_has(activity->fields, MT_ACTIVITY_CAPACITY),
                               .by_group = mt_field_uint(activity->fields, MT_ACTIVITY_UNIT) ==
                                           MT_UNIT_GROUPS,
                               .capacity = mt_field_uint(activity->fields, MT_ACTIVITY_CAPACITY)};
    out->n_by = mt_query_deciders(q, activity, out->by);
    enum mt_err err = mt_query_refs(q, MT_KIND_SIGNUP, &self.id, &rows);
    if (!err && rows.n) {
        out->p = calloc(rows.n, sizeof *out->p);
        err = out->p ? MT_OK : MT_ENOMEM;
    }
    for (size_t i = 0; !err && i < rows.n; i++) {
        struct mt_signup *s = &out->p[out->n];
        if (!read_signup(q, out, rows.p[i], &self, s))
            continue;
        out->n++;
        err = mt_query_answer(q, &s->subject, out->by, out->n_by, &s->answer);
    }
    mt_rows_free(&rows);
    err = err ? err : allot(out);
    if (q->trouble == MT_OK)
        q->trouble = err; /* who shows these leaves them out: the whole answer must fail */
    return err;
}

void mt_signups_free(struct mt_signups *s) {
    free(s->p);
    *s = (struct mt_signups){0};
}

/* ---- placements ---- */

/* What the proposer itself says of a placement; NULL while that is up to the other side. */
static const char *own_status(const struct mt_view *v, bool was_accepted) {
    switch (mt_field_uint(v->fields, MT_COMMON_STATUS)) {
    case MT_PLACEMENT_RUNNING:
        return was_accepted ? "running" : NULL;
    case MT_PLACEMENT_FINISHED:
        return was_accepted ? "finished" : NULL;
    case MT_PLACEMENT_STOPPED:
        return "stopped";
    default:
        return NULL;
    }
}

const char *mt_query_placement_status(struct mt_query *q, const struct mt_view *v,
                                      struct mt_answer *answer) {
    struct mt_subject subject;
    mt_query_subject(q, v, &subject);
    /* In our own channel the other side of the channel is us; what a school agreed with a company
     * that has not joined stands in the record itself. */
    struct mt_id other = mt_id_eq(&v->owner, &q->config.org) ? v->audience : q->config.org;
    bool alone = mt_id_eq(&v->audience, &q->config.org);
    bool agreed = alone && mt_field_has(v->fields, MT_PLACEMENT_AGREED_BY);
    enum mt_err err = mt_query_answer(q, &subject, &other, 1, answer);
    if (err)
        answer->found = false;
    if (q->trouble == MT_OK)
        q->trouble = err;
    /* Nobody takes a place by saying that a placement runs: it was accepted before. */
    bool was_accepted = agreed || (answer->found && (answer->decision == MT_DECISION_ACCEPTED ||
                                                     answer->decision == MT_DECISION_SIGNED));
    const char *own = own_status(v, was_accepted);
    if (own) {
        *answer = (struct mt_answer){0};
        return own;
    }
    if (!answer->found || !answer->current)
        return agreed ? "accepted" : "proposed";
    switch (answer->decision) {
    case MT_DECISION_ACCEPTED:
    case MT_DECISION_SIGNED:
        return "accepted";
    case MT_DECISION_DECLINED:
        return "declined";
    case MT_DECISION_WAITING:
        return "waiting";
    }
    return "proposed";
}

/* Reads what a placement of the place says; the memory for showing is used, as its answer takes
 * the one for looking up. */
static bool takes_place(struct mt_query *q, uint64_t row, const struct mt_ref *place,
                        const struct mt_rid *except) {
    struct mt_view v;
    struct mt_ref ref;
    struct mt_answer answer;
    if (mt_query_show(q, row, &v) || (except && mt_rid_eq(&v.id, except)) ||
        !mt_field_ref(v.fields, MT_PLACEMENT_STAGEPLEK, &ref) || ref.kind != place->kind ||
        !mt_id_eq(&ref.owner, &place->owner) || !mt_rid_eq(&ref.id, &place->id))
        return false;
    const char *status = mt_query_placement_status(q, &v, &answer);
    return strcmp(status, "accepted") == 0 || strcmp(status, "running") == 0;
}

enum mt_err mt_query_occupied(struct mt_query *q, const struct mt_ref *stageplek,
                              const struct mt_rid *except, uint64_t *out) {
    struct mt_rows rows;
    *out = 0;
    enum mt_err err = mt_query_refs(q, MT_KIND_PLACEMENT, &stageplek->id, &rows);
    for (size_t i = 0; !err && i < rows.n; i++)
        *out += takes_place(q, rows.p[i], stageplek, except);
    mt_rows_free(&rows);
    return err;
}

/* ---- free places ---- */

static bool free_of_activity(struct mt_query *q, const struct mt_view *v, uint64_t *out) {
    struct mt_signups s;
    if (!mt_field_has(v->fields, MT_ACTIVITY_CAPACITY))
        return false;
    bool ok = mt_query_signups(q, v, &s) == MT_OK;
    *out = ok ? s.capacity - s.accepted : 0;
    mt_signups_free(&s);
    return ok;
}

bool mt_query_free(struct mt_query *q, const struct mt_view *v, uint64_t *out) {
    *out = 0;
    if (v->kind == MT_KIND_ACTIVITY)
        return free_of_activity(q, v, out);
    if (v->kind != MT_KIND_STAGEPLEK || !mt_field_has(v->fields, MT_STAGEPLEK_CAPACITY))
        return false;
    uint64_t capacity = mt_field_uint(v->fields, MT_STAGEPLEK_CAPACITY);
    uint64_t occupied = mt_field_uint(v->fields, MT_STAGEPLEK_OCCUPIED);
    *out = capacity > occupied ? capacity - occupied : 0;
    return true;
}
