/* schema_fields: numbers of fields and codes of words that code relies on (layer 2).
 *
 * Numbers are part of the format: they never change meaning and are never used again. Included by
 * schema.h; the tables that give them names and types are in schema_table_*.h. */
#ifndef MEENT_SCHEMA_FIELDS_H
#define MEENT_SCHEMA_FIELDS_H

/* The same in every kind that has them. */
enum mt_common_field {
    MT_COMMON_STATUS = 48,
    MT_COMMON_REASON = 49, /* of the status or the decision, shown to others */
    MT_COMMON_TEXT = 50,
    MT_COMMON_EXTERNAL = 51,    /* number in the system a record was imported from */
    MT_COMMON_REPLACES = 52,    /* claim: the new owner's record names the old one */
    MT_COMMON_REPLACED_BY = 53, /* and the old owner agrees */
};

enum mt_org_field {
    MT_ORG_NAME = 0,
    MT_ORG_KIND = 1,
    MT_ORG_IDENTIFIERS = 2,
    MT_ORG_PLACE = 3,
    MT_ORG_ADDRESS = 4,
    MT_ORG_POSTCODE = 5,
    MT_ORG_PHONE = 6,
    MT_ORG_WEBSITE = 7,
    MT_ORG_MUNICIPALITY = 8,
    MT_ORG_HOLIDAY_REGION = 9,
    MT_ORG_WORLDS = 10,
    MT_ORG_PROFILES = 11,
    MT_ORG_SHORT_NAME = 12,
    MT_ORG_MAIL = 13,
    MT_ORG_MEMBER = 14, /* root key of the joined organisation this record is about */
    MT_ORG_REPRESENTED_BY = 15,
    MT_ORG_RULES = 16, /* six points of preparation, each a text and the date it was written */
    MT_ORG_RULES_DATE = 17,
    MT_ORG_LANGUAGE = 18,
    MT_ORG_LANGUAGE_DATE = 19,
    MT_ORG_GOALS = 20,
    MT_ORG_GOALS_DATE = 21,
    MT_ORG_INTEREST = 22,
    MT_ORG_INTEREST_DATE = 23,
    MT_ORG_POSITION = 24,
    MT_ORG_POSITION_DATE = 25,
    MT_ORG_NETWORK = 26,
    MT_ORG_NETWORK_DATE = 27,
};

enum mt_represents_field {
    MT_REPRESENTS_ORG = 0,
    MT_REPRESENTS_BY = 1,
    MT_REPRESENTS_MANDATE = 2,
    MT_REPRESENTS_FROM = 3,
    MT_REPRESENTS_UNTIL = 4,
};

enum mt_contact_field {
    MT_CONTACT_NAME = 0,
    MT_CONTACT_FUNCTION = 1,
    MT_CONTACT_ROLES = 2,
    MT_CONTACT_MAIL = 3,
    MT_CONTACT_PHONE = 4,
    MT_CONTACT_ORG = 5,
    MT_CONTACT_SKILLS = 6,
    MT_CONTACT_AVAILABILITY = 7,
    MT_CONTACT_DEPUTY = 8,
    MT_CONTACT_WORLDS = 9,
    MT_CONTACT_PROFILES = 10,
    MT_CONTACT_CONFIRMED = 11,
};

enum mt_activity_field {
    MT_ACTIVITY_TITLE = 0,
    MT_ACTIVITY_TYPE = 1,
    MT_ACTIVITY_DIRECTION = 2,
    MT_ACTIVITY_HOST = 3,
    MT_ACTIVITY_WORLDS = 4,
    MT_ACTIVITY_PROFILES = 5,
    MT_ACTIVITY_LEVEL = 6,
    MT_ACTIVITY_YEAR = 7,
    MT_ACTIVITY_THEMES = 8,
    MT_ACTIVITY_FORM = 9,
    MT_ACTIVITY_INTENSITY = 10,
    MT_ACTIVITY_DATE = 11,
    MT_ACTIVITY_START = 12,
    MT_ACTIVITY_END = 13,
    MT_ACTIVITY_END_DATE = 14,
    MT_ACTIVITY_WEEK = 15,
    MT_ACTIVITY_END_WEEK = 16,
    MT_ACTIVITY_PLACE_KIND = 17,
    MT_ACTIVITY_PLACE = 18,
    MT_ACTIVITY_ADDRESS = 19,
    MT_ACTIVITY_POSTCODE = 20,
    MT_ACTIVITY_CAPACITY = 21,
    MT_ACTIVITY_UNIT = 22,
    MT_ACTIVITY_GROUP_SIZE = 23,
    MT_ACTIVITY_ALLOCATION = 24,
    MT_ACTIVITY_DEADLINE = 25,
    MT_ACTIVITY_CONTACT = 26,
    MT_ACTIVITY_CONTACT_REF = 27,
    MT_ACTIVITY_SERIES = 28,
    MT_ACTIVITY_PLANNED = 29,
    MT_ACTIVITY_COMPANY = 30,    /* the company a request is put to */
    MT_ACTIVITY_BUNDLES = 31,    /* requests that this one joins */
    MT_ACTIVITY_BUNDLED_IN = 32, /* the request that joins this one */
    MT_ACTIVITY_DESK = 33,       /* feed key of the installation that answers in order of arrival */
    MT_ACTIVITY_COMMITMENT = 34, /* hash of the host's secret for a lottery */
    MT_ACTIVITY_WITNESSES = 35,  /* organisations whose daemons reveal for a lottery */
};

enum mt_signup_field {
    MT_SIGNUP_ACTIVITY = 0,
    MT_SIGNUP_ASSET = 1,
    MT_SIGNUP_GROUP = 2,
    MT_SIGNUP_PUPILS = 3,
    MT_SIGNUP_PEOPLE = 4,
    MT_SIGNUP_ON_BEHALF_OF = 5,
    MT_SIGNUP_LEVEL = 6,
    MT_SIGNUP_YEAR = 7,
    MT_SIGNUP_DATE = 8,
    MT_SIGNUP_START = 9,
    MT_SIGNUP_END = 10,
    MT_SIGNUP_END_DATE = 11,
    MT_SIGNUP_PLACE = 12,
    MT_SIGNUP_CONTACT = 13,
    MT_SIGNUP_CONTACT_REF = 14,
    MT_SIGNUP_HOST_COMMITMENT = 15, /* the activity's commitment this sign-up was made under */
    MT_SIGNUP_COMMITMENT = 16,      /* hash of this side's random value for a lottery */
    MT_SIGNUP_REVEAL = 17,          /* that value, after the closing list */
};

enum mt_answer_field {
    MT_ANSWER_SUBJECT = 0,
    MT_ANSWER_DECISION = 1,
    MT_ANSWER_VERSION = 2, /* of the subject that was answered */
    MT_ANSWER_DESK = 3,    /* given by the desk installation itself */
};

enum mt_stageplek_field {
    MT_STAGEPLEK_TITLE = 0,
    MT_STAGEPLEK_TYPE = 1,
    MT_STAGEPLEK_HOST = 2,
    MT_STAGEPLEK_FROM = 3,
    MT_STAGEPLEK_UNTIL = 4,
    MT_STAGEPLEK_CAPACITY = 5,
    MT_STAGEPLEK_PLACE = 6,
    MT_STAGEPLEK_ADDRESS = 7,
    MT_STAGEPLEK_POSTCODE = 8,
    MT_STAGEPLEK_RADIUS = 9,
    MT_STAGEPLEK_CONTACT = 10,
    MT_STAGEPLEK_CONTACT_REF = 11,
    MT_STAGEPLEK_MENTOR = 12,
    MT_STAGEPLEK_MENTOR_REF = 13,
    MT_STAGEPLEK_RECOGNITION = 14,
    MT_STAGEPLEK_CREBO = 15,
    MT_STAGEPLEK_VERIFIED = 16,
    MT_STAGEPLEK_AGE_BAND = 17,
    MT_STAGEPLEK_WORLDS = 18,
    MT_STAGEPLEK_PROFILES = 19,
    MT_STAGEPLEK_LEVEL = 20,
    MT_STAGEPLEK_HOURS = 21,
    MT_STAGEPLEK_OCCUPIED = 22, /* a count; who is there never leaves the pair channel */
};

enum mt_placement_field {
    MT_PLACEMENT_STAGEPLEK = 0,
    MT_PLACEMENT_PSEUDONYM = 1,
    MT_PLACEMENT_FIRST_NAME = 2,
    MT_PLACEMENT_LEVEL = 3,
    MT_PLACEMENT_ROUTE = 4,
    MT_PLACEMENT_FROM = 5,
    MT_PLACEMENT_UNTIL = 6,
    MT_PLACEMENT_HOURS = 7,
    MT_PLACEMENT_SCHOOL_MENTOR = 8,
    MT_PLACEMENT_COMPANY_MENTOR = 9,
    MT_PLACEMENT_FOUND_BY = 10,
    MT_PLACEMENT_SCHOOL = 11,
    MT_PLACEMENT_COMPANY = 12,
    MT_PLACEMENT_RETENTION = 13,
    MT_PLACEMENT_AGE_BAND = 14,
    MT_PLACEMENT_YEAR = 15,
    MT_PLACEMENT_PROFILE = 16,
    MT_PLACEMENT_AGREED_BY = 17,
    MT_PLACEMENT_AGREED_ON = 18,
    MT_PLACEMENT_PARENT_AGREES = 19,
    MT_PLACEMENT_PARENT_DATE = 20,
    MT_PLACEMENT_PARENT_PAPER = 21,
    MT_PLACEMENT_GROUND = 22,
};

enum mt_endpoint_field {
    MT_ENDPOINT_FEED = 0,
    MT_ENDPOINT_ADDRESSES = 1,
};

enum mt_series_field {
    MT_SERIES_TITLE = 0,
    MT_SERIES_TYPE = 1,
    MT_SERIES_HOST = 2,
    MT_SERIES_ACTIVITIES = 3,
    MT_SERIES_WORLDS = 4,
    MT_SERIES_PROFILES = 5,
    MT_SERIES_LEVEL = 6,
    MT_SERIES_YEAR = 7,
    MT_SERIES_THEMES = 8,
    MT_SERIES_FROM = 9,
    MT_SERIES_UNTIL = 10,
};

enum mt_period_field {
    MT_PERIOD_TITLE = 0,
    MT_PERIOD_TYPE = 1,
    MT_PERIOD_HOST = 2,
    MT_PERIOD_FROM = 3,
    MT_PERIOD_UNTIL = 4,
    MT_PERIOD_LEVEL = 5,
    MT_PERIOD_YEAR = 6,
    MT_PERIOD_PROFILES = 7,
};

enum mt_draw_field {
    MT_DRAW_ACTIVITY = 0,
    MT_DRAW_LIST = 1, /* the closing list: sign-ups in the order they are numbered */
    MT_DRAW_CLOSED = 2,
    MT_DRAW_SECRET = 3,
    MT_DRAW_SEED = 4,
    MT_DRAW_RESULT = 5, /* sign-ups in the order drawn */
};

enum mt_asset_field {
    MT_ASSET_TITLE = 0,
    MT_ASSET_TYPE = 1,
    MT_ASSET_HOST = 2,
    MT_ASSET_COUNT = 3,
    MT_ASSET_PLACE = 4,
    MT_ASSET_ADDRESS = 5,
    MT_ASSET_POSTCODE = 6,
    MT_ASSET_WORLDS = 7,
    MT_ASSET_PROFILES = 8,
    MT_ASSET_FROM = 9,
    MT_ASSET_UNTIL = 10,
    MT_ASSET_CONTACT = 11,
    MT_ASSET_CONTACT_REF = 12,
    MT_ASSET_CONDITIONS = 13,
};

enum mt_agreement_field {
    MT_AGREEMENT_TITLE = 0,
    MT_AGREEMENT_PARTIES = 1,
    MT_AGREEMENT_PURPOSE_SCHOOL = 2,
    MT_AGREEMENT_PURPOSE_COMPANY = 3,
    MT_AGREEMENT_FROM = 4,
    MT_AGREEMENT_UNTIL = 5,
    MT_AGREEMENT_DOCUMENT = 6,
    MT_AGREEMENT_HASH = 7,
};

enum mt_budget_field {
    MT_BUDGET_TITLE = 0,
    MT_BUDGET_YEAR = 1,
    MT_BUDGET_AMOUNT = 2,
    MT_BUDGET_DENOMINATOR = 3, /* what the rule's percentage is taken of, when not the amount */
    MT_BUDGET_PERCENT = 4,
    MT_BUDGET_SOURCE = 5,
};

enum mt_rate_field {
    MT_RATE_TYPE = 0,
    MT_RATE_AMOUNT = 1,
    MT_RATE_PERCENT = 2,
    MT_RATE_FROM = 3,
    MT_RATE_SOURCE = 4,
};

enum mt_contribution_field {
    MT_CONTRIBUTION_TITLE = 0,
    MT_CONTRIBUTION_TYPE = 1,
    MT_CONTRIBUTION_HOST = 2,
    MT_CONTRIBUTION_AMOUNT = 3,
    MT_CONTRIBUTION_MINUTES = 4,
    MT_CONTRIBUTION_RATE = 5,
    MT_CONTRIBUTION_DATE = 6,
    MT_CONTRIBUTION_ACTIVITY = 7,
    MT_CONTRIBUTION_BUDGET = 8,
    MT_CONTRIBUTION_PUPILS = 9,
    MT_CONTRIBUTION_EVIDENCE = 10,
    MT_CONTRIBUTION_HASH = 11,
};

enum mt_evaluation_field {
    MT_EVALUATION_SUBJECT = 0,
    MT_EVALUATION_SIDE = 1,
    MT_EVALUATION_SCORE = 2,
    MT_EVALUATION_SCORE_CONTENT = 3,
    MT_EVALUATION_SCORE_ORGANISATION = 4,
    MT_EVALUATION_SUITABLE = 5,
    MT_EVALUATION_LEVEL = 6,
    MT_EVALUATION_MECHANISMS = 7,
    MT_EVALUATION_PLANNED = 8,
    MT_EVALUATION_KEPT = 9,
};

enum mt_note_field {
    MT_NOTE_SUBJECT = 0,
    MT_NOTE_REPLY_TO = 1,
};

enum mt_body_field {
    MT_BODY_NAME = 0,
    MT_BODY_TYPE = 1,
    MT_BODY_MEMBERS = 2,
    MT_BODY_CONTACT = 3,
};

enum mt_meeting_field {
    MT_MEETING_TITLE = 0,
    MT_MEETING_BODY = 1,
    MT_MEETING_DATE = 2,
    MT_MEETING_START = 3,
    MT_MEETING_END = 4,
    MT_MEETING_HOST = 5,
    MT_MEETING_PLACE = 6,
    MT_MEETING_ADDRESS = 7,
    MT_MEETING_AGENDA = 8,
    MT_MEETING_REPORT = 9,
};

enum mt_insight_field {
    MT_INSIGHT_FACTOR = 0,
    MT_INSIGHT_FINDING = 1,
    MT_INSIGHT_SOURCE = 2,
    MT_INSIGHT_DATE = 3,
};

enum mt_scan_field {
    MT_SCAN_YEAR = 0,
    MT_SCAN_TEAM = 1,
    MT_SCAN_URGENCY = 2,
    MT_SCAN_SUPPORT = 3,
    MT_SCAN_CHANGE_SKILL = 4,
    MT_SCAN_STRENGTHS = 5,
    MT_SCAN_BARRIERS = 6,
    MT_SCAN_LEARNING = 7,
    MT_SCAN_CHANGE = 8,
};

enum mt_attendance_field {
    MT_ATTENDANCE_PLACEMENT = 0,
    MT_ATTENDANCE_DATE = 1,
    MT_ATTENDANCE_MINUTES = 2,
    MT_ATTENDANCE_RETENTION = 3,
};

enum mt_visit_field {
    MT_VISIT_PLACEMENT = 0,
    MT_VISIT_DATE = 1,
    MT_VISIT_BY = 2,
    MT_VISIT_REPORT = 3,
    MT_VISIT_NEXT_STEP = 4,
    MT_VISIT_NEXT_DATE = 5,
    MT_VISIT_RETENTION = 6,
};

enum mt_pnote_field {
    MT_PNOTE_SUBJECT = 0,
    MT_PNOTE_REPLY_TO = 1,
    MT_PNOTE_RETENTION = 2,
};

/* Codes of words. A status that is absent is the first one of its vocabulary. */
enum mt_org_kind {
    MT_ORG_VMBO = 1,
    MT_ORG_PRO = 2,
    MT_ORG_VO = 3,
    MT_ORG_MBO = 4,
    MT_ORG_HBO = 5,
    MT_ORG_PO = 6,
    MT_ORG_INSTITUTION = 7,
    MT_ORG_COMMUNITY = 8,
    MT_ORG_COMPANY = 9,
    MT_ORG_LEERBEDRIJF = 10,
    MT_ORG_BEDRIJFSSCHOOL = 11,
    MT_ORG_BRANCH = 12,
    MT_ORG_GOVERNMENT = 13, /* a municipality */
    MT_ORG_INTERMEDIARY = 14,
    MT_ORG_STAGEBUREAU = 15,
};

enum mt_scheme {
    MT_SCHEME_BRIN = 1,
    MT_SCHEME_BRIN_LOCATION = 2,
    MT_SCHEME_KVK = 3,
    MT_SCHEME_KVK_LOCATION = 4,
    MT_SCHEME_RSIN = 5,
    MT_SCHEME_OIN = 6,
    MT_SCHEME_LEERBEDRIJF = 7,
    MT_SCHEME_RIO = 8,
};

enum mt_record_status { MT_STATUS_ACTIVE = 1, MT_STATUS_ENDED = 2 };

enum mt_activity_status {
    MT_ACTIVITY_OPEN = 1,
    MT_ACTIVITY_CANCELLED = 2,
    MT_ACTIVITY_POSTPONED = 3,
    MT_ACTIVITY_DONE = 4,
};

enum mt_signup_status { MT_SIGNUP_ACTIVE = 1, MT_SIGNUP_WITHDRAWN = 2 };

enum mt_placement_status {
    MT_PLACEMENT_PROPOSED = 1,
    MT_PLACEMENT_RUNNING = 2,
    MT_PLACEMENT_FINISHED = 3,
    MT_PLACEMENT_STOPPED = 4,
};

enum mt_direction { MT_DIRECTION_OFFER = 1, MT_DIRECTION_REQUEST = 2 };
enum mt_unit { MT_UNIT_PUPILS = 1, MT_UNIT_GROUPS = 2 };

enum mt_allocation {
    MT_ALLOCATION_HOST = 1,
    MT_ALLOCATION_FIRST_COME = 2,
    MT_ALLOCATION_LOTTERY = 3,
};

enum mt_decision {
    MT_DECISION_ACCEPTED = 1,
    MT_DECISION_DECLINED = 2,
    MT_DECISION_WAITING = 3,
    MT_DECISION_SIGNED = 4,
};

#endif
