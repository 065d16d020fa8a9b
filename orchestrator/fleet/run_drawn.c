#include "orchestrator/fleet/run_drawn.h"

#include <stdio.h>

#include "common/log.h"
#include "orchestrator/options/distribution.h"

void run_drawn_find(struct drawn *drawn, const struct worker_run *run, uint64_t sent)
{
    struct err err = {.code = OK};
    if (workload_drawn(drawn, run->workload, sent, &err) != OK)
        log_line(LOG_WARNING, "the report does not tell what was drawn: %s", err.text);
    for (uint32_t i = 0; i < drawn->key_count; i++)
        distribution_format_keys(drawn->keys[i].order, sizeof drawn->keys[i].order,
                                 drawn->keys[i].wish);
    for (uint32_t i = 0; i < drawn->value_count; i++) {
        char size[DISTRIBUTION_SIZES_BYTES];
        distribution_format_sizes(size, sizeof size, drawn->values[i].wish);
        snprintf(drawn->values[i].size, sizeof drawn->values[i].size, "%.*s",
                 (int)DRAWN_WISH_BYTES - 1, size);
    }
}
