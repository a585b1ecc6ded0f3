/* doctor: what the parts of the examination share. */
#ifndef MEENT_DOCTOR_H
#define MEENT_DOCTOR_H

#include "cli.h"

struct mt_doctor {
    struct mt_cli *cli;
    json_t *checks;
    size_t bad;
};

/* One line; takes over `take_text`. `hint` (a command to try) and `why` may be NULL. */
void mt_doctor_note(struct mt_doctor *d, const char *code, bool ok, char *take_text,
                    const char *hint, const char *why);

/* Why the daemon is not there: has meentd go through its start without starting, and explains what
 * it says. `config`: path of its configuration; NULL: the one beside the socket, else the one of
 * the system; nothing is tried when neither belongs to the socket. */
void mt_doctor_start(struct mt_doctor *d, const char *config);

#endif
