/* How often `volley history` marks a step where it is, and one where there is none, with the noise of real runs.
 *
 *   levels METRICS [RUNS [TRIES [SCALE]]]
 *
 * METRICS has many runs of each of some configurations, of one commit (tests/perf/slowdown.sh records such). A series has 200
 * commits, the mean of RUNS rates each, which are drawn with replacement from one configuration; SCALE: their noise times so much,
 * as on a quieter machine. What is printed: of TRIES series of each configuration with a step of 5 %, how many are marked within three
 * commits of it; and of as many without one, marks for 1,000 commits. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/rng.h"
#include "orchestrator/report/change_points.h"
#include "orchestrator/suite/record_set.h"

#define COMMITS 200u
#define STEP 0.05
#define NEAR 3
#define EDGE 15u /* commits at either end without a step */

struct draws {
    const struct record *records; /* of one configuration */
    size_t count, runs;
    double mean, scale;
    uint64_t at;
};

static double draw_commit(struct draws *draws, double factor)
{
    double sum = 0;
    for (size_t i = 0; i < draws->runs; i++) {
        const size_t chosen = (size_t)rng_bounded(rng_at(1, draws->at++), draws->count);
        const double rate = draws->records[chosen].values[RECORD_RPS];
        sum += draws->mean + draws->scale * (rate - draws->mean);
    }
    return sum / (double)draws->runs * factor;
}

/* Marks; *hit: one is where the step is. step COMMITS: there is none. */
static size_t try_series(struct draws *draws, size_t step, bool *hit)
{
    double values[COMMITS];
    struct change_points points;
    *hit = false;
    for (size_t i = 0; i < COMMITS; i++)
        values[i] = draw_commit(draws, i < step ? 1 : 1 - STEP);
    if (!change_points_find(&points, values, COMMITS, CHANGE_POINT_ALPHA))
        return 0;
    const size_t count = points.count;
    for (size_t i = 0; i < count; i++)
        *hit = *hit || labs((long)points.items[i].place - (long)step) <= NEAR;
    change_points_free(&points);
    return count;
}

static int by_configuration(const void *one, const void *other)
{
    return record_order(one, other);
}

static void print_configuration(struct draws *draws, size_t tries)
{
    double squares = 0;
    size_t found = 0, marks = 0;
    bool hit;
    for (size_t i = 0; i < draws->count; i++)
        squares += pow(draws->records[i].values[RECORD_RPS] - draws->mean, 2);
    for (size_t i = 0; i < tries; i++) {
        const size_t step = EDGE + (size_t)rng_bounded(rng_at(2, draws->at++), COMMITS - 2 * EDGE);
        (void)try_series(draws, step, &hit);
        found += hit;
        marks += try_series(draws, COMMITS, &hit);
    }
    const double cv = draws->scale * sqrt(squares / (double)(draws->count - 1)) / draws->mean;
    printf("%s, pipeline %s: CV of a run %.2f %%, of a commit %.2f %%; step found in %.1f %%; %.3f "
           "marks in 1,000 commits without one\n",
           draws->records[0].command, draws->records[0].pipeline, 100 * cv,
           100 * cv / sqrt((double)draws->runs), 100 * (double)found / (double)tries,
           1000 * (double)marks / (double)tries / COMMITS);
}

int main(int argc, char **argv)
{
    struct record_set from = {.records = NULL};
    struct err err = {.code = OK};
    const size_t runs = argc > 2 ? strtoul(argv[2], NULL, 10) : 10;
    const size_t tries = argc > 3 ? strtoul(argv[3], NULL, 10) : 1000;
    const double scale = argc > 4 ? strtod(argv[4], NULL) : 1;
    if (argc < 2 || runs < 1 || tries < 1 || record_set_read(&from, argv[1], &err) != OK) {
        fprintf(stderr, "levels: %s\n", argc < 2 ? "METRICS is missing" : err.text);
        return 2;
    }
    qsort(from.records, from.count, sizeof from.records[0], by_configuration);
    for (size_t first = 0, end; first < from.count; first = end) {
        double sum = 0;
        for (end = first;
             end < from.count && record_order(&from.records[first], &from.records[end]) == 0; end++)
            sum += from.records[end].values[RECORD_RPS];
        struct draws draws = {.records = &from.records[first],
                              .count = end - first,
                              .runs = runs,
                              .mean = sum / (double)(end - first),
                              .scale = scale};
        if (draws.count > 1)
            print_configuration(&draws, tries);
    }
    record_set_free(&from);
    return 0;
}
