/* `volley compare-modes`: runs with two buffers, or with one and without, by turns on one server, and which of them is faster. */
#include <stddef.h>
#include <stdio.h>

#include "common/printable.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/commands/compare_modes_options.h"
#include "orchestrator/commands/load_series.h"

struct mode_comparer {
    struct load_series series; /* first */
    struct compare_modes_request request;
    struct modes modes;
};

static enum err_code plan(void *command, struct err *err)
{
    struct mode_comparer *comparer = command;
    const struct compare_modes_request *request = &comparer->request;
    struct modes *modes = &comparer->modes;
    modes->planned = (uint32_t)request->runs;
    comparer->series.planned = MODES * modes->planned;
    comparer->series.as_markdown = request->markdown;
    modes->wishes = (struct comparison_wishes){
        .confidence = request->confidence_percent > 0 ? request->confidence_percent / 100 : 0.95,
        .threshold = request->threshold > 0 ? request->threshold : 0.05,
        .rates = true,
        .latencies = true};
    for (int side = 0; side < MODES; side++)
        modes_name(modes, side, &request->buffers[side]);
    return modes_init(modes, err);
}

/* With the buffer of a side, by turns. Who keeps no replies need not hear of changes. */
static void set_step(void *command, uint32_t index, struct bench_step *step)
{
    const struct compare_modes_request *request = &((struct mode_comparer *)command)->request;
    step->spec.buffer = request->buffers[index % MODES];
    if (step->spec.buffer.cache_replies == 0) {
        step->spec.endpoint.tracking = request->tracking;
        step->spec.endpoint.resp3 &= request->resp3;
    }
}

static void read_run(void *command, uint32_t index, const struct bench_step *step)
{
    struct mode_comparer *comparer = command;
    bool reads[CLASSES_MAX] = {false};
    for (uint32_t i = 0; i < CLASSES_MAX && i < workload_class_count(step->workload); i++)
        reads[i] = workload_class_reads_only(step->workload, i);
    modes_read_run(&comparer->modes.modes[index % MODES], comparer->series.session.result, reads);
}

static enum err_code conclude(void *command, struct err *err)
{
    struct mode_comparer *comparer = command;
    struct modes *modes = &comparer->modes;
    const struct load_options *load = &comparer->request.bench.spec.load;
    const struct run_facts *run = comparer->series.session.run;
    modes->interrupted = comparer->series.interrupted;
    snprintf(modes->error, sizeof modes->error, "%s", comparer->series.error);
    if (run == NULL)
        return OK;
    json_t *configuration =
        json_pack("{s:s, s:I, s:I}", "command", PRINTABLE(run->name), "clients",
                  (json_int_t)load->clients, "data_size", (json_int_t)load->data_bytes);
    const enum err_code code = modes_compare(modes, configuration, err);
    json_decref(configuration);
    return code;
}

static json_t *document(const void *command, const struct run_facts *run)
{
    const struct mode_comparer *comparer = command;
    return modes_document(&comparer->modes, &comparer->series.session.facts, run);
}

static void write_text(struct output *out, const void *command)
{
    modes_write_text(out, &((const struct mode_comparer *)command)->modes);
}

static void write_markdown(struct output *out, const void *command)
{
    modes_write_markdown(out, &((const struct mode_comparer *)command)->modes);
}

static enum err_code judge(const void *command, struct err *err)
{
    const struct mode_comparer *comparer = command;
    const struct modes *modes = &comparer->modes;
    if (!comparer->request.fail_on_regression || !modes->comparison.regressed)
        return OK;
    return err_set(err, E_FAILED, "slower by %.4g %% or more: %s against %s",
                   100 * modes->wishes.threshold, PRINTABLE(modes->modes[MODE_A].name),
                   PRINTABLE(modes->modes[MODE_B].name));
}

static enum err_code parse(void *command, int argc, const char *const *argv, struct err *err)
{
    return compare_modes_options_parse(&((struct mode_comparer *)command)->request, argc, argv,
                                       err);
}

static void destroy(void *command)
{
    modes_free(&((struct mode_comparer *)command)->modes);
}

int command_compare_modes(int argc, const char *const *argv)
{
    static const struct load_series_kind kind = {.command = "compare-modes",
                                                 .loads = "runs",
                                                 .bytes = sizeof(struct mode_comparer),
                                                 .request_at =
                                                     offsetof(struct mode_comparer, request),
                                                 .table = compare_modes_option_table,
                                                 .parse = parse,
                                                 .plan = plan,
                                                 .set_step = set_step,
                                                 .read = read_run,
                                                 .conclude = conclude,
                                                 .document = document,
                                                 .write_text = write_text,
                                                 .write_markdown = write_markdown,
                                                 .page_name = "compare-modes.html",
                                                 .judge = judge,
                                                 .destroy = destroy};
    return load_series_main(&kind, argc, argv);
}
