/* clock: the only place where the daemon asks for the time (daemon layer 0). */
#ifndef MEENT_CLOCK_H
#define MEENT_CLOCK_H

#include "types.h"

/* The present moment. */
void mt_clock_now(struct mt_time *out);

/* Milliseconds of a clock that never goes back. */
uint64_t mt_clock_mono_ms(void);

#endif
