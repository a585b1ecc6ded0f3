/* gov: the set of governance items, and the members and installations that follow from it.
 *
 * Happy path: act 0 founds the region and seats the founder; a vote arrives, then the admission it
 * is for, which puts a member in force; then the certificates of that organisation, epoch
 * statements and grants. mt_gov_add refuses with MT_EUNKNOWN whatever refers to something not held
 * yet, so a caller with a pile of items adds them in rounds until no round adds anything.
 *
 * Where several bodies compete for one place (two certificates with one number, a second grant of
 * one key to one organisation) the lowest ids win, whatever came first. */
#include "gov_internal.h"

#include <stdlib.h>

/* ---- growing arrays and looking up ---- */

static bool grow(void **p, size_t *cap, size_t n, size_t size) {
    if (n < *cap)
        return true;
    size_t want = *cap ? *cap * 2 : 16;
    void *q = realloc(*p, want * size);
    if (!q)
        return false;
    *p = q;
    *cap = want;
    return true;
}

static size_t cell_of(const struct mt_gov *g, const struct mt_id *id) {
    size_t i = mt_load64(id->b) & (g->n_cells - 1);
    while (g->cells[i] && !mt_id_eq(&g->items[g->cells[i] - 1].id, id))
        i = (i + 1) & (g->n_cells - 1);
    return i;
}

static bool rehash(struct mt_gov *g, size_t want) {
    uint32_t *cells = calloc(want, sizeof *cells);
    if (!cells)
        return false;
    free(g->cells);
    g->cells = cells;
    g->n_cells = want;
    for (size_t i = 0; i < g->n_items; i++)
        g->cells[cell_of(g, &g->items[i].id)] = (uint32_t)i + 1;
    return true;
}

const struct stored *mt_gov_find(const struct mt_gov *g, const struct mt_id *id) {
    if (!g->n_cells)
        return NULL;
    uint32_t c = g->cells[cell_of(g, id)];
    return c ? &g->items[c - 1] : NULL;
}

struct mt_gov *mt_gov_new(void) {
    return calloc(1, sizeof(struct mt_gov));
}

void mt_gov_free(struct mt_gov *g) {
    if (!g)
        return;
    for (size_t i = 0; i < g->n_items; i++)
        free(g->items[i].bytes);
    free(g->items);
    free(g->cells);
    free(g->tallies);
    free(g->members);
    free(g->installations);
    free(g->statements);
    free(g);
}

static struct tally *tally_of(const struct mt_gov *g, const struct mt_id *act) {
    for (size_t i = 0; i < g->n_tallies; i++)
        if (mt_id_eq(&g->tallies[i].act, act))
            return &g->tallies[i];
    return NULL;
}

/* ---- what follows from the items ---- */

/* Index of the first element not below `key`; arrays are ascending by an id at offset 0. */
static size_t lower_bound(const void *base, size_t n, size_t size, const struct mt_id *key) {
    size_t lo = 0, hi = n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (memcmp((const uint8_t *)base + mid * size, key->b, sizeof key->b) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static struct mt_member *member_slot(const struct mt_gov *g, const struct mt_id *org, size_t *at) {
    *at = lower_bound(g->members, g->n_members, sizeof *g->members, org);
    return *at < g->n_members && mt_id_eq(&g->members[*at].org, org) ? &g->members[*at] : NULL;
}

static enum mt_err put_member(struct mt_gov *g, const struct mt_member *m) {
    size_t at;
    struct mt_member *old = member_slot(g, &m->org, &at);
    if (old) {
        /* Several admissions of one organisation: the lowest act speaks, and roles that differ
         * leave only what both allow. */
        bool differ = old->role != m->role;
        if (mt_id_cmp(&m->act, &old->act) < 0)
            *old = *m;
        if (differ)
            old->role = MT_ROLE_RELAY;
        return MT_OK;
    }
    if (g->n_members >= MT_ORGS_MAX)
        return MT_EFULL;
    if (!grow((void **)&g->members, &g->cap_members, g->n_members, sizeof *g->members))
        return MT_ENOMEM;
    memmove(g->members + at + 1, g->members + at, (g->n_members - at) * sizeof *g->members);
    g->members[at] = *m;
    g->n_members++;
    return MT_OK;
}

static void copy_name(char out[static MT_NAME_MAX + 1], struct mt_slice name) {
    memcpy(out, name.p, name.n);
    out[name.n] = 0;
}

static enum mt_err member_of_admit(const struct stored *s, const struct mt_id *region,
                                   struct mt_member *m) {
    struct mt_item item, join_item;
    struct mt_admit admit;
    struct mt_join join;
    enum mt_err err = mt_item_get(mt_slice(s->bytes, s->n), region, &item);
    if (!err)
        err = mt_admit_get(&item, &admit);
    if (!err)
        err = mt_item_get(admit.join, region, &join_item);
    if (!err)
        err = mt_join_check(&join_item, &join);
    if (err)
        return err;
    *m = (struct mt_member){.org = join.org, .role = admit.role, .act = s->id};
    memcpy(m->grant, join.grant, sizeof m->grant);
    copy_name(m->name, join.name);
    return MT_OK;
}

/* Works out the members anew after a vote was taken back. */
static enum mt_err rebuild_members(struct mt_gov *g) {
    size_t at, keep = 0;
    struct mt_member *founder = member_slot(g, &g->founder, &at);
    struct mt_member seat = founder ? *founder : (struct mt_member){0};
    g->n_members = keep;
    enum mt_err err = put_member(g, &seat);
    for (size_t i = 0; i < g->n_items && !err; i++) {
        struct mt_member m;
        struct tally *t = tally_of(g, &g->items[i].id);
        if (g->items[i].type != MT_ITEM_ADMIT || !t || !t->approve)
            continue;
        err = member_of_admit(&g->items[i], &g->region, &m);
        if (!err)
            err = put_member(g, &m);
    }
    return err;
}

/* ---- adding ---- */

/* A parsed item on its way in. */
struct incoming {
    struct mt_item item;
    struct stored s;
    union {
        struct mt_found found;
        struct mt_vote vote;
        struct mt_certificate certificate;
        struct mt_statement statement;
        struct mt_grant grant;
        struct mt_member member;
    };
};

/* The place an item competes for, and how many share it. */
static void slot_of(struct incoming *in, uint32_t *share) {
    struct mt_hash h;
    uint8_t type = (uint8_t)in->item.type;
    mt_hash_init(&h, "slot", NULL);
    mt_hash_add(&h, &type, 1);
    *share = 1;
    switch (in->item.type) {
    case MT_ITEM_VOTE:
        mt_hash_add_id(&h, &in->vote.org);
        mt_hash_add_id(&h, &in->vote.act);
        mt_hash_add_u64(&h, in->vote.n);
        break;
    case MT_ITEM_CERTIFICATE:
        mt_hash_add_id(&h, &in->certificate.org);
        mt_hash_add_u64(&h, in->certificate.number);
        *share = 2;
        break;
    case MT_ITEM_STATEMENT:
        mt_hash_add_id(&h, &in->statement.minter);
        mt_hash_add_id(&h, &in->statement.reason);
        break;
    case MT_ITEM_GRANT:
        mt_hash_add_id(&h, &in->grant.granter);
        mt_hash_add_id(&h, &in->grant.statement);
        mt_hash_add_id(&h, &in->grant.org);
        break;
    default:
        mt_hash_add_id(&h, &in->item.id);
    }
    mt_hash_end(&h, in->s.slot.b);
}

static enum mt_err check_vote(struct mt_gov *g, struct incoming *in) {
    enum mt_err err = mt_vote_check(&in->item, &g->region, &in->vote);
    if (err)
        return err;
    if (!mt_id_eq(&in->vote.org, &g->founder))
        return MT_EUNKNOWN;
    in->s.act = in->vote.act;
    if (tally_of(g, &in->vote.act))
        return MT_OK;
    size_t open = 0;
    for (size_t i = 0; i < g->n_tallies; i++)
        open += !g->tallies[i].held;
    return open < MT_FREE_VOTES_MAX ? MT_OK : MT_EFULL;
}

static enum mt_err check_admit(struct mt_gov *g, struct incoming *in) {
    struct tally *t = tally_of(g, &in->item.id);
    if (!t)
        return MT_EUNKNOWN; /* stored only with a seat's vote */
    struct mt_item join_item;
    struct mt_admit admit;
    struct mt_join join;
    enum mt_err err = mt_admit_get(&in->item, &admit);
    if (!err)
        err = mt_item_get(admit.join, &g->region, &join_item);
    if (!err)
        err = mt_join_check(&join_item, &join);
    if (err)
        return err;
    if (!mt_id_eq(&join.region, &g->region))
        return MT_EVALUE;
    uint8_t any[32], shared[32];
    memset(any, 0x55, sizeof any);
    if (mt_dh(any, join.grant, shared) != MT_OK)
        return MT_EVALUE;
    for (size_t i = 0; i < g->n_members; i++)
        if (!mt_id_eq(&g->members[i].org, &join.org) &&
            memcmp(g->members[i].grant, join.grant, sizeof join.grant) == 0)
            return MT_EVALUE; /* a grant key belongs to one organisation */
    in->member = (struct mt_member){.org = join.org, .role = admit.role, .act = in->item.id};
    memcpy(in->member.grant, join.grant, sizeof join.grant);
    copy_name(in->member.name, join.name);
    in->s.org = join.org;
    return MT_OK;
}

static enum mt_err check_certificate(struct mt_gov *g, struct incoming *in) {
    enum mt_err err = mt_certificate_check(&in->item, &g->region, &in->certificate);
    if (err)
        return err;
    in->s.org = in->certificate.org;
    return mt_gov_member(g, &in->certificate.org) ? MT_OK : MT_EUNKNOWN;
}

/* The installation must be one of a full member in force. */
static enum mt_err check_signer(const struct mt_gov *g, const struct mt_item *item,
                                const struct mt_id *feed, const struct mt_installation **who) {
    *who = mt_gov_installation(g, feed);
    const struct mt_member *m = *who ? mt_gov_member(g, &(*who)->org) : NULL;
    if (!m || m->role != MT_ROLE_MEMBER)
        return MT_EUNKNOWN;
    return mt_item_verify(item, &g->region, feed);
}

static enum mt_err check_statement(struct mt_gov *g, struct incoming *in) {
    const struct mt_installation *minter;
    enum mt_err err = mt_statement_get(in->item.body, &in->statement);
    if (!err)
        err = check_signer(g, &in->item, &in->statement.minter, &minter);
    if (err)
        return err;
    if (!mt_id_eq(&in->statement.reason, &g->region) || !mt_id_eq(&minter->org, &g->founder))
        return MT_EVALUE;
    return MT_OK;
}

static enum mt_err check_grant(struct mt_gov *g, struct incoming *in) {
    const struct mt_installation *granter;
    enum mt_err err = mt_grant_get(in->item.body, &in->grant);
    if (!err)
        err = check_signer(g, &in->item, &in->grant.granter, &granter);
    if (err)
        return err;
    const struct stored *s = mt_gov_find(g, &in->grant.statement);
    if (!s || s->type != MT_ITEM_STATEMENT || !mt_gov_member(g, &in->grant.org))
        return MT_EUNKNOWN;
    in->s.act = in->grant.statement;
    in->s.org = in->grant.org;
    return MT_OK;
}

static enum mt_err check(struct mt_gov *g, struct incoming *in) {
    if (in->item.type == MT_ITEM_FOUND)
        return g->founded ? MT_EVALUE : mt_found_check(&in->item, &in->found);
    if (!g->founded)
        return MT_EUNKNOWN;
    switch (in->item.type) {
    case MT_ITEM_VOTE:
        return check_vote(g, in);
    case MT_ITEM_ADMIT:
        return check_admit(g, in);
    case MT_ITEM_CERTIFICATE:
        return check_certificate(g, in);
    case MT_ITEM_STATEMENT:
        return check_statement(g, in);
    case MT_ITEM_GRANT:
        return check_grant(g, in);
    default:
        return MT_EVALUE; /* a join request is no item of its own */
    }
}

static enum mt_err derive_found(struct mt_gov *g, const struct incoming *in) {
    struct mt_member m = {.org = in->found.founder, .role = MT_ROLE_MEMBER, .is_seat = true};
    g->founded = true;
    g->region = g->head = m.act = in->item.id;
    g->founder = in->found.founder;
    g->voter = in->found.voter;
    copy_name(g->region_name, in->found.name);
    copy_name(m.name, in->found.founder_name);
    memcpy(m.grant, in->found.grant, sizeof m.grant);
    return put_member(g, &m);
}

static enum mt_err derive_vote(struct mt_gov *g, const struct incoming *in) {
    struct tally *t = tally_of(g, &in->vote.act);
    if (!t) {
        if (!grow((void **)&g->tallies, &g->cap_tallies, g->n_tallies, sizeof *g->tallies))
            return MT_ENOMEM;
        t = &g->tallies[g->n_tallies++];
        *t = (struct tally){.act = in->vote.act, .n = in->vote.n, .approve = in->vote.approve};
        return MT_OK;
    }
    if (in->vote.n < t->n)
        return MT_OK;
    /* Of contradicting votes with one number the lower id came through: it counts. */
    bool approve = in->vote.approve;
    bool changed = approve != t->approve;
    t->n = in->vote.n;
    t->approve = approve;
    return changed && t->held ? rebuild_members(g) : MT_OK;
}

static enum mt_err derive_certificate(struct mt_gov *g, const struct incoming *in) {
    const struct mt_certificate *c = &in->certificate;
    struct mt_installation x = {.org = c->org,
                                .feed = c->feed,
                                .number = c->number,
                                .replaces = c->replaces,
                                .item = in->item.id};
    memcpy(x.link, c->link, sizeof x.link);
    /* Of two certificates with one number only the lowest counts. */
    for (size_t i = 0; i < g->n_installations; i++) {
        struct mt_installation *o = &g->installations[i];
        if (!mt_id_eq(&o->org, &x.org) || (o->number != x.number && !mt_id_eq(&o->feed, &x.feed)))
            continue;
        if (mt_id_cmp(&o->item, &x.item) < 0)
            return MT_OK;
        memmove(o, o + 1, (--g->n_installations - i) * sizeof *o);
        break;
    }
    if (!grow((void **)&g->installations, &g->cap_installations, g->n_installations,
              sizeof *g->installations))
        return MT_ENOMEM;
    size_t at = 0;
    while (at < g->n_installations && mt_id_cmp(&g->installations[at].feed, &x.feed) < 0)
        at++;
    memmove(g->installations + at + 1, g->installations + at,
            (g->n_installations - at) * sizeof *g->installations);
    g->installations[at] = x;
    g->n_installations++;
    return MT_OK;
}

static enum mt_err derive_statement(struct mt_gov *g, const struct incoming *in, size_t item) {
    if (!grow((void **)&g->statements, &g->cap_statements, g->n_statements, sizeof *g->statements))
        return MT_ENOMEM;
    g->statements[g->n_statements++] = (struct statement){.id = in->item.id, .item = item};
    return MT_OK;
}

static enum mt_err derive(struct mt_gov *g, const struct incoming *in, size_t item) {
    struct tally *t;
    switch (in->item.type) {
    case MT_ITEM_FOUND:
        return derive_found(g, in);
    case MT_ITEM_VOTE:
        return derive_vote(g, in);
    case MT_ITEM_ADMIT:
        t = tally_of(g, &in->item.id);
        t->held = true;
        return t->approve ? put_member(g, &in->member) : MT_OK;
    case MT_ITEM_CERTIFICATE:
        return derive_certificate(g, in);
    case MT_ITEM_STATEMENT:
        return derive_statement(g, in, item);
    default:
        return MT_OK;
    }
}

/* Makes room in a slot: drops the highest of those that are there, or refuses the newcomer. */
static enum mt_err contend(struct mt_gov *g, const struct incoming *in, uint32_t share) {
    size_t rivals = 0, worst = 0;
    for (size_t i = 0; i < g->n_items; i++) {
        if (!mt_id_eq(&g->items[i].slot, &in->s.slot))
            continue;
        if (!rivals++ || mt_id_cmp(&g->items[i].id, &g->items[worst].id) > 0)
            worst = i;
    }
    if (rivals < share)
        return MT_OK;
    if (mt_id_cmp(&in->item.id, &g->items[worst].id) > 0)
        return MT_EDUPLICATE;
    for (size_t i = 0; i < g->n_statements; i++)
        if (g->statements[i].item == worst)
            g->statements[i--] = g->statements[--g->n_statements];
    for (size_t i = 0; i < g->n_statements; i++)
        g->statements[i].item -= g->statements[i].item > worst;
    free(g->items[worst].bytes);
    memmove(g->items + worst, g->items + worst + 1, (--g->n_items - worst) * sizeof *g->items);
    return rehash(g, g->n_cells) ? MT_OK : MT_ENOMEM;
}

enum mt_err mt_gov_add(struct mt_gov *g, struct mt_slice bytes, struct mt_id *id) {
    struct incoming in = {0};
    uint32_t share;
    enum mt_err err = mt_item_get(bytes, &g->region, &in.item);
    if (err)
        return err;
    *id = in.item.id;
    if (mt_gov_find(g, id))
        return MT_EDUPLICATE;
    err = check(g, &in);
    if (err)
        return err;
    slot_of(&in, &share);
    if (!grow((void **)&g->items, &g->cap_items, g->n_items, sizeof *g->items) ||
        (g->n_cells < 2 * (g->n_items + 1) && !rehash(g, g->n_cells ? g->n_cells * 2 : 64)))
        return MT_ENOMEM;
    if (in.item.type != MT_ITEM_FOUND && in.item.type != MT_ITEM_ADMIT)
        err = contend(g, &in, share);
    if (err)
        return err;
    in.s.bytes = malloc(bytes.n);
    if (!in.s.bytes)
        return MT_ENOMEM;
    memcpy(in.s.bytes, bytes.p, bytes.n);
    in.s.n = bytes.n;
    in.s.id = in.item.id;
    in.s.type = in.item.type;
    err = derive(g, &in, g->n_items);
    if (err) {
        free(in.s.bytes);
        return err;
    }
    g->cells[cell_of(g, &in.s.id)] = (uint32_t)g->n_items + 1;
    g->items[g->n_items++] = in.s;
    g->generation++;
    return MT_OK;
}

const struct mt_member *mt_gov_member(const struct mt_gov *g, const struct mt_id *org) {
    size_t at;
    return member_slot(g, org, &at);
}
