/* Why a text is not a value, in words; see records.h. */
#include "records.h"

#include "text.h"

#include <stdlib.h>

struct code {
    enum mt_text_err err;
    const char *code;
};

/* The same words as the daemon's. */
static const struct code CODES[] = {
    {MT_TEXT_MISSING, "missing"},       {MT_TEXT_NOT_DATE, "not-date"},
    {MT_TEXT_NOT_CLOCK, "not-clock"},   {MT_TEXT_NOT_WEEK, "not-week"},
    {MT_TEXT_NOT_NUMBER, "not-number"}, {MT_TEXT_TOO_SMALL, "too-small"},
    {MT_TEXT_TOO_LARGE, "too-large"},   {MT_TEXT_NOT_WORD, "not-word"},
    {MT_TEXT_NOT_BOOL, "not-bool"},     {MT_TEXT_TOO_LONG, "too-long"},
    {MT_TEXT_TOO_MANY, "too-many"},     {MT_TEXT_NOT_TEXT, "not-text"},
    {MT_TEXT_NOT_REF, "not-ref"},       {MT_TEXT_NOT_IDENT, "not-ident"},
    {MT_TEXT_ORDER, "order"},           {MT_TEXT_OUTSIDE, "outside-week"},
    {MT_TEXT_NO_START, "no-start"},
};

const char *mt_reason_code(enum mt_text_err err) {
    for (size_t i = 0; i < MT_ARRAY_LEN(CODES); i++)
        if (CODES[i].err == err)
            return CODES[i].code;
    return "invalid";
}

enum mt_text_err mt_reason_named(const char *code) {
    for (size_t i = 0; i < MT_ARRAY_LEN(CODES); i++)
        if (strcmp(CODES[i].code, code) == 0)
            return CODES[i].err;
    return MT_TEXT_OK;
}

static const char *sentence(enum mt_text_err err, const struct mt_field *field) {
    switch (err) {
    case MT_TEXT_MISSING:
        return _("is needed");
    case MT_TEXT_NOT_DATE:
        return _("is not a day; write 2026-11-23 or 23-11-2026");
    case MT_TEXT_NOT_CLOCK:
        return _("is not a time; write 09:00");
    case MT_TEXT_NOT_WEEK:
        return _("is not a week; write 2026-W48");
    case MT_TEXT_NOT_NUMBER:
        return _("is not a number");
    case MT_TEXT_TOO_SMALL:
        return _("is too small");
    case MT_TEXT_TOO_LARGE:
        return _("is too large");
    case MT_TEXT_NOT_WORD:
        return _("is not one of the words");
    case MT_TEXT_NOT_BOOL:
        return _("is not yes or no");
    case MT_TEXT_TOO_LONG:
        return _("is too long");
    case MT_TEXT_TOO_MANY:
        return _("has too many parts");
    case MT_TEXT_NOT_TEXT:
        return _("is not readable text");
    case MT_TEXT_NOT_REF:
        return _("names nothing that is known");
    case MT_TEXT_NOT_IDENT:
        return _("is not a number of an organisation; write brin:02VA or kvk:01234567");
    case MT_TEXT_ORDER:
        return _("is before the start");
    case MT_TEXT_OUTSIDE:
        return _("is not in the week that is given; leave one of them out");
    case MT_TEXT_NO_START:
        return field && field->type == MT_FIELD_WEEK ? _("needs the week in which it starts")
                                                     : _("needs the day on which it starts");
    case MT_TEXT_OK:
        break;
    }
    return _("is not valid");
}

char *mt_words_of(const struct mt_vocab *vocab, enum mt_lang lang) {
    char *out = mt_text_copy("");
    for (size_t i = 0; i < vocab->n; i++) {
        const struct mt_vocab_entry *e = &vocab->entries[i];
        bool dutch = lang == MT_LANG_NL;
        char *longer = mt_text_format("%s%s%s", out, i ? (dutch ? "; " : ", ") : "",
                                      dutch ? e->label[lang] : e->name);
        free(out);
        out = longer;
    }
    return out;
}

/* The word of the vocabulary that was probably meant, or NULL. */
static const char *word_near(const struct mt_vocab *vocab, const char *text, enum mt_lang lang) {
    const char *found = NULL;
    char *typed = mt_text_fold(text);
    unsigned best = (unsigned)strlen(typed);
    for (size_t i = 0; i < vocab->n; i++) {
        const char *names[] = {vocab->entries[i].name, vocab->entries[i].label[lang]};
        for (size_t k = 0; k < MT_ARRAY_LEN(names); k++) {
            char *one = mt_text_fold(names[k]);
            unsigned d = mt_text_distance(typed, one);
            if (d < best) {
                best = d;
                found = names[k];
            }
            free(one);
        }
    }
    if (best * 2 >= strlen(typed)) /* there are few words, so half of one is enough to tell */
        found = NULL;
    free(typed);
    return found;
}

char *mt_reason(enum mt_text_err err, const struct mt_field *field, const char *text,
                enum mt_lang lang) {
    if (err == MT_TEXT_MISSING || !text || !*text)
        return mt_text_copy(sentence(err, field));
    char *safe = mt_text_safe(text, false), *shown = mt_text_shorten(safe, 40), *out, *words = NULL;
    const char *near = NULL;
    if (err == MT_TEXT_NOT_WORD && field && field->vocab) {
        near = word_near(field->vocab, text, lang);
        words = mt_words_of(field->vocab, lang);
    }
    if (near)
        out =
            mt_text_format(_("\"%s\" is not one of the words; did you mean \"%s\"?"), shown, near);
    else if (words)
        out = mt_text_format(_("\"%s\" is not one of: %s"), shown, words);
    else
        out = mt_text_format("\"%s\" %s", shown, sentence(err, field));
    free(words);
    free(shown);
    free(safe);
    return out;
}
