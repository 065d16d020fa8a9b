#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "common/clock.h"
#include "common/units.h"
#include "orchestrator/report/figures.h"
#include "orchestrator/report/target_reached.h"
#include "orchestrator/report/text.h"

void text_count(struct output *out, const char *caption, uint64_t count)
{
    output_printf(out, "%s: %s\n", caption, UNITS_GROUPED(count));
}

/* What was achieved is held against the target, unless something else fell due: a rate was changed under
 * way, arrivals are drawn at random, or there were too few to fill the time. */
static void print_rates(struct output *out, const struct run_result *result)
{
    const uint64_t *counters = result->total->counters;
    double target = figure_target(result);
    double due = figure_rate(counters[COUNTER_DUE], result->due_seconds);
    bool as_asked = result->rate_changes == 0 && fabs(due - target) <= target / 1000;
    double achieved = figure_rate(counters[COUNTER_OK], result->seconds);
    output_printf(out, "Target rate: %s per second", UNITS_REAL(target, 2));
    if (result->rate_changes > 0)
        output_printf(out, " at the end, changed by ctl %s time%s",
                      UNITS_GROUPED(result->rate_changes), result->rate_changes == 1 ? "" : "s");
    output_printf(out, "\nAchieved rate: %s per second (%.2f%% of %s)\n", UNITS_REAL(achieved, 2),
                  due > 0 ? achieved / (as_asked ? target : due) * 100 : 100.0,
                  as_asked ? "the target" : "what fell due");
}

void text_rate(struct output *out, const struct run_result *result)
{
    const struct interval_row *total = result->total;
    const uint64_t *counters = total->counters;
    struct target_reached reached;
    target_reached_judge(&reached, result);
    print_rates(out, result);
    uint64_t due = total->header.backlog_before + counters[COUNTER_DUE];
    text_count(out, "Due", due);
    output_printf(out, "Sent: %s (%.2f%% of what was due)\n", UNITS_GROUPED(counters[COUNTER_SENT]),
                  figure_share(counters[COUNTER_SENT], due) * 100);
    text_count(out, "Backlog (due, never sent)", total->header.backlog_after);
    text_count(out, "Shed (due, dropped)", counters_shed(counters));
    if (counters[COUNTER_SHED_WORKER] > 0)
        text_count(out, "Shed while a worker was dead", counters[COUNTER_SHED_WORKER]);
    if (reached.sentence[0] != '\0') /* begins a line: with a capital */
        output_printf(out, "T%s\n", reached.sentence + 1);
}

static const enum interval_histogram_kind kinds[] = {HISTOGRAM_RESPONSE_OK, HISTOGRAM_SERVICE_OK,
                                                     HISTOGRAM_WAIT, HISTOGRAM_SLIP};
#define KINDS (sizeof kinds / sizeof kinds[0])

static void print_row(struct output *out, const char *name, const double ns[KINDS])
{
    output_printf(out, "%-8s", name);
    for (size_t i = 0; i < KINDS; i++)
        output_printf(out, " %13s", isnan(ns[i]) ? "-" : UNITS_REAL(ns[i] / NS_PER_MS, 3));
    output_printf(out, "\n");
}

/* Returns whether any of them rests on few samples. */
static bool print_percentile_row(struct output *out, const struct interval_row *total,
                                 double percent)
{
    char name[32], value[32];
    bool few = false;
    snprintf(name, sizeof name, "p%.10g", percent);
    output_printf(out, "%-8s", name);
    for (size_t i = 0; i < KINDS; i++) {
        struct figure_percentile figure = figure_percentile(total, kinds[i], percent);
        snprintf(value, sizeof value, "%s%s%s", figure.few_samples ? "*" : "",
                 figure.censored ? ">=" : "", UNITS_REAL(clock_ms(figure.value_ns), 3));
        output_printf(out, " %13s", interval_row_has(total, kinds[i]) ? value : "-");
        few |= figure.few_samples;
    }
    output_printf(out, "\n");
    return few;
}

void text_times(struct output *out, const struct run_result *result)
{
    double min_ns[KINDS], mean_ns[KINDS], max_ns[KINDS];
    bool few = false;
    for (size_t i = 0; i < KINDS; i++) {
        const struct histogram *histogram = &result->total->histograms[kinds[i]];
        min_ns[i] = histogram->count > 0 ? (double)histogram->min_ns : 0;
        mean_ns[i] = histogram_mean(histogram);
        max_ns[i] = (double)histogram->max_ns;
        if (!interval_row_has(result->total, kinds[i])) /* of an older version */
            min_ns[i] = mean_ns[i] = max_ns[i] = NAN;
    }
    output_printf(out, "\nTimes (ms):\n==========\n");
    output_printf(out, "%-8s %13s %13s %13s %13s\n", "", "response", "service", "wait", "slip");
    print_row(out, "min", min_ns);
    print_row(out, "avg", mean_ns);
    for (uint32_t i = 0; i < result->percentile_count; i++)
        few |= print_percentile_row(out, result->total, result->percentiles[i]);
    print_row(out, "max", max_ns);
    output_printf(out,
                  "%sresponse: intended time to reply, the sum of the others; service: sent to "
                  "reply;\nwait: for a connection that could take it; slip: how late volley itself "
                  "was\n",
                  few ? "* few samples; " : "");
}
