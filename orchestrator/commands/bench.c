/* `volley bench`: parse, plan, prepare the target, run each step, report. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/log.h"
#include "common/printable.h"
#include "common/units.h"
#include "common/version.h"
#include "orchestrator/capacity/abort.h"
#include "orchestrator/commands/bench_outputs.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/commands/explain.h"
#include "orchestrator/commands/filling.h"
#include "orchestrator/commands/session.h"
#include "orchestrator/options/credentials.h"
#include "orchestrator/options/dialect.h"
#include "orchestrator/report/figures.h"
#include "orchestrator/report/json_value.h"
#include "orchestrator/report/output.h"

static void print_notices(const struct bench_request *request)
{
    for (uint32_t i = 0; i < request->notice_count; i++)
        if (request->dialect != NULL)
            fprintf(stderr, "%s\n", PRINTABLE(request->notices[i]));
        else
            log_line(LOG_WARNING, "%s", request->notices[i]);
}

/* When results go to a reader alone and it has gone, nobody is left for whom to load the server. */
static enum err_code heed_reader(void *state, const struct interval_row *row,
                                 const struct error_kinds *error_kinds, struct err *err)
{
    struct session *session = state;
    (void)row;
    (void)error_kinds;
    (void)err;
    if (!session->unheard && output_reader_gone(stdout)) {
        session->unheard = true;
        log_line(LOG_WARNING, "the reader of standard output has gone: the run ends");
    }
    if (session->unheard)
        session->interrupts->enough = true;
    return OK;
}

static enum err_code open_outputs(struct session *session, struct err *err)
{
    const struct spec *spec = &session->request->spec;
    if (bench_outputs_only_stdout(spec) && (fcntl(STDOUT_FILENO, F_GETFL) & O_ACCMODE) == O_RDONLY)
        return err_set(err, E_USAGE,
                       "standard output is closed, and nothing else says where the result goes: "
                       "give --out, --json or --hdr");
    enum err_code code = OK;
    if (session->request->dialect == NULL && !spec->watch.tui &&
        (spec->outputs.progress ||
         (isatty(STDERR_FILENO) && !spec->outputs.quiet && !spec->outputs.csv)))
        code = session_show_progress(
            session, session->steps.count > 1 || spec->load.loop || spec->load.runs > 1, err);
    if (code == OK)
        code = bench_outputs_add(&session->timeline, session->request, err);
    if (code == OK && bench_outputs_only_stdout(spec))
        timeline_add(&session->timeline,
                     (struct sink){.name = "reader", .state = session, .interval = heed_reader});
    return code;
}

/* Of a run as another tool only what is wrong is said: an error, in that tool's words, which ends the
 * session as it does there; or a verdict that is RED. */
static enum err_code status_in_dialect(const struct session *session)
{
    const struct run_result *result = session->result;
    const bool failed = figure_any_failure(result);
    const char *name = session->run->name;
    if (result->error_kinds->count > 0)
        fprintf(stderr, "Error from server: %s\n", PRINTABLE(result->error_kinds->kinds[0].text));
    else if (failed)
        log_line(LOG_ERROR, "Error: %s: a connection was lost, and replies with it", name);
    else if (result->status != OK && result->status != E_INTERRUPTED)
        log_line(LOG_ERROR, "Error: %s: %s", name, result->status_text);
    if (failed || result->status != OK)
        return err_worse(result->status, failed ? E_FAILED : OK);
    for (uint32_t i = 0; i < result->verdict.check_count; i++) {
        const struct verdict_check *check = &result->verdict.checks[i];
        if (check->level != VERDICT_RED)
            continue;
        log_line(LOG_ERROR, "%s: do not use these figures: %s %s (limit: %s); %s", name,
                 check->name, check->text, check->limit, check->advice);
        break; /* one line is enough to doubt them */
    }
    return OK;
}

static void print_doubts(const struct session *session)
{
    const struct verdict *verdict = &session->result->verdict;
    for (uint32_t i = 0; i < verdict->check_count; i++) {
        const struct verdict_check *check = &verdict->checks[i];
        if (check->level != VERDICT_GREEN)
            log_line(LOG_ERROR, "%s: %s %s: %s (limit: %s)", session->run->name,
                     verdict_level_name(check->level), check->name, check->text, check->limit);
    }
}

/* What --check asked for is no matter of trust: it changes the exit status, and not that of the run. */
static enum err_code status_of_checks(const struct session *session)
{
    const struct objective_list *checks = &session->request->checks.kept;
    enum err_code code = OK;
    char seen[OBJECTIVE_READING_BYTES];
    for (uint32_t i = 0; i < session->result->check_count; i++) {
        const struct objective_reading *reading = &session->result->checks[i];
        if (reading->kept)
            continue;
        log_line(LOG_ERROR, "%s: the check %s failed: %s", session->run->name,
                 checks->items[i].text,
                 objective_format_reading(seen, sizeof seen, &checks->items[i], reading));
        code = E_FAILED;
    }
    return code;
}

/* Stale reads are what replicas are for: with them a run has not failed. */
static enum err_code status_of_values(const struct session *session)
{
    const struct checked_report *checked = &session->result->checked;
    const uint64_t corrupted = checked->counts[CHECKED_CORRUPTED];
    const uint64_t lost = checked->counts[CHECKED_LOST];
    if (corrupted + lost == 0)
        return OK;
    log_line(LOG_ERROR, "%s: --verify has found %s corrupted values and %s lost writes",
             session->run->name, UNITS_GROUPED(corrupted), UNITS_GROUPED(lost));
    return E_FAILED;
}

/* With --require-green a result that the verdict doubts is a failed one. The checks are named on stderr,
 * too: not every output has them, and a script that fails shows no other. */
static enum err_code status_of_run(const struct session *session)
{
    const struct run_result *result = session->result;
    if (session->request->dialect != NULL)
        return status_in_dialect(session);
    const enum err_code code =
        err_worse(err_worse(result->status, status_of_checks(session)), status_of_values(session));
    if (!session->request->spec.outputs.require_green || session->run->prefill ||
        result->verdict.level == VERDICT_GREEN)
        return code;
    log_line(LOG_ERROR, "%s: the verdict is %s, and --require-green asks for GREEN",
             session->run->name, verdict_level_name(result->verdict.level));
    print_doubts(session);
    return err_worse(code, E_FAILED);
}

/* A planned end: none of it is a failure, even before a run has begun. */
static bool stopped(const struct session *session)
{
    return session->unheard || session_stop_asked(session);
}

/* The titles of the tests, in their order, over all repetitions; owned by the caller. */
static json_t *test_titles(const struct session *session)
{
    const struct bench_steps *steps = &session->steps;
    json_t *titles = json_array();
    for (uint64_t run = 0; run < session->request->spec.load.runs; run++)
        for (uint32_t i = 0; i < steps->count; i++)
            if (steps->steps[i].prefill_for == NULL)
                json_array_append_new(titles,
                                      json_value_text(workload_title(steps->steps[i].workload)));
    return titles;
}

/* What became of the runs so far. */
struct outcome {
    enum err_code worst; /* the gravest status        */
    bool ended;          /* no further one is to begin */
    uint64_t tests;      /* that ran, to their end or up to where they were ended */
};

/* The run that was stopped has what was asked for; the whole has not, when tests of it never ran. A loop has no end that it
 * could miss. */
static enum err_code status_of_stop(const struct session *session, uint64_t tests_run)
{
    return session->request->spec.load.loop
               ? OK
               : session_status_of_stop(session, tests_run, json_array_size(session->facts.tests),
                                        "tests");
}

/* All steps once. Returns the error that ended them. */
static enum err_code run_steps_once(struct session *session, struct outcome *outcome,
                                    struct err *err)
{
    const struct dialect *dialect = session->request->dialect;
    enum err_code code = OK;
    for (uint32_t i = 0; i < session->steps.count && !outcome->ended && !stopped(session); i++) {
        if (session->interrupts->count > 0) {
            outcome->worst = err_worse(outcome->worst, E_INTERRUPTED);
            if (session->run_count == 0)
                log_line(LOG_ERROR, "interrupted before the first request");
            outcome->ended = true;
            break;
        }
        code = session_run(session, &session->steps.steps[i], err);
        if (code == E_FAILED && stopped(session)) {
            *err = (struct err){.code = OK};
            return OK;
        }
        if (code == OK)
            outcome->worst = err_worse(outcome->worst, status_of_run(session));
        outcome->tests += code == OK && !session->run->prefill;
        outcome->ended = code != OK || (dialect != NULL && outcome->worst != OK) ||
                         session->interrupts->ended_by[0] != '\0';
    }
    outcome->ended |= stopped(session);
    return code;
}

/* The gravest status of the runs, or the error that ended them. */
static enum err_code run_steps(struct session *session, struct err *err)
{
    const struct load_options *load = &session->request->spec.load;
    struct outcome outcome = {.worst = OK};
    enum err_code code = OK;
    struct abort_watch watch = {.conditions = &session->request->checks.aborts,
                                .interrupts = session->interrupts};
    if (watch.conditions->count > 0) {
        code = abort_watch_init(&watch, err);
        timeline_add(&session->timeline, abort_sink(&watch));
    }
    json_t *titles = test_titles(session);
    session->facts.tests = titles;
    timeline_session_begin(&session->timeline, &session->facts);
    for (uint64_t run = 1; code == OK && !outcome.ended && (load->loop || run <= load->runs);
         run++) {
        session->repetition = load->runs > 1 ? run : 0;
        if (run > 1 && load->runs > 1 && session->interrupts->count == 0)
            code = session_restart(session, err);
        if (code == OK)
            code = filling_flush(session, err);
        if (code == OK)
            code = run_steps_once(session, &outcome, err);
        outcome.ended |=
            load->loop && (!timeline_complete(&session->timeline) || outcome.worst != OK);
    }
    if (load->loop && session->interrupts->count > 0)
        outcome.worst = err_worse(outcome.worst, E_INTERRUPTED);
    if (code == OK)
        outcome.worst = err_worse(outcome.worst, status_of_stop(session, outcome.tests));
    code = err_worse(err_worse(code, outcome.worst), session_end(session));
    session->facts.tests = NULL;
    json_decref(titles);
    abort_watch_free(&watch);
    return code;
}

static enum err_code run_session(struct session *session, struct err *err)
{
    enum err_code code = session_prepare(session, err);
    if (code == OK && session->request->spec.outputs.explain) {
        explain_print(stdout, &session->request->values, &session->steps, &session->plan);
        checking_explain(&session->checking, stdout);
        return OK;
    }
    session->more_runs_ns =
        (session->request->spec.load.runs - 1) * bench_steps_planned_ns(&session->steps);
    if (code == OK)
        code = session_open(session, err);
    if (code == OK)
        code = open_outputs(session, err);
    if (code == OK)
        code = session_reach(session, err);
    if (code == OK)
        code = run_steps(session, err);
    return code;
}

static void print_help(const struct dialect *dialect)
{
    if (dialect != NULL) {
        options_print_help(dialect_option_table(dialect), stdout);
        return;
    }
    options_print_help(bench_option_table(), stdout);
    printf(
        "\nOther commands, such as run (scenarios), visualize (their samples) and find-max: volley "
        "help\n");
}

static void print_version(const struct dialect *dialect)
{
    if (dialect != NULL)
        printf("%s %s (volley %s, %s)\n", dialect->name, dialect->version, volley_version,
               volley_commit);
    else
        printf("volley %s (%s)\n", volley_version, volley_commit);
}

static int run_command(const struct dialect *dialect, int argc, const char *const *argv)
{
    struct bench_request *request = calloc(1, sizeof *request);
    struct session *session = calloc(1, sizeof *session);
    struct err err = {.code = OK};
    if (request == NULL || session == NULL) {
        free(request);
        free(session);
        return err_exit_status(E_SYSTEM);
    }
    session->request = request;
    session->command = dialect != NULL ? dialect->name : "bench";
    session->argc = argc;
    session->argv = argv;
    enum err_code code = dialect != NULL ? dialect_options_parse(request, dialect, argc, argv, &err)
                                         : bench_options_parse(request, argc, argv, &err);
    const struct option_table *table =
        dialect != NULL ? dialect_option_table(dialect) : bench_option_table();
    credentials_hide_arguments(table, argc, argv);
    if (code == OK && request->help) {
        print_help(dialect);
    } else if (code == OK && request->version) {
        print_version(dialect);
    } else if (code == OK) {
        log_set_level(request->spec.outputs.log_level);
        print_notices(request);
        code = run_session(session, &err);
    }
    if (dialect != NULL && request->values.refused != NULL && code != OK) {
        dialect->print_refused(request->values.refused, stdout);
        print_help(dialect);
    } else if (err.code != OK) {
        log_line(LOG_ERROR, "%s%s", dialect != NULL && code != E_USAGE ? "Error: " : "", err.text);
    }
    int status = err_exit_status(code);
    if (dialect != NULL && code == E_USAGE)
        status = dialect->usage_status;
    session_free(session);
    bench_options_free(request);
    free(session);
    free(request);
    return status;
}

int command_bench(int argc, const char *const *argv)
{
    return run_command(NULL, argc, argv);
}

int command_dialect(int argc, const char *const *argv)
{
    return run_command(dialect_find(argv[0]), argc, argv);
}
