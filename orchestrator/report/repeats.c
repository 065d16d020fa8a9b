#include "orchestrator/report/repeats.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "orchestrator/report/metric.h"
#include "orchestrator/report/student.h"

/* The statistic of the latency; NULL: the rate. */
static const struct {
    const char *name, *label, *statistic;
} figures[REPEAT_FIGURES] = {
    {"rate", "rate", NULL},   {"mean_us", "mean", "mean"}, {"p50_us", "p50", "p50"},
    {"p95_us", "p95", "p95"}, {"p99_us", "p99", "p99"},    {"p99_9_us", "p99.9", "p99_9"},
};

const char *repeat_figure_name(uint32_t figure)
{
    return figures[figure].name;
}

const char *repeat_figure_label(uint32_t figure)
{
    return figures[figure].label;
}

void repeat_add(struct repeat_figure *figure, double value)
{
    const double distance = value - figure->mean;
    figure->mean += distance / ++figure->count;
    figure->squares += distance * (value - figure->mean);
}

double repeat_deviation(const struct repeat_figure *figure)
{
    return figure->count >= 2 ? sqrt(figure->squares / (figure->count - 1)) : -1;
}

double repeat_half_width(const struct repeat_figure *figure)
{
    return figure->count >= 2 ? student_point(0.975, figure->count - 1.0) *
                                    repeat_deviation(figure) / sqrt((double)figure->count)
                              : -1;
}

/* False: not known of this run, since nothing was answered, or too much was not. */
static bool read_figure(double *value, const struct metric_slice *slice, uint32_t figure)
{
    if (figures[figure].statistic == NULL) {
        *value = metric_read(slice, METRIC_ACHIEVED_RATE, NULL).number;
        return true;
    }
    uint32_t i = 0;
    while (strcmp(metric_statistics[i].name, figures[figure].statistic) != 0)
        i++;
    const struct metric_value read =
        metric_read(slice, METRIC_RESPONSE_TIME, &metric_statistics[i]);
    *value = read.number / 1e3;
    return read.known && !read.censored;
}

bool repeat_is_known(const struct repeat_test *test, uint32_t figure)
{
    return test->runs > 0 && test->figures[figure].count == test->runs;
}

void repeats_add(struct repeats *repeats, const struct run_result *result)
{
    const struct metric_slice slice = metric_slice_of_run(result);
    uint32_t at = 0;
    if (result->facts->prefill || result->facts->repetition == 0)
        return;
    while (at < repeats->count && strcmp(repeats->tests[at].name, result->facts->name) != 0)
        at++;
    if (at == SPEC_TESTS_MAX)
        return;
    struct repeat_test *test = &repeats->tests[at];
    if (at == repeats->count) {
        repeats->count++;
        snprintf(test->name, sizeof test->name, "%s", result->facts->name);
    }
    if (result->status != OK || result->stopped || result->interrupted) {
        test->left_out++;
        return;
    }
    test->runs++;
    for (uint32_t i = 0; i < REPEAT_FIGURES; i++) {
        double value;
        if (read_figure(&value, &slice, i))
            repeat_add(&test->figures[i], value);
    }
}
