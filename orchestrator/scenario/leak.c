#include "orchestrator/scenario/leak.h"

#include <math.h>
#include <stdio.h>

#define GROWTH_SHARE 0.01 /* of the target per hour */
#define GROWTH_P 0.05
#define GROWTH_R2 0.6
#define REST_SHARE 0.02
#define REST_LEAST_MB 5.0
#define KEYS_APART 2.0
#define NS_PER_HOUR 3600e9

struct points {
    uint32_t count;
    double hours[SCENARIO_PHASES_MAX], bytes[SCENARIO_PHASES_MAX], keys[SCENARIO_PHASES_MAX];
};

static double startup_bytes(const struct observation *observation)
{
    const double before = observation->accounts[0].before[SERIES_USED_MEMORY];
    if (!isnan(before) || observation->series->count == 0)
        return before;
    return observation->series->rows[0].values[SERIES_USED_MEMORY];
}

/* The sample at the end of a phase, or else the last one in it. */
static double used_after(const struct observation *observation, uint32_t phase)
{
    const double after = observation->accounts[phase].after[SERIES_USED_MEMORY];
    const struct series *series = observation->series;
    for (size_t i = series->count; isnan(after) && i > 0; i--)
        if (series->rows[i - 1].phase == phase &&
            !isnan(series->rows[i - 1].values[SERIES_USED_MEMORY]))
            return series->rows[i - 1].values[SERIES_USED_MEMORY];
    return after;
}

/* A stretch of phases in which nothing is asked for is one point, its last: two would be the same measurement twice. */
static void collect(struct points *points, const struct observation *observation)
{
    const struct scenario *scenario = observation->scenario;
    bool stretch_has_point = false;
    for (uint32_t i = 0; i < scenario->phase_count; i++) {
        const struct phase_account *account = &observation->accounts[i];
        const enum phase_type type = scenario->phases[i].type;
        const double bytes = used_after(observation, i);
        if (!account->ran || type == PHASE_PURGE)
            continue;
        if (type != PHASE_IDLE && type != PHASE_CHECKPOINT) {
            stretch_has_point = false;
            continue;
        }
        if (account->keys_after == 0 || isnan(bytes))
            continue;
        const uint32_t at = stretch_has_point ? points->count - 1 : points->count++;
        points->hours[at] = (double)account->end_ns / NS_PER_HOUR / scenario->scale;
        points->bytes[at] = bytes;
        points->keys[at] = (double)account->keys_after;
        stretch_has_point = true;
    }
}

/* Makes bytes those of the usual number of keys, without what an empty server uses. */
static void normalise(struct points *points, double startup)
{
    double sorted[SCENARIO_PHASES_MAX];
    for (uint32_t i = 0; i < points->count; i++)
        sorted[i] = points->keys[i];
    const double usual = statistics_median(sorted, points->count);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < points->count; i++) {
        const double keys = points->keys[i];
        if (keys * KEYS_APART < usual || keys > usual * KEYS_APART)
            continue;
        points->hours[kept] = points->hours[i];
        points->bytes[kept++] = (points->bytes[i] - startup) * (usual / keys);
    }
    points->count = kept;
}

static void judge_growth(struct leak *leak, const struct observation *observation, double startup)
{
    struct points points = {.count = 0};
    collect(&points, observation);
    normalise(&points, isnan(startup) ? 0 : startup);
    leak->points = points.count;
    if (points.count == 0)
        return;
    const double target = observation->scenario->memory_target_bytes > 0
                              ? (double)observation->scenario->memory_target_bytes
                              : statistics_mean(points.bytes, points.count);
    const struct statistics_line line = statistics_line(points.hours, points.bytes, points.count);
    leak->first_mb = points.bytes[0] / SERIES_MB;
    leak->last_mb = points.bytes[points.count - 1] / SERIES_MB;
    leak->slope_mb_per_hour = line.slope / SERIES_MB;
    leak->limit_mb_per_hour = target * GROWTH_SHARE / SERIES_MB;
    leak->r2 = line.r2;
    leak->p = statistics_trend(points.bytes, points.count, points.keys).p;
    if (points.count < LEAK_POINTS_LEAST)
        return;
    leak->growth = leak->slope_mb_per_hour > leak->limit_mb_per_hour && leak->p < GROWTH_P &&
                           leak->r2 >= GROWTH_R2
                       ? LEAK_FOUND
                       : LEAK_ABSENT;
}

static void judge_rest(struct leak *leak, const struct observation *observation, double startup)
{
    const struct scenario *scenario = observation->scenario;
    uint32_t last = 0;
    bool emptied = false;
    for (uint32_t i = 0; i < scenario->phase_count; i++) {
        const enum phase_type type = scenario->phases[i].type;
        const struct phase_account *account = &observation->accounts[i];
        if (!account->ran)
            continue;
        emptied = account->keys_after == 0 &&
                  (emptied ||
                   ((type == PHASE_FLUSH || type == PHASE_DELETE) && account->keys_before > 0));
        last = i;
    }
    if (!emptied)
        return;
    leak->rest_mb = (used_after(observation, last) - startup) / SERIES_MB;
    leak->rest_limit_mb =
        fmax(REST_LEAST_MB, REST_SHARE * (double)scenario->memory_target_bytes / SERIES_MB);
    if (!isnan(leak->rest_mb))
        leak->rest = leak->rest_mb > leak->rest_limit_mb ? LEAK_FOUND : LEAK_ABSENT;
}

/* Both tests, each as a part of the sentence. */
static void say(struct leak *leak)
{
    char growth[128], rest[112];
    if (leak->growth == LEAK_UNKNOWN)
        snprintf(growth, sizeof growth, "growth was not judged (%u of at least %u points)",
                 leak->points, LEAK_POINTS_LEAST);
    else
        snprintf(growth, sizeof growth,
                 "used_memory changed by %.2f MB an hour (limit %.2f, R2 %.2f, p %.3f, %u points)",
                 leak->slope_mb_per_hour, leak->limit_mb_per_hour, leak->r2, leak->p, leak->points);
    if (leak->rest == LEAK_UNKNOWN)
        snprintf(rest, sizeof rest, "what is left without keys was not seen");
    else
        snprintf(rest, sizeof rest, "without keys %.2f MB more than at the start (limit %.2f)",
                 leak->rest_mb, leak->rest_limit_mb);
    snprintf(leak->reason, sizeof leak->reason, "%s; %s", growth, rest);
}

struct leak leak_judge(const struct observation *observation)
{
    struct leak leak = {.slope_mb_per_hour = NAN,
                        .limit_mb_per_hour = NAN,
                        .r2 = NAN,
                        .p = NAN,
                        .first_mb = NAN,
                        .last_mb = NAN,
                        .rest_mb = NAN,
                        .rest_limit_mb = NAN};
    if (observation->scenario->phase_count > 0) {
        const double startup = startup_bytes(observation);
        judge_growth(&leak, observation, startup);
        judge_rest(&leak, observation, startup);
    }
    const int found = (leak.growth == LEAK_FOUND) + (leak.rest == LEAK_FOUND);
    if (found > 0)
        leak.verdict = found == 2 ? LEAK_DETECTED : LEAK_SUSPECTED;
    else if (leak.growth == LEAK_ABSENT)
        leak.verdict = LEAK_NONE;
    say(&leak);
    return leak;
}

const char *leak_verdict_word(enum leak_verdict verdict)
{
    static const char *const words[] = {"not judged", "none", "suspected", "detected"};
    return words[verdict];
}
