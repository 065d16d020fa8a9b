#include "worker/worker.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "common/transport_tls.h"
#include "worker/connections.h"
#include "worker/edges.h"
#include "worker/protocol/protocol.h"
#include "worker/recount.h"
#include "worker/transport_null.h"
#include "worker/worker_state.h"

/* The tick looks for interval edges that no reply brought about, for timeouts and for reconnects. */
#define TICK_BUSY_NS (10 * NS_PER_MS)
#define TICK_QUIET_NS (50 * NS_PER_MS)
#define TICK_SHORTEST_NS NS_PER_MS

#ifdef VOLLEY_COUNT_ALLOCATIONS
uint64_t malloc_count(void); /* tests/support/malloc_count.c */
#else
static uint64_t malloc_count(void)
{
    return 0;
}
#endif

static void set_state(struct worker *worker, enum worker_state state)
{
    /* Release: partner is the fleet's acquire load; what was written before is then visible. */
    atomic_store_explicit(&worker->live->state, state, memory_order_release);
}

/* Loop ----------------------------------------------------------------------------------------- */

static void arm_tick(struct worker *worker, uint64_t now_ns)
{
    uint64_t delay_ns = worker->reconnects_pending || worker->stopping || worker->start_ns == 0
                            ? TICK_BUSY_NS
                            : TICK_QUIET_NS;
    uint64_t next_ns = worker->edge_ns < worker->stop_at_ns ? worker->edge_ns : worker->stop_at_ns;
    if (worker->next_opening_ns < next_ns)
        next_ns = worker->next_opening_ns;
    if (next_ns < now_ns + delay_ns)
        delay_ns = next_ns > now_ns + TICK_SHORTEST_NS ? next_ns - now_ns : TICK_SHORTEST_NS;
    struct timeval delay = {.tv_sec = 0, .tv_usec = (suseconds_t)(delay_ns / NS_PER_US)};
    event_add(worker->tick, &delay);
}

/* From now on nothing is sent; the interval under way takes in the draining. */
static void begin_stopping(struct worker *worker, uint64_t now_ns)
{
    edges_cut(worker, now_ns);
    worker->edge_ns = UINT64_MAX;
    worker->stopping = true;
    /* What was drawn and not sent never will be. */
    atomic_store_explicit(&worker->live->drawn, worker_total(worker, COUNTER_SENT),
                          memory_order_relaxed);
}

static void read_stop_word(struct worker *worker)
{
    /* Acquire: partner is the fleet's release store. */
    uint64_t stop_ns = atomic_load_explicit(&worker->control->stop_ns, memory_order_acquire);
    if (stop_ns >= worker->stop_at_ns)
        return;
    /* What was sent before the stop became known was due, too. */
    uint64_t now_ns = clock_now_ns();
    worker->stop_at_ns = worker->open_loop && stop_ns < now_ns ? now_ns : stop_ns;
}

static void on_tick(evutil_socket_t fd, short what, void *argument)
{
    struct worker *worker = argument;
    (void)fd;
    (void)what;
    uint64_t now_ns = clock_now_ns();
    if (worker->start_ns != 0) {
        recorder_look_for_stop(worker, now_ns);
        read_stop_word(worker);
        if (!worker->stopping && now_ns >= worker->stop_at_ns)
            begin_stopping(worker, now_ns);
        else if (now_ns >= worker->edge_ns)
            edges_cut(worker, now_ns);
        if (worker->stopping && now_ns >= worker->stop_at_ns + worker->spec->drain_timeout_ns)
            worker->finished = true;
    }
    connections_tick(worker, now_ns);
    arm_tick(worker, now_ns);
}

static void on_wake(evutil_socket_t fd, short what, void *argument)
{
    struct worker *worker = argument;
    (void)fd;
    (void)what;
    if (worker->start_ns != 0)
        read_stop_word(worker);
    event_del(worker->tick);
    arm_tick(worker, clock_now_ns());
}

static void turn(struct worker *worker)
{
    uint64_t now_ns = clock_now_ns();
    worker->lag.looked_ns = worker->lag.wakeup_ns != 0 ? worker->lag.wakeup_ns : now_ns;
    int how = worker->open_loop ? wait_prepare(worker, &now_ns) : EVLOOP_ONCE;
    worker->lag.waiting_ns = now_ns;
    worker->lag.wakeup_ns = 0;
    if (worker->transport->answers_at_once)
        connections_activate(worker);
    if (worker->reads_cut > 0)
        connections_resume(worker);
    event_base_loop(worker->base, how);
    if (worker->recorder.woken_turns > 0)
        worker->recorder.woken_turns--;
}

/* libevent doubles its array of ready events whenever a wait fills it. Every socket is made ready
 * at once here, so that this does not happen while requests are measured. */
static void prime_loop(struct worker *worker)
{
    if (worker->transport->answers_at_once)
        return;
    uint32_t count = connections_at_start(worker); /* they stand first, and all of them are open */
    for (uint32_t ready = 16; ready < count * 2; ready *= 2) {
        for (uint32_t i = 0; i < count; i++)
            event_add(&worker->connections[i].write_event, NULL);
        event_base_loop(worker->base, EVLOOP_NONBLOCK);
        for (uint32_t i = 0; i < count; i++)
            event_del(&worker->connections[i].write_event);
    }
}

/* Life ----------------------------------------------------------------------------------------- */

static enum err_code become_worker(const struct worker_run *run, const struct worker_share *share,
                                   struct err *err)
{
    /* Signals to the whole process group are the orchestrator's to act on; workers end with it. */
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    /* The parent may have died before the line above. */
    if (getppid() != run->orchestrator)
        return err_set(err, E_SYSTEM, "worker %u: its orchestrator is gone", share->index);
    if (share->cpu >= 0) {
        cpu_set_t cpus;
        CPU_ZERO(&cpus);
        CPU_SET((size_t)share->cpu, &cpus);
        if (sched_setaffinity(0, sizeof cpus, &cpus) != 0)
            return err_set_errno(err, E_SYSTEM, errno, "worker %u: cannot run on CPU %d",
                                 share->index, share->cpu);
    }
    return OK;
}

static enum err_code create_greeting(struct worker *worker, struct err *err)
{
    enum err_code code = greeting_create(&worker->greeting, worker->spec, 0, err);
    if (code == OK)
        code = greeting_create(&worker->replica_greeting, worker->spec, GREETING_REPLICA, err);
    return code;
}

static enum err_code allocate_buffers(struct worker *worker, struct err *err)
{
    const bool own = worker->run->generator == NULL;
    enum err_code code = generation_open(
        &worker->generation, own ? &workload_generator : worker->run->generator,
        own ? worker->run->workload : worker->run->generator_source, worker->share->index, err);
    if (code != OK)
        return code;
    worker->exchange.out_bytes = worker->generation.most_bytes;
    if (worker->exchange.out_bytes < WORKER_WRITE_BYTES)
        worker->exchange.out_bytes = WORKER_WRITE_BYTES;
    if (worker->exchange.out_bytes > WORKER_WINDOW_BYTES)
        worker->exchange.out_bytes = WORKER_WINDOW_BYTES;
    if (worker->generation.bytes > 0)
        worker->exchange.alike_requests =
            (uint32_t)(worker->exchange.out_bytes / worker->generation.bytes);
    worker->exchange.in = malloc(WORKER_READ_BYTES);
    worker->exchange.out = malloc(worker->exchange.out_bytes);
    worker->recorder.wire = malloc(INTERVAL_RECORD_MAX_BYTES);
    if (worker->run->warmup_ns > 0)
        worker->recorder.held = malloc(INTERVAL_RECORD_MAX_BYTES);
    worker->recorder.interval = malloc(sizeof *worker->recorder.interval);
    if (worker->exchange.in == NULL || worker->exchange.out == NULL ||
        worker->recorder.wire == NULL || worker->recorder.interval == NULL ||
        (worker->run->warmup_ns > 0 && worker->recorder.held == NULL))
        return err_set(err, E_SYSTEM, "worker %u: cannot allocate its buffers",
                       worker->share->index);
    interval_init(worker->recorder.interval);
    return create_greeting(worker, err);
}

static enum err_code build_loop(struct worker *worker, struct err *err)
{
    worker->base = event_base_new();
    if (worker->base != NULL) {
        worker->tick = event_new(worker->base, -1, 0, on_tick, worker);
        worker->wake = event_new(worker->base, worker->run->wake_fd, EV_READ | EV_PERSIST | EV_ET,
                                 on_wake, worker);
    }
    if (worker->tick == NULL || worker->wake == NULL || event_add(worker->wake, NULL) != 0)
        return err_set(err, E_SYSTEM, "worker %u: cannot build its event loop",
                       worker->share->index);
    return OK;
}

static enum err_code worker_create(struct worker *worker, struct err *err)
{
    enum err_code code = allocate_buffers(worker, err);
    if (code == OK)
        code = build_loop(worker, err);
    if (code == OK && worker->run->null_transport)
        code = transport_null_init(worker->run->workload, worker->share->connections, err);
    if (code == OK)
        code = pacer_create(worker, err);
    if (code == OK)
        code = wait_create(worker, err);
    if (code == OK)
        code = connections_create(worker, err);
    return code;
}

static void worker_destroy(struct worker *worker)
{
    connections_destroy(worker);
    wait_destroy(&worker->wait);
    pacer_destroy(&worker->pacer);
    transport_null_destroy();
    if (worker->tick != NULL)
        event_free(worker->tick);
    if (worker->wake != NULL)
        event_free(worker->wake);
    if (worker->base != NULL)
        event_base_free(worker->base);
    if (worker->recorder.schedstat_fd >= 0)
        close(worker->recorder.schedstat_fd);
    free(worker->exchange.in);
    free(worker->exchange.out);
    free(worker->recorder.wire);
    free(worker->recorder.held);
    free(worker->recorder.interval);
    generation_close(&worker->generation);
    greeting_destroy(&worker->greeting);
    greeting_destroy(&worker->replica_greeting);
}

/* Opens every connection. The fleet gives up on workers that take too long. */
static enum err_code connect_all(struct worker *worker, struct err *err)
{
    uint32_t wanted = connections_at_start(worker) + worker->idle_count;
    on_tick(-1, 0, worker);
    while (worker->connections_ready + worker->idle_ready + worker->connections_failed < wanted)
        turn(worker);
    if (worker->connections_failed > 0)
        return err_set(err, E_CONNECT, "%s", worker->err.text);
    worker->connected = true;
    return OK;
}

static void enter_run(struct worker *worker, uint64_t start_ns)
{
    worker->start_ns = start_ns;
    uint64_t now_ns = clock_now_ns();
    read_stop_word(worker);
    edges_start(worker, now_ns);
    connections_plan_ramp(worker);
    set_state(worker, WORKER_RUNNING);
    worker->allocations_at_start = malloc_count();
}

/* Waits for the common start. Nobody sends a measured request before it. */
static void wait_for_start(struct worker *worker)
{
    uint64_t start_ns;
    set_state(worker, WORKER_READY);
    /* Acquire: partner is the fleet's release store of the start time. */
    while ((start_ns = atomic_load_explicit(&worker->control->start_ns, memory_order_acquire)) == 0)
        turn(worker);
    clock_sleep_until(start_ns);
    enter_run(worker, start_ns);
    if (!worker->open_loop)
        dispatch_send(worker, clock_now_ns());
}

/* Not inlined: tests/perf counts the instructions between entering and leaving it. */
__attribute__((noinline)) static void run_until_done(struct worker *worker)
{
    while (!worker->finished) {
        turn(worker);
        if (worker->in_flight > 0)
            continue;
        if (worker->stopping || (worker->tickets_exhausted && worker->unsent == 0))
            worker->finished = true;
        else if (worker->stop_at_ns != UINT64_MAX && clock_now_ns() >= worker->stop_at_ns)
            begin_stopping(worker, clock_now_ns());
    }
}

/* Where the last interval ends: at the stop, or at the last reply when that came later. */
static uint64_t last_event_ns(const struct worker *worker, uint64_t now_ns)
{
    uint64_t done_ns = atomic_load_explicit(&worker->live->last_done_ns, memory_order_relaxed);
    uint64_t end_ns = worker->stop_at_ns < now_ns ? worker->stop_at_ns : now_ns;
    return done_ns > end_ns ? done_ns : end_ns;
}

/* Abandons what is left, checks the books, publishes the last record. */
static enum err_code finish(struct worker *worker, struct err *err)
{
    uint64_t allocations = malloc_count() - worker->allocations_at_start;
    uint64_t now_ns = clock_now_ns();
    if (recount_in_flight(worker) != worker->in_flight)
        return err_set(err, E_UNTRUSTED,
                       "worker %u: %llu requests in flight by count, %llu by recount of the slots",
                       worker->share->index, (unsigned long long)worker->in_flight,
                       (unsigned long long)recount_in_flight(worker));
    if (!worker->stopping) {
        edges_cut(worker, now_ns);
        worker->edge_ns = UINT64_MAX;
    }
    connections_abandon(worker);
    enum err_code code = edges_finish(worker, last_event_ns(worker, now_ns), err);
    if (code == OK && worker->open_loop && worker->pacer.measuring &&
        recount_backlog(worker) != worker_backlog(worker))
        code = err_set(err, E_UNTRUSTED,
                       "worker %u: a backlog of %llu by count, %llu by recount of the schedule",
                       worker->share->index, (unsigned long long)worker_backlog(worker),
                       (unsigned long long)recount_backlog(worker));
    if (code == OK && allocations > 0 && worker->reconnected == 0)
        code = err_set(err, E_UNTRUSTED, "worker %u: %llu allocations after the start barrier",
                       worker->share->index, (unsigned long long)allocations);
    return code;
}

static void take_over(struct worker *worker, uint64_t start_ns)
{
    /* A replacement opens its connections while the run is under way; when the one before it died
     * between barrier and start, that is a moment ahead. */
    clock_sleep_until(start_ns);
    worker->connected = true;
    enter_run(worker, start_ns);
    if (worker->open_loop)
        pacer_shed_missed(worker, clock_now_ns());
    on_tick(-1, 0, worker);
}

static const struct transport *choose_transport(const struct worker_run *run)
{
    if (run->transport != NULL)
        return run->transport;
    if (run->null_transport)
        return &transport_null;
    return run->wire_setup.tls != NULL ? &transport_tls : &transport_tcp;
}

int worker_main(const struct worker_run *run, const struct worker_share *share)
{
    struct worker worker = {
        .run = run,
        .share = share,
        .spec = run->spec,
        .transport = choose_transport(run),
        .protocol = run->protocol != NULL ? run->protocol : &protocol_resp,
        .live = ipc_worker(run->segment, share->index),
        .ring = ipc_ring(run->segment, share->index),
        .control = ipc_control(run->segment),
        .tickets = ipc_tickets(run->segment),
        .on_io = dispatch_io,
        .edge_ns = UINT64_MAX,
        .stop_at_ns = UINT64_MAX,
        .warmup_ns = IPC_NEVER,
        .next_opening_ns = UINT64_MAX,
        .open_loop = run->open_loop,
        .recorder = {.schedstat_fd = -1},
        .pacer = {.next_ns = UINT64_MAX},
        .wait = {.timer_fd = -1},
        .lag = {.slept_ns = lag_slept_ns(share->connections),
                .weight = run->null_transport ? 0 : 10,
                .random = share->index + 1},
    };
    struct err err = {0};
    clock_become_virtual();
    worker.lag.always_waiting = worker.transport->answers_at_once;
    set_state(&worker, WORKER_CONNECTING);
    enum err_code code = become_worker(run, share, &err);
    if (code == OK)
        code = worker_create(&worker, &err);
    uint64_t start_ns = atomic_load_explicit(&worker.control->start_ns, memory_order_acquire);
    if (code == OK && share->replacement && start_ns != 0) {
        take_over(&worker, start_ns);
    } else if (code == OK) {
        code = connect_all(&worker, &err);
        if (code == OK) {
            prime_loop(&worker);
            wait_for_start(&worker);
        }
    }
    if (code == OK) {
        run_until_done(&worker);
        code = finish(&worker, &err);
    }
    if (code != OK)
        worker.live->err = err;
    set_state(&worker, code == OK ? WORKER_DONE : WORKER_FAILED);
    worker_destroy(&worker);
    return err_exit_status(code);
}
