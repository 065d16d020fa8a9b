#include "orchestrator/suite/regression.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/printable.h"
#include "orchestrator/suite/comparison_report.h"

/* ---- the statement ---- */

/* " AND ...": what is asked for, of commits as they are: no control, no tree with changes, no programs as found. */
static void put_filters(FILE *out, const struct store_columns *columns,
                        const struct trend_wishes *wishes)
{
    char quoted[STORE_QUOTED_BYTES];
    fprintf(out, " AND \"commit\" NOT LIKE '%%-control'");
    if (store_columns_find(columns, "source") != NULL)
        fprintf(out, " AND source IS NULL");
    for (size_t i = 0; i < wishes->filter_count; i++)
        if (store_quote(quoted, wishes->filters[i].column))
            fprintf(out, " AND lower(CAST(%s AS TEXT)) = lower(CAST($%zu AS TEXT))", quoted, i + 1);
}

/* Of a module's history its own commit counts. */
static const char *version_of(const struct store_columns *columns)
{
    return store_columns_find(columns, "module_commit") != NULL
               ? "COALESCE(module_commit, \"commit\")"
               : "\"commit\"";
}

struct statement {
    char *text;
    size_t bytes;
    FILE *out;
};

static bool begin(struct statement *statement)
{
    *statement = (struct statement){.text = NULL};
    statement->out = open_memstream(&statement->text, &statement->bytes);
    return statement->out != NULL;
}

static enum err_code run(struct statement *statement, struct store *store,
                         const struct trend_wishes *wishes, const char *further, store_row *row,
                         void *state, struct err *err)
{
    const char *values[TREND_FILTERS_MAX + 1];
    size_t count = 0;
    for (; count < wishes->filter_count; count++)
        values[count] = wishes->filters[count].value;
    if (further != NULL)
        values[count++] = further;
    enum err_code code =
        fclose(statement->out) == 0 ? OK : err_set(err, E_SYSTEM, "no memory for records");
    if (code == OK)
        code = store_run(store, "its records cannot be read", statement->text, values, count, row,
                         state, NULL, err);
    free(statement->text);
    return code;
}

/* ---- the commits ---- */

struct newest {
    char names[3][65];
    size_t count;
};

static bool take_commit(void *state, const char *const *columns, size_t column_count)
{
    struct newest *newest = state;
    if (column_count > 0 && columns[0] != NULL)
        snprintf(newest->names[newest->count++], sizeof newest->names[0], "%s", columns[0]);
    return newest->count < 2;
}

static bool take_text(void *state, const char *const *columns, size_t column_count)
{
    return column_count == 0 || columns[0] == NULL ||
           json_array_append_new(state, json_string(PRINTABLE(columns[0]))) == 0;
}

static enum err_code check_architectures(struct store *store, const struct store_columns *columns,
                                         const struct trend_wishes *wishes, const char *commit,
                                         struct err *err)
{
    struct statement statement;
    json_t *found = json_array();
    enum err_code code = OK;
    if (store_columns_find(columns, "architecture") != NULL) {
        if (!begin(&statement)) {
            json_decref(found);
            return err_set(err, E_SYSTEM, "no memory for records");
        }
        fprintf(statement.out, "SELECT DISTINCT architecture FROM \"%s\" WHERE rps IS NOT NULL",
                wishes->table);
        put_filters(statement.out, columns, wishes);
        fprintf(statement.out, " AND %s = $%zu", version_of(columns), wishes->filter_count + 1);
        code = run(&statement, store, wishes, commit, take_text, found, err);
    }
    if (code == OK && json_array_size(found) > 1)
        code =
            err_set(err, E_DATA,
                    "%.12s was measured on several architectures (%.20s, %.20s): choose one with "
                    "--where architecture=%.20s",
                    PRINTABLE(commit), json_string_value(json_array_get(found, 0)),
                    json_string_value(json_array_get(found, 1)),
                    json_string_value(json_array_get(found, 0)));
    json_decref(found);
    return code;
}

/* The newest one first. */
static enum err_code find_newest(struct newest *newest, struct store *store,
                                 const struct store_columns *columns,
                                 const struct trend_wishes *wishes, struct err *err)
{
    struct statement statement;
    if (!begin(&statement))
        return err_set(err, E_SYSTEM, "no memory for records");
    fprintf(statement.out, "SELECT %s FROM \"%s\" WHERE rps IS NOT NULL", version_of(columns),
            wishes->table);
    put_filters(statement.out, columns, wishes);
    fprintf(statement.out, " GROUP BY 1 ORDER BY max(\"timestamp\") DESC, max(id) DESC LIMIT 2");
    enum err_code code = run(&statement, store, wishes, NULL, take_commit, newest, err);
    if (code == OK && newest->count == 0)
        code = err_set(err, E_DATA, "%s: no record in %s has all of that", store->shown,
                       wishes->table);
    return code;
}

/* ---- their records ---- */

struct reading {
    json_t *list;
    const struct store_columns *columns;
    const char *names[64];
    size_t count;
    bool failed;
};

static json_t *value_of(const struct store_columns *columns, const char *name, const char *text)
{
    char *end = NULL;
    const double number = strtod(text, &end);
    const struct store_column *column = store_columns_find(columns, name);
    const bool is_number =
        column != NULL && column->kind.type >= STORE_INTEGER && column->kind.type <= STORE_NUMERIC;
    return is_number && end != text && *end == '\0' && isfinite(number)
               ? json_real(number)
               : json_string(PRINTABLE(text));
}

static bool take_record(void *state, const char *const *columns, size_t column_count)
{
    struct reading *reading = state;
    json_t *record = json_object();
    for (size_t i = 0; i < reading->count && i < column_count; i++)
        if (columns[i] != NULL)
            (void)json_object_set_new(record, reading->names[i],
                                      value_of(reading->columns, reading->names[i], columns[i]));
    reading->failed = json_array_append_new(reading->list, record) != 0;
    return !reading->failed;
}

static void choose(struct reading *reading)
{
    static const char *const always[] = {"commit",     "timestamp",    "command", "pipeline",
                                         "io_threads", "architecture", "verdict", "rps"};
    for (size_t i = 0; i < sizeof always / sizeof always[0]; i++)
        if (store_columns_find(reading->columns, always[i]) != NULL)
            reading->names[reading->count++] = always[i];
    for (size_t i = 0; record_section_key(i) != NULL && reading->count < 64; i++)
        if (store_columns_find(reading->columns, record_section_key(i)) != NULL)
            reading->names[reading->count++] = record_section_key(i);
}

static enum err_code read_set(struct record_set *set, struct store *store,
                              const struct store_columns *columns,
                              const struct trend_wishes *wishes, const char *commit,
                              struct err *err)
{
    struct statement statement;
    struct reading reading = {.list = json_array(), .columns = columns};
    choose(&reading);
    if (reading.list == NULL || !begin(&statement)) {
        json_decref(reading.list);
        return err_set(err, E_SYSTEM, "no memory for records");
    }
    for (size_t i = 0; i < reading.count; i++)
        fprintf(statement.out, "%s\"%s\"", i == 0 ? "SELECT " : ", ", reading.names[i]);
    fprintf(statement.out, " FROM \"%s\" WHERE rps IS NOT NULL", wishes->table);
    put_filters(statement.out, columns, wishes);
    fprintf(statement.out, " AND %s = $%zu ORDER BY id", version_of(columns),
            wishes->filter_count + 1);
    enum err_code code = run(&statement, store, wishes, commit, take_record, &reading, err);
    if (code == OK && reading.failed)
        code = err_set(err, E_SYSTEM, "no memory for records");
    if (code == OK)
        code = record_set_take(set, reading.list, store->shown, err);
    json_decref(reading.list);
    return code;
}

enum err_code regression_find(struct regression *regression, struct store *store,
                              const struct trend_wishes *wishes, double threshold,
                              double confidence, struct err *err)
{
    const struct comparison_wishes asked = {
        .confidence = confidence, .threshold = threshold, .rates = true};
    struct newest newest = {.count = 0};
    struct store_columns columns;
    *regression = (struct regression){.commits = {""}, .threshold = threshold};
    enum err_code code = store_columns_read(&columns, store, wishes->table, err);
    if (code == OK && store_columns_find(&columns, "rps") == NULL)
        code =
            err_set(err, E_USAGE, "%s has no table %s with rates: nothing has been pushed into it",
                    store->shown, wishes->table);
    for (size_t i = 0; i < wishes->filter_count && code == OK; i++)
        if (store_columns_find(&columns, wishes->filters[i].column) == NULL)
            code = err_set(err, E_USAGE, "--where %.60s: the table %s has no such column",
                           PRINTABLE(wishes->filters[i].column), wishes->table);
    if (code == OK)
        code = find_newest(&newest, store, &columns, wishes, err);
    const bool first = newest.count == 1; /* of a history that has just begun */
    if (first)
        snprintf(regression->commits[1], sizeof regression->commits[1], "%s", newest.names[0]);
    for (size_t i = 0; i < 2 && code == OK && !first; i++) {
        snprintf(regression->commits[i], sizeof regression->commits[i], "%s", newest.names[1 - i]);
        code = check_architectures(store, &columns, wishes, regression->commits[i], err);
        if (code == OK)
            code = read_set(&regression->sets[i], store, &columns, wishes, regression->commits[i],
                            err);
    }
    if (code == OK && !first)
        code = comparison_make(&regression->comparison, &regression->sets[0], &regression->sets[1],
                               &asked, err);
    store_columns_free(&columns);
    return code;
}

void regression_free(struct regression *regression)
{
    comparison_free(&regression->comparison);
    for (size_t i = 0; i < 2; i++)
        record_set_free(&regression->sets[i]);
}

json_t *regression_json(const struct regression *regression)
{
    const struct comparison *comparison = &regression->comparison;
    json_t *worse = json_array(), *better = json_array();
    for (size_t i = 0; i < comparison->count; i++) {
        const struct comparison_row *row = &comparison->rows[i];
        const bool large = fabs(row->change) >= comparison->wishes.threshold;
        if (large && row->answer == ANSWER_SLOWER)
            json_array_append_new(worse, comparison_row_json(comparison, row));
        if (large && row->answer == ANSWER_FASTER)
            json_array_append_new(better, comparison_row_json(comparison, row));
    }
    const bool has_regression = json_array_size(worse) > 0;
    return json_pack("{s:o, s:s, s:f, s:o, s:o, s:b}", "baseline_commit",
                     regression->commits[0][0] != '\0'
                         ? json_string(PRINTABLE(regression->commits[0]))
                         : json_null(),
                     "new_commit", PRINTABLE(regression->commits[1]), "threshold_pct",
                     100 * regression->threshold, "regressions", worse, "improvements", better,
                     "has_regression", has_regression);
}
