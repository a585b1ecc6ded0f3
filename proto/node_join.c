/* node_join: the applicant's side of an invitation. */
#include "node_internal.h"

enum { BLOB_VERSION = 1, BLOB_MAX = 1024 };

/* Takes a code apart: length and text of the address, then four times 16 bytes. */
static enum mt_err read_code(struct mt_slice code, struct mt_joining *j) {
    uint8_t data[MT_CODE_DATA_MAX];
    struct mt_writer w = mt_writer(data, sizeof data);
    enum mt_err err = mt_code_get(code, &w);
    if (err)
        return MT_EINVALID;
    struct mt_reader r = mt_reader(mt_writer_slice(&w));
    size_t len = mt_reader_u8(&r);
    mt_reader_get(&r, j->address, len);
    j->address[len] = 0;
    mt_reader_get(&r, j->region16, 16);
    mt_reader_get(&r, j->inviter16, 16);
    mt_reader_get(&r, j->governance16, 16);
    mt_reader_get(&r, j->secret, 16);
    if (mt_reader_end(&r) != MT_OK || !len || !mt_utf8_valid(mt_slice(j->address, len)))
        return MT_EINVALID;
    mt_hash_of(j->psk, "invite", NULL, j->secret, sizeof j->secret);
    return MT_OK;
}

void mt_node_drop_joining(struct mt_node *n) {
    struct mt_conn *c = mt_node_conn(n, n->join_conn);
    if (c)
        mt_node_close(n, c, MT_ESTATE);
    mt_wipe(&n->joining, sizeof n->joining);
    n->replica.region = (struct mt_id){0};
    n->join_dial_at = UINT64_MAX;
    n->join_backoff_ms = 0;
    n->dirty_joining = true;
}

enum mt_err mt_node_join(struct mt_node *n, struct mt_slice code, const char **hint) {
    struct mt_joining j = {.active = true, .state = MT_JOIN_CALLING};
    if (!n->secret)
        return MT_ESTATE;
    if (mt_gov_is_founded(n->replica.gov)) {
        *hint = "in-a-region";
        return MT_ECONFLICT;
    }
    enum mt_err err = read_code(code, &j);
    if (err) {
        *hint = "code";
        return err;
    }
    if (n->joining.active && mt_equal_secret(j.secret, n->joining.secret, sizeof j.secret) &&
        n->joining.state != MT_JOIN_REFUSED)
        return MT_OK; /* under way already */
    mt_node_drop_joining(n);
    n->joining = j;
    n->join_dial_at = n->now.mono_ms;
    return MT_OK;
}

enum mt_err mt_node_join_cancel(struct mt_node *n) {
    if (mt_gov_is_founded(n->replica.gov) || !n->joining.active)
        return MT_ESTATE;
    mt_node_drop_joining(n);
    return MT_OK;
}

enum mt_err mt_node_greet_inviter(struct mt_node *n, const struct mt_certificate *cert) {
    uint8_t hash[32];
    struct mt_joining *j = &n->joining;
    mt_hash_of(hash, "inviter", NULL, cert->org.b, sizeof cert->org.b);
    if (memcmp(cert->region.b, j->region16, 16) != 0 || memcmp(hash, j->inviter16, 16) != 0 ||
        memcmp(cert->region.b, j->governance16, 16) != 0)
        return MT_ECERTIFICATE;
    if (!mt_id_is_zero(&j->region) && !mt_id_eq(&j->region, &cert->region))
        return MT_ECERTIFICATE;
    j->region = n->replica.region = cert->region;
    j->inviter = cert->org;
    return MT_OK;
}

enum mt_err mt_node_join_item(struct mt_node *n, struct mt_writer *w) {
    struct mt_join j = {
        .region = n->joining.region, .org = n->replica.own_org, .name = mt_slice_str(n->name)};
    memcpy(j.grant, n->secret->grant.pub, sizeof j.grant);
    mt_join_put(w, &j, &n->secret->root);
    return w->err;
}

void mt_node_filed(struct mt_node *n, struct mt_conn *c) {
    uint8_t buf[1024];
    struct mt_writer w = mt_writer(buf, sizeof buf);
    if (!c->applying || !n->joining.active ||
        mt_node_certificate(n, &n->joining.region, &w) != MT_OK)
        return;
    n->joining.number =
        mt_node_invite_number(n->joining.secret, &n->joining.inviter, mt_writer_slice(&w));
    n->joining.err = MT_OK;
    if (n->joining.state != MT_JOIN_FILED)
        mt_node_log(n, "filed", &n->joining.inviter, c->id, 0, MT_OK);
    n->joining.state = MT_JOIN_FILED;
    n->dirty_joining = true;
}

/* [version, address, region16, inviter16, governance16, secret, region, inviter, state, number], or
 * nothing when there was no joining. */
enum mt_err mt_node_save_joining(struct mt_node *n, struct mt_work *work) {
    const struct mt_joining *j = &n->joining;
    uint8_t *buf = mt_batch_alloc(work->batch, BLOB_MAX);
    struct mt_op *op = buf ? mt_batch_add(work->batch, MT_OP_BLOB) : NULL;
    if (!op)
        return MT_ENOMEM;
    op->blob.name = "joining";
    if (!j->active && j->state != MT_JOIN_DONE)
        return MT_OK;
    struct mt_writer w = mt_writer(buf, BLOB_MAX);
    mt_wire_put_array(&w, 10);
    mt_wire_put_uint(&w, BLOB_VERSION);
    mt_wire_put_cstr(&w, j->address);
    mt_wire_put_bin(&w, j->region16, 16);
    mt_wire_put_bin(&w, j->inviter16, 16);
    mt_wire_put_bin(&w, j->governance16, 16);
    mt_wire_put_bin(&w, j->secret, 16);
    mt_wire_put_id(&w, &j->region);
    mt_wire_put_id(&w, &j->inviter);
    mt_wire_put_uint(&w, j->state);
    mt_wire_put_uint(&w, j->number);
    op->blob.bytes = mt_writer_slice(&w);
    return w.err;
}

enum mt_err mt_node_read_joining(struct mt_node *n, struct mt_slice bytes) {
    struct mt_joining *j = &n->joining;
    struct mt_reader r;
    if (mt_wire_open(&r, bytes, MT_WIRE_CANONICAL, BLOB_MAX) != MT_OK)
        return MT_ECORRUPT;
    (void)mt_wire_array(&r, 10, 10);
    uint64_t version = mt_wire_uint(&r, UINT64_MAX);
    struct mt_slice address = mt_wire_str(&r, MT_ADDRESS_MAX);
    mt_wire_fixed(&r, j->region16, 16);
    mt_wire_fixed(&r, j->inviter16, 16);
    mt_wire_fixed(&r, j->governance16, 16);
    mt_wire_fixed(&r, j->secret, 16);
    mt_wire_fixed(&r, j->region.b, sizeof j->region.b);
    mt_wire_fixed(&r, j->inviter.b, sizeof j->inviter.b);
    j->state = (enum mt_join_state)mt_wire_uint(&r, MT_JOIN_REFUSED);
    j->number = mt_wire_uint(&r, UINT64_MAX);
    if (mt_reader_end(&r) != MT_OK || version != BLOB_VERSION)
        return version != BLOB_VERSION ? MT_EVERSION : MT_ECORRUPT;
    memcpy(j->address, address.p, address.n);
    j->address[address.n] = 0;
    mt_hash_of(j->psk, "invite", NULL, j->secret, sizeof j->secret);
    j->active = j->state != MT_JOIN_DONE;
    n->replica.region = j->region;
    n->join_dial_at = j->active && j->state != MT_JOIN_REFUSED ? 0 : UINT64_MAX;
    return MT_OK;
}
