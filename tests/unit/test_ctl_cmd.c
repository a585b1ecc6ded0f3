#include "query_world.h"

static void alone(struct world *w) {
    char id[65];
    world_open(w, 1);
    run_id(&w->orgs[0], "init", "name=Carmel College;kind=vmbo", id);
    run_id(&w->orgs[0], "region.create", "name=Salland", id);
    publish(&w->orgs[0]);
    world_run(w, 1000);
}

/* ---- before there is anything ---- */

static void methods_ask_for_what_is_missing(void **state) {
    (void)state;
    struct world w;
    world_open(&w, 1);
    struct org *o = &w.orgs[0];
    struct answer *a = run(o, "status", "");
    expect_text(a, "organisation", NULL);
    expect_text(a, "region", NULL);
    expect_text(a, "state", "empty");
    expect_text(a, "digest", NULL);
    expect_text(a, "health.0.code", "no-organisation");
    assert_int_equal(number(a, "records.activity"), 0);
    answer_free(a);
    run_fails(o, "record.list", "kind=activity", MT_ESTATE, "no organisation yet");
    run_fails(o, "region.create", "name=X", MT_ESTATE, NULL);
    run_fails(o, "member.list", "", MT_ESTATE, NULL);
    run_fails(o, "init", "kind=vmbo", MT_EINVALID, "name");
    run_fails(o, "init", "name=X;kind=bakkerij", MT_EINVALID, "kind");
    run_fails(o, "no.such", "", MT_EINVALID, "no method");
    char id[65];
    run_id(o, "init", "name=Carmel College;kind=vmbo", id);
    run_fails(o, "init", "name=Other;kind=vmbo", MT_ECONFLICT, "Carmel");
    run_fails(o, "record.list", "kind=activity", MT_ESTATE, "no region");
    world_close(&w);
}

static void access_is_refused(void **state) {
    (void)state;
    struct world w;
    alone(&w);
    static const struct {
        const char *method;
        unsigned has;
        const char *lacks;
    } cases[] = {
        {"invite.create", MT_ACCESS_WRITE | MT_ACCESS_PERSONAL, "admin"},
        {"member.approve", 0, "admin"},
        {"join", MT_ACCESS_WRITE, "admin"},
        {"join.cancel", MT_ACCESS_WRITE, "admin"},
        {"record.add", 0, "write"},
        {"import", MT_ACCESS_PERSONAL, "write"},
        {"signup.add", 0, "write"},
        {"placement.propose", MT_ACCESS_WRITE, "personal"},
        {"placement.accept", MT_ACCESS_PERSONAL, "write"},
    };
    uint8_t empty[] = {0x80};
    for (size_t i = 0; i < MT_ARRAY_LEN(cases); i++) {
        struct answer *a =
            run_raw(&w.orgs[0], cases[i].has, cases[i].method, mt_slice(empty, sizeof empty));
        assert_int_equal(a->err, MT_EDENIED);
        assert_non_null(strstr(a->message, cases[i].lacks));
        answer_free(a);
    }
    uint8_t memory[64];
    struct mt_writer p = mt_writer(memory, sizeof memory);
    put_pairs(&p, "kind=placement", NULL);
    struct answer *a = run_raw(&w.orgs[0], 0, "record.list", mt_writer_slice(&p));
    assert_int_equal(a->err, MT_EDENIED);
    answer_free(a);
    world_close(&w);
}

/* ---- faulty parameters ---- */

static void wrong_types_are_errors(void **state) {
    (void)state;
    struct world w;
    alone(&w);
    static const char *const methods[] = {"record.list",
                                          "record.show",
                                          "record.add",
                                          "record.edit",
                                          "activity.cancel",
                                          "import",
                                          "signup.add",
                                          "signup.withdraw",
                                          "answer.add",
                                          "placement.propose",
                                          "placement.accept",
                                          "invite.create",
                                          "invite.revoke",
                                          "member.approve",
                                          "peer.ping",
                                          "region.create",
                                          "init",
                                          "log"};
    static const char *const keys[] = {"kind",   "id",        "fields",  "rows",   "activity",
                                       "record", "name",      "filters", "number", "decision",
                                       "limit",  "stageplek", "reason",  "code"};
    for (size_t m = 0; m < MT_ARRAY_LEN(methods); m++)
        for (unsigned type = 0; type < 4; type++) {
            uint8_t memory[1024];
            struct mt_writer p = mt_writer(memory, sizeof memory);
            mt_wire_put_map(&p, MT_ARRAY_LEN(keys));
            for (size_t k = 0; k < MT_ARRAY_LEN(keys); k++) {
                mt_wire_put_cstr(&p, keys[k]);
                if (type == 0)
                    mt_wire_put_int(&p, -1);
                else if (type == 1)
                    mt_wire_put_array(&p, 0);
                else if (type == 2)
                    mt_wire_put_bin(&p, "x", 1);
                else
                    mt_wire_put_bool(&p, true);
            }
            struct answer *a = run_raw(&w.orgs[0], EVERYTHING, methods[m], mt_writer_slice(&p));
            assert_int_not_equal(a->err, MT_OK);
            answer_free(a);
        }
    uint8_t nothing[] = {0xc0};
    struct answer *a = run_raw(&w.orgs[0], EVERYTHING, "status", mt_slice(nothing, 1));
    assert_int_equal(a->err, MT_EINVALID);
    answer_free(a);
    world_close(&w);
}

static void huge_texts_are_refused(void **state) {
    (void)state;
    struct world w;
    alone(&w);
    size_t size = 600 * 1024;
    uint8_t *memory = malloc(size + 1024);
    char *text = malloc(size);
    assert_non_null(memory);
    assert_non_null(text);
    memset(text, 'x', size);
    static const size_t sizes[] = {201, 16385, 600 * 1024};
    for (size_t i = 0; i < MT_ARRAY_LEN(sizes); i++) {
        struct mt_writer p = mt_writer(memory, size + 1024);
        mt_wire_put_map(&p, 2);
        mt_wire_put_cstr(&p, "kind");
        mt_wire_put_cstr(&p, "activity");
        mt_wire_put_cstr(&p, "fields");
        mt_wire_put_map(&p, 1);
        mt_wire_put_cstr(&p, "title");
        mt_wire_put_str(&p, mt_slice(text, sizes[i]));
        struct answer *a = run_raw(&w.orgs[0], EVERYTHING, "record.add", mt_writer_slice(&p));
        assert_int_equal(a->err, MT_EINVALID);
        answer_free(a);
    }
    free(text);
    free(memory);
    world_close(&w);
}

static void missing_and_unknown_fields_are_named(void **state) {
    (void)state;
    struct world w;
    alone(&w);
    struct org *o = &w.orgs[0];
    run_fails(o, "record.add", "kind=activity;fields.title=X", MT_EINVALID, "code=missing");
    run_fails(o, "record.add", "kind=activity;fields.smell=X", MT_EINVALID, "smell");
    run_fails(o, "record.add", "kind=nothing;fields.x=y", MT_EINVALID, "nothing");
    run_fails(o, "record.add",
              "kind=activity;fields.title=X;fields.type=gastles;fields.direction=offer;"
              "fields.host=Nobody BV",
              MT_ENOTFOUND, "host: no organisation is called Nobody BV");
    run_fails(o, "record.add",
              "kind=activity;fields.title=X;fields.type=gastles;fields.direction=offer;"
              "fields.host=Carmel College;fields.date=31-02-2027",
              MT_EINVALID, "field=date code=not-date");
    run_fails(o, "record.add", "kind=answer;fields.decision=accepted", MT_EINVALID, NULL);
    run_fails(o, "record.show", "kind=activity;id=12", MT_ENOTFOUND, "4 to 32");
    run_fails(o, "record.show", "kind=activity;id=zzzz", MT_ENOTFOUND, NULL);
    run_fails(o, "record.show", "kind=activity;id=abcd", MT_ENOTFOUND, NULL);
    run_fails(o, "member.approve", "name=x;number=12345", MT_EINVALID, "two groups");
    world_close(&w);
}

/* ---- records of one organisation ---- */

#define ADD                                                                                        \
    "kind=activity;fields.title=Bliksemstage Zorg;fields.type=excursie;fields.direction=offer;"    \
    "fields.host=Carmel College;"

static void an_activity_is_listed_with_fixed_keys(void **state) {
    (void)state;
    struct world w;
    char id[65];
    alone(&w);
    struct org *o = &w.orgs[0];
    run_id(o, "record.add",
           ADD "fields.date=15-01-2027;fields.start=13:00;fields.capacity=12;fields.unit=pupils",
           id);
    struct answer *a = run(o, "record.list", "kind=activity");
    assert_int_equal(number(a, "total"), 1);
    expect_text(a, "records.0.id", id);
    expect_text(a, "records.0.title", "Bliksemstage Zorg");
    expect_text(a, "records.0.type", "excursie");
    expect_text(a, "records.0.direction", "offer");
    expect_text(a, "records.0.host.name", "Carmel College");
    expect_text(a, "records.0.owner.name", "Carmel College");
    expect_text(a, "records.0.start", "2027-01-15T13:00:00+01:00");
    expect_text(a, "records.0.week", "2027-W02");
    expect_text(a, "records.0.status", "open");
    expect_text(a, "records.0.unit", "pupils");
    assert_int_equal(number(a, "records.0.capacity"), 12);
    assert_int_equal(number(a, "records.0.free"), 12);
    char shortest[40];
    copy_text(a, "records.0.short", shortest, sizeof shortest);
    assert_int_equal(strlen(shortest), 4);
    assert_memory_equal(shortest, id, 4);
    answer_free(a);
    run_id(o, "record.add", ADD "fields.week=2026-W48", id);
    a = run(o, "record.list", "kind=activity");
    expect_text(a, "records.0.id", id); /* an earlier day comes first */
    expect_text(a, "records.0.start", NULL);
    expect_text(a, "records.0.week", "2026-W48");
    expect_text(a, "records.0.capacity", NULL);
    expect_text(a, "records.0.free", NULL);
    answer_free(a);
    world_close(&w);
}

static void filters_narrow_the_list(void **state) {
    (void)state;
    static const struct {
        const char *params;
        unsigned n;
    } cases[] = {
        {"", 4},
        {"filters.type=gastles", 2},
        {"filters.direction=request", 1},
        {"filters.level=KB", 2},
        {"filters.worlds=health", 1},
        {"filters.week=2027-W02", 2},
        {"filters.host=Bakker BV", 1},
        {"from=2027-01-13", 3}, /* a week that is under way counts */
        {"until=2027-01-13", 2},
        {"from=2027-01-11;until=2027-01-15", 2},
        {"text=ZORG", 1},
        {"text=bakker", 1},
        {"text=café", 1},
        {"text=nothing at all", 0},
        {"!free", 3},
        {"!mine", 4},
        {"filters.status=cancelled", 1},
        {"filters.status=open", 3},
    };
    struct world w;
    char id[65], text[300];
    alone(&w);
    struct org *o = &w.orgs[0];
    run_id(o, "record.add", "kind=org;fields.name=Bakker BV;fields.kind=company", id);
    run_id(o, "record.add", ADD "fields.date=15-01-2027;fields.level=KB|TL;fields.worlds=health",
           id);
    run_id(o, "record.add",
           "kind=activity;fields.title=Brood;fields.type=gastles;fields.direction=offer;"
           "fields.host=Bakker BV;fields.week=2027-W02;fields.level=KB",
           id);
    run_id(o, "record.add",
           "kind=activity;fields.title=In het CAFÉ;fields.type=gastles;fields.direction=request;"
           "fields.host=Carmel College;fields.date=20-06-2027;fields.level=GL",
           id);
    run_id(o, "record.add",
           "kind=activity;fields.title=Open dag;fields.type=open dag;fields.direction=offer;"
           "fields.host=Carmel College;fields.date=01-10-2026",
           id);
    (void)snprintf(text, sizeof text, "id=%s;reason=te weinig animo", id);
    run_id(o, "activity.cancel", text, id);
    for (size_t i = 0; i < MT_ARRAY_LEN(cases); i++) {
        (void)snprintf(text, sizeof text, "kind=activity;%s", cases[i].params);
        struct answer *a = run(o, "record.list", text);
        if (number(a, "total") != cases[i].n)
            fail_msg("%s: %u", cases[i].params, (unsigned)number(a, "total"));
        answer_free(a);
    }
    run_fails(o, "record.list", "kind=activity;filters.smell=x", MT_EINVALID, "smell");
    run_fails(o, "record.list", "kind=activity;filters.type=x", MT_EINVALID, "type");
    run_fails(o, "record.list", "kind=activity;filters.host=x", MT_ENOTFOUND, NULL);
    run_fails(o, "record.list", "kind=activity;from=ooit", MT_EINVALID, "from");
    struct answer *a = run(o, "record.list", "kind=activity;#limit=1;#offset=1");
    assert_int_equal(number(a, "total"), 4);
    expect_text(a, "records.0.title", "Brood");
    answer_free(a);
    world_close(&w);
}

static void an_edit_sends_only_what_changes(void **state) {
    (void)state;
    struct world w;
    char id[65], text[300];
    alone(&w);
    struct org *o = &w.orgs[0];
    run_id(o, "record.add", ADD "fields.capacity=12;fields.place=Meppel", id);
    uint64_t before = mt_node_entries(o->node);
    (void)snprintf(text, sizeof text, "kind=activity;id=%.6s;fields.capacity=12", id);
    run_id(o, "record.edit", text, id);
    assert_int_equal(mt_node_entries(o->node), before);
    (void)snprintf(text, sizeof text, "kind=activity;id=%s;fields.capacity=14;fields.place=", id);
    run_id(o, "record.edit", text, id);
    assert_int_equal(mt_node_entries(o->node), before + 1);
    (void)snprintf(text, sizeof text, "kind=;id=%s", id);
    struct answer *a = run(o, "record.show", text);
    struct mt_slice gone;
    assert_int_equal(number(a, "record.capacity"), 14);
    assert_false(find(a->result, "record.place", &gone));
    assert_true(find(a->result, "record.signups", &gone));
    answer_free(a);
    (void)snprintf(text, sizeof text, "kind=activity;id=%s;fields.title=", id);
    run_fails(o, "record.edit", text, MT_EINVALID, "field=title code=missing");
    world_close(&w);
}

static void an_ambiguous_prefix_lists_the_candidates(void **state) {
    (void)state;
    struct world w;
    char id[65];
    alone(&w);
    struct org *o = &w.orgs[0];
    run_id(o, "record.add", ADD "id=abcd1000000000000000000000000001", id);
    run_id(o, "record.add", ADD "id=abcd2000000000000000000000000002", id);
    run_fails(o, "record.show", "kind=activity;id=abcd", MT_EAMBIGUOUS, "abcd1 Bliksemstage");
    run_fails(o, "record.add", ADD "id=abcd2000000000000000000000000002", MT_ECONFLICT, NULL);
    struct answer *a = run(o, "record.show", "kind=activity;id=abcd2");
    expect_text(a, "record.short", "abcd2");
    answer_free(a);
    world_close(&w);
}

/* ---- import ---- */

/* Rows as "field=value;field=value", one after the other. */
static struct answer *import(struct org *o, const char *kind, const char *const *rows, size_t n,
                             bool dry_run) {
    static uint8_t memory[256 * 1024];
    struct mt_writer p = mt_writer(memory, sizeof memory);
    mt_wire_put_map(&p, 3);
    mt_wire_put_cstr(&p, "kind");
    mt_wire_put_cstr(&p, kind);
    mt_wire_put_cstr(&p, "dry_run");
    mt_wire_put_bool(&p, dry_run);
    mt_wire_put_cstr(&p, "rows");
    mt_wire_put_array(&p, n);
    for (size_t i = 0; i < n; i++)
        put_pairs(&p, rows[i], NULL);
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

static void importing_twice_changes_nothing(void **state) {
    (void)state;
    static const char *const orgs[] = {
        "name=School A;kind=vmbo;identifiers=brin:02EB|brin-vestiging:02EB04;place=ASSEN",
        "name=School A;kind=vmbo;identifiers=brin:02EB|brin-vestiging:02EB07;place=BEILEN",
        "name=PrO Assen;kind=pro;identifiers=brin:18BR|brin-vestiging:18BR00"};
    static const char *const activities[] = {
        "title=Hout;type=gastles;direction=aanbod;host=Metaal Meppel;week=2027-W09;capacity=1",
        "title=Werf;type=excursie;direction=aanbod;host=Boer Höfte;date=11-03-2027;start=08:00",
        "title=Metaal;type=gastles;direction=vraag;host=18BR00;date=23-12-2026;contact=",
        "title=Metaal 2;type=gastles;direction=vraag;host=metaal meppel;date=24-12-2026"};
    struct world w;
    alone(&w);
    struct org *o = &w.orgs[0];
    expect_counts(import(o, "org", orgs, 3, true), 3, 0, 0, 0);
    assert_int_equal(mt_node_entries(o->node), 1);
    expect_counts(import(o, "org", orgs, 3, false), 3, 0, 0, 0);
    assert_int_equal(mt_node_entries(o->node), 2);
    expect_counts(import(o, "org", orgs, 3, false), 0, 0, 3, 0);
    expect_counts(import(o, "activity", activities, 4, true), 4, 0, 0, 2);
    expect_counts(import(o, "activity", activities, 4, false), 4, 0, 0, 2);
    expect_counts(import(o, "activity", activities, 4, false), 0, 0, 4, 0);
    struct answer *a = run(o, "record.list", "kind=org");
    assert_int_equal(number(a, "total"), 6); /* three schools, two companies, ourselves */
    answer_free(a);
    a = run(o, "record.list", "kind=activity;filters.host=18BR00");
    assert_int_equal(number(a, "total"), 1);
    expect_text(a, "records.0.host.name", "PrO Assen");
    answer_free(a);
    static const char *const more[] = {
        "title=Hout;type=gastles;direction=aanbod;host=Metaal Meppel;week=2027-W09;capacity=3"};
    a = import(o, "activity", more, 1, false);
    expect_counts(a, 0, 1, 0, 0);
    world_close(&w);
}

static void a_bad_row_applies_nothing(void **state) {
    (void)state;
    static const char *const rows[] = {
        "title=Hout;type=gastles;direction=aanbod;host=Metaal Meppel;week=2027-W09",
        "title=Werf;type=excursie;direction=aanbod;host=Boer;date=31-02-2027"};
    static const char *const missing[] = {"title=Hout;type=gastles"};
    static const char *const unknown[] = {"title=Hout;smell=good"};
    static const struct {
        const char *const *rows;
        size_t n;
        const char *message;
    } cases[] = {{rows, 2, "row=2 field=date code=not-date"},
                 {missing, 1, "row=1 field=direction code=missing"},
                 {unknown, 1, "row=1 field=smell"}};
    struct world w;
    alone(&w);
    struct org *o = &w.orgs[0];
    uint64_t before = mt_node_entries(o->node);
    for (size_t i = 0; i < MT_ARRAY_LEN(cases); i++) {
        struct answer *a = import(o, "activity", cases[i].rows, cases[i].n, false);
        assert_int_equal(a->err, MT_EINVALID);
        if (!strstr(a->message, cases[i].message))
            fail_msg("%s", a->message);
        answer_free(a);
    }
    assert_int_equal(mt_node_entries(o->node), before);
    world_close(&w);
}

static void the_same_thing_twice_in_a_file_is_one_record(void **state) {
    (void)state;
    static const char *const rows[] = {
        "title=Hout;type=gastles;direction=aanbod;host=Metaal;week=2027-W09;capacity=1",
        "title=Hout;type=gastles;direction=aanbod;host=metaal;week=2027-W09;place=Meppel"};
    struct world w;
    alone(&w);
    struct org *o = &w.orgs[0];
    expect_counts(import(o, "activity", rows, 2, false), 1, 0, 1, 1);
    struct answer *a = run(o, "record.list", "kind=activity");
    assert_int_equal(number(a, "total"), 1);
    expect_text(a, "records.0.place", "Meppel");
    assert_int_equal(number(a, "records.0.capacity"), 1);
    answer_free(a);
    world_close(&w);
}

static void large_imports_share_entries(void **state) {
    (void)state;
    enum { N = 256 };
    static char texts[N][120];
    static const char *rows[N];
    for (unsigned i = 0; i < N; i++) {
        (void)snprintf(texts[i], sizeof texts[i],
                       "title=Les %u;type=gastles;direction=aanbod;host=Bedrijf %u;week=2027-W10",
                       i, i % 40);
        rows[i] = texts[i];
    }
    struct world w;
    alone(&w);
    struct org *o = &w.orgs[0];
    uint64_t before = mt_node_entries(o->node);
    expect_counts(import(o, "activity", rows, N, false), N, 0, 0, 40);
    assert_true(mt_node_entries(o->node) - before <= 6);
    expect_counts(import(o, "activity", rows, N, false), 0, 0, N, 0);
    struct answer *a = run(o, "record.list", "kind=activity;#limit=20");
    struct mt_slice v;
    assert_int_equal(number(a, "total"), N);
    assert_true(find(a->result, "records.19", &v));
    assert_false(find(a->result, "records.20", &v));
    answer_free(a);
    a = run(o, "verify", "");
    assert_true(is_true(a, "equal"));
    answer_free(a);
    world_close(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(methods_ask_for_what_is_missing),
        cmocka_unit_test(access_is_refused),
        cmocka_unit_test(wrong_types_are_errors),
        cmocka_unit_test(huge_texts_are_refused),
        cmocka_unit_test(missing_and_unknown_fields_are_named),
        cmocka_unit_test(an_activity_is_listed_with_fixed_keys),
        cmocka_unit_test(filters_narrow_the_list),
        cmocka_unit_test(an_edit_sends_only_what_changes),
        cmocka_unit_test(an_ambiguous_prefix_lists_the_candidates),
        cmocka_unit_test(importing_twice_changes_nothing),
        cmocka_unit_test(a_bad_row_applies_nothing),
        cmocka_unit_test(the_same_thing_twice_in_a_file_is_one_record),
        cmocka_unit_test(large_imports_share_entries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
