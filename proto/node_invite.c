/* node_invite: how an organisation comes in.
 *
 * The inviter makes a code: its address, halves of the region id, of a hash of its root key and of
 * the governance head, and a 16-byte secret. Whoever holds the code dials with a key made from the
 * secret, shows a certificate it signed itself and files a join request. From then on the invitation
 * belongs to that certificate. Both sides can now compute the same 12 digits from the secret and
 * the certificate; the applicant reads them out, the inviter types them, and only then is the
 * applicant admitted. A stranger who got hold of the code first has other digits. */
#include "node_internal.h"

#include <stdlib.h>

enum { BLOB_VERSION = 1, BLOB_MAX = MT_INVITES_MAX * 2048, CODE_FIXED = 1 + 4 * 16 };

static const uint64_t NUMBERS = UINT64_C(1000000000000);

static void inviter_hash(const struct mt_id *org, uint8_t out[static 32]) {
    mt_hash_of(out, "inviter", NULL, org->b, sizeof org->b);
}

static void invite_psk(const uint8_t secret[static 16], uint8_t psk[static 32]) {
    mt_hash_of(psk, "invite", NULL, secret, 16);
}

/* The twelve digits both sides compute (protocol.md 7.7). */
uint64_t mt_node_invite_number(const uint8_t secret[static 16], const struct mt_id *inviter,
                               struct mt_slice certificate) {
    struct mt_hash h;
    uint8_t half[32], out[32];
    mt_hash_of(half, "invite-secret", NULL, secret, 16);
    mt_hash_init(&h, "number", NULL);
    mt_hash_add(&h, half, sizeof half);
    mt_hash_add_id(&h, inviter);
    mt_hash_add(&h, certificate.p, certificate.n);
    mt_hash_end(&h, out);
    return mt_load64(out) % NUMBERS;
}

/* ---- the inviter's side ---- */

static struct mt_invite *invite_named(struct mt_node *n, struct mt_slice name) {
    for (size_t i = n->n_invites; i-- > 0;)
        if (mt_slice_is(name, n->invites[i].info.name))
            return &n->invites[i];
    return NULL;
}

bool mt_node_invite_usable(struct mt_node *n, struct mt_invite *v) {
    if (v->info.state <= MT_INVITE_USED && n->now.wall_ms >= v->info.expires_ms) {
        v->info.state = MT_INVITE_EXPIRED;
        n->dirty_invites = true;
    }
    return v->info.state <= MT_INVITE_USED;
}

/* A place for a new invitation: a free one, or that of one that is over. */
static struct mt_invite *free_invite(struct mt_node *n) {
    if (n->n_invites < MT_INVITES_MAX)
        return &n->invites[n->n_invites++];
    for (size_t i = 0; i < n->n_invites; i++)
        if (!mt_node_invite_usable(n, &n->invites[i]) || n->invites[i].info.state == MT_INVITE_USED)
            return &n->invites[i];
    return NULL;
}

static enum mt_err put_code(const struct mt_node *n, const uint8_t secret[static 16],
                            char out[static 256]) {
    uint8_t data[MT_CODE_DATA_MAX], hash[32];
    struct mt_writer d = mt_writer(data, sizeof data), t = mt_writer(out, 255);
    size_t len = strlen(n->announce);
    inviter_hash(&n->replica.own_org, hash);
    mt_writer_u8(&d, (uint8_t)len);
    mt_writer_put(&d, n->announce, len);
    mt_writer_put(&d, n->replica.region.b, 16);
    mt_writer_put(&d, hash, 16);
    mt_writer_put(&d, mt_gov_head(n->replica.gov)->b, 16);
    mt_writer_put(&d, secret, 16);
    if (d.err || mt_code_put(&t, mt_writer_slice(&d)) != MT_OK)
        return MT_ETOOLONG;
    out[t.n] = 0;
    return MT_OK;
}

enum mt_err mt_node_invite(struct mt_node *n, struct mt_slice name, struct mt_reply *reply,
                           const char **hint) {
    if (!mt_node_is_member(n))
        return MT_ESTATE;
    if (!mt_gov_member(n->replica.gov, &n->replica.own_org)->is_seat) {
        *hint = "not-a-seat";
        return MT_EDENIED;
    }
    if (!n->announce[0]) {
        *hint = "no-address";
        return MT_EINVALID;
    }
    if (!mt_name_ok(name)) {
        *hint = "name";
        return MT_EINVALID;
    }
    uint8_t secret[16];
    mt_rng_draw(&n->rng, secret, sizeof secret);
    if (put_code(n, secret, reply->code) != MT_OK) {
        *hint = "no-address";
        return MT_EINVALID;
    }
    struct mt_invite *v = invite_named(n, name);
    if (v && mt_node_invite_usable(n, v) && v->info.state != MT_INVITE_USED) {
        *hint = "name-taken";
        return MT_ECONFLICT;
    }
    if (!v)
        v = free_invite(n);
    if (!v) {
        *hint = "too-many-invites";
        return MT_EFULL;
    }
    /* Links that the one before opened are none of this one's. */
    for (size_t i = 0; i < n->n_conns; i++)
        if (n->conns[i]->invite == (int)(v - n->invites))
            n->conns[i]->invite = -1;
    mt_wipe(v, sizeof *v);
    memcpy(v->info.name, name.p, name.n);
    v->info.created_ms = n->now.wall_ms;
    v->info.expires_ms = n->now.wall_ms + MT_INVITE_LIFE_MS;
    memcpy(v->secret, secret, sizeof v->secret);
    invite_psk(v->secret, v->psk);
    n->dirty_invites = true;
    reply->expires_ms = v->info.expires_ms;
    return MT_OK;
}

enum mt_err mt_node_revoke(struct mt_node *n, struct mt_slice name) {
    struct mt_invite *v = invite_named(n, name);
    if (!v)
        return MT_ENOTFOUND;
    if (!mt_node_invite_usable(n, v) || v->info.state == MT_INVITE_USED)
        return MT_ESTATE;
    v->info.state = MT_INVITE_REVOKED;
    mt_wipe(v->secret, sizeof v->secret);
    mt_wipe(v->psk, sizeof v->psk);
    n->dirty_invites = true;
    int index = (int)(v - n->invites);
    for (size_t i = 0; i < n->n_conns; i++)
        if (n->conns[i]->invite == index)
            mt_node_close(n, n->conns[i], MT_EMEMBER);
    return MT_OK;
}

/* An admission with a grant key that is somebody else's would not come into force. */
static bool has_key_of_other(const struct mt_node *n, const struct mt_join *j) {
    for (size_t i = 0; i < mt_gov_members(n->replica.gov); i++) {
        const struct mt_member *m = mt_gov_member_at(n->replica.gov, i);
        if (!mt_id_eq(&m->org, &j->org) && memcmp(m->grant, j->grant, sizeof j->grant) == 0)
            return true;
    }
    return false;
}

enum mt_err mt_node_file(struct mt_node *n, struct mt_conn *c, struct mt_slice join) {
    struct mt_invite *v = c->invite >= 0 ? &n->invites[c->invite] : NULL;
    struct mt_item item;
    struct mt_join j;
    if (!v || !mt_node_invite_usable(n, v))
        return MT_EMEMBER;
    enum mt_err err = mt_item_get(join, &n->replica.region, &item);
    if (!err)
        err = mt_join_check(&item, &j);
    if (err)
        return err;
    if (!mt_id_eq(&j.region, &n->replica.region) || !mt_id_eq(&j.org, &c->sync.org) ||
        join.n > sizeof v->join || !mt_name_ok(j.name) || has_key_of_other(n, &j))
        return MT_EVALUE;
    if (v->info.state != MT_INVITE_OPEN && !mt_slice_eq(mt_slice(v->certificate, v->certificate_n),
                                                        mt_slice(c->certificate, c->certificate_n)))
        return MT_EMEMBER; /* another filed while this link was open */
    if (v->info.state == MT_INVITE_OPEN) {
        memcpy(v->certificate, c->certificate, c->certificate_n);
        v->certificate_n = c->certificate_n;
        memcpy(v->join, join.p, join.n);
        v->join_n = join.n;
        memcpy(v->info.applicant, j.name.p, j.name.n);
        v->info.applicant[j.name.n] = 0;
        v->info.org = j.org;
        v->info.state = MT_INVITE_FILED;
        n->dirty_invites = true;
        mt_node_log(n, "application", &j.org, c->id, 0, MT_OK);
    }
    c->deadline_ms = UINT64_MAX; /* from here on it waits for people */
    return mt_sync_send_filed(&c->sync);
}

/* The newcomer's seal of the usable epoch key, signed by this installation. */
static enum mt_err add_grant(struct mt_node *n, const struct mt_id *org,
                             const uint8_t grant[static 32]) {
    const struct mt_epoch *e = mt_node_epoch(n);
    struct mt_grant g = {.org = *org, .granter = n->secret->feed.pub};
    uint8_t ephemeral[32], body[512], buf[1024];
    struct mt_writer b = mt_writer(body, sizeof body), w = mt_writer(buf, sizeof buf);
    struct mt_id id;
    if (!e)
        return MT_ENOKEY;
    g.statement = e->statement;
    mt_rng_draw(&n->rng, ephemeral, sizeof ephemeral);
    enum mt_err err = mt_seal_key(&n->replica.region, grant, ephemeral, e->key, g.seal);
    if (err)
        return err;
    mt_grant_put(&b, &g);
    mt_item_put_signed(&w, MT_ITEM_GRANT, &n->replica.region, mt_writer_slice(&b),
                       &n->secret->feed);
    return b.err || w.err ? MT_EBUG : mt_node_add_own_item(n, mt_writer_slice(&w), &id);
}

/* The admission, our vote for it (first: an act is stored only with a vote), the newcomer's
 * certificate, and its key. */
static enum mt_err admit(struct mt_node *n, const struct mt_invite *v, const struct mt_join *j) {
    uint8_t buf[2048], vote_buf[512];
    struct mt_writer w = mt_writer(buf, sizeof buf), vw = mt_writer(vote_buf, sizeof vote_buf);
    struct mt_admit a = {.join = mt_slice(v->join, v->join_n), .role = MT_ROLE_MEMBER};
    struct mt_item item;
    struct mt_id id;
    mt_admit_put(&w, &a);
    enum mt_err err = mt_item_get(mt_writer_slice(&w), &n->replica.region, &item);
    if (err)
        return MT_EBUG;
    struct mt_vote vote = {.act = item.id, .org = n->replica.own_org, .n = 1, .approve = true};
    mt_vote_put(&vw, &n->replica.region, &vote, &n->secret->root);
    err = mt_node_add_own_item(n, mt_writer_slice(&vw), &id);
    if (!err)
        err = mt_node_add_own_item(n, mt_writer_slice(&w), &id);
    if (!err)
        err = mt_node_add_own_item(n, mt_slice(v->certificate, v->certificate_n), &id);
    return err ? err : add_grant(n, &j->org, j->grant);
}

enum mt_err mt_node_approve(struct mt_node *n, struct mt_slice name, uint64_t number,
                            struct mt_reply *reply, const char **hint) {
    struct mt_invite *v = invite_named(n, name);
    struct mt_item item;
    struct mt_join j;
    if (!mt_node_is_member(n))
        return MT_ESTATE;
    if (!v)
        return MT_ENOTFOUND;
    if (!mt_node_invite_usable(n, v) || v->info.state == MT_INVITE_USED) {
        *hint = v->info.state == MT_INVITE_USED ? "used" : "expired";
        return MT_ECONFLICT;
    }
    if (v->info.state != MT_INVITE_FILED) {
        *hint = "not-filed";
        return MT_ESTATE;
    }
    struct mt_slice certificate = mt_slice(v->certificate, v->certificate_n);
    uint8_t want[8], got[8];
    mt_be64(want, mt_node_invite_number(v->secret, &n->replica.own_org, certificate));
    mt_be64(got, number);
    if (!mt_equal_secret(want, got, sizeof want)) {
        *hint = "number";
        return MT_EINVALID;
    }
    enum mt_err err = mt_item_get(mt_slice(v->join, v->join_n), &n->replica.region, &item);
    if (!err)
        err = mt_join_check(&item, &j);
    if (!err && has_key_of_other(n, &j))
        err = MT_EVALUE;
    if (!err)
        err = admit(n, v, &j);
    if (err)
        return err;
    v->info.state = MT_INVITE_USED;
    n->dirty_invites = true;
    reply->id = j.org;
    return MT_OK;
}

enum mt_err mt_node_save_invites(struct mt_node *n, struct mt_work *work) {
    uint8_t *buf = mt_batch_alloc(work->batch, BLOB_MAX);
    struct mt_op *op = buf ? mt_batch_add(work->batch, MT_OP_BLOB) : NULL;
    if (!op)
        return MT_ENOMEM;
    struct mt_writer w = mt_writer(buf, BLOB_MAX);
    mt_wire_put_array(&w, 2);
    mt_wire_put_uint(&w, BLOB_VERSION);
    mt_wire_put_array(&w, n->n_invites);
    for (size_t i = 0; i < n->n_invites; i++) {
        const struct mt_invite *v = &n->invites[i];
        mt_wire_put_array(&w, 9);
        mt_wire_put_cstr(&w, v->info.name);
        mt_wire_put_bin(&w, v->secret, sizeof v->secret);
        mt_wire_put_uint(&w, v->info.created_ms);
        mt_wire_put_uint(&w, v->info.expires_ms);
        mt_wire_put_uint(&w, v->info.state);
        mt_wire_put_bin(&w, v->certificate, v->certificate_n);
        mt_wire_put_bin(&w, v->join, v->join_n);
        mt_wire_put_cstr(&w, v->info.applicant);
        mt_wire_put_id(&w, &v->info.org);
    }
    op->blob.name = "invites";
    op->blob.bytes = mt_writer_slice(&w);
    return w.err;
}

static void get_cstr(struct mt_reader *r, char *out, size_t max) {
    struct mt_slice s = mt_wire_str(r, max);
    if (s.n)
        memcpy(out, s.p, s.n);
    out[s.n] = 0;
}

static size_t get_bytes(struct mt_reader *r, uint8_t *out, size_t max) {
    struct mt_slice s = mt_wire_bin(r, max);
    if (s.n)
        memcpy(out, s.p, s.n);
    return s.n;
}

enum mt_err mt_node_read_invites(struct mt_node *n, struct mt_slice bytes) {
    struct mt_reader r;
    if (mt_wire_open(&r, bytes, MT_WIRE_CANONICAL, BLOB_MAX) != MT_OK)
        return MT_ECORRUPT;
    (void)mt_wire_array(&r, 2, 2);
    uint64_t version = mt_wire_uint(&r, UINT64_MAX);
    uint32_t count = mt_wire_array(&r, 0, MT_INVITES_MAX);
    for (uint32_t i = 0; i < count && !r.err; i++) {
        struct mt_invite *v = &n->invites[i];
        (void)mt_wire_array(&r, 9, 9);
        get_cstr(&r, v->info.name, MT_NAME_MAX);
        mt_wire_fixed(&r, v->secret, sizeof v->secret);
        v->info.created_ms = mt_wire_uint(&r, UINT64_MAX);
        v->info.expires_ms = mt_wire_uint(&r, UINT64_MAX);
        v->info.state = mt_wire_uint(&r, MT_INVITE_EXPIRED);
        v->certificate_n = get_bytes(&r, v->certificate, sizeof v->certificate);
        v->join_n = get_bytes(&r, v->join, sizeof v->join);
        get_cstr(&r, v->info.applicant, MT_NAME_MAX);
        mt_wire_fixed(&r, v->info.org.b, sizeof v->info.org.b);
        invite_psk(v->secret, v->psk);
    }
    if (mt_reader_end(&r) != MT_OK || version != BLOB_VERSION)
        return version != BLOB_VERSION ? MT_EVERSION : MT_ECORRUPT;
    n->n_invites = count;
    return MT_OK;
}
