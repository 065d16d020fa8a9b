#include "worker/worker.h"

#include <assert.h>
#include <errno.h>
#include <sched.h>
#include <unistd.h>

#include "worker/connections.h"
#include "worker/stream.h"

#define TICK_SHORTEST_NS NS_PER_MS

static struct stream *streams_end(const struct worker *worker)
{
    return worker->streams + worker->stream_count;
}

/* This stream, or the first behind it that has not ended; streams_end: there is none. */
static struct stream *running_from(const struct worker *worker, struct stream *stream)
{
    while (stream < streams_end(worker) && stream->ended)
        stream++;
    return stream;
}

#define EACH_STREAM(worker)                                                                        \
    struct stream *stream = running_from(worker, (worker)->streams);                               \
    stream < streams_end(worker);                                                                  \
    stream = running_from(worker, stream + 1)

/* Loop ----------------------------------------------------------------------------------------- */

static void arm_tick(struct worker *worker, uint64_t now_ns)
{
    uint64_t next_ns = UINT64_MAX;
    for (EACH_STREAM(worker)) {
        uint64_t wanted_ns = stream_next_tick_ns(stream, now_ns);
        if (wanted_ns < next_ns)
            next_ns = wanted_ns;
    }
    uint64_t delay_ns = next_ns > now_ns + TICK_SHORTEST_NS ? next_ns - now_ns : TICK_SHORTEST_NS;
    struct timeval delay = {.tv_sec = 0, .tv_usec = (suseconds_t)(delay_ns / NS_PER_US)};
    event_add(worker->tick, &delay);
}

static void on_tick(evutil_socket_t fd, short what, void *argument)
{
    struct worker *worker = argument;
    (void)fd;
    (void)what;
    uint64_t now_ns = clock_now_ns();
    for (EACH_STREAM(worker))
        stream_tick(stream, now_ns);
    arm_tick(worker, now_ns);
}

static void on_wake(evutil_socket_t fd, short what, void *argument)
{
    struct worker *worker = argument;
    (void)fd;
    (void)what;
    for (EACH_STREAM(worker))
        if (stream->start_ns != 0)
            stream_read_stop_word(stream);
    event_del(worker->tick);
    arm_tick(worker, clock_now_ns());
}

static void turn(struct worker *worker)
{
    struct stream *const streams = worker->streams;
    const uint32_t count = worker->stream_count;
    uint64_t now_ns = clock_now_ns();
    for (uint32_t i = 0; i < count; i++)
        streams[i].lag.looked_ns =
            streams[i].lag.wakeup_ns != 0 ? streams[i].lag.wakeup_ns : now_ns;
    int how = worker->wait.timer != NULL ? wait_prepare(worker, &now_ns) : EVLOOP_ONCE;
    for (uint32_t i = 0; i < count; i++) {
        streams[i].lag.waiting_ns = now_ns;
        streams[i].lag.wakeup_ns = 0;
        if (streams[i].transport->answers_at_once)
            connections_activate(&streams[i]);
        if (streams[i].reads_cut > 0)
            connections_resume(&streams[i]);
    }
    event_base_loop(worker->base, how);
    for (uint32_t i = 0; i < count; i++)
        if (streams[i].recorder.woken_turns > 0)
            streams[i].recorder.woken_turns--;
}

/* libevent doubles its array of ready events whenever a wait fills it. Every socket is made ready
 * at once here, so that this does not happen while requests are measured. */
static void prime_loop(struct worker *worker)
{
    uint32_t count = 0;
    for (EACH_STREAM(worker))
        if (!stream->transport->answers_at_once)
            count += connections_at_start(stream) + stream->consume.count;
    for (uint32_t ready = 16; ready < count * 2; ready *= 2) {
        for (EACH_STREAM(worker))
            connections_make_writable(stream, true);
        event_base_loop(worker->base, EVLOOP_NONBLOCK);
        for (EACH_STREAM(worker))
            connections_make_writable(stream, false);
    }
}

/* Life ----------------------------------------------------------------------------------------- */

static enum err_code pin(const struct worker_share *share, struct err *err)
{
    cpu_set_t cpus;
    if (share->cpu < 0)
        return OK;
    CPU_ZERO(&cpus);
    CPU_SET((size_t)share->cpu, &cpus);
    if (sched_setaffinity(0, sizeof cpus, &cpus) == 0)
        return OK;
    return err_set_errno(err, E_SYSTEM, errno, "worker %u: cannot run on CPU %d", share->index,
                         share->cpu);
}

static enum err_code build_loop(struct worker *worker, struct err *err)
{
    const struct stream *first = worker->streams;
    worker->base = event_base_new();
    if (worker->base != NULL) {
        worker->tick = event_new(worker->base, -1, 0, on_tick, worker);
        worker->wake = event_new(worker->base, first->run->wake_fd, EV_READ | EV_PERSIST | EV_ET,
                                 on_wake, worker);
    }
    if (worker->tick == NULL || worker->wake == NULL || event_add(worker->wake, NULL) != 0)
        return err_set(err, E_SYSTEM, "worker %u: cannot build its event loop",
                       first->share->index);
    return wait_create(worker, err);
}

static enum err_code worker_create(struct worker *worker, struct err *err)
{
    uint32_t connections = 0;
    enum err_code code = OK;
    for (EACH_STREAM(worker)) {
        connections += stream->share->connections;
        code = stream_create(stream, err);
        if (code != OK)
            return code;
    }
    for (EACH_STREAM(worker)) {
        stream->lag.slept_ns = lag_slept_ns(connections);
        if (stream != worker->streams)
            lag_join(&stream->lag, &worker->streams[0].lag);
    }
    code = build_loop(worker, err);
    for (EACH_STREAM(worker))
        if (code == OK)
            code = think_create(stream, dispatch_thought, err);
    for (EACH_STREAM(worker))
        if (code == OK)
            code = buffer_create(stream, dispatch_buffer, err);
    for (EACH_STREAM(worker))
        if (code == OK)
            code = repeat_create(stream, dispatch_repeat, err);
    return code;
}

static void worker_destroy(struct worker *worker)
{
    for (uint32_t i = 0; i < worker->stream_count; i++)
        stream_destroy(&worker->streams[i]);
    wait_destroy(&worker->wait);
    if (worker->tick != NULL)
        event_free(worker->tick);
    if (worker->wake != NULL)
        event_free(worker->wake);
    if (worker->base != NULL)
        event_base_free(worker->base);
    if (worker->cpu.schedstat_fd >= 0)
        close(worker->cpu.schedstat_fd);
}

static void set_state(struct worker *worker, enum worker_state state)
{
    for (EACH_STREAM(worker))
        stream_set_state(stream, state);
}

/* Whether some stream is connecting. One that is not opens anew what it loses from then on. */
static bool is_connecting(struct worker *worker)
{
    bool any = false;
    for (EACH_STREAM(worker)) {
        bool connecting = stream_is_connecting(stream);
        stream->connected |= !connecting && stream->connections_failed == 0;
        any |= connecting;
    }
    return any;
}

/* Opens every connection. The fleet gives up on workers that take too long. */
static enum err_code connect_all(struct worker *worker, struct err *err)
{
    on_tick(-1, 0, worker);
    while (is_connecting(worker))
        turn(worker);
    for (EACH_STREAM(worker))
        if (stream->connections_failed > 0)
            return err_set(err, E_CONNECT, "%s", stream->err.text);
    return OK;
}

static uint64_t start_of(const struct stream *stream)
{
    /* Acquire: partner is the fleet's release store of the start time. */
    return atomic_load_explicit(&stream->control->start_ns, memory_order_acquire);
}

static bool has_start(struct worker *worker)
{
    for (EACH_STREAM(worker))
        if (start_of(stream) == 0)
            return false;
    return true;
}

static void enter(struct worker *worker)
{
    for (EACH_STREAM(worker)) {
        clock_sleep_until(start_of(stream));
        stream_enter(stream, start_of(stream));
    }
}

/* Waits for the common start. Nobody sends a measured request before it. */
static void wait_for_start(struct worker *worker)
{
    set_state(worker, WORKER_READY);
    while (!has_start(worker))
        turn(worker);
    enter(worker);
    for (EACH_STREAM(worker))
        if (!stream->open_loop)
            dispatch_send(stream, clock_now_ns());
}

/* A replacement opens its connections while the run is under way; when the one before it died between barrier
 * and start, that is a moment ahead. */
static void take_over(struct worker *worker)
{
    enter(worker);
    for (EACH_STREAM(worker))
        if (stream->open_loop)
            pacer_shed_missed(stream, clock_now_ns());
    on_tick(-1, 0, worker);
}

static void end(struct stream *stream, enum err_code *code, struct err *err)
{
    struct err why = {0};
    enum err_code ended = stream_end(stream, &why);
    stream->worker->running--;
    stream->worker->wait.spinning_ns = 0; /* its counters are published */
    if (ended != OK) {
        stream->live->err = why;
        if (*code == OK) {
            *err = why;
            *code = ended;
        }
    }
    stream_set_state(stream, ended == OK ? WORKER_DONE : WORKER_FAILED);
}

/* Not inlined: tests/perf counts the instructions between entering and leaving it. */
__attribute__((noinline)) static enum err_code run_until_done(struct worker *worker,
                                                              struct err *err)
{
    enum err_code code = OK;
    for (EACH_STREAM(worker))
        worker->running++;
    while (worker->running > 0) {
        turn(worker);
        for (EACH_STREAM(worker))
            if (stream_is_over(stream))
                end(stream, &code, err);
    }
    return code;
}

int worker_main(const struct worker_stream *streams, uint32_t count)
{
    static struct stream all[WORKER_STREAMS_MAX]; /* not on a stack that may be small */
    struct worker worker = {
        .streams = all,
        .stream_count = count,
        .wait = {.timer_fd = -1},
        .cpu = {.schedstat_fd = -1},
    };
    struct err err = {0};
    assert(count >= 1 && count <= WORKER_STREAMS_MAX);
    clock_become_virtual();
    for (uint32_t i = 0; i < count; i++) {
        struct ipc_worker *live = ipc_worker(streams[i].run->segment, streams[i].share->index);
        all[i] = (struct stream){
            .worker = &worker,
            .run = streams[i].run,
            .share = streams[i].share,
            .live = live,
            .control = ipc_control(streams[i].run->segment),
            /* The worker that this one replaces had ended it. */
            .ended = streams[i].share->replacement && atomic_load(&live->state) == WORKER_DONE,
        };
    }
    set_state(&worker, WORKER_CONNECTING);
    enum err_code code = pin(streams[0].share, &err);
    if (code == OK)
        code = worker_create(&worker, &err);
    if (code == OK && streams[0].share->replacement && has_start(&worker)) {
        take_over(&worker);
    } else if (code == OK) {
        code = connect_all(&worker, &err);
        if (code == OK) {
            prime_loop(&worker);
            wait_for_start(&worker);
        }
    }
    if (code == OK) {
        code = run_until_done(&worker, &err);
    } else {
        for (EACH_STREAM(&worker))
            stream->live->err = err;
        set_state(&worker, WORKER_FAILED);
    }
    worker_destroy(&worker);
    return err_exit_status(code);
}
