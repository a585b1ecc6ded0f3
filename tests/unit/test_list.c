/* Lists between days, and lists that take several calls. */
#include "query_world.h"

enum { ROWS = 1000, CALLS = 5 };

static struct world w;

static void alone(void) {
    world_open(&w, 1);
    answer_free(run(&w.orgs[0], "init", "name=Carmel College;kind=vmbo"));
    answer_free(run(&w.orgs[0], "region.create", "name=Salland"));
    world_run(&w, 1000);
}

static void add(const char *when, char id[65]) {
    char text[300];
    (void)snprintf(text, sizeof text,
                   "kind=activity;fields.type=gastles;fields.direction=offer;"
                   "fields.host=Carmel College;%s",
                   when);
    run_id(&w.orgs[0], "record.add", text, id);
}

/* The titles that a list gives, one letter each. */
static void expect_titles(const char *params, const char *titles) {
    char text[200], got[16] = "";
    (void)snprintf(text, sizeof text, "kind=activity;%s", params);
    struct answer *a = run(&w.orgs[0], "record.list", text);
    for (unsigned i = 0; i < sizeof got - 1; i++) {
        struct mt_slice v;
        (void)snprintf(text, sizeof text, "records.%u.title", i);
        if (!find(a->result, text, &v))
            break;
        copy_text(a, text, got + i, 2);
    }
    assert_string_equal(got, titles);
    answer_free(a);
}

static void what_lasts_long_is_found_on_each_of_its_days(void **state) {
    (void)state;
    char a[65], id[65], text[200];
    alone();
    add("fields.title=A;fields.date=2027-03-01;fields.end_date=2027-04-30", a);
    add("fields.title=B;fields.week=2027-W10", id);
    add("fields.title=C;fields.date=2027-03-20", id);
    add("fields.title=D;fields.date=2027-05-01", id);
    add("fields.title=E;fields.week=2027-W02;fields.end_week=2027-W10", id);
    expect_titles("from=2027-03-14;until=2027-03-15", "EAB");
    expect_titles("from=2027-03-15;until=2027-03-16", "A");
    expect_titles("filters.week=2027-W10", "EAB");
    expect_titles("from=2027-03-14", "EABCD");
    expect_titles("from=2027-03-14;sort=newest", "DCBAE");
    expect_titles("from=2027-05-01", "D");
    expect_titles("until=2027-01-11", "E");
    (void)snprintf(text, sizeof text, "kind=activity;id=%s;fields.end_date=2027-03-02", a);
    run_id(&w.orgs[0], "record.edit", text, id);
    expect_titles("from=2027-03-14;until=2027-03-15", "EB");
    /* By the first digits of the id alone, for who types one. */
    (void)snprintf(text, sizeof text, "prefix=%.9s;from=2099-01-01", a);
    expect_titles(text, "A");
    expect_titles("prefix=zz", "");
    world_close(&w);
}

static void import_many(void) {
    static uint8_t memory[512 * 1024];
    for (unsigned call = 0; call < CALLS; call++) {
        struct mt_writer p = mt_writer(memory, sizeof memory);
        mt_wire_put_map(&p, 2);
        mt_wire_put_cstr(&p, "kind");
        mt_wire_put_cstr(&p, "activity");
        mt_wire_put_cstr(&p, "rows");
        mt_wire_put_array(&p, ROWS);
        for (unsigned i = 0; i < ROWS; i++) {
            char text[160];
            (void)snprintf(text, sizeof text,
                           "title=Les %u;type=gastles;direction=aanbod;host=Carmel College;"
                           "week=2027-W%02u",
                           call * ROWS + i, i % 50 + 1);
            put_pairs(&p, text, NULL);
        }
        assert_int_equal(p.err, MT_OK);
        struct answer *a = run_raw(&w.orgs[0], EVERYTHING, "import", mt_writer_slice(&p));
        assert_int_equal(number(a, "new"), ROWS);
        answer_free(a);
    }
}

static void a_long_walk_takes_several_calls(void **state) {
    (void)state;
    struct mt_slice v;
    uint64_t found = 0, calls = 0, at = 0;
    alone();
    import_many();
    do {
        char text[100];
        (void)snprintf(text, sizeof text, "kind=activity;text=les 7;#limit=100;#at=%u",
                       (unsigned)at);
        struct answer *a = run(&w.orgs[0], "record.list", text);
        assert_true(find(a->result, "records", &v));
        struct mt_reader r = mt_reader(v);
        found += mt_wire_array(&r, 0, UINT32_MAX);
        assert_true(find(a->result, "next", &v));
        r = mt_reader(v);
        uint64_t next = mt_wire_peek(&r) == MT_WIRE_NIL ? 0 : mt_wire_uint(&r, UINT32_MAX);
        assert_true(next == 0 || next > at);
        at = next;
        calls++;
        answer_free(a);
    } while (at > 0);
    assert_int_equal(found, 111); /* 7, 70 to 79, 700 to 799 */
    assert_true(calls >= 2);
    world_close(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_lasts_long_is_found_on_each_of_its_days),
        cmocka_unit_test(a_long_walk_takes_several_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
