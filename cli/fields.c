/* Values people type: from flags and prompts to the fields of a record; see records.h. */
#include "records.h"

#include "help.h"
#include "limits.h"
#include "text.h"

#include <stdlib.h>

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

/* A flag of the command as people write it in their language. Owns: the caller. */
static char *flag_named(const struct mt_cli *cli, const char *name) {
    const struct mt_flag *flag = mt_flags_find(&cli->flags, name);
    return flag ? mt_flag_shown(flag, cli->lang) : mt_text_copy(name);
}

enum mt_exit mt_value_given(struct mt_cli *cli, const char *flag, const struct mt_field *f,
                            const char *text) {
    enum mt_text_err err = check(cli, f, text);
    if (err == MT_TEXT_OK)
        return MT_EXIT_OK;
    char *shown = flag_named(cli, flag), *why = mt_reason(err, f, text, cli->lang);
    enum mt_exit status = mt_usage(cli, "--%s: %s", shown, why);
    free(why);
    free(shown);
    return status;
}

static enum mt_exit put(struct mt_cli *cli, json_t *fields, const struct mt_field *f,
                        const char *text) {
    enum mt_exit status = mt_value_given(cli, f->name, f, text);
    if (status)
        return status;
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
        char *shown = flag_named(cli, f->name),
             *longer = mt_text_format("%s%s--%s", missing, *missing ? ", " : "", shown);
        free(shown);
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
    if (!status && complete && kind)
        status = complete_fields(cli, kind, *fields);
    if (status) {
        json_decref(*fields);
        *fields = NULL;
    }
    return status;
}

enum mt_exit mt_day_given(struct mt_cli *cli, const struct mt_args *args, const char *flag,
                          uint32_t *day) {
    const char *text = mt_args_get(args, flag);
    const struct mt_field field = {.type = MT_FIELD_DATE, .name = flag};
    const struct mt_text_context ctx = {.today = cli->today};
    uint8_t memory[16];
    struct mt_writer w = mt_writer(memory, sizeof memory);
    if (!text)
        return MT_EXIT_OK;
    enum mt_text_err err = mt_schema_parse(&field, mt_slice_str(text), &ctx, &w);
    struct mt_reader r = mt_reader(mt_writer_slice(&w));
    uint32_t read = err ? 0 : (uint32_t)mt_wire_uint(&r, UINT32_MAX);
    if (err || r.err) {
        char *why = mt_reason(err ? err : MT_TEXT_NOT_DATE, &field, text, cli->lang);
        char *shown = flag_named(cli, flag);
        enum mt_exit status = mt_usage(cli, "--%s: %s", shown, why);
        free(shown);
        free(why);
        return status;
    }
    *day = read;
    return MT_EXIT_OK;
}
