/* `volley compare-modes`: runs with two buffers, or with one and without, by turns on one server, and which of them is faster. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/printable.h"
#include "orchestrator/capacity/capacity_json.h"
#include "orchestrator/commands/capacity_files.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/commands/compare_modes_options.h"
#include "orchestrator/commands/explain.h"
#include "orchestrator/commands/frame.h"
#include "orchestrator/commands/session.h"

struct mode_comparer {
    struct compare_modes_request request;
    struct session session;
    struct modes modes;
    struct capacity_files files;
    enum err_code worst; /* status of the runs */
};

/* The measured step is the session's last one, with the buffer of a side. Who keeps no replies need not hear of changes. */
static struct bench_step step_of(const struct mode_comparer *comparer, int side)
{
    const struct bench_steps *steps = &comparer->session.steps;
    struct bench_step step = steps->steps[steps->count - 1];
    step.spec.buffer = comparer->request.buffers[side];
    if (step.spec.buffer.cache_replies == 0) {
        step.spec.endpoint.tracking = comparer->request.tracking;
        step.spec.endpoint.resp3 &= comparer->request.resp3;
    }
    return step;
}

/* Both are planned once, A last: what cannot be is refused before anything runs. */
static enum err_code check_plans(struct mode_comparer *comparer, struct err *err)
{
    enum err_code code = OK;
    for (int side = MODES; side > 0 && code == OK; side--) {
        const struct bench_step step = step_of(comparer, side - 1);
        code = session_plan(&comparer->session, &step.spec, err);
    }
    return code;
}

static enum err_code prepare(struct mode_comparer *comparer, struct err *err)
{
    const struct compare_modes_request *request = &comparer->request;
    const struct load_options *load = &request->bench.spec.load;
    struct modes *modes = &comparer->modes;
    comparer->session.request = &comparer->request.bench;
    comparer->session.command = "compare-modes";
    comparer->session.more_runs_ns =
        (2 * request->runs - 1) * (load->duration_ns + load->warmup_ns);
    modes->planned = (uint32_t)request->runs;
    modes->wishes = (struct comparison_wishes){
        .confidence = request->confidence_percent > 0 ? request->confidence_percent / 100 : 0.95,
        .threshold = request->threshold > 0 ? request->threshold : 0.05,
        .rates = true,
        .latencies = true};
    for (int side = 0; side < MODES; side++)
        modes_name(modes, side, &request->buffers[side]);
    enum err_code code = modes_init(modes, err);
    if (code == OK)
        code = session_prepare(&comparer->session, err);
    return code == OK ? check_plans(comparer, err) : code;
}

static enum err_code open_outputs(struct mode_comparer *comparer, struct err *err)
{
    struct session *session = &comparer->session;
    const struct spec *spec = &comparer->request.bench.spec;
    enum err_code code = session_open(session, err);
    if (code == OK && !spec->watch.tui && (spec->outputs.progress || isatty(STDERR_FILENO)))
        code = session_show_progress(session, true, err);
    return code == OK ? capacity_files_open(&comparer->files, "compare-modes", spec, NULL, err)
                      : code;
}

/* ---- runs ---- */

static enum err_code run_one(struct mode_comparer *comparer, int side, struct err *err)
{
    struct session *session = &comparer->session;
    const struct bench_step step = step_of(comparer, side);
    bool reads[CLASSES_MAX] = {false};
    enum err_code code = session_plan(session, &step.spec, err);
    if (code == OK)
        code = session_run(session, &step, err);
    if (code != OK)
        return code;
    for (uint32_t i = 0; i < CLASSES_MAX && i < workload_class_count(step.workload); i++)
        reads[i] = workload_class_reads_only(step.workload, i);
    modes_read_run(&comparer->modes.modes[side], session->result, reads);
    comparer->worst = err_worse(comparer->worst, session->result->status);
    return OK;
}

static enum err_code run_all(struct mode_comparer *comparer, struct err *err)
{
    const struct interrupts *interrupts = comparer->session.interrupts;
    struct modes *modes = &comparer->modes;
    enum err_code code = OK;
    for (uint32_t i = 0; i < MODES * modes->planned && code == OK && interrupts->count == 0; i++)
        code = run_one(comparer, (int)(i % MODES), err);
    modes->interrupted = interrupts->count > 0;
    if (modes->interrupted)
        comparer->worst = err_worse(comparer->worst, E_INTERRUPTED);
    else if (code != OK)
        snprintf(modes->error, sizeof modes->error, "%s", err->text);
    return code;
}

/* ---- what came of them ---- */

static enum err_code compare(struct mode_comparer *comparer, struct err *err)
{
    const struct load_options *load = &comparer->request.bench.spec.load;
    const struct session *session = &comparer->session;
    json_t *configuration =
        session->run == NULL
            ? NULL
            : json_pack("{s:s, s:I, s:I}", "command", PRINTABLE(session->run->name), "clients",
                        (json_int_t)load->clients, "data_size", (json_int_t)load->data_bytes);
    const enum err_code code =
        session->run == NULL ? OK : modes_compare(&comparer->modes, configuration, err);
    json_decref(configuration);
    return code;
}

static enum err_code write_outputs(struct mode_comparer *comparer, struct err *err)
{
    struct capacity_files *files = &comparer->files;
    const struct session *session = &comparer->session;
    const struct run_facts *run = comparer->modes.modes[MODE_A].count > 0 ? session->run : NULL;
    json_t *document = modes_document(&comparer->modes, &session->facts, run);
    enum err_code code = OK;
    if (files->text_on_stdout && comparer->request.markdown)
        modes_write_markdown(&files->text, &comparer->modes);
    else if (files->text_on_stdout)
        modes_write_text(&files->text, &comparer->modes);
    for (uint32_t i = 0; i < files->json_count && code == OK; i++)
        code = capacity_json_write(&files->json[i], document, err);
    if (code == OK)
        code = capacity_files_commit(files, err);
    json_decref(document);
    return code;
}

static enum err_code judge(const struct mode_comparer *comparer, struct err *err)
{
    const struct modes *modes = &comparer->modes;
    if (!comparer->request.fail_on_regression || !modes->comparison.regressed)
        return OK;
    return err_set(err, E_FAILED, "slower by %.4g %% or more: %s against %s",
                   100 * modes->wishes.threshold, PRINTABLE(modes->modes[MODE_A].name),
                   PRINTABLE(modes->modes[MODE_B].name));
}

static enum err_code run(void *target, struct err *err)
{
    struct mode_comparer *comparer = target;
    struct session *session = &comparer->session;
    enum err_code code = prepare(comparer, err);
    if (code == OK && comparer->request.bench.spec.outputs.explain) {
        explain_print(stdout, &comparer->request.bench.values, &session->steps, &session->plan);
        return OK;
    }
    if (code == OK)
        code = open_outputs(comparer, err);
    if (code == OK)
        code = session_reach(session, err);
    if (code != OK)
        return code;
    timeline_session_begin(&session->timeline, &session->facts);
    code = session_fill_keys(session, err);
    if (code == OK)
        code = run_all(comparer, err);
    code = err_worse(code, session_end(session));
    struct err own = {.code = OK};
    enum err_code written = compare(comparer, &own);
    if (written == OK)
        written = write_outputs(comparer, &own);
    if (written != OK)
        code = err_worse(code, err_set(err, written, "%s", own.text));
    if (code == OK)
        code = judge(comparer, err);
    return err_worse(code, comparer->worst);
}

static enum err_code parse(void *target, int argc, const char *const *argv, struct err *err)
{
    return compare_modes_options_parse(&((struct mode_comparer *)target)->request, argc, argv, err);
}

static void destroy(void *target)
{
    struct mode_comparer *comparer = target;
    capacity_files_discard(&comparer->files);
    session_free(&comparer->session);
    modes_free(&comparer->modes);
    bench_options_free(&comparer->request.bench);
    free(comparer);
}

int command_compare_modes(int argc, const char *const *argv)
{
    struct mode_comparer *comparer = calloc(1, sizeof *comparer);
    if (comparer == NULL)
        return err_exit_status(E_SYSTEM);
    comparer->session.argc = argc;
    comparer->session.argv = argv;
    const struct command_frame frame = {.table = compare_modes_option_table(),
                                        .target = comparer,
                                        .load = &comparer->request.bench,
                                        .help = &comparer->request.bench.help,
                                        .parse = parse,
                                        .run = run,
                                        .destroy = destroy};
    return command_frame_run(&frame, argc, argv);
}
