#include "worker/stream.h"

#include <stdlib.h>

#include "common/transport_tls.h"
#include "worker/connections.h"
#include "worker/consume.h"
#include "worker/edges.h"
#include "worker/generate/replay.h"
#include "worker/protocol/protocol.h"
#include "worker/recount.h"
#include "worker/transport_null.h"

/* How often it is looked for interval edges that no reply brought about, for timeouts and for reconnects. */
#define TICK_BUSY_NS (10 * NS_PER_MS)
#define TICK_QUIET_NS (50 * NS_PER_MS)

#ifdef VOLLEY_COUNT_ALLOCATIONS
uint64_t malloc_count(void); /* tests/support/malloc_count.c */
#else
static uint64_t malloc_count(void)
{
    return 0;
}
#endif

void stream_set_state(struct stream *stream, enum worker_state state)
{
    /* Release: partner is the fleet's acquire load; what was written before is then visible. */
    atomic_store_explicit(&stream->live->state, state, memory_order_release);
}

/* Begin and end ------------------------------------------------------------------------------- */

static const struct transport *choose_transport(const struct worker_run *run)
{
    if (run->transport != NULL)
        return run->transport;
    if (run->null_transport)
        return &transport_null;
    return run->wire_setup.tls != NULL ? &transport_tls : &transport_tcp;
}

static enum err_code create_greeting(struct stream *stream, struct err *err)
{
    enum err_code code = greeting_create(&stream->greeting, &stream->spec->endpoint, 0, err);
    if (code == OK)
        code = greeting_create(&stream->replica_greeting, &stream->spec->endpoint, GREETING_REPLICA,
                               err);
    return code;
}

static enum err_code open_generation(struct stream *stream, struct err *err)
{
    const struct worker_run *run = stream->run;
    const struct check_source checked = {.workload = run->workload, .versions = run->versions};
    const struct plugin_source *plugin =
        run->workload != NULL ? workload_plugin(run->workload) : NULL;
    const struct plugin_desk_source custom = {
        .plugin = plugin, .inside = &stream->live->inside, .stop_at_ns = &stream->stop_at_ns};
    const struct generator *kind = run->generator;
    const void *source = run->generator_source;
    const struct replay_source replayed = {.plan = run->replay, .workers = run->worker_count};
    if (kind == NULL && run->replay != NULL) {
        kind = run->replay->routed ? &replay_routed_generator : &replay_generator;
        source = &replayed;
    } else if (kind == NULL && run->versions != NULL && workload_mix(run->workload) != NULL) {
        kind = &check_generator;
        source = &checked;
    } else if (kind == NULL && plugin != NULL) {
        kind = plugin->found.looks ? &plugin_looking_generator : &plugin_generator;
        source = &custom;
    } else if (kind == NULL) {
        kind = generator_of(run->workload);
        source = run->workload;
    }
    return generation_open(&stream->generation, kind, source, stream->share->index, err);
}

static enum err_code allocate_buffers(struct stream *stream, struct err *err)
{
    enum err_code code = open_generation(stream, err);
    if (code != OK)
        return code;
    if (stream->run->replay != NULL)
        replaying_begin(stream);
    stream->generation.one_reply &= !stream->run->beside;
    stream->exchange.out_bytes = stream->generation.most_bytes;
    if (stream->exchange.out_bytes < WORKER_WRITE_BYTES)
        stream->exchange.out_bytes = WORKER_WRITE_BYTES;
    if (stream->exchange.out_bytes > WORKER_WINDOW_BYTES)
        stream->exchange.out_bytes = WORKER_WINDOW_BYTES;
    stream->exchange.stamps =
        stream->generation.kind->use_stamp != NULL &&
        stream->generation.kind->use_stamp(stream->generation.state, &stream->exchange.stamp);
    if (stream->generation.bytes > 0 && !stream->exchange.stamps)
        stream->exchange.alike_requests =
            (uint32_t)(stream->exchange.out_bytes / stream->generation.bytes);
    stream->exchange.in = malloc(WORKER_READ_BYTES);
    stream->exchange.out = malloc(stream->exchange.out_bytes);
    stream->recorder.wire = malloc(INTERVAL_RECORD_MAX_BYTES);
    if (stream->run->warmup_ns > 0)
        stream->recorder.held = malloc(INTERVAL_RECORD_MAX_BYTES);
    stream->recorder.interval = interval_create(
        stream->generation.class_count > 1 || stream->run->beside ? stream->generation.class_count
                                                                  : 0,
        stream->generation.part_count + consume_lanes(stream) +
            buffer_stage_parts(&stream->spec->buffer));
    if (stream->exchange.in == NULL || stream->exchange.out == NULL ||
        stream->recorder.wire == NULL || stream->recorder.interval == NULL ||
        (stream->run->warmup_ns > 0 && stream->recorder.held == NULL))
        return err_set(err, E_SYSTEM, "worker %u: cannot allocate its buffers",
                       stream->share->index);
    return create_greeting(stream, err);
}

enum err_code stream_create(struct stream *stream, struct err *err)
{
    const struct worker_run *run = stream->run;
    *stream = (struct stream){
        .worker = stream->worker,
        .run = run,
        .share = stream->share,
        .spec = run->spec,
        .transport = choose_transport(run),
        .live = ipc_worker(run->segment, stream->share->index),
        .ring = ipc_ring(run->segment, stream->share->index),
        .control = ipc_control(run->segment),
        .tickets = ipc_tickets(run->segment),
        .on_io = run->spec->buffer.wanted ? dispatch_io_buffered : dispatch_io,
        .edge_ns = UINT64_MAX,
        .stop_at_ns = UINT64_MAX,
        .warmup_ns = IPC_NEVER,
        .next_opening_ns = UINT64_MAX,
        .open_loop = run->open_loop,
        .pacer = {.next_ns = UINT64_MAX},
        .lag = {.weight = run->null_transport ? 0 : 10, .random = stream->share->index + 1},
    };
    stream->next_ticket = atomic_load(&stream->live->ticket_next);
    stream->end_ticket = atomic_load(&stream->live->ticket_end);
    stream->lag.always_waiting = stream->transport->answers_at_once;
    enum err_code code = allocate_buffers(stream, err);
    stream->protocol = run->protocol != NULL ? run->protocol
                       : run->spec->buffer.wanted && run->spec->buffer.cache_replies > 0
                           ? &protocol_resp_near
                       : stream->generation.usual_classes != 0 ? &protocol_resp_mixed
                                                               : &protocol_resp;
    if (code == OK)
        code = near_reads_create(stream, err);
    if (code == OK && run->null_transport)
        code = transport_null_init(run->workload, stream->share->connections, err);
    if (code == OK)
        code = pacer_create(stream, err);
    if (code == OK)
        code = users_create(stream, err);
    if (code == OK)
        code = connections_create(stream, err);
    /* Those that connections hold, those that wait in lists, and the one that found no room. */
    if (code == OK && stream->generation.kind->reserve != NULL)
        code = stream->generation.kind->reserve(
            stream->generation.state, stream->pools.capacity + stream->pools.store.size + 1, err);
    return code;
}

void stream_destroy(struct stream *stream)
{
    connections_destroy(stream);
    pacer_destroy(&stream->pacer);
    think_destroy(&stream->think);
    users_destroy(&stream->users);
    buffer_destroy(&stream->buffer);
    near_reads_destroy(&stream->near);
    repeat_destroy(&stream->repeat);
    if (stream->run->null_transport)
        transport_null_destroy();
    free(stream->exchange.in);
    free(stream->exchange.out);
    free(stream->recorder.wire);
    free(stream->recorder.held);
    interval_destroy(stream->recorder.interval);
    generation_close(&stream->generation);
    greeting_destroy(&stream->greeting);
    greeting_destroy(&stream->replica_greeting);
}

bool stream_is_connecting(const struct stream *stream)
{
    return stream->connections_ready + stream->idle_ready + stream->connections_failed <
               connections_at_start(stream) + stream->idle_count ||
           (stream->consume.waiting > 0 && stream->connections_failed == 0);
}

void stream_enter(struct stream *stream, uint64_t start_ns)
{
    stream->connected = true;
    stream->start_ns = start_ns;
    uint64_t now_ns = clock_now_ns();
    consume_enter(stream);
    stream_read_stop_word(stream);
    edges_start(stream, now_ns);
    connections_plan_ramp(stream);
    stream_set_state(stream, WORKER_RUNNING);
    stream->allocations_at_start = malloc_count();
}

/* Under way ------------------------------------------------------------------------------------ */

/* From now on nothing is sent, but what a client had buffered; the interval under way takes in the draining. */
static void begin_stopping(struct stream *stream, uint64_t now_ns)
{
    edges_cut(stream, now_ns);
    stream->edge_ns = UINT64_MAX;
    stream->stopping = true;
    /* What was drawn and not sent never will be; or is told of when it is. */
    atomic_store_explicit(&stream->live->drawn, stream_total(stream, COUNTER_SENT),
                          memory_order_relaxed);
    if (stream->buffer.plan != NULL && now_ns >= stream->stop_at_ns)
        dispatch_drain(stream, now_ns);
}

void stream_read_stop_word(struct stream *stream)
{
    /* Acquire: partner is the fleet's release store. */
    uint64_t stop_ns = atomic_load_explicit(&stream->control->stop_ns, memory_order_acquire);
    if (stop_ns >= stream->stop_at_ns)
        return;
    /* What was sent before the stop became known was due, too. */
    uint64_t now_ns = clock_now_ns();
    stream->stop_at_ns = stream->open_loop && stop_ns < now_ns ? now_ns : stop_ns;
}

void stream_tick(struct stream *stream, uint64_t now_ns)
{
    if (stream->start_ns != 0) {
        recorder_look_for_stop(stream, now_ns);
        stream_read_stop_word(stream);
        if (!stream->stopping && now_ns >= stream->stop_at_ns)
            begin_stopping(stream, now_ns);
        else if (now_ns >= stream->edge_ns)
            edges_cut(stream, now_ns);
        if (stream->generation.kind->failed != NULL && !stream->stopping &&
            stream->generation.kind->failed(stream->generation.state, &stream->err) != OK)
            begin_stopping(stream, now_ns);
        if (stream->stopping && now_ns >= stream->stop_at_ns + stream->spec->load.drain_timeout_ns)
            stream->finished = true;
    }
    if (stream->near.cache != NULL)
        near_reads_look_for_clear(stream, now_ns);
    connections_tick(stream, now_ns);
}

uint64_t stream_next_tick_ns(const struct stream *stream, uint64_t now_ns)
{
    bool busy = stream->reconnects_pending || stream->stopping || stream->start_ns == 0;
    uint64_t next_ns = now_ns + (busy ? TICK_BUSY_NS : TICK_QUIET_NS);
    if (stream->edge_ns < next_ns)
        next_ns = stream->edge_ns;
    if (stream->stop_at_ns < next_ns)
        next_ns = stream->stop_at_ns;
    return stream->next_opening_ns < next_ns ? stream->next_opening_ns : next_ns;
}

bool stream_is_over(struct stream *stream)
{
    if (stream->in_flight > 0 || stream->finished)
        return stream->finished;
    if (stream->stopping && buffer_drains(stream))
        return false;
    if (stream->stopping || (stream->tickets_exhausted && stream->unsent == 0))
        return consume_is_settled(stream, clock_now_ns());
    if (stream->stop_at_ns != UINT64_MAX && clock_now_ns() >= stream->stop_at_ns)
        begin_stopping(stream, clock_now_ns());
    return false;
}

/* Where the last interval ends: at the stop, or at the last reply when that came later. */
static uint64_t last_event_ns(const struct stream *stream, uint64_t now_ns)
{
    uint64_t done_ns = atomic_load_explicit(&stream->live->last_done_ns, memory_order_relaxed);
    uint64_t end_ns = stream->stop_at_ns < now_ns ? stream->stop_at_ns : now_ns;
    return done_ns > end_ns ? done_ns : end_ns;
}

/* A connection that is opened again, of any stream, may allocate. */
static bool has_reconnected(const struct worker *worker)
{
    uint64_t reconnected = 0;
    for (uint32_t i = 0; i < worker->stream_count; i++)
        reconnected += worker->streams[i].reconnected;
    return reconnected > 0;
}

enum err_code stream_end(struct stream *stream, struct err *err)
{
    stream->ended = true;
    const struct generation *generation = &stream->generation;
    uint64_t allocations = malloc_count() - stream->allocations_at_start;
    if (generation->kind->grown != NULL && allocations > 0)
        allocations -= generation->kind->grown(generation->state);
    uint64_t now_ns = clock_now_ns();
    const uint64_t recounted = recount_in_flight(stream);
    if (recounted != stream->in_flight) {
        enum err_code code =
            err_set(err, E_UNTRUSTED,
                    "worker %u: %llu requests in flight by count, %llu by recount of the slots",
                    stream->share->index, (unsigned long long)stream->in_flight,
                    (unsigned long long)recounted);
        connections_abandon(stream);
        return code;
    }
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
    if (code == OK && generation->kind->failed != NULL)
        code = generation->kind->failed(generation->state, err);
    if (code == OK && stream->replay != NULL && replay_error(stream->replay)->code != OK)
        code = err_set(err, replay_error(stream->replay)->code, "worker %u: %s",
                       stream->share->index, replay_error(stream->replay)->text);
    if (code == OK && allocations > 0 && !has_reconnected(stream->worker))
        code = err_set(err, E_UNTRUSTED, "worker %u: %llu allocations after the start barrier",
                       stream->share->index, (unsigned long long)allocations);
    return code;
}
