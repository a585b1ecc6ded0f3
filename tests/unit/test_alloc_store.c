/* Every allocation failing, once and for ever: the store, and what commands read and write. */
#include "fail_alloc.h"

#include "query_world.h"
#include "store_fixture.h"

enum { ATTEMPTS_MAX = 5000, PEER_ENTRIES = 60, OWN_ENTRIES = 5 };

/* ---- the store ---- */

/* Which allocation fails over several calls; `refused` once it did. */
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

/* What the store of one life is made of. */
struct made_store {
    struct builder peer, own;
};

static void open_store(struct fixture *f, struct plan *p) {
    arm(p);
    enum mt_err err = place_open(&f->place, &f->s, NULL, 0);
    disarm(p);
    if (err) {
        assert_int_equal(err, MT_ENOMEM);
        assert_true(p->refused);
        assert_int_equal(place_open(&f->place, &f->s, NULL, 0), MT_OK);
    }
}

static struct mt_batch *the_batch(struct fixture *f, const struct made_store *m) {
    struct mt_batch *b = fixture_batch(f);
    struct mt_op *op = mt_batch_add(b, MT_OP_BLOB);
    assert_non_null(op);
    op->blob.name = "seed";
    op->blob.bytes = mt_slice_str("one");
    op = mt_batch_add(b, MT_OP_ITEM);
    assert_non_null(op);
    op->item.id = built_id("item", 1);
    op->item.bytes = mt_slice_str("an item");
    (void)builder_op_run(&m->peer, 1, PEER_ENTRIES, b);
    (void)builder_op_local(&m->own, 1, OWN_ENTRIES, b);
    return b;
}

/* All of a batch counts, or nothing and it says so. */
static void apply_all(struct fixture *f, const struct made_store *m, struct plan *p) {
    struct mt_batch *b = the_batch(f, m);
    arm(p);
    mt_apply(f->s, b);
    disarm(p);
    enum mt_err err = b->err;
    mt_batch_free(b);
    if (err) {
        assert_int_equal(err, MT_ENOMEM);
        assert_true(p->refused);
        assert_int_equal(fixture_count(f, 3), 0);
        b = the_batch(f, m);
        mt_apply(f->s, b);
        assert_int_equal(b->err, MT_OK);
        mt_batch_free(b);
    }
    assert_int_equal(fixture_count(f, 3), PEER_ENTRIES + OWN_ENTRIES);
}

static enum mt_err see(struct mt_read *r, uint8_t digest[static 32], uint8_t fold[static 32],
                       uint64_t *count) {
    enum mt_err err = mt_read_digest(r, digest);
    if (!err)
        err = mt_read_digest_fold(r, fold);
    return err ? err : mt_read_count(r, 3, count);
}

static void read_all(struct fixture *f, struct plan *p, uint8_t digest[static 32]) {
    uint8_t fold[32];
    struct mt_read r;
    uint64_t count = 0;
    arm(p);
    enum mt_err err = mt_read_begin(f->s, &f->region, f->ring, &r);
    if (!err) {
        err = see(&r, digest, fold, &count);
        mt_read_end(&r);
    }
    disarm(p);
    if (err) {
        assert_int_equal(err, MT_ENOMEM);
        assert_true(p->refused);
        fixture_digest(f, digest);
        return;
    }
    assert_memory_equal(digest, fold, 32);
    assert_int_equal(count, PEER_ENTRIES + OWN_ENTRIES);
}

/* Create, write, read, open again, read. True when an allocation was refused. */
static bool store_life(const struct made_store *m, unsigned long nth, bool for_ever,
                       uint8_t digest[static 32]) {
    struct plan p = {.nth = nth, .for_ever = for_ever};
    struct fixture f = {.region = built_id("region", REGION)};
    uint8_t again[32];
    place_make(&f.place);
    f.ring = built_ring(REGION, 1, 1, 4);
    open_store(&f, &p);
    apply_all(&f, m, &p);
    read_all(&f, &p, digest);
    mt_store_close(f.s);
    open_store(&f, &p);
    read_all(&f, &p, again);
    assert_memory_equal(digest, again, 32);
    fixture_close(&f);
    return p.refused;
}

static void the_store_keeps_all_of_a_batch_or_nothing(void **state) {
    struct made_store m;
    uint8_t want[32], digest[32];
    (void)state;
    assert_int_equal(mt_key_init(), MT_OK);
    builder_region(&m.peer, REGION, 2, 1);
    builder_region(&m.own, REGION, 1, 2);
    for (uint64_t i = 1; i <= PEER_ENTRIES; i++)
        builder_add_text(&m.peer, 3, i, TITLE, "Metaal proeven");
    for (uint64_t i = 1; i <= OWN_ENTRIES; i++)
        builder_add_text(&m.own, 3, 1000 + i, TITLE, "Open dag");
    assert_false(store_life(&m, ATTEMPTS_MAX, false, want));
    for (int for_ever = 0; for_ever < 2; for_ever++) {
        unsigned long nth = 1;
        while (store_life(&m, nth, for_ever, digest)) {
            assert_memory_equal(digest, want, 32);
            assert_true(++nth < ATTEMPTS_MAX);
        }
        assert_true(nth > 20); /* or nothing was counted */
    }
    builder_close(&m.peer);
    builder_close(&m.own);
}

/* ---- commands ---- */

/* Gives a command while allocation `nth` fails. Its answer comes, now or later. */
static struct answer *run_failing(struct org *o, const char *method, const char *params,
                                  struct plan *p) {
    uint8_t memory[2048];
    struct mt_writer w = mt_writer(memory, sizeof memory);
    struct answer *a = calloc(1, sizeof *a);
    struct mt_cmd_env env = env_of(o);
    assert_non_null(a);
    put_pairs(&w, params, strstr(params, "filters.") ? "filters" : "fields");
    arm(p);
    mt_cmd_run(&env, EVERYTHING, mt_slice_str(method), mt_writer_slice(&w), on_done, a);
    disarm(p);
    for (unsigned i = 0; i < 20 && !a->done; i++)
        world_run(o->world, 2000);
    if (!a->done)
        fail_msg("%s at %lu: no answer", method, p->nth);
    return a;
}

/* What is known of organisations is kept between commands; now it has to be found out again. */
static void forget(struct org *o) {
    mt_cmd_shared_close(&o->shared);
    o->shared.orgs = (struct mt_org_cache){0};
}

/* Reading fails clearly or answers what it always answers. */
static void sweep(struct org *o, const char *method, const char *params, bool forgetful) {
    struct plan none = {.nth = ATTEMPTS_MAX};
    struct answer *want = run_failing(o, method, params, &none);
    assert_int_equal(want->err, MT_OK);
    for (int for_ever = 0; for_ever < 2; for_ever++) {
        struct plan p = {.nth = 0, .for_ever = for_ever};
        do {
            p = (struct plan){.nth = p.nth + 1, .for_ever = for_ever};
            if (forgetful)
                forget(o);
            struct answer *a = run_failing(o, method, params, &p);
            if (a->err && (a->err != MT_ENOMEM || !p.refused))
                fail_msg("%s at %lu: %s: %s", method, p.nth, mt_err_code(a->err), a->message);
            if (!a->err) {
                if (a->result.n != want->result.n)
                    fail_msg("%s %s at %lu: another answer", method, params, p.nth);
                assert_memory_equal(a->result.p, want->result.p, want->result.n);
            }
            answer_free(a);
            assert_true(p.nth < ATTEMPTS_MAX);
        } while (p.refused);
        assert_true(p.nth > 1);
    }
    answer_free(want);
}

static void sweep_read(struct org *o, const char *method, const char *params) {
    sweep(o, method, params, false);
}

static uint64_t count_of(struct org *o, const char *params) {
    struct answer *a = run(o, "record.list", params);
    uint64_t n = number(a, "total");
    answer_free(a);
    return n;
}

/* A write that succeeded is there, once; one that failed is not there, or at most once. */
static void sweep_add(struct org *o) {
    for (int for_ever = 0; for_ever < 2; for_ever++) {
        struct plan p = {.nth = 0, .for_ever = for_ever};
        do {
            p = (struct plan){.nth = p.nth + 1, .for_ever = for_ever};
            uint64_t before = count_of(o, "kind=activity");
            struct answer *a =
                run_failing(o, "record.add",
                            "kind=activity;fields.title=Open dag;fields.type=gastles;"
                            "fields.direction=offer;fields.host=Carmel College;fields.date="
                            "2027-03-01",
                            &p);
            world_run(o->world, 2000);
            if (a->err && (a->err != MT_ENOMEM || !p.refused))
                fail_msg("record.add at %lu: %s: %s", p.nth, mt_err_code(a->err), a->message);
            uint64_t after = count_of(o, "kind=activity");
            assert_true(after == before + 1 || (a->err && after == before));
            answer_free(a);
            assert_true(p.nth < ATTEMPTS_MAX);
        } while (p.refused);
        assert_true(p.nth > 1);
    }
}

static void commands_answer_each_refused_allocation(void **state) {
    struct world w;
    char id[65];
    (void)state;
    world_open(&w, 1);
    world_found(&w);
    run_id(&w.orgs[0], "record.add",
           "kind=activity;fields.title=Metaal proeven;fields.type=gastles;"
           "fields.direction=offer;fields.host=Carmel College;fields.date=2027-02-01",
           id);
    sweep_read(&w.orgs[0], "record.list", "kind=activity");
    sweep_read(&w.orgs[0], "record.list", "kind=activity;from=2027-01-01");
    char show[128];
    (void)snprintf(show, sizeof show, "kind=activity;id=%s", id);
    sweep_read(&w.orgs[0], "record.show", show);
    sweep_read(&w.orgs[0], "region.show", "");
    sweep_read(&w.orgs[0], "member.list", "");
    sweep_read(&w.orgs[0], "invite.list", "");
    sweep_read(&w.orgs[0], "log", "");
    sweep_add(&w.orgs[0]);
    world_close(&w);
}

/* What is put together from the records of several: an answer, places, who stands for whom. */
static void answers_from_many_records_are_whole_or_refused(void **state) {
    static const char *const reads[][2] = {
        {"record.list", "kind=org"},
        {"record.list", "kind=activity;filters.host=Wavin;!free"},
        {"record.list", "kind=signup"},
        {"record.list", "kind=placement"},
        {"record.list", "kind=stageplek;text=magazijn"},
        {"peer.ping", "name=Wavin"},
        {"verify", ""},
    };
    struct world w;
    char activity[65], signup[65], place[65], id[65], text[300];
    (void)state;
    world_open(&w, 2);
    world_found(&w);
    run_id(&w.orgs[1], "record.add",
           "kind=activity;fields.title=Les;fields.type=gastles;fields.direction=offer;"
           "fields.host=Wavin;fields.capacity=10",
           activity);
    run_id(&w.orgs[1], "record.add",
           "kind=stageplek;fields.title=Magazijn;fields.type=snuffelstage;fields.capacity=1",
           place);
    world_run(&w, 2000);
    (void)snprintf(text, sizeof text, "activity=%s;group=1A;#pupils=4", activity);
    run_id(&w.orgs[0], "signup.add", text, signup);
    (void)snprintf(text, sizeof text,
                   "stageplek=%s;level=KB;route=snuffelstage;from=2027-02-01;until=2027-02-05",
                   place);
    run_id(&w.orgs[0], "placement.propose", text, id);
    world_run(&w, 2000);
    (void)snprintf(text, sizeof text, "record=%s;decision=accepted", signup);
    run_id(&w.orgs[1], "answer.add", text, activity);
    (void)snprintf(text, sizeof text, "id=%s", id);
    run_id(&w.orgs[1], "placement.accept", text, id);
    world_run(&w, 2000);
    for (size_t i = 0; i < MT_ARRAY_LEN(reads); i++)
        for (int forgetful = 0; forgetful < 2; forgetful++)
            sweep(&w.orgs[0], reads[i][0], reads[i][1], forgetful);
    (void)snprintf(text, sizeof text, "kind=signup;id=%s", signup);
    sweep_read(&w.orgs[0], "record.show", text);
    (void)snprintf(text, sizeof text, "kind=stageplek;id=%s", place);
    sweep_read(&w.orgs[0], "record.show", text);
    world_close(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_store_keeps_all_of_a_batch_or_nothing),
        cmocka_unit_test(commands_answer_each_refused_allocation),
        cmocka_unit_test(answers_from_many_records_are_whole_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
