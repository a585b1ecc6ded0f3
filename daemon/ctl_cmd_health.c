/* ctl_cmd_health: what is wrong or worth knowing, the cause rather than what follows from it.
 *
 * Each line has a stable code that clients translate, a text in English and a command to try. What
 * explains the rest comes first: without an organisation nothing else is said, and when nobody at
 * all can be reached, that is one line and not one for every peer. */
#include "ctl_cmd_internal.h"

#include <stdio.h>
#include <stdlib.h>

enum { SKEW_WARN_MS = 120000, BOARD_SHARED = 3, PEERS_NAMED_MAX = 20 };

struct health {
    struct cmd *c;
    struct mt_put list;
};

/* Adds a line; `name` and `n` are what a translation needs beside the code. */
static void say(struct health *h, const char *level, const char *code, const char *text,
                const char *hint, const char *name, uint64_t n) {
    struct mt_put p;
    mt_put_map(&p, h->list.w);
    mt_put_str(&p, "level", level);
    mt_put_str(&p, "code", code);
    mt_put_str(&p, "text", text);
    mt_put_str(&p, "hint", hint);
    mt_put_str(&p, "name", name);
    mt_put_uint(&p, "n", n);
    mt_put_map_end(&p);
    h->list.n++;
}

static void say_joining(struct health *h) {
    const struct mt_node_info *info = &h->c->info;
    switch (info->join) {
    case MT_JOIN_CALLING:
        say(h, "warn", "join-calling", "the inviter has not been reached yet", "meent join", NULL,
            0);
        break;
    case MT_JOIN_FILED:
        say(h, "info", "join-filed", "waiting until the inviter approves: read out the number",
            "meent join", NULL, 0);
        break;
    case MT_JOIN_REFUSED:
        say(h, "error", "join-refused", "the invitation was used, revoked or has expired",
            "meent join CODE", NULL, 0);
        break;
    case MT_JOIN_NONE:
    case MT_JOIN_DONE:
        break;
    }
}

static const char *name_of(const struct cmd *c, const struct mt_id *org) {
    const struct mt_gov *gov = mt_node_gov(c->node);
    const struct mt_member *m = gov ? mt_gov_member(gov, org) : NULL;
    return m ? m->name : "?";
}

static void say_peer(struct health *h, const struct mt_peer_info *peer) {
    char text[MT_NAME_MAX + 160], hint[MT_NAME_MAX + 40];
    const char *name = name_of(h->c, &peer->org);
    (void)snprintf(hint, sizeof hint, "meent peer ping \"%s\"", name);
    if (peer->address[0] == '\0') {
        (void)snprintf(text, sizeof text, "no address of %s is known", name);
        say(h, "info", "peer-address", text, hint, name, peer->lag);
        return;
    }
    (void)snprintf(text, sizeof text, "%s cannot be reached: %s", name,
                   mt_err_text(peer->last_err));
    say(h, "warn", "peer-unreachable", text, hint, name, peer->lag);
}

static void say_peers(struct health *h) {
    size_t n, away = 0, named = 0;
    struct mt_peer_info *peers = cmd_peers(h->c, &n);
    for (size_t i = 0; i < n; i++)
        away += !peers[i].connected;
    if (n > 1 && away == n) {
        say(h, "warn", "offline", "no other organisation can be reached", "meent peer list", NULL,
            n);
        away = 0;
    }
    for (size_t i = 0; i < n && away > 0 && named < PEERS_NAMED_MAX; i++)
        if (!peers[i].connected && (peers[i].last_err || peers[i].address[0] == '\0')) {
            say_peer(h, &peers[i]);
            named++;
        }
    free(peers);
}

static void say_invites(struct health *h) {
    size_t n = mt_node_invites(h->c->node, NULL, 0), open = 0;
    struct mt_invite_info *infos = calloc(n + 1, sizeof *infos);
    size_t there = infos ? mt_node_invites(h->c->node, infos, n) : 0;
    for (size_t i = 0; i < there && i < n; i++) {
        char text[2 * MT_NAME_MAX + 80], hint[MT_NAME_MAX + 60];
        open += infos[i].state == MT_INVITE_OPEN;
        if (infos[i].state != MT_INVITE_FILED)
            continue;
        (void)snprintf(text, sizeof text, "%s asks to join: have its number read out",
                       infos[i].applicant);
        (void)snprintf(hint, sizeof hint, "meent member approve \"%s\" --number \"...... ......\"",
                       infos[i].name);
        say(h, "info", "invite-filed", text, hint, infos[i].applicant, 1);
    }
    if (open)
        say(h, "info", "invite-open", "invitations are open", "meent invite list", NULL, open);
    free(infos);
}

static size_t own_installations(const struct cmd *c) {
    const struct mt_gov *gov = mt_node_gov(c->node);
    size_t own = 0;
    for (size_t i = 0; gov && i < mt_gov_installations(gov); i++)
        own += mt_id_eq(&mt_gov_installation_at(gov, i)->org, &c->info.org);
    return own;
}

static void say_member(struct health *h) {
    const struct mt_node_info *info = &h->c->info;
    const struct mt_gov *gov = mt_node_gov(h->c->node);
    uint64_t waiting = 0, seats = 0;
    if (info->forks)
        say(h, "error", "fork", "chains have two different entries in one place and are stopped",
            "meent verify", NULL, info->forks);
    if (h->c->q_open)
        (void)!mt_read_waiting(&h->c->q.read, &waiting);
    if (!info->has_key)
        say(h, "warn", "no-key", "waiting for a key of the region: a member must be reached",
            "meent peer list", NULL, waiting);
    else if (waiting)
        say(h, "warn", "waiting", "entries wait for a key that is not here yet", "meent peer list",
            NULL, waiting);
    if (info->behind)
        say(h, "warn", "restored",
            "this replica was restored: nothing is written before another member was reached",
            "meent peer list", NULL, 0);
    say_peers(h);
    if (h->c->env->announce && h->c->env->announce[0] == '\0')
        say(h, "warn", "no-address",
            "others cannot be told where to connect: set `announce` in the configuration", NULL,
            NULL, 0);
    say_invites(h);
    for (size_t i = 0; gov && i < mt_gov_members(gov); i++)
        seats += mt_gov_member_at(gov, i)->is_seat;
    if (seats < BOARD_SHARED)
        say(h, "info", "board",
            "fewer than three seats on the board: one or two organisations decide for all", NULL,
            NULL, seats);
    if (own_installations(h->c) == 1)
        say(h, "info", "one-installation", "what only this organisation holds has no second copy",
            NULL, NULL, 1);
}

void cmd_put_health(struct cmd *c, struct mt_writer *w) {
    struct health h = {.c = c};
    mt_put_array(&h.list, w);
    if (c->env->degraded)
        say(&h, "error", c->env->degraded == MT_ENOSPACE ? "disk-full" : "read-only",
            mt_err_text(c->env->degraded), "df -h", NULL, 0);
    switch (c->info.state) {
    case MT_NODE_EMPTY:
        say(&h, "info", "no-organisation", "no organisation yet", "meent init NAME --kind KIND",
            NULL, 0);
        break;
    case MT_NODE_ALONE:
        say(&h, "info", "no-region", "in no region yet",
            "meent region create NAME, or meent join CODE", NULL, 0);
        break;
    case MT_NODE_JOINING:
        say_joining(&h);
        break;
    case MT_NODE_MEMBER:
        say_member(&h);
        break;
    }
    if (c->info.retired)
        say(&h, "info", "new-installation",
            "this replica was copied or restored, so a new installation was opened", NULL, NULL, 0);
    if (c->info.skew_ms_max > SKEW_WARN_MS)
        say(&h, "warn", "clock", "the clock differs from that of others", "timedatectl", NULL,
            c->info.skew_ms_max / 1000);
    mt_put_array_end(&h.list);
}
