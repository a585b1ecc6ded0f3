/* Every allocation failing, once and for ever: governance, and the whole life of a region. */
#include "fail_alloc.h"

#include "gov_fixture.h"
#include "node_fixture.h"

enum { SERIES_MAX = 64, ALLOCATIONS_MAX = 100000 };

struct series {
    struct made item[SERIES_MAX];
    enum mt_err err[SERIES_MAX];
    uint8_t digest[SERIES_MAX][32]; /* after the item */
    size_t n;
};

/* Items of every kind, among them more than their shares allow, so that some push others out. */
static struct series *the_series(void) {
    struct series *s = calloc(1, sizeof *s);
    assert_non_null(s);
    struct made admit = made_admit(2), other = made_admit(3);
    s->item[s->n++] = made_found();
    s->item[s->n++] = made_certificate(1, 1, 0);
    s->item[s->n++] = admit;
    for (uint64_t n = 1; n < 6; n++)
        s->item[s->n++] = made_vote(&admit.id, 1, n, true);
    s->item[s->n++] = made_vote(&other.id, 1, 7, true);
    s->item[s->n++] = other;
    s->item[s->n++] = made_certificate(2, 2, 5);
    s->item[s->n++] = made_certificate(3, 3, 0);
    for (uint64_t feed = 12; feed < 18; feed++)
        s->item[s->n++] = made_certificate(2, feed, 9);
    for (uint64_t k = 1; k < 8; k++) {
        struct made statement = made_statement(1, k);
        s->item[s->n++] = statement;
        s->item[s->n++] = made_grant(&statement.id, 2, 1, 1, 2 + k);
    }
    return s;
}

static void add_all_cleanly(struct series *s) {
    struct mt_gov *g = mt_gov_new();
    assert_non_null(g);
    for (size_t i = 0; i < s->n; i++) {
        s->err[i] = gov_add(g, s->item[i]);
        assert_int_equal(mt_gov_digest(g, s->digest[i]), MT_OK);
    }
    mt_gov_free(g);
}

static enum mt_err add(struct mt_gov *g, const struct made *m) {
    struct mt_id id;
    return mt_gov_add(g, made_slice(m), &id);
}

/* The whole series while allocation `nth` fails; true when one was refused. */
static bool add_all_failing(const struct series *s, unsigned long nth, bool for_ever) {
    struct mt_gov *g = mt_gov_new();
    uint8_t digest[32];
    bool refused = false;
    assert_non_null(g);
    unsigned long before = 0;
    for (size_t i = 0; i < s->n; i++) {
        fail_alloc_begin(nth > before ? nth - before : (refused ? ALLOCATIONS_MAX : 1), for_ever);
        enum mt_err err = add(g, &s->item[i]);
        refused |= fail_alloc_end();
        before += fail_alloc_count();
        assert_int_equal(mt_gov_digest(g, digest), MT_OK);
        if (err == MT_ENOMEM) {
            if (i)
                assert_memory_equal(digest, s->digest[i - 1], 32);
            err = add(g, &s->item[i]);
            assert_int_equal(mt_gov_digest(g, digest), MT_OK);
        }
        assert_int_equal(err, s->err[i]);
        assert_memory_equal(digest, s->digest[i], 32);
    }
    mt_gov_free(g);
    return refused;
}

static void governance_holds_the_same_before_and_after_a_refused_add(void **state) {
    struct series *s = the_series();
    (void)state;
    add_all_cleanly(s);
    for (int for_ever = 0; for_ever < 2; for_ever++) {
        unsigned long nth = 1;
        while (add_all_failing(s, nth, for_ever))
            assert_true(++nth < ALLOCATIONS_MAX);
        assert_true(nth > 8); /* or nothing was counted */
    }
    free(s);
}

/* ---- the life of a region ---- */

enum { LIVES_MAX = 20000 };

/* Which allocation of a whole life fails. Memory comes back when a command, or a while of waiting,
 * is over: what failed must be made good then. */
struct plan {
    unsigned long nth, before;
    bool for_ever, refused;
};

static void arm(struct plan *p) {
    if (!p->refused)
        fail_alloc_begin(p->nth - p->before, p->for_ever);
}

static void disarm(struct plan *p) {
    if (!p->refused) {
        p->refused = fail_alloc_end();
        p->before += fail_alloc_count();
    }
}

static void wait_for(struct table *t, struct plan *p, uint64_t ms) {
    arm(p);
    pass(t, ms);
    disarm(p);
}

/* Gives a command. An answer always comes, if not at once. */
static enum mt_err give(struct table *t, struct plan *p, int host, struct mt_command cmd,
                        struct mt_reply *reply) {
    arm(p);
    uint64_t request = ask(t, host, cmd);
    run(t);
    disarm(p);
    enum mt_err err = reply_of(t, host, request, reply);
    if (err == MT_EAGAIN) {
        assert_true(p->refused);
        pass(t, 2000);
        err = reply_of(t, host, request, reply);
    }
    assert_int_not_equal(err, MT_EAGAIN);
    return err;
}

/* Gives a command, and once more when there was no memory. */
static enum mt_err insist(struct table *t, struct plan *p, int host, struct mt_command cmd,
                          struct mt_reply *reply) {
    bool before = p->refused;
    enum mt_err err = give(t, p, host, cmd, reply);
    if (err == MT_ENOMEM) {
        assert_true(p->refused && !before);
        pass(t, 2000);
        err = command(t, host, cmd, reply);
        return err == MT_ECONFLICT ? MT_OK : err; /* it was done after all */
    }
    return err;
}

static void must(struct table *t, struct plan *p, int host, enum mt_command_type type,
                 const char *name) {
    struct mt_reply reply;
    struct mt_command cmd = {.type = type, .name = mt_slice_str(name), .kind = 1};
    enum mt_err err = insist(t, p, host, cmd, &reply);
    if (err)
        fail_msg("%s at %lu: %s", name, p->nth, mt_err_code(err));
}

static void must_write(struct table *t, struct plan *p, int host, const struct mt_id *audience) {
    uint8_t buf[256];
    struct mt_slice text;
    struct mt_command cmd = write_command(audience, &text, buf, sizeof buf);
    enum mt_err err = insist(t, p, host, cmd, NULL);
    if (err)
        fail_msg("write at %lu: %s", p->nth, mt_err_code(err));
}

/* An invitation whose code was not seen is of no use: then there is another. */
static const char *must_invite(struct table *t, struct plan *p, struct mt_reply *reply) {
    struct mt_command cmd = {.type = MT_CMD_INVITE_CREATE, .name = mt_slice_str("i1")};
    enum mt_err err = give(t, p, 0, cmd, reply);
    if (!err)
        return "i1";
    assert_int_equal(err, MT_ENOMEM);
    cmd.name = mt_slice_str("i2");
    assert_int_equal(command(t, 0, cmd, reply), MT_OK);
    return "i2";
}

static void gov_digest_of(struct table *t, int host, uint8_t out[static 32]) {
    assert_int_equal(mt_gov_digest(mt_node_gov(t->h[host].node), out), MT_OK);
}

/* Both hold the same, in memory and in the store, and a restart brings back all of it. */
static void both_agree(struct table *t) {
    uint8_t a[32], b[32];
    uint64_t held[2] = {0};
    gov_digest_of(t, 0, a);
    gov_digest_of(t, 1, b);
    assert_memory_equal(a, b, 32);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(info_of(t, i).state, MT_NODE_MEMBER);
        restart(t, i);
        assert_int_equal(info_of(t, i).state, MT_NODE_MEMBER);
        assert_false(info_of(t, i).retired);
        gov_digest_of(t, i, b);
        assert_memory_equal(a, b, 32);
        for (size_t k = 0; k < t->h[i].n_chains; k++)
            held[i] += t->h[i].chains[k].head.seq;
    }
    assert_true(held[0] >= 4);
    assert_int_equal(held[0], held[1]);
}

static void open_two(struct table *t) {
    static uint8_t none[32];
    memset(t, 0, sizeof *t);
    t->now = (struct mt_time){.mono_ms = 1000, .wall_ms = 1790000000000};
    for (int i = 0; i < 2; i++) {
        (void)snprintf(t->h[i].address, sizeof t->h[i].address, "node%d:7420", i);
        start_as(t, i, none);
    }
}

static void close_two(struct table *t) {
    void *copy = __real_malloc(sizeof *t); /* close_table frees what it is given */
    assert_non_null(copy);
    memcpy(copy, t, sizeof *t);
    close_table(&copy);
}

/* A region of two from nothing, with what each writes. True when an allocation was refused. */
static bool live(struct table *t, unsigned long nth, bool for_ever) {
    struct plan p = {.nth = nth, .for_ever = for_ever};
    struct mt_reply reply = {0}, unused;
    must(t, &p, 0, MT_CMD_INIT, "Terra");
    must(t, &p, 1, MT_CMD_INIT, "Stad & Esch");
    must(t, &p, 0, MT_CMD_REGION_CREATE, "Meppel");
    const char *name = must_invite(t, &p, &reply);
    struct mt_command cmd = {.type = MT_CMD_JOIN, .code = mt_slice_str(reply.code)};
    assert_int_equal(insist(t, &p, 1, cmd, &unused), MT_OK);
    wait_for(t, &p, 1000);
    pass(t, 25000);
    assert_int_equal(info_of(t, 1).join, MT_JOIN_FILED);
    cmd = (struct mt_command){
        .type = MT_CMD_APPROVE, .name = mt_slice_str(name), .number = info_of(t, 1).join_number};
    assert_int_equal(insist(t, &p, 0, cmd, &unused), MT_OK);
    pass(t, 25000);
    assert_int_equal(info_of(t, 1).state, MT_NODE_MEMBER);
    struct mt_id orgs[2] = {info_of(t, 0).org, info_of(t, 1).org};
    assert_int_equal(mt_node_address(t->h[0].node, &orgs[1], mt_slice_str(t->h[1].address)), MT_OK);
    assert_int_equal(mt_node_address(t->h[1].node, &orgs[0], mt_slice_str(t->h[0].address)), MT_OK);
    wait_for(t, &p, 1000);
    for (int i = 0; i < 2; i++) {
        must_write(t, &p, i, NULL);
        must_write(t, &p, i, &orgs[!i]);
    }
    wait_for(t, &p, 1000);
    pass(t, 60000);
    both_agree(t);
    return p.refused;
}

static void a_region_lives_through_each_refused_allocation(void **state) {
    struct table *t = calloc(1, sizeof *t);
    (void)state;
    assert_non_null(t);
    assert_int_equal(mt_key_init(), MT_OK);
    for (int for_ever = 0; for_ever < 2; for_ever++) {
        bool refused = true;
        for (unsigned long nth = 1; refused; nth++) {
            assert_true(nth < LIVES_MAX);
            open_two(t);
            refused = live(t, nth, for_ever);
            if (!refused)
                print_message("%lu allocations\n", nth - 1);
            close_two(t);
        }
    }
    free(t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(governance_holds_the_same_before_and_after_a_refused_add),
        cmocka_unit_test(a_region_lives_through_each_refused_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
