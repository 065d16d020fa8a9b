/* The way of a ticket. One that is due, or in a closed loop one for which there is room, is drawn, goes to the
 * pool that serves it, and there to a connection that is free. What finds none waits in the pool: with one server
 * only what a connection that has ended gave back, in a cluster also a ticket whose node is busy while
 * others are not, so that a slow or dead node does not stop them. */
#include "worker/dispatch.h"

#include "worker/edges.h"
#include "worker/stream.h"
#include "worker/tickets.h"

/* So many are given to connections before the first of them is written. */
#define BATCH_TICKETS 64u
#define BATCH_CONNECTIONS 64u

#define COLD __attribute__((noinline, cold))
#define INLINE static inline __attribute__((always_inline))

struct touched {
    struct connection *connections[BATCH_CONNECTIONS];
    uint32_t count;
};

static void touch(struct connection *connection, struct touched *touched)
{
    if (!connection->touched)
        touched->connections[touched->count++] = connection;
    connection->touched = true;
    pools_connection_changed(connection);
}

/* Drawing -------------------------------------------------------------------------------------- */

/* The ticket that found no room. False: it is stale. */
COLD static bool take_drawn(struct stream *stream, uint64_t now_ns, struct request_slot *slot)
{
    *slot = stream->dispatch.drawn;
    stream->dispatch.has_drawn = false;
    stream->pools.held--;
    bool stale = pools_is_stale(stream, stream->pools.full, slot, now_ns);
    stream->unsent -= stale;
    return !stale;
}

/* That one, or the next one that is due. False: there is none. */
INLINE bool draw(struct stream *stream, uint64_t now_ns, struct request_slot *slot)
{
    if (stream->dispatch.has_drawn && take_drawn(stream, now_ns, slot))
        return true;
    *slot = (struct request_slot){0};
    if (stream->open_loop ? !pacer_draw(stream, now_ns, slot)
                          : !tickets_draw(stream, &slot->ticket))
        return false;
    generation_draw(&stream->generation, slot);
    stream->unsent++;
    return true;
}

/* The next ticket, and the pool that it belongs to; there is room for it in the pool's list. What is shed is
 * passed over. NULL: there is none now, or its list is full. */
INLINE struct pool *draw_routed(struct stream *stream, uint64_t now_ns, struct request_slot *slot)
{
    struct dispatch *dispatch = &stream->dispatch;
    struct pools *pools = &stream->pools;
    while (draw(stream, now_ns, slot)) {
        struct pool *pool = router_route(stream, slot);
        bool full = pool->fresh.count >= pools->fresh_max || pools->held >= pools->held_max;
        bool stops = full && !pool->failing;
        if (pools->full_ns != 0 || stops)
            pools_note_full(stream, now_ns, stops ? pool : NULL);
        if (!full)
            return pool;
        if (stops) {
            dispatch->drawn = *slot;
            dispatch->has_drawn = true;
            pools->held++;
            return NULL;
        }
        pools_shed_for_node(stream, pool, slot, now_ns);
    }
    return NULL;
}

/* What is due, at most a batch of it. True: there may be more. */
static bool draw_due(struct stream *stream, uint64_t now_ns, struct touched *touched)
{
    struct dispatch *dispatch = &stream->dispatch;
    struct request_slot slot;
    if (dispatch->stopped)
        dispatch->drawing.since_ns = now_ns;
    dispatch->stopped = false;
    for (uint32_t given = 0; given < BATCH_TICKETS && touched->count < BATCH_CONNECTIONS; given++) {
        /* Where one pool serves all, a ticket that finds no connection stays the schedule's next one. */
        if (!stream->router.many_pools && pools_pick(stream, stream->pools.each) == NULL)
            return false;
        struct pool *pool =
            pools_capacity_left(stream) > 0 ? draw_routed(stream, now_ns, &slot) : NULL;
        if (pool == NULL) {
            dispatch->stopped = dispatch->has_drawn || pools_capacity_left(stream) == 0;
            return false;
        }
        slot.waited_ns = supply_take(&dispatch->drawing, slot.intended_ns, slot.waited_ns, now_ns);
        if (stream->router.gated && !replaying_enter(stream, &slot))
            continue;
        struct connection *connection =
            pool->again.count + pool->fresh.count == 0 ? pools_pick(stream, pool) : NULL;
        if (connection == NULL) {
            pools_wait_fresh(stream, pool, &slot);
            continue;
        }
        pools_place_fresh(connection, &slot, now_ns);
        touch(connection, touched);
    }
    return true;
}

/* After the stop: users wait for what they had, and what was drawn and found no room was had, too. */
static bool drains_more(const struct stream *stream)
{
    return stream->buffer.draining && (stream->users.count > 0 || stream->dispatch.has_drawn);
}

/* The same of a client that buffers, as far as its buffer has room. *clock_ns goes on where reads are answered at once. */
__attribute__((noinline)) static bool draw_into_buffer(struct stream *stream, uint64_t *clock_ns)
{
    struct request_slot slot;
    if (stream->near.cache != NULL)
        *clock_ns = clock_now_ns(); /* what is answered at once has a time from here */
    for (uint32_t given = 0; given < BATCH_TICKETS; given++) {
        if (*clock_ns >= stream->edge_ns)
            edges_cut(stream, *clock_ns);
        if (*clock_ns >= stream->stop_at_ns && !drains_more(stream)) {
            buffer_all_drawn(stream, *clock_ns);
            return false;
        }
        const bool asked = stream->dispatch.has_drawn; /* of the near cache, already */
        if (stream->pacer.next_ns > *clock_ns && !asked) {
            buffer_all_drawn(stream, *clock_ns);
            return false;
        }
        if (!buffer_has_room(stream, *clock_ns) || !draw(stream, *clock_ns, &slot))
            return false;
        if (stream->near.cache != NULL && !asked && near_reads_answer(stream, &slot, clock_ns)) {
            buffer_spared(stream, &slot, *clock_ns);
            continue;
        }
        if (!buffer_put(stream, router_route(stream, &slot), &slot, *clock_ns)) {
            buffer_all_drawn(stream, *clock_ns);
            return false;
        }
    }
    return true;
}

/* A closed loop draws for a connection that is free, until it is full, so that pipelined requests go out
 * together. What belongs to other nodes on the way waits for them. False: no ticket was to be had. */
static bool draw_for(struct stream *stream, struct connection *connection, uint64_t now_ns)
{
    if (!connection->pool->takes_tickets)
        return true;
    if (stream->replay != NULL) /* in their order: what was drawn for it while others were served */
        pools_serve(connection, now_ns);
    uint32_t room = pools_room_of(connection);
    uint64_t capacity = pools_capacity_left(stream);
    while (room > 0 && capacity > 0) {
        struct request_slot slot;
        struct pool *pool = draw_routed(stream, now_ns, &slot);
        if (pool == NULL)
            return false;
        if (stream->router.gated && !replaying_enter(stream, &slot))
            continue;
        if (pool != connection->pool) {
            pools_wait_fresh(stream, pool, &slot);
            continue;
        }
        pools_place(connection, &slot);
        room--;
        capacity--;
    }
    return room == 0;
}

static void draw_for_free(struct stream *stream, uint64_t now_ns, struct touched *touched)
{
    struct pool *pool, *next;
    for (pool = TAILQ_FIRST(&stream->pools.free); pool != NULL; pool = next) {
        struct connection *connection;
        next = TAILQ_NEXT(pool, by_free); /* only this one may leave the list meanwhile */
        if (!pool->takes_tickets)
            continue; /* for it others' would be drawn until their lists are full */
        while (touched->count < BATCH_CONNECTIONS &&
               (connection = pools_pick(stream, pool)) != NULL) {
            bool filled = draw_for(stream, connection, now_ns);
            touch(connection, touched);
            if (!filled)
                return;
        }
    }
}

/* Clients whose request is settled: the next one of each goes on to its node. */
COLD static void leave_gates(struct stream *stream, uint64_t now_ns)
{
    struct request_slot slot;
    while (replaying_leave(stream, now_ns, &slot))
        pools_wait_fresh(stream, router_route(stream, &slot), &slot);
}

static void serve_pools(struct stream *stream, uint64_t now_ns, struct touched *touched)
{
    struct pool *pool, *next;
    for (pool = TAILQ_FIRST(&stream->pools.work); pool != NULL; pool = next) {
        struct connection *connection;
        next = TAILQ_NEXT(pool, by_work); /* only this one may leave the list meanwhile */
        while (
            touched->count < BATCH_CONNECTIONS &&
            (pool->again.count > 0 || (pool->fresh.count > 0 && pools_capacity_left(stream) > 0)) &&
            (connection = pools_pick(stream, pool)) != NULL) {
            if (stream->buffer.plan != NULL)
                buffer_serve(connection, now_ns);
            else
                pools_serve(connection, now_ns);
            touch(connection, touched);
        }
    }
}

/* Sending -------------------------------------------------------------------------------------- */

/* Tickets of a warm-up that is over never will be sent. In a closed loop those of the run take their place. */
static void replace_stale(struct connection *connection)
{
    struct stream *stream = connection->stream;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < connection->unsent; i++) {
        struct request_slot slot = *connection_slot(connection, connection->in_flight + i);
        if (slot.ticket < WORKLOAD_WARMUP_TICKET || slot.again)
            *connection_slot(connection, connection->in_flight + kept++) = slot;
        else
            generation_drop(&stream->generation, &slot);
    }
    uint32_t dropped = connection->unsent - kept;
    stream->unsent -= dropped;
    connection->unsent = kept;
    if (!connection->retiring)
        connection->quota += dropped; /* it has not sent them */
    if (!stream->open_loop)
        draw_for(stream, connection, clock_now_ns());
    stream_publish_drawn(stream);
}

COLD static void lose(struct connection *connection)
{
    const struct exchange_loss *loss = &connection->stream->exchange.loss;
    connection_lost(connection, loss->cause, loss->event, loss->at_ns);
}

COLD static void flush_again(struct connection *connection, enum exchange_result result)
{
    while (result == EXCHANGE_STALE) {
        replace_stale(connection);
        result = exchange_flush(connection);
    }
    if (result == EXCHANGE_LOST)
        lose(connection);
}

static inline void flush(struct connection *connection)
{
    enum exchange_result result = exchange_flush(connection);
    if (__builtin_expect(result != EXCHANGE_DONE, 0))
        flush_again(connection, result);
}

static inline void flush_given(struct connection *connection)
{
    const uint32_t before = connection->in_flight;
    flush(connection);
    if (__builtin_expect(connection->stream->buffer.plan != NULL, 0))
        buffer_written(connection, before, clock_now_ns());
}

/* False: nothing is to be sent now. */
static bool may_send(struct stream *stream, uint64_t now_ns)
{
    if (stream->start_ns == 0)
        return false;
    if (now_ns >= stream->edge_ns)
        edges_cut(stream, now_ns);
    return now_ns < stream->stop_at_ns || stream->buffer.draining;
}

/* At most a batch. True: there may be more. */
static bool send_batch(struct stream *stream, uint64_t now_ns)
{
    struct touched touched = {.count = 0};
    bool more = false;
    serve_pools(stream, now_ns, &touched);
    if (stream->buffer.plan != NULL) {
        more = draw_into_buffer(stream, &now_ns);
        serve_pools(stream, now_ns, &touched);
    } else if (stream->open_loop) {
        more = draw_due(stream, now_ns, &touched);
    } else {
        draw_for_free(stream, now_ns, &touched);
        serve_pools(stream, now_ns, &touched);
    }
    stream_publish_drawn(stream);
    for (uint32_t i = 0; i < touched.count; i++) {
        struct connection *connection = touched.connections[i];
        connection->touched = false;
        if (connection->state == CONNECTION_READY)
            flush_given(connection);
        pools_connection_changed(connection);
    }
    return more || touched.count == BATCH_CONNECTIONS;
}

void dispatch_send(struct stream *stream, uint64_t now_ns)
{
    const struct pacer *pacer = &stream->pacer;
    if (stream->router.gated)
        leave_gates(stream, now_ns);
    if (stream->users.count > 0 && stream->start_ns != 0)
        pacer_look(stream, now_ns);
    bool idle = stream->open_loop && pacer->next_ns > now_ns && !stream->dispatch.has_drawn &&
                TAILQ_EMPTY(&stream->pools.work) && stream->buffer.rounds == 0;
    if (!idle && may_send(stream, now_ns)) {
        if (stream->open_loop)
            pacer_shed_late(stream, now_ns);
        while (send_batch(stream, now_ns))
            continue;
        if (stream->near.cache !=
            NULL) /* users that were answered at once have their next request */
            pacer_look(stream, clock_now_ns());
    }
    if (stream->open_loop && stream->start_ns != 0 && (pacer->starved || pacer->next_ns <= now_ns))
        pacer_note_starved(stream, now_ns);
}

void dispatch_drain(struct stream *stream, uint64_t now_ns)
{
    buffer_begin_draining(stream, now_ns);
    for (uint32_t i = 0; i < stream->connection_count; i++) {
        struct connection *connection = &stream->connections[i];
        if (connection->state != CONNECTION_READY || connection->unsent == 0 ||
            connection->write_waiting)
            continue;
        flush_given(connection);
        pools_connection_changed(connection);
    }
    dispatch_send(stream, now_ns);
}

void dispatch_tick(struct stream *stream, uint64_t now_ns)
{
    if (stream->pools.full_ns != 0)
        pools_note_full(stream, now_ns, stream->pools.full);
    pools_shed_stale(stream, now_ns);
    if (stream->buffer.plan != NULL)
        buffer_shed_failing(stream, now_ns);
    dispatch_send(stream, now_ns);
}

bool dispatch_can_take(struct stream *stream)
{
    if (stream->buffer.plan != NULL)
        return !stream->dispatch.has_drawn && buffer_has_room(stream, clock_now_ns());
    if (stream->replay != NULL && !replaying_has_next(stream))
        return false;
    return stream->router.many_pools ? pools_capacity_left(stream) > 0 && stream->pools.full_ns == 0
                                     : pools_pick(stream, stream->pools.each) != NULL;
}

static void recycle(struct connection *connection, uint64_t now_ns);

/* Whether all that the connection was to carry has been answered; then it is opened anew. */
static bool recycle_spent(struct connection *connection, uint64_t now_ns)
{
    if (connection->quota > 0 || !connection_is_spent(connection))
        return false;
    recycle(connection, now_ns);
    return true;
}

/* In an open loop and in a cluster, and where others may be free or something waits. */
static __attribute__((noinline)) void fill_from_pools(struct connection *connection,
                                                      uint64_t now_ns)
{
    struct stream *stream = connection->stream;
    if (recycle_spent(connection, now_ns) || think_begin(connection, now_ns))
        return;
    if (stream->router.gated)
        leave_gates(stream, now_ns);
    if (stream->open_loop) {
        pools_connection_able(connection, now_ns);
        dispatch_send(stream, now_ns);
        return;
    }
    pools_connection_changed(connection);
    /* Mostly this one is the only one that is free. */
    if (stream->pools.free_connections != (connection->listed_load != CONNECTION_UNLISTED)) {
        dispatch_send(stream, now_ns);
        return;
    }
    if (connection->listed_load == CONNECTION_UNLISTED || !may_send(stream, now_ns))
        return;
    pools_serve(connection, now_ns);
    draw_for(stream, connection, now_ns);
    stream_publish_drawn(stream);
    pools_connection_changed(connection);
    flush(connection);
    pools_connection_changed(connection);
}

/* A ready connection may have room: it gets what is there for it. The pipeline is a sliding window. */
static void fill(struct connection *connection, uint64_t now_ns)
{
    struct stream *stream = connection->stream;
    const struct pools *pools = &stream->pools;
    if (__builtin_expect(!stream->dispatch.straight, 0) ||
        __builtin_expect((pools->free_connections | pools->held) != 0, 0)) {
        fill_from_pools(connection, now_ns);
        return;
    }
    /* The usual case in few steps: all others are busy, and nothing waits. */
    if (now_ns >= stream->stop_at_ns || connection->write_waiting)
        return;
    uint32_t room = (uint32_t)stream->run->pipeline - connection->in_flight - connection->unsent;
    if (__builtin_expect(room > connection->quota, 0)) {
        room = (uint32_t)connection->quota;
        if (recycle_spent(connection, now_ns))
            return;
    }
    uint64_t ticket;
    for (; room > 0 && tickets_draw(stream, &ticket); room--) {
        struct request_slot *slot =
            connection_slot(connection, connection->in_flight + connection->unsent);
        slot->ticket = ticket;
        generation_draw(&stream->generation, slot);
        connection->unsent++;
        connection->quota--;
        stream->unsent++;
    }
    stream_publish_unsent(stream);
    flush(connection);
    if (room > 0)
        pools_connection_changed(connection);
}

/* Events --------------------------------------------------------------------------------------- */

static void became_ready(struct connection *connection, uint64_t now_ns)
{
    const struct stream *stream = connection->stream;
    if (!stream->connected || !connection->carries_load)
        return;
    if (connection->retiring)
        recycle(connection, now_ns);
    else if (stream->start_ns != 0)
        fill(connection, now_ns);
}

static void recycle(struct connection *connection, uint64_t now_ns)
{
    connection_recycle(connection, now_ns);
    if (connection->state == CONNECTION_READY)
        became_ready(connection, now_ns);
}

void dispatch_open(struct connection *connection)
{
    connection_open(connection);
    if (connection->state == CONNECTION_READY)
        became_ready(connection, clock_now_ns());
}

COLD static void take_unusual(struct connection *connection, enum exchange_result result);

/* What the replies that were read come to. */
static inline void take_result(struct connection *connection, enum exchange_result result)
{
    if (result == EXCHANGE_DONE)
        return;
    if (__builtin_expect(result != EXCHANGE_FREED, 0))
        take_unusual(connection, result);
    else
        fill(connection, connection->stream->exchange.done_ns);
}

/* What follows takes the place of what was answered, on the same connection, and ahead of what is due. It is in
 * flight from then on, like what is sent again: its clock is that of whoever waits for the value. */
static void follow_up(struct connection *connection, uint64_t now_ns)
{
    struct stream *stream = connection->stream;
    struct request_slot slot = {
        .ticket = stream->exchange.answered.ticket,
        .class = (uint8_t)stream->exchange.follow_up,
        .sent_ns = now_ns,
        .intended_ns = now_ns,
        .again = true,
    };
    if (now_ns >= stream->stop_at_ns)
        return;
    if (stream->generation.kind->measure != NULL)
        stream->generation.kind->measure(stream->generation.state, &slot);
    stream->in_flight++;
    stream_count(stream, COUNTER_FOLLOW_UPS, 1);
    stream_count_class(stream, &slot, CLASS_SENT, 1);
    struct pool *pool = router_route(stream, &slot);
    if (stream->generation.classes[slot.class].until_hit &&
        !repeat_may_ask(stream, &slot, pool, now_ns))
        return;
    if (pool != connection->pool) { /* a replica missed, and the primary is to be written to */
        slots_push(&stream->pools.store, &pool->again, &slot);
        pools_list(stream, pool);
        return;
    }
    pools_place(connection, &slot);
    connection->quota++; /* which counts what has a ticket */
}

static void take_unusual(struct connection *connection, enum exchange_result result)
{
    struct stream *stream = connection->stream;
    bool followed = false;
    while (result == EXCHANGE_REDIRECTED || result == EXCHANGE_FOLLOWED ||
           result == EXCHANGE_UNSEEN) {
        if (result == EXCHANGE_FOLLOWED) {
            follow_up(connection, stream->exchange.done_ns);
            followed = true;
        } else if (result == EXCHANGE_UNSEEN) {
            repeat_missed(connection, stream->exchange.done_ns);
        } else {
            router_redirected(connection, stream->exchange.done_ns);
        }
        const uint32_t head_before = connection->head_index;
        result = exchange_go_on(connection);
        if (stream->buffer.plan != NULL)
            buffer_answered(connection, head_before, stream->exchange.done_ns);
    }
    const uint64_t done_ns = stream->exchange.done_ns;
    if (followed && result == EXCHANGE_DONE)
        result = EXCHANGE_FREED;
    if (followed && result == EXCHANGE_FREED && connection->unsent > 0 &&
        !connection->write_waiting)
        flush(connection);
    if (connection->state != CONNECTION_READY)
        return;
    if (result == EXCHANGE_LOST) {
        lose(connection);
        dispatch_send(stream, done_ns);
    } else if (result == EXCHANGE_FREED) {
        fill(connection, done_ns);
    }
}

/* Work at a wake-up, ahead of the first read, must not be taken for a sleep. */
static void note_wakeup(struct stream *stream)
{
    if (stream->lag.wakeup_ns == 0)
        lag_woke(&stream->lag, clock_now_ns());
}

COLD static void go_on_writing(struct connection *connection)
{
    note_wakeup(connection->stream);
    pools_waited_to_write(connection, clock_now_ns());
    flush(connection);
    if (connection->state == CONNECTION_READY)
        fill(connection, clock_now_ns());
}

COLD static void go_on_opening(struct connection *connection, short what)
{
    note_wakeup(connection->stream);
    connection_go_on(connection, what);
    if (connection->state == CONNECTION_READY)
        became_ready(connection, clock_now_ns());
}

void dispatch_thought(evutil_socket_t fd, short what, void *argument)
{
    struct stream *stream = argument;
    const uint64_t now_ns = clock_now_ns();
    (void)fd;
    (void)what;
    note_wakeup(stream);
    think_expire(stream, now_ns);
    dispatch_send(stream, now_ns);
}

void dispatch_repeat(evutil_socket_t fd, short what, void *argument)
{
    struct stream *stream = argument;
    const uint64_t now_ns = clock_now_ns();
    (void)fd;
    (void)what;
    note_wakeup(stream);
    repeat_due(stream, now_ns);
    dispatch_send(stream, now_ns);
}

void dispatch_buffer(evutil_socket_t fd, short what, void *argument)
{
    struct stream *stream = argument;
    const uint64_t now_ns = clock_now_ns();
    (void)fd;
    (void)what;
    note_wakeup(stream);
    buffer_flush_late(stream, now_ns);
    dispatch_send(stream, now_ns);
}

void dispatch_io(evutil_socket_t fd, short what, void *argument)
{
    struct connection *connection = argument;
    (void)fd;
    if (connection->state == CONNECTION_READY) {
        if (what & (EV_READ | EV_CLOSED))
            take_result(connection, exchange_receive(connection, what & EV_CLOSED));
        if ((what & EV_WRITE) && connection->state == CONNECTION_READY)
            go_on_writing(connection);
        return;
    }
    go_on_opening(connection, what);
}

void dispatch_io_buffered(evutil_socket_t fd, short what, void *argument)
{
    struct connection *connection = argument;
    const uint32_t head_before = connection->head_index;
    if (connection->state != CONNECTION_READY || (what & (EV_READ | EV_CLOSED)) == 0) {
        dispatch_io(fd, what, argument);
        return;
    }
    const enum exchange_result result = exchange_receive(connection, what & EV_CLOSED);
    buffer_answered(connection, head_before, connection->stream->exchange.done_ns);
    take_result(connection, result);
    if ((what & EV_WRITE) && connection->state == CONNECTION_READY)
        go_on_writing(connection);
}
