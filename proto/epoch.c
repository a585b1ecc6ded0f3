#include "epoch.h"

enum {
    STATEMENT_ELEMENTS = 9,
    GRANT_ELEMENTS = 4,
    LINK_SIZE = 32 + 16, /* an epoch key sealed under a later one, with its tag */
};

/* ---- ring ---- */

struct mt_keyring *mt_keyring_new(uint32_t n_channels) {
    if (n_channels > MT_ORGS_MAX)
        return NULL;
    struct mt_keyring *ring =
        mt_secret_new(sizeof *ring + n_channels * sizeof(struct mt_ring_channel));
    if (ring)
        ring->refs = 1;
    return ring;
}

struct mt_keyring *mt_keyring_ref(struct mt_keyring *ring) {
    ring->refs++;
    return ring;
}

void mt_keyring_unref(struct mt_keyring *ring) {
    if (ring && --ring->refs == 0)
        mt_secret_free(ring);
}

const uint8_t *mt_keyring_epoch(const struct mt_keyring *ring, const struct mt_id *epoch) {
    for (uint32_t i = 0; i < ring->n_epochs; i++)
        if (mt_id_eq(&ring->epochs[i].epoch, epoch))
            return ring->epochs[i].box_key;
    return NULL;
}

const uint8_t *mt_keyring_channel(const struct mt_keyring *ring, const struct mt_id *org) {
    uint32_t low = 0, high = ring->n_channels;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = mt_id_cmp(&ring->channels[middle].org, org);
        if (order == 0)
            return ring->channels[middle].box_key;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* ---- statements and grants ---- */

void mt_statement_put(struct mt_writer *w, const struct mt_statement *s) {
    mt_wire_put_array(w, STATEMENT_ELEMENTS);
    mt_wire_put_id(w, &s->governance);
    mt_wire_put_id(w, &s->reason);
    mt_wire_put_id(w, &s->minter);
    mt_wire_put_bin(w, s->key_hash, sizeof s->key_hash);
    mt_wire_put_bin(w, s->link_hash, sizeof s->link_hash);
    mt_wire_put_raw(w, s->cover);
    mt_wire_put_raw(w, s->seals);
    mt_wire_put_raw(w, s->relays);
    mt_wire_put_raw(w, s->links);
}

/* Takes an array of ids, or of [id, `n` bytes] when `n` is not 0, ids strictly ascending. */
static struct mt_slice take_list(struct mt_reader *r, size_t n) {
    size_t start = r->at;
    struct mt_id last = {{0}}, id = {{0}};
    uint32_t count = mt_wire_array(r, 0, MT_ORGS_MAX);
    for (uint32_t i = 0; i < count && r->err == MT_OK; i++) {
        if (n > 0)
            (void)mt_wire_array(r, 2, 2);
        mt_wire_fixed(r, id.b, sizeof id.b);
        if (r->err == MT_OK && i > 0 && mt_id_cmp(&last, &id) >= 0)
            r->err = MT_ECANONICAL;
        if (n > 0 && mt_wire_bin(r, n).n != n && r->err == MT_OK)
            r->err = MT_EVALUE;
        last = id;
    }
    return r->err == MT_OK ? mt_slice(r->p + start, r->at - start) : mt_slice(NULL, 0);
}

enum mt_err mt_statement_get(struct mt_slice body, struct mt_statement *out) {
    struct mt_reader r;
    struct mt_statement s = {0};
    *out = (struct mt_statement){0};
    enum mt_err err = mt_wire_open(&r, body, MT_WIRE_CANONICAL, MT_ITEM_MAX);
    if (err)
        return err;
    (void)mt_wire_array(&r, STATEMENT_ELEMENTS, STATEMENT_ELEMENTS);
    mt_wire_fixed(&r, s.governance.b, sizeof s.governance.b);
    mt_wire_fixed(&r, s.reason.b, sizeof s.reason.b);
    mt_wire_fixed(&r, s.minter.b, sizeof s.minter.b);
    mt_wire_fixed(&r, s.key_hash, sizeof s.key_hash);
    mt_wire_fixed(&r, s.link_hash, sizeof s.link_hash);
    s.cover = take_list(&r, 0);
    s.seals = take_list(&r, MT_SEAL_SIZE);
    s.relays = take_list(&r, MT_SEAL_SIZE);
    s.links = take_list(&r, LINK_SIZE);
    err = mt_reader_end(&r);
    if (err == MT_OK)
        *out = s;
    return err;
}

void mt_grant_put(struct mt_writer *w, const struct mt_grant *g) {
    mt_wire_put_array(w, GRANT_ELEMENTS);
    mt_wire_put_id(w, &g->statement);
    mt_wire_put_id(w, &g->org);
    mt_wire_put_id(w, &g->granter);
    mt_wire_put_bin(w, g->seal, sizeof g->seal);
}

enum mt_err mt_grant_get(struct mt_slice body, struct mt_grant *out) {
    struct mt_reader r;
    struct mt_grant g = {0};
    *out = (struct mt_grant){0};
    enum mt_err err = mt_wire_open(&r, body, MT_WIRE_CANONICAL, MT_ITEM_MAX);
    if (err)
        return err;
    (void)mt_wire_array(&r, GRANT_ELEMENTS, GRANT_ELEMENTS);
    mt_wire_fixed(&r, g.statement.b, sizeof g.statement.b);
    mt_wire_fixed(&r, g.org.b, sizeof g.org.b);
    mt_wire_fixed(&r, g.granter.b, sizeof g.granter.b);
    mt_wire_fixed(&r, g.seal, sizeof g.seal);
    err = mt_reader_end(&r);
    if (err == MT_OK)
        *out = g;
    return err;
}

enum mt_err mt_statement_seal(const struct mt_statement *s, const struct mt_id *org,
                              const uint8_t **seal) {
    struct mt_reader r = mt_reader(s->seals);
    *seal = NULL;
    uint32_t n = mt_wire_array(&r, 0, MT_ORGS_MAX);
    for (uint32_t i = 0; i < n && r.err == MT_OK; i++) {
        struct mt_id id = {{0}};
        (void)mt_wire_array(&r, 2, 2);
        mt_wire_fixed(&r, id.b, sizeof id.b);
        struct mt_slice bytes = mt_wire_bin(&r, MT_SEAL_SIZE);
        int order = mt_id_cmp(&id, org);
        if (order == 0 && bytes.n == MT_SEAL_SIZE) {
            *seal = bytes.p;
            return MT_OK;
        }
        if (order > 0)
            break;
    }
    return MT_ENOTFOUND;
}

/* ---- keys ---- */

void mt_epoch_derive(const struct mt_id *region, const uint8_t key[static 32],
                     uint8_t link[static 32], uint8_t key_hash[static 32],
                     uint8_t link_hash[static 32]) {
    mt_kdf(link, key, "link", region, NULL, 0);
    mt_hash_of(key_hash, "epoch-key", region, key, 32);
    mt_hash_of(link_hash, "link-key", region, link, 32);
}

enum mt_err mt_epoch_open(const struct mt_id *region, const struct mt_id *statement_id,
                          const struct mt_statement *s, const struct mt_dh_key *grant,
                          const uint8_t seal[static MT_SEAL_SIZE], struct mt_epoch *out) {
    uint8_t key_hash[32], link_hash[32];
    enum mt_err err = mt_seal_open(region, grant, seal, out->key);
    if (err == MT_OK) {
        mt_epoch_derive(region, out->key, out->link, key_hash, link_hash);
        if (!mt_equal_secret(key_hash, s->key_hash, 32) ||
            !mt_equal_secret(link_hash, s->link_hash, 32))
            err = MT_EVALUE;
    }
    if (err)
        mt_wipe(out, sizeof *out);
    else
        out->statement = *statement_id;
    return err;
}

enum mt_err mt_channel_key(const struct mt_id *region, const struct mt_id *own_org,
                           const struct mt_dh_key *own_grant, const struct mt_id *other_org,
                           const uint8_t other_grant[static 32], uint8_t out[static 32]) {
    uint8_t shared[32];
    enum mt_err err = mt_dh(own_grant->secret, other_grant, shared);
    if (err) {
        mt_wipe(out, 32);
        return err;
    }
    bool own_first = mt_id_cmp(own_org, other_org) <= 0;
    struct mt_hash h;
    mt_kdf_init(&h, shared, "channel", region);
    mt_hash_add_id(&h, own_first ? own_org : other_org);
    mt_hash_add_id(&h, own_first ? other_org : own_org);
    mt_hash_add(&h, own_first ? own_grant->pub : other_grant, 32);
    mt_hash_add(&h, own_first ? other_grant : own_grant->pub, 32);
    mt_hash_end(&h, out);
    mt_wipe(shared, sizeof shared);
    return MT_OK;
}

void mt_channel_chain(const struct mt_id *region, const uint8_t channel_key[static 32],
                      const struct mt_id *feed, struct mt_id *out) {
    mt_kdf(out->b, channel_key, "chain", region, feed->b, sizeof feed->b);
}
