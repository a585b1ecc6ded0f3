/* gov_fixture: governance items of a small region, from small numbers. Organisation 1 founds it. */
#ifndef MEENT_TEST_GOV_FIXTURE_H
#define MEENT_TEST_GOV_FIXTURE_H

#include "vectors.h"

#include "builder.h"
#include "gov.h"

#include <stdlib.h>

/* An item as bytes. */
struct made {
    uint8_t b[2048];
    size_t n;
    struct mt_id id;
};

static inline struct mt_slice made_slice(const struct made *m) {
    return mt_slice(m->b, m->n);
}

static inline struct made made_end(struct made *m, const struct mt_writer *w,
                                   const struct mt_id *region) {
    struct mt_item item;
    assert_int_equal(w->err, MT_OK);
    m->n = w->n;
    assert_int_equal(mt_item_get(made_slice(m), region, &item), MT_OK);
    m->id = item.id;
    return *m;
}

static inline struct mt_found found_body(void) {
    struct built_org o = built_org(1);
    struct mt_found f = {.name = mt_slice_str("Meppel"),
                         .founder = o.root.pub,
                         .founder_name = mt_slice_str("Terra"),
                         .voter = o.feed.pub,
                         .retention_days = {730, 365, 90, 2557}};
    built_bytes(f.random, "act 0", 1);
    memcpy(f.grant, o.grant.pub, 32);
    return f;
}

static inline struct made made_found(void) {
    struct made m;
    struct mt_found f = found_body();
    struct built_org o = built_org(1);
    struct mt_writer w = mt_writer(m.b, sizeof m.b);
    mt_found_put(&w, &f, &o.root);
    return made_end(&m, &w, NULL);
}

static inline struct mt_id the_region(void) {
    return made_found().id;
}

static inline struct mt_join join_body(uint64_t org) {
    struct built_org o = built_org(org);
    struct mt_join j = {
        .region = the_region(), .org = o.root.pub, .name = mt_slice_str("Stad & Esch")};
    memcpy(j.grant, o.grant.pub, 32);
    return j;
}

static inline struct made made_join_of(const struct mt_join *j, uint64_t signer) {
    struct made m;
    struct built_org o = built_org(signer);
    struct mt_writer w = mt_writer(m.b, sizeof m.b);
    mt_join_put(&w, j, &o.root);
    return made_end(&m, &w, &j->region);
}

static inline struct made made_join(uint64_t org) {
    struct mt_join j = join_body(org);
    return made_join_of(&j, org);
}

static inline struct made made_admit_of(const struct made *join, enum mt_role role) {
    struct made m;
    struct mt_id region = the_region();
    struct mt_admit a = {.join = made_slice(join), .role = role};
    struct mt_writer w = mt_writer(m.b, sizeof m.b);
    mt_admit_put(&w, &a);
    return made_end(&m, &w, &region);
}

static inline struct made made_admit(uint64_t org) {
    struct made join = made_join(org);
    return made_admit_of(&join, MT_ROLE_MEMBER);
}

static inline struct made made_vote(const struct mt_id *act, uint64_t seat, uint64_t n,
                                    bool approve) {
    struct made m;
    struct mt_id region = the_region();
    struct built_org o = built_org(seat);
    struct mt_vote v = {.act = *act, .org = o.root.pub, .n = n, .approve = approve};
    struct mt_writer w = mt_writer(m.b, sizeof m.b);
    mt_vote_put(&w, &region, &v, &o.root);
    return made_end(&m, &w, &region);
}

/* The certificate of organisation `org` for feed number `feed`. */
static inline struct made made_certificate(uint64_t org, uint64_t feed, uint64_t number) {
    struct made m;
    struct built_org o = built_org(org), f = built_org(feed);
    struct mt_certificate c = {
        .region = the_region(), .org = o.root.pub, .feed = f.feed.pub, .number = number};
    struct mt_dh_key link;
    uint8_t secret[32];
    built_bytes(secret, "link", feed);
    mt_dh_key_make(secret, &link);
    memcpy(c.link, link.pub, 32);
    if (number == 5)
        c.replaces = built_id("feed", 77);
    struct mt_writer w = mt_writer(m.b, sizeof m.b);
    mt_certificate_put(&w, &c, &o.root, &f.feed);
    return made_end(&m, &w, &c.region);
}

static inline void made_seal(uint8_t out[static MT_SEAL_SIZE], uint64_t n) {
    uint8_t parts[96];
    for (uint64_t i = 0; i < 3; i++)
        built_bytes(parts + 32 * i, "seal", n + 100 * i);
    memcpy(out, parts, MT_SEAL_SIZE);
}

static inline struct made made_statement_of(const struct mt_statement *s, uint64_t signer) {
    uint8_t body[1024];
    struct made m;
    struct mt_id region = the_region();
    struct built_org o = built_org(signer);
    struct mt_writer b = mt_writer(body, sizeof body), w = mt_writer(m.b, sizeof m.b);
    mt_statement_put(&b, s);
    assert_int_equal(b.err, MT_OK);
    mt_item_put_signed(&w, MT_ITEM_STATEMENT, &region, mt_writer_slice(&b), &o.feed);
    return made_end(&m, &w, &region);
}

/* The first epoch's statement, minted by feed `minter`; `k` makes several. */
static inline struct made made_statement(uint64_t minter, uint64_t k) {
    static const uint8_t NONE[1] = {0x90};
    uint8_t seals[256], seal[MT_SEAL_SIZE];
    struct built_org o = built_org(minter), founder = built_org(1);
    struct mt_writer w = mt_writer(seals, sizeof seals);
    made_seal(seal, 1);
    mt_wire_put_array(&w, 1);
    mt_wire_put_array(&w, 2);
    mt_wire_put_id(&w, &founder.root.pub);
    mt_wire_put_bin(&w, seal, sizeof seal);
    struct mt_statement s = {.governance = the_region(),
                             .reason = the_region(),
                             .minter = o.feed.pub,
                             .cover = mt_slice(NONE, 1),
                             .seals = mt_writer_slice(&w),
                             .relays = mt_slice(NONE, 1),
                             .links = mt_slice(NONE, 1)};
    built_bytes(s.key_hash, "key hash", k);
    built_bytes(s.link_hash, "link hash", k);
    return made_statement_of(&s, minter);
}

/* A grant by feed `granter`; signed by feed `signer`; `seal` tells several apart. */
static inline struct made made_grant(const struct mt_id *statement, uint64_t org, uint64_t granter,
                                     uint64_t signer, uint64_t seal) {
    uint8_t body[512];
    struct made m;
    struct mt_id region = the_region();
    struct mt_grant g = {.statement = *statement,
                         .org = built_org(org).root.pub,
                         .granter = built_org(granter).feed.pub};
    struct built_org o = built_org(signer);
    struct mt_writer b = mt_writer(body, sizeof body), w = mt_writer(m.b, sizeof m.b);
    made_seal(g.seal, seal);
    mt_grant_put(&b, &g);
    mt_item_put_signed(&w, MT_ITEM_GRANT, &region, mt_writer_slice(&b), &o.feed);
    return made_end(&m, &w, &region);
}

static inline enum mt_err gov_add(struct mt_gov *g, struct made m) {
    struct mt_id id;
    /* Memory of its exact size, so that a read past its end shows. */
    uint8_t *exact = malloc(m.n ? m.n : 1);
    assert_non_null(exact);
    memcpy(exact, m.b, m.n);
    uint64_t generation = mt_gov_generation(g);
    enum mt_err err = mt_gov_add(g, mt_slice(exact, m.n), &id);
    free(exact);
    assert_int_equal(mt_gov_generation(g), generation + (err == MT_OK));
    if (!err)
        assert_true(mt_id_eq(&id, &m.id) && mt_gov_has(g, &id));
    return err;
}

static inline void gov_admit(struct mt_gov *g, uint64_t org) {
    struct made admit = made_admit(org);
    assert_int_equal(gov_add(g, made_vote(&admit.id, 1, 1, true)), MT_OK);
    assert_int_equal(gov_add(g, admit), MT_OK);
}

/* A set with act 0, and the founder's certificate. */
static inline struct mt_gov *gov_founded(void) {
    struct mt_gov *g = mt_gov_new();
    assert_non_null(g);
    assert_int_equal(gov_add(g, made_found()), MT_OK);
    assert_int_equal(gov_add(g, made_certificate(1, 1, 0)), MT_OK);
    return g;
}

static inline const struct mt_member *gov_member(const struct mt_gov *g, uint64_t org) {
    struct built_org o = built_org(org);
    return mt_gov_member(g, &o.root.pub);
}

static inline const struct mt_installation *gov_installation(const struct mt_gov *g,
                                                             uint64_t feed) {
    struct built_org o = built_org(feed);
    return mt_gov_installation(g, &o.feed.pub);
}

#endif
