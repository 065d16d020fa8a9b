/* How often a comparison calls what is there, and what is not, with the noise of real runs: `tests/perf/slowdown.sh`.
 *
 *   slowdown METRICS [RUNS [TRIES [SCALE]]]
 *
 * SCALE: the noise times so much, as on a quieter machine. METRICS has many runs of each of some configurations, of one commit. RUNS of them are drawn, with replacement, for each side of
 * a try; one side is slowed down by 5 %, or not at all. What is printed: of TRIES tables of all configurations, in how many rows
 * the slowdown was called slower, and how many tables called anything different that is the same. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/rng.h"
#include "orchestrator/suite/comparison.h"

#define SLOWDOWN 0.05

struct drawn {
    struct record_set set;
    uint64_t seed, at;
};

/* RUNS records of each configuration, whose rates are those of runs that were made, times a factor. */
static void draw(struct drawn *drawn, const struct record_set *from, size_t runs, double factor)
{
    struct record_set *set = &drawn->set;
    set->count = 0;
    for (size_t first = 0, end; first < from->count; first = end) {
        for (end = first;
             end < from->count && record_order(&from->records[first], &from->records[end]) == 0;)
            end++;
        for (size_t i = 0; i < runs; i++) {
            const size_t chosen =
                first + (size_t)rng_bounded(rng_at(drawn->seed, drawn->at++), end - first);
            set->records[set->count] = from->records[chosen];
            set->records[set->count++].values[RECORD_RPS] *= factor;
        }
    }
}

static int by_configuration(const void *one, const void *other)
{
    return record_order(one, other);
}

static size_t count_configurations(const struct record_set *set)
{
    size_t count = set->count > 0;
    for (size_t i = 1; i < set->count; i++)
        count += record_order(&set->records[i - 1], &set->records[i]) != 0;
    return count;
}

/* How far each rate is from the mean of its configuration, times a factor. */
static void scale_noise(struct record_set *set, double scale)
{
    for (size_t first = 0, end; first < set->count; first = end) {
        double sum = 0;
        for (end = first;
             end < set->count && record_order(&set->records[first], &set->records[end]) == 0; end++)
            sum += set->records[end].values[RECORD_RPS];
        const double mean = sum / (double)(end - first);
        for (size_t i = first; i < end; i++) {
            double *rate = &set->records[i].values[RECORD_RPS];
            *rate = mean + scale * (*rate - mean);
        }
    }
}

/* What varies is said first: the rest is to be read with it. */
static void print_noise(const struct record_set *set)
{
    for (size_t first = 0, end; first < set->count; first = end) {
        double sum = 0, squares = 0;
        for (end = first;
             end < set->count && record_order(&set->records[first], &set->records[end]) == 0; end++)
            sum += set->records[end].values[RECORD_RPS];
        const double count = (double)(end - first), mean = sum / count;
        for (size_t i = first; i < end; i++)
            squares += pow(set->records[i].values[RECORD_RPS] - mean, 2);
        printf("%s, pipeline %s: %.0f runs, %.0f requests per second, CV %.2f %%\n",
               set->records[first].command, set->records[first].pipeline, count, mean,
               count > 1 ? 100 * sqrt(squares / (count - 1)) / mean : 0);
    }
}

int main(int argc, char **argv)
{
    struct record_set from = {.records = NULL};
    struct err err = {.code = OK};
    const size_t runs = argc > 2 ? strtoul(argv[2], NULL, 10) : 10;
    const size_t tries = argc > 3 ? strtoul(argv[3], NULL, 10) : 2000;
    const double scale = argc > 4 ? strtod(argv[4], NULL) : 1;
    size_t found = 0, wrong = 0;
    if (argc < 2 || runs < 2 || runs > 1000 || tries < 1 ||
        record_set_read(&from, argv[1], &err) != OK) {
        fprintf(stderr, "slowdown: %s\n", argc < 2 ? "METRICS is missing" : err.text);
        return 2;
    }
    qsort(from.records, from.count, sizeof from.records[0], by_configuration);
    scale_noise(&from, scale);
    print_noise(&from);
    const size_t configurations = count_configurations(&from);
    struct drawn sides[2] = {{.seed = 1}, {.seed = 2}};
    for (int side = 0; side < 2; side++) {
        sides[side].set.records = calloc(configurations * runs + 1, sizeof from.records[0]);
        snprintf(sides[side].set.name, sizeof sides[side].set.name, "%d", side);
        if (sides[side].set.records == NULL)
            return 1;
    }
    const struct comparison_wishes wishes = {
        .confidence = 0.95, .threshold = SLOWDOWN, .rates = true};
    for (size_t try = 0; try < 2 * tries; try++) {
        const bool slow = try < tries;
        struct comparison comparison;
        draw(&sides[0], &from, runs, 1);
        draw(&sides[1], &from, runs, slow ? 1 - SLOWDOWN : 1);
        if (comparison_make(&comparison, &sides[0].set, &sides[1].set, &wishes, &err) != OK) {
            fprintf(stderr, "slowdown: %s\n", err.text);
            return 1;
        }
        if (slow)
            found += comparison.answers[ANSWER_SLOWER];
        else
            wrong += comparison.answers[ANSWER_SLOWER] + comparison.answers[ANSWER_FASTER] > 0;
        comparison_free(&comparison);
    }
    printf("%zu runs a side, %zu tries of %zu configurations: 5 %% slower is called in %.1f %% of "
           "the rows; "
           "of the same %.1f %% of the tables call something different\n",
           runs, tries, configurations, 100.0 * (double)found / (double)(tries * configurations),
           100.0 * (double)wrong / (double)tries);
    free(sides[0].set.records);
    free(sides[1].set.records);
    record_set_free(&from);
    return 0;
}
