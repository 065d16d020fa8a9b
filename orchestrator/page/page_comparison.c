#include "orchestrator/page/page_comparison.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/units.h"
#include "orchestrator/page/page_curve.h"
#include "orchestrator/page/page_modes.h"
#include "orchestrator/page/page_state.h"
#include "orchestrator/report/student.h"

static const struct {
    const char *answer, *caption, *sign; /* as of rows, for people, beside the colour */
} answers[] = {{"faster", "faster", "&#9650;"},
               {"slower", "slower", "&#9660;"},
               {"same", "the same", "&#9632;"},
               {"cannot_tell", "cannot be told", "&#9675;"},
               {"one_sided", "on one side only", "&#8211;"},
               {"missing", "not known", "&#8211;"}};
#define ANSWERS (sizeof answers / sizeof answers[0])

static const char *const side_names[2] = {"base", "other"};

static const char *name_of(const json_t *comparison, int side)
{
    return page_curve_text(json_object_get(comparison, side_names[side]), "name");
}

static double count_of(const json_t *object, const char *key)
{
    const double count = page_curve_real(object, key);
    return count > 0 ? count : 0;
}

void page_comparison_put_interval(json_t *side, double confidence)
{
    const double runs = count_of(side, "runs"), mean = page_curve_real(side, "mean");
    const double deviation = page_curve_real(side, "stdev");
    if (!(runs > 1))
        return;
    const double half = student_point(1 - (1 - confidence) / 2, runs - 1) * deviation / sqrt(runs);
    if (!isfinite(half) || !isfinite(mean))
        return;
    json_object_set_new(side, "low", json_real(mean - half));
    json_object_set_new(side, "high", json_real(mean + half));
}

static bool is_of_modes(const json_t *comparison)
{
    return json_object_get(comparison, "modes") != NULL;
}

/* ---- the top ---- */

static void put_counts(struct output *out, const json_t *comparison)
{
    const json_t *counts = json_object_get(comparison, "answers");
    output_printf(out, "<div class=\"numbers\">\n");
    for (size_t i = 0; i < ANSWERS; i++)
        page_html_number(out, answers[i].caption,
                         UNITS_GROUPED((uint64_t)count_of(counts, answers[i].answer)), "");
    output_printf(out, "</div>\n");
}

/* What volley said of the runs, where not all of them are GREEN. */
static void put_doubts(struct output *out, const json_t *comparison, int side)
{
    const json_t *of = json_object_get(comparison, side_names[side]);
    const json_t *verdicts = json_object_get(of, "verdicts");
    if (!(count_of(verdicts, "AMBER") + count_of(verdicts, "RED") > 0))
        return;
    output_printf(out, "<p class=\"cut\">Of %.0f runs of ", count_of(of, "runs"));
    page_html_text(out, name_of(comparison, side));
    output_printf(out,
                  " %.0f are GREEN, %.0f AMBER and %.0f RED: what is not GREEN is not the server's "
                  "alone.</p>\n",
                  count_of(verdicts, "GREEN"), count_of(verdicts, "AMBER"),
                  count_of(verdicts, "RED"));
}

/* ---- the table ---- */

static bool is_apart(const json_t *rows)
{
    size_t i;
    const json_t *row;
    json_array_foreach(rows, i, row) if (page_curve_text(row, "apart")[0] != '\0') return true;
    return false;
}

static void put_heading(struct output *out, const json_t *comparison, bool apart)
{
    output_printf(out, "<thead><tr><th>answer<th>command<th>metric");
    if (!is_of_modes(comparison)) /* whose runs are all alike in these */
        output_printf(out, "<th class=\"number\">pipeline<th class=\"number\">io_threads");
    if (apart)
        output_printf(out, "<th>configuration");
    for (int side = 0; side < 2; side++) {
        output_printf(out, "<th class=\"number\">");
        page_html_text(out, name_of(comparison, side));
    }
    output_printf(out, "<th class=\"number\">change<th class=\"number\">p</tr></thead>\n");
}

static void put_answer(struct output *out, const json_t *row)
{
    const char *answer = page_curve_text(row, "answer"),
               *text = page_curve_text(row, "answer_text");
    size_t i = 0;
    while (i + 1 < ANSWERS && strcmp(answers[i].answer, answer) != 0)
        i++;
    output_printf(out, "<td><i class=\"answer %s\">%s</i> ", answers[i].answer, answers[i].sign);
    page_html_text(out, text);
}

static void put_cell(struct output *out, const char *start, const char *text)
{
    output_printf(out, "%s", start);
    page_html_text(out, text[0] != '\0' ? text : "-");
}

static void put_side(struct output *out, const json_t *side)
{
    const double runs = count_of(side, "runs"), mean = page_curve_real(side, "mean");
    if (!(runs > 0) || isnan(mean)) {
        output_printf(out, "<td class=\"number muted\">n/a");
        return;
    }
    output_printf(out, "<td class=\"number\">%.3f", mean);
    if (runs > 1)
        output_printf(out, " <span class=\"unit\">n=%.0f, &#963;=%.3f, CV=%.1f%%</span>", runs,
                      page_curve_real(side, "stdev"), page_curve_real(side, "cv_percent"));
    if (!isnan(page_curve_real(side, "merged")))
        output_printf(out, "<span class=\"unit\">%s merged %.3f</span>", runs > 1 ? "," : "",
                      page_curve_real(side, "merged"));
}

static void put_row(struct output *out, const json_t *row, size_t number, bool apart, bool modes)
{
    const double change = page_curve_real(row, "change_percent");
    const double p = page_curve_real(row, "p_corrected");
    output_printf(out, "<tr data-row=\"%zu\">", number);
    put_answer(out, row);
    put_cell(out, "<td>", page_curve_text(row, "command"));
    put_cell(out, "<td>", page_curve_text(row, "metric"));
    if (!modes) {
        put_cell(out, "<td class=\"number\">", page_curve_text(row, "pipeline"));
        put_cell(out, "<td class=\"number\">", page_curve_text(row, "io_threads"));
    }
    if (apart)
        put_cell(out, "<td>", page_curve_text(row, "apart"));
    for (int side = 0; side < 2; side++)
        put_side(out, json_object_get(row, side_names[side]));
    output_printf(out,
                  isnan(change) ? "<td class=\"number muted\">n/a" : "<td class=\"number\">%+.3f%%",
                  change);
    if (isnan(p))
        output_printf(out, "<td class=\"number muted\">n/a");
    else if (p < 1e-4)
        output_printf(out, "<td class=\"number\">&lt; 0.0001");
    else
        output_printf(out, "<td class=\"number\">%.4f", p);
    output_printf(out, "</tr>\n");
}

void page_comparison_html(struct output *out, const json_t *comparison)
{
    const json_t *rows = json_object_get(comparison, "rows"), *row;
    const bool apart = is_apart(rows);
    size_t i;
    const double left_out = count_of(comparison, "rows_left_out");
    if (is_of_modes(comparison))
        page_modes_html(out, comparison);
    else
        put_counts(out, comparison);
    for (int side = 0; side < 2; side++)
        put_doubts(out, comparison, side);
    if (left_out > 0)
        output_printf(out,
                      "<p class=\"cut\">%.0f of the rows are left out, those whose difference is "
                      "the least sure; all are in the Markdown and in the JSON.</p>\n",
                      left_out);
    output_printf(out, "<div class=\"scroll points\" tabindex=\"0\">\n<table id=\"answers\">\n");
    put_heading(out, comparison, apart);
    output_printf(out, "<tbody>\n");
    json_array_foreach(rows, i, row) put_row(out, row, i, apart, is_of_modes(comparison));
    output_printf(out, "</tbody></table>\n</div>\n");
}

/* ---- the end ---- */

static void put_differences(struct output *out, const json_t *comparison)
{
    const json_t *rows = json_object_get(comparison, "differences"), *row;
    size_t i;
    if (json_array_size(rows) == 0) {
        output_printf(out, "<p>Nothing else is known to differ.</p>\n");
        return;
    }
    output_printf(out, "<h2>What else differs</h2>\n");
    page_html_scroll(out, "", "what else differs");
    output_printf(out, "<table class=\"rows\">\n<tr><th>what");
    for (int side = 0; side < 2; side++)
        put_cell(out, "<th>", name_of(comparison, side));
    output_printf(out, "</tr>\n");
    json_array_foreach(rows, i, row)
    {
        put_cell(out, "<tr><td>", page_curve_text(row, "what"));
        for (int side = 0; side < 2; side++)
            put_cell(out, "<td class=\"text\">", page_curve_text(row, side_names[side]));
        output_printf(out, "</tr>\n");
    }
    output_printf(out, "</table></div>\n");
}

static bool has_merged(const json_t *comparison)
{
    size_t i;
    const json_t *row;
    json_array_foreach(
        json_object_get(comparison, "rows"), i,
        row) if (!isnan(page_curve_real(json_object_get(row, "base"), "merged"))) return true;
    return false;
}

/* Configuration that all rows have alike is told once. */
static void put_configuration(struct output *out, const json_t *comparison)
{
    json_t *row = json_array_get(json_object_get(comparison, "rows"), 0);
    json_t *configuration = json_object_get(row, "configuration"), *value;
    const char *key;
    if (json_object_size(configuration) == 0)
        return;
    output_printf(out, "<details><summary>Configuration of the first row</summary>\n");
    page_html_scroll(out, "", "configuration of the first row");
    output_printf(out, "<table class=\"rows\">\n");
    json_object_foreach(configuration, key, value)
    {
        put_cell(out, "<tr><td>", key);
        put_cell(out, "<td class=\"text\">", page_curve_text(configuration, key));
        output_printf(out, "</tr>\n");
    }
    output_printf(out, "</table></div></details>\n");
}

void page_comparison_html_end(struct output *out, const json_t *comparison)
{
    const double confidence = 100 * page_curve_real(comparison, "confidence");
    const double threshold = 100 * page_curve_real(comparison, "threshold");
    if (is_of_modes(comparison))
        page_modes_html_runs(out, comparison);
    else
        put_differences(out, comparison);
    put_configuration(out, comparison);
    output_printf(
        out,
        "<h2>How it is compared</h2>\n<p>Means by Welch's t, which allows for different variances; "
        "what it calls different has to be different by ranks, too (Mann and Whitney). Answers "
        "hold "
        "with %.4g %% confidence over all rows together: p is corrected by Holm. The interval "
        "beside an answer is that of its row alone. The same is what surely lies within %.4g %% "
        "of the first. This is about chance from run to run: of what stays the same over all runs "
        "of a side, as another machine or build, it says nothing.</p>\n",
        confidence, threshold);
    if (has_merged(comparison))
        output_printf(out, "<p>Of percentiles the values are means of those of the runs, which "
                           "answers are made of; merged are those of all requests of the runs "
                           "together, read from their merged histograms.</p>\n");
    if (page_curve_text(comparison, "command_line")[0] == '\0')
        return;
    output_printf(out, "<h2>Command line</h2>\n");
    page_html_scroll(out, "", "command line");
    output_printf(out, "<pre>");
    page_html_text(out, page_curve_text(comparison, "command_line"));
    output_printf(out, "</pre></div>\n");
}
