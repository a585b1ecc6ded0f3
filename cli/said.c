/* What the daemon says comes in English, with names and numbers filled in. A table of the same
 * sentences, %s where something was filled in, finds it back and says it in the user's language. */
#include "said.h"

#include "schema.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

enum { HOLES_MAX = 2 };

static const char *const SENTENCES[] = {
    N_("no organisation yet"),
    N_("this organisation is in no region yet"),
    N_("this organisation is in a region already"),
    N_("this organisation is joining a region"),
    N_("this organisation is not joining a region"),
    N_("this daemon already serves %s"),
    N_("this needs the right '%s'"),
    N_("records between two parties need the right 'personal'"),
    N_("no record has an id that starts with %s"),
    N_("an id is 4 to 32 hexadecimal digits"),
    N_("an id of a new record has 32 hexadecimal digits"),
    N_("there is a record with this id already"),
    N_("no organisation is called %s"),
    N_("no other member is called %s"),
    N_("several organisations are called that"),
    N_("no address is known"),
    N_("not tried yet"),
    N_("only the organisation that made a record can change it"),
    N_("an answer is changed by answering again"),
    N_("a newer version of meent made this record"),
    N_("a name is at most %s bytes"),
    N_("a record of another channel cannot be named here"),
    N_("this activity is cancelled"),
    N_("this activity has been"),
    N_("the deadline of this activity has passed"),
    N_("this sign-up was withdrawn"),
    N_("the activity of this sign-up is not here"),
    N_("only the host of an activity answers sign-ups to it"),
    N_("only sign-ups and placements are answered"),
    N_("places asked: %s, free: %s"),
    N_("this place is no longer offered"),
    N_("this place takes %s and has them"),
    N_("who offers this place is no member: there is nobody to share it with"),
    N_("a first name is given once the placement is accepted"),
    N_("the other side answers what you proposed"),
    N_("there is an open invitation of that name already"),
    N_("there is no invitation called %s"),
    N_("that is no name"),
    N_("too many invitations are open: revoke some"),
    N_("others cannot be told where to connect: set `announce` in the configuration"),
    N_("only an organisation with a seat on the board invites"),
    N_("nobody has used this invitation yet"),
    N_("the number does not match: have it read out again"),
    N_("the number is two groups of six digits"),
    N_("this invitation was used already"),
    N_("this invitation has expired or was revoked"),
    N_("that is not an invitation code"),
    N_("this replica was restored: nothing is written before another member was reached"),
    N_("there is no such thing"),
    N_("the input is not valid"),
    N_("that is not possible now"),
    N_("it contradicts what is there"),
    N_("this user may not do that"),
    N_("a limit of this installation is reached"),
    N_("the disk or the store is full"),
    N_("changes are refused until there is space again"),
    N_("something is longer than its limit"),
    N_("no key is at hand to read or write this"),
    N_("the answer does not fit one message"),
    N_("%s is missing"),
    /* of the configuration */
    N_("unknown section '%s' (did you mean '%s'?)"),
    N_("unknown section '%s'"),
    N_("unknown key '%s' (did you mean '%s'?)"),
    N_("unknown key '%s'"),
    N_("no section stands before '%s'"),
    N_("given twice: '%s'"),
    N_("this value takes one line: '%s'"),
    N_("no value for '%s'"),
    N_("not an account or @group, or too many of them: '%s'"),
    N_("not an address with a port, as in meent.example:7473 or [::]:7473: '%s'"),
    N_("others cannot connect to every address at once: '%s'"),
    N_("neither [section] nor key = value"),
    N_("the line is too long; lists may go on in the next line, indented"),
    N_("Permission denied"),
    N_("No such file or directory"),
};

/* What stands in the holes of a sentence. */
struct holes {
    const char *p[HOLES_MAX];
    size_t n[HOLES_MAX];
};

/* How far into `text` the part of a sentence stands, SIZE_MAX when it does not. The last part must
 * stand at the end. */
static size_t find_part(const char *text, const char *part, size_t n, bool last) {
    size_t have = strlen(text);
    if (last)
        return have >= n && memcmp(text + have - n, part, n) == 0 ? have - n : SIZE_MAX;
    for (size_t i = 0; i + n <= have; i++)
        if (memcmp(text + i, part, n) == 0)
            return i;
    return SIZE_MAX;
}

static bool match(const char *pattern, const char *text, struct holes *h) {
    const char *hole = strstr(pattern, "%s");
    if (!hole)
        return strcmp(pattern, text) == 0;
    size_t n = (size_t)(hole - pattern);
    if (strncmp(pattern, text, n) != 0)
        return false;
    text += n;
    for (size_t i = 0; hole && i < HOLES_MAX; i++) {
        const char *part = hole + strlen("%s");
        hole = strstr(part, "%s");
        n = hole ? (size_t)(hole - part) : strlen(part);
        size_t at = find_part(text, part, n, !hole);
        if (at == SIZE_MAX)
            return false;
        h->p[i] = text;
        h->n[i] = at;
        text += at + n;
    }
    return true;
}

/* Fills the holes of a sentence in order. Owns: the caller. */
static char *fill(const char *sentence, const struct holes *h) {
    char *out = mt_text_copy("");
    for (size_t i = 0; *sentence; i++) {
        const char *hole = strstr(sentence, "%s");
        size_t n = hole ? (size_t)(hole - sentence) : strlen(sentence);
        bool has = hole && i < HOLES_MAX;
        char *longer = mt_text_format("%s%.*s%.*s", out, (int)n, sentence, has ? (int)h->n[i] : 0,
                                      has ? h->p[i] : "");
        free(out);
        out = longer;
        sentence += n + (hole ? strlen("%s") : 0);
    }
    return out;
}

/* The field that "host: …" begins with; NULL when it does not. */
static const struct mt_field *field_before(const char *text, size_t n) {
    size_t n_kinds;
    const struct mt_kind *kinds = mt_schema_kinds(&n_kinds);
    for (size_t i = 0; i < n_kinds; i++)
        for (size_t k = 0; k < kinds[i].n_fields; k++)
            if (strlen(kinds[i].fields[k].name) == n &&
                memcmp(kinds[i].fields[k].name, text, n) == 0)
                return &kinds[i].fields[k];
    return NULL;
}

char *mt_said(const char *english, enum mt_lang lang, bool *known) {
    struct holes h = {0};
    size_t n = strcspn(english, ":");
    const struct mt_field *f = english[n] ? field_before(english, n) : NULL;
    if (f) {
        char *rest = mt_said(english + n + strspn(english + n, ": "), lang, known);
        char *out = mt_text_format("%s: %s", f->label[lang], rest);
        free(rest);
        return out;
    }
    for (size_t i = 0; i < MT_ARRAY_LEN(SENTENCES); i++)
        if (match(SENTENCES[i], english, &h)) {
            *known = true;
            return fill(_(SENTENCES[i]), &h);
        }
    *known = false;
    return mt_text_copy(english);
}
