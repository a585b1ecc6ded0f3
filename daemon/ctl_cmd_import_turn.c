/* ctl_cmd_import_turn: several import calls at once without making anything twice.
 *
 * A call sees what is durable. While one is being written, the identities of its records are kept
 * here; a later call that meets one of them, that would enter an organisation while organisations
 * are being entered, or in which anything is wrong, waits and is then tried again from the start.
 * Nothing overtakes a call that waits. So calls have the outcome they would have one by one. */
#include "ctl_cmd_internal.h"

#include <stdlib.h>

struct cmd_import_mark {
    struct cmd_import_mark *next;
    bool orgs;
    struct identities set;
};

/* ---- identities ---- */

static bool is_none(const uint8_t identity[static 16]) {
    static const uint8_t none[16];
    return memcmp(identity, none, sizeof none) == 0;
}

/* The slot that holds the identity, or the free one where it belongs. Identities are hashes. */
static size_t slot_of(const struct identities *set, const uint8_t identity[static 16]) {
    size_t at = mt_load64(identity) % MT_ARRAY_LEN(set->slots);
    while (!is_none(set->slots[at].identity) && memcmp(set->slots[at].identity, identity, 16) != 0)
        at = (at + 1) % MT_ARRAY_LEN(set->slots);
    return at;
}

void identities_add(struct identities *set, const uint8_t identity[static 16], uint32_t number) {
    if (is_none(identity))
        return;
    size_t at = slot_of(set, identity);
    memcpy(set->slots[at].identity, identity, 16);
    set->slots[at].number = number;
}

bool identities_find(const struct identities *set, const uint8_t identity[static 16],
                     uint32_t *number) {
    if (is_none(identity))
        return false;
    size_t at = slot_of(set, identity);
    *number = set->slots[at].number;
    return !is_none(set->slots[at].identity);
}

/* ---- what is being written ---- */

enum mt_err cmd_import_mark(struct cmd *c, const struct identities *set, bool orgs) {
    struct mt_cmd_shared *shared = c->env->shared;
    struct cmd_import_mark *m = malloc(sizeof *m);
    if (!m)
        return MT_ENOMEM;
    *m = (struct cmd_import_mark){.next = shared->writing, .orgs = orgs, .set = *set};
    shared->writing = m;
    c->mark = m;
    return MT_OK;
}

bool cmd_import_in_flight(const struct mt_cmd_shared *shared, const uint8_t identity[static 16]) {
    uint32_t number;
    for (const struct cmd_import_mark *m = shared->writing; m; m = m->next)
        if (identities_find(&m->set, identity, &number))
            return true;
    return false;
}

bool cmd_import_orgs_in_flight(const struct mt_cmd_shared *shared) {
    for (const struct cmd_import_mark *m = shared->writing; m; m = m->next)
        if (m->orgs)
            return true;
    return false;
}

/* ---- turns ---- */

void cmd_import_wait(struct cmd *c) {
    struct cmd **end = &c->env->shared->waiting;
    cmd_close(c);
    c->message[0] = '\0';
    c->next = NULL;
    while (*end)
        end = &(*end)->next;
    *end = c;
}

void cmd_import_done(struct mt_cmd_shared *shared, struct cmd_import_mark *take_mark) {
    struct cmd_import_mark **at = &shared->writing;
    while (*at != take_mark)
        at = &(*at)->next;
    *at = take_mark->next;
    free(take_mark);
    struct cmd *c = shared->waiting;
    shared->waiting = NULL;
    while (c) {
        struct cmd *next = c->next;
        enum mt_err err = cmd_import(c);
        if (err != MT_EAGAIN) /* else it waits again, or belongs to its reply */
            cmd_end(c, err);
        c = next;
    }
}
