#include "orchestrator/report/buffer_report.h"

#include <string.h>

#include "common/buffer_stage.h"
#include "common/clock.h"
#include "common/printable.h"
#include "common/units.h"
#include "orchestrator/report/figures.h"
#include "orchestrator/report/json_value.h"
#include "orchestrator/report/metric.h"
#include "orchestrator/report/text.h"

struct buffer_figures {
    uint64_t full, late, idle; /* batches, by why they went */
    uint64_t messages;         /* in them                   */
    double full_percent;       /* of the workers' time nothing more fitted */
    double mean_unsent;        /* requests in the buffers at a time, of all workers */
    uint32_t first_stage;      /* its part */
};

static double sum_ns(const struct run_result *result, uint32_t part)
{
    return (double)result->total->parts[part].times[CLASS_SERVICE].sum_ns;
}

/* False: nothing was buffered. */
static bool look(struct buffer_figures *figures, const struct run_result *result)
{
    const struct run_facts *facts = result->facts;
    const uint64_t *counters = result->total->counters;
    *figures = (struct buffer_figures){.first_stage = 0};
    while (figures->first_stage < facts->part_count && !facts->parts[figures->first_stage].is_stage)
        figures->first_stage++;
    if (facts->part_count - figures->first_stage != BUFFER_STAGES)
        return false;
    figures->full = counters[COUNTER_BUFFER_FLUSHES_SIZE];
    figures->late = counters[COUNTER_BUFFER_FLUSHES_TIME];
    figures->idle = counters[COUNTER_BUFFER_FLUSHES_IDLE];
    figures->messages = counters[COUNTER_BUFFER_MESSAGES];
    if (result->seconds > 0) {
        const double ns = result->seconds * (double)NS_PER_SECOND;
        figures->full_percent = figure_share(counters[COUNTER_BUFFER_FULL_NS],
                                             (uint64_t)(ns * (double)facts->worker_count)) *
                                100;
        /* So many are there on the average as arrive, each for its time (J. Little, 1961). */
        figures->mean_unsent = sum_ns(result, figures->first_stage + STAGE_WRITE_BUFFER) / ns;
    }
    return true;
}

static uint64_t batches(const struct buffer_figures *figures)
{
    return figures->full + figures->late + figures->idle;
}

static double mean_batch(const struct buffer_figures *figures)
{
    return batches(figures) > 0 ? (double)figures->messages / (double)batches(figures) : 0;
}

/* Text ----------------------------------------------------------------------------------------- */

static void print_stage(struct output *out, const struct metric_slice *whole, uint32_t part,
                        double total_ns)
{
    const struct metric_slice slice = metric_slice_of_part(whole, part);
    char mean[TEXT_TIME_BYTES], p50[TEXT_TIME_BYTES], p95[TEXT_TIME_BYTES], p99[TEXT_TIME_BYTES],
        max[TEXT_TIME_BYTES];
    const double share = (double)slice.class->times[CLASS_SERVICE].sum_ns / total_ns * 100;
    output_printf(out, "%-19s  %9s  %9s  %9s  %9s  %9s  %6.1f %%\n", whole->run->parts[part].name,
                  text_lane_time(mean, &slice, STATISTIC_MEAN, 0),
                  text_lane_time(p50, &slice, STATISTIC_PERCENTILE, 50),
                  text_lane_time(p95, &slice, STATISTIC_PERCENTILE, 95),
                  text_lane_time(p99, &slice, STATISTIC_PERCENTILE, 99),
                  text_lane_time(max, &slice, STATISTIC_MAX, 0), share);
}

void text_buffer(struct output *out, const struct run_result *result)
{
    const struct metric_slice whole = metric_slice_of_run(result);
    const struct run_facts *facts = result->facts;
    struct buffer_figures figures;
    if (!look(&figures, result))
        return;
    output_printf(out, "\nBuffer:\n======\n%s\n", PRINTABLE(facts->buffer_text));
    output_printf(out,
                  "%s batches of %.1f requests: %s full, %s after the flush interval, %s when "
                  "nobody could add to them\n",
                  UNITS_GROUPED(batches(&figures)), mean_batch(&figures),
                  UNITS_GROUPED(figures.full), UNITS_GROUPED(figures.late),
                  UNITS_GROUPED(figures.idle));
    output_printf(out, "no room for more: %.1f %% of the time\n", figures.full_percent);
    output_printf(out,
                  "unsent writes that a crash of the client would have lost: %.1f on the average, "
                  "at most %s\n",
                  figures.mean_unsent, UNITS_GROUPED(facts->buffer_most));
    output_printf(out, "\n%-19s  %9s  %9s  %9s  %9s  %9s  %8s\n", "stage (ms)", "mean", "p50",
                  "p95", "p99", "max", "of total");
    for (uint32_t i = 0; i < BUFFER_STAGES; i++) {
        const uint32_t first = i < STAGE_QUERY_SCHEDULE ? 0 : STAGE_QUERY_SCHEDULE;
        const double total_ns = sum_ns(result, figures.first_stage + first + STAGE_WRITE_TOTAL);
        if (total_ns > 0)
            print_stage(out, &whole, figures.first_stage + i, total_ns);
    }
}

/* JSON ----------------------------------------------------------------------------------------- */

static json_t *stage_json(const struct metric_slice *whole, uint32_t part)
{
    const struct metric_slice slice = metric_slice_of_part(whole, part);
    static const struct {
        const char *key;
        struct metric_statistic statistic;
    } rows[] = {
        {"mean", {"mean", STATISTIC_MEAN, 0}},      {"p50", {"p50", STATISTIC_PERCENTILE, 50}},
        {"p90", {"p90", STATISTIC_PERCENTILE, 90}}, {"p95", {"p95", STATISTIC_PERCENTILE, 95}},
        {"p99", {"p99", STATISTIC_PERCENTILE, 99}}, {"max", {"max", STATISTIC_MAX, 0}}};
    json_t *object = json_pack("{s:o, s:o}", "name", json_value_text(whole->run->parts[part].name),
                               "count", json_value_count(slice.class->counters[CLASS_OK]));
    json_t *times = json_object();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct metric_value value =
            metric_read(&slice, METRIC_SERVICE_TIME, &rows[i].statistic);
        json_object_set_new(times, rows[i].key,
                            value.known ? json_real(value.number / NS_PER_US) : json_null());
    }
    json_object_set_new(object, "time_us", times);
    return object;
}

json_t *buffer_report_json(const struct run_result *result)
{
    const struct metric_slice whole = metric_slice_of_run(result);
    struct buffer_figures figures;
    if (!look(&figures, result))
        return NULL;
    json_t *stages = json_array();
    for (uint32_t i = 0; i < BUFFER_STAGES; i++)
        json_array_append_new(stages, stage_json(&whole, figures.first_stage + i));
    return json_pack("{s:o, s:o, s:f, s:{s:o, s:o, s:o}, s:f, s:f, s:o, s:o}", "text",
                     json_value_text(result->facts->buffer_text), "batches",
                     json_value_count(batches(&figures)), "mean_batch", mean_batch(&figures),
                     "flushes", "full", json_value_count(figures.full), "interval",
                     json_value_count(figures.late), "idle", json_value_count(figures.idle),
                     "full_percent", figures.full_percent, "mean_unsent", figures.mean_unsent,
                     "most_unsent", json_value_count(result->facts->buffer_most), "stages", stages);
}
