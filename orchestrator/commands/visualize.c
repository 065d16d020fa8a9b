/* `volley visualize`: what runs of scenarios there are, and their samples for other programs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/printable.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/commands/frame.h"
#include "orchestrator/scenario/scenario_export.h"

struct visualize_request {
    struct option_values values;
    struct command_words words;
    const char *base, *format;
    bool help;
};

#define AT(member) offsetof(struct visualize_request, member)
/* clang-format off: a row reads best as a few short lines */
static const struct option_row rows[] = {
    {ROW("output", "o", OPTION_TEXT, "DIR", AT(base)), .section = "Scenario",
     .help = "Where the runs stand; without it VST_OUTPUT_DIR, else results."},
    {ROW("format", NULL, OPTION_TEXT, "FORMAT", AT(format)), .section = "Scenario", .unset = "csv",
     .help = "Of export-data: csv or json."},
    {ROW("help", NULL, OPTION_FLAG, NULL, AT(help)), .command_line_only = true, .section = "Other",
     .help = "This text."},
};
/* clang-format on */
#undef AT

const struct option_table visualize_option_table = {
    .rows = rows,
    .row_count = sizeof rows / sizeof rows[0],
    .command = "visualize",
    .usage = "volley visualize list-scenarios | export-data NAME [DIR] [OPTIONS]",
    .synopsis = "Lists the runs of scenarios, or writes the samples of one as metrics.csv, "
                "memory.csv, performance.csv and summary.csv, or export.json, into DIR, without it "
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
    const bool json = strcmp(request->format, "json") == 0;
    if (!json && strcmp(request->format, "csv") != 0)
        return err_set(err, E_USAGE, "--format %.40s: csv or json", PRINTABLE(request->format));
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
