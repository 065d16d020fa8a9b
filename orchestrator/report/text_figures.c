/* The tables of the text report: of an open loop, of nodes and connections, and what is asked for beside them. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "common/clock.h"
#include "common/printable.h"
#include "common/units.h"
#include "orchestrator/report/figures.h"
#include "orchestrator/report/target_reached.h"
#include "orchestrator/report/text.h"

/* What of times stands in one line with other things. */
static const struct metric_statistic spread[] = {{"p50", STATISTIC_PERCENTILE, 50},
                                                 {"p99", STATISTIC_PERCENTILE, 99},
                                                 {"max", STATISTIC_MAX, 0}};
#define SPREAD (sizeof spread / sizeof spread[0])

void text_count(struct output *out, const char *caption, uint64_t count)
{
    output_printf(out, "%s: %s\n", caption, UNITS_GROUPED(count));
}

const char *text_part(struct output *out, const char *separator, const char *name, uint64_t count)
{
    if (count == 0)
        return separator;
    output_printf(out, "%s%s %s", separator, name, UNITS_GROUPED(count));
    return ", ";
}

/* ---- An open loop. ---- */

/* What was achieved is held against the target, unless something else fell due: a rate was changed under
 * way, arrivals are drawn at random, or there were too few to fill the time. */
static void print_rates(struct output *out, const struct run_result *result)
{
    const struct figure_scheduled scheduled = figure_scheduled(result);
    const bool both = (result->total->header.flags & INTERVAL_BOTH_LOOPS) != 0;
    double target = figure_target(result);
    double due =
        figure_rate(scheduled.due - result->total->header.backlog_before, result->due_seconds);
    double achieved = figure_rate(scheduled.ok, result->seconds);
    bool as_asked = result->rate_changes == 0 && fabs(due - target) <= target / 1000;
    if (both)
        output_printf(out, "Of the workloads with a rate:\n");
    if (result->rate_changes > 0)
        output_printf(out,
                      "Target rate: changed %s time%s, %s per second at the end; on average %s "
                      "fell due",
                      UNITS_GROUPED(result->rate_changes), result->rate_changes == 1 ? "" : "s",
                      UNITS_REAL(target, 2), UNITS_REAL(due, 2));
    else
        output_printf(out, "Target rate: %s per second", UNITS_REAL(target, 2));
    output_printf(out, "\nAchieved rate: %s per second (%.2f%% of %s)\n", UNITS_REAL(achieved, 2),
                  due > 0 ? achieved / (as_asked ? target : due) * 100 : 100.0,
                  as_asked ? "the target" : "what fell due");
}

const char *text_what_latency_is(const struct run_facts *facts)
{
    if (run_facts_have_rate(facts))
        return "Open loop: each latency is the time from a request's intended time to its reply's "
               "read (response time).";
    return facts->open_loop ? "Users: each latency is the time from when a user had the request, "
                              "its wait in the buffer included, to its reply's read (response "
                              "time)."
                            : "Closed loop: each latency is the time from a request's write to its "
                              "reply's read (service time).";
}

void text_rate(struct output *out, const struct run_result *result)
{
    struct target_reached reached;
    const struct figure_scheduled scheduled = figure_scheduled(result);
    target_reached_judge(&reached, result);
    print_rates(out, result);
    text_count(out, "Due", scheduled.due);
    output_printf(out, "Sent: %s (%.2f%% of what was due)\n", UNITS_GROUPED(scheduled.sent),
                  figure_share(scheduled.sent, scheduled.due) * 100);
    text_count(out, "Backlog (due, never sent)", scheduled.backlog);
    text_count(out, "Shed (due, dropped)", scheduled.shed);
    if (metric_total(result, METRIC_SHED_WORKER) > 0)
        text_count(out, "Shed while a worker was dead", metric_total(result, METRIC_SHED_WORKER));
    if (reached.sentence[0] != '\0') /* begins a line: with a capital */
        output_printf(out, "T%s\n", reached.sentence + 1);
}

/* What an older version did not measure is "-". Returns whether any of them rests on few samples. */
static bool print_times_row(struct output *out, const struct metric_slice *slice,
                            const struct metric_statistic *statistic)
{
    static const enum metric_id columns[] = {METRIC_RESPONSE_TIME, METRIC_SERVICE_TIME, METRIC_WAIT,
                                             METRIC_SLIP};
    char value[32];
    bool few = false;
    output_printf(out, "%-8s", statistic->name);
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
        struct metric_value time = metric_read(slice, columns[i], statistic);
        snprintf(value, sizeof value, "%s%s%s", time.few_samples ? "*" : "",
                 time.censored && !time.known ? ">=" : "", TEXT_MS(time.number));
        output_printf(out, " %13s",
                      interval_row_has(slice->row, metric_histogram(slice, columns[i])) ? value
                                                                                        : "-");
        few |= time.few_samples;
    }
    output_printf(out, "\n");
    return few;
}

void text_times(struct output *out, const struct run_result *result)
{
    const struct metric_slice slice = metric_slice_of_run(result);
    bool few = false;
    output_printf(out, "\nTimes (ms):\n==========\n");
    output_printf(out, "%-8s %13s %13s %13s %13s\n", "", "response", "service", "wait", "slip");
    print_times_row(out, &slice, &(struct metric_statistic){"min", STATISTIC_MIN, 0});
    print_times_row(out, &slice, &(struct metric_statistic){"avg", STATISTIC_MEAN, 0});
    for (uint32_t i = 0; i < result->percentile_count; i++) {
        char name[32];
        snprintf(name, sizeof name, "p%.10g", result->percentiles[i]);
        few |= print_times_row(
            out, &slice,
            &(struct metric_statistic){name, STATISTIC_PERCENTILE, result->percentiles[i]});
    }
    print_times_row(out, &slice, &(struct metric_statistic){"max", STATISTIC_MAX, 0});
    output_printf(out,
                  "%sresponse: intended time to reply, the sum of the others; service: sent to "
                  "reply;\nwait: %s; slip: how late volley itself was\n",
                  few ? "* few samples; " : "",
                  run_facts_have_messages(result->facts)
                      ? "for room in the buffer, in it, and for a flush worker"
                      : "for a connection that could take it");
}

/* ---- Nodes, and the way to them. ---- */

static void print_node(struct output *out, const struct run_result *result, uint32_t index,
                       int width)
{
    struct metric_slice slice = metric_slice_of_run(result);
    char name[192];
    slice.node = &result->total->nodes[index];
    output_printf(
        out, "%-*s  %-7s  %6.2f%%  %12s  %10s  %10s  %10s", width,
        figure_node_name(name, sizeof name, result->facts, index),
        index < result->facts->node_count ? run_role_name(result->facts->nodes[index].role) : "",
        figure_node_share(result->total, index) * 100,
        UNITS_GROUPED(metric_count(&slice, METRIC_OK)),
        UNITS_GROUPED(metric_count(&slice, METRIC_ERRORS)),
        UNITS_GROUPED(slice.node->counters[NODE_REDIRECTED]),
        UNITS_GROUPED(metric_count(&slice, METRIC_TIMED_OUT) + metric_count(&slice, METRIC_LOST)));
    for (size_t i = 0; i < SPREAD; i++) {
        struct metric_value time = metric_read(&slice, METRIC_RESPONSE_TIME, &spread[i]);
        output_printf(out, "  %9s", time.known ? TEXT_MS(time.number) : "-");
    }
    output_printf(out, "  %9s\n", UNITS_GROUPED(metric_count(&slice, METRIC_CONNECTIONS_LOST)));
}

void text_nodes(struct output *out, const struct run_result *result)
{
    uint32_t count = figure_node_count(result);
    char name[192];
    size_t width = strlen("address");
    if (count == 0)
        return;
    for (uint32_t i = 0; i < count; i++) {
        size_t length = strlen(figure_node_name(name, sizeof name, result->facts, i));
        width = length > width ? length : width;
    }
    output_printf(out, "\nNodes:\n=====\n(p50, p99 and max are of the requests that were answered "
                       "without an error)\n");
    output_printf(out, "%-*s  %-7s  %7s  %12s  %10s  %10s  %10s  %9s  %9s  %9s  %9s\n", (int)width,
                  "address", "role", "share", "ok", "errors", "redirected", "unanswered", "p50 ms",
                  "p99 ms", "max ms", "conn lost");
    for (uint32_t i = 0; i < count; i++)
        print_node(out, result, i, (int)width);
}

/* Ends the line. */
static void print_spread(struct output *out, const struct metric_slice *slice, enum metric_id times)
{
    for (size_t i = 0; i < SPREAD; i++)
        output_printf(out, "%s%s %s ms", i > 0 ? ", " : "", spread[i].name,
                      TEXT_MS(metric_read(slice, times, &spread[i]).number));
    output_printf(out, "\n");
}

static void print_handshakes(struct output *out, const struct metric_slice *slice, bool recycled)
{
    uint64_t count = metric_count(slice, METRIC_HANDSHAKES);
    if (count == 0)
        return;
    output_printf(out, "TLS handshakes: %s, %s resumed", UNITS_GROUPED(count),
                  UNITS_GROUPED(metric_count(slice, METRIC_HANDSHAKES_RESUMED)));
    /* Without renewals they are those before the start, which no second of the run has seen. */
    if (recycled)
        output_printf(out, " (%s per second)",
                      UNITS_REAL(metric_read(slice, METRIC_HANDSHAKE_RATE, NULL).number, 2));
    output_printf(out, ", ");
    print_spread(out, slice, METRIC_HANDSHAKE_TIME);
}

void text_walks(struct output *out, const struct metric_slice *slice)
{
    const uint64_t walks = metric_count(slice, METRIC_WALKS);
    if (walks > 0)
        output_printf(out, "Walks by cursors: %s came to their end\n", UNITS_GROUPED(walks));
}

void text_connections(struct output *out, const struct run_result *result)
{
    const struct metric_slice slice = metric_slice_of_run(result);
    uint64_t recycled = metric_count(&slice, METRIC_CONNECTIONS_RECYCLED), redirected = 0;
    const uint64_t idle_lost = metric_count(&slice, METRIC_IDLE_LOST);
    const uint64_t reloaded = metric_count(&slice, METRIC_RELOADED);
    for (enum metric_id id = METRIC_MOVED; id <= METRIC_CLUSTERDOWN; id++)
        redirected += metric_count(&slice, id);
    if (recycled + redirected + metric_count(&slice, METRIC_HANDSHAKES) + idle_lost + reloaded == 0)
        return;
    output_printf(out, "\nConnections:\n===========\n");
    print_handshakes(out, &slice, recycled > 0);
    if (recycled > 0) {
        output_printf(out, "%s: %s (%s per second), time to connect ",
                      result->facts->renewed ? "Renewed by plan" : "Moved to another node",
                      UNITS_GROUPED(recycled),
                      UNITS_REAL(figure_rate(recycled, result->seconds), 2));
        print_spread(out, &slice, METRIC_CONNECT_TIME);
    }
    if (redirected > 0)
        output_printf(out,
                      "Redirected: MOVED %s, ASK %s, TRYAGAIN %s, CLUSTERDOWN %s; sent again: %s\n",
                      UNITS_GROUPED(metric_count(&slice, METRIC_MOVED)),
                      UNITS_GROUPED(metric_count(&slice, METRIC_ASKED)),
                      UNITS_GROUPED(metric_count(&slice, METRIC_TRYAGAIN)),
                      UNITS_GROUPED(metric_count(&slice, METRIC_CLUSTERDOWN)),
                      UNITS_GROUPED(metric_count(&slice, METRIC_RESENT)));
    if (idle_lost > 0)
        text_count(out, "Idle connections lost", idle_lost);
    if (reloaded > 0)
        output_printf(out, "Sent again behind their script, which a server did not know: %s\n",
                      UNITS_GROUPED(reloaded));
}

/* ---- With --extended-metrics. ---- */

static void heading(struct output *out, const char *title)
{
    output_printf(out, "\n%s:\n", title);
    for (size_t i = 0; i < strlen(title); i++)
        output_printf(out, "=");
    output_printf(out, "\n");
}

static void print_errors(struct output *out, const struct run_result *result)
{
    heading(out, "Error Breakdown");
    text_count(out, "Timeouts", metric_total(result, METRIC_TIMEOUTS));
    text_count(out, "Connection errors", metric_total(result, METRIC_CONNECTION_ERRORS));
    text_count(out, "Protocol errors", metric_total(result, METRIC_LOST_PROTOCOL));
    for (uint32_t i = 0; i < result->error_kinds->count; i++)
        if (result->total->errors_by_kind[i] > 0)
            text_count(out, PRINTABLE(result->error_kinds->kinds[i].word),
                       result->total->errors_by_kind[i]);
}

static void print_cache(struct output *out, const struct run_result *result)
{
    uint64_t hits = metric_total(result, METRIC_HITS), misses = metric_total(result, METRIC_MISSES);
    heading(out, "Cache Statistics");
    if (hits + misses == 0) {
        output_printf(out, "no key was read\n");
        return;
    }
    text_count(out, "Hits", hits);
    text_count(out, "Misses", misses);
    output_printf(out, "Hit rate: %.2f%%\n", figure_share(hits, hits + misses) * 100);
}

static void print_connect(struct output *out, const struct run_result *result)
{
    static const double percents[] = {50, 75, 90, 95, 99, 99.9, 99.99, 100};
    const struct metric_slice slice = metric_slice_of_run(result);
    uint64_t count = metric_count(&slice, METRIC_CONNECT_TIME);
    heading(out, "Connection Establishment Time");
    text_count(out, "Connections", count);
    for (size_t i = 0; i < sizeof percents / sizeof percents[0] && count > 0; i++) {
        double ns = metric_percentile(&slice, METRIC_CONNECT_TIME, percents[i]).number;
        output_printf(out, "%g%% <= %s ms\n", percents[i], UNITS_REAL(ns / NS_PER_MS, 2));
    }
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
    const struct note *last = &samples->last;
    const bool replica = note_get(last, NOTE_REPLICA) > 0;
    const int64_t replicas = note_get(last, NOTE_REPLICAS);
    const int64_t lag_seconds = note_get(last, NOTE_LAG_SECONDS);
    heading(out, "Replication Monitoring");
    if (!last->ok || (!replica && lag_seconds < 0)) {
        output_printf(out, "the server's role is not known\n");
        return;
    }
    if (!replica && replicas <= 0 && samples->lag_bytes_max <= 0) {
        output_printf(out, "Role: primary without replicas\n");
        return;
    }
    if (replica)
        output_printf(out, "Role: replica\n");
    else
        output_printf(out, "Role: primary, %" PRId64 " replica%s\n", replicas,
                      replicas == 1 ? "" : "s");
    if (lag_seconds >= 0)
        output_printf(out, "Lag at the last sample: %s s\n", UNITS_GROUPED((uint64_t)lag_seconds));
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
    print_connect(out, result);
    print_keyspace(out, result->samples);
    print_replication(out, result->samples);
}

/* ---- With --debug. ---- */

#define TICKS_PER_HALF_DISTANCE 5.0

void text_spectrum(struct output *out, const struct histogram *histogram)
{
    output_printf(out, "\nPercentile Spectrum (ms):\n========================\n");
    output_printf(out, "%12s %14s %10s %14s\n\n", "Value", "Percentile", "TotalCount",
                  "1/(1-Percentile)");
    double q = 0;
    uint64_t counted = 0;
    while (counted < histogram->count && q < 1.0) {
        uint64_t value_ns = histogram_quantile(histogram, q);
        counted = histogram_count_at_or_below(histogram, value_ns);
        if (counted == histogram->count)
            break;
        output_printf(out, "%12.3f %14.12f %10" PRIu64 " %14.2f\n", clock_ms(value_ns), q, counted,
                      1.0 / (1.0 - q));
        double half_distance = pow(2.0, floor(log2(1.0 / (1.0 - q))) + 1.0);
        q += 1.0 / (TICKS_PER_HALF_DISTANCE * half_distance);
    }
    if (histogram->count > 0)
        output_printf(out, "%12.3f %14.12f %10" PRIu64 "\n", clock_ms(histogram->max_ns), 1.0,
                      histogram->count);
    output_printf(out, "#[Mean    = %12.3f, StdDeviation   = %12.3f]\n",
                  histogram_mean(histogram) / NS_PER_MS, histogram_stdev(histogram) / NS_PER_MS);
    output_printf(out, "#[Max     = %12.3f, Total count    = %12" PRIu64 "]\n",
                  clock_ms(histogram->max_ns), histogram->count);
}

void text_workers(struct output *out, const struct run_result *result)
{
    output_printf(out, "\nWorkers:\n=======\n");
    for (uint32_t i = 0; i < result->worker_count; i++) {
        const struct worker_summary *worker = &result->workers[i];
        output_printf(out, "worker %" PRIu32 ": pid %" PRId64 ", ", worker->index, worker->pid);
        if (worker->cpu >= 0)
            output_printf(out, "CPU %d", worker->cpu);
        else
            output_printf(out, "not pinned");
        double busy_seconds = worker->cpu_user_seconds + worker->cpu_system_seconds;
        double work_seconds = busy_seconds - worker->spin_seconds;
        output_printf(out,
                      ", %s requests (%s per second), CPU %s s user + %s s "
                      "system (%.1f%%",
                      UNITS_GROUPED(worker->requests),
                      UNITS_REAL(figure_rate(worker->requests, result->seconds), 2),
                      UNITS_REAL(worker->cpu_user_seconds, 3),
                      UNITS_REAL(worker->cpu_system_seconds, 3),
                      result->seconds > 0 ? busy_seconds / result->seconds * 100 : 0.0);
        if (worker->spin_seconds > 0)
            output_printf(out, "; %.1f%% without %s s of spinning",
                          result->seconds > 0 ? work_seconds / result->seconds * 100 : 0.0,
                          UNITS_REAL(worker->spin_seconds, 3));
        output_printf(out, "), %" PRIu32 " restarts\n", worker->restarts);
    }
}
