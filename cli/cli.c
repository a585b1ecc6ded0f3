/* The way of a command: language first, then the noun and verb, then the flags that command knows;
 * its output is gathered in memory and written when it succeeded, through a pager when it is
 * longer than the terminal. */
#include "cli.h"

#include "commands.h"
#include "help.h"
#include "text.h"
#include "words.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#ifndef MEENT_VERSION
#define MEENT_VERSION "0"
#endif

enum { WIDTH_DEFAULT = 80, WIDTH_MIN = 40, WIDTH_MAX = 400 };

static const struct mt_flag GLOBAL[] = {
    {"json", NULL, NULL, N_("print JSON, errors too"), NULL},
    {"no_input", "geen-invoer", NULL, N_("never ask anything"), NULL},
    {"quiet", "stil", NULL, N_("no confirmations"), NULL},
    {"no_color", "geen-kleur", NULL, N_("no colours"), NULL},
    {"dry_run", "proef", NULL, N_("show what would change, change nothing"), NULL},
    {"lang", "taal", "nl|en", N_("language of the output"), NULL},
    {"socket", NULL, N_("PATH"), N_("control socket of the daemon"), NULL},
    {"help", "hulp", NULL, N_("help for this command"), NULL},
    {"version", "versie", NULL, N_("version of this program"), NULL},
};

const struct mt_flag *mt_cli_global_flags(size_t *n) {
    *n = MT_ARRAY_LEN(GLOBAL);
    return GLOBAL;
}

static int width_of_terminal(int fd, int *height) {
    struct winsize size = {0};
    const char *columns = getenv("COLUMNS");
    int width = columns ? atoi(columns) : 0;
    *height = 0;
    if (ioctl(fd, TIOCGWINSZ, &size) == 0) {
        *height = size.ws_row;
        width = size.ws_col ? size.ws_col : width;
    }
    if (width <= 0)
        return WIDTH_DEFAULT;
    return width < WIDTH_MIN ? WIDTH_MIN : width > WIDTH_MAX ? WIDTH_MAX : width;
}

/* What must be known before the first error: language, and whether errors are JSON. */
static void prepare(struct mt_cli *cli, int argc, char **argv) {
    const char *lang = NULL;
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--json") == 0)
            cli->json = true;
        else if (strncmp(argv[i], "--lang=", 7) == 0 || strncmp(argv[i], "--taal=", 7) == 0)
            lang = argv[i] + 7;
        else if ((strcmp(argv[i], "--lang") == 0 || strcmp(argv[i], "--taal") == 0) && i + 1 < argc)
            lang = argv[i + 1];
    }
    (void)mt_lang_choose(lang, &cli->lang); /* a wrong one is reported when flags are read */
    mt_lang_use(cli->lang);
    cli->err = stderr;
    cli->out_terminal = isatty(STDOUT_FILENO);
    cli->err_terminal = isatty(STDERR_FILENO);
    cli->in_terminal = isatty(STDIN_FILENO);
    cli->width = width_of_terminal(STDOUT_FILENO, &cli->height);
    const char *fixed = getenv("MEENT_NOW"); /* for reproducible output in tests and manuals */
    cli->now = fixed && *fixed ? strtoull(fixed, NULL, 10) : (uint64_t)time(NULL);
    cli->today = mt_words_today(cli->now);
    cli->client.fd = -1;
    cli->out = mt_must(open_memstream(&cli->out_text, &cli->out_size));
}

static enum mt_exit apply_globals(struct mt_cli *cli, const struct mt_args *args) {
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM"),
               *socket = getenv("MEENT_SOCKET"), *lang = mt_args_get(args, "lang");
    cli->json = mt_args_has(args, "json");
    cli->no_input = mt_args_has(args, "no_input");
    cli->quiet = mt_args_has(args, "quiet");
    cli->dry_run = mt_args_has(args, "dry_run");
    cli->no_color = mt_args_has(args, "no_color") || (no_color && *no_color);
    bool dumb = !term || !*term || strcmp(term, "dumb") == 0;
    cli->color = cli->out_terminal && !cli->no_color && !dumb && !cli->json;
    cli->socket = mt_args_get(args, "socket");
    if (!cli->socket)
        cli->socket = socket && *socket ? socket : MT_CLI_SOCKET;
    if (lang && !mt_lang_choose(lang, &cli->lang))
        return mt_usage(cli, _("--lang: \"%s\" is not a language here; use nl or en"), lang);
    return MT_EXIT_OK;
}

static enum mt_exit flag_fault(struct mt_cli *cli, const struct mt_args_fault *fault) {
    switch (fault->what) {
    case MT_ARGS_NO_VALUE:
        return mt_usage(cli, _("%s needs a value"), fault->at);
    case MT_ARGS_HAS_VALUE:
        return mt_usage(cli, _("%s takes no value"), fault->at);
    case MT_ARGS_TOO_MANY:
        return mt_usage(cli, _("too many arguments"));
    case MT_ARGS_NOT_TEXT:
        return mt_usage(cli, _("an argument is not UTF-8 text"));
    default:
        break;
    }
    if (!fault->nearest)
        return mt_usage(cli, _("unknown flag %s"), fault->at);
    char *name = mt_flag_shown(fault->nearest, cli->lang);
    enum mt_exit status = mt_usage(cli, _("unknown flag %s; did you mean --%s?"), fault->at, name);
    free(name);
    return status;
}

static enum mt_exit unknown_command(struct mt_cli *cli, const struct mt_noun *noun,
                                    const char *word) {
    char *near = mt_command_nearest(noun, word);
    const char *base = noun ? noun->name : "";
    enum mt_exit status;
    if (near)
        status = mt_usage(cli, _("unknown command \"%s%s%s\"; did you mean: meent %s"), base,
                          noun ? " " : "", word, near);
    else
        status = mt_usage(cli, _("unknown command \"%s%s%s\""), base, noun ? " " : "", word);
    free(near);
    return status;
}

/* Finds the command. Out: `*used` arguments read; `*noun` when no verb followed it. */
static enum mt_exit find_command(struct mt_cli *cli, int argc, char **argv, struct mt_args *args,
                                 int *used, const struct mt_noun **noun) {
    struct mt_args_fault fault;
    *noun = NULL;
    if (mt_args_parse(args, &cli->flags, argc, argv, 1, used, &fault))
        return flag_fault(cli, &fault);
    if (args->n_words == 0)
        return MT_EXIT_OK;
    *noun = mt_noun_named(args->words[0]);
    if (!*noun)
        return unknown_command(cli, NULL, args->words[0]);
    struct mt_args more = *args;
    int more_used;
    bool ok = !mt_args_parse(&more, &cli->flags, argc - *used, argv + *used, 2, &more_used, &fault);
    if (ok && more.n_words == 2) {
        const struct mt_noun *said = *noun;
        cli->command = mt_command_of(said, more.words[1]);
        if (cli->command) {
            *args = more;
            *used += more_used;
            *noun = NULL;
        } else if (!said->takes_words) {
            return unknown_command(cli, said, more.words[1]);
        }
    }
    if (!cli->command)
        cli->command = mt_command_named((*noun)->fallback);
    args->n_words = 0;
    return MT_EXIT_OK;
}

static enum mt_exit run(struct mt_cli *cli, int argc, char **argv) {
    struct mt_args args = {.n_words = 0};
    struct mt_args_fault fault;
    const struct mt_noun *noun;
    int used, rest;
    mt_flags_add(&cli->flags, GLOBAL, MT_ARRAY_LEN(GLOBAL));
    enum mt_exit status = find_command(cli, argc, argv, &args, &used, &noun);
    if (status)
        return status;
    const struct mt_command *c = cli->command;
    for (const struct mt_flag *f = c ? c->flags : NULL; f && f->name; f++)
        mt_flags_add(&cli->flags, f, 1);
    if (c && c->kind)
        mt_flags_add_fields(&cli->flags, mt_schema_kind(c->kind), c->skip);
    if (mt_args_parse(&args, &cli->flags, argc - used, argv + used, MT_ARGS_WORDS_MAX + 1, &rest,
                      &fault))
        return flag_fault(cli, &fault);
    if ((status = apply_globals(cli, &args)))
        return status;
    if (mt_args_has(&args, "version")) {
        fprintf(cli->out, "meent %s\n", MEENT_VERSION);
        return MT_EXIT_OK;
    }
    if (!c || mt_args_has(&args, "help")) {
        mt_help_show(cli, noun, c);
        return MT_EXIT_OK;
    }
    if (args.n_words < c->min_words)
        return mt_usage(cli, _("too few arguments: meent %s %s"), c->name, _(c->words));
    if (args.n_words && !args.words[0][0] && c->name[0] != '_')
        return mt_usage(cli, _("an empty argument: meent %s %s"), c->name, _(c->words));
    if (args.n_words > c->max_words)
        return mt_usage(cli, _("unexpected argument \"%s\""), args.words[c->max_words]);
    return c->run(cli, &args);
}

static void *json_memory(size_t n) {
    return mt_must(malloc(n));
}

int mt_cli_main(int argc, char **argv) {
    struct mt_cli *cli = mt_must(calloc(1, sizeof *cli));
    json_set_alloc_funcs(json_memory, free);
    prepare(cli, argc, argv);
    enum mt_exit status = run(cli, argc > 0 ? argc - 1 : 0, argv + 1);
    if (!mt_flush(cli))
        status = mt_fail(cli, MT_EXIT_FAILED, "io", NULL, _("the output could not be written: %s"),
                         strerror(errno));
    mt_client_close(&cli->client);
    fclose(cli->out);
    free(cli->out_text);
    free(cli);
    return status;
}
