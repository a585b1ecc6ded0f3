#include "ctl_cmd_internal.h"

#include <stdlib.h>

enum { VALUES_SIZE = 2 * MT_BOX_MAX, BYTES_FIRST = 16 * 1024, ENTRIES_FIRST = 4 };

/* ---- entries ---- */

void draft_init(struct draft *d, const struct mt_id *audience) {
    *d = (struct draft){.err = MT_OK};
    if (audience)
        d->audience = *audience;
}

void draft_free(struct draft *d) {
    free(d->bytes);
    free(d->entries);
    free(d->group);
    *d = (struct draft){.err = MT_OK};
}

/* Makes room for `n` more elements of `size` bytes. */
static bool room(struct draft *d, void **p, size_t *cap, size_t used, size_t n, size_t size) {
    size_t cap_new = *cap ? *cap : (size == 1 ? BYTES_FIRST : ENTRIES_FIRST);
    while (cap_new < used + n)
        cap_new *= 2;
    if (cap_new == *cap)
        return true;
    void *bigger = realloc(*p, cap_new * size);
    if (!bigger) {
        d->err = MT_ENOMEM;
        return false;
    }
    *p = bigger;
    *cap = cap_new;
    return true;
}

/* Closes the entry that is being filled. */
static void end_group(struct draft *d) {
    if (d->group_changes == 0 || d->err)
        return;
    void *bytes = d->bytes, *entries = d->entries;
    if (!room(d, &bytes, &d->cap, d->n, d->group_n + 16, 1))
        return;
    d->bytes = bytes;
    if (!room(d, &entries, &d->cap_entries, d->n_entries, 1, sizeof *d->entries))
        return;
    d->entries = entries;
    struct mt_writer w = mt_writer(d->bytes + d->n, d->cap - d->n);
    mt_changes_begin(&w, d->group_changes);
    mt_wire_put_raw(&w, mt_slice(d->group, d->group_n));
    d->err = w.err;
    d->entries[d->n_entries++] = mt_slice(NULL, w.n);
    d->n += w.n;
    d->group_n = 0;
    d->group_changes = 0;
}

void draft_add(struct draft *d, const struct mt_kind *kind, const struct mt_rid *id,
               const struct mt_fieldset *set) {
    size_t need = 64;
    for (unsigned no = 0; no < MT_FIELDS_MAX; no++)
        need += set->mask >> no & 1 ? 1 + set->v[no].n : 0;
    if (d->err)
        return;
    if (need > CMD_CHANGE_MAX) {
        d->err = MT_ETOOLONG;
        return;
    }
    if (d->group_n + need > CMD_GROUP_BYTES_MAX || d->group_changes == MT_CHANGES_MAX)
        end_group(d);
    void *group = d->group;
    if (d->err || !room(d, &group, &d->group_cap, d->group_n, need, 1))
        return;
    d->group = group;
    struct mt_writer w = mt_writer(d->group + d->group_n, d->group_cap - d->group_n);
    mt_change_begin(&w, kind->no, kind->major, kind->minor, id, mt_fieldset_count(set));
    for (unsigned no = 0; no < MT_FIELDS_MAX; no++)
        if (set->mask >> no & 1) {
            mt_wire_put_uint(&w, no);
            mt_wire_put_raw(&w, set->v[no]);
        }
    d->err = w.err;
    d->group_n += w.n;
    d->group_changes++;
    if (kind->personal || kind->pair)
        end_group(d);
}

enum mt_err draft_end(struct draft *d) {
    end_group(d);
    size_t at = 0;
    for (size_t i = 0; i < d->n_entries; i++) {
        d->entries[i].p = d->bytes + at;
        at += d->entries[i].n;
    }
    return d->err;
}

enum mt_err draft_submit(struct draft *d, struct cmd *c) {
    enum mt_err err = draft_end(d);
    if (!err && d->n_entries > UINT32_MAX)
        err = MT_ETOOLONG;
    if (!err && d->n_entries > 0) {
        struct mt_command command = {.type = MT_CMD_WRITE,
                                     .audience = d->audience,
                                     .contents = d->entries,
                                     .n_contents = (uint32_t)d->n_entries};
        err = cmd_submit(c, &command, NULL);
    }
    draft_free(d);
    return err;
}

/* ---- values ---- */

enum mt_err values_init(struct values *v) {
    *v = (struct values){.memory = malloc(VALUES_SIZE)};
    v->w = mt_writer(v->memory, v->memory ? VALUES_SIZE : 0);
    return v->memory ? MT_OK : MT_ENOMEM;
}

void values_free(struct values *v) {
    free(v->memory);
    v->memory = NULL;
}

/* Notes what was written since `at` as the value of a field. */
static void keep(struct values *v, uint8_t no, size_t at) {
    if (v->w.err == MT_OK)
        mt_fieldset_set(&v->set, no, mt_slice(v->w.p + at, v->w.n - at));
}

void values_uint(struct values *v, uint8_t no, uint64_t value) {
    size_t at = v->w.n;
    mt_wire_put_uint(&v->w, value);
    keep(v, no, at);
}

void values_str(struct values *v, uint8_t no, struct mt_slice value) {
    size_t at = v->w.n;
    mt_wire_put_str(&v->w, value);
    keep(v, no, at);
}

void values_ref(struct values *v, uint8_t no, const struct mt_ref *ref) {
    size_t at = v->w.n;
    mt_ref_put(&v->w, ref);
    keep(v, no, at);
}

void values_bin(struct values *v, uint8_t no, const void *p, size_t n) {
    size_t at = v->w.n;
    mt_wire_put_bin(&v->w, p, n);
    keep(v, no, at);
}

enum mt_err values_text(struct cmd *c, struct values *v, const struct mt_field *field,
                        struct mt_slice text, const struct mt_id *channel) {
    size_t at = v->w.n;
    if (field->flags & MT_FIELD_PREPARED)
        return cmd_say(c, MT_EINVALID, "field=%s code=prepared", field->name);
    enum mt_err err = mt_query_value(&c->q, field, text, channel, &v->w);
    if (!err)
        keep(v, field->no, at);
    return err;
}

enum mt_err values_fields(struct cmd *c, struct values *v, const struct mt_kind *kind,
                          struct mt_slice fields, bool skip_empty, const struct mt_id *channel) {
    struct mt_reader r = mt_reader(fields);
    enum mt_err err = MT_OK;
    for (uint32_t left = mt_wire_map(&r, UINT32_MAX); !err && left > 0 && !r.err; left--) {
        struct mt_slice name = mt_wire_str(&r, 100);
        bool is_nil = mt_wire_peek(&r) == MT_WIRE_NIL;
        struct mt_slice text = mt_slice("", 0);
        if (is_nil)
            mt_wire_nil(&r);
        else
            text = mt_text_trim(mt_wire_str(&r, MT_MESSAGE_MAX));
        if (r.err)
            break;
        const struct mt_field *f = mt_schema_field_named(kind, name);
        if (!f)
            return cmd_say(c, MT_EINVALID, "field=%.*s code=unknown", (int)mt_text_fit(name, 60),
                           (const char *)name.p);
        if (text.n > 0 || !skip_empty)
            err = values_text(c, v, f, text, channel);
    }
    return err     ? err
           : r.err ? cmd_say(c, MT_EINVALID, "fields are a map of names and texts")
                   : MT_OK;
}

void values_changed(struct values *v, struct mt_slice fields) {
    for (unsigned no = 0; no < MT_FIELDS_MAX; no++) {
        struct mt_slice before;
        if (!(v->set.mask >> no & 1))
            continue;
        bool had = fields.n > 0 && mt_fields_find(fields, no, &before) == MT_OK &&
                   !mt_value_is_nil(before);
        bool same = had ? mt_slice_eq(before, v->set.v[no]) : mt_value_is_nil(v->set.v[no]);
        if (same)
            mt_fieldset_drop(&v->set, no);
    }
}

enum mt_err cmd_check_fields(struct cmd *c, const struct mt_kind *kind, struct mt_slice fields) {
    const struct mt_field *bad = NULL;
    enum mt_text_err why = mt_schema_check_fields(kind, fields, true, &bad);
    if (why)
        return cmd_say(c, MT_EINVALID, "field=%s code=%s", bad ? bad->name : "",
                       mt_text_err_code(why));
    return MT_OK;
}

enum mt_err values_check(struct cmd *c, const struct values *v, const struct mt_kind *kind,
                         struct mt_slice before) {
    struct mt_fieldset after = {.mask = 0};
    if (v->w.err)
        return v->w.err;
    if (before.n)
        mt_fieldset_load(&after, before);
    for (unsigned no = 0; no < MT_FIELDS_MAX; no++) {
        if (!(v->set.mask >> no & 1))
            continue;
        if (mt_value_is_nil(v->set.v[no]))
            mt_fieldset_drop(&after, no);
        else
            mt_fieldset_set(&after, no, v->set.v[no]);
    }
    size_t size = v->w.n + before.n + 256;
    uint8_t *memory = malloc(size);
    if (!memory)
        return MT_ENOMEM;
    struct mt_writer w = mt_writer(memory, size);
    mt_fieldset_put(&after, &w);
    enum mt_err err = cmd_check_fields(c, kind, mt_writer_slice(&w));
    free(memory);
    return err;
}
