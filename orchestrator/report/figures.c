#include "orchestrator/report/figures.h"

#include <math.h>
#include <stdio.h>

#include "common/clock.h"
#include "common/printable.h"
#include "common/units.h"

/* 1 - q is not exact in binary (100 - 99.9 is 0.0999...): compare with a little room. */
#define ROUNDING 1e-6

bool figure_few_samples(uint64_t count, double percent)
{
    double above = (100.0 - percent) / 100.0;
    return above > 0 && (double)count * above < 10.0 * (1.0 - ROUNDING);
}

double figure_samples_needed(double percent)
{
    return 1000.0 / (100.0 - percent);
}

enum interval_histogram_kind figure_latency_kind(bool open_loop)
{
    return open_loop ? HISTOGRAM_RESPONSE_OK : HISTOGRAM_SERVICE_OK;
}

const struct histogram *figure_latency(const struct interval_row *row, bool open_loop)
{
    return &row->histograms[figure_latency_kind(open_loop)];
}

const struct histogram *figure_unanswered(const struct interval_row *row,
                                          enum interval_histogram_kind kind)
{
    return kind == HISTOGRAM_RESPONSE_OK  ? &row->histograms[HISTOGRAM_RESPONSE_UNANSWERED]
           : kind == HISTOGRAM_SERVICE_OK ? &row->histograms[HISTOGRAM_SERVICE_UNANSWERED]
                                          : NULL;
}

uint64_t figure_unanswered_count(const struct interval_row *row, enum interval_histogram_kind kind)
{
    const struct histogram *waits = figure_unanswered(row, kind);
    bool ended = (row->header.flags & INTERVAL_LAST) != 0;
    uint64_t count = row->counters[COUNTER_TIMED_OUT] + counters_lost(row->counters);
    if (waits == NULL)
        return 0;
    if (ended)
        count += row->header.in_flight_after;
    if (kind == HISTOGRAM_RESPONSE_OK)
        count += counters_shed(row->counters) + (ended ? row->header.backlog_after : 0);
    return count > waits->count ? count : waits->count; /* one of several workers may have ended */
}

/* The value of this rank among the answered and the unanswered, of which some have no wait known. */
static uint64_t at_least_ns(const struct histogram *answered, const struct histogram *unanswered,
                            uint64_t unanswered_count, uint64_t rank)
{
    uint64_t timed = unanswered->count;
    uint64_t untimed = unanswered_count > timed ? unanswered_count - timed : 0;
    return rank <= untimed ? 0 : histogram_union_at_least(answered, unanswered, rank - untimed);
}

struct figure_percentile figure_percentile(const struct interval_row *row,
                                           enum interval_histogram_kind kind, double percent)
{
    const struct histogram *answered = &row->histograms[kind];
    uint64_t unanswered = figure_unanswered_count(row, kind);
    uint64_t all = answered->count + unanswered;
    struct figure_percentile figure = {.empty = all == 0};
    if (figure.empty)
        return figure;
    uint64_t rank = histogram_rank(all, percent / 100.0);
    figure.few_samples = figure_few_samples(answered->count, percent);
    figure.censored = rank > answered->count;
    figure.value_ns = figure.censored
                          ? at_least_ns(answered, figure_unanswered(row, kind), unanswered, rank)
                          : histogram_value_of_rank(answered, rank);
    return figure;
}

struct figure_percentile figure_mean(const struct interval_row *row,
                                     enum interval_histogram_kind kind)
{
    const struct histogram *answered = &row->histograms[kind];
    const struct histogram *waits = figure_unanswered(row, kind);
    uint64_t unanswered = figure_unanswered_count(row, kind);
    double all = (double)answered->count + (double)unanswered;
    if (!(all > 0))
        return (struct figure_percentile){.empty = true};
    double sum_ns = (double)answered->sum_ns + (waits != NULL ? (double)waits->sum_ns : 0);
    return (struct figure_percentile){.value_ns = (uint64_t)llround(sum_ns / all),
                                      .censored = unanswered > 0};
}

double figure_lag_share(const struct interval_row *row, bool open_loop, double percent)
{
    const struct histogram *all = figure_latency(row, open_loop);
    uint64_t read_ns = histogram_quantile(all, percent / 100.0);
    uint64_t there_ns =
        histogram_quantile_replaced(all, &row->histograms[HISTOGRAM_LAGGED],
                                    &row->histograms[HISTOGRAM_UNLAGGED], percent / 100.0);
    return read_ns > there_ns ? (double)(read_ns - there_ns) / (double)read_ns : 0.0;
}

uint64_t figure_failed(const uint64_t counters[COUNTER_COUNT])
{
    return counters[COUNTER_ERROR_REPLIES] + counters[COUNTER_TIMED_OUT] + counters_lost(counters);
}

bool figure_any_failure(const struct run_result *result)
{
    const uint64_t *counters = result->total->counters;
    return result->error_kinds->count > 0 || figure_failed(counters) > counters[COUNTER_LOST_DRAIN];
}

uint64_t figure_answered(const uint64_t counters[COUNTER_COUNT])
{
    return counters[COUNTER_OK] + counters[COUNTER_ERROR_REPLIES];
}

double figure_share(uint64_t part, uint64_t whole)
{
    return whole == 0 ? 0.0 : (double)part / (double)whole;
}

double figure_rate(uint64_t count, double seconds)
{
    double rate = seconds > 0 ? (double)count / seconds : 0.0;
    return rate < FIGURE_RATE_MAX ? rate : FIGURE_RATE_MAX;
}

double figure_row_seconds(const struct interval_row *row)
{
    return clock_seconds(row->header.end_ns - row->header.start_ns);
}

double figure_target(const struct run_result *result)
{
    if (result->target_rate > 0 || result->rate_changes > 0) /* to a pause at the end, perhaps */
        return result->target_rate;
    return figure_rate(result->total->counters[COUNTER_DUE], result->due_seconds);
}

bool figure_schedule_known(const struct run_result *result)
{
    if ((result->total->header.flags & INTERVAL_USERS) != 0)
        return false;
    return (result->total->header.flags & INTERVAL_BOTH_LOOPS) == 0 || result->streams[0].known;
}

struct figure_scheduled figure_scheduled(const struct run_result *result)
{
    const struct interval_row *total = result->total;
    const uint64_t *counters = total->counters;
    struct figure_scheduled sum = {.due = 0};
    if ((total->header.flags & INTERVAL_BOTH_LOOPS) == 0)
        return (struct figure_scheduled){.due =
                                             total->header.backlog_before + counters[COUNTER_DUE],
                                         .sent = counters[COUNTER_SENT],
                                         .ok = counters[COUNTER_OK],
                                         .backlog = total->header.backlog_after,
                                         .shed = counters_shed(counters)};
    sum.due = total->header.backlog_before; /* closed loops have none */
    for (uint32_t i = 0; i < result->facts->stream_count; i++) {
        const struct stream_result *stream = &result->streams[i];
        if (result->facts->streams[i].rate_text[0] == '\0')
            continue;
        sum.due += stream->due;
        sum.sent += stream->sent;
        sum.ok += stream->ok;
        sum.backlog += stream->backlog;
        sum.shed += stream->shed;
    }
    return sum;
}

char *figure_rate_text(char *text, size_t text_bytes, double rate)
{
    if (rate >= 1000 && rate < FIGURE_RATE_MAX) /* what a count can hold */
        return units_format_grouped(text, text_bytes, (uint64_t)(rate + 0.5));
    snprintf(text, text_bytes, "%.4g", rate);
    return text;
}

char *figure_moment(char *text, size_t text_bytes, uint64_t at_ns, uint64_t warmup_ns)
{
    bool warming_up = at_ns < warmup_ns;
    snprintf(text, text_bytes, "%.3f s%s", clock_seconds(warming_up ? at_ns : at_ns - warmup_ns),
             warming_up ? " of the warm-up" : "");
    return text;
}

uint32_t figure_node_count(const struct run_result *result)
{
    uint32_t seen = result->total->node_count, named = result->facts->node_count;
    return seen > named ? seen : named;
}

double figure_node_share(const struct interval_row *row, uint32_t node)
{
    const uint64_t *counters = row->nodes[node].counters;
    return figure_share(counters[NODE_OK] + counters[NODE_ERRORS],
                        figure_answered(row->counters) - row->counters[COUNTER_CACHE_HITS]);
}

char *figure_node_name(char *text, size_t text_bytes, const struct run_facts *facts, uint32_t node)
{
    if (node < facts->node_count)
        snprintf(text, text_bytes, "%s", facts->nodes[node].text);
    else
        snprintf(text, text_bytes, "node %u", node);
    return printable_line(text);
}
