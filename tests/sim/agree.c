/* agree: capacity, and who holds what.
 *
 * Who has a place is worked out by every replica for itself, from the same answers: the verdict on
 * each sign-up must be the same everywhere, never more than there is room, and nobody waits while
 * there is. What two organisations share is with these two: no other holds a record, a chain or a
 * key of it, and no file holds a word of it. */
#include "sim.h"

#include "schema.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { REGION = -1, NEEDLES_MAX = 400, OPENED_MAX = 24, PREFIX_BITS = 16 };

/* ---- activities ---- */

static int by_id(const void *a, const void *b) {
    const struct mt_signup *x = a, *y = b;
    return memcmp(x->subject.id.b, y->subject.id.b, sizeof x->subject.id.b);
}

/* What can be said of the verdict without knowing the order of the answers. */
static void check_verdict(struct sim *s, const struct host *h, const struct mt_signups *v) {
    uint64_t accepted = 0;
    for (size_t i = 0; i < v->n; i++) {
        const struct mt_signup *x = &v->p[i];
        bool said = !x->withdrawn && x->answer.found && x->answer.decision == MT_DECISION_ACCEPTED;
        if (x->decision == MT_DECISION_ACCEPTED) {
            accepted += x->need;
            if (!said)
                sim_fail(s, "org%d: a sign-up has places that nobody gave it", h->index);
        } else if (said) {
            s->n_over++;
            if (!v->has_capacity || x->need <= v->capacity - v->accepted)
                sim_fail(s, "org%d: an accepted sign-up waits while there is room", h->index);
        }
    }
    uint64_t counted = plant_overbooks(s, h, v);
    if (v->has_capacity && counted > v->capacity)
        sim_fail(s, "org%d: %llu places are taken of %llu", h->index, (unsigned long long)counted,
                 (unsigned long long)v->capacity);
    if (accepted != v->accepted)
        sim_fail(s, "org%d: counts %llu places taken, and gave %llu", h->index,
                 (unsigned long long)v->accepted, (unsigned long long)accepted);
}

static uint64_t mix(uint64_t hash, const void *p, size_t n) {
    const uint8_t *b = p;
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ b[i]) * UINT64_C(0x100000001b3);
    return hash;
}

/* The verdict on an activity as a number; 0: it is not here. */
static uint64_t verdict(struct sim *s, const struct host *h, struct mt_query *q,
                        const struct record *r) {
    struct mt_signups v;
    struct mt_view view;
    uint64_t row, hash = UINT64_C(0xcbf29ce484222325), free = 0;
    enum mt_err err = mt_read_find(&q->read, NULL, &s->hosts[r->author].org, r->kind, &r->id, &row);
    if (err == MT_ENOTFOUND)
        return 0;
    if (!err)
        err = mt_query_show(q, row, &view);
    if (err || mt_query_signups(q, &view, &v)) {
        sim_fail(s, "org%d: the sign-ups of an activity cannot be read", h->index);
        return 0;
    }
    check_verdict(s, h, &v);
    if (v.n)
        qsort(v.p, v.n, sizeof *v.p, by_id);
    for (size_t i = 0; i < v.n; i++) {
        hash = mix(hash, v.p[i].subject.id.b, sizeof v.p[i].subject.id.b);
        hash = mix(hash, &v.p[i].decision, sizeof v.p[i].decision);
    }
    hash = mix(hash, &v.accepted, sizeof v.accepted);
    uint64_t left = v.capacity - v.accepted;
    mt_signups_free(&v);
    if (mt_query_free(q, &view, &free) && free != left)
        sim_fail(s, "org%d: %llu places are free, and shown are %llu", h->index,
                 (unsigned long long)left, (unsigned long long)free);
    return hash;
}

/* ---- places and placements ---- */

/* What the region is told of a place is what its owner counts. */
static void check_place(struct sim *s, const struct host *h, struct mt_query *q,
                        const struct record *r) {
    struct mt_ref ref = {.owner = s->hosts[r->author].org, .kind = r->kind, .id = r->id};
    struct mt_view v;
    uint64_t row, counted = 0, free = 0;
    enum mt_err err = mt_read_find(&q->read, NULL, &ref.owner, r->kind, &r->id, &row);
    if (err == MT_ENOTFOUND || r->author != h->index)
        return;
    if (!err)
        err = mt_query_occupied(q, &ref, NULL, &counted);
    if (!err)
        err = mt_query_show(q, row, &v);
    if (err) {
        sim_fail(s, "org%d: a place cannot be read: %s", h->index, mt_err_code(err));
        return;
    }
    uint64_t told = mt_field_uint(v.fields, MT_STAGEPLEK_OCCUPIED);
    uint64_t room = mt_field_uint(v.fields, MT_STAGEPLEK_CAPACITY);
    if (told != counted)
        sim_fail(s, "org%d: tells that %llu have its place, and counts %llu", h->index,
                 (unsigned long long)told, (unsigned long long)counted);
    if (mt_query_free(q, &v, &free) && free > room)
        sim_fail(s, "org%d: more is free of a place than there is", h->index);
}

/* A placement as one of the two sees it; NULL: it is not here. Others find nothing. */
static const char *placement(struct sim *s, const struct host *h, struct mt_query *q,
                             const struct record *r) {
    bool ours = h->index == r->author || h->index == r->other;
    char hex[33];
    uint64_t rows[2];
    size_t n = 0;
    struct mt_view v;
    struct mt_answer answer;
    mt_hex(hex, r->id.b, sizeof r->id.b);
    enum mt_err err = mt_read_prefix(&q->read, r->kind, mt_slice_str(hex), rows, 2, &n);
    if (err || n > 1)
        sim_fail(s, "org%d: a placement is there %zu times", h->index, n);
    if (!ours && n)
        sim_fail(s, "org%d: holds a placement of org%d and org%d", h->index, r->author, r->other);
    if (err || n != 1 || !ours)
        return NULL;
    err = mt_query_show(q, rows[0], &v);
    return err ? "cannot be read" : mt_query_placement_status(q, &v, &answer);
}

/* ---- all replicas ---- */

struct said {
    uint64_t verdict;
    const char *status;
    bool is_set;
};

static void compare(struct sim *s, const struct host *h, struct mt_query *q, uint32_t i,
                    struct said *said) {
    const struct record *r = &s->records[i];
    if (r->kind == MT_KIND_STAGEPLEK && !s->plan.fork)
        check_place(s, h, q, r);
    if (r->kind == MT_KIND_ACTIVITY && r->is_life) {
        uint64_t now = verdict(s, h, q, r);
        if (said->is_set && said->verdict != now && !s->plan.fork)
            sim_fail(s, "org%d: sees other sign-ups accepted with org%d than others do", h->index,
                     r->author);
        *said = (struct said){.verdict = now, .is_set = true};
    }
    if (r->other == REGION)
        return;
    const char *status = placement(s, h, q, r);
    bool ours = h->index == r->author || h->index == r->other;
    if (!ours || r->kind != MT_KIND_PLACEMENT || s->plan.fork)
        return;
    if (said->is_set &&
        (!status != !said->status || (status && said->status && strcmp(status, said->status) != 0)))
        sim_fail(s, "org%d: a placement of org%d is %s here and %s there", h->index, r->author,
                 status ? status : "gone", said->status ? said->status : "gone");
    *said = (struct said){.status = status, .is_set = true};
}

static void check_records(struct sim *s) {
    struct said *said = calloc(s->n_records + 1, sizeof *said);
    if (!said)
        abort();
    for (int k = 0; k < s->plan.members && !s->failed; k++) {
        const struct host *h = &s->hosts[k];
        char message[MT_QUERY_MESSAGE_MAX];
        struct mt_query q;
        if (check_is_out(s, k) || !desk_query(s, h, &q, message))
            continue;
        for (uint32_t i = 0; i < s->n_records && !s->failed; i++)
            if (!check_is_out(s, s->records[i].author))
                compare(s, h, &q, i, &said[i]);
        mt_query_close(&q);
    }
    free(said);
}

/* ---- chains and words in files ---- */

/* Names of pair chains, and which two they are of. */
struct needles {
    struct sim *s;
    int host;
    size_t n;
    struct {
        struct mt_id id, feed;
        int one, other;
        uint32_t chain_no; /* at `one` */
    } all[NEEDLES_MAX];
    uint8_t first[(1U << PREFIX_BITS) / 8]; /* bit set of their first two bytes, and the word's */
};

static void mark(struct needles *x, const uint8_t *p) {
    unsigned at = (unsigned)p[0] << 8 | p[1];
    x->first[at / 8] |= (uint8_t)(1U << at % 8);
}

static enum mt_err collect(void *arg, const struct mt_chain_info *chain, const struct mt_head *head,
                           uint64_t fork) {
    struct needles *x = arg;
    const struct host *h = &x->s->hosts[x->host];
    int other = -1;
    (void)fork;
    for (int i = 0; i < x->s->plan.hosts; i++)
        if (mt_id_eq(&x->s->hosts[i].org, &chain->other))
            other = i;
    /* From its writer, so that each comes once. */
    if (other < 0 || !head->seq || !mt_id_eq(&chain->org, &h->org) || x->n == NEEDLES_MAX)
        return MT_OK;
    x->all[x->n].id = chain->id;
    x->all[x->n].feed = chain->feed;
    x->all[x->n].one = x->host;
    x->all[x->n].other = other;
    x->all[x->n++].chain_no = chain->no;
    mark(x, chain->id.b);
    return MT_OK;
}

static void look_at(struct sim *s, const struct needles *x, int host, const uint8_t *p, size_t n) {
    static const char word[] = SIM_SECRET;
    for (size_t i = 0; i + sizeof(struct mt_id) <= n; i++) {
        unsigned at = (unsigned)p[i] << 8 | p[i + 1];
        if (!(x->first[at / 8] >> at % 8 & 1))
            continue;
        if (memcmp(p + i, word, sizeof word - 1) == 0)
            sim_fail(s, "org%d: its file shows what was said between two", host);
        for (size_t k = 0; k < x->n; k++)
            if (x->all[k].one != host && x->all[k].other != host &&
                memcmp(p + i, x->all[k].id.b, sizeof x->all[k].id.b) == 0)
                sim_fail(s, "org%d: its file names a chain of org%d and org%d", host, x->all[k].one,
                         x->all[k].other);
    }
}

static void scan_file(struct sim *s, const struct needles *x, int host) {
    char dir[128], path[144];
    struct stat st;
    size_t have = 0;
    disk_path(s, &s->hosts[host], dir, sizeof dir);
    (void)snprintf(path, sizeof path, "%s/data.mdb", dir);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    uint8_t *bytes = fd >= 0 && fstat(fd, &st) == 0 ? malloc((size_t)st.st_size + 1) : NULL;
    ssize_t n = bytes ? 1 : -1;
    while (n > 0 && have < (size_t)st.st_size) {
        n = read(fd, bytes + have, (size_t)st.st_size - have);
        have += n > 0 ? (size_t)n : 0;
    }
    if (!bytes || have == 0)
        sim_fail(s, "org%d: its file cannot be read", host);
    else
        look_at(s, x, host, bytes, have);
    free(bytes);
    if (fd >= 0)
        (void)close(fd);
}

/* ---- keys ---- */

static bool opens(const uint8_t key[static 32], const struct mt_box_place *place,
                  struct mt_slice box) {
    static uint8_t plain[MT_BOX_MAX];
    struct mt_writer w = mt_writer(plain, sizeof plain);
    struct mt_slice content;
    return mt_box_open(key, place, box, &w, &content) == MT_OK;
}

/* Tries all keys of everybody on the first box of a chain: just two organisations open it. */
static void try_keys(struct sim *s, int one, int other, const struct mt_box_place *place,
                     struct mt_slice box) {
    for (int k = 0; k < s->plan.hosts && !s->failed; k++) {
        const struct mt_keyring *ring = s->hosts[k].node ? mt_node_keys(s->hosts[k].node) : NULL;
        bool held = false;
        for (uint32_t i = 0; ring && i < ring->n_epochs; i++)
            held |= opens(ring->epochs[i].box_key, place, box);
        for (uint32_t i = 0; ring && i < ring->n_channels; i++)
            held |= opens(ring->channels[i].box_key, place, box);
        if (held != (k == one || k == other))
            sim_fail(s, "org%d: %s the key of org%d and org%d", k, held ? "holds" : "lacks", one,
                     other);
    }
}

static void check_keys(struct sim *s, const struct needles *x) {
    static uint8_t message[MT_MESSAGE_MAX], arena[MT_RUN_ARENA];
    static struct mt_run_entry entries[MT_RUN_ENTRIES_MAX];
    for (size_t i = 0; i < x->n && i < OPENED_MAX && !s->failed; i++) {
        const struct host *h = &s->hosts[x->all[i].one];
        struct mt_writer w = mt_writer(message, sizeof message);
        struct mt_id region = host_info(h).region;
        struct mt_head before = {0};
        struct mt_run run;
        struct mt_run_wanted want = {
            .chain_no = x->all[i].chain_no, .first = 1, .max_bytes = 1, .check = true};
        uint64_t last;
        if (check_is_out(s, x->all[i].one) || check_is_out(s, x->all[i].other))
            continue;
        if (mt_store_read_run(h->store, &want, &w, &last) ||
            mt_run_check(mt_writer_slice(&w), &region, &x->all[i].feed, &before, entries, arena,
                         &run)) {
            sim_fail(s, "org%d: its chain cannot be read from the beginning", x->all[i].one);
            return;
        }
        struct mt_box_place place = {
            .region = region, .chain = x->all[i].id, .seq = entries[0].h.seq};
        try_keys(s, x->all[i].one, x->all[i].other, &place, entries[0].box);
    }
}

void agree_check(struct sim *s) {
    struct needles *x = calloc(1, sizeof *x);
    if (!x)
        abort();
    x->s = s;
    mark(x, (const uint8_t *)SIM_SECRET);
    check_records(s);
    for (int i = 0; i < s->plan.members && !s->failed; i++) {
        x->host = i;
        if (mt_store_load_chains(s->hosts[i].store, collect, x))
            sim_fail(s, "org%d: chains cannot be read", i);
    }
    for (int i = 0; i < s->plan.hosts && !s->failed; i++)
        scan_file(s, x, i);
    if (!s->failed)
        check_keys(s, x);
    free(x);
}
