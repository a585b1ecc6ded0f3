/* What the control socket can be asked: every method, with parameters of any shape, on the real
 * store of an organisation that has some records. The node takes no command: what would be given to
 * it is looked at instead, and answered as `f` says. Each call is answered once, with a value or with
 * words; and whatever would be written is well formed. */
#include "../unit/query_world.h"

#include "ctl.h"
#include "fuzz.h"

static const char *const METHODS[] = {
    "ping",
    "status",
    "peer.list",
    "peer.ping",
    "log",
    "verify",
    "doctor",
    "init",
    "region.create",
    "region.show",
    "invite.create",
    "invite.list",
    "invite.revoke",
    "join",
    "join.state",
    "member.list",
    "member.approve",
    "record.list",
    "record.show",
    "record.add",
    "record.edit",
    "activity.cancel",
    "import",
    "signup.add",
    "signup.withdraw",
    "answer.add",
    "placement.propose",
    "placement.accept",
    "placement.decline",
    "join.cancel", /* the inputs kept name methods by their place */
};

static const char *const KEYS[] = {
    "id",       "kind",       "fields",    "filters",  "rows",   "name",      "reason",
    "limit",    "offset",     "sort",      "text",     "record", "number",    "code",
    "at",       "mine",       "free",      "activity", "probe",  "title",     "host",
    "date",     "places",     "sector",    "starts",   "ends",   "stageplek", "dry_run",
    "decision", "first_name", "uncounted", "period",   "week",   "location",  "company",
};

enum { CALLS_MAX = 4, IDS_MAX = 8 };

/* A reply the node owes. */
struct owed {
    mt_reply_fn fn;
    void *arg;
};

struct desk {
    struct world w;
    char ids[IDS_MAX][65];
    size_t n_ids;
    struct fuzz *f; /* of the input at hand */
    struct owed owed[CALLS_MAX];
    size_t n_owed;
    unsigned answered;
};

static struct desk the_desk;

/* ---- the organisation ---- */

static void keep(const char *method, const char *params) {
    struct org *o = &the_desk.w.orgs[0];
    struct answer *a = run(o, method, params);
    NEED(a->err == MT_OK && the_desk.n_ids < IDS_MAX);
    if (strcmp(method, "record.add") == 0 || strcmp(method, "signup.add") == 0)
        copy_text(a, "id", the_desk.ids[the_desk.n_ids++], sizeof the_desk.ids[0]);
    answer_free(a);
    world_run(&the_desk.w, 100);
}

static void leave(void) {
    world_close(&the_desk.w);
}

static void open_desk(void) {
    if (the_desk.w.n)
        return;
    world_open(&the_desk.w, 1);
    (void)atexit(leave);
    keep("init", "name=Carmel College;kind=vmbo");
    keep("region.create", "name=Salland");
    publish(&the_desk.w.orgs[0]);
    world_run(&the_desk.w, 1000);
    keep("record.add", "kind=activity;fields.title=Lassen;fields.type=gastles;"
                       "fields.direction=offer;fields.host=Carmel College;fields.date=2026-11-23");
    keep("record.add", "kind=activity;fields.title=Zorg proeven;fields.type=gastles;"
                       "fields.direction=offer;fields.host=Carmel College;fields.date=2027-02-01");
    keep("invite.create", "name=gast");
}

/* ---- the node that takes nothing ---- */

static void look_at(const struct mt_command *command) {
    for (uint32_t i = 0; command->type == MT_CMD_WRITE && i < command->n_contents; i++) {
        struct mt_changes it;
        struct mt_change c;
        NEED(mt_changes_check(command->contents[i]) == MT_OK);
        NEED(mt_changes_open(&it, command->contents[i]) == MT_OK);
        while (mt_changes_next(&it, &c)) {
            const struct mt_kind *kind = mt_schema_kind(c.kind);
            const struct mt_field *bad = NULL;
            NEED(kind && mt_box_size(command->contents[i].n));
            NEED(mt_schema_check_fields(kind, c.fields, false, &bad) == MT_TEXT_OK);
        }
    }
}

static void reply_to(const struct owed *o) {
    static const enum mt_err ERRORS[] = {MT_OK,       MT_OK,        MT_OK,      MT_ESTATE,
                                         MT_ENOSPACE, MT_ECONFLICT, MT_EINVALID};
    struct mt_reply reply = {.id = {{9}}, .code = "MEENT1Q", .expires_ms = 1};
    enum mt_err err = ERRORS[fuzz_u8(the_desk.f) % MT_ARRAY_LEN(ERRORS)];
    if (err && fuzz_u8(the_desk.f) & 1)
        reply.hint = "name-taken";
    o->fn(o->arg, err, &reply);
}

static enum mt_err take_command(void *arg, struct mt_command *command, mt_reply_fn fn,
                                void *fn_arg) {
    (void)arg;
    look_at(command);
    struct owed o = {.fn = fn, .arg = fn_arg};
    switch (fuzz_u8(the_desk.f) % 8) {
    case 0:
        return MT_ENOMEM;
    case 1:
    case 2:
        if (the_desk.n_owed < CALLS_MAX) {
            the_desk.owed[the_desk.n_owed++] = o;
            return MT_OK;
        }
        break;
    default:
        break;
    }
    reply_to(&o);
    return MT_OK;
}

/* ---- a call ---- */

static void put_text(struct fuzz *f, struct mt_writer *w) {
    static const char *const WORDS[] = {"activity", "placement", "org",  "2026-11-23",     "wk 48",
                                        "12",       "Lassen",    "gast", "Carmel College", "09:00",
                                        "yes",      "x|y",       "",     "signup"};
    uint8_t i = fuzz_u8(f);
    if (i < 64)
        mt_wire_put_cstr(w, WORDS[i % MT_ARRAY_LEN(WORDS)]);
    else if (i < 128 && the_desk.n_ids)
        mt_wire_put_str(w, mt_slice(the_desk.ids[i % the_desk.n_ids], 4 + i % 8 * 4u));
    else
        mt_wire_put_str(w, fuzz_take(f, i < 250 ? i % 32 : fuzz_u16(f) % 2048));
}

static void put_value(struct fuzz *f, struct mt_writer *w, int depth);

static void put_map(struct fuzz *f, struct mt_writer *w, int depth) {
    uint8_t n = fuzz_u8(f) % 8;
    mt_wire_put_map(w, n);
    for (uint8_t i = 0; i < n; i++) {
        mt_wire_put_cstr(w, KEYS[fuzz_u8(f) % MT_ARRAY_LEN(KEYS)]);
        put_value(f, w, depth + 1);
    }
}

static void put_value(struct fuzz *f, struct mt_writer *w, int depth) {
    uint8_t how = fuzz_u8(f), n;
    if (depth > 4 || how < 128) {
        put_text(f, w);
        return;
    }
    switch (how % 8) {
    case 0:
    case 1:
        put_map(f, w, depth);
        break;
    case 2:
    case 3:
        n = fuzz_u8(f) % 5;
        mt_wire_put_array(w, n);
        while (n--)
            put_value(f, w, depth + 1);
        break;
    case 4:
        mt_wire_put_uint(w, fuzz_number(f));
        break;
    case 5:
        mt_wire_put_bool(w, how & 16);
        break;
    case 6:
        mt_wire_put_nil(w);
        break;
    default:
        mt_wire_put_bin(w, "bytes", 5);
    }
}

static void on_answer(void *arg, enum mt_err err, const char *message, struct mt_slice result) {
    size_t len;
    unsigned *answers = arg;
    ++*answers;
    the_desk.answered++;
    NEED(err != MT_EAGAIN && err != MT_EBUG);
    if (err) {
        NEED(message[0] && strlen(message) < MT_QUERY_MESSAGE_MAX && result.n == 0);
        NEED(mt_utf8_valid(mt_slice_str(message)));
        return;
    }
    NEED(mt_wire_scan(result, MT_WIRE_LENIENT, MT_MESSAGE_MAX, &len) == MT_OK && len == result.n);
}

/* One call under way: its bytes live until it is answered. */
struct call {
    uint8_t *bytes;
    unsigned answers;
};

static bool begin(struct fuzz *f, struct call *c) {
    static uint8_t memory[64 * 1024];
    struct mt_writer w = mt_writer(memory, sizeof memory);
    struct mt_ctl m;
    size_t used;
    uint8_t how = fuzz_u8(f);
    mt_ctl_request_begin(&w, 1, METHODS[fuzz_u8(f) % MT_ARRAY_LEN(METHODS)]);
    if (how & 1)
        put_map(f, &w, 0);
    else
        mt_wire_put_raw(&w, fuzz_take(f, fuzz_u8(f)));
    c->bytes = fuzz_copy(mt_writer_slice(&w));
    if (mt_ctl_get(mt_slice(c->bytes, w.n), &m, &used) != MT_OK)
        return false;
    struct mt_cmd_env env = env_of(&the_desk.w.orgs[0]);
    env.submit = take_command;
    mt_cmd_run(&env, how > 250 ? how & 7 : EVERYTHING, m.method, m.params, on_answer, &c->answers);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz f = fuzz_of(data, size);
    struct call calls[CALLS_MAX] = {0};
    unsigned n = 0, begun = 0;
    open_desk();
    the_desk.f = &f;
    the_desk.answered = 0;
    *world_chance() = 0;
    while (f.n && n < CALLS_MAX)
        begun += begin(&f, &calls[n++]);
    while (the_desk.n_owed) {
        struct owed o = the_desk.owed[--the_desk.n_owed];
        reply_to(&o);
    }
    NEED(the_desk.answered == begun);
    for (unsigned i = 0; i < n; i++) {
        NEED(calls[i].answers <= 1);
        free(calls[i].bytes);
    }
    return 0;
}
