/* A prepared run is memory only: entries as they will stand in the table, the changes in them, and
 * for each change of the region what it adds when its record is new. Whether it still fits is asked
 * in the transaction, by the end of the chain: ids chain, so an equal end proves all before it. */
#include "store_prepare.h"

#include "box.h"
#include "store_merge.h"

#include <assert.h>
#include <stdlib.h>

enum {
    TIPS_MAX = 64,
    CHANGES_FIRST = 64,
    CHANGES_KEPT_MAX = 8192, /* a run of more would take far more memory than its bytes */
};

struct prepared_entry {
    struct mt_slice header, box;
    struct origin origin;
    uint32_t first_change, n_changes;
    bool is_closed; /* no key was at hand */
};

struct mt_prepared {
    struct mt_head before;
    const uint8_t *signature;
    uint32_t n, n_changes, cap_changes;
    struct prepared_entry *entries;
    struct queued *changes;
    struct early *early; /* one for each change, where there is one at all */
    uint8_t *memory;     /* headers and opened boxes */
    size_t used, size;
};

struct tip {
    uint32_t chain_no;
    struct mt_head head;
};

struct mt_prepare {
    const struct mt_store *store;
    struct tip tips[TIPS_MAX];
    unsigned next_tip;
    struct mt_run_entry *entries;
    uint8_t *arena;
};

enum mt_err mt_prepare_new(struct mt_prepare **out, const struct mt_store *s) {
    struct mt_prepare *p = calloc(1, sizeof *p);
    *out = p;
    if (!p)
        return MT_ENOMEM;
    p->store = s;
    p->entries = malloc(MT_RUN_ENTRIES_MAX * sizeof *p->entries);
    p->arena = malloc(MT_RUN_ARENA);
    if (p->entries && p->arena)
        return MT_OK;
    mt_prepare_free(p);
    *out = NULL;
    return MT_ENOMEM;
}

void mt_prepare_free(struct mt_prepare *p) {
    if (!p)
        return;
    free(p->entries);
    free(p->arena);
    free(p);
}

static void prepared_free(struct mt_prepared *x) {
    if (x->memory)
        mt_wipe(x->memory, x->used);
    free(x->memory);
    free(x->entries);
    free(x->changes);
    free(x->early);
    free(x);
}

/* ---- what a run continues ---- */

static struct tip *find_tip(struct mt_prepare *p, uint32_t chain_no) {
    for (unsigned i = 0; i < TIPS_MAX; i++)
        if (p->tips[i].chain_no == chain_no)
            return &p->tips[i];
    struct tip *tip = &p->tips[p->next_tip++ % TIPS_MAX];
    *tip = (struct tip){.chain_no = chain_no};
    return tip;
}

static bool is_before(const struct mt_head *head, uint64_t first, const uint8_t *previous16) {
    return head->seq + 1 == first && memcmp(head->entry.b, previous16, 16) == 0;
}

/* The entry the run continues: the end of the chain, or of a run that waits as this one does. */
static const struct mt_head *find_before(const struct mt_run_job *job, const struct tip *tip) {
    struct mt_id chain;
    uint64_t first;
    uint8_t previous16[16];
    uint32_t n;
    if (mt_run_peek(job->message, &chain, &first, previous16, &n) ||
        !mt_id_eq(&chain, &job->chain.id))
        return NULL;
    if (is_before(&tip->head, first, previous16))
        return &tip->head;
    return is_before(&job->head, first, previous16) ? &job->head : NULL;
}

/* ---- what is in it ---- */

static uint8_t *keep(struct mt_prepared *x, size_t n) {
    if (n > x->size - x->used)
        return NULL;
    uint8_t *p = x->memory + x->used;
    x->used += n;
    return p;
}

static bool has_room(struct mt_prepared *x) {
    if (x->n_changes < x->cap_changes)
        return true;
    if (x->cap_changes >= CHANGES_KEPT_MAX)
        return false;
    uint32_t cap = x->cap_changes ? x->cap_changes * 2 : CHANGES_FIRST;
    struct queued *changes = realloc(x->changes, cap * sizeof *changes);
    if (changes)
        x->changes = changes;
    struct early *early = realloc(x->early, cap * sizeof *early);
    if (early)
        x->early = early;
    if (!changes || !early)
        return false;
    x->cap_changes = cap;
    return true;
}

static void keep_key(void *arg, const struct index_key *key) {
    struct early *early = arg;
    if (early->n_keys < EARLY_KEYS_MAX)
        early->keys[early->n_keys] = *key;
    early->n_keys++;
}

/* Whether everything that a new record brings can be known beforehand. Channels and our own are listed
 * by local numbers of organisations, which only the table has. */
static bool is_foretold(const struct mt_run_job *job) {
    return mt_id_is_zero(&job->chain.other) && !mt_id_eq(&job->chain.org, &job->own_org);
}

/* What the change brings if it alone makes the record. */
static void work_out(const struct mt_store *s, const struct mt_run_job *job, const struct queued *q,
                     struct early *early) {
    struct values values = {0};
    struct mt_merged merged;
    struct subject of = {
        .region = &job->region, .owner = &job->chain.org, .kind = q->kind, .major = q->major};
    merged.n = 1; /* the rest of it stays as it is */
    merged.groups[0] = (struct mt_group){.mask = q->mask,
                                         .stamp = {.lamport = q->origin->lamport,
                                                   .chain = job->chain.id,
                                                   .entry = q->origin->entry,
                                                   .index = q->index}};
    early->n_keys = 0;
    mt_store_values_add(&values, q->fields, q->mask);
    mt_store_index_keys(s, &of, &values, keep_key, early);
    mt_record_digest(&early->share, &job->region, of.owner, q->kind, &q->id, &merged);
}

struct reading {
    const struct mt_store *store;
    const struct mt_run_job *job;
    struct mt_prepared *x;
    const struct origin *origin;
    bool is_short; /* of memory */
};

static void add_change(void *arg, uint16_t index, const struct mt_change *c) {
    struct reading *r = arg;
    if (!c->mask || r->is_short)
        return;
    if (!has_room(r->x)) {
        r->is_short = true;
        return;
    }
    struct queued *q = &r->x->changes[r->x->n_changes];
    *q = mt_queued(r->origin, c, index);
    if (is_foretold(r->job))
        work_out(r->store, r->job, q, &r->x->early[r->x->n_changes]);
    r->x->n_changes++;
}

/* What does not fit the grammar applies nothing, for everyone. False when out of memory. */
static bool add_changes(const struct mt_store *s, const struct mt_run_job *job,
                        struct mt_prepared *x, struct prepared_entry *e, struct mt_slice content) {
    struct reading r = {.store = s, .job = job, .x = x, .origin = &e->origin};
    if (mt_changes_read(content, add_change, &r))
        x->n_changes = e->first_change;
    e->n_changes = x->n_changes - e->first_change;
    return !r.is_short;
}

static bool add_entry(const struct mt_store *s, const struct mt_run_job *job, struct mt_prepared *x,
                      const struct mt_run_entry *from) {
    struct prepared_entry *e = &x->entries[x->n];
    uint8_t *header = keep(x, from->header.n), *plain = keep(x, from->box.n);
    if (!header || !plain)
        return false;
    memcpy(header, from->header.p, from->header.n);
    *e = (struct prepared_entry){.header = mt_slice(header, from->header.n),
                                 .box = from->box,
                                 .first_change = x->n_changes,
                                 .origin = {.entry = from->id,
                                            .lamport = from->h.lamport,
                                            .seq = from->h.seq,
                                            .wall_ms = from->h.wall_ms}};
    x->n++;
    const uint8_t *key = mt_store_box_key(job->keys, &job->chain, &from->h.epoch);
    e->is_closed = !key;
    if (!key)
        return true;
    struct mt_writer w = mt_writer(plain, from->box.n);
    struct mt_box_place place = {
        .region = job->region, .chain = from->h.chain, .seq = from->h.seq, .epoch = from->h.epoch};
    struct mt_slice content;
    if (mt_box_open(key, &place, from->box, &w, &content))
        return true; /* one that does not open applies nothing, for everyone */
    return add_changes(s, job, x, e, content);
}

static bool add_entries(const struct mt_store *s, const struct mt_run_job *job,
                        struct mt_prepared *x, const struct mt_run *run) {
    assert(run->n > 0);
    for (uint32_t i = 0; i < run->n; i++)
        x->size += run->entries[i].header.n + run->entries[i].box.n;
    x->memory = malloc(x->size);
    x->entries = malloc(run->n * sizeof *x->entries);
    if (!x->memory || !x->entries)
        return false;
    for (uint32_t i = 0; i < run->n; i++)
        if (!add_entry(s, job, x, &run->entries[i]))
            return false;
    for (uint32_t i = 0; i < x->n_changes; i++)
        x->changes[i].early = is_foretold(job) ? &x->early[i] : NULL;
    return true;
}

void mt_prepare_run(struct mt_prepare *p, struct mt_run_job *job) {
    struct tip *tip = find_tip(p, job->chain.no);
    struct mt_run run;
    const struct mt_head *before = find_before(job, tip);
    if (!before || mt_run_check(job->message, &job->region, &job->chain.feed, before, p->entries,
                                p->arena, &run))
        return;
    struct mt_prepared *x = calloc(1, sizeof *x);
    if (!x)
        return;
    x->before = *before;
    x->signature = run.signature;
    if (!add_entries(p->store, job, x, &run)) {
        prepared_free(x);
        return;
    }
    const struct mt_run_entry *last = &run.entries[run.n - 1];
    tip->head = (struct mt_head){.seq = last->h.seq, .entry = last->id, .lamport = last->h.lamport};
    job->prepared_free = prepared_free;
    job->prepared = x;
}

/* ---- in the transaction ---- */

/* The key may have come since. */
static void read_closed(struct mt_write *w, struct mt_chain_row *row,
                        const struct prepared_entry *e) {
    struct mt_header h;
    if (mt_header_get(e->header, &h) == MT_OK)
        mt_write_read(w, row, &h, &e->origin.entry, e->box);
    else
        mt_txn_fail(&w->t, MT_EBUG, "a header that was checked does not parse");
}

bool mt_write_prepared(struct mt_write *w, struct mt_chain_row *row, const struct mt_run_job *job) {
    const struct mt_prepared *x = job->prepared;
    if (!x || row->fork || row->head.seq != x->before.seq ||
        !mt_id_eq(&row->head.entry, &x->before.entry) || !mt_id_eq(&row->info.id, &job->chain.id) ||
        !mt_id_eq(&w->batch->region, &job->region))
        return false;
    for (uint32_t i = 0; i < x->n && w->t.err == MT_OK; i++) {
        struct prepared_entry *e = &x->entries[i];
        struct mt_new_entry entry = {
            .head = {.seq = e->origin.seq, .entry = e->origin.entry, .lamport = e->origin.lamport},
            .header = e->header,
            .box = e->box,
            .signature = i + 1 == x->n ? x->signature : NULL};
        mt_write_entry(w, row, &entry);
        if (e->is_closed) {
            read_closed(w, row, e);
            continue;
        }
        if (e->n_changes > 0)
            mt_write_number(w, row);
        mt_write_merge_when_large(w);
        e->origin.chain = row;
        for (uint32_t k = 0; k < e->n_changes; k++)
            if (!mt_write_queue(w, &x->changes[e->first_change + k]))
                break;
    }
    return true;
}
