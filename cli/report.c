/* Output and errors of commands; see cli.h. */
#include "cli.h"

#include "json.h"
#include "table.h"
#include "text.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

void mt_say(struct mt_cli *cli, const char *fmt, ...) {
    va_list ap;
    if (cli->quiet || cli->json)
        return;
    va_start(ap, fmt);
    vfprintf(cli->out, fmt, ap);
    va_end(ap);
}

void mt_put_wrapped(struct mt_cli *cli, int column, const char *text) {
    int at = column;
    while (*text) {
        size_t n = strcspn(text, " ");
        char *word = mt_text_format("%.*s", (int)n, text);
        int w = mt_text_width(word);
        if (at > column && at + 1 + w > cli->width) {
            fprintf(cli->out, "\n%*s", column, "");
            at = column;
        }
        fprintf(cli->out, "%s%s", at > column ? " " : "", word);
        at += w + (at > column);
        free(word);
        text += n + (text[n] == ' ');
    }
    fputc('\n', cli->out);
}

void mt_put_json(struct mt_cli *cli, json_t *take_value) {
    json_dumpf(take_value, cli->out, JSON_COMPACT | JSON_ENCODE_ANY);
    fputc('\n', cli->out);
    json_decref(take_value);
}

/* Forgets what was gathered: it was written, or an error leaves standard output empty. */
static void drop_output(struct mt_cli *cli) {
    fclose(cli->out);
    free(cli->out_text);
    cli->out = mt_must(open_memstream(&cli->out_text, &cli->out_size));
}

static bool write_all(int fd, const char *p, size_t n) {
    while (n > 0) {
        ssize_t k = write(fd, p, n);
        if (k < 0 && errno != EINTR)
            return false;
        p += k < 0 ? 0 : k;
        n -= k < 0 ? 0 : (size_t)k;
    }
    return true;
}

static bool wants_pager(const struct mt_cli *cli, const char **pager) {
    if (!cli->out_terminal || cli->json || cli->no_input || cli->height <= 0)
        return false;
    const char *term = getenv("TERM"), *p = getenv("PAGER");
    if (!term || strcmp(term, "dumb") == 0 || (p && (!*p || strcmp(p, "cat") == 0)))
        return false;
    int lines = 0;
    for (size_t i = 0; i < cli->out_size; i++)
        lines += cli->out_text[i] == '\n';
    *pager = p ? p : "less -FRX";
    return lines >= cli->height;
}

bool mt_flush(struct mt_cli *cli) {
    const char *pager;
    if (fflush(cli->out) != 0 || ferror(cli->out))
        return false; /* there was no memory for it */
    bool ok = false;
    if (wants_pager(cli, &pager)) {
        /* a reader who leaves early is no error */
        void (*before)(int) = signal(SIGPIPE, SIG_IGN);
        FILE *p = popen(pager, "we");
        if (p) {
            fwrite(cli->out_text, 1, cli->out_size, p);
            ok = pclose(p) == 0;
        }
        signal(SIGPIPE, before);
    }
    if (!ok)
        ok = write_all(STDOUT_FILENO, cli->out_text, cli->out_size);
    int why = errno;
    drop_output(cli);
    errno = why;
    return ok;
}

static json_t *error_value(const char *code, const char *message, const char *hint, json_t *rows) {
    json_t *e = json_pack("{s:s, s:s, s:s?}", "code", code, "message", message, "hint", hint);
    if (e && rows)
        json_object_set(e, "rows", rows);
    return json_pack("{s:o}", "error", e);
}

static void print_json_error(struct mt_cli *cli, const char *code, const char *message,
                             const char *hint, json_t *rows) {
    json_t *v = error_value(code, message, hint, rows);
    json_dumpf(v, cli->err, JSON_COMPACT);
    fputc('\n', cli->err);
    json_decref(v);
}

static void print_error(struct mt_cli *cli, const char *code, const char *message,
                        const char *hint) {
    if (cli->json) {
        print_json_error(cli, code, message, hint, NULL);
        return;
    }
    char *safe = mt_text_safe(message, true);
    fprintf(cli->err, "meent: %s\n", safe);
    if (hint)
        fprintf(cli->err, "  %s\n", hint);
    free(safe);
}

enum mt_exit mt_fail(struct mt_cli *cli, enum mt_exit status, const char *code, const char *hint,
                     const char *fmt, ...) {
    va_list ap;
    char *message = NULL;
    va_start(ap, fmt);
    int n = vasprintf(&message, fmt, ap);
    va_end(ap);
    drop_output(cli);
    print_error(cli, code, n < 0 ? code : message, hint);
    free(n < 0 ? NULL : message);
    return status;
}

enum mt_exit mt_usage(struct mt_cli *cli, const char *fmt, ...) {
    va_list ap;
    char *message = NULL, *hint;
    va_start(ap, fmt);
    int n = vasprintf(&message, fmt, ap);
    va_end(ap);
    if (cli->command)
        hint = mt_text_format(_("See: meent %s --help"), cli->command->name);
    else
        hint = mt_text_format(_("See: meent help"));
    drop_output(cli);
    print_error(cli, "usage", n < 0 ? "usage" : message, hint);
    free(hint);
    free(n < 0 ? NULL : message);
    return MT_EXIT_USAGE;
}

void mt_put_rows(struct mt_cli *cli, json_t *rows) {
    const struct mt_column columns[] = {
        {_("ROW"), MT_COLUMN_RIGHT},
        {_("LINE"), MT_COLUMN_RIGHT},
        {_("COLUMN"), 0},
        {_("WHAT IS WRONG"), MT_COLUMN_WRAP},
    };
    struct mt_table *t = mt_table_new(columns, MT_ARRAY_LEN(columns));
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row) {
        char no[24], line[24];
        snprintf(no, sizeof no, "%lld", (long long)mt_json_int(row, "row", 0));
        snprintf(line, sizeof line, "%lld", (long long)mt_json_int(row, "line", 0));
        const char *cells[] = {no, line, mt_json_str(row, "column"), mt_json_str(row, "message")};
        mt_table_add(t, cells);
    }
    mt_table_print(t, cli->err, cli->width, false);
    mt_table_free(t);
}

enum mt_exit mt_fail_rows(struct mt_cli *cli, const char *code, const char *message,
                          const char *hint, json_t *rows) {
    drop_output(cli);
    if (cli->json) {
        print_json_error(cli, code, message, hint, rows);
        return MT_EXIT_FAILED;
    }
    mt_put_rows(cli, rows);
    print_error(cli, code, message, hint);
    return MT_EXIT_FAILED;
}
