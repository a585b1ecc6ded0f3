#include "health.h"

#include "json.h"
#include "lang.h"
#include "text.h"

#include <stdlib.h>

/* In `text` %s stands for the name that belongs to it and %d for the number; each at most once. */
struct health {
    const char *code, *text;
    const char *hint; /* NULL: the daemon's */
    const char *why;
    bool is_state;
};

static const struct health HEALTH[] = {
    {"no-organisation", N_("no organisation yet"), NULL,
     N_("The daemon runs, but has no keys: it does not know whom it serves."), true},
    {"no-region", N_("this organisation is in no region yet"), NULL,
     N_("There is nobody to share with. Found a region, or ask a member of one for a code."), true},
    {"join-calling", N_("the inviter has not been reached yet"), NULL,
     N_("The daemon keeps trying. If it takes long, ask the inviter whether their daemon runs and "
        "their port is open, or for a new code."),
     true},
    {"join-filed", N_("waiting until the inviter approves: read out the number"), NULL,
     N_("Call the inviter and read out both groups of digits; their approval ends the wait."),
     true},
    {"join-refused", N_("the invitation was used, revoked or has expired"),
     N_("ask for a new code, and meent join CODE"), N_("A code works once and for seven days."),
     false},
    {"peer-unreachable", N_("%s is unreachable"), NULL,
     N_("Their machine or daemon is off, or a firewall is in between. What is entered here reaches "
        "them later, or by way of others."),
     false},
    {"peer-away", N_("%s has not been reached for %d hours"), NULL,
     N_("Longer than a night: most likely their machine was switched off, moved or replaced. Call "
        "them."),
     false},
    {"peer-key", N_("%s answers, but does not accept the key of the region"), NULL,
     N_("Another program or another region may answer at their address, they may have no room just "
        "now, or they may still lack the newest key, which they get when any member reaches them."),
     false},
    {"peer-certificate", N_("who answers at the address of %s is somebody else"), NULL,
     N_("Their certificate does not fit: their address is used by another organisation now, or a "
        "clock is wrong."),
     false},
    {"peer-member", N_("%s does not count us as a member, or is none"), NULL,
     N_("One of us lacks what the board decided last; it comes with the next contact with any other "
        "member."),
     false},
    {"peer-version", N_("%s runs a version of meent that does not go with ours"), NULL,
     N_("The older of the two has to be updated."), false},
    {"peer-address", N_("no address of %s is known"), NULL,
     N_("They set no `announce`, or were never connected. They can still connect to us."), false},
    {"offline", N_("no other organisation can be reached"), NULL,
     N_("When all are away at once it is most likely this machine: its network, its firewall, or "
        "its name server."),
     false},
    {"offline-long", N_("no other organisation has been reached for %d hours"), NULL,
     N_("When all are away at once it is most likely this machine: its network, its firewall, or "
        "its name server. What is entered here reaches nobody until then."),
     false},
    {"invite-filed", N_("%s asks to join: have the number read out"), NULL,
     N_("The number shows that nobody sits in between. Hear it by phone, from someone you know."),
     false},
    {"invite-open", N_("open invitations: %d"), NULL,
     N_("Who has such a code can ask to join. Revoke what was not meant to be used."), false},
    {"no-key", N_("waiting for a key of the region: a member must be reached"), NULL,
     N_("Without the key nothing of the region can be read or written here. It comes by itself from "
        "any member."),
     false},
    {"waiting", N_("entries that wait for a key: %d"), NULL,
     N_("They are kept, and shown as soon as a member has passed on the key."), false},
    {"no-address", N_("others cannot be told where to connect: set announce in meentd.conf"),
     N_("sudo editor /etc/meent/meentd.conf"),
     N_("Codes and records carry the address under `announce`. Without it nobody can be invited "
        "and only we can connect to others."),
     false},
    {"board", N_("fewer than three seats on the board: one or two organisations decide for all"),
     NULL, N_("If these are lost, nobody can admit or remove members any more."), false},
    {"one-installation", N_("what only this organisation holds has no second copy"), NULL,
     N_("What is shared stands at every member, but the keys of this organisation and its "
        "placements do not. Copy the folder of the daemon while it is stopped."),
     false},
    {"disk-full", N_("the disk is full: changes are refused until there is space"), NULL,
     N_("Reading goes on, and what was confirmed is safe. Remove or move files; the daemon resumes "
        "by itself."),
     false},
    {"disk-read-only", N_("the file system can only be read: changes are refused"), NULL,
     N_("Systems do this by themselves when a disk makes errors: see journalctl -k -p err. Reading "
        "goes on; the daemon resumes by itself once it can be written."),
     false},
    {"disk-error", N_("writing to the disk failed: changes are refused"), NULL,
     N_("The disk may be failing. What was confirmed is safe so far: copy the folder of the daemon "
        "elsewhere, then have the disk checked."),
     false},
    {"memory", N_("too little memory: changes are refused"), NULL,
     N_("Reading goes on where it can. End other programs, or give the machine more; the daemon "
        "resumes by itself."),
     false},
    {"damaged", N_("stored data is damaged: part of it cannot be read"), NULL,
     N_("Nothing wrong is shown, but something is missing. Keep a copy of the daemon's folder before "
        "anything else, have the disk checked, then put back the last copy; other members hold what "
        "is shared."),
     false},
    {"descriptors", N_("the daemon could open no more files: newcomers have to wait"), NULL,
     N_("Every connection takes one. Raise LimitNOFILE in the systemd unit, or find out who opens "
        "so many connections: ss -tn."),
     false},
    {"connections", N_("too many connections at once: newcomers have to wait"), NULL,
     N_("More strangers call than are let in. Members are let in first; a firewall can keep others "
        "out."),
     false},
    {"strangers",
     N_("connections refused since the start, because they did not know the region: %d"), NULL,
     N_("Somebody tries the door, or a former neighbour still calls. They learn nothing."), false},
    {"read-only", N_("changes are refused until there is space again"), NULL,
     N_("Reading goes on, and what was confirmed is safe. The log of the daemon says which write "
        "failed."),
     false},
    {"new-installation", N_("this replica was copied or restored; a new installation was opened"),
     NULL,
     N_("Two copies that write as one would contradict each other, so this one goes on under a "
        "number of its own."),
     false},
    {"restored",
     N_("this replica was restored: nothing is written before another member was reached"), NULL,
     N_("Others may hold changes of ours that the copy lacks; they are fetched first."), false},
    {"clock", N_("the clock differs from that of others"), NULL,
     N_("Certificates and deadlines go by the clock; beyond a few minutes others refuse ours. Have "
        "it set from the network."),
     false},
    {"fork", N_("two versions of one organisation's history exist; it is stopped"), NULL,
     N_("A copy of a daemon's folder was probably run beside the original. What both made stays; "
        "that organisation opens a new installation."),
     false},
};

static const struct health *named(const json_t *line) {
    const char *code = mt_json_str(line, "code");
    for (size_t i = 0; code && i < MT_ARRAY_LEN(HEALTH); i++)
        if (strcmp(HEALTH[i].code, code) == 0)
            return &HEALTH[i];
    return NULL;
}

/* `text` with `value` where `hole` stands first. Owns: the caller. */
static char *put_in(const char *text, const char *hole, const char *value) {
    const char *at = strstr(text, hole);
    return at ? mt_text_format("%.*s%s%s", (int)(at - text), text, value, at + strlen(hole))
              : mt_text_copy(text);
}

char *mt_health_text(const json_t *line) {
    const struct health *known = named(line);
    const char *name = mt_json_str(line, "name"), *english = mt_json_str(line, "text");
    if (!known)
        return mt_text_safe(english ? english : "?", false);
    char *number = mt_text_format("%lld", (long long)mt_json_int(line, "n", 0));
    char *named_text = put_in(_(known->text), "%s", name ? name : "?");
    char *whole = put_in(named_text, "%d", number);
    char *safe = mt_text_safe(whole, false);
    free(whole);
    free(named_text);
    free(number);
    return safe;
}

char *mt_health_hint(const json_t *line) {
    const struct health *known = named(line);
    const char *hint = mt_json_str(line, "hint");
    return known && known->hint ? mt_text_copy(_(known->hint))
                                : mt_text_safe(hint ? hint : "", false);
}

const char *mt_health_why(const json_t *line) {
    const struct health *known = named(line);
    return known ? _(known->why) : NULL;
}

bool mt_health_is_state(const json_t *line) {
    const struct health *known = named(line);
    return known && known->is_state;
}
