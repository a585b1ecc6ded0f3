#include "engine_load.h"

#include "keyfile.h"

static enum mt_err load_blob(void *node, const char *name, struct mt_slice bytes) {
    return mt_node_load_blob(node, name, bytes);
}

static enum mt_err load_item(void *node, const struct mt_id *id, struct mt_slice bytes) {
    return mt_node_load_item(node, id, bytes);
}

static enum mt_err load_chain(void *node, const struct mt_chain_info *chain,
                              const struct mt_head *head, uint64_t fork) {
    return mt_node_load_chain(node, chain, head, fork);
}

enum mt_err mt_engine_load(const struct mt_engine_config *config, const char *machine_id,
                           struct mt_node **node, struct mt_id *feed) {
    bool known = false;
    *node = NULL;
    enum mt_err err = mt_installation_read(config->installation, machine_id, &known, feed);
    if (err != MT_OK)
        return err;
    if (!known)
        *feed = (struct mt_id){{0}};
    struct mt_node_config node_config = {.announce = config->announce,
                                         .installation = known ? feed->b : NULL};
    config->random(&node_config.seed, sizeof node_config.seed);
    err = mt_node_new(node, &node_config);
    if (err == MT_OK)
        err = mt_store_load_blobs(config->store, load_blob, *node);
    if (err == MT_OK)
        err = mt_store_load_items(config->store, load_item, *node);
    if (err == MT_OK)
        err = mt_store_load_chains(config->store, load_chain, *node);
    return err;
}
