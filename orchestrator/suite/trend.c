#include "orchestrator/suite/trend.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/printable.h"
#include "orchestrator/report/json_value.h"
#include "orchestrator/suite/record_set.h"

#define FIGURE_MAX 1e15 /* sums and squares of them are numbers */
#define FIXED 4u        /* columns in front of them: commit, timestamp, figure, command */

const char *trend_metric_column(const char *metric)
{
    static const char *const names[][2] = {{"avg", "avg_latency_ms"},
                                           {"p50", "p50_latency_ms"},
                                           {"p95", "p95_latency_ms"},
                                           {"p99", "p99_latency_ms"},
                                           {"p99.9", "p99_9_latency_ms"}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(metric, names[i][0]) == 0)
            return names[i][1];
    return metric;
}

/* ---- the statement ---- */

struct reading {
    struct trend *trend;
    bool has_verdict, has_module;
    bool failed;
};

/* What tells configurations apart, as far as the table has it. */
static void choose_columns(struct reading *reading, const struct store_columns *columns)
{
    struct trend *trend = reading->trend;
    static const char *const others[] = {"pipeline", "io_threads", "architecture", "env_make_args",
                                         "source"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (store_columns_find(columns, others[i]) != NULL)
            trend->columns[trend->column_count++] = others[i];
    for (size_t i = 0; record_section_key(i) != NULL && trend->column_count < TREND_COLUMNS_MAX;
         i++)
        if (store_columns_find(columns, record_section_key(i)) != NULL)
            trend->columns[trend->column_count++] = record_section_key(i);
    reading->has_module = store_columns_find(columns, "module_commit") != NULL;
    reading->has_verdict = store_columns_find(columns, "verdict") != NULL;
}

static enum err_code check_column(const struct store *store, const struct store_columns *columns,
                                  const struct trend_wishes *wishes, const char *option,
                                  const char *name, struct err *err)
{
    if (columns->count == 0)
        return err_set(err, E_USAGE,
                       "%s has no table %s: nothing has been pushed into it (volley push)",
                       store->shown, wishes->table);
    return store_columns_find(columns, name) != NULL
               ? OK
               : err_set(err, E_USAGE, "%s %.60s: the table %s has no such column", option,
                         PRINTABLE(name), wishes->table);
}

static char *make_statement(const struct reading *reading, const struct trend_wishes *wishes)
{
    char *statement = NULL, quoted[STORE_QUOTED_BYTES];
    size_t bytes = 0;
    FILE *out = open_memstream(&statement, &bytes);
    if (out == NULL)
        return NULL;
    (void)store_quote(quoted, wishes->metric);
    /* of a module's history its own commit counts */
    fprintf(out, "SELECT %s, \"timestamp\", %s, command",
            reading->has_module ? "COALESCE(module_commit, \"commit\")" : "\"commit\"", quoted);
    for (size_t i = 0; i < reading->trend->column_count; i++)
        fprintf(out, ", \"%s\"", reading->trend->columns[i]);
    if (reading->has_verdict)
        fprintf(out, ", verdict");
    fprintf(out, " FROM \"%s\" WHERE %s IS NOT NULL AND \"commit\" NOT LIKE '%%-control'",
            wishes->table, quoted);
    for (size_t i = 0; i < wishes->filter_count; i++)
        if (store_quote(quoted, wishes->filters[i].column))
            fprintf(out, " AND lower(CAST(%s AS TEXT)) = lower(CAST($%zu AS TEXT))", quoted, i + 1);
    fprintf(out, " ORDER BY \"timestamp\", id");
    if (fclose(out) == 0)
        return statement;
    free(statement);
    return NULL;
}

/* ---- rows ---- */

static bool read_number(double *number, const char *text)
{
    char *end = NULL;
    if (text == NULL)
        return false;
    *number = strtod(text, &end);
    return end != text && *end == '\0' && fabs(*number) < FIGURE_MAX;
}

static bool keep_values(struct trend_series *series, const struct trend *trend, const char *command,
                        const char *const *values)
{
    *series = (struct trend_series){.command = strdup(PRINTABLE(command))};
    bool kept = series->command != NULL;
    for (size_t i = 0; i < trend->column_count; i++)
        if (values[i] != NULL && values[i][0] != '\0') {
            series->values[i] = strdup(PRINTABLE(values[i]));
            kept = kept && series->values[i] != NULL;
        }
    return kept;
}

/* A hash of all of it, whatever its bytes and its length. */
static bool make_key(char key[STORE_HASH_BYTES], const struct trend *trend, const char *command,
                     const char *const *values)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    if (out == NULL)
        return false;
    fprintf(out, "%s", command);
    for (size_t i = 0; i < trend->column_count; i++)
        fprintf(out, "\n%zu:%s", i, values[i] != NULL ? values[i] : "");
    const bool made = fclose(out) == 0 && store_hash_text(key, text);
    free(text);
    return made;
}

static struct trend_series *add_series(struct trend *trend, const char *key, const char *command,
                                       const char *const *values)
{
    if ((trend->count & (trend->count - 1)) == 0) {
        struct trend_series *grown = reallocarray(
            trend->series, trend->count > 0 ? 2 * trend->count : 1, sizeof trend->series[0]);
        if (grown == NULL)
            return NULL;
        trend->series = grown;
    }
    struct trend_series *series = &trend->series[trend->count++];
    return keep_values(series, trend, command, values) &&
                   json_object_set_new(trend->found, key,
                                       json_integer((json_int_t)trend->count - 1)) == 0
               ? series
               : NULL;
}

static struct trend_series *find_series(struct trend *trend, const char *command,
                                        const char *const *values)
{
    char key[STORE_HASH_BYTES];
    if (!make_key(key, trend, command, values))
        return NULL;
    const json_t *place = json_object_get(trend->found, key);
    return place != NULL ? &trend->series[json_integer_value(place)]
                         : add_series(trend, key, command, values);
}

/* Rows come by time: a commit is the last one, or one of the same second. */
static struct trend_commit *find_commit(struct trend_series *series, const char *name,
                                        const char *time)
{
    for (size_t i = series->count; i > 0 && strcmp(series->commits[i - 1].time, time) == 0; i--)
        if (strcmp(series->commits[i - 1].name, name) == 0)
            return &series->commits[i - 1];
    if (series->count == series->capacity) {
        const size_t capacity = series->capacity > 0 ? 2 * series->capacity : 8;
        struct trend_commit *grown =
            reallocarray(series->commits, capacity, sizeof series->commits[0]);
        if (grown == NULL)
            return NULL;
        series->commits = grown;
        series->capacity = capacity;
    }
    struct trend_commit *commit = &series->commits[series->count++];
    *commit = (struct trend_commit){.least = INFINITY, .most = -INFINITY};
    snprintf(commit->name, sizeof commit->name, "%s", name);
    snprintf(commit->time, sizeof commit->time, "%s", time);
    return commit;
}

/* Mean and deviation without the values (Welford, "Note on a method for calculating corrected sums of squares and products",
 * Technometrics 4, 1962). */
static void add_run(struct trend_commit *commit, double value, bool red)
{
    const double before = value - commit->mean;
    commit->runs++;
    commit->red += red;
    commit->mean += before / (double)commit->runs;
    commit->squares += before * (value - commit->mean);
    commit->least = fmin(commit->least, value);
    commit->most = fmax(commit->most, value);
    commit->deviation = commit->runs > 1 ? sqrt(commit->squares / (double)(commit->runs - 1)) : 0;
}

static bool take_row(void *state, const char *const *columns, size_t column_count)
{
    struct reading *reading = state;
    char time[STORE_TIME_BYTES], name[TREND_NAME_BYTES];
    double value;
    if (column_count < FIXED + reading->trend->column_count || columns[0] == NULL ||
        columns[1] == NULL || !store_time(time, columns[1]) || !read_number(&value, columns[2]))
        return true;
    snprintf(name, sizeof name, "%s", PRINTABLE(columns[0]));
    struct trend_series *series =
        find_series(reading->trend, columns[3] != NULL ? columns[3] : "", columns + FIXED);
    struct trend_commit *commit = series != NULL ? find_commit(series, name, time) : NULL;
    reading->failed = commit == NULL;
    if (commit == NULL)
        return false;
    const char *verdict =
        reading->has_verdict ? columns[FIXED + reading->trend->column_count] : NULL;
    add_run(commit, value, verdict != NULL && strcmp(verdict, "RED") == 0);
    reading->trend->rows++;
    return true;
}

/* ---- names ---- */

static void add_part(char text[TREND_CONFIGURATION_BYTES], const char *name, const char *value)
{
    const size_t at = strlen(text);
    if (value != NULL)
        snprintf(text + at, TREND_CONFIGURATION_BYTES - at, "%s%s=%s", at > 0 ? ", " : "", name,
                 value);
}

static bool is_alike(const struct trend *trend, size_t column)
{
    const char *first = trend->series[0].values[column];
    for (size_t i = 1; i < trend->count; i++) {
        const char *other = trend->series[i].values[column];
        if ((first == NULL) != (other == NULL) || (first != NULL && strcmp(first, other) != 0))
            return false;
    }
    return true;
}

/* What all have in common is told once. */
static bool name_series(struct trend *trend)
{
    bool alike[TREND_COLUMNS_MAX] = {false};
    for (size_t k = 0; k < trend->column_count && trend->count > 0; k++) {
        alike[k] = is_alike(trend, k);
        if (alike[k])
            add_part(trend->alike, trend->columns[k], trend->series[0].values[k]);
    }
    for (size_t i = 0; i < trend->count; i++) {
        char text[TREND_CONFIGURATION_BYTES] = "";
        for (size_t k = 0; k < trend->column_count; k++)
            if (!alike[k])
                add_part(text, trend->columns[k], trend->series[i].values[k]);
        trend->series[i].configuration = strdup(text);
        if (trend->series[i].configuration == NULL)
            return false;
    }
    return true;
}

/* ---- changes ---- */

static bool find_changes(struct trend *trend, double alpha)
{
    for (size_t i = 0; i < trend->count; i++) {
        struct trend_series *series = &trend->series[i];
        double *means = calloc(series->count + 1, sizeof *means);
        if (means == NULL)
            return false;
        for (size_t k = 0; k < series->count; k++)
            means[k] = series->commits[k].mean;
        const bool found = change_points_find(&series->changes, means, series->count, alpha);
        free(means);
        if (!found)
            return false;
    }
    return true;
}

static const char *latest_change(const struct trend_series *series)
{
    const struct change_points *changes = &series->changes;
    return changes->count > 0 ? series->commits[changes->items[changes->count - 1].place].time : "";
}

static int by_change(const void *one, const void *other)
{
    const struct trend_series *left = one, *right = other;
    int order = strcmp(latest_change(right), latest_change(left));
    if (order == 0)
        order = strcmp(left->command, right->command);
    return order != 0 ? order : strverscmp(left->configuration, right->configuration);
}

enum err_code trend_read(struct trend *trend, struct store *store,
                         const struct trend_wishes *wishes, struct err *err)
{
    struct store_columns columns;
    struct reading reading = {.trend = trend};
    const char *values[TREND_FILTERS_MAX];
    char *statement = NULL;
    *trend = (struct trend){.found = json_object(),
                            .more_is_better = strcmp(wishes->metric, "rps") == 0};
    enum err_code code = store_columns_read(&columns, store, wishes->table, err);
    if (code == OK)
        code = check_column(store, &columns, wishes, "--metric", wishes->metric, err);
    for (size_t i = 0; i < wishes->filter_count && code == OK; i++) {
        code = check_column(store, &columns, wishes, "--where", wishes->filters[i].column, err);
        values[i] = wishes->filters[i].value;
    }
    if (code == OK) {
        choose_columns(&reading, &columns);
        statement = make_statement(&reading, wishes);
        code = statement != NULL && trend->found != NULL
                   ? store_run(store, "its records cannot be read", statement, values,
                               wishes->filter_count, take_row, &reading, NULL, err)
                   : E_SYSTEM;
    }
    store_columns_free(&columns);
    free(statement);
    if ((code == OK &&
         (reading.failed || !name_series(trend) || !find_changes(trend, wishes->alpha))) ||
        code == E_SYSTEM)
        return err_set(err, E_SYSTEM, "no memory for the history");
    if (code == OK && trend->count == 0)
        return err_set(err, E_DATA, "%s: no record in %s has all of that", store->shown,
                       wishes->table);
    if (trend->count > 0)
        qsort(trend->series, trend->count, sizeof trend->series[0], by_change);
    return code;
}

void trend_free(struct trend *trend)
{
    for (size_t i = 0; i < trend->count; i++) {
        free(trend->series[i].command);
        free(trend->series[i].configuration);
        for (size_t k = 0; k < trend->column_count; k++)
            free(trend->series[i].values[k]);
        free(trend->series[i].commits);
        change_points_free(&trend->series[i].changes);
    }
    free(trend->series);
    json_decref(trend->found);
    *trend = (struct trend){.series = NULL};
}

double trend_change(const struct change_point *point)
{
    return point->before != 0 ? point->after / point->before - 1 : 0;
}

bool trend_is_worse(const struct trend *trend, const struct change_point *point)
{
    return trend->more_is_better ? point->after < point->before : point->after > point->before;
}

/* ---- for programs ---- */

static json_t *describe_commit(const struct trend_commit *commit)
{
    return json_pack("{s:o, s:s, s:I, s:I, s:f, s:f, s:f, s:f}", "commit",
                     json_value_text(commit->name), "timestamp", commit->time, "runs",
                     (json_int_t)commit->runs, "red", (json_int_t)commit->red, "mean", commit->mean,
                     "stdev", commit->deviation, "min", commit->least, "max", commit->most);
}

static json_t *describe_change(const struct trend *trend, const struct trend_series *series,
                               const struct change_point *point)
{
    return json_pack("{s:I, s:o, s:f, s:f, s:f, s:b, s:f}", "place", (json_int_t)point->place,
                     "commit", json_value_text(series->commits[point->place].name), "before",
                     point->before, "after", point->after, "change_percent",
                     100 * trend_change(point), "worse", trend_is_worse(trend, point), "p",
                     point->p);
}

static json_t *describe_series(const struct trend *trend, const struct trend_series *series)
{
    json_t *commits = json_array(), *changes = json_array();
    for (size_t i = 0; i < series->count; i++)
        json_array_append_new(commits, describe_commit(&series->commits[i]));
    for (size_t i = 0; i < series->changes.count; i++)
        json_array_append_new(changes, describe_change(trend, series, &series->changes.items[i]));
    return json_pack("{s:o, s:o, s:o, s:o}", "command", json_value_text(series->command),
                     "configuration", json_value_text(series->configuration), "commits", commits,
                     "changes", changes);
}

json_t *trend_json(const struct trend *trend, const struct trend_wishes *wishes)
{
    json_t *list = json_array();
    for (size_t i = 0; i < trend->count; i++)
        json_array_append_new(list, describe_series(trend, &trend->series[i]));
    return json_pack("{s:s, s:o, s:o, s:s, s:b, s:f, s:I, s:o}", "schema", "volley.history/1",
                     "alike", json_value_text(trend->alike), "metric",
                     json_value_text(wishes->metric), "table", wishes->table, "more_is_better",
                     trend->more_is_better, "alpha", wishes->alpha, "records",
                     (json_int_t)trend->rows, "series", list);
}
