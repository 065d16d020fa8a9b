#include "orchestrator/suite/suite_run.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/printable.h"
#include "common/rng.h"
#include "common/transport_tls.h"
#include "orchestrator/suite/suite_hear.h"
#include "orchestrator/suite/suite_leftovers.h"
#include "orchestrator/suite/suite_results.h"

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

/* The figures of a step. What is there already was only carried out for what comes behind it. */
static enum err_code keep_step(const struct measurement *measurements, size_t first, size_t count,
                               struct err *err)
{
    enum err_code code = OK;
    for (size_t i = 0; i < count && code == OK; i++) {
        const struct measurement *measurement = &measurements[i];
        if (suite_results_are_there(measurement->run, measurement->subject, first + i,
                                    measurement->number)) {
            (void)unlink(measurement->hdr_path);
            continue;
        }
        code = suite_results_keep(measurement, err);
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
    suite_hear_state(common->run, "measuring", measurements, count);
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
        if (!suite_results_are_there(common->run, common->subject, i, common->number)) {
            *end = suite_plan_step_end(common->run->plan, i);
            count++;
        }
    return count;
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
        if (end > suite_plan_step_end(run->plan, at))
            suite_log_line(&subject->log, LOG_WARNING,
                           "%s: what comes behind it in its group is not measured", subject->name);
        return suite_results_keep_failure(&common, at, suite_plan_step_end(run->plan, at),
                                          reason.text, err);
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
    suite_hear_state(run, "measuring", NULL, 0);
    enum err_code code =
        run->in_turn ? run_in_turn(run, servers, err) : run_one_after_the_other(run, servers, err);
    suite_hear_state(run, "finishing", NULL, 0);
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
