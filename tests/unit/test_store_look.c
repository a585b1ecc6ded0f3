/* The look at the bytes of a store's file: a sound one passes, every damage is named, nothing in the
 * bytes makes it crash. The bytes lie in memory of their exact size, so that a read past them
 * shows. */
#include "store_fixture.h"

#include "store_look.h"

#include <fcntl.h>
#include <sys/stat.h>

enum { PAGE = 4096, HEAD = 48, SMALL = 90, LARGE_TEXT = 9000, WHYS_MAX = 300, POKES = 1500 };

/* The row of table meta with the number of the last transaction. */
static const char STATED[] = "commit";

struct file {
    struct fixture f;
    uint8_t *p, *sound;
    size_t n;
    char whys[WHYS_MAX][MT_WALK_WHY_MAX]; /* what was found so far */
    size_t n_whys;
};

static void read_bytes(struct file *x) {
    char path[128];
    struct stat st = {0};
    (void)snprintf(path, sizeof path, "%s/data.mdb", x->f.place.dir);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0 && fstat(fd, &st) == 0);
    x->n = (size_t)st.st_size;
    x->p = malloc(x->n ? x->n : 1);
    x->sound = malloc(x->n ? x->n : 1);
    assert_true(x->p && x->sound);
    assert_int_equal(read(fd, x->sound, x->n), x->n);
    memcpy(x->p, x->sound, x->n);
    close(fd);
}

/* Two chains of the region and a channel, entries that wait for their key, and rows too large for a
 * page; put in one by one, so that pages become free. */
static int setup(void **state) {
    struct file *x = calloc(1, sizeof *x);
    struct builder one, two, pair;
    static char text[LARGE_TEXT + 1];
    assert_non_null(x);
    fixture_open(&x->f);
    builder_region(&one, REGION, 2, 1);
    builder_region(&two, REGION, 3, 2);
    builder_pair(&pair, REGION, 3, 1, 1, 3);
    for (uint32_t i = 0; i < SMALL; i++)
        builder_add_text(&one, MT_KIND_NOTE, i, TITLE, "Kort bericht over een excursie");
    memset(text, 'x', LARGE_TEXT);
    builder_add_text(&two, MT_KIND_NOTE, 1, TITLE, text);
    builder_add_text(&two, MT_KIND_NOTE, 1, TITLE, "Korter");
    builder_add_text(&pair, MT_KIND_PNOTE, 1, TITLE, "Onder ons");
    for (uint32_t i = 0; i < SMALL; i += 10)
        assert_int_equal(fixture_run(&x->f, &one, 1 + i, 10).err, MT_OK);
    assert_int_equal(fixture_run(&x->f, &two, 1, 1).err, MT_OK);
    assert_int_equal(fixture_run(&x->f, &pair, 1, 1).err, MT_OK);
    struct mt_keyring *ring = x->f.ring;
    x->f.ring = NULL;
    assert_int_equal(fixture_run(&x->f, &two, 2, 1).err, MT_OK);
    x->f.ring = ring;
    read_bytes(x);
    builder_close(&one);
    builder_close(&two);
    builder_close(&pair);
    *state = x;
    return 0;
}

static int teardown(void **state) {
    struct file *x = *state;
    fixture_close(&x->f);
    free(x->p);
    free(x->sound);
    free(x);
    return 0;
}

/* Looks, and keeps what was found. */
static enum mt_err look(struct file *x, size_t n) {
    char why[MT_WALK_WHY_MAX];
    enum mt_err err = mt_store_look(x->f.s, x->p, n, why);
    assert_true(err == MT_OK || err == MT_ECORRUPT || err == MT_EVERSION);
    assert_int_equal(err == MT_OK, why[0] == 0);
    size_t i = 0;
    while (i < x->n_whys && strcmp(x->whys[i], why) != 0)
        i++;
    if (i == x->n_whys && i < WHYS_MAX)
        memcpy(x->whys[x->n_whys++], why, sizeof why);
    return err;
}

static void heal(struct file *x) {
    memcpy(x->p, x->sound, x->n);
}

static void expect(struct file *x, size_t n, const char *part) {
    char why[MT_WALK_WHY_MAX];
    assert_int_not_equal(mt_store_look(x->f.s, x->p, n, why), MT_OK);
    if (!strstr(why, part))
        fail_msg("\"%s\", not \"%s\"", why, part);
}

static bool was_found(const struct file *x, const char *part) {
    for (size_t i = 0; i < x->n_whys; i++)
        if (strstr(x->whys[i], part))
            return true;
    return false;
}

static void missed(const struct file *x, const char *part) {
    for (size_t i = 0; i < x->n_whys; i++)
        print_message("found: %s\n", x->whys[i]);
    fail_msg("never found: %s", part);
}

static uint16_t get16(const uint8_t *p) {
    uint16_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static void add64(uint8_t *p, uint64_t n) {
    uint64_t v;
    memcpy(&v, p, sizeof v);
    v += n;
    memcpy(p, &v, sizeof v);
}

/* ---- the tests ---- */

static void a_sound_file_passes(void **state) {
    struct file *x = *state;
    assert_int_equal(look(x, x->n), MT_OK);
    assert_true(x->n / PAGE > 20);
}

static void a_file_cut_anywhere_is_found(void **state) {
    struct file *x = *state;
    for (size_t n = 0; n < 3 * PAGE; n += n < 200 ? 1 : 61) {
        uint8_t *exact = malloc(n ? n : 1);
        char why[MT_WALK_WHY_MAX];
        assert_non_null(exact);
        memcpy(exact, x->p, n);
        assert_int_equal(mt_store_look(x->f.s, exact, n, why), MT_ECORRUPT);
        assert_true(why[0]);
        free(exact);
    }
    expect(x, 100, "the file is too short");
    expect(x, PAGE + 5, "the first pages are damaged");
    expect(x, x->n - PAGE, "the file is shorter than its pages");
}

/* The newer of the two meta pages counts; its number must follow the other's. */
static void an_older_state_is_not_taken_for_the_newest(void **state) {
    enum { TXN = 16 + 128 };
    struct file *x = *state;
    uint64_t a, b;
    memcpy(&a, x->p + TXN, 8);
    memcpy(&b, x->p + PAGE + TXN, 8);
    assert_true(a + 1 == b || b + 1 == a);
    size_t older = a < b ? 0 : PAGE;
    for (unsigned bit = 0; bit < 64; bit++) {
        if (bit == 1 && (a < b ? a : b) % 4 < 2)
            continue; /* see below */
        heal(x);
        x->p[older + TXN + bit / 8] ^= (uint8_t)(1U << bit % 8);
        expect(x, x->n, "contradict each other");
    }
    /* One too many: the state before, as if it were the last. Only its content can tell, where it
     * states which transaction wrote it. */
    if (memmem(x->sound, x->n, STATED, sizeof STATED - 1)) {
        heal(x);
        add64(x->p + older + TXN, 2);
        expect(x, x->n, "not the state that was written last");
    }
    heal(x);
    x->p[PAGE + 20]++;
    assert_int_equal(look(x, x->n), MT_EVERSION);
    heal(x);
    x->p[17] ^= 1;
    expect(x, x->n, "the first pages are damaged");
    heal(x);
    memset(x->p + 40, 0, 4); /* the size of a page */
    expect(x, x->n, "the first pages are damaged");
    heal(x);
    x->p[PAGE + 41] ^= 0x30;
    expect(x, x->n, "contradict each other");
}

static void a_page_in_the_place_of_another_is_found(void **state) {
    struct file *x = *state;
    unsigned found = 0, used = 0;
    for (size_t at = 2; at + 1 < x->n / PAGE; at++) {
        heal(x);
        memcpy(x->p + at * PAGE, x->p + (at + 1) * PAGE, PAGE);
        found += look(x, x->n) != MT_OK;
        heal(x);
        memset(x->p + at * PAGE, 0, PAGE);
        used += look(x, x->n) != MT_OK;
    }
    /* Pages behind the first one of a large row hold nothing but its bytes, and free ones nothing. */
    assert_true(found > 10 && found >= used);
}

/* What must be found at least once. */
static const char *const expected[] = {
    "the first pages are damaged",
    "contradict each other",
    "shorter than its pages",
    "data.mdb: its root is damaged",
    "data.mdb: there is a table of another name",
    "data.mdb: there is something that is no table",
    "a page is used twice or is outside the file",
    "a page is not what it should be",
    "a page is damaged",
    "the keys are out of order",
    "more or fewer rows or pages",
    "a row is damaged",
    "a large row is",
    "a row is longer than its page",
    "there is a table in a table",
    "free pages: a row makes no sense",
    "free pages: a page is free and in use",
    "free pages: a row is damaged",
    "entries: an entry is damaged",
    "entries: a chain has",
    "chains: a row is damaged",
    "records: a row is damaged",
    "meta: a row is damaged",
    "meta: the mark of the store key",
    "a row has the wrong length",
};

/* Every byte of every page's head and list of nodes, and many others. */
static void damaged_bytes_are_named_and_harmless(void **state) {
    struct file *x = *state;
    uint8_t drawn[32];
    for (size_t page = 0; page < x->n / PAGE; page++) {
        size_t n = page < 2 ? 152 : HEAD;
        for (size_t i = 0; i < n; i++) {
            uint8_t *p = x->p + page * PAGE + i;
            *p ^= (uint8_t)(1U << (i + page) % 8);
            (void)look(x, x->n);
            *p = x->sound[page * PAGE + i];
        }
        /* The heads of the nodes. */
        const uint8_t *head = x->sound + page * PAGE;
        for (size_t i = 16; page >= 2 && i + 2 <= get16(head + 12) && i < 60; i += 2) {
            size_t node = get16(head + i);
            for (size_t k = 0; k < 24 && node + k < PAGE; k++) {
                uint8_t *p = x->p + page * PAGE + node + k;
                *p ^= (uint8_t)(1U << (i / 2 + k) % 8);
                (void)look(x, x->n);
                *p = head[node + k];
            }
        }
    }
    for (unsigned i = 0; i < POKES; i++) {
        built_bytes(drawn, "poke", i);
        size_t at = mt_load64(drawn) % x->n;
        x->p[at] ^= (uint8_t)(1U << drawn[8] % 8);
        (void)look(x, x->n);
        x->p[at] = x->sound[at];
    }
    for (size_t i = 0; i < MT_ARRAY_LEN(expected); i++)
        if (!was_found(x, expected[i]))
            missed(x, expected[i]);
    assert_int_equal(look(x, x->n), MT_OK);
}

static void a_file_of_another_key_is_not_called_damaged(void **state) {
    struct file *x = *state;
    struct fixture other;
    char why[MT_WALK_WHY_MAX];
    fixture_open(&other);
    mt_store_close(other.s);
    other.place.key[0] ^= 1;
    char path[128];
    (void)snprintf(path, sizeof path, "%s/data.mdb", other.place.dir);
    assert_int_equal(unlink(path), 0);
    (void)snprintf(path, sizeof path, "%s/lock.mdb", other.place.dir);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(other.place.dir), 0);
    assert_int_equal(place_open(&other.place, &other.s, NULL, 0), MT_OK);
    assert_int_equal(mt_store_look(other.s, x->p, x->n, why), MT_OK);
    assert_string_equal(why, "");
    fixture_close(&other);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sound_file_passes),
        cmocka_unit_test(a_file_cut_anywhere_is_found),
        cmocka_unit_test(an_older_state_is_not_taken_for_the_newest),
        cmocka_unit_test(a_page_in_the_place_of_another_is_found),
        cmocka_unit_test(damaged_bytes_are_named_and_harmless),
        cmocka_unit_test(a_file_of_another_key_is_not_called_damaged),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
