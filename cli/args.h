/* args: the words and flags of a command line. Long flags only, as --flag value or --flag=value,
 * each with its Dutch name; flags of records come from the schema. */
#ifndef MEENT_ARGS_H
#define MEENT_ARGS_H

#include "schema.h"

enum { MT_ARGS_WORDS_MAX = 64, MT_ARGS_OPTIONS_MAX = 128, MT_ARGS_FLAGS_MAX = 128 };

struct mt_flag {
    const char *name;             /* without "--"; '_' and '-' are the same */
    const char *alias;            /* further names, '|' between; NULL: none */
    const char *value;            /* what stands for its value in help; NULL: takes none */
    const char *help;             /* English, translated when shown; NULL: see `field` */
    const struct mt_field *field; /* the field it sets or filters on; NULL: none */
};

/* All flags a command knows, in the order in which other names are looked up. */
struct mt_flags {
    struct mt_flag list[MT_ARGS_FLAGS_MAX];
    size_t n;
};

struct mt_option {
    const struct mt_flag *flag;
    const char *value; /* NULL: the flag takes none */
};

/* A command line taken apart. Borrows argv and the flags. */
struct mt_args {
    const char *words[MT_ARGS_WORDS_MAX];
    size_t n_words;
    struct mt_option options[MT_ARGS_OPTIONS_MAX];
    size_t n_options;
};

enum mt_args_err {
    MT_ARGS_OK,
    MT_ARGS_UNKNOWN,   /* no such flag */
    MT_ARGS_NO_VALUE,  /* a value is missing */
    MT_ARGS_HAS_VALUE, /* the flag takes no value */
    MT_ARGS_TOO_MANY,  /* more words or flags than any command takes */
    MT_ARGS_NOT_TEXT,  /* bytes that are no UTF-8 */
};

struct mt_args_fault {
    enum mt_args_err what;
    const char *at;                /* the argument at fault */
    const struct mt_flag *nearest; /* the flag that was probably meant, or NULL */
};

/* Adds flags; for what is beyond the cap it aborts, since that is a defect of ours. */
void mt_flags_add(struct mt_flags *flags, const struct mt_flag *list, size_t n);

/* Adds a flag for each field of `kind` that people may set, except those named in `skip` ('|'
 * between, may be NULL). */
void mt_flags_add_fields(struct mt_flags *flags, const struct mt_kind *kind, const char *skip);

/* Finds the flag called `name` in any of its names; NULL when there is none. */
const struct mt_flag *mt_flags_find(const struct mt_flags *flags, const char *name);

/* Takes the arguments apart. With `n_words_max` reached, what follows stays unread.
 * Out: `*used` how many arguments were read; `*fault` when the result is not MT_ARGS_OK. */
MT_MUST enum mt_args_err mt_args_parse(struct mt_args *out, const struct mt_flags *flags, int argc,
                                       char *const *argv, size_t n_words_max, int *used,
                                       struct mt_args_fault *fault);

/* Last value given for a flag, or NULL. */
const char *mt_args_get(const struct mt_args *args, const char *flag);

/* True when the flag was given. */
bool mt_args_has(const struct mt_args *args, const char *flag);

/* True when `name` is one of the words in `list` ('|' between). */
bool mt_args_listed(const char *list, const char *name);

#endif
