/* A header that decodes encodes to the same bytes; change lists that check can be walked. */
#include "entry.h"
#include "record.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void header(struct mt_slice in) {
    struct mt_header h;
    uint8_t buf[MT_HEADER_MAX];
    struct mt_writer w = mt_writer(buf, sizeof buf);
    if (mt_header_get(in, &h) != MT_OK)
        return;
    mt_header_put(&w, &h);
    if (w.err || !mt_slice_eq(mt_writer_slice(&w), in))
        abort();
}

static void changes(struct mt_slice in) {
    struct mt_changes it;
    struct mt_change c;
    uint32_t n = 0;
    if (mt_changes_check(in) != MT_OK)
        return;
    if (mt_changes_open(&it, in) != MT_OK)
        abort();
    while (mt_changes_next(&it, &c)) {
        struct mt_fields f;
        uint8_t no;
        struct mt_slice value;
        uint64_t mask = 0;
        if (mt_fields_open(&f, c.fields) != MT_OK)
            abort();
        while (mt_fields_next(&f, &no, &value))
            mask |= UINT64_C(1) << no;
        if (mask != c.mask || ++n > MT_CHANGES_MAX)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    header(mt_slice(data, size));
    changes(mt_slice(data, size));
    return 0;
}
