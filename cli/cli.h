/* cli: what every command works with: its settings, its output, its errors and the daemon. */
#ifndef MEENT_CLI_H
#define MEENT_CLI_H

#include "args.h"
#include "client.h"
#include "lang.h"

#include <jansson.h>
#include <stdio.h>

#define MT_CLI_SOCKET "/run/meent/ctl.sock" /* where none is named */

/* What a script learns from the exit status. */
enum mt_exit {
    MT_EXIT_OK = 0,
    MT_EXIT_FAILED = 1,
    MT_EXIT_USAGE = 2,
    MT_EXIT_NOT_FOUND = 3,
    MT_EXIT_DENIED = 4,
    MT_EXIT_NO_DAEMON = 5,
    MT_EXIT_NOT_SPREAD = 6,
    MT_EXIT_CONFLICT = 7,
};

struct mt_cli {
    FILE *out;      /* memory, until the command is done: an error leaves standard output empty */
    char *out_text; /* its bytes */
    size_t out_size;
    FILE *err; /* standard error */
    bool json, no_input, quiet, no_color, dry_run;
    const char *socket; /* path of the control socket */
    enum mt_lang lang;
    bool out_terminal, err_terminal, in_terminal;
    bool color;
    int width, height; /* of the terminal, or 80 and 0 */
    uint64_t now;      /* Unix seconds */
    uint32_t today;    /* days since 1970 in Amsterdam */
    const struct mt_command *command;
    struct mt_flags flags; /* of the command */
    struct mt_client client;
    bool connected;
};

/* One command. Texts are English and translated when shown. */
struct mt_command {
    const char *name;  /* "activity add" */
    const char *words; /* the words that follow it, as in "NAME [FILE]"; NULL: none */
    uint8_t min_words, max_words;
    const struct mt_flag *flags; /* its own; ends with a NULL name; NULL: none */
    uint16_t kind;               /* whose fields become flags; 0: none */
    const char *skip;            /* fields that do not */
    const char *summary;
    const char *examples; /* lines "meent …" */
    enum mt_exit (*run)(struct mt_cli *cli, const struct mt_args *args);
};

/* What `main` does: reads the command line, runs the command, writes its output. */
int mt_cli_main(int argc, char **argv);

/* ---- output ---- */

/* Prints to the output, unless --quiet or --json asked for none. For confirmations. */
void mt_say(struct mt_cli *cli, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Prints words of `text` in lines from `column`, where the cursor is, to the right margin. */
void mt_put_wrapped(struct mt_cli *cli, int column, const char *text);

/* Prints one JSON value and a line end to the output. Takes over `value`. */
void mt_put_json(struct mt_cli *cli, json_t *take_value);

/* Writes what was put out so far. Returns false when it could not be written. */
bool mt_flush(struct mt_cli *cli);

/* ---- errors; all return the exit status they were given or that belongs to the error ---- */

/* One error line: `code` is for scripts, `hint` says what to do next (translated, or NULL). */
enum mt_exit mt_fail(struct mt_cli *cli, enum mt_exit status, const char *code, const char *hint,
                     const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* Wrong use, with a pointer to the command's help. */
enum mt_exit mt_usage(struct mt_cli *cli, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Prints rows {row, line, column, code, message} (borrowed) as a table on standard error. */
void mt_put_rows(struct mt_cli *cli, json_t *rows);

/* An error with such rows. */
enum mt_exit mt_fail_rows(struct mt_cli *cli, const char *code, const char *message,
                          const char *hint, json_t *rows);

/* What the daemon or the connection to it said. */
enum mt_exit mt_fail_call(struct mt_cli *cli, const struct mt_client_error *error);

/* The same as a sentence. Owns: the caller. */
char *mt_call_text(const struct mt_cli *cli, const struct mt_client_error *error);

/* What an error code means, translated; the code itself when it is not known. */
const char *mt_code_text(const char *code);

/* The same for a link to another organisation. */
const char *mt_link_text(const char *code);

/* How joining stands while the inviter has no request of ours, and what to do: two lines. `error`: of
 * the last call, or NULL. Owns: the caller. */
char *mt_calling_text(const char *error);

/* ---- the daemon ---- */

/* Calls a method; takes over `params` (NULL: none), connects at the first call. Prints the error.
 * Out: `*result`, owned by the caller, NULL on error. */
MT_MUST enum mt_exit mt_call(struct mt_cli *cli, const char *method, json_t *take_params,
                             json_t **result);

/* Connects unless it is done. Errors: false with `error` filled in. */
MT_MUST bool mt_connect(struct mt_cli *cli, struct mt_client_error *error);

/* As mt_call, without printing the error. */
MT_MUST bool mt_try(struct mt_cli *cli, const char *method, json_t *take_params, json_t **result,
                    struct mt_client_error *error);

/* As mt_call for a method that changes something: with --dry-run it is only shown what would be
 * asked, and `*result` is NULL with MT_EXIT_OK. */
MT_MUST enum mt_exit mt_change(struct mt_cli *cli, const char *method, json_t *take_params,
                               json_t **result);

/* Ends a change: prints {"id": …} with --json, else `fmt`. Takes over `result` (NULL: nothing). */
enum mt_exit mt_done(struct mt_cli *cli, json_t *take_result, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The short form of a result's id, fit for printing. Borrowed from `result`. */
const char *mt_short_id(const json_t *result);

/* Asks a question on the terminal. Owns: the caller. NULL when there is nobody to ask or no
 * answer came. */
char *mt_ask(struct mt_cli *cli, const char *question);

#endif
