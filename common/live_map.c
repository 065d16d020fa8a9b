/* Memory of the mapping, in this order: the header, a word for each block of 4,096 keys, live bits, picked bits. A word
 * of a block has how many keys before the block are picked (the lower 48 bits), and how many of its own are live. The
 * latter is a hint, by which random keys are looked for where few are live: it is off by one where a worker was
 * killed between the bit and the count, and counted anew by each pick. */
#include "common/live_map.h"

#include <assert.h>
#include <math.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "common/rng.h"
#include "common/units.h"

#define WORD_KEYS 64u
#define BLOCK_KEYS 4096u
#define BLOCK_WORDS (BLOCK_KEYS / WORD_KEYS)
#define HEADER_BYTES 4096u
#define LIVE_SHIFT 48u
#define LIVE_ONE (1ull << LIVE_SHIFT)
#define RANK_MASK (LIVE_ONE - 1)

/* Of these many places one is taken if it is live; then of so many blocks one, by how many live keys it has. */
#define PLACES_TRIED 12u
#define BLOCKS_TRIED 8u

static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "words are shared between processes");

struct live_map {
    uint64_t capacity_keys, block_count;
    size_t mapping_bytes;
    uint64_t picked_count;
    uint64_t picked_blocks; /* when it was picked: words of those behind say nothing of ranks */
    _Atomic uint64_t end;
    _Atomic uint64_t *blocks, *live;
    uint64_t *picked;
};
static_assert(sizeof(struct live_map) <= HEADER_BYTES, "the header has no room");

static uint64_t load(const _Atomic uint64_t *word)
{
    return atomic_load_explicit(word, memory_order_relaxed);
}

static unsigned ones(uint64_t word)
{
    return (unsigned)__builtin_popcountll(word);
}

/* ---- begin and end ---- */

enum err_code live_map_create(struct live_map **out, uint64_t capacity_keys, struct err *err)
{
    *out = NULL;
    if (capacity_keys > LIVE_KEYS_MAX)
        return err_set(err, E_USAGE, "a map of %s keys is too large: %s are the most",
                       UNITS_GROUPED(capacity_keys), UNITS_GROUPED(LIVE_KEYS_MAX));
    const uint64_t blocks = (capacity_keys + BLOCK_KEYS - 1) / BLOCK_KEYS;
    const size_t mapping_bytes =
        HEADER_BYTES + blocks * (1 + 2 * (size_t)BLOCK_WORDS) * sizeof(uint64_t);
    void *memory = mmap(NULL, mapping_bytes, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        return err_set(err, E_SYSTEM, "no memory for a map of %s keys (%s bytes)",
                       UNITS_GROUPED(capacity_keys), UNITS_GROUPED(mapping_bytes));
    struct live_map *map = memory;
    map->capacity_keys = capacity_keys;
    map->block_count = blocks;
    map->mapping_bytes = mapping_bytes;
    map->blocks = (_Atomic uint64_t *)(void *)((char *)memory + HEADER_BYTES);
    map->live = map->blocks + blocks;
    map->picked = (uint64_t *)memory + HEADER_BYTES / sizeof(uint64_t) + blocks * (1 + BLOCK_WORDS);
    *out = map;
    return OK;
}

void live_map_destroy(struct live_map *map)
{
    if (map != NULL)
        munmap(map, map->mapping_bytes);
}

uint64_t live_map_capacity(const struct live_map *map)
{
    return map->capacity_keys;
}

/* ---- live keys ---- */

static uint64_t bit_of(uint64_t key)
{
    return 1ull << (key % WORD_KEYS);
}

void live_map_set(struct live_map *map, uint64_t key)
{
    if (key >= map->capacity_keys)
        return;
    uint64_t end = load(&map->end);
    while (key >= end && !atomic_compare_exchange_weak_explicit(
                             &map->end, &end, key + 1, memory_order_relaxed, memory_order_relaxed))
        continue;
    const uint64_t before =
        atomic_fetch_or_explicit(&map->live[key / WORD_KEYS], bit_of(key), memory_order_relaxed);
    if ((before & bit_of(key)) == 0)
        atomic_fetch_add_explicit(&map->blocks[key / BLOCK_KEYS], LIVE_ONE, memory_order_relaxed);
}

void live_map_clear(struct live_map *map, uint64_t key)
{
    if (key >= map->capacity_keys)
        return;
    const uint64_t before =
        atomic_fetch_and_explicit(&map->live[key / WORD_KEYS], ~bit_of(key), memory_order_relaxed);
    if ((before & bit_of(key)) != 0)
        atomic_fetch_sub_explicit(&map->blocks[key / BLOCK_KEYS], LIVE_ONE, memory_order_relaxed);
}

void live_map_copy(struct live_map *map, const struct live_map *from)
{
    const uint64_t end = load(&from->end);
    for (uint64_t key = 0; key < end; key++)
        if (live_map_has(from, key))
            live_map_set(map, key);
    if (end > 0 && !live_map_has(from, end - 1)) { /* its end stays where it was */
        live_map_set(map, end - 1);
        live_map_clear(map, end - 1);
    }
}

bool live_map_has(const struct live_map *map, uint64_t key)
{
    return key < map->capacity_keys && (load(&map->live[key / WORD_KEYS]) & bit_of(key)) != 0;
}

uint64_t live_map_end(const struct live_map *map)
{
    return load(&map->end);
}

/* Blocks in which a key is or was live. */
static uint64_t blocks_met(const struct live_map *map)
{
    return (live_map_end(map) + BLOCK_KEYS - 1) / BLOCK_KEYS;
}

uint64_t live_map_count(const struct live_map *map)
{
    uint64_t count = 0;
    for (uint64_t word = 0; word < blocks_met(map) * BLOCK_WORDS; word++)
        count += ones(load(&map->live[word]));
    return count;
}

/* ---- a random one ---- */

/* The bit of rank `rank` of a word that has more. */
static unsigned select_bit(uint64_t word, unsigned rank)
{
    for (; rank > 0; rank--)
        word &= word - 1;
    return (unsigned)__builtin_ctzll(word);
}

/* The live key of this rank in a block, or the last one before it; keys come and go meanwhile. False: it has none. */
static bool select_live(const struct live_map *map, uint64_t block, uint64_t rank, uint64_t *key)
{
    bool found = false;
    for (uint64_t i = block * BLOCK_WORDS; i < (block + 1) * BLOCK_WORDS; i++) {
        const uint64_t word = load(&map->live[i]);
        if (word == 0)
            continue;
        const unsigned count = ones(word);
        found = true;
        *key = i * WORD_KEYS + select_bit(word, rank < count ? (unsigned)rank : count - 1);
        if (rank < count)
            break;
        rank -= count;
    }
    return found;
}

static uint64_t live_in(const struct live_map *map, uint64_t block)
{
    return load(&map->blocks[block]) >> LIVE_SHIFT;
}

/* One of some blocks, in proportion to how many live keys they have. */
static bool try_blocks(const struct live_map *map, uint64_t random, uint64_t blocks, uint64_t *key)
{
    uint64_t tried[BLOCKS_TRIED], counts[BLOCKS_TRIED], sum = 0;
    for (unsigned i = 0; i < BLOCKS_TRIED; i++) {
        tried[i] = rng_bounded(rng_at(random, i), blocks);
        sum += counts[i] = live_in(map, tried[i]);
    }
    if (sum == 0)
        return false;
    uint64_t rank = rng_bounded(rng_at(random, BLOCKS_TRIED), sum);
    unsigned i = 0;
    for (; rank >= counts[i]; i++)
        rank -= counts[i];
    return select_live(map, tried[i], rank, key);
}

bool live_map_random(const struct live_map *map, uint64_t random, uint64_t *key)
{
    const uint64_t end = live_map_end(map), blocks = blocks_met(map);
    if (end == 0)
        return false;
    for (unsigned i = 0; i < PLACES_TRIED; i++) {
        *key = rng_bounded(rng_at(random, i), end);
        if (live_map_has(map, *key))
            return true;
    }
    random = rng_at(random, PLACES_TRIED);
    if (try_blocks(map, random, blocks, key))
        return true;
    const uint64_t first = rng_bounded(rng_mix(random), blocks);
    for (uint64_t i = 0; i < blocks; i++) {
        const uint64_t block = first + i < blocks ? first + i : first + i - blocks;
        const uint64_t count = live_in(map, block);
        if (count > 0 && select_live(map, block, rng_bounded(random, count), key))
            return true;
    }
    return false;
}

/* The first live key of these words. */
static bool first_of(const struct live_map *map, uint64_t from_word, uint64_t end_word,
                     uint64_t *key)
{
    for (uint64_t i = from_word; i < end_word; i++) {
        if (i % BLOCK_WORDS == 0 && live_in(map, i / BLOCK_WORDS) == 0) {
            i += BLOCK_WORDS - 1;
            continue;
        }
        const uint64_t word = load(&map->live[i]);
        if (word != 0) {
            *key = i * WORD_KEYS + (unsigned)__builtin_ctzll(word);
            return true;
        }
    }
    return false;
}

bool live_map_next(const struct live_map *map, uint64_t number, uint64_t *key)
{
    const uint64_t end_word = blocks_met(map) * BLOCK_WORDS, from_word = number / WORD_KEYS;
    if (from_word < end_word) {
        const uint64_t rest = load(&map->live[from_word]) & ~(bit_of(number) - 1);
        if (rest != 0) {
            *key = from_word * WORD_KEYS + (unsigned)__builtin_ctzll(rest);
            return true;
        }
        if (first_of(map, from_word + 1, end_word, key))
            return true;
    }
    return first_of(map, 0, from_word < end_word ? from_word + 1 : end_word, key);
}

/* ---- picks ---- */

struct picking {
    struct live_map *map;
    const struct live_pick *pick;
    uint64_t left_keys;       /* of those that are live and count */
    uint64_t met;             /* of these                         */
    uint64_t wanted, skipped; /* NEWEST: so many are passed over  */
    uint64_t between;         /* STRIDE: so many of those between */
};

/* The keys of a range, in the word that begins with key `first`. */
static uint64_t keys_of(const struct live_range *range, uint64_t first)
{
    uint64_t keys = ~0ull;
    if (range->from > first)
        keys &= range->from - first < WORD_KEYS ? ~0ull << (range->from - first) : 0;
    if (range->end < first + WORD_KEYS)
        keys &= range->end > first ? ~0ull >> (first + WORD_KEYS - range->end) : 0;
    return keys;
}

/* Of a word those keys that count. */
static uint64_t live_word(const struct picking *picking, uint64_t word)
{
    const uint64_t live = load(&picking->map->live[word]);
    uint64_t counting = 0;
    if (picking->pick->ranges == NULL)
        return live;
    for (uint32_t i = 0; i < picking->pick->range_count && live != 0; i++)
        counting |= keys_of(&picking->pick->ranges[i], word * WORD_KEYS);
    return live & counting;
}

/* Whether the next one is picked. */
static bool takes_next(struct picking *picking)
{
    const struct live_pick *pick = picking->pick;
    const uint64_t at = picking->met++;
    bool takes = true;
    switch (pick->order) {
    case LIVE_PICK_RANDOM:
        takes = rng_bounded(rng_at(pick->seed, at), picking->left_keys) < picking->wanted;
        picking->left_keys--;
        break;
    case LIVE_PICK_OLDEST:
        break;
    case LIVE_PICK_NEWEST:
        takes = at >= picking->skipped;
        break;
    case LIVE_PICK_STRIDE:
        if (pick->stride > 1 && at % pick->stride != 0) {
            takes = picking->between > 0;
            picking->between -= takes;
        }
        break;
    }
    takes = takes && picking->wanted > 0;
    picking->wanted -= takes;
    return takes;
}

static uint64_t pick_word(struct picking *picking, uint64_t live)
{
    uint64_t picked = 0;
    for (; live != 0 && picking->wanted > 0; live &= live - 1)
        if (takes_next(picking))
            picked |= live & (~live + 1);
    return picked;
}

static void begin_picking(struct picking *picking, struct live_map *map,
                          const struct live_pick *pick)
{
    *picking = (struct picking){.map = map, .pick = pick};
    for (uint64_t word = 0; word < blocks_met(map) * BLOCK_WORDS; word++)
        picking->left_keys += ones(live_word(picking, word));
    const uint64_t live = picking->left_keys;
    const double fraction = pick->fraction > 0 ? pick->fraction : 0;
    picking->wanted = fraction < 1 ? (uint64_t)llround(fraction * (double)live) : live;
    picking->skipped = live - picking->wanted;
    const uint64_t stride = pick->stride > 1 ? pick->stride : 1;
    const uint64_t apart = (live + stride - 1) / stride;
    picking->between = picking->wanted > apart ? picking->wanted - apart : 0;
}

uint64_t live_map_pick(struct live_map *map, const struct live_pick *pick)
{
    struct picking picking;
    begin_picking(&picking, map, pick);
    const uint64_t wanted = picking.wanted, blocks = blocks_met(map);
    for (uint64_t block = 0; block < blocks; block++) {
        const uint64_t rank = wanted - picking.wanted;
        uint64_t live = 0;
        for (uint64_t word = block * BLOCK_WORDS; word < (block + 1) * BLOCK_WORDS; word++) {
            const uint64_t picked = pick_word(&picking, live_word(&picking, word));
            live += ones(load(&map->live[word]));
            if (map->picked[word] != picked)
                map->picked[word] = picked;
        }
        atomic_store_explicit(&map->blocks[block], live << LIVE_SHIFT | rank, memory_order_relaxed);
    }
    map->picked_blocks = blocks;
    map->picked_count = wanted;
    return wanted;
}

uint64_t live_map_picked_at(const struct live_map *map, uint64_t rank)
{
    if (rank >= map->picked_count)
        return UINT64_MAX;
    uint64_t block = 0,
             behind = map->picked_blocks; /* the last block that begins at rank or before */
    while (behind - block > 1) {
        const uint64_t middle = block + (behind - block) / 2;
        if ((load(&map->blocks[middle]) & RANK_MASK) <= rank)
            block = middle;
        else
            behind = middle;
    }
    rank -= load(&map->blocks[block]) & RANK_MASK;
    const uint64_t *word = &map->picked[block * BLOCK_WORDS];
    for (; rank >= ones(*word); word++)
        rank -= ones(*word);
    return (uint64_t)(word - map->picked) * WORD_KEYS + select_bit(*word, (unsigned)rank);
}
