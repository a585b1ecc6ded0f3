/* gov_internal: what gov.c and gov_view.c share. */
#ifndef MEENT_GOV_INTERNAL_H
#define MEENT_GOV_INTERNAL_H

#include "gov.h"

struct stored {
    struct mt_id id;
    struct mt_id slot; /* what it competes for */
    struct mt_id org;  /* admission, certificate, grant: whom it is about */
    struct mt_id act;  /* vote: the act; grant: the statement */
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
    uint32_t *cells; /* open addressing over item ids: index + 1, 0 free */
    size_t n_cells;
    struct tally *tallies;
    size_t n_tallies, cap_tallies;
    struct mt_member *members;
    size_t n_members, cap_members;
    struct mt_installation *installations; /* ascending by feed */
    size_t n_installations, cap_installations;
    struct statement *statements;
    size_t n_statements, cap_statements;
};

/* Finds an item held; NULL when there is none. */
const struct stored *mt_gov_find(const struct mt_gov *g, const struct mt_id *id);

#endif
