#include "query_world.h"

#define SCHOOL  (&w.orgs[0])
#define COMPANY (&w.orgs[1])
#define THIRD   (&w.orgs[2])

/* Runs a command whose parameters hold one id. */
static void run_with(struct org *o, const char *method, const char *format, const char *id,
                     char out[65]) {
    char text[400];
    (void)snprintf(text, sizeof text, format, id);
    run_id(o, method, text, out);
}

static void fails_with(struct org *o, const char *method, const char *format, const char *id,
                       enum mt_err err, const char *part) {
    char text[400];
    (void)snprintf(text, sizeof text, format, id);
    run_fails(o, method, text, err, part);
}

static struct answer *ask(struct org *o, const char *method, const char *format, const char *id) {
    char text[400];
    (void)snprintf(text, sizeof text, format, id);
    return run(o, method, text);
}

/* ---- texts and days ---- */

static bool contains(const char *text, const char *part) {
    return mt_text_contains(mt_slice_str(text), mt_slice_str(part));
}

static void text_is_found_without_case(void **state) {
    (void)state;
    assert_true(contains("Bliksemstage Zorg", "zorg"));
    assert_true(contains("CAFÉ", "café"));
    assert_true(contains("café", "É"));
    assert_true(contains("x", ""));
    assert_false(contains("", "x"));
    assert_false(contains("zor", "zorg"));
    assert_false(contains("3 × 4", "3 ÷ 4"));
}

static void texts_are_cut_between_characters(void **state) {
    (void)state;
    assert_int_equal(mt_text_fit(mt_slice_str("abc"), 2), 2);
    assert_int_equal(mt_text_fit(mt_slice_str("ab\xc3\xa9"), 3), 2);
    assert_int_equal(mt_text_fit(mt_slice_str("ab\xc3\xa9"), 4), 4);
}

static void moments_carry_their_offset(void **state) {
    (void)state;
    char text[MT_INSTANT_SIZE];
    mt_instant_local(mt_day_from_ymd(2026, 11, 23), 9 * 60, text);
    assert_string_equal(text, "2026-11-23T09:00:00+01:00");
    mt_instant_local(mt_day_from_ymd(2027, 6, 1), 0, text);
    assert_string_equal(text, "2027-06-01T00:00:00+02:00");
    mt_instant_utc(UINT64_C(1793000000000), text);
    assert_string_equal(text, "2026-10-26T07:33:20Z");
}

/* ---- several organisations ---- */

static void found(struct world *w) {
    world_open(w, WORLD_ORGS);
    world_found(w);
}

static void everybody_publishes_who_and_where_they_are(void **state) {
    (void)state;
    struct world w;
    found(&w);
    for (unsigned i = 0; i < w.n; i++) {
        struct answer *a = run(&w.orgs[i], "record.list", "kind=org");
        assert_int_equal(number(a, "total"), 3);
        expect_text(a, "records.0.name", "Carmel College");
        assert_true(is_true(a, "records.0.joined"));
        answer_free(a);
        a = run(&w.orgs[i], "status", "");
        assert_int_equal(number(a, "records.org"), 3);
        assert_int_equal(number(a, "records.endpoint"), 3);
        assert_int_equal(number(a, "chains.region"), 3);
        assert_int_equal(number(a, "chains.pair"), 0);
        expect_text(a, "region.name", "Salland");
        expect_text(a, "members.2.role", "member");
        struct mt_slice v;
        assert_false(find(a->result, "members.3", &v));
        assert_false(find(a->result, "peers.2", &v));
        answer_free(a);
        a = run(&w.orgs[i], "member.list", "");
        expect_text(a, "members.0.role", "member");
        answer_free(a);
    }
    struct answer *a = run(SCHOOL, "peer.ping", "name=wavin");
    assert_true(is_true(a, "steps.4.ok"));
    answer_free(a);
    run_fails(SCHOOL, "peer.ping", "name=nobody", MT_ENOTFOUND, NULL);
    world_close(&w);
}

static void sign_ups_take_places_once_accepted(void **state) {
    (void)state;
    struct world w;
    char activity[65], first[65], second[65], id[65], text[400];
    found(&w);
    run_id(COMPANY, "record.add",
           "kind=activity;fields.title=Gastles;fields.type=gastles;fields.direction=offer;"
           "fields.host=wavin;fields.capacity=12;fields.unit=pupils",
           activity);
    world_run(&w, 2000);
    run_with(SCHOOL, "signup.add", "activity=%.6s;group=3A;#pupils=8", activity, first);
    run_with(THIRD, "signup.add", "activity=%s;group=T1;pupils=6", activity, second);
    world_run(&w, 2000);
    struct answer *a = ask(THIRD, "record.show", "kind=activity;id=%s", activity);
    assert_int_equal(number(a, "record.free"), 12);
    expect_text(a, "record.signups.0.decision", NULL);
    answer_free(a);
    /* Only who hosts it answers. */
    fails_with(SCHOOL, "answer.add", "record=%s;decision=accepted", first, MT_EDENIED, "host");
    run_with(COMPANY, "answer.add", "record=%s;decision=accepted", first, id);
    fails_with(COMPANY, "answer.add", "record=%s;decision=accepted", second, MT_ECONFLICT,
               "free: 4");
    run_with(COMPANY, "answer.add", "record=%s;decision=wachtlijst;reason=vol", second, text);
    /* Answering again changes the answer that is there. */
    run_with(COMPANY, "answer.add", "record=%s;decision=accepted", first, text);
    assert_string_equal(text, id);
    fails_with(COMPANY, "answer.add", "record=%s;decision=nou ja", first, MT_EINVALID, "decision");
    world_run(&w, 2000);
    for (unsigned i = 0; i < w.n; i++) {
        a = run(&w.orgs[i], "record.list", "kind=activity;filters.direction=offer");
        assert_int_equal(number(a, "records.0.free"), 4);
        answer_free(a);
        a = ask(&w.orgs[i], "record.show", "kind=signup;id=%s", second);
        expect_text(a, "record.decision", "waiting");
        expect_text(a, "record.reason", "vol");
        answer_free(a);
    }
    fails_with(THIRD, "signup.withdraw", "id=%s", first, MT_EDENIED, NULL);
    run_with(SCHOOL, "signup.withdraw", "id=%s", first, id);
    world_run(&w, 2000);
    a = ask(COMPANY, "record.show", "id=%s", activity);
    assert_int_equal(number(a, "record.free"), 12);
    answer_free(a);
    run_with(COMPANY, "answer.add", "record=%s;decision=accepted", second, id);
    fails_with(COMPANY, "answer.add", "record=%s;decision=accepted", first, MT_ECONFLICT,
               "withdrawn");
    world_close(&w);
}

/* Who was accepted first keeps the place, also when the clock of the host was set back since, and
 * with the same outcome at everybody. */
static void clocks_do_not_decide_who_waits(void **state) {
    (void)state;
    struct world w;
    char activity[65], first[65], second[65], id[65];
    found(&w);
    run_id(COMPANY, "record.add",
           "kind=activity;fields.title=Gastles;fields.type=gastles;fields.direction=offer;"
           "fields.host=wavin;fields.capacity=10;fields.unit=pupils",
           activity);
    world_run(&w, 2000);
    run_with(SCHOOL, "signup.add", "activity=%s;group=3A;#pupils=5", activity, first);
    run_with(THIRD, "signup.add", "activity=%s;group=T1;#pupils=5", activity, second);
    world_run(&w, 2000);
    run_with(COMPANY, "answer.add", "record=%s;decision=accepted", first, id);
    w.wall_ms -= 3600 * 1000;
    run_with(COMPANY, "answer.add", "record=%s;decision=accepted", second, id);
    run_with(COMPANY, "record.edit", "kind=activity;id=%s;fields.capacity=6", activity, id);
    world_run(&w, 2000);
    for (unsigned i = 0; i < w.n; i++) {
        struct answer *a = ask(&w.orgs[i], "record.show", "kind=signup;id=%s", first);
        expect_text(a, "record.decision", "accepted");
        answer_free(a);
        a = ask(&w.orgs[i], "record.show", "kind=signup;id=%s", second);
        expect_text(a, "record.decision", "waiting");
        answer_free(a);
    }
    world_close(&w);
}

static void too_many_acceptances_show_as_waiting(void **state) {
    (void)state;
    struct world w;
    char activity[65], first[65], id[65];
    found(&w);
    run_id(COMPANY, "record.add",
           "kind=activity;fields.title=Gastles;fields.type=gastles;fields.direction=offer;"
           "fields.host=wavin;fields.capacity=10",
           activity);
    world_run(&w, 2000);
    run_with(SCHOOL, "signup.add", "activity=%s;group=3A;pupils=8", activity, first);
    world_run(&w, 2000);
    run_with(COMPANY, "answer.add", "record=%s;decision=accepted", first, id);
    world_run(&w, 2000);
    run_with(COMPANY, "record.edit", "kind=activity;id=%s;fields.capacity=6", activity, id);
    world_run(&w, 2000);
    struct answer *a = ask(SCHOOL, "record.show", "kind=activity;id=%s", activity);
    assert_int_equal(number(a, "record.free"), 6);
    expect_text(a, "record.signups.0.decision", "waiting");
    assert_true(is_true(a, "record.signups.0.current"));
    answer_free(a);
    world_close(&w);
}

static void groups_take_one_place_each(void **state) {
    (void)state;
    struct world w;
    char activity[65], signup[65], id[65];
    found(&w);
    /* Entered by the school about the company: both may answer. */
    run_id(SCHOOL, "record.add",
           "kind=activity;fields.title=Bezoek;fields.type=bedrijfsbezoek;fields.direction=offer;"
           "fields.host=Wavin;fields.capacity=1;fields.unit=groups",
           activity);
    world_run(&w, 2000);
    run_with(THIRD, "signup.add", "activity=%s;group=T1;pupils=25", activity, signup);
    world_run(&w, 2000);
    run_with(COMPANY, "answer.add", "record=%s;decision=accepted", signup, id);
    world_run(&w, 2000);
    struct answer *a = run(THIRD, "record.list", "kind=activity");
    assert_int_equal(number(a, "records.0.free"), 0);
    expect_text(a, "records.0.unit", "groups");
    answer_free(a);
    a = run(THIRD, "record.list", "kind=activity;!free");
    assert_int_equal(number(a, "total"), 0);
    answer_free(a);
    run_with(SCHOOL, "activity.cancel", "id=%s;reason=ziek", activity, id);
    world_run(&w, 2000);
    fails_with(THIRD, "signup.add", "activity=%s;group=T2", activity, MT_ECONFLICT, "cancelled");
    fails_with(COMPANY, "activity.cancel", "id=%s", activity, MT_EDENIED, NULL);
    fails_with(COMPANY, "record.edit", "kind=activity;id=%s;fields.title=Van ons", activity,
               MT_EDENIED, "only the organisation");
    world_close(&w);
}

static void a_placement_is_between_two(void **state) {
    (void)state;
    struct world w;
    char place[65], id[65], other[65], text[400];
    found(&w);
    run_id(COMPANY, "record.add",
           "kind=stageplek;fields.title=Magazijn;fields.type=snuffelstage;fields.capacity=1",
           place);
    world_run(&w, 2000);
    (void)snprintf(text, sizeof text,
                   "stageplek=%s;level=KB;route=snuffelstage;from=2027-02-01;until=2027-02-05;",
                   place);
    char named[500];
    (void)snprintf(named, sizeof named, "%sfirst_name=Sanne", text);
    run_fails(SCHOOL, "placement.propose", named, MT_ECONFLICT, "first name");
    fails_with(SCHOOL, "placement.propose", "stageplek=%s;level=KB", place, MT_EINVALID,
               "code=missing");
    run_id(SCHOOL, "placement.propose", text, id);
    run_id(THIRD, "placement.propose", text, other);
    world_run(&w, 2000);
    struct answer *a = run(COMPANY, "record.list", "kind=placement");
    assert_int_equal(number(a, "total"), 2);
    expect_text(a, "records.0.status", "proposed");
    answer_free(a);
    fails_with(SCHOOL, "record.edit", "kind=placement;id=%s;fields.first_name=Sanne", id,
               MT_ECONFLICT, NULL);
    fails_with(SCHOOL, "placement.accept", "id=%s", id, MT_EDENIED, "other side");
    fails_with(THIRD, "placement.accept", "id=%s", id, MT_ENOTFOUND, NULL);
    char answered[65];
    run_with(COMPANY, "placement.accept", "id=%s", id, answered);
    fails_with(COMPANY, "placement.accept", "id=%s", other, MT_ECONFLICT, "has them");
    run_with(COMPANY, "placement.decline", "id=%s;reason=vol", other, answered);
    world_run(&w, 2000);
    a = ask(SCHOOL, "record.show", "kind=placement;id=%s", id);
    expect_text(a, "record.status", "accepted");
    expect_text(a, "record.stageplek.name", "Magazijn");
    expect_text(a, "record.with.name", "Wavin");
    answer_free(a);
    a = ask(THIRD, "record.show", "kind=placement;id=%s", other);
    expect_text(a, "record.status", "declined");
    expect_text(a, "record.reason", "vol");
    answer_free(a);
    /* The name, once accepted, does not undo the acceptance; another period does. */
    char changed[65];
    run_with(SCHOOL, "record.edit", "kind=placement;id=%s;fields.first_name=Sanne", id, changed);
    world_run(&w, 2000);
    a = run(COMPANY, "record.list", "kind=placement;filters.status=accepted");
    assert_int_equal(number(a, "total"), 1);
    expect_text(a, "records.0.first_name", "Sanne");
    answer_free(a);
    run_with(SCHOOL, "record.edit", "kind=placement;id=%s;fields.until=2027-02-12", id, changed);
    world_run(&w, 2000);
    a = ask(COMPANY, "record.show", "kind=placement;id=%s", id);
    expect_text(a, "record.status", "proposed");
    answer_free(a);
    /* Each sees its own channel; who is no party sees none. */
    a = run(THIRD, "status", "");
    assert_int_equal(number(a, "records.placement"), 1);
    answer_free(a);
    a = run(COMPANY, "status", "");
    assert_int_equal(number(a, "records.placement"), 2);
    answer_free(a);
    world_close(&w);
}

static void records_about_one_organisation_show_as_one(void **state) {
    (void)state;
    struct world w;
    char id[65];
    found(&w);
    run_id(SCHOOL, "record.add",
           "kind=org;fields.name=Bakker;fields.kind=company;fields.identifiers=kvk:01234567", id);
    run_id(THIRD, "record.add",
           "kind=org;fields.name=Bakkerij BV;fields.kind=company;fields.identifiers=kvk:01234567",
           id);
    world_run(&w, 2000);
    struct answer *a = run(COMPANY, "record.list", "kind=org");
    assert_int_equal(number(a, "total"), 4);
    answer_free(a);
    run_id(THIRD, "record.add",
           "kind=activity;fields.title=Brood;fields.type=gastles;fields.direction=offer;"
           "fields.host=01234567",
           id);
    world_run(&w, 2000);
    a = run(COMPANY, "record.list", "kind=activity;filters.host=bakker");
    assert_int_equal(number(a, "total"), 1);
    answer_free(a);
    a = run(COMPANY, "record.list", "kind=activity;filters.host=Bakkerij BV");
    assert_int_equal(number(a, "total"), 1);
    answer_free(a);
    /* The company's own record stands for all about it, once it has the number. */
    run_id(COMPANY, "record.edit", "kind=org;id=Wavin;fields.identifiers=kvk:01234567", id);
    world_run(&w, 2000);
    a = run(THIRD, "record.list", "kind=activity");
    expect_text(a, "records.0.host.name", "Wavin");
    answer_free(a);
    a = run(THIRD, "record.list", "kind=org");
    assert_int_equal(number(a, "total"), 3);
    answer_free(a);
    run_fails(SCHOOL, "record.edit", "kind=org;id=Wavin;fields.name=Ons", MT_EDENIED, NULL);
    world_close(&w);
}

static void the_log_tells_what_was_written(void **state) {
    (void)state;
    struct world w;
    char id[65], text[300];
    found(&w);
    w.wall_ms += 60000;
    run_id(COMPANY, "record.add",
           "kind=activity;fields.title=Gastles;fields.type=gastles;fields.direction=offer;"
           "fields.host=wavin",
           id);
    world_run(&w, 2000);
    struct answer *a = run(SCHOOL, "log", "#limit=3");
    expect_text(a, "rows.0.title", "Gastles");
    expect_text(a, "rows.0.action", "new");
    expect_text(a, "rows.0.org.name", "Wavin");
    expect_text(a, "rows.0.kind", "activity");
    expect_text(a, "rows.0.id", id);
    answer_free(a);
    w.wall_ms += 60000;
    (void)snprintf(text, sizeof text, "kind=activity;id=%s;fields.title=Masterclass", id);
    run_id(COMPANY, "record.edit", text, id);
    world_run(&w, 2000);
    a = run(SCHOOL, "log", "");
    expect_text(a, "rows.0.title", "Masterclass");
    expect_text(a, "rows.0.action", "changed");
    answer_free(a);
    world_close(&w);
}

static bool has_health(const struct answer *a, const char *code) {
    for (unsigned i = 0; i < 32; i++) {
        char path[64];
        struct mt_slice v;
        (void)snprintf(path, sizeof path, "health.%u.code", i);
        if (!find(a->result, path, &v))
            return false;
        struct mt_reader r = mt_reader(v);
        if (mt_slice_is(mt_wire_str(&r, 64), code))
            return true;
    }
    return false;
}

/* The status as it is on a machine like that. */
static struct answer *status_in(const struct mt_cmd_env *env) {
    static const uint8_t no_params[] = {0x80};
    struct answer *a = calloc(1, sizeof *a);
    assert_non_null(a);
    mt_cmd_run(env, 0, mt_slice_str("status"), mt_slice(no_params, 1), on_done, a);
    assert_true(a->done);
    assert_int_equal(a->err, MT_OK);
    return a;
}

static void health_names_what_the_machine_lacks(void **state) {
    (void)state;
    static const struct {
        enum mt_err degraded;
        const char *code;
    } stops[] = {{MT_ENOSPACE, "disk-full"},
                 {MT_EIO, "disk-error"},
                 {MT_ENOMEM, "memory"},
                 {MT_ECORRUPT, "damaged"},
                 {MT_EREADONLY, "read-only"}};
    struct world w;
    found(&w);
    struct mt_cmd_env env = env_of(SCHOOL);
    for (size_t i = 0; i < MT_ARRAY_LEN(stops); i++) {
        env.degraded = stops[i].degraded;
        struct answer *a = status_in(&env);
        assert_true(has_health(a, stops[i].code));
        answer_free(a);
    }
    env.degraded = MT_OK;
    env.starved_ago_ms = 1000;
    env.full_ago_ms = 3600000; /* long over */
    struct answer *a = status_in(&env);
    assert_true(has_health(a, "descriptors"));
    assert_false(has_health(a, "connections"));
    assert_false(has_health(a, "damaged"));
    answer_free(a);
    env.shared->damaged = true; /* something could not be read */
    env.full_ago_ms = 1000;
    a = status_in(&env);
    assert_true(has_health(a, "connections"));
    assert_true(has_health(a, "damaged"));
    answer_free(a);
    world_close(&w);
}

static void health_names_the_cause(void **state) {
    (void)state;
    struct world w;
    found(&w);
    struct answer *a = run(SCHOOL, "status", "");
    assert_true(has_health(a, "board"));
    assert_true(has_health(a, "one-installation"));
    assert_false(has_health(a, "offline"));
    assert_false(has_health(a, "no-key"));
    answer_free(a);
    /* Nobody can be reached: one line, not one for each. */
    for (unsigned i = 0; i < w.n_wires; i++)
        hang_up(&w, &w.wires[i], MT_ETIMEOUT);
    (void)snprintf(COMPANY->address, sizeof COMPANY->address, "gone");
    (void)snprintf(THIRD->address, sizeof THIRD->address, "away");
    (void)snprintf(SCHOOL->address, sizeof SCHOOL->address, "lost");
    world_run(&w, 5000);
    a = run(SCHOOL, "status", "");
    assert_true(has_health(a, "offline"));
    assert_false(has_health(a, "peer-unreachable"));
    answer_free(a);
    a = run(SCHOOL, "peer.ping", "name=Wavin");
    assert_true(is_true(a, "steps.0.ok"));
    assert_false(is_true(a, "steps.1.ok"));
    answer_free(a);
    world_close(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_found_without_case),
        cmocka_unit_test(health_names_what_the_machine_lacks),
        cmocka_unit_test(texts_are_cut_between_characters),
        cmocka_unit_test(moments_carry_their_offset),
        cmocka_unit_test(everybody_publishes_who_and_where_they_are),
        cmocka_unit_test(sign_ups_take_places_once_accepted),
        cmocka_unit_test(too_many_acceptances_show_as_waiting),
        cmocka_unit_test(clocks_do_not_decide_who_waits),
        cmocka_unit_test(groups_take_one_place_each),
        cmocka_unit_test(a_placement_is_between_two),
        cmocka_unit_test(records_about_one_organisation_show_as_one),
        cmocka_unit_test(the_log_tells_what_was_written),
        cmocka_unit_test(health_names_the_cause),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
