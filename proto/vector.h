/* vector: the chains this replica knows, and what two sides of a link have and want (layer 3). */
#ifndef MEENT_VECTOR_H
#define MEENT_VECTOR_H

#include "batch.h"
#include "msg.h"

struct mt_chain {
    struct mt_chain_info info; /* no: 0 until it holds its first entry */
    struct mt_head head;       /* what is durable here */
    uint64_t fork;             /* lowest seq with two different entries; 0 none */
};

/* All chains whose writer is known. An index into `v` stays valid for life; pointers do not. */
struct mt_chains {
    struct mt_chain *v;
    uint32_t n, cap;
    uint32_t *cells; /* open addressing over chain ids: index + 1 */
    uint32_t n_cells;
    uint32_t *sorted; /* indexes ascending by chain id */
    uint32_t no_max;  /* highest number given so far */
};

#define MT_CHAIN_NONE UINT32_MAX

/* Frees the tables; the struct is empty and usable afterwards. */
void mt_chains_free(struct mt_chains *c);

/* Adds a chain, or finds it when it is there. Errors: MT_ENOMEM. */
MT_MUST enum mt_err mt_chains_add(struct mt_chains *c, const struct mt_chain_info *info,
                                  uint32_t *index);

/* Index of a chain, or MT_CHAIN_NONE. */
uint32_t mt_chains_find(const struct mt_chains *c, const struct mt_id *id);

/* Gives a chain its local number when it has none yet. */
void mt_chains_number(struct mt_chains *c, uint32_t index);

/* True when organisation `peer` is part of the chain's audience; `own` is ours. */
bool mt_chain_is_for(const struct mt_chain *chain, const struct mt_id *own,
                     const struct mt_id *peer);

/* Heads digest of a link between the two organisations (protocol.md 8.1): BLAKE2b-256("heads",
 * region part, channel part); each part is BLAKE2b-256("rows") over its rows ascending by chain id:
 * chain id, seq, entry id, fork point, number of held cited tips (zero in this version). Chains
 * without entries have no row. */
void mt_chains_digest(const struct mt_chains *c, const struct mt_id *region,
                      const struct mt_id *own, const struct mt_id *peer, uint8_t out[static 32]);

/* The row of a chain in a HAVE. */
void mt_chain_row(const struct mt_chain *chain, struct mt_have_row *out);

#endif
