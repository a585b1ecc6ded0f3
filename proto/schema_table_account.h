/* schema_table_account: fields of agreements, cofinancing, quality and meetings (layer 2).
 *
 * Included by schema_kinds.c alone. F and COMMON_* are defined there. */
#ifndef MEENT_SCHEMA_TABLE_ACCOUNT_H
#define MEENT_SCHEMA_TABLE_ACCOUNT_H

static const struct mt_field agreement_fields[] = {
    F(MT_AGREEMENT_TITLE, "title", "Title", "Titel", TITLE),
    F(MT_AGREEMENT_PARTIES, "parties", "Parties", "Partijen", REFS_TO(ORG),
      .flags = MT_FIELD_REQUIRED | MT_FIELD_IDENTITY),
    F(MT_AGREEMENT_PURPOSE_SCHOOL, "purpose_school", "Purpose for the school",
      "Doel voor de school", .type = MT_FIELD_TEXT),
    F(MT_AGREEMENT_PURPOSE_COMPANY, "purpose_company", "Purpose for the company",
      "Doel voor het bedrijf", .type = MT_FIELD_TEXT),
    F(MT_AGREEMENT_FROM, "from", "From", "Vanaf", .type = MT_FIELD_DATE,
      .flags = MT_FIELD_IDENTITY),
    F(MT_AGREEMENT_UNTIL, "until", "Until", "Tot en met", .type = MT_FIELD_DATE),
    F(MT_AGREEMENT_DOCUMENT, "document", "Document", "Document", .type = MT_FIELD_STR,
      .help = {"where the paper or file is", "waar het papier of bestand staat"}),
    F(MT_AGREEMENT_HASH, "document_hash", "Hash of the document", "Hash van het document", HASH),
    COMMON_STATUS(mt_vocab_status),
    COMMON_TEXT,
    COMMON_EXTERNAL,
};

static const struct mt_field budget_fields[] = {
    F(MT_BUDGET_TITLE, "title", "Title", "Titel", TITLE),
    F(MT_BUDGET_YEAR, "year", "Year", "Jaar", .type = MT_FIELD_UINT, .min = 2000, .max = 2200,
      .flags = MT_FIELD_REQUIRED | MT_FIELD_IDENTITY, .csv = "subsidiejaar"),
    F(MT_BUDGET_AMOUNT, "amount", "Amount", "Bedrag", .type = MT_FIELD_CENTS,
      .flags = MT_FIELD_REQUIRED, .csv = "subsidie"),
    F(MT_BUDGET_DENOMINATOR, "denominator", "Amount the rule counts", "Grondslag van de regel",
      .type = MT_FIELD_CENTS,
      .help = {"what the percentage is taken of, when not the amount",
               "waarover het percentage gaat, als dat niet het bedrag is"}),
    F(MT_BUDGET_PERCENT, "percent", "Percentage", "Percentage", .type = MT_FIELD_UINT, .max = 100),
    F(MT_BUDGET_SOURCE, "source", "Source", "Bron", .type = MT_FIELD_STR),
    COMMON_STATUS(mt_vocab_status),
    COMMON_TEXT,
    COMMON_EXTERNAL,
};

static const struct mt_field rate_fields[] = {
    F(MT_RATE_TYPE, "type", "Type", "Soort", .type = MT_FIELD_ENUM, .vocab = &mt_vocab_rate_types,
      .flags = MT_FIELD_REQUIRED | MT_FIELD_IDENTITY),
    F(MT_RATE_AMOUNT, "amount", "Amount", "Bedrag", .type = MT_FIELD_CENTS),
    F(MT_RATE_PERCENT, "percent", "Percentage", "Percentage", .type = MT_FIELD_UINT, .max = 100),
    F(MT_RATE_FROM, "from", "From", "Vanaf", .type = MT_FIELD_DATE,
      .flags = MT_FIELD_REQUIRED | MT_FIELD_IDENTITY),
    F(MT_RATE_SOURCE, "source", "Source", "Bron", .type = MT_FIELD_STR),
    COMMON_STATUS(mt_vocab_status),
    COMMON_TEXT,
    COMMON_EXTERNAL,
};

static const struct mt_field contribution_fields[] = {
    F(MT_CONTRIBUTION_TITLE, "title", "Title", "Titel", .type = MT_FIELD_STR, .max = 200,
      .flags = MT_FIELD_IDENTITY),
    F(MT_CONTRIBUTION_TYPE, "type", "Type", "Soort", .type = MT_FIELD_ENUM,
      .vocab = &mt_vocab_contribution_types, .flags = MT_FIELD_REQUIRED | MT_FIELD_IDENTITY,
      .help = {"cash, hours, goods or facility", "geld, uren, goederen of faciliteit"}),
    F(MT_CONTRIBUTION_HOST, "host", "Given by", "Gegeven door", REF_TO(ORG),
      .flags = MT_FIELD_REQUIRED | MT_FIELD_IDENTITY, .csv = "organisatie|organisation|bedrijf"),
    F(MT_CONTRIBUTION_AMOUNT, "amount", "Amount", "Bedrag", .type = MT_FIELD_CENTS),
    F(MT_CONTRIBUTION_MINUTES, "minutes", "Minutes", "Minuten", .type = MT_FIELD_UINT,
      .max = 10000000),
    F(MT_CONTRIBUTION_RATE, "rate", "Rate", "Tarief", REF_TO(RATE)),
    F(MT_CONTRIBUTION_DATE, "date", "Date", "Datum", .type = MT_FIELD_DATE,
      .flags = MT_FIELD_REQUIRED | MT_FIELD_IDENTITY),
    F(MT_CONTRIBUTION_ACTIVITY, "activity", "Activity", "Activiteit", REF_TO(ACTIVITY)),
    F(MT_CONTRIBUTION_BUDGET, "budget", "Budget", "Begroting", REF_TO(BUDGET)),
    F(MT_CONTRIBUTION_PUPILS, "pupils", "Pupils", "Leerlingen", .type = MT_FIELD_UINT,
      .max = 100000),
    F(MT_CONTRIBUTION_EVIDENCE, "evidence", "Evidence", "Bewijsstuk", .type = MT_FIELD_STR,
      .help = {"where the paper or file is", "waar het papier of bestand staat"}),
    F(MT_CONTRIBUTION_HASH, "evidence_hash", "Hash of the evidence", "Hash van het bewijsstuk",
      HASH),
    COMMON_STATUS(mt_vocab_status),
    COMMON_TEXT,
    COMMON_EXTERNAL,
    COMMON_CLAIM(CONTRIBUTION),
};

static const struct mt_field evaluation_fields[] = {
    F(MT_EVALUATION_SUBJECT, "subject", "Subject", "Onderwerp", REF_TO_ANY,
      .flags = MT_FIELD_REQUIRED | MT_FIELD_IDENTITY),
    F(MT_EVALUATION_SIDE, "side", "Side", "Kant", .type = MT_FIELD_ENUM, .vocab = &mt_vocab_sides,
      .flags = MT_FIELD_IDENTITY),
    F(MT_EVALUATION_SCORE, "score", "Score", "Cijfer", SCORE(10)),
    F(MT_EVALUATION_SCORE_CONTENT, "score_content", "Score for content", "Cijfer inhoud",
      SCORE(10)),
    F(MT_EVALUATION_SCORE_ORGANISATION, "score_organisation", "Score for organisation",
      "Cijfer organisatie", SCORE(10)),
    F(MT_EVALUATION_SUITABLE, "suitable", "Suitable for", "Geschikt voor", .type = MT_FIELD_TEXT),
    F(MT_EVALUATION_LEVEL, "level", "Level", "Leerweg", LEVELS),
    F(MT_EVALUATION_MECHANISMS, "mechanisms", "Learning mechanisms", "Leermechanismen",
      .type = MT_FIELD_ENUMS, .vocab = &mt_vocab_mechanisms),
    F(MT_EVALUATION_PLANNED, "planned", "Planned", "Gepland", .type = MT_FIELD_BOOL),
    F(MT_EVALUATION_KEPT, "kept", "Kept", "Nagekomen", .type = MT_FIELD_BOOL),
    COMMON_STATUS(mt_vocab_status),
    COMMON_TEXT,
    COMMON_EXTERNAL,
};

static const struct mt_field note_fields[] = {
    F(MT_NOTE_SUBJECT, "subject", "Subject", "Onderwerp", REF_TO_ANY, .flags = MT_FIELD_REQUIRED),
    F(MT_NOTE_REPLY_TO, "reply_to", "Reply to", "Antwoord op", REF_TO(NOTE)),
    F(MT_COMMON_TEXT, "text", "Text", "Tekst", .type = MT_FIELD_TEXT, .flags = MT_FIELD_REQUIRED,
      .help = {"no names of pupils", "geen namen van leerlingen"}),
};

static const struct mt_field body_fields[] = {
    F(MT_BODY_NAME, "name", "Name", "Naam", .type = MT_FIELD_STR, .max = MT_NAME_MAX,
      .flags = MT_FIELD_REQUIRED | MT_FIELD_IDENTITY),
    F(MT_BODY_TYPE, "type", "Type", "Soort", .type = MT_FIELD_ENUM, .vocab = &mt_vocab_body_types,
      .flags = MT_FIELD_REQUIRED | MT_FIELD_IDENTITY),
    F(MT_BODY_MEMBERS, "members", "Members", "Leden", REFS_TO(ORG)),
    F(MT_BODY_CONTACT, "contact", "Contact", "Contact", .type = MT_FIELD_STR, .max = 200),
    COMMON_STATUS(mt_vocab_status),
    COMMON_TEXT,
    COMMON_EXTERNAL,
};

static const struct mt_field meeting_fields[] = {
    F(MT_MEETING_TITLE, "title", "Title", "Titel", TITLE),
    F(MT_MEETING_BODY, "body", "Body", "Overleg", REF_TO(BODY), .flags = MT_FIELD_IDENTITY),
    F(MT_MEETING_DATE, "date", "Date", "Datum", .type = MT_FIELD_DATE,
      .flags = MT_FIELD_REQUIRED | MT_FIELD_IDENTITY),
    F(MT_MEETING_START, "start", "Start", "Van", .type = MT_FIELD_CLOCK,
      .flags = MT_FIELD_IDENTITY),
    F(MT_MEETING_END, "end", "End", "Tot", .type = MT_FIELD_CLOCK),
    F(MT_MEETING_HOST, "host", "Host", "Gastheer", REF_TO(ORG)),
    F(MT_MEETING_PLACE, "place", "Place", "Plaats", .type = MT_FIELD_STR),
    F(MT_MEETING_ADDRESS, "address", "Address", "Adres", .type = MT_FIELD_STR),
    F(MT_MEETING_AGENDA, "agenda", "Agenda", "Agenda", .type = MT_FIELD_TEXT),
    F(MT_MEETING_REPORT, "report", "Report", "Verslag", .type = MT_FIELD_TEXT),
    COMMON_STATUS(mt_vocab_activity_status),
    COMMON_REASON,
    COMMON_EXTERNAL,
};

static const struct mt_field insight_fields[] = {
    F(MT_INSIGHT_FACTOR, "factor", "Factor", "Factor", .type = MT_FIELD_ENUM,
      .vocab = &mt_vocab_factors, .flags = MT_FIELD_REQUIRED | MT_FIELD_IDENTITY),
    F(MT_INSIGHT_FINDING, "finding", "Finding", "Bevinding", .type = MT_FIELD_TEXT,
      .flags = MT_FIELD_REQUIRED | MT_FIELD_IDENTITY),
    F(MT_INSIGHT_SOURCE, "source", "Source", "Bron", .type = MT_FIELD_STR),
    F(MT_INSIGHT_DATE, "date", "Date", "Datum", .type = MT_FIELD_DATE, .flags = MT_FIELD_IDENTITY),
    COMMON_STATUS(mt_vocab_status),
    COMMON_EXTERNAL,
};

static const struct mt_field scan_fields[] = {
    F(MT_SCAN_YEAR, "year", "Year", "Jaar", .type = MT_FIELD_UINT, .min = 2000, .max = 2200,
      .flags = MT_FIELD_REQUIRED | MT_FIELD_IDENTITY),
    F(MT_SCAN_TEAM, "team", "Team", "Team", .type = MT_FIELD_STR, .max = 200,
      .flags = MT_FIELD_IDENTITY),
    F(MT_SCAN_URGENCY, "urgency", "Urgency", "Urgentie", SCORE(5)),
    F(MT_SCAN_SUPPORT, "support", "Support", "Draagvlak", SCORE(5)),
    F(MT_SCAN_CHANGE_SKILL, "change_skill", "Skill to change", "Veranderkundigheid", SCORE(5)),
    F(MT_SCAN_STRENGTHS, "strengths", "Strengths of both", "Kracht van beide",
      .type = MT_FIELD_TEXT,
      .help = {"what are we good at and what are companies good at",
               "waar zijn wij goed in en waar is het bedrijfsleven goed in"}),
    F(MT_SCAN_BARRIERS, "barriers", "Barriers", "Schotten", .type = MT_FIELD_TEXT,
      .help = {"what keeps school and companies apart, and what breaks it down",
               "wat scheidt school en bedrijf, en wat doorbreekt dat"}),
    F(MT_SCAN_LEARNING, "learning", "Learning from each other", "Van elkaar leren",
      .type = MT_FIELD_TEXT,
      .help = {"what do we learn in each other's shoes", "wat leren wij in elkaars schoenen"}),
    F(MT_SCAN_CHANGE, "change", "Change today", "Vandaag veranderen", .type = MT_FIELD_TEXT,
      .help = {"what must change today for tomorrow's lessons",
               "wat moet vandaag anders voor de les van morgen"}),
    COMMON_STATUS(mt_vocab_status),
    COMMON_EXTERNAL,
};

#endif
