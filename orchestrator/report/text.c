/* The report that people read. The layout up to and with the latency distribution is fixed
 * (features 1.19 and 1.21): programs parse it. What volley adds stands in lines of its own. */
#include "orchestrator/report/text.h"

#include "orchestrator/report/buffer_report.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/printable.h"
#include "common/units.h"
#include "orchestrator/report/figures.h"
#include "orchestrator/report/sinks.h"

#define WIDTH_DEFAULT 80u /* where the output is no terminal */

struct text {
    struct output out;
    enum text_style style;
    bool debug;
    bool csv_header_printed;
    uint32_t tests;  /* begun, prefills aside */
    uint32_t blocks; /* printed so far: a blank line stands between two */
    const struct session_facts *session;
    bool open_loop;                /* of the run under way */
    struct spark spark;            /* likewise             */
    const struct repeats *repeats; /* as the last run told; NULL: none */
};

static enum err_code session_begin(void *state, const struct session_facts *session,
                                   struct err *err)
{
    struct text *text = state;
    (void)err;
    text->session = session;
    return OK;
}

static void print_workers_line(struct output *out, const struct run_facts *run)
{
    output_printf(out, "Processes: %" PRIu32, run->worker_count);
    const char *separator = run->worker_count > 1 ? " (CPUs " : " (CPU ";
    if (run->worker_count == 0 || run->worker_cpus[0] < 0) {
        output_printf(out, " (not pinned)\n");
        return;
    }
    for (uint32_t i = 0; i < run->worker_count; i++) {
        output_printf(out, "%s%d", separator, run->worker_cpus[i]);
        separator = ", ";
    }
    output_printf(out, ")\n");
}

static void print_keys_line(struct output *out, const struct run_facts *run)
{
    if (run->one_key)
        output_printf(out, "Keys: the same in every request\n");
    else if (run->keyspace == 0)
        output_printf(out, "Keys: %s\n",
                      run->key_distribution[0] != '\0' ? run->key_distribution
                                                       : "fixed by the command");
    else
        output_printf(out, "Keys: %s, %s\n", UNITS_GROUPED(run->keyspace),
                      run->key_distribution[0] != '\0' ? run->key_distribution
                      : run->keyspace_random           ? "random"
                                                       : "sequential");
}

/* What of the load is not in a number of its own: an open loop's rate, and a ramp of clients. */
static void print_load_lines(struct output *out, const struct run_facts *run)
{
    char after[32];
    if (run->clients_start > 0)
        output_printf(out, "Clients: %s to %s, ramped\n", UNITS_GROUPED(run->clients_start),
                      UNITS_GROUPED(run->clients));
    else
        output_printf(out, "Clients: %s\n", UNITS_GROUPED(run->clients));
    if (run->worker_count > 1)
        output_printf(out, "Clients per process: %s%s\n",
                      UNITS_GROUPED(run->clients / run->worker_count),
                      run->clients % run->worker_count != 0 ? " or one more" : "");
    output_printf(out, "Pipeline: %s\n", UNITS_GROUPED(run->pipeline));
    if (run_facts_have_rate(run))
        output_printf(out, "Rate: %s\n", run->rate_text);
    if (run->shed_after_ns > 0)
        output_printf(out, "Shed after: %s\n",
                      units_format_duration(after, sizeof after, run->shed_after_ns));
}

static void print_warmup_line(struct output *out, const struct run_facts *run)
{
    char duration[32];
    units_format_duration(duration, sizeof duration, run->warmup_ns);
    if (run->steady_auto)
        output_printf(out, "Warm-up: until steady, at most %s\n", duration);
    else if (run->warmup_ns > 0)
        output_printf(out, "Warm-up: %s\n", duration);
}

static enum err_code run_begin(void *state, const struct run_facts *run, struct err *err)
{
    struct text *text = state;
    struct output *out = &text->out;
    char duration[32];
    text->open_loop = run->open_loop;
    spark_begin(&text->spark);
    text->tests += !run->prefill;
    if (text->style != TEXT_REPORT || run->prefill)
        return OK;
    output_printf(out, "%sVolley Benchmark%s\n", text->blocks++ > 0 ? "\n" : "",
                  run->worker_count > 1 ? " (Multi-Process Mode)" : "");
    text_session(out, text->session, run);
    if (run->repetition > 0)
        output_printf(out, "Repetition: %s\n", UNITS_GROUPED(run->repetition));
    output_printf(out, "Target: %s\n", PRINTABLE(run->target));
    text_server(out, text->session);
    print_workers_line(out, run);
    print_load_lines(out, run);
    if (run->requests > 0)
        output_printf(out, "Total Requests: %s\n", UNITS_GROUPED(run->requests));
    if (run->duration_ns > 0)
        output_printf(out, "Duration: %s\n",
                      units_format_duration(duration, sizeof duration, run->duration_ns));
    print_warmup_line(out, run);
    if (run->data_bytes > 0) /* else of many sizes */
        output_printf(out, "Data Size: %s byte%s\n", UNITS_GROUPED(run->data_bytes),
                      run->data_bytes == 1 ? "" : "s");
    print_keys_line(out, run);
    text_run_name(out, text->session, run);
    text_options(out, text->session);
    output_printf(out, "\n");
    return output_status(out, err);
}

static enum err_code interval(void *state, const struct interval_row *row,
                              const struct error_kinds *error_kinds, struct err *err)
{
    struct text *text = state;
    (void)error_kinds;
    (void)err;
    if ((row->header.flags & INTERVAL_WARMUP) == 0)
        spark_add(&text->spark, row, text->open_loop);
    return OK;
}

/* One line of a time: its value, or what can be said instead. */
static void print_time(struct output *out, const struct metric_slice *slice, const char *caption,
                       enum metric_statistic_kind kind, double percent)
{
    const struct metric_statistic statistic = {"", kind, percent};
    struct metric_value time = metric_read(slice, METRIC_RESPONSE_TIME, &statistic);
    output_printf(out, "%s: %s%s%s\n", caption, time.censored && !time.known ? ">= " : "",
                  TEXT_MS(time.number), time.few_samples ? " (few samples)" : "");
}

/* What the figures above are of, and what of them those leave unknown that got no reply. */
static void print_what_of(struct output *out, const struct run_result *result)
{
    enum interval_histogram_kind kind = figure_latency_kind(result->facts->open_loop);
    const struct interval_row *total = result->total;
    const uint64_t answered = metric_total(result, METRIC_RESPONSE_TIME);
    const uint64_t without = metric_total(result, METRIC_OK_WITHOUT_LATENCY);
    const uint64_t unanswered = figure_unanswered_count(total, kind);
    const struct histogram *waits = figure_unanswered(total, kind);
    if (answered > 0)
        output_printf(
            out,
            "Minimum, average, maximum and the distribution are of the %s answered without "
            "an error.\n",
            UNITS_GROUPED(answered));
    if (without > 0)
        output_printf(out,
                      "%s%s answered without an error have no latency here: it was lost with a "
                      "worker that was killed. No figure of latencies counts them.\n",
                      UNITS_GROUPED(without), answered > 0 ? " more" : "");
    if (unanswered == 0)
        return;
    output_printf(out, "%s%s had no reply or were never sent; ", UNITS_GROUPED(unanswered),
                  answered + without > 0 ? " more" : "");
    if (waits->count == 0)
        output_printf(out, "how long they had waited is not known. ");
    else
        output_printf(out, "the longest had waited %s ms%s. ", TEXT_MS((double)waits->max_ns),
                      waits->count < unanswered ? ", as far as it is known" : "");
    output_printf(out, "The percentiles count them; the average of all is at least %s ms.\n",
                  TEXT_MS((double)figure_mean(total, kind).value_ns));
}

/* "99.9" -> "99.9th", "1" -> "1st". Returns text; 32 bytes are enough. */
static char *ordinal_of(char *text, size_t text_bytes, double percent)
{
    const char *ending = "th";
    if (percent == floor(percent)) {
        unsigned whole = (unsigned)percent;
        unsigned last = whole % 10;
        if (whole / 10 % 10 != 1 && last >= 1 && last <= 3)
            ending = last == 1 ? "st" : last == 2 ? "nd" : "rd";
    }
    snprintf(text, text_bytes, "%.10g%s", percent, ending);
    return text;
}

static void print_latency(struct output *out, const struct run_result *result)
{
    const struct metric_slice slice = metric_slice_of_run(result);
    output_printf(out, "\nLatency Statistics (ms):\n=====================\n");
    print_time(out, &slice, "Minimum", STATISTIC_MIN, 0);
    print_time(out, &slice, "Average", STATISTIC_MEAN, 0);
    print_time(out, &slice, "Maximum", STATISTIC_MAX, 0);
    for (uint32_t i = 0; i < result->percentile_count; i++) {
        double percent = result->percentiles[i];
        char ordinal[32], caption[64];
        if (percent == 50 || percent == 100)
            snprintf(caption, sizeof caption, percent == 50 ? "Median (p50)" : "Longest (p100)");
        else
            snprintf(caption, sizeof caption, "%s percentile",
                     ordinal_of(ordinal, sizeof ordinal, percent));
        print_time(out, &slice, caption, STATISTIC_PERCENTILE, percent);
    }
    output_printf(out, "%s\n", text_what_latency_is(result->facts));
    print_what_of(out, result);
}

static uint64_t edge_of(double edge_ms)
{
    return (uint64_t)(edge_ms * NS_PER_MS + 0.5);
}

static void print_distribution(struct output *out, const struct histogram *latency)
{
    static const double edges_ms[] = {0.1, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000};
    uint64_t below = 0;
    size_t rows = sizeof edges_ms / sizeof edges_ms[0];
    while (rows > 1 &&
           histogram_count_at_or_below(latency, edge_of(edges_ms[rows - 2])) == latency->count)
        rows--; /* below the last row that counts anything */
    output_printf(out, "\nLatency Distribution:\n====================\n"
                       "(each row counts what the rows above do not)\n");
    for (size_t i = 0; i < rows; i++) {
        uint64_t at_or_below = histogram_count_at_or_below(latency, edge_of(edges_ms[i]));
        uint64_t count = at_or_below - below;
        below = at_or_below;
        output_printf(out, "<= %s ms: %.2f%% (%s requests)\n", UNITS_REAL(edges_ms[i], 1),
                      figure_share(count, latency->count) * 100, UNITS_GROUPED(count));
    }
    if (latency->count > below)
        output_printf(out, "> 1,000 ms: %.2f%% (%s requests)\n",
                      figure_share(latency->count - below, latency->count) * 100,
                      UNITS_GROUPED(latency->count - below));
}

/* What followed other requests: misses are meant to be then. False: nothing did. */
static bool print_follow_ups(struct output *out, const struct metric_slice *slice)
{
    const uint64_t sent = metric_count(slice, METRIC_FOLLOW_UPS);
    const uint64_t errors = metric_count(slice, METRIC_FOLLOW_UPS_ERRORS);
    const uint64_t unanswered = metric_count(slice, METRIC_FOLLOW_UPS_TIMED_OUT) +
                                metric_count(slice, METRIC_FOLLOW_UPS_LOST);
    if (sent == 0)
        return false;
    output_printf(out, "Follow-ups: %s, which count in no other number", UNITS_GROUPED(sent));
    if (errors + unanswered > 0)
        output_printf(out, " (%s errors, %s unanswered)", UNITS_GROUPED(errors),
                      UNITS_GROUPED(unanswered));
    output_printf(out, "\n");
    return true;
}

static void print_traffic(struct output *out, const struct run_result *result)
{
    const struct metric_slice slice = metric_slice_of_run(result);
    uint64_t hits = metric_count(&slice, METRIC_HITS), missed = metric_count(&slice, METRIC_MISSES);
    double out_rate = figure_rate(metric_count(&slice, METRIC_BYTES_OUT), result->seconds);
    double in_rate = figure_rate(metric_count(&slice, METRIC_BYTES_IN), result->seconds);
    double share = figure_share(missed, hits + missed);
    output_printf(out, "\nTraffic:\n=======\nOut: %s MB/s\nIn: %s MB/s\n",
                  UNITS_REAL(out_rate / BYTES_PER_MB, 2), UNITS_REAL(in_rate / BYTES_PER_MB, 2));
    if (result->facts->tracking)
        text_count(out, "Invalidations", metric_count(&slice, METRIC_INVALIDATIONS));
    text_walks(out, &slice);
    if (!result->facts->reads)
        return;
    text_count(out, "Hits", hits);
    output_printf(out, "Misses: %s (%.2f%%)\n", UNITS_GROUPED(missed), share * 100);
    if (print_follow_ups(out, &slice) || result->facts->awaits)
        return;
    if (share > 0.01)
        output_printf(out,
                      "Warning: more than 1%% of the keys were not there: the reads measure a "
                      "server that finds nothing%s\n",
                      result->facts->no_prefill ? "" : "; write the keys first with --prefill");
}

/* Nothing when none of the causes is known. */
static void print_causes(struct output *out, const struct metric_slice *slice, enum metric_id first,
                         enum metric_id last)
{
    const char *separator = "  of them: ";
    for (enum metric_id id = first; id <= last; id++)
        separator = text_part(out, separator, metric_table[id].label, metric_count(slice, id));
    if (separator[0] == ',')
        output_printf(out, "\n");
}

static void print_failures(struct output *out, const struct run_result *result)
{
    const struct metric_slice slice = metric_slice_of_run(result);
    uint64_t lost = metric_count(&slice, METRIC_CONNECTIONS_LOST);
    uint64_t refused = metric_count(&slice, METRIC_CONNECTIONS_FAILED);
    if (metric_count(&slice, METRIC_FAILED) == 0 && lost == 0 && refused == 0)
        return;
    output_printf(out, "\nErrors:\n======\n");
    for (uint32_t i = 0; i < result->error_kinds->count; i++) {
        const struct ipc_error_kind *kind = &result->error_kinds->kinds[i];
        if (result->total->errors_by_kind[i] > 0)
            output_printf(out, "%s: %s (first: %s)\n", PRINTABLE(kind->word),
                          UNITS_GROUPED(result->total->errors_by_kind[i]), PRINTABLE(kind->text));
    }
    text_closing_words(out, result->error_kinds);
    if (metric_count(&slice, METRIC_TIMED_OUT) > 0)
        text_count(out, "timed out", metric_count(&slice, METRIC_TIMED_OUT));
    for (enum metric_id id = METRIC_LOST_TIMEOUT; id <= METRIC_LOST_WORKER; id++)
        if (metric_count(&slice, id) > 0)
            output_printf(out, "lost (%s): %s\n", metric_key(id),
                          UNITS_GROUPED(metric_count(&slice, id)));
    if (lost > 0) { /* the first connections were opened before the first interval */
        output_printf(out, "connections lost: %s, reconnects: %s\n", UNITS_GROUPED(lost),
                      UNITS_GROUPED(metric_count(&slice, METRIC_CONNECTIONS_OPENED)));
        print_causes(out, &slice, METRIC_CONNECTIONS_RESET, METRIC_CONNECTIONS_PROTOCOL);
    }
    if (refused > 0) {
        text_count(out, "failed connection attempts", refused);
        print_causes(out, &slice, METRIC_CONNECT_REFUSED, METRIC_CONNECT_TLS);
    }
}

/* "<= 4.1"; "-" when it is not known. */
static const char *at_most(char text[24], double bound_us)
{
    if (bound_us < 0)
        return "-";
    snprintf(text, 24, "<= %.1f", bound_us);
    return text;
}

static void print_server_times(struct output *out, const struct server_account *server)
{
    char p50[24], p99[24], p99_9[24];
    if (!server->known || server->time_count == 0)
        return;
    output_printf(out, "\nServer's Own Time (us):\n======================\n");
    for (uint32_t i = 0; i < server->time_count; i++) {
        const struct server_time *time = &server->times[i];
        output_printf(out, "%-12s %s calls, average %.2f, p50 %s, p99 %s, p99.9 %s\n",
                      PRINTABLE(time->command), UNITS_GROUPED(time->calls), time->mean_us,
                      at_most(p50, time->p50_us), at_most(p99, time->p99_us),
                      at_most(p99_9, time->p99_9_us));
    }
    if (server->evicted_keys + server->expired_keys > 0)
        output_printf(out, "Keys evicted: %s, expired: %s\n", UNITS_GROUPED(server->evicted_keys),
                      UNITS_GROUPED(server->expired_keys));
    output_printf(out, "(by the server's counters, the warm-up included: the rest of a latency is "
                       "waiting, network and client)\n");
}

static void print_checks(struct output *out, const struct run_result *result)
{
    char seen[OBJECTIVE_READING_BYTES];
    if (result->check_count > 0)
        output_printf(out, "\nChecks:\n=======\n");
    for (uint32_t i = 0; i < result->check_count; i++) {
        const struct objective *check = &result->facts->session->checks->items[i];
        output_printf(out, "%-8s %-20s %s\n", result->checks[i].kept ? "kept" : "NOT KEPT",
                      check->text,
                      objective_format_reading(seen, sizeof seen, check, &result->checks[i]));
    }
}

static void print_verdict(struct output *out, const struct verdict *verdict)
{
    uint32_t judged = 0; /* those of another version are not */
    for (uint32_t i = 0; i < verdict->check_count; i++)
        judged += verdict_knows(verdict->checks[i].name);
    output_printf(out, "\nVerdict: %s\n=======\n", verdict_level_name(verdict->level));
    if (verdict->level == VERDICT_GREEN)
        output_printf(out, "all %" PRIu32 " checks passed\n", judged);
    for (uint32_t i = 0; i < verdict->check_count; i++) {
        const struct verdict_check *check = &verdict->checks[i];
        if (check->level != VERDICT_GREEN || check->note)
            output_printf(out, "%s %s   %s   (limit: %s)\n      %s\n",
                          check->note ? "note " : verdict_level_name(check->level), check->name,
                          check->text, check->limit, check->advice);
    }
}

/* The length of a warm-up that ends by itself is known only afterwards. */
static void print_warmup_result(struct output *out, const struct run_result *result)
{
    char duration[32];
    if (!result->facts->steady_auto || !(result->seconds > 0)) /* or the run ended in it */
        return;
    output_printf(out, "Warm-up ended after: %s, %s\n",
                  units_format_duration(duration, sizeof duration, result->facts->warmup_ns),
                  result->evidence.never_steady ? "not steady" : "steady");
}

/* A change of the load takes no time and does not fail. */
static void print_note(struct output *out, const struct note *note, double at_seconds)
{
    char told[NOTE_TOLD_BYTES];
    output_printf(out, "  at %s s: %s", UNITS_REAL(at_seconds, 3),
                  PRINTABLE(note_told(told, note)));
    if (note->source == NOTE_CHAOS)
        output_printf(out, ": %s after %s s%s%s", note->ok ? "done" : "failed",
                      TEXT_SECONDS(note->end_ns - note->at_ns), note->ok ? "" : ": ",
                      PRINTABLE(note->cause));
    output_printf(out, "\n");
}

/* Times count from the start of measuring, as they do in the file of actions. */
static void print_notes(struct output *out, const struct run_result *result,
                        enum note_source source, const char *caption)
{
    const struct run_notes *notes = result->notes;
    uint64_t shown = 0;
    if (notes->all[source] > 0)
        output_printf(out, "\n%s:\n", caption);
    for (uint32_t i = 0; i < notes->count; i++) {
        const struct note *note = &notes->items[i];
        if (note->source != source)
            continue;
        print_note(out, note,
                   ((double)note->at_ns - (double)result->facts->warmup_ns) / NS_PER_SECOND);
        shown++;
    }
    if (notes->all[source] > shown)
        output_printf(out, "  and %s more\n", UNITS_GROUPED(notes->all[source] - shown));
}

static unsigned width_of(const struct output *out)
{
    const unsigned columns = output_columns(out);
    return columns > 0 ? columns : WIDTH_DEFAULT;
}

static void print_status(struct output *out, const struct run_result *result)
{
    if ((result->status != OK || result->stopped) && result->status_text[0] != '\0')
        output_printf(out, "Status: %s\n", PRINTABLE(result->status_text));
}

static void print_report(struct text *text, const struct run_result *result)
{
    struct output *out = &text->out;
    const struct metric_slice slice = metric_slice_of_run(result);
    const struct histogram *latency = figure_latency(result->total, result->facts->open_loop);
    double rate = metric_read(&slice, METRIC_ACHIEVED_RATE, NULL).number;
    output_printf(out, "Final Results:\n=============\n");
    output_printf(out, "Total time: %s seconds\n", UNITS_REAL(result->seconds, 2));
    text_count(out, "Requests completed", metric_count(&slice, METRIC_OK));
    output_printf(out, "Requests per second: %s\n", UNITS_REAL(rate, 2));
    if (run_facts_have_messages(result->facts))
        output_printf(out, "Messages per minute: %s\n", UNITS_REAL(rate * 60, 0));
    if (result->facts->commands > 1)
        output_printf(out, "Commands per second: %s (%s in each request)\n",
                      UNITS_REAL(rate * (double)result->facts->commands, 2),
                      UNITS_GROUPED(result->facts->commands));
    text_count(out, "Total errors", metric_count(&slice, METRIC_FAILED));
    if (run_facts_have_rate(result->facts) && result->seconds > 0 && figure_schedule_known(result))
        text_rate(out, result);
    print_warmup_result(out, result);
    if (result->interrupted)
        output_printf(out, "Interrupted: the run was stopped before its end\n");
    if (result->stopped)
        output_printf(out, "Stopped: %s, before its end\n", note_by_phrase(result->stopped_by));
    print_status(out, result);
    if (latency->count > 0) {
        print_latency(out, result);
        if (result->facts->open_loop)
            text_times(out, result);
        print_distribution(out, latency);
        spark_print(out, &text->spark, width_of(out), spark_wants_ascii());
    } else if (!(result->seconds > 0)) {
        output_printf(out, "\nnothing was measured: the run ended before measuring began\n");
    } else {
        output_printf(out, "\n%sthere are no latencies\n",
                      metric_count(&slice, METRIC_OK) == 0 ? "no request succeeded: " : "");
        print_what_of(out, result);
    }
    text_lanes(out, result);
    text_buffer(out, result);
    const struct checked_reads reads = {metric_total(result, METRIC_VERIFIED),
                                        metric_total(result, METRIC_UNVERIFIED)};
    text_checked(out, &result->checked, &reads);
    text_drawn(out, &result->drawn);
    print_traffic(out, result);
    print_server_times(out, &result->server);
    text_connections(out, result);
    text_nodes(out, result);
    print_failures(out, result);
    text_failures(out, result);
    print_notes(out, result, NOTE_CHAOS, "Done to the target");
    print_notes(out, result, NOTE_CTL, "Changes of the load");
    print_notes(out, result, NOTE_HAND, "Notes");
    text_scraped(out, result->scraped);
    print_notes(out, result, NOTE_ALERT, "Alerts");
    text_extended(out, text->session, result);
    if (text->debug) {
        if (latency->count > 0)
            text_spectrum(out, latency);
        text_workers(out, result);
    }
    print_checks(out, result);
    print_verdict(out, &result->verdict);
}

static void print_prefill(struct text *text, const struct run_result *result)
{
    const struct metric_slice slice = metric_slice_of_run(result);
    uint64_t failed = metric_count(&slice, METRIC_FAILED);
    output_printf(&text->out, "%sPrefill for %s: %s requests of %s in %s s (%s per second)",
                  text->blocks++ > 0 ? "\n" : "", PRINTABLE(result->facts->prefill_for),
                  UNITS_GROUPED(metric_count(&slice, METRIC_OK)), PRINTABLE(result->facts->name),
                  UNITS_REAL(result->seconds, 2),
                  UNITS_REAL(metric_read(&slice, METRIC_ACHIEVED_RATE, NULL).number, 0));
    if (failed > 0)
        output_printf(&text->out, ", %s failed", UNITS_GROUPED(failed));
    if (result->interrupted || result->stopped)
        output_printf(&text->out, ", %s%s", result->interrupted ? "interrupted" : "stopped ",
                      result->interrupted ? "" : note_by_phrase(result->stopped_by));
    output_printf(&text->out, "\n");
    print_status(&text->out, result);
}

static void print_quiet(struct text *text, const struct run_result *result)
{
    const struct metric_slice slice = metric_slice_of_run(result);
    struct metric_value median = metric_percentile(&slice, METRIC_RESPONSE_TIME, 50);
    output_printf(&text->out, "%s: %.2f requests per second, ", PRINTABLE(result->facts->name),
                  metric_read(&slice, METRIC_ACHIEVED_RATE, NULL).number);
    if (!median.known && !median.censored)
        output_printf(&text->out, "p50 unknown\n");
    else
        output_printf(&text->out, "p50%s%.3f msec\n", median.censored ? ">=" : "=",
                      median.number / NS_PER_MS);
}

/* What is not known leaves its cell empty. */
static void print_csv(struct text *text, const struct run_result *result)
{
    static const struct metric_statistic columns[] = {
        {"avg", STATISTIC_MEAN, 0},        {"min", STATISTIC_MIN, 0},
        {"p50", STATISTIC_PERCENTILE, 50}, {"p95", STATISTIC_PERCENTILE, 95},
        {"p99", STATISTIC_PERCENTILE, 99}, {"max", STATISTIC_MAX, 0}};
    const struct metric_slice slice = metric_slice_of_run(result);
    struct output *out = &text->out;
    if (!text->csv_header_printed)
        output_printf(out, TEXT_CSV_HEAD);
    text->csv_header_printed = true;
    output_csv_text(out, result->facts->name);
    output_printf(out, ",\"%.2f\"", metric_read(&slice, METRIC_ACHIEVED_RATE, NULL).number);
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
        struct metric_value time = metric_read(&slice, METRIC_RESPONSE_TIME, &columns[i]);
        if (time.known)
            output_printf(out, ",\"%.3f\"", time.number / NS_PER_MS);
        else
            output_printf(out, ",\"\"");
    }
    output_printf(out, "\n");
}

static enum err_code run_end(void *state, const struct run_result *result, struct err *err)
{
    struct text *text = state;
    text->repeats = result->repeats;
    if (result->facts->prefill) {
        if (text->style == TEXT_REPORT)
            print_prefill(text, result);
    } else if (text->style == TEXT_QUIET) {
        print_quiet(text, result);
    } else if (text->style == TEXT_CSV) {
        print_csv(text, result);
    } else {
        print_report(text, result);
    }
    return output_status(&text->out, err);
}

/* What was asked for and is not above. */
/* "51,234.07 +- 1,200.00"; "unknown" when not every run knew it. */
static char *format_repeat(char text[64], const struct repeat_test *test, uint32_t index,
                           int decimals, double unit)
{
    const struct repeat_figure *figure = &test->figures[index];
    const double half = repeat_half_width(figure);
    if (!repeat_is_known(test, index))
        snprintf(text, 64, "unknown");
    else if (half < 0)
        snprintf(text, 64, "%s", UNITS_REAL(figure->mean / unit, decimals));
    else
        snprintf(text, 64, "%s +- %s", UNITS_REAL(figure->mean / unit, decimals),
                 UNITS_REAL(half / unit, decimals));
    return text;
}

/* A row of means in the columns of the runs; of minima and maxima there is none. */
static void print_csv_means(struct output *out, const struct repeat_test *test)
{
    enum { NO_MEAN = REPEAT_FIGURES };
    static const uint32_t columns[] = {0, 1, NO_MEAN, 2, 3, 4, NO_MEAN};
    char name[sizeof test->name + 32];
    snprintf(name, sizeof name, "%s, mean of %" PRIu32 " runs", test->name, test->runs);
    output_csv_text(out, name);
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++)
        if (columns[i] == NO_MEAN || !repeat_is_known(test, columns[i]))
            output_printf(out, ",\"\"");
        else
            output_printf(out, columns[i] == 0 ? ",\"%.2f\"" : ",\"%.3f\"",
                          test->figures[columns[i]].mean / (columns[i] == 0 ? 1 : 1e3));
    output_printf(out, "\n");
}

/* The means of what was repeated; latencies in ms. */
static void print_repeats(struct text *text)
{
    struct output *out = &text->out;
    char figure[64];
    if (text->repeats == NULL || text->repeats->count == 0)
        return;
    if (text->style == TEXT_REPORT)
        output_printf(out, "\nRepeated runs: means, and the half width of their 95 %% confidence "
                           "interval\n=============\n");
    for (uint32_t i = 0; i < text->repeats->count; i++) {
        const struct repeat_test *test = &text->repeats->tests[i];
        if (text->style == TEXT_CSV) {
            print_csv_means(out, test);
            continue;
        }
        output_printf(out, "%s: %" PRIu32 " run%s", PRINTABLE(test->name), test->runs,
                      test->runs == 1 ? "" : "s");
        if (test->left_out > 0)
            output_printf(out, " (%" PRIu32 " that failed or ended early left out)",
                          test->left_out);
        output_printf(out, ", %s requests per second", format_repeat(figure, test, 0, 2, 1));
        for (uint32_t k = 1; k < REPEAT_FIGURES; k++) {
            output_printf(out, "%s%s %s ms", text->style == TEXT_REPORT ? "\n  " : ", ",
                          repeat_figure_label(k), format_repeat(figure, test, k, 3, 1e3));
        }
        output_printf(out, "\n");
    }
}

static enum err_code session_end(void *state, struct err *err)
{
    struct text *text = state;
    size_t index;
    json_t *title, *missing;
    if (text->session == NULL)
        return OK;
    print_repeats(text);
    missing = session_not_run(text->session, text->tests);
    json_array_foreach(missing, index, title)
    {
        const char *name = json_string_value(title);
        if (text->style == TEXT_REPORT)
            output_printf(&text->out, "%sNot run: %s, the session ended before\n",
                          index == 0 ? "\n" : "", PRINTABLE(name));
        else
            log_line(LOG_WARNING, "not run: %s, the session ended before", name);
    }
    json_decref(missing);
    return output_status(&text->out, err);
}

enum err_code sink_text(struct sink *sink, FILE *out, enum text_style style, bool debug,
                        struct err *err)
{
    static const char *const names[] = {
        [TEXT_REPORT] = "text report", [TEXT_QUIET] = "result line", [TEXT_CSV] = "CSV"};
    struct text *text = calloc(1, sizeof *text);
    if (text == NULL)
        return err_set(err, E_SYSTEM, "no memory for the text report");
    output_borrow(&text->out, out);
    text->out.plain = true;
    text->style = style;
    text->debug = debug;
    *sink = (struct sink){.name = names[style],
                          .state = text,
                          .session_begin = session_begin,
                          .run_begin = run_begin,
                          .interval = interval,
                          .run_end = run_end,
                          .session_end = session_end,
                          .destroy = output_destroy};
    return OK;
}
