/* One event goes to the node, then its effects are carried out in order. Nothing here calls the node
 * while effects are being carried out: what an effect brings about at once (a run that was fetched, a
 * dial that failed) waits in `pending` and is handed over next, before the loop goes on. Replies and
 * change hooks run on a turn of their own, from an idle handle, so that whoever gave a command never
 * hears back inside that call and may give the next one from its callback.
 *
 * What can fail: making a batch durable. The node hears it with the batch; we remember it for
 * `status` and try nothing by ourselves, since the next batch shows whether there is space again. */
#include "engine.h"

#include "clock.h"
#include "dialer.h"
#include "engine_load.h"
#include "engine_log.h"
#include "engine_reply.h"
#include "key.h"
#include "keyfile.h"
#include "log.h"
#include "persist.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

enum { TABLE = 256, PENDING_MAX = 1024, HOOKS_MAX = 4 };

static const char machine_id_path[] = "/etc/machine-id";

/* An event that waits until the effects are done. */
struct pending {
    enum mt_event_type type; /* MT_EV_FETCHED (still to be fetched) or MT_EV_CLOSED */
    uint64_t conn;
    enum mt_err err;
    struct mt_run_wanted want;
};

struct mt_engine {
    struct mt_engine_config config;
    struct mt_node *node;
    struct mt_persist persist;
    struct mt_dialer dialer;
    uv_timer_t timer;
    uv_idle_t idle;
    bool running, stopping, closed, changed, was_writer;
    enum mt_err degraded;
    struct mt_id feed; /* the installation file names this one */
    uint64_t next_conn;
    struct mt_conn *table[TABLE];
    struct mt_requests requests;
    struct {
        void (*fn)(void *arg);
        void *arg;
    } hooks[HOOKS_MAX];
    unsigned n_hooks;
    void (*on_quiet)(void *arg);
    void *quiet_arg;
    unsigned first_pending, n_pending;
    struct pending pending[PENDING_MAX]; /* a ring */
    uint8_t run[MT_MESSAGE_MAX];         /* a run on its way from the store to the node */
};

static void run_event(struct mt_engine *e, struct mt_event *event);

/* ---- connections by number ---- */

static struct mt_conn **find_conn(struct mt_engine *e, uint64_t id) {
    struct mt_conn **c = &e->table[id % TABLE];
    while (*c && (*c)->id != id)
        c = &(*c)->next;
    return c;
}

static void post(struct mt_engine *e, const struct pending *p) {
    if (e->n_pending < PENDING_MAX) {
        e->pending[(e->first_pending + e->n_pending++) % PENDING_MAX] = *p;
        return;
    }
    /* The node asks for more than it has links; end the one it asks for. */
    mt_log(MT_LOG_ERROR, "engine_queue_full", "conn=%" PRIx64, p->conn);
    struct mt_conn *c = *find_conn(e, p->conn);
    if (c)
        mt_conn_close(c, MT_EFULL, false);
}

static void post_closed(struct mt_engine *e, uint64_t id, enum mt_err err) {
    if (e->running) {
        post(e, &(struct pending){.type = MT_EV_CLOSED, .conn = id, .err = err});
    } else if (!e->stopping) {
        struct mt_event event = {.type = MT_EV_CLOSED, .conn = id, .err = err};
        run_event(e, &event);
    }
}

static void on_bytes(void *arg, struct mt_conn *c, struct mt_slice bytes) {
    struct mt_engine *e = arg;
    if (e->stopping)
        return;
    struct mt_event event = {.type = MT_EV_BYTES, .conn = c->id, .bytes = bytes};
    run_event(e, &event);
}

static void on_closed(void *arg, struct mt_conn *c, enum mt_err err) {
    struct mt_engine *e = arg;
    struct mt_conn **at = find_conn(e, c->id);
    if (*at)
        *at = c->next;
    post_closed(e, c->id, err);
}

static const struct mt_conn_ops conn_ops = {.on_bytes = on_bytes, .on_closed = on_closed};

static void adopt(struct mt_engine *e, struct mt_conn *c, uint64_t id) {
    c->id = id;
    c->next = e->table[id % TABLE];
    e->table[id % TABLE] = c;
    mt_conn_give(c, &conn_ops, e);
}

/* The node hears of a connection first and may close it at once; only then its bytes are read. */
static void introduce(struct mt_engine *e, struct mt_conn *c, struct mt_event *event) {
    if (e->stopping) {
        mt_conn_close(c, MT_ESTATE, false);
        return;
    }
    adopt(e, c, event->conn);
    run_event(e, event);
    mt_conn_start(c);
}

void mt_engine_accept(void *engine, struct mt_conn *take_c, const char *source) {
    struct mt_engine *e = engine;
    struct mt_event event = {
        .type = MT_EV_ACCEPTED, .conn = ++e->next_conn, .source = mt_slice_str(source)};
    introduce(e, take_c, &event);
}

static void on_dialled(void *arg, uint64_t id, struct mt_conn *take_c) {
    struct mt_event event = {.type = MT_EV_CONNECTED, .conn = id};
    introduce(arg, take_c, &event);
}

static void on_dial_failed(void *arg, uint64_t id, enum mt_err err) {
    post_closed(arg, id, err);
}
static const struct mt_dialer_ops dialer_ops = {on_dialled, on_dial_failed};

/* ---- effects ---- */

static void send_bytes(struct mt_engine *e, struct mt_effect *fx) {
    struct mt_conn *c = *find_conn(e, fx->conn);
    if (!c)
        return; /* closed meanwhile; the node frees the bytes */
    mt_conn_send(c, fx->bytes.p, fx->bytes.n);
    fx->bytes.p = NULL;
}

static void close_conn(struct mt_engine *e, const struct mt_effect *fx) {
    struct mt_conn *c = *find_conn(e, fx->conn);
    if (c)
        mt_conn_close(c, fx->err, true);
    else
        (void)mt_dialer_cancel(&e->dialer, fx->conn, fx->err);
}

static void dial(struct mt_engine *e, const struct mt_effect *fx) {
    enum mt_err err = e->stopping ? MT_ESTATE : mt_dialer_dial(&e->dialer, fx->conn, fx->address);
    if (err != MT_OK)
        post_closed(e, fx->conn, err);
}

static void persist(struct mt_engine *e, struct mt_effect *fx) {
    struct mt_batch *batch = fx->batch;
    fx->batch = NULL;
    mt_persist_start(&e->persist, batch);
}

static void fetch(struct mt_engine *e, const struct mt_effect *fx) {
    post(e, &(struct pending){.type = MT_EV_FETCHED, .conn = fx->conn, .want = fx->want});
}

static void carry_out(struct mt_engine *e, struct mt_effect *fx) {
    switch (fx->type) {
    case MT_FX_SEND:
        send_bytes(e, fx);
        break;
    case MT_FX_CLOSE:
        close_conn(e, fx);
        break;
    case MT_FX_CONNECT:
        dial(e, fx);
        break;
    case MT_FX_PERSIST:
        persist(e, fx);
        break;
    case MT_FX_PREPARE:
        mt_persist_prepare(&e->persist, fx->job);
        fx->job = NULL;
        break;
    case MT_FX_FETCH:
        fetch(e, fx);
        break;
    case MT_FX_REPLY:
        mt_requests_keep(&e->requests, fx->request, fx->err, &fx->reply);
        break;
    case MT_FX_LOG:
        mt_engine_log(&fx->log);
        break;
    case MT_FX_CHANGED:
        e->changed = true;
        break;
    }
}

static void carry_out_all(struct mt_engine *e) {
    size_t n;
    struct mt_effect *fx = mt_node_effects(e->node, &n);
    for (size_t i = 0; i < n; i++)
        carry_out(e, &fx[i]);
}

/* ---- events ---- */

static void step(struct mt_engine *e, struct mt_event *event) {
    mt_clock_now(&event->now);
    e->config.random(event->entropy, sizeof event->entropy);
    mt_node_step(e->node, event);
    mt_wipe(event->entropy, sizeof event->entropy);
    carry_out_all(e);
}

static void step_pending(struct mt_engine *e) {
    struct pending p = e->pending[e->first_pending];
    e->first_pending = (e->first_pending + 1) % PENDING_MAX;
    e->n_pending--;
    struct mt_event event = {.type = p.type, .conn = p.conn, .err = p.err};
    if (p.type == MT_EV_FETCHED) {
        struct mt_writer w = mt_writer(e->run, sizeof e->run);
        event.chain_no = p.want.chain_no;
        event.err = mt_store_read_run(e->config.store, &p.want, &w, &event.last);
        if (event.err == MT_OK)
            event.bytes = mt_writer_slice(&w);
        else if (event.err != MT_ENOTFOUND)
            mt_log(MT_LOG_ERROR, "store_read_failed", "chain=%" PRIu32 " err=%s detail=\"%s\"",
                   p.want.chain_no, mt_err_code(event.err), mt_store_detail(e->config.store));
    }
    step(e, &event);
}

static void on_timer(uv_timer_t *timer);
static void on_idle(uv_idle_t *idle);

static void arm(struct mt_engine *e) {
    if (e->closed)
        return;
    if (e->requests.answered || e->changed || e->on_quiet)
        uv_idle_start(&e->idle, on_idle);
    uint64_t deadline = e->stopping ? UINT64_MAX : mt_node_deadline(e->node);
    if (deadline == UINT64_MAX) {
        uv_timer_stop(&e->timer);
        return;
    }
    uint64_t now = mt_clock_mono_ms();
    uv_update_time(e->config.loop);
    uv_timer_start(&e->timer, on_timer, deadline > now ? deadline - now : 1, 0);
}

/* Takes the effects that are there, hands over what they bring about, and so on until it is quiet. */
static void settle(struct mt_engine *e) {
    while (e->n_pending > 0)
        step_pending(e);
    e->running = false;
    arm(e);
}

static void run_event(struct mt_engine *e, struct mt_event *event) {
    assert(!e->running);
    e->running = true;
    step(e, event);
    settle(e);
}

static void on_timer(uv_timer_t *timer) {
    struct mt_engine *e = timer->data;
    if (e->stopping)
        return;
    struct mt_event event = {.type = MT_EV_TICK};
    run_event(e, &event);
}

/* Ties the replica to this machine once the store holds the feed. */
static void write_installation(struct mt_engine *e, const struct mt_id *feed) {
    if (mt_id_is_zero(feed) || mt_id_eq(feed, &e->feed))
        return;
    enum mt_err err = mt_installation_write(e->config.installation, machine_id_path, feed);
    if (err == MT_OK)
        e->feed = *feed;
    else
        mt_log(MT_LOG_ERROR, "installation_not_written", "file=\"%s\" err=%s",
               e->config.installation, mt_err_code(err));
}

/* What follows once the state of the node is durable. */
static void note_state(struct mt_engine *e) {
    struct mt_node_info info;
    mt_node_info(e->node, &info);
    write_installation(e, &info.feed);
    bool writer = info.state == MT_NODE_MEMBER && info.has_key;
    if (writer && !e->was_writer) { /* the daemon's own records can be written from here on */
        e->changed = true;
        arm(e);
    }
    e->was_writer = writer;
}

static void note_result(struct mt_engine *e, enum mt_err err) {
    if (err != MT_OK)
        mt_log(MT_LOG_ERROR, "store_failed", "err=%s detail=\"%s\"", mt_err_code(err),
               mt_store_detail(e->config.store));
    else if (e->degraded != MT_OK)
        mt_log(MT_LOG_INFO, "store_recovered", "err=%s", mt_err_code(e->degraded));
    e->degraded = err;
}

static void on_persisted(void *arg, struct mt_batch *take_batch) {
    struct mt_engine *e = arg;
    enum mt_err err = take_batch->err;
    note_result(e, err);
    struct mt_event event = {.type = MT_EV_PERSISTED, .batch = take_batch};
    run_event(e, &event);
    if (err == MT_OK)
        note_state(e);
}

/* ---- replies and hooks ---- */

static void finish_stopping(struct mt_engine *e) {
    mt_requests_fail(&e->requests, MT_ESTATE);
    e->on_quiet(e->quiet_arg);
    e->on_quiet = NULL;
}

static void on_idle(uv_idle_t *idle) {
    struct mt_engine *e = idle->data;
    uv_idle_stop(idle);
    if (e->changed) {
        e->changed = false;
        for (unsigned i = 0; i < e->n_hooks && !e->stopping; i++)
            e->hooks[i].fn(e->hooks[i].arg);
    }
    mt_requests_answer(&e->requests);
    if (e->on_quiet && !e->requests.answered && !mt_persist_is_busy(&e->persist))
        finish_stopping(e);
}

enum mt_err mt_engine_command(struct mt_engine *e, struct mt_command *command, mt_reply_fn fn,
                              void *arg) {
    if (e->stopping)
        return MT_ESTATE;
    enum mt_err err = mt_requests_add(&e->requests, fn, arg, &command->request);
    if (err != MT_OK)
        return err;
    struct mt_event event = {.type = MT_EV_COMMAND, .command = *command};
    run_event(e, &event);
    return MT_OK;
}

enum mt_err mt_engine_on_changed(struct mt_engine *e, void (*fn)(void *arg), void *arg) {
    if (e->n_hooks == HOOKS_MAX)
        return MT_EFULL;
    e->hooks[e->n_hooks].fn = fn;
    e->hooks[e->n_hooks++].arg = arg;
    return MT_OK;
}

enum mt_err mt_engine_address(struct mt_engine *e, const struct mt_id *org,
                              struct mt_slice address) {
    enum mt_err err = mt_node_address(e->node, org, address);
    if (err == MT_OK)
        arm(e);
    return err;
}

const struct mt_node *mt_engine_node(const struct mt_engine *e) {
    return e->node;
}

struct mt_store *mt_engine_store(const struct mt_engine *e) {
    return e->config.store;
}

enum mt_err mt_engine_degraded(const struct mt_engine *e) {
    return e->degraded;
}

/* ---- life ---- */

enum mt_err mt_engine_new(struct mt_engine **out, const struct mt_engine_config *config) {
    struct mt_engine *e = calloc(1, sizeof *e);
    *out = NULL;
    if (!e)
        return MT_ENOMEM;
    e->config = *config;
    mt_requests_init(&e->requests);
    enum mt_err err = mt_engine_load(config, machine_id_path, &e->node, &e->feed);
    if (err == MT_OK)
        err = mt_persist_open(&e->persist, config->loop, config->store, on_persisted, e);
    if (err != MT_OK) {
        mt_node_free(e->node);
        free(e);
        return err;
    }
    mt_dialer_init(&e->dialer, config->pool, &dialer_ops, e);
    uv_timer_init(config->loop, &e->timer);
    uv_idle_init(config->loop, &e->idle);
    e->timer.data = e->idle.data = e;
    *out = e;
    return MT_OK;
}

enum mt_err mt_engine_start(struct mt_engine *e) {
    struct mt_time now;
    uint8_t entropy[32];
    mt_clock_now(&now);
    e->config.random(entropy, sizeof entropy);
    enum mt_err err = mt_node_start(e->node, &now, entropy);
    mt_wipe(entropy, sizeof entropy);
    if (err != MT_OK)
        return err;
    e->was_writer = true; /* `changed` below covers the start */
    e->changed = true;
    e->running = true;
    carry_out_all(e);
    settle(e);
    return MT_OK;
}

void mt_engine_stop(struct mt_engine *e, void (*on_quiet)(void *arg), void *arg) {
    e->stopping = true;
    e->on_quiet = on_quiet;
    e->quiet_arg = arg;
    arm(e);
}

void mt_engine_close(struct mt_engine *e) {
    if (e->closed)
        return;
    e->stopping = e->closed = true;
    mt_dialer_close(&e->dialer);
    mt_persist_close(&e->persist);
    for (size_t i = 0; i < TABLE; i++)
        for (struct mt_conn *c = e->table[i]; c; c = c->next)
            mt_conn_close(c, MT_OK, true); /* leaves the table on a later turn */
    uv_close((uv_handle_t *)&e->timer, NULL);
    uv_close((uv_handle_t *)&e->idle, NULL);
}

void mt_engine_free(struct mt_engine *e) {
    if (!e)
        return;
    mt_requests_close(&e->requests);
    mt_node_free(e->node);
    free(e);
}
