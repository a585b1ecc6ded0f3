/* What stands in an opened box. Changes that check can be walked, hold what their masks say and are
 * the same bytes when they are put again; every field of every kind can be checked and shown. */
#include "fuzz.h"
#include "record.h"
#include "schema.h"

#include <stdlib.h>

static void put_again(const struct mt_change *c, struct mt_writer *w) {
    struct mt_fields f;
    struct mt_slice value;
    uint64_t mask = 0;
    uint32_t n = 0;
    uint8_t no;
    NEED(mt_fields_open(&f, c->fields) == MT_OK);
    while (mt_fields_next(&f, &no, &value)) {
        struct mt_slice found;
        NEED(no < MT_FIELDS_MAX && !(mask >> no & 1));
        NEED(mt_fields_find(c->fields, no, &found) == MT_OK && found.p == value.p);
        mask |= UINT64_C(1) << no;
        n++;
    }
    NEED(mask == c->mask);
    mt_change_begin(w, c->kind, c->major, c->minor, &c->id, n);
    NEED(mt_fields_open(&f, c->fields) == MT_OK);
    while (mt_fields_next(&f, &no, &value)) {
        mt_wire_put_uint(w, no);
        mt_wire_put_raw(w, value);
    }
}

static void show(const struct mt_change *c) {
    const struct mt_kind *kind = mt_schema_kind(c->kind);
    const struct mt_field *bad = NULL;
    uint8_t text[512];
    if (!kind)
        return;
    enum mt_text_err together = mt_schema_check_fields(kind, c->fields, false, &bad);
    for (size_t i = 0; i < kind->n_fields; i++) {
        struct mt_slice value;
        if (mt_fields_find(c->fields, kind->fields[i].no, &value) != MT_OK)
            continue;
        struct mt_writer w = mt_writer(text, sizeof text);
        enum mt_text_err err = mt_schema_check(&kind->fields[i], value);
        mt_schema_format(&kind->fields[i], value, (int)(c->minor % 3) - 1, &w);
        NEED(err == MT_TEXT_OK || together != MT_TEXT_OK);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct mt_slice in = mt_slice(data, size);
    struct mt_changes it;
    struct mt_change c;
    uint32_t n = 0;
    if (mt_changes_check(in) != MT_OK)
        return 0;
    uint8_t *p = fuzz_memory(size + 16);
    struct mt_writer w = mt_writer(p, size + 16);
    struct mt_reader r = mt_reader(in);
    (void)mt_wire_array(&r, 1, UINT32_MAX);
    NEED(mt_changes_open(&it, in) == MT_OK);
    uint32_t left = it.left;
    mt_changes_begin(&w, left);
    while (mt_changes_next(&it, &c)) {
        put_again(&c, &w);
        show(&c);
        n++;
    }
    NEED(n == left && n <= MT_CHANGES_MAX && w.err == MT_OK);
    /* The list alone: what follows it is for later versions. */
    NEED(w.n - 1 <= size - r.at && memcmp(p + 1, data + r.at, w.n - 1) == 0);
    NEED(mt_changes_check(mt_writer_slice(&w)) == MT_OK);
    free(p);
    return 0;
}
