#include "commands.h"

#include "text.h"

#include <stdlib.h>

#define NO_FLAG                                                                                    \
    { NULL, NULL, NULL, NULL, NULL }

static const struct mt_flag init_flags[] = {
    {"kind", "soort", N_("KIND"), N_("kind of organisation: vmbo, mbo, company …"), NULL},
    NO_FLAG,
};
static const struct mt_flag invite_flags[] = {
    {"qr", NULL, NULL, N_("show the code as a QR image too"), NULL},
    NO_FLAG,
};
static const struct mt_flag join_flags[] = {
    {"wait", "wacht", N_("SECONDS"), N_("wait for the number and the approval"), NULL},
    {"cancel", "annuleer|annuleren", NULL, N_("give up joining"), NULL},
    NO_FLAG,
};
static const struct mt_flag approve_flags[] = {
    {"number", "nummer", "\"412906 735118\"", N_("the two groups read out by phone"), NULL},
    NO_FLAG,
};
static const struct mt_flag import_flags[] = {
    {"partial", "gedeeltelijk", NULL, N_("take the good rows, skip the wrong ones"), NULL},
    NO_FLAG,
};
static const struct mt_flag reason_flags[] = {
    {"reason", "reden", N_("TEXT"), N_("why, for the other side"), NULL},
    NO_FLAG,
};
static const struct mt_flag doctor_flags[] = {
    {"config", "configuratie", N_("FILE"), N_("configuration of a daemon that does not start"),
     NULL},
    NO_FLAG,
};
static const struct mt_flag log_flags[] = {
    {"limit", "aantal", N_("N"), N_("how many, newest first"), NULL},
    NO_FLAG,
};
static const struct mt_flag list_flags[] = {
    {"text", "tekst|zoek", N_("TEXT"), N_("only with this text"), NULL},
    {"mine", "eigen", NULL, N_("only entered by us"), NULL},
    {"limit", "aantal", N_("N"), N_("at most so many"), NULL},
    NO_FLAG,
};
static const struct mt_flag period_list_flags[] = {
    {"from", "van|vanaf", N_("DATE"), N_("from this day: 2026-11-23, morgen, vr, wk 48, +2w"),
     NULL},
    {"until", "tot", N_("DATE"), N_("up to and including this day"), NULL},
    {"text", "tekst|zoek", N_("TEXT"), N_("only with this text"), NULL},
    {"mine", "eigen", NULL, N_("only entered by us"), NULL},
    {"limit", "aantal", N_("N"), N_("at most so many"), NULL},
    NO_FLAG,
};
static const struct mt_flag place_list_flags[] = {
    {"free", "vrij", NULL, N_("only with free places"), NULL},
    {"text", "tekst|zoek", N_("TEXT"), N_("only with this text"), NULL},
    {"mine", "eigen", NULL, N_("only entered by us"), NULL},
    {"limit", "aantal", N_("N"), N_("at most so many"), NULL},
    NO_FLAG,
};
static const struct mt_flag activity_list_flags[] = {
    {"free", "vrij", NULL, N_("only with free places"), NULL},
    {"from", "van|vanaf", N_("DATE"), N_("from this day: 2026-11-23, morgen, vr, wk 48, +2w"),
     NULL},
    {"until", "tot", N_("DATE"), N_("up to and including this day"), NULL},
    {"world", "wereld", N_("WORLD"), N_("one of the seven worlds"), NULL},
    {"profile", "profiel", N_("PROFILE"), N_("BWI, PIE, M&T, MVI, MaT, Z&W, E&O, HBR, GROEN, D&P"),
     NULL},
    {"text", "tekst|zoek", N_("TEXT"), N_("only with this text"), NULL},
    {"mine", "eigen", NULL, N_("only entered by us"), NULL},
    {"limit", "aantal", N_("N"), N_("at most so many"), NULL},
    NO_FLAG,
};

static const struct mt_flag calendar_flags[] = {
    {"year", "jaar|schooljaar", N_("YEAR"), N_("2026, or the school year 2026-2027; else this one"),
     NULL},
    {"from", "van|vanaf", N_("DATE"), N_("from this day: 2026-11-23, morgen, vr, wk 48, +2w"),
     NULL},
    {"until", "tot", N_("DATE"), N_("up to and including this day"), NULL},
    {"mine", "eigen", NULL, N_("only entered by us"), NULL},
    NO_FLAG,
};

/* Fields that only code sets, or that are words of the command. */
#define NOT_IN_LISTS                                                                               \
    "text|title|start|end|end_date|end_week|address|postcode|contact_ref|worlds|"                  \
    "profiles|reason|deadline|group_size|bundles|bundled_in|date|external"
#define NOT_WHEN_ADDED "status|reason|bundles|bundled_in"

static const struct mt_command COMMANDS[] = {
    {"init", N_("NAME --kind KIND"), 1, 1, init_flags, 0, NULL,
     N_("make the keys of this organisation"),
     "meent init \"Carmel College\" --kind vmbo\nmeent init Wavin --kind company", mt_cmd_init},
    {"region create", N_("NAME"), 1, 1, NULL, 0, NULL, N_("found a region"),
     "meent region create Salland", mt_cmd_region_create},
    {"region show", NULL, 0, 0, NULL, 0, NULL, N_("the region and its rules"), "meent region show",
     mt_cmd_region_show},
    {"invite create", N_("NAME"), 1, 1, invite_flags, 0, NULL,
     N_("a code with which one organisation joins"),
     "meent invite create wavin\nmeent invite create wavin --qr", mt_cmd_invite_create},
    {"invite list", NULL, 0, 0, NULL, 0, NULL, N_("open invitations"), "meent invite list",
     mt_cmd_invite_list},
    {"invite revoke", N_("NAME"), 1, 1, NULL, 0, NULL, N_("make a code worthless"),
     "meent invite revoke wavin", mt_cmd_invite_revoke},
    {"join", N_("[CODE]"), 0, 1, join_flags, 0, NULL, N_("join a region with a code"),
     "meent join MEENT1…\nmeent join MEENT1… --wait 600\nmeent join --cancel", mt_cmd_join},
    {"member list", NULL, 0, 0, NULL, 0, NULL, N_("the members of the region"), "meent member list",
     mt_cmd_member_list},
    {"member approve", N_("NAME --number NUMBER"), 1, 1, approve_flags, 0, NULL,
     N_("admit who was invited"), "meent member approve wavin --number \"412906 735118\"",
     mt_cmd_member_approve},
    {"org list", NULL, 0, 0, list_flags, MT_KIND_ORG, NOT_IN_LISTS,
     N_("schools, companies and others"),
     "meent org list\nmeent org list --kind company --place Meppel", mt_cmd_org_list},
    {"org show", N_("[ORGANISATION]"), 0, 1, NULL, 0, NULL, N_("all about one organisation"),
     "meent org show wavin\nmeent org show 02VA00", mt_cmd_org_show},
    {"org edit", N_("[ORGANISATION]"), 0, 1, NULL, MT_KIND_ORG, NULL, N_("change what we entered"),
     "meent org edit --website www.wavin.nl --place Zwolle", mt_cmd_org_edit},
    {"org import", N_("FILE"), 1, 1, import_flags, 0, NULL,
     N_("read organisations from a CSV file"),
     "meent org import vestigingen.csv --dry-run\nmeent org import vestigingen.csv",
     mt_cmd_org_import},
    {"activity list", NULL, 0, 0, activity_list_flags, MT_KIND_ACTIVITY, NOT_IN_LISTS,
     N_("offers and requests"),
     "meent activity list --free --from morgen\nmeent activity list --type gastles --profile PIE",
     mt_cmd_activity_list},
    {"menukaart", NULL, 0, 0, activity_list_flags, MT_KIND_ACTIVITY, NOT_IN_LISTS "|direction",
     N_("what is offered (activity list --direction offer)"),
     "meent menukaart --vrij --van morgen\nmeent menukaart --wereld \"Hi-tech & Science\"",
     mt_cmd_menukaart},
    {"vragen", NULL, 0, 0, activity_list_flags, MT_KIND_ACTIVITY, NOT_IN_LISTS "|direction",
     N_("what is asked (activity list --direction request)"), "meent vragen --profiel PIE",
     mt_cmd_vragen},
    {"activity show", N_("ACTIVITY"), 1, 1, NULL, 0, NULL, N_("one activity and its sign-ups"),
     "meent activity show a7f3", mt_cmd_activity_show},
    {"activity add", "--direction --type --title --host", 0, 0, NULL, MT_KIND_ACTIVITY,
     NOT_WHEN_ADDED, N_("offer or ask something"),
     "meent activity add --direction offer --type gastles \\\n    --title \"Gastles Techniek\" --host Wavin\n"
     "meent activity add --direction request --type excursie \\\n"
     "    --title \"Dag op een werf\" --host \"Carmel College\" --week \"wk 48\" \\\n    --capacity 24 --unit pupils",
     mt_cmd_activity_add},
    {"activity edit", N_("ACTIVITY"), 1, 1, NULL, MT_KIND_ACTIVITY, "bundles|bundled_in",
     N_("change what we entered"), "meent activity edit a7f3 --date 2027-01-15 --start 13:00",
     mt_cmd_activity_edit},
    {"activity cancel", N_("ACTIVITY"), 1, 1, reason_flags, 0, NULL, N_("it does not take place"),
     "meent activity cancel a7f3 --reason \"ziekte\"", mt_cmd_activity_cancel},
    {"activity import", N_("FILE"), 1, 1, import_flags, 0, NULL,
     N_("read activities from a CSV file"),
     "meent activity import activiteiten.csv --dry-run\nmeent activity import activiteiten.csv",
     mt_cmd_activity_import},
    {"calendar show", NULL, 0, 0, calendar_flags, 0, NULL,
     N_("activities and periods, month by month"),
     "meent calendar show\nmeent jaarkalender toon --jaar 2026-2027 --eigen", mt_cmd_calendar_show},
    {"period list", NULL, 0, 0, period_list_flags, MT_KIND_PERIOD, NOT_IN_LISTS "|from|until",
     N_("placement periods, test weeks, blocked and preferred weeks"),
     "meent period list --from morgen\nmeent period list --type toetsweek", mt_cmd_period_list},
    {"period show", N_("PERIOD"), 1, 1, NULL, 0, NULL, N_("all about one period"),
     "meent period show 7e10", mt_cmd_period_show},
    {"period add", "--title --type --from --until", 0, 0, NULL, MT_KIND_PERIOD, "status",
     N_("enter a period for the calendar"),
     "meent period add --title \"Snuffelstage klas 3\" --type stageperiode \\\n"
     "    --from 2027-01-11 --until 2027-01-15",
     mt_cmd_period_add},
    {"period edit", N_("PERIOD"), 1, 1, NULL, MT_KIND_PERIOD, NULL, N_("change what we entered"),
     "meent period edit 7e10 --until 2027-01-22", mt_cmd_period_edit},
    {"period import", N_("FILE"), 1, 1, import_flags, 0, NULL, N_("read periods from a CSV file"),
     "meent period import periodes.csv --dry-run\nmeent period import periodes.csv",
     mt_cmd_period_import},
    {"contact list", NULL, 0, 0, list_flags, MT_KIND_CONTACT,
     NOT_IN_LISTS "|name|function|mail|phone|skills|availability|deputy|confirmed",
     N_("contact persons"), "meent contact list\nmeent contact list --org Wavin --roles gastdocent",
     mt_cmd_contact_list},
    {"contact show", N_("CONTACT"), 1, 1, NULL, 0, NULL, N_("all about one contact person"),
     "meent contact show 3d2a", mt_cmd_contact_show},
    {"contact add", "--name", 0, 0, NULL, MT_KIND_CONTACT, "status",
     N_("enter a contact person; work details only"),
     "meent contact add --name \"Jan de Vries\" --org Wavin \\\n"
     "    --roles bedrijfscontactpersoon --phone \"0523 123456\"",
     mt_cmd_contact_add},
    {"contact edit", N_("CONTACT"), 1, 1, NULL, MT_KIND_CONTACT, NULL, N_("change what we entered"),
     "meent contact edit 3d2a --phone \"0523 654321\"", mt_cmd_contact_edit},
    {"contact import", N_("FILE"), 1, 1, import_flags, 0, NULL,
     N_("read contact persons from a CSV file"),
     "meent contact import contacten.csv --dry-run\nmeent contact import contacten.csv",
     mt_cmd_contact_import},
    {"signup add", N_("ACTIVITY"), 1, 1, NULL, MT_KIND_SIGNUP, "activity|asset|status|reason",
     N_("sign up for an activity"), "meent signup add a7f3 --group 3B --pupils 24",
     mt_cmd_signup_add},
    {"signup list", N_("[ACTIVITY]"), 0, 1, list_flags, 0, NULL, N_("who signed up for what"),
     "meent signup list\nmeent signup list a7f3", mt_cmd_signup_list},
    {"signup withdraw", N_("SIGNUP"), 1, 1, NULL, 0, NULL, N_("take a sign-up back"),
     "meent signup withdraw 51c2", mt_cmd_signup_withdraw},
    {"answer", N_("RECORD accepted|declined|waiting"), 2, 2, reason_flags, 0, NULL,
     N_("answer a sign-up or a placement"),
     "meent answer 51c2 accepted\nmeent answer 51c2 declined --reason \"groep te groot\"",
     mt_cmd_answer},
    {"stageplek add", "--title --type", 0, 0, NULL, MT_KIND_STAGEPLEK, NOT_WHEN_ADDED,
     N_("offer places for placements"),
     "meent stageplek add --title \"Montage\" --type snuffelstage --capacity 2",
     mt_cmd_stageplek_add},
    {"stageplek list", NULL, 0, 0, place_list_flags, MT_KIND_STAGEPLEK, NOT_IN_LISTS "|from|until",
     N_("open places"), "meent stageplek list --type snuffelstage --free", mt_cmd_stageplek_list},
    {"stageplek show", N_("STAGEPLEK"), 1, 1, NULL, 0, NULL, N_("all about one place"),
     "meent stageplek show 9b1e", mt_cmd_stageplek_show},
    {"stageplek edit", N_("STAGEPLEK"), 1, 1, NULL, MT_KIND_STAGEPLEK, NULL,
     N_("change what we entered"), "meent stageplek edit 9b1e --capacity 3", mt_cmd_stageplek_edit},
    {"placement propose", N_("STAGEPLEK"), 1, 1, NULL, MT_KIND_PLACEMENT,
     "stageplek|status|reason|first_name|school|company|retention",
     N_("propose a pupil; only both parties see it"),
     "meent placement propose 9b1e --level KB --route snuffelstage \\\n    --from 2027-01-11 --until 2027-01-15",
     mt_cmd_placement_propose},
    {"placement edit", N_("PLACEMENT"), 1, 1, NULL, MT_KIND_PLACEMENT,
     "stageplek|school|company|retention", N_("change what we proposed, or say how it goes"),
     "meent placement edit 77d0 --status running --first-name Sanne\n"
     "meent placement edit 77d0 --status finished",
     mt_cmd_placement_edit},
    {"placement accept", N_("PLACEMENT"), 1, 1, NULL, 0, NULL, N_("agree to a placement"),
     "meent placement accept 77d0", mt_cmd_placement_accept},
    {"placement decline", N_("PLACEMENT"), 1, 1, reason_flags, 0, NULL, N_("refuse a placement"),
     "meent placement decline 77d0 --reason \"geen begeleider\"", mt_cmd_placement_decline},
    {"placement list", NULL, 0, 0, list_flags, 0, NULL, N_("our placements"),
     "meent placement list", mt_cmd_placement_list},
    {"placement show", N_("PLACEMENT"), 1, 1, NULL, 0, NULL, N_("all about one placement"),
     "meent placement show 77d0", mt_cmd_placement_show},
    {"peer list", NULL, 0, 0, NULL, 0, NULL, N_("connections with the other members"),
     "meent peer list", mt_cmd_peer_list},
    {"peer ping", N_("NAME"), 1, 1, NULL, 0, NULL, N_("try the connection step by step"),
     "meent peer ping deltion", mt_cmd_peer_ping},
    {"log", NULL, 0, 0, log_flags, 0, NULL, N_("what changed last"), "meent log --limit 20",
     mt_cmd_log},
    {"status", NULL, 0, 0, NULL, 0, NULL, N_("overview and health"),
     "meent status\nmeent status --json | jq .digest", mt_cmd_status},
    {"doctor", NULL, 0, 0, doctor_flags, 0, NULL,
     N_("what is wrong, what it means and what to try"),
     "meent doctor\nmeent doctor --json | jq '.checks[] | select(.ok | not)'", mt_cmd_doctor},
    {"verify", NULL, 0, 0, NULL, 0, NULL, N_("recompute the digest from all entries"),
     "meent verify", mt_cmd_verify},
    {"completion", "bash|zsh|fish", 1, 1, NULL, 0, NULL,
     N_("a script that makes the shell complete commands"),
     "source <(meent completion bash)\nmeent completion fish > ~/.config/fish/completions/meent.fish",
     mt_cmd_completion},
    {"__complete", N_("[WORD...]"), 0, MT_ARGS_WORDS_MAX, NULL, 0, NULL,
     N_("what can end a line, for shells"), "meent __complete -- activity l", mt_cmd_complete},
    {"help", N_("[COMMAND]"), 0, 2, NULL, 0, NULL, N_("this overview, or help for a command"),
     "meent help activity add", mt_cmd_help},
};

#define BEGIN    N_("Begin")
#define TOGETHER N_("What we do together")
#define PRIVATE  N_("Between two parties")
#define WATCH    N_("Keep an eye on it")

static const struct mt_noun NOUNS[] = {
    {"init", NULL, NULL, "init", true, BEGIN, NULL},
    {"region", "regio", NULL, "region show", false, BEGIN, N_("the region: create, show")},
    {"invite", "uitnodiging|uitnodigingen", NULL, "invite list", false, BEGIN,
     N_("codes for new members: create, list, revoke")},
    {"uitnodigen", NULL, "invite", "invite create", true, NULL, NULL},
    {"join", "aansluiten", NULL, "join", true, BEGIN, NULL},
    {"member", "leden|lid", NULL, "member list", false, BEGIN, N_("members: list, approve")},
    {"menukaart", NULL, NULL, "menukaart", true, TOGETHER, NULL},
    {"vragen", NULL, NULL, "vragen", true, TOGETHER, NULL},
    {"activity", "activiteit|activiteiten", NULL, "activity list", false, TOGETHER,
     N_("activities: list, show, add, edit, cancel, import")},
    {"calendar", "jaarkalender|kalender|agenda", NULL, "calendar show", false, TOGETHER,
     N_("the year, month by month: show")},
    {"period", "periode|periodes", NULL, "period list", false, TOGETHER,
     N_("periods of schools: list, show, add, edit, import")},
    {"contact", "contactpersoon|contactpersonen|contacten", NULL, "contact list", false, TOGETHER,
     N_("contact persons: list, show, add, edit, import")},
    {"signup", "intekening|intekeningen", NULL, "signup list", false, TOGETHER,
     N_("sign-ups: add, list, withdraw")},
    {"intekenen", NULL, "signup", "signup add", true, NULL, NULL},
    {"answer", "antwoord", NULL, "answer", true, TOGETHER, NULL},
    {"org", "organisatie|organisaties|organisation", NULL, "org list", false, TOGETHER,
     N_("organisations: list, show, edit, import")},
    {"stageplek", "stageplekken|stageplaats", NULL, "stageplek list", false, PRIVATE,
     N_("places for placements: list, show, add, edit")},
    {"placement", "stage|stages|plaatsing", NULL, "placement list", false, PRIVATE,
     N_("placements: list, show, propose, edit, accept, decline")},
    {"status", NULL, NULL, "status", true, WATCH, NULL},
    {"doctor", "dokter", NULL, "doctor", true, WATCH, NULL},
    {"log", "logboek", NULL, "log", true, WATCH, NULL},
    {"peer", "peers|buren", NULL, "peer list", false, WATCH, N_("connections: list, ping")},
    {"verify", "controleer|controleren", NULL, "verify", true, WATCH, NULL},
    {"completion", "aanvullen", NULL, "completion", true, WATCH, NULL},
    {"__complete", NULL, NULL, "__complete", true, NULL, NULL},
    {"help", "hulp", NULL, "help", true, WATCH, NULL},
};

struct verb {
    const char *name, *aliases;
};

static const struct verb VERBS[] = {
    {"list", "lijst|ls"},
    {"show", "toon|tonen|bekijk"},
    {"add", "toevoegen|nieuw"},
    {"edit", "wijzig|wijzigen"},
    {"cancel", "annuleer|annuleren|afzeggen"},
    {"import", "importeer|inlezen"},
    {"create", "maak|maken"},
    {"revoke", "intrekken"},
    {"approve", "toelaten|goedkeuren"},
    {"withdraw", "terugtrekken|afmelden"},
    {"propose", "voorstellen"},
    {"accept", "accepteren|akkoord"},
    {"decline", "afwijzen|weigeren"},
};

const struct mt_noun *mt_nouns(size_t *n) {
    *n = MT_ARRAY_LEN(NOUNS);
    return NOUNS;
}

const struct mt_command *mt_commands(size_t *n) {
    *n = MT_ARRAY_LEN(COMMANDS);
    return COMMANDS;
}

const struct mt_noun *mt_noun_named(const char *word) {
    for (size_t i = 0; i < MT_ARRAY_LEN(NOUNS); i++)
        if (strcmp(NOUNS[i].name, word) == 0 || mt_args_listed(NOUNS[i].aliases, word))
            return &NOUNS[i];
    return NULL;
}

const struct mt_command *mt_command_named(const char *name) {
    for (size_t i = 0; name && i < MT_ARRAY_LEN(COMMANDS); i++)
        if (strcmp(COMMANDS[i].name, name) == 0)
            return &COMMANDS[i];
    return NULL;
}

const struct mt_command *mt_command_of(const struct mt_noun *noun, const char *word) {
    const char *verb = word;
    for (size_t i = 0; i < MT_ARRAY_LEN(VERBS); i++)
        if (mt_args_listed(VERBS[i].aliases, word))
            verb = VERBS[i].name;
    char *name = mt_text_format("%s %s", noun->verbs_of ? noun->verbs_of : noun->name, verb);
    const struct mt_command *c = mt_command_named(name);
    free(name);
    return c;
}

struct best {
    const char *word; /* what was typed */
    unsigned edits;
    const char *found; /* a noun or a command */
};

/* Compares with `name` and its aliases. */
static void consider(struct best *best, const char *name, const char *aliases, const char *means) {
    char *all = mt_text_format("%s|%s", name, aliases ? aliases : "");
    for (char *p = all, *one; (one = strsep(&p, "|"));) {
        unsigned d = mt_text_distance(best->word, one);
        if (*one && d < best->edits) {
            best->edits = d;
            best->found = means;
        }
    }
    free(all);
}

char *mt_command_nearest(const struct mt_noun *noun, const char *word) {
    struct best best = {.word = word, .edits = (unsigned)strlen(word) + 1};
    for (size_t i = 0; !noun && i < MT_ARRAY_LEN(NOUNS); i++)
        if (NOUNS[i].name[0] != '_') /* those are not for people */
            consider(&best, NOUNS[i].name, NOUNS[i].aliases, NOUNS[i].name);
    for (size_t i = 0; noun && i < MT_ARRAY_LEN(VERBS); i++) {
        const struct mt_command *c = mt_command_of(noun, VERBS[i].name);
        if (c)
            consider(&best, VERBS[i].name, VERBS[i].aliases, c->name);
    }
    const struct mt_command *ping = noun ? mt_command_of(noun, "ping") : NULL;
    if (ping)
        consider(&best, "ping", NULL, ping->name);
    return best.found && mt_text_close(word, best.edits) ? mt_text_copy(best.found) : NULL;
}
