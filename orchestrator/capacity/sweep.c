#include "orchestrator/capacity/sweep.h"

#include <stdio.h>

#include "common/printable.h"
#include "common/schedule.h"
#include "orchestrator/capacity/doubts.h"
#include "orchestrator/capacity/table.h"
#include "orchestrator/options/rate_text.h"
#include "orchestrator/report/metric.h"

const char *sweep_kind_name(enum sweep_kind kind)
{
    static const char *const names[] = {"clients", "qps", "pipeline"};
    return names[kind];
}

static uint32_t objectives_of(const struct sweep *sweep)
{
    return sweep->objectives != NULL ? sweep->objectives->count : 0;
}

void sweep_read(struct sweep_step *step, const struct sweep *sweep, const struct run_result *result)
{
    const bool open_loop = sweep->open_loop;
    const struct metric_slice slice = metric_slice_of_run(result);
    const struct interval_row *total = result->total;
    const uint64_t *counters = total->counters;
    enum interval_histogram_kind kind = figure_latency_kind(open_loop);
    uint64_t failed = figure_failed(counters);
    step->seconds = result->seconds;
    step->rate = figure_rate(counters[COUNTER_OK], result->seconds);
    step->target = open_loop ? figure_target(result) : 0;
    step->p50 = figure_percentile(total, kind, 50);
    step->p95 = figure_percentile(total, kind, 95);
    step->p99 = figure_percentile(total, kind, 99);
    step->error_share = figure_share(failed, failed + counters[COUNTER_OK]);
    for (uint32_t i = 0; i < objectives_of(sweep); i++)
        step->readings[i] = objective_read(&sweep->objectives->items[i], &slice);
    double busy = 0;
    for (uint32_t i = 0; i < result->worker_count; i++)
        busy += result->workers[i].cpu_user_seconds + result->workers[i].cpu_system_seconds -
                result->workers[i].spin_seconds;
    step->client_cpu = result->seconds > 0 ? busy / result->seconds : 0;
    step->worker_count = result->worker_count;
    step->status = result->status;
    step->verdict = result->verdict;
    if (!mishap_find(step->mishap, sizeof step->mishap, result) && !(result->seconds > 0))
        snprintf(step->mishap, sizeof step->mishap, "it ended before anything was measured");
}

/* --- judging --------------------------------------------------------------------------------- */

/* Writes which objective is broken, the first of them; false: all are kept. */
static bool breaks_objective(struct sweep_step *step, const struct sweep *sweep)
{
    char seen[OBJECTIVE_READING_BYTES];
    for (uint32_t i = 0; i < objectives_of(sweep); i++) {
        const struct objective *objective = &sweep->objectives->items[i];
        if (step->readings[i].kept)
            continue;
        snprintf(step->why_objective, sizeof step->why_objective, "%s: %s", objective->text,
                 objective_format_reading(seen, sizeof seen, objective, &step->readings[i]));
        return true;
    }
    return false;
}

void sweep_judge(struct sweep *sweep)
{
    struct degradation before = {.percent = 99};
    bool beyond = false; /* an objective */
    for (uint32_t i = 0; i < sweep->count; i++) {
        struct sweep_step *step = &sweep->steps[i];
        const struct degradation_load load = {
            step->rate, sweep->kind == SWEEP_QPS ? step->target : -1, step->error_share, step->p99};
        step->notes = 0;
        step->why_degraded = step->why_broken = NULL;
        if (step->mishap[0] != '\0')
            continue;
        step->notes = degradation_note(&before, &load, &step->why_degraded, &step->why_broken);
        step->notes |= !beyond && breaks_objective(step, sweep) ? SWEEP_OBJECTIVE : 0;
        beyond |= (step->notes & SWEEP_OBJECTIVE) != 0;
    }
}

/* --- for people ------------------------------------------------------------------------------ */

char *sweep_format_value(char *text, size_t text_bytes, const struct sweep *sweep,
                         const struct sweep_step *step)
{
    uint64_t micro = sweep->kind == SWEEP_QPS ? step->value : step->value * SCHEDULE_MICRO;
    return rate_format(text, text_bytes, micro);
}

char *sweep_format_notes(char *text, size_t text_bytes, const struct sweep_step *step)
{
    const char *parts[] = {
        step->notes & SWEEP_BASELINE ? "baseline" : NULL,
        step->notes & SWEEP_DEGRADATION ? "degradation point" : NULL,
        step->notes & SWEEP_BREAKING ? "breaking point" : NULL,
        step->notes & SWEEP_OBJECTIVE ? "objective broken" : NULL,
    };
    const char *reasons[] = {NULL, step->why_degraded, step->why_broken, step->why_objective};
    size_t used = 0;
    snprintf(text, text_bytes, "%s%s", step->mishap[0] != '\0' ? "not judged: " : "", step->mishap);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && used < text_bytes; i++)
        if (parts[i] != NULL)
            used += (size_t)snprintf(text + used, text_bytes - used, "%s%s%s%s%s",
                                     used > 0 ? ", " : "", parts[i], reasons[i] ? " (" : "",
                                     reasons[i] ? reasons[i] : "", reasons[i] ? ")" : "");
    return text;
}

enum {
    COLUMN_VALUE,
    COLUMN_RATE,
    COLUMN_MINUTE,
    COLUMN_P50,
    COLUMN_P95,
    COLUMN_P99,
    COLUMN_ERRORS,
    COLUMN_MEMORY,
    COLUMN_CPU,
    COLUMN_COUNT
};

static void fill_heading(struct table_line *line, const void *state, uint32_t part)
{
    static const char *const words[2][COLUMN_COUNT] = {
        {"", "", "", "p50", "p95", "p99", "errors", "server", "client"},
        {"", "ops/s", "msg/min", "ms", "ms", "ms", "%", "MB", "CPU %"}};
    const struct sweep *sweep = state;
    for (uint32_t i = 0; i < COLUMN_COUNT; i++)
        snprintf(line->cells[i], TABLE_CELL_BYTES, "%s", words[part][i]);
    if (part == 0)
        return;
    snprintf(line->cells[COLUMN_VALUE], TABLE_CELL_BYTES, "%s", sweep_kind_name(sweep->kind));
    snprintf(line->note, sizeof line->note, "note");
}

static void fill_row(struct table_line *line, const void *state, uint32_t index)
{
    const struct sweep *sweep = state;
    const struct sweep_step *step = &sweep->steps[index];
    char notes[SWEEP_NOTES_BYTES], doubts[DOUBTS_TEXT_BYTES];
    sweep_format_value(line->cells[COLUMN_VALUE], TABLE_CELL_BYTES, sweep, step);
    figure_rate_text(line->cells[COLUMN_RATE], TABLE_CELL_BYTES, step->rate);
    figure_rate_text(line->cells[COLUMN_MINUTE], TABLE_CELL_BYTES, step->rate * 60);
    table_cell_ms(line->cells[COLUMN_P50], &step->p50);
    table_cell_ms(line->cells[COLUMN_P95], &step->p95);
    table_cell_ms(line->cells[COLUMN_P99], &step->p99);
    snprintf(line->cells[COLUMN_ERRORS], TABLE_CELL_BYTES, "%.3f", step->error_share * 100);
    snprintf(line->cells[COLUMN_MEMORY], TABLE_CELL_BYTES, step->server_mb >= 0 ? "%.1f" : "-",
             step->server_mb);
    snprintf(line->cells[COLUMN_CPU], TABLE_CELL_BYTES, "%.1f", step->client_cpu * 100);
    sweep_format_notes(notes, sizeof notes, step);
    snprintf(line->note, sizeof line->note, "%s", notes);
    if (step->verdict.level != VERDICT_GREEN)
        snprintf(line->note, sizeof line->note, "%s%s%s: %s", notes, notes[0] != '\0' ? "; " : "",
                 verdict_level_name(step->verdict.level),
                 doubts_format(doubts, sizeof doubts, &step->verdict, false));
}

static const struct sweep_step *find_note(const struct sweep *sweep, unsigned note)
{
    for (uint32_t i = 0; i < sweep->count; i++)
        if (sweep->steps[i].notes & note)
            return &sweep->steps[i];
    return NULL;
}

static void write_point(struct output *out, const struct sweep *sweep, unsigned note,
                        const char *name)
{
    const struct sweep_step *step = find_note(sweep, note);
    char value[40];
    uint32_t judged = 0;
    for (uint32_t i = 0; i < sweep->count; i++)
        judged += sweep->steps[i].mishap[0] == '\0';
    if (step == NULL && judged < sweep->count)
        output_printf(out, "%s: none in the %u of %u steps that could be judged\n", name, judged,
                      sweep->planned);
    else if (step == NULL && sweep->count < sweep->planned)
        output_printf(out, "%s: none in the first %u of %u steps; the others were not run\n", name,
                      sweep->count, sweep->planned);
    else if (step == NULL)
        output_printf(out, "%s: none up to the last step\n", name);
    else
        output_printf(out, "%s: %s %s: %s\n", name, sweep_kind_name(sweep->kind),
                      sweep_format_value(value, sizeof value, sweep, step),
                      note == SWEEP_BREAKING    ? step->why_broken
                      : note == SWEEP_OBJECTIVE ? step->why_objective
                                                : step->why_degraded);
}

void sweep_write_text(struct output *out, const struct sweep *sweep)
{
    const struct table table = {.state = sweep,
                                .column_count = COLUMN_COUNT,
                                .row_count = sweep->count,
                                .heading = fill_heading,
                                .row = fill_row};
    struct doubts_said said = {.count = 0};
    table_write(out, &table);
    output_printf(out, "\n");
    if (sweep->interrupted)
        output_printf(out, "Interrupted: the last step is cut short, or steps are missing\n");
    if (sweep->error[0] != '\0')
        output_printf(out, "Ended by an error after %u of %u steps: %s\n", sweep->count,
                      sweep->planned, PRINTABLE(sweep->error));
    write_point(out, sweep, SWEEP_DEGRADATION, "Degradation point");
    write_point(out, sweep, SWEEP_BREAKING, "Breaking point");
    if (objectives_of(sweep) > 0)
        write_point(out, sweep, SWEEP_OBJECTIVE, "Objective broken");
    output_printf(out, "%s\n",
                  sweep->open_loop ? "Latencies are response times (open loop)"
                                   : "Latencies are service times (closed loop)");
    for (uint32_t i = 0; i < sweep->count; i++) {
        char value[40], where[64];
        snprintf(where, sizeof where, "%s %s", sweep_kind_name(sweep->kind),
                 sweep_format_value(value, sizeof value, sweep, &sweep->steps[i]));
        doubts_write(out, where, &sweep->steps[i].verdict, &said);
    }
}

static bool keeps_all(const struct sweep_step *step, const struct sweep *sweep)
{
    for (uint32_t i = 0; i < objectives_of(sweep); i++)
        if (!step->readings[i].kept)
            return false;
    return true;
}

/* --- CSV ------------------------------------------------------------------------------------- */

void sweep_write_csv(struct output *out, const struct sweep *sweep)
{
    output_printf(
        out,
        "%s,ops_per_second,messages_per_minute,p50_us,p95_us,p99_us,errors_percent,"
        "server_mb,client_cpu_percent,baseline,degradation_point,breaking_point,%sverdict,"
        "verdict_reasons\n",
        sweep_kind_name(sweep->kind), objectives_of(sweep) > 0 ? "objectives_kept," : "");
    for (uint32_t i = 0; i < sweep->count; i++) {
        const struct sweep_step *step = &sweep->steps[i];
        double value = (double)step->value;
        if (sweep->kind == SWEEP_QPS)
            value /= (double)SCHEDULE_MICRO;
        output_printf(out, "%.10g,%.3f,%.1f", value, step->rate, step->rate * 60);
        table_csv_us(out, &step->p50);
        table_csv_us(out, &step->p95);
        table_csv_us(out, &step->p99);
        output_printf(out, ",%.6f,", step->error_share * 100);
        if (step->server_mb >= 0)
            output_printf(out, "%.3f", step->server_mb);
        output_printf(out, ",%.3f,%d,%d,%d", step->client_cpu * 100,
                      (step->notes & SWEEP_BASELINE) != 0, (step->notes & SWEEP_DEGRADATION) != 0,
                      (step->notes & SWEEP_BREAKING) != 0);
        if (objectives_of(sweep) > 0)
            output_printf(out, ",%d", keeps_all(step, sweep));
        char doubts[DOUBTS_TEXT_BYTES];
        output_printf(out, ",%s,\"%s\"\n", verdict_level_name(step->verdict.level),
                      doubts_format(doubts, sizeof doubts, &step->verdict, true));
    }
}
