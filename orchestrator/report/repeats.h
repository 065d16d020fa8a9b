/* Runs that are repeated (bench --runs): the mean of each figure over the repetitions of a test, and the
 * interval that the true mean lies in with 95 % confidence, by Student's t: one run more or less like the others,
 * independent of them, which a fresh server for each makes likelier. */
#ifndef ORCHESTRATOR_REPORT_REPEATS_H
#define ORCHESTRATOR_REPORT_REPEATS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/spec.h"

struct run_result;

#define RUN_REPEATS_MAX 1000u /* of a test */
#define REPEAT_FIGURES 6u

/* A number seen again and again: Welford's running mean and sum of squared distances from it. */
struct repeat_figure {
    uint32_t count; /* of the runs that knew it */
    double mean, squares;
};
/* Half the width of the interval around the mean; below 0: not known of fewer than two. */
double repeat_half_width(const struct repeat_figure *figure);
double repeat_deviation(const struct repeat_figure *figure); /* of a sample; likewise */
void repeat_add(struct repeat_figure *figure, double value);

struct repeat_test {
    char name[128];
    uint32_t runs;     /* that came to their end well: means are of these ...   */
    uint32_t left_out; /* ... and not of those that failed, or were ended early */
    struct repeat_figure figures[REPEAT_FIGURES];
};

struct repeats {
    uint32_t count;
    struct repeat_test tests[SPEC_TESTS_MAX];
};

/* What the figures are: "rate", in requests/s, and latencies in us by their names in JSON: "mean_us", "p50_us". */
const char *repeat_figure_name(uint32_t figure);
const char *repeat_figure_label(uint32_t figure); /* for people: "p99.9" */
/* Whether every one of the runs knew it: without the worst ones it would be no mean of them. */
bool repeat_is_known(const struct repeat_test *test, uint32_t figure);
/* Takes a run in, unless it is a prefill, or no repetition. */
void repeats_add(struct repeats *repeats, const struct run_result *result);

#endif
