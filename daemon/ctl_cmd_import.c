/* ctl_cmd_import: rows of a file become changes.
 *
 * A row is recognised by what identifies it (its number in the system it comes from, else the
 * fields the schema marks), an organisation also by a number it shares with one we entered. What
 * is there already is compared field by field; empty cells say nothing. Organisations that a row
 * names and nobody knows are entered on the way. All changes of one call are written together, so
 * that a call that fails leaves nothing behind. Calls need not wait for each other: see
 * ctl_cmd_import_turn.c. */
#include "ctl_cmd_internal.h"

#include <stdlib.h>

/* A record that this call makes or changes. */
struct pending {
    struct mt_rid id;
    uint8_t identity[16];
    uint8_t *map; /* its fields, encoded; from malloc */
    size_t n;
};

/* An organisation that rows name, looked up once. */
struct named {
    struct mt_slice text; /* in the parameters */
    uint32_t hash;
    struct mt_ref ref;
    bool is_new; /* entered by this call */
};

/* What the heading of a column means. Rows have theirs in the same order, mostly. */
struct column {
    struct mt_slice name;
    const struct mt_field *field;
};

struct import {
    const struct mt_kind *kind;
    struct values v; /* of the row at hand */
    struct pending pending[CMD_ROWS_MAX];
    size_t n;
    uint8_t ids[CMD_ROWS_MAX][16]; /* for new records: one call into the kernel for all */
    struct identities identities;  /* of `pending`, by its place there */
    struct named *named;
    size_t n_named, cap_named;
    struct column columns[MT_FIELDS_MAX];
    uint64_t n_new, n_changed, n_unchanged, n_orgs;
};

static void import_free(struct import *im) {
    if (!im)
        return;
    for (size_t i = 0; i < im->n; i++)
        free(im->pending[i].map);
    free(im->named);
    values_free(&im->v);
    free(im);
}

/* ---- organisations that rows name ---- */

static enum mt_err keep_named(struct import *im, struct mt_slice text, const struct mt_ref *ref,
                              bool is_new) {
    if (im->n_named == im->cap_named) {
        size_t cap = im->cap_named ? 2 * im->cap_named : 32;
        struct named *p = realloc(im->named, cap * sizeof *p);
        if (!p)
            return MT_ENOMEM;
        im->named = p;
        im->cap_named = cap;
    }
    im->named[im->n_named++] =
        (struct named){.text = text, .hash = mt_text_hash(text), .ref = *ref, .is_new = is_new};
    im->n_orgs += is_new;
    return MT_OK;
}

static enum mt_err find_org(struct cmd *c, struct import *im, struct mt_slice text,
                            struct mt_ref *ref) {
    const struct mt_org *org;
    uint32_t hash = mt_text_hash(text);
    for (size_t i = 0; i < im->n_named; i++)
        if (im->named[i].hash == hash && mt_text_same(im->named[i].text, text)) {
            *ref = im->named[i].ref;
            return MT_OK;
        }
    *ref = (struct mt_ref){.owner = c->info.org, .kind = MT_KIND_ORG};
    enum mt_err err = mt_query_org(&c->q, text, &org);
    if (!err) {
        ref->owner = org->owner;
        ref->id = org->id;
        return keep_named(im, text, ref, false);
    }
    if (err != MT_ENOTFOUND || text.n > MT_NAME_MAX)
        return err;
    if (cmd_import_orgs_in_flight(c->env->shared))
        return MT_EAGAIN;
    c->message[0] = '\0';
    c->env->random(ref->id.b, sizeof ref->id.b);
    return keep_named(im, text, ref, true);
}

/* A school when it goes by a school's number, else a company. */
static void put_named(struct import *im, const struct named *named, struct draft *d) {
    uint8_t memory[128];
    struct mt_writer w = mt_writer(memory, sizeof memory);
    bool has_ident = mt_query_ident(named->text, &w);
    struct mt_reader r = mt_reader(mt_writer_slice(&w));
    uint64_t scheme = 0;
    if (has_ident) {
        (void)mt_wire_array(&r, 1, 1);
        (void)mt_wire_array(&r, 2, 2);
        scheme = mt_wire_uint(&r, UINT16_MAX);
    }
    bool school = scheme == MT_SCHEME_BRIN || scheme == MT_SCHEME_BRIN_LOCATION;
    im->v.set.mask = 0;
    im->v.w.n = 0;
    values_str(&im->v, MT_ORG_NAME, named->text);
    values_uint(&im->v, MT_ORG_KIND, school ? MT_ORG_VMBO : MT_ORG_COMPANY);
    if (has_ident)
        mt_fieldset_set(&im->v.set, MT_ORG_IDENTIFIERS, mt_writer_slice(&w));
    draft_add(d, mt_schema_kind(MT_KIND_ORG), &named->ref.id, &im->v.set);
}

/* ---- one row ---- */

static enum mt_err take_cell(struct cmd *c, struct import *im, const struct mt_field *f,
                             struct mt_slice text) {
    struct mt_ref ref;
    if (f->type != MT_FIELD_REF || f->ref_kind != MT_KIND_ORG || (f->flags & MT_FIELD_PREPARED))
        return values_text(c, &im->v, f, text, NULL);
    enum mt_err err = find_org(c, im, text, &ref);
    if (!err)
        values_ref(&im->v, f->no, &ref);
    return err;
}

/* Says in which row and field something is wrong. */
static enum mt_err say_cell(struct cmd *c, size_t row, struct mt_slice field, enum mt_err err) {
    char text[MT_QUERY_MESSAGE_MAX];
    size_t n = strlen(c->message);
    memcpy(text, c->message, n + 1);
    c->message[0] = '\0';
    if (strncmp(text, "field=", 6) == 0)
        return cmd_say(c, MT_EINVALID, "row=%zu %s", row, text);
    return cmd_say(c, MT_EINVALID, "row=%zu field=%.*s code=%s %s", row,
                   (int)mt_text_fit(field, 60), (const char *)field.p, mt_err_code(err), text);
}

static const struct mt_field *field_named(struct import *im, size_t at, struct mt_slice name) {
    struct column *column = &im->columns[at % MT_ARRAY_LEN(im->columns)];
    if (!column->field || !mt_slice_eq(column->name, name))
        *column = (struct column){.name = name, .field = mt_schema_field_named(im->kind, name)};
    return column->field;
}

static enum mt_err read_row(struct cmd *c, struct import *im, struct mt_reader *r, size_t row) {
    size_t at = 0;
    im->v.set.mask = 0;
    im->v.w = mt_writer(im->v.memory, im->v.w.cap);
    if (mt_wire_peek(r) != MT_WIRE_MAP)
        return cmd_say(c, MT_EINVALID, "row=%zu field= code=type", row);
    for (uint32_t left = mt_wire_map(r, UINT32_MAX); left > 0 && !r->err; left--) {
        struct mt_slice name = mt_wire_str(r, 100);
        struct mt_slice text = mt_slice("", 0);
        if (mt_wire_peek(r) == MT_WIRE_NIL)
            mt_wire_nil(r);
        else
            text = mt_text_trim(mt_wire_str(r, MT_MESSAGE_MAX));
        if (r->err)
            break;
        const struct mt_field *f = field_named(im, at++, name);
        if (!f)
            return say_cell(c, row, name, MT_EUNKNOWN);
        enum mt_err err = text.n ? take_cell(c, im, f, text) : MT_OK;
        if (err)
            return err == MT_ENOMEM || err == MT_EAGAIN
                       ? err
                       : say_cell(c, row, mt_slice_str(f->name), err);
    }
    return r->err ? cmd_say(c, MT_EINVALID, "row=%zu field= code=type", row) : im->v.w.err;
}

/* ---- what is there already ---- */

#define NO_ROW UINT64_MAX

/* An organisation we entered before, by a number both have, or by its name when one has none. */
static uint64_t existing_org(struct cmd *c, const struct import *im) {
    const struct mt_org_book *b = c->q.book;
    const struct mt_org *found[MT_QUERY_CANDIDATES_MAX];
    bool has_idents = im->v.set.mask >> MT_ORG_IDENTIFIERS & 1;
    size_t n = has_idents ? mt_org_with_idents(b, im->v.set.v[MT_ORG_IDENTIFIERS], found,
                                               MT_ARRAY_LEN(found))
                          : 0;
    for (size_t i = 0; i < n; i++)
        if (mt_id_eq(&found[i]->owner, &c->info.org) && !found[i]->joined)
            return found[i]->row;
    struct mt_reader r = mt_reader(im->v.set.v[MT_ORG_NAME]);
    struct mt_slice name =
        im->v.set.mask >> MT_ORG_NAME & 1 ? mt_wire_str(&r, MT_STRING_MAX) : mt_slice("", 0);
    uint32_t hash = mt_text_hash(name);
    for (size_t i = 0; i < b->n && name.n; i++) {
        const struct mt_org *o = &b->orgs[i];
        if (o->name_hash == hash && mt_id_eq(&o->owner, &c->info.org) && !o->joined &&
            (!has_idents || o->idents_n == 0) && mt_text_same(mt_org_name(b, o), name))
            return o->row;
    }
    return NO_ROW;
}

static bool first_row(void *arg, uint64_t row) {
    *(uint64_t *)arg = row;
    return false;
}

/* Row of the record that the values identify, or NO_ROW. */
static enum mt_err find_existing(struct cmd *c, struct import *im,
                                 const uint8_t identity[static 16], uint64_t *row) {
    static const uint8_t none[16];
    *row = NO_ROW;
    if (memcmp(identity, none, sizeof none) != 0) {
        struct mt_slice value = mt_slice(identity, 16);
        struct mt_index_query index = {
            .type = MT_INDEX_IDENTITY, .kind = im->kind->no, .from = value, .to = value};
        enum mt_err err = mt_read_index(&c->q.read, &index, first_row, row);
        if (err)
            return err;
    }
    if (*row == NO_ROW && im->kind->no == MT_KIND_ORG)
        *row = existing_org(c, im);
    return MT_OK;
}

static struct pending *find_pending(struct import *im, const uint8_t identity[static 16]) {
    uint32_t at;
    return identities_find(&im->identities, identity, &at) ? &im->pending[at] : NULL;
}

/* Encodes the values of the row, over those that `p` has already. */
static enum mt_err keep_values(struct import *im, struct pending *p) {
    struct mt_fieldset set = {.mask = 0};
    if (p->n)
        mt_fieldset_load(&set, mt_slice(p->map, p->n));
    for (unsigned no = 0; no < MT_FIELDS_MAX; no++)
        if (im->v.set.mask >> no & 1)
            mt_fieldset_set(&set, no, im->v.set.v[no]);
    size_t size = im->v.w.n + p->n + 256;
    uint8_t *map = malloc(size);
    if (!map)
        return MT_ENOMEM;
    struct mt_writer w = mt_writer(map, size);
    mt_fieldset_put(&set, &w);
    free(p->map);
    p->map = map;
    p->n = w.n;
    return w.err;
}

/* ---- the decision on one row ---- */

/* The same thing stands twice in the file: the later row adds to the earlier. */
static enum mt_err merge_row(struct import *im, struct pending *p) {
    im->n_unchanged++;
    return keep_values(im, p);
}

static void keep_pending(struct import *im, const struct pending *take_p) {
    identities_add(&im->identities, take_p->identity, (uint32_t)im->n);
    im->pending[im->n++] = *take_p;
}

/* Changes the record in `row` where the row of the file says something else. */
static enum mt_err change_existing(struct cmd *c, struct import *im, uint64_t row,
                                   const uint8_t identity[static 16]) {
    struct mt_view v;
    enum mt_err err = mt_query_show(&c->q, row, &v);
    if (err)
        return err;
    for (size_t i = 0; i < im->n; i++)
        if (mt_rid_eq(&im->pending[i].id, &v.id))
            return merge_row(im, &im->pending[i]);
    values_changed(&im->v, v.fields);
    if (im->v.set.mask == 0) {
        im->n_unchanged++;
        return MT_OK;
    }
    struct pending p = {.id = v.id};
    memcpy(p.identity, identity, sizeof p.identity);
    err = values_check(c, &im->v, im->kind, v.fields);
    err = err ? err : keep_values(im, &p);
    if (err) {
        free(p.map);
        return err;
    }
    im->n_changed++;
    keep_pending(im, &p);
    return MT_OK;
}

/* `row`: all its values, encoded. */
static enum mt_err decide_row(struct cmd *c, struct import *im, struct pending *row) {
    uint64_t held;
    struct mt_slice fields = mt_slice(row->map, row->n);
    mt_store_identity(c->env->store, &c->info.region, &c->info.org, im->kind, fields,
                      row->identity);
    if (cmd_import_in_flight(c->env->shared, row->identity))
        return MT_EAGAIN;
    struct pending *p = find_pending(im, row->identity);
    if (p)
        return merge_row(im, p);
    enum mt_err err = find_existing(c, im, row->identity, &held);
    if (err)
        return err;
    if (held != NO_ROW)
        return change_existing(c, im, held, row->identity);
    err = cmd_check_fields(c, im->kind, fields);
    if (err)
        return err;
    memcpy(row->id.b, im->ids[im->n_new], sizeof row->id.b);
    im->n_new++;
    keep_pending(im, row);
    row->map = NULL;
    return MT_OK;
}

static enum mt_err decide(struct cmd *c, struct import *im) {
    struct pending row = {.map = NULL};
    enum mt_err err = keep_values(im, &row);
    err = err ? err : decide_row(c, im, &row);
    free(row.map);
    return err;
}

/* ---- the whole call ---- */

static void put_result(struct cmd *c, const struct import *im) {
    struct mt_put p, ids;
    mt_put_map(&p, &c->out);
    mt_put_uint(&p, "new", im->n_new);
    mt_put_uint(&p, "changed", im->n_changed);
    mt_put_uint(&p, "unchanged", im->n_unchanged);
    mt_put_uint(&p, "orgs_new", im->n_orgs);
    mt_put_array(&ids, mt_put_key(&p, "ids"));
    for (size_t i = 0; i < im->n; i++, ids.n++) {
        char hex[33];
        mt_hex(hex, im->pending[i].id.b, sizeof im->pending[i].id.b);
        mt_wire_put_cstr(ids.w, hex);
    }
    mt_put_array_end(&ids);
    mt_put_map_end(&p);
}

static enum mt_err write_all(struct cmd *c, struct import *im) {
    struct draft d;
    draft_init(&d, NULL);
    for (size_t i = 0; i < im->n_named; i++)
        if (im->named[i].is_new)
            put_named(im, &im->named[i], &d);
    for (size_t i = 0; i < im->n; i++) {
        struct mt_fieldset set;
        mt_fieldset_load(&set, mt_slice(im->pending[i].map, im->pending[i].n));
        draft_add(&d, im->kind, &im->pending[i].id, &set);
    }
    return draft_submit(&d, c);
}

static enum mt_err read_rows(struct cmd *c, struct import *im, struct mt_slice rows) {
    struct mt_reader r = mt_reader(rows);
    uint32_t n = mt_wire_array(&r, 0, UINT32_MAX);
    if (n > CMD_ROWS_MAX)
        return cmd_say(c, MT_EINVALID, "at most %d rows in one call", CMD_ROWS_MAX);
    c->env->random(im->ids[0], n * sizeof im->ids[0]);
    if (im->kind->no == MT_KIND_ORG && cmd_import_orgs_in_flight(c->env->shared))
        return MT_EAGAIN;
    enum mt_err err = mt_query_book(&c->q);
    for (uint32_t i = 0; !err && i < n; i++) {
        err = read_row(c, im, &r, i + 1);
        if (err)
            break;
        err = decide(c, im);
        if (err && err != MT_ENOMEM && err != MT_EAGAIN && strncmp(c->message, "row=", 4) != 0)
            err = say_cell(c, i + 1, mt_slice("", 0), err);
    }
    return err;
}

static enum mt_err import_rows(struct cmd *c, struct import *im, struct mt_slice rows,
                               bool dry_run) {
    enum mt_err err = read_rows(c, im, rows);
    if (err && c->env->shared->writing) {
        cmd_import_wait(c);
        return MT_EAGAIN;
    }
    if (err)
        return err;
    put_result(c, im);
    if (dry_run)
        return MT_OK;
    bool orgs = im->n_orgs > 0 || im->kind->no == MT_KIND_ORG;
    err = cmd_import_mark(c, &im->identities, orgs);
    return err ? err : write_all(c, im);
}

enum mt_err cmd_import(struct cmd *c) {
    struct mt_slice rows;
    bool dry_run = false;
    const struct mt_kind *kind;
    if (c->env->shared->waiting) {
        cmd_import_wait(c);
        return MT_EAGAIN;
    }
    enum mt_err err = cmd_kind(c, false, &kind);
    err = err ? err : cmd_check_addable(c, kind);
    err = err ? err : cmd_bool(c, "dry_run", &dry_run);
    err = err ? err : cmd_raw(c, "rows", MT_WIRE_ARRAY, &rows);
    if (!err && rows.n == 0)
        err = cmd_say(c, MT_EINVALID, "rows is missing");
    err = err ? err : cmd_open(c);
    if (err)
        return err;
    struct import *im = calloc(1, sizeof *im);
    if (!im)
        return MT_ENOMEM;
    im->kind = kind;
    err = values_init(&im->v);
    err = err ? err : import_rows(c, im, rows, dry_run);
    import_free(im);
    return err;
}
