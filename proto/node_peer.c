/* node_peer: what we know of the other organisations: where they are, and which session is theirs. */
#include "node_internal.h"

/* A session that is not the peer's yet becomes it: a new member may have reached us before its
 * admission did, and one that changed its installation may have two, of which one ended (`except`). */
void mt_node_adopt(const struct mt_node *n, struct mt_peer *p, const struct mt_conn *except) {
    for (size_t i = 0; i < n->n_conns; i++) {
        const struct mt_conn *c = n->conns[i];
        if (c == except || !c->is_open || c->closing || c->applying || c->invite >= 0 ||
            !mt_id_eq(&c->sync.org, &p->org))
            continue;
        p->conn = c->id;
        p->feed = c->sync.feed;
        p->source = c->initiator ? p->source : c->source;
        p->last_seen_ms = n->now.wall_ms;
        p->met = true;
    }
}

struct mt_peer *mt_node_peer(struct mt_node *n, const struct mt_id *org, bool create) {
    size_t at = 0;
    while (at < n->n_peers && mt_id_cmp(&n->peers[at].org, org) < 0)
        at++;
    if (at < n->n_peers && mt_id_eq(&n->peers[at].org, org))
        return &n->peers[at];
    if (!create || !mt_node_grow((void **)&n->peers, &n->cap_peers, n->n_peers, sizeof *n->peers))
        return NULL;
    memmove(n->peers + at + 1, n->peers + at, (n->n_peers - at) * sizeof *n->peers);
    n->peers[at] = (struct mt_peer){.org = *org, .dial_at = UINT64_MAX};
    n->n_peers++;
    mt_node_adopt(n, &n->peers[at], NULL);
    return &n->peers[at];
}

/* Between half and one and a half times `ms`. */
uint64_t mt_node_jitter(struct mt_node *n, uint64_t ms) {
    n->jitter = n->jitter * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return ms / 2 + (n->jitter >> 33) % (ms + 1);
}

enum mt_err mt_node_address(struct mt_node *n, const struct mt_id *org, struct mt_slice address) {
    if (address.n > MT_ADDRESS_MAX)
        return MT_ETOOLONG;
    struct mt_peer *p = mt_node_peer(n, org, true);
    if (!p)
        return MT_ENOMEM;
    if (mt_id_eq(org, &n->replica.own_org) || mt_slice_is(address, p->address))
        return MT_OK;
    memcpy(p->address, address.p, address.n);
    p->address[address.n] = 0;
    const char *port = strrchr(p->address, ':');
    p->home = port ? mt_node_host(mt_slice(address.p, (size_t)(port - p->address))) : 0;
    p->cut_off = 0;
    p->dial_at = address.n ? 0 : UINT64_MAX;
    p->backoff_ms = 0;
    return MT_OK;
}
