#include "orchestrator/report/progress.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/printable.h"
#include "common/units.h"
#include "orchestrator/report/figures.h"

enum err_code progress_init(struct progress *progress, FILE *out, bool named, struct err *err)
{
    *progress = (struct progress){.line = live_line_on(out), .named = named};
    progress->window = interval_row_create();
    if (progress->window == NULL)
        return err_set(err, E_SYSTEM, "no memory for the progress line");
    return OK;
}

static enum err_code run_begin(void *state, const struct run_facts *run, struct err *err)
{
    struct progress *progress = state;
    (void)err;
    *progress = (struct progress){.line = progress->line,
                                  .named = progress->named,
                                  .run = run,
                                  .window = progress->window,
                                  .target = -1};
    interval_row_reset(progress->window);
    if (run->prefill)
        snprintf(progress->prefix, sizeof progress->prefix, "Prefill for %.60s ", run->prefill_for);
    else if (progress->named)
        snprintf(progress->prefix, sizeof progress->prefix, "%.60s ", run->name);
    printable_line(progress->prefix);
    return OK;
}

static enum err_code interval(void *state, const struct interval_row *row,
                              const struct error_kinds *error_kinds, struct err *err)
{
    struct progress *progress = state;
    (void)error_kinds;
    (void)err;
    interval_row_add(progress->window, row);
    progress->window_row_ns += row->header.end_ns - row->header.start_ns;
    progress->backlog = row->header.backlog_after;
    progress->shed += counters_shed(row->counters);
    if (row->header.flags & INTERVAL_WARMUP)
        progress->warmup_answered += figure_answered(row->counters);
    if (row->header.flags & INTERVAL_WARMUP)
        progress->warmup_ok += row->counters[COUNTER_OK];
    else
        progress->due += row->counters[COUNTER_DUE];
    return OK;
}

/* "1,230.5" */
static char *format_rate(char *text, size_t text_bytes, double rate)
{
    uint64_t tenths = (uint64_t)(rate * 10 + 0.5);
    snprintf(text, text_bytes, "%s.%u", UNITS_GROUPED(tenths / 10), (unsigned)(tenths % 10));
    return text;
}

/* "1,234/100,000 (1.2%)" of a run with -n; "1,234 (15.0%)", of its time, of one with a duration; and
 * the share alone. */
static void format_done(char *text, size_t text_bytes, char *share_text, size_t share_bytes,
                        const struct run_facts *run, uint64_t measured_ns, uint64_t completed)
{
    char done[UNITS_GROUPED_BYTES];
    double share = run->duration_ns > 0 ? figure_share(measured_ns, run->duration_ns)
                                        : figure_share(completed, run->requests);
    snprintf(share_text, share_bytes, "%.1f%%", share < 1 ? share * 100 : 100.0);
    units_format_grouped(done, sizeof done, completed);
    if (run->duration_ns > 0)
        snprintf(text, text_bytes, "%s (%s)", done, share_text);
    else
        snprintf(text, text_bytes, "%s/%s (%s)", done, UNITS_GROUPED(run->requests), share_text);
}

/* ", 1 m 40 s left" of what a prefill writes, at its rate so far; nothing before the first answer, or of a test. */
static void format_left(char *text, size_t text_bytes, const struct run_facts *run,
                        uint64_t elapsed_ns, uint64_t answered)
{
    text[0] = '\0';
    if (!run->prefill || answered == 0 || answered >= run->requests)
        return;
    const double left =
        clock_seconds(elapsed_ns) * (double)(run->requests - answered) / (double)answered;
    const uint64_t seconds = left < 1e9 ? (uint64_t)ceil(left) : 1000000000;
    if (seconds < 60)
        snprintf(text, text_bytes, ", %" PRIu64 " s left", seconds);
    else if (seconds < 3600)
        snprintf(text, text_bytes, ", %" PRIu64 " m %" PRIu64 " s left", seconds / 60,
                 seconds % 60);
    else
        snprintf(text, text_bytes, ", %" PRIu64 " h %" PRIu64 " m left", seconds / 3600,
                 seconds / 60 % 60);
}

/* " p50=0.11", " p50>=950.00", " p50=-": there is nothing that it could be of. */
static void append_figure(char *text, size_t text_bytes, const char *name,
                          struct figure_percentile figure)
{
    size_t used = strlen(text);
    if (figure.empty)
        snprintf(text + used, text_bytes - used, " %s=-", name);
    else
        snprintf(text + used, text_bytes - used, " %s%s%.2f", name, figure.censored ? ">=" : "=",
                 clock_ms(figure.value_ns));
}

/* Of the rows since the last line; nothing when none has come. */
static void format_latency(char *text, size_t text_bytes, const struct progress *progress, bool all)
{
    const struct interval_row *window = progress->window;
    enum interval_histogram_kind kind = figure_latency_kind(progress->run->open_loop);
    const struct histogram *answered = &window->histograms[kind];
    const struct figure_percentile mean = {.value_ns = (uint64_t)histogram_mean(answered),
                                           .empty = answered->count == 0};
    text[0] = '\0';
    if (progress->window_row_ns == 0)
        return;
    snprintf(text, text_bytes, "%s", all ? " | Latency (ms):" : " | ms:");
    if (all)
        append_figure(text, text_bytes, "avg", mean);
    append_figure(text, text_bytes, "p50", figure_percentile(window, kind, 50));
    if (all)
        append_figure(text, text_bytes, "p95", figure_percentile(window, kind, 95));
    append_figure(text, text_bytes, "p99", figure_percentile(window, kind, 99));
}

/* " of 10,000": what fell due per second, by the rows since the last line or before; nothing when all
 * of -n was due before. */
static void format_target(char *text, size_t text_bytes, struct progress *progress)
{
    const struct run_facts *run = progress->run;
    char rate[UNITS_GROUPED_BYTES];
    text[0] = '\0';
    bool all_due = run->requests > 0 && progress->due >= run->requests;
    uint64_t window_due = progress->window->counters[COUNTER_DUE];
    if (!run_facts_have_rate(run) || (all_due && window_due == 0))
        return;
    if (progress->window_row_ns > 0)
        progress->target = figure_rate(window_due, clock_seconds(progress->window_row_ns));
    if (progress->target >= 0)
        snprintf(text, text_bytes, " of %s", figure_rate_text(rate, sizeof rate, progress->target));
}

/* ", Backlog: 120, Shed: 3": what an open loop did not send, when there is any. */
static void format_unsent(char *text, size_t text_bytes, const struct progress *progress)
{
    int used = 0;
    text[0] = '\0';
    if (progress->backlog > 0)
        used = snprintf(text, text_bytes, ", Backlog: %s", UNITS_GROUPED(progress->backlog));
    if (progress->shed > 0)
        snprintf(text + used, text_bytes - (size_t)used, ", Shed: %s",
                 UNITS_GROUPED(progress->shed));
}

/* What a line is put together from. */
struct parts {
    char head[256], head_short[160], current[UNITS_GROUPED_BYTES], target[40],
        average[UNITS_GROUPED_BYTES + 12];
    char failed[UNITS_GROUPED_BYTES], unsent[96], latency[128], latency_short[64];
};

/* The fullest form that fits, else the shortest one cut. */
static void put_together(char *line, size_t line_bytes, const struct parts *parts, size_t columns)
{
    const struct {
        const char *head, *target, *average, *unsent, *latency;
    } forms[] = {
        {parts->head, parts->target, parts->average, parts->unsent, parts->latency},
        {parts->head, parts->target, parts->average, parts->unsent, parts->latency_short},
        {parts->head, parts->target, "", parts->unsent, parts->latency_short},
        {parts->head, parts->target, "", parts->unsent, ""},
        {parts->head_short, parts->target, "", parts->unsent, ""},
        {parts->head_short, "", "", "", ""},
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        int needed = snprintf(line, line_bytes, "%s, RPS: current=%s%s%s, Errors: %s%s%s",
                              forms[i].head, parts->current, forms[i].target, forms[i].average,
                              parts->failed, forms[i].unsent, forms[i].latency);
        if (needed >= 0 && (size_t)needed <= columns)
            return;
    }
    int needed = snprintf(line, line_bytes, "%s %s/s", parts->head_short, parts->current);
    if (needed >= 0 && (size_t)needed > columns)
        needed = snprintf(line, line_bytes, "%s/s", parts->current);
    if (needed < 0 || (size_t)needed > columns)
        line[0] = '\0'; /* better nothing than a part of a number */
}

static uint64_t growth(uint64_t before, uint64_t now)
{
    return now > before ? now - before : 0;
}

static enum err_code live(void *state, const struct run_live *live, struct err *err)
{
    struct progress *progress = state;
    const struct run_facts *run = progress->run;
    const uint64_t elapsed_ns = live->elapsed_ns;
    bool warming = elapsed_ns < run->warmup_ns;
    uint64_t measured_ns = warming ? elapsed_ns : elapsed_ns - run->warmup_ns;
    uint64_t measured = growth(warming ? 0 : progress->warmup_answered, live->answered);
    uint64_t measured_ok = growth(warming ? 0 : progress->warmup_ok, live->ok);
    uint64_t window_ns = growth(progress->last_ns, elapsed_ns);
    uint64_t window_ok = growth(progress->last_ok, live->ok);
    struct parts parts;
    char done[96], share[16] = "", average[UNITS_GROUPED_BYTES + 4], line[640];
    char left[56];
    const size_t columns = live_line_room(&progress->line);

    (void)err;
    if (warming)
        snprintf(done, sizeof done, "%s (warm-up)",
                 units_format_grouped(parts.current, sizeof parts.current, measured));
    else
        format_done(done, sizeof done, share, sizeof share, run, measured_ns, measured);
    format_left(left, sizeof left, run, elapsed_ns, live->answered);
    snprintf(parts.head, sizeof parts.head, "%s[%.1fs] Progress: %s%s", progress->prefix,
             clock_seconds(elapsed_ns), done, left);
    snprintf(parts.head_short, sizeof parts.head_short, "%s[%.1fs] %s%s", progress->prefix,
             clock_seconds(elapsed_ns), warming ? "warm-up" : share, left);
    units_format_grouped(parts.current, sizeof parts.current,
                         (uint64_t)(figure_rate(window_ok, clock_seconds(window_ns)) + 0.5));
    snprintf(
        parts.average, sizeof parts.average, " avg=%s",
        format_rate(average, sizeof average, figure_rate(measured_ok, clock_seconds(measured_ns))));
    format_latency(parts.latency, sizeof parts.latency, progress, true);
    format_latency(parts.latency_short, sizeof parts.latency_short, progress, false);
    format_target(parts.target, sizeof parts.target, progress);
    format_unsent(parts.unsent, sizeof parts.unsent, progress);
    units_format_grouped(parts.failed, sizeof parts.failed, live->failed);
    put_together(line, sizeof line, &parts, columns);
    live_line_show(&progress->line, line, columns);
    progress->last_ns = elapsed_ns;
    progress->last_ok = live->ok;
    progress->window_row_ns = 0;
    interval_row_reset(progress->window);
    return OK;
}

static enum err_code run_end(void *state, const struct run_result *result, struct err *err)
{
    struct progress *progress = state;
    (void)result;
    (void)err;
    live_line_end(&progress->line);
    return OK;
}

static void destroy(void *state)
{
    struct progress *progress = state;
    free(progress->window);
    *progress = (struct progress){0};
}

struct sink progress_sink(struct progress *progress)
{
    return (struct sink){.name = "progress",
                         .state = progress,
                         .run_begin = run_begin,
                         .interval = interval,
                         .live = live,
                         .run_end = run_end,
                         .destroy = destroy};
}
