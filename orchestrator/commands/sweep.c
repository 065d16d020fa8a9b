/* `volley sweep`: one run for each value of a list, and a table of what came of it. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "orchestrator/capacity/capacity_json.h"
#include "orchestrator/capacity/sweep.h"
#include "orchestrator/commands/bench_outputs.h"
#include "orchestrator/commands/capacity_files.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/commands/curve_outputs.h"
#include "orchestrator/commands/explain.h"
#include "orchestrator/commands/frame.h"
#include "orchestrator/commands/session.h"
#include "orchestrator/commands/sweep_options.h"
#include "orchestrator/report/figures.h"

struct sweeper {
    struct sweep_request request;
    struct session session;
    struct sweep sweep;
    struct capacity_files files;
    struct curve_outputs pictures;
    struct rate_step rate_step; /* of the step under way */
    enum err_code worst;        /* status of the steps   */
};

static const struct sweep_list *list_of(const struct sweeper *sweeper)
{
    return &sweeper->request.lists[sweeper->request.kind];
}

/* The measured step is the session's last one, with the value in its place. */
static struct bench_step step_at(struct sweeper *sweeper, uint32_t index)
{
    struct session *session = &sweeper->session;
    struct bench_step step = session->steps.steps[session->steps.count - 1];
    uint64_t value = list_of(sweeper)->values[index];
    switch (sweeper->request.kind) {
    case SWEEP_CLIENTS:
        step.spec.load.clients = value;
        break;
    case SWEEP_PIPELINE:
        step.spec.load.pipeline = value;
        break;
    case SWEEP_QPS:
        step.spec.rate.measured = true;
        bench_step_set_rate(&step, &sweeper->rate_step, value);
        break;
    }
    return step;
}

/* Every step is planned once, the first one last: what cannot be is refused before anything runs. */
static enum err_code check_plans(struct sweeper *sweeper, struct err *err)
{
    enum err_code code = OK;
    for (uint32_t i = list_of(sweeper)->count; i > 0 && code == OK; i--) {
        struct bench_step step = step_at(sweeper, i - 1);
        code = session_plan(&sweeper->session, &step.spec, err);
    }
    return code;
}

static enum err_code open_outputs(struct sweeper *sweeper, struct err *err)
{
    struct session *session = &sweeper->session;
    const struct spec *spec = &sweeper->request.bench.spec;
    enum err_code code = session_open(session, err);
    if (code == OK && !spec->watch.tui && (spec->outputs.progress || isatty(STDERR_FILENO)))
        code = session_show_progress(session, true, err);
    if (code == OK && spec->outputs.out_dir != NULL)
        code = bench_outputs_add_directory(&session->timeline, spec, err);
    if (code == OK)
        code = capacity_files_open(&sweeper->files, "sweep", spec, sweeper->request.csv_path, err);
    if (code == OK)
        code = curve_outputs_open(&sweeper->pictures, &session->timeline, &spec->outputs, err);
    return code;
}

static enum err_code run_step(struct sweeper *sweeper, uint32_t index, struct err *err)
{
    struct session *session = &sweeper->session;
    struct bench_step step = step_at(sweeper, index);
    uint64_t used_bytes = 0;
    enum err_code code = session_plan(session, &step.spec, err);
    if (code == OK)
        code = session_run(session, &step, err);
    if (code != OK)
        return code;
    struct sweep_step *done = &sweeper->sweep.steps[sweeper->sweep.count++];
    sweep_read(done, &sweeper->sweep, session->result);
    done->value = list_of(sweeper)->values[index];
    done->server_mb = session_server_memory(session, &used_bytes)
                          ? (double)used_bytes / BYTES_PER_MB_OF_MEMORY
                          : -1;
    sweeper->worst = err_worse(sweeper->worst, session->result->status);
    return OK;
}

static enum err_code run_steps(struct sweeper *sweeper, struct err *err)
{
    const struct interrupts *interrupts = sweeper->session.interrupts;
    enum err_code code = OK;
    sweeper->sweep.planned = list_of(sweeper)->count;
    for (uint32_t i = 0; i < list_of(sweeper)->count && code == OK && interrupts->count == 0 &&
                         !session_stop_asked(&sweeper->session);
         i++)
        code = run_step(sweeper, i, err);
    sweeper->sweep.interrupted = interrupts->count > 0;
    if (!sweeper->sweep.interrupted && code == OK)
        sweeper->worst = err_worse(sweeper->worst,
                                   session_status_of_stop(&sweeper->session, sweeper->sweep.count,
                                                          list_of(sweeper)->count, "steps"));
    if (sweeper->sweep.interrupted)
        sweeper->worst = err_worse(sweeper->worst, E_INTERRUPTED);
    else if (code != OK)
        snprintf(sweeper->sweep.error, sizeof sweeper->sweep.error, "%s", err->text);
    sweep_judge(&sweeper->sweep);
    return code;
}

static enum err_code write_outputs(struct sweeper *sweeper, struct err *err)
{
    struct capacity_files *files = &sweeper->files;
    const struct session *session = &sweeper->session;
    const struct run_facts *run = sweeper->sweep.count > 0 ? session->run : NULL;
    json_t *document = sweep_document(&sweeper->sweep, &session->facts, run);
    enum err_code code = OK;
    if (files->text_on_stdout)
        sweep_write_text(&files->text, &sweeper->sweep);
    for (uint32_t i = 0; i < files->csv_count; i++)
        sweep_write_csv(&files->csv[i], &sweeper->sweep);
    for (uint32_t i = 0; i < files->json_count && code == OK; i++)
        code = capacity_json_write(&files->json[i], document, err);
    if (code == OK)
        code = capacity_files_commit(files, err);
    if (code == OK)
        code = curve_outputs_write(&sweeper->pictures, document, err);
    json_decref(document);
    return code;
}

static enum err_code run(void *target, struct err *err)
{
    struct sweeper *sweeper = target;
    struct session *session = &sweeper->session;
    session->request = &sweeper->request.bench;
    session->command = "sweep";
    session->more_runs_ns =
        (list_of(sweeper)->count - 1) *
        (sweeper->request.bench.spec.load.duration_ns + sweeper->request.bench.spec.load.warmup_ns);
    sweeper->sweep.kind = sweeper->request.kind;
    sweeper->sweep.open_loop = sweeper->request.bench.spec.rate.steps != NULL;
    if (sweeper->request.objectives.count > 0)
        sweeper->sweep.objectives = &sweeper->request.objectives;
    enum err_code code = session_prepare(session, err);
    if (code == OK)
        code =
            bench_steps_check_classes(&session->steps, &sweeper->request.objectives, "--slo", err);
    if (code == OK)
        code = check_plans(sweeper, err);
    if (code == OK && sweeper->request.bench.spec.outputs.explain) {
        explain_print(stdout, &sweeper->request.bench.values, &session->steps, &session->plan);
        return OK;
    }
    if (code == OK)
        code = open_outputs(sweeper, err);
    if (code == OK)
        code = session_reach(session, err);
    if (code != OK)
        return code;
    timeline_session_begin(&session->timeline, &session->facts);
    code = session_fill_keys(session, err);
    if (code == OK)
        code = run_steps(sweeper, err);
    code = err_worse(code, session_end(session));
    struct err own = {.code = OK};
    enum err_code written = write_outputs(sweeper, &own);
    if (written != OK)
        code = err_worse(code, err_set(err, written, "%s", own.text));
    return err_worse(code, sweeper->worst);
}

static enum err_code parse(void *target, int argc, const char *const *argv, struct err *err)
{
    return sweep_options_parse(&((struct sweeper *)target)->request, argc, argv, err);
}

static void destroy(void *target)
{
    struct sweeper *sweeper = target;
    capacity_files_discard(&sweeper->files);
    session_free(&sweeper->session);
    curve_outputs_discard(&sweeper->pictures);
    bench_options_free(&sweeper->request.bench);
    free(sweeper);
}

int command_sweep(int argc, const char *const *argv)
{
    struct sweeper *sweeper = calloc(1, sizeof *sweeper);
    if (sweeper == NULL)
        return err_exit_status(E_SYSTEM);
    sweeper->session.argc = argc;
    sweeper->session.argv = argv;
    const struct command_frame frame = {.table = sweep_option_table(),
                                        .target = sweeper,
                                        .load = &sweeper->request.bench,
                                        .help = &sweeper->request.bench.help,
                                        .parse = parse,
                                        .run = run,
                                        .destroy = destroy};
    return command_frame_run(&frame, argc, argv);
}
