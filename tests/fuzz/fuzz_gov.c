/* Governance items and certificates: into an empty set gets nothing but a signed act 0, and nothing
 * verifies in a region it was not made for. */
#include "gov.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const struct mt_id region = {{7}};
    struct mt_item item;
    struct mt_id id;
    struct mt_slice in = mt_slice(data, size);
    struct mt_gov *g = mt_gov_new();
    if (!g)
        return 0;
    if (mt_gov_add(g, in, &id) == MT_OK && !mt_gov_is_founded(g))
        abort();
    if (mt_item_get(in, &region, &item) == MT_OK) {
        struct mt_certificate c;
        struct mt_vote v;
        struct mt_join j;
        struct mt_admit a;
        struct mt_statement s;
        struct mt_grant gr;
        if (item.type == MT_ITEM_CERTIFICATE && mt_certificate_check(&item, &region, &c) == MT_OK)
            abort();
        if (item.type == MT_ITEM_VOTE && mt_vote_check(&item, &region, &v) == MT_OK)
            abort();
        if (item.type == MT_ITEM_JOIN && mt_join_check(&item, &j) == MT_OK)
            abort();
        (void)!mt_admit_get(&item, &a);
        (void)!mt_statement_get(item.body, &s);
        (void)!mt_grant_get(item.body, &gr);
    }
    mt_gov_free(g);
    return 0;
}
