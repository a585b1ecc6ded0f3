/* schema: the one table of record kinds, fields and vocabularies (layer 2).
 *
 * Validation, command flags, CSV columns, JSON and man pages all come from here. Names are stable
 * English identifiers; labels exist in Dutch and English. */
#ifndef MEENT_SCHEMA_H
#define MEENT_SCHEMA_H

#include "schema_fields.h"
#include "wire.h"

enum mt_lang { MT_LANG_EN, MT_LANG_NL, MT_LANG_COUNT };

/* Record kinds. Numbers are part of the format and never change meaning. */
enum mt_kind_no {
    MT_KIND_ORG = 1,
    MT_KIND_CONTACT = 2,
    MT_KIND_ACTIVITY = 3,
    MT_KIND_SIGNUP = 4,
    MT_KIND_ANSWER = 5,
    MT_KIND_STAGEPLEK = 6,
    MT_KIND_PLACEMENT = 7, /* pair channel only */
    MT_KIND_ENDPOINT = 8,  /* addresses of an installation */
    MT_KIND_REPRESENTS = 9,
    MT_KIND_SERIES = 10,
    MT_KIND_PERIOD = 11,
    MT_KIND_DRAW = 12,
    MT_KIND_ASSET = 13,
    MT_KIND_AGREEMENT = 14,
    MT_KIND_BUDGET = 15,
    MT_KIND_RATE = 16,
    MT_KIND_CONTRIBUTION = 17,
    MT_KIND_EVALUATION = 18,
    MT_KIND_NOTE = 19,
    MT_KIND_BODY = 20,
    MT_KIND_MEETING = 21,
    MT_KIND_INSIGHT = 22,
    MT_KIND_SCAN = 23,
    MT_KIND_ATTENDANCE = 24, /* pair channel only */
    MT_KIND_VISIT = 25,      /* pair channel only */
    MT_KIND_PNOTE = 26,      /* pair channel only */
    MT_KIND_END
};

/* How a field's value is encoded in a change (canonical MessagePack) and written as text. */
enum mt_field_type {
    MT_FIELD_STR,     /* str, one line */
    MT_FIELD_TEXT,    /* str, several lines (LF) */
    MT_FIELD_STRS,    /* array of str */
    MT_FIELD_UINT,    /* uint, min..max */
    MT_FIELD_CENTS,   /* uint, money in euro cents; text "12,50" or "12.50" */
    MT_FIELD_BOOL,    /* bool; ja/nee, yes/no, true/false */
    MT_FIELD_DATE,    /* uint, days since 1970-01-01; text 2026-11-23, 23-11-2026 */
    MT_FIELD_CLOCK,   /* uint, minutes since midnight local time; text 09:00, 9.00 */
    MT_FIELD_WEEK,    /* uint, ISO year * 100 + week; text 2026-W48, wk 48 */
    MT_FIELD_ENUM,    /* uint, code of the vocabulary */
    MT_FIELD_ENUMS,   /* array of distinct codes, ascending */
    MT_FIELD_REF,     /* array [audience 0|1, owner bin32, kind, id bin16] */
    MT_FIELD_REFS,    /* array of references */
    MT_FIELD_IDENTS,  /* array of [scheme code, str], ascending; text "brin:02VA00|kvk:01234567" */
    MT_FIELD_BIN,     /* bin */
    MT_FIELD_INSTANT, /* uint, Unix milliseconds */
};

/* The largest number that JSON carries exactly. */
#define MT_SCHEMA_NUMBER_MAX ((UINT64_C(1) << 53) - 1)

enum mt_field_flags {
    MT_FIELD_REQUIRED = 1, /* a new record must have it */
    MT_FIELD_PERSONAL = 2, /* says something about a person */
    MT_FIELD_PREPARED = 4, /* set by the daemon, not by people */
    MT_FIELD_IDENTITY =
        8, /* part of what identifies a record in a file without ids (records.md 8) */
};

struct mt_vocab_entry {
    uint16_t code;
    const char *name;                 /* stable, in JSON and flags */
    const char *label[MT_LANG_COUNT]; /* shown */
    const char *aliases;              /* further accepted spellings, '|' between; NULL: none */
};

struct mt_vocab {
    const char *name;
    const struct mt_vocab_entry *entries;
    size_t n;
};

struct mt_field {
    uint8_t no; /* 0..63, never changes meaning within a major version */
    enum mt_field_type type;
    uint8_t flags;
    uint8_t ref_kind; /* of REF and REFS; 0: any kind */
    const char *name;
    const char *label[MT_LANG_COUNT];
    const char *help[MT_LANG_COUNT]; /* one short sentence, or NULL */
    const char *csv;                 /* further accepted CSV headings, '|' between; NULL: none */
    const struct mt_vocab *vocab;
    /* Of UINT and CENTS the value (max 0: MT_SCHEMA_NUMBER_MAX); of BIN its bytes; `max` of STR,
     * TEXT and the elements of STRS in bytes (0: MT_STRING_MAX). */
    uint64_t min, max;
};

struct mt_kind {
    uint16_t no;
    uint8_t major, minor;
    bool pair;     /* lives in a pair channel */
    bool personal; /* marked personal: erasable by its owner */
    const char *name;
    const char *label[MT_LANG_COUNT];
    const struct mt_field *fields; /* ascending by no */
    size_t n_fields;
};

/* The whole table, `*n` kinds ascending by number. */
const struct mt_kind *mt_schema_kinds(size_t *n);

/* Finds by number, name or label (any language, any case); NULL when there is none. */
const struct mt_kind *mt_schema_kind(uint16_t no);
const struct mt_kind *mt_schema_kind_named(struct mt_slice name);
const struct mt_field *mt_schema_field(const struct mt_kind *kind, uint8_t no);
const struct mt_field *mt_schema_field_named(const struct mt_kind *kind, struct mt_slice name);

/* Finds an entry by code, or by name, label or alias in any case; NULL when there is none. */
const struct mt_vocab_entry *mt_vocab_code(const struct mt_vocab *vocab, uint64_t code);
const struct mt_vocab_entry *mt_vocab_named(const struct mt_vocab *vocab, struct mt_slice text);

/* Every vocabulary, for completion and manuals. */
const struct mt_vocab *const *mt_schema_vocabs(size_t *n);

/* True when two words are the same for people: any case (letters up to U+00FF), and spaces, '-'
 * and '_' alike. */
bool mt_text_same(struct mt_slice a, struct mt_slice b);

/* Takes white space off both ends, the no-break space included. */
struct mt_slice mt_text_trim(struct mt_slice s);

/* Cuts the part before the first `sep` off `*rest` and returns it; the rest then begins after
 * `sep`, or has a NULL `p` when there was none. */
struct mt_slice mt_text_cut(struct mt_slice *rest, char sep);

/* Why a text is not a value. One reason a bad cell can have; people's words for it are the CLI's. */
enum mt_text_err {
    MT_TEXT_OK,
    MT_TEXT_MISSING,   /* a required field is empty */
    MT_TEXT_NOT_DATE,  /* no such day */
    MT_TEXT_NOT_CLOCK, /* no such time */
    MT_TEXT_NOT_WEEK,  /* no such ISO week */
    MT_TEXT_NOT_NUMBER,
    MT_TEXT_TOO_SMALL,
    MT_TEXT_TOO_LARGE,
    MT_TEXT_NOT_WORD, /* not in the vocabulary */
    MT_TEXT_NOT_BOOL,
    MT_TEXT_TOO_LONG,
    MT_TEXT_TOO_MANY,
    MT_TEXT_NOT_TEXT, /* not UTF-8, or a control character */
    MT_TEXT_NOT_REF,
    MT_TEXT_NOT_IDENT,
    MT_TEXT_ORDER,    /* ends before it starts */
    MT_TEXT_OUTSIDE,  /* a day that is not in the week given */
    MT_TEXT_NO_START, /* an end without a start */
};

/* What "today" is when a text is relative (`morgen`, `vr`, `wk 48`, `+2w`). Days since 1970 in
 * local time; 0 refuses relative forms. */
struct mt_text_context {
    uint32_t today;
};

/* Encodes `text` as a value of `field` (trimmed; lists separated by '|', words also by ',', ';' or
 * '/'; REF and REFS are refused with MT_TEXT_NOT_REF unless given as full references
 * "kind:idhex@ownerhex", for this channel with "/channel" behind it; resolving names is the
 * daemon's). An empty text encodes nil, which clears the field. Nothing is written on error, and a
 * full `out` is MT_TEXT_TOO_LONG. */
enum mt_text_err mt_schema_parse(const struct mt_field *field, struct mt_slice text,
                                 const struct mt_text_context *ctx, struct mt_writer *out);

/* Writes `value` (canonical bytes) as plain text: codes as names, or labels when `lang` >= 0;
 * dates as 2026-11-23, weeks as 2026-W48, lists with '|', references as kind:idhex. Bytes that do not fit the field's type
 * are written as "?". Errors: MT_ETOOLONG in `out`. */
void mt_schema_format(const struct mt_field *field, struct mt_slice value, int lang,
                      struct mt_writer *out);

/* Checks that `value` is canonical and fits the field: type, range, vocabulary, length. */
enum mt_text_err mt_schema_check(const struct mt_field *field, struct mt_slice value);

/* Checks a whole set of fields (a canonical map {number: value}) against a kind: every known field
 * checks, required ones and starts of ends are there when `complete`, end is not before start.
 * Out: `*bad` the field at fault, NULL when it is none of them. */
enum mt_text_err mt_schema_check_fields(const struct mt_kind *kind, struct mt_slice fields,
                                        bool complete, const struct mt_field **bad);

/* The end among these fields that stands without the start it needs; NULL when there is none. */
const struct mt_field *mt_schema_no_start(const struct mt_kind *kind, struct mt_slice fields);

/* True when two IDENTS values name one organisation: they share an identifier, unless both state a
 * location of the same register and these differ (locations of one school share its number). */
bool mt_ident_same(struct mt_slice a, struct mt_slice b);

/* Calendar arithmetic on days since 1970-01-01 (proleptic Gregorian) and ISO 8601 weeks. */
uint32_t mt_day_from_ymd(int year, int month, int day); /* 0 when there is no such day */
void mt_day_to_ymd(uint32_t day, int *year, int *month, int *dom);
uint32_t mt_day_to_week(uint32_t day);    /* ISO year * 100 + week */
uint32_t mt_week_to_day(uint32_t week);   /* its Monday; 0 when there is no such week */
int mt_day_of_week(uint32_t day);         /* 1 Monday .. 7 Sunday */
int mt_amsterdam_offset(uint64_t wall_s); /* seconds east of UTC at that Unix time (EU rule) */
uint64_t mt_amsterdam_instant(uint32_t day, uint32_t minutes); /* Unix seconds of a local time */

#endif
