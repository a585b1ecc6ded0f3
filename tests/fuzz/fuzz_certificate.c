/* Certificates and requests to join, as they come in a handshake or an invitation. A body that
 * decodes encodes to the same item under the same keys; one that its organisation did not sign, or
 * whose feed key did not, or that is for another region, is refused; so is one with a byte changed. */
#include "region.h"

#include <stdlib.h>

/* Nothing that was not made for this region by who it names passes. Returns whether it passed. */
static bool check(struct mt_slice in, struct mt_certificate *c) {
    struct mt_item item;
    struct mt_join j;
    uint8_t *exact = fuzz_copy(in);
    bool ok = false;
    *c = (struct mt_certificate){0};
    if (mt_item_get(mt_slice(exact, in.n), region_id(), &item) == MT_OK) {
        ok = mt_certificate_check(&item, region_id(), c) == MT_OK;
        NEED(!ok || item.type == MT_ITEM_CERTIFICATE);
        NEED(!ok || (c->number < MT_INSTALLATIONS_MAX && mt_id_eq(&c->region, region_id())));
        if (mt_join_check(&item, &j) == MT_OK) {
            NEED(item.type == MT_ITEM_JOIN && mt_name_ok(j.name) && !ok);
            ok = true;
        }
    }
    free(exact);
    return ok;
}

static void made(struct fuzz *f) {
    uint8_t buf[1024];
    struct mt_writer w = mt_writer(buf, sizeof buf - 1);
    struct mt_certificate c;
    unsigned org = 1 + fuzz_u8(f) % REGION_ORGS;
    struct fuzz harm = fuzz_part(f, 4);
    if (fuzz_u8(f) & 1) {
        bool good = region_certificate(f, org, &w);
        bool ok = check(mt_writer_slice(&w), &c);
        NEED(ok || !good);
        NEED(!ok || mt_id_eq(&c.org, &region_org(org)->root.pub));
    } else {
        region_join(org, &w);
        NEED(check(mt_writer_slice(&w), &c));
    }
    if (fuzz_damage(&harm, buf, &w.n))
        NEED(!check(mt_writer_slice(&w), &c));
}

/* Any body under the organisation's own signature. */
static void signed_body(struct fuzz *f) {
    static uint8_t buf[REGION_ITEM_CAP];
    struct mt_writer w = mt_writer(buf, sizeof buf);
    struct mt_item item;
    struct mt_certificate c;
    struct mt_join j;
    const struct built_org *o = region_org(1 + fuzz_u8(f) % REGION_ORGS);
    bool certificate = fuzz_u8(f) & 1;
    enum mt_item_type type = certificate ? MT_ITEM_CERTIFICATE : MT_ITEM_JOIN;
    mt_item_put_signed(&w, type, region_id(), fuzz_take(f, 4096), &o->root);
    NEED(mt_item_get(mt_writer_slice(&w), region_id(), &item) == MT_OK);
    if (mt_certificate_get(&item, &c) == MT_OK)
        NEED(certificate && c.number < MT_INSTALLATIONS_MAX);
    if (mt_certificate_check(&item, region_id(), &c) == MT_OK)
        NEED(mt_id_eq(&c.org, &o->root.pub) && mt_id_eq(&c.region, region_id()));
    if (mt_join_check(&item, &j) != MT_OK)
        return;
    NEED(mt_id_eq(&j.org, &o->root.pub) && mt_name_ok(j.name));
    uint8_t again[1024];
    struct mt_writer a = mt_writer(again, sizeof again);
    mt_join_put(&a, &j, &o->root);
    NEED(mt_slice_eq(mt_writer_slice(&a), mt_writer_slice(&w)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz f = fuzz_of(data, size);
    struct mt_certificate c;
    switch (fuzz_u8(&f) % 3) {
    case 0:
        (void)check(fuzz_rest(&f), &c);
        break;
    case 1:
        made(&f);
        break;
    default:
        signed_body(&f);
    }
    return 0;
}
