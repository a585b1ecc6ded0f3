/* story: what is told with a fault in it, and what must be true afterwards.
 *
 * A scene has two organisations: `hit` has the fault, `other` has none. It is told in phases; before
 * each the driver says so in the shared struct fault. */
#ifndef MEENT_FAULTS_STORY_H
#define MEENT_FAULTS_STORY_H

#include "org.h"

enum { IDS_MAX = 16, WHY_SIZE = 1024, ID_SIZE = 40, IMPORTED = 40, TEXT_SIZE = 16384 };

struct scene;

/* One place where stories are told, and the story that is told there now. */
struct place {
    const struct tools *tools;
    char dir[PATH_SIZE], alone[PATH_SIZE], both[PATH_SIZE], control[PATH_SIZE];
    struct org esch, ding;
    struct org *hit, *other;
    struct fault *fault;
    /* what was confirmed */
    char ids[IDS_MAX][ID_SIZE];
    unsigned n_ids;
    bool initialised, founded, imported, approved;
    char number[16];
    struct mt_client_error error; /* of the last command that failed */
    unsigned refused;             /* commands that were not carried out while the daemon lived */
    int ended;                    /* of the faulty daemon */
    bool resumed; /* it did its work again without a restart, once the fault was gone */
    char why[WHY_SIZE];
    /* for the command */
    char csv[PATH_SIZE];
    unsigned client_runs;   /* since its daemon was started */
    char answer[TEXT_SIZE]; /* of a command that always answers the same */
};

struct scene {
    const char *name;
    const char *phases[FAULT_PHASES]; /* NULL after the last; the last is the stop */
    bool second_is_hit;               /* ding, not esch */
    bool both;                        /* begins as two members, else as whatever `alone` holds */
    void (*tell)(struct place *p);
    void (*sound)(struct place *p); /* after a restart without fault: adds to `why` */
    const char *const *argv; /* of the command that is hit, instead of a daemon; ends with NULL */
    bool same_answer;        /* it answers the same each time */
};

extern const struct scene scenes[];
extern const unsigned n_scenes;

/* Makes the directories that stories begin from. `number` tells places apart. */
void place_open(struct place *p, const struct tools *tools, const char *dir, unsigned number);
void place_close(struct place *p);

/* Tells one; what was wrong is in `why`, else that is empty. `plan` says what goes wrong. */
void story_run(struct place *p, const struct scene *scene, const struct fault_plan *plan);

/* The same for a command (client.c). */
void client_run(struct place *p, const struct scene *scene, const struct fault_plan *plan);

/* ---- for scenes ---- */

void put_back(struct place *p, bool both);
void story_reset(struct place *p, const struct fault_plan *plan, const char *dir);

void complain(struct place *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
void phase(struct place *p, unsigned n);
bool add(struct place *p, struct org *o, const char *title);
bool agree(struct place *p, unsigned ms);
bool is_member(struct org *o, unsigned ms);

#endif
