/* ctl_cmd_placement: placements between a school and a company.
 *
 * A placement goes into the channel of the school and the organisation that offers the place, so
 * that nobody else stores a byte of it. The pupil goes by a random pseudonym; the first name is
 * refused here and set with record.edit once the placement is accepted.
 *
 * How many have a place is all that the region learns: who offers it states that number in the place's
 * own record, counted anew from the channels after every change, so that it is right again whatever
 * came between. */
#include "ctl_cmd_internal.h"

enum { PSEUDONYM_BYTES = 5 };

static enum mt_err find_place(struct cmd *c, struct mt_view *v) {
    struct mt_slice id;
    enum mt_err err = cmd_need(c, "stageplek", &id);
    err = err ? err : cmd_open(c);
    err = err ? err : mt_query_prefix(&c->q, MT_KIND_STAGEPLEK, id, v);
    if (err)
        return err;
    if (mt_field_uint(v->fields, MT_COMMON_STATUS) == MT_STATUS_ENDED)
        return cmd_say(c, MT_ECONFLICT, "this place is no longer offered");
    const struct mt_gov *gov = mt_node_gov(c->node);
    if (!gov || !mt_gov_member(gov, &v->owner))
        return cmd_say(c, MT_ECONFLICT,
                       "who offers this place is no member: there is nobody to share it with");
    return MT_OK;
}

static enum mt_err placement_text(struct cmd *c, struct values *v, const char *key,
                                  const struct mt_id *channel) {
    struct mt_slice text;
    const struct mt_field *f =
        mt_schema_field_named(mt_schema_kind(MT_KIND_PLACEMENT), mt_slice_str(key));
    enum mt_err err = cmd_text(c, key, &text);
    return err || text.n == 0 ? err : values_text(c, v, f, text, channel);
}

static enum mt_err refuse_name(struct cmd *c) {
    struct mt_slice text;
    enum mt_err err = cmd_text(c, "first_name", &text);
    if (!err && text.n)
        return cmd_say(c, MT_ECONFLICT, "a first name is given once the placement is accepted");
    return err;
}

static void put_pseudonym(struct cmd *c, struct values *v) {
    uint8_t bytes[PSEUDONYM_BYTES];
    char text[2 + 2 * PSEUDONYM_BYTES + 1] = "P-";
    c->env->random(bytes, sizeof bytes);
    mt_hex(text + 2, bytes, sizeof bytes);
    values_str(v, MT_PLACEMENT_PSEUDONYM, mt_slice_str(text));
}

enum mt_err cmd_placement_propose(struct cmd *c) {
    static const char *const keys[] = {
        "level",     "route",    "from",        "until",         "hours",        "school_mentor",
        "found_by",  "age_band", "year",        "profile",       "text",         "agreed_by",
        "agreed_on", "ground",   "parent_date", "parent_agrees", "parent_paper", "company_mentor"};
    const struct mt_kind *kind = mt_schema_kind(MT_KIND_PLACEMENT);
    struct mt_view place;
    struct values v = {.memory = NULL};
    enum mt_err err = refuse_name(c);
    err = err ? err : find_place(c, &place);
    err = err ? err : values_init(&v);
    if (err)
        return err;
    struct mt_id channel = place.owner;
    struct mt_ref ref = {.owner = place.owner, .kind = MT_KIND_STAGEPLEK, .id = place.id};
    values_ref(&v, MT_PLACEMENT_STAGEPLEK, &ref);
    put_pseudonym(c, &v);
    for (size_t i = 0; !err && i < MT_ARRAY_LEN(keys); i++)
        err = placement_text(c, &v, keys[i], &channel);
    err = err ? err : values_check(c, &v, kind, mt_slice(NULL, 0));
    if (!err) {
        struct mt_rid rid;
        struct draft d;
        c->env->random(rid.b, sizeof rid.b);
        cmd_put_id(c, kind->no, &rid);
        draft_init(&d, &channel);
        draft_add(&d, kind, &rid, &v.set);
        err = draft_submit(&d, c);
    }
    values_free(&v);
    return err;
}

/* A place takes as many as it states; only who offers it sees them all. */
static enum mt_err check_room(struct cmd *c, const struct mt_ref *place, const struct mt_rid *id) {
    struct mt_view v;
    uint64_t occupied;
    if (!mt_id_eq(&place->owner, &c->info.org) || mt_query_ref(&c->q, NULL, place, &v) ||
        !mt_field_has(v.fields, MT_STAGEPLEK_CAPACITY))
        return MT_OK;
    uint64_t capacity = mt_field_uint(v.fields, MT_STAGEPLEK_CAPACITY);
    enum mt_err err = mt_query_occupied(&c->q, place, id, &occupied);
    if (!err && occupied >= capacity)
        return cmd_say(c, MT_ECONFLICT, "this place takes %llu and has them",
                       (unsigned long long)capacity);
    return err;
}

enum mt_err cmd_answer_placement(struct cmd *c, const struct mt_view *v, unsigned decision,
                                 struct mt_slice reason) {
    struct mt_subject subject;
    struct mt_ref place;
    struct mt_id audience = v->audience;
    bool alone = mt_id_eq(&audience, &c->info.org);
    if (mt_id_eq(&v->owner, &c->info.org) && !alone)
        return cmd_say(c, MT_EDENIED, "the other side answers what you proposed");
    mt_query_subject(&c->q, v, &subject);
    if (decision == MT_DECISION_ACCEPTED &&
        mt_field_ref(v->fields, MT_PLACEMENT_STAGEPLEK, &place)) {
        enum mt_err err = check_room(c, &place, &subject.id);
        if (err)
            return err;
    }
    return cmd_write_answer(c, &subject, &audience, decision, reason);
}

static enum mt_err answer(struct cmd *c, unsigned decision) {
    struct mt_slice id, reason;
    struct mt_view v;
    enum mt_err err = cmd_need(c, "id", &id);
    err = err ? err : cmd_text(c, "reason", &reason);
    err = err ? err : cmd_open(c);
    err = err ? err : mt_query_prefix(&c->q, MT_KIND_PLACEMENT, id, &v);
    return err ? err : cmd_answer_placement(c, &v, decision, reason);
}

enum mt_err cmd_placement_accept(struct cmd *c) {
    return answer(c, MT_DECISION_ACCEPTED);
}

enum mt_err cmd_placement_decline(struct cmd *c) {
    return answer(c, MT_DECISION_DECLINED);
}

/* ---- how many have a place ---- */

/* Adds what a place of ours must state, when it states another number. */
static enum mt_err draft_count(struct mt_query *q, uint64_t row, struct values *v,
                               struct draft *d) {
    const struct mt_kind *kind = mt_schema_kind(MT_KIND_STAGEPLEK);
    struct mt_view place;
    uint64_t now;
    enum mt_err err = mt_query_show(q, row, &place);
    if (err || place.major != kind->major)
        return err;
    /* Counting reads other records into the memory this one stands in. */
    struct mt_ref ref = {.owner = place.owner, .kind = MT_KIND_STAGEPLEK, .id = place.id};
    uint64_t stated = mt_field_uint(place.fields, MT_STAGEPLEK_OCCUPIED);
    err = mt_query_occupied(q, &ref, NULL, &now);
    if (err || now == stated)
        return err;
    v->set.mask = 0;
    values_uint(v, MT_STAGEPLEK_OCCUPIED, now);
    draft_add(d, kind, &ref.id, &v->set);
    return d->err;
}

static enum mt_err draft_counts(struct mt_query *q, struct values *v, struct draft *d) {
    struct mt_rows rows = {.p = NULL};
    uint8_t own[4];
    uint64_t placements = 0;
    enum mt_err err = mt_read_count(&q->read, MT_KIND_PLACEMENT, &placements);
    if (err || placements == 0)
        return err;
    mt_be32(own, mt_read_org_no(&q->read, &q->config.org));
    struct mt_index_query index = {.type = MT_INDEX_OWNER,
                                   .kind = MT_KIND_STAGEPLEK,
                                   .from = mt_slice(own, sizeof own),
                                   .to = mt_slice(own, sizeof own)};
    err = mt_query_rows(q, &index, &rows);
    for (size_t i = 0; !err && i < rows.n; i++)
        err = draft_count(q, rows.p[i], v, d);
    mt_rows_free(&rows);
    return err;
}

enum mt_err mt_cmd_count_places(const struct mt_cmd_env *env, mt_reply_fn fn, void *arg,
                                bool *wrote) {
    char message[MT_QUERY_MESSAGE_MAX] = "";
    struct mt_node_info info;
    struct mt_query q;
    struct values v = {.memory = NULL};
    struct draft d;
    *wrote = false;
    mt_node_info(env->node, &info);
    if (info.state != MT_NODE_MEMBER || !info.has_key || env->degraded)
        return MT_OK;
    struct mt_query_config config = {.store = env->store,
                                     .keys = mt_node_keys(env->node),
                                     .gov = mt_node_gov(env->node),
                                     .region = info.region,
                                     .org = info.org,
                                     .wall_ms = env->wall_ms,
                                     .personal = true};
    draft_init(&d, NULL);
    enum mt_err err = mt_query_open(&q, &config, message);
    err = err ? err : values_init(&v);
    err = err ? err : draft_counts(&q, &v, &d);
    mt_query_close(&q);
    err = err ? err : mt_query_trouble(&q);
    err = err ? err : v.w.err;
    err = err ? err : draft_end(&d);
    if (!err && d.n_entries) {
        struct mt_command command = {
            .type = MT_CMD_WRITE, .contents = d.entries, .n_contents = (uint32_t)d.n_entries};
        err = env->submit(env->submit_arg, &command, fn, arg);
        *wrote = !err;
    }
    values_free(&v);
    draft_free(&d);
    return err;
}
