/* Where the time of servers goes, by perf. A run of its own: what is sampled is slower than what is measured. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/printable.h"
#include "orchestrator/machine/child.h"
#include "orchestrator/machine/program_path.h"
#include "orchestrator/page/page_flame.h"
#include "orchestrator/report/output.h"
#include "orchestrator/scenario/run_file.h"
#include "orchestrator/suite/stack_fold.h"
#include "orchestrator/suite/suite_load.h"
#include "orchestrator/suite/suite_measurement.h"

#define SAMPLES_PER_SECOND "499" /* no multiple of what servers do by the clock */
#define PROFILE_SECONDS 10u
#define BEGIN_LIMIT_NS (2 * NS_PER_SECOND)
#define END_LIMIT_NS (20 * NS_PER_SECOND)
#define SCRIPT_LIMIT_NS (300 * NS_PER_SECOND)
#define LINE_BYTES 4096u
#define COUNTED_BYTES 4096u

/* perf, at work beside a load. */
struct profile {
    char program[SUITE_PATH_BYTES], pids[512], data_path[SUITE_PATH_BYTES];
    struct child record, counter;
    int record_fd, counter_fd;   /* what they print */
    double instructions, cycles; /* of all servers; below 0: not counted */
};

enum err_code suite_profile_check(const char *why, struct err *err)
{
    char path[SUITE_PATH_BYTES];
    return program_path_find(path, sizeof path, "perf")
               ? OK
               : err_set(err, E_USAGE,
                         "%s: perf is not installed (package linux-perf, on "
                         "Ubuntu linux-tools-generic)",
                         why);
}

/* --- recording ------------------------------------------------------------------------------- */

static void list_pids(char *text, size_t text_bytes, const struct suite_servers *servers)
{
    text[0] = '\0';
    for (uint32_t i = 0; i < servers->cluster.count; i++) {
        const size_t used = strlen(text);
        snprintf(text + used, text_bytes - used, "%s%ld", i > 0 ? "," : "",
                 (long)servers->cluster.nodes[i].process.pid);
    }
}

static enum err_code begin(struct profile *profile, const struct suite_subject *subject,
                           const struct suite_servers *servers, struct err *err)
{
    *profile =
        (struct profile){.instructions = -1, .cycles = -1, .record_fd = -1, .counter_fd = -1};
    if (!program_path_find(profile->program, sizeof profile->program, "perf"))
        return suite_profile_check("--flamegraph", err);
    list_pids(profile->pids, sizeof profile->pids, servers);
    snprintf(profile->data_path, sizeof profile->data_path, "%.1100s/.perf.data",
             subject->directory);
    profile->record_fd = memfd_create("perf", MFD_CLOEXEC);
    profile->counter_fd = memfd_create("perf", MFD_CLOEXEC);
    if (profile->record_fd < 0 || profile->counter_fd < 0)
        return err_set_errno(err, E_SYSTEM, errno, "no memory for what perf prints");
    const char *const record[] = {
        profile->program,   "record", "-F", SAMPLES_PER_SECOND, "-g", "-p", profile->pids, "-o",
        profile->data_path, NULL};
    const char *const count[] = {profile->program,      "stat", "-x",          ",", "-e",
                                 "instructions,cycles", "-p",   profile->pids, NULL};
    if (!child_start(&profile->record, &(struct child_plan){.argv = record,
                                                            .output_fd = profile->record_fd,
                                                            .name = "perf"}) ||
        !child_start(
            &profile->counter,
            &(struct child_plan){.argv = count, .output_fd = profile->counter_fd, .name = "perf"}))
        return err_set_errno(err, E_SYSTEM, errno, "cannot start perf");
    /* One that is not allowed to ends at once. */
    if (child_gone_within(&profile->record, BEGIN_LIMIT_NS)) {
        char said[300] = "";
        const ssize_t bytes = pread(profile->record_fd, said, sizeof said - 1, 0);
        said[bytes > 0 ? bytes : 0] = '\0';
        return err_set(
            err, E_FAILED,
            "perf cannot look at the servers (see /proc/sys/kernel/perf_event_paranoid): "
            "%.200s",
            printable_line(said));
    }
    return OK;
}

/* A row "1234,,instructions,...": the number; below 0: it was not counted. */
static double counted(const char *text, const char *event)
{
    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        const char *const unit = strchr(line, ','), *const end = strchr(line, '\n');
        const char *const name = unit != NULL ? strchr(unit + 1, ',') : NULL;
        if (name != NULL && (end == NULL || name < end) &&
            strncmp(name + 1, event, strlen(event)) == 0 && isdigit((unsigned char)line[0]))
            return strtod(line, NULL);
    }
    return -1;
}

static void end(struct profile *profile)
{
    char text[COUNTED_BYTES];
    child_tell(&profile->record, SIGINT);
    child_tell(&profile->counter, SIGINT);
    (void)child_gone_within(&profile->record, END_LIMIT_NS);
    (void)child_gone_within(&profile->counter, END_LIMIT_NS);
    child_end(&profile->record);
    child_end(&profile->counter);
    const ssize_t bytes =
        profile->counter_fd >= 0 ? pread(profile->counter_fd, text, sizeof text - 1, 0) : 0;
    text[bytes > 0 ? bytes : 0] = '\0';
    profile->instructions = counted(text, "instructions");
    profile->cycles = counted(text, "cycles");
}

static void forget(struct profile *profile)
{
    if (profile->data_path[0] != '\0')
        (void)unlink(profile->data_path);
    if (profile->record_fd >= 0)
        close(profile->record_fd);
    if (profile->counter_fd >= 0)
        close(profile->counter_fd);
}

/* --- what came out --------------------------------------------------------------------------- */

/* What perf has to say of its samples, line by line. */
static enum err_code read_script(struct stack_fold *fold, const struct profile *profile,
                                 const struct measurement *measurement, struct err *err)
{
    const char *const items[] = {profile->program, "script", "-i", profile->data_path, NULL};
    const int fd = memfd_create("script", MFD_CLOEXEC);
    FILE *file = fd >= 0 ? fdopen(fd, "r") : NULL;
    char line[LINE_BYTES];
    if (file == NULL) {
        if (fd >= 0)
            close(fd);
        return err_set_errno(err, E_SYSTEM, errno, "no memory for the samples");
    }
    const struct suite_load load = {.argv = items, .limit_ns = SCRIPT_LIMIT_NS, .output_fd = fd};
    enum err_code code =
        suite_load_run(&load, 1, measurement->servers, measurement->run->interrupted, err);
    rewind(file);
    while (code == OK && fgets(line, sizeof line, file) != NULL)
        stack_fold_line(fold, line);
    stack_fold_end(fold);
    (void)fclose(file);
    return code;
}

static double requests_of_one(const struct measurement *measurement)
{
    FILE *file = NULL;
    uint64_t bytes = 0;
    double ok = 0;
    size_t index;
    const json_t *run;
    struct err ignored = {.code = OK};
    if (run_file_open(&file, &bytes, measurement->json_path, &ignored) != OK)
        return 0;
    json_t *root = json_loadf(file, 0, NULL);
    (void)fclose(file);
    json_array_foreach(json_object_get(root, "runs"), index, run)
    {
        if (!json_is_true(json_object_get(run, "prefill")))
            ok += json_number_value(json_object_get(json_object_get(run, "requests"), "ok"));
    }
    json_decref(root);
    return ok;
}

static double requests_of(const struct measurement *measurements, size_t count)
{
    double ok = 0;
    for (size_t i = 0; i < count; i++)
        ok += requests_of_one(&measurements[i]);
    return ok;
}

/* "12,345", or why not. */
static void per_request(char text[60], double count, double requests)
{
    if (count < 0 || !(requests > 0))
        snprintf(text, 60, "not counted on this machine");
    else
        snprintf(text, 60, "%.0f", count / requests);
}

/* Frames that perf could not follow: of a program that was built without frame pointers. */
static void tell_holes(const struct stack_fold *fold, const struct measurement *measurement)
{
    size_t count = 0;
    const struct folded_stack *stacks = stack_fold_stacks(fold, &count);
    uint64_t samples = 0, broken = 0;
    for (size_t i = 0; i < count; i++) {
        samples += stacks[i].count;
        broken += strstr(stacks[i].text, ";main") == NULL ? stacks[i].count : 0;
    }
    if (broken > samples / 2)
        suite_log_line(&measurement->subject->log, LOG_WARNING,
                       "%.0f %% of the stacks do not reach main: build with --make-args "
                       "'CFLAGS=-fno-omit-frame-pointer' to see who calls whom",
                       100.0 * (double)broken / (double)samples);
}

static enum err_code write_folded(const struct stack_fold *fold, const char *path, struct err *err)
{
    struct output output = {.file = NULL};
    enum err_code code = output_create(&output, path, OUTPUT_OWN, err);
    if (code == OK)
        code = stack_fold_write(fold, output.file, err);
    if (code == OK)
        code = output_commit(&output, err);
    output_discard(&output);
    return code;
}

static enum err_code write_page(const struct measurement *measurement, double requests,
                                const struct profile *profile, const char *base,
                                const char *folded_path, struct err *err)
{
    char text[300], instructions[60], cycles[60], path[SUITE_PATH_BYTES];
    per_request(instructions, profile->instructions, requests);
    per_request(cycles, profile->cycles, requests);
    const char *const facts[] = {
        "Commit",
        measurement->subject->commit,
        "Server",
        measurement->subject->server_version,
        "Load",
        suite_combination_text(text, sizeof text, measurement->combination),
        "Instructions per request",
        instructions,
        "Cycles per request",
        cycles,
        NULL};
    const char *const slash = strrchr(folded_path, '/');
    const struct page_flame_facts of = {.title = measurement->combination->command->name,
                                        .facts = facts,
                                        .folded_name = slash != NULL ? slash + 1 : folded_path};
    FILE *folded = fopen(folded_path, "re");
    if (folded == NULL)
        return err_set_errno(err, E_SYSTEM, errno, "%.200s cannot be read", folded_path);
    snprintf(path, sizeof path, "%.1100s.html", base);
    const enum err_code code = page_flame_write(path, &of, folded, err);
    (void)fclose(folded);
    if (code == OK)
        suite_log_line(&measurement->subject->log, LOG_INFO,
                       "%s: instructions per request %s, cycles per request %s", path, instructions,
                       cycles);
    return code;
}

static enum err_code keep(const struct measurement *measurement, size_t measurement_count,
                          const struct profile *profile, size_t number, struct err *err)
{
    char base[SUITE_PATH_BYTES], folded_path[SUITE_PATH_BYTES];
    struct stack_fold *fold = stack_fold_create();
    size_t count = 0;
    if (fold == NULL)
        return err_set(err, E_SYSTEM, "no memory for stacks");
    snprintf(base, sizeof base, "%.1100s/flamegraph-%zu-%.120s", measurement->subject->directory,
             number,
             measurement->combination->of != NULL ? measurement->combination->of->test_id
                                                  : measurement->combination->command->name);
    snprintf(folded_path, sizeof folded_path, "%.1100s.folded", base);
    enum err_code code = read_script(fold, profile, measurement, err);
    (void)stack_fold_stacks(fold, &count);
    if (code == OK && count == 0)
        code = err_set(err, E_FAILED, "perf has seen nothing of the servers");
    tell_holes(fold, measurement);
    if (code == OK)
        code = write_folded(fold, folded_path, err);
    stack_fold_free(fold);
    return code == OK ? write_page(measurement, requests_of(measurement, measurement_count),
                                   profile, base, folded_path, err)
                      : code;
}

/* --- one by one ------------------------------------------------------------------------------ */

/* Long enough to see something, where that is possible. */
static void lengthen(struct suite_combination *combination, const struct suite_tool *tool)
{
    const bool fills = combination->of != NULL && combination->requests > 0;
    if (combination->command->consumes || !tool->has_duration || fills)
        return;
    combination->requests = 0;
    if (combination->duration_seconds < PROFILE_SECONDS)
        combination->duration_seconds = PROFILE_SECONDS;
}

/* One step of the plan, on the servers of those before it. */
static enum err_code sample(struct measurement *measurements, size_t count, size_t number,
                            struct err *err)
{
    struct profile profile = {.record_fd = -1, .counter_fd = -1};
    struct suite_run *run = measurements->run;
    struct suite_servers *servers = measurements->servers;
    const struct suite_combination *first = measurements->combination;
    enum err_code code =
        first->goes_on ? OK : suite_servers_start(servers, run, measurements->subject, first, err);
    if (code == OK)
        code = suite_servers_prepare(servers, run, first, err);
    if (code == OK)
        code = suite_measurements_part_cpus(measurements, count, err);
    if (code == OK)
        code = suite_measurement_stages(measurements, count, SUITE_WARM_UP, err);
    if (code == OK)
        code = begin(&profile, measurements->subject, servers, err);
    if (code == OK)
        code = suite_measurement_stage(measurements, count, SUITE_MEASURE, err);
    end(&profile);
    if (code == OK)
        code = keep(measurements, count, &profile, number, err);
    forget(&profile);
    return code;
}

/* A machine that stood still is no reason to have no picture: nothing is measured here, so that a load that failed is made once
 * more, while the servers run. */
static enum err_code sample_again(const struct measurement *common,
                                  struct measurement *measurements, size_t count, size_t number,
                                  struct err *err)
{
    char died[300];
    struct err reason = {.code = OK};
    const enum err_code code = sample(measurements, count, number, &reason);
    if (code != E_FAILED || suite_servers_died(common->servers, died, sizeof died))
        return code == OK ? OK : err_set(err, code, "%s", reason.text);
    suite_log_line(&common->subject->log, LOG_WARNING, "%s: flame graph, once more: %s",
                   common->subject->name, reason.text);
    return sample(measurements, count, number, err);
}

static enum err_code profile_step(const struct measurement *common, size_t first, size_t count,
                                  struct err *err)
{
    const struct suite_plan *plan = common->run->plan;
    char text[300];
    struct suite_combination combinations[SUITE_PARTS_MAX];
    struct measurement *measurements = NULL;
    enum err_code code = suite_measurements_open(&measurements, common, first, count, err);
    for (size_t i = 0; i < count && code == OK; i++) {
        combinations[i] = plan->items[first + i];
        lengthen(&combinations[i], common->tool);
        measurements[i].combination = &combinations[i];
        measurements[i].hdr_path[0] = '\0';
        suite_log_line(&common->subject->log, LOG_INFO, "[flame graph %zu/%zu] %s: %s",
                       first + i + 1, plan->count, common->subject->name,
                       suite_combination_text(text, sizeof text, &combinations[i]));
    }
    if (code == OK)
        code = sample_again(common, measurements, count, first + 1, err);
    suite_measurements_close(measurements, count);
    return code;
}

/* Those that share servers. */
static void profile_unit(const struct measurement *common, size_t first, size_t end)
{
    struct err reason = {.code = OK};
    const struct suite_plan *plan = common->run->plan;
    enum err_code code = OK;
    for (size_t at = first, next; at < end && code == OK; at = next) {
        next = suite_plan_step_end(plan, at);
        code = profile_step(common, at, next - at, &reason);
        if (code != OK && code != E_INTERRUPTED) {
            common->subject->failed++;
            suite_log_line(&common->subject->log, LOG_ERROR, "%s: flame graph of %s: %s",
                           common->subject->name, plan->items[at].command->name, reason.text);
        }
    }
    suite_servers_stop(common->servers, common->subject, &plan->items[first]);
}

enum err_code suite_profile_subject(struct suite_run *run, struct suite_subject *subject,
                                    struct suite_servers *servers, struct err *err)
{
    struct suite_tool tool = *run->tool;
    const struct measurement common = {
        .run = run, .subject = subject, .tool = &tool, .number = 1, .servers = servers};
    size_t end;
    tool.fills_apart = true;
    tool.has_warmup = false;
    for (size_t i = 0; i < run->plan->count; i = end) {
        end = suite_plan_unit_end(run->plan, i);
        if (!run->flamegraph && !run->plan->items[i].block->profiled)
            continue;
        profile_unit(&common, i, end);
        if (*run->interrupted != 0)
            return err_set(err, E_INTERRUPTED, "interrupted; what was measured is kept");
    }
    return OK;
}
