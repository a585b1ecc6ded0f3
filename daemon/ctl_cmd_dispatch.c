/* ctl_cmd_dispatch: joins the control socket, the commands and the engine. */
#include "clock.h"
#include "ctl_cmd.h"
#include "log.h"

#include <stdlib.h>

static enum mt_err submit(void *arg, struct mt_command *command, mt_reply_fn fn, void *fn_arg) {
    return mt_engine_command(arg, command, fn, fn_arg);
}

static struct mt_cmd_env env_of(const struct mt_ctl_context *context) {
    struct mt_time now;
    mt_clock_now(&now);
    return (struct mt_cmd_env){.node = mt_engine_node(context->engine),
                               .store = mt_engine_store(context->engine),
                               .shared = context->shared,
                               .submit = submit,
                               .submit_arg = context->engine,
                               .random = context->random,
                               .wall_ms = now.wall_ms,
                               .uptime_ms = now.mono_ms - context->start_ms,
                               .listen = context->listen,
                               .announce = context->announce,
                               .degraded = mt_engine_degraded(context->engine)};
}

static enum mt_err give_address(void *arg, const struct mt_id *org, struct mt_slice address) {
    return mt_engine_address(arg, org, address);
}

/* Tells others where we are, and the engine where they are. True when `fn` will be called. */
static bool publish(const struct mt_ctl_context *context, mt_reply_fn fn, void *arg) {
    struct mt_cmd_env env = env_of(context);
    bool wrote = false;
    enum mt_err err = mt_query_addresses(&env, give_address, context->engine);
    if (err)
        mt_log(MT_LOG_WARNING, "addresses_failed", "err=%s", mt_err_code(err));
    err = mt_query_own_records(&env, context->announce, fn, arg, &wrote);
    if (err)
        mt_log(MT_LOG_WARNING, "own_records_failed", "err=%s", mt_err_code(err));
    if (wrote)
        mt_log(MT_LOG_INFO, "own_records_written", "announce=%s", context->announce);
    return wrote;
}

/* An answer that waits until what follows from it is written. */
struct mt_ctl_late {
    struct mt_ctl_late *next;
    struct mt_ctl_call *call;
    size_t n;
    uint8_t result[];
};

static struct mt_ctl_late *late_new(struct mt_ctl_call *call, struct mt_slice result) {
    struct mt_ctl_late *late = malloc(sizeof *late + result.n);
    if (!late)
        return NULL;
    *late = (struct mt_ctl_late){.call = call, .n = result.n};
    memcpy(late->result, result.p, result.n);
    return late;
}

static void late_answer(struct mt_ctl_late *late) {
    mt_ctl_call_result(late->call, mt_slice(late->result, late->n));
    free(late);
}

static void on_counted(void *arg, enum mt_err err, const struct mt_reply *reply) {
    struct mt_ctl_counting *counting = arg;
    struct mt_ctl_late *late = counting->waiting;
    (void)err; /* what was asked stands; it is counted again after the next change */
    (void)reply;
    counting->busy = false;
    counting->waiting = NULL;
    while (late) {
        struct mt_ctl_late *next = late->next;
        late_answer(late);
        late = next;
    }
}

/* One count at a time: writing it is a change, after which it is looked at again. */
static void count_places(const struct mt_ctl_context *context) {
    struct mt_cmd_env env = env_of(context);
    if (context->counting->busy)
        return;
    enum mt_err err =
        mt_cmd_count_places(&env, on_counted, context->counting, &context->counting->busy);
    if (err)
        mt_log(MT_LOG_WARNING, "count_places_failed", "err=%s", mt_err_code(err));
}

void mt_ctl_changed(void *arg) {
    (void)publish(arg, NULL, NULL);
    count_places(arg);
}

static void on_published(void *arg, enum mt_err err, const struct mt_reply *reply) {
    (void)err; /* the region stands; what could not be published is tried again later */
    (void)reply;
    late_answer(arg);
}

/* From now on there is something to publish, and no record has changed yet that would tell so. Who
 * founds a region finds its own organisation in it when the command returns. */
static void on_founded(struct mt_ctl_call *call, struct mt_slice result) {
    struct mt_ctl_late *late = late_new(call, result);
    if (late) {
        if (publish(call->context, on_published, late))
            return;
        free(late);
    }
    mt_ctl_call_result(call, result);
}

/* Who accepts a placement finds its place taken when the command returns: changes are looked at
 * before their commands are answered, so the count is on its way by now. */
static void on_written(struct mt_ctl_call *call, struct mt_slice result) {
    struct mt_ctl_counting *counting = call->context->counting;
    struct mt_ctl_late *late = counting->busy ? late_new(call, result) : NULL;
    if (!late) {
        mt_ctl_call_result(call, result);
        return;
    }
    late->next = counting->waiting;
    counting->waiting = late;
}

static void done(void *arg, enum mt_err err, const char *message, struct mt_slice result) {
    struct mt_ctl_call *call = arg;
    if (err == MT_OK && mt_slice_is(call->method, "region.create")) {
        on_founded(call, result);
        return;
    }
    if (err == MT_OK && mt_cmd_needs(call->method) & MT_ACCESS_WRITE) {
        on_written(call, result);
        return;
    }
    if (err == MT_OK) {
        mt_ctl_call_result(call, result);
        return;
    }
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
