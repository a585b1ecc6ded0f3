/* net: connections as byte streams.
 *
 * Each direction of a wire is a queue of pieces, delivered in order when their time has come. A cut
 * between two hosts holds pieces back; some connections die of it in silence, and whoever sends on
 * a dead one after the cut has healed is told that it is over. */
#include "sim.h"

#include <stdlib.h>

enum {
    HELD_MS = 250,       /* how often a held piece is tried again */
    UNREACHED_MS = 3000, /* until a dial across a cut fails, when it fails at all */
    CHUNK_MAX = 64 * 1024,
    SLOW_CHUNK_MAX = 1400,
    SLOW_BYTES_PER_MS = 8, /* what a slow host reads, at least; at most four times that */
    SLOW_DELAY_MS_MAX = 700,
};

static uint64_t delay(struct sim *s, int a, int b) {
    /* Each pair has its own distance. */
    uint64_t far =
        1 + (s->seed * 31 + (uint64_t)(a + b + 2) * 7 + (uint64_t)(a + 1) * (uint64_t)(b + 1)) % 60;
    return far / 2 + chance_below(&s->chance, far + 1);
}

/* Nothing gets through from `side` to the other. */
static bool is_held(const struct sim *s, const struct wire *w, int side) {
    return w->host[0] >= 0 && s->cut[w->host[side]][w->host[!side]];
}

static bool is_cut(const struct sim *s, const struct wire *w) {
    return is_held(s, w, 0) || is_held(s, w, 1);
}

static bool is_slow(const struct sim *s, const struct wire *w, int side) {
    return (!s->is_calm || s->plan.slow_on) && w->host[!side] >= 0 &&
           s->hosts[w->host[!side]].is_slow;
}

/* What is sent to it is never read. */
static bool is_stuck(const struct sim *s, const struct wire *w, int side) {
    return w->host[!side] >= 0 && s->hosts[w->host[!side]].health != WELL;
}

static struct wire *wire_of(struct sim *s, const struct event *e) {
    struct wire *w = &s->wires[e->wire];
    return w->used && w->serial == e->wire_serial ? w : NULL;
}

static struct wire *new_wire(struct sim *s) {
    uint32_t i = 0;
    while (i < s->n_wires && s->wires[i].used)
        i++;
    if (i == s->cap_wires) {
        s->cap_wires = s->cap_wires ? s->cap_wires * 2 : 64;
        s->wires = realloc(s->wires, s->cap_wires * sizeof *s->wires);
        if (!s->wires)
            abort();
    }
    if (i == s->n_wires)
        s->n_wires++;
    s->wires[i] = (struct wire){.used = true, .serial = ++s->wire_serial};
    return &s->wires[i];
}

static struct event about(const struct sim *s, const struct wire *w, enum happening what,
                          int side) {
    return (struct event){
        .what = what, .wire = (uint32_t)(w - s->wires), .wire_serial = w->serial, .side = side};
}

static void drop_pieces(struct wire *w, int side) {
    while (w->head[side]) {
        struct piece *p = w->head[side];
        w->head[side] = p->next;
        free(p);
    }
    w->tail[side] = NULL;
    w->queued[side] = 0;
}

static void free_when_over(struct wire *w) {
    if (!w->gone[0] || !w->gone[1])
        return;
    drop_pieces(w, 0);
    drop_pieces(w, 1);
    w->used = false;
}

/* What waits for a peer stays within the window that it gave. */
static void check_queue(struct sim *s, const struct wire *w, int side) {
    if (w->host[0] < 0 || s->hosts[w->host[side]].life != w->life[side])
        return;
    const struct host *to = &s->hosts[w->host[!side]];
    size_t most = caps_wire(to->life == w->life[!side] ? to : NULL, w->conn[!side]);
    if (w->queued[side] > most)
        sim_fail(s, "org%d: %zu bytes wait on a connection to org%d, more than its window",
                 w->host[side], w->queued[side], w->host[!side]);
}

static void push(struct sim *s, struct wire *w, int side, const uint8_t *p, size_t n, bool is_end) {
    struct piece *x = malloc(sizeof *x + n);
    if (!x)
        abort();
    uint64_t at = s->now_ms + delay(s, w->host[0], w->host[1]);
    if (at < w->last_ms[side])
        at = w->last_ms[side];
    if (is_slow(s, w, side))
        at += n / (SLOW_BYTES_PER_MS * chance_between(&s->chance, 1, 4)) +
              (chance_hits(&s->chance, 50) ? chance_below(&s->chance, SLOW_DELAY_MS_MAX) : 0);
    *x = (struct piece){.at_ms = at, .is_end = is_end, .n = n};
    if (n)
        memcpy(x->bytes, p, n);
    w->last_ms[side] = at;
    w->queued[side] += n;
    check_queue(s, w, side);
    if (w->tail[side]) {
        w->tail[side]->next = x;
    } else {
        w->head[side] = x;
        sim_at(s, at - s->now_ms, about(s, w, AT_PUMP, side));
    }
    w->tail[side] = x;
}

static struct wire *find(struct sim *s, const struct host *h, uint64_t conn, int *side) {
    for (uint32_t i = 0; i < s->n_wires; i++) {
        struct wire *w = &s->wires[i];
        for (int k = 0; w->used && k < 2; k++)
            if (w->host[k] == h->index && w->life[k] == h->life && w->conn[k] == conn) {
                *side = k;
                return w;
            }
    }
    return NULL;
}

static void tell_closed(struct sim *s, struct host *h, uint64_t conn, enum mt_err err,
                        uint64_t delay_ms) {
    sim_at(s, delay_ms,
           (struct event){
               .what = AT_CLOSED, .host = h->index, .life = h->life, .conn = conn, .err = err});
}

void net_dial(struct sim *s, struct host *from, uint64_t conn, const char *address) {
    int to = strncmp(address, "sim", 3) == 0 ? atoi(address + 3) : -1;
    if (to < 0 || to >= s->plan.hosts) {
        tell_closed(s, from, conn, MT_EUNREACHABLE, 1);
        return;
    }
    struct wire *w = new_wire(s);
    w->host[0] = from->index;
    w->host[1] = to;
    w->life[0] = from->life;
    w->conn[0] = conn;
    sim_at(s, delay(s, from->index, to), about(s, w, AT_ARRIVE, 0));
}

/* The side learns that the connection is over, without having asked for it. */
static void end_side(struct sim *s, struct wire *w, int side, enum mt_err err, uint64_t delay_ms) {
    if (w->gone[side])
        return;
    w->gone[side] = true;
    if (w->host[side] >= 0 && w->conn[side] && s->hosts[w->host[side]].life == w->life[side])
        tell_closed(s, &s->hosts[w->host[side]], w->conn[side], err, delay_ms);
    free_when_over(w);
}

void net_arrive(struct sim *s, const struct event *e) {
    struct wire *w = wire_of(s, e);
    if (!w)
        return;
    struct host *to = &s->hosts[w->host[1]];
    uint64_t back = delay(s, w->host[0], w->host[1]);
    if (w->gone[0] || is_cut(s, w) || !to->up) {
        bool cut = is_cut(s, w);
        w->gone[1] = true;
        if (w->gone[0])
            free_when_over(w);
        else if (!cut)
            end_side(s, w, 0, MT_EUNREACHABLE, back);
        else if (chance_hits(&s->chance, 500))
            end_side(s, w, 0, MT_EUNREACHABLE, UNREACHED_MS);
        return; /* or silence: the dialler gives up by itself */
    }
    char source[16];
    w->life[1] = to->life;
    w->conn[1] = ++to->next_conn;
    sim_at(s, back, about(s, w, AT_CONNECTED, 0));
    if (to->health == FROZEN)
        return; /* its machine answers for it */
    (void)snprintf(source, sizeof source, "net%d", w->host[0] < 0 ? 99 : w->host[0]);
    struct mt_event event = {
        .type = MT_EV_ACCEPTED, .conn = w->conn[1], .source = mt_slice_str(source)};
    host_step(s, to, &event);
}

void net_connected(struct sim *s, const struct event *e) {
    struct wire *w = wire_of(s, e);
    if (!w || w->gone[0] || w->host[0] < 0)
        return;
    struct host *h = &s->hosts[w->host[0]];
    if (!h->up || h->life != w->life[0] || h->health == FROZEN)
        return;
    struct mt_event event = {.type = MT_EV_CONNECTED, .conn = w->conn[0]};
    host_step(s, h, &event);
}

void net_send(struct sim *s, struct host *from, uint64_t conn, const uint8_t *p, size_t n) {
    int side;
    struct wire *w = find(s, from, conn, &side);
    if (!w || w->gone[side])
        return;
    if (side == 0 && !s->tape_n && n <= sizeof s->tape && !host_is_member(from)) {
        memcpy(s->tape, p, n); /* an applicant's first frame, for strangers */
        s->tape_n = n;
    }
    sim_mix(s, &n, sizeof n);
    while (n > 0) {
        size_t take = n;
        if (chance_hits(&s->chance, 300))
            take = chance_between(&s->chance, 1, n < 200 ? n : 200);
        else if (chance_hits(&s->chance, 300))
            take = chance_between(&s->chance, 1, n);
        size_t most = is_slow(s, w, side) ? SLOW_CHUNK_MAX : CHUNK_MAX;
        take = take < most ? take : most;
        push(s, w, side, p, take, false);
        p += take;
        n -= take;
    }
}

void net_close(struct sim *s, struct host *from, uint64_t conn, enum mt_err err) {
    int side;
    struct wire *w = find(s, from, conn, &side);
    if (!w || w->gone[side])
        return; /* the end is on its way already */
    if (w->conn[!side])
        push(s, w, side, NULL, 0, true);
    w->gone[side] = true;
    w->gone[!side] |= is_stuck(s, w, side); /* it will not hear of it */
    tell_closed(s, from, conn, err, chance_below(&s->chance, 5));
    free_when_over(w);
}

/* Nobody takes these bytes. A host that is up says so. */
static void bounce(struct sim *s, struct wire *w, int side) {
    int to = !side;
    drop_pieces(w, side);
    if (w->host[to] >= 0 && s->hosts[w->host[to]].up && !is_cut(s, w))
        end_side(s, w, side, MT_EIO, delay(s, w->host[0], w->host[1]));
}

static void deliver(struct sim *s, struct wire *w, int side, struct piece *p) {
    int to = !side;
    if (w->gone[to]) {
        free_when_over(w);
        return;
    }
    if (p->is_end) {
        end_side(s, w, to, MT_EIO, 0);
        return;
    }
    if (w->host[to] < 0)
        return; /* a stranger reads nothing */
    struct mt_event event = {
        .type = MT_EV_BYTES, .conn = w->conn[to], .bytes = mt_slice(p->bytes, p->n)};
    sim_mix(s, p->bytes, p->n < 64 ? p->n : 64);
    host_step(s, &s->hosts[w->host[to]], &event);
}

void net_pump(struct sim *s, const struct event *e) {
    struct wire *w = wire_of(s, e);
    int side = e->side, to = !side;
    if (!w || !w->head[side])
        return;
    const struct host *h = w->host[to] >= 0 ? &s->hosts[w->host[to]] : NULL;
    if (w->dead || (h && (!h->up || h->life != w->life[to]))) {
        bounce(s, w, side);
        return;
    }
    if (is_stuck(s, w, side))
        return;
    if (is_held(s, w, side)) {
        sim_at(s, HELD_MS, about(s, w, AT_PUMP, side));
        return;
    }
    struct piece *p = w->head[side];
    w->head[side] = p->next;
    w->queued[side] -= p->n;
    if (!w->head[side])
        w->tail[side] = NULL;
    else
        sim_at(s, w->head[side]->at_ms > s->now_ms ? w->head[side]->at_ms - s->now_ms : 0,
               about(s, w, AT_PUMP, side));
    deliver(s, w, side, p); /* may move the wires */
    free(p);
}

void net_crash(struct sim *s, struct host *h) {
    bool silently = chance_hits(&s->chance, 300);
    for (uint32_t i = 0; i < s->n_wires; i++) {
        struct wire *w = &s->wires[i];
        for (int k = 0; w->used && k < 2; k++) {
            if (w->host[k] != h->index || w->life[k] != h->life || !w->conn[k] || w->gone[k])
                continue;
            w->gone[k] = true;
            if (silently)
                w->dead = true;
            else if (w->conn[!k] && !w->gone[!k])
                push(s, w, k, NULL, 0, true);
            free_when_over(w);
        }
    }
}

void net_cut(struct sim *s, int a, int b, bool silently) {
    s->cut[a][b] = true;
    for (uint32_t i = 0; i < s->n_wires && silently; i++) {
        struct wire *w = &s->wires[i];
        if (w->used &&
            ((w->host[0] == a && w->host[1] == b) || (w->host[0] == b && w->host[1] == a)))
            w->dead = true;
    }
}

void net_heal(struct sim *s) {
    memset(s->cut, 0, sizeof s->cut);
}

void net_stranger(struct sim *s, struct host *h, const uint8_t *p, size_t n, bool closes) {
    struct wire *w = new_wire(s);
    w->host[0] = SIM_STRANGER;
    w->host[1] = h->index;
    w->life[1] = h->life;
    w->conn[1] = ++h->next_conn;
    w->gone[0] = true; /* it reads nothing */
    if (n)
        push(s, w, 0, p, n, false);
    if (closes)
        push(s, w, 0, NULL, 0, true);
    struct mt_event event = {
        .type = MT_EV_ACCEPTED, .conn = w->conn[1], .source = mt_slice_str("stranger")};
    host_step(s, h, &event);
}

void net_free(struct sim *s) {
    for (uint32_t i = 0; i < s->n_wires; i++) {
        drop_pieces(&s->wires[i], 0);
        drop_pieces(&s->wires[i], 1);
    }
    free(s->wires);
    s->wires = NULL;
    s->n_wires = s->cap_wires = 0;
}
