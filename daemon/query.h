/* query: reads for people, so that every client gets the same answer (daemon layer 4).
 *
 * A query is one short read of the store. It opens at most one record to show and one to look
 * something up at a time, each in memory of its own, and writes results in the form of the control
 * protocol: words, dates and ids as text. */
#ifndef MEENT_QUERY_H
#define MEENT_QUERY_H

#include "gov.h"
#include "store.h"

enum {
    MT_QUERY_PAGE_MAX = 500,           /* records of one answer */
    MT_QUERY_SHORT_MIN = 4,            /* digits of the shortest id shown or accepted */
    MT_QUERY_CANDIDATES_MAX = 8,       /* candidates an ambiguous name lists */
    MT_QUERY_RESULT_MAX = 1000 * 1024, /* bytes of one answer, so that it fits a message */
    MT_QUERY_MESSAGE_MAX = 1024,       /* bytes of an error's text */
};

struct mt_org_book;

/* The organisations as they were last read, kept between queries; zeroed at first. */
struct mt_org_cache {
    struct mt_org_book *book;
    uint64_t version, members; /* of the records and of the governance set it was made from */
};
void mt_org_cache_close(struct mt_org_cache *c);

/* Where a query reads and for whom. All borrowed until mt_query_close. */
struct mt_query_config {
    struct mt_store *store;
    const struct mt_keyring *keys;
    const struct mt_gov *gov;  /* NULL: no members are known */
    struct mt_org_cache *orgs; /* NULL: nothing is kept */
    struct mt_id region;       /* zeros: there is none, and nothing is found */
    struct mt_id org;          /* our own organisation */
    uint64_t wall_ms;
    bool personal; /* may records of pair channels be seen */
};

struct mt_query {
    struct mt_query_config config;
    struct mt_read read;
    uint32_t today;           /* day in Amsterdam */
    uint8_t *shown;           /* MT_BOX_MAX bytes: the record being shown */
    uint8_t *looked;          /* MT_BOX_MAX bytes: the one being looked up */
    struct mt_org_book *book; /* made when first needed */
    char *message;            /* MT_QUERY_MESSAGE_MAX bytes: what is wrong, for people */
    enum mt_err trouble;      /* of the first record that could not be read */
};

/* Opens a query; close it even on error. Errors: MT_ESTATE (no region), MT_ENOMEM, store errors. */
MT_MUST enum mt_err mt_query_open(struct mt_query *q, const struct mt_query_config *config,
                                  char message[static MT_QUERY_MESSAGE_MAX]);
void mt_query_close(struct mt_query *q);

/* Whether what was read is whole. A record that cannot be read is passed over where many are looked
 * at, so this must be asked before anything that was made of them is shown or written; also after
 * the query was closed. Errors: MT_ECORRUPT, other store errors. */
MT_MUST enum mt_err mt_query_trouble(struct mt_query *q);

/* Says what is wrong, as printf does, and returns `err`. A text that is there already stays. */
__attribute__((format(printf, 3, 4))) enum mt_err mt_query_say(struct mt_query *q, enum mt_err err,
                                                               const char *format, ...);

/* Bytes of `s`, at most `max`, that end between two characters. */
size_t mt_text_fit(struct mt_slice s, size_t max);

/* ---- reading (query.c) ---- */

struct mt_rows {
    uint64_t *p; /* from malloc */
    size_t n, cap, max;
    bool failed;
};

/* Collects the rows of an index. Free with mt_rows_free, also on error. Errors: MT_ENOMEM, store. */
MT_MUST enum mt_err mt_query_rows(struct mt_query *q, const struct mt_index_query *index,
                                  struct mt_rows *out);
MT_MUST enum mt_err mt_query_rows_max(struct mt_query *q, const struct mt_index_query *index,
                                      size_t max,
                                      struct mt_rows *out); /* at most the first `max` */
MT_MUST enum mt_err mt_query_rows_add(struct mt_query *q, const struct mt_index_query *index,
                                      struct mt_rows *rows); /* behind those there, up to max */
MT_MUST enum mt_err mt_rows_add(struct mt_rows *rows, uint64_t row); /* unless it is full */
void mt_rows_free(struct mt_rows *rows);

/* Rows of `kind` that refer to record `id`, over all audiences. */
MT_MUST enum mt_err mt_query_refs(struct mt_query *q, uint16_t kind, const struct mt_rid *id,
                                  struct mt_rows *out);

/* Read a row into the memory for showing or for looking up. */
MT_MUST enum mt_err mt_query_show(struct mt_query *q, uint64_t row, struct mt_view *out);
MT_MUST enum mt_err mt_query_look(struct mt_query *q, uint64_t row, struct mt_view *out);

/* Finds the record that a prefix of an id names, kind 0: any, and reads it for showing.
 * Errors: MT_ENOTFOUND (also of what is no id), MT_EAMBIGUOUS (the message lists the
 * candidates), MT_EDENIED (a channel's record and the caller may not see it). */
MT_MUST enum mt_err mt_query_prefix(struct mt_query *q, uint16_t kind, struct mt_slice hex,
                                    struct mt_view *out);

/* Digits of the shortest prefix that only this record of its kind has. */
size_t mt_query_short(struct mt_query *q, uint16_t kind, const struct mt_rid *id);

/* The record a reference in `from`'s audience names, read for looking up. */
MT_MUST enum mt_err mt_query_ref(struct mt_query *q, const struct mt_id *audience,
                                 const struct mt_ref *ref, struct mt_view *out);

/* ---- fields of a record (query_fields.c) ---- */

/* Fields by number. Values borrow the bytes they were loaded from. */
struct mt_fieldset {
    uint64_t mask;
    struct mt_slice v[MT_FIELDS_MAX];
};
void mt_fieldset_load(struct mt_fieldset *set, struct mt_slice map);
void mt_fieldset_set(struct mt_fieldset *set, uint8_t no, struct mt_slice value);
void mt_fieldset_drop(struct mt_fieldset *set, uint8_t no);
size_t mt_fieldset_count(const struct mt_fieldset *set);
void mt_fieldset_put(const struct mt_fieldset *set, struct mt_writer *w);
bool mt_value_is_nil(struct mt_slice value);

/* Single fields of a record; 0, empty or false when it is not there or of another type. */
uint64_t mt_field_uint(struct mt_slice fields, uint8_t no);
bool mt_field_has(struct mt_slice fields, uint8_t no);
struct mt_slice mt_field_str(struct mt_slice fields, uint8_t no);
bool mt_field_ref(struct mt_slice fields, uint8_t no, struct mt_ref *out);

/* The version of a record that an answer binds. Of a placement: without what is only set once it
 * was accepted (first name, status and its reason), so that setting these unbinds nothing. */
void mt_query_version(const struct mt_query *q, const struct mt_view *v, uint8_t out[static 32]);

/* First and last day of a thing (date to end date, week to end week, from to until). False when it
 * has none. */
bool mt_query_days(const struct mt_view *v, uint32_t *first, uint32_t *last);

/* ---- organisations (query_org.c) ---- */

/* One record about an organisation. */
struct mt_org {
    uint64_t row, created_ms;
    struct mt_id owner;
    struct mt_rid id;
    uint16_t kind;
    uint32_t shown_as; /* index of the record that stands for all with its identifiers */
    bool joined;       /* the organisation's own record */
    uint32_t name_hash, short_hash;
    size_t name_at, name_n;     /* in the book's text */
    size_t short_at, short_n;   /* short name */
    size_t idents_at, idents_n; /* identifiers as encoded */
};

struct mt_org_ident {
    uint64_t hash;
    uint32_t org;
};

struct mt_org_book {
    unsigned refs;
    struct mt_org *orgs; /* ascending by owner and id */
    size_t n, cap;
    struct mt_org_ident *idents; /* ascending by hash */
    size_t n_idents, cap_idents;
    uint8_t *text;
    size_t text_n, text_cap;
};

/* The organisations of the region, read when they changed. Errors: MT_ENOMEM, store. */
MT_MUST enum mt_err mt_query_book(struct mt_query *q);
void mt_org_book_unref(struct mt_org_book *book); /* NULL is fine */

struct mt_slice mt_org_name(const struct mt_org_book *book, const struct mt_org *org);
struct mt_slice mt_org_idents(const struct mt_org_book *book, const struct mt_org *org);
const struct mt_org *mt_org_find(const struct mt_org_book *book, const struct mt_id *owner,
                                 const struct mt_rid *id); /* or NULL */
const struct mt_org *mt_org_shown(const struct mt_org_book *book, const struct mt_org *org);

/* Organisations that share an identifier with the IDENTS value, at most `max`. */
size_t mt_org_with_idents(const struct mt_org_book *book, struct mt_slice idents,
                          const struct mt_org **out, size_t max);

/* Finds an organisation by what people type: number, name or id.
 * Errors: MT_ENOTFOUND, MT_EAMBIGUOUS (the message lists them). */
MT_MUST enum mt_err mt_query_org(struct mt_query *q, struct mt_slice text,
                                 const struct mt_org **out);

/* Reads bare and prefixed numbers ("02VA00", "02VA", "01234567", "kvk:01234567") as an IDENTS
 * value. False when the text is none. */
bool mt_query_ident(struct mt_slice text, struct mt_writer *out);

/* Name of a member by its root key; empty when unknown. */
struct mt_slice mt_query_member_name(const struct mt_query *q, const struct mt_id *org);

/* ---- text to values (query_resolve.c) ---- */

/* Encodes what people type for a field, references resolved by id, number or name. `channel`: the
 * other organisation when the record goes to a channel, else NULL.
 * Errors: MT_EINVALID, MT_ENOTFOUND, MT_EAMBIGUOUS; the message names the field. */
MT_MUST enum mt_err mt_query_value(struct mt_query *q, const struct mt_field *field,
                                   struct mt_slice text, const struct mt_id *channel,
                                   struct mt_writer *out);

/* The stable word for a reason, as in "not-date". */
const char *mt_text_err_code(enum mt_text_err err);

/* ---- writing results (query_put.c) ---- */

/* A map or array whose size is known at its end. */
struct mt_put {
    struct mt_writer *w;
    size_t at;
    uint32_t n;
};
void mt_put_map(struct mt_put *p, struct mt_writer *w);
void mt_put_map_end(struct mt_put *p);
void mt_put_array(struct mt_put *p, struct mt_writer *w);
void mt_put_array_end(struct mt_put *p);
struct mt_writer *mt_put_key(struct mt_put *p, const char *key);       /* then put one value */
void mt_put_str(struct mt_put *p, const char *key, const char *value); /* NULL: nil */
void mt_put_slice(struct mt_put *p, const char *key, struct mt_slice value);
void mt_put_uint(struct mt_put *p, const char *key, uint64_t value);
void mt_put_bool(struct mt_put *p, const char *key, bool value);
void mt_put_nil(struct mt_put *p, const char *key);
void mt_put_hex(struct mt_put *p, const char *key, const void *bytes, size_t n);
void mt_put_instant(struct mt_put *p, const char *key, uint64_t wall_ms); /* UTC; 0: nil */

/* {"id", "name"} of an organisation by its root key, and of a record by its reference. */
void mt_query_put_member(struct mt_query *q, const struct mt_id *org, struct mt_writer *w);
void mt_query_put_ref(struct mt_query *q, const struct mt_id *audience, const struct mt_ref *ref,
                      struct mt_writer *w);

/* Title or name of a record, whatever its kind has. */
struct mt_slice mt_query_title(const struct mt_view *v);

/* A whole record as shown; `detail` adds what only one record's view has (the sign-ups of an
 * activity). `v` was read for showing. */
void mt_query_put_record(struct mt_query *q, const struct mt_view *v, bool detail,
                         struct mt_writer *w);

/* A local moment with its offset, as in 2026-11-23T09:00:00+01:00. */
enum { MT_INSTANT_SIZE = 32 };
void mt_instant_local(uint32_t day, uint32_t minutes, char out[static MT_INSTANT_SIZE]);
void mt_instant_utc(uint64_t wall_ms, char out[static MT_INSTANT_SIZE]);

/* ---- answers, sign-ups and places (query_answer.c) ---- */

/* What is answered. */
struct mt_subject {
    uint32_t audience_no;
    struct mt_id owner;
    uint16_t kind;
    struct mt_rid id;
    uint8_t version[32];
};
void mt_query_subject(const struct mt_query *q, const struct mt_view *v, struct mt_subject *out);

struct mt_answer {
    bool found;
    bool current; /* of the version that stands */
    unsigned decision;
    uint64_t row, changed_ms;
    struct mt_stamp decided; /* the change that set the decision */
    struct mt_rid id;
    struct mt_id owner;
};

/* The answer to a subject by the first of `by` that gave one. Uses the memory for looking up. */
MT_MUST enum mt_err mt_query_answer(struct mt_query *q, const struct mt_subject *subject,
                                    const struct mt_id *by, size_t n_by, struct mt_answer *out);

/* One sign-up of an activity. `decision` is what counts: an acceptance beyond the capacity shows
 * as waiting. 0: not answered. */
struct mt_signup {
    uint64_t row;
    struct mt_subject subject;
    uint64_t need; /* places it takes */
    bool withdrawn;
    struct mt_answer answer;
    unsigned decision;
};

/* An activity and its sign-ups. */
struct mt_signups {
    struct mt_signup *p;
    size_t n;
    bool has_capacity, by_group;
    uint64_t capacity, accepted;
    struct mt_id by[2]; /* who may answer: the host that joined, then the owner */
    size_t n_by;
};

/* Free with mt_signups_free, also on error. Uses the memory for looking up. */
MT_MUST enum mt_err mt_query_signups(struct mt_query *q, const struct mt_view *activity,
                                     struct mt_signups *out);
void mt_signups_free(struct mt_signups *s);

/* Who may answer for an activity or a place: `by` holds 2. */
size_t mt_query_deciders(struct mt_query *q, const struct mt_view *v, struct mt_id *by);

/* Status of a placement as both sides see it: its own once it runs, else by the other's answer.
 * Static text. */
const char *mt_query_placement_status(struct mt_query *q, const struct mt_view *v,
                                      struct mt_answer *answer);

/* Accepted placements at a place, other than `except` (NULL: none), as far as readable here. */
MT_MUST enum mt_err mt_query_occupied(struct mt_query *q, const struct mt_ref *stageplek,
                                      const struct mt_rid *except, uint64_t *out);

/* ---- lists (query_list.c, query_filter.c) ---- */

struct mt_filter {
    const struct mt_field *field;
    struct mt_slice text;     /* as typed, for text fields */
    struct mt_slice value;    /* encoded, in the list's memory */
    const struct mt_org *org; /* of a field that refers to an organisation */
};

struct mt_list {
    const struct mt_kind *kind;
    struct mt_filter filters[MT_FIELDS_MAX];
    size_t n_filters;
    bool only_free, only_mine, newest_first;
    bool page_only;         /* rows are not looked at only to know the total */
    uint32_t from, until;   /* days; 0: open */
    struct mt_slice text;   /* searched for in any text, case-insensitive */
    struct mt_slice prefix; /* of the id; empty: any. With it nothing else counts but the limit */
    size_t limit, offset;   /* limit 0: a page */
    size_t at;              /* where to go on: `next` of an earlier answer; 0: from the start */
};

/* True when a record is one the list asks for. `free`, for activities and places, is computed. */
bool mt_query_matches(struct mt_query *q, const struct mt_list *list, const struct mt_view *v);

/* Writes {"records": [...], "total": n, "more": bool, "next": n or nil}. With `more` the total is
 * only what was found so far. With `next` the list goes on there, whether or not this page is full:
 * one call looks at a few thousand records at most. Errors: MT_ENOMEM, store. */
MT_MUST enum mt_err mt_query_list(struct mt_query *q, const struct mt_list *list,
                                  struct mt_writer *w);

/* Free places of an activity or a place. False when it has no capacity stated. `v` read for
 * showing. */
bool mt_query_free(struct mt_query *q, const struct mt_view *v, uint64_t *out);

/* Writes {"rows": [...]}: what was written lately, newest first. */
MT_MUST enum mt_err mt_query_log(struct mt_query *q, size_t limit, struct mt_writer *w);

/* A number that is equal for texts that mt_text_same calls the same. */
uint32_t mt_text_hash(struct mt_slice s);

/* True when `text` contains `part`, letters compared without case. */
bool mt_text_contains(struct mt_slice text, struct mt_slice part);

#endif
