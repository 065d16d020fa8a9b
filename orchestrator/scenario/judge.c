#include "orchestrator/scenario/judge.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/report/statistics.h"
#include "orchestrator/scenario/derived.h"
#include "orchestrator/scenario/words.h"

#define EQUAL_SHARE                                                                                \
    1e-9 /* numbers that differ by less are equal: they were divided and read from text */

bool judge_metric_known(const char *name)
{
    enum series_metric metric;
    double divisor;
    return series_metric_find(&metric, &divisor, name) || derived_metric_find(name) != NULL;
}

const char *judge_metric_at(size_t index)
{
    size_t before = 0;
    if (index < SERIES_METRICS)
        return series_metric_name((enum series_metric)index);
    before += SERIES_METRICS;
    for (size_t i = 0; series_alias_at(i) != NULL; i++, before++)
        if (index == before)
            return series_alias_at(i);
    const struct derived_metric *derived = derived_metric_at(index - before);
    return derived != NULL ? derived->name : NULL;
}

static enum check_result violated(const struct scenario_check *check)
{
    return check->severity == SEVERITY_WARN ? CHECK_WARN : CHECK_FAIL;
}

/* What a value is made of: numbers in the order of time. */
struct material {
    size_t count;
    double *minutes, *values;
    double first, last;
};

/* Works in the material's values. */
static double aggregated(const struct material *material, enum check_aggregate aggregate)
{
    double *values = material->values;
    const size_t count = material->count;
    switch (aggregate) {
    case AGGREGATE_FIRST:
        return material->first;
    case AGGREGATE_MEAN:
        return statistics_mean(values, count);
    case AGGREGATE_MIN:
        return statistics_min(values, count);
    case AGGREGATE_MAX:
        return statistics_max(values, count);
    case AGGREGATE_P95:
        return statistics_quantile(values, statistics_sort(values, count), 0.95);
    case AGGREGATE_STDEV:
        return statistics_deviation(values, count);
    case AGGREGATE_DELTA:
        return material->last - material->first;
    case AGGREGATE_CV:
        return statistics_deviation(values, count) / statistics_mean(values, count);
    case AGGREGATE_SLOPE:
        return statistics_line(material->minutes, values, count).slope;
    case AGGREGATE_LAST:
    case AGGREGATES:
        break;
    }
    return material->last;
}

struct edges {
    double first, last;
    const char
        *doubt; /* why one of them must not be judged; NULL: it is known, or nobody sampled it */
    double minutes[2];
};

/* The samples before the first and after the last of these phases. */
static struct edges edges_of(const struct observation *observation, const struct phase_set *set,
                             enum series_metric metric)
{
    struct edges edges = {.first = NAN, .last = NAN};
    const bool of_server = series_metric_source(metric) != SERIES_OF_CLIENT;
    bool any = false;
    for (uint32_t i = 0; of_server && i < observation->scenario->phase_count; i++) {
        const struct phase_account *account = &observation->accounts[i];
        if (!set->has[i])
            continue;
        if (!any) {
            edges.first = observation_value(observation, account->before, metric);
            edges.minutes[0] = (double)account->start_ns / 60e9;
        }
        any = true;
        edges.last = observation_value(observation, account->after, metric);
        edges.minutes[1] = (double)account->end_ns / 60e9;
        edges.doubt = observation_doubt(observation, account->after, metric);
    }
    return edges;
}

static void judge_samples(struct check_outcome *outcome, const struct observation *observation,
                          const struct phase_set *set, const struct scenario_check *check,
                          struct material *material)
{
    enum series_metric metric = SERIES_METRICS;
    double divisor = 1;
    if (!series_metric_find(&metric, &divisor, check->metric))
        return;
    const struct edges edges = edges_of(observation, set, metric);
    material->count =
        observation_samples(observation, set, metric, material->minutes, material->values);
    if (material->count == 0) {
        const double both[] = {edges.first, edges.last};
        for (unsigned i = 0; i < 2; i++)
            if (!isnan(both[i])) {
                material->minutes[material->count] = edges.minutes[i];
                material->values[material->count++] = both[i];
            }
    }
    outcome->samples = material->count;
    if (material->count == 0) {
        if (edges.doubt == NULL)
            outcome->result = violated(check);
        snprintf(outcome->reason, sizeof outcome->reason, "%s",
                 edges.doubt != NULL ? edges.doubt : "it was never sampled there");
        return;
    }
    material->first = isnan(edges.first) ? material->values[0] : edges.first;
    material->last = isnan(edges.last) ? material->values[material->count - 1] : edges.last;
    outcome->value = aggregated(material, check->aggregate) / divisor;
    if (isnan(outcome->value))
        snprintf(outcome->reason, sizeof outcome->reason, "one sample has no %s",
                 check_aggregate_word(check->aggregate));
}

static void judge_derived(struct check_outcome *outcome, const struct observation *observation,
                          const struct phase_set *set, const struct scenario_check *check,
                          struct material *material)
{
    const struct derived_metric *derived = derived_metric_find(check->metric);
    if (derived == NULL) {
        snprintf(outcome->reason, sizeof outcome->reason, "there is no such metric");
        return;
    }
    material->count = 0;
    for (uint32_t i = 0; !derived->whole && i < observation->scenario->phase_count; i++) {
        const struct phase_set one = phase_set_of(i);
        const double value = set->has[i] ? derived->of(observation, &one) : NAN;
        if (isnan(value))
            continue;
        material->minutes[material->count] = (double)observation->accounts[i].end_ns / 60e9;
        material->values[material->count++] = value;
    }
    outcome->samples = material->count;
    if (derived->whole || check->aggregate == AGGREGATE_LAST) {
        outcome->value = derived->of(observation, set);
    } else if (material->count > 0) {
        material->first = material->values[0];
        material->last = material->values[material->count - 1];
        outcome->value = aggregated(material, check->aggregate);
    }
    if (isnan(outcome->value))
        snprintf(outcome->reason, sizeof outcome->reason, "%s", derived->unknown);
}

bool judge_holds(const struct scenario_check *check, double value)
{
    const double limit = check->value;
    const bool equal =
        value == limit || fabs(value - limit) <= EQUAL_SHARE * fmax(fabs(value), fabs(limit));
    switch (check->operator) {
    case CHECK_LE:
        return equal || value < limit;
    case CHECK_LT:
        return !equal && value < limit;
    case CHECK_GE:
        return equal || value > limit;
    case CHECK_GT:
        return !equal && value > limit;
    case CHECK_NE:
        return !equal;
    case CHECK_EQ:
    case CHECK_OPERATORS:
        break;
    }
    return equal;
}

static void conclude(struct check_outcome *outcome, const struct scenario_check *check,
                     const struct observation *observation)
{
    char value[NUMBER_TEXT_BYTES], limit[NUMBER_TEXT_BYTES];
    const bool passed = judge_holds(check, outcome->value);
    const bool relative = check->relative_to[0] != '\0';
    check_texts(value, limit, check, outcome->value);
    outcome->result = passed ? CHECK_PASS : violated(check);
    if (strcmp(check->metric, "leak_verdict") == 0)
        snprintf(outcome->reason, sizeof outcome->reason, "%s", leak_judge(observation).reason);
    else
        snprintf(outcome->reason, sizeof outcome->reason, "it is %s%s%s and %s %s %s", value,
                 relative ? " times that of " : "", check->relative_to,
                 passed ? "had to be" : "should be", check_operator_word(check->operator), limit);
}

/* What a check is about, at a phase; a reason stands there where it is NAN. */
static void measure(struct check_outcome *outcome, const struct observation *observation,
                    const struct scenario_check *check, const char *phase,
                    struct material *material)
{
    struct phase_set set;
    uint32_t named;
    *outcome = (struct check_outcome){.result = CHECK_SKIP, .value = NAN};
    if (phase_set_named(&set, observation, phase, &named) == 0) {
        snprintf(outcome->reason, sizeof outcome->reason,
                 named > 0 ? "the phase was not reached" : "there is no such phase");
        return;
    }
    if (derived_metric_find(check->metric) != NULL)
        judge_derived(outcome, observation, &set, check, material);
    else
        judge_samples(outcome, observation, &set, check, material);
}

/* By what it is at another phase. */
static void relate(struct check_outcome *outcome, const struct observation *observation,
                   const struct scenario_check *check, struct material *material)
{
    struct check_outcome other;
    measure(&other, observation, check, check->relative_to, material);
    const double value = outcome->value / other.value;
    outcome->value = NAN;
    if (isnan(other.value))
        snprintf(outcome->reason, sizeof outcome->reason, "%.60s: %.250s", check->relative_to,
                 other.reason[0] != '\0' ? other.reason : "it is not known there");
    else if (!isfinite(value))
        snprintf(outcome->reason, sizeof outcome->reason, "%.60s: it is 0 there",
                 check->relative_to);
    else
        outcome->value = value;
}

static void judge_check(struct check_outcome *outcome, const struct observation *observation,
                        const struct scenario_check *check, struct material *material)
{
    *outcome = (struct check_outcome){.result = CHECK_SKIP, .value = NAN};
    if (check->full_only && observation->scenario->scale < 1) {
        snprintf(outcome->reason, sizeof outcome->reason,
                 "it only holds at full size, and the scenario is scaled by %g",
                 observation->scenario->scale);
        return;
    }
    measure(outcome, observation, check, check->phase, material);
    if (!isnan(outcome->value) && check->relative_to[0] != '\0')
        relate(outcome, observation, check, material);
    if (!isnan(outcome->value))
        conclude(outcome, check, observation);
    else if (outcome->reason[0] == '\0')
        snprintf(outcome->reason, sizeof outcome->reason, "it is not known there");
}

enum err_code judge_one(struct check_outcome *outcome, const struct observation *observation,
                        const struct scenario_check *check, struct err *err)
{
    const size_t room = observation->series->count + SCENARIO_PHASES_MAX + 2;
    double *numbers = calloc(2 * room, sizeof *numbers);
    if (numbers == NULL)
        return err_set(err, E_SYSTEM, "no memory to judge %zu samples", observation->series->count);
    struct material material = {.minutes = numbers, .values = numbers + room};
    judge_check(outcome, observation, check, &material);
    free(numbers);
    return OK;
}

enum err_code judge_checks(struct check_outcome *outcomes, const struct observation *observation,
                           struct err *err)
{
    enum err_code code = OK;
    for (uint32_t i = 0; i < observation->scenario->check_count && code == OK; i++)
        code = judge_one(&outcomes[i], observation, &observation->scenario->checks[i], err);
    return code;
}

enum check_result judge_overall(const struct check_outcome *outcomes, uint32_t count)
{
    enum check_result worst = CHECK_SKIP;
    for (uint32_t i = 0; i < count; i++)
        if (outcomes[i].result > worst)
            worst = outcomes[i].result;
    return worst;
}

const char *check_result_word(enum check_result result)
{
    static const char *const words[CHECK_RESULTS] = {
        [CHECK_SKIP] = "SKIP", [CHECK_PASS] = "PASS", [CHECK_WARN] = "WARN", [CHECK_FAIL] = "FAIL"};
    return words[result];
}

enum err_code judge_status(const struct check_outcome *outcomes, uint32_t count, bool strict)
{
    const enum check_result worst = judge_overall(outcomes, count);
    return worst == CHECK_FAIL || (worst == CHECK_WARN && strict) ? E_FAILED : OK;
}
