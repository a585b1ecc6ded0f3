/* people: they found the region, invite, read numbers aloud, and write. */
#include "sim.h"

#include "record.h"
#include "schema.h"

enum {
    LOOK_MS = 250,
    REGION = -1,
    TEXT_MAX = 12 * 1024,
    RECORD_OLD = 350, /* per mille: a write changes an earlier record */
    CHANGE_ROOM = 64,
};

/* ---- coming in ---- */

static void give(struct sim *s, struct host *h, enum mt_command_type type, int subject,
                 const char *name, const char *code, uint64_t number) {
    struct mt_command c = {.type = type,
                           .name = mt_slice_str(name ? name : ""),
                           .code = mt_slice_str(code ? code : ""),
                           .kind = 1,
                           .number = number};
    struct command keep = {.subject = subject, .value = number};
    static const char *const names[] = {"init", "region create", "invite create", "invite revoke",
                                        "join", "approve",       "write"};
    if (host_waits_for(h, type, subject))
        return;
    sim_note(s, h->index, "says %s %s", names[type], name ? name : "");
    (void)host_command(s, h, &c, &keep);
}

static void invite_name(const struct host *h, char out[static 16]) {
    (void)snprintf(out, 16, "invite %d", h->index);
}

static void found(struct sim *s, struct host *h) {
    struct mt_node_info info = host_info(h);
    if (info.state == MT_NODE_EMPTY)
        give(s, h, MT_CMD_INIT, 0, "Stad & Esch", NULL, 0);
    else if (info.state == MT_NODE_ALONE && h->has_installation)
        give(s, h, MT_CMD_REGION_CREATE, 0, "Meppel", NULL, 0);
}

/* The newcomer reads its number out, and sometimes it is typed wrong. */
static void read_aloud(struct sim *s, struct host *seat, struct host *h, uint64_t number) {
    char name[16];
    invite_name(h, name);
    if (h->is_spy || !host_is_member(seat))
        return;
    if (chance_hits(&s->chance, 100))
        number = (number + 1) % UINT64_C(1000000000000);
    give(s, seat, MT_CMD_APPROVE, h->index, name, NULL, number);
}

/* Its code is of no use any more: somebody else's, or the inviter was put back to a copy that does
 * not know of it. */
static bool needs_code(const struct sim *s, struct host *h) {
    struct mt_node_info info = host_info(h);
    if (info.state != MT_NODE_JOINING)
        return h->gives_up = false;
    h->gives_up |=
        s->hosts[0].rollbacks && info.join == MT_JOIN_CALLING && info.join_err == MT_EPSK;
    return h->gives_up || info.join == MT_JOIN_REFUSED;
}

static void come_in(struct sim *s, struct host *h) {
    struct host *seat = &s->hosts[0];
    struct mt_node_info info = host_info(h);
    char name[24];
    bool refused = needs_code(s, h);
    if (info.state == MT_NODE_EMPTY) {
        (void)snprintf(name, sizeof name, "Organisatie %d", h->index);
        give(s, h, MT_CMD_INIT, 0, name, NULL, 0);
    } else if ((info.state == MT_NODE_ALONE || refused) && !h->code[0] && host_is_member(seat)) {
        invite_name(h, name);
        if (!host_waits_for(seat, MT_CMD_INVITE_REVOKE, h->index))
            give(s, seat, MT_CMD_INVITE_CREATE, h->index, name, NULL, 0);
    } else if ((info.state == MT_NODE_ALONE || refused) && h->code[0] && h->has_installation) {
        give(s, h, MT_CMD_JOIN, 0, NULL, h->code, 0);
        h->code[0] = 0;
        h->gives_up = false;
    } else if (info.state == MT_NODE_JOINING && info.join == MT_JOIN_FILED) {
        read_aloud(s, seat, h, info.join_number);
    }
}

/* ---- writing ---- */

static struct record *record_for(struct sim *s, int author, int other) {
    if (s->n_records && chance_hits(&s->chance, RECORD_OLD)) {
        struct record *r = &s->records[chance_below(&s->chance, s->n_records)];
        if (!r->is_life && r->author == author && r->other == other && r->n_open < SIM_OPEN_MAX)
            return r;
    }
    struct record *r =
        ledger_add(s, author, other, other == REGION ? MT_KIND_ACTIVITY : MT_KIND_PLACEMENT);
    chance_fill(&s->chance, r->id.b, sizeof r->id.b);
    return r;
}

/* The text of a value begins with its number. */
static void put_content(struct mt_writer *w, const struct record *r, uint64_t value, size_t size) {
    static char text[TEXT_MAX];
    memset(text, 'a' + (int)(value % 26), size);
    int n = snprintf(text, sizeof text, "%llu %s", (unsigned long long)value,
                     r->other == REGION ? "" : SIM_SECRET);
    text[n] = 'x';
    mt_changes_begin(w, 1);
    mt_change_begin(w, r->kind, 1, 0, &r->id, 1);
    mt_wire_put_uint(w, ledger_field(r->kind));
    mt_wire_put_str(w, mt_slice(text, size));
}

static void write_some(struct sim *s, struct host *h, int other) {
    static uint8_t memory[SIM_WRITES_MAX][TEXT_MAX + CHANGE_ROOM];
    struct mt_slice contents[SIM_WRITES_MAX];
    struct command keep = {.n = (unsigned)chance_between(&s->chance, 1, 4)};
    if (chance_hits(&s->chance, (unsigned)s->plan.big))
        keep.n = SIM_WRITES_MAX;
    keep.value = s->values + 1;
    for (unsigned i = 0; i < keep.n; i++) {
        struct record *r = record_for(s, h->index, other);
        struct mt_writer w = mt_writer(memory[i], sizeof memory[i]);
        size_t size = chance_between(&s->chance, 40, 300);
        if (chance_hits(&s->chance, (unsigned)s->plan.big))
            size = chance_between(&s->chance, 300, TEXT_MAX);
        keep.records[i] = (uint32_t)(r - s->records);
        uint64_t value = ledger_value(s, 0);
        (void)ledger_open(s, r, value);
        put_content(&w, r, value, size);
        contents[i] = mt_writer_slice(&w);
    }
    struct mt_command c = {.type = MT_CMD_WRITE, .contents = contents, .n_contents = keep.n};
    if (other != REGION)
        c.audience = s->hosts[other].org;
    sim_note(s, h->index, "writes %llu to %llu for %s %d", (unsigned long long)keep.value,
             (unsigned long long)s->values, other == REGION ? "the region" : "org", other);
    (void)host_command(s, h, &c, &keep);
}

/* A copy that was put back writes again once it has a chain of its own and heard from everybody: what
 * it wrote earlier and does not know of might outrank it. */
static bool is_silent(const struct sim *s, struct host *h) {
    struct mt_node_info info = host_info(h);
    if (h->silent && memcmp(info.feed.b, h->copy_feed, sizeof h->copy_feed) != 0)
        h->silent = !check_is_level(s, h);
    return h->silent;
}

static void maybe_write(struct sim *s, struct host *h) {
    int other = REGION;
    if (!host_is_member(h) || is_silent(s, h) || h->is_spy || !host_info(h).has_key)
        return;
    if (chance_hits(&s->chance, (unsigned)s->plan.life) && host_has_room(h))
        life_look(s, h);
    if (!chance_hits(&s->chance, (unsigned)s->plan.write))
        return;
    if (chance_hits(&s->chance, 300)) {
        other = (int)chance_below(&s->chance, (uint64_t)s->plan.members);
        const struct mt_id *org = &s->hosts[other].org;
        if (mt_id_is_zero(org) || !mt_gov_member(mt_node_gov(h->node), org))
            return;
    }
    write_some(s, h, other);
}

void people_answered(struct sim *s, struct host *h, const struct command *c, enum mt_err err,
                     const struct mt_reply *reply) {
    char name[16];
    switch (c->type) {
    case MT_CMD_WRITE:
        ledger_answered(s, c, err);
        break;
    case MT_CMD_INVITE_CREATE:
        invite_name(&s->hosts[c->subject], name);
        if (!err)
            memcpy(s->hosts[c->subject].code, reply->code, sizeof reply->code);
        break;
    case MT_CMD_INIT:
        h->said_init |= !err;
        break;
    case MT_CMD_REGION_CREATE:
        h->said_found |= !err;
        break;
    case MT_CMD_JOIN:
        h->said_join |= !err;
        break;
    case MT_CMD_APPROVE:
        h->said_approve |= err ? 0 : 1U << c->subject;
        s->hosts[c->subject].gives_up |= err == MT_ENOTFOUND;
        break;
    default:
        break;
    }
}

/* A code that was lost with the answer is revoked, so that there can be another. */
static void revoke_lost(struct sim *s, struct host *h) {
    struct host *seat = &s->hosts[0];
    struct mt_invite_info invites[MT_INVITES_MAX];
    char name[16];
    bool waits = host_info(h).state == MT_NODE_ALONE || needs_code(s, h);
    if (!host_is_member(seat) || !waits || h->code[0] ||
        host_waits_for(seat, MT_CMD_INVITE_CREATE, h->index) || host_waits_for(h, MT_CMD_JOIN, 0))
        return;
    invite_name(h, name);
    size_t n = mt_node_invites(seat->node, invites, MT_INVITES_MAX);
    for (size_t i = 0; i < n; i++)
        if (strcmp(invites[i].name, name) == 0 && invites[i].state <= MT_INVITE_FILED)
            give(s, seat, MT_CMD_INVITE_REVOKE, h->index, name, NULL, 0);
}

void people_hurry(struct sim *s) {
    struct host *h = &s->hosts[chance_below(&s->chance, (uint64_t)s->plan.members)];
    if (h->health == WELL && host_is_member(h) && host_info(h).has_key)
        write_some(s, h, REGION);
}

void people_look(struct sim *s) {
    sim_at(s, LOOK_MS, (struct event){.what = AT_PEOPLE});
    second_look(s);
    for (int i = 0; i < s->plan.hosts && !s->failed; i++) {
        struct host *h = &s->hosts[i];
        if (!h->up || h->health == FROZEN)
            continue;
        if (host_info(h).state == MT_NODE_MEMBER) {
            if (!s->is_calm)
                maybe_write(s, h);
        } else if (i == 0) {
            found(s, h);
        } else if (s->now_ms > (uint64_t)i * 1500) {
            revoke_lost(s, h);
            come_in(s, h);
        }
    }
}
