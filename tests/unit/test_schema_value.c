/* Values as text and as bytes, and whole records. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "limits.h"
#include "schema.h"
#include "schema_check.h"
#include "schema_vocab.h"

enum { BUF = 40000 };

static struct mt_slice S(const char *s) {
    return mt_slice_str(s);
}

static const struct mt_text_context today = {.today = 20777}; /* Friday 20 November 2026 */

/* Parses into `buf`; NULL `text` after an error. */
static enum mt_text_err parse(const struct mt_field *f, const char *text, uint8_t *buf,
                              struct mt_slice *value) {
    struct mt_writer w = mt_writer(buf, BUF);
    enum mt_text_err err = mt_schema_parse(f, S(text), &today, &w);
    *value = mt_writer_slice(&w);
    assert_true(err == MT_TEXT_OK || value->n == 0);
    return err;
}

static void becomes(const struct mt_field *f, const char *text, const char *shown, int lang) {
    static uint8_t buf[BUF], out[BUF];
    struct mt_slice value;
    struct mt_writer w = mt_writer(out, sizeof out);
    enum mt_text_err err = parse(f, text, buf, &value);
    if (err != MT_TEXT_OK)
        fail_msg("%s: %d", text, err);
    if (value.p[0] != 0xc0)
        assert_int_equal(mt_schema_check(f, value), MT_TEXT_OK);
    mt_schema_format(f, value, lang, &w);
    assert_int_equal(w.err, MT_OK);
    if (!mt_slice_is(mt_writer_slice(&w), shown))
        fail_msg("%s: %.*s, not %s", text, (int)w.n, (const char *)out, shown);
}

static void fails(const struct mt_field *f, const char *text, enum mt_text_err want) {
    static uint8_t buf[BUF];
    struct mt_slice value;
    enum mt_text_err err = parse(f, text, buf, &value);
    if (err != want)
        fail_msg("%s: %d, not %d", text, err, want);
}

static const struct mt_field str = {.type = MT_FIELD_STR, .max = 10};
static const struct mt_field text = {.type = MT_FIELD_TEXT};
static const struct mt_field strs = {.type = MT_FIELD_STRS, .max = 10};
static const struct mt_field number = {.type = MT_FIELD_UINT, .min = 2, .max = 100};
static const struct mt_field any_number = {.type = MT_FIELD_UINT};
static const struct mt_field cents = {.type = MT_FIELD_CENTS};
static const struct mt_field flag = {.type = MT_FIELD_BOOL};
static const struct mt_field date = {.type = MT_FIELD_DATE};
static const struct mt_field clock = {.type = MT_FIELD_CLOCK};
static const struct mt_field week = {.type = MT_FIELD_WEEK};
static const struct mt_field unit = {.type = MT_FIELD_ENUM, .vocab = &mt_vocab_units};
static const struct mt_field level = {.type = MT_FIELD_ENUMS, .vocab = &mt_vocab_levels};
static const struct mt_field worlds = {.type = MT_FIELD_ENUMS, .vocab = &mt_vocab_worlds};
static const struct mt_field ref = {.type = MT_FIELD_REF, .ref_kind = MT_KIND_ORG};
static const struct mt_field refs = {.type = MT_FIELD_REFS};
static const struct mt_field idents = {.type = MT_FIELD_IDENTS, .vocab = &mt_vocab_schemes};
static const struct mt_field bin = {.type = MT_FIELD_BIN, .min = 2, .max = 4};
static const struct mt_field instant = {.type = MT_FIELD_INSTANT};

#define ID16 "000102030405060708090a0b0c0d0e0f"
#define ID32 ID16 ID16

static void values_of_every_type_round_trip(void **state) {
    (void)state;
    becomes(&str, "  abc ", "abc", -1);
    becomes(&str, "a\nb", "a b", -1);
    becomes(&str, "0123456789", "0123456789", -1);
    becomes(&text, "a\r\nb\rc", "a\nb\nc", -1);
    becomes(&strs, "a| b |\xc3\xa9", "a|b|\xc3\xa9", -1);
    becomes(&strs, "| |", "", -1);
    becomes(&number, "2", "2", -1);
    becomes(&number, "0100", "100", -1);
    becomes(&any_number, "9007199254740991", "9007199254740991", -1);
    becomes(&flag, "Ja", "true", -1);
    becomes(&flag, "n", "nee", MT_LANG_NL);
    becomes(&flag, "x", "yes", MT_LANG_EN);
    becomes(&date, "23-11-2026", "2026-11-23", -1);
    becomes(&date, "morgen", "2026-11-21", MT_LANG_NL);
    becomes(&clock, "9.05", "09:05", -1);
    becomes(&week, "wk 9", "2027-W09", -1);
    becomes(&unit, "groep", "groups", -1);
    becomes(&unit, "groep", "Groepen", MT_LANG_NL);
    becomes(&unit, "groep", "Groups", MT_LANG_EN);
    becomes(&level, "TL|bb|BB", "BB|TL", -1);
    becomes(&level, "KB/BB", "BB|KB", -1);
    becomes(&level, "BB, KB|hbo", "BB|KB|hbo", -1);
    becomes(&bin, "00fF10", "00ff10", -1);
    becomes(&instant, "2026-11-23T09:00+01:00", "2026-11-23T08:00:00.000Z", -1);
    becomes(&ref, "org:" ID16 "@" ID32, "org:" ID16, -1);
    becomes(&refs, "Activiteit:" ID16 "@" ID32 "|placement:" ID16 "@" ID32 "/channel",
            "activity:" ID16 "|placement:" ID16, -1);
    becomes(&idents, "kvk:01234567|brin:02va00", "brin-vestiging:02VA00|kvk:01234567", -1);
}

static void money_is_read_in_both_notations(void **state) {
    (void)state;
    becomes(&cents, "12,50", "12.50", -1);
    becomes(&cents, "12.50", "12,50", MT_LANG_NL);
    becomes(&cents, "12,5", "12.50", -1);
    becomes(&cents, "12", "12.00", -1);
    becomes(&cents, "\xe2\x82\xac 1.250.000", "1250000.00", -1);
    becomes(&cents, "EUR 1,250,000.05", "1250000.05", -1);
    becomes(&cents, "1.250", "1250.00", -1);
    becomes(&cents, "0,07", "0.07", -1);
    fails(&cents, "1.25.000", MT_TEXT_NOT_NUMBER);
    fails(&cents, ",50", MT_TEXT_NOT_NUMBER);
    fails(&cents, ".250", MT_TEXT_NOT_NUMBER);
    fails(&cents, "12,", MT_TEXT_NOT_NUMBER);
    fails(&cents, "tien", MT_TEXT_NOT_NUMBER);
    fails(&cents, "-3", MT_TEXT_TOO_SMALL);
    fails(&cents, "99999999999999999999999", MT_TEXT_TOO_LARGE);
    fails(&cents, "90071992547409,92", MT_TEXT_TOO_LARGE);
    becomes(&cents, "90071992547409,91", "90071992547409.91", -1);
}

/* Every byte, at every place of a text long enough to be taken in steps. */
static void control_bytes_are_found_wherever_they_stand(void **state) {
    const struct mt_field line = {.type = MT_FIELD_STR}, lines = {.type = MT_FIELD_TEXT},
                          list = {.type = MT_FIELD_STRS};
    uint8_t bytes[21];
    (void)state;
    for (unsigned byte = 1; byte < 0x80; byte++)
        for (size_t at = 0; at < sizeof bytes; at++) {
            struct mt_slice s = mt_slice(bytes, sizeof bytes);
            bool is_control = byte < 0x20 || byte == 0x7f, is_layout = byte == '\n' || byte == '\t';
            memset(bytes, byte == '~' ? ' ' : '~', sizeof bytes);
            bytes[at] = (uint8_t)byte;
            assert_int_equal(mt_text_check(&line, s) != MT_TEXT_OK, is_control);
            assert_int_equal(mt_text_check(&lines, s) != MT_TEXT_OK, is_control && !is_layout);
            assert_int_equal(mt_text_check(&list, s) != MT_TEXT_OK, is_control || byte == '|');
        }
}

static void wrong_texts_say_what_is_wrong(void **state) {
    (void)state;
    fails(&str, "0123456789a", MT_TEXT_TOO_LONG);
    fails(&str, "a\x01", MT_TEXT_NOT_TEXT);
    fails(&str, "a\x7f", MT_TEXT_NOT_TEXT);
    fails(&str, "a\tb", MT_TEXT_NOT_TEXT);
    fails(&str, "\xc2\x85x", MT_TEXT_NOT_TEXT);
    fails(&str, "\xe2\x80\xaex", MT_TEXT_NOT_TEXT);
    fails(&str, "\xff", MT_TEXT_NOT_TEXT);
    fails(&number, "1", MT_TEXT_TOO_SMALL);
    fails(&number, "-3", MT_TEXT_TOO_SMALL);
    fails(&number, "101", MT_TEXT_TOO_LARGE);
    fails(&number, "999999999999999999999", MT_TEXT_TOO_LARGE);
    fails(&any_number, "9007199254740992", MT_TEXT_TOO_LARGE);
    fails(&number, "4,5", MT_TEXT_NOT_NUMBER);
    fails(&number, "-", MT_TEXT_NOT_NUMBER);
    fails(&flag, "misschien", MT_TEXT_NOT_BOOL);
    fails(&date, "31-02-2027", MT_TEXT_NOT_DATE);
    fails(&clock, "25:61", MT_TEXT_NOT_CLOCK);
    fails(&week, "2027-W53", MT_TEXT_NOT_WEEK);
    fails(&unit, "stuks", MT_TEXT_NOT_WORD);
    fails(&unit, "groep|leerlingen", MT_TEXT_NOT_WORD);
    fails(&level, "BB|XX", MT_TEXT_NOT_WORD);
    fails(&worlds, "Ruimtevaart", MT_TEXT_NOT_WORD);
    fails(&bin, "00", MT_TEXT_NOT_TEXT);
    fails(&bin, "0001f", MT_TEXT_NOT_TEXT);
    fails(&bin, "0001020304", MT_TEXT_TOO_LONG);
    fails(&instant, "vandaag", MT_TEXT_NOT_DATE);
    fails(&ref, "Wavin", MT_TEXT_NOT_REF);
    fails(&ref, "activity:" ID16 "@" ID32, MT_TEXT_NOT_REF);
    fails(&ref, "org:" ID16, MT_TEXT_NOT_REF);
    fails(&ref, "org:" ID16 "@" ID32 "/region", MT_TEXT_NOT_REF);
    fails(&ref, "org:" ID32 "@" ID32, MT_TEXT_NOT_REF);
    fails(&idents, "kvk:1234567", MT_TEXT_NOT_IDENT);
    fails(&idents, "bsn:123456782", MT_TEXT_NOT_IDENT);
    fails(&idents, "Wavin", MT_TEXT_NOT_IDENT);
}

static void an_empty_text_clears(void **state) {
    (void)state;
    static uint8_t buf[BUF];
    struct mt_slice value;
    const struct mt_field *const all[] = {&str,  &strs, &number, &cents, &flag, &date,   &clock,
                                          &week, &unit, &level,  &ref,   &refs, &idents, &bin};
    for (size_t i = 0; i < MT_ARRAY_LEN(all); i++) {
        assert_int_equal(parse(all[i], " \xc2\xa0", buf, &value), MT_TEXT_OK);
        assert_true(value.n == 1 && value.p[0] == 0xc0);
        becomes(all[i], "", "", -1);
    }
}

static void relative_dates_need_a_today(void **state) {
    (void)state;
    uint8_t buf[16];
    struct mt_writer w = mt_writer(buf, sizeof buf);
    assert_int_equal(mt_schema_parse(&date, S("morgen"), NULL, &w), MT_TEXT_NOT_DATE);
    assert_int_equal(w.n, 0);
}

static void lists_and_texts_hold_what_their_caps_say(void **state) {
    (void)state;
    static uint8_t buf[BUF];
    static char big[MT_STRING_MAX + 2];
    struct mt_slice value;
    memset(big, 'a', MT_STRING_MAX + 1);
    assert_int_equal(parse(&text, big, buf, &value), MT_TEXT_TOO_LONG);
    big[MT_STRING_MAX] = 0;
    assert_int_equal(parse(&text, big, buf, &value), MT_TEXT_OK);
    assert_int_equal(mt_schema_check(&text, value), MT_TEXT_OK);
    memset(big, 0, sizeof big);
    for (int i = 0; i < MT_LIST_MAX; i++)
        memcpy(big + 2 * i, "a|", 2);
    assert_int_equal(parse(&strs, big, buf, &value), MT_TEXT_OK);
    assert_int_equal(mt_schema_check(&strs, value), MT_TEXT_OK);
    memcpy(big + 2 * MT_LIST_MAX, "a|", 2);
    assert_int_equal(parse(&strs, big, buf, &value), MT_TEXT_TOO_MANY);
    uint8_t small[4];
    struct mt_writer w = mt_writer(small, sizeof small);
    assert_int_equal(mt_schema_parse(&str, S("abcdef"), NULL, &w), MT_TEXT_TOO_LONG);
    assert_int_equal(w.n, 0);
}

static void bytes_that_do_not_fit_are_refused_and_shown_as_a_question(void **state) {
    (void)state;
    static const struct {
        const struct mt_field *field;
        const char *bytes;
        size_t n;
        enum mt_text_err err;
    } bad[] = {
        {&str, "\x01", 1, MT_TEXT_NOT_TEXT},
        {&str, "\xa1\x01", 2, MT_TEXT_NOT_TEXT},
        {&str,
         "\xd9\x01"
         "a",
         3, MT_TEXT_NOT_TEXT}, /* not the shortest form */
        {&number,
         "\xa1"
         "1",
         2, MT_TEXT_NOT_NUMBER},
        {&number, "\xff", 1, MT_TEXT_TOO_SMALL}, /* -1 */
        {&number, "", 0, MT_TEXT_NOT_NUMBER},
        {&flag, "\x01", 1, MT_TEXT_NOT_BOOL},
        {&date, "\x00", 1, MT_TEXT_NOT_DATE},
        {&date, "\xce\xff\xff\xff\xff", 5, MT_TEXT_NOT_DATE},
        {&clock, "\xcd\x05\xa0", 3, MT_TEXT_NOT_CLOCK}, /* 24:00 */
        {&week, "\xce\x00\x03\x18\x01", 5, MT_TEXT_NOT_WEEK},
        {&unit, "\x03", 1, MT_TEXT_NOT_WORD},
        {&unit, "\x91\x01", 2, MT_TEXT_NOT_WORD},
        {&level, "\x01", 1, MT_TEXT_NOT_WORD},
        {&level, "\x90", 1, MT_TEXT_NOT_WORD},
        {&level, "\x92\x02\x01", 3, MT_TEXT_NOT_WORD},
        {&level, "\x92\x01\x01", 3, MT_TEXT_NOT_WORD},
        {&level, "\x91\x3f", 2, MT_TEXT_NOT_WORD},
        {&ref, "\x94\x00\x01\x01\x01", 5, MT_TEXT_NOT_REF},
        {&refs, "\x91\xc0", 2, MT_TEXT_NOT_REF},
        {&idents,
         "\x91\x92\x03\xa1"
         "1",
         5, MT_TEXT_NOT_IDENT},
        {&bin, "\xc4\x01\x00", 3, MT_TEXT_NOT_TEXT},
        {&bin, "\xc4\x05\x00\x00\x00\x00\x00", 7, MT_TEXT_NOT_TEXT},
        {&instant, "\xcf\xff\xff\xff\xff\xff\xff\xff\xff", 9, MT_TEXT_NOT_DATE},
        {&strs, "\x91\xa1|", 3, MT_TEXT_NOT_TEXT},
        {&strs, "\x91\x01", 2, MT_TEXT_NOT_TEXT},
    };
    for (size_t i = 0; i < MT_ARRAY_LEN(bad); i++) {
        uint8_t out[64];
        struct mt_slice value = mt_slice(bad[i].bytes, bad[i].n);
        struct mt_writer w = mt_writer(out, sizeof out);
        if (mt_schema_check(bad[i].field, value) != bad[i].err)
            fail_msg("%zu: %d", i, mt_schema_check(bad[i].field, value));
        mt_schema_format(bad[i].field, value, -1, &w);
        if (!mt_slice_is(mt_writer_slice(&w), "?"))
            fail_msg("%zu: %.*s", i, (int)w.n, (const char *)out);
    }
}

static void any_bytes_are_checked_and_shown_without_harm(void **state) {
    (void)state;
    const struct mt_field *const all[] = {&str,  &text,   &strs, &number, &cents, &flag,
                                          &date, &clock,  &week, &unit,   &level, &ref,
                                          &refs, &idents, &bin,  &instant};
    uint32_t seed = 1;
    for (int round = 0; round < 20000; round++) {
        uint8_t bytes[24], out[256];
        for (size_t i = 0; i < sizeof bytes; i++) {
            seed = seed * 1664525 + 1013904223;
            bytes[i] = (uint8_t)(seed >> 24);
        }
        size_t len;
        if (mt_wire_scan(mt_slice(bytes, sizeof bytes), MT_WIRE_CANONICAL, sizeof bytes, &len) !=
            MT_OK)
            len = bytes[0] % sizeof bytes;
        const struct mt_field *f = all[(unsigned)round % MT_ARRAY_LEN(all)];
        struct mt_writer w = mt_writer(out, sizeof out), v = mt_writer(out, sizeof out);
        bool fits = mt_schema_check(f, mt_slice(bytes, len)) == MT_TEXT_OK;
        mt_schema_format(f, mt_slice(bytes, len), round % 2 - 1, &w);
        assert_true(!fits || !mt_slice_is(mt_writer_slice(&w), "?"));
        (void)mt_schema_parse(f, mt_slice(bytes, sizeof bytes), &today, &v);
    }
}

static void identifiers_keep_zeros_and_tell_their_register(void **state) {
    (void)state;
    becomes(&idents, "02VA", "brin:02VA", -1);
    becomes(&idents, "02va 00", "brin-vestiging:02VA00", -1);
    becomes(&idents, "01234567", "kvk:01234567", -1);
    becomes(&idents, "000012345678", "kvk-vestiging:000012345678", -1);
    becomes(&idents, "KvK-nummer: 01234567 | kvk:01234567", "kvk:01234567", -1);
    becomes(&idents, "rio:110A123|oin:00000001234567890000", "oin:00000001234567890000|rio:110A123",
            -1);
    fails(&idents, "brin:2VA0", MT_TEXT_NOT_IDENT);
    fails(&idents, "kvk:", MT_TEXT_NOT_IDENT);
    fails(&idents, "rio:12345678901234567890123456789012345678901", MT_TEXT_NOT_IDENT);
}

static bool same_org(const char *a, const char *b) {
    static uint8_t x[BUF], y[BUF];
    struct mt_slice p, q;
    assert_int_equal(parse(&idents, a, x, &p), MT_TEXT_OK);
    assert_int_equal(parse(&idents, b, y, &q), MT_TEXT_OK);
    assert_int_equal(mt_ident_same(p, q), mt_ident_same(q, p));
    return mt_ident_same(p, q);
}

static void locations_of_one_school_are_not_one_organisation(void **state) {
    (void)state;
    assert_true(same_org("brin:25PW|brin:25PW54", "25PW54"));
    assert_false(same_org("brin:25PW|brin:25PW54", "brin:25PW|brin:25PW51"));
    assert_true(same_org("brin:25PW", "brin:25PW|brin:25PW51"));
    assert_true(same_org("kvk:01234567|rsin:123456789", "rsin:123456789"));
    assert_false(same_org("kvk:01234567", "kvk:01234568"));
    assert_false(same_org("", "kvk:01234568"));
}

/* ---- whole records ---- */

/* Encodes "name=text;name=text" as a map; the names in the order of their numbers. */
static struct mt_slice record(const struct mt_kind *kind, const char *pairs, uint8_t *buf) {
    size_t n = 0;
    for (struct mt_slice rest = S(pairs); rest.p; n++)
        (void)mt_text_cut(&rest, ';');
    struct mt_writer w = mt_writer(buf, BUF);
    mt_wire_put_map(&w, n);
    for (struct mt_slice rest = S(pairs); rest.p;) {
        struct mt_slice value = mt_text_cut(&rest, ';');
        const struct mt_field *f = mt_schema_field_named(kind, mt_text_cut(&value, '='));
        assert_non_null(f);
        mt_wire_put_uint(&w, f->no);
        assert_int_equal(mt_schema_parse(f, value, &today, &w), MT_TEXT_OK);
    }
    return mt_writer_slice(&w);
}

static void checks_as(uint16_t kind_no, const char *pairs, bool complete, enum mt_text_err want,
                      const char *field) {
    static uint8_t buf[BUF];
    const struct mt_kind *kind = mt_schema_kind(kind_no);
    const struct mt_field *bad;
    enum mt_text_err err = mt_schema_check_fields(kind, record(kind, pairs, buf), complete, &bad);
    if (err != want || (bad == NULL) != (field == NULL) || (bad && strcmp(bad->name, field) != 0))
        fail_msg("%s: %d at %s", pairs, err, bad ? bad->name : "nothing");
}

#define HOST "host=org:" ID16 "@" ID32

static void new_records_need_their_required_fields(void **state) {
    (void)state;
    checks_as(MT_KIND_ACTIVITY, "title=T;type=gastles;direction=offer;" HOST, true, MT_TEXT_OK,
              NULL);
    checks_as(MT_KIND_ACTIVITY, "title=T;type=gastles;direction=offer", true, MT_TEXT_MISSING,
              "host");
    checks_as(MT_KIND_ACTIVITY, "type=gastles", false, MT_TEXT_OK, NULL);
    checks_as(MT_KIND_ACTIVITY, "title=", false, MT_TEXT_MISSING, "title");
    checks_as(MT_KIND_ACTIVITY, "place=", false, MT_TEXT_OK, NULL);
    checks_as(MT_KIND_SIGNUP, "group=3B;pupils=24", true, MT_TEXT_MISSING, "activity");
    checks_as(MT_KIND_SIGNUP, "activity=activity:" ID16 "@" ID32 ";group=3B", true, MT_TEXT_OK,
              NULL);
    checks_as(MT_KIND_SIGNUP, "asset=asset:" ID16 "@" ID32 ";group=3B", true, MT_TEXT_OK, NULL);
    checks_as(MT_KIND_STAGEPLEK, "title=T;type=snuffelstage;capacity=2", true, MT_TEXT_OK, NULL);
    checks_as(MT_KIND_PLACEMENT, "level=KB;route=snuffelstage;from=1-2-2027;until=5-2-2027", true,
              MT_TEXT_OK, NULL);
    checks_as(MT_KIND_PLACEMENT, "level=KB;route=snuffelstage;from=1-2-2027", true, MT_TEXT_MISSING,
              "until");
}

static void an_end_is_not_before_its_start(void **state) {
    (void)state;
    checks_as(MT_KIND_ACTIVITY, "start=09:00;end=08:59", false, MT_TEXT_ORDER, "end");
    checks_as(MT_KIND_ACTIVITY, "start=09:00;end=09:00", false, MT_TEXT_OK, NULL);
    checks_as(MT_KIND_ACTIVITY, "date=1-2-2027;start=22:00;end=02:00;end_date=2-2-2027", false,
              MT_TEXT_OK, NULL);
    checks_as(MT_KIND_ACTIVITY, "date=1-2-2027;start=22:00;end=02:00;end_date=1-2-2027", false,
              MT_TEXT_ORDER, "end");
    checks_as(MT_KIND_ACTIVITY, "date=2-2-2027;end_date=1-2-2027", false, MT_TEXT_ORDER,
              "end_date");
    checks_as(MT_KIND_ACTIVITY, "week=2027-W03;end_week=2027-W02", false, MT_TEXT_ORDER,
              "end_week");
    checks_as(MT_KIND_ACTIVITY, "date=2027-01-17;week=2027-W02", false, MT_TEXT_OK, NULL);
    checks_as(MT_KIND_ACTIVITY, "date=2027-01-18;week=2027-W02", false, MT_TEXT_OUTSIDE, "date");
    checks_as(MT_KIND_ACTIVITY, "date=2027-01-10;week=2027-W02", false, MT_TEXT_OUTSIDE, "date");
    checks_as(MT_KIND_ACTIVITY, "date=2027-01-18;week=2027-W02;end_week=2027-W03", false,
              MT_TEXT_OK, NULL);
    checks_as(MT_KIND_ACTIVITY, "title=T;type=gastles;direction=offer;" HOST ";end_date=2027-01-18",
              true, MT_TEXT_NO_START, "end_date");
    checks_as(MT_KIND_ACTIVITY,
              "title=T;type=gastles;direction=offer;" HOST ";end_date=2027-01-18;week=2027-W02",
              true, MT_TEXT_NO_START, "end_date");
    checks_as(MT_KIND_ACTIVITY,
              "title=T;type=gastles;direction=offer;" HOST ";date=2027-01-18;end_date=2027-01-18",
              true, MT_TEXT_OK, NULL);
    checks_as(MT_KIND_ACTIVITY,
              "title=T;type=gastles;direction=offer;" HOST ";date=2027-01-18;end_week=2027-W03",
              true, MT_TEXT_NO_START, "end_week");
    checks_as(MT_KIND_ACTIVITY, "end_date=2027-01-18", false, MT_TEXT_OK, NULL); /* some of it */
    checks_as(MT_KIND_SIGNUP, "activity=activity:" ID16 "@" ID32 ";end_date=2027-01-18", true,
              MT_TEXT_NO_START, "end_date");
    const struct mt_kind *kinds[] = {mt_schema_kind(MT_KIND_ACTIVITY),
                                     mt_schema_kind(MT_KIND_STAGEPLEK)};
    for (size_t i = 0; i < MT_ARRAY_LEN(kinds); i++)
        fails(mt_schema_field_named(kinds[i], mt_slice_str("capacity")), "0", MT_TEXT_TOO_SMALL);
    checks_as(MT_KIND_PLACEMENT, "from=2-2-2027;until=1-2-2027", false, MT_TEXT_ORDER, "until");
    checks_as(MT_KIND_PERIOD, "from=2-2-2027;until=2-2-2027", false, MT_TEXT_OK, NULL);
}

static void fields_of_later_versions_are_let_through(void **state) {
    (void)state;
    const struct mt_field *bad;
    const struct mt_kind *org = mt_schema_kind(MT_KIND_ORG);
    struct mt_slice later = mt_slice("\x81\x3f\x91\x05", 4);
    assert_int_equal(mt_schema_check_fields(org, later, false, &bad), MT_TEXT_OK);
    assert_null(bad);
    struct mt_slice wrong = mt_slice("\x81\x00\x05", 3);
    assert_int_equal(mt_schema_check_fields(org, wrong, false, &bad), MT_TEXT_NOT_TEXT);
    assert_string_equal(bad->name, "name");
    assert_int_equal(mt_schema_check_fields(org, mt_slice("\x90", 1), false, &bad),
                     MT_TEXT_NOT_TEXT);
    assert_null(bad);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_of_every_type_round_trip),
        cmocka_unit_test(money_is_read_in_both_notations),
        cmocka_unit_test(control_bytes_are_found_wherever_they_stand),
        cmocka_unit_test(wrong_texts_say_what_is_wrong),
        cmocka_unit_test(an_empty_text_clears),
        cmocka_unit_test(relative_dates_need_a_today),
        cmocka_unit_test(lists_and_texts_hold_what_their_caps_say),
        cmocka_unit_test(bytes_that_do_not_fit_are_refused_and_shown_as_a_question),
        cmocka_unit_test(any_bytes_are_checked_and_shown_without_harm),
        cmocka_unit_test(identifiers_keep_zeros_and_tell_their_register),
        cmocka_unit_test(locations_of_one_school_are_not_one_organisation),
        cmocka_unit_test(new_records_need_their_required_fields),
        cmocka_unit_test(an_end_is_not_before_its_start),
        cmocka_unit_test(fields_of_later_versions_are_let_through),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
