#include "orchestrator/page/page_history.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/units.h"
#include "orchestrator/page/page_curve.h"
#include "orchestrator/page/page_state.h"

static void put_cell(struct output *out, const char *start, const char *text)
{
    output_printf(out, "%s", start);
    page_html_text(out, text[0] != '\0' ? text : "-");
}

/* "512,345", "1.234". */
static void put_figure(struct output *out, double value)
{
    if (!isfinite(value))
        output_printf(out, "<td class=\"number muted\">n/a");
    else if (fabs(value) >= 1000)
        output_printf(out, "<td class=\"number\">%s%s", value < 0 ? "-" : "",
                      UNITS_GROUPED((uint64_t)llround(fabs(value))));
    else
        output_printf(out, "<td class=\"number\">%.4g", value);
}

static size_t count_changes(const json_t *history)
{
    size_t i, count = 0;
    const json_t *one;
    json_array_foreach(json_object_get(history, "series"), i, one) count +=
        json_array_size(json_object_get(one, "changes"));
    return count;
}

/* ---- the top ---- */

static void put_change(struct output *out, const json_t *series, const json_t *change)
{
    const bool worse = json_is_true(json_object_get(change, "worse"));
    output_printf(out, "<tr>");
    put_cell(out, "<td>", page_curve_text(change, "date"));
    put_cell(out, "<td>", page_curve_text(change, "commit"));
    put_cell(out, "<td>", page_curve_text(series, "command"));
    put_cell(out, "<td>", page_curve_text(series, "configuration"));
    output_printf(out, "<td><i class=\"answer %s\">%s</i> %s by %.1f %%",
                  worse ? "slower" : "faster", worse ? "&#9660;" : "&#9650;",
                  worse ? "worse" : "better", fabs(page_curve_real(change, "change_percent")));
    put_figure(out, page_curve_real(change, "before"));
    put_figure(out, page_curve_real(change, "after"));
    output_printf(out, "<td class=\"number\">%.1g</tr>\n", page_curve_real(change, "p"));
}

static void put_changes(struct output *out, const json_t *history)
{
    size_t i, k;
    const json_t *series, *change;
    if (count_changes(history) == 0) {
        output_printf(out, "<p>No configuration has gone to another level.</p>\n");
        return;
    }
    page_html_scroll(out, "", "changes of level");
    output_printf(out, "<table id=\"changes\" "
                       "class=\"rows\"><thead><tr><th>since<th>commit<th>command<th>configuration"
                       "<th>change<th class=\"number\">before<th class=\"number\">after<th "
                       "class=\"number\">p</tr></thead>\n<tbody>\n");
    json_array_foreach(json_object_get(history, "series"), i, series)
        json_array_foreach(json_object_get(series, "changes"), k, change)
            put_change(out, series, change);
    output_printf(out, "</tbody></table></div>\n");
}

void page_history_html(struct output *out, const json_t *history)
{
    const double left_out = page_curve_real(history, "series_left_out");
    const double commits_left_out = page_curve_real(history, "commits_left_out");
    output_printf(out, "<p>");
    page_html_text(out, page_curve_text(history, "metric"));
    if (page_curve_text(history, "alike")[0] != '\0') {
        output_printf(out, " &#183; all with ");
        page_html_text(out, page_curve_text(history, "alike"));
    }
    output_printf(out, "</p>\n<div class=\"numbers\">\n");
    page_html_number(out, "configurations",
                     UNITS_GROUPED((uint64_t)json_array_size(json_object_get(history, "series"))),
                     "");
    page_html_number(out, "changes of level", UNITS_GROUPED((uint64_t)count_changes(history)), "");
    page_html_number(out, "records", UNITS_GROUPED((uint64_t)page_curve_real(history, "records")),
                     "");
    output_printf(out, "</div>\n");
    if (left_out > 0)
        output_printf(out,
                      "<p class=\"cut\">%.0f configurations are left out, of those that have not "
                      "changed, or whose last change is the oldest.</p>\n",
                      left_out);
    if (commits_left_out > 0)
        output_printf(out,
                      "<p class=\"cut\">%.0f commits are left out, the oldest of their "
                      "configurations; changes were looked for among all of them.</p>\n",
                      commits_left_out);
    put_changes(out, history);
}

/* ---- the end ---- */

static const json_t *last_commit(const json_t *series)
{
    const json_t *commits = json_object_get(series, "commits");
    const size_t count = json_array_size(commits);
    return count > 0 ? json_array_get(commits, count - 1) : NULL;
}

/* A commit is [date, name, mean, runs, deviation, red]. */
static void put_series(struct output *out, const json_t *series)
{
    const json_t *last = last_commit(series);
    const char *date = json_string_value(json_array_get(last, 0));
    const char *name = json_string_value(json_array_get(last, 1));
    put_cell(out, "<tr><td>", page_curve_text(series, "command"));
    put_cell(out, "<td>", page_curve_text(series, "configuration"));
    output_printf(out, "<td class=\"number\">%zu",
                  json_array_size(json_object_get(series, "commits")));
    put_cell(out, "<td>", date != NULL ? date : "");
    put_cell(out, "<td>", name != NULL ? name : "");
    put_figure(out, json_number_value(json_array_get(last, 2)));
    output_printf(out, "<td class=\"number\">%.0f</tr>\n",
                  json_number_value(json_array_get(last, 3)));
}

void page_history_html_end(struct output *out, const json_t *history)
{
    size_t i;
    const json_t *series;
    output_printf(out, "<h2>The newest commits</h2>\n");
    page_html_scroll(out, "", "the newest commits");
    output_printf(out, "<table class=\"rows\"><thead><tr><th>command<th>configuration<th "
                       "class=\"number\">commits<th>"
                       "newest<th>commit<th class=\"number\">mean<th class=\"number\">runs</tr>"
                       "</thead>\n<tbody>\n");
    json_array_foreach(json_object_get(history, "series"), i, series) put_series(out, series);
    output_printf(out, "</tbody></table></div>\n");
    output_printf(
        out,
        "<h2>How changes are found</h2>\n<p>A commit begins another level where the ranks of the "
        "figures before and behind it differ more than chance would make any place of the series "
        "differ in %.4g %% of series without a change (Mann and Whitney's statistic; Miller and "
        "Siegmund's probability of the largest of many). Levels have five commits at least, so "
        "that "
        "the newest four tell nothing yet. Figures of a level are medians. What drifts with the "
        "machine is marked, too.</p>\n<h2>Command line</h2>\n",
        100 * page_curve_real(history, "alpha"));
    page_html_scroll(out, "", "command line");
    output_printf(out, "<pre>");
    page_html_text(out, page_curve_text(history, "command_line"));
    output_printf(out, "</pre></div>\n");
}
