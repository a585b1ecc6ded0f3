/* schema_table_org: fields of organisations and the people who speak for them (layer 2).
 *
 * Included by schema_kinds.c alone. F and COMMON_* are defined there. */
#ifndef MEENT_SCHEMA_TABLE_ORG_H
#define MEENT_SCHEMA_TABLE_ORG_H

/* One of the six points of preparation: a text and the day it was written. */
#define POINT(no, name_, en, nl, help_en, help_nl)                                                 \
    F(no, name_, en, nl, .type = MT_FIELD_TEXT, .help = {help_en, help_nl}),                       \
        F(no##_DATE, name_ "_date", en " (date)", nl " (datum)", .type = MT_FIELD_DATE)

static const struct mt_field org_fields[] = {
    F(MT_ORG_NAME, "name", "Name", "Naam", .type = MT_FIELD_STR,
      .flags = MT_FIELD_REQUIRED | MT_FIELD_IDENTITY, .max = MT_NAME_MAX,
      .csv = "organisatie|organisation|bedrijfsnaam|schoolnaam|vestigingsnaam"),
    F(MT_ORG_KIND, "kind", "Kind", "Soort", .type = MT_FIELD_ENUM, .vocab = &mt_vocab_org_kinds,
      .flags = MT_FIELD_REQUIRED, .csv = "type|soort organisatie",
      .help = {"vmbo, company, leerbedrijf, branch …", "vmbo, company, leerbedrijf, branch …"}),
    F(MT_ORG_IDENTIFIERS, "identifiers", "Identifiers", "Nummers", .type = MT_FIELD_IDENTS,
      .vocab = &mt_vocab_schemes, .flags = MT_FIELD_IDENTITY,
      .help = {"scheme:value, as in kvk:01234567", "stelsel:waarde, zoals kvk:01234567"}),
    F(MT_ORG_PLACE, "place", "Place", "Plaats", .type = MT_FIELD_STR, .csv = "plaatsnaam|town"),
    F(MT_ORG_ADDRESS, "address", "Address", "Adres", .type = MT_FIELD_STR),
    F(MT_ORG_POSTCODE, "postcode", "Postcode", "Postcode", .type = MT_FIELD_STR, .max = 16),
    F(MT_ORG_PHONE, "phone", "Phone", "Telefoon", .type = MT_FIELD_STR, .max = 40,
      .csv = "telefoonnummer",
      .help = {"of the organisation, not of a person", "van de organisatie, niet van iemand"}),
    F(MT_ORG_WEBSITE, "website", "Website", "Website", .type = MT_FIELD_STR,
      .csv = "internetadres"),
    F(MT_ORG_MUNICIPALITY, "municipality", "Municipality", "Gemeente", .type = MT_FIELD_STR,
      .csv = "gemeentenaam"),
    F(MT_ORG_HOLIDAY_REGION, "holiday_region", "Holiday region", "Vakantieregio",
      .type = MT_FIELD_ENUM, .vocab = &mt_vocab_holiday_regions),
    F(MT_ORG_WORLDS, "worlds", "Worlds", "Werelden", WORLDS, .csv = "wereld|world"),
    F(MT_ORG_PROFILES, "profiles", "Profiles", "Profielen", PROFILES, .csv = "profiel|profile"),
    F(MT_ORG_SHORT_NAME, "short_name", "Short name", "Korte naam", .type = MT_FIELD_STR, .max = 40),
    F(MT_ORG_MAIL, "mail", "Mail", "E-mail", .type = MT_FIELD_STR, .max = 254,
      .csv = "email|mailadres"),
    F(MT_ORG_MEMBER, "member", "Member", "Lid", ID32),
    F(MT_ORG_REPRESENTED_BY, "represented_by", "Represented by", "Vertegenwoordigd door",
      REF_TO(ORG)),
    POINT(MT_ORG_RULES, "rules", "Rules", "Regelgeving", "rules the others should know",
          "regels die de ander moet kennen"),
    POINT(MT_ORG_LANGUAGE, "language", "Language", "Taal", "words we use and what they mean",
          "woorden die wij gebruiken en wat ze betekenen"),
    POINT(MT_ORG_GOALS, "goals", "Goals", "Doelstellingen", "what we are for",
          "waar wij voor zijn"),
    POINT(MT_ORG_INTEREST, "interest", "Interest", "Belang", "why we work together",
          "waarom wij samenwerken"),
    POINT(MT_ORG_POSITION, "position", "Position", "Positie",
          "who decides what in our organisation", "wie bij ons waarover beslist"),
    POINT(MT_ORG_NETWORK, "network", "Network", "Netwerk", "whom we can bring along",
          "wie wij kunnen meebrengen"),
    COMMON_STATUS(mt_vocab_status),
    COMMON_TEXT,
    COMMON_EXTERNAL,
    COMMON_CLAIM(ORG),
};
#undef POINT

static const struct mt_field represents_fields[] = {
    F(MT_REPRESENTS_ORG, "org", "Organisation", "Organisatie", REF_TO(ORG),
      .flags = MT_FIELD_REQUIRED | MT_FIELD_IDENTITY),
    F(MT_REPRESENTS_BY, "by", "Represented by", "Vertegenwoordigd door", REF_TO(ORG),
      .flags = MT_FIELD_IDENTITY),
    F(MT_REPRESENTS_MANDATE, "mandate", "Mandate", "Mandaat", .type = MT_FIELD_BOOL,
      .help = {"may it promise things in their name", "mag het namens hen iets toezeggen"}),
    F(MT_REPRESENTS_FROM, "from", "From", "Vanaf", .type = MT_FIELD_DATE),
    F(MT_REPRESENTS_UNTIL, "until", "Until", "Tot en met", .type = MT_FIELD_DATE),
    COMMON_STATUS(mt_vocab_status),
    COMMON_TEXT,
    COMMON_EXTERNAL,
};

static const struct mt_field contact_fields[] = {
    F(MT_CONTACT_NAME, "name", "Name", "Naam", .type = MT_FIELD_STR,
      .flags = MT_FIELD_REQUIRED | MT_FIELD_PERSONAL | MT_FIELD_IDENTITY, .max = MT_NAME_MAX),
    F(MT_CONTACT_FUNCTION, "function", "Function", "Functie", .type = MT_FIELD_STR),
    F(MT_CONTACT_ROLES, "roles", "Roles", "Rollen", .type = MT_FIELD_ENUMS,
      .vocab = &mt_vocab_roles, .csv = "rol|role"),
    F(MT_CONTACT_MAIL, "mail", "Mail", "E-mail", .type = MT_FIELD_STR, .max = 254,
      .flags = MT_FIELD_PERSONAL, .csv = "email|mailadres", .help = {"at work", "op het werk"}),
    F(MT_CONTACT_PHONE, "phone", "Phone", "Telefoon", .type = MT_FIELD_STR, .max = 40,
      .flags = MT_FIELD_PERSONAL, .csv = "telefoonnummer", .help = {"at work", "op het werk"}),
    F(MT_CONTACT_ORG, "org", "Organisation", "Organisatie", REF_TO(ORG),
      .flags = MT_FIELD_IDENTITY),
    F(MT_CONTACT_SKILLS, "skills", "Skills", "Vaardigheden", .type = MT_FIELD_STRS),
    F(MT_CONTACT_AVAILABILITY, "availability", "Availability", "Beschikbaarheid",
      .type = MT_FIELD_TEXT),
    F(MT_CONTACT_DEPUTY, "deputy", "Deputy", "Vervanger", REF_TO(CONTACT)),
    F(MT_CONTACT_WORLDS, "worlds", "Worlds", "Werelden", WORLDS),
    F(MT_CONTACT_PROFILES, "profiles", "Profiles", "Profielen", PROFILES),
    F(MT_CONTACT_CONFIRMED, "confirmed", "Confirmed on", "Bevestigd op", .type = MT_FIELD_DATE),
    COMMON_STATUS(mt_vocab_status),
    COMMON_TEXT,
    COMMON_EXTERNAL,
};

static const struct mt_field endpoint_fields[] = {
    F(MT_ENDPOINT_FEED, "feed", "Installation", "Installatie", ID32),
    F(MT_ENDPOINT_ADDRESSES, "addresses", "Addresses", "Adressen", .type = MT_FIELD_STRS,
      .flags = MT_FIELD_PREPARED, .max = MT_ADDRESS_MAX),
};

#endif
