/* said: what the daemon says in English, in the user's language. */
#ifndef MEENT_SAID_H
#define MEENT_SAID_H

#include "lang.h"

/* The sentence translated, with the names and numbers in it; the daemon's own words when they are of
 * another version. `lang` also chooses the labels of fields. Owns: the caller.
 * Out: `*known` whether it is one of ours. */
char *mt_said(const char *english, enum mt_lang lang, bool *known);

#endif
