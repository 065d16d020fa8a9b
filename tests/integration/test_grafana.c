/* configs/grafana over a real PostgreSQL that `volley push` has filled: each statement of its files is carried out as Grafana
 * would, and has to find what was pushed. Three commits: A is the oldest, C the newest. */
#include <fcntl.h>
#include <fnmatch.h>
#include <glob.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/options/config_tree.h"
#include "tests/support/check/history_base.h"
#include "tests/support/check/run.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/support.h"
#include "tests/support/check/temp_tree.h"

#define FOLDER "configs/grafana/"
#define ALERTS FOLDER "provisioning/alerting/volley.yaml"
#define A "aaaaaaaa00000000000000000000000000000000"
#define B "bbbbbbbb00000000000000000000000000000000"
#define C "cccccccc00000000000000000000000000000000"
#define VARIABLES_MAX 16

static struct temp_tree tree;
static struct history_base base;
static char labels[2][300]; /* of the configurations of SET and GET */

/* What a variable of a dashboard stands for. */
static struct variable {
    const char *name;
    json_t *values; /* texts */
} variables[VARIABLES_MAX];
static size_t variable_count;

static void forget_variables(void)
{
    while (variable_count > 0)
        json_decref(variables[--variable_count].values);
}

static void set_up(void)
{
    temp_tree_make(&tree);
}

static void tear_down(void)
{
    forget_variables();
    history_base_stop(&base);
    temp_tree_remove(&tree);
}

/* --- what is pushed -------------------------------------------------------------------------- */

static void add_record(FILE *out, const char *command, const char *commit, int day, double rps,
                       double p99_ms, const char *more)
{
    fprintf(out,
            "%s{\"timestamp\": \"2026-01-%02dT10:00:00Z\", \"commit\": \"%s\", \"command\": "
            "\"%s\", \"data_size\": 16, \"pipeline\": 4, \"clients\": 8, \"keyspacelen\": 100, "
            "\"requests\": 1000, \"warmup\": 0, \"cluster_mode\": false, \"tls\": false, \"rps\": "
            "%f, \"p99_latency_ms\": %f%s}",
            ftell(out) > 1 ? ", " : "", day, commit, command, rps, p99_ms, more);
}

static void push_commit(const char *commit, int day, const double figures[4], const char *more)
{
    char *text = NULL, name[200];
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    ck_assert_ptr_nonnull(out);
    fprintf(out, "[");
    add_record(out, "SET", commit, day, figures[0], figures[2], more);
    add_record(out, "SET", commit, day, figures[1], figures[2], more);
    if (figures[3] > 0)
        add_record(out, "GET", commit, day, figures[3], 1, more);
    fprintf(out, "]");
    fclose(out);
    snprintf(name, sizeof name, "/results/%s/metrics.json", commit);
    temp_tree_write(&tree, name, text, 0600);
    free(text);
}

/* is_full: with what only some records have. */
static void start(bool is_full)
{
    const char *more =
        is_full ? ", \"io_threads\": 2, \"architecture\": \"x86_64\", \"verdict\": \"GREEN\"" : "";
    char results[200], changed[300];
    struct program program;
    history_base_start(&base, true, tree.path);
    push_commit(A, 1, (const double[]){100, 100, 4, 0}, more);
    push_commit(B, 2, (const double[]){190, 210, 2, 50}, more);
    push_commit(C, 3, (const double[]){150, 150, 2.5, 50}, more);
    push_commit(C "-control", 3, (const double[]){9e6, 9e6, 9, 9e6}, more);
    snprintf(changed, sizeof changed, "%s, \"source\": \"tree with changes\"", more);
    push_commit("dddddddd", 4, (const double[]){9e6, 9e6, 9, 9e6}, changed);
    snprintf(results, sizeof results, "%s/results", tree.path);
    program_run_volley(&program, "push", "--results-dir", results, "--db", base.address, NULL);
    ck_assert_msg(program.exit_status == 0, "%s", program.err);
    program_free(&program);
    for (int i = 0; i < 2; i++)
        snprintf(labels[i], sizeof labels[i],
                 "%s, 16 B, pipeline 4, %s8 clients, 100 keys, 1000 requests, %swarmup 0",
                 i == 0 ? "SET" : "GET", is_full ? "io-threads 2, " : "",
                 is_full ? "architecture x86_64, " : "");
}

/* --- as Grafana does it ---------------------------------------------------------------------- */

static void put_quoted(FILE *out, const char *text)
{
    fputc('\'', out);
    for (; *text != '\0'; text++)
        fprintf(out, *text == '\'' ? "''" : "%c", *text);
    fputc('\'', out);
}

/* What stands for ${name:format}. */
static void put_variable(FILE *out, const char *name, const char *format)
{
    size_t index;
    const json_t *value;
    for (size_t i = 0; i < variable_count; i++) {
        if (strcmp(variables[i].name, name) != 0)
            continue;
        json_array_foreach(variables[i].values, index, value)
        {
            fprintf(out, "%s", index > 0 ? "," : "");
            if (strcmp(format, "raw") == 0)
                fprintf(out, "%s", json_string_value(value));
            else
                put_quoted(out, json_string_value(value));
        }
        ck_assert_msg(strcmp(format, "raw") == 0 || strcmp(format, "sqlstring") == 0, "%s", format);
        return;
    }
    ck_abort_msg("no variable %s", name);
}

/* A statement of a dashboard, the caller frees. */
static char *replaced(const char *statement)
{
    char *text = NULL, name[60], format[20];
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    ck_assert_ptr_nonnull(out);
    for (const char *at = statement; *at != '\0';) {
        int length = 0;
        if (*at != '$')
            fputc(*at++, out);
        else if (sscanf(at, "$__timeFilter(%59[a-z])%n", name, &length) == 1 && length > 0)
            fprintf(out, "%s BETWEEN '2025-06-01T00:00:00Z' AND '2026-06-01T00:00:00Z'", name);
        else if (sscanf(at, "${%59[a-z_]:%19[a-z]}%n", name, format, &length) == 2 && length > 0)
            put_variable(out, name, format);
        else
            ck_abort_msg("Grafana knows no such thing: %.40s", at);
        at += length;
    }
    fclose(out);
    return text;
}

/* The answer, with SET and GET in place of their configurations; the caller frees. */
static char *ask(const char *statement)
{
    char *text = NULL, *timed = NULL;
    size_t bytes = 0;
    ck_assert_int_gt(asprintf(&timed, "SET TIME ZONE 'UTC'; %s", statement), 0);
    char *answer = postgres_ask(&base.server, timed);
    free(timed);
    FILE *out = open_memstream(&text, &bytes);
    ck_assert_ptr_nonnull(out);
    for (const char *at = answer; *at != '\0';) {
        int which = 0;
        while (which < 2 && strncmp(at, labels[which], strlen(labels[which])) != 0)
            which++;
        if (which == 2) {
            fputc(*at++, out);
            continue;
        }
        fprintf(out, "%s", which == 0 ? "SET" : "GET");
        at += strlen(labels[which]);
    }
    fclose(out);
    free(answer);
    return text;
}

static const char *text_at(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    ck_assert_msg(text != NULL, "no text \"%s\"", key);
    return text;
}

/* Rows of a variable's statement: the last column is the value. */
static json_t *asked_values(const json_t *variable)
{
    json_t *values = json_array();
    char *statement = replaced(text_at(variable, "query"));
    char *answer = postgres_ask(&base.server, statement), *rest = answer;
    const bool all = json_is_true(json_object_get(variable, "includeAll"));
    ck_assert_msg(answer[0] != '\0', "nothing to choose of %s", text_at(variable, "name"));
    for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
        const char *column = strrchr(line, '|');
        if (all || json_array_size(values) == 0)
            json_array_append_new(values, json_string(column != NULL ? column + 1 : line));
    }
    free(answer);
    free(statement);
    return values;
}

/* What a dashboard shows when it is opened. */
static void choose_variables(const json_t *dashboard)
{
    size_t index;
    const json_t *variable;
    forget_variables();
    json_array_foreach(json_object_get(json_object_get(dashboard, "templating"), "list"), index,
                       variable)
    {
        const char *type = text_at(variable, "type");
        json_t *values = NULL;
        if (strcmp(type, "query") == 0)
            values = asked_values(variable);
        else if (strcmp(type, "constant") == 0)
            values = json_pack("[s]", text_at(variable, "query"));
        else
            values = json_pack("[s]", text_at(json_object_get(variable, "current"), "value"));
        ck_assert_ptr_nonnull(values);
        ck_assert_uint_lt(variable_count, VARIABLES_MAX);
        variables[variable_count++] =
            (struct variable){.name = text_at(variable, "name"), .values = values};
    }
}

static json_t *read_dashboard(const char *path)
{
    json_error_t error;
    json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    ck_assert_msg(root != NULL, "%s:%d: %s", path, error.line, error.text);
    return root;
}

/* --- figures --------------------------------------------------------------------------------- */

#define DAY "2026-01-0"
#define NOON " 10:00:00+00"

static const struct {
    const char *dashboard;
    int panel;
    const char *rows; /* a pattern */
} expected[] = {
    {"volley-performance", 1,
     DAY "1" NOON "|SET|100\n" DAY "2" NOON "|GET|50\n" DAY "2" NOON "|SET|200\n" DAY "3" NOON
         "|GET|50\n" DAY "3" NOON "|SET|150"},
    {"volley-performance", 2,
     DAY "1" NOON "|SET|4\n" DAY "2" NOON "|GET|1\n" DAY "2" NOON "|SET|2\n" DAY "3" NOON
         "|GET|1\n" DAY "3" NOON "|SET|2.5"},
    {"volley-performance", 3, DAY "1" NOON "|SET|100\n*|SET|150"},
    {"volley-performance", 4,
     DAY "3" NOON "|cccccccc|GET|1|50||50|50\n" DAY "3" NOON "|cccccccc|SET|2|150|0|150|150\n" DAY
         "2" NOON "|bbbbbbbb|GET|1|50||50|50\n" DAY "2" NOON
         "|bbbbbbbb|SET|2|200|14.1421*|190|210\n" DAY "1" NOON "|aaaaaaaa|SET|2|100|0|100|100"},
    {"volley-comparison", 1, "GET|50|50\nSET|200|150"},
    {"volley-comparison", 2, "GET|0\nSET|-25"},
    {"volley-comparison", 3, "GET|1|50|1|50|0\nSET|2|200|2|150|-25"},
    {"volley-overview", 1, "cccccccc"},
    {"volley-overview", 2, "3"},
    {"volley-overview", 3, "0.0"},
    {"volley-overview", 4, "*|3"},
    {"volley-overview", 5, "SET|bbbbbbbb|200|cccccccc|150|2|-25\nGET|bbbbbbbb|50|cccccccc|50|1|0"},
    {"volley-overview", 6, "SET|bbbbbbbb|2|cccccccc|2.5|2|25\nGET|bbbbbbbb|1|cccccccc|1|1|0"},
    {"volley-overview", 7,
     DAY "3" NOON "|cccccccc|3|2|*\n" DAY "2" NOON "|bbbbbbbb|3|2|*\n" DAY "1" NOON
         "|aaaaaaaa|2|1|*"},
};

static const char *expected_of(const char *dashboard, long long panel)
{
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        if (strcmp(expected[i].dashboard, dashboard) == 0 && expected[i].panel == panel)
            return expected[i].rows;
    ck_abort_msg("nothing is expected of panel %lld of %s", panel, dashboard);
}

static void check_rows(const char *name, long long panel, const json_t *target, const char *pattern)
{
    char *statement = replaced(text_at(target, "rawSql"));
    char *answer = ask(statement);
    ck_assert_msg(fnmatch(pattern, answer, 0) == 0, "%s, panel %lld:\n%s\nin place of\n%s", name,
                  panel, answer, pattern);
    free(answer);
    free(statement);
}

/* All of a dashboard; returns how many statements. */
static size_t check_figures(const json_t *dashboard)
{
    const char *name = text_at(dashboard, "uid");
    size_t count = 0, index, which;
    const json_t *panel, *target;
    choose_variables(dashboard);
    json_array_foreach(json_object_get(dashboard, "panels"), index, panel)
    {
        const long long id = json_integer_value(json_object_get(panel, "id"));
        json_array_foreach(json_object_get(panel, "targets"), which, target)
        {
            check_rows(name, id, target, expected_of(name, id));
            count++;
        }
    }
    json_array_foreach(json_object_get(json_object_get(dashboard, "annotations"), "list"), index,
                       panel)
        check_rows(name, -1, json_object_get(panel, "target"),
                   DAY "1" NOON "|aaaaaaaa\n" DAY "2" NOON "|bbbbbbbb\n" DAY "3" NOON "|cccccccc");
    return count;
}

LOOP_TEST(figures_are_those_that_were_pushed, 2)
{
    /* Breaks when a statement fails, with or without the columns that only some records have, or finds another figure, or
     * counts a control or a tree with changes as a commit. */
    glob_t files;
    size_t count = 0;
    start(_i == 1);
    ck_assert_int_eq(glob(FOLDER "dashboards/*.json", 0, NULL, &files), 0);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        json_t *dashboard = read_dashboard(files.gl_pathv[i]);
        count += check_figures(dashboard);
        forget_variables();
        json_decref(dashboard);
    }
    globfree(&files);
    ck_assert_uint_eq(count, sizeof expected / sizeof expected[0]);
}

/* --- alert rules ----------------------------------------------------------------------------- */

static const struct config_node *node_at(const struct config_node *node, const char *key)
{
    const struct config_node *found = config_node_get(node, key);
    ck_assert_msg(found != NULL, "line %u: no %s", node->mark.line, key);
    return found;
}

static const struct config_node *rules_of(struct config_node *root)
{
    struct err err = {.code = OK};
    ck_assert_msg(config_tree_read(root, ALERTS, "alert rules", &err) == OK, "%s", err.text);
    const struct config_node *groups = node_at(root, "groups");
    ck_assert_uint_eq(groups->count, 1);
    return node_at(&groups->children[0], "rules");
}

/* The rows for which the rule fires, by its threshold for the last column; the caller frees. */
static char *fires_for(const struct config_node *rule)
{
    const struct config_node *asked = NULL, *judged = NULL, *data = node_at(rule, "data");
    char *text = NULL, *rest = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    ck_assert_ptr_nonnull(out);
    asked = node_at(&data->children[0], "model");
    judged = node_at(node_at(&data->children[1], "model"), "conditions");
    judged = node_at(&judged->children[0], "evaluator");
    const double limit = strtod(node_at(judged, "params")->children[0].text, NULL);
    const bool below = strcmp(node_at(judged, "type")->text, "lt") == 0;
    char *answer = ask(node_at(asked, "rawSql")->text);
    rest = answer;
    for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
        const char *last = strrchr(line, '|');
        const double value = strtod(last != NULL ? last + 1 : line, NULL);
        if (below ? value < limit : value > limit)
            fprintf(out, "%s\n", line);
    }
    fclose(out);
    free(answer);
    return text;
}

TEST(rules_fire_for_what_has_become_worse)
{
    /* Breaks when a rule does not fire for a change beyond its threshold, fires for another configuration, or old results do
     * not count as old. */
    static const char *const firing[] = {"SET|cccccccc|bbbbbbbb|-25\n",
                                         "SET|cccccccc|bbbbbbbb|25\n", ""};
    struct config_node root;
    start(true);
    const struct config_node *rules = rules_of(&root);
    ck_assert_uint_eq(rules->count, 3);
    for (size_t i = 0; i < rules->count; i++) {
        char *text = fires_for(&rules->children[i]);
        ck_assert_str_eq(text, firing[i]);
        free(text);
    }
    free(postgres_ask(&base.server,
                      "UPDATE benchmark_metrics SET created_at = now() - interval '4 days'"));
    char *text = fires_for(&rules->children[2]);
    ck_assert(strncmp(text, "4.0", 3) == 0);
    free(text);
    config_tree_free(&root);
}

/* --- what Grafana needs ---------------------------------------------------------------------- */

/* The uid of the data source that is provisioned. */
static void check_source(const json_t *source)
{
    ck_assert_str_eq(text_at(source, "uid"), "volley-history");
    ck_assert_str_eq(text_at(source, "type"), "postgres");
}

static void check_panel(const json_t *panel)
{
    static const char *const places[] = {"x", "y", "w", "h"};
    size_t index;
    const json_t *target;
    ck_assert_str_ne(text_at(panel, "title"), "");
    const char *type = text_at(panel, "type");
    for (size_t i = 0; i < 4; i++)
        ck_assert(json_is_integer(json_object_get(json_object_get(panel, "gridPos"), places[i])));
    if (strcmp(type, "alertlist") == 0)
        return;
    check_source(json_object_get(panel, "datasource"));
    ck_assert_uint_gt(json_array_size(json_object_get(panel, "targets")), 0);
    json_array_foreach(json_object_get(panel, "targets"), index, target)
    {
        check_source(json_object_get(target, "datasource"));
        ck_assert_str_ne(text_at(target, "refId"), "");
        ck_assert_str_eq(text_at(target, "format"),
                         strcmp(type, "timeseries") == 0 ? "time_series" : "table");
        ck_assert(json_is_true(json_object_get(target, "rawQuery")));
    }
}

static void check_dashboard(const json_t *dashboard, json_t *seen)
{
    json_t *ids = json_object();
    char id[30];
    size_t index;
    const json_t *item;
    const char *uid = text_at(dashboard, "uid");
    ck_assert_uint_le(strlen(uid), 40);
    ck_assert_msg(json_object_get(seen, uid) == NULL, "%s comes twice", uid);
    json_object_set_new(seen, uid, json_true());
    ck_assert_str_ne(text_at(dashboard, "title"), "");
    ck_assert_int_ge(json_integer_value(json_object_get(dashboard, "schemaVersion")), 36);
    ck_assert_str_ne(text_at(json_object_get(dashboard, "time"), "from"), "");
    ck_assert_str_eq(text_at(json_object_get(dashboard, "time"), "to"), "now");
    json_array_foreach(json_object_get(dashboard, "panels"), index, item)
    {
        ck_assert(json_is_integer(json_object_get(item, "id")));
        snprintf(id, sizeof id, "%lld", json_integer_value(json_object_get(item, "id")));
        ck_assert_msg(json_object_get(ids, id) == NULL, "%s: panel %s comes twice", uid, id);
        json_object_set_new(ids, id, json_true());
        check_panel(item);
    }
    json_array_foreach(json_object_get(json_object_get(dashboard, "templating"), "list"), index,
                       item)
    {
        ck_assert_str_ne(text_at(item, "name"), "");
        if (strcmp(text_at(item, "type"), "query") == 0)
            check_source(json_object_get(item, "datasource"));
    }
    json_decref(ids);
}

static void check_rule(const struct config_node *rule, json_t *seen)
{
    const struct config_node *data = node_at(rule, "data");
    const char *uid = node_at(rule, "uid")->text;
    bool has_condition = false;
    ck_assert_msg(json_object_get(seen, uid) == NULL, "%s comes twice", uid);
    json_object_set_new(seen, uid, json_true());
    ck_assert_ptr_nonnull(node_at(rule, "title"));
    for (size_t i = 0; i < data->count; i++) {
        const struct config_node *one = &data->children[i], *model = node_at(one, "model");
        const char *name = node_at(one, "refId")->text,
                   *source = node_at(one, "datasourceUid")->text;
        ck_assert_str_eq(node_at(model, "refId")->text, name);
        ck_assert_str_eq(node_at(node_at(model, "datasource"), "uid")->text, source);
        ck_assert_str_eq(source, i == 0 ? "volley-history" : "__expr__");
        ck_assert_ptr_nonnull(node_at(one, "relativeTimeRange"));
        if (i > 0)
            ck_assert_str_eq(node_at(model, "expression")->text,
                             node_at(&data->children[0], "refId")->text);
        has_condition = has_condition || strcmp(name, node_at(rule, "condition")->text) == 0;
    }
    ck_assert_msg(has_condition, "%s: its condition is none of its data", uid);
}

/* Grafana replaces $variables in it, in statements and annotations alike; two signs are one. */
static void check_dollars(void)
{
    size_t bytes = 0;
    const int fd = open(ALERTS, O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    char *text = support_read_file(fd, &bytes);
    for (const char *at = text; (at = strchr(at, '$')) != NULL; at += 2)
        ck_assert_msg(at[1] == '$', "a single $: %.40s", at);
    free(text);
}

static void check_data_source(void)
{
    struct config_node root;
    struct err err = {.code = OK};
    ck_assert_int_eq(config_tree_read(&root, FOLDER "provisioning/datasources/volley.yaml",
                                      "data sources", &err),
                     OK);
    const struct config_node *source = &node_at(&root, "datasources")->children[0];
    ck_assert_str_eq(node_at(source, "uid")->text, "volley-history");
    ck_assert_str_eq(node_at(source, "type")->text, "postgres");
    ck_assert_str_eq(node_at(source, "url")->text, "$PGHOST:$PGPORT");
    ck_assert_str_eq(node_at(source, "user")->text, "$PGUSER");
    ck_assert_str_eq(node_at(node_at(source, "jsonData"), "database")->text, "$PGDATABASE");
    ck_assert_str_eq(node_at(node_at(source, "secureJsonData"), "password")->text, "$PGPASSWORD");
    config_tree_free(&root);
    ck_assert_int_eq(
        config_tree_read(&root, FOLDER "provisioning/dashboards/volley.yaml", "providers", &err),
        OK);
    source = &node_at(&root, "providers")->children[0];
    ck_assert_str_eq(node_at(source, "type")->text, "file");
    ck_assert_int_eq(node_at(node_at(source, "options"), "path")->text[0], '/');
    config_tree_free(&root);
}

TEST(files_have_what_grafana_needs)
{
    /* Breaks when a dashboard, a panel, a data source or a rule lacks a key that Grafana needs, names a data source that is not
     * there, or has the name of another one. */
    json_t *seen = json_object();
    struct config_node root;
    glob_t files;
    check_data_source();
    check_dollars();
    ck_assert_int_eq(glob(FOLDER "dashboards/*.json", 0, NULL, &files), 0);
    ck_assert_uint_eq(files.gl_pathc, 3);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        json_t *dashboard = read_dashboard(files.gl_pathv[i]);
        check_dashboard(dashboard, seen);
        json_decref(dashboard);
    }
    globfree(&files);
    const struct config_node *rules = rules_of(&root);
    for (size_t i = 0; i < rules->count; i++)
        check_rule(&rules->children[i], seen);
    config_tree_free(&root);
    json_decref(seen);
}

TEST_SUITE_WITH(grafana, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 120)
