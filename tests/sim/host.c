/* host: one organisation's daemon, as daemon/engine does it, without the loop. */
#include "sim.h"

#include <stdlib.h>

enum {
    MAP_BYTES = 1024 * 1024,
    IDLE_TICKS_MAX = 3,
    PREPARED = 600, /* per mille of the runs */
    TIDIED = 150,   /* per mille of the batches: there is time behind them */
    RECENT_MIN = 3, /* keys that every second host keeps together */
    FOLLOW_MS_MAX = 50,
    BATCH_SLACK = MT_RUN_BYTES_MAX + 2 * MT_BOX_MAX + 256 * 1024,
};

static const uint64_t WALL_MS = UINT64_C(1790000000000), CLOCK_OFF_MS = UINT64_C(63072000000),
                      CLOCK_SET_MS = UINT64_C(86400000);

static struct event about(const struct host *h, enum happening what) {
    return (struct event){.what = what, .host = h->index, .life = h->life};
}

struct mt_node_info host_info(const struct host *h) {
    struct mt_node_info info = {0};
    if (h->node)
        mt_node_info(h->node, &info);
    return info;
}

bool host_is_member(const struct host *h) {
    return h->up && host_info(h).state == MT_NODE_MEMBER;
}

static struct mt_time now_of(const struct sim *s, const struct host *h) {
    return (struct mt_time){.mono_ms = h->mono_base + s->now_ms,
                            .wall_ms = h->wall_base + s->now_ms};
}

/* ---- commands ---- */

bool host_has_room(const struct host *h) {
    for (int i = 0; i < SIM_COMMANDS_MAX; i++)
        if (!h->commands[i].request)
            return h->up;
    return false;
}

bool host_command(struct sim *s, struct host *h, struct mt_command *command,
                  const struct command *keep) {
    struct command *slot = h->commands;
    while (slot < h->commands + SIM_COMMANDS_MAX && slot->request)
        slot++;
    if (!h->up || slot == h->commands + SIM_COMMANDS_MAX)
        return false;
    *slot = *keep;
    slot->type = command->type;
    slot->request = command->request = ++s->requests;
    struct mt_event event = {.type = MT_EV_COMMAND, .command = *command};
    host_step(s, h, &event);
    return true;
}

bool host_waits_for(const struct host *h, enum mt_command_type type, int subject) {
    for (int i = 0; i < SIM_COMMANDS_MAX; i++)
        if (h->commands[i].request && h->commands[i].type == type &&
            h->commands[i].subject == subject)
            return true;
    return false;
}

static void reply(struct sim *s, struct host *h, const struct mt_effect *fx) {
    for (int i = 0; i < SIM_COMMANDS_MAX; i++) {
        struct command c = h->commands[i];
        if (c.request != fx->request || c.answered)
            continue;
        h->commands[i].request = c.fn ? c.request : 0;
        h->commands[i].answered = true;
        h->commands[i].err = fx->err;
        h->commands[i].reply = fx->reply;
        if (c.fn)
            sim_at(s, 0, about(h, AT_ANSWER));
        if (fx->err)
            sim_note(s, h->index, "is refused: %s %s", mt_err_code(fx->err),
                     fx->reply.hint ? fx->reply.hint : "");
        else
            sim_detail(s, h->index, "reply %llu ok", (unsigned long long)c.request);
        if (mt_err_class(fx->err) == MT_CLASS_BUG)
            sim_fail(s, "org%d: a command was answered with a defect", h->index);
        people_answered(s, h, &c, plant_lies(s, &c, fx->err) ? MT_OK : fx->err, &fx->reply);
        return;
    }
    sim_fail(s, "org%d: an answer to a question nobody asked", h->index);
}

/* On a turn of its own: who hears of an answer may give the next command. */
static void answer(struct host *h) {
    for (int i = 0; i < SIM_COMMANDS_MAX; i++) {
        struct command c = h->commands[i];
        if (!c.request || !c.answered)
            continue;
        h->commands[i].request = 0;
        c.fn(c.fn_arg, c.err, &c.reply);
    }
}

/* ---- effects ---- */

static void persist(struct sim *s, struct host *h, struct mt_effect *fx) {
    if (h->away)
        sim_fail(s, "org%d: a second batch while one is away", h->index);
    if (fx->batch->n > MT_BATCH_OPS_MAX || fx->batch->bytes > MT_BATCH_BYTES_MAX + BATCH_SLACK)
        sim_fail(s, "org%d: a batch of %u operations and %zu bytes", h->index, fx->batch->n,
                 fx->batch->bytes);
    h->away = fx->batch;
    h->applied = false;
    fx->batch = NULL;
    uint64_t delay = chance_hits(&s->chance, 30) ? 400 : 0;
    sim_at(s, delay + chance_between(&s->chance, 1, 20), about(h, AT_APPLY));
}

/* Between members in order no link ends because of what was said on it. */
static void check_close(struct sim *s, const struct host *h, const struct mt_log_line *l) {
    if (strcmp(l->event, "link_closing") != 0 || mt_id_is_zero(&l->org) ||
        mt_err_class(l->err) != MT_CLASS_PEER || l->err == MT_ETIMEOUT || l->err == MT_EMEMBER)
        return;
    sim_fail(s, "org%d: closes on what a peer in order said: %s", h->index, mt_err_code(l->err));
}

static void log_line(struct sim *s, struct host *h, const struct mt_log_line *l) {
    char org[17] = "";
    int index = -1;
    if (!mt_id_is_zero(&l->org))
        mt_hex(org, l->org.b, 4);
    for (int i = 0; i < s->plan.hosts; i++)
        if (!mt_id_is_zero(&l->org) && mt_id_eq(&s->hosts[i].org, &l->org))
            index = i;
    if (index >= 0)
        (void)snprintf(org, sizeof org, "org%d", index);
    sim_detail(s, h->index, "%s %s conn=%llx number=%llu err=%s", l->event, org,
               (unsigned long long)l->conn, (unsigned long long)l->number, mt_err_code(l->err));
    check_close(s, h, l);
    if (mt_err_class(l->err) == MT_CLASS_BUG)
        sim_fail(s, "org%d: %s says there is a defect", h->index, l->event);
}

static void carry_out(struct sim *s, struct host *h, struct mt_effect *fx) {
    struct event e;
    switch (fx->type) {
    case MT_FX_SEND:
        net_send(s, h, fx->conn, fx->bytes.p, fx->bytes.n);
        break;
    case MT_FX_CLOSE:
        net_close(s, h, fx->conn, fx->err);
        break;
    case MT_FX_CONNECT:
        net_dial(s, h, fx->conn, fx->address);
        break;
    case MT_FX_PERSIST:
        persist(s, h, fx);
        break;
    case MT_FX_PREPARE: /* or its worker does not get to it */
        if (chance_hits(&s->chance, PREPARED))
            mt_prepare_run(h->prepare, fx->job);
        break;
    case MT_FX_FETCH:
        e = about(h, AT_FETCH);
        e.conn = fx->conn;
        e.want = fx->want;
        sim_at(s, chance_below(&s->chance, 3), e);
        break;
    case MT_FX_REPLY:
        reply(s, h, fx);
        break;
    case MT_FX_LOG:
        log_line(s, h, &fx->log);
        break;
    case MT_FX_CHANGED:
        host_changed(s, h);
        break;
    }
}

void host_changed(struct sim *s, struct host *h) {
    if (h->follows)
        return;
    h->follows = true;
    sim_at(s, chance_below(&s->chance, FOLLOW_MS_MAX), about(h, AT_FOLLOW));
}

static void carry_out_all(struct sim *s, struct host *h) {
    size_t n;
    struct mt_effect *all = mt_node_effects(h->node, &n);
    for (size_t i = 0; i < n && !s->failed; i++)
        carry_out(s, h, &all[i]);
}

/* Some people type in addresses of organisations before those are members; the others come with the
 * records that these publish. */
static void tell_addresses(struct sim *s, struct host *h) {
    bool early = (s->seed + (uint64_t)h->index) % 3 == 0 && host_info(h).state != MT_NODE_EMPTY;
    char address[16];
    for (int i = 0; early && i < s->plan.hosts; i++) {
        if (i == h->index || h->told & 1U << i || mt_id_is_zero(&s->hosts[i].org))
            continue;
        (void)snprintf(address, sizeof address, "sim%d", i);
        if (mt_node_address(h->node, &s->hosts[i].org, mt_slice_str(address)) != MT_OK)
            sim_fail(s, "org%d: no room for an address", h->index);
        h->told |= 1U << i;
    }
}

void host_arm(struct sim *s, struct host *h) {
    uint64_t deadline = mt_node_deadline(h->node), now = h->mono_base + s->now_ms;
    if (deadline == UINT64_MAX) {
        h->tick_at = UINT64_MAX;
        return;
    }
    uint64_t delay = deadline > now ? deadline - now : 1;
    if (h->tick_at == s->now_ms + delay)
        return;
    h->tick_at = s->now_ms + delay;
    sim_at(s, delay, about(h, AT_TICK));
}

void host_step(struct sim *s, struct host *h, struct mt_event *event) {
    if (s->failed)
        return;
    event->now = now_of(s, h);
    chance_fill(&h->chance, event->entropy, sizeof event->entropy);
    h->events++;
    mt_node_step(h->node, event);
    plant_stepped(s, h);
    caps_check(s, h);
    carry_out_all(s, h);
    tell_addresses(s, h);
    host_arm(s, h);
}

/* ---- life ---- */

static enum mt_err load_blob(void *arg, const char *name, struct mt_slice bytes) {
    return mt_node_load_blob(arg, name, bytes);
}

static enum mt_err load_item(void *arg, const struct mt_id *id, struct mt_slice bytes) {
    return mt_node_load_item(arg, id, bytes);
}

static enum mt_err load_chain(void *arg, const struct mt_chain_info *chain,
                              const struct mt_head *head, uint64_t fork) {
    return mt_node_load_chain(arg, chain, head, fork);
}

static enum mt_err load(struct sim *s, struct host *h) {
    char dir[128], announce[16], why[128] = "";
    uint8_t key[32];
    memset(key, h->index + 1, sizeof key);
    disk_path(s, h, dir, sizeof dir);
    disk_start(s, h);
    struct mt_store_config store = {.dir = dir,
                                    .store_key = key,
                                    .map_bytes = MAP_BYTES,
                                    .no_sync = disk_is_lazy(s),
                                    .recent_min = h->index % 2 ? RECENT_MIN : 0,
                                    .why = why,
                                    .why_size = sizeof why};
    enum mt_err err = mt_store_open(&h->store, &store);
    if (err) {
        sim_fail(s, "org%d: the store does not open: %s", h->index, why);
        return err;
    }
    err = mt_prepare_new(&h->prepare, h->store);
    if (err)
        return err;
    (void)snprintf(announce, sizeof announce, "sim%d", h->index);
    struct mt_node_config config = {.announce = announce,
                                    .installation = h->has_installation ? h->installation : NULL,
                                    .seed = chance_next(&h->chance)};
    err = mt_node_new(&h->node, &config);
    if (!err)
        err = mt_store_load_blobs(h->store, load_blob, h->node);
    if (!err)
        err = mt_store_load_items(h->store, load_item, h->node);
    if (!err)
        err = mt_store_load_chains(h->store, load_chain, h->node);
    return err;
}

/* A clock is up to ten minutes off; a bad one years, or it begins at the beginning of time. What it
 * shows moves by up to two days when somebody sets it while the host is down. */
static void set_clock(struct sim *s, struct host *h) {
    bool is_first = h->wall_base == 0;
    if (is_first)
        h->wall_base = WALL_MS + chance_below(&s->chance, 600000);
    if (!chance_hits(&s->chance, (unsigned)s->plan.skew))
        return;
    if (!is_first) {
        uint64_t set = h->wall_base + chance_below(&s->chance, 2 * CLOCK_SET_MS + 1);
        h->wall_base = set > CLOCK_SET_MS ? set - CLOCK_SET_MS : 0; /* there is nothing before */
    } else if (chance_hits(&s->chance, 200))
        h->wall_base = CLOCK_SET_MS * 4;
    else
        h->wall_base += chance_below(&s->chance, 2 * CLOCK_OFF_MS + 1) - CLOCK_OFF_MS;
    sim_note(s, h->index, "its clock shows %llu s", (unsigned long long)(h->wall_base / 1000));
}

void host_start(struct sim *s, struct host *h) {
    uint8_t entropy[32];
    set_clock(s, h);
    enum mt_err err = load(s, h);
    h->mono_base = chance_below(&h->chance, 1000000);
    h->told = 0;
    h->tick_at = UINT64_MAX;
    h->up = true;
    h->degraded = MT_OK;
    struct mt_time now = now_of(s, h);
    chance_fill(&h->chance, entropy, sizeof entropy);
    if (!err)
        err = mt_node_start(h->node, &now, entropy);
    if (err) {
        sim_fail(s, "org%d: does not start: %s", h->index, mt_err_code(err));
        return;
    }
    check_promises(s, h);
    sim_note(s, h->index, "start");
    desk_open(s, h);
    h->was_writer = true; /* the change below covers the start */
    host_changed(s, h);
    carry_out_all(s, h);
    tell_addresses(s, h);
    host_arm(s, h);
}

void host_stop(struct host *h) {
    desk_close(h);
    mt_batch_free(h->away);
    h->away = NULL;
    mt_node_free(h->node);
    h->node = NULL;
    mt_prepare_free(h->prepare);
    h->prepare = NULL;
    mt_store_close(h->store);
    h->store = NULL;
    h->up = false;
}

void host_crash(struct sim *s, struct host *h) {
    sim_note(s, h->index, "crash%s",
             h->away ? (h->applied ? ", a batch was durable already" : ", a batch is lost") : "");
    net_crash(s, h);
    host_stop(h);
    h->life++;
    h->follows = false;
    for (int i = 0; i < SIM_COMMANDS_MAX; i++)
        h->commands[i].request = 0;
    s->n_crashes++;
    disk_crash(s, h);
}

/* ---- what happens ---- */

/* A full disk may be in the way; then some later time will do. */
static void tidy(struct sim *s, struct host *h) {
    enum mt_err err = MT_OK;
    for (bool more = true; more && !err;)
        err = mt_store_tidy(h->store, &more);
    if (err && err != MT_ENOSPACE && err != MT_EIO)
        sim_fail(s, "org%d: the store does not tidy up: %s", h->index, mt_err_code(err));
}

static void apply(struct sim *s, struct host *h) {
    if (!disk_apply(s, h))
        return;
    h->applied = h->away->err == MT_OK;
    if (h->applied && chance_hits(&s->chance, TIDIED))
        tidy(s, h);
    sim_at(s, chance_below(&s->chance, 6), about(h, AT_PERSISTED));
}

/* The daemon's own records can be written from here on. */
static void note_writer(struct sim *s, struct host *h, const struct mt_node_info *info) {
    bool writer = info->state == MT_NODE_MEMBER && info->has_key;
    if (writer && !h->was_writer)
        host_changed(s, h);
    h->was_writer = writer;
}

static void persisted(struct sim *s, struct host *h) {
    struct mt_event event = {.type = MT_EV_PERSISTED, .batch = h->away};
    bool ok = h->applied;
    if (plant_drops(s, h))
        return;
    h->away = NULL;
    h->degraded = event.batch->err;
    host_step(s, h, &event);
    struct mt_node_info info = host_info(h);
    if (!ok || s->failed || mt_id_is_zero(&info.feed))
        return;
    memcpy(h->installation, info.feed.b, sizeof h->installation);
    h->has_installation = true;
    h->org = info.org;
    note_writer(s, h, &info);
    check_waiting(s, h);
    plant_persisted(s, h);
}

static void fetch(struct sim *s, struct host *h, const struct event *e) {
    static uint8_t run[MT_MESSAGE_MAX];
    struct mt_writer w = mt_writer(run, sizeof run);
    struct mt_event event = {.type = MT_EV_FETCHED, .conn = e->conn, .chain_no = e->want.chain_no};
    event.err = mt_store_read_run(h->store, &e->want, &w, &event.last);
    if (event.err == MT_OK)
        event.bytes = mt_writer_slice(&w);
    else if (event.err != MT_EIO || s->is_calm) /* a disk that fails may fail readers too */
        sim_fail(s, "org%d: chain %u from %llu cannot be read: %s (%s)", h->index, e->want.chain_no,
                 (unsigned long long)e->want.first, mt_err_code(event.err),
                 mt_store_detail(h->store));
    host_step(s, h, &event);
}

static void tick(struct sim *s, struct host *h) {
    size_t n;
    struct mt_event event = {.type = MT_EV_TICK};
    h->tick_at = UINT64_MAX;
    host_step(s, h, &event);
    (void)mt_node_effects(h->node, &n);
    bool at_once = mt_node_deadline(h->node) <= h->mono_base + s->now_ms;
    h->idle_ticks = at_once && !n ? h->idle_ticks + 1 : 0;
    if (h->idle_ticks > IDLE_TICKS_MAX)
        sim_fail(s, "org%d: asks for ticks and does nothing with them", h->index);
}

void host_happens(struct sim *s, const struct event *e) {
    struct host *h = &s->hosts[e->host];
    if (e->what == AT_RESTART && !h->up) {
        host_start(s, h);
        return;
    }
    if (!h->up || h->life != e->life || h->health == FROZEN)
        return;
    struct mt_event closed = {.type = MT_EV_CLOSED, .conn = e->conn, .err = e->err};
    switch (e->what) {
    case AT_TICK:
        if (h->tick_at == s->now_ms)
            tick(s, h);
        break;
    case AT_APPLY:
        apply(s, h);
        break;
    case AT_PERSISTED:
        persisted(s, h);
        break;
    case AT_FETCH:
        fetch(s, h, e);
        break;
    case AT_CLOSED:
        host_step(s, h, &closed);
        break;
    case AT_FOLLOW:
        h->follows = false;
        desk_follow(s, h);
        break;
    case AT_ANSWER:
        answer(h);
        break;
    default:
        break;
    }
}
