#include "orchestrator/scenario/scenario_page.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/printable.h"
#include "orchestrator/report/json_value.h"
#include "orchestrator/report/sinks.h"
#include "orchestrator/scenario/scenario_samples.h"
#include "orchestrator/scenario/series.h"

/* ---- samples ---- */

static double number_of(const char *cell)
{
    char *end = NULL;
    const double number = strtod(cell, &end);
    return end != cell && *end == '\0' ? number : NAN;
}

/* Where columns of a file stand in a table of a page. */
struct columns {
    uint32_t count;
    size_t from[SAMPLE_COLUMNS_MAX]; /* in the file */
    size_t time, name;               /* likewise; column_count: there is none */
    enum series_metric metrics[SAMPLE_COLUMNS_MAX];
    size_t used; /* memory, in the file; column_count: there is none */
};

static struct columns columns_of(const struct sample_table *file, const char *named)
{
    struct columns columns = {
        .time = file->column_count, .name = file->column_count, .used = file->column_count};
    for (size_t i = 0; i < file->column_count; i++) {
        enum series_metric metric;
        double divisor;
        if (strcmp(file->names[i], "elapsed_seconds") == 0)
            columns.time = i;
        else if (named != NULL && strcmp(file->names[i], named) == 0)
            columns.name = i;
        else if (series_metric_find(&metric, &divisor, file->names[i]) &&
                 strcmp(file->names[i], series_metric_name(metric)) == 0) {
            columns.used = metric == SERIES_USED_MEMORY ? i : columns.used;
            columns.metrics[columns.count] = metric;
            columns.from[columns.count++] = i;
        }
    }
    return columns;
}

static enum err_code begin_table(struct page_table *table, const char *of, const char *name,
                                 const struct columns *columns, size_t rows_max, struct err *err)
{
    if (page_table_init(table, of, name, columns->count, rows_max, err) != OK)
        return err->code;
    for (uint32_t i = 0; i < columns->count; i++)
        page_table_column(table, series_metric_name(columns->metrics[i]),
                          series_metric_unit(columns->metrics[i]), NULL);
    return OK;
}

/* ratios_left_out: set where there was one that says nothing; NULL: all are taken. */
static void add_sample(struct page_table *table, const struct sample_table *file,
                       const struct columns *columns, bool *ratios_left_out)
{
    double values[SAMPLE_COLUMNS_MAX];
    const double at = number_of(file->cells[columns->time]);
    const double used =
        columns->used < file->column_count ? number_of(file->cells[columns->used]) : NAN;
    for (uint32_t i = 0; i < columns->count; i++) {
        values[i] = number_of(file->cells[columns->from[i]]);
        if (ratios_left_out == NULL || isnan(used) || isnan(values[i]) ||
            !series_ratio_is_of_process(columns->metrics[i], used))
            continue;
        values[i] = NAN;
        *ratios_left_out = true;
    }
    if (isfinite(at) && at >= 0 && (table->rows == 0 || at >= table->end[table->rows - 1]))
        page_table_add(table, at, at, values);
}

/* Up to a row that is not whole: E_DATA. */
static enum err_code add_all(struct page_table *table, struct sample_table *file,
                             const struct columns *columns, bool *ratios_left_out, struct err *err)
{
    bool more = true;
    enum err_code code = OK;
    while (code == OK && more) {
        code = sample_table_next(file, &more, err);
        if (code == OK && more)
            add_sample(table, file, columns, ratios_left_out);
    }
    return code;
}

static enum err_code add_samples(struct page_result *result, const char *run_path,
                                 const char *scenario, struct err *err)
{
    struct sample_table *file = NULL;
    struct columns columns = {.count = 0};
    enum err_code code = sample_table_open(&file, run_path, scenario, SAMPLES_ENDING, err);
    if (code == OK) {
        columns = columns_of(file, NULL);
        if (columns.time == file->column_count || columns.count == 0)
            code = err_set(err, E_DATA, "%.300s has no samples that volley knows", file->path);
    }
    if (code == OK)
        code = begin_table(&result->samples, "server", "", &columns, PAGE_ROWS_MAX, err);
    if (code == OK)
        code = add_all(&result->samples, file, &columns, &result->ratios_left_out, err);
    sample_table_close(file);
    return code;
}

/* A table for each node, as far as there is room. */
static enum err_code add_node_samples(struct page_result *result, const char *run_path,
                                      const char *scenario, struct err *err)
{
    char path[SCENARIO_PATH_BYTES];
    struct sample_table *file = NULL;
    bool more = true;
    if ((size_t)snprintf(path, sizeof path, "%s/%s" NODE_SAMPLES_ENDING, run_path, scenario) >=
            sizeof path ||
        access(path, R_OK) != 0)
        return OK;
    enum err_code code = sample_table_open(&file, run_path, scenario, NODE_SAMPLES_ENDING, err);
    struct columns columns = {.count = 0};
    if (code == OK)
        columns = columns_of(file, "address");
    const bool whole = code == OK && columns.time < file->column_count &&
                       columns.name < file->column_count && columns.count > 0;
    while (code == OK && whole && more) {
        code = sample_table_next(file, &more, err);
        if (code != OK || !more)
            break;
        struct page_table *lane = NULL;
        char name[PAGE_TABLE_NAME_BYTES];
        snprintf(name, sizeof name, "%s", file->cells[columns.name]);
        for (uint32_t i = 0; i < result->lane_count && lane == NULL; i++)
            if (strcmp(result->lanes[i].of, "server_node") == 0 &&
                strcmp(result->lanes[i].name, name) == 0)
                lane = &result->lanes[i];
        if (lane == NULL && result->lane_count == PAGE_LANES_MAX) {
            result->lanes_left_out++;
            continue;
        }
        if (lane == NULL) {
            lane = &result->lanes[result->lane_count++];
            code = begin_table(lane, "server_node", name, &columns, PAGE_LANE_ROWS_MAX, err);
        }
        if (code == OK)
            add_sample(lane, file, &columns, &result->ratios_left_out);
    }
    sample_table_close(file);
    return code;
}

/* ---- phases and checks ---- */

/* Of a phase that ran: what a table shows people, by the names of the file. */
static const struct {
    const char *key, *caption;
    double divisor; /* 0: text */
} shown[] = {{"name", "phase", 0},
             {"type", "type", 0},
             {"duration_seconds", "seconds", 1},
             {"end_reason", "ended by", 0},
             {"rate", "requests/s", 1},
             {"p50_ms", "p50 ms", 1},
             {"p99_ms", "p99 ms", 1},
             {"max_ms", "max ms", 1},
             {"requests_failed", "errors", 1},
             {"used_memory_after", "used MB", SERIES_MB},
             {"keys_after", "keys", 1}};

static json_t *shown_row(const json_t *phase)
{
    json_t *row = json_object();
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++) {
        const json_t *value = json_object_get(phase, shown[i].key);
        json_t *cell = json_string("");
        if (shown[i].divisor <= 0 && json_is_string(value)) {
            json_decref(cell);
            cell = json_value_text(json_string_value(value));
        } else if (shown[i].divisor > 0 && json_is_number(value)) {
            json_decref(cell);
            cell = json_real(round(json_number_value(value) / shown[i].divisor * 1000) / 1000);
        }
        json_object_set_new(row, shown[i].caption, cell);
    }
    return row;
}

/* Of all that is sampled its mean; of the load what the file of phases has: the mean of the percentiles of intervals is none. */
static json_t *phase_figures(const json_t *phase)
{
    static const char *const own[] = {"rate",
                                      "mean_ms",
                                      "p50_ms",
                                      "p95_ms",
                                      "p99_ms",
                                      "max_ms",
                                      "requests_failed",
                                      "cleanup_efficiency",
                                      "alloc_efficiency"};
    json_t *figures = json_object();
    const json_t *stats = json_object_get(phase, "stats");
    for (unsigned i = 0; i < SERIES_METRICS; i++) {
        json_t *mean = json_object_get(json_object_get(stats, series_metric_name(i)), "mean");
        if (json_is_number(mean))
            json_object_set(figures, series_metric_name(i), mean);
    }
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        json_t *value = json_object_get(phase, own[i]);
        if (json_is_number(value))
            json_object_set(figures, own[i], value);
    }
    json_t *rate = json_object_get(phase, "rate");
    if (json_is_number(rate) && json_object_get(figures, "ops_per_second") != NULL)
        json_object_set(figures, "ops_per_second", rate);
    return figures;
}

static void add_phases(struct page_result *result, const json_t *document)
{
    size_t i;
    const json_t *phase, *event;
    result->phases = json_array();
    json_array_clear(result->regions); /* runs are parts of phases */
    json_array_foreach(json_object_get(document, "phases"), i, phase)
    {
        const json_t *start = json_object_get(phase, "start"), *end = json_object_get(phase, "end");
        const char *name = json_string_value(json_object_get(phase, "name"));
        const char *type = json_string_value(json_object_get(phase, "type"));
        if (!json_is_number(start) || !json_is_number(end) || name == NULL || type == NULL ||
            json_array_size(result->regions) >= PAGE_REGIONS_MAX)
            continue;
        json_array_append_new(result->phases, shown_row(phase));
        json_array_append_new(result->regions,
                              json_pack("{s:s, s:o, s:o, s:f, s:f, s:o}", "kind", "phase", "name",
                                        json_value_text(name), "type", json_value_text(type),
                                        "start", json_number_value(start), "end",
                                        json_number_value(end), "figures", phase_figures(phase)));
    }
    json_array_foreach(json_object_get(document, "events"), i, event)
    {
        const double at = json_number_value(json_object_get(event, "at_seconds"));
        const char *source = json_string_value(json_object_get(event, "source"));
        const char *text = json_string_value(json_object_get(event, "text"));
        if (source == NULL || text == NULL || json_array_size(result->marks) >= PAGE_MARKS_MAX)
            continue;
        json_array_append_new(
            result->marks,
            json_pack("{s:o, s:o, s:f, s:f, s:b, s:o}", "source", json_value_text(source), "text",
                      json_value_text(text), "start", at, "end",
                      at + json_number_value(json_object_get(event, "seconds")), "ok",
                      json_is_true(json_object_get(event, "ok")), "cause",
                      json_value_text(json_string_value(json_object_get(event, "cause")))));
    }
}

static void add_checks(struct page_result *result, const json_t *document)
{
    size_t i;
    const json_t *check;
    result->checks = json_array();
    json_value_get_text(result->judgement, sizeof result->judgement, document, "result");
    json_array_foreach(json_object_get(document, "checks"), i, check)
    {
        static const char *const kept[] = {"result",   "metric", "aggregate", "phase",
                                           "operator", "limit",  "value",     "reason"};
        json_t *row = json_object();
        for (size_t k = 0; k < sizeof kept / sizeof kept[0]; k++) {
            json_t *value = json_object_get(check, kept[k]);
            if (json_is_string(value) || json_is_number(value))
                json_object_set(row, kept[k], value);
            else
                json_object_set_new(row, kept[k], json_string(""));
        }
        json_array_append_new(result->checks, row);
    }
}

/* ---- the load ---- */

static enum err_code add_load(struct page *page, const char *run_path, struct err *err)
{
    static struct timeline timeline; /* too large for a stack */
    char path[SCENARIO_PATH_BYTES];
    bool complete = false;
    if ((size_t)snprintf(path, sizeof path, "%s/journal", run_path) >= sizeof path ||
        access(path, R_OK) != 0)
        return OK;
    if (timeline_init(&timeline, err) != OK)
        return err->code;
    timeline_add(&timeline, page_listen(page));
    const enum err_code code = journal_replay(run_path, &timeline, &complete, err);
    page_result_newest(page)->cut = code == OK && !complete;
    timeline_destroy(&timeline);
    return code;
}

/* Second 0 is that of the scenario, not of its first run. */
static void set_start(struct page_result *result, const json_t *phases)
{
    const double started = json_number_value(json_object_get(phases, "started_unix_seconds"));
    if (started > 0 && started < 1e11)
        result->started_wall_ns = (uint64_t)(started * (double)NS_PER_SECOND);
}

/* A file that is missing, or is not whole, takes nothing from what the others tell: the page says so at its top. */
static enum err_code bear(struct page_result *result, enum err_code code, const struct err *own,
                          const char *what, struct err *err)
{
    if (code == E_DATA || code == E_UNTRUSTED) {
        page_result_notice(result, "%s: %s.", what, own->text);
        log_line(LOG_WARNING, "%s: %s", what, own->text);
        return OK;
    }
    return code == OK ? OK : err_set(err, code, "%s", own->text);
}

static enum err_code read_documents(struct page_result *result, json_t *documents[2],
                                    const char *run_path, const char *scenario, struct err *err)
{
    static const char *const missing[] = {"There are no phases", "There are no checks"};
    char phases[SCENARIO_NAME_BYTES + 16];
    const char *const names[] = {phases, "checks.json"};
    enum err_code code = OK;
    snprintf(phases, sizeof phases, "%s_phases.json", scenario);
    for (size_t i = 0; i < 2 && code == OK; i++) {
        struct err own = {.code = OK};
        code = scenario_document_read(&documents[i], run_path, names[i], &own);
        code = bear(result, code, &own, missing[i], err);
    }
    return code;
}

static enum err_code add_measured(struct page *page, const char *run_path, const char *scenario,
                                  struct err *err)
{
    struct page_result *result = page_result_newest(page);
    struct err load = {.code = OK}, samples = {.code = OK}, nodes = {.code = OK};
    enum err_code code = add_load(page, run_path, &load);
    code = bear(result, code, &load, "Not all of the load is shown", err);
    if (code == OK) {
        code = add_samples(result, run_path, scenario, &samples);
        code = bear(result, code, &samples, "Not all samples of the server are shown", err);
    }
    if (code == OK) {
        code = add_node_samples(result, run_path, scenario, &nodes);
        code = bear(result, code, &nodes, "Not all samples of nodes are shown", err);
    }
    return code;
}

enum err_code scenario_page_add(struct page *page, const char *run_path, const char *scenario,
                                const char *name, struct err *err)
{
    json_t *documents[] = {NULL, NULL};
    enum err_code code = page_result_add(page, name != NULL ? name : scenario, err);
    if (code != OK)
        return code;
    struct page_result *result = page_result_newest(page);
    code = read_documents(result, documents, run_path, scenario, err);
    if (code == OK) {
        set_start(result, documents[0]);
        code = add_measured(page, run_path, scenario, err);
    }
    if (code == OK) {
        const char *run = json_string_value(json_object_get(documents[0], "run"));
        if (run != NULL && name == NULL)
            snprintf(result->name, sizeof result->name, "%s", run);
        if (documents[0] != NULL)
            add_phases(result, documents[0]);
        if (documents[1] != NULL)
            add_checks(result, documents[1]);
        if (json_is_true(json_object_get(documents[0], "interrupted")))
            page_result_notice(result, "The run was interrupted: this is as far as it came.");
        if (result->load.rows == 0 && result->samples.rows == 0)
            code = err_set(err, E_DATA, "%.300s has neither samples nor a load that can be shown",
                           run_path);
    }
    json_decref(documents[0]);
    json_decref(documents[1]);
    return code;
}

enum err_code scenario_page_write(char path[SCENARIO_PATH_BYTES], struct page *page,
                                  const char *scenario, const char *directory, struct err *err)
{
    struct output out = {.file = NULL};
    if ((size_t)snprintf(path, SCENARIO_PATH_BYTES, "%s/%s_dashboard.html", directory, scenario) >=
        SCENARIO_PATH_BYTES)
        return err_set(err, E_USAGE, "the path of the page is too long");
    enum err_code code = output_create(&out, path, OUTPUT_OWN, err);
    if (code == OK)
        code = page_write(page, "scenario", page_result_newest(page)->name, &out, err);
    if (code == OK)
        code = output_commit(&out, err);
    output_discard(&out);
    return code;
}

/* ---- one figure of several runs ---- */

static enum err_code no_samples(const char *run_path, const char *metric, struct err *err)
{
    return err_set(
        err, E_DATA,
        "%.200s has no samples of %.60s, and a comparison needs them of every run: choose "
        "another --metric",
        run_path, metric);
}

static enum err_code read_figure(struct page_result *result, const char *run_path,
                                 const char *scenario, enum series_metric metric, const char *unit,
                                 struct err *err)
{
    struct sample_table *file = NULL;
    struct columns columns = {.count = 1};
    enum err_code code = sample_table_open(&file, run_path, scenario, SAMPLES_ENDING, err);
    if (code == OK) {
        columns.time = columns.from[0] = file->column_count;
        for (size_t i = 0; i < file->column_count; i++) {
            if (strcmp(file->names[i], "elapsed_seconds") == 0)
                columns.time = i;
            if (strcmp(file->names[i], series_metric_name(metric)) == 0)
                columns.from[0] = i;
        }
        if (columns.time == file->column_count || columns.from[0] == file->column_count)
            code = no_samples(run_path, series_metric_name(metric), err);
    }
    if (code == OK)
        code = page_table_init(&result->samples, "compared", "", 1, PAGE_ROWS_MAX, err);
    if (code == OK)
        page_table_column(&result->samples, unit, unit, NULL);
    if (code == OK)
        code = add_all(&result->samples, file, &columns, NULL, err);
    sample_table_close(file);
    return code;
}

struct figure_range {
    double first, low, high, last; /* NAN: nothing is known */
};

static struct figure_range range_of(const struct page_table *table)
{
    struct figure_range range = {NAN, NAN, NAN, NAN};
    for (size_t i = 0; i < table->rows; i++) {
        if (isnan(table->low[i]))
            continue;
        if (isnan(range.first))
            range = (struct figure_range){table->low[i], table->low[i], table->high[i], 0};
        range.low = fmin(range.low, table->low[i]);
        range.high = fmax(range.high, table->high[i]);
        range.last = table->high[i];
    }
    return range;
}

static enum err_code add_compared(struct page *page, const struct scenario_comparison *comparison,
                                  size_t index, enum series_metric metric, FILE *out,
                                  struct err *err)
{
    char file[SCENARIO_NAME_BYTES + 16];
    json_t *phases = NULL;
    const char *scenario = comparison->scenarios[index], *run_path = comparison->paths[index];
    const char *unit = comparison->normalize ? "ratio" : series_metric_unit(metric);
    snprintf(file, sizeof file, "%s_phases.json", scenario);
    if (scenario_document_read(&phases, run_path, file, err) != OK)
        return err->code;
    const char *name = json_string_value(json_object_get(phases, "run"));
    if (page_result_add(page, name != NULL ? name : scenario, err) != OK) {
        json_decref(phases);
        return err->code;
    }
    struct page_result *result = page_result_newest(page);
    enum err_code code = read_figure(result, run_path, scenario, metric, unit, err);
    const struct figure_range range = range_of(&result->samples);
    if (code == OK && isnan(range.first))
        code = no_samples(run_path, comparison->metric, err);
    for (size_t i = 0; i < result->samples.rows && comparison->normalize && range.high > 0; i++) {
        result->samples.low[i] /= range.high;
        result->samples.high[i] /= range.high;
    }
    if (code == OK) {
        set_start(result, phases);
        add_phases(result, phases);
        json_array_clear(result->marks);
        fprintf(out, "%s: first %.6g, smallest %.6g, largest %.6g, last %.6g %s\n",
                PRINTABLE(result->name), range.first, range.low, range.high, range.last,
                series_metric_unit(metric));
    }
    json_decref(phases);
    return code;
}

enum err_code scenario_page_compare(char path[SCENARIO_PATH_BYTES],
                                    const struct scenario_comparison *comparison,
                                    const char *directory, FILE *out, struct err *err)
{
    struct output file = {.file = NULL};
    enum series_metric metric;
    double divisor;
    char title[200];
    if (!series_metric_find(&metric, &divisor, comparison->metric))
        return err_set(err, E_USAGE,
                       "--metric %.60s: nothing that is sampled is called so; "
                       "docs/reference/scenarios.md lists what is",
                       comparison->metric);
    struct page *page = page_create();
    enum err_code code =
        page != NULL ? OK : err_set(err, E_SYSTEM, "no memory for the page of a comparison");
    if (code == OK &&
        (size_t)snprintf(path, SCENARIO_PATH_BYTES, "%s/comparison_%s.html", directory,
                         series_metric_name(metric)) >= SCENARIO_PATH_BYTES)
        code = err_set(err, E_USAGE, "the path of the page is too long");
    for (size_t i = 0; i < comparison->count && code == OK; i++)
        code = add_compared(page, comparison, i, metric, out, err);
    if (code == OK)
        code = output_create(&file, path, OUTPUT_OWN, err);
    snprintf(title, sizeof title, "%s%s", series_metric_name(metric),
             comparison->normalize ? ", each as a part of its own largest" : "");
    if (code == OK)
        code = page_write(page, "scenario", title, &file, err);
    if (code == OK)
        code = output_commit(&file, err);
    output_discard(&file);
    page_destroy(page);
    return code;
}
