#include "worker/buffer.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "common/buffer_stage.h"
#include "common/clock.h"
#include "worker/stream.h"

/* Of nodes together: each has its own limit beside it. */
#define HELD_MAX (1u << 27)

uint32_t buffer_stage_parts(const struct buffer_options *plan)
{
    return plan->wanted ? BUFFER_STAGES : 0;
}

void buffer_make_room(struct stream *stream)
{
    const struct buffer_options *plan = &stream->spec->buffer;
    struct pools *pools = &stream->pools;
    if (!plan->wanted)
        return;
    const uint64_t nodes = stream->router.by_slot ? stream->router.topology->node_count : 1;
    const uint64_t most = plan->round_messages * (plan->hybrid_batches + 1) * nodes +
                          (stream->router.by_slot ? pools->held_max : 0);
    pools->held_max = (uint32_t)(most < HELD_MAX ? most : HELD_MAX);
    if (stream->share->users > pools->held_max) /* reads are no part of the hybrid buffer */
        pools->held_max = stream->share->users;
    pools->takes_below = plan->async ? stream->run->pipeline - plan->round_messages + 1 : 1;
}

/* What can wait at once: the round, the hybrid buffer, and what one turn of drawing adds of reads. */
static uint32_t most_batches(const struct stream *stream)
{
    return (uint32_t)(stream->pools.held_max + stream->pools.capacity + 1);
}

bool buffer_add_nodes(struct stream *stream)
{
    struct buffer *buffer = &stream->buffer;
    const uint32_t wanted = stream->router.by_slot ? stream->router.topology->node_count : 1;
    for (; buffer->node_count < wanted; buffer->node_count++)
        if (!batches_create(&buffer->nodes[buffer->node_count].batches, most_batches(stream)))
            return false;
    return true;
}

enum err_code buffer_create(struct stream *stream, event_callback_fn callback, struct err *err)
{
    struct buffer *buffer = &stream->buffer;
    if (!stream->spec->buffer.wanted)
        return OK;
    buffer->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (buffer->timer_fd < 0)
        return err_set_errno(err, E_SYSTEM, errno, "worker %u: cannot set up a timer",
                             stream->share->index);
    buffer->plan = &stream->spec->buffer;
    buffer->most_round_bytes = buffer->plan->round_tokens * BUFFER_TOKEN_BYTES;
    buffer->first_part = stream->generation.part_count;
    buffer->nodes =
        calloc(stream->router.by_slot ? TOPOLOGY_NODES_MAX : 1, sizeof buffer->nodes[0]);
    const bool made = buffer->nodes != NULL && buffer_add_nodes(stream);
    buffer->times =
        calloc((size_t)stream->connection_count * (stream->connections[0].slot_mask + 1),
               sizeof buffer->times[0]);
    buffer->busy_until_ns = calloc(stream->connection_count, sizeof buffer->busy_until_ns[0]);
    buffer->timer = event_new(stream->worker->base, buffer->timer_fd, EV_READ | EV_PERSIST | EV_ET,
                              callback, stream);
    if (!made || buffer->times == NULL || buffer->busy_until_ns == NULL || buffer->timer == NULL ||
        event_add(buffer->timer, NULL) != 0)
        return err_set(err, E_SYSTEM, "worker %u: no memory for its buffer", stream->share->index);
    return OK;
}

void buffer_destroy(struct buffer *buffer)
{
    if (buffer->plan == NULL)
        return;
    if (buffer->timer != NULL)
        event_free(buffer->timer);
    close(buffer->timer_fd);
    for (uint32_t i = 0; i < buffer->node_count; i++)
        batches_destroy(&buffer->nodes[i].batches);
    free(buffer->nodes);
    free(buffer->times);
    free(buffer->busy_until_ns);
    *buffer = (struct buffer){.plan = NULL};
}

/* Rounds and batches --------------------------------------------------------------------------- */

static struct node_buffer *node_of(struct stream *stream, const struct pool *pool)
{
    return &stream->buffer.nodes[pool - stream->pools.each];
}

static bool round_is_full(const struct buffer *buffer, const struct node_buffer *node)
{
    return node->round.count >= buffer->plan->round_messages ||
           (buffer->most_round_bytes > 0 && node->round_bytes >= buffer->most_round_bytes);
}

/* Ahead of each change of a round, or of how many batches wait. */
static void account_waiting(struct stream *stream, uint64_t at_ns)
{
    struct buffer *buffer = &stream->buffer;
    const uint64_t passed_ns = at_ns > buffer->accounted_ns ? at_ns - buffer->accounted_ns : 0;
    if (passed_ns == 0)
        return;
    buffer->accounted_ns = at_ns;
    if (buffer->rounds > 0)
        stream_count(stream, COUNTER_BUFFER_ROUND_NS, passed_ns * buffer->rounds);
    if (buffer->hybrids > 0)
        stream_count(stream, COUNTER_BUFFER_HYBRID_NS, passed_ns * buffer->hybrids);
}

static void add_batch(struct stream *stream, struct pool *pool, uint32_t batch)
{
    batches_push(&node_of(stream, pool)->batches, batch);
    stream->buffer.hybrids += (batch & BATCH_DIRECT) == 0;
    pools_list(stream, pool);
}

/* The requests of the round go behind those of batches. */
static uint32_t splice_round(struct stream *stream, struct pool *pool)
{
    struct node_buffer *node = node_of(stream, pool);
    struct slot_list *sealed = &pool->fresh, *round = &node->round;
    const uint32_t count = round->count;
    if (count == 0)
        return 0;
    if (sealed->count == 0)
        sealed->head = round->head;
    else
        stream->pools.store.slots[sealed->tail].next = round->head;
    sealed->tail = round->tail;
    sealed->count += count;
    stream->buffer.rounds -= count;
    *round = (struct slot_list){0};
    node->round_bytes = 0;
    node->flush_at_ns = 0;
    return count;
}

/* The round becomes a batch, if there is room for one. */
static void seal(struct stream *stream, struct pool *pool, enum counter why)
{
    const struct node_buffer *node = node_of(stream, pool);
    if (node->round.count == 0 || node->batches.hybrid_count >= stream->buffer.plan->hybrid_batches)
        return;
    const uint32_t count = splice_round(stream, pool);
    stream_count(stream, why, 1);
    stream_count(stream, COUNTER_BUFFER_MESSAGES, count);
    add_batch(stream, pool, count);
}

/* Of all nodes the first that goes; 0: none is to. */
static uint64_t first_flush_ns(const struct buffer *buffer)
{
    uint64_t first_ns = 0;
    for (uint32_t i = 0; i < buffer->node_count; i++) {
        const uint64_t at_ns = buffer->nodes[i].flush_at_ns;
        if (at_ns != 0 && (first_ns == 0 || at_ns < first_ns))
            first_ns = at_ns;
    }
    return first_ns;
}

/* By a timer of its own: those of the loop are late by milliseconds, and precise ones of it (EVENT_BASE_FLAG_PRECISE_TIMER)
 * cost a call at each wait, this one a call for each interval at most. */
static void arm(struct buffer *buffer, uint64_t at_ns)
{
    const struct itimerspec when = {.it_value = {.tv_sec = (time_t)(at_ns / NS_PER_SECOND),
                                                 .tv_nsec = (long)(at_ns % NS_PER_SECOND)}};
    if (!buffer->timer_pending &&
        timerfd_settime(buffer->timer_fd, TFD_TIMER_ABSTIME, &when, NULL) == 0)
        buffer->timer_pending = true;
}

/* When a round that begins now goes at the latest: by size after the interval, by time at its next multiple. */
static uint64_t flush_time(const struct stream *stream, uint64_t now_ns)
{
    const struct buffer_options *plan = stream->buffer.plan;
    const uint64_t interval_ns = plan->flush_interval_ns;
    if (plan->strategy == BUFFER_SIZE_BASED || now_ns < stream->start_ns)
        return now_ns + interval_ns;
    return now_ns + interval_ns - (now_ns - stream->start_ns) % interval_ns;
}

/* Ends the time for which nothing fitted, or begins it. */
static void note_full(struct stream *stream, bool full, uint64_t now_ns)
{
    struct buffer *buffer = &stream->buffer;
    if (buffer->full_ns != 0 && now_ns > buffer->full_ns)
        stream_count(stream, COUNTER_BUFFER_FULL_NS, now_ns - buffer->full_ns);
    buffer->full_ns = full ? now_ns : 0;
}

static bool is_full(struct stream *stream, struct pool *pool, uint64_t now_ns)
{
    struct buffer *buffer = &stream->buffer;
    const struct node_buffer *node = node_of(stream, pool);
    if (round_is_full(buffer, node)) {
        account_waiting(stream, now_ns);
        seal(stream, pool, COUNTER_BUFFER_FLUSHES_SIZE);
    }
    return round_is_full(buffer, node) || batches_are_full(&node->batches);
}

bool buffer_has_room(struct stream *stream, uint64_t now_ns)
{
    if (stream->router.by_slot) /* which node it is about is known only when it has been drawn */
        return true;
    const bool full =
        is_full(stream, stream->pools.each, now_ns) || stream->pools.held >= stream->pools.held_max;
    if (full || stream->buffer.full_ns != 0)
        note_full(stream, full, now_ns);
    return !full;
}

/* One that is held already. */
static void add(struct stream *stream, struct pool *pool, const struct request_slot *slot,
                uint64_t now_ns)
{
    struct node_buffer *node = node_of(stream, pool);
    if (stream->generation.classes[slot->class].reads_only) {
        slots_push(&stream->pools.store, &pool->fresh, slot);
        add_batch(stream, pool, 1 | BATCH_DIRECT);
        return;
    }
    account_waiting(stream, now_ns);
    slots_push(&stream->pools.store, &node->round, slot);
    stream->buffer.rounds++;
    node->round_bytes += stream->generation.bytes > 0 ? stream->generation.bytes : slot->bytes;
    if (node->round.count == 1) {
        node->flush_at_ns = flush_time(stream, now_ns);
        arm(&stream->buffer, node->flush_at_ns);
    }
    if (round_is_full(&stream->buffer, node))
        seal(stream, pool, COUNTER_BUFFER_FLUSHES_SIZE);
}

/* Its node has no room: it waits for it. False: there is none for that, either. */
static bool wait_for_node(struct stream *stream, struct pool *pool, const struct request_slot *slot,
                          uint64_t now_ns)
{
    struct buffer *buffer = &stream->buffer;
    struct slot_list *waiting = &node_of(stream, pool)->waiting;
    if (waiting->count >= stream->pools.fresh_max || stream->pools.held >= stream->pools.held_max) {
        pools_note_full(stream, now_ns, pool);
        stream->dispatch.drawn = *slot;
        stream->dispatch.has_drawn = true;
        stream->pools.held++;
        return false;
    }
    slots_push(&stream->pools.store, waiting, slot);
    stream->pools.held++;
    if (buffer->waits++ == 0)
        note_full(stream, true, now_ns);
    return true;
}

/* There may be room for those that wait. */
static void admit(struct stream *stream, struct pool *pool, uint64_t now_ns)
{
    struct buffer *buffer = &stream->buffer;
    struct slot_list *waiting = &node_of(stream, pool)->waiting;
    while (waiting->count > 0 && !is_full(stream, pool, now_ns)) {
        struct request_slot slot = slots_pop(&stream->pools.store, waiting);
        slot.waited_ns = now_ns;
        add(stream, pool, &slot, now_ns);
        if (--buffer->waits == 0)
            note_full(stream, false, now_ns);
    }
}

bool buffer_put(struct stream *stream, struct pool *pool, const struct request_slot *drawn,
                uint64_t now_ns)
{
    struct request_slot slot = *drawn;
    if (stream->router.by_slot && pool->failing) {
        pools_shed_for_node(stream, pool, drawn, now_ns);
        return true;
    }
    if (stream->router.by_slot &&
        (node_of(stream, pool)->waiting.count > 0 || is_full(stream, pool, now_ns))) {
        if (!wait_for_node(stream, pool, drawn, now_ns))
            return false;
    } else {
        slot.waited_ns = now_ns; /* when it entered, until it is taken */
        stream->pools.held++;
        add(stream, pool, &slot, now_ns);
    }
    if (stream->pools.full_ns != 0)
        pools_note_full(stream, now_ns, NULL);
    return true;
}

void buffer_all_drawn(struct stream *stream, uint64_t now_ns)
{
    const struct buffer *buffer = &stream->buffer;
    const bool nobody_adds = stream->users.count > 0 &&
                             buffer->plan->strategy == BUFFER_SIZE_BASED &&
                             (stream->users.waiting == 0 || stream->dispatch.has_drawn);
    if (buffer->rounds == 0 || !(stream->tickets_exhausted || buffer->draining || nobody_adds))
        return;
    /* While all flush workers are busy nothing is gained by a batch that is not full. */
    for (uint32_t i = 0; i < buffer->node_count; i++) {
        struct pool *pool = &stream->pools.each[i];
        if (buffer->nodes[i].round.count == 0 || buffer->nodes[i].batches.count > 0 ||
            pools_pick(stream, pool) == NULL)
            continue;
        account_waiting(stream, now_ns);
        seal(stream, pool, COUNTER_BUFFER_FLUSHES_IDLE);
    }
}

void buffer_begin_draining(struct stream *stream, uint64_t now_ns)
{
    if (stream->buffer.full_ns != 0) /* nothing is due that does not fit */
        note_full(stream, false, now_ns);
    stream->buffer.draining = true;
}

bool buffer_drains(const struct stream *stream)
{
    const struct buffer *buffer = &stream->buffer;
    const struct pools *pools = &stream->pools;
    if (!buffer->draining || stream->unsent > pools->held) /* a connection has some */
        return buffer->draining;
    if (stream->dispatch.has_drawn && pools->full->ready > 0)
        return true;
    for (uint32_t i = 0; i < buffer->node_count; i++) {
        const struct node_buffer *node = &buffer->nodes[i];
        if (pools->each[i].ready > 0 &&
            node->batches.count + node->round.count + node->waiting.count > 0)
            return true;
    }
    return false;
}

void buffer_flush_late(struct stream *stream, uint64_t now_ns)
{
    struct buffer *buffer = &stream->buffer;
    buffer->timer_pending = false;
    if (buffer->rounds == 0)
        return;
    account_waiting(stream, now_ns);
    for (uint32_t i = 0; i < buffer->node_count; i++) {
        struct node_buffer *node = &buffer->nodes[i];
        if (node->flush_at_ns == 0 || node->flush_at_ns > now_ns)
            continue;
        seal(stream, &stream->pools.each[i], COUNTER_BUFFER_FLUSHES_TIME);
        if (node->flush_at_ns != 0) /* there was no room; again, when there may be */
            node->flush_at_ns = now_ns + buffer->plan->flush_interval_ns;
    }
    const uint64_t next_ns = first_flush_ns(buffer);
    if (next_ns != 0)
        arm(buffer, next_ns);
}

/* Nodes of a cluster --------------------------------------------------------------------------- */

uint32_t buffer_unpack(struct stream *stream, struct pool *pool, uint64_t now_ns)
{
    struct buffer *buffer = &stream->buffer;
    struct node_buffer *node = node_of(stream, pool);
    account_waiting(stream, now_ns);
    (void)splice_round(stream, pool);
    const bool waited = node->waiting.count > 0;
    for (; node->waiting.count > 0; buffer->waits--) {
        struct request_slot slot = slots_pop(&stream->pools.store, &node->waiting);
        slot.waited_ns = now_ns;
        slots_push(&stream->pools.store, &pool->fresh, &slot);
    }
    if (waited && buffer->waits == 0)
        note_full(stream, false, now_ns);
    stream->buffer.hybrids -= node->batches.hybrid_count;
    batches_clear(&node->batches);
    return pool->fresh.count;
}

void buffer_shed_failing(struct stream *stream, uint64_t now_ns)
{
    struct buffer *buffer = &stream->buffer;
    if (!stream->router.by_slot || now_ns >= stream->stop_at_ns)
        return;
    for (uint32_t i = 0; i < buffer->node_count; i++) {
        struct pool *pool = &stream->pools.each[i];
        if (!pool->failing ||
            pool->fresh.count + buffer->nodes[i].round.count + buffer->nodes[i].waiting.count == 0)
            continue;
        for (uint32_t left = buffer_unpack(stream, pool, now_ns); left > 0; left--) {
            const struct request_slot slot = slots_pop(&stream->pools.store, &pool->fresh);
            stream->pools.held--;
            pools_shed_for_node(stream, pool, &slot, now_ns);
        }
        pools_list(stream, pool);
    }
}

void buffer_pack(struct stream *stream, struct pool *pool, const struct request_slot *slot,
                 uint64_t now_ns)
{
    account_waiting(stream, now_ns);
    add(stream, pool, slot, now_ns);
}

/* Taking --------------------------------------------------------------------------------------- */

static void place(struct connection *connection, struct request_slot slot, uint64_t now_ns)
{
    const uint64_t entered_ns = slot.waited_ns;
    slot.waited_ns = now_ns > slot.intended_ns ? now_ns - slot.intended_ns : 0;
    pools_place(connection, &slot);
    *buffer_times_of(connection,
                     connection_slot(connection, connection->in_flight + connection->unsent - 1)) =
        (struct buffer_times){.entered_ns = entered_ns, .taken_ns = now_ns};
}

void buffer_serve(struct connection *connection, uint64_t now_ns)
{
    struct stream *stream = connection->stream;
    struct buffer *buffer = &stream->buffer;
    struct pool *pool = connection->pool;
    struct batches *batches = &node_of(stream, pool)->batches;
    account_waiting(stream, now_ns);
    for (uint32_t room = pools_room_of(connection); room > 0 && pool->again.count > 0; room--) {
        struct request_slot slot = slots_pop(&stream->pools.store, &pool->again);
        pools_place(connection, &slot);
    }
    bool writes = false; /* with a batch of them go the reads around it */
    for (uint32_t room; batches->count > 0 && (room = pools_room_of(connection)) > 0;) {
        if (batches_first_is_hybrid(batches)) {
            if (writes)
                break;
            writes = true;
        }
        const uint32_t hybrids = batches->hybrid_count;
        for (uint32_t left = batches_take(batches, room); left > 0; left--) {
            struct request_slot slot = slots_pop(&stream->pools.store, &pool->fresh);
            stream->pools.held--;
            place(connection, slot, now_ns);
        }
        buffer->hybrids -= hybrids - batches->hybrid_count;
    }
    if (round_is_full(buffer, node_of(stream, pool)))
        seal(stream, pool, COUNTER_BUFFER_FLUSHES_SIZE);
    if (node_of(stream, pool)->waiting.count > 0)
        admit(stream, pool, now_ns);
    pools_list(stream, pool);
}

static void drop_all(struct stream *stream, struct slot_list *list)
{
    while (list->count > 0) {
        struct request_slot slot = slots_pop(&stream->pools.store, list);
        generation_drop(&stream->generation, &slot);
        stream->unsent--;
        stream->pools.held--;
    }
}

void buffer_drop_warmup(struct stream *stream)
{
    struct buffer *buffer = &stream->buffer;
    if (buffer->plan == NULL)
        return;
    for (uint32_t i = 0; i < buffer->node_count; i++) {
        struct pool *pool = &stream->pools.each[i];
        (void)buffer_unpack(stream, pool, buffer->accounted_ns);
        drop_all(stream, &pool->fresh);
        pools_list(stream, pool);
    }
}

/* Stages --------------------------------------------------------------------------------------- */

void buffer_written(struct connection *connection, uint32_t before, uint64_t now_ns)
{
    for (uint32_t i = before; i < connection->in_flight; i++)
        buffer_times_of(connection, connection_slot(connection, i))->written_ns = now_ns;
}

static void record(struct stream *stream, uint32_t stage, uint64_t time_ns, uint32_t count)
{
    struct class_figures *part =
        &stream->recorder.interval->parts[stream->buffer.first_part + stage];
    part->counters[CLASS_OK] += count;
    for (unsigned i = 0; i < CLASS_TIMES; i++)
        coarse_record(&part->times[i], time_ns, count);
}

void buffer_spared(struct stream *stream, const struct request_slot *slot, uint64_t done_ns)
{
    record(stream, STAGE_QUERY_CACHED, done_ns - slot->intended_ns, 1);
}

/* A flush worker had something under way since taken_ns. */
static void account_busy(const struct connection *connection, uint64_t taken_ns, uint64_t until_ns)
{
    struct stream *stream = connection->stream;
    uint64_t *reached_ns = &stream->buffer.busy_until_ns[connection - stream->connections];
    const uint64_t from_ns = taken_ns > *reached_ns ? taken_ns : *reached_ns;
    if (until_ns <= from_ns)
        return;
    stream_count(stream, COUNTER_BUFFER_BUSY_NS, until_ns - from_ns);
    *reached_ns = until_ns;
}

void buffer_account(struct stream *stream, uint64_t at_ns)
{
    struct buffer *buffer = &stream->buffer;
    if (buffer->plan == NULL)
        return;
    account_waiting(stream, at_ns);
    if (stream->near.cache != NULL)
        near_reads_account(stream, at_ns);
    if (buffer->full_ns != 0 && at_ns > buffer->full_ns)
        note_full(stream, true, at_ns);
    for (uint32_t i = 0; i < stream->connection_count; i++) {
        const struct connection *connection = &stream->connections[i];
        if (connection->in_flight == 0)
            continue;
        const struct request_slot *oldest = connection_slot(connection, 0);
        const uint64_t taken_ns = buffer_times_of(connection, oldest)->taken_ns;
        if (!oldest->again && taken_ns > 0)
            account_busy(connection, taken_ns, at_ns);
    }
}

/* Requests that were written together, and have their replies together: what they share is recorded once. */
struct alike {
    const struct request_slot *slot;
    const struct buffer_times *times;
    uint32_t first_stage, count;
};

static void record_alike(struct stream *stream, const struct alike *alike, uint64_t done_ns,
                         uint64_t settled_ns)
{
    const struct buffer_times *times = alike->times;
    if (alike->count == 0)
        return;
    const uint64_t sent_ns = alike->slot->sent_ns;
    const uint64_t written_ns = times->written_ns >= sent_ns && times->written_ns <= done_ns
                                    ? times->written_ns
                                    : sent_ns; /* a part of it went out later */
    const uint32_t first = alike->first_stage;
    record(stream, first + STAGE_WRITE_ENCODE, sent_ns - times->taken_ns, alike->count);
    record(stream, first + STAGE_WRITE_WRITE, written_ns - sent_ns, alike->count);
    record(stream, first + STAGE_WRITE_SERVER, done_ns - written_ns, alike->count);
    record(stream, first + STAGE_WRITE_PARSE, settled_ns - done_ns, alike->count);
}

void buffer_answered(const struct connection *connection, uint32_t head_before, uint64_t done_ns)
{
    struct stream *stream = connection->stream;
    const uint64_t settled_ns = clock_now_ns();
    struct alike alike = {.count = 0};
    for (uint32_t at = head_before; at != connection->head_index; at++) {
        const struct request_slot *slot = &connection->slots[at & connection->slot_mask];
        const struct buffer_times *times = buffer_times_of(connection, slot);
        if (slot->again || times->taken_ns == 0) /* it did not come through the buffer */
            continue;
        const uint32_t first =
            stream->generation.classes[slot->class].reads_only ? STAGE_QUERY_SCHEDULE : 0;
        if (alike.count > 0 &&
            (alike.slot->sent_ns != slot->sent_ns || alike.first_stage != first ||
             alike.times->taken_ns != times->taken_ns)) {
            record_alike(stream, &alike, done_ns, settled_ns);
            alike.count = 0;
        }
        account_busy(connection, times->taken_ns, settled_ns); /* of the first, all of it */
        if (alike.count++ == 0) {
            alike.slot = slot;
            alike.times = times;
            alike.first_stage = first;
        }
        const uint64_t entered_ns =
            times->entered_ns > slot->intended_ns ? times->entered_ns : slot->intended_ns;
        record(stream, first + STAGE_WRITE_SCHEDULE, entered_ns - slot->intended_ns, 1);
        record(stream, first + STAGE_WRITE_BUFFER, times->taken_ns - entered_ns, 1);
        record(stream, first + STAGE_WRITE_TOTAL, settled_ns - slot->intended_ns, 1);
    }
    record_alike(stream, &alike, done_ns, settled_ns);
}
