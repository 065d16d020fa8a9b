/* `volley baseline save|list|show|report`: figures of runs that are kept under a name, to hold others against. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/printable.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/commands/frame.h"
#include "orchestrator/report/json_value.h"
#include "orchestrator/suite/baseline_report.h"

#define S(count) ((count) == 1 ? "" : "s") /* "1 run", "2 runs" */

#define USUAL_DIRECTORY "results"

struct baseline_request {
    struct option_values values;
    struct command_words words;
    const char *results_dir, *output, *json;
    bool force, help;
};

#define AT(member) offsetof(struct baseline_request, member)
/* clang-format off: a row reads best as a few short lines */
static const struct option_row rows[] = {
    {ROW("results-dir", NULL, OPTION_TEXT, "DIR", AT(results_dir)), .section = "Baselines",
     .unset = USUAL_DIRECTORY,
     .help = "Baselines are DIR/baselines/NAME.json, and results of suites are looked for in DIR."},
    {ROW("force", NULL, OPTION_FLAG, NULL, AT(force)), .section = "Baselines",
     .help = "Of save: replace a baseline of this name, and take runs whose verdict is RED."},
    {ROW("output", "o", OPTION_TEXT, "FILE", AT(output)), .section = "Output", .needs_trust = true,
     .help = "Of report: where the Markdown goes; standard output without it, or with -."},
    {ROW("json", NULL, OPTION_TEXT, "FILE", AT(json)), .section = "Output", .needs_trust = true,
     .help = "Of list, show and report: all of it for programs; - for standard output in place of "
             "the text."},
    HELP_ROW(AT(help)),
};
/* clang-format on */
#undef AT

const struct option_table baseline_option_table = {
    TABLE_ROWS(rows),
    .command = "baseline",
    .usage = "volley baseline save NAME DIR...|list|show NAME|report [NAME] [OPTIONS]",
    .synopsis =
        "Keeps the figures of runs under a name (save), lists what there is, shows one, and "
        "reports it: all profiles with all metrics, and which is best for throughput, latency and "
        "memory. DIR is the directory of a run (bench --out), that of a suite's results, or the "
        "commit, branch or tag that a suite measured. Without a "
        "NAME the report is of the baseline that was saved last. `volley check` holds other runs "
        "against one.",
    .takes_command = true,
};

static const char *results_of(const struct baseline_request *request)
{
    return request->results_dir != NULL ? request->results_dir : USUAL_DIRECTORY;
}

/* ---- save ---- */

static enum err_code check_red(const struct baseline *baseline, bool force, struct err *err)
{
    size_t counts[VERDICT_RED + 1];
    record_set_verdicts(counts, &baseline->set);
    if (counts[VERDICT_RED] == 0)
        return OK;
    if (!force)
        return err_set(err, E_DATA,
                       "%zu of %zu runs have the verdict RED, so that their figures are not the "
                       "server's alone; measure them again, or save them with --force",
                       counts[VERDICT_RED], baseline->set.count);
    log_line(LOG_WARNING, "%zu of %zu runs have the verdict RED, and are saved all the same",
             counts[VERDICT_RED], baseline->set.count);
    return OK;
}

static enum err_code save(struct baseline_request *request, struct err *err)
{
    struct baseline baseline = {.root = NULL};
    struct baseline_report report = {.profiles = NULL};
    const struct command_words *words = &request->words;
    if (words->count < 3)
        return err_set(err, E_USAGE, "a name and directories of runs are missing: %s",
                       baseline_option_table.usage);
    enum err_code code = baseline_name_check(words->items[1], err);
    if (code == OK)
        code = baseline_collect(&baseline, results_of(request), words->items + 2, words->count - 2,
                                err);
    if (code == OK)
        code = check_red(&baseline, request->force, err);
    if (code == OK)
        code = baseline_report_make(&report, &baseline, err);
    if (code == OK)
        code = baseline_save(&baseline, results_of(request), words->items[1], request->force, err);
    if (code == OK)
        printf("%s: %zu run%s of %zu profile%s saved\n", PRINTABLE(baseline.set.path),
               baseline.set.count, S(baseline.set.count), report.profile_count,
               S(report.profile_count));
    baseline_report_free(&report);
    baseline_free(&baseline);
    return code;
}

/* ---- what there is ---- */

static enum err_code write_json(const struct baseline_request *request, json_t *json,
                                struct err *err)
{
    struct output output = {.file = NULL};
    if (json == NULL)
        return err_set(err, E_SYSTEM, "no memory for what is to be told");
    enum err_code code = output_create(&output, request->json, OUTPUT_NAMED, err);
    if (code == OK && !json_value_write(&output, json, JSON_INDENT(2) | JSON_REAL_PRECISION(15)))
        code = err_set(err, E_SYSTEM, "no memory for %s", PRINTABLE(request->json));
    if (code == OK) {
        output_printf(&output, "\n");
        code = output_commit(&output, err);
    }
    output_discard(&output);
    json_decref(json);
    return code;
}

static bool json_alone(const struct baseline_request *request)
{
    return request->json != NULL && output_is_stdout(request->json);
}

/* One that is damaged has its line, and does not hide the others. */
static void list_one(const struct baseline_request *request, json_t *list, const char *name)
{
    char path[RECORD_PATH_BYTES];
    struct baseline baseline;
    struct err err = {.code = OK};
    baseline_path(path, results_of(request), name);
    const bool read = baseline_read(&baseline, path, &err) == OK;
    if (!json_alone(request) && read)
        printf("%-24s %-21s %5zu run%s\n", PRINTABLE(name), PRINTABLE(baseline.saved),
               baseline.set.count, S(baseline.set.count));
    else if (!json_alone(request))
        printf("%-24s %s\n", PRINTABLE(name), PRINTABLE(err.text));
    (void)json_array_append_new(
        list, read ? json_pack("{s:o, s:o, s:I, s:n}", "name", json_value_text(name), "saved",
                               json_value_text(baseline.saved), "runs",
                               (json_int_t)baseline.set.count, "problem")
                   : json_pack("{s:o, s:n, s:n, s:o}", "name", json_value_text(name), "saved",
                               "runs", "problem", json_value_text(err.text)));
    baseline_free(&baseline);
}

static enum err_code list(struct baseline_request *request, struct err *err)
{
    char **names = NULL;
    size_t count = 0;
    if (request->words.count > 1)
        return err_set(err, E_USAGE, "list stands alone: %s", baseline_option_table.usage);
    enum err_code code = baseline_names(&names, &count, results_of(request), err);
    json_t *all = json_array();
    for (size_t i = 0; i < count; i++)
        list_one(request, all, names[i]);
    if (code == OK && count == 0 && !json_alone(request))
        printf("no baselines in %s/baselines\n", PRINTABLE(results_of(request)));
    if (code == OK && request->json != NULL)
        code = write_json(request, all, err);
    else
        json_decref(all);
    baseline_names_free(names, count);
    return code;
}

/* ---- one of them ---- */

/* A saved name goes first: only baselines are told of, and a directory may be called like the one that was made of it. */
static enum err_code open_one(struct baseline *baseline, const struct baseline_request *request,
                              const char *wanted, struct err *err)
{
    char path[RECORD_PATH_BYTES];
    enum baseline_kind kind;
    if (baseline_is_saved(path, results_of(request), wanted))
        return baseline_read(baseline, path, err);
    const enum err_code code = baseline_find(path, &kind, results_of(request), wanted, err);
    if (code != OK)
        return code;
    if (kind == BASELINE_SAVED)
        return baseline_read(baseline, path, err);
    return err_set(err, E_DATA, "%.200s is no baseline; volley baseline save NAME %.100s makes one",
                   PRINTABLE(wanted), PRINTABLE(path));
}

/* Moments are texts that sort. */
static enum err_code open_newest(struct baseline *baseline, const struct baseline_request *request,
                                 struct err *err)
{
    char **names = NULL, path[RECORD_PATH_BYTES];
    size_t count = 0;
    enum err_code code = baseline_names(&names, &count, results_of(request), err);
    for (size_t i = 0; i < count && code == OK; i++) {
        struct baseline one;
        struct err ignored = {.code = OK};
        baseline_path(path, results_of(request), names[i]);
        const bool newer = baseline_read(&one, path, &ignored) == OK &&
                           (baseline->root == NULL || strcmp(one.saved, baseline->saved) >= 0);
        baseline_free(newer ? baseline : &one);
        if (newer)
            *baseline = one;
    }
    baseline_names_free(names, count);
    if (code == OK && baseline->root == NULL)
        code = err_set(err, E_DATA,
                       "there is no baseline in %.200s/baselines: volley baseline "
                       "save NAME DIR... makes one",
                       PRINTABLE(results_of(request)));
    return code;
}

/* With the runs that have it where not all do. */
static const char *figure_text(char text[60], const struct baseline_profile *profile,
                               enum record_figure figure, int decimals, const char *unit)
{
    const struct baseline_figure *about = &profile->figures[figure];
    if (about->count == 0)
        return profile->hidden >> figure & 1 ? "not known: requests without a reply" : "n/a";
    const int used = snprintf(text, 60, "%.*f%s", decimals, about->mean, unit);
    if (about->count < profile->runs)
        snprintf(text + used, 60 - (size_t)used, " (of %u of them)", about->count);
    return text;
}

static enum err_code show(struct baseline_request *request, struct err *err)
{
    struct baseline baseline = {.root = NULL};
    struct baseline_report report = {.profiles = NULL};
    if (request->words.count != 2)
        return err_set(err, E_USAGE, "show takes one name: %s", baseline_option_table.usage);
    enum err_code code = open_one(&baseline, request, request->words.items[1], err);
    if (code == OK)
        code = baseline_report_make(&report, &baseline, err);
    if (code == OK && !json_alone(request)) {
        printf("%s, saved at %s: %zu run%s\n", PRINTABLE(baseline.set.name),
               PRINTABLE(baseline.saved), baseline.set.count, S(baseline.set.count));
        for (size_t i = 0; i < report.profile_count; i++) {
            const struct baseline_profile *profile = &report.profiles[i];
            char rate[60], p99[60];
            printf("  %-40s %3u run%s %14s requests/s  p99 %s\n", PRINTABLE(profile->name),
                   profile->runs, profile->runs == 1 ? " " : "s",
                   figure_text(rate, profile, RECORD_RPS, 1, ""),
                   figure_text(p99, profile, RECORD_P99, 3, " ms"));
        }
    }
    if (code == OK && request->json != NULL)
        code = write_json(request, json_incref(baseline.root), err);
    baseline_report_free(&report);
    baseline_free(&baseline);
    return code;
}

static enum err_code write_report(const struct baseline_request *request,
                                  const struct baseline_report *report, struct err *err)
{
    struct output output = {.file = NULL};
    enum err_code code = OK;
    if (request->output != NULL || !json_alone(request)) {
        code = output_create(&output, request->output != NULL ? request->output : "-", OUTPUT_NAMED,
                             err);
        if (code == OK)
            baseline_report_markdown(&output, report);
        if (code == OK)
            code = output_commit(&output, err);
        output_discard(&output);
    }
    if (code == OK && request->json != NULL)
        code = write_json(request, baseline_report_json(report), err);
    return code;
}

static enum err_code report_one(struct baseline_request *request, struct err *err)
{
    struct baseline baseline = {.root = NULL};
    struct baseline_report report = {.profiles = NULL};
    const struct command_words *words = &request->words;
    if (words->count > 2)
        return err_set(err, E_USAGE, "report takes one name: %s", baseline_option_table.usage);
    if (json_alone(request) && output_is_stdout(request->output))
        return err_set(err, E_USAGE,
                       "--json - and --output -: only one of them has standard output");
    enum err_code code = words->count == 2 ? open_one(&baseline, request, words->items[1], err)
                                           : open_newest(&baseline, request, err);
    if (code == OK)
        code = baseline_report_make(&report, &baseline, err);
    if (code == OK)
        code = write_report(request, &report, err);
    baseline_report_free(&report);
    baseline_free(&baseline);
    return code;
}

static const struct {
    const char *word;
    enum err_code (*run)(struct baseline_request *request, struct err *err);
} actions[] = {{"save", save}, {"list", list}, {"show", show}, {"report", report_one}};
#define ACTION_COUNT (sizeof actions / sizeof actions[0])

static enum err_code run(void *target, struct err *err)
{
    struct baseline_request *request = target;
    const char *word = request->words.count > 0 ? request->words.items[0] : "";
    for (size_t i = 0; i < ACTION_COUNT; i++)
        if (strcmp(actions[i].word, word) == 0)
            return actions[i].run(request, err);
    return err_set(err, E_USAGE, "%s%.40s: %s",
                   word[0] != '\0' ? "there is no baseline " : "baseline needs a word",
                   PRINTABLE(word), baseline_option_table.usage);
}

int command_baseline(int argc, const char *const *argv)
{
    struct baseline_request request = {.help = false};
    const struct command_frame frame = WORDS_FRAME(baseline_option_table, request, run);
    return command_frame_run(&frame, argc, argv);
}
