/* ctl_cmd_dispatch: joins the control socket, the commands and the engine. */
#include "clock.h"
#include "ctl_cmd.h"
#include "listener.h"
#include "log.h"

#include <stdlib.h>

static enum mt_err submit(void *arg, struct mt_command *command, mt_reply_fn fn, void *fn_arg) {
    return mt_engine_command(arg, command, fn, fn_arg);
}

static uint64_t ago(uint64_t now_ms, uint64_t then_ms) {
    return then_ms == 0 ? 0 : now_ms - then_ms + 1;
}

static struct mt_cmd_env env_of(const struct mt_ctl_context *context) {
    struct mt_time now;
    const struct mt_listener *l = context->listener;
    mt_clock_now(&now);
    return (struct mt_cmd_env){.node = mt_engine_node(context->engine),
                               .store = mt_engine_store(context->engine),
                               .shared = context->shared,
                               .submit = submit,
                               .submit_arg = context->engine,
                               .random = context->random,
                               .wall_ms = now.wall_ms,
                               .uptime_ms = now.mono_ms - context->start_ms,
                               .state_dir = context->config->state_dir,
                               .listen = context->listen,
                               .announce = context->announce,
                               .degraded = mt_engine_degraded(context->engine),
                               .starved_ago_ms = l ? ago(now.mono_ms, l->starved_ms) : 0,
                               .full_ago_ms = l ? ago(now.mono_ms, l->full_ms) : 0};
}

static enum mt_err give_address(void *arg, const struct mt_id *org, struct mt_slice address) {
    return mt_engine_address(arg, org, address);
}

/* An answer that waits until what follows from it is written. */
struct mt_ctl_late {
    struct mt_ctl_late *next;
    struct mt_ctl_call *call;
    size_t n;
    uint8_t result[];
};

/* Answers now, or when what is being written is durable. */
static void answer_after(struct mt_ctl_following *f, struct mt_ctl_call *call,
                         struct mt_slice result) {
    struct mt_ctl_late *late = f->busy ? malloc(sizeof *late + result.n) : NULL;
    if (!late) {
        mt_ctl_call_result(call, result);
        return;
    }
    *late = (struct mt_ctl_late){.next = f->waiting, .call = call, .n = result.n};
    memcpy(late->result, result.p, result.n);
    f->waiting = late;
}

static void on_followed(void *arg, enum mt_err err, const struct mt_reply *reply) {
    struct mt_ctl_following *f = arg;
    struct mt_ctl_late *late = f->waiting;
    (void)err; /* what was asked stands; what follows is looked at again after the next change */
    (void)reply;
    f->busy = false;
    f->waiting = NULL;
    if (f->again) {
        f->again = false;
        mt_ctl_changed((void *)(uintptr_t)f->context);
    }
    while (late) {
        struct mt_ctl_late *next = late->next;
        mt_ctl_call_result(late->call, mt_slice(late->result, late->n));
        free(late);
        late = next;
    }
}

/* Tells the engine where others are, and others where we are. One write at a time: it is a change,
 * after which it is looked at again. */
static void publish(const struct mt_ctl_context *context) {
    struct mt_cmd_env env = env_of(context);
    struct mt_ctl_following *f = context->publishing;
    enum mt_err err = mt_query_addresses(&env, give_address, context->engine);
    if (err)
        mt_log(MT_LOG_WARNING, "addresses_failed", "err=%s", mt_err_code(err));
    f->again |= f->busy;
    if (f->busy)
        return;
    err = mt_query_own_records(&env, context->announce, on_followed, f, &f->busy);
    if (err)
        mt_log(MT_LOG_WARNING, "own_records_failed", "err=%s", mt_err_code(err));
    if (f->busy)
        mt_log(MT_LOG_INFO, "own_records_written", "announce=%s", context->announce);
}

/* Counts the places taken at ours, likewise. */
static void count_places(const struct mt_ctl_context *context) {
    struct mt_cmd_env env = env_of(context);
    struct mt_ctl_following *f = context->counting;
    f->again |= f->busy;
    if (f->busy)
        return;
    enum mt_err err = mt_cmd_count_places(&env, on_followed, f, &f->busy);
    if (err)
        mt_log(MT_LOG_WARNING, "count_places_failed", "err=%s", mt_err_code(err));
}

void mt_ctl_changed(void *arg) {
    publish(arg);
    count_places(arg);
}

static void done(void *arg, enum mt_err err, const char *message, struct mt_slice result) {
    struct mt_ctl_call *call = arg;
    if (err == MT_OK && mt_slice_is(call->method, "region.create")) {
        /* Who founds a region finds its own organisation in it when the command returns. */
        publish(call->context);
        answer_after(call->context->publishing, call, result);
        return;
    }
    if (err == MT_OK && mt_cmd_needs(call->method) & MT_ACCESS_WRITE) {
        /* Who accepts a placement finds its place taken: changes are looked at before their commands
         * are answered, so the count is on its way by now. */
        answer_after(call->context->counting, call, result);
        return;
    }
    if (err == MT_OK) {
        mt_ctl_call_result(call, result);
        return;
    }
    if (err == MT_ECORRUPT)
        mt_log(MT_LOG_ERROR, "store_damaged", "method=%.*s text=\"%s\"",
               (int)mt_text_fit(call->method, 60), (const char *)call->method.p,
               mt_store_detail(mt_engine_store(call->context->engine)));
    if (err == MT_EDENIED)
        mt_log(MT_LOG_WARNING, "ctl_denied", "uid=%lu pid=%ld method=%.*s",
               (unsigned long)call->uid, (long)call->pid, (int)mt_text_fit(call->method, 60),
               (const char *)call->method.p);
    mt_ctl_call_error(call, mt_err_code(err), message);
}

void mt_ctl_dispatch(struct mt_ctl_call *call) {
    struct mt_cmd_env env = env_of(call->context);
    mt_cmd_run(&env, call->access, call->method, call->params, done, call);
}
