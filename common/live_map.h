/* Which keys of a scenario are there: one bit a key, set when the server has taken it, cleared when the server has
 * deleted it; and a second bit for keys that are picked out, each once, for what the next phase does to them. In memory
 * that all workers of all phases share, so that deletes are exact to the key without a question to the server.
 *
 * The orchestrator creates a map before it forks, picks between phases, and destroys it. Workers set and clear live bits
 * by relaxed atomic operations, and look; nobody waits. Keys are numbers from 0 on. At most 2 bits and 1/64 a key. */
#ifndef COMMON_LIVE_MAP_H
#define COMMON_LIVE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

#define LIVE_KEYS_MAX (1ull << 36) /* 12 digits hold their numbers */

struct live_map; /* owns its mapping */

/* Room for so many keys; memory is taken as they come. E_SYSTEM: there is none. E_USAGE: more than LIVE_KEYS_MAX. */
MUST_USE enum err_code live_map_create(struct live_map **map, uint64_t capacity_keys,
                                       struct err *err);
void live_map_destroy(struct live_map *map); /* NULL is fine */
uint64_t live_map_capacity(const struct live_map *map);

/* Between phases: what is live in another one becomes live here, as far as there is room, and so does its end. */
void live_map_copy(struct live_map *map, const struct live_map *from);

/* Hot path. A key beyond the capacity is not there, and is not kept. */
void live_map_set(struct live_map *map, uint64_t key);
void live_map_clear(struct live_map *map, uint64_t key);
bool live_map_has(const struct live_map *map, uint64_t key);
/* A live key for a random number, each about as likely as another: tries some places, then some blocks of 4,096 keys by
 * how many are live in them, and then takes the next block that has any. False: there is none. Hot path. */
bool live_map_random(const struct live_map *map, uint64_t random, uint64_t *key);
/* The live key of this number, or else the next one that is live, behind the last one the first again. False: there is none.
 * Hot path. */
bool live_map_next(const struct live_map *map, uint64_t number, uint64_t *key);

/* Counted anew: between phases, not under way. */
uint64_t live_map_count(const struct live_map *map);
uint64_t live_map_end(const struct live_map *map); /* behind the highest key that is or was live */

enum live_pick_order {
    LIVE_PICK_RANDOM,
    LIVE_PICK_OLDEST, /* the lowest numbers */
    LIVE_PICK_NEWEST,
    LIVE_PICK_STRIDE /* of every `stride` live keys the first one; then what is missing, from the lowest on */
};
struct live_range {
    uint64_t from, end; /* behind the last one */
};
struct live_pick {
    enum live_pick_order order;
    double fraction; /* of the live keys, 0..1: exactly round(fraction * live) are picked */
    uint64_t stride, seed;
    const struct live_range *ranges; /* only keys in one of these count; NULL: all do */
    uint32_t range_count;
};
/* Picks among the live keys; what was picked before is forgotten. Returns how many. Between phases. */
uint64_t live_map_pick(struct live_map *map, const struct live_pick *pick);
/* The picked key of rank `rank`, from the lowest number on, below what live_map_pick returned; whether it is still live
 * does not matter. UINT64_MAX: there are not so many. A few cache misses. Hot path. */
uint64_t live_map_picked_at(const struct live_map *map, uint64_t rank);

#endif
