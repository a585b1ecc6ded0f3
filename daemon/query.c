#include "query.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROWS_FIRST = 64, SECONDS_PER_DAY = 86400 };

size_t mt_text_fit(struct mt_slice s, size_t max) {
    size_t n = s.n < max ? s.n : max;
    while (n > 0 && !mt_utf8_valid(mt_slice(s.p, n)))
        n--;
    return n;
}

enum mt_err mt_query_say(struct mt_query *q, enum mt_err err, const char *format, ...) {
    if (q->message[0] != '\0')
        return err;
    va_list ap;
    va_start(ap, format);
    (void)vsnprintf(q->message, MT_QUERY_MESSAGE_MAX, format, ap);
    va_end(ap);
    q->message[mt_text_fit(mt_slice_str(q->message), MT_QUERY_MESSAGE_MAX - 1)] = '\0';
    return err;
}

static uint32_t local_day(uint64_t wall_ms) {
    uint64_t s = wall_ms / 1000;
    return (uint32_t)((s + (uint64_t)mt_amsterdam_offset(s)) / SECONDS_PER_DAY);
}

enum mt_err mt_query_open(struct mt_query *q, const struct mt_query_config *config,
                          char message[static MT_QUERY_MESSAGE_MAX]) {
    *q = (struct mt_query){.config = *config, .message = message};
    q->today = local_day(config->wall_ms);
    if (mt_id_is_zero(&config->region))
        return mt_query_say(q, MT_ESTATE, "this organisation is in no region yet");
    q->shown = malloc(MT_BOX_MAX);
    q->looked = malloc(MT_BOX_MAX);
    if (!q->shown || !q->looked)
        return MT_ENOMEM;
    enum mt_err err = mt_read_begin(config->store, &q->config.region, config->keys, &q->read);
    if (err)
        q->read.txn = NULL;
    return err;
}

static void keep_trouble(struct mt_query *q, enum mt_err err) {
    if (q->trouble == MT_OK && err != MT_ENOKEY)
        q->trouble = err;
}

enum mt_err mt_query_trouble(struct mt_query *q) {
    uint64_t n;
    if (q->read.txn) /* what failed in a transaction fails every later read of it */
        keep_trouble(q, mt_read_waiting(&q->read, &n));
    return q->trouble;
}

void mt_query_close(struct mt_query *q) {
    (void)!mt_query_trouble(q);
    if (q->read.txn)
        mt_read_end(&q->read);
    q->read.txn = NULL;
    mt_org_book_unref(q->book);
    q->book = NULL;
    free(q->shown);
    free(q->looked);
    q->shown = q->looked = NULL;
}

/* ---- rows ---- */

/* Rows are collected before any of them is read, so that reading one never moves the index under
 * us. */
static bool keep_row(void *arg, uint64_t row) {
    struct mt_rows *rows = arg;
    if (rows->n == rows->max)
        return false;
    if (rows->n == rows->cap) {
        size_t cap = rows->cap ? 2 * rows->cap : ROWS_FIRST;
        uint64_t *p = realloc(rows->p, cap * sizeof *p);
        if (!p) {
            rows->failed = true;
            return false;
        }
        rows->p = p;
        rows->cap = cap;
    }
    rows->p[rows->n++] = row;
    return rows->n < rows->max;
}

enum mt_err mt_rows_add(struct mt_rows *rows, uint64_t row) {
    (void)keep_row(rows, row);
    return rows->failed ? MT_ENOMEM : MT_OK;
}

enum mt_err mt_query_rows_add(struct mt_query *q, const struct mt_index_query *index,
                              struct mt_rows *rows) {
    enum mt_err err = mt_read_index(&q->read, index, keep_row, rows);
    return err ? err : rows->failed ? MT_ENOMEM : MT_OK;
}

enum mt_err mt_query_rows_max(struct mt_query *q, const struct mt_index_query *index, size_t max,
                              struct mt_rows *out) {
    *out = (struct mt_rows){.max = max};
    return mt_query_rows_add(q, index, out);
}

enum mt_err mt_query_rows(struct mt_query *q, const struct mt_index_query *index,
                          struct mt_rows *out) {
    return mt_query_rows_max(q, index, SIZE_MAX, out);
}

void mt_rows_free(struct mt_rows *rows) {
    free(rows->p);
    *rows = (struct mt_rows){0};
}

enum mt_err mt_query_refs(struct mt_query *q, uint16_t kind, const struct mt_rid *id,
                          struct mt_rows *out) {
    struct mt_slice value = mt_slice(id->b, sizeof id->b);
    struct mt_index_query index = {
        .type = MT_INDEX_REF, .all_audiences = true, .kind = kind, .from = value, .to = value};
    return mt_query_rows(q, &index, out);
}

/* Rows come from an index or from another record, so one that is not there is damage. */
static enum mt_err read_into(struct mt_query *q, uint64_t row, uint8_t *memory,
                             struct mt_view *out) {
    struct mt_writer w = mt_writer(memory, MT_BOX_MAX);
    enum mt_err err = mt_read_row(&q->read, row, &w, out);
    if (err == MT_ENOTFOUND)
        err = MT_ECORRUPT;
    keep_trouble(q, err);
    return err;
}

enum mt_err mt_query_show(struct mt_query *q, uint64_t row, struct mt_view *out) {
    return read_into(q, row, q->shown, out);
}

enum mt_err mt_query_look(struct mt_query *q, uint64_t row, struct mt_view *out) {
    return read_into(q, row, q->looked, out);
}

/* ---- ids ---- */

static bool is_hex(struct mt_slice s) {
    for (size_t i = 0; i < s.n; i++)
        if (!((s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'a' && s.p[i] <= 'f') ||
              (s.p[i] >= 'A' && s.p[i] <= 'F')))
            return false;
    return s.n > 0;
}

/* Names the candidates "a7f3 Gastles, a7f9 Excursie". */
static enum mt_err say_candidates(struct mt_query *q, const uint64_t *rows, size_t n) {
    char list[MT_QUERY_MESSAGE_MAX / 2];
    size_t at = 0;
    list[0] = '\0';
    for (size_t i = 0; i < n && at < sizeof list; i++) {
        struct mt_view v;
        if (mt_query_look(q, rows[i], &v))
            continue;
        struct mt_slice title = mt_query_title(&v);
        char hex[33];
        mt_hex(hex, v.id.b, sizeof v.id.b);
        size_t digits = mt_query_short(q, v.kind, &v.id);
        int put = snprintf(list + at, sizeof list - at, "%s%.*s %.*s", at ? ", " : "", (int)digits,
                           hex, (int)mt_text_fit(title, 40), (const char *)title.p);
        at += put > 0 ? (size_t)put : 0;
    }
    return mt_query_say(q, MT_EAMBIGUOUS, "%s", list);
}

enum mt_err mt_query_prefix(struct mt_query *q, uint16_t kind, struct mt_slice hex,
                            struct mt_view *out) {
    uint64_t rows[MT_QUERY_CANDIDATES_MAX];
    size_t n = 0;
    hex = mt_text_trim(hex);
    if (hex.n < MT_QUERY_SHORT_MIN || hex.n > 2 * sizeof out->id.b || !is_hex(hex))
        return mt_query_say(q, MT_ENOTFOUND, "an id is 4 to 32 hexadecimal digits");
    enum mt_err err = mt_read_prefix(&q->read, kind, hex, rows, MT_ARRAY_LEN(rows), &n);
    if (err)
        return err;
    if (n == 0)
        return mt_query_say(q, MT_ENOTFOUND, "no record has an id that starts with %.*s",
                            (int)hex.n, (const char *)hex.p);
    if (n > 1)
        return say_candidates(q, rows, n);
    err = mt_query_show(q, rows[0], out);
    if (err)
        return err;
    if (out->audience_no != 0 && !q->config.personal)
        return mt_query_say(q, MT_EDENIED, "records between two parties need the right 'personal'");
    return MT_OK;
}

size_t mt_query_short(struct mt_query *q, uint16_t kind, const struct mt_rid *id) {
    char hex[2 * sizeof id->b + 1];
    mt_hex(hex, id->b, sizeof id->b);
    for (size_t digits = MT_QUERY_SHORT_MIN; digits < sizeof hex - 1; digits++) {
        uint64_t rows[2];
        size_t n = 0;
        if (mt_read_prefix(&q->read, kind, mt_slice(hex, digits), rows, 2, &n))
            break;
        if (n <= 1)
            return digits;
    }
    return sizeof hex - 1;
}

enum mt_err mt_query_ref(struct mt_query *q, const struct mt_id *audience, const struct mt_ref *ref,
                         struct mt_view *out) {
    uint64_t row;
    enum mt_err err = mt_read_find(&q->read, ref->audience == 0 ? NULL : audience, &ref->owner,
                                   ref->kind, &ref->id, &row);
    if (err != MT_ENOTFOUND)
        keep_trouble(q, err);
    return err ? err : mt_query_look(q, row, out);
}
