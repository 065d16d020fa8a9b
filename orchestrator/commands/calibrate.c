/* `volley calibrate --from RUN... FILE`: the limits of a file of KPIs, from runs. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/log.h"
#include "common/printable.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/commands/frame.h"
#include "orchestrator/report/sinks.h"
#include "orchestrator/watch/calibration.h"
#include "orchestrator/watch/kpi_account.h"

#define PATH_BYTES 4200u

struct calibrate_request {
    struct option_values values;
    struct command_words words;
    const char *from; /* the first run; the others are words */
    bool dry_run, again, help;
    char name[128]; /* of the first run that counts */
    size_t runs, left_out;
    struct alert_rules rules;
    struct calibration *calibrations; /* of rules.kpis */
};

#define AT(member) offsetof(struct calibrate_request, member)
/* clang-format off: a row reads best as a few short lines */
static const struct option_row rows[] = {
    {ROW("from", NULL, OPTION_TEXT, "RUN", AT(from)), .section = "Calibration",
     .help = "Directories of runs (bench --out), or a run.json each; the last word is the file of "
             "KPIs. Five runs at least."},
    {ROW("dry-run", NULL, OPTION_FLAG, NULL, AT(dry_run)), .section = "Calibration",
     .help = "Says what would be written, and writes nothing."},
    {ROW("again", NULL, OPTION_FLAG, NULL, AT(again)), .section = "Calibration",
     .help = "Also limits that are numbers already, not only those that are TBD."},
    HELP_ROW(AT(help)),
};
/* clang-format on */
#undef AT

const struct option_table calibrate_option_table = {
    TABLE_ROWS(rows),
    .command = "calibrate",
    .usage = "volley calibrate --from RUN... FILE",
    .synopsis =
        "Fills in the limits of a file of KPIs from runs of the same test: warning is the "
        "mean and twice the standard deviation towards what is worse, critical three times. "
        "Comments and order of the file stay.",
    .takes_command = true,
};

/* ---- what runs say ---- */

struct run_reading {
    struct calibrate_request *request;
    const json_t *kpis; /* of kpis.json; NULL: none */
    size_t measured;    /* runs of this directory so far */
    struct err *err;
};

/* A figure that was sampled, from kpis.json beside the run. */
static double sampled(const struct run_reading *reading, const char *metric)
{
    const json_t *run = json_array_get(json_object_get(reading->kpis, "runs"), reading->measured);
    const json_t *kpi;
    size_t i;
    json_array_foreach(json_object_get(run, "kpis"), i, kpi)
    {
        const char *name = json_string_value(json_object_get(kpi, "metric"));
        const json_t *value = json_object_get(kpi, "value");
        if (name != NULL && strcmp(name, metric) == 0 && json_is_number(value) &&
            !json_is_true(json_object_get(kpi, "at_least")))
            return json_number_value(value);
    }
    return NAN;
}

static enum err_code count_run(struct run_reading *reading, const char *name)
{
    struct calibrate_request *request = reading->request;
    if (request->runs == CALIBRATION_RUNS_MAX)
        return err_set(reading->err, E_USAGE, "more than %u runs", CALIBRATION_RUNS_MAX);
    if (request->runs++ == 0)
        snprintf(request->name, sizeof request->name, "%s", name);
    else if (strcmp(request->name, name) != 0)
        return err_set(reading->err, E_DATA,
                       "runs of %.60s and of %.60s: limits come from runs of one test",
                       PRINTABLE(request->name), PRINTABLE(name));
    return OK;
}

static void keep_value(struct calibrate_request *request, size_t index, double value)
{
    struct calibration *calibration = &request->calibrations[index];
    if (!isnan(value))
        calibration->values[calibration->count++] = value;
}

static enum err_code run_end(void *state, const struct run_result *result, struct err *err)
{
    struct run_reading *reading = state;
    const struct metric_slice slice = metric_slice_of_run(result);
    const struct watch_reading load = {.load = &slice, .hit_ratio = NAN};
    (void)err;
    if (result->facts->prefill || reading->err->code != OK)
        return OK;
    if (result->status != OK || result->interrupted) {
        reading->request->left_out++;
    } else if (count_run(reading, result->facts->name) == OK) {
        for (size_t i = 0; i < reading->request->rules.kpi_count; i++) {
            const struct watch_figure *figure = &reading->request->rules.kpis[i].figure;
            const struct watch_value value = watch_figure_read(figure, &load);
            keep_value(reading->request, i,
                       figure->origin != WATCH_LOAD ? sampled(reading, figure->name)
                       : value.at_least             ? (double)NAN
                                                    : value.number);
        }
    }
    reading->measured++;
    return OK;
}

static enum err_code read_directory(struct run_reading *reading, const char *directory)
{
    static struct timeline timeline; /* too large for a stack */
    char path[PATH_BYTES];
    bool complete = false;
    snprintf(path, sizeof path, "%.4000s/kpis.json", directory);
    json_t *kpis = json_load_file(path, 0, NULL);
    const char *schema = json_string_value(json_object_get(kpis, "schema"));
    if (schema != NULL && strcmp(schema, KPI_FILE_SCHEMA) == 0)
        reading->kpis = kpis;
    enum err_code code = timeline_init(&timeline, reading->err);
    if (code == OK) {
        timeline_add(&timeline,
                     (struct sink){.name = "calibrate", .state = reading, .run_end = run_end});
        code = journal_replay(directory, &timeline, &complete, reading->err);
        timeline_destroy(&timeline);
    }
    reading->kpis = NULL;
    json_decref(kpis);
    return code == OK ? reading->err->code : code;
}

/* ---- a run.json that is all there is ---- */

static double json_figure(const json_t *run, const struct watch_figure *figure)
{
    char path[WATCH_NAME_BYTES * 2], *rest = path, *key;
    const json_t *value = run;
    if (figure->origin != WATCH_LOAD)
        return NAN;
    snprintf(path, sizeof path, "%s%s%s", metric_table[figure->metric].path,
             figure->statistic != NULL ? "." : "",
             figure->statistic != NULL ? figure->statistic->name : "");
    while (value != NULL && (key = strsep(&rest, ".")) != NULL)
        value = json_object_get(value, key);
    return json_is_number(value) ? json_number_value(value) * figure->factor : (double)NAN;
}

static enum err_code read_json(struct run_reading *reading, const char *path)
{
    struct calibrate_request *request = reading->request;
    json_error_t problem;
    json_t *root = json_load_file(path, 0, &problem);
    const json_t *runs = json_object_get(root, "runs"), *run;
    size_t i;
    enum err_code code = OK;
    if (!json_is_array(runs))
        code = err_set(reading->err, E_DATA, "%.200s is no run.json: %s", PRINTABLE(path),
                       root == NULL ? problem.text : "it has no runs");
    json_array_foreach(runs, i, run)
    {
        const char *name = json_string_value(json_object_get(run, "name"));
        if (code != OK || json_is_true(json_object_get(run, "prefill")))
            continue;
        code = count_run(reading, name != NULL ? name : "");
        for (size_t k = 0; k < request->rules.kpi_count && code == OK; k++)
            keep_value(request, k, json_figure(run, &request->rules.kpis[k].figure));
    }
    json_decref(root);
    return code;
}

static enum err_code read_run(struct calibrate_request *request, const char *given, struct err *err)
{
    char path[PATH_BYTES], *slash;
    struct stat about;
    struct run_reading reading = {.request = request, .err = err};
    if (stat(given, &about) != 0)
        return err_set_errno(err, E_DATA, errno, "the run %.200s cannot be read", PRINTABLE(given));
    if (S_ISDIR(about.st_mode))
        return read_directory(&reading, given);
    /* The journal beside it says more. */
    snprintf(path, sizeof path, "%.4000s", given);
    slash = strrchr(path, '/');
    snprintf(slash != NULL ? slash + 1 : path, 10, "journal");
    if (strcmp(slash != NULL ? given + (slash + 1 - path) : given, "run.json") != 0 ||
        stat(path, &about) != 0)
        return read_json(&reading, given);
    snprintf(slash != NULL ? slash : path, 3, "%s", slash != NULL ? "" : ".");
    return read_directory(&reading, slash == path ? "/" : path);
}

/* ---- the file ---- */

static enum err_code read_text(char **text, const char *path, struct err *err)
{
    FILE *in = fopen(path, "re");
    *text = calloc(1, CONFIG_TREE_BYTES_MAX + 1);
    if (in == NULL || *text == NULL) {
        if (in != NULL)
            (void)fclose(in);
        return err_set_errno(err, in == NULL ? E_CONFIG : E_SYSTEM, errno, "%.200s cannot be read",
                             PRINTABLE(path));
    }
    const size_t bytes = fread(*text, 1, CONFIG_TREE_BYTES_MAX, in);
    (void)fclose(in);
    return strlen(*text) == bytes
               ? OK
               : err_set(err, E_CONFIG, "%.200s holds NUL bytes", PRINTABLE(path));
}

/* NAN: it stays. */
static double wanted(const struct calibrate_request *request, double now, double number)
{
    return isnan(now) || request->again ? number : (double)NAN;
}

/* Why these are no limits; NULL: they are. Where both are the same, a breath beyond it is critical at once. */
static const char *useless(const struct calibration *calibration)
{
    char warning[40], critical[40];
    calibration_number(warning, sizeof warning, calibration->warning);
    calibration_number(critical, sizeof critical, calibration->critical);
    if (calibration->sigma <= 0)
        return "all runs had the same value, as of a load that is paced: it stays as it is; run "
               "without --qps, or write its limits by hand";
    if (strcmp(warning, critical) == 0)
        return "warning and critical would be the same: it stays as it is; write its limits by "
               "hand";
    return NULL;
}

static size_t settle(const struct calibrate_request *request, double *warnings, double *criticals)
{
    size_t filled = 0;
    printf("%zu runs of %s\n%-20s %-26s %5s %14s %14s %14s %14s\n", request->runs,
           PRINTABLE(request->name), "KPI", "figure", "runs", "mean", "sigma", "warning",
           "critical");
    for (size_t i = 0; i < request->rules.kpi_count; i++) {
        const struct kpi *kpi = &request->rules.kpis[i];
        struct calibration *calibration = &request->calibrations[i];
        char texts[4][40];
        warnings[i] = criticals[i] = NAN;
        if (calibration->count < CALIBRATION_RUNS_LEAST) {
            printf("%-20s %-26s %5zu  too few runs know it: it stays as it is\n", kpi->name,
                   kpi->figure.name, calibration->count);
            continue;
        }
        calibration_settle(calibration, kpi);
        warnings[i] = wanted(request, kpi->warning, calibration->warning);
        criticals[i] = wanted(request, kpi->critical, calibration->critical);
        const char *why = useless(calibration);
        if (why != NULL && (!isnan(warnings[i]) || !isnan(criticals[i]))) {
            warnings[i] = criticals[i] = NAN;
            printf("%-20s %-26s %5zu  %s\n", kpi->name, kpi->figure.name, calibration->count, why);
            continue;
        }
        filled += !isnan(warnings[i]) || !isnan(criticals[i]);
        printf("%-20s %-26s %5zu %14s %14s %14s %14s\n", kpi->name, kpi->figure.name,
               calibration->count, calibration_number(texts[0], sizeof texts[0], calibration->mean),
               calibration_number(texts[1], sizeof texts[1], calibration->sigma),
               isnan(warnings[i])
                   ? "kept"
                   : calibration_number(texts[2], sizeof texts[2], calibration->warning),
               isnan(criticals[i])
                   ? "kept"
                   : calibration_number(texts[3], sizeof texts[3], calibration->critical));
    }
    return filled;
}

static enum err_code write_file(const char *path, const char *text, struct err *err)
{
    struct output output;
    enum err_code code = output_create(&output, path, OUTPUT_NAMED, err);
    if (code != OK)
        return code;
    output_write(&output, text, strlen(text));
    code = output_commit(&output, err);
    output_discard(&output);
    return code;
}

static enum err_code fill_in(struct calibrate_request *request, const char *path, struct err *err)
{
    char *text = NULL, *edited = NULL;
    const size_t count = request->rules.kpi_count;
    double *limits = calloc(2 * count + 1, sizeof limits[0]);
    if (limits == NULL)
        return err_set(err, E_SYSTEM, "no memory for limits");
    const size_t filled = settle(request, limits, limits + count);
    enum err_code code = read_text(&text, path, err);
    if (code == OK && filled == 0)
        printf("nothing is left to fill in%s\n",
               request->again ? "" : "; --again replaces numbers, too");
    if (code == OK && filled > 0)
        code = calibration_edit(&edited, path, text, &request->rules, limits, limits + count, err);
    if (code == OK && filled > 0 && request->dry_run)
        printf("\n%s: would be\n%s", PRINTABLE(path), edited);
    else if (code == OK && filled > 0)
        code = write_file(path, edited, err);
    if (code == OK && filled > 0 && !request->dry_run)
        printf("%s: written\n", PRINTABLE(path));
    free(limits);
    free(text);
    free(edited);
    return code;
}

static enum err_code run(void *target, struct err *err)
{
    struct calibrate_request *request = target;
    const struct command_words *words = &request->words;
    if (request->from == NULL || words->count == 0)
        return err_set(err, E_USAGE, "name runs and a file of KPIs: %s",
                       calibrate_option_table.usage);
    const char *path = words->items[words->count - 1];
    enum err_code code = kpi_file_read(&request->rules, &(struct file_source){.name = path}, err);
    if (code != OK)
        return code;
    request->calibrations = calloc(request->rules.kpi_count + 1, sizeof request->calibrations[0]);
    if (request->calibrations == NULL)
        return err_set(err, E_SYSTEM, "no memory for limits");
    code = read_run(request, request->from, err);
    for (size_t i = 0; i + 1 < words->count && code == OK; i++)
        code = read_run(request, words->items[i], err);
    if (request->left_out > 0)
        log_line(LOG_WARNING, "%zu runs are left out, since they failed or were interrupted",
                 request->left_out);
    if (code == OK && request->runs < CALIBRATION_RUNS_LEAST)
        code = err_set(err, E_DATA,
                       "%zu run%s: limits from fewer than %u say nothing of how much a figure "
                       "varies; measure more, as with bench --runs",
                       request->runs, request->runs == 1 ? "" : "s", CALIBRATION_RUNS_LEAST);
    return code == OK ? fill_in(request, path, err) : code;
}

static void destroy(void *target)
{
    struct calibrate_request *request = target;
    free(request->calibrations);
    alert_rules_free(&request->rules);
    options_free(&request->values);
}

int command_calibrate(int argc, const char *const *argv)
{
    struct calibrate_request request = {.help = false};
    const struct command_frame frame = {.table = &calibrate_option_table,
                                        .target = &request,
                                        .values = &request.values,
                                        .help = &request.help,
                                        .words = &request.words,
                                        .words_everywhere = true,
                                        .run = run,
                                        .destroy = destroy};
    return command_frame_run(&frame, argc, argv);
}
