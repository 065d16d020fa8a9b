/* Which keys are there and which are picked, against a plain array: a key that is deleted twice or not at all, one that
 * is read and was never written, a pick that is not as many as asked for. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/live_map.h"
#include "common/rng.h"
#include "tests/support/check/suite.h"

#define CAPACITY 30011u /* seven blocks and a rest, no multiple of 64 */

static struct live_map *map;
static bool model[CAPACITY], picked[CAPACITY];
static struct err err;

static void create(void)
{
    err = (struct err){.code = OK};
    ck_assert_int_eq(live_map_create(&map, CAPACITY, &err), OK);
    memset(model, 0, sizeof model);
}

static void destroy(void)
{
    live_map_destroy(map);
}

static void put(uint64_t key, bool live)
{
    if (live)
        live_map_set(map, key);
    else
        live_map_clear(map, key);
    model[key] = live;
}

/* Each key with this probability, but for a stretch of more than a block without any. */
static void fill(double probability, uint64_t seed)
{
    for (uint64_t key = 0; key < CAPACITY; key++)
        put(key, (key < 8000 || key > 14000) && rng_unit(rng_at(seed, key)) < probability);
}

static uint64_t live_between(uint64_t from, uint64_t end)
{
    uint64_t count = 0;
    for (uint64_t key = from; key < end && key < CAPACITY; key++)
        count += model[key];
    return count;
}

static bool is_within(const struct live_pick *wish, uint64_t key)
{
    bool within = wish->ranges == NULL;
    for (uint32_t i = 0; i < wish->range_count; i++)
        within |= key >= wish->ranges[i].from && key < wish->ranges[i].end;
    return within;
}

/* Picks, and says in `picked` which ones, looking at each rank. Returns how many. */
static uint64_t pick(const struct live_pick *wish)
{
    const uint64_t count = live_map_pick(map, wish);
    uint64_t last = 0;
    bool rises = true, live = true, all_within = true;
    memset(picked, 0, sizeof picked);
    for (uint64_t rank = 0; rank < count; rank++) {
        const uint64_t key = live_map_picked_at(map, rank);
        ck_assert_uint_lt(key, CAPACITY);
        rises &= rank == 0 || key > last;
        live &= model[key];
        all_within &= is_within(wish, key);
        picked[key] = true;
        last = key;
    }
    ck_assert(rises && live && all_within);
    ck_assert_uint_eq(live_map_picked_at(map, count), UINT64_MAX);
    uint64_t counting = 0;
    for (uint64_t key = 0; key < CAPACITY; key++)
        counting += model[key] && is_within(wish, key);
    ck_assert_uint_eq(count, (uint64_t)llround(wish->fraction * (double)counting));
    return count;
}

TEST(what_is_set_is_there_and_nothing_else)
{
    /* Otherwise a key that is there is taken for one that is not, or the other way round. */
    create();
    ck_assert_uint_eq(live_map_capacity(map), CAPACITY);
    ck_assert_uint_eq(live_map_count(map), 0);
    ck_assert_uint_eq(live_map_end(map), 0);
    uint64_t end = 0, wrong = 0;
    for (uint64_t i = 0; i < 60000; i++) {
        const uint64_t key = rng_bounded(rng_at(1, i), i < 5000 ? 300 : CAPACITY);
        const bool live = rng_at(2, i) % 3 != 0;
        put(key, live);
        end = live && key + 1 > end ? key + 1 : end;
        wrong += live_map_has(map, key) != live;
        wrong += live_map_end(map) != end;
    }
    for (uint64_t key = 0; key < CAPACITY; key++)
        wrong += live_map_has(map, key) != model[key];
    ck_assert_uint_eq(wrong, 0);
    ck_assert_uint_eq(live_map_count(map), live_between(0, CAPACITY));
    live_map_set(map, CAPACITY);
    live_map_set(map, UINT64_MAX);
    live_map_clear(map, UINT64_MAX);
    ck_assert(!live_map_has(map, CAPACITY) && !live_map_has(map, UINT64_MAX));
    ck_assert_uint_eq(live_map_count(map), live_between(0, CAPACITY));
    destroy();
}

TEST(random_picks_are_exact_seeded_and_spread)
{
    /* Otherwise a phase deletes more or fewer keys than it says, the same ones in each run, or those of one end. */
    static const double fractions[] = {0, 0.001, 0.25, 0.5, 0.999, 1};
    create();
    fill(0.4, 5);
    for (size_t i = 0; i < sizeof fractions / sizeof fractions[0]; i++)
        pick(&(struct live_pick){LIVE_PICK_RANDOM, fractions[i], .seed = 9});
    const struct live_pick half = {LIVE_PICK_RANDOM, 0.5, .seed = 9};
    pick(&half);
    bool first[CAPACITY];
    memcpy(first, picked, sizeof first);
    pick(&half);
    ck_assert(memcmp(first, picked, sizeof first) == 0);
    uint64_t lower = 0;
    for (uint64_t key = 0; key < 20000; key++)
        lower += picked[key];
    const double expected = (double)live_between(0, 20000) / 2;
    ck_assert_double_lt(fabs((double)lower - expected), 6 * sqrt(expected / 2));
    pick(&(struct live_pick){LIVE_PICK_RANDOM, 0.5, .seed = 10});
    ck_assert(memcmp(first, picked, sizeof first) != 0);
    destroy();
}

TEST(oldest_and_newest_are_the_lowest_and_the_highest)
{
    /* Otherwise a phase takes other keys than those at the end that it names. */
    create();
    fill(0.3, 6);
    for (unsigned order = LIVE_PICK_OLDEST; order <= LIVE_PICK_NEWEST; order++) {
        const uint64_t live = live_between(0, CAPACITY);
        const uint64_t count =
            pick(&(struct live_pick){.order = (enum live_pick_order)order, .fraction = 0.37});
        uint64_t met = 0, wrong = 0;
        for (uint64_t key = 0; key < CAPACITY; key++)
            if (model[key]) {
                const bool wanted = order == LIVE_PICK_OLDEST ? met < count : met >= live - count;
                wrong += picked[key] != wanted;
                met++;
            }
        ck_assert_uint_eq(wrong, 0);
    }
    destroy();
}

TEST(a_stride_takes_every_so_many_and_then_what_is_missing)
{
    /* Otherwise what is deleted for the sake of holes leaves none, or the pick is not as large as asked for. */
    static const struct {
        double fraction;
        uint64_t stride;
    } cases[] = {{0.3, 3}, {1 / 3.0, 3}, {0.6, 3}, {1, 3},
                 {0.1, 2}, {0.5, 1},     {0.5, 0}, {0.01, 64}};
    create();
    fill(0.7, 7);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t left = pick(&(struct live_pick){
            .order = LIVE_PICK_STRIDE, .fraction = cases[i].fraction, .stride = cases[i].stride});
        const uint64_t stride = cases[i].stride > 0 ? cases[i].stride : 1;
        static bool wanted[CAPACITY];
        memset(wanted, 0, sizeof wanted);
        for (unsigned pass = 0; pass < 2; pass++)
            for (uint64_t key = 0, met = 0; key < CAPACITY; key++)
                if (model[key] && (met++ % stride == 0) == (pass == 0) && left > 0) {
                    wanted[key] = true;
                    left--;
                }
        ck_assert(memcmp(wanted, picked, sizeof wanted) == 0);
    }
    destroy();
}

TEST(only_keys_of_the_range_are_picked)
{
    /* Otherwise a phase touches keys of another one. */
    static const uint64_t ranges[][2] = {{0, 1},       {1, 64},         {63, 65},   {100, 4096},
                                         {4096, 8192}, {20000, 20000},  {0, 30000}, {777, 0},
                                         {29999, 0},   {30010, 999999}, {50000, 0}, {8500, 9000}};
    create();
    fill(0.5, 8);
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        for (unsigned order = 0; order <= LIVE_PICK_STRIDE; order++)
            pick(&(struct live_pick){(enum live_pick_order)order, 0.5, 3, 4,
                                     &(struct live_range){ranges[i][0], ranges[i][1]}, 1});
    for (unsigned order = 0; order <= LIVE_PICK_STRIDE; order++) {
        static const struct live_range several[] = {{10, 70}, {4000, 9000}, {29000, 60000}};
        pick(&(struct live_pick){(enum live_pick_order)order, 0.5, 3, 4, several, 3});
        pick(&(struct live_pick){(enum live_pick_order)order, 1, 3, 4, several, 0});
    }
    destroy();
}

TEST(picks_stay_while_keys_go)
{
    /* Otherwise the k-th request of a delete phase is about another key as soon as some are gone. */
    create();
    fill(0.5, 11);
    const uint64_t count = pick(&(struct live_pick){LIVE_PICK_RANDOM, 0.5, .seed = 2});
    uint64_t gone = 0;
    for (uint64_t rank = 0; rank < count; rank++) {
        const uint64_t key = live_map_picked_at(map, rank);
        gone += live_map_has(map, key) && picked[key];
        put(key, false);
    }
    ck_assert_uint_eq(gone, count);
    ck_assert_uint_eq(live_map_count(map), live_between(0, CAPACITY));
    pick(&(struct live_pick){.order = LIVE_PICK_OLDEST, .fraction = 1});
    destroy();
}

TEST(an_empty_map_has_nothing)
{
    /* Otherwise a phase begins with keys that nobody wrote. */
    uint64_t key;
    create();
    ck_assert_uint_eq(pick(&(struct live_pick){.order = LIVE_PICK_RANDOM, .fraction = 1}), 0);
    ck_assert(!live_map_random(map, 5, &key));
    put(17, true);
    put(17, false);
    ck_assert_uint_eq(
        pick(&(struct live_pick){.order = LIVE_PICK_STRIDE, .fraction = 1, .stride = 2}), 0);
    ck_assert(!live_map_random(map, 5, &key));
    ck_assert_uint_eq(live_map_end(map), 18);
    destroy();
    ck_assert_int_eq(live_map_create(&map, 0, &err), OK);
    live_map_set(map, 0);
    ck_assert_uint_eq(live_map_count(map), 0);
    ck_assert(!live_map_random(map, 5, &key));
    destroy();
    ck_assert_int_eq(live_map_create(&map, LIVE_KEYS_MAX + 1, &err), E_USAGE);
    ck_assert_ptr_null(map);
    live_map_destroy(NULL);
}

TEST(a_large_map_takes_no_memory_ahead)
{
    /* Otherwise a scenario of billions of keys needs gigabytes before its first. */
    ck_assert_int_eq(live_map_create(&map, LIVE_KEYS_MAX, &err), OK);
    live_map_set(map, 70000);
    live_map_set(map, 3);
    uint64_t key;
    ck_assert(live_map_random(map, 1, &key) && (key == 3 || key == 70000));
    ck_assert_uint_eq(live_map_count(map), 2);
    ck_assert_uint_eq(
        live_map_pick(map, &(struct live_pick){.order = LIVE_PICK_NEWEST, .fraction = 0.5}), 1);
    ck_assert_uint_eq(live_map_picked_at(map, 0), 70000);
    destroy();
}

/* How often each live key is drawn of `draws`; chi-square a degree of freedom. */
static double unevenness(uint64_t draws)
{
    static uint64_t counts[CAPACITY];
    uint64_t dead = 0, missed = 0;
    memset(counts, 0, sizeof counts);
    for (uint64_t i = 0; i < draws; i++) {
        uint64_t key = 0;
        missed += !live_map_random(map, rng_at(77, i), &key);
        dead += !model[key];
        counts[key]++;
    }
    ck_assert_uint_eq(dead + missed, 0);
    const uint64_t live = live_between(0, CAPACITY);
    const double expected = (double)draws / (double)live;
    double sum = 0;
    for (uint64_t key = 0; key < CAPACITY; key++)
        if (model[key])
            sum += ((double)counts[key] - expected) * ((double)counts[key] - expected) / expected;
    return sum / (double)(live - 1);
}

TEST(random_keys_are_live_and_about_as_likely)
{
    /* Otherwise reads miss, or go to a few keys. 1: as chance has it. */
    create();
    fill(0.7, 12);
    ck_assert_double_lt(unevenness(400000), 1.1);
    fill(0.02, 13);
    ck_assert_double_lt(unevenness(100000), 1.5);
    fill(0.001, 14);
    /* 200 draws a key: each is drawn from 1/2 as often as it should be to 1.5 times so. */
    ck_assert_double_lt(unevenness(200 * live_between(0, CAPACITY)), 50);
    memset(model, 0, sizeof model);
    destroy();
    create();
    put(29000, true);
    put(5, true);
    ck_assert_double_lt(unevenness(2000), 50);
    destroy();
}

TEST(the_next_live_key)
{
    /* breaks when a number stands for a key that is not live, or for another one than the next */
    uint64_t key = 7;
    create();
    ck_assert(!live_map_next(map, 0, &key));
    ck_assert(!live_map_next(map, CAPACITY + 5, &key));
    static const uint64_t live[] = {5, 63, 64, 4095, 4096, 8200, 29000};
    const size_t count = sizeof live / sizeof live[0];
    for (size_t i = 0; i < count; i++)
        put(live[i], true);
    for (uint64_t number = 0, i = 0; number <= 30000; number++) {
        while (i < count && live[i] < number)
            i++;
        ck_assert(live_map_next(map, number, &key));
        ck_assert_uint_eq(key, live[i < count ? i : 0]);
    }
    ck_assert(live_map_next(map, UINT64_MAX, &key));
    ck_assert_uint_eq(key, 5);
    destroy();
}

TEST(processes_that_set_and_clear_at_once_lose_nothing)
{
    /* Otherwise the number of keys is not what the server has. */
    enum { PROCESSES = 4 };
    pid_t children[PROCESSES];
    create();
    for (uint64_t key = 0; key < CAPACITY; key += 2)
        live_map_set(map, key);
    for (unsigned i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        ck_assert_int_ge(children[i], 0);
        if (children[i] == 0) {
            for (uint64_t key = i; key < CAPACITY; key += PROCESSES)
                if (key % 2 == 0)
                    live_map_clear(map, key);
                else
                    live_map_set(map, key);
            _exit(0);
        }
    }
    for (unsigned i = 0; i < PROCESSES; i++) {
        int status = -1;
        ck_assert_int_eq(waitpid(children[i], &status, 0), children[i]);
        ck_assert_int_eq(status, 0);
    }
    uint64_t wrong = 0;
    for (uint64_t key = 0; key < CAPACITY; key++)
        wrong += live_map_has(map, key) != (key % 2 == 1);
    ck_assert_uint_eq(wrong, 0);
    ck_assert_uint_eq(live_map_count(map), CAPACITY / 2);
    ck_assert_uint_eq(live_map_end(map), CAPACITY);
    destroy();
}

TEST(copied)
{
    /* breaks when a map that is taken over lacks a key, or begins new keys where old ones were */
    struct live_map *copy;
    create();
    fill(0.5, 3);
    put(29000, true);
    for (uint64_t key = 20000; key < CAPACITY; key++)
        put(key, false);
    ck_assert_int_eq(live_map_create(&copy, 2 * CAPACITY, &err), OK);
    live_map_copy(copy, map);
    ck_assert_uint_eq(live_map_count(copy), live_between(0, CAPACITY));
    ck_assert_uint_eq(live_map_end(copy), live_map_end(map));
    for (uint64_t key = 0; key < CAPACITY; key++)
        if (live_map_has(copy, key) != model[key])
            ck_abort_msg("key %llu", (unsigned long long)key);
    live_map_destroy(copy);
    destroy();
}

TEST_SUITE(live_map)
