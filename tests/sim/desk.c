/* desk: what a daemon does around its node.
 *
 * Commands are those of the control socket, carried out by the daemon's own code on this host's node
 * and store; what they write is written as any other write. After every change the desk does what a
 * daemon does by itself: it tells the node the addresses that others published, publishes its own
 * records, and counts who has one of its places. Each of these waits for the one before. */
#include "sim.h"

#include "ctl_cmd.h"

#include <stdlib.h>

enum { PARAMS_MAX = 1024, EVERYTHING = MT_ACCESS_WRITE | MT_ACCESS_ADMIN | MT_ACCESS_PERSONAL };

/* Something the daemon writes by itself, one at a time. */
struct own_write {
    struct desk *desk;
    bool busy;
};

struct desk {
    struct sim *sim;
    struct host *host;
    struct mt_cmd_shared shared;
    struct own_write publishing, counting;
    bool again, closing;
};

/* A command on its way. */
struct errand {
    struct desk *desk;
    const char *method;
    uint64_t value;
    desk_fn said;
    size_t n;
    uint8_t params[PARAMS_MAX];
};

/* Who draws now: the daemon's hook for randomness has no argument. */
static struct chance *dice;

static void draw(void *out, size_t n) {
    chance_fill(dice, out, n);
}

void desk_open(struct sim *s, struct host *h) {
    struct desk *d = calloc(1, sizeof *d);
    if (!d)
        abort();
    d->sim = s;
    d->host = h;
    d->publishing.desk = d->counting.desk = d;
    h->desk = d;
}

void desk_close(struct host *h) {
    if (!h->desk)
        return;
    h->desk->closing = true;
    for (int i = 0; i < SIM_COMMANDS_MAX; i++) {
        struct command c = h->commands[i];
        h->commands[i].request = 0;
        if (c.request && c.fn)
            c.fn(c.fn_arg, MT_ESTATE, NULL);
    }
    mt_cmd_shared_close(&h->desk->shared);
    free(h->desk);
    h->desk = NULL;
}

static enum mt_err submit(void *arg, struct mt_command *command, mt_reply_fn fn, void *fn_arg) {
    struct desk *d = arg;
    struct command keep = {.fn = fn, .fn_arg = fn_arg};
    if (!host_has_room(d->host))
        return MT_EFULL;
    ledger_note(d->sim, d->host, command, &keep);
    return host_command(d->sim, d->host, command, &keep) ? MT_OK : MT_ESTATE;
}

static struct mt_cmd_env env_of(struct sim *s, struct host *h) {
    dice = &h->chance;
    return (struct mt_cmd_env){.node = h->node,
                               .store = h->store,
                               .shared = &h->desk->shared,
                               .submit = submit,
                               .submit_arg = h->desk,
                               .random = draw,
                               .wall_ms = h->wall_base + s->now_ms,
                               .uptime_ms = s->now_ms,
                               .listen = "",
                               .announce = "",
                               .degraded = h->degraded};
}

/* ---- commands ---- */

static void done(void *arg, enum mt_err err, const char *message, struct mt_slice result) {
    struct errand *e = arg;
    struct desk *d = e->desk;
    (void)result;
    if (!d->closing) {
        if (err)
            sim_note(d->sim, d->host->index, "%s %llu: %s", e->method, (unsigned long long)e->value,
                     message);
        else
            sim_detail(d->sim, d->host->index, "%s %llu: done", e->method,
                       (unsigned long long)e->value);
        if (mt_err_class(err) == MT_CLASS_BUG)
            sim_fail(d->sim, "org%d: %s says there is a defect", d->host->index, e->method);
        if (e->said)
            e->said(d->sim, d->host, e->value, err);
    }
    free(e);
}

void desk_ask(struct sim *s, struct host *h, const char *method, struct mt_slice params,
              uint64_t value, desk_fn said) {
    struct mt_cmd_env env = env_of(s, h);
    struct errand *e = malloc(sizeof *e);
    if (!e || params.n > sizeof e->params)
        abort();
    *e = (struct errand){
        .desk = h->desk, .method = method, .value = value, .said = said, .n = params.n};
    memcpy(e->params, params.p, params.n);
    s->n_commands++;
    mt_cmd_run(&env, EVERYTHING, mt_slice_str(method), mt_slice(e->params, e->n), done, e);
}

bool desk_query(struct sim *s, const struct host *h, struct mt_query *q,
                char message[static MT_QUERY_MESSAGE_MAX]) {
    struct mt_node_info info = host_info(h);
    struct mt_query_config config = {.store = h->store,
                                     .keys = mt_node_keys(h->node),
                                     .gov = mt_node_gov(h->node),
                                     .region = info.region,
                                     .org = info.org,
                                     .wall_ms = h->wall_base + s->now_ms,
                                     .personal = true};
    message[0] = 0;
    if (mt_query_open(q, &config, message) == MT_OK)
        return true;
    sim_fail(s, "org%d: no query can be opened: %s", h->index, message);
    mt_query_close(q);
    return false;
}

/* ---- what a daemon does by itself ---- */

static enum mt_err give_address(void *arg, const struct mt_id *org, struct mt_slice address) {
    return mt_node_address(((struct host *)arg)->node, org, address);
}

static void followed(void *arg, enum mt_err err, const struct mt_reply *reply) {
    struct own_write *w = arg;
    struct desk *d = w->desk;
    (void)err; /* it is looked at again after the next change */
    (void)reply;
    w->busy = false;
    if (d->again && !d->closing)
        host_changed(d->sim, d->host);
    d->again = false;
}

void desk_follow(struct sim *s, struct host *h) {
    struct desk *d = h->desk;
    struct mt_cmd_env env = env_of(s, h);
    char announce[16];
    (void)snprintf(announce, sizeof announce, "sim%d", h->index);
    enum mt_err err = mt_query_addresses(&env, give_address, h);
    host_arm(s, h);
    d->again |= d->publishing.busy || d->counting.busy;
    if (!err && !d->publishing.busy)
        err = mt_query_own_records(&env, announce, followed, &d->publishing, &d->publishing.busy);
    if (!err && !d->counting.busy)
        err = mt_cmd_count_places(&env, followed, &d->counting, &d->counting.busy);
    /* While the disk fails it is left undone, as by a daemon. */
    if (err == MT_ECORRUPT || mt_err_class(err) == MT_CLASS_BUG)
        sim_fail(s, "org%d: what follows from a change fails: %s", h->index, mt_err_code(err));
}
