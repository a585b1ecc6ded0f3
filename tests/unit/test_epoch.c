/* Epoch keys, statements, grants and the ring of keys. */
#include "vectors.h"

#include "builder.h"
#include "epoch.h"

#include <stdlib.h>

enum { LINK_SIZE = 48 };

static uint8_t *memory(size_t n) {
    uint8_t *p = malloc(n);
    assert_non_null(p);
    return p;
}

/* ---- ring ---- */

static void ring_finds_every_key_and_no_other(void **state) {
    (void)state;
    enum { EPOCHS = MT_PSKS_MAX, ORGS = 9 };
    struct mt_keyring *ring = built_ring(1, EPOCHS, 3, ORGS);
    struct mt_id region = built_id("region", 1);
    for (uint32_t i = 1; i <= EPOCHS; i++) {
        struct mt_id id = built_id("statement", i);
        uint8_t key[32], box[32];
        built_bytes(key, "epoch key", i);
        mt_box_key(box, key, &region);
        assert_memory_equal(mt_keyring_epoch(ring, &id), box, 32);
    }
    struct mt_id other = built_id("statement", EPOCHS + 1);
    assert_null(mt_keyring_epoch(ring, &other));
    for (uint32_t i = 0; i < ORGS; i++)
        assert_ptr_equal(mt_keyring_channel(ring, &ring->channels[i].org),
                         ring->channels[i].box_key);
    for (unsigned first = 0; first < 256; first++) {
        memset(other.b, (int)first, sizeof other.b);
        assert_null(mt_keyring_channel(ring, &other));
    }
    mt_keyring_unref(ring);
}

static void ring_holds_all_organisations_of_a_region(void **state) {
    (void)state;
    struct mt_keyring *ring = mt_keyring_new(MT_ORGS_MAX);
    assert_non_null(ring);
    struct mt_id org = {{0}};
    for (uint32_t i = 0; i < MT_ORGS_MAX; i++) {
        mt_be32(org.b, i);
        ring->channels[i].org = org;
        ring->channels[i].box_key[0] = (uint8_t)i;
    }
    ring->n_channels = MT_ORGS_MAX;
    for (uint32_t i = 0; i < MT_ORGS_MAX; i++) {
        mt_be32(org.b, i);
        assert_ptr_equal(mt_keyring_channel(ring, &org), ring->channels[i].box_key);
    }
    mt_keyring_unref(ring);
    assert_null(mt_keyring_new(MT_ORGS_MAX + 1));
}

static void ring_lives_until_its_last_reference_goes(void **state) {
    (void)state;
    struct mt_id org = {{0}};
    struct mt_keyring *ring = mt_keyring_new(0);
    assert_non_null(ring);
    assert_null(mt_keyring_epoch(ring, &org));
    assert_null(mt_keyring_channel(ring, &org));
    assert_ptr_equal(mt_keyring_ref(ring), ring);
    mt_keyring_unref(ring);
    assert_int_equal(ring->refs, 1);
    mt_keyring_unref(ring);
    mt_keyring_unref(NULL);
}

/* ---- statements ---- */

/* Writes a list of `n` ids (value_size 0) or [id, bytes] pairs, ids counting up. */
static struct mt_slice list(uint8_t *p, size_t cap, uint32_t n, size_t value_size) {
    struct mt_writer w = mt_writer(p, cap);
    uint8_t value[256] = {0};
    struct mt_id id = {{0}};
    mt_wire_put_array(&w, n);
    for (uint32_t i = 0; i < n; i++) {
        mt_be32(id.b, i);
        value[0] = (uint8_t)i;
        if (value_size)
            mt_wire_put_array(&w, 2);
        mt_wire_put_id(&w, &id);
        if (value_size)
            mt_wire_put_bin(&w, value, value_size);
    }
    assert_int_equal(w.err, MT_OK);
    return mt_writer_slice(&w);
}

static struct mt_statement plain_statement(void) {
    static const uint8_t empty[] = {0x90};
    struct mt_slice none = mt_slice(empty, 1);
    struct mt_statement s = {.governance = built_id("governance", 1),
                             .reason = built_id("reason", 1),
                             .minter = built_id("minter", 1),
                             .cover = none,
                             .seals = none,
                             .relays = none,
                             .links = none};
    built_bytes(s.key_hash, "key hash", 1);
    built_bytes(s.link_hash, "link hash", 1);
    return s;
}

/* Encodes and decodes; `got` borrows what is freed with *body. */
static enum mt_err round_trip(const struct mt_statement *s, struct mt_statement *got,
                              uint8_t **body) {
    struct mt_writer w = mt_writer(memory(2 * MT_ITEM_MAX), 2 * MT_ITEM_MAX);
    mt_statement_put(&w, s);
    assert_int_equal(w.err, MT_OK);
    *body = w.p;
    return mt_statement_get(mt_writer_slice(&w), got);
}

static enum mt_err try_statement(const struct mt_statement *s) {
    struct mt_statement got;
    uint8_t *body;
    enum mt_err err = round_trip(s, &got, &body);
    if (err)
        assert_null(got.seals.p);
    free(body);
    return err;
}

static void statement_survives_encoding(void **state) {
    (void)state;
    static uint8_t cover[256], seals[2048], relays[512], links[512];
    struct mt_statement s = plain_statement(), got;
    s.cover = list(cover, sizeof cover, 3, 0);
    s.seals = list(seals, sizeof seals, 17, MT_SEAL_SIZE);
    s.relays = list(relays, sizeof relays, 2, MT_SEAL_SIZE);
    s.links = list(links, sizeof links, 2, LINK_SIZE);
    uint8_t *body;
    assert_int_equal(round_trip(&s, &got, &body), MT_OK);
    assert_true(mt_id_eq(&got.governance, &s.governance));
    assert_true(mt_id_eq(&got.reason, &s.reason));
    assert_true(mt_id_eq(&got.minter, &s.minter));
    assert_memory_equal(got.key_hash, s.key_hash, 32);
    assert_memory_equal(got.link_hash, s.link_hash, 32);
    assert_bytes(got.cover, s.cover);
    assert_bytes(got.seals, s.seals);
    assert_bytes(got.relays, s.relays);
    assert_bytes(got.links, s.links);

    const uint8_t *seal;
    struct mt_id id = {{0}};
    for (uint8_t i = 0; i < 17; i++) {
        mt_be32(id.b, i);
        assert_int_equal(mt_statement_seal(&got, &id, &seal), MT_OK);
        assert_int_equal(seal[0], i);
    }
    mt_be32(id.b, 17);
    assert_int_equal(mt_statement_seal(&got, &id, &seal), MT_ENOTFOUND);
    assert_null(seal);
    mt_be32(id.b, 3);
    id.b[31] = 1;
    assert_int_equal(mt_statement_seal(&got, &id, &seal), MT_ENOTFOUND);
    free(body);
}

static void statement_seals_a_whole_region(void **state) {
    (void)state;
    uint8_t *p = memory(MT_ITEM_MAX);
    struct mt_statement s = plain_statement();
    s.seals = list(p, MT_ITEM_MAX, MT_ORGS_MAX, MT_SEAL_SIZE);
    assert_int_equal(try_statement(&s), MT_OK);
    s.seals = list(p, MT_ITEM_MAX, MT_ORGS_MAX + 1, MT_SEAL_SIZE);
    assert_int_equal(try_statement(&s), MT_ETOOLONG);
    /* Each list is within its cap here, and all of them together are not. */
    s.seals = list(p, MT_ITEM_MAX, MT_ORGS_MAX, MT_SEAL_SIZE);
    s.relays = s.seals;
    assert_int_equal(try_statement(&s), MT_ETOOLONG);
    free(p);
}

static void statement_lists_are_checked(void **state) {
    (void)state;
    static uint8_t p[4096];
    struct mt_slice *lists[4];
    static const size_t sizes[4] = {0, MT_SEAL_SIZE, MT_SEAL_SIZE, LINK_SIZE};
    for (unsigned i = 0; i < 4; i++) {
        struct mt_statement s = plain_statement();
        lists[0] = &s.cover;
        lists[1] = &s.seals;
        lists[2] = &s.relays;
        lists[3] = &s.links;
        size_t id_at = sizes[i] ? 4 : 3; /* head of list, of the pair, of the id */
        size_t stride = sizes[i] ? 1 + 34 + 2 + sizes[i] : 34;
        *lists[i] = list(p, sizeof p, 3, sizes[i]);
        assert_int_equal(try_statement(&s), MT_OK);
        p[id_at + stride + 3] = 0; /* the second is the first again */
        assert_int_equal(try_statement(&s), MT_ECANONICAL);
        p[id_at + stride + 3] = 3; /* the second comes after the third */
        assert_int_equal(try_statement(&s), MT_ECANONICAL);
        if (!sizes[i])
            continue;
        *lists[i] = list(p, sizeof p, 3, sizes[i] - 1);
        assert_int_equal(try_statement(&s), MT_EVALUE);
        *lists[i] = list(p, sizeof p, 3, sizes[i] + 1);
        assert_int_equal(try_statement(&s), MT_ETOOLONG);
        *lists[i] = list(p, sizeof p, 3, 0);
        assert_int_equal(try_statement(&s), MT_ETYPE);
    }
}

static void every_cut_of_a_statement_is_refused(void **state) {
    (void)state;
    static uint8_t seals[512];
    struct mt_statement s = plain_statement(), got;
    s.seals = list(seals, sizeof seals, 2, MT_SEAL_SIZE);
    uint8_t body[1024];
    struct mt_writer w = mt_writer(body, sizeof body);
    mt_statement_put(&w, &s);
    assert_int_equal(w.err, MT_OK);
    for (size_t n = 0; n < w.n; n++) {
        uint8_t *exact = memory(n + 1);
        memcpy(exact, body, n);
        assert_int_equal(mt_statement_get(mt_slice(exact, n), &got), MT_ETRUNCATED);
        free(exact);
    }
    mt_wire_put_nil(&w);
    assert_int_equal(mt_statement_get(mt_writer_slice(&w), &got), MT_ETRAILING);
    body[0] = 0x98;
    assert_int_not_equal(mt_statement_get(mt_slice(body, w.n - 1), &got), MT_OK);
}

static void grant_survives_encoding_and_its_cuts_are_refused(void **state) {
    (void)state;
    struct mt_grant g = {.statement = built_id("statement", 1),
                         .org = built_id("org", 1),
                         .granter = built_id("granter", 1)},
                    got;
    built_bytes(g.seal, "seal", 1);
    uint8_t body[256];
    struct mt_writer w = mt_writer(body, sizeof body);
    mt_grant_put(&w, &g);
    assert_int_equal(mt_grant_get(mt_writer_slice(&w), &got), MT_OK);
    assert_memory_equal(&got, &g, sizeof g);
    for (size_t n = 0; n < w.n; n++) {
        assert_int_equal(mt_grant_get(mt_slice(body, n), &got), MT_ETRUNCATED);
        assert_true(mt_id_is_zero(&got.org));
    }
    body[0] = 0x93;
    assert_int_not_equal(mt_grant_get(mt_writer_slice(&w), &got), MT_OK);
    body[0] = 0x94;
    mt_wire_put_nil(&w);
    assert_int_equal(mt_grant_get(mt_writer_slice(&w), &got), MT_ETRAILING);
}

/* ---- keys ---- */

static void epoch_opens_only_with_the_key_the_statement_names(void **state) {
    (void)state;
    struct mt_id region = built_id("region", 1), id = built_id("statement", 1);
    struct built_org org = built_org(1), other = built_org(2);
    struct mt_statement s = plain_statement();
    uint8_t key[32], link[32], ephemeral[32], seal[MT_SEAL_SIZE];
    static const struct mt_epoch zeros;
    struct mt_epoch got;
    built_bytes(key, "epoch key", 1);
    built_bytes(ephemeral, "ephemeral", 1);
    mt_epoch_derive(&region, key, link, s.key_hash, s.link_hash);
    assert_int_equal(mt_seal_key(&region, org.grant.pub, ephemeral, key, seal), MT_OK);
    assert_int_equal(mt_epoch_open(&region, &id, &s, &org.grant, seal, &got), MT_OK);
    assert_true(mt_id_eq(&got.statement, &id));
    assert_memory_equal(got.key, key, 32);
    assert_memory_equal(got.link, link, 32);

    assert_int_equal(mt_epoch_open(&region, &id, &s, &other.grant, seal, &got), MT_EDECRYPT);
    assert_memory_equal(&got, &zeros, sizeof got);
    s.link_hash[31] ^= 1;
    assert_int_equal(mt_epoch_open(&region, &id, &s, &org.grant, seal, &got), MT_EVALUE);
    assert_memory_equal(&got, &zeros, sizeof got);
    s.link_hash[31] ^= 1;
    s.key_hash[0] ^= 1;
    assert_int_equal(mt_epoch_open(&region, &id, &s, &org.grant, seal, &got), MT_EVALUE);
}

static void both_sides_of_a_channel_derive_one_key(void **state) {
    (void)state;
    struct mt_id region = built_id("region", 1), chain_1, chain_2;
    struct built_org a = built_org(1), b = built_org(2);
    uint8_t ab[32], ba[32], aa[32];
    static const uint8_t low_order[32], zeros[32];
    assert_int_equal(mt_channel_key(&region, &a.root.pub, &a.grant, &b.root.pub, b.grant.pub, ab),
                     MT_OK);
    assert_int_equal(mt_channel_key(&region, &b.root.pub, &b.grant, &a.root.pub, a.grant.pub, ba),
                     MT_OK);
    assert_int_equal(mt_channel_key(&region, &a.root.pub, &a.grant, &a.root.pub, a.grant.pub, aa),
                     MT_OK);
    assert_memory_equal(ab, ba, 32);
    assert_memory_not_equal(ab, aa, 32);
    mt_channel_chain(&region, ab, &a.feed.pub, &chain_1);
    mt_channel_chain(&region, ab, &b.feed.pub, &chain_2);
    assert_false(mt_id_eq(&chain_1, &chain_2));
    assert_int_equal(mt_channel_key(&region, &a.root.pub, &a.grant, &b.root.pub, low_order, ab),
                     MT_EVALUE);
    assert_memory_equal(ab, zeros, 32);
}

/* ---- frozen bytes ---- */

static void check_organisation(const json_t *row, const struct mt_id *region,
                               const struct mt_id *id, const struct mt_statement *s,
                               const uint8_t key[static 32]) {
    uint8_t secret[32], ephemeral[32], want[MT_SEAL_SIZE], made[MT_SEAL_SIZE];
    struct mt_id org = vectors_id(row, "org");
    struct mt_dh_key grant;
    struct mt_epoch epoch;
    const uint8_t *seal;
    vectors_fixed(row, "grant_secret", secret, 32);
    vectors_fixed(row, "ephemeral", ephemeral, 32);
    vectors_fixed(row, "seal", want, sizeof want);
    mt_dh_key_make(secret, &grant);
    assert_int_equal(mt_seal_key(region, grant.pub, ephemeral, key, made), MT_OK);
    assert_memory_equal(made, want, sizeof want);
    assert_int_equal(mt_statement_seal(s, &org, &seal), MT_OK);
    assert_memory_equal(seal, want, sizeof want);
    assert_int_equal(mt_epoch_open(region, id, s, &grant, seal, &epoch), MT_OK);
    assert_memory_equal(epoch.key, key, 32);
}

static void check_channel(const json_t *row, const json_t *orgs, const struct mt_id *region,
                          const struct mt_id *feed) {
    const json_t *first = json_array_get(orgs, (size_t)vectors_uint(row, "first"));
    const json_t *second = json_array_get(orgs, (size_t)vectors_uint(row, "second"));
    struct mt_id a = vectors_id(first, "org"), b = vectors_id(second, "org"), chain;
    struct mt_id want = vectors_id(row, "chain");
    uint8_t secret[32], pub[32], want_key[32], key[32];
    struct mt_dh_key own;
    vectors_fixed(row, "key", want_key, 32);
    vectors_fixed(first, "grant_secret", secret, 32);
    vectors_fixed(second, "grant_public", pub, 32);
    mt_dh_key_make(secret, &own);
    assert_int_equal(mt_channel_key(region, &a, &own, &b, pub, key), MT_OK);
    assert_memory_equal(key, want_key, 32);
    mt_channel_chain(region, key, feed, &chain);
    assert_true(mt_id_eq(&chain, &want));
    vectors_fixed(second, "grant_secret", secret, 32);
    vectors_fixed(first, "grant_public", pub, 32);
    mt_dh_key_make(secret, &own);
    assert_int_equal(mt_channel_key(region, &b, &own, &a, pub, key), MT_OK);
    assert_memory_equal(key, want_key, 32);
}

static void bytes_are_the_frozen_ones(void **state) {
    (void)state;
    json_t *root = vectors_load("meent/epoch.json");
    struct mt_id region = vectors_id(root, "region");
    uint8_t key[32], want[4][32], link[32], key_hash[32], link_hash[32];
    vectors_fixed(root, "key", key, 32);
    vectors_fixed(root, "link", want[0], 32);
    vectors_fixed(root, "key_hash", want[1], 32);
    vectors_fixed(root, "link_hash", want[2], 32);
    mt_epoch_derive(&region, key, link, key_hash, link_hash);
    assert_memory_equal(link, want[0], 32);
    assert_memory_equal(key_hash, want[1], 32);
    assert_memory_equal(link_hash, want[2], 32);

    static uint8_t body[4096], made[4096];
    json_t *row = vectors_get(root, "statement"), *orgs = vectors_get(root, "organisations");
    struct mt_id id = vectors_id(row, "id"), minter = vectors_id(row, "minter");
    struct mt_slice bytes = vectors_bytes(row, "body", body, sizeof body);
    struct mt_statement s;
    assert_int_equal(mt_statement_get(bytes, &s), MT_OK);
    struct mt_writer w = mt_writer(made, sizeof made);
    mt_statement_put(&w, &s);
    assert_bytes(mt_writer_slice(&w), bytes);
    assert_true(mt_id_eq(&s.minter, &minter));
    assert_memory_equal(s.key_hash, key_hash, 32);
    size_t i;
    json_t *each;
    assert_int_equal(json_array_size(orgs), 3);
    json_array_foreach(orgs, i, each) check_organisation(each, &region, &id, &s, key);
    assert_int_equal(json_array_size(vectors_get(root, "channels")), 3);
    json_array_foreach(vectors_get(root, "channels"), i, each)
        check_channel(each, orgs, &region, &minter);

    struct mt_grant g;
    bytes = vectors_bytes(vectors_get(root, "grant"), "body", body, sizeof body);
    assert_int_equal(mt_grant_get(bytes, &g), MT_OK);
    w = mt_writer(made, sizeof made);
    mt_grant_put(&w, &g);
    assert_bytes(mt_writer_slice(&w), bytes);
    assert_true(mt_id_eq(&g.granter, &minter) && mt_id_eq(&g.statement, &id));
    json_decref(root);
}

static int prepare(void **state) {
    (void)state;
    return mt_key_init() == MT_OK ? 0 : -1;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ring_finds_every_key_and_no_other),
        cmocka_unit_test(ring_holds_all_organisations_of_a_region),
        cmocka_unit_test(ring_lives_until_its_last_reference_goes),
        cmocka_unit_test(statement_survives_encoding),
        cmocka_unit_test(statement_seals_a_whole_region),
        cmocka_unit_test(statement_lists_are_checked),
        cmocka_unit_test(every_cut_of_a_statement_is_refused),
        cmocka_unit_test(grant_survives_encoding_and_its_cuts_are_refused),
        cmocka_unit_test(epoch_opens_only_with_the_key_the_statement_names),
        cmocka_unit_test(both_sides_of_a_channel_derive_one_key),
        cmocka_unit_test(bytes_are_the_frozen_ones),
    };
    return cmocka_run_group_tests(tests, prepare, NULL);
}
