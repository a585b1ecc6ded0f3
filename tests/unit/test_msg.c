/* Sync messages: what is put comes back; whatever is cut, longer, of another type or not canonical
 * is refused. */
#include "vectors.h"

#include "builder.h"
#include "msg.h"

#include <stdlib.h>

enum { BUF = 4096 };

/* Decodes a message with the getter of its type; the rows of lists included. */
static enum mt_err decode_as(enum mt_msg_type type, struct mt_slice m) {
    struct mt_hello h;
    struct mt_slice s;
    struct mt_reader r;
    struct mt_have_row row;
    struct mt_id id;
    uint64_t number, credit;
    uint32_t n;
    bool done;
    switch (type) {
    case MT_MSG_HELLO:
        return mt_hello_get(m, &h);
    case MT_MSG_FILE:
        return mt_file_get(m, &s);
    case MT_MSG_BYE:
        return mt_bye_get(m, &s);
    case MT_MSG_PING:
    case MT_MSG_PONG:
        return mt_number_get(m, &number);
    default:
        break;
    }
    enum mt_err err = mt_list_open(&r, m, type, &credit, &n);
    for (uint32_t i = 0; i < n && !err && !r.err; i++) {
        if (type == MT_MSG_HAVE)
            mt_have_row_get(&r, &row);
        else if (type == MT_MSG_MARK)
            mt_mark_row_get(&r, &id, &number);
        else if (type == MT_MSG_GOV_HAVE)
            mt_wire_fixed(&r, id.b, sizeof id.b);
        else
            (void)mt_wire_bin(&r, MT_ITEM_MAX);
    }
    return err ? err : mt_list_end(&r, type, &done);
}

static enum mt_err decode_exact(enum mt_msg_type type, const uint8_t *p, size_t n) {
    uint8_t *exact = malloc(n ? n : 1);
    assert_non_null(exact);
    memcpy(exact, p, n);
    enum mt_err err = decode_as(type, mt_slice(exact, n));
    free(exact);
    return err;
}

/* One message of each type that carries anything. */
static struct mt_slice sample(enum mt_msg_type type, uint8_t *buf) {
    struct mt_writer w = mt_writer(buf, BUF);
    struct mt_hello h = {.wall_ms = 1790000000000};
    struct mt_have_row row = {.chain = built_id("chain", 1), .seq = 300, .fork = 7};
    memcpy(row.id16, row.chain.b, sizeof row.id16);
    built_bytes(h.governance, "governance", 1);
    built_bytes(h.erasures, "erasures", 1);
    built_bytes(h.heads, "heads", 1);
    switch (type) {
    case MT_MSG_HELLO:
        mt_hello_put(&w, &h);
        break;
    case MT_MSG_GOV_HAVE:
        mt_gov_have_begin(&w, 1);
        mt_wire_put_id(&w, &row.chain);
        break;
    case MT_MSG_GOV_ITEMS:
        mt_gov_items_begin(&w, 2);
        mt_wire_put_bin(&w, "item one", 8);
        mt_wire_put_bin(&w, "item two", 8);
        mt_gov_items_end(&w, true);
        break;
    case MT_MSG_HAVE:
        mt_have_begin(&w, 1);
        mt_have_row_put(&w, &row);
        mt_have_end(&w, false);
        break;
    case MT_MSG_MARK:
        mt_mark_begin(&w, 70000, 1);
        mt_mark_row_put(&w, &row.chain, 300);
        break;
    case MT_MSG_FILE:
        mt_file_put(&w, mt_slice_str("a join request"));
        break;
    case MT_MSG_FILED:
        mt_filed_put(&w);
        break;
    case MT_MSG_BYE:
        mt_bye_put(&w, "timeout");
        break;
    default:
        mt_number_put(&w, type, 4711);
    }
    assert_int_equal(w.err, MT_OK);
    return mt_writer_slice(&w);
}

static bool has_body(int type) {
    return type != MT_MSG_RUN && type != MT_MSG_FILED;
}

static void what_is_put_comes_back(void **state) {
    uint8_t buf[BUF];
    struct mt_hello h;
    struct mt_have_row row;
    struct mt_reader r;
    struct mt_slice s;
    struct mt_id id, want = built_id("chain", 1);
    uint64_t number, credit;
    uint32_t n;
    bool done = true;
    (void)state;
    assert_int_equal(mt_hello_get(sample(MT_MSG_HELLO, buf), &h), MT_OK);
    assert_true(h.speaks_us && h.wall_ms == 1790000000000);
    assert_true(memcmp(h.governance, h.heads, 32) != 0 && memcmp(h.erasures, h.heads, 32) != 0);
    assert_int_equal(mt_list_open(&r, sample(MT_MSG_HAVE, buf), MT_MSG_HAVE, NULL, &n), MT_OK);
    mt_have_row_get(&r, &row);
    assert_int_equal(mt_list_end(&r, MT_MSG_HAVE, &done), MT_OK);
    assert_true(n == 1 && !done && mt_id_eq(&row.chain, &want) && row.seq == 300 && row.fork == 7);
    assert_memory_equal(row.id16, want.b, 16);
    assert_int_equal(mt_list_open(&r, sample(MT_MSG_MARK, buf), MT_MSG_MARK, &credit, &n), MT_OK);
    mt_mark_row_get(&r, &id, &number);
    assert_int_equal(mt_list_end(&r, MT_MSG_MARK, NULL), MT_OK);
    assert_true(n == 1 && credit == 70000 && number == 300 && mt_id_eq(&id, &want));
    assert_int_equal(mt_number_get(sample(MT_MSG_PING, buf), &number), MT_OK);
    assert_int_equal(number, 4711);
    assert_int_equal(mt_file_get(sample(MT_MSG_FILE, buf), &s), MT_OK);
    assert_true(mt_slice_is(s, "a join request"));
    assert_int_equal(mt_bye_get(sample(MT_MSG_BYE, buf), &s), MT_OK);
    assert_true(mt_slice_is(s, "timeout"));
    assert_int_equal(mt_list_open(&r, sample(MT_MSG_GOV_ITEMS, buf), MT_MSG_GOV_ITEMS, NULL, &n),
                     MT_OK);
    assert_int_equal(n, 2);
    assert_true(mt_slice_is(mt_wire_bin(&r, 100), "item one"));
    assert_true(mt_slice_is(mt_wire_bin(&r, 100), "item two"));
    assert_int_equal(mt_list_end(&r, MT_MSG_GOV_ITEMS, &done), MT_OK);
    assert_true(done);
}

static void types_are_told_apart(void **state) {
    uint8_t buf[BUF];
    enum mt_msg_type type;
    (void)state;
    for (int t = MT_MSG_HELLO; t <= MT_MSG_BYE; t++) {
        if (t == MT_MSG_RUN)
            continue;
        assert_int_equal(mt_msg_type(sample((enum mt_msg_type)t, buf), &type), MT_OK);
        assert_int_equal(type, t);
    }
    assert_int_equal(mt_msg_type(mt_slice("\x91", 1), &type), MT_ETRUNCATED);
    assert_int_equal(mt_msg_type(mt_slice("", 0), &type), MT_ETRUNCATED);
    assert_int_equal(mt_msg_type(mt_slice("\x90\x01", 2), &type), MT_ETYPE);
    assert_int_equal(mt_msg_type(mt_slice("\x81\x01", 2), &type), MT_ETYPE);
    assert_int_equal(mt_msg_type(mt_slice("\xa1\x01", 2), &type), MT_ETYPE);
    assert_int_equal(mt_msg_type(mt_slice("\x92\x00", 2), &type), MT_EUNKNOWN);
    assert_int_equal(mt_msg_type(mt_slice("\x92\x0c", 2), &type), MT_EUNKNOWN);
}

static void each_cut_or_longer_message_is_refused(void **state) {
    uint8_t buf[BUF];
    (void)state;
    for (int t = MT_MSG_HELLO; t <= MT_MSG_BYE; t++) {
        if (!has_body(t))
            continue;
        struct mt_slice m = sample((enum mt_msg_type)t, buf);
        assert_int_equal(decode_exact((enum mt_msg_type)t, m.p, m.n), MT_OK);
        for (size_t n = 0; n < m.n; n++)
            assert_int_equal(decode_exact((enum mt_msg_type)t, m.p, n), MT_ETRUNCATED);
        buf[m.n] = 0;
        assert_int_equal(decode_exact((enum mt_msg_type)t, m.p, m.n + 1), MT_ETRAILING);
    }
}

static void another_type_is_refused(void **state) {
    uint8_t buf[BUF];
    (void)state;
    for (int t = MT_MSG_HELLO; t <= MT_MSG_BYE; t++)
        for (int as = MT_MSG_HELLO; as <= MT_MSG_BYE; as++) {
            bool numbers =
                (t == MT_MSG_PING || t == MT_MSG_PONG) && (as == MT_MSG_PING || as == MT_MSG_PONG);
            if (as == t || t == MT_MSG_RUN || !has_body(as) || numbers)
                continue;
            struct mt_slice m = sample((enum mt_msg_type)t, buf);
            enum mt_err err = decode_exact((enum mt_msg_type)as, m.p, m.n);
            assert_int_equal(mt_err_class(err), MT_CLASS_PEER);
        }
}

/* Every byte that heads a value, changed to what it may not be. */
static void each_changed_head_is_refused(void **state) {
    uint8_t buf[BUF];
    (void)state;
    for (int t = MT_MSG_HELLO; t <= MT_MSG_BYE; t++) {
        if (!has_body(t))
            continue;
        struct mt_slice m = sample((enum mt_msg_type)t, buf);
        static const uint8_t BAD[] = {0xc1, 0xc0, 0xc7, 0x80};
        for (size_t k = 0; k < sizeof BAD; k++) {
            uint8_t was = buf[0];
            buf[0] = BAD[k];
            assert_int_not_equal(decode_exact((enum mt_msg_type)t, m.p, m.n), MT_OK);
            buf[0] = was;
            was = buf[1];
            buf[1] = BAD[k];
            assert_int_not_equal(decode_exact((enum mt_msg_type)t, m.p, m.n), MT_OK);
            buf[1] = was;
        }
    }
}

static enum mt_err raw(enum mt_msg_type type, const char *p, size_t n) {
    return decode_exact(type, (const uint8_t *)p, n);
}
#define RAW(type, literal) raw(type, literal, sizeof(literal) - 1)

static void forms_that_are_not_canonical_are_refused(void **state) {
    (void)state;
    assert_int_equal(RAW(MT_MSG_PING, "\x92\x07\x05"), MT_OK);
    assert_int_equal(RAW(MT_MSG_PING, "\x92\x07\xcc\x05"), MT_ECANONICAL);
    assert_int_equal(RAW(MT_MSG_PING, "\xdc\x00\x02\x07\x05"), MT_ECANONICAL);
    assert_int_equal(RAW(MT_MSG_PING, "\x92\xcc\x07\x05"), MT_ECANONICAL);
    assert_int_equal(RAW(MT_MSG_PING, "\x92\x07\xff"), MT_ETYPE); /* -1 */
    assert_int_equal(RAW(MT_MSG_PING, "\x92\x07\xa1x"), MT_ETYPE);
    assert_int_equal(RAW(MT_MSG_PING, "\x93\x07\x05\x05"), MT_ETOOLONG);
    assert_int_equal(RAW(MT_MSG_GOV_HAVE, "\x92\x02\x90"), MT_OK);
    assert_int_equal(RAW(MT_MSG_GOV_HAVE, "\x92\x02\x91\xc0"), MT_ETYPE);
    assert_int_equal(RAW(MT_MSG_GOV_HAVE, "\x92\x02\x91\xc4\x01x"), MT_EVALUE);
    assert_int_equal(RAW(MT_MSG_GOV_ITEMS, "\x93\x03\x90\x01"), MT_ETYPE);
    assert_int_equal(RAW(MT_MSG_GOV_ITEMS, "\x93\x03\x91\xa1x\xc3"), MT_ETYPE);
    assert_int_equal(RAW(MT_MSG_BYE, "\x92\x0b\xc4\x01x"), MT_ETYPE);
}

static void numbers_stop_at_their_caps(void **state) {
    uint8_t buf[BUF];
    struct mt_writer w;
    struct mt_id id = built_id("chain", 1);
    (void)state;
    for (int over = 0; over < 2; over++) {
        enum mt_err want = over ? MT_EVALUE : MT_OK;
        uint64_t top = MT_LAMPORT_MAX + (uint64_t)over;
        struct mt_hello h = {.wall_ms = top};
        w = mt_writer(buf, sizeof buf);
        mt_hello_put(&w, &h);
        assert_int_equal(decode_exact(MT_MSG_HELLO, buf, w.n), want);
        w = mt_writer(buf, sizeof buf);
        mt_mark_begin(&w, (uint64_t)MT_WINDOW_ALL + (uint64_t)over, 0);
        assert_int_equal(decode_exact(MT_MSG_MARK, buf, w.n), want);
        w = mt_writer(buf, sizeof buf);
        mt_mark_begin(&w, 0, 1);
        mt_mark_row_put(&w, &id, top);
        assert_int_equal(decode_exact(MT_MSG_MARK, buf, w.n), want);
        for (int field = 0; field < 3; field++) {
            struct mt_have_row row = {.chain = id, .floor = field == 0 ? (uint64_t)over : 0};
            row.seq = field == 1 ? top : 0;
            row.fork = field == 2 ? top : 0;
            w = mt_writer(buf, sizeof buf);
            mt_have_begin(&w, 1);
            mt_have_row_put(&w, &row);
            mt_have_end(&w, true);
            assert_int_equal(decode_exact(MT_MSG_HAVE, buf, w.n), want);
        }
        char reason[66];
        memset(reason, 'x', sizeof reason);
        reason[64 + over] = 0;
        w = mt_writer(buf, sizeof buf);
        mt_bye_put(&w, reason);
        assert_int_equal(decode_exact(MT_MSG_BYE, buf, w.n), over ? MT_ETOOLONG : MT_OK);
    }
}

/* A HELLO with `n` versions, the first of which is 0 when `ours`. */
static enum mt_err hello_versions(size_t n, bool ours, struct mt_hello *out) {
    uint8_t buf[BUF], digest[32] = {0};
    struct mt_writer w = mt_writer(buf, sizeof buf);
    mt_wire_put_array(&w, 6);
    mt_wire_put_uint(&w, MT_MSG_HELLO);
    mt_wire_put_array(&w, n);
    for (size_t i = 0; i < n; i++)
        mt_wire_put_uint(&w, ours && i == 0 ? MT_WIRE_VERSION : 77 + i);
    for (int i = 0; i < 3; i++)
        mt_wire_put_bin(&w, digest, sizeof digest);
    mt_wire_put_uint(&w, 5);
    return mt_hello_get(mt_writer_slice(&w), out);
}

static void versions_are_one_to_eight(void **state) {
    struct mt_hello h;
    (void)state;
    assert_int_equal(hello_versions(0, true, &h), MT_EVALUE);
    assert_int_equal(hello_versions(8, true, &h), MT_OK);
    assert_true(h.speaks_us);
    assert_int_equal(hello_versions(1, false, &h), MT_OK);
    assert_false(h.speaks_us);
    assert_int_not_equal(hello_versions(9, true, &h), MT_OK);
}

static void items_stop_at_their_cap(void **state) {
    (void)state;
    uint8_t *buf = malloc(2 * MT_ITEM_MAX), *item = calloc(1, MT_ITEM_MAX + 1);
    assert_true(buf && item);
    for (size_t over = 0; over < 2; over++) {
        enum mt_err want = over ? MT_ETOOLONG : MT_OK;
        struct mt_writer w = mt_writer(buf, 2 * MT_ITEM_MAX);
        mt_file_put(&w, mt_slice(item, MT_ITEM_MAX + over));
        assert_int_equal(decode_as(MT_MSG_FILE, mt_writer_slice(&w)), want);
        w = mt_writer(buf, 2 * MT_ITEM_MAX);
        mt_gov_items_begin(&w, 1);
        mt_wire_put_bin(&w, item, MT_ITEM_MAX + over);
        mt_gov_items_end(&w, true);
        assert_int_equal(decode_as(MT_MSG_GOV_ITEMS, mt_writer_slice(&w)), want);
    }
    free(buf);
    free(item);
}

static void cited_tips_are_at_most_eight(void **state) {
    uint8_t buf[BUF], id16[16] = {0};
    struct mt_id id = built_id("tip", 1);
    (void)state;
    for (size_t tips = 7; tips <= 9; tips++) {
        struct mt_writer w = mt_writer(buf, sizeof buf);
        mt_have_begin(&w, 1);
        mt_wire_put_array(&w, 6);
        mt_wire_put_id(&w, &id);
        mt_wire_put_uint(&w, 0);
        mt_wire_put_uint(&w, 4);
        mt_wire_put_bin(&w, id16, sizeof id16);
        mt_wire_put_uint(&w, 0);
        mt_wire_put_array(&w, tips);
        for (size_t i = 0; i < tips; i++)
            mt_wire_put_id(&w, &id);
        mt_have_end(&w, true);
        enum mt_err err = decode_exact(MT_MSG_HAVE, buf, w.n);
        assert_true(tips <= 8 ? err == MT_OK : mt_err_class(err) == MT_CLASS_PEER);
    }
}

static void frozen_messages(void **state) {
    uint8_t buf[BUF], want[BUF];
    json_t *root = vectors_load("meent/gov.json"), *m;
    size_t i;
    (void)state;
    assert_int_equal(json_array_size(vectors_get(root, "messages")), 10);
    json_array_foreach(vectors_get(root, "messages"), i, m) {
        enum mt_msg_type type = (enum mt_msg_type)vectors_uint(m, "type");
        assert_bytes(sample(type, buf), vectors_bytes(m, "bytes", want, sizeof want));
    }
    json_decref(root);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_put_comes_back),
        cmocka_unit_test(types_are_told_apart),
        cmocka_unit_test(each_cut_or_longer_message_is_refused),
        cmocka_unit_test(another_type_is_refused),
        cmocka_unit_test(each_changed_head_is_refused),
        cmocka_unit_test(forms_that_are_not_canonical_are_refused),
        cmocka_unit_test(numbers_stop_at_their_caps),
        cmocka_unit_test(versions_are_one_to_eight),
        cmocka_unit_test(items_stop_at_their_cap),
        cmocka_unit_test(cited_tips_are_at_most_eight),
        cmocka_unit_test(frozen_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
