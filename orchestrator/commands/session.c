#include "orchestrator/commands/session.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buffer_stage.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/transport_tls.h"
#include "common/units.h"
#include "orchestrator/commands/bench_log.h"
#include "orchestrator/commands/filling.h"
#include "orchestrator/commands/interrupts.h"
#include "orchestrator/commands/invocation.h"
#include "orchestrator/commands/replaying.h"
#include "orchestrator/fleet/run_control.h"
#include "orchestrator/machine/local_ports.h"
#include "orchestrator/server/chaos.h"
#include "orchestrator/server/command_keys.h"
#include "orchestrator/server/command_stats.h"
#include "orchestrator/server/discover.h"
#include "orchestrator/server/functions.h"
#include "orchestrator/server/reach.h"
#include "orchestrator/server/reply_value.h"
#include "orchestrator/server/scripts.h"

/* Of a list the first counts. */
static bool is_loopback(const char *hosts)
{
    static const char *const names[] = {"localhost", "::1", "[::1]"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strncmp(hosts, names[i], strlen(names[i])) == 0 &&
            strchr(",:", hosts[strlen(names[i])]) != NULL)
            return true;
    return strncmp(hosts, "127.", 4) == 0;
}

static enum server_place place_of_server(const struct spec *spec)
{
    if (spec->managed.wanted)
        return SERVER_MANAGED;
    const char *hosts =
        spec->endpoint.sentinels != NULL ? spec->endpoint.sentinels : spec->endpoint.host;
    if (!spec->load.null_transport && (spec->endpoint.socket_path != NULL || is_loopback(hosts)))
        return SERVER_LOCAL;
    return SERVER_REMOTE;
}

/* Everything that TLS connections need, and whether it can be used. Of servers of our own only those
 * are trusted. */
static enum err_code set_up_tls(struct session *session, struct err *err)
{
    struct tls_options options = session->request->spec.endpoint.tls;
    if (session->request->spec.managed.tls)
        options.cacert = session->certificates.authority;
    enum err_code code = tls_client_create(&session->tls, &options, err);
    session->request->spec.endpoint.tls_client = session->tls;
    for (uint32_t i = 0; i < bench_steps_all(&session->steps); i++)
        bench_steps_at(&session->steps, i)->spec.endpoint.tls_client = session->tls;
    return code;
}

/* Nodes to each of which each worker needs a connection: those that one run's requests may go to, one by one. */
static uint64_t nodes_to_reach(const struct session *session)
{
    const struct topology *topology = session->topology;
    const enum replica_reads reads = session->request->spec.endpoint.replica_reads;
    const bool mixed = reads != REPLICA_READS_NO && bench_steps_mixed(&session->steps);
    if (topology == NULL || topology->kind != TOPOLOGY_SLOTS)
        return topology != NULL && mixed ? topology->node_count : 0;
    const struct topology_count count = topology_count_serving(topology);
    switch (reads) {
    case REPLICA_READS_NO:
        return count.primaries;
    case REPLICA_READS_YES:
        if (mixed) /* reads to replicas, writes to primaries */
            break;
        return count.replicas + count.alone > count.primaries ? count.replicas + count.alone
                                                              : count.primaries;
    case REPLICA_READS_ALL:
        break;
    }
    return count.primaries + count.replicas;
}

/* Workers need connections of each workload that runs: the one with the fewest decides how many there can be. */
static enum err_code build_plan(struct session *session, const struct spec *spec,
                                enum server_place place, const struct server_cpus *server,
                                struct err *err)
{
    const struct bench_steps *steps = &session->steps;
    struct spec planned = *spec;
    planned.connections.worker_min = nodes_to_reach(session);
    for (uint32_t i = 0; i < steps->beside_count; i++)
        if (steps->beside[i].spec.load.clients < planned.load.clients)
            planned.load.clients = steps->beside[i].spec.load.clients;
    enum err_code code = plan_build(&session->plan, &planned, &session->cpus, place, server, err);
    bool left_out = spec->load.clients != planned.load.clients;
    if (code == OK && left_out)
        plan_add_connections(&session->plan, spec->load.clients);
    for (uint32_t i = 0; i < steps->beside_count && code == OK; i++) {
        const uint64_t clients = steps->beside[i].spec.load.clients;
        if (left_out && clients == planned.load.clients)
            left_out = false;
        else
            plan_add_connections(&session->plan, clients);
    }
    uint64_t consumers = 0;
    for (uint32_t i = 0; i < bench_steps_all(&session->steps); i++) {
        const uint64_t own =
            workload_consumer_connections(bench_steps_at(&session->steps, i)->workload);
        consumers = steps->beside_count > 0 ? consumers + own : own > consumers ? own : consumers;
    }
    if (code == OK)
        plan_add_consumers(&session->plan, consumers);
    return code;
}

enum err_code session_prepare(struct session *session, struct err *err)
{
    const struct spec *spec = &session->request->spec;
    const struct check_request *checks = &session->request->checks;
    enum err_code code = watching_check(session, err);
    if (code == OK)
        code = replaying_prepare(session->request, err);
    if (code == OK)
        code = bench_steps_build(&session->steps, spec, err);
    if (code == OK)
        code = checking_plan(&session->checking, &session->steps, spec, err);
    if (code == OK)
        code = bench_steps_check_classes(&session->steps, &checks->kept, "--check", err);
    if (code == OK)
        code = bench_steps_check_classes(&session->steps, &checks->aborts, "--abort-on", err);
    if (code == OK)
        code = cpu_order_discover(&session->cpus, "", NULL, err);
    if (code == OK)
        code = build_plan(session, spec, place_of_server(spec), NULL, err);
    if (code == OK && spec->managed.program != NULL)
        code = spec->outputs.explain
                   ? provider_path.check(spec->managed.program, err)
                   : provider_obtain(&session->program, &provider_path, spec->managed.program, err);
    if (code == OK && session->plan.reduction != NULL && !spec->outputs.explain)
        log_line(LOG_WARNING, "%s", session->plan.reduction);
    if (code == OK && session->plan.crowding != NULL && !spec->outputs.explain)
        log_line(LOG_WARNING, "%s More workers than CPUs make no more load",
                 session->plan.crowding);
    /* Certificates of a managed server are made when it is started. */
    if (code == OK && spec->endpoint.tls.wanted && !spec->managed.tls)
        code = set_up_tls(session, err);
    session->interrupts = interrupts_install();
    return code;
}

enum err_code session_open(struct session *session, struct err *err)
{
    session->run = calloc(1, sizeof *session->run);
    session->result = calloc(1, sizeof *session->result);
    session->base = event_base_new();
    if (session->run == NULL || session->result == NULL || session->base == NULL)
        return err_set(err, E_SYSTEM, "no memory for a run");
    const char *control_path = session->request->spec.rate.control_path;
    enum err_code code = plan_raise_fd_limit(&session->plan, err);
    if (code == OK)
        code = sources_open(&session->sources, session->request->spec.connections.source_addresses,
                            err);
    const bool steered = control_path != NULL || session->steered || watching_steers(session);
    if (code == OK && steered)
        code = run_control_open(&session->interrupts->control, session->base, control_path, err);
    if (code == OK)
        code = timeline_init(&session->timeline, err);
    session->timeline_ready = code == OK;
    if (code == OK && steered)
        timeline_add(&session->timeline, run_control_sink(session->interrupts->control));
    return code;
}

enum err_code session_show_progress(struct session *session, bool named, struct err *err)
{
    enum err_code code = progress_init(&session->progress, stderr, named, err);
    if (code == OK)
        timeline_add(&session->timeline, progress_sink(&session->progress));
    return code;
}

/* Nobody named a server, and none is where one is usually found. */
static void advise_to_name_one(const struct session *session, struct err *err)
{
    static const char *const names[] = {"host", "port", "socket", "uri", "managed", "sentinel"};
    const struct err failed = *err;
    if (session->request->dialect != NULL) /* another tool has no --managed */
        return;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (options_given(&session->request->values, names[i]))
            return;
    if (strncmp(failed.text, "cannot connect to", 17) != 0)
        return; /* somebody answered */
    *err = (struct err){.code = OK};
    err_set(err, failed.code,
            "%s; name a server with -h and -p, or let volley start one with --managed",
            failed.text);
}

/* Of several servers only one is asked for its process: where the others run is known only when all
 * are on other hosts, or our own. */
static void locate_servers(struct session *session)
{
    const struct topology *topology = session->topology;
    if (session->managed.count > 0) {
        server_locality_of_process(&session->locality, session->managed.nodes[0].process.pid);
        return;
    }
    server_locality_find(&session->locality, session->control, &session->target);
    for (uint32_t i = 0; i < topology->node_count; i++)
        if (topology->nodes[i].role != TOPOLOGY_GONE && topology->node_count > 1 &&
            server_is_local(&topology->nodes[i].address))
            session->locality = (struct server_locality){.known = false, .local = true};
}

static enum err_code start_servers(struct session *session, struct err *err)
{
    struct spec *spec = &session->request->spec;
    const struct managed_server_setup given = {
        .program = session->program,
        .cpus = session->plan.server_cpus,
        .cpu_count = session->plan.server_cpu_count,
        .certificates = spec->managed.tls ? &session->certificates : NULL,
    };
    enum err_code code = managed_cluster_start(&session->managed, &spec->managed, &spec->endpoint,
                                               &given, &session->interrupts->count, err);
    spec->endpoint.port = session->managed.nodes[0].port;
    if (code == OK) {
        session->interrupts->managed = &session->managed;
        bench_log_servers_started(&session->managed);
    }
    if (code == OK && spec->managed.chaos != NULL)
        code =
            chaos_create(&session->interrupts->chaos, spec->managed.chaos, &session->managed, err);
    return code;
}

static void stop_servers(struct session *session)
{
    if (session->interrupts != NULL) {
        chaos_destroy(session->interrupts->chaos);
        session->interrupts->chaos = NULL;
        session->interrupts->managed = NULL;
    }
    managed_cluster_tell_deaths(&session->managed); /* of which no run was left to tell */
    bench_log_servers_stop(&session->managed);
    managed_cluster_stop(&session->managed);
}

/* Who answers, and serves what. */
static enum err_code discover(struct session *session, struct err *err)
{
    struct spec *spec = &session->request->spec;
    enum err_code code =
        topology_discover(session->topology, &session->control, &spec->endpoint.probe,
                          &session->target, &spec->endpoint, &session->interrupts->count, err);
    for (uint32_t i = 0; i < bench_steps_all(&session->steps); i++)
        bench_steps_at(&session->steps, i)->spec.endpoint.probe = spec->endpoint.probe;
    if (code == E_CONNECT)
        advise_to_name_one(session, err);
    if (code != OK)
        return code;
    topology_describe(session->target_text, sizeof session->target_text, session->topology,
                      &session->target, &spec->endpoint);
    log_line(LOG_INFO, "%s answers", session->target_text);
    locate_servers(session);
    return OK;
}

/* Starts the server if it is ours, and finds out who answers. */
static enum err_code reach_target(struct session *session, struct err *err)
{
    struct spec *spec = &session->request->spec;
    enum err_code code = OK;
    if (spec->load.null_transport) {
        snprintf(session->target.text, sizeof session->target.text, "null transport");
        snprintf(session->target_text, sizeof session->target_text, "null transport");
        return OK;
    }
    if (spec->managed.wanted) {
        (void)private_directory_sweep(MANAGED_DIRECTORY_PREFIX);
        (void)private_directory_sweep(CERTIFICATES_DIRECTORY_PREFIX);
    }
    if (spec->managed.tls) {
        code = managed_certificates_make(
            &session->certificates, bench_steps_planned_ns(&session->steps) + session->more_runs_ns,
            err);
        if (code == OK)
            code = set_up_tls(session, err);
    }
    if (code == OK && spec->managed.wanted)
        code = start_servers(session, err);
    if (code == OK && (session->topology = calloc(1, sizeof *session->topology)) == NULL)
        code = err_set(err, E_SYSTEM, "no memory for who serves what");
    if (code == OK && !spec->managed.wanted)
        code = reach_begin(&spec->endpoint, &session->interrupts->count, err);
    return code == OK ? discover(session, err) : code;
}

/* Commands of requests and stages of a buffer share the parts of an interval. */
static enum err_code check_parts(const struct session *session, struct err *err)
{
    for (uint32_t i = 0; i < bench_steps_all(&session->steps); i++) {
        const struct bench_step *step = bench_steps_at(&session->steps, i);
        const uint32_t parts = workload_part_count(step->workload);
        if (step->spec.buffer.wanted && parts + BUFFER_STAGES > PARTS_MAX)
            return err_set(
                err, E_CONFIG,
                "--buffer: the requests of the workload have %u commands with figures of "
                "their own; %u are the most that there is room for beside the stages of "
                "a buffer",
                parts, PARTS_MAX - BUFFER_STAGES);
    }
    return OK;
}

/* Requests that are routed by their key, or by what they do, need to be understood. */
static enum err_code find_keys(struct session *session, struct err *err)
{
    const struct spec *spec = &session->request->spec;
    enum err_code code = check_parts(session, err);
    if (code != OK || spec->load.null_transport || spec->load.replay != NULL ||
        (!spec->endpoint.cluster && spec->endpoint.replica_reads == REPLICA_READS_NO &&
         !spec->buffer.wanted)) /* what only reads is not buffered */
        return code;
    for (uint32_t i = 0; i < bench_steps_all(&session->steps) && code == OK; i++)
        code = command_keys_find(bench_steps_at(&session->steps, i)->workload, session->control,
                                 spec->endpoint.replica_reads == REPLICA_READS_NO, err);
    return code == OK ? bench_steps_check_replicas(&session->steps, session->topology, err) : code;
}

/* Functions that a step calls or loads: before anything runs, so that a server without them is found out,
 * and before the step itself, since another one may have replaced them. */
enum err_code session_load_functions(const struct session *session, const struct bench_step *step,
                                     struct err *err)
{
    const struct workload_test *test = workload_test(step->workload);
    enum err_code code = OK;
    if (step->spec.load.null_transport)
        return OK;
    for (uint32_t i = 0; i < bench_steps_together(&session->steps, step) && code == OK; i++) {
        const struct bench_step *beside = bench_steps_beside(&session->steps, step, i);
        const struct workload_plan *plan = workload_plan(beside->workload);
        if (plan != NULL)
            code = scripts_load(session->topology, plan, &beside->spec.endpoint,
                                &session->interrupts->count, err);
    }
    if (code != OK || test == NULL || test->more == MORE_NONE)
        return code;
    return functions_load(session->topology, test, &step->spec, &session->interrupts->count, err);
}

/* Another tool does not warn of it, and --null asks nobody. */
static void find_fixed_keys(struct session *session)
{
    for (uint32_t i = 0; i < bench_steps_all(&session->steps) && session->control != NULL; i++) {
        struct bench_step *step = bench_steps_at(&session->steps, i);
        if (session->request->dialect == NULL && workload_test(step->workload) == NULL &&
            workload_keys_per_request(step->workload) == 0 && !workload_has_tag(step->workload))
            step->fixed_key = command_keys_fixed(step->workload, session->control);
    }
}

/* What the servers have counted up to now, over the control connection where it leads there. */
static void take_stats(struct session *session)
{
    struct interrupts *interrupts = session->interrupts;
    free(interrupts->stats);
    interrupts->stats =
        session->control != NULL
            ? command_stats_take(session->topology, &session->request->spec.endpoint,
                                 session->control, &session->target, &interrupts->count)
            : NULL;
}

static enum err_code describe(struct session *session, struct err *err)
{
    const struct spec *spec = &session->request->spec;
    session->facts = (struct session_facts){
        .spec = options_to_json(&session->request->values),
        .environment = environment_collect(session->control, session->target.text, &session->cpus),
        .label = spec->outputs.label,
        .command = session->command,
        .percentiles = spec->outputs.percentiles,
        .percentile_count = spec->outputs.percentile_count,
        .extended_metrics = spec->outputs.extended_metrics,
        .checks = &session->request->checks.kept,
    };
    if (session->facts.spec == NULL ||
        json_object_set_new(session->facts.environment, "invocation",
                            invocation_describe(session->command, session->argc, session->argv,
                                                &session->request->values,
                                                spec->endpoint.password)) != 0)
        return err_set(err, E_SYSTEM, "no memory to describe the session");
    if (spec->load.replay != NULL && json_object_set_new(session->facts.environment, "replay",
                                                         replaying_describe(session->request)) != 0)
        return err_set(err, E_SYSTEM, "no memory to describe the replay");
    find_fixed_keys(session);
    take_stats(session);
    /* The control connection is not needed while requests are measured. */
    control_close(session->control);
    session->control = NULL;
    return OK;
}

/* Whether a spinning worker on this CPU takes time from the server or another worker. Where the server
 * runs may be unknown: then it may be there. */
static bool is_own_cpu(const struct session *session, uint32_t worker)
{
    const struct server_locality *locality = &session->locality;
    const struct plan *plan = &session->plan;
    int cpu = plan->workers[worker].cpu;
    if (cpu < 0 || (!locality->known && !session->request->spec.load.null_transport))
        return false;
    for (uint32_t i = 0; i < plan->worker_count; i++)
        if (i != worker && plan->workers[i].cpu == cpu)
            return false;
    for (uint32_t i = 0; locality->local && i < locality->cpu_count; i++)
        if (locality->cpus[i] == (uint32_t)cpu)
            return false;
    return true;
}

static void find_own_cpus(struct session *session)
{
    for (uint32_t i = 0; i < session->plan.worker_count; i++)
        session->plan.workers[i].own_cpu = is_own_cpu(session, i);
}

/* Without HELLO there is no RESP3. */
static enum err_code settle_protocol(struct session *session, struct err *err)
{
    struct spec *spec = &session->request->spec;
    bool known = true;
    enum err_code code =
        spec->endpoint.resp3 ? control_knows_hello(session->control, &known, err) : OK;
    if (code != OK || known)
        return code;
    if (spec->endpoint.tracking)
        return err_set(
            err, E_CONNECT, "%s does not know HELLO, and so not RESP3, which --enable-tracking %s",
            session->target.text,
            spec->buffer.cache_replies > 0 ? "and the near cache of --buffer need" : "needs");
    log_line(LOG_WARNING, "%s does not know HELLO: volley speaks RESP2 to it",
             session->target.text);
    spec->endpoint.resp3 = false;
    options_drop(&session->request->values, "resp3");
    for (uint32_t i = 0; i < bench_steps_all(&session->steps); i++)
        bench_steps_at(&session->steps, i)->spec.endpoint.resp3 = false;
    return OK;
}

/* Where connections may not have a name they go without. */
static void settle_client_name(struct session *session)
{
    struct spec *spec = &session->request->spec;
    struct err err = {.code = OK};
    if (spec->endpoint.client_name == NULL ||
        control_set_name(session->control, spec->endpoint.client_name, &err) != E_CONNECT)
        return;
    log_line(LOG_WARNING, "the connections have no name: %s", err.text);
    spec->endpoint.client_name = NULL;
    options_drop(&session->request->values, "client-name");
    for (uint32_t i = 0; i < bench_steps_all(&session->steps); i++)
        bench_steps_at(&session->steps, i)->spec.endpoint.client_name = NULL;
}

/* What can be said of the connections to come once it is known where they go. */
static enum err_code settle_connections(struct session *session, struct err *err)
{
    const struct spec *spec = &session->request->spec;
    char advice[320];
    struct local_ports ports;
    struct connection_paths paths = {.sources = session->sources.count, .loopback = true};
    enum err_code code = settle_protocol(session, err);
    if (code == OK)
        settle_client_name(session);
    for (uint32_t i = 0; i < session->topology->node_count && code == OK; i++) {
        const struct topology_node *node = &session->topology->nodes[i];
        if (node->role == TOPOLOGY_GONE)
            continue;
        paths.targets++;
        paths.loopback &= target_is_loopback(&node->address);
        code = sources_fit(&session->sources, &node->address, err);
    }
    local_ports_read(&ports, "");
    local_ports_advise(advice, sizeof advice, &ports, spec, &paths);
    if (code == OK && advice[0] != '\0')
        log_line(LOG_WARNING, "%s", advice);
    return code;
}

/* Where the server runs, now that it has answered: one on an address of this host counts as local, too. */
static enum server_place place_found(const struct session *session, const struct spec *spec)
{
    enum server_place place = place_of_server(spec);
    return place == SERVER_REMOTE && session->locality.local ? SERVER_LOCAL : place;
}

/* What was found out may call for another plan than the one that the options alone gave. */
static enum err_code amend_plan(struct session *session, struct err *err)
{
    const struct spec *spec = &session->request->spec;
    if (nodes_to_reach(session) <= 1 && place_found(session, spec) != SERVER_LOCAL)
        return OK;
    enum err_code code = session_plan(session, spec, err);
    if (code == OK)
        bench_log_plan(&session->plan, &session->cpus);
    return code;
}

enum err_code session_reach(struct session *session, struct err *err)
{
    bench_log_plan(&session->plan, &session->cpus);
    enum err_code code = watching_open(session, err);
    if (code == OK)
        code = reach_target(session, err);
    /* Ahead of the plan: where requests go says how many connections a worker needs. */
    if (code == OK)
        code = find_keys(session, err);
    if (code == OK)
        code = replaying_check(session->request, session->control, err);
    if (code == OK)
        code = amend_plan(session, err);
    if (code == OK && !session->request->spec.load.null_transport)
        code = settle_connections(session, err);
    /* Another tool finds out when it gets there. */
    for (uint32_t i = 0;
         i < session->steps.count && code == OK && session->request->dialect == NULL; i++)
        code = session_load_functions(session, &session->steps.steps[i], err);
    if (code == OK)
        code = checking_open(session, err);
    if (code == OK)
        code = describe(session, err);
    if (code == OK)
        find_own_cpus(session);
    if (code == OK)
        code = watching_begin(session, err);
    return code;
}

enum err_code session_restart(struct session *session, struct err *err)
{
    if (!session->request->spec.managed.wanted)
        return OK;
    stop_servers(session);
    enum err_code code = checking_forget(&session->checking, err);
    if (code == OK)
        code = start_servers(session, err);
    if (code == OK)
        code = discover(session, err);
    take_stats(session);
    control_close(session->control);
    session->control = NULL;
    if (code == OK)
        find_own_cpus(session);
    if (code == OK)
        code = watching_begin(session, err);
    return code;
}

enum err_code session_plan(struct session *session, const struct spec *spec, struct err *err)
{
    const struct server_locality *locality = &session->locality;
    const struct server_cpus server = {.cpus = locality->cpus,
                                       .count = locality->known ? locality->cpu_count : 0};
    /* A managed server may run already: its CPUs follow from what does not change. */
    enum err_code code = build_plan(session, spec, place_found(session, spec), &server, err);
    if (code == OK)
        code = plan_raise_fd_limit(&session->plan, err);
    if (code == OK)
        find_own_cpus(session);
    return code;
}

bool session_server_memory(struct session *session, uint64_t *used_bytes)
{
    const struct spec *spec = &session->request->spec;
    struct endpoint hurried = spec->endpoint; /* the sweep waits for it */
    struct control *control = NULL;
    char *info = NULL;
    bool known = false;
    struct err err = {.code = OK};
    if (spec->load.null_transport || session->interrupts->count > 0)
        return false;
    hurried.wait_ready_ns = 0;
    if (hurried.connection_timeout_ns > NS_PER_SECOND)
        hurried.connection_timeout_ns = NS_PER_SECOND;
    hurried.request_timeout_ns = hurried.connection_timeout_ns;
    control_aside_begin();
    if (control_connect_to(&control, &session->target, &hurried, &session->interrupts->count,
                           &err) == OK &&
        control_info(control, &info, &err) == OK)
        known = info_number(used_bytes, info, "used_memory", INT64_MAX);
    free(info);
    control_close(control);
    return known;
}

enum err_code session_fill_keys(struct session *session, struct err *err)
{
    enum err_code code = filling_flush(session, err);
    for (uint32_t i = 0; i + 1 < session->steps.count && code == OK; i++) {
        code = session_run(session, &session->steps.steps[i], err);
        if (code == OK && session->result->status != OK)
            code = err_set(err, session->result->status, "the keys could not be written: %s",
                           session->result->status_text);
    }
    return code;
}

enum err_code session_end(struct session *session)
{
    timeline_session_end(&session->timeline);
    const enum err_code watched = watching_end(session);
    return timeline_complete(&session->timeline) && log_file_complete() ? watched : E_SYSTEM;
}

void session_free(struct session *session)
{
    if (session->timeline_ready)
        timeline_destroy(&session->timeline);
    watching_free(session);
    if (session->interrupts != NULL) {
        run_control_close(session->interrupts->control);
        free(session->interrupts->stats);
        session->interrupts->stats = NULL;
    }
    if (session->base != NULL)
        event_base_free(session->base);
    control_close(session->control);
    sources_free(&session->sources);
    stop_servers(session);
    checking_free(&session->checking);
    managed_certificates_remove(&session->certificates);
    reach_end();
    tls_client_destroy(session->tls);
    json_decref(session->facts.spec);
    json_decref(session->facts.environment);
    bench_steps_free(&session->steps);
    free(session->topology);
    free(session->run);
    free(session->result);
    struct err err = {.code = OK};
    enum err_code closed = log_to_file(NULL, &err);
    (void)closed;
}

bool session_stop_asked(const struct session *session)
{
    const struct run_control *control = session->interrupts->control;
    return control != NULL && run_control_stop_asked(control);
}

enum err_code session_status_of_stop(const struct session *session, uint64_t done, uint64_t planned,
                                     const char *what)
{
    if (!session_stop_asked(session) || done >= planned)
        return OK;
    log_line(LOG_ERROR, "stopped %s: %s of %s %s did not run",
             note_by_phrase(run_control_stop_by(session->interrupts->control)),
             UNITS_GROUPED(planned - done), UNITS_GROUPED(planned), what);
    return E_DATA;
}
