/* ctl_cmd_health: what is wrong or worth knowing, the cause rather than what follows from it.
 *
 * Each line has a stable code that clients translate, a text in English and a command to try. What
 * explains the rest comes first: without an organisation nothing else is said, and when nobody at
 * all can be reached, that is one line and not one for every peer. */
#include "ctl_cmd_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>

enum {
    SKEW_WARN_MS = 120000,
    BOARD_SHARED = 3,
    PEERS_NAMED_MAX = 20,
    RECENT_MS = 600000, /* what happened to newcomers longer ago is over */
    MS_PER_HOUR = 3600000,
    HOURS_LONG = 24, /* a member is away for longer than a night */
    STRANGERS_MANY = 100,
};

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

/* Whole hours since it was seen; since the start when that was never. */
static uint64_t hours_away(const struct cmd *c, const struct mt_peer_info *peer) {
    uint64_t up = c->env->uptime_ms, seen = peer->last_seen_ms, now = c->env->wall_ms;
    return (seen == 0 ? up : now > seen ? now - seen : 0) / MS_PER_HOUR;
}

/* Just after the start some were not called yet, and others may be starting too. */
static bool is_too_early(const struct cmd *c, const struct mt_peer_info *peer) {
    return c->env->uptime_ms < MT_SETTLE_MS && peer->last_seen_ms == 0;
}

/* Why the other side and we do not get on, though it answers; NULL: it does not answer. */
static const char *quarrel(enum mt_err err) {
    switch (err) {
    case MT_EPSK:
    case MT_EDECRYPT:
        return "peer-key";
    case MT_ECERTIFICATE:
    case MT_ESIGNATURE:
        return "peer-certificate";
    case MT_EMEMBER:
        return "peer-member";
    case MT_EVERSION:
        return "peer-version";
    default:
        return NULL;
    }
}

/* A command that goes into a shell as it is shown. Somebody else chose the name: one that a shell would
 * do more with than read stands there as the first digits of the organisation's id. */
static void ping_hint(char out[static MT_NAME_MAX + 40], const char *name,
                      const struct mt_id *org) {
    char digits[17];
    mt_hex(digits, org->b, 8);
    (void)snprintf(out, MT_NAME_MAX + 40, "meent peer ping \"%s\"",
                   strpbrk(name, "\"$`\\!") ? digits : name);
}

static void say_peer(struct health *h, const struct mt_peer_info *peer) {
    char text[MT_NAME_MAX + 160], hint[MT_NAME_MAX + 40];
    const char *name = name_of(h->c, &peer->org), *code = quarrel(peer->last_err);
    uint64_t hours = hours_away(h->c, peer);
    bool is_long = !code && hours >= HOURS_LONG;
    ping_hint(hint, name, &peer->org);
    if (peer->address[0] == '\0') {
        (void)snprintf(text, sizeof text, "no address of %s is known", name);
        say(h, "info", "peer-address", text, hint, name, peer->lag);
        return;
    }
    if (is_long)
        (void)snprintf(text, sizeof text, "%s was not reached for %llu hours", name,
                       (unsigned long long)hours);
    else
        (void)snprintf(text, sizeof text, "%s cannot be reached: %s", name,
                       mt_err_text(peer->last_err));
    say(h, "warn",
        code      ? code
        : is_long ? "peer-away"
                  : "peer-unreachable",
        text, hint, name, is_long ? hours : peer->lag);
}

/* When all are away at once and none of them answers, the cause is here. */
static bool say_offline(struct health *h, const struct mt_peer_info *peers, size_t n) {
    char text[80];
    const struct mt_peer_info *last = peers; /* that was here */
    for (size_t i = 0; i < n; i++) {
        if (peers[i].connected || quarrel(peers[i].last_err))
            return false;
        last = peers[i].last_seen_ms > last->last_seen_ms ? &peers[i] : last;
    }
    if (n <= 1 || is_too_early(h->c, last))
        return false;
    uint64_t hours = hours_away(h->c, last);
    (void)snprintf(text, sizeof text, "no other organisation was reached for %llu hours",
                   (unsigned long long)hours);
    say(h, "warn", hours ? "offline-long" : "offline",
        hours ? text : "no other organisation can be reached", "meent peer list", NULL,
        hours ? hours : n);
    return true;
}

static void say_peers(struct health *h) {
    size_t n, away = 0, named = 0;
    struct mt_peer_info *peers = cmd_peers(h->c, &n);
    for (size_t i = 0; i < n; i++)
        away += !peers[i].connected;
    if (say_offline(h, peers, n))
        away = 0;
    for (size_t i = 0; i < n && away > 0 && named < PEERS_NAMED_MAX; i++) {
        if (peers[i].connected || (is_too_early(h->c, &peers[i]) && !quarrel(peers[i].last_err)))
            continue;
        if (peers[i].last_err || peers[i].address[0] == '\0') {
            say_peer(h, &peers[i]);
            named++;
        }
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

/* ---- the machine ---- */

static bool is_mounted_read_only(const struct cmd *c) {
    struct statvfs disk;
    return c->env->state_dir && statvfs(c->env->state_dir, &disk) == 0 && disk.f_flag & ST_RDONLY;
}

/* Why nothing can be written. */
static void say_store(struct health *h) {
    enum mt_err err = h->c->env->degraded;
    bool damaged = err == MT_ECORRUPT || (h->c->env->shared && h->c->env->shared->damaged);
    if (damaged)
        say(h, "error", "damaged", "stored data is damaged: part of it cannot be read",
            "meent verify", NULL, 0);
    if (err == MT_OK || err == MT_ECORRUPT)
        return;
    if (err == MT_ENOSPACE)
        say(h, "error", "disk-full", mt_err_text(err), "df -h", NULL, 0);
    else if (err == MT_ENOMEM)
        say(h, "error", "memory", "too little memory: changes are refused", "free -m", NULL, 0);
    else if (is_mounted_read_only(h->c))
        say(h, "error", "disk-read-only", "the file system can only be read: changes are refused",
            "findmnt -o TARGET,OPTIONS", NULL, 0);
    else if (err == MT_EIO)
        say(h, "error", "disk-error", "writing to the disk failed: changes are refused",
            "journalctl -k -p err", NULL, 0);
    else
        say(h, "error", "read-only", mt_err_text(err), "journalctl -u meentd", NULL, 0);
}

static bool is_recent(uint64_t ago_ms) {
    return ago_ms != 0 && ago_ms < RECENT_MS;
}

/* Who knocks. */
static void say_newcomers(struct health *h) {
    const struct mt_node_info *info = &h->c->info;
    uint64_t refused = info->refused_psk + info->refused_timeout;
    if (is_recent(h->c->env->starved_ago_ms))
        say(h, "warn", "descriptors", "file descriptors ran out: newcomers have to wait",
            "sudo systemctl edit meentd", NULL, 0);
    if (is_recent(h->c->env->full_ago_ms))
        say(h, "warn", "connections", "too many connections at once: newcomers have to wait",
            "ss -tn state established", NULL, 0);
    if (refused >= STRANGERS_MANY)
        say(h, "info", "strangers", "connections without a key of the region were refused",
            "meent status --json", NULL, refused);
}

void cmd_put_health(struct cmd *c, struct mt_writer *w) {
    struct health h = {.c = c};
    mt_put_array(&h.list, w);
    say_store(&h);
    say_newcomers(&h);
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
