#include <math.h>
#include <string.h>

#include "orchestrator/page/page_leaves.h"
#include "orchestrator/report/markdown.h"
#include "orchestrator/report/verdict.h"
#include "orchestrator/suite/comparison_merged.h"
#include "orchestrator/suite/comparison_report.h"

#define SECTION_LINE_BYTES 4200u

/* As valkey-perf-benchmark writes it. */
static void write_side(struct output *output, const struct comparison_side *side)
{
    if (side->count == 0)
        output_printf(output, " n/a |");
    else if (side->count == 1)
        output_printf(output, " %.3f |", side->mean);
    else
        output_printf(output, " %.3f (n=%zu, \u03c3=%.3f, CV=%.1f%%) |", side->mean, side->count,
                      side->deviation, side->cv_percent);
}

/* Both sides; merged: the table has that column. */
static void write_merged(struct output *output, const struct comparison_row *row, bool merged)
{
    if (!merged)
        return;
    if (isnan(comparison_merged(row, 0)))
        output_printf(output, " n/a |");
    else
        output_printf(output, " %.3f, %.3f |", comparison_merged(row, 0),
                      comparison_merged(row, 1));
}

/* What rounding to three decimals leaves nothing of has no sign either. */
static double shown(double value)
{
    return fabs(value) < 0.0005 ? 0 : value;
}

static void write_row(struct output *output, const struct comparison *comparison,
                      const struct comparison_row *row, bool merged)
{
    char answer[COMPARISON_ANSWER_BYTES];
    output_printf(output, "|");
    markdown_write_cell(output, row->of->command);
    output_printf(output, " %s |", record_figure_name(row->figure));
    markdown_write_cell(output, row->of->pipeline);
    markdown_write_cell(output, row->of->io_threads);
    write_side(output, &row->sides[0]);
    write_side(output, &row->sides[1]);
    if (isnan(row->change))
        output_printf(output, " n/a | n/a |");
    else
        output_printf(output, " %.3f | %+.3f%% |", shown(row->sides[1].mean - row->sides[0].mean),
                      shown(100 * row->change));
    comparison_answer_format(answer, comparison, row);
    output_printf(output, " %s |", answer);
    write_merged(output, row, merged);
    output_printf(output, "\n");
}

static void write_configuration(struct output *output, const char *section)
{
    if (section[0] == '\0')
        return;
    output_printf(output, "**Configuration:**\n\n");
    while (*section != '\0') {
        char line[SECTION_LINE_BYTES];
        const size_t bytes = strcspn(section, "\n");
        snprintf(line, sizeof line, "%.*s", (int)bytes, section);
        output_printf(output, "- ");
        markdown_write_text(output, line);
        output_printf(output, "\n");
        section += bytes + (section[bytes] == '\n');
    }
    output_printf(output, "\n");
}

static void write_table_head(struct output *output, const struct comparison *comparison,
                             bool merged)
{
    output_printf(output, "| Command | Metric | Pipeline | io_threads |");
    markdown_write_cell(output, comparison->sets[0]->name);
    markdown_write_cell(output, comparison->sets[1]->name);
    output_printf(output,
                  " Diff | %% Change | Answer |%s\n"
                  "|---|---|---|---|---|---|---|---|---|%s\n",
                  merged ? " Merged |" : "", merged ? "---|" : "");
}

static void write_differences(struct output *output, const struct comparison *comparison)
{
    json_t *const trees[2] = {comparison->sets[0]->environment, comparison->sets[1]->environment};
    static const char *const names[2] = {"base", "other"};
    json_t *differing = page_leaves_differing(trees, names, 2);
    size_t i;
    const json_t *row;
    if (json_array_size(differing) > 0) {
        output_printf(output, "\n**What else differs:**\n\n| What |");
        markdown_write_cell(output, comparison->sets[0]->name);
        markdown_write_cell(output, comparison->sets[1]->name);
        output_printf(output, "\n|---|---|---|\n");
    }
    json_array_foreach(differing, i, row)
    {
        output_printf(output, "|");
        markdown_write_cell(output, json_string_value(json_object_get(row, "what")));
        markdown_write_cell(output, json_string_value(json_object_get(row, names[0])));
        markdown_write_cell(output, json_string_value(json_object_get(row, names[1])));
        output_printf(output, "\n");
    }
    json_decref(differing);
}

/* What volley itself said of the runs, where not all of them are GREEN. */
static void write_verdicts(struct output *output, const struct record_set *set)
{
    size_t counts[VERDICT_RED + 1];
    record_set_verdicts(counts, set);
    if (counts[VERDICT_AMBER] + counts[VERDICT_RED] == 0)
        return;
    output_printf(output, "Of %zu runs of ", set->count);
    markdown_write_text(output, set->name);
    output_printf(output,
                  " %zu are GREEN, %zu AMBER and %zu RED: what is not GREEN is not the server's "
                  "alone.\n\n",
                  counts[VERDICT_GREEN], counts[VERDICT_AMBER], counts[VERDICT_RED]);
}

static void write_summary(struct output *output, const struct comparison *comparison)
{
    const struct comparison_wishes *wishes = &comparison->wishes;
    const size_t *answers = comparison->answers;
    char missing[60] = "";
    if (answers[ANSWER_MISSING] > 0)
        snprintf(missing, sizeof missing, ", %zu not known", answers[ANSWER_MISSING]);
    output_printf(output,
                  "%zu rows: %zu faster, %zu slower, %zu the same, %zu cannot be told, %zu on one "
                  "side only%s.\n\n",
                  comparison->count, answers[ANSWER_FASTER], answers[ANSWER_SLOWER],
                  answers[ANSWER_SAME], answers[ANSWER_CANNOT_TELL], answers[ANSWER_ONE_SIDED],
                  missing);
    for (int side = 0; side < 2; side++)
        write_verdicts(output, comparison->sets[side]);
    output_printf(output,
                  "Answers hold with %.4g %% confidence over all rows together (Welch's t, "
                  "corrected by Holm, and not against ranks); the same is what lies within %.4g %% "
                  "of the first.\n\n",
                  100 * wishes->confidence, 100 * wishes->threshold);
    if (comparison_has_merged(comparison))
        output_printf(output,
                      "Of percentiles the values are means of those of the runs, which answers are "
                      "made of; under Merged are those of all requests of the runs together, read "
                      "from their merged histograms, of both sides.\n\n");
}

void comparison_write_markdown(struct output *output, const struct comparison *comparison)
{
    const struct comparison_wishes *wishes = &comparison->wishes;
    const bool merged = comparison_has_merged(comparison);
    const char *section = NULL;
    output_printf(output, "# %sBenchmark Comparison: ",
                  !wishes->latencies ? "RPS "
                  : !wishes->rates   ? "Latency "
                                     : "");
    markdown_write_text(output, comparison->sets[0]->name);
    output_printf(output, " vs ");
    markdown_write_text(output, comparison->sets[1]->name);
    output_printf(output, "\n\n");
    write_summary(output, comparison);
    for (size_t i = 0; i < comparison->count; i++) {
        const struct comparison_row *row = &comparison->rows[i];
        if (section == NULL || strcmp(section, row->of->section) != 0) {
            output_printf(output, "%s", section == NULL ? "" : "\n");
            section = row->of->section;
            write_configuration(output, section);
            write_table_head(output, comparison, merged);
        }
        write_row(output, comparison, row, merged);
    }
    write_differences(output, comparison);
}
