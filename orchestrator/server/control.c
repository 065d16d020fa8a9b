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

/* Whether there is time left. */
static enum wait_result look(const struct control *control, uint64_t deadline_ns)
{
    if (is_interrupted(control))
        return WAIT_INTERRUPTED;
    return clock_now_ns() >= deadline_ns ? WAIT_TIMEOUT : WAIT_READY;
}

/* Waits for events on fd (-1: just time) until the deadline. */
static enum wait_result wait_until(const struct control *control, int fd, short events,
                                   uint64_t deadline_ns)
{
    for (;;) {
        enum wait_result seen = look(control, deadline_ns);
        if (seen != WAIT_READY)
            return seen;
        uint64_t now_ns = clock_now_ns();
        uint64_t left_ms =
            now_ns < deadline_ns ? (deadline_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS : 0;
        struct pollfd poll_fd = {.fd = fd, .events = events};
        int ready = poll(&poll_fd, 1, left_ms < SLICE_MS ? (int)left_ms : SLICE_MS);
        if (ready > 0) /* errors too: the call that follows says which */
            return WAIT_READY;
    }
}

void control_give_up(struct control *control)
{
    talk_close(&control->talk);
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

/* ---- going on ---- */

/* A server without TLS takes the beginning of a handshake for that of a command and waits for the
 * rest. Asks on a connection of its own, and takes at most as long again. */
static bool speaks_plain(const struct control *control)
{
    static const char *const ping[] = {"PING"};
    const uint64_t deadline_ns = deadline(control);
    struct talk talk;
    redisReply *reply = NULL;
    bool goes_on = talk_open(&talk, &control->target, NULL) && talk_send(&talk, 1, ping, NULL);
    while (goes_on && reply == NULL) {
        enum talk_step step = talk_step(&talk, &reply);
        goes_on = step != TALK_LOST &&
                  (step != TALK_WAITS ||
                   wait_until(control, talk.wire.fd, talk.wants, deadline_ns) == WAIT_READY) &&
                  look(control, deadline_ns) == WAIT_READY;
    }
    talk_close(&talk);
    bool answered = reply != NULL;
    freeReplyObject(reply);
    return answered;
}

static enum err_code late_error(struct control *control, struct err *err)
{
    static const char *const doing[] = {[TALK_CONNECTING] = "cannot connect to",
                                        [TALK_HANDSHAKE] = "TLS handshake with",
                                        [TALK_SPEAKING] = "connected to"};
    if (control->talk.phase == TALK_HANDSHAKE && speaks_plain(control))
        return err_set(err, E_CONNECT,
                       "%s %s: the server speaks plain RESP here, not TLS: leave out --tls",
                       doing[TALK_HANDSHAKE], control->text);
    return no_answer_error(control, doing[control->talk.phase], err);
}

static enum err_code connect_error(const struct control *control, struct err *err)
{
    if (control->talk.sys_errno == EADDRNOTAVAIL)
        return err_set(err, E_CONNECT,
                       "no local port is free for %s: those of connections that have ended "
                       "are kept for a minute; wait, or see net.ipv4.ip_local_port_range",
                       control->text);
    /* A Unix socket whose queue is full says EAGAIN. */
    return err_set_errno(err, E_CONNECT, control->talk.sys_errno, "cannot connect to %s",
                         control->text);
}

/* The stream has ended, or broken. */
static enum err_code closed_error(struct control *control, struct err *err)
{
    const struct talk *talk = &control->talk;
    char to[CONTROL_QUESTION_BYTES + 4];
    if (talk->why != NULL)
        return err_set(err, E_CONNECT, "TLS with %s: %s", control->text, talk->why);
    control->closed_by_peer = true;
    const char *advice =
        talk->wire.tls == NULL && !talk->heard && control->endpoint.socket_path == NULL
            ? tls_advice_for_plain(NULL, 0)
            : NULL;
    if (talk->sys_errno != 0 && advice == NULL)
        return err_set_errno(err, E_CONNECT, talk->sys_errno, "cannot read from %s", control->text);
    return err_set(err, E_CONNECT, "%s closed the connection without an answer%s%s%s",
                   control->text, to_question(to, sizeof to, control), advice != NULL ? "; " : "",
                   advice != NULL ? advice : "");
}

static enum err_code reply_error(const struct control *control, struct err *err)
{
    const bool known = control->question[0] != '\0';
    if (control->talk.advice != NULL)
        return err_set(err, E_CONNECT, "%s does not speak RESP in plain: %s", control->text,
                       control->talk.advice);
    return err_set(err, E_CONNECT, "%s %s%s%s%s", control->text, control->talk.why,
                   known ? " (asked for " : "", control->question, known ? ")" : "");
}

static enum err_code lost_error(struct control *control, struct err *err)
{
    switch (control->talk.loss) {
    case TALK_LOSS_CONNECT:
        return connect_error(control, err);
    case TALK_LOSS_HANDSHAKE:
        return err_set(err, E_CONNECT, "TLS handshake with %s: %s", control->text,
                       control->talk.why);
    case TALK_LOSS_WRITE:
        return err_set_errno(err, E_CONNECT, control->talk.sys_errno, "cannot write to %s",
                             control->text);
    case TALK_LOSS_REPLY:
        return reply_error(control, err);
    case TALK_LOSS_READ:
    case TALK_LOSS_NONE:
        break;
    }
    return closed_error(control, err);
}

/* Until it is connected, or there is a reply. Bytes may come without end and without a pause; what has come in time
 * counts, however late it is read. */
static enum err_code go_on(struct control *control, redisReply **reply, uint64_t deadline_ns,
                           struct err *err)
{
    enum talk_step step;
    while ((step = talk_step(&control->talk, reply)) != TALK_READY && step != TALK_REPLY) {
        if (step == TALK_LOST)
            return lost_error(control, err);
        enum wait_result waited = step == TALK_MOVED ? look(control, deadline_ns)
                                                     : wait_until(control, control->talk.wire.fd,
                                                                  control->talk.wants, deadline_ns);
        if (waited == WAIT_INTERRUPTED)
            return control_interrupted_error(control, err);
        if (waited == WAIT_TIMEOUT)
            return late_error(control, err);
    }
    return OK;
}

/* ---- connecting ---- */

/* One address, until the deadline. */
static enum err_code connect_one(struct control *control, const struct target_address *target,
                                 uint64_t deadline_ns, struct err *err)
{
    redisReply *none;
    control->target = *target;
    memcpy(control->text, target->text, sizeof control->text);
    enum err_code code = reach_allow(target, err);
    if (code != OK)
        return code;
    code = talk_open(&control->talk, target, control->endpoint.tls_client)
               ? go_on(control, &none, deadline_ns, err)
               : err_set(err, E_SYSTEM, "cannot connect: out of memory");
    if (code != OK)
        control_give_up(control);
    return code;
}

/* Each address gets its share of the time that is left, so that one that swallows packets does not
 * keep the next from being tried. The error told is that of the first address. */
enum err_code control_open(struct control *control, const struct target_address *addresses,
                           uint32_t address_count, struct err *err)
{
    struct err first = {.code = OK};
    if (control->endpoint.tls.wanted && control->endpoint.tls_client == NULL)
        return err_set(err, E_SYSTEM, "cannot connect: TLS was not set up");
    for (uint32_t i = 0; i < address_count; i++) {
        struct err attempt = {.code = OK};
        uint64_t now_ns = clock_now_ns();
        uint64_t remaining_ns = control->deadline_ns > now_ns ? control->deadline_ns - now_ns : 0;
        enum err_code code = connect_one(control, &addresses[i],
                                         now_ns + remaining_ns / (address_count - i), &attempt);
        if (code == OK)
            return OK;
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

/* For everybody who is told. */
static void mask(const struct control *control, redisReply *reply)
{
    if (control->endpoint.password != NULL)
        mask_errors(reply, control->endpoint.password, false);
}

enum err_code control_exchange(struct control *control, redisReply **reply, int argc,
                               const char *const *argv, const size_t *lengths, struct err *err)
{
    *reply = NULL;
    control->closed_by_peer = false;
    control->unanswered = false;
    if (!control_is_open(control))
        return err_set(err, E_CONNECT, "the connection to %s is closed", control->text);
    if (!talk_send(&control->talk, argc, argv, lengths))
        return err_set(err, E_SYSTEM, "cannot write a command: out of memory");
    name_question(control->question, argc, argv);
    const uint64_t sent_ns = clock_now_ns();
    enum err_code code = go_on(control, reply, control->deadline_ns, err);
    const uint64_t took_ns = clock_now_ns() - sent_ns;
    if (code == OK && (control->round_trip_ns == 0 || took_ns < control->round_trip_ns))
        control->round_trip_ns = took_ns;
    control->question[0] = '\0';
    if (code != OK)
        control_give_up(control);
    assert(code != OK || *reply != NULL);
    if (code == OK)
        mask(control, *reply);
    return code;
}

uint64_t control_round_trip_ns(const struct control *control)
{
    return control->round_trip_ns;
}

const volatile int *control_interrupted(const struct control *control)
{
    return control->interrupted;
}

const struct wire *control_wire(const struct control *control)
{
    return &control->talk.wire;
}

void control_close(struct control *control)
{
    if (control == NULL)
        return;
    control_give_up(control);
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
    return talk_is_open(&control->talk);
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
    if (!control_is_open(control) && control->late_aside) {
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

enum err_code control_send(struct control *control, int argc, const char *const *argv,
                           const size_t *lengths, struct err *err)
{
    if (!control_is_open(control))
        return err_set(err, E_CONNECT, "the connection to %s is closed", control->text);
    if (!talk_send(&control->talk, argc, argv, lengths))
        return err_set(err, E_SYSTEM, "cannot write a command: out of memory");
    name_question(control->question, argc, argv);
    return OK;
}

enum err_code control_take(struct control *control, struct redisReply **reply, struct err *err)
{
    *reply = NULL;
    if (!control_is_open(control))
        return err_set(err, E_CONNECT, "the connection to %s is closed", control->text);
    control_deadline_begin(control);
    enum err_code code = go_on(control, reply, control->deadline_ns, err);
    if (code != OK)
        control_give_up(control);
    else
        mask(control, *reply);
    return code;
}

enum err_code control_heard(struct control *control, struct redisReply **reply, struct err *err)
{
    enum talk_step step = TALK_MOVED;
    *reply = NULL;
    if (!control_is_open(control))
        return err_set(err, E_CONNECT, "the connection to %s is closed", control->text);
    while (step == TALK_MOVED)
        step = talk_step(&control->talk, reply);
    if (step == TALK_REPLY)
        mask(control, *reply);
    if (step != TALK_LOST)
        return OK;
    enum err_code code = lost_error(control, err);
    control_give_up(control);
    return code;
}
