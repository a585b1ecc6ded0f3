/* Import calls that are under way at once. */
#include "query_world.h"

enum { CALLS = 4 };

static struct world w;

static void alone(void) {
    world_open(&w, 1);
    struct org *o = &w.orgs[0];
    answer_free(run(o, "init", "name=Carmel College;kind=vmbo"));
    answer_free(run(o, "region.create", "name=Salland"));
    world_run(&w, 1000);
}

/* Calls begun and not waited for, and the memory of their parameters. */
static struct answer answers[CALLS];
static uint8_t memory[CALLS][4096];

/* `rows`: separated by line ends. */
static void begin(unsigned call, const char *kind, const char *rows) {
    struct org *o = &w.orgs[0];
    struct mt_writer p = mt_writer(memory[call], sizeof memory[call]);
    struct mt_slice rest = mt_slice_str(rows);
    size_t n = 0;
    while (rest.p)
        n += mt_text_cut(&rest, '\n').n > 0;
    mt_wire_put_map(&p, 2);
    mt_wire_put_cstr(&p, "kind");
    mt_wire_put_cstr(&p, kind);
    mt_wire_put_cstr(&p, "rows");
    mt_wire_put_array(&p, n);
    for (rest = mt_slice_str(rows); rest.p;) {
        char text[400];
        struct mt_slice row = mt_text_cut(&rest, '\n');
        (void)snprintf(text, sizeof text, "%.*s", (int)row.n, (const char *)row.p);
        if (row.n)
            put_pairs(&p, text, NULL);
    }
    assert_int_equal(p.err, MT_OK);
    answers[call] = (struct answer){.done = false};
    struct mt_cmd_env env = env_of(o);
    mt_cmd_run(&env, EVERYTHING, mt_slice_str("import"), mt_writer_slice(&p), on_done,
               &answers[call]);
}

static void finish(unsigned calls) {
    for (unsigned i = 0; i < 20; i++)
        world_run(&w, 500);
    for (unsigned i = 0; i < calls; i++)
        assert_true(answers[i].done);
    assert_null(w.orgs[0].shared.writing);
    assert_null(w.orgs[0].shared.waiting);
}

static void expect_counts(unsigned call, uint64_t new, uint64_t changed, uint64_t unchanged,
                          uint64_t orgs) {
    struct answer *a = &answers[call];
    assert_int_equal(number(a, "new"), new);
    assert_int_equal(number(a, "changed"), changed);
    assert_int_equal(number(a, "unchanged"), unchanged);
    assert_int_equal(number(a, "orgs_new"), orgs);
    free(a->bytes);
}

static uint64_t total(const char *params) {
    struct answer *a = run(&w.orgs[0], "record.list", params);
    uint64_t n = number(a, "total");
    answer_free(a);
    return n;
}

#define LES "type=gastles;direction=aanbod;week=2027-W09;"

static void the_same_row_in_two_calls_is_one_record(void **state) {
    (void)state;
    alone();
    begin(0, "activity",
          LES "title=Hout;host=Carmel College\n" LES "title=Werf;host=Carmel College");
    assert_non_null(w.orgs[0].shared.writing);
    begin(1, "activity", LES "title=Metaal;host=Carmel College");
    assert_null(w.orgs[0].shared.waiting); /* nothing in common: it need not wait */
    begin(2, "activity",
          LES "title=Hout;host=Carmel College;place=Meppel\n" LES "title=Klei;host=Carmel College");
    begin(3, "activity", LES "title=Klei;host=Carmel College;place=Assen");
    assert_non_null(w.orgs[0].shared.waiting);
    finish(4);
    expect_counts(0, 2, 0, 0, 0);
    expect_counts(1, 1, 0, 0, 0);
    expect_counts(2, 1, 1, 0, 0);
    expect_counts(3, 0, 1, 0, 0); /* not before the one that waited first */
    assert_int_equal(total("kind=activity"), 4);
    assert_int_equal(total("kind=activity;filters.place=Meppel"), 1);
    assert_int_equal(total("kind=activity;filters.place=Assen"), 1);
    world_close(&w);
}

static void an_organisation_that_two_calls_name_is_entered_once(void **state) {
    (void)state;
    alone();
    begin(0, "activity", LES "title=Hout;host=Metaal Meppel");
    begin(1, "activity", LES "title=Werf;host=METAAL MEPPEL");
    begin(2, "org", "name=Metaal Meppel;kind=company;place=Meppel");
    finish(3);
    expect_counts(0, 1, 0, 0, 1);
    expect_counts(1, 1, 0, 0, 0);
    expect_counts(2, 0, 1, 0, 0);
    assert_int_equal(total("kind=org"), 2);
    assert_int_equal(total("kind=activity;filters.host=metaal meppel"), 2);
    world_close(&w);
}

static void a_bad_call_fails_alone(void **state) {
    (void)state;
    alone();
    begin(0, "activity", LES "title=Hout;host=Carmel College");
    begin(1, "activity", LES "title=Werf;host=Carmel College;date=31-02-2027");
    begin(2, "activity", LES "title=Klei;host=Carmel College");
    finish(3);
    expect_counts(0, 1, 0, 0, 0);
    assert_int_equal(answers[1].err, MT_EINVALID);
    assert_non_null(strstr(answers[1].message, "row=1 field=date code=not-date"));
    free(answers[1].bytes);
    expect_counts(2, 1, 0, 0, 0);
    assert_int_equal(total("kind=activity"), 2);
    world_close(&w);
}

/* What a peer or another command does to the organisations is seen by the next call. */
static void organisations_are_read_again_when_they_changed(void **state) {
    (void)state;
    char id[65];
    alone();
    run_id(&w.orgs[0], "record.add", "kind=org;fields.name=Boer;fields.kind=company", id);
    begin(0, "activity", LES "title=Hout;host=Boer");
    finish(1);
    expect_counts(0, 1, 0, 0, 0);
    char text[200];
    (void)snprintf(text, sizeof text, "kind=org;id=%s;fields.name=Boerin", id);
    run_id(&w.orgs[0], "record.edit", text, id);
    begin(0, "activity", LES "title=Werf;host=Boerin");
    finish(1);
    expect_counts(0, 1, 0, 0, 0);
    assert_int_equal(total("kind=activity;filters.host=boerin"), 2);
    world_close(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_row_in_two_calls_is_one_record),
        cmocka_unit_test(an_organisation_that_two_calls_name_is_entered_once),
        cmocka_unit_test(a_bad_call_fails_alone),
        cmocka_unit_test(organisations_are_read_again_when_they_changed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
