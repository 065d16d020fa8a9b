#include "orchestrator/server/async_control.h"

#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>

#include "common/secret.h"
#include "common/transport_tls.h"
#include "orchestrator/server/reply_reader.h"

#define READS_AT_ONCE 16u /* the rest in the next turn of the loop */

enum phase { PHASE_CONNECTING, PHASE_HANDSHAKE, PHASE_READY };

struct async_control {
    const struct transport *transport;
    struct wire wire;
    enum phase phase;
    struct async_listener listener;
    struct event *readable, *writable, *again;
    struct reply_reader *reader;
    char *out; /* formatted commands that the transport has not taken, the password among them */
    size_t out_bytes;
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
    if (control->wire.fd >= 0)
        control->transport->close(&control->wire);
    reply_reader_free(control->reader);
    secret_free(control->out);
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
    if (control->closed)
        return;
    (void)event_del(control->readable);
    (void)event_del(control->writable);
    (void)event_del(control->again);
    control->listener.lost(control->listener.state);
}

/* False: the connection is lost, or the event loop refuses. */
static bool send_waiting(struct async_control *control)
{
    enum io_status status = IO_DONE;
    int sys_errno = 0;
    while (status == IO_DONE && (control->out_bytes > 0 || control->wire.unflushed)) {
        size_t taken = 0;
        status = control->out_bytes > 0
                     ? control->transport->write(&control->wire, control->out, control->out_bytes,
                                                 &taken, &sys_errno)
                     : control->transport->flush(&control->wire, &sys_errno);
        control->out_bytes -= taken;
        memmove(control->out, control->out + taken, control->out_bytes);
        explicit_bzero(control->out + control->out_bytes, taken);
    }
    if (status == IO_AGAIN)
        return event_add(control->writable, NULL) == 0;
    return status == IO_DONE;
}

static bool take_replies(struct async_control *control)
{
    while (!control->closed) {
        redisReply *reply;
        const char *why;
        enum reply_status status = reply_reader_next(control->reader, &reply, &why);
        if (status != REPLY_WHOLE)
            return status == REPLY_MORE;
        control->listener.reply(control->listener.state, reply);
        freeReplyObject(reply);
    }
    return true;
}

static bool receive(struct async_control *control)
{
    for (unsigned i = 0; i < READS_AT_ONCE && !control->closed; i++) {
        size_t got = 0;
        int sys_errno = 0;
        enum io_status status = control->transport->read(
            &control->wire, reply_reader_room(control->reader), REPLY_ROOM_BYTES, &got, &sys_errno);
        if (status == IO_AGAIN)
            return !control->wire.unflushed || send_waiting(control);
        if (status != IO_DONE)
            return false;
        reply_reader_filled(control->reader, got);
        if (!take_replies(control))
            return false;
    }
    /* What TLS has taken from the socket makes no event. A timer that is due lets everybody else have a turn
     * first, which event_active would not. */
    static const struct timeval now = {0};
    return control->closed || event_add(control->again, &now) == 0;
}

static bool shake_hands(struct async_control *control)
{
    bool wants_write = false;
    enum io_status status = IO_DONE;
    if (control->transport->handshake != NULL)
        status = control->transport->handshake(&control->wire, &wants_write, NULL);
    if (status == IO_AGAIN)
        return !wants_write || event_add(control->writable, NULL) == 0;
    if (status != IO_DONE)
        return false;
    control->phase = PHASE_READY;
    control->listener.ready(control->listener.state);
    return control->closed || send_waiting(control);
}

static bool go_on(struct async_control *control, short what)
{
    int sys_errno = 0;
    if (control->phase == PHASE_CONNECTING) {
        if (control->transport->connected(&control->wire, &sys_errno) != IO_DONE ||
            event_add(control->readable, NULL) != 0)
            return false;
        control->phase = PHASE_HANDSHAKE;
    }
    if (control->phase == PHASE_HANDSHAKE)
        return shake_hands(control);
    return what & EV_WRITE ? send_waiting(control) : receive(control);
}

static void on_io(evutil_socket_t fd, short what, void *argument)
{
    struct async_control *control = argument;
    (void)fd;
    control->in_callback = true;
    if (!go_on(control, what))
        lost(control);
    control->in_callback = false;
    if (control->closed)
        destroy(control);
}

struct async_control *async_control_open(struct event_base *base,
                                         const struct target_address *target,
                                         struct tls_client *tls, struct async_listener listener)
{
    const struct wire_setup setup = {.tls = tls};
    int sys_errno = 0;
    struct async_control *made = calloc(1, sizeof *made);
    if (made == NULL)
        return NULL;
    made->wire.fd = -1;
    made->listener = listener;
    made->transport = tls != NULL ? &transport_tls : &transport_tcp;
    made->reader = reply_reader_create();
    if (made->reader != NULL &&
        made->transport->connect(&made->wire, &setup, target, NULL, &sys_errno) != IO_FAILED) {
        made->readable = event_new(base, made->wire.fd, EV_READ | EV_PERSIST, on_io, made);
        made->writable = event_new(base, made->wire.fd, EV_WRITE, on_io, made);
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
    char *formatted = NULL;
    long long count = redisFormatCommandArgv(&formatted, argc, argv, NULL);
    if (count < 0)
        return false;
    char *longer = secret_alloc(control->out_bytes + (size_t)count);
    if (longer != NULL) {
        if (control->out_bytes > 0)
            memcpy(longer, control->out, control->out_bytes);
        memcpy(longer + control->out_bytes, formatted, (size_t)count);
        secret_free(control->out);
        control->out = longer;
        control->out_bytes += (size_t)count;
    }
    explicit_bzero(formatted, (size_t)count);
    redisFreeCommand(formatted);
    if (longer == NULL)
        return false;
    return control->phase != PHASE_READY || event_add(control->writable, NULL) == 0;
}
