/* ctl_cmd_internal: what the files of ctl_cmd share. */
#ifndef MEENT_CTL_CMD_INTERNAL_H
#define MEENT_CTL_CMD_INTERNAL_H

#include "ctl_cmd.h"

enum {
    CMD_ROWS_MAX = 1024,              /* rows of one import call */
    CMD_GROUP_BYTES_MAX = 7 * 1024,   /* of changes that share an entry: reading one opens it all,
                                         and sealed it fits two pages of the store */
    CMD_CHANGE_MAX = MT_BOX_MAX - 64, /* bytes of one change */
};

/* One command being carried out. On the heap: a write is answered later. */
struct cmd {
    struct cmd *next; /* that waits, in order */
    struct mt_cmd_env own_env;
    const struct mt_cmd_env *env; /* own_env */
    struct cmd_import_mark *mark; /* of an import being written */
    const struct mt_node *node;
    unsigned access;
    struct mt_slice params;
    struct mt_node_info info;
    struct mt_query q;
    bool q_open;
    struct mt_writer out; /* the result; memory of MT_QUERY_RESULT_MAX bytes */
    char message[MT_QUERY_MESSAGE_MAX];
    enum mt_err (*finish)(struct cmd *c, const struct mt_reply *reply); /* NULL: out is ready */
    mt_cmd_done_fn done;
    void *done_arg;
};

typedef enum mt_err (*cmd_fn)(struct cmd *c);

struct cmd_method {
    const char *name;
    unsigned access;
    cmd_fn fn;
};

/* ---- ctl_cmd.c ---- */

/* Parameters by name. Text: empty when absent, of at most MT_STRING_MAX bytes. The functions with
 * `need` fail with MT_EINVALID when it is absent. Wrong types fail too; what failed is said. */
MT_MUST enum mt_err cmd_text(struct cmd *c, const char *key, struct mt_slice *out);
MT_MUST enum mt_err cmd_need(struct cmd *c, const char *key, struct mt_slice *out);
MT_MUST enum mt_err cmd_uint(struct cmd *c, const char *key, uint64_t max, uint64_t *out);
MT_MUST enum mt_err cmd_bool(struct cmd *c, const char *key, bool *out);

/* A map or array parameter as encoded; empty when absent. */
MT_MUST enum mt_err cmd_raw(struct cmd *c, const char *key, enum mt_wire_type type,
                            struct mt_slice *out);
MT_MUST enum mt_err cmd_kind(struct cmd *c, bool optional, const struct mt_kind **out);

/* Says what is wrong and returns `err`. */
#define cmd_say(c, err, ...) mt_query_say(&(c)->q, err, __VA_ARGS__)

/* Opens the command's query. Errors: MT_ESTATE (in no region), store errors. */
MT_MUST enum mt_err cmd_open(struct cmd *c);
void cmd_close(struct cmd *c);

/* Answers and frees the command. */
void cmd_end(struct cmd *c, enum mt_err err);

/* Gives the node a command; the caller is answered when it replies. Closes the query first, for
 * the store may be written at once. Returns MT_EAGAIN when it was taken: `c` may be gone then, and
 * the method returns that at once. */
MT_MUST enum mt_err cmd_submit(struct cmd *c, struct mt_command *command,
                               enum mt_err (*finish)(struct cmd *c, const struct mt_reply *reply));

/* Writes {"id": hex, "short": ...} as the result. */
void cmd_put_id(struct cmd *c, uint16_t kind, const struct mt_rid *id);

/* ---- changes to be written (ctl_cmd_draft.c) ---- */

/* Entries being put together. */
struct draft {
    struct mt_id audience; /* zeros: the region */
    uint8_t *bytes;        /* finished entries, one after the other */
    size_t n, cap;
    struct mt_slice *entries; /* offsets in `p` until they are written */
    size_t n_entries, cap_entries;
    uint8_t *group; /* changes of the entry that is being filled */
    size_t group_n, group_cap;
    uint32_t group_changes;
    enum mt_err err; /* the first error sticks */
};
void draft_init(struct draft *d, const struct mt_id *audience); /* NULL: the region */
void draft_free(struct draft *d);

/* Adds one change with the fields of `set`. Records of kinds marked personal get an entry each. */
void draft_add(struct draft *d, const struct mt_kind *kind, const struct mt_rid *id,
               const struct mt_fieldset *set);

/* Has it written; the result in `c->out` is the answer. Frees the draft. Returns as cmd_submit. */
MT_MUST enum mt_err draft_submit(struct draft *d, struct cmd *c);

/* Ends the last entry. Gives the entries as slices, valid until the draft is freed. */
MT_MUST enum mt_err draft_end(struct draft *d);

/* Values of a record being made or changed, encoded in memory of their own. */
struct values {
    struct mt_fieldset set;
    struct mt_writer w;
    uint8_t *memory;
};
MT_MUST enum mt_err values_init(struct values *v);
void values_free(struct values *v);

/* Keep single values. Errors stick in `v->w`. */
void values_uint(struct values *v, uint8_t no, uint64_t value);
void values_str(struct values *v, uint8_t no, struct mt_slice value);
void values_ref(struct values *v, uint8_t no, const struct mt_ref *ref);
void values_bin(struct values *v, uint8_t no, const void *p, size_t n);

/* Parses one field given as text. Errors: as mt_query_value. */
MT_MUST enum mt_err values_text(struct cmd *c, struct values *v, const struct mt_field *field,
                                struct mt_slice text, const struct mt_id *channel);

/* Parses a map of field names and texts. `skip_empty`: empty texts say nothing. */
MT_MUST enum mt_err values_fields(struct cmd *c, struct values *v, const struct mt_kind *kind,
                                  struct mt_slice fields, bool skip_empty,
                                  const struct mt_id *channel);

/* Leaves only those that differ from the record's, clearing only what is there. */
void values_changed(struct values *v, struct mt_slice fields);

/* Checks what the record would then say. `before`: its fields, empty for a new one.
 * Errors: MT_EINVALID, the message names the field. */
MT_MUST enum mt_err values_check(struct cmd *c, const struct values *v, const struct mt_kind *kind,
                                 struct mt_slice before);

/* Checks all fields of a record. Errors: as values_check. */
MT_MUST enum mt_err cmd_check_fields(struct cmd *c, const struct mt_kind *kind,
                                     struct mt_slice fields);

/* ---- the methods ---- */

enum mt_err cmd_ping(struct cmd *c);
enum mt_err cmd_status(struct cmd *c);
enum mt_err cmd_peer_list(struct cmd *c);
enum mt_err cmd_peer_ping(struct cmd *c);
enum mt_err cmd_log(struct cmd *c);
enum mt_err cmd_verify(struct cmd *c);
enum mt_err cmd_doctor(struct cmd *c);

enum mt_err cmd_init(struct cmd *c);
enum mt_err cmd_region_create(struct cmd *c);
enum mt_err cmd_region_show(struct cmd *c);
enum mt_err cmd_invite_create(struct cmd *c);
enum mt_err cmd_invite_list(struct cmd *c);
enum mt_err cmd_invite_revoke(struct cmd *c);
enum mt_err cmd_join(struct cmd *c);
enum mt_err cmd_join_cancel(struct cmd *c);
enum mt_err cmd_join_state(struct cmd *c);
enum mt_err cmd_member_list(struct cmd *c);
enum mt_err cmd_member_approve(struct cmd *c);

enum mt_err cmd_record_list(struct cmd *c);
enum mt_err cmd_record_show(struct cmd *c);
enum mt_err cmd_record_add(struct cmd *c);
enum mt_err cmd_record_edit(struct cmd *c);
enum mt_err cmd_activity_cancel(struct cmd *c);
enum mt_err cmd_import(struct cmd *c);

enum mt_err cmd_signup_add(struct cmd *c);
enum mt_err cmd_signup_withdraw(struct cmd *c);
enum mt_err cmd_answer_add(struct cmd *c);

enum mt_err cmd_placement_propose(struct cmd *c);
enum mt_err cmd_placement_accept(struct cmd *c);
enum mt_err cmd_placement_decline(struct cmd *c);

/* Refuses kinds that have methods of their own. (ctl_cmd_record.c) */
MT_MUST enum mt_err cmd_check_addable(struct cmd *c, const struct mt_kind *kind);

/* Answers a record between two parties; `v` was read for showing. (ctl_cmd_placement.c) */
MT_MUST enum mt_err cmd_answer_placement(struct cmd *c, const struct mt_view *v, unsigned decision,
                                         struct mt_slice reason);

/* Writes our answer to a subject, changing the one we gave before. (ctl_cmd_signup.c) */
MT_MUST enum mt_err cmd_write_answer(struct cmd *c, const struct mt_subject *subject,
                                     const struct mt_id *audience, unsigned decision,
                                     struct mt_slice reason);

/* Changes fields of a record of our own. `v` was read for showing. (ctl_cmd_record.c) */
MT_MUST enum mt_err cmd_change(struct cmd *c, const struct mt_view *v, struct values *values);

/* ---- imports on their way to the disk (ctl_cmd_import_turn.c) ---- */

/* Identities of records, with a number each. Zeros are none and are not kept. */
struct identities {
    struct {
        uint8_t identity[16];
        uint32_t number;
    } slots[2 * CMD_ROWS_MAX];
};
void identities_add(struct identities *set, const uint8_t identity[static 16], uint32_t number);
bool identities_find(const struct identities *set, const uint8_t identity[static 16],
                     uint32_t *number);

/* Notes that `c` is about to write records with these identities, until it is answered.
 * `orgs`: it enters organisations. */
MT_MUST enum mt_err cmd_import_mark(struct cmd *c, const struct identities *set, bool orgs);

/* True when an import being written may make what this one would make too. */
bool cmd_import_in_flight(const struct mt_cmd_shared *shared, const uint8_t identity[static 16]);
bool cmd_import_orgs_in_flight(const struct mt_cmd_shared *shared);

/* Has `c` tried again from the start when what is being written is durable. */
void cmd_import_wait(struct cmd *c);

/* Takes the mark away and lets those that wait go on. Called when the import was answered. */
void cmd_import_done(struct mt_cmd_shared *shared, struct cmd_import_mark *take_mark);

/* ---- status in pieces (ctl_cmd_health.c) ---- */

/* One array value: what is wrong or worth knowing. */
void cmd_put_health(struct cmd *c, struct mt_writer *w);
void cmd_put_peer(struct cmd *c, const struct mt_peer_info *peer, struct mt_writer *w);

/* {state, number, error} of joining. (ctl_cmd_identity.c) */
void cmd_put_join(const struct mt_node_info *info, struct mt_writer *w);

/* All peers. Owns: the caller, free(). NULL when there are none or no memory. */
struct mt_peer_info *cmd_peers(const struct cmd *c, size_t *n);

#endif
