/* text: strings of people and of other organisations made fit for a terminal. */
#ifndef MEENT_TEXT_H
#define MEENT_TEXT_H

#include "types.h"

/* A copy of `text` in which nothing can steer a terminal or turn the reading order: control
 * characters, bidirectional overrides and invalid bytes are written out ("\x1b", "\u202e").
 * Line ends become spaces unless `lines` keeps them.
 * Owns: the caller, with free. Ends the command when there is no memory, as every function here. */
char *mt_text_safe(const char *text, bool lines);

/* Columns `text` takes on a terminal. */
int mt_text_width(const char *text);

/* A copy of `text` in at most `width` columns, the last an ellipsis when something was left out.
 * Letters are never parted from their combining marks. Owns: the caller. */
char *mt_text_shorten(const char *text, int width);

/* A copy folded to compare by: lower case, without marks, and every run of other characters a
 * single '-'. "Vraag/Aanbod" gives "vraag-aanbod". Owns: the caller. */
char *mt_text_fold(const char *text);

/* Number of edits (a letter more, less, other, or two swapped) between two words. */
unsigned mt_text_distance(const char *a, const char *b);

/* True when `near` edits are few enough to suggest one word for the other. */
bool mt_text_close(const char *word, unsigned edits);

/* printf into new memory. Owns: the caller. */
char *mt_text_format(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* strdup that ends the command without memory. */
char *mt_text_copy(const char *text);

/* Returns `p`, new memory; without any says so and ends the command, which holds nothing that would
 * be lost: what the daemon confirmed stays, and output is only written when it is whole. */
void *mt_must(void *p);

#endif
