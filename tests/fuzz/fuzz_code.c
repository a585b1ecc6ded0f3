/* Codes as people copy them. A text that reads gives bytes that write the same code again; bytes
 * that are written read back, and with one letter changed they do not. */
#include "code.h"
#include "fuzz.h"

#include <stdlib.h>

static char upper(uint8_t c) {
    return (char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
}

/* Whether `code` is `text` without blanks around it, in capitals. */
static bool is_upper_of(struct mt_slice code, struct mt_slice text) {
    while (text.n && text.p[0] <= ' ')
        text = mt_slice(text.p + 1, text.n - 1);
    while (text.n && text.p[text.n - 1] <= ' ')
        text.n--;
    if (text.n != code.n)
        return false;
    for (size_t i = 0; i < text.n; i++)
        if (upper(text.p[i]) != (char)code.p[i])
            return false;
    return true;
}

static bool raw(struct mt_slice text) {
    uint8_t data[MT_CODE_DATA_MAX], code[MT_CODE_TEXT_MAX];
    struct mt_writer w = mt_writer(data, sizeof data), t = mt_writer(code, sizeof code);
    if (mt_code_get(text, &w) != MT_OK)
        return false;
    NEED(mt_code_put(&t, mt_writer_slice(&w)) == MT_OK);
    NEED(is_upper_of(mt_writer_slice(&t), text));
    return true;
}

static void made(struct fuzz *f) {
    uint8_t code[MT_CODE_TEXT_MAX + 1], data[MT_CODE_DATA_MAX + 1];
    uint8_t lower = fuzz_u8(f);
    struct fuzz harm = fuzz_of(f->p, f->n);
    struct mt_slice in = fuzz_take(f, MT_CODE_DATA_MAX + 1);
    struct mt_writer t = mt_writer(code, sizeof code), w = mt_writer(data, sizeof data);
    enum mt_err err = mt_code_put(&t, in);
    NEED((err == MT_OK) == (in.n <= MT_CODE_DATA_MAX));
    if (err)
        return;
    for (size_t i = 0; lower & 1 && i < t.n; i++)
        if (code[i] >= 'A' && code[i] <= 'Z')
            code[i] = (uint8_t)(code[i] - 'A' + 'a');
    NEED(mt_code_get(mt_writer_slice(&t), &w) == MT_OK && mt_slice_eq(mt_writer_slice(&w), in));
    /* One wrong letter is always found: the checksum finds up to four. */
    size_t at = fuzz_u16(&harm) % t.n;
    uint8_t to = fuzz_u8(&harm);
    if (upper(to) == upper(code[at]) || to <= ' ')
        return;
    code[at] = to;
    NEED(!raw(mt_writer_slice(&t)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz f = fuzz_of(data, size);
    (void)raw(mt_slice(data, size));
    made(&f);
    return 0;
}
