#include "orchestrator/capacity/load_test.h"

#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/printable.h"
#include "common/units.h"
#include "orchestrator/capacity/doubts.h"
#include "orchestrator/capacity/table.h"
#include "orchestrator/report/markdown.h"

const char *load_test_mode_name(enum load_test_mode mode)
{
    return mode == LOAD_TEST_BUFFER ? "buffer" : "bypass";
}

/* Below 0 as soon as one is not known. */
static double client_bytes(const struct run_result *result, double orchestrator_bytes)
{
    double sum = orchestrator_bytes;
    for (uint32_t i = 0; i < result->worker_count && sum >= 0; i++)
        sum = result->workers[i].rss_peak_bytes > 0
                  ? sum + (double)result->workers[i].rss_peak_bytes
                  : -1;
    return sum;
}

void load_test_read(struct load_test_row *row, const struct run_result *result,
                    double orchestrator_bytes)
{
    const struct interval_row *total = result->total;
    const uint64_t *counters = total->counters;
    const uint64_t failed = figure_failed(counters);
    row->open_loop = result->facts->open_loop;
    row->has_rate = run_facts_have_rate(result->facts);
    const enum interval_histogram_kind kind = figure_latency_kind(row->open_loop);
    const struct histogram *times = &total->histograms[kind];
    row->seconds = result->seconds;
    row->rate = figure_rate(counters[COUNTER_OK], result->seconds);
    row->offered = row->has_rate ? figure_target(result) : -1;
    row->mean_ns = times->count > 0 ? (double)times->sum_ns / (double)times->count : -1;
    row->p95 = figure_percentile(total, kind, 95);
    row->error_share = figure_share(failed, failed + counters[COUNTER_OK]);
    row->client_bytes = client_bytes(result, orchestrator_bytes);
    row->buffer_bytes = (double)result->facts->buffer_bytes;
    row->worker_count = result->worker_count;
    row->verdict = result->verdict;
    if (!mishap_find(row->mishap, sizeof row->mishap, result) && !(result->seconds > 0))
        snprintf(row->mishap, sizeof row->mishap, "it ended before anything was measured");
}

const struct load_test_row *load_test_peak(const struct load_test *test)
{
    const struct load_test_row *peak = NULL;
    for (uint32_t i = 0; i < test->count; i++) {
        const struct load_test_row *row = &test->rows[i];
        if (row->mishap[0] == '\0' && row->rate > 0 && (peak == NULL || row->rate > peak->rate))
            peak = row;
    }
    return peak;
}

void load_test_judge(struct load_test *test)
{
    struct degradation before[] = {
        [LOAD_TEST_BUFFER] = {.percent = 95}, [LOAD_TEST_BYPASS] = {.percent = 95}};
    for (uint32_t i = 0; i < test->count; i++) {
        struct load_test_row *row = &test->rows[i];
        const struct degradation_load load = {row->rate, row->offered, row->error_share, row->p95};
        row->notes = 0;
        row->why_degraded = row->why_broken = NULL;
        if (row->mishap[0] == '\0')
            row->notes =
                degradation_note(&before[row->mode], &load, &row->why_degraded, &row->why_broken);
        if (test->planned < (test->both_modes ? 4 : 2)) /* nothing is compared with it */
            row->notes &= ~(unsigned)DEGRADATION_BASELINE;
    }
}

const struct load_test_row *load_test_noted(const struct load_test *test, enum load_test_mode mode,
                                            enum degradation_note note)
{
    for (uint32_t i = 0; i < test->count; i++)
        if (test->rows[i].mode == mode && (test->rows[i].notes & note) != 0)
            return &test->rows[i];
    return NULL;
}

bool load_test_memory_at(struct load_test_memory *memory, const struct load_test *test,
                         uint32_t index)
{
    if (!test->both_modes || 2 * index + 1 >= test->count)
        return false;
    const struct load_test_row *buffered = &test->rows[2 * index];
    *memory = (struct load_test_memory){.users = buffered->users,
                                        .enabled_bytes = buffered->client_bytes,
                                        .bypass_bytes = buffered[1].client_bytes,
                                        .expected_bytes = buffered->buffer_bytes};
    return true;
}

/* --- text ------------------------------------------------------------------------------------ */

/* In their order; the last one only where there are two modes. */
enum column {
    COLUMN_USERS,
    COLUMN_MINUTE,
    COLUMN_RATE,
    COLUMN_MEAN,
    COLUMN_P95,
    COLUMN_ERRORS,
    COLUMN_CLIENT,
    COLUMN_SERVER,
    COLUMN_MODE,
    COLUMN_COUNT
};

static uint32_t column_count(const struct load_test *test)
{
    return test->both_modes ? COLUMN_COUNT : COLUMN_MODE;
}

static void write_megabytes(char cell[TABLE_CELL_BYTES], double bytes)
{
    snprintf(cell, TABLE_CELL_BYTES, bytes >= 0 ? "%.1f" : "-", bytes / BYTES_PER_MB_OF_MEMORY);
}

static void fill_heading(struct table_line *line, const void *state, uint32_t part)
{
    static const char *const words[2][COLUMN_COUNT] = {
        {"", "", "", "mean", "p95", "errors", "volley", "server", ""},
        {"users", "msg/min", "req/s", "ms", "ms", "%", "MB", "MB", "mode"}};
    for (uint32_t i = 0; i < column_count(state); i++)
        snprintf(line->cells[i], TABLE_CELL_BYTES, "%s", words[part][i]);
    if (part == 1)
        snprintf(line->note, sizeof line->note, "note");
}

char *load_test_format_note(char text[LOAD_TEST_NOTE_BYTES], const struct load_test_row *row)
{
    const struct {
        unsigned note;
        const char *name, *why;
    } parts[] = {{DEGRADATION_BASELINE, "baseline", NULL},
                 {DEGRADATION_POINT, "degradation point", row->why_degraded},
                 {DEGRADATION_BREAKING, "breaking point", row->why_broken}};
    size_t used = 0;
    snprintf(text, LOAD_TEST_NOTE_BYTES, "%s%s", row->mishap[0] != '\0' ? "not judged: " : "",
             row->mishap[0] != '\0' ? PRINTABLE(row->mishap) : "");
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && used < LOAD_TEST_NOTE_BYTES; i++)
        if (row->notes & parts[i].note)
            used += (size_t)snprintf(
                text + used, LOAD_TEST_NOTE_BYTES - used, "%s%s%s%s%s", used > 0 ? ", " : "",
                parts[i].name, parts[i].why != NULL ? " (" : "",
                parts[i].why != NULL ? parts[i].why : "", parts[i].why != NULL ? ")" : "");
    return text;
}

static void fill_note(struct table_line *line, const struct load_test_row *row)
{
    char note[LOAD_TEST_NOTE_BYTES], doubts[DOUBTS_TEXT_BYTES];
    load_test_format_note(note, row);
    snprintf(line->note, sizeof line->note, "%s", note);
    if (row->verdict.level != VERDICT_GREEN)
        snprintf(line->note, sizeof line->note, "%s%s%s: %s", note, note[0] != '\0' ? "; " : "",
                 verdict_level_name(row->verdict.level),
                 doubts_format(doubts, sizeof doubts, &row->verdict, false));
}

static void fill_row(struct table_line *line, const void *state, uint32_t index)
{
    const struct load_test *test = state;
    const struct load_test_row *row = &test->rows[index];
    snprintf(line->cells[COLUMN_USERS], TABLE_CELL_BYTES, "%s", UNITS_GROUPED(row->users));
    if (test->both_modes)
        snprintf(line->cells[COLUMN_MODE], TABLE_CELL_BYTES, "%s", load_test_mode_name(row->mode));
    figure_rate_text(line->cells[COLUMN_MINUTE], TABLE_CELL_BYTES,
                     row->rate * LOAD_TEST_SECONDS_IN_A_MINUTE);
    figure_rate_text(line->cells[COLUMN_RATE], TABLE_CELL_BYTES, row->rate);
    snprintf(line->cells[COLUMN_MEAN], TABLE_CELL_BYTES, row->mean_ns >= 0 ? "%.3f" : "-",
             row->mean_ns / (double)NS_PER_MS);
    table_cell_ms(line->cells[COLUMN_P95], &row->p95);
    snprintf(line->cells[COLUMN_ERRORS], TABLE_CELL_BYTES, "%.3f", row->error_share * 100);
    write_megabytes(line->cells[COLUMN_CLIENT], row->client_bytes);
    write_megabytes(line->cells[COLUMN_SERVER], row->server_bytes);
    fill_note(line, row);
}

#define PEAK_BYTES 160
/* "12,345 messages a minute (205.8/s), 20 users, buffer"; or that there is none. Returns text. */
static char *format_peak(char text[PEAK_BYTES], const struct load_test *test)
{
    const struct load_test_row *peak = load_test_peak(test);
    char minute[TABLE_CELL_BYTES], second[TABLE_CELL_BYTES];
    if (peak == NULL)
        snprintf(text, PEAK_BYTES, "none: no run could be judged");
    else
        snprintf(
            text, PEAK_BYTES, "%s messages a minute (%s/s) with %s user%s%s%s",
            figure_rate_text(minute, sizeof minute, peak->rate * LOAD_TEST_SECONDS_IN_A_MINUTE),
            figure_rate_text(second, sizeof second, peak->rate), UNITS_GROUPED(peak->users),
            peak->users == 1 ? "" : "s", test->both_modes ? ", " : "",
            test->both_modes ? load_test_mode_name(peak->mode) : "");
    return text;
}

#define LOAD_BYTES 256
/* "Each user sends 100 messages a minute; client that buffers: minimal". Returns text. */
static char *format_load(char text[LOAD_BYTES], const struct load_test *test)
{
    char rate[TABLE_CELL_BYTES];
    const char *before = test->buffered ? "; client that buffers: " : "";
    const char *name = test->buffered ? PRINTABLE(test->buffer_name) : "";
    if (test->message_rate > 0)
        snprintf(text, LOAD_BYTES, "Each user sends %s message%s a minute%s%s",
                 figure_rate_text(rate, sizeof rate, test->message_rate),
                 test->message_rate == 1 ? "" : "s", before, name);
    else
        snprintf(text, LOAD_BYTES,
                 "Each user sends the next message as soon as the one before is answered%s%s",
                 before, name);
    return text;
}

#define POINT_BYTES 160
/* "Degradation point, buffer: 50 users: less than 10 % more throughput"; "": that mode has not been measured at more than one
 * number of users, and there is none. Returns text. */
static char *format_point(char text[POINT_BYTES], const struct load_test *test,
                          enum load_test_mode mode, enum degradation_note note)
{
    const struct load_test_row *row = load_test_noted(test, mode, note);
    const bool several = load_test_noted(test, mode, DEGRADATION_BASELINE) != NULL;
    const char *name = note == DEGRADATION_POINT ? "Degradation point" : "Breaking point";
    const char *between = test->both_modes ? ", " : "",
               *mode_name = test->both_modes ? load_test_mode_name(mode) : "";
    if (row != NULL)
        snprintf(text, POINT_BYTES, "%s%s%s: %s user%s: %s", name, between, mode_name,
                 UNITS_GROUPED(row->users), row->users == 1 ? "" : "s",
                 note == DEGRADATION_POINT ? row->why_degraded : row->why_broken);
    else
        snprintf(text, POINT_BYTES, several ? "%s%s%s: none up to the last run" : "", name, between,
                 mode_name);
    return text;
}

/* before: in front of each line. */
static void write_points(struct output *out, const struct load_test *test, const char *before)
{
    static const enum degradation_note notes[] = {DEGRADATION_POINT, DEGRADATION_BREAKING};
    char text[POINT_BYTES];
    for (size_t i = 0; i < sizeof notes / sizeof notes[0]; i++)
        for (int mode = LOAD_TEST_BUFFER; mode <= LOAD_TEST_BYPASS; mode++)
            if (format_point(text, test, (enum load_test_mode)mode, notes[i])[0] != '\0')
                output_printf(out, "%s%s\n", before, text);
}

static struct table table_of(const struct load_test *test)
{
    return (struct table){.state = test,
                          .column_count = column_count(test),
                          .row_count = test->count,
                          .heading = fill_heading,
                          .row = fill_row};
}

#define BYTES_PER_KB_OF_MEMORY 1024.0

enum memory_column {
    MEMORY_USERS,
    MEMORY_ENABLED,
    MEMORY_BYPASS,
    MEMORY_DIFFERENCE,
    MEMORY_EXPECTED,
    MEMORY_COLUMNS
};

static void fill_memory_heading(struct table_line *line, const void *state, uint32_t part)
{
    static const char *const words[2][MEMORY_COLUMNS] = {
        {"", "buffer", "bypass", "difference", "expected"}, {"users", "MB", "MB", "MB", "KB"}};
    (void)state;
    for (uint32_t i = 0; i < MEMORY_COLUMNS; i++)
        snprintf(line->cells[i], TABLE_CELL_BYTES, "%s", words[part][i]);
}

static void fill_memory_row(struct table_line *line, const void *state, uint32_t index)
{
    struct load_test_memory memory;
    if (!load_test_memory_at(&memory, state, index))
        return;
    snprintf(line->cells[MEMORY_USERS], TABLE_CELL_BYTES, "%s", UNITS_GROUPED(memory.users));
    write_megabytes(line->cells[MEMORY_ENABLED], memory.enabled_bytes);
    write_megabytes(line->cells[MEMORY_BYPASS], memory.bypass_bytes);
    if (memory.enabled_bytes < 0 || memory.bypass_bytes < 0)
        snprintf(line->cells[MEMORY_DIFFERENCE], TABLE_CELL_BYTES, "-");
    else
        snprintf(line->cells[MEMORY_DIFFERENCE], TABLE_CELL_BYTES, "%+.1f",
                 (memory.enabled_bytes - memory.bypass_bytes) / BYTES_PER_MB_OF_MEMORY);
    snprintf(line->cells[MEMORY_EXPECTED], TABLE_CELL_BYTES, "%+.1f",
             memory.expected_bytes / BYTES_PER_KB_OF_MEMORY);
}

/* row_count 0: the test has no such table. */
static struct table memory_table_of(const struct load_test *test)
{
    return (struct table){.state = test,
                          .column_count = MEMORY_COLUMNS,
                          .row_count = test->both_modes ? test->count / 2 : 0,
                          .heading = fill_memory_heading,
                          .row = fill_memory_row};
}

static void write_end(struct output *out, const struct load_test *test)
{
    if (test->interrupted)
        output_printf(out, "Interrupted: the last run is cut short, or runs are missing\n");
    if (test->error[0] != '\0')
        output_printf(out, "Ended by an error after %u of %u runs: %s\n", test->count,
                      test->planned, PRINTABLE(test->error));
}

#define MEMORY_TITLE "Memory of volley, at its most"

void load_test_write_text(struct output *out, const struct load_test *test)
{
    const struct table table = table_of(test), memory = memory_table_of(test);
    struct doubts_said said = {.count = 0};
    char load[LOAD_BYTES], peak[PEAK_BYTES];
    output_printf(out, "%s\n\n", format_load(load, test));
    table_write(out, &table);
    output_printf(out, "\n");
    write_end(out, test);
    write_points(out, test, "");
    output_printf(out, "Peak throughput: %s\n", format_peak(peak, test));
    if (memory.row_count > 0) {
        output_printf(out, "\n" MEMORY_TITLE ":\n");
        table_write(out, &memory);
        output_printf(out, "\n");
    }
    for (uint32_t i = 0; i < test->count; i++) {
        char where[64];
        snprintf(where, sizeof where, "users %s%s%s", UNITS_GROUPED(test->rows[i].users),
                 test->both_modes ? ", " : "",
                 test->both_modes ? load_test_mode_name(test->rows[i].mode) : "");
        doubts_write(out, where, &test->rows[i].verdict, &said);
    }
}

void load_test_write_markdown(struct output *out, const struct load_test *test)
{
    const struct table table = table_of(test), memory = memory_table_of(test);
    char load[LOAD_BYTES], peak[PEAK_BYTES];
    output_printf(out, "# Load test\n\n");
    markdown_write_text(out, format_load(load, test));
    output_printf(out, ".\n\n");
    table_write_markdown(out, &table);
    output_printf(out, "\n- Peak throughput: %s\n", format_peak(peak, test));
    write_points(out, test, "- ");
    if (memory.row_count > 0) {
        output_printf(out, "\n## " MEMORY_TITLE "\n\n");
        table_write_markdown(out, &memory);
    }
    if (test->interrupted)
        output_printf(out, "\nInterrupted: the last run is cut short, or runs are missing.\n");
    if (test->error[0] != '\0') {
        output_printf(out, "\nEnded by an error after %u of %u runs: ", test->count, test->planned);
        markdown_write_text(out, test->error);
        output_printf(out, "\n");
    }
}
