/* `volley history`: how a figure goes from commit to commit, and whether the newest one is slower. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/printable.h"
#include "common/units.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/commands/frame.h"
#include "orchestrator/commands/notifying.h"
#include "orchestrator/commands/store_options.h"
#include "orchestrator/page/gnuplot.h"
#include "orchestrator/page/page_bundle.h"
#include "orchestrator/report/shell_word.h"
#include "orchestrator/suite/push.h"
#include "orchestrator/suite/regression.h"
#include "orchestrator/suite/trend_picture.h"

#define SERIES_SHOWN 20u

struct history_request {
    struct option_values values;
    struct command_words words;
    struct store_options store;
    struct notify_options notify;
    const char *table, *command, *metric;
    uint64_t last;
    double threshold, confidence_percent;
    struct trend_filter filters[TREND_FILTERS_MAX];
    size_t filter_count;
    const char *html, *png_dir, *svg_dir;
    bool detect, json, help;
    int argc; /* for the page: secrets among them are hidden by then */
    const char *const *argv;
};

/* KEY=VALUE, several with commas between them. */
static enum err_code parse_filters(void *target, const char *value, struct err *reason)
{
    struct history_request *request = target;
    request->filter_count = 0;
    for (const char *at = value;; at++) {
        const size_t bytes = strcspn(at, ","), key = strcspn(at, "=,");
        struct trend_filter *filter = &request->filters[request->filter_count];
        if (key == 0 || at[key] != '=' || key >= sizeof filter->column ||
            bytes - key - 1 >= sizeof filter->value)
            return err_set(reason, E_USAGE,
                           "--where %.60s: allowed: KEY=VALUE, as in data_size=16,pipeline=1",
                           PRINTABLE(value));
        if (++request->filter_count == TREND_FILTERS_MAX) /* one is --command's */
            return err_set(reason, E_USAGE, "--where: %u are the most", TREND_FILTERS_MAX - 1);
        snprintf(filter->column, sizeof filter->column, "%.*s", (int)key, at);
        snprintf(filter->value, sizeof filter->value, "%.*s", (int)(bytes - key - 1), at + key + 1);
        at += bytes;
        if (*at == '\0')
            return OK;
    }
}

/* "5%", or "5", which means the same. */
static enum err_code parse_threshold(void *target, const char *value, struct err *reason)
{
    return units_parse_percent(&((struct history_request *)target)->threshold, value, 1000)
               ? OK
               : err_set(reason, E_USAGE,
                         "--threshold %.40s: allowed: percent above 0 to 1000, as in 5%%",
                         PRINTABLE(value));
}

#define AT(member) offsetof(struct history_request, member)
/* clang-format off: a row reads best as a few short lines */
static const struct option_row rows[] = {
    {ROW("command", NULL, OPTION_TEXT, "NAME", AT(command)), .section = "What",
     .help = "Only of this command, as SET; without it of all."},
    {ROW("where", NULL, OPTION_CUSTOM, "KEY=VALUE", 0), .parse = parse_filters, .repeats = true,
     .section = "What",
     .help = "Only records with this value, as data_size=16. Several of them separated by commas, "
             "or --where again."},
    {ROW("metric", NULL, OPTION_TEXT, "NAME", AT(metric)), .unset = "rps", .section = "What",
     .help = "Which figure: rps, avg, p50, p95, p99, or the name of any column of numbers."},
    {ROW("table", NULL, OPTION_TEXT, "NAME", AT(table)), .unset = "core", .section = "What",
     .help = "Of which table, as push has it."},
    {ROW("last", NULL, OPTION_COUNT, "N", AT(last)), NUMBER(0, 1000000), .unset = "10",
     .section = "Output", .help = "How many of the newest commits are listed for each series."},
    {ROW("json", NULL, OPTION_FLAG, NULL, AT(json)), .section = "Output",
     .help = "Print all of it as JSON."},
    {ROW("html", NULL, OPTION_TEXT, "FILE", AT(html)), .section = "Output", .needs_trust = true,
     .help = "A page with every series: commits, levels, changes."},
    {ROW("png", NULL, OPTION_TEXT, "DIR", AT(png_dir)), .section = "Output", .needs_trust = true,
     .help = "A picture of each series, by gnuplot, into this directory, which is made."},
    {ROW("svg", NULL, OPTION_TEXT, "DIR", AT(svg_dir)), .section = "Output", .needs_trust = true,
     .help = "The same as SVG."},
    {ROW("detect-regression", NULL, OPTION_FLAG, NULL, AT(detect)), .section = "Regressions",
     .help = "Hold the newest commit against the one before it, print what is faster or slower as "
             "JSON, and exit with status 1 where something is slower."},
    {ROW("threshold", NULL, OPTION_CUSTOM, "PERCENT", 0), .parse = parse_threshold, .unset = "5%",
     .section = "Regressions", .help = "By so much at least."},
    {ROW("confidence", NULL, OPTION_REAL, "PERCENT", AT(confidence_percent)), REAL(50, 99.999),
     .unset = "95", .section = "Regressions",
     .help = "How sure that is, over all configurations together."},
    NOTIFY_ROWS(AT(notify), "Regressions",
                "With --detect-regression: tell its outcome over the channels of this file."),
    STORE_ROWS(AT(store)),
    HELP_ROW(AT(help)),
};
/* clang-format on */
#undef AT

const struct option_table history_option_table = {
    TABLE_ROWS(rows),
    .command = "history",
    .usage = "volley history [OPTIONS]",
    .synopsis = "Says how a figure has gone from commit to commit, configuration by configuration, "
                "and where it went to another level and stayed there; or whether the newest commit "
                "is slower than the one before it.",
};

/* ---- text ---- */

static const char *figure_text(char text[48], double value)
{
    if (fabs(value) >= 1000)
        snprintf(text, 48, "%s%s", value < 0 ? "-" : "",
                 UNITS_GROUPED((uint64_t)llround(fabs(value))));
    else
        snprintf(text, 48, "%.4g", value);
    return text;
}

static void print_change(const struct trend *trend, const struct trend_series *series,
                         const struct change_point *point)
{
    char before[48], after[48];
    const struct trend_commit *commit = &series->commits[point->place];
    printf("  %.10s  %.12s  %s by %.1f %% from here on: %s -> %s (p %.1g)\n", commit->time,
           commit->name, trend_is_worse(trend, point) ? "worse" : "better",
           100 * fabs(trend_change(point)), figure_text(before, point->before),
           figure_text(after, point->after), point->p);
}

static void print_commit(const struct trend_commit *commit)
{
    char mean[48];
    printf("    %.10s  %-12.12s  %12s", commit->time, commit->name,
           figure_text(mean, commit->mean));
    if (commit->runs > 1)
        printf("  n=%zu, CV=%.1f%%", commit->runs,
               commit->mean != 0 ? 100 * commit->deviation / fabs(commit->mean) : 0);
    if (commit->red > 0)
        printf("  %zu of %zu runs RED", commit->red, commit->runs);
    printf("\n");
}

static void print_series(const struct history_request *request, const struct trend *trend,
                         const struct trend_series *series)
{
    printf("\n%s%s%s\n  %zu commits, %.10s to %.10s\n", series->command,
           series->configuration[0] != '\0' ? "  " : "", series->configuration, series->count,
           series->commits[0].time, series->commits[series->count - 1].time);
    for (size_t i = 0; i < series->changes.count; i++)
        print_change(trend, series, &series->changes.items[i]);
    if (series->changes.count == 0)
        printf("  no change of level%s\n", series->count < 2 * CHANGE_POINT_LEAST
                                               ? ", of which so few commits can tell nothing"
                                               : "");
    const size_t skipped = series->count > request->last ? series->count - request->last : 0;
    for (size_t i = skipped; i < series->count; i++)
        print_commit(&series->commits[i]);
}

static void print_trend(const struct history_request *request, const struct trend *trend,
                        const struct trend_wishes *wishes)
{
    size_t changed = 0;
    for (size_t i = 0; i < trend->count; i++)
        changed += trend->series[i].changes.count > 0;
    printf("%s of %s records, %zu configurations, of which %zu change level\n", wishes->metric,
           UNITS_GROUPED(trend->rows), trend->count, changed);
    if (trend->alike[0] != '\0')
        printf("all with %s\n", trend->alike);
    for (size_t i = 0; i < trend->count && i < SERIES_SHOWN; i++)
        print_series(request, trend, &trend->series[i]);
    if (trend->count > SERIES_SHOWN)
        printf("\n%zu configurations more; --where and --command choose, --json has all\n",
               trend->count - SERIES_SHOWN);
}

/* ---- the command ---- */

static enum err_code print_json(json_t *document, struct err *err)
{
    if (document == NULL)
        return err_set(err, E_SYSTEM, "no memory for JSON");
    errno = 0;
    const bool written = json_dumpf(document, stdout, JSON_INDENT(2)) == 0 && printf("\n") > 0 &&
                         fflush(stdout) == 0;
    json_decref(document);
    if (!written && errno == EPIPE) /* a reader that has seen enough */
        return OK;
    return written ? OK : err_set(err, E_SYSTEM, "standard output cannot be written to");
}

static enum err_code write_page(const struct history_request *request, const struct trend *trend,
                                const struct trend_wishes *wishes, struct err *err)
{
    char line[2000];
    struct output output = {.file = NULL};
    if (request->html == NULL)
        return OK;
    enum err_code code = output_create(&output, request->html, OUTPUT_NAMED, err);
    if (code == OK)
        code = trend_write_page(
            &output, trend, wishes,
            shell_line(line, sizeof line, "volley history", request->argc, request->argv), err);
    if (code == OK)
        code = output_close(&output, err);
    if (code == OK)
        code = output_commit(&output, err);
    output_discard(&output);
    return code;
}

static enum err_code draw(const struct history_request *request, const struct trend *trend,
                          const struct trend_wishes *wishes, struct err *err)
{
    const char *const directories[PICTURE_FORMATS] = {
        [PICTURE_PNG] = request->png_dir, [PICTURE_SVG] = request->svg_dir};
    enum err_code code = OK;
    for (int format = 0; format < PICTURE_FORMATS && code == OK; format++) {
        size_t drawn = 0;
        if (directories[format] == NULL)
            continue;
        code = trend_draw(&drawn, trend, wishes, (enum picture_format)format, directories[format],
                          err);
        if (code == OK && drawn < trend->count)
            log_line(LOG_WARNING, "%zu configurations are not drawn: %u pictures are the most",
                     trend->count - drawn, TREND_PICTURES_MAX);
    }
    return code;
}

static enum err_code show(const struct history_request *request, struct store *store,
                          const struct trend_wishes *wishes, struct err *err)
{
    struct trend trend = {.series = NULL};
    enum err_code code = trend_read(&trend, store, wishes, err);
    if (code == OK && request->json)
        code = print_json(trend_json(&trend, wishes), err);
    else if (code == OK)
        print_trend(request, &trend, wishes);
    if (code == OK)
        code = write_page(request, &trend, wishes, err);
    if (code == OK)
        code = draw(request, &trend, wishes, err);
    trend_free(&trend);
    return code;
}

static enum err_code detect(const struct history_request *request, struct store *store,
                            const struct trend_wishes *wishes, struct err *err)
{
    struct regression regression = {.commits = {""}};
    enum err_code code = regression_find(&regression, store, wishes, request->threshold,
                                         request->confidence_percent / 100, err);
    if (code == OK)
        code = print_json(regression_json(&regression), err);
    if (code == OK && regression.comparison.regressed)
        code = err_set(err, E_FAILED, "%.12s is slower than %.12s by %.4g %% or more",
                       PRINTABLE(regression.commits[1]), PRINTABLE(regression.commits[0]),
                       100 * request->threshold);
    regression_free(&regression);
    return code;
}

/* Who is told is known before anything is looked at. */
static enum err_code detect_and_tell(const struct history_request *request, struct store *store,
                                     const struct trend_wishes *wishes, struct err *err)
{
    struct notifier *notifier = NULL;
    enum err_code code = notifying_open(&notifier, &request->notify, err);
    if (code != OK)
        return code;
    code = detect(request, store, wishes, err);
    notifying_end(notifier,
                  &(struct notifying_verdict){
                      .alert = code == OK || code == E_FAILED ? "Regression" : "RegressionUnknown",
                      .run = request->table,
                      .failed = code != OK,
                      .summary = code == OK ? "the newest commit is not slower" : err->text});
    return code;
}

static enum err_code check(const struct history_request *request, struct err *err)
{
    if (request->words.count > 0)
        return err_set(err, E_USAGE, "%.60s stands alone: %s", PRINTABLE(request->words.items[0]),
                       history_option_table.usage);
    if (!request->detect && request->notify.path != NULL)
        return err_set(err, E_USAGE, "--notify tells what --detect-regression finds");
    if (request->detect && options_given(&request->values, "metric"))
        return err_set(err, E_USAGE,
                       "--detect-regression is about rates: --metric says nothing there");
    if (request->detect &&
        (request->html != NULL || request->png_dir != NULL || request->svg_dir != NULL))
        return err_set(err, E_USAGE,
                       "--detect-regression prints JSON alone: leave out --html, --png and --svg");
    if (output_is_stdout(request->html))
        return err_set(err, E_USAGE, "--html -: it needs a file of its own");
    enum err_code code =
        request->html != NULL ? page_bundle_check("--html", request->html, err) : OK;
    if (code == OK && request->png_dir != NULL)
        code = gnuplot_check("--png", err);
    if (code == OK && request->svg_dir != NULL)
        code = gnuplot_check("--svg", err);
    if (code == OK && request->png_dir != NULL)
        code = picture_directory_make(request->png_dir, err);
    if (code == OK && request->svg_dir != NULL)
        code = picture_directory_make(request->svg_dir, err);
    return code;
}

static enum err_code run(void *target, struct err *err)
{
    struct history_request *request = target;
    struct store store = {0};
    struct store_address address;
    char table[STORE_NAME_BYTES];
    enum err_code code = check(request, err);
    if (code == OK)
        code = store_options_address(&address, &request->store, &request->values, err);
    if (code == OK)
        code = push_table(table, request->table, err);
    if (code != OK)
        return code;
    if (request->command != NULL) {
        struct trend_filter *filter = &request->filters[request->filter_count++];
        *filter = (struct trend_filter){.column = "command"};
        snprintf(filter->value, sizeof filter->value, "%s", request->command);
    }
    const struct trend_wishes wishes = {.table = table,
                                        .metric = trend_metric_column(request->metric),
                                        .filters = request->filters,
                                        .filter_count = request->filter_count,
                                        .alpha = CHANGE_POINT_ALPHA};
    address.read_only = true;
    code = store_open(&store, &address, err);
    if (code == OK)
        code = request->detect ? detect_and_tell(request, &store, &wishes, err)
                               : show(request, &store, &wishes, err);
    store_close(&store);
    return code;
}

int command_history(int argc, const char *const *argv)
{
    struct history_request request = {.help = false, .argc = argc, .argv = argv};
    const struct command_frame frame = {.table = &history_option_table,
                                        .target = &request,
                                        .values = &request.values,
                                        .help = &request.help,
                                        .words = &request.words,
                                        .run = run};
    return command_frame_run(&frame, argc, argv);
}
