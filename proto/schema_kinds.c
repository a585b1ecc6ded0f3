#include "schema.h"
#include "limits.h"
#include "schema_vocab.h"

/* number, name, English label, Dutch label, then the members that differ */
#define F(no_, name_, en, nl, ...)                                                                 \
    { .no = no_, .name = name_, .label = {en, nl}, __VA_ARGS__ }

/* What many fields have in common. */
#define TITLE                                                                                      \
    .type = MT_FIELD_STR, .max = 200, .flags = MT_FIELD_REQUIRED | MT_FIELD_IDENTITY,              \
    .csv = "naam|name"
#define WORLDS        .type = MT_FIELD_ENUMS, .vocab = &mt_vocab_worlds
#define PROFILES      .type = MT_FIELD_ENUMS, .vocab = &mt_vocab_profiles
#define LEVELS        .type = MT_FIELD_ENUMS, .vocab = &mt_vocab_levels
#define YEARS         .type = MT_FIELD_ENUMS, .vocab = &mt_vocab_years
#define SCORE(max_)   .type = MT_FIELD_UINT, .min = 1, .max = max_
#define HASH          .type = MT_FIELD_BIN, .min = 32, .max = 32
#define ID32          HASH, .flags = MT_FIELD_PREPARED
#define RETENTION     .type = MT_FIELD_DATE, .flags = MT_FIELD_PREPARED
#define REF_TO_ANY    .type = MT_FIELD_REF
#define REF_TO(kind)  .type = MT_FIELD_REF, .ref_kind = MT_KIND_##kind
#define REFS_TO(kind) .type = MT_FIELD_REFS, .ref_kind = MT_KIND_##kind

/* Fields that have the same number in every kind. */
#define COMMON_STATUS(vocab_)                                                                      \
    F(MT_COMMON_STATUS, "status", "Status", "Status", .type = MT_FIELD_ENUM, .vocab = &vocab_)
#define COMMON_REASON                                                                              \
    F(MT_COMMON_REASON, "reason", "Reason", "Reden", .type = MT_FIELD_STR, .max = 1000)
#define COMMON_TEXT                                                                                \
    F(MT_COMMON_TEXT, "text", "Text", "Toelichting", .type = MT_FIELD_TEXT,                        \
      .csv = "tekst|omschrijving|opmerking|description",                                           \
      .help = {"no names of pupils", "geen namen van leerlingen"})
#define COMMON_EXTERNAL                                                                            \
    F(MT_COMMON_EXTERNAL, "external", "External id", "Extern nummer", .type = MT_FIELD_STR,        \
      .max = 200,                                                                                  \
      .help = {"its number in the system it comes from", "het nummer in het bronsysteem"})
#define COMMON_CLAIM(kind)                                                                         \
    F(MT_COMMON_REPLACES, "replaces", "Replaces", "Vervangt", REF_TO(kind),                        \
      .flags = MT_FIELD_PREPARED),                                                                 \
        F(MT_COMMON_REPLACED_BY, "replaced_by", "Replaced by", "Vervangen door", REF_TO(kind),     \
          .flags = MT_FIELD_PREPARED)

#include "schema_table_org.h"
#include "schema_table_activity.h"
#include "schema_table_place.h"
#include "schema_table_account.h"

#define K(no_, name_, en, nl, rows, ...)                                                           \
    {                                                                                              \
        .no = MT_KIND_##no_, .major = 1, .minor = 0, .name = name_, .label = {en, nl},             \
        .fields = rows##_fields, .n_fields = MT_ARRAY_LEN(rows##_fields), __VA_ARGS__              \
    }
#define REGION  .pair = false
#define PRIVATE .pair = true, .personal = true

static const struct mt_kind kinds[] = {
    K(ORG, "org", "Organisation", "Organisatie", org, REGION),
    K(CONTACT, "contact", "Contact person", "Contactpersoon", contact, .personal = true),
    K(ACTIVITY, "activity", "Activity", "Activiteit", activity, REGION),
    K(SIGNUP, "signup", "Sign-up", "Intekening", signup, REGION),
    K(ANSWER, "answer", "Answer", "Antwoord", answer, REGION),
    K(STAGEPLEK, "stageplek", "Placement place", "Stageplek", stageplek, REGION),
    K(PLACEMENT, "placement", "Placement", "Plaatsing", placement, PRIVATE),
    K(ENDPOINT, "endpoint", "Address of an installation", "Adres van een installatie", endpoint,
      REGION),
    K(REPRESENTS, "represents", "Representation", "Vertegenwoordiging", represents, REGION),
    K(SERIES, "series", "Series", "Reeks", series, REGION),
    K(PERIOD, "period", "Period", "Periode", period, REGION),
    K(DRAW, "draw", "Draw", "Trekking", draw, REGION),
    K(ASSET, "asset", "Asset", "Voorziening", asset, REGION),
    K(AGREEMENT, "agreement", "Agreement", "Samenwerkingsovereenkomst", agreement, REGION),
    K(BUDGET, "budget", "Budget", "Begroting", budget, REGION),
    K(RATE, "rate", "Rate", "Tarief", rate, REGION),
    K(CONTRIBUTION, "contribution", "Contribution", "Bijdrage", contribution, REGION),
    K(EVALUATION, "evaluation", "Evaluation", "Evaluatie", evaluation, REGION),
    K(NOTE, "note", "Note", "Notitie", note, REGION),
    K(BODY, "body", "Body", "Overlegorgaan", body, REGION),
    K(MEETING, "meeting", "Meeting", "Overleg", meeting, REGION),
    K(INSIGHT, "insight", "Insight", "Inzicht", insight, REGION),
    K(SCAN, "scan", "Team scan", "Teamscan", scan, REGION),
    K(ATTENDANCE, "attendance", "Attendance", "Aanwezigheid", attendance, PRIVATE),
    K(VISIT, "visit", "Visit", "Bezoek", visit, PRIVATE),
    K(PNOTE, "pnote", "Private note", "Besloten notitie", pnote, PRIVATE),
};

_Static_assert(MT_ARRAY_LEN(kinds) == MT_KIND_END - 1, "every kind has a row");

const struct mt_kind *mt_schema_kinds(size_t *n) {
    *n = MT_ARRAY_LEN(kinds);
    return kinds;
}

const struct mt_kind *mt_schema_kind(uint16_t no) {
    return no >= 1 && no < MT_KIND_END ? &kinds[no - 1] : NULL;
}
