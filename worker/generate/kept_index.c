#include "worker/generate/kept_index.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

bool kept_index_create(struct kept_index *index, uint64_t requests)
{
    *index = (struct kept_index){.bucket_count = 64};
    if (requests == 0 || requests >= KEPT_NONE / 2)
        return false;
    while (index->bucket_count < requests)
        index->bucket_count *= 2;
    index->places = calloc(requests, sizeof index->places[0]);
    index->buckets = malloc(index->bucket_count * sizeof index->buckets[0]);
    if (index->places == NULL || index->buckets == NULL)
        return false;
    memset(index->buckets, 0xff, index->bucket_count * sizeof index->buckets[0]);
    index->place_count = (uint32_t)requests;
    for (uint32_t i = 0; i < index->place_count; i++)
        index->places[i].next = i + 1 < index->place_count ? i + 1 : KEPT_NONE;
    return true;
}

void kept_index_destroy(struct kept_index *index)
{
    free(index->places);
    free(index->buckets);
    *index = (struct kept_index){.places = NULL};
}

static inline uint32_t *bucket_of(const struct kept_index *index, uint64_t ticket, uint8_t class)
{
    const uint64_t mixed = (ticket + class) * 0x9e3779b97f4a7c15ull;
    return &index->buckets[mixed >> 32 & (index->bucket_count - 1)];
}

static inline bool is_of(const struct kept_place *place, uint64_t ticket, uint8_t class)
{
    return place->ticket == ticket && place->class == class;
}

uint32_t kept_index_add(struct kept_index *index, uint64_t ticket, uint8_t class)
{
    uint32_t *bucket = bucket_of(index, ticket, class);
    const uint32_t at = index->first_free;
    assert(at != KEPT_NONE);
    struct kept_place *place = &index->places[at];
    index->first_free = place->next;
    *place = (struct kept_place){.ticket = ticket, .class = class, .next = *bucket};
    *bucket = at;
    return at;
}

uint32_t kept_index_find(const struct kept_index *index, uint64_t ticket, uint8_t class)
{
    uint32_t at = *bucket_of(index, ticket, class);
    while (at != KEPT_NONE && !is_of(&index->places[at], ticket, class))
        at = index->places[at].next;
    return at;
}

uint32_t kept_index_remove(struct kept_index *index, uint64_t ticket, uint8_t class)
{
    uint32_t *link = bucket_of(index, ticket, class);
    while (!is_of(&index->places[*link], ticket, class))
        link = &index->places[*link].next;
    const uint32_t at = *link;
    *link = index->places[at].next;
    index->places[at].next = index->first_free;
    index->first_free = at;
    return at;
}

uint32_t kept_index_next(const struct kept_index *index, uint32_t place)
{
    uint32_t bucket = 0;
    if (index->place_count == 0)
        return KEPT_NONE;
    if (place != KEPT_NONE) {
        const struct kept_place *last = &index->places[place];
        if (last->next != KEPT_NONE)
            return last->next;
        bucket = (uint32_t)(bucket_of(index, last->ticket, last->class) - index->buckets) + 1;
    }
    while (bucket < index->bucket_count && index->buckets[bucket] == KEPT_NONE)
        bucket++;
    return bucket < index->bucket_count ? index->buckets[bucket] : KEPT_NONE;
}
