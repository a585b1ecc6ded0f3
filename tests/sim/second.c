/* second: a second key of the region.
 *
 * The founder opens another installation, which states an epoch of its own, as it may: once for each.
 * Its key is sealed to some members at once; the others are handed it later, one by one. Until then
 * they hold entries that they cannot read, and those who have both keys may write under either.
 * What is lost with a crash or an older copy of the founder is stated again. */
#include "sim.h"

#include "node_internal.h"

#include <stdlib.h>

enum {
    NUMBER = 777, /* of the installation */
    BEGIN = 15,   /* per mille of a look */
    GRANT = 12,
    TO_SOME = 400, /* per mille of the members: sealed to at once */
    TRIES_MAX = 20,
    ITEM_MAX = 4096,
};

struct second {
    struct mt_id statement;
    uint8_t certificate[ITEM_MAX], item[ITEM_MAX];
    size_t certificate_n, item_n;
};

static void add(struct sim *s, struct host *h, const uint8_t *p, size_t n) {
    struct mt_id id;
    enum mt_err err = mt_node_add_own_item(h->node, mt_slice(p, n), &id);
    if (err)
        sim_fail(s, "org%d: its own governance item is refused: %s", h->index, mt_err_code(err));
}

/* Lets the node save and spread what was added. */
static void step(struct sim *s, struct host *h) {
    struct mt_event tick = {.type = MT_EV_TICK};
    host_step(s, h, &tick);
}

static bool seal_to(struct sim *s, const struct host *h, const struct mt_member *m,
                    const uint8_t key[static 32], uint8_t seal[static MT_SEAL_SIZE]) {
    uint8_t ephemeral[32];
    chance_fill(&s->chance, ephemeral, sizeof ephemeral);
    return mt_seal_key(&h->node->replica.region, m->grant, ephemeral, key, seal) == MT_OK;
}

/* ---- the statement ---- */

static void put_seals(struct sim *s, const struct host *h, const uint8_t key[static 32],
                      struct mt_writer *w) {
    const struct mt_gov *g = mt_node_gov(h->node);
    bool chosen[SIM_HOSTS_MAX] = {false};
    size_t n = 0, members = mt_gov_members(g);
    for (size_t i = 0; i < members && i < SIM_HOSTS_MAX; i++) {
        chosen[i] =
            mt_id_eq(&mt_gov_member_at(g, i)->org, &h->org) || chance_hits(&s->chance, TO_SOME);
        n += chosen[i];
    }
    mt_wire_put_array(w, n);
    for (size_t i = 0; i < members && i < SIM_HOSTS_MAX; i++) {
        uint8_t seal[MT_SEAL_SIZE];
        const struct mt_member *m = mt_gov_member_at(g, i);
        if (!chosen[i])
            continue;
        if (!seal_to(s, h, m, key, seal))
            sim_fail(s, "a key cannot be sealed to a member");
        mt_wire_put_array(w, 2);
        mt_wire_put_id(w, &m->org);
        mt_wire_put_bin(w, seal, sizeof seal);
    }
}

static bool put_statement(struct sim *s, const struct host *h, const struct mt_sign_key *feed,
                          struct second *out) {
    static const uint8_t none[1] = {0x90};
    const struct mt_id *region = &h->node->replica.region;
    uint8_t key[32], link[32], seals[ITEM_MAX / 2], body[ITEM_MAX];
    struct mt_writer sw = mt_writer(seals, sizeof seals), b = mt_writer(body, sizeof body);
    struct mt_writer w = mt_writer(out->item, sizeof out->item);
    struct mt_item item;
    chance_fill(&s->chance, key, sizeof key);
    put_seals(s, h, key, &sw);
    struct mt_statement st = {.governance = *region,
                              .reason = *region,
                              .minter = feed->pub,
                              .cover = mt_slice(none, 1),
                              .seals = mt_writer_slice(&sw),
                              .relays = mt_slice(none, 1),
                              .links = mt_slice(none, 1)};
    mt_epoch_derive(region, key, link, st.key_hash, st.link_hash);
    mt_statement_put(&b, &st);
    mt_item_put_signed(&w, MT_ITEM_STATEMENT, region, mt_writer_slice(&b), feed);
    out->item_n = w.n;
    if (sw.err || b.err || w.err || mt_item_get(mt_writer_slice(&w), region, &item))
        return false;
    out->statement = item.id;
    return true;
}

/* Writers use the lowest key they have, so the second is mostly made to be that. */
static void make(struct sim *s, const struct host *h) {
    const struct mt_node *n = h->node;
    struct second *out = s->second = calloc(1, sizeof *out);
    struct mt_sign_key feed;
    struct mt_dh_key link;
    uint8_t seed[32], secret[32];
    bool ok = out != NULL;
    if (!ok)
        abort();
    chance_fill(&s->chance, seed, sizeof seed);
    chance_fill(&s->chance, secret, sizeof secret);
    mt_sign_key_make(seed, &feed);
    mt_dh_key_make(secret, &link);
    struct mt_certificate c = {
        .region = n->replica.region, .org = n->replica.own_org, .feed = feed.pub, .number = NUMBER};
    memcpy(c.link, link.pub, sizeof c.link);
    struct mt_writer w = mt_writer(out->certificate, sizeof out->certificate);
    mt_certificate_put(&w, &c, &n->secret->root, &feed);
    out->certificate_n = w.n;
    bool lower = chance_hits(&s->chance, 800);
    for (int i = 0; i < TRIES_MAX && ok; i++) {
        ok = put_statement(s, h, &feed, out);
        if (!lower || mt_id_cmp(&out->statement, &mt_node_epoch(n)->statement) < 0)
            break;
    }
    if (w.err || !ok)
        sim_fail(s, "a second key cannot be stated");
    sim_note(s, h->index, "makes a second key of the region");
}

/* ---- handing it out ---- */

static bool holds_statement(const struct second *x, const struct mt_gov *g) {
    struct mt_statement st;
    struct mt_id id;
    for (size_t i = 0; i < mt_gov_statements(g); i++) {
        mt_gov_statement_at(g, i, &id, &st);
        if (mt_id_eq(&id, &x->statement))
            return true;
    }
    return false;
}

static void grant(struct sim *s, struct host *h, const struct mt_epoch *e,
                  const struct mt_member *m) {
    const struct mt_node *n = h->node;
    uint8_t body[512], item[1024];
    struct mt_writer b = mt_writer(body, sizeof body), w = mt_writer(item, sizeof item);
    struct mt_grant g = {.statement = e->statement, .org = m->org, .granter = n->secret->feed.pub};
    if (!seal_to(s, h, m, e->key, g.seal))
        return;
    mt_grant_put(&b, &g);
    mt_item_put_signed(&w, MT_ITEM_GRANT, &n->replica.region, mt_writer_slice(&b),
                       &n->secret->feed);
    add(s, h, item, w.n);
}

/* One missing grant; false when there is none. */
static bool grant_one(struct sim *s, struct host *h) {
    struct mt_gov *g = h->node->replica.gov;
    for (size_t i = 0; i < h->node->n_epochs; i++)
        for (size_t k = 0; k < mt_gov_members(g); k++) {
            struct mt_member m = *mt_gov_member_at(g, k);
            struct mt_epoch e = h->node->epochs[i];
            if (mt_gov_seal(g, &e.statement, &m.org, 0))
                continue;
            grant(s, h, &e, &m);
            return true;
        }
    return false;
}

bool second_is_done(struct sim *s) {
    if (!s->second)
        return true;
    for (int i = 0; i < s->plan.members; i++) {
        const struct host *h = &s->hosts[i];
        if (h->health != WELL)
            continue;
        if (!host_is_member(h) || !holds_statement(s->second, mt_node_gov(h->node)) ||
            mt_node_keys(h->node)->n_epochs != mt_gov_statements(mt_node_gov(h->node)))
            return false;
    }
    return true;
}

void second_look(struct sim *s) {
    struct host *h = &s->hosts[0];
    if (!s->plan.second || !host_is_member(h) || !host_info(h).has_key)
        return;
    if (!s->second) {
        if (s->is_calm || mt_gov_members(mt_node_gov(h->node)) < 2 ||
            !chance_hits(&s->chance, BEGIN))
            return;
        make(s, h);
    }
    if (!s->failed && !holds_statement(s->second, mt_node_gov(h->node))) {
        add(s, h, s->second->certificate, s->second->certificate_n);
        add(s, h, s->second->item, s->second->item_n);
        step(s, h);
    } else if (!s->failed && (s->is_calm || chance_hits(&s->chance, GRANT)) && grant_one(s, h)) {
        step(s, h);
    }
}

void second_free(struct sim *s) {
    free(s->second);
    s->second = NULL;
}
