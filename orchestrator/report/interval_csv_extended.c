/* Twelve columns that an older tool had (features 1.25), in its order, then volley's own. */
#include "orchestrator/report/interval_csv_extended.h"

#include <inttypes.h>
#include <string.h>

#include "common/clock.h"
#include "orchestrator/report/figures.h"

void interval_csv_extended_names(struct output *out)
{
    output_printf(out, ",cache_hits,cache_misses,timeout_errors,connection_errors,busy_errors,"
                       "oom_errors,loading_errors,keyspace_count,replication_lag,conn_est_p50,"
                       "conn_est_p99,conn_est_p100,target_rate,due,sent,backlog,shed,wait_p99_usec,"
                       "slip_p99_usec,service_p50_usec,service_p99_usec,service_p100_usec,"
                       "loop_lag_p99_usec,connections,worker_cpu_percent,requests_asked,"
                       "requests_tryagain,requests_resent");
}

static void count(struct output *out, uint64_t value)
{
    output_printf(out, ",%" PRIu64, value);
}

void interval_csv_percentile(struct output *out, const struct interval_row *row,
                             enum interval_histogram_kind kind, double percent)
{
    struct figure_percentile figure = figure_percentile(row, kind, percent);
    if (figure.censored)
        output_printf(out, ",");
    else
        interval_csv_of_values(out, row, kind, figure.value_ns);
}

void interval_csv_of_values(struct output *out, const struct interval_row *row,
                            enum interval_histogram_kind kind, uint64_t value_ns)
{
    if (row->histograms[kind].count == 0)
        output_printf(out, ",");
    else
        count(out, value_ns / NS_PER_US);
}

static void quantile_ms(struct output *out, const struct histogram *histogram, double q)
{
    output_printf(out, ",%.2f", (double)histogram_quantile(histogram, q) / NS_PER_MS);
}

static uint64_t errors_of(const struct interval_row *row, const struct error_kinds *error_kinds,
                          const char *word)
{
    for (uint32_t i = 0; error_kinds != NULL && i < error_kinds->count; i++)
        if (strcmp(error_kinds->kinds[i].word, word) == 0)
            return row->errors_by_kind[i];
    return 0;
}

/* The workers' CPU time as a share of what all of them had, waiting in a spin left out: that is how
 * near volley is to its own limit. */
static double worker_cpu_percent(const struct interval_row *row, const struct run_facts *run)
{
    const uint64_t *counters = row->counters;
    uint64_t busy_ns = counters[COUNTER_CPU_USER_NS] + counters[COUNTER_CPU_SYSTEM_NS];
    uint64_t spun_ns = counters[COUNTER_SPIN_NS];
    double had_ns = figure_row_seconds(row) * NS_PER_SECOND * run->worker_count;
    busy_ns = busy_ns > spun_ns ? busy_ns - spun_ns : 0;
    return had_ns > 0 ? 100.0 * (double)busy_ns / had_ns : 0;
}

void interval_csv_extended_values(struct output *out, const struct interval_row *row,
                                  const struct error_kinds *error_kinds,
                                  const struct target_sample *sample, const struct run_facts *run)
{
    const uint64_t *counters = row->counters;
    const struct histogram *connect = &row->histograms[HISTOGRAM_CONNECT];
    count(out, counters[COUNTER_HITS]);
    count(out, counters[COUNTER_MISSES]);
    count(out, counters[COUNTER_TIMED_OUT] + counters[COUNTER_LOST_TIMEOUT]);
    count(out, counters[COUNTER_LOST_DISCONNECT] + counters[COUNTER_CONNECT_FAILURES]);
    count(out, errors_of(row, error_kinds, "BUSY"));
    count(out, errors_of(row, error_kinds, "OOM"));
    count(out, errors_of(row, error_kinds, "LOADING"));
    output_printf(out, ",%" PRId64, sample != NULL ? sample->keys : -1);
    output_printf(out, ",%" PRId64, sample != NULL ? sample->lag_seconds : -1);
    quantile_ms(out, connect, 0.50);
    quantile_ms(out, connect, 0.99);
    quantile_ms(out, connect, 1);

    /* What was due is the schedule itself, whatever changed it; a closed loop has none. */
    bool open_loop = (row->header.flags & INTERVAL_OPEN_LOOP) != 0;
    double seconds = figure_row_seconds(row);
    output_printf(out, ",%.6f", open_loop ? figure_rate(counters[COUNTER_DUE], seconds) : 0);
    count(out, counters[COUNTER_DUE]);
    count(out, counters[COUNTER_SENT]);
    count(out, row->header.backlog_after);
    count(out, counters_shed(counters));
    interval_csv_percentile(out, row, HISTOGRAM_WAIT, 99);
    interval_csv_percentile(out, row, HISTOGRAM_SLIP, 99);
    interval_csv_percentile(out, row, HISTOGRAM_SERVICE_OK, 50);
    interval_csv_percentile(out, row, HISTOGRAM_SERVICE_OK, 99);
    interval_csv_of_values(out, row, HISTOGRAM_SERVICE_OK,
                           row->histograms[HISTOGRAM_SERVICE_OK].max_ns);
    interval_csv_percentile(out, row, HISTOGRAM_LOOP_LAG, 99);
    count(out, row->header.connections_open);
    output_printf(out, ",%.2f", worker_cpu_percent(row, run));
    count(out, counters[COUNTER_ASKED]);
    count(out, counters[COUNTER_TRYAGAIN]);
    count(out, counters[COUNTER_RESENT]);
}
