#include "orchestrator/server/async_control.h"

#include <hiredis/hiredis.h>
#include <poll.h>
#include <stdlib.h>

#include "orchestrator/server/talk.h"

#define READS_AT_ONCE 16u /* the rest in the next turn of the loop */

struct async_control {
    struct talk talk;
    struct async_listener listener;
    struct event *readable, *writable, *again;
    bool in_callback; /* closing is left to whoever called the listener */
    bool closed;
};

static void destroy(struct async_control *control)
{
    if (control->readable != NULL)
        event_free(control->readable);
    if (control->writable != NULL)
        event_free(control->writable);
    if (control->again != NULL)
        event_free(control->again);
    talk_close(&control->talk);
    free(control);
}

void async_control_close(struct async_control *control)
{
    if (control == NULL)
        return;
    control->closed = true;
    if (!control->in_callback)
        destroy(control);
}

static void lost(struct async_control *control)
{
    (void)event_del(control->readable);
    (void)event_del(control->writable);
    (void)event_del(control->again);
    control->listener.lost(control->listener.state);
}

/* False: the event loop refuses. */
static bool wait_for(struct async_control *control, short wants)
{
    return ((wants & POLLIN) == 0 || event_add(control->readable, NULL) == 0) &&
           ((wants & POLLOUT) == 0 || event_add(control->writable, NULL) == 0);
}

/* As far as it gets now. False: the connection is lost, or the event loop refuses. */
static bool go_on(struct async_control *control)
{
    static const struct timeval now = {0};
    const struct async_listener *listener = &control->listener;
    const uint64_t reads_max = control->talk.reads + READS_AT_ONCE;
    while (!control->closed && control->talk.reads < reads_max) {
        redisReply *reply;
        switch (talk_step(&control->talk, &reply)) {
        case TALK_READY:
            listener->ready(listener->state);
            break;
        case TALK_REPLY:
            listener->reply(listener->state, reply);
            freeReplyObject(reply);
            break;
        case TALK_MOVED:
            break;
        case TALK_WAITS:
            return wait_for(control, control->talk.wants);
        case TALK_LOST:
            return false;
        }
    }
    /* What TLS has taken from the socket makes no event. A timer that is due lets everybody else have a turn
     * first, which event_active would not. */
    return control->closed || event_add(control->again, &now) == 0;
}

static void on_io(evutil_socket_t fd, short what, void *argument)
{
    struct async_control *control = argument;
    (void)fd;
    (void)what;
    control->in_callback = true;
    if (!go_on(control))
        lost(control);
    control->in_callback = false;
    if (control->closed)
        destroy(control);
}

struct async_control *async_control_open(struct event_base *base,
                                         const struct target_address *target,
                                         struct tls_client *tls, struct async_listener listener)
{
    struct async_control *made = calloc(1, sizeof *made);
    if (made == NULL)
        return NULL;
    made->listener = listener;
    if (talk_open(&made->talk, target, tls) && talk_is_open(&made->talk)) {
        made->readable = event_new(base, made->talk.wire.fd, EV_READ | EV_PERSIST, on_io, made);
        made->writable = event_new(base, made->talk.wire.fd, EV_WRITE, on_io, made);
        made->again = evtimer_new(base, on_io, made);
    }
    /* A socket that is connected already is writable, too. */
    if (made->readable != NULL && made->writable != NULL && made->again != NULL &&
        event_add(made->writable, NULL) == 0)
        return made;
    destroy(made);
    return NULL;
}

bool async_control_send(struct async_control *control, int argc, const char **argv)
{
    return talk_send(&control->talk, argc, argv, NULL) &&
           (control->talk.phase != TALK_SPEAKING || event_add(control->writable, NULL) == 0);
}
