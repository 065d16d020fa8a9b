/* `volley optimize`: a client's buffer, changed by what holds the load up, and kept as far as that makes a KPI better. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/printable.h"
#include "orchestrator/capacity/capacity_json.h"
#include "orchestrator/commands/bench_outputs.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/commands/explain.h"
#include "orchestrator/commands/frame.h"
#include "orchestrator/commands/optimize_options.h"
#include "orchestrator/commands/session.h"
#include "orchestrator/report/json_run.h"

#define MEGABYTE 1e6

enum {
    FILE_JSON,
    FILE_JSON_OUT,
    FILE_MARKDOWN,
    FILE_MARKDOWN_OUT,
    FILE_PROFILE,
    FILE_PROFILE_OUT,
    FILES
};

struct optimizer {
    struct optimize_request request;
    struct optimisation optimisation;
    struct session session;
    struct output text; /* standard output */
    bool text_on_stdout;
    struct output files[FILES]; /* without a path: none */
    bool is_open[FILES];
    char profile_path[BENCH_PATH_BYTES]; /* of --out */
    enum err_code worst;                 /* E_INTERRUPTED, E_UNTRUSTED: whatever else came of it */

    /* of the run that has ended */
    double values[OPTIMISATION_KPIS_MAX];
    struct diagnosis diagnosis;
    double timed_out;
};

/* ---- what a run says ---- */

static double client_memory_mb(const struct run_result *result)
{
    double sum = 0;
    for (uint32_t i = 0; i < result->worker_count; i++)
        sum += (double)result->workers[i].rss_peak_bytes;
    return sum > 0 ? sum / MEGABYTE : NAN;
}

/* KPIs of the file come first, in its order. What is at least so much is not known. */
static double value_of(const struct optimizer *optimizer, const struct run_result *result,
                       size_t index)
{
    const struct kpi *kpi = &optimizer->optimisation.kpis[index];
    const struct metric_slice slice = metric_slice_of_run(result);
    const struct watch_reading reading = {.load = &slice, .hit_ratio = NAN, .server_up = NAN};
    const json_t *of_file = json_array_get(result->kpis, index);
    const json_t *value = json_object_get(of_file, "value");
    if (strcmp(kpi->figure.name, OPTIMISATION_CLIENT_MEMORY) == 0)
        return client_memory_mb(result);
    if (of_file != NULL)
        return json_is_number(value) && !json_is_true(json_object_get(of_file, "at_least"))
                   ? json_number_value(value)
                   : (double)NAN;
    const struct watch_value read = watch_figure_read(&kpi->figure, &reading);
    return read.at_least ? (double)NAN : read.number;
}

/* As run.json has it, which a diagnosis reads. */
static enum err_code hear_end(void *state, const struct run_result *result, struct err *err)
{
    struct optimizer *optimizer = state;
    struct diagnosis_evidence evidence;
    if (result->facts->prefill)
        return OK;
    json_t *run = json_object();
    if (run == NULL)
        return err_set(err, E_SYSTEM, "no memory for the diagnosis of a run");
    json_run_facts(run, result->facts);
    json_run_members(run, result);
    diagnosis_read(&evidence, run);
    diagnosis_make(&optimizer->diagnosis, &evidence);
    json_decref(run);
    for (size_t i = 0; i < optimizer->optimisation.kpi_count; i++)
        optimizer->values[i] = value_of(optimizer, result, i);
    optimizer->timed_out = (double)result->total->counters[COUNTER_TIMED_OUT];
    return OK;
}

/* ---- runs ---- */

/* The measured step is the session's last one, with the profile in its place. Who keeps no replies need not hear of changes. */
static struct bench_step step_of(const struct optimizer *optimizer,
                                 const struct tuning_profile *profile)
{
    const struct bench_steps *steps = &optimizer->session.steps;
    struct bench_step step = steps->steps[steps->count - 1];
    const bool caches = profile->buffer.wanted && profile->buffer.cache_replies > 0;
    step.spec.buffer = profile->buffer;
    step.spec.endpoint.request_timeout_ns = profile->request_timeout_ns;
    step.spec.endpoint.tracking = caches || optimizer->request.tracking;
    if (!caches)
        step.spec.endpoint.resp3 &= optimizer->request.resp3;
    return step;
}

/* mishap: why the run counts for nothing, or cannot be made at all; "". */
static enum err_code run_one(struct optimizer *optimizer, const struct tuning_profile *profile,
                             char mishap[MISHAP_TEXT_BYTES], struct err *err)
{
    struct session *session = &optimizer->session;
    const struct bench_step step = step_of(optimizer, profile);
    mishap[0] = '\0';
    for (size_t i = 0; i < OPTIMISATION_KPIS_MAX; i++)
        optimizer->values[i] = NAN;
    struct err reason = {.code = OK};
    enum err_code code = session_plan(session, &step.spec, &reason);
    if (code == E_USAGE) {
        snprintf(mishap, MISHAP_TEXT_BYTES, "it cannot be: %.200s", reason.text);
        return OK;
    }
    code = code == OK ? session_run(session, &step, err) : err_set(err, code, "%s", reason.text);
    if (code != OK)
        return code;
    const struct run_result *result = session->result;
    optimizer->optimisation.runs++;
    optimizer->optimisation.red_runs += result->verdict.level == VERDICT_RED;
    if (result->status == E_UNTRUSTED)
        optimizer->worst = err_worse(optimizer->worst, E_UNTRUSTED);
    if (!mishap_find(mishap, MISHAP_TEXT_BYTES, result) && result->status != OK)
        snprintf(mishap, MISHAP_TEXT_BYTES, "%.250s", result->status_text);
    else if (mishap[0] == '\0' && !(result->seconds > 0))
        snprintf(mishap, MISHAP_TEXT_BYTES, "it ended before anything was measured");
    return OK;
}

static bool is_interrupted(const struct optimizer *optimizer)
{
    return optimizer->session.interrupts->count > 0;
}

/* Of what is best so far a run has to succeed, or nothing can be held against it. */
static enum err_code fail(struct optimizer *optimizer, const char *mishap, struct err *err)
{
    const enum err_code status = optimizer->session.result->status;
    if (is_interrupted(optimizer))
        return OK;
    return err_set(err, status != OK ? status : E_FAILED, "a run of %.60s counts for nothing: %s",
                   PRINTABLE(optimizer->optimisation.best.buffer.name), PRINTABLE(mishap));
}

/* One run of what is there: detect, collect, identify. */
static enum err_code look(struct optimizer *optimizer, struct err *err)
{
    struct optimisation *optimisation = &optimizer->optimisation;
    char mishap[MISHAP_TEXT_BYTES];
    enum err_code code = run_one(optimizer, &optimisation->best, mishap, err);
    if (code != OK || is_interrupted(optimizer))
        return code;
    if (mishap[0] != '\0')
        return fail(optimizer, mishap, err);
    optimisation_look(optimisation, optimizer->values, &optimizer->diagnosis, optimizer->timed_out);
    if (isnan(optimisation->first[optimisation->named]))
        return err_set(
            err, E_DATA,
            "%.60s is not known of this load: there is no such figure, or too many requests "
            "had no reply when the run ended; a longer --test-duration may help",
            optimisation->kpis[optimisation->named].name);
    return OK;
}

/* A is what is tried, by turns with the best: A B A B. The newest run of the best is the next evidence. */
static enum err_code run_round(struct optimizer *optimizer, struct optimisation_round *round,
                               struct err *err)
{
    struct optimisation *optimisation = &optimizer->optimisation;
    struct diagnosis newest[SIDES] = {optimisation->diagnosis, optimisation->diagnosis};
    double timed_out[SIDES] = {0, optimisation->timed_out};
    for (uint32_t i = 0; i < SIDES * optimisation->planned_runs && round->mishap[0] == '\0'; i++) {
        const int side = (int)(i % SIDES);
        char mishap[MISHAP_TEXT_BYTES];
        enum err_code code = run_one(
            optimizer, side == SIDE_TRIED ? &round->choice.profile : &round->best, mishap, err);
        if (code == OK && mishap[0] != '\0' && side == SIDE_BEST)
            code = fail(optimizer, mishap, err);
        if (code != OK || is_interrupted(optimizer)) {
            optimisation_judge(optimisation, round);
            return code;
        }
        optimisation_add(optimisation, round, side, optimizer->values, mishap);
        newest[side] = optimizer->diagnosis;
        timed_out[side] = optimizer->timed_out;
    }
    optimisation_judge(optimisation, round);
    const int best = round->answer == OPTIMISATION_KEPT ? SIDE_TRIED : SIDE_BEST;
    optimisation_look(optimisation, optimizer->values, &newest[best], timed_out[best]);
    return OK;
}

static enum err_code run_all(struct optimizer *optimizer, struct err *err)
{
    struct optimisation *optimisation = &optimizer->optimisation;
    struct optimisation_round *round = NULL;
    enum err_code code = look(optimizer, err);
    while (code == OK && !is_interrupted(optimizer)) {
        code = optimisation_begin_round(&round, optimisation, err);
        if (code != OK || round == NULL)
            break;
        code = run_round(optimizer, round, err);
    }
    optimisation->interrupted = is_interrupted(optimizer);
    if (optimisation->interrupted)
        optimizer->worst = err_worse(optimizer->worst, E_INTERRUPTED);
    else if (code != OK)
        snprintf(optimisation->error, sizeof optimisation->error, "%s", err->text);
    return code;
}

/* ---- outputs ---- */

static enum err_code open_file(struct optimizer *optimizer, int at, const char *path,
                               enum output_naming naming, struct err *err)
{
    if (path == NULL)
        return OK;
    const enum err_code code = output_create(&optimizer->files[at], path, naming, err);
    optimizer->is_open[at] = code == OK;
    return code;
}

static enum err_code open_directory(struct optimizer *optimizer, struct err *err)
{
    static const char *const names[FILES] = {[FILE_JSON_OUT] = "optimize.json",
                                             [FILE_MARKDOWN_OUT] = "optimize.md",
                                             [FILE_PROFILE_OUT] = "buffer.yaml"};
    const char *directory = optimizer->request.bench.spec.outputs.out_dir;
    enum err_code code = OK;
    for (int at = 0; at < FILES && code == OK; at++) {
        char *path = optimizer->profile_path;
        if (names[at] == NULL)
            continue;
        code = bench_outputs_path(path, directory, names[at], err);
        if (code == OK)
            code = open_file(optimizer, at, path, OUTPUT_OWN, err);
    }
    return code;
}

static enum err_code open_outputs(struct optimizer *optimizer, struct err *err)
{
    struct session *session = &optimizer->session;
    const struct optimize_request *request = &optimizer->request;
    const struct spec *spec = &request->bench.spec;
    enum err_code code = session_open(session, err);
    if (code == OK)
        timeline_add(&session->timeline,
                     (struct sink){.name = "optimize", .state = optimizer, .run_end = hear_end});
    if (code == OK && !spec->watch.tui && (spec->outputs.progress || isatty(STDERR_FILENO)))
        code = session_show_progress(session, true, err);
    if (code == OK && spec->outputs.out_dir != NULL)
        code = bench_outputs_add_directory(&session->timeline, spec, err);
    if (code == OK && spec->outputs.out_dir != NULL)
        code = open_directory(optimizer, err);
    output_borrow(&optimizer->text, stdout);
    optimizer->text.plain = true;
    optimizer->text_on_stdout =
        !output_is_stdout(spec->outputs.json_path) && !output_is_stdout(request->markdown_path);
    if (code == OK)
        code = open_file(optimizer, FILE_JSON, spec->outputs.json_path, OUTPUT_NAMED, err);
    if (code == OK)
        code = open_file(optimizer, FILE_MARKDOWN, request->markdown_path, OUTPUT_NAMED, err);
    if (code == OK)
        code = open_file(optimizer, FILE_PROFILE, request->write_path, OUTPUT_MISSING, err);
    optimizer->optimisation.written_path = request->write_path != NULL ? request->write_path
                                           : optimizer->is_open[FILE_PROFILE_OUT]
                                               ? optimizer->profile_path
                                               : NULL;
    return code;
}

/* A profile is written only if it is another one. */
static enum err_code write_outputs(struct optimizer *optimizer, struct err *err)
{
    const struct optimisation *optimisation = &optimizer->optimisation;
    const struct session *session = &optimizer->session;
    json_t *document = optimisation_document(optimisation, &session->facts,
                                             optimisation->looked ? session->run : NULL);
    enum err_code code = OK;
    if (optimizer->text_on_stdout) {
        optimisation_write_text(&optimizer->text, optimisation);
        code = output_status(&optimizer->text, err);
    }
    for (int at = 0; at < FILES; at++) {
        struct output *file = &optimizer->files[at];
        if (!optimizer->is_open[at])
            continue;
        if (at <= FILE_JSON_OUT)
            code = err_worse(code, capacity_json_write(file, document, err));
        else if (at <= FILE_MARKDOWN_OUT)
            optimisation_write_markdown(file, optimisation);
        else if (optimisation->kept > 0)
            optimisation_write_profile(file, optimisation);
        else
            continue;
        code = err_worse(code, output_commit(file, err));
    }
    json_decref(document);
    return code;
}

/* ---- the story ---- */

/* What is there is planned once: what cannot be is refused before anything runs. */
static enum err_code prepare(struct optimizer *optimizer, struct err *err)
{
    struct session *session = &optimizer->session;
    struct optimisation *optimisation = &optimizer->optimisation;
    const struct load_options *load = &optimizer->request.bench.spec.load;
    session->request = &optimizer->request.bench;
    session->command = "optimize";
    session->more_runs_ns = SIDES * (uint64_t)optimisation->planned_rounds *
                            optimisation->planned_runs * (load->duration_ns + load->warmup_ns);
    enum err_code code = optimisation_init(optimisation, err);
    if (code == OK)
        code = session_prepare(session, err);
    if (code != OK)
        return code;
    const struct bench_step step = step_of(optimizer, &optimisation->before);
    return session_plan(session, &step.spec, err);
}

static enum err_code run(void *target, struct err *err)
{
    struct optimizer *optimizer = target;
    struct session *session = &optimizer->session;
    enum err_code code = prepare(optimizer, err);
    if (code == OK && optimizer->request.bench.spec.outputs.explain) {
        explain_print(stdout, &optimizer->request.bench.values, &session->steps, &session->plan);
        return OK;
    }
    if (code == OK)
        code = open_outputs(optimizer, err);
    if (code == OK)
        code = session_reach(session, err);
    if (code != OK)
        return code;
    timeline_session_begin(&session->timeline, &session->facts);
    code = session_fill_keys(session, err);
    if (code == OK)
        code = run_all(optimizer, err);
    code = err_worse(code, session_end(session));
    struct err own = {.code = OK};
    enum err_code written = write_outputs(optimizer, &own);
    if (written != OK)
        code = err_worse(code, err_set(err, written, "%s", own.text));
    return err_worse(code, optimizer->worst);
}

static enum err_code parse(void *target, int argc, const char *const *argv, struct err *err)
{
    struct optimizer *optimizer = target;
    return optimize_options_parse(&optimizer->request, &optimizer->optimisation, argc, argv, err);
}

static void destroy(void *target)
{
    struct optimizer *optimizer = target;
    for (int at = 0; at < FILES; at++)
        output_discard(&optimizer->files[at]);
    output_discard(&optimizer->text);
    session_free(&optimizer->session);
    optimisation_free(&optimizer->optimisation);
    optimize_options_free(&optimizer->request);
    free(optimizer);
}

int command_optimize(int argc, const char *const *argv)
{
    struct optimizer *optimizer = calloc(1, sizeof *optimizer);
    if (optimizer == NULL)
        return err_exit_status(E_SYSTEM);
    optimizer->session.argc = argc;
    optimizer->session.argv = argv;
    const struct command_frame frame = {.table = optimize_option_table(),
                                        .target = optimizer,
                                        .load = &optimizer->request.bench,
                                        .help = &optimizer->request.bench.help,
                                        .parse = parse,
                                        .run = run,
                                        .destroy = destroy};
    return command_frame_run(&frame, argc, argv);
}
