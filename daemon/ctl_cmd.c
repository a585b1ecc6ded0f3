#include "ctl_cmd_internal.h"

#include <stdlib.h>
#include <unistd.h>

#ifndef MEENT_VERSION
#define MEENT_VERSION "0"
#endif

/* ---- parameters ---- */

static enum mt_err find_param(struct cmd *c, const char *key, enum mt_wire_type type,
                              struct mt_reader *r, bool *there) {
    struct mt_slice value;
    *there = false;
    if (mt_wire_find(c->params, key, &value))
        return MT_OK;
    *r = mt_reader(value);
    if (mt_wire_peek(r) == MT_WIRE_NIL)
        return MT_OK;
    if (mt_wire_peek(r) != type)
        return cmd_say(c, MT_EINVALID, "%s has the wrong type", key);
    *there = true;
    return MT_OK;
}

enum mt_err cmd_text(struct cmd *c, const char *key, struct mt_slice *out) {
    struct mt_reader r;
    bool there;
    *out = mt_slice("", 0);
    enum mt_err err = find_param(c, key, MT_WIRE_STR, &r, &there);
    if (err || !there)
        return err;
    *out = mt_wire_str(&r, MT_STRING_MAX);
    if (r.err)
        return cmd_say(c, MT_EINVALID, "%s is too long", key);
    *out = mt_text_trim(*out);
    return MT_OK;
}

enum mt_err cmd_need(struct cmd *c, const char *key, struct mt_slice *out) {
    enum mt_err err = cmd_text(c, key, out);
    if (!err && out->n == 0)
        return cmd_say(c, MT_EINVALID, "%s is missing", key);
    return err;
}

enum mt_err cmd_uint(struct cmd *c, const char *key, uint64_t max, uint64_t *out) {
    struct mt_reader r;
    bool there;
    *out = 0;
    enum mt_err err = find_param(c, key, MT_WIRE_UINT, &r, &there);
    if (err || !there)
        return err;
    *out = mt_wire_uint(&r, max);
    return r.err ? cmd_say(c, MT_EINVALID, "%s is too large", key) : MT_OK;
}

enum mt_err cmd_bool(struct cmd *c, const char *key, bool *out) {
    struct mt_reader r;
    bool there;
    *out = false;
    enum mt_err err = find_param(c, key, MT_WIRE_BOOL, &r, &there);
    if (!err && there)
        *out = mt_wire_bool(&r);
    return err;
}

enum mt_err cmd_raw(struct cmd *c, const char *key, enum mt_wire_type type, struct mt_slice *out) {
    struct mt_reader r;
    bool there;
    *out = mt_slice(NULL, 0);
    enum mt_err err = find_param(c, key, type, &r, &there);
    if (!err && there)
        *out = mt_wire_raw(&r);
    return err;
}

enum mt_err cmd_kind(struct cmd *c, bool optional, const struct mt_kind **out) {
    struct mt_slice name;
    *out = NULL;
    enum mt_err err = optional ? cmd_text(c, "kind", &name) : cmd_need(c, "kind", &name);
    if (err || (optional && name.n == 0))
        return err;
    *out = mt_schema_kind_named(name);
    if (!*out)
        return cmd_say(c, MT_EINVALID, "there is no kind of record called %.*s",
                       (int)mt_text_fit(name, 60), (const char *)name.p);
    return MT_OK;
}

/* ---- queries and writes ---- */

enum mt_err cmd_open(struct cmd *c) {
    if (c->q_open)
        return MT_OK;
    if (c->info.state == MT_NODE_EMPTY)
        return cmd_say(c, MT_ESTATE, "no organisation yet");
    struct mt_query_config config = {.store = c->env->store,
                                     .keys = mt_node_keys(c->env->node),
                                     .gov = mt_node_gov(c->env->node),
                                     .orgs = &c->env->shared->orgs,
                                     .region = c->info.region,
                                     .org = c->info.org,
                                     .wall_ms = c->env->wall_ms,
                                     .personal = c->access & MT_ACCESS_PERSONAL};
    c->q_open = true;
    return mt_query_open(&c->q, &config, c->message);
}

void cmd_close(struct cmd *c) {
    if (c->q_open)
        mt_query_close(&c->q);
    c->q_open = false;
}

void cmd_end(struct cmd *c, enum mt_err err) {
    struct mt_cmd_shared *shared = c->env->shared;
    struct cmd_import_mark *mark = c->mark;
    cmd_close(c);
    if (!err)
        err = mt_query_trouble(&c->q);
    if (!err && c->out.err)
        err = c->out.err;
    if (err == MT_ECORRUPT)
        shared->damaged = true;
    if (err && c->message[0] == '\0')
        (void)cmd_say(c, err, "%s", mt_err_text(err));
    c->done(c->done_arg, err, c->message, err ? mt_slice(NULL, 0) : mt_writer_slice(&c->out));
    free(c->out.p);
    free(c);
    if (mark)
        cmd_import_done(shared, mark);
}

void mt_cmd_shared_close(struct mt_cmd_shared *shared) {
    mt_org_cache_close(&shared->orgs);
}

/* People's words for why the node refused; others show as they are. */
static const char *hint_text(const char *hint) {
    static const struct {
        const char *hint, *text;
    } texts[] = {
        {"name-taken", "there is an open invitation of that name already"},
        {"name", "that is no name"},
        {"too-many-invites", "too many invitations are open: revoke some"},
        {"no-address",
         "others cannot be told where to connect: set `announce` in the configuration"},
        {"not-a-seat", "only an organisation with a seat on the board invites"},
        {"not-filed", "nobody has used this invitation yet"},
        {"number", "the number does not match: have it read out again"},
        {"used", "this invitation was used already"},
        {"expired", "this invitation has expired or was revoked"},
        {"in-a-region", "this organisation is in a region already"},
        {"code", "that is not an invitation code"},
        {"restored",
         "this replica was restored: nothing is written before another member was reached"},
    };
    for (size_t i = 0; i < MT_ARRAY_LEN(texts); i++)
        if (strcmp(texts[i].hint, hint) == 0)
            return texts[i].text;
    return hint;
}

static void on_reply(void *arg, enum mt_err err, const struct mt_reply *reply) {
    struct cmd *c = arg;
    if (!err && c->finish)
        err = c->finish(c, reply);
    else if (err && reply && reply->hint)
        (void)cmd_say(c, err, "%s", hint_text(reply->hint));
    cmd_end(c, err);
}

enum mt_err cmd_submit(struct cmd *c, struct mt_command *command,
                       enum mt_err (*finish)(struct cmd *c, const struct mt_reply *reply)) {
    cmd_close(c);
    c->finish = finish;
    enum mt_err err = mt_query_trouble(&c->q);
    err = err ? err : c->env->submit(c->env->submit_arg, command, on_reply, c);
    return err ? err : MT_EAGAIN;
}

void cmd_put_id(struct cmd *c, uint16_t kind, const struct mt_rid *id) {
    struct mt_put p;
    char hex[33];
    mt_hex(hex, id->b, sizeof id->b);
    mt_put_map(&p, &c->out);
    mt_put_str(&p, "id", hex);
    mt_put_slice(&p, "short", mt_slice(hex, mt_query_short(&c->q, kind, id)));
    mt_put_map_end(&p);
}

/* ---- the table ---- */

enum mt_err cmd_ping(struct cmd *c) {
    struct mt_put p;
    mt_put_map(&p, &c->out);
    mt_put_str(&p, "version", MEENT_VERSION);
    mt_put_uint(&p, "pid", (uint64_t)getpid());
    mt_put_map_end(&p);
    return MT_OK;
}

static const struct cmd_method methods[] = {
    {"ping", 0, cmd_ping},
    {"status", 0, cmd_status},
    {"peer.list", 0, cmd_peer_list},
    {"peer.ping", 0, cmd_peer_ping},
    {"log", 0, cmd_log},
    {"verify", 0, cmd_verify},
    {"doctor", 0, cmd_doctor},
    {"init", MT_ACCESS_ADMIN, cmd_init},
    {"region.create", MT_ACCESS_ADMIN, cmd_region_create},
    {"region.show", 0, cmd_region_show},
    {"invite.create", MT_ACCESS_ADMIN, cmd_invite_create},
    {"invite.list", 0, cmd_invite_list},
    {"invite.revoke", MT_ACCESS_ADMIN, cmd_invite_revoke},
    {"join", MT_ACCESS_ADMIN, cmd_join},
    {"join.cancel", MT_ACCESS_ADMIN, cmd_join_cancel},
    {"join.state", 0, cmd_join_state},
    {"member.list", 0, cmd_member_list},
    {"member.approve", MT_ACCESS_ADMIN, cmd_member_approve},
    {"record.list", 0, cmd_record_list},
    {"record.show", 0, cmd_record_show},
    {"record.add", MT_ACCESS_WRITE, cmd_record_add},
    {"record.edit", MT_ACCESS_WRITE, cmd_record_edit},
    {"activity.cancel", MT_ACCESS_WRITE, cmd_activity_cancel},
    {"import", MT_ACCESS_WRITE, cmd_import},
    {"signup.add", MT_ACCESS_WRITE, cmd_signup_add},
    {"signup.withdraw", MT_ACCESS_WRITE, cmd_signup_withdraw},
    {"answer.add", MT_ACCESS_WRITE, cmd_answer_add},
    {"placement.propose", MT_ACCESS_WRITE | MT_ACCESS_PERSONAL, cmd_placement_propose},
    {"placement.accept", MT_ACCESS_WRITE | MT_ACCESS_PERSONAL, cmd_placement_accept},
    {"placement.decline", MT_ACCESS_WRITE | MT_ACCESS_PERSONAL, cmd_placement_decline},
};

static const struct cmd_method *find_method(struct mt_slice name) {
    for (size_t i = 0; i < MT_ARRAY_LEN(methods); i++)
        if (mt_slice_is(name, methods[i].name))
            return &methods[i];
    return NULL;
}

unsigned mt_cmd_needs(struct mt_slice method) {
    const struct cmd_method *m = find_method(method);
    return m ? m->access : 0;
}

static const char *access_name(unsigned missing) {
    return missing & MT_ACCESS_ADMIN ? "admin" : missing & MT_ACCESS_WRITE ? "write" : "personal";
}

static enum mt_err start(struct cmd *c, struct mt_slice method) {
    const struct cmd_method *m = find_method(method);
    if (!m)
        return cmd_say(c, MT_EINVALID, "there is no method %.*s", (int)mt_text_fit(method, 60),
                       (const char *)method.p);
    unsigned missing = m->access & ~c->access;
    if (missing)
        return cmd_say(c, MT_EDENIED, "this needs the right '%s'", access_name(missing));
    struct mt_reader r = mt_reader(c->params);
    if (mt_wire_peek(&r) != MT_WIRE_MAP)
        return cmd_say(c, MT_EINVALID, "parameters are one map");
    return m->fn(c);
}

void mt_cmd_run(const struct mt_cmd_env *env, unsigned access, struct mt_slice method,
                struct mt_slice params, mt_cmd_done_fn done, void *arg) {
    struct cmd *c = calloc(1, sizeof *c);
    uint8_t *memory = malloc(MT_QUERY_RESULT_MAX);
    if (!c || !memory) {
        free(c);
        free(memory);
        done(arg, MT_ENOMEM, mt_err_text(MT_ENOMEM), mt_slice(NULL, 0));
        return;
    }
    *c = (struct cmd){.own_env = *env,
                      .env = &c->own_env,
                      .node = env->node,
                      .access = access,
                      .params = params,
                      .out = mt_writer(memory, MT_QUERY_RESULT_MAX),
                      .done = done,
                      .done_arg = arg};
    c->q.message = c->message;
    mt_node_info(env->node, &c->info);
    enum mt_err err = start(c, method);
    if (err != MT_EAGAIN) /* else it belongs to its reply, which may have come and freed it */
        cmd_end(c, err);
}
