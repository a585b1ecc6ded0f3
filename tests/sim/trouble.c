/* trouble: what goes wrong, and strangers at the door. */
#include "sim.h"

#include "link.h"

enum {
    LOOK_MS = 500,
    DOWN_MS_MAX = 20000,
    HEAL = 60, /* per mille of a look, while something is cut */
    COPY = 40,
    ROLL_BACK = 30,
    STOP = 15,
    ROLLBACKS_MAX = 2, /* both from one copy: the second meets the installation of the first */
};

/* ---- partitions ---- */

static void cut_some(struct sim *s) {
    struct chance *c = &s->chance;
    bool silently = chance_hits(c, (unsigned)s->plan.silent_cut);
    int way = chance_hits(c, (unsigned)s->plan.one_way) ? 1 + (int)chance_below(c, 2) : 0;
    uint64_t side = chance_next(c); /* who stands on which side */
    int one = (int)chance_below(c, (uint64_t)s->plan.hosts);
    bool alone = chance_hits(c, 500);
    sim_note(s, alone ? one : -1, "%s%s%s", alone ? "is cut off" : "the region is cut in two",
             silently ? " in silence" : "", way ? ", in one direction" : "");
    if (alone)
        side = UINT64_C(1) << one;
    for (int a = 0; a < s->plan.hosts; a++)
        for (int b = 0; b < s->plan.hosts; b++) {
            bool from = side >> a & 1, to = side >> b & 1;
            if (from != to && (!way || from == (way == 1)))
                net_cut(s, a, b, silently);
        }
    s->n_cuts++;
}

static bool is_cut(const struct sim *s) {
    for (int a = 0; a < s->plan.hosts; a++)
        for (int b = 0; b < s->plan.hosts; b++)
            if (s->cut[a][b])
                return true;
    return false;
}

/* ---- crashes and restored copies ---- */

/* What nobody else holds is gone with the copy. */
static void note_losses(struct sim *s, const struct host *h) {
    struct mt_id feed = host_info(h).feed;
    for (uint32_t i = 0; i < s->n_records; i++) {
        struct record *r = &s->records[i];
        if (r->author != h->index)
            continue;
        struct mt_id none = {{0}}, audience = r->other < 0 ? none : s->hosts[r->other].org;
        uint64_t end = check_chain_end(h->store, &feed, &audience);
        bool held = false;
        for (int k = 0; k < s->plan.members && !held; k++) {
            const struct host *o = &s->hosts[k];
            const struct mt_id *seen_as = r->other < 0 ? &none : &h->org;
            if (o == h || !o->store || (r->other >= 0 && k != r->other))
                continue;
            held = check_chain_end(o->store, &feed, seen_as) >= end;
        }
        r->may_be_lost |= !held || s->plan.fork;
    }
}

static void roll_back(struct sim *s, struct host *h) {
    sim_note(s, h->index, "is put back to an older copy");
    note_losses(s, h);
    host_crash(s, h);
    if (!disk_restore(s, h)) {
        sim_fail(s, "a copy cannot be put back");
        return;
    }
    h->rollbacks++;
    h->said_approve = 0; /* the newcomers bring it back */
    h->silent = !s->plan.fork && s->plant != PLANT_TWIN;
    s->n_rollbacks++;
    sim_at(s, chance_between(&s->chance, 100, 5000),
           (struct event){.what = AT_RESTART, .host = h->index});
}

static void copy_or_roll_back(struct sim *s, struct host *h) {
    struct mt_node_info info = host_info(h);
    if (!host_is_member(h) || h->rollbacks >= ROLLBACKS_MAX)
        return;
    if (!h->has_copy) {
        if (h->away || !chance_hits(&s->chance, COPY))
            return;
        h->has_copy = disk_copy(s, h);
        memcpy(h->copy_feed, info.feed.b, sizeof h->copy_feed);
        h->copy_end = check_chain_end(h->store, &info.feed, &(struct mt_id){{0}});
        sim_note(s, h->index, "is copied");
    } else if (chance_hits(&s->chance, ROLL_BACK) && h->has_installation) {
        roll_back(s, h);
    }
}

static void crash_some(struct sim *s) {
    struct host *h = &s->hosts[chance_below(&s->chance, (uint64_t)s->plan.hosts)];
    if (!h->up || h->health != WELL)
        return;
    host_crash(s, h);
    sim_at(s, chance_between(&s->chance, 200, DOWN_MS_MAX),
           (struct event){.what = AT_RESTART, .host = h->index});
}

/* ---- a member that stops ---- */

/* Reading, or everything; its connections stay. It never comes back. */
static void stop_some(struct sim *s) {
    struct host *h = &s->hosts[s->plan.members - 1];
    if (h->health != WELL || !host_is_member(h) || !host_info(h).has_key ||
        !chance_hits(&s->chance, STOP))
        return;
    h->health = s->plan.stuck == 1 ? DEAF : FROZEN;
    sim_note(s, h->index, "%s, for ever", h->health == DEAF ? "reads nothing" : "stands still");
}

/* ---- strangers ---- */

/* A first frame that is right in every way, but for the key. */
static size_t good_frame(struct sim *s, const struct host *h, uint8_t *out, size_t cap) {
    struct mt_link link = {0};
    struct mt_dh_key own;
    struct mt_id region = host_info(h).region;
    uint8_t psk[32], e[32], secret[32];
    struct mt_writer w = mt_writer(out, cap);
    chance_fill(&s->chance, psk, sizeof psk);
    chance_fill(&s->chance, e, sizeof e);
    chance_fill(&s->chance, secret, sizeof secret);
    mt_dh_key_make(secret, &own);
    if (mt_link_dial(&link, region.b, &region, psk, &own, e, &w) != MT_OK)
        sim_fail(s, "a stranger cannot dial");
    mt_link_close(&link);
    return w.n;
}

static void stranger(struct sim *s) {
    struct host *h = &s->hosts[chance_below(&s->chance, (uint64_t)s->plan.hosts)];
    uint8_t bytes[512];
    size_t n = chance_below(&s->chance, sizeof bytes);
    if (!h->up || h->health != WELL)
        return;
    chance_fill(&s->chance, bytes, sizeof bytes);
    switch (chance_below(&s->chance, 5)) {
    case 0: /* noise */
        break;
    case 1: /* a frame that has the right length */
        mt_be16(bytes, MT_HINT_SIZE + 32 + MT_NOISE_TAG);
        break;
    case 2:
        n = good_frame(s, h, bytes, sizeof bytes);
        break;
    case 3: /* a part of one */
        n = chance_below(&s->chance, good_frame(s, h, bytes, sizeof bytes));
        break;
    default: /* what somebody else sent once, and then noise */
        memcpy(bytes, s->tape, s->tape_n);
        n = n > s->tape_n ? n : s->tape_n;
    }
    sim_note(s, h->index, "a stranger sends %zu bytes", n);
    net_stranger(s, h, bytes, n, chance_hits(&s->chance, 500));
}

void trouble_look(struct sim *s) {
    if (s->is_calm)
        return;
    sim_at(s, LOOK_MS, (struct event){.what = AT_TROUBLE});
    if (is_cut(s)) {
        if (chance_hits(&s->chance, HEAL)) {
            sim_note(s, -1, "everybody is reachable again");
            net_heal(s);
        }
    } else if (chance_hits(&s->chance, (unsigned)s->plan.cut)) {
        cut_some(s);
    }
    if (chance_hits(&s->chance, (unsigned)s->plan.crash))
        crash_some(s);
    if (chance_hits(&s->chance, (unsigned)s->plan.stranger))
        stranger(s);
    if (s->plan.stuck)
        stop_some(s);
    struct host *h = &s->hosts[s->plan.rollback_host];
    if (s->plan.rollback && h->up)
        copy_or_roll_back(s, h);
}

void trouble_ends(struct sim *s) {
    sim_note(s, -1, "all is well from here on");
    s->is_calm = true;
    net_heal(s);
    for (int i = 0; i < s->plan.hosts; i++)
        if (!s->hosts[i].up)
            sim_at(s, 1, (struct event){.what = AT_RESTART, .host = i});
}
