/* `volley report DIR`: every output of a run, rebuilt from its journal. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/units.h"
#include "orchestrator/commands/bench_outputs.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/commands/curve_outputs.h"
#include "orchestrator/commands/frame.h"
#include "orchestrator/commands/overlay.h"
#include "orchestrator/commands/scenario_pages.h"
#include "orchestrator/options/bench_options.h"
#include "orchestrator/report/anonymise.h"
#include "orchestrator/report/output_place.h"
#include "orchestrator/report/sinks.h"
#include "orchestrator/scenario/scenario_export.h"

struct report_request {
    struct bench_request bench; /* first: its options fit */
    struct command_words words;
    bool anonymise;
};

/* clang-format off: a row reads best as a few short lines */
static const struct option_row own_rows[] = {
    {ROW("anonymise", NULL, OPTION_FLAG, NULL, offsetof(struct report_request, anonymise)),
     .section = "Output",
     .help = "Replace names by words and numbers, host1 and user1, the same everywhere: hosts, "
             "addresses, "
             "users, names of connections, labels, alerts, paths, and the words of commands but "
             "for their "
             "names. "
             "Nothing is written in DIR then."},
};

static const struct option_change changes[] = {
    {.name = "csv-interval",
     .help =
         "A CSV row of sixteen columns for each interval of this length, on standard output, in "
         "place of the report; a whole multiple of the run's own interval. A bare number is "
         "seconds."},
    {.name = "percentiles",
     .unset = "",
     .help = "Percentiles of the report and of JSON, in place of those that the run was asked for: "
             "at most 16, each above 0 and at most 100."},
    {.name = "json",
     .help = "Write the whole result as JSON; - is standard output, in place of the report."},
    {.name = "html",
     .help = "Write a page that shows the result: one file, which needs nothing else. Of a "
             "directory of find-max, sweep, load-test or compare-modes it shows what they have "
             "found."},
    {.name = "png",
     .help = "Draw the result into this directory, which is made: of a run LABEL_latency.png, "
             "LABEL_throughput.png and LABEL_percentiles.png, with run for LABEL where it has "
             "none; of a "
             "scenario SCENARIO_memory_analysis.png, SCENARIO_performance_correlation.png and "
             "SCENARIO_phase_heatmap.png; of a directory of find-max, sweep or load-test "
             "LABEL_curve.png, of compare-modes LABEL_modes.png. "
             "Needs gnuplot."},
    {.name = "debug", .help = "Report the percentile spectrum and every worker."},
};
/* clang-format on */

const struct option_table *report_option_table(void)
{
    static struct option_row rows[OPTION_TABLE_ROWS_MAX];
    static struct option_table table = {
        .command = "report",
        .usage = "volley report DIR [OPTIONS] | DIR DIR... --html FILE",
        .synopsis =
            "Rebuilds the outputs of a run from the journal in its directory (bench --out), also "
            "of a run that was killed. Prints the report, unless --csv-interval or --json - takes "
            "its place. Without --csv-interval, --percentiles, --json, --hdr, --html, --png and "
            "--svg it also writes "
            "run.json, intervals.csv, latency.hlog and, of several classes of requests, "
            "classes.csv in DIR where they are missing. Several runs are laid over one another on "
            "a "
            "page, and what differs in their options and environment is printed.",
        .takes_command = true,
        .takes_directory = true,
    };
    if (table.row_count > 0)
        return &table;
    table.wider = bench_option_table();
    static const struct option_group own = GROUP(NULL, 0, own_rows);
    bench_groups_add(&table, rows, OF_REPORT);
    option_table_add(&table, rows, OF_REPORT, &(struct option_use){&own, 0});
    option_table_change(&table, rows, changes, sizeof changes / sizeof changes[0]);
    return &table;
}

/* The files that a killed run could not complete. A directory that cannot be written to, a copy on
 * read-only media perhaps, is still good for a report. */
static void add_missing(struct timeline *timeline, const char *directory)
{
    if (journal_in_use(directory)) {
        log_line(LOG_WARNING, "the run in %s goes on: this is its report up to now", directory);
        return;
    }
    int directory_fd;
    struct err err = {.code = OK};
    enum err_code code = output_directory_open(&directory_fd, directory, &err);
    for (size_t i = 0; i < BENCH_FILES && code == OK; i++) {
        char path[BENCH_PATH_BYTES];
        struct sink sink;
        struct stat there;
        struct err too_long = {.code = OK};
        if (bench_outputs_path(path, directory, bench_files[i].name, &too_long) != OK ||
            fstatat(directory_fd, bench_files[i].name, &there, AT_SYMLINK_NOFOLLOW) == 0)
            continue; /* a link, too, is something that stands there */
        code = bench_files[i].make(&sink, path, OUTPUT_MISSING, &err);
        if (code == OK)
            timeline_add(timeline, sink);
    }
    if (code != OK)
        log_line(LOG_WARNING, "%s", err.text);
    if (directory_fd >= 0)
        close(directory_fd);
}

static enum err_code check_spec(const struct spec *spec, struct err *err)
{
    int on_stdout = (spec->outputs.csv_interval_ns > 0) +
                    output_is_stdout(spec->outputs.json_path) + spec->outputs.csv +
                    spec->outputs.quiet;
    if (on_stdout > 1)
        return err_set(err, E_USAGE,
                       "--csv-interval, --json -, --csv and --quiet all write to standard output: "
                       "give one");
    if (output_is_stdout(spec->outputs.hdr_path))
        return err_set(err, E_USAGE, "--hdr -: the log needs a file of its own");
    if (output_is_stdout(spec->outputs.html_path))
        return err_set(err, E_USAGE, "--html -: the page needs a file of its own");
    return OK;
}

/* Looks for a run whose intervals do not fill a row of the CSV, for a second test, and for any interval. */
struct check {
    uint64_t csv_interval_ns;
    uint32_t tests;
    uint64_t interval_ns; /* of the first such run; 0: none */
    uint64_t row_count;
};

static enum err_code check_run(void *state, const struct run_facts *run, struct err *err)
{
    struct check *check = state;
    (void)err;
    check->tests += !run->prefill;
    if (check->interval_ns == 0 && check->csv_interval_ns % run->interval_ns != 0)
        check->interval_ns = run->interval_ns;
    return OK;
}

static enum err_code check_row(void *state, const struct interval_row *row,
                               const struct error_kinds *error_kinds, struct err *err)
{
    struct check *check = state;
    (void)row;
    (void)error_kinds;
    (void)err;
    check->row_count++;
    return OK;
}

/* Before anything is printed the journal is read once for this alone: for the grid, as bench checks it,
 * because a run of which no interval is left has figures for nobody, and any output would show zeros; and for whether it is
 * complete. */
static enum err_code check_journal(bool *complete, const struct spec *spec, const char *directory,
                                   struct err *err)
{
    struct check check = {.csv_interval_ns = spec->outputs.csv_interval_ns};
    static struct timeline timeline; /* too large for a stack */
    char asked[32], interval[32];
    struct err damage = {.code = OK}; /* the second reading says it */
    if (timeline_init(&timeline, err) != OK)
        return err->code;
    timeline_add(&timeline, (struct sink){.name = "check",
                                          .state = &check,
                                          .run_begin = check_run,
                                          .interval = check_row});
    enum err_code readable = journal_replay(directory, &timeline, complete, &damage);
    timeline_destroy(&timeline);
    if (readable == E_SYSTEM)
        return err_set(err, E_SYSTEM, "%s", damage.text);
    if (readable == OK && check.row_count == 0)
        return err_set(err, E_DATA,
                       "the journal in %s ends before the first interval of a run: there "
                       "is nothing to report",
                       directory);
    if (check.csv_interval_ns > 0 && check.tests > 1)
        return err_set(err, E_USAGE,
                       "--csv-interval with %u tests: its rows have no name column; without it, "
                       "report writes a file for each test",
                       check.tests);
    if (check.csv_interval_ns == 0 || check.interval_ns == 0)
        return OK;
    units_format_duration(asked, sizeof asked, check.csv_interval_ns);
    units_format_duration(interval, sizeof interval, check.interval_ns);
    return err_set(err, E_USAGE,
                   "--csv-interval %s is not a whole multiple of the run's interval %s", asked,
                   interval);
}

/* What the journal of the directory is read for. */
struct replaying {
    const char *directory;
    char path[BENCH_PATH_BYTES];        /* of the journal */
    char scenario[SCENARIO_NAME_BYTES]; /* whose page and pictures are wanted; "": a run's */
    bool asked;                         /* for some output: nothing is added to the directory */
    bool complete;
    struct scenario_pages pages;
    json_t *
        found; /* by find-max, sweep, load-test or compare-modes, where the directory is one of theirs and it is asked for; NULL */
    struct curve_outputs curve;
};

/* What a page of a scenario shows beside its load stands in other files than the journal, with its names. */
static void find_scenario(struct replaying *replaying, const struct report_request *request)
{
    if (!scenario_pages_wanted(&request->bench.spec.outputs) ||
        !scenario_directory_of(replaying->scenario, replaying->directory))
        return;
    if (!request->anonymise)
        return;
    replaying->scenario[0] = '\0';
    log_line(LOG_WARNING, "of a scenario --anonymise shows the load alone: samples, phases and "
                          "checks are left out");
}

/* Page and pictures of a scenario, or of a search, take the place of those of its runs. Without names there are those of the
 * runs: reasons and evidence of a search are sentences. */
static enum err_code add_outputs(struct replaying *replaying, struct timeline *timeline,
                                 const struct report_request *asking, struct err *err)
{
    const struct output_options *outputs = &asking->bench.spec.outputs;
    struct bench_request of_load = asking->bench;
    enum err_code code = OK;
    if (replaying->scenario[0] == '\0' && !asking->anonymise && scenario_pages_wanted(outputs))
        replaying->found = curve_outputs_document(replaying->directory);
    if (replaying->scenario[0] != '\0')
        code = scenario_pages_open(&replaying->pages, outputs, err);
    else if (replaying->found != NULL)
        code = curve_outputs_open(&replaying->curve, timeline, outputs, NULL, err);
    else
        return bench_outputs_add(timeline, &asking->bench, err);
    of_load.spec.outputs.html_path = of_load.spec.outputs.png_dir = of_load.spec.outputs.svg_dir =
        NULL;
    return code == OK ? bench_outputs_add(timeline, &of_load, err) : code;
}

static void warn_of_what_is_left_out(const struct replaying *replaying,
                                     const struct timeline *timeline, bool readable)
{
    if (timeline->unknown_kinds > 0)
        log_line(LOG_WARNING,
                 "%s was written by a newer volley: %u kinds of figures in it are unknown to this "
                 "version and left out",
                 replaying->path, timeline->unknown_kinds);
    if (readable && !replaying->complete && !journal_in_use(replaying->directory))
        log_line(LOG_WARNING,
                 "the journal in %s ends before the run does: the report covers what "
                 "is there",
                 replaying->directory);
}

static enum err_code replay(struct replaying *replaying, const struct report_request *asking,
                            struct err *err)
{
    static struct timeline timeline, renamed; /* too large for a stack */
    const struct bench_request *request = &asking->bench;
    struct timeline *shown = asking->anonymise ? &renamed : &timeline;
    struct sink sink;
    if (check_journal(&replaying->complete, &request->spec, replaying->directory, err) != OK ||
        timeline_init(&timeline, err) != OK ||
        (asking->anonymise && timeline_init(&renamed, err) != OK))
        return err->code;
    timeline.cut = !replaying->complete;
    timeline.percentiles = request->spec.outputs.percentiles;
    timeline.percentile_count = request->spec.outputs.percentile_count;
    struct output_place *journal = NULL; /* which an output would replace */
    enum err_code code = output_place_claim(&journal, replaying->path, replaying->path, err);
    if (code == OK)
        code = add_outputs(replaying, shown, asking, err);
    if (code == OK && asking->anonymise && sink_anonymised(&sink, shown, err) == OK)
        timeline_add(&timeline, sink);
    if (code == OK && !replaying->asked)
        add_missing(&timeline, replaying->directory);
    if (code == OK)
        code = journal_replay(replaying->directory, &timeline, &replaying->complete, err);
    warn_of_what_is_left_out(replaying, &timeline, code == OK);
    /* What went wrong was said when it happened. */
    for (uint32_t i = 0; i < shown->sink_count && code == OK; i++)
        if (shown->failed[i])
            code = err_set(err, E_SYSTEM, "the %s is incomplete", shown->sinks[i].name);
    if (asking->anonymise && code == OK && !timeline_complete(&timeline))
        code = err_set(err, E_DATA, "the report without names is incomplete");
    if (code == OK && replaying->found != NULL)
        code = curve_outputs_write(&replaying->curve, replaying->found, err);
    timeline_destroy(&timeline);
    if (asking->anonymise)
        timeline_destroy(&renamed);
    output_place_release(journal);
    curve_outputs_discard(&replaying->curve);
    json_decref(replaying->found);
    return code;
}

static enum err_code report(const struct report_request *request, const char *directory,
                            struct err *err)
{
    static struct replaying replaying; /* too large for a stack */
    const struct output_options *outputs = &request->bench.spec.outputs;
    struct err too_long = {.code = OK};
    replaying.directory = directory;
    replaying.asked = request->anonymise || outputs->json_path != NULL ||
                      outputs->hdr_path != NULL || scenario_pages_wanted(outputs) ||
                      outputs->csv_interval_ns > 0 || outputs->percentile_count > 0;
    const bool readable =
        bench_outputs_path(replaying.path, directory, "journal", &too_long) == OK &&
        access(replaying.path, R_OK) == 0;
    if (!readable && scenario_directory_of(replaying.scenario, directory))
        return err_set(err, E_DATA,
                       "%.150s holds no journal that can be read: volley visualize generate %.150s "
                       "shows the samples of the scenario",
                       directory, directory);
    if (!readable)
        return err_set(err, E_DATA,
                       "%s holds no journal that can be read: volley bench --out DIR writes one",
                       directory);
    find_scenario(&replaying, request);
    enum err_code code = replay(&replaying, request, err);
    if (replaying.pages.outputs != NULL && (code == OK || code == E_DATA || code == E_UNTRUSTED))
        code = scenario_pages_end(&replaying.pages, code, directory, replaying.scenario, err);
    scenario_pages_close(&replaying.pages);
    return code;
}

static enum err_code run(void *target, struct err *err)
{
    struct report_request *request = target;
    signal(SIGPIPE, SIG_IGN); /* the files are completed when a reader of stdout goes away */
    signal(SIGXFSZ, SIG_IGN); /* and a file that must not grow is told like a full disk */
    const struct output_options *outputs = &request->bench.spec.outputs;
    if (request->words.count == 0 || (request->words.count > 1 && outputs->html_path == NULL))
        return err_set(err, E_USAGE,
                       "name one run directory: volley report DIR [OPTIONS]; several are laid over "
                       "one another with --html FILE");
    enum err_code code = check_spec(&request->bench.spec, err);
    if (code == OK && request->words.count > 1) {
        if (request->anonymise || outputs->json_path != NULL || outputs->hdr_path != NULL ||
            outputs->png_dir != NULL || outputs->svg_dir != NULL || outputs->csv_interval_ns > 0 ||
            outputs->percentile_count > 0 || outputs->csv || outputs->quiet)
            return err_set(err, E_USAGE,
                           "of several runs there is only a page: --html FILE and no other output");
        return overlay_write(request->words.items, request->words.count, outputs->html_path, stdout,
                             err);
    }
    return code == OK ? report(request, request->words.items[0], err) : code;
}

static void destroy(void *target)
{
    bench_options_free(&((struct report_request *)target)->bench);
}

int command_report(int argc, const char *const *argv)
{
    static struct report_request request; /* too large for a stack */
    const struct command_frame frame = {.table = report_option_table(),
                                        .target = &request,
                                        .values = &request.bench.values,
                                        .help = &request.bench.help,
                                        .words = &request.words,
                                        .run = run,
                                        .destroy = destroy};
    return command_frame_run(&frame, argc, argv);
}
