/* Guests: open links with who is no member, or not yet. How many, how long, and who goes first. */
#include "caller_fixture.h"

enum { HOST_A = 1, HOST_B = 2 };

static const char *const host_of[] = {"", "203.0.113.1", "203.0.113.2"};

/* Somebody with the key of the region who is no member; number `n`. */
static void make_guest(struct table *t, struct caller *c, uint64_t n) {
    caller_make(c, 1000 + n);
    caller_learn(c, the_host(t));
}

static uint64_t guest(struct table *t, struct door *d, uint64_t n, const char *source) {
    struct caller c;
    make_guest(t, &c, n);
    uint64_t conn = call(t, d, &c, source);
    caller_close(&c);
    return conn;
}

static size_t open_links(struct table *t) {
    size_t n = 0;
    for (size_t i = 0; i < the_host(t)->n_conns; i++)
        n += the_host(t)->conns[i]->is_open && !the_host(t)->conns[i]->closing;
    return n;
}

static void guests_are_few(void **state) {
    struct table *t = *state;
    struct door d;
    uint64_t conn[MT_GUESTS_MAX];
    found(t);
    for (unsigned i = 0; i < MT_GUESTS_MAX; i++)
        conn[i] = guest(t, &d, i, host_of[HOST_A]);
    for (unsigned i = 0; i < MT_GUESTS_MAX; i++)
        assert_true(is_open(t, conn[i]));
    uint64_t more = guest(t, &d, MT_GUESTS_MAX, host_of[HOST_A]);
    assert_int_equal(open_links(t), MT_GUESTS_MAX);
    assert_false(is_there(t, conn[0]));
    assert_true(is_open(t, conn[1]) && is_open(t, more));
}

/* A newcomer whose admission is not known here yet needs a moment as a guest: who holds all places
 * from one host does not keep it out, and does not take its place back. */
static void guests_of_one_host_leave_room_for_another(void **state) {
    struct table *t = *state;
    struct door d;
    found(t);
    for (unsigned i = 0; i < MT_GUESTS_MAX; i++)
        (void)guest(t, &d, i, host_of[HOST_A]);
    uint64_t other = guest(t, &d, 99, host_of[HOST_B]);
    assert_true(is_open(t, other));
    for (unsigned i = 0; i < 3 * MT_GUESTS_MAX; i++)
        (void)guest(t, &d, 100 + i, host_of[HOST_A]);
    assert_true(is_open(t, other));
    assert_int_equal(open_links(t), MT_GUESTS_MAX);
}

static void a_guest_leaves_after_its_time(void **state) {
    struct table *t = *state;
    struct door d;
    struct caller c;
    found(t);
    make_guest(t, &c, 1);
    uint64_t conn = call(t, &d, &c, host_of[HOST_A]);
    for (unsigned i = 0; i < 3; i++) { /* it is not silent */
        pass(t, MT_GUEST_MS_MAX / 4);
        ping(t, &d, &c, conn);
        assert_true(is_open(t, conn));
    }
    pass(t, MT_GUEST_MS_MAX / 4 - 1);
    assert_true(is_open(t, conn));
    pass(t, 1);
    assert_false(is_there(t, conn));
    caller_close(&c);
}

/* ---- invitations ---- */

static void invited(struct caller *c, uint64_t n, const char *code) {
    caller_make(c, 2000 + n);
    assert_true(caller_invite(c, code));
}

static void who_is_invited_files_soon_or_leaves(void **state) {
    struct table *t = *state;
    struct door d;
    struct caller c;
    found(t);
    invited(&c, 1, invite(t, "x").code);
    uint64_t conn = call(t, &d, &c, host_of[HOST_A]);
    pass(t, MT_HANDSHAKE_MS_MAX - 1);
    ping(t, &d, &c, conn);
    assert_true(is_open(t, conn));
    pass(t, 1);
    assert_false(is_there(t, conn));
    caller_close(&c);
}

static void who_has_filed_may_wait(void **state) {
    struct table *t = *state;
    struct door d;
    struct caller c;
    found(t);
    invited(&c, 1, invite(t, "x").code);
    uint64_t conn = call(t, &d, &c, host_of[HOST_A]);
    file(t, &d, &c, conn);
    for (unsigned i = 0; i < 6; i++) {
        pass(t, MT_GUEST_MS_MAX / 2);
        ping(t, &d, &c, conn);
    }
    assert_true(is_open(t, conn));
    caller_close(&c);
}

static void an_invitation_has_one_link_the_newest(void **state) {
    struct table *t = *state;
    struct door d;
    struct caller c, other;
    found(t);
    struct mt_reply r = invite(t, "x");
    invited(&c, 1, r.code);
    invited(&other, 2, r.code);
    uint64_t older = call(t, &d, &c, host_of[HOST_A]);
    assert_true(is_open(t, older));
    caller_close(&c);
    invited(&c, 3, r.code);
    uint64_t newer = call(t, &d, &c, host_of[HOST_A]);
    assert_true(is_open(t, newer) && !is_there(t, older));
    file(t, &d, &c, newer);
    uint64_t thief = call(t, &d, &other, host_of[HOST_B]); /* it belongs to who filed */
    assert_true(is_open(t, newer) && !is_there(t, thief));
    uint64_t again = call(t, &d, &c, host_of[HOST_B]);
    assert_true(is_open(t, again) && !is_there(t, newer));
    caller_close(&c);
    caller_close(&other);
}

/* Links with an invitation do not count as guests: each has its own place. */
static void guests_do_not_keep_the_invited_out(void **state) {
    struct table *t = *state;
    struct door d;
    struct caller c;
    found(t);
    for (unsigned i = 0; i < MT_GUESTS_MAX; i++)
        (void)guest(t, &d, i, host_of[HOST_A]);
    invited(&c, 1, invite(t, "x").code);
    assert_true(is_open(t, call(t, &d, &c, host_of[HOST_A])));
    assert_int_equal(open_links(t), MT_GUESTS_MAX + 1);
    caller_close(&c);
}

/* ---- members ---- */

/* Installation number `n` of member `host`, which is stopped by then. */
static uint64_t installation(struct table *t, struct door *d, const struct mt_sign_key *root,
                             uint64_t n) {
    struct caller c;
    caller_make(&c, 3000 + n);
    caller_learn(&c, the_host(t));
    c.root = *root;
    uint64_t conn = call(t, d, &c, host_of[HOST_A]);
    caller_close(&c);
    return conn;
}

struct full {
    struct door d;
    struct mt_sign_key root[HOSTS];
    uint64_t first;
    unsigned n;
};

/* Every place is taken: by `guests`, and installations of member 1. */
static void fill(struct table *t, struct full *f, unsigned guests) {
    found(t);
    for (int i = 1; i < HOSTS; i++) {
        bring_in(t, i);
        f->root[i] = t->h[i].node->secret->root;
        stop(t, i);
    }
    for (unsigned i = 0; i < guests; i++)
        (void)guest(t, &f->d, i, host_of[HOST_B]);
    f->first = installation(t, &f->d, &f->root[1], f->n++);
    while (open_links(t) < MT_LINKS_MAX) {
        assert_true(is_open(t, installation(t, &f->d, &f->root[1], f->n++)));
        assert_true(f->n <= MT_LINKS_MAX);
    }
}

static void a_member_takes_the_place_of_a_guest(void **state) {
    struct table *t = *state;
    struct full f = {.n = 0};
    fill(t, &f, 2);
    uint64_t late = guest(t, &f.d, 77, host_of[HOST_A]);
    assert_false(is_there(t, late)); /* no guest comes in when all places are taken */
    for (unsigned i = 0; i < 2; i++)
        assert_true(is_open(t, installation(t, &f.d, &f.root[2], i + 100)));
    assert_int_equal(open_links(t), MT_LINKS_MAX);
    for (size_t i = 0; i < the_host(t)->n_conns; i++)
        assert_false(mt_node_is_guest(the_host(t), the_host(t)->conns[i]));
    assert_true(is_open(t, f.first));
}

static void one_member_with_many_links_leaves_room_for_another(void **state) {
    struct table *t = *state;
    struct full f = {.n = 0};
    fill(t, &f, 0);
    assert_false(is_there(t, installation(t, &f.d, &f.root[1], 500)));
    assert_true(is_open(t, f.first));
    uint64_t other = installation(t, &f.d, &f.root[2], 501);
    assert_true(is_open(t, other));
    assert_false(is_there(t, f.first)); /* the oldest of who has most */
    assert_false(is_there(t, installation(t, &f.d, &f.root[1], 502)));
    assert_true(is_open(t, other));
    assert_int_equal(open_links(t), MT_LINKS_MAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        NODE_TEST(guests_are_few),
        NODE_TEST(guests_of_one_host_leave_room_for_another),
        NODE_TEST(a_guest_leaves_after_its_time),
        NODE_TEST(who_is_invited_files_soon_or_leaves),
        NODE_TEST(who_has_filed_may_wait),
        NODE_TEST(an_invitation_has_one_link_the_newest),
        NODE_TEST(guests_do_not_keep_the_invited_out),
        NODE_TEST(a_member_takes_the_place_of_a_guest),
        NODE_TEST(one_member_with_many_links_leaves_room_for_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
