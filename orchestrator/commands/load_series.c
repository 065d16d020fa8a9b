#include "orchestrator/commands/load_series.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "orchestrator/capacity/capacity_json.h"
#include "orchestrator/commands/bench_outputs.h"
#include "orchestrator/commands/explain.h"
#include "orchestrator/commands/frame.h"

static struct bench_step step_at(struct load_series *series, uint32_t index)
{
    const struct bench_steps *steps = &series->session.steps;
    struct bench_step step = steps->steps[steps->count - 1];
    step.spec.rate.measured = true;
    series->kind->set_step(series, index, &step);
    return step;
}

/* Every load is planned once, the first one last: what cannot be is refused before anything runs. */
static enum err_code check_plans(struct load_series *series, struct err *err)
{
    enum err_code code = OK;
    for (uint32_t i = series->planned; i > 0 && code == OK; i--) {
        const struct bench_step step = step_at(series, i - 1);
        code = session_plan(&series->session, &step.spec, err);
    }
    return code;
}

static enum err_code prepare(struct load_series *series, struct err *err)
{
    const struct load_series_kind *kind = series->kind;
    const struct load_options *load = &series->request->spec.load;
    enum err_code code = kind->plan(series, err);
    if (code != OK)
        return code;
    series->session.request = series->request;
    series->session.command = kind->command;
    series->session.more_runs_ns = (series->planned - 1) * (load->duration_ns + load->warmup_ns);
    code = session_prepare(&series->session, err);
    if (code == OK && kind->check != NULL)
        code = kind->check(series, err);
    return code == OK ? check_plans(series, err) : code;
}

static enum err_code open_outputs(struct load_series *series, struct err *err)
{
    struct session *session = &series->session;
    const struct load_series_kind *kind = series->kind;
    const struct spec *spec = &series->request->spec;
    const unsigned files = (kind->write_csv != NULL ? CAPACITY_CSV : 0u) |
                           (kind->write_markdown != NULL ? CAPACITY_MARKDOWN : 0u);
    enum err_code code = session_open(session, err);
    if (code == OK && !spec->watch.tui && (spec->outputs.progress || isatty(STDERR_FILENO)))
        code = session_show_progress(session, true, err);
    if (code == OK && spec->outputs.out_dir != NULL)
        code = bench_outputs_add_directory(&session->timeline, spec, err);
    if (code == OK)
        code =
            capacity_files_open(&series->files, kind->command, files, spec, series->csv_path, err);
    if (code == OK)
        code = curve_outputs_open(&series->pictures, &session->timeline, &spec->outputs,
                                  kind->page_name, err);
    return code;
}

static enum err_code run_one(struct load_series *series, uint32_t index, struct err *err)
{
    const struct bench_step step = step_at(series, index);
    if (series->kind->look != NULL)
        series->kind->look(series);
    enum err_code code = session_plan(&series->session, &step.spec, err);
    if (code == OK)
        code = session_run(&series->session, &step, err);
    if (code != OK)
        return code;
    series->count++;
    series->kind->read(series, index, &step);
    series->worst = err_worse(series->worst, series->session.result->status);
    return OK;
}

static enum err_code run_all(struct load_series *series, struct err *err)
{
    const struct interrupts *interrupts = series->session.interrupts;
    enum err_code code = OK;
    for (uint32_t i = 0; i < series->planned && code == OK && interrupts->count == 0 &&
                         !session_stop_asked(&series->session);
         i++)
        code = run_one(series, i, err);
    series->interrupted = interrupts->count > 0;
    if (series->interrupted)
        series->worst = err_worse(series->worst, E_INTERRUPTED);
    else if (code == OK)
        series->worst =
            err_worse(series->worst, session_status_of_stop(&series->session, series->count,
                                                            series->planned, series->kind->loads));
    else if (code != OK)
        snprintf(series->error, sizeof series->error, "%s", err->text);
    return code;
}

static enum err_code write_files(struct load_series *series, const json_t *document,
                                 struct err *err)
{
    const struct load_series_kind *kind = series->kind;
    struct capacity_files *files = &series->files;
    enum err_code code = OK;
    if (files->text_on_stdout)
        (series->as_markdown ? kind->write_markdown : kind->write_text)(&files->text, series);
    for (uint32_t i = 0; i < files->csv_count; i++)
        kind->write_csv(&files->csv[i], series);
    for (uint32_t i = 0; i < files->markdown_count; i++)
        kind->write_markdown(&files->markdown[i], series);
    for (uint32_t i = 0; i < files->json_count && code == OK; i++)
        code = capacity_json_write(&files->json[i], document, err);
    if (code == OK)
        code = capacity_files_commit(files, err);
    return code == OK ? curve_outputs_write(&series->pictures, document, err) : code;
}

static enum err_code write_outputs(struct load_series *series, struct err *err)
{
    const struct load_series_kind *kind = series->kind;
    enum err_code code = kind->conclude(series, err);
    if (code != OK)
        return code;
    json_t *document = kind->document(series, series->count > 0 ? series->session.run : NULL);
    code = write_files(series, document, err);
    json_decref(document);
    return code;
}

/* Keys, loads, and the end of the session. */
static enum err_code run_session(struct load_series *series, struct err *err)
{
    const struct load_series_kind *kind = series->kind;
    struct session *session = &series->session;
    timeline_session_begin(&session->timeline, &session->facts);
    enum err_code code = session_fill_keys(session, err);
    if (code == OK && kind->begin != NULL)
        code = kind->begin(series, err);
    if (code == OK)
        code = run_all(series, err);
    if (kind->end != NULL)
        kind->end(series);
    return err_worse(code, session_end(session));
}

static enum err_code run(void *target, struct err *err)
{
    struct load_series *series = target;
    const struct session *session = &series->session;
    enum err_code code = prepare(series, err);
    if (code == OK && series->request->spec.outputs.explain) {
        explain_print(stdout, &series->request->values, &session->steps, &session->plan);
        return OK;
    }
    if (code == OK)
        code = open_outputs(series, err);
    if (code == OK)
        code = session_reach(&series->session, err);
    if (code != OK)
        return code;
    code = run_session(series, err);
    struct err own = {.code = OK};
    const enum err_code written = write_outputs(series, &own);
    if (written != OK)
        code = err_worse(code, err_set(err, written, "%s", own.text));
    if (code == OK && series->kind->judge != NULL)
        code = series->kind->judge(series, err);
    return err_worse(code, series->worst);
}

static enum err_code parse(void *target, int argc, const char *const *argv, struct err *err)
{
    return ((struct load_series *)target)->kind->parse(target, argc, argv, err);
}

static void destroy(void *target)
{
    struct load_series *series = target;
    capacity_files_discard(&series->files);
    session_free(&series->session);
    curve_outputs_discard(&series->pictures);
    if (series->kind->destroy != NULL)
        series->kind->destroy(series);
    bench_options_free(series->request);
    free(series);
}

int load_series_main(const struct load_series_kind *kind, int argc, const char *const *argv)
{
    struct load_series *series = calloc(1, kind->bytes);
    if (series == NULL)
        return err_exit_status(E_SYSTEM);
    series->kind = kind;
    series->request = (void *)((char *)series + kind->request_at);
    series->session.argc = argc;
    series->session.argv = argv;
    const struct command_frame frame = {.table = kind->table(),
                                        .target = series,
                                        .load = series->request,
                                        .help = &series->request->help,
                                        .parse = parse,
                                        .run = run,
                                        .destroy = destroy};
    return command_frame_run(&frame, argc, argv);
}
