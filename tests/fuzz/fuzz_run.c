/* Run messages: without a valid signature nothing passes, whatever the bytes. */
#include "feed.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct mt_run_entry entries[MT_RUN_ENTRIES_MAX];
    static uint8_t arena[MT_RUN_ARENA];
    static const struct mt_id region = {{1}}, feed = {{2}};
    struct mt_head before = {0};
    struct mt_run run;
    struct mt_id chain;
    uint64_t first;
    uint8_t previous16[16];
    uint32_t n;
    struct mt_slice in = mt_slice(data, size);
    if (mt_run_peek(in, &chain, &first, previous16, &n) == MT_OK && n > MT_RUN_ENTRIES_MAX)
        abort();
    if (mt_run_check(in, &region, &feed, &before, entries, arena, &run) == MT_OK)
        abort();
    return 0;
}
