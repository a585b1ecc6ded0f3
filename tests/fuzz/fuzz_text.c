/* Text as people give it for a field of the schema. What parses checks, and written as plain text it
 * parses to the same bytes again; what does not parse writes nothing. */
#include "fuzz.h"
#include "schema.h"

#include <stdlib.h>

enum { CAP = 20000 };

/* References are shown without their owner, bytes as text are not read back, and of a number that
 * means "no value" nothing is shown. */
static bool reads_back(enum mt_field_type type) {
    return type != MT_FIELD_REF && type != MT_FIELD_REFS && type != MT_FIELD_BIN;
}

static void parse(const struct mt_field *field, struct mt_slice text, uint32_t today) {
    static uint8_t memory[3][CAP];
    struct mt_text_context ctx = {.today = today};
    struct mt_writer value = mt_writer(memory[0], CAP), shown = mt_writer(memory[1], CAP),
                     again = mt_writer(memory[2], CAP);
    enum mt_text_err err = mt_schema_parse(field, text, &ctx, &value);
    if (err != MT_TEXT_OK) {
        NEED(value.n == 0);
        return;
    }
    bool is_nil = value.n == 1 && memory[0][0] == 0xc0;
    NEED(value.err == MT_OK && (is_nil || mt_schema_check(field, mt_writer_slice(&value)) == 0));
    for (int lang = 0; lang < MT_LANG_COUNT; lang++) {
        mt_schema_format(field, mt_writer_slice(&value), lang, &shown);
        NEED(shown.err || mt_utf8_valid(mt_writer_slice(&shown)));
        shown = mt_writer(memory[1], CAP);
    }
    mt_schema_format(field, mt_writer_slice(&value), -1, &shown);
    if (shown.err || !reads_back(field->type))
        return;
    NEED(mt_schema_parse(field, mt_writer_slice(&shown), &ctx, &again) == MT_TEXT_OK);
    NEED(mt_slice_eq(mt_writer_slice(&again), mt_writer_slice(&value)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz f = fuzz_of(data, size);
    size_t n, max;
    const struct mt_kind *kinds = mt_schema_kinds(&n);
    const struct mt_kind *kind = &kinds[fuzz_u8(&f) % n];
    const struct mt_field *field = &kind->fields[fuzz_u8(&f) % kind->n_fields];
    uint32_t today = fuzz_u8(&f) % 4 ? 20000 : 0;
    uint8_t *text = fuzz_copy(mt_slice(f.p, f.n));
    max = f.n;
    parse(field, mt_slice(text, max), today);
    (void)mt_schema_kind_named(mt_slice(text, max));
    (void)mt_schema_field_named(kind, mt_slice(text, max));
    free(text);
    return 0;
}
