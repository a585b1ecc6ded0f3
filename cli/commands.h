/* commands: the one table of commands, and how words lead to them. */
#ifndef MEENT_COMMANDS_H
#define MEENT_COMMANDS_H

#include "cli.h"

/* The first word of a command. */
struct mt_noun {
    const char *name;
    const char *aliases;  /* '|' between; NULL: none */
    const char *verbs_of; /* the noun whose verbs may follow; NULL: its own */
    const char *fallback; /* command when no verb follows; NULL: help */
    bool takes_words;     /* what follows and is no verb belongs to the fallback */
    const char *group;    /* heading in the overview; NULL: not shown there */
    const char *summary;  /* NULL: that of the fallback */
};

const struct mt_noun *mt_nouns(size_t *n);
const struct mt_command *mt_commands(size_t *n);

/* Find by name or alias; NULL when there is none. `name` NULL gives NULL. */
const struct mt_noun *mt_noun_named(const char *word);
const struct mt_command *mt_command_named(const char *name);

/* The command that `noun` and the verb `word` (or its Dutch alias) make, or NULL. */
const struct mt_command *mt_command_of(const struct mt_noun *noun, const char *word);

/* The command probably meant by `word` after `noun` (NULL: as first word), or NULL.
 * Owns: the caller. */
char *mt_command_nearest(const struct mt_noun *noun, const char *word);

/* What each command does; one file per group. */
#define MT_COMMAND(name) enum mt_exit mt_cmd_##name(struct mt_cli *cli, const struct mt_args *args)
MT_COMMAND(init);
MT_COMMAND(region_create);
MT_COMMAND(region_show);
MT_COMMAND(invite_create);
MT_COMMAND(invite_list);
MT_COMMAND(invite_revoke);
MT_COMMAND(join);
MT_COMMAND(member_list);
MT_COMMAND(member_approve);
MT_COMMAND(org_list);
MT_COMMAND(org_show);
MT_COMMAND(org_edit);
MT_COMMAND(org_import);
MT_COMMAND(activity_list);
MT_COMMAND(menukaart);
MT_COMMAND(vragen);
MT_COMMAND(activity_show);
MT_COMMAND(activity_add);
MT_COMMAND(activity_edit);
MT_COMMAND(activity_cancel);
MT_COMMAND(activity_import);
MT_COMMAND(calendar_show);
MT_COMMAND(period_list);
MT_COMMAND(period_show);
MT_COMMAND(period_add);
MT_COMMAND(period_edit);
MT_COMMAND(period_import);
MT_COMMAND(contact_list);
MT_COMMAND(contact_show);
MT_COMMAND(contact_add);
MT_COMMAND(contact_edit);
MT_COMMAND(contact_import);
MT_COMMAND(signup_add);
MT_COMMAND(signup_list);
MT_COMMAND(signup_withdraw);
MT_COMMAND(answer);
MT_COMMAND(stageplek_add);
MT_COMMAND(stageplek_list);
MT_COMMAND(stageplek_show);
MT_COMMAND(stageplek_edit);
MT_COMMAND(placement_propose);
MT_COMMAND(placement_accept);
MT_COMMAND(placement_decline);
MT_COMMAND(placement_list);
MT_COMMAND(placement_show);
MT_COMMAND(placement_edit);
MT_COMMAND(peer_list);
MT_COMMAND(peer_ping);
MT_COMMAND(log);
MT_COMMAND(status);
MT_COMMAND(verify);
MT_COMMAND(doctor);
MT_COMMAND(completion);
MT_COMMAND(complete);
MT_COMMAND(help);

#endif
