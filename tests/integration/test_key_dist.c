/* `volley bench --key-dist`: how often keys reach the server. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/rng.h"
#include "tests/support/check/at_server.h"
#include "tests/support/check/fit.h"
#include "tests/support/check/suite.h"
#include "worker/generate/key_draw.h"

#define KEYS 200u
#define REQUESTS 60000u

/* How often INCR came to each counter, as the server has it. */
static void read_counters(uint64_t counters[KEYS])
{
    static const char script[] =
        "local all = {} for i = 0, ARGV[1] - 1 do "
        "all[i + 1] = redis.call('GET', string.format('c:%012d', i)) or '0' end "
        "return table.concat(all, ' ')";
    char *text = test_server_text(&server, "EVAL %s 0 %d", script, (int)KEYS);
    char *at = text;
    uint64_t sum = 0;
    for (unsigned key = 0; key < KEYS; key++) {
        counters[key] = strtoull(at, &at, 10);
        sum += counters[key];
    }
    free(text);
    ck_assert_uint_eq(sum, REQUESTS);
}

static void count_at_server(uint64_t counters[KEYS], const char *distribution, unsigned workers)
{
    free(test_server_text(&server, "FLUSHALL"));
    call_expect(&call, 0, &at_server,
                "-q -r %u --key-dist %s -n %u -c 6 -P 8 --processes %u --cpus none -- INCR "
                "c:__rand_int__",
                KEYS, distribution, REQUESTS, workers);
    call_free(&call);
    read_counters(counters);
}

/* The keys of ranks 0, 1, 2 ...: what the same draws give unscattered. */
static void keys_of_ranks(uint64_t keys[KEYS], struct key_order_wish wish)
{
    struct key_draw scattered, plain;
    ck_assert_int_eq(key_draw_prepare(&scattered, &wish, KEYS, rng_mix(1), 1, NULL), OK);
    wish.scattered = false;
    ck_assert_int_eq(key_draw_prepare(&plain, &wish, KEYS, rng_mix(1), 1, NULL), OK);
    for (uint64_t index = 0; index < REQUESTS; index++)
        keys[key_draw_at(&plain, index)] = key_draw_at(&scattered, index);
}

TEST(test_zipf_at_the_server)
{
    /* Breaks when the hottest key, or the two hundredth, is asked for more or less often than zipf says: what the
     * server counted against the exact distribution. */
    uint64_t counters[KEYS], by_rank[KEYS], keys[KEYS] = {0};
    double probabilities[KEYS], sum = 0;
    count_at_server(counters, "zipf:0.99", 3);
    keys_of_ranks(keys,
                  (struct key_order_wish){.kind = ORDER_ZIPF, .exponent = 0.99, .scattered = true});
    for (unsigned rank = KEYS; rank-- > 0;)
        sum += pow(rank + 1, -0.99);
    for (unsigned rank = 0; rank < KEYS; rank++) {
        by_rank[rank] = counters[keys[rank]];
        probabilities[rank] = pow(rank + 1, -0.99) / sum;
    }
    ck_assert_double_lt(fit_chi_square(by_rank, probabilities, KEYS), FIT_CHI_SQUARE_MOST);
    ck_assert_double_lt(fit_distance(by_rank, probabilities, KEYS), FIT_DISTANCE_MOST);
}

TEST(test_exponential_at_the_server)
{
    /* Breaks when keys in a row do not thin out as they should: ranks are key numbers here. */
    uint64_t counters[KEYS];
    double probabilities[KEYS];
    count_at_server(counters, "exponential:0.25", 2);
    for (unsigned key = 0; key < KEYS; key++)
        probabilities[key] =
            (exp(-4.0 * key / KEYS) - exp(-4.0 * (key + 1) / KEYS)) / (1 - exp(-4));
    ck_assert_double_lt(fit_chi_square(counters, probabilities, KEYS), FIT_CHI_SQUARE_MOST);
}

TEST(test_walk_at_the_server)
{
    /* Breaks when a walk of several workers asks for a key again before each came once. */
    uint64_t counters[KEYS];
    count_at_server(counters, "walk", 3);
    for (unsigned key = 0; key < KEYS; key++)
        ck_assert_uint_eq(counters[key], REQUESTS / KEYS);
    count_at_server(counters, "parallel", 2);
    for (unsigned key = 0; key < KEYS; key++)
        ck_assert_uint_ge(counters[key], REQUESTS / KEYS - 10); /* ranges differ by one key */
}

TEST(test_split_does_not_matter)
{
    /* Breaks when the number of workers decides which keys are asked for. */
    uint64_t one[KEYS], three[KEYS];
    count_at_server(one, "hotset:10/90", 1);
    count_at_server(three, "hotset:10/90", 3);
    ck_assert_int_eq(memcmp(one, three, sizeof one), 0);
}

TEST(test_prefilled_keys_are_hit)
{
    /* Breaks when --prefill writes the keys that a distribution likes, and reads of the others miss. */
    static const char *const distributions[] = {"zipf", "gaussian:0.5", "hotset:1/50", "latest",
                                                "walk"};
    for (unsigned i = 0; i < sizeof distributions / sizeof distributions[0]; i++) {
        free(test_server_text(&server, "FLUSHALL"));
        call_expect(&call, 0, &at_server, "-q -t get -r 500 --prefill --key-dist %s -n 5000 -c 4",
                    distributions[i]);
        ck_assert_int_eq(run_json_count(&call, 1, "requests.hits"), 5000);
        ck_assert_int_eq(run_json_count(&call, 1, "requests.misses"), 0);
        ck_assert_int_eq(test_server_integer(&server, "DBSIZE"), 500);
        call_free(&call);
    }
}

TEST(test_report_names_the_distribution)
{
    /* Breaks when a report calls keys random that were not drawn uniformly, live or from its journal. */
    call_expect(&call, 0, &at_server, "-t get -r 100 --key-dist zipf:1.10 -n 100 --out %s/run",
                server.directory);
    ck_assert_ptr_nonnull(strstr(call.program.out, "Keys: 100, zipf:1.1\n"));
    call_free(&call);
    struct program program;
    char run[100];
    snprintf(run, sizeof run, "%s/run", server.directory);
    program_run_volley(&program, "report", run, NULL);
    ck_assert_int_eq(program.exit_status, 0);
    ck_assert_ptr_nonnull(strstr(program.out, "Keys: 100, zipf:1.1\n"));
    program_free(&program);
    program_run_volley(&program, "bench", "--explain", "--null", "-r", "100", "--key-dist",
                       "hotset:10/90", "-t", "get", NULL);
    ck_assert_ptr_nonnull(strstr(program.out, "000000000099, hotset:10/90, 1 a request"));
    program_free(&program);
}

TEST_SUITE_WITH(key_dist, .set_up = at_server_set_up, .tear_down = at_server_tear_down)
