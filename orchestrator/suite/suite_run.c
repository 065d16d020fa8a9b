#include "orchestrator/suite/suite_run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/printable.h"
#include "common/rng.h"
#include "common/transport_tls.h"
#include "orchestrator/machine/cpu_order.h"
#include "orchestrator/report/json_value.h"
#include "orchestrator/scenario/run_file.h"
#include "orchestrator/suite/suite_leftovers.h"
#include "orchestrator/suite/suite_load.h"
#include "orchestrator/suite/suite_measurement.h"

#define LRANGE_RECORDS 4u
#define RECORDS_MAX 32u /* of one run: LRANGE has four, writes and reads at once one each */
#define RUN_BYTES_MAX (256u << 20)
#define CERTIFICATES_NS (90ull * 24 * 3600 * NS_PER_SECOND)

/* --- before and after ------------------------------------------------------------------------ */

static enum err_code make_directory(const char *path, struct err *err)
{
    if (mkdir(path, 0777) == 0 || errno == EEXIST)
        return OK;
    return err_set_errno(err, E_USAGE, errno, "%s cannot be made", PRINTABLE(path));
}

static void tell_subject(void *state, const char *text)
{
    suite_log_line(&((struct suite_subject *)state)->log, LOG_WARNING, "%s", text);
}

static enum err_code make_certificates(struct suite_run *run, struct err *err)
{
    if (run->running->host == NULL) {
        (void)private_directory_sweep(MANAGED_DIRECTORY_PREFIX);
        (void)private_directory_sweep(CERTIFICATES_DIRECTORY_PREFIX);
    }
    if (run->running->host != NULL || !suite_plan_has_tls(run->plan))
        return OK;
    const enum err_code code = managed_certificates_make(&run->certificates, CERTIFICATES_NS, err);
    const struct tls_options options = {.wanted = true, .cacert = run->certificates.authority};
    return code == OK ? tls_client_create(&run->tls, &options, err) : code;
}

/* What was begun in one order goes on in it. */
static void take_seed(struct suite_run *run, const struct suite_metrics *metrics)
{
    const size_t count = json_array_size(metrics->records);
    const json_t *seed =
        json_object_get(json_array_get(metrics->records, count > 0 ? count - 1 : 0), "suite_seed");
    if (json_is_integer(seed) && json_integer_value(seed) >= 0)
        run->seed = (uint64_t)json_integer_value(seed);
}

enum err_code suite_run_open(struct suite_run *run, const char *results, struct err *err)
{
    enum err_code code = make_directory(results, err);
    size_t left = suite_leftovers_remove(results);
    for (size_t i = 0; i < run->subject_count && code == OK; i++) {
        struct suite_subject *subject = &run->subjects[i];
        if ((size_t)snprintf(subject->directory, sizeof subject->directory, "%s/%s", results,
                             subject->name) > sizeof subject->directory - 1)
            return err_set(err, E_USAGE, "the path is too long: %.100s...", PRINTABLE(results));
        code = make_directory(subject->directory, err);
        if (code == OK)
            code = suite_log_open(&subject->log, subject->directory, err);
        left += suite_leftovers_remove(subject->directory);
        if (code == OK && left > 0)
            suite_log_line(&subject->log, LOG_INFO,
                           "%zu half-written files of a suite that was killed are removed", left);
        left = 0;
        if (code == OK)
            code = suite_metrics_open(&subject->metrics, subject->directory, tell_subject, subject,
                                      err);
        if (code == OK && !run->resume)
            code = suite_metrics_check_room(&subject->metrics, run->plan->count * run->runs, err);
    }
    for (size_t i = 0; i < run->subject_count && code == OK && run->resume && !run->seed_is_given;
         i++)
        take_seed(run, &run->subjects[i].metrics);
    return code == OK ? make_certificates(run, err) : code;
}

void suite_run_close(struct suite_run *run)
{
    for (size_t i = 0; i < run->subject_count; i++) {
        suite_metrics_close(&run->subjects[i].metrics);
        suite_log_close(&run->subjects[i].log);
    }
    tls_client_destroy(run->tls);
    managed_certificates_remove(&run->certificates);
}

/* --- what came out --------------------------------------------------------------------------- */

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

/* ---- for who looks on ---- */

static json_t *subject_and_combination(const struct measurement *measurement)
{
    const struct suite_subject *subject = measurement->subject;
    char text[300];
    return json_pack(
        "{s:o, s:o, s:o, s:o}", "commit", json_value_text(subject->commit), "reference",
        json_value_text(subject->reference[0] != '\0' ? subject->reference : NULL), "combination",
        json_value_text(suite_combination_text(text, sizeof text, measurement->combination)), "run",
        json_value_count(measurement->number));
}

/* measurement NULL: nothing is under way. */
static void hear_state(const struct suite_run *run, const char *phase,
                       const struct measurement *measurement)
{
    uint64_t measured_count = 0, failed_count = 0, skipped_count = 0;
    if (run->hear == NULL)
        return;
    for (size_t i = 0; i < run->subject_count; i++) {
        measured_count += run->subjects[i].measured;
        failed_count += run->subjects[i].failed;
        skipped_count += run->subjects[i].skipped;
    }
    json_t *state = measurement != NULL ? subject_and_combination(measurement)
                                        : json_pack("{s:n, s:n, s:n, s:n}", "commit", "reference",
                                                    "combination", "run");
    if (state == NULL)
        return;
    json_object_set_new(state, "phase", json_string(phase));
    json_object_set_new(state, "planned",
                        json_value_count(run->plan->count * run->subject_count * run->runs));
    json_object_set_new(state, "measured", json_value_count(measured_count));
    json_object_set_new(state, "failed", json_value_count(failed_count));
    json_object_set_new(state, "skipped", json_value_count(skipped_count));
    run->hear(run->hearer, "state", state);
}

static void hear_record(const struct measurement *measurement, const json_t *record)
{
    static const char *const keys[] = {"command", "rps", "p50_latency_ms", "p99_latency_ms",
                                       "verdict"};
    const struct suite_run *run = measurement->run;
    json_t *result = run->hear != NULL ? subject_and_combination(measurement) : NULL;
    if (result == NULL)
        return;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        json_object_set(result, keys[i], json_object_get(record, keys[i]));
    run->hear(run->hearer, "result", result);
}

static void hear_failure(const struct measurement *common, size_t index, const char *reason)
{
    struct measurement measurement = *common;
    measurement.combination = &common->run->plan->items[index];
    json_t *result = common->run->hear != NULL ? subject_and_combination(&measurement) : NULL;
    if (result == NULL)
        return;
    json_object_set_new(result, "command", json_value_text(measurement.combination->command->name));
    json_object_set_new(result, "error", json_value_text(reason));
    common->run->hear(common->run->hearer, "result", result);
}

static enum err_code keep(const struct measurement *measurement, struct err *err)
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
        hear_record(measurement, records[i]);
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

/* --- one run --------------------------------------------------------------------------------- */

/* Of the whole suite, at the pace so far. */
static void tell_progress(const struct measurement *measurement, size_t part)
{
    const struct suite_run *run = measurement->run;
    char text[300], left[64] = "";
    const double passed = (double)(clock_now_ns() - run->began_ns) / NS_PER_SECOND;
    if (run->done > 0) {
        const double seconds = passed / (double)run->done * (double)(run->total - run->done);
        if (seconds < 120)
            snprintf(left, sizeof left, ", about %.0f s left", seconds);
        else
            snprintf(left, sizeof left, ", about %.0f min left", seconds / 60);
    }
    suite_log_line(&measurement->subject->log, LOG_INFO,
                   "[%zu/%zu%s] %s: --> Running %s | run=%llu | seed=%llu", run->done + part + 1,
                   run->total, left, measurement->subject->name,
                   suite_combination_text(text, sizeof text, measurement->combination),
                   (unsigned long long)measurement->number, (unsigned long long)measurement->seed);
}

/* What of it was measured, and what is not wanted again. */
static bool is_there(const struct suite_run *run, const struct suite_subject *subject, size_t index,
                     uint64_t number)
{
    return run->resume && suite_metrics_has(&subject->metrics, &run->plan->items[index], number,
                                            run->tool->version);
}

/* The figures of a step. What is there already was only carried out for what comes behind it. */
static enum err_code keep_step(const struct measurement *measurements, size_t first, size_t count,
                               struct err *err)
{
    enum err_code code = OK;
    for (size_t i = 0; i < count && code == OK; i++) {
        const struct measurement *measurement = &measurements[i];
        if (is_there(measurement->run, measurement->subject, first + i, measurement->number)) {
            (void)unlink(measurement->hdr_path);
            continue;
        }
        code = keep(measurement, err);
        measurement->subject->measured += code == OK;
        measurement->run->done += code == OK;
    }
    return code;
}

/* One that shares its servers with those before it, whose time is its own. */
static enum err_code measure_step(const struct measurement *common, size_t first, size_t count,
                                  struct err *err)
{
    struct measurement *measurements = NULL;
    enum err_code code = suite_measurements_open(&measurements, common, first, count, err);
    if (code != OK) {
        suite_measurements_close(measurements, count);
        return code;
    }
    for (size_t i = 0; i < count; i++)
        tell_progress(&measurements[i], i);
    hear_state(common->run, "measuring", &measurements[0]);
    if (!common->run->plan->items[first].goes_on)
        code = suite_servers_start(common->servers, common->run, common->subject,
                                   measurements[0].combination, err);
    if (code == OK)
        code =
            suite_servers_prepare(common->servers, common->run, measurements[0].combination, err);
    if (code == OK)
        code = suite_measurements_part_cpus(measurements, count, err);
    if (code == OK)
        code = suite_measurement_stages(measurements, count, SUITE_MEASURE, err);
    if (code == E_SYSTEM ||
        code == E_USAGE) /* of this server or load, which another one may not meet */
        code = E_FAILED;
    if (code == OK)
        code = keep_step(measurements, first, count, err);
    suite_measurements_close(measurements, count);
    return code;
}

/* How many are not there yet; *end: behind the last of them. */
static size_t count_missing(const struct measurement *common, size_t first, size_t *end)
{
    const size_t unit_end = suite_plan_unit_end(common->run->plan, first);
    size_t count = 0;
    *end = first;
    for (size_t i = first; i < unit_end; i++)
        if (!is_there(common->run, common->subject, i, common->number)) {
            *end = suite_plan_step_end(common->run->plan, i);
            count++;
        }
    return count;
}

/* Of scenarios a record says that there are no figures, and why; it is measured again by --resume. */
static enum err_code keep_failure(const struct measurement *common, size_t first, size_t end,
                                  const char *reason, struct err *err)
{
    json_t *records[RECORDS_MAX];
    const struct suite_plan *plan = common->run->plan;
    size_t count = 0;
    for (size_t i = first; i < end && count < RECORDS_MAX; i++) {
        struct measurement measurement = *common;
        measurement.combination = &plan->items[i];
        if (plan->items[i].of == NULL || is_there(common->run, common->subject, i, common->number))
            continue;
        json_t *record = new_record(&measurement, plan->items[i].command->name);
        json_object_del(record, "seed"); /* which it may not have come to */
        json_object_set_new(record, "status", json_string("failed"));
        json_object_set_new(record, "error", json_value_text(reason));
        records[count++] = record;
    }
    return count > 0 ? suite_metrics_add(&common->subject->metrics, records, count, err) : OK;
}

/* All that shares servers: none of it can be measured without what is before it. What went wrong with the machine or the results
 * ends the suite; all else what is left of this. */
static enum err_code measure(struct suite_run *run, struct suite_subject *subject, size_t first,
                             uint64_t number, struct suite_servers *servers, struct err *err)
{
    const struct measurement common = {
        .run = run, .subject = subject, .tool = run->tool, .number = number, .servers = servers};
    const size_t all = suite_plan_unit_end(run->plan, first) - first, before = subject->measured;
    struct err reason = {.code = OK};
    enum err_code code = OK;
    size_t end = first, at = first;
    const size_t missing = count_missing(&common, first, &end);
    subject->skipped += all - missing;
    run->total -= all - missing;
    if (missing == 0)
        return OK;
    for (size_t next; at < end && code == OK; at = code == OK ? next : at) {
        next = suite_plan_step_end(run->plan, at);
        code = measure_step(&common, at, next - at, &reason);
    }
    suite_servers_stop(servers, subject, &run->plan->items[first]);
    const size_t left = missing - (subject->measured - before);
    if (code == E_INTERRUPTED || *run->interrupted != 0)
        return err_set(err, E_INTERRUPTED,
                       "interrupted: %zu of %zu runs are done; --resume goes on", run->done,
                       run->total);
    if (code == E_SYSTEM || code == E_USAGE)
        return err_set(err, code, "%s", reason.text);
    if (code != OK) {
        const struct suite_combination *failed = &run->plan->items[at];
        run->done += left;
        subject->failed += left;
        suite_log_line(&subject->log, LOG_ERROR, "%s: %s%s%s: failed: %s", subject->name,
                       failed->of != NULL ? failed->of->test_id : "", failed->of != NULL ? " " : "",
                       failed->command->name, reason.text);
        hear_failure(&common, at, reason.text);
        if (end > suite_plan_step_end(run->plan, at))
            suite_log_line(&subject->log, LOG_WARNING,
                           "%s: what comes behind it in its group is not measured", subject->name);
        return keep_failure(&common, at, suite_plan_step_end(run->plan, at), reason.text, err);
    }
    return OK;
}

/* --- all of them ----------------------------------------------------------------------------- */

/* The subjects by turns, so that what changes with time meets them all alike. */
static enum err_code run_in_turn(struct suite_run *run, struct suite_servers *servers,
                                 struct err *err)
{
    const size_t subjects = run->subject_count;
    size_t count = 0, *order = calloc(run->plan->count + subjects, sizeof order[0]);
    enum err_code code = OK;
    if (order == NULL)
        return err_set(err, E_SYSTEM, "no memory for the order of %zu combinations",
                       run->plan->count);
    for (uint64_t number = 1; number <= run->runs && code == OK; number++) {
        count = 0;
        for (size_t i = 0; i < run->plan->count; i = suite_plan_unit_end(run->plan, i))
            order[count++] = i;
        suite_plan_shuffle(order, count, rng_at(run->seed, number));
        for (size_t i = 0; i < count && code == OK; i++) {
            size_t *turns = order + count;
            for (size_t k = 0; k < subjects; k++)
                turns[k] = k;
            suite_plan_shuffle(turns, subjects, rng_at(run->seed ^ number, i));
            for (size_t k = 0; k < subjects && code == OK; k++)
                code = measure(run, &run->subjects[turns[k]], order[i], number, servers, err);
        }
    }
    free(order);
    return code;
}

static enum err_code run_one_after_the_other(struct suite_run *run, struct suite_servers *servers,
                                             struct err *err)
{
    enum err_code code = OK;
    for (size_t k = 0; k < run->subject_count && code == OK; k++)
        for (size_t i = 0; i < run->plan->count && code == OK;
             i = suite_plan_unit_end(run->plan, i))
            for (uint64_t number = 1; number <= run->runs && code == OK; number++)
                code = measure(run, &run->subjects[k], i, number, servers, err);
    return code;
}

enum err_code suite_run_all(struct suite_run *run, struct err *err)
{
    struct suite_servers *servers = calloc(1, sizeof *servers);
    size_t failed = 0;
    if (servers == NULL)
        return err_set(err, E_SYSTEM, "no memory for servers");
    run->done = 0;
    run->total = run->plan->count * run->subject_count * run->runs;
    run->began_ns = clock_now_ns();
    hear_state(run, "measuring", NULL);
    enum err_code code =
        run->in_turn ? run_in_turn(run, servers, err) : run_one_after_the_other(run, servers, err);
    hear_state(run, "finishing", NULL);
    for (size_t k = 0; k < run->subject_count && code == OK; k++)
        if (!run->subjects[k].control)
            code = suite_profile_subject(run, &run->subjects[k], servers, err);
    free(servers);
    for (size_t k = 0; k < run->subject_count; k++)
        failed += run->subjects[k].failed;
    if (code == OK && failed > 0)
        code = err_set(err, E_FAILED, "%zu of %zu runs failed: see logs.txt", failed, run->total);
    return code;
}
