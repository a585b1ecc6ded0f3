/* What is read back: records, indexes, ids by their first digits. */
#include "store_fixture.h"

enum { MAX_ROWS = 64 };

/* An activity with a title, and a day, a week, a host and an external id where they are given. */
struct activity {
    uint64_t rid;
    const char *title;
    uint32_t day, week;
    uint64_t host;
    const char *external;
};

static void put_activity(struct mt_writer *w, const struct activity *a, uint8_t external_no) {
    struct mt_rid id = built_rid(a->rid);
    size_t n = 1 + (a->day != 0) + (a->week != 0) + (a->host != 0) + (a->external != NULL);
    mt_changes_begin(w, 1);
    mt_change_begin(w, MT_KIND_ACTIVITY, mt_schema_kind(MT_KIND_ACTIVITY)->major, 0, &id, n);
    mt_wire_put_uint(w, 0);
    mt_wire_put_cstr(w, a->title);
    if (a->host) {
        struct mt_ref ref = {
            .owner = built_org(2).root.pub, .kind = MT_KIND_ORG, .id = built_rid(a->host)};
        mt_wire_put_uint(w, 3);
        mt_ref_put(w, &ref);
    }
    if (a->day) {
        mt_wire_put_uint(w, 11);
        mt_wire_put_uint(w, a->day);
    }
    if (a->week) {
        mt_wire_put_uint(w, 15);
        mt_wire_put_uint(w, a->week);
    }
    if (a->external) {
        mt_wire_put_uint(w, external_no);
        mt_wire_put_cstr(w, a->external);
    }
    assert_int_equal(w->err, MT_OK);
}

static uint8_t external_no(void) {
    const struct mt_kind *kind = mt_schema_kind(MT_KIND_ACTIVITY);
    return mt_schema_field_named(kind, mt_slice_str("external"))->no;
}

static void add_activity(struct builder *b, struct activity a) {
    uint8_t memory[256];
    struct mt_writer w = mt_writer(memory, sizeof memory);
    put_activity(&w, &a, external_no());
    builder_add(b, mt_writer_slice(&w));
}

struct rows {
    uint64_t row[MAX_ROWS];
    size_t n, max;
};

static bool see_row(void *arg, uint64_t row) {
    struct rows *rows = arg;
    rows->row[rows->n++] = row;
    return rows->n < rows->max;
}

/* The ids of what a query gives, in order. */
static size_t ask(struct fixture *f, struct mt_index_query q, uint64_t *rids) {
    static uint8_t memory[MT_BOX_MAX];
    struct rows rows = {.max = MAX_ROWS};
    struct mt_read r = fixture_read(f);
    assert_int_equal(mt_read_index(&r, &q, see_row, &rows), MT_OK);
    for (size_t i = 0; i < rows.n; i++) {
        struct mt_writer w = mt_writer(memory, sizeof memory);
        struct mt_view view;
        assert_int_equal(mt_read_row(&r, rows.row[i], &w, &view), MT_OK);
        rids[i] = mt_load64(view.id.b + 8);
    }
    mt_read_end(&r);
    return rows.n;
}

#define EXPECT(f, q, ...)                                                                          \
    do {                                                                                           \
        static const uint64_t want[] = {__VA_ARGS__};                                              \
        uint64_t got[MAX_ROWS];                                                                    \
        assert_int_equal(ask(f, q, got), MT_ARRAY_LEN(want));                                      \
        assert_memory_equal(got, want, sizeof want);                                               \
    } while (0)

static struct mt_index_query query(enum mt_index_type type) {
    return (struct mt_index_query){.type = type, .kind = MT_KIND_ACTIVITY};
}

static void dates_come_in_order_and_follow_changes(void **state) {
    struct fixture *f = *state;
    struct builder b;
    uint32_t monday = mt_week_to_day(202648);
    builder_region(&b, REGION, 2, 1);
    add_activity(&b, (struct activity){.rid = 1, .title = "a", .day = monday + 1});
    add_activity(&b, (struct activity){.rid = 2, .title = "b"});
    add_activity(&b, (struct activity){.rid = 3, .title = "c", .week = 202648});
    add_activity(&b, (struct activity){.rid = 4, .title = "d", .day = monday - 1, .week = 202701});
    assert_int_equal(fixture_run(f, &b, 1, 4).err, MT_OK);
    struct mt_index_query q = query(MT_INDEX_DATE);
    EXPECT(f, q, 4, 3, 1, 2);
    q.descending = true;
    EXPECT(f, q, 2, 1, 3, 4);
    q.ends_from = monday + 2; /* the week has not ended, what has no day never does */
    EXPECT(f, q, 2, 3);
    q.ends_from = monday + 7;
    EXPECT(f, q, 2);
    q.ends_from = 0;
    uint8_t from[4], to[4];
    mt_be32(from, monday);
    mt_be32(to, monday + 1);
    q.from = mt_slice(from, 4);
    q.to = mt_slice(to, 4);
    EXPECT(f, q, 1, 3);
    q.descending = false;
    EXPECT(f, q, 3, 1);
    add_activity(&b, (struct activity){.rid = 1, .title = "a", .day = monday + 9});
    add_activity(&b, (struct activity){.rid = 2, .title = "b", .day = monday});
    assert_int_equal(fixture_run(f, &b, 5, 2).err, MT_OK);
    EXPECT(f, q, 2, 3);
    EXPECT(f, query(MT_INDEX_DATE), 4, 2, 3, 1);
    uint64_t rids[MAX_ROWS]; /* a kind with days is in that index only */
    assert_int_equal(ask(f, query(MT_INDEX_KIND), rids), 0);
    builder_close(&b);
}

static void references_owners_and_audiences_are_found(void **state) {
    struct fixture *f = *state;
    struct builder b, c, pair;
    builder_region(&b, REGION, 2, 1);
    builder_region(&c, REGION, 3, 2);
    builder_pair(&pair, REGION, 3, 1, 1, 3);
    add_activity(&b, (struct activity){.rid = 1, .title = "a", .host = 7});
    add_activity(&b, (struct activity){.rid = 2, .title = "b", .host = 8});
    add_activity(&c, (struct activity){.rid = 3, .title = "c", .host = 7});
    add_activity(&pair, (struct activity){.rid = 4, .title = "d", .host = 7});
    assert_int_equal(fixture_run(f, &b, 1, 2).err, MT_OK);
    assert_int_equal(fixture_run(f, &c, 1, 1).err, MT_OK);
    assert_int_equal(fixture_run(f, &pair, 1, 1).err, MT_OK);
    struct mt_rid seven = built_rid(7);
    struct mt_index_query q = query(MT_INDEX_REF);
    q.from = q.to = mt_slice(seven.b, sizeof seven.b);
    EXPECT(f, q, 1, 3);
    q.all_audiences = true;
    EXPECT(f, q, 1, 3, 4);
    struct mt_read r = fixture_read(f);
    struct mt_id three = built_org(3).root.pub, nine = built_org(9).root.pub, id;
    uint32_t no = mt_read_org_no(&r, &three);
    assert_int_not_equal(no, 0);
    assert_int_equal(mt_read_org_no(&r, &nine), 0);
    assert_int_equal(mt_read_org(&r, no, &id), MT_OK);
    assert_true(mt_id_eq(&id, &three));
    assert_int_equal(mt_read_org(&r, 99, &id), MT_ENOTFOUND);
    mt_read_end(&r);
    uint8_t owner[4];
    mt_be32(owner, no);
    q = query(MT_INDEX_OWNER);
    q.from = q.to = mt_slice(owner, 4);
    uint64_t rids[MAX_ROWS]; /* others' are listed in channels only */
    assert_int_equal(ask(f, q, rids), 0);
    q.audience_no = no;
    EXPECT(f, q, 4);
    struct builder own;
    builder_region(&own, REGION, 1, 9);
    add_activity(&own, (struct activity){.rid = 5, .title = "e"});
    assert_int_equal(fixture_run(f, &own, 1, 1).err, MT_OK);
    r = fixture_read(f);
    mt_be32(owner, mt_read_org_no(&r, &own.info.org));
    mt_read_end(&r);
    q.audience_no = 0;
    EXPECT(f, q, 5);
    builder_close(&own);
    builder_close(&b);
    builder_close(&c);
    builder_close(&pair);
}

static size_t ask_identity(struct fixture *f, uint64_t org, struct activity a, uint64_t *rids) {
    uint8_t memory[256], identity[16];
    struct mt_writer w = mt_writer(memory, sizeof memory);
    struct mt_id owner = built_org(org).root.pub;
    struct mt_changes it;
    struct mt_change c;
    put_activity(&w, &a, external_no());
    assert_int_equal(mt_changes_open(&it, mt_writer_slice(&w)), MT_OK);
    assert_true(mt_changes_next(&it, &c));
    mt_store_identity(f->s, &f->region, &owner, mt_schema_kind(MT_KIND_ACTIVITY), c.fields,
                      identity);
    struct mt_index_query q = query(MT_INDEX_IDENTITY);
    q.from = q.to = mt_slice(identity, sizeof identity);
    return ask(f, q, rids);
}

static void a_record_is_known_by_its_identity(void **state) {
    struct fixture *f = *state;
    struct builder b;
    uint64_t rid[MAX_ROWS];
    builder_region(&b, REGION, 1, 1);
    struct activity plain = {.rid = 1, .title = "a", .day = 20000};
    struct activity named = {.rid = 2, .title = "a", .day = 20000, .external = "X-1"};
    add_activity(&b, plain);
    add_activity(&b, named);
    assert_int_equal(fixture_run(f, &b, 1, 2).err, MT_OK);
    assert_int_equal(ask_identity(f, 1, plain, rid), 1);
    assert_int_equal(rid[0], 1);
    named.title = "renamed";
    assert_int_equal(ask_identity(f, 1, named, rid), 1);
    assert_int_equal(rid[0], 2);
    plain.title = "other";
    assert_int_equal(ask_identity(f, 1, plain, rid), 0);
    add_activity(&b, plain);
    assert_int_equal(fixture_run(f, &b, 3, 1).err, MT_OK);
    assert_int_equal(ask_identity(f, 1, plain, rid), 1);
    plain.title = "a";
    assert_int_equal(ask_identity(f, 1, plain, rid), 0);
    builder_close(&b);
    builder_region(&b, REGION, 2, 2);
    add_activity(&b, plain); /* nobody else's records are imported here */
    assert_int_equal(fixture_run(f, &b, 1, 1).err, MT_OK);
    assert_int_equal(ask_identity(f, 2, plain, rid), 0);
    builder_close(&b);
}

static void ids_are_found_by_their_first_digits(void **state) {
    struct fixture *f = *state;
    struct builder b, c;
    builder_region(&b, REGION, 2, 1);
    builder_region(&c, REGION, 3, 2);
    for (uint64_t i = 0; i < 20; i++)
        builder_add_text(&b, MT_KIND_ACTIVITY, i, TITLE, "a");
    builder_add_text(&b, MT_KIND_STAGEPLEK, 3, TITLE, "a");
    builder_add_text(&c, MT_KIND_ACTIVITY, 3, TITLE, "a");
    assert_int_equal(fixture_run(f, &b, 1, 21).err, MT_OK);
    assert_int_equal(fixture_run(f, &c, 1, 1).err, MT_OK);
    struct mt_read r = fixture_read(f);
    uint64_t rows[MAX_ROWS];
    size_t n;
    char hex[40];
    struct mt_rid id = built_rid(3);
    mt_hex(hex, id.b, sizeof id.b);
    assert_int_equal(mt_read_prefix(&r, 0, mt_slice_str(hex), rows, MAX_ROWS, &n), MT_OK);
    assert_int_equal(n, 3);
    assert_int_equal(mt_read_prefix(&r, MT_KIND_ACTIVITY, mt_slice_str(hex), rows, MAX_ROWS, &n),
                     MT_OK);
    assert_int_equal(n, 2);
    assert_int_equal(mt_read_prefix(&r, 0, mt_slice(hex, 31), rows, MAX_ROWS, &n), MT_OK);
    assert_int_equal(n, 18); /* 0 to 15, and 3 twice more */
    assert_int_equal(mt_read_prefix(&r, 0, mt_slice(hex, 31), rows, 5, &n), MT_OK);
    assert_int_equal(n, 5);
    assert_int_equal(mt_read_prefix(&r, 0, mt_slice_str("0F"), rows, MAX_ROWS, &n), MT_OK);
    assert_int_equal(n, 0);
    assert_int_equal(mt_read_prefix(&r, 0, mt_slice_str("xyz"), rows, MAX_ROWS, &n), MT_OK);
    assert_int_equal(n, 0);
    mt_read_end(&r);
    builder_close(&b);
    builder_close(&c);
}

static void a_view_says_when_and_by_whom(void **state) {
    struct fixture *f = *state;
    struct builder pair;
    uint8_t memory[1024];
    builder_pair(&pair, REGION, 2, 1, 1, 5);
    pair.wall_ms = 5000;
    builder_add_text(&pair, MT_KIND_PLACEMENT, 1, TITLE, "a");
    pair.wall_ms = 7000;
    builder_add_text(&pair, MT_KIND_PLACEMENT, 1, 2, "b");
    assert_int_equal(fixture_run(f, &pair, 1, 1).err, MT_OK);
    assert_int_equal(fixture_run(f, &pair, 2, 1).err, MT_OK);
    struct mt_read r = fixture_read(f);
    struct mt_writer w = mt_writer(memory, sizeof memory);
    struct mt_view view;
    assert_int_equal(mt_read_row(&r, 1, &w, &view), MT_OK);
    struct mt_id two = built_org(2).root.pub;
    assert_true(mt_id_eq(&view.owner, &two) && mt_id_eq(&view.audience, &two));
    assert_int_equal(view.created_ms, 5000);
    assert_int_equal(view.changed_ms, 7000);
    assert_int_equal(view.major, 1);
    size_t len;
    assert_int_equal(mt_wire_scan(view.fields, MT_WIRE_CANONICAL, MT_BOX_MAX, &len), MT_OK);
    assert_int_equal(len, view.fields.n);
    struct mt_slice value;
    assert_int_equal(mt_fields_find(view.fields, 0, &value), MT_OK);
    assert_int_equal(mt_fields_find(view.fields, 2, &value), MT_OK);
    assert_int_equal(mt_read_row(&r, 2, &w, &view), MT_ENOTFOUND);
    w = mt_writer(memory, 3);
    assert_int_equal(mt_read_row(&r, 1, &w, &view), MT_ETOOLONG);
    mt_read_end(&r);
    fixture_reopen(f);
    assert_int_equal(mt_read_begin(f->s, &f->region, NULL, &r), MT_OK);
    w = mt_writer(memory, sizeof memory);
    assert_int_equal(mt_read_row(&r, 1, &w, &view), MT_ENOKEY);
    mt_read_end(&r);
    builder_close(&pair);
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(dates_come_in_order_and_follow_changes),
        TEST(references_owners_and_audiences_are_found),
        TEST(a_record_is_known_by_its_identity),
        TEST(ids_are_found_by_their_first_digits),
        TEST(a_view_says_when_and_by_whom),
    };
#define RECENT(f) cmocka_unit_test_setup_teardown(f, fixture_setup_recent, fixture_teardown)
    const struct CMUnitTest recent[] = {
        RECENT(dates_come_in_order_and_follow_changes),
        RECENT(references_owners_and_audiences_are_found),
        RECENT(a_record_is_known_by_its_identity),
        RECENT(ids_are_found_by_their_first_digits),
        RECENT(a_view_says_when_and_by_whom),
    };
    return cmocka_run_group_tests_name("store read", tests, NULL, NULL) +
           cmocka_run_group_tests_name("store read, recent keys", recent, NULL, NULL);
}
