/* gov_internal: what gov.c, gov_derive.c and gov_view.c share. */
#ifndef MEENT_GOV_INTERNAL_H
#define MEENT_GOV_INTERNAL_H

#include "gov.h"

struct stored {
    struct mt_id id;
    struct mt_id slot; /* what it competes for */
    struct mt_id org;  /* admission, certificate, grant: whom it is about */
    struct mt_id act;  /* vote: the act; grant: the statement; admission: the grant key;
                          certificate: the feed key */
    struct mt_id feed; /* statement, grant: who signed it */
    enum mt_item_type type;
    uint8_t *bytes;
    size_t n;
};

/* What the votes of the one seat say about an act, held or not. */
struct tally {
    struct mt_id act;
    uint64_t n;
    bool approve;
    bool held; /* the admission itself is in the set */
};

struct statement {
    struct mt_id id;
    size_t item;
};

struct mt_gov {
    struct mt_id region, head, founder, voter;
    char region_name[MT_NAME_MAX + 1];
    bool founded;
    uint64_t generation;
    struct stored *items;
    size_t n_items, cap_items;
    size_t n_orgs;   /* the founder and each organisation of which an admission is held */
    uint32_t *cells; /* open addressing over item ids: index + 1, 0 free */
    size_t n_cells;
    struct tally *tallies;
    size_t n_tallies, cap_tallies;
    struct mt_member *members; /* ascending by org */
    size_t n_members, cap_members;
    struct mt_installation *installations; /* ascending by feed */
    size_t n_installations, cap_installations;
    struct statement *statements;
    size_t n_statements, cap_statements;
    const struct stored **sorted; /* room for working out the installations */
    size_t cap_sorted;
};

/* A parsed item on its way in. */
struct incoming {
    struct mt_item item;
    struct stored s;
    bool is_new_org; /* it counts in n_orgs */
    union {
        struct mt_found found;
        struct mt_vote vote;
        struct mt_certificate certificate;
        struct mt_statement statement;
        struct mt_grant grant;
        struct mt_member member;
    };
};

/* gov.c: finds an item held; NULL when there is none. */
const struct stored *mt_gov_find(const struct mt_gov *g, const struct mt_id *id);

/* gov_derive.c */

/* Arrays that double: makes room for element `n`. Returns false when out of memory. */
bool mt_gov_grow(void **p, size_t *cap, size_t n, size_t size);
struct tally *mt_gov_tally(const struct mt_gov *g, const struct mt_id *act); /* or NULL */

/* The member an admission makes, its request checked. Errors: peer class. */
enum mt_err mt_gov_member_of(const struct mt_item *item, const struct mt_id *region,
                             struct mt_member *m);

/* Takes the memory that adding an item of this type may need, before anything changes: an addition
 * that stopped half-way would lose the item it displaced. Returns false when out of memory. */
bool mt_gov_reserve(struct mt_gov *g, enum mt_item_type type);

/* Works out what follows from `in`, which is the last of the items held; its memory is reserved. */
void mt_gov_derive(struct mt_gov *g, const struct incoming *in);

/* Lists the statements anew; there are at most one more than before the reservation. */
void mt_gov_list_statements(struct mt_gov *g);

#endif
