/* engine_load: the node as the store holds it (daemon layer 3). */
#ifndef MEENT_ENGINE_LOAD_H
#define MEENT_ENGINE_LOAD_H

#include "engine.h"

/* Makes a node and gives it what the store has. Out: the feed that the installation file names, zeros
 * when it names none. Owns: the caller, mt_node_free, of what `node` holds even after an error.
 * Errors: those of mt_engine_new. */
MT_MUST enum mt_err mt_engine_load(const struct mt_engine_config *config, const char *machine_id,
                                   struct mt_node **node, struct mt_id *feed);

#endif
