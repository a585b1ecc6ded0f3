/* gov_item: governance items as bytes. */
#include "gov.h"
#include "schema_check.h"

enum { BODY_MAX = MT_ITEM_MAX - 128 };

static void item_id(struct mt_id *out, enum mt_item_type type, const struct mt_id *region,
                    struct mt_slice body) {
    struct mt_hash h;
    uint8_t t = (uint8_t)type;
    mt_hash_init(&h, "item", type == MT_ITEM_FOUND ? NULL : region);
    mt_hash_add(&h, &t, 1);
    mt_hash_add(&h, body.p, body.n);
    mt_hash_end(&h, out->b);
}

static void put_item(struct mt_writer *w, enum mt_item_type type, struct mt_slice body,
                     const uint8_t *sig) {
    mt_wire_put_array(w, 3);
    mt_wire_put_uint(w, type);
    mt_wire_put_bin(w, body.p, body.n);
    mt_wire_put_bin(w, sig, sig ? MT_SIGNATURE_SIZE : 0);
}

void mt_item_put_signed(struct mt_writer *w, enum mt_item_type type, const struct mt_id *region,
                        struct mt_slice body, const struct mt_sign_key *key) {
    struct mt_id id;
    uint8_t sig[MT_SIGNATURE_SIZE];
    item_id(&id, type, region, body);
    mt_sign(key, "item-signature", type == MT_ITEM_FOUND ? NULL : region, id.b, sizeof id.b, sig);
    put_item(w, type, body, sig);
}

enum mt_err mt_item_verify(const struct mt_item *item, const struct mt_id *region,
                           const struct mt_id *signer) {
    if (item->signature.n != MT_SIGNATURE_SIZE)
        return MT_ESIGNATURE;
    return mt_verify(signer, "item-signature", item->type == MT_ITEM_FOUND ? NULL : region,
                     item->id.b, sizeof item->id.b, item->signature.p);
}

enum mt_err mt_item_get(struct mt_slice bytes, const struct mt_id *region, struct mt_item *out) {
    struct mt_reader r;
    enum mt_err err = mt_wire_open(&r, bytes, MT_WIRE_CANONICAL, MT_ITEM_MAX);
    if (err)
        return err;
    (void)mt_wire_array(&r, 3, 3);
    uint64_t type = mt_wire_uint(&r, UINT64_MAX);
    out->body = mt_wire_bin(&r, BODY_MAX);
    out->signature = mt_wire_bin(&r, MT_SIGNATURE_SIZE);
    err = mt_reader_end(&r);
    if (err)
        return err;
    if (type < MT_ITEM_FOUND || type > MT_ITEM_JOIN)
        return MT_EVERSION;
    out->type = (enum mt_item_type)type;
    size_t want = out->type == MT_ITEM_ADMIT ? 0 : MT_SIGNATURE_SIZE;
    if (out->signature.n != want)
        return MT_ESIGNATURE;
    item_id(&out->id, out->type, region, out->body);
    return MT_OK;
}

/* Names are shown on terminals: the rule is that of every one-line text. */
bool mt_name_ok(struct mt_slice name) {
    static const struct mt_field line = {.type = MT_FIELD_STR, .max = MT_NAME_MAX};
    return name.n > 0 && mt_text_check(&line, name) == MT_TEXT_OK;
}

static struct mt_slice get_name(struct mt_reader *r) {
    struct mt_slice s = mt_wire_str(r, MT_NAME_MAX);
    if (r->err == MT_OK && !mt_name_ok(s))
        r->err = MT_EVALUE;
    return s;
}

static void put_slice(struct mt_writer *w, struct mt_slice s) {
    mt_wire_put_str(w, s);
}

/* Starts a body in `buf`. */
static struct mt_writer body(uint8_t *buf, size_t cap, size_t elements) {
    struct mt_writer w = mt_writer(buf, cap);
    mt_wire_put_array(&w, elements);
    return w;
}

/* Carries a body that did not fit over to the item's own writer. */
static bool fits(struct mt_writer *w, const struct mt_writer *b) {
    if (b->err != MT_OK && w->err == MT_OK)
        w->err = b->err;
    return b->err == MT_OK;
}

void mt_found_put(struct mt_writer *w, const struct mt_found *f, const struct mt_sign_key *root) {
    uint8_t buf[1024];
    struct mt_writer b = body(buf, sizeof buf, 10);
    mt_wire_put_bin(&b, f->random, sizeof f->random);
    put_slice(&b, f->name);
    mt_wire_put_id(&b, &f->founder);
    put_slice(&b, f->founder_name);
    mt_wire_put_bin(&b, f->grant, sizeof f->grant);
    mt_wire_put_id(&b, &f->voter);
    mt_wire_put_uint(&b, f->admit_k);
    mt_wire_put_array(&b, MT_ARRAY_LEN(f->retention_days));
    for (size_t i = 0; i < MT_ARRAY_LEN(f->retention_days); i++)
        mt_wire_put_uint(&b, f->retention_days[i]);
    mt_wire_put_id(&b, &f->recovery);
    mt_wire_put_array(&b, 0);
    if (fits(w, &b))
        mt_item_put_signed(w, MT_ITEM_FOUND, NULL, mt_writer_slice(&b), root);
}

enum mt_err mt_found_check(const struct mt_item *item, struct mt_found *out) {
    struct mt_reader r;
    if (item->type != MT_ITEM_FOUND)
        return MT_ETYPE;
    enum mt_err err = mt_wire_open(&r, item->body, MT_WIRE_CANONICAL, MT_ITEM_MAX);
    if (err)
        return err;
    (void)mt_wire_array(&r, 10, 10);
    mt_wire_fixed(&r, out->random, sizeof out->random);
    out->name = get_name(&r);
    mt_wire_fixed(&r, out->founder.b, sizeof out->founder.b);
    out->founder_name = get_name(&r);
    mt_wire_fixed(&r, out->grant, sizeof out->grant);
    mt_wire_fixed(&r, out->voter.b, sizeof out->voter.b);
    out->admit_k = mt_wire_uint(&r, MT_ORGS_MAX);
    uint32_t n = (uint32_t)MT_ARRAY_LEN(out->retention_days);
    (void)mt_wire_array(&r, n, n);
    for (uint32_t i = 0; i < n; i++)
        out->retention_days[i] = mt_wire_uint(&r, 100 * 366);
    mt_wire_fixed(&r, out->recovery.b, sizeof out->recovery.b);
    (void)mt_wire_array(&r, 0, 0);
    err = mt_reader_end(&r);
    return err ? err : mt_item_verify(item, NULL, &out->founder);
}

void mt_join_put(struct mt_writer *w, const struct mt_join *j, const struct mt_sign_key *root) {
    uint8_t buf[512];
    struct mt_writer b = body(buf, sizeof buf, 4);
    mt_wire_put_id(&b, &j->region);
    mt_wire_put_id(&b, &j->org);
    mt_wire_put_bin(&b, j->grant, sizeof j->grant);
    put_slice(&b, j->name);
    if (fits(w, &b))
        mt_item_put_signed(w, MT_ITEM_JOIN, &j->region, mt_writer_slice(&b), root);
}

enum mt_err mt_join_check(const struct mt_item *item, struct mt_join *out) {
    struct mt_reader r;
    if (item->type != MT_ITEM_JOIN)
        return MT_ETYPE;
    enum mt_err err = mt_wire_open(&r, item->body, MT_WIRE_CANONICAL, MT_ITEM_MAX);
    if (err)
        return err;
    (void)mt_wire_array(&r, 4, 4);
    mt_wire_fixed(&r, out->region.b, sizeof out->region.b);
    mt_wire_fixed(&r, out->org.b, sizeof out->org.b);
    mt_wire_fixed(&r, out->grant, sizeof out->grant);
    out->name = get_name(&r);
    err = mt_reader_end(&r);
    return err ? err : mt_item_verify(item, &out->region, &out->org);
}

void mt_admit_put(struct mt_writer *w, const struct mt_admit *a) {
    uint8_t buf[1024];
    struct mt_writer b = body(buf, sizeof buf, 3);
    mt_wire_put_bin(&b, a->join.p, a->join.n);
    mt_wire_put_uint(&b, a->role);
    mt_wire_put_array(&b, 0);
    if (fits(w, &b))
        put_item(w, MT_ITEM_ADMIT, mt_writer_slice(&b), NULL);
}

enum mt_err mt_admit_get(const struct mt_item *item, struct mt_admit *out) {
    struct mt_reader r;
    if (item->type != MT_ITEM_ADMIT)
        return MT_ETYPE;
    enum mt_err err = mt_wire_open(&r, item->body, MT_WIRE_CANONICAL, MT_ITEM_MAX);
    if (err)
        return err;
    (void)mt_wire_array(&r, 3, 3);
    out->join = mt_wire_bin(&r, MT_ITEM_MAX);
    uint64_t role = mt_wire_uint(&r, MT_ROLE_RELAY);
    (void)mt_wire_array(&r, 0, 0);
    err = mt_reader_end(&r);
    if (err)
        return err;
    out->role = (enum mt_role)role;
    return role < MT_ROLE_MEMBER ? MT_EVALUE : MT_OK;
}

void mt_vote_put(struct mt_writer *w, const struct mt_id *region, const struct mt_vote *v,
                 const struct mt_sign_key *root) {
    uint8_t buf[128];
    struct mt_writer b = body(buf, sizeof buf, 4);
    mt_wire_put_id(&b, &v->act);
    mt_wire_put_id(&b, &v->org);
    mt_wire_put_uint(&b, v->n);
    mt_wire_put_bool(&b, v->approve);
    if (fits(w, &b))
        mt_item_put_signed(w, MT_ITEM_VOTE, region, mt_writer_slice(&b), root);
}

enum mt_err mt_vote_check(const struct mt_item *item, const struct mt_id *region,
                          struct mt_vote *out) {
    struct mt_reader r;
    if (item->type != MT_ITEM_VOTE)
        return MT_ETYPE;
    enum mt_err err = mt_wire_open(&r, item->body, MT_WIRE_CANONICAL, MT_ITEM_MAX);
    if (err)
        return err;
    (void)mt_wire_array(&r, 4, 4);
    mt_wire_fixed(&r, out->act.b, sizeof out->act.b);
    mt_wire_fixed(&r, out->org.b, sizeof out->org.b);
    out->n = mt_wire_uint(&r, MT_LAMPORT_MAX);
    out->approve = mt_wire_bool(&r);
    err = mt_reader_end(&r);
    return err ? err : mt_item_verify(item, region, &out->org);
}

/* What the feed key signs to show that it belongs to this installation: 72 bytes. */
static void possession(uint8_t out[static 72], const struct mt_certificate *c) {
    memcpy(out, c->org.b, 32);
    memcpy(out + 32, c->link, 32);
    mt_be64(out + 64, c->number);
}

void mt_certificate_put(struct mt_writer *w, const struct mt_certificate *c,
                        const struct mt_sign_key *root, const struct mt_sign_key *feed) {
    uint8_t buf[512], claim[72], proof[MT_SIGNATURE_SIZE];
    possession(claim, c);
    mt_sign(feed, "installation", &c->region, claim, sizeof claim, proof);
    struct mt_writer b = body(buf, sizeof buf, 7);
    mt_wire_put_id(&b, &c->region);
    mt_wire_put_id(&b, &c->org);
    mt_wire_put_id(&b, &c->feed);
    mt_wire_put_bin(&b, c->link, sizeof c->link);
    mt_wire_put_uint(&b, c->number);
    mt_wire_put_id(&b, &c->replaces);
    mt_wire_put_bin(&b, proof, sizeof proof);
    if (fits(w, &b))
        mt_item_put_signed(w, MT_ITEM_CERTIFICATE, &c->region, mt_writer_slice(&b), root);
}

static enum mt_err certificate_body(const struct mt_item *item, struct mt_certificate *out,
                                    uint8_t proof[static MT_SIGNATURE_SIZE]) {
    struct mt_reader r;
    if (item->type != MT_ITEM_CERTIFICATE)
        return MT_ETYPE;
    enum mt_err err = mt_wire_open(&r, item->body, MT_WIRE_CANONICAL, MT_ITEM_MAX);
    if (err)
        return err;
    (void)mt_wire_array(&r, 7, 7);
    mt_wire_fixed(&r, out->region.b, sizeof out->region.b);
    mt_wire_fixed(&r, out->org.b, sizeof out->org.b);
    mt_wire_fixed(&r, out->feed.b, sizeof out->feed.b);
    mt_wire_fixed(&r, out->link, sizeof out->link);
    out->number = mt_wire_uint(&r, MT_INSTALLATIONS_MAX - 1);
    mt_wire_fixed(&r, out->replaces.b, sizeof out->replaces.b);
    mt_wire_fixed(&r, proof, MT_SIGNATURE_SIZE);
    return mt_reader_end(&r);
}

enum mt_err mt_certificate_get(const struct mt_item *item, struct mt_certificate *out) {
    uint8_t proof[MT_SIGNATURE_SIZE];
    return certificate_body(item, out, proof);
}

enum mt_err mt_certificate_check(const struct mt_item *item, const struct mt_id *region,
                                 struct mt_certificate *out) {
    uint8_t claim[72], proof[MT_SIGNATURE_SIZE];
    enum mt_err err = certificate_body(item, out, proof);
    if (err)
        return err;
    if (!mt_id_eq(&out->region, region))
        return MT_ECERTIFICATE;
    err = mt_item_verify(item, region, &out->org);
    if (err)
        return err;
    possession(claim, out);
    return mt_verify(&out->feed, "installation", region, claim, sizeof claim, proof);
}
