/* store_sum: what tables add up to whose rows have no check of their own (rowid, index, waiting).
 * Only store*.c include it.
 *
 * A key of theirs that is damaged would lead nowhere, and nobody would miss it. So the number "rows"
 * of table meta is the sum of a keyed hash of every row of these tables, which the check at start
 * adds up again. */
#ifndef MEENT_STORE_SUM_H
#define MEENT_STORE_SUM_H

#include "store_internal.h"

/* Numbers in the table meta. */
#define STORE_ROWS_SUM "rows"
#define STORE_COMMIT   "commit" /* of the transaction that wrote last, as LMDB counts them */

static inline uint64_t mt_store_row_sum(const struct mt_store *s, enum table table,
                                        struct mt_slice key, struct mt_slice value) {
    uint8_t text[1 + INDEX_KEY_MAX + 8], sum[8];
    size_t n = key.n < INDEX_KEY_MAX ? key.n : INDEX_KEY_MAX, m = value.n == 8 ? 8 : 0;
    text[0] = (uint8_t)table;
    memcpy(text + 1, key.p, n);
    if (m > 0)
        memcpy(text + 1 + n, value.p, m);
    mt_short_mac(sum, s->secrets->check, text, 1 + n + m);
    return mt_load64(sum);
}

_Static_assert((int)INDEX_KEY_MAX >= (int)ROWID_SIZE && (int)INDEX_KEY_MAX >= (int)ENTRY_KEY_SIZE,
               "the key of every such table fits");

#endif
