/* `volley results list|prune [DIR]`: the runs that bench --out has kept, and what suites have of commits. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/printable.h"
#include "common/units.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/commands/frame.h"
#include "orchestrator/report/catalogue.h"
#include "orchestrator/report/figures.h"
#include "orchestrator/report/json_value.h"

#define USUAL_DIRECTORY "results"
#define DAY_NS (24 * 3600 * NS_PER_SECOND)

struct results_request {
    struct option_values values;
    struct command_words words;
    bool json, yes, help;
    uint64_t keep, older_than_ns;
    struct catalogue catalogue;
    const char *directory;
};

#define AT(member) offsetof(struct results_request, member)
/* clang-format off: a row reads best as a few short lines */
static const struct option_row rows[] = {
    {ROW("keep", NULL, OPTION_COUNT, "N", AT(keep)), NUMBER(0, CATALOGUE_RUNS_MAX),
     .section = "Prune", .help = "Of all runs the newest ones to keep."},
    {ROW("older-than", NULL, OPTION_DURATION, "TIME", AT(older_than_ns)),
     BARE(DAY_NS, NS_PER_SECOND, 36500 * DAY_NS), .section = "Prune",
     .hint = "a bare number is days",
     .help = "Take only runs that began so long ago; a bare number is days."},
    {ROW("yes", NULL, OPTION_FLAG, NULL, AT(yes)), .section = "Prune",
     .help = "Remove them. Without it prune says what it would remove."},
    {ROW("json", NULL, OPTION_FLAG, NULL, AT(json)), .section = "Output", .help = "List as JSON."},
    HELP_ROW(AT(help)),
};
/* clang-format on */

static enum err_code list(struct results_request *request, struct err *err);
static enum err_code prune(struct results_request *request, struct err *err);

static const struct {
    const char *word;
    enum err_code (*run)(struct results_request *request, struct err *err);
} actions[] = {{"list", list}, {"prune", prune}};
#define ACTION_COUNT (sizeof actions / sizeof actions[0])

const struct option_table results_option_table = {
    TABLE_ROWS(rows),
    .command = "results",
    .usage = "volley results list|prune [DIR] [OPTIONS]",
    .synopsis =
        "Lists the runs whose directories (bench --out) stand in DIR, and the commits that suites "
        "have measured there, the oldest first, or removes old ones. Without DIR it "
        "is " USUAL_DIRECTORY ". Runs are read from their journals, so that those that were "
        "killed, or are under way, are "
        "there, too. Prune leaves alone what is under way, and directories that hold anything that "
        "volley has not written; what was pushed stays in the database.",
    .takes_command = true,
    .takes_directory = true,
};

static const char *state_of(const struct catalogue_run *run)
{
    if (run->problem[0] != '\0')
        return "unreadable";
    if (run->in_use)
        return "under way";
    return run->complete ? "complete" : "cut short";
}

/* "2026-11-27T10:00:00Z"; "-": it has not begun. */
static char *format_time(char text[32], uint64_t wall_ns)
{
    const time_t seconds = (time_t)(wall_ns / NS_PER_SECOND);
    struct tm parts;
    if (wall_ns == 0 || gmtime_r(&seconds, &parts) == NULL ||
        strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
        snprintf(text, 32, "-");
    return text;
}

static void print_run(const struct catalogue_run *run)
{
    char started[32], rate[40] = "-", size[32];
    if (run->test_count > 0)
        figure_rate_text(rate, sizeof rate, run->rate);
    printf("%-20s  %-24s  %-8s  %-16.16s  %9.1f  %12s  %-7s  %-10s  %s%s%s\n",
           format_time(started, run->started_wall_ns), PRINTABLE(run->name),
           PRINTABLE(run->command), PRINTABLE(run->tests), run->seconds, rate,
           run->test_count > 0 ? verdict_level_name(run->level) : "-", state_of(run),
           units_format_size(size, sizeof size, run->bytes), run->label[0] != '\0' ? "  " : "",
           PRINTABLE(run->label));
}

static json_t *run_to_json(const struct catalogue_run *run)
{
    char started[32];
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:f, s:f, s:o, s:o, s:s, s:o}", "name",
        json_value_text(run->name), "label",
        run->label[0] != '\0' ? json_value_text(run->label) : json_null(), "command",
        json_value_text(run->command), "tests", json_value_text(run->tests), "started",
        run->started_wall_ns > 0 ? json_string(format_time(started, run->started_wall_ns))
                                 : json_null(),
        "seconds", run->seconds, "rate", run->rate, "verdict",
        run->test_count > 0 ? json_string(verdict_level_name(run->level)) : json_null(), "status",
        json_integer(err_exit_status(run->status)), "state", state_of(run), "bytes",
        json_value_count(run->bytes));
}

static enum err_code list(struct results_request *request, struct err *err)
{
    const struct catalogue *catalogue = &request->catalogue;
    if (request->json) {
        json_t *runs = json_array();
        for (uint32_t i = 0; i < catalogue->count; i++)
            json_array_append_new(runs, run_to_json(&catalogue->runs[i]));
        json_t *report = json_pack("{s:s, s:o, s:o}", "schema", "volley.results/1", "directory",
                                   json_value_text(request->directory), "runs", runs);
        char *text = report != NULL ? json_dumps(report, JSON_INDENT(2)) : NULL;
        json_decref(report);
        if (text == NULL)
            return err_set(err, E_SYSTEM, "no memory for a list of runs");
        printf("%s\n", text);
        free(text);
        return OK;
    }
    if (catalogue->count == 0)
        printf("no runs in %s\n", PRINTABLE(request->directory));
    else
        printf("%-20s  %-24s  %-8s  %-16s  %9s  %12s  %-7s  %-10s  %s\n", "started", "run",
               "command", "tests", "seconds", "last req/s", "verdict", "state", "size");
    for (uint32_t i = 0; i < catalogue->count; i++)
        print_run(&catalogue->runs[i]);
    return OK;
}

static bool is_old(const struct results_request *request, uint32_t index)
{
    const struct catalogue_run *run = &request->catalogue.runs[index];
    const uint64_t now_ns = clock_wall_ns();
    if (options_given(&request->values, "keep") &&
        request->catalogue.count - index <= request->keep)
        return false;
    /* When one was made in which nothing had begun is not known. */
    return request->older_than_ns == 0 ||
           (run->started_wall_ns > 0 && now_ns > request->older_than_ns &&
            run->started_wall_ns < now_ns - request->older_than_ns);
}

static enum err_code prune(struct results_request *request, struct err *err)
{
    uint32_t taken = 0;
    uint64_t bytes = 0;
    char size[32];
    if (!options_given(&request->values, "keep") && request->older_than_ns == 0)
        return err_set(err, E_USAGE, "say what to prune: --keep N, --older-than TIME, or both");
    for (uint32_t i = 0; i < request->catalogue.count; i++) {
        const struct catalogue_run *run = &request->catalogue.runs[i];
        struct err own = {.code = OK};
        if (!is_old(request, i))
            continue;
        if (run->in_use || run->foreign || run->problem[0] != '\0') {
            log_line(LOG_WARNING, "%s/%s is left alone: %s%s", request->directory, run->name,
                     run->in_use    ? "the run goes on"
                     : run->foreign ? "not volley's is "
                                    : run->problem,
                     run->foreign && !run->in_use ? run->foreign_name : "");
            continue;
        }
        if (request->yes && catalogue_remove(request->directory, run, &own) != OK) {
            if (err->code != OK) /* the first one is told at the end */
                log_line(LOG_ERROR, "%s", own.text);
            else
                *err = own;
            continue;
        }
        printf("%s %s/%s\n", request->yes ? "removed" : "would remove",
               PRINTABLE(request->directory), PRINTABLE(run->name));
        taken++;
        bytes += run->bytes;
    }
    printf("%u of %u runs, %s%s\n", taken, request->catalogue.count,
           units_format_size(size, sizeof size, bytes),
           request->yes || taken == 0 ? "" : "; --yes removes them");
    return err->code;
}

static enum err_code run(void *target, struct err *err)
{
    struct results_request *request = target;
    const struct command_words *words = &request->words;
    size_t i = 0;
    while (i < ACTION_COUNT && (words->count == 0 || strcmp(words->items[0], actions[i].word) != 0))
        i++;
    if (i == ACTION_COUNT && words->count > 0)
        return err_set(err, E_USAGE, "%.40s is nothing that results does: %s", words->items[0],
                       results_option_table.usage);
    if (i == ACTION_COUNT || words->count > 2)
        return err_set(err, E_USAGE, "say what to do: %s", results_option_table.usage);
    if (actions[i].run == list &&
        (request->yes || options_given(&request->values, "keep") || request->older_than_ns > 0))
        return err_set(err, E_USAGE, "--keep, --older-than and --yes are for results prune");
    if (actions[i].run == prune && request->json)
        return err_set(err, E_USAGE, "--json is for results list");
    request->directory = words->count == 2 ? words->items[1] : USUAL_DIRECTORY;
    enum err_code code = catalogue_read(&request->catalogue, request->directory, err);
    return code == OK ? actions[i].run(request, err) : code;
}

static void destroy(void *target)
{
    struct results_request *request = target;
    catalogue_free(&request->catalogue);
    options_free(&request->values);
}

int command_results(int argc, const char *const *argv)
{
    struct results_request request = {.json = false};
    const struct command_frame frame = {.table = &results_option_table,
                                        .target = &request,
                                        .values = &request.values,
                                        .help = &request.help,
                                        .words = &request.words,
                                        .run = run,
                                        .destroy = destroy};
    return command_frame_run(&frame, argc, argv);
}
