#include "query.h"

#include <stdlib.h>

#include "node.h"
#include "schema_ident.h"

enum { ORGS_FIRST = 64, TEXT_FIRST = 4096, MATCHES_MAX = 32 };

/* ---- the book ---- */

/* Makes room for one more element. */
static bool grow(void **p, size_t *cap, size_t need, size_t size, size_t first) {
    if (need <= *cap)
        return true;
    size_t cap_new = *cap ? *cap : first;
    while (cap_new < need)
        cap_new *= 2;
    void *bigger = realloc(*p, cap_new * size);
    if (!bigger)
        return false;
    *p = bigger;
    *cap = cap_new;
    return true;
}

static bool keep_text(struct mt_org_book *b, struct mt_slice s, size_t *at, size_t *n) {
    void *p = b->text;
    if (!grow(&p, &b->text_cap, b->text_n + s.n + 1, 1, TEXT_FIRST))
        return false;
    b->text = p;
    if (s.n)
        memcpy(b->text + b->text_n, s.p, s.n);
    *at = b->text_n;
    *n = s.n;
    b->text_n += s.n;
    return true;
}

static uint64_t ident_hash(const struct mt_ident *id) {
    uint64_t h = UINT64_C(14695981039346656037) ^ id->scheme;
    for (uint8_t i = 0; i < id->n; i++)
        h = (h ^ id->value[i]) * UINT64_C(1099511628211);
    return h;
}

static bool keep_idents(struct mt_org_book *b, uint32_t org, struct mt_slice idents) {
    struct mt_reader r = mt_reader(idents);
    struct mt_ident id;
    for (uint32_t n = mt_wire_array(&r, 0, MT_LIST_MAX); n > 0; n--) {
        if (!mt_ident_get(&r, &id))
            break;
        void *p = b->idents;
        if (!grow(&p, &b->cap_idents, b->n_idents + 1, sizeof *b->idents, ORGS_FIRST))
            return false;
        b->idents = p;
        b->idents[b->n_idents++] = (struct mt_org_ident){.hash = ident_hash(&id), .org = org};
    }
    return true;
}

/* The record that an organisation keeps about itself has an id that follows from its key. */
static bool is_own_record(const struct mt_query *q, const struct mt_view *v) {
    struct mt_rid rid;
    mt_node_org_rid(&v->owner, &rid);
    return mt_rid_eq(&rid, &v->id) &&
           (!q->config.gov || mt_gov_member(q->config.gov, &v->owner) != NULL);
}

static bool keep_org(struct mt_query *q, struct mt_org_book *b, const struct mt_view *v) {
    void *p = b->orgs;
    if (!grow(&p, &b->cap, b->n + 1, sizeof *b->orgs, ORGS_FIRST))
        return false;
    b->orgs = p;
    struct mt_org *o = &b->orgs[b->n];
    *o = (struct mt_org){.row = v->row,
                         .created_ms = v->created_ms,
                         .owner = v->owner,
                         .id = v->id,
                         .kind = (uint16_t)mt_field_uint(v->fields, MT_ORG_KIND),
                         .joined = is_own_record(q, v)};
    struct mt_slice idents = mt_slice(NULL, 0);
    const struct mt_field *f = mt_schema_field(mt_schema_kind(MT_KIND_ORG), MT_ORG_IDENTIFIERS);
    if (mt_fields_find(v->fields, MT_ORG_IDENTIFIERS, &idents) || mt_value_is_nil(idents) ||
        mt_schema_check(f, idents))
        idents = mt_slice(NULL, 0);
    if (!keep_text(b, mt_field_str(v->fields, MT_ORG_NAME), &o->name_at, &o->name_n) ||
        !keep_text(b, mt_field_str(v->fields, MT_ORG_SHORT_NAME), &o->short_at, &o->short_n) ||
        !keep_text(b, idents, &o->idents_at, &o->idents_n))
        return false;
    o->name_hash = mt_text_hash(mt_field_str(v->fields, MT_ORG_NAME));
    o->short_hash = mt_text_hash(mt_field_str(v->fields, MT_ORG_SHORT_NAME));
    b->n++;
    return true;
}

static int org_cmp(const void *a, const void *b) {
    const struct mt_org *x = a, *y = b;
    int order = mt_id_cmp(&x->owner, &y->owner);
    return order ? order : memcmp(x->id.b, y->id.b, sizeof x->id.b);
}

static int ident_cmp(const void *a, const void *b) {
    const struct mt_org_ident *x = a, *y = b;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return x->org < y->org ? -1 : x->org > y->org;
}

/* Who stands for whom: those that joined before those that did not, then the lowest id. */
static int rank_cmp(const struct mt_org *x, const struct mt_org *y) {
    if (x->joined != y->joined)
        return x->joined ? -1 : 1;
    int order = memcmp(x->id.b, y->id.b, sizeof x->id.b);
    return order ? order : mt_id_cmp(&x->owner, &y->owner);
}

/* Lets each record be shown as the best one that has its identifiers. Two that joined never merge. */
static void merge(struct mt_org_book *b, uint32_t x) {
    struct mt_org *o = &b->orgs[x];
    const struct mt_org *found[MATCHES_MAX];
    o->shown_as = x;
    if (o->joined || o->idents_n == 0)
        return;
    size_t n = mt_org_with_idents(b, mt_org_idents(b, o), found, MT_ARRAY_LEN(found));
    const struct mt_org *best = o;
    for (size_t i = 0; i < n; i++)
        if (rank_cmp(found[i], best) < 0)
            best = found[i];
    o->shown_as = (uint32_t)(best - b->orgs);
}

/* A number without location fits every location of its school or company, so that records can
 * point at each other in a row: the last one stands for all. */
static void follow(struct mt_org_book *b) {
    for (uint32_t i = 0; i < b->n; i++) {
        uint32_t at = i;
        while (b->orgs[at].shown_as != at)
            at = b->orgs[at].shown_as; /* ranks only rise, so this ends */
        b->orgs[i].shown_as = at;
    }
}

static enum mt_err fill_book(struct mt_query *q, struct mt_org_book *b, uint8_t *memory) {
    struct mt_rows rows;
    struct mt_index_query index = {.type = MT_INDEX_KIND, .kind = MT_KIND_ORG};
    enum mt_err err = mt_query_rows(q, &index, &rows);
    for (size_t i = 0; !err && i < rows.n; i++) {
        struct mt_view v;
        struct mt_writer w = mt_writer(memory, MT_BOX_MAX);
        err = mt_read_row(&q->read, rows.p[i], &w, &v);
        if (err == MT_OK && !keep_org(q, b, &v))
            err = MT_ENOMEM;
        if (err == MT_ENOKEY)
            err = MT_OK;
    }
    mt_rows_free(&rows);
    if (err || b->n == 0)
        return err;
    qsort(b->orgs, b->n, sizeof *b->orgs, org_cmp);
    for (uint32_t i = 0; i < b->n; i++)
        if (!keep_idents(b, i, mt_org_idents(b, &b->orgs[i])))
            return MT_ENOMEM;
    if (b->n_idents)
        qsort(b->idents, b->n_idents, sizeof *b->idents, ident_cmp);
    for (uint32_t i = 0; i < b->n; i++)
        merge(b, i);
    follow(b);
    return MT_OK;
}

static enum mt_err make_book(struct mt_query *q, struct mt_org_book **out) {
    struct mt_org_book *b = calloc(1, sizeof *b);
    uint8_t *memory = malloc(MT_BOX_MAX);
    enum mt_err err = MT_ENOMEM;
    if (b)
        b->refs = 1;
    if (b && memory)
        err = fill_book(q, b, memory);
    free(memory);
    if (err) {
        mt_org_book_unref(b);
        b = NULL;
    }
    *out = b;
    return err;
}

/* A book is good as long as the records of organisations and the members are those it was made
 * from. A query keeps the one it began with. */
static enum mt_err find_book(struct mt_query *q) {
    struct mt_org_cache *cache = q->config.orgs;
    uint64_t members = q->config.gov ? mt_gov_generation(q->config.gov) : 0, version;
    if (q->book)
        return MT_OK;
    enum mt_err err = mt_read_orgs_version(&q->read, &version);
    if (err)
        return err;
    if (!cache)
        return make_book(q, &q->book);
    if (!cache->book || cache->version != version || cache->members != members) {
        err = make_book(q, &q->book);
        if (err)
            return err;
        mt_org_book_unref(cache->book);
        *cache = (struct mt_org_cache){.book = q->book, .version = version, .members = members};
    }
    q->book = cache->book;
    q->book->refs++;
    return MT_OK;
}

enum mt_err mt_query_book(struct mt_query *q) {
    enum mt_err err = find_book(q);
    if (q->trouble == MT_OK)
        q->trouble = err;
    return err;
}

void mt_org_cache_close(struct mt_org_cache *c) {
    mt_org_book_unref(c->book);
    *c = (struct mt_org_cache){0};
}

void mt_org_book_unref(struct mt_org_book *book) {
    if (!book || --book->refs > 0)
        return;
    free(book->orgs);
    free(book->idents);
    free(book->text);
    free(book);
}

/* ---- looking things up in it ---- */

static struct mt_slice text_at(const struct mt_org_book *b, size_t at, size_t n) {
    return n ? mt_slice(b->text + at, n) : mt_slice("", 0);
}

struct mt_slice mt_org_name(const struct mt_org_book *book, const struct mt_org *org) {
    return text_at(book, org->name_at, org->name_n);
}

struct mt_slice mt_org_idents(const struct mt_org_book *book, const struct mt_org *org) {
    return text_at(book, org->idents_at, org->idents_n);
}

const struct mt_org *mt_org_find(const struct mt_org_book *book, const struct mt_id *owner,
                                 const struct mt_rid *id) {
    struct mt_org key = {.owner = *owner, .id = *id};
    return book->n ? bsearch(&key, book->orgs, book->n, sizeof key, org_cmp) : NULL;
}

const struct mt_org *mt_org_shown(const struct mt_org_book *book, const struct mt_org *org) {
    return &book->orgs[org->shown_as];
}

static size_t first_ident(const struct mt_org_book *b, uint64_t hash) {
    size_t low = 0, high = b->n_idents;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (b->idents[mid].hash < hash)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static bool is_among(const struct mt_org *const *list, size_t n, const struct mt_org *org) {
    for (size_t i = 0; i < n; i++)
        if (list[i] == org)
            return true;
    return false;
}

size_t mt_org_with_idents(const struct mt_org_book *book, struct mt_slice idents,
                          const struct mt_org **out, size_t max) {
    struct mt_reader r = mt_reader(idents);
    struct mt_ident id;
    size_t n = 0;
    for (uint32_t left = idents.n ? mt_wire_array(&r, 0, MT_LIST_MAX) : 0; left > 0; left--) {
        if (!mt_ident_get(&r, &id))
            break;
        uint64_t hash = ident_hash(&id);
        for (size_t i = first_ident(book, hash);
             n < max && i < book->n_idents && book->idents[i].hash == hash; i++) {
            const struct mt_org *o = &book->orgs[book->idents[i].org];
            if (!is_among(out, n, o) && mt_ident_same(idents, mt_org_idents(book, o)))
                out[n++] = o;
        }
    }
    return n;
}

bool mt_query_ident(struct mt_slice text, struct mt_writer *out) {
    struct mt_ident id;
    if (mt_ident_parse(mt_text_trim(text), &id))
        return false;
    mt_wire_put_array(out, 1);
    mt_wire_put_array(out, 2);
    mt_wire_put_uint(out, id.scheme);
    mt_wire_put_str(out, mt_slice(id.value, id.n));
    return out->err == MT_OK;
}

/* ---- finding one by what people type ---- */

struct matches {
    const struct mt_org *p[MATCHES_MAX];
    size_t n;
};

static void add_match(const struct mt_org_book *b, struct matches *m, const struct mt_org *o) {
    o = mt_org_shown(b, o);
    if (m->n < MATCHES_MAX && !is_among(m->p, m->n, o))
        m->p[m->n++] = o;
}

static void match_names(const struct mt_org_book *b, struct mt_slice text, struct matches *m) {
    uint32_t hash = mt_text_hash(text);
    for (size_t i = 0; i < b->n; i++) {
        const struct mt_org *o = &b->orgs[i];
        if ((o->name_hash == hash && mt_text_same(mt_org_name(b, o), text)) ||
            (o->short_n && o->short_hash == hash &&
             mt_text_same(text_at(b, o->short_at, o->short_n), text)))
            add_match(b, m, o);
    }
}

static void match_idents(const struct mt_org_book *b, struct mt_slice text, struct matches *m) {
    uint8_t memory[128];
    struct mt_writer w = mt_writer(memory, sizeof memory);
    const struct mt_org *found[MATCHES_MAX];
    if (!mt_query_ident(text, &w))
        return;
    size_t n = mt_org_with_idents(b, mt_writer_slice(&w), found, MT_ARRAY_LEN(found));
    for (size_t i = 0; i < n; i++)
        add_match(b, m, found[i]);
}

static void match_id(struct mt_query *q, struct mt_slice text, struct matches *m) {
    uint64_t rows[MATCHES_MAX];
    size_t n = 0;
    struct mt_id root;
    struct mt_rid rid;
    if (text.n == 2 * sizeof root.b && mt_unhex(root.b, sizeof root.b, text) == MT_OK) {
        mt_node_org_rid(&root, &rid);
        const struct mt_org *o = mt_org_find(q->book, &root, &rid);
        if (o)
            add_match(q->book, m, o);
        return;
    }
    if (text.n < MT_QUERY_SHORT_MIN || text.n > 2 * sizeof rid.b ||
        mt_read_prefix(&q->read, MT_KIND_ORG, text, rows, MT_ARRAY_LEN(rows), &n))
        return;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < q->book->n; k++)
            if (q->book->orgs[k].row == rows[i])
                add_match(q->book, m, &q->book->orgs[k]);
}

/* Of several with one name the one that joined is meant. */
static void prefer_joined(struct matches *m) {
    const struct mt_org *joined = NULL;
    size_t n = 0;
    for (size_t i = 0; i < m->n; i++)
        if (m->p[i]->joined) {
            joined = m->p[i];
            n++;
        }
    if (n == 1) {
        m->p[0] = joined;
        m->n = 1;
    }
}

static enum mt_err say_orgs(struct mt_query *q, const struct matches *m) {
    char list[MT_QUERY_MESSAGE_MAX / 2];
    struct mt_writer w = mt_writer(list, sizeof list);
    for (size_t i = 0; i < m->n && i < MT_QUERY_CANDIDATES_MAX; i++) {
        char hex[33];
        struct mt_slice name = mt_org_name(q->book, m->p[i]);
        mt_hex(hex, m->p[i]->id.b, sizeof m->p[i]->id.b);
        mt_writer_put(&w, ", ", i ? 2 : 0);
        mt_writer_put(&w, hex, mt_query_short(q, MT_KIND_ORG, &m->p[i]->id));
        mt_writer_put(&w, " ", 1);
        mt_writer_put(&w, name.p, mt_text_fit(name, 40));
    }
    return mt_query_say(q, MT_EAMBIGUOUS, "%.*s", (int)w.n, list);
}

enum mt_err mt_query_org(struct mt_query *q, struct mt_slice text, const struct mt_org **out) {
    struct matches m = {.n = 0};
    *out = NULL;
    text = mt_text_trim(text);
    enum mt_err err = mt_query_book(q);
    if (err)
        return err;
    if (text.n > 0)
        match_names(q->book, text, &m);
    if (m.n == 0)
        match_idents(q->book, text, &m);
    if (m.n == 0)
        match_id(q, text, &m);
    prefer_joined(&m);
    if (m.n == 0)
        return mt_query_say(q, MT_ENOTFOUND, "no organisation is called %.*s",
                            (int)mt_text_fit(text, 100), (const char *)text.p);
    if (m.n > 1)
        return say_orgs(q, &m);
    *out = m.p[0];
    return MT_OK;
}

struct mt_slice mt_query_member_name(const struct mt_query *q, const struct mt_id *org) {
    const struct mt_member *m = q->config.gov ? mt_gov_member(q->config.gov, org) : NULL;
    return m ? mt_slice_str(m->name) : mt_slice("", 0);
}
