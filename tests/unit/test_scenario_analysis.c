#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/rng.h"
#include "orchestrator/scenario/analysis.h"
#include "orchestrator/scenario/derived.h"
#include "tests/support/check/scenario_fixture.h"
#include "tests/support/check/suite.h"

static struct analysis analysis;

static void set_up(void)
{
    scenario_fixture_set_up();
    analysis = (struct analysis){0};
}

static void tear_down(void)
{
    analysis_free(&analysis);
    scenario_fixture_tear_down();
}

static void make(void)
{
    struct err err = {.code = OK};
    analysis_free(&analysis);
    ck_assert_int_eq(analysis_make(&analysis, &fixture_observation, &err), OK);
}

/* A load, cycles of half an hour, teardown and rest, all times scaled. What leaks in an hour as a part of the target, what
 * is left in the end, and how much noise there is. */
struct leaking {
    double share_per_hour, rest_mb, noise_mb, scale;
    uint64_t seed;
    uint32_t cycles;
};

static double noise(const struct leaking *leaking, uint64_t index)
{
    double sum = -6;
    for (uint64_t i = 0; i < 12; i++)
        sum += rng_unit(rng_at(leaking->seed, index * 12 + i));
    return sum * leaking->noise_mb; /* a sum of twelve: all but normal, sigma 1 */
}

static void play(const struct leaking *leaking)
{
    scenario_fixture_set_up();
    const uint64_t target_mb = (uint64_t)(1000 * leaking->scale);
    fixture_scenario.memory_target_bytes = target_mb << 20;
    fixture_scenario.scale = leaking->scale;
    double used = 500 * leaking->scale;
    uint32_t phase = scenario_fixture_phase("initial_load", PHASE_LOAD, 600);
    scenario_fixture_memory(phase, 1, used, 10, used);
    fixture_accounts[phase].keys_after = 1000000;
    for (uint32_t cycle = 1; cycle <= leaking->cycles; cycle++) {
        char name[32];
        snprintf(name, sizeof name, "mixed_%u", cycle);
        (void)scenario_fixture_phase(name, PHASE_HOLD, 1740);
        snprintf(name, sizeof name, "rest_%u", cycle);
        phase = scenario_fixture_phase(name, PHASE_IDLE, 60);
        used += leaking->share_per_hour / 2 * (double)target_mb;
        const double seen = used + noise(leaking, cycle);
        scenario_fixture_memory(phase, seen, seen, seen, seen);
        fixture_accounts[phase].keys_after = 1000000;
    }
    phase = scenario_fixture_phase("teardown", PHASE_DELETE, 600);
    fixture_accounts[phase].keys_before = 1000000;
    phase = scenario_fixture_phase("final", PHASE_IDLE, 540);
    scenario_fixture_memory(phase, used, 1 + leaking->rest_mb, used, 10);
    for (uint32_t i = 0; i < fixture_scenario.phase_count; i++) {
        fixture_accounts[i].start_ns =
            (uint64_t)((double)fixture_accounts[i].start_ns * leaking->scale);
        fixture_accounts[i].end_ns =
            (uint64_t)((double)fixture_accounts[i].end_ns * leaking->scale);
    }
}

LOOP_TEST(a_planted_leak_is_found, 20)
{
    /* Breaks when a leak of 2 % of the target an hour stays unseen in noise, as written or scaled. */
    for (int scaled = 0; scaled < 2; scaled++) {
        const double scale = scaled ? 0.1 : 1;
        const struct leaking leaking = {.share_per_hour = 0.02,
                                        .rest_mb = 70 * scale,
                                        .noise_mb = 2 * scale,
                                        .scale = scale,
                                        .seed = (uint64_t)_i,
                                        .cycles = 7};
        play(&leaking);
        const struct leak leak = leak_judge(&fixture_observation);
        ck_assert_msg(leak.verdict == LEAK_DETECTED, "%s", leak.reason);
        ck_assert_uint_eq(leak.points, 7);
        ck_assert_double_eq_tol(leak.slope_mb_per_hour, 20 * scale, 4 * scale);
        ck_assert_double_eq_tol(leak.limit_mb_per_hour, 10 * scale, 1e-9);
    }
}

LOOP_TEST(noise_is_no_leak, 20)
{
    /* Breaks when noise of 2 % of the target is called a leak, or half of what is allowed. */
    struct leaking leaking = {
        .rest_mb = 4, .noise_mb = 20, .scale = 1, .seed = 100 + (uint64_t)_i, .cycles = 7};
    play(&leaking);
    struct leak leak = leak_judge(&fixture_observation);
    ck_assert_msg(leak.verdict == LEAK_NONE, "%s", leak.reason);
    leaking.share_per_hour = 0.005;
    leaking.noise_mb = 1;
    play(&leaking);
    leak = leak_judge(&fixture_observation);
    ck_assert_msg(leak.verdict == LEAK_NONE, "%s", leak.reason);
}

TEST(one_test_is_a_suspicion)
{
    /* Breaks when what only one of the two tests says is passed over, or told as certain. */
    struct leaking leaking = {.share_per_hour = 0.02, .rest_mb = 4, .scale = 1, .cycles = 7};
    play(&leaking);
    struct leak leak = leak_judge(&fixture_observation);
    ck_assert_int_eq(leak.verdict, LEAK_SUSPECTED);
    ck_assert_int_eq(leak.growth, LEAK_FOUND);
    ck_assert_int_eq(leak.rest, LEAK_ABSENT);
    leaking = (struct leaking){.rest_mb = 21, .scale = 1, .cycles = 7};
    play(&leaking);
    leak = leak_judge(&fixture_observation);
    ck_assert_int_eq(leak.verdict, LEAK_SUSPECTED);
    ck_assert_int_eq(leak.growth, LEAK_ABSENT);
    ck_assert_double_eq_tol(leak.rest_limit_mb, 20, 1e-9);
    ck_assert_ptr_nonnull(strstr(leak.reason, "21.00 MB"));
}

TEST(few_points_are_not_judged)
{
    /* Breaks when a scenario too short to see a leak is said to have none. */
    struct leaking leaking = {.share_per_hour = 0.02, .rest_mb = 4, .scale = 1, .cycles = 4};
    play(&leaking);
    struct leak leak = leak_judge(&fixture_observation);
    ck_assert_int_eq(leak.verdict, LEAK_NOT_JUDGED);
    ck_assert_ptr_nonnull(strstr(leak.reason, "4 of at least 5 points"));
    leaking.cycles = 5;
    play(&leaking);
    leak = leak_judge(&fixture_observation);
    ck_assert_int_eq(leak.growth, LEAK_FOUND);
    scenario_fixture_set_up();
    ck_assert_int_eq(leak_judge(&fixture_observation).verdict, LEAK_NOT_JUDGED);
}

TEST(more_keys_are_no_leak)
{
    /* Breaks when memory is not counted by key: it grows by half, and so do the keys. And when a checkpoint right behind
     * an idle phase counts as one more point. */
    const struct leaking leaking = {.scale = 1, .cycles = 6, .rest_mb = 4};
    play(&leaking);
    for (uint32_t i = 2; i <= 12; i += 2) {
        const double keys = 1e6 * (1 + i / 24.0), used = 1 + 499 * (1 + i / 24.0);
        fixture_accounts[i].keys_after = (uint64_t)keys;
        scenario_fixture_memory(i, used, used, used, used);
    }
    struct leak leak = leak_judge(&fixture_observation);
    ck_assert_int_eq(leak.verdict, LEAK_NONE);
    ck_assert_double_eq_tol(leak.slope_mb_per_hour, 0, 0.01);
    ck_assert_uint_eq(leak.points, 6);
    for (uint32_t i = 1; i <= 11; i += 2)
        fixture_scenario.phases[i].type = PHASE_CHECKPOINT;
    for (uint32_t i = 1; i <= 11; i += 2)
        fixture_accounts[i] = fixture_accounts[i + 1];
    ck_assert_uint_eq(leak_judge(&fixture_observation).points, 1);
}

TEST(what_is_loaded_after_a_flush_is_no_rest)
{
    /* Breaks when keys that are there in the end count as what a server did not give back. */
    const struct leaking leaking = {.rest_mb = 200, .scale = 1, .cycles = 7};
    play(&leaking);
    ck_assert_int_eq(leak_judge(&fixture_observation).rest, LEAK_FOUND);
    const uint32_t phase = scenario_fixture_phase("again", PHASE_LOAD, 60);
    fixture_accounts[phase].keys_after = 5;
    scenario_fixture_memory(phase, 1, 300, 1, 300);
    ck_assert_int_eq(leak_judge(&fixture_observation).rest, LEAK_UNKNOWN);
}

TEST(statistics_of_a_phase)
{
    /* Breaks when samples of another phase count, or one that is missing counts as 0. */
    scenario_fixture_phase("a", PHASE_LOAD, 10);
    for (uint64_t i = 1; i <= 10; i++)
        scenario_fixture_sample(i * FIXTURE_SECOND)->values[SERIES_KEYS] = (double)i;
    scenario_fixture_sample(10 * FIXTURE_SECOND);
    scenario_fixture_phase("b", PHASE_LOAD, 10);
    scenario_fixture_sample(11 * FIXTURE_SECOND)->values[SERIES_KEYS] = 40;
    make();
    const struct metric_summary *keys = &analysis.phases[0].metrics[SERIES_KEYS];
    ck_assert_uint_eq(keys->count, 10);
    ck_assert_double_eq(keys->min, 1);
    ck_assert_double_eq(keys->max, 10);
    ck_assert_double_eq_tol(keys->mean, 5.5, 1e-12);
    ck_assert_double_eq_tol(keys->p95, 9.55, 1e-12);
    ck_assert_double_eq_tol(keys->stdev, 3.0276503541, 1e-9);
    ck_assert_double_eq(keys->first, 1);
    ck_assert_double_eq(keys->last, 10);
    keys = &analysis.phases[1].metrics[SERIES_KEYS];
    ck_assert_uint_eq(keys->count, 1);
    ck_assert_double_eq(keys->mean, 40);
    ck_assert_double_nan(keys->stdev);
    ck_assert_uint_eq(analysis.phases[0].metrics[SERIES_RSS].count, 0);
    ck_assert_double_nan(analysis.phases[0].metrics[SERIES_RSS].mean);
    ck_assert_uint_eq(analysis.whole[SERIES_KEYS].count, 11);
    ck_assert_double_eq(analysis.whole[SERIES_KEYS].max, 40);
}

TEST(memory_given_back)
{
    /* Breaks when cleanup is told of a phase in which nothing was freed, or turns are averaged and not added up. */
    uint32_t phase = scenario_fixture_phase("shrink_1", PHASE_DELETE, 10);
    scenario_fixture_memory(phase, 600, 300, 700, 550);
    phase = scenario_fixture_phase("shrink_2", PHASE_DELETE, 10);
    scenario_fixture_memory(phase, 300, 200, 550, 450);
    phase = scenario_fixture_phase("idle", PHASE_IDLE, 10);
    scenario_fixture_memory(phase, 200, 198.5, 450, 100); /* less than 1 % */
    make();
    ck_assert_double_eq_tol(analysis.phases[0].cleanup_efficiency, 0.5, 1e-12);
    ck_assert_double_eq_tol(analysis.phases[1].cleanup_efficiency, 1, 1e-12);
    ck_assert_double_nan(analysis.phases[2].cleanup_efficiency);
    struct phase_set set = {.has = {true, true, true}};
    ck_assert_double_eq_tol(derived_cleanup_efficiency(&fixture_observation, &set), 250.0 / 400,
                            1e-12);
}

TEST(memory_used_for_payload)
{
    /* Breaks when overhead is not seen, or what replaced other values is told as stored. */
    uint32_t phase = scenario_fixture_phase("load", PHASE_LOAD, 10);
    scenario_fixture_memory(phase, 100, 300, 100, 300);
    fixture_accounts[phase].payload_bytes = 120ull << 20;
    phase = scenario_fixture_phase("overwrite", PHASE_OVERWRITE, 10);
    scenario_fixture_memory(phase, 300, 310, 300, 310);
    fixture_accounts[phase].payload_bytes = 120ull << 20;
    make();
    ck_assert_double_eq_tol(analysis.phases[0].alloc_efficiency, 0.6, 1e-12);
    ck_assert_double_nan(analysis.phases[1].alloc_efficiency);
}

TEST(stalls_are_seconds)
{
    /* Breaks when a stall counts as one sample however long it was, or an idle phase as one long stall. */
    scenario_fixture_phase("hold", PHASE_HOLD, 20);
    uint64_t at = 0;
    for (uint64_t i = 1; i <= 9; i++)
        scenario_fixture_sample(at = i * FIXTURE_SECOND)->values[SERIES_OPS] = 1000;
    scenario_fixture_sample(at += FIXTURE_SECOND / 2)->values[SERIES_OPS] = 99;
    scenario_fixture_sample(at += 3 * FIXTURE_SECOND)->values[SERIES_OPS] = 0;
    scenario_fixture_sample(at += FIXTURE_SECOND)->values[SERIES_OPS] = 100;
    scenario_fixture_phase("idle", PHASE_IDLE, 20);
    for (uint64_t i = 0; i < 5; i++)
        scenario_fixture_sample(at += FIXTURE_SECOND)->values[SERIES_OPS] = 0;
    make();
    ck_assert_double_eq_tol(analysis.phases[0].stall_seconds, 3.5, 1e-9);
    ck_assert_double_eq(analysis.phases[1].stall_seconds, 0);
    const struct phase_set none = phase_set_of(7);
    ck_assert_double_nan(derived_stall_seconds(&fixture_observation, &none));
}

TEST(growth_by_minute)
{
    /* Breaks when the slope is not in MB a minute. */
    scenario_fixture_phase("load", PHASE_LOAD, 600);
    for (uint64_t i = 1; i <= 600; i++)
        scenario_fixture_sample(i * FIXTURE_SECOND)->values[SERIES_USED_MEMORY] =
            FIXTURE_MB * (50 + (double)i / 2);
    make();
    ck_assert_double_eq_tol(analysis.growth.line.slope, 30, 1e-9);
    ck_assert_double_eq_tol(analysis.growth.line.r2, 1, 1e-9);
    ck_assert_double_lt(analysis.growth.p, 1e-6);
    ck_assert_double_nan(analysis.fragmentation.line.slope);
}

static struct series_row *sample_ratios(uint64_t second, double used_mb)
{
    struct series_row *row = scenario_fixture_sample(second * FIXTURE_SECOND);
    row->values[SERIES_USED_MEMORY] = used_mb * FIXTURE_MB;
    row->values[SERIES_FRAGMENTATION] = row->values[SERIES_RSS_OVERHEAD] = 1.5;
    row->values[SERIES_ALLOCATOR_RSS] = row->values[SERIES_ALLOCATOR_FRAGMENTATION] = 1.5;
    return row;
}

TEST(ratios_that_mean_nothing_are_unknown)
{
    /* Breaks when a process that holds next to nothing is said to be fragmented, or libc's allocator is believed. */
    scenario_fixture_phase("small", PHASE_LOAD, 10);
    sample_ratios(1, 99.9);
    sample_ratios(2, 100);
    make();
    const struct metric_summary *metrics = analysis.phases[0].metrics;
    ck_assert_uint_eq(metrics[SERIES_FRAGMENTATION].count, 1);
    ck_assert_uint_eq(metrics[SERIES_RSS_OVERHEAD].count, 1);
    ck_assert_uint_eq(metrics[SERIES_ALLOCATOR_RSS].count, 1);
    ck_assert_uint_eq(metrics[SERIES_ALLOCATOR_FRAGMENTATION].count, 2);
    ck_assert_uint_eq(metrics[SERIES_USED_MEMORY].count, 2);
    scenario_fixture_jemalloc(false);
    make();
    metrics = analysis.phases[0].metrics;
    ck_assert_uint_eq(metrics[SERIES_ALLOCATOR_FRAGMENTATION].count, 0);
    ck_assert_uint_eq(metrics[SERIES_ALLOCATOR_RSS].count, 0);
    ck_assert_uint_eq(metrics[SERIES_FRAGMENTATION].count, 1);
}

TEST(one_sample_far_out_is_an_anomaly)
{
    /* Breaks when a spike is not seen, or wobbling around a value is one. */
    scenario_fixture_phase("hold", PHASE_HOLD, 60);
    for (uint64_t i = 0; i < 60; i++) {
        struct series_row *row = scenario_fixture_sample(i * FIXTURE_SECOND);
        row->values[SERIES_P99] = i == 30 ? 20 : 1 + (double)(i % 5) / 10;
        row->values[SERIES_CONNECTED] = i == 40 ? 3 : 50;
        row->values[SERIES_USED_MEMORY] = 1e9 + (i == 50 ? 100 : 0);
        row->values[SERIES_NET_IN] = 1e6 * (double)i; /* grows evenly */
    }
    make();
    ck_assert_uint_eq(analysis.anomaly_count, 2);
    ck_assert_uint_eq(analysis.anomalies[0].metric, SERIES_CONNECTED);
    ck_assert_double_eq(analysis.anomalies[0].value, 3);
    ck_assert_double_eq(analysis.anomalies[0].median, 50);
    ck_assert_uint_eq(analysis.anomalies[1].metric, SERIES_P99);
    ck_assert_uint_eq(analysis.anomalies[1].at_ns, 30 * FIXTURE_SECOND);
    ck_assert_uint_eq(analysis.anomalies[1].phase, 0);
}

TEST(the_list_of_anomalies_is_bounded)
{
    /* Breaks when many anomalies are written behind the list. */
    scenario_fixture_phase("hold", PHASE_HOLD, 1000);
    for (uint64_t i = 0; i < 1000; i++)
        scenario_fixture_sample(i * FIXTURE_SECOND)->values[SERIES_ERRORS] = i % 5 == 0 ? 9 : 0;
    make();
    ck_assert_uint_eq(analysis.anomaly_count, 200);
    ck_assert_uint_eq(analysis.anomalies[ANALYSIS_ANOMALIES_MAX - 1].at_ns, 495 * FIXTURE_SECOND);
}

TEST(without_samples_nothing_is_known)
{
    /* Breaks when a scenario that ended before its first sample cannot be analysed. */
    make();
    ck_assert_uint_eq(analysis.anomaly_count, 0);
    ck_assert_double_nan(analysis.growth.line.slope);
    scenario_fixture_phase("load", PHASE_LOAD, 1);
    make();
    ck_assert_double_nan(analysis.phases[0].stall_seconds);
    ck_assert_double_nan(analysis.phases[0].cleanup_efficiency);
    ck_assert_int_eq(analysis.leak.verdict, LEAK_NOT_JUDGED);
}

TEST_SUITE_WITH(scenario_analysis, .set_up = set_up, .tear_down = tear_down)
