/* epoch: keys of the region's content, how they are handed out, and the ring of keys at hand (layer 3). */
#ifndef MEENT_EPOCH_H
#define MEENT_EPOCH_H

#include "box.h"
#include "key.h"
#include "limits.h"
#include "wire.h"

/* One epoch's keys, opened. */
struct mt_epoch {
    struct mt_id statement; /* names the epoch; zeros never */
    uint8_t key[32];        /* K */
    uint8_t link[32];       /* L = KDF(K, "link") */
};

/* The box keys that open entries. Immutable once shared: the node makes a new ring when a key
 * comes. References are counted from several threads. */
struct mt_keyring {
    _Atomic uint32_t refs;
    uint32_t n_epochs;
    uint32_t n_channels;
    struct {
        struct mt_id epoch;
        uint8_t box_key[32];
    } epochs[MT_PSKS_MAX];
    struct mt_ring_channel {
        struct mt_id org; /* the other organisation; our own for the channel with itself */
        uint8_t box_key[32];
    } channels[]; /* ascending by org */
};

/* Makes an empty ring with room for `n_channels` <= MT_ORGS_MAX (the caller fills `channels` and
 * sets the ring's `n_channels`, which is 0). NULL when out of memory. Owns: the caller, one
 * reference; the memory is secret memory. */
struct mt_keyring *mt_keyring_new(uint32_t n_channels);
struct mt_keyring *mt_keyring_ref(struct mt_keyring *ring);
void mt_keyring_unref(struct mt_keyring *ring); /* NULL is fine */

/* Find the box key, or NULL while it is not at hand. */
const uint8_t *mt_keyring_epoch(const struct mt_keyring *ring, const struct mt_id *epoch);
const uint8_t *mt_keyring_channel(const struct mt_keyring *ring, const struct mt_id *org);

/* An epoch statement, protocol.md 6.1, as its body is encoded. */
struct mt_statement {
    struct mt_id governance; /* head the minter knew */
    struct mt_id reason;     /* act 0, or the act or cut that made it necessary */
    struct mt_id minter;     /* feed key of the minting installation */
    uint8_t key_hash[32];    /* H(K) */
    uint8_t link_hash[32];   /* H(L) */
    struct mt_slice cover;   /* array of ids of removes and cuts covered, ascending */
    struct mt_slice seals;   /* array of [organisation, seal of K] ascending */
    struct mt_slice relays;  /* array of [relay organisation, seal of L] ascending */
    struct mt_slice links;   /* array of [earlier statement, Enc(K, its key)] ascending */
};

/* A grant: a seal of an epoch's key to one organisation. */
struct mt_grant {
    struct mt_id statement;
    struct mt_id org;
    struct mt_id granter; /* feed key of the granting installation */
    uint8_t seal[MT_SEAL_SIZE];
};

/* Encode and decode bodies, canonical arrays in the order of the fields. `out` borrows `body`; a
 * statement's lists are checked: sizes, MT_ORGS_MAX elements at most, ids strictly ascending.
 * Errors: put MT_ETOOLONG in `w`; get peer class, then `out` is zeros. */
void mt_statement_put(struct mt_writer *w, const struct mt_statement *s);
MT_MUST enum mt_err mt_statement_get(struct mt_slice body, struct mt_statement *out);
void mt_grant_put(struct mt_writer *w, const struct mt_grant *g);
MT_MUST enum mt_err mt_grant_get(struct mt_slice body, struct mt_grant *out);

/* Finds the seal for `org` in a statement. Errors: MT_ENOTFOUND. */
MT_MUST enum mt_err mt_statement_seal(const struct mt_statement *s, const struct mt_id *org,
                                      const uint8_t **seal);

/* Derives L and both public hashes from K. */
void mt_epoch_derive(const struct mt_id *region, const uint8_t key[static 32],
                     uint8_t link[static 32], uint8_t key_hash[static 32],
                     uint8_t link_hash[static 32]);

/* Opens a seal to us and checks it against the statement. Errors: MT_EDECRYPT, MT_EVALUE. */
MT_MUST enum mt_err mt_epoch_open(const struct mt_id *region, const struct mt_id *statement_id,
                                  const struct mt_statement *s, const struct mt_dh_key *grant,
                                  const uint8_t seal[static MT_SEAL_SIZE], struct mt_epoch *out);

/* Channel key of two organisations = KDF(X25519, "channel", both ids sorted, both grant keys in the
 * same order). Errors: MT_EVALUE (low-order grant key). */
MT_MUST enum mt_err mt_channel_key(const struct mt_id *region, const struct mt_id *own_org,
                                   const struct mt_dh_key *own_grant, const struct mt_id *other_org,
                                   const uint8_t other_grant[static 32], uint8_t out[static 32]);

/* Chain id of a writer's pair chain = KDF(channel key, "chain", feed key). */
void mt_channel_chain(const struct mt_id *region, const uint8_t channel_key[static 32],
                      const struct mt_id *feed, struct mt_id *out);

#endif
