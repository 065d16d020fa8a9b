#include "worker/batches.h"

#include <stdlib.h>

bool batches_create(struct batches *batches, uint64_t most)
{
    uint32_t room = 1;
    while (room < most)
        room *= 2;
    *batches = (struct batches){.each = calloc(room, sizeof batches->each[0]), .mask = room - 1};
    return batches->each != NULL;
}

void batches_destroy(struct batches *batches)
{
    free(batches->each);
    batches->each = NULL;
}

void batches_clear(struct batches *batches)
{
    batches->count = batches->hybrid_count = 0;
}

bool batches_are_full(const struct batches *batches)
{
    return batches->count > batches->mask;
}

void batches_push(struct batches *batches, uint32_t batch)
{
    batches->each[(batches->first + batches->count++) & batches->mask] = batch;
    batches->hybrid_count += (batch & BATCH_DIRECT) == 0;
}

void batches_push_front(struct batches *batches, uint32_t batch)
{
    batches->first = (batches->first - 1) & batches->mask;
    batches->count++;
    batches->each[batches->first] = batch;
    batches->hybrid_count += (batch & BATCH_DIRECT) == 0;
}

bool batches_first_is_hybrid(const struct batches *batches)
{
    return (batches->each[batches->first] & BATCH_DIRECT) == 0;
}

uint32_t batches_take(struct batches *batches, uint32_t room)
{
    const uint32_t batch = batches->each[batches->first], count = batch & ~BATCH_DIRECT;
    if (count > room) {
        batches->each[batches->first] = batch - room;
        return room;
    }
    batches->first = (batches->first + 1) & batches->mask;
    batches->count--;
    batches->hybrid_count -= (batch & BATCH_DIRECT) == 0;
    return count;
}
