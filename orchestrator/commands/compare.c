/* `volley compare`: two results of benchmarks held against one another. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/printable.h"
#include "common/units.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/commands/frame.h"
#include "orchestrator/page/gnuplot.h"
#include "orchestrator/page/page_bundle.h"
#include "orchestrator/report/output_place.h"
#include "orchestrator/report/shell_word.h"
#include "orchestrator/suite/baseline.h"
#include "orchestrator/suite/comparison_graphs.h"
#include "orchestrator/suite/comparison_merged.h"
#include "orchestrator/suite/comparison_report.h"

#define PATH_BYTES 4200u
#define COMMAND_LINE_BYTES 2000u

struct compare_request {
    struct option_values values;
    struct command_words words;
    const char *base, *other, *results_dir, *output, *json, *junit, *html, *graph_dir;
    unsigned figures, graph_format; /* by metrics_at, format_at */
    double confidence_percent, threshold;
    bool force, fail_on_regression, graphs, help;
    char command_line[COMMAND_LINE_BYTES]; /* as a page tells it */
};

static const char *metrics_at(size_t index)
{
    static const char *const words[] = {"all", "rps", "latency"};
    return index < sizeof words / sizeof words[0] ? words[index] : NULL;
}

static const char *format_at(size_t index)
{
    static const char *const words[] = {[PICTURE_PNG] = "png", [PICTURE_SVG] = "svg"};
    return index < sizeof words / sizeof words[0] ? words[index] : NULL;
}

/* "5%", or "5", which means the same. */
static enum err_code parse_threshold(void *target, const char *value, struct err *reason)
{
    return units_parse_percent(&((struct compare_request *)target)->threshold, value, 1000)
               ? OK
               : err_set(reason, E_USAGE,
                         "--threshold %.40s: allowed: percent above 0 to 1000, as in 5%%",
                         PRINTABLE(value));
}

#define AT(member) offsetof(struct compare_request, member)
/* clang-format off: a row reads best as a few short lines */
static const struct option_row rows[] = {
    {ROW("baseline", NULL, OPTION_TEXT, "RESULT", AT(base)), .section = "Comparison",
     .help = "A metrics.json, a directory with one, the directory of a run (bench --out); else a "
             "baseline of this name (volley baseline save); else a commit, branch or tag, whose "
             "results stand in --results-dir."},
    {ROW("new", NULL, OPTION_TEXT, "RESULT", AT(other)), .section = "Comparison",
     .help = "What is held against it, likewise."},
    {ROW("results-dir", NULL, OPTION_TEXT, "DIR", AT(results_dir)), .section = "Comparison",
     .unset = "results", .help = "Where commits have their directories."},
    {ROW("metrics", NULL, OPTION_WORD, "WHICH", AT(figures)), .value_at = metrics_at,
     .section = "Comparison", .unset = "all", .help = "Which figures are compared."},
    {ROW("confidence", NULL, OPTION_REAL, "PERCENT", AT(confidence_percent)), REAL(50, 99.999),
     .section = "Comparison", .unset = "95",
     .help = "How sure answers are, over all rows together."},
    {ROW("threshold", NULL, OPTION_CUSTOM, "PERCENT", 0), .parse = parse_threshold,
     .section = "Comparison", .unset = "5%",
     .help = "A change that is surely smaller counts as the same; a regression is one of so much."},
    {ROW("fail-on-regression", NULL, OPTION_FLAG, NULL, AT(fail_on_regression)),
     .section = "Comparison",
     .help = "Exit status 1 when something is slower by the threshold or more."},
    {ROW("force", NULL, OPTION_FLAG, NULL, AT(force)), .section = "Comparison",
     .help = "With --fail-on-regression: take a baseline whose runs are RED all the same."},
    {ROW("output", "o", OPTION_TEXT, "FILE", AT(output)), .section = "Comparison",
     .needs_trust = true,
     .help = "Where the Markdown goes; standard output without it, or with -."},
    {ROW("json", NULL, OPTION_TEXT, "FILE", AT(json)), .section = "Comparison", .needs_trust = true,
     .help = "All of it for programs; - for standard output in place of the Markdown."},
    {ROW("junit", NULL, OPTION_TEXT, "FILE", AT(junit)), .section = "Comparison",
     .needs_trust = true, .help = "A test case a row, for CI."},
    {ROW("html", NULL, OPTION_TEXT, "FILE", AT(html)), .section = "Comparison", .needs_trust = true,
     .help = "A page with the table, the changes with their intervals, and the single runs."},
    {ROW("graphs", NULL, OPTION_FLAG, NULL, AT(graphs)), .section = "Graphs",
     .help = "Draws them with gnuplot: all figures as bars, and the single runs of each row."},
    {ROW("graph-dir", NULL, OPTION_TEXT, "DIR", AT(graph_dir)), .section = "Graphs",
     .needs_trust = true, .help = "Where they go, which is made; without it here."},
    {ROW("graph-format", NULL, OPTION_WORD, "WHICH", AT(graph_format)), .value_at = format_at,
     .section = "Graphs", .unset = "png", .help = "What they are drawn as."},
    HELP_ROW(AT(help)),
};
/* clang-format on */
#undef AT

const struct option_table compare_option_table = {
    TABLE_ROWS(rows),
    .command = "compare",
    .usage = "volley compare --baseline RESULT --new RESULT [OPTIONS]",
    .synopsis = "Says of two results, configuration by configuration, whether the new one is "
                "faster, slower, the same within so much, or whether that cannot be told from so "
                "few runs; and what else differs between them. Repeated runs of one configuration "
                "count together.",
};

/* Its records alone are taken over. */
static enum err_code take_baseline(struct record_set *set, const char *results, const char *path,
                                   bool saved, struct err *err)
{
    struct baseline baseline = {.root = NULL};
    const char *const paths[] = {path};
    const enum err_code code = saved ? baseline_read(&baseline, path, err)
                                     : baseline_collect(&baseline, results, paths, 1, err);
    *set = baseline.set;
    baseline.set = (struct record_set){.records = NULL};
    baseline_free(&baseline);
    return code;
}

/* A path as it is, else a saved baseline, or else a commit in --results-dir. Against a saved one runs are read as those that were
 * saved. */
static enum err_code read_set(struct record_set *set, const struct compare_request *request,
                              const char *given, bool *saved, struct err *err)
{
    const char *results = request->results_dir != NULL ? request->results_dir : "results";
    char path[RECORD_PATH_BYTES];
    enum baseline_kind kind;
    struct err unknown = {.code = OK};
    if (baseline_find(path, &kind, results, given, &unknown) != OK)
        return strchr(given, '/') != NULL ? record_set_read(set, given, err)
                                          : err_set(err, unknown.code, "%s", unknown.text);
    *saved |= kind == BASELINE_SAVED;
    return *saved ? take_baseline(set, results, path, kind == BASELINE_SAVED, err)
                  : record_set_read(set, path, err);
}

/* A gate is only as good as what it is set by. */
static enum err_code check_baseline(const struct record_set *base, bool force, struct err *err)
{
    size_t counts[VERDICT_RED + 1];
    record_set_verdicts(counts, base);
    if (counts[VERDICT_RED] == 0 || force)
        return OK;
    return err_set(err, E_DATA,
                   "--fail-on-regression: %zu of %zu runs of the baseline %s have the verdict RED, "
                   "so that its "
                   "figures are not the server's alone; measure it again, or take it with --force",
                   counts[VERDICT_RED], base->count, PRINTABLE(base->name));
}

enum { OF_PEOPLE, OF_PROGRAMS, OF_CI, OF_BROWSERS, OUTPUTS };

static void name_outputs(const char *paths[OUTPUTS], const struct compare_request *request)
{
    paths[OF_PEOPLE] = request->output != NULL           ? request->output
                       : output_is_stdout(request->json) ? NULL
                                                         : "-";
    paths[OF_PROGRAMS] = request->json;
    paths[OF_CI] = request->junit;
    paths[OF_BROWSERS] = request->html;
}

/* Before anything is read, which may take its time. */
static enum err_code check_outputs(const struct compare_request *request, struct err *err)
{
    struct output outputs[OUTPUTS] = {{.file = NULL}};
    const char *paths[OUTPUTS];
    enum err_code code = OK;
    name_outputs(paths, request);
    for (int i = 0; i < OUTPUTS && code == OK; i++)
        if (paths[i] != NULL)
            code = output_probe(&outputs[i], paths[i], OUTPUT_NAMED, err);
    for (int i = 0; i < OUTPUTS; i++)
        output_discard(&outputs[i]);
    return code;
}

static enum err_code check(const struct compare_request *request, struct err *err)
{
    if (request->words.count > 0)
        return err_set(err, E_USAGE, "%.60s stands alone: %s", PRINTABLE(request->words.items[0]),
                       compare_option_table.usage);
    if (request->base == NULL || request->other == NULL)
        return err_set(err, E_USAGE, "--%s is missing: %s",
                       request->base == NULL ? "baseline" : "new", compare_option_table.usage);
    if (output_is_stdout(request->json) && output_is_stdout(request->output))
        return err_set(err, E_USAGE,
                       "--json - and --output -: only one of them has standard output");
    if (output_is_stdout(request->junit))
        return err_set(err, E_USAGE, "--junit -: it needs a file of its own");
    if (request->graph_dir != NULL && !request->graphs)
        return err_set(err, E_USAGE, "--graph-dir says where graphs go: --graphs is missing");
    if (output_is_stdout(request->html))
        return err_set(err, E_USAGE, "--html -: it needs a file of its own");
    if (request->html != NULL && page_bundle_check("--html", request->html, err) != OK)
        return err->code;
    if (request->graphs && gnuplot_check("--graphs", err) != OK)
        return err->code;
    return check_outputs(request, err);
}

/* ---- what is written ---- */

/* E_SYSTEM: no memory. */
typedef enum err_code write_function(struct output *output, const struct compare_request *request,
                                     const struct comparison *comparison, struct err *err);

static enum err_code write_markdown(struct output *output, const struct compare_request *request,
                                    const struct comparison *comparison, struct err *err)
{
    (void)request;
    (void)err;
    comparison_write_markdown(output, comparison);
    return OK;
}

static enum err_code write_json(struct output *output, const struct compare_request *request,
                                const struct comparison *comparison, struct err *err)
{
    return comparison_write_json(output, comparison)
               ? OK
               : err_set(err, E_SYSTEM, "no memory for %s", PRINTABLE(request->json));
}

static enum err_code write_junit(struct output *output, const struct compare_request *request,
                                 const struct comparison *comparison, struct err *err)
{
    (void)request;
    (void)err;
    comparison_write_junit(output, comparison);
    return OK;
}

static enum err_code write_page(struct output *output, const struct compare_request *request,
                                const struct comparison *comparison, struct err *err)
{
    return comparison_write_page(output, comparison, request->command_line, err);
}

static enum err_code open_all(struct output outputs[OUTPUTS], const char *const paths[OUTPUTS],
                              struct err *err)
{
    enum err_code code = OK;
    for (int i = 0; i < OUTPUTS && code == OK; i++)
        if (paths[i] != NULL)
            code = output_create(&outputs[i], paths[i], OUTPUT_NAMED, err);
    return code;
}

static enum err_code close_all(struct output outputs[OUTPUTS], const char *const paths[OUTPUTS],
                               const struct compare_request *request,
                               const struct comparison *comparison, struct err *err)
{
    static write_function *const writers[OUTPUTS] = {write_markdown, write_json, write_junit,
                                                     write_page};
    enum err_code code = OK;
    for (int i = 0; i < OUTPUTS && code == OK; i++) {
        if (paths[i] == NULL)
            continue;
        code = writers[i](&outputs[i], request, comparison, err);
        if (code == OK)
            code = output_close(&outputs[i], err);
    }
    for (int i = 0; i < OUTPUTS && code == OK; i++)
        if (paths[i] != NULL)
            code = output_commit(&outputs[i], err);
    return code;
}

/* What stands on standard output already is not mixed with it. */
static void tell_graphs(const struct compare_request *request,
                        const struct comparison_graphs *graphs)
{
    const bool taken = request->output == NULL || output_is_stdout(request->output) ||
                       output_is_stdout(request->json);
    FILE *out = taken ? stderr : stdout;
    if (graphs->configurations_left_out > 0)
        log_line(LOG_WARNING,
                 "%zu configurations are left out of the graphs of bars: %u sheets are the most",
                 graphs->configurations_left_out, GRAPH_SHEETS_MAX);
    if (graphs->rows_left_out > 0)
        log_line(LOG_WARNING,
                 "the single runs of %zu rows are left out: %u graphs are the most, of those whose "
                 "difference is the surest",
                 graphs->rows_left_out, GRAPH_LINES_MAX);
    fprintf(out, "Generated %zu graph(s):\n", graphs->count);
    for (size_t i = 0; i < graphs->count; i++)
        fprintf(out, "%s\n", PRINTABLE(graphs->paths[i]));
}

static enum err_code draw_graphs(const struct compare_request *request,
                                 const struct comparison *comparison, struct err *err)
{
    struct comparison_graphs graphs = {.count = 0};
    if (!request->graphs)
        return OK;
    const enum err_code code = comparison_graphs_draw(
        &graphs, comparison, request->graph_dir != NULL ? request->graph_dir : ".",
        (enum picture_format)request->graph_format, err);
    if (code == OK)
        tell_graphs(request, &graphs);
    comparison_graphs_free(&graphs);
    return code;
}

/* None of them stands in the place of another one, or of what is read. */
static enum err_code write_all(const struct compare_request *request,
                               const struct comparison *comparison, struct err *err)
{
    const char *paths[OUTPUTS];
    struct output outputs[OUTPUTS] = {{.file = NULL}};
    struct output_place *read[2] = {NULL, NULL};
    enum err_code code = OK;
    name_outputs(paths, request);
    for (int side = 0; side < 2 && code == OK; side++)
        if (side == 0 || strcmp(comparison->sets[0]->path, comparison->sets[1]->path) != 0)
            code = output_place_claim(&read[side], comparison->sets[side]->path,
                                      comparison->sets[side]->path, err);
    if (code == OK)
        code = open_all(outputs, paths, err);
    if (code == OK)
        code = close_all(outputs, paths, request, comparison, err);
    if (code == OK)
        code = draw_graphs(request, comparison, err);
    for (int i = 0; i < OUTPUTS; i++)
        output_discard(&outputs[i]);
    for (int side = 0; side < 2; side++)
        output_place_release(read[side]);
    return code;
}

static void tell_missing(const struct record_set *set)
{
    if (set->histograms_missing > 0)
        log_line(LOG_WARNING,
                 "%s: the histograms of %zu records are not there: their percentiles are not "
                 "merged",
                 PRINTABLE(set->name), set->histograms_missing);
}

/* A gate lets pass what it cannot judge, but not in silence. */
static void tell_doubts(const struct record_set *other)
{
    size_t counts[VERDICT_RED + 1];
    record_set_verdicts(counts, other);
    if (counts[VERDICT_RED] > 0)
        log_line(
            LOG_WARNING,
            "%zu of %zu runs of %s have the verdict RED: its figures are not the server's alone",
            counts[VERDICT_RED], other->count, PRINTABLE(other->name));
}

static enum err_code run(void *target, struct err *err)
{
    const struct compare_request *request = target;
    struct record_set base = {.records = NULL}, other = {.records = NULL};
    struct comparison comparison = {.rows = NULL};
    const struct comparison_wishes wishes = {
        .confidence = request->confidence_percent > 0 ? request->confidence_percent / 100 : 0.95,
        .threshold = request->threshold > 0 ? request->threshold : 0.05,
        .rates = request->figures != 2,
        .latencies = request->figures != 1};
    bool saved = false;
    enum err_code code = check(request, err);
    if (code == OK)
        code = read_set(&base, request, request->base, &saved, err);
    if (code == OK && request->fail_on_regression)
        code = check_baseline(&base, request->force, err);
    const bool base_saved = saved;
    if (code == OK)
        code = read_set(&other, request, request->other, &saved, err);
    if (code == OK && saved && !base_saved) { /* as the other side was saved */
        record_set_free(&base);
        code = read_set(&base, request, request->base, &saved, err);
    }
    if (code == OK && request->fail_on_regression)
        tell_doubts(&other);
    if (code == OK)
        code = comparison_make(&comparison, &base, &other, &wishes, err);
    for (int side = 0; side < 2 && code == OK && wishes.latencies; side++)
        tell_missing(comparison.sets[side]);
    if (code == OK && wishes.latencies)
        code = comparison_merge(&comparison, err);
    if (code == OK)
        code = write_all(request, &comparison, err);
    if (code == OK && request->fail_on_regression && comparison.regressed)
        code = err_set(err, E_FAILED, "slower by %.4g %% or more: %s against %s",
                       100 * wishes.threshold, PRINTABLE(other.name), PRINTABLE(base.name));
    comparison_free(&comparison);
    record_set_free(&base);
    record_set_free(&other);
    return code;
}

int command_compare(int argc, const char *const *argv)
{
    struct compare_request request = {.help = false};
    shell_line(request.command_line, sizeof request.command_line, "volley compare", argc, argv);
    const struct command_frame frame = {.table = &compare_option_table,
                                        .target = &request,
                                        .values = &request.values,
                                        .help = &request.help,
                                        .words = &request.words,
                                        .run = run};
    return command_frame_run(&frame, argc, argv);
}
