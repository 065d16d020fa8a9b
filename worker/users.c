#include "worker/users.h"

#include <stdlib.h>

#include "worker/stream.h"

/* Requests that have their fate, whatever it was; those of a dead worker are its replacement's users'. */
static uint64_t settled(const struct stream *stream)
{
    static const enum counter fates[] = {
        COUNTER_OK,           COUNTER_ERROR_REPLIES,   COUNTER_TIMED_OUT,
        COUNTER_LOST_TIMEOUT, COUNTER_LOST_DISCONNECT, COUNTER_LOST_PROTOCOL,
        COUNTER_LOST_DRAIN,   COUNTER_SHED_LATE,       COUNTER_SHED_NODE,
    };
    uint64_t sum = 0;
    for (size_t i = 0; i < sizeof fates / sizeof fates[0]; i++)
        sum += stream_total(stream, fates[i]);
    return sum;
}

enum err_code users_create(struct stream *stream, struct err *err)
{
    struct users *users = &stream->users;
    users->count = stream->share->users;
    if (users->count == 0)
        return OK;
    users->since_ns = calloc(users->count, sizeof users->since_ns[0]);
    return users->since_ns != NULL ? OK
                                   : err_set(err, E_SYSTEM, "worker %u: no memory for %u users",
                                             stream->share->index, users->count);
}

void users_destroy(struct users *users)
{
    free(users->since_ns);
    users->since_ns = NULL;
}

static void add(struct users *users, uint64_t since_ns)
{
    users->since_ns[(users->first + users->waiting++) % users->count] = since_ns;
}

void users_begin(struct stream *stream, uint64_t at_ns)
{
    struct users *users = &stream->users;
    const uint64_t busy = stream->in_flight < users->count ? stream->in_flight : users->count;
    users->first = users->waiting = 0;
    while (users->waiting < users->count - busy)
        add(users, at_ns);
    users->settled = settled(stream);
}

void users_look(struct stream *stream, uint64_t now_ns)
{
    struct users *users = &stream->users;
    if (stream->stopping || now_ns >= stream->stop_at_ns) /* nothing falls due any more */
        return;
    const uint64_t all = settled(stream);
    for (; users->settled < all && users->waiting < users->count; users->settled++)
        add(users, now_ns);
    users->settled = all;
}

void users_number(struct stream *stream, struct arrivals *draw, uint64_t number)
{
    const uint64_t requests = stream->pacer.measuring ? stream->run->requests : 0;
    const uint32_t index = stream->share->index, workers = stream->run->worker_count;
    *draw = (struct arrivals){
        .index = index,
        .workers = workers,
        .number = number,
        .limit = requests == 0      ? UINT64_MAX
                 : index < requests ? (requests - index + workers - 1) / workers
                                    : 0,
    };
}

void users_drawn(struct stream *stream)
{
    struct users *users = &stream->users;
    stream->pacer.draw.number++;
    users->first = (users->first + 1) % users->count;
    users->waiting--;
}

uint64_t users_next_ns(const struct stream *stream)
{
    const struct users *users = &stream->users;
    const struct arrivals *draw = &stream->pacer.draw;
    if (users->waiting == 0 || draw->number >= draw->limit)
        return SCHEDULE_NEVER;
    const uint64_t since_ns = users->since_ns[users->first];
    return since_ns > stream->pacer.origin_ns ? since_ns - stream->pacer.origin_ns : 0;
}

void users_record_waiting(struct stream *stream, uint64_t until_ns)
{
    const struct users *users = &stream->users;
    const struct pacer *pacer = &stream->pacer;
    for (uint64_t i = 0; i < pacer->due.number - pacer->draw.number; i++)
        recorder_unsent(stream, 1, users->since_ns[(users->first + i) % users->count], until_ns);
}
