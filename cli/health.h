/* health: what the daemon says is wrong or worth knowing, in the user's language. */
#ifndef MEENT_HEALTH_H
#define MEENT_HEALTH_H

#include <jansson.h>
#include <stdbool.h>

/* Each takes one {level, code, text, hint, name, n} of the status. Codes of later versions keep the
 * daemon's English. Owns, where a text is returned: the caller, with free. */

/* The sentence, safe for the terminal. */
char *mt_health_text(const json_t *line);

/* What to try, often a command; empty when there is nothing to do. */
char *mt_health_hint(const json_t *line);

/* What is behind it and what it leads to, translated; NULL when nothing is known. Borrowed. */
const char *mt_health_why(const json_t *line);

/* True when it only says how far this organisation is, as the head of the status does. */
bool mt_health_is_state(const json_t *line);

#endif
