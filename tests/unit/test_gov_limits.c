/* Governance at its edges: requests and admissions that were made wrong on purpose, what falls when
 * something it leans on is pushed out, and a region with as many organisations as it may have. */
#include "gov_fixture.h"

static struct made made_body(enum mt_item_type type, const struct mt_writer *body,
                             const uint8_t *sig) {
    struct made m;
    struct mt_id region = the_region();
    struct mt_writer w = mt_writer(m.b, sizeof m.b);
    assert_int_equal(body->err, MT_OK);
    mt_wire_put_array(&w, 3);
    mt_wire_put_uint(&w, type);
    mt_wire_put_bin(&w, body->p, body->n);
    mt_wire_put_bin(&w, sig, sig ? MT_SIGNATURE_SIZE : 0);
    return made_end(&m, &w, &region);
}

/* An admission with this request and role, and `extra` elements more than it has. */
static struct made admission(struct mt_slice join, uint64_t role, size_t extra) {
    uint8_t buf[1024];
    struct mt_writer b = mt_writer(buf, sizeof buf);
    mt_wire_put_array(&b, 3 + extra);
    mt_wire_put_bin(&b, join.p, join.n);
    mt_wire_put_uint(&b, role);
    for (size_t i = 0; i <= extra; i++)
        mt_wire_put_array(&b, 0);
    return made_body(MT_ITEM_ADMIT, &b, NULL);
}

static enum mt_err admit(struct mt_gov *g, struct made act) {
    assert_int_equal(gov_add(g, made_vote(&act.id, 1, 1, true)), MT_OK);
    return gov_add(g, act);
}

/* The seat's vote is for an id: that what has it makes sense is for us to see. */
static void votes_do_not_make_a_broken_admission_good(void **state) {
    struct mt_gov *g = gov_founded();
    struct made join = made_join(2);
    struct mt_writer nothing = mt_writer(NULL, 0);
    (void)state;
    assert_int_equal(admit(g, made_body(MT_ITEM_ADMIT, &nothing, NULL)), MT_ETRUNCATED);
    assert_int_equal(admit(g, admission(made_slice(&join), 0, 0)), MT_EVALUE);
    assert_int_equal(admit(g, admission(made_slice(&join), 3, 0)), MT_EVALUE);
    assert_int_equal(admit(g, admission(made_slice(&join), MT_ROLE_MEMBER, 1)), MT_ETOOLONG);
    assert_int_equal(admit(g, admission(mt_slice_str("request"), MT_ROLE_MEMBER, 0)), MT_ETRAILING);
    assert_int_equal(admit(g, admission(mt_slice(join.b, join.n - 1), MT_ROLE_MEMBER, 0)),
                     MT_ETRUNCATED);
    assert_null(gov_member(g, 2));
    assert_int_equal(admit(g, admission(made_slice(&join), MT_ROLE_MEMBER, 0)), MT_OK);
    assert_non_null(gov_member(g, 2));
    mt_gov_free(g);
}

/* Made by hand: the id is that of an item here, the body and the signature are for elsewhere. */
static void a_request_to_another_region_is_none_to_this(void **state) {
    struct mt_gov *g = gov_founded();
    struct built_org two = built_org(2);
    uint8_t buf[512], sig[MT_SIGNATURE_SIZE] = {0};
    struct mt_id elsewhere = built_id("region", 9);
    struct mt_writer b = mt_writer(buf, sizeof buf);
    (void)state;
    mt_wire_put_array(&b, 4);
    mt_wire_put_id(&b, &elsewhere);
    mt_wire_put_id(&b, &two.root.pub);
    mt_wire_put_bin(&b, two.grant.pub, 32);
    mt_wire_put_str(&b, mt_slice_str("Stad & Esch"));
    struct made join = made_body(MT_ITEM_JOIN, &b, sig);
    mt_sign(&two.root, "item-signature", &elsewhere, join.id.b, sizeof join.id.b, sig);
    join = made_body(MT_ITEM_JOIN, &b, sig);
    assert_int_equal(admit(g, admission(made_slice(&join), MT_ROLE_MEMBER, 0)), MT_EVALUE);
    assert_null(gov_member(g, 2));
    mt_gov_free(g);
}

static void of_two_admissions_of_one_organisation_the_lower_speaks(void **state) {
    struct mt_join j = join_body(2);
    struct made join[2] = {made_join(2)}, act[2];
    (void)state;
    j.name = mt_slice_str("Stad en Esch");
    join[1] = made_join_of(&j, 2);
    for (int i = 0; i < 2; i++)
        act[i] = made_admit_of(&join[i], MT_ROLE_MEMBER);
    int lower = mt_id_cmp(&act[0].id, &act[1].id) < 0 ? 0 : 1;
    for (int order = 0; order < 2; order++) {
        struct mt_gov *g = gov_founded();
        assert_int_equal(admit(g, act[order]), MT_OK);
        assert_int_equal(admit(g, act[!order]), MT_OK);
        const struct mt_member *m = gov_member(g, 2);
        assert_true(m && m->role == MT_ROLE_MEMBER && mt_id_eq(&m->act, &act[lower].id));
        assert_string_equal(m->name, lower ? "Stad en Esch" : "Stad & Esch");
        assert_int_equal(mt_gov_members(g), 2);
        mt_gov_free(g);
    }
}

/* Of two statements of one minter for one reason the lower id stays, with what was granted of it. */
static void grants_fall_with_their_statement(void **state) {
    struct made st[2] = {made_statement(1, 1), made_statement(1, 2)};
    struct mt_id two = built_org(2).root.pub;
    int lower = mt_id_cmp(&st[0].id, &st[1].id) < 0 ? 0 : 1;
    struct mt_gov *g = gov_founded();
    (void)state;
    gov_admit(g, 2);
    struct made grant = made_grant(&st[!lower].id, 2, 1, 1, 5);
    assert_int_equal(gov_add(g, st[!lower]), MT_OK);
    assert_int_equal(gov_add(g, grant), MT_OK);
    size_t n = mt_gov_count(g);
    assert_non_null(mt_gov_seal(g, &st[!lower].id, &two, 0));
    assert_int_equal(gov_add(g, st[lower]), MT_OK);
    assert_int_equal(mt_gov_count(g), n - 1); /* one came, two went */
    assert_false(mt_gov_has(g, &st[!lower].id) || mt_gov_has(g, &grant.id));
    assert_null(mt_gov_seal(g, &st[!lower].id, &two, 0));
    assert_int_equal(gov_add(g, made_grant(&st[lower].id, 2, 1, 1, 5)), MT_OK);
    assert_non_null(mt_gov_seal(g, &st[lower].id, &two, 0));
    assert_int_equal(gov_add(g, grant), MT_EUNKNOWN);
    mt_gov_free(g);
}

static void only_statements_have_seals(void **state) {
    struct mt_gov *g = gov_founded();
    struct built_org one = built_org(1);
    (void)state;
    assert_null(mt_gov_seal(g, mt_gov_region(g), &one.root.pub, 0));
    for (size_t i = 0; i < mt_gov_count(g); i++)
        assert_null(mt_gov_seal(g, mt_gov_item_id(g, i), &one.root.pub, 0));
    mt_gov_free(g);
}

/* A guest who asks for the proof of one admission learns nothing of other votes. */
static void votes_on_other_things_prove_no_admission(void **state) {
    struct mt_gov *g = gov_founded();
    struct made two = made_admit(2), three = made_admit(3), open = made_admit(4);
    struct made votes[] = {made_vote(&two.id, 1, 1, true), made_vote(&three.id, 1, 1, true),
                           made_vote(&open.id, 1, 1, true),
                           made_vote(mt_gov_region(g), 1, 1, true)};
    struct mt_id org = built_org(2).root.pub;
    (void)state;
    for (size_t i = 0; i < MT_ARRAY_LEN(votes); i++)
        assert_int_equal(gov_add(g, votes[i]), MT_OK);
    assert_int_equal(gov_add(g, two), MT_OK);
    assert_int_equal(gov_add(g, three), MT_OK);
    for (size_t i = 0; i < mt_gov_count(g); i++) {
        const struct mt_id *id = mt_gov_item_id(g, i);
        bool wanted =
            mt_id_eq(id, mt_gov_region(g)) || mt_id_eq(id, &two.id) || mt_id_eq(id, &votes[0].id);
        assert_int_equal(mt_gov_is_proof(g, i, &org), wanted);
    }
    mt_gov_free(g);
}

/* Memory for certificates is taken by what is held, and the first may come late. */
static void many_certificates_after_many_votes_all_count(void **state) {
    enum { INSTALLATIONS = 70 };
    struct mt_gov *g = mt_gov_new();
    (void)state;
    assert_non_null(g);
    assert_int_equal(gov_add(g, made_found()), MT_OK);
    for (uint64_t i = 0; i < MT_FREE_VOTES_MAX; i++) {
        struct mt_id act = built_id("act", i);
        assert_int_equal(gov_add(g, made_vote(&act, 1, 1, true)), MT_OK);
    }
    for (uint64_t i = 1; i <= INSTALLATIONS; i++)
        assert_int_equal(gov_add(g, made_certificate(1, i, i)), MT_OK);
    /* One feed with two numbers makes that all is worked out anew. */
    assert_int_equal(gov_add(g, made_certificate(1, 1, INSTALLATIONS + 1)), MT_OK);
    assert_int_equal(mt_gov_installations(g), INSTALLATIONS);
    for (uint64_t i = 2; i <= INSTALLATIONS; i++)
        assert_int_equal(gov_installation(g, i)->number, i);
    mt_gov_free(g);
}

static void what_has_no_signature_verifies_for_nobody(void **state) {
    struct made act = made_admit(2);
    struct mt_id region = the_region();
    struct built_org one = built_org(1);
    struct mt_item item;
    (void)state;
    assert_int_equal(mt_item_get(made_slice(&act), &region, &item), MT_OK);
    assert_int_equal(mt_item_verify(&item, &region, &one.root.pub), MT_ESIGNATURE);
}

static void builders_write_nothing_of_what_is_too_long(void **state) {
    static char huge[2048];
    struct built_org o = built_org(1);
    struct mt_found f = found_body();
    struct mt_admit a = {.join = mt_slice(huge, sizeof huge), .role = MT_ROLE_MEMBER};
    uint8_t out[4096];
    (void)state;
    f.name = mt_slice(huge, sizeof huge);
    struct mt_writer w = mt_writer(out, sizeof out);
    mt_found_put(&w, &f, &o.root);
    assert_true(w.err == MT_ETOOLONG && w.n == 0);
    w = mt_writer(out, sizeof out);
    mt_admit_put(&w, &a);
    assert_true(w.err == MT_ETOOLONG && w.n == 0);
    w = mt_writer(out, sizeof out); /* an error from before is the one that stays */
    w.err = MT_EVALUE;
    mt_admit_put(&w, &a);
    assert_true(w.err == MT_EVALUE && w.n == 0);
}

/* ---- as many organisations as there may be ---- */

struct crowd {
    struct mt_gov *g;
    struct mt_id region;
};

/* The request of organisation number `n`, whose grant key is nobody's: nothing is sealed here. */
static struct made crowd_join(const struct crowd *c, uint64_t n, const char *name) {
    struct made m;
    struct mt_sign_key root;
    struct mt_join j = {.region = c->region, .name = mt_slice_str(name)};
    uint8_t seed[32];
    built_bytes(seed, "crowd", n);
    mt_sign_key_make(seed, &root);
    j.org = root.pub;
    built_bytes(j.grant, "crowd grant", n);
    struct mt_writer w = mt_writer(m.b, sizeof m.b);
    mt_join_put(&w, &j, &root);
    return made_end(&m, &w, &c->region);
}

static enum mt_err crowd_add(const struct crowd *c, const struct mt_writer *w, struct mt_id *id) {
    assert_int_equal(w->err, MT_OK);
    return mt_gov_add(c->g, mt_writer_slice(w), id);
}

static enum mt_err crowd_vote(const struct crowd *c, const struct mt_id *act, uint64_t n,
                              bool approve) {
    uint8_t buf[512];
    static struct built_org seat;
    if (mt_id_is_zero(&seat.root.pub))
        seat = built_org(1);
    struct mt_vote v = {.act = *act, .org = seat.root.pub, .n = n, .approve = approve};
    struct mt_writer w = mt_writer(buf, sizeof buf);
    struct mt_id id;
    mt_vote_put(&w, &c->region, &v, &seat.root);
    return crowd_add(c, &w, &id);
}

/* Admits organisation `n`. Out: the act. */
static enum mt_err crowd_admit(const struct crowd *c, uint64_t n, const char *name,
                               struct mt_id *act) {
    struct made m, join = crowd_join(c, n, name);
    struct mt_admit a = {.join = made_slice(&join), .role = MT_ROLE_MEMBER};
    struct mt_writer w = mt_writer(m.b, sizeof m.b);
    mt_admit_put(&w, &a);
    m = made_end(&m, &w, &c->region);
    *act = m.id;
    assert_int_equal(crowd_vote(c, act, 1, true), MT_OK);
    return crowd_add(c, &w, act);
}

/* Whom a full region refuses it keeps refusing, and nothing else in it changes. */
static void a_region_is_full_at_its_cap(void **state) {
    struct crowd c = {.g = gov_founded(), .region = the_region()};
    struct mt_id act, first, late;
    uint8_t before[32], after[32];
    (void)state;
    assert_int_equal(crowd_admit(&c, 1, "Terra", &first), MT_OK);
    for (uint64_t n = 2; n < MT_ORGS_MAX; n++)
        assert_int_equal(crowd_admit(&c, n, "Terra", &act), MT_OK);
    assert_int_equal(mt_gov_members(c.g), MT_ORGS_MAX);
    assert_int_equal(crowd_admit(&c, MT_ORGS_MAX, "Te laat", &late), MT_EFULL);
    assert_false(mt_gov_has(c.g, &late));
    assert_int_equal(mt_gov_members(c.g), MT_ORGS_MAX);
    /* One that was admitted before may be so once more; a vote against the first makes one less. */
    assert_int_equal(crowd_admit(&c, 2, "Terra Meppel", &act), MT_OK);
    assert_int_equal(crowd_vote(&c, &first, 2, false), MT_OK);
    assert_int_equal(mt_gov_members(c.g), MT_ORGS_MAX - 1);
    /* No place came free, or the vote could not be taken back again. */
    assert_int_equal(mt_gov_digest(c.g, before), MT_OK);
    struct made join = crowd_join(&c, MT_ORGS_MAX, "Te laat");
    struct made again = made_admit_of(&join, MT_ROLE_MEMBER);
    assert_int_equal(gov_add(c.g, again), MT_EFULL);
    assert_int_equal(mt_gov_digest(c.g, after), MT_OK);
    assert_memory_equal(before, after, 32);
    assert_int_equal(crowd_vote(&c, &first, 3, true), MT_OK);
    assert_int_equal(mt_gov_members(c.g), MT_ORGS_MAX);
    mt_gov_free(c.g);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(votes_do_not_make_a_broken_admission_good),
        cmocka_unit_test(a_request_to_another_region_is_none_to_this),
        cmocka_unit_test(of_two_admissions_of_one_organisation_the_lower_speaks),
        cmocka_unit_test(grants_fall_with_their_statement),
        cmocka_unit_test(only_statements_have_seals),
        cmocka_unit_test(votes_on_other_things_prove_no_admission),
        cmocka_unit_test(many_certificates_after_many_votes_all_count),
        cmocka_unit_test(what_has_no_signature_verifies_for_nobody),
        cmocka_unit_test(builders_write_nothing_of_what_is_too_long),
        cmocka_unit_test(a_region_is_full_at_its_cap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
