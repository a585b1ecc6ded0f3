/* Organisations: how people's words for one find it, and what an import takes it for. */
#include "query_world.h"

#define SCHOOL  (&world->orgs[0])
#define COMPANY (&world->orgs[1])
#define THIRD   (&world->orgs[2])
#define LES     "kind=activity;fields.title=Les;fields.type=gastles;fields.direction=offer;fields.host="

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

static void add(struct org *o, const char *params, char id[65]) {
    run_id(o, "record.add", params, id);
    world_run(o->world, 1000);
}

static uint64_t total(struct org *o, const char *params) {
    struct answer *a = run(o, "record.list", params);
    uint64_t n = number(a, "total");
    answer_free(a);
    return n;
}

/* How many activities a list finds by these words for their host. */
static uint64_t hosted_by(struct org *o, const char *words) {
    char text[400];
    (void)snprintf(text, sizeof text, "kind=activity;filters.host=%s", words);
    return total(o, text);
}

static void org_id(struct org *o, char id[65]) {
    struct answer *a = run(o, "status", "");
    copy_text(a, "organisation.id", id, 65);
    answer_free(a);
}

/* ---- finding one ---- */

static void one_is_found_by_its_names_numbers_and_ids(void **state) {
    struct world *world = *state;
    char baker[65], id[65], part[65], wavin[65], text[300];
    add(SCHOOL,
        "kind=org;fields.name=Bakker Bart;fields.short_name=BB;fields.kind=company;"
        "fields.identifiers=kvk:01234567",
        baker);
    add(SCHOOL, LES "Bakker Bart", id);
    add(SCHOOL, LES "Wavin", id);
    (void)snprintf(part, sizeof part, "%.10s", baker);
    static const char *const words[] = {"Bakker Bart", "BAKKER BART", " bb ", "01234567",
                                        "kvk:01234567"};
    for (size_t i = 0; i < MT_ARRAY_LEN(words); i++)
        if (hosted_by(THIRD, words[i]) != 1)
            fail_msg("%s", words[i]);
    assert_int_equal(hosted_by(THIRD, part), 1);
    assert_int_equal(hosted_by(THIRD, baker), 1);
    /* Who joined is also found by the id of its key. */
    org_id(COMPANY, wavin);
    assert_int_equal(strlen(wavin), 64);
    struct answer *a;
    (void)snprintf(text, sizeof text, "kind=activity;filters.host=%s", wavin);
    a = run(SCHOOL, "record.list", text);
    assert_int_equal(number(a, "total"), 1);
    expect_text(a, "records.0.host.name", "Wavin");
    answer_free(a);
    wavin[0] = wavin[0] == '0' ? '1' : '0';
    (void)snprintf(text, sizeof text, "kind=activity;filters.host=%s", wavin);
    run_fails(SCHOOL, "record.list", text, MT_ENOTFOUND, NULL);
    wavin[1] = 'x';
    (void)snprintf(text, sizeof text, "kind=activity;filters.host=%s", wavin);
    run_fails(SCHOOL, "record.list", text, MT_ENOTFOUND, NULL);
    run_fails(SCHOOL, "record.list", "kind=activity;filters.host=0123", MT_ENOTFOUND, "0123");
    run_fails(SCHOOL, "record.list", "kind=activity;filters.host=76543210", MT_ENOTFOUND, NULL);
}

static void several_of_one_name_are_told_apart(void **state) {
    struct world *world = *state;
    char first[65], second[65], id[65], text[200];
    add(SCHOOL, "kind=org;fields.name=De Hoek;fields.kind=company;fields.identifiers=kvk:11111111",
        first);
    add(THIRD, "kind=org;fields.name=de hoek;fields.kind=company;fields.identifiers=kvk:22222222",
        second);
    struct answer *a = run(COMPANY, "record.add", LES "De Hoek");
    assert_int_equal(a->err, MT_EAMBIGUOUS);
    first[4] = second[4] = '\0';
    assert_non_null(strstr(a->message, first));
    assert_non_null(strstr(a->message, second));
    assert_non_null(strstr(a->message, "de hoek"));
    answer_free(a);
    add(COMPANY, LES "22222222", id);
    (void)snprintf(text, sizeof text, "kind=activity;id=%s", id);
    a = run(SCHOOL, "record.show", text);
    expect_text(a, "record.host.name", "de hoek");
    answer_free(a);
    /* Of several the one that joined is meant. */
    add(SCHOOL, "kind=org;fields.name=WAVIN;fields.kind=company", id);
    add(SCHOOL, LES "wavin;fields.date=2027-01-01", id);
    (void)snprintf(text, sizeof text, "kind=activity;id=%s", id);
    a = run(THIRD, "record.show", text);
    expect_text(a, "record.host.name", "Wavin");
    answer_free(a);
}

/* A number without location stands for all locations: what one has, the others show as. */
static void locations_of_one_school_show_as_one_where_the_school_is_meant(void **state) {
    struct world *world = *state;
    char id[65];
    uint64_t before = total(SCHOOL, "kind=org");
    add(SCHOOL,
        "kind=org;fields.name=Oost;fields.kind=vmbo;fields.identifiers=brin:02EB|"
        "brin-vestiging:02EB04",
        id);
    add(SCHOOL,
        "kind=org;fields.name=West;fields.kind=vmbo;fields.identifiers=brin:02EB|"
        "brin-vestiging:02EB07",
        id);
    assert_int_equal(total(COMPANY, "kind=org"), before + 2); /* two locations are two */
    add(THIRD, "kind=org;fields.name=Geheel;fields.kind=vmbo;fields.identifiers=brin:02EB", id);
    assert_true(total(COMPANY, "kind=org") < before + 3); /* the whole joins with them */
    for (unsigned i = 1; i < WORLD_ORGS; i++)
        assert_int_equal(total(&world->orgs[i], "kind=org"), total(SCHOOL, "kind=org"));
}

/* ---- imports ---- */

/* Rows as "field=value;field=value", separated by line ends. */
static struct answer *import(struct org *o, const char *kind, const char *rows) {
    static uint8_t memory[256 * 1024];
    struct mt_writer p = mt_writer(memory, sizeof memory);
    struct mt_slice rest = mt_slice_str(rows);
    uint32_t n = 0;
    while (rest.p)
        n += mt_text_cut(&rest, '\n').n > 0;
    mt_wire_put_map(&p, 2);
    mt_wire_put_cstr(&p, "kind");
    mt_wire_put_cstr(&p, kind);
    mt_wire_put_cstr(&p, "rows");
    mt_wire_put_array(&p, n);
    for (rest = mt_slice_str(rows); rest.p;) {
        char text[600];
        struct mt_slice row = mt_text_cut(&rest, '\n');
        (void)snprintf(text, sizeof text, "%.*s", (int)row.n, (const char *)row.p);
        if (row.n)
            put_pairs(&p, text, NULL);
    }
    assert_int_equal(p.err, MT_OK);
    return run_raw(o, EVERYTHING, "import", mt_writer_slice(&p));
}

static void expect_counts(struct answer *a, uint64_t new, uint64_t changed, uint64_t unchanged,
                          uint64_t orgs) {
    assert_int_equal(number(a, "new"), new);
    assert_int_equal(number(a, "changed"), changed);
    assert_int_equal(number(a, "unchanged"), unchanged);
    assert_int_equal(number(a, "orgs_new"), orgs);
    answer_free(a);
}

static void an_import_knows_what_was_entered_before(void **state) {
    struct world *world = *state;
    char id[65], text[300];
    add(SCHOOL, "kind=org;fields.name=Slager;fields.kind=company", id);
    (void)snprintf(text, sizeof text, "kind=org;id=%s", id);
    /* By its name, as long as one of the two has no number; then it has one. */
    expect_counts(import(SCHOOL, "org", "name=slager;kind=company;identifiers=kvk:33333333"), 0, 1,
                  0, 0);
    struct answer *a = run(SCHOOL, "record.show", text);
    expect_text(a, "record.name", "slager");
    answer_free(a);
    /* By its number, whatever its name; without a number by its name still. */
    expect_counts(import(SCHOOL, "org", "name=Slagerij;kind=company;identifiers=kvk:33333333"), 0,
                  1, 0, 0);
    expect_counts(import(SCHOOL, "org", "name=Slagerij;kind=company"), 0, 0, 1, 0);
    /* Another number is another one, of the same name. */
    expect_counts(import(SCHOOL, "org", "name=Slagerij;kind=company;identifiers=kvk:44444444"), 1,
                  0, 0, 0);
    /* What others entered is theirs: we enter our own. */
    add(THIRD, "kind=org;fields.name=Kapper;fields.kind=company", id);
    expect_counts(import(SCHOOL, "org", "name=Kapper;kind=company"), 1, 0, 0, 0);
}

static void rows_about_one_record_become_one_change(void **state) {
    struct world *world = *state;
    char id[65], text[100];
    add(SCHOOL, "kind=org;fields.name=Smid;fields.kind=company", id);
    expect_counts(import(SCHOOL, "org",
                         "name=Smid;kind=company;place=Meppel\n"
                         "name=Smid;kind=company;identifiers=kvk:55555555"),
                  0, 1, 1, 0);
    (void)snprintf(text, sizeof text, "kind=org;id=%s", id);
    struct answer *a = run(SCHOOL, "record.show", text);
    expect_text(a, "record.place", "Meppel");
    answer_free(a);
    assert_int_equal(total(SCHOOL, "kind=org;text=smid"), 1);
    /* A change that would make the record wrong changes nothing. */
    a = import(SCHOOL, "org", "name=Smid;kind=company;identifiers=kvk:5");
    assert_int_equal(a->err, MT_EINVALID);
    assert_non_null(strstr(a->message, "row=1 field=identifiers"));
    answer_free(a);
}

static void hosts_nobody_entered_become_organisations(void **state) {
    struct world *world = *state;
    const char *rows = "title=Een;type=gastles;direction=aanbod;host=18BR00\n"
                       "title=Twee;type=gastles;direction=aanbod;host=66666666\n"
                       "title=Drie;type=gastles;direction=aanbod;host=Molen;week=2027-W09\n"
                       "title=Vier;type=gastles;direction=aanbod;host= molen ";
    expect_counts(import(SCHOOL, "activity", rows), 4, 0, 0, 3);
    world_run(world, 1000);
    struct answer *a = run(COMPANY, "record.list", "kind=org;text=18BR00");
    expect_text(a, "records.0.kind", "vmbo");
    answer_free(a);
    a = run(COMPANY, "record.list", "kind=org;text=66666666");
    expect_text(a, "records.0.kind", "company");
    answer_free(a);
    assert_int_equal(hosted_by(COMPANY, "molen"), 2);
    assert_int_equal(hosted_by(COMPANY, "66666666"), 1);
    /* Words that could be several, or are no name, are for people to settle. */
    char id[65], text[400], longest[260];
    add(SCHOOL, "kind=org;fields.name=Molen;fields.kind=company;fields.identifiers=kvk:77777777",
        id);
    a = import(SCHOOL, "activity", "title=Vijf;type=gastles;direction=aanbod;host=Molen");
    assert_int_equal(a->err, MT_EINVALID);
    assert_non_null(strstr(a->message, "row=1 field=host code=ambiguous"));
    answer_free(a);
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    (void)snprintf(text, sizeof text, "title=Zes;type=gastles;direction=aanbod;host=%s", longest);
    a = import(SCHOOL, "activity", text);
    assert_int_equal(a->err, MT_EINVALID);
    assert_non_null(strstr(a->message, "row=1 field=host code=not-found"));
    answer_free(a);
}

static void many_organisations_are_each_found(void **state) {
    enum { N = 150 };
    static char rows[N * 200];
    struct world *world = *state;
    uint64_t before = total(SCHOOL, "kind=org");
    size_t at = 0;
    for (unsigned i = 0; i < N; i++)
        at += (size_t)snprintf(rows + at, sizeof rows - at,
                               "name=Bedrijf met een naam van enige lengte, vestiging %u;"
                               "kind=company;identifiers=kvk:900%05u\n",
                               i, i);
    expect_counts(import(SCHOOL, "org", rows), N, 0, 0, 0);
    expect_counts(import(SCHOOL, "org", rows), 0, 0, N, 0);
    assert_int_equal(total(SCHOOL, "kind=org"), before + N);
    char id[65];
    for (unsigned i = 0; i < N; i += 30) {
        char text[300];
        (void)snprintf(text, sizeof text, LES "900%05u;fields.date=2027-03-%02u", i, i / 30 + 1);
        add(SCHOOL, text, id);
        (void)snprintf(text, sizeof text, "kind=activity;id=%s", id);
        struct answer *a = run(COMPANY, "record.show", text);
        (void)snprintf(text, sizeof text, "Bedrijf met een naam van enige lengte, vestiging %u", i);
        expect_text(a, "record.host.name", text);
        answer_free(a);
    }
}

/* ---- imports that are no imports ---- */

static struct answer *import_raw(struct org *o, void (*put_rows)(struct mt_writer *w)) {
    static uint8_t memory[64 * 1024];
    struct mt_writer p = mt_writer(memory, sizeof memory);
    mt_wire_put_map(&p, put_rows ? 2 : 1);
    mt_wire_put_cstr(&p, "kind");
    mt_wire_put_cstr(&p, "org");
    if (put_rows) {
        mt_wire_put_cstr(&p, "rows");
        put_rows(&p);
    }
    assert_int_equal(p.err, MT_OK);
    return run_raw(o, EVERYTHING, "import", mt_writer_slice(&p));
}

static void no_map(struct mt_writer *w) {
    mt_wire_put_array(w, 1);
    mt_wire_put_cstr(w, "name=X");
}
static void no_name(struct mt_writer *w) {
    mt_wire_put_array(w, 1);
    mt_wire_put_map(w, 1);
    mt_wire_put_uint(w, 1);
    mt_wire_put_cstr(w, "X");
}
static void no_text(struct mt_writer *w) {
    mt_wire_put_array(w, 1);
    mt_wire_put_map(w, 1);
    mt_wire_put_cstr(w, "name");
    mt_wire_put_uint(w, 1);
}
static void too_many(struct mt_writer *w) {
    mt_wire_put_array(w, 20000);
    for (unsigned i = 0; i < 20000; i++)
        mt_wire_put_map(w, 0);
}
static void with_nil(struct mt_writer *w) {
    mt_wire_put_array(w, 1);
    mt_wire_put_map(w, 3);
    mt_wire_put_cstr(w, "name");
    mt_wire_put_cstr(w, "Wever");
    mt_wire_put_cstr(w, "kind");
    mt_wire_put_cstr(w, "company");
    mt_wire_put_cstr(w, "place");
    mt_wire_put_nil(w);
}

static void rows_of_another_shape_are_refused(void **state) {
    static const struct {
        void (*put)(struct mt_writer *w);
        const char *part;
    } wrong[] = {{NULL, "rows is missing"},
                 {no_map, "row=1 field= code=type"},
                 {no_name, "row=1 field= code=type"},
                 {no_text, "row=1 field= code=type"},
                 {too_many, "rows in one call"}};
    struct world *world = *state;
    uint64_t before = total(SCHOOL, "kind=org");
    for (size_t i = 0; i < MT_ARRAY_LEN(wrong); i++) {
        struct answer *a = import_raw(SCHOOL, wrong[i].put);
        assert_int_equal(a->err, MT_EINVALID);
        if (!strstr(a->message, wrong[i].part))
            fail_msg("%s", a->message);
        answer_free(a);
    }
    assert_int_equal(total(SCHOOL, "kind=org"), before);
    expect_counts(import_raw(SCHOOL, with_nil), 1, 0, 0, 0);
    assert_int_equal(total(SCHOOL, "kind=org;text=wever"), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_is_found_by_its_names_numbers_and_ids),
        cmocka_unit_test(several_of_one_name_are_told_apart),
        cmocka_unit_test(locations_of_one_school_show_as_one_where_the_school_is_meant),
        cmocka_unit_test(an_import_knows_what_was_entered_before),
        cmocka_unit_test(rows_about_one_record_become_one_change),
        cmocka_unit_test(hosts_nobody_entered_become_organisations),
        cmocka_unit_test(many_organisations_are_each_found),
        cmocka_unit_test(rows_of_another_shape_are_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
