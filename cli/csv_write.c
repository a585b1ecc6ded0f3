#include "csv_write.h"

static bool is_one_of(uint8_t c, const char *any) {
    return c != 0 && strchr(any, c) != NULL;
}

bool csv_is_formula(struct mt_slice text) {
    return text.n > 0 && is_one_of(text.p[0], "=+-@\t\r");
}

/* A guarded text that is guarded once more stays distinct: ''=x is '=x. */
static bool looks_guarded(struct mt_slice text) {
    size_t i = 0;
    while (i < text.n && text.p[i] == '\'')
        i++;
    return i > 0 && csv_is_formula(mt_slice(text.p + i, text.n - i));
}

static bool must_quote(struct mt_slice text, char delimiter) {
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] == (uint8_t)delimiter || is_one_of(text.p[i], "\"\n\r"))
            return true;
    /* Blanks at the ends are lost without. */
    return text.n > 0 && (text.p[0] == ' ' || text.p[text.n - 1] == ' ');
}

void csv_write_cell(FILE *out, struct mt_slice text, char delimiter) {
    bool guard = csv_is_formula(text) || looks_guarded(text);
    bool quote = must_quote(text, delimiter);
    if (quote)
        fputc('"', out);
    if (guard)
        fputc('\'', out);
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '"')
            fputc('"', out);
        fputc(text.p[i], out);
    }
    if (quote)
        fputc('"', out);
}

void csv_write_end(FILE *out) {
    fputs("\r\n", out);
}
