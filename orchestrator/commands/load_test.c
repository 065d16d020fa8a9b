/* `volley load-test`: one run for each number of users, and a table of what came of it. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "orchestrator/capacity/capacity_json.h"
#include "orchestrator/capacity/load_test.h"
#include "orchestrator/commands/bench_outputs.h"
#include "orchestrator/commands/capacity_files.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/commands/explain.h"
#include "orchestrator/commands/frame.h"
#include "orchestrator/commands/load_test_options.h"
#include "orchestrator/commands/session.h"
#include "orchestrator/machine/process.h"
#include "orchestrator/server/server_sampler.h"

struct load_tester {
    struct load_test_request request;
    struct session session;
    struct load_test test;
    struct capacity_files files;
    struct bench_step step; /* of the run under way */
    struct rate_step rate_step;
    enum err_code worst; /* status of the runs */
    struct server_sampler *sampler;
    double server_bytes; /* used_memory at its most while the run goes on; below 0: not known */
};

#define SERVER_LOOK_NS NS_PER_SECOND
static_assert(SWEEP_STEPS_MAX <= LOAD_TEST_USERS_MAX, "every number of users has its rows");

static void look_at_memory(struct load_tester *tester, double used_bytes)
{
    if (used_bytes > tester->server_bytes)
        tester->server_bytes = used_bytes;
}

static void hear_server(void *state, const struct server_sample *sample)
{
    if (sample->known)
        look_at_memory(state, sample->values[0]);
}

static enum err_code watch_server(struct load_tester *tester, struct err *err)
{
    static const struct sampler_field used_memory = {.name = "used_memory"};
    const struct session *session = &tester->session;
    const struct server_sampler_setup setup = {.fields = &used_memory,
                                               .field_count = 1,
                                               .topology = session->topology,
                                               .target = &session->target,
                                               .tls = session->tls,
                                               .endpoint = &session->request->spec.endpoint,
                                               .period_ns = SERVER_LOOK_NS,
                                               .hear = hear_server,
                                               .state = tester};
    if (session->request->spec.load.null_transport)
        return OK;
    return server_sampler_start(&tester->sampler, session->base, &setup, err);
}

static uint32_t modes_of(const struct load_tester *tester)
{
    return tester->test.both_modes ? 2 : 1;
}

/* The measured step is the session's last one, with users and mode in their places. */
static void set_step(struct load_tester *tester, uint32_t index, struct load_test_row *row)
{
    const struct bench_steps *steps = &tester->session.steps;
    const struct load_test_request *request = &tester->request;
    const uint32_t mode_count = modes_of(tester);
    const bool buffered = tester->test.buffered && index % mode_count == 0;
    memset(row, 0, sizeof *row);
    row->users = request->users.values[index / mode_count];
    row->mode = buffered ? LOAD_TEST_BUFFER : LOAD_TEST_BYPASS;
    tester->step = steps->steps[steps->count - 1];
    tester->step.spec.load.clients = row->users;
    tester->step.spec.buffer.wanted = buffered;
    tester->step.spec.rate.measured = true;
    if (request->message_rate_micro > 0)
        bench_step_set_rate(&tester->step, &tester->rate_step,
                            load_test_rate_micro(request, row->users));
}

/* Every run is planned once, the first one last: what cannot be is refused before anything runs. */
static enum err_code check_plans(struct load_tester *tester, struct err *err)
{
    enum err_code code = OK;
    for (uint32_t i = tester->test.planned; i > 0 && code == OK; i--) {
        set_step(tester, i - 1, &tester->test.rows[0]);
        code = session_plan(&tester->session, &tester->step.spec, err);
    }
    return code;
}

static enum err_code open_outputs(struct load_tester *tester, struct err *err)
{
    struct session *session = &tester->session;
    const struct spec *spec = &tester->request.bench.spec;
    enum err_code code = session_open(session, err);
    if (code == OK && !spec->watch.tui && (spec->outputs.progress || isatty(STDERR_FILENO)))
        code = session_show_progress(session, true, err);
    if (code == OK && spec->outputs.out_dir != NULL)
        code = bench_outputs_add_directory(&session->timeline, spec, err);
    return code == OK ? capacity_files_open(&tester->files, "load-test", spec,
                                            tester->request.csv_path, err)
                      : code;
}

static enum err_code run_step(struct load_tester *tester, uint32_t index, struct err *err)
{
    struct session *session = &tester->session;
    struct load_test_row *row = &tester->test.rows[tester->test.count];
    uint64_t used_bytes = 0;
    set_step(tester, index, row);
    tester->server_bytes = -1;
    enum err_code code = session_plan(session, &tester->step.spec, err);
    if (code == OK)
        code = session_run(session, &tester->step, err);
    if (code != OK)
        return code;
    tester->test.count++;
    load_test_read(row, session->result, process_rss_bytes(getpid()));
    if (session_server_memory(session, &used_bytes))
        look_at_memory(tester, (double)used_bytes);
    row->server_bytes = tester->server_bytes;
    tester->worst = err_worse(tester->worst, session->result->status);
    return OK;
}

static enum err_code run_steps(struct load_tester *tester, struct err *err)
{
    const struct interrupts *interrupts = tester->session.interrupts;
    struct load_test *test = &tester->test;
    enum err_code code = OK;
    for (uint32_t i = 0; i < test->planned && code == OK && interrupts->count == 0 &&
                         !session_stop_asked(&tester->session);
         i++)
        code = run_step(tester, i, err);
    test->interrupted = interrupts->count > 0;
    if (!test->interrupted && code == OK)
        tester->worst =
            err_worse(tester->worst,
                      session_status_of_stop(&tester->session, test->count, test->planned, "runs"));
    if (test->interrupted)
        tester->worst = err_worse(tester->worst, E_INTERRUPTED);
    else if (code != OK)
        snprintf(test->error, sizeof test->error, "%s", err->text);
    return code;
}

static enum err_code write_outputs(struct load_tester *tester, struct err *err)
{
    struct capacity_files *files = &tester->files;
    const struct load_test *test = &tester->test;
    const struct session *session = &tester->session;
    const struct run_facts *run = test->count > 0 ? session->run : NULL;
    json_t *document = load_test_document(test, &session->facts, run);
    enum err_code code = OK;
    if (files->text_on_stdout)
        (tester->request.as_markdown ? load_test_write_markdown
                                     : load_test_write_text)(&files->text, test);
    for (uint32_t i = 0; i < files->csv_count; i++)
        load_test_write_csv(&files->csv[i], test);
    for (uint32_t i = 0; i < files->json_count && code == OK; i++)
        code = capacity_json_write(&files->json[i], document, err);
    if (code == OK)
        code = capacity_files_commit(files, err);
    json_decref(document);
    return code;
}

static enum err_code prepare(struct load_tester *tester, struct err *err)
{
    struct load_test_request *request = &tester->request;
    struct session *session = &tester->session;
    const struct spec *spec = &request->bench.spec;
    struct load_test *test = &tester->test;
    session->request = &request->bench;
    session->command = "load-test";
    test->message_rate = (double)request->message_rate_micro / (double)SCHEDULE_MICRO;
    test->buffered = spec->buffer.wanted;
    test->buffer_name = spec->buffer.wanted ? spec->buffer.name : NULL;
    test->both_modes = request->both_modes;
    test->planned = request->users.count * modes_of(tester);
    session->more_runs_ns = (test->planned - 1) * (spec->load.duration_ns + spec->load.warmup_ns);
    enum err_code code = session_prepare(session, err);
    return code == OK ? check_plans(tester, err) : code;
}

static enum err_code run(void *target, struct err *err)
{
    struct load_tester *tester = target;
    struct session *session = &tester->session;
    enum err_code code = prepare(tester, err);
    if (code == OK && tester->request.bench.spec.outputs.explain) {
        explain_print(stdout, &tester->request.bench.values, &session->steps, &session->plan);
        return OK;
    }
    if (code == OK)
        code = open_outputs(tester, err);
    if (code == OK)
        code = session_reach(session, err);
    if (code != OK)
        return code;
    timeline_session_begin(&session->timeline, &session->facts);
    code = session_fill_keys(session, err);
    if (code == OK)
        code = watch_server(tester, err);
    if (code == OK)
        code = run_steps(tester, err);
    server_sampler_stop(tester->sampler);
    code = err_worse(code, session_end(session));
    struct err own = {.code = OK};
    enum err_code written = write_outputs(tester, &own);
    if (written != OK)
        code = err_worse(code, err_set(err, written, "%s", own.text));
    return err_worse(code, tester->worst);
}

static enum err_code parse(void *target, int argc, const char *const *argv, struct err *err)
{
    return load_test_options_parse(&((struct load_tester *)target)->request, argc, argv, err);
}

static void destroy(void *target)
{
    struct load_tester *tester = target;
    capacity_files_discard(&tester->files);
    session_free(&tester->session);
    bench_options_free(&tester->request.bench);
    free(tester);
}

int command_load_test(int argc, const char *const *argv)
{
    struct load_tester *tester = calloc(1, sizeof *tester);
    if (tester == NULL)
        return err_exit_status(E_SYSTEM);
    tester->session.argc = argc;
    tester->session.argv = argv;
    const struct command_frame frame = {.table = load_test_option_table(),
                                        .target = tester,
                                        .load = &tester->request.bench,
                                        .help = &tester->request.bench.help,
                                        .parse = parse,
                                        .run = run,
                                        .destroy = destroy};
    return command_frame_run(&frame, argc, argv);
}
