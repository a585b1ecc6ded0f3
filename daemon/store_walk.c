/* Every page that is in use must say that it is the page it stands at, be used once, and hold keys
 * that ascend within what the page above promises of it; every table must have as many rows and
 * pages as its root says; a free page may not be in use. Two meta pages take turns, so the older
 * one must be exactly one transaction behind: another number would bring back an older state. */
#include "store_walk.h"

#include <stdio.h>
#include <string.h>

enum {
    META_MAGIC_VERSION = 1,
    META_SIZE = 4 + 4 + 8 + 8 + 2 * 48 + 8 + 8,
    DB_SIZE = 48,
    HEAD_SIZE = 16, /* of a page */
    NODE_SIZE = 8,  /* of a node, before its key */
    PAGE_BYTES_MIN = 512,
    PAGE_BYTES_MAX = 65536,
    KEY_MAX = 511,
    DEPTH_MAX = 32,
    FIRST_PAGE = 2, /* behind the meta pages */
    PAGE_BRANCH = 1,
    PAGE_LEAF = 2,
    PAGE_OVERFLOW = 4,
    PAGE_META = 8,
    NODE_BIG = 1,
    NODE_TABLE = 2,
    TABLE_INTEGER_KEY = 8,
};

#define MAGIC   UINT32_C(0xbeefc0de)
#define NO_PAGE UINT64_MAX

_Static_assert(sizeof(size_t) == 8, "the data format has numbers of the size of size_t");

/* The root of a table. */
struct root {
    uint32_t pad;
    uint16_t flags, depth;
    uint64_t branches, leaves, overflows, rows, page;
};

struct state {
    struct mt_walk *w;
    size_t page_bytes;
    uint64_t pages;
    const char *name; /* of what is being walked */
    size_t table;     /* its number, when it is one of the tables */
    enum { MAIN, FREE, TABLE } kind;
    struct root found;                      /* counts what is met */
    struct root tables[MT_WALK_TABLES_MAX]; /* roots met in the main table */
    struct mt_slice last;                   /* the key before */
    bool has_last;
};

/* A page and what its keys lie between; p NULL: no bound. */
struct span {
    uint64_t page;
    unsigned depth;
    struct mt_slice low, high;
};

static enum mt_err bad(struct state *s, const char *why) {
    (void)snprintf(s->w->why, sizeof s->w->why, "%s: %s", s->name, why);
    return MT_ECORRUPT;
}

/* ---- numbers as the machine stores them ---- */

static uint16_t load16(const uint8_t *p) {
    uint16_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static uint32_t load32(const uint8_t *p) {
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static uint64_t load64(const uint8_t *p) {
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static struct root load_root(const uint8_t *p) {
    return (struct root){.pad = load32(p),
                         .flags = load16(p + 4),
                         .depth = load16(p + 6),
                         .branches = load64(p + 8),
                         .leaves = load64(p + 16),
                         .overflows = load64(p + 24),
                         .rows = load64(p + 32),
                         .page = load64(p + 40)};
}

/* ---- pages ---- */

static const uint8_t *page_at(const struct state *s, uint64_t no) {
    return s->w->file + no * s->page_bytes;
}

/* Marks pages as met. False when one is outside or was met before. */
static bool take(struct state *s, uint64_t no, uint64_t n) {
    if (no < FIRST_PAGE || no >= s->pages || n > s->pages - no)
        return false;
    for (uint64_t i = no; i < no + n; i++) {
        if (s->w->seen[i / 8] >> i % 8 & 1)
            return false;
        s->w->seen[i / 8] |= (uint8_t)(1U << i % 8);
    }
    return true;
}

/* Order of keys; those of the list of free pages are numbers. */
static int order(const struct state *s, struct mt_slice a, struct mt_slice b) {
    if (s->kind == FREE) {
        uint64_t x = load64(a.p), y = load64(b.p);
        return (x > y) - (x < y);
    }
    size_t n = a.n < b.n ? a.n : b.n;
    int c = n ? memcmp(a.p, b.p, n) : 0;
    return c ? c : (a.n > b.n) - (a.n < b.n);
}

/* ---- rows ---- */

static enum mt_err main_row(struct state *s, uint16_t flags, struct mt_slice key,
                            struct mt_slice value) {
    if (flags != NODE_TABLE || value.n != DB_SIZE)
        return bad(s, "there is something that is no table");
    for (size_t i = 0; i < s->w->n_tables; i++)
        if (mt_slice_is(key, s->w->tables[i])) {
            s->tables[i] = load_root(value.p);
            return MT_OK;
        }
    return bad(s, "there is a table of another name");
}

/* Pages that the list of free ones names are written over, so it must make sense: each row holds a
 * count and as many page numbers, falling. */
static enum mt_err free_row(struct state *s, struct mt_slice key, struct mt_slice value) {
    uint64_t n = value.n / 8, last = NO_PAGE;
    if (load64(key.p) > s->w->txn || n == 0 || value.n % 8 || load64(value.p) != n - 1)
        return bad(s, "a row makes no sense");
    for (uint64_t i = 1; i < n; i++) {
        uint64_t no = load64(value.p + i * 8);
        if (no >= last || !take(s, no, 1))
            return bad(s, "a page is free and in use");
        last = no;
    }
    return MT_OK;
}

/* Gives the value of a leaf's node, which may lie on pages of its own. */
static enum mt_err find_value(struct state *s, const uint8_t *node, uint16_t flags, size_t room,
                              struct mt_slice *out) {
    uint32_t n = load16(node) | (uint32_t)load16(node + 2) << 16;
    const uint8_t *data = node + NODE_SIZE + load16(node + 6);
    *out = mt_slice(data, n);
    if (!(flags & NODE_BIG))
        return n <= room ? MT_OK : bad(s, "a row is longer than its page");
    uint64_t no = room >= 8 ? load64(data) : 0;
    if (no < FIRST_PAGE || no >= s->pages)
        return bad(s, "a large row is outside the file");
    const uint8_t *page = page_at(s, no);
    uint32_t pages = load32(page + 12);
    if (load64(page) != no || load16(page + 10) != PAGE_OVERFLOW ||
        pages < (HEAD_SIZE - 1 + (uint64_t)n) / s->page_bytes + 1 || !take(s, no, pages))
        return bad(s, "a large row is not where it should be");
    s->found.overflows += pages;
    *out = mt_slice(page + HEAD_SIZE, n);
    return MT_OK;
}

static enum mt_err leaf_row(struct state *s, const struct span *span, const uint8_t *node,
                            size_t room) {
    uint16_t flags = load16(node + 4), key_n = load16(node + 6);
    struct mt_slice key = mt_slice(node + NODE_SIZE, key_n), value;
    if (flags & ~(NODE_BIG | NODE_TABLE) || key_n == 0 || key_n > KEY_MAX || key_n > room ||
        (s->kind == FREE && key_n != 8))
        return bad(s, "a row is damaged");
    if ((s->has_last && order(s, s->last, key) >= 0) ||
        (span->low.p && order(s, key, span->low) < 0) ||
        (span->high.p && order(s, key, span->high) >= 0))
        return bad(s, "the keys are out of order");
    s->last = key;
    s->has_last = true;
    s->found.rows++;
    enum mt_err err = find_value(s, node, flags, room - key_n, &value);
    if (err)
        return err;
    if (s->kind == MAIN)
        return main_row(s, flags, key, value);
    if (flags & NODE_TABLE)
        return bad(s, "there is a table in a table");
    if (s->kind == FREE)
        return free_row(s, key, value);
    const char *why = s->w->row(s->w->arg, s->table, key, value);
    return why ? bad(s, why) : MT_OK;
}

/* ---- the tree ---- */

static enum mt_err walk_page(struct state *s, const struct span *span);

static uint64_t child_of(const uint8_t *node) {
    return load16(node) | (uint64_t)load16(node + 2) << 16 | (uint64_t)load16(node + 4) << 32;
}

/* Goes into the child at `at`, whose keys lie between its own key and the next child's. */
static enum mt_err walk_child(struct state *s, const struct span *span, const uint8_t *page,
                              size_t n, size_t at) {
    const uint8_t *node = page + load16(page + HEAD_SIZE + 2 * at);
    const uint8_t *next = at + 1 < n ? page + load16(page + HEAD_SIZE + 2 * at + 2) : NULL;
    struct span child = {
        .page = child_of(node), .depth = span->depth - 1, .low = span->low, .high = span->high};
    if (at > 0)
        child.low = mt_slice(node + NODE_SIZE, load16(node + 6));
    if (next)
        child.high = mt_slice(next + NODE_SIZE, load16(next + 6));
    if ((at > 0 && span->low.p && order(s, child.low, span->low) < 0) ||
        (next && span->high.p && order(s, child.high, span->high) > 0) ||
        (child.low.p && child.high.p && order(s, child.low, child.high) >= 0))
        return bad(s, "the keys are out of order");
    return walk_page(s, &child);
}

/* The room a node has behind its head. False when it does not lie where nodes of the page do. */
static bool node_room(const struct state *s, const uint8_t *page, size_t at, size_t *room) {
    size_t upper = load16(page + 14), from = load16(page + HEAD_SIZE + 2 * at);
    if (from < upper || from + NODE_SIZE > s->page_bytes)
        return false;
    *room = s->page_bytes - from - NODE_SIZE;
    return true;
}

/* Whether the keys of a branch page can be read. Its first one counts for nothing. */
static bool is_branch(const struct state *s, const uint8_t *page, size_t n) {
    for (size_t i = 0; i < n; i++) {
        size_t room;
        if (!node_room(s, page, i, &room))
            return false;
        uint16_t key_n = load16(page + load16(page + HEAD_SIZE + 2 * i) + 6);
        if (key_n > KEY_MAX || key_n > room || (i > 0 && key_n == 0) ||
            (i > 0 && s->kind == FREE && key_n != 8))
            return false;
    }
    return true;
}

static enum mt_err walk_page(struct state *s, const struct span *span) {
    if (span->depth == 0 || !take(s, span->page, 1))
        return bad(s, "a page is used twice or is outside the file");
    const uint8_t *page = page_at(s, span->page);
    size_t lower = load16(page + 12), upper = load16(page + 14), n = (lower - HEAD_SIZE) / 2;
    bool is_leaf = span->depth == 1;
    if (load64(page) != span->page || load16(page + 10) != (is_leaf ? PAGE_LEAF : PAGE_BRANCH) ||
        lower < HEAD_SIZE + 2 || lower % 2 || upper < lower || upper > s->page_bytes)
        return bad(s, "a page is not what it should be");
    if (is_leaf)
        s->found.leaves++;
    else
        s->found.branches++;
    if (!is_leaf && !is_branch(s, page, n))
        return bad(s, "a page is damaged");
    enum mt_err err = MT_OK;
    for (size_t i = 0; i < n && err == MT_OK; i++) {
        size_t room;
        if (!is_leaf)
            err = walk_child(s, span, page, n, i);
        else if (node_room(s, page, i, &room))
            err = leaf_row(s, span, page + load16(page + HEAD_SIZE + 2 * i), room);
        else
            err = bad(s, "a page is damaged");
    }
    return err;
}

static enum mt_err walk_tree(struct state *s, const struct root *root, uint16_t flags) {
    const struct root *found = &s->found;
    struct span span = {.page = root->page, .depth = root->depth};
    s->found = (struct root){.page = NO_PAGE};
    s->has_last = false;
    if (root->flags != flags || root->depth > DEPTH_MAX ||
        (root->page == NO_PAGE) != (root->depth == 0))
        return bad(s, "its root is damaged");
    enum mt_err err = root->page == NO_PAGE ? MT_OK : walk_page(s, &span);
    if (err == MT_OK && (found->rows != root->rows || found->leaves != root->leaves ||
                         found->branches != root->branches || found->overflows != root->overflows))
        return bad(s, "it has more or fewer rows or pages than its root says");
    return err;
}

/* ---- the whole ---- */

static enum mt_err check_meta(struct state *s, const uint8_t *page, uint64_t no) {
    const uint8_t *meta = page + HEAD_SIZE;
    if (load64(page) != no || load16(page + 10) != PAGE_META || load32(meta) != MAGIC)
        return bad(s, "the first pages are damaged");
    if (load32(meta + 4) == META_MAGIC_VERSION)
        return MT_OK;
    (void)snprintf(s->w->why, sizeof s->w->why,
                   "%s: damaged, or written by another version of LMDB", s->name);
    return MT_EVERSION;
}

/* Finds the newer meta page. Out: it, in `*meta`. */
static enum mt_err read_metas(struct state *s, const uint8_t **meta) {
    const uint8_t *file = s->w->file;
    if (s->w->size < HEAD_SIZE + META_SIZE)
        return bad(s, "the file is too short");
    enum mt_err err = check_meta(s, file, 0);
    if (err)
        return err;
    size_t bytes = load32(file + HEAD_SIZE + 24);
    if (bytes < PAGE_BYTES_MIN || bytes > PAGE_BYTES_MAX || bytes & (bytes - 1) ||
        s->w->size < FIRST_PAGE * bytes)
        return bad(s, "the first pages are damaged");
    err = check_meta(s, file + bytes, 1);
    if (err)
        return err;
    const uint8_t *metas[2] = {file + HEAD_SIZE, file + bytes + HEAD_SIZE};
    uint64_t txn[2] = {load64(metas[0] + META_SIZE - 8), load64(metas[1] + META_SIZE - 8)};
    unsigned newer = txn[1] > txn[0];
    if (load32(metas[1] + 24) != bytes || txn[newer] % 2 != newer || txn[newer] != txn[!newer] + 1)
        return bad(s, "the first pages contradict each other");
    s->page_bytes = bytes;
    s->w->txn = txn[newer];
    s->pages = load64(metas[newer] + META_SIZE - 16) + 1;
    if (s->pages < FIRST_PAGE || s->w->size / bytes < s->pages)
        return bad(s, "the file is shorter than its pages");
    *meta = metas[newer];
    return MT_OK;
}

static enum mt_err walk_all(struct state *s, const uint8_t *meta) {
    struct root main = load_root(meta + 24 + DB_SIZE), spare = load_root(meta + 24);
    for (size_t i = 0; i < s->w->n_tables; i++)
        s->tables[i].flags = UINT16_MAX; /* not met */
    s->kind = MAIN;
    enum mt_err err = walk_tree(s, &main, 0);
    s->kind = TABLE;
    for (size_t i = 0; i < s->w->n_tables && err == MT_OK; i++) {
        s->name = s->w->tables[i];
        s->table = i;
        err = walk_tree(s, &s->tables[i], 0);
    }
    if (err)
        return err;
    s->kind = FREE;
    s->name = "free pages";
    return walk_tree(s, &spare, TABLE_INTEGER_KEY);
}

enum mt_err mt_store_walk(struct mt_walk *w) {
    struct state s = {.w = w, .name = "data.mdb"};
    const uint8_t *meta = NULL;
    w->why[0] = 0;
    enum mt_err err = read_metas(&s, &meta);
    return err ? err : walk_all(&s, meta);
}

size_t mt_store_walk_memory(size_t size) {
    return size / PAGE_BYTES_MIN / 8 + 1;
}
