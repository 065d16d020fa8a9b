/* A model of a sample: what is told is found again, and what is not told is called a guess. */
#include "orchestrator/traffic/sample.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/rng.h"
#include "tests/support/check/suite.h"

static struct sample *sample;

static void set_up(void)
{
    sample = sample_create(20000);
    ck_assert_ptr_nonnull(sample);
    sample->log_factor = 10;
    sample->decay_minutes = 1;
    sample->up_minutes = 0.5;
    snprintf(sample->policy, sizeof sample->policy, "noeviction");
}

static void tear_down(void)
{
    sample_free(sample);
}

static bool add(const char *name, const struct sample_key *key)
{
    sample->keys_there++;
    return sample_add_key(sample, &(struct recording_argument){name, strlen(name)}, key);
}

static void add_many(const char *prefix, uint32_t count, const struct sample_key *key)
{
    uint32_t failed = 0;
    for (uint32_t i = 0; i < count; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s%u", prefix, i);
        failed += !add(name, key);
    }
    ck_assert_uint_eq(failed, 0);
}

/* As the server counts: evict.c, LFULogIncr. */
static uint8_t counter_after(uint64_t accesses, uint64_t seed)
{
    uint8_t counter = 5;
    for (uint64_t i = 0; i < accesses && counter < 255; i++)
        counter += rng_unit(rng_at(seed, i)) * ((counter - 5.0) * 10 + 1) < 1;
    return counter;
}

static char *written(void)
{
    char *text = NULL;
    size_t text_bytes = 0;
    FILE *out = open_memstream(&text, &text_bytes);
    sample_write(sample, out, "again", "a server");
    fclose(out);
    return text;
}

static void fit(const char *command, uint64_t calls)
{
    sample_add_calls(sample, command, calls);
    ck_assert(sample_fit(sample));
}

static void expect(const char *text, const char *part)
{
    ck_assert_msg(strstr(text, part) != NULL, "'%s' is not in:\n%s", part, text);
}

TEST(skew_is_found_by_counters)
{
    /* Breaks when hot keys of a server are lost, or chance in its counters passes for hot keys. */
    const struct sample_key uniform = {
        .type = SAMPLE_STRING, .value_bytes = 10, .elements = 1, .time_left_ms = -1};
    uint32_t failed = 0;
    sample->counters_known = true;
    for (uint32_t i = 0; i < 3000; i++) {
        char name[32];
        struct sample_key key = uniform;
        snprintf(name, sizeof name, "hot:%u", i);
        key.counter = counter_after(60000 / (i + 1), i);
        failed += !add(name, &key);
        snprintf(name, sizeof name, "even:%u", i);
        key.counter = counter_after(300, 7000 + i);
        failed += !add(name, &key);
    }
    ck_assert_uint_eq(failed, 0);
    fit("get", 1000);
    ck_assert(sample->model->spaces[0].skewed);
    ck_assert_double_eq_tol(sample->model->spaces[0].exponent, 1, 0.1);
    ck_assert(!sample->model->spaces[1].skewed);
    ck_assert_uint_eq(sample->model->spaces[0].count, 3000);
    /* 60,000 times the sum of 1/k up to 3,000, and 300 times 3,000. */
    const double hot = 60000 * 8.58, even = 900000;
    ck_assert_uint_eq(sample->model->shape_count, 2);
    ck_assert_double_eq_tol((double)sample->model->shapes[0].requests / 1000, even / (hot + even),
                            0.06);
}

/* As the server counts in six hours, with a counter that falls by one a minute. */
static uint8_t counter_held(double accesses_per_minute, uint64_t seed)
{
    uint64_t draw = 0;
    double counter = 5, due = 0;
    for (unsigned minute = 0; minute < 360; minute++) {
        counter -= counter > 0;
        due += accesses_per_minute;
        while (due >= 1) {
            due--;
            const double n = counter > 5 ? counter - 5 : 0;
            counter += counter < 255 && rng_unit(rng_at(seed, draw++)) * (n * 10 + 1) < 1;
        }
    }
    return (uint8_t)counter;
}

LOOP_TEST(skew_is_found_by_counters_that_fall, 2)
{
    /* Breaks when a server's age passes for that of its load, or keys whose counters are at their end are taken for alike. */
    const double hottest_per_minute[] = {2000, 20000}, rate = hottest_per_minute[_i];
    double all = 0;
    uint32_t failed = 0;
    sample->counters_known = true;
    sample->up_minutes = 60 * 24 * 30;
    for (uint32_t i = 0; i < 2000; i++) {
        char name[32];
        const double accesses = rate / pow(i + 1, 0.9);
        snprintf(name, sizeof name, "k:%u", i);
        all += accesses;
        failed += !add(name, &(struct sample_key){.type = SAMPLE_STRING,
                                                  .value_bytes = 10,
                                                  .elements = 1,
                                                  .time_left_ms = -1,
                                                  .counter = counter_held(accesses, i)});
    }
    ck_assert_uint_eq(failed, 0);
    sample->seconds = 10;
    fit("get", (uint64_t)(all / 6));
    ck_assert(sample->model->spaces[0].skewed);
    ck_assert_double_eq_tol(sample->model->spaces[0].exponent, 0.9, _i == 0 ? 0.2 : 0.1);
    ck_assert(_i == 0 || sample->spaces[0].at_end > 2);
}

TEST(a_young_load_on_an_old_server)
{
    /* Breaks when counters that have grown for seconds are read as if they had been held for a month. */
    uint32_t failed = 0;
    double all = 0;
    sample->counters_known = true;
    sample->up_minutes = 60 * 24 * 30;
    for (uint32_t i = 0; i < 2000; i++) {
        char name[32];
        const double accesses = 40000 / pow(i + 1, 0.9);
        snprintf(name, sizeof name, "k:%u", i);
        all += accesses;
        failed += !add(name, &(struct sample_key){.type = SAMPLE_STRING,
                                                  .value_bytes = 10,
                                                  .elements = 1,
                                                  .time_left_ms = -1,
                                                  .counter = counter_after((uint64_t)accesses, i)});
    }
    ck_assert_uint_eq(failed, 0);
    sample->seconds = 10; /* as long as the load has been there */
    fit("get", (uint64_t)all);
    ck_assert_double_eq_tol(sample->model->spaces[0].exponent, 0.9, 0.1);
    ck_assert_double_eq_tol(sample->age_minutes * 60 / 10, 1, 0.2);
}

TEST(without_counters_nothing_is_skewed)
{
    /* Breaks when a server that does not count accesses gets a skew, or the guess is not called one. */
    const struct sample_key key = {
        .type = SAMPLE_STRING, .value_bytes = 7, .elements = 1, .time_left_ms = -1, .counter = 255};
    add_many("a:", 300, &key);
    add_many("b:", 100, &key);
    fit("GET", 4000);
    ck_assert(!sample->model->spaces[0].skewed);
    ck_assert_uint_eq(sample->model->shapes[0].requests, 3000);
    char *text = written();
    expect(text, "uniform, which is a guess");
    expect(text, "skew is not known: maxmemory-policy is noeviction");
    free(text);
}

TEST(a_part_stands_for_all_keys)
{
    /* Breaks when a workload has as many keys as were looked at, in place of those that there are. */
    const struct sample_key key = {
        .type = SAMPLE_STRING, .value_bytes = 7, .elements = 1, .time_left_ms = -1};
    uint32_t failed = 0;
    for (uint32_t i = 0; i < 1000; i++) {
        char name[32];
        snprintf(name, sizeof name, "dense:%u", i * 10);
        failed += !add(name, &key);
        snprintf(name, sizeof name, "sparse:%u", i * 1000);
        failed += !add(name, &key);
    }
    ck_assert_uint_eq(failed, 0);
    sample->keys_there = 20000;
    fit("GET", 4000);
    ck_assert_uint_eq(sample->model->spaces[0].count, 9991);
    ck_assert_uint_eq(sample->model->spaces[1].count, 10000);
}

TEST(collections_are_written_as_they_are)
{
    /* Breaks when what a command asks for is not what the prefill has written. */
    add_many("h:", 10,
             &(struct sample_key){
                 .type = SAMPLE_HASH, .value_bytes = 20, .elements = 3, .time_left_ms = 90000});
    add_many("s:", 10,
             &(struct sample_key){
                 .type = SAMPLE_SET, .value_bytes = 4, .elements = 2, .time_left_ms = -1});
    add_many("n:", 10,
             &(struct sample_key){
                 .type = SAMPLE_STRING, .value_bytes = 3, .elements = 1, .time_left_ms = -1});
    sample_add_calls(sample, "hget", 100);
    sample_add_calls(sample, "sismember", 100);
    sample_add_calls(sample, "incr", 100);
    sample_add_calls(sample, "set", 100);
    sample_add_calls(sample, "lpush", 100);
    sample_add_calls(sample, "sort", 50);
    sample_add_calls(sample, "config|get", 25);
    ck_assert(sample_fit(sample));
    char *text = written();
    expect(text, "[\"HGET\", \"{key:h}\", \"field{int 0 2}\"]");
    expect(text, "[\"HSET\", \"{key:h}\", \"field0\", \"{value:");
    expect(text, "\"field2\"");
    expect(text, "[\"EXPIRE\", \"{key:h}\", \"{int 90 90}\"]");
    expect(text, "[\"SISMEMBER\", \"{key:s-2}\", \"mmm{int 0 1}\"]");
    expect(text, "[\"SADD\", \"{key:s-2}\", \"mmm0\", \"mmm1\"]");
    /* What something counts with is a number, whoever writes it. */
    expect(text, "[\"SET\", \"{key:n-3}\", \"{int 100 999}\"]");
    expect(text, "not in the sample: LPUSH (100)");
    expect(text, "cannot be guessed: SORT (50)");
    expect(text, "left out: 25 of scripts");
    expect(text, "the model has 69.57 % of them");
    free(text);
}

TEST(bounds_hold)
{
    /* Breaks when a server with many patterns, commands or keys writes over something. */
    const struct sample_key key = {
        .type = SAMPLE_STRING, .value_bytes = 0, .elements = 1, .time_left_ms = 0};
    for (unsigned i = 0; i < MODEL_SPACES_MAX + 8; i++) {
        char name[32];
        snprintf(name, sizeof name, "%c%c:1", 'a' + (int)i % 26, 'a' + (int)i / 26);
        ck_assert(add(name, &key));
    }
    add_many("aa:", 20001, &key);
    ck_assert_uint_eq(sample->without_room, 8);
    ck_assert_uint_eq(sample->sampled, 20000);
    for (unsigned i = 0; i < 100; i++) {
        char name[32];
        snprintf(name, sizeof name, "unknown%u", i);
        sample_add_calls(sample, name, 1);
    }
    static const char *const known[] = {"get", "set", "strlen", "getset", "setnx"};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        sample_add_calls(sample, known[i], 100000);
    ck_assert(sample_fit(sample));
    ck_assert_uint_le(sample->model->shape_count, MODEL_CLASSES_MAX);
    ck_assert_uint_le(sample->model->fill_count, MODEL_FILLS_MAX);
    free(written());
}

TEST_SUITE_WITH(sample, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 60)
