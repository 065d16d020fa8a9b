/* `volley sweep`: one run for each value of a list, and a table of what came of it. */
#include <stddef.h>
#include <stdio.h>

#include "orchestrator/capacity/sweep.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/commands/load_series.h"
#include "orchestrator/commands/sweep_options.h"
#include "orchestrator/report/figures.h"

struct sweeper {
    struct load_series series; /* first */
    struct sweep_request request;
    struct sweep sweep;
    struct rate_step rate_step; /* of the step under way */
};

static const struct sweep_list *list_of(const struct sweeper *sweeper)
{
    return &sweeper->request.lists[sweeper->request.kind];
}

static enum err_code plan(void *command, struct err *err)
{
    struct sweeper *sweeper = command;
    struct sweep *sweep = &sweeper->sweep;
    (void)err;
    sweeper->series.csv_path = sweeper->request.csv_path;
    sweeper->series.planned = sweep->planned = list_of(sweeper)->count;
    sweep->kind = sweeper->request.kind;
    sweep->open_loop = sweeper->request.bench.spec.rate.steps != NULL;
    if (sweeper->request.objectives.count > 0)
        sweep->objectives = &sweeper->request.objectives;
    return OK;
}

static enum err_code check(void *command, struct err *err)
{
    const struct sweeper *sweeper = command;
    return bench_steps_check_classes(&sweeper->series.session.steps, &sweeper->request.objectives,
                                     "--slo", err);
}

static void set_step(void *command, uint32_t index, struct bench_step *step)
{
    struct sweeper *sweeper = command;
    const uint64_t value = list_of(sweeper)->values[index];
    switch (sweeper->request.kind) {
    case SWEEP_CLIENTS:
        step->spec.load.clients = value;
        break;
    case SWEEP_PIPELINE:
        step->spec.load.pipeline = value;
        break;
    case SWEEP_QPS:
        bench_step_set_rate(step, &sweeper->rate_step, value);
        break;
    }
}

static void read_run(void *command, uint32_t index, const struct bench_step *step)
{
    struct sweeper *sweeper = command;
    struct session *session = &sweeper->series.session;
    struct sweep_step *done = &sweeper->sweep.steps[sweeper->sweep.count++];
    uint64_t used_bytes = 0;
    (void)step;
    sweep_read(done, &sweeper->sweep, session->result);
    done->value = list_of(sweeper)->values[index];
    done->server_mb = session_server_memory(session, &used_bytes)
                          ? (double)used_bytes / BYTES_PER_MB_OF_MEMORY
                          : -1;
}

static enum err_code conclude(void *command, struct err *err)
{
    struct sweeper *sweeper = command;
    struct sweep *sweep = &sweeper->sweep;
    (void)err;
    sweep->interrupted = sweeper->series.interrupted;
    snprintf(sweep->error, sizeof sweep->error, "%s", sweeper->series.error);
    sweep_judge(sweep);
    return OK;
}

static json_t *document(const void *command, const struct run_facts *run)
{
    const struct sweeper *sweeper = command;
    return sweep_document(&sweeper->sweep, &sweeper->series.session.facts, run);
}

static void write_text(struct output *out, const void *command)
{
    sweep_write_text(out, &((const struct sweeper *)command)->sweep);
}

static void write_csv(struct output *out, const void *command)
{
    sweep_write_csv(out, &((const struct sweeper *)command)->sweep);
}

static enum err_code parse(void *command, int argc, const char *const *argv, struct err *err)
{
    return sweep_options_parse(&((struct sweeper *)command)->request, argc, argv, err);
}

int command_sweep(int argc, const char *const *argv)
{
    static const struct load_series_kind kind = {.command = "sweep",
                                                 .loads = "steps",
                                                 .bytes = sizeof(struct sweeper),
                                                 .request_at = offsetof(struct sweeper, request),
                                                 .table = sweep_option_table,
                                                 .parse = parse,
                                                 .plan = plan,
                                                 .check = check,
                                                 .set_step = set_step,
                                                 .read = read_run,
                                                 .conclude = conclude,
                                                 .document = document,
                                                 .write_text = write_text,
                                                 .write_csv = write_csv};
    return load_series_main(&kind, argc, argv);
}
