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

#define SEED_MOST 1000000u
#define OUTPUT_KEPT_BYTES (64u << 10)
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
    char *text = calloc(1, OUTPUT_KEPT_BYTES);
    struct suite_csv_row row;
    size_t count = 0;
    const off_t size = lseek(measurement->output_fd, 0, SEEK_END);
    const off_t from = size >= (off_t)OUTPUT_KEPT_BYTES ? size - (off_t)OUTPUT_KEPT_BYTES + 1 : 0;
    const ssize_t bytes =
        text != NULL ? pread(measurement->output_fd, text, OUTPUT_KEPT_BYTES - 1, from) : 0;
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
    const double misses = json_number_value(json_object_get(record, "misses"));
    const double ok = json_number_value(json_object_get(record, "requests_ok"));
    if (misses > 0.01 * ok && ok > 0)
        suite_log_line(&measurement->subject->log, LOG_WARNING,
                       "%s: %.1f %% of the replies were empty: there was nothing left to read",
                       measurement->combination->command->name, 100 * misses / ok);
}

static enum err_code keep(const struct measurement *measurement, struct err *err)
{
    json_t *records[RECORDS_MAX];
    const struct suite_tool *tool = measurement->run->tool;
    struct suite_subject *subject = measurement->subject;
    const size_t count = tool->is_volley ? collect_volley(records, measurement, err)
                                         : collect_csv(records, measurement);
    if (count == 0)
        return err_set(err, E_FAILED, "%s printed no figures", PRINTABLE(tool->path));
    for (size_t i = 0; i < count; i++) {
        const char *verdict = json_string_value(json_object_get(records[i], "verdict"));
        tell_misses(measurement, records[i]);
        suite_log_line(&subject->log, LOG_INFO,
                       "%s: %.2f requests per second, p50 %.3f ms, p99 %.3f ms%s%s",
                       json_string_value(json_object_get(records[i], "command")),
                       json_number_value(json_object_get(records[i], "rps")),
                       json_number_value(json_object_get(records[i], "p50_latency_ms")),
                       json_number_value(json_object_get(records[i], "p99_latency_ms")),
                       verdict != NULL ? ", " : "", verdict != NULL ? verdict : "");
    }
    return suite_metrics_add(&subject->metrics, records, count, err);
}

/* --- stages ---------------------------------------------------------------------------------- */

/* Those that the servers have left; volley chooses its own. */
static uint32_t load_cpus(const struct measurement *measurement)
{
    const struct suite_cpus *given = &measurement->combination->block->client_cpus;
    struct suite_servers *servers = measurement->servers;
    const struct suite_run *run = measurement->run;
    uint32_t *cpus = servers->load_cpus, count = 0;
    if (given->count > 0) {
        memcpy(cpus, given->items, given->count * sizeof cpus[0]);
        return given->count;
    }
    for (uint32_t i = 0; i < run->allowed_count && servers->cpu_count > 0; i++)
        if (!cpu_list_has(servers->cpus, servers->cpu_count, run->allowed_cpus[i]))
            cpus[count++] = run->allowed_cpus[i];
    return count;
}

enum err_code suite_measurement_stage(struct measurement *measurement, enum suite_stage stage,
                                      struct err *err)
{
    const struct suite_run *run = measurement->run;
    const struct suite_combination *combination = measurement->combination;
    const bool filling = stage == SUITE_POPULATE && !measurement->tool->has_sequential;
    const struct suite_tool *tool = filling ? run->filler : measurement->tool;
    const struct suite_stage_wish wish = {
        .tool = tool,
        .combination = combination,
        .target = &measurement->servers->target,
        .seed = measurement->seed,
        .json_path = measurement->json_path,
        .hdr_path = measurement->hdr_path[0] != '\0' ? measurement->hdr_path : NULL};
    struct suite_argv argv;
    char *line = NULL;
    size_t line_bytes = 0;
    suite_stage_argv(&argv, &wish, stage);
    FILE *out = open_memstream(&line, &line_bytes);
    if (out != NULL) {
        suite_argv_print(out, &argv);
        (void)fclose(out);
        suite_log_line(&measurement->subject->log, LOG_DEBUG, "%s: %s", suite_stage_name(stage),
                       line);
        free(line);
    }
    if (ftruncate(measurement->output_fd, 0) != 0 ||
        lseek(measurement->output_fd, 0, SEEK_SET) != 0)
        return err_set_errno(err, E_SYSTEM, errno, "no room for what the load prints");
    const struct suite_load load = {
        .argv = &argv,
        .cpus = measurement->servers->load_cpus,
        .cpu_count = tool->is_volley ? 0 : load_cpus(measurement),
        .limit_ns = suite_load_limit_ns(combination),
        .stop_ns = stage == SUITE_WARM_UP ? combination->warmup_seconds * NS_PER_SECOND : 0,
        .output_fd = measurement->output_fd,
        .environment = run->running->load_environment};
    const enum err_code code = suite_load_run(&load, measurement->servers, run->interrupted, err);
    suite_log_copy(&measurement->subject->log, measurement->output_fd, OUTPUT_KEPT_BYTES);
    return code;
}

enum err_code suite_measurement_stages(struct measurement *measurement, enum suite_stage last,
                                       struct err *err)
{
    const struct suite_stage_wish wish = {.tool = measurement->tool,
                                          .combination = measurement->combination};
    enum err_code code = OK;
    (void)unlink(measurement->json_path);
    for (int stage = SUITE_POPULATE; stage <= (int)last && code == OK; stage++)
        if (suite_stage_runs(&wish, (enum suite_stage)stage))
            code = suite_measurement_stage(measurement, (enum suite_stage)stage, err);
    return code;
}

/* --- one run --------------------------------------------------------------------------------- */

/* Of the whole suite, at the pace so far. */
static void tell_progress(const struct measurement *measurement)
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
                   "[%zu/%zu%s] %s: --> Running %s | run=%llu | seed=%llu", run->done + 1,
                   run->total, left, measurement->subject->name,
                   suite_combination_text(text, sizeof text, measurement->combination),
                   (unsigned long long)measurement->number, (unsigned long long)measurement->seed);
}

static void name_files(struct measurement *measurement)
{
    const struct suite_run *run = measurement->run;
    const struct suite_subject *subject = measurement->subject;
    struct stat there;
    snprintf(measurement->json_path, sizeof measurement->json_path, "%.1100s/.run.json",
             subject->directory);
    measurement->hdr_path[0] = '\0';
    /* The first that is not there: what stands under such a name, be it a link, is somebody's. */
    for (size_t i = json_array_size(subject->metrics.records) + 1; run->keep_histograms; i++) {
        snprintf(measurement->hdr_path, sizeof measurement->hdr_path, "%.1100s/run-%zu.hlog",
                 subject->directory, i);
        if (lstat(measurement->hdr_path, &there) != 0)
            break;
    }
}

static uint64_t seed_of(const struct suite_run *run, size_t index, uint64_t number)
{
    const struct suite_block *block = run->plan->items[index].block;
    return block->has_seed ? block->seed : rng_at(run->seed + number, index) % (SEED_MOST + 1);
}

/* What went wrong with the machine or the results ends the suite; all else this run alone. */
static enum err_code measure(struct suite_run *run, struct suite_subject *subject, size_t index,
                             uint64_t number, struct suite_servers *servers, struct err *err)
{
    struct measurement measurement = {.run = run,
                                      .subject = subject,
                                      .combination = &run->plan->items[index],
                                      .tool = run->tool,
                                      .number = number,
                                      .seed = seed_of(run, index, number),
                                      .servers = servers};
    struct err reason = {.code = OK};
    if (run->resume &&
        suite_metrics_has(&subject->metrics, measurement.combination, number, run->tool->version)) {
        subject->skipped++;
        run->total--;
        return OK;
    }
    tell_progress(&measurement);
    name_files(&measurement);
    measurement.output_fd = memfd_create("load", MFD_CLOEXEC);
    if (measurement.output_fd < 0)
        return err_set_errno(err, E_SYSTEM, errno, "no memory for what the load prints");
    enum err_code code =
        suite_servers_start(servers, run, subject, measurement.combination, &reason);
    if (code == OK)
        code = suite_measurement_stages(&measurement, SUITE_MEASURE, &reason);
    suite_servers_stop(servers, subject, measurement.combination);
    if (code == OK) {
        code = keep(&measurement, &reason);
        if (code == E_SYSTEM || code == E_USAGE)
            (void)err_set(err, code, "%s", reason.text);
    }
    close(measurement.output_fd);
    (void)unlink(measurement.json_path);
    run->done++;
    if (code == E_INTERRUPTED || *run->interrupted != 0)
        return err_set(err, E_INTERRUPTED,
                       "interrupted: %zu of %zu runs are done; --resume goes on", run->done - 1,
                       run->total);
    if (code == OK)
        subject->measured++;
    else {
        subject->failed++;
        suite_log_line(&subject->log, LOG_ERROR, "%s: %s: failed: %s", subject->name,
                       measurement.combination->command->name, reason.text);
    }
    return err->code;
}

/* --- all of them ----------------------------------------------------------------------------- */

/* The subjects by turns, so that what changes with time meets them all alike. */
static enum err_code run_in_turn(struct suite_run *run, struct suite_servers *servers,
                                 struct err *err)
{
    const size_t count = run->plan->count, subjects = run->subject_count;
    size_t *order = calloc(count + subjects, sizeof order[0]);
    enum err_code code = OK;
    if (order == NULL)
        return err_set(err, E_SYSTEM, "no memory for the order of %zu combinations", count);
    for (uint64_t number = 1; number <= run->runs && code == OK; number++) {
        for (size_t i = 0; i < count; i++)
            order[i] = i;
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
        for (size_t i = 0; i < run->plan->count && code == OK; i++)
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
    enum err_code code =
        run->in_turn ? run_in_turn(run, servers, err) : run_one_after_the_other(run, servers, err);
    for (size_t k = 0; k < run->subject_count && code == OK && run->flamegraph; k++)
        if (!run->subjects[k].control)
            code = suite_profile_subject(run, &run->subjects[k], servers, err);
    free(servers);
    for (size_t k = 0; k < run->subject_count; k++)
        failed += run->subjects[k].failed;
    if (code == OK && failed > 0)
        code = err_set(err, E_FAILED, "%zu of %zu runs failed: see logs.txt", failed, run->total);
    return code;
}
