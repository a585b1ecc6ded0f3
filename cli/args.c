#include "args.h"

#include "text.h"
#include "wire.h"

#include <stdlib.h>

void mt_flags_add(struct mt_flags *flags, const struct mt_flag *list, size_t n) {
    if (flags->n + n > MT_ARGS_FLAGS_MAX)
        abort();
    for (size_t i = 0; i < n; i++)
        flags->list[flags->n++] = list[i];
}

bool mt_args_listed(const char *list, const char *name) {
    size_t len = strlen(name);
    for (const char *p = list; p && *p;) {
        size_t n = strcspn(p, "|");
        if (n == len && memcmp(p, name, n) == 0)
            return true;
        p += n + (p[n] == '|');
    }
    return false;
}

void mt_flags_add_fields(struct mt_flags *flags, const struct mt_kind *kind, const char *skip) {
    for (size_t i = 0; i < kind->n_fields; i++) {
        const struct mt_field *f = &kind->fields[i];
        if (f->flags & MT_FIELD_PREPARED || f->type == MT_FIELD_BIN ||
            mt_args_listed(skip, f->name))
            continue;
        struct mt_flag flag = {.name = f->name, .value = "", .field = f};
        mt_flags_add(flags, &flag, 1);
    }
}

static bool same_name(const char *a, const char *b) {
    for (; *a && *b; a++, b++)
        if (*a != *b && !((*a == '_' || *a == '-') && (*b == '_' || *b == '-')))
            return false;
    return *a == *b;
}

/* Calls `meet` with each further name of a flag, folded, until it returns true. */
static bool other_names(const struct mt_flag *flag, bool (*meet)(const char *name, void *arg),
                        void *arg) {
    const char *lists[] = {flag->alias, flag->field ? flag->field->label[MT_LANG_NL] : NULL,
                           flag->field ? flag->field->label[MT_LANG_EN] : NULL,
                           flag->field ? flag->field->csv : NULL};
    for (size_t i = 0; i < MT_ARRAY_LEN(lists); i++) {
        for (const char *p = lists[i]; p && *p;) {
            size_t n = strcspn(p, "|");
            char *one = mt_text_format("%.*s", (int)n, p);
            char *folded = mt_text_fold(one);
            bool done = meet(folded, arg);
            free(folded);
            free(one);
            if (done)
                return true;
            p += n + (p[n] == '|');
        }
    }
    return false;
}

static bool is_same(const char *name, void *arg) {
    return *name && strcmp(name, arg) == 0;
}

const struct mt_flag *mt_flags_find(const struct mt_flags *flags, const char *name) {
    for (size_t i = 0; i < flags->n; i++)
        if (same_name(flags->list[i].name, name))
            return &flags->list[i];
    const struct mt_flag *found = NULL;
    char *folded = mt_text_fold(name);
    for (size_t i = 0; i < flags->n && !found; i++)
        if (other_names(&flags->list[i], is_same, folded))
            found = &flags->list[i];
    free(folded);
    return found;
}

struct nearest {
    const char *word;
    unsigned edits;
};

static bool is_nearer(const char *name, void *arg) {
    struct nearest *best = arg;
    unsigned d = mt_text_distance(best->word, name);
    if (d < best->edits)
        best->edits = d;
    return false;
}

static const struct mt_flag *nearest(const struct mt_flags *flags, const char *name) {
    const struct mt_flag *found = NULL;
    char *folded = mt_text_fold(name);
    struct nearest best = {.word = folded, .edits = (unsigned)strlen(folded)};
    for (size_t i = 0; i < flags->n; i++) {
        unsigned before = best.edits;
        char *own = mt_text_fold(flags->list[i].name);
        is_nearer(own, &best);
        free(own);
        other_names(&flags->list[i], is_nearer, &best);
        if (best.edits < before)
            found = &flags->list[i];
    }
    if (!mt_text_close(folded, best.edits))
        found = NULL;
    free(folded);
    return found;
}

static enum mt_args_err take_flag(struct mt_args *out, const struct mt_flags *flags, int argc,
                                  char *const *argv, int *i, struct mt_args_fault *fault) {
    const char *arg = strcmp(argv[*i], "-h") == 0 ? "--help" : argv[*i];
    const char *equals = strchr(arg, '=');
    size_t skip = strncmp(arg, "--", 2) == 0 ? 2 : 1;
    size_t len = (equals ? (size_t)(equals - arg) : strlen(arg)) - skip;
    char *name = mt_text_format("%.*s", (int)len, arg + skip);
    const struct mt_flag *flag = skip == 2 ? mt_flags_find(flags, name) : NULL;
    if (!flag)
        fault->nearest = nearest(flags, name);
    free(name);
    fault->at = arg;
    if (!flag)
        return MT_ARGS_UNKNOWN;
    if (!flag->value && equals)
        return MT_ARGS_HAS_VALUE;
    const char *value = equals ? equals + 1 : NULL;
    if (flag->value && !equals) {
        /* "--from --json" forgot a date; "--capacity -3" is a number for the schema to refuse */
        if (*i + 1 >= argc || strncmp(argv[*i + 1], "--", 2) == 0)
            return MT_ARGS_NO_VALUE;
        value = argv[++*i];
        if (!mt_utf8_valid(mt_slice_str(value)))
            return MT_ARGS_NOT_TEXT;
    }
    if (out->n_options == MT_ARGS_OPTIONS_MAX)
        return MT_ARGS_TOO_MANY;
    out->options[out->n_options++] = (struct mt_option){.flag = flag, .value = value};
    return MT_ARGS_OK;
}

enum mt_args_err mt_args_parse(struct mt_args *out, const struct mt_flags *flags, int argc,
                               char *const *argv, size_t n_words_max, int *used,
                               struct mt_args_fault *fault) {
    bool plain = false;
    int i = 0;
    *fault = (struct mt_args_fault){0};
    for (; i < argc && out->n_words < n_words_max && !fault->what; i++) {
        const char *arg = argv[i];
        fault->at = arg;
        if (!mt_utf8_valid(mt_slice_str(arg)))
            fault->what = MT_ARGS_NOT_TEXT;
        else if (!plain && strcmp(arg, "--") == 0)
            plain = true;
        else if (!plain && arg[0] == '-' && arg[1] != '\0')
            fault->what = take_flag(out, flags, argc, argv, &i, fault);
        else if (out->n_words == MT_ARGS_WORDS_MAX)
            fault->what = MT_ARGS_TOO_MANY;
        else
            out->words[out->n_words++] = arg;
    }
    *used = i;
    return fault->what;
}

const char *mt_args_get(const struct mt_args *args, const char *flag) {
    const char *value = NULL;
    for (size_t i = 0; i < args->n_options; i++)
        if (strcmp(args->options[i].flag->name, flag) == 0)
            value = args->options[i].value;
    return value;
}

bool mt_args_has(const struct mt_args *args, const char *flag) {
    for (size_t i = 0; i < args->n_options; i++)
        if (strcmp(args->options[i].flag->name, flag) == 0)
            return true;
    return false;
}
