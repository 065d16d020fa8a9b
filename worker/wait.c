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
    struct worker *worker = argument;
    (void)fd;
    (void)what;
    worker->wait.armed_ns = 0;
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
static uint64_t slack_ns(const struct wait *wait, const struct pacer *pacer)
{
    uint64_t gap_ns = pacer->next_ns - pacer->last_ns;
    return wait->stretch_ns == 0 && gap_ns < SLACK_NS ? SLACK_NS - gap_ns : 0;
}

/* Spinning with nothing to do is no work: it counts apart, for the stream whose ticket is waited for. */
static void count_spinning(struct wait *wait, uint64_t now_ns)
{
    if (wait->spinning_ns != 0 && wait->next->lag.wakeup_ns == 0)
        stream_count(wait->next, COUNTER_SPIN_NS, now_ns - wait->spinning_ns);
    wait->spinning_ns = 0;
}

/* Sends what is due of a stream. Whether its next ticket could go somewhere when its time comes. */
static bool serve(struct stream *stream, uint64_t *clock_ns)
{
    if (!stream->open_loop || stream->ended || stream->start_ns == 0 || stream->stopping)
        return false;
    pacer_refresh(stream);
    if (stream->pacer.next_ns <= *clock_ns || !TAILQ_EMPTY(&stream->pools.work)) {
        dispatch_send(stream, *clock_ns);
        *clock_ns = clock_now_ns();
    }
    /* Otherwise a reply, a connection or the tick comes first. */
    return dispatch_can_take(stream) && stream->pacer.next_ns < stream->stop_at_ns;
}

int wait_prepare(struct worker *worker, uint64_t *clock_ns)
{
    struct wait *wait = &worker->wait;
    wait->turn_ns = *clock_ns;
    count_spinning(wait, *clock_ns);
    wait->next = NULL;
    for (struct stream *stream = worker->streams; stream < worker->streams + worker->stream_count;
         stream++)
        if (serve(stream, clock_ns) &&
            (wait->next == NULL || stream->pacer.next_ns < wait->next->pacer.next_ns))
            wait->next = stream;
    if (wait->next == NULL)
        return EVLOOP_ONCE;
    const struct pacer *pacer = &wait->next->pacer;
    uint64_t now_ns = *clock_ns, next_ns = pacer->next_ns;
    if (next_ns <= now_ns)
        return EVLOOP_NONBLOCK; /* due already again: replies have their turn in between */
    if (next_ns - now_ns <= wait->stretch_ns) {
        wait->spinning_ns = now_ns;
        return EVLOOP_NONBLOCK;
    }
    arm(wait, next_ns - (wait->stretch_ns < SPIN_WITHIN_NS ? wait->stretch_ns : STRETCH_NS),
        slack_ns(wait, pacer));
    return EVLOOP_ONCE;
}

static uint64_t stretch_ns(const struct stream *stream)
{
    switch (stream->spec->rate.pacing) {
    case PACING_SPIN:
        return SPIN_WITHIN_NS;
    case PACING_AUTO:
        return stream->share->own_cpu ? STRETCH_NS : 0;
    case PACING_SLEEP:
        break;
    }
    return 0;
}

enum err_code wait_create(struct worker *worker, struct err *err)
{
    struct wait *wait = &worker->wait;
    bool any = false;
    for (uint32_t i = 0; i < worker->stream_count; i++)
        if (worker->streams[i].open_loop) {
            any = true;
            if (stretch_ns(&worker->streams[i]) > wait->stretch_ns)
                wait->stretch_ns = stretch_ns(&worker->streams[i]);
        }
    if (!any)
        return OK;
    wait->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (wait->timer_fd >= 0)
        wait->timer =
            event_new(worker->base, wait->timer_fd, EV_READ | EV_PERSIST | EV_ET, on_timer, worker);
    if (wait->timer == NULL || event_add(wait->timer, NULL) != 0)
        return err_set_errno(err, E_SYSTEM, errno, "worker %u: cannot set up its timer",
                             worker->streams[0].share->index);
    return OK;
}

void wait_destroy(struct wait *wait)
{
    if (wait->timer != NULL)
        event_free(wait->timer);
    if (wait->timer_fd >= 0)
        close(wait->timer_fd);
}
