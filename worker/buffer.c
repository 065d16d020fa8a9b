#include "worker/buffer.h"

#include <stdlib.h>

#include "common/buffer_stage.h"
#include "common/clock.h"
#include "worker/stream.h"

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
    pools->held_max = (uint32_t)(plan->round_messages * (plan->hybrid_batches + 1));
    if (stream->share->users > pools->held_max) /* reads are no part of the hybrid buffer */
        pools->held_max = stream->share->users;
    pools->takes_below = plan->async ? stream->run->pipeline - plan->round_messages + 1 : 1;
}

/* What can wait at once: the round, the hybrid buffer, and what one turn of drawing adds of reads. */
static uint32_t most_batches(const struct stream *stream)
{
    return (uint32_t)(stream->pools.held_max + stream->pools.capacity + 1);
}

enum err_code buffer_create(struct stream *stream, event_callback_fn callback, struct err *err)
{
    struct buffer *buffer = &stream->buffer;
    if (!stream->spec->buffer.wanted)
        return OK;
    buffer->plan = &stream->spec->buffer;
    buffer->most_round_bytes = buffer->plan->round_tokens * BUFFER_TOKEN_BYTES;
    buffer->first_part = stream->generation.part_count;
    const bool made = batches_create(&buffer->batches, most_batches(stream));
    buffer->times =
        calloc((size_t)stream->connection_count * (stream->connections[0].slot_mask + 1),
               sizeof buffer->times[0]);
    buffer->busy_until_ns = calloc(stream->connection_count, sizeof buffer->busy_until_ns[0]);
    buffer->timer = event_new(stream->worker->base, -1, 0, callback, stream);
    if (!made || buffer->times == NULL || buffer->busy_until_ns == NULL || buffer->timer == NULL)
        return err_set(err, E_SYSTEM, "worker %u: no memory for its buffer", stream->share->index);
    return OK;
}

void buffer_destroy(struct buffer *buffer)
{
    if (buffer->timer != NULL)
        event_free(buffer->timer);
    batches_destroy(&buffer->batches);
    free(buffer->times);
    free(buffer->busy_until_ns);
    *buffer = (struct buffer){.plan = NULL};
}

/* Rounds and batches --------------------------------------------------------------------------- */

static struct pool *pool_of(struct stream *stream)
{
    return stream->pools.each;
}

static bool round_is_full(const struct buffer *buffer)
{
    return buffer->round.count >= buffer->plan->round_messages ||
           (buffer->most_round_bytes > 0 && buffer->round_bytes >= buffer->most_round_bytes);
}

/* Ahead of each change of the round, or of how many batches wait. */
static void account_waiting(struct stream *stream, uint64_t at_ns)
{
    struct buffer *buffer = &stream->buffer;
    const uint64_t passed_ns = at_ns > buffer->accounted_ns ? at_ns - buffer->accounted_ns : 0;
    if (passed_ns == 0)
        return;
    buffer->accounted_ns = at_ns;
    if (buffer->round.count > 0)
        stream_count(stream, COUNTER_BUFFER_ROUND_NS, passed_ns * buffer->round.count);
    if (buffer->batches.hybrid_count > 0)
        stream_count(stream, COUNTER_BUFFER_HYBRID_NS, passed_ns * buffer->batches.hybrid_count);
}

static void add_batch(struct stream *stream, uint32_t batch)
{
    batches_push(&stream->buffer.batches, batch);
    pools_list(stream, pool_of(stream));
}

/* The round becomes a batch, if there is room for one. */
static void seal(struct stream *stream, enum counter why)
{
    struct buffer *buffer = &stream->buffer;
    struct slot_list *sealed = &pool_of(stream)->fresh;
    struct slot_list *round = &buffer->round;
    const uint32_t count = round->count;
    if (count == 0 || buffer->batches.hybrid_count >= buffer->plan->hybrid_batches)
        return;
    if (sealed->count == 0)
        sealed->head = round->head;
    else
        stream->pools.store.slots[sealed->tail].next = round->head;
    sealed->tail = round->tail;
    sealed->count += count;
    *round = (struct slot_list){0};
    buffer->round_bytes = 0;
    buffer->flush_at_ns = 0;
    stream_count(stream, why, 1);
    stream_count(stream, COUNTER_BUFFER_MESSAGES, count);
    add_batch(stream, count);
}

static void arm(struct stream *stream, uint64_t now_ns)
{
    struct buffer *buffer = &stream->buffer;
    const uint64_t left_ns = buffer->flush_at_ns > now_ns ? buffer->flush_at_ns - now_ns : 0;
    const struct timeval delay = {.tv_sec = (time_t)(left_ns / NS_PER_SECOND),
                                  .tv_usec = (suseconds_t)(left_ns % NS_PER_SECOND / NS_PER_US)};
    if (!buffer->timer_pending && event_add(buffer->timer, &delay) == 0)
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

bool buffer_has_room(struct stream *stream, uint64_t now_ns)
{
    struct buffer *buffer = &stream->buffer;
    if (round_is_full(buffer)) {
        account_waiting(stream, now_ns);
        seal(stream, COUNTER_BUFFER_FLUSHES_SIZE);
    }
    const bool full = round_is_full(buffer) || batches_are_full(&buffer->batches) ||
                      stream->pools.held >= stream->pools.held_max;
    if (full || buffer->full_ns != 0)
        note_full(stream, full, now_ns);
    return !full;
}

void buffer_put(struct stream *stream, const struct request_slot *drawn, uint64_t now_ns)
{
    struct buffer *buffer = &stream->buffer;
    struct request_slot slot = *drawn;
    slot.waited_ns = now_ns; /* when it entered, until it is taken */
    stream->pools.held++;
    if (stream->generation.classes[slot.class].reads_only) {
        slots_push(&stream->pools.store, &pool_of(stream)->fresh, &slot);
        add_batch(stream, 1 | BATCH_DIRECT);
        return;
    }
    account_waiting(stream, now_ns);
    slots_push(&stream->pools.store, &buffer->round, &slot);
    buffer->round_bytes += stream->generation.bytes > 0 ? stream->generation.bytes : slot.bytes;
    if (buffer->round.count == 1) {
        buffer->flush_at_ns = flush_time(stream, now_ns);
        arm(stream, now_ns);
    }
    if (round_is_full(buffer))
        seal(stream, COUNTER_BUFFER_FLUSHES_SIZE);
}

void buffer_all_drawn(struct stream *stream, uint64_t now_ns)
{
    const struct buffer *buffer = &stream->buffer;
    const bool nobody_adds = stream->users.count > 0 && stream->users.waiting == 0 &&
                             buffer->plan->strategy == BUFFER_SIZE_BASED;
    /* While all flush workers are busy nothing is gained by a batch that is not full. */
    if (buffer->round.count > 0 && buffer->batches.count == 0 &&
        (stream->tickets_exhausted || nobody_adds) && pools_pick(stream, pool_of(stream)) != NULL) {
        account_waiting(stream, now_ns);
        seal(stream, COUNTER_BUFFER_FLUSHES_IDLE);
    }
}

void buffer_flush_late(struct stream *stream, uint64_t now_ns)
{
    struct buffer *buffer = &stream->buffer;
    buffer->timer_pending = false;
    if (buffer->flush_at_ns == 0)
        return;
    account_waiting(stream, now_ns);
    if (buffer->flush_at_ns <= now_ns)
        seal(stream, COUNTER_BUFFER_FLUSHES_TIME);
    if (buffer->flush_at_ns == 0)
        return;
    if (buffer->flush_at_ns <= now_ns) /* there was no room; again, when there may be */
        buffer->flush_at_ns = now_ns + buffer->plan->flush_interval_ns;
    arm(stream, now_ns);
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
    struct pool *pool = pool_of(stream);
    account_waiting(stream, now_ns);
    for (uint32_t room = pools_room_of(connection); room > 0 && pool->again.count > 0; room--) {
        struct request_slot slot = slots_pop(&stream->pools.store, &pool->again);
        pools_place(connection, &slot);
    }
    bool writes = false; /* with a batch of them go the reads around it */
    for (uint32_t room; buffer->batches.count > 0 && (room = pools_room_of(connection)) > 0;) {
        if (batches_first_is_hybrid(&buffer->batches)) {
            if (writes)
                break;
            writes = true;
        }
        for (uint32_t left = batches_take(&buffer->batches, room); left > 0; left--) {
            struct request_slot slot = slots_pop(&stream->pools.store, &pool->fresh);
            stream->pools.held--;
            place(connection, slot, now_ns);
        }
    }
    if (round_is_full(buffer))
        seal(stream, COUNTER_BUFFER_FLUSHES_SIZE);
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
    drop_all(stream, &pool_of(stream)->fresh);
    drop_all(stream, &buffer->round);
    buffer->round_bytes = buffer->flush_at_ns = 0;
    batches_clear(&buffer->batches);
    pools_list(stream, pool_of(stream));
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
