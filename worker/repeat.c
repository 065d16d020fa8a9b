#include "worker/repeat.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "worker/stream.h"

#define PAUSE_US 100u /* the shortest */

static uint64_t pause_ns(uint32_t pause)
{
    return ((uint64_t)PAUSE_US << pause) * NS_PER_US;
}

enum err_code repeat_create(struct stream *stream, event_callback_fn callback, struct err *err)
{
    struct repeat *repeat = &stream->repeat;
    bool any = false;
    repeat->timer_fd = -1;
    for (uint32_t i = 0; i < stream->generation.class_count; i++)
        any |= stream->generation.classes[i].until_hit;
    if (!any)
        return OK;
    /* The loop's own timers count in milliseconds. */
    repeat->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (repeat->timer_fd >= 0)
        repeat->timer = event_new(stream->worker->base, repeat->timer_fd,
                                  EV_READ | EV_PERSIST | EV_ET, callback, stream);
    if (repeat->timer == NULL || event_add(repeat->timer, NULL) != 0)
        return err_set_errno(err, E_SYSTEM, errno, "worker %u: cannot set up a timer",
                             stream->share->index);
    return OK;
}

void repeat_destroy(struct repeat *repeat)
{
    if (repeat->timer == NULL)
        return;
    event_free(repeat->timer);
    close(repeat->timer_fd);
    repeat->timer = NULL;
}

static void arm(struct repeat *repeat, uint64_t at_ns)
{
    const struct itimerspec when = {.it_value = {.tv_sec = (time_t)(at_ns / NS_PER_SECOND),
                                                 .tv_nsec = (long)(at_ns % NS_PER_SECOND)}};
    if (repeat->armed_ns != 0 && repeat->armed_ns <= at_ns)
        return;
    if (timerfd_settime(repeat->timer_fd, TFD_TIMER_ABSTIME, &when, NULL) == 0)
        repeat->armed_ns = at_ns;
}

void repeat_later(struct stream *stream, const struct request_slot *slot, uint64_t now_ns)
{
    struct repeat *repeat = &stream->repeat;
    const uint64_t asked_ns = now_ns > slot->sent_ns ? now_ns - slot->sent_ns : 0;
    uint32_t pause = 0;
    while (pause + 1 < REPEAT_PAUSES && pause_ns(pause + 1) <= asked_ns / 8)
        pause++;
    struct slot_list *list = &repeat->waiting[pause];
    slots_push(&stream->pools.store, list, slot);
    /* Rounded up, so that it is due when the timer says so. */
    const uint64_t due_us = (now_ns + pause_ns(pause)) / NS_PER_US + 1;
    stream->pools.store.slots[list->tail].retry_us = (uint32_t)due_us;
    arm(repeat, due_us * NS_PER_US);
}

void repeat_missed(struct connection *connection, uint64_t now_ns)
{
    struct request_slot slot = *connection_slot(connection, 0);
    connection->again_in_flight -= slot.again;
    connection->asking_in_flight -= slot.asking;
    connection->head_index++;
    connection->in_flight--;
    slot.again = true;
    slot.asking = false;
    slot.loads = 0;
    repeat_later(connection->stream, &slot, now_ns);
}

static bool is_replica(const struct stream *stream, const struct pool *pool)
{
    return !stream->router.by_slot ||
           stream->router.topology->nodes[pool - stream->pools.each].role == TOPOLOGY_REPLICA;
}

bool repeat_may_ask(struct stream *stream, const struct request_slot *slot, const struct pool *pool,
                    uint64_t now_ns)
{
    const bool may = is_replica(stream, pool);
    if (!may)
        repeat_later(stream, slot, now_ns);
    return may;
}

void repeat_due(struct stream *stream, uint64_t now_ns)
{
    struct repeat *repeat = &stream->repeat;
    struct slot_store *store = &stream->pools.store;
    const uint32_t now_us = (uint32_t)(now_ns / NS_PER_US);
    uint64_t next_ns = UINT64_MAX;
    repeat->armed_ns = 0;
    for (uint32_t i = 0; i < REPEAT_PAUSES; i++) {
        struct slot_list *list = &repeat->waiting[i];
        /* What finds no replica comes back behind those that are here. */
        for (uint32_t left = list->count;
             left > 0 && (int32_t)(now_us - store->slots[list->head].retry_us) >= 0; left--) {
            const struct request_slot slot = slots_pop(store, list);
            struct pool *pool = router_route(stream, &slot);
            if (repeat_may_ask(stream, &slot, pool, now_ns))
                pools_wait_again(stream, pool, &slot);
        }
        if (list->count == 0)
            continue;
        const int32_t left_us = (int32_t)(store->slots[list->head].retry_us - now_us);
        const uint64_t due_ns = now_ns + (left_us > 0 ? (uint64_t)left_us : 1) * NS_PER_US;
        next_ns = due_ns < next_ns ? due_ns : next_ns;
    }
    if (next_ns != UINT64_MAX)
        arm(repeat, next_ns);
}

void repeat_abandon(struct stream *stream, enum counter cause, uint64_t now_ns)
{
    for (uint32_t i = 0; i < REPEAT_PAUSES; i++)
        pools_abandon(stream, &stream->repeat.waiting[i], cause, now_ns);
}

/* Those that wait for a connection, likewise. */
static void abandon_unsent(struct stream *stream, struct pool *pool, uint64_t now_ns)
{
    struct slot_store *store = &stream->pools.store;
    for (uint32_t left = pool->again.count; left > 0; left--) {
        const struct request_slot slot = slots_pop(store, &pool->again);
        if (!stream_is_follow_up(stream, &slot)) {
            slots_push(store, &pool->again, &slot);
            continue;
        }
        stream->in_flight--;
        stream_unanswered(stream, &slot, COUNTER_LOST_DRAIN, now_ns);
    }
    pools_list(stream, pool);
}

void repeat_tick(struct stream *stream, uint64_t now_ns)
{
    struct repeat *repeat = &stream->repeat;
    if (repeat->timer == NULL || stream->start_ns == 0)
        return;
    if (now_ns >= stream->stop_at_ns) {
        repeat_abandon(stream, COUNTER_LOST_DRAIN, now_ns);
        for (uint32_t i = 0; i < stream->pools.count; i++)
            abandon_unsent(stream, &stream->pools.each[i], now_ns);
    }
    for (uint32_t i = 0; i < REPEAT_PAUSES; i++)
        router_time_out(stream, &repeat->waiting[i], now_ns);
    stream_publish_in_flight(stream);
}
