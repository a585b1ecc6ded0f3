/* A node: its life, what it writes, what it does when the store fails or is older than it should be. */
#include "node_fixture.h"
#include "node_internal.h"

#include <ctype.h>

static uint64_t entries(struct table *t, int host) {
    return mt_node_entries(t->h[host].node);
}

static void a_region_of_three(struct table *t) {
    found(t);
    bring_in(t, 1);
    bring_in(t, 2);
    meet(t);
}

static void commands_wait_for_their_turn(void **state) {
    struct table *t = *state;
    char name[MT_NAME_MAX + 2];
    stop(t, 2);
    t->h[2].n_blobs = 0;
    start_as(t, 2, NULL);
    assert_int_equal(info_of(t, 2).state, MT_NODE_EMPTY);
    assert_int_equal(named(t, 2, MT_CMD_REGION_CREATE, "x", NULL), MT_ESTATE);
    assert_int_equal(write_to(t, 2, NULL), MT_ESTATE);
    assert_int_equal(join(t, 2, "MEENT1X"), MT_ESTATE);
    memset(name, 'x', sizeof name);
    name[MT_NAME_MAX + 1] = 0;
    assert_int_equal(named(t, 2, MT_CMD_INIT, name, NULL), MT_EINVALID);
    assert_int_equal(named(t, 2, MT_CMD_INIT, "", NULL), MT_EINVALID);
    assert_int_equal(named(t, 2, MT_CMD_INIT, "a\tb", NULL), MT_EINVALID);
    assert_int_equal(info_of(t, 2).state, MT_NODE_EMPTY);
    name[MT_NAME_MAX] = 0;
    struct mt_reply r;
    assert_int_equal(named(t, 2, MT_CMD_INIT, name, &r), MT_OK);
    struct mt_node_info i = info_of(t, 2);
    assert_true(i.state == MT_NODE_ALONE && mt_id_eq(&i.org, &r.id));
    assert_string_equal(i.name, name);
    assert_int_equal(named(t, 2, MT_CMD_INIT, "again", NULL), MT_ECONFLICT);
    assert_int_equal(write_to(t, 2, NULL), MT_ESTATE);
    found(t);
    assert_int_equal(named(t, 0, MT_CMD_REGION_CREATE, "again", NULL), MT_ECONFLICT);
}

static void what_one_writes_all_get(void **state) {
    struct table *t = *state;
    struct mt_peer_info peers[3];
    a_region_of_three(t);
    for (int k = 0; k < 3; k++)
        for (int i = 0; i < HOSTS; i++)
            assert_int_equal(write_to(t, i, NULL), MT_OK);
    pass(t, 2000);
    for (int i = 0; i < HOSTS; i++) {
        assert_int_equal(entries(t, i), 9);
        assert_int_equal(mt_node_peers(t->h[i].node, peers, 3), 2);
        for (int k = 0; k < 2; k++)
            assert_true(peers[k].connected && peers[k].synced && peers[k].lag == 0);
        assert_true(t->h[i].changed > 0);
    }
}

static void a_pair_channel_stays_between_two(void **state) {
    struct table *t = *state;
    uint32_t region, pair;
    a_region_of_three(t);
    struct mt_id one = info_of(t, 1).org, two = info_of(t, 2).org, nobody = built_id("org", 9);
    assert_int_equal(write_to(t, 2, &one), MT_OK);
    assert_int_equal(write_to(t, 1, &two), MT_OK);
    assert_int_equal(write_to(t, 1, &one), MT_OK); /* with itself */
    assert_int_equal(write_to(t, 1, &nobody), MT_EMEMBER);
    pass(t, 2000);
    mt_node_chain_counts(t->h[0].node, &region, &pair);
    assert_true(region == 0 && pair == 0 && entries(t, 0) == 0);
    assert_int_equal(t->h[0].n_chains, 0);
    mt_node_chain_counts(t->h[1].node, &region, &pair);
    assert_true(region == 0 && pair == 3);
    mt_node_chain_counts(t->h[2].node, &region, &pair);
    assert_true(region == 0 && pair == 2);
}

static void who_was_away_gets_the_rest(void **state) {
    struct table *t = *state;
    a_region_of_three(t);
    struct mt_id feed = info_of(t, 2).feed;
    stop(t, 2);
    for (int i = 0; i < 5; i++)
        assert_int_equal(write_to(t, i % 2, NULL), MT_OK);
    start_as(t, 2, feed.b);
    assert_false(info_of(t, 2).retired);
    meet(t);
    assert_int_equal(entries(t, 2), 5);
    assert_int_equal(entries(t, 0), 5);
}

static void a_batch_that_fails_answers_all_and_a_later_one_succeeds(void **state) {
    struct table *t = *state;
    uint8_t buf[3][256];
    struct mt_slice text[3];
    uint64_t request[4];
    a_region_of_three(t);
    struct host *h = &t->h[0];
    h->hold = true;
    for (int i = 0; i < 3; i++)
        request[i] = ask(t, 0, write_command(NULL, &text[i], buf[i], sizeof buf[i]));
    struct mt_command cmd = {.type = MT_CMD_INVITE_CREATE, .name = mt_slice_str("later")};
    request[3] = ask(t, 0, cmd);
    assert_int_equal(reply_of(t, 0, request[0], NULL), MT_EAGAIN);
    h->store_err = MT_ENOSPACE;
    release(t, 0);
    run(t);
    for (int i = 0; i < 4; i++)
        assert_int_equal(reply_of(t, 0, request[i], NULL), MT_ENOSPACE);
    assert_int_equal(h->n_replies, 0);
    assert_int_equal(logged(h, "not_saved"), 1);
    assert_int_equal(entries(t, 0), 0);
    h->store_err = MT_OK;
    pass(t, 3000);
    assert_int_equal(write_to(t, 0, NULL), MT_OK);
    pass(t, 1000);
    for (int i = 0; i < HOSTS; i++)
        assert_int_equal(entries(t, i), 1);
    restart(t, 0);
    struct mt_invite_info info[4];
    assert_int_equal(mt_node_invites(h->node, info, 4), 3); /* saved after all */
}

static void governance_that_was_not_saved_is_saved_later(void **state) {
    struct table *t = *state;
    struct host *h = &t->h[0];
    h->store_err = MT_ENOSPACE;
    assert_int_equal(named(t, 0, MT_CMD_REGION_CREATE, "Meppel", NULL), MT_ENOSPACE);
    assert_int_equal(h->n_items, 0);
    h->store_err = MT_OK;
    pass(t, 3000);
    assert_int_equal(h->n_items, mt_gov_count(mt_node_gov(h->node)));
    restart(t, 0);
    assert_int_equal(info_of(t, 0).state, MT_NODE_MEMBER);
    assert_int_equal(write_to(t, 0, NULL), MT_OK);
}

static void runs_that_were_not_saved_are_sent_again(void **state) {
    struct table *t = *state;
    a_region_of_three(t);
    t->h[1].store_err = MT_ENOSPACE;
    assert_int_equal(write_to(t, 0, NULL), MT_OK);
    pass(t, 5000);
    assert_int_equal(entries(t, 1), 0);
    t->h[1].store_err = MT_OK;
    pass(t, 150000);
    assert_int_equal(entries(t, 1), 1);
}

/* Once a peer refused what was sent, it is checked before it is sent. A peer that goes away says so
 * too, which is no reason. */
static void what_a_peer_refused_is_checked(void **state) {
    struct table *t = *state;
    a_region_of_three(t);
    stop(t, 1);
    assert_int_equal(write_to(t, 0, NULL), MT_OK);
    pass(t, 100);
    assert_false(t->h[0].checks);
    uint8_t *damaged = t->h[0].chains[0].e[0].box;
    *damaged ^= 1;
    stop(t, 2); /* it has the entry, and would send it on */
    start_as(t, 1, NULL);
    pass(t, 5000);
    assert_int_equal(entries(t, 1), 0);
    pass(t, 60000);
    assert_true(t->h[0].checks);
    *damaged ^= 1;
    pass(t, 150000);
    assert_int_equal(entries(t, 1), 1);
}

/* Writes while a batch is away share the next one. */
static void writes_behind_a_batch_go_together(void **state) {
    struct table *t = *state;
    uint8_t buf[5][256];
    struct mt_slice text[5];
    uint64_t request[5];
    found(t);
    t->h[0].hold = true;
    for (int i = 0; i < 5; i++)
        request[i] = ask(t, 0, write_command(NULL, &text[i], buf[i], sizeof buf[i]));
    assert_int_equal(t->h[0].held->n, 1);
    release(t, 0);
    t->h[0].hold = true;
    run(t);
    assert_int_equal(reply_of(t, 0, request[0], NULL), MT_OK);
    assert_int_equal(reply_of(t, 0, request[1], NULL), MT_EAGAIN);
    assert_int_equal(t->h[0].held->ops[0].local.n, 4);
    release(t, 0);
    run(t);
    for (int i = 1; i < 5; i++)
        assert_int_equal(reply_of(t, 0, request[i], NULL), MT_OK);
}

static void long_batches_are_signed_on_the_way(void **state) {
    struct table *t = *state;
    enum { N = 100 };
    static uint8_t buf[N][64];
    struct mt_slice text[N];
    found(t);
    bring_in(t, 1);
    for (int i = 0; i < N; i++)
        (void)write_command(NULL, &text[i], buf[i], sizeof buf[i]);
    struct mt_command cmd = {.type = MT_CMD_WRITE, .contents = text, .n_contents = N};
    assert_int_equal(command(t, 0, cmd, NULL), MT_OK);
    const struct kept_chain *c = &t->h[0].chains[0];
    assert_true(c->e[MT_SIGN_ENTRIES_MAX - 1].is_signed && c->e[N - 1].is_signed);
    assert_false(c->e[0].is_signed || c->e[MT_SIGN_ENTRIES_MAX].is_signed);
    meet(t);
    assert_int_equal(entries(t, 1), N);
}

/* One change of about 200 KiB. */
static struct mt_slice large_content(uint8_t *buf, size_t cap, uint64_t rid) {
    static const uint8_t part[16000];
    struct mt_rid id = built_rid(rid);
    struct mt_writer w = mt_writer(buf, cap);
    mt_changes_begin(&w, 1);
    mt_change_begin(&w, 3, 1, 0, &id, 13);
    for (uint8_t field = 1; field <= 13; field++) {
        mt_wire_put_uint(&w, field);
        mt_wire_put_bin(&w, part, sizeof part);
    }
    return mt_writer_slice(&w);
}

/* While one part of a window is being committed the next is on its way: no batch takes all of it. */
static void runs_of_a_peer_come_in_parts(void **state) {
    struct table *t = *state;
    enum { N = 30, LARGE = 256 * 1024 };
    static uint8_t buf[LARGE];
    size_t most = 0;
    found(t);
    bring_in(t, 1);
    t->h[1].hold = true;
    for (uint64_t i = 0; i < N; i++) {
        struct mt_slice text = large_content(buf, sizeof buf, 1000 + i);
        struct mt_command cmd = {.type = MT_CMD_WRITE, .contents = &text, .n_contents = 1};
        assert_int_equal(command(t, 0, cmd, NULL), MT_OK);
    }
    meet(t);
    for (int rounds = 0; rounds < 3 * N && entries(t, 1) < N; rounds++) {
        size_t bytes = 0;
        const struct mt_batch *b = t->h[1].held;
        for (uint32_t i = 0; b && i < b->n; i++)
            bytes += b->ops[i].type == MT_OP_RUN ? b->ops[i].run.message.n : 0;
        most = bytes > most ? bytes : most;
        release(t, 1);
        t->h[1].hold = true;
        pass(t, 1000);
    }
    release(t, 1);
    pass(t, 1000);
    assert_int_equal(entries(t, 1), N);
    assert_in_range(most, MT_BATCH_RUNS, MT_BATCH_RUNS + LARGE);
}

/* A link that closes gives its window back while its runs wait: they are counted all the same. */
static void runs_of_closed_links_do_not_pile_up(void **state) {
    struct table *t = *state;
    enum { N = 6, ROUNDS = 150, LARGE = 256 * 1024 };
    static uint8_t buf[LARGE];
    size_t most = 0;
    found(t);
    bring_in(t, 1);
    meet(t);
    t->h[0].hold = true;
    for (uint64_t i = 0; i < N; i++) {
        struct mt_slice text = large_content(buf, sizeof buf, 2000 + i);
        struct mt_command cmd = {.type = MT_CMD_WRITE, .contents = &text, .n_contents = 1};
        assert_int_equal(command(t, 1, cmd, NULL), MT_OK);
    }
    for (int i = 0; i < ROUNDS; i++) {
        struct mt_node *n = t->h[0].node;
        size_t bytes = n->filling ? n->filling->run_bytes : 0;
        for (const struct mt_work *w = n->queue; w; w = w->next)
            bytes += w->run_bytes;
        most = bytes > most ? bytes : most;
        for (size_t k = 0; k < n->n_conns; k++)
            if (n->conns[k]->is_open && !n->conns[k]->closing)
                hang_up(t, 0, n->conns[k]->id, MT_EUNREACHABLE);
        run(t);
        while (t->n_wires && !t->wires[t->n_wires - 1].open)
            t->n_wires--;
        pass(t, 1500);
    }
    assert_in_range(most, MT_RUNS_HELD_MAX - 2 * MT_RUN_BYTES_MAX, MT_RUNS_HELD_MAX);
    release(t, 0);
    run(t);
    pass(t, 150000);
    assert_int_equal(entries(t, 0), N);
}

static void refused_writes_leave_no_trace(void **state) {
    struct table *t = *state;
    uint8_t buf[256];
    struct mt_slice text[2];
    found(t);
    struct mt_command cmd = write_command(NULL, text, buf, sizeof buf);
    text[1] = mt_slice_str("no changes");
    cmd.contents = text;
    cmd.n_contents = 2;
    assert_int_not_equal(command(t, 0, cmd, NULL), MT_OK);
    assert_int_equal(entries(t, 0), 0);
    assert_int_equal(write_to(t, 0, NULL), MT_OK);
    assert_int_equal(entries(t, 0), 1);
}

static void a_copied_store_opens_a_new_installation(void **state) {
    struct table *t = *state;
    a_region_of_three(t);
    assert_int_equal(write_to(t, 1, NULL), MT_OK);
    struct mt_id feed = info_of(t, 1).feed;
    stop(t, 1);
    t->h[0].dark = t->h[2].dark = true;
    start_as(t, 1, NULL);
    struct mt_node_info i = info_of(t, 1);
    assert_true(i.retired && !mt_id_eq(&i.feed, &feed) && i.n_installations == 2);
    assert_int_equal(logged(&t->h[1], "new_installation"), 1);
    /* It may lack entries of its own: it writes nothing before a peer has told, restarted or not. */
    assert_int_equal(write_to(t, 1, NULL), MT_ESTATE);
    restart(t, 1);
    assert_int_equal(write_to(t, 1, NULL), MT_ESTATE);
    t->h[0].dark = t->h[2].dark = false;
    meet(t);
    assert_false(info_of(t, 1).behind);
    assert_int_equal(write_to(t, 1, NULL), MT_OK);
    pass(t, 1000);
    assert_int_equal(entries(t, 0), 2);
    assert_non_null(mt_gov_installation(mt_node_gov(t->h[0].node), &i.feed));
    restart(t, 1);
    assert_false(info_of(t, 1).retired);
}

/* The store went back in time, the installation file did not. */
static void a_rolled_back_store_is_found_by_its_peers(void **state) {
    struct table *t = *state;
    a_region_of_three(t);
    for (int i = 0; i < 4; i++)
        assert_int_equal(write_to(t, 1, NULL), MT_OK);
    pass(t, 1000);
    struct mt_id feed = info_of(t, 1).feed;
    stop(t, 1);
    struct kept_chain *c = &t->h[1].chains[0];
    assert_true(mt_id_eq(&c->info.id, &feed) && c->head.seq == 4);
    for (int i = 2; i < 4; i++)
        free(c->e[i].box);
    c->head = (struct mt_head){.seq = 2, .entry = c->e[1].id, .lamport = c->e[1].h.lamport};
    t->h[0].dark = t->h[2].dark = true;
    start_as(t, 1, feed.b);
    assert_false(info_of(t, 1).retired);
    t->h[0].dark = t->h[2].dark = false;
    meet(t);
    struct mt_node_info i = info_of(t, 1);
    assert_true(i.retired && !mt_id_eq(&i.feed, &feed));
    assert_int_equal(entries(t, 1), 4);
    assert_int_equal(write_to(t, 1, NULL), MT_OK);
    pass(t, 2000);
    assert_int_equal(entries(t, 0), 5);
    assert_int_equal(i.forks, 0);
}

static void damaged_state_is_not_started_on(void **state) {
    struct table *t = *state;
    struct mt_node *n;
    struct mt_node_config config = {.announce = ""};
    struct host *h = &t->h[0];
    found(t);
    (void)invite(t, "x");
    assert_int_equal(join(t, 1, "MEENT1Q"), MT_EINVALID);
    for (size_t i = 0; i < h->n_blobs; i++)
        for (size_t cut = 1; cut < h->blobs[i].n; cut += 1 + h->blobs[i].n / 40) {
            assert_int_equal(mt_node_new(&n, &config), MT_OK);
            enum mt_err err = mt_node_load_blob(n, h->blobs[i].name, mt_slice(h->blobs[i].p, cut));
            assert_true(err == MT_ECORRUPT || err == MT_EVERSION);
            mt_node_free(n);
        }
    assert_int_equal(mt_node_new(&n, &config), MT_OK);
    assert_int_equal(mt_node_load_blob(n, "other", mt_slice("x", 1)), MT_EVERSION);
    struct mt_id wrong = built_id("item", 1);
    struct mt_slice item = mt_gov_item(mt_node_gov(h->node), 0);
    assert_int_equal(mt_node_load_item(n, &wrong, item), MT_ECORRUPT);
    assert_int_equal(mt_node_load_item(n, &wrong, mt_slice(item.p, item.n - 1)), MT_ECORRUPT);
    mt_node_free(n);
}

/* Hellos tell the clock. Once ours is set right nothing is said of it any more. */
static void a_clock_that_was_set_right_is_forgotten(void **state) {
    struct table *t = *state;
    t->h[1].ahead_ms = 600000;
    a_region_of_three(t);
    pass(t, 2000);
    assert_true(info_of(t, 1).skew_ms_max > 590000);
    assert_true(info_of(t, 0).skew_ms_max > 590000);
    t->h[1].ahead_ms = 0;
    pass(t, 60000);
    assert_true(info_of(t, 1).skew_ms_max < 5000);
}

static void log_lines_are_stable_names(void **state) {
    struct table *t = *state;
    a_region_of_three(t);
    assert_int_equal(write_to(t, 0, NULL), MT_OK);
    for (int i = 0; i < HOSTS; i++) {
        const struct host *h = &t->h[i];
        uint64_t number = info_of(t, i).join_number;
        assert_true(h->n_logs > 2 && h->n_logs < LOGS);
        for (size_t k = 0; k < h->n_logs; k++) {
            for (const char *p = h->logs[k].event; *p; p++)
                assert_true(islower((unsigned char)*p) || *p == '_');
            assert_true(!number || h->logs[k].number != number);
        }
    }
}

static void effects_left_behind_are_freed(void **state) {
    struct table *t = *state;
    found(t);
    bring_in(t, 1);
    uint8_t buf[256];
    struct mt_slice text;
    struct mt_event ev = {.type = MT_EV_COMMAND, .now = t->now};
    ev.command = write_command(NULL, &text, buf, sizeof buf);
    mt_node_step(t->h[0].node, &ev); /* a batch and bytes that nobody takes: the leak check looks */
    size_t n;
    assert_non_null(mt_node_effects(t->h[0].node, &n));
    assert_true(n > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        NODE_TEST(commands_wait_for_their_turn),
        NODE_TEST(what_one_writes_all_get),
        NODE_TEST(a_pair_channel_stays_between_two),
        NODE_TEST(who_was_away_gets_the_rest),
        NODE_TEST(a_batch_that_fails_answers_all_and_a_later_one_succeeds),
        NODE_TEST(governance_that_was_not_saved_is_saved_later),
        NODE_TEST(runs_that_were_not_saved_are_sent_again),
        NODE_TEST(what_a_peer_refused_is_checked),
        NODE_TEST(writes_behind_a_batch_go_together),
        NODE_TEST(long_batches_are_signed_on_the_way),
        NODE_TEST(runs_of_a_peer_come_in_parts),
        NODE_TEST(runs_of_closed_links_do_not_pile_up),
        NODE_TEST(refused_writes_leave_no_trace),
        NODE_TEST(a_copied_store_opens_a_new_installation),
        NODE_TEST(a_rolled_back_store_is_found_by_its_peers),
        NODE_TEST(damaged_state_is_not_started_on),
        NODE_TEST(a_clock_that_was_set_right_is_forgotten),
        NODE_TEST(log_lines_are_stable_names),
        NODE_TEST(effects_left_behind_are_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
