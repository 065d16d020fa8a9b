#include "orchestrator/traffic/client_numbers.h"

#include <stdlib.h>

#include "common/rng.h"

#define FIRST_ROOM 1024u

/* Names are told apart by 64 bits: of a million clients two fall together once in 36 million recordings. */
static uint64_t hash_name(const char *name, size_t name_bytes)
{
    uint64_t hash = name_bytes;
    for (size_t i = 0; i < name_bytes; i++)
        hash = rng_mix(hash ^ (uint64_t)(unsigned char)name[i]) + 0x9e3779b97f4a7c15ull;
    return hash != 0 ? hash : 1;
}

static struct client_slot *find_slot(struct client_slot *slots, uint32_t room, uint64_t hash)
{
    uint32_t at = (uint32_t)hash & (room - 1);
    while (slots[at].hash != 0 && slots[at].hash != hash)
        at = (at + 1) & (room - 1);
    return &slots[at];
}

static bool grow(struct client_numbers *numbers)
{
    uint32_t room = numbers->room == 0 ? FIRST_ROOM : numbers->room * 2;
    struct client_slot *slots = calloc(room, sizeof *slots);
    if (slots == NULL)
        return false;
    for (uint32_t i = 0; i < numbers->room; i++) {
        if (numbers->slots[i].hash != 0)
            *find_slot(slots, room, numbers->slots[i].hash) = numbers->slots[i];
    }
    free(numbers->slots);
    numbers->slots = slots;
    numbers->room = room;
    return true;
}

bool client_numbers_find(struct client_numbers *numbers, const char *name, size_t name_bytes,
                         uint32_t *number)
{
    uint64_t hash = hash_name(name, name_bytes);
    if (numbers->count * 2 >= numbers->room && !grow(numbers))
        return false;
    struct client_slot *slot = find_slot(numbers->slots, numbers->room, hash);
    if (slot->hash == 0 && numbers->count == CLIENT_NUMBERS_MAX) {
        numbers->shared++;
        *number = (uint32_t)(hash % CLIENT_NUMBERS_MAX);
        return true;
    }
    if (slot->hash == 0)
        *slot = (struct client_slot){.hash = hash, .number = numbers->count++};
    *number = slot->number;
    return true;
}

void client_numbers_free(struct client_numbers *numbers)
{
    free(numbers->slots);
    *numbers = (struct client_numbers){0};
}
