/* Batches: what they hold lives until they are freed, and their caps. */
#include "vectors.h"

#include "batch.h"

#include <stdlib.h>

static struct mt_batch *batch(void) {
    struct mt_batch *b = mt_batch_new();
    assert_non_null(b);
    return b;
}

static void nothing_is_freed_without_a_batch(void **state) {
    (void)state;
    mt_batch_free(NULL);
    struct mt_batch *b = batch();
    assert_int_equal(b->n, 0);
    assert_null(b->ops);
    assert_true(mt_id_is_zero(&b->region));
    mt_batch_free(b);
}

static void pieces_of_every_size_stay_apart(void **state) {
    (void)state;
    static const size_t sizes[] = {0, 1, 15, 16, 17, 300, 65535, 65536, 65537, 5, 262144, 7};
    enum { ROUNDS = 20, N = MT_ARRAY_LEN(sizes) };
    struct mt_batch *b = batch();
    uint8_t *p[ROUNDS][N];
    for (unsigned r = 0; r < ROUNDS; r++) {
        for (unsigned i = 0; i < N; i++) {
            p[r][i] = mt_batch_alloc(b, sizes[i]);
            assert_non_null(p[r][i]);
            assert_int_equal((uintptr_t)p[r][i] % _Alignof(uint64_t), 0);
            memset(p[r][i], (int)(r * N + i), sizes[i]);
        }
    }
    for (unsigned r = 0; r < ROUNDS; r++)
        for (unsigned i = 0; i < N; i++)
            for (size_t at = 0; at < sizes[i]; at++)
                if (p[r][i][at] != (uint8_t)(r * N + i))
                    fail_msg("piece %u of round %u changed", i, r);
    mt_batch_free(b);
}

static void a_batch_of_the_largest_size_fits(void **state) {
    (void)state;
    enum { PIECE = 300 };
    struct mt_batch *b = batch();
    for (size_t n = 0; n < MT_BATCH_BYTES_MAX; n += PIECE)
        assert_non_null(mt_batch_alloc(b, PIECE));
    assert_non_null(mt_batch_alloc(b, MT_BATCH_BYTES_MAX));
    assert_null(mt_batch_alloc(b, SIZE_MAX));
    assert_null(mt_batch_alloc(b, SIZE_MAX - 64));
    mt_batch_free(b);
}

static void copies_are_the_batchs_own(void **state) {
    (void)state;
    char text[] = "gastles lassen";
    struct mt_batch *b = batch();
    struct mt_slice s = mt_batch_copy(b, mt_slice_str(text));
    text[0] = 'x';
    assert_true(mt_slice_is(s, "gastles lassen"));
    s = mt_batch_copy(b, mt_slice(NULL, 0));
    assert_non_null(s.p);
    assert_int_equal(s.n, 0);
    mt_batch_free(b);
}

static void adopted_memory_goes_with_the_batch(void **state) {
    (void)state;
    struct mt_batch *b = batch();
    for (unsigned i = 0; i < 100; i++) {
        void *p = malloc(1000);
        assert_non_null(p);
        assert_int_equal(mt_batch_adopt(b, p), MT_OK);
        assert_non_null(mt_batch_alloc(b, 1000));
    }
    mt_batch_free(b); /* leaks and double frees are the sanitizer's to find */
}

static void operations_are_zeroed_and_counted_to_the_cap(void **state) {
    (void)state;
    struct mt_batch *b = batch();
    static const struct mt_head zeros;
    for (uint32_t i = 0; i < MT_BATCH_OPS_MAX; i++) {
        struct mt_op *op = mt_batch_add(b, MT_OP_RUN);
        assert_non_null(op);
        assert_int_equal(op->tag, 0);
        assert_int_equal(op->err, MT_OK);
        assert_null(op->run.message.p);
        assert_memory_equal(&op->head, &zeros, sizeof zeros);
        op->tag = i;
    }
    assert_int_equal(b->n, MT_BATCH_OPS_MAX);
    assert_null(mt_batch_add(b, MT_OP_RETRY));
    for (uint32_t i = 0; i < MT_BATCH_OPS_MAX; i++) {
        assert_int_equal(b->ops[i].tag, i);
        assert_int_equal(b->ops[i].type, MT_OP_RUN);
    }
    mt_batch_free(b);
}

static void the_ring_is_let_go_with_the_batch(void **state) {
    (void)state;
    struct mt_keyring *ring = mt_keyring_new(1);
    assert_non_null(ring);
    struct mt_batch *b = batch();
    b->keys = mt_keyring_ref(ring);
    mt_batch_free(b);
    assert_int_equal(ring->refs, 1);
    mt_keyring_unref(ring);
}

static int prepare(void **state) {
    (void)state;
    return mt_key_init() == MT_OK ? 0 : -1;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_freed_without_a_batch),
        cmocka_unit_test(pieces_of_every_size_stay_apart),
        cmocka_unit_test(a_batch_of_the_largest_size_fits),
        cmocka_unit_test(copies_are_the_batchs_own),
        cmocka_unit_test(adopted_memory_goes_with_the_batch),
        cmocka_unit_test(operations_are_zeroed_and_counted_to_the_cap),
        cmocka_unit_test(the_ring_is_let_go_with_the_batch),
    };
    return cmocka_run_group_tests(tests, prepare, NULL);
}
