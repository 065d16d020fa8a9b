/* One CSV row per csv interval, sixteen columns (features 1.22), of the measured part only; more with
 * --extended-metrics. No column says which test a row is of, so with files each further test begins a
 * new one.
 *
 * Rows end where the grid ends: at whole multiples of the csv interval from the start of the
 * measured part. A row of the timeline that covers several intervals cannot be split, so a CSV row
 * may end late; the next one is shorter and back on the grid. Rates use the seconds a row covers. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "orchestrator/report/figures.h"
#include "orchestrator/report/interval_csv.h"
#include "orchestrator/report/output.h"
#include "orchestrator/report/sinks.h"

#define FIGURE(name_, metric_)                                                                     \
    {                                                                                              \
        .name = (name_), .metric = (metric_)                                                       \
    }
#define TIMES(name_, metric_, unit_ns_, kind_, percent_)                                           \
    {                                                                                              \
        (name_), (metric_), {NULL, (kind_), (percent_)}, (unit_ns_)                                \
    }

/* After the timestamp. The first fifteen are those that programs know (features 1.22); with --extended-metrics
 * twelve follow that an older tool had (1.25), in its order, then volley's own. */
const struct interval_csv_column interval_csv_columns[INTERVAL_CSV_COLUMNS] = {
    FIGURE("request_sec", METRIC_ACHIEVED_RATE),
    TIMES("p50_usec", METRIC_RESPONSE_TIME, NS_PER_US, STATISTIC_PERCENTILE, 50),
    TIMES("p90_usec", METRIC_RESPONSE_TIME, NS_PER_US, STATISTIC_PERCENTILE, 90),
    TIMES("p95_usec", METRIC_RESPONSE_TIME, NS_PER_US, STATISTIC_PERCENTILE, 95),
    TIMES("p99_usec", METRIC_RESPONSE_TIME, NS_PER_US, STATISTIC_PERCENTILE, 99),
    TIMES("p99_9_usec", METRIC_RESPONSE_TIME, NS_PER_US, STATISTIC_PERCENTILE, 99.9),
    TIMES("p99_99_usec", METRIC_RESPONSE_TIME, NS_PER_US, STATISTIC_PERCENTILE, 99.99),
    TIMES("p99_999_usec", METRIC_RESPONSE_TIME, NS_PER_US, STATISTIC_PERCENTILE, 99.999),
    TIMES("p100_usec", METRIC_RESPONSE_TIME, NS_PER_US, STATISTIC_MAX, 0),
    TIMES("avg_usec", METRIC_RESPONSE_TIME, NS_PER_US, STATISTIC_MEAN, 0),
    FIGURE("request_finished", METRIC_OK),
    FIGURE("requests_total_failed", METRIC_FAILED),
    FIGURE("requests_moved", METRIC_MOVED),
    FIGURE("requests_clusterdown", METRIC_CLUSTERDOWN),
    FIGURE("client_disconnects", METRIC_CONNECTIONS_LOST),
    FIGURE("cache_hits", METRIC_HITS),
    FIGURE("cache_misses", METRIC_MISSES),
    FIGURE("timeout_errors", METRIC_TIMEOUTS),
    FIGURE("connection_errors", METRIC_CONNECTION_ERRORS),
    FIGURE("busy_errors", METRIC_BUSY_ERRORS),
    FIGURE("oom_errors", METRIC_OOM_ERRORS),
    FIGURE("loading_errors", METRIC_LOADING_ERRORS),
    FIGURE("keyspace_count", METRIC_KEYS),
    FIGURE("replication_lag", METRIC_REPLICATION_LAG),
    TIMES("conn_est_p50", METRIC_CONNECT_TIME, NS_PER_MS, STATISTIC_PERCENTILE, 50),
    TIMES("conn_est_p99", METRIC_CONNECT_TIME, NS_PER_MS, STATISTIC_PERCENTILE, 99),
    TIMES("conn_est_p100", METRIC_CONNECT_TIME, NS_PER_MS, STATISTIC_MAX, 0),
    FIGURE("target_rate", METRIC_TARGET_RATE),
    FIGURE("due", METRIC_DUE),
    FIGURE("sent", METRIC_SENT),
    FIGURE("backlog", METRIC_BACKLOG),
    FIGURE("shed", METRIC_SHED),
    TIMES("wait_p99_usec", METRIC_WAIT, NS_PER_US, STATISTIC_PERCENTILE, 99),
    TIMES("slip_p99_usec", METRIC_SLIP, NS_PER_US, STATISTIC_PERCENTILE, 99),
    TIMES("service_p50_usec", METRIC_SERVICE_TIME, NS_PER_US, STATISTIC_PERCENTILE, 50),
    TIMES("service_p99_usec", METRIC_SERVICE_TIME, NS_PER_US, STATISTIC_PERCENTILE, 99),
    TIMES("service_p100_usec", METRIC_SERVICE_TIME, NS_PER_US, STATISTIC_MAX, 0),
    TIMES("loop_lag_p99_usec", METRIC_LOOP_LAG, NS_PER_US, STATISTIC_PERCENTILE, 99),
    FIGURE("connections", METRIC_CONNECTIONS_OPEN),
    FIGURE("worker_cpu_percent", METRIC_WORKER_CPU),
    FIGURE("requests_asked", METRIC_ASKED),
    FIGURE("requests_tryagain", METRIC_TRYAGAIN),
    FIGURE("requests_resent", METRIC_RESENT),
    FIGURE("values_verified", METRIC_VERIFIED),
    FIGURE("values_corrupted", METRIC_CORRUPTED),
    FIGURE("values_stale", METRIC_STALE),
    FIGURE("lost_writes", METRIC_LOST_WRITES)};
#define COLUMNS_USUAL 15u

struct interval_csv {
    struct output out;      /* of the run under way */
    struct output *earlier; /* of the runs before it, when there are files; named at the end */
    uint32_t earlier_count;
    char *path;               /* of the first file; NULL: all runs go into one stream */
    uint64_t csv_interval_ns; /* 0: every row of the timeline is a row of the file */
    bool header_printed;
    bool silent;  /* a prefill run, or one that gets no file */
    bool skipped; /* there was a run that got none           */
    bool measuring;
    uint64_t last_stamp;      /* of the run's last row, in the unit that is printed; 0: none */
    uint64_t origin_ns;       /* where the measured part starts */
    uint64_t next_edge_ns;    /* where the row under way ends on the grid */
    bool under_way;           /* the row holds something, if only time */
    struct interval_row *row; /* the CSV row under way */
    bool extended;
    bool sampled;       /* at least once in the run under way */
    struct note sample; /* the newest                         */
    struct run_facts run;
};

static size_t columns_of(const struct interval_csv *csv)
{
    return csv->extended ? INTERVAL_CSV_COLUMNS : COLUMNS_USUAL;
}

/* Whole seconds, as the column always had; shorter intervals need the milliseconds. Of a row that is
 * shorter than such a unit it is the next one: no two rows have the same. */
static void print_timestamp(struct interval_csv *csv, uint64_t wall_ns)
{
    bool seconds = csv->csv_interval_ns % NS_PER_SECOND == 0;
    uint64_t stamp = wall_ns / (seconds ? NS_PER_SECOND : NS_PER_MS);
    if (stamp <= csv->last_stamp)
        stamp = csv->last_stamp + 1;
    csv->last_stamp = stamp;
    if (seconds)
        output_printf(&csv->out, "%" PRIu64, stamp);
    else
        output_printf(&csv->out, "%" PRIu64 ".%03" PRIu64, stamp / 1000, stamp % 1000);
}

/* Times are in whole microseconds, those to connect in milliseconds, as an older tool had them. */
static void print_figure(struct output *out, const struct interval_csv_column *column,
                         const struct metric_slice *slice)
{
    const struct metric *metric = &metric_table[column->metric];
    struct metric_value value = metric_read(slice, column->metric, &column->statistic);
    if (column->unit_ns == NS_PER_MS)
        output_printf(out, ",%.2f", value.number / NS_PER_MS);
    else if (metric->type == METRIC_TIMES && !value.known)
        output_printf(out, ",");
    else if (metric->type == METRIC_TIMES)
        output_printf(out, ",%" PRIu64, (uint64_t)value.number / column->unit_ns);
    else if (metric->type == METRIC_RATE)
        output_printf(out, ",%.6f", value.known ? value.number : 0);
    else if (metric->type == METRIC_SHARE)
        output_printf(out, ",%.2f", value.number);
    else if (metric->number != NULL) /* a sample: -1 where it is not known */
        output_printf(out, ",%.0f", value.number);
    else
        output_printf(out, ",%" PRIu64, value.count);
}

static void print_row(struct interval_csv *csv, const struct error_kinds *error_kinds)
{
    const struct interval_row *row = csv->row;
    struct metric_slice slice = metric_slice_of(row, (row->header.flags & INTERVAL_OPEN_LOOP) != 0);
    slice.error_kinds = error_kinds;
    slice.sample = csv->sampled ? &csv->sample : NULL;
    slice.worker_count = csv->run.worker_count;
    print_timestamp(csv, csv->run.started_wall_ns + row->header.end_ns);
    for (size_t i = 0; i < columns_of(csv); i++)
        print_figure(&csv->out, &interval_csv_columns[i], &slice);
    output_printf(&csv->out, "\n");
}

static bool holds_data(const struct interval_row *row)
{
    return row->counters[COUNTER_OK] > 0 || figure_failed(row->counters) > 0 ||
           row->counters[COUNTER_CONNECTIONS_LOST] > 0;
}

static void end_row(struct interval_csv *csv, const struct error_kinds *error_kinds)
{
    print_row(csv, error_kinds);
    interval_row_reset(csv->row);
    csv->under_way = false;
}

/* DIR/intervals.csv -> DIR/intervals-2.csv */
static char *numbered_path(const char *path, uint32_t number)
{
    const char *name = strrchr(path, '/');
    const char *ending = strrchr(name != NULL ? name : path, '.');
    size_t stem_bytes = ending != NULL ? (size_t)(ending - path) : strlen(path);
    char *numbered;
    int made =
        asprintf(&numbered, "%.*s-%" PRIu32 "%s", (int)stem_bytes, path, number, path + stem_bytes);
    return made >= 0 ? numbered : NULL;
}

/* The next run's file; the one so far is kept until all get their names. */
static enum err_code begin_file(struct interval_csv *csv, struct err *err)
{
    uint32_t count = csv->earlier_count + 1;
    struct output *earlier = realloc(csv->earlier, count * sizeof *earlier);
    if (earlier == NULL)
        return err_set(err, E_SYSTEM, "no memory for the interval CSV");
    csv->earlier = earlier;
    if (output_close(&csv->out, err) != OK)
        return err->code;
    char *path = numbered_path(csv->path, count + 1);
    if (path == NULL)
        return err_set(err, E_SYSTEM, "no memory for the interval CSV");
    enum output_naming naming = csv->out.naming;
    csv->earlier[csv->earlier_count++] = csv->out;
    enum err_code code = output_create(&csv->out, path, naming, err);
    free(path);
    return code;
}

/* A loop may go on for days: its journal has all runs. */
static void skip_run(struct interval_csv *csv)
{
    csv->silent = true;
    if (!csv->skipped)
        log_line(LOG_WARNING, "the interval CSV has the first %u runs; further ones get no file",
                 INTERVAL_CSV_FILES_MAX);
    csv->skipped = true;
}

static enum err_code run_begin(void *state, const struct run_facts *run, struct err *err)
{
    struct interval_csv *csv = state;
    csv->silent = run->prefill;
    csv->measuring = false;
    csv->under_way = false;
    csv->extended = run->session != NULL && run->session->extended_metrics;
    csv->sampled = false;
    csv->last_stamp = 0;
    csv->run = *run;
    if (csv->csv_interval_ns == 0)
        csv->csv_interval_ns = run->interval_ns;
    interval_row_reset(csv->row);
    if (csv->silent || (csv->header_printed && csv->path == NULL))
        return OK;
    if (csv->header_printed && csv->earlier_count + 1 == INTERVAL_CSV_FILES_MAX) {
        skip_run(csv);
        return OK;
    }
    if (csv->header_printed && begin_file(csv, err) != OK)
        return err->code;
    csv->header_printed = true;
    output_printf(&csv->out, "timestamp");
    for (size_t i = 0; i < columns_of(csv); i++)
        output_printf(&csv->out, ",%s", interval_csv_columns[i].name);
    output_printf(&csv->out, "\n");
    return output_status(&csv->out, err);
}

static enum err_code interval(void *state, const struct interval_row *row,
                              const struct error_kinds *error_kinds, struct err *err)
{
    struct interval_csv *csv = state;
    if (csv->silent)
        return OK;
    if (row->header.flags & INTERVAL_WARMUP) {
        /* The connections that it opened are those of the rows to come. */
        histogram_add(&csv->row->histograms[HISTOGRAM_CONNECT],
                      &row->histograms[HISTOGRAM_CONNECT]);
        return OK;
    }
    if (!csv->measuring) {
        csv->measuring = true;
        csv->origin_ns = row->header.start_ns;
        csv->next_edge_ns = csv->origin_ns + csv->csv_interval_ns;
    }
    if (!csv->under_way) {
        csv->under_way = true;
        csv->row->header.start_ns = row->header.start_ns;
    }
    csv->row->header.end_ns = row->header.end_ns;
    csv->row->header.flags = row->header.flags;
    csv->row->header.in_flight_after = row->header.in_flight_after;
    csv->row->header.backlog_after = row->header.backlog_after;
    csv->row->header.connections_open = row->header.connections_open;
    outcome_times_add(&csv->row->header.times, &row->header.times);
    interval_row_add(csv->row, row);
    if (row->header.end_ns < csv->next_edge_ns)
        return OK;
    uint64_t periods = (row->header.end_ns - csv->origin_ns) / csv->csv_interval_ns;
    csv->next_edge_ns = csv->origin_ns + (periods + 1) * csv->csv_interval_ns;
    end_row(csv, error_kinds);
    return output_status(&csv->out, err);
}

static enum err_code note(void *state, const struct note *note, struct err *err)
{
    struct interval_csv *csv = state;
    (void)err;
    if (note->source == NOTE_SAMPLE) {
        csv->sample = *note;
        csv->sampled = true;
    }
    return OK;
}

static enum err_code run_end(void *state, const struct run_result *result, struct err *err)
{
    struct interval_csv *csv = state;
    if (csv->under_way && holds_data(csv->row))
        end_row(csv, result->error_kinds);
    return output_status(&csv->out, err);
}

static enum err_code session_end(void *state, struct err *err)
{
    struct interval_csv *csv = state;
    enum err_code code = output_commit(&csv->out, err);
    /* The first one last: where it is, the others are, and `volley report` need not look. */
    for (uint32_t i = csv->earlier_count; i > 0 && code == OK; i--)
        code = output_commit(&csv->earlier[i - 1], err);
    return code;
}

static void destroy(void *state)
{
    struct interval_csv *csv = state;
    output_discard(&csv->out);
    for (uint32_t i = 0; i < csv->earlier_count; i++)
        output_discard(&csv->earlier[i]);
    free(csv->earlier);
    free(csv->path);
    free(csv->row);
    free(csv);
}

/* The sink but for where it writes. */
static struct interval_csv *create(struct sink *sink, uint64_t csv_interval_ns, struct err *err)
{
    struct interval_csv *csv = calloc(1, sizeof *csv);
    struct interval_row *row = interval_row_create();
    if (csv == NULL || row == NULL) {
        err_set(err, E_SYSTEM, "no memory for the interval CSV");
        free(csv);
        free(row);
        return NULL;
    }
    csv->row = row;
    csv->csv_interval_ns = csv_interval_ns;
    *sink = (struct sink){.name = "interval CSV",
                          .state = csv,
                          .run_begin = run_begin,
                          .interval = interval,
                          .note = note,
                          .run_end = run_end,
                          .session_end = session_end,
                          .destroy = destroy};
    return csv;
}

enum err_code sink_interval_csv(struct sink *sink, FILE *out, uint64_t csv_interval_ns,
                                struct err *err)
{
    struct interval_csv *csv = create(sink, csv_interval_ns, err);
    if (csv == NULL)
        return err->code;
    output_borrow(&csv->out, out);
    return OK;
}

enum err_code sink_interval_csv_file(struct sink *sink, const char *path, enum output_naming naming,
                                     struct err *err)
{
    struct interval_csv *csv = create(sink, 0, err);
    if (csv == NULL)
        return err->code;
    enum err_code code = output_create(&csv->out, path, naming, err);
    csv->path = strdup(path);
    if (code == OK && csv->path == NULL)
        code = err_set(err, E_SYSTEM, "no memory for the interval CSV");
    if (code != OK)
        destroy(csv);
    return code;
}
