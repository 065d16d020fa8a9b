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

/* The processes of a fleet do the same work, each its share. */
struct work {
    struct worker_stream streams[WORKER_STREAMS_MAX];
    uint32_t count;
};

static int do_work(void *state, int telling_fd)
{
    const struct work *work = state;
    (void)telling_fd;
    return worker_main(work->streams, work->count);
}

static struct worker_share share_of(const struct fleet *fleet, uint32_t index, uint32_t run,
                                    bool replacement)
{
    const struct worker_plan *planned = &fleet->plan->workers[index];
    const struct spec *spec = fleet->run[run].spec;
    const uint32_t flushers =
        spec->buffer.wanted
            ? (uint32_t)(spec->buffer.flush_workers * topology_writers(fleet->run[run].topology))
            : 0;
    const struct connection_share clients =
        plan_share(spec->load.clients, fleet->member_count, index);
    const struct connection_share connections =
        flushers > 0 ? (struct connection_share){.count = flushers, .before = index * flushers}
                     : clients;
    return (struct worker_share){
        .index = index,
        .cpu = planned->cpu,
        .connections = connections.count,
        .connections_before = connections.before,
        .idle = run == 0 ? planned->idle : 0,
        .users = spec->buffer.wanted && spec->rate.steps == NULL ? clients.count : 0,
        .own_cpu = planned->own_cpu,
        .replacement = replacement,
    };
}

enum err_code fleet_fork_member(struct fleet *fleet, uint32_t index, bool replacement,
                                struct err *err)
{
    struct member *member = &fleet->members[index];
    struct work work = {.count = fleet->run_count};
    for (uint32_t i = 0; i < fleet->run_count; i++) {
        struct ipc_worker *live = ipc_worker(fleet->segments.each[i], index);
        member->shares[i] = share_of(fleet, index, i, replacement);
        work.streams[i] = (struct worker_stream){&fleet->run[i], &member->shares[i]};
        if (!replacement ||
            atomic_load(&live->state) != WORKER_DONE) /* else nothing is left of it */
            atomic_store(&live->state, WORKER_FORKED);
    }
    const struct replay_plan *replay = fleet->run[0].replay;
    const int keep_fds[] = {fleet->wake_fd, replay != NULL ? replay->fd : -1};
    const struct child_plan plan = {
        .run = do_work, .state = &work, .keep_fds = keep_fds, .keep_count = 2};
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
    for (uint32_t i = 0; i < fleet->segments.count; i++)
        atomic_store_explicit(&ipc_control(fleet->segments.each[i])->stop_ns, stop_ns,
                              memory_order_release);
    fleet_wake_workers(fleet);
}

void fleet_kill_workers(struct fleet *fleet)
{
    for (uint32_t i = 0; i < fleet->member_count; i++)
        child_tell(&fleet->members[i].process, SIGKILL);
}

enum worker_state fleet_state_of(const struct fleet *fleet, uint32_t index)
{
    enum worker_state least = WORKER_DONE;
    for (uint32_t i = 0; i < fleet->segments.count; i++) {
        /* Acquire: partner is the worker's release store. */
        enum worker_state state = (enum worker_state)atomic_load_explicit(
            &ipc_worker(fleet->segments.each[i], index)->state, memory_order_acquire);
        if (state == WORKER_FAILED)
            return WORKER_FAILED;
        least = state < least ? state : least;
    }
    return least;
}

const struct err *fleet_err_of(const struct fleet *fleet, uint32_t index)
{
    const struct err *why = NULL;
    for (uint32_t i = fleet->segments.count; i > 0; i--) {
        const struct err *err = &ipc_worker(fleet->segments.each[i - 1], index)->err;
        if (why == NULL || err->code != OK)
            why = err;
    }
    return why;
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
    const struct err *why = fleet_err_of(fleet, index);
    if (fleet_state_of(fleet, index) == WORKER_FAILED)
        return; /* judge_readiness names the cause */
    err_set(&fleet->err, E_SYSTEM, "worker %u died before the start (%s %d): %s", index,
            process->end == CHILD_KILLED ? "signal" : "status", process->number,
            why->code != OK ? why->text : "no cause given");
    fleet_fail(fleet);
}

static void replace(struct fleet *fleet, uint32_t index)
{
    struct member *member = &fleet->members[index];
    bool has_work = fleet->stop_ns == IPC_NEVER && !fleet->over &&
                    !collector_worker_complete(&fleet->collector, index);
    if (!has_work) {
        collector_complete_worker(&fleet->collector, index);
        return;
    }
    if (member->failed_in_a_row >= FAILED_REPLACEMENTS_MAX) {
        collector_complete_worker(&fleet->collector, index);
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
        collector_complete_worker(&fleet->collector, index);
        log_line(LOG_ERROR, "%s", err.text);
        fleet_set_stop(fleet, clock_now_ns() + STOP_AHEAD_NS);
    }
}

/* In which call of a plug-in its process has ended: ", within the plug-in, in next, of ticket 5". */
static const char *describe_inside(char *text, size_t text_bytes, const struct fleet *fleet,
                                   uint32_t index)
{
    char call[64];
    _Atomic uint64_t *inside = &ipc_worker(fleet->segments.each[0], index)->inside;
    const uint64_t at = atomic_exchange_explicit(inside, 0, memory_order_relaxed);
    text[0] = '\0';
    if (at != PLUGIN_NOWHERE)
        snprintf(text, text_bytes, ", within the plug-in, %s",
                 plugin_describe_call(call, sizeof call, at));
    return text;
}

static void died_running(struct fleet *fleet, uint32_t index)
{
    const struct child *process = &fleet->members[index].process;
    const struct err *why = fleet_err_of(fleet, index);
    if (process->end == CHILD_EXITED && fleet_state_of(fleet, index) == WORKER_DONE)
        return; /* its last record is in the ring */
    if (!fleet->stopped_at_once)
        fleet->result->evidence.workers_lost++;
    /* Its own books, or what makes its requests: another one would fare no better. */
    if (fleet_state_of(fleet, index) == WORKER_FAILED &&
        (why->code == E_UNTRUSTED || why->code == E_CONFIG)) {
        err_set(&fleet->err, why->code, "%s", why->text);
        fleet_set_stop(fleet, clock_now_ns());
    }
    char inside[128];
    log_line(fleet->stopped_at_once ? LOG_DEBUG : LOG_WARNING,
             "worker %u (pid %d) died by %s %d%s%s%s; its interval is marked degraded", index,
             (int)fleet->members[index].last_pid,
             process->end == CHILD_KILLED ? "signal" : "exit status", process->number,
             describe_inside(inside, sizeof inside, fleet, index), why->code != OK ? ": " : "",
             why->code != OK ? why->text : "");
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

/* Intervals that its workloads have published, together. */
static uint64_t next_of(const struct fleet *fleet, uint32_t worker)
{
    const struct collector *collector = &fleet->collector;
    uint64_t sum = 0;
    for (uint32_t i = worker; i < collector->member_count; i += collector->worker_count)
        sum += collector->members[i].next;
    return sum;
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
        const bool complete = collector_worker_complete(&fleet->collector, i);
        const uint64_t next = next_of(fleet, i);
        if (next != member->next_seen || complete) {
            member->failed_in_a_row = 0;
            member->next_seen = next;
            member->silent_ns = 0;
        }
        member->silent_ns += passed_ns;
        if (member->process.pid > 0 && member->silent_ns > limit_ns && !complete) {
            log_line(LOG_WARNING, "worker %u (pid %d) shows no sign of life for %llu s: killed", i,
                     (int)member->process.pid,
                     (unsigned long long)(member->silent_ns / NS_PER_SECOND));
            member->silent_ns = 0;
            child_tell(&member->process, SIGKILL);
        }
    }
}

static const struct ipc_worker *live_words(const struct fleet *fleet, uint32_t member)
{
    const struct collector_member *of = &fleet->collector.members[member];
    return ipc_worker(of->segment, of->worker);
}

static uint64_t live_given_up(const struct fleet *fleet)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < fleet->collector.member_count; i++)
        sum += atomic_load_explicit(&live_words(fleet, i)->given_up, memory_order_relaxed);
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
    if (spec->load.max_errors > 0 && segments_failures(&fleet->segments) >= spec->load.max_errors) {
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
        segments_connections(&fleet->segments) == 0 ? fleet->unconnected_ns + passed_ns : 0;
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
    for (uint32_t i = 0; i < fleet->collector.member_count; i++) {
        const struct collector_member *member = &fleet->collector.members[i];
        if (!fleet->run[member->stream].open_loop && !member->complete)
            return true;
    }
    for (int i = 0; i < COUNTER_COUNT; i++)
        counters[i] = segments_total(&fleet->segments, (enum counter)i);
    for (uint32_t i = 0; i < fleet->collector.member_count; i++)
        in_flight += atomic_load_explicit(&live_words(fleet, i)->in_flight, memory_order_relaxed);
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
    uint64_t answered = segments_total(&fleet->segments, COUNTER_OK) +
                        segments_total(&fleet->segments, COUNTER_ERROR_REPLIES);
    bool waits = segments_connections(&fleet->segments) > 0 && owes_requests(fleet);
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
    fleet->collector.warmup_ns = warmup_ns;
    fleet->facts->warmup_ns = fleet->timeline->run.warmup_ns = warmup_ns;
    fleet->result->evidence.never_steady = !reached;
    /* Release: partner is the recorder's acquire load at its edges. */
    for (uint32_t i = 0; i < fleet->run_count; i++) {
        fleet->run[i].warmup_ns = warmup_ns;
        atomic_store_explicit(&ipc_control(fleet->segments.each[i])->measure_after_ns, warmup_ns,
                              memory_order_release);
    }
    fleet_wake_workers(fleet);
    if (!reached)
        log_line(LOG_WARNING,
                 "the load has not become steady within %llu s (--steady-limit); measuring begins "
                 "all the same",
                 (unsigned long long)(fleet->run->spec->load.steady_limit_ns / NS_PER_SECOND));
}
