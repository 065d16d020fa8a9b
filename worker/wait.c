#include "worker/wait.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "worker/stream.h"

/* --pacing spin does not sleep while a ticket is due within this time. */
#define SPIN_WITHIN_NS (5 * NS_PER_MS)
/* --pacing auto spins so long before an intended time: what a sleep oversleeps on an idle CPU. */
#define STRETCH_NS (60 * NS_PER_US)
/* Tickets that are closer than this share a sleep. */
#define SLACK_NS (50 * NS_PER_US)

static void on_timer(evutil_socket_t fd, short what, void *argument)
{
    /* The turn's end sends what is due. The descriptor is not read: it is edge-triggered, and setting
     * it again clears it. */
    struct stream *stream = argument;
    (void)fd;
    (void)what;
    stream->wait.armed_ns = 0;
}

/* One call for each ticket, not one for each wait as with libevent's own precise timers: a wait for a
 * reply leaves the timer as it is. */
static void arm(struct wait *wait, uint64_t at_ns, uint64_t slack_ns)
{
    if (wait->armed_ns >= at_ns && wait->armed_ns <= at_ns + slack_ns)
        return;
    at_ns += slack_ns;
    struct itimerspec when = {.it_value = {.tv_sec = (time_t)(at_ns / NS_PER_SECOND),
                                           .tv_nsec = (long)(at_ns % NS_PER_SECOND)}};
    if (timerfd_settime(wait->timer_fd, TFD_TIMER_ABSTIME, &when, NULL) == 0)
        wait->armed_ns = at_ns;
}

/* A sleep costs more CPU than a request does: 25 us were measured on a virtual machine, where timers
 * leave the guest. Where tickets come closer to each other than that, one sleep serves several: it may
 * end so much later than the first of them. A worker that spins needs no slack. */
static uint64_t slack_ns(const struct stream *stream)
{
    uint64_t gap_ns = stream->pacer.next_ns - stream->pacer.last_ns;
    return stream->wait.stretch_ns == 0 && gap_ns < SLACK_NS ? SLACK_NS - gap_ns : 0;
}

/* Spinning with nothing to do is no work: it counts apart. */
static void count_spinning(struct stream *stream, uint64_t now_ns)
{
    struct wait *wait = &stream->wait;
    if (wait->spinning_ns != 0 && stream->lag.wakeup_ns == 0)
        stream_count(stream, COUNTER_SPIN_NS, now_ns - wait->spinning_ns);
    wait->spinning_ns = 0;
}

int wait_prepare(struct stream *stream, uint64_t *clock_ns)
{
    struct wait *wait = &stream->wait;
    uint64_t now_ns = *clock_ns;
    wait->turn_ns = now_ns;
    count_spinning(stream, now_ns);
    if (stream->start_ns == 0 || stream->stopping)
        return EVLOOP_ONCE;
    pacer_refresh(stream);
    if (stream->pacer.next_ns <= now_ns || !TAILQ_EMPTY(&stream->pools.work)) {
        dispatch_send(stream, now_ns);
        *clock_ns = now_ns = clock_now_ns();
    }
    uint64_t next_ns = stream->pacer.next_ns;
    if (!dispatch_can_take(stream) || next_ns >= stream->stop_at_ns)
        return EVLOOP_ONCE; /* a reply, a connection or the tick comes first */
    if (next_ns <= now_ns)
        return EVLOOP_NONBLOCK; /* due already again: replies have their turn in between */
    if (next_ns - now_ns <= wait->stretch_ns) {
        wait->spinning_ns = now_ns;
        return EVLOOP_NONBLOCK;
    }
    arm(wait, next_ns - (wait->stretch_ns < SPIN_WITHIN_NS ? wait->stretch_ns : STRETCH_NS),
        slack_ns(stream));
    return EVLOOP_ONCE;
}

static uint64_t stretch_ns(const struct stream *stream)
{
    switch (stream->spec->pacing) {
    case PACING_SPIN:
        return SPIN_WITHIN_NS;
    case PACING_AUTO:
        return stream->share->own_cpu ? STRETCH_NS : 0;
    case PACING_SLEEP:
        break;
    }
    return 0;
}

enum err_code wait_create(struct stream *stream, struct err *err)
{
    struct wait *wait = &stream->wait;
    if (!stream->open_loop)
        return OK;
    wait->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (wait->timer_fd >= 0)
        wait->timer =
            event_new(stream->base, wait->timer_fd, EV_READ | EV_PERSIST | EV_ET, on_timer, stream);
    if (wait->timer == NULL || event_add(wait->timer, NULL) != 0)
        return err_set_errno(err, E_SYSTEM, errno, "worker %u: cannot set up its timer",
                             stream->share->index);
    wait->stretch_ns = stretch_ns(stream);
    return OK;
}

void wait_destroy(struct wait *wait)
{
    if (wait->timer != NULL)
        event_free(wait->timer);
    if (wait->timer_fd >= 0)
        close(wait->timer_fd);
}
