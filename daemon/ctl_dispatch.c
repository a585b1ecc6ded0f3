/* ctl_dispatch: joins the control socket, the commands and the engine. */
#include "clock.h"
#include "ctl_cmd.h"
#include "log.h"

#include <stdio.h>

static enum mt_err submit(void *arg, struct mt_command *command, mt_reply_fn fn, void *fn_arg) {
    return mt_engine_command(arg, command, fn, fn_arg);
}

static struct mt_cmd_env env_of(const struct mt_ctl_context *context) {
    struct mt_time now;
    mt_clock_now(&now);
    return (struct mt_cmd_env){.node = mt_engine_node(context->engine),
                               .store = mt_engine_store(context->engine),
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

/* Tells others where we are, and the engine where they are. */
static void publish(const struct mt_ctl_context *context) {
    struct mt_cmd_env env = env_of(context);
    bool wrote;
    enum mt_err err = mt_query_addresses(&env, give_address, context->engine);
    if (err)
        mt_log(MT_LOG_WARNING, "addresses_failed", "err=%s", mt_err_code(err));
    err = mt_query_own_records(&env, context->announce, &wrote);
    if (err)
        mt_log(MT_LOG_WARNING, "own_records_failed", "err=%s", mt_err_code(err));
    if (wrote)
        mt_log(MT_LOG_INFO, "own_records_written", "announce=%s", context->announce);
}

void mt_ctl_changed(void *arg) {
    publish(arg);
}

static void done(void *arg, enum mt_err err, const char *message, struct mt_slice result) {
    struct mt_ctl_call *call = arg;
    if (err == MT_OK) {
        const struct mt_ctl_context *context = call->context;
        bool founded = mt_slice_is(call->method, "region.create");
        mt_ctl_call_result(call, result);
        if (founded) /* from now on there is something to publish, and no record has changed yet */
            publish(context);
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
