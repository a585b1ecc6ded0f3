/* query_own: what a daemon publishes by itself, and what it learns from others doing so. */
#include "ctl_cmd.h"

#include <stdlib.h>

#include "ctl_cmd_internal.h"

static bool open_query(const struct mt_cmd_env *env, const struct mt_node_info *info,
                       struct mt_query *q, char *message, enum mt_err *err) {
    struct mt_query_config config = {.store = env->store,
                                     .keys = mt_node_keys(env->node),
                                     .gov = mt_node_gov(env->node),
                                     .orgs = &env->shared->orgs,
                                     .region = info->region,
                                     .org = info->org,
                                     .wall_ms = env->wall_ms};
    *err = mt_query_open(q, &config, message);
    return *err == MT_OK;
}

/* Fields of our record of `kind` as it stands; empty when there is none. */
static struct mt_slice standing(struct mt_query *q, uint16_t kind, const struct mt_rid *id) {
    uint64_t row;
    struct mt_view v;
    if (mt_read_find(&q->read, NULL, &q->config.org, kind, id, &row) || mt_query_show(q, row, &v))
        return mt_slice(NULL, 0);
    return v.fields;
}

/* Our own record names us once; what people change in it afterwards is theirs. */
static void draft_org(struct mt_query *q, const struct mt_node_info *info, struct values *v,
                      struct draft *d) {
    struct mt_rid id;
    mt_node_org_rid(&info->org, &id);
    struct mt_slice fields = standing(q, MT_KIND_ORG, &id);
    v->set.mask = 0;
    if (!fields.n || !mt_field_has(fields, MT_ORG_NAME))
        values_str(v, MT_ORG_NAME, mt_slice_str(info->name));
    if (!fields.n || !mt_field_has(fields, MT_ORG_KIND))
        values_uint(v, MT_ORG_KIND, info->kind);
    if (!fields.n || !mt_field_has(fields, MT_ORG_MEMBER))
        values_bin(v, MT_ORG_MEMBER, info->org.b, sizeof info->org.b);
    if (v->set.mask)
        draft_add(d, mt_schema_kind(MT_KIND_ORG), &id, &v->set);
}

static void draft_endpoint(struct mt_query *q, const struct mt_node_info *info,
                           const char *announce, struct values *v, struct draft *d) {
    struct mt_rid id;
    mt_node_endpoint_rid(&info->feed, &id);
    struct mt_slice fields = standing(q, MT_KIND_ENDPOINT, &id);
    v->set.mask = 0;
    values_bin(v, MT_ENDPOINT_FEED, info->feed.b, sizeof info->feed.b);
    size_t at = v->w.n;
    mt_wire_put_array(&v->w, announce[0] ? 1 : 0);
    if (announce[0])
        mt_wire_put_cstr(&v->w, announce);
    if (v->w.err == MT_OK)
        mt_fieldset_set(&v->set, MT_ENDPOINT_ADDRESSES, mt_slice(v->w.p + at, v->w.n - at));
    if (!fields.n && !announce[0])
        return;
    values_changed(v, fields);
    if (v->set.mask)
        draft_add(d, mt_schema_kind(MT_KIND_ENDPOINT), &id, &v->set);
}

static void ignore(void *arg, enum mt_err err, const struct mt_reply *reply) {
    (void)arg;
    (void)err; /* it is tried again after the next change */
    (void)reply;
}

enum mt_err mt_query_own_records(const struct mt_cmd_env *env, const char *announce, mt_reply_fn fn,
                                 void *arg, bool *wrote) {
    char message[MT_QUERY_MESSAGE_MAX] = "";
    struct mt_node_info info;
    struct mt_query q;
    struct values v = {.memory = NULL};
    struct draft d;
    enum mt_err err;
    *wrote = false;
    mt_node_info(env->node, &info);
    /* This may be an older copy of itself: a peer tells before the daemon writes by itself. */
    if (info.state != MT_NODE_MEMBER || !info.has_key || !info.level)
        return MT_OK;
    draft_init(&d, NULL);
    if (open_query(env, &info, &q, message, &err) && !(err = values_init(&v))) {
        draft_org(&q, &info, &v, &d);
        draft_endpoint(&q, &info, announce, &v, &d);
    }
    mt_query_close(&q);
    err = err ? err : mt_query_trouble(&q);
    err = err ? err : v.w.err;
    err = err ? err : draft_end(&d);
    if (!err && d.n_entries) {
        struct mt_command command = {
            .type = MT_CMD_WRITE, .contents = d.entries, .n_contents = (uint32_t)d.n_entries};
        err = env->submit(env->submit_arg, &command, fn ? fn : ignore, arg);
        *wrote = !err;
    }
    values_free(&v);
    draft_free(&d);
    return err;
}

static enum mt_err give_addresses(const struct mt_view *v, mt_address_fn fn, void *arg) {
    struct mt_slice value;
    if (mt_fields_find(v->fields, MT_ENDPOINT_ADDRESSES, &value))
        return MT_OK;
    struct mt_reader r = mt_reader(value);
    if (mt_wire_peek(&r) != MT_WIRE_ARRAY)
        return MT_OK;
    enum mt_err err = MT_OK;
    for (uint32_t n = mt_wire_array(&r, 0, MT_LIST_MAX); n > 0 && !err; n--) {
        struct mt_slice address = mt_wire_str(&r, MT_ADDRESS_MAX);
        if (r.err)
            return MT_OK;
        if (address.n)
            err = fn(arg, &v->owner, address);
    }
    return err;
}

enum mt_err mt_query_addresses(const struct mt_cmd_env *env, mt_address_fn fn, void *arg) {
    char message[MT_QUERY_MESSAGE_MAX] = "";
    struct mt_node_info info;
    struct mt_query q;
    struct mt_rows rows = {.p = NULL};
    enum mt_err err;
    struct mt_index_query index = {.type = MT_INDEX_KIND, .kind = MT_KIND_ENDPOINT};
    mt_node_info(env->node, &info);
    if (info.state != MT_NODE_MEMBER)
        return MT_OK;
    if (open_query(env, &info, &q, message, &err))
        err = mt_query_rows(&q, &index, &rows);
    for (size_t i = 0; !err && i < rows.n; i++) {
        struct mt_view v;
        if (mt_query_show(&q, rows.p[i], &v) == MT_OK && !mt_id_eq(&v.owner, &info.org))
            err = give_addresses(&v, fn, arg);
    }
    mt_rows_free(&rows);
    mt_query_close(&q);
    return err;
}
