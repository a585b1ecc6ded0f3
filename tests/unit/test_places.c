/* What the region learns of placements: how many have a place, and nothing else. */
#include "query_world.h"

#define SCHOOL  (&w.orgs[0])
#define COMPANY (&w.orgs[1])
#define THIRD   (&w.orgs[2])

/* Founds the region and offers a place for `capacity` pupils at the company. */
static void offer(struct world *w, unsigned capacity, char place[65]) {
    char text[200];
    world_open(w, WORLD_ORGS);
    world_found(w);
    (void)snprintf(text, sizeof text,
                   "kind=stageplek;fields.title=Magazijn;fields.type=snuffelstage;"
                   "fields.capacity=%u",
                   capacity);
    run_id(&w->orgs[1], "record.add", text, place);
    world_run(w, 2000);
}

static void propose(struct world *w, unsigned from, const char *place, char id[65]) {
    char text[200];
    (void)snprintf(text, sizeof text,
                   "stageplek=%s;level=KB;route=snuffelstage;from=2027-02-01;until=2027-02-05",
                   place);
    run_id(&w->orgs[from], "placement.propose", text, id);
    world_run(w, 2000);
}

static void give(struct world *w, unsigned no, const char *method, const char *more,
                 const char *id) {
    char text[200], out[65];
    (void)snprintf(text, sizeof text, "id=%s;%s", id, more);
    run_id(&w->orgs[no], method, text, out);
    world_run(w, 2000);
}

/* Everybody reads the same count of the place. */
static void expect_taken(struct world *w, uint64_t occupied, uint64_t left) {
    for (unsigned i = 0; i < w->n; i++) {
        struct answer *a = run(&w->orgs[i], "record.list", "kind=stageplek");
        struct mt_slice v;
        assert_int_equal(number(a, "records.0.free"), left);
        if (occupied || find(a->result, "records.0.occupied", &v))
            assert_int_equal(number(a, "records.0.occupied"), occupied);
        answer_free(a);
    }
}

static void an_accepted_placement_takes_a_place_for_everyone(void **state) {
    (void)state;
    struct world w;
    char place[65], id[65], other[65], text[100];
    offer(&w, 1, place);
    expect_taken(&w, 0, 1);
    propose(&w, 0, place, id);
    propose(&w, 2, place, other);
    expect_taken(&w, 0, 1);
    give(&w, 1, "placement.accept", "", id);
    expect_taken(&w, 1, 0);
    (void)snprintf(text, sizeof text, "id=%s", other);
    run_fails(COMPANY, "placement.accept", text, MT_ECONFLICT, "has them");
    expect_taken(&w, 1, 0);
    give(&w, 1, "placement.decline", "reason=ziek", id);
    expect_taken(&w, 0, 1);
    give(&w, 1, "placement.accept", "", other);
    expect_taken(&w, 1, 0);
    world_close(&w);
}

static void a_placement_that_ends_frees_its_place(void **state) {
    (void)state;
    static const struct {
        const char *edit;
        uint64_t occupied;
    } steps[] = {
        {"fields.status=running", 1},   {"fields.first_name=Sanne", 1},
        {"fields.status=finished", 0},  {"fields.status=running", 1},
        {"fields.status=stopped", 0},   {"fields.status=", 1}, /* the acceptance stands again */
        {"fields.until=2027-02-12", 0}, /* another period is to be accepted anew */
    };
    struct world w;
    char place[65], id[65];
    offer(&w, 3, place);
    propose(&w, 0, place, id);
    give(&w, 1, "placement.accept", "", id);
    for (size_t i = 0; i < MT_ARRAY_LEN(steps); i++) {
        give(&w, 0, "record.edit", steps[i].edit, id);
        expect_taken(&w, steps[i].occupied, 3 - steps[i].occupied);
    }
    world_close(&w);
}

static void counting_again_writes_nothing(void **state) {
    (void)state;
    struct world w;
    char place[65], id[65];
    offer(&w, 2, place);
    propose(&w, 0, place, id);
    give(&w, 1, "placement.accept", "", id);
    for (unsigned i = 0; i < w.n; i++) {
        struct mt_cmd_env env = env_of(&w.orgs[i]);
        uint64_t before = mt_node_entries(w.orgs[i].node);
        bool wrote = true;
        assert_int_equal(mt_cmd_count_places(&env, on_counted, &w.orgs[i], &wrote), MT_OK);
        assert_false(wrote);
        assert_int_equal(mt_node_entries(w.orgs[i].node), before);
    }
    world_close(&w);
}

/* One number in the place's own record, and only when it changes. */
static void nothing_else_leaves_the_channel(void **state) {
    (void)state;
    struct world w;
    char place[65], id[65], text[100];
    offer(&w, 2, place);
    uint64_t before = mt_node_entries(THIRD->node);
    propose(&w, 0, place, id);
    assert_int_equal(mt_node_entries(THIRD->node), before);
    give(&w, 1, "placement.accept", "", id);
    assert_int_equal(mt_node_entries(THIRD->node), before + 1);
    give(&w, 0, "record.edit", "fields.first_name=Sanne", id);
    assert_int_equal(mt_node_entries(THIRD->node), before + 1);
    struct answer *a = run(THIRD, "status", "");
    assert_int_equal(number(a, "records.placement"), 0);
    assert_int_equal(number(a, "records.answer"), 0);
    assert_int_equal(number(a, "chains.pair"), 0);
    answer_free(a);
    (void)snprintf(text, sizeof text, "kind=placement;id=%s", id);
    run_fails(THIRD, "record.show", text, MT_ENOTFOUND, NULL);
    a = run(THIRD, "log", "#limit=1");
    expect_text(a, "rows.0.kind", "stageplek");
    expect_text(a, "rows.0.org.name", "Wavin");
    answer_free(a);
    a = run(SCHOOL, "record.list", "kind=stageplek;!free");
    assert_int_equal(number(a, "total"), 1);
    answer_free(a);
    world_close(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_accepted_placement_takes_a_place_for_everyone),
        cmocka_unit_test(a_placement_that_ends_frees_its_place),
        cmocka_unit_test(counting_again_writes_nothing),
        cmocka_unit_test(nothing_else_leaves_the_channel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
