/* What compare-modes has found, as text, as Markdown and as volley.compare-modes/1. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/printable.h"
#include "common/units.h"
#include "orchestrator/capacity/capacity_json.h"
#include "orchestrator/capacity/table.h"
#include "orchestrator/report/json_value.h"
#include "orchestrator/report/markdown.h"
#include "orchestrator/suite/comparison_report.h"
#include "orchestrator/suite/modes.h"

#define VERDICT_BYTES (100 + 4 * (COMPARISON_ANSWER_BYTES + 40))
#define ANSWER_BYTES COMPARISON_ANSWER_BYTES

/* ---- rows ---- */

/* A line of the table, of A against B. */
struct line {
    const char *name;
    int decimals;
    double means[MODES], difference;
    double change_percent, low, high; /* NAN: not known; of errors in percent points */
    bool points;
    double p;
    const char *word;          /* "faster" */
    char answer[ANSWER_BYTES]; /* the same at length */
};

static uint32_t line_count(const struct modes *modes)
{
    return modes->compared ? (uint32_t)modes->comparison.count + 2 : 0; /* messages, errors */
}

static const char *name_of(enum record_figure figure)
{
    static const char *const names[RECORD_FIGURES] = {[RECORD_RPS] = "requests/s",
                                                      [RECORD_P50] = "p50, ms",
                                                      [RECORD_P95] = "p95, ms",
                                                      [RECORD_P99] = "p99, ms"};
    return names[figure] != NULL ? names[figure] : record_figure_name(figure);
}

static const char *word_of(enum comparison_answer answer)
{
    static const char *const words[] = {
        [ANSWER_FASTER] = "faster",       [ANSWER_SLOWER] = "slower",
        [ANSWER_SAME] = "the same",       [ANSWER_CANNOT_TELL] = "cannot tell",
        [ANSWER_ONE_SIDED] = "not known", [ANSWER_MISSING] = "not known"};
    return words[answer];
}

static struct line line_of_row(const struct modes *modes, const struct comparison_row *row,
                               double scale)
{
    const bool rate = record_figure_is_rate(row->figure);
    struct line line = {
        .name = scale > 1 ? "messages/min" : name_of(row->figure),
        .decimals = rate ? 0 : 3,
        .means = {[MODE_A] = scale * row->sides[1].mean, [MODE_B] = scale * row->sides[0].mean},
        .change_percent = 100 * row->change,
        .low = 100 * row->low,
        .high = 100 * row->high,
        .p = row->p_corrected,
        .word = word_of(row->answer)};
    for (int side = 0; side < MODES; side++)
        if (row->sides[1 - side].count == 0)
            line.means[side] = NAN;
    line.difference = line.means[MODE_A] - line.means[MODE_B];
    comparison_answer_format(line.answer, &modes->comparison, row);
    return line;
}

/* An error rate may be 0, and has no part of it: its difference is of percent points. Sure beside so many other rows by
 * Bonferroni's correction. */
static struct line line_of_errors(const struct modes *modes)
{
    const struct comparison_wishes *wishes = &modes->wishes;
    const struct welch *welch = &modes->errors;
    struct line line = {.name = "errors, %",
                        .decimals = 3,
                        .points = true,
                        .difference = welch->difference,
                        .change_percent = NAN,
                        .low = NAN,
                        .high = NAN,
                        .p = NAN,
                        .word = "none"};
    for (int side = 0; side < MODES; side++) {
        const struct mode *mode = &modes->modes[side];
        for (uint32_t i = 0; i < mode->counted; i++)
            line.means[side] += mode->errors[i] / mode->counted;
    }
    if (!(line.means[MODE_A] > 0) && !(line.means[MODE_B] > 0)) {
        snprintf(line.answer, sizeof line.answer, "%s", line.word);
        return line;
    }
    if (!isnan(welch->p)) {
        const double half = welch_half_width(welch, wishes->confidence);
        line.low = welch->difference - half;
        line.high = welch->difference + half;
        line.p = fmin(1, welch->p * line_count(modes));
    }
    line.word = isnan(line.p) || line.p >= 1 - wishes->confidence ? "cannot tell"
                : welch->difference > 0                           ? "more"
                                                                  : "fewer";
    snprintf(line.answer, sizeof line.answer, "%s", line.word);
    return line;
}

static struct line line_at(const struct modes *modes, uint32_t index)
{
    const struct comparison *comparison = &modes->comparison;
    if (index + 1 == line_count(modes))
        return line_of_errors(modes);
    /* Requests a second are the first row; a message is a request. */
    return index == 1 ? line_of_row(modes, &comparison->rows[0], 60)
                      : line_of_row(modes, &comparison->rows[index > 0 ? index - 1 : 0], 1);
}

static char *format_change(char *text, size_t text_bytes, const struct line *line)
{
    snprintf(text, text_bytes, isnan(line->change_percent) ? "-" : "%+.1f %%",
             line->change_percent);
    return text;
}

static char *format_interval(char *text, size_t text_bytes, const struct line *line)
{
    snprintf(text, text_bytes,
             isnan(line->low)    ? "-"
             : line->points      ? "%+.3f to %+.3f"
             : isinf(line->high) ? "%+.1f %% or more"
                                 : "%+.1f to %+.1f %%",
             line->low, line->high);
    return text;
}

static char *format_p(char *text, size_t text_bytes, double p)
{
    snprintf(text, text_bytes, isnan(p) ? "-" : p < 0.001 ? "<0.001" : "%.3f", p);
    return text;
}

static char *format_mean(char *text, size_t text_bytes, double value, int decimals)
{
    snprintf(text, text_bytes, "%s", isnan(value) ? "-" : UNITS_REAL(value, decimals));
    return text;
}

static char *format_difference(char *text, size_t text_bytes, const struct line *line)
{
    char value[UNITS_REAL_BYTES];
    snprintf(text, text_bytes, "%s%.38s", line->difference > 0 ? "+" : "",
             format_mean(value, sizeof value, line->difference, line->decimals));
    return text;
}

/* What the figures that matter most come to. Returns text. */
static char *format_verdict(char text[VERDICT_BYTES], const struct modes *modes)
{
    static const struct {
        enum record_figure figure;
        const char *name;
    } told[] = {
        {RECORD_RPS, "throughput"}, {RECORD_P50, "p50"}, {RECORD_P95, "p95"}, {RECORD_P99, "p99"}};
    size_t used = (size_t)snprintf(text, VERDICT_BYTES, "%.45s against %.45s",
                                   PRINTABLE(modes->modes[MODE_A].name),
                                   PRINTABLE(modes->modes[MODE_B].name));
    if (!modes->compared)
        snprintf(text + used, VERDICT_BYTES - used, ": cannot tell (no run of one of them counts)");
    for (size_t i = 0; i < sizeof told / sizeof told[0] && modes->compared; i++)
        for (size_t k = 0; k < modes->comparison.count && used < VERDICT_BYTES; k++) {
            const struct comparison_row *row = &modes->comparison.rows[k];
            char answer[ANSWER_BYTES];
            if (row->figure != told[i].figure)
                continue;
            comparison_answer_format(answer, &modes->comparison, row);
            used += (size_t)snprintf(text + used, VERDICT_BYTES - used, "%s %s %s",
                                     i == 0 ? ":" : ",", told[i].name, answer);
        }
    return text;
}

/* ---- text ---- */

enum { COLUMN_NAME, COLUMN_A, COLUMN_B, COLUMN_DIFFERENCE, COLUMN_INTERVAL, COLUMN_COUNT };

static void fill_heading(struct table_line *line, const void *state, uint32_t part)
{
    static const char *const words[COLUMN_COUNT] = {"", "A", "B", "A - B", ""};
    const struct modes *modes = state;
    for (size_t i = 0; i < COLUMN_COUNT && part == 1; i++)
        snprintf(line->cells[i], TABLE_CELL_BYTES, "%s", words[i]);
    snprintf(line->cells[COLUMN_INTERVAL], TABLE_CELL_BYTES,
             part == 0 ? "change," : "%.4g %% interval", 100 * modes->wishes.confidence);
    if (part == 1)
        snprintf(line->note, sizeof line->note, "A is");
}

static void fill_row(struct table_line *into, const void *state, uint32_t index)
{
    const struct line line = line_at(state, index);
    snprintf(into->cells[COLUMN_NAME], TABLE_CELL_BYTES, "%s", line.name);
    for (int side = 0; side < MODES; side++)
        format_mean(into->cells[COLUMN_A + side], TABLE_CELL_BYTES, line.means[side],
                    line.decimals);
    format_difference(into->cells[COLUMN_DIFFERENCE], TABLE_CELL_BYTES, &line);
    format_interval(into->cells[COLUMN_INTERVAL], TABLE_CELL_BYTES, &line);
    snprintf(into->note, sizeof into->note, "%s", line.word);
}

/* What is to be known of the runs themselves. */
static void write_doubts(struct output *out, const struct modes *modes)
{
    if (modes->interrupted)
        output_printf(out, "Interrupted: a run is cut short, or runs are missing\n");
    if (modes->error[0] != '\0')
        output_printf(out, "Ended by an error: %s\n", PRINTABLE(modes->error));
    for (int side = 0; side < MODES; side++) {
        const struct mode *mode = &modes->modes[side];
        uint32_t red = 0;
        if (mode->counted < modes->planned)
            output_printf(out, "%s: %u of %u runs count\n", PRINTABLE(mode->name), mode->counted,
                          modes->planned);
        for (uint32_t i = 0; i < mode->count; i++) {
            red += mode->runs[i].verdict == VERDICT_RED;
            if (mode->runs[i].mishap[0] != '\0')
                output_printf(out, "%s, run %u: %s\n", PRINTABLE(mode->name), i + 1,
                              PRINTABLE(mode->runs[i].mishap));
        }
        if (red > 0)
            output_printf(out,
                          "%s: %u of %u runs are RED: their figures are not the server's alone\n",
                          PRINTABLE(mode->name), red, mode->count);
    }
}

/* ---- the latency matrix ---- */

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

/* Its columns: both modes of a kind of requests, if there are any. Returns how many. */
static uint32_t find_columns(int sides[MODES * MODE_KINDS], unsigned kinds[MODES * MODE_KINDS],
                             const struct modes *modes)
{
    uint32_t count = 0;
    for (unsigned kind = 0; kind < MODE_KINDS; kind++)
        for (int side = 0; side < MODES; side++) {
            const int other = kind >= MODE_CACHED ? side : MODES - 1 - side;
            if (isnan(modes_matrix_ms(&modes->modes[side], kind, 0)) &&
                isnan(modes_matrix_ms(&modes->modes[other], kind, 0)))
                continue;
            sides[count] = side;
            kinds[count++] = kind;
        }
    return count;
}

static void fill_matrix_heading(struct table_line *line, const void *state, uint32_t part)
{
    int sides[MODES * MODE_KINDS];
    unsigned kinds[MODES * MODE_KINDS];
    const uint32_t count = find_columns(sides, kinds, state);
    if (part == 0)
        return;
    snprintf(line->cells[0], TABLE_CELL_BYTES, "ms");
    for (uint32_t i = 0; i < count; i++)
        modes_format_column(line->cells[i + 1], state, sides[i], kinds[i]);
}

static void fill_matrix_row(struct table_line *line, const void *state, uint32_t index)
{
    const struct modes *modes = state;
    int sides[MODES * MODE_KINDS];
    unsigned kinds[MODES * MODE_KINDS];
    const uint32_t count = find_columns(sides, kinds, modes);
    snprintf(line->cells[0], TABLE_CELL_BYTES, "P%g", mode_percentiles[index]);
    for (uint32_t i = 0; i < count; i++)
        format_mean(line->cells[i + 1], TABLE_CELL_BYTES,
                    modes_matrix_ms(&modes->modes[sides[i]], kinds[i], index), 3);
}

static void write_matrix(struct output *out, const struct modes *modes)
{
    int sides[MODES * MODE_KINDS];
    unsigned kinds[MODES * MODE_KINDS];
    const uint32_t count = find_columns(sides, kinds, modes);
    const struct table table = {.state = modes,
                                .column_count = count + 1,
                                .row_count = MODE_PERCENTILES,
                                .heading = fill_matrix_heading,
                                .row = fill_matrix_row};
    if (count == 0)
        return;
    output_printf(out, "Latency matrix\n");
    table_write(out, &table);
    output_printf(out, "\n");
}

static void write_matrix_markdown(struct output *out, const struct modes *modes)
{
    int sides[MODES * MODE_KINDS];
    unsigned kinds[MODES * MODE_KINDS];
    char text[MODES_COLUMN_BYTES], value[UNITS_REAL_BYTES];
    const uint32_t count = find_columns(sides, kinds, modes);
    if (count == 0)
        return;
    output_printf(out, "\n## Latency matrix\n\n| ms |");
    for (uint32_t i = 0; i < count; i++)
        output_printf(out, " %s |", modes_format_column(text, modes, sides[i], kinds[i]));
    output_printf(out, "\n|---|");
    for (uint32_t i = 0; i < count; i++)
        output_printf(out, "---:|");
    for (size_t row = 0; row < MODE_PERCENTILES; row++) {
        output_printf(out, "\n| P%g |", mode_percentiles[row]);
        for (uint32_t i = 0; i < count; i++)
            output_printf(out, " %s |",
                          format_mean(value, sizeof value,
                                      modes_matrix_ms(&modes->modes[sides[i]], kinds[i], row), 3));
    }
    output_printf(out, "\n");
}

static json_t *matrix_json(const struct modes *modes)
{
    static const char *const kind_names[MODE_KINDS] = {[MODE_WRITES] = "writes",
                                                       [MODE_QUERIES] = "queries",
                                                       [MODE_CACHED] = "cached",
                                                       [MODE_COLD] = "cold"};
    int sides[MODES * MODE_KINDS];
    unsigned kinds[MODES * MODE_KINDS];
    char text[MODES_COLUMN_BYTES], key[MODES_COLUMN_BYTES];
    json_t *list = json_array();
    const uint32_t count = find_columns(sides, kinds, modes);
    for (uint32_t i = 0; i < count; i++) {
        json_t *column = json_pack(
            "{s:s, s:s, s:s}", "column", modes_format_column(text, modes, sides[i], kinds[i]),
            "mode", sides[i] == MODE_A ? "a" : "b", "requests", kind_names[kinds[i]]);
        for (size_t row = 0; row < MODE_PERCENTILES; row++) {
            const double value = modes_matrix_ms(&modes->modes[sides[i]], kinds[i], row);
            snprintf(key, sizeof key, "p%g_ms", mode_percentiles[row]);
            (void)json_object_set_new(column, key, number(value));
        }
        (void)json_array_append_new(list, column);
    }
    return list;
}

/* ---- all of it ---- */

void modes_write_text(struct output *out, const struct modes *modes)
{
    const struct table table = {.state = modes,
                                .column_count = COLUMN_COUNT,
                                .row_count = line_count(modes),
                                .heading = fill_heading,
                                .row = fill_row};
    char verdict[VERDICT_BYTES];
    for (int side = 0; side < MODES; side++)
        output_printf(out, "%s: %s\n", PRINTABLE(modes->modes[side].name),
                      PRINTABLE(modes->modes[side].text));
    output_printf(out, "%u runs of each, by turns\n\n", modes->planned);
    if (modes->compared) {
        table_write(out, &table);
        output_printf(out, "\n");
        write_matrix(out, modes);
    }
    write_doubts(out, modes);
    output_printf(out, "Verdict: %s\n", format_verdict(verdict, modes));
    output_printf(out,
                  "Means of runs. Latencies: from the moment a user had the request, or the "
                  "schedule's, to its reply. Intervals are of a row by itself; answers hold with "
                  "%.4g %% confidence over all rows "
                  "together, by the statistics of volley compare.\n",
                  100 * modes->wishes.confidence);
}

/* ---- Markdown ---- */

void modes_write_markdown(struct output *out, const struct modes *modes)
{
    char a[UNITS_REAL_BYTES], b[UNITS_REAL_BYTES], difference[UNITS_REAL_BYTES + 1];
    char change[40], interval[60], p[20], verdict[VERDICT_BYTES];
    output_printf(out, "# Comparison of modes\n\n");
    for (int side = 0; side < MODES; side++) {
        output_printf(out, "- ");
        markdown_write_text(out, modes->modes[side].name);
        output_printf(out, ": ");
        markdown_write_text(out, modes->modes[side].text);
        output_printf(out, "\n");
    }
    output_printf(out, "- %u runs of each, by turns\n\n", modes->planned);
    if (modes->compared)
        output_printf(out,
                      "| Figure | A | B | A - B | Change | %.4g %% interval | p | A is |\n"
                      "|---|---:|---:|---:|---:|---:|---:|---|\n",
                      100 * modes->wishes.confidence);
    for (uint32_t i = 0; i < line_count(modes); i++) {
        const struct line line = line_at(modes, i);
        output_printf(out, "| %s | %s | %s | %s | %s | %s | %s | %s |\n", line.name,
                      format_mean(a, sizeof a, line.means[MODE_A], line.decimals),
                      format_mean(b, sizeof b, line.means[MODE_B], line.decimals),
                      format_difference(difference, sizeof difference, &line),
                      format_change(change, sizeof change, &line),
                      format_interval(interval, sizeof interval, &line),
                      format_p(p, sizeof p, line.p), line.answer);
    }
    if (modes->compared)
        write_matrix_markdown(out, modes);
    output_printf(out, "\n**Verdict:** ");
    markdown_write_text(out, format_verdict(verdict, modes));
    output_printf(out, "\n");
}

/* ---- JSON ---- */

static json_t *run_json(const struct mode_run *run)
{
    json_t *times = json_object();
    for (unsigned figure = RECORD_P50; figure <= RECORD_P99; figure++)
        (void)json_object_set_new(times, record_figure_name((enum record_figure)figure),
                                  number(run->figures_ms[figure]));
    return json_pack("{s:f, s:f, s:f, s:f, s:o, s:s, s:b, s:o}", "seconds", run->seconds,
                     "requests_per_second", run->rate, "messages_per_minute", 60 * run->rate,
                     "error_percent", run->error_percent, "latency", times, "verdict",
                     verdict_level_name(run->verdict), "counts", modes_run_counts(run), "error",
                     capacity_json_error(run->mishap));
}

static json_t *mode_json(const struct mode *mode)
{
    json_t *runs = json_array();
    for (uint32_t i = 0; i < mode->count; i++)
        (void)json_array_append_new(runs, run_json(&mode->runs[i]));
    return json_pack("{s:o, s:o, s:I, s:o}", "name", json_value_text(mode->name), "text",
                     json_value_text(mode->text), "counted", (json_int_t)mode->counted, "runs",
                     runs);
}

static json_t *errors_json(const struct modes *modes)
{
    const struct line line = modes->compared ? line_of_errors(modes)
                                             : (struct line){.means = {NAN, NAN},
                                                             .difference = NAN,
                                                             .low = NAN,
                                                             .high = NAN,
                                                             .p = NAN,
                                                             .answer = "cannot tell"};
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:s}", "a_percent", number(line.means[MODE_A]),
                     "b_percent", number(line.means[MODE_B]), "difference", number(line.difference),
                     "low", number(line.low), "high", number(line.high), "p_corrected",
                     number(line.p), "answer", line.answer);
}

json_t *modes_document(const struct modes *modes, const struct session_facts *session,
                       const struct run_facts *run)
{
    json_t *root = capacity_json_root(MODES_SCHEMA, session, run), *rows = json_array();
    char verdict[VERDICT_BYTES];
    for (size_t i = 0; i < modes->comparison.count && modes->compared; i++)
        (void)json_array_append_new(
            rows, comparison_row_json(&modes->comparison, &modes->comparison.rows[i]));
    json_t *members =
        json_pack("{s:o, s:o, s:I, s:b, s:o, s:f, s:f, s:b, s:o, s:o, s:o, s:o}", "a",
                  mode_json(&modes->modes[MODE_A]), "b", mode_json(&modes->modes[MODE_B]),
                  "planned", (json_int_t)modes->planned, "interrupted", modes->interrupted, "error",
                  capacity_json_error(modes->error), "confidence", modes->wishes.confidence,
                  "threshold", modes->wishes.threshold, "regressed", modes->comparison.regressed,
                  "rows", rows, "errors", errors_json(modes), "latency_matrix", matrix_json(modes),
                  "verdict", json_value_text(format_verdict(verdict, modes)));
    return capacity_json_document(root, members);
}
