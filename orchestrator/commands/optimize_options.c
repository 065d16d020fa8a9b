#include "orchestrator/commands/optimize_options.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/printable.h"
#include "common/suggest.h"
#include "common/units.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/options/bench_groups.h"
#include "orchestrator/options/load_limits.h"
#include "orchestrator/options/relation.h"
#include "orchestrator/options/shipped_files.h"

#define AT(member) offsetof(struct optimize_request, member)

/* "5%", or "5", which means the same. */
static enum err_code parse_threshold(void *target, const char *value, struct err *reason)
{
    return units_parse_percent(&((struct optimize_request *)target)->threshold, value, 1000)
               ? OK
               : err_set(reason, E_USAGE,
                         "--threshold %.40s: allowed: percent above 0 to 1000, as in 5%%",
                         PRINTABLE(value));
}

/* clang-format off: a row reads best as a few short lines */
static const struct option_row optimize_rows[] = {
    {ROW("kpi", NULL, OPTION_TEXT, "NAME", AT(kpi_name)), .told = true,
     .help = "What is to become better: a KPI of --kpis (without that: throughput, latency, "
             "memory_usage, error_rate), any figure by its name, as p99_latency_ms, "
             "or " OPTIMISATION_CLIENT_MEMORY "."},
    {ROW("rounds", NULL, OPTION_COUNT, "N", AT(rounds)), NUMBER(1, OPTIMISATION_ROUNDS_MAX),
     .unset = "5", .told = true,
     .help = "Changes that are tried at the most, each against the best so far."},
    {ROW("runs", NULL, OPTION_COUNT, "N", AT(runs)),
     NUMBER(OPTIMISATION_RUNS_MIN, OPTIMISATION_RUNS_MAX), .unset = "5", .told = true,
     .help = "Runs of each of the two in a round, by turns."},
    {ROW("confidence", NULL, OPTION_REAL, "PERCENT", AT(confidence_percent)), REAL(50, 99.999),
     .unset = "95",
     .help = "How sure it is that what is kept is better, over all rounds together."},
    {ROW("threshold", NULL, OPTION_CUSTOM, "PERCENT", 0), .parse = parse_threshold, .unset = "5%",
     .help = "What is better by less is not kept."},
    {ROW("test-duration", NULL, OPTION_DURATION, "TIME", AT(duration_ns)), .aliases = "duration",
     BARE(NS_PER_SECOND, 10 * NS_PER_MS, LOAD_NS_MAX), .unset = "10s",
     .help = "How long each run is measured; a bare number is seconds."},
};

static const struct option_row other_rows[] = {
    {ROW("write", NULL, OPTION_TEXT, "FILE", AT(write_path)), .section = "Output",
     .needs_trust = true,
     .help = "Write the profile that was kept, as --buffer takes it; a file that is there is left "
             "alone, and refused. With --out it stands there, too, as buffer.yaml."},
    {ROW("markdown", "o", OPTION_TEXT, "FILE", AT(markdown_path)), .section = "Output",
     .needs_trust = true,
     .help = "Write what was tried, as Markdown; - is standard output, in place of the text."},

    ELSEWHERE("requests", "n", "use --test-duration: what is slower would run longer"),
    ELSEWHERE("pipeline", "P", "a batch is what is in flight on a connection"),
};

static const struct option_change changes[] = {
    {.name = "buffer",
     .help = "What is tuned: what the client does before it sends, a YAML or JSON file, or one of "
             "configs/buffers; without it requests are sent as they come (bypass)."},
    {.name = "clients",
     .help = "Users that have a request under way, over all workers; without a buffer each has a "
             "connection."},
    {.name = "warmup",
     .unset = "1s",
     .help = "Load before each run is measured, rounded up to whole intervals; a bare number is "
             "seconds."},
    {.name = "type",
     .help =
         "The test, one of those that bench knows. A command behind the options takes its place."},
    {.name = "kpis",
     .help = "Figures with their limits: what is to become better can be one of them, and none of "
             "the others may become critical."},
    {.name = "prefill",
     .help = "Write the keys once, before the first run, if the test reads them."},
    {.name = "out",
     .help = "Keep everything about it in this directory, which is made: every run as a run of "
             "bench, optimize.json, optimize.md, and buffer.yaml, the profile, if one was kept."},
    {.name = "explain", .help = "Print the plan and the first commands, and connect to nothing."},
};
/* clang-format on */

const struct option_table *optimize_option_table(void)
{
    static struct option_row rows[OPTION_TABLE_ROWS_MAX];
    static struct option_table table = {
        .command = "optimize",
        .usage = "volley optimize [--config FILE] --kpi NAME [options] [--] [command [argument "
                 "...]]",
        .synopsis =
            "Tunes a client that buffers: finds what holds its load up, tries the changes that "
            "help against that, one a round, by turns with the best so far, and keeps a change "
            "only if the KPI is surely better by it. Writes what was tried, the profile that was "
            "kept, and what to go back to; and says who is next where nothing helps: L1 to L4.",
        .epilogue = "Example: volley optimize --kpi throughput --managed -t set -r 100000 -c 48 "
                    "--buffer bypass --rounds 5 --write tuned.yaml",
        .takes_command = true,
    };
    static const struct load_table own = {.first = GROUP("Optimisation", 0, optimize_rows),
                                          .last = GROUP(NULL, 0, other_rows),
                                          .changes = changes,
                                          .change_count = sizeof changes / sizeof changes[0]};
    return load_table_fill(&table, rows, OF_OPTIMIZE, &own);
}

/* ---- KPIs ---- */

static enum err_code read_kpis(struct optimize_request *request, struct alert_rules *rules,
                               struct err *err)
{
    static const struct shipped_kind library = {.folder = "kpis", .what = "file of KPIs"};
    struct shipped_files files;
    enum err_code code = OK;
    if (request->bench.spec.watch.kpis_path == NULL) {
        code = shipped_files_open(&files, &library, err);
        if (code == OK)
            code = shipped_files_find(&request->kpis_path, &files, "default", err);
        shipped_files_close(&files);
        request->bench.spec.watch.kpis_path = request->kpis_path;
    }
    if (code == OK)
        code = kpi_file_read(
            rules, &(struct file_source){.name = request->bench.spec.watch.kpis_path}, err);
    return code;
}

/* Refuses a name that neither a KPI nor a figure has; figures have said why. */
static enum err_code refuse_kpi(const struct optimisation *optimisation, const char *name,
                                const char *reason, struct err *err)
{
    struct suggestion near = {.wanted = name, .wanted_bytes = strlen(name)};
    char known[300] = "";
    size_t used = 0;
    for (size_t i = 0; i < optimisation->kpi_count; i++) {
        const char *kpi = optimisation->kpis[i].name;
        suggest_offer(&near, kpi, strlen(kpi));
        if (used < sizeof known)
            used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", i > 0 ? ", " : "",
                                     PRINTABLE(kpi));
    }
    if (near.best[0] != '\0')
        return err_set(err, E_USAGE,
                       "--kpi %.60s: no KPI of --kpis is called so (there are %s), and no "
                       "figure%s%s%s",
                       PRINTABLE(name), known, SUGGESTED(near.best));
    return err_set(err, E_USAGE,
                   "--kpi %.60s: no KPI of --kpis is called so (there are %s), and %s",
                   PRINTABLE(name), known, reason);
}

/* Of what the session does not sample by itself. */
static enum err_code add_figure(struct optimisation *optimisation, const char *name,
                                struct err *err)
{
    struct kpi *kpi = &optimisation->kpis[optimisation->kpi_count];
    struct err reason = {.code = OK};
    *kpi = (struct kpi){.target = NAN, .warning = NAN, .critical = NAN};
    snprintf(kpi->name, sizeof kpi->name, "%s", name);
    if (strcmp(name, OPTIMISATION_CLIENT_MEMORY) == 0) {
        kpi->figure = (struct watch_figure){.origin = WATCH_NOBODY, .factor = 1, .unit = "MB"};
        snprintf(kpi->figure.name, sizeof kpi->figure.name, "%s", name);
    } else if (watch_figure_find(&kpi->figure, name, strlen(name), &reason) != OK) {
        return refuse_kpi(optimisation, name, reason.text, err);
    } else if (kpi->figure.origin == WATCH_SERVER || kpi->figure.origin == WATCH_SERVER_UP) {
        return err_set(err, E_USAGE,
                       "--kpi %.60s: it is sampled from the server; put it into a file of KPIs, "
                       "and give that with --kpis",
                       PRINTABLE(name));
    }
    kpi->higher_is_better = kpi->figure.higher_is_better;
    optimisation->named = optimisation->kpi_count++;
    return OK;
}

static bool find_kpi(size_t *found, const struct optimisation *optimisation, const char *name)
{
    for (size_t i = 0; i < optimisation->kpi_count; i++)
        if (strcmp(optimisation->kpis[i].name, name) == 0 ||
            strcmp(optimisation->kpis[i].figure.name, name) == 0) {
            *found = i;
            return true;
        }
    return false;
}

/* All of the file, in its order, then what it does not have. */
static enum err_code take_kpis(struct optimisation *optimisation, struct optimize_request *request,
                               struct err *err)
{
    struct alert_rules rules = {.items = NULL};
    enum err_code code = read_kpis(request, &rules, err);
    for (size_t i = 0; i < rules.kpi_count && i + 2 < OPTIMISATION_KPIS_MAX; i++)
        optimisation->kpis[optimisation->kpi_count++] = rules.kpis[i];
    alert_rules_free(&rules);
    if (code == OK && !find_kpi(&optimisation->errors, optimisation, "error_percentage")) {
        code = add_figure(optimisation, "error_percentage", err);
        optimisation->errors = optimisation->named;
    }
    if (code == OK && !find_kpi(&optimisation->named, optimisation, request->kpi_name))
        code = add_figure(optimisation, request->kpi_name, err);
    return code;
}

/* ---- the buffer ---- */

/* Looked for where there is one, or invalidations are asked for. */
static enum tuning_caches caches_of(const struct optimisation *optimisation,
                                    const struct spec *spec)
{
    if (tuning_type_of_kpi(&optimisation->kpis[optimisation->named]) == TUNING_HIT_RATE)
        return CACHES_ONLY;
    return spec->buffer.cache_replies > 0 || spec->endpoint.tracking ? CACHES_ANY : CACHES_NONE;
}

/* Whatever is tuned has a buffer in some round, and what does not go with one is refused now. */
static enum err_code settle_buffered(struct bench_request *bench, enum tuning_caches caches,
                                     struct err *err)
{
    const struct buffer_options before = bench->spec.buffer;
    const char *path = bench->buffer.path != NULL ? bench->buffer.path : "bypass";
    struct err reason = {.code = OK};
    bench->buffer.path = caches == CACHES_NONE ? "high-throughput" : "balanced";
    if (!options_given(&bench->values, "buffer"))
        options_derive(&bench->values, "buffer", "kpi", bench->buffer.path);
    const enum err_code code = buffer_settle(bench, &reason);
    bench->buffer.path = path;
    bench->spec.buffer = before;
    return code == OK
               ? OK
               : err_set(err, code, "optimize tries profiles that buffer, and %s", reason.text);
}

static enum err_code take_buffer(struct optimisation *optimisation, struct bench_request *bench,
                                 struct err *err)
{
    const struct buffer_options before = bench->spec.buffer;
    const enum tuning_caches caches = caches_of(optimisation, &bench->spec);
    enum err_code code = tuning_book_read(&optimisation->book, caches, err);
    if (code != OK)
        return code;
    if (caches == CACHES_ONLY && before.cache_replies == 0)
        return err_set(err, E_USAGE,
                       "--kpi %.60s needs a client that keeps replies, and so has hits: --buffer "
                       "with a near cache (query.cache_size), as balanced",
                       PRINTABLE(optimisation->kpis[optimisation->named].name));
    optimisation->before.buffer =
        before.wanted ? before : optimisation->book.shipped[SHIPPED_BYPASS];
    optimisation->before.request_timeout_ns = bench->spec.endpoint.request_timeout_ns;
    optimisation->best = optimisation->before;
    if (before.wanted && (before.cache_replies > 0 || caches == CACHES_NONE))
        return OK;
    return settle_buffered(bench, caches, err);
}

/* ---- all of them ---- */

static enum err_code check(const struct optimize_request *request, struct err *err)
{
    const struct spec *spec = &request->bench.spec;
    if (request->kpi_name == NULL)
        return err_set(err, E_USAGE,
                       "--kpi is missing: what is to become better? As in --kpi throughput, "
                       "--kpi latency, or --kpi NAME of a file of --kpis");
    if (spec->load.test_count > 1)
        return err_set(err, E_USAGE, "optimize takes one test; --type names %u: run it for each",
                       spec->load.test_count);
    if (output_is_stdout(request->markdown_path) && output_is_stdout(spec->outputs.json_path))
        return err_set(err, E_USAGE,
                       "--json - and --markdown -: standard output takes one of them");
    if (request->write_path == NULL)
        return OK;
    if (output_is_stdout(request->write_path))
        return err_set(err, E_USAGE, "--write -: name a file; the profile is in the text, too");
    if (access(request->write_path, F_OK) == 0 || errno != ENOENT)
        return err_set(err, E_USAGE,
                       "--write %.200s: something is there; name a file that does not exist yet",
                       PRINTABLE(request->write_path));
    return OK;
}

/* Whether bench takes all that the config file has. */
static bool is_load(const struct option_values *values)
{
    const struct option_table *bench = bench_option_table();
    for (size_t i = 0; i < values->table->row_count; i++) {
        const char *name = values->table->rows[i].name;
        if (options_origin(values, name)->kind == ORIGIN_CONFIG && options_row(bench, name) < 0)
            return false;
    }
    return true;
}

enum err_code optimize_options_parse(struct optimize_request *request,
                                     struct optimisation *optimisation, int argc,
                                     const char *const *argv, struct err *err)
{
    struct bench_request *bench = &request->bench;
    enum err_code code = bench_options_defaults(bench, err);
    if (code == OK)
        code = options_parse(&bench->values, optimize_option_table(), request, argc, argv, err);
    if (code != OK || bench->help)
        return code;
    code = check(request, err);
    if (code == OK)
        code = take_kpis(optimisation, request, err);
    if (code != OK)
        return code;
    optimisation->config_path = bench->config_path;
    optimisation->config_is_load = is_load(&bench->values);
    optimisation->before_path = bench->buffer.path;
    request->tracking = bench->spec.endpoint.tracking;
    request->resp3 = bench->spec.endpoint.resp3 || bench->spec.endpoint.tracking;
    bench->spec.load.duration_ns = request->duration_ns;
    code = bench_options_settle(bench, err);
    if (code == OK)
        code = take_buffer(optimisation, bench, err);
    if (code == OK && bench->spec.rate.step_count > 0 &&
        tuning_type_of_kpi(&optimisation->kpis[optimisation->named]) == TUNING_THROUGHPUT)
        relation_notice(bench,
                        "--kpi %s: the load has a rate, so more than that cannot come of a change; "
                        "--kpi latency has no such bound",
                        optimisation->kpis[optimisation->named].name);
    optimisation->planned_rounds = (uint32_t)request->rounds;
    optimisation->planned_runs = (uint32_t)request->runs;
    optimisation->confidence = request->confidence_percent / 100;
    optimisation->threshold = request->threshold > 0 ? request->threshold : 0.05;
    return code;
}

void optimize_options_free(struct optimize_request *request)
{
    bench_options_free(&request->bench);
    free(request->kpis_path);
}
