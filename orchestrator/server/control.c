#include "orchestrator/server/control.h"

#include <assert.h>
#include <errno.h>
#include <hiredis/hiredis.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/secret.h"
#include "common/transport_tls.h"
#include "common/units.h"
#include "orchestrator/server/control_state.h"
#include "orchestrator/server/reach.h"

/* Longest wait without a look at *interrupted. */
#define SLICE_MS 100

/* What control connections with TLS have in common. */
static struct tls_client *tls_client;

/* For questions that the load does not need, over all connections. */
static uint64_t aside_left_ns = CONTROL_ASIDE_NS;

void control_aside_begin(void)
{
    aside_left_ns = CONTROL_ASIDE_NS;
}

bool control_aside_is_late(const struct control *control)
{
    return control->late_aside || aside_left_ns == 0;
}

void control_set_aside(struct control *control, bool all)
{
    control->all_aside = all;
}

void control_use_tls(struct tls_client *client)
{
    tls_client = client;
}

static bool is_interrupted(const struct control *control)
{
    return control->interrupted != NULL && *control->interrupted != 0;
}

enum err_code control_interrupted_error(const struct control *control, struct err *err)
{
    return err_set(err, E_INTERRUPTED, "interrupted while waiting for %s", control->text);
}

static enum err_code aside_error(const struct control *control, struct err *err)
{
    char duration[32];
    return err_set(err, E_CONNECT, "%s takes more than %s over what is asked beside the load",
                   control->text,
                   units_format_duration(duration, sizeof duration, CONTROL_ASIDE_NS));
}

/* " to INFO", or nothing. Returns text. */
static const char *to_question(char *text, size_t text_bytes, const struct control *control)
{
    snprintf(text, text_bytes, "%s%s", control->question[0] != '\0' ? " to " : "",
             control->question);
    return text;
}

static enum err_code no_answer_error(struct control *control, const char *doing, struct err *err)
{
    char duration[32], to[CONTROL_QUESTION_BYTES + 4];
    control->unanswered = true;
    if (control->deadline_ns == control->limit_ns)
        return aside_error(control, err);
    return err_set(err, E_CONNECT, "%s %s: no answer%s within %s", doing, control->text,
                   to_question(to, sizeof to, control),
                   units_format_duration(duration, sizeof duration, control->answer_timeout_ns));
}

enum wait_result { WAIT_READY, WAIT_TIMEOUT, WAIT_INTERRUPTED };

/* Waits for events on fd (-1: just time) until the deadline. */
static enum wait_result wait_until(const struct control *control, int fd, short events,
                                   uint64_t deadline_ns)
{
    for (;;) {
        if (is_interrupted(control))
            return WAIT_INTERRUPTED;
        uint64_t now_ns = clock_now_ns();
        if (now_ns >= deadline_ns)
            return WAIT_TIMEOUT;
        uint64_t left_ms = (deadline_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS;
        struct pollfd poll_fd = {.fd = fd, .events = events};
        int ready = poll(&poll_fd, 1, left_ms < SLICE_MS ? (int)left_ms : SLICE_MS);
        if (ready > 0) /* errors too: the call that follows says which */
            return WAIT_READY;
    }
}

void control_give_up(struct control *control)
{
    if (control->wire.fd >= 0)
        control->transport->close(&control->wire);
    control->fd = -1;
}

bool control_pause(const struct control *control, uint64_t until_ns)
{
    return wait_until(control, -1, 0, until_ns) != WAIT_INTERRUPTED;
}

/* The answer time-out from now on, or the limit. */
static uint64_t deadline(const struct control *control)
{
    uint64_t deadline_ns = clock_now_ns() + control->answer_timeout_ns;
    return deadline_ns < control->limit_ns ? deadline_ns : control->limit_ns;
}

void control_deadline_begin(struct control *control)
{
    control->deadline_ns = deadline(control);
}

/* ---- connecting ---- */

static enum err_code wait_failed(struct control *control, enum wait_result waited,
                                 const char *doing, struct err *err)
{
    control_give_up(control);
    return waited == WAIT_INTERRUPTED ? control_interrupted_error(control, err)
                                      : no_answer_error(control, doing, err);
}

/* A server without TLS takes the beginning of a handshake for that of a command and waits for the
 * rest. Asks on a connection of its own, and takes at most as long again. */
static bool speaks_plain(const struct control *control, const struct target_address *target)
{
    static const char ping[] = "PING\r\n";
    const struct wire_setup setup = {.tls = NULL};
    uint64_t deadline_ns = deadline(control);
    struct wire wire = {.fd = -1};
    char first = '\0';
    size_t count = 0;
    int sys_errno = 0;
    enum io_status status = transport_tcp.connect(&wire, &setup, target, NULL, &sys_errno);
    if (status == IO_AGAIN && wait_until(control, wire.fd, POLLOUT, deadline_ns) == WAIT_READY)
        status = transport_tcp.connected(&wire, &sys_errno);
    if (status == IO_DONE)
        status = transport_tcp.write(&wire, ping, sizeof ping - 1, &count, &sys_errno);
    if (status == IO_DONE && wait_until(control, wire.fd, POLLIN, deadline_ns) == WAIT_READY)
        (void)transport_tcp.read(&wire, &first, 1, &count, &sys_errno);
    if (wire.fd >= 0)
        transport_tcp.close(&wire);
    return first == '+' || first == '-';
}

/* TLS, where it is asked for. */
static enum err_code secure(struct control *control, const struct target_address *target,
                            uint64_t deadline_ns, struct err *err)
{
    static const char doing[] = "TLS handshake with";
    while (control->transport->handshake != NULL) {
        bool wants_write;
        struct err cause = {.code = OK};
        enum io_status status = control->transport->handshake(&control->wire, &wants_write, &cause);
        if (status == IO_DONE)
            break;
        if (status != IO_AGAIN) {
            control_give_up(control);
            return err_set(err, E_CONNECT, "%s %s: %s", doing, control->text, cause.text);
        }
        enum wait_result waited =
            wait_until(control, control->fd, wants_write ? POLLOUT : POLLIN, deadline_ns);
        if (waited == WAIT_TIMEOUT && speaks_plain(control, target)) {
            control_give_up(control);
            return err_set(err, E_CONNECT,
                           "%s %s: the server speaks plain RESP here, not TLS: leave out --tls",
                           doing, control->text);
        }
        if (waited != WAIT_READY)
            return wait_failed(control, waited, doing, err);
    }
    return OK;
}

/* One address, until the deadline. Leaves control->fd open on success. */
static enum err_code connect_one(struct control *control, const struct target_address *target,
                                 uint64_t deadline_ns, struct err *err)
{
    const struct wire_setup setup = {.tls = tls_client};
    int sys_errno = 0;
    memcpy(control->text, target->text, sizeof control->text);
    enum err_code allowed = reach_allow(target, err);
    if (allowed != OK)
        return allowed;
    enum io_status status =
        control->transport->connect(&control->wire, &setup, target, NULL, &sys_errno);
    control->fd = control->wire.fd;
    if (status == IO_AGAIN) {
        enum wait_result waited = wait_until(control, control->fd, POLLOUT, deadline_ns);
        if (waited != WAIT_READY)
            return wait_failed(control, waited, "cannot connect to", err);
        status = control->transport->connected(&control->wire, &sys_errno);
    }
    if (status != IO_DONE) {
        control_give_up(control);
        if (sys_errno == EADDRNOTAVAIL)
            return err_set(err, E_CONNECT,
                           "no local port is free for %s: those of connections that have ended "
                           "are kept for a minute; wait, or see net.ipv4.ip_local_port_range",
                           target->text);
        /* A Unix socket whose queue is full says EAGAIN. */
        return err_set_errno(err, E_CONNECT, sys_errno, "cannot connect to %s", target->text);
    }
    return secure(control, target, deadline_ns, err);
}

/* Each address gets its share of the time that is left, so that one that swallows packets does not
 * keep the next from being tried. The error told is that of the first address. */
enum err_code control_open(struct control *control, const struct target_address *addresses,
                           uint32_t address_count, struct err *err)
{
    struct err first = {.code = OK};
    if (control->transport == &transport_tls && tls_client == NULL)
        return err_set(err, E_SYSTEM, "cannot connect: TLS was not set up");
    for (uint32_t i = 0; i < address_count; i++) {
        struct err attempt = {.code = OK};
        uint64_t now_ns = clock_now_ns();
        uint64_t remaining_ns = control->deadline_ns > now_ns ? control->deadline_ns - now_ns : 0;
        enum err_code code = connect_one(control, &addresses[i],
                                         now_ns + remaining_ns / (address_count - i), &attempt);
        if (code == OK) {
            control->target = addresses[i];
            return OK;
        }
        (void)err_set(&first, code, "%s", attempt.text);
        if (code == E_INTERRUPTED)
            return err_set(err, code, "%s", attempt.text);
    }
    return err_set(err, first.code, "%s", first.text);
}

/* ---- commands ---- */

/* "INFO", "CONFIG GET": what stands behind that makes no difference to a server. */
static void name_question(char name[CONTROL_QUESTION_BYTES], int argc, const char *const *argv)
{
    static const char *const containers[] = {"CLIENT", "CLUSTER", "COMMAND", "CONFIG", "SENTINEL"};
    bool two = false;
    for (size_t i = 0; argc > 1 && i < sizeof containers / sizeof containers[0]; i++)
        two |= strcasecmp(argv[0], containers[i]) == 0;
    snprintf(name, CONTROL_QUESTION_BYTES, "%.15s%s%.15s", argv[0], two ? " " : "",
             two ? argv[1] : "");
}

/* Until all that the transport has taken is with the kernel. */
static enum io_status send_some(struct control *control, const char *bytes, size_t byte_count,
                                size_t *sent, int *sys_errno)
{
    size_t taken = 0;
    enum io_status status = *sent < byte_count
                                ? control->transport->write(&control->wire, bytes + *sent,
                                                            byte_count - *sent, &taken, sys_errno)
                                : control->transport->flush(&control->wire, sys_errno);
    *sent += taken;
    return status;
}

static enum err_code send_all(struct control *control, const char *bytes, size_t byte_count,
                              struct err *err)
{
    for (size_t sent = 0; sent < byte_count || control->wire.unflushed;) {
        int sys_errno = 0;
        enum io_status status = send_some(control, bytes, byte_count, &sent, &sys_errno);
        if (status == IO_DONE)
            continue;
        /* A server that refuses a connection writes why and closes; reading finds its words. */
        if (status == IO_CLOSED ||
            (status == IO_FAILED && (sys_errno == EPIPE || sys_errno == ECONNRESET)))
            return OK;
        if (status == IO_FAILED)
            return err_set_errno(err, E_CONNECT, sys_errno, "cannot write to %s", control->text);
        enum wait_result waited = wait_until(control, control->fd, POLLOUT, control->deadline_ns);
        if (waited == WAIT_INTERRUPTED)
            return control_interrupted_error(control, err);
        if (waited == WAIT_TIMEOUT)
            return no_answer_error(control, "connected to", err);
    }
    return OK;
}

/* The stream has ended, or broken; sys_errno 0: in good order. */
static enum err_code lost_error(struct control *control, int sys_errno, struct err *err)
{
    const char *why = tls_failure(&control->wire);
    char to[CONTROL_QUESTION_BYTES + 4];
    if (why != NULL)
        return err_set(err, E_CONNECT, "TLS with %s: %s", control->text, why);
    control->closed_by_peer = true;
    const char *advice = control->wire.tls == NULL && !control->heard && !control->is_local
                             ? tls_advice_for_plain(NULL, 0)
                             : NULL;
    if (sys_errno != 0 && advice == NULL)
        return err_set_errno(err, E_CONNECT, sys_errno, "cannot read from %s", control->text);
    return err_set(err, E_CONNECT, "%s closed the connection without an answer%s%s%s",
                   control->text, to_question(to, sizeof to, control), advice != NULL ? "; " : "",
                   advice != NULL ? advice : "");
}

/* Bytes may come without end and without a pause. */
static enum err_code check_time(struct control *control, struct err *err)
{
    if (is_interrupted(control))
        return control_interrupted_error(control, err);
    if (clock_now_ns() >= control->deadline_ns)
        return no_answer_error(control, "connected to", err);
    return OK;
}

/* *advice: when a TLS port seems to be there instead. *nothing: no more bytes have come. */
static enum err_code read_some(struct control *control, bool *nothing, const char **advice,
                               struct err *err)
{
    size_t got = 0;
    int sys_errno = 0;
    char *room = reply_reader_room(control->reader);
    enum io_status status =
        control->transport->read(&control->wire, room, REPLY_ROOM_BYTES, &got, &sys_errno);
    *nothing = status == IO_AGAIN;
    if (*nothing)
        return OK;
    if (status != IO_DONE)
        return lost_error(control, status == IO_FAILED ? sys_errno : 0, err);
    if (!control->heard && control->wire.tls == NULL)
        *advice = tls_advice_for_plain(room, got);
    control->heard = true;
    reply_reader_filled(control->reader, got);
    return OK;
}

/* Nobody behind this sees a server's words with the password in them. Those inside of a list are shown to
 * nobody, and may be a million: they go. */
static void mask_errors(redisReply *reply, const char *password, bool inside)
{
    if (reply->type == REDIS_REPLY_ERROR && inside)
        reply->str[0] = '\0';
    else if (reply->type == REDIS_REPLY_ERROR)
        secret_mask_reply(reply->str, password);
    if (reply->type == REDIS_REPLY_ERROR)
        reply->len = strlen(reply->str);
    for (size_t i = 0; i < reply->elements; i++)
        mask_errors(reply->element[i], password, true);
}

static enum err_code refused_error(const struct control *control, const char *why, struct err *err)
{
    const bool known = control->question[0] != '\0';
    return err_set(err, E_CONNECT, "%s %s%s%s%s", control->text, why, known ? " (asked for " : "",
                   control->question, known ? ")" : "");
}

/* *reply NULL and OK: nothing is there, and may_be_none. */
static enum err_code read_reply(struct control *control, redisReply **reply, bool may_be_none,
                                struct err *err)
{
    const char *advice = NULL;
    bool awaited = true; /* what has come in time counts, however late it is read */
    for (;;) {
        const char *why;
        bool nothing;
        enum reply_status status = reply_reader_next(control->reader, reply, &why);
        if (status == REPLY_WHOLE) {
            if (control->login.password != NULL)
                mask_errors(*reply, control->login.password, false);
            return OK;
        }
        if (status == REPLY_REFUSED && advice != NULL)
            return err_set(err, E_CONNECT, "%s does not speak RESP in plain: %s", control->text,
                           advice);
        if (status == REPLY_REFUSED)
            return refused_error(control, why, err);
        enum err_code code = awaited || may_be_none ? OK : check_time(control, err);
        if (code == OK)
            code = read_some(control, &nothing, &advice, err);
        if (code != OK || (nothing && may_be_none))
            return code;
        awaited = nothing;
        if (!nothing)
            continue;
        enum wait_result waited = wait_until(control, control->fd, POLLIN, control->deadline_ns);
        if (waited == WAIT_INTERRUPTED)
            return control_interrupted_error(control, err);
        if (waited == WAIT_TIMEOUT)
            return no_answer_error(control, "connected to", err);
    }
}

enum err_code control_exchange(struct control *control, redisReply **reply, int argc,
                               const char *const *argv, const size_t *lengths, struct err *err)
{
    char *bytes = NULL;
    *reply = NULL;
    control->closed_by_peer = false;
    control->unanswered = false;
    if (control->fd < 0)
        return err_set(err, E_CONNECT, "the connection to %s is closed", control->text);
    /* hiredis asks for pointers that are not const, and does not write through them. */
    const char **args = calloc((size_t)argc, sizeof *args);
    long long byte_count = -1;
    if (args != NULL) {
        memcpy(args, argv, (size_t)argc * sizeof *args);
        byte_count = redisFormatCommandArgv(&bytes, argc, args, lengths);
    }
    free((void *)(uintptr_t)args);
    if (byte_count < 0)
        return err_set(err, E_SYSTEM, "cannot write a command: out of memory");
    name_question(control->question, argc, argv);
    enum err_code code = send_all(control, bytes, (size_t)byte_count, err);
    explicit_bzero(bytes, (size_t)byte_count); /* it may hold the password */
    redisFreeCommand(bytes);
    if (code == OK)
        code = read_reply(control, reply, false, err);
    control->question[0] = '\0';
    if (code != OK)
        control_give_up(control);
    assert(code != OK || *reply != NULL);
    return code;
}

const volatile int *control_interrupted(const struct control *control)
{
    return control->interrupted;
}

const struct wire *control_wire(const struct control *control)
{
    return &control->wire;
}

void control_close(struct control *control)
{
    if (control == NULL)
        return;
    control_give_up(control);
    reply_reader_free(control->reader);
    free(control);
}

/* ---- for everybody ---- */

static bool closes_on(const struct control *control, const char *question)
{
    for (uint32_t i = 0; i < control->closing_count; i++)
        if (strcasecmp(control->closing[i], question) == 0)
            return true;
    return false;
}

static enum err_code closing_error(const struct control *control, const char *question,
                                   struct err *err)
{
    return err_set(err, E_CONNECT, "%s closes the connection when it is asked %s", control->text,
                   question);
}

/* The server has closed the connection instead of answering. When it still serves, that was its answer. */
static enum err_code take_closing(struct control *control, const char *question,
                                  const struct err *closed, struct err *err)
{
    struct err ignored = {.code = OK};
    if (control_reopen(control, &ignored) != OK)
        return err_set(err, closed->code, "%s", closed->text);
    if (control->closing_count < CONTROL_CLOSING_MAX)
        snprintf(control->closing[control->closing_count++], CONTROL_QUESTION_BYTES, "%s",
                 question);
    return closing_error(control, question, err);
}

bool control_is_open(const struct control *control)
{
    return control->fd >= 0;
}

static enum err_code ask(struct control *control, struct redisReply **reply, int argc,
                         const char *const *argv, const size_t *lengths, struct err *err)
{
    char question[CONTROL_QUESTION_BYTES];
    name_question(question, argc, argv);
    if (closes_on(control, question))
        return closing_error(control, question, err);
    if (is_interrupted(control))
        return control_interrupted_error(control, err);
    control_deadline_begin(control);
    struct err attempt = {.code = OK};
    enum err_code code = control_exchange(control, reply, argc, argv, lengths, &attempt);
    if (code == E_CONNECT && control->closed_by_peer)
        return take_closing(control, question, &attempt, err);
    return code == OK ? OK : err_set(err, code, "%s", attempt.text);
}

static enum err_code ask_aside(struct control *control, struct redisReply **reply, int argc,
                               const char *const *argv, const size_t *lengths, struct err *err)
{
    struct err late = {.code = OK};
    const uint64_t began_ns = clock_now_ns(), left_ns = aside_left_ns;
    if (left_ns == 0)
        return aside_error(control, err);
    control->limit_ns = began_ns + left_ns;
    enum err_code code = ask(control, reply, argc, argv, lengths, err);
    control->limit_ns = UINT64_MAX;
    const uint64_t passed_ns = clock_now_ns() - began_ns;
    aside_left_ns -= passed_ns < left_ns ? passed_ns : left_ns;
    if (aside_left_ns == 0 && aside_error(control, &late) != OK)
        log_line(LOG_WARNING, "%s; the report says less of the server", late.text);
    else if (code == E_CONNECT && control->unanswered)
        log_line(LOG_WARNING, "%s; the report says less of the server", err->text);
    /* Short time-outs end before what all such questions may take does. */
    control->late_aside |= code == E_CONNECT && (control->unanswered || aside_left_ns == 0);
    return code;
}

enum err_code control_command_aside(struct control *control, struct redisReply **reply, int argc,
                                    const char *const *argv, struct err *err)
{
    *reply = NULL;
    return ask_aside(control, reply, argc, argv, NULL, err);
}

enum err_code control_command_bytes(struct control *control, struct redisReply **reply, int argc,
                                    const char *const *argv, const size_t *lengths, struct err *err)
{
    *reply = NULL;
    if (control->all_aside)
        return ask_aside(control, reply, argc, argv, lengths, err);
    if (control->fd < 0 && control->late_aside) {
        control->late_aside = false;
        enum err_code code = control_reopen(control, err);
        if (code != OK)
            return code;
    }
    return ask(control, reply, argc, argv, lengths, err);
}

enum err_code control_command(struct control *control, struct redisReply **reply, int argc,
                              const char *const *argv, struct err *err)
{
    return control_command_bytes(control, reply, argc, argv, NULL, err);
}

enum err_code control_heard(struct control *control, struct redisReply **reply, struct err *err)
{
    *reply = NULL;
    if (control->fd < 0)
        return err_set(err, E_CONNECT, "the connection to %s is closed", control->text);
    enum err_code code = read_reply(control, reply, true, err);
    if (code != OK)
        control_give_up(control);
    return code;
}
