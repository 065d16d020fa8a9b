/* The report as valkey-benchmark prints it, byte for byte where figures allow: programs parse it. Its
 * figures are volley's: of a sequence each command counts. The summary's percentiles, and its maximum,
 * are figure_percentile's; there is no room to say of one that it is only a lower bound. The distributions are of the replies. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/printable.h"
#include "orchestrator/report/figures.h"
#include "orchestrator/report/output.h"
#include "orchestrator/report/sinks.h"

#define HISTOGRAM_END_NS (3 * NS_PER_SECOND) /* there all that is longer counts as so long */

struct valkey_text {
    struct output out;
    struct valkey_report report;
    const struct run_facts *run; /* the one under way */
    bool begun;                  /* what stands once in front of all runs is printed */
    int line_bytes;              /* of the throughput line that the next output writes over */
    /* of the run under way, measured or, until it ends, of the warm-up */
    uint64_t requests, latency_count;
    double latency_sum_ns;
    struct histogram rates; /* requests per second in each interval; with a rate only */
};

/* --- once, in front of the runs -------------------------------------------------------------- */

static const char *roles_of_load(const struct valkey_report *report)
{
    static const char *const names[] = {[REPLICA_READS_NO] = "primary",
                                        [REPLICA_READS_YES] = "replica",
                                        [REPLICA_READS_ALL] = "cluster"};
    return names[report->replica_reads];
}

static bool carries_load(const struct valkey_report *report, const struct run_node *node)
{
    switch (report->replica_reads) {
    case REPLICA_READS_NO:
        return node->role == RUN_ROLE_PRIMARY;
    case REPLICA_READS_YES:
        return node->role == RUN_ROLE_REPLICA;
    case REPLICA_READS_ALL:
        break;
    }
    return node->role == RUN_ROLE_PRIMARY || node->role == RUN_ROLE_REPLICA;
}

static uint32_t count_nodes(const struct valkey_text *text, const struct run_facts *run)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < run->node_count; i++)
        count += carries_load(&text->report, &run->nodes[i]);
    return count;
}

static void print_nodes(struct valkey_text *text, const struct run_facts *run)
{
    uint32_t index = 0;
    output_printf(&text->out, "Cluster has %" PRIu32 " %s nodes:\n\n", count_nodes(text, run),
                  roles_of_load(&text->report));
    for (uint32_t i = 0; i < run->node_count; i++)
        if (carries_load(&text->report, &run->nodes[i]))
            output_printf(&text->out, "Node %" PRIu32 "(%s): %s\n", index++,
                          run->nodes[i].role == RUN_ROLE_REPLICA ? "Replica" : "Primary",
                          PRINTABLE(run->nodes[i].text));
    output_printf(&text->out, "\n");
}

static void print_head(struct valkey_text *text, const struct run_facts *run)
{
    if (text->begun)
        return;
    text->begun = true;
    if (text->report.cluster)
        print_nodes(text, run);
    if (text->report.idle)
        output_printf(&text->out,
                      "Creating %" PRIu64
                      " idle connections and waiting forever (Ctrl+C when done)\n",
                      run->clients);
    else if (text->report.style == TEXT_CSV)
        output_printf(&text->out, TEXT_CSV_HEAD);
}

/* --- while a run is under way ---------------------------------------------------------------- */

static void forget_rows(struct valkey_text *text)
{
    text->requests = text->latency_count = 0;
    text->latency_sum_ns = 0;
}

static enum err_code run_begin(void *state, const struct run_facts *run, struct err *err)
{
    struct valkey_text *text = state;
    text->run = run;
    text->line_bytes = 0;
    forget_rows(text);
    histogram_reset(&text->rates);
    print_head(text, run);
    return output_status(&text->out, err);
}

/* Blanks over the throughput line: what follows begins a line of its own. */
static void clean_line(struct valkey_text *text)
{
    output_printf(&text->out, "%*s\r", text->line_bytes, " ");
    text->line_bytes = 0;
}

static double mean_ms(double sum_ns, uint64_t count)
{
    return count > 0 ? sum_ns / (double)count / NS_PER_MS : 0;
}

static void print_throughput(struct valkey_text *text, const struct interval_row *row,
                             uint64_t requests)
{
    const struct run_facts *run = text->run;
    const struct histogram *latency = figure_latency(row, run->open_loop);
    const bool warmup = (row->header.flags & INTERVAL_WARMUP) != 0;
    const uint64_t begin_ns = warmup ? 0 : run->warmup_ns;
    const double seconds = clock_seconds(row->header.end_ns - begin_ns);
    char line[400], done[40];
    if (warmup || run->duration_ns > 0)
        snprintf(done, sizeof done, "%.1f seconds", seconds);
    else
        snprintf(done, sizeof done, "%" PRIu64 " requests", text->requests);
    snprintf(line, sizeof line, "%s%s: rps=%.1f (overall: %.1f) avg_msec=%.3f (overall: %.3f) %s",
             warmup ? "Warming up " : "", PRINTABLE(run->name),
             figure_rate(requests, figure_row_seconds(row)), figure_rate(text->requests, seconds),
             mean_ms((double)latency->sum_ns, latency->count),
             mean_ms(text->latency_sum_ns, text->latency_count), done);
    clean_line(text);
    output_printf(&text->out, "%s\r", line);
    text->line_bytes = (int)strlen(line);
}

static enum err_code interval(void *state, const struct interval_row *row,
                              const struct error_kinds *error_kinds, struct err *err)
{
    struct valkey_text *text = state;
    const struct histogram *latency = figure_latency(row, text->run->open_loop);
    const uint64_t requests = row->counters[COUNTER_OK] * text->run->commands;
    (void)error_kinds;
    if (text->report.style == TEXT_CSV && !text->report.idle)
        return OK;
    if (text->report.idle) {
        output_printf(&text->out, "clients: %" PRIu64 "\r", row->header.connections_open);
        return output_status(&text->out, err);
    }
    if (row->header.start_ns == text->run->warmup_ns)
        forget_rows(text);
    text->requests += requests;
    text->latency_count += latency->count;
    text->latency_sum_ns += (double)latency->sum_ns;
    if (text->report.rate > 0 && (row->header.flags & (INTERVAL_WARMUP | INTERVAL_LAST)) == 0)
        histogram_record_n(&text->rates, (uint64_t)figure_rate(requests, figure_row_seconds(row)),
                           1);
    print_throughput(text, row, requests);
    return output_status(&text->out, err);
}

/* --- behind a run ---------------------------------------------------------------------------- */

static const char *server_setting(const struct valkey_text *text, const char *name)
{
    const json_t *server = json_object_get(text->run->session->environment, "server");
    return json_string_value(json_object_get(server, name));
}

static void print_setting(struct valkey_text *text, const struct run_facts *run)
{
    struct output *out = &text->out;
    const char *save = server_setting(text, "save");
    const char *append_only = server_setting(text, "appendonly");
    if (text->report.cluster)
        output_printf(out, "  cluster mode: yes (%" PRIu32 " %s)\n", count_nodes(text, run),
                      roles_of_load(&text->report));
    if (save != NULL && append_only != NULL && !text->report.cluster)
        output_printf(out,
                      "  host configuration \"save\": %s\n"
                      "  host configuration \"appendonly\": %s\n",
                      save, append_only);
    output_printf(out, "  multi-thread: %s\n", text->report.threads ? "yes" : "no");
    if (text->report.threads)
        output_printf(out, "  threads: %" PRIu32 "\n", run->worker_count);
}

static void print_rates(struct valkey_text *text)
{
    const struct histogram *rates = &text->rates;
    struct output *out = &text->out;
    if (rates->count == 0)
        return;
    output_printf(out, "\nRPS Summary:\n  target RPS: %.2f\n  RPS distribution (reqs/sec):\n",
                  text->report.rate);
    output_printf(out, "    %9s %9s %9s %9s %9s %9s\n", "avg", "min", "p50", "p95", "p99", "max");
    output_printf(out, "    %9.3f %9.3f %9.3f %9.3f %9.3f %9.3f\n", histogram_mean(rates),
                  (double)rates->min_ns, (double)histogram_quantile(rates, 0.5),
                  (double)histogram_quantile(rates, 0.95), (double)histogram_quantile(rates, 0.99),
                  (double)rates->max_ns);
}

static void print_share(struct output *out, double percent, uint64_t value_ns, uint64_t counted)
{
    output_printf(out, "%3.3f%% <= %.3f milliseconds (cumulative count %" PRIu64 ")\n", percent,
                  clock_ms(value_ns), counted);
}

/* One step for each halving of the distance to 100 %; a step that adds nothing is left out. Of a sequence
 * each command counts. */
static void print_percentiles(struct output *out, const struct histogram *latency,
                              uint64_t commands)
{
    uint64_t counted = 0;
    double q = 0;
    output_printf(out, "\nLatency by percentile distribution:\n");
    while (counted < latency->count) {
        uint64_t value_ns = histogram_quantile(latency, q);
        uint64_t now = histogram_count_at_or_below(latency, value_ns);
        if (now != counted)
            print_share(out, q * 100, value_ns, now * commands);
        counted = now;
        q += pow(0.5, floor(log2(1 / (1 - q))) + 1);
    }
    if (latency->count > 0)
        print_share(out, 100, latency->max_ns, latency->count * commands);
}

/* Steps of 0.1 ms, and of 1 ms above 2 ms; a step that adds nothing is left out. */
static void print_cumulative(struct output *out, const struct histogram *latency, uint64_t commands)
{
    uint64_t counted = UINT64_MAX;
    output_printf(out, "\nCumulative distribution of latencies:\n");
    for (uint64_t edge_ns = NS_PER_MS / 10; latency->count > 0 && counted != latency->count;
         edge_ns += edge_ns > 2 * NS_PER_MS ? NS_PER_MS : NS_PER_MS / 10) {
        bool last = edge_ns > HISTOGRAM_END_NS;
        uint64_t now = last ? latency->count : histogram_count_at_or_below(latency, edge_ns);
        if (now != counted)
            print_share(out, figure_share(now, latency->count) * 100,
                        last ? latency->max_ns : edge_ns, now * commands);
        counted = now;
    }
}

struct summary {
    uint64_t requests;
    double rate, avg, min, p50, p95, p99, max;
};

static double percentile_ms(const struct run_result *result, double percent)
{
    enum interval_histogram_kind kind = figure_latency_kind(result->facts->open_loop);
    return clock_ms(figure_percentile(result->total, kind, percent).value_ns);
}

static struct summary summarise(const struct run_result *result)
{
    const struct histogram *latency = figure_latency(result->total, result->facts->open_loop);
    uint64_t requests = result->total->counters[COUNTER_OK];
    if (result->facts->requests > 0 && requests > result->facts->requests)
        requests = result->facts->requests; /* without those that the warm-up left behind */
    requests *= result->facts->commands;
    return (struct summary){
        .requests = requests,
        .rate = figure_rate(requests, result->seconds),
        .avg = histogram_mean(latency) / NS_PER_MS,
        .min = latency->count > 0 ? clock_ms(latency->min_ns) : 0,
        .p50 = percentile_ms(result, 50),
        .p95 = percentile_ms(result, 95),
        .p99 = percentile_ms(result, 99),
        .max = percentile_ms(result, 100),
    };
}

static void print_report(struct valkey_text *text, const struct run_result *result)
{
    const struct run_facts *run = result->facts;
    const struct histogram *latency = figure_latency(result->total, run->open_loop);
    const struct summary sum = summarise(result);
    struct output *out = &text->out;
    clean_line(text);
    output_printf(out, "====== %s ======\n", PRINTABLE(run->name));
    output_printf(out, "  %" PRIu64 " requests completed in %.2f seconds\n", sum.requests,
                  result->seconds);
    output_printf(out, "  %" PRIu64 " parallel clients\n", run->clients);
    output_printf(out, "  %" PRIu64 " bytes payload\n",
                  text->report.command ? run->request_bytes : run->data_bytes);
    output_printf(out, "  keep alive: %d\n", text->report.keepalive ? 1 : 0);
    print_setting(text, run);
    print_rates(text);
    print_percentiles(out, latency, run->commands);
    print_cumulative(out, latency, run->commands);
    output_printf(out, "\nSummary:\n  throughput summary: %.2f requests per second\n", sum.rate);
    output_printf(out, "  latency summary (msec):\n    %9s %9s %9s %9s %9s %9s\n", "avg", "min",
                  "p50", "p95", "p99", "max");
    output_printf(out, "    %9.3f %9.3f %9.3f %9.3f %9.3f %9.3f\n", sum.avg, sum.min, sum.p50,
                  sum.p95, sum.p99, sum.max);
}

static void print_csv(struct valkey_text *text, const struct run_result *result)
{
    const struct summary sum = summarise(result);
    output_csv_text(&text->out, result->facts->name);
    output_printf(&text->out, ",\"%.2f\",\"%.3f\",\"%.3f\",\"%.3f\",\"%.3f\",\"%.3f\",\"%.3f\"\n",
                  sum.rate, sum.avg, sum.min, sum.p50, sum.p95, sum.p99, sum.max);
}

static void print_quiet(struct valkey_text *text, const struct run_result *result)
{
    const struct summary sum = summarise(result);
    clean_line(text);
    output_printf(&text->out, "%s: %.2f requests per second, p50=%.3f msec\n",
                  PRINTABLE(result->facts->name), sum.rate, sum.p50);
}

/* Of a run that failed there is no report: there the tool has ended by then. */
static enum err_code run_end(void *state, const struct run_result *result, struct err *err)
{
    struct valkey_text *text = state;
    bool failed =
        figure_any_failure(result) || (result->status != OK && result->status != E_INTERRUPTED);
    if (failed || text->report.idle) {
        if (text->report.style != TEXT_CSV)
            output_printf(&text->out, "\n");
    } else if (text->report.style == TEXT_CSV) {
        print_csv(text, result);
    } else if (text->report.style == TEXT_QUIET) {
        print_quiet(text, result);
    } else {
        print_report(text, result);
    }
    return output_status(&text->out, err);
}

static enum err_code session_end(void *state, struct err *err)
{
    struct valkey_text *text = state;
    if (!text->report.command && text->report.style != TEXT_CSV)
        output_printf(&text->out, "\n");
    return output_status(&text->out, err);
}

enum err_code sink_valkey_benchmark(struct sink *sink, FILE *out,
                                    const struct valkey_report *report, struct err *err)
{
    struct valkey_text *text = calloc(1, sizeof *text);
    if (text == NULL)
        return err_set(err, E_SYSTEM, "no memory for the report");
    text->report = *report;
    histogram_init_zeroed(&text->rates);
    output_borrow(&text->out, out);
    *sink = (struct sink){.name = "report",
                          .state = text,
                          .run_begin = run_begin,
                          .interval = interval,
                          .run_end = run_end,
                          .session_end = session_end,
                          .destroy = output_destroy};
    return OK;
}
