/* `volley suite`: commits and configurations, measured one by one and kept for comparison. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "common/printable.h"
#include "common/version.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/commands/frame.h"
#include "orchestrator/commands/interrupts.h"
#include "orchestrator/commands/suite_list.h"
#include "orchestrator/commands/suite_options.h"
#include "orchestrator/commands/suite_watch.h"
#include "orchestrator/machine/child_guard.h"
#include "orchestrator/machine/cpu_order.h"
#include "orchestrator/machine/host.h"
#include "orchestrator/machine/program_path.h"
#include "orchestrator/options/credentials.h"
#include "orchestrator/page/page_bundle.h"
#include "orchestrator/report/json_value.h"
#include "orchestrator/report/output.h"
#include "orchestrator/report/shell_word.h"
#include "orchestrator/suite/comparison_merged.h"
#include "orchestrator/suite/comparison_report.h"
#include "orchestrator/suite/suite_load.h"
#include "orchestrator/suite/suite_lock.h"
#include "orchestrator/suite/suite_measurement.h"
#include "orchestrator/suite/suite_subjects.h"

#define MAKE_ARGS_BYTES 4096u
#define USUAL_PORT 6379u
#define HELP_BYTES (32u << 10)
#define CONFIDENCE 0.95
#define THRESHOLD 0.05

/* All that a suite is made of, from the file to the results. */
struct work {
    const struct suite_request *request;
    const volatile int *interrupted;
    struct suite_config config;
    struct suite_plan plan;
    struct suite_tool tool, filler;
    struct cpu_set_order cpus;
    struct suite_running running;
    struct suite_subjects subjects;
    struct suite_run run;
    struct child_guard guard;
    char config_path[PATH_MAX];
    char make_args[MAKE_ARGS_BYTES]; /* of the option and of the configuration; "": none */
    uint64_t seed;
    int lock_fd;
    struct suite_watch watch;
};

static void tell(void *state, const char *text)
{
    (void)state;
    log_line(LOG_WARNING, "%s", text);
}

/* --- what is measured ------------------------------------------------------------------------ */

/* The usual file comes with volley: beside the sources that it was built from, or where it was installed. */
static const char *find_config(struct work *work)
{
    static const char *const places[] = {"../configs", "../../configs", "../share/volley"};
    const char *given = work->request->config;
    static const char folder[] = "configs/";
    const bool usual = strncmp(given, folder, strlen(folder)) == 0;
    if (access(given, F_OK) != 0 && usual &&
        program_path_beside(work->config_path, sizeof work->config_path, places,
                            sizeof places / sizeof places[0], given + strlen(folder)))
        return work->config_path;
    return given;
}

static bool are_alike(const struct suite_words *one, const struct suite_words *other)
{
    bool alike = one->count == other->count;
    for (size_t i = 0; i < one->count && alike; i++)
        alike = strcmp(one->items[i].text, other->items[i].text) == 0;
    return alike;
}

/* A commit is built once for all configurations. */
static enum err_code find_make_args(struct work *work, struct err *err)
{
    const struct suite_config *config = &work->config;
    const struct suite_words *words = &config->blocks[0].build_args;
    const char *const option = work->request->make_args;
    char *const text = work->make_args;
    size_t used = (size_t)snprintf(text, MAKE_ARGS_BYTES, "%s", option != NULL ? option : "");
    for (size_t i = 1; i < config->block_count; i++)
        if (!are_alike(words, &config->blocks[i].build_args))
            return file_refuse(&config->file, &config->blocks[i].place, "build_args", err,
                               "build_args: other ones than those of the first configuration: a "
                               "commit is built once; make two files of it, or choose by --groups");
    for (size_t i = 0; i < words->count && used < MAKE_ARGS_BYTES; i++) {
        used += (size_t)snprintf(text + used, MAKE_ARGS_BYTES - used, "%s", used > 0 ? " " : "");
        if (used < MAKE_ARGS_BYTES)
            used += shell_word(text + used, MAKE_ARGS_BYTES - used, words->items[i].text);
    }
    return used < MAKE_ARGS_BYTES ? OK
                                  : err_set(err, E_USAGE, "the arguments of make are too long");
}

static enum err_code read_plan(struct work *work, struct err *err)
{
    const struct file_source source = {.name = find_config(work)};
    const struct suite_request *request = work->request;
    const struct suite_choice choice = {.groups = request->groups,
                                        .scenarios = request->scenarios,
                                        .cluster_mode =
                                            request->cluster_filter == SUITE_CLUSTERS     ? 1
                                            : request->cluster_filter == SUITE_BOTH_KINDS ? -1
                                                                                          : 0,
                                        .skip_config_sets = request->skip_config_sets,
                                        .skip_profiling = request->skip_profiling};
    enum err_code code = suite_config_read(&work->config, &source, err);
    if (code == OK)
        code = suite_config_choose(&work->config, &choice, err);
    if (code == OK && request->use_running && suite_config_leave_server(&work->config))
        tell(NULL,
             "a running server is measured as it is: io-threads, settings, modules, setup_commands "
             "and profiling_sets of the configuration are left out");
    if (code == OK && !request->list_plan)
        code = suite_config_find_datasets(&work->config, err);
    if (code == OK)
        code = find_make_args(work, err);
    return code == OK ? suite_plan_make(&work->plan, &work->config, tell, NULL, err) : code;
}

static enum err_code find_volley(struct suite_tool *tool, struct err *err)
{
    char path[SUITE_TOOL_BYTES];
    const ssize_t bytes = readlink("/proc/self/exe", path, sizeof path - 1);
    if (bytes <= 0 || (size_t)bytes == sizeof path - 1)
        return err_set(err, E_SYSTEM, "volley does not find its own program");
    path[bytes] = '\0';
    suite_tool_describe(tool, path, NULL);
    snprintf(tool->version, sizeof tool->version, "volley %s", volley_version);
    return OK;
}

static enum err_code find_tool(struct work *work, struct err *err)
{
    const char *path = work->request->tool_path;
    char *help = NULL, version[200] = "";
    enum err_code code = find_volley(&work->filler, err);
    work->tool = work->filler;
    if (code != OK || path == NULL)
        return code;
    if (strlen(path) >= SUITE_TOOL_BYTES)
        return err_set(err, E_USAGE, "--valkey-benchmark-path: the path is longer than %u bytes",
                       SUITE_TOOL_BYTES - 1);
    if (work->request->list_plan && !work->request->resume) { /* which asks nobody */
        suite_tool_describe(&work->tool, path, "--csv --sequential --duration --warmup --threads");
        return OK;
    }
    help = calloc(1, HELP_BYTES);
    code = help != NULL ? suite_load_ask(help, HELP_BYTES, path, "--help", err)
                        : err_set(err, E_SYSTEM, "no memory for the help of %.200s", path);
    if (code == OK)
        code = suite_load_ask(version, sizeof version, path, "--version", err);
    if (code == OK) {
        suite_tool_describe(&work->tool, path, help);
        snprintf(work->tool.version, sizeof work->tool.version, "%.*s",
                 (int)strcspn(version, "\r\n"), version);
        code = suite_tool_check(&work->tool, &work->plan, err);
    }
    free(help);
    return code == OK ? OK : err->code;
}

/* --- who is measured ------------------------------------------------------------------------- */

static enum err_code find_running(struct work *work, struct err *err)
{
    const struct suite_request *request = work->request;
    const struct suite_running_wish wish = {.host = request->target_ip,
                                            .tree = request->valkey_path,
                                            .cacert = request->cacert,
                                            .cert = request->cert,
                                            .key = request->key,
                                            .user = request->user,
                                            .password = request->password,
                                            .variable = CREDENTIALS_VARIABLE,
                                            .may_flush = request->allow_flush};
    enum err_code code = suite_running_find(&work->running, &wish, &work->plan, err);
    if (code == OK)
        code = suite_subjects_running(&work->subjects, &work->running,
                                      request->commits_text != NULL ? request->refs[0] : NULL,
                                      work->interrupted, err);
    if (code == OK && !request->allow_flush)
        log_line(LOG_WARNING,
                 "the server is not emptied between runs, nor started anew: what one run "
                 "leaves is there in the next; see --allow-flush");
    return code;
}

static enum err_code find_subjects(struct work *work, struct err *err)
{
    const struct suite_request *request = work->request;
    if (request->use_running)
        return find_running(work, err);
    const bool named = request->commits_text != NULL || request->baseline != NULL;
    const struct suite_subjects_wish wish = {.source = {.repository = request->repository,
                                                        .tree = request->valkey_path,
                                                        .make_args = work->make_args,
                                                        .tls = suite_plan_has_tls(&work->plan),
                                                        .keep_programs_built = !named},
                                             .refs = request->refs,
                                             .ref_count = request->ref_count,
                                             .named = named,
                                             .control_of = !request->control ? NULL
                                                           : request->baseline != NULL
                                                               ? request->baseline
                                                               : request->refs[0],
                                             .interrupted = work->interrupted};
    return suite_subjects_build(&work->subjects, &wish, err);
}

/* --- measuring ------------------------------------------------------------------------------- */

static void set_given(json_t *environment, const char *key, const char *text)
{
    if (text != NULL)
        json_object_set_new(environment, key, json_value_text(text));
}

/* env_ and what host_describe says, as far as it may explain a difference. */
static json_t *describe_environment(const struct work *work)
{
    static const char *const keys[] = {
        "kernel", "os",         "cpu_model",   "cpu_count",   "physical_cores",        "governor",
        "turbo",  "numa_nodes", "mitigations", "clocksource", "transparent_hugepages", "aslr"};
    json_t *host = host_describe(&work->cpus), *environment = json_object();
    char name[60];
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        snprintf(name, sizeof name, "env_%s", keys[i]);
        json_object_set(environment, name, json_object_get(host, keys[i]));
    }
    json_object_set(environment, "architecture", json_object_get(host, "architecture"));
    json_object_set_new(environment, "env_tool", json_string(work->tool.version));
    const struct suite_request *request = work->request;
    set_given(environment, "env_make_args", work->make_args[0] != '\0' ? work->make_args : NULL);
    set_given(environment, "repository", request->repository_name);
    set_given(environment, "module",
              request->module != NULL ? request->module : request->module_path);
    set_given(environment, "module_commit", request->module_commit);
    set_given(environment, "module_commit_timestamp", request->module_timestamp);
    json_decref(host);
    return environment;
}

static enum err_code open_run(struct work *work, struct err *err)
{
    const struct suite_request *request = work->request;
    work->run = (struct suite_run){.plan = &work->plan,
                                   .tool = &work->tool,
                                   .filler = &work->filler,
                                   .subjects = work->subjects.items,
                                   .subject_count = work->subjects.count,
                                   .running = &work->running,
                                   .module_path = request->module_path,
                                   .runs = request->runs,
                                   .seed = work->seed,
                                   .seed_is_given = request->has_seed,
                                   .in_turn = request->order == SUITE_TURNS &&
                                              (work->subjects.count > 1 || request->runs > 1),
                                   .resume = request->resume,
                                   .keep_histograms = request->keep_histograms,
                                   .flamegraph = request->flamegraph,
                                   .environment = describe_environment(work),
                                   .allowed_cpus = work->cpus.cpus,
                                   .allowed_count = work->cpus.count,
                                   .interrupted = work->interrupted,
                                   .hear = work->watch.live != NULL ? suite_watch_hear : NULL,
                                   .hearer = &work->watch};
    return suite_run_open(&work->run, request->results_dir, err);
}

/* Starts the server of the first combination, and waits. */
static enum err_code serve(struct work *work, struct err *err)
{
    struct suite_servers *servers = calloc(1, sizeof *servers);
    struct suite_subject *subject = work->subjects.items;
    const struct suite_combination *combination = &work->plan.items[0];
    const struct timespec pause = {.tv_nsec = 50000000};
    char died[700] = "";
    enum err_code code = servers != NULL
                             ? suite_servers_start(servers, &work->run, subject, combination, err)
                             : err_set(err, E_SYSTEM, "no memory for a server");
    if (code == OK) {
        printf("%s %s: %s:%u%s%s%s\n", subject->server_version, subject->name, servers->target.host,
               servers->target.port, combination->block->tls ? ", TLS, authority " : "",
               combination->block->tls ? servers->target.cacert : "",
               combination->block->cluster ? ", cluster" : "");
        (void)fflush(stdout);
        if (combination->block->tls)
            log_line(LOG_INFO, "its certificate is signed for --mode client --cacert %s",
                     servers->target.cacert);
        log_line(LOG_INFO, "Ctrl+C ends the server");
    }
    while (code == OK && *work->interrupted == 0) {
        if (suite_servers_died(servers, died, sizeof died))
            code = err_set(err, E_FAILED, "the server is gone: %.300s", died);
        (void)nanosleep(&pause, NULL);
    }
    if (servers != NULL)
        suite_servers_stop(servers, subject, combination);
    free(servers);
    return code;
}

/* --- comparing ------------------------------------------------------------------------------- */

static const struct suite_subject *find_subject(const struct work *work, const char *ref)
{
    for (size_t i = 0; i < work->subjects.count; i++) {
        const struct suite_subject *subject = &work->subjects.items[i];
        if (subject->control)
            continue;
        if (strcmp(subject->reference, ref) == 0 || strcmp(subject->commit, ref) == 0 ||
            (strlen(ref) >= 4 && strncmp(subject->commit, ref, strlen(ref)) == 0))
            return subject;
    }
    return NULL;
}

/* What the user called it, or the beginning of its name. */
static void name_set(struct record_set *set, const struct suite_subject *subject)
{
    snprintf(set->name, sizeof set->name, "%.*s%s", subject->reference[0] != '\0' ? 40 : 8,
             subject->reference[0] != '\0' ? subject->reference : subject->commit,
             subject->control ? " (control)" : "");
}

static enum err_code compare_two(struct output *output, const struct suite_subject *base,
                                 const struct suite_subject *other, struct err *err)
{
    struct record_set sets[2] = {{.records = NULL}, {.records = NULL}};
    struct comparison comparison = {.rows = NULL};
    const struct comparison_wishes wishes = {
        .confidence = CONFIDENCE, .threshold = THRESHOLD, .rates = true, .latencies = true};
    enum err_code code = record_set_read(&sets[0], base->directory, err);
    if (code == OK)
        code = record_set_read(&sets[1], other->directory, err);
    name_set(&sets[0], base);
    name_set(&sets[1], other);
    if (code == OK)
        code = comparison_make(&comparison, &sets[0], &sets[1], &wishes, err);
    if (code == OK)
        code = comparison_merge(&comparison, err);
    if (code == OK)
        comparison_write_markdown(output, &comparison);
    comparison_free(&comparison);
    record_set_free(&sets[0]);
    record_set_free(&sets[1]);
    return code;
}

/* What somebody needs who is to believe it. */
static void tell_how(struct output *output, const struct work *work)
{
    const char *key;
    const json_t *value;
    output_printf(output, "\n## How it was measured\n\n");
    for (size_t i = 0; i < work->subjects.count; i++) {
        const struct suite_subject *subject = &work->subjects.items[i];
        output_printf(output, "- %s%s%s%s: %s, %s%s%s\n", PRINTABLE(subject->commit),
                      subject->reference[0] != '\0' ? " (" : "", PRINTABLE(subject->reference),
                      subject->reference[0] != '\0' ? ")" : "", subject->timestamp,
                      PRINTABLE(subject->server_version), subject->source[0] != '\0' ? ", " : "",
                      subject->source);
    }
    output_printf(output, "- seed %llu, %llu runs of %zu combinations of %s, order: %s\n",
                  (unsigned long long)work->run.seed, (unsigned long long)work->request->runs,
                  work->plan.count, PRINTABLE(work->config.file.name),
                  work->run.in_turn ? "by turns" : "one after the other");
    json_object_foreach(work->run.environment, key, value)
    {
        if (json_is_string(value))
            output_printf(output, "- %s: %s\n", PRINTABLE(key),
                          PRINTABLE(json_string_value(value)));
    }
}

static void tell_no_comparison(const struct work *work, const struct suite_subject *base,
                               const char *path)
{
    if (work->request->baseline != NULL)
        log_line(LOG_WARNING, "nothing is compared: %s",
                 base == NULL ? "the baseline does not build" : "the baseline is the only commit");
    if (access(path, F_OK) == 0)
        log_line(LOG_WARNING, "%s is of an earlier suite", PRINTABLE(path));
}

static void name_comparison(char path[PATH_MAX], const struct suite_request *request)
{
    snprintf(path, PATH_MAX, "%.3900s/comparison.md", request->results_dir);
}

/* Each of the others with the baseline, one below the other. */
static enum err_code compare_all(const struct work *work, struct err *err)
{
    const struct suite_request *request = work->request;
    const struct suite_subject *base =
        request->baseline != NULL ? find_subject(work, request->baseline) : work->subjects.items;
    struct output output = {.file = NULL};
    size_t failed = 0;
    char path[PATH_MAX];
    name_comparison(path, request);
    if (base == NULL || work->subjects.count < 2 ||
        (request->baseline == NULL && !request->control)) {
        tell_no_comparison(work, base, path);
        return OK;
    }
    enum err_code code = output_create(&output, path, OUTPUT_OWN, err);
    for (size_t i = 0; i < work->subjects.count && code == OK; i++) {
        const struct suite_subject *other = &work->subjects.items[i];
        struct err reason = {.code = OK};
        if (other != base && json_array_size(other->metrics.records) > 0 &&
            json_array_size(base->metrics.records) > 0 &&
            compare_two(&output, base, other, &reason) != OK) {
            log_line(LOG_ERROR, "%s is not compared: %s", PRINTABLE(other->name), reason.text);
            failed++;
        }
    }
    tell_how(&output, work);
    if (code == OK)
        code = output_commit(&output, err);
    output_discard(&output);
    if (code == OK)
        printf("%s\n", PRINTABLE(path));
    return code == OK && failed > 0 ? err_set(err, E_DATA, "%zu commits cannot be compared", failed)
                                    : code;
}

static bool is_compared(const struct suite_request *request)
{
    return request->mode != SUITE_SERVER && (request->baseline != NULL || request->control);
}

/* Where the comparison goes, before hours are spent on what it is of. */
static enum err_code check_comparison(const struct work *work, struct err *err)
{
    struct output output = {.file = NULL};
    char path[PATH_MAX];
    if (!is_compared(work->request))
        return OK;
    name_comparison(path, work->request);
    const enum err_code code = output_probe(&output, path, OUTPUT_OWN, err);
    output_discard(&output);
    return code;
}

static void print_results(const struct work *work)
{
    for (size_t i = 0; i < work->subjects.count; i++) {
        const struct suite_subject *subject = &work->subjects.items[i];
        printf("%s: %zu record%s, %zu run%s measured, %zu failed, %zu there already\n",
               PRINTABLE(subject->metrics.path), json_array_size(subject->metrics.records),
               json_array_size(subject->metrics.records) == 1 ? "" : "s", subject->measured,
               subject->measured == 1 ? "" : "s", subject->failed, subject->skipped);
    }
}

/* Threads that have no CPU wait for one another. */
static void tell_crowded(const struct work *work)
{
    uint32_t *cpus = calloc(SPEC_CPUS_MAX, sizeof cpus[0]);
    const struct suite_block *told = NULL;
    for (size_t i = 0; cpus != NULL && i < work->plan.count; i++) {
        const struct suite_combination *combination = &work->plan.items[i];
        const uint32_t count =
            suite_servers_cpus(cpus, combination, work->cpus.cpus, work->cpus.count);
        if (count > 0 && combination->io_threads > count && combination->block != told) {
            log_line(LOG_WARNING, "io-threads %llu: the server has %u CPU%s for them",
                     (unsigned long long)combination->io_threads, count, count == 1 ? "" : "s");
            told = combination->block;
        }
    }
    free(cpus);
}

/* --- the story ------------------------------------------------------------------------------- */

static uint64_t draw_seed(void)
{
    uint32_t seed = 0;
    if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) != sizeof seed)
        seed = (uint32_t)time(NULL);
    return seed % 1000001;
}

/* Where --mode client looks for it. */
static void settle_port(struct work *work)
{
    if (work->config.blocks[0].port == 0 && work->config.blocks[0].ports.count == 0)
        work->config.blocks[0].port = USUAL_PORT;
}

static enum err_code measure(struct work *work, struct err *err)
{
    if (work->request->mode == SUITE_SERVER && work->plan.items[0].block == work->config.blocks)
        settle_port(work);
    work->seed = work->request->has_seed ? work->request->seed : draw_seed();
    enum err_code code = open_run(work, err);
    for (size_t i = 0; i < work->subjects.count && code == OK; i++)
        suite_log_line(&work->subjects.items[i].log, LOG_INFO,
                       "%s%s%s: seed %llu, combinations %zu, runs %llu%s%s",
                       work->subjects.items[i].name,
                       work->subjects.items[i].reference[0] != '\0' ? ", called " : "",
                       work->subjects.items[i].reference, (unsigned long long)work->run.seed,
                       work->plan.count, (unsigned long long)work->request->runs,
                       work->make_args[0] != '\0' ? ", make " : "", work->make_args);
    if (code == OK && work->request->mode == SUITE_SERVER)
        code = serve(work, err);
    else if (code == OK) {
        code = suite_run_all(&work->run, err);
        print_results(work);
        suite_watch_phase(&work->watch, "comparing");
        struct err reason = {.code = OK};
        if ((code == OK || code == E_FAILED) && compare_all(work, &reason) != OK)
            code = err_set(err, reason.code, "the comparison: %s", reason.text);
    }
    suite_run_close(&work->run);
    json_decref(work->run.environment);
    return code;
}

static enum err_code carry_out(struct work *work, struct err *err)
{
    enum err_code code = read_plan(work, err);
    if (code == OK)
        code = find_tool(work, err);
    if (code == OK && work->request->list_plan)
        return suite_list_print(work->request, &work->plan, &work->tool, err);
    if (code != OK)
        return code;
    if (work->plan.count * work->request->runs > RECORDS_MAX)
        return err_set(err, E_USAGE,
                       "%zu combinations with --runs %llu are more than %u records, the most of a "
                       "metrics.json: measure them apart, with several --results-dir",
                       work->plan.count, (unsigned long long)work->request->runs, RECORDS_MAX);
    if (suite_watch_begin(&work->watch, work->plan.count, err) != OK)
        return err->code;
    child_guard_start(&work->guard);
    code = cpu_order_discover(&work->cpus, "", NULL, err);
    if (code == OK)
        code = suite_config_check_machine(&work->config, work->cpus.cpus, work->cpus.count, err);
    if (code == OK && !work->request->use_running)
        tell_crowded(work);
    const bool profiles = work->request->flamegraph || suite_plan_is_profiled(&work->plan);
    const char *const why =
        work->request->flamegraph ? "--flamegraph" : "profiling_sets (or --skip-profiling)";
    if (code == OK && profiles)
        code = page_bundle_check(why, NULL, err);
    if (code == OK && profiles)
        code = suite_profile_check(why, err);
    if (code == OK)
        code = suite_lock_take(&work->lock_fd, work->request->results_dir, err);
    if (code == OK)
        code = check_comparison(work, err);
    if (code == OK)
        code = find_subjects(work, err);
    if (code == OK)
        code = measure(work, err);
    if (code == OK && work->subjects.failed > 0)
        code = err_set(err, E_FAILED, "%zu of %zu commits do not build", work->subjects.failed,
                       work->request->ref_count);
    return code;
}

static void end_watch(struct work *work, enum err_code code, const struct err *err)
{
    struct suite_watch_verdict verdict = {.code = code, .error = err->text};
    for (size_t i = 0; i < work->subjects.count; i++) {
        verdict.measured_count += work->subjects.items[i].measured;
        verdict.failed_count += work->subjects.items[i].failed;
    }
    suite_watch_end(&work->watch, &verdict, work->interrupted);
}

static enum err_code run(void *target, struct err *err)
{
    const struct suite_request *request = target;
    struct work *work = calloc(1, sizeof *work);
    if (work == NULL)
        return err_set(err, E_SYSTEM, "no memory for a suite");
    log_set_level(request->log_level);
    work->request = request;
    work->interrupted = &interrupts_install()->count;
    work->lock_fd = -1;
    enum err_code code = suite_watch_open(&work->watch, request, err);
    if (code == OK)
        code = carry_out(work, err);
    end_watch(work, code, err);
    suite_subjects_free(&work->subjects);
    suite_running_free(&work->running);
    child_guard_stop(&work->guard);
    suite_lock_release(work->lock_fd);
    suite_plan_free(&work->plan);
    suite_config_free(&work->config);
    free(work);
    return code;
}

int command_suite(int argc, const char *const *argv)
{
    struct suite_request request = {.help = false};
    const struct command_frame frame = {.table = &suite_option_table,
                                        .target = &request,
                                        .values = &request.values,
                                        .help = &request.help,
                                        .parse = suite_options_parse,
                                        .run = run,
                                        .destroy = suite_options_free};
    return command_frame_run(&frame, argc, argv);
}
