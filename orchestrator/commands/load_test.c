/* `volley load-test`: one run for each number of users, and a table of what came of it. */
#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "orchestrator/capacity/load_test.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/commands/load_series.h"
#include "orchestrator/commands/load_test_options.h"
#include "orchestrator/machine/process.h"
#include "orchestrator/server/server_sampler.h"

struct load_tester {
    struct load_series series; /* first */
    struct load_test_request request;
    struct load_test test;
    struct rate_step rate_step; /* of the run under way */
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

static enum err_code watch_server(void *command, struct err *err)
{
    struct load_tester *tester = command;
    static const struct sampler_field used_memory = {.name = "used_memory"};
    const struct session *session = &tester->series.session;
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

static void watch_no_more(void *command)
{
    server_sampler_stop(((struct load_tester *)command)->sampler);
}

static uint32_t modes_of(const struct load_tester *tester)
{
    return tester->test.both_modes ? 2 : 1;
}

static uint64_t users_at(const struct load_tester *tester, uint32_t index)
{
    return tester->request.users.values[index / modes_of(tester)];
}

static bool is_buffered(const struct load_tester *tester, uint32_t index)
{
    return tester->test.buffered && index % modes_of(tester) == 0;
}

static void set_step(void *command, uint32_t index, struct bench_step *step)
{
    struct load_tester *tester = command;
    const struct load_test_request *request = &tester->request;
    step->spec.load.clients = users_at(tester, index);
    step->spec.buffer.wanted = is_buffered(tester, index);
    if (request->message_rate_micro > 0)
        bench_step_set_rate(step, &tester->rate_step,
                            load_test_rate_micro(request, users_at(tester, index)));
}

static void forget_memory(void *command)
{
    ((struct load_tester *)command)->server_bytes = -1;
}

static void read_run(void *command, uint32_t index, const struct bench_step *step)
{
    struct load_tester *tester = command;
    struct session *session = &tester->series.session;
    struct load_test_row *row = &tester->test.rows[tester->test.count++];
    uint64_t used_bytes = 0;
    (void)step;
    load_test_read(row, session->result, process_rss_bytes(getpid()));
    row->users = users_at(tester, index);
    row->mode = is_buffered(tester, index) ? LOAD_TEST_BUFFER : LOAD_TEST_BYPASS;
    if (session_server_memory(session, &used_bytes))
        look_at_memory(tester, (double)used_bytes);
    row->server_bytes = tester->server_bytes;
}

static enum err_code plan(void *command, struct err *err)
{
    struct load_tester *tester = command;
    const struct load_test_request *request = &tester->request;
    const struct buffer_options *buffer = &request->bench.spec.buffer;
    struct load_test *test = &tester->test;
    (void)err;
    test->message_rate = (double)request->message_rate_micro / (double)SCHEDULE_MICRO;
    test->buffered = buffer->wanted;
    test->buffer_name = buffer->wanted ? buffer->name : NULL;
    test->both_modes = request->both_modes;
    tester->series.csv_path = request->csv_path;
    tester->series.as_markdown = request->as_markdown;
    tester->series.planned = test->planned = request->users.count * modes_of(tester);
    return OK;
}

static enum err_code conclude(void *command, struct err *err)
{
    struct load_tester *tester = command;
    struct load_test *test = &tester->test;
    (void)err;
    test->interrupted = tester->series.interrupted;
    snprintf(test->error, sizeof test->error, "%s", tester->series.error);
    load_test_judge(test);
    return OK;
}

static json_t *document(const void *command, const struct run_facts *run)
{
    const struct load_tester *tester = command;
    return load_test_document(&tester->test, &tester->series.session.facts, run);
}

static void write_text(struct output *out, const void *command)
{
    load_test_write_text(out, &((const struct load_tester *)command)->test);
}

static void write_markdown(struct output *out, const void *command)
{
    load_test_write_markdown(out, &((const struct load_tester *)command)->test);
}

static void write_csv(struct output *out, const void *command)
{
    load_test_write_csv(out, &((const struct load_tester *)command)->test);
}

static enum err_code parse(void *command, int argc, const char *const *argv, struct err *err)
{
    return load_test_options_parse(&((struct load_tester *)command)->request, argc, argv, err);
}

int command_load_test(int argc, const char *const *argv)
{
    static const struct load_series_kind kind = {.command = "load-test",
                                                 .loads = "runs",
                                                 .bytes = sizeof(struct load_tester),
                                                 .request_at =
                                                     offsetof(struct load_tester, request),
                                                 .table = load_test_option_table,
                                                 .parse = parse,
                                                 .plan = plan,
                                                 .set_step = set_step,
                                                 .begin = watch_server,
                                                 .end = watch_no_more,
                                                 .look = forget_memory,
                                                 .read = read_run,
                                                 .conclude = conclude,
                                                 .document = document,
                                                 .write_text = write_text,
                                                 .write_csv = write_csv,
                                                 .write_markdown = write_markdown};
    return load_series_main(&kind, argc, argv);
}
