/* What people read of a page without a script: verdict, five numbers, tables, the report as text. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "common/printable.h"
#include "common/units.h"
#include "orchestrator/page/page_comparison.h"
#include "orchestrator/page/page_curve.h"
#include "orchestrator/page/page_history.h"
#include "orchestrator/page/page_leaves.h"
#include "orchestrator/page/page_live.h"
#include "orchestrator/page/page_modes.h"
#include "orchestrator/page/page_state.h"

/* Enough to be read; the script's own style goes beyond it. Nothing is loaded from anywhere, and nothing may be. */
static const char head[] =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src "
    "'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:\">\n"
    "<style>\n:root{color-scheme:light dark;--cover:Canvas;--shade:rgb(128 128 128 / .55)}\n"
    "body{font-family:system-ui,\"DejaVu Sans\",sans-serif;margin:1rem;overflow-wrap:anywhere}\n"
    "table{border-collapse:collapse}\nth,td{text-align:left;padding:.2rem .6rem}\n"
    /* A shade at each edge beyond which there is more: what covers it moves with the table. */
    ".scroll{max-width:100%;overflow-x:auto;background:"
    "linear-gradient(90deg,var(--cover) 40%,transparent) 0 0/48px 100% local,"
    "linear-gradient(270deg,var(--cover) 40%,transparent) 100% 0/48px 100% local,"
    "linear-gradient(var(--cover) 40%,transparent) 0 0/100% 48px local,"
    "linear-gradient(0deg,var(--cover) 40%,transparent) 0 100%/100% 48px local,"
    "linear-gradient(90deg,var(--shade),transparent) 0 0/18px 100%,"
    "linear-gradient(270deg,var(--shade),transparent) 100% 0/18px 100%,"
    "linear-gradient(var(--shade),transparent) 0 0/100% 18px,"
    "linear-gradient(0deg,var(--shade),transparent) 0 100%/100% 18px;"
    "background-repeat:no-repeat}\n"
    ".rows{overflow-wrap:break-word}\n"
    ".scroll th,.scroll td{white-space:nowrap;overflow-wrap:normal}\n"
    ".rows th,.rows td{white-space:nowrap}\n.rows td.text{white-space:normal;min-width:14em}\n"
    "td.number,th.number{text-align:right;font-variant-numeric:tabular-nums}\n"
    ".numbers{display:flex;flex-wrap:wrap;gap:1.5rem}\n.numbers b{display:block;font-size:1.6rem}\n"
    ".cut{font-weight:600}\n"
    "@media print{pre{white-space:pre-wrap}.scroll{overflow:visible;background:none}.scroll "
    "td{white-space:normal}"
    ".rows td,.rows td.text{white-space:normal;min-width:0}.rows td.text{overflow-wrap:anywhere}"
    "details::details-content{content-visibility:visible;block-size:auto}}\n"
    "</style>\n";

void page_html_text(struct output *out, const char *text)
{
    for (const char *at = text; *at != '\0';) {
        const size_t bytes = printable_sequence_bytes(at);
        const unsigned char byte = (unsigned char)*at;
        if (bytes == 0) {
            output_printf(out, "\\x%02X", byte);
        } else if (bytes > 1) {
            output_write(out, at, bytes);
        } else if (*at == '&' || *at == '<' || *at == '>' || *at == '"' || *at == '\'') {
            output_printf(out, "&#%u;", byte);
        } else {
            output_write(out, byte < ' ' && byte != '\n' && byte != '\t' ? " " : at, 1);
        }
        at += bytes > 0 ? bytes : 1;
    }
}

void page_html_frame(struct output *out, const char *title)
{
    const char *policy = strstr(head, "<meta http-equiv");
    const char *behind = strstr(policy, "<style>");
    output_write(out, head, (size_t)(policy - head));
    output_printf(out, "%s<title>", behind);
    page_html_text(out, title);
    output_printf(out, "</title>\n</head>\n<body>\n<header>\n<h1>");
    page_html_text(out, title);
    output_printf(out, "</h1>\n");
}

void page_html_head(struct output *out, const char *title)
{
    output_printf(out, "%s<title>", head);
    page_html_text(out, title);
    output_printf(out, "</title>\n</head>\n<body>\n<header>\n<h1>");
    page_html_text(out, title);
    output_printf(out, "</h1>\n");
}

/* ---- The head of a result. ---- */

/* In the unit that fits: "12.3 us", "1.234 ms". Of null: "-". */
const char *page_html_time(char text[48], const json_t *value)
{
    const json_t *bound = json_object_get(value, "at_least_us");
    const double us = json_number_value(bound != NULL ? bound : value);
    const char *more = bound != NULL ? ">= " : "";
    if (bound == NULL && !json_is_number(value))
        snprintf(text, 48, "-");
    else if (us < 1000)
        snprintf(text, 48, "%s%.3g us", more, us);
    else if (us < 1e6)
        snprintf(text, 48, "%s%.4g ms", more, us / 1e3);
    else
        snprintf(text, 48, "%s%.4g s", more, us / 1e6);
    return text;
}

static const char *string_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

static double number_of(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

void page_html_number(struct output *out, const char *caption, const char *value, const char *more)
{
    output_printf(out, "<div class=\"number\"><b>%s</b>%s%s</div>\n", value, caption, more);
}

static void put_numbers(struct output *out, const json_t *run)
{
    char target[64] = "", text[48];
    if (json_is_number(json_object_get(run, "target")))
        snprintf(target, sizeof target, " of %s/s asked for",
                 UNITS_GROUPED((uint64_t)llround(number_of(run, "target"))));
    output_printf(out, "<div class=\"numbers\">\n");
    page_html_number(out, "requests/s",
                     UNITS_GROUPED((uint64_t)llround(number_of(run, "achieved"))), target);
    page_html_number(out, "p50", page_html_time(text, json_object_get(run, "p50")), "");
    page_html_number(out, "p99", page_html_time(text, json_object_get(run, "p99")), "");
    page_html_number(out, "max", page_html_time(text, json_object_get(run, "max")), "");
    page_html_number(out, "errors", UNITS_GROUPED((uint64_t)number_of(run, "errors")), "");
    output_printf(out, "</div>\n");
}

/* Of what has no run. */
static void put_own_numbers(struct output *out, const json_t *numbers)
{
    size_t i;
    const json_t *number;
    if (json_array_size(numbers) == 0)
        return;
    output_printf(out, "<div class=\"numbers\">\n");
    json_array_foreach(numbers, i, number)
    {
        const char *text = json_string_value(json_object_get(number, "value"));
        page_html_number(out, string_of(number, "name"),
                         text != NULL ? text : UNITS_GROUPED((uint64_t)number_of(number, "value")),
                         "");
    }
    output_printf(out, "</div>\n");
}

/* "amber", for a style. */
static const char *class_of(const char *level)
{
    static const char *const words[] = {
        "RED",      "red",   "AMBER", "amber",       "GREEN", "green",   "FAIL",
        "red",      "WARN",  "amber", "PASS",        "green", "NOTHING", "red",
        "NO LIMIT", "amber", "FOUND", "green",       "ERROR", "red",     "UNFINISHED",
        "amber",    "DONE",  "green", "INTERRUPTED", "amber"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i += 2)
        if (strcmp(level, words[i]) == 0)
            return words[i + 1];
    return "none";
}

void page_html_scroll(struct output *out, const char *more, const char *label)
{
    output_printf(out, "<div class=\"scroll%s\" tabindex=\"0\" role=\"group\" aria-label=\"%s\">\n",
                  more, label);
}

void page_html_level(struct output *out, const char *level)
{
    output_printf(out, "<div class=\"verdict verdict-%s\"><b>", class_of(level));
    page_html_text(out, level);
    output_printf(out, "</b> ");
}

/* where: " (1 of 3 runs)", or "". */
static void put_reason(struct output *out, const json_t *reason, const char *where)
{
    output_printf(out, "<li><b>");
    page_html_text(out, string_of(reason, "name"));
    output_printf(out, "</b>%s: ", where);
    page_html_text(out, string_of(reason, "text"));
    if (string_of(reason, "advice")[0] != '\0') {
        output_printf(out, " &#8212; ");
        page_html_text(out, string_of(reason, "advice"));
    }
    output_printf(out, "</li>\n");
}

static void put_more(struct output *out, size_t count)
{
    output_printf(out, "</ul><details><summary>%zu more, AMBER</summary><ul>\n", count);
}

void page_html_reasons(struct output *out, const json_t *reasons, const char *verdict)
{
    size_t i, less = 0;
    const json_t *reason;
    json_array_foreach(reasons, i, reason) less += strcmp(string_of(reason, "level"), verdict) != 0;
    output_printf(out, "<ul>\n");
    for (int pass = 0; pass < (less > 0 ? 2 : 1); pass++) {
        if (pass == 1)
            put_more(out, less);
        json_array_foreach(reasons, i, reason)
        {
            if ((strcmp(string_of(reason, "level"), verdict) != 0) == (pass == 1))
                put_reason(out, reason, "");
        }
    }
    output_printf(out, less > 0 ? "</ul></details></div>\n" : "</ul></div>\n");
}

static void put_verdict(struct output *out, const json_t *run)
{
    page_html_level(out, string_of(run, "verdict"));
    page_html_text(out, string_of(run, "status"));
    page_html_reasons(out, json_object_get(run, "reasons"), string_of(run, "verdict"));
}

static bool is_measured(const json_t *run)
{
    return !json_is_true(json_object_get(run, "prefill"));
}

static bool is_reason(const json_t *reason, const char *name, const char *level)
{
    return strcmp(string_of(reason, "name"), name) == 0 &&
           strcmp(string_of(reason, "level"), level) == 0;
}

/* In how many runs a check of this name is of this level; first: it was not in an earlier one. */
static size_t runs_with(const json_t *runs, const char *name, const char *level, size_t run_index,
                        bool *first)
{
    size_t count = 0, i, k;
    const json_t *run, *reason;
    *first = true;
    json_array_foreach(runs, i, run)
        json_array_foreach(json_object_get(run, "reasons"), k,
                           reason) if (is_measured(run) && is_reason(reason, name, level))
    {
        count++;
        *first = *first && i >= run_index;
    }
    return count;
}

/* Each reason of this level once, as the first of the runs has it; returns how many. out NULL: counts. */
static size_t put_reasons(struct output *out, const json_t *runs, size_t measured,
                          const char *level)
{
    size_t i, k, count = 0;
    const json_t *run, *reason;
    char where[64];
    json_array_foreach(runs, i, run) json_array_foreach(json_object_get(run, "reasons"), k, reason)
    {
        bool first;
        const char *name = string_of(reason, "name");
        const size_t with = runs_with(runs, name, level, i, &first);
        if (!is_measured(run) || !first || !is_reason(reason, name, level))
            continue;
        count++;
        snprintf(where, sizeof where, " (%zu of %zu runs)", with, measured);
        if (out != NULL)
            put_reason(out, reason, where);
    }
    return count;
}

/* The worst level of all runs, and the reasons, those for it first. */
static void put_verdicts(struct output *out, const json_t *runs, size_t measured)
{
    static const char *const levels[] = {"RED", "AMBER", "GREEN"};
    size_t i, k, worst = 2, count[3] = {0, 0, 0};
    const json_t *run;
    json_array_foreach(runs, i,
                       run) for (k = 0; k < 3 && is_measured(run);
                                 k++) if (strcmp(string_of(run, "verdict"), levels[k]) == 0)
    {
        count[k]++;
        worst = k < worst ? k : worst;
    }
    if (measured == 0)
        return;
    page_html_level(out, levels[worst]);
    output_printf(out, "%zu of %zu runs<ul>\n", count[worst], measured);
    put_reasons(out, runs, measured, levels[worst]);
    const size_t less = worst == 0 ? put_reasons(NULL, runs, measured, "AMBER") : 0;
    if (less > 0) {
        put_more(out, less);
        put_reasons(out, runs, measured, "AMBER");
    }
    output_printf(out, less > 0 ? "</ul></details></div>\n" : "</ul></div>\n");
}

/* What the checks of a scenario came to. */
static void put_judgement(struct output *out, const struct page_result *result)
{
    size_t i, passed = 0;
    const json_t *check;
    json_array_foreach(result->checks, i, check) passed +=
        strcmp(string_of(check, "result"), "PASS") == 0;
    if (result->judgement[0] == '\0')
        return;
    page_html_level(out, result->judgement);
    output_printf(out, "%zu of %zu checks hold<ul>\n", passed, json_array_size(result->checks));
    json_array_foreach(result->checks, i, check)
    {
        if (strcmp(string_of(check, "result"), "PASS") == 0)
            continue;
        output_printf(out, "<li><b>");
        page_html_text(out, string_of(check, "result"));
        output_printf(out, "</b> ");
        page_html_text(out, string_of(check, "metric"));
        output_printf(out, string_of(check, "phase")[0] != '\0' ? " " : "");
        page_html_text(out, string_of(check, "phase"));
        output_printf(out, ": ");
        page_html_text(out, string_of(check, "reason"));
        output_printf(out, "</li>\n");
    }
    output_printf(out, "</ul></div>\n");
}

/* Those that were measured; where there are none, prefills. */
static void put_runs(struct output *out, const json_t *runs)
{
    size_t i;
    const json_t *run;
    char text[48];
    bool measured = false;
    json_array_foreach(runs, i, run) measured |= is_measured(run);
    static const char *const figures[] = {"seconds", "asked for/s", "requests/s", "p50",
                                          "p99",     "max",         "errors"};
    page_html_scroll(out, "", "runs");
    output_printf(out, "<table class=\"runs rows\">\n<tr><th>run<th>verdict");
    for (i = 0; i < sizeof figures / sizeof figures[0]; i++)
        output_printf(out, "<th class=\"number\">%s", figures[i]);
    output_printf(out, "</tr>\n");
    json_array_foreach(runs, i, run)
    {
        const bool asked = json_is_number(json_object_get(run, "target"));
        if (measured && !is_measured(run))
            continue;
        output_printf(out, "<tr><td>");
        page_html_text(out, string_of(run, "name"));
        output_printf(out, "%s<td>%s",
                      json_is_true(json_object_get(run, "prefill")) ? " (prefill)" : "",
                      string_of(run, "verdict"));
        output_printf(out, "<td class=\"number\">%.1f", number_of(run, "seconds"));
        output_printf(out, "<td class=\"number\">%s",
                      asked ? UNITS_GROUPED((uint64_t)llround(number_of(run, "target"))) : "");
        output_printf(out, "<td class=\"number\">%s",
                      UNITS_GROUPED((uint64_t)llround(number_of(run, "achieved"))));
        output_printf(out, "<td class=\"number\">%s",
                      page_html_time(text, json_object_get(run, "p50")));
        output_printf(out, "<td class=\"number\">%s",
                      page_html_time(text, json_object_get(run, "p99")));
        output_printf(out, "<td class=\"number\">%s",
                      page_html_time(text, json_object_get(run, "max")));
        output_printf(out, "<td class=\"number\">%s</tr>\n",
                      UNITS_GROUPED((uint64_t)number_of(run, "errors")));
    }
    output_printf(out, "</table></div>\n");
}

static const char *date_text(char text[40], uint64_t wall_ns)
{
    const time_t second = (time_t)(wall_ns / NS_PER_SECOND);
    struct tm utc;
    gmtime_r(&second, &utc);
    strftime(text, 40, "%Y-%m-%d %H:%M:%S UTC", &utc);
    return text;
}

/* A result that is one of several has a name; of a search it is told what it is of. */
static void put_name(struct output *out, const struct page_result *result)
{
    char name[PAGE_CURVE_TITLE_BYTES];
    if (result->comparison != NULL) {
        page_html_text(out, page_modes_name(name, result->comparison));
        return;
    }
    if (result->named || result->curve == NULL)
        page_html_text(out, result->name);
    if (result->named && result->curve != NULL)
        output_printf(out, " &#183; ");
    if (result->curve != NULL)
        page_html_text(out, page_curve_name(name, result->curve));
}

/* Runs that were measured; last: the newest of them, NULL: there is none. */
static size_t count_measured(const json_t *runs, const json_t **last)
{
    size_t i, measured = 0;
    const json_t *run;
    *last = NULL;
    json_array_foreach(runs, i, run) if (is_measured(run))
    {
        measured++;
        *last = run;
    }
    return measured;
}

/* What it is of, where and when, and what of it is missing. */
static void put_origin(struct output *out, const struct page_result *result, const json_t *last)
{
    char date[40];
    size_t i;
    const json_t *notice;
    output_printf(out, "<p>");
    put_name(out, result);
    if (last != NULL) {
        output_printf(out, " &#183; ");
        page_html_text(out, string_of(last, "target_name"));
    }
    output_printf(out, " &#183; %s</p>\n", date_text(date, result->started_wall_ns));
    json_array_foreach(result->notices, i, notice)
    {
        output_printf(out, "<p class=\"cut\">");
        page_html_text(out, json_string_value(notice));
        output_printf(out, "</p>\n");
    }
    if (result->cut)
        output_printf(out, "<p class=\"cut\">The record ends before the run does: this is what "
                           "there is.</p>\n");
}

void page_html_result(struct output *out, const struct page_result *result)
{
    const json_t *last;
    const size_t measured = count_measured(result->runs, &last);
    if (result->history != NULL) {
        page_history_html(out, result->history);
        return;
    }
    if (result->comparison == NULL || measured > 0)
        put_origin(out, result, last);
    if (result->comparison != NULL) {
        page_comparison_html(out, result->comparison);
        return;
    }
    put_judgement(out, result);
    if (result->curve != NULL) {
        page_curve_html(out, result->curve);
        return;
    }
    put_own_numbers(out, result->numbers);
    if (measured == 1) {
        put_verdict(out, last);
        put_numbers(out, last);
        return;
    }
    put_verdicts(out, result->runs, measured);
    if (result->phases == NULL && json_array_size(result->runs) > 0)
        put_runs(out, result->runs);
}

/* ---- Tables. ---- */

/* Long words may be cut in lines, short ones not: where there is no room for all columns, the table scrolls. */
#define SHORT_BYTES 28u
static void put_cell(struct output *out, const char *text)
{
    output_printf(out, strlen(text) > SHORT_BYTES ? "<td class=\"text\">" : "<td>");
    page_html_text(out, text);
}

static void put_tree(struct output *out, const char *caption, json_t *tree)
{
    json_t *leaves = page_leaves(tree), *value;
    const char *path;
    if (json_object_size(leaves) > 0) {
        output_printf(out, "<details><summary>%s</summary>\n", caption);
        page_html_scroll(out, "", caption);
        output_printf(out, "<table class=\"rows\">\n");
        json_object_foreach(leaves, path, value)
        {
            output_printf(out, "<tr>");
            put_cell(out, path);
            put_cell(out, json_string_value(value));
            output_printf(out, "</tr>\n");
        }
        output_printf(out, "</table></div></details>\n");
    }
    json_decref(leaves);
}

static bool has_numbers(const json_t *rows, const char *key)
{
    size_t i;
    const json_t *row;
    json_array_foreach(rows, i, row) if (json_is_number(json_object_get(row, key))) return true;
    return false;
}

/* Rows of members alike. */
static void put_rows(struct output *out, const char *caption, const json_t *rows)
{
    size_t i;
    json_t *row, *cell;
    const char *key;
    if (json_array_size(rows) == 0)
        return;
    output_printf(out, "<h2>%s</h2>\n", caption);
    page_html_scroll(out, "", caption);
    output_printf(out, "<table class=\"rows\">\n<tr>");
    json_object_foreach(json_array_get(rows, 0), key, cell)
    {
        output_printf(out, has_numbers(rows, key) ? "<th class=\"number\">" : "<th>");
        page_html_text(out, key);
    }
    output_printf(out, "</tr>\n");
    json_array_foreach(rows, i, row)
    {
        output_printf(out, "<tr>");
        json_object_foreach(row, key, cell)
        {
            const double number = json_number_value(cell);
            if (json_is_string(cell))
                put_cell(out, json_string_value(cell));
            else
                output_printf(out, json_is_number(cell) ? "<td class=\"number\">" : "<td>");
            if (json_is_number(cell))
                output_printf(out, number > floor(number) ? "%.6g" : "%.10g", number);
            else if (json_is_boolean(cell))
                output_printf(out, json_is_true(cell) ? "yes" : "no");
        }
        output_printf(out, "</tr>\n");
    }
    output_printf(out, "</table></div>\n");
}

void page_html_tables(struct output *out, const struct page_result *result)
{
    if (result->comparison != NULL) {
        page_comparison_html_end(out, result->comparison);
        put_tree(out, "Environment", result->environment);
        put_tree(out, "Options", result->spec);
        return;
    }
    if (result->history != NULL) {
        page_history_html_end(out, result->history);
        return;
    }
    output_printf(out, "<h2>");
    put_name(out, result);
    output_printf(out, "</h2>\n");
    put_rows(out, "Checks", result->checks);
    put_rows(out, "First findings", result->findings);
    put_rows(out, "Phases", result->phases);
    if (result->ratios_left_out)
        output_printf(out, "<p>%s</p>\n", page_ratios_left_out);
    if (json_array_size(result->runs) > 0 && result->curve == NULL &&
        (result->phases != NULL || json_array_size(result->runs) == 1))
        put_runs(out, result->runs);
    if (result->lanes_left_out > 0)
        output_printf(out, "<p>More classes and nodes than %u: the rest is in run.json.</p>\n",
                      PAGE_LANES_MAX);
    if (result->report != NULL && result->curve == NULL) {
        output_printf(out, "<details><summary>Report as text</summary>\n");
        page_html_scroll(out, "", "report as text");
        output_printf(out, "<pre>");
        page_html_text(out, result->report);
        output_printf(out, "</pre></div></details>\n");
    }
    put_tree(out, "Environment", result->environment);
    put_tree(out, "Options", result->spec);
}

void page_html_differences(struct output *out, json_t *rows)
{
    if (json_array_size(rows) == 0)
        output_printf(out, "<p>Options and environment are the same.</p>\n");
    put_rows(out, "What differs", rows);
}
