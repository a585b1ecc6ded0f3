/* lang: which language to speak, and gettext set up for it whatever locales the machine has. */
#ifndef MEENT_LANG_H
#define MEENT_LANG_H

#include "schema.h"

#include <libintl.h>

#define _(text)  gettext(text)
#define N_(text) text

/* Chooses from `flag` (the value of --lang or NULL), MEENT_LANG, LC_ALL, LC_MESSAGES, LANG: the
 * first that is set decides, and a language we do not have is English.
 * Out: false when `flag` names no language we have. */
bool mt_lang_choose(const char *flag, enum mt_lang *out);

/* Makes gettext speak `lang`. Texts come from a "locale" folder beside the program (a build that
 * is not installed), else from where it was installed. */
void mt_lang_use(enum mt_lang lang);

#endif
