/* Damage to the file of a store: bits flipped, bytes zeroed, pages swapped, taken from an older file or
 * cut off. LMDB has no checksums, so what stands in the way of a wrong answer is ours.
 *
 * Three organisations make a region with offers, sign-ups and placements. What the daemon of one of
 * them can tell is written down: every list, every record, the log, the digest, and every run it
 * would send. Then its file is damaged in a copy, a child process starts on the copy and tells all
 * of it again. Each answer must be the one that was written down or an error; a child that crashes
 * or hangs is one too many. A store that can be told from a sound one may refuse to open, and must
 * say that it is damaged.
 *
 * CORRUPT_COPIES sets how many copies, CORRUPT_FIRST the number of the first. */
#include "corrupt_sample.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/wait.h>

enum {
    COPIES = 80,
    PAGE = 4096,
    META_USED = 152, /* bytes of a meta page that mean something */
    CHILD_S = 120,   /* many times what it takes, also under valgrind */
    RUN_BYTES = 4096,
};

/* How a child ended. */
enum outcome {
    SOUND,   /* everything as before */
    REFUSED, /* the store did not open, or its node did not load, and it said why */
    ERRORS,  /* some answers were errors, the others right */
    WRONG,   /* something was told that is not so */
    OUTCOMES,
};

static const char *const outcome_names[OUTCOMES] = {"sound", "refused", "errors", "wrong"};

/* ---- a daemon's start, without its sockets ---- */

static enum mt_err load_blob(void *arg, const char *name, struct mt_slice bytes) {
    return mt_node_load_blob(arg, name, bytes);
}

static enum mt_err load_item(void *arg, const struct mt_id *id, struct mt_slice bytes) {
    return mt_node_load_item(arg, id, bytes);
}

static enum mt_err load_chain(void *arg, const struct mt_chain_info *chain,
                              const struct mt_head *head, uint64_t fork) {
    return mt_node_load_chain(arg, chain, head, fork);
}

static enum mt_err load_node(struct org *o, const struct sample *s) {
    struct mt_node_config nc = {.announce = o->address, .seed = 1, .installation = s->feed.b};
    enum mt_err err = mt_node_new(&o->node, &nc);
    err = err ? err : mt_store_load_blobs(o->store, load_blob, o->node);
    err = err ? err : mt_store_load_items(o->store, load_item, o->node);
    return err ? err : mt_store_load_chains(o->store, load_chain, o->node);
}

/* Starts organisation 1 alone on the store in `dir`. `why`: 256 bytes. */
static enum mt_err wake(struct world *w, const struct sample *s, const char *dir, char *why) {
    *w = (struct world){.n = 1, .mono_ms = s->mono_ms, .wall_ms = s->wall_ms};
    w->last = &w->first;
    struct org *o = &w->orgs[0];
    o->world = w;
    (void)snprintf(o->dir, sizeof o->dir, "%s", dir);
    (void)snprintf(o->address, sizeof o->address, "org1:1");
    struct mt_store_config config = {.dir = dir,
                                     .store_key = s->key,
                                     .map_bytes = 1024 * 1024,
                                     .no_sync = true,
                                     .why = why,
                                     .why_size = 256};
    uint8_t entropy[32];
    struct mt_time now = {.mono_ms = w->mono_ms, .wall_ms = w->wall_ms};
    built_bytes(entropy, "start", 1);
    enum mt_err err = mt_store_open(&o->store, &config);
    if (err)
        return err;
    err = load_node(o, s);
    err = err ? err : mt_node_start(o->node, &now, entropy);
    if (err)
        (void)snprintf(why, 256, "%s", mt_store_detail(o->store));
    size_t n;
    struct mt_effect *fx = err ? NULL : mt_node_effects(o->node, &n);
    for (size_t i = 0; fx && i < n; i++)
        carry_out(o, &fx[i]);
    return err;
}

static void sleep_again(struct world *w) {
    while (w->first) {
        struct letter *l = w->first;
        w->first = l->next;
        mt_batch_free(l->event.batch);
        free(l->bytes);
        free(l);
    }
    mt_cmd_shared_close(&w->orgs[0].shared);
    mt_node_free(w->orgs[0].node);
    mt_store_close(w->orgs[0].store);
}

/* ---- what it tells ---- */

static void note(struct facts *f, const char *what, enum mt_err err, struct mt_slice answer) {
    struct mt_hash h;
    assert_true(f->n < FACTS_MAX);
    struct fact *x = &f->list[f->n++];
    (void)snprintf(x->what, sizeof x->what, "%s", what);
    x->err = err;
    mt_hash_init(&h, "fact", NULL);
    mt_hash_add(&h, answer.p, answer.n);
    mt_hash_end(&h, x->hash);
}

static void ask(struct world *w, struct facts *f, const char *method, const char *params) {
    char what[96];
    struct answer *a = run(&w->orgs[0], method, params);
    (void)snprintf(what, sizeof what, "%s %s", method, params);
    struct mt_slice equal;
    enum mt_err err = a->err;
    if (strcmp(method, "verify") == 0 && find(a->result, "equal", &equal) && !is_true(a, "equal"))
        err = MT_ECORRUPT; /* it says so itself */
    note(f, what, err, a->result);
    answer_free(a);
}

struct exporting {
    struct world *w;
    struct facts *f;
};

static enum mt_err export_chain(void *arg, const struct mt_chain_info *chain,
                                const struct mt_head *head, uint64_t fork) {
    struct exporting *x = arg;
    uint8_t *memory = malloc(MT_MESSAGE_MAX);
    assert_non_null(memory);
    (void)fork;
    for (uint64_t first = 1, last; first <= head->seq; first = last + 1) {
        char what[96];
        struct mt_writer out = mt_writer(memory, MT_MESSAGE_MAX);
        struct mt_run_wanted want = {
            .chain_no = chain->no, .first = first, .max_bytes = RUN_BYTES, .check = true};
        enum mt_err err = mt_store_read_run(x->w->orgs[0].store, &want, &out, &last);
        (void)snprintf(what, sizeof what, "run of chain %u from %u", (unsigned)chain->no,
                       (unsigned)first);
        note(x->f, what, err, err ? mt_slice(NULL, 0) : mt_writer_slice(&out));
        if (err)
            last = first; /* go on behind it */
    }
    free(memory);
    return MT_OK;
}

/* The records themselves. */
static void ask_records(struct world *w, const struct ids *ids, struct facts *f) {
    char text[96];
    for (size_t i = 0; i < ids->n; i++) {
        (void)snprintf(text, sizeof text, "kind=%s;id=%s", ids->kind[i], ids->id[i]);
        ask(w, f, "record.show", text);
    }
}

static void ask_all(struct world *w, const struct ids *ids, struct facts *f) {
    static const char *const lists[] = {
        "kind=org",
        "kind=activity",
        "kind=activity;sort=newest",
        "kind=activity;from=2027-02-01;until=2027-03-31",
        "kind=activity;!free",
        "kind=activity;!mine",
        "kind=activity;text=anders",
        "kind=activity;filters.host=wavin",
        "kind=signup",
        "kind=answer",
        "kind=stageplek",
        "kind=placement",
        "kind=placement;filters.status=accepted",
        "kind=endpoint",
    };
    struct exporting x = {w, f};
    f->n = 0;
    for (size_t i = 0; i < MT_ARRAY_LEN(lists); i++)
        ask(w, f, "record.list", lists[i]);
    ask(w, f, "verify", "");
    ask(w, f, "log", "#limit=500");
    ask(w, f, "member.list", "");
    ask(w, f, "region.show", "");
    ask_records(w, ids, f);
    enum mt_err err = mt_store_load_chains(w->orgs[0].store, export_chain, &x);
    note(f, "chains", err, mt_slice(NULL, 0));
}

static const struct fact *fact_named(const struct facts *f, const char *what) {
    for (size_t i = 0; i < f->n; i++)
        if (strcmp(f->list[i].what, what) == 0)
            return &f->list[i];
    return NULL;
}

/* What was told that was not so before. Runs may be cut otherwise behind a damaged one, and are
 * compared where they begin at the same place. */
static enum outcome compare(const struct facts *f, const struct facts *truth, const char *when) {
    enum outcome worst = SOUND;
    for (size_t i = 0; i < f->n; i++) {
        const struct fact *x = &f->list[i], *was = fact_named(truth, x->what);
        if (x->err) {
            worst = worst == SOUND ? ERRORS : worst;
        } else if (was && (was->err || memcmp(was->hash, x->hash, sizeof x->hash) != 0)) {
            fprintf(stderr, "%s, another answer to: %s\n", when, x->what);
            worst = WRONG;
        }
    }
    return worst;
}

/* ---- one copy ---- */

struct dice {
    uint64_t seed, n;
};

static uint64_t throw_dice(struct dice *d, uint64_t below) {
    uint8_t bytes[32];
    built_bytes(bytes, "dice", d->seed << 16 | ++d->n);
    return mt_load64(bytes) % below;
}

static void flip(struct dice *d, struct bytes *b, size_t from, size_t n) {
    b->p[from + throw_dice(d, n)] ^= (uint8_t)(1U << throw_dice(d, 8));
}

/* Damages `b` and says how in `what`. */
static void damage(struct dice *d, const struct sample *s, struct bytes *b, char what[96]) {
    size_t pages = b->n / PAGE, page = throw_dice(d, pages), other = throw_dice(d, pages), n;
    size_t old_pages = s->before.n / PAGE;
    switch (d->seed % 12) {
    case 0:
    case 1:
        flip(d, b, 0, b->n);
        (void)snprintf(what, 96, "one bit");
        break;
    case 2:
        flip(d, b, throw_dice(d, 2) * PAGE, META_USED);
        (void)snprintf(what, 96, "one bit of a meta page");
        break;
    case 3:
        flip(d, b, page * PAGE, 64);
        (void)snprintf(what, 96, "one bit at the head of page %zu", page);
        break;
    case 4:
        for (n = 0; n < 16; n++)
            flip(d, b, 0, b->n);
        (void)snprintf(what, 96, "16 bits");
        break;
    case 5:
        n = 1 + throw_dice(d, 512);
        memset(b->p + throw_dice(d, b->n - n), 0, n);
        (void)snprintf(what, 96, "%zu bytes zeroed", n);
        break;
    case 6:
        memset(b->p + page * PAGE, 0, PAGE);
        (void)snprintf(what, 96, "page %zu zeroed", page);
        break;
    case 7:
        memmove(b->p + page * PAGE, b->p + other * PAGE, PAGE);
        (void)snprintf(what, 96, "page %zu where %zu was", other, page);
        break;
    case 8:
    case 9:
        page = throw_dice(d, old_pages < pages ? old_pages : pages);
        memcpy(b->p + page * PAGE, s->before.p + page * PAGE, PAGE);
        (void)snprintf(what, 96, "page %zu as it once was", page);
        break;
    case 10:
        b->n = d->seed / 12 % 2 ? page * PAGE : throw_dice(d, b->n);
        (void)snprintf(what, 96, "cut at %zu", b->n);
        break;
    default:
        for (n = 0; n < 1000; n++)
            b->p[b->n++] = (uint8_t)throw_dice(d, 256);
        (void)snprintf(what, 96, "1000 bytes of rubbish behind the end");
        break;
    }
}

static void write_copy(const char *dir, const struct bytes *b) {
    char path[128];
    (void)mkdir(dir, 0700);
    (void)snprintf(path, sizeof path, "%s/lock.mdb", dir);
    (void)unlink(path);
    (void)snprintf(path, sizeof path, "%s/data.mdb", dir);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, b->p, b->n), b->n);
    close(fd);
}

/* Adds a record, if it can be added, and lets its batch become durable. */
static void write_something(struct world *w) {
    static const char params[] = "kind=activity;fields.title=Na de schade;fields.type=gastles;"
                                 "fields.direction=offer;fields.host=wavin";
    uint8_t memory[1024];
    struct mt_writer out = mt_writer(memory, sizeof memory);
    struct answer *a = calloc(1, sizeof *a);
    assert_non_null(a);
    struct mt_cmd_env env = env_of(&w->orgs[0]);
    put_pairs(&out, params, "fields");
    mt_cmd_run(&env, EVERYTHING, mt_slice_str("record.add"), mt_writer_slice(&out), on_done, a);
    for (struct letter *l; (l = w->first);) {
        w->first = l->next;
        if (!w->first)
            w->last = &w->first;
        step(&w->orgs[0], &l->event);
        free(l->bytes);
        free(l);
    }
    if (!a->done)
        fprintf(stderr, "the write is not answered\n");
    else if (a->err)
        fprintf(stderr, "not written: %s\n", a->message);
    if (a->done)
        answer_free(a);
}

/* In the child: starts, tells everything, writes something, starts again and tells the records. */
static enum outcome live(const struct sample *s, const char *dir) {
    static struct world world;
    static struct facts facts;
    char why[256] = "";
    enum mt_err err = wake(&world, s, dir, why);
    if (err) {
        fprintf(stderr, "refused: %s: %s\n", mt_err_code(err), why);
        return why[0] ? REFUSED : WRONG;
    }
    ask_all(&world, &s->ids, &facts);
    enum outcome first = compare(&facts, &s->facts, "first");
    write_something(&world);
    sleep_again(&world);
    err = wake(&world, s, dir, why);
    if (err) {
        fprintf(stderr, "refused after a write: %s: %s\n", mt_err_code(err), why);
        return first == WRONG || !why[0] ? WRONG : first == SOUND ? REFUSED : first;
    }
    facts.n = 0;
    ask_records(&world, &s->ids, &facts);
    enum outcome again = compare(&facts, &s->facts, "after a write");
    sleep_again(&world);
    return again > first ? again : first;
}

/* Runs `live` in a child. Its words go to `said`. Returns its outcome, or OUTCOMES when it ended in
 * another way. */
static enum outcome live_apart(const struct sample *s, const char *dir, const char *said) {
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct rlimit no_core = {0, 0};
        (void)setrlimit(RLIMIT_CORE, &no_core);
        (void)setenv("CMOCKA_TEST_ABORT", "1", 1);
        if (!freopen(said, "w", stderr))
            _exit(OUTCOMES);
        (void)alarm(CHILD_S);
        enum outcome o = live(s, dir);
        fflush(NULL);
        _exit((int)o);
    }
    int status;
    while (waitpid(pid, &status, 0) < 0)
        assert_int_equal(errno, EINTR);
    return WIFEXITED(status) && WEXITSTATUS(status) < OUTCOMES ? (enum outcome)WEXITSTATUS(status)
                                                               : OUTCOMES;
}

/* ---- the tests ---- */

static int make_sample(void **state) {
    struct sample *s = calloc(1, sizeof *s);
    assert_non_null(s);
    (void)snprintf(s->base, sizeof s->base, "/tmp/meent-corrupt-XXXXXX");
    assert_non_null(mkdtemp(s->base));
    make_region(s);
    *state = s;
    return 0;
}

static int remove_sample(void **state) {
    static const char *const names[] = {"store/data.mdb", "store/lock.mdb", "store", "said"};
    struct sample *s = *state;
    char path[128];
    for (size_t i = 0; i < MT_ARRAY_LEN(names); i++) {
        (void)snprintf(path, sizeof path, "%s/%s", s->base, names[i]);
        (void)remove(path);
    }
    int left = rmdir(s->base);
    free(s->now.p);
    free(s->before.p);
    free(s);
    return left;
}

static void a_sound_copy_tells_the_same(void **state) {
    struct sample *s = *state;
    static struct world world;
    char dir[80], said[80], why[256] = "";
    (void)snprintf(dir, sizeof dir, "%s/store", s->base);
    (void)snprintf(said, sizeof said, "%s/said", s->base);
    write_copy(dir, &s->now);
    assert_int_equal(wake(&world, s, dir, why), MT_OK);
    ask_all(&world, &s->ids, &s->facts);
    sleep_again(&world);
    for (size_t i = 0; i < s->facts.n; i++)
        if (s->facts.list[i].err)
            fail_msg("%s: %s", s->facts.list[i].what, mt_err_code(s->facts.list[i].err));
    assert_true(s->ids.n > 30 && s->facts.n > s->ids.n + 20);
    write_copy(dir, &s->now);
    assert_int_equal(live_apart(s, dir, said), SOUND);
}

static void report(const char *what, unsigned long copy, const char *ended, const char *said) {
    char line[300];
    FILE *f = fopen(said, "r");
    print_message("copy %lu, %s: %s\n", copy, what, ended);
    while (f && fgets(line, sizeof line, f))
        print_message("    %s", line);
    if (f)
        fclose(f);
}

static unsigned long number_from(const char *name, unsigned long otherwise) {
    const char *text = getenv(name);
    return text && *text ? strtoul(text, NULL, 10) : otherwise;
}

static void a_damaged_copy_tells_nothing_wrong(void **state) {
    const struct sample *s = *state;
    unsigned long counts[OUTCOMES + 1] = {0};
    unsigned long first = number_from("CORRUPT_FIRST", 1),
                  copies = number_from("CORRUPT_COPIES", COPIES);
    bool talk = getenv("CORRUPT_VERBOSE") != NULL;
    char dir[80], said[80], what[96];
    (void)snprintf(dir, sizeof dir, "%s/store", s->base);
    (void)snprintf(said, sizeof said, "%s/said", s->base);
    struct bytes b = {.p = malloc(s->now.n + PAGE)};
    assert_non_null(b.p);
    for (unsigned long copy = first; copy < first + copies; copy++) {
        struct dice d = {.seed = copy};
        b.n = s->now.n;
        memcpy(b.p, s->now.p, b.n);
        damage(&d, s, &b, what);
        write_copy(dir, &b);
        enum outcome o = live_apart(s, dir, said);
        counts[o]++;
        if (talk || o >= WRONG)
            report(what, copy, o < OUTCOMES ? outcome_names[o] : "crashed or hung", said);
    }
    free(b.p);
    print_message("%lu copies of %zu pages: %lu sound, %lu refused, %lu with errors\n", copies,
                  s->now.n / PAGE, counts[SOUND], counts[REFUSED], counts[ERRORS]);
    assert_int_equal(counts[WRONG], 0);
    assert_int_equal(counts[OUTCOMES], 0);
    assert_true(copies < 12 || counts[REFUSED] > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sound_copy_tells_the_same),
        cmocka_unit_test(a_damaged_copy_tells_nothing_wrong),
    };
    return cmocka_run_group_tests(tests, make_sample, remove_sample);
}
