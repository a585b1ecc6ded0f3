/* Values people type: from flags and prompts to the fields of a record; see records.h. */
#include "records.h"

#include "limits.h"
#include "text.h"

#include <stdlib.h>

static const char *sentence(enum mt_text_err err) {
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
        return _("ends before it starts");
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
        return mt_text_copy(sentence(err));
    char *safe = mt_text_safe(text, false), *shown = mt_text_fit(safe, 40), *out, *words = NULL;
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
        out = mt_text_format("\"%s\" %s", shown, sentence(err));
    free(words);
    free(shown);
    free(safe);
    return out;
}

static bool is_list(const struct mt_field *f) {
    return f->type == MT_FIELD_STRS || f->type == MT_FIELD_ENUMS || f->type == MT_FIELD_REFS ||
           f->type == MT_FIELD_IDENTS;
}

static enum mt_text_err check(const struct mt_cli *cli, const struct mt_field *f,
                              const char *text) {
    if (f->type == MT_FIELD_REF || f->type == MT_FIELD_REFS)
        return MT_TEXT_OK; /* only the daemon knows names */
    uint8_t *buf = malloc(MT_BOX_MAX);
    if (!buf)
        return MT_TEXT_OK; /* the daemon checks again */
    struct mt_writer w = mt_writer(buf, MT_BOX_MAX);
    const struct mt_text_context ctx = {.today = cli->today};
    enum mt_text_err err = mt_schema_parse(f, mt_slice_str(text), &ctx, &w);
    free(buf);
    return err;
}

static enum mt_exit put(struct mt_cli *cli, json_t *fields, const struct mt_field *f,
                        const char *text) {
    enum mt_text_err err = check(cli, f, text);
    if (err) {
        char *shown = mt_text_fold(f->label[cli->lang]), *why = mt_reason(err, f, text, cli->lang);
        bool dutch = cli->lang == MT_LANG_NL;
        char *name = mt_text_copy(f->name);
        for (char *p = name; *p; p++)
            *p = *p == '_' ? '-' : *p;
        enum mt_exit status = mt_usage(cli, "--%s: %s", dutch ? shown : name, why);
        free(name);
        free(why);
        free(shown);
        return status;
    }
    const char *before = json_string_value(json_object_get(fields, f->name));
    if (is_list(f) && before) {
        char *both = mt_text_format("%s|%s", before, text);
        json_object_set_new(fields, f->name, json_string(both));
        free(both);
    } else {
        json_object_set_new(fields, f->name, json_string(text));
    }
    return MT_EXIT_OK;
}

/* Asks until the answer is a value, or there is none. */
static bool ask(struct mt_cli *cli, const struct mt_field *f, json_t *fields) {
    for (;;) {
        const char *help = f->help[cli->lang];
        char *question = mt_text_format("%s%s%s%s", f->label[cli->lang], help ? " (" : "",
                                        help ? help : "", help ? ")" : "");
        char *answer = mt_ask(cli, question);
        free(question);
        if (!answer)
            return false;
        enum mt_text_err err = check(cli, f, answer);
        if (!err)
            json_object_set_new(fields, f->name, json_string(answer));
        char *why = err ? mt_reason(err, f, answer, cli->lang) : NULL;
        if (why)
            fprintf(cli->err, "  %s\n", why);
        free(why);
        free(answer);
        if (!err)
            return true;
    }
}

static enum mt_exit complete_fields(struct mt_cli *cli, const struct mt_kind *kind,
                                    json_t *fields) {
    char *missing = mt_text_copy("");
    for (size_t i = 0; i < kind->n_fields; i++) {
        const struct mt_field *f = &kind->fields[i];
        bool needed = f->flags & MT_FIELD_REQUIRED && !(f->flags & MT_FIELD_PREPARED);
        const char *given = json_string_value(json_object_get(fields, f->name));
        if (!needed || (given && *given) || ask(cli, f, fields))
            continue;
        char *longer = mt_text_format("%s%s--%s", missing, *missing ? ", " : "", f->name);
        free(missing);
        missing = longer;
    }
    enum mt_exit status = *missing ? mt_usage(cli, _("still needed: %s"), missing) : MT_EXIT_OK;
    free(missing);
    return status;
}

enum mt_exit mt_fields_given(struct mt_cli *cli, const struct mt_args *args,
                             const struct mt_kind *kind, bool complete, json_t **fields) {
    enum mt_exit status = MT_EXIT_OK;
    *fields = json_object();
    for (size_t i = 0; i < args->n_options && !status; i++)
        if (args->options[i].flag->field)
            status = put(cli, *fields, args->options[i].flag->field, args->options[i].value);
    if (!status && complete)
        status = complete_fields(cli, kind, *fields);
    if (status) {
        json_decref(*fields);
        *fields = NULL;
    }
    return status;
}
