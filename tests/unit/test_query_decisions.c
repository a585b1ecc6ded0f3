/* Whose answer counts, and what a placement is said to be. */
#include "query_world.h"

#define SCHOOL  (&world->orgs[0])
#define COMPANY (&world->orgs[1])
#define THIRD   (&world->orgs[2])

static int setup(void **state) {
    struct world *world = calloc(1, sizeof *world);
    assert_non_null(world);
    world_open(world, WORLD_ORGS);
    world_found(world);
    *state = world;
    return 0;
}

static int teardown(void **state) {
    world_close(*state);
    free(*state);
    return 0;
}

/* Runs a command whose parameters hold one id, and lets everybody hear of it. */
static void give(struct org *o, const char *method, const char *format, const char *id,
                 char out[65]) {
    char text[400];
    (void)snprintf(text, sizeof text, format, id);
    run_id(o, method, text, out);
    world_run(o->world, 2000);
}

static void expect(struct org *o, const char *kind, const char *id, const char *path,
                   const char *want) {
    char text[200];
    (void)snprintf(text, sizeof text, "kind=%s;id=%s", kind, id);
    struct answer *a = run(o, "record.show", text);
    expect_text(a, path, want);
    answer_free(a);
}

static void fails(struct org *o, const char *method, const char *format, const char *id,
                  enum mt_err err, const char *part) {
    char text[400];
    (void)snprintf(text, sizeof text, format, id);
    run_fails(o, method, text, err, part);
}

/* ---- sign-ups ---- */

static void the_answer_of_the_host_stands_before_that_of_who_entered_it(void **state) {
    static const struct {
        unsigned first, second; /* who answers, in that order */
    } orders[] = {{0, 1}, {1, 0}};
    struct world *world = *state;
    for (size_t i = 0; i < MT_ARRAY_LEN(orders); i++) {
        char activity[65], signup[65], id[65];
        give(SCHOOL, "record.add",
             "kind=activity;fields.title=Bezoek;fields.type=bedrijfsbezoek;"
             "fields.direction=offer;fields.host=Wavin;fields.capacity=%s",
             i ? "9" : "8", activity);
        give(THIRD, "signup.add", "activity=%s;group=T1", activity, signup);
        for (unsigned k = 0; k < 2; k++) {
            unsigned who = k ? orders[i].second : orders[i].first;
            give(&world->orgs[who], "answer.add",
                 who ? "record=%s;decision=declined;reason=dicht" : "record=%s;decision=accepted",
                 signup, id);
        }
        for (unsigned k = 0; k < world->n; k++) {
            expect(&world->orgs[k], "signup", signup, "record.decision", "declined");
            expect(&world->orgs[k], "signup", signup, "record.reason", "dicht");
        }
        fails(THIRD, "answer.add", "record=%s;decision=accepted", signup, MT_EDENIED, "host");
        fails(THIRD, "answer.add", "record=%s;decision=accepted", activity, MT_EINVALID,
              "only sign-ups and placements");
    }
}

static void where_there_is_no_limit_nobody_waits(void **state) {
    struct world *world = *state;
    char activity[65], signup[65], id[65], text[200];
    struct mt_slice v;
    give(COMPANY, "record.add",
         "kind=activity;fields.title=%s;fields.type=gastles;fields.direction=offer;"
         "fields.host=Wavin",
         "Onbeperkt", activity);
    static const char *const groups[] = {"activity=%s;group=1A;#pupils=30000",
                                         "activity=%s;group=1B;#pupils=30000", "activity=%s"};
    for (size_t i = 0; i < MT_ARRAY_LEN(groups); i++) {
        give(i == 2 ? THIRD : SCHOOL, "signup.add", groups[i], activity, signup);
        give(COMPANY, "answer.add", "record=%s;decision=accepted", signup, id);
        expect(THIRD, "signup", signup, "record.decision", "accepted");
    }
    (void)snprintf(text, sizeof text, "kind=activity;id=%s", activity);
    struct answer *a = run(SCHOOL, "record.show", text);
    expect_text(a, "record.free", NULL);
    assert_true(find(a->result, "record.signups.2", &v));
    answer_free(a);
}

/* ---- placements ---- */

#define TERMS "level=KB;route=snuffelstage;from=2027-02-01;until=2027-02-05;"

static void a_placement_is_what_both_sides_say(void **state) {
    struct world *world = *state;
    char place[65], other[65], id[65], answer[65];
    give(COMPANY, "record.add",
         "kind=stageplek;fields.title=%s;fields.type=snuffelstage;fields.capacity=2", "Magazijn",
         place);
    give(COMPANY, "record.add", "kind=stageplek;fields.title=%s;fields.type=snuffelstage",
         "Kantoor", other);
    give(SCHOOL, "placement.propose", "stageplek=%s;" TERMS, place, id);
    /* Saying that it runs takes no place that was not given. */
    give(SCHOOL, "record.edit", "kind=placement;id=%s;fields.status=running", id, answer);
    expect(COMPANY, "placement", id, "record.status", "proposed");
    give(SCHOOL, "record.edit", "kind=placement;id=%s;fields.status=finished", id, answer);
    expect(COMPANY, "placement", id, "record.status", "proposed");
    give(SCHOOL, "record.edit", "kind=placement;id=%s;fields.status=stopped", id, answer);
    expect(COMPANY, "placement", id, "record.status", "stopped");
    give(SCHOOL, "record.edit", "kind=placement;id=%s;fields.status=", id, answer);
    static const struct {
        const char *decision, *status;
    } decisions[] = {{"waiting", "waiting"},
                     {"declined", "declined"},
                     {"signed", "accepted"},
                     {"accepted", "accepted"}};
    for (size_t i = 0; i < MT_ARRAY_LEN(decisions); i++) {
        char text[200];
        (void)snprintf(text, sizeof text, "record=%%s;decision=%s", decisions[i].decision);
        give(COMPANY, "answer.add", text, id, answer);
        expect(SCHOOL, "placement", id, "record.status", decisions[i].status);
    }
    expect(THIRD, "stageplek", other, "record.free", NULL); /* it states no number */
    give(SCHOOL, "placement.propose", "stageplek=%s;" TERMS, other, id);
    give(COMPANY, "placement.accept", "id=%s", id, answer); /* so there is always room */
    expect(SCHOOL, "placement", id, "record.status", "accepted");
}

static uint64_t free_of(struct org *o, const char *place) {
    char text[200];
    (void)snprintf(text, sizeof text, "kind=stageplek;id=%s", place);
    struct answer *a = run(o, "record.show", text);
    uint64_t n = number(a, "record.free");
    answer_free(a);
    return n;
}

static void fewer_places_than_are_taken_leave_none(void **state) {
    struct world *world = *state;
    char place[65], id[65], answer[65];
    give(COMPANY, "record.add",
         "kind=stageplek;fields.title=%s;fields.type=snuffelstage;fields.capacity=2", "Hal", place);
    for (unsigned i = 0; i < 2; i++) {
        give(i ? THIRD : SCHOOL, "placement.propose", "stageplek=%s;" TERMS, place, id);
        give(COMPANY, "placement.accept", "id=%s", id, answer);
        assert_int_equal(free_of(SCHOOL, place), 1 - i);
    }
    give(COMPANY, "record.edit", "kind=stageplek;id=%s;fields.capacity=1", place, answer);
    assert_int_equal(free_of(SCHOOL, place), 0);
    give(COMPANY, "record.edit", "kind=stageplek;id=%s;fields.status=ended", place, answer);
    fails(SCHOOL, "placement.propose", "stageplek=%s;" TERMS, place, MT_ECONFLICT,
          "no longer offered");
    fails(SCHOOL, "placement.propose", "stageplek=%s;level=KB", "0000000000", MT_ENOTFOUND, NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_answer_of_the_host_stands_before_that_of_who_entered_it),
        cmocka_unit_test(where_there_is_no_limit_nobody_waits),
        cmocka_unit_test(a_placement_is_what_both_sides_say),
        cmocka_unit_test(fewer_places_than_are_taken_leave_none),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
