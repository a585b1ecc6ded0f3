#include "wire_sample.h"

#include <stdlib.h>

size_t wire_sample(uint8_t *buf, size_t cap) {
    static const char *const keys[] = {"a", "b", "c"};
    struct mt_id id = {{1, 2, 3}};
    struct mt_writer w = mt_writer(buf, cap);
    mt_wire_put_array(&w, 17); /* a head of three bytes */
    mt_wire_put_nil(&w);
    mt_wire_put_bool(&w, true);
    mt_wire_put_uint(&w, 5);
    mt_wire_put_uint(&w, 200);
    mt_wire_put_uint(&w, 60000);
    mt_wire_put_uint(&w, UINT32_MAX);
    mt_wire_put_uint(&w, UINT64_MAX);
    mt_wire_put_int(&w, -1);
    mt_wire_put_int(&w, INT64_MIN);
    mt_wire_put_float(&w, 0.5);
    mt_wire_put_float(&w, 0.1);
    mt_wire_put_cstr(&w, "caf\xc3\xa9");
    mt_wire_put_cstr(&w, "a text that is longer than thirty-one bytes");
    mt_wire_put_id(&w, &id);
    mt_wire_put_raw(&w, BYTES("\xd6\x05wxyz"));
    mt_wire_put_map(&w, 3);
    for (size_t i = 0; i < MT_ARRAY_LEN(keys); i++) {
        mt_wire_put_cstr(&w, keys[i]);
        mt_wire_put_array(&w, i);
        for (size_t j = 0; j < i; j++)
            mt_wire_put_bool(&w, false);
    }
    mt_wire_put_array(&w, 0);
    if (w.err != MT_OK)
        abort();
    return w.n;
}
