/* store_prepare: what of a peer's run can be found out before the transaction that takes it in
 * (layer 1). Runs on a thread of its own while another batch is being committed. */
#ifndef MEENT_STORE_PREPARE_H
#define MEENT_STORE_PREPARE_H

#include "store.h"

/* Where the chains end that were prepared last, and room to check a run in. One thread's own. */
struct mt_prepare;

/* Errors: MT_ENOMEM. Borrows the store; touches only what is constant in it. */
MT_MUST enum mt_err mt_prepare_new(struct mt_prepare **out, const struct mt_store *s);
void mt_prepare_free(struct mt_prepare *p); /* NULL is fine */

/* Checks the run of a job, opens its boxes and works out what its changes bring. Leaves `prepared`
 * NULL when the run does not continue what is known here, does not verify, or memory is short:
 * applying it then finds out all of it again, and says what is wrong. */
void mt_prepare_run(struct mt_prepare *p, struct mt_run_job *job);

#endif
