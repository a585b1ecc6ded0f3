/* records: what the commands of all kinds of records share: flags to fields, lists, one record. */
#ifndef MEENT_RECORDS_H
#define MEENT_RECORDS_H

#include "cli.h"
#include "table.h"

/* The words of a vocabulary in one line: labels in Dutch, where they are everyday words, and the
 * stable names in English. Owns: the caller. */
char *mt_words_of(const struct mt_vocab *vocab, enum mt_lang lang);

/* The stable code of a reason, as in "not-date", and back (MT_TEXT_OK: there is none). */
const char *mt_reason_code(enum mt_text_err err);
enum mt_text_err mt_reason_named(const char *code);

/* What is wrong with `text` as a value of `field`, for people. Owns: the caller. */
char *mt_reason(enum mt_text_err err, const struct mt_field *field, const char *text,
                enum mt_lang lang);

/* Collects the flags that set fields as {name: text}; a flag given several times makes a list.
 * With `complete`, required fields that are missing are asked for on a terminal, and are an error
 * elsewhere.
 * Out: `*fields`, owned by the caller, NULL on error. */
MT_MUST enum mt_exit mt_fields_given(struct mt_cli *cli, const struct mt_args *args,
                                     const struct mt_kind *kind, bool complete, json_t **fields);

/* Checks the value of a flag against a field. */
enum mt_exit mt_value_given(struct mt_cli *cli, const char *flag, const struct mt_field *field,
                            const char *text);

/* Reads a flag whose value is a day. Out: the day, left alone when the flag was not given. */
enum mt_exit mt_day_given(struct mt_cli *cli, const struct mt_args *args, const char *flag,
                          uint32_t *day);

/* Parameters of record.list from the flags: filters, text, mine, from, until, free, limit. */
MT_MUST enum mt_exit mt_list_params(struct mt_cli *cli, const struct mt_args *args,
                                    const char *kind, json_t **params);

/* Lists records, page after page, up to the "limit" in `params`. Takes over `params`.
 * Out: `*records`, an array owned by the caller. */
MT_MUST enum mt_exit mt_list(struct mt_cli *cli, json_t *take_params, json_t **records);

/* Both: lists what the flags ask for. Out: as mt_list. */
MT_MUST enum mt_exit mt_list_given(struct mt_cli *cli, const struct mt_args *args, const char *kind,
                                   json_t **records);

/* Prints `rows` as JSON, or as a table that `row` fills in; `empty` when there are none.
 * Takes over `rows`. */
typedef void mt_row_fn(struct mt_cli *cli, struct mt_table *t, const json_t *record);
enum mt_exit mt_show_rows(struct mt_cli *cli, json_t *take_rows, const struct mt_column *columns,
                          size_t n_columns, mt_row_fn *row, const char *empty);

/* Gets one record. Out: `*record`, owned by the caller. */
MT_MUST enum mt_exit mt_record(struct mt_cli *cli, const char *kind, const char *id,
                               json_t **record);

/* Prints the fields of a record that have a value, by the labels of `kind`. */
void mt_show_record(struct mt_cli *cli, const struct mt_kind *kind, const json_t *record);

/* Shows one record: its fields, or with --json all of it. */
MT_MUST enum mt_exit mt_show_one(struct mt_cli *cli, uint16_t kind, const char *id);

/* The label of an enum field's value, or the value itself. Borrowed. */
const char *mt_label(const struct mt_cli *cli, const struct mt_kind *kind, uint8_t field,
                     const json_t *record);

/* "15 jan 2027 – 22 jan 2027" of the fields from and until. Owns: the caller. */
char *mt_period_text(const struct mt_cli *cli, const json_t *record);

/* What was answered to a sign-up, or that it was withdrawn or waits. Borrowed. */
const char *mt_decision_label(const struct mt_cli *cli, const json_t *signup);

/* record.add and record.edit of a kind with the fields given as flags. In: `text` for people, with
 * the short id where %s stands, at most twice. */
MT_MUST enum mt_exit mt_add(struct mt_cli *cli, const struct mt_args *args, uint16_t kind,
                            const char *text);
MT_MUST enum mt_exit mt_edit(struct mt_cli *cli, const struct mt_args *args, uint16_t kind,
                             const char *id, const char *text);

#endif
