/* gov_derive: the members, installations and statements that follow from the items held.
 *
 * What follows must be the same whatever the order in which items came. A new item therefore only
 * adds to what is there while nothing competes with it; otherwise the whole is worked out anew, the
 * lowest ids first. */
#include "gov_internal.h"

#include <stdlib.h>

bool mt_gov_grow(void **p, size_t *cap, size_t n, size_t size) {
    if (n < *cap)
        return true;
    size_t want = *cap ? *cap * 2 : 16;
    while (want <= n)
        want *= 2;
    void *q = realloc(*p, want * size);
    if (!q)
        return false;
    *p = q;
    *cap = want;
    return true;
}

struct tally *mt_gov_tally(const struct mt_gov *g, const struct mt_id *act) {
    for (size_t i = 0; i < g->n_tallies; i++)
        if (mt_id_eq(&g->tallies[i].act, act))
            return &g->tallies[i];
    return NULL;
}

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

/* ---- members ---- */

static struct mt_member *member_slot(const struct mt_gov *g, const struct mt_id *org, size_t *at) {
    *at = lower_bound(g->members, g->n_members, sizeof *g->members, org);
    return *at < g->n_members && mt_id_eq(&g->members[*at].org, org) ? &g->members[*at] : NULL;
}

const struct mt_member *mt_gov_member(const struct mt_gov *g, const struct mt_id *org) {
    size_t at;
    return member_slot(g, org, &at);
}

/* There is room: members are among the organisations with an admission, and those have a cap. */
static void put_member(struct mt_gov *g, const struct mt_member *m) {
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
        return;
    }
    memmove(g->members + at + 1, g->members + at, (g->n_members - at) * sizeof *g->members);
    g->members[at] = *m;
    g->n_members++;
}

static void copy_name(char out[static MT_NAME_MAX + 1], struct mt_slice name) {
    memcpy(out, name.p, name.n);
    out[name.n] = 0;
}

enum mt_err mt_gov_member_of(const struct mt_item *item, const struct mt_id *region,
                             struct mt_member *m) {
    struct mt_item join_item;
    struct mt_admit admit;
    struct mt_join join;
    enum mt_err err = mt_admit_get(item, &admit);
    if (!err)
        err = mt_item_get(admit.join, region, &join_item);
    if (!err)
        err = mt_join_check(&join_item, &join);
    if (err)
        return err;
    if (!mt_id_eq(&join.region, region))
        return MT_EVALUE;
    *m = (struct mt_member){.org = join.org, .role = admit.role, .act = item->id};
    memcpy(m->grant, join.grant, sizeof m->grant);
    copy_name(m->name, join.name);
    return MT_OK;
}

static bool is_voted(const struct mt_gov *g, const struct stored *s) {
    const struct tally *t = s->type == MT_ITEM_ADMIT ? mt_gov_tally(g, &s->id) : NULL;
    return t && t->approve;
}

/* True when another organisation was admitted with the same grant key. Keys first: they rarely agree,
 * and finding a vote takes long. */
static bool shares_key(const struct mt_gov *g, const struct stored *s, const struct stored *o) {
    return mt_id_eq(&o->act, &s->act) && !mt_id_eq(&o->org, &s->org) && is_voted(g, o);
}

/* A grant key belongs to one organisation: that of the lowest admission. */
static bool is_in_force(const struct mt_gov *g, const struct stored *s) {
    if (!is_voted(g, s))
        return false;
    for (size_t i = 0; i < g->n_items; i++)
        if (shares_key(g, s, &g->items[i]) && mt_id_cmp(&g->items[i].id, &s->id) < 0)
            return false;
    return true;
}

static void rebuild_members(struct mt_gov *g) {
    size_t at;
    struct mt_member seat = *member_slot(g, &g->founder, &at);
    g->n_members = 0;
    put_member(g, &seat);
    for (size_t i = 0; i < g->n_items; i++) {
        const struct stored *s = &g->items[i];
        struct mt_item item;
        struct mt_member m;
        if (is_in_force(g, s) &&
            mt_item_get(mt_slice(s->bytes, s->n), &g->region, &item) == MT_OK &&
            mt_gov_member_of(&item, &g->region, &m) == MT_OK)
            put_member(g, &m);
    }
}

static void derive_found(struct mt_gov *g, const struct incoming *in) {
    struct mt_member m = {.org = in->found.founder, .role = MT_ROLE_MEMBER, .is_seat = true};
    g->founded = true;
    g->region = g->head = m.act = in->item.id;
    g->founder = in->found.founder;
    g->voter = in->found.voter;
    copy_name(g->region_name, in->found.name);
    copy_name(m.name, in->found.founder_name);
    memcpy(m.grant, in->found.grant, sizeof m.grant);
    put_member(g, &m);
}

static void derive_vote(struct mt_gov *g, const struct incoming *in) {
    struct tally *t = mt_gov_tally(g, &in->vote.act);
    if (!t) {
        t = &g->tallies[g->n_tallies++];
        *t = (struct tally){.act = in->vote.act, .n = in->vote.n, .approve = in->vote.approve};
        return;
    }
    if (in->vote.n < t->n)
        return;
    /* Of contradicting votes with one number the lower id came through: it counts. */
    bool changed = in->vote.approve != t->approve;
    t->n = in->vote.n;
    t->approve = in->vote.approve;
    if (changed && t->held)
        rebuild_members(g);
}

static void derive_admit(struct mt_gov *g, const struct incoming *in) {
    struct tally *t = mt_gov_tally(g, &in->item.id);
    bool alone = true;
    for (size_t i = 0; i < g->n_items; i++)
        alone &= !shares_key(g, &in->s, &g->items[i]);
    t->held = true;
    if (t->approve && alone)
        put_member(g, &in->member);
    else if (t->approve)
        rebuild_members(g);
}

/* ---- installations ---- */

const struct mt_installation *mt_gov_installation(const struct mt_gov *g,
                                                  const struct mt_id *feed) {
    for (size_t lo = 0, hi = g->n_installations; lo < hi;) {
        size_t mid = lo + (hi - lo) / 2;
        int c = mt_id_cmp(&g->installations[mid].feed, feed);
        if (c == 0)
            return &g->installations[mid];
        if (c < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

static void put_installation(struct mt_gov *g, const struct mt_certificate *c,
                             const struct mt_id *item) {
    struct mt_installation x = {.org = c->org,
                                .feed = c->feed,
                                .number = c->number,
                                .replaces = c->replaces,
                                .item = *item};
    memcpy(x.link, c->link, sizeof x.link);
    size_t at = 0;
    while (at < g->n_installations && mt_id_cmp(&g->installations[at].feed, &x.feed) < 0)
        at++;
    memmove(g->installations + at + 1, g->installations + at,
            (g->n_installations - at) * sizeof *g->installations);
    g->installations[at] = x;
    g->n_installations++;
}

static int by_id(const void *a, const void *b) {
    const struct stored *const *x = a, *const *y = b;
    return mt_id_cmp(&(*x)->id, &(*y)->id);
}

/* Of certificates with one number, and of those with one feed key, the lowest counts. */
static void rebuild_installations(struct mt_gov *g) {
    const struct stored **all = g->sorted;
    size_t n = 0;
    for (size_t i = 0; i < g->n_items; i++)
        if (g->items[i].type == MT_ITEM_CERTIFICATE)
            all[n++] = &g->items[i];
    qsort(all, n, sizeof *all, by_id);
    g->n_installations = 0;
    for (size_t i = 0; i < n; i++) {
        struct mt_item item;
        struct mt_certificate c;
        bool taken = mt_gov_installation(g, &all[i]->act) != NULL;
        for (size_t k = 0; k < i && !taken; k++) {
            if (!mt_id_eq(&all[k]->slot, &all[i]->slot))
                continue;
            const struct mt_installation *x = mt_gov_installation(g, &all[k]->act);
            taken = x && mt_id_eq(&x->item, &all[k]->id);
        }
        if (!taken && mt_item_get(mt_slice(all[i]->bytes, all[i]->n), &g->region, &item) == MT_OK &&
            mt_certificate_get(&item, &c) == MT_OK)
            put_installation(g, &c, &all[i]->id);
    }
}

static void derive_certificate(struct mt_gov *g, const struct incoming *in) {
    for (size_t i = 0; i < g->n_items; i++) {
        const struct stored *s = &g->items[i];
        if (s->type == MT_ITEM_CERTIFICATE && !mt_id_eq(&s->id, &in->item.id) &&
            (mt_id_eq(&s->slot, &in->s.slot) || mt_id_eq(&s->act, &in->s.act))) {
            rebuild_installations(g);
            return;
        }
    }
    put_installation(g, &in->certificate, &in->item.id);
}

/* ---- statements ---- */

void mt_gov_list_statements(struct mt_gov *g) {
    g->n_statements = 0;
    for (size_t i = 0; i < g->n_items; i++)
        if (g->items[i].type == MT_ITEM_STATEMENT)
            g->statements[g->n_statements++] = (struct statement){.id = g->items[i].id, .item = i};
}

/* ---- all of it ---- */

bool mt_gov_reserve(struct mt_gov *g, enum mt_item_type type) {
    size_t items = g->n_items + 1;
    switch (type) {
    case MT_ITEM_CERTIFICATE:
        return mt_gov_grow((void **)&g->installations, &g->cap_installations, items,
                           sizeof *g->installations) &&
               mt_gov_grow((void **)&g->sorted, &g->cap_sorted, items, sizeof(struct stored *));
    case MT_ITEM_STATEMENT:
        return mt_gov_grow((void **)&g->statements, &g->cap_statements, g->n_statements,
                           sizeof *g->statements);
    case MT_ITEM_FOUND:
    case MT_ITEM_VOTE:
    case MT_ITEM_ADMIT: /* each act with votes may bring a member, and so may this one */
        return mt_gov_grow((void **)&g->tallies, &g->cap_tallies, g->n_tallies,
                           sizeof *g->tallies) &&
               mt_gov_grow((void **)&g->members, &g->cap_members, g->n_tallies + 2,
                           sizeof *g->members);
    default:
        return true;
    }
}

void mt_gov_derive(struct mt_gov *g, const struct incoming *in) {
    switch (in->item.type) {
    case MT_ITEM_FOUND:
        derive_found(g, in);
        break;
    case MT_ITEM_VOTE:
        derive_vote(g, in);
        break;
    case MT_ITEM_ADMIT:
        derive_admit(g, in);
        break;
    case MT_ITEM_CERTIFICATE:
        derive_certificate(g, in);
        break;
    case MT_ITEM_STATEMENT:
        mt_gov_list_statements(g);
        break;
    default:
        break;
    }
}
