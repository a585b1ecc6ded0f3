/* region: a small region whose organisations have real keys, for the fuzz targets that need one.
 * Organisation 1 founds it. Everything follows from small numbers, as in tests/lib/builder.h. */
#ifndef MEENT_FUZZ_REGION_H
#define MEENT_FUZZ_REGION_H

#include "builder.h"
#include "fuzz.h"
#include "gov.h"

enum { REGION_ORGS = 4, REGION_ITEM_CAP = 8 * 1024 };

/* Organisation 1 to REGION_ORGS; its link key. */
const struct built_org *region_org(unsigned n);
const struct mt_dh_key *region_link(unsigned n);

/* Act 0, and its id: the region. */
struct mt_slice region_found(void);
const struct mt_id *region_id(void);

/* Writes one item as `f` decides: of any type, well made by one of the organisations, at odds with
 * the rules in some way, or a body of any bytes under a good signature. `known`: ids that items may
 * refer to. Returns its type; 0 for one that was damaged afterwards (never one that says the same
 * under its signature). */
enum mt_item_type region_item(struct fuzz *f, const struct mt_id *known, size_t n_known,
                              struct mt_writer *w);

/* Writes a certificate as `f` decides, signed by organisation `org`: its feed, number and link key
 * may be off. Returns whether it is as it should be, with the link key of `org`. */
bool region_certificate(struct fuzz *f, unsigned org, struct mt_writer *w);

/* The certificate of `org` as it should be. */
void region_good_certificate(unsigned org, struct mt_writer *w);

/* Act 0, the votes for and admissions of organisations 2 to REGION_MEMBERS, everyone's certificate,
 * and an epoch whose keys the members hold: each given to `fn`, in an order in which they can be
 * added. `link_key` is that epoch's, by which members know each other. */
enum { REGION_MEMBERS = 3 };
void region_items(void (*fn)(void *arg, struct mt_slice item), void *arg);
void region_link_key(uint8_t out[static 32]);

/* Writes the request of `org` to join, as it should be. */
void region_join(unsigned org, struct mt_writer *w);

#endif
