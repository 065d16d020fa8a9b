#include "orchestrator/suite/suite_results.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/printable.h"
#include "orchestrator/machine/cpu_order.h"
#include "orchestrator/report/json_value.h"
#include "orchestrator/scenario/run_file.h"
#include "orchestrator/suite/suite_hear.h"

#define LRANGE_RECORDS 4u
#define RECORDS_MAX 32u /* of one run: LRANGE has four, writes and reads at once one each */
#define RUN_BYTES_MAX (256u << 20)

static bool is_lrange(const struct suite_command *command)
{
    return command->test != NULL && strcmp(command->test, "lrange") == 0;
}

/* "LRANGE_100 (first 100 elements)" and "SET": the word. A command without a test is called as the configuration does. */
static void name_of_test(char name[120], const struct suite_combination *combination,
                         const char *title)
{
    snprintf(name, 120, "%.*s", (int)strcspn(title, " "), title);
    if (!is_lrange(combination->command))
        snprintf(name, 120, "%s", combination->command->name);
}

/* For people: it may be worded anew without being another test. */
static void describe_scenario(json_t *record, const struct suite_combination *combination)
{
    const struct suite_case *one = combination->of;
    const struct {
        const char *key, *text;
    } texts[] = {{"test_name", combination->block->test_name},
                 {"group_description", one->group->description},
                 {"scenario_description", one->part->description != NULL
                                              ? one->part->description
                                              : one->scenario->description}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (texts[i].text != NULL)
            json_object_set_new(record, texts[i].key, json_value_text(texts[i].text));
    json_object_set_new(record, "status", json_string("success"));
}

static json_t *new_record(const struct measurement *measurement, const char *title)
{
    const struct suite_run *run = measurement->run;
    const struct suite_subject *subject = measurement->subject;
    json_t *record = json_object();
    json_t *configuration = suite_metrics_configuration(measurement->combination);
    char name[120], cpus[200];
    name_of_test(name, measurement->combination, title);
    json_object_set_new(record, "schema", json_string(SUITE_METRICS_SCHEMA));
    json_object_set_new(record, "timestamp", json_value_text(subject->timestamp));
    json_object_set_new(record, "commit", json_value_text(subject->commit));
    if (subject->reference[0] != '\0')
        json_object_set_new(record, "reference", json_value_text(subject->reference));
    json_object_set_new(record, "command", json_value_text(name));
    json_object_set_new(record, "suite_command",
                        json_value_text(measurement->combination->command->name));
    json_object_set_new(record, "run", json_value_count(measurement->number));
    json_object_set_new(record, "seed", json_value_count(measurement->seed));
    json_object_set_new(record, "suite_seed", json_value_count(run->seed));
    if (subject->source[0] != '\0')
        json_object_set_new(record, "source", json_value_text(subject->source));
    if (configuration != NULL)
        json_object_update(record, configuration);
    json_decref(configuration);
    if (measurement->combination->of != NULL)
        describe_scenario(record, measurement->combination);
    json_object_update(record, run->environment);
    json_object_set_new(record, "env_server_version",
                        json_value_known_text(true, subject->server_version));
    if (measurement->servers->cpu_count > 0)
        json_object_set_new(
            record, "env_server_cpus",
            json_string(cpu_order_list(cpus, sizeof cpus, measurement->servers->cpus,
                                       measurement->servers->cpu_count)));
    return record;
}

static enum err_code read_json(json_t **root, const char *path, struct err *err)
{
    FILE *file = NULL;
    uint64_t bytes = 0;
    json_error_t reason;
    enum err_code code = run_file_open(&file, &bytes, path, err);
    *root = NULL;
    if (code != OK)
        return code;
    if (bytes <= RUN_BYTES_MAX)
        *root = json_loadf(file, 0, &reason);
    (void)fclose(file);
    return *root != NULL ? OK : err_set(err, E_FAILED, "the figures of the run cannot be read");
}

/* Tags of the log are the names of the runs, without blanks and commas; the loop is closed. */
static void name_histogram(json_t *record, const struct measurement *measurement, const char *title)
{
    char tag[160];
    const char *const slash = strrchr(measurement->hdr_path, '/');
    if (slash == NULL)
        return;
    snprintf(tag, sizeof tag, "%.120s-service", title);
    for (char *at = tag; *at != '\0'; at++)
        if (*at == ' ' || *at == ',')
            *at = '_';
    json_object_set_new(record, "histogram", json_value_text(slash + 1));
    json_object_set_new(record, "histogram_tag", json_value_text(tag));
}

/* Of writes and reads at once, each by itself: "SET+GET: SET". */
static size_t collect_classes(json_t **records, size_t count, const struct measurement *measurement,
                              const json_t *run)
{
    size_t index;
    const json_t *one;
    char name[160];
    json_array_foreach(json_object_get(run, "classes"), index, one)
    {
        const char *title = json_string_value(json_object_get(one, "name"));
        if (title == NULL || count == RECORDS_MAX)
            continue;
        snprintf(name, sizeof name, "%.80s: %.60s", measurement->combination->command->name, title);
        records[count] = new_record(measurement, title);
        json_object_set_new(records[count], "command", json_value_text(name));
        suite_record_of_class(records[count++], run, one);
    }
    return count;
}

static bool is_part(const struct suite_case *of)
{
    return of != NULL && of->part != of->scenario;
}

static size_t collect_volley(json_t **records, const struct measurement *measurement,
                             struct err *err)
{
    json_t *root = NULL;
    size_t count = 0, index;
    const json_t *one;
    if (read_json(&root, measurement->json_path, err) != OK)
        return 0;
    json_array_foreach(json_object_get(root, "runs"), index, one)
    {
        const char *title = json_string_value(json_object_get(one, "name"));
        if (json_is_true(json_object_get(one, "prefill")) || title == NULL || count == RECORDS_MAX)
            continue;
        records[count] = new_record(measurement, title);
        if (is_part(measurement->combination->of))
            suite_record_of_part(records[count], one);
        else
            suite_record_of_run(records[count], one);
        name_histogram(records[count++], measurement, title);
        if (measurement->combination->command->mix != NULL)
            count = collect_classes(records, count, measurement, one);
    }
    json_decref(root);
    return count;
}

/* A tool says which test a row is of. */
static bool is_of(const struct suite_command *command, const char *title)
{
    const size_t bytes = strlen(command->name);
    return strncasecmp(title, command->name, bytes) == 0 &&
           (title[bytes] == '\0' || strchr(" _", title[bytes]) != NULL);
}

static size_t collect_csv(json_t **records, const struct measurement *measurement)
{
    char *text = calloc(1, SUITE_OUTPUT_KEPT_BYTES);
    struct suite_csv_row row;
    size_t count = 0;
    const off_t size = lseek(measurement->output_fd, 0, SEEK_END);
    const off_t from =
        size >= (off_t)SUITE_OUTPUT_KEPT_BYTES ? size - (off_t)SUITE_OUTPUT_KEPT_BYTES + 1 : 0;
    const ssize_t bytes =
        text != NULL ? pread(measurement->output_fd, text, SUITE_OUTPUT_KEPT_BYTES - 1, from) : 0;
    const size_t most = is_lrange(measurement->combination->command) ? LRANGE_RECORDS : 1;
    char *rest = NULL;
    for (ssize_t i = 0; i < bytes; i++)
        if (text[i] == '\0')
            text[i] = '\n';
    for (char *line = bytes > 0 ? strtok_r(text, "\r\n", &rest) : NULL; line != NULL;
         line = strtok_r(NULL, "\r\n", &rest)) {
        if (!suite_csv_parse(&row, line) || strstr(row.test, "needed to benchmark") != NULL ||
            !is_of(measurement->combination->command, row.test) || count == most)
            continue;
        json_t *record = new_record(measurement, row.test);
        suite_record_of_csv(record, &row);
        records[count++] = record;
    }
    free(text);
    return count;
}

/* Reads that found nothing are not what was to be measured. */
static void tell_misses(const struct measurement *measurement, const json_t *record)
{
    const struct suite_case *one = measurement->combination->of;
    const double misses = json_number_value(json_object_get(record, "misses"));
    const double ok = json_number_value(json_object_get(record, "requests_ok"));
    if (misses > 0.01 * ok && ok > 0)
        suite_log_line(&measurement->subject->log, LOG_WARNING,
                       "%s%s%s: %.1f %% of the replies were empty: there was nothing left to read",
                       one != NULL ? one->test_id : "", one != NULL ? " " : "",
                       measurement->combination->command->name, 100 * misses / ok);
}

enum err_code suite_results_keep(const struct measurement *measurement, struct err *err)
{
    json_t *records[RECORDS_MAX];
    const struct suite_tool *tool = measurement->run->tool;
    struct suite_subject *subject = measurement->subject;
    const struct suite_case *one = measurement->combination->of;
    const size_t count = tool->is_volley ? collect_volley(records, measurement, err)
                                         : collect_csv(records, measurement);
    if (count == 0)
        return err_set(err, E_FAILED, "%s printed no figures", PRINTABLE(tool->path));
    for (size_t i = 0; i < count; i++) {
        const char *verdict = json_string_value(json_object_get(records[i], "verdict"));
        tell_misses(measurement, records[i]);
        suite_hear_record(measurement, records[i]);
        suite_log_line(&subject->log, LOG_INFO,
                       "%s%s%s: %.2f requests per second, p50 %.3f ms, p99 %.3f ms%s%s",
                       one != NULL ? one->test_id : "", one != NULL ? " " : "",
                       json_string_value(json_object_get(records[i], "command")),
                       json_number_value(json_object_get(records[i], "rps")),
                       json_number_value(json_object_get(records[i], "p50_latency_ms")),
                       json_number_value(json_object_get(records[i], "p99_latency_ms")),
                       verdict != NULL ? ", " : "", verdict != NULL ? verdict : "");
    }
    return suite_metrics_add(&subject->metrics, records, count, err);
}

bool suite_results_are_there(const struct suite_run *run, const struct suite_subject *subject,
                             size_t index, uint64_t number)
{
    return run->resume && suite_metrics_has(&subject->metrics, &run->plan->items[index], number,
                                            run->tool->version);
}

enum err_code suite_results_keep_failure(const struct measurement *common, size_t first, size_t end,
                                         const char *reason, struct err *err)
{
    json_t *records[RECORDS_MAX];
    const struct suite_plan *plan = common->run->plan;
    size_t count = 0;
    for (size_t i = first; i < end && count < RECORDS_MAX; i++) {
        struct measurement measurement = *common;
        measurement.combination = &plan->items[i];
        if (suite_results_are_there(common->run, common->subject, i, common->number))
            continue;
        suite_hear_failure(&measurement, reason);
        if (plan->items[i].of == NULL)
            continue;
        json_t *record = new_record(&measurement, plan->items[i].command->name);
        json_object_del(record, "seed"); /* which it may not have come to */
        json_object_set_new(record, "status", json_string("failed"));
        json_object_set_new(record, "error", json_value_text(reason));
        records[count++] = record;
    }
    return count > 0 ? suite_metrics_add(&common->subject->metrics, records, count, err) : OK;
}
