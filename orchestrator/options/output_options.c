#include "orchestrator/options/bench_groups.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/clock.h"
#include "common/units.h"

#define TICKETS_SHOWN_USUAL 3u
#define TICKETS_SHOWN_MAX 100000u
#define HOUR_NS (3600 * NS_PER_SECOND)

/* --- values ---------------------------------------------------------------------------------- */

static bool is_number(const char *word)
{
    return *word != '\0' && strspn(word, "0123456789") == strlen(word);
}

static enum err_code parse_explain(void *target, const char *value, struct err *err)
{
    static const struct {
        const char *word;
        bool explain;
    } words[] = {{"true", true},   {"yes", true}, {"on", true},
                 {"false", false}, {"no", false}, {"off", false}};
    struct output_options *outputs = target;
    outputs->tickets_shown = TICKETS_SHOWN_USUAL;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcasecmp(value, words[i].word) == 0) {
            outputs->explain = words[i].explain;
            return OK;
        }
    outputs->explain = true;
    return is_number(value) && units_parse_count(&outputs->tickets_shown, value) &&
                   outputs->tickets_shown <= TICKETS_SHOWN_MAX
               ? OK
               : err_set(err, E_USAGE, "--explain %.40s: allowed: 0 to %s requests", value,
                         UNITS_GROUPED(TICKETS_SHOWN_MAX));
}

static const char *log_level_at(size_t index)
{
    static const char *const names[] = {"error", "warning", "info", "debug"};
    return index < sizeof names / sizeof names[0] ? names[index] : NULL;
}

/* "99.9" and nothing that strtod would take beside it: no sign, exponent, blank or "nan". */
static bool parse_percentile(double *percentile, const char *text, size_t text_bytes)
{
    char copy[32];
    if (text_bytes == 0 || text_bytes >= sizeof copy)
        return false;
    memcpy(copy, text, text_bytes);
    copy[text_bytes] = '\0';
    size_t whole = strspn(copy, "0123456789");
    size_t fraction = copy[whole] == '.' ? strspn(copy + whole + 1, "0123456789") : 0;
    size_t used = whole + (copy[whole] == '.' ? 1 + fraction : 0);
    if (whole == 0 || copy[used] != '\0' || (copy[whole] == '.' && fraction == 0))
        return false;
    double value = strtod(copy, NULL);
    if (!(value > 0 && value <= 100))
        return false;
    *percentile = value;
    return true;
}

/* False: the list is full. */
static bool append_percentile(double percentiles[SPEC_PERCENTILES_MAX], uint32_t *count,
                              double percentile)
{
    for (uint32_t i = 0; i < *count; i++)
        if (!(percentiles[i] < percentile || percentiles[i] > percentile))
            return true;
    if (*count == SPEC_PERCENTILES_MAX)
        return false;
    percentiles[(*count)++] = percentile;
    return true;
}

/* The values in the order given, each once. */
static enum err_code parse_percentiles(void *target, const char *value, struct err *err)
{
    struct output_options *outputs = target;
    outputs->percentile_count = 0;
    for (const char *at = value;;) {
        size_t bytes = strcspn(at, ",");
        double percentile;
        if (!parse_percentile(&percentile, at, bytes))
            return err_set(err, E_USAGE,
                           "--percentiles %.80s: \"%.*s\" is not above 0 and at most 100", value,
                           (int)(bytes < 40 ? bytes : 40), at);
        if (!append_percentile(outputs->percentiles, &outputs->percentile_count, percentile))
            return err_set(err, E_USAGE, "--percentiles %.80s: more than %d", value,
                           SPEC_PERCENTILES_MAX);
        if (at[bytes] == '\0')
            return OK;
        at += bytes + 1;
    }
}

static enum err_code parse_log_level(void *target, const char *value, struct err *err)
{
    struct output_options *outputs = target;
    if (log_level_parse(&outputs->log_level, value))
        return OK;
    return err_set(err, E_USAGE,
                   "--log-level %.80s: allowed: error, warning, info, debug (and critical)", value);
}

#define AT(member) offsetof(struct output_options, member)
/* clang-format off: a row reads best as a few short lines */
static const struct option_row output_rows[] = {
    {ROW("quiet", "q", OPTION_FLAG, NULL, AT(quiet)),
     .commands = OF_BENCH | OF_FIND_MAX | OF_REPORT, .told = true,
     .help = "One line for each test, as valkey-benchmark -q prints it."},
    {ROW("csv", NULL, OPTION_FLAG, NULL, AT(csv)), .commands = OF_BENCH | OF_REPORT, .told = true,
     .help = "One CSV line for each test, on standard output, as valkey-benchmark --csv prints "
             "it."},
    {ROW("csv-interval", NULL, OPTION_DURATION, "TIME", AT(csv_interval_ns)),
     BARE(NS_PER_SECOND, 10 * NS_PER_MS, HOUR_NS),
     .aliases = "interval-metrics-interval-duration-sec", .commands = OF_BENCH | OF_REPORT,
     .told = true,
     .help = "A CSV row for each such time, on standard output, in place of the report; for one "
             "test only. A whole multiple of --interval, which is made to fit unless it is given. "
             "A bare number is seconds, and may be 1.5."},
    {ROW("extended-metrics", NULL, OPTION_FLAG, NULL, AT(extended_metrics)), .commands = OF_BENCH,
     .help = "More columns in the interval CSV, and keys and replication sampled from the server."},
    {ROW("monitoring-interval", NULL, OPTION_DURATION, "TIME", AT(monitoring_interval_ns)),
     BARE(NS_PER_SECOND, 100 * NS_PER_MS, HOUR_NS), .unset = "5s", .commands = OF_BENCH,
     .help = "How often the server is asked; needs --extended-metrics. A bare number is seconds."},
    {ROW("require-green", NULL, OPTION_FLAG, NULL, AT(require_green)), .commands = OF_BENCH,
     .told = true,
     .help = "Exit with status 1 when the verdict on a result is anything else than GREEN."},
    {ROW("percentiles", NULL, OPTION_CUSTOM, "LIST", AT(percentiles)), .parse = parse_percentiles,
     .unset = SPEC_PERCENTILES_USUAL, .commands = OF_BENCH | OF_FIND_MAX | OF_REPORT, .told = true,
     .help = "Percentiles of the report: at most 16, each above 0 and at most 100."},
    {ROW("label", NULL, OPTION_TEXT, "TEXT", AT(label)), .commands = OF_LOADS | OF_RUN,
     .told = true, .help = "A name for the run; stands in the report and in JSON."},
    {ROW("json", NULL, OPTION_TEXT, "FILE", AT(json_path)), .needs_trust = true,
     .commands = OF_LOADS | OF_REPORT, .told = true,
     .help = "Write the whole result as JSON; - is standard output."},
    {ROW("out", NULL, OPTION_TEXT, "DIR", AT(out_dir)), .needs_trust = true, .told = true,
     .commands = OF_LOADS,
     .help = "Keep everything about the run in this directory, which is made, with what is missing "
             "above it."},
    {ROW("hdr", NULL, OPTION_TEXT, "FILE", AT(hdr_path)), .needs_trust = true,
     .commands = OF_BENCH | OF_REPORT, .told = true,
     .help = "Write the latencies of all intervals as an HdrHistogram log."},
    {ROW("html", NULL, OPTION_TEXT, "FILE", AT(html_path)), .needs_trust = true,
     .commands = OF_LOADS | OF_REPORT | OF_RUN, .told = true,
     .help = "Write a page that shows the result: one file, which needs nothing else."},
    {ROW("png", NULL, OPTION_TEXT, "DIR", AT(png_dir)), .needs_trust = true,
     .commands = OF_LOADS | OF_REPORT | OF_RUN, .told = true,
     .help = "Draw the result into this directory, which is made: LABEL_latency.png, "
             "LABEL_throughput.png and LABEL_percentiles.png, with --label, else run_latency.png "
             "and so on. Needs gnuplot."},
    {ROW("svg", NULL, OPTION_TEXT, "DIR", AT(svg_dir)), .needs_trust = true,
     .commands = OF_LOADS | OF_REPORT | OF_RUN, .told = true, .help = "The same pictures as SVG."},
    {ROW("progress", NULL, OPTION_FLAG, NULL, AT(progress)), .commands = OF_LOADS | OF_RUN,
     .told = true, .help = "Show progress even where standard error is no terminal."},
    {ROW("debug", NULL, OPTION_FLAG, NULL, AT(debug)), .commands = OF_BENCH | OF_REPORT,
     .told = true,
     .help = "Report the percentile spectrum and every worker, and log at level debug."},
    {ROW("log-level", NULL, OPTION_CUSTOM, "LEVEL", AT(log_level)), .parse = parse_log_level,
     .value_at = log_level_at, .unset = "warning", .commands = OF_LOADS | OF_RUN, .told = true,
     .help = "What is logged on standard error: error, warning, info or debug."},
    {ROW("explain", NULL, OPTION_CUSTOM, "[N]", AT(explain)), .command_line_only = true,
     .section = "Other", .parse = parse_explain, .takes_next = is_number, .closed = false,
     .help = "Print the plan, the first 3 requests, or as many as it says, and where each option "
             "came from, and connect to nothing."},
};
/* clang-format on */
#undef AT
const struct option_group output_group = GROUP("Output", OF_LOADS, output_rows);

/* --- what they mean together ----------------------------------------------------------------- */

static bool is_stdout(const char *path)
{
    return path != NULL && strcmp(path, "-") == 0;
}

enum err_code output_settle(struct bench_request *request, struct err *err)
{
    static const char why_one[] = "standard output takes one of them";
    struct spec *spec = &request->spec;
    struct output_options *outputs = &request->spec.outputs;
    relation_exclude(request, "csv", "csv-interval", why_one, err);
    if (is_stdout(outputs->json_path))
        relation_exclude(request, "json", "csv csv-interval quiet", why_one, err);
    if (is_stdout(outputs->hdr_path))
        return err_set(err, E_USAGE, "--hdr -: the log needs a file of its own");
    if (is_stdout(outputs->html_path))
        return err_set(err, E_USAGE, "--html -: the page needs a file of its own");
    if (outputs->csv_interval_ns > 0 && spec->load.runs > 1)
        return err_set(err, E_USAGE,
                       "--csv-interval with --runs %" PRIu64
                       ": its rows have no name column; --out has a file for each run",
                       spec->load.runs);
    if (outputs->csv_interval_ns > 0 && spec->load.test_count > 1)
        return err_set(
            err, E_USAGE,
            "--csv-interval with %u tests: its rows have no name column; run them one by "
            "one",
            spec->load.test_count);
    if (relation_given(request, "monitoring-interval") && !outputs->extended_metrics)
        return err_set(err, E_USAGE, "--monitoring-interval needs --extended-metrics");
    if (outputs->debug && !relation_given(request, "log-level")) {
        outputs->log_level = LOG_DEBUG;
        options_derive(&request->values, "log-level", "debug", "debug");
    }
    return err->code;
}

#define INTERVAL_LEAST_NS (10 * NS_PER_MS) /* as --interval has it */

/* The longest interval up to longest_ns of which whole_ns is a multiple, in whole milliseconds where
 * whole_ns is; 0: none. */
static uint64_t largest_part(uint64_t whole_ns, uint64_t longest_ns)
{
    uint64_t unit_ns = whole_ns % NS_PER_MS == 0 ? NS_PER_MS : 1;
    uint64_t most = whole_ns / INTERVAL_LEAST_NS;
    for (uint64_t parts = (whole_ns + longest_ns - 1) / longest_ns; parts <= most; parts++)
        if (whole_ns % (parts * unit_ns) == 0)
            return whole_ns / parts;
    return 0;
}

enum err_code output_settle_intervals(struct bench_request *request, struct err *err)
{
    struct spec *spec = &request->spec;
    uint64_t csv_ns = spec->outputs.csv_interval_ns;
    if (csv_ns > 0 && !relation_given(request, "interval")) {
        uint64_t part_ns = largest_part(csv_ns, spec->load.interval_ns);
        if (part_ns != 0 && part_ns != spec->load.interval_ns) {
            spec->load.interval_ns = part_ns;
            options_derive(&request->values, "interval", "csv-interval", "");
        }
    }
    char csv[32], interval[32];
    units_format_duration(interval, sizeof interval, spec->load.interval_ns);
    if (csv_ns % spec->load.interval_ns != 0)
        return err_set(err, E_USAGE, "--csv-interval %s is not a whole multiple of --interval %s",
                       units_format_duration(csv, sizeof csv, csv_ns), interval);
    uint64_t beyond_ns = spec->load.warmup_ns % spec->load.interval_ns;
    if (beyond_ns > 0) {
        char asked[32], rounded[32];
        units_format_duration(asked, sizeof asked, spec->load.warmup_ns);
        spec->load.warmup_ns += spec->load.interval_ns - beyond_ns;
        relation_notice(request, "--warmup %s is rounded up to %s, whole intervals of %s", asked,
                        units_format_duration(rounded, sizeof rounded, spec->load.warmup_ns),
                        interval);
    }
    return OK;
}
