/* A listener fed any bytes: it never opens without a key, and keeps no more than one frame. */
#include "link.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const uint8_t psk[32] = {3}, region16[16] = {4}, secret[32] = {5};
    struct mt_link l = {0};
    struct mt_link_out out;
    struct mt_dh_key own;
    size_t at = 0, used;
    mt_dh_key_make(secret, &own);
    mt_link_listen(&l);
    while (at < size || l.state == MT_LINK_HINTED) {
        if (l.state == MT_LINK_HINTED) {
            uint8_t buf[MT_HANDSHAKE_FRAME_MAX];
            struct mt_writer w = mt_writer(buf, sizeof buf);
            if (mt_link_answer(&l, region16, psk, &own, secret, mt_slice("c", 1), &w) == MT_OK)
                abort();
            break;
        }
        if (mt_link_feed(&l, mt_slice(data + at, size - at), &used, &out) != MT_OK)
            break;
        at += used;
        if (out.got == MT_LINK_NOTHING)
            break;
    }
    if (l.state == MT_LINK_OPEN || l.frame_cap > MT_NOISE_MESSAGE_MAX + 2)
        abort();
    mt_link_close(&l);
    return 0;
}
