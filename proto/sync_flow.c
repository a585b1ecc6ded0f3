/* sync_flow: how far each chain is on this link, and which is to be sent next. */
#include "sync_internal.h"

#include <stdlib.h>

bool mt_sync_is_full(const struct mt_sync *s, const struct mt_replica *r) {
    return mt_gov_member(r->gov, &s->org) && mt_gov_member(r->gov, &r->own_org);
}

enum mt_err mt_sync_reserve_marks(struct mt_sync *s, const struct mt_replica *r) {
    if (s->n_marks >= r->chains.n)
        return MT_OK;
    uint32_t want = r->chains.n + 16;
    struct mt_mark *p = realloc(s->marks, want * sizeof *p);
    if (!p)
        return MT_ENOMEM;
    memset(p + s->n_marks, 0, (want - s->n_marks) * sizeof *p);
    s->marks = p;
    s->n_marks = want;
    return MT_OK;
}

struct mt_mark *mt_sync_mark_of(struct mt_sync *s, const struct mt_replica *r, uint32_t chain) {
    if (chain >= s->n_marks || !mt_chain_is_for(&r->chains.v[chain], &r->own_org, &s->org))
        return NULL;
    return &s->marks[chain];
}

uint64_t mt_sync_reached(const struct mt_mark *m) {
    return m->theirs > m->sent ? m->theirs : m->sent;
}

enum mt_err mt_sync_enqueue(struct mt_sync *s, uint32_t chain) {
    struct mt_mark *m = &s->marks[chain];
    if (m->queued)
        return MT_OK;
    if (s->n_queue == s->cap_queue) {
        uint32_t cap = s->cap_queue ? s->cap_queue * 2 : 16;
        uint32_t *p = realloc(s->queue, cap * sizeof *p);
        if (!p)
            return MT_ENOMEM;
        s->queue = p;
        s->cap_queue = cap;
    }
    m->queued = true;
    s->queue[s->n_queue++] = chain;
    return MT_OK;
}

enum mt_err mt_sync_grew(struct mt_sync *s, const struct mt_replica *r, uint32_t chain, bool late) {
    if (s->state != MT_SYNC_LIVE && s->state != MT_SYNC_HAVE)
        return MT_OK;
    enum mt_err err = mt_sync_reserve_marks(s, r);
    if (err)
        return err;
    struct mt_mark *m = mt_sync_mark_of(s, r, chain);
    if (!m || r->chains.v[chain].head.seq <= mt_sync_reached(m) || r->chains.v[chain].fork)
        return MT_OK;
    if (!late)
        return mt_sync_enqueue(s, chain);
    s->n_late += !m->late;
    m->late = true;
    return MT_OK;
}

enum mt_err mt_sync_late(struct mt_sync *s, const struct mt_replica *r) {
    for (uint32_t i = 0; i < s->n_marks && s->n_late; i++) {
        if (!s->marks[i].late)
            continue;
        s->marks[i].late = false;
        s->n_late--;
        enum mt_err err = mt_sync_grew(s, r, i, false);
        if (err)
            return err;
    }
    return MT_OK;
}

bool mt_sync_next(struct mt_sync *s, const struct mt_replica *r, uint32_t *chain, uint64_t *first,
                  size_t *max_bytes) {
    if (s->state < MT_SYNC_HAVE || !s->got_have || s->fetching)
        return false;
    while (s->n_queue && s->credit > 0) {
        uint32_t at = s->queue[0];
        memmove(s->queue, s->queue + 1, --s->n_queue * sizeof *s->queue);
        s->marks[at].queued = false;
        const struct mt_chain *c = &r->chains.v[at];
        bool stopped = c->fork && !s->marks[at].proof;
        if (c->head.seq <= mt_sync_reached(&s->marks[at]) || stopped || !mt_sync_mark_of(s, r, at))
            continue;
        *chain = at;
        *first = mt_sync_reached(&s->marks[at]) + 1;
        *max_bytes = MT_RUN_BYTES_MAX;
        if (s->credit < MT_RUN_BYTES_MAX)
            *max_bytes = (size_t)s->credit;
        s->fetching = true;
        return true;
    }
    return false;
}

enum mt_err mt_sync_fetched(struct mt_sync *s, const struct mt_replica *r, uint32_t chain,
                            struct mt_slice run, uint64_t last) {
    s->fetching = false;
    if (!run.n)
        return MT_OK;
    enum mt_err err = mt_sync_send(s, run);
    if (err)
        return err;
    s->credit -= (int64_t)run.n;
    s->marks[chain].sent = last;
    if (s->marks[chain].proof) {
        s->marks[chain].proof = false;
        return MT_OK;
    }
    return r->chains.v[chain].head.seq > last ? mt_sync_enqueue(s, chain) : MT_OK;
}

enum mt_err mt_sync_mark(struct mt_sync *s, struct mt_replica *r, uint32_t chain, size_t bytes,
                         bool held) {
    if (s->state < MT_SYNC_HAVE)
        return MT_OK;
    enum mt_err err = mt_sync_reserve_marks(s, r);
    struct mt_mark *m = err ? NULL : mt_sync_mark_of(s, r, chain);
    if (err || (!m && !bytes))
        return err;
    int64_t grow = 0;
    if (bytes) {
        s->owed -= (int64_t)bytes;
        grow = MT_WINDOW_PEER - s->granted;
        grow = grow < r->window_left ? grow : r->window_left;
        grow = grow > 0 ? grow : 0;
        s->granted += grow;
        r->window_left -= grow;
    }
    const struct mt_chain *c = &r->chains.v[chain];
    if (held && m && m->theirs < c->head.seq)
        m->theirs = c->head.seq;
    struct mt_writer w = mt_sync_scratch(s);
    mt_mark_begin(&w, (uint64_t)grow + bytes, m ? 1 : 0);
    if (m)
        mt_mark_row_put(&w, &c->info.id, c->head.seq);
    return mt_sync_send_written(s, &w);
}

enum mt_err mt_sync_prove(struct mt_sync *s, const struct mt_replica *r, uint32_t chain) {
    const struct mt_chain *c = &r->chains.v[chain];
    enum mt_err err = mt_sync_reserve_marks(s, r);
    struct mt_mark *m = err ? NULL : mt_sync_mark_of(s, r, chain);
    if (!m || !c->fork || c->head.seq < c->fork || !mt_id_eq(&c->info.feed, &s->feed))
        return err;
    m->theirs = m->sent = c->fork - 1;
    m->proof = true;
    return mt_sync_enqueue(s, chain);
}

enum mt_err mt_sync_miss(struct mt_sync *s, struct mt_slice run) {
    struct mt_id id;
    uint64_t first;
    uint8_t previous16[16];
    uint32_t n, at = 0;
    enum mt_err err = mt_run_peek(run, &id, &first, previous16, &n);
    if (err)
        return err;
    while (at < s->n_missed && !mt_id_eq(&s->missed[at], &id))
        at++;
    if (at == MT_SYNC_MISSED_MAX)
        return MT_EUNKNOWN;
    s->missed[at] = id;
    s->n_missed += at == s->n_missed;
    s->owed -= (int64_t)run.n;
    struct mt_writer w = mt_sync_scratch(s);
    mt_mark_begin(&w, run.n, 0);
    return mt_sync_send_written(s, &w);
}

enum mt_err mt_sync_ask_missed(struct mt_sync *s, const struct mt_replica *r) {
    enum mt_err err = MT_OK;
    for (uint32_t i = 0; i < s->n_missed && !err; i++) {
        uint32_t chain = mt_chains_find(&r->chains, &s->missed[i]);
        if (chain == MT_CHAIN_NONE)
            continue;
        s->missed[i--] = s->missed[--s->n_missed];
        err = mt_sync_resync(s, r, chain);
    }
    return err;
}

enum mt_err mt_sync_resync(struct mt_sync *s, const struct mt_replica *r, uint32_t chain) {
    struct mt_have_row row;
    struct mt_writer w = mt_sync_scratch(s);
    mt_chain_row(&r->chains.v[chain], &row);
    mt_have_begin(&w, 1);
    mt_have_row_put(&w, &row);
    mt_have_end(&w, true);
    return mt_sync_send_written(s, &w);
}

enum mt_err mt_sync_queue_all(struct mt_sync *s, const struct mt_replica *r) {
    enum mt_err err = mt_sync_reserve_marks(s, r);
    for (uint32_t i = 0; i < r->chains.n && !err; i++) {
        struct mt_mark *m = mt_sync_mark_of(s, r, i);
        if (m && r->chains.v[i].fork)
            err = mt_sync_prove(s, r, i);
        else if (m && r->chains.v[i].head.seq > mt_sync_reached(m))
            err = mt_sync_enqueue(s, i);
    }
    return err;
}

uint64_t mt_sync_lag(const struct mt_sync *s, const struct mt_replica *r) {
    uint64_t lag = 0;
    for (uint32_t i = 0; i < r->chains.n; i++) {
        const struct mt_chain *c = &r->chains.v[i];
        uint64_t theirs = i < s->n_marks ? s->marks[i].theirs : 0;
        if (c->head.seq > theirs && !c->fork && mt_chain_is_for(c, &r->own_org, &s->org))
            lag += c->head.seq - theirs;
    }
    return lag;
}

uint64_t mt_sync_behind(const struct mt_sync *s, const struct mt_replica *r) {
    uint64_t behind = 0;
    for (uint32_t i = 0; i < r->chains.n && i < s->n_marks; i++) {
        const struct mt_chain *c = &r->chains.v[i];
        if (s->marks[i].theirs > c->head.seq && !c->fork &&
            mt_chain_is_for(c, &r->own_org, &s->org))
            behind += s->marks[i].theirs - c->head.seq;
    }
    return behind;
}
