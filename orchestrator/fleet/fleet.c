#include "orchestrator/fleet/fleet.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "orchestrator/fleet/collector.h"
#include "orchestrator/fleet/due_time.h"
#include "orchestrator/fleet/run_control.h"
#include "orchestrator/fleet/steering.h"
#include "orchestrator/target/environment.h"
#include "orchestrator/target/info_sampler.h"

#define TICK_LONGEST_NS (50 * NS_PER_MS)
#define TICK_SHORTEST_NS (5 * NS_PER_MS)
#define START_AHEAD_NS (10 * NS_PER_MS) /* and a little more for each worker */
#define START_AHEAD_PER_WORKER_NS (200 * NS_PER_US)
#define STOP_AHEAD_NS (3 * NS_PER_MS)
#define PROGRESS_NS NS_PER_SECOND
#define FAILED_REPLACEMENTS_MAX 3u
/* A worker that shows no sign of life for so long is taken for dead. */
#define HEARTBEAT_NS (10 * NS_PER_SECOND)
#define HEARTBEAT_INTERVALS 10u
#define FINISH_PATIENCE_NS (15 * NS_PER_SECOND) /* beyond --drain-timeout */
#define CONNECT_PATIENCE_NS (10 * NS_PER_SECOND)

struct member {
    pid_t pid;      /* 0: no process                        */
    pid_t last_pid; /* of the newest process, dead or alive */
    struct worker_share share;
    uint32_t restarts;
    uint32_t failed_in_a_row;
    uint32_t next_seen; /* collector's `next` when it last moved: the heartbeat */
    uint64_t silent_ns; /* time of ours since then                             */
};

struct fleet {
    const struct plan *plan;
    struct worker_run *run;
    struct run_facts *facts;
    struct timeline *timeline;
    struct progress *progress;
    struct interrupts *interrupts;
    struct run_result *result;
    struct collector collector;
    struct host_sample host;
    struct steering steering;
    struct info_sampler *sampler; /* NULL: nobody asks the server */
    struct member *members;
    uint32_t member_count;
    void *segment;
    size_t segment_bytes;
    struct event_base *base;
    struct event *tick;
    struct event *child; /* SIGCHLD: a tick ahead of time */
    int wake_fd;
    int interrupts_seen;
    uint64_t tick_ns;
    uint64_t last_tick_ns;
    uint64_t connect_deadline_ns;
    uint64_t start_ns;
    uint64_t stop_ns; /* IPC_NEVER: no early stop */
    uint64_t progress_at_ns;
    uint64_t unconnected_ns;
    bool running;
    bool stopped_at_once; /* the user asked twice: that workers die is no fault of theirs */
    bool over;
    struct err err; /* ends the run */
};

/* Forking -------------------------------------------------------------------------------------- */

/* In the child: nothing of the orchestrator's is left open, so that no file, socket or terminal
 * outlives it in a worker. */
static void close_inherited(int keep_fd)
{
    int null_fd = open("/dev/null", O_RDWR);
    if (null_fd >= 0) {
        dup2(null_fd, STDIN_FILENO);
        dup2(null_fd, STDOUT_FILENO);
    }
    if (keep_fd > 3)
        close_range(3, (unsigned)keep_fd - 1, 0);
    close_range((unsigned)keep_fd + 1, ~0u, 0);
}

static enum err_code fork_member(struct fleet *fleet, uint32_t index, bool replacement,
                                 struct err *err)
{
    struct member *member = &fleet->members[index];
    member->share = (struct worker_share){
        .index = index,
        .cpu = fleet->plan->workers[index].cpu,
        .connections = fleet->plan->workers[index].connections,
        .own_cpu = fleet->plan->workers[index].own_cpu,
        .replacement = replacement,
    };
    atomic_store(&ipc_worker(fleet->segment, index)->state, WORKER_FORKED);
    pid_t pid = fork();
    if (pid < 0)
        return err_set_errno(err, E_SYSTEM, errno, "cannot fork worker %u", index);
    if (pid == 0) {
        close_inherited(fleet->wake_fd);
        _exit(worker_main(fleet->run, &member->share));
    }
    member->pid = member->last_pid = pid;
    member->silent_ns = 0;
    return OK;
}

static void wake_workers(struct fleet *fleet)
{
    uint64_t one = 1;
    ssize_t written = write(fleet->wake_fd, &one, sizeof one);
    (void)written; /* workers look at the words on their own tick too */
}

static void set_stop(struct fleet *fleet, uint64_t stop_ns)
{
    if (stop_ns >= fleet->stop_ns)
        return;
    fleet->stop_ns = stop_ns;
    /* Release: partner is the workers' acquire load. */
    atomic_store_explicit(&ipc_control(fleet->segment)->stop_ns, stop_ns, memory_order_release);
    wake_workers(fleet);
}

static void kill_workers(struct fleet *fleet)
{
    for (uint32_t i = 0; i < fleet->member_count; i++)
        if (fleet->members[i].pid > 0)
            kill(fleet->members[i].pid, SIGKILL);
}

static enum worker_state state_of(const struct fleet *fleet, uint32_t index)
{
    /* Acquire: partner is the worker's release store. */
    return (enum worker_state)atomic_load_explicit(&ipc_worker(fleet->segment, index)->state,
                                                   memory_order_acquire);
}

/* Ends the run at once with an error; what was collected is still reported. */
static void fail(struct fleet *fleet)
{
    fleet->over = true;
    kill_workers(fleet);
}

/* Supervision ---------------------------------------------------------------------------------- */

/* Before the start any death ends the run; the caller says why. */
static void died_before_start(struct fleet *fleet, uint32_t index, int status)
{
    struct ipc_worker *worker = ipc_worker(fleet->segment, index);
    if (state_of(fleet, index) == WORKER_FAILED)
        return; /* judge_readiness names the cause */
    err_set(&fleet->err, E_SYSTEM, "worker %u died before the start (%s %d): %s", index,
            WIFSIGNALED(status) ? "signal" : "status",
            WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
            worker->err.code != OK ? worker->err.text : "no cause given");
    fail(fleet);
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
        set_stop(fleet, clock_now_ns() + STOP_AHEAD_NS);
        return;
    }
    member->restarts++;
    member->failed_in_a_row++;
    struct err err = {.code = OK};
    if (fork_member(fleet, index, true, &err) != OK) {
        fleet->collector.members[index].complete = true;
        log_line(LOG_ERROR, "%s", err.text);
        set_stop(fleet, clock_now_ns() + STOP_AHEAD_NS);
    }
}

static void died_running(struct fleet *fleet, uint32_t index, pid_t pid, int status)
{
    struct ipc_worker *worker = ipc_worker(fleet->segment, index);
    if (WIFEXITED(status) && state_of(fleet, index) == WORKER_DONE)
        return; /* its last record is in the ring */
    if (!fleet->stopped_at_once)
        fleet->result->evidence.workers_lost++;
    if (state_of(fleet, index) == WORKER_FAILED && worker->err.code == E_UNTRUSTED) {
        err_set(&fleet->err, E_UNTRUSTED, "%s", worker->err.text);
        set_stop(fleet, clock_now_ns());
    }
    log_line(fleet->stopped_at_once ? LOG_DEBUG : LOG_WARNING,
             "worker %u (pid %d) died by %s %d%s%s; its interval is marked degraded", index,
             (int)pid, WIFSIGNALED(status) ? "signal" : "exit status",
             WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
             worker->err.code != OK ? ": " : "", worker->err.code != OK ? worker->err.text : "");
    if (collector_harvest(&fleet->collector, index, &fleet->err) != OK)
        fail(fleet);
    else
        replace(fleet, index);
}

static void reap(struct fleet *fleet)
{
    for (uint32_t i = 0; i < fleet->member_count; i++) {
        struct member *member = &fleet->members[i];
        int status;
        if (member->pid <= 0 || waitpid(member->pid, &status, WNOHANG) != member->pid)
            continue;
        pid_t pid = member->pid;
        member->pid = 0;
        if (fleet->running)
            died_running(fleet, i, pid, status);
        else
            died_before_start(fleet, i, status);
    }
}

/* A worker that publishes nothing is stuck or stopped: it is killed, and replaced like a dead one.
 * Only time in which the orchestrator itself ran counts: after a Ctrl+Z nobody is to blame. */
static void watch_heartbeats(struct fleet *fleet, uint64_t passed_ns)
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
        if (member->pid > 0 && member->silent_ns > limit_ns && !collected->complete) {
            log_line(LOG_WARNING, "worker %u (pid %d) shows no sign of life for %llu s: killed", i,
                     (int)member->pid, (unsigned long long)(member->silent_ns / NS_PER_SECOND));
            member->silent_ns = 0;
            kill(member->pid, SIGKILL);
        }
    }
}

static uint64_t live_total(const struct fleet *fleet, enum counter counter)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < fleet->member_count; i++)
        sum += atomic_load_explicit(&ipc_worker(fleet->segment, i)->counters[counter],
                                    memory_order_relaxed);
    return sum;
}

static uint64_t live_failures(const struct fleet *fleet)
{
    return live_total(fleet, COUNTER_ERROR_REPLIES) + live_total(fleet, COUNTER_TIMED_OUT) +
           live_total(fleet, COUNTER_LOST_TIMEOUT) + live_total(fleet, COUNTER_LOST_DISCONNECT) +
           live_total(fleet, COUNTER_LOST_PROTOCOL);
}

static uint32_t live_connections(const struct fleet *fleet)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < fleet->member_count; i++)
        sum += atomic_load_explicit(&ipc_worker(fleet->segment, i)->connections_ready,
                                    memory_order_relaxed);
    return sum;
}

/* Ends a run that has become pointless: too many errors, or a target that stays away. */
static void watch_target(struct fleet *fleet, uint64_t now_ns, uint64_t passed_ns)
{
    const struct spec *spec = fleet->run->spec;
    if (fleet->stop_ns != IPC_NEVER)
        return;
    if (spec->max_errors > 0 && live_failures(fleet) >= spec->max_errors) {
        err_set(&fleet->err, E_FAILED, "stopped after %llu errors (--max-errors %llu)",
                (unsigned long long)live_failures(fleet), (unsigned long long)spec->max_errors);
        set_stop(fleet, now_ns + STOP_AHEAD_NS);
        return;
    }
    fleet->unconnected_ns = live_connections(fleet) == 0 ? fleet->unconnected_ns + passed_ns : 0;
    uint64_t patience_ns = spec->wait_ready_ns > spec->connection_timeout_ns
                               ? spec->wait_ready_ns
                               : spec->connection_timeout_ns;
    if (fleet->unconnected_ns > patience_ns && fleet->run->duration_ns == 0) {
        err_set(&fleet->err, E_CONNECT,
                "no connection to %s could be opened again for %llu s (--wait-ready); the "
                "run ended early",
                fleet->facts->target, (unsigned long long)(patience_ns / NS_PER_SECOND));
        set_stop(fleet, now_ns + STOP_AHEAD_NS);
    }
}

/* --steady auto: the warm-up ends at an edge far enough ahead for every worker to know of it. */
static void watch_steadiness(struct fleet *fleet, uint64_t elapsed_ns)
{
    if (fleet->run->warmup_ns != IPC_NEVER || fleet->stop_ns != IPC_NEVER)
        return;
    bool reached = steady_reached(&fleet->collector.steady);
    if (!reached && elapsed_ns < fleet->run->spec->steady_limit_ns)
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
    wake_workers(fleet);
    if (!reached)
        log_line(LOG_WARNING,
                 "the load has not become steady within %llu s (--steady-limit); measuring begins "
                 "all the same",
                 (unsigned long long)(fleet->run->spec->steady_limit_ns / NS_PER_SECOND));
}

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

static void take_sample(void *state, const struct target_sample *sample)
{
    struct fleet *fleet = state;
    timeline_sample(fleet->timeline, sample);
}

/* What the server says of itself is worth a warning when it cannot be asked, and no more. */
static void start_sampler(struct fleet *fleet)
{
    const struct spec *spec = fleet->run->spec;
    struct err err = {.code = OK};
    if (!spec->extended_metrics || fleet->run->null_transport)
        return;
    if (info_sampler_start(&fleet->sampler, fleet->base, fleet->run->target, spec, fleet->start_ns,
                           (struct info_listener){.hear = take_sample, .state = fleet}, &err) != OK)
        log_line(LOG_WARNING, "%s", err.text);
}

static void start(struct fleet *fleet, uint64_t now_ns)
{
    if (arm_tick(fleet, running_tick_ns(fleet)) != OK)
        log_line(LOG_WARNING, "the orchestrator's timer keeps its short period");
    fleet->start_ns = now_ns + START_AHEAD_NS + fleet->member_count * START_AHEAD_PER_WORKER_NS;
    fleet->facts->started_wall_ns = clock_wall_ns() + (fleet->start_ns - now_ns);
    fleet->running = true;
    fleet->progress_at_ns = fleet->start_ns + PROGRESS_NS;
    host_sample_begin(&fleet->host);
    timeline_run_begin(fleet->timeline, fleet->facts);
    start_sampler(fleet);
    if (fleet->progress != NULL)
        progress_begin(fleet->progress, fleet->facts);
    /* Release: partner is the workers' acquire load at the barrier. */
    atomic_store_explicit(&ipc_control(fleet->segment)->start_ns, fleet->start_ns,
                          memory_order_release);
    wake_workers(fleet);
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
        enum worker_state state = state_of(fleet, i);
        ready += state == WORKER_READY;
        if (state == WORKER_FAILED && failed++ == 0)
            first_failed = i;
    }
    bool late = now_ns >= fleet->connect_deadline_ns;
    if (ready == fleet->member_count) {
        start(fleet, now_ns);
    } else if (ready + failed == fleet->member_count || late) {
        const struct err *why = &ipc_worker(fleet->segment, first_failed)->err;
        if (failed > 0 && why->code != E_CONNECT)
            err_set(&fleet->err, why->code, "%s", why->text);
        else
            err_set(&fleet->err, E_CONNECT, "%u of %llu connections to %s opened: %s",
                    live_connections(fleet), (unsigned long long)clients_at_start(fleet->facts),
                    fleet->facts->target,
                    failed > 0 ? why->text : "the workers did not become ready in time");
        fail(fleet);
    }
}

static void heed_interrupts(struct fleet *fleet, uint64_t now_ns)
{
    int count = fleet->interrupts->count;
    if (fleet->interrupts->enough && fleet->running && fleet->stop_ns == IPC_NEVER)
        set_stop(fleet, now_ns + STOP_AHEAD_NS);
    if (count == fleet->interrupts_seen)
        return;
    bool first = fleet->interrupts_seen == 0;
    fleet->interrupts_seen = count;
    fleet->result->interrupted = true;
    if (!fleet->running) {
        err_set(&fleet->err, E_INTERRUPTED, "interrupted before the first request");
        fail(fleet);
    } else if (first && count == 1) {
        log_line(LOG_WARNING,
                 "interrupted: waiting for replies in flight; once more to stop at once");
        set_stop(fleet, now_ns + STOP_AHEAD_NS);
    } else {
        log_line(LOG_WARNING, "interrupted again: stopping at once");
        set_stop(fleet, now_ns);
        fleet->stopped_at_once = true;
        kill_workers(fleet);
    }
}

/* A command that came over the control socket. */
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
        wake_workers(fleet);
    if (code != OK || effect != STEERING_STOP)
        return code;
    log_line(LOG_WARNING, "stopped over the control socket: waiting for replies in flight");
    if (fleet->running) {
        set_stop(fleet, now_ns + STOP_AHEAD_NS);
    } else {
        err_set(&fleet->err, E_FAILED, "stopped over the control socket before the first request");
        fail(fleet);
    }
    return OK;
}

static void show_progress(struct fleet *fleet, uint64_t now_ns)
{
    if (fleet->progress == NULL || now_ns < fleet->progress_at_ns)
        return;
    progress_line(fleet->progress, fleet->facts, now_ns - fleet->start_ns,
                  live_total(fleet, COUNTER_OK) + live_total(fleet, COUNTER_ERROR_REPLIES),
                  live_failures(fleet));
    while (fleet->progress_at_ns <= now_ns)
        fleet->progress_at_ns += PROGRESS_NS;
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
    return end_ns + fleet->run->spec->drain_timeout_ns + FINISH_PATIENCE_NS;
}

static bool any_process(const struct fleet *fleet)
{
    for (uint32_t i = 0; i < fleet->member_count; i++)
        if (fleet->members[i].pid > 0)
            return true;
    return false;
}

static void tick_running(struct fleet *fleet, uint64_t now_ns, uint64_t passed_ns)
{
    uint64_t elapsed_ns = now_ns > fleet->start_ns ? now_ns - fleet->start_ns : 0;
    if (collector_collect(&fleet->collector, elapsed_ns, &fleet->err) != OK) {
        fail(fleet);
        return;
    }
    watch_heartbeats(fleet, passed_ns);
    watch_target(fleet, now_ns, passed_ns);
    watch_steadiness(fleet, elapsed_ns);
    show_progress(fleet, now_ns);
    if (now_ns >= finish_deadline_ns(fleet))
        kill_workers(fleet);
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
    reap(fleet);
    if (!fleet->over && !fleet->running)
        judge_readiness(fleet, now_ns);
    else if (!fleet->over)
        tick_running(fleet, now_ns, passed_ns);
}

/* Start and end -------------------------------------------------------------------------------- */

static enum err_code map_segment(struct fleet *fleet, struct err *err)
{
    const struct spec *spec = fleet->run->spec;
    size_t bytes = fleet->run->open_loop ? schedule_bytes(spec->rate_step_count, true) : 0;
    fleet->segment_bytes =
        ipc_segment_bytes(fleet->member_count, fleet->plan->ring_capacity_bytes, bytes);
    fleet->segment = mmap(NULL, fleet->segment_bytes, PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (fleet->segment == MAP_FAILED) {
        fleet->segment = NULL;
        return err_set_errno(err, E_SYSTEM, errno, "cannot map %zu bytes shared with the workers",
                             fleet->segment_bytes);
    }
    ipc_segment_init(fleet->segment, fleet->member_count, fleet->plan->ring_capacity_bytes);
    if (fleet->run->open_loop)
        schedule_plan(ipc_schedule(fleet->segment), spec->rate_steps, spec->rate_step_count, true);
    if (fleet->run->warmup_ns != IPC_NEVER)
        atomic_store(&ipc_control(fleet->segment)->measure_after_ns, fleet->run->warmup_ns);
    return OK;
}

static enum err_code fleet_create(struct fleet *fleet, struct err *err)
{
    enum err_code code = map_segment(fleet, err);
    if (code != OK)
        return code;
    fleet->members = calloc(fleet->member_count, sizeof fleet->members[0]);
    fleet->wake_fd = eventfd(0, EFD_NONBLOCK);
    fleet->base = event_base_new();
    if (fleet->base != NULL) {
        fleet->tick = event_new(fleet->base, -1, EV_PERSIST, on_tick, fleet);
        fleet->child = evsignal_new(fleet->base, SIGCHLD, on_tick, fleet);
    }
    if (fleet->members == NULL || fleet->wake_fd < 0 || fleet->tick == NULL || fleet->child == NULL)
        return err_set(err, E_SYSTEM, "cannot set up the orchestrator's event loop");
    fleet->run->segment = fleet->segment;
    fleet->run->wake_fd = fleet->wake_fd;
    fleet->run->orchestrator = getpid();
    fleet->run->worker_count = fleet->member_count;
    fleet->steering = (struct steering){
        .segment = fleet->segment, .spec = fleet->run->spec, .facts = fleet->facts};
    struct run_control_handler handler = {.handle = heed_command, .state = fleet};
    if (fleet->interrupts->control != NULL &&
        run_control_attach(fleet->interrupts->control, fleet->base, handler, err) != OK)
        return err->code;
    code = collector_init(&fleet->collector, fleet->segment, fleet->member_count, fleet->facts,
                          fleet->timeline, fleet->progress, err);
    fleet->collector.warmup_ns = fleet->run->warmup_ns;
    return code;
}

static void fleet_destroy(struct fleet *fleet)
{
    if (fleet->members != NULL) {
        kill_workers(fleet);
        for (uint32_t i = 0; i < fleet->member_count; i++)
            if (fleet->members[i].pid > 0)
                waitpid(fleet->members[i].pid, NULL, 0);
    }
    collector_destroy(&fleet->collector);
    if (fleet->interrupts->control != NULL)
        run_control_detach(fleet->interrupts->control);
    info_sampler_stop(fleet->sampler);
    if (fleet->tick != NULL)
        event_free(fleet->tick);
    if (fleet->child != NULL)
        event_free(fleet->child);
    if (fleet->base != NULL)
        event_base_free(fleet->base);
    if (fleet->wake_fd >= 0)
        close(fleet->wake_fd);
    free(fleet->members);
    if (fleet->segment != NULL)
        munmap(fleet->segment, fleet->segment_bytes);
}

static enum err_code launch(struct fleet *fleet, struct err *err)
{
    uint64_t now_ns = clock_now_ns();
    uint64_t waves = fleet->facts->clients / 256 + 1;
    fleet->connect_deadline_ns =
        now_ns + waves * fleet->run->spec->connection_timeout_ns + CONNECT_PATIENCE_NS;
    fleet->last_tick_ns = now_ns;
    for (uint32_t i = 0; i < fleet->member_count; i++) {
        enum err_code code = fork_member(fleet, i, false, err);
        if (code != OK)
            return code;
    }
    if (event_add(fleet->child, NULL) != 0 || arm_tick(fleet, TICK_SHORTEST_NS) != OK)
        return err_set(err, E_SYSTEM, "cannot start the orchestrator's timer");
    return OK;
}

static uint64_t last_done_ns(const struct fleet *fleet)
{
    uint64_t latest_ns = 0;
    for (uint32_t i = 0; i < fleet->member_count; i++) {
        uint64_t done_ns = atomic_load(&ipc_worker(fleet->segment, i)->last_done_ns);
        latest_ns = done_ns > latest_ns ? done_ns : latest_ns;
    }
    return latest_ns;
}

/* Length of the measured part, to the latest of: the planned end or the stop; the last reply; the end
 * of the last row. The last is later with -n when what was sent last was never answered: the time
 * waited for it is part of the run. */
static double measured_seconds(const struct fleet *fleet)
{
    if (fleet->run->warmup_ns == IPC_NEVER)
        return 0; /* stopped before the warm-up had an end */
    uint64_t begin_ns = fleet->start_ns + fleet->run->warmup_ns;
    uint64_t planned_ns = fleet->run->duration_ns > 0 ? begin_ns + fleet->run->duration_ns : 0;
    if (fleet->stop_ns != IPC_NEVER)
        planned_ns = fleet->stop_ns;
    uint64_t end_ns = fleet->start_ns + fleet->timeline->total->header.end_ns;
    uint64_t done_ns = last_done_ns(fleet);
    end_ns = done_ns > end_ns ? done_ns : end_ns;
    end_ns = planned_ns > end_ns ? planned_ns : end_ns;
    return end_ns > begin_ns ? (double)(end_ns - begin_ns) / NS_PER_SECOND : 0;
}

/* Of an open loop's measured part, the time in which requests fell due. */
static double due_seconds(const struct fleet *fleet)
{
    uint64_t begin_ns = fleet->start_ns + fleet->facts->warmup_ns;
    return (double)due_time_ns(fleet->run, ipc_schedule(fleet->segment), begin_ns, fleet->stop_ns) /
           NS_PER_SECOND;
}

static void summarise_workers(const struct fleet *fleet)
{
    struct run_result *result = fleet->result;
    result->worker_count = fleet->member_count;
    for (uint32_t i = 0; i < fleet->member_count; i++) {
        const uint64_t *measured = fleet->collector.members[i].measured;
        result->workers[i] = (struct worker_summary){
            .index = i,
            .pid = fleet->members[i].last_pid,
            .cpu = fleet->plan->workers[i].cpu,
            .restarts = fleet->members[i].restarts,
            .requests = measured[COUNTER_OK] + measured[COUNTER_ERROR_REPLIES],
            .cpu_user_seconds = (double)measured[COUNTER_CPU_USER_NS] / NS_PER_SECOND,
            .cpu_system_seconds = (double)measured[COUNTER_CPU_SYSTEM_NS] / NS_PER_SECOND,
            .spin_seconds = (double)measured[COUNTER_SPIN_NS] / NS_PER_SECOND,
        };
    }
}

/* What the run came to: the gravest of its own errors, the interrupt, and success of nothing, unless
 * a planned stop came before the first measured request. What succeeded in the warm-up is in no figure
 * and does not count here either. */
static void judge_run(struct fleet *fleet)
{
    struct run_result *result = fleet->result;
    enum err_code code = fleet->err.code;
    const struct run_control *control = fleet->interrupts->control;
    bool stopped = control != NULL && run_control_stop_asked(control);
    uint64_t sent = 0, succeeded = 0;
    for (uint32_t i = 0; i < fleet->member_count; i++) {
        sent += fleet->collector.members[i].measured[COUNTER_SENT];
        succeeded += fleet->collector.members[i].measured[COUNTER_OK];
    }
    if (succeeded == 0 && (sent > 0 || !stopped))
        code = err_worse(code, E_FAILED);
    if (result->interrupted)
        code = err_worse(code, E_INTERRUPTED);
    result->status = code;
    const char *text = fleet->err.text;
    if (fleet->err.code == OK && code == E_FAILED)
        text = "no request succeeded";
    if (code == OK && stopped)
        text = "stopped over the control socket";
    snprintf(result->status_text, sizeof result->status_text, "%s", text);
}

static void conclude(struct fleet *fleet)
{
    struct err *err = &fleet->err;
    enum err_code finished = collector_finish(&fleet->collector, err);
    if (finished == OK)
        finished = collector_check(&fleet->collector, err);
    (void)finished; /* err holds it */
    if (fleet->progress != NULL)
        progress_end(fleet->progress);
    fleet->result->evidence.late_records = fleet->collector.late_records;
    host_sample_end(&fleet->host, &fleet->result->evidence);
    if (fleet->sampler != NULL)
        fleet->result->evidence.server_cpu_share = info_sampler_cpu_share(fleet->sampler);
    fleet->result->seconds = measured_seconds(fleet);
    fleet->result->due_seconds = due_seconds(fleet);
    summarise_workers(fleet);
    judge_run(fleet);
    timeline_run_end(fleet->timeline, fleet->result);
}

enum err_code fleet_run(const struct plan *plan, struct worker_run *run, struct run_facts *facts,
                        struct timeline *timeline, struct progress *progress,
                        struct interrupts *interrupts, struct run_result *result, struct err *err)
{
    struct fleet fleet = {
        .plan = plan,
        .run = run,
        .facts = facts,
        .timeline = timeline,
        .progress = progress,
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
        conclude(&fleet);
    else if (code == OK)
        code = err_set(err, fleet.err.code, "%s", fleet.err.text);
    fleet_destroy(&fleet);
    return code;
}
