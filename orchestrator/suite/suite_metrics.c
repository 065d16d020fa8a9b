#include "orchestrator/suite/suite_metrics.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/printable.h"
#include "orchestrator/report/json_value.h"
#include "orchestrator/report/output.h"
#include "orchestrator/scenario/run_file.h"

#define FILE_BYTES_MAX (256u << 20)
#define KEPT_ASIDE_MAX 1000u

/* --- what a record is about ------------------------------------------------------------------ */

static json_t *settings_of(const struct server_settings *settings)
{
    json_t *object = json_object();
    for (size_t i = 0; i < settings->count; i++)
        json_object_set_new(object, settings->items[i].place.node->key,
                            json_value_text(settings->items[i].value));
    return object;
}

static json_t *list_of(const struct suite_words *words)
{
    json_t *list = json_array();
    for (size_t i = 0; i < words->count; i++)
        json_array_append_new(list, json_value_text(words->items[i].text));
    return list;
}

static void set_text(json_t *object, const char *key, const char *text)
{
    if (text != NULL)
        json_object_set_new(object, key, json_value_text(text));
}

static void describe_case(json_t *object, const struct suite_combination *combination)
{
    const struct suite_case *one = combination->of;
    set_text(object, "test_id", one->test_id);
    set_text(object, "test_phase", one->phase);
    set_text(object, "group", one->group->name);
    set_text(object, "scenario", one->scenario->id);
    set_text(object, "dataset", one->part->dataset);
    if (one->part->maxdocs > 0)
        json_object_set_new(object, "maxdocs", json_value_count(one->part->maxdocs));
    if (one->part->command != NULL)
        set_text(object, "command_line", one->part->command);
    set_text(object, "populate_with", one->scenario->populate_with);
    if (one->scenario->setup_commands.count > 0)
        json_object_set_new(object, "setup_commands", list_of(&one->scenario->setup_commands));
    if (one->part->benchmark_args.count + one->scenario->benchmark_args.count > 0)
        json_object_set_new(object, "benchmark_args",
                            list_of(one->part->benchmark_args.count > 0
                                        ? &one->part->benchmark_args
                                        : &one->scenario->benchmark_args));
    if (one->part->sequential || one->scenario->sequential)
        json_object_set_new(object, "sequential", json_true());
}

json_t *suite_metrics_configuration(const struct suite_combination *combination)
{
    const struct suite_block *block = combination->block;
    json_t *object = json_object();
    const bool requests = combination->requests > 0;
    json_object_set_new(object, "data_size", json_value_count(combination->data_bytes));
    json_object_set_new(object, "pipeline", json_value_count(combination->pipeline));
    json_object_set_new(object, "clients", json_value_count(combination->clients));
    if (combination->keyspace > 0)
        json_object_set_new(object, "keyspacelen", json_value_count(combination->keyspace));
    json_object_set_new(object, "benchmark_mode", json_string(requests ? "requests" : "duration"));
    if (requests)
        json_object_set_new(object, "requests", json_value_count(combination->requests));
    else
        json_object_set_new(object, "duration", json_value_count(combination->duration_seconds));
    json_object_set_new(object, "warmup", json_value_count(combination->warmup_seconds));
    if (combination->io_threads > 0)
        json_object_set_new(object, "io_threads", json_value_count(combination->io_threads));
    if (block->benchmark_threads > 0)
        json_object_set_new(object, "valkey_benchmark_threads",
                            json_value_count(block->benchmark_threads));
    json_object_set_new(object, "cluster_mode", json_boolean(block->cluster));
    if (block->cluster_nodes > 1)
        json_object_set_new(object, "cluster_nodes", json_value_count(block->cluster_nodes));
    json_object_set_new(object, "tls", json_boolean(block->tls));
    if (block->settings.count > 0)
        json_object_set_new(object, "server_settings", settings_of(&block->settings));
    if (block->server_file != NULL)
        json_object_set_new(object, "server_config_file", json_value_text(block->server_file));
    if (combination->config_set != SIZE_MAX)
        json_object_set_new(object, "config_set",
                            settings_of(&block->config_sets[combination->config_set]));
    if (block->setup_commands.count > 0)
        json_object_set_new(object, "setup_commands", list_of(&block->setup_commands));
    if (block->server_range != NULL)
        json_object_set_new(object, "server_cpu_range", json_value_text(block->server_range));
    if (block->client_range != NULL)
        json_object_set_new(object, "client_cpu_range", json_value_text(block->client_range));
    if (combination->of != NULL)
        describe_case(object, combination);
    if (block->group != NULL)
        json_object_set_new(object, "group", json_value_text(block->group));
    if (block->scenario != NULL)
        json_object_set_new(object, "scenario", json_value_text(block->scenario));
    return object;
}

/* The keys by which runs are told apart, as one text; command: as the configuration names it. Freed by the caller. */
static char *key_of(const json_t *record, const char *command, uint64_t run, const char *tool)
{
    static const char *const keys[] = {"data_size",
                                       "pipeline",
                                       "clients",
                                       "keyspacelen",
                                       "benchmark_mode",
                                       "requests",
                                       "duration",
                                       "warmup",
                                       "io_threads",
                                       "cluster_nodes",
                                       "cluster_mode",
                                       "valkey_benchmark_threads",
                                       "tls",
                                       "server_settings",
                                       "config_set",
                                       "server_config_file",
                                       "group",
                                       "scenario",
                                       "test_id",
                                       "dataset",
                                       "maxdocs",
                                       "command_line",
                                       "populate_with",
                                       "benchmark_args",
                                       "sequential",
                                       "setup_commands",
                                       "server_cpu_range",
                                       "client_cpu_range"};
    json_t *object = json_object();
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (json_object_get(record, keys[i]) != NULL)
            json_object_set(object, keys[i], json_object_get(record, keys[i]));
    json_object_set_new(object, "command", json_value_text(command));
    json_object_set_new(object, "run", json_value_count(run));
    json_object_set_new(object, "env_tool", json_value_text(tool));
    char *text = json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(object);
    return text;
}

/* Of records of volley's own: which command of a configuration it was (LRANGE has four records), and which run. */
static void remember(struct suite_metrics *metrics, const json_t *record)
{
    const char *wanted = json_string_value(json_object_get(record, "suite_command"));
    const json_t *run = json_object_get(record, "run");
    const char *tool = json_string_value(json_object_get(record, "env_tool"));
    const char *status = json_string_value(json_object_get(record, "status"));
    const bool failed = status != NULL && strcmp(status, "failed") == 0;
    char *key = !failed && wanted != NULL && json_is_integer(run) && tool != NULL
                    ? key_of(record, wanted, (uint64_t)json_integer_value(run), tool)
                    : NULL;
    if (key != NULL)
        json_object_set_new(metrics->measured, key, json_true());
    free(key);
}

bool suite_metrics_has(const struct suite_metrics *metrics,
                       const struct suite_combination *combination, uint64_t run, const char *tool)
{
    json_t *configuration = suite_metrics_configuration(combination);
    char *key = key_of(configuration, combination->command->name, run, tool);
    const bool has = key != NULL && json_object_get(metrics->measured, key) != NULL;
    free(key);
    json_decref(configuration);
    return has;
}

/* --- the file -------------------------------------------------------------------------------- */

static enum err_code keep_aside(const struct suite_metrics *metrics, const char *why,
                                suite_tell *tell, void *state, struct err *err)
{
    char aside[PATH_MAX + 24], text[2 * PATH_MAX + 400];
    for (unsigned i = 1; i <= KEPT_ASIDE_MAX; i++) {
        snprintf(aside, sizeof aside, "%s.damaged-%u", metrics->path, i);
        if (link(metrics->path, aside) != 0) {
            if (errno == EEXIST)
                continue;
            return err_set_errno(err, E_SYSTEM, errno,
                                 "%.200s is damaged, and cannot be kept as %.200s",
                                 PRINTABLE(metrics->path), PRINTABLE(aside));
        }
        (void)unlink(metrics->path);
        snprintf(text, sizeof text, "%s: %s; it is kept as %s, and a new one is begun",
                 metrics->path, why, aside);
        tell(state, text);
        return OK;
    }
    return err_set(err, E_SYSTEM, "%.200s is damaged, as %u before it are: remove some",
                   PRINTABLE(metrics->path), KEPT_ASIDE_MAX);
}

static bool is_list_of_records(const json_t *list)
{
    size_t index;
    const json_t *record;
    json_array_foreach(list, index, record)
    {
        if (!json_is_object(record))
            return false;
    }
    return json_is_array(list);
}

/* *why: what is wrong with it, "" when nothing is. */
static void parse(json_t **records, char why[300], FILE *file, uint64_t file_bytes)
{
    json_error_t reason;
    why[0] = '\0';
    *records =
        file_bytes <= FILE_BYTES_MAX ? json_loadf(file, JSON_REJECT_DUPLICATES, &reason) : NULL;
    if (file_bytes > FILE_BYTES_MAX)
        snprintf(why, 300, "more than %u MB", FILE_BYTES_MAX >> 20);
    else if (*records == NULL)
        snprintf(why, 300, "no JSON (line %d, column %d: %.200s)", reason.line, reason.column,
                 PRINTABLE(reason.text));
    else if (!is_list_of_records(*records)) {
        snprintf(why, 300, "no list of records");
        json_decref(*records);
        *records = NULL;
    }
}

enum err_code suite_metrics_open(struct suite_metrics *metrics, const char *directory,
                                 suite_tell *tell, void *state, struct err *err)
{
    FILE *file = NULL;
    uint64_t file_bytes = 0;
    char why[300] = "";
    size_t index;
    json_t *record;
    enum err_code code = OK;
    *metrics = (struct suite_metrics){.measured = json_object()};
    if ((size_t)snprintf(metrics->path, sizeof metrics->path, "%s/metrics.json", directory) >=
        sizeof metrics->path)
        return err_set(err, E_USAGE, "the path is too long: %.100s...", PRINTABLE(directory));
    if (access(metrics->path, F_OK) == 0)
        code = run_file_open(&file, &file_bytes, metrics->path, err);
    if (file != NULL) {
        parse(&metrics->records, why, file, file_bytes);
        (void)fclose(file);
    }
    if (code == OK && why[0] != '\0')
        code = keep_aside(metrics, why, tell, state, err);
    if (code == OK && metrics->records == NULL)
        metrics->records = json_array();
    if (code == OK && (metrics->records == NULL || metrics->measured == NULL))
        code = err_set(err, E_SYSTEM, "no memory for %s", PRINTABLE(metrics->path));
    json_array_foreach(metrics->records, index, record) remember(metrics, record);
    return code;
}

void suite_metrics_close(struct suite_metrics *metrics)
{
    json_decref(metrics->records);
    json_decref(metrics->measured);
    *metrics = (struct suite_metrics){.records = NULL};
}

enum err_code suite_metrics_add(struct suite_metrics *metrics, json_t *const *records, size_t count,
                                struct err *err)
{
    struct output output = {.file = NULL};
    bool added = true;
    for (size_t i = 0; i < count; i++) {
        added = json_array_append_new(metrics->records, records[i]) == 0 && added;
        remember(metrics, records[i]);
    }
    enum err_code code = added ? output_create(&output, metrics->path, OUTPUT_OWN, err)
                               : err_set(err, E_SYSTEM, "no memory for a record");
    if (code == OK && !json_value_write(&output, metrics->records, JSON_INDENT(2)))
        code = err_set(err, E_SYSTEM, "no memory for %s", PRINTABLE(metrics->path));
    if (code == OK)
        output_printf(&output, "\n");
    if (code == OK)
        code = output_commit(&output, err);
    output_discard(&output);
    return code;
}

/* --- figures --------------------------------------------------------------------------------- */

static void set_real(json_t *record, const char *key, double value)
{
    json_object_set_new(record, key, json_real(value));
}

void suite_record_of_csv(json_t *record, const struct suite_csv_row *row)
{
    set_real(record, "rps", row->rps);
    set_real(record, "avg_latency_ms", row->avg_ms);
    set_real(record, "min_latency_ms", row->min_ms);
    set_real(record, "p50_latency_ms", row->p50_ms);
    set_real(record, "p95_latency_ms", row->p95_ms);
    set_real(record, "p99_latency_ms", row->p99_ms);
    set_real(record, "max_latency_ms", row->max_ms);
}

static void copy(json_t *record, const char *key, const json_t *object, const char *from)
{
    json_t *value = json_object_get(object, from);
    if (value != NULL)
        json_object_set(record, key, value);
}

static json_t *check_value(const json_t *verdict, const char *name)
{
    size_t index;
    const json_t *check;
    json_array_foreach(json_object_get(verdict, "checks"), index, check)
    {
        const char *found = json_string_value(json_object_get(check, "name"));
        if (found != NULL && strcmp(found, name) == 0)
            return json_incref(json_object_get(check, "value"));
    }
    return NULL;
}

static void set_times(json_t *record, const json_t *response)
{
    static const struct {
        const char *key, *from;
    } times[] = {{"avg_latency_ms", "mean"},      {"min_latency_ms", "min"},
                 {"p50_latency_ms", "p50"},       {"p95_latency_ms", "p95"},
                 {"p99_latency_ms", "p99"},       {"p99_9_latency_ms", "p99_9"},
                 {"p99_99_latency_ms", "p99_99"}, {"max_latency_ms", "max"}};
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        const json_t *value = json_object_get(response, times[i].from);
        json_object_set_new(record, times[i].key,
                            json_is_number(value) ? json_real(json_number_value(value) / 1e3)
                                                  : json_null());
    }
}

void suite_record_of_run(json_t *record, const json_t *run)
{
    const json_t *requests = json_object_get(run, "requests");
    const json_t *verdict = json_object_get(run, "verdict");
    copy(record, "rps", json_object_get(run, "rate"), "achieved");
    set_times(record, json_object_get(run, "response_time_us"));
    copy(record, "seconds", run, "seconds");
    copy(record, "started", run, "started");
    copy(record, "requests_ok", requests, "ok");
    copy(record, "errors", requests, "errors");
    copy(record, "misses", requests, "misses");
    copy(record, "verdict", verdict, "level");
    json_object_set_new(record, "steal_percent", check_value(verdict, "steal_time"));
}

void suite_record_of_class(json_t *record, const json_t *run, const json_t *one)
{
    const json_t *requests = json_object_get(one, "requests");
    const double seconds = json_number_value(json_object_get(run, "seconds"));
    const double ok = json_number_value(json_object_get(requests, "ok"));
    suite_record_of_run(record, run);
    json_object_set_new(record, "rps", seconds > 0 ? json_real(ok / seconds) : json_null());
    set_times(record, json_object_get(one, "response_time_us"));
    copy(record, "requests_ok", requests, "ok");
    copy(record, "errors", requests, "errors");
    copy(record, "misses", requests, "misses");
}
