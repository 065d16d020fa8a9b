#include "orchestrator/fleet/segments.h"

uint64_t segments_total(const struct segments *segments, enum counter counter)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < segments->count; i++)
        sum += ipc_live_total(segments->each[i], counter);
    return sum;
}

uint64_t segments_failures(const struct segments *segments)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < segments->count; i++)
        sum += ipc_failures(segments->each[i]);
    return sum;
}

uint32_t segments_connections(const struct segments *segments)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < segments->count; i++)
        sum += ipc_live_connections(segments->each[i]);
    return sum;
}
