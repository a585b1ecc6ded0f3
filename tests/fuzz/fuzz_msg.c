/* Sync and control messages: decoders refuse or give values within their limits. */
#include "code.h"
#include "ctl.h"
#include "msg.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void lists(struct mt_slice in) {
    static const enum mt_msg_type TYPES[] = {MT_MSG_GOV_HAVE, MT_MSG_GOV_ITEMS, MT_MSG_HAVE,
                                             MT_MSG_MARK};
    for (size_t t = 0; t < MT_ARRAY_LEN(TYPES); t++) {
        struct mt_reader r;
        uint64_t credit, seq;
        uint32_t n;
        bool done;
        if (mt_list_open(&r, in, TYPES[t], &credit, &n) != MT_OK)
            continue;
        for (uint32_t i = 0; i < n && !r.err; i++) {
            struct mt_have_row row;
            struct mt_id chain;
            if (TYPES[t] == MT_MSG_HAVE)
                mt_have_row_get(&r, &row);
            else if (TYPES[t] == MT_MSG_MARK)
                mt_mark_row_get(&r, &chain, &seq);
            else
                mt_wire_skip(&r);
        }
        (void)!mt_list_end(&r, TYPES[t], &done);
    }
}

static void code(struct mt_slice in) {
    uint8_t data[MT_CODE_DATA_MAX + 8], text[MT_CODE_TEXT_MAX + 8];
    struct mt_writer w = mt_writer(data, sizeof data), t = mt_writer(text, sizeof text);
    if (mt_code_get(in, &w) != MT_OK)
        return;
    if (mt_code_put(&t, mt_writer_slice(&w)) != MT_OK)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct mt_slice in = mt_slice(data, size), out;
    struct mt_hello hello;
    struct mt_ctl ctl;
    enum mt_msg_type type;
    uint64_t number;
    size_t used;
    (void)!mt_msg_type(in, &type);
    (void)!mt_hello_get(in, &hello);
    (void)!mt_number_get(in, &number);
    (void)!mt_file_get(in, &out);
    (void)!mt_bye_get(in, &out);
    lists(in);
    code(in);
    if (mt_ctl_get(in, &ctl, &used) == MT_OK && (used == 0 || used > size))
        abort();
    return 0;
}
