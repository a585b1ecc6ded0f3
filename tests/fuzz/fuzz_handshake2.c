/* The second message of a handshake, at a node that called: a member calling another, or somebody
 * with an invitation calling the inviter. Inside a handshake that is right stands any payload, or a
 * certificate that is right in all or not; or bytes of the message are changed. The node goes on
 * exactly when the certificate is the one it has to be. */
#include "host.h"

#include <stdlib.h>

enum { PAYLOAD_MAX = MT_HANDSHAKE_FRAME_MAX - 96, CALLER = 1, CALLED = 2, GUEST = 4 };

/* The nodes that call, kept from input to input: a call leaves nothing behind but counters. */
static struct host *caller(bool guest) {
    static struct host hosts[2];
    struct host *h = &hosts[guest];
    if (h->node)
        return h;
    host_open(h, guest ? GUEST : CALLER);
    if (!guest)
        NEED(mt_node_address(h->node, &region_org(CALLED)->root.pub, mt_slice_str("called:1")) ==
             MT_OK);
    return h;
}

/* Has it call, and answers with `payload`: the frame as it would go over the line. */
static void answer(struct host *h, bool guest, unsigned as, struct mt_slice payload,
                   struct mt_link *l, struct mt_writer *w) {
    struct mt_link_out out;
    uint8_t psk[32], e[32] = {7};
    if (guest)
        host_invite_key(psk);
    else
        region_link_key(psk);
    host_begin(h, 200000);
    NEED(h->asked);
    host_connected(h);
    *l = (struct mt_link){0};
    mt_link_listen(l);
    NEED(host_feed(h, l, &out) == MT_OK && out.got == MT_LINK_HINT);
    NEED(mt_link_try(l, guest ? NULL : region_id(), psk));
    NEED(mt_link_answer(l, region_id()->b, psk, region_link(as), e, payload, w) == MT_OK);
}

/* What it shows us in message 3 is its own certificate. */
static void went_on(struct host *h, struct mt_link *l) {
    struct mt_link_out out;
    struct mt_item item;
    struct mt_certificate c;
    NEED(h->conn && h->n_sent);
    NEED(host_feed(h, l, &out) == MT_OK && out.got == MT_LINK_PAYLOAD);
    NEED(mt_item_get(mt_slice(out.payload, out.n), region_id(), &item) == MT_OK);
    NEED(mt_certificate_check(&item, region_id(), &c) == MT_OK);
    NEED(mt_id_eq(&c.org, &region_org(h->org)->root.pub));
    NEED(memcmp(c.link, mt_link_remote(l), sizeof c.link) == 0);
}

/* Writes the payload; returns whether it is what the caller must take. */
static bool put_payload(struct fuzz *f, bool guest, unsigned as, struct mt_writer *w) {
    unsigned want = guest ? CALLER : CALLED;
    struct mt_certificate c;
    struct mt_item item;
    bool good;
    uint8_t how = fuzz_u8(f);
    struct fuzz harm = fuzz_part(f, 4);
    if (how % 4 == 0) {
        struct mt_slice any = fuzz_take(f, PAYLOAD_MAX);
        mt_writer_put(w, any.p, any.n);
        return false;
    }
    good = region_certificate(f, as, w) && as == want;
    if (good && mt_item_get(mt_writer_slice(w), region_id(), &item) == MT_OK &&
        mt_certificate_get(&item, &c) == MT_OK)
        good = !mt_id_eq(&c.feed, &region_org(guest ? GUEST : CALLER)->feed.pub); /* that is it */
    return how % 4 == 1 && fuzz_damage(&harm, w->p, &w->n) ? false : good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static uint8_t payload[PAYLOAD_MAX + 1], frame[MT_HANDSHAKE_FRAME_MAX + 8];
    struct fuzz f = fuzz_of(data, size);
    struct mt_writer p = mt_writer(payload, sizeof payload), w = mt_writer(frame, sizeof frame - 1);
    struct mt_link l;
    uint8_t how = fuzz_u8(&f);
    bool guest = how & 1, harmed = false;
    struct host *h = caller(guest);
    unsigned as = how & 2 ? 1 + fuzz_u8(&f) % REGION_ORGS : guest ? CALLER : CALLED;
    struct fuzz harm = fuzz_part(&f, 4);
    bool good = put_payload(&f, guest, as, &p);
    answer(h, guest, as, mt_writer_slice(&p), &l, &w);
    if (how > 192)
        harmed = fuzz_damage_stream(&harm, frame, &w.n);
    host_bytes(h, mt_writer_slice(&w));
    if (good && !harmed)
        went_on(h, &l);
    else /* a frame that ends too early may still wait for its end */
        NEED(h->n_sent == 0 && (h->closed || harmed));
    mt_link_close(&l);
    if (h->saved) /* the guest noted the inviter: the next input finds it as this one did */
        host_close(h);
    return 0;
}
