/* Organisations in one process, each a real node on a real store, joined by queues in memory, and
 * commands given to them as a client would. */
#ifndef MEENT_TEST_QUERY_WORLD_H
#define MEENT_TEST_QUERY_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "builder.h"
#include "ctl_cmd.h"

enum { WORLD_ORGS = 3, WORLD_STEPS_MAX = 20000, EVERYTHING = 7 };

struct world;

struct letter {
    struct letter *next;
    unsigned to;
    struct mt_event event;
    uint8_t *bytes;
};

struct waiter {
    uint64_t request;
    mt_reply_fn fn;
    void *arg;
};

struct org {
    struct world *world;
    unsigned no;
    char base[64], dir[80], address[16];
    struct mt_store *store;
    struct mt_node *node;
    struct waiter waiters[16];
    uint64_t requests;
    bool changed, counting;
    struct mt_cmd_shared shared;
};

struct wire {
    unsigned a, b;
    uint64_t a_conn, b_conn;
    bool open;
};

struct world {
    struct org orgs[WORLD_ORGS];
    unsigned n;
    struct wire wires[256];
    unsigned n_wires;
    struct letter *first, **last;
    uint64_t mono_ms, wall_ms, drawn, conns;
    enum mt_err lost; /* how a dial of nobody's address ends; 0: MT_EUNREACHABLE */
};

/* The answer of the last command. */
struct answer {
    bool done;
    enum mt_err err;
    char message[MT_QUERY_MESSAGE_MAX];
    uint8_t *bytes;
    struct mt_slice result;
};

static inline void post(struct world *w, unsigned to, const struct mt_event *event,
                        struct mt_slice bytes) {
    struct letter *l = calloc(1, sizeof *l);
    assert_non_null(l);
    l->to = to;
    l->event = *event;
    if (bytes.n) {
        l->bytes = malloc(bytes.n);
        assert_non_null(l->bytes);
        memcpy(l->bytes, bytes.p, bytes.n);
        l->event.bytes = mt_slice(l->bytes, bytes.n);
    }
    *w->last = l;
    w->last = &l->next;
}

static inline struct wire *wire_of(struct world *w, unsigned no, uint64_t conn) {
    for (unsigned i = 0; i < w->n_wires; i++) {
        struct wire *x = &w->wires[i];
        if ((x->a == no && x->a_conn == conn) || (x->b == no && x->b_conn == conn))
            return x;
    }
    return NULL;
}

static inline void step(struct org *o, struct mt_event *event);

static inline void hang_up(struct world *w, struct wire *x, enum mt_err err) {
    if (!x || !x->open)
        return;
    x->open = false;
    post(w, x->a, &(struct mt_event){.type = MT_EV_CLOSED, .conn = x->a_conn, .err = err},
         mt_slice(NULL, 0));
    post(w, x->b, &(struct mt_event){.type = MT_EV_CLOSED, .conn = x->b_conn, .err = err},
         mt_slice(NULL, 0));
}

static inline void dial(struct org *o, const struct mt_effect *fx) {
    struct world *w = o->world;
    for (unsigned i = 0; i < w->n; i++) {
        if (strcmp(w->orgs[i].address, fx->address) != 0)
            continue;
        assert_true(w->n_wires < MT_ARRAY_LEN(w->wires));
        struct wire *x = &w->wires[w->n_wires++];
        *x = (struct wire){
            .a = o->no, .b = i, .a_conn = fx->conn, .b_conn = ++w->conns, .open = true};
        post(w, i,
             &(struct mt_event){
                 .type = MT_EV_ACCEPTED, .conn = x->b_conn, .source = mt_slice_str(o->address)},
             mt_slice(NULL, 0));
        post(w, o->no, &(struct mt_event){.type = MT_EV_CONNECTED, .conn = fx->conn},
             mt_slice(NULL, 0));
        return;
    }
    post(w, o->no,
         &(struct mt_event){
             .type = MT_EV_CLOSED, .conn = fx->conn, .err = w->lost ? w->lost : MT_EUNREACHABLE},
         mt_slice(NULL, 0));
}

static inline void fetch(struct org *o, const struct mt_effect *fx) {
    uint8_t *memory = malloc(MT_MESSAGE_MAX);
    assert_non_null(memory);
    struct mt_writer out = mt_writer(memory, MT_MESSAGE_MAX);
    struct mt_event event = {
        .type = MT_EV_FETCHED, .conn = fx->conn, .chain_no = fx->want.chain_no};
    event.err = mt_store_read_run(o->store, &fx->want, &out, &event.last);
    post(o->world, o->no, &event, event.err ? mt_slice(NULL, 0) : mt_writer_slice(&out));
    free(memory);
}

static inline void reply(struct org *o, const struct mt_effect *fx) {
    for (size_t i = 0; i < MT_ARRAY_LEN(o->waiters); i++)
        if (o->waiters[i].request == fx->request && fx->request != 0) {
            struct waiter waiter = o->waiters[i];
            o->waiters[i].request = 0;
            waiter.fn(waiter.arg, fx->err, &fx->reply);
            return;
        }
}

static inline void carry_out(struct org *o, struct mt_effect *fx) {
    struct world *w = o->world;
    struct wire *x = wire_of(w, o->no, fx->conn);
    struct mt_event event = {.type = MT_EV_PERSISTED, .batch = fx->batch};
    switch (fx->type) {
    case MT_FX_SEND:
        if (x && x->open) {
            bool from_a = x->a == o->no && x->a_conn == fx->conn;
            post(w, from_a ? x->b : x->a,
                 &(struct mt_event){.type = MT_EV_BYTES, .conn = from_a ? x->b_conn : x->a_conn},
                 mt_slice(fx->bytes.p, fx->bytes.n));
        }
        break;
    case MT_FX_CLOSE:
        hang_up(w, x, fx->err);
        break;
    case MT_FX_CONNECT:
        dial(o, fx);
        break;
    case MT_FX_PERSIST:
        mt_apply(o->store, fx->batch);
        fx->batch = NULL;
        post(w, o->no, &event, mt_slice(NULL, 0));
        break;
    case MT_FX_PREPARE:
        break;
    case MT_FX_FETCH:
        fetch(o, fx);
        break;
    case MT_FX_CHANGED:
        o->changed = true;
        break;
    case MT_FX_REPLY:
    case MT_FX_LOG:
        break;
    }
}

static inline void step(struct org *o, struct mt_event *event) {
    struct world *w = o->world;
    size_t n;
    event->now = (struct mt_time){.mono_ms = w->mono_ms, .wall_ms = w->wall_ms};
    built_bytes(event->entropy, "world", ++w->drawn);
    mt_node_step(o->node, event);
    struct mt_effect *fx = mt_node_effects(o->node, &n);
    struct mt_effect replies[MT_ARRAY_LEN(o->waiters)];
    size_t n_replies = 0;
    for (size_t i = 0; i < n; i++)
        if (fx[i].type != MT_FX_REPLY)
            carry_out(o, &fx[i]);
        else if (n_replies < MT_ARRAY_LEN(replies))
            replies[n_replies++] = fx[i];
    for (size_t i = 0; i < n_replies; i++) /* who hears one may give a command */
        reply(o, &replies[i]);
}

/* Chance for record ids; tests run one world at a time. */
static inline uint64_t *world_chance(void) {
    static uint64_t drawn;
    return &drawn;
}

static inline void world_random(void *out, size_t n) {
    uint8_t bytes[32];
    for (size_t at = 0; at < n; at += sizeof bytes) {
        built_bytes(bytes, "chance", ++*world_chance());
        memcpy((uint8_t *)out + at, bytes, n - at < sizeof bytes ? n - at : sizeof bytes);
    }
}

static inline enum mt_err submit(void *arg, struct mt_command *command, mt_reply_fn fn,
                                 void *fn_arg) {
    struct org *o = arg;
    for (size_t i = 0; i < MT_ARRAY_LEN(o->waiters); i++)
        if (o->waiters[i].request == 0) {
            struct mt_event event = {.type = MT_EV_COMMAND, .command = *command};
            event.command.request = ++o->requests;
            o->waiters[i] =
                (struct waiter){.request = event.command.request, .fn = fn, .arg = fn_arg};
            step(o, &event);
            return MT_OK;
        }
    return MT_ENOMEM;
}

static inline struct mt_cmd_env env_of(struct org *o) {
    return (struct mt_cmd_env){.node = o->node,
                               .store = o->store,
                               .shared = &o->shared,
                               .submit = submit,
                               .submit_arg = o,
                               .random = world_random,
                               .wall_ms = o->world->wall_ms,
                               .uptime_ms = o->world->mono_ms,
                               .listen = o->address,
                               .announce = o->address};
}

static inline enum mt_err give_address(void *arg, const struct mt_id *org, struct mt_slice a) {
    struct org *o = arg;
    return mt_node_address(o->node, org, a);
}

static inline void on_counted(void *arg, enum mt_err err, const struct mt_reply *r) {
    struct org *o = arg;
    (void)r;
    assert_int_equal(err, MT_OK);
    o->counting = false;
}

/* What the daemon does after records changed. */
static inline void publish(struct org *o) {
    struct mt_cmd_env env = env_of(o);
    bool wrote;
    o->changed = false;
    assert_int_equal(mt_query_addresses(&env, give_address, o), MT_OK);
    assert_int_equal(mt_query_own_records(&env, o->address, NULL, NULL, &wrote), MT_OK);
    if (!o->counting)
        assert_int_equal(mt_cmd_count_places(&env, on_counted, o, &o->counting), MT_OK);
}

/* Delivers everything, letting time pass up to `ms` when nothing moves. */
static inline void world_run(struct world *w, uint64_t ms) {
    uint64_t end = w->mono_ms + ms;
    for (unsigned i = 0; i < WORLD_STEPS_MAX; i++) {
        struct letter *l = w->first;
        if (l) {
            w->first = l->next;
            if (!w->first)
                w->last = &w->first;
            step(&w->orgs[l->to], &l->event);
            free(l->bytes);
            free(l);
            continue;
        }
        bool published = false;
        for (unsigned k = 0; k < w->n; k++)
            if (w->orgs[k].changed) {
                publish(&w->orgs[k]);
                published = true;
            }
        if (published)
            continue;
        uint64_t next = UINT64_MAX;
        unsigned who = 0;
        for (unsigned k = 0; k < w->n; k++)
            if (mt_node_deadline(w->orgs[k].node) < next) {
                next = mt_node_deadline(w->orgs[k].node);
                who = k;
            }
        if (next > end)
            return;
        if (next > w->mono_ms) {
            w->wall_ms += next - w->mono_ms;
            w->mono_ms = next;
        }
        step(&w->orgs[who], &(struct mt_event){.type = MT_EV_TICK});
    }
    fail_msg("the world does not come to rest");
}

static inline void org_open(struct world *w, unsigned no) {
    struct org *o = &w->orgs[no];
    *o = (struct org){.world = w, .no = no};
    uint8_t key[32], entropy[32];
    struct mt_time now = {.mono_ms = w->mono_ms, .wall_ms = w->wall_ms};
    built_bytes(key, "store key", no);
    built_bytes(entropy, "start", no + 1);
    (void)snprintf(o->address, sizeof o->address, "org%u:1", no);
    char base[] = "/tmp/meent-query-XXXXXX";
    assert_non_null(mkdtemp(base));
    (void)snprintf(o->base, sizeof o->base, "%s", base);
    (void)snprintf(o->dir, sizeof o->dir, "%s/store", base);
    struct mt_store_config config = {
        .dir = o->dir, .store_key = key, .map_bytes = 1024 * 1024, .no_sync = true};
    assert_int_equal(mt_store_open(&o->store, &config), MT_OK);
    struct mt_node_config nc = {.announce = o->address, .seed = no + 1};
    assert_int_equal(mt_node_new(&o->node, &nc), MT_OK);
    assert_int_equal(mt_node_start(o->node, &now, entropy), MT_OK);
}

static inline void org_close(struct org *o) {
    static const char *const names[] = {"store/data.mdb", "store/lock.mdb", "store", "store.new"};
    char path[128];
    mt_cmd_shared_close(&o->shared);
    mt_node_free(o->node);
    mt_store_close(o->store);
    for (size_t i = 0; i < MT_ARRAY_LEN(names); i++) {
        (void)snprintf(path, sizeof path, "%s/%s", o->base, names[i]);
        (void)remove(path);
    }
    assert_int_equal(rmdir(o->base), 0);
}

static inline void world_open(struct world *w, unsigned n) {
    assert_int_equal(mt_key_init(), MT_OK);
    *w = (struct world){.n = n, .mono_ms = 1000, .wall_ms = UINT64_C(1793000000000)};
    w->last = &w->first;
    for (unsigned i = 0; i < n; i++)
        org_open(w, i);
}

static inline void world_close(struct world *w) {
    while (w->first) {
        struct letter *l = w->first;
        w->first = l->next;
        mt_batch_free(l->event.batch);
        free(l->bytes);
        free(l);
    }
    for (unsigned i = 0; i < w->n; i++)
        org_close(&w->orgs[i]);
}

/* ---- commands ---- */

static inline void on_done(void *arg, enum mt_err err, const char *message,
                           struct mt_slice result) {
    struct answer *a = arg;
    assert_false(a->done);
    a->done = true;
    a->err = err;
    (void)snprintf(a->message, sizeof a->message, "%s", message);
    a->bytes = malloc(result.n + 1);
    assert_non_null(a->bytes);
    if (result.n)
        memcpy(a->bytes, result.p, result.n);
    a->result = mt_slice(a->bytes, result.n);
    if (!err) {
        size_t len;
        assert_int_equal(mt_wire_scan(a->result, MT_WIRE_LENIENT, MT_MESSAGE_MAX, &len), MT_OK);
        assert_int_equal(len, result.n);
    } else {
        assert_true(message[0] != '\0');
    }
}

/* Gives a command with encoded parameters and waits for its answer. Free with answer_free. */
static inline struct answer *run_raw(struct org *o, unsigned access, const char *method,
                                     struct mt_slice params) {
    struct answer *a = calloc(1, sizeof *a);
    assert_non_null(a);
    struct mt_cmd_env env = env_of(o);
    mt_cmd_run(&env, access, mt_slice_str(method), params, on_done, a);
    for (unsigned i = 0; i < 20 && !a->done; i++)
        world_run(o->world, 500);
    assert_true(a->done);
    return a;
}

static inline void answer_free(struct answer *a) {
    free(a->bytes);
    free(a);
}

/* Parameters from text: "key=value;key=value"; "#key=12" gives a number, "!key" true, and
 * "fields.key=value" goes into the map `fields`. */
static inline void put_pairs(struct mt_writer *w, const char *text, const char *inner) {
    struct mt_put p;
    struct mt_slice rest = mt_slice_str(text);
    size_t n = inner ? strlen(inner) : 0;
    bool has_inner = false;
    mt_put_map(&p, w);
    while (rest.p) {
        struct mt_slice value = mt_text_cut(&rest, ';');
        char key[64];
        if (value.n == 0)
            continue;
        if (inner && value.n > n && memcmp(value.p, inner, n) == 0 && value.p[n] == '.') {
            has_inner = true;
            continue;
        }
        if (value.p[0] == '!') {
            (void)snprintf(key, sizeof key, "%.*s", (int)value.n - 1, (const char *)value.p + 1);
            mt_put_bool(&p, key, true);
            continue;
        }
        struct mt_slice name = mt_text_cut(&value, '=');
        bool number = name.p[0] == '#';
        (void)snprintf(key, sizeof key, "%.*s", (int)(name.n - number),
                       (const char *)name.p + number);
        if (number)
            mt_put_uint(&p, key, strtoull((const char *)value.p, NULL, 10));
        else
            mt_put_slice(&p, key, value);
    }
    if (has_inner) {
        char flat[2048] = "";
        struct mt_slice again = mt_slice_str(text);
        while (again.p) {
            struct mt_slice one = mt_text_cut(&again, ';');
            if (one.n > n && memcmp(one.p, inner, n) == 0 && one.p[n] == '.') {
                size_t at = strlen(flat);
                (void)snprintf(flat + at, sizeof flat - at, "%.*s;", (int)(one.n - n - 1),
                               (const char *)one.p + n + 1);
            }
        }
        put_pairs(mt_put_key(&p, inner), flat, NULL);
    }
    mt_put_map_end(&p);
}

static inline struct answer *run(struct org *o, const char *method, const char *params) {
    uint8_t memory[8192];
    struct mt_writer w = mt_writer(memory, sizeof memory);
    put_pairs(&w, params, strstr(params, "filters.") ? "filters" : "fields");
    assert_int_equal(w.err, MT_OK);
    return run_raw(o, EVERYTHING, method, mt_writer_slice(&w));
}

#include "query_answers.h"

/* Founds a region with organisation 0, and has the others join. */
static inline void world_found(struct world *w) {
    static const char *const inits[] = {"name=Carmel College;kind=vmbo", "name=Wavin;kind=company",
                                        "name=Deltion;kind=mbo"};
    char id[65], code[300], text[400], digits[32];
    run_id(&w->orgs[0], "init", inits[0], id);
    run_id(&w->orgs[0], "region.create", "name=Salland", id);
    publish(&w->orgs[0]);
    world_run(w, 1000);
    for (unsigned i = 1; i < w->n && i < MT_ARRAY_LEN(inits); i++) {
        run_id(&w->orgs[i], "init", inits[i], id);
        (void)snprintf(text, sizeof text, "name=gast%u", i);
        struct answer *a = run(&w->orgs[0], "invite.create", text);
        copy_text(a, "code", code, sizeof code);
        answer_free(a);
        (void)snprintf(text, sizeof text, "code=%s", code);
        answer_free(run(&w->orgs[i], "join", text));
        world_run(w, 20000);
        a = run(&w->orgs[i], "join.state", "");
        expect_text(a, "state", "filed");
        copy_text(a, "number", digits, sizeof digits);
        answer_free(a);
        (void)snprintf(text, sizeof text, "name=gast%u;number=%s", i, digits);
        run_id(&w->orgs[0], "member.approve", text, id);
        world_run(w, 30000);
        a = run(&w->orgs[i], "join.state", "");
        expect_text(a, "state", "member");
        answer_free(a);
    }
    world_run(w, 30000);
}

#endif
