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
#include "worker/stream.h"
#include "worker/transport_null.h"

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

static void set_state(struct stream *stream, enum worker_state state)
{
    /* Release: partner is the fleet's acquire load; what was written before is then visible. */
    atomic_store_explicit(&stream->live->state, state, memory_order_release);
}

/* Loop ----------------------------------------------------------------------------------------- */

static void arm_tick(struct stream *stream, uint64_t now_ns)
{
    uint64_t delay_ns = stream->reconnects_pending || stream->stopping || stream->start_ns == 0
                            ? TICK_BUSY_NS
                            : TICK_QUIET_NS;
    uint64_t next_ns = stream->edge_ns < stream->stop_at_ns ? stream->edge_ns : stream->stop_at_ns;
    if (stream->next_opening_ns < next_ns)
        next_ns = stream->next_opening_ns;
    if (next_ns < now_ns + delay_ns)
        delay_ns = next_ns > now_ns + TICK_SHORTEST_NS ? next_ns - now_ns : TICK_SHORTEST_NS;
    struct timeval delay = {.tv_sec = 0, .tv_usec = (suseconds_t)(delay_ns / NS_PER_US)};
    event_add(stream->tick, &delay);
}

/* From now on nothing is sent; the interval under way takes in the draining. */
static void begin_stopping(struct stream *stream, uint64_t now_ns)
{
    edges_cut(stream, now_ns);
    stream->edge_ns = UINT64_MAX;
    stream->stopping = true;
    /* What was drawn and not sent never will be. */
    atomic_store_explicit(&stream->live->drawn, stream_total(stream, COUNTER_SENT),
                          memory_order_relaxed);
}

static void read_stop_word(struct stream *stream)
{
    /* Acquire: partner is the fleet's release store. */
    uint64_t stop_ns = atomic_load_explicit(&stream->control->stop_ns, memory_order_acquire);
    if (stop_ns >= stream->stop_at_ns)
        return;
    /* What was sent before the stop became known was due, too. */
    uint64_t now_ns = clock_now_ns();
    stream->stop_at_ns = stream->open_loop && stop_ns < now_ns ? now_ns : stop_ns;
}

static void on_tick(evutil_socket_t fd, short what, void *argument)
{
    struct stream *stream = argument;
    (void)fd;
    (void)what;
    uint64_t now_ns = clock_now_ns();
    if (stream->start_ns != 0) {
        recorder_look_for_stop(stream, now_ns);
        read_stop_word(stream);
        if (!stream->stopping && now_ns >= stream->stop_at_ns)
            begin_stopping(stream, now_ns);
        else if (now_ns >= stream->edge_ns)
            edges_cut(stream, now_ns);
        if (stream->stopping && now_ns >= stream->stop_at_ns + stream->spec->drain_timeout_ns)
            stream->finished = true;
    }
    connections_tick(stream, now_ns);
    arm_tick(stream, now_ns);
}

static void on_wake(evutil_socket_t fd, short what, void *argument)
{
    struct stream *stream = argument;
    (void)fd;
    (void)what;
    if (stream->start_ns != 0)
        read_stop_word(stream);
    event_del(stream->tick);
    arm_tick(stream, clock_now_ns());
}

static void turn(struct stream *stream)
{
    uint64_t now_ns = clock_now_ns();
    stream->lag.looked_ns = stream->lag.wakeup_ns != 0 ? stream->lag.wakeup_ns : now_ns;
    int how = stream->open_loop ? wait_prepare(stream, &now_ns) : EVLOOP_ONCE;
    stream->lag.waiting_ns = now_ns;
    stream->lag.wakeup_ns = 0;
    if (stream->transport->answers_at_once)
        connections_activate(stream);
    if (stream->reads_cut > 0)
        connections_resume(stream);
    event_base_loop(stream->base, how);
    if (stream->recorder.woken_turns > 0)
        stream->recorder.woken_turns--;
}

/* libevent doubles its array of ready events whenever a wait fills it. Every socket is made ready
 * at once here, so that this does not happen while requests are measured. */
static void prime_loop(struct stream *stream)
{
    if (stream->transport->answers_at_once)
        return;
    uint32_t count = connections_at_start(stream); /* they stand first, and all of them are open */
    for (uint32_t ready = 16; ready < count * 2; ready *= 2) {
        for (uint32_t i = 0; i < count; i++)
            event_add(&stream->connections[i].write_event, NULL);
        event_base_loop(stream->base, EVLOOP_NONBLOCK);
        for (uint32_t i = 0; i < count; i++)
            event_del(&stream->connections[i].write_event);
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

static enum err_code create_greeting(struct stream *stream, struct err *err)
{
    enum err_code code = greeting_create(&stream->greeting, stream->spec, 0, err);
    if (code == OK)
        code = greeting_create(&stream->replica_greeting, stream->spec, GREETING_REPLICA, err);
    return code;
}

static enum err_code allocate_buffers(struct stream *stream, struct err *err)
{
    const bool own = stream->run->generator == NULL;
    enum err_code code = generation_open(
        &stream->generation, own ? &workload_generator : stream->run->generator,
        own ? stream->run->workload : stream->run->generator_source, stream->share->index, err);
    if (code != OK)
        return code;
    stream->exchange.out_bytes = stream->generation.most_bytes;
    if (stream->exchange.out_bytes < WORKER_WRITE_BYTES)
        stream->exchange.out_bytes = WORKER_WRITE_BYTES;
    if (stream->exchange.out_bytes > WORKER_WINDOW_BYTES)
        stream->exchange.out_bytes = WORKER_WINDOW_BYTES;
    if (stream->generation.bytes > 0)
        stream->exchange.alike_requests =
            (uint32_t)(stream->exchange.out_bytes / stream->generation.bytes);
    stream->exchange.in = malloc(WORKER_READ_BYTES);
    stream->exchange.out = malloc(stream->exchange.out_bytes);
    stream->recorder.wire = malloc(INTERVAL_RECORD_MAX_BYTES);
    if (stream->run->warmup_ns > 0)
        stream->recorder.held = malloc(INTERVAL_RECORD_MAX_BYTES);
    stream->recorder.interval = malloc(sizeof *stream->recorder.interval);
    if (stream->exchange.in == NULL || stream->exchange.out == NULL ||
        stream->recorder.wire == NULL || stream->recorder.interval == NULL ||
        (stream->run->warmup_ns > 0 && stream->recorder.held == NULL))
        return err_set(err, E_SYSTEM, "worker %u: cannot allocate its buffers",
                       stream->share->index);
    interval_init(stream->recorder.interval);
    return create_greeting(stream, err);
}

static enum err_code build_loop(struct stream *stream, struct err *err)
{
    stream->base = event_base_new();
    if (stream->base != NULL) {
        stream->tick = event_new(stream->base, -1, 0, on_tick, stream);
        stream->wake = event_new(stream->base, stream->run->wake_fd, EV_READ | EV_PERSIST | EV_ET,
                                 on_wake, stream);
    }
    if (stream->tick == NULL || stream->wake == NULL || event_add(stream->wake, NULL) != 0)
        return err_set(err, E_SYSTEM, "worker %u: cannot build its event loop",
                       stream->share->index);
    return OK;
}

static enum err_code worker_create(struct stream *stream, struct err *err)
{
    enum err_code code = allocate_buffers(stream, err);
    if (code == OK)
        code = build_loop(stream, err);
    if (code == OK && stream->run->null_transport)
        code = transport_null_init(stream->run->workload, stream->share->connections, err);
    if (code == OK)
        code = pacer_create(stream, err);
    if (code == OK)
        code = wait_create(stream, err);
    if (code == OK)
        code = connections_create(stream, err);
    return code;
}

static void worker_destroy(struct stream *stream)
{
    connections_destroy(stream);
    wait_destroy(&stream->wait);
    pacer_destroy(&stream->pacer);
    transport_null_destroy();
    if (stream->tick != NULL)
        event_free(stream->tick);
    if (stream->wake != NULL)
        event_free(stream->wake);
    if (stream->base != NULL)
        event_base_free(stream->base);
    if (stream->recorder.schedstat_fd >= 0)
        close(stream->recorder.schedstat_fd);
    free(stream->exchange.in);
    free(stream->exchange.out);
    free(stream->recorder.wire);
    free(stream->recorder.held);
    free(stream->recorder.interval);
    generation_close(&stream->generation);
    greeting_destroy(&stream->greeting);
    greeting_destroy(&stream->replica_greeting);
}

/* Opens every connection. The fleet gives up on workers that take too long. */
static enum err_code connect_all(struct stream *stream, struct err *err)
{
    uint32_t wanted = connections_at_start(stream) + stream->idle_count;
    on_tick(-1, 0, stream);
    while (stream->connections_ready + stream->idle_ready + stream->connections_failed < wanted)
        turn(stream);
    if (stream->connections_failed > 0)
        return err_set(err, E_CONNECT, "%s", stream->err.text);
    stream->connected = true;
    return OK;
}

static void enter_run(struct stream *stream, uint64_t start_ns)
{
    stream->start_ns = start_ns;
    uint64_t now_ns = clock_now_ns();
    read_stop_word(stream);
    edges_start(stream, now_ns);
    connections_plan_ramp(stream);
    set_state(stream, WORKER_RUNNING);
    stream->allocations_at_start = malloc_count();
}

/* Waits for the common start. Nobody sends a measured request before it. */
static void wait_for_start(struct stream *stream)
{
    uint64_t start_ns;
    set_state(stream, WORKER_READY);
    /* Acquire: partner is the fleet's release store of the start time. */
    while ((start_ns = atomic_load_explicit(&stream->control->start_ns, memory_order_acquire)) == 0)
        turn(stream);
    clock_sleep_until(start_ns);
    enter_run(stream, start_ns);
    if (!stream->open_loop)
        dispatch_send(stream, clock_now_ns());
}

/* Not inlined: tests/perf counts the instructions between entering and leaving it. */
__attribute__((noinline)) static void run_until_done(struct stream *stream)
{
    while (!stream->finished) {
        turn(stream);
        if (stream->in_flight > 0)
            continue;
        if (stream->stopping || (stream->tickets_exhausted && stream->unsent == 0))
            stream->finished = true;
        else if (stream->stop_at_ns != UINT64_MAX && clock_now_ns() >= stream->stop_at_ns)
            begin_stopping(stream, clock_now_ns());
    }
}

/* Where the last interval ends: at the stop, or at the last reply when that came later. */
static uint64_t last_event_ns(const struct stream *stream, uint64_t now_ns)
{
    uint64_t done_ns = atomic_load_explicit(&stream->live->last_done_ns, memory_order_relaxed);
    uint64_t end_ns = stream->stop_at_ns < now_ns ? stream->stop_at_ns : now_ns;
    return done_ns > end_ns ? done_ns : end_ns;
}

/* Abandons what is left, checks the books, publishes the last record. */
static enum err_code finish(struct stream *stream, struct err *err)
{
    uint64_t allocations = malloc_count() - stream->allocations_at_start;
    uint64_t now_ns = clock_now_ns();
    if (recount_in_flight(stream) != stream->in_flight)
        return err_set(err, E_UNTRUSTED,
                       "worker %u: %llu requests in flight by count, %llu by recount of the slots",
                       stream->share->index, (unsigned long long)stream->in_flight,
                       (unsigned long long)recount_in_flight(stream));
    if (!stream->stopping) {
        edges_cut(stream, now_ns);
        stream->edge_ns = UINT64_MAX;
    }
    connections_abandon(stream);
    enum err_code code = edges_finish(stream, last_event_ns(stream, now_ns), err);
    if (code == OK && stream->open_loop && stream->pacer.measuring &&
        recount_backlog(stream) != stream_backlog(stream))
        code = err_set(err, E_UNTRUSTED,
                       "worker %u: a backlog of %llu by count, %llu by recount of the schedule",
                       stream->share->index, (unsigned long long)stream_backlog(stream),
                       (unsigned long long)recount_backlog(stream));
    if (code == OK && allocations > 0 && stream->reconnected == 0)
        code = err_set(err, E_UNTRUSTED, "worker %u: %llu allocations after the start barrier",
                       stream->share->index, (unsigned long long)allocations);
    return code;
}

static void take_over(struct stream *stream, uint64_t start_ns)
{
    /* A replacement opens its connections while the run is under way; when the one before it died
     * between barrier and start, that is a moment ahead. */
    clock_sleep_until(start_ns);
    stream->connected = true;
    enter_run(stream, start_ns);
    if (stream->open_loop)
        pacer_shed_missed(stream, clock_now_ns());
    on_tick(-1, 0, stream);
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
    struct stream stream = {
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
    stream.lag.always_waiting = stream.transport->answers_at_once;
    set_state(&stream, WORKER_CONNECTING);
    enum err_code code = become_worker(run, share, &err);
    if (code == OK)
        code = worker_create(&stream, &err);
    uint64_t start_ns = atomic_load_explicit(&stream.control->start_ns, memory_order_acquire);
    if (code == OK && share->replacement && start_ns != 0) {
        take_over(&stream, start_ns);
    } else if (code == OK) {
        code = connect_all(&stream, &err);
        if (code == OK) {
            prime_loop(&stream);
            wait_for_start(&stream);
        }
    }
    if (code == OK) {
        run_until_done(&stream);
        code = finish(&stream, &err);
    }
    if (code != OK)
        stream.live->err = err;
    set_state(&stream, code == OK ? WORKER_DONE : WORKER_FAILED);
    worker_destroy(&stream);
    return err_exit_status(code);
}
