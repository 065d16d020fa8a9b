#include "orchestrator/commands/compare_modes_options.h"

#include <stddef.h>
#include <string.h>

#include "common/printable.h"
#include "common/units.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/options/buffer_file.h"

#define AT(member) offsetof(struct compare_modes_request, member)

static const char *const option_names[MODES] = {[MODE_A] = "a", [MODE_B] = "b"};

/* "5%", or "5", which means the same. */
static enum err_code parse_threshold(void *target, const char *value, struct err *reason)
{
    return units_parse_percent(&((struct compare_modes_request *)target)->threshold, value, 1000)
               ? OK
               : err_set(reason, E_USAGE,
                         "--threshold %.40s: allowed: percent above 0 to 1000, as in 5%%",
                         PRINTABLE(value));
}

/* clang-format off: a row reads best as a few short lines */
static const struct option_row modes_rows[] = {
    {ROW("a", NULL, OPTION_TEXT, "FILE|NAME", AT(paths[MODE_A])), .told = true,
     .help = "What the client does before it sends: a YAML or JSON file, or one of "
             "configs/buffers, as --buffer of bench takes it."},
    {ROW("b", NULL, OPTION_TEXT, "FILE|NAME", AT(paths[MODE_B])), .unset = "bypass", .told = true,
     .help = "What it is held against, likewise; bypass: no buffer."},
    {ROW("runs", NULL, OPTION_COUNT, "N", AT(runs)), NUMBER(MODES_RUNS_MIN, MODES_RUNS_MAX),
     .unset = "5", .told = true, .help = "Runs of each, by turns: A B A B."},
    {ROW("confidence", NULL, OPTION_REAL, "PERCENT", AT(confidence_percent)), REAL(50, 99.999),
     .unset = "95", .help = "How sure answers are, over all rows together."},
    {ROW("threshold", NULL, OPTION_CUSTOM, "PERCENT", 0), .parse = parse_threshold, .unset = "5%",
     .help = "A change that is surely smaller counts as the same; a regression is one of so much."},
    {ROW("fail-on-regression", NULL, OPTION_FLAG, NULL, AT(fail_on_regression)),
     .help = "Exit with status 1 when A is surely slower than B, by the threshold or more."},
};

static const struct option_row other_rows[] = {
    {ROW("markdown", NULL, OPTION_FLAG, NULL, AT(markdown)), .section = "Output",
     .help = "Print it as Markdown."},

    ELSEWHERE("buffer", NULL, "use --a, and --b for what it is held against"),
    ELSEWHERE("pipeline", "P", "a batch is what is in flight on a connection"),
};

static const struct option_change changes[] = {
    {.name = "clients",
     .help = "Users that have a request under way, over all workers; without a buffer each has a "
             "connection."},
    {.name = "requests",
     .help = "Requests of each run; errors count. Without meaning when a duration is given."},
    {.name = "test-duration",
     .help = "Measure each run for so long in place of a number of requests; a bare number is "
             "seconds."},
    {.name = "warmup",
     .help = "Load before each run is measured, rounded up to whole intervals; a bare number is "
             "seconds."},
    {.name = "type",
     .help =
         "The test, one of those that bench knows. A command behind the options takes its place."},
    {.name = "prefill",
     .help = "Write the keys once, before the first run, if the test reads them."},
    {.name = "out",
     .help = "Keep everything about the comparison in this directory, which is made: every run as "
             "a run of bench, and compare-modes.json, compare-modes.md and compare-modes.html."},
    {.name = "html",
     .help = "Write a page that shows the comparison, with the latency matrix and all runs: one "
             "file, which needs nothing else."},
    {.name = "png",
     .help = "Draw latency matrix and runs into this directory, which is made: LABEL_modes.png, "
             "with --label, else run_modes.png. Needs gnuplot."},
    {.name = "svg", .help = "The same picture as SVG."},
    {.name = "explain", .help = "Print the plan and the first commands, and connect to nothing."},
};
/* clang-format on */

const struct option_table *compare_modes_option_table(void)
{
    static struct option_row rows[OPTION_TABLE_ROWS_MAX];
    static struct option_table table = {
        .command = "compare-modes",
        .usage = "volley compare-modes --a FILE|NAME [--b FILE|NAME] [options] [--] [command "
                 "[argument ...]]",
        .synopsis = "Runs the load of two clients that differ in their buffers by turns on one "
                    "server, and says which is faster, with the statistics of volley compare.",
        .epilogue = "Example: volley compare-modes --a high-throughput --b bypass --managed -t set "
                    "-c 48 --test-duration 10s --warmup 1s",
        .takes_command = true,
    };
    static const struct load_table own = {.first = GROUP("Modes", 0, modes_rows),
                                          .last = GROUP(NULL, 0, other_rows),
                                          .changes = changes,
                                          .change_count = sizeof changes / sizeof changes[0]};
    return load_table_fill(&table, rows, OF_MODES, &own);
}

/* The mode whose options hold for all: what does not go with a buffer, or with a near cache, is refused for both, since their loads
 * are the same. */
static int strictest(const struct buffer_options buffers[MODES])
{
    const struct buffer_options *a = &buffers[MODE_A], *b = &buffers[MODE_B];
    if (a->wanted != b->wanted)
        return a->wanted ? MODE_A : MODE_B;
    return a->cache_replies > 0 || b->cache_replies == 0 ? MODE_A : MODE_B;
}

static enum err_code read_buffers(struct compare_modes_request *request, struct err *err)
{
    if (request->paths[MODE_A] == NULL)
        return err_set(err, E_USAGE, "--a is missing: %s", compare_modes_option_table()->usage);
    for (int side = 0; side < MODES; side++) {
        struct err reason = {.code = OK};
        if (buffer_file_read(&request->buffers[side], request->paths[side], &reason) != OK)
            return err_set(err, reason.code, "--%s %s", option_names[side], reason.text);
    }
    if (buffer_file_same(&request->buffers[MODE_A], &request->buffers[MODE_B]))
        return err_set(err, E_USAGE,
                       "--a %.60s and --b %.60s say the same: there is nothing to compare",
                       PRINTABLE(request->paths[MODE_A]), PRINTABLE(request->paths[MODE_B]));
    return OK;
}

enum err_code compare_modes_options_parse(struct compare_modes_request *request, int argc,
                                          const char *const *argv, struct err *err)
{
    const struct spec *spec = &request->bench.spec;
    enum err_code code = bench_options_defaults(&request->bench, err);
    if (code == OK)
        code = options_parse(&request->bench.values, compare_modes_option_table(), request, argc,
                             argv, err);
    if (code != OK || request->bench.help)
        return code;
    code = read_buffers(request, err);
    if (code != OK)
        return code;
    const int buffered = strictest(request->buffers);
    request->tracking = spec->endpoint.tracking;
    request->resp3 = spec->endpoint.resp3 || spec->endpoint.tracking;
    request->bench.buffer.path = request->paths[buffered];
    request->bench.buffer.option = option_names[buffered];
    if (spec->load.test_count > 1)
        return err_set(err, E_USAGE,
                       "compare-modes takes one test; --type names %u: run it for each",
                       spec->load.test_count);
    if (request->markdown && spec->outputs.json_path != NULL &&
        strcmp(spec->outputs.json_path, "-") == 0)
        return err_set(err, E_USAGE, "--json - and --markdown: standard output takes one of them");
    return bench_options_settle(&request->bench, err);
}
