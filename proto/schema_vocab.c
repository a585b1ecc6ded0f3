#include "schema_vocab.h"

/* code, name, English label, Dutch label, further spellings */
#define W(code, name, en, nl, aliases)                                                             \
    { code, name, {en, nl}, aliases }
#define VOCAB(id, name_, rows)                                                                     \
    const struct mt_vocab mt_vocab_##id = {.name = name_, .entries = rows, .n = MT_ARRAY_LEN(rows)}

/* ---- organisations and people ---- */

static const struct mt_vocab_entry org_kinds[] = {
    W(MT_ORG_VMBO, "vmbo", "Vmbo school", "Vmbo-school", NULL),
    W(MT_ORG_PRO, "pro", "Practical education", "Praktijkonderwijs", "praktijkschool"),
    W(MT_ORG_VO, "vo", "Secondary school", "School voor voortgezet onderwijs",
      "voortgezet onderwijs|school"),
    W(MT_ORG_MBO, "mbo", "Mbo college", "Mbo-instelling", "roc|vakcollege"),
    W(MT_ORG_HBO, "hbo", "University of applied sciences", "Hogeschool", NULL),
    W(MT_ORG_PO, "po", "Primary school", "Basisschool", "primair onderwijs"),
    W(MT_ORG_INSTITUTION, "institution", "Care or societal institution",
      "Zorg- of maatschappelijke instelling", "instelling|zorginstelling"),
    W(MT_ORG_COMMUNITY, "community", "Citizens' initiative", "Burgerinitiatief",
      "burgers|gebiedscoöperatie|cooperatie|coöperatie"),
    W(MT_ORG_COMPANY, "company", "Company", "Bedrijf", NULL),
    W(MT_ORG_LEERBEDRIJF, "leerbedrijf", "Recognised training company", "Leerbedrijf",
      "erkend leerbedrijf"),
    W(MT_ORG_BEDRIJFSSCHOOL, "bedrijfsschool", "Company school", "Bedrijfsschool", NULL),
    W(MT_ORG_BRANCH, "branch", "Branch association", "Branchevereniging",
      "branche|brancheorganisatie"),
    W(MT_ORG_GOVERNMENT, "municipality", "Municipality", "Gemeente", NULL),
    W(MT_ORG_INTERMEDIARY, "intermediary", "Intermediary", "Intermediair", NULL),
    W(MT_ORG_STAGEBUREAU, "stagebureau", "Placement bureau", "Stagebureau", NULL),
};
VOCAB(org_kinds, "org_kinds", org_kinds);

static const struct mt_vocab_entry schemes[] = {
    W(MT_SCHEME_BRIN, "brin", "BRIN number", "BRIN-nummer", "instellingscode"),
    W(MT_SCHEME_BRIN_LOCATION, "brin-vestiging", "BRIN location", "BRIN-vestiging",
      "vestigingscode|brin location number"),
    W(MT_SCHEME_KVK, "kvk", "Chamber of Commerce number", "KvK-nummer", NULL),
    W(MT_SCHEME_KVK_LOCATION, "kvk-vestiging", "Chamber of Commerce location", "KvK-vestiging",
      "vestigingsnummer|kvk-vestigingsnummer"),
    W(MT_SCHEME_RSIN, "rsin", "RSIN", "RSIN-nummer", NULL),
    W(MT_SCHEME_OIN, "oin", "OIN", "OIN-nummer", NULL),
    W(MT_SCHEME_LEERBEDRIJF, "leerbedrijf", "Training company id", "Leerbedrijf-ID",
      "leerbedrijf-nummer"),
    W(MT_SCHEME_RIO, "rio", "RIO", "RIO-nummer", NULL),
};
VOCAB(schemes, "schemes", schemes);

static const struct mt_vocab_entry holiday_regions[] = {
    W(1, "noord", "North", "Noord", NULL),
    W(2, "midden", "Centre", "Midden", NULL),
    W(3, "zuid", "South", "Zuid", NULL),
};
VOCAB(holiday_regions, "holiday_regions", holiday_regions);

static const struct mt_vocab_entry roles[] = {
    W(1, "bedrijfscontactpersoon", "Company contact", "Bedrijfscontactpersoon", NULL),
    W(2, "relatiemanager", "Relations manager", "Relatiemanager", NULL),
    W(3, "techniekmakelaar", "Technology broker", "Techniekmakelaar", NULL),
    W(4, "mentor", "Mentor", "Mentor", NULL),
    W(5, "praktijkbegeleider", "Workplace supervisor", "Praktijkbegeleider", NULL),
    W(6, "gastdocent", "Guest teacher", "Gastdocent", NULL),
    W(7, "hybride_docent", "Hybrid teacher", "Hybride docent", NULL),
};
VOCAB(roles, "roles", roles);

/* ---- education ---- */

/* vmbo "bbl" (a level) and mbo "BBL" (working and learning) differ, so neither word is accepted. */
static const struct mt_vocab_entry levels[] = {
    W(1, "BB", "Vmbo basic", "Basisberoepsgericht", "vmbo-b|vmbo bb|basis"),
    W(2, "KB", "Vmbo middle", "Kaderberoepsgericht", "vmbo-k|vmbo kb|kader"),
    W(3, "GL", "Vmbo combined", "Gemengde leerweg", "vmbo-g|vmbo gl|gemengd"),
    W(4, "TL", "Vmbo theoretical", "Theoretische leerweg", "vmbo-t|vmbo tl|mavo|theoretisch"),
    W(5, "PRO", "Practical education", "Praktijkonderwijs", NULL),
    W(6, "entree", "Mbo entry level", "Mbo entree", "entreeopleiding|mbo 1|niveau 1"),
    W(7, "mbo2", "Mbo level 2", "Mbo niveau 2", "2|mbo 2|niveau 2"),
    W(8, "mbo3", "Mbo level 3", "Mbo niveau 3", "3|mbo 3|niveau 3"),
    W(9, "mbo4", "Mbo level 4", "Mbo niveau 4", "4|mbo 4|niveau 4"),
    W(10, "hbo", "Hbo", "Hbo", NULL),
};
VOCAB(levels, "levels", levels);

static const struct mt_vocab_entry years[] = {
    W(1, "1", "Year 1", "Leerjaar 1", "klas 1|jaar 1"),
    W(2, "2", "Year 2", "Leerjaar 2", "klas 2|jaar 2"),
    W(3, "3", "Year 3", "Leerjaar 3", "klas 3|jaar 3"),
    W(4, "4", "Year 4", "Leerjaar 4", "klas 4|jaar 4"),
};
VOCAB(years, "years", years);

static const struct mt_vocab_entry profiles[] = {
    W(1, "BWI", "Building, living and interior", "Bouwen, wonen en interieur", NULL),
    W(2, "PIE", "Producing, installing and energy", "Produceren, installeren en energie", NULL),
    W(3, "M&T", "Mobility and transport", "Mobiliteit en transport", "M en T|MT"),
    W(4, "MVI", "Media, design and ICT", "Media, vormgeving en ICT", NULL),
    W(5, "MaT", "Maritime and technology", "Maritiem en techniek", NULL),
    W(6, "Z&W", "Care and welfare", "Zorg en welzijn", "Z en W|ZW"),
    W(7, "E&O", "Economics and business", "Economie en ondernemen", "E en O|EO"),
    W(8, "HBR", "Catering, baking and recreation", "Horeca, bakkerij en recreatie", NULL),
    W(9, "GROEN", "Green", "Groen", NULL),
    W(10, "D&P", "Services and products", "Dienstverlening en producten", "D en P|DP"),
};
VOCAB(profiles, "profiles", profiles);

static const struct mt_vocab_entry worlds[] = {
    W(1, "health", "People & Health", "Mens & Gezondheid", "mens en gezondheid"),
    W(2, "energy", "Energy, Water & Safety", "Energie, Water & Veiligheid",
      "energie, water en veiligheid"),
    W(3, "food", "Food & Nature", "Voeding & Natuur", "voeding en natuur"),
    W(4, "living", "Living, Working & Traffic", "Wonen, Werken & Verkeer",
      "wonen, werken en verkeer"),
    W(5, "design", "Design, Production & World Trade", "Ontwerp, Productie & Wereldhandel",
      "ontwerp, productie en wereldhandel"),
    W(6, "digital", "Digital, Media & Entertainment", "Digitaal, Media & Entertainment",
      "digitaal, media en entertainment"),
    W(7, "hitech", "Hi-tech & Science", "Hi-tech & Science", "hi-tech en science|hightech"),
};
VOCAB(worlds, "worlds", worlds);

static const struct mt_vocab_entry themes[] = {
    W(1, "quality", "Quality", "Kwaliteit", "1"),
    W(2, "education", "Education and innovation", "Onderwijs en innovatie", "2"),
    W(3, "chain", "Working together in the chain", "Samenwerking in de keten", "3"),
    W(4, "professionalisation", "Professionalisation", "Professionalisering", "4"),
    W(5, "inflow", "Inflow and promotion", "Instroom en promotie", "5"),
};
VOCAB(themes, "themes", themes);

/* ---- activities ---- */

static const struct mt_vocab_entry forms[] = {
    W(1, "school_in_company", "School in the company", "School in het bedrijf", "1"),
    W(2, "shared_environment", "Shared learning and work environment",
      "Gezamenlijke leerwerkomgeving", "2|hybride leeromgeving"),
    W(3, "company_in_school", "Company in the school", "Bedrijf in de school", "3"),
    W(4, "company_projects", "Company projects", "Bedrijfsprojecten", "4"),
    W(5, "school_and_intermediary", "School and intermediary", "School en intermediair", "5"),
};
VOCAB(forms, "forms", forms);

static const struct mt_vocab_entry intensities[] = {
    W(1, "list", "List only", "Alleen een lijst", "1"),
    W(2, "fixed_contacts", "Fixed contacts", "Vaste contactpersonen", "2"),
    W(3, "guest_teachers", "Guest teachers", "Gastdocenten", "3"),
    W(4, "projects", "Projects together", "Samen projecten", "4"),
    W(5, "back_and_forth", "Back and forth", "Heen en weer", "5"),
    W(6, "integrated", "Integrated", "Geïntegreerd", "6|geintegreerd"),
};
VOCAB(intensities, "intensities", intensities);

static const struct mt_vocab_entry activity_types[] = {
    W(1, "gastles", "Guest lesson", "Gastles", "gastlessen"),
    W(2, "masterclass", "Masterclass", "Masterclass", NULL),
    W(3, "workshop", "Workshop", "Workshop", NULL),
    W(4, "excursie", "Excursion", "Excursie", NULL),
    W(5, "rondleiding", "Guided tour", "Rondleiding", NULL),
    W(6, "bedrijfsbezoek", "Company visit", "Bedrijfsbezoek", NULL),
    W(7, "bedrijvenmarkt", "Company fair", "Bedrijvenmarkt", NULL),
    W(8, "open_dag", "Open day", "Open dag", "opendag"),
    W(9, "techniekfestival", "Technology festival", "Techniekfestival", NULL),
    W(10, "belevingsdag", "Experience day", "Belevingsdag", NULL),
    W(11, "ouderavond", "Parents' evening", "Ouderavond", NULL),
    W(12, "on_stage", "On stage", "On stage", "onstage"),
    W(13, "carrousel", "Carousel", "Carrousel", NULL),
    W(14, "keuzevak", "Elective", "Keuzevak", NULL),
    W(15, "project", "Project", "Project", NULL),
    W(16, "maatjesproject", "Buddy project", "Maatjesproject", NULL),
    W(17, "opdracht", "Assignment", "Opdracht", NULL),
    W(18, "docentenstage", "Teacher placement", "Docentenstage", NULL),
    W(19, "nascholing", "In-service training", "Nascholing", NULL),
    W(20, "curriculumontwikkeling", "Curriculum development", "Curriculumontwikkeling", NULL),
    W(21, "hybride_docent", "Hybrid teacher", "Hybride docent", NULL),
    W(22, "scholing", "Training", "Scholing", NULL),
    W(23, "bijeenkomst", "Meeting", "Bijeenkomst", NULL),
    W(24, "materiaal", "Material", "Materiaal", NULL),
    W(25, "faciliteit", "Facility", "Faciliteit", NULL),
    W(26, "anders", "Other", "Anders", "overig"),
};
VOCAB(activity_types, "activity_types", activity_types);

static const struct mt_vocab_entry directions[] = {
    W(MT_DIRECTION_OFFER, "offer", "Offer", "Aanbod", NULL),
    W(MT_DIRECTION_REQUEST, "request", "Request", "Vraag", NULL),
};
VOCAB(directions, "directions", directions);

static const struct mt_vocab_entry place_kinds[] = {
    W(1, "company", "At the company", "Bedrijf", "bij het bedrijf"),
    W(2, "school", "At school", "School", "op school"),
    W(3, "neutral", "Neutral place", "Neutraal", "neutrale plek"),
};
VOCAB(place_kinds, "place_kinds", place_kinds);

static const struct mt_vocab_entry units[] = {
    W(MT_UNIT_PUPILS, "pupils", "Pupils", "Leerlingen", "leerling|pupil"),
    W(MT_UNIT_GROUPS, "groups", "Groups", "Groepen", "groep|group"),
};
VOCAB(units, "units", units);

static const struct mt_vocab_entry allocations[] = {
    W(MT_ALLOCATION_HOST, "host", "The host decides", "Gastheer beslist", "gastheer"),
    W(MT_ALLOCATION_FIRST_COME, "first_come", "First come, first served",
      "Op volgorde van aanmelding", "volgorde"),
    W(MT_ALLOCATION_LOTTERY, "lottery", "Lottery", "Loting", NULL),
};
VOCAB(allocations, "allocations", allocations);

static const struct mt_vocab_entry decisions[] = {
    W(MT_DECISION_ACCEPTED, "accepted", "Accepted", "Geaccepteerd", "akkoord|ja|yes|accept"),
    W(MT_DECISION_DECLINED, "declined", "Declined", "Afgewezen", "nee|no|decline"),
    W(MT_DECISION_WAITING, "waiting", "Waiting list", "Wachtlijst", "wait"),
    W(MT_DECISION_SIGNED, "signed", "Signed", "Ondertekend", "getekend|sign"),
};
VOCAB(decisions, "decisions", decisions);

static const struct mt_vocab_entry series_types[] = {
    W(1, "lessons", "Lesson series", "Lessenserie", NULL),
    W(2, "leerlijn", "Learning line", "Leerlijn", NULL),
    W(3, "lob", "Career orientation", "LOB-programma", "loopbaanoriëntatie"),
    W(4, "keuzevak", "Elective", "Keuzevak", NULL),
};
VOCAB(series_types, "series_types", series_types);

static const struct mt_vocab_entry period_types[] = {
    W(1, "stageperiode", "Placement period", "Stageperiode", NULL),
    W(2, "toetsweek", "Test week", "Toetsweek", NULL),
    W(3, "blocked", "Blocked", "Geblokkeerd", "niet beschikbaar"),
    W(4, "preferred", "Preferred", "Voorkeur", NULL),
};
VOCAB(period_types, "period_types", period_types);

static const struct mt_vocab_entry asset_types[] = {
    W(1, "room", "Room", "Ruimte", "lokaal"),
    W(2, "machine", "Machine", "Machine", NULL),
    W(3, "material", "Material on loan", "Materiaal", NULL),
};
VOCAB(asset_types, "asset_types", asset_types);

/* ---- placements ---- */

static const struct mt_vocab_entry routes[] = {
    W(1, "leerwerktraject-basis", "Work-learning route (basic)", "Leerwerktraject basis",
      "leerwerktraject"),
    W(2, "entree", "Entry-level programme", "Entree-opleiding", NULL),
    W(3, "vakmanschapsroute", "Craftsmanship route", "Vakmanschapsroute", NULL),
    W(4, "beroepsroute", "Vocational route", "Beroepsroute", NULL),
    W(5, "snuffelstage", "Taster placement", "Snuffelstage", NULL),
    W(6, "maatschappelijk", "Community placement", "Maatschappelijke stage", NULL),
    W(7, "bpv-bbl", "Mbo work-based (BBL)", "Bpv bbl (mbo)", NULL),
    W(8, "bpv-bol", "Mbo school-based (BOL)", "Bpv bol (mbo)", NULL),
    W(9, "docentenstage", "Teacher placement", "Docentenstage", NULL),
};
VOCAB(routes, "routes", routes);

static const struct mt_vocab_entry age_bands[] = {
    W(1, "12-13", "12 or 13 years", "12 of 13 jaar", NULL),
    W(2, "14-15", "14 or 15 years", "14 of 15 jaar", NULL),
    W(3, "16-17", "16 or 17 years", "16 of 17 jaar", NULL),
    W(4, "18+", "18 years or older", "18 jaar of ouder", "18"),
};
VOCAB(age_bands, "age_bands", age_bands);

static const struct mt_vocab_entry finders[] = {
    W(1, "school", "School", "School", NULL),
    W(2, "pupil", "Pupil", "Leerling", NULL),
};
VOCAB(finders, "finders", finders);

/* ---- money, quality, meetings ---- */

static const struct mt_vocab_entry rate_types[] = {
    W(1, "company_supervision", "Supervision by a company, per hour",
      "Begeleiding door bedrijf, per uur", NULL),
    W(2, "school_staff", "School staff, per hour", "Schoolpersoneel, per uur", NULL),
    W(3, "supervision_norm", "Share of the hours that is supervised", "Begeleid deel van de uren",
      "begeleidingsnorm"),
};
VOCAB(rate_types, "rate_types", rate_types);

static const struct mt_vocab_entry contribution_types[] = {
    W(1, "cash", "Cash", "Geld", NULL),
    W(2, "hours", "Hours", "Uren", NULL),
    W(3, "goods", "Goods", "Goederen", "materiaal"),
    W(4, "facility", "Facility", "Faciliteit", NULL),
};
VOCAB(contribution_types, "contribution_types", contribution_types);

static const struct mt_vocab_entry sides[] = {
    W(1, "school", "School", "School", NULL),
    W(2, "company", "Company", "Bedrijf", NULL),
};
VOCAB(sides, "sides", sides);

static const struct mt_vocab_entry mechanisms[] = {
    W(1, "identification", "Identification", "Identificatie", NULL),
    W(2, "coordination", "Coordination", "Coördinatie", "coordinatie"),
    W(3, "reflection", "Reflection", "Reflectie", NULL),
    W(4, "transformation", "Transformation", "Transformatie", NULL),
};
VOCAB(mechanisms, "mechanisms", mechanisms);

static const struct mt_vocab_entry body_types[] = {
    W(1, "stuurgroep", "Steering group", "Stuurgroep", NULL),
    W(2, "werkgroep", "Working group", "Werkgroep", "projectgroep"),
    W(3, "klankbord", "Sounding board", "Klankbordgroep", NULL),
    W(4, "adviesraad", "Advisory council", "Adviesraad", NULL),
    W(5, "branchetafel", "Branch table", "Branchetafel", NULL),
};
VOCAB(body_types, "body_types", body_types);

static const struct mt_vocab_entry factors[] = {
    W(1, "demographic", "Demographic", "Demografisch", NULL),
    W(2, "economic", "Economic", "Economisch", NULL),
    W(3, "social", "Social", "Sociaal-cultureel", "sociaal"),
    W(4, "technological", "Technological", "Technologisch", NULL),
    W(5, "ecological", "Ecological", "Ecologisch", NULL),
    W(6, "political", "Political", "Politiek-juridisch", "politiek"),
};
VOCAB(factors, "factors", factors);

/* ---- states: the first one holds when none is stated ---- */

static const struct mt_vocab_entry status[] = {
    W(MT_STATUS_ACTIVE, "active", "Active", "Actief", NULL),
    W(MT_STATUS_ENDED, "ended", "Ended", "Beëindigd", "beeindigd"),
};
VOCAB(status, "status", status);

static const struct mt_vocab_entry activity_status[] = {
    W(MT_ACTIVITY_OPEN, "open", "Open", "Open", NULL),
    W(MT_ACTIVITY_CANCELLED, "cancelled", "Cancelled", "Geannuleerd", "afgezegd|vervallen"),
    W(MT_ACTIVITY_POSTPONED, "postponed", "Postponed", "Uitgesteld", NULL),
    W(MT_ACTIVITY_DONE, "done", "Done", "Uitgevoerd", "geweest"),
};
VOCAB(activity_status, "activity_status", activity_status);

static const struct mt_vocab_entry signup_status[] = {
    W(MT_SIGNUP_ACTIVE, "active", "Active", "Actief", NULL),
    W(MT_SIGNUP_WITHDRAWN, "withdrawn", "Withdrawn", "Ingetrokken", NULL),
};
VOCAB(signup_status, "signup_status", signup_status);

static const struct mt_vocab_entry placement_status[] = {
    W(MT_PLACEMENT_PROPOSED, "proposed", "Proposed", "Voorgesteld", NULL),
    W(MT_PLACEMENT_RUNNING, "running", "Running", "Loopt", NULL),
    W(MT_PLACEMENT_FINISHED, "finished", "Finished", "Afgerond", NULL),
    W(MT_PLACEMENT_STOPPED, "stopped", "Stopped", "Gestopt", "afgebroken"),
};
VOCAB(placement_status, "placement_status", placement_status);

static const struct mt_vocab *const all[] = {
    &mt_vocab_org_kinds,
    &mt_vocab_schemes,
    &mt_vocab_holiday_regions,
    &mt_vocab_roles,
    &mt_vocab_levels,
    &mt_vocab_years,
    &mt_vocab_profiles,
    &mt_vocab_worlds,
    &mt_vocab_themes,
    &mt_vocab_forms,
    &mt_vocab_intensities,
    &mt_vocab_activity_types,
    &mt_vocab_directions,
    &mt_vocab_place_kinds,
    &mt_vocab_units,
    &mt_vocab_allocations,
    &mt_vocab_decisions,
    &mt_vocab_series_types,
    &mt_vocab_period_types,
    &mt_vocab_asset_types,
    &mt_vocab_routes,
    &mt_vocab_age_bands,
    &mt_vocab_finders,
    &mt_vocab_rate_types,
    &mt_vocab_contribution_types,
    &mt_vocab_sides,
    &mt_vocab_mechanisms,
    &mt_vocab_body_types,
    &mt_vocab_factors,
    &mt_vocab_status,
    &mt_vocab_activity_status,
    &mt_vocab_signup_status,
    &mt_vocab_placement_status,
};

const struct mt_vocab *const *mt_schema_vocabs(size_t *n) {
    *n = MT_ARRAY_LEN(all);
    return all;
}
