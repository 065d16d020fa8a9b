/* `volley find-max`: one run a probe, until the search knows the highest rate that keeps every
 * objective. docs/design/capacity.md tells the method. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "orchestrator/capacity/capacity_json.h"
#include "orchestrator/capacity/curve.h"
#include "orchestrator/commands/bench_outputs.h"
#include "orchestrator/commands/capacity_files.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/commands/curve_outputs.h"
#include "orchestrator/commands/explain.h"
#include "orchestrator/commands/find_max_options.h"
#include "orchestrator/commands/frame.h"
#include "orchestrator/commands/session.h"
#include "orchestrator/options/rate_text.h"

/* A probe in which workers died, that found no connection, or whose target was away for a while says nothing
 * about the rate; it is repeated, so many times. */
#define REPEATS_MAX 3u
/* At default options a search is settled by then, unless something keeps it from it. */
#define USUAL_SECONDS 180.0

struct find_max {
    struct find_max_request request;
    struct session session;
    struct search search;
    struct windows windows;
    struct curve curve;
    struct capacity_files files;
    struct curve_outputs pictures;
    struct rate_step rate_step; /* of the probe under way */
    bool show_probes;
    uint64_t began_ns; /* the first probe */
    bool told_why;     /* it takes so long */
};

static enum err_code prepare(struct find_max *find, struct err *err)
{
    struct find_max_request *request = &find->request;
    const struct spec *spec = &request->bench.spec;
    struct search_limits limits = find_max_limits(request);
    find->session.request = &request->bench;
    find->session.command = "find-max";
    find->session.more_runs_ns =
        (uint64_t)(find_max_estimate(request).all_seconds * (double)NS_PER_SECOND);
    find->windows.objectives = &request->objectives;
    find->windows.window_ns = request->window_ns;
    find->windows.wanted = (uint32_t)request->windows;
    find->show_probes = spec->outputs.progress ||
                        (isatty(STDERR_FILENO) && !spec->outputs.quiet && !spec->watch.tui);
    search_init(&find->search, &limits);
    enum err_code code = session_prepare(&find->session, err);
    if (code == OK)
        code = bench_steps_check_classes(&find->session.steps, &request->objectives, "--slo", err);
    if (code == OK)
        code = curve_init(&find->curve, &request->objectives, spec->outputs.percentiles,
                          spec->outputs.percentile_count, err);
    find->curve.limits = limits;
    find->curve.headroom = request->headroom;
    find->curve.window_ns = request->window_ns;
    find->curve.windows = find->windows.wanted;
    if (code == OK)
        code = windows_init(&find->windows, err);
    return code;
}

static enum err_code open_outputs(struct find_max *find, struct err *err)
{
    const struct spec *spec = &find->request.bench.spec;
    enum err_code code = session_open(&find->session, err);
    if (code != OK)
        return code;
    timeline_add(&find->session.timeline, windows_sink(&find->windows));
    if (spec->outputs.out_dir != NULL)
        code = bench_outputs_add_directory(&find->session.timeline, spec, err);
    if (code == OK)
        code = capacity_files_open(&find->files, "find-max", CAPACITY_CSV, spec,
                                   find->request.csv_path, err);
    if (code == OK)
        code =
            curve_outputs_open(&find->pictures, &find->session.timeline, &spec->outputs, NULL, err);
    return code;
}

static double seconds_since(uint64_t began_ns)
{
    return clock_seconds(clock_now_ns() - began_ns);
}

static void show(const struct find_max *find)
{
    char line[1024];
    const struct probe *probe = &find->curve.probes[find->curve.probe_count - 1];
    if (find->show_probes)
        fprintf(stderr, "[%.1fs] %s\n", seconds_since(find->began_ns),
                curve_format_probe(line, sizeof line, &find->curve, probe));
}

/* Once, when it takes longer than a search at default options should. */
static void tell_delay(struct find_max *find)
{
    struct find_max_estimate estimate = find_max_estimate(&find->request);
    char took[24], why[160];
    double patience = estimate.most_seconds > USUAL_SECONDS ? estimate.most_seconds : USUAL_SECONDS;
    if (find->told_why || seconds_since(find->began_ns) < patience ||
        search_next(&find->search) == 0)
        return;
    find->told_why = true;
    log_line(LOG_WARNING, "not settled after %s: %s; %u more probes at most (--max-probes)",
             find_max_format_seconds(took, sizeof took, seconds_since(find->began_ns)),
             curve_format_doubt(why, sizeof why, &find->search),
             find->search.limits.probes_max - find->search.probe_count);
}

/* Runs one probe and tells the search. *repeat counts those that told nothing. */
static enum err_code run_probe(struct find_max *find, uint64_t rate_micro, uint32_t *repeats,
                               struct err *err)
{
    struct session *session = &find->session;
    struct bench_step step = session->steps.steps[session->steps.count - 1];
    bool retest = search_seen(&find->search, rate_micro) != NULL;
    bench_step_set_rate(&step, &find->rate_step, rate_micro);
    step.spec.rate.measured = true;
    find->windows.enough = &session->interrupts->enough;
    /* What the interval rests on is measured whole. */
    find->windows.ending = retest                         ? WINDOWS_WHOLE
                           : find->search.high_micro == 0 ? WINDOWS_CLIMBING
                                                          : WINDOWS_DECIDED;
    find->windows.hopeless_backlog = rate_micro / SCHEDULE_MICRO + 1;
    struct err own = {.code = OK};
    enum err_code code = session_run(session, &step, &own);
    if (code == E_CONNECT && find->search.probe_count > 0 && *repeats < REPEATS_MAX) {
        ++*repeats; /* it was there before: the last probe's load may be in its way still */
        log_line(LOG_WARNING, "%s; trying again", own.text);
        return OK;
    }
    if (code != OK)
        return err_set(err, code, "%s", own.text);
    if (session->result->status == E_UNTRUSTED || session->result->status == E_CONNECT)
        return err_set(err, session->result->status, "%s", session->result->status_text);
    code = curve_add(&find->curve, rate_micro, retest, &find->windows, session->result, err);
    if (code != OK)
        return code;
    show(find);
    const struct probe *probe = &find->curve.probes[find->curve.probe_count - 1];
    if (probe->end == PROBE_CUT)
        return OK;
    if (probe->end == PROBE_ERROR)
        return ++*repeats <= REPEATS_MAX
                   ? OK
                   : err_set(err, E_FAILED,
                             "none of %u probes in a row was undisturbed; the last: %s", *repeats,
                             probe->mishap);
    if (probe->windows_judged == 0)
        return ++*repeats <= REPEATS_MAX
                   ? OK
                   : err_set(err, E_FAILED, "no window of %u probes in a row was measured whole",
                             *repeats);
    *repeats = 0;
    struct search_outcome outcome = probe_outcome(probe, &find->request.objectives);
    search_feed(&find->search, &outcome);
    return OK;
}

static enum err_code run_probes(struct find_max *find, struct err *err)
{
    const struct interrupts *interrupts = find->session.interrupts;
    uint32_t repeats = 0;
    uint64_t rate_micro;
    enum err_code code = OK;
    find->began_ns = clock_now_ns();
    while (code == OK && interrupts->count == 0 && find->curve.probe_count < SEARCH_PROBES_MAX &&
           (rate_micro = search_next(&find->search)) != 0) {
        tell_delay(find);
        code = run_probe(find, rate_micro, &repeats, err);
    }
    find->curve.interrupted = interrupts->count > 0;
    if (code != OK && !find->curve.interrupted)
        snprintf(find->curve.error, sizeof find->curve.error, "%s", err->text);
    find->curve.finding = search_find(&find->search);
    curve_find_limit(&find->curve);
    return code;
}

static enum err_code write_outputs(struct find_max *find, struct err *err)
{
    const struct session *session = &find->session;
    struct capacity_files *files = &find->files;
    const struct run_facts *run = find->curve.probe_count > 0 ? session->run : NULL;
    json_t *document = curve_document(&find->curve, &session->facts, run);
    enum err_code code = OK;
    if (files->text_on_stdout)
        curve_write_text(&files->text, &find->curve, find->request.bench.spec.outputs.quiet);
    for (uint32_t i = 0; i < files->csv_count; i++)
        curve_write_csv(&files->csv[i], &find->curve);
    for (uint32_t i = 0; i < files->json_count && code == OK; i++)
        code = capacity_json_write(&files->json[i], document, err);
    if (code == OK)
        code = capacity_files_commit(files, err);
    if (code == OK)
        code = curve_outputs_write(&find->pictures, document, err);
    json_decref(document);
    return code;
}

/* What the search itself came to, for the exit status. */
static enum err_code judge(const struct find_max *find, struct err *err)
{
    const struct curve *curve = &find->curve;
    char rate[40], reason[256], why[160];
    if (curve->interrupted)
        return E_INTERRUPTED;
    if (curve->finding.status == SEARCH_NOTHING) {
        const struct probe *last = &curve->probes[curve->probe_count - 1];
        curve_format_reason(reason, sizeof reason, curve, last);
        rate_format(rate, sizeof rate, last->rate_micro);
        if (curve->limit.kind == LIMIT_VOLLEY)
            return err_set(err, E_FAILED,
                           "no rate keeps the objectives: even at %s/s %s, and the limit is volley "
                           "itself: %s",
                           rate, reason, curve->limit.evidence);
        return err_set(err, E_FAILED,
                       "no rate keeps the objectives: even at %s/s %s; loosen them, or look at "
                       "what slows the server down",
                       rate, reason);
    }
    if (curve->finding.status == SEARCH_UNFINISHED)
        return err_set(
            err, E_DATA,
            "the search is not settled after %u probes: %s; give it more (--max-probes), "
            "longer windows (--window), or less --precision",
            curve->probe_count, curve_format_doubt(why, sizeof why, &find->search));
    if (curve->headroom.factor > 0 && !curve_keeps_headroom(curve))
        return err_set(
            err, E_FAILED,
            "no headroom: %s/s is sustained, %.2f times %s/s, and --headroom wants %g "
            "times it",
            rate_format(rate, sizeof rate, curve->finding.rate_micro), curve_headroom(curve),
            rate_format(why, sizeof why, curve->headroom.load_micro), curve->headroom.factor);
    return OK;
}

static enum err_code run(void *target, struct err *err)
{
    struct find_max *find = target;
    struct session *session = &find->session;
    char line[160];
    enum err_code code = prepare(find, err);
    if (code == OK && find->request.bench.spec.outputs.explain) {
        printf("Search: %s\n\n", find_max_format_estimate(line, sizeof line, &find->request));
        explain_print(stdout, &find->request.bench.values, &session->steps, &session->plan);
        return OK;
    }
    if (code == OK)
        code = open_outputs(find, err);
    if (code == OK)
        code = session_reach(session, err);
    if (code != OK)
        return code;
    timeline_session_begin(&session->timeline, &session->facts);
    if (find->show_probes)
        fprintf(stderr, "find-max: %s\n",
                find_max_format_estimate(line, sizeof line, &find->request));
    code = session_fill_keys(session, err);
    if (code == OK)
        code = run_probes(find, err);
    enum err_code ended = session_end(session);
    struct err own = {.code = OK};
    enum err_code written = write_outputs(find, &own);
    if (written != OK)
        return err_worse(code, err_set(err, written, "%s", own.text));
    return err_worse(code == OK ? judge(find, err) : code, ended);
}

static enum err_code parse(void *target, int argc, const char *const *argv, struct err *err)
{
    return find_max_options_parse(&((struct find_max *)target)->request, argc, argv, err);
}

static void destroy(void *target)
{
    struct find_max *find = target;
    capacity_files_discard(&find->files);
    session_free(&find->session);
    curve_outputs_discard(&find->pictures);
    windows_free(&find->windows);
    curve_free(&find->curve);
    bench_options_free(&find->request.bench);
    free(find);
}

int command_find_max(int argc, const char *const *argv)
{
    struct find_max *find = calloc(1, sizeof *find);
    if (find == NULL)
        return err_exit_status(E_SYSTEM);
    find->session.argc = argc;
    find->session.argv = argv;
    const struct command_frame frame = {.table = find_max_option_table(),
                                        .target = find,
                                        .load = &find->request.bench,
                                        .help = &find->request.bench.help,
                                        .parse = parse,
                                        .run = run,
                                        .destroy = destroy};
    return command_frame_run(&frame, argc, argv);
}
