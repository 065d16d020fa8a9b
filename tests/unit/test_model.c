/* A model of traffic: what it was made of is found again. */
#include "orchestrator/traffic/model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/normal.h"
#include "common/rng.h"
#include "orchestrator/options/rate_plan.h"
#include "tests/support/check/suite.h"

static struct model *model;

static void set_up(void)
{
    model = model_create();
    ck_assert_ptr_nonnull(model);
}

static void tear_down(void)
{
    model_free(model);
}

static bool add(const char *const *words, uint32_t count, uint64_t at_us)
{
    struct recording_argument arguments[8];
    for (uint32_t i = 0; i < count; i++)
        arguments[i] = (struct recording_argument){words[i], strlen(words[i])};
    return model_add(model, &(struct recording_entry){
                                .at_us = at_us, .argument_count = count, .arguments = arguments});
}

static bool add_get(const char *prefix, uint64_t number, uint64_t at_us)
{
    char key[64];
    snprintf(key, sizeof key, "%s%012llu", prefix, (unsigned long long)number);
    const char *words[] = {"get", key};
    return add(words, 2, at_us);
}

/* Ranks are spread over the numbers, as hot keys are. */
static void draw_zipf(double exponent, uint32_t keys, uint32_t draws)
{
    double *sums = malloc(keys * sizeof *sums), sum = 0;
    ck_assert_ptr_nonnull(sums);
    for (uint32_t i = 0; i < keys; i++)
        sums[i] = sum += pow(i + 1, -exponent);
    uint32_t failed = 0;
    for (uint32_t i = 0; i < draws; i++) {
        double at = rng_unit(rng_at(7, i)) * sum;
        uint32_t low = 0, high = keys - 1;
        while (low < high) {
            uint32_t middle = (low + high) / 2;
            if (sums[middle] < at)
                low = middle + 1;
            else
                high = middle;
        }
        failed += !add_get("user:", (uint64_t)low * 7919 % keys, i);
    }
    free(sums);
    ck_assert_uint_eq(failed, 0);
}

LOOP_TEST(the_skew_of_keys_is_found, 4)
{
    /* Breaks when hot keys of a model are hotter or colder than those that were recorded. */
    static const double exponents[] = {0.7, 0.99, 1.2, 1.5};
    draw_zipf(exponents[_i], 100000, 300000);
    ck_assert(model_fit(model));
    ck_assert_uint_eq(model->space_count, 1);
    const struct model_space *space = &model->spaces[0];
    ck_assert(space->skewed);
    ck_assert_msg(fabs(space->exponent - exponents[_i]) < 0.03, "%f", space->exponent);
    ck_assert_msg(space->distance < 0.03 || exponents[_i] > 1.1, "%f", space->distance);
    ck_assert_str_eq(space->prefix, "user:");
    ck_assert_uint_eq(space->digits, 12);
}

TEST(uniform_keys_are_not_skewed)
{
    /* Breaks when chance passes for hot keys. */
    uint32_t failed = 0;
    for (uint64_t i = 0; i < 200000; i++)
        failed += !add_get("item:", rng_bounded(rng_at(3, i), 1000), i);
    ck_assert_uint_eq(failed, 0);
    ck_assert(model_fit(model));
    ck_assert(!model->spaces[0].skewed);
    ck_assert_uint_eq(model->spaces[0].count, 1000);
    ck_assert(model->spaces[0].distance < 0.03);
}

TEST(more_keys_than_there_is_room_for)
{
    /* Breaks when memory grows with the keys, or their number is lost. */
    const uint64_t keys = MODEL_KEYS_MAX * 3ull;
    uint32_t failed = 0;
    for (uint64_t i = 0; i < keys; i++)
        failed += !add_get("k", i, i);
    ck_assert_uint_eq(failed, 0);
    ck_assert_uint_le(model->key_count, MODEL_KEYS_MAX);
    ck_assert(model_fit(model));
    ck_assert_uint_gt(model->halvings, 0);
    ck_assert_double_eq_tol((double)model->spaces[0].distinct / (double)keys, 1, 0.02);
}

TEST(mix_and_sizes_are_found)
{
    /* Breaks when a class has another share, or values another size, than was recorded. */
    static char value[100001];
    memset(value, 'v', sizeof value - 1);
    uint32_t failed = 0;
    for (uint64_t i = 0; i < 40000; i++) {
        char key[32];
        snprintf(key, sizeof key, "doc:%llu", (unsigned long long)(i % 5000));
        double size = 300 * exp(0.9 * normal_quantile(rng_unit(rng_at(5, i))));
        size_t bytes = size < 65 ? 65 : size > 100000 ? 100000 : (size_t)size;
        const char *set[] = {"SET", key, value + sizeof value - 1 - bytes, "EX",
                             i % 8 == 0 ? "60" : "90"};
        const char *get[] = {"GET", key};
        failed += i % 4 == 0 ? !add(set, 5, i) : !add(get, 2, i);
    }
    ck_assert_uint_eq(failed, 0);
    ck_assert(model_fit(model));
    ck_assert_uint_eq(model->shape_count, 2);
    ck_assert_str_eq(model->shapes[0].name, "GET");
    ck_assert_uint_eq(model->shapes[0].requests, 30000);
    const struct model_shape *set = &model->shapes[1];
    ck_assert_uint_eq(set->requests, 10000);
    ck_assert_int_eq(set->arguments[2].kind, ARGUMENT_VALUE);
    double median = (double)histogram_quantile(set->arguments[2].sizes, 0.5);
    ck_assert_double_eq_tol(median / 300, 1, 0.05);
    ck_assert_int_eq(set->arguments[3].kind, ARGUMENT_LITERAL);
    ck_assert_int_eq(set->arguments[4].kind, ARGUMENT_NUMBER);
    ck_assert_uint_eq(set->arguments[4].lowest, 60);
    ck_assert_uint_eq(set->arguments[4].highest, 90);
}

TEST(keys_of_all_kinds)
{
    /* Breaks when keys of one kind are taken for many key spaces, or of several for one. */
    static const char *const keys[] = {
        "order:{17}:lines",
        "order:{18}:lines",
        "cart12",
        "cart7",
        "session:a1b2c3d4e5f6",
        "session:0f9e8d7c6b5a",
        "550e8400-e29b-41d4-a716-446655440000",
        "settings",
        "settings",
    };
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const char *words[] = {"GET", keys[i]};
        ck_assert(add(words, 2, i));
    }
    ck_assert(model_fit(model));
    ck_assert_uint_eq(model->without_room, 0);
    ck_assert_uint_eq(model->space_count, 5);
    ck_assert_str_eq(model->spaces[0].prefix, "order:{");
    ck_assert_str_eq(model->spaces[0].suffix, "}:lines");
    ck_assert_str_eq(model->spaces[1].prefix, "cart");
    ck_assert_uint_eq(model->spaces[1].lowest, 7);
    ck_assert_str_eq(model->spaces[2].prefix, "session:");
    ck_assert(model->spaces[2].opaque);
    ck_assert_uint_eq(model->spaces[2].distinct, 2);
}

TEST(what_finds_no_room_is_counted)
{
    /* Breaks when a model says that it is the whole, and is not. */
    for (unsigned i = 0; i < MODEL_SPACES_MAX + 8; i++) {
        char key[32];
        snprintf(key, sizeof key, "%c%c:1", 'a' + (int)i % 26, 'a' + (int)i / 26);
        const char *words[] = {"GET", key};
        ck_assert(add(words, 2, i));
    }
    const char *many[] = {"CLIENT", "LIST"};
    ck_assert(add(many, 2, 100));
    ck_assert(model_fit(model));
    ck_assert_uint_eq(model->without_room, 8);
    ck_assert_uint_eq(model->administrative, 1);
    ck_assert_uint_eq(model->modelled, MODEL_CLASSES_MAX);
    char *text = NULL;
    size_t text_bytes = 0;
    FILE *out = open_memstream(&text, &text_bytes);
    model_write_fit(model, out, "");
    fclose(out);
    ck_assert_ptr_nonnull(strstr(text, "left out: 8 of too many kinds"));
    ck_assert_ptr_nonnull(strstr(text, "left out: 24 of kinds that are rare"));
    free(text);
}

/* What a plan sends, in the time it takes. */
static double planned_requests(const char *text, double *seconds)
{
    struct rate_steps steps = {.count = 0};
    struct err err = {.code = OK};
    const struct file_source source = {.name = "plan", .text = text, .text_bytes = strlen(text)};
    double requests = 0;
    ck_assert_msg(rate_plan_read(&steps, &source, &err) == OK, "%s in %s", err.text, text);
    ck_assert_uint_le(steps.count, MODEL_RATE_STEPS_MAX);
    *seconds = 0;
    for (uint32_t i = 0; i < steps.count; i++) {
        const double length = (double)steps.items[i].length_ns / 1e9;
        *seconds += length;
        requests += length * (double)steps.items[i].from_micro / 1e6;
    }
    rate_steps_free(&steps);
    return requests;
}

LOOP_TEST(the_rate_over_time_becomes_a_plan, 3)
{
    /* Breaks when a rate plan is none that --rate-plan takes, or is of more or fewer requests, or of another time. */
    static const uint64_t spans_us[] = {7300000, 4000000, 3500ull * 1000000 + 1};
    const uint64_t span_us = spans_us[_i], requests = 20000;
    uint32_t failed = 0;
    for (uint64_t i = 0; i < requests; i++) /* ever more */
        failed += !add_get("k", i % 100,
                           i == requests - 1
                               ? span_us
                               : (uint64_t)(sqrt((double)i / (double)requests) * (double)span_us));
    ck_assert_uint_eq(failed, 0);
    model->has_times = true;
    ck_assert(model_fit(model));
    ck_assert(model_has_rates(model));
    char *text = NULL;
    size_t text_bytes = 0;
    double seconds;
    FILE *out = open_memstream(&text, &text_bytes);
    model_write_rates(model, out, "traffic");
    fclose(out);
    ck_assert_double_eq_tol(planned_requests(text, &seconds), (double)requests, 0.1);
    ck_assert_double_eq_tol(seconds, (double)span_us / 1e6, 1e-6);
    free(text);
}

TEST(an_even_rate_is_one_step)
{
    /* Breaks when a plan has a line for each second of a day that is all the same. */
    for (uint64_t i = 0; i <= 100; i++)
        ck_assert(add_get("k", i, i < 100 ? i * 100000 : 10000000 - 1));
    model->has_times = true;
    model->span_us = 10000000;
    model->per_second[9]--;
    char *text = NULL;
    size_t text_bytes = 0;
    FILE *out = open_memstream(&text, &text_bytes);
    model_write_rates(model, out, "traffic");
    fclose(out);
    ck_assert_ptr_nonnull(strstr(text, "\n- {for: 10s, rate: 10}\n"));
    free(text);
    model->has_times = false;
    ck_assert(!model_has_rates(model));
}

TEST_SUITE_WITH(model, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 120)
