/* A header that decodes encodes to the same bytes; a refused one leaves nothing behind. From the
 * same input a header is also made field by field: it is accepted exactly when its fields may be
 * so, and with one thing changed it is refused or another. */
#include "entry.h"
#include "fuzz.h"

#include <stdlib.h>

static bool raw(struct mt_slice in) {
    struct mt_header h;
    uint8_t buf[MT_HEADER_MAX];
    struct mt_writer w = mt_writer(buf, sizeof buf);
    if (mt_header_get(in, &h) != MT_OK) {
        NEED(fuzz_is_zero(&h.chain, sizeof h.chain) && h.seq == 0 && h.box_len == 0);
        return false;
    }
    mt_header_put(&w, &h);
    NEED(w.err == MT_OK && mt_slice_eq(mt_writer_slice(&w), in));
    return true;
}

static void made(struct fuzz *f) {
    struct mt_header h = {.version = fuzz_u8(f) < 240 ? MT_HEADER_VERSION : fuzz_number(f),
                          .seq = fuzz_number(f),
                          .lamport = fuzz_number(f),
                          .wall_ms = fuzz_number(f),
                          .box_len = (uint32_t)fuzz_number(f)};
    uint8_t buf[MT_HEADER_MAX];
    struct mt_writer w = mt_writer(buf, sizeof buf);
    struct mt_id id, other, region = {{1}};
    fuzz_bytes(f, h.previous.b, fuzz_u8(f) % 33);
    fuzz_bytes(f, h.chain.b, 4);
    fuzz_bytes(f, h.epoch.b, 4);
    mt_header_put(&w, &h);
    NEED(w.err == MT_OK);
    bool fits = h.version == MT_HEADER_VERSION && h.seq && h.lamport <= MT_LAMPORT_MAX &&
                h.box_len <= MT_BOX_MAX && (h.seq == 1) == mt_id_is_zero(&h.previous);
    NEED(raw(mt_writer_slice(&w)) == fits);
    mt_entry_id(&region, mt_writer_slice(&w), &id);
    if (!fuzz_damage(f, buf, &w.n))
        return;
    uint8_t *copy = fuzz_copy(mt_writer_slice(&w));
    (void)raw(mt_slice(copy, w.n));
    mt_entry_id(&region, mt_slice(copy, w.n), &other);
    NEED(!mt_id_eq(&id, &other));
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz f = fuzz_of(data, size);
    (void)raw(mt_slice(data, size));
    made(&f);
    return 0;
}
