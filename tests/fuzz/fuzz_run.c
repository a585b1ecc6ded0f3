/* Run messages. Any bytes without the writer's signature are refused. Signed as they are (the writer
 * may be the one who wants harm), they are accepted exactly when they continue the chain, and then
 * every header, id and box follows from the one before and the run can be written again. A run that
 * a good writer makes is accepted whole and with one byte changed not. */
#include "box.h"
#include "feed.h"
#include "fuzz.h"

#include <stdlib.h>

enum { CAP = 64 * 1024 };

/* A chain that is written and checked; static, because a run's tables are large. */
struct world {
    struct mt_id region;
    struct mt_sign_key feed;
    struct mt_head before;
    uint8_t message[CAP], again[CAP + 64];
    struct mt_run_entry entries[MT_RUN_ENTRIES_MAX];
    uint8_t arena[MT_RUN_ARENA];
};

static struct world *world(struct fuzz *f) {
    static struct world w = {.region = {{1}}};
    uint8_t seed[32] = {2};
    mt_sign_key_make(seed, &w.feed);
    w.before = (struct mt_head){0};
    if (fuzz_u8(f) & 1) {
        w.before = (struct mt_head){.seq = fuzz_u8(f), .entry = {{3}}, .lamport = fuzz_u8(f)};
        w.before.seq += w.before.seq == 0;
    }
    return &w;
}

static enum mt_err check(struct world *w, struct mt_slice in, struct mt_run *run) {
    uint8_t *exact = fuzz_copy(in);
    enum mt_err err = mt_run_check(mt_slice(exact, in.n), &w->region, &w->feed.pub, &w->before,
                                   w->entries, w->arena, run);
    NEED(!err || fuzz_is_zero(run, sizeof *run));
    free(exact); /* what the run borrows of it is not looked at */
    return err;
}

/* A run that was accepted continues the chain entry by entry and is the message when written. */
static void accepted(struct world *w, struct mt_slice in) {
    struct mt_run run;
    struct mt_run_writer rw;
    struct mt_writer out = mt_writer(w->again, sizeof w->again);
    struct mt_id previous = w->before.entry, id, chain;
    uint64_t lamport = w->before.lamport, first;
    uint8_t previous16[16];
    uint32_t n;
    NEED(mt_run_check(in, &w->region, &w->feed.pub, &w->before, w->entries, w->arena, &run) == 0);
    NEED(mt_run_peek(in, &chain, &first, previous16, &n) == MT_OK);
    NEED(run.n == n && first == run.first && first == w->before.seq + 1);
    NEED(mt_id_eq(&chain, &run.chain) && memcmp(previous16, previous.b, 16) == 0);
    const struct mt_run_entry *e = run.entries;
    mt_run_begin(&rw, &out, &chain, first, &previous, &e->h.governance, &e->h.epoch);
    for (uint32_t i = 0; i < n; i++, e++) {
        struct mt_header h;
        NEED(e->h.seq == first + i && e->h.lamport > lamport && e->h.lamport <= MT_LAMPORT_MAX);
        NEED(mt_id_eq(&e->h.previous, &previous) && mt_id_eq(&e->h.chain, &chain));
        NEED(e->box.n == e->h.box_len && e->box.n >= 160 && e->box.n <= MT_BOX_MAX);
        mt_box_hash(&w->region, e->box, &id);
        NEED(mt_id_eq(&id, &e->h.box_hash));
        /* One who writes a chain from the start may give it a zero entry id in `before`. */
        NEED(mt_header_get(e->header, &h) == MT_OK);
        mt_entry_id(&w->region, e->header, &id);
        NEED(mt_id_eq(&id, &e->id));
        mt_run_add(&rw, &e->h, e->box);
        previous = e->id;
        lamport = e->h.lamport;
    }
    mt_run_end(&rw, run.signature);
    NEED(out.err == MT_OK && mt_slice_eq(mt_writer_slice(&out), in));
}

/* The bytes as they are, and once more under the writer's signature of what they come to. */
static void raw(struct world *w, struct fuzz *f) {
    struct mt_run run;
    struct mt_slice in = fuzz_take(f, CAP);
    uint8_t zeros[64] = {0};
    enum mt_err err = check(w, in, &run);
    NEED(err != MT_OK);
    if (err != MT_ESIGNATURE)
        return;
    struct mt_id chain;
    uint64_t first;
    uint8_t previous16[16];
    uint32_t n;
    NEED(mt_run_peek(in, &chain, &first, previous16, &n) == MT_OK && in.n > sizeof zeros);
    const struct mt_run_entry *last = &w->entries[n - 1];
    memcpy(w->message, in.p, in.n);
    mt_head_sign(&w->feed, &w->region, &chain, last->h.seq, &last->id,
                 w->message + in.n - MT_SIGNATURE_SIZE);
    accepted(w, mt_slice(w->message, in.n));
}

/* What no good writer does to an entry. */
enum odd { GOOD, RESTATED, MISSING, FOUR, ODDS };

/* Puts an entry past mt_run_add. */
static void put_odd(struct mt_run_writer *rw, const struct mt_header *h, struct mt_slice box,
                    enum odd odd) {
    struct mt_writer *w = rw->w;
    mt_wire_put_array(w, odd == RESTATED ? 5 : odd == FOUR ? 4 : 3);
    mt_wire_put_uint(w, h->lamport);
    mt_wire_put_uint(w, h->wall_ms);
    if (odd == MISSING) {
        mt_wire_put_array(w, 2);
        mt_wire_put_id(w, &h->box_hash);
        mt_wire_put_uint(w, h->box_len);
    } else {
        mt_wire_put_bin(w, box.p, box.n);
    }
    if (odd != MISSING)
        mt_wire_put_id(w, &h->governance);
    if (odd == RESTATED)
        mt_wire_put_id(w, &h->epoch);
    rw->n++;
}

/* Writes entries as `f` says. False when it asks for what no writer makes. */
static bool write_run(struct world *w, struct fuzz *f, struct mt_writer *out) {
    static const uint8_t filler[4096];
    struct mt_header h = {.version = MT_HEADER_VERSION,
                          .chain = w->feed.pub,
                          .seq = w->before.seq,
                          .previous = w->before.entry,
                          .lamport = w->before.lamport,
                          .governance = {{4}},
                          .epoch = {{5}}};
    struct mt_run_writer rw;
    struct mt_id id = h.previous;
    uint8_t header[MT_HEADER_MAX], sig[MT_SIGNATURE_SIZE];
    bool fits = true;
    mt_run_begin(&rw, out, &h.chain, h.seq + 1, &id, &h.governance, &h.epoch);
    uint32_t n = 1 + fuzz_u8(f) % 20;
    for (uint32_t i = 0; i < n; i++) {
        uint8_t how = fuzz_u8(f), odd = fuzz_u8(f);
        odd = odd < 12 ? odd % ODDS : GOOD;
        uint64_t step = how & 1 ? 1 : fuzz_number(f);
        struct mt_slice box = mt_slice(filler, 160 + (how & 2 ? fuzz_u8(f) * 8u : 0));
        if (how & 4 && i)
            h.epoch.b[1]++;
        if (how & 8 && i)
            h.governance.b[fuzz_u8(f) % 32]++;
        if (how > 250)
            box.n = how % 4 ? 159 : 0;
        h.seq++;
        h.previous = id;
        fits = fits && step && step <= MT_LAMPORT_MAX - h.lamport && box.n >= 160;
        h.lamport += step;
        h.wall_ms = how & 16 ? fuzz_number(f) : i;
        h.box_len = (uint32_t)box.n;
        mt_box_hash(&w->region, box, &h.box_hash);
        struct mt_writer hw = mt_writer(header, sizeof header);
        mt_header_put(&hw, &h);
        mt_entry_id(&w->region, mt_writer_slice(&hw), &id);
        bool changed = !mt_id_eq(&h.epoch, &rw.epoch) || !mt_id_eq(&h.governance, &rw.governance);
        if (odd == GOOD || changed)
            mt_run_add(&rw, &h, box);
        else
            put_odd(&rw, &h, box, (enum odd)odd);
        fits = fits && (odd == GOOD || changed);
    }
    mt_head_sign(&w->feed, &w->region, &h.chain, h.seq, &id, sig);
    mt_run_end(&rw, sig);
    return fits;
}

static void made(struct world *w, struct fuzz *f) {
    struct mt_run run;
    struct mt_writer out = mt_writer(w->message, sizeof w->message - 1);
    bool fits = write_run(w, f, &out);
    NEED(out.err == MT_OK);
    NEED((check(w, mt_writer_slice(&out), &run) == MT_OK) == fits);
    if (!fits)
        return;
    accepted(w, mt_writer_slice(&out));
    if (fuzz_u8(f) & 1)
        w->before.seq++;
    else if (!fuzz_damage(f, w->message, &out.n))
        return;
    NEED(check(w, mt_writer_slice(&out), &run) != MT_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz f = fuzz_of(data, size);
    uint8_t how = fuzz_u8(&f);
    struct world *w = world(&f);
    if (how & 1)
        made(w, &f);
    else
        raw(w, &f);
    return 0;
}
