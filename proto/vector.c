#include "vector.h"

#include <stdlib.h>

void mt_chains_free(struct mt_chains *c) {
    free(c->v);
    free(c->cells);
    free(c->sorted);
    *c = (struct mt_chains){0};
}

static uint32_t cell_of(const struct mt_chains *c, const struct mt_id *id) {
    uint32_t i = mt_load32(id->b) & (c->n_cells - 1);
    while (c->cells[i] && !mt_id_eq(&c->v[c->cells[i] - 1].info.id, id))
        i = (i + 1) & (c->n_cells - 1);
    return i;
}

/* Makes room for one more in all three tables. */
static enum mt_err reserve(struct mt_chains *c) {
    if (c->n < c->cap)
        return MT_OK;
    uint32_t cap = c->cap ? c->cap * 2 : 16;
    struct mt_chain *v = realloc(c->v, cap * sizeof *v);
    if (!v)
        return MT_ENOMEM;
    c->v = v;
    uint32_t *sorted = realloc(c->sorted, cap * sizeof *sorted);
    if (!sorted)
        return MT_ENOMEM;
    c->sorted = sorted;
    uint32_t *cells = calloc((size_t)cap * 2, sizeof *cells);
    if (!cells)
        return MT_ENOMEM;
    free(c->cells);
    c->cells = cells;
    c->n_cells = cap * 2;
    c->cap = cap;
    for (uint32_t i = 0; i < c->n; i++)
        c->cells[cell_of(c, &c->v[i].info.id)] = i + 1;
    return MT_OK;
}

enum mt_err mt_chains_add(struct mt_chains *c, const struct mt_chain_info *info, uint32_t *index) {
    *index = mt_chains_find(c, &info->id);
    if (*index != MT_CHAIN_NONE)
        return MT_OK;
    enum mt_err err = reserve(c);
    if (err)
        return err;
    uint32_t lo = 0, hi = c->n;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (mt_id_cmp(&c->v[c->sorted[mid]].info.id, &info->id) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    memmove(c->sorted + lo + 1, c->sorted + lo, (c->n - lo) * sizeof *c->sorted);
    c->sorted[lo] = c->n;
    c->cells[cell_of(c, &info->id)] = c->n + 1;
    c->v[c->n] = (struct mt_chain){.info = *info};
    if (info->no > c->no_max)
        c->no_max = info->no;
    *index = c->n++;
    return MT_OK;
}

uint32_t mt_chains_find(const struct mt_chains *c, const struct mt_id *id) {
    if (!c->n_cells)
        return MT_CHAIN_NONE;
    uint32_t cell = c->cells[cell_of(c, id)];
    return cell ? cell - 1 : MT_CHAIN_NONE;
}

void mt_chains_number(struct mt_chains *c, uint32_t index) {
    if (c->v[index].info.no == 0)
        c->v[index].info.no = ++c->no_max;
}

static bool is_region(const struct mt_chain *chain) {
    return mt_id_is_zero(&chain->info.other);
}

bool mt_chain_is_for(const struct mt_chain *chain, const struct mt_id *own,
                     const struct mt_id *peer) {
    return is_region(chain) || mt_id_eq(&chain->info.other, peer) || mt_id_eq(own, peer);
}

static void digest_rows(const struct mt_chains *c, const struct mt_id *region,
                        const struct mt_id *own, const struct mt_id *peer, bool of_region,
                        uint8_t out[static 32]) {
    struct mt_hash h;
    mt_hash_init(&h, "rows", region);
    for (uint32_t i = 0; i < c->n; i++) {
        const struct mt_chain *chain = &c->v[c->sorted[i]];
        if (chain->head.seq == 0 || is_region(chain) != of_region ||
            !mt_chain_is_for(chain, own, peer))
            continue;
        mt_hash_add_id(&h, &chain->info.id);
        mt_hash_add_u64(&h, chain->head.seq);
        mt_hash_add_id(&h, &chain->head.entry);
        mt_hash_add_u64(&h, 0);
        mt_hash_add_u64(&h, 0);
    }
    mt_hash_end(&h, out);
}

void mt_chains_digest(const struct mt_chains *c, const struct mt_id *region,
                      const struct mt_id *own, const struct mt_id *peer, uint8_t out[static 32]) {
    uint8_t parts[64];
    digest_rows(c, region, own, peer, true, parts);
    digest_rows(c, region, own, peer, false, parts + 32);
    mt_hash_of(out, "heads", region, parts, sizeof parts);
}

void mt_chain_row(const struct mt_chain *chain, struct mt_have_row *out) {
    *out = (struct mt_have_row){.chain = chain->info.id, .seq = chain->head.seq};
    memcpy(out->id16, chain->head.entry.b, sizeof out->id16);
}
