/* What people type becomes values, references and filters; each mistake is named with its field. */
#include "query_world.h"

#define SCHOOL  (&world->orgs[0])
#define COMPANY (&world->orgs[1])
#define THIRD   (&world->orgs[2])

#define GOOD                                                                                       \
    "kind=activity;fields.title=Lassen;fields.type=gastles;fields.direction=offer;"                \
    "fields.host=wavin;"

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
    world_run(o->world, 500);
}

/* How many a list finds. */
static uint64_t found(struct org *o, const char *params) {
    struct answer *a = run(o, "record.list", params);
    uint64_t n = number(a, "total");
    answer_free(a);
    return n;
}

/* ---- values ---- */

static void each_mistake_in_a_value_is_named(void **state) {
    static const struct {
        const char *params, *part;
    } wrong[] = {
        {GOOD "fields.date=nooit", "field=date code=not-date"},
        {GOOD "fields.start=kwart over", "field=start code=not-clock"},
        {GOOD "fields.week=geen", "field=week code=not-week"},
        {GOOD "fields.capacity=veel", "field=capacity code=not-number"},
        {GOOD "fields.group_size=0", "field=group_size code=too-small"},
        {GOOD "fields.capacity=999999", "field=capacity code=too-large"},
        {GOOD "fields.form=zomaar", "field=form code=not-word"},
        {GOOD "fields.planned=misschien", "field=planned code=not-bool"},
        {GOOD "fields.postcode=1234567890 1234567890", "field=postcode code=too-long"},
        {GOOD "fields.place=a\x01"
              "b",
         "field=place code=not-text"},
        {GOOD "fields.start=14:00;fields.end=13:00", "code=order"},
        {"kind=activity;fields.title=Lassen", "code=missing"},
        {"kind=org;fields.name=X;fields.kind=company;fields.identifiers=kvk:12",
         "field=identifiers code=not-ident"},
        {GOOD "fields.series=zz", "series: an id is 4 to 32 hexadecimal digits"},
        {GOOD "fields.series=abcd", "series: no record has an id that starts with abcd"},
        {GOOD "fields.company=niemand", "company: no organisation is called niemand"},
        {GOOD "fields.bundles=abcd|", "bundles: no record has an id that starts with abcd"},
        {GOOD "fields.nergens=1", "nergens"},
    };
    struct world *world = *state;
    for (size_t i = 0; i < MT_ARRAY_LEN(wrong); i++) {
        struct answer *a = run(SCHOOL, "record.add", wrong[i].params);
        if (a->err == MT_OK || !strstr(a->message, wrong[i].part))
            fail_msg("%s: %s, not %s", wrong[i].params, a->message, wrong[i].part);
        answer_free(a);
    }
    assert_int_equal(found(SCHOOL, "kind=activity"), 0);
}

static void values_come_back_as_words(void **state) {
    struct world *world = *state;
    char id[65], text[100];
    add(SCHOOL,
        GOOD "fields.date=2027-03-09;fields.start=13:00;fields.end=14:30;fields.planned=ja;"
             "fields.worlds=hightech|health;fields.level=KB|BB;fields.year=3;fields.place=Zwolle;"
             "fields.unit=pupils;fields.capacity=12;fields.week=",
        id);
    (void)snprintf(text, sizeof text, "kind=activity;id=%s", id);
    struct answer *a = run(THIRD, "record.show", text);
    expect_text(a, "record.date", "2027-03-09");
    expect_text(a, "record.start", "2027-03-09T13:00:00+01:00");
    expect_text(a, "record.unit", "pupils");
    expect_text(a, "record.host.name", "Wavin");
    assert_true(is_true(a, "record.planned"));
    assert_int_equal(number(a, "record.capacity"), 12);
    answer_free(a);
}

/* ---- references ---- */

static void references_name_records_of_the_region(void **state) {
    struct world *world = *state;
    char one[65], two[65], whole[65], text[600];
    add(SCHOOL, GOOD "fields.text=de eerste", one);
    add(THIRD, GOOD "fields.text=de tweede", two);
    (void)snprintf(text, sizeof text,
                   "kind=activity;fields.title=Samen;fields.type=excursie;fields.direction=request;"
                   "fields.host=deltion;fields.bundles= %s | |%s;fields.company=wavin",
                   one, two);
    add(THIRD, text, whole);
    (void)snprintf(text, sizeof text, "kind=activity;id=%s", whole);
    struct answer *a = run(SCHOOL, "record.show", text);
    expect_text(a, "record.bundles.0.name", "Lassen");
    expect_text(a, "record.bundles.1.id", two);
    expect_text(a, "record.company.name", "Wavin");
    answer_free(a);
    (void)snprintf(text, sizeof text, "kind=activity;filters.bundles=%s", two);
    assert_int_equal(found(SCHOOL, text), 1);
    (void)snprintf(text, sizeof text, "kind=activity;filters.bundles=%s", whole);
    assert_int_equal(found(SCHOOL, text), 0);
    assert_int_equal(found(SCHOOL, "kind=activity;filters.company=wavin"), 1);
    assert_int_equal(found(SCHOOL, "kind=activity;filters.company=deltion"), 0);
}

/* ---- filters ---- */

static void filters_of_every_type_choose(void **state) {
    static const struct {
        const char *params;
        uint64_t n;
    } asked[] = {
        {"kind=activity;filters.place=zwo", 1},
        {"kind=activity;filters.place=assen", 0},
        {"kind=activity;filters.text=TWEEDE", 1},
        {"kind=activity;filters.worlds=energy", 0},
        {"kind=activity;filters.worlds=health|hitech", 1},
        {"kind=activity;filters.level=TL", 0},
        {"kind=activity;filters.year=3", 1},
        {"kind=activity;filters.date=2027-03-09", 1},
        {"kind=activity;filters.date=2027-03-10", 0},
        {"kind=activity;filters.week=2027-W10", 1},
        {"kind=activity;filters.week=2027-W11", 0},
        {"kind=activity;filters.capacity=12", 1},
        {"kind=activity;filters.planned=ja", 1},
        {"kind=activity;filters.direction=request", 1},
        {"kind=activity;filters.status=cancelled", 0},
        {"kind=activity;filters.host=wavin;!free", 3},
        {"kind=activity;filters.host=wavin;!mine", 2},
        {"kind=activity;from=2027-01-01", 1},
        {"kind=activity;until=2027-01-01", 0},
        {"kind=activity;from=2027-03-09;until=2027-03-09;text=wavin", 1},
        {"kind=activity;text=niets hiervan", 0},
        {"kind=org;filters.name=car", 1},
        {"kind=org;filters.identifiers=kvk:01234567", 1},
        {"kind=org;filters.identifiers=kvk:76543210", 0},
    };
    struct world *world = *state;
    char id[65];
    add(SCHOOL, "kind=org;fields.name=Bakker;fields.kind=company;fields.identifiers=kvk:01234567",
        id);
    for (size_t i = 0; i < MT_ARRAY_LEN(asked); i++) {
        uint64_t n = found(SCHOOL, asked[i].params);
        if (n != asked[i].n)
            fail_msg("%s: %u, not %u", asked[i].params, (unsigned)n, (unsigned)asked[i].n);
    }
    run_fails(SCHOOL, "record.list", "kind=activity;filters.nergens=1", MT_EINVALID, "no field");
    run_fails(SCHOOL, "record.list", "kind=activity;filters.date=nooit", MT_EINVALID, "not-date");
    run_fails(SCHOOL, "record.list", "kind=activity;filters.host=niemand", MT_ENOTFOUND, "niemand");
    run_fails(SCHOOL, "record.list", "kind=activity;from=nooit", MT_EINVALID, "from");
    run_fails(SCHOOL, "record.list", "kind=nergens", MT_EINVALID, "nergens");
    run_fails(SCHOOL, "record.list", "", MT_EINVALID, "kind");
}

/* ---- who we are ---- */

static void commands_of_identity_say_what_is_in_the_way(void **state) {
    struct world *world = *state;
    char long_name[200] = "name=", id[65];
    memset(long_name + 5, 'n', MT_NAME_MAX + 1);
    run_fails(SCHOOL, "init", "name=Nog een;kind=vmbo", MT_ECONFLICT, "already serves");
    run_fails(SCHOOL, "init", "name=Nog een;kind=zwembad", MT_EINVALID, "not-word");
    run_fails(SCHOOL, "init", "kind=vmbo", MT_EINVALID, "name is missing");
    run_fails(SCHOOL, "init", "name=Nog een", MT_EINVALID, "kind is missing");
    run_fails(SCHOOL, "region.create", long_name, MT_EINVALID, "at most");
    run_fails(SCHOOL, "region.create", "name=Nog een", MT_ECONFLICT, "in a region");
    run_fails(SCHOOL, "invite.create", long_name, MT_EINVALID, "at most");
    run_fails(SCHOOL, "invite.revoke", "name=niemand", MT_ENOTFOUND, "niemand");
    run_fails(SCHOOL, "member.approve", "name=niemand;number=123", MT_EINVALID, "six digits");
    run_fails(SCHOOL, "member.approve", "name=niemand;number=1234567890123", MT_EINVALID, "six");
    run_fails(SCHOOL, "member.approve", "name=niemand;number=123456x789012", MT_EINVALID, "six");
    run_fails(SCHOOL, "member.approve", "name=niemand;number=123456 789-012", MT_ENOTFOUND,
              "niemand");
    answer_free(run(SCHOOL, "invite.create", "name=later"));
    run_fails(SCHOOL, "invite.create", "name=later", MT_ECONFLICT, "open invitation");
    run_id(SCHOOL, "invite.revoke", "name=later", id);
    assert_string_equal(id, "later");
    run_fails(SCHOOL, "member.approve", "name=later;number=123456 789012", MT_ESTATE, "revoked");
    struct answer *a = run(SCHOOL, "invite.list", "");
    expect_text(a, "invites.0.state", "used");
    expect_text(a, "invites.2.name", "later");
    expect_text(a, "invites.2.state", "revoked");
    expect_text(a, "invites.2.applicant", NULL);
    answer_free(a);
    a = run(SCHOOL, "region.show", "");
    expect_text(a, "name", "Salland");
    expect_text(a, "founder.name", "Carmel College");
    assert_int_equal(number(a, "members"), 3);
    assert_true(number(a, "retention.placements_days") > 0);
    answer_free(a);
    a = run(COMPANY, "join", "");
    expect_text(a, "state", "member");
    answer_free(a);
    a = run(SCHOOL, "join.state", "");
    expect_text(a, "state", "member");
    answer_free(a);
}

static void before_there_is_an_organisation(void **state) {
    static struct world one;
    struct world *world = &one;
    char id[65];
    (void)state;
    world_open(world, 2);
    run_fails(SCHOOL, "region.show", "", MT_ESTATE, "no organisation");
    run_fails(SCHOOL, "region.create", "name=Leeg", MT_ESTATE, "no organisation");
    run_fails(SCHOOL, "join", "code=MEENT1", MT_ESTATE, "no organisation");
    run_fails(SCHOOL, "record.list", "kind=org", MT_ESTATE, "no organisation");
    struct answer *a = run(SCHOOL, "status", "");
    expect_text(a, "state", "empty");
    expect_text(a, "digest", NULL);
    expect_text(a, "health.0.code", "no-organisation");
    answer_free(a);
    run_id(SCHOOL, "init", "name=Carmel College;kind=vmbo", id);
    a = run(SCHOOL, "status", "");
    expect_text(a, "state", "alone");
    expect_text(a, "health.0.code", "no-region");
    answer_free(a);
    run_fails(SCHOOL, "invite.create", "name=gast", MT_ESTATE, "no region");
    run_fails(SCHOOL, "member.list", "", MT_ESTATE, "no region");
    run_fails(SCHOOL, "record.list", "kind=org", MT_ESTATE, "no region");
    run_fails(SCHOOL, "join", "code=geen code", MT_EINVALID, NULL);
    a = run(SCHOOL, "join.state", "");
    expect_text(a, "state", "none");
    expect_text(a, "number", NULL);
    answer_free(a);
    world_close(world);
}

/* A code whose maker is not there, and one that was revoked. */
static void joining_tells_how_far_it_is(void **state) {
    static struct world two;
    struct world *world = &two;
    char id[65], code[300], text[400], address[16];
    (void)state;
    world_open(world, 2);
    run_id(SCHOOL, "init", "name=Carmel College;kind=vmbo", id);
    run_id(SCHOOL, "region.create", "name=Salland", id);
    world_run(world, 1000);
    run_id(COMPANY, "init", "name=Wavin;kind=company", id);
    struct answer *a = run(SCHOOL, "invite.create", "name=wavin");
    copy_text(a, "code", code, sizeof code);
    answer_free(a);
    memcpy(address, SCHOOL->address, sizeof address);
    (void)snprintf(SCHOOL->address, sizeof SCHOOL->address, "away:1");
    (void)snprintf(text, sizeof text, "code=%s", code);
    a = run(COMPANY, "join", text);
    expect_text(a, "state", "calling");
    answer_free(a);
    world_run(world, 5000);
    a = run(COMPANY, "status", "");
    expect_text(a, "state", "joining");
    expect_text(a, "join.error", "unreachable");
    expect_text(a, "health.0.code", "join-calling");
    answer_free(a);
    run_id(SCHOOL, "invite.revoke", "name=wavin", id);
    memcpy(SCHOOL->address, address, sizeof address);
    world_run(world, 120000);
    a = run(COMPANY, "status", "");
    expect_text(a, "join.state", "calling");
    expect_text(a, "join.error", "psk");
    answer_free(a);
    run_fails(COMPANY, "region.create", "name=Eigen", MT_ECONFLICT, "is joining");
    run_fails(SCHOOL, "join.cancel", "", MT_ECONFLICT, "in a region already");
    a = run(COMPANY, "join.cancel", "");
    expect_text(a, "state", "none");
    answer_free(a);
    run_fails(COMPANY, "join.cancel", "", MT_ESTATE, "not joining");
    a = run(COMPANY, "status", "");
    expect_text(a, "state", "alone");
    expect_text(a, "health.0.code", "no-region");
    answer_free(a);
    a = run(SCHOOL, "invite.create", "name=nogmaals");
    copy_text(a, "code", code, sizeof code);
    answer_free(a);
    (void)snprintf(text, sizeof text, "code=%s", code);
    answer_free(run(COMPANY, "join", text));
    world_run(world, 20000);
    a = run(COMPANY, "status", "");
    expect_text(a, "join.state", "filed");
    expect_text(a, "health.0.code", "join-filed");
    answer_free(a);
    a = run(SCHOOL, "status", "");
    bool seen = false;
    for (unsigned i = 0; i < 8; i++) {
        char path[32];
        struct mt_slice v;
        (void)snprintf(path, sizeof path, "health.%u.code", i);
        if (find(a->result, path, &v)) {
            struct mt_reader r = mt_reader(v);
            seen = seen || mt_slice_is(mt_wire_str(&r, 40), "invite-filed");
        }
    }
    assert_true(seen);
    answer_free(a);
    world_close(world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_mistake_in_a_value_is_named),
        cmocka_unit_test(values_come_back_as_words),
        cmocka_unit_test(references_name_records_of_the_region),
        cmocka_unit_test(filters_of_every_type_choose),
        cmocka_unit_test(commands_of_identity_say_what_is_in_the_way),
        cmocka_unit_test(before_there_is_an_organisation),
        cmocka_unit_test(joining_tells_how_far_it_is),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
