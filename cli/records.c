#include "records.h"

#include "json.h"
#include "text.h"
#include "words.h"

#include <stdlib.h>

enum { PAGE = 500 };

/* Adds the filters whose flags have names of their own. */
static enum mt_exit put_filters(struct mt_cli *cli, const struct mt_args *args, const char *kind,
                                json_t *filters) {
    static const struct {
        const char *flag, *field;
    } known[] = {{"world", "worlds"}, {"profile", "profiles"}};
    const struct mt_kind *k = mt_schema_kind_named(mt_slice_str(kind));
    enum mt_exit status = MT_EXIT_OK;
    for (size_t i = 0; i < MT_ARRAY_LEN(known) && !status; i++) {
        const char *text = mt_args_get(args, known[i].flag);
        if (!text)
            continue;
        status = mt_value_given(cli, known[i].flag,
                                mt_schema_field_named(k, mt_slice_str(known[i].field)), text);
        json_object_set_new(filters, known[i].field, json_string(text));
    }
    return status;
}

static enum mt_exit put_limit(struct mt_cli *cli, const char *text, json_t *params) {
    char *end;
    long n = strtol(text, &end, 10);
    if (*end || end == text || n < 1 || n > 1000000)
        return mt_usage(cli, _("--limit: \"%s\" is not a number from 1 to 1000000"), text);
    json_object_set_new(params, "limit", json_integer(n));
    return MT_EXIT_OK;
}

enum mt_exit mt_list_params(struct mt_cli *cli, const struct mt_args *args, const char *kind,
                            json_t **params) {
    static const char *const texts[] = {"text", "from", "until"};
    static const char *const switches[] = {"free", "mine"};
    json_t *filters;
    *params = NULL;
    uint32_t day;
    enum mt_exit status = mt_day_given(cli, args, "from", &day);
    status = status ? status : mt_day_given(cli, args, "until", &day);
    status = status ? status : mt_fields_given(cli, args, NULL, false, &filters);
    if (status)
        return status;
    if ((status = put_filters(cli, args, kind, filters))) {
        json_decref(filters);
        return status;
    }
    json_t *p = json_pack("{s:s, s:o}", "kind", kind, "filters", filters);
    for (size_t i = 0; i < MT_ARRAY_LEN(texts); i++)
        if (mt_args_has(args, texts[i]))
            json_object_set_new(p, texts[i], json_string(mt_args_get(args, texts[i])));
    for (size_t i = 0; i < MT_ARRAY_LEN(switches); i++)
        if (mt_args_has(args, switches[i]))
            json_object_set_new(p, switches[i], json_true());
    const char *limit = mt_args_get(args, "limit");
    if (limit && (status = put_limit(cli, limit, p))) {
        json_decref(p);
        return status;
    }
    *params = p;
    return MT_EXIT_OK;
}

enum mt_exit mt_list(struct mt_cli *cli, json_t *take_params, json_t **records) {
    json_int_t limit = mt_json_int(take_params, "limit", 0);
    json_int_t next = 0;
    enum mt_exit status = MT_EXIT_OK;
    *records = json_array();
    for (bool more = true; more;) {
        size_t have = json_array_size(*records);
        json_int_t want =
            limit && limit - (json_int_t)have < PAGE ? limit - (json_int_t)have : PAGE;
        json_t *params = json_copy(take_params), *result;
        json_object_set_new(params, next ? "at" : "offset",
                            json_integer(next ? next : (json_int_t)have));
        json_object_set_new(params, "limit", json_integer(want));
        json_object_set_new(params, "uncounted", json_true()); /* the total is not shown */
        status = mt_call(cli, "record.list", params, &result);
        if (status)
            break;
        json_t *page = json_object_get(result, "records");
        size_t got = json_array_size(page);
        json_array_extend(*records, page);
        have += got;
        /* With `next` there may be others, also when this page is empty. With `more` the total is
         * only what was counted so far. */
        next = mt_json_int(result, "next", 0);
        more = (!limit || (json_int_t)have < limit) &&
               (next > 0 || (got > 0 && (json_is_true(json_object_get(result, "more")) ||
                                         (json_int_t)have < mt_json_int(result, "total", 0))));
        json_decref(result);
    }
    json_decref(take_params);
    if (status) {
        json_decref(*records);
        *records = NULL;
    }
    return status;
}

enum mt_exit mt_list_given(struct mt_cli *cli, const struct mt_args *args, const char *kind,
                           json_t **records) {
    json_t *params;
    *records = NULL;
    enum mt_exit status = mt_list_params(cli, args, kind, &params);
    return status ? status : mt_list(cli, params, records);
}

enum mt_exit mt_show_rows(struct mt_cli *cli, json_t *take_rows, const struct mt_column *columns,
                          size_t n_columns, mt_row_fn *row, const char *empty) {
    size_t i;
    json_t *record;
    if (cli->json) {
        mt_put_json(cli, take_rows ? take_rows : json_array());
        return MT_EXIT_OK;
    }
    struct mt_table *t = mt_table_new(columns, n_columns);
    json_array_foreach(take_rows, i, record) {
        row(cli, t, record);
    }
    if (mt_table_rows(t) > 0)
        mt_table_print(t, cli->out, cli->width, cli->color);
    else
        mt_say(cli, "%s\n", empty);
    mt_table_free(t);
    json_decref(take_rows);
    return MT_EXIT_OK;
}

enum mt_exit mt_record(struct mt_cli *cli, const char *kind, const char *id, json_t **record) {
    json_t *result;
    *record = NULL;
    enum mt_exit status =
        mt_call(cli, "record.show", json_pack("{s:s, s:s}", "kind", kind, "id", id), &result);
    if (status)
        return status;
    json_t *inner = json_object_get(result, "record");
    *record = json_incref(json_is_object(inner) ? inner : result);
    json_decref(result);
    return MT_EXIT_OK;
}

/* One value of a field as people read it. Owns: the caller. */
static char *shown(const struct mt_cli *cli, const struct mt_field *f, const json_t *value) {
    const char *text = json_string_value(value);
    if (json_is_object(value)) {
        const char *name = mt_json_str(value, "name"), *id = mt_json_str(value, "id");
        return mt_text_safe(name ? name : id ? id : "?", false);
    }
    if (json_is_integer(value) && f->type == MT_FIELD_CENTS)
        return mt_text_format("€ %lld,%02lld", (long long)(json_integer_value(value) / 100),
                              (long long)(json_integer_value(value) % 100));
    if (json_is_integer(value))
        return mt_text_format("%lld", (long long)json_integer_value(value));
    if (json_is_boolean(value))
        return mt_text_copy(json_is_true(value) ? _("yes") : _("no"));
    if (text && f->vocab && f->type != MT_FIELD_IDENTS) {
        const struct mt_vocab_entry *e = mt_vocab_named(f->vocab, mt_slice_str(text));
        return mt_text_safe(e ? e->label[cli->lang] : text, false);
    }
    if (text && f->type == MT_FIELD_DATE) {
        char date[MT_WORDS_MAX];
        mt_words_date(cli->lang, text, date);
        return mt_text_safe(date, false);
    }
    if (text && f->type == MT_FIELD_CLOCK && strlen(text) >= 16) /* within a whole RFC 3339 time */
        return mt_text_format("%.5s", text + 11);
    return mt_text_safe(text ? text : "", f->type == MT_FIELD_TEXT);
}

static char *shown_list(const struct mt_cli *cli, const struct mt_field *f, const json_t *value) {
    if (!json_is_array(value))
        return shown(cli, f, value);
    char *out = mt_text_copy("");
    size_t i;
    json_t *item;
    json_array_foreach(value, i, item) {
        char *one = shown(cli, f, item),
             *longer = mt_text_format("%s%s%s", out, i ? "; " : "", one);
        free(out);
        free(one);
        out = longer;
    }
    return out;
}

/* Prints "Label   value", further lines of the value below it. */
static void put_line(struct mt_cli *cli, const char *label, int width, const char *text) {
    int pad = width - mt_text_width(label);
    fprintf(cli->out, "%s%*s", label, pad > 0 ? pad : 1, "");
    int room = cli->width - width - 1, at = 0;
    for (const char *p = text; *p;) {
        size_t n = strcspn(p, " \n");
        char *word = mt_text_format("%.*s", (int)n, p);
        int w = mt_text_width(word);
        if (at > 0 && at + w > room) {
            fprintf(cli->out, "\n%*s", width, "");
            at = 0;
        }
        fputs(word, cli->out);
        free(word);
        at += w + 1;
        if (p[n] == '\n') {
            fprintf(cli->out, "\n%*s", width, "");
            at = 0;
        } else if (p[n]) {
            fputc(' ', cli->out);
        }
        p += n + (p[n] != '\0');
    }
    fputc('\n', cli->out);
}

static bool has_value(const json_t *v) {
    return v && !json_is_null(v) && !(json_is_string(v) && json_string_length(v) == 0) &&
           !(json_is_array(v) && json_array_size(v) == 0);
}

void mt_show_record(struct mt_cli *cli, const struct mt_kind *kind, const json_t *record) {
    int width = 0;
    for (size_t i = 0; i < kind->n_fields; i++) {
        int w = mt_text_width(kind->fields[i].label[cli->lang]);
        if (has_value(json_object_get(record, kind->fields[i].name)) && w > width)
            width = w;
    }
    const char *entered = _("Entered by");
    width = (width > mt_text_width(entered) ? width : mt_text_width(entered)) + 2;
    const char *owner = mt_json_ref(record, "owner");
    char *safe = mt_text_safe(owner ? owner : "-", false);
    put_line(cli, "ID", width, mt_short_id(record));
    for (size_t i = 0; i < kind->n_fields; i++) {
        const struct mt_field *f = &kind->fields[i];
        const json_t *v = json_object_get(record, f->name);
        if (!has_value(v) || f->type == MT_FIELD_BIN)
            continue;
        char *text = shown_list(cli, f, v);
        put_line(cli, f->label[cli->lang], width, text);
        free(text);
    }
    if (mt_json_ref(record, "with")) {
        char *with = mt_text_safe(mt_json_ref(record, "with"), false);
        put_line(cli, _("With"), width, with);
        free(with);
    }
    put_line(cli, entered, width, safe);
    free(safe);
}

enum mt_exit mt_show_one(struct mt_cli *cli, uint16_t kind, const char *id) {
    const struct mt_kind *k = mt_schema_kind(kind);
    json_t *record;
    enum mt_exit status = mt_record(cli, k->name, id, &record);
    if (status)
        return status;
    if (cli->json) {
        mt_put_json(cli, record);
        return MT_EXIT_OK;
    }
    mt_show_record(cli, k, record);
    json_decref(record);
    return MT_EXIT_OK;
}

const char *mt_label(const struct mt_cli *cli, const struct mt_kind *kind, uint8_t field,
                     const json_t *record) {
    const struct mt_field *f = mt_schema_field(kind, field);
    const char *name = mt_json_str(record, f->name);
    const struct mt_vocab_entry *e = name ? mt_vocab_named(f->vocab, mt_slice_str(name)) : NULL;
    return e ? e->label[cli->lang] : name;
}

char *mt_period_text(const struct mt_cli *cli, const json_t *r) {
    char from[MT_WORDS_MAX] = "", until[MT_WORDS_MAX] = "";
    const char *a = mt_json_str(r, "from"), *b = mt_json_str(r, "until");
    if (a)
        mt_words_date(cli->lang, a, from);
    if (b)
        mt_words_date(cli->lang, b, until);
    if (!a && !b)
        return mt_text_copy("-");
    /* "1 dec 2026": what both have in common is said once */
    size_t same = a && b && strncmp(a, b, strlen("2026-12-")) == 0 ? strlen("2026-12-") : 0;
    if (!same && a && b && strncmp(a, b, strlen("2026-")) == 0)
        same = strlen("2026-");
    char *cut = same ? same == strlen("2026-") ? strrchr(from, ' ') : strchr(from, ' ') : NULL;
    if (cut)
        *cut = '\0';
    return mt_text_format(cut && same > strlen("2026-") ? "%s–%s" : "%s – %s", from, until);
}

const char *mt_decision_label(const struct mt_cli *cli, const json_t *r) {
    const char *label = mt_label(cli, mt_schema_kind(MT_KIND_ANSWER), MT_ANSWER_DECISION, r);
    const char *status = mt_json_str(r, "status");
    if (status && strcmp(status, "withdrawn") == 0)
        return mt_label(cli, mt_schema_kind(MT_KIND_SIGNUP), MT_COMMON_STATUS, r);
    return label ? label : _("no answer yet");
}

/* Changes what is asked for and says so. */
static enum mt_exit change(struct mt_cli *cli, const char *method, json_t *take_params,
                           const char *text) {
    json_t *result;
    enum mt_exit status = mt_change(cli, method, take_params, &result);
    return status ? status : mt_done(cli, result, text, mt_short_id(result), mt_short_id(result));
}

enum mt_exit mt_add(struct mt_cli *cli, const struct mt_args *args, uint16_t kind,
                    const char *text) {
    const struct mt_kind *k = mt_schema_kind(kind);
    json_t *fields;
    enum mt_exit status = mt_fields_given(cli, args, k, true, &fields);
    if (status)
        return status;
    return change(cli, "record.add", json_pack("{s:s, s:o}", "kind", k->name, "fields", fields),
                  text);
}

enum mt_exit mt_edit(struct mt_cli *cli, const struct mt_args *args, uint16_t kind, const char *id,
                     const char *text) {
    const struct mt_kind *k = mt_schema_kind(kind);
    json_t *fields;
    enum mt_exit status = mt_fields_given(cli, args, k, false, &fields);
    if (status)
        return status;
    if (json_object_size(fields) == 0) {
        json_decref(fields);
        return mt_usage(cli, _("nothing to change: give at least one flag"));
    }
    return change(cli, "record.edit",
                  json_pack("{s:s, s:s, s:o}", "kind", k->name, "id", id, "fields", fields), text);
}
