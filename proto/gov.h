/* gov: the governance set and what follows from it: region, members, installations (layer 3).
 *
 * An item is the canonical array [type, body bin, signature bin]; its id is
 * BLAKE2b-256("item", type byte, body), so that two signatures over one body are one item; the
 * signature is over that id. Items are never pruned, but for each slot (such as an installation
 * number, protocol.md 2.2) only the lowest ids are kept, so that every replica keeps the same.
 * What the items mean together is computed, never stored. */
#ifndef MEENT_GOV_H
#define MEENT_GOV_H

#include "epoch.h"
#include "key.h"
#include "limits.h"
#include "wire.h"

enum mt_item_type {
    MT_ITEM_FOUND = 1,       /* act 0, signed by the founder's root key */
    MT_ITEM_VOTE = 2,        /* signed by a seat's root key */
    MT_ITEM_ADMIT = 3,       /* free act, unsigned: seats vote for it */
    MT_ITEM_CERTIFICATE = 4, /* signed by the organisation's root key */
    MT_ITEM_STATEMENT = 5,   /* epoch statement, signed by the minter's feed key */
    MT_ITEM_GRANT = 6,       /* signed by the granter's feed key */
    MT_ITEM_JOIN = 7, /* join request, signed by the applicant's root key; travels inside admit */
};

enum mt_role { MT_ROLE_MEMBER = 1, MT_ROLE_RELAY = 2 };

/* An item taken apart; slices borrow its bytes. */
struct mt_item {
    enum mt_item_type type;
    struct mt_id id;
    struct mt_slice body;
    struct mt_slice signature; /* 64 bytes, or none for free acts */
};

struct mt_found {
    uint8_t random[32];
    struct mt_slice name; /* of the region */
    struct mt_id founder; /* root key */
    struct mt_slice founder_name;
    uint8_t grant[32];
    struct mt_id voter;         /* feed key of the seat's voting installation */
    uint64_t admit_k;           /* votes that admit; 0: the default of protocol.md 5.1 */
    uint64_t retention_days[4]; /* placement data, access log, backups, contribution totals */
    struct mt_id recovery;      /* zeros: none */
};

struct mt_join {
    struct mt_id region;
    struct mt_id org; /* root key */
    uint8_t grant[32];
    struct mt_slice name;
};

struct mt_admit {
    struct mt_slice join; /* a whole MT_ITEM_JOIN item */
    enum mt_role role;
};

struct mt_vote {
    struct mt_id act;
    struct mt_id org; /* the seat's root key, signs */
    uint64_t n;       /* highest counts */
    bool approve;
};

/* The feed key signs too (organisation, link key, number): otherwise one organisation could certify
 * the feed key of another as its own, and replicas would disagree whose records a chain holds. */
struct mt_certificate {
    struct mt_id region;
    struct mt_id org; /* root key, signs */
    struct mt_id feed;
    uint8_t link[32];
    uint64_t number;       /* < MT_INSTALLATIONS_MAX */
    struct mt_id replaces; /* feed it follows; zeros: none */
};

/* True for a name of an organisation, region or invitation: 1 to MT_NAME_MAX bytes of UTF-8 without
 * control characters and marks that turn the direction of writing. */
bool mt_name_ok(struct mt_slice name);

/* Builders: write a whole signed item. `w` needs MT_ITEM_MAX at most. */
void mt_found_put(struct mt_writer *w, const struct mt_found *f, const struct mt_sign_key *root);
void mt_join_put(struct mt_writer *w, const struct mt_join *j, const struct mt_sign_key *root);
void mt_admit_put(struct mt_writer *w, const struct mt_admit *a);
void mt_vote_put(struct mt_writer *w, const struct mt_id *region, const struct mt_vote *v,
                 const struct mt_sign_key *root);
void mt_certificate_put(struct mt_writer *w, const struct mt_certificate *c,
                        const struct mt_sign_key *root, const struct mt_sign_key *feed);
void mt_item_put_signed(struct mt_writer *w, enum mt_item_type type, const struct mt_id *region,
                        struct mt_slice body, const struct mt_sign_key *key);

/* Verifies the signature over an item's id. Errors: MT_ESIGNATURE. */
MT_MUST enum mt_err mt_item_verify(const struct mt_item *item, const struct mt_id *region,
                                   const struct mt_id *signer);

/* Takes an item apart without checking signatures. `region`: for the id; zeros for act 0.
 * Errors: peer class. */
MT_MUST enum mt_err mt_item_get(struct mt_slice bytes, const struct mt_id *region,
                                struct mt_item *out);

/* Decode bodies; mt_*_check also verify the signature of the item. Errors: MT_ETYPE (another type of
 * item), other peer class. */
MT_MUST enum mt_err mt_found_check(const struct mt_item *item, struct mt_found *out);
MT_MUST enum mt_err mt_join_check(const struct mt_item *item, struct mt_join *out);
MT_MUST enum mt_err mt_admit_get(const struct mt_item *item, struct mt_admit *out);
MT_MUST enum mt_err mt_vote_check(const struct mt_item *item, const struct mt_id *region,
                                  struct mt_vote *out);
MT_MUST enum mt_err mt_certificate_get(const struct mt_item *item, struct mt_certificate *out);
MT_MUST enum mt_err mt_certificate_check(const struct mt_item *item, const struct mt_id *region,
                                         struct mt_certificate *out);

/* An organisation in force. */
struct mt_member {
    struct mt_id org;
    char name[MT_NAME_MAX + 1];
    enum mt_role role;
    bool is_seat;
    uint8_t grant[32];
    struct mt_id act; /* act 0 or the admission */
};

/* One installation with a certificate that counts. */
struct mt_installation {
    struct mt_id org;
    struct mt_id feed;
    uint8_t link[32];
    uint64_t number;
    struct mt_id replaces;
    struct mt_id item; /* id of the certificate */
};

struct mt_gov;

/* Makes an empty set. NULL when out of memory. */
struct mt_gov *mt_gov_new(void);
void mt_gov_free(struct mt_gov *g); /* NULL is fine */

/* Adds an item if it is valid and its prerequisites are there. `bytes` is copied.
 * Out: `*id`.
 * Errors: MT_EDUPLICATE (held already), MT_EUNKNOWN (refers to something not held yet: try again
 * after other items), MT_EFULL, MT_ENOMEM, peer class. The set is unchanged on any error. */
MT_MUST enum mt_err mt_gov_add(struct mt_gov *g, struct mt_slice bytes, struct mt_id *id);

/* What act 0 says. The region is zeros and the name empty before it is held. */
bool mt_gov_is_founded(const struct mt_gov *g);
const struct mt_id *mt_gov_region(const struct mt_gov *g); /* zeros before act 0 */
const struct mt_id *mt_gov_head(const struct mt_gov *g);   /* id of the adopted chain act */
/* The name of the region; empty before act 0. */
const char *mt_gov_region_name(const struct mt_gov *g);

/* BLAKE2b-256("governance", item ids ascending). Errors: MT_ENOMEM. */
MT_MUST enum mt_err mt_gov_digest(const struct mt_gov *g, uint8_t out[static 32]);

/* Items in an order in which each can be added: `i` < mt_gov_count. */
size_t mt_gov_count(const struct mt_gov *g);
const struct mt_id *mt_gov_item_id(const struct mt_gov *g, size_t i);
struct mt_slice mt_gov_item(const struct mt_gov *g, size_t i);
bool mt_gov_has(const struct mt_gov *g, const struct mt_id *id);

/* True for the items that prove the admission of `org`: act 0, its admission and the votes for it,
 * and its certificates. */
bool mt_gov_is_proof(const struct mt_gov *g, size_t i, const struct mt_id *org);

/* Members in force, ascending by organisation id. */
size_t mt_gov_members(const struct mt_gov *g);
const struct mt_member *mt_gov_member_at(const struct mt_gov *g, size_t i);
const struct mt_member *mt_gov_member(const struct mt_gov *g,
                                      const struct mt_id *org); /* or NULL */

/* Installations that count, of members and of those not (yet) admitted. */
size_t mt_gov_installations(const struct mt_gov *g);
const struct mt_installation *mt_gov_installation_at(const struct mt_gov *g, size_t i);
const struct mt_installation *mt_gov_installation(const struct mt_gov *g,
                                                  const struct mt_id *feed); /* or NULL */

/* Epoch statements held that are valid; and the grants for one of them to one organisation. */
size_t mt_gov_statements(const struct mt_gov *g);
void mt_gov_statement_at(const struct mt_gov *g, size_t i, struct mt_id *id,
                         struct mt_statement *out);
/* The `k`-th seal of statement `id` for `org` (in the statement itself or a grant); NULL: no more. */
const uint8_t *mt_gov_seal(const struct mt_gov *g, const struct mt_id *id, const struct mt_id *org,
                           size_t k);

/* A number that grows whenever something was added. */
uint64_t mt_gov_generation(const struct mt_gov *g);

#endif
