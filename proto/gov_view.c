/* gov_view: looking at the governance set. */
#include "gov_internal.h"

#include <stdlib.h>

bool mt_gov_is_founded(const struct mt_gov *g) {
    return g->founded;
}

const struct mt_id *mt_gov_region(const struct mt_gov *g) {
    return &g->region;
}

const struct mt_id *mt_gov_head(const struct mt_gov *g) {
    return &g->head;
}

const char *mt_gov_region_name(const struct mt_gov *g) {
    return g->region_name;
}

size_t mt_gov_count(const struct mt_gov *g) {
    return g->n_items;
}

const struct mt_id *mt_gov_item_id(const struct mt_gov *g, size_t i) {
    return &g->items[i].id;
}

struct mt_slice mt_gov_item(const struct mt_gov *g, size_t i) {
    return mt_slice(g->items[i].bytes, g->items[i].n);
}

bool mt_gov_has(const struct mt_gov *g, const struct mt_id *id) {
    return mt_gov_find(g, id) != NULL;
}

static int by_id(const void *a, const void *b) {
    return mt_id_cmp(a, b);
}

enum mt_err mt_gov_digest(const struct mt_gov *g, uint8_t out[static 32]) {
    struct mt_hash h;
    struct mt_id *ids = malloc((g->n_items + 1) * sizeof *ids);
    if (!ids)
        return MT_ENOMEM;
    for (size_t i = 0; i < g->n_items; i++)
        ids[i] = g->items[i].id;
    qsort(ids, g->n_items, sizeof *ids, by_id);
    mt_hash_init(&h, "governance", &g->region);
    mt_hash_add(&h, ids, g->n_items * sizeof *ids);
    mt_hash_end(&h, out);
    free(ids);
    return MT_OK;
}

static bool is_admission_of(const struct mt_gov *g, const struct mt_id *act,
                            const struct mt_id *org) {
    const struct stored *s = mt_gov_find(g, act);
    return s && s->type == MT_ITEM_ADMIT && mt_id_eq(&s->org, org);
}

bool mt_gov_is_proof(const struct mt_gov *g, size_t i, const struct mt_id *org) {
    const struct stored *s = &g->items[i];
    switch (s->type) {
    case MT_ITEM_FOUND:
        return true;
    case MT_ITEM_ADMIT:
    case MT_ITEM_CERTIFICATE:
        return mt_id_eq(&s->org, org);
    case MT_ITEM_VOTE:
        return is_admission_of(g, &s->act, org);
    default:
        return false;
    }
}

size_t mt_gov_members(const struct mt_gov *g) {
    return g->n_members;
}

const struct mt_member *mt_gov_member_at(const struct mt_gov *g, size_t i) {
    return &g->members[i];
}

size_t mt_gov_installations(const struct mt_gov *g) {
    return g->n_installations;
}

const struct mt_installation *mt_gov_installation_at(const struct mt_gov *g, size_t i) {
    return &g->installations[i];
}

size_t mt_gov_statements(const struct mt_gov *g) {
    return g->n_statements;
}

void mt_gov_statement_at(const struct mt_gov *g, size_t i, struct mt_id *id,
                         struct mt_statement *out) {
    const struct stored *s = &g->items[g->statements[i].item];
    struct mt_item item;
    *id = s->id;
    *out = (struct mt_statement){0};
    if (mt_item_get(mt_slice(s->bytes, s->n), &g->region, &item) == MT_OK)
        (void)!mt_statement_get(item.body, out);
}

const uint8_t *mt_gov_seal(const struct mt_gov *g, const struct mt_id *id, const struct mt_id *org,
                           size_t k) {
    const struct stored *s = mt_gov_find(g, id);
    struct mt_item item;
    struct mt_statement st;
    const uint8_t *seal;
    if (s && mt_item_get(mt_slice(s->bytes, s->n), &g->region, &item) == MT_OK &&
        mt_statement_get(item.body, &st) == MT_OK && mt_statement_seal(&st, org, &seal) == MT_OK &&
        k-- == 0)
        return seal;
    for (size_t i = 0; i < g->n_items; i++) {
        s = &g->items[i];
        if (s->type != MT_ITEM_GRANT || !mt_id_eq(&s->act, id) || !mt_id_eq(&s->org, org) || k--)
            continue;
        if (mt_item_get(mt_slice(s->bytes, s->n), &g->region, &item) != MT_OK)
            return NULL;
        /* The seal is the last value of the body: [statement, org, granter, bin 80]. */
        return item.body.p + item.body.n - MT_SEAL_SIZE;
    }
    return NULL;
}

uint64_t mt_gov_generation(const struct mt_gov *g) {
    return g->generation;
}
