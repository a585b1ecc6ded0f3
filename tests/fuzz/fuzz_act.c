/* Governance items, one after another into a region's set: votes, admissions, certificates, epoch
 * statements, grants, with real signatures or damaged. Whatever is refused changes nothing; what is
 * accepted is held as it came; the lists that follow are sorted and whole; and the same items in the
 * opposite order make the same set. */
#include "region.h"

#include <stdlib.h>

enum { ITEMS_MAX = 14, ROUNDS_MAX = 64 };

struct offered {
    uint8_t *p;
    size_t n;
    bool damaged;
};

struct world {
    struct mt_gov *g;
    struct offered items[ITEMS_MAX];
    size_t n;
    struct mt_id known[ITEMS_MAX];
    size_t n_known;
};

static void digest(const struct mt_gov *g, uint8_t out[static 32]) {
    NEED(mt_gov_digest(g, out) == MT_OK);
}

static void held(const struct mt_gov *g, const struct mt_id *id, struct mt_slice bytes) {
    NEED(mt_gov_has(g, id));
    for (size_t i = 0; i < mt_gov_count(g); i++)
        if (mt_id_eq(mt_gov_item_id(g, i), id)) {
            NEED(mt_slice_eq(mt_gov_item(g, i), bytes));
            return;
        }
    NEED(!"an item that is held is not in the list");
}

static enum mt_err add(struct mt_gov *g, const struct offered *o) {
    uint8_t before[32], after[32];
    uint64_t generation = mt_gov_generation(g);
    size_t count = mt_gov_count(g);
    struct mt_slice in = mt_slice(o->p, o->n);
    struct mt_id id;
    digest(g, before);
    enum mt_err err = mt_gov_add(g, in, &id);
    digest(g, after);
    NEED(err != MT_EBUG && err != MT_ENOMEM);
    NEED((err == MT_OK) == (memcmp(before, after, sizeof before) != 0));
    if (err) {
        NEED(mt_gov_generation(g) == generation && mt_gov_count(g) == count);
        return err;
    }
    NEED(mt_gov_generation(g) > generation);
    held(g, &id, in);
    struct mt_item item;
    NEED(mt_item_get(in, mt_gov_region(g), &item) == MT_OK);
    /* An admission carries no signature: a changed one is another that may be voted for. */
    NEED(!o->damaged || item.type == MT_ITEM_ADMIT);
    return MT_OK;
}

static void members(const struct mt_gov *g) {
    for (size_t i = 0; i < mt_gov_members(g); i++) {
        const struct mt_member *m = mt_gov_member_at(g, i);
        NEED(!i || mt_id_cmp(&m[-1].org, &m->org) < 0);
        NEED(mt_gov_member(g, &m->org) == m && mt_name_ok(mt_slice_str(m->name)));
        NEED(m->is_seat == mt_id_eq(&m->org, &region_org(1)->root.pub));
        NEED(mt_gov_has(g, &m->act) && (m->role == MT_ROLE_MEMBER || m->role == MT_ROLE_RELAY));
        for (size_t k = 0; k < i; k++) /* no two members with one grant key */
            NEED(memcmp(mt_gov_member_at(g, k)->grant, m->grant, 32) != 0);
    }
}

static void installations(const struct mt_gov *g) {
    for (size_t i = 0; i < mt_gov_installations(g); i++) {
        const struct mt_installation *x = mt_gov_installation_at(g, i);
        NEED(!i || mt_id_cmp(&x[-1].feed, &x->feed) < 0);
        NEED(mt_gov_installation(g, &x->feed) == x && x->number < MT_INSTALLATIONS_MAX);
        NEED(mt_gov_has(g, &x->item));
    }
}

static void statements(const struct mt_gov *g) {
    for (size_t i = 0; i < mt_gov_statements(g); i++) {
        struct mt_id id;
        struct mt_statement s;
        mt_gov_statement_at(g, i, &id, &s);
        NEED(mt_gov_has(g, &id));
        for (unsigned o = 1; o <= REGION_ORGS; o++) {
            size_t k = 0;
            while (mt_gov_seal(g, &id, &region_org(o)->root.pub, k))
                NEED(++k < 100);
        }
    }
}

/* Offers all again and again until nothing more is taken. */
static void settle(struct mt_gov *g, const struct world *w, bool backwards) {
    bool added = true;
    for (unsigned round = 0; added; round++) {
        NEED(round < ROUNDS_MAX);
        added = false;
        for (size_t i = 0; i < w->n; i++)
            added |= add(g, &w->items[backwards ? w->n - 1 - i : i]) == MT_OK;
    }
}

static void found(struct mt_gov *g) {
    struct mt_id id;
    NEED(mt_gov_add(g, region_found(), &id) == MT_OK && mt_gov_is_founded(g));
    NEED(mt_id_eq(&id, region_id()) && mt_id_eq(mt_gov_region(g), region_id()));
}

static void other_order(const struct world *w) {
    uint8_t a[32], b[32];
    struct mt_gov *g = mt_gov_new();
    NEED(g != NULL);
    found(g);
    settle(g, w, true);
    digest(w->g, a);
    digest(g, b);
    NEED(memcmp(a, b, sizeof a) == 0);
    NEED(mt_gov_members(g) == mt_gov_members(w->g));
    NEED(mt_gov_installations(g) == mt_gov_installations(w->g));
    NEED(mt_gov_statements(g) == mt_gov_statements(w->g));
    mt_gov_free(g);
}

static void offer(struct world *w, struct fuzz *f) {
    static uint8_t buf[REGION_ITEM_CAP];
    struct mt_writer out = mt_writer(buf, sizeof buf);
    struct offered *o = &w->items[w->n++];
    struct mt_item item;
    enum mt_item_type type = region_item(f, w->known, w->n_known, &out);
    *o = (struct offered){.p = fuzz_copy(mt_writer_slice(&out)), .n = out.n, .damaged = type == 0};
    if (mt_item_get(mt_slice(o->p, o->n), region_id(), &item) == MT_OK)
        w->known[w->n_known++] = item.id;
    (void)add(w->g, o);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz f = fuzz_of(data, size);
    struct world w = {.g = mt_gov_new()};
    struct offered raw = {.p = fuzz_copy(mt_slice(data, size)), .n = size, .damaged = true};
    NEED(w.g != NULL);
    (void)add(w.g, &raw); /* before act 0 there is nothing to lean on */
    found(w.g);
    (void)add(w.g, &raw);
    while (f.n && w.n < ITEMS_MAX)
        offer(&w, &f);
    settle(w.g, &w, false);
    members(w.g);
    installations(w.g);
    statements(w.g);
    other_order(&w);
    for (size_t i = 0; i < w.n; i++)
        free(w.items[i].p);
    free(raw.p);
    mt_gov_free(w.g);
    return 0;
}
