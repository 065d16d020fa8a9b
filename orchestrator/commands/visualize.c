/* `volley visualize`: what runs of scenarios there are, their pages, and their samples for other programs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/log.h"
#include "common/printable.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/commands/frame.h"
#include "orchestrator/commands/scenario_pages.h"
#include "orchestrator/page/gnuplot.h"
#include "orchestrator/page/page_bundle.h"
#include "orchestrator/page/picture.h"
#include "orchestrator/scenario/scenario_export.h"
#include "orchestrator/scenario/scenario_page.h"

struct visualize_request {
    struct option_values values;
    struct command_words words;
    const char *base, *format, *output_dir, *type, *metric;
    bool normalize;
    bool help;
};

#define AT(member) offsetof(struct visualize_request, member)
/* clang-format off: a row reads best as a few short lines */
static const struct option_row rows[] = {
    {ROW("output", "o", OPTION_TEXT, "DIR", AT(base)), .section = "Scenario",
     .help = "Where the runs stand; without it VST_OUTPUT_DIR, else results."},
    {ROW("output-dir", NULL, OPTION_TEXT, "DIR", AT(output_dir)), .section = "Scenario",
     .needs_trust = true,
     .help = "Of generate and compare: where page and pictures go, which is made; without it the "
             "run's own "
             "directory."},
    {ROW("type", NULL, OPTION_TEXT, "TYPE", AT(type)), .section = "Scenario", .unset = "all",
     .help = "Of generate: all, dashboard (the page), or one picture: memory_analysis, "
             "performance_correlation, phase_heatmap."},
    {ROW("metric", NULL, OPTION_TEXT, "NAME", AT(metric)), .section = "Scenario",
     .unset = "used_memory", .help = "Of compare: which of the figures that are sampled."},
    {ROW("normalize", NULL, OPTION_FLAG, NULL, AT(normalize)), .section = "Scenario",
     .help = "Of compare: each run as a part of its own largest value."},
    {ROW("format", NULL, OPTION_TEXT, "FORMAT", AT(format)), .section = "Scenario",
     .help = "Of export-data: csv, which it is without it, or json; of generate: html, png, svg, "
             "both (html and png, as without it), or all. PNG and SVG need gnuplot; where it is "
             "missing and nothing was asked for, there is only the page."},
    HELP_ROW(AT(help)),
};
/* clang-format on */
#undef AT

const struct option_table visualize_option_table = {
    TABLE_ROWS(rows),
    .command = "visualize",
    .usage = "volley visualize list-scenarios | generate NAME | compare NAME NAME... | "
             "export-data NAME [DIR] [OPTIONS]",
    .synopsis = "Lists the runs of scenarios, or writes the page of one, "
                "<scenario>_dashboard.html, and its pictures, <scenario>_memory_analysis.png, "
                "_performance_correlation.png and _phase_heatmap.png, or its samples as "
                "metrics.csv, memory.csv, performance.csv and summary.csv, or export.json, into "
                "DIR, without it "
                "the run's own directory. NAME is a run, a scenario, whose newest run is meant, or "
                "a path.",
    .takes_command = true,
};

static enum err_code list(const char *base, struct err *err)
{
    struct scenario_runs runs;
    enum err_code code = scenario_runs_read(&runs, base, err);
    for (size_t i = 0; i < runs.count && code == OK; i++) {
        const struct scenario_run_entry *entry = &runs.items[i];
        const time_t began = (time_t)entry->began_seconds;
        struct tm local;
        char date[24] = "-";
        if (entry->began_seconds > 0 && localtime_r(&began, &local) != NULL)
            strftime(date, sizeof date, "%Y-%m-%d %H:%M:%S", &local);
        printf("%-19s  %-4s  %-48s  %s\n", date,
               entry->result[0] != '\0' ? PRINTABLE(entry->result) : "-", PRINTABLE(entry->name),
               PRINTABLE(entry->scenario));
    }
    if (code == OK && runs.count == 0)
        fprintf(stderr, "no runs of scenarios in %s\n", PRINTABLE(base));
    scenario_runs_free(&runs);
    return code;
}

static enum err_code export_data(const struct visualize_request *request, const char *base,
                                 struct err *err)
{
    const struct command_words *words = &request->words;
    char path[SCENARIO_PATH_BYTES], scenario[SCENARIO_NAME_BYTES];
    const char *format = request->format != NULL ? request->format : "csv";
    const bool json = strcmp(format, "json") == 0;
    if (!json && strcmp(format, "csv") != 0)
        return err_set(err, E_USAGE, "--format %.40s: csv or json", PRINTABLE(format));
    enum err_code code = scenario_run_find(path, scenario, base, words->items[1], err);
    if (code != OK)
        return code;
    const char *directory = words->count > 2 ? words->items[2] : path;
    code = json ? scenario_export_json(path, scenario, directory, err)
                : scenario_export_csv(path, scenario, directory, err);
    if (code == OK)
        printf("%s\n", PRINTABLE(directory));
    return code;
}

/* What --format and --type of generate come to. */
struct wanted {
    bool html, formats[PICTURE_FORMATS];
    bool pictures[PICTURES_OF_SCENARIOS];
};

static enum err_code choose_types(struct wanted *wanted, const char *type, struct err *err)
{
    const bool all = strcmp(type, "all") == 0;
    bool known = all || strcmp(type, "dashboard") == 0;
    wanted->html = known;
    for (size_t i = 0; i < PICTURES_OF_SCENARIOS; i++) {
        wanted->pictures[i] = all || strcmp(type, pictures_of_scenarios[i].name) == 0;
        known |= wanted->pictures[i];
    }
    if (!known)
        return err_set(err, E_USAGE,
                       "--type %.40s: all, dashboard, memory_analysis, performance_correlation or "
                       "phase_heatmap",
                       PRINTABLE(type));
    return OK;
}

static enum err_code choose(struct wanted *wanted, const char *type, const char *format,
                            struct err *err)
{
    static const struct {
        const char *name;
        bool html, png, svg;
    } formats[] = {{"html", true, false, false},
                   {"png", false, true, false},
                   {"svg", false, false, true},
                   {"both", true, true, false},
                   {"all", true, true, true}};
    const char *name = format != NULL ? format : "both";
    size_t i = 0;
    if (choose_types(wanted, type, err) != OK)
        return err->code;
    while (i < sizeof formats / sizeof formats[0] && strcmp(formats[i].name, name) != 0)
        i++;
    if (i == sizeof formats / sizeof formats[0])
        return err_set(err, E_USAGE, "--format %.40s: generate writes html, png, svg, both or all",
                       PRINTABLE(name));
    const bool pictures = strcmp(type, "dashboard") != 0;
    wanted->html &= formats[i].html;
    wanted->formats[PICTURE_PNG] = formats[i].png && pictures;
    wanted->formats[PICTURE_SVG] = formats[i].svg && pictures;
    if (!wanted->html && !wanted->formats[PICTURE_PNG] && !wanted->formats[PICTURE_SVG])
        return err_set(err, E_USAGE, "--type %.40s --format %.40s: %s", PRINTABLE(type),
                       PRINTABLE(name),
                       pictures ? "that is a picture: png or svg" : "that is a page: html");
    return OK;
}

/* What is missing is told before anything is read. */
static enum err_code check_tools(struct wanted *wanted, const char *format, struct err *err)
{
    if (wanted->html && page_bundle_check("generate", NULL, err) != OK)
        return err->code;
    if ((!wanted->formats[PICTURE_PNG] && !wanted->formats[PICTURE_SVG]) || gnuplot_there())
        return OK;
    if (format != NULL || !wanted->html)
        return gnuplot_check("generate", err);
    log_line(LOG_WARNING, "only the page is written: gnuplot, which draws PNG, is not in PATH "
                          "(packages gnuplot-nox and fonts-dejavu-core)");
    wanted->formats[PICTURE_PNG] = false;
    return OK;
}

static enum err_code write_all(struct page *page, const struct wanted *wanted, const char *scenario,
                               const char *directory, struct err *err)
{
    char page_path[SCENARIO_PATH_BYTES];
    enum err_code code = OK;
    if (wanted->html && scenario_page_write(page_path, page, scenario, directory, err) != OK)
        return err->code;
    if (wanted->html)
        printf("%s\n", PRINTABLE(page_path));
    for (unsigned format = 0; format < PICTURE_FORMATS && code == OK; format++)
        if (wanted->formats[format])
            code = scenario_pages_draw(page, format, wanted->pictures, scenario, directory, stdout,
                                       err);
    return code;
}

static enum err_code generate(const struct visualize_request *request, const char *base,
                              struct err *err)
{
    char run_path[SCENARIO_PATH_BYTES], scenario[SCENARIO_NAME_BYTES];
    struct wanted wanted = {.html = false};
    if (choose(&wanted, request->type, request->format, err) != OK ||
        check_tools(&wanted, request->format, err) != OK ||
        scenario_run_find(run_path, scenario, base, request->words.items[1], err) != OK)
        return err->code;
    const char *directory = request->output_dir != NULL ? request->output_dir : run_path;
    if (picture_directory_make(directory, err) != OK)
        return err->code;
    struct page *page = page_create();
    enum err_code code =
        page != NULL ? OK : err_set(err, E_SYSTEM, "no memory for the page of a scenario");
    if (code == OK)
        code = scenario_page_add(page, run_path, scenario, NULL, err);
    if (code == OK)
        code = write_all(page, &wanted, scenario, directory, err);
    page_destroy(page);
    return code;
}

static enum err_code compare(const struct visualize_request *request, const char *base,
                             struct err *err)
{
    static char paths[PAGE_RESULTS_MAX][SCENARIO_PATH_BYTES]; /* too large for a stack */
    static char scenarios[PAGE_RESULTS_MAX][SCENARIO_NAME_BYTES];
    const char *path_list[PAGE_RESULTS_MAX], *scenario_list[PAGE_RESULTS_MAX];
    char path[SCENARIO_PATH_BYTES];
    const size_t count = request->words.count - 1;
    const char *directory = request->output_dir != NULL ? request->output_dir : base;
    if (count > PAGE_RESULTS_MAX)
        return err_set(err, E_USAGE, "a page shows at most %u runs", PAGE_RESULTS_MAX);
    if (page_bundle_check("compare", NULL, err) != OK)
        return err->code;
    for (size_t i = 0; i < count; i++) {
        if (scenario_run_find(paths[i], scenarios[i], base, request->words.items[1 + i], err) != OK)
            return err->code;
        path_list[i] = paths[i];
        scenario_list[i] = scenarios[i];
    }
    const struct scenario_comparison comparison = {.paths = path_list,
                                                   .scenarios = scenario_list,
                                                   .count = count,
                                                   .metric = request->metric,
                                                   .normalize = request->normalize};
    if (picture_directory_make(directory, err) != OK)
        return err->code;
    if (scenario_page_compare(path, &comparison, directory, stdout, err) != OK)
        return err->code;
    printf("%s\n", PRINTABLE(path));
    return OK;
}

static enum err_code run(void *target, struct err *err)
{
    const struct visualize_request *request = target;
    const struct command_words *words = &request->words;
    const char *what = words->count > 0 ? words->items[0] : "", *base = request->base;
    if (base == NULL)
        base = getenv("VST_OUTPUT_DIR");
    if (base == NULL || base[0] == '\0')
        base = "results";
    if (strcmp(what, "list-scenarios") == 0 && words->count == 1)
        return list(base, err);
    if (strcmp(what, "generate") == 0 && words->count == 2)
        return generate(request, base, err);
    if (strcmp(what, "compare") == 0 && words->count >= 3)
        return compare(request, base, err);
    if (strcmp(what, "export-data") == 0 && (words->count == 2 || words->count == 3))
        return export_data(request, base, err);
    return err_set(err, E_USAGE, "%s", visualize_option_table.usage);
}

int command_visualize(int argc, const char *const *argv)
{
    struct visualize_request request = {.help = false};
    const struct command_frame frame = {.table = &visualize_option_table,
                                        .target = &request,
                                        .values = &request.values,
                                        .help = &request.help,
                                        .words = &request.words,
                                        .run = run};
    return command_frame_run(&frame, argc, argv);
}
