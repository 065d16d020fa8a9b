#include "orchestrator/server/talk.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <poll.h>
#include <string.h>

#include "common/secret.h"
#include "common/transport_tls.h"

static enum talk_step lose(struct talk *talk, enum talk_loss loss, int sys_errno, const char *why)
{
    talk->loss = loss;
    talk->sys_errno = sys_errno;
    talk->why = why;
    return TALK_LOST;
}

static enum talk_step wait_for(struct talk *talk, short wants)
{
    talk->wants = wants;
    return TALK_WAITS;
}

/* ---- connecting ---- */

bool talk_open(struct talk *talk, const struct target_address *target, struct tls_client *tls)
{
    const struct wire_setup setup = {.tls = tls};
    int sys_errno = 0;
    *talk = (struct talk){.wire = {.fd = -1},
                          .transport = tls != NULL ? &transport_tls : &transport_tcp,
                          .reader = reply_reader_create()};
    if (talk->reader == NULL)
        return false;
    enum io_status status = talk->transport->connect(&talk->wire, &setup, target, NULL, &sys_errno);
    if (status == IO_DONE)
        talk->phase = TALK_HANDSHAKE;
    else if (status != IO_AGAIN)
        (void)lose(talk, TALK_LOSS_CONNECT, sys_errno, NULL);
    return true;
}

void talk_close(struct talk *talk)
{
    if (talk_is_open(talk))
        talk->transport->close(&talk->wire);
    reply_reader_free(talk->reader);
    secret_free(talk->out);
    *talk = (struct talk){.wire = {.fd = -1}};
}

bool talk_is_open(const struct talk *talk)
{
    return talk->wire.fd >= 0;
}

static enum talk_step go_on_connecting(struct talk *talk)
{
    struct pollfd writable = {.fd = talk->wire.fd, .events = POLLOUT};
    int sys_errno = 0;
    if (poll(&writable, 1, 0) <= 0)
        return wait_for(talk, POLLOUT);
    if (talk->transport->connected(&talk->wire, &sys_errno) != IO_DONE)
        return lose(talk, TALK_LOSS_CONNECT, sys_errno, NULL);
    talk->phase = TALK_HANDSHAKE;
    return TALK_MOVED;
}

static enum talk_step shake_hands(struct talk *talk)
{
    bool wants_write = false;
    enum io_status status = IO_DONE;
    if (talk->transport->handshake != NULL)
        status = talk->transport->handshake(&talk->wire, &wants_write, &talk->handshake_err);
    if (status == IO_AGAIN)
        return wait_for(talk, wants_write ? POLLOUT : POLLIN);
    if (status != IO_DONE)
        return lose(talk, TALK_LOSS_HANDSHAKE, 0, talk->handshake_err.text);
    talk->phase = TALK_SPEAKING;
    return TALK_READY;
}

/* ---- commands ---- */

bool talk_send(struct talk *talk, int argc, const char *const *argv, const size_t *lengths)
{
    char *formatted = NULL;
    /* hiredis asks for pointers that are not const, and does not write through them. */
    const long long count =
        redisFormatCommandArgv(&formatted, argc, (const char **)(uintptr_t)argv, lengths);
    if (count < 0)
        return false;
    char *longer = secret_alloc(talk->out_bytes + (size_t)count);
    if (longer != NULL) {
        if (talk->out_bytes > 0)
            memcpy(longer, talk->out, talk->out_bytes);
        memcpy(longer + talk->out_bytes, formatted, (size_t)count);
        secret_free(talk->out);
        talk->out = longer;
        talk->out_bytes += (size_t)count;
    }
    explicit_bzero(formatted, (size_t)count);
    redisFreeCommand(formatted);
    return longer != NULL;
}

static bool has_to_send(const struct talk *talk)
{
    return !talk->deaf && (talk->out_bytes > 0 || talk->wire.unflushed);
}

/* Until all is with the kernel, or it has no room. False: lost. */
static bool send_waiting(struct talk *talk)
{
    enum io_status status = IO_DONE;
    int sys_errno = 0;
    while (status == IO_DONE && has_to_send(talk)) {
        size_t taken = 0;
        status = talk->out_bytes > 0 ? talk->transport->write(&talk->wire, talk->out,
                                                              talk->out_bytes, &taken, &sys_errno)
                                     : talk->transport->flush(&talk->wire, &sys_errno);
        if (taken == 0)
            continue;
        talk->out_bytes -= taken;
        memmove(talk->out, talk->out + taken, talk->out_bytes);
        explicit_bzero(talk->out + talk->out_bytes, taken);
    }
    /* A server that refuses a connection writes why and closes; reading finds its words. */
    talk->deaf |= status == IO_CLOSED ||
                  (status == IO_FAILED && (sys_errno == EPIPE || sys_errno == ECONNRESET));
    if (status == IO_FAILED && !talk->deaf)
        (void)lose(talk, TALK_LOSS_WRITE, sys_errno, NULL);
    return status != IO_FAILED || talk->deaf;
}

/* ---- replies ---- */

static enum talk_step take_reply(struct talk *talk, redisReply **reply)
{
    const char *why;
    switch (reply_reader_next(talk->reader, reply, &why)) {
    case REPLY_WHOLE:
        return TALK_REPLY;
    case REPLY_REFUSED:
        return lose(talk, TALK_LOSS_REPLY, 0, why);
    case REPLY_MORE:
        break;
    }
    return TALK_MOVED;
}

static enum talk_step receive(struct talk *talk, redisReply **reply)
{
    size_t got = 0;
    int sys_errno = 0;
    char *room = reply_reader_room(talk->reader);
    enum io_status status =
        talk->transport->read(&talk->wire, room, REPLY_ROOM_BYTES, &got, &sys_errno);
    if (status == IO_AGAIN)
        return wait_for(talk, has_to_send(talk) ? POLLIN | POLLOUT : POLLIN);
    if (status != IO_DONE)
        return lose(talk, TALK_LOSS_READ, status == IO_FAILED ? sys_errno : 0,
                    tls_failure(&talk->wire));
    if (!talk->heard && talk->wire.tls == NULL)
        talk->advice = tls_advice_for_plain(room, got);
    talk->heard = true;
    talk->reads++;
    reply_reader_filled(talk->reader, got);
    return take_reply(talk, reply);
}

enum talk_step talk_step(struct talk *talk, redisReply **reply)
{
    *reply = NULL;
    if (talk->loss != TALK_LOSS_NONE)
        return TALK_LOST;
    if (talk->phase == TALK_CONNECTING)
        return go_on_connecting(talk);
    if (talk->phase == TALK_HANDSHAKE)
        return shake_hands(talk);
    if (!send_waiting(talk))
        return TALK_LOST;
    enum talk_step step = take_reply(talk, reply);
    return step == TALK_MOVED ? receive(talk, reply) : step;
}
