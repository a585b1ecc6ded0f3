/* Any bytes: the scan never reads past them, and what it accepts can be walked to the end. */
#include "wire.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk(struct mt_reader *r) {
    while (mt_wire_peek(r) != MT_WIRE_END) {
        struct mt_slice raw;
        switch (mt_wire_peek(r)) {
        case MT_WIRE_ARRAY:
            (void)mt_wire_array(r, 0, UINT32_MAX);
            break;
        case MT_WIRE_MAP:
            (void)mt_wire_map(r, UINT32_MAX);
            break;
        default:
            raw = mt_wire_raw(r);
            if (r->err == MT_OK && raw.n == 0)
                abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    for (int mode = MT_WIRE_CANONICAL; mode <= MT_WIRE_LENIENT; mode++) {
        struct mt_reader r;
        size_t len;
        enum mt_err err = mt_wire_scan(mt_slice(data, size), (enum mt_wire_mode)mode, size, &len);
        if (err != MT_OK) {
            if (len)
                abort();
            continue;
        }
        if (mt_wire_open(&r, mt_slice(data, len), (enum mt_wire_mode)mode, len) != MT_OK)
            abort();
        walk(&r);
        if (r.at != len)
            abort(); /* scanned bytes are walked whole */
    }
    return 0;
}
