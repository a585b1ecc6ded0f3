/* Lists by what a record refers to, and by words in a list of texts. */
#include "query_world.h"

static struct world w;

static void alone(void) {
    world_open(&w, 1);
    answer_free(run(&w.orgs[0], "init", "name=Carmel College;kind=vmbo"));
    answer_free(run(&w.orgs[0], "region.create", "name=Salland"));
    world_run(&w, 1000);
}

static void add(const char *kind, const char *fields, char id[65]) {
    char text[600];
    (void)snprintf(text, sizeof text, "kind=%s;%s", kind, fields);
    run_id(&w.orgs[0], "record.add", text, id);
}

/* The first letters of the titles, or of field `name`, that a list gives. */
static void expect_named(const char *params, const char *name, const char *letters) {
    char path[64], got[16] = "", text[200];
    struct answer *a = run(&w.orgs[0], "record.list", params);
    assert_int_equal(a->err, MT_OK);
    for (unsigned i = 0; i < sizeof got - 1; i++) {
        struct mt_slice v;
        (void)snprintf(path, sizeof path, "records.%u.%s", i, name);
        if (!find(a->result, path, &v))
            break;
        copy_text(a, path, text, sizeof text);
        got[i] = text[0];
    }
    assert_string_equal(got, letters);
    answer_free(a);
}

static void a_record_is_found_by_what_it_refers_to(void **state) {
    (void)state;
    char lesson[65], visit[65], id[65], fields[300], text[300];
    static const char ACTIVITY[] = "fields.type=gastles;fields.direction=offer;"
                                   "fields.host=Carmel College;fields.title=%s";
    alone();
    (void)snprintf(fields, sizeof fields, ACTIVITY, "Lassen");
    add("activity", fields, lesson);
    (void)snprintf(fields, sizeof fields, ACTIVITY, "Excursie");
    add("activity", fields, visit);
    for (unsigned i = 0; i < 3; i++) {
        (void)snprintf(fields, sizeof fields,
                       "fields.title=%c;fields.type=hours;fields.host=Carmel College;"
                       "fields.minutes=60;fields.date=2027-03-0%u;fields.activity=%s",
                       "ABC"[i], i + 1, i == 1 ? visit : lesson);
        add("contribution", fields, id);
    }
    (void)snprintf(text, sizeof text, "kind=contribution;filters.activity=%s", lesson);
    expect_named(text, "title", "AC");
    (void)snprintf(text, sizeof text, "kind=contribution;filters.activity=%s", visit);
    expect_named(text, "title", "B");
    (void)snprintf(text, sizeof text, "kind=contribution;filters.activity=%s;from=2027-03-02",
                   lesson);
    expect_named(text, "title", "C");
    (void)snprintf(text, sizeof text, "kind=contribution;filters.activity=%s;filters.type=cash",
                   lesson);
    expect_named(text, "title", "");
    expect_named("kind=contribution;filters.host=Carmel College", "title", "ABC");
    /* What is no activity is none to ask for. */
    run_fails(&w.orgs[0], "record.list", "kind=contribution;filters.activity=zzzzzzzz",
              MT_ENOTFOUND, NULL);
    world_close(&w);
}

static void a_record_is_found_by_one_of_several_it_refers_to(void **state) {
    (void)state;
    char id[65];
    alone();
    add("org", "fields.name=Bakker BV;fields.kind=company", id);
    add("org", "fields.name=Metaal Meppel;fields.kind=company", id);
    add("body", "fields.name=Loket;fields.type=werkgroep;fields.members=Bakker BV | Metaal Meppel",
        id);
    add("body", "fields.name=Raad;fields.type=adviesraad;fields.members=Carmel College", id);
    add("body", "fields.name=Niemand;fields.type=adviesraad", id);
    expect_named("kind=body;filters.members=Bakker BV", "name", "L");
    expect_named("kind=body;filters.members=Metaal Meppel", "name", "L");
    expect_named("kind=body;filters.members=Carmel College", "name", "R");
    world_close(&w);
}

static void a_record_is_found_by_a_word_in_a_list_of_texts(void **state) {
    (void)state;
    char id[65];
    alone();
    add("contact", "fields.name=Docent;fields.skills=lassen, frezen", id);
    add("contact", "fields.name=Eigenaar;fields.skills=BAKKEN", id);
    add("contact", "fields.name=Portier", id);
    expect_named("kind=contact;filters.skills=Frezen", "name", "D");
    expect_named("kind=contact;filters.skills=bak", "name", "E");
    expect_named("kind=contact;filters.skills=zagen", "name", "");
    expect_named("kind=contact;text=lassen", "name", "D");
    expect_named("kind=contact;text=bakken", "name", "E");
    world_close(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_is_found_by_what_it_refers_to),
        cmocka_unit_test(a_record_is_found_by_one_of_several_it_refers_to),
        cmocka_unit_test(a_record_is_found_by_a_word_in_a_list_of_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
