/* help: overviews and the help of each command, made from the table and the schema. */
#ifndef MEENT_HELP_H
#define MEENT_HELP_H

#include "commands.h"

/* Puts out help: for a command, for all commands of a noun that was said without a verb, or with
 * neither the overview. */
void mt_help_show(struct mt_cli *cli, const struct mt_noun *noun, const struct mt_command *command);

/* A flag as people type it: its name, or in Dutch its first Dutch name. Owns: the caller. */
char *mt_flag_shown(const struct mt_flag *flag, enum mt_lang lang);

/* The flags every command takes. */
const struct mt_flag *mt_cli_global_flags(size_t *n);

#endif
