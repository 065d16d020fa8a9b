/* `volley run scenario FILE|NAME`, and what there is to say of scenarios without a server: list-scenarios, validate. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/printable.h"
#include "common/secret.h"
#include "common/tls_stream.h"
#include "common/units.h"
#include "orchestrator/commands/bench_outputs.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/commands/frame.h"
#include "orchestrator/commands/interrupts.h"
#include "orchestrator/commands/scenario_actions.h"
#include "orchestrator/commands/scenario_address.h"
#include "orchestrator/commands/scenario_buffers.h"
#include "orchestrator/commands/scenario_cleanup.h"
#include "orchestrator/commands/scenario_disturb.h"
#include "orchestrator/commands/scenario_index.h"
#include "orchestrator/commands/scenario_leftovers.h"
#include "orchestrator/commands/scenario_pages.h"
#include "orchestrator/commands/scenario_resume.h"
#include "orchestrator/commands/scenario_run.h"
#include "orchestrator/commands/scenario_servers.h"
#include "orchestrator/options/bench_groups.h"
#include "orchestrator/report/output.h"
#include "orchestrator/report/shell_word.h"
#include "orchestrator/scenario/judge.h"
#include "orchestrator/scenario/quick_scenario.h"
#include "orchestrator/scenario/scenario_events.h"
#include "orchestrator/scenario/scenario_file.h"
#include "orchestrator/scenario/scenario_files.h"
#include "orchestrator/scenario/scenario_library.h"
#include "orchestrator/scenario/scenario_plan.h"
#include "orchestrator/scenario/vector_report.h"

#define VARIABLES_MAX 64u
#define RUNS_OF_AN_HOUR_MAX 999u
#define RUN_NAME_BYTES (SCENARIO_NAME_BYTES + 32u)

struct run_request {
    struct bench_request bench; /* first: its options fit */
    struct command_words words;
    uint64_t host_reserve_bytes;
    const char *output, *variables_text, *scale_text, *scenario_file, *resume_directory;
    struct scenario_origin origin;
    struct scenario_resume resume;
    struct quick_scenario quick;
    char quick_text[QUICK_SCENARIO_BYTES];
    uint64_t quick_ns;
    bool verbose;
    bool dry_run, strict, force, allow_flush, allow_failover, cleanup, quiet;

    char *variables; /* a copy, cut */
    const char *variable_items[VARIABLES_MAX];
    size_t variable_count;
    double scale;
    char *path; /* of the scenario's file, which messages name */
    struct scenario_server_words server_words;
    struct scenario scenario;
    struct scenario_document document;
    struct session session;
    struct scenario_run run;
    char name[RUN_NAME_BYTES]; /* of the run */
    char directory[BENCH_PATH_BYTES];
    bool has_directory; /* of this run, with nothing measured in it */
    struct scenario_pages pages;
};

static enum err_code parse_scale(void *target, const char *value, struct err *err)
{
    char *end = NULL;
    const double scale = strtod(value, &end);
    struct run_request *request = target;
    if (end == value || *end != '\0' || !(scale >= 0.0001 && scale <= 10))
        return err_set(err, E_USAGE, "--scale %.40s: a number from 0.0001 to 10", value);
    request->scale = scale;
    return OK;
}

#define AT(member) offsetof(struct run_request, member)
/* clang-format off: a row reads best as a few short lines */
static const struct option_row own_rows[] = {
    {ROW("output", "o", OPTION_TEXT, "DIR", AT(output)), .needs_trust = true, .section = "Scenario",
     .help = "Where the run gets a directory of its own, <scenario>_<YYYYMMDDHH>; without it "
             "VST_OUTPUT_DIR, else results."},
    {ROW("scenario", NULL, OPTION_TEXT, "FILE", AT(scenario_file)), .section = "Scenario",
     .help = "The scenario, in place of the word behind \"run scenario\"."},
    {ROW("dataset", "d", OPTION_TEXT, "NAME", AT(quick.dataset)), .section = "Scenario",
     .unset = "openai-5m",
     .help = "Of run quick: how large values are, by a name of \"volley "
             "dataset list\"."},
    {ROW("workload", "w", OPTION_TEXT, "NAME", AT(quick.workload)), .section = "Scenario",
     .unset = "mixed", .help = "Of run quick: mixed, ingest, query or shrink."},
    {ROW("duration", "t", OPTION_DURATION, "TIME", AT(quick_ns)), .section = "Scenario",
     BARE(NS_PER_SECOND, NS_PER_SECOND, 1000ull * 3600 * NS_PER_SECOND), .unset = "300",
     .help = "Of run quick: how long at most; a bare number is seconds."},
    {ROW("variables", NULL, OPTION_TEXT, "K=V,...", AT(variables_text)), .repeats = true,
     .section = "Scenario",
     .help = "What ${K} in the file stands for; else the environment says it. May be given again, "
             "for other variables."},
    {ROW("scale", NULL, OPTION_CUSTOM, "S", 0), .parse = parse_scale, .section = "Scenario",
     .help = "Multiply the memory target, numbers of keys and durations, so that a long scenario "
             "can be tried; rates, clients and percentages stay."},
    {ROW("dry-run", NULL, OPTION_FLAG, NULL, AT(dry_run)), .section = "Scenario",
     .help = "Read and check the file, print the phases, and connect to nothing."},
    {ROW("strict", NULL, OPTION_FLAG, NULL, AT(strict)), .section = "Scenario",
     .help = "Exit with status 1 on a warning of the checks, too."},
    {ROW("force", NULL, OPTION_FLAG, NULL, AT(force)), .section = "Scenario",
     .help = "Also where the memory target takes more than 90 % of what the host or the server's "
             "maxmemory has left, or where keys of an earlier run of the scenario are still "
             "there."},
    {ROW("host-reserve", NULL, OPTION_SIZE, "SIZE", AT(host_reserve_bytes)), NUMBER(1, 1ull << 50),
     .unset = "256mb", .section = "Scenario",
     .help = "Memory of this host that stays free where the servers run here: a phase that may "
             "make the data grow ends when less is available."},
    {ROW("allow-flush", NULL, OPTION_FLAG, NULL, AT(allow_flush)), .section = "Scenario",
     .help = "Let phases of type flush with scope db or all empty a database that volley did not "
             "fill."},
    {ROW("cleanup", NULL, OPTION_FLAG, NULL, AT(cleanup)), .section = "Scenario",
     .help = "Remove the keys of the run from the server when it ends, also by Ctrl+C."},
    {ROW("verbose", "v", OPTION_FLAG, NULL, AT(verbose)), .section = "Scenario",
     .help = "The same as --log-level info; the variable VST_LOG_LEVEL gives another one."},
    {ROW("resume", NULL, OPTION_TEXT, "DIR", AT(resume_directory)), .section = "Scenario",
     .help = "Go on with the run of this directory, which Ctrl+C has ended, where it stopped: the "
             "same scenario, variables and scale, on the same server."},
    {ROW("allow-external-failover", NULL, OPTION_FLAG, NULL, AT(allow_failover)),
     .needs_trust = true, .section = "Scenario",
     .help = "Let phases of type failover have a replica take over (CLUSTER FAILOVER FORCE) in a "
             "cluster that volley did not start; nothing else is done to its nodes."},
    {ROW("quiet", "q", OPTION_FLAG, NULL, AT(quiet)), .section = "Scenario",
     .help = "Print the checks alone."},
    {ROW("config", "c", OPTION_ELSEWHERE, NULL, 0), .command_line_only = true,
     .section = "Scenario",
     .help = "use -h, -p and --dbnum for what its redis or valkey section says, and "
             "sample_interval, index and checks of the scenario's file"},
    HELP_ROW(AT(bench.help)),
};

static const struct option_change changes[] = {
    {.name = "html", .help = "Write the page of the run when it ends, also by Ctrl+C: one file."},
    {.name = "png",
     .help = "Draw the run into this directory, which is made: SCENARIO_memory_analysis.png, "
             "_performance_correlation.png and _phase_heatmap.png. Needs gnuplot."},
};
/* clang-format on */
#undef AT

static const char usage[] =
    "volley run scenario FILE|NAME [OPTIONS] | quick [OPTIONS] | list-scenarios | validate "
    "FILE|NAME";

const struct option_table *run_option_table(void)
{
    static struct option_row rows[OPTION_TABLE_ROWS_MAX];
    static struct option_table table = {
        .command = "run",
        .usage = usage,
        .synopsis =
            "Carries out a scenario, a file of phases: load, hold, delete, overwrite, expire, idle "
            "and others, with the server's memory sampled on the same time axis, and judges it by "
            "the file's checks. Without -h a server of volley's own is started for it.",
        .epilogue = "Example: volley run scenario grow_shrink_mini",
        .takes_command = true,
    };
    static const struct option_group own = GROUP(NULL, 0, own_rows);
    static const struct option_use load_uses[] = {
        {&managed_group, offsetof(struct run_request, bench.spec.managed)},
        {&worker_group, offsetof(struct run_request, bench.spec.workers)},
        {&output_group, offsetof(struct run_request, bench.spec.outputs)},
        {&watch_group, offsetof(struct run_request, bench.spec.watch)},
    };
    if (!endpoint_table_fill(&table, rows, OF_RUN, &own))
        return &table;
    for (size_t i = 0; i < sizeof load_uses / sizeof load_uses[0]; i++)
        option_table_add(&table, rows, OF_RUN, &load_uses[i]);
    option_table_change(&table, rows, changes, sizeof changes / sizeof changes[0]);
    return &table;
}

/* ---- the file ---- */

static enum err_code cut_variables(struct run_request *request, struct err *err)
{
    if (request->variables_text == NULL)
        return OK;
    request->variables = strdup(request->variables_text);
    if (request->variables == NULL)
        return err_set(err, E_SYSTEM, "no memory for --variables");
    for (char *at = request->variables; *at != '\0';) {
        const size_t bytes = strcspn(at, ",");
        const bool last = at[bytes] == '\0';
        at[bytes] = '\0';
        if (request->variable_count == VARIABLES_MAX)
            return err_set(err, E_USAGE, "--variables: more than %u", VARIABLES_MAX);
        request->variable_items[request->variable_count++] = at;
        at += bytes + !last;
        if (last)
            break;
    }
    return OK;
}

/* name NULL: the one that was made on the spot. */
static enum err_code read_scenario(struct run_request *request, const char *name, struct err *err)
{
    struct file_source source = {.name = "quick", .text = request->quick_text};
    enum err_code code = cut_variables(request, err);
    if (code == OK && name != NULL)
        code = scenario_library_find(&request->path, name, err);
    if (code != OK)
        return code;
    if (name != NULL && realpath(request->path, request->origin.path) == NULL)
        snprintf(request->origin.path, sizeof request->origin.path, "%s", request->path);
    request->origin.text = request->quick_text;
    request->origin.variables = request->variables_text;
    request->origin.scale = request->scale;
    if (name != NULL)
        source = (struct file_source){.name = request->path};
    else
        source.text_bytes = strlen(request->quick_text);
    const struct scenario_wish wish = {
        .variables = {.items = request->variable_items, .count = request->variable_count},
        .scale = request->scale};
    code = scenario_read(&request->scenario, &request->document, &source, &wish, err);
    if (code == OK &&
        request->document.notice[0] != '\0') /* the author's affair, not the runner's */
        log_line(request->words.count > 0 && strcmp(request->words.items[0], "validate") == 0
                     ? LOG_WARNING
                     : LOG_INFO,
                 "%s", PRINTABLE(request->document.notice));
    if (code == OK && request->document.ignored[0] != '\0')
        log_line(LOG_WARNING, "%s: these keys mean nothing here: %s", PRINTABLE(source.name),
                 PRINTABLE(request->document.ignored));
    return code;
}

static enum err_code list_folder(const struct shipped_kind *kind, struct err *err)
{
    struct shipped_files files;
    enum err_code code = shipped_files_open(&files, kind, err);
    for (size_t i = 0; i < files.count && code == OK; i++) {
        char description[512];
        char *path = NULL;
        struct err own = {.code = OK};
        enum err_code found = shipped_files_find(&path, &files, files.names[i], &own);
        if (found == OK)
            found = scenario_library_describe(description, sizeof description, path, &own);
        if (found == OK)
            printf("%-32s  %s\n", files.names[i], PRINTABLE(description));
        else
            code = err_set(err, found, "%s", own.text);
        free(path);
    }
    shipped_files_close(&files);
    return code;
}

static enum err_code list_scenarios(struct err *err)
{
    enum err_code code = OK;
    for (unsigned i = 0; i < SCENARIO_LIBRARIES && code == OK; i++)
        code = list_folder(&scenario_libraries[i], err);
    return code;
}

/* ---- the run ---- */

static bool is_set(const char *value)
{
    return value != NULL && value[0] != '\0';
}

static bool server_is_named(const struct option_values *values)
{
    static const char *const options[] = {"host",     "port",    "socket", "uri",
                                          "sentinel", "managed", "cluster"};
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        if (options_given(values, options[i]))
            return true;
    return false;
}

/* Taken out of the environment as VOLLEY_AUTH is, used or not: what is started from here on sees it nowhere. */
static enum err_code take_password(struct bench_request *bench, bool wanted, struct err *err)
{
    char *value = getenv("VST_VALKEY_PASSWORD");
    if (!is_set(value))
        return OK;
    if (wanted && !options_given(&bench->values, "password")) {
        secret_free(bench->login.secret);
        bench->login.secret = secret_copy(value);
        bench->spec.endpoint.password = bench->login.secret;
    } else if (!wanted)
        log_line(LOG_WARNING, "VST_VALKEY_PASSWORD is set, and not looked at: it goes with "
                              "VST_VALKEY_HOST or VST_VALKEY_PORT alone");
    const bool copied = !wanted || bench->spec.endpoint.password != NULL;
    secret_wipe(value);
    unsetenv("VST_VALKEY_PASSWORD");
    return copied ? OK : err_set(err, E_SYSTEM, "no memory for VST_VALKEY_PASSWORD");
}

/* The server, where no option names one: that of the variables, or else one of volley's own. */
static enum err_code take_environment(struct run_request *request, struct err *err)
{
    struct endpoint *endpoint = &request->bench.spec.endpoint;
    const bool named = server_is_named(&request->bench.values);
    const char *host = getenv("VST_VALKEY_HOST"), *port = getenv("VST_VALKEY_PORT");
    const bool meant = !named && (is_set(host) || is_set(port));
    uint64_t number;
    request->bench.spec.managed.wanted |= !named && !meant;
    if (meant && is_set(host))
        endpoint->host = host;
    if (meant && is_set(port)) {
        if (!units_parse_count(&number, port) || number == 0 || number > UINT16_MAX)
            return err_set(err, E_USAGE, "VST_VALKEY_PORT is %.40s: a port is 1 to 65535",
                           PRINTABLE(port));
        endpoint->port = (uint16_t)number;
    }
    return take_password(&request->bench, meant, err);
}

static enum err_code settle(struct run_request *request, struct err *err)
{
    static option_step *const steps[] = {endpoint_settle, managed_settle, tls_settle, worker_settle,
                                         watch_settle};
    struct bench_request *bench = &request->bench;
    enum err_code code = take_environment(request, err);
    if (code == OK)
        code = scenario_servers_shape(bench, &request->scenario, err);
    if (code == OK)
        code = scenario_disturb_allowed(&bench->spec.managed, &request->scenario,
                                        request->allow_failover, err);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0] && code == OK; i++)
        code = steps[i](bench, err);
    if (code == OK)
        code = scenario_buffers_allowed(bench, &request->scenario, err);
    scenario_servers_tell(&request->server_words, bench, &request->scenario);
    for (uint32_t i = 0; i < bench->notice_count; i++)
        log_line(LOG_WARNING, "%s", bench->notices[i]);
    bench->spec.load.tests[0] = "get"; /* stands for the phases where a plan is made of one test */
    bench->spec.load.test_count = 1;
    bench->spec.load.clients = 1;
    for (uint32_t i = 0; i < request->scenario.phase_count; i++)
        if (request->scenario.phases[i].clients > bench->spec.load.clients)
            bench->spec.load.clients = request->scenario.phases[i].clients;
    if (request->scenario.sample_interval_ns < bench->spec.load.interval_ns)
        bench->spec.load.interval_ns = request->scenario.sample_interval_ns;
    bench->spec.outputs.out_dir = request->directory;
    return code;
}

/* <scenario>_<YYYYMMDDHH>, and _2, _3 ... where that is there. */
static enum err_code choose_directory(struct run_request *request, struct err *err)
{
    const char *base = request->output != NULL ? request->output : getenv("VST_OUTPUT_DIR");
    char hour[16];
    const time_t now = time(NULL);
    struct tm local;
    localtime_r(&now, &local);
    strftime(hour, sizeof hour, "%Y%m%d%H", &local);
    if (base == NULL || base[0] == '\0')
        base = "results";
    for (unsigned i = 1; i <= RUNS_OF_AN_HOUR_MAX; i++) {
        char number[16] = "";
        struct stat there;
        if (i > 1)
            snprintf(number, sizeof number, "_%u", i);
        snprintf(request->name, sizeof request->name, "%s_%s%s", request->scenario.name, hour,
                 number);
        if (bench_outputs_path(request->directory, base, request->name, err) != OK)
            return err->code;
        if (lstat(request->directory, &there) != 0)
            return OK;
    }
    return err_set(err, E_USAGE, "%.200s: there are %u runs of this hour already", base,
                   RUNS_OF_AN_HOUR_MAX);
}

static enum err_code write_files(const struct run_request *request,
                                 const struct observation *observation,
                                 const struct analysis *analysis,
                                 const struct check_outcome *outcomes, struct err *err)
{
    const struct scenario_run *run = &request->run;
    const struct scenario_facts facts = {
        .run = request->name,
        .continues = request->resume.run,
        .allocator = run->allocator,
        .environment = request->session.facts.environment,
        .vectors = scenario_index_driver(run),
        .started_wall_ns = run->began_wall_ns,
        .interrupted = request->session.interrupts->count > 0,
        .events = &run->events,
        .samples = run->samples,
        .samples_missed = run->samples_missed,
        .sampling_seconds = run->sampling_seconds,
        .nodes = &run->nodes,
    };
    return scenario_files_write(request->directory, &facts, observation, analysis, outcomes, err);
}

/* Judges and writes what there is, also of a run that was ended early. */
static enum err_code conclude(struct run_request *request, struct err *err)
{
    const struct observation observation = scenario_run_observation(&request->run);
    struct analysis analysis = {.phases = NULL};
    struct output out;
    struct check_outcome *outcomes = calloc(request->scenario.check_count + 1u, sizeof *outcomes);
    if (outcomes == NULL)
        return err_set(err, E_SYSTEM, "no memory to judge a scenario");
    scenario_events_settle(&request->run.events, &request->scenario, request->run.accounts);
    enum err_code code = analysis_make(&analysis, &observation, err);
    if (code == OK)
        code = judge_checks(outcomes, &observation, err);
    if (code == OK) {
        output_borrow(&out, stdout);
        if (!request->quiet)
            judge_print_phases(&out, &observation);
        if (!request->quiet)
            phase_buffer_print(&out, &observation);
        if (!request->quiet)
            judge_print_verdicts(&out, &observation, request->directory);
        if (!request->quiet && scenario_index_driver(&request->run) != NULL)
            vector_report_print(&out, scenario_index_driver(&request->run), &observation);
        if (!request->quiet)
            judge_print_events(&out, &request->scenario, &request->run.events);
        if (!request->quiet && request->scenario.check_count > 0)
            output_printf(&out, "\n");
        judge_print_checks(&out, &request->scenario, outcomes);
        code = write_files(request, &observation, &analysis, outcomes, err);
        if (code == OK && !request->quiet)
            output_printf(&out, "\n%s\n", request->directory);
        code =
            err_worse(code, judge_status(outcomes, request->scenario.check_count, request->strict));
        code = err_worse(code, output_status(&out, err));
    }
    analysis_free(&analysis);
    free(outcomes);
    return code;
}

/* What --resume needs, of a run that was interrupted and left its keys. */
static enum err_code keep_for_later(const struct run_request *request, struct err *err)
{
    const struct scenario_run *run = &request->run;
    bool kept = false;
    if (request->session.interrupts->count == 0 || request->cleanup || run->accounts == NULL ||
        run->map == NULL)
        return OK;
    const enum err_code code = scenario_resume_keep(
        &kept, run, &request->document, &request->origin, request->name, request->directory, err);
    if (code == OK && kept) {
        const struct endpoint *endpoint = &request->bench.spec.endpoint;
        char server[SCENARIO_ADDRESS_BYTES], directory[PRINTABLE_BYTES];
        if (shell_word(directory, sizeof directory, request->directory) >= sizeof directory)
            snprintf(directory, sizeof directory, "DIR");
        scenario_address_of_volley(server, endpoint);
        log_line(LOG_WARNING, "to go on where it stopped%s: volley run scenario --resume %s%s",
                 endpoint->password != NULL ? " (the password goes into VOLLEY_AUTH)" : "",
                 printable_line(directory), server);
    }
    return code;
}

static enum err_code run_scenario(struct run_request *request, struct err *err)
{
    struct session *session = &request->session;
    struct scenario_run *run = &request->run;
    enum err_code code = choose_directory(request, err);
    if (code == OK)
        code = settle(request, err);
    if (code == OK && request->resume_directory != NULL && request->bench.spec.managed.wanted)
        code = err_set(err, E_USAGE, "--resume: name the server that the run was on, by -h and -p");
    if (code == OK)
        code = scenario_index_settle(&request->scenario, &request->bench.spec.endpoint, err);
    if (code != OK)
        return code;
    session->request = &request->bench;
    session->command = "run";
    session->watching.sampled = true; /* by the scenario */
    session->more_runs_ns = request->scenario.planned_duration_ns;
    *run = (struct scenario_run){
        .session = session,
        .scenario = &request->scenario,
        .resume = request->resume_directory != NULL ? &request->resume : NULL,
        .force = request->force,
        .host_least_bytes = (double)request->host_reserve_bytes,
        .fail_over_others = request->allow_failover,
        .show_progress = request->bench.spec.outputs.progress || request->bench.spec.watch.tui ||
                         (isatty(STDERR_FILENO) == 1 && !request->quiet),
    };
    snprintf(run->prefix, sizeof run->prefix, "vst:%.40s:", request->scenario.name);
    code = scenario_actions_plan(run, &request->document.file, err);
    if (code == OK)
        code = scenario_pages_open(&request->pages, &request->bench.spec.outputs, err);
    if (code == OK)
        code = session_prepare(session, err);
    if (code == OK)
        code = session_open(session, err);
    if (code == OK)
        code = bench_outputs_add_directory(&session->timeline, &request->bench.spec, err);
    request->has_directory = code == OK;
    if (code == OK)
        code = session_reach(session, err);
    if (code == OK)
        code = scenario_run_check(run, err);
    if (code == OK)
        code = scenario_leftovers_check(run, err);
    if (code == OK && run->resume != NULL)
        code = scenario_resume_check(run->resume, run, err);
    if (code != OK)
        return code;
    code = scenario_run_phases(run, err);
    request->has_directory = run->accounts == NULL;
    if (request->cleanup && !request->bench.spec.managed.wanted && code != E_CONNECT)
        scenario_clean_up(run);
    code = err_worse(code, session_end(session));
    if (!request->bench.spec.managed.wanted) {
        scenario_tell_leftovers(run);
        code = err_worse(code, keep_for_later(request, err));
    }
    return run->accounts != NULL ? err_worse(code, conclude(request, err)) : code;
}

/* ---- the command ---- */

/* The scenario that an earlier run began with; *name NULL: one that was made on the spot. */
static enum err_code resume(struct run_request *request, const char **name, struct err *err)
{
    static const char *const its_own[] = {"variables", "scale", "dataset", "workload", "duration"};
    const struct scenario_origin *origin = &request->resume.origin;
    for (size_t i = 0; i < sizeof its_own / sizeof its_own[0]; i++)
        if (options_given(&request->bench.values, its_own[i]))
            return err_set(err, E_USAGE, "--%s: a run that goes on has it as it began with it",
                           its_own[i]);
    if (options_given(&request->bench.values, "managed"))
        return err_set(err, E_USAGE, "--resume goes on at a server that is still there");
    const enum err_code code =
        scenario_resume_read(&request->resume, request->resume_directory, err);
    if (code != OK)
        return code;
    request->variables_text = origin->variables;
    request->scale = origin->scale;
    *name = origin->path[0] != '\0' ? origin->path : NULL;
    if (*name == NULL)
        snprintf(request->quick_text, sizeof request->quick_text, "%s", origin->text);
    return OK;
}

/* --scenario stands for the word that names one, and "scenario" may be left out then. */
static enum err_code choose_scenario(struct run_request *request, const char *what,
                                     const char **name, struct err *err)
{
    const struct command_words *words = &request->words;
    const bool quick = strcmp(what, "quick") == 0;
    const size_t names = words->count > 0 ? words->count - 1 : 0;
    *name = request->scenario_file != NULL ? request->scenario_file
            : names == 1                   ? words->items[1]
                                           : NULL;
    if (!quick && strcmp(what, "validate") != 0 && strcmp(what, "scenario") != 0)
        return err_set(err, E_USAGE, "%s%.40s: %s",
                       words->count > 0 ? "there is no run " : "run needs a word", PRINTABLE(what),
                       usage);
    if (output_is_stdout(request->bench.spec.outputs.html_path))
        return err_set(err, E_USAGE, "--html -: the page needs a file of its own");
    if (request->resume_directory != NULL)
        return strcmp(what, "scenario") == 0 && *name == NULL
                   ? resume(request, name, err)
                   : err_set(err, E_USAGE,
                             "--resume goes on with the scenario of its run, and takes no other");
    if (quick && (names > 0 || *name != NULL))
        return err_set(err, E_USAGE, "run quick makes its own scenario, and takes no file");
    if (!quick && names + (request->scenario_file != NULL) != 1)
        return err_set(err, E_USAGE, "name one scenario, a file or one of list-scenarios: %s",
                       usage);
    static const char *const of_quick[] = {"dataset", "workload", "duration"};
    for (size_t i = 0; !quick && i < sizeof of_quick / sizeof of_quick[0]; i++)
        if (options_given(&request->bench.values, of_quick[i]))
            return err_set(err, E_USAGE, "--%s is of run quick: a scenario's file says it",
                           of_quick[i]);
    request->quick.seconds = (double)request->quick_ns / 1e9;
    return quick ? quick_scenario_write(request->quick_text, &request->quick, err) : OK;
}

/* Variables of the tool whose scenarios these are that mean nothing here. */
static void note_variables(void)
{
    static const char *const names[][2] = {
        {"VST_CONFIG_FILE", "-h, -p and --dbnum say which server, the scenario's file the rest"},
        {"VST_DATASET_DIR", "no files of vectors are read"},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (is_set(getenv(names[i][0])))
            log_line(LOG_WARNING, "%s is set, and not looked at: %s", names[i][0], names[i][1]);
    }
}

static void settle_log_level(const struct run_request *request)
{
    const char *level_text = getenv("VST_LOG_LEVEL");
    enum log_level level;
    if (request->verbose)
        log_set_level(LOG_INFO);
    else if (options_given(&request->bench.values, "log-level") || !is_set(level_text))
        return;
    else if (log_level_parse(&level, level_text))
        log_set_level(level);
    else
        log_line(LOG_WARNING,
                 "VST_LOG_LEVEL is %.40s, and not looked at: known are error, warning, "
                 "info and debug",
                 PRINTABLE(level_text));
}

static enum err_code run(void *target, struct err *err)
{
    struct run_request *request = target;
    const struct command_words *words = &request->words;
    const char *what = words->count > 0 ? words->items[0]
                       : request->scenario_file != NULL || request->resume_directory != NULL
                           ? "scenario"
                           : "",
               *name;
    settle_log_level(request);
    note_variables();
    if (strcmp(what, "list-scenarios") == 0 && words->count == 1)
        return list_scenarios(err);
    enum err_code code = choose_scenario(request, what, &name, err);
    if (code == OK)
        code = read_scenario(request, name, err);
    if (code == OK && request->resume_directory != NULL)
        code =
            scenario_resume_settle(&request->resume, &request->scenario, &request->document, err);
    if (code != OK)
        return code;
    if (strcmp(what, "validate") == 0 || request->dry_run) {
        struct output out;
        output_borrow(&out, stdout);
        scenario_plan_print(&out, &request->scenario);
        return output_status(&out, err);
    }
    for (uint32_t i = 0; i < request->scenario.phase_count; i++)
        if (request->scenario.phases[i].flush_all && !request->allow_flush)
            return err_set(err, E_USAGE,
                           "phase %s empties a database, also of what volley did not write: it "
                           "needs --allow-flush",
                           request->scenario.phases[i].name);
    code = run_scenario(request, err);
    return request->run.accounts == NULL
               ? code
               : scenario_pages_end(&request->pages, code, request->directory,
                                    request->scenario.name, err);
}

/* Nothing was measured: the next run is to have the name. What else is there stays. */
static void remove_directory(const struct run_request *request)
{
    char log_path[BENCH_PATH_BYTES];
    if (request->has_directory &&
        bench_outputs_path(log_path, request->directory, "volley.log", NULL) == OK) {
        (void)unlink(log_path);
        (void)rmdir(request->directory);
    }
}

static void destroy(void *target)
{
    struct run_request *request = target;
    scenario_pages_close(&request->pages);
    scenario_run_free(&request->run);
    scenario_resume_free(&request->resume);
    session_free(&request->session);
    remove_directory(request);
    scenario_free(&request->scenario, &request->document);
    free(request->path);
    free(request->variables);
    bench_options_free(&request->bench);
}

static void prepare(void *target, int argc, const char *const *argv)
{
    struct run_request *request = target;
    request->session.argc = argc;
    request->session.argv = argv;
}

int command_run(int argc, const char *const *argv)
{
    const struct command_frame frame = {
        .table = run_option_table(), .prepare = prepare, .run = run, .destroy = destroy};
    return command_frame_run_bench(&frame, sizeof(struct run_request),
                                   offsetof(struct run_request, words), argc, argv);
}
