/* Peers: what is told of those that are reached, of those that are not and why, and of who asks. */
#include "query_world.h"

#define SCHOOL  (&w.orgs[0])
#define COMPANY (&w.orgs[1])

static void found(struct world *w) {
    world_open(w, WORLD_ORGS);
    world_found(w);
}

/* Parts all, and has them dial addresses that are nobody's. */
static void lose_all(struct world *w, char address[WORLD_ORGS][16], enum mt_err err) {
    w->lost = err;
    for (unsigned i = 0; i < w->n; i++) {
        memcpy(address[i], w->orgs[i].address, 16);
        (void)snprintf(w->orgs[i].address, sizeof w->orgs[i].address, "away:%u", i % 10);
    }
    for (unsigned i = 0; i < w->n_wires; i++)
        hang_up(w, &w->wires[i], MT_ETIMEOUT);
    world_run(w, 20000);
}

static void find_all(struct world *w, char address[WORLD_ORGS][16]) {
    for (unsigned i = 0; i < w->n; i++)
        memcpy(w->orgs[i].address, address[i], 16);
    world_run(w, 600000);
}

static void peers_are_listed_with_how_far_they_are(void **state) {
    (void)state;
    struct world w;
    struct mt_slice v;
    char address[WORLD_ORGS][16];
    found(&w);
    struct answer *a = run(SCHOOL, "peer.list", "");
    for (unsigned i = 0; i < 2; i++) {
        static const char *const keys[] = {"connected", "synced"};
        for (size_t k = 0; k < MT_ARRAY_LEN(keys); k++) {
            char path[40];
            (void)snprintf(path, sizeof path, "peers.%u.%s", i, keys[k]);
            assert_true(is_true(a, path));
        }
    }
    expect_text(a, "peers.0.error", NULL);
    assert_int_equal(number(a, "peers.1.lag"), 0);
    assert_false(find(a->result, "peers.2", &v));
    answer_free(a);
    lose_all(&w, address, MT_OK);
    a = run(SCHOOL, "peer.list", "");
    assert_false(is_true(a, "peers.0.connected"));
    expect_text(a, "peers.0.error", "unreachable");
    answer_free(a);
    world_close(&w);
}

static void a_peer_goes_by_its_name_part_of_it_or_its_id(void **state) {
    (void)state;
    struct world w;
    char id[65], text[200];
    found(&w);
    struct answer *a = run(SCHOOL, "peer.ping", "name=delt");
    expect_text(a, "name", "Deltion");
    copy_text(a, "id", id, sizeof id);
    assert_int_equal(strlen(id), 64);
    answer_free(a);
    static const int digits[] = {64, 4, 11};
    for (size_t i = 0; i < MT_ARRAY_LEN(digits); i++) {
        (void)snprintf(text, sizeof text, "name=%.*s", digits[i], id);
        a = run(SCHOOL, "peer.ping", text);
        expect_text(a, "id", id);
        answer_free(a);
    }
    run_fails(SCHOOL, "peer.ping", "name=i", MT_EAMBIGUOUS, "several");
    (void)snprintf(text, sizeof text, "name=%.3s", id);
    run_fails(SCHOOL, "peer.ping", text, MT_ENOTFOUND, "no other member");
    (void)snprintf(text, sizeof text, "name=%s00", id);
    run_fails(SCHOOL, "peer.ping", text, MT_ENOTFOUND, NULL);
    run_fails(SCHOOL, "peer.ping", "name=Carmel College", MT_ENOTFOUND, "no other member");
    run_fails(SCHOOL, "peer.ping", "", MT_EINVALID, "name");
    world_close(&w);
}

/* With probe it is asked now, and the answer says how long it took. */
static void a_probe_asks_now(void **state) {
    (void)state;
    struct world w;
    char address[WORLD_ORGS][16];
    found(&w);
    struct answer *a = run(SCHOOL, "peer.ping", "name=Wavin;!probe");
    assert_true(is_true(a, "steps.4.ok"));
    expect_text(a, "steps.4.text", "ok");
    answer_free(a);
    run_fails(SCHOOL, "peer.ping", "name=niemand;!probe", MT_ENOTFOUND, NULL);
    run_fails(SCHOOL, "peer.ping", "name=Wavin;#probe=1", MT_EINVALID, "probe");
    lose_all(&w, address, MT_OK);
    answer_free(run(SCHOOL, "peer.ping", "name=Wavin;!probe"));
    a = run(SCHOOL, "peer.ping", "name=Wavin");
    assert_true(is_true(a, "steps.0.ok"));
    assert_false(is_true(a, "steps.1.ok"));
    expect_text(a, "steps.1.step", "connect");
    expect_text(a, "steps.1.code", "unreachable");
    answer_free(a);
    world_close(&w);
}

static bool says(const struct answer *a, const char *code) {
    for (unsigned i = 0; i < 32; i++) {
        char path[40];
        struct mt_slice v;
        (void)snprintf(path, sizeof path, "health.%u.code", i);
        if (!find(a->result, path, &v))
            return false;
        struct mt_reader r = mt_reader(v);
        if (mt_slice_is(mt_wire_str(&r, 60), code))
            return true;
    }
    return false;
}

/* Why a connection ended decides at which step it is said to have failed, and what health says. */
static void how_far_a_connection_gets_is_told(void **state) {
    (void)state;
    static const struct {
        enum mt_err err;
        const char *step, *health;
        unsigned at;
    } cases[] = {
        {MT_ECERTIFICATE, "certificate", "peer-certificate", 3},
        {MT_ESIGNATURE, "certificate", "peer-certificate", 3},
        {MT_EPSK, "key", "peer-key", 2},
        {MT_EMEMBER, "membership", "peer-member", 4},
        {MT_EVERSION, "key", "peer-version", 2},
        {MT_ENOTFOUND, "address", NULL, 0},
        {MT_ETIMEOUT, "key", NULL, 2}, /* it was connected with, and said nothing */
        {MT_EUNREACHABLE, "connect", NULL, 1},
    };
    struct world w;
    char address[WORLD_ORGS][16];
    found(&w);
    for (size_t i = 0; i < MT_ARRAY_LEN(cases); i++) {
        char path[40];
        lose_all(&w, address, cases[i].err);
        struct answer *a = run(SCHOOL, "peer.ping", "name=Wavin");
        (void)snprintf(path, sizeof path, "steps.%u.step", cases[i].at);
        expect_text(a, path, cases[i].step);
        (void)snprintf(path, sizeof path, "steps.%u.ok", cases[i].at);
        assert_false(is_true(a, path));
        (void)snprintf(path, sizeof path, "steps.%u.code", cases[i].at);
        expect_text(a, path, mt_err_code(cases[i].err));
        answer_free(a);
        a = run(SCHOOL, "status", "");
        if (cases[i].health && !says(a, cases[i].health))
            fail_msg("%s is not said", cases[i].health);
        answer_free(a);
        find_all(&w, address);
        a = run(SCHOOL, "peer.ping", "name=Wavin");
        assert_true(is_true(a, "steps.4.ok"));
        answer_free(a);
        a = run(SCHOOL, "status", "");
        assert_true(!cases[i].health || !says(a, cases[i].health));
        answer_free(a);
    }
    world_close(&w);
}

/* Who asks to join is found by the name of its invitation and by its own. */
static void who_asks_to_join_is_no_member_yet(void **state) {
    (void)state;
    struct world w;
    char id[65], code[300], text[400];
    world_open(&w, 2);
    run_id(SCHOOL, "init", "name=Carmel College;kind=vmbo", id);
    run_id(SCHOOL, "region.create", "name=Salland", id);
    publish(SCHOOL);
    world_run(&w, 1000);
    run_id(COMPANY, "init", "name=Wavin;kind=company", id);
    struct answer *a = run(SCHOOL, "invite.create", "name=de buren");
    copy_text(a, "code", code, sizeof code);
    answer_free(a);
    run_fails(SCHOOL, "peer.ping", "name=de buren", MT_ENOTFOUND, NULL); /* nobody used it */
    (void)snprintf(text, sizeof text, "code=%s", code);
    answer_free(run(COMPANY, "join", text));
    world_run(&w, 20000);
    static const char *const names[] = {"name=de buren", "name=WAVIN", "name=Wavin;!probe"};
    for (size_t i = 0; i < MT_ARRAY_LEN(names); i++) {
        a = run(SCHOOL, "peer.ping", names[i]);
        expect_text(a, "steps.0.step", "membership");
        assert_false(is_true(a, "steps.0.ok"));
        expect_text(a, "steps.0.code", "member");
        answer_free(a);
    }
    run_fails(SCHOOL, "peer.ping", "name=Deltion", MT_ENOTFOUND, NULL);
    a = run(COMPANY, "peer.list", "");
    struct mt_slice v;
    assert_false(find(a->result, "peers.0", &v)); /* it knows nobody before it is one of them */
    answer_free(a);
    world_close(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(peers_are_listed_with_how_far_they_are),
        cmocka_unit_test(a_peer_goes_by_its_name_part_of_it_or_its_id),
        cmocka_unit_test(a_probe_asks_now),
        cmocka_unit_test(how_far_a_connection_gets_is_told),
        cmocka_unit_test(who_asks_to_join_is_no_member_yet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
