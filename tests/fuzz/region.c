#include "region.h"

#include <stdlib.h>

/* Made once: what follows from the numbers does not change. */
struct region {
    bool made;
    struct built_org org[REGION_ORGS + 1];
    struct mt_dh_key link[REGION_ORGS + 1];
    uint8_t found[1024];
    size_t n_found;
    struct mt_id id;
};

static void make_found(struct region *r) {
    struct mt_found f = {.name = mt_slice_str("Meppel"),
                         .founder = r->org[1].root.pub,
                         .founder_name = mt_slice_str("Terra"),
                         .voter = r->org[1].feed.pub,
                         .retention_days = {730, 365, 90, 2557}};
    struct mt_writer w = mt_writer(r->found, sizeof r->found);
    struct mt_item item;
    memcpy(f.grant, r->org[1].grant.pub, sizeof f.grant);
    mt_found_put(&w, &f, &r->org[1].root);
    r->n_found = w.n;
    NEED(mt_item_get(mt_writer_slice(&w), &(struct mt_id){0}, &item) == MT_OK);
    r->id = item.id;
}

static const struct region *region(void) {
    static struct region r;
    if (r.made)
        return &r;
    r.made = true;
    for (unsigned i = 1; i <= REGION_ORGS; i++) {
        uint8_t secret[32];
        r.org[i] = built_org(i);
        built_bytes(secret, "link", i);
        mt_dh_key_make(secret, &r.link[i]);
    }
    make_found(&r);
    return &r;
}

const struct built_org *region_org(unsigned n) {
    return &region()->org[n];
}

const struct mt_dh_key *region_link(unsigned n) {
    return &region()->link[n];
}

struct mt_slice region_found(void) {
    return mt_slice(region()->found, region()->n_found);
}

const struct mt_id *region_id(void) {
    return &region()->id;
}

static const struct built_org *some_org(struct fuzz *f) {
    return region_org(1 + fuzz_u8(f) % REGION_ORGS);
}

static struct mt_slice some_name(struct fuzz *f) {
    static const char *const NAMES[] = {"Stad & Esch",  "Terra", "",
                                        "\xe2\x80\xae", "a\nb",  "\xc3\xa9"};
    uint8_t i = fuzz_u8(f) % 8;
    return i < MT_ARRAY_LEN(NAMES) ? mt_slice_str(NAMES[i]) : fuzz_take(f, fuzz_u8(f));
}

/* Mostly the region. */
static struct mt_id some_region(struct fuzz *f) {
    struct mt_id id = *region_id();
    if (fuzz_u8(f) > 240)
        id.b[0] ^= 1;
    return id;
}

static struct mt_id some_id(struct fuzz *f, const struct mt_id *known, size_t n) {
    uint8_t i = fuzz_u8(f);
    if (i < 250 && n)
        return known[i % n];
    return i < 253 ? *region_id() : (struct mt_id){{i}};
}

/* ---- items ---- */

static void put_join(struct fuzz *f, struct mt_writer *w) {
    const struct built_org *o = some_org(f);
    struct mt_join j = {.region = some_region(f), .org = o->root.pub, .name = some_name(f)};
    uint8_t grant = fuzz_u8(f);
    if (grant < 200)
        memcpy(j.grant, o->grant.pub, sizeof j.grant);
    else if (grant < 230)
        memcpy(j.grant, some_org(f)->grant.pub, sizeof j.grant);
    else
        j.grant[0] = grant & 1; /* low order */
    mt_join_put(w, &j, fuzz_u8(f) > 240 ? &some_org(f)->root : &o->root);
}

static void put_admit(struct fuzz *f, struct mt_writer *w) {
    uint8_t join[1024];
    struct mt_writer j = mt_writer(join, sizeof join);
    struct mt_admit a = {.role = MT_ROLE_MEMBER};
    uint8_t role = fuzz_u8(f);
    if (role > 200)
        a.role = (enum mt_role)(role % 4);
    put_join(f, &j);
    a.join = mt_writer_slice(&j);
    mt_admit_put(w, &a);
}

static void put_vote(struct fuzz *f, const struct mt_id *known, size_t n, struct mt_writer *w) {
    uint8_t how = fuzz_u8(f);
    const struct built_org *o = how < 220 ? region_org(1) : some_org(f);
    struct mt_vote v = {.act = some_id(f, known, n),
                        .org = o->root.pub,
                        .n = how & 1 ? how % 4 : fuzz_number(f),
                        .approve = !(how & 2)};
    mt_vote_put(w, region_id(), &v, how > 250 ? &some_org(f)->root : &o->root);
}

static void put_statement(struct fuzz *f, struct mt_writer *w) {
    uint8_t body[2048], lists[4][1024], how = fuzz_u8(f);
    const struct built_org *o = how < 200 ? region_org(1) : some_org(f);
    struct mt_statement s = {.governance = *region_id(), .reason = some_region(f)};
    struct mt_slice *const parts[] = {&s.cover, &s.seals, &s.relays, &s.links};
    struct mt_writer b = mt_writer(body, sizeof body);
    s.minter = o->feed.pub;
    s.key_hash[0] = fuzz_u8(f) % 4;
    for (size_t i = 0; i < MT_ARRAY_LEN(parts); i++) {
        struct mt_writer l = mt_writer(lists[i], sizeof lists[i]);
        uint8_t n = i == 0 || i == 3 ? how >> 6 & 1 : fuzz_u8(f) % 5;
        mt_wire_put_array(&l, n);
        for (uint8_t k = 0; k < n; k++) {
            static const uint8_t seal[MT_SEAL_SIZE];
            struct mt_id id = {{k + (how == 199 ? 0 : 1)}};
            if (i)
                mt_wire_put_array(&l, 2);
            mt_wire_put_id(&l, &id);
            if (i)
                mt_wire_put_bin(&l, seal, how == 198 || i == 3 ? 48 : sizeof seal);
        }
        *parts[i] = mt_writer_slice(&l);
    }
    mt_statement_put(&b, &s);
    mt_item_put_signed(w, MT_ITEM_STATEMENT, region_id(), mt_writer_slice(&b), &o->feed);
}

static void put_grant(struct fuzz *f, const struct mt_id *known, size_t n, struct mt_writer *w) {
    uint8_t body[512], how = fuzz_u8(f);
    const struct built_org *o = some_org(f);
    struct mt_grant g = {
        .statement = some_id(f, known, n), .org = some_org(f)->root.pub, .granter = o->feed.pub};
    struct mt_writer b = mt_writer(body, sizeof body);
    g.seal[0] = how % 4;
    mt_grant_put(&b, &g);
    mt_item_put_signed(w, MT_ITEM_GRANT, region_id(), mt_writer_slice(&b),
                       how > 240 ? &o->root : &o->feed);
}

/* A body that nobody who means well would write, under a signature that is good. */
static enum mt_item_type put_body(struct fuzz *f, struct mt_writer *w) {
    enum mt_item_type type = (enum mt_item_type)(MT_ITEM_FOUND + fuzz_u8(f) % 7);
    const struct built_org *o = some_org(f);
    bool by_feed = type == MT_ITEM_STATEMENT || type == MT_ITEM_GRANT;
    mt_item_put_signed(w, type, region_id(), fuzz_take(f, fuzz_u16(f) % 2048),
                       by_feed ? &o->feed : &o->root);
    return type;
}

/* ---- certificates and requests ---- */

static void certificate_of(unsigned org, struct mt_certificate *c) {
    *c = (struct mt_certificate){.region = *region_id(),
                                 .org = region_org(org)->root.pub,
                                 .feed = region_org(org)->feed.pub};
    memcpy(c->link, region_link(org)->pub, sizeof c->link);
}

void region_good_certificate(unsigned org, struct mt_writer *w) {
    struct mt_certificate c;
    certificate_of(org, &c);
    mt_certificate_put(w, &c, &region_org(org)->root, &region_org(org)->feed);
}

bool region_certificate(struct fuzz *f, unsigned org, struct mt_writer *w) {
    struct mt_certificate c;
    const struct built_org *o = region_org(org), *feed = o;
    const struct mt_sign_key *root = &o->root;
    uint8_t how = fuzz_u8(f);
    certificate_of(org, &c);
    if (how & 1)
        c.number = fuzz_u8(f) < 200 ? fuzz_u8(f) : fuzz_number(f);
    if (how & 2)
        c.replaces.b[0] = fuzz_u8(f);
    if (how & 4)
        feed = some_org(f);
    if (how & 8)
        c.region = some_region(f);
    if (how > 200)
        root = &some_org(f)->root;
    if (how > 220)
        fuzz_bytes(f, c.link, 32);
    const struct mt_sign_key *proof = how > 240 ? &some_org(f)->feed : &feed->feed;
    c.feed = feed->feed.pub;
    mt_certificate_put(w, &c, root, proof);
    struct mt_id region = *region_id();
    struct mt_item item;
    struct mt_certificate got;
    bool ok = mt_item_get(mt_writer_slice(w), &region, &item) == MT_OK &&
              mt_certificate_check(&item, &region, &got) == MT_OK;
    /* What the fields say decides, not the code under test alone. */
    bool fits = c.number < MT_INSTALLATIONS_MAX && mt_id_eq(&c.region, &region) &&
                mt_id_eq(&root->pub, &o->root.pub) && mt_id_eq(&proof->pub, &c.feed);
    NEED(ok == fits);
    return ok && memcmp(c.link, region_link(org)->pub, sizeof c.link) == 0;
}

void region_join(unsigned org, struct mt_writer *w) {
    struct mt_join j = {.region = *region_id(),
                        .org = region_org(org)->root.pub,
                        .name = mt_slice_str("Stad & Esch")};
    memcpy(j.grant, region_org(org)->grant.pub, sizeof j.grant);
    mt_join_put(w, &j, &region_org(org)->root);
}

/* ---- a region with members ---- */

static void epoch_key(uint8_t out[static 32]) {
    built_bytes(out, "epoch key", 1);
}

void region_link_key(uint8_t out[static 32]) {
    uint8_t key[32], hashes[2][32];
    epoch_key(key);
    mt_epoch_derive(region_id(), key, out, hashes[0], hashes[1]);
}

static int by_root(const void *a, const void *b) {
    return mt_id_cmp(&region_org(*(const unsigned *)a)->root.pub,
                     &region_org(*(const unsigned *)b)->root.pub);
}

static void put_epoch(struct mt_writer *w) {
    uint8_t key[32], link[32], seals[1024], body[2048], ephemeral[32] = {8};
    struct mt_statement s = {.governance = *region_id(),
                             .reason = *region_id(),
                             .minter = region_org(1)->feed.pub,
                             .cover = mt_slice("\x90", 1),
                             .relays = mt_slice("\x90", 1),
                             .links = mt_slice("\x90", 1)};
    struct mt_writer l = mt_writer(seals, sizeof seals), b = mt_writer(body, sizeof body);
    unsigned order[REGION_MEMBERS] = {1, 2, 3};
    epoch_key(key);
    mt_epoch_derive(region_id(), key, link, s.key_hash, s.link_hash);
    qsort(order, REGION_MEMBERS, sizeof order[0], by_root);
    mt_wire_put_array(&l, REGION_MEMBERS);
    for (size_t i = 0; i < REGION_MEMBERS; i++) {
        const struct built_org *o = region_org(order[i]);
        uint8_t seal[MT_SEAL_SIZE];
        NEED(mt_seal_key(region_id(), o->grant.pub, ephemeral, key, seal) == MT_OK);
        mt_wire_put_array(&l, 2);
        mt_wire_put_id(&l, &o->root.pub);
        mt_wire_put_bin(&l, seal, sizeof seal);
    }
    s.seals = mt_writer_slice(&l);
    mt_statement_put(&b, &s);
    NEED(b.err == MT_OK);
    mt_item_put_signed(w, MT_ITEM_STATEMENT, region_id(), mt_writer_slice(&b),
                       &region_org(1)->feed);
}

static void give(struct mt_writer *w, void (*fn)(void *arg, struct mt_slice item), void *arg) {
    NEED(w->err == MT_OK);
    fn(arg, mt_writer_slice(w));
    w->n = 0;
}

void region_items(void (*fn)(void *arg, struct mt_slice item), void *arg) {
    uint8_t buf[4096], join[1024], admit[2048];
    struct mt_writer w = mt_writer(buf, sizeof buf);
    fn(arg, region_found());
    for (unsigned i = 2; i <= REGION_MEMBERS; i++) {
        struct mt_writer j = mt_writer(join, sizeof join), a = mt_writer(admit, sizeof admit);
        struct mt_admit body = {.role = MT_ROLE_MEMBER};
        struct mt_item item;
        region_join(i, &j);
        body.join = mt_writer_slice(&j);
        mt_admit_put(&a, &body);
        NEED(mt_item_get(mt_writer_slice(&a), region_id(), &item) == MT_OK);
        struct mt_vote v = {
            .act = item.id, .org = region_org(1)->root.pub, .n = 1, .approve = true};
        mt_vote_put(&w, region_id(), &v, &region_org(1)->root);
        give(&w, fn, arg);
        give(&a, fn, arg);
    }
    for (unsigned i = 1; i <= REGION_MEMBERS; i++) {
        region_good_certificate(i, &w);
        give(&w, fn, arg);
    }
    put_epoch(&w);
    give(&w, fn, arg);
}

/* ---- any of them ---- */

static enum mt_item_type put_some(struct fuzz *f, uint8_t how, const struct mt_id *known, size_t n,
                                  struct mt_writer *w) {
    switch (how % 8) {
    case 0:
        put_join(f, w);
        return MT_ITEM_JOIN;
    case 1:
        put_vote(f, known, n, w);
        return MT_ITEM_VOTE;
    case 2:
        put_admit(f, w);
        return MT_ITEM_ADMIT;
    case 3:
    case 4:
        (void)region_certificate(f, 1 + fuzz_u8(f) % REGION_ORGS, w);
        return MT_ITEM_CERTIFICATE;
    case 5:
        put_statement(f, w);
        return MT_ITEM_STATEMENT;
    case 6:
        put_grant(f, known, n, w);
        return MT_ITEM_GRANT;
    default:
        return put_body(f, w);
    }
}

enum mt_item_type region_item(struct fuzz *f, const struct mt_id *known, size_t n_known,
                              struct mt_writer *w) {
    uint8_t how = fuzz_u8(f);
    enum mt_item_type type = put_some(f, how & 0x7f, known, n_known, w);
    NEED(w->err == MT_OK && w->n < w->cap);
    if (!(how & 0x80))
        return type;
    struct fuzz harm = fuzz_part(f, 4);
    return fuzz_damage(&harm, w->p, &w->n) ? (enum mt_item_type)0 : type;
}
