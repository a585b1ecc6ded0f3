/* The third message of a handshake, at a node that listens: a member's, or somebody's who holds an
 * invitation. Inside a handshake that is right stands any payload, or a certificate that is right in
 * all or not; or bytes of the message are changed. The link stays exactly when the certificate is
 * signed by who it names and has the key that the handshake proved. */
#include "host.h"

#include <stdlib.h>

enum { PAYLOAD_MAX = MT_HANDSHAKE_FRAME_MAX - 96, LISTENER = 1 };

static struct host *listener(void) {
    static struct host h;
    if (!h.node)
        host_open(&h, LISTENER);
    return &h;
}

/* Calls as `as` and reads the answer: the next thing is message 3. */
static void call(struct host *h, bool invited, unsigned as, struct mt_link *l) {
    struct mt_link_out out;
    uint8_t psk[32], e[32] = {7}, frame[256];
    struct mt_writer w = mt_writer(frame, sizeof frame);
    if (invited)
        host_invite_key(psk);
    else
        region_link_key(psk);
    host_begin(h, 100);
    host_accept(h);
    *l = (struct mt_link){0};
    NEED(mt_link_dial(l, region_id()->b, invited ? NULL : region_id(), psk, region_link(as), e,
                      &w) == MT_OK);
    host_bytes(h, mt_writer_slice(&w));
    NEED(host_feed(h, l, &out) == MT_OK && out.got == MT_LINK_PAYLOAD);
}

static bool put_payload(struct fuzz *f, unsigned as, struct mt_writer *w) {
    struct mt_certificate c;
    struct mt_item item;
    uint8_t how = fuzz_u8(f);
    struct fuzz harm = fuzz_part(f, 4);
    if (how % 4 == 0) {
        struct mt_slice any = fuzz_take(f, PAYLOAD_MAX);
        mt_writer_put(w, any.p, any.n);
        return false;
    }
    bool good = region_certificate(f, as, w);
    if (good && mt_item_get(mt_writer_slice(w), region_id(), &item) == MT_OK &&
        mt_certificate_get(&item, &c) == MT_OK)
        good = !mt_id_eq(&c.feed, &region_org(LISTENER)->feed.pub); /* that is itself */
    return how % 4 == 1 && fuzz_damage(&harm, w->p, &w->n) ? false : good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static uint8_t payload[PAYLOAD_MAX + 1], frame[MT_HANDSHAKE_FRAME_MAX + 8];
    struct fuzz f = fuzz_of(data, size);
    struct mt_writer p = mt_writer(payload, sizeof payload), w = mt_writer(frame, sizeof frame - 1);
    struct host *h = listener();
    struct mt_link l;
    uint8_t how = fuzz_u8(&f);
    unsigned as = 1 + fuzz_u8(&f) % REGION_ORGS;
    struct fuzz harm = fuzz_part(&f, 4);
    bool good = put_payload(&f, as, &p), harmed = false;
    call(h, how & 1, as, &l);
    NEED(mt_link_finish(&l, mt_writer_slice(&p), &w) == MT_OK);
    if (how > 192)
        harmed = fuzz_damage_stream(&harm, frame, &w.n);
    host_bytes(h, mt_writer_slice(&w));
    if (good && !harmed)
        NEED(!h->closed && h->conn);
    else
        NEED(h->n_sent == 0 && (h->closed || harmed));
    NEED(!h->saved);
    mt_link_close(&l);
    return 0;
}
