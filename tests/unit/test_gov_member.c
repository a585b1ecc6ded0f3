/* What follows from a set of items: members, installations, keys; the same in every order. */
#include "gov_fixture.h"

static void founding_seats_the_founder(void **state) {
    struct mt_gov *g = mt_gov_new();
    (void)state;
    assert_false(mt_gov_is_founded(g));
    assert_true(mt_id_is_zero(mt_gov_region(g)));
    struct made admit = made_admit(2);
    assert_int_equal(gov_add(g, made_vote(&admit.id, 1, 1, true)), MT_EUNKNOWN);
    assert_int_equal(gov_add(g, made_certificate(1, 1, 0)), MT_EUNKNOWN);
    assert_int_equal(gov_add(g, made_found()), MT_OK);
    assert_true(mt_gov_is_founded(g));
    assert_string_equal(mt_gov_region_name(g), "Meppel");
    assert_int_equal(mt_gov_members(g), 1);
    const struct mt_member *m = gov_member(g, 1);
    assert_true(m && m->is_seat && m->role == MT_ROLE_MEMBER);
    assert_string_equal(m->name, "Terra");
    assert_true(mt_id_eq(&m->act, mt_gov_region(g)));
    mt_gov_free(g);
}

static struct made found_with(const struct mt_found *f, uint64_t signer) {
    struct made m;
    struct built_org o = built_org(signer);
    struct mt_writer w = mt_writer(m.b, sizeof m.b);
    mt_found_put(&w, f, &o.root);
    return made_end(&m, &w, NULL);
}

static void a_region_is_founded_once_and_by_its_founder(void **state) {
    struct mt_gov *g = mt_gov_new();
    struct mt_found f = found_body();
    (void)state;
    assert_int_equal(gov_add(g, found_with(&f, 2)), MT_ESIGNATURE);
    memset(f.grant, 0, sizeof f.grant);
    assert_int_equal(gov_add(g, found_with(&f, 1)), MT_EVALUE);
    f = found_body();
    assert_int_equal(gov_add(g, found_with(&f, 1)), MT_OK);
    f.random[0] ^= 1;
    assert_int_equal(gov_add(g, found_with(&f, 1)), MT_EVALUE);
    mt_gov_free(g);
}

static void an_admission_needs_a_vote_of_the_seat(void **state) {
    struct mt_gov *g = gov_founded();
    struct made admit = made_admit(2), other = made_admit(3);
    (void)state;
    assert_int_equal(gov_add(g, admit), MT_EUNKNOWN);
    assert_int_equal(gov_add(g, made_vote(&admit.id, 2, 1, true)), MT_EUNKNOWN);
    assert_int_equal(gov_add(g, admit), MT_EUNKNOWN);
    assert_int_equal(gov_add(g, made_vote(&other.id, 1, 1, true)), MT_OK);
    assert_int_equal(gov_add(g, admit), MT_EUNKNOWN);
    assert_null(gov_member(g, 2));
    assert_int_equal(gov_add(g, made_vote(&admit.id, 1, 1, true)), MT_OK);
    assert_int_equal(gov_add(g, admit), MT_OK);
    const struct mt_member *m = gov_member(g, 2);
    assert_true(m && !m->is_seat && m->role == MT_ROLE_MEMBER && mt_id_eq(&m->act, &admit.id));
    assert_string_equal(m->name, "Stad & Esch");
    assert_int_equal(mt_gov_members(g), 2);
    mt_gov_free(g);
}

static void the_highest_vote_counts(void **state) {
    struct mt_gov *g = gov_founded();
    struct made admit = made_admit(2);
    (void)state;
    gov_admit(g, 3);
    assert_int_equal(gov_add(g, made_vote(&admit.id, 1, 5, false)), MT_OK);
    assert_int_equal(gov_add(g, admit), MT_OK);
    assert_null(gov_member(g, 2));
    assert_int_equal(gov_add(g, made_vote(&admit.id, 1, 4, true)), MT_OK);
    assert_null(gov_member(g, 2));
    assert_int_equal(gov_add(g, made_vote(&admit.id, 1, 6, true)), MT_OK);
    assert_non_null(gov_member(g, 2));
    assert_int_equal(gov_add(g, made_vote(&admit.id, 1, 7, false)), MT_OK);
    assert_null(gov_member(g, 2));
    assert_non_null(gov_member(g, 3));
    assert_true(gov_member(g, 1)->is_seat);
    assert_int_equal(mt_gov_members(g), 2);
    mt_gov_free(g);
}

static void of_two_votes_with_one_number_the_lower_id_counts(void **state) {
    struct made admit = made_admit(2);
    struct made yes = made_vote(&admit.id, 1, 1, true), no = made_vote(&admit.id, 1, 1, false);
    bool yes_is_lower = mt_id_cmp(&yes.id, &no.id) < 0;
    (void)state;
    for (int order = 0; order < 2; order++) {
        struct mt_gov *g = gov_founded();
        assert_int_equal(gov_add(g, order ? yes : no), MT_OK);
        enum mt_err err = gov_add(g, order ? no : yes);
        bool second_is_lower = order ? !yes_is_lower : yes_is_lower;
        assert_int_equal(err, second_is_lower ? MT_OK : MT_EDUPLICATE);
        assert_int_equal(gov_add(g, admit), MT_OK);
        assert_int_equal(gov_member(g, 2) != NULL, yes_is_lower);
        mt_gov_free(g);
    }
}

static void open_votes_stop_at_their_cap(void **state) {
    struct mt_gov *g = gov_founded();
    struct made admit = made_admit(2);
    (void)state;
    for (uint64_t i = 0; i < MT_FREE_VOTES_MAX; i++) {
        struct mt_id act = built_id("act", i);
        assert_int_equal(gov_add(g, made_vote(&act, 1, 1, true)), MT_OK);
    }
    assert_int_equal(gov_add(g, made_vote(&admit.id, 1, 1, true)), MT_EFULL);
    struct mt_id act = built_id("act", 0);
    assert_int_equal(gov_add(g, made_vote(&act, 1, 2, true)), MT_OK);
    mt_gov_free(g);
}

/* Adds an admission of this request, with a vote for it. */
static enum mt_err admit_join(struct mt_gov *g, const struct made *join, enum mt_role role) {
    struct made admit = made_admit_of(join, role);
    assert_int_equal(gov_add(g, made_vote(&admit.id, 1, 1, true)), MT_OK);
    return gov_add(g, admit);
}

static void requests_are_checked_before_they_count(void **state) {
    struct mt_gov *g = gov_founded();
    struct mt_join j = join_body(2);
    (void)state;
    struct made forged = made_join_of(&j, 3);
    assert_int_equal(admit_join(g, &forged, MT_ROLE_MEMBER), MT_ESIGNATURE);
    j.region = built_id("region", 9);
    struct made elsewhere = made_join_of(&j, 2);
    assert_int_equal(admit_join(g, &elsewhere, MT_ROLE_MEMBER), MT_ESIGNATURE);
    j = join_body(2);
    memset(j.grant, 0, sizeof j.grant);
    struct made low = made_join_of(&j, 2);
    assert_int_equal(admit_join(g, &low, MT_ROLE_MEMBER), MT_EVALUE);
    j.grant[0] = 1;
    low = made_join_of(&j, 2);
    assert_int_equal(admit_join(g, &low, MT_ROLE_MEMBER), MT_EVALUE);
    memcpy(j.grant, built_org(1).grant.pub, 32);
    struct made founders = made_join_of(&j, 2);
    assert_int_equal(admit_join(g, &founders, MT_ROLE_MEMBER), MT_EVALUE);
    struct made founder = made_join(1);
    assert_int_equal(admit_join(g, &founder, MT_ROLE_RELAY), MT_EVALUE);
    struct made certificate = made_certificate(2, 2, 0);
    assert_int_equal(admit_join(g, &certificate, MT_ROLE_MEMBER), MT_ETYPE);
    assert_int_equal(mt_gov_members(g), 1);
    assert_true(gov_member(g, 1)->is_seat && gov_member(g, 1)->role == MT_ROLE_MEMBER);
    mt_gov_free(g);
}

static void a_grant_key_belongs_to_the_lowest_admission(void **state) {
    struct mt_join j = join_body(3);
    (void)state;
    memcpy(j.grant, built_org(2).grant.pub, 32);
    struct made join[2] = {made_join(2), made_join_of(&j, 3)}, admit[2];
    for (int i = 0; i < 2; i++)
        admit[i] = made_admit_of(&join[i], MT_ROLE_MEMBER);
    int lower = mt_id_cmp(&admit[0].id, &admit[1].id) < 0 ? 0 : 1;
    for (int order = 0; order < 2; order++) {
        struct mt_gov *g = gov_founded();
        assert_int_equal(admit_join(g, &join[order], MT_ROLE_MEMBER), MT_OK);
        assert_int_equal(admit_join(g, &join[!order], MT_ROLE_MEMBER), MT_OK);
        assert_int_equal(gov_member(g, 2) != NULL, lower == 0);
        assert_int_equal(gov_member(g, 3) != NULL, lower == 1);
        /* Taken back, the other comes into force. */
        assert_int_equal(gov_add(g, made_vote(&admit[lower].id, 1, 2, false)), MT_OK);
        assert_int_equal(gov_member(g, 2) != NULL, lower == 1);
        assert_int_equal(gov_member(g, 3) != NULL, lower == 0);
        mt_gov_free(g);
    }
}

static void roles_that_differ_leave_a_relay(void **state) {
    struct made join = made_join(2);
    (void)state;
    for (int order = 0; order < 2; order++) {
        struct mt_gov *g = gov_founded();
        enum mt_role first = order ? MT_ROLE_RELAY : MT_ROLE_MEMBER;
        assert_int_equal(admit_join(g, &join, first), MT_OK);
        assert_int_equal(gov_member(g, 2)->role, first);
        assert_int_equal(admit_join(g, &join, order ? MT_ROLE_MEMBER : MT_ROLE_RELAY), MT_OK);
        assert_int_equal(gov_member(g, 2)->role, MT_ROLE_RELAY);
        mt_gov_free(g);
    }
}

/* A certificate of organisation 2 with one thing wrong. */
static struct made wrong_certificate(int what) {
    struct made m;
    struct built_org two = built_org(2), three = built_org(3);
    struct mt_certificate c = {.region = the_region(), .org = two.root.pub, .feed = two.feed.pub};
    struct mt_writer w = mt_writer(m.b, sizeof m.b);
    if (what == 3)
        c.region = built_id("region", 9);
    mt_certificate_put(&w, &c, what == 1 ? &three.root : &two.root,
                       what == 2 ? &three.feed : &two.feed);
    return made_end(&m, &w, &c.region);
}

static void certificates_need_both_signatures_and_the_region(void **state) {
    struct mt_gov *g = gov_founded();
    (void)state;
    assert_int_equal(gov_add(g, made_certificate(2, 2, 0)), MT_EUNKNOWN);
    gov_admit(g, 2);
    assert_int_equal(gov_add(g, wrong_certificate(1)), MT_ESIGNATURE);
    assert_int_equal(gov_add(g, wrong_certificate(2)), MT_ESIGNATURE);
    assert_int_equal(gov_add(g, wrong_certificate(3)), MT_ECERTIFICATE);
    assert_int_equal(mt_gov_installations(g), 1);
    assert_int_equal(gov_add(g, wrong_certificate(0)), MT_OK);
    assert_int_equal(mt_gov_installations(g), 2);
    mt_gov_free(g);
}

/* Three certificates with one number in all six orders: the two lowest are kept, the lowest counts. */
static void of_one_number_two_are_kept_and_one_counts(void **state) {
    struct made c[3];
    int rank[3] = {0};
    (void)state;
    for (uint64_t i = 0; i < 3; i++)
        c[i] = made_certificate(2, 20 + i, 4);
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 3; k++)
            rank[i] += mt_id_cmp(&c[k].id, &c[i].id) < 0;
    for (int first = 0; first < 3; first++)
        for (int second = 0; second < 3; second++) {
            struct mt_gov *g = gov_founded();
            if (first == second) {
                mt_gov_free(g);
                continue;
            }
            gov_admit(g, 2);
            int third = 3 - first - second;
            assert_int_equal(gov_add(g, c[first]), MT_OK);
            assert_int_equal(gov_add(g, c[second]), MT_OK);
            assert_int_equal(gov_add(g, c[third]), rank[third] == 2 ? MT_EDUPLICATE : MT_OK);
            for (int i = 0; i < 3; i++) {
                assert_int_equal(mt_gov_has(g, &c[i].id), rank[i] < 2);
                assert_int_equal(gov_installation(g, 20 + (uint64_t)i) != NULL, rank[i] == 0);
            }
            assert_int_equal(mt_gov_installations(g), 2);
            mt_gov_free(g);
        }
}

static void statements_are_the_founders(void **state) {
    struct mt_gov *g = gov_founded();
    struct mt_id id;
    struct mt_statement s;
    (void)state;
    gov_admit(g, 2);
    assert_int_equal(gov_add(g, made_statement(2, 1)), MT_EUNKNOWN);
    assert_int_equal(gov_add(g, made_certificate(2, 2, 0)), MT_OK);
    assert_int_equal(gov_add(g, made_statement(2, 1)), MT_EMEMBER);
    struct made m = made_statement(1, 1);
    struct mt_item item;
    assert_int_equal(mt_item_get(made_slice(&m), mt_gov_region(g), &item), MT_OK);
    assert_int_equal(mt_statement_get(item.body, &s), MT_OK);
    assert_int_equal(gov_add(g, made_statement_of(&s, 2)), MT_ESIGNATURE);
    struct mt_statement other = s;
    other.reason = built_id("act", 1);
    assert_int_equal(gov_add(g, made_statement_of(&other, 1)), MT_EVALUE);
    assert_int_equal(mt_gov_statements(g), 0);
    assert_int_equal(gov_add(g, m), MT_OK);
    assert_int_equal(mt_gov_statements(g), 1);
    mt_gov_statement_at(g, 0, &id, &s);
    struct built_org founder = built_org(1);
    assert_true(mt_id_eq(&id, &m.id) && mt_id_eq(&s.minter, &founder.feed.pub));
    mt_gov_free(g);
}

static void grants_are_for_members_by_members(void **state) {
    struct mt_gov *g = gov_founded();
    struct made st = made_statement(1, 1);
    struct mt_id two = built_org(2).root.pub, one = built_org(1).root.pub, none = {{0}};
    uint8_t seal[MT_SEAL_SIZE];
    (void)state;
    assert_int_equal(gov_add(g, made_grant(&st.id, 2, 1, 1, 2)), MT_EUNKNOWN);
    assert_int_equal(gov_add(g, st), MT_OK);
    assert_int_equal(gov_add(g, made_grant(&st.id, 2, 1, 1, 2)), MT_EUNKNOWN);
    gov_admit(g, 2);
    assert_int_equal(gov_add(g, made_grant(&st.id, 2, 2, 2, 2)), MT_EUNKNOWN);
    assert_int_equal(gov_add(g, made_grant(&st.id, 2, 1, 2, 2)), MT_ESIGNATURE);
    assert_int_equal(gov_add(g, made_grant(mt_gov_region(g), 2, 1, 1, 2)), MT_EUNKNOWN);
    assert_null(mt_gov_seal(g, &st.id, &two, 0));
    assert_int_equal(gov_add(g, made_grant(&st.id, 2, 1, 1, 2)), MT_OK);
    assert_int_equal(gov_add(g, made_certificate(2, 2, 0)), MT_OK);
    assert_int_equal(gov_add(g, made_grant(&st.id, 2, 2, 2, 3)), MT_OK);
    made_seal(seal, 2);
    assert_memory_equal(mt_gov_seal(g, &st.id, &two, 0), seal, MT_SEAL_SIZE);
    made_seal(seal, 3);
    assert_memory_equal(mt_gov_seal(g, &st.id, &two, 1), seal, MT_SEAL_SIZE);
    assert_null(mt_gov_seal(g, &st.id, &two, 2));
    made_seal(seal, 1);
    assert_memory_equal(mt_gov_seal(g, &st.id, &one, 0), seal, MT_SEAL_SIZE);
    assert_null(mt_gov_seal(g, &st.id, &one, 1));
    assert_null(mt_gov_seal(g, &none, &one, 0));
    mt_gov_free(g);
}

static void proof_of_an_admission_is_no_more_than_that(void **state) {
    struct mt_gov *g = gov_founded();
    struct made st = made_statement(1, 1), admit = made_admit(2);
    struct mt_id two = built_org(2).root.pub;
    (void)state;
    gov_admit(g, 2);
    gov_admit(g, 3);
    assert_int_equal(gov_add(g, st), MT_OK);
    assert_int_equal(gov_add(g, made_grant(&st.id, 2, 1, 1, 2)), MT_OK);
    assert_int_equal(gov_add(g, made_certificate(2, 2, 0)), MT_OK);
    assert_int_equal(gov_add(g, made_certificate(3, 3, 0)), MT_OK);
    size_t proofs = 0;
    for (size_t i = 0; i < mt_gov_count(g); i++)
        proofs += mt_gov_is_proof(g, i, &two);
    assert_int_equal(proofs, 4); /* act 0, the vote, the admission, the certificate */
    for (size_t i = 0; i < mt_gov_count(g); i++)
        if (mt_id_eq(mt_gov_item_id(g, i), &admit.id))
            assert_true(mt_gov_is_proof(g, i, &two));
    mt_gov_free(g);
}

/* ---- the same in every order ---- */

enum { POOL_MAX = 64, ORDERS = 40 };

struct pool {
    struct made m[POOL_MAX];
    size_t n;
};

static void put(struct pool *p, struct made m) {
    assert_true(p->n < POOL_MAX);
    p->m[p->n++] = m;
}

/* Whatever competes: votes for and against, admissions with one key, certificates with one number
 * and with one feed, several statements, grants that hang on what may lose. */
static void fill(struct pool *p) {
    struct mt_join thief = join_body(4);
    memcpy(thief.grant, built_org(2).grant.pub, 32);
    struct made joins[4] = {made_join(2), made_join(3), made_join_of(&thief, 4), made_join(5)};
    put(p, made_found());
    for (int i = 0; i < 4; i++) {
        struct made admit = made_admit_of(&joins[i], i == 3 ? MT_ROLE_RELAY : MT_ROLE_MEMBER);
        put(p, admit);
        put(p, made_vote(&admit.id, 1, 1, true));
        if (i == 1) {
            put(p, made_vote(&admit.id, 1, 1, false));
            put(p, made_vote(&admit.id, 1, 2, false));
        }
    }
    struct made both = made_admit_of(&joins[3], MT_ROLE_MEMBER);
    put(p, both);
    put(p, made_vote(&both.id, 1, 3, true));
    for (uint64_t i = 0; i < 4; i++)
        put(p, made_certificate(1, 10 + i, 0));
    for (uint64_t org = 2; org <= 5; org++)
        for (uint64_t i = 0; i < 3; i++)
            put(p, made_certificate(org, 20 + i + (org > 3), 1));
    put(p, made_certificate(2, 20, 2));
    put(p, made_certificate(3, 20, 3));
    for (uint64_t i = 0; i < 4; i++) {
        struct made st = made_statement(10 + i, i);
        put(p, st);
        put(p, made_grant(&st.id, 2, 10 + i, 10 + i, i));
        put(p, made_grant(&st.id, 3, 20 + i % 3, 20 + i % 3, 2 * i));
    }
    put(p, made_statement(10, 77));
}

static void shuffle(struct pool *p, struct mt_rng *rng) {
    for (size_t i = p->n - 1; i > 0; i--) {
        uint32_t r;
        mt_rng_draw(rng, &r, sizeof r);
        struct made t = p->m[i];
        p->m[i] = p->m[r % (i + 1)];
        p->m[r % (i + 1)] = t;
    }
}

static struct mt_gov *add_in_rounds(const struct pool *p) {
    struct mt_gov *g = mt_gov_new();
    uint8_t before[32] = {0}, after[32];
    int rounds = 0;
    for (bool changed = true; changed; memcpy(before, after, 32)) {
        for (size_t i = 0; i < p->n; i++) {
            enum mt_err err = gov_add(g, p->m[i]);
            assert_true(err == MT_OK || err == MT_EUNKNOWN || err == MT_EDUPLICATE ||
                        err == MT_EMEMBER);
        }
        assert_int_equal(mt_gov_digest(g, after), MT_OK);
        changed = memcmp(before, after, 32) != 0;
        assert_true(++rounds < 12);
    }
    return g;
}

static void assert_same(const struct mt_gov *a, const struct mt_gov *b) {
    uint8_t x[32], y[32];
    assert_int_equal(mt_gov_digest(a, x), MT_OK);
    assert_int_equal(mt_gov_digest(b, y), MT_OK);
    assert_memory_equal(x, y, 32);
    assert_int_equal(mt_gov_count(a), mt_gov_count(b));
    assert_int_equal(mt_gov_members(a), mt_gov_members(b));
    for (size_t i = 0; i < mt_gov_members(a); i++) {
        const struct mt_member *m = mt_gov_member_at(a, i), *k = mt_gov_member_at(b, i);
        assert_true(mt_id_eq(&m->org, &k->org) && mt_id_eq(&m->act, &k->act));
        assert_true(m->role == k->role && m->is_seat == k->is_seat);
        assert_memory_equal(m->grant, k->grant, 32);
    }
    assert_int_equal(mt_gov_installations(a), mt_gov_installations(b));
    for (size_t i = 0; i < mt_gov_installations(a); i++)
        assert_true(
            mt_id_eq(&mt_gov_installation_at(a, i)->item, &mt_gov_installation_at(b, i)->item));
    assert_int_equal(mt_gov_statements(a), mt_gov_statements(b));
}

static void every_order_gives_the_same_set(void **state) {
    static struct pool p;
    struct mt_rng rng;
    uint8_t seed[32] = {7};
    (void)state;
    fill(&p);
    struct mt_gov *first = add_in_rounds(&p);
    assert_true(mt_gov_members(first) >= 3 && mt_gov_installations(first) >= 4);
    assert_true(mt_gov_statements(first) >= 2);
    mt_rng_init(&rng, seed);
    for (int i = 0; i < ORDERS; i++) {
        shuffle(&p, &rng);
        struct mt_gov *g = add_in_rounds(&p);
        assert_same(first, g);
        mt_gov_free(g);
    }
    mt_gov_free(first);
}

static void items_stand_in_an_order_in_which_they_can_be_added(void **state) {
    static struct pool p;
    (void)state;
    p.n = 0;
    fill(&p);
    struct mt_gov *g = add_in_rounds(&p), *copy = mt_gov_new();
    for (size_t i = 0; i < mt_gov_count(g); i++) {
        struct mt_id id;
        assert_int_equal(mt_gov_add(copy, mt_gov_item(g, i), &id), MT_OK);
        assert_true(mt_id_eq(&id, mt_gov_item_id(g, i)));
    }
    assert_same(g, copy);
    mt_gov_free(g);
    mt_gov_free(copy);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(founding_seats_the_founder),
        cmocka_unit_test(a_region_is_founded_once_and_by_its_founder),
        cmocka_unit_test(an_admission_needs_a_vote_of_the_seat),
        cmocka_unit_test(the_highest_vote_counts),
        cmocka_unit_test(of_two_votes_with_one_number_the_lower_id_counts),
        cmocka_unit_test(open_votes_stop_at_their_cap),
        cmocka_unit_test(requests_are_checked_before_they_count),
        cmocka_unit_test(a_grant_key_belongs_to_the_lowest_admission),
        cmocka_unit_test(roles_that_differ_leave_a_relay),
        cmocka_unit_test(certificates_need_both_signatures_and_the_region),
        cmocka_unit_test(of_one_number_two_are_kept_and_one_counts),
        cmocka_unit_test(statements_are_the_founders),
        cmocka_unit_test(grants_are_for_members_by_members),
        cmocka_unit_test(proof_of_an_admission_is_no_more_than_that),
        cmocka_unit_test(every_order_gives_the_same_set),
        cmocka_unit_test(items_stand_in_an_order_in_which_they_can_be_added),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
