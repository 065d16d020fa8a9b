/* `volley latency-history -i 1`: the latency of a server, a line every so many seconds, as redis-cli --latency-history has it. */
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/printable.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/commands/frame.h"
#include "orchestrator/commands/interrupts.h"
#include "orchestrator/commands/watch_targets.h"
#include "orchestrator/options/bench_groups.h"
#include "orchestrator/report/output.h"
#include "orchestrator/watch/latency_probe.h"

#define DAY_NS (24 * 3600 * NS_PER_SECOND)
#define LOOK_NS (100 * NS_PER_MS) /* at interrupts */
#define PROBE_RATE_MOST 10000
#define CSV_HEAD                                                                                   \
    "at_ms,seconds,samples,unanswered,min_ms,avg_ms,p50_ms,p95_ms,p99_ms,p99_9_ms,max_ms\n"

struct history_request {
    struct bench_request bench; /* first: its options fit */
    struct command_words words;
    uint64_t interval_ns, duration_ns;
    double probe_rate;
    const char *csv_path;

    struct watch_targets targets;
    struct event_base *base;
    struct event *timer;
    struct latency_probe *probe;
    struct output csv, out;
    const volatile int *interrupted;
    uint64_t start_ns, next_ns;
    uint64_t answered; /* PINGs */
};

#define AT(member) offsetof(struct history_request, member)
/* clang-format off: a row reads best as a few short lines */
static const struct option_row own_rows[] = {
    {ROW("interval", "i", OPTION_DURATION, "TIME", AT(interval_ns)), .section = "Latency",
     BARE(NS_PER_SECOND, 100 * NS_PER_MS, DAY_NS), .unset = "15s",
     .help = "A line every so long; a bare number is seconds."},
    {ROW("probe-rate", NULL, OPTION_REAL, "N", AT(probe_rate)), .section = "Latency",
     REAL(0.1, PROBE_RATE_MOST), .unset = "100",
     .help = "PINGs a second, at even distances whatever the server answers."},
    {ROW("duration", NULL, OPTION_DURATION, "TIME", AT(duration_ns)), .section = "Latency",
     BARE(NS_PER_SECOND, 0, 3650 * DAY_NS),
     .help =
         "End after so long; a bare number is seconds. 0, the default: with Ctrl+C or SIGTERM."},
    {ROW("csv", NULL, OPTION_TEXT, "FILE", AT(csv_path)), .section = "Latency", .needs_trust = true,
     .help = "Write the lines as CSV with percentiles, too; - is standard output, in place of the "
             "lines."},
    {ROW("help", NULL, OPTION_FLAG, NULL, AT(bench.help)), .command_line_only = true,
     .section = "Other", .help = "This text."},
};
/* clang-format on */
#undef AT

const struct option_table *latency_history_option_table(void)
{
    static struct option_row rows[OPTION_TABLE_ROWS_MAX];
    static struct option_table table = {
        .command = "latency-history",
        .usage = "volley latency-history [OPTIONS] [TARGET]",
        .synopsis =
            "Measures how long a server takes for PING, and says so every --interval, beside a "
            "load or without one. PINGs have their times: one that has to wait for the one before "
            "counts from its own. A server that does not answer is told, and tried again. Without "
            "a TARGET it is that of --host and --port.",
        .takes_command = true,
        .takes_uris = true,
    };
    static const struct option_group own = GROUP(NULL, 0, own_rows);
    endpoint_table_fill(&table, rows, OF_MONITOR, &own);
    return &table;
}

static void print_line(struct history_request *request, const struct interval_row *row)
{
    const struct histogram *times = &row->histograms[HISTOGRAM_RESPONSE_OK];
    const double seconds = clock_seconds(row->header.end_ns - row->header.start_ns);
    const uint64_t unanswered = latency_row_unanswered(row);
    struct output *out = &request->out;
    if (times->count == 0)
        output_printf(out, "no answer (0 samples, %llu unanswered) -- %.2f seconds range\n",
                      (unsigned long long)unanswered, seconds);
    else
        output_printf(out,
                      "min: %.3f, max: %.3f, avg: %.3f (%llu samples%s) -- %.2f seconds range\n",
                      clock_ms(times->min_ns), clock_ms(times->max_ns),
                      histogram_mean(times) / NS_PER_MS, (unsigned long long)times->count,
                      unanswered > 0 ? ", and some unanswered" : "", seconds);
    (void)fflush(out->file);
}

static void write_csv(struct history_request *request, const struct interval_row *row)
{
    static const double percentiles[] = {0.5, 0.95, 0.99, 0.999};
    const struct histogram *times = &row->histograms[HISTOGRAM_RESPONSE_OK];
    struct output *csv = &request->csv;
    output_printf(csv, "%llu,%.3f,%llu,%llu,", (unsigned long long)(clock_wall_ns() / NS_PER_MS),
                  clock_seconds(row->header.end_ns - row->header.start_ns),
                  (unsigned long long)times->count,
                  (unsigned long long)latency_row_unanswered(row));
    if (times->count == 0) {
        output_printf(csv, ",,,,,,\n");
        return;
    }
    output_printf(csv, "%.6f,%.6f", clock_ms(times->min_ns), histogram_mean(times) / NS_PER_MS);
    for (size_t i = 0; i < sizeof percentiles / sizeof percentiles[0]; i++)
        output_printf(csv, ",%.6f", clock_ms(histogram_quantile(times, percentiles[i])));
    output_printf(csv, ",%.6f\n", clock_ms(times->max_ns));
    if (csv->terminal)
        (void)fflush(csv->file);
}

static void tell(struct history_request *request, uint64_t now_ns, bool last)
{
    const struct interval_row *row = latency_probe_cut(request->probe, now_ns, last);
    request->answered += row->counters[COUNTER_OK];
    if (last && row->header.end_ns - row->header.start_ns < request->interval_ns / 2 &&
        row->header.start_ns > 0)
        return;
    if (request->csv_path == NULL || !output_is_stdout(request->csv_path))
        print_line(request, row);
    if (request->csv_path != NULL)
        write_csv(request, row);
}

static void on_timer(evutil_socket_t fd, short what, void *argument)
{
    struct history_request *request = argument;
    const uint64_t now_ns = clock_now_ns();
    const bool over =
        *request->interrupted > 0 || request->out.gone ||
        (request->duration_ns > 0 && now_ns >= request->start_ns + request->duration_ns);
    (void)fd;
    (void)what;
    if (over || now_ns >= request->next_ns) {
        tell(request, now_ns, over);
        while (request->next_ns <= now_ns)
            request->next_ns += request->interval_ns;
    }
    const uint64_t wait_ns = request->next_ns - now_ns;
    const struct timeval delay = {
        .tv_usec = (suseconds_t)((wait_ns < LOOK_NS ? wait_ns : LOOK_NS) / NS_PER_US)};
    if (over || event_add(request->timer, &delay) != 0)
        (void)event_base_loopbreak(request->base);
}

static enum err_code measure(struct history_request *request, struct err *err)
{
    const struct watch_target *target = &request->targets.items[0];
    request->base = event_base_new();
    request->timer = request->base != NULL ? evtimer_new(request->base, on_timer, request) : NULL;
    if (request->timer == NULL)
        return err_set(err, E_SYSTEM, "no memory for the measurement");
    request->start_ns = clock_now_ns();
    request->next_ns = request->start_ns + request->interval_ns;
    const struct latency_probe_setup setup = {
        .target = &target->address,
        .tls = target->endpoint.tls_client,
        .endpoint = &target->endpoint,
        .period_ns = (uint64_t)((double)NS_PER_SECOND / request->probe_rate),
        .start_ns = request->start_ns};
    if (latency_probe_start(&request->probe, request->base, &setup, err) != OK)
        return err->code;
    on_timer(-1, 0, request);
    (void)event_base_dispatch(request->base);
    return request->answered > 0
               ? OK
               : err_set(err, E_CONNECT,
                         "%.150s has answered no PING in %.1f s: is it running there, and does it "
                         "let this user in?",
                         PRINTABLE(target->address.text),
                         clock_seconds(clock_now_ns() - request->start_ns));
}

static enum err_code run(void *target, struct err *err)
{
    struct history_request *request = target;
    request->interrupted = &interrupts_install()->count;
    output_borrow(&request->out, stdout);
    enum err_code code = watch_targets_find(&request->targets, &request->bench, &request->words,
                                            request->interrupted, err);
    if (code == OK && request->targets.count != 1)
        code = err_set(err, E_USAGE, "the latency of one server is measured; name one");
    if (code == OK && request->csv_path != NULL)
        code = output_create(&request->csv, request->csv_path, OUTPUT_NAMED, err);
    if (code == OK && request->csv_path != NULL)
        output_printf(&request->csv, CSV_HEAD);
    if (code == OK)
        code = measure(request, err);
    if (request->probe == NULL || request->csv_path == NULL)
        return code;
    const enum err_code kept = output_commit(&request->csv, err); /* also where nothing answered */
    return code == OK ? kept : code;
}

static void destroy(void *target)
{
    struct history_request *request = target;
    latency_probe_stop(request->probe);
    if (request->timer != NULL)
        event_free(request->timer);
    if (request->base != NULL)
        event_base_free(request->base);
    output_discard(&request->csv);
    watch_targets_free(&request->targets);
    bench_options_free(&request->bench);
}

int command_latency_history(int argc, const char *const *argv)
{
    const struct command_frame frame = {.table = latency_history_option_table(),
                                        .words_everywhere = true,
                                        .run = run,
                                        .destroy = destroy};
    return command_frame_run_bench(&frame, sizeof(struct history_request),
                                   offsetof(struct history_request, words), argc, argv);
}
