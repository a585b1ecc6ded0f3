/* Malformed bytes at every step of a link: each closes its connection, nothing is stored, nothing is
 * kept. FLOOD=all: 100,000 for each parser. */
#include "caller_fixture.h"

#include "malformed.h"

#include <unistd.h>

enum { SPEECH_MAX = 64 * 1024, ALL = 100000, GROWTH_MAX = 1024 * 1024 };

/* How many, when one costs a whole handshake; without, ten times that. */
static unsigned times(void) {
    const char *flood = getenv("FLOOD");
    return flood && strcmp(flood, "all") == 0 ? ALL : 500;
}

/* Sanitizers, and tools that programs are run under, keep memory of their own. */
static bool memory_counts(void) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return false;
#else
    const char *under = getenv("UNDER");
    return !under || !*under;
#endif
}

static size_t resident(void) {
    unsigned long all, pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%lu %lu", &all, &pages), 2);
    fclose(f);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* Everything that the store of host 0 holds. */
static struct mt_id stored(const struct table *t) {
    const struct host *h = &t->h[0];
    struct mt_hash hash;
    struct mt_id out;
    mt_hash_init(&hash, "stored", NULL);
    for (size_t i = 0; i < h->n_blobs; i++)
        mt_hash_add(&hash, h->blobs[i].p, h->blobs[i].n);
    for (size_t i = 0; i < h->n_items; i++)
        mt_hash_add(&hash, h->items[i].p, h->items[i].n);
    for (size_t i = 0; i < h->n_chains; i++)
        mt_hash_add_id(&hash, &h->chains[i].head.entry);
    mt_hash_end(&hash, out.b);
    return out;
}

struct scene {
    struct door d;
    struct dice dice;
    struct caller c;
    struct mt_id org, before;
    size_t memory;
};

/* A region of two, of which one is the caller from now on. */
static void set(struct table *t, struct scene *s, bool as_member) {
    found(t);
    bring_in(t, 1);
    meet(t);
    assert_int_equal(write_to(t, 1, NULL), MT_OK);
    assert_int_equal(write_to(t, 0, NULL), MT_OK);
    pass(t, 1000);
    caller_make(&s->c, 1);
    if (as_member)
        caller_be(&s->c, t->h[1].node);
    else
        assert_true(caller_invite(&s->c, invite(t, "x").code));
    s->org = info_of(t, 1).org;
    stop(t, 1);
    s->dice.state = 1;
    s->before = stored(t);
}

/* Called for each: what is taken for long is there after the first few. */
static void look(struct scene *s, unsigned i) {
    if (i == 200)
        s->memory = resident();
}

static void nothing_came_of_it(struct table *t, struct scene *s) {
    struct mt_id now = stored(t);
    assert_true(mt_id_eq(&now, &s->before));
    assert_int_equal(the_host(t)->n_conns, 0);
    if (memory_counts())
        assert_true(resident() <= s->memory + GROWTH_MAX);
    caller_close(&s->c);
}

static void first_frames(void **state) {
    struct table *t = *state;
    struct scene s;
    uint8_t buf[MALFORMED_MAX];
    unsigned n = times() == ALL ? ALL : 10 * times();
    set(t, &s, true);
    for (unsigned i = 0; i < n; i++) {
        look(&s, i);
        uint64_t conn = knock_from(t, &s.d, i % 1000);
        size_t len = malformed_first(&s.dice, &s.c, buf);
        speak(t, &s.d, conn, mt_slice(buf, len));
        assert_int_equal(s.d.n, 0);
        if (!is_there(t, conn))
            continue;
        struct mt_event ev = {.type = MT_EV_CLOSED, .conn = conn}; /* it still waits for more */
        assert_int_equal(mt_node_conn(the_host(t), conn)->sync.link.state, MT_LINK_LISTENS);
        at_door(t, &s.d, &ev);
    }
    nothing_came_of_it(t, &s);
}

/* An answer from who was called: noise, or the right key and a certificate that is none. */
static size_t bad_answer(struct scene *s, uint8_t *buf, size_t cap) {
    struct mt_link l = {0};
    struct mt_link_out out;
    struct mt_writer w = mt_writer(buf, cap);
    uint8_t payload[MALFORMED_MAX], e[32];
    size_t used, n = malformed_certificate(&s->dice, &s->c, payload);
    if (dice_below(&s->dice, 8) == 0) {
        size_t len = 3 + dice_below(&s->dice, 2600);
        dice_bytes(&s->dice, buf, len);
        return len;
    }
    built_bytes(e, "answer", dice_next(&s->dice));
    mt_link_listen(&l);
    assert_int_equal(mt_link_feed(&l, mt_slice(s->d.got, s->d.n), &used, &out), MT_OK);
    assert_int_equal(out.got, MT_LINK_HINT);
    assert_int_equal(
        mt_link_answer(&l, s->c.region.b, s->c.psk, &s->c.key, e, mt_slice(payload, n), &w), MT_OK);
    mt_link_close(&l);
    if (dice_below(&s->dice, 4) == 0)
        buf[2 + dice_below(&s->dice, w.n - 2)] ^= (uint8_t)(1 + dice_below(&s->dice, 255));
    return w.n;
}

/* Has host 0 call the other member now; returns the connection. */
static uint64_t has_it_call(struct table *t, struct scene *s) {
    struct mt_event ev = {
        .type = MT_EV_COMMAND, .now = t->now, .command = {.type = MT_CMD_PING, .audience = s->org}};
    uint64_t conn = 0;
    size_t n;
    built_bytes(ev.entropy, "entropy", ++t->entropy);
    mt_node_step(the_host(t), &ev);
    struct mt_effect *fx = mt_node_effects(the_host(t), &n);
    for (size_t i = 0; i < n; i++)
        conn = fx[i].type == MT_FX_CONNECT ? fx[i].conn : conn;
    assert_true(conn != 0);
    return conn;
}

static void second_messages(void **state) {
    struct table *t = *state;
    struct scene s;
    uint8_t buf[MALFORMED_MAX];
    set(t, &s, true);
    struct mt_event gone = {.type = MT_EV_TICK};
    at_door(t, &s.d, &gone);
    for (unsigned i = 0, n = times(); i < n; i++) {
        look(&s, i);
        struct mt_event ev = {.type = MT_EV_CONNECTED, .conn = has_it_call(t, &s)};
        at_door(t, &s.d, &ev);
        assert_int_equal(s.d.n, CALLER_FIRST);
        size_t len = bad_answer(&s, buf, sizeof buf);
        speak(t, &s.d, ev.conn, mt_slice(buf, len));
        ev.type = MT_EV_CLOSED;
        assert_false(is_open(t, ev.conn));
        at_door(t, &s.d, &ev);
    }
    nothing_came_of_it(t, &s);
}

static void third_messages(void **state) {
    struct table *t = *state;
    struct scene s;
    uint8_t buf[CALLER_THIRD_MAX];
    set(t, &s, false);
    for (unsigned i = 0, n = times(); i < n; i++) {
        struct mt_writer w = mt_writer(buf, sizeof buf);
        look(&s, i);
        uint64_t conn = knock_from(t, &s.d, i % 1000);
        first(t, &s.d, &s.c, conn);
        assert_int_equal(malformed_third(&s.dice, &s.c, mt_slice(s.d.got, s.d.n), &w), MT_OK);
        speak(t, &s.d, conn, mt_writer_slice(&w));
        assert_false(is_there(t, conn));
    }
    nothing_came_of_it(t, &s);
}

static void on_open_links(struct table *t,
                          void (*speech)(struct dice *, struct caller *, struct mt_writer *)) {
    struct scene s;
    uint8_t *buf = malloc(SPEECH_MAX);
    assert_non_null(buf);
    set(t, &s, true);
    for (unsigned i = 0, n = times(); i < n; i++) {
        struct mt_writer w = mt_writer(buf, SPEECH_MAX);
        look(&s, i);
        uint64_t conn = call(t, &s.d, &s.c, "203.0.113.9");
        assert_true(is_open(t, conn));
        speech(&s.dice, &s.c, &w);
        speak(t, &s.d, conn, mt_writer_slice(&w));
        if (is_there(t, conn)) { /* a frame that never ends */
            struct mt_event ev = {.type = MT_EV_CLOSED, .conn = conn};
            assert_true(mt_node_conn(the_host(t), conn)->sync.link.frame_have > 0);
            at_door(t, &s.d, &ev);
        }
    }
    free(buf);
    nothing_came_of_it(t, &s);
}

static void frames(void **state) {
    on_open_links(*state, malformed_frame);
}

static void messages(void **state) {
    on_open_links(*state, malformed_message);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        NODE_TEST(first_frames), NODE_TEST(second_messages), NODE_TEST(third_messages),
        NODE_TEST(frames),       NODE_TEST(messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
