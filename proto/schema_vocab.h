/* schema_vocab: the vocabularies by name, for the tables of fields (layer 2). */
#ifndef MEENT_SCHEMA_VOCAB_H
#define MEENT_SCHEMA_VOCAB_H

#include "schema.h"

extern const struct mt_vocab mt_vocab_org_kinds;
extern const struct mt_vocab mt_vocab_schemes;
extern const struct mt_vocab mt_vocab_holiday_regions;
extern const struct mt_vocab mt_vocab_roles;
extern const struct mt_vocab mt_vocab_levels;
extern const struct mt_vocab mt_vocab_years;
extern const struct mt_vocab mt_vocab_profiles;
extern const struct mt_vocab mt_vocab_worlds;
extern const struct mt_vocab mt_vocab_themes;
extern const struct mt_vocab mt_vocab_forms;
extern const struct mt_vocab mt_vocab_intensities;
extern const struct mt_vocab mt_vocab_activity_types;
extern const struct mt_vocab mt_vocab_directions;
extern const struct mt_vocab mt_vocab_place_kinds;
extern const struct mt_vocab mt_vocab_units;
extern const struct mt_vocab mt_vocab_allocations;
extern const struct mt_vocab mt_vocab_decisions;
extern const struct mt_vocab mt_vocab_routes;
extern const struct mt_vocab mt_vocab_age_bands;
extern const struct mt_vocab mt_vocab_finders;
extern const struct mt_vocab mt_vocab_series_types;
extern const struct mt_vocab mt_vocab_period_types;
extern const struct mt_vocab mt_vocab_asset_types;
extern const struct mt_vocab mt_vocab_rate_types;
extern const struct mt_vocab mt_vocab_contribution_types;
extern const struct mt_vocab mt_vocab_sides;
extern const struct mt_vocab mt_vocab_mechanisms;
extern const struct mt_vocab mt_vocab_body_types;
extern const struct mt_vocab mt_vocab_factors;
extern const struct mt_vocab mt_vocab_status;
extern const struct mt_vocab mt_vocab_activity_status;
extern const struct mt_vocab mt_vocab_signup_status;
extern const struct mt_vocab mt_vocab_placement_status;

#endif
