/* `volley bench`: parse, plan, prepare the target, run each step, report. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "orchestrator/commands/bench_log.h"
#include "orchestrator/commands/bench_outputs.h"
#include "orchestrator/commands/bench_steps.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/commands/explain.h"
#include "orchestrator/commands/interrupts.h"
#include "orchestrator/fleet/fleet.h"
#include "orchestrator/fleet/plan.h"
#include "orchestrator/options/bench_options.h"
#include "orchestrator/report/progress.h"
#include "orchestrator/report/timeline.h"
#include "orchestrator/target/control.h"
#include "orchestrator/target/environment.h"
#include "orchestrator/target/managed_server.h"

struct session {
    struct bench_request request;
    struct bench_steps steps;
    struct cpu_set_order cpus;
    struct plan plan;
    struct managed_server server;
    struct control *control;
    struct target_address target;
    struct server_locality locality;
    struct timeline timeline;
    bool timeline_ready;
    struct session_facts facts;
    struct progress progress;
    bool progress_ready;
    bool show_progress;
    struct interrupts *interrupts;
    enum err_code worst; /* of the runs so far */
};

static void print_notices(const struct bench_request *request)
{
    for (uint32_t i = 0; i < request->notice_count; i++)
        log_line(LOG_WARNING, "%s", request->notices[i]);
}

static bool is_loopback(const char *host)
{
    return strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 ||
           strcmp(host, "::1") == 0;
}

static enum server_place place_of_server(const struct spec *spec)
{
    if (spec->managed)
        return SERVER_MANAGED;
    if (!spec->null_transport && (spec->socket_path != NULL || is_loopback(spec->host)))
        return SERVER_LOCAL;
    return SERVER_REMOTE;
}

/* Everything that can be refused without connecting. */
static enum err_code prepare(struct session *session, struct err *err)
{
    const struct spec *spec = &session->request.spec;
    enum err_code code = bench_steps_build(&session->steps, spec, err);
    if (code == OK)
        code = cpu_order_discover(&session->cpus, "", NULL, err);
    if (code == OK)
        code = plan_build(&session->plan, spec, &session->cpus, place_of_server(spec), err);
    if (code == OK && session->plan.reduction != NULL && !spec->explain)
        log_line(LOG_WARNING, "%s", session->plan.reduction);
    return code;
}

/* Nobody named a server, and none is where one is usually found. */
static void advise_to_name_one(const struct session *session, struct err *err)
{
    static const char *const names[] = {"host", "port", "socket", "uri", "managed"};
    const struct err failed = *err;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (options_given(&session->request.values, names[i]))
            return;
    if (strncmp(failed.text, "cannot connect to", 17) != 0)
        return; /* somebody answered */
    *err = (struct err){.code = OK};
    err_set(err, failed.code,
            "%s; name a server with -h and -p, or let volley start one with --managed",
            failed.text);
}

/* Starts the server if it is ours, and finds out who answers. */
static enum err_code reach_target(struct session *session, struct err *err)
{
    struct spec *spec = &session->request.spec;
    enum err_code code = OK;
    if (spec->null_transport) {
        snprintf(session->target.text, sizeof session->target.text, "null transport");
        return OK;
    }
    if (spec->managed) {
        code = managed_server_start(&session->server, session->plan.server_cpu,
                                    &session->interrupts->count, err);
        spec->port = session->server.port;
        if (code == OK)
            bench_log_server_started(&session->server);
    }
    if (code == OK)
        code = control_connect(&session->control, &session->target, spec,
                               &session->interrupts->count, err);
    if (code == E_CONNECT)
        advise_to_name_one(session, err);
    if (code == OK)
        log_line(LOG_INFO, "%s answers", session->target.text);
    if (code == OK)
        server_locality_find(&session->locality, session->control, &session->target);
    return code;
}

static enum err_code open_outputs(struct session *session, struct err *err)
{
    const struct spec *spec = &session->request.spec;
    session->show_progress =
        spec->progress || (isatty(STDERR_FILENO) && !spec->quiet && !spec->csv);
    enum err_code code = timeline_init(&session->timeline, err);
    session->timeline_ready = code == OK;
    if (code == OK)
        code = bench_outputs_add(&session->timeline, spec, err);
    if (code == OK && session->show_progress) {
        code = progress_init(&session->progress, stderr, err);
        session->progress_ready = code == OK;
        session->progress.named = session->steps.count > 1 || spec->loop;
    }
    return code;
}

static enum err_code describe(struct session *session, struct err *err)
{
    const struct spec *spec = &session->request.spec;
    session->facts = (struct session_facts){
        .spec = options_to_json(&session->request.values),
        .environment = environment_collect(session->control, &session->cpus),
        .label = spec->label,
        .command = "bench",
        .percentiles = spec->percentiles,
        .percentile_count = spec->percentile_count,
    };
    if (session->facts.spec == NULL || session->facts.environment == NULL)
        return err_set(err, E_SYSTEM, "no memory to describe the session");
    /* The control connection is not needed while requests are measured. */
    control_close(session->control);
    session->control = NULL;
    return OK;
}

/* A worker's CPU and the server's are the same when the server has no CPU that is free of workers. */
static bool server_shares_cpu(const struct session *session)
{
    const struct server_locality *locality = &session->locality;
    if (!locality->known || !locality->local)
        return false;
    for (uint32_t i = 0; i < locality->cpu_count; i++) {
        bool taken = false;
        for (uint32_t w = 0; w < session->plan.worker_count; w++)
            taken |= session->plan.workers[w].cpu == (int)locality->cpus[i];
        if (!taken)
            return false;
    }
    return locality->cpu_count > 0;
}

static void fill_facts(struct run_facts *facts, const struct session *session,
                       const struct bench_step *step, uint32_t index)
{
    const struct spec *spec = &step->spec;
    *facts = (struct run_facts){
        .index = index,
        .prefill = step->prefill_for != NULL,
        .interval_ns = spec->interval_ns,
        .warmup_ns = spec->warmup_ns,
        .duration_ns = spec->duration_ns,
        .requests = spec->duration_ns > 0 ? 0 : spec->requests,
        .clients = spec->clients,
        .pipeline = spec->pipeline,
        .data_bytes = spec->data_bytes,
        .request_bytes = workload_request_bytes(step->workload),
        .keyspace = workload_keys_per_request(step->workload) == 0 ? 0
                    : spec->key_order == KEYS_ONE                  ? 1
                                                                   : spec->keyspace,
        .one_key = workload_uses_one_key(step->workload),
        .reads = workload_reads(step->workload),
        .keyspace_random = spec->key_order == KEYS_RANDOM,
        .open_loop = spec->rate_steps != NULL,
        .shed_after_ns = spec->shed_after_ns,
        .clients_start = spec->client_ramp.start_clients,
        .steady_auto = spec->steady_auto,
        .worker_count = session->plan.worker_count,
    };
    snprintf(facts->name, sizeof facts->name, "%s", workload_title(step->workload));
    if (step->prefill_for != NULL)
        snprintf(facts->prefill_for, sizeof facts->prefill_for, "%s", step->prefill_for);
    snprintf(facts->target, sizeof facts->target, "%s", session->target.text);
    snprintf(facts->rate_text, sizeof facts->rate_text, "%s", spec->rate_text);
    for (uint32_t i = 0; i < session->plan.worker_count; i++)
        facts->worker_cpus[i] = session->plan.workers[i].cpu;
}

static enum err_code run_step(struct session *session, const struct bench_step *step,
                              uint32_t index, struct err *err)
{
    struct run_facts *facts = calloc(1, sizeof *facts);
    struct run_result *result = calloc(1, sizeof *result);
    enum err_code code = OK;
    if (facts == NULL || result == NULL)
        code = err_set(err, E_SYSTEM, "no memory for a run");
    if (code == OK) {
        fill_facts(facts, session, step, index);
        if (facts->one_key && !facts->prefill)
            log_line(LOG_WARNING,
                     "%s: every request has the same key; give -r KEYSPACE or --sequential "
                     "KEYSPACE to spread them",
                     facts->name);
        result->evidence.server_place_known =
            session->locality.known || session->request.spec.null_transport;
        result->evidence.server_shares_worker_cpu = server_shares_cpu(session);
        struct worker_run run = {
            .spec = &step->spec,
            .workload = step->workload,
            .target = &session->target,
            .requests = facts->requests,
            .duration_ns = facts->duration_ns,
            .warmup_ns = facts->warmup_ns,
            .pipeline = facts->pipeline,
            .open_loop = facts->open_loop,
            .null_transport = step->spec.null_transport,
        };
        bench_log_run_begin(facts);
        code = fleet_run(&session->plan, &run, facts, &session->timeline,
                         session->show_progress ? &session->progress : NULL, session->interrupts,
                         result, err);
        if (code == OK)
            bench_log_run_end(facts, result);
    }
    if (code == OK && result->status != OK) {
        if (result->status != E_INTERRUPTED)
            log_line(LOG_ERROR, "%s: %s", facts->name, result->status_text);
        session->worst = err_worse(session->worst, result->status);
    }
    free(facts);
    free(result);
    return code;
}

static enum err_code run_steps(struct session *session, struct err *err)
{
    enum err_code code = OK;
    uint32_t index = 0;
    timeline_session_begin(&session->timeline, &session->facts);
    do {
        for (uint32_t i = 0; i < session->steps.count && code == OK; i++) {
            if (session->interrupts->count > 0) {
                session->worst = err_worse(session->worst, E_INTERRUPTED);
                break;
            }
            code = run_step(session, &session->steps.steps[i], index++, err);
        }
    } while (session->request.spec.loop && code == OK && session->interrupts->count == 0 &&
             session->worst == OK);
    if (session->request.spec.loop && session->interrupts->count > 0)
        session->worst = err_worse(session->worst, E_INTERRUPTED);
    timeline_session_end(&session->timeline);
    return code;
}

static void session_free(struct session *session)
{
    if (session->timeline_ready)
        timeline_destroy(&session->timeline);
    if (session->progress_ready)
        progress_destroy(&session->progress);
    control_close(session->control);
    if (session->server.pid != 0)
        log_line(LOG_INFO, "stopping the server (pid %d)", (int)session->server.pid);
    managed_server_stop(&session->server);
    json_decref(session->facts.spec);
    json_decref(session->facts.environment);
    bench_steps_free(&session->steps);
    bench_options_free(&session->request);
    struct err err = {.code = OK};
    enum err_code closed = log_to_file(NULL, &err);
    (void)closed;
}

static enum err_code run_session(struct session *session, struct err *err)
{
    /* Up to here a signal ends the process as usual: nothing has been started, and reading standard
     * input (-x) may take for ever. */
    enum err_code code = prepare(session, err);
    session->interrupts = interrupts_install();
    if (code == OK && session->request.spec.explain) {
        explain_print(stdout, &session->request.values, &session->steps, &session->plan);
        return OK;
    }
    if (code == OK)
        code = plan_raise_fd_limit(&session->plan, err);
    if (code == OK)
        code = open_outputs(session, err);
    if (code == OK)
        bench_log_plan(&session->plan, &session->cpus);
    if (code == OK)
        code = reach_target(session, err);
    if (code == OK)
        code = describe(session, err);
    if (code == OK)
        code = run_steps(session, err);
    return code;
}

int command_bench(int argc, const char *const *argv)
{
    struct session *session = calloc(1, sizeof *session);
    struct err err = {.code = OK};
    if (session == NULL)
        return err_exit_status(E_SYSTEM);
    enum err_code code = bench_options_parse(&session->request, argc, argv, &err);
    if (code == OK && session->request.help) {
        options_print_help(&bench_option_table, stdout);
        printf("\nOther commands: volley help\n");
    } else if (code == OK && session->request.version) {
        printf("volley %s (%s)\n", volley_version, volley_commit);
    } else if (code == OK) {
        log_set_level(session->request.spec.log_level);
        print_notices(&session->request);
        code = run_session(session, &err);
    }
    if (code != OK)
        log_line(LOG_ERROR, "%s", err.text);
    code = err_worse(code, session->worst);
    session_free(session);
    free(session);
    return err_exit_status(code);
}
