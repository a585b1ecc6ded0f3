/* org, activity, contact and period import.
 *
 * The whole file is checked first; one wrong row and nothing of it is sent, unless --partial. Rows
 * go to the daemon in pieces, since one message holds about a megabyte; a few of them are under way
 * at once, so that one is prepared while another is written to disk. The daemon finds what is there
 * already, so an import that was interrupted can simply be run again. */
#include "commands.h"

#include "csv_import.h"
#include "import_rows.h"
#include "json.h"
#include "limits.h"
#include "records.h"
#include "table.h"
#include "text.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

enum {
    CHUNK_ROWS = 1024,
    CHUNK_BYTES = 512 * 1024,
    CALLS_MAX = 4, /* under way at once */
    READ_STEP = 256 * 1024
};

/* Reads all of `in`. Out: `*bytes` owned by the caller. False with errno; EFBIG beyond the cap. */
static bool read_all(FILE *in, uint8_t **bytes, size_t *n) {
    size_t cap = 0;
    *bytes = NULL;
    *n = 0;
    for (;;) {
        if (*n == cap) {
            cap += cap < READ_STEP ? READ_STEP : cap;
            uint8_t *more = realloc(*bytes, cap);
            if (!more)
                return false;
            *bytes = more;
        }
        size_t got = fread(*bytes + *n, 1, cap - *n, in);
        *n += got;
        if (*n > CSV_FILE_MAX) {
            errno = EFBIG;
            return false;
        }
        if (got == 0)
            return !ferror(in);
    }
}

static enum mt_exit load(struct mt_cli *cli, const char *path, const struct mt_kind *kind,
                         struct csv_file *file) {
    bool from_stdin = strcmp(path, "-") == 0;
    FILE *in = from_stdin ? stdin : fopen(path, "rbe");
    if (!in)
        return mt_fail(cli, errno == ENOENT ? MT_EXIT_NOT_FOUND : MT_EXIT_FAILED,
                       errno == ENOENT ? "not-found" : "io", NULL, "%s: %s", path, strerror(errno));
    uint8_t *bytes;
    size_t n;
    errno = 0;
    bool ok = read_all(in, &bytes, &n);
    int why = errno;
    if (!from_stdin)
        fclose(in);
    enum mt_exit status = MT_EXIT_OK;
    if (!ok && why == EFBIG)
        status = mt_fail(cli, MT_EXIT_FAILED, "too-long", _("Split the file and import the parts."),
                         _("%s is larger than 64 MiB"), path);
    else if (!ok)
        status = mt_fail(cli, MT_EXIT_FAILED, "io", NULL, "%s: %s", path, strerror(why));
    const struct mt_text_context ctx = {.today = cli->today};
    if (!status && csv_load(file, kind, mt_slice(bytes, n), &ctx)) {
        csv_close(file);
        status = mt_fail(cli, MT_EXIT_FAILED, "no-memory", NULL, _("out of memory"));
    }
    free(bytes);
    return status;
}

/* Sums and progress of one import. */
struct tally {
    json_int_t fresh, changed, unchanged, orgs;
    size_t sent, of;
    struct timespec start;
    bool drawn;
};

/* A call under way. */
struct piece {
    uint32_t id;
    struct mt_import_chunk chunk;
};

struct sender {
    struct mt_cli *cli;
    const struct csv_file *file;
    struct tally *tally;
    uint8_t *memory; /* MT_MESSAGE_MAX bytes */
    struct piece pieces[CALLS_MAX];
    size_t n;
    bool failed; /* then `error` says why, the first time */
    struct mt_client_error error;
};

static double seconds_since(const struct timespec *start) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - start->tv_sec) + (double)(now.tv_nsec - start->tv_nsec) / 1e9;
}

static void draw_progress(struct mt_cli *cli, struct tally *t) {
    double s = seconds_since(&t->start);
    if (!cli->err_terminal || cli->quiet || cli->json || s < 1.0 || t->sent == 0)
        return;
    double rate = (double)t->sent / s;
    fputc('\r', cli->err);
    fprintf(cli->err, _("%zu of %zu rows, %.0f a second, %.0f s left "), t->sent, t->of, rate,
            (double)(t->of - t->sent) / rate);
    fflush(cli->err);
    t->drawn = true;
}

/* The daemon counts rows from the start of the call. */
static void name_row(const struct csv_file *file, const struct mt_import_chunk *chunk,
                     struct mt_client_error *error) {
    unsigned n;
    int end = 0;
    if (sscanf(error->text, "row=%u%n", &n, &end) != 1)
        return;
    char *text =
        mt_text_format("row=%u%s", (unsigned)mt_import_row(file, chunk, n), error->text + end);
    snprintf(error->text, sizeof error->text, "%s", text);
    free(text);
}

static void send_piece(struct sender *s, const struct mt_import_chunk *chunk) {
    struct mt_writer w = mt_writer(s->memory, MT_MESSAGE_MAX);
    struct piece *p = &s->pieces[s->n];
    p->chunk = *chunk;
    mt_wire_put_map(&w, 3);
    mt_wire_put_cstr(&w, "kind");
    mt_wire_put_cstr(&w, s->file->kind->name);
    mt_wire_put_cstr(&w, "dry_run");
    mt_wire_put_bool(&w, s->cli->dry_run);
    mt_wire_put_cstr(&w, "rows");
    mt_import_put(s->file, chunk, &w);
    if (w.err) { /* one row that fits no message */
        snprintf(s->error.code, sizeof s->error.code, "too-long");
        s->failed = true;
    } else if (mt_client_send(&s->cli->client, "import", mt_writer_slice(&w), &p->id, &s->error)) {
        s->n++;
    } else {
        s->failed = true;
    }
}

static void add_result(struct tally *t, const json_t *result, size_t n) {
    t->fresh += mt_json_int(result, "new", 0);
    t->changed += mt_json_int(result, "changed", 0);
    t->unchanged += mt_json_int(result, "unchanged", 0);
    t->orgs += mt_json_int(result, "orgs_new", 0);
    t->sent += n;
}

/* Takes one answer, of whichever call it is. After an error those that are under way still count. */
static void take_answer(struct sender *s) {
    uint32_t id;
    json_t *result;
    struct mt_client_error error = {.code = ""};
    bool ok = mt_client_receive(&s->cli->client, &id, &result, &error);
    size_t at = 0;
    while (at < s->n && s->pieces[at].id != id)
        at++;
    if (at == s->n) { /* the connection is lost, and with it what is under way */
        s->n = 0;
        if (ok)
            snprintf(error.code, sizeof error.code, "protocol");
        ok = false;
    } else {
        struct piece piece = s->pieces[at];
        s->pieces[at] = s->pieces[--s->n];
        if (ok)
            add_result(s->tally, result, piece.chunk.n);
        else
            name_row(s->file, &piece.chunk, &error);
    }
    json_decref(result);
    if (!ok && !s->failed)
        s->error = error;
    s->failed = s->failed || !ok;
    draw_progress(s->cli, s->tally);
}

static void send_all(struct sender *s) {
    struct mt_import_chunk chunk = mt_import_next(s->file, 0, CHUNK_ROWS, CHUNK_BYTES);
    while (chunk.n > 0 && !s->failed) {
        if (s->n == CALLS_MAX)
            take_answer(s);
        if (s->failed)
            break;
        send_piece(s, &chunk);
        chunk = mt_import_next(s->file, chunk.end, CHUNK_ROWS, CHUNK_BYTES);
    }
    while (s->n > 0)
        take_answer(s);
}

/* Of an error that names a row, the row as those that were found here are shown. */
static json_t *row_of(const struct mt_cli *cli, const struct csv_file *file,
                      const struct mt_client_error *error) {
    char name[64] = "", code[32] = "";
    unsigned n = 0;
    uint32_t line = 0;
    if (sscanf(error->text, "row=%u field=%63[^ ] code=%31s", &n, name, code) != 3)
        return NULL;
    for (size_t i = 0; i < file->n_rows; i++)
        if (file->rows[i].row == n)
            line = file->rows[i].line;
    const struct mt_field *f = mt_schema_field_named(file->kind, mt_slice_str(name));
    enum mt_text_err err = mt_reason_named(code);
    char *message = err ? mt_reason(err, f, NULL, cli->lang) : mt_text_copy(mt_code_text(code));
    json_t *row = json_pack("{s:i, s:i, s:s, s:s, s:s}", "row", (int)n, "line", (int)line, "column",
                            f ? f->label[cli->lang] : name, "code", code, "message", message);
    free(message);
    return json_pack("[o]", row);
}

static enum mt_exit fail_sending(struct mt_cli *cli, const struct csv_file *file,
                                 const struct tally *t, const struct mt_client_error *error) {
    json_t *rows = row_of(cli, file, error);
    if (t->sent == 0 && !rows)
        return mt_fail_call(cli, error);
    char *why = rows ? mt_text_copy(_("a row is wrong")) : mt_call_text(cli, error);
    char *text = t->sent
                     ? mt_text_format(_("stopped after %zu of %zu rows: %s"), t->sent, t->of, why)
                     : mt_text_copy(why);
    const char *hint = _("Run the same import again: what is there already stays as it is.");
    if (rows && t->sent == 0)
        hint = _("Correct the file and try again.");
    enum mt_exit status = rows ? mt_fail_rows(cli, error->code, text, hint, rows)
                               : mt_fail(cli, MT_EXIT_FAILED, error->code, hint, "%s", text);
    free(text);
    free(why);
    json_decref(rows);
    return status;
}

static enum mt_exit send_file(struct mt_cli *cli, const struct csv_file *file, struct tally *t) {
    struct sender s = {.cli = cli, .file = file, .tally = t};
    t->of = file->n_rows - file->n_bad;
    clock_gettime(CLOCK_MONOTONIC, &t->start);
    s.memory = malloc(MT_MESSAGE_MAX);
    if (!s.memory)
        return mt_fail(cli, MT_EXIT_FAILED, "no-memory", NULL, _("out of memory"));
    s.failed = !mt_connect(cli, &s.error);
    if (!s.failed)
        send_all(&s);
    free(s.memory);
    if (!s.failed)
        return MT_EXIT_OK;
    if (t->drawn)
        fputc('\n', cli->err);
    return fail_sending(cli, file, t, &s.error);
}

static enum mt_exit report(struct mt_cli *cli, const struct csv_file *file, struct tally *t) {
    if (t->drawn)
        fprintf(cli->err, "\r%*s\r", 60, "");
    if (cli->json) {
        json_t *v = json_pack("{s:I, s:I, s:I}", "new", t->fresh, "changed", t->changed,
                              "unchanged", t->unchanged);
        mt_import_left_out(cli, file, v);
        mt_put_json(cli, v);
        return MT_EXIT_OK;
    }
    if (cli->dry_run)
        mt_say(cli, _("Dry run, nothing was changed. It would be: "));
    mt_say(cli, _("%lld new, %lld changed, %lld unchanged\n"), (long long)t->fresh,
           (long long)t->changed, (long long)t->unchanged);
    if (t->orgs > 0)
        mt_say(cli,
               _("%lld organisations were not known yet and were entered too: meent org list\n"),
               (long long)t->orgs);
    if (file->n_bad)
        mt_say(cli,
               ngettext("%zu row was skipped because something in it is wrong.\n",
                        "%zu rows were skipped because something in them is wrong.\n", file->n_bad),
               file->n_bad);
    return MT_EXIT_OK;
}

static enum mt_exit import(struct mt_cli *cli, const struct mt_args *args, uint16_t kind) {
    struct csv_file file = {0};
    struct tally tally = {0};
    enum mt_exit status = load(cli, args->words[0], mt_schema_kind(kind), &file);
    if (status)
        return status;
    bool partial = mt_args_has(args, "partial") && file.n_rows > file.n_bad;
    if (file.n_problems_seen > 0 && !partial) {
        status = mt_import_problems(cli, &file);
    } else {
        if (!cli->json)
            mt_import_warn(cli, &file);
        status = send_file(cli, &file, &tally);
        if (!status)
            status = report(cli, &file, &tally);
    }
    csv_close(&file);
    return status;
}

MT_COMMAND(org_import) {
    return import(cli, args, MT_KIND_ORG);
}

MT_COMMAND(activity_import) {
    return import(cli, args, MT_KIND_ACTIVITY);
}

MT_COMMAND(contact_import) {
    return import(cli, args, MT_KIND_CONTACT);
}

MT_COMMAND(period_import) {
    return import(cli, args, MT_KIND_PERIOD);
}
