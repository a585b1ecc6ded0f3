/* The table of kinds, fields and words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "limits.h"
#include "schema.h"
#include "schema_vocab.h"

static struct mt_slice S(const char *s) {
    return mt_slice_str(s);
}

/* ---- the tables ---- */

static bool
has_labels(const char *const *label) {
    return label[MT_LANG_EN] && label[MT_LANG_EN][0] && label[MT_LANG_NL] && label[MT_LANG_NL][0];
}

/* The names of one row, each once: name, labels and further spellings. */
struct names {
    size_t n;
    struct mt_slice of[24];
};

static struct names names_of(const char *name, const char *const *label, const char *further) {
    struct names out = {.n = 0};
    out.of[out.n++] = S(name);
    out.of[out.n++] = S(label[MT_LANG_EN]);
    out.of[out.n++] = S(label[MT_LANG_NL]);
    for (struct mt_slice rest = further ? S(further) : mt_slice(NULL, 0); rest.p;) {
        assert_true(out.n < MT_ARRAY_LEN(out.of));
        out.of[out.n++] = mt_text_cut(&rest, '|');
        assert_true(out.of[out.n - 1].n > 0);
    }
    return out;
}

static void every_kind_has_its_number_and_labels(void **state) {
    (void)state;
    size_t n;
    const struct mt_kind *kinds = mt_schema_kinds(&n);
    assert_int_equal(n, MT_KIND_END - 1);
    assert_null(mt_schema_kind(0));
    assert_null(mt_schema_kind(MT_KIND_END));
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(kinds[i].no, i + 1);
        assert_ptr_equal(mt_schema_kind(kinds[i].no), &kinds[i]);
        assert_true(has_labels(kinds[i].label));
        assert_int_equal(kinds[i].major, 1);
        assert_true(!kinds[i].pair || kinds[i].personal);
        struct names names = names_of(kinds[i].name, kinds[i].label, NULL);
        for (size_t j = 0; j < names.n; j++)
            assert_ptr_equal(mt_schema_kind_named(names.of[j]), &kinds[i]);
    }
    assert_int_equal(mt_schema_kind_named(S(" ACTIVITEIT "))->no, MT_KIND_ACTIVITY);
    assert_null(mt_schema_kind_named(S("")));
}

static void check_field(const struct mt_kind *kind, const struct mt_field *f) {
    bool words =
        f->type == MT_FIELD_ENUM || f->type == MT_FIELD_ENUMS || f->type == MT_FIELD_IDENTS;
    bool ref = f->type == MT_FIELD_REF || f->type == MT_FIELD_REFS;
    assert_true(f->no < MT_FIELDS_MAX);
    assert_true(has_labels(f->label));
    assert_true(!f->help[MT_LANG_EN] == !f->help[MT_LANG_NL]);
    assert_int_equal(words, f->vocab != NULL);
    assert_true(f->ref_kind == 0 || (ref && mt_schema_kind(f->ref_kind)));
    assert_true(f->max == 0 || f->min <= f->max);
    assert_false((f->flags & MT_FIELD_REQUIRED) && (f->flags & MT_FIELD_PREPARED));
    assert_ptr_equal(mt_schema_field(kind, f->no), f);
    struct names names = names_of(f->name, f->label, f->csv);
    for (size_t i = 0; i < names.n; i++)
        if (mt_schema_field_named(kind, names.of[i]) != f)
            fail_msg("%s.%s: %.*s names another field", kind->name, f->name, (int)names.of[i].n,
                     (const char *)names.of[i].p);
}

static void fields_ascend_and_no_name_means_two(void **state) {
    (void)state;
    size_t n;
    const struct mt_kind *kinds = mt_schema_kinds(&n);
    for (size_t i = 0; i < n; i++) {
        assert_true(kinds[i].n_fields > 0);
        for (size_t j = 0; j < kinds[i].n_fields; j++) {
            if (j && kinds[i].fields[j].no <= kinds[i].fields[j - 1].no)
                fail_msg("%s.%s", kinds[i].name, kinds[i].fields[j].name);
            check_field(&kinds[i], &kinds[i].fields[j]);
        }
        assert_null(mt_schema_field(&kinds[i], 63));
        assert_null(mt_schema_field_named(&kinds[i], S("id")));
        assert_null(mt_schema_field_named(&kinds[i], S("")));
    }
}

static void no_word_means_two_things(void **state) {
    (void)state;
    size_t n;
    const struct mt_vocab *const *vocabs = mt_schema_vocabs(&n);
    assert_true(n > 30);
    for (size_t v = 0; v < n; v++) {
        for (size_t i = 0; i < vocabs[v]->n; i++) {
            const struct mt_vocab_entry *e = &vocabs[v]->entries[i];
            assert_true(has_labels(e->label));
            assert_true(e->code >= 1 && e->code < 64);
            assert_ptr_equal(mt_vocab_code(vocabs[v], e->code), e);
            struct names names = names_of(e->name, e->label, e->aliases);
            for (size_t j = 0; j < names.n; j++) {
                if (mt_vocab_named(vocabs[v], names.of[j]) != e)
                    fail_msg("%s: %.*s", vocabs[v]->name, (int)names.of[j].n,
                             (const char *)names.of[j].p);
                assert_null(memchr(names.of[j].p, '|', names.of[j].n));
            }
        }
        assert_null(mt_vocab_code(vocabs[v], 0));
        assert_null(mt_vocab_named(vocabs[v], S("")));
        assert_null(mt_vocab_named(vocabs[v], S("geen van deze")));
    }
}

static void every_vocabulary_a_field_uses_is_listed(void **state) {
    (void)state;
    size_t n, m;
    const struct mt_kind *kinds = mt_schema_kinds(&n);
    const struct mt_vocab *const *vocabs = mt_schema_vocabs(&m);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < kinds[i].n_fields; j++) {
            bool listed = kinds[i].fields[j].vocab == NULL;
            for (size_t v = 0; v < m; v++)
                listed = listed || vocabs[v] == kinds[i].fields[j].vocab;
            assert_true(listed);
        }
    }
}

static uint64_t code(const struct mt_vocab *vocab, const char *word) {
    const struct mt_vocab_entry *e = mt_vocab_named(vocab, S(word));
    return e ? e->code : 0;
}

static void words_are_found_however_they_are_written(void **state) {
    (void)state;
    assert_int_equal(code(&mt_vocab_units, "groep"), MT_UNIT_GROUPS);
    assert_int_equal(code(&mt_vocab_units, "GROEPEN"), MT_UNIT_GROUPS);
    assert_int_equal(code(&mt_vocab_units, "leerlingen"), MT_UNIT_PUPILS);
    assert_int_equal(code(&mt_vocab_directions, "vraag"), MT_DIRECTION_REQUEST);
    assert_int_equal(code(&mt_vocab_allocations, "volgorde"), MT_ALLOCATION_FIRST_COME);
    assert_int_equal(code(&mt_vocab_allocations, "first-come"), MT_ALLOCATION_FIRST_COME);
    assert_int_equal(code(&mt_vocab_allocations, "loting"), MT_ALLOCATION_LOTTERY);
    assert_int_equal(code(&mt_vocab_worlds, "energie, WATER & veiligheid"), 2);
    assert_int_equal(code(&mt_vocab_worlds, "Hi tech & Science"), 7);
    assert_int_equal(code(&mt_vocab_activity_types, "Open dag"), 8);
    assert_int_equal(code(&mt_vocab_activity_types, "open-dag"), 8);
    assert_int_equal(code(&mt_vocab_activity_types, " on_stage "), 12);
    assert_int_equal(code(&mt_vocab_mechanisms, "CO\xc3\x96RDINATIE"), 2);
    assert_int_equal(code(&mt_vocab_routes, "bpv bbl"), 7);
    assert_int_equal(code(&mt_vocab_levels, "kb"), 2);
    assert_int_equal(code(&mt_vocab_levels, "bbl"), 0); /* it means two things */
    assert_int_equal(code(&mt_vocab_activity_types, "gastlezzen"), 0);
}

static void text_is_trimmed_of_no_break_spaces_too(void **state) {
    (void)state;
    assert_true(mt_slice_is(mt_text_trim(S(" \t\xc2\xa0 a b \xc2\xa0\r\n")), "a b"));
    assert_int_equal(mt_text_trim(S(" \xc2\xa0 ")).n, 0);
    assert_int_equal(mt_text_trim(mt_slice(NULL, 0)).n, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_has_its_number_and_labels),
        cmocka_unit_test(fields_ascend_and_no_name_means_two),
        cmocka_unit_test(no_word_means_two_things),
        cmocka_unit_test(every_vocabulary_a_field_uses_is_listed),
        cmocka_unit_test(words_are_found_however_they_are_written),
        cmocka_unit_test(text_is_trimmed_of_no_break_spaces_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
