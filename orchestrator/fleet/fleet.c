#include "orchestrator/fleet/fleet.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/units.h"
#include "orchestrator/fleet/fleet_state.h"
#include "orchestrator/fleet/run_control.h"
#include "orchestrator/fleet/run_nodes.h"
#include "orchestrator/server/chaos.h"
#include "orchestrator/server/managed_cluster.h"

#define TICK_LONGEST_NS (50 * NS_PER_MS)
#define TICK_SHORTEST_NS (5 * NS_PER_MS)
#define START_AHEAD_NS (10 * NS_PER_MS) /* and a little more for each worker */
#define START_AHEAD_PER_WORKER_NS (200 * NS_PER_US)
#define LIVE_NS NS_PER_SECOND
#define FINISH_PATIENCE_NS (15 * NS_PER_SECOND) /* beyond --drain-timeout */
#define CONNECT_PATIENCE_NS (10 * NS_PER_SECOND)

/* Phases --------------------------------------------------------------------------------------- */

static enum err_code arm_tick(struct fleet *fleet, uint64_t period_ns)
{
    struct timeval period = {.tv_usec = (suseconds_t)(period_ns / NS_PER_US)};
    fleet->tick_ns = period_ns;
    return event_add(fleet->tick, &period) == 0 ? OK : E_SYSTEM;
}

static uint64_t running_tick_ns(const struct fleet *fleet)
{
    uint64_t period_ns = fleet->facts->interval_ns / 2;
    if (period_ns > TICK_LONGEST_NS)
        period_ns = TICK_LONGEST_NS;
    return period_ns < TICK_SHORTEST_NS ? TICK_SHORTEST_NS : period_ns;
}

static void take_note(void *state, const struct note *note)
{
    timeline_note(state, note);
}

static struct note_listener to_timeline(struct fleet *fleet)
{
    return (struct note_listener){.hear = take_note, .state = fleet->timeline};
}

/* What the server says of itself is worth a warning when it cannot be asked, and no more. */
static void start_sampler(struct fleet *fleet)
{
    const struct spec *spec = fleet->run->spec;
    struct err err = {.code = OK};
    if (!spec->outputs.extended_metrics || fleet->run->null_transport)
        return;
    if (info_sampler_start(&fleet->sampler, fleet->base, fleet->run->target,
                           fleet->run->wire_setup.tls, &spec->endpoint,
                           spec->outputs.monitoring_interval_ns, fleet->start_ns,
                           to_timeline(fleet), &err) != OK)
        log_line(LOG_WARNING, "%s", err.text);
}

static enum err_code clear_caches(void *state, struct err *err)
{
    struct fleet *fleet = state;
    const struct control_command command = {.action = CONTROL_CLEAR_CACHE};
    enum steering_effect effect;
    json_t *members;
    return steering_apply(&fleet->steering, &effect, &members, &command, clock_now_ns(), -1, err);
}

/* As soon as it is known when the measuring begins; never in a run that only writes keys. */
static void start_chaos(struct fleet *fleet)
{
    struct chaos *chaos = fleet->interrupts->chaos;
    struct err err = {.code = OK};
    if (chaos == NULL || chaos_has_begun(chaos) || fleet->facts->prefill ||
        fleet->run->warmup_ns == IPC_NEVER)
        return;
    chaos_set_client(chaos, (struct chaos_client){clear_caches, fleet});
    if (chaos_begin(chaos, fleet->base, fleet->start_ns, fleet->start_ns + fleet->run->warmup_ns,
                    to_timeline(fleet), &err) != OK)
        log_line(LOG_WARNING, "%s", err.text);
}

static void start(struct fleet *fleet, uint64_t now_ns)
{
    if (arm_tick(fleet, running_tick_ns(fleet)) != OK)
        log_line(LOG_WARNING, "the orchestrator's timer keeps its short period");
    fleet->start_ns = now_ns + START_AHEAD_NS + fleet->member_count * START_AHEAD_PER_WORKER_NS;
    fleet->facts->started_wall_ns = clock_wall_ns() + (fleet->start_ns - now_ns);
    fleet->running = true;
    fleet->live_at_ns = fleet->start_ns + LIVE_NS;
    host_sample_begin(&fleet->host, &fleet->result->evidence);
    const struct spec *spec = fleet->run->spec;
    run_nodes_begin(fleet->facts, fleet->segments.each[0],
                    spec->endpoint.sentinels != NULL ||
                        spec->endpoint.replica_reads != REPLICA_READS_NO);
    timeline_run_begin(fleet->timeline, fleet->facts);
    supervise_nodes(fleet, 0); /* the connections that there are to be lost */
    start_sampler(fleet);
    start_chaos(fleet);
    /* Release: partner is the workers' acquire load at the barrier. */
    for (uint32_t i = 0; i < fleet->segments.count; i++)
        atomic_store_explicit(&ipc_control(fleet->segments.each[i])->start_ns, fleet->start_ns,
                              memory_order_release);
    fleet_wake_workers(fleet);
}

static uint64_t clients_at_start(const struct run_facts *facts)
{
    return facts->clients_start > 0 ? facts->clients_start : facts->clients;
}

/* Starts the run when every worker is ready; ends it when all have tried and some have failed. */
static void judge_readiness(struct fleet *fleet, uint64_t now_ns)
{
    uint32_t ready = 0, failed = 0, first_failed = 0;
    for (uint32_t i = 0; i < fleet->member_count; i++) {
        enum worker_state state = fleet_state_of(fleet, i);
        ready += state == WORKER_READY;
        if (state == WORKER_FAILED && failed++ == 0)
            first_failed = i;
    }
    bool late = now_ns >= fleet->connect_deadline_ns;
    if (ready == fleet->member_count) {
        start(fleet, now_ns);
    } else if (ready + failed == fleet->member_count || late) {
        const struct err *why = fleet_err_of(fleet, first_failed);
        if (failed > 0 && why->code != E_CONNECT)
            err_set(&fleet->err, why->code, "%s", why->text);
        else
            err_set(&fleet->err, E_CONNECT, "%s of %s connections to %s opened: %s%s",
                    UNITS_GROUPED(segments_connections(&fleet->segments)),
                    UNITS_GROUPED(clients_at_start(fleet->facts)), fleet->facts->target,
                    failed > 0 ? why->text : "the workers did not become ready in time",
                    failed > 0 && strstr(why->text, "max number of clients") != NULL
                        ? "; use fewer (-c), or raise maxclients of the server"
                        : "");
        fleet_fail(fleet);
    }
}

static void heed_interrupts(struct fleet *fleet, uint64_t now_ns)
{
    int count = fleet->interrupts->count;
    if (fleet->interrupts->enough && fleet->running && fleet->stop_ns == IPC_NEVER)
        fleet_set_stop(fleet, now_ns + STOP_AHEAD_NS);
    if (count == fleet->interrupts_seen)
        return;
    bool first = fleet->interrupts_seen == 0;
    fleet->interrupts_seen = count;
    fleet->result->interrupted = true;
    if (!fleet->running) {
        err_set(&fleet->err, E_INTERRUPTED, "interrupted before the first request");
        fleet_fail(fleet);
    } else if (first && count == 1) {
        log_line(LOG_WARNING,
                 "interrupted: waiting for replies in flight; once more to stop at once");
        fleet_set_stop(fleet, now_ns + STOP_AHEAD_NS);
    } else {
        log_line(LOG_WARNING, "interrupted again: stopping at once");
        fleet_set_stop(fleet, now_ns);
        fleet->stopped_at_once = true;
        fleet_kill_workers(fleet);
    }
}

/* A command that came over the control socket, from the page or the terminal. */
static enum err_code heed_command(void *state, json_t **members,
                                  const struct control_command *command, struct err *err)
{
    struct fleet *fleet = state;
    enum steering_effect effect = STEERING_NONE;
    uint64_t now_ns = clock_now_ns();
    double achieved = run_control_achieved(fleet->interrupts->control);
    enum err_code code =
        steering_apply(&fleet->steering, &effect, members, command, now_ns, achieved, err);
    if (code == OK && effect == STEERING_WAKE_WORKERS)
        fleet_wake_workers(fleet);
    if (code != OK || effect != STEERING_STOP)
        return code;
    log_line(LOG_WARNING, "stopped %s: waiting for replies in flight", note_by_phrase(command->by));
    if (fleet->running) {
        if (!fleet->stopped)
            fleet->stopped_by = command->by;
        fleet->stopped = true;
        fleet_set_stop(fleet, now_ns + STOP_AHEAD_NS);
    } else {
        err_set(&fleet->err, E_FAILED, "stopped %s before the first request",
                note_by_phrase(command->by));
        fleet_fail(fleet);
    }
    return OK;
}

static void tell_live(struct fleet *fleet, uint64_t now_ns)
{
    if (now_ns < fleet->live_at_ns)
        return;
    uint64_t ok = segments_total(&fleet->segments, COUNTER_OK);
    const struct run_live live = {.elapsed_ns = now_ns - fleet->start_ns,
                                  .answered =
                                      ok + segments_total(&fleet->segments, COUNTER_ERROR_REPLIES),
                                  .ok = ok,
                                  .failed = segments_failures(&fleet->segments)};
    timeline_live(fleet->timeline, &live);
    while (fleet->live_at_ns <= now_ns)
        fleet->live_at_ns += LIVE_NS;
}

/* The latest moment at which workers may still be busy: then they are killed. */
static uint64_t finish_deadline_ns(const struct fleet *fleet)
{
    uint64_t end_ns = fleet->stop_ns;
    if (fleet->run->duration_ns > 0 && fleet->run->warmup_ns != IPC_NEVER) {
        uint64_t planned_ns = fleet->start_ns + fleet->run->warmup_ns + fleet->run->duration_ns;
        end_ns = planned_ns < end_ns ? planned_ns : end_ns;
    }
    if (end_ns == IPC_NEVER)
        return IPC_NEVER;
    return end_ns + fleet->run->spec->load.drain_timeout_ns + FINISH_PATIENCE_NS;
}

static bool any_process(const struct fleet *fleet)
{
    for (uint32_t i = 0; i < fleet->member_count; i++)
        if (fleet->members[i].process.pid > 0)
            return true;
    return false;
}

static void tick_running(struct fleet *fleet, uint64_t now_ns, uint64_t passed_ns)
{
    uint64_t elapsed_ns = now_ns > fleet->start_ns ? now_ns - fleet->start_ns : 0;
    if (collector_collect(&fleet->collector, elapsed_ns, &fleet->err) != OK) {
        fleet_fail(fleet);
        return;
    }
    supervise_heartbeats(fleet, passed_ns);
    supervise_target(fleet, now_ns, passed_ns);
    supervise_progress(fleet, now_ns, passed_ns);
    supervise_warmup(fleet, elapsed_ns);
    supervise_nodes(fleet, elapsed_ns);
    start_chaos(fleet);
    tell_live(fleet, now_ns);
    if (now_ns >= finish_deadline_ns(fleet))
        fleet_kill_workers(fleet);
    if (!any_process(fleet))
        fleet->over = true;
}

static void on_tick(evutil_socket_t fd, short what, void *argument)
{
    struct fleet *fleet = argument;
    (void)fd;
    (void)what;
    uint64_t now_ns = clock_now_ns();
    uint64_t passed_ns = now_ns - fleet->last_tick_ns;
    if (passed_ns > 2 * fleet->tick_ns)
        passed_ns = 2 * fleet->tick_ns;
    fleet->last_tick_ns = now_ns;
    heed_interrupts(fleet, now_ns);
    supervise_reap(fleet);
    if (fleet->interrupts->managed != NULL)
        managed_cluster_tell_deaths(fleet->interrupts->managed);
    supervise_scout(fleet);
    if (!fleet->over && !fleet->running)
        judge_readiness(fleet, now_ns);
    else if (!fleet->over)
        tick_running(fleet, now_ns, passed_ns);
}

/* Start and end -------------------------------------------------------------------------------- */

static enum err_code map_segment(struct fleet *fleet, struct worker_run *run, struct err *err)
{
    const struct rate_options *rate = &run->spec->rate;
    const uint64_t ring_bytes = fleet->plan->ring_capacity_bytes;
    const size_t bytes =
        ipc_segment_bytes(fleet->member_count, ring_bytes,
                          rate->steps != NULL ? schedule_bytes(rate->step_count, true) : 0);
    void *segment = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (segment == MAP_FAILED)
        return err_set_errno(err, E_SYSTEM, errno, "cannot map %zu bytes shared with the workers",
                             bytes);
    fleet->segment_bytes[fleet->segments.count] = bytes;
    fleet->segments.each[fleet->segments.count++] = segment;
    ipc_segment_init(segment, fleet->member_count, ring_bytes);
    if (rate->steps != NULL)
        schedule_plan(ipc_schedule(segment), rate->steps, rate->step_count, true);
    if (run->topology != NULL)
        topology_publish(ipc_topology(segment), run->topology);
    if (run->warmup_ns != IPC_NEVER)
        atomic_store(&ipc_control(segment)->measure_after_ns, run->warmup_ns);
    run->segment = segment;
    run->wake_fd = fleet->wake_fd;
    run->worker_count = fleet->member_count;
    return OK;
}

static enum err_code fleet_create(struct fleet *fleet, struct err *err)
{
    enum err_code code = OK;
    fleet->wake_fd = eventfd(0, EFD_NONBLOCK);
    for (uint32_t i = 0; i < fleet->run_count && code == OK; i++)
        code = map_segment(fleet, &fleet->run[i], err);
    if (code != OK)
        return code;
    fleet->members = calloc(fleet->member_count, sizeof fleet->members[0]);
    fleet->tick = event_new(fleet->base, -1, EV_PERSIST, on_tick, fleet);
    fleet->child = evsignal_new(fleet->base, SIGCHLD, on_tick, fleet);
    if (fleet->members == NULL || fleet->wake_fd < 0 || fleet->tick == NULL || fleet->child == NULL)
        return err_set(err, E_SYSTEM, "cannot set up the orchestrator's event loop");
    fleet->steering = (struct steering){.segments = fleet->segments,
                                        .spec = fleet->run->spec,
                                        .facts = fleet->facts,
                                        .listener = to_timeline(fleet)};
    if (fleet->interrupts->control != NULL)
        run_control_attach(fleet->interrupts->control,
                           (struct run_control_handler){.handle = heed_command, .state = fleet});
    code = collector_init(&fleet->collector, &fleet->segments, fleet->member_count, fleet->facts,
                          fleet->timeline, err);
    fleet->collector.warmup_ns = fleet->run->warmup_ns;
    return code;
}

/* What it found last is what the next run begins with. */
static void end_scout(struct fleet *fleet)
{
    uint32_t version = 0;
    child_end(&fleet->scout);
    if (fleet->segments.count > 0 && fleet->result->topology != NULL)
        (void)topology_refresh(fleet->result->topology, &version,
                               ipc_topology(fleet->segments.each[0]));
}

static void fleet_destroy(struct fleet *fleet)
{
    if (fleet->members != NULL) {
        fleet_kill_workers(fleet);
        for (uint32_t i = 0; i < fleet->member_count; i++)
            child_end(&fleet->members[i].process);
    }
    end_scout(fleet);
    collector_destroy(&fleet->collector);
    if (fleet->interrupts->control != NULL)
        run_control_detach(fleet->interrupts->control);
    info_sampler_stop(fleet->sampler);
    chaos_end(fleet->interrupts->chaos);
    if (fleet->tick != NULL)
        event_free(fleet->tick);
    if (fleet->child != NULL)
        event_free(fleet->child);
    if (fleet->wake_fd >= 0)
        close(fleet->wake_fd);
    free(fleet->members);
    for (uint32_t i = 0; i < fleet->segments.count; i++)
        munmap(fleet->segments.each[i], fleet->segment_bytes[i]);
}

static enum err_code launch(struct fleet *fleet, struct err *err)
{
    uint64_t now_ns = clock_now_ns();
    uint64_t waves = fleet->facts->clients / 256 + 1;
    fleet->connect_deadline_ns =
        now_ns + waves * fleet->run->spec->endpoint.connection_timeout_ns + CONNECT_PATIENCE_NS;
    fleet->last_tick_ns = now_ns;
    fleet->scout_run = (struct scout_run){.spec = fleet->run->spec,
                                          .topology = fleet->run->topology,
                                          .segments = fleet->segments,
                                          .worker_count = fleet->member_count};
    if (scout_is_needed(fleet->run->spec, fleet->run->topology) &&
        scout_start(&fleet->scout, &fleet->scout_run, err) != OK)
        return err->code;
    for (uint32_t i = 0; i < fleet->member_count; i++) {
        enum err_code code = fleet_fork_member(fleet, i, false, err);
        if (code != OK)
            return code;
    }
    if (event_add(fleet->child, NULL) != 0 || arm_tick(fleet, TICK_SHORTEST_NS) != OK)
        return err_set(err, E_SYSTEM, "cannot start the orchestrator's timer");
    return OK;
}

enum err_code fleet_run(struct event_base *base, const struct plan *plan, struct worker_run *runs,
                        uint32_t run_count, struct run_facts *facts, struct timeline *timeline,
                        struct interrupts *interrupts, struct run_result *result, struct err *err)
{
    struct fleet fleet = {
        .base = base,
        .plan = plan,
        .run = runs,
        .run_count = run_count,
        .facts = facts,
        .timeline = timeline,
        .interrupts = interrupts,
        .result = result,
        .member_count = plan->worker_count,
        .wake_fd = -1,
        .stop_ns = IPC_NEVER,
    };
    enum err_code code = fleet_create(&fleet, err);
    if (code == OK)
        code = launch(&fleet, err);
    while (code == OK && !fleet.over)
        if (event_base_loop(fleet.base, EVLOOP_ONCE) < 0)
            code = err_set(err, E_SYSTEM, "the orchestrator's event loop failed");
    if (code == OK && fleet.running)
        fleet_conclude(&fleet);
    else if (code == OK)
        code = err_set(err, fleet.err.code, "%s", fleet.err.text);
    fleet_destroy(&fleet);
    return code;
}
