/* Workers and target under watch: forked, counted, replaced when they die; a run that has become
 * pointless is ended. */
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "orchestrator/fleet/fleet_state.h"

#define FAILED_REPLACEMENTS_MAX 3u
#define SCOUT_RESTARTS_MAX 5u
/* A worker that shows no sign of life for so long is taken for dead. */
#define HEARTBEAT_NS (10 * NS_PER_SECOND)
#define HEARTBEAT_INTERVALS 10u
/* For a part of the target that is away a run waits this part of --wait-ready: by default 20 s, longer than
 * a failover takes with the default of cluster-node-timeout, 15 s. */
#define WAIT_READY_PARTS_OF_TARGET 3u

/* Forking -------------------------------------------------------------------------------------- */

static uint32_t connections_before(const struct plan *plan, uint32_t index)
{
    uint32_t connections = 0;
    for (uint32_t i = 0; i < index; i++)
        connections += plan->workers[i].connections;
    return connections;
}

static int work(void *state, int telling_fd)
{
    const struct worker_stream *stream = state;
    (void)telling_fd;
    return worker_main(stream, 1);
}

enum err_code fleet_fork_member(struct fleet *fleet, uint32_t index, bool replacement,
                                struct err *err)
{
    struct member *member = &fleet->members[index];
    member->share = (struct worker_share){
        .index = index,
        .cpu = fleet->plan->workers[index].cpu,
        .connections = fleet->plan->workers[index].connections,
        .connections_before = connections_before(fleet->plan, index),
        .idle = fleet->plan->workers[index].idle,
        .own_cpu = fleet->plan->workers[index].own_cpu,
        .replacement = replacement,
    };
    atomic_store(&ipc_worker(fleet->segment, index)->state, WORKER_FORKED);
    struct worker_stream stream = {fleet->run, &member->share};
    const struct child_plan plan = {
        .run = work, .state = &stream, .keep_fds = &fleet->wake_fd, .keep_count = 1};
    if (!child_start(&member->process, &plan))
        return err_set_errno(err, E_SYSTEM, errno, "cannot fork worker %u", index);
    member->last_pid = member->process.pid;
    member->silent_ns = 0;
    return OK;
}

void fleet_wake_workers(struct fleet *fleet)
{
    uint64_t one = 1;
    ssize_t written = write(fleet->wake_fd, &one, sizeof one);
    (void)written; /* workers look at the words on their own tick too */
}

void fleet_set_stop(struct fleet *fleet, uint64_t stop_ns)
{
    if (stop_ns >= fleet->stop_ns)
        return;
    fleet->stop_ns = stop_ns;
    /* Release: partner is the workers' acquire load. */
    atomic_store_explicit(&ipc_control(fleet->segment)->stop_ns, stop_ns, memory_order_release);
    fleet_wake_workers(fleet);
}

void fleet_kill_workers(struct fleet *fleet)
{
    for (uint32_t i = 0; i < fleet->member_count; i++)
        child_tell(&fleet->members[i].process, SIGKILL);
}

enum worker_state fleet_state_of(const struct fleet *fleet, uint32_t index)
{
    /* Acquire: partner is the worker's release store. */
    return (enum worker_state)atomic_load_explicit(&ipc_worker(fleet->segment, index)->state,
                                                   memory_order_acquire);
}

/* Ends the run at once with an error; what was collected is still reported. */
void fleet_fail(struct fleet *fleet)
{
    fleet->over = true;
    fleet_kill_workers(fleet);
}

/* Supervision ---------------------------------------------------------------------------------- */

/* Before the start any death ends the run; the caller says why. */
static void died_before_start(struct fleet *fleet, uint32_t index)
{
    const struct child *process = &fleet->members[index].process;
    struct ipc_worker *worker = ipc_worker(fleet->segment, index);
    if (fleet_state_of(fleet, index) == WORKER_FAILED)
        return; /* judge_readiness names the cause */
    err_set(&fleet->err, E_SYSTEM, "worker %u died before the start (%s %d): %s", index,
            process->end == CHILD_KILLED ? "signal" : "status", process->number,
            worker->err.code != OK ? worker->err.text : "no cause given");
    fleet_fail(fleet);
}

static void replace(struct fleet *fleet, uint32_t index)
{
    struct member *member = &fleet->members[index];
    bool has_work =
        fleet->stop_ns == IPC_NEVER && !fleet->over && !fleet->collector.members[index].complete;
    if (!has_work) {
        fleet->collector.members[index].complete = true;
        return;
    }
    if (member->failed_in_a_row >= FAILED_REPLACEMENTS_MAX) {
        fleet->collector.members[index].complete = true;
        log_line(LOG_ERROR, "worker %u: %u replacements in a row died; the run ends here", index,
                 member->failed_in_a_row);
        err_set(&fleet->err, E_SYSTEM,
                "worker %u and %u replacements in a row died; the run ended early", index,
                member->failed_in_a_row);
        fleet_set_stop(fleet, clock_now_ns() + STOP_AHEAD_NS);
        return;
    }
    member->restarts++;
    member->failed_in_a_row++;
    struct err err = {.code = OK};
    if (fleet_fork_member(fleet, index, true, &err) != OK) {
        fleet->collector.members[index].complete = true;
        log_line(LOG_ERROR, "%s", err.text);
        fleet_set_stop(fleet, clock_now_ns() + STOP_AHEAD_NS);
    }
}

static void died_running(struct fleet *fleet, uint32_t index)
{
    const struct child *process = &fleet->members[index].process;
    struct ipc_worker *worker = ipc_worker(fleet->segment, index);
    if (process->end == CHILD_EXITED && fleet_state_of(fleet, index) == WORKER_DONE)
        return; /* its last record is in the ring */
    if (!fleet->stopped_at_once)
        fleet->result->evidence.workers_lost++;
    if (fleet_state_of(fleet, index) == WORKER_FAILED && worker->err.code == E_UNTRUSTED) {
        err_set(&fleet->err, E_UNTRUSTED, "%s", worker->err.text);
        fleet_set_stop(fleet, clock_now_ns());
    }
    log_line(fleet->stopped_at_once ? LOG_DEBUG : LOG_WARNING,
             "worker %u (pid %d) died by %s %d%s%s; its interval is marked degraded", index,
             (int)fleet->members[index].last_pid,
             process->end == CHILD_KILLED ? "signal" : "exit status", process->number,
             worker->err.code != OK ? ": " : "", worker->err.code != OK ? worker->err.text : "");
    if (collector_harvest(&fleet->collector, index, &fleet->err) != OK)
        fleet_fail(fleet);
    else
        replace(fleet, index);
}

void supervise_reap(struct fleet *fleet)
{
    for (uint32_t i = 0; i < fleet->member_count; i++) {
        struct child *process = &fleet->members[i].process;
        if (process->pid == 0 || !child_gone(process))
            continue;
        if (fleet->running)
            died_running(fleet, i);
        else
            died_before_start(fleet, i);
    }
}

/* A scout that dies leaves a table that is only as old as its last look; the next one goes on. */
void supervise_scout(struct fleet *fleet)
{
    struct err err = {.code = OK};
    const struct child *scout = &fleet->scout;
    if (scout->pid == 0 || !child_gone(&fleet->scout))
        return;
    bool again = fleet->scout_restarts < SCOUT_RESTARTS_MAX;
    log_line(again ? LOG_WARNING : LOG_ERROR,
             "the process that follows the topology died by %s %d; %s",
             scout->end == CHILD_KILLED ? "signal" : "exit status", scout->number,
             again ? "another one takes its place" : "from here on nobody does");
    if (!again)
        return;
    fleet->scout_restarts++;
    if (scout_start(&fleet->scout, &fleet->scout_run, &err) != OK)
        log_line(LOG_ERROR, "%s", err.text);
}

/* A worker that publishes nothing is stuck or stopped: it is killed, and replaced like a dead one.
 * Only time in which the orchestrator itself ran counts: after a Ctrl+Z nobody is to blame. */
void supervise_heartbeats(struct fleet *fleet, uint64_t passed_ns)
{
    uint64_t limit_ns = HEARTBEAT_INTERVALS * fleet->facts->interval_ns;
    if (limit_ns < HEARTBEAT_NS)
        limit_ns = HEARTBEAT_NS;
    for (uint32_t i = 0; i < fleet->member_count; i++) {
        struct member *member = &fleet->members[i];
        const struct collector_member *collected = &fleet->collector.members[i];
        if (collected->next != member->next_seen || collected->complete) {
            member->failed_in_a_row = 0;
            member->next_seen = collected->next;
            member->silent_ns = 0;
        }
        member->silent_ns += passed_ns;
        if (member->process.pid > 0 && member->silent_ns > limit_ns && !collected->complete) {
            log_line(LOG_WARNING, "worker %u (pid %d) shows no sign of life for %llu s: killed", i,
                     (int)member->process.pid,
                     (unsigned long long)(member->silent_ns / NS_PER_SECOND));
            member->silent_ns = 0;
            child_tell(&member->process, SIGKILL);
        }
    }
}

static uint64_t live_given_up(const struct fleet *fleet)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < fleet->member_count; i++)
        sum += atomic_load_explicit(&ipc_worker(fleet->segment, i)->given_up, memory_order_relaxed);
    return sum;
}

uint64_t fleet_patience_ns(const struct fleet *fleet)
{
    const struct spec *spec = fleet->run->spec;
    return spec->endpoint.wait_ready_ns > spec->endpoint.connection_timeout_ns
               ? spec->endpoint.wait_ready_ns
               : spec->endpoint.connection_timeout_ns;
}

const char *fleet_patience_option(const struct fleet *fleet)
{
    const struct spec *spec = fleet->run->spec;
    return spec->endpoint.wait_ready_ns >= spec->endpoint.connection_timeout_ns
               ? "--wait-ready"
               : "--connection-timeout";
}

/* Ends a run that has become pointless: too many errors, which each worker has stopped for already when it saw the
 * last of its own, or a target that stays away. */
void supervise_target(struct fleet *fleet, uint64_t now_ns, uint64_t passed_ns)
{
    const struct spec *spec = fleet->run->spec;
    if (fleet->stop_ns != IPC_NEVER)
        return;
    if (spec->load.max_errors > 0 && ipc_failures(fleet->segment) >= spec->load.max_errors) {
        fleet_set_stop(fleet, now_ns + STOP_AHEAD_NS);
        return;
    }
    if (spec->connections.max_reconnects > 0 && live_given_up(fleet) >= fleet->facts->clients) {
        err_set(&fleet->err, E_CONNECT,
                "every connection to %s has been tried %llu times in a row in vain "
                "(--max-reconnects); the run ended early",
                fleet->facts->target, (unsigned long long)spec->connections.max_reconnects);
        fleet_set_stop(fleet, now_ns + STOP_AHEAD_NS);
        return;
    }
    fleet->unconnected_ns =
        ipc_live_connections(fleet->segment) == 0 ? fleet->unconnected_ns + passed_ns : 0;
    uint64_t patience_ns = fleet_patience_ns(fleet);
    if (fleet->unconnected_ns > patience_ns && fleet->run->duration_ns == 0) {
        err_set(&fleet->err, E_CONNECT,
                "no connection to %s could be opened again for %.1f s (%s); the run ended early",
                fleet->facts->target, clock_seconds(patience_ns), fleet_patience_option(fleet));
        fleet_set_stop(fleet, now_ns + STOP_AHEAD_NS);
    }
}

/* Whether requests wait for an answer, or to be sent. In an open loop there may be none for any time. */
static bool owes_requests(const struct fleet *fleet)
{
    uint64_t counters[COUNTER_COUNT], in_flight = 0;
    if (!fleet->run->open_loop)
        return true;
    for (int i = 0; i < COUNTER_COUNT; i++)
        counters[i] = ipc_live_total(fleet->segment, (enum counter)i);
    for (uint32_t i = 0; i < fleet->member_count; i++)
        in_flight +=
            atomic_load_explicit(&ipc_worker(fleet->segment, i)->in_flight, memory_order_relaxed);
    return in_flight > 0 ||
           counters[COUNTER_DUE] > counters[COUNTER_SENT] + counters_shed(counters);
}

uint64_t fleet_progress_patience_ns(const struct spec *spec)
{
    return spec->endpoint.request_timeout_ns +
           spec->endpoint.wait_ready_ns / WAIT_READY_PARTS_OF_TARGET;
}

/* A run with -n whose requests wait for a part of the target that does not come back: other nodes are
 * connected, and may go on saying that they cannot help. */
void supervise_progress(struct fleet *fleet, uint64_t now_ns, uint64_t passed_ns)
{
    const struct spec *spec = fleet->run->spec;
    uint64_t answered = ipc_live_total(fleet->segment, COUNTER_OK) +
                        ipc_live_total(fleet->segment, COUNTER_ERROR_REPLIES);
    bool waits = ipc_live_connections(fleet->segment) > 0 && owes_requests(fleet);
    fleet->stalled_ns = answered != fleet->answered ? 0 : fleet->stalled_ns + waits * passed_ns;
    fleet->answered = answered;
    uint64_t patience_ns = fleet_progress_patience_ns(spec);
    if (fleet->stop_ns != IPC_NEVER || fleet->run->duration_ns > 0 ||
        fleet->stalled_ns <= patience_ns)
        return;
    err_set(&fleet->err, E_FAILED,
            "no request to %s was answered for %.1f s (--request-timeout and a third of "
            "--wait-ready) though there are connections; the run ended early",
            fleet->facts->target, clock_seconds(patience_ns));
    fleet_set_stop(fleet, now_ns + STOP_AHEAD_NS);
}

/* --steady auto: the warm-up ends at an edge far enough ahead for every worker to know of it. */
void supervise_warmup(struct fleet *fleet, uint64_t elapsed_ns)
{
    if (fleet->run->warmup_ns != IPC_NEVER || fleet->stop_ns != IPC_NEVER)
        return;
    bool reached = steady_reached(&fleet->collector.steady);
    if (!reached && elapsed_ns < fleet->run->spec->load.steady_limit_ns)
        return;
    uint64_t interval_ns = fleet->facts->interval_ns;
    uint64_t warmup_ns =
        (elapsed_ns + 2 * IPC_MEASURE_AHEAD_NS + interval_ns - 1) / interval_ns * interval_ns;
    fleet->run->warmup_ns = fleet->collector.warmup_ns = warmup_ns;
    fleet->facts->warmup_ns = fleet->timeline->run.warmup_ns = warmup_ns;
    fleet->result->evidence.never_steady = !reached;
    /* Release: partner is the recorder's acquire load at its edges. */
    atomic_store_explicit(&ipc_control(fleet->segment)->measure_after_ns, warmup_ns,
                          memory_order_release);
    fleet_wake_workers(fleet);
    if (!reached)
        log_line(LOG_WARNING,
                 "the load has not become steady within %llu s (--steady-limit); measuring begins "
                 "all the same",
                 (unsigned long long)(fleet->run->spec->load.steady_limit_ns / NS_PER_SECOND));
}
