#include "ctl_cmd_internal.h"

#include "code.h"

#include <stdio.h>
#include <stdlib.h>

enum { NUMBER_DIGITS = 12, NUMBER_TEXT = NUMBER_DIGITS + 2, CODE_REGION_SIZE = 16 };

/* ---- organisation and region ---- */

static enum mt_err finish_id(struct cmd *c, const struct mt_reply *reply) {
    struct mt_put p;
    mt_put_map(&p, &c->out);
    mt_put_hex(&p, "id", reply->id.b, sizeof reply->id.b);
    mt_put_map_end(&p);
    return MT_OK;
}

static enum mt_err read_name(struct cmd *c, struct mt_slice *out) {
    enum mt_err err = cmd_need(c, "name", out);
    if (!err && out->n > MT_NAME_MAX)
        return cmd_say(c, MT_EINVALID, "a name is at most %d bytes", MT_NAME_MAX);
    return err;
}

enum mt_err cmd_init(struct cmd *c) {
    struct mt_slice name, kind;
    const struct mt_field *f = mt_schema_field(mt_schema_kind(MT_KIND_ORG), MT_ORG_KIND);
    enum mt_err err = read_name(c, &name);
    err = err ? err : cmd_need(c, "kind", &kind);
    if (err)
        return err;
    const struct mt_vocab_entry *e = mt_vocab_named(f->vocab, kind);
    if (!e)
        return cmd_say(c, MT_EINVALID, "field=kind code=not-word");
    if (c->info.state != MT_NODE_EMPTY)
        return cmd_say(c, MT_ECONFLICT, "this daemon already serves %s", c->info.name);
    struct mt_command command = {.type = MT_CMD_INIT, .name = name, .kind = e->code};
    return cmd_submit(c, &command, finish_id);
}

static enum mt_err need_org(struct cmd *c) {
    return c->info.state == MT_NODE_EMPTY ? cmd_say(c, MT_ESTATE, "no organisation yet") : MT_OK;
}

static enum mt_err need_region(struct cmd *c) {
    enum mt_err err = need_org(c);
    if (!err && c->info.state != MT_NODE_MEMBER)
        return cmd_say(c, MT_ESTATE, "this organisation is in no region yet");
    return err;
}

enum mt_err cmd_region_create(struct cmd *c) {
    struct mt_slice name;
    enum mt_err err = read_name(c, &name);
    err = err ? err : need_org(c);
    if (err)
        return err;
    /* A member without a key may have stopped half way through founding: the node knows. */
    bool waits_for_key = c->info.state == MT_NODE_MEMBER && !c->info.has_key;
    bool joins = c->info.state == MT_NODE_JOINING && c->info.join != MT_JOIN_REFUSED;
    if (joins)
        return cmd_say(c, MT_ECONFLICT, "this organisation is joining a region");
    if (c->info.state == MT_NODE_MEMBER && !waits_for_key)
        return cmd_say(c, MT_ECONFLICT, "this organisation is in a region already");
    struct mt_command command = {.type = MT_CMD_REGION_CREATE, .name = name};
    return cmd_submit(c, &command, finish_id);
}

/* The founding act, which says who founded the region and how long things are kept. */
static bool find_founding(const struct mt_gov *gov, struct mt_found *out) {
    static const struct mt_id none;
    for (size_t i = 0; gov && i < mt_gov_count(gov); i++) {
        struct mt_item item;
        if (mt_item_get(mt_gov_item(gov, i), &none, &item) == MT_OK && item.type == MT_ITEM_FOUND &&
            mt_found_check(&item, out) == MT_OK)
            return true;
    }
    return false;
}

static void put_founding(const struct mt_found *found, struct mt_put *p) {
    static const char *const names[] = {"placements_days", "access_log_days", "backups_days",
                                        "contributions_days"};
    struct mt_put f;
    mt_put_map(&f, mt_put_key(p, "founder"));
    mt_put_hex(&f, "id", found->founder.b, sizeof found->founder.b);
    mt_put_slice(&f, "name", found->founder_name);
    mt_put_map_end(&f);
    mt_put_map(&f, mt_put_key(p, "retention"));
    for (size_t i = 0; i < MT_ARRAY_LEN(names); i++)
        mt_put_uint(&f, names[i], found->retention_days[i]);
    mt_put_map_end(&f);
}

enum mt_err cmd_region_show(struct cmd *c) {
    struct mt_found found;
    struct mt_put p;
    enum mt_err err = need_region(c);
    if (err)
        return err;
    const struct mt_gov *gov = mt_node_gov(c->node);
    mt_put_map(&p, &c->out);
    mt_put_hex(&p, "id", c->info.region.b, sizeof c->info.region.b);
    mt_put_str(&p, "name", c->info.region_name);
    mt_put_uint(&p, "members", gov ? mt_gov_members(gov) : 0);
    mt_put_hex(&p, "governance", c->info.governance.b, sizeof c->info.governance.b);
    if (find_founding(gov, &found))
        put_founding(&found, &p);
    mt_put_map_end(&p);
    return MT_OK;
}

/* ---- invitations ---- */

static enum mt_err finish_invite(struct cmd *c, const struct mt_reply *reply) {
    struct mt_put p;
    mt_put_map(&p, &c->out);
    mt_put_str(&p, "code", reply->code);
    mt_put_instant(&p, "expires", reply->expires_ms);
    mt_put_map_end(&p);
    return MT_OK;
}

enum mt_err cmd_invite_create(struct cmd *c) {
    struct mt_slice name;
    enum mt_err err = read_name(c, &name);
    err = err ? err : need_region(c);
    if (err)
        return err;
    struct mt_command command = {.type = MT_CMD_INVITE_CREATE, .name = name};
    return cmd_submit(c, &command, finish_invite);
}

static const char *invite_state(const struct mt_invite_info *info) {
    switch (info->state) {
    case MT_INVITE_OPEN:
        return "open";
    case MT_INVITE_FILED:
        return "filed";
    case MT_INVITE_USED:
        return "used";
    case MT_INVITE_REVOKED:
        return "revoked";
    case MT_INVITE_EXPIRED:
        return "expired";
    }
    return "";
}

enum mt_err cmd_invite_list(struct cmd *c) {
    struct mt_put p, list;
    size_t n = mt_node_invites(c->node, NULL, 0);
    struct mt_invite_info *infos = calloc(n + 1, sizeof *infos);
    if (!infos)
        return MT_ENOMEM;
    size_t there = mt_node_invites(c->node, infos, n);
    n = there < n ? there : n;
    mt_put_map(&p, &c->out);
    mt_put_array(&list, mt_put_key(&p, "invites"));
    for (size_t i = 0; i < n; i++, list.n++) {
        struct mt_put one;
        mt_put_map(&one, list.w);
        mt_put_str(&one, "name", infos[i].name);
        mt_put_str(&one, "state", invite_state(&infos[i]));
        mt_put_instant(&one, "created", infos[i].created_ms);
        mt_put_instant(&one, "expires", infos[i].expires_ms);
        mt_put_str(&one, "applicant", infos[i].applicant[0] ? infos[i].applicant : NULL);
        mt_put_map_end(&one);
    }
    mt_put_array_end(&list);
    mt_put_map_end(&p);
    free(infos);
    return MT_OK;
}

/* What is wrong with an invitation is said here, where it can be named. */
static enum mt_err check_invite(struct cmd *c, struct mt_slice name) {
    size_t n = mt_node_invites(c->node, NULL, 0), at = 0;
    struct mt_invite_info *infos = calloc(n + 1, sizeof *infos);
    if (!infos)
        return MT_ENOMEM;
    n = mt_node_invites(c->node, infos, n);
    bool is_over = false, found = false;
    for (; at < n; at++)
        if (mt_slice_is(name, infos[at].name)) {
            found = true;
            is_over = infos[at].state == MT_INVITE_REVOKED || infos[at].state == MT_INVITE_EXPIRED;
        }
    free(infos);
    if (!found)
        return cmd_say(c, MT_ENOTFOUND, "there is no invitation called %.*s",
                       (int)mt_text_fit(name, 100), (const char *)name.p);
    return is_over ? cmd_say(c, MT_ESTATE, "this invitation has expired or was revoked") : MT_OK;
}

/* An invitation goes by its name. */
static enum mt_err finish_revoke(struct cmd *c, const struct mt_reply *reply) {
    struct mt_put p;
    struct mt_slice name;
    enum mt_err err = read_name(c, &name);
    (void)reply;
    mt_put_map(&p, &c->out);
    mt_put_slice(&p, "id", name);
    mt_put_map_end(&p);
    return err;
}

enum mt_err cmd_invite_revoke(struct cmd *c) {
    struct mt_slice name;
    enum mt_err err = read_name(c, &name);
    err = err ? err : need_region(c);
    if (err)
        return err;
    err = check_invite(c, name);
    if (err)
        return err;
    struct mt_command command = {.type = MT_CMD_INVITE_REVOKE, .name = name};
    return cmd_submit(c, &command, finish_revoke);
}

/* ---- joining ---- */

static const char *join_word(const struct mt_node_info *info) {
    switch (info->join) {
    case MT_JOIN_CALLING:
        return "calling";
    case MT_JOIN_FILED:
        return "filed";
    case MT_JOIN_DONE:
        return "member";
    case MT_JOIN_REFUSED:
        return "refused";
    case MT_JOIN_NONE:
        break;
    }
    return info->state == MT_NODE_MEMBER ? "member" : "none";
}

/* The state of joining, the number as two groups of six digits. */
void cmd_put_join(const struct mt_node_info *info, struct mt_writer *w) {
    struct mt_put p;
    char number[NUMBER_TEXT];
    mt_put_map(&p, w);
    mt_put_str(&p, "state", join_word(info));
    (void)snprintf(number, sizeof number, "%06u %06u",
                   (unsigned)(info->join_number / 1000000 % 1000000),
                   (unsigned)(info->join_number % 1000000));
    mt_put_str(&p, "number", info->join == MT_JOIN_FILED ? number : NULL);
    bool failing = info->join == MT_JOIN_CALLING || info->join == MT_JOIN_REFUSED;
    mt_put_str(&p, "error", failing && info->join_err ? mt_err_code(info->join_err) : NULL);
    mt_put_map_end(&p);
}

static enum mt_err finish_join(struct cmd *c, const struct mt_reply *reply) {
    (void)reply;
    mt_node_info(c->node, &c->info);
    cmd_put_join(&c->info, &c->out);
    return MT_OK;
}

/* A member may give the code it came in with again, but joins no second region. A code begins with
 * an address behind its length; then comes the start of the region's id. */
static enum mt_err check_region(struct cmd *c, struct mt_slice code) {
    uint8_t memory[MT_CODE_DATA_MAX], region[CODE_REGION_SIZE];
    struct mt_writer data = mt_writer(memory, sizeof memory);
    if (mt_code_get(code, &data))
        return cmd_say(c, MT_EINVALID, "that is not an invitation code");
    struct mt_reader r = mt_reader(mt_writer_slice(&data));
    (void)mt_reader_take(&r, mt_reader_u8(&r));
    mt_reader_get(&r, region, sizeof region);
    if (r.err)
        return cmd_say(c, MT_EINVALID, "that is not an invitation code");
    if (memcmp(region, c->info.region.b, sizeof region) != 0)
        return cmd_say(c, MT_ECONFLICT, "this organisation is in a region already");
    return MT_OK;
}

enum mt_err cmd_join(struct cmd *c) {
    struct mt_slice code;
    enum mt_err err = cmd_text(c, "code", &code);
    err = err ? err : need_org(c);
    if (err)
        return err;
    if (c->info.state == MT_NODE_MEMBER && code.n)
        err = check_region(c, code);
    if (err)
        return err;
    /* Asking again is how one waits; the number does not change by it. */
    if (code.n == 0 || c->info.state == MT_NODE_MEMBER) {
        cmd_put_join(&c->info, &c->out);
        return MT_OK;
    }
    struct mt_command command = {.type = MT_CMD_JOIN, .code = code};
    return cmd_submit(c, &command, finish_join);
}

/* Whoever has the request may still approve it; nothing comes of that. */
enum mt_err cmd_join_cancel(struct cmd *c) {
    enum mt_err err = need_org(c);
    if (err)
        return err;
    if (c->info.state == MT_NODE_MEMBER)
        return cmd_say(c, MT_ECONFLICT, "this organisation is in a region already");
    if (c->info.state != MT_NODE_JOINING)
        return cmd_say(c, MT_ESTATE, "this organisation is not joining a region");
    struct mt_command command = {.type = MT_CMD_JOIN_CANCEL};
    return cmd_submit(c, &command, finish_join);
}

enum mt_err cmd_join_state(struct cmd *c) {
    cmd_put_join(&c->info, &c->out);
    return MT_OK;
}

/* ---- members ---- */

/* Digits of the shortest prefix of a member's id that no other member has. */
static size_t short_of(const struct mt_gov *gov, const struct mt_id *id) {
    size_t same = 0; /* digits that another one shares at most */
    for (size_t i = 0; i < mt_gov_members(gov); i++) {
        const struct mt_id *other = &mt_gov_member_at(gov, i)->org;
        size_t n = 0;
        if (mt_id_eq(other, id))
            continue;
        while (n < sizeof id->b && id->b[n] == other->b[n])
            n++;
        size_t digits = 2 * n;
        if (n < sizeof id->b && id->b[n] >> 4 == other->b[n] >> 4)
            digits++;
        same = digits > same ? digits : same;
    }
    return same + 1 > MT_QUERY_SHORT_MIN ? same + 1 : MT_QUERY_SHORT_MIN;
}

/* When an organisation's own record was made: the nearest to a date of joining that there is. */
static uint64_t joined_ms(struct cmd *c, const struct mt_id *org) {
    struct mt_rid rid;
    if (mt_query_book(&c->q))
        return 0;
    mt_node_org_rid(org, &rid);
    const struct mt_org *o = mt_org_find(c->q.book, org, &rid);
    return o ? o->created_ms : 0;
}

enum mt_err cmd_member_list(struct cmd *c) {
    struct mt_put p, list;
    enum mt_err err = need_region(c);
    err = err ? err : cmd_open(c);
    if (err)
        return err;
    const struct mt_gov *gov = mt_node_gov(c->node);
    mt_put_map(&p, &c->out);
    mt_put_array(&list, mt_put_key(&p, "members"));
    for (size_t i = 0; gov && i < mt_gov_members(gov); i++, list.n++) {
        const struct mt_member *m = mt_gov_member_at(gov, i);
        struct mt_put one;
        char hex[65];
        mt_hex(hex, m->org.b, sizeof m->org.b);
        mt_put_map(&one, list.w);
        mt_put_str(&one, "id", hex);
        mt_put_slice(&one, "short", mt_slice(hex, short_of(gov, &m->org)));
        mt_put_str(&one, "name", m->name);
        mt_put_str(&one, "role", m->role == MT_ROLE_RELAY ? "relay" : "member");
        mt_put_bool(&one, "seat", m->is_seat);
        mt_put_instant(&one, "joined", joined_ms(c, &m->org));
        mt_put_map_end(&one);
    }
    mt_put_array_end(&list);
    mt_put_map_end(&p);
    return MT_OK;
}

/* Twelve digits; what people put between them does not matter. */
static bool read_number(struct mt_slice text, uint64_t *out) {
    unsigned digits = 0;
    *out = 0;
    for (size_t i = 0; i < text.n; i++) {
        uint8_t ch = text.p[i];
        if (ch >= '0' && ch <= '9') {
            if (++digits > NUMBER_DIGITS)
                return false;
            *out = *out * 10 + (uint64_t)(ch - '0');
        } else if (ch != ' ' && ch != '-' && ch != '.') {
            return false;
        }
    }
    return digits == NUMBER_DIGITS;
}

enum mt_err cmd_member_approve(struct cmd *c) {
    struct mt_slice name, text;
    uint64_t number;
    enum mt_err err = read_name(c, &name);
    err = err ? err : cmd_need(c, "number", &text);
    err = err ? err : need_region(c);
    if (err)
        return err;
    if (!read_number(text, &number))
        return cmd_say(c, MT_EINVALID, "the number is two groups of six digits");
    err = check_invite(c, name);
    if (err)
        return err;
    struct mt_command command = {.type = MT_CMD_APPROVE, .name = name, .number = number};
    return cmd_submit(c, &command, finish_id);
}
