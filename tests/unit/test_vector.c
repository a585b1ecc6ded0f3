/* The chains a replica knows, and the digest two sides compare. */
#include "vectors.h"

#include "builder.h"
#include "vector.h"

enum { MANY = 300 };

static struct mt_chain_info info(uint64_t n) {
    return (struct mt_chain_info){
        .id = built_id("chain", n), .org = built_id("org", n), .feed = built_id("feed", n)};
}

static uint32_t add(struct mt_chains *c, struct mt_chain_info i) {
    uint32_t at;
    assert_int_equal(mt_chains_add(c, &i, &at), MT_OK);
    return at;
}

static void every_chain_is_found_at_its_index(void **state) {
    struct mt_chains c = {0};
    struct mt_id other = built_id("chain", MANY);
    (void)state;
    assert_int_equal(mt_chains_find(&c, &other), MT_CHAIN_NONE);
    for (uint32_t i = 0; i < MANY; i++)
        assert_int_equal(add(&c, info(i)), i);
    for (uint32_t i = 0; i < MANY; i++) {
        assert_int_equal(add(&c, info(i)), i);
        assert_int_equal(mt_chains_find(&c, &c.v[i].info.id), i);
    }
    assert_int_equal(c.n, MANY);
    assert_int_equal(mt_chains_find(&c, &other), MT_CHAIN_NONE);
    for (uint32_t i = 1; i < MANY; i++)
        assert_true(mt_id_cmp(&c.v[c.sorted[i - 1]].info.id, &c.v[c.sorted[i]].info.id) < 0);
    mt_chains_free(&c);
    assert_int_equal(mt_chains_find(&c, &other), MT_CHAIN_NONE);
}

static void local_numbers_are_given_once_and_never_again(void **state) {
    struct mt_chains c = {0};
    struct mt_chain_info stored = info(9);
    (void)state;
    stored.no = 41;
    uint32_t old = add(&c, stored), a = add(&c, info(1)), b = add(&c, info(2));
    assert_int_equal(c.v[a].info.no, 0);
    mt_chains_number(&c, b);
    mt_chains_number(&c, a);
    mt_chains_number(&c, b);
    assert_int_equal(c.v[old].info.no, 41);
    assert_int_equal(c.v[b].info.no, 42);
    assert_int_equal(c.v[a].info.no, 43);
    mt_chains_free(&c);
}

static void only_the_audience_hears_of_a_chain(void **state) {
    struct mt_id own = built_id("org", 1), peer = built_id("org", 2), third = built_id("org", 3);
    struct mt_chain region = {0}, pair = {.info.other = peer}, self = {.info.other = own};
    (void)state;
    assert_true(mt_chain_is_for(&region, &own, &peer) && mt_chain_is_for(&region, &own, &third));
    assert_true(mt_chain_is_for(&pair, &own, &peer));
    assert_false(mt_chain_is_for(&pair, &own, &third));
    assert_false(mt_chain_is_for(&self, &own, &peer));
    /* Another installation of ours holds all that we hold. */
    assert_true(mt_chain_is_for(&pair, &own, &own) && mt_chain_is_for(&self, &own, &own));
}

struct pair {
    struct mt_chains c;
    struct mt_id region, own, peer;
    uint32_t chain[3]; /* region, with the peer, with a third */
};

static void open_pair(struct pair *p, bool backwards) {
    *p = (struct pair){.region = built_id("region", 1)};
    p->own = built_id("org", 1);
    p->peer = built_id("org", 2);
    for (unsigned k = 0; k < 3; k++) {
        unsigned i = backwards ? 2 - k : k;
        struct mt_chain_info x = info(i);
        if (i)
            x.other = i == 1 ? p->peer : built_id("org", 3);
        p->chain[i] = add(&p->c, x);
        p->c.v[p->chain[i]].head =
            (struct mt_head){.seq = 5 + i, .entry = built_id("entry", i), .lamport = 9};
    }
}

static void digest(const struct pair *p, uint8_t out[static 32]) {
    mt_chains_digest(&p->c, &p->region, &p->own, &p->peer, out);
}

static void digest_covers_what_both_hold_and_nothing_else(void **state) {
    struct pair p, q;
    uint8_t a[32], b[32];
    (void)state;
    open_pair(&p, false);
    open_pair(&q, true);
    digest(&p, a);
    digest(&q, b);
    assert_memory_equal(a, b, 32);
    add(&q.c, info(77)); /* empty: no row */
    q.c.v[q.chain[2]].head.seq++;
    q.c.v[q.chain[2]].head.entry.b[0]++;
    digest(&q, b);
    assert_memory_equal(a, b, 32); /* the channel with a third is none of the peer's business */
    for (unsigned i = 0; i < 2; i++) {
        struct mt_head *h = &q.c.v[q.chain[i]].head, was = *h;
        h->seq++;
        digest(&q, b);
        assert_memory_not_equal(a, b, 32);
        *h = was;
        h->entry.b[31] ^= 1;
        digest(&q, b);
        assert_memory_not_equal(a, b, 32);
        *h = was;
        h->seq = 0;
        digest(&q, b);
        assert_memory_not_equal(a, b, 32);
        *h = was;
    }
    digest(&q, b);
    assert_memory_equal(a, b, 32);
    q.c.v[q.chain[0]].info.other = q.peer; /* the same row in the other part */
    digest(&q, b);
    assert_memory_not_equal(a, b, 32);
    q.c.v[q.chain[0]].info.other = (struct mt_id){{0}};
    q.region.b[0] ^= 1;
    digest(&q, b);
    assert_memory_not_equal(a, b, 32);
    mt_chains_free(&p.c);
    mt_chains_free(&q.c);
}

static void rows_tell_the_end_of_a_chain(void **state) {
    struct pair p;
    struct mt_have_row row;
    (void)state;
    open_pair(&p, false);
    mt_chain_row(&p.c.v[p.chain[1]], &row);
    assert_true(mt_id_eq(&row.chain, &p.c.v[p.chain[1]].info.id));
    assert_int_equal(row.seq, 6);
    assert_memory_equal(row.id16, p.c.v[p.chain[1]].head.entry.b, 16);
    assert_int_equal(row.floor, 0);
    mt_chains_free(&p.c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_chain_is_found_at_its_index),
        cmocka_unit_test(local_numbers_are_given_once_and_never_again),
        cmocka_unit_test(only_the_audience_hears_of_a_chain),
        cmocka_unit_test(digest_covers_what_both_hold_and_nothing_else),
        cmocka_unit_test(rows_tell_the_end_of_a_chain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
