#include "query.h"

const char *mt_text_err_code(enum mt_text_err err) {
    switch (err) {
    case MT_TEXT_OK:
        return "ok";
    case MT_TEXT_MISSING:
        return "missing";
    case MT_TEXT_NOT_DATE:
        return "not-date";
    case MT_TEXT_NOT_CLOCK:
        return "not-clock";
    case MT_TEXT_NOT_WEEK:
        return "not-week";
    case MT_TEXT_NOT_NUMBER:
        return "not-number";
    case MT_TEXT_TOO_SMALL:
        return "too-small";
    case MT_TEXT_TOO_LARGE:
        return "too-large";
    case MT_TEXT_NOT_WORD:
        return "not-word";
    case MT_TEXT_NOT_BOOL:
        return "not-bool";
    case MT_TEXT_TOO_LONG:
        return "too-long";
    case MT_TEXT_TOO_MANY:
        return "too-many";
    case MT_TEXT_NOT_TEXT:
        return "not-text";
    case MT_TEXT_NOT_REF:
        return "not-ref";
    case MT_TEXT_NOT_IDENT:
        return "not-ident";
    case MT_TEXT_ORDER:
        return "order";
    case MT_TEXT_OUTSIDE:
        return "outside-week";
    case MT_TEXT_NO_START:
        return "no-start";
    }
    return "invalid";
}

/* Adds "field: " before what the message says. */
static enum mt_err say_field(struct mt_query *q, const struct mt_field *field, enum mt_err err) {
    char text[MT_QUERY_MESSAGE_MAX];
    size_t n = strlen(q->message);
    memcpy(text, q->message, n + 1);
    q->message[0] = '\0';
    return mt_query_say(q, err, "%s: %s", field->name, n ? text : mt_err_text(err));
}

/* A reference to a record that stands where the new one goes, or in the region. */
static enum mt_err put_record_ref(struct mt_query *q, uint16_t kind, struct mt_slice text,
                                  const struct mt_id *channel, struct mt_writer *out) {
    struct mt_view v;
    enum mt_err err = mt_query_prefix(q, kind, text, &v);
    if (err)
        return err;
    if (v.audience_no != 0 && (!channel || !mt_id_eq(&v.audience, channel)))
        return mt_query_say(q, MT_EINVALID, "a record of another channel cannot be named here");
    struct mt_ref ref = {
        .audience = v.audience_no != 0, .owner = v.owner, .kind = v.kind, .id = v.id};
    mt_ref_put(out, &ref);
    return out->err;
}

static enum mt_err put_one_ref(struct mt_query *q, const struct mt_field *field,
                               struct mt_slice text, const struct mt_id *channel,
                               struct mt_writer *out) {
    const struct mt_text_context ctx = {.today = q->today};
    struct mt_field single = *field;
    single.type = MT_FIELD_REF;
    if (mt_schema_parse(&single, text, &ctx, out) == MT_TEXT_OK)
        return out->err;
    if (field->ref_kind != MT_KIND_ORG)
        return put_record_ref(q, field->ref_kind, text, channel, out);
    const struct mt_org *org;
    enum mt_err err = mt_query_org(q, text, &org);
    if (err)
        return err;
    struct mt_ref ref = {.owner = org->owner, .kind = MT_KIND_ORG, .id = org->id};
    mt_ref_put(out, &ref);
    return out->err;
}

static enum mt_err put_refs(struct mt_query *q, const struct mt_field *field, struct mt_slice text,
                            const struct mt_id *channel, struct mt_writer *out) {
    uint32_t n = 0;
    struct mt_slice rest = text;
    while (rest.p && n <= MT_LIST_MAX)
        n += mt_text_trim(mt_text_cut(&rest, '|')).n > 0;
    if (n > MT_LIST_MAX)
        return mt_query_say(q, MT_EINVALID, "too-many");
    mt_wire_put_array(out, n);
    enum mt_err err = MT_OK;
    for (rest = text; !err && rest.p;) {
        struct mt_slice one = mt_text_trim(mt_text_cut(&rest, '|'));
        if (one.n)
            err = put_one_ref(q, field, one, channel, out);
    }
    return err;
}

enum mt_err mt_query_value(struct mt_query *q, const struct mt_field *field, struct mt_slice text,
                           const struct mt_id *channel, struct mt_writer *out) {
    const struct mt_text_context ctx = {.today = q->today};
    enum mt_err err = MT_OK;
    text = mt_text_trim(text);
    if (text.n == 0) {
        mt_wire_put_nil(out);
        return out->err;
    }
    if (field->type == MT_FIELD_REF) {
        err = put_one_ref(q, field, text, channel, out);
    } else if (field->type == MT_FIELD_REFS) {
        err = put_refs(q, field, text, channel, out);
    } else {
        enum mt_text_err bad = mt_schema_parse(field, text, &ctx, out);
        if (bad)
            return mt_query_say(q, MT_EINVALID, "field=%s code=%s", field->name,
                                mt_text_err_code(bad));
    }
    return err ? say_field(q, field, err) : out->err;
}
