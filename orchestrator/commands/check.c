/* `volley check --baseline NAME DIR...`: whether runs are slower than a baseline. */
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "common/printable.h"
#include "common/units.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/commands/frame.h"
#include "orchestrator/suite/baseline.h"
#include "orchestrator/suite/comparison_report.h"

#define MISSING_TOLD 8u

struct gate_request {
    struct option_values values;
    struct command_words words;
    const char *baseline, *results_dir, *output, *json;
    double confidence_percent, threshold;
    bool force, help;
};

static enum err_code parse_threshold(void *target, const char *value, struct err *reason)
{
    return units_parse_percent(&((struct gate_request *)target)->threshold, value, 1000)
               ? OK
               : err_set(reason, E_USAGE,
                         "--threshold %.40s: allowed: percent above 0 to 1000, as in 5%%",
                         PRINTABLE(value));
}

#define AT(member) offsetof(struct gate_request, member)
/* clang-format off: a row reads best as a few short lines */
static const struct option_row rows[] = {
    {ROW("baseline", NULL, OPTION_TEXT, "NAME", AT(baseline)), .section = "Check",
     .help = "What runs are held against: a path, else a baseline of this name (volley baseline "
             "save), else a commit, branch or tag whose results stand in --results-dir."},
    {ROW("results-dir", NULL, OPTION_TEXT, "DIR", AT(results_dir)), .section = "Check",
     .unset = "results", .help = "Where baselines and commits are."},
    {ROW("confidence", NULL, OPTION_REAL, "PERCENT", AT(confidence_percent)), REAL(50, 99.999),
     .section = "Check", .unset = "95", .help = "How sure answers are, over all rows together."},
    {ROW("threshold", NULL, OPTION_CUSTOM, "PERCENT", 0), .parse = parse_threshold,
     .section = "Check", .unset = "5%",
     .help = "A regression is surely slower by so much or more."},
    {ROW("force", NULL, OPTION_FLAG, NULL, AT(force)), .section = "Check",
     .help = "Take a baseline whose runs are RED all the same."},
    {ROW("output", "o", OPTION_TEXT, "FILE", AT(output)), .section = "Output", .needs_trust = true,
     .help = "Where the Markdown goes; standard output without it, or with -."},
    {ROW("json", NULL, OPTION_TEXT, "FILE", AT(json)), .section = "Output", .needs_trust = true,
     .help = "All of it for programs; - for standard output in place of the Markdown."},
    HELP_ROW(AT(help)),
};
/* clang-format on */
#undef AT

const struct option_table check_option_table = {
    TABLE_ROWS(rows),
    .command = "check",
    .usage = "volley check --baseline NAME DIR... [OPTIONS]",
    .synopsis =
        "Says whether runs are slower than a baseline, with the statistics of volley "
        "compare, and ends with status 1 when they are: by --threshold or more, and "
        "surely. DIR is the directory of a run (bench --out), that of a suite's results, or the "
        "commit, branch or tag that a suite measured.",
    .takes_command = true,
};

static const char *results_of(const struct gate_request *request)
{
    return request->results_dir != NULL ? request->results_dir : "results";
}

static enum err_code open_base(struct baseline *base, const struct gate_request *request,
                               struct err *err)
{
    char path[RECORD_PATH_BYTES];
    enum baseline_kind kind;
    const char *const paths[] = {path};
    enum err_code code = baseline_find(path, &kind, results_of(request), request->baseline, err);
    if (code == OK)
        code = kind == BASELINE_SAVED ? baseline_read(base, path, err)
                                      : baseline_collect(base, results_of(request), paths, 1, err);
    if (code != OK || request->force)
        return code;
    size_t counts[VERDICT_RED + 1];
    record_set_verdicts(counts, &base->set);
    return counts[VERDICT_RED] == 0
               ? OK
               : err_set(err, E_DATA,
                         "%zu of %zu runs of the baseline %s have the verdict RED, so that its "
                         "figures are not the server's alone; measure it again, or take it with "
                         "--force",
                         counts[VERDICT_RED], base->set.count, PRINTABLE(base->set.name));
}

/* A gate lets pass what it cannot judge, but not in silence. */
static void tell_doubts(const struct record_set *other)
{
    size_t counts[VERDICT_RED + 1];
    record_set_verdicts(counts, other);
    if (counts[VERDICT_RED] > 0)
        log_line(LOG_WARNING,
                 "%zu of %zu runs of %s have the verdict RED: its figures are not the server's "
                 "alone",
                 counts[VERDICT_RED], other->count, PRINTABLE(other->name));
}

/* The gate did not look at them. */
static void tell_missing(const struct comparison *comparison)
{
    char figures[1000] = "";
    size_t used = 0, told = 0;
    for (size_t i = 0; i < comparison->count; i++) {
        const struct comparison_row *row = &comparison->rows[i];
        if (row->answer == ANSWER_MISSING && ++told <= MISSING_TOLD)
            used += (size_t)snprintf(figures + used, sizeof figures - used, "%s%.40s of %.60s",
                                     used > 0 ? ", " : "", record_figure_name(row->figure),
                                     PRINTABLE(row->of->command));
    }
    if (told > MISSING_TOLD)
        snprintf(figures + used, sizeof figures - used, " and %zu more", told - MISSING_TOLD);
    if (told > 0)
        log_line(LOG_WARNING,
                 "not compared, since too many requests had no reply to know it on both sides: %s",
                 figures);
}

static enum err_code compare(struct comparison *comparison, const struct gate_request *request,
                             const struct baseline *base, const struct baseline *other,
                             struct err *err)
{
    const struct comparison_wishes wishes = {
        .confidence = request->confidence_percent > 0 ? request->confidence_percent / 100 : 0.95,
        .threshold = request->threshold > 0 ? request->threshold : 0.05,
        .rates = true,
        .latencies = true};
    struct err reason = {.code = OK};
    const enum err_code code =
        comparison_make(comparison, &base->set, &other->set, &wishes, &reason);
    char difference[BASELINE_DIFFERENCE_BYTES];
    if (code == OK)
        return OK;
    baseline_difference(difference, &base->set, &other->set);
    return code == E_DATA && difference[0] != '\0'
               ? err_set(err, code, "%s and %s cannot be compared: they differ in %s",
                         PRINTABLE(base->set.name), PRINTABLE(other->set.name), difference)
               : err_set(err, code, "%s", reason.text);
}

static bool json_alone(const struct gate_request *request)
{
    return request->json != NULL && output_is_stdout(request->json);
}

static enum err_code write_file(const char *path, const struct comparison *comparison, bool as_json,
                                struct err *err)
{
    struct output output = {.file = NULL};
    enum err_code code = output_create(&output, path, OUTPUT_NAMED, err);
    if (code == OK && !as_json)
        comparison_write_markdown(&output, comparison);
    else if (code == OK && !comparison_write_json(&output, comparison))
        code = err_set(err, E_SYSTEM, "no memory for %s", PRINTABLE(path));
    if (code == OK)
        code = output_commit(&output, err);
    output_discard(&output);
    return code;
}

static enum err_code tell(const struct gate_request *request, const struct comparison *comparison,
                          struct err *err)
{
    const size_t *answers = comparison->answers;
    enum err_code code = OK;
    if (request->output != NULL || !json_alone(request))
        code = write_file(request->output != NULL ? request->output : "-", comparison, false, err);
    if (code == OK && request->json != NULL)
        code = write_file(request->json, comparison, true, err);
    if (code != OK)
        return code;
    tell_missing(comparison);
    if (comparison->regressed)
        return err_set(err, E_FAILED, "a regression: %s is slower than %s by %.4g %% or more",
                       PRINTABLE(comparison->sets[1]->name), PRINTABLE(comparison->sets[0]->name),
                       100 * comparison->wishes.threshold);
    if (json_alone(request))
        return OK;
    printf("\nNo regression of %.4g %% or more: %zu rows faster, %zu the same, %zu cannot be told, "
           "%zu on one side only",
           100 * comparison->wishes.threshold, answers[ANSWER_FASTER], answers[ANSWER_SAME],
           answers[ANSWER_CANNOT_TELL], answers[ANSWER_ONE_SIDED]);
    if (answers[ANSWER_MISSING] > 0)
        printf(", %zu not known", answers[ANSWER_MISSING]);
    printf(".\n");
    return OK;
}

static enum err_code run(void *target, struct err *err)
{
    const struct gate_request *request = target;
    const struct command_words *words = &request->words;
    struct baseline base = {.root = NULL}, other = {.root = NULL};
    struct comparison comparison = {.rows = NULL};
    if (request->baseline == NULL || words->count == 0)
        return err_set(err, E_USAGE, "%s: %s",
                       request->baseline == NULL ? "--baseline is missing"
                                                 : "a directory of runs is missing",
                       check_option_table.usage);
    if (json_alone(request) && output_is_stdout(request->output))
        return err_set(err, E_USAGE,
                       "--json - and --output -: only one of them has standard output");
    enum err_code code = open_base(&base, request, err);
    if (code == OK)
        code = baseline_collect(&other, results_of(request), words->items, words->count, err);
    if (code == OK) {
        tell_doubts(&other.set);
        code = compare(&comparison, request, &base, &other, err);
    }
    if (code == OK)
        code = tell(request, &comparison, err);
    comparison_free(&comparison);
    baseline_free(&base);
    baseline_free(&other);
    return code;
}

int command_check(int argc, const char *const *argv)
{
    struct gate_request request = {.help = false};
    const struct command_frame frame = WORDS_FRAME(check_option_table, request, run);
    return command_frame_run(&frame, argc, argv);
}
