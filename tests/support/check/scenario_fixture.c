#include "tests/support/check/scenario_fixture.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

struct scenario fixture_scenario;
struct phase_account fixture_accounts[SCENARIO_PHASES_MAX];
struct series fixture_series;
struct scenario_check fixture_checks[SCENARIO_CHECKS_MAX];
static struct phase phases[SCENARIO_PHASES_MAX];
static struct observation observation;
extern const struct observation fixture_observation __attribute__((alias("observation")));

void scenario_fixture_set_up(void)
{
    memset(phases, 0, sizeof phases);
    memset(fixture_accounts, 0, sizeof fixture_accounts);
    memset(fixture_checks, 0, sizeof fixture_checks);
    fixture_series = (struct series){0};
    fixture_scenario = (struct scenario){.name = "made_up",
                                         .memory_target_bytes = 1000ull << 20,
                                         .sample_interval_ns = FIXTURE_SECOND,
                                         .scale = 1,
                                         .phases = phases,
                                         .checks = fixture_checks};
    observation = (struct observation){&fixture_scenario, &fixture_series, fixture_accounts, true};
}

void scenario_fixture_tear_down(void)
{
    series_free(&fixture_series);
}

void scenario_fixture_jemalloc(bool jemalloc)
{
    observation.jemalloc = jemalloc;
}

uint32_t scenario_fixture_phase(const char *name, enum phase_type type, uint64_t seconds)
{
    const uint32_t index = fixture_scenario.phase_count++;
    const uint64_t start_ns = index > 0 ? fixture_accounts[index - 1].end_ns : 0;
    struct phase_account *account = &fixture_accounts[index];
    ck_assert_uint_lt(index, SCENARIO_PHASES_MAX);
    phases[index].type = type;
    snprintf(phases[index].name, sizeof phases[index].name, "%s", name);
    snprintf(phases[index].base, sizeof phases[index].base, "%s", name);
    *account = (struct phase_account){.start_ns = start_ns,
                                      .end_ns = start_ns + seconds * FIXTURE_SECOND,
                                      .ran = true,
                                      .end = "duration",
                                      .load_seconds = (double)seconds,
                                      .rate = NAN,
                                      .mean_ms = NAN,
                                      .p50_ms = NAN,
                                      .p95_ms = NAN,
                                      .p99_ms = NAN,
                                      .max_ms = NAN};
    for (unsigned i = 0; i < SERIES_METRICS; i++)
        account->before[i] = account->after[i] = NAN;
    return index;
}

void scenario_fixture_memory(uint32_t phase, double used_before, double used_after,
                             double rss_before, double rss_after)
{
    struct phase_account *account = &fixture_accounts[phase];
    account->before[SERIES_USED_MEMORY] = used_before * FIXTURE_MB;
    account->after[SERIES_USED_MEMORY] = used_after * FIXTURE_MB;
    account->before[SERIES_RSS] = rss_before * FIXTURE_MB;
    account->after[SERIES_RSS] = rss_after * FIXTURE_MB;
}

struct series_row *scenario_fixture_sample(uint64_t at_ns)
{
    struct err err = {.code = OK};
    struct series_row row = {.at_ns = at_ns,
                             .wall_ns = 1700000000 * FIXTURE_SECOND + at_ns,
                             .phase = fixture_scenario.phase_count - 1};
    for (unsigned i = 0; i < SERIES_METRICS; i++)
        row.values[i] = NAN;
    ck_assert_int_eq(series_add(&fixture_series, &row, &err), OK);
    return &fixture_series.rows[fixture_series.count - 1];
}

struct scenario_check *scenario_fixture_check(const char *metric, const char *phase,
                                              enum check_aggregate aggregate,
                                              enum check_operator operator, double value)
{
    struct scenario_check *check = &fixture_checks[fixture_scenario.check_count++];
    *check = (struct scenario_check){.aggregate = aggregate, .operator= operator, .value = value };
    snprintf(check->metric, sizeof check->metric, "%s", metric);
    snprintf(check->phase, sizeof check->phase, "%s", phase);
    return check;
}
