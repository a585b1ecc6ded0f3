/* limits: every cap of the protocol and of the daemon (layer 0). Tested at cap and cap + 1. */
#ifdef _GCC_NEXT_LIMITS_H /* gcc's <limits.h>, on its way to the C library's, meets this one first */
#pragma GCC system_header
#include_next <limits.h>
#endif

#ifndef MEENT_LIMITS_H
#define MEENT_LIMITS_H

enum {
    MT_HEADER_MAX = 512,                     /* bytes of one entry header */
    MT_BOX_MAX = 256 * 1024,                 /* bytes of one sealed box */
    MT_BOX_MIN_PADDED = 128,                 /* bytes of the smallest padded plaintext */
    MT_BOX_OVERHEAD = 32,                    /* salt and tag */
    MT_CHANGES_MAX = 256,                    /* changes in one entry */
    MT_FIELDS_MAX = 64,                      /* fields of one record, numbers 0..63 */
    MT_STRING_MAX = 16 * 1024,               /* bytes of one string or byte string in a change */
    MT_LIST_MAX = 256,                       /* elements of one list in a change */
    MT_WIRE_DEPTH_MAX = 8,                   /* nesting of arrays and maps */
    MT_ITEM_MAX = 512 * 1024,                /* bytes of one governance item */
    MT_MESSAGE_MAX = 1024 * 1024 + 4 * 1024, /* bytes of one sync or control message */
    MT_RUN_ENTRIES_MAX = 1024,               /* entries of a run on the wire */
    MT_RUN_BYTES_MAX = 1024 * 1024,          /* bytes of a run on the wire */
    MT_SIGN_ENTRIES_MAX = 64,                /* entries a writer leaves unsigned at most */
    MT_SIGN_BYTES_MAX = 512 * 1024,          /* box bytes a writer leaves unsigned at most */
    MT_NOISE_MESSAGE_MAX = 65535,            /* bytes of one Noise message */
    MT_NOISE_TAG = 16,                       /* bytes an AEAD adds */
    MT_NAME_MAX = 120,           /* bytes of the name of an organisation, region or invitation */
    MT_ADDRESS_MAX = 255,        /* bytes of "host:port" */
    MT_LINKS_MAX = 64,           /* established links */
    MT_SILENT_MAX = 64,          /* accepted connections that have not shown a key */
    MT_ANSWERED_MAX = 64,        /* accepted connections that have shown a key but no certificate */
    MT_RESERVED = 4,             /* of each, for a source that a member came from before */
    MT_DIALS_MAX = 16,           /* own attempts to connect at a time */
    MT_GUESTS_MAX = 8,           /* open links with who is no member and has no invitation */
    MT_INVITES_MAX = 32,         /* open invitations */
    MT_LINK_KEYS_MAX = 16,       /* epoch link keys accepted */
    MT_PSKS_MAX = 64,            /* keys the first message is tried against */
    MT_LINES_STRANGERS_MAX = 60, /* log lines about strangers' links in one MT_LINES_MS */
    MT_LINES_MEMBERS_MAX = 600,  /* log lines about members' links in one MT_LINES_MS */
    MT_PINGS_MAX = 100,          /* pings of a peer in a second */
    MT_ORGS_MAX = 4096,          /* organisations ever admitted to a region */
    MT_INSTALLATIONS_MAX = 1024, /* installations of an organisation over its life */
    MT_FREE_VOTES_MAX = 64,      /* votes on acts not in force kept per seat */
    MT_CTL_CLIENTS_MAX = 64,     /* control socket clients */
    MT_WINDOW_PEER = 4608 * 1024,       /* unverified run bytes per peer */
    MT_BATCH_RUNS = MT_WINDOW_PEER / 3, /* run bytes in a batch when more wait: a third of a window
                                           is on its way while another is prepared and the
                                           last one committed */
    MT_WINDOW_ALL = 16 * 1024 * 1024,   /* unverified run bytes of all peers */
    MT_RUNS_HELD_MAX = 2 * MT_WINDOW_ALL, /* the same with those of links that closed meanwhile */
};

#define MT_LAMPORT_MAX       (UINT64_C(1) << 62)
#define MT_NOISE_REKEY_AFTER (UINT64_C(1) << 16) /* messages per direction between rekeys */

#define MT_HANDSHAKE_MS_MAX 5000  /* a handshake takes no longer */
#define MT_GUEST_MS_MAX     60000 /* an open link with who is no member lasts no longer */
#define MT_CALLED_MS_MAX    15000 /* calling takes no longer, until both sides have opened the link */
#define MT_CHALLENGE_MS     2000  /* a link that a newer one was refused for answers within this */
#define MT_PING_MS          3000  /* so does one that somebody asks about, if all was taken in */
#define MT_ACCEPT_US        200   /* what accepting a caller counts: at most 5,000 in a second; */
#define MT_ANSWER_US        1000  /* answering it; checking its certificate */
#define MT_AHEAD_US         20000 /* and as much at once, before nobody more is accepted */
#define MT_LINES_MS         60000
#define MT_PING_IDLE_MS     20000 /* silence after which we ping */
#define MT_LINK_DEAD_MS     60000 /* silence after which a link is dead */
#define MT_INVITE_LIFE_MS   (UINT64_C(7) * 24 * 3600 * 1000)
#define MT_DIAL_MS_MIN      500   /* first dial back-off */
#define MT_DIAL_MS_MAX      60000 /* longest dial back-off */
#define MT_CUT_OFF_MAX      8     /* calls in a row that were cut off before the back-off grows */
#define MT_SETTLE_MS        10000 /* after a start, until who was not reached yet is called away */

_Static_assert(MT_SIGN_BYTES_MAX + MT_BOX_MAX <= MT_RUN_BYTES_MAX,
               "every signed run fits the wire");
_Static_assert(MT_SIGN_ENTRIES_MAX <= MT_RUN_ENTRIES_MAX, "every signed run fits the wire");
_Static_assert(MT_RUN_BYTES_MAX < MT_MESSAGE_MAX, "a run fits a message");
_Static_assert(MT_ITEM_MAX < MT_MESSAGE_MAX, "an item fits a message");
_Static_assert(MT_CALLED_MS_MAX >= 3 * MT_HANDSHAKE_MS_MAX,
               "connecting and the handshake take one each, and the other side opens one later");
_Static_assert(MT_LINK_KEYS_MAX + MT_INVITES_MAX <= MT_PSKS_MAX, "all keys fit the trial list");

#endif
