/* engine_log: what the node wants to be known, as a line of the log (part of engine). */
#ifndef MEENT_ENGINE_LOG_H
#define MEENT_ENGINE_LOG_H

#include "node.h"

/* Writes the line: information when nothing is wrong, else a warning, and an error for our own bugs. */
void mt_engine_log(const struct mt_log_line *l);

#endif
