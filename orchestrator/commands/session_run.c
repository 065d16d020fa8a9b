/* One run of a step of a session: its facts, its workloads, and what the fleet makes of them. */
#include <event2/event.h>
#include <stdio.h>
#include <string.h>

#include "common/buffer_stage.h"
#include "common/log.h"
#include "common/printable.h"
#include "common/units.h"
#include "orchestrator/commands/bench_log.h"
#include "orchestrator/commands/buffer_guide.h"
#include "orchestrator/commands/filling.h"
#include "orchestrator/commands/session.h"
#include "orchestrator/server/groups.h"

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

/* One class is the run itself. */
static void name_classes(struct run_facts *facts, const struct bench_step *step)
{
    const uint32_t count = workload_class_count(step->workload);
    for (uint32_t i = 0; i < count && (count > 1 || facts->stream_count > 0); i++)
        bench_step_name_class(facts->class_names[facts->class_count++], step, i);
}

/* All of a workload, or none where those of others have left no room. Returns how many. */
static uint32_t name_parts(struct run_facts *facts, const struct bench_step *step,
                           uint32_t first_class)
{
    const uint32_t count = workload_part_count(step->workload);
    if (count > PARTS_MAX - facts->part_count)
        return 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct request_part part = workload_part(step->workload, i);
        struct run_part *into = &facts->parts[facts->part_count++];
        into->class = first_class + part.class;
        into->consumes = part.consumes;
        bench_step_name_part(into->name, step, i);
        snprintf(into->command, sizeof into->command, "%s", PRINTABLE(part.command));
    }
    return count;
}

static void describe_buffer(struct run_facts *facts, const struct bench_step *step,
                            const struct session *session)
{
    const struct buffer_options *buffer = &step->spec.buffer;
    const uint32_t buffers = facts->worker_count * topology_writers(session->topology);
    const struct buffer_guide guide = buffer_guide_of(step, buffers, session->plan.usable_cpus);
    buffer_guide_describe(facts->buffer_text, sizeof facts->buffer_text, buffer);
    facts->cache_most = buffer->cache_replies * facts->worker_count;
    facts->buffer_most = guide.most_unsent;
    facts->buffer_workers = buffer->flush_workers * buffers;
    facts->buffer_request_bytes = guide.request_bytes;
    facts->buffer_bytes = guide.bytes;
    facts->buffer_least_workers = guide.least_workers;
    facts->buffer_most_workers = guide.most_workers;
}

static void name_stages(struct run_facts *facts, const struct bench_step *step,
                        const struct session *session)
{
    const struct spec *spec = &step->spec;
    facts->has_users = spec->buffer.wanted && spec->rate.steps == NULL;
    if (spec->buffer.wanted)
        describe_buffer(facts, step, session);
#define NAME(id, name, meaning) name,
    static const char *const names[] = {BUFFER_STAGE_TABLE(NAME)};
#undef NAME
    for (uint32_t i = 0; spec->buffer.wanted && i < BUFFER_STAGES; i++) {
        struct run_part *part = &facts->parts[facts->part_count++];
        *part = (struct run_part){.is_stage = true};
        snprintf(part->name, sizeof part->name, "%s", names[i]);
    }
}

static uint64_t key_count(const struct bench_step *step)
{
    const struct spec *spec = &step->spec;
    return workload_plan(step->workload) != NULL            ? workload_key_count(step->workload)
           : workload_keys_per_request(step->workload) == 0 ? 0
           : spec->load.key_order == KEYS_ONE               ? 1
                                                            : spec->load.keyspace;
}

static uint64_t requests_of(const struct spec *spec)
{
    return spec->load.duration_ns > 0 ? 0 : spec->load.requests;
}

/* One of several workloads side by side: behind those before it. */
static void add_stream(struct run_facts *facts, const struct bench_step *step)
{
    const struct spec *spec = &step->spec;
    struct run_stream *stream = &facts->streams[facts->stream_count++];
    *stream = (struct run_stream){
        .clients = spec->load.clients,
        .pipeline = spec->load.pipeline,
        .database = spec->endpoint.database,
        .requests = requests_of(spec),
        .first_class = facts->class_count,
        .class_count = workload_class_count(step->workload),
        .weighted_count = workload_weighted_class_count(step->workload),
        .first_part = facts->part_count,
    };
    snprintf(stream->name, sizeof stream->name, "%s", step->stream);
    snprintf(stream->rate_text, sizeof stream->rate_text, "%s", spec->rate.text);
    if (spec->endpoint.user != NULL)
        snprintf(stream->user, sizeof stream->user, "%s", spec->endpoint.user);
    name_classes(facts, step);
    stream->part_count = name_parts(facts, step, stream->first_class);
}

static void append(char *text, size_t text_bytes, const char *separator, const char *word)
{
    const size_t used = strlen(text);
    snprintf(text + used, text_bytes - used, "%s%s", used > 0 ? separator : "", word);
}

/* What is said of the run as a whole. */
static void add_streams(struct run_facts *facts, const struct bench_steps *steps,
                        const struct bench_step *step)
{
    facts->name[0] = facts->rate_text[0] = '\0';
    facts->clients = facts->requests = facts->keyspace = 0;
    facts->mean_commands = 0;
    for (uint32_t i = 0; i < bench_steps_together(steps, step); i++) {
        const struct bench_step *beside = bench_steps_beside(steps, step, i);
        const struct spec *spec = &beside->spec;
        add_stream(facts, beside);
        append(facts->name, sizeof facts->name, " + ", beside->stream);
        append(facts->rate_text, sizeof facts->rate_text, " + ",
               spec->rate.steps != NULL ? spec->rate.text : "closed loop");
        facts->clients += spec->load.clients;
        facts->requests += requests_of(spec);
        facts->keyspace += key_count(beside);
        facts->open_loop |= spec->rate.steps != NULL;
        facts->reads |= workload_reads(beside->workload);
        facts->awaits |= workload_awaits(beside->workload);
        facts->no_prefill &= !beside->could_prefill;
        facts->one_key = false;
        if (spec->load.pipeline > facts->pipeline)
            facts->pipeline = spec->load.pipeline;
        if (workload_request_bytes(beside->workload) > facts->request_bytes)
            facts->request_bytes = workload_request_bytes(beside->workload);
        /* The most: the servers' own counts are not to look like strangers' requests. */
        if (workload_mean_commands(beside->workload) > facts->mean_commands)
            facts->mean_commands = workload_mean_commands(beside->workload);
    }
    if (!facts->open_loop)
        facts->rate_text[0] = '\0';
    facts->data_bytes = 0;
    snprintf(facts->key_distribution, sizeof facts->key_distribution, "of all workloads");
}

/* -d, or its default, says nothing of them. */
static bool has_sizes_of_its_own(const struct workload *workload)
{
    return workload_plan(workload) != NULL || workload_live(workload) != NULL;
}

static void fill_facts(struct run_facts *facts, const struct session *session,
                       const struct bench_step *step, uint32_t index)
{
    const struct spec *spec = &step->spec;
    *facts = (struct run_facts){
        .index = index,
        .repetition = session->repetition,
        .prefill = step->prefill_for != NULL,
        .interval_ns = spec->load.interval_ns,
        .warmup_ns = spec->load.steady_auto ? spec->load.steady_limit_ns : spec->load.warmup_ns,
        .duration_ns = spec->load.duration_ns,
        .requests = requests_of(spec),
        .clients = spec->load.clients,
        .pipeline = spec->load.pipeline,
        .data_bytes = has_sizes_of_its_own(step->workload) ? 0 : spec->load.data_bytes,
        .request_bytes = workload_request_bytes(step->workload),
        .commands = workload_replies(step->workload),
        .mean_commands = workload_mean_commands(step->workload),
        .keyspace = key_count(step),
        .one_key = step->fixed_key || workload_uses_one_key(step->workload),
        .reads = workload_reads(step->workload),
        .awaits = workload_awaits(step->workload),
        .no_prefill = !step->could_prefill || spec->load.null_transport,
        .keyspace_random = spec->load.key_order == KEYS_RANDOM,
        .renewed = spec->connections.reconnect_every > 0,
        .cluster = spec->endpoint.cluster,
        .tracking = spec->endpoint.tracking,
        .open_loop = spec->rate.steps != NULL || spec->buffer.wanted,
        .shed_after_ns = spec->rate.shed_after_ns,
        .clients_start = spec->load.client_ramp.start_clients,
        .steady_auto = spec->load.steady_auto,
        .worker_count = session->plan.worker_count,
    };
    snprintf(facts->name, sizeof facts->name, "%s", workload_title(step->workload));
    bench_step_describe_keys(facts->key_distribution, sizeof facts->key_distribution, step);
    if (spec->load.replay != NULL) {
        facts->request_bytes = spec->load.replay->facts.most_bytes;
        facts->data_bytes = 0;
        snprintf(facts->key_distribution, sizeof facts->key_distribution, "as recorded");
        facts->reads = replay_reads(&spec->load.replay->facts);
    }
    if (step->prefill_for != NULL)
        snprintf(facts->prefill_for, sizeof facts->prefill_for, "%s", step->prefill_for);
    snprintf(facts->target, sizeof facts->target, "%s", session->target_text);
    snprintf(facts->rate_text, sizeof facts->rate_text, "%s", spec->rate.text);
    if (bench_steps_together(&session->steps, step) > 1) {
        add_streams(facts, &session->steps, step);
    } else {
        name_classes(facts, step);
        (void)name_parts(facts, step, 0);
        name_stages(facts, step, session);
    }
    for (uint32_t i = 0; i < session->plan.worker_count; i++)
        facts->worker_cpus[i] = session->plan.workers[i].cpu;
}

/* Of a client that buffers: the batches that a flush worker has under way. */
static uint64_t pipeline_of(const struct spec *spec)
{
    const struct buffer_options *buffer = &spec->buffer;
    return buffer->wanted ? buffer->round_messages *
                                (buffer->async ? BUFFER_BATCHES_AHEAD : BUFFER_BATCHES_AT_ONCE)
                          : spec->load.pipeline;
}

static struct worker_run run_of(struct session *session, const struct bench_step *step, bool beside)
{
    const struct spec *spec = &step->spec;
    const struct run_facts *facts = session->run;
    return (struct worker_run){
        .spec = spec,
        .workload = step->workload,
        .target = &session->target,
        .topology = session->topology,
        .requests = spec->load.replay != NULL ? spec->load.replay->limit : requests_of(spec),
        .duration_ns = facts->duration_ns,
        .warmup_ns = facts->steady_auto ? IPC_NEVER : facts->warmup_ns,
        .pipeline = pipeline_of(spec),
        .open_loop = spec->rate.steps != NULL || spec->buffer.wanted,
        .wire_setup = {.tls = session->tls,
                       .sources = session->sources.addresses,
                       .source_count = session->sources.count,
                       .reset_on_close = spec->connections.reset_on_close},
        .null_transport = spec->load.null_transport,
        .beside = beside,
        .replay = spec->load.replay,
        .versions = checking_begin_run(&session->checking),
    };
}

/* Groups of the streams that are consumed; and who waits for what nobody here sends is told so. */
static enum err_code consuming_begin(const struct session *session, const struct worker_run *run,
                                     struct err *err)
{
    if (run->replay != NULL || run->null_transport)
        return OK;
    for (uint32_t i = 0; i < workload_part_count(run->workload); i++) {
        const struct request_part part = workload_part(run->workload, i);
        if (part.consumes && !part.fed)
            log_line(LOG_WARNING,
                     "consumers %s: no class of the workload sends what they listen to with a "
                     "{stamp}; what others send is counted, and not timed",
                     part.name);
    }
    return groups_create(session->topology, run->workload, &run->spec->endpoint,
                         &session->interrupts->count, err);
}

static void consuming_end(const struct session *session, const struct worker_run *run)
{
    if (run->replay == NULL && !run->null_transport)
        groups_destroy(session->topology, run->workload, &run->spec->endpoint);
}

enum err_code session_run(struct session *session, const struct bench_step *step, struct err *err)
{
    struct run_facts *facts = session->run;
    struct run_result *result = session->result;
    memset(result, 0, sizeof *result);
    result->topology = session->topology;
    session->interrupts->enough = false;
    session->interrupts->ended_by[0] = '\0';
    result->evidence.server_cpu_share = result->evidence.server_delay_share = -1;
    if (session->locality.known && session->topology->node_count <= 1)
        result->evidence.server_pid = session->locality.pid;
    fill_facts(facts, session, step, session->run_count++);
    session->plan.ring_capacity_bytes = ipc_ring_capacity_bytes(
        facts->interval_ns, facts->worker_count, facts->class_count, facts->part_count);
    if (facts->one_key && !facts->prefill && session->warned_of != step->workload)
        bench_log_one_key(facts, step);
    session->warned_of = step->workload;
    result->evidence.server_place_known =
        session->locality.known || session->request->spec.load.null_transport;
    result->evidence.server_shares_worker_cpu = server_shares_cpu(session);
    struct worker_run runs[WORKER_STREAMS_MAX];
    const uint32_t run_count = bench_steps_together(&session->steps, step);
    for (uint32_t i = 0; i < run_count; i++)
        runs[i] = run_of(session, bench_steps_beside(&session->steps, step, i), run_count > 1);
    enum err_code code = session_load_functions(session, step, err);
    for (uint32_t i = 0; i < run_count && code == OK; i++)
        code = consuming_begin(session, &runs[i], err);
    if (code == OK && facts->prefill)
        code = filling_begin(session, step, err);
    if (code != OK)
        return code;
    bench_log_run_begin(facts);
    code = fleet_run(session->base, &session->plan, runs, run_count, facts, &session->timeline,
                     session->interrupts, result, err);
    for (uint32_t i = 0; i < run_count; i++)
        consuming_end(session, &runs[i]);
    event_base_loop(session->base, EVLOOP_NONBLOCK); /* who asks between runs is answered now */
    if (code != OK)
        return code;
    bench_log_run_end(facts, result);
    if (result->status != OK && result->status != E_INTERRUPTED &&
        session->request->dialect == NULL) /* another tool's words are its own */
        log_line(LOG_ERROR, "%s: %s", facts->name, result->status_text);
    return facts->prefill ? filling_end(session, step, err) : OK;
}
