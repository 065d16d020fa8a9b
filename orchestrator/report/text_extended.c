#include <inttypes.h>
#include <string.h>

#include "common/clock.h"
#include "common/printable.h"
#include "common/units.h"
#include "orchestrator/report/figures.h"
#include "orchestrator/report/metric.h"
#include "orchestrator/report/text.h"

static void heading(struct output *out, const char *title)
{
    output_printf(out, "\n%s:\n", title);
    for (size_t i = 0; i < strlen(title); i++)
        output_printf(out, "=");
    output_printf(out, "\n");
}

static void print_errors(struct output *out, const struct run_result *result)
{
    const struct metric_slice slice = metric_slice_of_run(result);
    heading(out, "Error Breakdown");
    text_count(out, "Timeouts", metric_count(&slice, METRIC_TIMEOUTS));
    text_count(out, "Connection errors", metric_count(&slice, METRIC_CONNECTION_ERRORS));
    text_count(out, "Protocol errors", metric_count(&slice, METRIC_LOST_PROTOCOL));
    for (uint32_t i = 0; i < result->error_kinds->count; i++)
        if (result->total->errors_by_kind[i] > 0)
            text_count(out, PRINTABLE(result->error_kinds->kinds[i].word),
                       result->total->errors_by_kind[i]);
}

static void print_cache(struct output *out, const struct run_result *result)
{
    const struct metric_slice slice = metric_slice_of_run(result);
    uint64_t hits = metric_count(&slice, METRIC_HITS), misses = metric_count(&slice, METRIC_MISSES);
    heading(out, "Cache Statistics");
    if (hits + misses == 0) {
        output_printf(out, "no key was read\n");
        return;
    }
    text_count(out, "Hits", hits);
    text_count(out, "Misses", misses);
    output_printf(out, "Hit rate: %.2f%%\n", figure_share(hits, hits + misses) * 100);
}

static void print_connect(struct output *out, const struct histogram *connect)
{
    static const double percents[] = {50, 75, 90, 95, 99, 99.9, 99.99, 100};
    heading(out, "Connection Establishment Time");
    output_printf(out, "Connections: %s\n", UNITS_GROUPED(connect->count));
    for (size_t i = 0; i < sizeof percents / sizeof percents[0] && connect->count > 0; i++)
        output_printf(
            out, "%g%% <= %s ms\n", percents[i],
            UNITS_REAL((double)histogram_quantile(connect, percents[i] / 100) / NS_PER_MS, 2));
}

static void print_keyspace(struct output *out, const struct target_samples *samples)
{
    heading(out, "Keyspace Monitoring");
    output_printf(out, "Samples: %" PRIu32 "\n", samples->count);
    if (samples->unanswered > 0)
        output_printf(out, "Samples without an answer: %" PRIu32 "\n", samples->unanswered);
    if (samples->keys_first < 0) {
        output_printf(out, "the number of keys is not known\n");
        return;
    }
    text_count(out, "Keys at the first sample", (uint64_t)samples->keys_first);
    text_count(out, "Keys at the last sample", (uint64_t)samples->keys_last);
    output_printf(out, "Fewest and most keys: %s, %s\n", UNITS_GROUPED((uint64_t)samples->keys_min),
                  UNITS_GROUPED((uint64_t)samples->keys_max));
    output_printf(out, "Drops of 1%% or more: %" PRIu32 "\n", samples->drops);
}

static void print_replication(struct output *out, const struct target_samples *samples)
{
    const struct target_sample *last = &samples->last;
    heading(out, "Replication Monitoring");
    if (!last->answered || (!last->replica && last->lag_seconds < 0)) {
        output_printf(out, "the server's role is not known\n");
        return;
    }
    if (!last->replica && last->replicas == 0 && samples->lag_bytes_max <= 0) {
        output_printf(out, "Role: primary without replicas\n");
        return;
    }
    if (last->replica)
        output_printf(out, "Role: replica\n");
    else
        output_printf(out, "Role: primary, %" PRIu32 " replica%s\n", last->replicas,
                      last->replicas == 1 ? "" : "s");
    if (last->lag_seconds >= 0)
        output_printf(out, "Lag at the last sample: %s s\n",
                      UNITS_GROUPED((uint64_t)last->lag_seconds));
    else
        output_printf(out, "Lag at the last sample: not known, the link is down\n");
    if (samples->lag_seconds_max < 0) /* the link was down at every sample */
        return;
    output_printf(out, "Largest lag: %s s", UNITS_GROUPED((uint64_t)samples->lag_seconds_max));
    if (samples->lag_bytes_max >= 0)
        output_printf(out, ", %s bytes", UNITS_GROUPED((uint64_t)samples->lag_bytes_max));
    output_printf(out, "\n");
}

void text_extended(struct output *out, const struct session_facts *session,
                   const struct run_result *result)
{
    if (session == NULL || !session->extended_metrics)
        return;
    print_errors(out, result);
    print_cache(out, result);
    print_connect(out, &result->total->histograms[HISTOGRAM_CONNECT]);
    print_keyspace(out, result->samples);
    print_replication(out, result->samples);
}
