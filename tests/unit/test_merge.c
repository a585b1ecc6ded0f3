/* Merge: no order can sway it, shown against a model that keeps one stamp for each field; and the
 * digests of what it makes. */
#include "vectors.h"

#include "record.h"

static struct mt_rid rid(uint32_t n) {
    struct mt_rid id = {{0}};
    mt_be32(id.b + 12, n);
    return id;
}

static uint64_t next_random(uint64_t *s) {
    *s ^= *s << 13;
    *s ^= *s >> 7;
    *s ^= *s << 17;
    return *s;
}

struct event {
    struct mt_stamp stamp;
    uint64_t mask;
};

struct model {
    bool set[MT_FIELDS_MAX];
    struct mt_stamp won[MT_FIELDS_MAX];
};

static bool model_merge(struct model *m, const struct event *e) {
    bool won = false;
    for (unsigned f = 0; f < MT_FIELDS_MAX; f++) {
        if (!(e->mask >> f & 1) || (m->set[f] && mt_stamp_cmp(&m->won[f], &e->stamp) >= 0))
            continue;
        m->set[f] = won = true;
        m->won[f] = e->stamp;
    }
    return won;
}

static void assert_is_model(const struct mt_merged *rec, const struct model *m) {
    uint64_t seen = 0;
    assert_true(rec->n <= MT_FIELDS_MAX);
    for (uint32_t i = 0; i < rec->n; i++) {
        const struct mt_group *g = &rec->groups[i];
        assert_true(g->mask != 0 && (g->mask & seen) == 0);
        seen |= g->mask;
        if (i > 0)
            assert_true(mt_stamp_cmp(&rec->groups[i - 1].stamp, &g->stamp) > 0);
        for (unsigned f = 0; f < MT_FIELDS_MAX; f++) {
            if (!(g->mask >> f & 1))
                continue;
            assert_true(m->set[f]);
            assert_int_equal(mt_stamp_cmp(&m->won[f], &g->stamp), 0);
            assert_true(m->won[f].seq == g->stamp.seq && m->won[f].index == g->stamp.index);
        }
    }
    for (unsigned f = 0; f < MT_FIELDS_MAX; f++)
        assert_int_equal(m->set[f], seen >> f & 1);
}

/* Stamps that often tie in lamport and chain; masks from one field to all. */
static void draw_events(struct event *events, size_t n, uint64_t *random) {
    for (size_t i = 0; i < n; i++) {
        uint64_t r = next_random(random);
        struct event *e = &events[i];
        *e = (struct event){.stamp = {.lamport = 1 + r % 5, .seq = i, .index = (uint16_t)i}};
        e->stamp.chain.b[31] = (uint8_t)(r >> 8 & 1);
        e->stamp.entry.b[0] = (uint8_t)(r >> 16);
        e->stamp.entry.b[31] = (uint8_t)i;
        switch (r >> 32 & 3) {
        case 0:
            e->mask = UINT64_C(1) << (r >> 40 & 63);
            break;
        case 1:
            e->mask = next_random(random) & next_random(random) & next_random(random);
            break;
        case 2:
            e->mask = next_random(random);
            break;
        default:
            e->mask = r >> 56 & 1 ? UINT64_MAX : 0xff;
        }
    }
}

static void shuffle(struct event *events, size_t n, uint64_t *random) {
    for (size_t i = n; i > 1; i--) {
        size_t k = next_random(random) % i;
        struct event swap = events[i - 1];
        events[i - 1] = events[k];
        events[k] = swap;
    }
}

static void every_order_gives_the_same_record(void **state) {
    (void)state;
    static const struct mt_id region = {{1}}, owner = {{2}};
    static struct event events[96];
    static struct mt_merged rec;
    uint64_t random = UINT64_C(0x9e3779b97f4a7c15);
    for (int round = 0; round < 300; round++) {
        size_t n = 1 + next_random(&random) % MT_ARRAY_LEN(events);
        struct mt_rid id = rid((uint32_t)round);
        struct mt_sum first, digest;
        draw_events(events, n, &random);
        for (int order = 0; order < 6; order++) {
            struct model model = {.set = {false}};
            rec.n = 0;
            for (size_t i = 0; i < n; i++) {
                bool won = mt_record_merge(&rec, &events[i].stamp, events[i].mask);
                assert_int_equal(won, model_merge(&model, &events[i]));
                if (i % 16 == 0)
                    assert_is_model(&rec, &model);
            }
            assert_is_model(&rec, &model);
            for (size_t i = 0; i < n; i++) /* known changes change nothing */
                assert_false(mt_record_merge(&rec, &events[i].stamp, events[i].mask));
            mt_record_digest(&digest, &region, &owner, 3, &id, &rec);
            if (order == 0)
                first = digest;
            assert_memory_equal(&first, &digest, sizeof first);
            shuffle(events, n, &random);
        }
    }
}

static void a_full_record_takes_one_more(void **state) {
    (void)state;
    static struct mt_merged rec;
    struct mt_stamp stamp = {.lamport = 0};
    for (unsigned f = 0; f < MT_FIELDS_MAX; f++) {
        stamp.lamport = 100 + f;
        assert_true(mt_record_merge(&rec, &stamp, UINT64_C(1) << f));
    }
    assert_int_equal(rec.n, MT_FIELDS_MAX);
    stamp.lamport = 99;
    assert_false(mt_record_merge(&rec, &stamp, UINT64_MAX));
    stamp.lamport = 1000;
    assert_false(mt_record_merge(&rec, &stamp, 0));
    assert_true(mt_record_merge(&rec, &stamp, 1));
    assert_int_equal(rec.n, MT_FIELDS_MAX);
    stamp.lamport = 1001;
    assert_true(mt_record_merge(&rec, &stamp, UINT64_MAX));
    assert_int_equal(rec.n, 1);
}

static void stamps_are_ordered_by_lamport_then_chain_then_entry(void **state) {
    (void)state;
    struct mt_stamp a = {.lamport = 1, .chain = {{9}}, .entry = {{9}}};
    struct mt_stamp b = {.lamport = 2, .chain = {{1}}, .entry = {{1}}};
    assert_true(mt_stamp_cmp(&a, &b) < 0 && mt_stamp_cmp(&b, &a) > 0);
    b.lamport = 1;
    assert_true(mt_stamp_cmp(&a, &b) > 0 && mt_stamp_cmp(&b, &a) < 0);
    b.chain = a.chain;
    assert_true(mt_stamp_cmp(&a, &b) > 0 && mt_stamp_cmp(&b, &a) < 0);
    b.entry = a.entry;
    b.chain_no = 7; /* local row numbers order nothing */
    b.seq = 7;
    assert_int_equal(mt_stamp_cmp(&a, &b), 0);
}

/* ---- sums and frozen digests ---- */

static void sums_carry_through_all_64_bytes(void **state) {
    (void)state;
    static const struct mt_sum zero, one = {{1}};
    struct mt_sum ones, s;
    memset(ones.b, 0xff, sizeof ones.b);
    s = ones;
    mt_sum_add(&s, &one);
    assert_memory_equal(&s, &zero, sizeof s);
    mt_sum_take(&s, &one);
    assert_memory_equal(&s, &ones, sizeof s);
    mt_sum_add(&s, &ones); /* 2 * (2^512 - 1) = -2 */
    assert_int_equal(s.b[0], 0xfe);
    assert_int_equal(s.b[63], 0xff);

    uint64_t random = 88172645463325252;
    for (int round = 0; round < 1000; round++) {
        struct mt_sum x, y, sum;
        for (size_t i = 0; i < sizeof x.b; i++) {
            uint64_t r = next_random(&random);
            x.b[i] = r & 1 ? 0xff : (uint8_t)(r >> 8);
            y.b[i] = r & 2 ? 0x00 : (uint8_t)(r >> 16);
        }
        unsigned carry = 0;
        sum = x;
        mt_sum_add(&sum, &y);
        for (size_t i = 0; i < sizeof x.b; i++) {
            carry += (unsigned)x.b[i] + y.b[i];
            assert_int_equal(sum.b[i], carry & 0xff);
            carry >>= 8;
        }
        mt_sum_take(&sum, &y);
        assert_memory_equal(&sum, &x, sizeof x);
    }
}

static uint64_t hex_u64(const json_t *object, const char *key) {
    uint8_t b[8];
    vectors_fixed(object, key, b, sizeof b);
    return mt_load64(b);
}

static struct mt_sum digest_of(const json_t *v, const struct mt_id *region) {
    static struct mt_merged rec;
    struct mt_id owner = vectors_id(v, "owner");
    struct mt_rid id;
    struct mt_sum out;
    json_t *g;
    size_t i;
    vectors_fixed(v, "id", id.b, sizeof id.b);
    rec.n = 0;
    json_array_foreach(json_object_get(v, "groups"), i, g) {
        struct mt_stamp stamp = {.lamport = vectors_uint(g, "lamport"),
                                 .chain = vectors_id(g, "chain"),
                                 .entry = vectors_id(g, "entry"),
                                 .index = (uint16_t)vectors_uint(g, "index")};
        assert_true(mt_record_merge(&rec, &stamp, hex_u64(g, "mask")));
    }
    assert_int_equal(rec.n, i);
    mt_record_digest(&out, region, &owner, (uint16_t)vectors_uint(v, "kind"), &id, &rec);
    return out;
}

static void the_frozen_bytes_are_what_we_make(void **state) {
    (void)state;
    json_t *root = vectors_load("meent/entry.json"), *v;
    struct mt_id region = vectors_id(root, "region"), got, want;
    struct mt_sum sum = {{0}}, expected;
    size_t i;
    json_array_foreach(json_object_get(root, "records"), i, v) {
        struct mt_sum digest = digest_of(v, &region);
        vectors_fixed(v, "digest", expected.b, sizeof expected.b);
        assert_memory_equal(&digest, &expected, sizeof digest);
        mt_sum_add(&sum, &digest);
    }
    assert_true(i >= 2);
    vectors_fixed(root, "sum", expected.b, sizeof expected.b);
    assert_memory_equal(&sum, &expected, sizeof sum);
    mt_sum_digest(&region, &sum, got.b);
    want = vectors_id(root, "view");
    assert_true(mt_id_eq(&got, &want));
    json_array_foreach(json_object_get(root, "versions"), i, v) {
        uint8_t buf[256];
        struct mt_id owner = vectors_id(v, "owner");
        struct mt_rid id;
        vectors_fixed(v, "id", id.b, sizeof id.b);
        mt_record_version(got.b, &region, &owner, (uint16_t)vectors_uint(v, "kind"), &id,
                          vectors_bytes(v, "fields", buf, sizeof buf));
        want = vectors_id(v, "version");
        assert_true(mt_id_eq(&got, &want));
    }
    assert_true(i >= 2);
    json_decref(root);
}

int main(void) {
    if (mt_key_init() != MT_OK)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_order_gives_the_same_record),
        cmocka_unit_test(a_full_record_takes_one_more),
        cmocka_unit_test(stamps_are_ordered_by_lamport_then_chain_then_entry),
        cmocka_unit_test(sums_carry_through_all_64_bytes),
        cmocka_unit_test(the_frozen_bytes_are_what_we_make),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
