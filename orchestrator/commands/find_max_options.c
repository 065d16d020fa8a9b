#include "orchestrator/commands/find_max_options.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/printable.h"
#include "common/schedule.h"
#include "common/units.h"
#include "orchestrator/capacity/windows.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/options/rate_text.h"

#define AT(member) offsetof(struct find_max_request, member)
#define RATE_MOST (SCHEDULE_RATE_MAX_MICRO / SCHEDULE_MICRO)
#define WINDOW_STEP_NS (100 * NS_PER_MS)
#define INTERVALS_IN_A_WINDOW 10u
#define REQUESTS_IN_A_WINDOW 10u
#define PERCENT_MIN 0.5
#define PERCENT_MAX 50.0
#define FACTOR_BYTES 24
#define HEADROOM_MOST 1000.0

static enum err_code parse_slos(void *target, const char *value, struct err *err)
{
    static const struct objective_grammar grammar = {.option = "--slo"};
    struct find_max_request *request = target;
    return objective_parse_list(&request->objectives, value, &grammar, err);
}

/* "2%" or "2". */
static enum err_code parse_precision(void *target, const char *value, struct err *err)
{
    struct find_max_request *request = target;
    size_t digits = strspn(value, "0123456789.");
    char *end = NULL;
    double percent = digits > 0 && digits < 16 ? strtod(value, &end) : 0;
    bool whole = end == value + digits &&
                 (value[digits] == '\0' || (value[digits] == '%' && value[digits + 1] == '\0'));
    if (!whole || !(percent >= PERCENT_MIN && percent <= PERCENT_MAX))
        return err_set(err, E_USAGE, "--precision %.40s: allowed: %g%% to %g%%", value, PERCENT_MIN,
                       PERCENT_MAX);
    request->precision = percent / 100;
    return OK;
}

/* "2x:50k": a factor, and the load of today. */
static enum err_code parse_headroom(void *target, const char *value, struct err *err)
{
    struct headroom *headroom = &((struct find_max_request *)target)->headroom;
    const char *times = strstr(value, "x:");
    char factor[FACTOR_BYTES];
    struct err reason = {.code = OK};
    if (times == NULL || (size_t)(times - value) >= sizeof factor)
        return err_set(err, E_USAGE, "--headroom %.40s: allowed: FACTORx:RATE, as in 2x:50k",
                       PRINTABLE(value));
    snprintf(factor, sizeof factor, "%.*s", (int)(times - value), value);
    if (!rate_parse_factor(&headroom->factor, factor) || headroom->factor > HEADROOM_MOST)
        return err_set(err, E_USAGE,
                       "--headroom %.40s: \"%.20s\": allowed: a number above 0, to %g",
                       PRINTABLE(value), PRINTABLE(factor), HEADROOM_MOST);
    if (rate_parse(&headroom->load_micro, times + 2, &reason) != OK)
        return err_set(err, E_USAGE, "--headroom %.40s: \"%.20s\": %.200s", PRINTABLE(value),
                       PRINTABLE(times + 2), reason.text);
    return headroom->load_micro > 0
               ? OK
               : err_set(err, E_USAGE, "--headroom %.40s: the load of today is above 0",
                         PRINTABLE(value));
}

/* clang-format off: a row reads best as a few short lines */
static const struct option_row search_rows[] = {
    {ROW("slo", NULL, OPTION_CUSTOM, "OBJECTIVE", 0), .parse = parse_slos, .repeats = true,
     .help =
         "What every rate that counts has to keep: p99<1ms, p99.9<=5ms, mean<500us, max<20ms "
         "or errors<0.1%, of response times. With the name of a class of requests in front it is "
         "about that class: read:p99<1ms. Several of them separated by commas, or --slo "
         "again."},
    {ROW("start-rate", NULL, OPTION_COUNT, "N", AT(start_rate)), NUMBER(1, RATE_MOST),
     .unset = "1000", .help = "Requests per second of the first probe."},
    {ROW("max-rate", NULL, OPTION_COUNT, "N", AT(max_rate)), NUMBER(1, RATE_MOST), .unset = "100m",
     .help = "No probe has a higher rate."},
    {ROW("precision", NULL, OPTION_CUSTOM, "PERCENT", 0), .parse = parse_precision, .unset = "2%",
     .help = "How near the rate that passes and the one that fails have to be; 0.5% to 50%."},
    {ROW("windows", NULL, OPTION_COUNT, "N", AT(windows)), NUMBER(1, WINDOWS_MAX), .unset = "5",
     .help = "Windows of a probe, which passes when the majority of them do."},
    {ROW("window", NULL, OPTION_DURATION, "TIME", AT(window_ns)),
     BARE(NS_PER_SECOND, WINDOW_STEP_NS, 600 * NS_PER_SECOND), .unset = "1s",
     .help = "Length of a window, a multiple of 100ms; a bare number is seconds."},
    {ROW("max-probes", NULL, OPTION_COUNT, "N", AT(max_probes)), NUMBER(1, SEARCH_PROBES_MAX),
     .unset = "60", .help = "The search ends after so many probes with what it has."},
    {ROW("headroom", NULL, OPTION_CUSTOM, "FACTORx:RATE", 0), .parse = parse_headroom,
     .help = "Say whether what is found is at least so many times a load, as 2x:50k: twice 50,000 "
             "requests per second; exit with status 1 when it is not."},
};

static const struct option_row other_rows[] = {
    {ROW("csv", NULL, OPTION_TEXT, "FILE", AT(csv_path)), .needs_trust = true, .section = "Output",
     .help = "Write a CSV line for each probe to FILE; - is standard output, in place of the "
             "table. (--csv of bench is a flag.)"},

    {.name = "qps",
     .aliases = "rps",
     .kind = OPTION_ELSEWHERE,
     .help = "it searches the rate itself; --start-rate says where it begins"},
    {.name = "test-duration",
     .aliases = "duration",
     .kind = OPTION_ELSEWHERE,
     .help = "a probe lasts --windows times --window"},
    ELSEWHERE("requests", "n", "a probe lasts --windows times --window"),
    ELSEWHERE("interval", NULL, "use --window"),
};

static const struct option_change changes[] = {
    {.name = "warmup",
     .unset = "1s",
     .help = "Load at the probe's rate before its first window; a bare number is seconds."},
    {.name = "type",
     .help =
         "The test, one of those that bench knows. A command behind the options takes its place."},
    {.name = "prefill",
     .help = "Write the keys once, before the first probe, if the test reads them."},
    {.name = "quiet", .help = "Print what was found, without the table."},
    {.name = "percentiles",
     .unset = SPEC_PERCENTILES_SEARCH,
     .help = "Percentiles of the table, beside those of the objectives: at most 16."},
    {.name = "out",
     .help = "Keep everything about the search in this directory, which is made: every probe as a "
             "run of bench, and find-max.json and find-max.csv."},
    {.name = "html",
     .help = "Write a page that shows the search, with latency against load: one file, which needs "
             "nothing else."},
    {.name = "png",
     .help = "Draw latency against load into this directory, which is made: LABEL_curve.png, with "
             "--label, else run_curve.png. Needs gnuplot."},
    {.name = "svg", .help = "The same picture as SVG."},
    {.name = "progress",
     .help = "Print a line for each probe even where standard error is no terminal."},
    {.name = "explain", .help = "Print the plan and the first commands, and connect to nothing."},
};
/* clang-format on */

const struct option_table *find_max_option_table(void)
{
    static struct option_row rows[OPTION_TABLE_ROWS_MAX];
    static struct option_table table = {
        .command = "find-max",
        .usage = "volley find-max --slo OBJECTIVE [options] [--] [command [argument ...]]",
        .synopsis =
            "Finds the highest rate that a server sustains: the load is open, probes climb and "
            "then "
            "bisect, and both sides of the knee are tested until they are certain. Prints latency "
            "against load, the rate with its confidence interval, and what limits it.",
        .epilogue =
            "Example: volley find-max --slo 'p99<1ms' -h 10.0.0.5 -t get -r 100000 --prefill",
        .takes_command = true,
    };
    static const struct load_table own = {.first = GROUP("Search", 0, search_rows),
                                          .last = GROUP(NULL, 0, other_rows),
                                          .changes = changes,
                                          .change_count = sizeof changes / sizeof changes[0]};
    return load_table_fill(&table, rows, OF_FIND_MAX, &own);
}

/* The grid on which windows are cut: fine enough to end a hopeless probe soon. */
static uint64_t interval_of(uint64_t window_ns)
{
    uint64_t interval_ns = window_ns / INTERVALS_IN_A_WINDOW;
    return interval_ns < WINDOW_STEP_NS ? interval_ns : WINDOW_STEP_NS;
}

static enum err_code check_search(const struct find_max_request *request, struct err *err)
{
    const struct spec *spec = &request->bench.spec;
    if (request->objectives.count == 0)
        return err_set(err, E_USAGE,
                       "find-max needs an objective: volley find-max --slo 'p99<1ms'; the quotes "
                       "keep the shell from reading <");
    if (request->window_ns % WINDOW_STEP_NS != 0)
        return err_set(err, E_USAGE, "--window is not a multiple of 100ms");
    for (uint32_t i = 0; i < request->objectives.count; i++)
        if (request->objectives.items[i].class[0] != '\0' &&
            request->window_ns % NS_PER_SECOND != 0)
            return err_set(err, E_USAGE,
                           "--slo %s: --window has to be whole seconds, since times of a class "
                           "are kept by the second",
                           request->objectives.items[i].text);
    if (request->start_rate > request->max_rate)
        return err_set(err, E_USAGE, "--start-rate %s%s is above --max-rate %s",
                       UNITS_GROUPED(request->start_rate),
                       options_given(&request->bench.values, "start-rate") ? "" : ", the default,",
                       UNITS_GROUPED(request->max_rate));
    if (headroom_wanted_micro(&request->headroom) > request->max_rate * SCHEDULE_MICRO)
        return err_set(err, E_USAGE,
                       "--headroom: %g times the load is above --max-rate %s, so that it could "
                       "never be found",
                       request->headroom.factor, UNITS_GROUPED(request->max_rate));
    if (spec->load.test_count > 1)
        return err_set(err, E_USAGE, "find-max takes one test; --type names %u: run it for each",
                       spec->load.test_count);
    return OK;
}

/* The rate of the first probe stands for all of them where options are checked against each other. */
enum err_code find_max_options_parse(struct find_max_request *request, int argc,
                                     const char *const *argv, struct err *err)
{
    struct spec *spec = &request->bench.spec;
    enum err_code code = bench_options_defaults(&request->bench, err);
    if (code == OK)
        code = options_parse(&request->bench.values, find_max_option_table(), request, argc, argv,
                             err);
    if (code != OK || request->bench.help)
        return code;
    spec->load.interval_ns = interval_of(request->window_ns);
    /* One interval more than the windows: the last one of a run takes in what is answered late. */
    spec->load.duration_ns = request->windows * request->window_ns + spec->load.interval_ns;
    const struct rate_step first = rate_step_constant(request->start_rate * SCHEDULE_MICRO);
    code = rate_steps_add(&request->bench.steps, &first, err);
    if (code == OK)
        code = check_search(request, err);
    if (code == OK)
        code = stream_wishes_vary(&request->bench.workload.streams, "qps", err);
    return code == OK ? bench_options_settle(&request->bench, err) : code;
}

struct search_limits find_max_limits(const struct find_max_request *request)
{
    struct search_limits limits = {
        .start_micro = request->start_rate * SCHEDULE_MICRO,
        .highest_micro = request->max_rate * SCHEDULE_MICRO,
        .precision = request->precision,
        .probes_max = (uint32_t)request->max_probes,
    };
    limits.lowest_micro =
        REQUESTS_IN_A_WINDOW * (NS_PER_SECOND * SCHEDULE_MICRO / request->window_ns);
    if (limits.lowest_micro > limits.start_micro)
        limits.lowest_micro = limits.start_micro;
    return limits;
}

/* Probes of each kind that searches take, from the simulations of docs/design/capacity.md. */
#define CLIMBS_LEAST 4.0
#define CLIMBS_MOST 12.0
#define RETESTS_LEAST 3.0
#define RETESTS_MOST 10.0
#define BISECTIONS_MORE 4.0
/* Forking, connecting, and the interval that takes in late replies. */
#define AROUND_PROBE_SECONDS 0.25

struct find_max_estimate find_max_estimate(const struct find_max_request *request)
{
    const double second = (double)NS_PER_SECOND;
    const double window = (double)request->window_ns / second;
    const double before =
        (double)request->bench.spec.load.warmup_ns / second + AROUND_PROBE_SECONDS;
    const uint64_t majority = request->windows / 2 + 1;
    const double decided = before + (double)majority * window;
    const double bisections = ceil(log2(log(2) / log1p(request->precision)));
    struct find_max_estimate estimate = {
        .shortest_probe_seconds = before + window,
        .whole_probe_seconds = before + (double)request->windows * window,
    };
    const double shortest = estimate.shortest_probe_seconds, whole = estimate.whole_probe_seconds;
    estimate.all_seconds = (double)request->max_probes * whole;
    estimate.least_seconds = CLIMBS_LEAST * shortest + bisections * decided + RETESTS_LEAST * whole;
    estimate.most_seconds =
        CLIMBS_MOST * shortest + (bisections + BISECTIONS_MORE) * decided + RETESTS_MOST * whole;
    estimate.most_seconds = fmin(estimate.most_seconds, estimate.all_seconds);
    estimate.least_seconds = fmin(estimate.least_seconds, estimate.most_seconds);
    return estimate;
}

char *find_max_format_seconds(char *text, size_t text_bytes, double seconds)
{
    if (seconds < 119.5)
        snprintf(text, text_bytes, "%.0f s", seconds);
    else if (seconds < 119.5 * 60)
        snprintf(text, text_bytes, "%.1f min", seconds / 60);
    else
        snprintf(text, text_bytes, "%.1f h", seconds / 3600);
    return text;
}

char *find_max_format_estimate(char *text, size_t text_bytes,
                               const struct find_max_request *request)
{
    const struct find_max_estimate estimate = find_max_estimate(request);
    char least[24], most[24], all[24];
    find_max_format_seconds(least, sizeof least, estimate.least_seconds);
    find_max_format_seconds(most, sizeof most, estimate.most_seconds);
    find_max_format_seconds(all, sizeof all, estimate.all_seconds);
    snprintf(text, text_bytes, "takes about %s to %s; %llu probes of %.1f to %.1f s at most (%s)",
             least, most, (unsigned long long)request->max_probes, estimate.shortest_probe_seconds,
             estimate.whole_probe_seconds, all);
    return text;
}
