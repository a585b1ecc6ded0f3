/* gov: the set of governance items.
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

/* ---- looking up ---- */

static size_t cell_of(const struct mt_gov *g, const struct mt_id *id) {
    size_t i = mt_load64(id->b) & (g->n_cells - 1);
    while (g->cells[i] && !mt_id_eq(&g->items[g->cells[i] - 1].id, id))
        i = (i + 1) & (g->n_cells - 1);
    return i;
}

static void refill(struct mt_gov *g) {
    memset(g->cells, 0, g->n_cells * sizeof *g->cells);
    for (size_t i = 0; i < g->n_items; i++)
        g->cells[cell_of(g, &g->items[i].id)] = (uint32_t)i + 1;
}

static bool rehash(struct mt_gov *g, size_t want) {
    uint32_t *cells = realloc(g->cells, want * sizeof *cells);
    if (!cells)
        return false;
    g->cells = cells;
    g->n_cells = want;
    refill(g);
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
    free(g->sorted);
    free(g);
}

/* ---- adding ---- */

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
    if (mt_gov_tally(g, &in->vote.act))
        return MT_OK;
    size_t open = 0;
    for (size_t i = 0; i < g->n_tallies; i++)
        open += !g->tallies[i].held;
    return open < MT_FREE_VOTES_MAX ? MT_OK : MT_EFULL;
}

/* A key with which every secret gives zeros would make a channel that all can read. */
static bool is_low_order(const uint8_t grant[static 32]) {
    uint8_t any[32], shared[32];
    memset(any, 0x55, sizeof any);
    return mt_dh(any, grant, shared) != MT_OK;
}

/* True when an admission of the organisation is held, be it in force or not: what is valid must not
 * depend on whether a vote was taken back before or after it came. */
static bool is_admitted(const struct mt_gov *g, const struct mt_id *org) {
    if (mt_id_eq(org, &g->founder))
        return true;
    for (size_t i = 0; g->items && i < g->n_items; i++)
        if (g->items[i].type == MT_ITEM_ADMIT && mt_id_eq(&g->items[i].org, org))
            return true;
    return false;
}

static enum mt_err check_admit(struct mt_gov *g, struct incoming *in) {
    if (!mt_gov_tally(g, &in->item.id))
        return MT_EUNKNOWN; /* stored only with a seat's vote */
    enum mt_err err = mt_gov_member_of(&in->item, &g->region, &in->member);
    if (err)
        return err;
    const struct mt_member *founder = mt_gov_member(g, &g->founder);
    if (mt_id_eq(&in->member.org, &g->founder) || is_low_order(in->member.grant) ||
        memcmp(in->member.grant, founder->grant, sizeof founder->grant) == 0)
        return MT_EVALUE;
    in->s.org = in->member.org;
    memcpy(in->s.act.b, in->member.grant, sizeof in->s.act.b);
    in->is_new_org = !is_admitted(g, &in->s.org);
    return in->is_new_org && g->n_orgs >= MT_ORGS_MAX ? MT_EFULL : MT_OK;
}

static enum mt_err check_certificate(struct mt_gov *g, struct incoming *in) {
    enum mt_err err = mt_certificate_check(&in->item, &g->region, &in->certificate);
    if (err)
        return err;
    in->s.org = in->certificate.org;
    in->s.act = in->certificate.feed;
    return is_admitted(g, &in->s.org) ? MT_OK : MT_EUNKNOWN;
}

static bool is_certified(const struct mt_gov *g, const struct mt_id *feed,
                         const struct mt_id *org) {
    for (size_t i = 0; g->items && i < g->n_items; i++)
        if (g->items[i].type == MT_ITEM_CERTIFICATE && mt_id_eq(&g->items[i].act, feed) &&
            (!org || mt_id_eq(&g->items[i].org, org)))
            return true;
    return false;
}

static enum mt_err check_statement(struct mt_gov *g, struct incoming *in) {
    enum mt_err err = mt_statement_get(in->item.body, &in->statement);
    if (err)
        return err;
    in->s.feed = in->statement.minter;
    if (!is_certified(g, &in->s.feed, NULL))
        return MT_EUNKNOWN;
    err = mt_item_verify(&in->item, &g->region, &in->s.feed);
    if (err)
        return err;
    if (!mt_id_eq(&in->statement.reason, &g->region))
        return MT_EVALUE;
    return is_certified(g, &in->s.feed, &g->founder) ? MT_OK : MT_EMEMBER;
}

static enum mt_err check_grant(struct mt_gov *g, struct incoming *in) {
    enum mt_err err = mt_grant_get(in->item.body, &in->grant);
    if (err)
        return err;
    in->s.feed = in->grant.granter;
    in->s.act = in->grant.statement;
    in->s.org = in->grant.org;
    const struct stored *s = mt_gov_find(g, &in->s.act);
    if (!s || s->type != MT_ITEM_STATEMENT || !is_admitted(g, &in->s.org) ||
        !is_certified(g, &in->s.feed, NULL))
        return MT_EUNKNOWN;
    return mt_item_verify(&in->item, &g->region, &in->s.feed);
}

static enum mt_err check_found(const struct mt_gov *g, struct incoming *in) {
    if (g->founded)
        return MT_EVALUE;
    enum mt_err err = mt_found_check(&in->item, &in->found);
    in->is_new_org = true;
    return !err && is_low_order(in->found.grant) ? MT_EVALUE : err;
}

static enum mt_err check(struct mt_gov *g, struct incoming *in) {
    if (in->item.type == MT_ITEM_FOUND)
        return check_found(g, in);
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

/* ---- places with several candidates ---- */

static void drop(struct mt_gov *g, size_t i) {
    free(g->items[i].bytes);
    memmove(g->items + i, g->items + i + 1, (--g->n_items - i) * sizeof *g->items);
}

/* What an item leans on was dropped: it would not be added now. */
static bool is_orphan(const struct mt_gov *g, const struct stored *s) {
    if (s->type != MT_ITEM_STATEMENT && s->type != MT_ITEM_GRANT)
        return false;
    if (!is_certified(g, &s->feed, s->type == MT_ITEM_STATEMENT ? &g->founder : NULL))
        return true;
    for (size_t i = 0; s->type == MT_ITEM_GRANT && i < g->n_items; i++)
        if (mt_id_eq(&g->items[i].id, &s->act))
            return false;
    return s->type == MT_ITEM_GRANT;
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
    drop(g, worst);
    /* Statements before the grants that name them: items stand in an order in which each can be
     * added, so one pass finds all that leaned on what was dropped. */
    for (size_t i = 0; i < g->n_items; i++)
        if (is_orphan(g, &g->items[i]))
            drop(g, i--);
    refill(g);
    mt_gov_list_statements(g);
    return MT_OK;
}

/* Appends a checked item and works out what follows from it. */
static void append(struct mt_gov *g, const struct incoming *in) {
    g->items[g->n_items++] = in->s;
    g->n_orgs += in->is_new_org;
    mt_gov_derive(g, in);
    g->cells[cell_of(g, &in->s.id)] = (uint32_t)g->n_items;
    g->generation++;
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
    if (!mt_gov_grow((void **)&g->items, &g->cap_items, g->n_items, sizeof *g->items) ||
        (g->n_cells < 2 * (g->n_items + 1) && !rehash(g, g->n_cells ? g->n_cells * 2 : 64)) ||
        !mt_gov_reserve(g, in.item.type))
        return MT_ENOMEM;
    in.s.bytes = malloc(bytes.n);
    if (!in.s.bytes)
        return MT_ENOMEM;
    memcpy(in.s.bytes, bytes.p, bytes.n);
    in.s.n = bytes.n;
    in.s.id = in.item.id;
    in.s.type = in.item.type;
    if (in.item.type != MT_ITEM_FOUND && in.item.type != MT_ITEM_ADMIT)
        err = contend(g, &in, share);
    if (err)
        free(in.s.bytes);
    else
        append(g, &in);
    return err;
}
