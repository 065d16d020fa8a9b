#include "orchestrator/report/buffer_report.h"

#include <math.h>
#include <string.h>

#include "common/buffer_stage.h"
#include "common/clock.h"
#include "common/printable.h"
#include "common/units.h"
#include "orchestrator/report/buffer_figures.h"
#include "orchestrator/report/figures.h"
#include "orchestrator/report/json_value.h"
#include "orchestrator/report/metric.h"
#include "orchestrator/report/text.h"

static double sum_ns(const struct metric_slice *whole, uint32_t part)
{
    return (double)whole->row->parts[part].times[CLASS_SERVICE].sum_ns;
}

static double or_zero(double number)
{
    return isnan(number) ? 0 : number;
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

static void print_cache(struct output *out, const struct run_result *result,
                        const struct buffer_figures *figures)
{
    char kept[32];
    const uint64_t *counters = result->total->counters;
    const uint64_t hits = counters[COUNTER_CACHE_HITS];
    if (result->facts->cache_most == 0)
        return;
    output_printf(
        out,
        "near cache: answered %s of %s reads (%.1f %%) without the server; replies that "
        "went: %s since their key had changed, %s when all were cleared, %s too old, %s to make "
        "room\n",
        UNITS_GROUPED(hits), UNITS_GROUPED(hits + counters[COUNTER_CACHE_MISSES]),
        figure_share(hits, hits + counters[COUNTER_CACHE_MISSES]) * 100,
        UNITS_GROUPED(counters[COUNTER_CACHE_INVALIDATED]),
        UNITS_GROUPED(counters[COUNTER_CACHE_CLEARED]),
        UNITS_GROUPED(counters[COUNTER_CACHE_EXPIRED]),
        UNITS_GROUPED(counters[COUNTER_CACHE_EVICTED]));
    output_printf(
        out,
        "it kept on the average %.1f replies, at most %s; its memory, of them and their requests: "
        "%s\n",
        or_zero(figures->cache_replies), UNITS_GROUPED(result->facts->cache_most),
        units_format_size(kept, sizeof kept, (uint64_t)llround(or_zero(figures->cache_bytes))));
}

/* Of one write, as it is sent. Of several classes, where not all may be writes, their mean is as the plan has it. */
static double mean_write_bytes(const struct metric_slice *whole)
{
    if (whole->run->class_count > 1 && whole->run->buffer_request_bytes > 0)
        return (double)whole->run->buffer_request_bytes;
    const uint64_t sent = whole->counters[COUNTER_SENT] - whole->counters[COUNTER_CACHE_HITS];
    return sent > 0 ? (double)whole->counters[COUNTER_BYTES_OUT] / (double)sent : 0;
}

/* What was estimated, and what was measured. */
static void print_sizes(struct output *out, const struct buffer_figures *figures,
                        const struct metric_slice *whole)
{
    const struct run_facts *facts = whole->run;
    char most[32], mean[32], guide[64] = "";
    if (facts->buffer_most_workers > 0)
        snprintf(guide, sizeof guide, " (a beginning for these CPUs: %s to %s)",
                 UNITS_GROUPED(facts->buffer_least_workers),
                 UNITS_GROUPED(facts->buffer_most_workers));
    output_printf(out, "at a time: %.1f requests in round buffers, %.1f batches waiting\n",
                  or_zero(figures->round_messages), or_zero(figures->hybrid_batches));
    output_printf(
        out, "their memory: estimated %s at most; measured %s on the average\n",
        units_format_size(most, sizeof most, facts->buffer_bytes),
        units_format_size(mean, sizeof mean,
                          (uint64_t)llround(or_zero(figures->unsent) * mean_write_bytes(whole))));
    output_printf(out, "flush workers: %s%s, busy for %.1f %% of the time\n",
                  UNITS_GROUPED(facts->buffer_workers), guide, or_zero(figures->busy_share) * 100);
}

void text_buffer(struct output *out, const struct run_result *result)
{
    const struct metric_slice whole = metric_slice_of_run(result);
    const struct run_facts *facts = result->facts;
    struct buffer_figures figures;
    if (!buffer_figures_look(&figures, &whole))
        return;
    output_printf(out, "\nBuffer:\n======\n%s\n", PRINTABLE(facts->buffer_text));
    output_printf(out,
                  "%s batches of %.1f requests: %s full, %s after the flush interval, %s when "
                  "nobody could add to them\n",
                  UNITS_GROUPED(figures.batches), or_zero(figures.mean_batch),
                  UNITS_GROUPED(figures.full), UNITS_GROUPED(figures.late),
                  UNITS_GROUPED(figures.idle));
    output_printf(out, "no room for more: %.1f %% of the time\n",
                  or_zero(figures.full_share) * 100);
    if (facts->buffer_workers > 0)
        print_sizes(out, &figures, &whole);
    output_printf(out,
                  "unsent writes that a crash of the client would have lost: %.1f on the average, "
                  "at most %s\n",
                  or_zero(figures.unsent), UNITS_GROUPED(facts->buffer_most));
    print_cache(out, result, &figures);
    output_printf(out, "\n%-19s  %9s  %9s  %9s  %9s  %9s  %8s\n", "stage (ms)", "mean", "p50",
                  "p95", "p99", "max", "of total");
    for (uint32_t i = 0; i < BUFFER_STAGES; i++) {
        const uint32_t total = i <= STAGE_WRITE_TOTAL   ? STAGE_WRITE_TOTAL
                               : i <= STAGE_QUERY_TOTAL ? STAGE_QUERY_TOTAL
                                                        : i; /* has no parts */
        const double total_ns = sum_ns(&whole, figures.first_part + total);
        if (total_ns > 0)
            print_stage(out, &whole, figures.first_part + i, total_ns);
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

static json_t *cache_json(const struct run_result *result, const struct buffer_figures *figures)
{
    static const struct {
        const char *key;
        enum counter counter;
    } rows[] = {{"hits", COUNTER_CACHE_HITS},
                {"misses", COUNTER_CACHE_MISSES},
                {"invalidated", COUNTER_CACHE_INVALIDATED},
                {"cleared", COUNTER_CACHE_CLEARED},
                {"expired", COUNTER_CACHE_EXPIRED},
                {"evicted", COUNTER_CACHE_EVICTED}};
    const uint64_t *counters = result->total->counters;
    const uint64_t looked = counters[COUNTER_CACHE_HITS] + counters[COUNTER_CACHE_MISSES];
    if (result->facts->cache_most == 0)
        return json_null();
    json_t *object = json_pack(
        "{s:o, s:f, s:f, s:o}", "replies_most", json_value_count(result->facts->cache_most),
        "mean_replies", or_zero(figures->cache_replies), "mean_bytes",
        or_zero(figures->cache_bytes), "hit_ratio",
        looked > 0 ? json_real((double)counters[COUNTER_CACHE_HITS] / (double)looked)
                   : json_null());
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        json_object_set_new(object, rows[i].key, json_value_count(counters[rows[i].counter]));
    return object;
}

static json_t *number_or_null(bool known, double number)
{
    return known && isfinite(number) ? json_real(number) : json_null();
}

json_t *buffer_report_json(const struct run_result *result)
{
    const struct metric_slice whole = metric_slice_of_run(result);
    struct buffer_figures figures;
    if (!buffer_figures_look(&figures, &whole))
        return NULL;
    json_t *stages = json_array();
    for (uint32_t i = 0; i < BUFFER_STAGES; i++)
        json_array_append_new(stages, stage_json(&whole, figures.first_part + i));
    const bool accounted = result->facts->buffer_workers > 0; /* not in the first journals */
    json_t *json = json_pack(
        "{s:o, s:o, s:f, s:{s:o, s:o, s:o}, s:f, s:o, s:o, s:o, s:f, s:o, s:o, s:o}", "text",
        json_value_text(result->facts->buffer_text), "batches", json_value_count(figures.batches),
        "mean_batch", or_zero(figures.mean_batch), "flushes", "full",
        json_value_count(figures.full), "interval", json_value_count(figures.late), "idle",
        json_value_count(figures.idle), "full_percent", or_zero(figures.full_share) * 100,
        "mean_round", number_or_null(accounted, figures.round_messages), "mean_waiting_batches",
        number_or_null(accounted, figures.hybrid_batches), "workers_busy_percent",
        number_or_null(accounted, figures.busy_share * 100), "mean_unsent", or_zero(figures.unsent),
        "most_unsent", json_value_count(result->facts->buffer_most), "cache",
        cache_json(result, &figures), "stages", stages);
    if (accounted) {
        json_object_set_new(json, "estimated_bytes", json_value_count(result->facts->buffer_bytes));
        json_object_set_new(json, "mean_bytes",
                            json_real(or_zero(figures.unsent) * mean_write_bytes(&whole)));
        json_object_set_new(json, "workers", json_value_count(result->facts->buffer_workers));
    }
    return json;
}
