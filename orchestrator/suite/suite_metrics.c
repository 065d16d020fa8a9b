#include "orchestrator/suite/suite_metrics.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/printable.h"
#include "orchestrator/report/json_value.h"
#include "orchestrator/report/output.h"
#include "orchestrator/report/shell_word.h"
#include "orchestrator/scenario/run_file.h"
#include "orchestrator/suite/record_set.h"

#define KEPT_ASIDE_MAX 1000u
#define CHANGES_MAX 10u /* while records are added */
/* Of a verdict: together they are less than what compare reads of a key. */
#define REASONS_MAX 8u
#define REASON_BYTES 400u

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

/* With the option of this variant. */
static void set_words(json_t *object, const char *key, const char *const *words)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    if (out == NULL)
        return;
    for (size_t i = 0; words[i] != NULL; i++) {
        char word[600];
        shell_word(word, sizeof word, words[i]);
        fprintf(out, "%s%s", i > 0 ? " " : "", word);
    }
    (void)fclose(out);
    set_text(object, key, text);
    free(text);
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
    if (one->words != NULL)
        set_words(object, "command_line", one->words);
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
    if (combination->buffer != NULL)
        json_object_set_new(object, "buffer", json_value_text(combination->buffer));
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
                                       "buffer",
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
                                const char *then, struct err *err)
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
        snprintf(text, sizeof text, "%s: %s; it is kept as %s, and %s", metrics->path, why, aside,
                 then);
        metrics->tell(metrics->state, text);
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

/* What is too much for compare is not damaged: it stays as it is. */
static enum err_code too_large(const struct suite_metrics *metrics, unsigned most, const char *unit,
                               const char *with, struct err *err)
{
    return err_set(err, E_USAGE,
                   "%.200s has more than %u %s%s, the most that is written or compared: move it "
                   "away, or take another --results-dir",
                   PRINTABLE(metrics->path), most, unit, with);
}

/* *why: what is wrong with it, "" when nothing is. */
static enum err_code parse(const struct suite_metrics *metrics, json_t **records, char why[300],
                           FILE *file, uint64_t file_bytes, struct err *err)
{
    json_error_t reason;
    why[0] = '\0';
    *records = NULL;
    if (file_bytes > RECORD_FILE_BYTES_MAX)
        return too_large(metrics, RECORD_FILE_BYTES_MAX >> 20, "MB", "", err);
    *records = json_loadf(file, JSON_REJECT_DUPLICATES, &reason);
    if (*records == NULL && json_error_code(&reason) == json_error_out_of_memory)
        return err_set(err, E_SYSTEM, "no memory for %.250s", PRINTABLE(metrics->path));
    if (*records == NULL)
        snprintf(why, 300, "no JSON (line %d, column %d: %.200s)", reason.line, reason.column,
                 PRINTABLE(reason.text));
    else if (!is_list_of_records(*records)) {
        snprintf(why, 300, "no list of records");
        json_decref(*records);
        *records = NULL;
    } else if (json_array_size(*records) > RECORDS_MAX)
        return too_large(metrics, RECORDS_MAX, "records", "", err);
    return OK;
}

/* Takes over what the file holds. One that is gone or damaged leaves what is in memory; damaged, it is kept aside, unless `then`,
 * what is told of that, is NULL. */
static enum err_code read_file(struct suite_metrics *metrics, const char *then, struct err *err)
{
    FILE *file = NULL;
    uint64_t file_bytes = 0;
    char why[300] = "";
    json_t *records = NULL;
    size_t index;
    const json_t *record;
    struct err reason = {.code = OK};
    enum err_code code = OK;
    metrics->left = (struct stat){.st_ino = 0};
    if (access(metrics->path, F_OK) == 0 &&
        run_file_open(&file, &file_bytes, metrics->path, &reason) != OK)
        code = err_set(err, E_USAGE, "%s", reason.text);
    if (file != NULL) {
        if (fstat(fileno(file), &metrics->left) != 0)
            metrics->left.st_ino = 0;
        code = parse(metrics, &records, why, file, file_bytes, err);
        (void)fclose(file);
    }
    if (code == OK && why[0] != '\0' && then != NULL) {
        metrics->left.st_ino = 0;
        code = keep_aside(metrics, why, then, err);
    }
    if (code != OK || records == NULL) {
        json_decref(records);
        return code;
    }
    json_decref(metrics->records);
    metrics->records = records;
    json_object_clear(metrics->measured);
    json_array_foreach(records, index, record) remember(metrics, record);
    return OK;
}

static enum err_code begin(struct suite_metrics *metrics, const char *directory, suite_tell *tell,
                           void *state, struct err *err)
{
    *metrics = (struct suite_metrics){
        .records = json_array(), .measured = json_object(), .tell = tell, .state = state};
    if ((size_t)snprintf(metrics->path, sizeof metrics->path, "%s/metrics.json", directory) >=
        sizeof metrics->path)
        return err_set(err, E_USAGE, "the path is too long: %.100s...", PRINTABLE(directory));
    if (metrics->records == NULL || metrics->measured == NULL)
        return err_set(err, E_SYSTEM, "no memory for %.250s", PRINTABLE(metrics->path));
    return OK;
}

enum err_code suite_metrics_open(struct suite_metrics *metrics, const char *directory,
                                 suite_tell *tell, void *state, struct err *err)
{
    const enum err_code code = begin(metrics, directory, tell, state, err);
    return code == OK ? read_file(metrics, "a new one is begun", err) : code;
}

enum err_code suite_metrics_look(struct suite_metrics *metrics, const char *directory,
                                 suite_tell *tell, void *state, struct err *err)
{
    const enum err_code code = begin(metrics, directory, tell, state, err);
    return code == OK && directory[0] != '\0' ? read_file(metrics, NULL, err) : code;
}

enum err_code suite_metrics_check_room(const struct suite_metrics *metrics, uint64_t count,
                                       struct err *err)
{
    const uint64_t all = json_array_size(metrics->records) + count;
    return all <= RECORDS_MAX
               ? OK
               : too_large(metrics, RECORDS_MAX, "records", " with those that are planned", err);
}

void suite_metrics_close(struct suite_metrics *metrics)
{
    json_decref(metrics->records);
    json_decref(metrics->measured);
    *metrics = (struct suite_metrics){.records = NULL};
}

/* --- what is added --------------------------------------------------------------------------- */

static bool is_same_file(const struct stat *one, const struct stat *other)
{
    return one->st_dev == other->st_dev && one->st_ino == other->st_ino &&
           one->st_size == other->st_size && one->st_mtim.tv_sec == other->st_mtim.tv_sec &&
           one->st_mtim.tv_nsec == other->st_mtim.tv_nsec;
}

static bool is_as_left(const struct suite_metrics *metrics)
{
    struct stat now;
    return stat(metrics->path, &now) == 0 ? is_same_file(&now, &metrics->left)
                                          : metrics->left.st_ino == 0;
}

/* Somebody has edited, replaced or removed the file since it was read or written. */
static enum err_code read_again(struct suite_metrics *metrics, struct err *err)
{
    static const char again[] = "the records that this suite has in memory are written again";
    char text[PATH_MAX + 200];
    const bool is_there = access(metrics->path, F_OK) == 0;
    const enum err_code code = read_file(metrics, again, err);
    if (code == OK && (!is_there || metrics->left.st_ino != 0)) {
        snprintf(text, sizeof text, "%s was %s while the suite ran: %s", metrics->path,
                 is_there ? "changed" : "removed",
                 is_there ? "records are added to what it holds now" : again);
        metrics->tell(metrics->state, text);
    }
    return code;
}

/* Of the list as it is now; output is whole, and has no name yet. */
static enum err_code write_beside(struct output *output, struct stat *written,
                                  const struct suite_metrics *metrics, struct err *err)
{
    enum err_code code = output_create(output, metrics->path, OUTPUT_OWN, err);
    if (code == OK && !json_value_write(output, metrics->records, JSON_INDENT(2)))
        code = err_set(err, E_SYSTEM, "no memory for %s", PRINTABLE(metrics->path));
    if (code == OK)
        output_printf(output, "\n");
    if (code == OK)
        code = output_status(output, err);
    if (code == OK && fstat(fileno(output->file), written) != 0)
        code = err_set_errno(err, E_SYSTEM, errno, "cannot write %.250s", PRINTABLE(metrics->path));
    if (code == OK && written->st_size > (off_t)RECORD_FILE_BYTES_MAX)
        code =
            too_large(metrics, RECORD_FILE_BYTES_MAX >> 20, "MB", " with those of this run", err);
    return code == OK ? output_close(output, err) : code;
}

/* What is at a mount point is written in place, and remains the file that it was. */
static void note_left(struct suite_metrics *metrics, const struct output *output,
                      const struct stat *written)
{
    struct stat now;
    metrics->left = *written;
    if (output->entry.exists && stat(metrics->path, &now) == 0 &&
        now.st_ino == output->entry.there.st_ino && now.st_dev == output->entry.there.st_dev)
        metrics->left = now;
}

/* Once; *changed: not at all, since the file was changed meanwhile. */
static enum err_code add_once(struct suite_metrics *metrics, json_t *const *records, size_t count,
                              bool *changed, struct err *err)
{
    struct output output = {.file = NULL};
    struct stat written;
    enum err_code code = is_as_left(metrics) ? OK : read_again(metrics, err);
    const size_t before = json_array_size(metrics->records);
    if (code == OK && before + count > RECORDS_MAX)
        code = too_large(metrics, RECORDS_MAX, "records", " with those of this run", err);
    for (size_t i = 0; i < count && code == OK; i++)
        if (json_array_append(metrics->records, records[i]) != 0)
            code = err_set(err, E_SYSTEM, "no memory for a record");
    if (code == OK)
        code = write_beside(&output, &written, metrics, err);
    *changed = code == OK && !is_as_left(metrics);
    if (code == OK && !*changed)
        code = output_commit(&output, err);
    if (code == OK && !*changed) {
        note_left(metrics, &output, &written);
        for (size_t i = 0; i < count; i++)
            remember(metrics, records[i]);
    } else
        while (json_array_size(metrics->records) > before)
            (void)json_array_remove(metrics->records, json_array_size(metrics->records) - 1);
    output_discard(&output);
    return code;
}

enum err_code suite_metrics_add(struct suite_metrics *metrics, json_t *const *records, size_t count,
                                struct err *err)
{
    bool changed = true;
    enum err_code code = OK;
    for (unsigned i = 0; i < CHANGES_MAX && changed && code == OK; i++)
        code = add_once(metrics, records, count, &changed, err);
    for (size_t i = 0; i < count; i++)
        json_decref(records[i]);
    return code == OK && changed
               ? err_set(err, E_SYSTEM, "%.250s is changed again and again while it is written",
                         PRINTABLE(metrics->path))
               : code;
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

static const char *text_in(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

/* "RED steal_time: 12 % of ...": the checks that are not GREEN, the worst first; [] where all are. */
static json_t *reasons_of(const json_t *verdict)
{
    json_t *reasons = json_array();
    char text[REASON_BYTES];
    size_t index, left_out = 0;
    const json_t *check;
    for (int level = VERDICT_RED; level > VERDICT_GREEN; level--)
        json_array_foreach(json_object_get(verdict, "checks"), index, check)
        {
            const char *name = verdict_level_name((enum verdict_level)level);
            if (strcmp(text_in(check, "level"), name) != 0)
                continue;
            snprintf(text, sizeof text, "%s %.60s: %.300s", name, text_in(check, "name"),
                     text_in(check, "text"));
            if (json_array_size(reasons) < REASONS_MAX)
                json_array_append_new(reasons, json_value_text(text));
            else
                left_out++;
        }
    snprintf(text, sizeof text, "and %zu more", left_out);
    if (left_out > 0)
        json_array_append_new(reasons, json_value_text(text));
    return reasons;
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

/* Of the server's processes, over all commands that they executed meanwhile: the warm-up is in both. */
static json_t *cpu_per_request(const json_t *server)
{
    const json_t *seconds = json_object_get(server, "cpu_seconds");
    const double commands = json_number_value(json_object_get(server, "commands"));
    return json_is_number(seconds) && commands > 0
               ? json_real(1e6 * json_number_value(seconds) / commands)
               : json_null();
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
    json_object_set_new(record, "verdict_reasons", reasons_of(verdict));
    json_object_set_new(record, "server_cpu_us_per_request",
                        cpu_per_request(json_object_get(run, "server")));
    copy(record, "used_memory_bytes", json_object_get(run, "server"), "used_memory_bytes");
    json_object_set_new(record, "steal_percent", check_value(verdict, "steal_time"));
}

/* The loads beside one are the scenario's own: what a part has against them is nothing against it. */
void suite_record_of_part(json_t *record, const json_t *run)
{
    json_t *verdict = json_deep_copy(json_object_get(run, "verdict"));
    json_t *checks = json_object_get(verdict, "checks");
    int worst = VERDICT_GREEN;
    suite_record_of_run(record, run);
    for (size_t i = json_array_size(checks); i > 0; i--) {
        const json_t *check = json_array_get(checks, i - 1);
        if (strcmp(text_in(check, "name"), "other_load") == 0) {
            json_array_remove(checks, i - 1);
            continue;
        }
        for (int level = worst + 1; level <= VERDICT_RED; level++)
            if (strcmp(text_in(check, "level"), verdict_level_name((enum verdict_level)level)) == 0)
                worst = level;
    }
    if (json_is_array(checks)) {
        json_object_set_new(record, "verdict",
                            json_string(verdict_level_name((enum verdict_level)worst)));
        json_object_set_new(record, "verdict_reasons", reasons_of(verdict));
    }
    json_object_set_new(record, "server_cpu_us_per_request",
                        json_null()); /* nobody knows its part */
    json_decref(verdict);
}

void suite_record_of_class(json_t *record, const json_t *run, const json_t *one)
{
    const json_t *requests = json_object_get(one, "requests");
    const double seconds = json_number_value(json_object_get(run, "seconds"));
    const double ok = json_number_value(json_object_get(requests, "ok"));
    suite_record_of_run(record, run);
    json_object_set_new(record, "server_cpu_us_per_request",
                        json_null()); /* nobody knows its part */
    json_object_set_new(record, "rps", seconds > 0 ? json_real(ok / seconds) : json_null());
    set_times(record, json_object_get(one, "response_time_us"));
    copy(record, "requests_ok", requests, "ok");
    copy(record, "errors", requests, "errors");
    copy(record, "misses", requests, "misses");
}
