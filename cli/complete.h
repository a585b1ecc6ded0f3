/* complete: what may stand at the end of a command line that is being typed. */
#ifndef MEENT_COMPLETE_H
#define MEENT_COMPLETE_H

#include "commands.h"

/* Puts out one candidate when it begins with what was typed: "word<TAB>description". */
void mt_complete_offer(struct mt_cli *cli, const char *typed, const char *word, const char *text);

/* The codes of a vocabulary with their labels. */
void mt_complete_vocab(struct mt_cli *cli, const char *typed, const struct mt_vocab *vocab);

/* Ids of records of a kind (0: sign-ups and placements, which are answered), names of
 * organisations; nothing when the daemon does not tell. */
void mt_complete_records(struct mt_cli *cli, const char *typed, uint16_t kind);

/* Names of what a method lists: invitations in that state (NULL: any), or peers. */
void mt_complete_invites(struct mt_cli *cli, const char *typed, const char *state);
void mt_complete_peers(struct mt_cli *cli, const char *typed);

#endif
