/* node_admit: who gets a place when more want one than there are.
 *
 * A connection that was accepted goes through places, each with a number of its own: silent until
 * its first frame shows a key, answered until its certificate came, then link or, for who is no
 * member, guest. A newcomer is not refused because strangers hold every place: it takes one from the
 * party that has most of them, and of that party's the oldest, for whoever is honest goes on within
 * a round trip. Parties are the hosts that call, and organisations among links. A host that a member
 * called from before, or where its address says it is, has a few places that do not count against it,
 * so that strangers on many hosts take them from each other only. Silent and answered are apart so that a flood without a key takes
 * nothing from who has shown one.
 *
 * What strangers do is worth a line in the log, but not a line each. */
#include "node_internal.h"

enum place { ELSEWHERE, SILENT, ANSWERED, GUEST, LINK };

bool mt_node_is_guest(const struct mt_node *n, const struct mt_conn *c) {
    return c->is_open && !c->closing && !c->applying && !mt_sync_is_full(&c->sync, &n->replica);
}

static enum place place_of(const struct mt_node *n, const struct mt_conn *c) {
    if (c->closing || (!c->is_open && c->initiator))
        return ELSEWHERE;
    if (!c->is_open)
        return c->sync.link.state == MT_LINK_ANSWERED ? ANSWERED : SILENT;
    if (!mt_node_is_guest(n, c))
        return LINK;
    return c->invite < 0 ? GUEST : ELSEWHERE;
}

/* ---- parties ---- */

static bool same_party(enum place place, const struct mt_conn *a, const struct mt_conn *b) {
    return place == LINK ? mt_id_eq(&a->sync.org, &b->sync.org) : a->source == b->source;
}

/* How many of `v` are of the party of `c`, less those it may have in any case. */
static size_t excess(enum place place, struct mt_conn *const *v, size_t n,
                     const struct mt_conn *c) {
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += same_party(place, v[i], c);
    if (place == LINK || !c->is_known)
        return count;
    return count > MT_RESERVED ? count - MT_RESERVED : 0;
}

/* Which of `v` gives way to the last of them; NULL: the last itself. Hosts cost nothing, so of two
 * with equally many the older gives way; links stay unless somebody has more than one too many. */
static struct mt_conn *who_goes(enum place place, struct mt_conn *const *v, size_t n) {
    struct mt_conn *worst = NULL;
    size_t most = 0, own = excess(place, v, n, v[n - 1]);
    for (size_t i = 0; i + 1 < n; i++) {
        size_t e = excess(place, v, n, v[i]);
        if (worst && (e < most || (e == most && v[i]->serial > worst->serial)))
            continue;
        worst = v[i];
        most = e;
    }
    return most > own || (most == own && place != LINK) ? worst : NULL;
}

/* Whether `c` may have one of `max` places; closes who has to leave for it. */
static bool take_place(struct mt_node *n, struct mt_conn *c, enum place place, size_t max) {
    struct mt_conn *v[MT_CONNS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < n->n_conns; i++) {
        struct mt_conn *o = n->conns[i];
        /* Another link with the same installation is about to give way to this one, or this to it. */
        bool same = place == LINK && mt_id_eq(&o->sync.feed, &c->sync.feed);
        if (o != c && !same && place_of(n, o) == place)
            v[count++] = o;
    }
    if (count < max)
        return true;
    v[count++] = c;
    struct mt_conn *out = who_goes(place, v, count);
    if (out)
        mt_node_close(n, out, MT_EFULL);
    return out != NULL;
}

uint64_t mt_node_host(struct mt_slice text) {
    uint64_t h = UINT64_C(14695981039346656037); /* FNV-1a: only told apart, nothing rests on it */
    for (size_t i = 0; i < text.n; i++)
        h = (h ^ text.p[i]) * UINT64_C(1099511628211);
    return h ? h : 1;
}

void mt_node_source(struct mt_node *n, struct mt_conn *c, struct mt_slice source) {
    c->source = mt_node_host(source);
    for (size_t i = 0; i < n->n_peers && !c->is_known; i++)
        c->is_known = n->peers[i].source == c->source || n->peers[i].home == c->source;
}

bool mt_node_may_wait(struct mt_node *n, struct mt_conn *c) {
    return take_place(n, c, SILENT, MT_SILENT_MAX);
}

bool mt_node_may_answer(struct mt_node *n, struct mt_conn *c) {
    return take_place(n, c, ANSWERED, MT_ANSWERED_MAX);
}

/* ---- time ---- */

/* What callers cost is accepting them and, more, key agreements and signatures. Each adds to what was
 * spent, which passes as time does: so they take no more than their part of it, however many call. */
void mt_node_spend(struct mt_node *n, uint64_t us) {
    uint64_t now = n->now.mono_ms * 1000;
    n->spent_us = (n->spent_us > now ? n->spent_us : now) + us;
}

uint64_t mt_node_accept_in_ms(const struct mt_node *n, uint64_t mono_ms) {
    uint64_t free_us = mono_ms * 1000 + MT_AHEAD_US;
    return n->spent_us > free_us ? (n->spent_us - free_us + 999) / 1000 : 0;
}

/* ---- links ---- */

/* The guest that gives its place to a member: the oldest without an invitation, else the oldest. */
static struct mt_conn *some_guest(const struct mt_node *n, const struct mt_conn *except) {
    struct mt_conn *out = NULL;
    for (size_t i = 0; i < n->n_conns; i++) {
        struct mt_conn *o = n->conns[i];
        if (o == except || !mt_node_is_guest(n, o))
            continue;
        bool sooner = !out || (o->invite < 0 && out->invite >= 0) ||
                      ((o->invite < 0) == (out->invite < 0) && o->serial < out->serial);
        out = sooner ? o : out;
    }
    return out;
}

static size_t open_besides(const struct mt_node *n, const struct mt_conn *c) {
    size_t count = 0;
    for (size_t i = 0; i < n->n_conns; i++) {
        const struct mt_conn *o = n->conns[i];
        count += o != c && o->is_open && !o->closing && !mt_id_eq(&o->sync.feed, &c->sync.feed);
    }
    return count;
}

/* Who is no member (yet) must not keep members out: an invitation has one link, the newest; others
 * have few; all have to get somewhere in time; and when all places are taken a member gets a guest's,
 * or that of an organisation with many. */
enum mt_err mt_node_make_room(struct mt_node *n, struct mt_conn *c) {
    bool comes_as_guest = mt_node_is_guest(n, c);
    c->deadline_ms = UINT64_MAX;
    if (comes_as_guest)
        c->deadline_ms = n->now.mono_ms + (c->invite >= 0 ? MT_HANDSHAKE_MS_MAX : MT_GUEST_MS_MAX);
    for (size_t i = 0; i < n->n_conns; i++) {
        struct mt_conn *o = n->conns[i];
        if (o != c && o->is_open && c->invite >= 0 && o->invite == c->invite)
            mt_node_close(n, o, MT_EDUPLICATE);
    }
    if (comes_as_guest && c->invite < 0 && !take_place(n, c, GUEST, MT_GUESTS_MAX))
        return MT_EFULL;
    if (open_besides(n, c) < MT_LINKS_MAX)
        return MT_OK;
    if (comes_as_guest)
        return MT_EFULL;
    struct mt_conn *guest = some_guest(n, c);
    if (!guest)
        return take_place(n, c, LINK, 0) ? MT_OK : MT_EFULL;
    mt_node_close(n, guest, MT_EFULL);
    return MT_OK;
}

/* ---- lines ---- */

static void renew(struct mt_node *n, struct mt_lines *l, uint64_t most) {
    if (n->now.mono_ms < l->until_ms)
        return;
    uint64_t skipped = l->skipped;
    *l = (struct mt_lines){.until_ms = n->now.mono_ms + MT_LINES_MS, .left = most};
    if (skipped)
        mt_node_log(n, "link_lines_skipped", NULL, 0, skipped, MT_OK);
}

void mt_node_log_link(struct mt_node *n, const struct mt_conn *c, const char *event,
                      uint64_t number, enum mt_err err) {
    bool member = c->initiator || (c->is_open && mt_gov_member(n->replica.gov, &c->sync.org));
    struct mt_lines *l = &n->lines[member];
    renew(n, l, member ? MT_LINES_MEMBERS_MAX : MT_LINES_STRANGERS_MAX);
    if (!l->left) {
        l->skipped++;
        return;
    }
    l->left--;
    mt_node_log(n, event, &c->sync.org, c->id, number, err);
}

void mt_node_log_skipped(struct mt_node *n) {
    if (n->lines[0].skipped)
        renew(n, &n->lines[0], MT_LINES_STRANGERS_MAX);
    if (n->lines[1].skipped)
        renew(n, &n->lines[1], MT_LINES_MEMBERS_MAX);
}

uint64_t mt_node_log_deadline(const struct mt_node *n) {
    uint64_t at = UINT64_MAX;
    for (size_t i = 0; i < MT_ARRAY_LEN(n->lines); i++)
        if (n->lines[i].skipped && n->lines[i].until_ms < at)
            at = n->lines[i].until_ms;
    return at;
}
