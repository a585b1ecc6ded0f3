#include "help.h"

#include "records.h"
#include "text.h"

#include <stdlib.h>

enum { NAME_WIDTH = 12, FLAG_WIDTH = 26, TEXT_COLUMN = 30, COMMAND_WIDTH = 20 };

static char *dashed(const char *name) {
    char *out = mt_text_copy(name);
    for (char *p = out; *p; p++)
        *p = *p == '_' ? '-' : *p;
    return out;
}

char *mt_flag_shown(const struct mt_flag *flag, enum mt_lang lang) {
    if (lang == MT_LANG_NL && flag->field)
        return mt_text_fold(flag->field->label[MT_LANG_NL]);
    if (lang == MT_LANG_NL && flag->alias)
        return mt_text_format("%.*s", (int)strcspn(flag->alias, "|"), flag->alias);
    return dashed(flag->name);
}

static void put_heading(struct mt_cli *cli, const char *text) {
    fprintf(cli->out, cli->color ? "\n\033[1m%s\033[0m\n" : "\n%s\n", text);
}

static void put_row(struct mt_cli *cli, const char *name, int width, const char *text) {
    int w = mt_text_width(name);
    if (w < width)
        fprintf(cli->out, "  %s%*s", name, width - w, "");
    else
        fprintf(cli->out, "  %s\n%*s", name, 2 + width, "");
    mt_put_wrapped(cli, 2 + width, text);
}

static void put_overview(struct mt_cli *cli) {
    size_t n;
    const struct mt_noun *nouns = mt_nouns(&n);
    fprintf(cli->out, "%s\n", _("meent: share activities and placements with the region"));
    put_heading(cli, _("Examples"));
    fprintf(cli->out, "  meent status\n  meent menukaart --vrij --van morgen\n"
                      "  meent intekenen a7f3 --groep 3B --leerlingen 24\n");
    const char *group = NULL;
    for (size_t i = 0; i < n; i++) {
        if (!nouns[i].group)
            continue;
        if (!group || strcmp(group, nouns[i].group) != 0)
            put_heading(cli, _(nouns[i].group));
        group = nouns[i].group;
        const struct mt_command *c = mt_command_named(nouns[i].fallback);
        put_row(cli, nouns[i].name, NAME_WIDTH,
                _(nouns[i].summary ? nouns[i].summary : c->summary));
    }
    fprintf(cli->out, "\n%s\n", _("More: meent help COMMAND, or any command with --help"));
}

/* "a, b" of "a|b". */
static void put_aliases(struct mt_cli *cli, const char *aliases) {
    fprintf(cli->out, "\n%s: ", _("Also called"));
    for (const char *p = aliases; *p; p++)
        if (*p == '|')
            fputs(", ", cli->out);
        else
            fputc(*p, cli->out);
    fputc('\n', cli->out);
}

static void put_noun(struct mt_cli *cli, const struct mt_noun *noun) {
    size_t n;
    const struct mt_command *all = mt_commands(&n);
    const char *base = noun->verbs_of ? noun->verbs_of : noun->name;
    size_t len = strlen(base);
    fprintf(cli->out, "%s\n\n", _(noun->summary));
    for (size_t i = 0; i < n; i++)
        if (strncmp(all[i].name, base, len) == 0 && all[i].name[len] == ' ')
            put_row(cli, all[i].name, COMMAND_WIDTH, _(all[i].summary));
    if (noun->aliases)
        put_aliases(cli, noun->aliases);
}

static const char *value_of(const struct mt_field *f) {
    switch (f->type) {
    case MT_FIELD_UINT:
        return _("N");
    case MT_FIELD_CENTS:
        return _("EURO");
    case MT_FIELD_BOOL:
        return _("yes|no");
    case MT_FIELD_DATE:
    case MT_FIELD_INSTANT:
        return _("DATE");
    case MT_FIELD_CLOCK:
        return _("TIME");
    case MT_FIELD_WEEK:
        return _("WEEK");
    case MT_FIELD_ENUM:
    case MT_FIELD_ENUMS:
        return _("WORD");
    case MT_FIELD_REF:
    case MT_FIELD_REFS:
        return _("ID");
    default:
        return _("TEXT");
    }
}

static void put_flag(struct mt_cli *cli, const struct mt_flag *flag) {
    const char *value = flag->field ? value_of(flag->field) : flag->value ? _(flag->value) : "";
    char *shown = mt_flag_shown(flag, cli->lang), *plain = dashed(flag->name), *words = NULL;
    char *left = mt_text_format("--%s%s%s", shown, *value ? " " : "", value);
    const char *help = flag->help ? _(flag->help) : NULL;
    if (flag->field) {
        help = flag->field->help[cli->lang];
        if (!help && flag->field->vocab)
            help = words = mt_words_of(flag->field->vocab, cli->lang);
        if (!help)
            help = flag->field->label[cli->lang];
    }
    bool needed =
        flag->field && flag->field->flags & MT_FIELD_REQUIRED && strstr(cli->command->name, " add");
    bool same = strcmp(shown, plain) == 0;
    char *right =
        mt_text_format("%s%s%s%s%s%s", help ? help : "", needed ? _(" (needed)") : "",
                       same ? "" : " (", same ? "" : "--", same ? "" : plain, same ? "" : ")");
    put_row(cli, left, FLAG_WIDTH, right);
    free(right);
    free(left);
    free(words);
    free(plain);
    free(shown);
}

static void put_command(struct mt_cli *cli, const struct mt_command *c) {
    size_t n_global;
    mt_cli_global_flags(&n_global);
    fprintf(cli->out, "meent %s: %s\n", c->name, _(c->summary));
    put_heading(cli, _("Examples"));
    for (const char *p = c->examples; *p;) {
        size_t n = strcspn(p, "\n");
        fprintf(cli->out, "  %.*s\n", (int)n, p);
        p += n + (p[n] == '\n');
    }
    put_heading(cli, _("Use"));
    fprintf(cli->out, "  meent %s%s%s%s\n", c->name, c->words ? " " : "",
            c->words ? _(c->words) : "", cli->flags.n > n_global ? _(" [flags]") : "");
    if (cli->flags.n > n_global)
        put_heading(cli, _("Flags"));
    for (size_t i = n_global; i < cli->flags.n; i++)
        put_flag(cli, &cli->flags.list[i]);
    put_heading(cli, _("Everywhere"));
    for (size_t i = 0; i < n_global; i++)
        put_flag(cli, &cli->flags.list[i]);
}

void mt_help_show(struct mt_cli *cli, const struct mt_noun *noun,
                  const struct mt_command *command) {
    if (command && !(noun && noun->summary))
        put_command(cli, command);
    else if (noun)
        put_noun(cli, noun);
    else
        put_overview(cli);
}

/* "help", "help NOUN", "help NOUN VERB". */
MT_COMMAND(help) {
    if (args->n_words == 0) {
        put_overview(cli);
        return MT_EXIT_OK;
    }
    const struct mt_noun *noun = mt_noun_named(args->words[0]);
    const struct mt_command *c =
        noun && args->n_words == 2 ? mt_command_of(noun, args->words[1]) : NULL;
    if (!noun || (args->n_words == 2 && !c)) {
        const char *word = args->words[noun ? 1 : 0];
        char *near = mt_command_nearest(noun, word);
        enum mt_exit status =
            near ? mt_usage(cli, _("no command \"%s\"; did you mean: meent %s"), word, near)
                 : mt_usage(cli, _("no command \"%s\""), word);
        free(near);
        return status;
    }
    if (!c && !noun->summary)
        c = mt_command_named(noun->fallback);
    if (!c) {
        put_noun(cli, noun);
        return MT_EXIT_OK;
    }
    for (const struct mt_flag *f = c->flags; f && f->name; f++)
        mt_flags_add(&cli->flags, f, 1);
    if (c->kind)
        mt_flags_add_fields(&cli->flags, mt_schema_kind(c->kind), c->skip);
    cli->command = c;
    put_command(cli, c);
    return MT_EXIT_OK;
}
