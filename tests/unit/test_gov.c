/* Governance items as bytes: every check of every parser, and our frozen bytes. */
#include "gov_fixture.h"

enum { ITEMS = 8 };

static void all_items(struct made out[static ITEMS]) {
    struct made admit = made_admit(2), statement = made_statement(1, 1);
    out[0] = made_found();
    out[1] = made_vote(&admit.id, 1, 1, true);
    out[2] = made_join(2);
    out[3] = admit;
    out[4] = made_certificate(1, 1, 0);
    out[5] = made_certificate(2, 2, 5);
    out[6] = statement;
    out[7] = made_grant(&statement.id, 2, 1, 1, 2);
}

static void frozen_items(void **state) {
    struct made items[ITEMS];
    uint8_t want[2048], digest[32];
    json_t *root = vectors_load("meent/gov.json"), *v;
    struct mt_gov *g = mt_gov_new();
    size_t i;
    (void)state;
    all_items(items);
    assert_int_equal(json_array_size(vectors_get(root, "items")), ITEMS);
    json_array_foreach(vectors_get(root, "items"), i, v) {
        struct mt_id id = vectors_id(v, "id");
        assert_bytes(made_slice(&items[i]), vectors_bytes(v, "bytes", want, sizeof want));
        assert_memory_equal(items[i].id.b, id.b, 32);
        if (i != 2)
            assert_int_equal(gov_add(g, items[i]), MT_OK);
    }
    struct mt_id region = vectors_id(root, "region"), sum = vectors_id(root, "digest");
    assert_true(mt_id_eq(mt_gov_region(g), &region) && mt_id_eq(mt_gov_head(g), &region));
    assert_int_equal(mt_gov_digest(g, digest), MT_OK);
    assert_memory_equal(digest, sum.b, 32);
    mt_gov_free(g);
    json_decref(root);
}

/* A set in which item `i` of all_items can be added. */
static struct mt_gov *set_for(const struct made items[static ITEMS], size_t i) {
    struct mt_gov *g = mt_gov_new();
    assert_non_null(g);
    for (size_t k = 0; k < i; k++)
        if (k != 2)
            assert_int_equal(gov_add(g, items[k]), MT_OK);
    return g;
}

static void each_cut_or_longer_item_is_refused(void **state) {
    struct made items[ITEMS];
    (void)state;
    all_items(items);
    for (size_t i = 0; i < ITEMS; i++) {
        struct mt_gov *g = set_for(items, i);
        struct made m = items[i];
        for (m.n = 0; m.n < items[i].n; m.n++)
            assert_int_equal(gov_add(g, m), MT_ETRUNCATED);
        m.b[m.n++] = 0;
        assert_int_equal(gov_add(g, m), MT_ETRAILING);
        assert_int_equal(gov_add(g, items[i]), i == 2 ? MT_EVALUE : MT_OK);
        assert_int_equal(gov_add(g, items[i]), i == 2 ? MT_EVALUE : MT_EDUPLICATE);
        mt_gov_free(g);
    }
}

/* Everything stands under an id, and the id under a signature or a vote. */
static void each_changed_byte_is_refused(void **state) {
    struct made items[ITEMS];
    (void)state;
    all_items(items);
    for (size_t i = 0; i < ITEMS; i++) {
        struct mt_gov *g = set_for(items, i);
        for (size_t at = 0; at < items[i].n; at++) {
            struct made m = items[i];
            m.b[at] ^= 0x01;
            enum mt_err err = gov_add(g, m);
            assert_int_not_equal(err, MT_OK);
            assert_int_equal(mt_err_class(err), MT_CLASS_PEER);
        }
        mt_gov_free(g);
    }
}

static void wrap(struct made *m, uint64_t type, struct mt_slice body, size_t signature) {
    uint8_t sig[80] = {1};
    struct mt_writer w = mt_writer(m->b, sizeof m->b);
    mt_wire_put_array(&w, 3);
    mt_wire_put_uint(&w, type);
    mt_wire_put_bin(&w, body.p, body.n);
    mt_wire_put_bin(&w, sig, signature);
    m->n = w.n;
}

static void shells_are_strict(void **state) {
    static const struct mt_id ZEROS;
    struct made m;
    struct mt_item item;
    struct mt_slice body = mt_slice_str("body");
    (void)state;
    wrap(&m, MT_ITEM_VOTE, body, 64);
    assert_int_equal(mt_item_get(made_slice(&m), &ZEROS, &item), MT_OK);
    assert_true(item.type == MT_ITEM_VOTE && mt_slice_eq(item.body, body));
    wrap(&m, 0, body, 64);
    assert_int_equal(mt_item_get(made_slice(&m), &ZEROS, &item), MT_EVERSION);
    wrap(&m, MT_ITEM_JOIN + 1, body, 64);
    assert_int_equal(mt_item_get(made_slice(&m), &ZEROS, &item), MT_EVERSION);
    wrap(&m, UINT64_C(1) << 32 | MT_ITEM_VOTE, body, 64);
    assert_int_equal(mt_item_get(made_slice(&m), &ZEROS, &item), MT_EVERSION);
    wrap(&m, MT_ITEM_VOTE, body, 63);
    assert_int_equal(mt_item_get(made_slice(&m), &ZEROS, &item), MT_ESIGNATURE);
    wrap(&m, MT_ITEM_VOTE, body, 0);
    assert_int_equal(mt_item_get(made_slice(&m), &ZEROS, &item), MT_ESIGNATURE);
    wrap(&m, MT_ITEM_VOTE, body, 65);
    assert_int_equal(mt_item_get(made_slice(&m), &ZEROS, &item), MT_ETOOLONG);
    wrap(&m, MT_ITEM_ADMIT, body, 64);
    assert_int_equal(mt_item_get(made_slice(&m), &ZEROS, &item), MT_ESIGNATURE);
    wrap(&m, MT_ITEM_ADMIT, body, 0);
    assert_int_equal(mt_item_get(made_slice(&m), &ZEROS, &item), MT_OK);
    static const char LONG_FORM[] = "\xdc\x00\x03\x03\xc4\x00\xc4\x00";
    assert_int_equal(mt_item_get(mt_slice(LONG_FORM, 8), &ZEROS, &item), MT_ECANONICAL);
    assert_int_equal(mt_item_get(mt_slice("\x92\x03\xc4\x00", 4), &ZEROS, &item), MT_EVALUE);
    assert_int_equal(mt_item_get(mt_slice("\x93\x03\xa0\xc4\x00", 5), &ZEROS, &item), MT_ETYPE);
}

static void an_item_is_at_most_half_a_megabyte(void **state) {
    static const struct mt_id ZEROS;
    struct mt_item item;
    size_t cap = MT_ITEM_MAX + 64;
    uint8_t *p = malloc(cap), *body = calloc(1, MT_ITEM_MAX);
    (void)state;
    assert_true(p && body);
    /* The longest body that is taken, one more, and bytes beyond the item's own cap. */
    static const size_t SIZES[] = {MT_ITEM_MAX - 128, MT_ITEM_MAX - 127, MT_ITEM_MAX};
    for (size_t i = 0; i < MT_ARRAY_LEN(SIZES); i++) {
        struct mt_writer w = mt_writer(p, cap);
        mt_wire_put_array(&w, 3);
        mt_wire_put_uint(&w, MT_ITEM_ADMIT);
        mt_wire_put_bin(&w, body, SIZES[i]);
        mt_wire_put_bin(&w, NULL, 0);
        assert_int_equal(w.err, MT_OK);
        assert_int_equal(mt_item_get(mt_writer_slice(&w), &ZEROS, &item), i ? MT_ETOOLONG : MT_OK);
    }
    free(p);
    free(body);
}

static void other_types_are_not_decoded(void **state) {
    struct made items[ITEMS];
    struct mt_id region = the_region();
    struct mt_found f;
    struct mt_join j;
    struct mt_admit a;
    struct mt_vote v;
    struct mt_certificate c;
    (void)state;
    all_items(items);
    for (size_t i = 0; i < ITEMS; i++) {
        struct mt_item item;
        assert_int_equal(mt_item_get(made_slice(&items[i]), &region, &item), MT_OK);
        assert_int_equal(mt_found_check(&item, &f), i == 0 ? MT_OK : MT_ETYPE);
        assert_int_equal(mt_vote_check(&item, &region, &v), i == 1 ? MT_OK : MT_ETYPE);
        assert_int_equal(mt_join_check(&item, &j), i == 2 ? MT_OK : MT_ETYPE);
        assert_int_equal(mt_admit_get(&item, &a), i == 3 ? MT_OK : MT_ETYPE);
        bool certificate = i == 4 || i == 5;
        assert_int_equal(mt_certificate_check(&item, &region, &c), certificate ? MT_OK : MT_ETYPE);
    }
}

static void what_is_decoded_is_what_was_put(void **state) {
    struct made items[ITEMS];
    struct mt_id region = the_region();
    struct mt_item item;
    struct mt_found f;
    struct mt_certificate c;
    struct mt_vote v;
    (void)state;
    all_items(items);
    assert_int_equal(mt_item_get(made_slice(&items[0]), &region, &item), MT_OK);
    assert_int_equal(mt_found_check(&item, &f), MT_OK);
    struct built_org o = built_org(1), two = built_org(2);
    assert_true(mt_slice_is(f.name, "Meppel") && mt_slice_is(f.founder_name, "Terra"));
    assert_true(mt_id_eq(&f.founder, &o.root.pub) && mt_id_eq(&f.voter, &o.feed.pub));
    assert_memory_equal(f.grant, o.grant.pub, 32);
    assert_true(f.retention_days[0] == 730 && f.retention_days[3] == 2557 && f.admit_k == 0);
    assert_int_equal(mt_item_get(made_slice(&items[5]), &region, &item), MT_OK);
    assert_int_equal(mt_certificate_check(&item, &region, &c), MT_OK);
    assert_true(mt_id_eq(&c.org, &two.root.pub) && mt_id_eq(&c.feed, &two.feed.pub));
    assert_true(c.number == 5 && mt_id_eq(&c.region, &region) && !mt_id_is_zero(&c.replaces));
    assert_int_equal(mt_item_get(made_slice(&items[1]), &region, &item), MT_OK);
    assert_int_equal(mt_vote_check(&item, &region, &v), MT_OK);
    assert_true(v.n == 1 && v.approve && mt_id_eq(&v.act, &items[3].id));
}

/* A join request with this name, as an item. */
static enum mt_err join_named(const char *p, size_t n) {
    struct mt_join j = join_body(2), out;
    struct mt_item item;
    struct made m;
    struct built_org o = built_org(2);
    j.name = mt_slice(p, n);
    struct mt_writer w = mt_writer(m.b, sizeof m.b);
    mt_join_put(&w, &j, &o.root);
    assert_int_equal(w.err, MT_OK);
    enum mt_err err = mt_item_get(mt_writer_slice(&w), &j.region, &item);
    return err ? err : mt_join_check(&item, &out);
}

static void names_are_short_text_without_control_characters(void **state) {
    char name[MT_NAME_MAX + 2];
    (void)state;
    memset(name, 'x', sizeof name);
    assert_int_equal(join_named(name, MT_NAME_MAX), MT_OK);
    assert_int_equal(join_named(name, MT_NAME_MAX + 1), MT_ETOOLONG);
    assert_int_equal(join_named(name, 0), MT_EVALUE);
    assert_int_equal(join_named(name, 1), MT_OK);
    for (int c = 0; c < 0x20; c++) {
        name[3] = (char)c;
        assert_int_equal(join_named(name, 8), MT_EVALUE);
    }
    name[3] = 0x7f;
    assert_int_equal(join_named(name, 8), MT_EVALUE);
    assert_int_equal(join_named("caf\xc3\xa9", 5), MT_OK);
    assert_int_equal(join_named("caf\xe9", 4), MT_EVALUE);
    assert_int_equal(join_named("a\xc2\x9b"
                                "31m",
                                6),
                     MT_EVALUE); /* C1 */
    assert_int_equal(join_named("a\xe2\x80\xae"
                                "b",
                                5),
                     MT_EVALUE); /* U+202E */
    assert_int_equal(join_named("a\xe2\x81\xa6"
                                "b",
                                5),
                     MT_EVALUE); /* U+2066 */
    assert_int_equal(join_named("a\xe2\x80\x93"
                                "b",
                                5),
                     MT_OK); /* a dash */
}

static void numbers_of_installations_stop_below_the_cap(void **state) {
    struct mt_id region = the_region();
    struct mt_certificate c;
    struct mt_item item;
    (void)state;
    struct made m = made_certificate(1, 1, MT_INSTALLATIONS_MAX - 1);
    assert_int_equal(mt_item_get(made_slice(&m), &region, &item), MT_OK);
    assert_int_equal(mt_certificate_check(&item, &region, &c), MT_OK);
    m = made_certificate(1, 1, MT_INSTALLATIONS_MAX);
    assert_int_equal(mt_item_get(made_slice(&m), &region, &item), MT_OK);
    assert_int_equal(mt_certificate_check(&item, &region, &c), MT_EVALUE);
}

static void numbers_of_acts_stop_at_their_caps(void **state) {
    struct built_org o = built_org(1);
    (void)state;
    for (int field = 0; field < 3; field++)
        for (uint64_t over = 0; over < 2; over++) {
            struct made m;
            struct mt_item item;
            struct mt_found f = found_body(), out;
            if (field == 0)
                f.admit_k = MT_ORGS_MAX + over;
            else
                f.retention_days[field] = 100 * 366 + over;
            struct mt_writer w = mt_writer(m.b, sizeof m.b);
            mt_found_put(&w, &f, &o.root);
            m = made_end(&m, &w, NULL);
            assert_int_equal(mt_item_get(made_slice(&m), NULL, &item), MT_OK);
            assert_int_equal(mt_found_check(&item, &out), over ? MT_EVALUE : MT_OK);
        }
    for (uint64_t over = 0; over < 2; over++) {
        struct mt_id region = the_region();
        struct mt_item item;
        struct mt_vote v;
        struct made m = made_vote(&region, 1, MT_LAMPORT_MAX + over, true);
        assert_int_equal(mt_item_get(made_slice(&m), &region, &item), MT_OK);
        assert_int_equal(mt_vote_check(&item, &region, &v), over ? MT_EVALUE : MT_OK);
    }
}

static void roles_are_member_or_relay(void **state) {
    struct made join = made_join(2);
    struct mt_id region = the_region();
    (void)state;
    for (int role = 0; role <= 3; role++) {
        struct made m = made_admit_of(&join, (enum mt_role)role);
        struct mt_item item;
        struct mt_admit a;
        assert_int_equal(mt_item_get(made_slice(&m), &region, &item), MT_OK);
        bool ok = role == MT_ROLE_MEMBER || role == MT_ROLE_RELAY;
        assert_int_equal(mt_admit_get(&item, &a), ok ? MT_OK : MT_EVALUE);
    }
}

static void builders_say_when_it_does_not_fit(void **state) {
    struct made m;
    struct mt_join j = join_body(2);
    struct built_org o = built_org(2);
    static char huge[600];
    (void)state;
    memset(huge, 'x', sizeof huge);
    struct made whole = made_join(2);
    for (size_t n = 0; n < whole.n; n++) {
        struct mt_writer w = mt_writer(m.b, n);
        mt_join_put(&w, &j, &o.root);
        assert_int_equal(w.err, MT_ETOOLONG);
    }
    j.name = mt_slice(huge, sizeof huge);
    struct mt_writer w = mt_writer(m.b, sizeof m.b);
    mt_join_put(&w, &j, &o.root);
    assert_int_equal(w.err, MT_ETOOLONG);
}

static void nothing_is_freed(void **state) {
    (void)state;
    mt_gov_free(NULL);
    struct mt_gov *empty = mt_gov_new();
    assert_non_null(empty);
    assert_false(mt_gov_is_founded(empty));
    mt_gov_free(empty);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_freed),
        cmocka_unit_test(frozen_items),
        cmocka_unit_test(each_cut_or_longer_item_is_refused),
        cmocka_unit_test(each_changed_byte_is_refused),
        cmocka_unit_test(shells_are_strict),
        cmocka_unit_test(an_item_is_at_most_half_a_megabyte),
        cmocka_unit_test(other_types_are_not_decoded),
        cmocka_unit_test(what_is_decoded_is_what_was_put),
        cmocka_unit_test(names_are_short_text_without_control_characters),
        cmocka_unit_test(numbers_of_installations_stop_below_the_cap),
        cmocka_unit_test(numbers_of_acts_stop_at_their_caps),
        cmocka_unit_test(roles_are_member_or_relay),
        cmocka_unit_test(builders_say_when_it_does_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
