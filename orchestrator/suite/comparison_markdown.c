#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/printable.h"
#include "orchestrator/page/page_leaves.h"
#include "orchestrator/report/verdict.h"
#include "orchestrator/suite/comparison_merged.h"
#include "orchestrator/suite/comparison_report.h"

#define SECTION_LINE_BYTES 4200u

/* A text in a cell, or beside a bullet: no markup, and no cell of its own. A _ within a word is no markup. */
static void write_clean(struct output *output, const char *text)
{
    for (const char *at = text; *at != '\0'; at++) {
        const bool within = *at == '_' && at > text && isalnum((unsigned char)at[-1]) != 0 &&
                            isalnum((unsigned char)at[1]) != 0;
        if (!within && strchr("\\`*_{}[]<>|#~&", *at) != NULL)
            output_printf(output, "\\");
        output_write(output, *at == '\n' ? " " : at, 1);
    }
}

static void write_text(struct output *output, const char *text)
{
    char *clean = strdup(text);
    write_clean(output, clean != NULL ? printable_line(clean) : "");
    free(clean);
}

static void write_cell(struct output *output, const char *text)
{
    output_printf(output, " ");
    write_text(output, text[0] != '\0' ? text : "-");
    output_printf(output, " |");
}

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

static void write_row(struct output *output, const struct comparison *comparison,
                      const struct comparison_row *row, bool merged)
{
    char answer[COMPARISON_ANSWER_BYTES];
    output_printf(output, "|");
    write_cell(output, row->of->command);
    output_printf(output, " %s |", record_figure_name(row->figure));
    write_cell(output, row->of->pipeline);
    write_cell(output, row->of->io_threads);
    write_side(output, &row->sides[0]);
    write_side(output, &row->sides[1]);
    if (isnan(row->change))
        output_printf(output, " n/a | n/a |");
    else
        output_printf(output, " %.3f | %+.3f%% |", row->sides[1].mean - row->sides[0].mean,
                      100 * row->change);
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
        write_text(output, line);
        output_printf(output, "\n");
        section += bytes + (section[bytes] == '\n');
    }
    output_printf(output, "\n");
}

static void write_table_head(struct output *output, const struct comparison *comparison,
                             bool merged)
{
    output_printf(output, "| Command | Metric | Pipeline | io_threads |");
    write_cell(output, comparison->sets[0]->name);
    write_cell(output, comparison->sets[1]->name);
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
        write_cell(output, comparison->sets[0]->name);
        write_cell(output, comparison->sets[1]->name);
        output_printf(output, "\n|---|---|---|\n");
    }
    json_array_foreach(differing, i, row)
    {
        output_printf(output, "|");
        write_cell(output, json_string_value(json_object_get(row, "what")));
        write_cell(output, json_string_value(json_object_get(row, names[0])));
        write_cell(output, json_string_value(json_object_get(row, names[1])));
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
    write_text(output, set->name);
    output_printf(output,
                  " %zu are GREEN, %zu AMBER and %zu RED: what is not GREEN is not the server's "
                  "alone.\n\n",
                  counts[VERDICT_GREEN], counts[VERDICT_AMBER], counts[VERDICT_RED]);
}

static void write_summary(struct output *output, const struct comparison *comparison)
{
    const struct comparison_wishes *wishes = &comparison->wishes;
    const size_t *answers = comparison->answers;
    output_printf(output,
                  "%zu rows: %zu faster, %zu slower, %zu the same, %zu cannot be told, %zu on one "
                  "side only.\n\n",
                  comparison->count, answers[ANSWER_FASTER], answers[ANSWER_SLOWER],
                  answers[ANSWER_SAME], answers[ANSWER_CANNOT_TELL], answers[ANSWER_ONE_SIDED]);
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
    write_text(output, comparison->sets[0]->name);
    output_printf(output, " vs ");
    write_text(output, comparison->sets[1]->name);
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
