/* __complete: the line is read as a command would be, as far as it goes; the last word is the one
 * being typed. Which flags and words may follow comes from the table of commands and the schema,
 * ids and names from the daemon. Shells call it through the scripts of `meent completion`. */
#include "complete.h"

#include "help.h"
#include "text.h"

#include <stdlib.h>

struct line {
    struct mt_cli *cli;
    const char *typed; /* the last word, as far as it is there */
    const struct mt_noun *noun;
    const struct mt_command *command;
    bool has_verb;                 /* a verb or a word of the command was said */
    const struct mt_flag *pending; /* whose value comes next */
    size_t n_words;                /* of the command, said before */
    struct mt_flags flags;
};

static void take_command(struct line *l, const struct mt_command *c) {
    size_t n;
    const struct mt_flag *global = mt_cli_global_flags(&n);
    l->command = c;
    l->flags.n = 0;
    for (const struct mt_flag *f = c ? c->flags : NULL; f && f->name; f++)
        mt_flags_add(&l->flags, f, 1);
    if (c && c->kind)
        mt_flags_add_fields(&l->flags, mt_schema_kind(c->kind), c->skip);
    mt_flags_add(&l->flags, global, n);
}

static void take_flag(struct line *l, const char *word) {
    const char *equals = strchr(word, '=');
    size_t n = equals ? (size_t)(equals - word) : strlen(word);
    char *name = mt_text_format("%.*s", n > 2 ? (int)n - 2 : 0, word + (n > 2 ? 2 : n));
    const struct mt_flag *flag = *name ? mt_flags_find(&l->flags, name) : NULL;
    l->pending = flag && flag->value && !equals ? flag : NULL;
    free(name);
}

static void take_word(struct line *l, const char *word) {
    if (l->pending && strcmp(word, "=") == 0)
        return; /* bash makes three words of --flag=value */
    if (l->pending) {
        l->pending = NULL;
    } else if (word[0] == '-' && word[1]) {
        take_flag(l, word);
    } else if (!l->noun) {
        l->noun = mt_noun_named(word);
        take_command(l, l->noun ? mt_command_named(l->noun->fallback) : NULL);
    } else {
        const struct mt_command *c = l->has_verb ? NULL : mt_command_of(l->noun, word);
        l->n_words += c ? 0 : 1;
        l->has_verb = true;
        if (c)
            take_command(l, c);
    }
}

/* ---- what may stand at the end ---- */

static void offer_nouns(struct line *l) {
    size_t n;
    const struct mt_noun *nouns = mt_nouns(&n);
    for (size_t i = 0; i < n; i++) {
        const struct mt_command *c = mt_command_named(nouns[i].fallback);
        const char *text = nouns[i].summary ? nouns[i].summary : c ? c->summary : "";
        if (nouns[i].name[0] == '_')
            continue;
        mt_complete_offer(l->cli, l->typed, nouns[i].name, _(text));
        /* other names only to who has begun one, or the list would be long */
        char *all = mt_text_copy(nouns[i].aliases && *l->typed ? nouns[i].aliases : "");
        for (char *p = all, *one; (one = strsep(&p, "|"));)
            if (*one)
                mt_complete_offer(l->cli, l->typed, one, _(text));
        free(all);
    }
}

static void offer_verbs(struct line *l) {
    size_t n;
    const struct mt_command *all = mt_commands(&n);
    const char *base = l->noun->name;
    size_t len = strlen(base);
    for (size_t i = 0; i < n; i++)
        if (strncmp(all[i].name, base, len) == 0 && all[i].name[len] == ' ')
            mt_complete_offer(l->cli, l->typed, all[i].name + len + 1, _(all[i].summary));
}

static void offer_flags(struct line *l) {
    for (size_t i = 0; i < l->flags.n; i++) {
        const struct mt_flag *f = &l->flags.list[i];
        char *name = mt_flag_shown(f, l->cli->lang), *word = mt_text_format("--%s", name);
        const char *text = f->help ? _(f->help) : f->field ? f->field->label[l->cli->lang] : "";
        mt_complete_offer(l->cli, l->typed, word, text);
        free(word);
        free(name);
    }
}

/* Words that stand for themselves: "accepted|declined". */
static void offer_words(struct line *l, const char *words) {
    char *all = mt_text_copy(words);
    for (char *p = all, *one; (one = strsep(&p, "|"));)
        mt_complete_offer(l->cli, l->typed, one, "");
    free(all);
}

static void offer_value(struct line *l) {
    const struct mt_flag *flag = l->pending;
    const struct mt_field *f = flag->field;
    if (!f && l->command && strcmp(l->command->name, "init") == 0 &&
        strcmp(flag->name, "kind") == 0)
        f = mt_schema_field(mt_schema_kind(MT_KIND_ORG), MT_ORG_KIND);
    if (!f && strcmp(flag->name, "world") == 0)
        f = mt_schema_field(mt_schema_kind(MT_KIND_ACTIVITY), MT_ACTIVITY_WORLDS);
    if (!f && strcmp(flag->name, "profile") == 0)
        f = mt_schema_field(mt_schema_kind(MT_KIND_ACTIVITY), MT_ACTIVITY_PROFILES);
    if (f && f->vocab && f->type != MT_FIELD_IDENTS)
        mt_complete_vocab(l->cli, l->typed, f->vocab);
    else if (f && f->type == MT_FIELD_BOOL)
        offer_words(l, l->cli->lang == MT_LANG_NL ? "ja|nee" : "yes|no");
    else if (f && (f->type == MT_FIELD_REF || f->type == MT_FIELD_REFS) && f->ref_kind)
        mt_complete_records(l->cli, l->typed, f->ref_kind);
    else if (strcmp(flag->name, "lang") == 0)
        offer_words(l, "nl|en");
}

/* What the help of a command calls a word tells what it is. */
static void offer_word(struct line *l) {
    static const struct {
        const char *word;
        uint16_t kind;
    } kinds[] = {
        {"ACTIVITY", MT_KIND_ACTIVITY},   {"SIGNUP", MT_KIND_SIGNUP},
        {"STAGEPLEK", MT_KIND_STAGEPLEK}, {"PLACEMENT", MT_KIND_PLACEMENT},
        {"ORGANISATION", MT_KIND_ORG},    {"CONTACT", MT_KIND_CONTACT},
        {"PERIOD", MT_KIND_PERIOD},       {"RECORD", 0},
    };
    const struct mt_command *c = l->command;
    const char *p = c->words ? c->words : "";
    for (size_t i = 0; i < l->n_words && *p; i++) {
        p += strcspn(p, " ");
        p += strspn(p, " ");
    }
    p += *p == '[';
    char *word = mt_text_format("%.*s", (int)strcspn(p, " ]"), p);
    bool is_name = strcmp(word, "NAME") == 0;
    for (size_t i = 0; i < MT_ARRAY_LEN(kinds); i++)
        if (strcmp(kinds[i].word, word) == 0)
            mt_complete_records(l->cli, l->typed, kinds[i].kind);
    if (strchr(word, '|'))
        offer_words(l, word);
    else if (strcmp(word, "COMMAND") == 0)
        offer_nouns(l);
    else if (is_name && strcmp(c->name, "member approve") == 0)
        mt_complete_invites(l->cli, l->typed, "filed");
    else if (is_name && strcmp(c->name, "invite revoke") == 0)
        mt_complete_invites(l->cli, l->typed, "open");
    else if (is_name && strcmp(c->name, "peer ping") == 0)
        mt_complete_peers(l->cli, l->typed);
    free(word);
}

static void offer(struct line *l) {
    if (l->pending)
        offer_value(l);
    else if (l->typed[0] == '-')
        offer_flags(l);
    else if (!l->noun)
        offer_nouns(l);
    else {
        if (!l->has_verb)
            offer_verbs(l);
        if (l->command && (l->has_verb || l->noun->takes_words))
            offer_word(l);
    }
}

MT_COMMAND(complete) {
    struct line *l = mt_must(calloc(1, sizeof *l));
    l->cli = cli;
    take_command(l, NULL);
    for (size_t i = 0; i + 1 < args->n_words; i++)
        take_word(l, args->words[i]);
    l->typed = args->n_words ? args->words[args->n_words - 1] : "";
    if (l->pending && strcmp(l->typed, "=") == 0)
        l->typed = "";
    l->typed += l->typed[0] == '"' || l->typed[0] == '\'';
    if (l->noun || args->n_words < 2)
        offer(l);
    free(l);
    return MT_EXIT_OK;
}
