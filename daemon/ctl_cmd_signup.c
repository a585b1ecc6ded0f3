#include "ctl_cmd_internal.h"

#include <stdlib.h>

/* ---- sign-ups ---- */

/* One can sign up for what still goes on, until its deadline. */
static enum mt_err check_open(struct cmd *c, const struct mt_view *activity) {
    uint64_t status = mt_field_uint(activity->fields, MT_COMMON_STATUS);
    uint64_t deadline = mt_field_uint(activity->fields, MT_ACTIVITY_DEADLINE);
    if (status == MT_ACTIVITY_CANCELLED)
        return cmd_say(c, MT_ECONFLICT, "this activity is cancelled");
    if (status == MT_ACTIVITY_DONE)
        return cmd_say(c, MT_ECONFLICT, "this activity has been");
    if (deadline != 0 && deadline < c->q.today)
        return cmd_say(c, MT_ECONFLICT, "the deadline of this activity has passed");
    return MT_OK;
}

static enum mt_err signup_text(struct cmd *c, struct values *v, const char *key) {
    struct mt_slice text;
    const struct mt_kind *kind = mt_schema_kind(MT_KIND_SIGNUP);
    const struct mt_field *f = mt_schema_field_named(kind, mt_slice_str(key));
    struct mt_slice value;
    uint64_t number;
    char digits[24];
    /* Numbers may come as such. */
    if (f->type == MT_FIELD_UINT && mt_wire_find(c->params, key, &value) == MT_OK) {
        struct mt_reader r = mt_reader(value);
        if (mt_wire_peek(&r) == MT_WIRE_UINT) {
            enum mt_err err = cmd_uint(c, key, MT_SCHEMA_NUMBER_MAX, &number);
            struct mt_writer w = mt_writer(digits, sizeof digits);
            values_uint(v, f->no, number);
            mt_schema_format(f, v->set.v[f->no], -1, &w);
            return err ? err : values_text(c, v, f, mt_writer_slice(&w), NULL);
        }
    }
    enum mt_err err = cmd_text(c, key, &text);
    return err || text.n == 0 ? err : values_text(c, v, f, text, NULL);
}

enum mt_err cmd_signup_add(struct cmd *c) {
    static const char *const keys[] = {"group", "pupils",  "people", "on_behalf_of", "level",
                                       "year",  "date",    "start",  "end",          "end_date",
                                       "place", "contact", "text"};
    const struct mt_kind *kind = mt_schema_kind(MT_KIND_SIGNUP);
    struct mt_slice id;
    struct mt_view activity;
    struct values v = {.memory = NULL};
    struct mt_rid rid;
    enum mt_err err = cmd_need(c, "activity", &id);
    err = err ? err : cmd_open(c);
    err = err ? err : mt_query_prefix(&c->q, MT_KIND_ACTIVITY, id, &activity);
    err = err ? err : check_open(c, &activity);
    err = err ? err : values_init(&v);
    if (!err) {
        struct mt_ref ref = {.owner = activity.owner, .kind = MT_KIND_ACTIVITY, .id = activity.id};
        values_ref(&v, MT_SIGNUP_ACTIVITY, &ref);
    }
    for (size_t i = 0; !err && i < MT_ARRAY_LEN(keys); i++)
        err = signup_text(c, &v, keys[i]);
    err = err ? err : values_check(c, &v, kind, mt_slice(NULL, 0));
    if (!err) {
        struct draft d;
        c->env->random(rid.b, sizeof rid.b);
        cmd_put_id(c, kind->no, &rid);
        draft_init(&d, NULL);
        draft_add(&d, kind, &rid, &v.set);
        err = draft_submit(&d, c);
    }
    values_free(&v);
    return err;
}

enum mt_err cmd_signup_withdraw(struct cmd *c) {
    struct mt_slice id;
    struct mt_view view;
    struct values v = {.memory = NULL};
    enum mt_err err = cmd_need(c, "id", &id);
    err = err ? err : cmd_open(c);
    err = err ? err : mt_query_prefix(&c->q, MT_KIND_SIGNUP, id, &view);
    err = err ? err : values_init(&v);
    if (!err)
        values_uint(&v, MT_COMMON_STATUS, MT_SIGNUP_WITHDRAWN);
    err = err ? err : cmd_change(c, &view, &v);
    values_free(&v);
    return err;
}

/* ---- answers ---- */

enum mt_err cmd_write_answer(struct cmd *c, const struct mt_subject *subject,
                             const struct mt_id *audience, unsigned decision,
                             struct mt_slice reason) {
    const struct mt_kind *kind = mt_schema_kind(MT_KIND_ANSWER);
    struct mt_ref ref = {.audience = audience != NULL,
                         .owner = subject->owner,
                         .kind = subject->kind,
                         .id = subject->id};
    struct mt_answer before;
    struct mt_view view;
    struct values v = {.memory = NULL};
    struct mt_slice fields = mt_slice(NULL, 0);
    struct mt_rid rid;
    enum mt_err err = mt_query_answer(&c->q, subject, &c->info.org, 1, &before);
    err = err ? err : values_init(&v);
    if (!err && before.found)
        err = mt_query_show(&c->q, before.row, &view);
    if (err) {
        values_free(&v);
        return err;
    }
    if (before.found) {
        rid = before.id;
        fields = view.fields;
    } else {
        c->env->random(rid.b, sizeof rid.b);
    }
    values_ref(&v, MT_ANSWER_SUBJECT, &ref);
    values_uint(&v, MT_ANSWER_DECISION, decision);
    values_bin(&v, MT_ANSWER_VERSION, subject->version, sizeof subject->version);
    err = values_text(c, &v, mt_schema_field(kind, MT_COMMON_REASON), reason, NULL);
    values_changed(&v, fields);
    err = err ? err : values_check(c, &v, kind, fields);
    if (!err) {
        struct draft d;
        cmd_put_id(c, kind->no, &rid);
        draft_init(&d, audience);
        if (v.set.mask)
            draft_add(&d, kind, &rid, &v.set);
        err = draft_submit(&d, c);
    }
    values_free(&v);
    return err;
}

/* Accepting more than there are places is refused here; what another installation accepts at the
 * same time shows as waiting. */
static enum mt_err check_room(struct cmd *c, const struct mt_signups *s, const struct mt_rid *id) {
    const struct mt_signup *mine = NULL;
    uint64_t used = 0;
    for (size_t i = 0; i < s->n; i++)
        if (mt_rid_eq(&s->p[i].subject.id, id))
            mine = &s->p[i];
        else if (s->p[i].decision == MT_DECISION_ACCEPTED)
            used += s->p[i].need;
    if (mine && mine->withdrawn)
        return cmd_say(c, MT_ECONFLICT, "this sign-up was withdrawn");
    uint64_t left = s->capacity > used ? s->capacity - used : 0;
    if (s->has_capacity && mine && mine->need > left)
        return cmd_say(c, MT_ECONFLICT, "places asked: %llu, free: %llu",
                       (unsigned long long)mine->need, (unsigned long long)left);
    return MT_OK;
}

/* The activity's owner answers, or the organisation that hosts it. */
static enum mt_err answer_signup(struct cmd *c, const struct mt_view *signup, unsigned decision,
                                 struct mt_slice reason) {
    struct mt_ref ref;
    struct mt_subject subject;
    struct mt_view activity;
    struct mt_signups s = {.p = NULL};
    mt_query_subject(&c->q, signup, &subject);
    if (!mt_field_ref(signup->fields, MT_SIGNUP_ACTIVITY, &ref) ||
        mt_query_ref(&c->q, NULL, &ref, &activity))
        return cmd_say(c, MT_ENOTFOUND, "the activity of this sign-up is not here");
    enum mt_err err = mt_query_signups(&c->q, &activity, &s);
    bool may = false;
    for (size_t i = 0; i < s.n_by; i++)
        may = may || mt_id_eq(&s.by[i], &c->info.org);
    if (!err && !may)
        err = cmd_say(c, MT_EDENIED, "only the host of an activity answers sign-ups to it");
    if (!err && decision == MT_DECISION_ACCEPTED)
        err = check_room(c, &s, &subject.id);
    mt_signups_free(&s);
    return err ? err : cmd_write_answer(c, &subject, NULL, decision, reason);
}

static enum mt_err read_decision(struct cmd *c, unsigned *out) {
    struct mt_slice word;
    const struct mt_field *f = mt_schema_field(mt_schema_kind(MT_KIND_ANSWER), MT_ANSWER_DECISION);
    enum mt_err err = cmd_need(c, "decision", &word);
    if (err)
        return err;
    const struct mt_vocab_entry *e = mt_vocab_named(f->vocab, word);
    if (!e)
        return cmd_say(c, MT_EINVALID, "field=decision code=not-word");
    *out = e->code;
    return MT_OK;
}

enum mt_err cmd_answer_add(struct cmd *c) {
    struct mt_slice id, reason;
    struct mt_view v;
    unsigned decision = 0;
    enum mt_err err = cmd_need(c, "record", &id);
    err = err ? err : read_decision(c, &decision);
    err = err ? err : cmd_text(c, "reason", &reason);
    err = err ? err : cmd_open(c);
    err = err ? err : mt_query_prefix(&c->q, 0, id, &v);
    if (err)
        return err;
    switch (v.kind) {
    case MT_KIND_SIGNUP:
        return answer_signup(c, &v, decision, reason);
    case MT_KIND_PLACEMENT:
        if (!(c->access & MT_ACCESS_PERSONAL))
            return cmd_say(c, MT_EDENIED, "this needs the right 'personal'");
        return cmd_answer_placement(c, &v, decision, reason);
    default:
        return cmd_say(c, MT_EINVALID, "only sign-ups and placements are answered");
    }
}
