/* node_identity: who we are, and what follows for us from the governance set. */
#include "node_internal.h"

#include <stdlib.h>

enum { BLOB_VERSION = 1, BLOB_MAX = 1024, KDF_ROOT = 1, KDF_GRANT = 2 };

bool mt_node_is_member(const struct mt_node *n) {
    return n->secret && mt_gov_member(n->replica.gov, &n->replica.own_org) != NULL;
}

static void derive_secrets(struct mt_secrets *s, const uint8_t link[static 32]) {
    uint8_t sub[32];
    mt_key_derive(s->seed, KDF_ROOT, sub);
    mt_sign_key_make(sub, &s->root);
    mt_key_derive(s->seed, KDF_GRANT, sub);
    mt_dh_key_make(sub, &s->grant);
    mt_sign_key_make(s->feed_seed, &s->feed);
    mt_dh_key_make(link, &s->link);
    mt_wipe(sub, sizeof sub);
}

enum mt_err mt_node_init_org(struct mt_node *n, struct mt_slice name, uint16_t kind) {
    uint8_t link[32];
    if (n->secret)
        return MT_ECONFLICT;
    if (!mt_name_ok(name))
        return MT_EINVALID;
    n->secret = mt_secret_new(sizeof *n->secret);
    if (!n->secret)
        return MT_ENOMEM;
    mt_rng_draw(&n->rng, n->secret->seed, sizeof n->secret->seed);
    mt_rng_draw(&n->rng, n->secret->feed_seed, sizeof n->secret->feed_seed);
    mt_rng_draw(&n->rng, link, sizeof link);
    derive_secrets(n->secret, link);
    mt_wipe(link, sizeof link);
    memcpy(n->name, name.p, name.n);
    n->name[name.n] = 0;
    n->kind = kind;
    n->replica.own_org = n->secret->root.pub;
    n->dirty_identity = true;
    return MT_OK;
}

/* ---- the blob: [version, seed, name, kind, feed seed, link secret, number, replaces, behind] ---- */

enum mt_err mt_node_save_identity(struct mt_node *n, struct mt_work *work) {
    uint8_t *buf = mt_batch_alloc(work->batch, BLOB_MAX);
    struct mt_op *op = buf ? mt_batch_add(work->batch, MT_OP_BLOB) : NULL;
    if (!op)
        return MT_ENOMEM;
    struct mt_writer w = mt_writer(buf, BLOB_MAX);
    mt_wire_put_array(&w, 9);
    mt_wire_put_uint(&w, BLOB_VERSION);
    mt_wire_put_bin(&w, n->secret->seed, 32);
    mt_wire_put_cstr(&w, n->name);
    mt_wire_put_uint(&w, n->kind);
    mt_wire_put_bin(&w, n->secret->feed_seed, 32);
    mt_wire_put_bin(&w, n->secret->link.secret, 32);
    mt_wire_put_uint(&w, n->number);
    mt_wire_put_id(&w, &n->replaces);
    mt_wire_put_bool(&w, n->behind);
    op->blob.name = "identity";
    op->blob.bytes = mt_writer_slice(&w);
    return w.err;
}

enum mt_err mt_node_read_identity(struct mt_node *n, struct mt_slice bytes) {
    struct mt_reader r;
    uint8_t link[32];
    enum mt_err err = mt_wire_open(&r, bytes, MT_WIRE_CANONICAL, BLOB_MAX);
    if (err || n->secret)
        return MT_ECORRUPT;
    n->secret = mt_secret_new(sizeof *n->secret);
    if (!n->secret)
        return MT_ENOMEM;
    (void)mt_wire_array(&r, 9, 9);
    uint64_t version = mt_wire_uint(&r, UINT64_MAX);
    mt_wire_fixed(&r, n->secret->seed, 32);
    struct mt_slice name = mt_wire_str(&r, MT_NAME_MAX);
    n->kind = (uint16_t)mt_wire_uint(&r, UINT16_MAX);
    mt_wire_fixed(&r, n->secret->feed_seed, 32);
    mt_wire_fixed(&r, link, sizeof link);
    n->number = mt_wire_uint(&r, MT_INSTALLATIONS_MAX - 1);
    mt_wire_fixed(&r, n->replaces.b, sizeof n->replaces.b);
    n->behind = mt_wire_bool(&r);
    if (mt_reader_end(&r) != MT_OK)
        return version != BLOB_VERSION && r.err != MT_ETRUNCATED ? MT_EVERSION : MT_ECORRUPT;
    if (version != BLOB_VERSION)
        return MT_EVERSION;
    memcpy(n->name, name.p, name.n);
    n->name[name.n] = 0;
    derive_secrets(n->secret, link);
    mt_wipe(link, sizeof link);
    n->replica.own_org = n->secret->root.pub;
    return MT_OK;
}

/* ---- founding, certificates ---- */

static struct mt_certificate certificate_of(const struct mt_node *n, const struct mt_id *region) {
    struct mt_certificate c = {.region = *region,
                               .org = n->replica.own_org,
                               .feed = n->secret->feed.pub,
                               .number = n->number,
                               .replaces = n->replaces};
    memcpy(c.link, n->secret->link.pub, sizeof c.link);
    return c;
}

enum mt_err mt_node_certificate(const struct mt_node *n, const struct mt_id *region,
                                struct mt_writer *w) {
    struct mt_certificate c = certificate_of(n, region);
    mt_certificate_put(w, &c, &n->secret->root, &n->secret->feed);
    return w->err;
}

static bool says_the_same(const struct mt_certificate *a, const struct mt_certificate *b) {
    return mt_id_eq(&a->region, &b->region) && mt_id_eq(&a->org, &b->org) &&
           mt_id_eq(&a->feed, &b->feed) && memcmp(a->link, b->link, sizeof a->link) == 0 &&
           a->number == b->number && mt_id_eq(&a->replaces, &b->replaces);
}

/* Whoever has a key can have it shown as often as they call, so it is signed once for what it says. */
enum mt_err mt_node_show(struct mt_node *n, struct mt_writer *w) {
    struct mt_shown *s = &n->shown;
    struct mt_certificate now = certificate_of(n, &n->replica.region);
    if (!s->n || !says_the_same(&s->says, &now)) {
        struct mt_writer item = mt_writer(s->item, sizeof s->item);
        s->n = 0;
        mt_certificate_put(&item, &now, &n->secret->root, &n->secret->feed);
        if (item.err)
            return item.err;
        s->says = now;
        s->n = item.n;
    }
    mt_writer_put(w, s->item, s->n);
    return w->err;
}

/* Items in a batch that fails come back here, when there may be no memory: so there is room for all
 * that are held, not only for those that wait. */
bool mt_node_reserve_unsaved(struct mt_node *n) {
    return mt_node_grow((void **)&n->unsaved, &n->cap_unsaved,
                        n->n_unsaved + mt_gov_count(n->replica.gov) + 1, sizeof *n->unsaved);
}

/* Adds an item of our own to the set and to what is to be saved. */
enum mt_err mt_node_add_own_item(struct mt_node *n, struct mt_slice item, struct mt_id *id) {
    if (!mt_node_reserve_unsaved(n))
        return MT_ENOMEM;
    enum mt_err err = mt_gov_add(n->replica.gov, item, id);
    if (err)
        return err == MT_EDUPLICATE ? MT_OK : err;
    n->unsaved[n->n_unsaved++] = *id;
    return MT_OK;
}

static enum mt_err add_act0(struct mt_node *n, struct mt_slice name) {
    uint8_t buf[2048];
    struct mt_writer w = mt_writer(buf, sizeof buf);
    struct mt_found f = {.name = name,
                         .founder = n->replica.own_org,
                         .founder_name = mt_slice_str(n->name),
                         .voter = n->secret->feed.pub,
                         .retention_days = {730, 365, 90, 2557}};
    mt_rng_draw(&n->rng, f.random, sizeof f.random);
    memcpy(f.grant, n->secret->grant.pub, sizeof f.grant);
    mt_found_put(&w, &f, &n->secret->root);
    if (w.err)
        return MT_EBUG;
    struct mt_id id;
    enum mt_err err = mt_node_add_own_item(n, mt_writer_slice(&w), &id);
    if (!err)
        n->replica.region = id;
    return err;
}

/* The first epoch: a statement whose reason is act 0, with one seal, to us. */
static enum mt_err add_first_epoch(struct mt_node *n) {
    const struct mt_id *region = &n->replica.region;
    uint8_t key[32], link[32], ephemeral[32], seal[MT_SEAL_SIZE], seals[256], body[1024];
    uint8_t item[2048];
    static const uint8_t none[1] = {0x90};
    mt_rng_draw(&n->rng, key, sizeof key);
    mt_rng_draw(&n->rng, ephemeral, sizeof ephemeral);
    enum mt_err err = mt_seal_key(region, n->secret->grant.pub, ephemeral, key, seal);
    if (err)
        return err;
    struct mt_writer s = mt_writer(seals, sizeof seals);
    mt_wire_put_array(&s, 1);
    mt_wire_put_array(&s, 2);
    mt_wire_put_id(&s, &n->replica.own_org);
    mt_wire_put_bin(&s, seal, sizeof seal);
    struct mt_statement st = {.governance = *region,
                              .reason = *region,
                              .minter = n->secret->feed.pub,
                              .cover = mt_slice(none, 1),
                              .seals = mt_writer_slice(&s),
                              .relays = mt_slice(none, 1),
                              .links = mt_slice(none, 1)};
    mt_epoch_derive(region, key, link, st.key_hash, st.link_hash);
    mt_wipe(key, sizeof key);
    mt_wipe(link, sizeof link);
    struct mt_writer b = mt_writer(body, sizeof body), w = mt_writer(item, sizeof item);
    mt_statement_put(&b, &st);
    mt_item_put_signed(&w, MT_ITEM_STATEMENT, region, mt_writer_slice(&b), &n->secret->feed);
    struct mt_id id;
    return b.err || w.err ? MT_EBUG : mt_node_add_own_item(n, mt_writer_slice(&w), &id);
}

enum mt_err mt_node_found_region(struct mt_node *n, struct mt_slice name) {
    if (!n->secret)
        return MT_ESTATE;
    /* A founding that stopped for want of memory is finished by the next attempt. */
    bool founded = mt_gov_is_founded(n->replica.gov);
    bool begun = founded && mt_node_is_member(n) && !mt_gov_statements(n->replica.gov);
    bool joins = n->joining.active && n->joining.state != MT_JOIN_REFUSED;
    if ((founded && !begun) || joins)
        return MT_ECONFLICT;
    if (!mt_name_ok(name))
        return MT_EINVALID;
    if (n->joining.active)
        mt_node_drop_joining(n);
    enum mt_err err = begun ? MT_OK : add_act0(n, name);
    if (!err)
        err = mt_node_ensure_certificate(n);
    if (!err)
        err = add_first_epoch(n);
    return err ? err : mt_node_derive(n);
}

static bool is_taken(const struct mt_node *n, uint64_t number) {
    for (size_t i = 0; i < mt_gov_installations(n->replica.gov); i++) {
        const struct mt_installation *x = mt_gov_installation_at(n->replica.gov, i);
        if (x->number == number && mt_id_eq(&x->org, &n->replica.own_org))
            return true;
    }
    return false;
}

/* Another number for this installation, drawn: a backup that is restored twice knows nothing of what
 * its first restoration took, and of two certificates with one number only one counts, which would
 * take the other's chain out of sight. */
static enum mt_err take_number(struct mt_node *n) {
    uint8_t drawn[8];
    mt_rng_draw(&n->rng, drawn, sizeof drawn);
    uint64_t number = mt_load64(drawn) % MT_INSTALLATIONS_MAX;
    for (int i = 0; i < MT_INSTALLATIONS_MAX; i++) {
        number = (number + 1) % MT_INSTALLATIONS_MAX;
        if (number == 0 || number == n->number || is_taken(n, number))
            continue;
        n->number = number;
        return MT_OK;
    }
    return MT_EFULL;
}

/* A number can be taken already by another copy: the lowest certificate counts, so we go on until
 * ours does. */
enum mt_err mt_node_ensure_certificate(struct mt_node *n) {
    uint8_t buf[1024];
    if (!mt_node_is_member(n) || mt_gov_installation(n->replica.gov, &n->secret->feed.pub))
        return MT_OK;
    while (!mt_gov_installation(n->replica.gov, &n->secret->feed.pub)) {
        struct mt_writer w = mt_writer(buf, sizeof buf);
        struct mt_id id;
        enum mt_err err = mt_node_certificate(n, &n->replica.region, &w);
        if (!err)
            err = mt_node_add_own_item(n, mt_writer_slice(&w), &id);
        if (err)
            return err;
        n->dirty_identity = true;
        if (!mt_gov_installation(n->replica.gov, &n->secret->feed.pub))
            err = take_number(n);
        if (err)
            return err;
    }
    return mt_node_derive(n);
}

/* The copy that wrote our chain is not this one (restored backup, copied disk, rolled back machine):
 * a new feed key, so that two copies never write one chain. The old chain is one to fetch. */
enum mt_err mt_node_retire(struct mt_node *n) {
    uint8_t link[32];
    n->retire_due = false;
    enum mt_err err = take_number(n);
    if (err)
        return err;
    mt_node_fail_waiting(n, MT_ESTATE); /* it continues the chain we give up */
    for (size_t i = 0; i < n->n_conns; i++)
        mt_node_close(n, n->conns[i], MT_ESTATE); /* they know us by the old certificate */
    n->replaces = n->secret->feed.pub;
    mt_rng_draw(&n->rng, n->secret->feed_seed, sizeof n->secret->feed_seed);
    mt_rng_draw(&n->rng, link, sizeof link);
    derive_secrets(n->secret, link);
    mt_wipe(link, sizeof link);
    n->retired = true;
    n->behind = mt_gov_members(n->replica.gov) > 1;
    n->level = false;
    n->dirty_identity = true;
    mt_node_log(n, "new_installation", &n->replica.own_org, 0, n->number, MT_OK);
    return mt_node_ensure_certificate(n);
}

/* ---- what follows from the governance set ---- */

const struct mt_epoch *mt_node_epoch(const struct mt_node *n) {
    const struct mt_epoch *best = NULL;
    for (size_t i = 0; i < n->n_epochs; i++)
        if (!best || mt_id_cmp(&n->epochs[i].statement, &best->statement) < 0)
            best = &n->epochs[i];
    return best;
}

static size_t channel_at(const struct mt_node *n, const struct mt_id *org) {
    size_t lo = 0, hi = n->n_channels;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (mt_id_cmp(&n->channels[mid].org, org) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

const struct mt_channel *mt_node_channel(const struct mt_node *n, const struct mt_id *org) {
    size_t at = channel_at(n, org);
    return at < n->n_channels && mt_id_eq(&n->channels[at].org, org) ? &n->channels[at] : NULL;
}

static enum mt_err reserve_channel(struct mt_node *n) {
    if (n->n_channels < n->cap_channels)
        return MT_OK;
    size_t cap = n->cap_channels ? n->cap_channels * 2 : 16;
    struct mt_channel *p = mt_secret_new(cap * sizeof *p);
    if (!p)
        return MT_ENOMEM;
    if (n->n_channels)
        memcpy(p, n->channels, n->n_channels * sizeof *p);
    mt_secret_free(n->channels);
    n->channels = p;
    n->cap_channels = cap;
    return MT_OK;
}

static enum mt_err add_channel(struct mt_node *n, const struct mt_member *m) {
    if (m->role != MT_ROLE_MEMBER || mt_node_channel(n, &m->org))
        return MT_OK;
    enum mt_err err = reserve_channel(n);
    if (err)
        return err;
    struct mt_channel c = {.org = m->org};
    err = mt_channel_key(&n->replica.region, &n->replica.own_org, &n->secret->grant, &m->org,
                         m->grant, c.key);
    if (err == MT_EVALUE)
        return MT_OK; /* a low-order key: there is no channel with that member */
    if (err)
        return err;
    mt_box_key(c.box_key, c.key, &n->replica.region);
    size_t at = channel_at(n, &m->org);
    memmove(n->channels + at + 1, n->channels + at, (n->n_channels - at) * sizeof c);
    n->channels[at] = c;
    n->n_channels++;
    mt_wipe(&c, sizeof c);
    return MT_OK;
}

/* Every chain that installation `x` may write and we may hold. */
static enum mt_err add_chains(struct mt_node *n, const struct mt_installation *x) {
    uint32_t at;
    bool own = mt_id_eq(&x->org, &n->replica.own_org);
    struct mt_chain_info info = {.id = x->feed, .org = x->org, .feed = x->feed};
    enum mt_err err = mt_chains_add(&n->replica.chains, &info, &at);
    for (size_t i = 0; i < n->n_channels && !err; i++) {
        const struct mt_channel *c = &n->channels[i];
        if (!own && !mt_id_eq(&c->org, &x->org))
            continue;
        mt_channel_chain(&n->replica.region, c->key, &x->feed, &info.id);
        info.other = c->org;
        err = mt_chains_add(&n->replica.chains, &info, &at);
    }
    return err;
}

static bool has_epoch(const struct mt_node *n, const struct mt_id *id) {
    for (size_t i = 0; i < n->n_epochs; i++)
        if (mt_id_eq(&n->epochs[i].statement, id))
            return true;
    return false;
}

static void open_epochs(struct mt_node *n) {
    struct mt_gov *g = n->replica.gov;
    for (size_t i = 0; i < mt_gov_statements(g) && n->n_epochs < MT_PSKS_MAX; i++) {
        struct mt_statement s;
        struct mt_id id;
        const uint8_t *seal;
        mt_gov_statement_at(g, i, &id, &s);
        if (has_epoch(n, &id))
            continue;
        for (size_t k = 0; (seal = mt_gov_seal(g, &id, &n->replica.own_org, k)) != NULL; k++) {
            if (mt_epoch_open(&n->replica.region, &id, &s, &n->secret->grant, seal,
                              &n->epochs[n->n_epochs]) != MT_OK)
                continue;
            n->n_epochs++;
            n->retry_waiting = true;
            break;
        }
    }
}

static enum mt_err make_ring(struct mt_node *n) {
    struct mt_keyring *ring = mt_keyring_new((uint32_t)n->n_channels);
    if (!ring)
        return MT_ENOMEM;
    for (size_t i = 0; i < n->n_epochs; i++) {
        ring->epochs[i].epoch = n->epochs[i].statement;
        mt_box_key(ring->epochs[i].box_key, n->epochs[i].key, &n->replica.region);
    }
    ring->n_epochs = (uint32_t)n->n_epochs;
    for (size_t i = 0; i < n->n_channels; i++) {
        ring->channels[i].org = n->channels[i].org;
        memcpy(ring->channels[i].box_key, n->channels[i].box_key, 32);
    }
    ring->n_channels = (uint32_t)n->n_channels;
    mt_keyring_unref(n->ring);
    n->ring = ring;
    return MT_OK;
}

/* A member without a key can open no link but with its invitation, so that stays until one came. Then
 * the inviter's address is all that a new member knows of anyone, until it has the region's records. */
static enum mt_err finish_joining(struct mt_node *n) {
    struct mt_joining *j = &n->joining;
    if (j->active && mt_node_is_member(n) && mt_node_epoch(n)) {
        j->active = false;
        j->state = MT_JOIN_DONE;
        j->err = MT_OK;
        mt_wipe(j->secret, sizeof j->secret);
        mt_wipe(j->psk, sizeof j->psk);
        n->join_dial_at = UINT64_MAX;
        n->dirty_joining = true;
        mt_node_log(n, "joined", &j->inviter, 0, 0, MT_OK);
    }
    const struct mt_peer *p = j->state == MT_JOIN_DONE ? mt_node_peer(n, &j->inviter, false) : NULL;
    return p && !p->address[0] ? mt_node_address(n, &j->inviter, mt_slice_str(j->address)) : MT_OK;
}

enum mt_err mt_node_derive(struct mt_node *n) {
    struct mt_gov *g = n->replica.gov;
    if (!n->secret || !mt_gov_is_founded(g))
        return MT_OK;
    enum mt_err err = MT_OK;
    if (mt_node_is_member(n)) {
        for (size_t i = 0; i < mt_gov_members(g) && !err; i++)
            err = add_channel(n, mt_gov_member_at(g, i));
        open_epochs(n);
    }
    for (size_t i = 0; i < mt_gov_installations(g) && !err; i++)
        err = add_chains(n, mt_gov_installation_at(g, i));
    if (!err && (n->ring->n_epochs != n->n_epochs || n->ring->n_channels != n->n_channels))
        err = make_ring(n);
    for (size_t i = 0; i < mt_gov_members(g) && !err; i++) {
        const struct mt_member *m = mt_gov_member_at(g, i);
        if (!mt_id_eq(&m->org, &n->replica.own_org) && !mt_node_peer(n, &m->org, true))
            err = MT_ENOMEM;
    }
    if (!err) {
        n->generation = mt_gov_generation(g);
        err = finish_joining(n);
    }
    return err;
}
